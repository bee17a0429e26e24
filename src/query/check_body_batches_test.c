#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "query/check_body_test_help.h"

enum { BATCH_ROWS = 256, BATCH_BYTES = 256 * 1024, MOST_BYTES = 1 << 24 };

struct fixture {
	struct body_models models;
	struct limits limits;
	struct arena arena;
	struct buf body;
	struct query query;
	struct error error;
	struct body_options options;
};

static void init(struct fixture *fixture, const char *resource, enum body_format format)
{
	test_body_models_init(&fixture->models);
	limits_init(&fixture->limits);
	arena_init(&fixture->arena, 4096);
	buf_init(&fixture->body, MOST_BYTES);
	fixture->query = (struct query){
		.action = QUERY_INSERT,
		.resource = test_body_resource(&fixture->models, resource),
	};
	fixture->options = (struct body_options){
		.limits = &fixture->limits,
		.format = format,
		.many = true,
		.lenient = true,
	};
}

static void finish(struct fixture *fixture)
{
	query_batches_finish(fixture->query.batches);
	buf_finish(&fixture->body);
	arena_finish(&fixture->arena);
	test_body_models_finish(&fixture->models);
}

static bool begin(struct fixture *fixture)
{
	return check_body_batches(buf_str(&fixture->body), &fixture->options, &fixture->arena,
							  &fixture->query, &fixture->error);
}

/* How many rows the next batch has; SIZE_MAX after an error. */
static size_t next(struct fixture *fixture, const struct value **ret_values)
{
	size_t count = 0;
	struct query_batches *batches = fixture->query.batches;
	return batches->next(batches, ret_values, &count, &fixture->error) ? count : SIZE_MAX;
}

/* ---- how large a batch is ---- */

static void add_lines(struct buf *body, enum body_format format, size_t from, size_t to)
{
	buf_printf(body, "%s", format == BODY_CSV && from == 0 ? "id,name\n" : "");
	for (size_t i = from; i < to; i++) {
		buf_printf(
			body, format == BODY_CSV ? "%zu,\"na\"\"me\"\n" : "{\"id\":%zu,\"name\":\"\\u00e9\"}\n",
			i);
	}
}

static void test_rows(void **state)
{
	(void)state;
	static const struct {
		int line;
		size_t rows;
		size_t want[4];
	} tests[] = {
		{__LINE__, 1, {1, 0, 0}},
		{__LINE__, BATCH_ROWS, {BATCH_ROWS, 0, 0}},
		{__LINE__, BATCH_ROWS + 1, {BATCH_ROWS, 1, 0}},
		{__LINE__, 3 * BATCH_ROWS, {BATCH_ROWS, BATCH_ROWS, BATCH_ROWS, 0}},
	};
	for (size_t t = 0; t < 2 * sizeof(tests) / sizeof(tests[0]); t++) {
		enum body_format format = t % 2 == 0 ? BODY_CSV : BODY_NDJSON;
		struct fixture fixture;
		const struct value *values = NULL;
		size_t row = 0;
		init(&fixture, "wide_row", format);
		add_lines(&fixture.body, format, 0, tests[t / 2].rows);
		assert_true(begin(&fixture));
		assert_int_equal(fixture.query.given.count, 2);
		for (size_t batch = 0; batch < 4; batch++) {
			size_t count = next(&fixture, &values);
			assert_int_equal(count, tests[t / 2].want[batch]);
			for (size_t i = 0; i < count; i++, row++) {
				assert_int_equal(values[2 * i].integer, row);
				assert_true(str_equal(values[2 * i + 1].text,
									  format == BODY_CSV ? STR("na\"me") : STR("\xc3\xa9")));
			}
		}
		assert_int_equal(row, tests[t / 2].rows);
		finish(&fixture);
	}
}

/* A batch ends with the row that reaches its bytes. */
static void test_bytes(void **state)
{
	(void)state;
	enum { TEXT_BYTES = BATCH_BYTES / 4 };
	struct fixture fixture;
	const struct value *values;
	init(&fixture, "simple_pk", BODY_CSV);
	char *text = arena_bytes(&fixture.arena, BATCH_BYTES);
	memset(text, 'x', BATCH_BYTES);
	buf_append(&fixture.body, STR("k\n"));
	for (size_t i = 0; i < 9; i++) {
		buf_append(&fixture.body, (struct str){text, TEXT_BYTES});
		buf_append_byte(&fixture.body, '\n');
	}
	buf_append(&fixture.body, (struct str){text, BATCH_BYTES});
	buf_append(&fixture.body, STR("\na\nb\n"));
	assert_true(begin(&fixture));
	static const size_t want[] = {4, 4, 2, 2, 0, 0};
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		assert_int_equal(next(&fixture, &values), want[i]);
	}
	finish(&fixture);
}

/* Rows without any value of their own. */
static void test_no_columns(void **state)
{
	(void)state;
	struct fixture fixture;
	const struct value *values;
	init(&fixture, "tickets", BODY_NDJSON);
	for (size_t i = 0; i < BATCH_ROWS + 2; i++) {
		buf_append(&fixture.body, STR("{}\n"));
	}
	assert_true(begin(&fixture));
	assert_int_equal(fixture.query.given.count, 0);
	assert_int_equal(next(&fixture, &values), BATCH_ROWS);
	assert_int_equal(next(&fixture, &values), 2);
	assert_int_equal(next(&fixture, &values), 0);
	finish(&fixture);
}

/* ---- errors ---- */

static void test_first_row(void **state)
{
	(void)state;
	static const char *const bodies[] = {"x\n1\n", "id\nx\n", "id\n1,2\n", "\"id\n", "name\na\n"};
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct fixture fixture;
		init(&fixture, "wide_row", BODY_CSV);
		buf_append(&fixture.body, str_from(bodies[i]));
		assert_false(begin(&fixture));
		assert_null(fixture.query.batches);
		assert_int_equal(fixture.query.given.count, 0);
		finish(&fixture);
	}
}

static void test_later_rows(void **state)
{
	(void)state;
	static const enum body_format formats[] = {BODY_CSV, BODY_NDJSON};
	for (size_t i = 0; i < 2; i++) {
		struct fixture fixture;
		const struct value *values;
		init(&fixture, "wide_row", formats[i]);
		add_lines(&fixture.body, formats[i], 0, BATCH_ROWS + 3);
		buf_append(&fixture.body,
				   i == 0 ? STR("x,name\n5,name\n") : STR("{\"id\":1.5,\"name\":\"a\"}\n"));
		assert_true(begin(&fixture));
		fixture.error.code = ERROR_NONE;
		assert_int_equal(next(&fixture, &values), BATCH_ROWS);
		assert_int_equal(fixture.error.code, ERROR_NONE);
		assert_int_equal(next(&fixture, &values), SIZE_MAX);
		assert_int_equal(fixture.error.code, ERROR_VALUE);
		assert_string_equal(fixture.error.message,
							i == 0 ? "line 261: field \"id\": invalid input syntax for type "
									 "integer: \"x\""
								   : "line 260: field \"id\": invalid input syntax for type "
									 "integer: \"1.5\"");
		finish(&fixture);
	}
}

/* What is not read is freed too. */
static void test_left_unread(void **state)
{
	(void)state;
	struct fixture fixture;
	const struct value *values;
	init(&fixture, "wide_row", BODY_NDJSON);
	add_lines(&fixture.body, BODY_NDJSON, 0, BATCH_ROWS * 2);
	assert_true(begin(&fixture));
	assert_int_equal(next(&fixture, &values), BATCH_ROWS);
	finish(&fixture);
	query_batches_finish(NULL);
}

/* ---- memory ---- */

/* The query's own arena holds what is settled once. */
static void test_memory(void **state)
{
	(void)state;
	static const enum body_format formats[] = {BODY_CSV, BODY_NDJSON};
	for (size_t i = 0; i < 2; i++) {
		struct fixture fixture;
		const struct value *values;
		init(&fixture, "wide_row", formats[i]);
		add_lines(&fixture.body, formats[i], 0, 20 * BATCH_ROWS);
		assert_true(begin(&fixture));
		const char *before = fixture.arena.next;
		for (size_t batch = 0; batch < 20; batch++) {
			assert_int_equal(next(&fixture, &values), BATCH_ROWS);
		}
		assert_ptr_equal(fixture.arena.next, before);
		finish(&fixture);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),       cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_no_columns), cmocka_unit_test(test_first_row),
		cmocka_unit_test(test_later_rows), cmocka_unit_test(test_left_unread),
		cmocka_unit_test(test_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
