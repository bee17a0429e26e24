#include <assert.h>

#include "query/expression.h"
#include "store/memory_priv.h"

static const struct value null_value = {.kind = VALUE_NULL};

/* ---- values ---- */

struct value memory_keep(struct memory_view *view, struct value value)
{
	if (value.kind == VALUE_TEXT) {
		value.text = arena_copy(&view->arena, value.text);
	}
	return value;
}

struct value memory_path(struct memory_view *view, const struct json_path *path,
						 const struct value *json)
{
	struct buf scratch;
	buf_init(&scratch, SIZE_MAX);
	struct value value = memory_keep(view, term_path(path, json, &scratch));
	buf_finish(&scratch);
	return value;
}

static bool has_values(const struct memory_row *row, const struct field_list *fields,
					   const struct value *values)
{
	for (size_t i = 0; i < fields->count; i++) {
		if (!memory_equal(&row->values[fields->items[i]->number], &values[i])) {
			return false;
		}
	}
	return true;
}

static const struct value *values_of(struct memory_view *view, const struct field_list *fields,
									 const struct value *row)
{
	struct value *values = ARENA_ARRAY(&view->arena, fields->count, struct value);
	for (size_t i = 0; i < fields->count; i++) {
		values[i] = row[fields->items[i]->number];
	}
	return values;
}

static struct value computed(struct memory_view *view, const struct expression *expression,
							 const struct value *row)
{
	struct value *values = ARENA_ARRAY(&view->arena, expression->field_count, struct value);
	for (size_t i = 0; i < expression->field_count; i++) {
		values[i] = row[expression->fields[i]->number];
	}
	return expression_eval(expression, values, view->today, &view->arena);
}

struct value memory_term(struct memory_view *view, const struct term *term,
						 const struct value *values)
{
	for (size_t i = 0; i < term->through_count; i++) {
		const struct relation *relation = term->through[i];
		const struct memory_rows *rows = memory_view_rows(view, relation->to);
		const struct value *keys = values_of(view, &relation->from_fields, values);
		size_t row = 0;
		while (row < rows->count && !has_values(rows->items[row], &relation->to_fields, keys)) {
			row++;
		}
		if (row == rows->count) {
			return null_value;
		}
		values = rows->items[row]->values;
	}
	if (term->field->expression != NULL) {
		return computed(view, term->field->expression, values);
	}
	const struct value *value = &values[term->field->number];
	return term->path == NULL ? *value : memory_path(view, term->path, value);
}

/* ---- related rows ---- */

struct memory_rows memory_related(struct memory_view *view, const struct query_embed *embed,
								  const struct value *keys)
{
	const struct relation *relation = embed->relation;
	const struct memory_rows *all = memory_view_rows(view, relation->to);
	struct memory_rows related = {.count = 0};
	for (size_t i = 0; i < all->count; i++) {
		struct memory_row *row = all->items[i];
		if (relation->junction == NULL) {
			if (has_values(row, &relation->to_fields, keys)) {
				memory_rows_add(&related, row);
			}
			continue;
		}
		const struct memory_rows *pairs = memory_view_rows(view, relation->junction);
		const struct reference *to = relation->junction_to;
		const struct value *own = values_of(view, &to->target_fields, row->values);
		for (size_t k = 0; k < pairs->count; k++) {
			if (has_values(pairs->items[k], &relation->junction_from->fields, keys) &&
				has_values(pairs->items[k], &to->fields, own)) {
				memory_rows_add(&related, row);
			}
		}
	}
	struct memory_rows matching = memory_matching(view, embed->query.where, &related);
	memory_rows_finish(&related);
	return matching;
}

/* ---- conditions ---- */

static enum truth truth_of(bool so)
{
	return so ? IS_SO : IS_NOT;
}

static enum truth matches(struct memory_view *view, const struct cond *cond,
						  const struct value *value)
{
	enum truth truth = MAY_BE;
	assert(cond->compiled.kind == VALUE_POINTER);
	if (!view->failed &&
		!term_matches(cond->op, value, cond->compiled.pointer, &truth, view->error)) {
		view->failed = true;
	}
	return truth;
}

static enum truth compare(struct memory_view *view, const struct cond *cond,
						  const struct value *value)
{
	const struct value *other = &cond->operand.value;
	bool null = value->kind == VALUE_NULL || other->kind == VALUE_NULL;
	switch (cond->op) {
	case OPERATOR_EQ:
		return null ? MAY_BE : truth_of(value_compare(value, other) == 0);
	case OPERATOR_NEQ:
		return null ? MAY_BE : truth_of(value_compare(value, other) != 0);
	case OPERATOR_GT:
		return null ? MAY_BE : truth_of(value_compare(value, other) > 0);
	case OPERATOR_GTE:
		return null ? MAY_BE : truth_of(value_compare(value, other) >= 0);
	case OPERATOR_LT:
		return null ? MAY_BE : truth_of(value_compare(value, other) < 0);
	case OPERATOR_LTE:
		return null ? MAY_BE : truth_of(value_compare(value, other) <= 0);
	case OPERATOR_ISDISTINCT:
		return truth_of(value_compare(value, other) != 0); /* nulls are equal */
	case OPERATOR_LIKE:
	case OPERATOR_ILIKE:
	case OPERATOR_MATCH:
	case OPERATOR_IMATCH:
	case OPERATOR_FTS:
		return matches(view, cond, value);
	case OPERATOR_PLFTS:
	case OPERATOR_PHFTS:
	case OPERATOR_WFTS:
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

static enum truth exists(struct memory_view *view, const struct query_embed *embed,
						 const struct value *values)
{
	const struct value *keys = values_of(view, &embed->relation->from_fields, values);
	struct memory_rows rows = memory_related(view, embed, keys);
	bool any = rows.count > embed->query.offset && embed->query.limit > 0;
	memory_rows_finish(&rows);
	return truth_of(any);
}

/* The least of all for AND, the greatest for OR. */
static enum truth group(struct memory_view *view, const struct cond *cond,
						const struct value *values)
{
	enum truth truth = cond->kind == COND_AND ? IS_SO : IS_NOT;
	for (size_t i = 0; i < cond->child_count; i++) {
		enum truth child = memory_holds(view, cond->children[i], values);
		if (cond->kind == COND_AND ? child < truth : child > truth) {
			truth = child;
		}
	}
	return truth;
}

enum truth memory_holds(struct memory_view *view, const struct cond *cond,
						const struct value *values)
{
	if (cond == NULL) {
		return IS_SO;
	}
	struct value value = null_value;
	if (cond->field != NULL) {
		const struct term term = {.field = cond->field, .path = cond->path};
		value = memory_term(view, &term, values);
	}
	switch (cond->kind) {
	case COND_AND:
	case COND_OR:
		return group(view, cond, values);
	case COND_NOT:
		return (enum truth)(IS_SO - memory_holds(view, cond->children[0], values));
	case COND_COMPARE:
		return compare(view, cond, &value);
	case COND_IN:
		return in(cond, &value);
	case COND_IS:
		return truth_of(is(cond->is, &value));
	case COND_EXISTS:
		return exists(view, cond->embed, values);
	}
	assert(false);
	return IS_NOT;
}

struct memory_rows memory_matching(struct memory_view *view, const struct cond *where,
								   const struct memory_rows *rows)
{
	struct memory_rows matching = {.count = 0};
	for (size_t i = 0; i < rows->count; i++) {
		if (memory_holds(view, where, rows->items[i]->values) == IS_SO) {
			memory_rows_add(&matching, rows->items[i]);
		}
	}
	return matching;
}
