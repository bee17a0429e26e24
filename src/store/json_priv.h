/*
 * The store of JSON files, in a folder, through the library jsonstore: json.c opens it and holds
 * all together; json_schema.c knows its collections; json_record.c moves rows in and out of
 * records; json_table.c lets SQLite read them, as virtual tables, by the SQLite store's own way of
 * reading; json_write.c is what row_write.h needs of a store, json_answer.c what a write answers;
 * json_writer.c is the one thread that writes; json_error.c turns failures into errors.
 *
 * Ownership: struct json_store owns everything here. Threads: a connection and a transaction are
 * used by one thread at a time. Errors: ERROR_STORE and its kin; a failed sync ends the program.
 * Limits: those of struct limits and of jsonstore.h.
 */
#ifndef ROWLOCK_STORE_JSON_PRIV_H
#define ROWLOCK_STORE_JSON_PRIV_H

#include <jsonstore.h>
#include <stdatomic.h>

#include "store/row_write.h"
#include "store/sqlite_priv.h"

/* ---- json_schema.c ---- */

struct json_field {
	struct field field; /* a copy, with its name and default: the model may be replaced */
	struct str member;  /* its name as JSON, with the quotes and the colon */
	const char *name;   /* that ends with a NUL */
	bool stored;        /* it is no computed field */
	bool indexed;       /* jsonstore finds records by it */
	bool exact;         /* a record must have it in the form in which it is looked for */
	size_t column;      /* of the virtual table */
};

/* A resource's collection; of a tally there is none: it is a view that counts. A resource without a
 * key has one field more here, its last, with a number that the store makes. */
struct json_table {
	struct str name;
	const char *collection; /* its name there, which ends with a NUL; NULL: none */
	struct json_field *fields;
	size_t field_count;
	size_t *columns; /* numbers of the stored fields */
	size_t column_count;
	size_t *key; /* numbers of the key's fields */
	size_t key_count;
	bool keyless;
	bool numbered;     /* its key is an integer that the store makes */
	const char *words; /* CREATE TABLE x (…) for SQLite, or CREATE TEMP VIEW …; ends with a NUL */
	const char *key_names; /* with commas between them */
	bool tally;
};

/* All of them, immutable: those of a model that is adopted take their place. */
struct json_tables {
	struct json_table *items; /* by resource->number, then that of kept answers */
	size_t count;
};

/* In the arena. ERROR_CONFIG: JSON files cannot have such a resource. */
const struct json_tables *json_tables_make(struct arena *arena, const struct model *model,
										   struct error *error);
/* Do both stand for the same columns? */
bool json_tables_same(const struct json_tables *a, const struct json_tables *b);

/* ---- json.c ---- */

/* The key of a resource that was given last. */
struct json_counter {
	bool known;
	bool changed;
	int64_t made;
	int64_t high; /* the greatest that a row was given by a change */
};

struct json_writer {
	struct sqlite_conn conn;
	struct sqlite_queue queue;
	uint64_t expires_ms; /* of the request under way; UINT64_MAX: none */
	bool full;           /* the last write that failed found no room */
};

struct json_store {
	struct sqlite_store base; /* what reads need */
	const char *path;         /* arena */
	struct jsonstore *files;
	_Atomic(const struct json_tables *) tables;
	struct jsonstore_collection **collections; /* arena: by table; NULL of a tally */
	struct jsonstore_collection *keys;         /* of counters; NULL: no table is numbered */
	uint64_t version_key[2];
	struct json_writer writer;

	pthread_t ticker;
	pthread_mutex_t tick_mutex; /* guards what follows */
	pthread_cond_t tick_wake;
	bool ticking;
	bool stopping;
	uint64_t checkpoints;
};

static inline const struct json_tables *json_tables(struct json_store *store)
{
	return atomic_load_explicit(&store->tables, memory_order_acquire);
}
size_t json_table_number(const struct json_tables *tables, const struct resource *resource);

/* ---- json_error.c ---- */

/* All return false. What they say names files, but not where the folder is. */
bool json_fail(const struct json_store *store, const struct jsonstore_error *failure,
			   struct error *error);
/* The record cannot be read. */
bool json_fail_record(const struct json_table *table, struct str record, const struct error *why,
					  struct error *error);
/* Does it say that there is no room? */
bool json_is_full(const struct jsonstore_error *failure);

/* ---- json_record.c ---- */

/* Writes the row as a record, with what `before` (a record; "" for none) has beside the table's
 * fields. */
void json_record_write(const struct json_table *table, const struct value *values,
					   struct str before, struct buf *record);
/* The values of a record, one for each field, in the arena; they borrow the record's text too. */
bool json_record_read(const struct json_table *table, struct str record, struct arena *arena,
					  struct value **ret_values, struct error *error);
/* The key as jsonstore has it, of values of table->key; it is appended. */
void json_key_write(const struct json_table *table, const struct value *const *values,
					struct buf *key);

/* ---- json_table.c ---- */

/* What a connection's tables read. */
struct json_reading {
	struct json_store *store;
	struct error *error;                       /* of the connection's functions and tables */
	struct jsonstore_transaction *transaction; /* the writer's, which sees its own; else NULL */
	struct jsonstore_snapshot *snapshot;       /* between enter() and leave() */
};

extern const struct sqlite_backing json_backing;

/* ---- json_write.c ---- */

struct json_transaction {
	struct store_transaction_base base;
	struct json_store *store;
	const struct json_tables *tables;
	struct sqlite_conn *conn;
	struct jsonstore_transaction *files;
	struct json_counter *counters; /* owned: by table */
	uint64_t expires_ms;
	bool too_large; /* a change did not fit any more */
};

/* One write, in the transaction; after a failure the caller undoes it. */
bool json_write(struct json_transaction *transaction, const struct query *query, struct buf *body,
				struct store_result *result, struct error *error);
bool json_transaction_run(struct store_transaction *transaction, const struct query *query,
						  struct buf *body, struct store_result *ret_result, struct error *error);
/* Before the commit. */
bool json_counters_put(struct json_transaction *transaction, struct error *error);

/* ---- json_answer.c ---- */

/* The answer of a write, of the rows that it wrote. */
bool json_answer(struct json_transaction *transaction, const struct query *query,
				 const struct row_list *written, struct buf *body, struct store_result *result,
				 struct error *error);

/* ---- json_writer.c ---- */

void json_writer_init(struct json_store *store);
/* Writes what is queued, then ends the thread. */
void json_writer_finish(struct json_store *store);
void json_writer_submit(struct sqlite_store *store, struct store_request *request);

#endif
