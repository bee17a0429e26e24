#include "store/term.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/like.h"
#include "codec/regex.h"
#include "codec/words.h"
#include "query/fetch.h"

#define L __LINE__

static const struct field integer = {.type = TYPE_INTEGER};
static const struct field number = {.type = TYPE_NUMBER};
static const struct field boolean = {.type = TYPE_BOOLEAN};
static const struct field decimal = {.type = TYPE_DECIMAL, .precision = 10, .scale = 2};
static const struct field tenths = {.type = TYPE_DECIMAL, .precision = 18, .scale = 1};
static const struct field text = {.type = TYPE_TEXT};
static const struct field uuid = {.type = TYPE_UUID};
static const struct field json = {.type = TYPE_JSON};
static const struct field date = {.type = TYPE_DATE};
static const struct field clock_time = {.type = TYPE_TIME};
static const struct field datetime = {.type = TYPE_DATETIME};

#define NONE                                                                                       \
	{                                                                                              \
		.kind = VALUE_NULL                                                                         \
	}
#define INT(n)                                                                                     \
	{                                                                                              \
		.kind = VALUE_INTEGER, .integer = (n)                                                      \
	}
#define NUM(n)                                                                                     \
	{                                                                                              \
		.kind = VALUE_NUMBER, .number = (n)                                                        \
	}
#define TEXT(t)                                                                                    \
	{                                                                                              \
		.kind = VALUE_TEXT, .text = STR_INIT(t)                                                    \
	}

#define UUID "6b1f2d3c-0000-4000-8000-00000000000a"
#define UPPER_UUID "6B1F2D3C-0000-4000-8000-00000000000A"
#define TEN "0123456789"

/* `want`: the kind's letter and the value as text, or the error's code and message. */
static const struct cast_row {
	int line;
	const struct field *from;
	const struct field *to;
	struct value value;
	const char *want;
} casts[] = {
	{L, &text, &integer, NONE, "null"},
	{L, &json, &text, NONE, "null"},
	/* To text. */
	{L, &text, &text, TEXT("a"), "t a"},
	{L, &integer, &text, INT(-7), "t -7"},
	{L, &number, &text, NUM(0.1), "t 0.1"},
	{L, &boolean, &text, INT(1), "t true"},
	{L, &boolean, &text, INT(0), "t false"},
	{L, &decimal, &text, INT(150), "t 1.5"},
	{L, &uuid, &text, TEXT(UUID), "t " UUID},
	{L, &json, &text, TEXT("{\"a\":\"b\"}"), "t {\"a\":\"b\"}"},
	{L, &text, &text, INT(5), "t 5"},
	/* To integer. */
	{L, &integer, &integer, INT(5), "i 5"},
	{L, &boolean, &integer, INT(1), "i 1"},
	{L, &text, &integer, TEXT(" +007\t"), "i 7"},
	{L, &text, &integer, TEXT("-0"), "i 0"},
	{L, &text, &integer, TEXT("9223372036854775807"), "i 9223372036854775807"},
	{L, &text, &integer, TEXT("-9223372036854775808"), "i -9223372036854775808"},
	{L, &text, &integer, TEXT("9223372036854775808"),
	 "22003 value \"9223372036854775808\" is out of range for type integer"},
	{L, &text, &integer, TEXT("-9223372036854775809"),
	 "22003 value \"-9223372036854775809\" is out of range for type integer"},
	{L, &text, &integer, TEXT("x"), "22P02 invalid input syntax for type integer: \"x\""},
	{L, &text, &integer, TEXT(""), "22P02 invalid input syntax for type integer: \"\""},
	{L, &text, &integer, TEXT("-"), "22P02 invalid input syntax for type integer: \"-\""},
	{L, &text, &integer, TEXT("1.5"), "22P02 invalid input syntax for type integer: \"1.5\""},
	{L, &text, &integer, TEXT("99999999999999999999x"),
	 "22P02 invalid input syntax for type integer: \"99999999999999999999x\""},
	{L, &text, &integer, TEXT(TEN TEN TEN TEN TEN TEN "012\xC3\xA9"),
	 "22P02 invalid input syntax for type integer: \"" TEN TEN TEN TEN TEN TEN "012...\""},
	{L, &number, &integer, NUM(0.5), "i 0"},
	{L, &number, &integer, NUM(1.5), "i 2"},
	{L, &number, &integer, NUM(2.5), "i 2"},
	{L, &number, &integer, NUM(-2.5), "i -2"},
	{L, &number, &integer, NUM(9223372036854774784.0), "i 9223372036854774784"},
	{L, &number, &integer, NUM(-0x1p63), "i -9223372036854775808"},
	{L, &number, &integer, NUM(0x1p63),
	 "22003 value \"9.223372036854776e+18\" is out of range for type integer"},
	{L, &number, &integer, NUM(1e300), "22003 value \"1e+300\" is out of range for type integer"},
	{L, &decimal, &integer, INT(149), "i 1"},
	{L, &decimal, &integer, INT(150), "i 2"},
	{L, &decimal, &integer, INT(-149), "i -1"},
	{L, &decimal, &integer, INT(-150), "i -2"},
	{L, &tenths, &integer, INT(INT64_MAX), "i 922337203685477581"},
	{L, &json, &integer, TEXT("5"), "i 5"},
	{L, &json, &integer, TEXT("\"5\""), "22P02 invalid input syntax for type integer: \"\"5\"\""},
	/* To number. */
	{L, &number, &number, NUM(0.5), "n 0.5"},
	{L, &integer, &number, INT(7), "n 7"},
	{L, &boolean, &number, INT(1), "n 1"},
	{L, &decimal, &number, INT(10), "n 0.1"},
	{L, &text, &number, TEXT(" 1e3"), "n 1000"},
	{L, &text, &number, TEXT("+1"), "n 1"},
	{L, &text, &number, TEXT("1e999"), "22003 value \"1e999\" is out of range for type number"},
	{L, &text, &number, TEXT("one"), "22P02 invalid input syntax for type number: \"one\""},
	/* To boolean. */
	{L, &text, &boolean, TEXT("true"), "i 1"},
	{L, &text, &boolean, TEXT("T"), "i 1"},
	{L, &text, &boolean, TEXT("yes"), "i 1"},
	{L, &text, &boolean, TEXT("on"), "i 1"},
	{L, &text, &boolean, TEXT("1"), "i 1"},
	{L, &text, &boolean, TEXT(" fal "), "i 0"},
	{L, &text, &boolean, TEXT("no"), "i 0"},
	{L, &text, &boolean, TEXT("of"), "i 0"},
	{L, &text, &boolean, TEXT("0"), "i 0"},
	{L, &text, &boolean, TEXT("o"), "22P02 invalid input syntax for type boolean: \"o\""},
	{L, &text, &boolean, TEXT(""), "22P02 invalid input syntax for type boolean: \"\""},
	{L, &text, &boolean, TEXT("truely"), "22P02 invalid input syntax for type boolean: \"truely\""},
	{L, &integer, &boolean, INT(-3), "i 1"},
	{L, &integer, &boolean, INT(0), "i 0"},
	{L, &number, &boolean, NUM(0), "i 0"},
	{L, &number, &boolean, NUM(0.5), "i 1"},
	{L, &json, &boolean, TEXT("false"), "i 0"},
	/* To decimal. */
	{L, &decimal, &decimal, INT(150), "i 150"},
	{L, &tenths, &decimal, INT(15), "i 150"},
	{L, &decimal, &tenths, INT(150), "i 15"},
	{L, &decimal, &tenths, INT(151), "22003 value \"1.51\" is out of range for type decimal"},
	{L, &integer, &decimal, INT(3), "i 300"},
	{L, &integer, &decimal, INT(99999999), "i 9999999900"},
	{L, &integer, &decimal, INT(100000000),
	 "22003 value \"100000000\" is out of range for type decimal"},
	{L, &text, &decimal, TEXT(" 1.25 "), "i 125"},
	{L, &text, &decimal, TEXT("1.255"), "22003 value \"1.255\" is out of range for type decimal"},
	{L, &text, &decimal, TEXT("a"), "22P02 invalid input syntax for type decimal: \"a\""},
	/* To uuid. */
	{L, &text, &uuid, TEXT(UPPER_UUID), "t " UUID},
	{L, &text, &uuid, TEXT("6b"), "22P02 invalid input syntax for type uuid: \"6b\""},
	{L, &integer, &uuid, INT(6), "22P02 invalid input syntax for type uuid: \"6\""},
	/* To json. */
	{L, &json, &json, TEXT("{\"a\":1}"), "t {\"a\":1}"},
	{L, &text, &json, TEXT(" { \"a\" : [1, null] } "), "t {\"a\":[1,null]}"},
	{L, &text, &json, TEXT("{a}"), "22P02 invalid input syntax for type json: \"{a}\""},
	{L, &text, &json, TEXT(""), "22P02 invalid input syntax for type json: \"\""},
	{L, &integer, &json, INT(5), "t 5"},
	{L, &boolean, &json, INT(1), "t true"},
	{L, &decimal, &json, INT(150), "t 1.5"},
	{L, &uuid, &json, TEXT(UUID), "t \"" UUID "\""},
	/* To and from dates. */
	{L, &date, &text, INT(0), "t 1970-01-01"},
	{L, &clock_time, &text, INT(1500000), "t 00:00:01.5"},
	{L, &datetime, &text, INT(1500000), "t 1970-01-01T00:00:01.5+00:00"},
	{L, &date, &json, INT(0), "t \"1970-01-01\""},
	{L, &datetime, &json, INT(0), "t \"1970-01-01T00:00:00+00:00\""},
	{L, &text, &date, TEXT(" 1970-01-02\t"), "i 1"},
	{L, &text, &clock_time, TEXT("00:00:01"), "i 1000000"},
	{L, &text, &datetime, TEXT("1970-01-01T01:00:00+01:00"), "i 0"},
	{L, &text, &datetime, TEXT("1970-01-02"), "i 86400000000"},
	{L, &text, &date, TEXT("soon"), "22P02 invalid input syntax for type date: \"soon\""},
	{L, &text, &date, TEXT("1970-01-01T00:00:00Z"),
	 "22P02 invalid input syntax for type date: \"1970-01-01T00:00:00Z\""},
	{L, &text, &datetime, TEXT("0001-01-01T00:00:00+01:00"),
	 "22003 value \"0001-01-01T00:00:00+01:00\" is out of range for type timestamp with time zone"},
	{L, &datetime, &date, INT(86399999999), "i 0"},
	{L, &datetime, &date, INT(86400000000), "i 1"},
	{L, &datetime, &date, INT(-1), "i -1"},
	{L, &datetime, &date, INT(-86400000000), "i -1"},
	{L, &datetime, &date, INT(-86400000001), "i -2"},
	{L, &datetime, &clock_time, INT(86400000001), "i 1"},
	{L, &datetime, &clock_time, INT(-1), "i 86399999999"},
	{L, &date, &datetime, INT(-1), "i -86400000000"},
	{L, &date, &date, INT(3), "i 3"},
	{L, &date, &fetch_http_date, INT(18628), "t Fri, 01 Jan 2021 00:00:00 GMT"},
	{L, &datetime, &fetch_http_date, INT(1609459199999999), "t Thu, 31 Dec 2020 23:59:59 GMT"},
	{L, &date, &fetch_http_date, NONE, "null"},
	/* What others wrote. */
	{L, &date, &text, INT(2932897), "t 2932897"},
	{L, &date, &date, TEXT("soon"), "22P02 invalid input syntax for type date: \"soon\""},
	{L, &date, &date, NUM(0.5), "22P02 invalid input syntax for type date: \"0.5\""},
	{L, &date, &datetime, INT(INT64_MAX),
	 "22003 value \"9223372036854775807\" is out of range for type timestamp with time zone"},
	{L, &date, &fetch_http_date, INT(INT64_MAX),
	 "22003 value \"9223372036854775807\" is out of range for type timestamp with time zone"},
	{L, &datetime, &fetch_http_date, INT(INT64_MIN),
	 "22003 value \"-9223372036854775808\" is out of range for type text"},
	{L, &date, &fetch_http_date, TEXT("soon"), "t soon"},
	/* What an existing table holds in a column of another type. */
	{L, &integer, &text, TEXT("x"), "t x"},
	{L, &integer, &number, TEXT("x"), "22P02 invalid input syntax for type number: \"x\""},
	{L, &integer, &integer, TEXT("12"), "i 12"},
	{L, &text, &integer, NUM(2.5), "i 2"},
	{L, &boolean, &boolean, INT(5), "i 1"},
};

static void describe(const struct value *value, struct buf *got)
{
	static const char *const kinds[] = {
		[VALUE_NULL] = "null", [VALUE_INTEGER] = "i ", [VALUE_NUMBER] = "n ", [VALUE_TEXT] = "t "};
	buf_append(got, str_from(kinds[value->kind]));
	value_write_text(got, value->kind == VALUE_NUMBER ? &number : &integer, value);
}

static void test_casts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(casts) / sizeof(casts[0]); i++) {
		const struct cast_row *row = &casts[i];
		struct buf scratch;
		struct buf got;
		struct value value;
		struct error error;
		buf_init(&scratch, 4096);
		buf_init(&got, 4096);
		if (term_cast(row->from, row->to, &row->value, &scratch, &value, &error)) {
			describe(&value, &got);
		} else {
			buf_printf(&got, "%s %s", error_info(error.code)->wire, error.message);
		}
		if (!str_equal(buf_str(&got), str_from(row->want))) {
			fail_msg("line %d: %.*s", row->line, STR_ARG(buf_str(&got)));
		}
		buf_finish(&scratch);
		buf_finish(&got);
	}
}

static void test_paths(void **state)
{
	(void)state;
	static const struct json_step steps[] = {
		{.key = STR_INIT("a")}, {.is_position = true, .position = -1, .key = STR_INIT("-1")}};
	static const struct {
		int line;
		size_t count;
		bool as_text;
		struct value json;
		const char *want;
	} rows[] = {
		{L, 1, false, NONE, "null"},
		{L, 1, false, INT(5), "null"},
		{L, 1, false, TEXT("{\"b\":1}"), "null"},
		{L, 1, false, TEXT("{\"a\": [1, \"x\"]}"), "t [1,\"x\"]"},
		{L, 1, false, TEXT("{\"a\":null}"), "t null"},
		{L, 1, true, TEXT("{\"a\":null}"), "null"},
		{L, 2, false, TEXT("{\"a\":[1,\"x\"]}"), "t \"x\""},
		{L, 2, true, TEXT("{\"a\":[1,\"x\"]}"), "t x"},
		{L, 2, true, TEXT("{\"a\":[1,true]}"), "t true"},
		{L, 2, true, TEXT("{\"a\":[]}"), "null"},
	};
	struct buf scratch;
	struct buf got;
	buf_init(&scratch, 4096);
	buf_init(&got, 4096);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct json_path path = {steps, rows[i].count, rows[i].as_text};
		struct value value = term_path(&path, &rows[i].json, &scratch);
		buf_clear(&got);
		describe(&value, &got);
		if (!str_equal(buf_str(&got), str_from(rows[i].want))) {
			fail_msg("line %d: %.*s", rows[i].line, STR_ARG(buf_str(&got)));
		}
	}
	buf_finish(&scratch);
	buf_finish(&got);
}

static const void *compile(enum operator_name op, const char *pattern, struct arena *arena)
{
	struct error error;
	const struct words_node *node = NULL;
	struct str given = str_from(pattern);
	switch ((int)op) {
	case OPERATOR_LIKE:
	case OPERATOR_ILIKE:
		return like_create(given, op == OPERATOR_ILIKE, arena);
	case OPERATOR_MATCH:
	case OPERATOR_IMATCH:
		return regex_compile(given, op == OPERATOR_IMATCH, arena, &error);
	default:
		assert_true(words_parse(WORDS_PHRASED, given, arena, &node, &error));
		return &node->phrase;
	}
}

static void test_operators(void **state)
{
	(void)state;
	static const struct {
		int line;
		enum operator_name op;
		const char *pattern;
		struct value value;
		enum truth want;
	} rows[] = {
		{L, OPERATOR_LIKE, "%", NONE, MAY_BE},
		{L, OPERATOR_FTS, "cat", NONE, MAY_BE},
		{L, OPERATOR_LIKE, "a%", TEXT("ab"), IS_SO},
		{L, OPERATOR_LIKE, "a%", TEXT("Ab"), IS_NOT},
		{L, OPERATOR_ILIKE, "a%", TEXT("Ab"), IS_SO},
		{L, OPERATOR_MATCH, "^a.$", TEXT("ab"), IS_SO},
		{L, OPERATOR_MATCH, "^a.$", TEXT("Ab"), IS_NOT},
		{L, OPERATOR_IMATCH, "^a.$", TEXT("Ab"), IS_SO},
		{L, OPERATOR_FTS, "fat cat", TEXT("The Fat Cat"), IS_SO},
		{L, OPERATOR_FTS, "cat fat", TEXT("The Fat Cat"), IS_NOT},
		/* Numbers in a column of texts. */
		{L, OPERATOR_LIKE, "1_", INT(12), IS_SO},
		{L, OPERATOR_MATCH, "[.]", NUM(0.5), IS_SO},
	};
	struct arena arena;
	arena_init(&arena, 4096);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct error error;
		enum truth truth;
		const void *compiled = compile(rows[i].op, rows[i].pattern, &arena);
		assert_true(term_matches(rows[i].op, &rows[i].value, compiled, &truth, &error));
		if (truth != rows[i].want) {
			fail_msg("line %d: %d", rows[i].line, (int)truth);
		}
	}
	arena_finish(&arena);
}

static void test_a_match_that_costs_too_much(void **state)
{
	(void)state;
	struct arena arena;
	struct error error;
	enum truth truth;
	const struct value value = TEXT("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab");
	arena_init(&arena, 4096);
	const void *regex = compile(OPERATOR_MATCH, "^(a|a)*(a|a)*$", &arena);
	assert_non_null(regex);
	assert_false(term_matches(OPERATOR_MATCH, &value, regex, &truth, &error));
	assert_int_equal(error.code, ERROR_REGEX);
	arena_finish(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_casts),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_operators),
		cmocka_unit_test(test_a_match_that_costs_too_much),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
