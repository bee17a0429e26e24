/*
 * The parts of MariaDB's dialect: conditions, tables, tallies.
 *
 * Ownership: they write into the caller's statement or buffer. Threads: plain functions.
 * Errors: sql_refuse(). Limits: those of sql.h.
 */
#ifndef ROWLOCK_SQL_MARIA_PRIV_H
#define ROWLOCK_SQL_MARIA_PRIV_H

#include "sql/maria.h"
#include "sql/sql_priv.h"

/* ---- maria_cond.c ---- */

void maria_write_matching(struct sql *sql, const struct cond *cond);
void maria_write_path(struct sql *sql, const struct field *field, const struct json_path *path);
bool maria_write_cast(struct sql *sql, const struct field *from, const struct field *to,
					  bool before);
void maria_write_average(struct sql *sql, const struct field *field, bool before);

/* ---- maria_schema.c ---- */

void maria_column_type(const struct resource *resource, const struct field *field,
					   struct buf *text);
void maria_column_key(const struct resource *resource, const struct field *field, struct buf *text);
void maria_column_auto(const struct field *field, struct buf *text);
void maria_table_end(const struct resource *resource, struct buf *text);
void maria_write_literal(struct buf *text, const struct value *value, const struct field *field);

/* ---- maria_tally.c ---- */

bool maria_tally_trigger(const struct resource *tally, size_t number, struct buf *text,
						 struct buf *name);

#endif
