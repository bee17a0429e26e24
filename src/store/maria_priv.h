/*
 * The MariaDB store, in files: maria.c opens it and holds all of it together; maria_url.c reads its
 * address; maria_fiber.c runs work that waits without holding up a loop; maria_conn.c connects and
 * keeps prepared statements; maria_pool.c hands connections out; maria_bind.c moves values in and
 * out; maria_error.c turns failures into errors; maria_schema.c makes or compares the tables;
 * maria_read.c answers reads, maria_embed.c reads the rows of embedded resources; maria_write.c
 * answers writes.
 *
 * DESIGN. What a request does (begin, statements, decisions of companions, commit, all of it again
 * after a deadlock) is written straight on, as if the server answered at once. It runs in a
 * fiber: a stack of its own on the loop's thread. Whatever waits for the server goes through
 * maria_await(), which gives the thread back to the loop until the socket is ready or the request's
 * deadline has come. Nothing is shared between loops: a session has its own pool.
 *
 * Connections are made and closed on libuv's worker threads: names are resolved and TLS is agreed
 * on there, and no loop waits for it.
 *
 * Ownership: struct maria_store owns everything here. Threads: a session and its connections belong
 * to their loop. Errors: STORE_DOWN, STORE_UNKNOWN, DEADLINE_NOT_WRITTEN, DEADLINE_UNKNOWN,
 * OVERLOADED, those of constraints. Limits: database_connections, database_queue, memory_bytes.
 */
#ifndef ROWLOCK_STORE_MARIA_PRIV_H
#define ROWLOCK_STORE_MARIA_PRIV_H

#include <mysql.h>

#include "base/map.h"
#include "sql/maria.h"
#include "sql/sql.h"
#include "store/rows.h"
#include "store/store_priv.h"

struct maria_session;
struct maria_store;

/* ---- maria_url.c ---- */

/* `//USER:PASSWORD@HOST:PORT/DATABASE?tls=on|off|verify&ca=FILE` (what follows the scheme);
 * percent-encoded where it has to be. */
struct maria_url {
	const char *user; /* all arena, with a zero behind */
	const char *password;
	const char *host;
	unsigned port; /* 3306 when not given */
	const char *database;
	const char *ca; /* NULL: the system's */
	enum { MARIA_TLS_OFF, MARIA_TLS_ON, MARIA_TLS_VERIFY } tls;
};
/* ERROR_CONFIG without the password in it. */
bool maria_url_parse(struct str location, struct arena *arena, struct maria_url *ret_url,
					 struct error *error);

/* ---- maria_fiber.c ---- */

/* Work with a stack of its own. While it runs, it has the loop's thread. */
struct maria_fiber;

/* Runs main(context) at once, until it ends or suspends. Fibers are kept for reuse: at most
 * `database_connections` of a session are in use. */
void maria_fiber_start(struct maria_session *session, void (*main)(void *context), void *context);
/* Gives the thread back to who started or resumed the running fiber. */
void maria_fiber_suspend(struct maria_fiber *fiber);
/* Goes on with a suspended fiber; not from within a fiber. */
void maria_fiber_resume(struct maria_fiber *fiber);
/* The one that runs on this session's loop; NULL: none. */
struct maria_fiber *maria_fiber_current(const struct maria_session *session);

/* ---- maria_conn.c ---- */

enum maria_state {
	MARIA_IDLE,
	MARIA_BUSY,
	MARIA_BROKEN, /* nothing is known of it any more: to be closed */
};

/* A session with the server, used by one fiber at a time. */
struct maria_conn {
	struct maria_session *session;
	MYSQL *db;
	enum maria_state state;
	uint64_t deadline_ms;  /* of what runs on it: waits end then. loop_now_ms() */
	bool timed_out;        /* a wait ended so: the connection is broken */
	bool transaction;      /* between BEGIN and its end */
	bool sent;             /* something was sent that may have been committed, and not answered */
	struct sql sql;        /* for one statement at a time */
	struct map statements; /* text -> struct maria_statement; the least recently used goes */
	struct maria_conn *next;
	uv_poll_t poll;
	struct maria_fiber *waiting;
	int events; /* MYSQL_WAIT_…: what it was woken by */
};

/* Waits for what a *_start() or *_cont() of libmariadb asked for; returns what came. With
 * conn->deadline_ms gone by, MYSQL_WAIT_TIMEOUT. */
int maria_await(struct maria_conn *conn, int wanted);

/* A prepared statement; the connection's, until the next maria_prepare(). */
struct maria_statement {
	MYSQL_STMT *stmt;
	struct str text;
	size_t column_count;           /* of its rows */
	bool open;                     /* rows of it may be left */
	struct maria_columns *columns; /* maria_bind.c */
};

/* The statement of conn->sql, with its parameters bound and executed; NULL after a failure. With
 * `cursor` other statements may run while its rows are fetched. */
struct maria_statement *maria_execute(struct maria_conn *conn, bool cursor, struct error *error);
/* The next row: `types` says how each column is read (number: how many there are). Texts live until
 * the next row. ROW_FAILED sets the error. */
enum row_step maria_fetch(struct maria_conn *conn, struct maria_statement *statement,
						  const struct field *const *types, struct value *values,
						  struct error *error);
/* Lets go of rows that are left; after it the connection can run another statement. */
void maria_rows_end(struct maria_conn *conn, struct maria_statement *statement);
/* Rows that the last statement changed (matched), and the last key made. */
uint64_t maria_changed(const struct maria_statement *statement);
int64_t maria_made_key(const struct maria_statement *statement);
/* A plain text without parameters or rows: BEGIN, COMMIT, ROLLBACK, SAVEPOINT. */
bool maria_command(struct maria_conn *conn, const char *text, struct error *error);

/* ---- maria_error.c ---- */

/* What the last failure of the connection or statement means for what to do next. */
enum maria_verdict {
	MARIA_FAILED, /* the statement failed: the error is set */
	MARIA_AGAIN,  /* 1205, 1213, 1020: the whole transaction may be tried again */
	MARIA_LOST,   /* the connection is broken */
};
/* Sets the error (constraints of `query` by their names in the model; query may be NULL) and
 * tells what to do. `row` is the row of query->values that was written, or SIZE_MAX. */
enum maria_verdict maria_fail(struct maria_conn *conn, const struct maria_statement *statement,
							  const struct query *query, size_t row, struct error *error);

/* ---- maria_pool.c ---- */

/* A connection for the running fiber until the deadline: waits its turn. NULL with OVERLOADED,
 * STORE_DOWN or DEADLINE_NOT_WRITTEN. */
struct maria_conn *maria_take(struct maria_session *session, uint64_t deadline_ms,
							  struct error *error);
/* Gives it back; a broken one is closed, and another is made when somebody waits. */
void maria_give(struct maria_conn *conn);

/* ---- maria_read.c, maria_write.c: in a fiber ---- */

/* Each ends with store_request's `done`. */
void maria_read_run(struct maria_session *session, struct store_request *request);
void maria_write_run(struct maria_session *session, struct store_request *request);
/* A read within the transaction of a connection; rows go to `body`. */
bool maria_read_inside(struct maria_conn *conn, const struct query *query, struct buf *body,
					   struct buf *cursor, struct store_result *result, struct error *error);
bool maria_transaction_run(struct store_transaction *transaction, const struct query *query,
						   struct buf *body, struct store_result *ret_result, struct error *error);

/* ---- maria_embed.c ---- */

/* Rows of embedded resources: for the parents of one batch, a statement for each embed of the tree
 * with all their keys. */
struct maria_source {
	struct row_source base;
	struct maria_conn *conn;
	struct error *error;
	bool failed;
	struct maria_embed *embeds; /* owned: by number */
	size_t count;
};
void maria_source_init(struct maria_source *source, struct maria_conn *conn,
					   const struct query *query, struct error *error);
/* Reads what belongs to these parents (rows of query->fetch), level by level. */
bool maria_source_load(struct maria_source *source, const struct query *query,
					   const struct value *rows, size_t row_count);
void maria_source_finish(struct maria_source *source);

/* ---- maria_schema.c ---- */

/* On a blocking connection, before any loop runs: makes everything on an empty database; else
 * compares, and makes the tables of our own that are missing. */
bool maria_schema_check(MYSQL *db, const struct model *model, struct error *error);

/* ---- maria.c ---- */

struct maria_session {
	struct store_session_base base;
	struct maria_store *store;
	struct loop *loop;
	struct maria_fiber *current;
	struct maria_fiber *spare;
	struct maria_conn *idle;                         /* the most recently used first */
	size_t connections;                              /* made or being made */
	struct maria_waiter *first_waiter, *last_waiter; /* maria_pool.c */
	size_t waiters;
	size_t requests; /* under way */
	struct loop_tick tick;
	_Atomic uint64_t reads, writes, writes_failed, retries;
	struct maria_session *next; /* under store->mutex */
};

struct maria_store {
	struct store_base base;
	struct limits limits;
	const struct model *model;
	struct arena arena;
	struct maria_url url;
	pthread_mutex_t mutex;
	struct maria_session *sessions;
};

/* Connects and sets the session up, blocking: for worker threads and the start. NULL with the
 * error. */
MYSQL *maria_connect(const struct maria_store *store, struct error *error);

#endif
