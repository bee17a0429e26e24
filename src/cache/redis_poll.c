#include <stdlib.h>

#include "base/alloc.h"
#include "cache/redis_priv.h"

struct poller {
	uv_poll_t poll;
	redisAsyncContext *context; /* NULL: freed */
	int events;
	void (*gone)(void *data);
	void *data;
};

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct poller *poller = poll->data;
	/* Of an error hiredis learns when it reads. Either call may free the connection. */
	int what = status < 0 ? UV_READABLE : events;
	if (poller->context != NULL && (what & UV_READABLE) != 0) {
		redisAsyncHandleRead(poller->context);
	}
	if (poller->context != NULL && (what & UV_WRITABLE) != 0) {
		redisAsyncHandleWrite(poller->context);
	}
}

static void want(struct poller *poller, int events)
{
	if (events == poller->events) {
		return;
	}
	poller->events = events;
	if (events != 0) {
		uv_poll_start(&poller->poll, events, on_poll);
	} else {
		uv_poll_stop(&poller->poll);
	}
}

static void add_read(void *data)
{
	struct poller *poller = data;
	want(poller, poller->events | UV_READABLE);
}

static void stop_read(void *data)
{
	struct poller *poller = data;
	want(poller, poller->events & ~UV_READABLE);
}

static void add_write(void *data)
{
	struct poller *poller = data;
	want(poller, poller->events | UV_WRITABLE);
}

static void stop_write(void *data)
{
	struct poller *poller = data;
	want(poller, poller->events & ~UV_WRITABLE);
}

static void on_closed(uv_handle_t *poll)
{
	free(poll->data);
}

/* hiredis closes the socket after this: libuv must have let go of it. */
static void clean_up(void *data)
{
	struct poller *poller = data;
	poller->context = NULL;
	uv_close((uv_handle_t *)&poller->poll, on_closed);
	poller->gone(poller->data);
}

void redis_poll_attach(redisAsyncContext *context, uv_loop_t *loop, void (*gone)(void *data),
					   void *data)
{
	struct poller *poller = alloc_zeroed(1, sizeof(*poller));
	poller->context = context;
	poller->gone = gone;
	poller->data = data;
	poller->poll.data = poller;
	int status = uv_poll_init(loop, &poller->poll, context->c.fd);
	if (status != 0) {
		abort(); /* out of memory for descriptors, as elsewhere */
	}
	context->ev.data = poller;
	context->ev.addRead = add_read;
	context->ev.delRead = stop_read;
	context->ev.addWrite = add_write;
	context->ev.delWrite = stop_write;
	context->ev.cleanup = clean_up;
}
