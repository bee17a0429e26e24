/*
 * DESIGN. A locked transaction has the writer's lock from its beginning, so the state under it is
 * the last one until it ends. Its changes are a batch, as a leader makes it, that is the group to
 * be written, and by its hashes of keys and values the upper layer of what its snapshots read.
 * Undoing takes changes off the end; each has a number of its own, by which a snapshot or a mark
 * sees that it was taken off.
 */
#include "transaction.h"

#include <stdlib.h>

#include "fail.h"
#include "read.h"

int jsonstore_begin_locked(struct jsonstore *store, int timeout_ms,
						   struct jsonstore_transaction **ret_transaction,
						   struct jsonstore_error *error)
{
	struct jsonstore_error unwanted;
	struct jsonstore_transaction *transaction;
	error = error == NULL ? &unwanted : error;
	int code = jsonstore_begin(store, &transaction, error);
	if (code != JSONSTORE_OK) {
		return code;
	}
	if (!js_gate_check(store, error) ||
		!js_write_begin(store, false, timeout_ms, &transaction->state, error)) {
		jsonstore_abandon(transaction);
		return error->code;
	}
	transaction->own = js_batch_new(&store->sys, &transaction->state, error);
	if (transaction->own == NULL) {
		js_write_end(store, &transaction->state);
		jsonstore_abandon(transaction);
		return error->code;
	}
	js_gate_own(&store->writer);
	*ret_transaction = transaction;
	return JSONSTORE_OK;
}

int js_commit_locked(struct jsonstore_transaction *transaction, struct jsonstore_error *error)
{
	struct jsonstore *store = transaction->store;
	bool good = js_store_check(store, error) &&
		(transaction->own->count == 0 ||
		 js_batch_commit(store, &transaction->state, transaction->own, error));
	bool wrote = good && transaction->own->count > 0;
	jsonstore_abandon(transaction);
	if (wrote) {
		js_checkpoint_by_writer(store);
	}
	return good ? JSONSTORE_OK : error->code;
}

static bool check(const struct jsonstore_transaction *transaction, struct jsonstore_error *error)
{
	return js_store_check(transaction->store, error) &&
		(transaction->own != NULL ||
		 js_fail(error, JSONSTORE_INVALID, "the transaction is not a locked one"));
}

int jsonstore_transaction_snapshot(struct jsonstore_transaction *transaction,
								   struct jsonstore_snapshot **ret_snapshot,
								   struct jsonstore_error *error)
{
	struct jsonstore_error unwanted;
	error = error == NULL ? &unwanted : error;
	if (!check(transaction, error)) {
		return error->code;
	}
	struct jsonstore_snapshot *snapshot = js_new(&transaction->store->sys, 1, sizeof(*snapshot),
												 error);
	if (snapshot == NULL) {
		return error->code;
	}
	struct js_state state = transaction->state;
	state.own = transaction->own;
	state.own_count = transaction->own->count;
	state.own_serial = jsonstore_transaction_mark(transaction);
	snapshot->state = js_state_copy(&state);
	*ret_snapshot = snapshot;
	return JSONSTORE_OK;
}

uint64_t jsonstore_transaction_mark(const struct jsonstore_transaction *transaction)
{
	const struct js_batch *batch = transaction->own;
	if (batch == NULL) {
		return UINT64_MAX;
	}
	return batch->count == 0 ? 0 : batch->changes[batch->count - 1].serial;
}

int jsonstore_transaction_undo_to(struct jsonstore_transaction *transaction, uint64_t mark,
								  struct jsonstore_error *error)
{
	struct jsonstore_error unwanted;
	error = error == NULL ? &unwanted : error;
	if (!check(transaction, error)) {
		return error->code;
	}
	struct js_batch *batch = transaction->own;
	size_t count = batch->count;
	/* What is undone is gone, so the walk is no longer than the work. */
	while (count > 0 && batch->changes[count - 1].serial > mark) {
		count--;
	}
	if (mark != (count == 0 ? 0 : batch->changes[count - 1].serial)) {
		js_fail(error, JSONSTORE_INVALID, "what the mark stands behind was undone");
		return error->code;
	}
	js_batch_undo(batch, count);
	return JSONSTORE_OK;
}
