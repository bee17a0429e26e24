/*
 * Threads for reads that take longer than a loop may wait: see sqlite_worker.c.
 *
 * Ownership: the store's. Threads: as the mutex says. Errors: those of sqlite_fail().
 * Limits: limits->workers, read_queue.
 */
#ifndef ROWLOCK_STORE_SQLITE_WORKER_H
#define ROWLOCK_STORE_SQLITE_WORKER_H

#include <pthread.h>

#include "store/sqlite_conn.h"
#include "store/store.h"

struct sqlite_work;

struct sqlite_worker {
	struct sqlite_store *store;
	pthread_t thread;
	struct sqlite_conn conn;
	struct sqlite_work *current; /* under workers->mutex */
	uint64_t began;              /* under workers->mutex: order of snapshots; 0: it has none */
	struct sqlite_work *running; /* the same as current, the thread's own */
};

struct sqlite_workers {
	struct sqlite_worker *workers; /* limits->workers */
	pthread_mutex_t mutex;
	pthread_cond_t wake;
	size_t started;
	size_t idle;
	struct sqlite_work *first;
	struct sqlite_work **last;
	uint64_t queued;
	uint64_t reads;
	uint64_t refused;
	uint64_t snapshots; /* begun so far */
	bool stopping;
};

void sqlite_workers_init(struct sqlite_workers *workers, struct sqlite_store *store);
/* Waits until the threads have ended. */
void sqlite_workers_finish(struct sqlite_workers *workers);
/* Adds the workers' numbers. */
void sqlite_workers_stats(struct sqlite_workers *workers, struct store_stats *stats);
/* Begins the request on a worker, or answers that there is no room. */
void sqlite_workers_submit(struct sqlite_store *store, struct store_request *request);
void sqlite_work_resume(struct store_request *request);
void sqlite_work_cancel(struct store_request *request);
/* Cuts the stream with the oldest snapshot, unless one that was cut has not ended yet. */
void sqlite_workers_cut(struct sqlite_workers *workers);

#endif
