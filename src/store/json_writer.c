/*
 * DESIGN. Group commit, as in sqlite_writer.c: the one writer thread drains the queue into one
 * locked transaction of jsonstore, with a mark before each request, to which it is undone when it
 * fails. One commit, one sync, and only then all are answered. Other processes that write the same
 * folder wait for their turn at its lock, for as long as a group takes.
 *
 * A request that does not fit into what is left of a transaction ends the group before it, and
 * begins the next.
 *
 * A commit that failed for anything but room is final: nobody knows what is on the disk.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "store/json_priv.h"

enum {
	TICK_OPS = 1000,
	GROUP_MS = 50, /* a group that takes longer is committed before all of it has run */
	LOCK_MS = 5000,
};

static uint64_t now_ms(void)
{
	return uv_hrtime() / 1000000;
}

static int on_progress(void *context)
{
	const struct json_writer *writer = context;
	return writer->expires_ms != UINT64_MAX && now_ms() > writer->expires_ms;
}

/* ---- one request ---- */

/* What is left to do after a part of the companion; fills in the outcome. */
static bool go_on(enum companion_verdict verdict, struct store_result *result, bool *ret_ok,
				  bool *ret_undo)
{
	*ret_ok = verdict != COMPANION_FAIL;
	*ret_undo = verdict == COMPANION_FAIL || verdict == COMPANION_ROLL_BACK;
	result->answered = verdict == COMPANION_ANSWERED;
	result->rolled_back = verdict == COMPANION_ROLL_BACK;
	return verdict == COMPANION_GO_ON;
}

/* The request with its companion. *ret_undo: nothing of it is to stay. */
static bool run_parts(struct json_transaction *transaction, struct store_request *request,
					  bool *ret_undo)
{
	struct store_companion *companion = request->companion;
	struct store_result *result = &request->result;
	struct error *error = &request->error;
	struct store_transaction *base = (struct store_transaction *)transaction;
	bool ok = true;
	*ret_undo = false;
	if (companion != NULL && companion->before != NULL &&
		!go_on(companion->before(companion, base, error), result, &ok, ret_undo)) {
		return ok;
	}
	if (!json_write(transaction, request->query, request->body, result, error)) {
		*ret_undo = true;
		return false;
	}
	if (companion != NULL && companion->after != NULL) {
		(void)go_on(companion->after(companion, base, result, error), result, &ok, ret_undo);
	}
	return ok;
}

static void begin_request(struct json_transaction *transaction, struct store_request *request)
{
	request->error.code = ERROR_NONE;
	request->result = (struct store_result){.rows = 0};
	if (request->body != NULL) {
		buf_clear(request->body);
	}
	transaction->too_large = false;
	transaction->expires_ms = request->expires_ms;
	transaction->store->writer.expires_ms = request->expires_ms;
}

/* False: the request could not be undone. */
static bool run_request(struct json_transaction *transaction, struct store_request *request)
{
	size_t bytes = transaction->tables->count * sizeof(struct json_counter);
	uint64_t mark = jsonstore_transaction_mark(transaction->files);
	struct json_counter *before = alloc_zeroed(transaction->tables->count + 1, sizeof(*before));
	bool undoes = false;
	bool ok = true;
	memcpy(before, transaction->counters, bytes);
	begin_request(transaction, request);
	if (now_ms() > request->expires_ms) {
		ok = error_set(&request->error, ERROR_DEADLINE_NOT_WRITTEN, NULL);
	} else {
		ok = run_parts(transaction, request, &undoes);
	}
	transaction->store->writer.expires_ms = UINT64_MAX;
	assert(transaction->conn->open == 0);
	assert(ok == (request->error.code == ERROR_NONE));
	bool undone = true;
	if (undoes) {
		struct jsonstore_error failure;
		memcpy(transaction->counters, before, bytes);
		undone = jsonstore_transaction_undo_to(transaction->files, mark, &failure) == JSONSTORE_OK;
	}
	free(before);
	if (!ok && request->body != NULL) {
		buf_clear(request->body);
	}
	return undone;
}

/* ---- one group ---- */

static void fail_all(struct store_request *first, size_t count, const struct error *error)
{
	struct store_request *request = first;
	for (size_t i = 0; i < count; i++, request = request->next) {
		request->error = *error;
		if (request->body != NULL) {
			buf_clear(request->body);
		}
	}
}

/* Ends the program: it may or may not be written. */
static void check_final(struct json_store *store, const struct jsonstore_error *failure)
{
	if (json_is_full(failure) ||
		(failure->code != JSONSTORE_IO && failure->code != JSONSTORE_FAILED)) {
		return;
	}
	struct error error;
	error_set(&error, ERROR_STORE, "a write to %s failed: %s", store->path, failure->message);
	error_details(&error, "what was acknowledged is safe; what was not may or may not be there");
	error_hint(&error, "check the disk, then start again: the files recover by themselves");
	store->base.fatal(store->base.context, &error);
	abort();
}

/* Runs requests until the group is full. Returns how many it took; *ret_ok: they may be
 * committed. */
static size_t run_requests(struct json_transaction *transaction, struct store_request *first,
						   size_t count, bool *ret_ok)
{
	uint64_t begin = now_ms();
	size_t taken = 0;
	struct store_request *request = first;
	*ret_ok = true;
	while (taken < count && *ret_ok && (taken == 0 || now_ms() - begin <= GROUP_MS)) {
		*ret_ok = run_request(transaction, request);
		if (transaction->too_large && taken > 0) {
			break;
		}
		taken++;
		request = request->next;
	}
	return taken;
}

/* After a write that found no room: makes the store writable again, if there is some now. */
static bool find_room(struct json_store *store, struct jsonstore_error *failure)
{
	int code = jsonstore_checkpoint(store->files, JSONSTORE_NOW, failure);
	store->writer.full = code != JSONSTORE_OK;
	return code == JSONSTORE_OK;
}

static bool begin_group(struct json_store *store, struct json_transaction *transaction,
						struct jsonstore_error *failure)
{
	if (store->writer.full && !find_room(store, failure)) {
		return false;
	}
	if (jsonstore_begin_locked(store->files, LOCK_MS, &transaction->files, failure) !=
		JSONSTORE_OK) {
		return false;
	}
	((struct json_reading *)transaction->conn->tables)->transaction = transaction->files;
	return true;
}

static bool commit_group(struct json_transaction *transaction, bool ok,
						 struct jsonstore_error *failure, struct error *error)
{
	struct json_store *store = transaction->store;
	((struct json_reading *)transaction->conn->tables)->transaction = NULL;
	if (!ok || !json_counters_put(transaction, error)) {
		jsonstore_abandon(transaction->files);
		failure->code = JSONSTORE_OK;
		return ok ? false : error_set(error, ERROR_STORE, NULL);
	}
	if (jsonstore_commit(transaction->files, failure) == JSONSTORE_OK) {
		return true;
	}
	store->writer.full = json_is_full(failure);
	return json_fail(store, failure, error);
}

/* Runs up to `count` requests in one transaction; returns how many it took. */
static size_t run_group(struct json_store *store, struct store_request *first, size_t count)
{
	struct json_transaction transaction = {
		.base = {&store_ops_json},
		.store = store,
		.tables = json_tables(store),
		.conn = &store->writer.conn,
	};
	struct jsonstore_error failure = {.code = JSONSTORE_OK};
	struct error error = {.code = ERROR_NONE};
	if (!begin_group(store, &transaction, &failure)) {
		check_final(store, &failure);
		json_fail(store, &failure, &error);
		fail_all(first, count, &error);
		return count;
	}
	transaction.counters = alloc_zeroed(transaction.tables->count + 1,
										sizeof(*transaction.counters));
	bool ok;
	size_t taken = run_requests(&transaction, first, count, &ok);
	if (!commit_group(&transaction, ok, &failure, &error)) {
		check_final(store, &failure);
		fail_all(first, taken, &error);
	}
	free(transaction.counters);
	return taken;
}

static void run_queue(struct json_store *store, struct store_request *first, size_t count)
{
	while (count > 0) {
		size_t taken = run_group(store, first, count);
		sqlite_queue_count(&store->writer.queue, first, taken);
		first = sqlite_queue_answer(first, taken);
		count -= taken;
	}
	assert(first == NULL);
}

static void *writer_main(void *context)
{
	struct json_store *store = context;
	struct sqlite_queue *queue = &store->writer.queue;
	pthread_mutex_lock(&queue->mutex);
	while (queue->first != NULL || !queue->stopping) {
		if (queue->first != NULL) {
			size_t count;
			struct store_request *first = sqlite_queue_cut(queue, &count);
			pthread_mutex_unlock(&queue->mutex);
			run_queue(store, first, count);
			pthread_mutex_lock(&queue->mutex);
		} else {
			(void)sqlite_queue_wait(queue, 0);
		}
	}
	pthread_mutex_unlock(&queue->mutex);
	return NULL;
}

void json_writer_init(struct json_store *store)
{
	struct json_writer *writer = &store->writer;
	writer->expires_ms = UINT64_MAX;
	sqlite3_progress_handler(writer->conn.db, TICK_OPS, on_progress, writer);
	sqlite_queue_init(&writer->queue, &store->base.limits, writer_main, store);
}

void json_writer_finish(struct json_store *store)
{
	sqlite_queue_stop(&store->writer.queue);
	sqlite_queue_finish(&store->writer.queue);
	sqlite_conn_close(&store->writer.conn);
}

void json_writer_submit(struct sqlite_store *store, struct store_request *request)
{
	sqlite_queue_submit(&((struct json_store *)store)->writer.queue, request);
}
