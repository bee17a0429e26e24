#include "store/rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct field number = {.name = STR_INIT("n"), .type = TYPE_INTEGER};
static const struct field text = {.name = STR_INIT("t"), .type = TYPE_TEXT};
static const struct query_column columns[] = {
	{.field = &number, .name = STR_INIT("n"), .key = STR_INIT("\"n\":")},
	{.field = &text, .name = STR_INIT("t"), .key = STR_INIT("\"t\":")},
};

static void test_formats(void **state)
{
	(void)state;
	static const struct {
		int line;
		enum query_format format;
		size_t columns;
		size_t rows;
		const char *want;
	} rows[] = {
		{__LINE__, FORMAT_ARRAY, 2, 0, "[]"},
		{__LINE__, FORMAT_ARRAY, 2, 1, "[{\"n\":-1,\"t\":\"a\\\"b\"}]"},
		{__LINE__, FORMAT_ARRAY, 1, 2, "[{\"n\":-1},{\"n\":-2}]"},
		{__LINE__, FORMAT_OBJECT, 2, 1, "{\"n\":-1,\"t\":\"a\\\"b\"}"},
		{__LINE__, FORMAT_VALUES, 2, 0, "[]"},
		{__LINE__, FORMAT_VALUES, 2, 2, "[-1,-2]"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct query query = {
			.columns = columns, .column_count = rows[i].columns, .format = rows[i].format};
		struct buf buf;
		struct rows writer;
		buf_init(&buf, 4096);
		rows_begin(&writer, &query, &buf);
		for (size_t row = 0; row < rows[i].rows; row++) {
			const struct value values[] = {
				{.kind = VALUE_INTEGER, .integer = -1 - (int64_t)row},
				{.kind = VALUE_TEXT, .text = STR_INIT("a\"b")},
			};
			rows_row(&writer);
			for (size_t c = 0; c < rows[i].columns; c++) {
				rows_value(&writer, &values[c]);
			}
			rows_row_end(&writer);
		}
		rows_end(&writer);
		assert_int_equal(writer.count, rows[i].rows);
		if (!str_equal(buf_str(&buf), str_from(rows[i].want))) {
			fail_msg("line %d: %.*s", rows[i].line, STR_ARG(buf_str(&buf)));
		}
		buf_finish(&buf);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
