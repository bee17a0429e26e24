/*
 * The service file of an SQLite database; see store/describe.h.
 *
 * Ownership: options are borrowed; the text is the caller's buffer.
 * Threads: those of the connection. Errors: ERROR_STORE when the database cannot be read,
 * ERROR_CONFIG when the buffer is too small. Limits: those of store/describe.h.
 */
#ifndef ROWLOCK_STORE_SQLITE_DESCRIBE_H
#define ROWLOCK_STORE_SQLITE_DESCRIBE_H

#include <sqlite3.h>

#include "store/store.h"

/* Appends the file to `yaml`. */
bool sqlite_describe(sqlite3 *db, const struct describe_options *options, struct buf *yaml,
					 struct error *error);

#endif
