#include <assert.h>
#include <math.h>

#include "codec/utf8.h"
#include "query/expression_priv.h"

struct evaluator {
	const struct expression *expression;
	const struct value *values;
	int64_t today;
	struct arena *arena;
};

static const struct value null_value = {.kind = VALUE_NULL};

static struct value make_integer(int64_t integer)
{
	return (struct value){.kind = VALUE_INTEGER, .integer = integer};
}

/* Null when it is not finite; never a negative zero. */
static struct value make_number(double number)
{
	return isfinite(number) ? (struct value){.kind = VALUE_NUMBER, .number = number + 0.0}
							: null_value;
}

/* A decimal of so many digits, scaled; null when it is too large. */
static struct value make_decimal(__int128 number, int digits)
{
	int64_t most = expression_power(digits) - 2;
	return number > most || number < -most ? null_value : make_integer((int64_t)number);
}

/* As the type of the node says. */
static struct value make_exact(const struct expression_node *node, __int128 number)
{
	if (node->type == TYPE_DECIMAL) {
		return make_decimal(number, EXPRESSION_DIGITS);
	}
	return number > EXPRESSION_MOST || number < EXPRESSION_LEAST ? null_value
																 : make_integer((int64_t)number);
}

/* ---- fields ---- */

static bool is_day(int64_t day)
{
	return day >= DATE_FIRST_DAY && day <= DATE_LAST_DAY;
}

/* Is the number one that a field of this type can have? */
static bool is_in_range(enum type type, int64_t integer)
{
	if (type == TYPE_DATE) {
		return is_day(integer);
	}
	if (type == TYPE_TIME) {
		return integer >= 0 && integer < DATE_DAY_MICROS;
	}
	return type != TYPE_DATETIME || is_day(integer / DATE_DAY_MICROS);
}

/* A table that others made may hold what is of no use here. */
static struct value read_field(const struct evaluator *evaluator,
							   const struct expression_node *node)
{
	const struct value *value = &evaluator->values[node->number];
	if (node->type == TYPE_TEXT || node->type == TYPE_UUID) {
		return value->kind == VALUE_TEXT ? *value : null_value;
	}
	if (node->type == TYPE_NUMBER && value->kind == VALUE_NUMBER) {
		return make_number(value->number);
	}
	if (value->kind != VALUE_INTEGER || !is_in_range(node->type, value->integer)) {
		return null_value;
	}
	if (node->type == TYPE_NUMBER) {
		return make_number((double)value->integer);
	}
	return node->type == TYPE_BOOLEAN ? make_integer(value->integer != 0) : *value;
}

/* ---- numbers ---- */

static struct value compute_number(enum expression_op op, double a, double b)
{
	if (op == EXPRESSION_DIVIDE) {
		return b == 0 ? null_value : make_number(a / b);
	}
	return make_number(op == EXPRESSION_ADD ? a + b : op == EXPRESSION_SUBTRACT ? a - b : a * b);
}

static struct value compute_exact(const struct expression_node *node, int64_t a, int64_t b)
{
	enum expression_op op = node->op;
	if (op == EXPRESSION_ADD) {
		return make_exact(node, (__int128)a + b);
	}
	if (op == EXPRESSION_SUBTRACT) {
		return make_exact(node, (__int128)a - b);
	}
	if (op == EXPRESSION_MULTIPLY) {
		return make_exact(node, (__int128)a * b);
	}
	/* The least integer of all has no counterpart to be divided to. */
	if (b == 0 || a == INT64_MIN) {
		return null_value;
	}
	return make_exact(node, op == EXPRESSION_DIVIDE ? a / b : a % b);
}

static struct value negate(const struct expression_node *node, const struct value *value)
{
	return value->kind == VALUE_NUMBER ? make_number(-value->number)
									   : make_exact(node, -(__int128)value->integer);
}

static struct value convert(const struct expression_node *node, const struct value *value)
{
	const struct expression_node *from = node->children[0];
	if (node->type == TYPE_NUMBER) {
		return make_number((double)value->integer / (double)expression_power(from->scale));
	}
	return make_exact(node, (__int128)value->integer * expression_power(node->scale - from->scale));
}

/* ---- texts ---- */

static struct value join(struct arena *arena, struct str a, struct str b)
{
	char *bytes = arena_bytes(arena, a.len + b.len + 1);
	if (a.len > 0) {
		memcpy(bytes, a.ptr, a.len);
	}
	if (b.len > 0) {
		memcpy(bytes + a.len, b.ptr, b.len);
	}
	return (struct value){.kind = VALUE_TEXT, .text = {bytes, a.len + b.len}};
}

/* ---- nodes ---- */

static struct value eval(const struct evaluator *evaluator, const struct expression_node *node);

static struct value coalesce(const struct evaluator *evaluator, const struct expression_node *node)
{
	struct value value = null_value;
	for (size_t i = 0; i < node->child_count && value.kind == VALUE_NULL; i++) {
		value = eval(evaluator, node->children[i]);
	}
	return value;
}

/* Of values that are not null. */
static struct value apply(const struct evaluator *evaluator, const struct expression_node *node,
						  const struct value *a, const struct value *b)
{
	switch (node->op) {
	case EXPRESSION_NEGATE:
		return negate(node, a);
	case EXPRESSION_ADD:
	case EXPRESSION_SUBTRACT:
	case EXPRESSION_MULTIPLY:
	case EXPRESSION_DIVIDE:
	case EXPRESSION_REMAINDER:
		return node->type == TYPE_NUMBER ? compute_number(node->op, a->number, b->number)
										 : compute_exact(node, a->integer, b->integer);
	case EXPRESSION_JOIN:
		return join(evaluator->arena, a->text, b->text);
	case EXPRESSION_LENGTH:
		return make_integer((int64_t)utf8_length(a->text));
	case EXPRESSION_YEARS_SINCE:
		return make_integer(date_years_between(a->integer, evaluator->today));
	case EXPRESSION_CONVERT:
		return convert(node, a);
	case EXPRESSION_FIELD:
	case EXPRESSION_LITERAL:
	case EXPRESSION_TODAY:
	case EXPRESSION_COALESCE:
		break;
	}
	assert(false);
	return null_value;
}

static struct value eval(const struct evaluator *evaluator, const struct expression_node *node)
{
	enum { MOST_OPERANDS = 2 };
	struct value values[MOST_OPERANDS] = {null_value, null_value};
	if (node->null) {
		return null_value;
	}
	if (node->op == EXPRESSION_FIELD) {
		return read_field(evaluator, node);
	}
	if (node->op == EXPRESSION_LITERAL) {
		return node->literal;
	}
	if (node->op == EXPRESSION_TODAY) {
		return make_integer(evaluator->today);
	}
	if (node->op == EXPRESSION_COALESCE) {
		return coalesce(evaluator, node);
	}
	assert(node->child_count >= 1 && node->child_count <= MOST_OPERANDS);
	for (size_t i = 0; i < node->child_count; i++) {
		values[i] = eval(evaluator, node->children[i]);
		if (values[i].kind == VALUE_NULL) {
			return null_value;
		}
	}
	return apply(evaluator, node, &values[0], &values[1]);
}

struct value expression_eval(const struct expression *expression, const struct value *values,
							 int64_t today, struct arena *arena)
{
	const struct evaluator evaluator = {expression, values, today, arena};
	const struct field *result = expression->result;
	struct value value = eval(&evaluator, expression->root);
	if (value.kind == VALUE_INTEGER && result->type == TYPE_DECIMAL) {
		return make_decimal(value.integer, result->precision);
	}
	return value;
}
