/*
 * DESIGN. Rows of which an answer is wanted are looked for and locked first, in the order of their
 * keys, and then changed by these keys: rows that come to match meanwhile are another write's.
 *
 * InnoDB looks at foreign keys row by row: rows that refer to each other and are deleted together
 * lose their references first.
 */
#include <mysqld_error.h>

#include "base/alloc.h"
#include "model/relations.h"
#include "query/cond.h"
#include "store/maria_write.h"

static bool touches(const struct query *query, const struct resource *tally)
{
	bool found = query->action == QUERY_DELETE;
	for (size_t i = 0; i < query->given.count && !found; i++) {
		found = field_list_holds(&tally->by, query->given.items[i]);
	}
	return found;
}

bool maria_changes_at_once(const struct query *query)
{
	/* A row may refer to itself. */
	bool at_once = query->action != QUERY_DELETE || !maria_refers_to_itself(query->resource);
	for (size_t i = 0; i < query->resource->tally_count && at_once; i++) {
		at_once = !touches(query, query->resource->tallies[i]);
	}
	return at_once;
}

static bool lock_tallies(struct maria_write *write)
{
	const struct query *query = write->query;
	struct maria_conn *conn = write->conn;
	for (size_t i = 0; i < query->resource->tally_count; i++) {
		const struct resource *tally = query->resource->tallies[i];
		sql_clear(&conn->sql);
		if (touches(query, tally) && sql_tally_lock(&conn->sql, tally, query) &&
			!maria_run(conn, NULL, write->error)) {
			return false;
		}
	}
	return true;
}

/* ---- statements ---- */

static bool run_change(struct maria_write *write, const struct query *query, uint64_t *ret_changed)
{
	struct maria_conn *conn = write->conn;
	sql_clear(&conn->sql);
	(query->action == QUERY_DELETE ? sql_delete : sql_update)(&conn->sql, query);
	return maria_run(conn, ret_changed, write->error);
}

/* The same for the rows with these keys, some at a time. */
static bool change_keys(struct maria_write *write, const struct query *query,
						const struct value *keys, size_t count, uint64_t *ret_changed)
{
	const struct field_list *key = &query->resource->key;
	struct query part = *query;
	*ret_changed = 0;
	for (size_t at = 0; at < count; at += MARIA_KEYS_MOST) {
		size_t some = count - at < MARIA_KEYS_MOST ? count - at : MARIA_KEYS_MOST;
		uint64_t changed = 0;
		arena_reset(&write->scratch);
		part.where = maria_where_keys(&write->scratch, key, keys + at * key->count, some);
		if (!run_change(write, &part, &changed)) {
			return maria_explain(write, query, 0, part.where);
		}
		*ret_changed += changed;
	}
	return true;
}

static bool lock_keys(struct maria_write *write, struct value **ret_keys, size_t *ret_count)
{
	sql_clear(&write->conn->sql);
	sql_select_for_update(&write->conn->sql, write->query);
	return maria_read_keys(write, &write->arena, ret_keys, ret_count);
}

/* ---- DELETE ---- */

/* Rows that are still referred to, perhaps by each other only. */
static bool delete_related(struct maria_write *write, uint64_t *ret_changed)
{
	const struct query *query = write->query;
	const struct resource *resource = query->resource;
	struct value *keys;
	size_t count;
	struct query forget = {.action = QUERY_UPDATE, .resource = resource, .row_count = 1};
	forget.given.items = ARENA_ARRAY(&write->arena, resource->field_count, const struct field *);
	for (size_t i = 0; i < resource->field_count; i++) {
		if (maria_is_own_reference(resource, &resource->fields[i])) {
			forget.given.items[forget.given.count++] = &resource->fields[i];
		}
	}
	forget.values = ARENA_ARRAY(&write->arena, forget.given.count, struct value);
	return lock_keys(write, &keys, &count) &&
		change_keys(write, &forget, keys, count, ret_changed) &&
		change_keys(write, query, keys, count, ret_changed);
}

static bool delete_rows(struct maria_write *write, const struct query *query, uint64_t *ret_changed)
{
	if (run_change(write, query, ret_changed)) {
		return true;
	}
	if (write->conn->failure.number == ER_ROW_IS_REFERENCED_2 && write->conn->transaction &&
		query->resource->key.count > 0 && maria_refers_to_itself(query->resource)) {
		return delete_related(write, ret_changed);
	}
	return maria_explain(write, query, 0, query->where);
}

/* The query and the keys of its rows, in key order. */
static struct query with_keys(struct maria_write *write)
{
	const struct query *query = write->query;
	const struct field_list *key = &query->resource->key;
	size_t count = query->fetch_count;
	struct query_fetch *fetch = ARENA_ARRAY(&write->arena, count + key->count, struct query_fetch);
	struct query_order *order = ARENA_ARRAY(&write->arena, key->count, struct query_order);
	for (size_t i = 0; i < count; i++) {
		fetch[i] = query->fetch[i];
	}
	for (size_t i = 0; i < key->count; i++) {
		fetch[count + i] = (struct query_fetch){.term = {.field = key->items[i]},
												.type = key->items[i]};
		order[i] = (struct query_order){.term = {.field = key->items[i]}, .at = SIZE_MAX};
	}
	struct query with = *query;
	with.action = QUERY_LIST;
	with.fetch = fetch;
	with.fetch_count = count + key->count;
	with.column_count = 0;
	with.order = order;
	with.order_count = key->count;
	with.limit = UINT64_MAX;
	with.offset = 0;
	return with;
}

struct found {
	struct value *keys; /* owned */
	size_t count;
	size_t room;
};

static void add_found(struct maria_write *write, struct found *found, const struct value *key)
{
	size_t width = write->query->resource->key.count;
	if ((found->count + 1) * width > found->room) {
		found->room = found->room * 2 + 64 * width;
		found->keys = alloc_resize(found->keys, found->room, sizeof(struct value));
	}
	for (size_t i = 0; i < width; i++) {
		struct value *to = &found->keys[found->count * width + i];
		*to = key[i];
		if (key[i].kind == VALUE_TEXT) {
			to->text = arena_copy(&write->arena, key[i].text);
		}
	}
	found->count++;
}

/* Locks the rows and answers with what they are. */
static bool read_deleted(struct maria_write *write, struct found *found)
{
	const struct query with = with_keys(write);
	struct maria_conn *conn = write->conn;
	struct maria_shape shape;
	maria_shape_init(&shape, &write->arena, &with, NULL);
	sql_clear(&conn->sql);
	sql_select(&conn->sql, &with);
	buf_append(&conn->sql.text, STR(" FOR UPDATE"));
	struct maria_statement *statement = maria_execute(conn, false, write->error);
	enum row_step step = statement != NULL ? ROW_HERE : ROW_FAILED;
	while (step == ROW_HERE) {
		step = maria_shape_fetch(&shape, conn, statement, write->error);
		if (step == ROW_HERE) {
			add_found(write, found, shape.values + write->query->fetch_count);
			step = maria_answer_row(&write->answer, shape.values) ? ROW_HERE : ROW_FAILED;
		}
	}
	maria_rows_end(conn, statement);
	maria_shape_finish(&shape);
	return step == ROW_NONE;
}

static bool delete_answered(struct maria_write *write, uint64_t *ret_changed)
{
	struct found found = {.count = 0};
	bool ok = read_deleted(write, &found);
	const struct field_list *key = &write->query->resource->key;
	if (ok && key->count == 0) {
		ok = delete_rows(write, write->query, ret_changed);
	}
	for (size_t at = 0; at < found.count && ok && key->count > 0; at += MARIA_KEYS_MOST) {
		size_t some = found.count - at < MARIA_KEYS_MOST ? found.count - at : MARIA_KEYS_MOST;
		struct query part = *write->query;
		uint64_t changed = 0;
		part.where = maria_where_keys(&write->arena, key, found.keys + at * key->count, some);
		ok = delete_rows(write, &part, &changed);
		*ret_changed += changed;
	}
	free(found.keys);
	return ok;
}

/* ---- UPDATE, REPLACE ---- */

/* The key that the conditions pin, in *ret_keys. */
static bool is_pinned(struct maria_write *write, struct value **ret_keys)
{
	const struct field_list *key = &write->query->resource->key;
	*ret_keys = ARENA_ARRAY(&write->arena, key->count, struct value);
	bool pinned = key->count > 0;
	for (size_t i = 0; i < key->count && pinned; i++) {
		const struct value *value = cond_pinned(write->query->where, key->items[i]);
		pinned = value != NULL && value->kind != VALUE_NULL;
		if (pinned) {
			(*ret_keys)[i] = *value;
		}
	}
	return pinned;
}

/* The keys as they are after the update. */
static void answer_keys(struct maria_write *write, struct value *keys, size_t count)
{
	const struct query *query = write->query;
	const struct field_list *key = &query->resource->key;
	for (size_t row = 0; row < count; row++) {
		struct value *own = keys + row * key->count;
		for (size_t i = 0; i < key->count; i++) {
			for (size_t g = 0; g < query->given.count; g++) {
				own[i] = query->given.items[g] == key->items[i] ? query->values[g] : own[i];
			}
		}
		maria_answer_add_key(&write->answer, own);
	}
}

static bool update_answered(struct maria_write *write, uint64_t *ret_changed)
{
	const struct query *query = write->query;
	struct value *keys;
	size_t count = 1;
	if (query->resource->key.count == 0) {
		return error_set(write->error, ERROR_UNSUPPORTED,
						 "Rows of a table without a key cannot be answered when they are changed");
	}
	if (is_pinned(write, &keys)) {
		if (!run_change(write, query, ret_changed)) {
			return maria_explain(write, query, 0, query->where);
		}
		count = *ret_changed > 0;
	} else if (!lock_keys(write, &keys, &count) ||
			   !change_keys(write, query, keys, count, ret_changed)) {
		return false;
	}
	answer_keys(write, keys, count);
	return true;
}

/* ---- all of them ---- */

bool maria_change_rows(struct maria_write *write)
{
	const struct query *query = write->query;
	struct maria_answer *answer = &write->answer;
	bool deletes = query->action == QUERY_DELETE;
	uint64_t changed = 0;
	bool ok;
	if (query->action == QUERY_UPDATE && query->row_count == 0) {
		return true;
	}
	if (answer->known && !write_known_row(&answer->rows, query, 0, write->error)) {
		return false;
	}
	if (write->conn->transaction && !lock_tallies(write)) {
		return false;
	}
	if (answer->asked) {
		ok = deletes ? delete_answered(write, &changed) : update_answered(write, &changed);
	} else if (deletes) {
		ok = delete_rows(write, query, &changed);
	} else {
		ok = run_change(write, query, &changed) || maria_explain(write, query, 0, query->where);
	}
	write->result->rows = changed;
	bool must = query->must_match || query->action == QUERY_REPLACE;
	return ok && (changed > 0 || !must || error_set(write->error, ERROR_NOT_FOUND, NULL));
}
