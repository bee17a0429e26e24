/*
 * One write, inside the writer's transaction. A request that is a single statement is undone by
 * SQLite itself when it fails; one of several statements, or one that may fail after its statement,
 * runs in a savepoint.
 *
 * The answer is built from the request's own values where they are all that is asked for: it costs
 * half of what RETURNING does.
 */
#include <assert.h>

#include "store/sqlite_priv.h"

/* The request under way. */
struct write {
	struct sqlite_conn *conn;
	const struct query *query;
	struct query plain; /* a copy that returns nothing, when the answer is known */
	bool known;         /* the answer can be built from the values */
	struct store_request *request;
	struct rows rows;
	uint64_t inserted;
};

/* ---- savepoints ---- */

static bool is_insert(const struct query *query)
{
	return query->action == QUERY_INSERT || query->action == QUERY_UPSERT;
}

static bool is_single_statement(const struct query *query)
{
	return query->row_count <= 1 || !is_insert(query);
}

static bool run(struct sqlite_conn *conn, struct str text, struct error *error)
{
	return sqlite_conn_run(conn, text) == SQLITE_OK || sqlite_fail(conn, error);
}

static void undo(struct sqlite_conn *conn)
{
	if (!sqlite3_get_autocommit(conn->db)) {
		sqlite_conn_run(conn, STR("ROLLBACK TO request"));
		sqlite_conn_run(conn, STR("RELEASE request"));
	}
}

/* Rows of one request may refer to each other in any order. */
static bool prepare_references(struct sqlite_conn *conn, const struct query *query,
							   struct error *error)
{
	if (is_single_statement(query)) {
		return true;
	}
	for (size_t i = 0; i < query->resource->field_count; i++) {
		if (query->resource->fields[i].references == query->resource) {
			/* Until the transaction ends. It makes SQLite prepare all statements anew. */
			return sqlite_conn_exec(conn, "PRAGMA defer_foreign_keys=ON", error);
		}
	}
	return true;
}

/* Foreign keys that are checked late must hold when the request ends, not when the group does. */
static bool check_deferred(struct sqlite_conn *conn, struct error *error)
{
	int now = 0;
	int highest = 0;
	sqlite3_db_status(conn->db, SQLITE_DBSTATUS_DEFERRED_FKS, &now, &highest, 0);
	return now == 0 || error_set(error, ERROR_REFERENCE, NULL);
}

/* ---- answers ---- */

/* -0.0 is stored as 0. */
static struct value as_stored(const struct value *value)
{
	struct value stored = *value;
	if (stored.kind == VALUE_NUMBER && stored.number == 0) {
		stored.number = 0;
	}
	return stored;
}

static void write_known_row(struct write *write, size_t row)
{
	const struct query *query = write->query;
	rows_row(&write->rows);
	for (size_t i = 0; i < query->column_count; i++) {
		struct value value = as_stored(query_value(query, row, query->columns[i].field));
		rows_value(&write->rows, &value);
	}
	rows_row_end(&write->rows);
}

/* Steps to the end; writes the rows that the statement returns. */
static bool step(struct write *write, sqlite3_stmt *stmt, size_t row)
{
	struct error *error = &write->request->error;
	int rc;
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		if (write->query->format == FORMAT_OBJECT && write->rows.count > 0) {
			return error_set(error, ERROR_INTERNAL, "more than one row was changed");
		}
		sqlite_write_row(&write->rows, stmt);
	}
	return rc == SQLITE_DONE || sqlite_fail_write(write->conn, write->query, row, error);
}

static bool finish_answer(struct write *write)
{
	struct error *error = &write->request->error;
	if (write->query->column_count == 0) {
		return true;
	}
	rows_end(&write->rows);
	if (write->query->format == FORMAT_OBJECT && write->rows.count == 0) {
		return error_set(error, ERROR_NOT_FOUND, NULL);
	}
	if (write->request->body->failed) {
		error_set(error, ERROR_OVERLOADED, "The answer is too large; nothing was written");
		return error_hint(error, "write fewer rows, or ask for none of them back");
	}
	return true;
}

/* ---- INSERT, UPSERT ---- */

/* A trigger's own changes have a greater depth. */
static void on_change(void *context, sqlite3 *db, int change, const char *database,
					  const char *table, sqlite3_int64 before, sqlite3_int64 after)
{
	(void)database;
	(void)table;
	(void)before;
	(void)after;
	struct write *write = context;
	write->inserted += change == SQLITE_INSERT && sqlite3_preupdate_depth(db) == 0;
}

/* The text is the same for all rows; a parameter that is a value of the first row is, in another
 * row, the value at the same place there. */
static bool bind_row(struct write *write, sqlite3_stmt *stmt, size_t row)
{
	const struct query *query = write->query;
	const struct sql *sql = &write->conn->sql;
	uintptr_t begin = (uintptr_t)query->values;
	uintptr_t end = (uintptr_t)(query->values + query->given.count);
	for (size_t i = 0; i < sql->param_count; i++) {
		const struct value *value = sql->params[i];
		if ((uintptr_t)value >= begin && (uintptr_t)value < end) {
			value += row * query->given.count;
		}
		if (sqlite_bind(stmt, (int)i + 1, value) != SQLITE_OK) {
			return sqlite_fail(write->conn, &write->request->error);
		}
	}
	return true;
}

static bool insert_row(struct write *write, sqlite3_stmt *stmt, size_t row)
{
	if (!bind_row(write, stmt, row)) {
		return false;
	}
	if (write->known) {
		write_known_row(write, row);
	}
	bool ok = step(write, stmt, row);
	sqlite3_reset(stmt);
	return ok;
}

/* The store makes the key: it is the row's number. */
static bool makes_key(const struct query *query)
{
	const struct resource *resource = query->resource;
	if (resource->key.count != 1 || resource->key.items[0]->type != TYPE_INTEGER) {
		return false;
	}
	for (size_t i = 0; i < query->given.count; i++) {
		if (query->given.items[i] == resource->key.items[0]) {
			return false;
		}
	}
	return true;
}

static bool insert_rows(struct write *write)
{
	const struct query *query = write->query;
	struct sqlite_conn *conn = write->conn;
	struct store_result *result = &write->request->result;
	if (query->row_count == 0) {
		return true;
	}
	sql_clear(&conn->sql);
	sql_insert(&conn->sql, write->known ? &write->plain : query, 0);
	if (conn->sql.text.failed) {
		return error_set(&write->request->error, ERROR_PARSE, "The query is too large");
	}
	struct sqlite_statement *statement = sqlite_conn_prepare(conn, buf_str(&conn->sql.text),
															 &write->request->error);
	if (statement == NULL) {
		return false;
	}
	bool upsert = query->action == QUERY_UPSERT;
	if (upsert) {
		sqlite3_preupdate_hook(conn->db, on_change, write);
	}
	bool ok = true;
	for (size_t row = 0; row < query->row_count && ok; row++) {
		ok = insert_row(write, statement->stmt, row);
	}
	if (upsert) {
		sqlite3_preupdate_hook(conn->db, NULL, NULL);
	}
	sqlite_conn_release(conn, statement);
	result->rows = query->row_count;
	result->inserted = upsert ? write->inserted : query->row_count;
	if (ok && makes_key(query)) {
		result->made_key = sqlite3_last_insert_rowid(conn->db);
		result->has_made_key = true;
	}
	return ok;
}

/* ---- UPDATE, REPLACE, DELETE ---- */

static bool change_rows(struct write *write)
{
	const struct query *query = write->query;
	struct sqlite_conn *conn = write->conn;
	struct error *error = &write->request->error;
	const struct query *returning = write->known ? &write->plain : query;
	sql_clear(&conn->sql);
	if (query->action == QUERY_DELETE) {
		sql_delete(&conn->sql, returning);
	} else {
		sql_update(&conn->sql, returning);
	}
	struct sqlite_statement *statement = sqlite_conn_prepare_sql(conn, error);
	if (statement == NULL) {
		return false;
	}
	if (write->known) {
		write_known_row(write, 0);
	}
	bool ok = step(write, statement->stmt, 0);
	uint64_t changed = (uint64_t)sqlite3_changes64(conn->db);
	sqlite_conn_release(conn, statement);
	if (!ok) {
		return false;
	}
	write->request->result.rows = changed;
	if (changed == 0 && (query->must_match || query->action == QUERY_REPLACE)) {
		return error_set(error, ERROR_NOT_FOUND, NULL);
	}
	return true;
}

/* ---- any write ---- */

/* A row that was there before keeps these. */
static bool has_write_once(const struct query *query)
{
	for (size_t i = 0; i < query->column_count; i++) {
		const struct field *field = query->columns[i].field;
		if (!field->key && field->write == WRITE_ONCE) {
			return true;
		}
	}
	return false;
}

/* Everything that is asked for stands in the request. */
static bool knows_answer(const struct query *query)
{
	switch (query->action) {
	case QUERY_INSERT:
		return query_answers_given(query);
	case QUERY_UPSERT:
		return query_answers_given(query) && !has_write_once(query);
	case QUERY_REPLACE:
	case QUERY_UPDATE:
		if (query->action == QUERY_UPDATE && !query->must_match) {
			return false;
		}
		for (size_t i = 0; i < query->column_count; i++) {
			if (query_value(query, 0, query->columns[i].field) == NULL) {
				return false;
			}
		}
		return true;
	case QUERY_DELETE:
	case QUERY_LIST:
	case QUERY_GET:
		break;
	}
	return false;
}

static bool run_statements(struct write *write)
{
	const struct query *query = write->query;
	if (query->column_count > 0) {
		rows_begin(&write->rows, query, write->request->body);
	}
	return (is_insert(query) ? insert_rows(write) : change_rows(write)) && finish_answer(write);
}

bool sqlite_write(struct sqlite_conn *conn, const struct sqlite_store *store,
				  struct store_request *request)
{
	const struct query *query = request->query;
	struct error *error = &request->error;
	struct write write = {.conn = conn, .query = query, .request = request};
	write.known = query->column_count > 0 && knows_answer(query);
	if (write.known) {
		write.plain = *query;
		write.plain.column_count = 0;
	}

	bool references = store->reference_count > 0;
	bool returns = query->column_count > 0 && !write.known;
	bool guarded = references || returns || !is_single_statement(query);
	if (guarded && !run(conn, STR("SAVEPOINT request"), error)) {
		return false;
	}
	bool ok = prepare_references(conn, query, error) && run_statements(&write) &&
		(!references || check_deferred(conn, error));
	if (!ok && error->code == ERROR_REFERENCE) {
		sqlite_fail_reference(conn, store, query, error);
	}
	if (ok && guarded) {
		ok = run(conn, STR("RELEASE request"), error);
	} else if (!ok && guarded) {
		undo(conn);
	}
	return ok;
}
