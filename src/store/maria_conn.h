/*
 * One connection to a MariaDB server, its statements, values in and out of them, and the fibers in
 * which all of that runs. See maria_priv.h.
 *
 * Ownership: a connection owns its statements. Threads: those of the session's loop, but
 * maria_connect(). Errors: those of maria_fail(). Limits: STATEMENTS_KEPT.
 */
#ifndef ROWLOCK_STORE_MARIA_CONN_H
#define ROWLOCK_STORE_MARIA_CONN_H

#include <mysql.h>
#include <uv.h>

#include "base/map.h"
#include "net/fiber.h"
#include "sql/maria.h"
#include "sql/sql.h"
#include "store/rows.h"

struct maria_session;
struct maria_store;

/* ---- maria_conn.c ---- */

enum maria_state {
	MARIA_IDLE,
	MARIA_BUSY,
	MARIA_BROKEN, /* nothing is known of it any more: to be closed */
};

/* What went wrong last, as the server or libmariadb says it. */
struct maria_failure {
	unsigned number; /* 0: an error of our own was set */
	char message[MYSQL_ERRMSG_SIZE];
};

/* A session with the server, used by one fiber at a time. */
struct maria_conn {
	struct maria_session *session;
	MYSQL *db;
	enum maria_state state;
	uint64_t deadline_ms; /* of what runs on it: waits end then. loop_now_ms() */
	bool timed_out;       /* a wait ended so: the connection is broken */
	bool transaction;     /* between BEGIN and its end */
	bool sent;            /* something was sent that may have been committed, and not answered */
	bool reused;          /* it has answered before: a failure may be an idle connection's end */
	struct maria_failure failure;
	struct sql sql;        /* for one statement at a time */
	struct map statements; /* text -> struct maria_statement; the least recently used goes */
	struct maria_statement *newest; /* of those kept, by their last use */
	struct maria_statement *oldest;
	struct maria_statement *loose; /* open ones that are not kept */
	size_t statement_count;
	struct maria_params *params;   /* owned: of one execution; maria_bind.c */
	const struct maria_bulk *bulk; /* values of many rows in their place; NULL: one row */
	struct maria_conn *next;       /* of the session's idle ones */
	struct maria_conn *next_made;  /* of all of the session's */
	uv_poll_t poll;
	int fd;     /* owned: a second descriptor of the socket, for `poll` */
	int polled; /* UV_READABLE, UV_WRITABLE */
	struct fiber *waiting;
	int events; /* MYSQL_WAIT_…: what it was woken by */
	uv_work_t work;
};

/* maria_connect.c: connects and sets the session up, blocking: for worker threads and the start.
 * NULL with the error: STORE_DOWN, or CONFIG when the server refuses the user or the database.
 * *ret_number, when it is not NULL, is the server's or libmariadb's. */
MYSQL *maria_connect(const struct maria_store *store, unsigned *ret_number, struct error *error);
/* A connection of the session's loop from one that was made; BUSY. NULL: no descriptor is
 * free. */
struct maria_conn *maria_conn_create(struct maria_session *session, MYSQL *db);
/* Closes and frees it; what takes time happens on a worker thread. Nothing runs on it. */
void maria_conn_destroy(struct maria_conn *conn);
/* Nobody uses it: only that the server hangs up is of interest. */
void maria_conn_watch_idle(struct maria_conn *conn);
/* Wakes who waits for it when its deadline has come; else returns false. */
bool maria_conn_expire(struct maria_conn *conn, uint64_t now_ms);

/* Waits for what a *_start() or *_cont() of libmariadb asked for; returns what came. With
 * conn->deadline_ms gone by, MYSQL_WAIT_TIMEOUT. */
int maria_await(struct maria_conn *conn, int wanted);

/* A prepared statement; the connection's. It is open from maria_execute() to maria_rows_end(). */
struct maria_statement {
	MYSQL_STMT *stmt;
	struct str text;
	size_t column_count; /* of its rows; 0: it gives none */
	bool kept;           /* under its text; else it goes with its rows */
	bool open;           /* rows of it may be left */
	bool ended;          /* its last row was fetched */
	bool cursor;
	bool may_cost;                 /* see struct sql */
	struct maria_columns *columns; /* owned; maria_bind.c */
	struct maria_statement *newer;
	struct maria_statement *older;
};

/* The statement of conn->sql, with its parameters bound and executed; NULL after a failure, of
 * which maria_fail() tells more. With `cursor` other statements may run while its rows are fetched;
 * without, only after maria_rows_end(), which every statement needs. */
struct maria_statement *maria_execute(struct maria_conn *conn, bool cursor, struct error *error);
/* The next row: `types` says how each column is read (number: statement->column_count). Texts live
 * until the next row. ROW_FAILED sets the error. */
enum row_step maria_fetch(struct maria_conn *conn, struct maria_statement *statement,
						  const struct field *const *types, struct value *values,
						  struct error *error);
/* Lets go of rows that are left; after it the connection can run another statement. Accepts NULL.
 * Many rows that nobody wants are not read: the connection is broken then. */
void maria_rows_end(struct maria_conn *conn, struct maria_statement *statement);
/* Rows that the last statement changed (matched), and the last key made. */
uint64_t maria_changed(const struct maria_statement *statement);
int64_t maria_made_key(const struct maria_statement *statement);
/* A plain text without parameters or rows: BEGIN, COMMIT, ROLLBACK, SAVEPOINT. Several may stand in
 * one text, with `;` between them. */
bool maria_command(struct maria_conn *conn, const char *text, struct error *error);
/* All rows of a plain text, for the caller to free; NULL after a failure, of which maria_fail()
 * tells more. */
MYSQL_RES *maria_query(struct maria_conn *conn, struct str text);
/* Transactions: of reads (one snapshot) and of writes (READ COMMITTED). A transaction ends with
 * either of the last two; a rollback of a broken connection does nothing. */
bool maria_begin_read(struct maria_conn *conn, struct error *error);
bool maria_begin_write(struct maria_conn *conn, struct error *error);
bool maria_commit(struct maria_conn *conn, struct error *error);
/* The same with a text that ends with COMMIT. */
bool maria_commit_with(struct maria_conn *conn, const char *text, struct error *error);
void maria_rollback(struct maria_conn *conn);

/* ---- maria_bind.c ---- */

/* Binds conn->sql's parameters; the values must live until the statement is executed. */
bool maria_params_bind(struct maria_conn *conn, MYSQL_STMT *stmt);
/* Of a day, a time since midnight, or a moment: then it is UTC, as the session's time zone. Returns
 * what it is bound as. */
enum enum_field_types maria_date_set(MYSQL_TIME *time, int64_t integer, enum type type);
/* The same for conn->bulk; maria_bulk.c. */
bool maria_bulk_bind(struct maria_conn *conn, MYSQL_STMT *stmt);
/* Accepts NULL. */
void maria_params_free(struct maria_params *params);
/* After each execution: the server may have changed a column's type meanwhile. */
bool maria_columns_bind(struct maria_statement *statement);
/* Accepts NULL. */
void maria_columns_free(struct maria_columns *columns);
/* Gives back what only a large row needed. Accepts NULL. */
void maria_columns_trim(struct maria_columns *columns);
/* The values of the row that was fetched; texts are borrowed until the next. False with
 * ERROR_OUT_OF_RANGE or ERROR_STORE. */
bool maria_columns_read(struct maria_statement *statement, const struct field *const *types,
						struct value *values, struct error *error);

/* ---- maria_error.c ---- */

/* What the last failure of the connection means for what to do next. */
enum maria_verdict {
	MARIA_FAILED, /* the statement failed: the error is set */
	MARIA_AGAIN,  /* 1205, 1213, 1020: the whole transaction may be tried again */
	MARIA_LOST,   /* the connection is broken */
};
/* Sets the error (constraints of `query` by their names in the model; query may be NULL) and
 * tells what to do. `row` is the row of query->values that was written, or SIZE_MAX. An error of
 * our own stays as it is. */
enum maria_verdict maria_fail(struct maria_conn *conn, const struct query *query, size_t row,
							  struct error *error);
/* Did the statement meet a row in this unique rule? */
bool maria_failed_rule(const struct maria_conn *conn, const struct query *query,
					   const struct unique_rule *rule);
/* The foreign key of another row that keeps rows of the query from being changed, as a relation of
 * the query's resource; NULL when the last failure is another. */
const struct relation *maria_failed_relation(const struct maria_conn *conn,
											 const struct query *query);
/* Remembers what libmariadb says of the connection, or the statement when it is not NULL. */
void maria_failed(struct maria_conn *conn, MYSQL_STMT *stmt);
/* What OpenSSL remembers of one connection's failure it tells the next one on this thread, which
 * then looks lost. So it forgets: before libmariadb goes on, and after a failure. Nothing without
 * TLS. */
void maria_clear_tls(const struct maria_store *store);
/* Is nothing known of the connection after this number? */
bool maria_is_lost(unsigned number);

#endif
