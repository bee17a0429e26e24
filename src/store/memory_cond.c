#include <assert.h>

#include "store/memory_priv.h"

static enum truth truth_of(bool so)
{
	return so ? IS_SO : IS_NOT;
}

static enum truth compare(const struct cond *cond, const struct value *value)
{
	const struct value *other = &cond->operand.value;
	if (value->kind == VALUE_NULL || other->kind == VALUE_NULL) {
		return MAY_BE;
	}
	int order = value_compare(value, other);
	switch (cond->op) {
	case OPERATOR_EQ:
		return truth_of(order == 0);
	case OPERATOR_NEQ:
		return truth_of(order != 0);
	case OPERATOR_GT:
		return truth_of(order > 0);
	case OPERATOR_GTE:
		return truth_of(order >= 0);
	case OPERATOR_LT:
		return truth_of(order < 0);
	case OPERATOR_LTE:
		return truth_of(order <= 0);
	case OPERATOR_IN:
	case OPERATOR_IS:
		break;
	}
	assert(false);
	return IS_NOT;
}

/* Is it any of the items? An item that is null may be. */
static enum truth in(const struct cond *cond, const struct value *value)
{
	enum truth truth = IS_NOT;
	for (size_t i = 0; i < cond->item_count; i++) {
		const struct value *item = &cond->items[i].value;
		if (value->kind == VALUE_NULL || item->kind == VALUE_NULL) {
			truth = MAY_BE;
		} else if (value_compare(value, item) == 0) {
			return IS_SO;
		}
	}
	return truth;
}

static bool is(enum is_what what, const struct value *value)
{
	switch (what) {
	case IS_NULL:
	case IS_UNKNOWN:
		return value->kind == VALUE_NULL;
	case IS_NOT_NULL:
		return value->kind != VALUE_NULL;
	case IS_TRUE:
		return value->kind == VALUE_INTEGER && value->integer != 0;
	case IS_FALSE:
		return value->kind == VALUE_INTEGER && value->integer == 0;
	}
	assert(false);
	return false;
}

enum truth memory_holds(const struct cond *cond, const struct value *values)
{
	if (cond == NULL) {
		return IS_SO;
	}
	switch (cond->kind) {
	case COND_AND:
	case COND_OR: {
		/* The least of all for AND, the greatest for OR. */
		enum truth truth = cond->kind == COND_AND ? IS_SO : IS_NOT;
		for (size_t i = 0; i < cond->child_count; i++) {
			enum truth child = memory_holds(cond->children[i], values);
			if (cond->kind == COND_AND ? child < truth : child > truth) {
				truth = child;
			}
		}
		return truth;
	}
	case COND_NOT:
		return (enum truth)(IS_SO - memory_holds(cond->children[0], values));
	case COND_COMPARE:
		return compare(cond, &values[cond->field->number]);
	case COND_IN:
		return in(cond, &values[cond->field->number]);
	case COND_IS:
		return truth_of(is(cond->is, &values[cond->field->number]));
	}
	assert(false);
	return IS_NOT;
}

static int compare_by(const struct query_order *order, const struct memory_row *a,
					  const struct memory_row *b)
{
	const struct value *left = &a->values[order->field->number];
	const struct value *right = &b->values[order->field->number];
	bool left_null = left->kind == VALUE_NULL;
	bool right_null = right->kind == VALUE_NULL;
	if (left_null || right_null) {
		int nulls_last = left_null - right_null;
		return order->nulls_first ? -nulls_last : nulls_last;
	}
	int ascending = value_compare(left, right);
	return order->descending ? -ascending : ascending;
}

static int compare_rows(const void *a, const void *b, void *context)
{
	const struct query *query = context;
	struct memory_row *const *left = a;
	struct memory_row *const *right = b;
	for (size_t i = 0; i < query->order_count; i++) {
		int order = compare_by(&query->order[i], *left, *right);
		if (order != 0) {
			return order;
		}
	}
	return 0;
}

void memory_sort(const struct query *query, struct memory_rows *rows)
{
	if (rows->count > 1) {
		qsort_r(rows->items, rows->count, sizeof(*rows->items), compare_rows,
				(void *)(uintptr_t)query);
	}
}
