#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/range.h"

#define NONE UINT64_MAX

static const struct {
	int line;
	const char *range;
	uint64_t offset;
	uint64_t limit;
	bool want;
	uint64_t want_offset;
	uint64_t want_limit;
} rows[] = {
	{__LINE__, "", 0, NONE, true, 0, NONE},
	{__LINE__, "0-19", 0, NONE, true, 0, 20},
	{__LINE__, "items=0-19", 0, NONE, true, 0, 20},
	{__LINE__, "10-", 0, NONE, true, 10, NONE},
	{__LINE__, " 10-10 ", 0, NONE, true, 10, 1},
	/* what is narrower counts */
	{__LINE__, "0-19", 5, NONE, true, 5, 15},
	{__LINE__, "0-19", 5, 3, true, 5, 3},
	{__LINE__, "10-19", 0, 15, true, 10, 5},
	{__LINE__, "10-19", 0, 5, true, 10, 0},
	{__LINE__, "0-4", 10, NONE, true, 10, 0},
	{__LINE__, "5-", NONE - 1, 7, true, NONE - 1, NONE},
	/* no range of items */
	{__LINE__, "bytes=0-19", 0, NONE, true, 0, NONE},
	{__LINE__, "x", 0, NONE, true, 0, NONE},
	{__LINE__, "-5", 0, NONE, true, 0, NONE},
	{__LINE__, "1-2,4-5", 0, NONE, true, 0, NONE},
	{__LINE__, "99999999999999999999-", 0, NONE, true, INT64_MAX, NONE},
	{__LINE__, "5-4", 0, NONE, false, 0, NONE},
};

static void test_apply(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http_field field = {STR("Range"), str_from(rows[i].range)};
		struct http_request request = {.fields = &field, .field_count = 1};
		struct query query = {.offset = rows[i].offset, .limit = rows[i].limit};
		struct error error = {0};
		bool ok = range_apply(&request, &query, &error);
		if (ok != rows[i].want || query.offset != rows[i].want_offset ||
			query.limit != rows[i].want_limit) {
			fail_msg("line %d: %llu %llu", rows[i].line, (unsigned long long)query.offset,
					 (unsigned long long)query.limit);
		}
		assert_int_equal(error.code, ok ? ERROR_NONE : ERROR_RANGE);
	}
}

static void test_add(void **state)
{
	(void)state;
	static const uint64_t total = 15;
	static const struct {
		int line;
		uint64_t offset;
		uint64_t rows;
		const uint64_t *total;
		const char *want;
	} fields[] = {
		{__LINE__, 0, 0, NULL, "Content-Range: */*\r\n"},
		{__LINE__, 7, 0, &total, "Content-Range: */15\r\n"},
		{__LINE__, 0, 1, NULL, "Content-Range: 0-0/*\r\n"},
		{__LINE__, 10, 5, &total, "Content-Range: 10-14/15\r\n"},
	};
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct buf text;
		buf_init(&text, 100);
		struct reply reply = {.fields = &text};
		range_add(&reply, fields[i].offset, fields[i].rows, fields[i].total);
		if (!str_equal(buf_str(&text), str_from(fields[i].want))) {
			fail_msg("line %d: %.*s", fields[i].line, STR_ARG(buf_str(&text)));
		}
		buf_finish(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_apply),
		cmocka_unit_test(test_add),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
