/*
 * Rows of an INSERT on SQLite, many in one statement. They are a table of the connection's own,
 * from which the statement selects: most of what a statement of one row costs is its beginning and
 * its end.
 *
 * Ownership: the connection owns the table. Threads: the connection's.
 * Errors: SQLite's, left in the connection. Limits: none.
 */
#ifndef ROWLOCK_STORE_SQLITE_MANY_H
#define ROWLOCK_STORE_SQLITE_MANY_H

#include "store/sqlite_conn.h"

/* Gives the connection the table. */
bool sqlite_many_add(struct sqlite_conn *conn);

/*
 * May rows go into the query's table in this way? When one fails, those before it stay, whatever
 * the table says of conflicts, so the request must be undone as a whole. It must be known which one
 * failed: there are neither triggers nor foreign keys.
 */
bool sqlite_many_can(struct sqlite_conn *conn, const struct query *query);

/* Inserts query->values from row *row on: those that give the same fields, at least one, as it
 * does. *row becomes the one behind them, or the one that failed. */
bool sqlite_many_insert(struct sqlite_conn *conn, const struct query *query, size_t *row,
						struct error *error);

#endif
