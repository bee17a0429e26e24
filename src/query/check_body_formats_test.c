#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "query/check_body_test_help.h"

static const struct parsed_names pk_columns = {
	(const struct str[]){STR_INIT("k"), STR_INIT("extra")},
	2,
};

/* ---- CSV ---- */

static const struct body_test csv_rows[] = {
	{__LINE__, "simple_pk", "k,extra\na,b\nc,d\n", "k=\"a\" extra=\"b\"; k=\"c\" extra=\"d\""},
	{__LINE__, "simple_pk", "extra,k\r\na,b\r\n\r\nc,\"d\"\"\n,\"",
	 "k=\"b\" extra=\"a\"; k=\"d\\\"\\n,\" extra=\"c\""},
	{__LINE__, "simple_pk", "k\na", "k=\"a\""},
	{__LINE__, "simple_pk", "\"k\",\"extra\"\na,\"x,y\"", "k=\"a\" extra=\"x,y\""},
	/* nulls and empty texts */
	{__LINE__, "simple_pk", "k,extra\na,NULL\nb,\"NULL\"\nc,null\nd,\ne,\"\"\n",
	 "k=\"a\" extra=null; k=\"b\" extra=\"NULL\"; k=\"c\" extra=\"null\"; k=\"d\" extra=\"\"; "
	 "k=\"e\" extra=\"\""},
	{__LINE__, "simple_pk", "k,extra\nNULL,a\n",
	 "NOT_NULL line 2: null value in column \"k\" of relation \"simple_pk\" violates not-null "
	 "constraint / Failing row contains (null, a)."},
	{__LINE__, "simple_pk", "extra\na\n",
	 "NOT_NULL line 2: null value in column \"k\" of relation \"simple_pk\" violates not-null "
	 "constraint / Failing row contains (null, a)."},
	/* types */
	{__LINE__, "wide_row",
	 "id,name,age,score,alive,price\n1,n,-5,1.5,true,2.50\n2,,NULL,1e3,NULL,0\n",
	 "id=1 name=\"n\" age=-5 score=1.5 alive=true price=2.5; id=2 name=\"\" age=null score=1000 "
	 "alive=null price=0"},
	{__LINE__, "records", "title,data,once,never\na,\"{\"\"b\"\": [1]}\",x,y\n",
	 "title=\"a\" mark=<uuid> state=\"new\" count=3 once=\"x\" never=\"n\" data={\"b\":[1]}"},
	{__LINE__, "wide_row", "id,age\n1,\n",
	 "VALUE line 2: field \"age\": invalid input syntax for type integer: \"\""},
	{__LINE__, "wide_row", "id,alive\n1,yes\n",
	 "VALUE line 2: field \"alive\": invalid input syntax for type boolean: \"yes\""},
	{__LINE__, "wide_row", "id\n1\n99999999999999999999\n",
	 "OUT_OF_RANGE line 3: field \"id\": value \"99999999999999999999\" is out of range for type "
	 "integer"},
	{__LINE__, "records", "title\nabcde\n\n\nabcdef\n",
	 "TOO_LONG line 5: field \"title\": value too long for type text(5)"},
	{__LINE__, "records", "title,count\na,0\n\"b\nc\",-1\n",
	 "CHECK line 3: field \"count\" must be at least 0"},
	/* no rows */
	{__LINE__, "simple_pk", "", "0 rows"},
	{__LINE__, "simple_pk", "\n\n", "0 rows"},
	{__LINE__, "simple_pk", "k,extra", "0 rows"},
	{__LINE__, "simple_pk", "k,extra\n\n", "0 rows"},
	/* the header */
	{__LINE__, "simple_pk", "k,extras\na,b\n",
	 "COLUMN line 1: Could not find the 'extras' column of 'simple_pk' in the schema cache / "
	 "Perhaps you meant the column \"extra\""},
	{__LINE__, "simple_pk", "\n\nk,\na,b\n",
	 "COLUMN line 3: Could not find the '' column of 'simple_pk' in the schema cache"},
	{__LINE__, "simple_pk", "k,extra,k\na,b,c\n", "BODY line 1: a column stands twice: \"k\""},
	{__LINE__, "simple_pk", "k,\"extra\n",
	 "BODY@2 CSV, line 1, column 3: a quote that is never closed / line 1, column 3"},
	/* the lines */
	{__LINE__, "simple_pk", "k,extra\na,b\n\nc\n",
	 "BODY All lines must have same number of fields / line 4 has 1 fields, the first line 2"},
	{__LINE__, "simple_pk", "k,extra\na,b,c\n",
	 "BODY All lines must have same number of fields / line 2 has 3 fields, the first line 2"},
	{__LINE__, "simple_pk", "k,extra\na,\"b\n",
	 "BODY@10 CSV, line 2, column 3: a quote that is never closed / line 2, column 3"},
	{__LINE__, "simple_pk", "k,extra\na,b\"c\n",
	 "BODY@11 CSV, line 2, column 4: a quote inside a field that is not in quotes / line 2, "
	 "column 4"},
	{__LINE__, "simple_pk", "k,extra\n\xff,b\n",
	 "VALUE line 2: field \"k\": the text is not UTF-8"},
};

static void test_csv(void **state)
{
	(void)state;
	struct body_options options = {.format = BODY_CSV, .many = true, .lenient = true};
	TEST_BODIES(csv_rows, QUERY_INSERT, &options);
}

static void test_csv_columns(void **state)
{
	(void)state;
	static const struct body_test rows[] = {
		{__LINE__, "simple_pk", "x,k,x\n1,a,2\n3,b,\xff\n",
		 "k=\"a\" extra=null; k=\"b\" extra=null"},
		{__LINE__, "simple_pk", "k,extra\na,b\n", "k=\"a\" extra=\"b\""},
		{__LINE__, "simple_pk", "x,extra\na,b\n",
		 "NOT_NULL line 2: null value in column \"k\" of relation \"simple_pk\" violates "
		 "not-null constraint / Failing row contains (null, b)."},
		{__LINE__, "simple_pk", "k,x,k\na,b,c\n", "BODY line 1: a column stands twice: \"k\""},
		{__LINE__, "people", "id\n1\n",
		 "COLUMN Could not find the 'k' column of 'people' in the schema cache"},
	};
	struct body_options options = {
		.format = BODY_CSV,
		.many = true,
		.lenient = true,
		.columns = &pk_columns,
	};
	TEST_BODIES(rows, QUERY_INSERT, &options);
	static const struct str title[] = {STR_INIT("title"), STR_INIT("state"), STR_INIT("id")};
	static const struct body_test default_rows[] = {
		{__LINE__, "records", "title\na\nb\n",
		 "id=<absent> title=\"a\" mark=<uuid> state=\"new\" count=3 once=\"o\" never=\"n\"; "
		 "id=<absent> title=\"b\" mark=<uuid> state=\"new\" count=3 once=\"o\" never=\"n\""},
		{__LINE__, "records", "title,state\na,NULL\n",
		 "id=<absent> title=\"a\" mark=<uuid> state=null count=3 once=\"o\" never=\"n\""},
	};
	options.columns = &(struct parsed_names){title, 3};
	options.missing_default = true;
	TEST_BODIES(default_rows, QUERY_INSERT, &options);
}

static void test_csv_update(void **state)
{
	(void)state;
	static const struct body_test rows[] = {
		{__LINE__, "simple_pk", "extra\na\nb\n", "extra=\"a\""},
		{__LINE__, "simple_pk", "extra\n", "0 rows"},
		{__LINE__, "simple_pk", "k\nNULL\n",
		 "NOT_NULL line 2: null value in column \"k\" of relation \"simple_pk\" violates "
		 "not-null constraint"},
		{__LINE__, "records", "never\na\n", "0 rows"},
	};
	struct body_options options = {.format = BODY_CSV, .many = true, .lenient = true};
	TEST_BODIES(rows, QUERY_UPDATE, &options);
}

static void test_stored_rows(void **state)
{
	(void)state;
	static const struct body_test rows[] = {
		{__LINE__, "records", "title,once,never\na,b,c\n",
		 "title=\"a\" mark=<uuid> state=\"new\" count=3 once=\"b\" never=\"c\""},
		{__LINE__, "records", "title\na\n",
		 "title=\"a\" mark=<uuid> state=\"new\" count=3 once=\"o\" never=\"n\""},
	};
	static const struct body_test changes[] = {
		{__LINE__, "records", "once,never\na,b\n", "once=\"a\" never=\"b\""},
	};
	struct body_options options = {
		.format = BODY_CSV, .many = true, .lenient = true, .stored = true};
	TEST_BODIES(rows, QUERY_INSERT, &options);
	TEST_BODIES(changes, QUERY_UPDATE, &options);
}

/* ---- NDJSON ---- */

static const struct body_test ndjson_rows[] = {
	{__LINE__, "simple_pk", "{\"k\":\"a\",\"extra\":\"b\"}\n{\"extra\":\"d\",\"k\":\"c\"}\n",
	 "k=\"a\" extra=\"b\"; k=\"c\" extra=\"d\""},
	{__LINE__, "simple_pk", "{\"k\":\"a\"}\r\n\r\n \t\n  {\"k\":\"b\"}  ", "k=\"a\"; k=\"b\""},
	{__LINE__, "simple_pk", "{\"k\":1}\n{\"k\":[ 1, {} ]}\n{\"k\":\"\\u00e9\"}",
	 "k=\"1\"; k=\"[1,{}]\"; k=\"é\""},
	{__LINE__, "wide_row", "{\"id\":\"1\"}\n{\"id\":2}", "id=1; id=2"},
	{__LINE__, "records", "{\"title\":\"a\",\"data\":\"x\"}\n{\"title\":\"b\",\"data\":null}",
	 "title=\"a\" mark=<uuid> state=\"new\" count=3 once=\"o\" never=\"n\" data=\"x\"; "
	 "title=\"b\" mark=<uuid> state=\"new\" count=3 once=\"o\" never=\"n\" data=null"},
	{__LINE__, "simple_pk", "", "0 rows"},
	{__LINE__, "simple_pk", " \n\r\n\n", "0 rows"},
	/* every line is a text of its own */
	{__LINE__, "simple_pk", "{\"k\":\"a\"}\n{\"k\":\n\"b\"}",
	 "BODY@15 line 2: Empty or invalid json / the text ends where a value should stand (at byte "
	 "15)"},
	{__LINE__, "simple_pk", "{\"k\":\"a\"}\n\n{\"k\":\"b}\n",
	 "BODY@19 line 3: Empty or invalid json / the text ends inside a string (at byte 19)"},
	{__LINE__, "simple_pk", "{\"k\":\"a\"} {\"k\":\"b\"}\n",
	 "BODY@10 line 1: Empty or invalid json / unexpected '{' where the end should stand (at byte "
	 "10)"},
	{__LINE__, "simple_pk", "{\"k\":\"a\"}\n[{\"k\":\"a\"}]\n",
	 "BODY@10 line 2: Empty or invalid json / each line is an object"},
	{__LINE__, "simple_pk", "null\n",
	 "BODY@0 line 1: Empty or invalid json / each line is an object"},
	{__LINE__, "simple_pk", "{\"k\":\"a\"}\n5",
	 "BODY@10 line 2: Empty or invalid json / each line is an object"},
	{__LINE__, "simple_pk", "{\"k\":\"a\",\"k\":\"b\"}",
	 "BODY@9 line 1: Empty or invalid json / a key stands twice: \"k\" (at byte 9)"},
	{__LINE__, "simple_pk", "{\"k\":\"a\"}\n{\"k\":[[[[[1]]]]]}",
	 "BODY@19 line 2: Empty or invalid json / nesting deeper than 5 levels (at byte 19)"},
	{__LINE__, "simple_pk", "{\"k\":\"a\"}\n{\"k\":[[[[1]]]]}", "k=\"a\"; k=\"[[[[1]]]]\""},
	/* keys and values */
	{__LINE__, "simple_pk", "{\"k\":\"a\"}\n\n{\"k\":\"b\",\"extra\":1}\n",
	 "BODY All object keys must match / line 3 has other keys than line 1"},
	{__LINE__, "simple_pk", "\n{\"k\":\"a\",\"extra\":1}\n{\"k\":\"b\"}\n",
	 "BODY All object keys must match / line 3 has other keys than line 2"},
	{__LINE__, "simple_pk", "{\"k\":\"a\"}\n{\"extra\":\"b\"}\n",
	 "BODY All object keys must match / line 2 has other keys than line 1"},
	{__LINE__, "simple_pk", "{\"k\":\"a\"}\n{\"key\":\"b\"}\n",
	 "COLUMN@11 line 2: Could not find the 'key' column of 'simple_pk' in the schema cache"},
	{__LINE__, "simple_pk", "{\"k\":\"a\"}\n\n{\"k\":null}\n",
	 "NOT_NULL line 3: null value in column \"k\" of relation \"simple_pk\" violates not-null "
	 "constraint / Failing row contains (null, null)."},
	{__LINE__, "wide_row", "{\"id\":1}\r\n{\"id\":\"x\"}\r\n",
	 "VALUE line 2: field \"id\": invalid input syntax for type integer: \"x\""},
	{__LINE__, "records", "{\"title\":\"abcde\"}\n{\"title\":\"abcdef\"}\n",
	 "TOO_LONG line 2: field \"title\": value too long for type text(5)"},
	{__LINE__, "records", "{}\n",
	 "NOT_NULL line 1: null value in column \"title\" of relation \"records\" violates not-null "
	 "constraint"},
};

static void test_ndjson(void **state)
{
	(void)state;
	struct body_options options = {.format = BODY_NDJSON, .many = true, .lenient = true};
	TEST_BODIES(ndjson_rows, QUERY_INSERT, &options);
}

static void test_ndjson_columns(void **state)
{
	(void)state;
	static const struct body_test rows[] = {
		{__LINE__, "simple_pk", "{\"k\":\"a\"}\n{\"x\":{},\"extra\":1,\"k\":\"b\"}\n",
		 "k=\"a\" extra=null; k=\"b\" extra=\"1\""},
		{__LINE__, "simple_pk", "{\"k\":\"a\"}\n{\"extra\":1}\n",
		 "NOT_NULL line 2: null value in column \"k\" of relation \"simple_pk\" violates "
		 "not-null constraint / Failing row contains (null, 1)."},
	};
	struct body_options options = {
		.format = BODY_NDJSON,
		.many = true,
		.lenient = true,
		.columns = &pk_columns,
	};
	TEST_BODIES(rows, QUERY_INSERT, &options);
}

static void test_upsert(void **state)
{
	(void)state;
	static const struct body_test csv[] = {
		{__LINE__, "records", "title,id\na,1\nb,2\n", "id=1 title=\"a\"; id=2 title=\"b\""},
		{__LINE__, "records", "id,title\n1,a\n2,NULL\n",
		 "NOT_NULL line 3: null value in column \"title\" of relation \"records\" violates "
		 "not-null constraint"},
	};
	static const struct body_test ndjson[] = {
		{__LINE__, "records", "{\"id\":1,\"title\":\"a\"}\n{\"id\":2,\"title\":\"b\"}",
		 "id=1 title=\"a\"; id=2 title=\"b\""},
		{__LINE__, "tokens", "{\"live\":true}\n{\"live\":false}\n",
		 "id=<uuid> live=true; id=<uuid> live=false"},
	};
	struct body_options options = {.format = BODY_CSV, .many = true, .lenient = true};
	TEST_BODIES(csv, QUERY_UPSERT, &options);
	options.format = BODY_NDJSON;
	TEST_BODIES(ndjson, QUERY_UPSERT, &options);
}

/* Every type as a service file has it. */
static void test_ndjson_strict(void **state)
{
	(void)state;
	static const struct body_test rows[] = {
		{__LINE__, "tokens", "{}\n{}\n",
		 "id=<uuid> code=<uuid> live=true least=-9223372036854775808 ratio=-0.5; id=<uuid> "
		 "code=<uuid> live=true least=-9223372036854775808 ratio=-0.5"},
		{__LINE__, "wide_row", "{\"id\":1}\n{\"id\":\"2\"}\n",
		 "VALUE line 2: field \"id\": invalid input syntax for type integer: \"2\" / The value "
		 "is a JSON string; a JSON number is needed"},
		{__LINE__, "simple_pk", "{\"k\":1}\n",
		 "VALUE line 1: field \"k\": invalid input syntax for type text: \"1\""},
	};
	struct body_options options = {.format = BODY_NDJSON, .many = true};
	TEST_BODIES(rows, QUERY_INSERT, &options);
}

/* ---- forms ---- */

static const struct body_test form_rows[] = {
	{__LINE__, "simple_pk", "k=a&extra=b", "k=\"a\" extra=\"b\""},
	{__LINE__, "simple_pk", "extra=a+b%2Bc%26&k=%C3%A9", "k=\"é\" extra=\"a b+c&\""},
	{__LINE__, "simple_pk", "&k=a&&extra=&", "k=\"a\" extra=\"\""},
	{__LINE__, "simple_pk", "k=a=b&extra", "k=\"a=b\" extra=\"\""},
	{__LINE__, "simple_pk", "k=NULL", "k=\"NULL\""},
	{__LINE__, "wide_row", "id=7&age=-1&alive=true&score=0.5&price=1.25",
	 "id=7 age=-1 score=0.5 alive=true price=1.25"},
	{__LINE__, "records", "title=a&data=%7B%22b%22%3A+1%7D&never=x",
	 "title=\"a\" mark=<uuid> state=\"new\" count=3 once=\"o\" never=\"n\" data={\"b\":1}"},
	{__LINE__, "simple_pk", "%6B=a", "k=\"a\""},
	{__LINE__, "simple_pk", "",
	 "NOT_NULL null value in column \"k\" of relation \"simple_pk\" violates not-null constraint "
	 "/ Failing row contains (null, null)."},
	{__LINE__, "tokens", "",
	 "id=<uuid> code=<uuid> live=true least=-9223372036854775808 ratio=-0.5"},
	/* errors */
	{__LINE__, "simple_pk", "extra=b&k=a&extra=c", "BODY@12 a key stands twice: \"extra\""},
	{__LINE__, "records", "never=b&never=c", "BODY@8 a key stands twice: \"never\""},
	{__LINE__, "simple_pk", "k=a&extra=%4",
	 "BODY@4 a name or a value is no percent-encoded UTF-8 text"},
	{__LINE__, "simple_pk", "k=a&%zz=1",
	 "BODY@4 a name or a value is no percent-encoded UTF-8 text"},
	{__LINE__, "simple_pk", "k=a&extra=%00",
	 "BODY@4 a name or a value is no percent-encoded UTF-8 text"},
	{__LINE__, "simple_pk", "k=a&extra=%ff",
	 "BODY@4 a name or a value is no percent-encoded UTF-8 text"},
	{__LINE__, "simple_pk", "k=a&extras=b",
	 "COLUMN@4 Could not find the 'extras' column of 'simple_pk' in the schema cache / Perhaps "
	 "you meant the column \"extra\""},
	{__LINE__, "wide_row",
	 "id=", "VALUE field \"id\": invalid input syntax for type integer: \"\""},
	{__LINE__, "wide_row", "id=+7",
	 "VALUE field \"id\": invalid input syntax for type integer: \" 7\""},
	{__LINE__, "simple_pk", "extra=foo",
	 "NOT_NULL null value in column \"k\" of relation \"simple_pk\" violates not-null constraint "
	 "/ Failing row contains (null, foo)."},
};

static void test_form(void **state)
{
	(void)state;
	struct body_options options = {.format = BODY_FORM, .lenient = true};
	TEST_BODIES(form_rows, QUERY_INSERT, &options);
	static const struct body_test columns_rows[] = {
		{__LINE__, "simple_pk", "x=1&k=a&x=2", "k=\"a\" extra=null"},
		{__LINE__, "simple_pk", "x=%", "BODY@0 a name or a value is no percent-encoded UTF-8 text"},
	};
	options.columns = &pk_columns;
	TEST_BODIES(columns_rows, QUERY_INSERT, &options);
	static const struct body_test update_rows[] = {
		{__LINE__, "simple_pk", "extra=b", "extra=\"b\""},
		{__LINE__, "simple_pk", "", "0 rows"},
	};
	options.columns = NULL;
	TEST_BODIES(update_rows, QUERY_UPDATE, &options);
}

/* ---- rows of one request ---- */

static void test_limit(void **state)
{
	(void)state;
	struct body_models models;
	struct limits limits;
	struct arena arena;
	struct error error;
	test_body_models_init(&models);
	limits_init(&limits);
	limits.insert_rows = 2;
	arena_init(&arena, 4096);
	static const char *const texts[][2] = {
		[BODY_CSV] = {"k\na\nb\n", "k\na\nb\nc\n"},
		[BODY_NDJSON] = {"{\"k\":1}\n{\"k\":2}\n", "{\"k\":1}\n{\"k\":2}\n{\"k\":3}\n"},
	};
	static const enum body_format formats[] = {BODY_CSV, BODY_NDJSON};
	for (size_t i = 0; i < 2; i++) {
		struct body_options options = {
			.limits = &limits,
			.format = formats[i],
			.many = true,
			.lenient = true,
		};
		struct query query = {
			.action = QUERY_INSERT,
			.resource = test_body_resource(&models, "simple_pk"),
		};
		struct str most = str_from(texts[formats[i]][0]);
		struct str more = str_from(texts[formats[i]][1]);
		assert_true(check_body(most, &options, &arena, &query, &error));
		assert_int_equal(query.row_count, 2);
		assert_false(check_body(more, &options, &arena, &query, &error));
		assert_int_equal(error.code, ERROR_BODY_TOO_LARGE);
		assert_string_equal(error.message, "More than 2 rows in one request");
		const struct value *values;
		size_t count = 0;
		assert_true(check_body_batches(more, &options, &arena, &query, &error));
		assert_true(query.batches->next(query.batches, &values, &count, &error));
		assert_int_equal(count, 3);
		query_batches_finish(query.batches);
	}
	arena_finish(&arena);
	test_body_models_finish(&models);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_csv),
		cmocka_unit_test(test_csv_columns),
		cmocka_unit_test(test_csv_update),
		cmocka_unit_test(test_stored_rows),
		cmocka_unit_test(test_ndjson),
		cmocka_unit_test(test_ndjson_strict),
		cmocka_unit_test(test_ndjson_columns),
		cmocka_unit_test(test_upsert),
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
