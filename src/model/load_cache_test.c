#include "model/load_test_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* It stands in line 2. */
static const struct load_row cache_rows[] = {
	{__LINE__, "cache: off\n", "x\n"},
	{__LINE__, "cache: memory\n", "x\n"},
	{__LINE__, "cache: \"off\"\n", "x\n"},
	{__LINE__, "cache: redis://h:1\n", "x\n"},
	{__LINE__, "cache: redis://[::1]:65535\n", "x\n"},
	{__LINE__, "cache: redis://127.0.0.1:6379\n", "x\n"},
	{__LINE__, "cache: ${UNSET:-memory}\n", "x\n"},
	{__LINE__, "cache_secret: 0123456789abcdef\n", "x\n"},
	{__LINE__, "cache_secret: \"\"\n", ":2:15: `cache_secret` has no value\n"},
	{__LINE__, "cache: redis://h:65536\n",
	 ":2:8: `cache` names no server\n"
	 "    hint: write memory, off or redis://HOST:PORT\n"},
	{__LINE__, "cache: redis://user:secret@h:1\n", "x\n"},
	{__LINE__, "cache: redis://:p%40%2Fw@h:1\n", "x\n"},
	{__LINE__, "cache: redis://secret@h:1\n",
	 ":2:8: `cache` names no server\n"
	 "    hint: write memory, off or redis://HOST:PORT\n"},
	{__LINE__, "cache: redis://user:@h:1\n",
	 ":2:8: `cache` names no server\n"
	 "    hint: write memory, off or redis://HOST:PORT\n"},
	{__LINE__, "cache: redis://:a@b@h:1\n",
	 ":2:8: `cache` names no server\n"
	 "    hint: write memory, off or redis://HOST:PORT\n"},
	{__LINE__, "cache: redis://:a%4@h:1\n",
	 ":2:8: `cache` names no server\n"
	 "    hint: write memory, off or redis://HOST:PORT\n"},
	{__LINE__, "cache: redis://:1\n",
	 ":2:8: `cache` names no server\n"
	 "    hint: write memory, off or redis://HOST:PORT\n"},
	{__LINE__, "cache: redis://h\n",
	 ":2:8: `cache` names no server\n"
	 "    hint: write memory, off or redis://HOST:PORT\n"},
	{__LINE__, "cache: redis://h:0\n",
	 ":2:8: `cache` names no server\n"
	 "    hint: write memory, off or redis://HOST:PORT\n"},
	{__LINE__, "cache: \"redis://h:\"\n",
	 ":2:8: `cache` names no server\n"
	 "    hint: write memory, off or redis://HOST:PORT\n"},
	{__LINE__, "cache: redis://h:1/2\n",
	 ":2:8: `cache` names no server\n"
	 "    hint: write memory, off or redis://HOST:PORT\n"},
	{__LINE__, "cache: redis://h:1x\n",
	 ":2:8: `cache` names no server\n"
	 "    hint: write memory, off or redis://HOST:PORT\n"},
	{__LINE__, "cache: redis://\n",
	 ":2:8: `cache` names no server\n"
	 "    hint: write memory, off or redis://HOST:PORT\n"},
	{__LINE__, "cache: redis://[::1]\n",
	 ":2:8: `cache` names no server\n"
	 "    hint: write memory, off or redis://HOST:PORT\n"},
	{__LINE__, "cache: false\n",
	 ":2:8: there is no such cache\n"
	 "    hint: write memory, off or redis://HOST:PORT\n"},
	{__LINE__, "cache: \"\"\n", ":2:8: `cache` has no value\n"},
	{__LINE__, "cache: Memory\n",
	 ":2:8: there is no such cache\n"
	 "    hint: write memory, off or redis://HOST:PORT\n"},
	{__LINE__, "cache: redis:h:1\n",
	 ":2:8: there is no such cache\n"
	 "    hint: write memory, off or redis://HOST:PORT\n"},
	{__LINE__, "cache: on\n",
	 ":2:8: there is no such cache\n"
	 "    hint: write memory, off or redis://HOST:PORT\n"},
	{__LINE__, "cache:\n", ":2:7: `cache` has no value\n"},
	{__LINE__, "cache_secret: 0123456789abcde\n",
	 ":2:15: `cache_secret` has less than 16 characters\n"
	 "    hint: `openssl rand -hex 32` makes a good one\n"},
};

static void test_cache(void **state)
{
	(void)state;
	test_load_rows("service: x\n", "", cache_rows, sizeof(cache_rows) / sizeof(cache_rows[0]));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cache),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
