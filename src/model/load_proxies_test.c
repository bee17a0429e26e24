#include "model/load_test_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/buf.h"

#define HINT                                                                                       \
	"    hint: write ADDRESS or ADDRESS/BITS, such as 127.0.0.1 or 10.0.0.0/8; names are not "     \
	"looked up\n"

/* `trusted_proxies:` stands in line 2. */
static const struct load_row rows[] = {
	{__LINE__, "trusted_proxies: 127.0.0.1\n", "x proxy 127.0.0.1/128\n"},
	{__LINE__, "trusted_proxies: [127.0.0.1, 10.0.0.0/8, \"2001:db8::/32\"]\n",
	 "x proxy 127.0.0.1/128 proxy 10.0.0.0/104 proxy 2001:db8::/32\n"},
	{__LINE__, "trusted_proxies: [nginx]\n", ":2:19: \"nginx\" is no block of addresses\n" HINT},
	{__LINE__, "trusted_proxies: 10.0.0.1/8\n",
	 ":2:18: \"10.0.0.1/8\" is no block of addresses\n" HINT},
	{__LINE__, "trusted_proxies: []\n",
	 ":2:18: `trusted_proxies` names 1 to 100 addresses\n"
	 "    hint: leave it out: then nobody is believed\n"},
	{__LINE__, "trusted_proxies: {}\n", ":2:18: `trusted_proxies` is one text, not a map\n"},
	{__LINE__, "trusted_proxies: [\"\"]\n", ":2:19: `trusted_proxies` has no value\n"},
};

static void test_proxies(void **state)
{
	(void)state;
	test_load_rows("service: x\n", "", rows, sizeof(rows) / sizeof(rows[0]));
}

static void test_limit(void **state)
{
	(void)state;
	for (size_t more = 0; more < 2; more++) {
		struct buf yaml;
		buf_init(&yaml, 65536);
		buf_append(&yaml, STR("trusted_proxies: [127.0.0.1"));
		for (size_t i = 1; i < MODEL_PROXIES_MAX + more; i++) {
			buf_append(&yaml, STR(", 127.0.0.1"));
		}
		buf_append(&yaml, STR("]\n"));
		buf_append_byte(&yaml, '\0');
		char *got = test_load("service: x\n", yaml.ptr);
		assert_int_equal(got[0] == ':', more == 1);
		free(got);
		buf_finish(&yaml);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proxies),
		cmocka_unit_test(test_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
