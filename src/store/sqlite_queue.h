/*
 * Writes that wait for the one thread that writes, and the way of their answers back to the loops.
 *
 * Ownership: requests are their callers'. Threads: as the mutex says; the answering is the writing
 * thread's. Errors: ERROR_OVERLOADED. Limits: limits->write_queue, group_writes; BULK_ROWS.
 */
#ifndef ROWLOCK_STORE_SQLITE_QUEUE_H
#define ROWLOCK_STORE_SQLITE_QUEUE_H

#include <pthread.h>

#include "store/store.h"

enum { BULK_ROWS = 10000 }; /* a write of more rows is a group of its own */

struct sqlite_queue {
	const struct limits *limits; /* borrowed */
	void *(*main)(
		void *context); /* of the thread that writes; ends when stopping, with none left */
	void *context;
	pthread_t thread;

	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t wake;
	bool started;
	bool sleeping;
	bool stopping;
	struct store_request *first;
	struct store_request **last;
	uint64_t queued;
	struct store_stats stats; /* the writer's part of it */
};

/* No thread is started before the first write. */
void sqlite_queue_init(struct sqlite_queue *queue, const struct limits *limits,
					   void *(*main)(void *context), void *context);
void sqlite_queue_start(struct sqlite_queue *queue);
/* Lets the thread do what is queued; returns when it has ended. False: there was none. */
bool sqlite_queue_stop(struct sqlite_queue *queue);
void sqlite_queue_finish(struct sqlite_queue *queue);
/* On the session's loop. Sets request->expires_ms; answers when there is no room. */
void sqlite_queue_submit(struct sqlite_queue *queue, struct store_request *request);
/* Cuts a group off the queue, which holds some; with the mutex held. */
struct store_request *sqlite_queue_cut(struct sqlite_queue *queue, size_t *ret_count);
/* Sleeps until there is something to do, with the mutex held. False: idle for so long; 0: for
 * ever. */
bool sqlite_queue_wait(struct sqlite_queue *queue, uint64_t idle_ms);
/* A group of so many, one after the other, was committed or refused. */
void sqlite_queue_count(struct sqlite_queue *queue, const struct store_request *first,
						size_t count);
/* Hands the first `count` to their loops, with one wake-up a loop. Returns what follows them. */
struct store_request *sqlite_queue_answer(struct store_request *first, size_t count);
/* Copies the numbers and the length of the queue. */
void sqlite_queue_stats(struct sqlite_queue *queue, struct store_stats *ret_stats);

/* Rows that are read while they are written, or very many: a group of its own. */
static inline bool sqlite_is_bulk(const struct query *query)
{
	return query->row_count > BULK_ROWS || query->batches != NULL;
}

#endif
