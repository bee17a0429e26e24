#include "query/new_row.h"

#include <assert.h>

#include "query/cond.h"

struct row {
	enum new_value (*find)(const void *context, const struct field *field, struct value *ret_value);
	const void *context;
	struct arena *arena;
};

enum truth { IS_NOT, MAY_BE, IS_SO };

static enum truth truth_of(bool so)
{
	return so ? IS_SO : IS_NOT;
}

static enum truth compare(const struct cond *cond, const struct value *value)
{
	const struct value *other = &cond->operand.value;
	bool null = value->kind == VALUE_NULL || other->kind == VALUE_NULL;
	if (cond->op == OPERATOR_ISDISTINCT) {
		return truth_of(value_compare(value, other) != 0); /* nulls are equal */
	}
	int order = null ? 0 : value_compare(value, other);
	bool so = cond->op == OPERATOR_EQ ? order == 0
		: cond->op == OPERATOR_NEQ    ? order != 0
		: cond->op == OPERATOR_GT     ? order > 0
		: cond->op == OPERATOR_GTE    ? order >= 0
		: cond->op == OPERATOR_LT     ? order < 0
									  : order <= 0;
	assert(cond->op <= OPERATOR_LTE);
	return null ? MAY_BE : truth_of(so);
}

static enum truth in(const struct cond *cond, const struct value *value)
{
	for (size_t i = 0; i < cond->item_count; i++) {
		if (value->kind != VALUE_NULL && value_compare(value, &cond->items[i].value) == 0) {
			return IS_SO;
		}
	}
	return value->kind == VALUE_NULL && cond->item_count > 0 ? MAY_BE : IS_NOT;
}

static enum truth is(enum is_what what, const struct value *value)
{
	bool null = value->kind == VALUE_NULL;
	switch (what) {
	case IS_NULL:
	case IS_UNKNOWN:
		return truth_of(null);
	case IS_NOT_NULL:
		return truth_of(!null);
	case IS_TRUE:
		return truth_of(!null && value->integer != 0);
	case IS_FALSE:
		return truth_of(!null && value->integer == 0);
	}
	assert(false);
	return IS_NOT;
}

static enum truth leaf_truth(const struct cond *leaf, const struct value *value)
{
	switch (leaf->kind) {
	case COND_COMPARE:
		return compare(leaf, value);
	case COND_IN:
		return in(leaf, value);
	case COND_IS:
		return is(leaf->is, value);
	case COND_AND:
	case COND_OR:
	case COND_NOT:
	case COND_EXISTS:
		break;
	}
	assert(false);
	return IS_NOT;
}

/* What is neither true nor false is not true; under NOT, which stands over leaves, neither. */
static enum new_row check_leaf(const struct row *row, const struct cond *leaf, bool negated)
{
	struct value value;
	assert(leaf->path == NULL && leaf->field != NULL);
	enum new_value found = row->find(row->context, leaf->field, &value);
	if (found == NEW_KEPT) {
		return NEW_ROW_DEPENDS;
	}
	enum truth wanted = negated ? IS_NOT : IS_SO;
	return found == NEW_VALUE && leaf_truth(leaf, &value) == wanted ? NEW_ROW_PASSES
																	: NEW_ROW_FAILS;
}

static enum new_row check(const struct row *row, const struct cond *cond,
						  const struct cond **ret_rest);

static enum new_row check_group(const struct row *row, const struct cond *cond,
								const struct cond **ret_rest)
{
	bool is_and = cond->kind == COND_AND;
	enum new_row decides = is_and ? NEW_ROW_FAILS : NEW_ROW_PASSES;
	const struct cond **rest = ARENA_ARRAY(row->arena, cond->child_count, const struct cond *);
	size_t count = 0;
	bool same = true;
	for (size_t i = 0; i < cond->child_count; i++) {
		enum new_row child = check(row, cond->children[i], &rest[count]);
		if (child == decides) {
			return child;
		}
		same = same && child == NEW_ROW_DEPENDS && rest[count] == cond->children[i];
		count += child == NEW_ROW_DEPENDS ? 1 : 0;
	}
	if (count == 0) {
		return is_and ? NEW_ROW_PASSES : NEW_ROW_FAILS;
	}
	*ret_rest = same ? cond : cond_join(row->arena, cond->kind, rest, count);
	return NEW_ROW_DEPENDS;
}

static enum new_row check(const struct row *row, const struct cond *cond,
						  const struct cond **ret_rest)
{
	if (cond->kind == COND_AND || cond->kind == COND_OR) {
		return check_group(row, cond, ret_rest);
	}
	bool negated = cond->kind == COND_NOT;
	*ret_rest = cond;
	return check_leaf(row, negated ? cond->children[0] : cond, negated);
}

enum new_row new_row_check(const struct cond *rule,
						   enum new_value (*find)(const void *context, const struct field *field,
												  struct value *ret_value),
						   const void *context, struct arena *arena, const struct cond **ret_rest)
{
	const struct row row = {find, context, arena};
	return rule == NULL ? NEW_ROW_PASSES : check(&row, rule, ret_rest);
}
