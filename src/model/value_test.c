#include "model/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "codec/json.h"
#include "codec/zone.h"
#include "model/model.h"

static const struct field fields[] = {
	[TYPE_INTEGER] = {.name = STR_INIT("n"), .type = TYPE_INTEGER},
	[TYPE_NUMBER] = {.name = STR_INIT("x"), .type = TYPE_NUMBER},
	[TYPE_DECIMAL] = {.name = STR_INIT("d"), .type = TYPE_DECIMAL, .precision = 5, .scale = 2},
	[TYPE_TEXT] = {.name = STR_INIT("t"), .type = TYPE_TEXT},
	[TYPE_BOOLEAN] = {.name = STR_INIT("b"), .type = TYPE_BOOLEAN},
	[TYPE_UUID] = {.name = STR_INIT("u"), .type = TYPE_UUID},
	[TYPE_DATE] = {.name = STR_INIT("day"), .type = TYPE_DATE},
	[TYPE_TIME] = {.name = STR_INIT("time"), .type = TYPE_TIME},
	[TYPE_DATETIME] = {.name = STR_INIT("at"), .type = TYPE_DATETIME},
	[TYPE_JSON] = {.name = STR_INIT("j"), .type = TYPE_JSON},
};

/* What a value is as JSON, or `CODE message` of the error. */
static char *outcome(bool good, const struct field *field, const struct value *value,
					 const struct error *error)
{
	struct buf buf;

	buf_init(&buf, SIZE_MAX);
	if (good) {
		value_write_json(&buf, field, value);
	} else {
		buf_printf(&buf, "%s %s", error_info(error->code)->wire, error->message);
	}
	buf_append_byte(&buf, '\0');
	return buf.ptr;
}

#define SYNTAX(name, type, text)                                                                   \
	"22P02 field \"" name "\": invalid input syntax for type " type ": \"" text "\""
#define RANGE(name, type, text)                                                                    \
	"22003 field \"" name "\": value \"" text "\" is out of range for type " type
#define DIGITS "0123456789012345678901234567890123456789012345678901234567890123456789"
#define UMLAUTS "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"

static const struct text_row {
	int line;
	enum type type;
	struct str text;
	const char *want;
} text_rows[] = {
	{__LINE__, TYPE_INTEGER, STR_INIT("0"), "0"},
	{__LINE__, TYPE_INTEGER, STR_INIT("-7"), "-7"},
	{__LINE__, TYPE_INTEGER, STR_INIT("9223372036854775807"), "9223372036854775807"},
	{__LINE__, TYPE_INTEGER, STR_INIT("-9223372036854775808"), "-9223372036854775808"},
	{__LINE__, TYPE_INTEGER, STR_INIT("9223372036854775808"),
	 RANGE("n", "integer", "9223372036854775808")},
	{__LINE__, TYPE_INTEGER, STR_INIT(""), SYNTAX("n", "integer", "")},
	{__LINE__, TYPE_INTEGER, STR_INIT("05"), SYNTAX("n", "integer", "05")},
	{__LINE__, TYPE_INTEGER, STR_INIT("+5"), SYNTAX("n", "integer", "+5")},
	{__LINE__, TYPE_INTEGER, STR_INIT("-0"), SYNTAX("n", "integer", "-0")},
	{__LINE__, TYPE_INTEGER, STR_INIT("1.0"), SYNTAX("n", "integer", "1.0")},
	{__LINE__, TYPE_INTEGER, STR_INIT("1e2"), SYNTAX("n", "integer", "1e2")},
	{__LINE__, TYPE_INTEGER, STR_INIT(" 1"), SYNTAX("n", "integer", " 1")},
	{__LINE__, TYPE_INTEGER, STR_INIT("x"), SYNTAX("n", "integer", "x")},
	{__LINE__, TYPE_INTEGER, STR_INIT("1\0"), SYNTAX("n", "integer", "1")},
	/* A long text is cut, between characters. */
	{__LINE__, TYPE_INTEGER, STR_INIT(DIGITS "x"),
	 SYNTAX("n", "integer", "0123456789012345678901234567890123456789012345678901234567890123...")},
	{__LINE__, TYPE_BOOLEAN, STR_INIT("x" UMLAUTS UMLAUTS UMLAUTS UMLAUTS),
	 SYNTAX("b", "boolean",
			"x" UMLAUTS UMLAUTS UMLAUTS
			"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4...")},
	{__LINE__, TYPE_NUMBER, STR_INIT("1"), "1"},
	{__LINE__, TYPE_NUMBER, STR_INIT("-0.5e1"), "-5"},
	{__LINE__, TYPE_NUMBER, STR_INIT("0.1"), "0.1"},
	{__LINE__, TYPE_NUMBER, STR_INIT("1e999"), RANGE("x", "number", "1e999")},
	{__LINE__, TYPE_NUMBER, STR_INIT("NaN"), SYNTAX("x", "number", "NaN")},
	{__LINE__, TYPE_NUMBER, STR_INIT("0x1"), SYNTAX("x", "number", "0x1")},
	{__LINE__, TYPE_NUMBER, STR_INIT(""), SYNTAX("x", "number", "")},
	{__LINE__, TYPE_DECIMAL, STR_INIT("1.5"), "1.5"},
	{__LINE__, TYPE_DECIMAL, STR_INIT("-999.99"), "-999.99"},
	{__LINE__, TYPE_DECIMAL, STR_INIT("1.500"), "1.5"},
	{__LINE__, TYPE_DECIMAL, STR_INIT("1.555"), RANGE("d", "decimal(5,2)", "1.555")},
	{__LINE__, TYPE_DECIMAL, STR_INIT("1000"), RANGE("d", "decimal(5,2)", "1000")},
	{__LINE__, TYPE_DECIMAL, STR_INIT("1e1"), SYNTAX("d", "decimal", "1e1")},
	{__LINE__, TYPE_DECIMAL, STR_INIT("a"), SYNTAX("d", "decimal", "a")},
	{__LINE__, TYPE_TEXT, STR_INIT(""), "\"\""},
	{__LINE__, TYPE_TEXT, STR_INIT("a\"\n\xc3\xa9"), "\"a\\\"\\n\xc3\xa9\""},
	{__LINE__, TYPE_TEXT, STR_INIT("null"), "\"null\""},
	{__LINE__, TYPE_TEXT, STR_INIT("a\0b"), "22P02 field \"t\": a text cannot hold \\u0000"},
	{__LINE__, TYPE_TEXT, STR_INIT("a\xff"), "22P02 field \"t\": the text is not UTF-8"},
	{__LINE__, TYPE_BOOLEAN, STR_INIT("true"), "true"},
	{__LINE__, TYPE_BOOLEAN, STR_INIT("false"), "false"},
	{__LINE__, TYPE_BOOLEAN, STR_INIT("t"), SYNTAX("b", "boolean", "t")},
	{__LINE__, TYPE_BOOLEAN, STR_INIT("1"), SYNTAX("b", "boolean", "1")},
	{__LINE__, TYPE_BOOLEAN, STR_INIT("True"), SYNTAX("b", "boolean", "True")},
	{__LINE__, TYPE_UUID, STR_INIT("0190F5A2-7c3e-7B1d-8000-0123456789aB"),
	 "\"0190f5a2-7c3e-7b1d-8000-0123456789ab\""},
	{__LINE__, TYPE_UUID, STR_INIT("0190f5a27c3e7b1d80000123456789ab"),
	 SYNTAX("u", "uuid", "0190f5a27c3e7b1d80000123456789ab")},
	{__LINE__, TYPE_UUID, STR_INIT(""), SYNTAX("u", "uuid", "")},
	{__LINE__, TYPE_DATE, STR_INIT("2014-03-08"), "\"2014-03-08\""},
	{__LINE__, TYPE_DATE, STR_INIT("0001-01-01"), "\"0001-01-01\""},
	{__LINE__, TYPE_DATE, STR_INIT("9999-12-31"), "\"9999-12-31\""},
	{__LINE__, TYPE_DATE, STR_INIT(""), SYNTAX("day", "date", "")},
	{__LINE__, TYPE_DATE, STR_INIT("2014-02-30"), SYNTAX("day", "date", "2014-02-30")},
	{__LINE__, TYPE_DATE, STR_INIT("08/03/2014"), SYNTAX("day", "date", "08/03/2014")},
	{__LINE__, TYPE_DATE, STR_INIT("2014-03-08T00:00:00"),
	 SYNTAX("day", "date", "2014-03-08T00:00:00")},
	{__LINE__, TYPE_DATE, STR_INIT("2014-03-08T00:00:00Z"),
	 SYNTAX("day", "date", "2014-03-08T00:00:00Z")},
	{__LINE__, TYPE_TIME, STR_INIT("15:04:05"), "\"15:04:05\""},
	{__LINE__, TYPE_TIME, STR_INIT("00:00:00.500"), "\"00:00:00.5\""},
	{__LINE__, TYPE_TIME, STR_INIT("23:59:59.999999"), "\"23:59:59.999999\""},
	{__LINE__, TYPE_TIME, STR_INIT("25:00:00"), SYNTAX("time", "time", "25:00:00")},
	{__LINE__, TYPE_TIME, STR_INIT("2014-03-08"), SYNTAX("time", "time", "2014-03-08")},
	{__LINE__, TYPE_DATETIME, STR_INIT("2014-03-08T15:00:00Z"), "\"2014-03-08T15:00:00+00:00\""},
	{__LINE__, TYPE_DATETIME, STR_INIT("2014-03-08T15:00:00"), "\"2014-03-08T15:00:00+00:00\""},
	{__LINE__, TYPE_DATETIME, STR_INIT("2014-03-08T15:00:00.25+02:30"),
	 "\"2014-03-08T12:30:00.25+00:00\""},
	{__LINE__, TYPE_DATETIME, STR_INIT("2014-03-08"), "\"2014-03-08T00:00:00+00:00\""},
	{__LINE__, TYPE_DATETIME, STR_INIT("0001-01-01T00:00:00Z"), "\"0001-01-01T00:00:00+00:00\""},
	{__LINE__, TYPE_DATETIME, STR_INIT("0001-01-01T00:00:00+00:01"),
	 RANGE("at", "timestamp with time zone", "0001-01-01T00:00:00+00:01")},
	{__LINE__, TYPE_DATETIME, STR_INIT("9999-12-31T23:59:59.999999-00:01"),
	 RANGE("at", "timestamp with time zone", "9999-12-31T23:59:59.999999-00:01")},
	{__LINE__, TYPE_DATETIME, STR_INIT("x"), SYNTAX("at", "timestamp with time zone", "x")},
	{__LINE__, TYPE_JSON, STR_INIT(" { \"a\" : [ 1 , null ] } "), "{\"a\":[1,null]}"},
	{__LINE__, TYPE_JSON, STR_INIT("1.50"), "1.50"},
	{__LINE__, TYPE_JSON, STR_INIT("\"x\""), "\"x\""},
	{__LINE__, TYPE_JSON, STR_INIT("null"), "null"},
	{__LINE__, TYPE_JSON, STR_INIT(""), SYNTAX("j", "json", "")},
	{__LINE__, TYPE_JSON, STR_INIT("{"), SYNTAX("j", "json", "{")},
	{__LINE__, TYPE_JSON, STR_INIT("[1] 2"), SYNTAX("j", "json", "[1] 2")},
	{__LINE__, TYPE_JSON, STR_INIT("[1,]"), SYNTAX("j", "json", "[1,]")},
	{__LINE__, TYPE_JSON, STR_INIT("x"), SYNTAX("j", "json", "x")},
};

static void test_from_text(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 1024);
	for (size_t i = 0; i < sizeof(text_rows) / sizeof(text_rows[0]); i++) {
		const struct text_row *row = &text_rows[i];
		const struct field *field = &fields[row->type];
		struct error error = {.code = ERROR_NONE};
		struct value value = {.kind = VALUE_NULL};
		bool good = value_from_text(field, row->text, &arena, &value, &error);
		char *got = outcome(good, field, &value, &error);

		if (strcmp(got, row->want) != 0) {
			fail_msg("row of line %d gives %s", row->line, got);
		}
		free(got);
	}
	arena_finish(&arena);
}

static const struct json_row {
	int line;
	enum type type;
	const char *json;
	const char *want;         /* of a route, which takes JSON types only */
	const char *want_as_text; /* of the general API; NULL: the same */
} json_rows[] = {
	{__LINE__, TYPE_INTEGER, "7", "7", NULL},
	{__LINE__, TYPE_INTEGER, " -0 ", "0", NULL},
	{__LINE__, TYPE_INTEGER, "1.0", SYNTAX("n", "integer", "1.0"), NULL},
	{__LINE__, TYPE_INTEGER, "1e2", SYNTAX("n", "integer", "1e2"), NULL},
	{__LINE__, TYPE_INTEGER, "9223372036854775808", RANGE("n", "integer", "9223372036854775808"),
	 NULL},
	{__LINE__, TYPE_INTEGER, "\"7\"", SYNTAX("n", "integer", "7"), "7"},
	{__LINE__, TYPE_INTEGER, "\"-0\"", SYNTAX("n", "integer", "-0"), NULL},
	{__LINE__, TYPE_INTEGER, "\"x\"", SYNTAX("n", "integer", "x"), NULL},
	{__LINE__, TYPE_INTEGER, "true", SYNTAX("n", "integer", "true"), NULL},
	{__LINE__, TYPE_INTEGER, "[1, 2]", SYNTAX("n", "integer", "[1, 2]"), NULL},
	{__LINE__, TYPE_INTEGER, "{\"a\":1}", SYNTAX("n", "integer", "{\"a\":1}"), NULL},
	{__LINE__, TYPE_INTEGER, "null", "null", NULL},
	{__LINE__, TYPE_NUMBER, "1.50", "1.5", NULL},
	{__LINE__, TYPE_NUMBER, "1e400", RANGE("x", "number", "1e400"), NULL},
	{__LINE__, TYPE_NUMBER, "\"1.5\"", SYNTAX("x", "number", "1.5"), "1.5"},
	{__LINE__, TYPE_DECIMAL, "1.50", "1.5", NULL},
	{__LINE__, TYPE_DECIMAL, "1e1", SYNTAX("d", "decimal", "1e1"), NULL},
	{__LINE__, TYPE_DECIMAL, "0.001", RANGE("d", "decimal(5,2)", "0.001"), NULL},
	{__LINE__, TYPE_DECIMAL, "\"2.25\"", SYNTAX("d", "decimal", "2.25"), "2.25"},
	{__LINE__, TYPE_TEXT, "\"a\\u00e9\"", "\"a\xc3\xa9\"", NULL},
	{__LINE__, TYPE_TEXT, "\"a\\u0000\"", "22P02 field \"t\": a text cannot hold \\u0000", NULL},
	{__LINE__, TYPE_TEXT, "7", SYNTAX("t", "text", "7"), NULL},
	{__LINE__, TYPE_TEXT, "false", SYNTAX("t", "text", "false"), NULL},
	{__LINE__, TYPE_TEXT, "[]", SYNTAX("t", "text", "[]"), NULL},
	{__LINE__, TYPE_BOOLEAN, "true", "true", NULL},
	{__LINE__, TYPE_BOOLEAN, "false", "false", NULL},
	{__LINE__, TYPE_BOOLEAN, "1", SYNTAX("b", "boolean", "1"), NULL},
	{__LINE__, TYPE_BOOLEAN, "\"true\"", SYNTAX("b", "boolean", "true"), "true"},
	{__LINE__, TYPE_BOOLEAN, "null", "null", NULL},
	{__LINE__, TYPE_UUID, "\"0190F5A2-7c3e-7B1d-8000-0123456789aB\"",
	 "\"0190f5a2-7c3e-7b1d-8000-0123456789ab\"", NULL},
	{__LINE__, TYPE_UUID, "\"no\"", SYNTAX("u", "uuid", "no"), NULL},
	{__LINE__, TYPE_UUID, "1", SYNTAX("u", "uuid", "1"), NULL},
	{__LINE__, TYPE_DATE, "\"2014-03-08\"", "\"2014-03-08\"", NULL},
	{__LINE__, TYPE_DATE, "\"2014\\u002d03-08\"", "\"2014-03-08\"", NULL},
	{__LINE__, TYPE_DATE, "20140308", SYNTAX("day", "date", "20140308"), NULL},
	{__LINE__, TYPE_DATE, "null", "null", NULL},
	{__LINE__, TYPE_DATE, "[]", SYNTAX("day", "date", "[]"), NULL},
	{__LINE__, TYPE_TIME, "\"15:04:05\"", "\"15:04:05\"", NULL},
	{__LINE__, TYPE_TIME, "15", SYNTAX("time", "time", "15"), NULL},
	{__LINE__, TYPE_DATETIME, "\"2014-03-08T15:00:00Z\"", "\"2014-03-08T15:00:00+00:00\"", NULL},
	{__LINE__, TYPE_DATETIME, "0", SYNTAX("at", "timestamp with time zone", "0"), NULL},
	{__LINE__, TYPE_JSON, "{ \"a\" : [ true , \"\\u0041\" ] }", "{\"a\":[true,\"\\u0041\"]}", NULL},
	{__LINE__, TYPE_JSON, "\"text\"", "\"text\"", NULL},
	{__LINE__, TYPE_JSON, "12.50", "12.50", NULL},
	{__LINE__, TYPE_JSON, "false", "false", NULL},
	{__LINE__, TYPE_JSON, "null", "null", NULL},
};

/* The value stands in an array with a number after it, which must be what is read next. */
static void test_from_json(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 1024);
	for (size_t i = 0; i < sizeof(json_rows) / sizeof(json_rows[0]) * 2; i++) {
		const struct json_row *row = &json_rows[i / 2];
		bool as_text = i % 2 == 1;
		const char *want = as_text && row->want_as_text ? row->want_as_text : row->want;
		const struct field *field = &fields[row->type];
		struct error error = {.code = ERROR_NONE};
		struct value value = {.kind = VALUE_INTEGER};
		struct str input = arena_printf(&arena, "[%s,42]", row->json);
		struct json_reader reader;
		bool good;
		char *got;

		json_reader_init(&reader, input, 8, &arena);
		assert_int_equal(json_next(&reader), JSON_ARRAY);
		good = value_from_json(field, &reader, as_text, &value, &error);
		got = outcome(good, field, &value, &error);
		if (strcmp(got, want) != 0) {
			fail_msg("row of line %d (as text %d) gives %s", row->line, as_text, got);
		}
		free(got);
		assert_int_equal(json_next(&reader), JSON_NUMBER);
		assert_true(str_equal(reader.text, STR("42")));
	}
	arena_finish(&arena);
}

static void test_from_broken_json(void **state)
{
	static const char *const rows[] = {"", "{", "[1,", "tru", "\"a", "[[[[[[1]]]]]]"};
	struct arena arena;

	(void)state;
	arena_init(&arena, 1024);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t type = 0; type < sizeof(fields) / sizeof(fields[0]); type++) {
			struct error error = {.code = ERROR_NONE};
			struct json_reader reader;
			struct value value;

			json_reader_init(&reader, str_from(rows[i]), 4, &arena);
			assert_false(value_from_json(&fields[type], &reader, true, &value, &error));
			assert_int_equal(error.code, ERROR_BODY);
		}
	}
	arena_finish(&arena);
}

#define INT(n)                                                                                     \
	{                                                                                              \
		.kind = VALUE_INTEGER,                                                                     \
		{                                                                                          \
			.integer = (n)                                                                         \
		}                                                                                          \
	}
#define TXT(s)                                                                                     \
	{                                                                                              \
		.kind = VALUE_TEXT,                                                                        \
		{                                                                                          \
			.text = STR_INIT(s)                                                                    \
		}                                                                                          \
	}
#define NIL                                                                                        \
	{                                                                                              \
		.kind = VALUE_NULL                                                                         \
	}

static const struct value one_two[] = {INT(1), INT(2)};
static const struct value words[] = {TXT("new"), TXT("paid")};
static const struct value five = INT(5);
static const struct value nine = INT(9);
static const struct value half = {.kind = VALUE_NUMBER, {.number = 0.5}};
static const struct value cents = INT(150);

static const struct check_row {
	int line;
	struct field field;
	struct value value;
	const char *want; /* "": it is fine */
} check_rows[] = {
	{__LINE__, {.name = STR_INIT("a")}, NIL, ""},
	{__LINE__,
	 {.name = STR_INIT("a"), .required = true},
	 NIL,
	 "23502 null value in column \"a\" violates not-null constraint"},
	{__LINE__, {.name = STR_INIT("a"), .required = true}, INT(1), ""},
	{__LINE__, {.name = STR_INIT("a"), .in = one_two, .in_count = 2}, INT(2), ""},
	{__LINE__, {.name = STR_INIT("a"), .in = one_two, .in_count = 2}, NIL, ""},
	{__LINE__,
	 {.name = STR_INIT("a"), .in = one_two, .in_count = 2},
	 INT(3),
	 "23514 field \"a\" must be one of 1, 2"},
	{__LINE__,
	 {.name = STR_INIT("a"), .type = TYPE_TEXT, .in = words, .in_count = 2},
	 TXT("paid"),
	 ""},
	{__LINE__,
	 {.name = STR_INIT("a"), .type = TYPE_TEXT, .in = words, .in_count = 2},
	 TXT("Paid"),
	 "23514 field \"a\" must be one of \"new\", \"paid\""},
	{__LINE__, {.name = STR_INIT("a"), .min = &five}, INT(5), ""},
	{__LINE__,
	 {.name = STR_INIT("a"), .min = &five},
	 INT(4),
	 "23514 field \"a\" must be at least 5"},
	{__LINE__,
	 {.name = STR_INIT("a"), .max = &five},
	 INT(6),
	 "23514 field \"a\" must be at most 5"},
	{__LINE__, {.name = STR_INIT("a"), .min = &five, .max = &nine}, INT(9), ""},
	{__LINE__,
	 {.name = STR_INIT("a"), .min = &five, .max = &nine},
	 INT(10),
	 "23514 field \"a\" must be between 5 and 9"},
	{__LINE__, {.name = STR_INIT("a"), .min = &five, .max = &nine}, NIL, ""},
	{__LINE__,
	 {.name = STR_INIT("a"), .type = TYPE_NUMBER, .max = &half},
	 {.kind = VALUE_NUMBER, {.number = 0.75}},
	 "23514 field \"a\" must be at most 0.5"},
	{__LINE__,
	 {.name = STR_INIT("a"), .type = TYPE_DECIMAL, .precision = 5, .scale = 2, .max = &cents},
	 INT(151),
	 "23514 field \"a\" must be at most 1.5"},
	{__LINE__, {.name = STR_INIT("a"), .type = TYPE_TEXT, .max_chars = 3}, TXT("abc"), ""},
	{__LINE__,
	 {.name = STR_INIT("a"), .type = TYPE_TEXT, .max_chars = 3},
	 TXT("\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80"),
	 ""},
	{__LINE__,
	 {.name = STR_INIT("a"), .type = TYPE_TEXT, .max_chars = 3},
	 TXT("abcd"),
	 "22001 field \"a\": value too long for type text(3)"},
	{__LINE__, {.name = STR_INIT("a"), .type = TYPE_TEXT, .max_chars = 3}, NIL, ""},
};

static void test_check(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(check_rows) / sizeof(check_rows[0]); i++) {
		const struct check_row *row = &check_rows[i];
		struct error error = {.code = ERROR_NONE};
		bool good = value_check(&row->field, &row->value, &error);
		char *got = outcome(good, &row->field, &row->value, &error);

		if (good != (row->want[0] == '\0') || (!good && strcmp(got, row->want) != 0)) {
			fail_msg("row of line %d gives %s", row->line, got);
		}
		free(got);
	}
}

static void test_compare(void **state)
{
	/* In order; neighbours differ. */
	static const struct value integers[] = {INT(INT64_MIN), INT(-1), INT(0), INT(INT64_MAX), NIL};
	static const struct value numbers[] = {
		{.kind = VALUE_NUMBER, {.number = -1e300}},
		{.kind = VALUE_NUMBER, {.number = 0.25}},
		{.kind = VALUE_NUMBER, {.number = 0.5}},
		NIL,
	};
	static const struct value texts[] = {
		TXT(""), TXT("B"), TXT("a"), TXT("ab"), TXT("\xc3\xa9"), TXT("\xf0\x9f\x98\x80"), NIL};
	static const struct value mixed[] = {
		{.kind = VALUE_NUMBER, {.number = -1e300}},
		INT(INT64_MIN),
		{.kind = VALUE_NUMBER, {.number = -0.5}},
		INT(0),
		{.kind = VALUE_NUMBER, {.number = 9007199254740992.0}},
		INT(9007199254740993),
		INT(INT64_MAX),
		{.kind = VALUE_NUMBER, {.number = 0x1p63}},
		TXT("1"),
		NIL,
	};
	static const struct {
		const struct value *values;
		size_t count;
	} rows[] = {{integers, 5}, {numbers, 4}, {texts, 7}, {mixed, 10}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t a = 0; a < rows[i].count; a++) {
			for (size_t b = 0; b < rows[i].count; b++) {
				int order = value_compare(&rows[i].values[a], &rows[i].values[b]);

				assert_int_equal((order > 0) - (order < 0), (a > b) - (a < b));
			}
		}
	}
}

static void test_write_text(void **state)
{
	static const struct {
		int line;
		enum type type;
		struct value value;
		const char *want;
	} rows[] = {
		{__LINE__, TYPE_INTEGER, INT(-7), "-7"},
		{__LINE__, TYPE_NUMBER, {.kind = VALUE_NUMBER, {.number = 0.1}}, "0.1"},
		{__LINE__, TYPE_DECIMAL, INT(-5), "-0.05"},
		{__LINE__, TYPE_TEXT, TXT("a\"b"), "a\"b"},
		{__LINE__, TYPE_BOOLEAN, INT(1), "true"},
		{__LINE__, TYPE_BOOLEAN, INT(0), "false"},
		{__LINE__, TYPE_JSON, TXT("{\"a\":1}"), "{\"a\":1}"},
		{__LINE__, TYPE_DATE, INT(-1), "1969-12-31"},
		{__LINE__, TYPE_DATE, INT(2932896), "9999-12-31"},
		{__LINE__, TYPE_TIME, INT(1), "00:00:00.000001"},
		{__LINE__, TYPE_DATETIME, INT(-500000), "1969-12-31T23:59:59.5+00:00"},
		/* What others wrote into the table. */
		{__LINE__, TYPE_DATE, INT(2932897), "2932897"},
		{__LINE__, TYPE_DATE, INT(-719163), "-719163"},
		{__LINE__, TYPE_TIME, INT(86400000000), "86400000000"},
		{__LINE__, TYPE_TIME, INT(-1), "-1"},
		{__LINE__, TYPE_DATETIME, INT(INT64_MAX), "9223372036854775807"},
		{__LINE__, TYPE_DATETIME, INT(INT64_MIN), "-9223372036854775808"},
		{__LINE__, TYPE_DATE, TXT("soon"), "soon"},
		{__LINE__, TYPE_INTEGER, NIL, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf buf;

		buf_init(&buf, SIZE_MAX);
		value_write_text(&buf, &fields[rows[i].type], &rows[i].value);
		if (!str_equal(buf_str(&buf), str_from(rows[i].want))) {
			fail_msg("row of line %d gives %.*s", rows[i].line, STR_ARG(buf_str(&buf)));
		}
		buf_finish(&buf);
	}
}

static void test_zone(void **state)
{
	static const struct {
		int line;
		struct zone zone;
		struct value value;
		const char *want;
	} rows[] = {
		{__LINE__, {.offset = 7200}, INT(0), "1970-01-01T02:00:00+02:00"},
		{__LINE__, {.offset = -12600}, INT(-1), "1969-12-31T20:29:59.999999-03:30"},
		{__LINE__, {.offset = 7200}, NIL, ""},
		/* Not out of the years that there are. */
		{__LINE__, {.offset = -60}, INT(-62135596800000000), "0001-01-01T00:00:00+00:00"},
		{__LINE__, {.offset = 60}, INT(253402300799999999), "9999-12-31T23:59:59.999999+00:00"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf buf;

		buf_init(&buf, SIZE_MAX);
		value_write_in_zone(&buf, &fields[TYPE_DATETIME], &rows[i].value, &rows[i].zone);
		if (!str_equal(buf_str(&buf), str_from(rows[i].want))) {
			fail_msg("row of line %d gives %.*s", rows[i].line, STR_ARG(buf_str(&buf)));
		}
		buf_finish(&buf);
	}
}

/* The clock may pass midnight meanwhile: today is the day before, and the day after is not. */
static void test_today(void **state)
{
	static const struct field day = {
		.name = STR_INIT("a"), .type = TYPE_DATE, .max_today = true, .dates.two_digit_years = true};
	static const struct field moment = {
		.name = STR_INIT("a"), .type = TYPE_DATETIME, .max_today = true};
	int64_t today = clock_system.wall_us(&clock_system) / DATE_DAY_MICROS;
	struct value value = INT(today);
	struct error error = {.code = ERROR_NONE};

	(void)state;
	assert_true(value_check(&day, &value, &error));
	value.integer = today + 2;
	assert_false(value_check(&day, &value, &error));
	assert_int_equal(error.code, ERROR_CHECK);
	assert_string_equal(error.message, "field \"a\" must not be later than today");
	value.integer = (today + 1) * DATE_DAY_MICROS - 1;
	assert_true(value_check(&moment, &value, &error));
	value.integer = (today + 2) * DATE_DAY_MICROS;
	assert_false(value_check(&moment, &value, &error));
	value.integer = DATE_FIRST_DAY * DATE_DAY_MICROS;
	assert_true(value_check(&moment, &value, &error));
	value.kind = VALUE_NULL;
	assert_true(value_check(&day, &value, &error));
}

static void test_details_of_dates(void **state)
{
	static const struct {
		int line;
		enum type type;
		const char *text;
		const char *want;
	} rows[] = {
		{__LINE__, TYPE_DATE, "soon", "\"soon\" is no date"},
		{__LINE__, TYPE_DATE, "2014-02-30", "\"2014-02-30\" is no date that there is"},
		{__LINE__, TYPE_DATE, "08/03/2014",
		 "\"08/03/2014\" is ambiguous: write it as 2014-03-08, the year first and in four digits"},
		{__LINE__, TYPE_DATETIME, "March 1985",
		 "\"March 1985\" is incomplete: it needs a year, a month and a day, as 2014-03-08 has "
		 "them"},
		{__LINE__, TYPE_DATE, "2014-03-08T15:00:00Z",
		 "\"2014-03-08T15:00:00Z\" is more than a date"},
		{__LINE__, TYPE_TIME, "24:30", "\"24:30\" is no time of a day"},
		{__LINE__, TYPE_DATE, DIGITS,
		 "\"0123456789012345678901234567890123456789012345678901234567890123...\" is no date"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct error error = {.code = ERROR_NONE};
		struct value value;

		assert_false(
			value_from_text(&fields[rows[i].type], str_from(rows[i].text), NULL, &value, &error));
		if (strcmp(error.details, rows[i].want) != 0) {
			fail_msg("row of line %d gives %s", rows[i].line, error.details);
		}
	}
}

static void test_details_name_the_mistake(void **state)
{
	struct error error = {.code = ERROR_NONE};
	struct json_reader reader;
	struct arena arena;
	struct value value;

	(void)state;
	arena_init(&arena, 1024);
	json_reader_init(&reader, STR("\"2\""), 8, &arena);
	assert_false(value_from_json(&fields[TYPE_INTEGER], &reader, false, &value, &error));
	assert_string_equal(error.details, "The value is a JSON string; a JSON number is needed");
	assert_false(value_from_text(&fields[TYPE_JSON], STR("[1,]"), &arena, &value, &error));
	assert_true(error.details[0] != '\0');
	arena_finish(&arena);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_from_text),
		cmocka_unit_test(test_from_json),
		cmocka_unit_test(test_from_broken_json),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_write_text),
		cmocka_unit_test(test_zone),
		cmocka_unit_test(test_today),
		cmocka_unit_test(test_details_of_dates),
		cmocka_unit_test(test_details_name_the_mistake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
