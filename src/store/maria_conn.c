/*
 * DESIGN. The socket is watched through a second descriptor: libmariadb closes its own whenever it
 * likes, and the loop must not watch a number that is somebody else's by then. It stays watched for
 * reading while nobody waits: an idle connection that becomes readable has been hung up on. A
 * wakeup that nobody waits for ends the watch, so that rows that wait for a slow reader do not keep
 * the loop awake.
 *
 * A wait that ends without an event breaks the connection: the socket is shut down first, since
 * libmariadb looks at the time on plain connections only, and goes on reading from one with TLS.
 */
#include "store/maria_priv.h"

#include <assert.h>
#include <fcntl.h>
#include <mysqld_error.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "store/maria_script.h"

enum {
	STATEMENTS_KEPT = 128,        /* by a connection; a server keeps 16,382 by default */
	STATEMENT_KEPT_BYTES = 16384, /* longer ones are not kept */
	SQL_MAX_BYTES = 16 << 20,
	PREFETCH_ROWS = 256, /* of a cursor */
	DRAIN_ROWS = 100,    /* that nobody wants are read; more end the connection */
};

/* ---- waiting ---- */

static void watch(struct maria_conn *conn, int events);

static void on_poll(uv_poll_t *handle, int status, int events)
{
	struct maria_conn *conn = handle->data;
	if (status < 0) {
		/* The watch has ended. What the error is, the next call of libmariadb finds out. */
		conn->polled = 0;
		events = UV_READABLE | UV_WRITABLE;
	}
	if (conn->waiting != NULL) {
		conn->events = ((events & UV_READABLE) != 0 ? MYSQL_WAIT_READ : 0) |
			((events & UV_WRITABLE) != 0 ? MYSQL_WAIT_WRITE : 0);
		fiber_resume(conn->waiting);
	} else if (conn->state == MARIA_IDLE) {
		maria_idle_lost(conn);
	} else {
		watch(conn, 0);
	}
}

static void watch(struct maria_conn *conn, int events)
{
	if (events == conn->polled) {
		return;
	}
	conn->polled = events;
	if (events == 0) {
		uv_poll_stop(&conn->poll);
	} else {
		uv_poll_start(&conn->poll, events, on_poll);
	}
}

void maria_conn_watch_idle(struct maria_conn *conn)
{
	watch(conn, UV_READABLE);
}

int maria_await(struct maria_conn *conn, int wanted)
{
	struct fiber *fiber = conn->session->fiber_pool.current;
	assert(fiber != NULL);
	assert(conn->waiting == NULL);
	if (!conn->timed_out && loop_now_ms(conn->session->loop) < conn->deadline_ms) {
		watch(conn,
			  ((wanted & MYSQL_WAIT_READ) != 0 ? UV_READABLE : 0) |
				  ((wanted & MYSQL_WAIT_WRITE) != 0 ? UV_WRITABLE : 0));
		conn->events = 0;
		conn->waiting = fiber;
		fiber_suspend(fiber);
		conn->waiting = NULL;
		maria_clear_tls(conn->session->store);
		if (conn->events != 0) {
			return conn->events;
		}
	}
	conn->timed_out = true;
	conn->state = MARIA_BROKEN;
	shutdown(conn->fd, SHUT_RDWR);
	return MYSQL_WAIT_TIMEOUT;
}

bool maria_conn_expire(struct maria_conn *conn, uint64_t now_ms)
{
	if (conn->waiting == NULL || now_ms < conn->deadline_ms) {
		return false;
	}
	conn->events = 0;
	fiber_resume(conn->waiting);
	return true;
}

/* ---- its life ---- */

struct maria_conn *maria_conn_create(struct maria_session *session, MYSQL *db)
{
	int fd = fcntl(mysql_get_socket(db), F_DUPFD_CLOEXEC, 0);
	if (fd < 0) {
		return NULL;
	}
	struct maria_conn *conn = alloc_zeroed(1, sizeof(*conn));
	if (uv_poll_init(loop_uv(session->loop), &conn->poll, fd) != 0) {
		close(fd);
		free(conn);
		return NULL;
	}
	conn->poll.data = conn;
	conn->session = session;
	conn->db = db;
	conn->state = MARIA_BUSY;
	conn->fd = fd;
	sql_init(&conn->sql, &sql_dialect_maria, SQL_MAX_BYTES);
	map_init(&conn->statements);
	conn->next_made = session->made;
	session->made = conn;
	return conn;
}

static void unlink_statement(struct maria_conn *conn, struct maria_statement *statement)
{
	if (statement->newer != NULL) {
		statement->newer->older = statement->older;
	} else {
		conn->newest = statement->older;
	}
	if (statement->older != NULL) {
		statement->older->newer = statement->newer;
	} else {
		conn->oldest = statement->newer;
	}
	statement->newer = NULL;
	statement->older = NULL;
}

static void link_newest(struct maria_conn *conn, struct maria_statement *statement)
{
	statement->older = conn->newest;
	if (conn->newest != NULL) {
		conn->newest->newer = statement;
	} else {
		conn->oldest = statement;
	}
	conn->newest = statement;
}

static void free_statement(struct maria_statement *statement)
{
	maria_columns_free(statement->columns);
	free(statement);
}

/* On a worker thread. */
static void close_it(uv_work_t *work)
{
	struct maria_conn *conn = work->data;
	/* It lets go of its statements, which are then closed without a word to the server. */
	mysql_close(conn->db);
	while (conn->newest != NULL) {
		struct maria_statement *statement = conn->newest;
		unlink_statement(conn, statement);
		mysql_stmt_close(statement->stmt);
		free_statement(statement);
	}
}

static void on_closed(uv_work_t *work, int status)
{
	(void)status;
	struct maria_conn *conn = work->data;
	struct maria_session *session = conn->session;
	map_finish(&conn->statements);
	sql_finish(&conn->sql);
	maria_params_free(conn->params);
	free(conn);
	maria_session_release(session);
}

static void on_poll_closed(uv_handle_t *handle)
{
	struct maria_conn *conn = handle->data;
	close(conn->fd);
	conn->work.data = conn;
	uv_queue_work(loop_uv(conn->session->loop), &conn->work, close_it, on_closed);
}

void maria_conn_destroy(struct maria_conn *conn)
{
	struct maria_conn **link = &conn->session->made;
	while (*link != conn) {
		link = &(*link)->next_made;
	}
	*link = conn->next_made;
	assert(conn->waiting == NULL);
	if (conn->state == MARIA_BROKEN) {
		/* So that nothing is said to a server that may never answer. */
		shutdown(conn->fd, SHUT_RDWR);
	}
	uv_close((uv_handle_t *)&conn->poll, on_poll_closed);
}

/* ---- statements ---- */

/* Closes it on the server as well, which does not answer that. */
static void destroy_statement(struct maria_conn *conn, struct maria_statement *statement)
{
	my_bool failed;
	int wanted = mysql_stmt_close_start(&failed, statement->stmt);
	while (wanted != 0) {
		wanted = mysql_stmt_close_cont(&failed, statement->stmt, maria_await(conn, wanted));
	}
	free_statement(statement);
}

static void forget(struct maria_conn *conn, struct maria_statement *statement)
{
	if (statement->kept) {
		map_remove(&conn->statements, statement->text);
		conn->statement_count--;
	}
	unlink_statement(conn, statement);
	destroy_statement(conn, statement);
}

/* False when all that are kept are open. */
static bool make_room(struct maria_conn *conn)
{
	struct maria_statement *oldest = conn->oldest;
	if (conn->statement_count < STATEMENTS_KEPT) {
		return true;
	}
	while (oldest != NULL && (oldest->open || !oldest->kept)) {
		oldest = oldest->newer;
	}
	if (oldest != NULL) {
		forget(conn, oldest);
	}
	return oldest != NULL;
}

/* In the list, so that it goes with its connection. */
static struct maria_statement *add_statement(struct maria_conn *conn, struct str text, bool keep,
											 MYSQL_STMT *stmt)
{
	struct maria_statement *statement = alloc_zeroed(1, sizeof(*statement) + (keep ? text.len : 0));
	statement->stmt = stmt;
	statement->kept = keep;
	if (keep) {
		char *copy = (char *)(statement + 1);
		memcpy(copy, text.ptr, text.len);
		statement->text = (struct str){copy, text.len};
		map_put(&conn->statements, statement->text, statement);
		conn->statement_count++;
	}
	link_newest(conn, statement);
	return statement;
}

/* `known`: one of this text is kept, and open. */
static struct maria_statement *prepare(struct maria_conn *conn, struct str text, bool known)
{
	bool keep = text.len <= STATEMENT_KEPT_BYTES && !known && make_room(conn);
	MYSQL_STMT *stmt = mysql_stmt_init(conn->db);
	if (stmt == NULL) {
		maria_failed(conn, NULL);
		return NULL;
	}
	struct maria_statement *statement = add_statement(conn, text, keep, stmt);
	int failed;
	int wanted = mysql_stmt_prepare_start(&failed, stmt, text.ptr, text.len);
	while (wanted != 0) {
		wanted = mysql_stmt_prepare_cont(&failed, stmt, maria_await(conn, wanted));
	}
	if (failed != 0) {
		maria_failed(conn, stmt);
		if (conn->state != MARIA_BROKEN) {
			forget(conn, statement);
		}
		return NULL;
	}
	return statement;
}

static struct maria_statement *get_statement(struct maria_conn *conn)
{
	struct str text = buf_str(&conn->sql.text);
	struct maria_statement *statement = conn->newest;
	if (statement == NULL || !str_equal(statement->text, text)) {
		statement = map_get(&conn->statements, text);
	}
	if (statement == NULL || statement->open) {
		return prepare(conn, text, statement != NULL);
	}
	if (statement != conn->newest) {
		unlink_statement(conn, statement);
		link_newest(conn, statement);
	}
	return statement;
}

MYSQL_RES *maria_query(struct maria_conn *conn, struct str text)
{
	int failed;
	int wanted = mysql_real_query_start(&failed, conn->db, text.ptr, text.len);
	while (wanted != 0) {
		wanted = mysql_real_query_cont(&failed, conn->db, maria_await(conn, wanted));
	}
	MYSQL_RES *rows = NULL;
	if (failed == 0) {
		wanted = mysql_store_result_start(&rows, conn->db);
		while (wanted != 0) {
			wanted = mysql_store_result_cont(&rows, conn->db, maria_await(conn, wanted));
		}
	}
	if (rows == NULL) {
		maria_failed(conn, NULL);
	}
	return rows;
}

/* A regular expression that cost too much is only warned of. */
static bool check_cost(struct maria_conn *conn)
{
	MYSQL_RES *rows = maria_query(conn, STR("SHOW WARNINGS"));
	if (rows == NULL) {
		return false;
	}
	MYSQL_ROW row; /* level, code, message */
	bool costly = false;
	while ((row = mysql_fetch_row(rows)) != NULL) {
		costly = costly || strtoul(row[1], NULL, 10) == ER_REGEXP_ERROR;
	}
	mysql_free_result(rows);
	if (costly) {
		conn->failure.number = ER_REGEXP_ERROR;
	}
	return !costly;
}

static bool execute(struct maria_conn *conn, struct maria_statement *statement, bool cursor)
{
	MYSQL_STMT *stmt = statement->stmt;
	unsigned long kind = cursor ? CURSOR_TYPE_READ_ONLY : CURSOR_TYPE_NO_CURSOR;
	unsigned long prefetch = PREFETCH_ROWS;
	mysql_stmt_attr_set(stmt, STMT_ATTR_CURSOR_TYPE, &kind);
	mysql_stmt_attr_set(stmt, STMT_ATTR_PREFETCH_ROWS, &prefetch);
	unsigned one = 0;
	mysql_stmt_attr_set(stmt, STMT_ATTR_ARRAY_SIZE, &one);
	if (!(conn->bulk != NULL ? maria_bulk_bind : maria_params_bind)(conn, stmt)) {
		maria_failed(conn, stmt);
		return false;
	}
	bool reads = str_starts_with(buf_str(&conn->sql.text), STR("SELECT"));
	conn->sent = !reads && !conn->transaction;
	int failed;
	int wanted = mysql_stmt_execute_start(&failed, stmt);
	while (wanted != 0) {
		wanted = mysql_stmt_execute_cont(&failed, stmt, maria_await(conn, wanted));
	}
	if (failed != 0) {
		maria_failed(conn, stmt);
		return false;
	}
	conn->sent = false;
	conn->reused = true;
	statement->open = true;
	statement->cursor = cursor;
	statement->column_count = mysql_stmt_field_count(stmt);
	statement->ended = statement->column_count == 0;
	statement->may_cost = conn->sql.may_cost;
	if (!statement->ended && !maria_columns_bind(statement)) {
		maria_failed(conn, stmt);
		return false;
	}
	/* The rows of a cursor are all found by now. */
	bool found = statement->ended || cursor;
	return !found || !statement->may_cost || check_cost(conn);
}

/* ---- texts that a column cannot hold ---- */

static bool is_ascii(struct str text)
{
	size_t i = 0;
	while (i < text.len && (unsigned char)text.ptr[i] < 0x80) {
		i++;
	}
	return i == text.len;
}

/* A column of another program's may be of fewer characters than the text that it is compared with.
 * The server then converts neither, but for a text that is itself converted it does so with the
 * column, at the price of an index. False: there is no such text. */
static bool widen(struct maria_conn *conn)
{
	struct sql *sql = &conn->sql;
	struct str text = buf_str(&sql->text);
	struct buf wide;
	size_t number = 0;
	bool any = false;
	buf_init(&wide, sql->text.max_bytes);
	for (size_t at = 0; at < text.len;) {
		size_t behind = maria_script_skip(text, at);
		bool is_param = behind == at && text.ptr[at] == '?';
		behind = behind == at ? at + 1 : behind;
		const struct value *value = is_param ? sql->params[number++].value : NULL;
		bool wider = value != NULL && value->kind == VALUE_TEXT && !is_ascii(value->text);
		buf_append(&wide, wider ? STR("CONVERT(") : STR(""));
		buf_append(&wide, str_slice(text, at, behind));
		buf_append(&wide, wider ? STR(" USING utf8mb4)") : STR(""));
		any = any || wider;
		at = behind;
	}
	any = any && !wide.failed;
	if (any) {
		buf_clear(&sql->text);
		buf_append(&sql->text, buf_str(&wide));
	}
	buf_finish(&wide);
	return any;
}

static bool is_mixed(const struct maria_failure *failure)
{
	return failure->number == ER_CANT_AGGREGATE_2COLLATIONS ||
		failure->number == ER_CANT_AGGREGATE_3COLLATIONS ||
		failure->number == ER_CANT_AGGREGATE_NCOLLATIONS;
}

static struct maria_statement *execute_once(struct maria_conn *conn, bool cursor,
											struct error *error)
{
	struct maria_statement *statement = get_statement(conn);
	if (statement == NULL) {
		maria_fail(conn, NULL, SIZE_MAX, error);
		return NULL;
	}
	if (!execute(conn, statement, cursor)) {
		maria_fail(conn, NULL, SIZE_MAX, error);
		if (statement->open) {
			maria_rows_end(conn, statement);
		} else if (!statement->kept && conn->state == MARIA_BUSY) {
			forget(conn, statement);
		}
		return NULL;
	}
	return statement;
}

struct maria_statement *maria_execute(struct maria_conn *conn, bool cursor, struct error *error)
{
	conn->failure.number = 0;
	if (conn->sql.unsupported != NULL) {
		error_set(error, ERROR_UNSUPPORTED, "%s", conn->sql.unsupported);
		return NULL;
	}
	if (conn->sql.text.failed) {
		error_set(error, ERROR_PARSE, "The query is too large");
		return NULL;
	}
	assert(conn->state == MARIA_BUSY);
	struct maria_statement *statement = execute_once(conn, cursor, error);
	if (statement == NULL && is_mixed(&conn->failure) && conn->bulk == NULL && widen(conn)) {
		conn->failure.number = 0;
		statement = execute_once(conn, cursor, error);
	}
	return statement;
}

/* MYSQL_NO_DATA, 0, MYSQL_DATA_TRUNCATED, or a failure. */
static int fetch(struct maria_conn *conn, struct maria_statement *statement)
{
	int rc;
	int wanted = mysql_stmt_fetch_start(&rc, statement->stmt);
	while (wanted != 0) {
		wanted = mysql_stmt_fetch_cont(&rc, statement->stmt, maria_await(conn, wanted));
	}
	statement->ended = rc != 0 && rc != MYSQL_DATA_TRUNCATED;
	return rc;
}

enum row_step maria_fetch(struct maria_conn *conn, struct maria_statement *statement,
						  const struct field *const *types, struct value *values,
						  struct error *error)
{
	if (statement->ended) {
		return ROW_NONE;
	}
	int rc = fetch(conn, statement);
	if (!statement->ended) {
		return maria_columns_read(statement, types, values, error) ? ROW_HERE : ROW_FAILED;
	}
	if (rc == MYSQL_NO_DATA && (!statement->may_cost || statement->cursor || check_cost(conn))) {
		return ROW_NONE;
	}
	if (rc != MYSQL_NO_DATA) {
		maria_failed(conn, statement->stmt);
	}
	maria_fail(conn, NULL, SIZE_MAX, error);
	return ROW_FAILED;
}

/* A connection cannot be used before all rows of a plain statement were taken from it. */
static void drain(struct maria_conn *conn, struct maria_statement *statement)
{
	for (size_t i = 0; i <= DRAIN_ROWS && !statement->ended; i++) {
		fetch(conn, statement);
	}
	if (!statement->ended) {
		conn->state = MARIA_BROKEN;
	}
}

void maria_rows_end(struct maria_conn *conn, struct maria_statement *statement)
{
	if (statement == NULL || !statement->open) {
		return;
	}
	statement->open = false;
	maria_columns_trim(statement->columns);
	if (!statement->cursor && conn->state == MARIA_BUSY) {
		drain(conn, statement);
	}
	if (statement->column_count > 0 && conn->state == MARIA_BUSY) {
		my_bool failed;
		int wanted = mysql_stmt_free_result_start(&failed, statement->stmt);
		while (wanted != 0) {
			wanted = mysql_stmt_free_result_cont(&failed, statement->stmt,
												 maria_await(conn, wanted));
		}
	}
	/* With a broken one its statements go, too. */
	if (!statement->kept && conn->state == MARIA_BUSY) {
		forget(conn, statement);
	}
}

uint64_t maria_changed(const struct maria_statement *statement)
{
	return mysql_stmt_affected_rows(statement->stmt);
}

int64_t maria_made_key(const struct maria_statement *statement)
{
	return (int64_t)mysql_stmt_insert_id(statement->stmt);
}

/* ---- texts ---- */

static bool run_text(struct maria_conn *conn, struct str text)
{
	int failed;
	int wanted = mysql_real_query_start(&failed, conn->db, text.ptr, text.len);
	while (wanted != 0) {
		wanted = mysql_real_query_cont(&failed, conn->db, maria_await(conn, wanted));
	}
	/* The answers of further statements; -1: there is none. */
	while (failed == 0) {
		int rc;
		wanted = mysql_next_result_start(&rc, conn->db);
		while (wanted != 0) {
			wanted = mysql_next_result_cont(&rc, conn->db, maria_await(conn, wanted));
		}
		if (rc == -1) {
			return true;
		}
		failed = rc;
	}
	return false;
}

bool maria_command(struct maria_conn *conn, const char *text, struct error *error)
{
	conn->failure.number = 0;
	if (conn->state == MARIA_BUSY && run_text(conn, str_from(text))) {
		conn->sent = false;
		conn->reused = true;
		return true;
	}
	maria_failed(conn, NULL);
	maria_fail(conn, NULL, SIZE_MAX, error);
	return false;
}

bool maria_begin_read(struct maria_conn *conn, struct error *error)
{
	conn->transaction = maria_command(conn,
									  "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;"
									  "START TRANSACTION READ ONLY",
									  error);
	return conn->transaction;
}

bool maria_begin_write(struct maria_conn *conn, struct error *error)
{
	conn->transaction = maria_command(conn, "START TRANSACTION", error);
	return conn->transaction;
}

bool maria_commit_with(struct maria_conn *conn, const char *text, struct error *error)
{
	assert(conn->transaction);
	conn->sent = true;
	bool ok = maria_command(conn, text, error);
	conn->transaction = false;
	return ok;
}

bool maria_commit(struct maria_conn *conn, struct error *error)
{
	return maria_commit_with(conn, "COMMIT", error);
}

void maria_rollback(struct maria_conn *conn)
{
	if (conn->transaction && conn->state == MARIA_BUSY && !maria_command(conn, "ROLLBACK", NULL)) {
		/* It would go on with what it has. */
		conn->state = MARIA_BROKEN;
	}
	conn->transaction = false;
}
