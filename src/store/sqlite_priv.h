/*
 * The SQLite store, in files: sqlite.c opens a database file and holds all of it together;
 * sqlite_conn.c opens connections and keeps their statements; sqlite_functions.c gives them
 * functions; sqlite_vfs.c makes what they write to the write-ahead log cheaper; sqlite_bind.c moves
 * values in and out; sqlite_embed.c reads the rows of embedded resources; sqlite_read.c answers
 * reads on the loop; sqlite_worker.c answers those that take longer;
 * sqlite_queue.c is where writes wait, sqlite_writer.c the one thread that writes, sqlite_write.c
 * what it does for one request;
 * sqlite_search.c keeps indexes for substrings, of texts that sqlite_search_grams.c takes apart;
 * sqlite_schema.c makes or compares the tables, of which sqlite_catalog.c reads what is there, and
 * sqlite_model.c keeps what they mean;
 * sqlite_error.c turns failures into errors; sqlite_existing.c opens databases that are only read.
 * sqlite_describe.c stands alone: it needs no store.
 *
 * Ownership: struct sqlite_store owns everything here. Threads: a connection is used by one thread
 * at a time; what several threads touch stands below the mutex that guards it.
 * Errors: ERROR_STORE and its kin; a failed sync ends the program. Limits: those of struct limits.
 */
#ifndef ROWLOCK_STORE_SQLITE_PRIV_H
#define ROWLOCK_STORE_SQLITE_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "store/sqlite_conn.h"
#include "store/sqlite_search.h"
#include "store/sqlite_versions.h"
#include "store/sqlite_vfs.h"
#include "store/sqlite_worker.h"
#include "store/sqlite_writer.h"
#include "store/store_priv.h"

enum {
	CHECKPOINT_PAGES = 8000,
	PART_BYTES = 65536,
	PARTS_MAX = 4, /* of one stream, on their way to the loop */
};

struct catalog;
struct sqlite_store;

/* ---- sqlite_error.c ---- */

/* All return false. From the last failure of the connection. */
bool sqlite_fail(const struct sqlite_conn *conn, struct error *error);
/* The same for a write, of which `row` was being written: names the constraint. */
bool sqlite_fail_write(struct sqlite_conn *conn, const struct query *query, size_t row,
					   struct error *error);
/* A foreign key does not hold: finds out which. The request's earlier statements still stand. */
bool sqlite_fail_reference(struct sqlite_conn *conn, const struct sqlite_store *store,
						   const struct query *query, struct error *error);
enum sqlite_phase { PHASE_RUN, PHASE_COMMIT, PHASE_CHECKPOINT };
/* The last failure means that nobody knows any more what is on the disk. */
bool sqlite_is_final(const struct sqlite_conn *conn, enum sqlite_phase phase);

/* ---- sqlite.c ---- */

/* The file without a service, for one thread: store->writer.conn. When it is not there it is made,
 * or, without `make`, an empty database in memory stands for it. */
struct sqlite_store *sqlite_open_alone(struct str location, bool make, struct error *error);
/* Accepts NULL. */
void sqlite_close_alone(struct sqlite_store *store);

/* ---- sqlite_migrate.c ---- */

struct store_migrator *sqlite_migrate(struct str location, bool make, struct error *error);

/* ---- sqlite_schema.c ---- */

/* Makes everything on an empty database; else compares, and makes the table of kept answers when
 * it alone is missing. */
bool sqlite_schema_make(struct sqlite_conn *conn, const struct model *model, struct error *error);
/* `described`: the model is what the tables alone say. */
bool sqlite_schema_compare(struct sqlite_conn *conn, const struct model *model, bool described,
						   struct error *error);
/* Has the database our table of kept answers? */
bool sqlite_schema_keeps_answers(sqlite3 *db);

/* Are the resource's table, and all that it stands for, as the store would accept them? */
bool sqlite_schema_fits(sqlite3 *db, const struct catalog *catalog,
						const struct resource *resource);

/* ---- sqlite_model.c ---- */

/* Inside the transaction in which the tables are made. */
bool sqlite_model_make(struct sqlite_conn *conn, const struct model *model, struct error *error);
/* Of a database that has it: says what the model says from now on. */
bool sqlite_model_update(struct sqlite_conn *conn, const struct model *model, struct error *error);
/* Inside a transaction: says this, whatever it said before. */
bool sqlite_model_put(struct sqlite_conn *conn, struct str text, struct error *error);
/* The model that it says, compiled; NULL when there is none, or it is of another version. */
struct model *sqlite_model_load(sqlite3 *db);
/* Appends `resources:`; false when the database has none. */
bool sqlite_model_read(sqlite3 *db, struct buf *text);

/* ---- sqlite_embed.c ---- */

/* Rows of embedded resources: a statement for each embed of the tree, run anew for each parent. */
struct sqlite_source {
	struct row_source base;
	struct sqlite_conn *conn;
	struct error *error;
	int rc; /* SQLITE_OK, or what went wrong: then the error is set */
	/* Called before each row; false stops the read: SQLITE_TOOBIG. May be NULL. */
	bool (*between)(void *context);
	void *context;
	struct sqlite_embed *embeds; /* owned: by number */
	size_t count;
};

void sqlite_source_init(struct sqlite_source *source, struct sqlite_conn *conn,
						struct error *error);
/* The statement that was just prepared gives the rows of these embeds too. */
void sqlite_source_joined(struct sqlite_source *source, struct sqlite_statement *statement,
						  const struct sql *sql);
void sqlite_source_finish(struct sqlite_source *source);

/* ---- sqlite_read.c ---- */

struct sqlite_session {
	struct store_session_base base;
	struct sqlite_store *store;
	struct loop *loop;
	struct sqlite_conn conn;
	uint64_t inline_begin_ns; /* of the read under way; 0 until the first look at the clock */
	const struct buf *body;   /* of the read under way */
	_Atomic uint64_t reads_inline;
	struct sqlite_session *next; /* under store->mutex */
	struct task answer_task;
	_Atomic(struct store_request *) answered; /* writes; the newest first */
	/* The writer's, while it answers a group. */
	struct store_request *batch; /* the newest first */
	struct store_request *batch_oldest;
	struct sqlite_session *batch_next;
};

/* One read of rows, on any connection: init, begin, then select and steps, and count; then end. */
struct sqlite_read {
	struct sqlite_conn *conn;
	const struct query *query;
	struct query capped; /* a copy under limits->answer_rows, when that is less */
	struct sqlite_statement *statement;
	bool transaction;
	bool entered; /* see struct sqlite_backing */
	struct sqlite_source source;
	struct rows rows;
};

/* Before the snapshot is taken: fills in the result's version when it is wanted. */
void sqlite_read_version(struct sqlite_store *store, struct store_request *request);
void sqlite_read_init(struct sqlite_read *read, struct sqlite_conn *conn, const struct query *query,
					  const struct limits *limits, struct error *error);
/* Before the first statement. With query->total a transaction holds one snapshot for rows and
 * count. */
bool sqlite_read_begin(struct sqlite_read *read, struct error *error);
bool sqlite_read_select(struct sqlite_read *read, struct error *error);
/* SQLITE_ROW, SQLITE_DONE or what went wrong. A row is written to read->rows, which has begun. */
int sqlite_read_step(struct sqlite_read *read);
/* Sets the error of a step that went wrong. */
bool sqlite_read_fail(struct sqlite_read *read, struct error *error);
/* The rows have all been written: ends the answer and fills in what is said of it. */
bool sqlite_read_finish(struct sqlite_read *read, struct store_result *result, struct error *error);
bool sqlite_read_count(struct sqlite_read *read, uint64_t *ret_total, struct error *error);
/* All of a read without a total at once, inside a writer's transaction. */
bool sqlite_read_whole(struct sqlite_conn *conn, const struct limits *limits,
					   const struct query *query, struct buf *body, struct store_result *result,
					   struct error *error);
/* After any of these, also a failed one. */
void sqlite_read_end(struct sqlite_read *read);

struct store_session *sqlite_session_open(struct sqlite_store *store, struct loop *loop,
										  struct error *error);
void sqlite_session_close(struct sqlite_session *session);
void sqlite_session_run(struct sqlite_session *session, struct store_request *request);
/* Adds the numbers of reads. */
void sqlite_session_stats(struct sqlite_store *store, struct store_stats *stats);
/* Hands an outcome to the caller; on the session's loop. */
void sqlite_done(struct store_request *request, bool ok);

/* ---- sqlite_existing.c: databases that are only read, and may be somebody else's ---- */

/* The name by which the file is opened to be read; arena. NULL when it cannot be. */
const char *sqlite_existing_uri(const char *path, struct arena *arena, struct error *error);
/* SQLite's code; *ret_db is to be closed in either case. */
int sqlite_existing_connect(const char *uri, sqlite3 **ret_db);
bool sqlite_existing_describe(const char *path, const struct describe_options *options,
							  struct buf *yaml, struct error *error);
/* Changes with every commit of any process: see store_version_ask(). */
bool sqlite_existing_version(struct sqlite_store *store, uint64_t *ret_version);

/* ---- sqlite.c ---- */

/* Loaded before a snapshot is taken it is the snapshot's. Any thread. */
bool sqlite_version(struct sqlite_store *store, const struct query *query, uint64_t *ret_version);

/* Sets the error that another process has the file, and which one. */
bool sqlite_fail_in_use(const char *path, struct error *error);
/* A thread that no signal is delivered to. */
bool sqlite_thread_start(pthread_t *ret_thread, void *(*main)(void *context), void *context);

/* A foreign key of the model, kept by name: the model may be replaced. */
struct sqlite_reference {
	struct str name, child, parent; /* the rule, and its tables */
	size_t count;
	struct str *child_fields; /* arena */
	struct str *parent_fields;
};

struct sqlite_store {
	struct store_base base;
	struct limits limits;
	const char *path;                     /* arena */
	const char *read_uri;                 /* arena; of a store that is read only, else NULL */
	bool halves;                          /* a statement that fails may leave some of what it did */
	bool existing;                        /* see struct store_options */
	struct sqlite_vfs *vfs;               /* owned; NULL when it is read only */
	const struct sqlite_backing *backing; /* NULL: the tables are in the file */
	struct sqlite_versions versions;
	struct sqlite_search *search; /* owned; NULL when it is read only: others may write */
	struct map full_text; /* names of FTS5's tables -> struct str of the arena; made at open */
	void (*fatal)(void *context, const struct error *error);
	void *context;
	struct arena arena;
	struct sqlite_reference *references; /* arena */
	size_t reference_count;
	struct sqlite_workers workers;
	struct sqlite_writer writer;

	pthread_mutex_t mutex;
	struct sqlite_session *sessions;
	uint64_t reads_inline; /* of sessions that have ended */
};

/* The same as store_ops_sqlite.open, through a VFS of that name: tests make theirs fail. */
struct store *sqlite_open_vfs(const struct store_options *options, const char *vfs,
							  struct error *error);

#endif
