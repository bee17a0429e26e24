/*
 * Databases that somebody else made: their service files, and whether they hold what a service file
 * says. A service file's types are wider than a database's, so it counts what a column can hold.
 *
 * Ownership: what is given is borrowed; the text is the caller's buffer.
 * Threads: any; connections are made for a call and block. Errors: ERROR_CONFIG, ERROR_STORE,
 * ERROR_STORE_DOWN. Limits: the buffer's maximum.
 */
#ifndef ROWLOCK_STORE_MARIA_EXISTING_H
#define ROWLOCK_STORE_MARIA_EXISTING_H

#include "store/catalog.h"
#include "store/maria_schema.h"
#include "store/store.h"

/* See store_describe(). */
bool maria_existing_describe(struct str location, const struct describe_options *options,
							 struct buf *yaml, struct error *error);
/* Notes what a table of this resource has not: columns, key, rules and foreign keys, but for rules
 * over some rows. */
void maria_existing_compare(const struct catalog *catalog, const struct resource *resource,
							struct maria_differences *differences);

#endif
