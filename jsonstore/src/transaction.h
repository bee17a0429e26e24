/*
 * A transaction as it is collected, and as a leader applies it to a batch; see transaction*.c.
 *
 * Ownership: a transaction owns copies of its texts. Threads: one at a time.
 * Errors: as in jsonstore.h. Limits: JSONSTORE_TRANSACTION_MAX,
 * JSONSTORE_TRANSACTION_CHANGES_MAX.
 */
#ifndef JSONSTORE_SRC_TRANSACTION_H
#define JSONSTORE_SRC_TRANSACTION_H

#include "store.h"

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
	size_t key_at; /* byte of the group; the record is behind the key */
	uint32_t record_length;
	uint32_t older; /* of the same bucket: number + 1 */
	uint16_t key_length;
	uint16_t collection;
	uint8_t op;
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
	struct jsonstore_text old; /* records as they are */
	struct jsonstore_text made;
};

bool js_batch_init(struct js_batch *batch, const struct js_sys *sys, const struct js_state *state,
				   struct jsonstore_error *error);
void js_batch_finish(struct js_batch *batch);
/* Checks a transaction and adds it; when it fails the batch is as it was before. */
bool js_batch_add(struct js_batch *batch, const struct jsonstore_transaction *transaction,
				  struct jsonstore_error *error);
/* Ends the last frame; there is at least one change. */
void js_batch_end(struct js_batch *batch);

#endif
