/*
 * Rows out of the text of a JSON array of objects that comes in parts: one row at a time, so that
 * memory does not grow with the array.
 *
 * Ownership: init to finish; values are valid until the next row. Threads: plain data.
 * Errors: ERROR_SOURCE_BAD with what is wrong. Limits: a row as large as the buffer may be.
 */
#ifndef ROWLOCK_LINK_REMOTE_ROWS_H
#define ROWLOCK_LINK_REMOTE_ROWS_H

#include "query/query.h"
#include "store/rows.h"

/* One member of each row: `c0`, `c1`, … */
struct remote_column {
	const struct field *type;      /* it is read as this */
	const struct field *cast_from; /* and then cast from `type` to this; NULL: not */
};

struct remote_rows {
	const struct remote_column *columns;
	size_t count;
	struct buf text; /* what came and was not read yet */
	size_t taken;    /* of it: behind the last row */
	size_t scanned;  /* from there on, by the search for the end of a row */
	size_t depth;    /* there */
	bool in_string, escaped;
	enum { REMOTE_BEGIN, REMOTE_FIRST, REMOTE_ROW, REMOTE_BETWEEN, REMOTE_END } state;
	struct arena arena; /* of the row */
	struct value *values;
	struct buf *casts; /* owned: text of each cast */
};

void remote_rows_init(struct remote_rows *rows, const struct remote_column *columns, size_t count,
					  size_t max_bytes);
void remote_rows_finish(struct remote_rows *rows);
/* False when a row is too large. */
bool remote_rows_add(struct remote_rows *rows, struct str bytes);
/* ROW_NONE: no whole row is there yet, or the array is over (remote_rows_is_over()). */
enum row_step remote_rows_next(struct remote_rows *rows, const struct value **ret_values,
							   struct error *error);
/* The array has been closed, and nothing but white space follows. */
bool remote_rows_is_over(const struct remote_rows *rows);

#endif
