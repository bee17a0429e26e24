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
#include "codec/json.h"
#include "link/user_priv.h"
#include "model/link_tables.h"
#include "query/cond.h"

enum { CHUNK = 500, LEAST_ROOM = 16, DEPTH = 4 };

static bool fail_met(struct error *error)
{
	error_set(error, ERROR_OVERLOADED, "The write met others; nothing was written");
	return error_hint(error, "send it again");
}

/* ---- queries by hand ---- */

static struct value text_value(struct str text)
{
	return (struct value){.kind = VALUE_TEXT, .text = text};
}

static struct str id_text(struct link_write *write, const struct uuid *id)
{
	char *text = arena_bytes(&write->scratch, UUID_TEXT_LEN);
	uuid_write(id, text);
	return (struct str){text, UUID_TEXT_LEN};
}

/* A list of these fields, whose columns are their numbers here. */
static struct query list_query(struct link_write *write, const struct resource *resource,
							   const struct field *const *fields, size_t count)
{
	struct arena *arena = &write->scratch;
	struct query_fetch *fetch = ARENA_ARRAY(arena, count, struct query_fetch);
	struct query_column *columns = ARENA_ARRAY(arena, count, struct query_column);
	for (size_t i = 0; i < count; i++) {
		fetch[i] = (struct query_fetch){.term = {.field = fields[i]}, .type = fields[i]};
		columns[i] = (struct query_column){
			.name = fields[i]->name,
			.key = arena_printf(arena, "\"%zu\":", i),
			.at = i,
		};
	}
	return (struct query){
		.action = QUERY_LIST,
		.resource = resource,
		.fetch = fetch,
		.fetch_count = count,
		.columns = columns,
		.column_count = count,
		.limit = UINT64_MAX,
	};
}

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

static const struct cond *where_ids(struct link_write *write, const struct field *field,
									const struct old_hold *holds, size_t count)
{
	struct operand *items = ARENA_ARRAY(&write->scratch, count, struct operand);
	struct cond *cond = ARENA_NEW(&write->scratch, struct cond);
	for (size_t i = 0; i < count; i++) {
		items[i] = (struct operand){
			.value = text_value(id_text(write, &holds[i].id)),
			.parameter = -1,
		};
	}
	*cond = (struct cond){
		.kind = COND_IN,
		.field = field,
		.type = field,
		.items = items,
		.item_count = count,
	};
	return cond;
}

static bool run(struct link_write *write, const struct query *query, struct buf *body,
				struct error *error)
{
	struct store_result result;
	return store_transaction_run(write->transaction, query, body, &result, error);
}

static bool run_insert(struct link_write *write, const struct resource *resource,
					   const struct field *const *fields, size_t field_count,
					   const struct value *values, size_t row_count, struct error *error)
{
	const struct field **given = ARENA_ARRAY(&write->scratch, field_count, const struct field *);
	for (size_t i = 0; i < field_count; i++) {
		given[i] = fields[i];
	}
	const struct query query = {
		.action = QUERY_INSERT,
		.resource = resource,
		.limit = UINT64_MAX,
		.given = {given, field_count},
		.values = values,
		.row_count = row_count,
	};
	return run(write, &query, NULL, error);
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
	struct value *values = ARENA_ARRAY(&write->scratch, count * FIELDS, struct value);
	int64_t now_us = clock_system.wall_us(&clock_system);
	for (size_t i = 0; i < count; i++) {
		struct value *row = values + i * FIELDS;
		row[0] = text_value((struct str){wanted[i]->text, UUID_TEXT_LEN});
		row[1] = (struct value){.kind = VALUE_INTEGER, .integer = 1};
		row[2] = (struct value){.kind = VALUE_INTEGER, .integer = now_us};
	}
	if (!run_insert(write, decision, fields, FIELDS, values, count, error)) {
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

static bool fail_text(struct error *error)
{
	return error_set(error, ERROR_STORE, "an id of a hold cannot be read");
}

/* Calls `take` with each id of rows that are a JSON array of objects, and the number of its
 * column. */
static bool read_ids(struct link_write *write, struct str json,
					 void (*take)(void *context, size_t column, const struct uuid *id),
					 void *context, struct error *error)
{
	struct json_reader reader;
	enum json_event event;
	size_t column = 0;
	json_reader_init(&reader, json, DEPTH, &write->scratch);
	while ((event = json_next(&reader)) != JSON_END) {
		struct uuid id;
		if (event == JSON_KEY) {
			column = 0;
			for (size_t i = 0; i < reader.text.len; i++) {
				column = column * 10 + (size_t)(reader.text.ptr[i] - '0');
			}
		} else if (event == JSON_STRING && uuid_parse(reader.text, &id)) {
			take(context, column, &id);
		} else if (event == JSON_ERROR || event == JSON_STRING) {
			return fail_text(error);
		}
	}
	return true;
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
	struct query list = list_query(write, query->resource, fields, count);
	struct store_result result;
	struct buf body;
	list.where = where;
	list.today = query->today;
	lock_in_order(write, &list);
	buf_init(&body, SIZE_MAX);
	bool ok = store_transaction_run(write->transaction, &list, &body, &result, error) &&
		read_ids(write, buf_str(&body), take_old, &taking, error);
	buf_finish(&body);
	*ret_rows = ok ? result.rows : 0;
	return ok;
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
		return query->batches != NULL ||
			write_meet(write, query->values, query->row_count, error);
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

static bool lock_decisions(struct link_write *write, const struct old_hold *holds, size_t count,
						   struct error *error)
{
	const struct field *id = &write->options.model->decision->fields[DECISION_ID];
	struct query list = list_query(write, write->options.model->decision, &id, 1);
	struct buf body;
	list.where = where_ids(write, id, holds, count);
	lock_in_order(write, &list);
	buf_init(&body, SIZE_MAX);
	bool ok = run(write, &list, &body, error);
	buf_finish(&body);
	return ok;
}

struct using {
	const struct old_hold *holds;
	size_t count;
	bool *used;
};

static void take_used(void *context, size_t column, const struct uuid *id)
{
	struct using *using = context;
	const struct old_hold key = {.id = *id};
	const struct old_hold *found = bsearch(&key, using->holds, using->count, sizeof(key),
										   compare_old);
	(void)column;
	if (found != NULL) {
		using->used[found - using->holds] = true;
	}
}

/* Which of them some row has, as of now. */
static bool find_used(struct link_write *write, struct using *using, struct error *error)
{
	bool ok = true;
	for (size_t i = 0; i < write->part_count && ok; i++) {
		const struct field *hold = write->parts[i].link->hold;
		if (hold == NULL) {
			continue;
		}
		struct query list = list_query(write, write->options.query->resource, &hold, 1);
		struct buf body;
		list.where = where_ids(write, hold, using->holds, using->count);
		list.distinct = true;
		buf_init(&body, SIZE_MAX);
		ok = run(write, &list, &body, error) &&
			read_ids(write, buf_str(&body), take_used, using, error);
		buf_finish(&body);
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
	struct value *values = ARENA_ARRAY(&write->scratch, count * FIELDS, struct value);
	for (size_t i = 0; i < count; i++) {
		struct value *row = values + i * FIELDS;
		row[0] = text_value(holds[i].part->link->reference.target->name);
		row[1] = text_value(write->options.query->resource->name);
		row[2] = text_value(id_text(write, &holds[i].id));
	}
	return run_insert(write, outbox, fields, FIELDS, values, count, error);
}

static bool delete_decisions(struct link_write *write, const struct old_hold *holds, size_t count,
							 struct error *error)
{
	const struct resource *decision = write->options.model->decision;
	const struct query query = {
		.action = QUERY_DELETE,
		.resource = decision,
		.where = where_ids(write, &decision->fields[DECISION_ID], holds, count),
		.limit = UINT64_MAX,
	};
	return run(write, &query, NULL, error);
}

static bool release(struct link_write *write, const struct old_hold *holds, size_t count,
					struct error *error)
{
	struct using using = {holds, count, ARENA_ARRAY(&write->scratch, count, bool)};
	struct old_hold *unused = ARENA_ARRAY(&write->scratch, count, struct old_hold);
	size_t unused_count = 0;
	if (!lock_decisions(write, holds, count, error) || !find_used(write, &using, error)) {
		return false;
	}
	for (size_t i = 0; i < count; i++) {
		if (!using.used[i]) {
			unused[unused_count++] = holds[i];
		}
	}
	write->released += unused_count;
	return unused_count == 0 ||
		(delete_decisions(write, unused, unused_count, error) &&
		 fill_outbox(write, unused, unused_count, error));
}

bool link_write_after(struct link_write *write, struct store_transaction *transaction,
					  const struct store_result *result, struct error *error)
{
	const struct query *query = write->options.query;
	struct old_holds *old = &write->old;
	write->transaction = transaction;
	if (any_leaves(write) &&
		(query->action == QUERY_UPSERT ? result->inserted != write->made
									   : result->rows != write->locked)) {
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
