#include "store/sqlite_priv.h"

#include <assert.h>
#include <time.h>

void sqlite_queue_init(struct sqlite_queue *queue, const struct limits *limits,
					   void *(*main)(void *context), void *context)
{
	queue->limits = limits;
	queue->main = main;
	queue->context = context;
	queue->last = &queue->first;
	pthread_mutex_init(&queue->mutex, NULL);
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&queue->wake, &attributes);
	pthread_condattr_destroy(&attributes);
}

void sqlite_queue_start(struct sqlite_queue *queue)
{
	queue->started = sqlite_thread_start(&queue->thread, queue->main, queue->context);
}

bool sqlite_queue_stop(struct sqlite_queue *queue)
{
	pthread_mutex_lock(&queue->mutex);
	queue->stopping = true;
	pthread_cond_signal(&queue->wake);
	bool started = queue->started;
	pthread_mutex_unlock(&queue->mutex);
	if (started) {
		pthread_join(queue->thread, NULL);
	}
	return started;
}

void sqlite_queue_finish(struct sqlite_queue *queue)
{
	pthread_cond_destroy(&queue->wake);
	pthread_mutex_destroy(&queue->mutex);
}

void sqlite_queue_submit(struct sqlite_queue *queue, struct store_request *request)
{
	struct sqlite_session *session = (struct sqlite_session *)request->session;
	const struct limits *limits = queue->limits;
	uint64_t time_ms = sqlite_is_bulk(request->query) ? limits->bulk_ms : limits->write_ms;
	request->expires_ms = request->deadline_ms > 0 ? request->deadline_ms
												   : loop_now_ms(session->loop) + time_ms;
	pthread_mutex_lock(&queue->mutex);
	assert(!queue->stopping);
	if (!queue->started) {
		sqlite_queue_start(queue);
	}
	bool room = queue->started && queue->queued < limits->write_queue;
	if (room) {
		*queue->last = request;
		queue->last = &request->next;
		queue->queued++;
		if (queue->sleeping) {
			queue->sleeping = false;
			pthread_cond_signal(&queue->wake);
		}
	}
	pthread_mutex_unlock(&queue->mutex);
	if (!room) {
		error_set(&request->error, ERROR_OVERLOADED, "Too many writes are waiting");
		sqlite_done(request, false);
	}
}

struct store_request *sqlite_queue_cut(struct sqlite_queue *queue, size_t *ret_count)
{
	struct store_request *first = queue->first;
	struct store_request *last = first;
	size_t count = 1;
	while (last->next != NULL && count < queue->limits->group_writes &&
		   !sqlite_is_bulk(first->query) && !sqlite_is_bulk(last->next->query)) {
		last = last->next;
		count++;
	}
	queue->first = last->next;
	if (queue->first == NULL) {
		queue->last = &queue->first;
	}
	last->next = NULL;
	queue->queued -= count;
	*ret_count = count;
	return first;
}

bool sqlite_queue_wait(struct sqlite_queue *queue, uint64_t idle_ms)
{
	bool woken = true;
	queue->sleeping = true;
	if (idle_ms == 0) {
		pthread_cond_wait(&queue->wake, &queue->mutex);
	} else {
		struct timespec until;
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += (time_t)(idle_ms / 1000);
		woken = pthread_cond_timedwait(&queue->wake, &queue->mutex, &until) == 0;
	}
	queue->sleeping = false;
	return woken;
}

void sqlite_queue_count(struct sqlite_queue *queue, const struct store_request *first, size_t count)
{
	size_t size = 0;
	while (size < 7 && (size_t)2 << size <= count) {
		size++;
	}
	uint64_t failed = 0;
	for (size_t i = 0; i < count; i++, first = first->next) {
		failed += first->error.code != ERROR_NONE;
	}
	pthread_mutex_lock(&queue->mutex);
	queue->stats.groups++;
	queue->stats.group_sizes[size]++;
	queue->stats.writes += count - failed;
	queue->stats.writes_failed += failed;
	pthread_mutex_unlock(&queue->mutex);
}

struct store_request *sqlite_queue_answer(struct store_request *first, size_t count)
{
	struct sqlite_session *sessions = NULL;
	struct store_request *request = first;
	for (size_t i = 0; i < count; i++) {
		struct store_request *next = request->next;
		struct sqlite_session *session = (struct sqlite_session *)request->session;
		if (session->batch == NULL) {
			session->batch_oldest = request;
			session->batch_next = sessions;
			sessions = session;
		}
		request->next = session->batch;
		session->batch = request;
		request = next;
	}
	while (sessions != NULL) {
		struct sqlite_session *session = sessions;
		sessions = session->batch_next;
		struct store_request *newest = session->batch;
		struct store_request *oldest = session->batch_oldest;
		session->batch = NULL;
		struct store_request *before = atomic_load(&session->answered);
		do {
			oldest->next = before;
		} while (!atomic_compare_exchange_weak(&session->answered, &before, newest));
		/* The session takes all that is there, so only the first needs to call it. After that it
		 * may be gone. */
		if (before == NULL) {
			loop_post(session->loop, &session->answer_task);
		}
	}
	return request;
}

void sqlite_queue_stats(struct sqlite_queue *queue, struct store_stats *ret_stats)
{
	pthread_mutex_lock(&queue->mutex);
	*ret_stats = queue->stats;
	ret_stats->write_queue = queue->queued;
	pthread_mutex_unlock(&queue->mutex);
}
