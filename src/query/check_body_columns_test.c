#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "query/check_body_test_help.h"

#define COLUMNS(...)                                                                               \
	&(const struct parsed_names)                                                                   \
	{                                                                                              \
		(const struct str[]){__VA_ARGS__},                                                         \
			sizeof((const struct str[]){__VA_ARGS__}) / sizeof(struct str)                         \
	}

/* ---- the general API's JSON ---- */

static const struct body_test lenient_rows[] = {
	{__LINE__, "simple_pk", "{\"k\":\"a\",\"extra\":5}", "k=\"a\" extra=\"5\""},
	{__LINE__, "simple_pk", "{\"k\":true,\"extra\":null}", "k=\"true\" extra=null"},
	{__LINE__, "simple_pk", "{\"k\":-1.50e2,\"extra\":{ \"a\" : [1, \"\\n\"] }}",
	 "k=\"-1.50e2\" extra=\"{\\\"a\\\":[1,\\\"\\\\n\\\"]}\""},
	{__LINE__, "simple_pk", "{\"k\":[ 1, 2 ],\"extra\":\"\\u00e9\"}", "k=\"[1,2]\" extra=\"é\""},
	{__LINE__, "wide_row",
	 "{\"id\":\"1\",\"age\":\"-5\",\"score\":\"1.5\",\"alive\":\"true\",\"price\":\"2.50\"}",
	 "id=1 age=-5 score=1.5 alive=true price=2.5"},
	{__LINE__, "records", "{\"title\":\"a\",\"data\":\"{}\",\"id\":\"7\"}",
	 "id=7 title=\"a\" mark=<uuid> state=\"new\" count=3 once=\"o\" never=\"n\" data=\"{}\""},
	{__LINE__, "records", "{\"title\":\"a\",\"data\":{ \"b\" : 1 }}",
	 "title=\"a\" mark=<uuid> state=\"new\" count=3 once=\"o\" never=\"n\" data={\"b\":1}"},
	/* no rows */
	{__LINE__, "simple_pk", "5", "0 rows"},
	{__LINE__, "simple_pk", " \"text\" ", "0 rows"},
	{__LINE__, "simple_pk", "null", "0 rows"},
	{__LINE__, "simple_pk", "true", "0 rows"},
	{__LINE__, "simple_pk", "[]", "0 rows"},
	/* errors */
	{__LINE__, "simple_pk", "",
	 "BODY@0 Empty or invalid json / the text ends where a value should stand (at byte 0)"},
	{__LINE__, "simple_pk", "  ",
	 "BODY@2 Empty or invalid json / the text ends where a value should stand (at byte 2)"},
	{__LINE__, "simple_pk", "5 5",
	 "BODY@2 Empty or invalid json / unexpected '5' where the end should stand (at byte 2)"},
	{__LINE__, "simple_pk", "[1]",
	 "BODY@1 Empty or invalid json / the rows of this request are a list of objects"},
	{__LINE__, "simple_pk", "{\"extra\":\"foo\"}",
	 "NOT_NULL null value in column \"k\" of relation \"simple_pk\" violates not-null constraint "
	 "/ Failing row contains (null, foo)."},
	{__LINE__, "simple_pk", "{\"k\":null,\"extra\":\"foo\"}",
	 "NOT_NULL null value in column \"k\" of relation \"simple_pk\" violates not-null constraint "
	 "/ Failing row contains (null, foo)."},
	{__LINE__, "simple_pk", "[{\"k\":\"a\"},{\"k\":null}]",
	 "NOT_NULL row 2: null value in column \"k\" of relation \"simple_pk\" violates not-null "
	 "constraint / Failing row contains (null, null)."},
	{__LINE__, "simple_pk", "{\"x\":1}",
	 "COLUMN@1 Could not find the 'x' column of 'simple_pk' in the schema cache"},
	{__LINE__, "simple_pk", "[{\"k\":\"a\"},{\"k\":\"b\",\"extra\":1}]",
	 "BODY All object keys must match / row 2 has other keys than row 1"},
	{__LINE__, "simple_pk", "{\"k\":[1,}",
	 "BODY@8 Empty or invalid json / unexpected '}' where a value should stand (at byte 8)"},
	{__LINE__, "simple_pk", "{\"k\":{\"a\":1,\"a\":2}}",
	 "BODY@12 Empty or invalid json / a key stands twice: \"a\" (at byte 12)"},
	{__LINE__, "simple_pk", "{\"k\":[[[[1]]]]}", "k=\"[[[[1]]]]\""},
	{__LINE__, "simple_pk", "{\"k\":[[[[[1]]]]]}",
	 "BODY@9 Empty or invalid json / nesting deeper than 5 levels (at byte 9)"},
	{__LINE__, "simple_pk", "{\"k\":\"\\u0000\"}", "VALUE field \"k\": a text cannot hold \\u0000"},
	{__LINE__, "wide_row", "{\"id\":true}",
	 "VALUE field \"id\": invalid input syntax for type integer: \"true\""},
	{__LINE__, "wide_row", "{\"id\":{}}",
	 "VALUE field \"id\": invalid input syntax for type integer: \"{}\""},
	{__LINE__, "wide_row", "{\"id\":1,\"alive\":\"yes\"}",
	 "VALUE field \"alive\": invalid input syntax for type boolean: \"yes\""},
	{__LINE__, "records", "{\"title\":123456}",
	 "TOO_LONG field \"title\": value too long for type text(5)"},
	{__LINE__, "records", "{\"title\":12345}",
	 "title=\"12345\" mark=<uuid> state=\"new\" count=3 once=\"o\" never=\"n\""},
	/* types before nulls, nulls before what a value must be */
	{__LINE__, "wide_row", "{\"id\":null,\"age\":\"x\"}",
	 "VALUE field \"age\": invalid input syntax for type integer: \"x\""},
	{__LINE__, "records", "{\"count\":-1}",
	 "NOT_NULL null value in column \"title\" of relation \"records\" violates not-null "
	 "constraint"},
	{__LINE__, "records", "{\"title\":\"a\",\"count\":-1}",
	 "CHECK field \"count\" must be at least 0"},
};

static void test_lenient(void **state)
{
	(void)state;
	struct body_options options = {.many = true, .lenient = true};
	TEST_BODIES(lenient_rows, QUERY_INSERT, &options);
}

/* What only the store knows is not shown. */
static void test_failing_row(void **state)
{
	(void)state;
	static const struct body_test rows[] = {
		{__LINE__, "records", "{\"id\":1,\"title\":null,\"made\":\"x\",\"mark\":null}",
		 "NOT_NULL null value in column \"title\" of relation \"records\" violates not-null "
		 "constraint / Failing row contains (1, null, null, x, new, null, 3, o, n, null)."},
		{__LINE__, "records", "{\"id\":1,\"title\":null}",
		 "NOT_NULL null value in column \"title\" of relation \"records\" violates not-null "
		 "constraint"},
		{__LINE__, "records", "{\"title\":null,\"made\":\"x\"}",
		 "NOT_NULL null value in column \"title\" of relation \"records\" violates not-null "
		 "constraint"},
		{__LINE__, "wide_row",
		 "{\"name\":\"a\",\"age\":5,\"score\":0.5,\"alive\":false,\"price\":1.50}",
		 "NOT_NULL null value in column \"id\" of relation \"wide_row\" violates not-null "
		 "constraint / Failing row contains (null, a, null, 5, null, 0.5, false, 1.5, null, "
		 "null)."},
	};
	struct body_options options = {.many = true, .lenient = true};
	TEST_BODIES(rows, QUERY_INSERT, &options);
	test_bodies(rows + 3, 1, QUERY_UPSERT, &options);
}

static void test_failing_row_is_cut(void **state)
{
	(void)state;
	struct body_models models;
	struct limits limits;
	struct arena arena;
	struct error error;
	struct buf text;
	test_body_models_init(&models);
	limits_init(&limits);
	arena_init(&arena, 4096);
	buf_init(&text, 65536);
	buf_printf(&text, "{\"k\":null,\"extra\":\"%0*d\"}", 1000, 0);
	struct query query = {
		.action = QUERY_INSERT,
		.resource = test_body_resource(&models, "simple_pk"),
	};
	struct body_options options = {.limits = &limits, .lenient = true};
	assert_false(check_body(buf_str(&text), &options, &arena, &query, &error));
	assert_int_equal(strlen(error.details), sizeof(error.details) - 1);
	assert_int_equal(strncmp(error.details, "Failing row contains (null, 000", 31), 0);
	buf_finish(&text);
	arena_finish(&arena);
	test_body_models_finish(&models);
}

/* ---- columns ---- */

static void test_columns(void **state)
{
	(void)state;
	static const struct body_test rows[] = {
		{__LINE__, "simple_pk", "{\"k\":\"a\",\"extra\":\"b\"}", "k=\"a\" extra=\"b\""},
		{__LINE__, "simple_pk", "{\"extra\":\"b\",\"k\":\"a\",\"other\":[1,{}]}",
		 "k=\"a\" extra=\"b\""},
		{__LINE__, "simple_pk",
		 "[{\"k\":\"a\"},{\"extra\":\"b\",\"k\":\"c\"},{\"x\":1,\"k\":\"d\"}]",
		 "k=\"a\" extra=null; k=\"c\" extra=\"b\"; k=\"d\" extra=null"},
		{__LINE__, "simple_pk", "[{\"k\":\"a\"},{}]",
		 "NOT_NULL row 2: null value in column \"k\" of relation \"simple_pk\" violates not-null "
		 "constraint / Failing row contains (null, null)."},
		{__LINE__, "simple_pk", "[]", "0 rows"},
		{__LINE__, "simple_pk", "{\"k\":\"a\",\"other\":[1,}",
		 "BODY@20 Empty or invalid json / unexpected '}' where a value should stand (at byte 20)"},
		{__LINE__, "simple_pk", "{\"k\":\"a\",\"k\":\"b\"}",
		 "BODY@9 Empty or invalid json / a key stands twice: \"k\" (at byte 9)"},
	};
	struct body_options options = {
		.many = true,
		.lenient = true,
		.columns = COLUMNS(STR("extra"), STR("k"), STR("extra")),
	};
	TEST_BODIES(rows, QUERY_INSERT, &options);
	static const struct body_test one_rows[] = {
		{__LINE__, "simple_pk", "[{\"k\":\"a\",\"extra\":\"b\"},{\"k\":\"c\"}]",
		 "k=\"a\"; k=\"c\""},
		{__LINE__, "simple_pk", "{}",
		 "NOT_NULL null value in column \"k\" of relation \"simple_pk\" violates not-null "
		 "constraint / Failing row contains (null, null)."},
	};
	options.columns = COLUMNS(STR("k"));
	TEST_BODIES(one_rows, QUERY_INSERT, &options);
	static const struct body_test unknown_rows[] = {
		{__LINE__, "simple_pk", "{\"k\":\"a\"}",
		 "COLUMN Could not find the 'extras' column of 'simple_pk' in the schema cache / Perhaps "
		 "you meant the column \"extra\""},
		{__LINE__, "simple_pk", "[",
		 "COLUMN Could not find the 'extras' column of 'simple_pk' in the schema cache / Perhaps "
		 "you meant the column \"extra\""},
		{__LINE__, "people", "",
		 "COLUMN Could not find the 'extras' column of 'people' in the schema cache"},
	};
	options.columns = COLUMNS(STR("extras"), STR("id"), STR("k"));
	TEST_BODIES(unknown_rows, QUERY_INSERT, &options);
}

static void test_columns_of_records(void **state)
{
	(void)state;
	/* What is not named has its default, what is named and missing is null. */
	static const struct body_test rows[] = {
		{__LINE__, "records", "{\"title\":\"a\",\"live\":true}",
		 "title=\"a\" mark=<uuid> state=null live=true count=3 once=null never=\"n\""},
		{__LINE__, "records", "{\"title\":\"a\",\"never\":\"x\",\"once\":\"y\"}",
		 "title=\"a\" mark=<uuid> state=null live=null count=3 once=\"y\" never=\"n\""},
		{__LINE__, "records", "{\"live\":true}",
		 "NOT_NULL null value in column \"title\" of relation \"records\" violates not-null "
		 "constraint"},
	};
	struct body_options options = {
		.many = true,
		.lenient = true,
		.columns = COLUMNS(STR("title"), STR("live"), STR("never"), STR("once"), STR("state")),
	};
	TEST_BODIES(rows, QUERY_INSERT, &options);
	static const struct body_test id_rows[] = {
		{__LINE__, "records", "{\"title\":\"a\"}",
		 "NOT_NULL null value in column \"id\" of relation \"records\" violates not-null "
		 "constraint"},
		{__LINE__, "records", "{\"title\":\"a\",\"id\":3}",
		 "id=3 title=\"a\" mark=<uuid> state=\"new\" count=3 once=\"o\" never=\"n\""},
	};
	options.columns = COLUMNS(STR("title"), STR("id"));
	TEST_BODIES(id_rows, QUERY_INSERT, &options);
}

static const struct parsed_names all_columns = {
	(const struct str[]){STR_INIT("id"), STR_INIT("title"), STR_INIT("mark"), STR_INIT("made"),
						 STR_INIT("state"), STR_INIT("live")},
	6,
};

static void test_missing_default(void **state)
{
	(void)state;
	static const struct body_test rows[] = {
		{__LINE__, "records", "{\"title\":\"a\"}",
		 "id=<absent> title=\"a\" mark=<uuid> made=<absent> state=\"new\" live=null count=3 "
		 "once=\"o\" never=\"n\""},
		{__LINE__, "records",
		 "[{\"title\":\"a\"},{\"id\":5,\"title\":\"b\",\"made\":\"m\",\"live\":true},"
		 "{\"state\":null,\"title\":\"c\",\"made\":null}]",
		 "id=<absent> title=\"a\" mark=<uuid> made=<absent> state=\"new\" live=null count=3 "
		 "once=\"o\" never=\"n\"; id=5 title=\"b\" mark=<uuid> made=\"m\" state=\"new\" "
		 "live=true count=3 once=\"o\" never=\"n\"; id=<absent> title=\"c\" mark=<uuid> "
		 "made=null state=null live=null count=3 once=\"o\" never=\"n\""},
		{__LINE__, "records", "[{\"title\":\"a\"},{\"id\":5}]",
		 "NOT_NULL row 2: null value in column \"title\" of relation \"records\" violates "
		 "not-null constraint"},
		{__LINE__, "records", "{\"id\":null,\"title\":\"a\"}",
		 "NOT_NULL null value in column \"id\" of relation \"records\" violates not-null "
		 "constraint"},
	};
	struct body_options options = {
		.many = true,
		.lenient = true,
		.columns = &all_columns,
		.missing_default = true,
	};
	TEST_BODIES(rows, QUERY_INSERT, &options);
	static const struct body_test upsert_rows[] = {
		{__LINE__, "records", "[{\"title\":\"a\"},{\"id\":5,\"title\":\"b\"}]",
		 "id=<absent> title=\"a\" mark=<uuid> made=<absent> state=\"new\" live=null; id=5 "
		 "title=\"b\" mark=<uuid> made=<absent> state=\"new\" live=null"},
	};
	TEST_BODIES(upsert_rows, QUERY_UPSERT, &options);
	/* Of rows that exist the store's own defaults are not known. */
	static const struct body_test update_rows[] = {
		{__LINE__, "records", "{\"title\":\"a\"}",
		 "UNSUPPORTED Feature not implemented / missing=default for column \"id\", whose default "
		 "is the store's, of rows that exist"},
		{__LINE__, "records", "[{\"id\":1,\"title\":\"a\",\"made\":\"m\"},{\"title\":\"b\"}]",
		 "id=1 title=\"a\" mark=<uuid> made=\"m\" state=\"new\" live=null"},
		{__LINE__, "records", "{\"id\":1,\"title\":\"a\"}",
		 "UNSUPPORTED Feature not implemented / missing=default for column \"made\", whose "
		 "default is the store's, of rows that exist"},
		{__LINE__, "records", "{\"id\":1,\"title\":\"a\",\"made\":null}",
		 "id=1 title=\"a\" mark=<uuid> made=null state=\"new\" live=null"},
	};
	TEST_BODIES(update_rows, QUERY_UPDATE, &options);
	/* Without columns nothing changes. */
	static const struct body_test plain_rows[] = {
		{__LINE__, "records", "[{\"title\":\"a\"},{\"id\":5,\"title\":\"b\"}]",
		 "BODY All object keys must match / row 2 has other keys than row 1"},
		{__LINE__, "records", "{\"title\":\"a\",\"state\":null}",
		 "title=\"a\" mark=<uuid> state=null count=3 once=\"o\" never=\"n\""},
	};
	options.columns = NULL;
	TEST_BODIES(plain_rows, QUERY_INSERT, &options);
}

/* ---- rows that exist ---- */

static void test_update(void **state)
{
	(void)state;
	static const struct body_test rows[] = {
		{__LINE__, "simple_pk", "{}", "0 rows"},
		{__LINE__, "simple_pk", "[]", "0 rows"},
		{__LINE__, "simple_pk", "[{}]", "0 rows"},
		{__LINE__, "simple_pk", "5", "0 rows"},
		{__LINE__, "simple_pk", "[{\"extra\":1}]", "extra=\"1\""},
		/* the first row counts */
		{__LINE__, "simple_pk", "[{\"extra\":1},{\"extra\":2},{\"extra\":3}]", "extra=\"1\""},
		{__LINE__, "simple_pk", "[{\"extra\":1},{\"k\":2}]",
		 "BODY All object keys must match / row 2 has other keys than row 1"},
		{__LINE__, "simple_pk", "{\"k\":null}",
		 "NOT_NULL null value in column \"k\" of relation \"simple_pk\" violates not-null "
		 "constraint"},
		{__LINE__, "records", "{\"once\":1,\"never\":2}", "0 rows"},
	};
	struct body_options options = {.many = true, .lenient = true};
	TEST_BODIES(rows, QUERY_UPDATE, &options);
	static const struct body_test columns_rows[] = {
		{__LINE__, "simple_pk", "{}", "extra=null"},
		{__LINE__, "simple_pk", "{\"k\":\"b\"}", "extra=null"},
		{__LINE__, "simple_pk", "{\"extra\":\"b\"}", "extra=\"b\""},
	};
	options.columns = COLUMNS(STR("extra"));
	TEST_BODIES(columns_rows, QUERY_UPDATE, &options);
}

static void test_whole(void **state)
{
	(void)state;
	static const struct body_test rows[] = {
		{__LINE__, "records", "{\"id\":1,\"title\":\"a\"}",
		 "id=1 title=\"a\" mark=<uuid> state=\"new\" live=null count=3 once=\"o\" data=null"},
		{__LINE__, "records", "{\"title\":\"a\"}",
		 "NOT_NULL null value in column \"id\" of relation \"records\" violates not-null "
		 "constraint"},
		{__LINE__, "records", "{\"id\":1,\"state\":\"x\"}",
		 "NOT_NULL null value in column \"title\" of relation \"records\" violates not-null "
		 "constraint"},
		{__LINE__, "simple_pk", "{\"k\":\"a\"}", "k=\"a\" extra=null"},
		{__LINE__, "simple_pk", "{\"extra\":\"a\"}",
		 "NOT_NULL null value in column \"k\" of relation \"simple_pk\" violates not-null "
		 "constraint / Failing row contains (null, a)."},
		{__LINE__, "tokens", "{\"live\":true}",
		 "id=<uuid> code=<uuid> live=true least=-9223372036854775808 ratio=-0.5"},
	};
	static const struct body_test part_rows[] = {
		{__LINE__, "records", "{\"id\":1,\"title\":\"a\"}", "id=1 title=\"a\""},
		{__LINE__, "records", "{\"title\":\"a\"}", "title=\"a\""},
		{__LINE__, "simple_pk", "{\"k\":\"a\"}", "k=\"a\""},
	};
	struct body_options options = {.lenient = true, .whole = true};
	TEST_BODIES(rows, QUERY_UPSERT, &options);
	options.whole = false;
	TEST_BODIES(part_rows, QUERY_UPSERT, &options);
}

/* PUT of the general API: the key stands in the path. */
static void test_fixed(void **state)
{
	(void)state;
	static const struct body_test rows[] = {
		{__LINE__, "simple_pk", "{\"k\":\"a\",\"extra\":\"b\"}", "k=\"a\" extra=\"b\""},
		{__LINE__, "simple_pk", "{\"extra\":\"b\"}", "k=\"a\" extra=\"b\""},
		{__LINE__, "simple_pk", "[{\"k\":\"a\"}]", "k=\"a\" extra=null"},
		{__LINE__, "simple_pk", "{\"k\":\"c\"}",
		 "PUT_KEY Payload values do not match URL in primary key column(s) / column \"k\""},
		{__LINE__, "simple_pk", "{\"k\":null}",
		 "PUT_KEY Payload values do not match URL in primary key column(s) / column \"k\""},
	};
	struct body_models models;
	struct limits limits;
	struct arena arena;
	struct buf got;
	test_body_models_init(&models);
	limits_init(&limits);
	arena_init(&arena, 4096);
	buf_init(&got, 4096);
	const struct resource *resource = test_body_resource(&models, "simple_pk");
	struct value value = {.kind = VALUE_TEXT, .text = STR("a")};
	struct body_options options = {
		.limits = &limits,
		.many = true,
		.lenient = true,
		.whole = true,
		.fixed = &resource->key,
		.fixed_values = &value,
		.fixed_error = ERROR_PUT_KEY,
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct query query = {.action = QUERY_UPSERT, .resource = resource};
		struct error error;
		buf_clear(&got);
		if (check_body(str_from(rows[i].body), &options, &arena, &query, &error)) {
			test_write_values(&got, &query, query.values, query.row_count);
		} else {
			test_write_error(&got, &error);
		}
		test_equal(rows[i].line, rows[i].body, &got, rows[i].want);
	}
	buf_finish(&got);
	arena_finish(&arena);
	test_body_models_finish(&models);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lenient),
		cmocka_unit_test(test_failing_row),
		cmocka_unit_test(test_failing_row_is_cut),
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_columns_of_records),
		cmocka_unit_test(test_missing_default),
		cmocka_unit_test(test_update),
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_fixed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
