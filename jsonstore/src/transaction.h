/*
 * A transaction as it is collected, and as a leader applies it to a batch; or, when it is locked,
 * as it applies each change to a batch of its own, which its snapshots read. See transaction*.c.
 *
 * Ownership: a transaction owns copies of its texts; a batch of its own is counted.
 * Threads: one at a time.
 * Errors: as in jsonstore.h. Limits: JSONSTORE_TRANSACTION_MAX,
 * JSONSTORE_TRANSACTION_CHANGES_MAX.
 */
#ifndef JSONSTORE_SRC_TRANSACTION_H
#define JSONSTORE_SRC_TRANSACTION_H

#include "store_write.h"

enum js_wish { JS_WISH_PUT, JS_WISH_INSERT, JS_WISH_PATCH, JS_WISH_DELETE, JS_WISH_REQUIRE };

struct js_step {
	enum js_wish wish;
	uint16_t collection;
	uint16_t key_length;
	bool absent; /* JS_WISH_REQUIRE: that there is none */
	size_t key_at;
	size_t text_at;
	size_t text_length;
};

struct jsonstore_transaction {
	struct jsonstore *store;
	struct js_step *steps;
	size_t count;
	size_t capacity;
	struct jsonstore_text bytes;
	/* When it is locked: what it has changed, over this state; `steps` holds one at most. */
	struct js_batch *own; /* NULL: it is not */
	struct js_state state;
};

/* A transaction that waits for its leader. */
struct js_pending {
	const struct jsonstore_transaction *transaction;
	struct js_pending *next;
	pthread_cond_t cond;
	bool done;
	bool leads;
	bool good;
	struct jsonstore_error error;
};

/* ---- a batch: the group that is being made of several transactions ---- */

struct js_batched {
	uint64_t hash;
	uint64_t serial;  /* from 1 on, growing, and no two in the life of a batch are the same */
	size_t key_at;    /* byte of the group; the record is behind the key */
	size_t frame_was; /* as they were before this change */
	size_t length_was;
	uint32_t record_length;
	uint32_t older; /* of the same bucket: number + 1 */
	uint16_t key_length;
	uint16_t collection;
	uint8_t op;
	bool first; /* of its key; only in a batch that is read */
};

/* The value of an indexed field of a change. */
struct js_batched_value {
	uint64_t hash;
	uint32_t change; /* its number */
	uint32_t older;
};

struct js_batch {
	const struct js_sys *sys;
	const struct js_state *state;
	struct jsonstore_text group; /* frames */
	size_t frame;                /* where the one that is being filled begins */
	uint64_t number;             /* of the group */
	struct js_batched *changes;
	size_t count;
	size_t capacity;
	uint32_t *buckets;
	uint64_t last_serial;
	struct jsonstore_text old; /* records as they are */
	struct jsonstore_text made;
	/* Of a batch that is read. */
	_Atomic unsigned refs;
	struct js_batched_value *values;
	size_t value_count;
	size_t value_capacity;
	uint32_t *value_buckets; /* NULL: it is not read */
	struct jsonstore_text form;
};

bool js_batch_init(struct js_batch *batch, const struct js_sys *sys, const struct js_state *state,
				   struct jsonstore_error *error);
void js_batch_finish(struct js_batch *batch);
/* Checks a transaction and adds it; when it fails the batch is as it was before. */
bool js_batch_add(struct js_batch *batch, const struct jsonstore_transaction *transaction,
				  struct jsonstore_error *error);
/* Ends the last frame; there is at least one change. */
void js_batch_end(struct js_batch *batch);
/* Writes the batch, with the writer's lock; there is at least one change. */
bool js_batch_commit(struct jsonstore *store, struct js_state *state, struct js_batch *batch,
					 struct jsonstore_error *error);

/* ---- a batch of a locked transaction, which is read ---- */

/* A counted one, over the transaction's state. */
struct js_batch *js_batch_new(const struct js_sys *sys, const struct js_state *state,
							  struct jsonstore_error *error);
void js_batch_ref(struct js_batch *batch);
void js_batch_unref(struct js_batch *batch);
/* Takes the changes from number `count` on back. */
void js_batch_undo(struct js_batch *batch, size_t count);
/* jsonstore_commit() of a locked transaction. */
int js_commit_locked(struct jsonstore_transaction *transaction, struct jsonstore_error *error);

/* JSONSTORE_INVALID when changes that the state holds were undone. */
bool js_own_check(const struct js_state *state, struct jsonstore_error *error);
/* The newest of a state's own changes of a key, NULL: none. */
const struct js_batched *js_own_find(const struct js_state *state, uint16_t collection,
									 struct js_span key, uint64_t hash);
/* The same by a value's hash; *place begins as 0. NULL behind the last. */
const struct js_batched *js_own_find_value(const struct js_state *state, uint64_t hash,
										   uint32_t *place);
struct js_span js_own_key(const struct js_state *state, const struct js_batched *change);
struct js_span js_own_record(const struct js_state *state, const struct js_batched *change);

#endif
