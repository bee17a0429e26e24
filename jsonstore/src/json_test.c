#include "json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "record.h"

static const struct js_sys plain = {NULL, NULL};

/* want_error NULL: good, and want is the text without white space. */
static void test_check(void **state)
{
	static const struct {
		int line;
		const char *input;
		const char *want;
		const char *want_error;
		size_t want_at;
	} rows[] = {
		{__LINE__, "{}", "{}", NULL, 0},
		{__LINE__, " { \"a\" : [ 1 , -0.5e+3 , true , false , null ] } ",
		 "{\"a\":[1,-0.5e+3,true,false,null]}", NULL, 0},
		{__LINE__, "\"a b\\n\\u00e4\\ud83d\\ude00\"", "\"a b\\n\\u00e4\\ud83d\\ude00\"", NULL, 0},
		{__LINE__, "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"",
		 "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"", NULL, 0},
		{__LINE__, "0", "0", NULL, 0},
		{__LINE__, "", NULL, "a value is missing", 0},
		{__LINE__, "  ", NULL, "a value is missing", 2},
		{__LINE__, "01", NULL, "something follows the value", 1},
		{__LINE__, "1.", NULL, "a digit is missing", 2},
		{__LINE__, "-", NULL, "a digit is missing", 1},
		{__LINE__, "1e", NULL, "a digit is missing", 2},
		{__LINE__, "+1", NULL, "no JSON value", 0},
		{__LINE__, "nul", NULL, "the value is not whole", 3},
		{__LINE__, "nuls", NULL, "no JSON value", 3},
		{__LINE__, "[1,]", NULL, "no JSON value", 3},
		{__LINE__, "[1 2]", NULL, "a comma or a closing bracket is missing", 3},
		{__LINE__, "{\"a\":1,}", NULL, "a member's name is missing", 7},
		{__LINE__, "{\"a\" 1}", NULL, "a colon is missing", 5},
		{__LINE__, "{a:1}", NULL, "a member's name is missing", 1},
		{__LINE__, "[1}", NULL, "a comma or a closing bracket is missing", 2},
		{__LINE__, "\"a", NULL, "a string is not closed", 2},
		{__LINE__, "\"a\nb\"", NULL, "a control character in a string", 2},
		{__LINE__, "\"\\x\"", NULL, "no such escape", 2},
		{__LINE__, "\"\\u12g4\"", NULL, "\\u needs four hexadecimal digits", 2},
		{__LINE__, "\"\\ud800\"", NULL, "half of a surrogate pair", 2},
		{__LINE__, "\"\\ud800\\u0041\"", NULL, "half of a surrogate pair", 2},
		{__LINE__, "\"\\udc00\"", NULL, "half of a surrogate pair", 2},
		{__LINE__, "\"\xff\"", NULL, "not UTF-8", 1},
		{__LINE__, "\"\xc0\x80\"", NULL, "not UTF-8", 1},
		{__LINE__, "\"\xed\xa0\x80\"", NULL, "not UTF-8", 1},
		{__LINE__, "\"\xf4\x90\x80\x80\"", NULL, "not UTF-8", 1},
		{__LINE__, "\xef\xbb\xbf{}", NULL, "no JSON value", 0},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct js_span text = js_span_of(rows[i].input);
		struct js_scanned scanned;
		char squeezed[100];
		print_message("line %d\r", rows[i].line);
		bool good = js_json_check(text, &scanned);
		if (rows[i].want_error != NULL) {
			assert_false(good);
			assert_string_equal(scanned.what, rows[i].want_error);
			assert_int_equal(scanned.at - text.ptr, rows[i].want_at);
			continue;
		}
		assert_true(good);
		size_t len = js_json_squeeze(text, squeezed);
		assert_int_equal(len, strlen(rows[i].want));
		assert_memory_equal(squeezed, rows[i].want, len);
	}
}

/* Every shorter text of a value that is not a number wants more, and none of it is bad. */
static void test_more(void **state)
{
	static const char text[] = "{\"a\":[1,{\"b\":\"\\ud83d\\ude00\xc3\xa4\"},true],\"c\":-1.5e3}";
	struct js_scanned scanned;
	(void)state;
	for (size_t len = 0; len < sizeof(text) - 1; len++) {
		assert_int_equal(js_json_scan(text, text + len, false, &scanned), JS_SCAN_MORE);
		assert_int_equal(js_json_scan(text, text + len, true, &scanned), JS_SCAN_BAD);
	}
	assert_int_equal(js_json_scan(text, text + sizeof(text) - 1, false, &scanned), JS_SCAN_GOOD);
	assert_int_equal(js_json_scan("12", (const char *)"12" + 2, true, &scanned), JS_SCAN_GOOD);
}

static void test_depth(void **state)
{
	char text[2 * JSONSTORE_DEPTH_MAX + 2];
	struct js_scanned scanned;
	(void)state;
	memset(text, '[', JSONSTORE_DEPTH_MAX);
	memset(text + JSONSTORE_DEPTH_MAX, ']', JSONSTORE_DEPTH_MAX);
	assert_true(js_json_check((struct js_span){text, 2 * JSONSTORE_DEPTH_MAX}, &scanned));
	memset(text, '[', JSONSTORE_DEPTH_MAX + 1);
	memset(text + JSONSTORE_DEPTH_MAX + 1, ']', JSONSTORE_DEPTH_MAX + 1);
	assert_false(js_json_check((struct js_span){text, sizeof(text)}, &scanned));
	assert_int_equal(scanned.at - text, JSONSTORE_DEPTH_MAX);
}

static void test_keys(void **state)
{
	static const struct {
		const char *record;
		const char *want;
		const char *want_error;
		struct js_name names; /* length 0: id */
	} rows[] = {
		{"{\"id\":\"a\"}", "a", NULL},
		{"{\"x\":{\"id\":1},\"id\":12}", "12", NULL},
		{"{\"\\u0069d\":\"\\u0041\"}", "A", NULL},
		{"{\"id\":-7}", "-7", NULL},
		{"{\"id\":-0}", NULL, "the key is neither a string nor an integer"},
		{"{\"id\":1.0}", NULL, "the key is neither a string nor an integer"},
		{"{\"id\":null}", NULL, "the key is neither a string nor an integer"},
		{"{\"id\":1,\"id\":1}", NULL, "the key field is there twice"},
		{"{}", NULL, "the record has no key"},
		{"[]", NULL, "a record is an object"},
		{"{\"b\":\"x\",\"c\":0,\"a\":1}", "1,x", NULL, {3, "a,b"}},
		{"{\"a\":\"1,\\\\\",\"b\":\",\",\"c\":\"\"}", "1\\,\\\\,\\,,", NULL, {5, "a,b,c"}},
		{"{\"a\":\"1\"}", NULL, "the record has no key", {3, "a,b"}},
		{"{\"a\":1,\"b\":2,\"a\":1}", NULL, "the key field is there twice", {3, "a,b"}},
		{"{\"a\":1.50,\"b\":true}", "1.50,true", NULL, {3, "a,b"}},
		{"{\"a\":1,\"b\":[]}", NULL, "the key is null, an array or an object", {3, "a,b"}},
		{"{\"a\":null,\"b\":1}", NULL, "the key is null, an array or an object", {3, "a,b"}},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct js_schema schema = {.key = {2, "id"}};
		if (rows[i].names.len > 0) {
			schema.key = rows[i].names;
		}
		struct js_fields fields;
		const char *what;
		struct js_span record = js_span_of(rows[i].record);
		bool good = js_record_fields(&schema, record, &fields, &what);
		assert_int_equal(good, rows[i].want != NULL);
		if (!good) {
			assert_string_equal(what, rows[i].want_error);
			continue;
		}
		struct js_span key = js_span_of(rows[i].want);
		assert_true(js_span_equal((struct js_span){fields.key.text, fields.key.len}, key));
		assert_true(js_record_has_key(&schema, record, fields.key_at, key));
		assert_true(js_record_has_key(&schema, record, JS_NO_HINT, key));
		key.len--;
		assert_false(js_record_has_key(&schema, record, fields.key_at, key));
	}
}

static void test_long_keys(void **state)
{
	struct js_schema schema = {.key = {2, "id"}};
	char record[2 * JSONSTORE_KEY_MAX];
	struct js_fields fields;
	const char *what;
	(void)state;
	for (int over = 0; over < 2; over++) {
		int len = snprintf(record, sizeof(record), "{\"id\":\"%0*d\"}", JSONSTORE_KEY_MAX + over,
						   7);
		assert_int_equal(js_record_fields(&schema, (struct js_span){record, (size_t)len}, &fields,
										  &what),
						 over == 0);
	}
	assert_string_equal(what, "the key is too long");
}

static void test_forms(void **state)
{
	static const struct {
		const char *a;
		const char *b;
		bool same;
	} rows[] = {
		{"1", "1.0", true},
		{"1", "10e-1", true},
		{"0.001", "1E-3", true},
		{"-0", "0.0e5", true},
		{"120", "1.2e2", true},
		{"1", "-1", false},
		{"1", "10", false},
		{"1", "\"1\"", false},
		{"9007199254740993", "9007199254740992", false},
		{"\"a\"", "\"\\u0061\"", true},
		{"\"a\"", "\"b\"", false},
		{"true", "false", false},
		{"true", "\"t\"", false},
		{"null", "null", true},
		{"\"\"", "null", false},
	};
	struct jsonstore_error error;
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct jsonstore_text a = {NULL, 0, 0};
		struct jsonstore_text b = {NULL, 0, 0};
		assert_true(js_value_form(&plain, js_span_of(rows[i].a), &a, &error));
		assert_true(js_value_form(&plain, js_span_of(rows[i].b), &b, &error));
		assert_int_equal(js_span_equal(js_text_span(&a), js_text_span(&b)), rows[i].same);
		jsonstore_text_free(&a);
		jsonstore_text_free(&b);
	}
}

/* The examples of RFC 7396, appendix A, that are of objects. */
static void test_merge(void **state)
{
	static const struct {
		const char *target;
		const char *patch;
		const char *want;
	} rows[] = {
		{"{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
		{"{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}"},
		{"{\"a\":\"b\"}", "{\"a\":null}", "{}"},
		{"{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}"},
		{"{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
		{"{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}"},
		{"{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}"},
		{"{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}"},
		{"{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}"},
		{"{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}"},
		{"{\"a\":1}", "{\"\\u0061\":2}", "{\"a\":2}"},
	};
	struct jsonstore_error error;
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct jsonstore_text text = {NULL, 0, 0};
		assert_true(js_record_merge(&plain, js_span_of(rows[i].target), js_span_of(rows[i].patch),
									&text, &error));
		assert_int_equal(text.length, strlen(rows[i].want));
		assert_memory_equal(text.text, rows[i].want, text.length);
		jsonstore_text_free(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check),     cmocka_unit_test(test_more),
		cmocka_unit_test(test_depth),     cmocka_unit_test(test_keys),
		cmocka_unit_test(test_long_keys), cmocka_unit_test(test_forms),
		cmocka_unit_test(test_merge),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
