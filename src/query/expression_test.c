#include "query/expression.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "query/compile.h"

static const char yaml[] = "service: test\n"
						   "resources:\n"
						   "  rows:\n"
						   "    key: id\n"
						   "    fields:\n"
						   "      id: integer\n"
						   "      a: integer\n"
						   "      b: integer\n"
						   "      most: integer\n"
						   "      least: integer\n"
						   "      nil: integer\n"
						   "      price: \"decimal(10,2)\"\n"
						   "      fine: \"decimal(18,12)\"\n"
						   "      rate: number\n"
						   "      huge: number\n"
						   "      name: text\n"
						   "      empty: text\n"
						   "      void: text\n"
						   "      flag: boolean\n"
						   "      loose: { type: boolean, loose: true }\n"
						   "      code: uuid\n"
						   "      born: date\n"
						   "      at: datetime\n"
						   "      late: date\n"
						   "      never: datetime\n"
						   "      data: json\n"
						   "      'odd \"name': integer\n"
						   "      true: integer\n"
						   "      integer: { type: integer, computed: \"null\" }\n"
						   "      decimal: { type: \"decimal(12,4)\", computed: \"null\" }\n"
						   "      small: { type: \"decimal(3,1)\", computed: \"null\" }\n"
						   "      number: { type: number, computed: \"null\" }\n"
						   "      text: { type: text, computed: \"null\" }\n"
						   "      boolean: { type: boolean, computed: \"null\" }\n"
						   "      uuid: { type: uuid, computed: \"null\" }\n"
						   "      date: { type: date, computed: \"null\" }\n"
						   "      datetime: { type: datetime, computed: \"null\" }\n";

struct bed {
	struct model *model;
	const struct resource *resource;
	struct arena arena;
	struct buf text;
};

static const char *no_environment(const char *name)
{
	(void)name;
	return NULL;
}

static void init(struct bed *bed)
{
	struct model_report report;
	model_report_init(&report);
	bed->model = model_parse(str_from(yaml), STR("test.yaml"), no_environment, &report);
	assert_non_null(bed->model);
	assert_true(query_compile(bed->model, &report));
	model_report_finish(&report);
	bed->resource = model_resource(bed->model, STR("rows"));
	arena_init(&bed->arena, 4096);
	buf_init(&bed->text, 1 << 20);
}

static void finish(struct bed *bed)
{
	buf_finish(&bed->text);
	arena_finish(&bed->arena);
	model_destroy(bed->model);
}

/* ---- trees ---- */

static void show_type(struct buf *text, const struct expression_node *node)
{
	if (node->null) {
		buf_append(text, STR("null"));
		return;
	}
	buf_append(text, str_from(value_type_name(node->type)));
	if (node->type == TYPE_DECIMAL) {
		buf_printf(text, "(%d)", node->scale);
	}
}

static void show(struct buf *text, const struct expression_node *node)
{
	static const char *const words[] = {
		[EXPRESSION_FIELD] = "",
		[EXPRESSION_LITERAL] = "",
		[EXPRESSION_NEGATE] = "-",
		[EXPRESSION_ADD] = "+",
		[EXPRESSION_SUBTRACT] = "-",
		[EXPRESSION_MULTIPLY] = "*",
		[EXPRESSION_DIVIDE] = "/",
		[EXPRESSION_REMAINDER] = "%",
		[EXPRESSION_JOIN] = "||",
		[EXPRESSION_COALESCE] = "coalesce",
		[EXPRESSION_LENGTH] = "length",
		[EXPRESSION_TODAY] = "today",
		[EXPRESSION_YEARS_SINCE] = "years_since",
		[EXPRESSION_CONVERT] = "to ",
	};
	if (node->op == EXPRESSION_FIELD) {
		buf_append(text, node->field->name);
		return;
	}
	if (node->op == EXPRESSION_LITERAL) {
		if (node->literal.kind == VALUE_TEXT) {
			buf_printf(text, "'%.*s'", STR_ARG(node->literal.text));
			return;
		}
		show_type(text, node);
		if (!node->null) {
			buf_printf(text, " %lld", (long long)node->literal.integer);
		}
		return;
	}
	buf_append(text, str_from(words[node->op]));
	if (node->op == EXPRESSION_CONVERT) {
		show_type(text, node);
	}
	buf_append_byte(text, '[');
	for (size_t i = 0; i < node->child_count; i++) {
		buf_append(text, i > 0 ? STR(" ") : STR(""));
		show(text, node->children[i]);
	}
	buf_append_byte(text, ']');
}

/* The tree, or `offset message / hint`. */
static const struct expression *read(struct bed *bed, const char *result, struct str text)
{
	struct error error = {.code = ERROR_NONE};
	const struct field *field = resource_field(bed->resource, str_from(result));
	assert_non_null(field);
	const struct expression *expression = expression_read(text, bed->resource, field, &bed->arena,
														  &error);
	buf_clear(&bed->text);
	if (expression != NULL) {
		show(&bed->text, expression->root);
		return expression;
	}
	assert_int_equal(error.code, ERROR_CONFIG);
	assert_true(error.at <= text.len);
	buf_printf(&bed->text, "%zu %s", error.at, error.message);
	if (error.hint[0] != '\0') {
		buf_printf(&bed->text, " / %s", error.hint);
	}
	return NULL;
}

struct read_row {
	int line;
	const char *result;
	const char *input;
	const char *want;
};

static void check_rows(const struct read_row *rows, size_t count)
{
	struct bed bed;
	size_t wrong = 0;
	init(&bed);
	for (size_t i = 0; i < count; i++) {
		(void)read(&bed, rows[i].result, str_from(rows[i].input));
		if (!str_equal(buf_str(&bed.text), str_from(rows[i].want))) {
			print_error("row of line %d gives\n%.*s\nand not\n%s\n", rows[i].line,
						STR_ARG(buf_str(&bed.text)), rows[i].want);
			wrong++;
		}
	}
	finish(&bed);
	assert_int_equal(wrong, 0);
}

#define CHECK_ROWS(rows) check_rows((rows), sizeof(rows) / sizeof((rows)[0]))
#define L __LINE__

static void test_values(void **state)
{
	(void)state;
	static const struct read_row rows[] = {
		{L, "integer", "a", "a"},
		{L, "integer", " \t\n a \n", "a"},
		{L, "integer", "((a))", "a"},
		{L, "integer", "\"a\"", "a"},
		{L, "integer", "\"odd \"\"name\"", "odd \"name"},
		{L, "integer", "\"true\"", "true"},
		{L, "boolean", "true", "boolean 1"},
		{L, "boolean", "false", "boolean 0"},
		{L, "boolean", "coalesce(flag, loose)", "coalesce[flag loose]"},
		{L, "integer", "null", "null"},
		{L, "text", "null", "null"},
		{L, "integer", "0", "integer 0"},
		{L, "decimal", "0.0", "to decimal(4)[decimal(1) 0]"},
		{L, "integer", "9223372036854775807", "integer 9223372036854775807"},
		{L, "decimal", "1.5", "to decimal(4)[decimal(1) 15]"},
		{L, "decimal", "0.1234", "decimal(4) 1234"},
		{L, "text", "'it''s'", "'it's'"},
		{L, "text", "''", "''"},
		{L, "text", "''''", "'''"},
		{L, "text", "'\"é'", "'\"é'"},
		{L, "uuid", "code", "code"},
		{L, "date", "born", "born"},
		{L, "datetime", "at", "at"},
		{L, "date", "today()", "today[]"},
		{L, "date", "today ( )", "today[]"},
		{L, "integer", "length(name)", "length[name]"},
		{L, "integer", "years_since(born)", "years_since[born]"},
		{L, "integer", "years_since(today())", "years_since[today[]]"},
		{L, "integer", "coalesce(a)", "coalesce[a]"},
		{L, "integer", "coalesce(a,b,1)", "coalesce[a b integer 1]"},
		{L, "integer", "coalesce(a, b, 1, a, b, 2)", "coalesce[a b integer 1 a b integer 2]"},
		{L, "integer", "coalesce(null, a)", "coalesce[null a]"},
		{L, "date", "coalesce(born, today())", "coalesce[born today[]]"},
		{L, "integer", "coalesce(a, years_since(born) + 9)",
		 "coalesce[a +[years_since[born] integer 9]]"},
	};
	CHECK_ROWS(rows);
}

static void test_operators(void **state)
{
	(void)state;
	static const struct read_row rows[] = {
		{L, "integer", "a+b", "+[a b]"},
		{L, "integer", "a+b-1", "-[+[a b] integer 1]"},
		{L, "integer", "a-(b-1)", "-[a -[b integer 1]]"},
		{L, "integer", "a+b*2", "+[a *[b integer 2]]"},
		{L, "integer", "(a+b)*2", "*[+[a b] integer 2]"},
		{L, "integer", "a/b%3*4", "*[%[/[a b] integer 3] integer 4]"},
		{L, "integer", "-a", "-[a]"},
		{L, "integer", "--a", "-[-[a]]"},
		{L, "integer", "-a*b", "*[-[a] b]"},
		{L, "integer", "a--b", "-[a -[b]]"},
		{L, "integer", "a*-b", "*[a -[b]]"},
		{L, "text", "name||' '||empty", "||[||[name ' '] empty]"},
		{L, "text", "name || coalesce(void, '-')", "||[name coalesce[void '-']]"},
		/* Numbers become wider. */
		{L, "number", "a", "to number[a]"},
		{L, "number", "price", "to number[price]"},
		{L, "decimal", "a", "to decimal(4)[a]"},
		{L, "decimal", "price", "to decimal(4)[price]"},
		{L, "decimal", "price + a", "to decimal(4)[+[price to decimal(2)[a]]]"},
		{L, "decimal", "price + 0.125", "to decimal(4)[+[to decimal(3)[price] decimal(3) 125]]"},
		{L, "decimal", "price * 1.25", "*[price decimal(2) 125]"},
		{L, "decimal", "price * a", "to decimal(4)[*[price a]]"},
		{L, "number", "price * rate", "*[to number[price] rate]"},
		{L, "number", "a + rate", "+[to number[a] rate]"},
		{L, "number", "a / b", "to number[/[a b]]"},
		{L, "number", "a / 2.0", "/[to number[a] to number[decimal(1) 20]]"},
		{L, "number", "price / a", "/[to number[price] to number[a]]"},
		{L, "number", "price / price", "/[to number[price] to number[price]]"},
		{L, "number", "coalesce(a, price, rate)", "coalesce[to number[a] to number[price] rate]"},
		{L, "decimal", "coalesce(a, price)", "to decimal(4)[coalesce[to decimal(2)[a] price]]"},
		{L, "decimal", "-price", "to decimal(4)[-[price]]"},
		/* What is null has the other's type, or any. */
		{L, "integer", "a + null", "+[a null]"},
		{L, "number", "null * rate", "*[null rate]"},
		{L, "text", "null + null", "+[null null]"},
		{L, "text", "-null", "-[null]"},
		{L, "text", "name || null", "||[name null]"},
		{L, "text", "coalesce(null, null)", "coalesce[null null]"},
		{L, "integer", "length(null)", "length[null]"},
		{L, "integer", "years_since(null)", "years_since[null]"},
	};
	CHECK_ROWS(rows);
}

#define FUNCTIONS " / there are coalesce, length, today and years_since"

static void test_syntax(void **state)
{
	(void)state;
	static const struct read_row rows[] = {
		{L, "integer", "", "0 a value is missing at the end of the expression"},
		{L, "integer", "  ", "2 a value is missing at the end of the expression"},
		{L, "integer", "a +", "3 a value is missing at the end of the expression"},
		{L, "integer", "a + * b", "4 a value is missing before *"},
		{L, "integer", "+a", "0 a value is missing before +"},
		{L, "integer", "a b", "2 an operator is missing before b"},
		{L, "integer", "a 'b'", "2 an operator is missing before 'b'"},
		{L, "integer", "a == b", "2 an operator is missing before ="},
		{L, "integer", "a > b", "2 an operator is missing before >"},
		{L, "integer", "a || | b", "5 a value is missing before |"},
		{L, "integer", "(a", "2 \")\" is missing at the end of the expression"},
		{L, "integer", "(a b)", "3 \")\" is missing before b"},
		{L, "integer", "a)", "1 an operator is missing before )"},
		{L, "integer", "()", "1 a value is missing before )"},
		{L, "integer", "a;b", "1 an operator is missing before ;"},
		{L, "integer", "$", "0 a value is missing before $"},
		{L, "integer", "1.", "1 an operator is missing before ."},
		{L, "integer", ".5", "0 a value is missing before ."},
		{L, "integer", "1e3", "1 an operator is missing before e3"},
		{L, "integer", "9223372036854775808", "0 the integer is too large"},
		{L, "integer", "a + 99999999999999999999", "4 the integer is too large"},
		{L, "integer", "007", "0 a number begins with one 0 only before a point"},
		{L, "integer", "a + 00", "4 a number begins with one 0 only before a point"},
		{L, "decimal", "00.5", "0 a number begins with one 0 only before a point"},
		{L, "decimal", "1.234567890123456789", "0 a decimal has at most 18 digits"},
		{L, "text", "'abc", "0 the text is not closed"},
		{L, "text", "name || 'abc''", "8 the text is not closed"},
		{L, "text", "'", "0 the text is not closed"},
		{L, "integer", "a + \"b", "4 the name is not closed"},
		{L, "integer", "lower(name)", "0 there is no function \"lower\"" FUNCTIONS},
		{L, "integer", "1 + COALESCE(a)", "4 there is no function \"COALESCE\"" FUNCTIONS},
		{L, "integer", "coalesce()", "0 coalesce takes at least one value, not 0"},
		{L, "integer", "coalesce(a,)", "11 a value is missing before )"},
		{L, "integer", "coalesce(a", "10 \")\" is missing at the end of the expression"},
		{L, "integer", "coalesce(a b)", "11 \")\" is missing before b"},
		{L, "integer", "coalesce(", "9 a value is missing at the end of the expression"},
		{L, "integer", "length()", "0 length takes one value, not 0"},
		{L, "integer", "length(name, name)", "0 length takes one value, not 2"},
		{L, "date", "today(1)", "0 today takes no value, not 1"},
		{L, "integer", "years_since()", "0 years_since takes one value, not 0"},
		{L, "integer", "\"coalesce\"(a)", "10 an operator is missing before ("},
		{L, "integer", "today", "0 there is no field \"today\""},
	};
	CHECK_ROWS(rows);
}

static void test_types(void **state)
{
	(void)state;
	static const struct read_row rows[] = {
		{L, "integer", "aa", "0 there is no field \"aa\" / did you mean \"a\"?"},
		{L, "integer", "1 + prise", "4 there is no field \"prise\" / did you mean \"price\"?"},
		{L, "integer", "\"\"", "0 there is no field \"\""},
		{L, "integer", "a + decimal", "4 the field \"decimal\" is computed itself"},
		{L, "integer", "integer", "0 the field \"integer\" is computed itself"},
		{L, "text", "data", "0 the field \"data\" is json, which no expression takes"},
		{L, "integer", "a + name", "4 + takes numbers, not text"},
		{L, "integer", "name - a", "0 - takes numbers, not text"},
		{L, "integer", "-flag", "1 - takes numbers, not boolean"},
		{L, "integer", "born * 2", "0 * takes numbers, not date"},
		{L, "integer", "a % price", "4 % takes integers, not decimal"},
		{L, "integer", "rate % 2", "0 % takes integers, not number"},
		{L, "text", "name || a", "8 || takes texts, not integer"},
		{L, "text", "code || name", "0 || takes texts, not uuid"},
		{L, "integer", "length(a)", "7 length takes a text, not integer"},
		{L, "integer", "years_since(at)",
		 "12 years_since takes a date, not timestamp with time zone"},
		{L, "integer", "years_since('2000-01-01')", "12 years_since takes a date, not text"},
		{L, "integer", "coalesce(a, name)",
		 "12 coalesce takes values of one type, not integer and text"},
		{L, "integer", "coalesce(null, name, price)",
		 "21 coalesce takes values of one type, not text and decimal"},
		{L, "integer", "coalesce(a, price, flag)",
		 "19 coalesce takes values of one type, not integer and boolean"},
		{L, "decimal", "fine * fine", "5 the product has more than 18 digits behind the point"},
		{L, "integer", "name",
		 "0 the expression is of the type text, the field of the type integer"},
		{L, "integer", "price",
		 "0 the expression is of the type decimal, the field of the type integer"},
		{L, "integer", "a / rate",
		 "2 the expression is of the type number, the field of the type integer"},
		{L, "decimal", "rate",
		 "0 the expression is of the type number, the field of the type decimal"},
		{L, "text", "a + 1", "2 the expression is of the type integer, the field of the type text"},
		{L, "text", "code", "0 the expression is of the type uuid, the field of the type text"},
		{L, "boolean", "1",
		 "0 the expression is of the type integer, the field of the type boolean"},
		{L, "datetime", "born",
		 "0 the expression is of the type date, the field of the type timestamp with time zone"},
		{L, "decimal", "fine",
		 "0 the expression has 12 digits behind the point, more than the field's 4"},
		{L, "small", "price * 0.1",
		 "6 the expression has 3 digits behind the point, more than the field's 1"},
	};
	CHECK_ROWS(rows);
}

/* ---- limits ---- */

/* `open` so many times, `middle`, `close` as often. */
static struct str nest(struct bed *bed, const char *open, const char *middle, const char *close,
					   size_t count)
{
	struct buf text;
	buf_init(&text, 1 << 20);
	for (size_t i = 0; i < count; i++) {
		buf_append(&text, str_from(open));
	}
	buf_append(&text, str_from(middle));
	for (size_t i = 0; i < count; i++) {
		buf_append(&text, str_from(close));
	}
	struct str copy = arena_copy(&bed->arena, buf_str(&text));
	buf_finish(&text);
	return copy;
}

static void check_limit(struct bed *bed, struct str at, struct str above, const char *want)
{
	assert_non_null(read(bed, "integer", at));
	assert_null(read(bed, "integer", above));
	assert_string_equal(arena_copy(&bed->arena, buf_str(&bed->text)).ptr, want);
}

static void test_limits(void **state)
{
	(void)state;
	struct bed bed;
	init(&bed);
	const size_t depth = EXPRESSION_DEPTH;
	check_limit(&bed, nest(&bed, "(", "a", ")", depth), nest(&bed, "(", "a", ")", depth + 1),
				"65 the expression is more than 64 deep");
	check_limit(&bed, nest(&bed, "coalesce(", "a", ")", depth - 1),
				nest(&bed, "coalesce(", "a", ")", depth), "0 the expression is more than 64 deep");
	check_limit(&bed, nest(&bed, "-", "a", "", depth - 1), nest(&bed, "-", "a", "", depth),
				"0 the expression is more than 64 deep");
	check_limit(&bed, nest(&bed, "-", "a", "", depth - 1), nest(&bed, "-", "a", "", depth + 1),
				"64 the expression is more than 64 deep");
	check_limit(&bed, nest(&bed, "", "a", "+a", depth - 1), nest(&bed, "", "a", "+a", depth),
				"127 the expression is more than 64 deep");
	check_limit(&bed, nest(&bed, " ", "a", "", EXPRESSION_BYTES - 1),
				nest(&bed, " ", "a", "", EXPRESSION_BYTES),
				"4096 the expression is longer than 4096 bytes");
	finish(&bed);
}

/* As many fields as an expression may have, and one more. */
static void test_many_fields(void **state)
{
	(void)state;
	struct buf text;
	struct model_report report;
	buf_init(&text, 1 << 20);
	for (size_t more = 0; more < 2; more++) {
		buf_clear(&text);
		buf_append(&text, STR("service: test\nresources:\n  rows:\n    key: f0\n    fields:\n"));
		for (size_t i = 0; i < EXPRESSION_FIELDS + more; i++) {
			buf_printf(&text, "      f%zu: integer\n", i);
		}
		buf_append(&text, STR("      all: { type: integer, computed: \"coalesce(f0, f0"));
		for (size_t i = 1; i < EXPRESSION_FIELDS + more; i++) {
			buf_printf(&text, ",f%zu", i);
		}
		buf_append(&text, STR(")\" }\n"));
		model_report_init(&report);
		struct model *model = model_parse(buf_str(&text), STR("x"), no_environment, &report);
		assert_non_null(model);
		assert_int_equal(query_compile(model, &report), more == 0);
		assert_int_equal(report.count, more);
		if (more > 0) {
			assert_string_equal(report.problems[0].message.ptr,
								"the expression has more than 100 fields");
		}
		model_report_finish(&report);
		model_destroy(model);
	}
	buf_finish(&text);
}

/* ---- values ---- */

struct eval_row {
	int line;
	const char *result;
	const char *input;
	const char *want;
	int64_t today; /* 0: 2024-02-29 */
};

enum { LEAP_DAY_2024 = 19782 };

static struct value value_of(const struct field *field)
{
	static const struct {
		const char *name;
		struct value value;
	} values[] = {
		{"a", {.kind = VALUE_INTEGER, .integer = 7}},
		{"b", {.kind = VALUE_INTEGER, .integer = -2}},
		{"most", {.kind = VALUE_INTEGER, .integer = INT64_MAX}},
		{"least", {.kind = VALUE_INTEGER, .integer = INT64_MIN}},
		{"price", {.kind = VALUE_INTEGER, .integer = 1250}},
		{"fine", {.kind = VALUE_INTEGER, .integer = INT64_C(999999999999999998)}},
		{"rate", {.kind = VALUE_NUMBER, .number = 2.5}},
		{"huge", {.kind = VALUE_NUMBER, .number = 1e308}},
		{"name", {.kind = VALUE_TEXT, .text = STR_INIT("Zoë")}},
		{"empty", {.kind = VALUE_TEXT, .text = {NULL, 0}}},
		{"flag", {.kind = VALUE_INTEGER, .integer = 1}},
		{"loose", {.kind = VALUE_INTEGER, .integer = -5}},
		{"born", {.kind = VALUE_INTEGER, .integer = 11016}}, /* 2000-02-29 */
		{"at", {.kind = VALUE_INTEGER, .integer = 0}},
		{"late", {.kind = VALUE_INTEGER, .integer = DATE_LAST_DAY + 1}},
		{"never", {.kind = VALUE_INTEGER, .integer = INT64_MIN}},
		{"true", {.kind = VALUE_TEXT, .text = STR_INIT("no integer")}},
		{"odd \"name", {.kind = VALUE_NUMBER, .number = 1.0}},
		{"code", {.kind = VALUE_TEXT, .text = STR_INIT("6b1f2d3c-0000-4000-8000-00000000000a")}},
	};
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		if (str_equal(field->name, str_from(values[i].name))) {
			return values[i].value;
		}
	}
	return (struct value){.kind = VALUE_NULL};
}

static const struct eval_row eval_rows[] = {
	{L, "integer", "a", "7", 0},
	{L, "integer", "nil", "null", 0},
	{L, "integer", "null", "null", 0},
	{L, "integer", "a + b", "5", 0},
	{L, "integer", "a - b", "9", 0},
	{L, "integer", "a * b", "-14", 0},
	{L, "integer", "a / b", "-3", 0},
	{L, "integer", "a % b", "1", 0},
	{L, "integer", "-a / 2", "-3", 0},
	{L, "integer", "-a % 2", "-1", 0},
	{L, "integer", "-a", "-7", 0},
	{L, "integer", "a + nil", "null", 0},
	{L, "integer", "nil - a", "null", 0},
	{L, "integer", "-nil", "null", 0},
	{L, "integer", "null + a", "null", 0},
	/* Too large, and divided by zero. */
	{L, "integer", "most", "9223372036854775807", 0},
	{L, "integer", "least", "-9223372036854775808", 0},
	{L, "integer", "most + 0", "null", 0},
	{L, "integer", "most - 1", "9223372036854775806", 0},
	{L, "integer", "most + 1", "null", 0},
	{L, "integer", "least + 0", "null", 0},
	{L, "integer", "least + 1", "-9223372036854775807", 0},
	{L, "integer", "least + 2", "-9223372036854775806", 0},
	{L, "integer", "-least", "null", 0},
	{L, "integer", "-most", "-9223372036854775807", 0},
	{L, "integer", "most * most", "null", 0},
	{L, "integer", "least * -1", "null", 0},
	{L, "integer", "least / -1", "null", 0},
	{L, "integer", "least / 2", "null", 0},
	{L, "integer", "least % 2", "null", 0},
	{L, "integer", "most / 2", "4611686018427387903", 0},
	{L, "integer", "most % 10", "7", 0},
	{L, "integer", "a / 0", "null", 0},
	{L, "integer", "a % (a - 7)", "null", 0},
	{L, "integer", "coalesce(a / 0, 1)", "1", 0},
	/* Decimals. */
	{L, "decimal", "price", "12.5", 0},
	{L, "decimal", "price + 0.5", "13", 0},
	{L, "decimal", "price * 0.25", "3.125", 0},
	{L, "decimal", "-price - a", "-19.5", 0},
	{L, "decimal", "100000000", "null", 0},
	{L, "decimal", "99999999.9998", "99999999.9998", 0},
	{L, "decimal", "99999999.9999", "null", 0},
	{L, "decimal", "-99999999.9999", "null", 0},
	{L, "small", "99.8", "99.8", 0},
	{L, "small", "99.9", "null", 0},
	{L, "small", "100", "null", 0},
	{L, "decimal", "coalesce(most * 1.5, 1)", "1", 0},
	{L, "number", "fine + 0.000000000001", "null", 0},
	/* Numbers. */
	{L, "number", "rate * 2", "5", 0},
	{L, "number", "rate - 2.5", "0", 0},
	{L, "number", "(rate - 2.5) * -1", "0", 0},
	{L, "number", "-(rate - 2.5)", "0", 0},
	{L, "number", "a / 2", "3", 0},
	{L, "number", "a / 2.0", "3.5", 0},
	{L, "number", "price / 5", "2.5", 0},
	{L, "number", "price", "12.5", 0},
	{L, "number", "huge * 10", "null", 0},
	{L, "number", "huge + huge", "null", 0},
	{L, "number", "rate / 0", "null", 0},
	{L, "number", "rate / 0.0", "null", 0},
	{L, "number", "price / 0", "null", 0},
	/* Texts. */
	{L, "text", "name || '!'", "Zoë!", 0},
	{L, "text", "name || empty", "Zoë", 0},
	{L, "text", "empty || empty", "", 0},
	{L, "text", "empty", "", 0},
	{L, "text", "name || void", "null", 0},
	{L, "text", "void || name", "null", 0},
	{L, "text", "coalesce(void, name)", "Zoë", 0},
	{L, "text", "coalesce(empty, name)", "", 0},
	{L, "integer", "length(name)", "3", 0},
	{L, "integer", "length(empty)", "0", 0},
	{L, "integer", "length(void)", "null", 0},
	{L, "uuid", "code", "6b1f2d3c-0000-4000-8000-00000000000a", 0},
	/* Booleans. */
	{L, "boolean", "flag", "true", 0},
	{L, "boolean", "loose", "true", 0},
	{L, "boolean", "false", "false", 0},
	/* A column of others holds something else. */
	{L, "integer", "\"true\"", "null", 0},
	{L, "integer", "coalesce(\"odd \"\"name\", 3)", "3", 0},
	{L, "date", "late", "null", 0},
	{L, "integer", "years_since(late)", "null", 0},
	{L, "datetime", "never", "null", 0},
	/* Coalesce. */
	{L, "integer", "coalesce(nil, a, b)", "7", 0},
	{L, "integer", "coalesce(nil, null)", "null", 0},
	{L, "integer", "coalesce(null, nil, 1 / 0, 5)", "5", 0},
	{L, "number", "coalesce(nil, price)", "12.5", 0},
	/* Dates. */
	{L, "date", "today()", "2024-02-29", 0},
	{L, "date", "born", "2000-02-29", 0},
	{L, "datetime", "at", "1970-01-01T00:00:00+00:00", 0},
	{L, "integer", "years_since(born)", "24", 0},
	{L, "integer", "years_since(born)", "23", LEAP_DAY_2024 - 1},
	{L, "integer", "years_since(born)", "24", LEAP_DAY_2024 + 365}, /* 2025-02-28 */
	{L, "integer", "years_since(born)", "25", LEAP_DAY_2024 + 366}, /* 2025-03-01 */
	{L, "integer", "years_since(born)", "0", 11015},                /* 2000-02-28: not born yet */
	{L, "integer", "years_since(born)", "0", 10651},                /* 1999-03-01 */
	{L, "integer", "years_since(born)", "-1", 10650},               /* 1999-02-28 */
	{L, "integer", "years_since(born)", "-4", 9555},                /* 1996-02-29 */
	{L, "integer", "years_since(born)", "-3", 9556},                /* 1996-03-01 */
	{L, "integer", "years_since(today())", "0", 0},
	{L, "integer", "years_since(coalesce(null, born)) + 9", "33", 0},
	{L, "integer", "coalesce(nil, years_since(born) + 9)", "33", 0},
	{L, "integer", "coalesce(a, years_since(born) + 9)", "7", 0},
};

static void test_eval(void **state)
{
	(void)state;
	struct bed bed;
	size_t wrong = 0;
	init(&bed);
	for (size_t i = 0; i < sizeof(eval_rows) / sizeof(eval_rows[0]); i++) {
		const struct eval_row *row = &eval_rows[i];
		const struct expression *expression = read(&bed, row->result, str_from(row->input));
		struct value values[EXPRESSION_FIELDS];
		if (expression == NULL) {
			print_error("row of line %d: %.*s\n", row->line, STR_ARG(buf_str(&bed.text)));
			wrong++;
			continue;
		}
		for (size_t k = 0; k < expression->field_count; k++) {
			values[k] = value_of(expression->fields[k]);
		}
		struct value value = expression_eval(
			expression, values, row->today != 0 ? row->today : LEAP_DAY_2024, &bed.arena);
		buf_clear(&bed.text);
		if (value.kind == VALUE_NULL) {
			buf_append(&bed.text, STR("null"));
		} else {
			value_write_text(&bed.text, expression->result, &value);
		}
		if (!str_equal(buf_str(&bed.text), str_from(row->want))) {
			print_error("row of line %d gives %.*s and not %s\n", row->line,
						STR_ARG(buf_str(&bed.text)), row->want);
			wrong++;
		}
	}
	finish(&bed);
	assert_int_equal(wrong, 0);
}

/* What an expression looks at, and on what it depends. */
static void test_summary(void **state)
{
	(void)state;
	struct bed bed;
	init(&bed);
	const struct expression *expression = read(&bed, "integer", STR("a + b + a"));
	assert_int_equal(expression->field_count, 2);
	assert_string_equal(expression->fields[0]->name.ptr, "a");
	assert_string_equal(expression->fields[1]->name.ptr, "b");
	assert_false(expression->uses_today);
	assert_true(read(&bed, "integer", STR("years_since(born)"))->uses_today);
	assert_true(read(&bed, "date", STR("coalesce(born, today())"))->uses_today);
	assert_int_equal(read(&bed, "integer", STR("1"))->field_count, 0);
	finish(&bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values), cmocka_unit_test(test_operators),
		cmocka_unit_test(test_syntax), cmocka_unit_test(test_types),
		cmocka_unit_test(test_limits), cmocka_unit_test(test_many_fields),
		cmocka_unit_test(test_eval),   cmocka_unit_test(test_summary),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
