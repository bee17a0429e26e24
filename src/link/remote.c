#include "link/remote.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "link/remote_priv.h"

enum { PART_BYTES = 65536, ARENA_BYTES = 4096, KEPT_BYTES = 16 << 20 };

/* ---- waiting ---- */

void remote_wait(struct remote_run *run, uint64_t expires_ms)
{
	run->expires_ms = expires_ms;
	run->late = false;
	run->waiting = true;
	fiber_suspend(run->fiber);
	run->waiting = false;
}

static void on_wake(struct task *task)
{
	struct remote_run *run = (struct remote_run *)(void *)((char *)task -
														   offsetof(struct remote_run, wake));
	run->wake_posted = false;
	if (run->waiting) {
		fiber_resume(run->fiber);
	}
}

void remote_wake(struct remote_run *run)
{
	if (!run->wake_posted) {
		run->wake_posted = true;
		run->wake.run = on_wake;
		loop_after_turn(run->session->loop, &run->wake);
	}
}

static void on_tick(struct loop_tick *tick, uint64_t now_ms)
{
	struct remote_session *session =
		(struct remote_session *)(void *)((char *)tick - offsetof(struct remote_session, tick));
	for (struct remote_run *run = session->runs; run != NULL; run = run->next) {
		if (run->waiting && now_ms >= run->expires_ms) {
			run->late = true;
			remote_wake(run);
		}
	}
}

/* ---- handing out ---- */

static void call_part(void *context)
{
	struct remote_run *run = context;
	run->delivering = true;
	run->paused = !run->request->part(run->request, buf_str(run->request->body));
	run->delivering = false;
}

/* Hands out what has gathered, and waits until more is wanted. False: the stream ends here. */
static bool push_part(struct remote_run *run)
{
	fiber_call(run->fiber, call_part, run);
	buf_clear(run->request->body);
	while (run->paused && !run->stop) {
		remote_wait(run, UINT64_MAX);
	}
	return !run->stop || error_set(run->error, ERROR_OVERLOADED, "The request was given up");
}

/* The last row or the number of rows decides about such an answer: it is handed over whole. */
static bool is_whole(const struct remote_run *run)
{
	const struct query *query = run->request->query;
	return run->request->part == NULL || query->action == QUERY_GET || query->total ||
		query->format == FORMAT_OBJECT || query->cursor_count > 0;
}

static bool on_row(struct remote_run *run, struct rows *rows)
{
	run->first_row = true;
	if (rows->buf->failed) {
		error_set(run->error, ERROR_OVERLOADED, "The answer is too large");
		return error_hint(run->error, "ask for less: limit, offset, select");
	}
	if (is_whole(run)) {
		return true;
	}
	if (rows->buf->len > run->session->limits.inline_read_bytes) {
		run->streaming = true;
	}
	return !run->streaming || rows->buf->len < PART_BYTES || push_part(run);
}

/* ---- a request ---- */

static bool run_query(struct remote_run *run)
{
	struct store_request *request = run->request;
	struct remote_join *join = remote_join_create(run, request->query);
	struct rows rows;
	rows_begin(&rows, request->query, (struct row_source *)join, request->body);
	rows.cursor = request->cursor;
	bool ok = remote_join_run(join, &rows, on_row);
	remote_join_destroy(join);
	if (!ok) {
		return false;
	}
	rows_end(&rows);
	request->result.rows = rows.count;
	request->result.tag = rows.tag;
	request->result.streamed = run->streaming;
	if (!rows_check_one(&rows, run->error)) {
		return false;
	}
	return !run->streaming || push_part(run);
}

static void end_run(void *context)
{
	struct store_request *request = context;
	bool ok = request->error.code == ERROR_NONE;
	request->done(request, &request->result, ok ? NULL : &request->error);
}

static void run_main(void *context)
{
	struct store_request *request = context;
	struct remote_session *session = (struct remote_session *)request->session;
	struct remote_run run = {
		.session = session,
		.request = request,
		.fiber = session->fiber_pool.current,
		.error = &request->error,
		.next = session->runs,
		.head_ms = request->deadline_ms > 0 ? request->deadline_ms
											: loop_now_ms(session->loop) + session->limits.read_ms,
	};
	arena_init(&run.arena, ARENA_BYTES);
	request->work = &run;
	if (run.next != NULL) {
		run.next->previous = &run;
	}
	session->runs = &run;
	bool ok = run_query(&run);
	while (run.wake_posted) {
		remote_wait(&run, UINT64_MAX);
	}
	*(run.previous != NULL ? &run.previous->next : &session->runs) = run.next;
	if (run.next != NULL) {
		run.next->previous = run.previous;
	}
	arena_finish(&run.arena);
	request->work = NULL;
	if (ok) {
		request->error.code = ERROR_NONE;
	} else {
		assert(request->error.code != ERROR_NONE);
		buf_clear(request->body);
	}
	fiber_end_with(run.fiber, end_run, request);
}

static void session_run(struct store_session *base, struct store_request *request)
{
	struct remote_session *session = (struct remote_session *)base;
	assert(request->query->remote);
	fiber_start(&session->fiber_pool, run_main, request);
}

static void session_resume(struct store_session *base, struct store_request *request)
{
	struct remote_run *run = request->work;
	(void)base;
	if (run != NULL && !run->delivering) {
		run->paused = false;
		remote_wake(run);
	}
}

static void session_cancel(struct store_session *base, struct store_request *request)
{
	struct remote_run *run = request->work;
	(void)base;
	if (run != NULL) {
		run->stop = true;
		remote_wake(run);
	}
}

/* ---- the session ---- */

static void session_detach(struct store_session *base)
{
	struct remote_session *session = (struct remote_session *)base;
	assert(session->runs == NULL);
	loop_off_tick(session->loop, &session->tick);
	client_close(session->client);
	remote_kept_destroy(session->kept);
	fiber_pool_free(&session->fiber_pool);
	free(session);
}

/* There is no store of this kind: sessions of it stand before those of others. */
static const struct store_ops remote_ops = {
	.scheme = "",
	.detach = session_detach,
	.run = session_run,
	.resume = session_resume,
	.cancel = session_cancel,
};

struct store_session *remote_attach(struct loop *loop, struct store_session *local,
									const struct limits *limits)
{
	struct remote_session *session = alloc_zeroed(1, sizeof(*session));
	session->base.ops = &remote_ops;
	session->loop = loop;
	session->local = local;
	session->client = client_create(loop);
	session->kept = remote_kept_create(KEPT_BYTES);
	session->limits = *limits;
	session->tick.tick = on_tick;
	loop_on_tick(loop, &session->tick);
	return (struct store_session *)session;
}
