/*
 * A write for stores whose tables check nothing: what is required, check rules, keys, unique rules
 * and references are looked after here, row by row, and what is wrong is said as every store says
 * it. The store finds rows, puts them, and answers.
 *
 * Ownership: rows that a store gives have a reference for the caller. Threads: the store's.
 * Errors: those of constraints; the store's. Limits: the store's.
 */
#ifndef ROWLOCK_STORE_ROW_WRITE_H
#define ROWLOCK_STORE_ROW_WRITE_H

#include "store/row.h"
#include "store/store.h"

struct row_tables;

/* A row that is looked for. */
struct row_search {
	const struct resource *resource;
	const struct field_list *fields; /* of it */
	const struct value *values;      /* of these, none null */
	/* NULL: any row will do. */
	bool (*accepts)(void *context, const struct row *row);
	void *context;
};

/* All return false when the store fails, with the error. */
struct row_tables_ops {
	/* A row with these values, or NULL. */
	bool (*find)(struct row_tables *tables, const struct row_search *search, struct row **ret_row,
				 struct error *error);
	/* Are both the same row of the store? */
	bool (*is_same)(struct row_tables *tables, const struct resource *resource, const struct row *a,
					const struct row *b);
	/* The rows for which query->where holds, in key order, as they are before the write. */
	bool (*match)(struct row_tables *tables, const struct query *query, struct row_list *ret_rows,
				  struct error *error);
	/* `before` NULL: the row is new. No other row has its key. */
	bool (*put)(struct row_tables *tables, const struct resource *resource,
				const struct row *before, struct row *row, struct error *error);
	bool (*remove)(struct row_tables *tables, const struct resource *resource,
				   const struct row *row, struct error *error);
	/* The one integer key of a row that may be new: one that is null is made, greater than all that
	 * this function saw or made and all that are there. ERROR_STORE_FULL when there is none. */
	bool (*settle_key)(struct row_tables *tables, const struct resource *resource,
					   struct value *key, struct error *error);
};

/* A store's own begins with it. */
struct row_tables {
	const struct row_tables_ops *ops;
};

/* Runs the write, but for the answer: *ret_written has the rows that are answered, as they are
 * after it or, of a DELETE, were before; none when the query has no columns. After a failure the
 * store puts back what it had. */
bool row_write(struct row_tables *tables, const struct query *query, struct store_result *result,
			   struct row_list *ret_written, struct error *error);

#endif
