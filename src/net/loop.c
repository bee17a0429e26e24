#include "net/loop.h"

#include <assert.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"

#define TICK_MS 100
#define BACKLOG 4096

/* Tasks in the order in which they came. */
struct queue {
	struct task *first;
	struct task **last;
};

struct loop {
	uv_loop_t uv;
	uv_async_t wake;
	uv_prepare_t prepare; /* runs `turn` just before each poll */
	uv_timer_t timer;
	struct queue turn;
	struct loop_tick *ticks;
	struct loop_tick *next_tick; /* while ticks run: the one after this */
	struct loop_stop_hook *stop_hooks;
	bool stopped; /* the hooks have run */

	uv_mutex_t lock; /* guards what follows: other threads use it */
	struct queue posted;
	bool stop_asked;
	bool closed; /* the wake handle is gone */
};

static void queue_init(struct queue *queue)
{
	queue->first = NULL;
	queue->last = &queue->first;
}

static void queue_push(struct queue *queue, struct task *task)
{
	task->next = NULL;
	*queue->last = task;
	queue->last = &task->next;
}

static struct task *queue_take(struct queue *queue)
{
	struct task *first = queue->first;
	queue_init(queue);
	return first;
}

static void run_tasks(struct task *task)
{
	while (task != NULL) {
		/* A task may be freed, or queued again, by its own run. */
		struct task *next = task->next;
		task->run(task);
		task = next;
	}
}

static void run_stop_hooks(struct loop *loop)
{
	loop->stopped = true;
	struct loop_stop_hook *hook = loop->stop_hooks;
	loop->stop_hooks = NULL;
	while (hook != NULL) {
		struct loop_stop_hook *next = hook->next;
		hook->stop(hook);
		hook = next;
	}
	/* From here on only what others have opened keeps the loop running; it still takes tasks. */
	uv_unref((uv_handle_t *)&loop->wake);
	uv_unref((uv_handle_t *)&loop->timer);
}

static void on_wake(uv_async_t *wake)
{
	struct loop *loop = wake->data;
	uv_mutex_lock(&loop->lock);
	struct task *first = queue_take(&loop->posted);
	bool stop = loop->stop_asked && !loop->stopped;
	uv_mutex_unlock(&loop->lock);
	run_tasks(first);
	if (stop) {
		run_stop_hooks(loop);
	}
}

static void on_prepare(uv_prepare_t *prepare)
{
	struct loop *loop = prepare->data;
	while (loop->turn.first != NULL) {
		run_tasks(queue_take(&loop->turn));
	}
}

static void on_timer(uv_timer_t *timer)
{
	struct loop *loop = timer->data;
	uint64_t now_ms = uv_now(&loop->uv);
	for (struct loop_tick *tick = loop->ticks; tick != NULL; tick = loop->next_tick) {
		loop->next_tick = tick->next;
		tick->tick(tick, now_ms);
	}
}

struct loop *loop_create(struct error *error)
{
	/* A client that has gone is an error of write(), not the end of the process. */
	signal(SIGPIPE, SIG_IGN);
	struct loop *loop = alloc_zeroed(1, sizeof(*loop));
	int status = uv_loop_init(&loop->uv);
	if (status != 0) {
		free(loop);
		error_set(error, ERROR_CONFIG, "cannot start an event loop: %s", uv_strerror(status));
		return NULL;
	}
	queue_init(&loop->turn);
	queue_init(&loop->posted);
	status = uv_async_init(&loop->uv, &loop->wake, on_wake);
	if (status != 0) {
		uv_loop_close(&loop->uv);
		free(loop);
		error_set(error, ERROR_CONFIG, "cannot start an event loop: %s", uv_strerror(status));
		return NULL;
	}
	uv_mutex_init(&loop->lock);
	uv_prepare_init(&loop->uv, &loop->prepare);
	uv_timer_init(&loop->uv, &loop->timer);
	loop->wake.data = loop;
	loop->prepare.data = loop;
	loop->timer.data = loop;
	uv_prepare_start(&loop->prepare, on_prepare);
	uv_unref((uv_handle_t *)&loop->prepare);
	uv_timer_start(&loop->timer, on_timer, TICK_MS, TICK_MS);
	return loop;
}

/* Closes the loop's own handles; idempotent. */
static void close_handles(struct loop *loop)
{
	uv_mutex_lock(&loop->lock);
	bool closed = loop->closed;
	loop->closed = true;
	uv_mutex_unlock(&loop->lock);
	if (closed) {
		return;
	}
	uv_close((uv_handle_t *)&loop->wake, NULL);
	uv_close((uv_handle_t *)&loop->prepare, NULL);
	uv_close((uv_handle_t *)&loop->timer, NULL);
	uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void loop_destroy(struct loop *loop)
{
	if (loop == NULL) {
		return;
	}
	close_handles(loop);
	int status = uv_loop_close(&loop->uv);
	assert(status == 0);
	(void)status;
	uv_mutex_destroy(&loop->lock);
	free(loop);
}

/* The last handle was closed; a task that was queued then has not been run. */
static bool run_left_over(struct loop *loop)
{
	uv_mutex_lock(&loop->lock);
	struct task *posted = queue_take(&loop->posted);
	uv_mutex_unlock(&loop->lock);
	bool any = posted != NULL || loop->turn.first != NULL;
	run_tasks(posted);
	on_prepare(&loop->prepare);
	return any;
}

void loop_run(struct loop *loop)
{
	assert(!loop->closed);
	do {
		uv_run(&loop->uv, UV_RUN_DEFAULT);
	} while (run_left_over(loop));
	assert(loop->stopped);
	close_handles(loop);
}

void loop_stop(struct loop *loop)
{
	uv_mutex_lock(&loop->lock);
	loop->stop_asked = true;
	if (!loop->closed) {
		uv_async_send(&loop->wake);
	}
	uv_mutex_unlock(&loop->lock);
}

uv_loop_t *loop_uv(struct loop *loop)
{
	return &loop->uv;
}

uint64_t loop_now_ms(const struct loop *loop)
{
	return uv_now(&loop->uv);
}

void loop_post(struct loop *loop, struct task *task)
{
	uv_mutex_lock(&loop->lock);
	bool first = loop->posted.first == NULL;
	queue_push(&loop->posted, task);
	/* Within the lock, so that the handle cannot be closed meanwhile. */
	if (first && !loop->closed) {
		uv_async_send(&loop->wake);
	}
	uv_mutex_unlock(&loop->lock);
}

void loop_after_turn(struct loop *loop, struct task *task)
{
	queue_push(&loop->turn, task);
}

void loop_on_tick(struct loop *loop, struct loop_tick *tick)
{
	tick->next = loop->ticks;
	loop->ticks = tick;
}

void loop_off_tick(struct loop *loop, struct loop_tick *tick)
{
	struct loop_tick **link = &loop->ticks;
	while (*link != NULL && *link != tick) {
		link = &(*link)->next;
	}
	if (*link != NULL) {
		*link = tick->next;
	}
	if (loop->next_tick == tick) {
		loop->next_tick = tick->next;
	}
}

void loop_on_stop(struct loop *loop, struct loop_stop_hook *hook)
{
	assert(!loop->stopped);
	hook->next = loop->stop_hooks;
	loop->stop_hooks = hook;
}

/* A socket that listens, or -1 and errno. */
static int listening_socket(struct address *address)
{
	int on = 1;
	socklen_t bytes = address_bytes(address);
	struct sockaddr *sockaddr = (struct sockaddr *)&address->sockaddr;
	int fd = socket(sockaddr->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return -1;
	}
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0 &&
		bind(fd, sockaddr, bytes) == 0 && listen(fd, BACKLOG) == 0 &&
		getsockname(fd, sockaddr, &bytes) == 0) {
		return fd;
	}
	int errnum = errno;
	close(fd);
	errno = errnum;
	return -1;
}

bool loop_listen(struct loop *loop, struct address *address, uv_tcp_t *tcp,
				 uv_connection_cb on_connection, struct error *error)
{
	/* The socket is made by hand: a uv handle that fails half way could only be closed on a later
	 * turn of the loop, and the caller's memory would have to wait for it. */
	int fd = listening_socket(address);
	if (fd < 0) {
		return address_refused(address, errno, error);
	}
	address_format((const struct sockaddr *)&address->sockaddr, address->text);
	int status = uv_tcp_init(&loop->uv, tcp);
	assert(status == 0);
	status = uv_tcp_open(tcp, fd);
	assert(status == 0);
	status = uv_listen((uv_stream_t *)tcp, BACKLOG, on_connection);
	assert(status == 0);
	(void)status;
	return true;
}
