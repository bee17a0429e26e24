/*
 * Rows in memory and what conditions, casts and expressions make of them, without a database's
 * help: row.c holds rows, row_cond.c says what a row is worth to a condition.
 *
 * Ownership: a row belongs to those that count a reference to it, and never changes.
 * Threads: a row is one thread's at a time, as are lists and views. Errors: those of casts and of
 * conditions that a client made. Limits: memory.
 */
#ifndef ROWLOCK_STORE_ROW_H
#define ROWLOCK_STORE_ROW_H

#include "base/arena.h"
#include "query/query.h"
#include "store/term.h"

/* A row that has been stored: one value for each column, by field->number; texts are its own. */
struct row {
	size_t references;
	struct value values[];
};

struct row_list {
	struct row **items; /* each with a reference */
	size_t count;
	size_t capacity;
};

/* A copy of the values; -0.0 becomes 0. */
struct row *row_create(const struct value *values, size_t count);
void row_unref(struct row *row);
/* Takes over the caller's reference. */
void row_list_append(struct row_list *rows, struct row *row);
/* With a reference of its own. */
void row_list_add(struct row_list *rows, struct row *row);
struct row_list row_list_copy(const struct row_list *rows);
void row_list_finish(struct row_list *rows);
/* False when one of them is null. */
bool row_equal(const struct value *a, const struct value *b);

/* While rows are looked at: what is computed from them. */
struct row_view {
	/* All rows of a resource, for what leads to other rows. NULL: nothing does. */
	const struct row_list *(*rows)(struct row_view *view, const struct resource *resource);
	void *context; /* of rows() */
	struct arena arena;
	int64_t today; /* of the query */
	struct error *error;
	bool failed; /* a value could not be computed: the error is set, results mean nothing */
};

void row_view_init(struct row_view *view, const struct query *query, struct error *error);
void row_view_finish(struct row_view *view);

/* ---- row_cond.c ---- */

/* The value as the view's own. */
struct value row_keep(struct row_view *view, struct value value);
struct value row_path(struct row_view *view, const struct json_path *path,
					  const struct value *json);
/* `values` are those of the row's fields. */
struct value row_term(struct row_view *view, const struct term *term, const struct value *values);
/* `to` NULL: the value itself. */
struct value row_cast(struct row_view *view, const struct field *from, const struct field *to,
					  struct value value);
/* What the fetch gives of one row, before it is aggregated. */
struct value row_fetch_inner(struct row_view *view, const struct query_fetch *fetch,
							 const struct value *values);
/* The same, when it is not aggregated. */
struct value row_fetch(struct row_view *view, const struct query_fetch *fetch,
					   const struct value *values);
/* Three-valued logic; a NULL condition holds. */
enum truth row_holds(struct row_view *view, const struct cond *cond, const struct value *values);
/* The rows for which the condition holds. */
struct row_list row_matching(struct row_view *view, const struct cond *where,
							 const struct row_list *rows);
/* The rows that belong to a parent row with these values of relation->from_fields, under the
 * embed's own conditions. */
struct row_list row_related(struct row_view *view, const struct query_embed *embed,
							const struct value *keys);

#endif
