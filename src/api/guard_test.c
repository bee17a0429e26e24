#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/guard.h"

static const struct {
	int line;
	enum http_method method;
	const char *host;
	const char *site;   /* Sec-Fetch-Site */
	const char *origin; /* Origin */
	bool open;
	bool want;
} rows[] = {
	{__LINE__, HTTP_GET, "localhost", NULL, NULL, false, true},
	{__LINE__, HTTP_GET, "LOCALHOST:8888", NULL, NULL, false, true},
	{__LINE__, HTTP_GET, "127.0.0.1:8888", NULL, NULL, false, true},
	{__LINE__, HTTP_GET, "127.9.8.7", NULL, NULL, false, true},
	{__LINE__, HTTP_GET, "[::1]:8888", NULL, NULL, false, true},
	{__LINE__, HTTP_GET, "", NULL, NULL, false, true},
	{__LINE__, HTTP_GET, "evil.example", NULL, NULL, false, false},
	{__LINE__, HTTP_GET, "127.evil.example", NULL, NULL, false, false},
	{__LINE__, HTTP_GET, "localhost.evil.example", NULL, NULL, false, false},
	{__LINE__, HTTP_GET, "[::2]", NULL, NULL, false, false},
	{__LINE__, HTTP_GET, "evil.example", NULL, NULL, true, true},
	{__LINE__, HTTP_GET, "localhost", "cross-site", "http://evil.example", false, true},
	{__LINE__, HTTP_PUT, "localhost:1", "cross-site", NULL, false, false},
	{__LINE__, HTTP_PUT, "localhost:1", "same-site", NULL, false, false},
	{__LINE__, HTTP_PUT, "localhost:1", "same-origin", NULL, false, true},
	{__LINE__, HTTP_PUT, "localhost:1", "none", NULL, false, true},
	{__LINE__, HTTP_POST, "localhost:1", NULL, "http://localhost:1", false, true},
	{__LINE__, HTTP_POST, "localhost:1", NULL, "https://localhost:1", false, true},
	{__LINE__, HTTP_POST, "localhost:1", NULL, "http://localhost:2", false, false},
	{__LINE__, HTTP_PATCH, "localhost:1", NULL, "null", false, false},
	{__LINE__, HTTP_DELETE, "localhost:1", NULL, "http://evil.example", false, false},
	{__LINE__, HTTP_DELETE, "api.example", NULL, "http://evil.example", true, false},
	{__LINE__, HTTP_DELETE, "localhost:1", "cross-site", "https://app.example", false, true},
	{__LINE__, HTTP_DELETE, "localhost:1", "cross-site", "http://app.example", false, false},
	{__LINE__, HTTP_DELETE, "evil.example", "cross-site", "https://app.example", false, false},
	{__LINE__, HTTP_DELETE, "api.example", "same-origin", "http://api.example", true, true},
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http_field fields[2];
		size_t count = 0;
		if (rows[i].site != NULL) {
			fields[count++] = (struct http_field){STR("sec-fetch-site"), str_from(rows[i].site)};
		}
		if (rows[i].origin != NULL) {
			fields[count++] = (struct http_field){STR("origin"), str_from(rows[i].origin)};
		}
		struct http_request request = {
			.method = rows[i].method,
			.host = str_from(rows[i].host),
			.fields = fields,
			.field_count = count,
		};
		static const struct str listed[] = {STR_INIT("https://app.example")};
		struct model model = {.cors = listed, .cors_count = 1};
		struct error error = {0};
		if (guard_check(&request, &model, rows[i].open, &error) != rows[i].want) {
			fail_msg("line %d", rows[i].line);
		}
		assert_int_equal(error.code, rows[i].want ? ERROR_NONE : ERROR_FORBIDDEN);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
