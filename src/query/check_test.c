#include "query/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "query/check_test_help.h"
#include "query/compile.h"
#include "query/cond.h"

enum { BLOCK_BYTES = 4096, TEXT_BYTES = 65536 };

static struct check_options options(struct limits *limits)
{
	limits_init(limits);
	return test_check_options(limits);
}

/* What each action keeps of a query. */
static void test_reads(void **state)
{
	(void)state;
	static const struct test_row list_rows[] = {
		{__LINE__, "users", "limit=7&offset=8&id=gt.1",
		 "\"id\":id, \"name\":name where id gt 1 order id@0 limit 7 offset 8"},
	};
	static const struct test_row get_rows[] = {
		{__LINE__, "users", "order=name&id=eq.1&limit=1",
		 "\"id\":id, \"name\":name where id eq 1 limit 1"},
		{__LINE__, "users", "select=name,tasks(id)",
		 "\"name\":name, \"tasks\":#0 many users_tasks(\"id\":id order id@0) +id"},
		{__LINE__, "users", "select=count()",
		 "UNSUPPORTED Feature not implemented / aggregate functions in an answer that is no "
		 "list"},
		{__LINE__, "users", "distinct=true",
		 "UNSUPPORTED Feature not implemented / distinct rows in an answer that is no list"},
		{__LINE__, "users", "after=&limit=1",
		 "UNSUPPORTED Feature not implemented / a cursor in an answer that is no list"},
	};
	static const struct test_row tag_rows[] = {
		{__LINE__, "users", "select=name,n:name,id::text",
		 "\"name\":name, \"n\":name, \"id\":id::text=text +id tag 2,0"},
		{__LINE__, "users", "select=tasks()", " +id +name tag 0,1"},
	};
	struct limits limits;
	struct check_options defaults = options(&limits);
	TEST_CHECK_ROWS(list_rows, QUERY_LIST, &defaults);
	TEST_CHECK_ROWS(get_rows, QUERY_GET, &defaults);
	defaults.tag = true;
	TEST_CHECK_ROWS(tag_rows, QUERY_GET, &defaults);
}

static void test_writes(void **state)
{
	(void)state;
	static const struct test_row change_rows[] = {
		{__LINE__, "users", "id=eq.5", "\"id\":id, \"name\":name where id eq 5"},
		{__LINE__, "users", "", "\"id\":id, \"name\":name"},
		{__LINE__, "users", "select=id&order=name", "\"id\":id +name order name@1"},
		{__LINE__, "users", "select=tasks()&id=eq.5&order=name", " where id eq 5"},
		{__LINE__, "users", "id=eq.5&limit=1",
		 "UNSUPPORTED Feature not implemented / limit and offset of an update or delete"},
		{__LINE__, "users", "offset=1",
		 "UNSUPPORTED Feature not implemented / limit and offset of an update or delete"},
		{__LINE__, "users", "select=count()",
		 "UNSUPPORTED Feature not implemented / aggregate functions in an answer that is no list"},
		{__LINE__, "users", "distinct=true",
		 "UNSUPPORTED Feature not implemented / distinct rows in an answer that is no list"},
		{__LINE__, "users", "after=&limit=5",
		 "UNSUPPORTED Feature not implemented / a cursor in an answer that is no list"},
		{__LINE__, "users", "id=eq.x",
		 "VALUE field \"id\": invalid input syntax for type integer: \"x\""},
	};
	static const struct test_row insert_rows[] = {
		{__LINE__, "users", "select=id&id=eq.5&limit=2&offset=1&order=name",
		 "\"id\":id +name order name@1 limit 2 offset 1"},
		{__LINE__, "users", "id=eq.x",
		 "VALUE field \"id\": invalid input syntax for type integer: \"x\""},
	};
	static const struct test_row replace_rows[] = {
		{__LINE__, "users", "select=id&id=eq.5&limit=2&offset=1", "\"id\":id where id eq 5"},
	};
	static const struct test_row hidden_rows[] = {
		{__LINE__, "users", "select=count()&id=eq.5&order=name", " where id eq 5"},
		{__LINE__, "users", "id=eq.5&limit=1",
		 "UNSUPPORTED Feature not implemented / limit and offset of an update or delete"},
	};
	struct limits limits;
	struct check_options defaults = options(&limits);
	TEST_CHECK_ROWS(change_rows, QUERY_DELETE, &defaults);
	TEST_CHECK_ROWS(change_rows, QUERY_UPDATE, &defaults);
	TEST_CHECK_ROWS(insert_rows, QUERY_INSERT, &defaults);
	TEST_CHECK_ROWS(replace_rows, QUERY_REPLACE, &defaults);
	defaults.no_rows = true;
	TEST_CHECK_ROWS(hidden_rows, QUERY_UPDATE, &defaults);
}

static void test_conflict(void **state)
{
	(void)state;
	static const struct test_row rows[] = {
		{__LINE__, "users", "select=id", "\"id\":id conflict id"},
		{__LINE__, "users", "select=id&on_conflict=id", "\"id\":id conflict id"},
		{__LINE__, "users", "select=id&on_conflict=name", "\"id\":id conflict name"},
		{__LINE__, "users_tasks", "select=user_id&on_conflict=task_id,user_id",
		 "\"user_id\":user_id conflict user_id,task_id"},
		{__LINE__, "users", "select=id&on_conflict=id,name",
		 "CONFLICT_TARGET there is no unique or exclusion constraint matching the ON CONFLICT "
		 "specification"},
		{__LINE__, "users_tasks", "on_conflict=task_id",
		 "CONFLICT_TARGET there is no unique or exclusion constraint matching the ON CONFLICT "
		 "specification"},
		{__LINE__, "projects", "on_conflict=name",
		 "CONFLICT_TARGET there is no unique or exclusion constraint matching the ON CONFLICT "
		 "specification"},
		{__LINE__, "users", "on_conflict=foo", "COLUMN column users.foo does not exist"},
		{__LINE__, "loose", "select=a",
		 "CONFLICT_TARGET there is no unique or exclusion constraint matching the ON CONFLICT "
		 "specification"},
	};
	struct limits limits;
	const struct check_options defaults = options(&limits);
	TEST_CHECK_ROWS(rows, QUERY_UPSERT, &defaults);
}

static void test_tally(void **state)
{
	(void)state;
	static const struct {
		int line;
		const char *input;
		const char *want;
	} rows[] = {
		{__LINE__, "select=count", "\"count\":count where count gt 0 order user_id,rating_type"},
		{__LINE__, "select=count()", "\"count\":count()=integer where count gt 0 grouped"},
	};
	struct model *model = test_model();
	struct limits limits;
	const struct check_options defaults = options(&limits);
	struct arena arena;
	struct buf got;
	arena_init(&arena, BLOCK_BYTES);
	buf_init(&got, TEXT_BYTES);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct query query;
		struct error error;
		assert_true(test_check(rows[i].input, QUERY_LIST, test_resource(model, "counts"), &defaults,
							   &arena, &query, &error));
		buf_clear(&got);
		test_write_query(&got, &query);
		test_equal(rows[i].line, rows[i].input, &got, rows[i].want);
	}
	buf_finish(&got);
	arena_finish(&arena);
	model_destroy(model);
}

/* Item paths. */
static void test_key(void **state)
{
	(void)state;
	static const struct {
		int line;
		const char *resource;
		const char *path;
		const char *want;
	} rows[] = {
		{__LINE__, "users", "5", "id eq 5"},
		{__LINE__, "users_tasks", "5,6", "and(user_id eq 5,task_id eq 6)"},
		{__LINE__, "rooms", "\"a,b\",6", "and(house eq \"a,b\",number eq 6)"},
		{__LINE__, "users", "5,6", "NOT_FOUND Not found"},
		{__LINE__, "users_tasks", "5", "NOT_FOUND Not found"},
		{__LINE__, "users", "x", "NOT_FOUND Not found"},
		{__LINE__, "users", "9223372036854775808", "NOT_FOUND Not found"},
		{__LINE__, "loose", "1", "NOT_FOUND Not found"},
	};
	struct model *model = test_relations_model();
	struct arena arena;
	struct buf got;
	arena_init(&arena, BLOCK_BYTES);
	buf_init(&got, TEXT_BYTES);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct resource *resource = test_resource(model, rows[i].resource);
		struct query query = {.resource = resource};
		struct parsed_names values;
		struct error error;
		assert_true(parse_key(str_from(rows[i].path), &arena, &values, &error));
		buf_clear(&got);
		if (check_key(resource, &values, &arena, &query, &error)) {
			test_write_cond(&got, query.where);
			assert_true(check_only_key(&query));
		} else {
			test_write_error(&got, &error);
		}
		test_equal(rows[i].line, rows[i].path, &got, rows[i].want);
	}
	buf_finish(&got);
	arena_finish(&arena);
	model_destroy(model);
}

static void test_pinned(void **state)
{
	(void)state;
	static const struct {
		int line;
		const char *input;
		bool only_key;
		bool user_id; /* is pinned */
		bool task_id;
	} rows[] = {
		{__LINE__, "user_id=eq.1&task_id=eq.2", true, true, true},
		{__LINE__, "task_id=eq.2&user_id=eq.1", true, true, true},
		{__LINE__, "and=(task_id.eq.2,user_id.eq.1)", true, true, true},
		{__LINE__, "user_id=eq.1", false, true, false},
		{__LINE__, "user_id=eq.1&task_id=eq.2&user_id=eq.3", false, true, true},
		{__LINE__, "user_id=eq.1&task_id=gt.2", false, true, false},
		{__LINE__, "user_id=eq.1&task_id=in.(2)", false, true, false},
		{__LINE__, "user_id=eq.1&task_id=not.eq.2", false, true, false},
		{__LINE__, "or=(user_id.eq.1,task_id.eq.2)", false, false, false},
		{__LINE__, "", false, false, false},
	};
	struct model *model = test_relations_model();
	struct limits limits;
	const struct check_options defaults = options(&limits);
	const struct resource *resource = test_resource(model, "users_tasks");
	struct arena arena;
	arena_init(&arena, BLOCK_BYTES);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct query query;
		struct error error;
		assert_true(
			test_check(rows[i].input, QUERY_LIST, resource, &defaults, &arena, &query, &error));
		const struct value *user_id = cond_pinned(query.where, &resource->fields[0]);
		const struct value *task_id = cond_pinned(query.where, &resource->fields[1]);
		if (check_only_key(&query) != rows[i].only_key || (user_id != NULL) != rows[i].user_id ||
			(task_id != NULL) != rows[i].task_id) {
			fail_msg("line %d: %s", rows[i].line, rows[i].input);
		}
		assert_true(user_id == NULL || user_id->integer == 1);
	}
	arena_finish(&arena);
	model_destroy(model);
}

static void test_caller_keeps_the_rest(void **state)
{
	(void)state;
	struct model *model = test_model();
	const struct resource *resource = test_resource(model, "ratings");
	struct arena arena;
	struct limits limits;
	struct parsed_query parsed;
	struct error error;
	struct query query = {
		.action = QUERY_LIST, .resource = resource, .format = FORMAT_VALUES, .total = true};
	const struct check_options defaults = options(&limits);
	arena_init(&arena, BLOCK_BYTES);
	parsed_query_init(&parsed);
	assert_true(
		parse_query_string(STR("limit=7&offset=8"), &limits, NULL, NULL, &arena, &parsed, &error));
	assert_true(check_query(&parsed, QUERY_LIST, resource, &defaults, &arena, &query, &error));
	assert_int_equal(query.limit, 7);
	assert_int_equal(query.offset, 8);
	assert_int_equal(query.format, FORMAT_VALUES);
	assert_true(query.total);
	arena_finish(&arena);
	model_destroy(model);
}

/* ---- today ---- */

static const char school[] = "service: test\n"
							 "resources:\n"
							 "  classes:\n"
							 "    key: id\n"
							 "    fields:\n"
							 "      id: integer\n"
							 "      begun: date\n"
							 "      age: { type: integer, computed: years_since(begun) }\n"
							 "  pupils:\n"
							 "    key: id\n"
							 "    fields:\n"
							 "      id: integer\n"
							 "      class: { type: integer, references: classes }\n"
							 "      born: date\n"
							 "      age: { type: integer, computed: years_since(born) }\n"
							 "      next: { type: integer, computed: id + 1 }\n";

static const struct {
	int line;
	const char *input;
	bool uses;
} today_rows[] = {
	{__LINE__, "", false},
	{__LINE__, "select=*,next", false},
	{__LINE__, "select=next&order=next&next=gt.1", false},
	{__LINE__, "select=id,age", true},
	{__LINE__, "select=a:age", true},
	{__LINE__, "select=age.max()", true},
	{__LINE__, "select=id&order=age", true},
	{__LINE__, "select=id&age=gt.3", true},
	{__LINE__, "select=id&or=(id.eq.1,and(next.eq.2,age.is.null))", true},
	{__LINE__, "select=id&age=not.in.(1,2)", true},
	{__LINE__, "select=id,classes(id)", false},
	{__LINE__, "select=id,classes(age)", true},
	{__LINE__, "select=id,...classes(age)", true},
	{__LINE__, "select=id,classes()&order=classes(age)", true},
	{__LINE__, "select=id,classes!inner(id)&classes.age=gt.3", true},
	{__LINE__, "select=id,classes()&classes.age=gt.3", false},
	{__LINE__, "select=id,classes()&classes.age=gt.3&classes=not.is.null", true},
	{__LINE__, "select=id,classes(pupils(age))", true},
};

/* A copy with nothing left of the day. */
static void forget_day(struct query *query, struct query_column *columns, struct query_embed *embed)
{
	query->today = 0;
	if (query->column_count == 2 && query->columns[1].embed != NULL) {
		memcpy(columns, query->columns, 2 * sizeof(*columns));
		*embed = *query->columns[1].embed;
		embed->query.today = 0;
		columns[1].embed = embed;
		query->columns = columns;
	}
}

static void check_today(const struct resource *resource, const char *input, bool uses)
{
	struct limits limits;
	const struct check_options defaults = options(&limits);
	struct query_column columns[2];
	struct query_embed embed = {0};
	struct query query;
	struct query bound;
	struct arena arena;
	struct error error;
	size_t wrong;
	arena_init(&arena, BLOCK_BYTES);
	limits.aggregates = 1;
	int64_t before = query_today();
	assert_true(test_check(input, QUERY_LIST, resource, &defaults, &arena, &query, &error));
	assert_true(query.today == before || query.today == before + 1);
	if (query.uses_today != uses) {
		fail_msg("%s: today is%s used", input, uses ? " not" : "");
	}
	forget_day(&query, columns, &embed);
	assert_true(query_bind(&query, NULL, 0, &arena, &bound, &wrong, &error));
	assert_true(bound.today >= before);
	assert_int_equal(bound.uses_today, uses);
	if (query.columns == columns) {
		assert_true(!embed.query.uses_today || bound.columns[1].embed->query.today >= before);
		assert_int_equal(embed.query.today, 0);
	}
	arena_finish(&arena);
}

static const char *no_environment(const char *name)
{
	(void)name;
	return NULL;
}

static void test_today(void **state)
{
	(void)state;
	struct model_report report;
	model_report_init(&report);
	struct model *model = model_parse(str_from(school), STR("x.yaml"), no_environment, &report);
	assert_non_null(model);
	assert_true(query_compile(model, &report));
	for (size_t i = 0; i < sizeof(today_rows) / sizeof(today_rows[0]); i++) {
		check_today(model_resource(model, STR("pupils")), today_rows[i].input, today_rows[i].uses);
	}
	model_report_finish(&report);
	model_destroy(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads),
		cmocka_unit_test(test_writes),
		cmocka_unit_test(test_conflict),
		cmocka_unit_test(test_tally),
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_pinned),
		cmocka_unit_test(test_caller_keeps_the_rest),
		cmocka_unit_test(test_today),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
