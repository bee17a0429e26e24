/*
 * A checked query as a request of the API that PostgREST has: what another service is asked for
 * the rows of one level of a tree.
 *
 * Ownership: plain functions. Threads: all. Errors: ERROR_UNSUPPORTED for what cannot be said in
 * the grammar, or only where all rows are at hand. Limits: those of the buffer.
 */
#ifndef ROWLOCK_LINK_REMOTE_TEXT_H
#define ROWLOCK_LINK_REMOTE_TEXT_H

#include "base/buf.h"
#include "query/query.h"

struct remote_asks {
	const struct query *query;         /* fetch, order and resource count */
	const struct cond *where;          /* without EXISTS; NULL: every row */
	const struct field *const *extras; /* selected behind the query's fetch */
	size_t extra_count;
	/* Only rows whose `keys` have one of these values, row after row; key_count 0: all. */
	const struct field_list *keys; /* NULL: none */
	const struct value *key_values;
	size_t key_count;
	bool by_key;                  /* ordered by `keys` first */
	const struct value *from_key; /* by_key: not below this one; NULL: all */
	uint64_t limit;               /* UINT64_MAX: none */
	uint64_t offset;
};

/* Appends `/RESOURCE?select=…`. Columns of the answer are called c0, c1, … in the order of fetch
 * and extras. */
bool remote_write_request(struct buf *path, const struct remote_asks *asks, struct error *error);

#endif
