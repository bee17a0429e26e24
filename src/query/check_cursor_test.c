#include "query/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/base64.h"
#include "query/check_test_help.h"

enum { BLOCK_BYTES = 4096, TEXT_BYTES = 65536 };

static struct check_options options(struct limits *limits)
{
	limits_init(limits);
	return test_check_options(limits);
}

static void test_first_page(void **state)
{
	(void)state;
	static const struct test_row rows[] = {
		{__LINE__, "users", "after=&limit=5",
		 "\"id\":id, \"name\":name order id@0 limit 5 cursor 0"},
		{__LINE__, "users", "select=name&after=&limit=5&order=name.desc",
		 "\"name\":name +id order name.desc.nullsfirst@0,id@1 limit 5 cursor 0,1"},
		{__LINE__, "projects", "select=id&after=&limit=5&order=data->>a",
		 "\"id\":id +data->>a=text order data->>a@1,id@0 limit 5 cursor 1,0"},
		{__LINE__, "users", "select=id,tasks(id)&after=&limit=0",
		 "\"id\":id, \"tasks\":#0 many users_tasks(\"id\":id order id@0) order id@0 limit 0 "
		 "cursor 0"},
		{__LINE__, "users", "after=", "PARSE \"after\" needs a \"limit\""},
		{__LINE__, "users", "after=&limit=5&offset=1",
		 "PARSE \"after\" and \"offset\" exclude each other"},
		{__LINE__, "users", "after=&limit=5&distinct=true",
		 "UNSUPPORTED Feature not implemented / a cursor with aggregate functions or distinct"},
		{__LINE__, "users", "select=name,count()&after=&limit=5",
		 "UNSUPPORTED Feature not implemented / a cursor with aggregate functions or distinct"},
		{__LINE__, "loose", "after=&limit=5",
		 "UNSUPPORTED Feature not implemented / a cursor in a resource without a key"},
		{__LINE__, "projects", "select=id,clients()&after=&limit=5&order=clients(name)",
		 "UNSUPPORTED Feature not implemented / a cursor with an order by an embedded resource"},
		{__LINE__, "projects", "after=&limit=5&order=data->a",
		 "UNSUPPORTED Feature not implemented / a cursor with an order by JSON (use ->>)"},
	};
	struct limits limits;
	const struct check_options defaults = options(&limits);
	TEST_CHECK_ROWS(rows, QUERY_LIST, &defaults);
}

/* The query of the page behind a row with these values; `base` ends with "after=". */
static bool next_page(const struct model *model, const char *resource, const char *base,
					  const char *values, struct arena *arena, struct query *ret_query,
					  struct error *error)
{
	struct limits limits;
	const struct check_options defaults = options(&limits);
	struct query first;
	assert_true(test_check(base, QUERY_LIST, test_resource(model, resource), &defaults, arena,
						   &first, error));
	struct str cursor = check_cursor(&first, str_from(values), arena);
	struct str input = arena_printf(arena, "%s%.*s", base, STR_ARG(cursor));
	return test_check(input.ptr, QUERY_LIST, test_resource(model, resource), &defaults, arena,
					  ret_query, error);
}

static void test_next_page(void **state)
{
	(void)state;
	static const struct {
		int line;
		const char *resource;
		const char *base;
		const char *values;
		const char *want;
	} rows[] = {
		{__LINE__, "users", "limit=5&after=", "[7]", "id gt 7"},
		{__LINE__, "users", "id=gt.1&order=id.desc&limit=5&after=", "[7]", "and(id gt 1,id lt 7)"},
		/* null last, first; a null there */
		{__LINE__, "users", "order=name&limit=5&after=", "[\"b\",7]",
		 "or(and(name eq \"b\",id gt 7),name gt \"b\",name is null)"},
		{__LINE__, "users", "order=name&limit=5&after=", "[null,7]", "and(name is null,id gt 7)"},
		{__LINE__, "users", "order=name.desc&limit=5&after=", "[\"b\",7]",
		 "and(or(and(name eq \"b\",id gt 7),name lt \"b\"),name lte \"b\")"},
		{__LINE__, "users", "order=name.desc&limit=5&after=", "[null,7]",
		 "or(and(name is null,id gt 7),name is not_null)"},
		{__LINE__, "users", "order=name.desc.nullslast&limit=5&after=", "[\"b\",7]",
		 "or(and(name eq \"b\",id gt 7),name lt \"b\",name is null)"},
		/* no nulls: the first bound stands alone */
		{__LINE__, "users_tasks", "limit=5&after=", "[3,4]",
		 "and(or(and(user_id eq 3,task_id gt 4),user_id gt 3),user_id gte 3)"},
		{__LINE__, "users_tasks", "order=user_id.desc&limit=5&after=", "[3,4]",
		 "and(or(and(user_id eq 3,task_id gt 4),user_id lt 3),user_id lte 3)"},
		{__LINE__, "projects", "select=id&order=name,budget&limit=5&after=", "[\"b\",1.50,7]",
		 "and(or(and(or(and(budget eq 1.5,id gt 7),budget gt 1.5,budget is null),name eq "
		 "\"b\"),name gt \"b\"),name gte \"b\")"},
		{__LINE__, "projects", "select=id&order=data->>a,done&limit=5&after=", "[\"b\",true,7]",
		 "or(and(or(and(done eq true,id gt 7),done gt true,done is null),data->>a eq "
		 "\"b\"),data->>a gt \"b\",data->>a is null)"},
		{__LINE__, "users", "or=(id.eq.1,id.eq.2)&limit=5&after=", "[7]",
		 "and(or(id eq 1,id eq 2),id gt 7)"},
		/* not the values of this order */
		{__LINE__, "users", "limit=5&after=", "[\"7\"]",
		 "CURSOR The cursor belongs to another query"},
		{__LINE__, "users", "limit=5&after=", "[7,8]",
		 "CURSOR The cursor belongs to another query"},
		{__LINE__, "users", "limit=5&after=", "[[7]]",
		 "CURSOR The cursor belongs to another query"},
		{__LINE__, "users", "limit=5&after=", "[7.5]",
		 "CURSOR The cursor belongs to another query"},
	};
	struct model *model = test_relations_model();
	struct arena arena;
	struct buf got;
	arena_init(&arena, BLOCK_BYTES);
	buf_init(&got, TEXT_BYTES);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct query query;
		struct error error;
		buf_clear(&got);
		if (next_page(model, rows[i].resource, rows[i].base, rows[i].values, &arena, &query,
					  &error)) {
			test_write_cond(&got, query.where);
		} else {
			test_write_error(&got, &error);
		}
		test_equal(rows[i].line, rows[i].values, &got, rows[i].want);
		arena_reset(&arena);
	}
	buf_finish(&got);
	arena_finish(&arena);
	model_destroy(model);
}

/* Every cursor belongs to its order, its conditions and its resource alone. */
static void test_hash(void **state)
{
	(void)state;
	static const char *const inputs[] = {
		"after=&limit=5",
		"after=&limit=5&order=id.desc",
		"after=&limit=5&order=id.nullsfirst",
		"after=&limit=5&order=name",
		"after=&limit=5&order=name.desc",
		"after=&limit=5&id=eq.1",
		"after=&limit=5&id=eq.2",
		"after=&limit=5&id=gt.1",
		"after=&limit=5&id=not.eq.1",
		"after=&limit=5&id=in.(1,2)",
		"after=&limit=5&id=in.(12)",
		"after=&limit=5&name=eq.1",
		"after=&limit=5&name=is.null",
		"after=&limit=5&name=is.not_null",
		"after=&limit=5&or=(id.eq.1,name.eq.1)",
		"after=&limit=5&select=id,tasks!inner()",
		"after=&limit=5&select=id,tasks!inner()&tasks.id=eq.1",
		"after=&limit=5&select=id,tasks!inner()&tasks.limit=1",
		"after=&limit=5&select=id,users_tasks!inner()",
	};
	enum { COUNT = sizeof(inputs) / sizeof(inputs[0]) };
	uint64_t hashes[COUNT + 1];
	struct model *model = test_relations_model();
	struct limits limits;
	const struct check_options defaults = options(&limits);
	struct arena arena;
	struct query query;
	struct error error;
	arena_init(&arena, BLOCK_BYTES);
	for (size_t i = 0; i <= COUNT; i++) {
		const char *resource = i < COUNT ? "users" : "clients";
		assert_true(test_check(i < COUNT ? inputs[i] : inputs[0], QUERY_LIST,
							   test_resource(model, resource), &defaults, &arena, &query, &error));
		hashes[i] = query.cursor_hash;
		for (size_t k = 0; k < i; k++) {
			assert_int_not_equal(hashes[i], hashes[k]);
		}
	}
	/* What is selected and how many is the client's to change. */
	assert_true(test_check("after=&limit=9&select=name", QUERY_LIST, test_resource(model, "users"),
						   &defaults, &arena, &query, &error));
	assert_int_equal(query.cursor_hash, hashes[0]);
	arena_finish(&arena);
	model_destroy(model);
}

/* What clients send as a cursor, decoded. */
static void test_malformed(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"",
		"{}",
		"[]",
		"[7",
		"[7]",
		"[7,\"\"]",
		"[7,\"0000000000000000\"]",
		"[7,8]",
		"7",
		"[7,\"0\"]]",
		"\xff",
		"[7,\"0000000000000000\"]x",
	};
	struct model *model = test_relations_model();
	struct limits limits;
	const struct check_options defaults = options(&limits);
	struct arena arena;
	struct query query;
	struct error error;
	struct buf input;
	arena_init(&arena, BLOCK_BYTES);
	buf_init(&input, TEXT_BYTES);
	for (size_t i = 1; i < sizeof(texts) / sizeof(texts[0]); i++) {
		buf_clear(&input);
		buf_append(&input, STR("limit=5&after="));
		base64url_write(&input, str_from(texts[i]));
		buf_append_byte(&input, '\0');
		assert_false(test_check(input.ptr, QUERY_LIST, test_resource(model, "users"), &defaults,
								&arena, &query, &error));
		assert_int_equal(error.code, ERROR_CURSOR);
		assert_null(query.where);
	}
	assert_false(test_check("limit=5&after=!!", QUERY_LIST, test_resource(model, "users"),
							&defaults, &arena, &query, &error));
	assert_int_equal(error.code, ERROR_CURSOR);
	buf_finish(&input);
	arena_finish(&arena);
	model_destroy(model);
}

/* An order of so many terms, the key's among them. */
static bool check_terms(struct model *model, size_t count, struct error *error)
{
	struct limits limits;
	const struct check_options defaults = options(&limits);
	struct arena arena;
	struct buf text;
	struct query query;
	arena_init(&arena, BLOCK_BYTES);
	buf_init(&text, TEXT_BYTES);
	buf_append(&text, STR("after=&limit=5&order="));
	for (size_t i = 1; i < count; i++) {
		buf_printf(&text, "%sdata->>k%zu", i > 1 ? "," : "", i);
	}
	buf_append_byte(&text, '\0');
	bool ok = test_check(text.ptr, QUERY_LIST, test_resource(model, "projects"), &defaults, &arena,
						 &query, error);
	buf_finish(&text);
	arena_finish(&arena);
	return ok;
}

static void test_many_terms(void **state)
{
	(void)state;
	struct model *model = test_relations_model();
	struct error error;
	assert_true(check_terms(model, 32, &error));
	assert_false(check_terms(model, 33, &error));
	assert_int_equal(error.code, ERROR_PARSE);
	model_destroy(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_page), cmocka_unit_test(test_next_page),
		cmocka_unit_test(test_hash),       cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_many_terms),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
