/*
 * The join: rows of a query and of all that is embedded in it, written straight in the query's
 * format, the same for every store. A store gives the rows of each level through a row_source; this
 * code asks for the embedded ones parent by parent, in the order of the columns, and puts them in
 * their places. Nothing is kept but the columns of a to-many spread.
 *
 * Ownership: writes into the caller's buffers; sources are the store's.
 * Threads: one writer, one thread. Errors: those of the sources; the buffers' failed.
 * Limits: the buffers' maxima.
 */
#ifndef ROWLOCK_STORE_ROWS_H
#define ROWLOCK_STORE_ROWS_H

#include "base/buf.h"
#include "query/query.h"

enum row_step { ROW_NONE, ROW_HERE, ROW_FAILED };

/* Where rows of embedded resources come from. At most one set of rows is open for each embed. */
struct row_source {
	/* Begins the rows that belong to a parent row; `keys` holds its values of embed->keys, none of
	 * them null. False after a failure. */
	bool (*open)(struct row_source *source, const struct query_embed *embed,
				 const struct value *keys);
	/* The next of them: one value for each fetch, valid until the next call for this embed. */
	enum row_step (*next)(struct row_source *source, const struct query_embed *embed,
						  const struct value **ret_values);
	/* After any open() that went well. */
	void (*close)(struct row_source *source, const struct query_embed *embed);
};

struct rows {
	const struct query *query;
	struct buf *buf;
	struct row_source *source; /* NULL: the query embeds nothing */
	uint64_t count;
	uint64_t tag;       /* of the last row, when query->tag_count > 0 */
	struct buf *cursor; /* of the last row, when query->cursor_count > 0 */
	bool discard;       /* rows are only counted: a second one of FORMAT_OBJECT */
};

/* rows_begin, rows_write for each row, rows_end. */
void rows_begin(struct rows *rows, const struct query *query, struct row_source *source,
				struct buf *buf);
/* `values` holds one for each fetch. False when a source failed. */
bool rows_write(struct rows *rows, const struct value *values);
void rows_end(struct rows *rows);
/* After rows_end(): ERROR_NOT_ONE or, for a GET without a row, ERROR_NOT_FOUND, when the format is
 * FORMAT_OBJECT and the rows are not one. */
bool rows_check_one(const struct rows *rows, struct error *error);

/* Compares two rows of fetch values by the query's order; every term is in fetch. */
int rows_compare(const struct query *query, const struct value *a, const struct value *b);

#endif
