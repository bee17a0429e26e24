/*
 * The reference store: rows in arrays, every question answered by looking at all of them. It is the
 * oracle for the other stores, so it prefers what is obvious to what is fast. Rows are gone when
 * the process ends.
 *
 * Ownership: a row belongs to those that count a reference to it, and never changes.
 * Threads: all, under the store's mutex. Errors: as every store. Limits: memory.
 */
#ifndef ROWLOCK_STORE_MEMORY_PRIV_H
#define ROWLOCK_STORE_MEMORY_PRIV_H

#include <pthread.h>

#include "store/store_priv.h"

/* A row that has been stored: one value for each field, by field->number; texts are its own. */
struct memory_row {
	size_t references;
	struct value values[];
};

/* One state of a table, in order of insertion. */
struct memory_rows {
	struct memory_row **items; /* each with a reference */
	size_t count;
	size_t capacity;
};

/* Names are kept: the model may be replaced. */
struct memory_table {
	struct str name;
	size_t field_count;
	struct memory_rows rows; /* of a tally: none, they are counted */
	int64_t made_key;        /* the last one */
};

/* A foreign key, by table and field numbers. */
struct memory_reference {
	size_t child;
	size_t field;
	struct str field_name;
	size_t parent;
	size_t key; /* number of the parent's key field */
};

struct memory_store {
	struct store_base base;
	struct limits limits;
	struct arena arena;
	pthread_mutex_t mutex;
	struct memory_table *tables; /* arena */
	size_t table_count;
	struct memory_reference *references; /* arena */
	size_t reference_count;
	struct store_stats stats;
};

/* memory_rows.c */
struct memory_row *memory_row_create(const struct value *values, size_t count);
void memory_row_unref(struct memory_row *row);
/* Takes over the caller's reference. */
void memory_rows_append(struct memory_rows *rows, struct memory_row *row);
struct memory_rows memory_rows_copy(const struct memory_rows *rows);
void memory_rows_finish(struct memory_rows *rows);
bool memory_equal(const struct value *a, const struct value *b);

/* memory_cond.c */
enum truth { IS_NOT, MAY_BE, IS_SO };
/* Three-valued logic; a NULL condition holds. */
enum truth memory_holds(const struct cond *cond, const struct value *values);
/* Sorts by the query's order. */
void memory_sort(const struct query *query, struct memory_rows *rows);

/* memory_write.c: one write, all or nothing; with the mutex held. */
bool memory_write(struct memory_store *store, struct store_request *request);

/* memory.c */
struct memory_table *memory_find_table(struct memory_store *store, const struct resource *resource);

#endif
