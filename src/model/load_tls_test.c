#include "model/load_test_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define PAIR "    hint: tls: { certificate: server.crt, key: server.key }\n"

/* `tls:` stands in line 2. */
static const struct load_row rows[] = {
	{__LINE__, "tls: { certificate: a.crt, key: b.key }\n", "x tls there/a.crt there/b.key\n"},
	{__LINE__, "tls: { key: /b.key, certificate: ../a.crt }\n", "x tls there/../a.crt /b.key\n"},
	{__LINE__, "tls: { certificate: \"${DIR}/a\", key: \"${DIR}/b\" }\n", "x tls data/a data/b\n"},

	{__LINE__, "tls: {}\n", ":2:6: `tls` names no certificate\n" PAIR},
	{__LINE__, "tls: { certificate: a }\n", ":2:6: `tls` names no key\n" PAIR},
	{__LINE__, "tls: { key: a }\n", ":2:6: `tls` names no certificate\n" PAIR},
	{__LINE__, "tls: on\n", ":2:6: `tls` is a map of entries `word: value`\n"},
	{__LINE__, "tls: { cert: a, key: b }\n",
	 ":2:8: unknown word \"cert\" in `tls`\n    hint: did you mean \"certificate\"?\n"},
	{__LINE__, "tls: { certificate: [a], key: b }\n",
	 ":2:21: `certificate` is one text, not a list\n"},
	{__LINE__, "tls: { certificate: a, key: \"\" }\n", ":2:29: `key` has no value\n"},
	{__LINE__, "tls: { certificate: a, key: \"-----BEGIN PRIVATE KEY-----\" }\n",
	 ":2:29: `key` is the path of a PEM file\n"
	 "    hint: write it to a file of its own\n"},
};

static void test_tls(void **state)
{
	(void)state;
	test_load_rows("service: x\n", "", rows, sizeof(rows) / sizeof(rows[0]));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {cmocka_unit_test(test_tls)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
