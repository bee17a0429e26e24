#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/preferences.h"

static const struct {
	int line;
	const char *first;
	const char *second;
	bool write;
	const char *want; /* Preference-Applied */
} rows[] = {
	{__LINE__, "", NULL, true, ""},
	{__LINE__, "return=representation", NULL, true, "return=representation"},
	{__LINE__, "return=representation", NULL, false, ""},
	{__LINE__, "return=minimal, return=representation", NULL, true, "return=minimal"},
	{__LINE__, "return=minimal", "return=representation", true, "return=minimal"},
	{__LINE__, "count=exact,return=headers-only", NULL, true, "return=headers-only, count=exact"},
	{__LINE__, "count=planned", "count=exact", false, "count=planned"},
	{__LINE__, " ,, RETURN=Minimal ", NULL, true, "return=minimal"},
	{__LINE__, "foo=bar, return", NULL, true, ""},
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http_field fields[] = {
			{STR("prefer"), str_from(rows[i].first)},
			{STR("Prefer"), str_from(rows[i].second != NULL ? rows[i].second : "")},
		};
		struct http_request request = {.fields = fields, .field_count = 2};
		struct preferences preferences = preferences_read(&request);
		struct buf text;
		buf_init(&text, 100);
		preferences_applied(&preferences, rows[i].write, &text);
		if (!str_equal(buf_str(&text), str_from(rows[i].want))) {
			fail_msg("line %d: got %.*s", rows[i].line, STR_ARG(buf_str(&text)));
		}
		buf_finish(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
