/*
 * DESIGN. Each node gets its type from those of its children, from the leaves up. Where numbers of
 * several types meet, EXPRESSION_CONVERT makes them one, so that evaluation and SQL never choose.
 */
#include "query/expression.h"

#include <assert.h>

#include "query/expression_priv.h"

struct typer {
	const struct resource *resource;
	struct expression *expression;
	struct arena *arena;
	struct error *error;
};

static const char *const operator_words[] = {
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
};

static bool is_number(const struct expression_node *node)
{
	return node->null || node->type == TYPE_INTEGER || node->type == TYPE_NUMBER ||
		node->type == TYPE_DECIMAL;
}

/* ---- fields ---- */

static bool fail_field(struct typer *typer, const struct expression_node *node)
{
	struct str nearest = resource_nearest_field(typer->resource, node->name);
	error_set_at(typer->error, ERROR_CONFIG, node->at, "there is no field \"%.*s\"",
				 STR_ARG(str_slice(node->name, 0, 60)));
	return nearest.len == 0 || error_hint(typer->error, "did you mean \"%.*s\"?", STR_ARG(nearest));
}

/* Where it stands among the fields of the expression. */
static bool add_field(struct typer *typer, struct expression_node *node)
{
	struct expression *expression = typer->expression;
	size_t number = 0;
	while (number < expression->field_count && expression->fields[number] != node->field) {
		number++;
	}
	node->number = number;
	if (number < expression->field_count) {
		return true;
	}
	if (number == EXPRESSION_FIELDS) {
		return error_set_at(typer->error, ERROR_CONFIG, node->at,
							"the expression has more than %d fields", EXPRESSION_FIELDS);
	}
	expression->fields[expression->field_count++] = node->field;
	return true;
}

static bool type_field(struct typer *typer, struct expression_node *node)
{
	const struct field *field = resource_field(typer->resource, node->name);
	if (field == NULL) {
		(void)fail_field(typer, node);
		return false;
	}
	if (field_is_computed(field)) {
		return error_set_at(typer->error, ERROR_CONFIG, node->at,
							"the field \"%.*s\" is computed itself", STR_ARG(field->name));
	}
	if (field->type == TYPE_JSON) {
		return error_set_at(typer->error, ERROR_CONFIG, node->at,
							"the field \"%.*s\" is json, which no expression takes",
							STR_ARG(field->name));
	}
	node->field = field;
	node->type = field->type;
	node->scale = field->scale;
	return add_field(typer, node);
}

/* ---- numbers ---- */

static struct expression_node *convert(struct typer *typer, struct expression_node *node,
									   enum type type, int scale)
{
	if (node->null || (node->type == type && node->scale == scale)) {
		return node;
	}
	struct expression_node *made = ARENA_NEW(typer->arena, struct expression_node);
	made->op = EXPRESSION_CONVERT;
	made->at = node->at;
	made->type = type;
	made->scale = scale;
	made->height = node->height + 1;
	made->children = ARENA_NEW(typer->arena, struct expression_node *);
	made->children[0] = node;
	made->child_count = 1;
	return made;
}

static void convert_children(struct typer *typer, struct expression_node *node, enum type type,
							 int scale)
{
	for (size_t i = 0; i < node->child_count; i++) {
		node->children[i] = convert(typer, node->children[i], type, scale);
	}
}

static bool fail_type(struct typer *typer, const struct expression_node *node, const char *wanted,
					  const struct expression_node *child)
{
	return error_set_at(typer->error, ERROR_CONFIG, child->at, "%s takes %s, not %s",
						operator_words[node->op], wanted, value_type_name(child->type));
}

/* The narrowest type that all children have or become; false when there is none. *ret_type is
 * untouched when all are null. */
static bool common_type(const struct expression_node *node, struct expression_node *ret_type)
{
	ret_type->null = true;
	for (size_t i = 0; i < node->child_count; i++) {
		const struct expression_node *child = node->children[i];
		if (child->null) {
			continue;
		}
		if (ret_type->null) {
			ret_type->null = false;
			ret_type->type = child->type;
			ret_type->scale = child->scale;
			continue;
		}
		if (child->type == TYPE_DECIMAL && child->scale > ret_type->scale) {
			ret_type->scale = child->scale;
		}
		if (child->type == ret_type->type) {
			continue;
		}
		if (!is_number(child) || !is_number(ret_type)) {
			return false;
		}
		bool decimal = child->type != TYPE_NUMBER && ret_type->type != TYPE_NUMBER;
		ret_type->type = decimal ? TYPE_DECIMAL : TYPE_NUMBER;
	}
	ret_type->scale = ret_type->type == TYPE_DECIMAL ? ret_type->scale : 0;
	return true;
}

static bool take_common(struct typer *typer, struct expression_node *node)
{
	struct expression_node common = {.null = true};
	if (!common_type(node, &common)) {
		return false;
	}
	node->null = common.null;
	node->type = common.type;
	node->scale = common.scale;
	convert_children(typer, node, node->type, node->scale);
	return true;
}

/* Digits behind the point add up. */
static bool type_product(struct typer *typer, struct expression_node *node)
{
	struct expression_node *left = node->children[0];
	struct expression_node *right = node->children[1];
	node->null = left->null && right->null;
	if (left->null || right->null || left->type == TYPE_NUMBER || right->type == TYPE_NUMBER) {
		return take_common(typer, node);
	}
	bool decimal = left->type == TYPE_DECIMAL || right->type == TYPE_DECIMAL;
	node->type = decimal ? TYPE_DECIMAL : TYPE_INTEGER;
	node->scale = left->scale + right->scale;
	return node->scale <= EXPRESSION_DIGITS ||
		error_set_at(typer->error, ERROR_CONFIG, node->at,
					 "the product has more than %d digits behind the point", EXPRESSION_DIGITS);
}

static bool type_quotient(struct typer *typer, struct expression_node *node)
{
	if (!take_common(typer, node) || node->type != TYPE_DECIMAL) {
		return true;
	}
	/* Of decimals, as of numbers. */
	for (size_t i = 0; i < node->child_count; i++) {
		struct expression_node *child = node->children[i];
		bool made = child->op == EXPRESSION_CONVERT;
		node->children[i] = convert(typer, made ? child->children[0] : child, TYPE_NUMBER, 0);
	}
	node->type = TYPE_NUMBER;
	node->scale = 0;
	return true;
}

static bool type_arithmetic(struct typer *typer, struct expression_node *node)
{
	for (size_t i = 0; i < node->child_count; i++) {
		const struct expression_node *child = node->children[i];
		if (!is_number(child)) {
			return fail_type(typer, node, "numbers", child);
		}
		if (node->op == EXPRESSION_REMAINDER && !child->null && child->type != TYPE_INTEGER) {
			return fail_type(typer, node, "integers", child);
		}
	}
	if (node->op == EXPRESSION_MULTIPLY) {
		return type_product(typer, node);
	}
	return node->op == EXPRESSION_DIVIDE ? type_quotient(typer, node) : take_common(typer, node);
}

/* ---- functions ---- */

static bool type_coalesce(struct typer *typer, struct expression_node *node)
{
	if (take_common(typer, node)) {
		return true;
	}
	const struct expression_node *first = node->children[0];
	for (size_t i = 1; i < node->child_count; i++) {
		const struct expression_node *child = node->children[i];
		bool fits = child->null || first->type == child->type ||
			(is_number(first) && is_number(child));
		if (!first->null && !fits) {
			return error_set_at(typer->error, ERROR_CONFIG, child->at,
								"coalesce takes values of one type, not %s and %s",
								value_type_name(first->type), value_type_name(child->type));
		}
		first = first->null ? child : first;
	}
	assert(false);
	return false;
}

/* All children are of one type, as the result is of another. */
static bool type_call(struct typer *typer, struct expression_node *node, enum type wanted,
					  const char *shown, enum type result)
{
	for (size_t i = 0; i < node->child_count; i++) {
		const struct expression_node *child = node->children[i];
		if (!child->null && child->type != wanted) {
			return fail_type(typer, node, shown, child);
		}
	}
	node->type = result;
	return true;
}

static bool type_node(struct typer *typer, struct expression_node *node)
{
	for (size_t i = 0; i < node->child_count; i++) {
		if (!type_node(typer, node->children[i])) {
			return false;
		}
	}
	switch (node->op) {
	case EXPRESSION_FIELD:
		return type_field(typer, node);
	case EXPRESSION_NEGATE:
	case EXPRESSION_ADD:
	case EXPRESSION_SUBTRACT:
	case EXPRESSION_MULTIPLY:
	case EXPRESSION_DIVIDE:
	case EXPRESSION_REMAINDER:
		return type_arithmetic(typer, node);
	case EXPRESSION_JOIN:
		return type_call(typer, node, TYPE_TEXT, "texts", TYPE_TEXT);
	case EXPRESSION_COALESCE:
		return type_coalesce(typer, node);
	case EXPRESSION_LENGTH:
		return type_call(typer, node, TYPE_TEXT, "a text", TYPE_INTEGER);
	case EXPRESSION_TODAY:
		typer->expression->uses_today = true;
		node->type = TYPE_DATE;
		return true;
	case EXPRESSION_YEARS_SINCE:
		typer->expression->uses_today = true;
		return type_call(typer, node, TYPE_DATE, "a date", TYPE_INTEGER);
	case EXPRESSION_LITERAL:
	case EXPRESSION_CONVERT:
		break;
	}
	return true;
}

/* The whole has the type of the field, or becomes it. */
static bool type_result(struct typer *typer, struct expression_node **root)
{
	const struct field *result = typer->expression->result;
	const struct expression_node *node = *root;
	bool fits = node->null || node->type == result->type ||
		(result->type == TYPE_NUMBER && is_number(node)) ||
		(result->type == TYPE_DECIMAL && node->type == TYPE_INTEGER);
	if (!fits) {
		return error_set_at(typer->error, ERROR_CONFIG, node->at,
							"the expression is of the type %s, the field of the type %s",
							value_type_name(node->type), value_type_name(result->type));
	}
	if (result->type == TYPE_DECIMAL && !node->null && node->scale > result->scale) {
		return error_set_at(
			typer->error, ERROR_CONFIG, node->at,
			"the expression has %d digits behind the point, more than the field's %d", node->scale,
			result->scale);
	}
	*root = convert(typer, *root, result->type, result->scale);
	return true;
}

const struct expression *expression_read(struct str text, const struct resource *resource,
										 const struct field *result, struct arena *arena,
										 struct error *error)
{
	struct expression *expression = ARENA_NEW(arena, struct expression);
	struct typer typer = {resource, expression, arena, error};
	struct expression_node *root = expression_parse(text, arena, error);
	expression->result = result;
	expression->fields = ARENA_ARRAY(arena, EXPRESSION_FIELDS, const struct field *);
	if (root == NULL || !type_node(&typer, root) || !type_result(&typer, &root)) {
		return NULL;
	}
	expression->root = root;
	return expression;
}
