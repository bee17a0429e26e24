/*
 * How identifiers and literals are written.
 *
 * Ownership, Threads, Limits: those of the buffer. Errors: text->failed.
 */
#ifndef ROWLOCK_SQL_SQL_PRIV_H
#define ROWLOCK_SQL_SQL_PRIV_H

#include "sql/sql.h"

/* A value as a literal, for DEFAULT clauses. */
void sql_write_literal(struct buf *text, const struct value *value);
/* `"a","b"`, each behind `prefix`. */
void sql_write_fields(const struct sql_dialect *dialect, struct buf *text, const char *prefix,
					  const struct field_list *fields);
/* Can the column hold null? */
bool sql_is_nullable(const struct field *field);

#endif
