/*
 * DESIGN. The writer's lock is two: among the threads of a handle a queue that hands the lock on in
 * the order in which they came, among handles and processes a byte of the lock file. The kernel has
 * no wait for such a byte that ends at a time, so who waits for a time only asks again and again.
 */
#include "store_write.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>

#include "fail.h"

enum { FIRST_PAUSE_NS = 50000, LAST_PAUSE_NS = 1000000, MS_NS = 1000000, SECOND_NS = 1000000000 };

void js_gate_init(struct js_gate *gate)
{
	*gate = (struct js_gate){.held = false};
	pthread_mutex_init(&gate->mutex, NULL);
}

void js_gate_finish(struct js_gate *gate)
{
	pthread_mutex_destroy(&gate->mutex);
}

static struct timespec deadline_in(int timeout_ms)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	time.tv_sec += timeout_ms / 1000;
	time.tv_nsec += (long)(timeout_ms % 1000) * MS_NS;
	if (time.tv_nsec >= SECOND_NS) {
		time.tv_sec++;
		time.tv_nsec -= SECOND_NS;
	}
	return time;
}

static bool is_over(const struct timespec *deadline)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > deadline->tv_sec ||
		(now.tv_sec == deadline->tv_sec && now.tv_nsec >= deadline->tv_nsec);
}

static void forget(struct js_gate *gate, const struct js_waiter *waiter)
{
	struct js_waiter *before = NULL;
	for (struct js_waiter *at = gate->first; at != waiter; at = at->next) {
		before = at;
	}
	*(before == NULL ? &gate->first : &before->next) = waiter->next;
	gate->last = gate->last == waiter ? before : gate->last;
}

/* With the mutex, while another holds the gate; whether it was handed over. */
static bool wait(struct js_gate *gate, const struct timespec *deadline)
{
	struct js_waiter waiter = {.next = NULL};
	pthread_condattr_t attributes;
	int result = 0;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&waiter.cond, &attributes);
	pthread_condattr_destroy(&attributes);
	*(gate->last == NULL ? &gate->first : &gate->last->next) = &waiter;
	gate->last = &waiter;
	while (!waiter.granted && result == 0) {
		result = deadline == NULL ? pthread_cond_wait(&waiter.cond, &gate->mutex)
								  : pthread_cond_timedwait(&waiter.cond, &gate->mutex, deadline);
	}
	if (!waiter.granted) {
		forget(gate, &waiter);
	}
	pthread_cond_destroy(&waiter.cond);
	return waiter.granted;
}

static void hand_on(struct js_gate *gate)
{
	pthread_mutex_lock(&gate->mutex);
	struct js_waiter *next = gate->first;
	gate->owned = false;
	gate->held = next != NULL;
	if (next != NULL) {
		forget(gate, next);
		next->granted = true;
		pthread_cond_signal(&next->cond);
	}
	pthread_mutex_unlock(&gate->mutex);
}

static bool fail_busy(struct jsonstore *store, struct jsonstore_error *error)
{
	return js_fail(error, JSONSTORE_BUSY, "%s: another has the writer's lock", store->path);
}

/* The byte of the lock file. */
static bool lock_byte(struct jsonstore *store, const struct timespec *deadline,
					  struct jsonstore_error *error)
{
	struct timespec pause = {0, FIRST_PAUSE_NS};
	while (js_lock(&store->sys, store->lock, JS_LOCK_WRITER, F_WRLCK, deadline == NULL) != 0) {
		if (errno != EAGAIN && errno != EACCES) {
			return js_fail_io(error, "lock", store->path);
		}
		if (is_over(deadline)) {
			return fail_busy(store, error);
		}
		(void)nanosleep(&pause, NULL);
		pause.tv_nsec = pause.tv_nsec * 2 < LAST_PAUSE_NS ? pause.tv_nsec * 2 : LAST_PAUSE_NS;
	}
	return true;
}

bool js_gate_enter(struct jsonstore *store, int timeout_ms, struct jsonstore_error *error)
{
	struct js_gate *gate = &store->writer;
	struct timespec time = timeout_ms < 0 ? (struct timespec){0, 0} : deadline_in(timeout_ms);
	const struct timespec *deadline = timeout_ms < 0 ? NULL : &time;
	pthread_mutex_lock(&gate->mutex);
	bool good = !gate->held || wait(gate, deadline);
	gate->held = true;
	pthread_mutex_unlock(&gate->mutex);
	if (!good) {
		return fail_busy(store, error);
	}
	good = lock_byte(store, deadline, error);
	if (!good) {
		hand_on(gate);
	}
	return good;
}

void js_gate_leave(struct jsonstore *store)
{
	(void)js_lock(&store->sys, store->lock, JS_LOCK_WRITER, F_UNLCK, false);
	hand_on(&store->writer);
}

void js_gate_own(struct js_gate *gate)
{
	pthread_mutex_lock(&gate->mutex);
	gate->owned = true;
	gate->owner = pthread_self();
	pthread_mutex_unlock(&gate->mutex);
}

bool js_gate_check(struct jsonstore *store, struct jsonstore_error *error)
{
	struct js_gate *gate = &store->writer;
	if (store->read_only) {
		return js_fail(error, JSONSTORE_READONLY, "%s: opened for reading only", store->path);
	}
	pthread_mutex_lock(&gate->mutex);
	bool own = gate->owned && pthread_equal(gate->owner, pthread_self());
	pthread_mutex_unlock(&gate->mutex);
	return !own || js_fail(error, JSONSTORE_BUSY, "this thread has a transaction with the lock");
}
