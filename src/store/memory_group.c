#include <assert.h>

#include "query/fetch.h"
#include "store/memory_priv.h"

static const struct value null_value = {.kind = VALUE_NULL};

/* ---- aggregates ---- */

/* One aggregate of one group. */
struct total {
	uint64_t count;    /* of values, or rows */
	__int128 integers; /* their exact sum */
	double numbers;    /* the sum as a double */
	struct value least;
	struct value greatest;
};

struct group {
	struct value *fetch;  /* those that are not aggregated */
	struct total *totals; /* of the others */
	struct group *next;
};

static void add_value(struct total *total, const struct value *value)
{
	if (value->kind == VALUE_NULL) {
		return;
	}
	if (value->kind == VALUE_INTEGER) {
		total->integers += value->integer;
		total->numbers += (double)value->integer;
	} else if (value->kind == VALUE_NUMBER) {
		total->numbers += value->number;
	}
	if (total->count == 0 || value_compare(value, &total->least) < 0) {
		total->least = *value;
	}
	if (total->count == 0 || value_compare(value, &total->greatest) > 0) {
		total->greatest = *value;
	}
	total->count++;
}

static struct value sum(struct row_view *view, const struct field *type, const struct total *total)
{
	if (type->type == TYPE_NUMBER) {
		return (struct value){.kind = VALUE_NUMBER, .number = total->numbers};
	}
	if (total->integers < INT64_MIN || total->integers > INT64_MAX) {
		if (!view->failed) {
			error_set(view->error, ERROR_OUT_OF_RANGE, "a sum is out of range for type integer");
		}
		view->failed = true;
		return null_value;
	}
	return (struct value){.kind = VALUE_INTEGER, .integer = (int64_t)total->integers};
}

/* That of scaled integers is scaled too. */
static struct value average(const struct field *type, const struct total *total)
{
	double number = total->numbers / (double)total->count;
	double scale = 1;
	for (int i = 0; type->type == TYPE_DECIMAL && i < type->scale; i++) {
		scale *= 10;
	}
	return (struct value){.kind = VALUE_NUMBER, .number = number / scale};
}

static struct value result_of(struct row_view *view, const struct query_fetch *fetch,
							  const struct total *total)
{
	if (fetch->aggregate == AGGREGATE_COUNT) {
		return (struct value){.kind = VALUE_INTEGER, .integer = (int64_t)total->count};
	}
	if (total->count == 0) {
		return null_value;
	}
	switch (fetch->aggregate) {
	case AGGREGATE_SUM:
		return sum(view, fetch_inner_type(fetch), total);
	case AGGREGATE_AVG:
		return average(fetch_inner_type(fetch), total);
	case AGGREGATE_MIN:
		return total->least;
	case AGGREGATE_MAX:
		return total->greatest;
	case AGGREGATE_NONE:
	case AGGREGATE_COUNT:
		break;
	}
	assert(false);
	return null_value;
}

/* ---- groups ---- */

/* Nulls are equal. */
static bool is_same_group(const struct query *query, const struct value *a, const struct value *b)
{
	for (size_t i = 0; i < query->fetch_count; i++) {
		if (query->fetch[i].aggregate == AGGREGATE_NONE && value_compare(&a[i], &b[i]) != 0) {
			return false;
		}
	}
	return true;
}

static struct group *make_group(struct row_view *view, const struct query *query)
{
	struct group *group = ARENA_NEW(&view->arena, struct group);
	group->fetch = ARENA_ARRAY(&view->arena, query->fetch_count, struct value);
	group->totals = ARENA_ARRAY(&view->arena, query->fetch_count, struct total);
	return group;
}

static void add_row(struct row_view *view, const struct query *query, const struct value *row,
					struct group *group)
{
	static const struct value one = {.kind = VALUE_INTEGER, .integer = 1};
	for (size_t i = 0; i < query->fetch_count; i++) {
		const struct query_fetch *fetch = &query->fetch[i];
		if (fetch->aggregate != AGGREGATE_NONE) {
			struct value value = fetch->term.field == NULL ? one
														   : row_fetch_inner(view, fetch, row);
			add_value(&group->totals[i], &value);
		}
	}
}

static const struct value *finish_group(struct row_view *view, const struct query *query,
										struct group *group)
{
	for (size_t i = 0; i < query->fetch_count; i++) {
		const struct query_fetch *fetch = &query->fetch[i];
		if (fetch->aggregate != AGGREGATE_NONE) {
			struct value value = result_of(view, fetch, &group->totals[i]);
			group->fetch[i] = row_cast(view, fetch_aggregated_type(fetch), fetch->result_cast,
									   value);
		}
	}
	return group->fetch;
}

static bool has_group_columns(const struct query *query)
{
	for (size_t i = 0; i < query->fetch_count; i++) {
		if (query->fetch[i].aggregate == AGGREGATE_NONE) {
			return true;
		}
	}
	return false;
}

const struct value **memory_group(struct row_view *view, const struct query *query,
								  const struct row_list *rows, size_t *ret_count)
{
	struct group *first = NULL;
	struct group **last = &first;
	size_t count = 0;
	if (!has_group_columns(query)) {
		/* One row, also of no rows. */
		*last = make_group(view, query);
		last = &(*last)->next;
		count++;
	}
	for (size_t i = 0; i < rows->count; i++) {
		const struct value *row = rows->items[i]->values;
		struct group *own = make_group(view, query);
		for (size_t k = 0; k < query->fetch_count; k++) {
			if (query->fetch[k].aggregate == AGGREGATE_NONE) {
				own->fetch[k] = row_fetch(view, &query->fetch[k], row);
			}
		}
		struct group *group = first;
		while (group != NULL && !is_same_group(query, group->fetch, own->fetch)) {
			group = group->next;
		}
		if (group == NULL) {
			group = own;
			*last = group;
			last = &group->next;
			count++;
		}
		add_row(view, query, row, group);
	}
	const struct value **groups = ARENA_ARRAY(&view->arena, count, const struct value *);
	for (size_t i = 0; first != NULL; first = first->next) {
		groups[i++] = finish_group(view, query, first);
	}
	*ret_count = count;
	return groups;
}
