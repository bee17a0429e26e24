#include "api/forwarded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Trusted are 127.0.0.1, 10.0.0.0/8 and 2001:db8::/32. */
static const struct {
	int line;
	const char *peer;
	const char *fields[3]; /* of X-Forwarded-For, in order */
	const char *want;
} rows[] = {
	{__LINE__, "127.0.0.1", {NULL}, "127.0.0.1"},
	{__LINE__, "127.0.0.1", {"192.0.2.1"}, "192.0.2.1"},
	{__LINE__, "10.1.2.3", {"192.0.2.1"}, "192.0.2.1"},
	{__LINE__, "2001:db8::5", {"192.0.2.1"}, "192.0.2.1"},
	/* Nobody else is believed. */
	{__LINE__, "192.0.2.9", {"192.0.2.1"}, "192.0.2.9"},
	{__LINE__, "192.0.2.9", {"127.0.0.1"}, "192.0.2.9"},
	{__LINE__, "127.0.0.2", {"192.0.2.1"}, "127.0.0.2"},
	{__LINE__, "::1", {"192.0.2.1"}, "::1"},
	{__LINE__, "", {"192.0.2.1"}, ""},
	/* The last that is not trusted: what stands before it is what that one says. */
	{__LINE__, "127.0.0.1", {"198.51.100.1, 192.0.2.1"}, "192.0.2.1"},
	{__LINE__, "127.0.0.1", {"127.0.0.1, 192.0.2.1"}, "192.0.2.1"},
	{__LINE__, "127.0.0.1", {"198.51.100.1, 192.0.2.1, 10.0.0.7"}, "192.0.2.1"},
	{__LINE__, "127.0.0.1", {"198.51.100.1,192.0.2.1,10.0.0.7,2001:db8::1"}, "192.0.2.1"},
	{__LINE__, "127.0.0.1", {"10.9.9.9, 10.0.0.7"}, "10.9.9.9"},
	/* Several fields are one list. */
	{__LINE__, "127.0.0.1", {"198.51.100.1", "192.0.2.1"}, "192.0.2.1"},
	{__LINE__, "127.0.0.1", {"198.51.100.1", "192.0.2.1", "10.0.0.7"}, "192.0.2.1"},
	{__LINE__, "127.0.0.1", {"192.0.2.1", "x", "10.0.0.7"}, "10.0.0.7"},
	/* Forms. */
	{__LINE__, "127.0.0.1", {"192.0.2.1:4711"}, "192.0.2.1"},
	{__LINE__, "127.0.0.1", {"[2001:DB9::1]:4711"}, "2001:db9::1"},
	{__LINE__, "127.0.0.1", {"2001:DB9:0::1"}, "2001:db9::1"},
	{__LINE__, "127.0.0.1", {"::ffff:192.0.2.1"}, "192.0.2.1"},
	{__LINE__, "127.0.0.1", {"::ffff:10.0.0.1"}, "10.0.0.1"},
	{__LINE__, "127.0.0.1", {"  192.0.2.1\t "}, "192.0.2.1"},
	/* What is no address: the proxy that passed it on is answered for it. */
	{__LINE__, "127.0.0.1", {""}, "127.0.0.1"},
	{__LINE__, "127.0.0.1", {","}, "127.0.0.1"},
	{__LINE__, "127.0.0.1", {"192.0.2.1,"}, "127.0.0.1"},
	{__LINE__, "127.0.0.1", {"unknown"}, "127.0.0.1"},
	{__LINE__, "127.0.0.1", {"unknown, 10.0.0.7"}, "10.0.0.7"},
	{__LINE__, "127.0.0.1", {"192.0.2.1 198.51.100.1"}, "127.0.0.1"},
	{__LINE__, "127.0.0.1", {"192.0.2.1;10.0.0.1"}, "127.0.0.1"},
	{__LINE__, "127.0.0.1", {"\"192.0.2.1\""}, "127.0.0.1"},
	{__LINE__, "127.0.0.1", {"192.0.2.1/8"}, "127.0.0.1"},
	{__LINE__, "127.0.0.1", {"for=192.0.2.1"}, "127.0.0.1"},
	{__LINE__, "127.0.0.1", {"192.0.2.999"}, "127.0.0.1"},
	{__LINE__, "127.0.0.1", {"0300.0.2.1"}, "127.0.0.1"},
	{__LINE__, "127.0.0.1", {"fe80::1%25eth0"}, "127.0.0.1"},
	{__LINE__, "127.0.0.1", {"localhost"}, "127.0.0.1"},
	{__LINE__, "127.0.0.1", {"' or 1=1 --"}, "127.0.0.1"},
	{__LINE__, "127.0.0.1", {",,,,,,,,,,"}, "127.0.0.1"},
};

static void test_peers(void **state)
{
	struct cidr trusted[3];
	struct arena arena;
	(void)state;
	assert_true(cidr_parse(STR("127.0.0.1"), &trusted[0]));
	assert_true(cidr_parse(STR("10.0.0.0/8"), &trusted[1]));
	assert_true(cidr_parse(STR("2001:db8::/32"), &trusted[2]));
	const struct model model = {.trusted_proxies = trusted, .trusted_proxy_count = 3};
	const struct model nobody = {.trusted_proxies = NULL};
	arena_init(&arena, 1024);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http_field fields[5] = {{STR("Host"), STR("h")}};
		struct http_request request = {
			.peer = str_from(rows[i].peer), .fields = fields, .field_count = 1};
		for (size_t k = 0; k < 3 && rows[i].fields[k] != NULL; k++) {
			fields[request.field_count++] = (struct http_field){
				k == 0 ? STR("X-Forwarded-For") : STR("x-forwarded-for"),
				str_from(rows[i].fields[k]),
			};
		}
		struct str got = forwarded_peer(&request, &model, &arena);
		if (!str_equal(got, str_from(rows[i].want))) {
			fail_msg("line %d: %.*s", rows[i].line, STR_ARG(got));
		}
		assert_true(str_equal(forwarded_peer(&request, &nobody, &arena), request.peer));
	}
	arena_finish(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_peers)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
