/*
 * The reference store: rows in arrays, every question answered by looking at all of them. It is the
 * oracle for the other stores, so it prefers what is obvious to what is fast. Rows are gone when
 * the process ends. memory.c opens it and runs requests; memory_rows.c holds rows; memory_cond.c
 * says what a row is worth to a condition; memory_select.c makes the rows of an answer, and
 * memory_group.c those of groups; memory_write.c changes a table; memory_reference.c looks after
 * foreign keys.
 *
 * Ownership: a row belongs to those that count a reference to it, and never changes.
 * Threads: all, under the store's mutex. Errors: as every store. Limits: memory.
 */
#ifndef ROWLOCK_STORE_MEMORY_PRIV_H
#define ROWLOCK_STORE_MEMORY_PRIV_H

#include <pthread.h>

#include "store/rows.h"
#include "store/store_priv.h"
#include "store/term.h"

/* A row that has been stored: one value for each column, by field->number; texts are its own. */
struct memory_row {
	size_t references;
	struct value values[];
};

/* One state of a table, in order of insertion; or some of its rows. */
struct memory_rows {
	struct memory_row **items; /* each with a reference */
	size_t count;
	size_t capacity;
};

/* Names are kept: the model may be replaced. */
struct memory_table {
	struct str name;
	size_t column_count;
	struct memory_rows rows; /* of a tally: none, they are counted */
	int64_t made_key;        /* the last one */
};

/* A foreign key, by table and field numbers. */
struct memory_reference {
	struct str name;
	size_t child;
	size_t parent;
	size_t count;
	size_t *child_fields; /* arena */
	size_t *parent_fields;
};

struct memory_store {
	struct store_base base;
	struct limits limits;
	struct arena arena;
	pthread_mutex_t mutex;
	struct memory_table *tables; /* arena; by resource->number, then that of kept answers */
	size_t table_count;
	struct memory_reference *references; /* arena */
	size_t reference_count;
	uint64_t version; /* writes committed so far */
	uint64_t version_key[2];
	struct store_stats stats;
};

/* A write and its companion's: what tables were like before it. */
struct memory_transaction {
	struct store_transaction_base base;
	struct memory_store *store;
	struct memory_before *before; /* owned: by table */
};

struct memory_before {
	bool changed;
	struct memory_rows rows;
	int64_t made_key;
};

/* ---- memory_rows.c ---- */

struct memory_row *memory_row_create(const struct value *values, size_t count);
void memory_row_unref(struct memory_row *row);
/* Takes over the caller's reference. */
void memory_rows_append(struct memory_rows *rows, struct memory_row *row);
/* With a reference of its own. */
void memory_rows_add(struct memory_rows *rows, struct memory_row *row);
struct memory_rows memory_rows_copy(const struct memory_rows *rows);
void memory_rows_finish(struct memory_rows *rows);
/* False when one of them is null. */
bool memory_equal(const struct value *a, const struct value *b);

/* One state of all tables, while a query looks at them, and what is computed from it. */
struct memory_view {
	struct memory_store *store;
	struct arena arena;
	struct memory_rows *tables; /* arena; by number, each from when it is first looked at */
	bool *seen;                 /* arena */
	int64_t today;              /* of the query */
	struct error *error;
	bool failed; /* a value could not be computed: the error is set, results mean nothing */
};

void memory_view_init(struct memory_view *view, struct memory_store *store,
					  const struct query *query, struct error *error);
void memory_view_finish(struct memory_view *view);
/* All rows of the resource; those of a tally are counted. */
const struct memory_rows *memory_view_rows(struct memory_view *view,
										   const struct resource *resource);

/* ---- memory_cond.c ---- */

/* The value as the view's own. */
struct value memory_keep(struct memory_view *view, struct value value);
struct value memory_path(struct memory_view *view, const struct json_path *path,
						 const struct value *json);
/* `values` are those of the row's fields. */
struct value memory_term(struct memory_view *view, const struct term *term,
						 const struct value *values);
/* Three-valued logic; a NULL condition holds. */
enum truth memory_holds(struct memory_view *view, const struct cond *cond,
						const struct value *values);
/* The rows for which the condition holds. */
struct memory_rows memory_matching(struct memory_view *view, const struct cond *where,
								   const struct memory_rows *rows);
/* The rows that belong to a parent row with these values of relation->from_fields, under the
 * embed's own conditions. */
struct memory_rows memory_related(struct memory_view *view, const struct query_embed *embed,
								  const struct value *keys);

/* ---- memory_group.c ---- */

/* What the fetch gives of one row, when it is not aggregated. */
struct value memory_fetch(struct memory_view *view, const struct query_fetch *fetch,
						  const struct value *values);
/* One row of fetch values for each group of rows; arena. */
const struct value **memory_group(struct memory_view *view, const struct query *query,
								  const struct memory_rows *rows, size_t *ret_count);

/* ---- memory_select.c ---- */

struct memory_range {
	uint64_t limit;
	uint64_t offset;
};

/* Writes rows that match as the query answers them: fetched, grouped, in order, the given range,
 * with all that is embedded in them. `result` gets the tag and, when it is asked for, the total.
 * `cursor` may be NULL. */
bool memory_answer(struct memory_view *view, const struct query *query,
				   const struct memory_rows *rows, struct memory_range range, struct buf *body,
				   struct buf *cursor, struct store_result *result);

/* ---- memory_reference.c ---- */

struct memory_change {
	struct memory_store *store; /* as it is after the change */
	const struct query *query;
	const struct memory_rows *before;  /* the rows of the query's table */
	const struct memory_rows *written; /* by the query */
};

void memory_references_make(struct memory_store *store, const struct model *model);
/* Every foreign key holds. */
bool memory_references_check(const struct memory_change *change, struct error *error);

/* ---- memory_write.c ---- */

/* One write, all or nothing; with the mutex held. */
bool memory_write(struct memory_transaction *transaction, const struct query *query,
				  struct buf *body, struct store_result *result, struct error *error);

/* ---- memory.c ---- */

struct memory_table *memory_find_table(struct memory_store *store, const struct resource *resource);

#endif
