/*
 * Writes to MariaDB, in files: maria_write.c runs a request with its companion, in a transaction
 * where it needs one, and again when the server gave it up; maria_insert.c and maria_bulk.c insert
 * rows, maria_change.c updates and deletes them, maria_answer.c answers with them. All of it runs
 * in a fiber.
 *
 * Ownership: structs are on the fiber's stack. Threads: the loop's. Errors: those of the store.
 * Limits: an answer's buffer; KEYS_MOST.
 */
#ifndef ROWLOCK_STORE_MARIA_WRITE_H
#define ROWLOCK_STORE_MARIA_WRITE_H

#include "store/maria_versions.h"
#include "store/store_write.h"

/* Keys in one statement. */
enum { MARIA_KEYS_MOST = 200 };

/* ---- maria_answer.c ---- */

/* The rows that a write answers: known from the request, read by their keys, or given. */
struct maria_answer {
	struct maria_conn *conn;
	const struct query *query;
	struct error *error;
	struct rows rows;
	struct maria_source source; /* of what is embedded in them */
	bool known;                 /* each row stands in the request */
	bool asked;                 /* rows must be read or given */
	bool keeps;                 /* until all are there */
	struct kept_rows kept;
	/* Keys of rows that were written and not read yet. */
	struct arena arena;
	struct value *keys; /* owned: resource->key.count for each */
	size_t key_count;
	size_t key_room;
};

/* See write_knows_answer(). */
bool maria_knows_answer(const struct maria_session *session, const struct query *query);
void maria_answer_init(struct maria_answer *answer, struct maria_conn *conn,
					   const struct query *query, struct buf *body, struct error *error);
void maria_answer_finish(struct maria_answer *answer);
/* A row of the answer: one value for each fetch. */
bool maria_answer_row(struct maria_answer *answer, const struct value *values);
/* The key of one; maria_answer_read() reads them in this order. */
void maria_answer_add_key(struct maria_answer *answer, const struct value *key);
bool maria_answer_read(struct maria_answer *answer);
/* After all rows: writes what was kept. */
bool maria_answer_end(struct maria_answer *answer, struct store_result *result);

/* ---- maria_write.c ---- */

/* What a companion is given, and the request itself runs in. */
struct maria_transaction {
	struct store_transaction_base base;
	struct maria_conn *conn;
	enum maria_verdict verdict; /* of what failed: FAILED says nothing of the transaction */
	/* Rows of it were looked for by their key and were not there: one that is met by this key has
	 * come meanwhile. NULL: none. */
	const struct resource *unseen;
	bool taken; /* rows of query->batches, which come only once */
	struct maria_counters touched;
};

/* One query that writes. */
struct maria_write {
	struct maria_transaction *transaction;
	struct maria_conn *conn;
	const struct query *query;
	struct query part; /* INSERT, UPSERT: a copy with the rows that are written now */
	struct store_result *result;
	struct error *error;
	struct maria_answer answer;
	struct arena arena;
	struct arena scratch; /* of one row */
};

/* Executes conn->sql and takes its rows, which mean nothing. *ret_changed may be NULL. */
bool maria_run(struct maria_conn *conn, uint64_t *ret_changed, struct error *error);
/* The error of the statement that failed, for row `row` of `query`; false. `where` says which rows
 * would have been changed. */
bool maria_explain(struct maria_write *write, const struct query *query, size_t row,
				   const struct cond *where);
/* The rows with these keys: fields->count values for each. */
const struct cond *maria_where_keys(struct arena *arena, const struct field_list *fields,
									const struct value *keys, size_t count);
/* Reads the keys that conn->sql selects; *ret_keys is arena. */
bool maria_read_keys(struct maria_write *write, struct arena *arena, struct value **ret_keys,
					 size_t *ret_count);
/* Does the resource have a foreign key to itself, over fields that may be null? */
bool maria_refers_to_itself(const struct resource *resource);
/* Is it a field of such a key? */
bool maria_is_own_reference(const struct resource *resource, const struct field *field);

/* ---- maria_insert.c ---- */

/* Is the target of the upsert the only unique key, so that one statement does it? */
bool maria_upserts_at_once(const struct maria_session *session, const struct query *query);
bool maria_insert_rows(struct maria_write *write);

/* ---- maria_change.c ---- */

/* Does it lock headers of tallies before its rows, or take more than one statement anyway? */
bool maria_changes_at_once(const struct query *query);
bool maria_change_rows(struct maria_write *write);

#endif
