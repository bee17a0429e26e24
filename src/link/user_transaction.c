/*
 * DESIGN. Before the rows are written, the decisions of their ids are, in the order of the ids: one
 * that is there already was voided. Rows that will change are locked and their holds noted; a row
 * that comes to be changed all the same was not there yet then, which is told by the number of
 * rows, and ends the transaction. Behind the rows, decisions of holds that may not be used any more
 * are locked, in the order of the ids, and only then it is looked whether some row has them.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "link/own_rows.h"
#include "link/user_priv.h"
#include "model/link_tables.h"
#include "query/cond.h"

enum { CHUNK = 500, LEAST_ROOM = 16 };

static bool fail_met(struct error *error)
{
	error_set(error, ERROR_OVERLOADED, "The write met others; nothing was written");
	return error_hint(error, "send it again");
}

/* ---- queries over what is ours ---- */

/* Locks are taken in the order of the keys. */
static void lock_in_order(struct link_write *write, struct query *query)
{
	const struct field_list *key = &query->resource->key;
	struct query_order *order = ARENA_ARRAY(&write->scratch, key->count, struct query_order);
	for (size_t i = 0; i < key->count; i++) {
		order[i] = (struct query_order){.term = {.field = key->items[i]}, .at = SIZE_MAX};
	}
	query->order = order;
	query->order_count = key->count;
	query->locks = true;
}

static void where_ids(struct link_write *write, struct query *query, const struct field *field,
					  const struct old_hold *holds, size_t count)
{
	struct uuid *ids = ARENA_ARRAY(&write->scratch, count, struct uuid);
	for (size_t i = 0; i < count; i++) {
		ids[i] = holds[i].id;
	}
	own_where_in(&write->scratch, query, field, own_ids(&write->scratch, ids, count), count);
}

static bool run(struct link_write *write, const struct query *query, struct error *error)
{
	struct store_result result;
	return store_transaction_run(write->transaction, query, NULL, &result, error);
}

/* Calls `take` with each id that the rows hold, and the number of its column. */
static bool list_ids(struct link_write *write, const struct query *query,
					 void (*take)(void *context, size_t column, const struct uuid *id),
					 void *context, uint64_t *ret_rows, struct error *error)
{
	struct arena *arena = &write->scratch;
	struct value *values = ARENA_ARRAY(arena, query->fetch_count, struct value);
	struct store_result result;
	struct own_rows rows;
	struct buf body;
	bool more = true;
	buf_init(&body, SIZE_MAX);
	bool ok = store_transaction_run(write->transaction, query, &body, &result, error) &&
		own_rows_begin(&rows, query, buf_str(&body), arena, error);
	while (ok && more) {
		ok = own_rows_next(&rows, values, &more, error);
		for (size_t i = 0; ok && more && i < query->fetch_count; i++) {
			struct uuid id;
			if (values[i].kind == VALUE_TEXT && uuid_parse(values[i].text, &id)) {
				take(context, i, &id);
			}
		}
	}
	buf_finish(&body);
	*ret_rows = ok ? result.rows : 0;
	return ok;
}

/* ---- decisions ---- */

static int compare_ids(const void *a, const void *b)
{
	const struct wanted *const *left = a;
	const struct wanted *const *right = b;
	return memcmp((*left)->id.bytes, (*right)->id.bytes, sizeof((*left)->id.bytes));
}

static bool insert_decisions(struct link_write *write, struct wanted *const *wanted, size_t count,
							 struct error *error)
{
	enum { FIELDS = 3 };
	const struct resource *decision = write->options.model->decision;
	const struct field *const fields[FIELDS] = {
		&decision->fields[DECISION_ID],
		&decision->fields[DECISION_USED],
		&decision->fields[DECISION_AT],
	};
	struct query *query = own_query(&write->scratch, QUERY_INSERT, decision);
	struct value *row = own_give(&write->scratch, query, fields, FIELDS, count);
	int64_t now_us = clock_system.wall_us(&clock_system);
	for (size_t i = 0; i < count; i++, row += FIELDS) {
		row[0] = own_text((struct str){wanted[i]->text, UUID_TEXT_LEN});
		row[1] = own_integer(1);
		row[2] = own_integer(now_us);
	}
	if (!run(write, query, error)) {
		/* Voided meanwhile: the services took too long for the owner. */
		return error->code == ERROR_UNIQUE ? fail_met(error) : false;
	}
	return true;
}

static bool decide_used(struct link_write *write, struct error *error)
{
	size_t count = 0;
	for (size_t i = 0; i < write->part_count; i++) {
		count += write->parts[i].link->hold != NULL ? write->parts[i].count : 0;
	}
	struct wanted **all = ARENA_ARRAY(&write->scratch, count, struct wanted *);
	count = 0;
	for (size_t i = 0; i < write->part_count; i++) {
		const struct part *part = &write->parts[i];
		for (size_t k = 0; part->link->hold != NULL && k < part->count; k++) {
			if (!part->wanted[k]->missing) {
				all[count++] = part->wanted[k];
			}
		}
	}
	qsort((void *)all, count, sizeof(*all), compare_ids);
	for (size_t at = 0; at < count; at += CHUNK) {
		size_t some = count - at < CHUNK ? count - at : CHUNK;
		if (!insert_decisions(write, all + at, some, error)) {
			return false;
		}
	}
	return true;
}

/* ---- holds of rows that will change ---- */

static void add_old(struct link_write *write, const struct uuid *id, struct part *part)
{
	struct old_holds *old = &write->old;
	if (old->count == old->room) {
		old->room = old->room == 0 ? LEAST_ROOM : old->room * 2;
		old->items = alloc_resize(old->items, old->room, sizeof(*old->items));
	}
	old->items[old->count++] = (struct old_hold){*id, part};
}

struct taking {
	struct link_write *write;
	struct part **parts; /* by column */
};

static void take_old(void *context, size_t column, const struct uuid *id)
{
	struct taking *taking = context;
	add_old(taking->write, id, taking->parts[column]);
}

/* Locks the rows, and notes their holds. */
static bool list_old(struct link_write *write, const struct cond *where, uint64_t *ret_rows,
					 struct error *error)
{
	const struct query *query = write->options.query;
	const struct field **fields = ARENA_ARRAY(&write->scratch, write->part_count,
											  const struct field *);
	struct taking taking = {write, ARENA_ARRAY(&write->scratch, write->part_count, struct part *)};
	size_t count = 0;
	for (size_t i = 0; i < write->part_count; i++) {
		if (write->parts[i].leaves) {
			taking.parts[count] = &write->parts[i];
			fields[count++] = write->parts[i].link->hold;
		}
	}
	struct query *list = own_query(&write->scratch, QUERY_LIST, query->resource);
	own_fetch(&write->scratch, list, fields, count);
	list->where = where;
	list->today = query->today;
	lock_in_order(write, list);
	return list_ids(write, list, take_old, &taking, ret_rows, error);
}

static bool any_leaves(const struct link_write *write)
{
	bool leaves = false;
	for (size_t i = 0; i < write->part_count; i++) {
		leaves = leaves || write->parts[i].leaves;
	}
	return leaves;
}

/* ---- upserts ---- */

static const struct value *target_value(const struct link_write *write, const struct value *row,
										const struct field *field)
{
	const struct query *query = write->options.query;
	for (size_t i = 0; i < query->given.count; i++) {
		if (query->given.items[i] == field) {
			bool known = row[i].kind != VALUE_ABSENT && row[i].kind != VALUE_NULL;
			return known ? &row[i] : NULL;
		}
	}
	return NULL;
}

/* Where the target leads for a row, with its values as text; NULL: it meets none. */
static const struct cond *find_target(struct link_write *write, const struct value *row)
{
	const struct query *query = write->options.query;
	const struct field_list *fields = &query->conflict;
	const struct cond **pins = ARENA_ARRAY(&write->scratch, fields->count, const struct cond *);
	buf_clear(&write->text);
	for (size_t i = 0; i < fields->count; i++) {
		const struct field *field = fields->items[i];
		const struct value *value = target_value(write, row, field);
		if (value == NULL) {
			return NULL;
		}
		struct cond *pin = ARENA_NEW(&write->scratch, struct cond);
		*pin = (struct cond){
			.kind = COND_COMPARE,
			.op = OPERATOR_EQ,
			.field = field,
			.type = field,
			.operand = {.value = *value, .parameter = -1},
		};
		pins[i] = pin;
		size_t from = write->text.len;
		value_write_text(&write->text, field, value);
		buf_printf(&write->text, ":%zu,", write->text.len - from);
	}
	const struct cond *all = cond_join(&write->scratch, COND_AND, pins, fields->count);
	return cond_both(&write->scratch, all, query->conflict_where);
}

static bool meet_some(struct link_write *write, const struct value *values, size_t row_count,
					  struct error *error)
{
	const struct cond **targets = ARENA_ARRAY(&write->scratch, row_count, const struct cond *);
	size_t width = write->options.query->given.count;
	size_t count = 0;
	uint64_t there = 0;
	for (size_t row = 0; row < row_count; row++) {
		const struct cond *target = find_target(write, values + row * width);
		if (target == NULL) {
			write->made++;
		} else if (map_get(&write->targets, buf_str(&write->text)) == NULL) {
			map_put(&write->targets, arena_copy(&write->scratch, buf_str(&write->text)), write);
			targets[count++] = target;
		}
	}
	if (count == 0) {
		return true;
	}
	const struct cond *any = cond_join(&write->scratch, COND_OR, targets, count);
	if (!list_old(write, any, &there, error)) {
		return false;
	}
	write->made += count - there;
	return true;
}

bool write_meet(struct link_write *write, const struct value *values, size_t row_count,
				struct error *error)
{
	const struct query *query = write->options.query;
	if (query->action != QUERY_UPSERT || !any_leaves(write)) {
		return true;
	}
	for (size_t at = 0; at < row_count; at += CHUNK) {
		size_t some = row_count - at < CHUNK ? row_count - at : CHUNK;
		if (!meet_some(write, values + at * query->given.count, some, error)) {
			return false;
		}
	}
	return true;
}

/* ---- before ---- */

/* It may run again, from the beginning. */
static void begin_attempt(struct link_write *write, struct store_transaction *transaction)
{
	arena_reset(&write->scratch);
	map_finish(&write->targets);
	map_init(&write->targets);
	write->transaction = transaction;
	write->old.count = 0;
	write->locked = 0;
	write->made = 0;
	write->released = 0;
	write->refused = 0;
}

bool link_write_before(struct link_write *write, struct store_transaction *transaction,
					   struct error *error)
{
	const struct query *query = write->options.query;
	begin_attempt(write, transaction);
	if (!decide_used(write, error)) {
		return false;
	}
	if (query->action == QUERY_UPSERT) {
		return query->batches != NULL || write_meet(write, query->values, query->row_count, error);
	}
	return !any_leaves(write) || list_old(write, query->where, &write->locked, error);
}

/* ---- after ---- */

/* Ids of this write that no row may have come to have. */
static void add_unused(struct link_write *write, const struct store_result *result)
{
	const struct query *query = write->options.query;
	bool all_written = query->action == QUERY_INSERT
		? !write->left_out
		: query->action != QUERY_UPSERT && result->rows > 0;
	for (size_t i = 0; i < write->part_count && !all_written; i++) {
		struct part *part = &write->parts[i];
		for (size_t k = 0; part->link->hold != NULL && k < part->count; k++) {
			if (!part->wanted[k]->missing) {
				add_old(write, &part->wanted[k]->id, part);
			}
		}
	}
}

static int compare_old(const void *a, const void *b)
{
	const struct old_hold *left = a;
	const struct old_hold *right = b;
	return memcmp(left->id.bytes, right->id.bytes, sizeof(left->id.bytes));
}

/* Sorts them; each once. */
static void arrange(struct old_holds *old)
{
	size_t count = 0;
	if (old->count > 0) {
		qsort(old->items, old->count, sizeof(*old->items), compare_old);
	}
	for (size_t i = 0; i < old->count; i++) {
		if (count == 0 || compare_old(&old->items[count - 1], &old->items[i]) != 0) {
			old->items[count++] = old->items[i];
		}
	}
	old->count = count;
}

static void take_none(void *context, size_t column, const struct uuid *id)
{
	(void)context;
	(void)column;
	(void)id;
}

static bool lock_decisions(struct link_write *write, const struct old_hold *holds, size_t count,
						   struct error *error)
{
	const struct resource *decision = write->options.model->decision;
	const struct field *id = &decision->fields[DECISION_ID];
	struct query *list = own_query(&write->scratch, QUERY_LIST, decision);
	uint64_t rows;
	own_fetch(&write->scratch, list, &id, 1);
	where_ids(write, list, id, holds, count);
	lock_in_order(write, list);
	return list_ids(write, list, take_none, NULL, &rows, error);
}

struct usage {
	const struct old_hold *holds;
	size_t count;
	bool *used;
};

static void take_used(void *context, size_t column, const struct uuid *id)
{
	struct usage *usage = context;
	const struct old_hold key = {.id = *id};
	const struct old_hold *found = bsearch(&key, usage->holds, usage->count, sizeof(key),
										   compare_old);
	(void)column;
	if (found != NULL) {
		usage->used[found - usage->holds] = true;
	}
}

/* Which of them some row has, as of now. */
static bool find_used(struct link_write *write, struct usage *usage, struct error *error)
{
	bool ok = true;
	for (size_t i = 0; i < write->part_count && ok; i++) {
		const struct field *hold = write->parts[i].link->hold;
		struct query *list = own_query(&write->scratch, QUERY_LIST, write->options.query->resource);
		uint64_t rows;
		if (hold == NULL) {
			continue;
		}
		own_fetch(&write->scratch, list, &hold, 1);
		where_ids(write, list, hold, usage->holds, usage->count);
		list->distinct = true;
		ok = list_ids(write, list, take_used, usage, &rows, error);
	}
	return ok;
}

static bool fill_outbox(struct link_write *write, const struct old_hold *holds, size_t count,
						struct error *error)
{
	enum { FIELDS = 3 };
	const struct resource *outbox = write->options.model->outbox;
	const struct field *const fields[FIELDS] = {
		&outbox->fields[OUTBOX_RESOURCE],
		&outbox->fields[OUTBOX_FROM],
		&outbox->fields[OUTBOX_ID],
	};
	struct query *query = own_query(&write->scratch, QUERY_INSERT, outbox);
	struct value *row = own_give(&write->scratch, query, fields, FIELDS, count);
	for (size_t i = 0; i < count; i++, row += FIELDS) {
		row[0] = own_text(holds[i].part->link->reference.target->name);
		row[1] = own_text(write->options.query->resource->name);
		row[2] = own_id(&write->scratch, &holds[i].id);
	}
	return run(write, query, error);
}

static bool delete_decisions(struct link_write *write, const struct old_hold *holds, size_t count,
							 struct error *error)
{
	const struct resource *decision = write->options.model->decision;
	struct query *query = own_query(&write->scratch, QUERY_DELETE, decision);
	where_ids(write, query, &decision->fields[DECISION_ID], holds, count);
	return run(write, query, error);
}

static bool release(struct link_write *write, const struct old_hold *holds, size_t count,
					struct error *error)
{
	struct usage usage = {holds, count, ARENA_ARRAY(&write->scratch, count, bool)};
	struct old_hold *unused = ARENA_ARRAY(&write->scratch, count, struct old_hold);
	size_t unused_count = 0;
	if (!lock_decisions(write, holds, count, error) || !find_used(write, &usage, error)) {
		return false;
	}
	for (size_t i = 0; i < count; i++) {
		if (!usage.used[i]) {
			unused[unused_count++] = holds[i];
		}
	}
	write->released += unused_count;
	return unused_count == 0 ||
		(delete_decisions(write, unused, unused_count, error) &&
		 fill_outbox(write, unused, unused_count, error));
}

/* Rows that came meanwhile were not locked. What the store refused may be any. */
static bool is_as_seen(const struct link_write *write, const struct store_result *result)
{
	bool upserts = write->options.query->action == QUERY_UPSERT;
	return upserts
		? result->inserted <= write->made && result->inserted + write->refused >= write->made
		: result->rows == write->locked;
}

bool link_write_after(struct link_write *write, struct store_transaction *transaction,
					  const struct store_result *result, struct error *error)
{
	struct old_holds *old = &write->old;
	write->transaction = transaction;
	if (any_leaves(write) && !is_as_seen(write, result)) {
		return fail_met(error);
	}
	add_unused(write, result);
	arrange(old);
	for (size_t at = 0; at < old->count; at += CHUNK) {
		size_t some = old->count - at < CHUNK ? old->count - at : CHUNK;
		if (!release(write, old->items + at, some, error)) {
			return false;
		}
	}
	return true;
}
