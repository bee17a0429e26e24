/*
 * Texts of schemas that the stores with tables share: the statements that make a resource's
 * objects, and the remarks in migrations.
 *
 * Ownership: texts are borrowed for the call. Threads: all.
 * Errors: ERROR_CONFIG when a resource's rules are too long. Limits: 64 MiB a statement.
 */
#ifndef ROWLOCK_STORE_SCHEMA_TEXT_H
#define ROWLOCK_STORE_SCHEMA_TEXT_H

#include "base/buf.h"
#include "sql/sql.h"

typedef bool schema_each_call(void *context, struct str name, struct str text, struct error *error);

/* Calls `each` for the resource's objects whose statement begins with these words, or for all
 * others, in an order in which they can be made. It ends when a call gives false, which it returns.
 */
bool schema_each(const struct sql_dialect *dialect, const struct resource *resource,
				 const char *words, bool begins, schema_each_call *each, void *context,
				 struct error *error);
/* Appends a comment of one line: `-- WORDS "name" AFTER`; AFTER may hold one `%`, for `other`. */
void schema_say(struct buf *sql, const char *words, struct str name, const char *after,
				struct str other);

#endif
