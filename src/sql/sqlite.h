/*
 * SQLite's dialect (3.40): STRICT tables, WITHOUT ROWID where the key is not one integer, upsert,
 * RETURNING, tallies by triggers.
 *
 * Ownership: constant. Threads: all. Errors: none. Limits: see sql.c.
 */
#ifndef ROWLOCK_SQL_SQLITE_H
#define ROWLOCK_SQL_SQLITE_H

struct sql_dialect;

extern const struct sql_dialect sql_dialect_sqlite;

#endif
