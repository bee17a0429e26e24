#include "query/bind.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "query/check_test_help.h"

enum { TEXT_BYTES = 65536, BLOCK_BYTES = 4096, NONE = 99 };

/* Texts of the parameters x and y; NULL is not given. */
struct row {
	int line;
	const char *condition;
	const char *x;
	const char *y;
	const char *want;
	size_t want_parameter;
};

static void fill(struct parameter *parameter, const char *text)
{
	if (text != NULL) {
		*parameter = (struct parameter){str_from(text), text[0] != '\0'};
	}
}

static void check(const char *condition, const struct resource *resource, struct arena *arena,
				  struct query *query)
{
	static const struct str names[] = {STR_INIT("x"), STR_INIT("y")};
	static const struct parameter_names parameters = {names, 2};
	struct limits limits;
	struct parsed_query parsed;
	struct error error;
	limits_init(&limits);
	parsed_query_init(&parsed);
	assert_true(parse_condition(str_from(condition), &limits, arena, &parsed, &error));
	const struct check_options options = {
		.limits = &limits, .caller = &caller_trusted, .parameters = &parameters};
	*query = (struct query){.action = QUERY_LIST, .resource = resource, .must_match = true};
	assert_true(check_query(&parsed, QUERY_LIST, resource, &options, arena, query, &error));
}

static const struct row bind_rows[] = {
	{__LINE__, "id=eq.{x}", "5", NULL, "id eq 5", NONE},
	{__LINE__, "id=eq.{x}&note=eq.{y}", "5", "b", "and(id eq 5,note eq \"b\")", NONE},
	{__LINE__, "id=eq.1&note=eq.{y}", NULL, "b", "and(id eq 1,note eq \"b\")", NONE},
	{__LINE__, "not.and=(id.eq.{x},note.eq.{y})", "5", "b", "or(not(id eq 5),not(note eq \"b\"))",
	 NONE},
	{__LINE__, "id=in.({x},7,{y})", "5", "6", "id in 5|7|6", NONE},
	{__LINE__, "note=eq.{x}", "", NULL, "note eq \"\"", NONE},
	{__LINE__, "note=eq.{x}", "eq.{y}),or(1", NULL, "note eq \"eq.{y}),or(1\"", NONE},
	/* optional */
	{__LINE__, "id=eq.{x?}", "5", NULL, "id eq 5", NONE},
	{__LINE__, "id=eq.{x?}", NULL, NULL, "", NONE},
	{__LINE__, "id=eq.{x?}", "", NULL, "", NONE},
	{__LINE__, "id=eq.1&note=eq.{y?}", NULL, NULL, "id eq 1", NONE},
	{__LINE__, "id=eq.1&note=not.eq.{y?}", NULL, NULL, "id eq 1", NONE},
	{__LINE__, "id=gte.{x?}&id=lte.{y?}", NULL, "9", "id lte 9", NONE},
	{__LINE__, "id=gte.{x?}&id=lte.{y?}", NULL, NULL, "", NONE},
	{__LINE__, "or=(id.eq.{x?},note.eq.{y?})", "3", NULL, "id eq 3", NONE},
	{__LINE__, "or=(id.eq.{x?},note.eq.{y?})&id=gt.0", NULL, NULL, "id gt 0", NONE},
	{__LINE__, "not.or=(id.eq.{x?},note.eq.{y?})&id=gt.0", NULL, "b",
	 "and(not(note eq \"b\"),id gt 0)", NONE},
	{__LINE__, "id=in.({x?},{y?})", NULL, "6", "id in 6", NONE},
	{__LINE__, "id=in.({x?},{y?})", NULL, NULL, "", NONE},
	{__LINE__, "id=not.in.({x?})", NULL, NULL, "", NONE},
	{__LINE__, "id=in.({x?},7)", NULL, NULL, "id in 7", NONE},
	/* patterns, questions and paths */
	{__LINE__, "note=ilike.{x}", "a*", NULL, "note ilike \"a%\"!", NONE},
	{__LINE__, "note=ilike.*{x?}*", "a*%_\\b", NULL, "note ilike \"%a*\\\\%\\\\_\\\\\\\\b%\"!",
	 NONE},
	{__LINE__, "note=ilike.*{x?}*", "", NULL, "", NONE},
	{__LINE__, "note=like.{x}*", "a*", NULL, "note like \"a*%\"!", NONE},
	{__LINE__, "note=not.like.*{x}", "", NULL, "not(note like \"%\"!)", NONE},
	{__LINE__, "or=(note.like.*{x},id.eq.1)", "*", NULL, "or(note like \"%*\"!,id eq 1)", NONE},
	{__LINE__, "note=not.like.{x?}", "a*", NULL, "not(note like \"a%\"!)", NONE},
	{__LINE__, "note=not.like.{x?}", NULL, NULL, "", NONE},
	{__LINE__, "ref=like.{x}", "a0*", NULL, "ref like \"a0%\"!", NONE},
	{__LINE__, "note=plfts.{x}", "fat cat", NULL, "and(note fts fat,note fts cat)", NONE},
	{__LINE__, "note=not.plfts.{x}&id=eq.1", "fat cat", NULL,
	 "and(or(not(note fts fat),not(note fts cat)),id eq 1)", NONE},
	{__LINE__, "note=plfts.{x}&id=eq.1", "fat cat", NULL, "and(note fts fat,note fts cat,id eq 1)",
	 NONE},
	{__LINE__, "note=plfts.{x}", "-", NULL, "or()", NONE},
	{__LINE__, "data->a=eq.{x}", "[ 1 ]", NULL, "data->a eq \"[1]\"", NONE},
	{__LINE__, "data->>a=in.({x},b)", "[ 1 ]", NULL, "data->>a in \"[ 1 ]\"|\"b\"", NONE},
	/* errors */
	{__LINE__, "id=eq.{x}", "x", NULL,
	 "VALUE field \"id\": invalid input syntax for type integer: \"x\"", 0},
	{__LINE__, "id=eq.{x}", " 5", NULL,
	 "VALUE field \"id\": invalid input syntax for type integer: \" 5\"", 0},
	{__LINE__, "id=eq.{x}", "05", NULL,
	 "VALUE field \"id\": invalid input syntax for type integer: \"05\"", 0},
	{__LINE__, "id=eq.{x}&id=gt.{y?}", "5", "z",
	 "VALUE field \"id\": invalid input syntax for type integer: \"z\"", 1},
	{__LINE__, "id=in.(1,{y})", NULL, "9223372036854775808",
	 "OUT_OF_RANGE field \"id\": value \"9223372036854775808\" is out of range for type integer",
	 1},
	{__LINE__, "id=eq.{x}", "", NULL,
	 "VALUE field \"id\": invalid input syntax for type integer: \"\"", 0},
	{__LINE__, "id=gt.0&note=eq.{y}", NULL, NULL,
	 "VALUE field \"note\": the request gives no value", 1},
};

static void test_bind(void **state)
{
	(void)state;
	struct model *model = test_model();
	const struct resource *resource = test_resource(model, "things");
	struct arena arena;
	struct buf got;
	arena_init(&arena, BLOCK_BYTES);
	buf_init(&got, TEXT_BYTES);
	for (size_t i = 0; i < sizeof(bind_rows) / sizeof(bind_rows[0]); i++) {
		struct parameter parameters[2] = {0};
		struct query query;
		struct query bound = {.limit = 77};
		struct error error;
		size_t wrong = NONE;
		fill(&parameters[0], bind_rows[i].x);
		fill(&parameters[1], bind_rows[i].y);
		check(bind_rows[i].condition, resource, &arena, &query);
		buf_clear(&got);
		if (query_bind(&query, parameters, 2, &arena, &bound, &wrong, &error)) {
			test_write_cond(&got, bound.where);
			assert_true(bound.must_match && bound.columns == query.columns);
			assert_true(bound.where == NULL || !bound.where->parameters);
		} else {
			test_write_error(&got, &error);
			assert_int_equal(bound.limit, 77);
		}
		test_equal(bind_rows[i].line, bind_rows[i].condition, &got, bind_rows[i].want);
		assert_int_equal(wrong, bind_rows[i].want_parameter);
		arena_reset(&arena);
	}
	buf_finish(&got);
	arena_finish(&arena);
	model_destroy(model);
}

/* What holds no parameter is not copied, and the template stays as it was. */
static void test_shared(void **state)
{
	(void)state;
	struct model *model = test_model();
	struct arena arena;
	struct query query;
	struct query bound;
	struct error error;
	struct buf got;
	size_t wrong;
	struct parameter parameters[2] = {{STR("5"), true}, {STR("b"), true}};
	arena_init(&arena, BLOCK_BYTES);
	buf_init(&got, TEXT_BYTES);
	check("id=eq.1&or=(id.eq.2,note.eq.a)", test_resource(model, "things"), &arena, &query);
	assert_true(query_bind(&query, parameters, 2, &arena, &bound, &wrong, &error));
	assert_ptr_equal(bound.where, query.where);

	check("id=eq.{x}&or=(id.eq.2,note.eq.a)", test_resource(model, "things"), &arena, &query);
	assert_true(query_bind(&query, parameters, 2, &arena, &bound, &wrong, &error));
	assert_ptr_equal(bound.where->children[0], query.where->children[0]);
	test_write_cond(&got, query.where);
	test_equal(__LINE__, "template", &got, "and(or(id eq 2,note eq \"a\"),id eq {0})");
	buf_finish(&got);
	arena_finish(&arena);
	model_destroy(model);
}

/* A condition of an embed that stands in a column and in an inner join. */
static void test_embeds(void **state)
{
	(void)state;
	static const struct str names[] = {STR_INIT("x"), STR_INIT("y")};
	static const struct parameter_names names_of_all = {names, 2};
	struct model *model = test_relations_model();
	struct limits limits;
	struct parsed_query parsed;
	struct arena arena;
	struct query query;
	struct query bound;
	struct error error;
	struct buf got;
	size_t wrong = NONE;
	struct parameter parameters[2] = {{STR("a*"), true}, {STR(""), false}};
	const struct check_options options = {
		.limits = &limits, .caller = &caller_trusted, .parameters = &names_of_all};
	limits_init(&limits);
	arena_init(&arena, BLOCK_BYTES);
	buf_init(&got, TEXT_BYTES);
	parsed_query_init(&parsed);
	assert_true(parse_select(STR("id,projects!inner(id,tasks(id),details(note))"), &limits, &arena,
							 &parsed, &error));
	assert_true(parse_condition(STR("projects.name=like.{x}&projects.tasks.id=eq.{y?}&id=gt.1"),
								&limits, &arena, &parsed, &error));
	query = (struct query){.action = QUERY_LIST};
	assert_true(check_query(&parsed, QUERY_LIST, test_resource(model, "clients"), &options, &arena,
							&query, &error));
	assert_true(query_bind(&query, parameters, 2, &arena, &bound, &wrong, &error));
	test_write_query(&got, &bound);
	test_equal(
		__LINE__, "embeds", &got,
		"\"id\":id, \"projects\":#0 many projects_client_id_fkey(\"id\":id, \"tasks\":#1 many "
		"tasks_project_id_fkey(\"id\":id order id@0), \"details\":#2 one "
		"details_project_id_fkey(\"note\":note order project_id) where name like \"a%\"! "
		"order id@0) where and(id gt 1,exists(projects name like \"a%\"!)) order id@0");
	const struct query_embed *projects = bound.columns[1].embed;
	assert_ptr_equal(bound.where->children[1]->embed, projects);
	assert_ptr_not_equal(query.columns[1].embed, projects);
	assert_ptr_equal(projects->query.columns[2].embed,
					 query.columns[1].embed->query.columns[2].embed);

	parameters[1] = (struct parameter){STR("b"), true};
	assert_false(query_bind(&query, parameters, 2, &arena, &bound, &wrong, &error));
	assert_int_equal(wrong, 1);
	buf_finish(&got);
	arena_finish(&arena);
	model_destroy(model);
}

/* A pattern that is none is the fault of its parameter. */
static void test_patterns(void **state)
{
	(void)state;
	struct model *model = test_model();
	struct arena arena;
	struct query query;
	struct query bound;
	struct error error;
	size_t wrong = NONE;
	struct parameter parameters[2] = {{STR("5"), true}, {STR("("), true}};
	arena_init(&arena, BLOCK_BYTES);
	check("id=eq.{x}&note=match.{y}", test_resource(model, "things"), &arena, &query);
	assert_false(query_bind(&query, parameters, 2, &arena, &bound, &wrong, &error));
	assert_int_equal(error.code, ERROR_REGEX);
	assert_int_equal(wrong, 1);
	check("id=eq.{x}&note=not.fts.{y}", test_resource(model, "things"), &arena, &query);
	assert_false(query_bind(&query, parameters, 2, &arena, &bound, &wrong, &error));
	assert_int_equal(error.code, ERROR_SYNTAX);
	arena_finish(&arena);
	model_destroy(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bind),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_embeds),
		cmocka_unit_test(test_patterns),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
