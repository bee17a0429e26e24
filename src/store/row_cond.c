#include <assert.h>

#include "query/expression.h"
#include "query/fetch.h"
#include "store/row.h"

static const struct value null_value = {.kind = VALUE_NULL};

/* ---- values ---- */

struct value row_keep(struct row_view *view, struct value value)
{
	if (value.kind == VALUE_TEXT) {
		value.text = arena_copy(&view->arena, value.text);
	}
	return value;
}

struct value row_path(struct row_view *view, const struct json_path *path, const struct value *json)
{
	struct buf scratch;
	buf_init(&scratch, SIZE_MAX);
	struct value value = row_keep(view, term_path(path, json, &scratch));
	buf_finish(&scratch);
	return value;
}

static bool has_values(const struct row *row, const struct field_list *fields,
					   const struct value *values)
{
	for (size_t i = 0; i < fields->count; i++) {
		if (!row_equal(&row->values[fields->items[i]->number], &values[i])) {
			return false;
		}
	}
	return true;
}

static const struct value *values_of(struct row_view *view, const struct field_list *fields,
									 const struct value *row)
{
	struct value *values = ARENA_ARRAY(&view->arena, fields->count, struct value);
	for (size_t i = 0; i < fields->count; i++) {
		values[i] = row[fields->items[i]->number];
	}
	return values;
}

static struct value computed(struct row_view *view, const struct expression *expression,
							 const struct value *row)
{
	struct value *values = ARENA_ARRAY(&view->arena, expression->field_count, struct value);
	for (size_t i = 0; i < expression->field_count; i++) {
		values[i] = row[expression->fields[i]->number];
	}
	return expression_eval(expression, values, view->today, &view->arena);
}

struct value row_term(struct row_view *view, const struct term *term, const struct value *values)
{
	for (size_t i = 0; i < term->through_count; i++) {
		const struct relation *relation = term->through[i];
		const struct row_list *rows = view->rows(view, relation->to);
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
	return term->path == NULL ? *value : row_path(view, term->path, value);
}

/* ---- what is fetched ---- */

struct value row_cast(struct row_view *view, const struct field *from, const struct field *to,
					  struct value value)
{
	struct buf scratch;
	struct value made = null_value;
	if (to == NULL) {
		return value;
	}
	if (view->failed) {
		/* Nobody will see it, but it is compared with others of its type. */
		return null_value;
	}
	buf_init(&scratch, SIZE_MAX);
	view->failed = !term_cast(from, to, &value, &scratch, &made, view->error);
	made = row_keep(view, made);
	buf_finish(&scratch);
	return made;
}

struct value row_fetch_inner(struct row_view *view, const struct query_fetch *fetch,
							 const struct value *values)
{
	struct value value = row_term(view, &fetch->term, values);
	return row_cast(view, fetch_term_type(&fetch->term), fetch->cast, value);
}

struct value row_fetch(struct row_view *view, const struct query_fetch *fetch,
					   const struct value *values)
{
	assert(fetch->aggregate == AGGREGATE_NONE);
	return row_cast(view, fetch_inner_type(fetch), fetch->result_cast,
					row_fetch_inner(view, fetch, values));
}

/* ---- related rows ---- */

struct row_list row_related(struct row_view *view, const struct query_embed *embed,
							const struct value *keys)
{
	const struct relation *relation = embed->relation;
	const struct row_list *all = view->rows(view, relation->to);
	struct row_list related = {.count = 0};
	for (size_t i = 0; i < all->count; i++) {
		struct row *row = all->items[i];
		if (relation->junction == NULL) {
			if (has_values(row, &relation->to_fields, keys)) {
				row_list_add(&related, row);
			}
			continue;
		}
		const struct row_list *pairs = view->rows(view, relation->junction);
		const struct reference *to = relation->junction_to;
		const struct value *own = values_of(view, &to->target_fields, row->values);
		for (size_t k = 0; k < pairs->count; k++) {
			if (has_values(pairs->items[k], &relation->junction_from->fields, keys) &&
				has_values(pairs->items[k], &to->fields, own)) {
				row_list_add(&related, row);
			}
		}
	}
	struct row_list matching = row_matching(view, embed->query.where, &related);
	row_list_finish(&related);
	return matching;
}

/* ---- conditions ---- */

static enum truth truth_of(bool so)
{
	return so ? IS_SO : IS_NOT;
}

static enum truth matches(struct row_view *view, const struct cond *cond, const struct value *value)
{
	enum truth truth = MAY_BE;
	assert(cond->compiled.kind == VALUE_POINTER);
	if (!view->failed &&
		!term_matches(cond->op, value, cond->compiled.pointer, &truth, view->error)) {
		view->failed = true;
	}
	return truth;
}

static enum truth compare(struct row_view *view, const struct cond *cond, const struct value *value)
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

static enum truth exists(struct row_view *view, const struct query_embed *embed,
						 const struct value *values)
{
	const struct value *keys = values_of(view, &embed->relation->from_fields, values);
	struct row_list rows = row_related(view, embed, keys);
	bool any = rows.count > embed->query.offset && embed->query.limit > 0;
	row_list_finish(&rows);
	return truth_of(any);
}

/* The least of all for AND, the greatest for OR. */
static enum truth group(struct row_view *view, const struct cond *cond, const struct value *values)
{
	enum truth truth = cond->kind == COND_AND ? IS_SO : IS_NOT;
	for (size_t i = 0; i < cond->child_count; i++) {
		enum truth child = row_holds(view, cond->children[i], values);
		if (cond->kind == COND_AND ? child < truth : child > truth) {
			truth = child;
		}
	}
	return truth;
}

enum truth row_holds(struct row_view *view, const struct cond *cond, const struct value *values)
{
	if (cond == NULL) {
		return IS_SO;
	}
	struct value value = null_value;
	if (cond->field != NULL) {
		const struct term term = {.field = cond->field, .path = cond->path};
		value = row_term(view, &term, values);
	}
	switch (cond->kind) {
	case COND_AND:
	case COND_OR:
		return group(view, cond, values);
	case COND_NOT:
		return (enum truth)(IS_SO - row_holds(view, cond->children[0], values));
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

struct row_list row_matching(struct row_view *view, const struct cond *where,
							 const struct row_list *rows)
{
	struct row_list matching = {.count = 0};
	for (size_t i = 0; i < rows->count; i++) {
		if (row_holds(view, where, rows->items[i]->values) == IS_SO) {
			row_list_add(&matching, rows->items[i]);
		}
	}
	return matching;
}
