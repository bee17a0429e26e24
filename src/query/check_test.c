#include "query/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "query/query_test_help.h"

enum { TEXT_BYTES = 1 << 20, BLOCK_BYTES = 4096 };

struct row {
	int line;
	const char *resource;
	const char *input;
	const char *want;
};

static const struct str names[] = {STR_INIT("x"), STR_INIT("y")};
static const struct parameter_names parameters = {names, 2};

enum part { WHERE, COLUMNS, ORDER };

static void write_part(struct buf *buf, const struct query *query, enum part part)
{
	if (part == WHERE) {
		test_write_cond(buf, query->where);
	}
	for (size_t i = 0; part == COLUMNS && i < query->column_count; i++) {
		const struct query_column *column = &query->columns[i];
		buf_printf(buf, "%s%.*s=%.*s", i > 0 ? " " : "", STR_ARG(column->key),
				   STR_ARG(column->field->name));
	}
	for (size_t i = 0; part == ORDER && i < query->order_count; i++) {
		const struct query_order *order = &query->order[i];
		buf_printf(buf, "%s%.*s%s%s", i > 0 ? " " : "", STR_ARG(order->field->name),
				   order->descending ? ".desc" : "", order->nulls_first ? ".nullsfirst" : "");
	}
}

static bool read(const char *input, bool service_text, enum query_action action,
				 const struct resource *resource, struct arena *arena, struct query *query,
				 struct error *error)
{
	struct limits limits;
	struct parsed_query parsed;
	limits_init(&limits);
	parsed_query_init(&parsed);
	bool ok = service_text
		? parse_condition(str_from(input), &limits, arena, &parsed, error)
		: parse_query_string(str_from(input), &limits, NULL, NULL, arena, &parsed, error);
	*query = (struct query){.action = action, .resource = resource};
	return ok &&
		check_query(&parsed, action, resource, service_text ? &parameters : NULL, arena, query,
					error);
}

static void run(const struct row *rows, size_t count, enum query_action action, bool service_text,
				enum part part)
{
	struct model *model = test_model();
	struct arena arena;
	struct buf got;
	arena_init(&arena, BLOCK_BYTES);
	buf_init(&got, TEXT_BYTES);
	for (size_t i = 0; i < count; i++) {
		const struct resource *resource = test_resource(model, rows[i].resource);
		struct query query;
		struct error error;
		buf_clear(&got);
		if (read(rows[i].input, service_text, action, resource, &arena, &query, &error)) {
			write_part(&got, &query, part);
		} else {
			test_write_error(&got, &error);
			assert_true(query.where == NULL && query.columns == NULL && query.order == NULL);
		}
		test_equal(rows[i].line, rows[i].input, &got, rows[i].want);
		arena_reset(&arena);
	}
	buf_finish(&got);
	arena_finish(&arena);
	model_destroy(model);
}

#define RUN(rows, action, service_text, part)                                                      \
	run((rows), sizeof(rows) / sizeof((rows)[0]), (action), (service_text), (part))

static const struct row where_rows[] = {
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
	RUN(where_rows, QUERY_LIST, false, WHERE);
}

static void test_parameters(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{__LINE__, "ratings", "user_id=eq.{x}", "user_id eq {0}"},
		{__LINE__, "ratings", "user_id=eq.{x}&item_id=gt.{y?}",
		 "and(user_id eq {0},item_id gt {1?})"},
		{__LINE__, "ratings", "user_id=in.({x},7,{y?})", "user_id in {0}|7|{1?}"},
		{__LINE__, "ratings", "not.or=(user_id.eq.{x},item_id.eq.3)",
		 "and(not(user_id eq {0}),not(item_id eq 3))"},
		{__LINE__, "ratings", "user_id=eq.{z}", "PARSE there is no parameter \"z\" to fill in"},
		{__LINE__, "things", "data=eq.{x}",
		 "UNSUPPORTED Feature not implemented / comparison and order of the json field \"data\""},
	};
	RUN(rows, QUERY_LIST, true, WHERE);
}

static void test_columns(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{__LINE__, "ratings", "",
		 "\"user_id\":=user_id \"item_id\":=item_id \"rating_type\":=rating_type"},
		{__LINE__, "ratings",
		 "select=", "\"user_id\":=user_id \"item_id\":=item_id \"rating_type\":=rating_type"},
		{__LINE__, "ratings", "select=item_id,user_id",
		 "\"item_id\":=item_id \"user_id\":=user_id"},
		{__LINE__, "ratings", "select=kind:rating_type", "\"kind\":=rating_type"},
		{__LINE__, "ratings", "select=user_id,*",
		 "\"user_id\":=user_id \"item_id\":=item_id \"rating_type\":=rating_type"},
		{__LINE__, "ratings", "select=*,user_id,*",
		 "\"user_id\":=user_id \"item_id\":=item_id \"rating_type\":=rating_type"},
		{__LINE__, "ratings", "select=user_id,user_id,a:user_id,a:user_id",
		 "\"user_id\":=user_id \"a\":=user_id"},
		{__LINE__, "ratings", "select=item_id:item_id,item_id", "\"item_id\":=item_id"},
		{__LINE__, "people", "select=\"a\\\"b\":id", "\"a\\\"b\":=id"},
		{__LINE__, "people", "select=%C3%A9:id", "\"\xc3\xa9\":=id"},
		{__LINE__, "people", "select=\"%09\":id", "\"\\t\":=id"},
		{__LINE__, "ratings", "select=user_id,user_id:item_id",
		 "PARSE two columns have the name \"user_id\""},
		{__LINE__, "ratings", "select=user_id:item_id,user_id",
		 "PARSE two columns have the name \"user_id\""},
		{__LINE__, "ratings", "select=a:item_id,a:user_id",
		 "PARSE two columns have the name \"a\""},
		{__LINE__, "ratings", "select=user_id:item_id,*",
		 "PARSE two columns have the name \"user_id\""},
		{__LINE__, "ratings", "select=stars", "COLUMN column ratings.stars does not exist"},
		{__LINE__, "ratings", "select=\"*\"", "COLUMN column ratings.* does not exist"},
		{__LINE__, "ratings", "select=RATING_TYPE",
		 "COLUMN column ratings.RATING_TYPE does not exist / Perhaps you meant the column "
		 "\"rating_type\""},
	};
	RUN(rows, QUERY_LIST, false, COLUMNS);
}

static void test_order(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{__LINE__, "ratings", "", "user_id item_id"},
		{__LINE__, "ratings", "order=item_id.desc", "item_id.desc.nullsfirst user_id"},
		{__LINE__, "ratings", "order=rating_type", "rating_type user_id item_id"},
		{__LINE__, "ratings", "order=item_id,user_id.desc", "item_id user_id.desc.nullsfirst"},
		{__LINE__, "ratings", "order=item_id,item_id.desc", "item_id user_id"},
		{__LINE__, "things", "order=note.nullsfirst", "note.nullsfirst id"},
		{__LINE__, "counts", "order=count.desc", "count.desc.nullsfirst user_id rating_type"},
		{__LINE__, "ratings", "order=stars", "COLUMN column ratings.stars does not exist"},
		{__LINE__, "things", "order=data",
		 "UNSUPPORTED Feature not implemented / comparison and order of the json field \"data\""},
	};
	RUN(rows, QUERY_LIST, false, ORDER);
}

/* What each action keeps of a query. */
static void test_actions(void **state)
{
	(void)state;
	static const struct row get_rows[] = {{__LINE__, "ratings", "order=item_id", ""}};
	static const struct row delete_rows[] = {
		{__LINE__, "ratings", "user_id=eq.5", "user_id eq 5"},
		{__LINE__, "ratings", "", ""},
		{__LINE__, "ratings", "user_id=eq.5&limit=1",
		 "UNSUPPORTED Feature not implemented / order, limit and offset of a write"},
		{__LINE__, "ratings", "offset=1",
		 "UNSUPPORTED Feature not implemented / order, limit and offset of a write"},
		{__LINE__, "ratings", "order=user_id",
		 "UNSUPPORTED Feature not implemented / order, limit and offset of a write"},
	};
	static const struct row insert_rows[] = {
		{__LINE__, "ratings", "user_id=eq.5", ""},
		{__LINE__, "ratings", "user_id=eq.x",
		 "VALUE field \"user_id\": invalid input syntax for type integer: \"x\""},
	};
	RUN(get_rows, QUERY_GET, false, ORDER);
	RUN(delete_rows, QUERY_DELETE, false, WHERE);
	RUN(delete_rows, QUERY_UPDATE, false, WHERE);
	RUN(insert_rows, QUERY_INSERT, false, WHERE);
	RUN(insert_rows, QUERY_UPSERT, false, WHERE);
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
	arena_init(&arena, BLOCK_BYTES);
	limits_init(&limits);
	parsed_query_init(&parsed);
	assert_true(
		parse_query_string(STR("limit=7&offset=8"), &limits, NULL, NULL, &arena, &parsed, &error));
	assert_true(check_query(&parsed, QUERY_LIST, resource, NULL, &arena, &query, &error));
	assert_int_equal(query.limit, 7);
	assert_int_equal(query.offset, 8);
	assert_int_equal(query.format, FORMAT_VALUES);
	assert_true(query.total);
	arena_finish(&arena);
	model_destroy(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_where),   cmocka_unit_test(test_parameters),
		cmocka_unit_test(test_columns), cmocka_unit_test(test_order),
		cmocka_unit_test(test_actions), cmocka_unit_test(test_caller_keeps_the_rest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
