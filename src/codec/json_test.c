#include "codec/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

/* Jansson, the oracle, has constants of the same names. */
#define JSON_OBJECT JANSSON_OBJECT
#define JSON_ARRAY JANSSON_ARRAY
#define JSON_STRING JANSSON_STRING
#define JSON_TRUE JANSSON_TRUE
#define JSON_FALSE JANSSON_FALSE
#define JSON_NULL JANSSON_NULL
#include <jansson.h>
#undef JSON_OBJECT
#undef JSON_ARRAY
#undef JSON_STRING
#undef JSON_TRUE
#undef JSON_FALSE
#undef JSON_NULL

#include "codec/number.h"

enum { DEPTH = 5 };

/* Reads all of the text and writes its events: k(key) s(string) n(number) { } [ ] t f 0. */
static bool read_events(struct str text, size_t max_depth, struct arena *arena, struct buf *events,
						struct error *ret_error)
{
	static const char marks[] = {
		[JSON_OBJECT] = '{', [JSON_OBJECT_END] = '}', [JSON_ARRAY] = '[',  [JSON_ARRAY_END] = ']',
		[JSON_KEY] = 'k',    [JSON_STRING] = 's',     [JSON_NUMBER] = 'n', [JSON_TRUE] = 't',
		[JSON_FALSE] = 'f',  [JSON_NULL] = '0',
	};
	struct json_reader reader;
	enum json_event event;
	json_reader_init(&reader, text, max_depth, arena);
	while ((event = json_next(&reader)) != JSON_END) {
		if (event == JSON_ERROR) {
			struct error first = reader.error;
			assert_int_equal(json_next(&reader), JSON_ERROR);
			assert_int_equal(reader.error.at, first.at);
			assert_string_equal(reader.error.message, first.message);
			assert_int_equal(first.code, ERROR_BODY);
			assert_true(first.at <= text.len);
			*ret_error = first;
			return false;
		}
		assert_true(reader.event_at < text.len && reader.at <= text.len);
		buf_append_byte(events, marks[event]);
		if (event == JSON_KEY || event == JSON_STRING || event == JSON_NUMBER) {
			buf_append_byte(events, '(');
			buf_append(events, reader.text);
			buf_append_byte(events, ')');
		}
	}
	assert_int_equal(json_next(&reader), JSON_END);
	assert_int_equal(reader.event_at, text.len);
	return true;
}

static const struct good_row {
	int line;
	struct str text;
	struct str events;
} good_rows[] = {
#define GOOD(text, events)                                                                         \
	{                                                                                              \
		__LINE__, STR_INIT(text), STR_INIT(events)                                                 \
	}
	GOOD("{}", "{}"),
	GOOD("[]", "[]"),
	GOOD("true", "t"),
	GOOD("false", "f"),
	GOOD("null", "0"),
	GOOD("0", "n(0)"),
	GOOD("-0", "n(-0)"),
	GOOD("7", "n(7)"),
	GOOD("10", "n(10)"),
	GOOD("-12", "n(-12)"),
	GOOD("0.5", "n(0.5)"),
	GOOD("-0.0", "n(-0.0)"),
	GOOD("1.500", "n(1.500)"),
	GOOD("1e5", "n(1e5)"),
	GOOD("1E+05", "n(1E+05)"),
	GOOD("0e-0", "n(0e-0)"),
	GOOD("1.5e300", "n(1.5e300)"),
	GOOD("1e999999", "n(1e999999)"),
	GOOD("123456789012345678901234567890", "n(123456789012345678901234567890)"),
	GOOD("\"\"", "s()"),
	GOOD("\"a\"", "s(a)"),
	GOOD("\"1234567\"", "s(1234567)"),
	GOOD("\"12345678\"", "s(12345678)"),
	GOOD("\"123456789\"", "s(123456789)"),
	GOOD("\" ! # [ ] ^ _ ~ \x7f\"", "s( ! # [ ] ^ _ ~ \x7f)"),
	GOOD("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "s(\"\\/\b\f\n\r\t)"),
	GOOD("\"\\u0041\\u00e4\\u20AC\"", "s(A\xc3\xa4\xe2\x82\xac)"),
	GOOD("\"\\u0000\"", "s(\0)"),
	GOOD("\"\\u007f\\u0080\\u07ff\\u0800\\uffff\"",
		 "s(\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf)"),
	GOOD("\"\\ud83d\\ude00\"", "s(\xf0\x9f\x98\x80)"),
	GOOD("\"\\uD800\\uDC00\\uDBFF\\uDFFF\"", "s(\xf0\x90\x80\x80\xf4\x8f\xbf\xbf)"),
	GOOD("\"\\ud7ff\\ue000\"", "s(\xed\x9f\xbf\xee\x80\x80)"),
	GOOD("\"a long text before \\n and a long text behind it\"",
		 "s(a long text before \n and a long text behind it)"),
	GOOD("\"\\\\u0041\"", "s(\\u0041)"),
	GOOD("\"\xc2\x80\xdf\xbf\"", "s(\xc2\x80\xdf\xbf)"),
	GOOD("\"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\"",
		 "s(\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf)"),
	GOOD("\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"", "s(\xf0\x90\x80\x80\xf4\x8f\xbf\xbf)"),
	GOOD("\"\xef\xbb\xbf\"", "s(\xef\xbb\xbf)"),
	GOOD("\"gr\xc3\xbc\xc3\x9f dich, Welt\"", "s(gr\xc3\xbc\xc3\x9f dich, Welt)"),
	GOOD(" \t\r\n1 \t\r\n", "n(1)"),
	GOOD(" [ ] ", "[]"),
	GOOD(" { } ", "{}"),
	GOOD("[1]", "[n(1)]"),
	GOOD("[1,2]", "[n(1)n(2)]"),
	GOOD("[ true , false , null , \"x\" ]", "[tf0s(x)]"),
	GOOD("[[],[[]],{}]", "[[][[]]{}]"),
	GOOD("{\"a\":1}", "{k(a)n(1)}"),
	GOOD("{ \"a\" : 1 , \"b\" : [ ] }", "{k(a)n(1)k(b)[]}"),
	GOOD("{\"\":0}", "{k()n(0)}"),
	GOOD("{\"a\":{\"a\":{\"a\":1}}}", "{k(a){k(a){k(a)n(1)}}}"),
	GOOD("[{\"a\":1},{\"a\":2}]", "[{k(a)n(1)}{k(a)n(2)}]"),
	GOOD("{\"a\":{\"b\":1},\"b\":2}", "{k(a){k(b)n(1)}k(b)n(2)}"),
	GOOD("{\"a\":1,\"A\":2,\"a \":3,\"a\\u0000\":4}", "{k(a)n(1)k(A)n(2)k(a )n(3)k(a\0)n(4)}"),
	GOOD("{\"1\":1,\"2\":2,\"3\":3,\"4\":4,\"5\":5,\"6\":6,\"7\":7,\"8\":8,\"9\":9,\"10\":10}",
		 "{k(1)n(1)k(2)n(2)k(3)n(3)k(4)n(4)k(5)n(5)k(6)n(6)k(7)n(7)k(8)n(8)k(9)n(9)k(10)n(10)}"),
	GOOD("[[[[[]]]]]", "[[[[[]]]]]"),
	GOOD("{\"a\":[{\"a\":[{}]}]}", "{k(a)[{k(a)[{}]}]}"),
#undef GOOD
};

static const struct bad_row {
	int line;
	struct str text;
	size_t at;
	const char *message;
} bad_rows[] = {
#define BAD(text, at, message)                                                                     \
	{                                                                                              \
		__LINE__, STR_INIT(text), at, message                                                      \
	}
	BAD("", 0, "the text ends where a value should stand"),
	BAD(" \n", 2, "the text ends where a value should stand"),
	BAD("\xef\xbb\xbf{}", 0, "the text begins with a byte order mark"),
	BAD("\xff\xfe{\0}\0", 0, "unexpected byte 0xff where a value should stand"),
	BAD("\0", 0, "unexpected byte 0x00 where a value should stand"),
	BAD("1\0", 1, "unexpected byte 0x00 where the end should stand"),
	BAD("\f1", 0, "unexpected byte 0x0c where a value should stand"),
	BAD("\xc2\xa0 1", 0, "unexpected '\xc2\xa0' where a value should stand"),
	BAD("\xe2\x82\xac", 0, "unexpected '\xe2\x82\xac' where a value should stand"),
	BAD("{", 1, "the text ends where a key or '}' should stand"),
	BAD("[", 1, "the text ends where a value or ']' should stand"),
	BAD("]", 0, "unexpected ']' where a value should stand"),
	BAD("}", 0, "unexpected '}' where a value should stand"),
	BAD(",", 0, "unexpected ',' where a value should stand"),
	BAD(":", 0, "unexpected ':' where a value should stand"),
	BAD("[,1]", 1, "unexpected ',' where a value or ']' should stand"),
	BAD("[1,]", 3, "unexpected ']' where a value should stand"),
	BAD("[1,,2]", 3, "unexpected ',' where a value should stand"),
	BAD("[1 2]", 3, "unexpected '2' where ',' or ']' should stand"),
	BAD("[1:2]", 2, "unexpected ':' where ',' or ']' should stand"),
	BAD("[1}", 2, "unexpected '}' where ',' or ']' should stand"),
	BAD("[1", 2, "the text ends where ',' or ']' should stand"),
	BAD("[1,", 3, "the text ends where a value should stand"),
	BAD("[}", 1, "unexpected '}' where a value or ']' should stand"),
	BAD("[]]", 2, "unexpected ']' where the end should stand"),
	BAD("[],", 2, "unexpected ',' where the end should stand"),
	BAD("{}{}", 2, "unexpected '{' where the end should stand"),
	BAD("1 2", 2, "unexpected '2' where the end should stand"),
	BAD("{]", 1, "unexpected ']' where a key or '}' should stand"),
	BAD("{,}", 1, "unexpected ',' where a key or '}' should stand"),
	BAD("{1:2}", 1, "unexpected '1' where a key or '}' should stand"),
	BAD("{a:1}", 1, "unexpected 'a' where a key or '}' should stand"),
	BAD("{'a':1}", 1, "unexpected ''' where a key or '}' should stand"),
	BAD("{null:1}", 1, "unexpected 'n' where a key or '}' should stand"),
	BAD("{\"a\"}", 4, "unexpected '}' where ':' should stand"),
	BAD("{\"a\"", 4, "the text ends where ':' should stand"),
	BAD("{\"a\",1}", 4, "unexpected ',' where ':' should stand"),
	BAD("{\"a\" 1}", 5, "unexpected '1' where ':' should stand"),
	BAD("{\"a\":}", 5, "unexpected '}' where a value should stand"),
	BAD("{\"a\"::1}", 5, "unexpected ':' where a value should stand"),
	BAD("{\"a\":", 5, "the text ends where a value should stand"),
	BAD("{\"a\":1", 6, "the text ends where ',' or '}' should stand"),
	BAD("{\"a\":1,}", 7, "unexpected '}' where a key should stand"),
	BAD("{\"a\":1,,}", 7, "unexpected ',' where a key should stand"),
	BAD("{\"a\":1 \"b\":2}", 7, "unexpected '\"' where ',' or '}' should stand"),
	BAD("{\"a\":1]", 6, "unexpected ']' where ',' or '}' should stand"),
	BAD("{\"a\":1,2}", 7, "unexpected '2' where a key should stand"),
	BAD("{\"a\":1,\"a\":2}", 7, "a key stands twice: \"a\""),
	BAD("{\"a\":1,\"\\u0061\":2}", 7, "a key stands twice: \"a\""),
	BAD("{\"\":1,\"\":2}", 6, "a key stands twice: \"\""),
	BAD("{\"a\":{\"b\":1},\"c\":[{}],\"a\":3}", 22, "a key stands twice: \"a\""),
	BAD("{\"1\":1,\"2\":2,\"3\":3,\"4\":4,\"5\":5,\"6\":6,\"7\":7,\"8\":8,\"8\":9}", 49,
		"a key stands twice: \"8\""),
	BAD("{\"1\":1,\"2\":2,\"3\":3,\"4\":4,\"5\":5,\"6\":6,\"7\":7,\"8\":8,\"9\":9,\"1\":0}", 55,
		"a key stands twice: \"1\""),
	BAD("{\"1\":1,\"2\":2,\"3\":3,\"4\":4,\"5\":5,\"6\":6,\"7\":7,\"8\":8,\"9\":9,\"9\":0}", 55,
		"a key stands twice: \"9\""),
	BAD("nul", 0, "unexpected 'n' where a value should stand"),
	BAD("nulL", 0, "unexpected 'n' where a value should stand"),
	BAD("nulll", 4, "unexpected 'l' where the end should stand"),
	BAD("True", 0, "unexpected 'T' where a value should stand"),
	BAD("tru", 0, "unexpected 't' where a value should stand"),
	BAD("[fals]", 1, "unexpected 'f' where a value or ']' should stand"),
	BAD("truefalse", 4, "unexpected 'f' where the end should stand"),
	BAD("NaN", 0, "unexpected 'N' where a value should stand"),
	BAD("Infinity", 0, "unexpected 'I' where a value should stand"),
	BAD("-Infinity", 1, "unexpected 'I' where a digit should stand"),
	BAD("undefined", 0, "unexpected 'u' where a value should stand"),
	BAD("-", 1, "the text ends where a digit should stand"),
	BAD("--1", 1, "unexpected '-' where a digit should stand"),
	BAD("+1", 0, "unexpected '+' where a value should stand"),
	BAD(".5", 0, "unexpected '.' where a value should stand"),
	BAD("-.5", 1, "unexpected '.' where a digit should stand"),
	BAD("1.", 2, "the text ends where a digit should stand"),
	BAD("1.e5", 2, "unexpected 'e' where a digit should stand"),
	BAD("1.-5", 2, "unexpected '-' where a digit should stand"),
	BAD("1e", 2, "the text ends where a digit should stand"),
	BAD("1e+", 3, "the text ends where a digit should stand"),
	BAD("1e+-1", 3, "unexpected '-' where a digit should stand"),
	BAD("1e1.5", 3, "unexpected '.' where the end should stand"),
	BAD("1.2.3", 3, "unexpected '.' where the end should stand"),
	BAD("01", 0, "number with a leading zero"),
	BAD("[-012]", 2, "number with a leading zero"),
	BAD("00", 0, "number with a leading zero"),
	BAD("0x10", 1, "unexpected 'x' where the end should stand"),
	BAD("1a", 1, "unexpected 'a' where the end should stand"),
	BAD("1_000", 1, "unexpected '_' where the end should stand"),
	BAD("\xef\xbc\x91", 0, "unexpected '\xef\xbc\x91' where a value should stand"),
	BAD("/* */1", 0, "unexpected '/' where a value should stand"),
	BAD("1//", 1, "unexpected '/' where the end should stand"),
	BAD("#1", 0, "unexpected '#' where a value should stand"),
	BAD("'a'", 0, "unexpected ''' where a value should stand"),
	BAD("\"", 1, "the text ends inside a string"),
	BAD("\"abc", 4, "the text ends inside a string"),
	BAD("\"abcdefghijk", 12, "the text ends inside a string"),
	BAD("\"\\", 2, "the text ends inside a string"),
	BAD("\"\\\"", 3, "the text ends inside a string"),
	BAD("[\"a]", 4, "the text ends inside a string"),
	BAD("\"a\nb\"", 2, "control character in a string"),
	BAD("\"\t\"", 1, "control character in a string"),
	BAD("\"\0\"", 1, "control character in a string"),
	BAD("\"1234567\x1f\"", 8, "control character in a string"),
	BAD("{\"a\n\":1}", 3, "control character in a string"),
	BAD("\"\\a\"", 1, "unknown escape in a string"),
	BAD("\"\\\0\"", 1, "unknown escape in a string"),
	BAD("\"\\'\"", 1, "unknown escape in a string"),
	BAD("\"\\x41\"", 1, "unknown escape in a string"),
	BAD("\"\\U0041\"", 1, "unknown escape in a string"),
	BAD("\"\\\xc3\xa4\"", 1, "unknown escape in a string"),
	BAD("\"\\u\"", 1, "\\u without four hexadecimal digits"),
	BAD("\"\\u004\"", 1, "\\u without four hexadecimal digits"),
	BAD("\"\\u00g0\"", 1, "\\u without four hexadecimal digits"),
	BAD("\"ab\\u12", 3, "\\u without four hexadecimal digits"),
	BAD("\"\\u+123\"", 1, "\\u without four hexadecimal digits"),
	BAD("\"\\ud800\"", 1, "half of a surrogate pair in a string"),
	BAD("\"\\udc00\"", 1, "half of a surrogate pair in a string"),
	BAD("\"\\ud800\\ud800\"", 1, "half of a surrogate pair in a string"),
	BAD("\"\\ud800x\"", 1, "half of a surrogate pair in a string"),
	BAD("\"\\ud800\\n\"", 1, "half of a surrogate pair in a string"),
	BAD("\"\\ud800\\u\"", 1, "half of a surrogate pair in a string"),
	BAD("\"\\ud800\\u0041\"", 1, "half of a surrogate pair in a string"),
	BAD("\"\\udc00\\ud800\"", 1, "half of a surrogate pair in a string"),
	BAD("\"\x80\"", 1, "a string is not UTF-8"),
	BAD("\"\xff\"", 1, "a string is not UTF-8"),
	BAD("\"\xc0\x80\"", 1, "a string is not UTF-8"),
	BAD("\"\xc1\xbf\"", 1, "a string is not UTF-8"),
	BAD("\"\xc3\"", 1, "a string is not UTF-8"),
	BAD("\"12345678\xc3(\"", 9, "a string is not UTF-8"),
	BAD("\"\xe0\x9f\xbf\"", 1, "a string is not UTF-8"),
	BAD("\"\xe2\x82\"", 1, "a string is not UTF-8"),
	BAD("\"\xed\xa0\x80\"", 1, "a string is not UTF-8"),
	BAD("\"\xed\xbf\xbf\"", 1, "a string is not UTF-8"),
	BAD("\"\xf0\x8f\xbf\xbf\"", 1, "a string is not UTF-8"),
	BAD("\"\xf0\x9f\x98\"", 1, "a string is not UTF-8"),
	BAD("\"\xf4\x90\x80\x80\"", 1, "a string is not UTF-8"),
	BAD("\"\xf5\x80\x80\x80\"", 1, "a string is not UTF-8"),
	BAD("\"\\n\xe9\"", 3, "a string is not UTF-8"),
	BAD("{\"\xe9\":1}", 2, "a string is not UTF-8"),
	BAD("[[[[[[]]]]]]", 5, "nesting deeper than 5 levels"),
	BAD("[[[[[{", 5, "nesting deeper than 5 levels"),
	BAD("{\"a\":{\"a\":[{\"a\":{\"a\":{}}}]}}", 21, "nesting deeper than 5 levels"),
#undef BAD
};

static void test_good(void **state)
{
	(void)state;
	struct arena arena;
	struct buf events;
	struct error error;
	arena_init(&arena, 4096);
	buf_init(&events, 10000);
	for (size_t i = 0; i < sizeof(good_rows) / sizeof(good_rows[0]); i++) {
		const struct good_row *row = &good_rows[i];
		if (!read_events(row->text, DEPTH, &arena, &events, &error)) {
			fail_msg("row of line %d: %s at %zu", row->line, error.message, error.at);
		}
		if (!str_equal(buf_str(&events), row->events)) {
			fail_msg("row of line %d: %.*s", row->line, STR_ARG(buf_str(&events)));
		}
		buf_clear(&events);
		arena_reset(&arena);
	}
	buf_finish(&events);
	arena_finish(&arena);
}

static void test_bad(void **state)
{
	(void)state;
	struct arena arena;
	struct buf events;
	struct error error;
	arena_init(&arena, 4096);
	buf_init(&events, 10000);
	for (size_t i = 0; i < sizeof(bad_rows) / sizeof(bad_rows[0]); i++) {
		const struct bad_row *row = &bad_rows[i];
		if (read_events(row->text, DEPTH, &arena, &events, &error)) {
			fail_msg("row of line %d: accepted", row->line);
		}
		if (error.at != row->at || strcmp(error.message, row->message) != 0) {
			fail_msg("row of line %d: %s at %zu", row->line, error.message, error.at);
		}
		buf_clear(&events);
		arena_reset(&arena);
	}
	buf_finish(&events);
	arena_finish(&arena);
}

/* Copies of exactly the text's size, so that AddressSanitizer sees any byte read behind the end. */
static void test_every_prefix(void **state)
{
	(void)state;
	struct arena arena;
	struct buf events;
	struct error error;
	arena_init(&arena, 4096);
	buf_init(&events, 10000);
	struct str text = STR(
		"{\"a\\u00e4\\ud83d\\ude00\":[-1.5e+10,true,false,null,\"\xe2\x82\xac\"]}");
	for (size_t len = 0; len < text.len; len++) {
		char *copy = malloc(len + (len == 0));
		assert_non_null(copy);
		memcpy(copy, text.ptr, len);
		assert_false(read_events((struct str){copy, len}, 64, &arena, &events, &error));
		free(copy);
	}
	assert_true(read_events(text, 64, &arena, &events, &error));
	buf_finish(&events);
	arena_finish(&arena);
}

static void test_borrowed_texts(void **state)
{
	(void)state;
	struct arena arena;
	struct json_reader reader;
	struct str text = STR("[\"plain\", \"esc\\n\", 12]");
	arena_init(&arena, 1024);
	json_reader_init(&reader, text, 1, &arena);
	assert_int_equal(json_next(&reader), JSON_ARRAY);
	assert_int_equal(json_next(&reader), JSON_STRING);
	assert_ptr_equal(reader.text.ptr, text.ptr + 2);
	assert_int_equal(reader.event_at, 1);
	assert_int_equal(json_next(&reader), JSON_STRING);
	assert_false(reader.text.ptr >= text.ptr && reader.text.ptr < text.ptr + text.len);
	assert_int_equal(reader.event_at, 10);
	assert_int_equal(json_next(&reader), JSON_NUMBER);
	assert_ptr_equal(reader.text.ptr, text.ptr + 19);
	arena_finish(&arena);
}

static void test_skip(void **state)
{
	static const char *const wanted[] = {
		"1", "\"x\\n\"", "[ 1, [2], {\"a\": []} ]", "{\"a\": {}}", "null", "[]",
	};
	(void)state;
	struct arena arena;
	struct json_reader reader;
	struct str raw;
	arena_init(&arena, 1024);
	json_reader_init(&reader, STR("[1 , \"x\\n\",[ 1, [2], {\"a\": []} ],{\"a\": {}} ,null,[]]"), 8,
					 &arena);
	assert_int_equal(json_next(&reader), JSON_ARRAY);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		assert_true(json_skip(&reader, json_next(&reader), &raw));
		assert_true(str_equal(raw, str_from(wanted[i])));
	}
	assert_int_equal(json_next(&reader), JSON_ARRAY_END);
	assert_int_equal(json_next(&reader), JSON_END);

	json_reader_init(&reader, STR("[[1, 2, [}]]"), 8, &arena);
	assert_int_equal(json_next(&reader), JSON_ARRAY);
	assert_false(json_skip(&reader, json_next(&reader), &raw));
	assert_int_equal(reader.error.at, 9);
	assert_false(json_skip(&reader, JSON_ERROR, &raw));
	arena_finish(&arena);
}

/* Depth at the limit and one above, for limits large and small. */
static void test_depth(void **state)
{
	(void)state;
	struct arena arena;
	struct buf events;
	struct error error;
	char text[1100];
	arena_init(&arena, 4096);
	buf_init(&events, 10000);
	for (size_t depth = 0; depth <= 512; depth += depth < 20 ? 1 : 82) {
		for (size_t above = 0; above < 2; above++) {
			size_t levels = depth + above;
			memset(text, '[', levels);
			memset(text + levels, ']', levels);
			bool good = read_events((struct str){text, 2 * levels}, depth, &arena, &events, &error);
			assert_int_equal(good, above == 0 && depth > 0);
			buf_clear(&events);
		}
		arena_reset(&arena);
	}
	buf_finish(&events);
	arena_finish(&arena);
}

/* Objects of every size, alone and behind larger ones, with and without a repeated key. */
static void test_many_keys(void **state)
{
	(void)state;
	struct arena arena;
	struct buf text;
	struct buf events;
	struct error error;
	arena_init(&arena, 65536);
	buf_init(&text, 1 << 20);
	buf_init(&events, 1 << 20);
	for (int count = 1; count < 300; count += count < 40 ? 1 : 37) {
		for (int twice = -1; twice < count; twice += 1 + count / 20) {
			buf_append(&text, STR("[{"));
			for (int i = 0; i < 500; i++) {
				buf_printf(&text, "%s\"key%d\":0", i == 0 ? "" : ",", i);
			}
			buf_append(&text, STR("},{"));
			for (int i = 0; i < count; i++) {
				buf_printf(&text, "\"key%d\":0,", i);
			}
			buf_printf(&text, "\"key%d\":1}]", twice < 0 ? count : twice);
			assert_int_equal(read_events(buf_str(&text), 2, &arena, &events, &error), twice < 0);
			buf_clear(&text);
			buf_clear(&events);
			arena_reset(&arena);
		}
	}
	buf_finish(&events);
	buf_finish(&text);
	arena_finish(&arena);
}

/* Many small objects take no more memory than one. */
static void test_levels_are_reused(void **state)
{
	(void)state;
	struct arena arena;
	struct buf text;
	struct json_reader reader;
	arena_init(&arena, 65536);
	buf_init(&text, 1 << 20);
	buf_append_byte(&text, '[');
	for (int i = 0; i < 10000; i++) {
		buf_printf(&text, "%s{\"id\":%d,\"name\":\"x\",\"tags\":[1,{\"a\":2}]}", i == 0 ? "" : ",",
				   i);
	}
	buf_append_byte(&text, ']');
	json_reader_init(&reader, buf_str(&text), 8, &arena);
	assert_int_equal(json_next(&reader), JSON_ARRAY);
	for (int i = 0; i < 10000; i++) {
		struct str raw;
		assert_true(json_skip(&reader, json_next(&reader), &raw));
	}
	assert_int_equal(json_next(&reader), JSON_ARRAY_END);
	assert_int_equal(json_next(&reader), JSON_END);
	/* The first block, of which little is used. */
	assert_true(arena.end - arena.next > 60000);
	buf_finish(&text);
	arena_finish(&arena);
}

/* ---- jansson as the oracle ---- */

static void assert_same_value(struct json_reader *reader, enum json_event event, const json_t *want)
{
	double number;
	switch (event) {
	case JSON_OBJECT: {
		size_t count = 0;
		assert_int_equal(json_typeof(want), JANSSON_OBJECT);
		while ((event = json_next(reader)) == JSON_KEY) {
			json_t *value = json_object_getn(want, reader->text.ptr, reader->text.len);
			assert_non_null(value);
			assert_same_value(reader, json_next(reader), value);
			count++;
		}
		assert_int_equal(event, JSON_OBJECT_END);
		assert_int_equal(count, json_object_size(want));
		break;
	}
	case JSON_ARRAY: {
		size_t count = 0;
		assert_int_equal(json_typeof(want), JANSSON_ARRAY);
		while ((event = json_next(reader)) != JSON_ARRAY_END) {
			assert_same_value(reader, event, json_array_get(want, count++));
		}
		assert_int_equal(count, json_array_size(want));
		break;
	}
	case JSON_STRING:
		assert_int_equal(json_typeof(want), JANSSON_STRING);
		assert_true(str_equal(reader->text,
							  (struct str){json_string_value(want), json_string_length(want)}));
		break;
	case JSON_NUMBER:
		assert_true(json_is_number(want));
		assert_int_equal(number_parse_double(reader->text, &number), NUMBER_OK);
		assert_true(number == json_number_value(want));
		break;
	case JSON_TRUE:
		assert_int_equal(json_typeof(want), JANSSON_TRUE);
		break;
	case JSON_FALSE:
		assert_int_equal(json_typeof(want), JANSSON_FALSE);
		break;
	case JSON_NULL:
		assert_int_equal(json_typeof(want), JANSSON_NULL);
		break;
	case JSON_OBJECT_END:
	case JSON_ARRAY_END:
	case JSON_KEY:
	case JSON_END:
	case JSON_ERROR:
		fail_msg("no value: event %d", (int)event);
	}
}

/* What jansson alone refuses: numbers that fit no C type, and NUL in keys. */
static bool is_known_difference(const json_error_t *error)
{
	return json_error_code(error) == json_error_numeric_overflow ||
		json_error_code(error) == json_error_null_byte_in_key ||
		/* A real of more than 99 characters or so is an overflow without a code of its own. */
		strstr(error->text, "overflow") != NULL || strstr(error->text, "too big") != NULL;
}

static void assert_agrees(struct str text, struct arena *arena, struct buf *events)
{
	static const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL;
	json_error_t jansson_error;
	struct error error = {.code = ERROR_NONE};
	json_t *want = json_loadb(text.ptr, text.len, flags, &jansson_error);
	bool good = read_events(text, 4096, arena, events, &error);
	/* Jansson alone takes a NUL between tokens for the end of the text. */
	bool nul = want != NULL && strstr(error.message, "unexpected byte 0x00") != NULL;
	if (good != (want != NULL) && !nul && !(good && is_known_difference(&jansson_error))) {
		fail_msg("%s, jansson: %s\n%.*s", good ? "accepted" : error.message,
				 want != NULL ? "accepted" : jansson_error.text, STR_ARG(text));
	}
	if (good && want != NULL) {
		struct json_reader reader;
		json_reader_init(&reader, text, 4096, arena);
		assert_same_value(&reader, json_next(&reader), want);
		assert_int_equal(json_next(&reader), JSON_END);
	}
	json_decref(want);
	buf_clear(events);
	arena_reset(arena);
}

static uint32_t draw(uint64_t *random, uint32_t below)
{
	*random = *random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*random >> 33) % below;
}

static void write_random_value(struct buf *buf, uint64_t *random, int depth)
{
	static const char *const atoms[] = {
		"0",
		"-1",
		"2.50",
		"1e3",
		"-0.0",
		"12345678901",
		"true",
		"false",
		"null",
		"\"\"",
		"\"text\"",
		"\"\\u00e4\\n\"",
		"\"\xe2\x82\xac \\ud83d\\ude00\"",
		"\"a longer plain text\"",
		" [ ] ",
		"{}",
	};
	uint32_t kind = depth == 0 ? 0 : draw(random, 4);
	uint32_t count = draw(random, 12);
	if (kind < 2) {
		buf_append(buf, str_from(atoms[draw(random, sizeof(atoms) / sizeof(atoms[0]))]));
		return;
	}
	buf_append_byte(buf, kind == 2 ? '[' : '{');
	for (uint32_t i = 0; i < count; i++) {
		if (i > 0) {
			buf_append(buf, draw(random, 3) == 0 ? STR(" ,\n") : STR(","));
		}
		if (kind == 3) {
			/* Rarely a key that stood already. */
			buf_printf(buf, "\"k%u\":", draw(random, 60) == 0 ? 0 : i);
		}
		write_random_value(buf, random, depth - 1);
	}
	buf_append_byte(buf, kind == 2 ? ']' : '}');
}

static void mutate(struct buf *buf, uint64_t *random)
{
	static const char bytes[] = "[]{},:\"\\u0d8e-+.\n\t /ntf\x80\xc3\xe2\xff\0";
	for (uint32_t i = draw(random, 4); i > 0 && buf->len > 0; i--) {
		size_t at = draw(random, (uint32_t)buf->len);
		char byte = bytes[draw(random, sizeof(bytes))];
		switch (draw(random, 4)) {
		case 0:
			buf->ptr[at] = byte;
			break;
		case 1:
			memmove(buf->ptr + at, buf->ptr + at + 1, buf->len - at - 1);
			buf->len--;
			break;
		case 2:
			buf_append_byte(buf, '\0');
			memmove(buf->ptr + at + 1, buf->ptr + at, buf->len - at - 1);
			buf->ptr[at] = byte;
			break;
		default:
			buf->len = at;
			break;
		}
	}
}

static void test_agrees_with_jansson(void **state)
{
	(void)state;
	enum { TEXTS = 20000 };
	struct arena arena;
	struct buf text;
	struct buf events;
	const char *chosen = getenv("SEED");
	uint64_t random = chosen == NULL ? 20240601 : strtoull(chosen, NULL, 10);
	print_message("SEED=%llu\n", (unsigned long long)random);
	arena_init(&arena, 65536);
	buf_init(&text, 1 << 20);
	buf_init(&events, 1 << 20);
	for (size_t i = 0; i < sizeof(good_rows) / sizeof(good_rows[0]); i++) {
		assert_agrees(good_rows[i].text, &arena, &events);
	}
	for (size_t i = 0; i < sizeof(bad_rows) / sizeof(bad_rows[0]); i++) {
		if (strncmp(bad_rows[i].message, "nesting", 7) != 0) {
			assert_agrees(bad_rows[i].text, &arena, &events);
		}
	}
	for (int i = 0; i < TEXTS; i++) {
		buf_clear(&text);
		write_random_value(&text, &random, (int)draw(&random, 4));
		mutate(&text, &random);
		assert_agrees(buf_str(&text), &arena, &events);
	}
	buf_finish(&events);
	buf_finish(&text);
	arena_finish(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_every_prefix),
		cmocka_unit_test(test_borrowed_texts),
		cmocka_unit_test(test_skip),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_many_keys),
		cmocka_unit_test(test_levels_are_reused),
		cmocka_unit_test(test_agrees_with_jansson),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
