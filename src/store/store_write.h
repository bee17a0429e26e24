/*
 * What databases do alike when they answer a write: whether the answer stands in the request
 * itself, and rows that wait until all of them are there.
 *
 * Ownership: struct kept_rows owns copies of its rows. Threads: plain functions.
 * Errors: an answer that is too large. Limits: the answer's buffer.
 */
#ifndef ROWLOCK_STORE_STORE_WRITE_H
#define ROWLOCK_STORE_STORE_WRITE_H

#include "base/arena.h"
#include "store/rows.h"

/* INSERT or UPSERT. */
bool write_inserts(const struct query *query);
bool write_has_embeds(const struct query *query);
/* Do rows of the answer have to wait for all the others: to be sorted, cut, or joined? */
bool write_must_keep(const struct query *query);
/* Does everything that is asked for stand in the request? */
bool write_knows_answer(const struct query *query);
/* Are the same values there? They decide about the statement. */
bool write_same_shape(const struct query *query, const struct value *a, const struct value *b);
/* Always false. */
bool write_fail_large(struct error *error);
/* Writes a row whose answer is known. False when it does not fit, with the bracket that ends it. */
bool write_known_row(struct rows *rows, const struct query *query, size_t row, struct error *error);

/* Rows of query->fetch. */
struct kept_rows {
	struct arena arena;
	struct value **rows; /* owned */
	size_t count;
	size_t room;
	size_t bytes;
};

void kept_rows_init(struct kept_rows *kept);
void kept_rows_finish(struct kept_rows *kept);
/* Copies the values. */
void kept_rows_add(struct kept_rows *kept, const struct query *query, const struct value *values);
/* Puts them in the query's order and cuts off what its range does. */
void kept_rows_arrange(struct kept_rows *kept, const struct query *query);

#endif
