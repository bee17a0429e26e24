#include "query/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "query/check_test_help.h"

enum { TEXT_BYTES = 1 << 20, BLOCK_BYTES = 4096 };

static const struct str names[] = {STR_INIT("x"), STR_INIT("y")};
static const struct parameter_names parameters = {names, 2};

/* Checks the conditions of a query string, or of a service file. */
static void run(const struct test_row *rows, size_t count, bool service_text)
{
	struct model *model = test_model();
	struct limits limits;
	struct arena arena;
	struct buf got;
	limits_init(&limits);
	arena_init(&arena, BLOCK_BYTES);
	buf_init(&got, TEXT_BYTES);
	struct check_options options = test_check_options(&limits);
	options.parameters = service_text ? &parameters : NULL;
	for (size_t i = 0; i < count; i++) {
		const struct resource *resource = test_resource(model, rows[i].resource);
		struct parsed_query parsed;
		struct query query = {.limit = 0};
		struct error error;
		parsed_query_init(&parsed);
		bool ok = service_text
			? parse_condition(str_from(rows[i].input), &limits, &arena, &parsed, &error)
			: parse_query_string(str_from(rows[i].input), &limits, NULL, NULL, &arena, &parsed,
								 &error);
		buf_clear(&got);
		if (ok && check_query(&parsed, QUERY_LIST, resource, &options, &arena, &query, &error)) {
			test_write_cond(&got, query.where);
		} else {
			test_write_error(&got, &error);
			assert_null(query.where);
		}
		test_equal(rows[i].line, rows[i].input, &got, rows[i].want);
		arena_reset(&arena);
	}
	buf_finish(&got);
	arena_finish(&arena);
	model_destroy(model);
}

#define RUN(rows, service_text) run((rows), sizeof(rows) / sizeof((rows)[0]), (service_text))

static const struct test_row where_rows[] = {
	{__LINE__, "ratings", "", ""},
	{__LINE__, "ratings", "user_id=eq.5", "user_id eq 5"},
	{__LINE__, "ratings", "user_id=eq.5&item_id=gt.-3", "and(user_id eq 5,item_id gt -3)"},
	{__LINE__, "ratings", "user_id=in.(1, 2 ,3)", "user_id in 1|2|3"},
	{__LINE__, "ratings", "user_id=in.()", "user_id in "},
	{__LINE__, "ratings", "user_id=eq. 5", "user_id eq 5"},
	{__LINE__, "ratings", "user_id=not.eq.5", "not(user_id eq 5)"},
	{__LINE__, "things", "note=eq.%205%20", "note eq \" 5 \""},
	{__LINE__, "things", "note=eq.", "note eq \"\""},
	{__LINE__, "things", "name=eq.longer+than+ten+characters",
	 "name eq \"longer than ten characters\""},
	{__LINE__, "things", "price=gte.1.5", "price gte 1.5"},
	{__LINE__, "things", "share=lt.1e3", "share lt 1000"},
	{__LINE__, "things", "done=eq.true&done=is.false", "and(done eq true,done is false)"},
	{__LINE__, "things", "done=is.unknown", "done is unknown"},
	{__LINE__, "things", "ref=eq.A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
	 "ref eq \"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\""},
	{__LINE__, "things", "state=eq.lost", "state eq \"lost\""},
	{__LINE__, "things", "data=is.null", "data is null"},
	{__LINE__, "things", "data=not.is.null", "not(data is null)"},
	{__LINE__, "things", "\"odd \\\"key\"=is.not_null", "odd \"key is not_null"},
	/* simplified: single ones, equal kinds, negations down to the leaves, the highest first */
	{__LINE__, "things", "and=(id.eq.1)", "id eq 1"},
	{__LINE__, "things", "or=(id.eq.1)&not.and=(id.eq.2)", "and(id eq 1,not(id eq 2))"},
	{__LINE__, "things", "id=eq.1&and=(id.eq.2,and(id.eq.3,id.eq.4))",
	 "and(id eq 1,id eq 2,id eq 3,id eq 4)"},
	{__LINE__, "things", "or=(id.eq.1,or(id.eq.2,id.eq.3))", "or(id eq 1,id eq 2,id eq 3)"},
	{__LINE__, "things", "not.or=(id.eq.1,id.eq.2)", "and(not(id eq 1),not(id eq 2))"},
	{__LINE__, "things", "not.and=(id.eq.1,id.not.eq.2)", "or(not(id eq 1),id eq 2)"},
	{__LINE__, "things", "not.and=(id.eq.1,not.or(id.eq.2,id.eq.3))",
	 "or(not(id eq 1),id eq 2,id eq 3)"},
	{__LINE__, "things", "id=eq.1&or=(id.eq.2,and(id.eq.3,id.eq.4))",
	 "and(or(and(id eq 3,id eq 4),id eq 2),id eq 1)"},
	/* a tally shows no empty groups */
	{__LINE__, "counts", "", "count gt 0"},
	{__LINE__, "counts", "user_id=eq.5", "and(user_id eq 5,count gt 0)"},
	{__LINE__, "counts", "or=(user_id.eq.5,count.gt.3)",
	 "and(or(user_id eq 5,count gt 3),count gt 0)"},
	/* errors */
	{__LINE__, "ratings", "foo=eq.1", "COLUMN column ratings.foo does not exist"},
	{__LINE__, "ratings", "rating_typ=eq.1",
	 "COLUMN column ratings.rating_typ does not exist / Perhaps you meant the column "
	 "\"rating_type\""},
	{__LINE__, "ratings", "or=(user_id.eq.1,userid.eq.2)",
	 "COLUMN column ratings.userid does not exist / Perhaps you meant the column \"user_id\""},
	{__LINE__, "ratings", "user_id=eq.x",
	 "VALUE field \"user_id\": invalid input syntax for type integer: \"x\""},
	{__LINE__, "ratings", "user_id=eq.",
	 "VALUE field \"user_id\": invalid input syntax for type integer: \"\""},
	{__LINE__, "ratings", "user_id=eq.9223372036854775808",
	 "OUT_OF_RANGE field \"user_id\": value \"9223372036854775808\" is out of range for type "
	 "integer"},
	{__LINE__, "ratings", "user_id=in.(1,x)",
	 "VALUE field \"user_id\": invalid input syntax for type integer: \"x\""},
	{__LINE__, "ratings", "user_id=is.true",
	 "VALUE argument of IS TRUE must be type boolean, not type integer"},
	{__LINE__, "things", "note=is.unknown",
	 "VALUE argument of IS UNKNOWN must be type boolean, not type text"},
	{__LINE__, "things", "done=eq.1",
	 "VALUE field \"done\": invalid input syntax for type boolean: \"1\""},
	{__LINE__, "things", "ref=eq.5",
	 "VALUE field \"ref\": invalid input syntax for type uuid: \"5\""},
	{__LINE__, "things", "price=eq.1.234",
	 "OUT_OF_RANGE field \"price\": value \"1.234\" is out of range for type decimal(10,2)"},
	{__LINE__, "things", "data=eq.1",
	 "UNSUPPORTED Feature not implemented / comparison and order of the json field \"data\""},
	{__LINE__, "things", "data=in.(1)",
	 "UNSUPPORTED Feature not implemented / comparison and order of the json field \"data\""},
	{__LINE__, "ratings", "user_id=eq.{x}",
	 "VALUE field \"user_id\": invalid input syntax for type integer: \"{x}\""},
};

static void test_where(void **state)
{
	(void)state;
	RUN(where_rows, false);
}

static void test_parameters(void **state)
{
	(void)state;
	static const struct test_row rows[] = {
		{__LINE__, "ratings", "user_id=eq.{x}", "user_id eq {0}"},
		{__LINE__, "ratings", "user_id=eq.{x}&item_id=gt.{y?}",
		 "and(user_id eq {0},item_id gt {1?})"},
		{__LINE__, "ratings", "user_id=in.({x},7,{y?})", "user_id in {0}|7|{1?}"},
		{__LINE__, "ratings", "not.or=(user_id.eq.{x},item_id.eq.3)",
		 "and(not(user_id eq {0}),not(item_id eq 3))"},
		{__LINE__, "ratings", "user_id=eq.*{x}",
		 "PARSE a star stands beside {x}, which only like and ilike know"},
		{__LINE__, "ratings", "user_id=eq.{z}", "PARSE there is no parameter \"z\" to fill in"},
		{__LINE__, "things", "data=eq.{x}",
		 "UNSUPPORTED Feature not implemented / comparison and order of the json field \"data\""},
		{__LINE__, "things", "note=ilike.{x}", "note ilike {0}"},
		{__LINE__, "things", "note=not.fts.{x?}", "not(note fts {0?})"},
		{__LINE__, "things", "data->>a=eq.{x}", "data->>a eq {0}"},
		{__LINE__, "things", "id=like.{x}", "VALUE operator like does not exist for type integer"},
	};
	RUN(rows, true);
}

static void test_paths(void **state)
{
	(void)state;
	static const struct test_row rows[] = {
		{__LINE__, "things", "data->>a=eq.5", "data->>a eq \"5\""},
		{__LINE__, "things", "data->a->>0=gt.x", "data->a->>0 gt \"x\""},
		{__LINE__, "things", "data->a=eq.{\"b\": 1}", "data->a eq \"{\\\"b\\\":1}\""},
		{__LINE__, "things", "data->a=eq.{b", "data->a eq \"{b\""},
		{__LINE__, "things", "data->>a=eq.{\"b\": 1}", "data->>a eq \"{\\\"b\\\": 1}\""},
		{__LINE__, "things", "data->a=in.(1,[ 2 ])", "data->a in \"1\"|\"[2]\""},
		{__LINE__, "things", "data->>a=is.null", "data->>a is null"},
		{__LINE__, "things", "data->>a=like.x*", "data->>a like \"x%\"!"},
		{__LINE__, "things", "data->a=ilike.{\"b\": *", "data->a ilike \"{\\\"b\\\": %\"!"},
		{__LINE__, "things", "data->>a=is.true",
		 "VALUE argument of IS TRUE must be type boolean, not type text"},
		{__LINE__, "things", "data->a=is.true",
		 "VALUE argument of IS TRUE must be type boolean, not type json"},
		{__LINE__, "things", "note->a=eq.1",
		 "UNSUPPORTED Feature not implemented / a path into \"note\", which is no json field"},
		{__LINE__, "things", "nota->a=eq.1",
		 "COLUMN column things.nota does not exist / Perhaps you meant the column \"note\""},
	};
	RUN(rows, false);
}

static void test_operators(void **state)
{
	(void)state;
	static const struct test_row rows[] = {
		{__LINE__, "things", "note=like.a*b%25", "note like \"a%b%\"!"},
		{__LINE__, "things", "note=not.ilike.*A", "not(note ilike \"%A\"!)"},
		{__LINE__, "things", "note=match.^a*$", "note match \"^a*$\"!"},
		{__LINE__, "things", "note=imatch.A", "note imatch \"A\"!"},
		{__LINE__, "things", "ref=like.a0*", "ref like \"a0%\"!"},
		{__LINE__, "things", "price=like.1*",
		 "VALUE operator like does not exist for type decimal"},
		{__LINE__, "things", "done=wfts.x", "VALUE operator wfts does not exist for type boolean"},
		{__LINE__, "things", "data=ilike.x",
		 "UNSUPPORTED Feature not implemented / comparison and order of the json field \"data\""},
		{__LINE__, "things", "note=isdistinct.null", "note isdistinct \"null\""},
		{__LINE__, "things", "note=not.isdistinct.a", "not(note isdistinct \"a\")"},
		{__LINE__, "things", "id=isdistinct.5", "id isdistinct 5"},
		{__LINE__, "things", "id=isdistinct.null",
		 "VALUE field \"id\": invalid input syntax for type integer: \"null\""},
		/* any and all */
		{__LINE__, "things", "id=eq(any).{1,2}", "id in 1|2"},
		{__LINE__, "things", "id=not.eq(any).{1,2}", "not(id in 1|2)"},
		{__LINE__, "things", "id=gt(any).{1,2}", "or(id gt 1,id gt 2)"},
		{__LINE__, "things", "id=gt(all).{1,2}", "and(id gt 1,id gt 2)"},
		{__LINE__, "things", "id=not.gt(all).{1,2}", "or(not(id gt 1),not(id gt 2))"},
		{__LINE__, "things", "note=like(any).{a*,b*}", "or(note like \"a%\"!,note like \"b%\"!)"},
		{__LINE__, "things", "id=gt(any).{1}", "id gt 1"},
		{__LINE__, "things", "id=eq(any).{}", "id in "},
		{__LINE__, "things", "id=gt(any).{}", "or()"},
		{__LINE__, "things", "id=gt(all).{}", "and()"},
		{__LINE__, "things", "id=not.gt(any).{}", "and()"},
		{__LINE__, "things", "or=(id.gt(any).{},id.eq.5)", "id eq 5"},
		{__LINE__, "things", "id=gt(any).{1,x}",
		 "VALUE field \"id\": invalid input syntax for type integer: \"x\""},
		/* full text */
		{__LINE__, "things", "note=fts.cat%26dog", "and(note fts cat,note fts dog)"},
		{__LINE__, "things", "note=not.fts.cat%26!dog", "or(not(note fts cat),note fts dog)"},
		{__LINE__, "things", "note=fts.cat:*", "note fts cat:*"},
		{__LINE__, "things", "note=plfts.the+Fat+cat",
		 "and(note fts the,note fts fat,note fts cat)"},
		{__LINE__, "things", "note=phfts.fat+cat", "note fts fat <1> cat"},
		{__LINE__, "things", "note=wfts.\"fat cat\"+or+-dog",
		 "or(note fts fat <1> cat,not(note fts dog))"},
		{__LINE__, "things", "note=plfts(simple).cat", "note fts cat"},
		{__LINE__, "things", "note=plfts.", "or()"},
		{__LINE__, "things", "note=not.plfts.", "and()"},
		{__LINE__, "things", "note=plfts(english).cat",
		 "UNSUPPORTED Feature not implemented / the text search configuration \"english\""},
	};
	RUN(rows, false);
}

static void test_errors_of_patterns(void **state)
{
	(void)state;
	struct model *model = test_model();
	struct limits limits;
	struct arena arena;
	struct query query;
	struct error error;
	limits_init(&limits);
	arena_init(&arena, BLOCK_BYTES);
	struct check_options options = test_check_options(&limits);
	const struct resource *things = test_resource(model, "things");
	assert_false(test_check("note=match.(", QUERY_LIST, things, &options, &arena, &query, &error));
	assert_int_equal(error.code, ERROR_REGEX);
	assert_false(test_check("note=fts.a%26", QUERY_LIST, things, &options, &arena, &query, &error));
	assert_int_equal(error.code, ERROR_SYNTAX);
	arena_finish(&arena);
	model_destroy(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_where),
		cmocka_unit_test(test_parameters),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_operators),
		cmocka_unit_test(test_errors_of_patterns),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
