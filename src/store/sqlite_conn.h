/*
 * One connection to the database file, its statements, and values in and out of them.
 *
 * Ownership: a connection owns its statements. Threads: one at a time.
 * Errors: those of sqlite_fail(). Limits: STATEMENTS_KEPT; the rest are SQLite's.
 */
#ifndef ROWLOCK_STORE_SQLITE_CONN_H
#define ROWLOCK_STORE_SQLITE_CONN_H

#define SQLITE_ENABLE_PREUPDATE_HOOK 1
#include <sqlite3.h>

#include "base/map.h"
#include "sql/sql.h"
#include "store/rows.h"

struct sqlite_conn;
struct sqlite_many;
struct sqlite_store;
struct store_request;

enum {
	STATEMENTS_KEPT = 256,        /* by a connection */
	STATEMENT_KEPT_BYTES = 16384, /* longer ones are not kept */
};

/* Tables that are not SQLite's own, but read by it all the same: a store that has them begins with
 * struct sqlite_store, and its connections with an empty database in memory. */
struct sqlite_backing {
	/* Makes the tables of a connection; sets conn->tables. */
	bool (*connect)(const struct sqlite_store *store, struct sqlite_conn *conn,
					struct error *error);
	/* When the connection is closed. Accepts NULL. */
	void (*disconnect)(void *tables);
	/* From here to leave() all tables are read in one state. */
	bool (*enter)(void *tables, struct error *error);
	void (*leave)(void *tables);
	/* See store_version_ask(). Any thread. */
	bool (*version)(struct sqlite_store *store, uint64_t *ret_version);
	/* Writes are its own. */
	void (*submit)(struct sqlite_store *store, struct store_request *request);
};

/* A prepared statement; its text follows it in memory. */
struct sqlite_statement {
	sqlite3_stmt *stmt;
	struct str text;
	bool kept;            /* by the connection; else it is finalized when it is released */
	bool used;            /* prepared and not yet released */
	struct value *values; /* of a row, one for each column; made by sqlite_row() */
	struct arena odd;     /* what of the row is given in another form than it is stored in */
	bool has_odd;
	struct sqlite_statement *newer;
	struct sqlite_statement *older;
};

struct sqlite_conn {
	sqlite3 *db;
	struct error *function_error; /* owned: what one of our functions or tables failed with */
	const struct sqlite_backing *backing; /* the store's */
	void *tables;                         /* backing's own */
	struct sqlite_many *many;             /* of a writer: sqlite_many.h; its module's */
	struct sql sql;                       /* for the text of the next statement */
	struct map statements;                /* text -> struct sqlite_statement */
	struct sqlite_statement *newest;      /* by their last use */
	struct sqlite_statement *oldest;
	size_t count;
	size_t open; /* statements that are used */
};

enum sqlite_role { ROLE_WRITER, ROLE_READER };

bool sqlite_conn_open(struct sqlite_conn *conn, const struct sqlite_store *store,
					  enum sqlite_role role, struct error *error);
/* Accepts a connection that is all zero. */
void sqlite_conn_close(struct sqlite_conn *conn);
/* Runs a constant text, without answer. */
bool sqlite_conn_exec(struct sqlite_conn *conn, const char *text, struct error *error);
/* The statement of that text, ready to be bound, until sqlite_conn_release(). Of one that is used
 * already another is made. */
struct sqlite_statement *sqlite_conn_prepare(struct sqlite_conn *conn, struct str text,
											 struct error *error);
/* The same for the text in conn->sql, its parameters bound. */
struct sqlite_statement *sqlite_conn_prepare_sql(struct sqlite_conn *conn, struct error *error);
/* Accepts NULL. */
void sqlite_conn_release(struct sqlite_conn *conn, struct sqlite_statement *statement);
/* Prepares, runs and releases a short text without parameters: BEGIN, COMMIT, … */
int sqlite_conn_run(struct sqlite_conn *conn, struct str text);

/* ---- sqlite_bind.c ---- */

/* The value's text is borrowed until the statement is bound anew. */
int sqlite_bind(sqlite3_stmt *stmt, int number, const struct value *value);
bool sqlite_bind_params(struct sqlite_conn *conn, sqlite3_stmt *stmt, struct error *error);
/* A text is borrowed until the statement's next step. Tables that others made may hold anything: a
 * BLOB is given as `\x` and its bytes in hex, and what is no JSON in a json field as a JSON string.
 */
void sqlite_column(struct sqlite_statement *statement, int number, const struct field *field,
				   struct value *ret_value);
/* `\x` and the bytes in hex, as PostgreSQL shows them. */
void sqlite_write_blob(struct buf *buf, struct str bytes);
/* The statement's row: one value for each fetch, until the statement's next step. */
const struct value *sqlite_row(struct sqlite_statement *statement, const struct query *query);

/* ---- sqlite_functions.c ---- */

/* Gives the connection the functions that the dialect names. */
bool sqlite_functions_add(struct sqlite_conn *conn);

#endif
