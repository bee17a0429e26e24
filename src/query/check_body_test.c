#include "query/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "query/check_body_test_help.h"

enum { TEXT_BYTES = 65536, BLOCK_BYTES = 4096 };

#define RUN(tests, action)                                                                         \
	TEST_BODIES((tests), (action), &(struct body_options){.many = (action) == QUERY_INSERT})

static void test_insert(void **state)
{
	(void)state;
	static const struct body_test rows[] = {
		{__LINE__, "ratings", "{\"user_id\":1,\"item_id\":2,\"rating_type\":3}",
		 "user_id=1 item_id=2 rating_type=3"},
		{__LINE__, "ratings", " { \"rating_type\" : 3 , \"item_id\":2,\"user_id\":1 } ",
		 "user_id=1 item_id=2 rating_type=3"},
		{__LINE__, "ratings", "[{\"user_id\":1,\"item_id\":2,\"rating_type\":3}]",
		 "user_id=1 item_id=2 rating_type=3"},
		{__LINE__, "people", "[{\"id\":1},{\"id\":2},{\"id\":3}]", "id=1; id=2; id=3"},
		{__LINE__, "people", "[]", "0 rows"},
		{__LINE__, "things", "{\"name\":\"a\"}", "name=\"a\" made=\"it's\" state=\"draft\""},
		{__LINE__, "things", "{\"name\":\"a\",\"id\":7,\"note\":null,\"price\":1.5}",
		 "id=7 name=\"a\" note=null price=1.5 made=\"it's\" state=\"draft\""},
		{__LINE__, "things",
		 "{\"name\":\"a\",\"data\":{\"b\": [1, 2]},\"done\":true,\"share\":0.5}",
		 "name=\"a\" share=0.5 done=true data={\"b\":[1,2]} made=\"it's\" state=\"draft\""},
		{__LINE__, "things",
		 "{\"name\":\"a\",\"made\":{\"any\":1},\"born\":5,\"odd \\\"key\":\"x\"}",
		 "name=\"a\" made=\"it's\" born=5 state=\"draft\" odd \"key=\"x\""},
		{__LINE__, "tokens", "{}",
		 "id=<uuid> code=<uuid> live=true least=-9223372036854775808 ratio=-0.5"},
		{__LINE__, "tokens", "[{\"live\":false},{\"live\":true}]",
		 "id=<uuid> code=<uuid> live=false least=-9223372036854775808 ratio=-0.5; "
		 "id=<uuid> code=<uuid> live=true least=-9223372036854775808 ratio=-0.5"},
		{__LINE__, "tokens", "{\"id\":\"A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11\"}",
		 "id=\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\" code=<uuid> live=true "
		 "least=-9223372036854775808 ratio=-0.5"},
	};
	RUN(rows, QUERY_INSERT);
}

static const struct body_test insert_errors_rows[] = {
	{__LINE__, "ratings", "{}",
	 "NOT_NULL null value in column \"user_id\" of relation \"ratings\" violates not-null "
	 "constraint / Failing row contains (null, null, null)."},
	{__LINE__, "ratings", "{\"user_id\":1,\"item_id\":2}",
	 "NOT_NULL null value in column \"rating_type\" of relation \"ratings\" violates not-null "
	 "constraint / Failing row contains (1, 2, null)."},
	{__LINE__, "ratings", "{\"user_id\":1,\"item_id\":null,\"rating_type\":1}",
	 "NOT_NULL null value in column \"item_id\" of relation \"ratings\" violates not-null "
	 "constraint / Failing row contains (1, null, 1)."},
	{__LINE__, "things", "{\"id\":null,\"name\":\"a\"}",
	 "NOT_NULL null value in column \"id\" of relation \"things\" violates not-null constraint / "
	 "Failing row contains (null, a, null, null, null, null, null, null, null, it's, null, "
	 "draft, null)."},
	{__LINE__, "ratings", "{\"user_id\":1,\"item_id\":2,\"rating_type\":4}",
	 "CHECK field \"rating_type\" must be one of 1, 2, 3"},
	{__LINE__, "ratings", "{\"user_id\":\"1\",\"item_id\":2,\"rating_type\":1}",
	 "VALUE field \"user_id\": invalid input syntax for type integer: \"1\" / The value is a "
	 "JSON string; a JSON number is needed"},
	{__LINE__, "ratings", "{\"user_id\":9223372036854775808}",
	 "OUT_OF_RANGE field \"user_id\": value \"9223372036854775808\" is out of range for type "
	 "integer"},
	{__LINE__, "things", "{\"name\":\"longer than ten\"}",
	 "TOO_LONG field \"name\": value too long for type text(10)"},
	{__LINE__, "things", "{\"name\":\"a\",\"price\":-1}",
	 "CHECK field \"price\" must be at least 0"},
	{__LINE__, "ratings", "{\"stars\":5}",
	 "COLUMN@1 Could not find the 'stars' column of 'ratings' in the schema cache"},
	{__LINE__, "ratings", "{\"ratingtype\":5}",
	 "COLUMN@1 Could not find the 'ratingtype' column of 'ratings' in the schema cache / "
	 "Perhaps you meant the column \"rating_type\""},
	{__LINE__, "people", "",
	 "BODY@0 Empty or invalid json / the text ends where a value should "
	 "stand (at byte 0)"},
	{__LINE__, "people", "{\"id\":1",
	 "BODY@7 Empty or invalid json / the text ends where ',' or '}' should stand (at byte 7)"},
	{__LINE__, "people", "{\"id\":01}",
	 "BODY@6 Empty or invalid json / number with a leading zero (at byte 6)"},
	{__LINE__, "people", "{\"id\":1}{",
	 "BODY@8 Empty or invalid json / unexpected '{' where the end should stand (at "
	 "byte 8)"},
	{__LINE__, "people", "{\"id\":1,\"id\":2}",
	 "BODY@8 Empty or invalid json / a key stands twice: \"id\" (at byte 8)"},
	{__LINE__, "people", "5",
	 "BODY@0 Empty or invalid json / the rows of this request are an object or a list of "
	 "objects"},
	{__LINE__, "people", "null",
	 "BODY@0 Empty or invalid json / the rows of this request are an object or a list of "
	 "objects"},
	{__LINE__, "people", "[1]",
	 "BODY@1 Empty or invalid json / the rows of this request are a list of objects"},
	{__LINE__, "people", "[{\"id\":1},[]]",
	 "BODY@10 Empty or invalid json / the rows of this request are a list of objects"},
	{__LINE__, "things", "{\"name\":\"a\",\"data\":[[[[[]]]]]}",
	 "BODY@23 Empty or invalid json / nesting deeper than 5 levels (at byte 23)"},
	{__LINE__, "things", "{\"made\":[[[[[]]]]]}",
	 "BODY@12 Empty or invalid json / nesting deeper than 5 levels (at byte 12)"},
	/* rows are named */
	{__LINE__, "people", "[{\"id\":1},{\"id\":\"x\"}]",
	 "VALUE row 2: field \"id\": invalid input syntax for type integer: \"x\" / The value is a "
	 "JSON string; a JSON number is needed"},
	{__LINE__, "people", "[{\"id\":1},{\"id\":null}]",
	 "NOT_NULL row 2: null value in column \"id\" of relation \"people\" violates not-null "
	 "constraint / Failing row contains (null)."},
	{__LINE__, "ratings", "[{\"user_id\":1,\"item_id\":2,\"rating_type\":9}]",
	 "CHECK row 1: field \"rating_type\" must be one of 1, 2, 3"},
	{__LINE__, "people", "[{\"id\":1},{\"ix\":2}]",
	 "COLUMN@11 row 2: Could not find the 'ix' column of 'people' in the schema cache / Perhaps "
	 "you meant the column \"id\""},
	{__LINE__, "things", "[{\"name\":\"a\"},{\"name\":\"b\",\"note\":\"c\"}]",
	 "BODY All object keys must match / row 2 has other keys than row 1"},
	{__LINE__, "things", "[{\"name\":\"a\",\"note\":\"c\"},{\"name\":\"b\"}]",
	 "BODY All object keys must match / row 2 has other keys than row 1"},
	{__LINE__, "things", "[{\"name\":\"a\"},{\"name\":\"b\"},{}]",
	 "BODY All object keys must match / row 3 has other keys than row 1"},
	{__LINE__, "things", "[{\"name\":\"a\",\"made\":1},{\"name\":\"b\"}]",
	 "BODY All object keys must match / row 2 has other keys than row 1"},
};

static void test_insert_errors(void **state)
{
	(void)state;
	RUN(insert_errors_rows, QUERY_INSERT);
}

static void test_limit(void **state)
{
	(void)state;
	struct buf body;
	struct buf want;
	buf_init(&body, TEXT_BYTES);
	buf_init(&want, TEXT_BYTES);
	for (int i = 0; i < 40; i++) {
		buf_printf(&body, "%c{\"id\":%d}", i == 0 ? '[' : ',', i);
		buf_printf(&want, "%sid=%d", i == 0 ? "" : "; ", i);
	}
	buf_printf(&body, "]%c", '\0');
	buf_append_byte(&want, '\0');
	struct body_test rows[] = {{__LINE__, "people", body.ptr, want.ptr}};
	RUN(rows, QUERY_INSERT);

	body.len -= 2;
	buf_printf(&body, ",{\"id\":41}]%c", '\0');
	struct body_test more_rows[] = {
		{__LINE__, "people", body.ptr, "BODY_TOO_LARGE More than 40 rows in one request"},
	};
	RUN(more_rows, QUERY_INSERT);
	buf_finish(&body);
	buf_finish(&want);
}

static void test_upsert(void **state)
{
	(void)state;
	static const struct body_test rows[] = {
		{__LINE__, "ratings", "{\"user_id\":1,\"item_id\":2,\"rating_type\":3}",
		 "user_id=1 item_id=2 rating_type=3"},
		/* defaults are the table's, but for what it cannot make */
		{__LINE__, "things", "{\"id\":1,\"name\":\"a\"}", "id=1 name=\"a\""},
		{__LINE__, "things", "{\"id\":1,\"name\":\"a\",\"born\":5}", "id=1 name=\"a\" born=5"},
		{__LINE__, "things", "{\"name\":\"a\"}", "name=\"a\""},
		{__LINE__, "tokens", "{\"live\":true}", "id=<uuid> live=true"},
		{__LINE__, "things", "{\"id\":1}",
		 "NOT_NULL null value in column \"name\" of relation \"things\" violates not-null "
		 "constraint / Failing row contains (1, null, null, null, null, null, null, null, null, "
		 "it's, null, draft, null)."},
		{__LINE__, "things", "[{\"id\":1}]",
		 "BODY@0 Empty or invalid json / the rows of this request are an object"},
	};
	RUN(rows, QUERY_UPSERT);
}

static void test_update(void **state)
{
	(void)state;
	static const struct body_test rows[] = {
		{__LINE__, "ratings", "{\"rating_type\":3}", "rating_type=3"},
		{__LINE__, "ratings", "{\"user_id\":3}", "user_id=3"},
		{__LINE__, "ratings", "{}", "0 rows"},
		{__LINE__, "things", "{\"note\":null,\"state\":\"printed\"}",
		 "note=null state=\"printed\""},
		{__LINE__, "things", "{\"born\":5,\"made\":6}", "0 rows"},
		{__LINE__, "things", "{\"name\":null}",
		 "NOT_NULL null value in column \"name\" of relation \"things\" violates not-null "
		 "constraint"},
		{__LINE__, "things", "{\"state\":\"lost\"}",
		 "CHECK field \"state\" must be one of \"draft\", \"printed\""},
		{__LINE__, "things", "[]",
		 "BODY@0 Empty or invalid json / the rows of this request are an object"},
	};
	RUN(rows, QUERY_UPDATE);
}

static void test_replace(void **state)
{
	(void)state;
	static const struct body_test rows[] = {
		{__LINE__, "things", "{\"name\":\"a\"}",
		 "name=\"a\" note=null price=null share=null done=null ref=null data=null owner=null "
		 "state=\"draft\" odd \"key=null"},
		{__LINE__, "things",
		 "{\"name\":\"a\",\"id\":4,\"born\":3,\"note\":\"n\",\"state\":\"printed\"}",
		 "id=4 name=\"a\" note=\"n\" price=null share=null done=null ref=null data=null owner=null "
		 "state=\"printed\" odd \"key=null"},
		{__LINE__, "tokens", "{}", "code=<uuid> live=true least=-9223372036854775808 ratio=-0.5"},
		{__LINE__, "things", "{\"note\":\"a\"}",
		 "NOT_NULL null value in column \"name\" of relation \"things\" violates not-null "
		 "constraint"},
	};
	RUN(rows, QUERY_REPLACE);
}

static void test_fixed(void **state)
{
	(void)state;
	static const struct body_test upsert_rows[] = {
		{__LINE__, "ratings", "{\"rating_type\":3}", "user_id=5 item_id=-6 rating_type=3"},
		{__LINE__, "ratings", "{\"rating_type\":3,\"user_id\":5,\"item_id\":-6}",
		 "user_id=5 item_id=-6 rating_type=3"},
		{__LINE__, "ratings", "{\"rating_type\":3,\"user_id\":7}",
		 "CHECK field \"user_id\": the body gives another value than the path / leave the field "
		 "out "
		 "of the body"},
		{__LINE__, "ratings", "{\"rating_type\":3,\"item_id\":null}",
		 "CHECK field \"item_id\": the body gives another value than the path / leave the field "
		 "out "
		 "of the body"},
		{__LINE__, "ratings", "{}",
		 "NOT_NULL null value in column \"rating_type\" of relation \"ratings\" violates "
		 "not-null constraint / Failing row contains (5, -6, null)."},
	};
	/* Rows that exist have these values: they are checked, not written. */
	static const struct body_test update_rows[] = {
		{__LINE__, "ratings", "{\"rating_type\":3}", "rating_type=3"},
		{__LINE__, "ratings", "{\"rating_type\":3,\"user_id\":5}", "rating_type=3"},
		{__LINE__, "ratings", "{\"item_id\":5}",
		 "CHECK field \"item_id\": the body gives another value than the path / leave the field "
		 "out "
		 "of the body"},
	};
	struct model *model = test_model();
	const struct resource *resource = test_resource(model, "ratings");
	struct field_list key = resource->key;
	struct value values[] = {{.kind = VALUE_INTEGER, .integer = 5},
							 {.kind = VALUE_INTEGER, .integer = -6}};
	struct arena arena;
	struct buf got;
	struct limits limits;
	struct body_options options = {.limits = &limits, .fixed = &key, .fixed_values = values};
	limits_init(&limits);
	arena_init(&arena, BLOCK_BYTES);
	buf_init(&got, TEXT_BYTES);
	for (size_t i = 0; i < 5 + 3 + 3; i++) {
		const struct body_test *row = i < 5 ? &upsert_rows[i] : &update_rows[(i - 5) % 3];
		enum query_action action = i < 5 ? QUERY_UPSERT : i < 8 ? QUERY_UPDATE : QUERY_REPLACE;
		struct query query = {.action = action, .resource = resource};
		struct error error;
		buf_clear(&got);
		if (check_body(str_from(row->body), &options, &arena, &query, &error)) {
			test_write_values(&got, &query, query.values, query.row_count);
		} else {
			test_write_error(&got, &error);
		}
		test_equal(row->line, row->body, &got, row->want);
	}
	buf_finish(&got);
	arena_finish(&arena);
	model_destroy(model);
}

static void test_from(void **state)
{
	(void)state;
	static const struct body_test rows[] = {
		{__LINE__, "people", "{\"items\":[{\"id\":1},{\"id\":2}]}", "id=1; id=2"},
		{__LINE__, "people", "{\"items\":{\"id\":1}}", "id=1"},
		{__LINE__, "people", "{\"items\":[]}", "0 rows"},
		{__LINE__, "people", "{}", "BODY the key \"items\" is missing"},
		{__LINE__, "people", "{\"id\":1}", "BODY@1 unknown key \"id\" beside \"items\""},
		{__LINE__, "people", "{\"items\":[],\"more\":1}",
		 "BODY@12 unknown key \"more\" beside \"items\""},
		{__LINE__, "people", "[]",
		 "BODY@0 Empty or invalid json / the body is an object with the key \"items\""},
		{__LINE__, "people", "{\"items\":5}",
		 "BODY@9 Empty or invalid json / the rows of this request are an object or a list of "
		 "objects"},
		{__LINE__, "people", "{\"items\":[{\"id\":1}",
		 "BODY@18 Empty or invalid json / the text ends where ',' or ']' should stand (at byte "
		 "18)"},
		{__LINE__, "people", "{\"items\":[{\"id\":1}]",
		 "BODY@19 Empty or invalid json / the text ends where ',' or '}' should stand (at byte "
		 "19)"},
		{__LINE__, "people", "{\"items\":[{\"id\":1},{\"id\":2.5}]}",
		 "VALUE row 2: field \"id\": invalid input syntax for type integer: \"2.5\""},
		{__LINE__, "people", "x",
		 "BODY@0 Empty or invalid json / unexpected 'x' where a value should stand (at byte 0)"},
	};
	struct body_options options = {.from = STR("items"), .many = true};
	TEST_BODIES(rows, QUERY_INSERT, &options);
}

static void test_lenient(void **state)
{
	(void)state;
	static const struct body_test rows[] = {
		{__LINE__, "ratings", "{\"user_id\":\"1\",\"item_id\":2,\"rating_type\":\"3\"}",
		 "user_id=1 item_id=2 rating_type=3"},
		{__LINE__, "ratings", "{\"user_id\":\"x\"}",
		 "VALUE field \"user_id\": invalid input syntax for type integer: \"x\""},
	};
	struct body_options options = {.many = true, .lenient = true};
	TEST_BODIES(rows, QUERY_INSERT, &options);
}

static void test_needs(void **state)
{
	(void)state;
	struct model *model = test_model();
	const struct resource *resource = test_resource(model, "things");
	const struct field *fields[] = {resource_field(resource, STR("name")),
									resource_field(resource, STR("note"))};
	struct field_list needs = {fields, 2};
	struct limits limits;
	struct arena arena;
	struct error error;
	struct query query = {.action = QUERY_INSERT, .resource = resource};
	struct body_options options = {.limits = &limits, .needs = &needs, .many = true};
	limits_init(&limits);
	arena_init(&arena, BLOCK_BYTES);
	assert_true(
		check_body(STR("{\"name\":\"a\",\"note\":null}"), &options, &arena, &query, &error));
	assert_false(check_body(STR("{\"name\":\"a\"}"), &options, &arena, &query, &error));
	assert_string_equal(error.message, "field \"note\" is missing");
	assert_int_equal(error.code, ERROR_BODY);
	assert_false(check_body(STR("[{\"note\":\"a\"}]"), &options, &arena, &query, &error));
	assert_string_equal(error.message, "row 1: field \"name\" is missing");
	arena_finish(&arena);
	model_destroy(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_insert), cmocka_unit_test(test_insert_errors),
		cmocka_unit_test(test_limit),  cmocka_unit_test(test_upsert),
		cmocka_unit_test(test_update), cmocka_unit_test(test_replace),
		cmocka_unit_test(test_fixed),  cmocka_unit_test(test_from),
		cmocka_unit_test(test_needs),  cmocka_unit_test(test_lenient),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
