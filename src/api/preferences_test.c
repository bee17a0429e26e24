#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/preferences.h"

enum {
	ALL = (1 << PREFER_KINDS) - 1,
	READS = 1 << PREFER_COUNT | 1 << PREFER_HANDLING,
};

static const struct {
	int line;
	const char *first;
	const char *second;
	unsigned int applied;
	const char *want; /* Preference-Applied, or `CODE DETAILS` */
} rows[] = {
	{__LINE__, "", NULL, ALL, ""},
	{__LINE__, "return=representation", NULL, ALL, "return=representation"},
	{__LINE__, "return=representation", NULL, READS, ""},
	{__LINE__, "return=minimal, return=representation", NULL, ALL, "return=minimal"},
	{__LINE__, "return=minimal", "return=representation", ALL, "return=minimal"},
	{__LINE__, "count=exact,return=headers-only", NULL, ALL, "return=headers-only, count=exact"},
	{__LINE__, "count=planned", "count=exact", READS, "count=planned"},
	{__LINE__, "count=estimated", NULL, READS, "count=estimated"},
	{__LINE__, " ,, RETURN=Minimal ", NULL, ALL, "return=minimal"},
	{__LINE__, "foo=bar, return", NULL, ALL, ""},
	{__LINE__, "max-affected=5, tx=rollback, missing=default", "resolution=merge-duplicates", ALL,
	 "resolution=merge-duplicates, missing=default, tx=rollback, max-affected=5"},
	{__LINE__, "resolution=ignore-duplicates, missing=null, tx=commit, handling=lenient", NULL, ALL,
	 "resolution=ignore-duplicates, missing=null, tx=commit, handling=lenient"},
	{__LINE__, "handling=strict, max-affected=0", NULL, ALL, "handling=strict, max-affected=0"},
	{__LINE__, "handling=strict, foo, return=minimal", "bar=1", ALL,
	 "PGRST122 Invalid preferences: foo, bar=1"},
	{__LINE__, "handling=strict, max-affected=x", NULL, ALL,
	 "PGRST122 Invalid preferences: max-affected=x"},
	{__LINE__, "handling=lenient, foo", NULL, ALL, "handling=lenient"},
	{__LINE__, "timezone=UTC", NULL, ALL, "timezone=UTC"},
	{__LINE__, "timezone=+05:30", NULL, ALL, "timezone=+05:30"},
	{__LINE__, "timezone=-0330", NULL, ALL, "timezone=-0330"},
	{__LINE__, "timezone=+5", NULL, ALL, "22023 "},
	{__LINE__, "timezone=Not/There", NULL, ALL, "22023 "},
	{__LINE__, "timezone=../../etc/passwd", NULL, ALL, "22023 "},
	{__LINE__, "timezone=", NULL, ALL, "22023 "},
	{__LINE__, "timezone=+15:59", NULL, ALL, "timezone=+15:59"},
	{__LINE__, "timezone=+16", NULL, ALL, "22023 "},
	{__LINE__, "timezone=+02:60", NULL, ALL, "22023 "},
	{__LINE__, "timezone=+2:000", NULL, ALL, "22023 "},
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
		struct preferences preferences;
		struct error error = {0};
		struct buf text;
		struct arena arena;
		buf_init(&text, 1000);
		arena_init(&arena, 1024);
		if (preferences_read(&request, &arena, &preferences, &error)) {
			preferences_applied(&preferences, rows[i].applied, &text);
		} else {
			buf_printf(&text, "%s %s", error_info(error.code)->wire, error.details);
		}
		if (!str_equal(buf_str(&text), str_from(rows[i].want))) {
			fail_msg("line %d: got %.*s", rows[i].line, STR_ARG(buf_str(&text)));
		}
		buf_finish(&text);
		arena_finish(&arena);
	}
}

static void test_max_affected(void **state)
{
	(void)state;
	struct http_field field = {STR("Prefer"), STR("max-affected=7")};
	struct http_request request = {.fields = &field, .field_count = 1};
	struct preferences preferences;
	assert_true(preferences_read(&request, NULL, &preferences, NULL));
	assert_true(preferences.max_affected == UINT64_MAX);
	field.value = STR("handling=strict, max-affected=7, max-affected=9");
	assert_true(preferences_read(&request, NULL, &preferences, NULL));
	assert_true(preferences.max_affected == 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_max_affected),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
