#include "query/expression.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "query/compile.h"
#include "sql/sql_priv.h"

static const char yaml[] = "service: test\n"
						   "store: \"memory:\"\n"
						   "resources:\n"
						   "  rows:\n"
						   "    key: a\n"
						   "    fields:\n"
						   "      a: integer\n"
						   "      b: integer\n"
						   "      price: \"decimal(10,2)\"\n"
						   "      rate: number\n"
						   "      name: text\n"
						   "      flag: { type: boolean, loose: true }\n"
						   "      born: date\n"
						   "      integer: { type: integer, computed: a }\n"
						   "      decimal: { type: \"decimal(12,4)\", computed: price }\n"
						   "      number: { type: number, computed: a }\n"
						   "      text: { type: text, computed: name }\n"
						   "      boolean: { type: boolean, computed: flag }\n"
						   "      date: { type: date, computed: born }\n";

struct row {
	int line;
	const char *result;
	const char *input;
	const char *want;
	size_t params;
};

#define L __LINE__
#define RANGE " AS _v HAVING _v BETWEEN -9223372036854775807 AND 9223372036854775806) AS SIGNED)"
#define EXACT " AS _v HAVING _v BETWEEN -99999999.9998 AND 99999999.9998)"
#define WIDE " AS _v HAVING _v BETWEEN -99999999999999.9998 AND 99999999999999.9998)"
#define TODAY "(DATE'1970-01-01'+INTERVAL ? DAY)"

static const struct row native_rows[] = {
	{L, "integer", "a", "_1.`a`", 0},
	{L, "boolean", "coalesce(flag, false)", "COALESCE((_1.`flag`<>0),0)", 0},
	{L, "integer", "null", "NULL", 0},
	/* An integer of 19 digits may be too large when it is computed with. */
	{L, "integer", "a + b", "CAST((SELECT (CAST(_1.`a` AS DECIMAL(20,0))+_1.`b`)" RANGE, 0},
	{L, "integer", "-a", "CAST((SELECT (0-CAST(_1.`a` AS DECIMAL(20,0)))" RANGE, 0},
	{L, "integer", "length(name) * 2 - 1", "((CHAR_LENGTH(_1.`name`)*2)-1)", 0},
	{L, "integer", "length(name) * 99999999", "(CHAR_LENGTH(_1.`name`)*99999999)", 0},
	{L, "integer", "length(name) * 100000000",
	 "CAST((SELECT (CAST(CHAR_LENGTH(_1.`name`) AS DECIMAL(20,0))*100000000)" RANGE, 0},
	{L, "integer", "a / b", "(NULLIF(_1.`a`,-9223372036854775808) DIV NULLIF(_1.`b`,0))", 0},
	{L, "integer", "length(name) % 2", "(CHAR_LENGTH(_1.`name`) % NULLIF(2,0))", 0},
	/* A decimal in the field's digits. */
	{L, "decimal", "price", "(SELECT CAST(_1.`price` AS DECIMAL(38,4))" EXACT, 0},
	{L, "decimal", "price * 0.25", "(SELECT (_1.`price`*0.25)" EXACT, 0},
	{L, "decimal", "1.25", "CAST(1.25 AS DECIMAL(38,4))", 0},
	{L, "decimal", "price * price * 2",
	 "(SELECT (SELECT ((SELECT (_1.`price`*_1.`price`)" WIDE "*2)" WIDE EXACT, 0},
	/* Numbers. */
	{L, "number", "price / 4", "(CAST(_1.`price` AS DOUBLE)/NULLIF(CAST(4 AS DOUBLE),0))", 0},
	{L, "number", "-rate * a", "((0-_1.`rate`)*CAST(_1.`a` AS DOUBLE))", 0},
	/* Texts are bound, and so is the day. */
	{L, "text", "name || ', ' || name", "CONCAT(CONCAT(_1.`name`,?),_1.`name`)", 1},
	{L, "date", "coalesce(born, today())", "COALESCE(_1.`born`," TODAY ")", 1},
	{L, "integer", "coalesce(a, years_since(born) + 9)",
	 "COALESCE(_1.`a`,(TIMESTAMPDIFF(YEAR,_1.`born`," TODAY ")+9))", 1},
};

static const struct row function_rows[] = {
	{L, "integer", "a + b + a", "rowlock_expression(?,?,_1.\"a\",_1.\"b\")", 2},
	{L, "integer", "1", "rowlock_expression(?,?)", 2},
	{L, "text", "name || 'x'", "rowlock_expression(?,?,_1.\"name\")", 2},
};

static const char *no_environment(const char *name)
{
	(void)name;
	return NULL;
}

static struct model *load(void)
{
	struct model_report report;
	model_report_init(&report);
	struct model *model = model_parse(str_from(yaml), STR("test.yaml"), no_environment, &report);
	assert_non_null(model);
	assert_true(query_compile(model, &report));
	model_report_finish(&report);
	return model;
}

static bool check_row(const struct row *row, const struct resource *resource,
					  const struct sql_dialect *dialect)
{
	struct arena arena;
	struct error error;
	struct sql sql;
	arena_init(&arena, 4096);
	sql_init(&sql, dialect, 1 << 20);
	sql.today = 20000;
	struct field field = *resource_field(resource, str_from(row->result));
	field.expression = expression_read(str_from(row->input), resource, &field, &arena, &error);
	assert_non_null(field.expression);
	sql_write_column(&sql, 1, &field);
	bool good = str_equal(buf_str(&sql.text), str_from(row->want)) &&
		sql.param_count == row->params;
	if (!good) {
		print_error("row of line %d gives\n%.*s\nand not\n%s\n", row->line,
					STR_ARG(buf_str(&sql.text)), row->want);
	}
	sql_finish(&sql);
	arena_finish(&arena);
	return good;
}

static void check_rows(const struct row *rows, size_t count, const struct sql_dialect *dialect)
{
	struct model *model = load();
	size_t wrong = 0;
	for (size_t i = 0; i < count; i++) {
		bool good = check_row(&rows[i], model_resource(model, STR("rows")), dialect);
		wrong += good ? 0 : 1;
	}
	model_destroy(model);
	assert_int_equal(wrong, 0);
}

static void test_native(void **state)
{
	(void)state;
	struct sql_dialect native = sql_dialect_sqlite;
	native.quote = '`';
	native.expression = NULL;
	check_rows(native_rows, sizeof(native_rows) / sizeof(native_rows[0]), &native);
}

static void test_function(void **state)
{
	(void)state;
	check_rows(function_rows, sizeof(function_rows) / sizeof(function_rows[0]),
			   &sql_dialect_sqlite);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_native),
		cmocka_unit_test(test_function),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
