/*
 * The reference store: rows in arrays, every question answered by looking at all of them. It is the
 * oracle for the other stores, so it prefers what is obvious to what is fast. Rows are gone when
 * the process ends. memory.c opens it and runs requests; memory_rows.c gives the rows of tables;
 * memory_select.c makes the rows of an answer, and memory_group.c those of groups; memory_write.c
 * holds what row_write.h changes.
 *
 * Ownership: tables hold references to their rows.
 * Threads: all, under the store's mutex. Errors: as every store. Limits: memory.
 */
#ifndef ROWLOCK_STORE_MEMORY_PRIV_H
#define ROWLOCK_STORE_MEMORY_PRIV_H

#include <pthread.h>

#include "store/row.h"
#include "store/row_write.h"
#include "store/rows.h"
#include "store/store_priv.h"

/* Names are kept: the model may be replaced. */
struct memory_table {
	struct str name;
	size_t column_count;
	struct row_list rows; /* of a tally: none, they are counted */
	int64_t made_key;     /* the last one */
};

struct memory_store {
	struct store_base base;
	struct limits limits;
	struct arena arena;
	pthread_mutex_t mutex;
	struct memory_table *tables; /* arena; by resource->number, then that of kept answers */
	size_t table_count;
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
	struct row_list rows;
	int64_t made_key;
};

/* ---- memory_rows.c ---- */

/* A view of one state of all tables. */
void memory_view_init(struct row_view *view, struct memory_store *store, const struct query *query,
					  struct error *error);
void memory_view_finish(struct row_view *view);
/* All rows of the resource; those of a tally are counted. */
const struct row_list *memory_view_rows(struct row_view *view, const struct resource *resource);

/* ---- memory_group.c ---- */

/* One row of fetch values for each group of rows; arena. */
const struct value **memory_group(struct row_view *view, const struct query *query,
								  const struct row_list *rows, size_t *ret_count);

/* ---- memory_select.c ---- */

struct memory_range {
	uint64_t limit;
	uint64_t offset;
};

/* Writes rows that match as the query answers them: fetched, grouped, in order, the given range,
 * with all that is embedded in them. `result` gets the tag and, when it is asked for, the total.
 * `cursor` may be NULL. */
bool memory_answer(struct row_view *view, const struct query *query, const struct row_list *rows,
				   struct memory_range range, struct buf *body, struct buf *cursor,
				   struct store_result *result);

/* ---- memory_write.c ---- */

/* One write, all or nothing; with the mutex held. */
bool memory_write(struct memory_transaction *transaction, const struct query *query,
				  struct buf *body, struct store_result *result, struct error *error);

/* ---- memory.c ---- */

struct memory_table *memory_find_table(struct memory_store *store, const struct resource *resource);

#endif
