#include "codec/json_path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/number.h"

enum { MOST_STEPS = 8 };

/* "a.0.-1" as three steps; "" as none; "." as one of an empty key. */
static size_t make_steps(struct str text, struct json_step steps[MOST_STEPS])
{
	size_t count = 0;
	if (str_equal(text, STR("."))) {
		steps[0] = (struct json_step){false, 0, STR("")};
		return 1;
	}
	while (text.len > 0) {
		struct json_step step = {false, 0, str_split(&text, '.')};
		step.is_position = number_parse_integer(step.key, &step.position) == NUMBER_OK;
		assert_true(count < MOST_STEPS);
		steps[count++] = step;
	}
	return count;
}

#define ABSENT STR_INIT("absent")

static const struct row {
	int line;
	struct str path;
	struct str json;
	struct str want;      /* of -> */
	struct str want_text; /* of ->> */
} rows[] = {
#define ROW(path, json, want, text)                                                                \
	{                                                                                              \
		__LINE__, STR_INIT(path), STR_INIT(json), STR_INIT(want), STR_INIT(text)                   \
	}
#define NONE(path, json)                                                                           \
	{                                                                                              \
		__LINE__, STR_INIT(path), STR_INIT(json), ABSENT, ABSENT                                   \
	}
#define IS_NULL(path, json)                                                                        \
	{                                                                                              \
		__LINE__, STR_INIT(path), STR_INIT(json), STR_INIT("null"), ABSENT                         \
	}
	/* Kinds of values. */
	ROW("a", "{\"a\":5}", "5", "5"),
	ROW("a", "{\"a\":-1.50e+2}", "-1.50e+2", "-1.50e+2"),
	ROW("a", "{\"a\":true}", "true", "true"),
	ROW("a", "{\"a\":false}", "false", "false"),
	ROW("a", "{\"a\":\"\"}", "\"\"", ""),
	ROW("a", "{\"a\":\"b c\"}", "\"b c\"", "b c"),
	ROW("a", "{\"a\":\"null\"}", "\"null\"", "null"),
	ROW("a", "{\"a\":{}}", "{}", "{}"),
	ROW("a", " { \"a\" : { \"b\" : [ 1 , \" x \" ] } } ", "{\"b\":[1,\" x \"]}",
		"{\"b\":[1,\" x \"]}"),
	IS_NULL("a", "{\"a\":null}"),
	IS_NULL("0", "[ null ]"),
	/* Escapes of a text. */
	ROW("a", "{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t|\"}", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t|\"",
		"\"\\/\b\f\n\r\t|"),
	ROW("a", "{\"a\":\"x\\u00e4\\u20AC\\ud83d\\ude00y\"}", "\"x\\u00e4\\u20AC\\ud83d\\ude00y\"",
		"x\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80y"),
	ROW("a", "{\"a\":\"\\u0000\"}", "\"\\u0000\"", "\0"),
	ROW("a", "{\"a\":\"\xc3\xa4\"}", "\"\xc3\xa4\"", "\xc3\xa4"),
	/* Keys. */
	ROW("b", "{\"a\":1,\"b\":2,\"c\":3}", "2", "2"),
	ROW(".", "{\"\":1}", "1", "1"),
	ROW("\xc3\xa4", "{\"\\u00e4\":1}", "1", "1"),
	ROW("x\"y/z", "{\"x\\\"y\\/z\":1}", "1", "1"),
	ROW("\xf0\x9f\x98\x80!", "{\"\\ud83d\\ude00!\":1}", "1", "1"),
	NONE("a", "{}"),
	NONE("a", "{\"A\":1}"),
	NONE("a", "{\"ab\":1}"),
	NONE("ab", "{\"a\":1}"),
	NONE("a", "{\"\\u0061b\":1}"),
	NONE("ab", "{\"\\u0061\":1}"),
	NONE("a", "{\"b\":{\"a\":1}}"),
	NONE("a", "{\"b\":\"a\"}"),
	/* The last of two equal keys counts, also when one of them is written with escapes. */
	ROW("a", "{\"a\":1,\"a\":2}", "2", "2"),
	ROW("a", "{\"a\":{\"b\":1},\"\\u0061\":[3]}", "[3]", "[3]"),
	IS_NULL("a", "{\"a\":1,\"a\":null}"),
	NONE("a.b", "{\"a\":{\"b\":1},\"a\":{}}"),
	/* Positions. */
	ROW("0", "[1,2,3]", "1", "1"),
	ROW("2", "[1,2,3]", "3", "3"),
	ROW("-1", "[1,2,3]", "3", "3"),
	ROW("-3", "[1,2,3]", "1", "1"),
	ROW("-1", " [ [ ] , { \"a\" : 1 } ] ", "{\"a\":1}", "{\"a\":1}"),
	NONE("3", "[1,2,3]"),
	NONE("-4", "[1,2,3]"),
	NONE("0", "[]"),
	NONE("-1", "[]"),
	NONE("9223372036854775807", "[1]"),
	NONE("-9223372036854775808", "[1]"),
	NONE("a", "[1]"),
	NONE("a", "[{\"a\":1}]"),
	/* A number is also a key. */
	ROW("0", "{\"0\":1}", "1", "1"),
	ROW("-1", "{\"-1\":1}", "1", "1"),
	NONE("0", "{\"a\":1}"),
	/* Nothing stands in a scalar. */
	NONE("a", "5"),
	NONE("0", "\"abc\""),
	NONE("a", "null"),
	NONE("a.b", "{\"a\":5}"),
	NONE("a.b", "{\"a\":null}"),
	/* Several steps, and none. */
	ROW("a.b.c", "{\"a\":{\"b\":{\"c\":1}}}", "1", "1"),
	ROW("a.-2.b.0", "{\"a\":[{\"b\":[\"x\"]},0]}", "\"x\"", "x"),
	NONE("a.c", "{\"a\":{\"b\":1},\"c\":2}"),
	ROW("", " [ 1 , 2 ] ", "[1,2]", "[1,2]"),
	ROW("", "\"x\"", "\"x\"", "x"),
	IS_NULL("", "null"),
	/* What is no JSON holds nothing, even before the mistake. */
	NONE("", ""),
	NONE("", " "),
	NONE("", "1 2"),
	NONE("", "01"),
	NONE("", "-"),
	NONE("", "+1"),
	NONE("", "1."),
	NONE("", ".5"),
	NONE("", "1e"),
	NONE("", "1e+-1"),
	NONE("", "nul"),
	NONE("", "nullx"),
	NONE("", "True"),
	NONE("", "'a'"),
	NONE("", "\""),
	NONE("", "\"\\"),
	NONE("", "\"\\x\""),
	NONE("", "\"\\\0\""),
	NONE("", "\"\\u12\""),
	NONE("", "\"\\u12g4\""),
	NONE("", "\"\\ud800\""),
	NONE("", "\"\\ud800\\u0041\""),
	NONE("", "\"\\ude00\""),
	NONE("", "\"\xc3\""),
	NONE("", "\"\n\""),
	NONE("", "\xef\xbb\xbf{}"),
	NONE("a", "{\"a\":1"),
	NONE("a", "{\"a\":1]"),
	NONE("a", "{\"a\":1,}"),
	NONE("a", "{\"a\":1}x"),
	NONE("a", "{\"a\":1} {}"),
	NONE("a", "{\"a\":1,\"b\":[1,2,]}"),
	NONE("a", "{\"a\":1,\"b\"}"),
	NONE("a", "{\"a\":1,b:2}"),
	NONE("a", "{\"a\" 1}"),
	NONE("a", "{\"a\":}"),
	NONE("a", "{"),
	NONE("a", "{,}"),
	NONE("0", "["),
	NONE("0", "[1"),
	NONE("0", "[1}"),
	NONE("0", "[1,]"),
	NONE("0", "[,1]"),
	NONE("0", "[1]]"),
	NONE("-1", "[1,2] 3"),
};

static void check(const struct row *row, bool as_text, struct str want)
{
	struct json_step steps[MOST_STEPS];
	struct json_path path = {steps, make_steps(row->path, steps), as_text};
	struct buf buf;
	buf_init(&buf, 1000);
	bool found = json_path_write(&path, row->json, &buf);
	if (found == str_equal(want, STR("absent"))) {
		fail_msg("row of line %d%s: %s", row->line, as_text ? " as text" : "",
				 found ? "found" : "not found");
	}
	if (!str_equal(buf_str(&buf), found ? want : STR(""))) {
		fail_msg("row of line %d%s: %.*s", row->line, as_text ? " as text" : "",
				 STR_ARG(buf_str(&buf)));
	}
	buf_finish(&buf);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		check(&rows[i], false, rows[i].want);
		check(&rows[i], true, rows[i].want_text);
	}
}

static void append_many(struct buf *buf, struct str text, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		buf_append(buf, text);
	}
}

/* A list around objects within each other; `depth` of them in all, at least 2. */
static bool find_nested(size_t depth, const struct json_path *path)
{
	struct buf json;
	struct buf found;
	buf_init(&json, 10000);
	buf_init(&found, 10000);
	buf_append(&json, STR("[1,"));
	append_many(&json, STR("{\"a\":"), depth - 1);
	buf_append(&json, STR("0"));
	append_many(&json, STR("}"), depth - 1);
	buf_append(&json, STR("]"));
	bool good = json_path_write(path, buf_str(&json), &found);
	buf_finish(&json);
	buf_finish(&found);
	return good;
}

static void test_limit(void **state)
{
	(void)state;
	struct json_step step = {true, 0, STR("0")};
	struct json_path none = {&step, 0, false};
	struct json_path first = {&step, 1, false};
	assert_true(find_nested(JSON_PATH_DEPTH, &none));
	assert_false(find_nested(JSON_PATH_DEPTH + 1, &none));
	assert_true(find_nested(JSON_PATH_DEPTH, &first));
	assert_false(find_nested(JSON_PATH_DEPTH + 1, &first));
	step.position = -1;
	assert_true(find_nested(JSON_PATH_DEPTH, &first));
	assert_false(find_nested(JSON_PATH_DEPTH + 1, &first));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
