/*
 * DESIGN. To SQLite a collection is a virtual table that needs no CREATE: a module of the
 * resource's name. What a row is equal to in the whole key is a get, in an indexed field a find;
 * all else reads the whole collection. SQLite looks at every condition again, so a plan may always
 * give more rows than it is asked for. A read of a store enters once, and all its statements see
 * one state of the folder; the writer's see the changes of its transaction, too.
 */
#include <string.h>

#include "base/alloc.h"
#include "store/json_priv.h"

enum { PLAN_SCAN, PLAN_KEY, PLAN_FIND, ARENA_BYTES = 4096 };

/* SQLite's guesses: rows that a plan gives. */
enum { ROWS_ALL = 1000000, ROWS_FOUND = 20 };

/* One module, with the table that it stands for. */
struct module {
	struct json_reading *reading;
	size_t number;
};

struct table {
	sqlite3_vtab base;
	struct json_reading *reading;
	size_t number;
};

struct cursor {
	sqlite3_vtab_cursor base;
	const struct json_table *table;
	struct jsonstore_cursor *records; /* NULL: of a get */
	struct jsonstore_text text;       /* of a get */
	struct arena arena;               /* the row's */
	struct value *values;
	bool end;
};

static struct table *table_of(struct cursor *cursor)
{
	return (struct table *)cursor->base.pVtab;
}

static int fail(struct json_reading *reading, const struct jsonstore_error *failure)
{
	json_fail(reading->store, failure, reading->error);
	return SQLITE_ERROR;
}

/* ---- a table ---- */

static int connect_table(sqlite3 *db, void *context, int count, const char *const *arguments,
						 sqlite3_vtab **ret_table, char **ret_message)
{
	(void)count;
	(void)arguments;
	(void)ret_message;
	const struct module *module = context;
	int rc = sqlite3_declare_vtab(db,
								  json_tables(module->reading->store)->items[module->number].words);
	if (rc != SQLITE_OK) {
		return rc;
	}
	/* Views that count rows may read it. */
	sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
	struct table *table = alloc_zeroed(1, sizeof(*table));
	table->reading = module->reading;
	table->number = module->number;
	*ret_table = &table->base;
	return SQLITE_OK;
}

static int disconnect_table(sqlite3_vtab *table)
{
	free(table);
	return SQLITE_OK;
}

/* ---- plans ---- */

/* The number of a constraint that the column is equal to something; -1: none. */
static int find_equal(sqlite3_index_info *info, size_t column)
{
	for (int i = 0; i < info->nConstraint; i++) {
		if (info->aConstraint[i].usable && info->aConstraint[i].op == SQLITE_INDEX_CONSTRAINT_EQ &&
			info->aConstraint[i].iColumn == (int)column &&
			strcmp(sqlite3_vtab_collation(info, i), "BINARY") == 0) {
			return i;
		}
	}
	return -1;
}

static bool plan_key(const struct json_table *table, sqlite3_index_info *info)
{
	for (size_t i = 0; i < table->key_count; i++) {
		if (find_equal(info, table->fields[table->key[i]].column) < 0) {
			return false;
		}
	}
	for (size_t i = 0; i < table->key_count; i++) {
		int number = find_equal(info, table->fields[table->key[i]].column);
		info->aConstraintUsage[number].argvIndex = (int)i + 1;
	}
	info->idxNum = PLAN_KEY;
	info->estimatedCost = 1;
	info->estimatedRows = 1;
	info->idxFlags = SQLITE_INDEX_SCAN_UNIQUE;
	return true;
}

static bool plan_find(const struct json_table *table, sqlite3_index_info *info)
{
	for (size_t i = 0; i < table->field_count; i++) {
		int number = table->fields[i].indexed ? find_equal(info, table->fields[i].column) : -1;
		if (number >= 0) {
			info->aConstraintUsage[number].argvIndex = 1;
			info->idxNum = PLAN_FIND + (int)i;
			info->estimatedCost = 2 * ROWS_FOUND;
			info->estimatedRows = ROWS_FOUND;
			return true;
		}
	}
	return false;
}

static int plan(sqlite3_vtab *base, sqlite3_index_info *info)
{
	const struct table *here = (const struct table *)base;
	const struct json_table *table = &json_tables(here->reading->store)->items[here->number];
	if (!plan_key(table, info) && !plan_find(table, info)) {
		info->idxNum = PLAN_SCAN;
		info->estimatedCost = ROWS_ALL;
		info->estimatedRows = ROWS_ALL;
	}
	return SQLITE_OK;
}

/* ---- what is looked for ---- */

/* The value as the field would have it; false: it is none of the field's. */
static bool take_value(const struct json_field *field, sqlite3_value *from, struct value *ret_value)
{
	bool texts = field->field.type == TYPE_TEXT || field->field.type == TYPE_UUID;
	int type = sqlite3_value_type(from);
	if (texts && type == SQLITE_TEXT) {
		const char *ptr = (const char *)sqlite3_value_text(from);
		*ret_value = (struct value){.kind = VALUE_TEXT,
									.text = {ptr, (size_t)sqlite3_value_bytes(from)}};
		return true;
	}
	if (texts || type != SQLITE_INTEGER) {
		return false;
	}
	int64_t number = sqlite3_value_int64(from);
	*ret_value = (struct value){.kind = VALUE_INTEGER, .integer = number};
	switch (field->field.type) {
	case TYPE_INTEGER:
		return true;
	case TYPE_BOOLEAN:
		return number == 0 || number == 1;
	case TYPE_DECIMAL:
		return number > INT64_MIN;
	case TYPE_DATE:
		return number >= DATE_FIRST_DAY && number <= DATE_LAST_DAY;
	case TYPE_TIME:
		return number >= 0 && number < DATE_DAY_MICROS;
	case TYPE_DATETIME:
		return number >= DATE_FIRST_DAY * DATE_DAY_MICROS &&
			number < (DATE_LAST_DAY + 1) * DATE_DAY_MICROS;
	case TYPE_NUMBER:
	case TYPE_TEXT:
	case TYPE_UUID:
	case TYPE_JSON:
		break;
	}
	return false;
}

static int read_record(struct cursor *cursor, const char *record, size_t len)
{
	struct json_reading *reading = table_of(cursor)->reading;
	arena_reset(&cursor->arena);
	return json_record_read(cursor->table, (struct str){record, len}, &cursor->arena,
							&cursor->values, reading->error)
		? SQLITE_OK
		: SQLITE_ERROR;
}

static int next_record(sqlite3_vtab_cursor *base)
{
	struct cursor *cursor = (struct cursor *)base;
	struct jsonstore_error failure;
	const char *record = NULL;
	size_t len = 0;
	if (cursor->records == NULL) {
		cursor->end = true;
		return SQLITE_OK;
	}
	if (jsonstore_next(cursor->records, &record, &len, &failure) != JSONSTORE_OK) {
		return fail(table_of(cursor)->reading, &failure);
	}
	cursor->end = record == NULL;
	return cursor->end ? SQLITE_OK : read_record(cursor, record, len);
}

static int scan(struct cursor *cursor)
{
	struct table *table = table_of(cursor);
	struct jsonstore_error failure;
	if (jsonstore_scan(table->reading->store->collections[table->number], table->reading->snapshot,
					   &cursor->records, &failure) != JSONSTORE_OK) {
		return fail(table->reading, &failure);
	}
	return next_record(&cursor->base);
}

static int get(struct cursor *cursor, sqlite3_value **arguments)
{
	struct table *table = table_of(cursor);
	const struct json_table *of = cursor->table;
	struct value *values = ARENA_ARRAY(&cursor->arena, of->key_count, struct value);
	const struct value **parts = ARENA_ARRAY(&cursor->arena, of->key_count, const struct value *);
	struct jsonstore_error failure;
	struct buf key;
	for (size_t i = 0; i < of->key_count; i++) {
		parts[i] = &values[i];
		if (!take_value(&of->fields[of->key[i]], arguments[i], &values[i])) {
			return scan(cursor);
		}
	}
	buf_init(&key, SIZE_MAX);
	json_key_write(of, parts, &key);
	cursor->text.length = 0;
	int code = key.len > JSONSTORE_KEY_MAX
		? JSONSTORE_ABSENT
		: jsonstore_get(table->reading->store->collections[table->number], table->reading->snapshot,
						buf_str(&key).ptr, key.len, &cursor->text, &failure);
	buf_finish(&key);
	if (code == JSONSTORE_ABSENT) {
		cursor->end = true;
		return SQLITE_OK;
	}
	return code == JSONSTORE_OK ? read_record(cursor, cursor->text.text, cursor->text.length)
								: fail(table->reading, &failure);
}

static int find(struct cursor *cursor, const struct json_field *field, sqlite3_value *argument)
{
	struct table *table = table_of(cursor);
	struct jsonstore_error failure;
	struct value value;
	struct buf text;
	if (!take_value(field, argument, &value)) {
		return scan(cursor);
	}
	buf_init(&text, SIZE_MAX);
	value_write_json(&text, &field->field, &value);
	int code = jsonstore_find(table->reading->store->collections[table->number],
							  table->reading->snapshot, field->name, buf_str(&text).ptr, text.len,
							  &cursor->records, &failure);
	buf_finish(&text);
	if (code == JSONSTORE_ABSENT) {
		return scan(cursor);
	}
	return code == JSONSTORE_OK ? next_record(&cursor->base) : fail(table->reading, &failure);
}

/* ---- cursors ---- */

static int open_cursor(sqlite3_vtab *table, sqlite3_vtab_cursor **ret_cursor)
{
	(void)table;
	struct cursor *cursor = alloc_zeroed(1, sizeof(*cursor));
	arena_init(&cursor->arena, ARENA_BYTES);
	*ret_cursor = &cursor->base;
	return SQLITE_OK;
}

static int close_cursor(sqlite3_vtab_cursor *base)
{
	struct cursor *cursor = (struct cursor *)base;
	jsonstore_cursor_close(cursor->records);
	jsonstore_text_free(&cursor->text);
	arena_finish(&cursor->arena);
	free(cursor);
	return SQLITE_OK;
}

static int begin(sqlite3_vtab_cursor *base, int plan_number, const char *plan_text, int count,
				 sqlite3_value **arguments)
{
	(void)plan_text;
	struct cursor *cursor = (struct cursor *)base;
	struct table *table = table_of(cursor);
	jsonstore_cursor_close(cursor->records);
	cursor->records = NULL;
	cursor->end = false;
	cursor->table = &json_tables(table->reading->store)->items[table->number];
	arena_reset(&cursor->arena);
	for (int i = 0; i < count; i++) {
		if (sqlite3_value_type(arguments[i]) == SQLITE_NULL) {
			cursor->end = true; /* nothing is equal to it */
			return SQLITE_OK;
		}
	}
	if (plan_number == PLAN_SCAN) {
		return scan(cursor);
	}
	return plan_number == PLAN_KEY
		? get(cursor, arguments)
		: find(cursor, &cursor->table->fields[plan_number - PLAN_FIND], arguments[0]);
}

static int is_end(sqlite3_vtab_cursor *base)
{
	return ((struct cursor *)base)->end;
}

static int give_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
	struct cursor *cursor = (struct cursor *)base;
	const struct value *value = &cursor->values[cursor->table->columns[column]];
	switch (value->kind) {
	case VALUE_INTEGER:
		sqlite3_result_int64(context, value->integer);
		break;
	case VALUE_NUMBER:
		sqlite3_result_double(context, value->number);
		break;
	case VALUE_TEXT:
		/* An empty text may have no bytes at all, which SQLite would take for null. */
		sqlite3_result_text64(context, value->text.len > 0 ? value->text.ptr : "", value->text.len,
							  SQLITE_TRANSIENT, SQLITE_UTF8);
		break;
	case VALUE_NULL:
	case VALUE_ABSENT:
	case VALUE_POINTER:
		sqlite3_result_null(context);
		break;
	}
	return SQLITE_OK;
}

static const sqlite3_module module_of_tables = {
	.iVersion = 0,
	.xConnect = connect_table,
	.xBestIndex = plan,
	.xDisconnect = disconnect_table,
	.xOpen = open_cursor,
	.xClose = close_cursor,
	.xFilter = begin,
	.xNext = next_record,
	.xEof = is_end,
	.xColumn = give_column,
};

/* ---- connections ---- */

static bool add_table(struct sqlite_conn *conn, struct json_reading *reading, size_t number,
					  struct error *error)
{
	const struct json_table *table = &json_tables(reading->store)->items[number];
	if (table->tally) {
		return table->words == NULL || sqlite_conn_exec(conn, table->words, error);
	}
	struct module *module = alloc_zeroed(1, sizeof(*module));
	*module = (struct module){reading, number};
	return sqlite3_create_module_v2(conn->db, table->name.ptr, &module_of_tables, module, free) ==
		SQLITE_OK ||
		sqlite_fail(conn, error);
}

static bool connect_tables(const struct sqlite_store *base, struct sqlite_conn *conn,
						   struct error *error)
{
	struct json_reading *reading = alloc_zeroed(1, sizeof(*reading));
	/* Reading changes nothing that a caller may not see changed. */
	reading->store = (struct json_store *)(uintptr_t)base;
	reading->error = conn->function_error;
	conn->tables = reading;
	for (size_t i = 0; i < json_tables(reading->store)->count; i++) {
		if (!add_table(conn, reading, i, error)) {
			return false;
		}
	}
	return true;
}

static void disconnect_tables(void *tables)
{
	free(tables);
}

static bool enter(void *tables, struct error *error)
{
	struct json_reading *reading = tables;
	struct jsonstore_error failure;
	int code = reading->transaction == NULL
		? jsonstore_snapshot(reading->store->files, &reading->snapshot, &failure)
		: jsonstore_transaction_snapshot(reading->transaction, &reading->snapshot, &failure);
	return code == JSONSTORE_OK || json_fail(reading->store, &failure, error);
}

static void leave(void *tables)
{
	struct json_reading *reading = tables;
	jsonstore_release(reading->snapshot);
	reading->snapshot = NULL;
}

static bool version(struct sqlite_store *base, uint64_t *ret_version)
{
	struct json_store *store = (struct json_store *)base;
	struct jsonstore_error failure;
	struct jsonstore_stamp stamp;
	if (jsonstore_stamp(store->files, NULL, &stamp, &failure) != JSONSTORE_OK) {
		return false;
	}
	const uint64_t numbers[] = {stamp.generation, stamp.end};
	*ret_version = siphash(store->version_key, numbers, sizeof(numbers));
	return true;
}

const struct sqlite_backing json_backing = {
	.connect = connect_tables,
	.disconnect = disconnect_tables,
	.enter = enter,
	.leave = leave,
	.version = version,
	.submit = json_writer_submit,
};
