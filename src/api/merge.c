/*
 * DESIGN. Where the target of an upsert leads is known for each row that gives all its values: its
 * target. A row is looked for there with the rule and, when none is found, without: the one that
 * only the second finds is another's. A row that is found is read once more as one row, which keeps
 * it as it is on stores with locks of rows. A row that comes between these reads and the write is
 * told by the number of rows that were new.
 */
#include "api/merge.h"

#include <assert.h>

#include "api/call.h"
#include "base/map.h"
#include "query/cond.h"

struct target {
	const struct cond *where;
	bool seen; /* a row was there before */
};

struct merge {
	const struct query *query;
	struct query list; /* of the rows that a target is about */
	struct target *targets;
	size_t target_count;
	size_t untargeted; /* rows that meet none */
	struct arena *arena;
};

bool merge_is_guarded(const struct query *query)
{
	return query->action == QUERY_UPSERT && query->resolution == RESOLUTION_MERGE &&
		query->rules != NULL && query->rules->old != NULL;
}

/* ---- targets ---- */

static const struct value *given_value(const struct query *query, size_t row,
									   const struct field *field)
{
	for (size_t i = 0; i < query->given.count; i++) {
		if (query->given.items[i] == field) {
			return &query->values[row * query->given.count + i];
		}
	}
	return NULL;
}

/* Where the target leads for a row, with its values as text; NULL: it meets no row. */
static const struct cond *find_target(struct merge *merge, size_t row, struct buf *text)
{
	const struct query *query = merge->query;
	const struct field_list *fields = &query->conflict;
	const struct cond **pins = ARENA_ARRAY(merge->arena, fields->count, const struct cond *);
	for (size_t i = 0; i < fields->count; i++) {
		const struct value *value = given_value(query, row, fields->items[i]);
		if (value == NULL || value->kind == VALUE_ABSENT || value->kind == VALUE_NULL) {
			return NULL;
		}
		struct cond *pin = ARENA_NEW(merge->arena, struct cond);
		pin->kind = COND_COMPARE;
		pin->op = OPERATOR_EQ;
		pin->field = fields->items[i];
		pin->type = fields->items[i];
		pin->operand = (struct operand){.value = *value, .parameter = -1};
		pins[i] = pin;
		size_t from = text->len;
		value_write_text(text, pin->field, value);
		buf_printf(text, ":%zu,", text->len - from);
	}
	const struct cond *all = cond_join(merge->arena, COND_AND, pins, fields->count);
	return cond_both(merge->arena, all, query->conflict_where);
}

/* Each target once. */
static void find_targets(struct merge *merge)
{
	struct map found;
	struct buf text;
	map_init(&found);
	buf_init(&text, SIZE_MAX);
	merge->targets = ARENA_ARRAY(merge->arena, merge->query->row_count, struct target);
	for (size_t row = 0; row < merge->query->row_count; row++) {
		buf_clear(&text);
		const struct cond *where = find_target(merge, row, &text);
		if (where == NULL) {
			merge->untargeted++;
		} else if (map_put(&found, arena_copy(merge->arena, buf_str(&text)), merge) == NULL) {
			merge->targets[merge->target_count++] = (struct target){.where = where};
		}
	}
	buf_finish(&text);
	map_finish(&found);
}

bool merge_init(struct call *call, struct merge **ret_merge, struct error *error)
{
	*ret_merge = NULL;
	if (!merge_is_guarded(&call->query)) {
		return true;
	}
	assert(call->query.batches == NULL);
	struct merge *merge = ARENA_NEW(call->arena, struct merge);
	struct parsed_query parsed;
	/* Its conditions are made here. */
	const struct check_options options = {.limits = call_limits(call), .caller = &caller_trusted};
	parsed_query_init(&parsed);
	merge->query = &call->query;
	merge->arena = call->arena;
	if (!check_query(&parsed, QUERY_LIST, call->query.resource, &options, call->arena, &merge->list,
					 error)) {
		return false;
	}
	find_targets(merge);
	*ret_merge = merge;
	return true;
}

/* ---- in the transaction ---- */

/* The number of rows of a target that pass the rule. */
static bool count_rows(const struct merge *merge, struct store_transaction *transaction,
					   const struct target *target, const struct cond *rule, uint64_t *ret_rows,
					   struct error *error)
{
	struct query query = merge->list;
	struct store_result result;
	struct buf body;
	buf_init(&body, SIZE_MAX);
	query.where = cond_both(merge->arena, target->where, rule);
	bool ok = store_transaction_run(transaction, &query, &body, &result, error);
	buf_finish(&body);
	*ret_rows = ok ? result.rows : 0;
	return ok;
}

static bool fail_met(struct error *error)
{
	error_set(error, ERROR_OVERLOADED, "The write met others; nothing was written");
	return error_hint(error, "send it again");
}

/* Keeps the row as it is until the transaction ends. */
static bool hold_row(const struct merge *merge, struct store_transaction *transaction,
					 const struct target *target, struct error *error)
{
	struct query query = merge->list;
	struct store_result result;
	struct buf body;
	query.action = QUERY_GET;
	query.format = FORMAT_OBJECT;
	query.order_count = 0;
	query.where = cond_both(merge->arena, target->where, merge->query->rules->old);
	buf_init(&body, SIZE_MAX);
	bool ok = store_transaction_run(transaction, &query, &body, &result, error);
	buf_finish(&body);
	return ok || (error->code == ERROR_NOT_FOUND && fail_met(error));
}

bool merge_before(struct merge *merge, struct store_transaction *transaction, struct error *error)
{
	for (size_t i = 0; i < merge->target_count; i++) {
		struct target *target = &merge->targets[i];
		uint64_t own;
		uint64_t any = 0;
		if (!count_rows(merge, transaction, target, merge->query->rules->old, &own, error) ||
			(own == 0 && !count_rows(merge, transaction, target, NULL, &any, error))) {
			return false;
		}
		if (any > 0) {
			return error_set(error, ERROR_FORBIDDEN,
							 "new row violates row-level security policy for table \"%.*s\"",
							 STR_ARG(merge->query->resource->name));
		}
		target->seen = own > 0;
		if (target->seen && !hold_row(merge, transaction, target, error)) {
			return false;
		}
	}
	return true;
}

bool merge_after(struct merge *merge, struct store_transaction *transaction,
				 const struct store_result *result, struct error *error)
{
	const struct query_rules *rules = merge->query->rules;
	uint64_t made = merge->untargeted;
	for (size_t i = 0; i < merge->target_count; i++) {
		const struct target *target = &merge->targets[i];
		made += target->seen ? 0 : 1;
		const struct cond *rule = cond_both(merge->arena, target->seen ? rules->update : NULL,
											rules->shown);
		uint64_t rows = 1;
		if (rule != NULL && !count_rows(merge, transaction, target, rule, &rows, error)) {
			return false;
		}
		if (rows == 0) {
			return error_set(error, ERROR_FORBIDDEN,
							 "new row violates row-level security policy for table \"%.*s\"",
							 STR_ARG(merge->query->resource->name));
		}
	}
	return result->inserted == made || fail_met(error);
}
