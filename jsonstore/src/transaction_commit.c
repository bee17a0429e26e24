/*
 * DESIGN. Writers queue; the first becomes the leader, takes all that wait, checks each transaction
 * against the state and those before it, and commits what passed as one group: one write, one sync.
 * While it syncs the next ones queue, so the group grows with the load.
 */
#include "transaction.h"

#include <fcntl.h>
#include <stdlib.h>

#include "fail.h"

enum { BATCH_BYTES = 16 << 20, BATCH_CHANGES = 1 << 16 };

/* ---- the writer's lock ---- */

/* Behind the end: whole groups were synced or not by a writer that died; a torn one never was. */
static bool adopt(struct jsonstore *store, struct js_state *state, uint64_t size,
				  struct jsonstore_error *error)
{
	struct js_generation *generation = state->generation;
	struct js_reader *reader = &generation->reader;
	uint64_t group = generation->last_group;
	uint64_t at = state->end;
	enum js_found found;
	js_reader_forget(reader);
	do {
		found = js_group_check(reader, at, size, group + 1, &at, error);
		group += found == JS_FOUND_GOOD ? 1 : 0;
	} while (found == JS_FOUND_GOOD);
	if (found == JS_FOUND_NONE && at < size) {
		uint64_t bad = js_group_bad(reader, at, size, group + 1);
		found = js_journal_is_damaged(reader, bad, size, group + 1, error);
		if (found == JS_FOUND_GOOD) {
			return js_fail_damaged(error, generation->journal.path, bad, "a frame");
		}
	}
	js_reader_forget(reader);
	if (found == JS_FOUND_ERROR) {
		return false;
	}
	if (at < size && js_truncate(&store->sys, generation->journal.fd, at) != 0) {
		return js_fail_io(error, "cut", generation->journal.path);
	}
	if (js_fdatasync(&store->sys, generation->journal.fd) != 0) {
		return js_fail_io(error, "sync", generation->journal.path);
	}
	state->end = at;
	atomic_store_explicit(&store->words->end[generation->journal.generation & 1], at,
						  memory_order_release);
	return js_generation_parse(generation, at, error);
}

/* With the lock: the state of now is the last one. */
static bool look(struct jsonstore *store, bool failed_too, struct js_state *state,
				 struct jsonstore_error *error)
{
	struct stat status;
	uint64_t number = state->generation->journal.generation;
	if (atomic_load(&store->words->generation) < number) {
		/* Whoever made this generation died before he told. Its name may not be on disk yet. */
		if (js_fsync(&store->sys, store->hidden) != 0) {
			return js_fail_io(error, "sync", store->path);
		}
		atomic_store(&store->words->failed, 0);
		atomic_store(&store->words->generation, number);
	}
	if (atomic_load(&store->words->failed) != 0) {
		return failed_too ||
			js_fail(error, JSONSTORE_FAILED,
					"%s: an earlier write failed; writing "
					"goes on after a checkpoint",
					store->path);
	}
	if (js_fstat(&store->sys, state->generation->journal.fd, &status) != 0) {
		return js_fail_io(error, "read the size of", state->generation->journal.path);
	}
	uint64_t size = (uint64_t)status.st_size;
	if (size == state->end) {
		return true;
	}
	if (size < state->end) {
		return js_fail_damaged(error, state->generation->journal.path, size, "it was cut");
	}
	pthread_mutex_lock(&store->refresh);
	bool good = adopt(store, state, size, error);
	pthread_mutex_unlock(&store->refresh);
	return good;
}

bool js_write_begin(struct jsonstore *store, bool failed_too, int timeout_ms, struct js_state *ret,
					struct jsonstore_error *error)
{
	if (!js_gate_enter(store, timeout_ms, error)) {
		return false;
	}
	bool good = js_store_now(store, ret, error);
	if (good && !look(store, failed_too, ret, error)) {
		js_state_release(ret);
		good = false;
	}
	if (!good) {
		js_gate_leave(store);
	}
	return good;
}

void js_write_end(struct jsonstore *store, struct js_state *state)
{
	js_state_release(state);
	js_gate_leave(store);
}

bool js_write_group(struct jsonstore *store, struct js_state *state,
					const struct jsonstore_text *group, struct jsonstore_error *error)
{
	struct js_journal *journal = &state->generation->journal;
	struct jsonstore_error ignored;
	bool good = js_pwrite(&store->sys, journal->fd, group->text, group->length, state->end) == 0;
	if (!good) {
		js_fail_io(error, "write", journal->path);
	} else if (js_fdatasync(&store->sys, journal->fd) != 0) {
		good = js_fail_io(error, "sync", journal->path);
	}
	if (!good) {
		/* What is on disk now nobody knows; nothing may be written behind it. */
		(void)js_truncate(&store->sys, journal->fd, state->end);
		atomic_store(&store->words->failed, 1);
		return false;
	}
	state->end += group->length;
	atomic_store_explicit(&store->words->end[journal->generation & 1], state->end,
						  memory_order_release);
	/* It is written. If there is no memory for it now, the next reader tries again. */
	pthread_mutex_lock(&store->refresh);
	(void)js_generation_parse(state->generation, state->end, &ignored);
	pthread_mutex_unlock(&store->refresh);
	return true;
}

/* ---- leader and followers ---- */

/* The transactions that wait, as many as fit. */
static struct js_pending *take_batch(struct jsonstore *store)
{
	size_t bytes = 0;
	size_t changes = 0;
	pthread_mutex_lock(&store->queue_mutex);
	struct js_pending *first = store->queue_first;
	struct js_pending *last = NULL;
	for (struct js_pending *at = first; at != NULL; at = at->next) {
		bytes += at->transaction->bytes.length;
		changes += at->transaction->count;
		if (last != NULL && (bytes > BATCH_BYTES || changes > BATCH_CHANGES)) {
			break;
		}
		last = at;
	}
	store->queue_first = last->next;
	if (store->queue_first == NULL) {
		store->queue_last = NULL;
	}
	last->next = NULL;
	pthread_mutex_unlock(&store->queue_mutex);
	return first;
}

static void fail_all(struct js_pending *batch, const struct jsonstore_error *error)
{
	for (; batch != NULL; batch = batch->next) {
		if (batch->good) {
			batch->good = false;
			batch->error = *error;
		}
	}
}

static bool reserve(struct jsonstore *store, struct js_generation *generation,
					const struct js_batch *batch, struct jsonstore_error *error)
{
	size_t values = 0;
	for (size_t i = 0; i < batch->count; i++) {
		values += generation->entities[batch->changes[i].collection].schema.field_count;
	}
	pthread_mutex_lock(&store->refresh);
	bool good = js_overlay_reserve(&generation->overlay, batch->count, values, error);
	pthread_mutex_unlock(&store->refresh);
	return good;
}

bool js_batch_commit(struct jsonstore *store, struct js_state *state, struct js_batch *batch,
					 struct jsonstore_error *error)
{
	js_batch_end(batch);
	return reserve(store, state->generation, batch, error) &&
		js_write_group(store, state, &batch->group, error);
}

static void commit_batch(struct jsonstore *store, struct js_state *state, struct js_pending *first)
{
	struct jsonstore_error error = {.code = 0};
	struct js_batch batch;
	bool good = js_batch_init(&batch, &store->sys, state, &error);
	for (struct js_pending *at = first; at != NULL && good; at = at->next) {
		at->good = js_batch_add(&batch, at->transaction, &at->error);
	}
	if (good && batch.count > 0) {
		good = js_batch_commit(store, state, &batch, &error);
	}
	if (!good) {
		fail_all(first, &error);
	}
	js_batch_finish(&batch);
}

/* Commits one batch, in which the leader's own transaction is the first. */
static void lead(struct jsonstore *store)
{
	struct jsonstore_error error;
	struct js_state state;
	bool good = js_write_begin(store, false, JSONSTORE_WAIT, &state, &error);
	struct js_pending *first = take_batch(store);
	for (struct js_pending *at = first; at != NULL; at = at->next) {
		at->good = true;
	}
	if (good) {
		commit_batch(store, &state, first);
		js_write_end(store, &state);
	} else {
		fail_all(first, &error);
	}
	pthread_mutex_lock(&store->queue_mutex);
	while (first != NULL) {
		/* Once it is done it may be gone. */
		struct js_pending *next = first->next;
		first->done = true;
		pthread_cond_signal(&first->cond);
		first = next;
	}
	store->leading = store->queue_first != NULL;
	if (store->leading) {
		store->queue_first->leads = true;
		pthread_cond_signal(&store->queue_first->cond);
	}
	pthread_mutex_unlock(&store->queue_mutex);
}

static void wait_or_lead(struct jsonstore *store, struct js_pending *pending)
{
	pthread_mutex_lock(&store->queue_mutex);
	if (store->queue_last == NULL) {
		store->queue_first = pending;
	} else {
		store->queue_last->next = pending;
	}
	store->queue_last = pending;
	if (!store->leading) {
		store->leading = true;
		pending->leads = true;
	}
	while (!pending->done && !pending->leads) {
		pthread_cond_wait(&pending->cond, &store->queue_mutex);
	}
	bool leads = !pending->done;
	pthread_mutex_unlock(&store->queue_mutex);
	if (leads) {
		lead(store);
	}
}

int jsonstore_commit(struct jsonstore_transaction *transaction, struct jsonstore_error *error)
{
	struct jsonstore_error unwanted;
	struct jsonstore *store = transaction->store;
	struct js_pending pending = {.transaction = transaction};
	error = error == NULL ? &unwanted : error;
	if (transaction->own != NULL) {
		return js_commit_locked(transaction, error);
	}
	if (!js_store_check(store, error) || !js_gate_check(store, error)) {
		jsonstore_abandon(transaction);
		return error->code;
	}
	pthread_cond_init(&pending.cond, NULL);
	wait_or_lead(store, &pending);
	pthread_cond_destroy(&pending.cond);
	jsonstore_abandon(transaction);
	if (!pending.good) {
		*error = pending.error;
		return error->code;
	}
	js_checkpoint_by_writer(store);
	return JSONSTORE_OK;
}
