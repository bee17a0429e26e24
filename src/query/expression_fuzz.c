/*
 * Any bytes as an expression; the first one says of which type its field is. What is read has
 * values that fit that type, whatever the row holds.
 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "codec/utf8.h"
#include "query/compile.h"
#include "query/expression.h"

static const char yaml[] = "service: test\n"
						   "resources:\n"
						   "  rows:\n"
						   "    key: a\n"
						   "    fields:\n"
						   "      a: integer\n"
						   "      b: integer\n"
						   "      price: \"decimal(10,2)\"\n"
						   "      fine: \"decimal(18,12)\"\n"
						   "      rate: number\n"
						   "      name: text\n"
						   "      flag: { type: boolean, loose: true }\n"
						   "      code: uuid\n"
						   "      born: date\n"
						   "      at: datetime\n"
						   "      data: json\n"
						   "      integer: { type: integer, computed: \"null\" }\n"
						   "      decimal: { type: \"decimal(12,4)\", computed: \"null\" }\n"
						   "      number: { type: number, computed: \"null\" }\n"
						   "      text: { type: text, computed: \"null\" }\n"
						   "      boolean: { type: boolean, computed: \"null\" }\n"
						   "      date: { type: date, computed: \"null\" }\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *no_environment(const char *name)
{
	(void)name;
	return NULL;
}

static struct model *load(void)
{
	struct model_report report;
	model_report_init(&report);
	struct model *model = model_parse(str_from(yaml), STR("test"), no_environment, &report);
	assert(model != NULL && query_compile(model, &report));
	model_report_finish(&report);
	return model;
}

static void check_value(const struct field *field, const struct value *value)
{
	const int64_t most = INT64_C(1000000000000);
	if (value->kind == VALUE_NULL) {
		return;
	}
	if (field->type == TYPE_NUMBER) {
		assert(value->kind == VALUE_NUMBER && isfinite(value->number));
	} else if (field->type == TYPE_TEXT) {
		assert(value->kind == VALUE_TEXT && utf8_check(value->text) == value->text.len);
	} else {
		assert(value->kind == VALUE_INTEGER);
		assert(field->type != TYPE_BOOLEAN || value->integer == 0 || value->integer == 1);
		assert(field->type != TYPE_DECIMAL || (value->integer < most && value->integer > -most));
	}
}

/* All fields with values of one kind. */
static void evaluate(const struct expression *expression, size_t round, struct arena *arena)
{
	static const struct value rounds[] = {
		{.kind = VALUE_NULL},
		{.kind = VALUE_INTEGER, .integer = 0},
		{.kind = VALUE_INTEGER, .integer = 3},
		{.kind = VALUE_INTEGER, .integer = INT64_MAX},
		{.kind = VALUE_INTEGER, .integer = INT64_MIN},
		{.kind = VALUE_NUMBER, .number = -1e308},
		{.kind = VALUE_TEXT, .text = STR_INIT("h\xc3\xa9")},
		{.kind = VALUE_TEXT, .text = {NULL, 0}},
	};
	struct value values[EXPRESSION_FIELDS];
	for (size_t i = 0; i < expression->field_count; i++) {
		const struct value *value = &rounds[round % (sizeof(rounds) / sizeof(rounds[0]))];
		bool day = expression->fields[i]->type == TYPE_DATE && value->kind == VALUE_INTEGER;
		values[i] = *value;
		values[i].integer = day ? value->integer % DATE_LAST_DAY : value->integer;
	}
	struct value value = expression_eval(expression, values, 20000, arena);
	check_value(expression->result, &value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const results[] = {
		"integer", "decimal", "number", "text", "boolean", "date",
	};
	enum { ROUNDS = 8 };
	if (size == 0) {
		return 0;
	}
	struct model *model = load();
	struct arena arena;
	struct error error = {.code = ERROR_NONE};
	const struct resource *resource = model_resource(model, STR("rows"));
	const char *result = results[data[0] % (sizeof(results) / sizeof(results[0]))];
	struct str text = {(const char *)data + 1, size - 1};
	arena_init(&arena, 4096);
	const struct expression *expression = expression_read(
		text, resource, resource_field(resource, str_from(result)), &arena, &error);
	assert((expression == NULL) == (error.code == ERROR_CONFIG));
	assert(expression != NULL || error.at <= text.len);
	/* The texts of a service file are well-formed. */
	bool formed = utf8_check(text) == text.len;
	for (size_t i = 0; expression != NULL && formed && i < ROUNDS; i++) {
		evaluate(expression, i, &arena);
	}
	arena_finish(&arena);
	model_destroy(model);
	return 0;
}
