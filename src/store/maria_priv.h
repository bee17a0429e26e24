/*
 * The MariaDB store, in files: maria.c opens it and holds all of it together; maria_url.c reads its
 * address; maria_conn.c connects and
 * keeps prepared statements; maria_pool.c hands connections out; maria_bind.c moves values in and
 * out; maria_error.c turns failures into errors; maria_schema.c makes or compares the tables;
 * maria_read.c answers reads, maria_embed.c reads the rows of embedded resources; maria_write.c
 * answers writes; maria_versions.c tells of all processes what was written.
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

#include <pthread.h>
#include <stdatomic.h>

#include "store/maria_conn.h"
#include "store/store_priv.h"

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

/* ---- maria_pool.c ---- */

/* A connection for the running fiber until the deadline: waits for one when all are taken. NULL
 * with OVERLOADED, STORE_DOWN or DEADLINE_NOT_WRITTEN. */
struct maria_conn *maria_take(struct maria_session *session, uint64_t deadline_ms,
							  struct error *error);
/* Gives it back, without a transaction or open rows; a broken one is closed, and another is made
 * when somebody waits. */
void maria_give(struct maria_conn *conn);
/* The server has hung up on one that nobody uses. */
void maria_idle_lost(struct maria_conn *conn);
/* Makes the first connection. */
void maria_pool_open(struct maria_session *session);
/* Every 100 ms: connections that can be made again, waiters whose time is over. */
void maria_pool_tick(struct maria_session *session, uint64_t now_ms);
/* Closes all of them. */
void maria_pool_close(struct maria_session *session);

/* ---- maria_read.c, maria_write.c: in a fiber ---- */

/* How the rows of a query are read: one type and value for each fetch, then for each of `more`,
 * which may be NULL. Casts that the dialect leaves to us are made. */
struct maria_shape {
	const struct query *query;
	const struct field *const *types; /* arena */
	struct value *values;             /* arena; of the row that was fetched last */
	struct buf *texts;                /* arena: of casts; NULL: there are none */
};
void maria_shape_init(struct maria_shape *shape, struct arena *arena, const struct query *query,
					  const struct field_list *more);
void maria_shape_finish(struct maria_shape *shape);
/* The next row, into shape->values. */
enum row_step maria_shape_fetch(struct maria_shape *shape, struct maria_conn *conn,
								struct maria_statement *statement, struct error *error);

/* Each ends with store_request's `done`. */
void maria_read_run(struct maria_session *session, struct store_request *request);
/* Not in a fiber. Requests that do not read are left alone. */
void maria_read_resume(struct store_request *request);
void maria_read_cancel(struct store_request *request);
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
	struct arena arena; /* of the rows of the batch */
	size_t bytes;       /* of them, at most limits->memory_bytes */
};
void maria_source_init(struct maria_source *source, struct maria_conn *conn,
					   const struct query *query, struct error *error);
/* Reads what belongs to these parents (rows of query->fetch), level by level. */
bool maria_source_load(struct maria_source *source, const struct query *query,
					   const struct value *rows, size_t row_count);
void maria_source_finish(struct maria_source *source);

/* ---- maria_classes.c ---- */

/* Which of these values of a text field are equal in the order of its column: those with the same
 * number. */
bool maria_classes_read(struct maria_conn *conn, const struct resource *resource,
						const struct field *field, const struct value *values, size_t count,
						uint64_t *ret_classes, struct error *error);

/* ---- maria_schema.c ---- */

struct maria_check {
	bool make; /* everything on an empty database, and the tables of our own that are missing */
	bool described; /* the model was made of the tables themselves */
	bool ours;      /* set: it is no other program's database */
};
/* On a blocking connection, on any thread: compares what is there with the model. */
bool maria_schema_check(MYSQL *db, const struct model *model, struct maria_check *check,
						struct error *error);

/* ---- maria_migrate.c ---- */

struct store_migrator *maria_migrate(struct str location, bool make, struct error *error);

/* ---- maria.c ---- */

/* A handle of the session is closed, for good: one that is detached may go with its last. */
void maria_session_release(struct maria_session *session);
void maria_add_stats(const struct maria_session *session, struct store_stats *stats);

/* Statements that were given up and may still run, at most; others end by max_statement_time. */
enum { MARIA_OVERDUE = 64 };

/* Questions for versions; maria_versions.c. */
struct maria_asks {
	struct store_version_request *first, *last; /* that wait for the next statement */
	bool under_way;                             /* one, or to begin when this turn ends */
	struct task task;
};

struct maria_session {
	struct store_session_base base;
	struct maria_store *store;
	struct loop *loop;
	struct fiber_pool fiber_pool;
	struct maria_conn *made;                         /* all connections */
	struct maria_conn *idle;                         /* the most recently used first */
	atomic_size_t connections;                       /* made or being made */
	size_t handles;                                  /* those, and those that are being closed */
	struct maria_waiter *first_waiter, *last_waiter; /* fibers; maria_pool.c */
	struct maria_waiter *woken;                      /* that go on when this turn ends */
	atomic_size_t waiters;
	struct task wake;
	bool waking;
	struct maria_asks asks;
	size_t fibers;                                    /* requests that run */
	struct store_request *first_queued, *last_queued; /* that wait for a fiber */
	atomic_size_t queued;
	bool starting;                        /* requests of the queue */
	unsigned long overdue[MARIA_OVERDUE]; /* the server's numbers of connections to be killed */
	size_t overdue_count;
	bool killing;
	size_t making;           /* connections */
	uint64_t make_after_ms;  /* not before: the last attempt failed */
	unsigned failed_makings; /* in a row */
	struct error down;       /* why */
	bool detached;
	struct loop_tick tick;
	_Atomic uint64_t reads, reads_refused, writes, writes_failed, retries;
	struct maria_session *next; /* under store->mutex */
};

/* Lives until store_close() and the end of the last session. */
struct maria_store {
	struct store_base base;
	atomic_size_t owners;
	struct limits limits;
	struct arena arena;
	struct maria_url url;
	bool described; /* its model is made of its tables */
	bool read_only; /* sessions write nothing */
	bool foreign; /* another program's database: its tables may have rules that the model has not */
	bool patient; /* a migrator's: its statements may take as long as they do */
	pthread_mutex_t mutex;
	struct maria_session *sessions;
	struct store_stats ended;                 /* of sessions that are detached */
	bool has_versions;                        /* every write changes them */
	bool reads_versions;                      /* and the service has a use for them */
	unsigned char secret[STORE_SECRET_BYTES]; /* with has_versions */
};

/* In a fiber: the request ends when main has returned. */
void maria_done(struct maria_session *session, struct store_request *request, bool ok);

#endif
