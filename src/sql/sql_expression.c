/*
 * DESIGN. A database that has functions of ours calls one with the expression, the day and the
 * columns. For any other (MariaDB) the expression is written in its words, to the same result for
 * every row. What may be too large for its type is computed as DECIMAL, in a subquery whose HAVING
 * makes null of it: an overflow of BIGINT would be an error. A bound of the digits, known from the
 * types, leaves most of these checks out; that matters, since the value of a checked part is
 * computed twice.
 */
#include "query/expression.h"

#include <assert.h>

#include "codec/number.h"
#include "sql/sql_priv.h"

enum {
	INTEGER_DIGITS = 19,
	SAFE_INTEGER_DIGITS = 18, /* always within a BIGINT */
	DECIMAL_DIGITS = 18,
	LENGTH_DIGITS = 10,
	YEARS_DIGITS = 4,
	WIDE_DIGITS = 38, /* of a DECIMAL that no value fills */
};

/* A part of the expression of the row of the table with this alias. */
struct writer {
	struct sql *sql;
	size_t alias;
};

static void write_node(const struct writer *writer, const struct expression_node *node);

static void put(const struct writer *writer, const char *text)
{
	sql_write(writer->sql, str_from(text));
}

/* ---- how large a value can be ---- */

static size_t most(size_t a, size_t b)
{
	return a > b ? a : b;
}

static size_t digits_of(const struct expression_node *node);

/* As a decimal with so many digits behind the point. */
static size_t scaled_digits(const struct expression_node *node, int scale)
{
	return digits_of(node) + (size_t)(scale > node->scale ? scale - node->scale : 0);
}

/* At most; before what is too large is made null. */
static size_t computed_digits(const struct expression_node *node)
{
	const struct expression_node *const *children = (const struct expression_node *const *)
														node->children;
	size_t digits = 1;
	if (node->op == EXPRESSION_MULTIPLY) {
		return digits_of(children[0]) + digits_of(children[1]);
	}
	for (size_t i = 0; i < node->child_count; i++) {
		digits = most(digits, scaled_digits(children[i], node->scale));
	}
	return digits + (node->op == EXPRESSION_ADD || node->op == EXPRESSION_SUBTRACT ? 1 : 0);
}

static size_t type_digits(const struct expression_node *node)
{
	return node->type == TYPE_DECIMAL ? DECIMAL_DIGITS : INTEGER_DIGITS;
}

static size_t literal_digits(int64_t literal)
{
	size_t digits = 1;
	for (; literal >= 10; literal /= 10) {
		digits++;
	}
	return digits;
}

static size_t digits_of(const struct expression_node *node)
{
	switch (node->op) {
	case EXPRESSION_FIELD:
		return node->type == TYPE_DECIMAL ? (size_t)node->field->precision : INTEGER_DIGITS;
	case EXPRESSION_LITERAL:
		return node->null ? 1 : literal_digits(node->literal.integer);
	case EXPRESSION_LENGTH:
		return LENGTH_DIGITS;
	case EXPRESSION_YEARS_SINCE:
		return YEARS_DIGITS;
	case EXPRESSION_NEGATE:
	case EXPRESSION_ADD:
	case EXPRESSION_SUBTRACT:
	case EXPRESSION_MULTIPLY:
	case EXPRESSION_DIVIDE:
	case EXPRESSION_REMAINDER:
	case EXPRESSION_JOIN:
	case EXPRESSION_COALESCE:
	case EXPRESSION_TODAY:
	case EXPRESSION_CONVERT:
		break;
	}
	size_t digits = computed_digits(node);
	return digits < type_digits(node) ? digits : type_digits(node);
}

/* Can what is computed be too large? */
static bool is_checked(const struct expression_node *node)
{
	size_t safe = node->type == TYPE_DECIMAL ? DECIMAL_DIGITS - 1 : SAFE_INTEGER_DIGITS;
	return node->type != TYPE_NUMBER && !node->null && computed_digits(node) > safe;
}

/* ---- checks ---- */

static void begin_check(const struct writer *writer, bool integer)
{
	put(writer, integer ? "CAST((SELECT " : "(SELECT ");
}

/* `digits`: of a decimal with this scale. */
static void end_decimal_check(const struct writer *writer, int digits, int scale)
{
	int64_t bound = 1;
	for (int i = 0; i < digits; i++) {
		bound *= 10;
	}
	put(writer, " AS _v HAVING _v BETWEEN ");
	number_write_decimal(&writer->sql->text, -(bound - 2), scale);
	put(writer, " AND ");
	number_write_decimal(&writer->sql->text, bound - 2, scale);
	put(writer, ")");
}

static void end_check(const struct writer *writer, const struct expression_node *node)
{
	if (node->type == TYPE_DECIMAL) {
		end_decimal_check(writer, DECIMAL_DIGITS, node->scale);
		return;
	}
	put(writer, " AS _v HAVING _v BETWEEN ");
	buf_append_int(&writer->sql->text, EXPRESSION_LEAST);
	put(writer, " AND ");
	buf_append_int(&writer->sql->text, EXPRESSION_MOST);
	put(writer, ") AS SIGNED)");
}

/* ---- values ---- */

static void write_literal(const struct writer *writer, const struct expression_node *node)
{
	struct sql *sql = writer->sql;
	if (node->null) {
		put(writer, "NULL");
	} else if (node->type == TYPE_TEXT) {
		sql_param_made(sql, node->literal);
	} else if (node->type == TYPE_DECIMAL) {
		number_write_decimal(&sql->text, node->literal.integer, node->scale);
	} else {
		buf_append_int(&sql->text, node->literal.integer);
	}
}

static void write_today(const struct writer *writer)
{
	put(writer, "(DATE'1970-01-01'+INTERVAL ");
	sql_param_made(writer->sql,
				   (struct value){.kind = VALUE_INTEGER, .integer = writer->sql->today});
	put(writer, " DAY)");
}

static void write_field(const struct writer *writer, const struct expression_node *node)
{
	put(writer, node->field->loose ? "(" : "");
	sql_write_column(writer->sql, writer->alias, node->field);
	put(writer, node->field->loose ? "<>0)" : "");
}

static void write_call(const struct writer *writer, const char *begin,
					   const struct expression_node *node, const char *end)
{
	put(writer, begin);
	for (size_t i = 0; i < node->child_count; i++) {
		put(writer, i > 0 ? "," : "");
		write_node(writer, node->children[i]);
	}
	put(writer, end);
}

/* ---- arithmetic ---- */

/* As DECIMAL, where the result may be too large for a BIGINT. */
static void write_operand(const struct writer *writer, const struct expression_node *node,
						  bool wide)
{
	put(writer, wide ? "CAST(" : "");
	write_node(writer, node);
	put(writer, wide ? " AS DECIMAL(20,0))" : "");
}

/* What is divided by zero is null. An UPDATE would take a plain 0 for an error. */
static void write_divided(const struct writer *writer, const struct expression_node *node)
{
	const struct expression_node *left = node->children[0];
	bool integer = node->type == TYPE_INTEGER;
	bool least = integer && digits_of(left) > SAFE_INTEGER_DIGITS;
	put(writer, least ? "(NULLIF(" : "(");
	write_node(writer, left);
	if (least) {
		put(writer, ",");
		buf_append_int(&writer->sql->text, INT64_MIN);
		put(writer, ")");
	}
	put(writer,
		node->op == EXPRESSION_REMAINDER ? " % NULLIF("
			: integer                    ? " DIV NULLIF("
										 : "/NULLIF(");
	write_node(writer, node->children[1]);
	put(writer, ",0))");
}

static void write_arithmetic(const struct writer *writer, const struct expression_node *node)
{
	bool checked = is_checked(node);
	bool integer = node->type == TYPE_INTEGER;
	if (checked) {
		begin_check(writer, integer);
	}
	put(writer, "(");
	if (node->op == EXPRESSION_NEGATE) {
		put(writer, "0-");
		write_operand(writer, node->children[0], checked && integer);
	} else {
		write_operand(writer, node->children[0], checked && integer);
		put(writer, node->op == EXPRESSION_ADD ? "+" : node->op == EXPRESSION_SUBTRACT ? "-" : "*");
		write_node(writer, node->children[1]);
	}
	put(writer, ")");
	if (checked) {
		end_check(writer, node);
	}
}

static void write_converted(const struct writer *writer, const struct expression_node *node)
{
	if (node->type == TYPE_NUMBER) {
		write_call(writer, "CAST(", node, " AS DOUBLE)");
		return;
	}
	bool checked = is_checked(node);
	if (checked) {
		begin_check(writer, false);
	}
	write_call(writer, "CAST(", node, "");
	buf_printf(&writer->sql->text, " AS DECIMAL(%d,%d))", WIDE_DIGITS, node->scale);
	if (checked) {
		end_check(writer, node);
	}
}

/* ---- nodes ---- */

static void write_node(const struct writer *writer, const struct expression_node *node)
{
	switch (node->op) {
	case EXPRESSION_FIELD:
		write_field(writer, node);
		return;
	case EXPRESSION_LITERAL:
		write_literal(writer, node);
		return;
	case EXPRESSION_DIVIDE:
	case EXPRESSION_REMAINDER:
		write_divided(writer, node);
		return;
	case EXPRESSION_NEGATE:
	case EXPRESSION_ADD:
	case EXPRESSION_SUBTRACT:
	case EXPRESSION_MULTIPLY:
		write_arithmetic(writer, node);
		return;
	case EXPRESSION_JOIN:
		write_call(writer, "CONCAT(", node, ")");
		return;
	case EXPRESSION_COALESCE:
		write_call(writer, "COALESCE(", node, ")");
		return;
	case EXPRESSION_LENGTH:
		write_call(writer, "CHAR_LENGTH(", node, ")");
		return;
	case EXPRESSION_TODAY:
		write_today(writer);
		return;
	case EXPRESSION_YEARS_SINCE:
		write_call(writer, "TIMESTAMPDIFF(YEAR,", node, ",");
		write_today(writer);
		put(writer, ")");
		return;
	case EXPRESSION_CONVERT:
		write_converted(writer, node);
		return;
	}
	assert(false);
}

void sql_write_expression(struct sql *sql, size_t alias, const struct expression *expression)
{
	const struct expression_node *root = expression->root;
	const struct field *result = expression->result;
	const struct writer writer = {sql, alias};
	if (sql->dialect->expression != NULL) {
		sql->dialect->expression(sql, alias, expression);
		return;
	}
	bool checked = result->type == TYPE_DECIMAL && !root->null &&
		digits_of(root) >= (size_t)result->precision;
	if (checked) {
		begin_check(&writer, false);
	}
	write_node(&writer, root);
	if (checked) {
		end_decimal_check(&writer, result->precision, result->scale);
	}
}
