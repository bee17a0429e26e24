/*
 * DESIGN. A read runs on the loop, within one callback: its statement is reset before the callback
 * ends, so the next read has a new snapshot, with every write that was acknowledged before. (While
 * any statement of a connection is open, all others on it see the old snapshot.) It is given
 * limits->inline_read_us and inline_read_bytes; past either its output is thrown away and it begins
 * again on a worker. The clock is looked at by the progress handler only, every TICK_OPS steps of
 * SQLite's machine, and for the first time then: a short read never asks for the time.
 */
#include "store/sqlite_priv.h"

#include <assert.h>

#include "base/alloc.h"

enum { TICK_OPS = 1000 };

enum outcome { OUTCOME_DONE, OUTCOME_FAILED, OUTCOME_MOVE };

static int on_progress(void *context)
{
	struct sqlite_session *session = context;
	uint64_t now_ns = uv_hrtime();
	if (session->inline_begin_ns == 0) {
		session->inline_begin_ns = now_ns;
		return 0;
	}
	return now_ns - session->inline_begin_ns > session->store->limits.inline_read_us * 1000;
}

void sqlite_read_version(struct sqlite_store *store, struct store_request *request)
{
	struct store_result *result = &request->result;
	result->has_version = request->want_version &&
		sqlite_version(store, request->query, &result->version);
}

void sqlite_read_init(struct sqlite_read *read, struct sqlite_conn *conn, const struct query *query,
					  const struct limits *limits, struct error *error)
{
	read->conn = conn;
	read->query = query;
	read->statement = NULL;
	read->transaction = false;
	read->entered = false;
	sqlite_source_init(&read->source, conn, error);
	uint64_t limit = query_limit(query, limits);
	if (limit != query->limit) {
		read->capped = *query;
		read->capped.limit = limit;
		read->query = &read->capped;
	}
}

bool sqlite_read_begin(struct sqlite_read *read, struct error *error)
{
	struct sqlite_conn *conn = read->conn;
	if (conn->backing != NULL) {
		read->entered = conn->backing->enter(conn->tables, error);
		return read->entered;
	}
	if (!read->query->total) {
		return true;
	}
	read->transaction = sqlite_conn_run(read->conn, STR("BEGIN")) == SQLITE_OK;
	return read->transaction || sqlite_fail(read->conn, error);
}

bool sqlite_read_select(struct sqlite_read *read, struct error *error)
{
	struct sqlite_conn *conn = read->conn;
	sql_clear(&conn->sql);
	sql_select(&conn->sql, read->query);
	read->statement = sqlite_conn_prepare_sql(conn, error);
	if (read->statement == NULL) {
		return false;
	}
	sqlite_source_joined(&read->source, read->statement, &conn->sql);
	return true;
}

int sqlite_read_step(struct sqlite_read *read)
{
	int rc = sqlite3_step(read->statement->stmt);
	if (rc == SQLITE_ROW && !rows_write(&read->rows, sqlite_row(read->statement, read->query))) {
		rc = read->source.rc;
	}
	return rc;
}

bool sqlite_read_fail(struct sqlite_read *read, struct error *error)
{
	/* The error of an embed was set when it failed; other calls came after it. */
	return read->source.rc == SQLITE_OK && sqlite_fail(read->conn, error);
}

bool sqlite_read_finish(struct sqlite_read *read, struct store_result *result, struct error *error)
{
	rows_end(&read->rows);
	result->rows = read->rows.count;
	result->tag = read->rows.tag;
	return rows_check_one(&read->rows, error);
}

bool sqlite_read_count(struct sqlite_read *read, uint64_t *ret_total, struct error *error)
{
	struct sqlite_conn *conn = read->conn;
	sql_clear(&conn->sql);
	sql_count(&conn->sql, read->query);
	struct sqlite_statement *statement = sqlite_conn_prepare_sql(conn, error);
	if (statement == NULL) {
		return false;
	}
	bool ok = sqlite3_step(statement->stmt) == SQLITE_ROW || sqlite_fail(conn, error);
	if (ok) {
		*ret_total = (uint64_t)sqlite3_column_int64(statement->stmt, 0);
	}
	sqlite_conn_release(conn, statement);
	return ok;
}

void sqlite_read_end(struct sqlite_read *read)
{
	sqlite_conn_release(read->conn, read->statement);
	read->statement = NULL;
	sqlite_source_finish(&read->source);
	if (read->transaction) {
		/* Nothing was written, so either ends the snapshot; a rollback cannot fail. */
		sqlite_conn_run(read->conn, STR("ROLLBACK"));
		read->transaction = false;
	}
	if (read->entered) {
		read->conn->backing->leave(read->conn->tables);
		read->entered = false;
	}
}

bool sqlite_read_whole(struct sqlite_conn *conn, const struct limits *limits,
					   const struct query *query, struct buf *body, struct store_result *result,
					   struct error *error)
{
	struct sqlite_read read;
	sqlite_read_init(&read, conn, query, limits, error);
	bool ok = (conn->backing == NULL || sqlite_read_begin(&read, error)) &&
		sqlite_read_select(&read, error);
	if (ok) {
		rows_begin(&read.rows, read.query, &read.source.base, body);
		int rc;
		do {
			rc = sqlite_read_step(&read);
		} while (rc == SQLITE_ROW && query->action != QUERY_GET);
		ok = rc == SQLITE_DONE || rc == SQLITE_ROW || sqlite_read_fail(&read, error);
		ok = ok && sqlite_read_finish(&read, result, error);
	}
	sqlite_read_end(&read);
	return ok;
}

void sqlite_done(struct store_request *request, bool ok)
{
	request->work = NULL;
	request->done(request, &request->result, ok ? NULL : &request->error);
}

/* Rows that the answer holds, on the loop. */
static int step_all(struct sqlite_read *read, const struct store_request *request,
					const struct limits *limits)
{
	bool one = read->query->action == QUERY_GET;
	const struct buf *body = request->body;
	for (;;) {
		int rc = sqlite_read_step(read);
		if (rc != SQLITE_ROW) {
			return rc;
		}
		if (body->failed || (!one && body->len > limits->inline_read_bytes)) {
			return SQLITE_TOOBIG;
		}
		if (one) {
			return SQLITE_DONE;
		}
	}
}

/* Between the rows of embeds. */
static bool is_small(void *context)
{
	const struct sqlite_session *session = context;
	return session->body->len <= session->store->limits.inline_read_bytes;
}

static bool may_move(int rc)
{
	/* Another process is writing its database, which is only read here: a worker may wait. */
	int primary = rc & 0xff;
	return primary == SQLITE_INTERRUPT || primary == SQLITE_TOOBIG || primary == SQLITE_BUSY;
}

static enum outcome read_total(struct sqlite_read *read, struct store_request *request)
{
	const struct query *query = read->query;
	uint64_t rows = read->rows.count;
	if (rows < query->limit && (rows > 0 || query->offset == 0)) {
		/* The last row was reached: the total is known without counting. */
		request->result.total = query->offset + rows;
		return OUTCOME_DONE;
	}
	sqlite_conn_release(read->conn, read->statement);
	read->statement = NULL;
	if (sqlite_read_count(read, &request->result.total, &request->error)) {
		return OUTCOME_DONE;
	}
	return may_move(sqlite3_errcode(read->conn->db)) ? OUTCOME_MOVE : OUTCOME_FAILED;
}

static enum outcome read_inline(struct sqlite_session *session, struct store_request *request)
{
	struct sqlite_conn *conn = &session->conn;
	struct sqlite_read read;
	session->inline_begin_ns = 0;
	session->body = request->body;
	sqlite_read_version(session->store, request);
	sqlite_read_init(&read, conn, request->query, &session->store->limits, &request->error);
	if (!sqlite_read_begin(&read, &request->error) || !sqlite_read_select(&read, &request->error)) {
		bool busy = (sqlite3_errcode(conn->db) & 0xff) == SQLITE_BUSY;
		sqlite_read_end(&read);
		return busy ? OUTCOME_MOVE : OUTCOME_FAILED;
	}
	read.source.between = is_small;
	read.source.context = session;
	rows_begin(&read.rows, read.query, &read.source.base, request->body);
	read.rows.cursor = request->cursor;
	int rc = step_all(&read, request, &session->store->limits);
	enum outcome outcome = OUTCOME_DONE;
	if (rc != SQLITE_DONE) {
		outcome = may_move(rc) ? OUTCOME_MOVE : OUTCOME_FAILED;
		sqlite_read_fail(&read, &request->error);
	} else if (!sqlite_read_finish(&read, &request->result, &request->error)) {
		outcome = OUTCOME_FAILED;
	} else if (read.query->total) {
		outcome = read_total(&read, request);
	}
	sqlite_read_end(&read);
	return outcome;
}

void sqlite_session_run(struct sqlite_session *session, struct store_request *request)
{
	if (!query_reads(request->query)) {
		if (session->store->backing != NULL) {
			session->store->backing->submit(session->store, request);
		} else {
			sqlite_writer_submit(session->store, request);
		}
		return;
	}
	enum outcome outcome = read_inline(session, request);
	/* No statement is open when the callback ends, so none holds an old snapshot. */
	assert(session->conn.open == 0);
	assert(sqlite3_get_autocommit(session->conn.db));
	if (outcome == OUTCOME_MOVE) {
		buf_clear(request->body);
		request->result = (struct store_result){.rows = 0};
		request->error = (struct error){.code = ERROR_NONE};
		sqlite_workers_submit(session->store, request);
		return;
	}
	/* One thread writes it; others only read it. */
	uint64_t reads = atomic_load_explicit(&session->reads_inline, memory_order_relaxed);
	atomic_store_explicit(&session->reads_inline, reads + 1, memory_order_relaxed);
	if (outcome == OUTCOME_FAILED) {
		buf_clear(request->body);
	}
	sqlite_done(request, outcome == OUTCOME_DONE);
}

/* ---- sessions ---- */

/* Writes that the writer has finished since the last turn, the oldest first. */
static void on_answered(struct task *task)
{
	struct sqlite_session *session =
		(struct sqlite_session *)(void *)((char *)task -
										  offsetof(struct sqlite_session, answer_task));
	struct store_request *newest = atomic_exchange(&session->answered, NULL);
	struct store_request *oldest = NULL;
	while (newest != NULL) {
		struct store_request *next = newest->next;
		newest->next = oldest;
		oldest = newest;
		newest = next;
	}
	while (oldest != NULL) {
		struct store_request *request = oldest;
		oldest = request->next;
		request->next = NULL;
		sqlite_done(request, request->error.code == ERROR_NONE);
	}
}

struct store_session *sqlite_session_open(struct sqlite_store *store, struct loop *loop,
										  struct error *error)
{
	struct sqlite_session *session = alloc_zeroed(1, sizeof(*session));
	session->base.ops = store->base.ops;
	session->store = store;
	session->loop = loop;
	session->answer_task.run = on_answered;
	if (!sqlite_conn_open(&session->conn, store, ROLE_READER, error)) {
		sqlite_conn_close(&session->conn);
		free(session);
		return NULL;
	}
	sqlite3_busy_timeout(session->conn.db, 0);
	sqlite3_progress_handler(session->conn.db, TICK_OPS, on_progress, session);
	pthread_mutex_lock(&store->mutex);
	session->next = store->sessions;
	store->sessions = session;
	pthread_mutex_unlock(&store->mutex);
	return (struct store_session *)session;
}

void sqlite_session_close(struct sqlite_session *session)
{
	struct sqlite_store *store = session->store;
	assert(atomic_load(&session->answered) == NULL);
	pthread_mutex_lock(&store->mutex);
	struct sqlite_session **link = &store->sessions;
	while (*link != session) {
		link = &(*link)->next;
	}
	*link = session->next;
	store->reads_inline += atomic_load(&session->reads_inline);
	pthread_mutex_unlock(&store->mutex);
	sqlite_conn_close(&session->conn);
	free(session);
}

void sqlite_session_stats(struct sqlite_store *store, struct store_stats *stats)
{
	sqlite_workers_stats(&store->workers, stats);
	pthread_mutex_lock(&store->mutex);
	stats->reads_inline = store->reads_inline;
	for (struct sqlite_session *session = store->sessions; session != NULL;
		 session = session->next) {
		stats->reads_inline += atomic_load(&session->reads_inline);
	}
	pthread_mutex_unlock(&store->mutex);
}
