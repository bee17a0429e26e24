/*
 * DESIGN. One write inside the writer's transaction. Rows that a condition names are found by the
 * SELECT that a read would run, on a connection whose tables see what the transaction has changed;
 * keys, unique rules and references are asked of jsonstore itself. What row_write.h decides is put
 * into the transaction at once, and undone as a whole by the caller when the request fails.
 *
 * Keys that the store makes are counted in a collection of their own, _rl_keys, so that none is
 * given twice, also after its row has gone. A counter is read when the first row of a group needs
 * it and written once, before the commit.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "codec/json.h"
#include "store/json_priv.h"

enum { ARENA_BYTES = 4096 };

/* What row_write.h is given. */
struct tables {
	struct row_tables base;
	struct json_transaction *transaction;
};

static struct json_transaction *transaction_of(struct row_tables *base)
{
	return ((struct tables *)base)->transaction;
}

/* A scan of a large collection and a long write must end. */
static bool check_time(const struct json_transaction *transaction, struct error *error)
{
	return uv_hrtime() / 1000000 <= transaction->expires_ms ||
		error_set(error, ERROR_DEADLINE_NOT_WRITTEN, NULL);
}

static struct json_reading *reading_of(const struct json_transaction *transaction)
{
	return transaction->conn->tables;
}

/* ---- looking for rows ---- */

struct search {
	struct json_transaction *transaction;
	const struct row_search *wanted;
	const struct json_table *table;
	size_t number;
	struct arena arena; /* the record's */
	struct row *found;
	struct error *error;
};

/* Keeps the row when it is one of those that are looked for. */
static bool look_at(struct search *search, struct str record)
{
	const struct row_search *wanted = search->wanted;
	struct value *values;
	if (!json_record_read(search->table, record, &search->arena, &values, search->error)) {
		return false;
	}
	for (size_t i = 0; i < wanted->fields->count; i++) {
		if (!row_equal(&values[wanted->fields->items[i]->number], &wanted->values[i])) {
			return true;
		}
	}
	struct row *row = row_create(values, search->table->field_count);
	if (wanted->accepts != NULL && !wanted->accepts(wanted->context, row)) {
		row_unref(row);
	} else {
		search->found = row;
	}
	return true;
}

static bool look_at_all(struct search *search, struct jsonstore_cursor *cursor)
{
	struct jsonstore_error failure;
	const char *record;
	size_t len;
	bool ok = true;
	while (ok && search->found == NULL) {
		arena_reset(&search->arena);
		ok = check_time(search->transaction, search->error);
		if (ok && jsonstore_next(cursor, &record, &len, &failure) != JSONSTORE_OK) {
			ok = json_fail(search->transaction->store, &failure, search->error);
		}
		if (!ok || record == NULL) {
			break;
		}
		ok = look_at(search, (struct str){record, len});
	}
	jsonstore_cursor_close(cursor);
	return ok;
}

/* The values of the whole key, in its order; NULL when others are looked for. */
static const struct value **key_of(struct search *search)
{
	const struct json_table *table = search->table;
	const struct field_list *fields = search->wanted->fields;
	const struct value **parts = ARENA_ARRAY(&search->arena, table->key_count,
											 const struct value *);
	for (size_t k = 0; k < table->key_count; k++) {
		for (size_t i = 0; i < fields->count; i++) {
			if (fields->items[i]->number == table->key[k]) {
				parts[k] = &search->wanted->values[i];
			}
		}
		if (parts[k] == NULL) {
			return NULL;
		}
	}
	return parts;
}

static bool look_for_key(struct search *search, const struct value **parts)
{
	struct json_transaction *transaction = search->transaction;
	struct jsonstore_text record = {NULL, 0, 0};
	struct jsonstore_error failure;
	struct buf key;
	buf_init(&key, SIZE_MAX);
	json_key_write(search->table, parts, &key);
	int code = key.len > JSONSTORE_KEY_MAX
		? JSONSTORE_ABSENT
		: jsonstore_get(transaction->store->collections[search->number],
						reading_of(transaction)->snapshot, buf_str(&key).ptr, key.len, &record,
						&failure);
	buf_finish(&key);
	bool ok = code == JSONSTORE_ABSENT;
	if (code == JSONSTORE_OK) {
		ok = look_at(search, (struct str){record.text, record.length});
	} else if (!ok) {
		json_fail(search->transaction->store, &failure, search->error);
	}
	jsonstore_text_free(&record);
	return ok;
}

/* By an index, or among all. */
static bool look_for_values(struct search *search)
{
	struct json_transaction *transaction = search->transaction;
	struct jsonstore_collection *collection = transaction->store->collections[search->number];
	const struct jsonstore_snapshot *snapshot = reading_of(transaction)->snapshot;
	const struct row_search *wanted = search->wanted;
	struct jsonstore_cursor *cursor = NULL;
	struct jsonstore_error failure;
	int code = JSONSTORE_ABSENT;
	for (size_t i = 0; i < wanted->fields->count && code == JSONSTORE_ABSENT; i++) {
		const struct json_field *field = &search->table->fields[wanted->fields->items[i]->number];
		struct buf text;
		if (!field->indexed) {
			continue;
		}
		buf_init(&text, SIZE_MAX);
		value_write_json(&text, &field->field, &wanted->values[i]);
		code = jsonstore_find(collection, snapshot, field->name, buf_str(&text).ptr, text.len,
							  &cursor, &failure);
		buf_finish(&text);
	}
	if (code == JSONSTORE_ABSENT) {
		code = jsonstore_scan(collection, snapshot, &cursor, &failure);
	}
	return code == JSONSTORE_OK ? look_at_all(search, cursor)
								: json_fail(search->transaction->store, &failure, search->error);
}

static bool find(struct row_tables *base, const struct row_search *wanted, struct row **ret_row,
				 struct error *error)
{
	struct json_transaction *transaction = transaction_of(base);
	struct search search = {
		.transaction = transaction,
		.wanted = wanted,
		.number = json_table_number(transaction->tables, wanted->resource),
		.error = error,
	};
	search.table = &transaction->tables->items[search.number];
	arena_init(&search.arena, ARENA_BYTES);
	const struct value **parts = key_of(&search);
	bool ok = json_backing.enter(transaction->conn->tables, error);
	if (ok) {
		ok = parts != NULL ? look_for_key(&search, parts) : look_for_values(&search);
		json_backing.leave(transaction->conn->tables);
	}
	arena_finish(&search.arena);
	*ret_row = search.found;
	return ok;
}

static bool is_same(struct row_tables *base, const struct resource *resource, const struct row *a,
					const struct row *b)
{
	const struct json_tables *tables = transaction_of(base)->tables;
	const struct json_table *table = &tables->items[json_table_number(tables, resource)];
	size_t i = 0;
	while (i < table->key_count &&
		   row_equal(&a->values[table->key[i]], &b->values[table->key[i]])) {
		i++;
	}
	return i == table->key_count;
}

/* A query for all stored fields of the rows that `where` names, in key order. */
static void make_query(const struct query *query, const struct json_table *table,
					   struct arena *arena, struct query *ret_query)
{
	const struct resource *resource = query->resource;
	struct query_fetch *fetch = ARENA_ARRAY(arena, table->column_count, struct query_fetch);
	struct query_order *order = ARENA_ARRAY(arena, table->key_count, struct query_order);
	for (size_t c = 0; c < table->column_count; c++) {
		size_t number = table->columns[c];
		const struct field *field = number < resource->field_count ? &resource->fields[number]
																   : &table->fields[number].field;
		fetch[c] = (struct query_fetch){.term = {.field = field}, .type = field};
	}
	for (size_t k = 0; k < table->key_count; k++) {
		order[k].at = table->fields[table->key[k]].column;
		order[k].term = fetch[order[k].at].term;
	}
	*ret_query = (struct query){
		.action = QUERY_LIST,
		.resource = resource,
		.where = query->where,
		.fetch = fetch,
		.fetch_count = table->column_count,
		.order = order,
		.order_count = table->key_count,
		.limit = UINT64_MAX,
		.today = query->today,
	};
}

static bool step_rows(struct sqlite_conn *conn, struct sqlite_statement *statement,
					  const struct query *query, const struct json_table *table,
					  struct row_list *rows, struct error *error)
{
	int rc;
	struct value *values = alloc_zeroed(table->field_count + 1, sizeof(*values));
	while ((rc = sqlite3_step(statement->stmt)) == SQLITE_ROW) {
		const struct value *fetched = sqlite_row(statement, query);
		for (size_t c = 0; c < table->column_count; c++) {
			values[table->columns[c]] = fetched[c];
		}
		row_list_append(rows, row_create(values, table->field_count));
	}
	free(values);
	return rc == SQLITE_DONE || sqlite_fail(conn, error);
}

static bool match(struct row_tables *base, const struct query *query, struct row_list *ret_rows,
				  struct error *error)
{
	struct json_transaction *transaction = transaction_of(base);
	struct sqlite_conn *conn = transaction->conn;
	const struct json_table *table =
		&transaction->tables->items[json_table_number(transaction->tables, query->resource)];
	struct query wanted;
	struct arena arena;
	arena_init(&arena, ARENA_BYTES);
	make_query(query, table, &arena, &wanted);
	*ret_rows = (struct row_list){.count = 0};
	bool ok = json_backing.enter(conn->tables, error);
	if (ok) {
		sql_clear(&conn->sql);
		sql_select(&conn->sql, &wanted);
		struct sqlite_statement *statement = sqlite_conn_prepare_sql(conn, error);
		ok = statement != NULL && step_rows(conn, statement, &wanted, table, ret_rows, error);
		sqlite_conn_release(conn, statement);
		json_backing.leave(conn->tables);
	}
	arena_finish(&arena);
	return ok;
}

/* ---- records of the transaction ---- */

static void write_key(const struct json_table *table, const struct value *values, struct buf *key)
{
	const struct value *parts[JSONSTORE_FIELDS_MAX] = {NULL};
	for (size_t k = 0; k < table->key_count; k++) {
		parts[k] = &values[table->key[k]];
	}
	json_key_write(table, parts, key);
}

/* `record_bytes`: 0 when one goes. What a transaction has no room for may fit in one of its own. */
static bool fail_change(struct json_transaction *transaction, const struct jsonstore_error *failure,
						size_t record_bytes, struct error *error)
{
	transaction->too_large = failure->code == JSONSTORE_LIMIT &&
		record_bytes <= JSONSTORE_RECORD_MAX;
	if (transaction->too_large) {
		error_set(error, ERROR_BODY_TOO_LARGE, "The write is too large for JSON files");
		return error_details(error, "%s", failure->message);
	}
	if (failure->code == JSONSTORE_LIMIT || failure->code == JSONSTORE_INVALID) {
		/* A key that is too long, json that is too deep. */
		error_set(error, ERROR_TOO_LONG, "The row is too large for JSON files");
		return error_details(error, "%s", failure->message);
	}
	return json_fail(transaction->store, failure, error);
}

/* The record that is there now, "" when `key` is of none. */
static bool read_before(struct json_transaction *transaction, size_t number, struct str key,
						struct jsonstore_text *record, struct error *error)
{
	struct jsonstore_error failure;
	if (!json_backing.enter(transaction->conn->tables, error)) {
		return false;
	}
	int code = jsonstore_get(transaction->store->collections[number],
							 reading_of(transaction)->snapshot, key.ptr, key.len, record, &failure);
	json_backing.leave(transaction->conn->tables);
	return code == JSONSTORE_OK || code == JSONSTORE_ABSENT ||
		json_fail(transaction->store, &failure, error);
}

/* ---- keys that the store makes ---- */

static void take_number(struct json_reader *reader, int64_t *ret_number)
{
	static const struct field integer = {.name = STR_INIT("number"), .type = TYPE_INTEGER};
	struct value value;
	struct error error;
	if (value_from_json(&integer, reader, false, &value, &error) && value.kind == VALUE_INTEGER) {
		*ret_number = value.integer;
	}
}

static void read_counter_record(struct str record, struct json_counter *counter)
{
	struct json_reader reader;
	struct arena arena;
	struct str skipped;
	arena_init(&arena, ARENA_BYTES);
	json_reader_init(&reader, record, JSONSTORE_DEPTH_MAX, &arena);
	if (json_next(&reader) == JSON_OBJECT) {
		while (json_next(&reader) == JSON_KEY) {
			if (str_equal(reader.text, STR("made"))) {
				take_number(&reader, &counter->made);
			} else if (str_equal(reader.text, STR("high"))) {
				take_number(&reader, &counter->high);
			} else if (!json_skip(&reader, json_next(&reader), &skipped)) {
				break;
			}
		}
	}
	arena_finish(&arena);
}

/* The greatest key that is there. */
static bool find_greatest(struct json_transaction *transaction, size_t number, int64_t *ret_key,
						  struct error *error)
{
	const struct json_table *table = &transaction->tables->items[number];
	struct jsonstore_cursor *cursor = NULL;
	struct jsonstore_error failure;
	struct value *values;
	struct arena arena;
	const char *record;
	size_t len;
	if (jsonstore_scan(transaction->store->collections[number], reading_of(transaction)->snapshot,
					   &cursor, &failure) != JSONSTORE_OK) {
		return json_fail(transaction->store, &failure, error);
	}
	bool ok;
	arena_init(&arena, ARENA_BYTES);
	while ((ok = check_time(transaction, error) &&
				(jsonstore_next(cursor, &record, &len, &failure) == JSONSTORE_OK ||
				 json_fail(transaction->store, &failure, error))) &&
		   record != NULL) {
		arena_reset(&arena);
		ok = json_record_read(table, (struct str){record, len}, &arena, &values, error);
		if (!ok) {
			break;
		}
		int64_t key = values[table->key[0]].integer;
		*ret_key = key > *ret_key ? key : *ret_key;
	}
	arena_finish(&arena);
	jsonstore_cursor_close(cursor);
	return ok;
}

/* From its record, or, the first time, from the rows that are there. */
static bool load_counter(struct json_transaction *transaction, size_t number, struct error *error)
{
	struct json_counter *counter = &transaction->counters[number];
	const struct json_table *table = &transaction->tables->items[number];
	struct jsonstore_text record = {NULL, 0, 0};
	struct jsonstore_error failure;
	int code = jsonstore_get(transaction->store->keys, reading_of(transaction)->snapshot,
							 table->name.ptr, table->name.len, &record, &failure);
	bool ok = code == JSONSTORE_OK || code == JSONSTORE_ABSENT ||
		json_fail(transaction->store, &failure, error);
	if (code == JSONSTORE_OK) {
		read_counter_record((struct str){record.text, record.length}, counter);
	} else if (ok) {
		ok = find_greatest(transaction, number, &counter->made, error);
	}
	counter->high = counter->high > counter->made ? counter->high : counter->made;
	counter->known = ok;
	jsonstore_text_free(&record);
	return ok;
}

static bool read_counter(struct json_transaction *transaction, size_t number, struct error *error)
{
	if (transaction->counters[number].known) {
		return true;
	}
	if (!json_backing.enter(transaction->conn->tables, error)) {
		return false;
	}
	bool ok = load_counter(transaction, number, error);
	json_backing.leave(transaction->conn->tables);
	return ok;
}

/* Is a row there that the counter does not know of? Somebody edited the file. */
static bool is_taken(struct json_transaction *transaction, size_t number, int64_t key,
					 bool *ret_taken, struct error *error)
{
	const struct json_table *table = &transaction->tables->items[number];
	const struct value value = {.kind = VALUE_INTEGER, .integer = key};
	const struct value *part = &value;
	struct jsonstore_text record = {NULL, 0, 0};
	struct buf text;
	buf_init(&text, SIZE_MAX);
	json_key_write(table, &part, &text);
	bool ok = read_before(transaction, number, buf_str(&text), &record, error);
	*ret_taken = record.length > 0;
	jsonstore_text_free(&record);
	buf_finish(&text);
	return ok;
}

static bool make_number(struct json_transaction *transaction, size_t number, int64_t *ret_number,
						struct error *error)
{
	struct json_counter *counter = &transaction->counters[number];
	bool taken = false;
	if (counter->made < INT64_MAX &&
		!is_taken(transaction, number, counter->made + 1, &taken, error)) {
		return false;
	}
	if (taken || counter->high > counter->made) {
		if (!json_backing.enter(transaction->conn->tables, error)) {
			return false;
		}
		bool ok = find_greatest(transaction, number, &counter->made, error);
		json_backing.leave(transaction->conn->tables);
		if (!ok) {
			return false;
		}
		counter->high = counter->made;
	}
	if (counter->made == INT64_MAX) {
		return error_set(error, ERROR_STORE_FULL, NULL);
	}
	*ret_number = counter->made + 1;
	return true;
}

static bool settle_number(struct json_transaction *transaction, size_t number, struct value *key,
						  struct error *error)
{
	struct json_counter *counter = &transaction->counters[number];
	if (!read_counter(transaction, number, error)) {
		return false;
	}
	if (key->kind == VALUE_NULL) {
		int64_t made = 0;
		if (!make_number(transaction, number, &made, error)) {
			return false;
		}
		*key = (struct value){.kind = VALUE_INTEGER, .integer = made};
	}
	if (key->integer > counter->made) {
		counter->made = key->integer;
		counter->high = counter->high > counter->made ? counter->high : counter->made;
		counter->changed = true;
	}
	return true;
}

bool json_counters_put(struct json_transaction *transaction, struct error *error)
{
	bool ok = true;
	for (size_t i = 0; i < transaction->tables->count && ok; i++) {
		const struct json_counter *counter = &transaction->counters[i];
		struct jsonstore_error failure;
		struct buf record;
		if (!counter->changed) {
			continue;
		}
		buf_init(&record, SIZE_MAX);
		buf_append(&record, STR("{\"id\":"));
		json_write_string(&record, transaction->tables->items[i].name);
		buf_printf(&record, ",\"made\":%lld", (long long)counter->made);
		if (counter->high > counter->made) {
			buf_printf(&record, ",\"high\":%lld", (long long)counter->high);
		}
		buf_append_byte(&record, '}');
		ok = jsonstore_transaction_put(transaction->files, transaction->store->keys,
									   buf_str(&record).ptr, record.len,
									   &failure) == JSONSTORE_OK ||
			json_fail(transaction->store, &failure, error);
		buf_finish(&record);
	}
	return ok;
}

/* ---- changing rows ---- */

/* A row whose key has changed takes another place. */
static bool move_row(struct json_transaction *transaction, size_t number, struct str key,
					 const struct value *values, struct error *error)
{
	const struct json_table *table = &transaction->tables->items[number];
	struct json_counter *counter = &transaction->counters[number];
	struct jsonstore_error failure;
	if (jsonstore_transaction_delete(transaction->files, transaction->store->collections[number],
									 key.ptr, key.len, &failure) != JSONSTORE_OK) {
		return fail_change(transaction, &failure, 0, error);
	}
	if (!table->numbered) {
		return true;
	}
	if (!read_counter(transaction, number, error)) {
		return false;
	}
	if (values[table->key[0]].integer > counter->high) {
		counter->high = values[table->key[0]].integer;
		counter->changed = true;
	}
	return true;
}

static bool put_values(struct json_transaction *transaction, size_t number,
					   const struct row *before, const struct value *values, struct error *error)
{
	const struct json_table *table = &transaction->tables->items[number];
	struct jsonstore_text old = {NULL, 0, 0};
	struct jsonstore_error failure;
	struct buf key;
	struct buf old_key;
	struct buf record;
	buf_init(&key, SIZE_MAX);
	buf_init(&old_key, SIZE_MAX);
	buf_init(&record, SIZE_MAX);
	write_key(table, values, &key);
	bool ok = check_time(transaction, error);
	if (before != NULL && ok) {
		write_key(table, before->values, &old_key);
		ok = read_before(transaction, number, buf_str(&old_key), &old, error);
		if (ok && !str_equal(buf_str(&key), buf_str(&old_key))) {
			ok = move_row(transaction, number, buf_str(&old_key), values, error);
		}
	}
	if (ok) {
		json_record_write(table, values, (struct str){old.text, old.length}, &record);
		ok = jsonstore_transaction_put(transaction->files, transaction->store->collections[number],
									   buf_str(&record).ptr, record.len,
									   &failure) == JSONSTORE_OK ||
			fail_change(transaction, &failure, record.len, error);
	}
	jsonstore_text_free(&old);
	buf_finish(&record);
	buf_finish(&old_key);
	buf_finish(&key);
	return ok;
}

static bool put(struct row_tables *base, const struct resource *resource, const struct row *before,
				struct row *row, struct error *error)
{
	struct json_transaction *transaction = transaction_of(base);
	size_t number = json_table_number(transaction->tables, resource);
	const struct json_table *table = &transaction->tables->items[number];
	if (!table->keyless) {
		return put_values(transaction, number, before, row->values, error);
	}
	struct value *values = alloc_zeroed(table->field_count, sizeof(*values));
	struct value *own = &values[table->key[0]];
	for (size_t i = 0; i < resource_column_count(resource); i++) {
		values[i] = row->values[i];
	}
	if (before != NULL) {
		*own = before->values[table->key[0]];
	}
	bool ok = settle_number(transaction, number, own, error) &&
		put_values(transaction, number, before, values, error);
	free(values);
	return ok;
}

static bool take(struct row_tables *base, const struct resource *resource, const struct row *row,
				 struct error *error)
{
	struct json_transaction *transaction = transaction_of(base);
	size_t number = json_table_number(transaction->tables, resource);
	struct jsonstore_error failure;
	struct buf key;
	buf_init(&key, SIZE_MAX);
	write_key(&transaction->tables->items[number], row->values, &key);
	bool ok = check_time(transaction, error) &&
		(jsonstore_transaction_delete(transaction->files, transaction->store->collections[number],
									  buf_str(&key).ptr, key.len, &failure) == JSONSTORE_OK ||
		 fail_change(transaction, &failure, 0, error));
	buf_finish(&key);
	return ok;
}

static bool settle_key(struct row_tables *base, const struct resource *resource, struct value *key,
					   struct error *error)
{
	struct json_transaction *transaction = transaction_of(base);
	size_t number = json_table_number(transaction->tables, resource);
	return !transaction->tables->items[number].numbered ||
		settle_number(transaction, number, key, error);
}

/* ---- any write ---- */

static const struct row_tables_ops table_ops = {
	.find = find,
	.is_same = is_same,
	.match = match,
	.put = put,
	.remove = take,
	.settle_key = settle_key,
};

bool json_write(struct json_transaction *transaction, const struct query *query, struct buf *body,
				struct store_result *result, struct error *error)
{
	struct tables tables = {{&table_ops}, transaction};
	struct row_list written;
	if (!row_write(&tables.base, query, result, &written, error)) {
		return false;
	}
	bool ok = json_answer(transaction, query, &written, body, result, error);
	row_list_finish(&written);
	return ok;
}

bool json_transaction_run(struct store_transaction *base, const struct query *query,
						  struct buf *body, struct store_result *ret_result, struct error *error)
{
	struct json_transaction *transaction = (struct json_transaction *)base;
	*ret_result = (struct store_result){.rows = 0};
	if (query_reads(query)) {
		return sqlite_read_whole(transaction->conn, &transaction->store->base.limits, query, body,
								 ret_result, error);
	}
	return json_write(transaction, query, body, ret_result, error);
}
