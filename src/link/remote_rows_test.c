#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "link/remote_rows.h"

static const struct field integer = {.name = STR_INIT("n"), .type = TYPE_INTEGER};
static const struct field text = {.name = STR_INIT("t"), .type = TYPE_TEXT};
static const struct remote_column columns[] = {{.type = &integer}, {.type = &text}};

struct row {
	int line;
	const char *input;
	const char *want; /* `n:t` of each row with a comma behind, `.` when the array is over */
};

static const struct row rows[] = {
	{__LINE__, "[]", "."},
	{__LINE__, " \n[ ] \n", "."},
	{__LINE__, "[{\"c0\":1,\"c1\":\"a\"}]", "1:a,."},
	{__LINE__, "[{\"c1\":\"a\",\"c0\":1},\n {\"c0\":-2,\"c1\":\"\"} ]\n", "1:a,-2:,."},
	{__LINE__, "[{\"c0\":1,\"c1\":\"]},{[\\\"\\\\\"}]", "1:]},{[\"\\,."},
	{__LINE__, "[{\"c0\":\"7\",\"c1\":null}]", "7:null,."},
	{__LINE__, "[{\"c0\":1,\"x\":[{}],\"c9\":2,\"c1\":\"a\"}]", "1:a,."},
	{__LINE__, "[{\"c0\":1,\"c1\":\"a\"}", "1:a,"},
	{__LINE__, "[{\"c0\":1,\"c1\":\"a\"},", "1:a,"},
	{__LINE__, "[{\"c0\":1,\"c1\":\"a", ""},
	{__LINE__, "[", ""},
	{__LINE__, "", ""},
	{__LINE__, "[{\"c0\":1,\"c1\":\"a\"},]", "1:a,! the answer is no list of objects"},
	{__LINE__, "[,", "! the answer is no list of objects"},
	{__LINE__, "[] x", ".! the answer is no list of objects"},
	{__LINE__, "[]]", ".! the answer is no list of objects"},
	{__LINE__, "{}", "! the answer is no list of objects"},
	{__LINE__, "[1]", "! the answer is no list of objects"},
	{__LINE__, "[\"a\"]", "! the answer is no list of objects"},
	{__LINE__, "[[]]", "! the answer is no list of objects"},
	{__LINE__, "[{\"c0\":1,\"c1\":\"a\"} {", "1:a,! the answer is no list of objects"},
	{__LINE__, "[{\"c0\":1}]", "! a row has not all columns that were asked for"},
	{__LINE__, "[{}]", "! a row has not all columns that were asked for"},
	{__LINE__, "[{\"c0\":1,\"c1\":\"a\"}],", "1:a,.! the answer is no list of objects"},
};

static void write_row(struct buf *said, const struct value *values)
{
	buf_append_int(said, values[0].integer);
	buf_append_byte(said, ':');
	buf_append(said, values[1].kind == VALUE_NULL ? STR("null") : values[1].text);
	buf_append_byte(said, ',');
}

/* All that comes out of what is there. False after a failure. */
static bool read_all(struct remote_rows *reader, struct buf *said)
{
	const struct value *values;
	struct error error;
	enum row_step step;
	while ((step = remote_rows_next(reader, &values, &error)) == ROW_HERE) {
		write_row(said, values);
	}
	if (step == ROW_FAILED) {
		assert_int_equal(error.code, ERROR_SOURCE_BAD);
		buf_printf(said, "! %s", error.details);
	}
	return step != ROW_FAILED;
}

/* Fed `step` bytes at a time. */
static void check_row(const struct row *row, size_t step)
{
	struct str input = str_from(row->input);
	struct remote_rows reader;
	struct buf said;
	bool was_over = false;
	bool ok = true;
	buf_init(&said, 4096);
	remote_rows_init(&reader, columns, 2, 4096);
	for (size_t at = 0; at < input.len && ok; at += step) {
		assert_true(remote_rows_add(&reader, str_slice(input, at, at + step)));
		ok = read_all(&reader, &said);
		if (ok && remote_rows_is_over(&reader) && !was_over) {
			was_over = true;
			buf_append_byte(&said, '.');
		}
	}
	buf_append_byte(&said, '\0');
	/* In one piece the end is seen together with what is wrong behind it. */
	const char *want = row->want;
	if (strcmp(want, said.ptr) != 0 && !(step > 1 && strstr(want, ".!") != NULL)) {
		fail_msg("line %d, %zu at a time: %s", row->line, step, said.ptr);
	}
	remote_rows_finish(&reader);
	buf_finish(&said);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		check_row(&rows[i], 1);
		check_row(&rows[i], 3);
		check_row(&rows[i], SIZE_MAX / 2);
	}
}

/* Of two lists that are merged one waits while more of it comes. */
static void test_a_row_stays_while_more_is_added(void **state)
{
	(void)state;
	struct str more = STR(",{\"c0\":2,\"c1\":\"another name\"}");
	struct remote_rows reader;
	const struct value *values;
	struct error error;
	remote_rows_init(&reader, columns, 2, 65536);
	assert_true(remote_rows_add(&reader, STR("[{\"c0\":1,\"c1\":\"the first name\"}")));
	assert_int_equal(remote_rows_next(&reader, &values, &error), ROW_HERE);
	for (size_t i = 0; i < 1000; i++) {
		assert_true(remote_rows_add(&reader, more));
		assert_true(str_equal(values[1].text, STR("the first name")));
	}
	assert_int_equal(remote_rows_next(&reader, &values, &error), ROW_HERE);
	assert_true(str_equal(values[1].text, STR("another name")));
	remote_rows_finish(&reader);
}

static void test_a_row_has_a_limit(void **state)
{
	struct remote_rows reader;
	(void)state;
	remote_rows_init(&reader, columns, 2, 8);
	assert_true(remote_rows_add(&reader, STR("[{\"c0\":1")));
	remote_rows_finish(&reader);
	remote_rows_init(&reader, columns, 2, 7);
	assert_false(remote_rows_add(&reader, STR("[{\"c0\":1")));
	remote_rows_finish(&reader);
}

static void test_casts(void **state)
{
	const struct remote_column cast[] = {{.type = &text, .cast_from = &integer}};
	struct remote_rows reader;
	const struct value *values;
	struct error error;
	(void)state;
	remote_rows_init(&reader, cast, 1, 100);
	assert_true(remote_rows_add(&reader, STR("[{\"c0\":12}]")));
	assert_int_equal(remote_rows_next(&reader, &values, &error), ROW_HERE);
	assert_true(str_equal(values[0].text, STR("12")));
	remote_rows_finish(&reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_a_row_stays_while_more_is_added),
		cmocka_unit_test(test_a_row_has_a_limit),
		cmocka_unit_test(test_casts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
