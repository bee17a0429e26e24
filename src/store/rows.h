/*
 * Rows written straight as JSON, the same for every store.
 *
 * Ownership: writes into the caller's buffer. Threads: one writer, one thread.
 * Errors: the buffer's failed. Limits: the buffer's maximum.
 */
#ifndef ROWLOCK_STORE_ROWS_H
#define ROWLOCK_STORE_ROWS_H

#include "base/buf.h"
#include "query/query.h"

struct rows {
	const struct query *query;
	struct buf *buf;
	uint64_t count;
	size_t column;
};

/* rows_begin, then per row: rows_row, one value call per column, rows_row_end; then rows_end. */
void rows_begin(struct rows *rows, const struct query *query, struct buf *buf);
void rows_row(struct rows *rows);
void rows_value(struct rows *rows, const struct value *value);
void rows_row_end(struct rows *rows);
void rows_end(struct rows *rows);

#endif
