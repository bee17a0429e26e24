/*
 * DESIGN. A session has no more fibers than it may have connections, so a fiber waits only while a
 * connection is being made, or when the server refuses to take as many as we may have. Connections
 * are made when they are needed and stay. After an attempt that failed there is a pause, which
 * grows up to RETRY_MOST_MS; while there is no connection at all, requests fail at once in that
 * pause, and the first one after it makes the next attempt.
 *
 * A server goes on with a statement whose client has gone, with its locks. So what ran out of time
 * is killed through a connection made for that, one at a time: a frozen server must not take all of
 * libuv's threads.
 */
#include "store/maria_priv.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"

enum { RETRY_MS = 100, RETRY_MOST_MS = 1000, KILL_BYTES = 64 };

/* A fiber that waits; on its stack. */
struct maria_waiter {
	struct fiber *fiber;
	uint64_t deadline_ms;
	struct maria_conn *conn; /* NULL: the error is set */
	struct error *error;
	struct maria_waiter *next;
};

struct making {
	uv_work_t work;
	struct maria_session *session;
	MYSQL *db;
	struct error error;
};

struct killing {
	uv_work_t work;
	struct maria_session *session;
	unsigned long numbers[MARIA_OVERDUE];
	size_t count;
};

static bool make_for_waiters(struct maria_session *session);

/* ---- waking ---- */

static struct maria_waiter *pop_waiter(struct maria_session *session)
{
	struct maria_waiter *waiter = session->first_waiter;
	session->first_waiter = waiter->next;
	if (session->first_waiter == NULL) {
		session->last_waiter = NULL;
	}
	session->waiters--;
	return waiter;
}

static struct maria_session *session_of_wake(struct task *task)
{
	return (struct maria_session *)(void *)((char *)task - offsetof(struct maria_session, wake));
}

static void on_wake(struct task *task)
{
	struct maria_session *session = session_of_wake(task);
	session->waking = false;
	while (session->woken != NULL) {
		struct maria_waiter *waiter = session->woken;
		session->woken = waiter->next;
		fiber_resume(waiter->fiber);
	}
	maria_session_release(session);
}

/* Its fiber goes on when this turn of the loop ends: we may be in another one. */
static void wake(struct maria_session *session, struct maria_waiter *waiter)
{
	waiter->next = session->woken;
	session->woken = waiter;
	if (!session->waking) {
		session->waking = true;
		session->handles++;
		loop_after_turn(session->loop, &session->wake);
	}
}

static void fail_waiters(struct maria_session *session)
{
	while (session->first_waiter != NULL) {
		struct maria_waiter *waiter = pop_waiter(session);
		*waiter->error = session->down;
		wake(session, waiter);
	}
}

static void use(struct maria_conn *conn, uint64_t deadline_ms)
{
	maria_clear_tls(conn->session->store);
	conn->state = MARIA_BUSY;
	conn->deadline_ms = deadline_ms;
	conn->timed_out = false;
	conn->sent = false;
}

static void hand_out(struct maria_session *session, struct maria_conn *conn)
{
	assert(!conn->transaction);
	if (session->first_waiter != NULL) {
		struct maria_waiter *waiter = pop_waiter(session);
		use(conn, waiter->deadline_ms);
		waiter->conn = conn;
		wake(session, waiter);
		return;
	}
	conn->state = MARIA_IDLE;
	/* From now on its end may go unnoticed, also when it was made for a request that went on with
	 * another. */
	conn->reused = true;
	conn->next = session->idle;
	session->idle = conn;
	maria_conn_watch_idle(conn);
}

/* ---- making ---- */

/* On a worker thread. */
static void make(uv_work_t *work)
{
	struct making *making = work->data;
	making->db = maria_connect(making->session->store, NULL, &making->error);
}

static void make_failed(struct maria_session *session, const struct error *error)
{
	uint64_t pause_ms = (uint64_t)RETRY_MS
		<< (session->failed_makings < 4 ? session->failed_makings : 4);
	session->make_after_ms = loop_now_ms(session->loop) +
		(pause_ms < RETRY_MOST_MS ? pause_ms : RETRY_MOST_MS);
	session->failed_makings++;
	session->down = *error;
	session->down.code = ERROR_STORE_DOWN;
	session->connections--;
	if (session->connections == 0) {
		fail_waiters(session);
	}
	maria_session_release(session);
}

static void on_made(uv_work_t *work, int status)
{
	(void)status;
	struct making *making = work->data;
	struct maria_session *session = making->session;
	session->making--;
	struct maria_conn *conn = making->db != NULL ? maria_conn_create(session, making->db) : NULL;
	if (conn != NULL && session->detached) {
		session->connections--;
		maria_conn_destroy(conn);
	} else if (conn != NULL) {
		session->failed_makings = 0;
		session->make_after_ms = 0;
		hand_out(session, conn);
		make_for_waiters(session);
	} else {
		if (making->db != NULL) {
			mysql_close(making->db);
			error_set(&making->error, ERROR_STORE_DOWN, "no file descriptor is free");
		}
		make_failed(session, &making->error);
	}
	free(making);
}

static void start_making(struct maria_session *session)
{
	struct making *making = alloc_zeroed(1, sizeof(*making));
	making->session = session;
	making->work.data = making;
	session->making++;
	session->connections++;
	session->handles++;
	uv_queue_work(loop_uv(session->loop), &making->work, make, on_made);
}

/* False when nothing is under way that could give the waiters a connection. */
static bool make_for_waiters(struct maria_session *session)
{
	uint64_t now_ms = loop_now_ms(session->loop);
	/* A server that is in trouble is asked for one at a time. */
	size_t most = session->failed_makings > 0 ? 1 : session->waiters;
	while (session->making < most && session->waiters > 0 && now_ms >= session->make_after_ms &&
		   session->connections < session->store->limits.database_connections) {
		start_making(session);
	}
	return session->connections > 0;
}

void maria_pool_open(struct maria_session *session)
{
	session->wake.run = on_wake;
	/* When the server takes few, each loop has at least the one it began with. */
	start_making(session);
}

/* ---- what ran out of time ---- */

/* On a worker thread. What cannot be killed ends by itself. */
static void kill_them(uv_work_t *work)
{
	struct killing *killing = work->data;
	struct error error;
	MYSQL *db = maria_connect(killing->session->store, NULL, &error);
	for (size_t i = 0; i < killing->count && db != NULL; i++) {
		char text[KILL_BYTES];
		int len = snprintf(text, sizeof(text), "KILL %lu", killing->numbers[i]);
		mysql_real_query(db, text, (unsigned long)len);
	}
	mysql_close(db);
}

static void kill_overdue(struct maria_session *session);

static void on_killed(uv_work_t *work, int status)
{
	(void)status;
	struct killing *killing = work->data;
	struct maria_session *session = killing->session;
	free(killing);
	session->killing = false;
	kill_overdue(session);
	maria_session_release(session);
}

static void kill_overdue(struct maria_session *session)
{
	if (session->killing || session->overdue_count == 0) {
		return;
	}
	struct killing *killing = alloc_zeroed(1, sizeof(*killing));
	killing->session = session;
	killing->work.data = killing;
	killing->count = session->overdue_count;
	memcpy(killing->numbers, session->overdue, sizeof(killing->numbers));
	session->overdue_count = 0;
	session->killing = true;
	session->handles++;
	uv_queue_work(loop_uv(session->loop), &killing->work, kill_them, on_killed);
}

/* ---- taking and giving ---- */

struct maria_conn *maria_take(struct maria_session *session, uint64_t deadline_ms,
							  struct error *error)
{
	struct maria_conn *conn = session->idle;
	if (conn != NULL) {
		session->idle = conn->next;
		use(conn, deadline_ms);
		return conn;
	}
	struct maria_waiter waiter = {
		.fiber = session->fiber_pool.current, .deadline_ms = deadline_ms, .error = error};
	if (session->last_waiter != NULL) {
		session->last_waiter->next = &waiter;
	} else {
		session->first_waiter = &waiter;
	}
	session->last_waiter = &waiter;
	session->waiters++;
	if (!make_for_waiters(session)) {
		fail_waiters(session);
	}
	fiber_suspend(waiter.fiber);
	return waiter.conn;
}

static void drop(struct maria_conn *conn)
{
	struct maria_session *session = conn->session;
	if (conn->timed_out && session->overdue_count < MARIA_OVERDUE) {
		session->overdue[session->overdue_count++] = mysql_thread_id(conn->db);
		kill_overdue(session);
	}
	session->connections--;
	maria_conn_destroy(conn);
	make_for_waiters(session);
}

void maria_give(struct maria_conn *conn)
{
	if (conn->state == MARIA_BROKEN) {
		drop(conn);
	} else {
		hand_out(conn->session, conn);
	}
}

void maria_idle_lost(struct maria_conn *conn)
{
	struct maria_conn **link = &conn->session->idle;
	while (*link != conn) {
		link = &(*link)->next;
	}
	*link = conn->next;
	conn->state = MARIA_BROKEN;
	drop(conn);
}

static void expire_waiters(struct maria_session *session, uint64_t now_ms)
{
	struct maria_waiter **link = &session->first_waiter;
	session->last_waiter = NULL;
	while (*link != NULL) {
		struct maria_waiter *waiter = *link;
		if (now_ms < waiter->deadline_ms) {
			session->last_waiter = waiter;
			link = &waiter->next;
			continue;
		}
		*link = waiter->next;
		session->waiters--;
		error_set(waiter->error, ERROR_DEADLINE_NOT_WRITTEN,
				  "Out of time; no connection to the database was free");
		wake(session, waiter);
	}
}

void maria_pool_tick(struct maria_session *session, uint64_t now_ms)
{
	struct maria_conn *conn = session->made;
	while (conn != NULL) {
		/* The fiber that was woken may have closed any of them. */
		conn = maria_conn_expire(conn, now_ms) ? session->made : conn->next_made;
	}
	expire_waiters(session, now_ms);
	make_for_waiters(session);
}

void maria_pool_close(struct maria_session *session)
{
	session->idle = NULL;
	while (session->made != NULL) {
		assert(session->made->state == MARIA_IDLE);
		session->connections--;
		maria_conn_destroy(session->made);
	}
}
