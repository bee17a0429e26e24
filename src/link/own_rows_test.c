#include "link/own_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ONE "00000000-0000-4000-8000-000000000001"

static const char file[] =
	"service: any\n"
	"resources:\n"
	"  things: { key: [a, b], fields: { a: integer, b: text, c: boolean } }\n";

struct bed {
	struct arena arena;
	struct model *model;
	const struct resource *things;
};

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	struct model_report report;
	model_report_init(&report);
	arena_init(&bed->arena, 4096);
	bed->model = model_parse(str_from(file), STR("t.yaml"), NULL, &report);
	assert_int_equal(report.errors, 0);
	model_report_finish(&report);
	bed->things = model_resource(bed->model, STR("things"));
	*state = bed;
	return 0;
}

static int teardown(void **state)
{
	struct bed *bed = *state;
	model_destroy(bed->model);
	arena_finish(&bed->arena);
	free(bed);
	return 0;
}

/* ---- answers ---- */

struct row {
	int line;
	enum query_action action;
	const char *answer;
	const char *want; /* each row as `a b;` */
	const char *want_error;
};

static const struct row rows[] = {
	{__LINE__, QUERY_LIST, "[]", ""},
	{__LINE__, QUERY_LIST, "[{\"a\":1,\"b\":\"x\"}]", "1 x;"},
	{__LINE__, QUERY_LIST, "[{\"a\":1,\"b\":\"x\"},{\"a\":-2,\"b\":\"\\u00e9\"}]",
	 "1 x;-2 \u00e9;"},
	{__LINE__, QUERY_GET, "{\"a\":1,\"b\":\"x\"}", "1 x;"},
	{__LINE__, QUERY_LIST, "", "", "RL500"},
	{__LINE__, QUERY_LIST, "{\"a\":1,\"b\":\"x\"}", "", "RL500"},
	{__LINE__, QUERY_LIST, "[", "", "RL500"},
	{__LINE__, QUERY_LIST, "[5]", "", "RL500"},
	{__LINE__, QUERY_LIST, "[{}]", "", "RL500"},
	{__LINE__, QUERY_LIST, "[{\"a\":1}]", "", "RL500"},
	{__LINE__, QUERY_LIST, "[{\"a\":\"x\",\"b\":\"x\"}]", "", "RL500"},
	{__LINE__, QUERY_LIST, "[{\"a\":1,\"b\":\"x\",\"c\":true}]", "", "RL500"},
	{__LINE__, QUERY_LIST, "[{\"a\":1,\"b\":\"x\"}", "1 x;", "RL500"},
	{__LINE__, QUERY_GET, "[]", "", "RL500"},
};

static bool read_all(struct bed *bed, const struct row *row, struct buf *got, struct error *error)
{
	const struct field *fields[] = {&bed->things->fields[0], &bed->things->fields[1]};
	struct query *query = own_query(&bed->arena, row->action, bed->things);
	struct own_rows reader;
	struct value values[2];
	bool more = true;
	own_fetch(&bed->arena, query, fields, 2);
	bool good = own_rows_begin(&reader, query, str_from(row->answer), &bed->arena, error);
	while (good && more) {
		good = own_rows_next(&reader, values, &more, error);
		if (good && more) {
			buf_append_int(got, values[0].integer);
			buf_append_byte(got, ' ');
			buf_append(got, values[1].text);
			buf_append_byte(got, ';');
		}
	}
	return good;
}

static void test_answers(void **state)
{
	struct bed *bed = *state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct error error = {0};
		struct buf got;
		buf_init(&got, 4096);
		bool good = read_all(bed, row, &got, &error);
		const char *code = good ? "" : error_info(error.code)->wire;
		if (!str_equal(buf_str(&got), str_from(row->want)) ||
			strcmp(code, row->want_error != NULL ? row->want_error : "") != 0) {
			print_error("line %d: %.*s %s\n", row->line, STR_ARG(buf_str(&got)), code);
			fail();
		}
		buf_finish(&got);
	}
}

/* ---- queries ---- */

static void test_queries(void **state)
{
	struct bed *bed = *state;
	const struct field *fields = bed->things->fields;
	struct query *query = own_query(&bed->arena, QUERY_UPSERT, bed->things);
	assert_true(query->own);
	assert_int_equal(query->resolution, RESOLUTION_IGNORE);
	assert_int_equal(query->conflict.count, 2);
	assert_null(query->where);
	own_where(&bed->arena, query, &fields[0], OPERATOR_EQ, own_integer(1));
	assert_int_equal(query->where->kind, COND_COMPARE);
	own_where_in(&bed->arena, query, &fields[1], NULL, 0);
	assert_int_equal(query->where->kind, COND_AND);
	assert_int_equal(query->where->child_count, 2);
	/* Rows of one key, and of two. */
	const struct value one[] = {own_integer(1), own_text(STR("x"))};
	const struct value two[] = {own_integer(2), own_text(STR("y"))};
	const struct value *const keys[] = {one, two};
	query->where = NULL;
	own_where_keys(&bed->arena, query, &bed->things->key, keys, 1);
	assert_int_equal(query->where->kind, COND_AND);
	query->where = NULL;
	own_where_keys(&bed->arena, query, &bed->things->key, keys, 2);
	assert_int_equal(query->where->kind, COND_OR);
	assert_int_equal(query->where->child_count, 2);
	query->where = NULL;
	own_where_keys(&bed->arena, query, &bed->things->key, keys, 0);
	assert_int_equal(query->where->kind, COND_OR);
	assert_int_equal(query->where->child_count, 0);
	/* Values of rows. */
	const struct field *given[] = {&fields[0], &fields[2]};
	const struct value *values = own_give(&bed->arena, query, given, 2, 3);
	assert_ptr_equal(query->values, values);
	assert_int_equal(query->row_count, 3);
	assert_ptr_equal(query->given.items[1], &fields[2]);
	struct uuid id;
	assert_true(uuid_parse(STR(ONE), &id));
	assert_true(str_equal(own_ids(&bed->arena, &id, 1)->text, STR(ONE)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_queries, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
