/*
 * DESIGN. One write, inside the writer's transaction: the companion's first part, the request's
 * statements, the rows of the answer, the companion's second part. A request that is a single
 * statement is undone by SQLite itself when it fails (but for FAIL in tables and triggers that
 * others made); any other runs in a savepoint.
 *
 * The answer is built from the request's own values where they are all that is asked for: it costs
 * half of what RETURNING does. Rows that are returned are written at once, or kept until all
 * statements have run, when they are to be sorted, cut, or joined with other rows.
 */
#include <assert.h>

#include "store/sqlite_many.h"
#include "store/sqlite_priv.h"
#include "store/store_write.h"

/* What fewer rows save is less than what their statement costs. */
enum { MANY_LEAST = 4 };

/* The request under way, or a query that its companion runs. */
struct write {
	struct sqlite_conn *conn;
	const struct sqlite_store *store;
	const struct query *query;
	struct query plain; /* a copy that returns nothing, when the answer is known or there is none */
	const struct query *returning; /* the query or the copy: what statements are made of */
	struct query part;             /* a copy with the rows that are written now */
	size_t left_out;               /* rows of it that were refused, and are passed over */
	bool many;                     /* rows may go in by one statement */
	bool known;                    /* the answer can be built from the values */
	bool keeps;                    /* rows that are returned wait in `kept` */
	struct kept_rows kept;
	struct buf *body;
	struct store_result *result;
	struct error *error;
	struct sqlite_source source;
	struct rows rows;
};

/* What a companion is given. */
struct sqlite_transaction {
	struct store_transaction_base base;
	struct sqlite_conn *conn;
	const struct sqlite_store *store;
};

static bool is_single_statement(const struct query *query)
{
	return !write_inserts(query) || (query->row_count <= 1 && query->batches == NULL);
}

/* ---- savepoints ---- */

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
	for (size_t i = 0; i < query->resource->reference_count; i++) {
		if (query->resource->references[i].target == query->resource) {
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

static bool keep_row(struct write *write, const struct value *values)
{
	kept_rows_add(&write->kept, write->query, values);
	return write->kept.bytes <= write->body->max_bytes;
}

static bool write_kept(struct write *write)
{
	struct kept_rows *kept = &write->kept;
	kept_rows_arrange(kept, write->query);
	bool ok = true;
	for (size_t i = 0; i < kept->count && ok; i++) {
		ok = rows_write(&write->rows, kept->rows[i]);
	}
	return ok;
}

/* Steps to the end; writes or keeps the rows that the statement returns. */
static bool step(struct write *write, struct sqlite_statement *statement,
				 const struct query *current, size_t row)
{
	int rc;
	while ((rc = sqlite3_step(statement->stmt)) == SQLITE_ROW) {
		const struct value *values = sqlite_row(statement, write->query);
		if (write->keeps && !keep_row(write, values)) {
			return write_fail_large(write->error);
		}
		if (!write->keeps) {
			(void)rows_write(&write->rows, values); /* it embeds nothing, so it cannot fail */
		}
	}
	return rc == SQLITE_DONE || sqlite_fail_write(write->conn, current, row, write->error);
}

static bool finish_answer(struct write *write)
{
	if (write->query->column_count == 0) {
		return true;
	}
	if (write->keeps && !write_kept(write)) {
		return false;
	}
	rows_end(&write->rows);
	if (!rows_check_one(&write->rows, write->error)) {
		return false;
	}
	return !write->body->failed || write_fail_large(write->error);
}

/* ---- INSERT, UPSERT ---- */

static const struct value *values_of(const struct query *query, size_t row)
{
	return query->values + row * query->given.count;
}

/* The row's values are the first placeholders. */
static bool bind_row(struct write *write, sqlite3_stmt *stmt, const struct value *row)
{
	int place = 0;
	for (size_t i = 0; i < write->query->given.count; i++) {
		if (row[i].kind != VALUE_ABSENT && sqlite_bind(stmt, ++place, &row[i]) != SQLITE_OK) {
			return sqlite_fail(write->conn, write->error);
		}
	}
	return true;
}

static struct sqlite_statement *prepare_insert(struct write *write, const struct value *row)
{
	struct sqlite_conn *conn = write->conn;
	sql_clear(&conn->sql);
	sql_insert(&conn->sql, write->returning, row);
	return sqlite_conn_prepare_sql(conn, write->error);
}

static bool insert_row(struct write *write, struct sqlite_statement *statement, size_t row)
{
	const struct query *query = &write->part;
	if (!bind_row(write, statement->stmt, values_of(query, row))) {
		return false;
	}
	bool ok = (!write->known || write_known_row(&write->rows, query, row, write->error)) &&
		step(write, statement, query, row);
	sqlite3_reset(statement->stmt);
	return ok;
}

/* SQLite does not say which reference it was. */
static void explain_row(struct write *write, size_t row)
{
	if (write->error->code == ERROR_REFERENCE) {
		struct query one = write->part;
		one.values += row * one.given.count;
		one.row_count = 1;
		sqlite_fail_reference(write->conn, write->store, &one, write->error);
	}
}

/* A statement that failed changed nothing, unless it ended the transaction. */
static bool is_left_out(struct write *write, size_t row)
{
	struct query_batches *batches = write->part.batches;
	bool can_be = batches != NULL && batches->refused != NULL && !write->store->halves &&
		sqlite3_get_autocommit(write->conn->db) == 0;
	if (can_be) {
		explain_row(write, row);
	}
	bool out = can_be && batches->refused(batches, row, write->error);
	if (out) {
		write->left_out++;
		*write->error = (struct error){0};
	}
	return out;
}

/* Writes rows with the same fields, each by itself, from row *row on. */
static bool insert_each(struct write *write, size_t *row)
{
	const struct query *query = &write->part;
	const struct value *shape = values_of(query, *row);
	struct sqlite_statement *statement = prepare_insert(write, shape);
	bool ok = statement != NULL;
	while (ok && *row < query->row_count &&
		   write_same_shape(query, shape, values_of(query, *row))) {
		ok = insert_row(write, statement, *row) || is_left_out(write, *row);
		(*row)++;
	}
	sqlite_conn_release(write->conn, statement);
	return ok;
}

static bool gives_any(const struct query *query, const struct value *values)
{
	size_t i = 0;
	while (i < query->given.count && values[i].kind == VALUE_ABSENT) {
		i++;
	}
	return i < query->given.count;
}

/* The same by one statement. */
static bool insert_many(struct write *write, size_t *row)
{
	size_t at = *row;
	bool ok = sqlite_many_insert(write->conn, &write->part, row, write->error);
	for (; ok && write->known && at < *row; at++) {
		ok = write_known_row(&write->rows, &write->part, at, write->error);
	}
	return ok;
}

/* A row that fails must not undo those before it, when it is left out. */
static bool may_send_many(const struct write *write)
{
	const struct query *query = write->query;
	bool many = query->batches != NULL ? query->batches->refused == NULL
									   : query->row_count >= MANY_LEAST;
	return many && query->action == QUERY_INSERT && write->returning->fetch_count == 0 &&
		sqlite_many_can(write->conn, query);
}

/* Writes the rows of write->part. */
static bool insert_part(struct write *write)
{
	const struct query *query = &write->part;
	bool ok = true;
	for (size_t row = 0; row < query->row_count && ok;) {
		bool many = write->many && gives_any(query, values_of(query, row));
		ok = many ? insert_many(write, &row) : insert_each(write, &row);
	}
	write->result->rows += query->row_count - write->left_out;
	write->left_out = 0;
	return ok;
}

/* The store makes the key of the last row: it is the row's number. */
static bool makes_key(const struct query *query)
{
	const struct field_list *key = &query->resource->key;
	if (key->count != 1 || key->items[0]->type != TYPE_INTEGER) {
		return false;
	}
	for (size_t i = 0; i < query->given.count; i++) {
		if (query->given.items[i] == key->items[0]) {
			size_t last = (query->row_count - 1) * query->given.count + i;
			return query->row_count > 0 && query->values[last].kind == VALUE_ABSENT;
		}
	}
	return true;
}

static bool insert_batches(struct write *write)
{
	struct query_batches *batches = write->query->batches;
	for (;;) {
		if (!batches->next(batches, &write->part.values, &write->part.row_count, write->error)) {
			return false;
		}
		if (write->part.row_count == 0) {
			return true;
		}
		if (!insert_part(write)) {
			return false;
		}
	}
}

static bool insert_rows(struct write *write)
{
	const struct query *query = write->query;
	struct store_result *result = write->result;
	bool upsert = query->action == QUERY_UPSERT;
	write->part = *query;
	write->many = may_send_many(write);
	uint64_t before = write->store->versions.inserted;
	bool ok = query->batches != NULL ? insert_batches(write) : insert_part(write);
	result->inserted = upsert ? write->store->versions.inserted - before : result->rows;
	if (upsert && query->resolution == RESOLUTION_IGNORE) {
		result->rows = result->inserted;
	}
	if (ok && result->inserted > 0 && makes_key(query)) {
		result->made_key = sqlite3_last_insert_rowid(write->conn->db);
		result->has_made_key = true;
	}
	return ok;
}

/* ---- UPDATE, REPLACE, DELETE ---- */

static bool change_rows(struct write *write)
{
	const struct query *query = write->query;
	struct sqlite_conn *conn = write->conn;
	if (query->action == QUERY_UPDATE && query->row_count == 0) {
		return true;
	}
	sql_clear(&conn->sql);
	if (query->action == QUERY_DELETE) {
		sql_delete(&conn->sql, write->returning);
	} else {
		sql_update(&conn->sql, write->returning);
	}
	struct sqlite_statement *statement = sqlite_conn_prepare_sql(conn, write->error);
	if (statement == NULL) {
		return false;
	}
	bool ok = (!write->known || write_known_row(&write->rows, query, 0, write->error)) &&
		step(write, statement, query, 0);
	uint64_t changed = (uint64_t)sqlite3_changes64(conn->db);
	sqlite_conn_release(conn, statement);
	if (!ok) {
		return false;
	}
	write->result->rows = changed;
	if (changed == 0 && (query->must_match || query->action == QUERY_REPLACE)) {
		return error_set(write->error, ERROR_NOT_FOUND, NULL);
	}
	return true;
}

/* ---- any write ---- */

static bool run_statements(struct write *write)
{
	const struct query *query = write->query;
	if (query->column_count > 0) {
		rows_begin(&write->rows, query, &write->source.base, write->body);
	}
	/* What the answer embeds may be found by what was just written. */
	return (write_inserts(query) ? insert_rows(write) : change_rows(write)) &&
		sqlite_search_write(write->store->search, write->conn, write->error) &&
		finish_answer(write);
}

/* The statements of one query and its answer. */
static bool run_query(struct sqlite_conn *conn, const struct sqlite_store *store,
					  const struct query *query, struct buf *body, struct store_result *result,
					  struct error *error)
{
	struct write write = {
		.conn = conn,
		.store = store,
		.query = query,
		.body = body,
		.result = result,
		.error = error,
	};
	write.known = write_knows_answer(query);
	write.keeps = query->column_count > 0 && write_must_keep(query);
	write.returning = query;
	if (write.known || query->column_count == 0) {
		/* An order may fetch values for an answer without columns. */
		write.plain = *query;
		write.plain.fetch_count = 0;
		write.returning = &write.plain;
	}
	if (write.keeps) {
		kept_rows_init(&write.kept);
	}
	sqlite_source_init(&write.source, conn, error);
	bool references = store->reference_count > 0;
	bool ok = prepare_references(conn, query, error) &&
		sqlite_search_begin(store->search, conn, error) && run_statements(&write) &&
		(!references || check_deferred(conn, error));
	sqlite_source_finish(&write.source);
	if (!ok) {
		sqlite_search_forget(store->search);
	}
	if (!ok && error->code == ERROR_REFERENCE && error->details[0] == '\0') {
		sqlite_fail_reference(conn, store, query->batches != NULL ? &write.part : query, error);
	}
	if (write.keeps) {
		kept_rows_finish(&write.kept);
	}
	return ok;
}

/* ---- companions ---- */

bool sqlite_transaction_run(struct store_transaction *base, const struct query *query,
							struct buf *body, struct store_result *ret_result, struct error *error)
{
	struct sqlite_transaction *transaction = (struct sqlite_transaction *)base;
	*ret_result = (struct store_result){.rows = 0};
	return query_reads(query)
		? sqlite_read_whole(transaction->conn, &transaction->store->limits, query, body, ret_result,
							error)
		: run_query(transaction->conn, transaction->store, query, body, ret_result, error);
}

/* What is left to do after a part of the companion; fills in the outcome. */
static bool go_on(enum companion_verdict verdict, struct store_result *result, bool *ret_ok,
				  bool *ret_undo)
{
	*ret_ok = verdict != COMPANION_FAIL;
	*ret_undo = verdict == COMPANION_FAIL || verdict == COMPANION_ROLL_BACK;
	result->answered = verdict == COMPANION_ANSWERED;
	result->rolled_back = verdict == COMPANION_ROLL_BACK;
	return verdict == COMPANION_GO_ON;
}

/* The request with its companion. *ret_undo: nothing of it is to stay. */
static bool run_request(struct sqlite_conn *conn, const struct sqlite_store *store,
						struct store_request *request, bool *ret_undo)
{
	struct store_companion *companion = request->companion;
	struct store_result *result = &request->result;
	struct error *error = &request->error;
	struct sqlite_transaction transaction = {{&store_ops_sqlite}, conn, store};
	struct store_transaction *base = (struct store_transaction *)&transaction;
	bool ok = true;
	*ret_undo = false;
	if (companion != NULL && companion->before != NULL &&
		!go_on(companion->before(companion, base, error), result, &ok, ret_undo)) {
		return ok;
	}
	if (!run_query(conn, store, request->query, request->body, result, error)) {
		*ret_undo = true;
		return false;
	}
	if (companion != NULL && companion->after != NULL) {
		(void)go_on(companion->after(companion, base, result, error), result, &ok, ret_undo);
	}
	return ok;
}

bool sqlite_write(struct sqlite_conn *conn, const struct sqlite_store *store,
				  struct store_request *request)
{
	const struct query *query = request->query;
	struct error *error = &request->error;
	/* One that has the transaction for itself needs no savepoint, which would keep old pages. */
	bool alone = sqlite_is_bulk(query);
	bool guarded = !alone &&
		(store->halves || store->reference_count > 0 || !is_single_statement(query) ||
		 request->companion != NULL || (query->column_count > 0 && !write_knows_answer(query)));
	bool undoes;
	if (guarded && !run(conn, STR("SAVEPOINT request"), error)) {
		return false;
	}
	bool ok = run_request(conn, store, request, &undoes);
	if (alone && undoes && !sqlite3_get_autocommit(conn->db)) {
		sqlite_conn_run(conn, STR("ROLLBACK"));
	} else if (guarded && undoes) {
		undo(conn);
	} else if (guarded) {
		ok = run(conn, STR("RELEASE request"), error) && ok;
	}
	return ok;
}
