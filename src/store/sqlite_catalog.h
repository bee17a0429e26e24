/*
 * The catalog of an SQLite database.
 *
 * Ownership: all of it is arena. Threads: those of the connection.
 * Errors: ERROR_STORE when the database cannot be read; a view or virtual table that alone cannot
 * be read has a `problem`. Limits: SQLite's own.
 */
#ifndef ROWLOCK_STORE_SQLITE_CATALOG_H
#define ROWLOCK_STORE_SQLITE_CATALOG_H

#include <sqlite3.h>

#include "base/error.h"
#include "store/catalog.h"

/* All tables, views and virtual tables but SQLite's own, shadow tables and `_rl_…`. */
bool sqlite_catalog_read(sqlite3 *db, struct arena *arena, struct catalog *ret_catalog,
						 struct error *error);
/* Can a column of this declared type hold values of a field of this type? */
bool sqlite_catalog_holds(struct str declared, enum type type);

#endif
