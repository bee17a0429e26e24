#include "http/server.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "http/connection.h"
#include "http/deadline.h"
#include "http/output.h"
#include "http/pool.h"
#include "http/secure.h"
#include "http/stream.h"

static void update_date(struct http_server *server)
{
	int64_t second = clock_system.wall_us(&clock_system) / 1000000;
	if (second != server->date_second) {
		server->date_second = second;
		http_response_date(second, server->date);
	}
}

static void on_tick(struct loop_tick *tick, uint64_t now_ms)
{
	struct http_server *server = HTTP_CONTAINER(tick, struct http_server, tick);
	update_date(server);
	http_deadlines_sweep(server, now_ms);
}

static void on_turn_end(struct task *task)
{
	struct http_server *server = HTTP_CONTAINER(task, struct http_server, turn_task);
	server->turn_task_queued = false;
	http_secure_end_turn(server);
	http_output_end_turn(server);
	http_streams_flush(server);
	http_server_check_drained(server);
}

void http_server_after_turn(struct http_server *server)
{
	if (!server->turn_task_queued) {
		server->turn_task_queued = true;
		loop_after_turn(server->loop, &server->turn_task);
	}
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct http_server *server = listener->data;
	if (status < 0) {
		return; /* out of descriptors or memory: the client sees a refused connection */
	}
	if (server->started) {
		http_connection_open(server);
	} else {
		server->accept_waits = true;
	}
}

struct http_server *http_server_create(struct loop *loop, struct address *address,
									   const struct http_server_options *options,
									   struct error *error)
{
	struct http_server *server = alloc_bytes(sizeof(*server));
	memset(server, 0, sizeof(*server));
	if (!loop_listen(loop, address, &server->listener, on_connection, error)) {
		free(server);
		return NULL;
	}
	server->listener.data = server;
	server->options = *options;
	server->limits = options->limits;
	server->shared = options->shared == NULL ? &server->own_shared : options->shared;
	server->loop = loop;
	server->tick.tick = on_tick;
	server->turn_task.run = on_turn_end;
	http_link_init(&server->dirty);
	http_link_init(&server->connections);
	http_deadlines_init(server);
	buf_init(&server->out, UINT32_MAX);
	buf_init(&server->packed, UINT32_MAX);
	http_secure_server_init(server);
	update_date(server);
	loop_on_tick(loop, &server->tick);
	return server;
}

void http_server_start(struct http_server *server)
{
	server->started = true;
	if (server->accept_waits) {
		server->accept_waits = false;
		http_connection_open(server);
	}
}

/* ---- the end ---- */

static void on_drained(uv_handle_t *timer)
{
	struct http_server *server = timer->data;
	server->drained = true;
	server->drain_done(server->drain_context);
}

void http_server_check_drained(struct http_server *server)
{
	uv_handle_t *timer = (uv_handle_t *)&server->drain_timer;
	if (server->draining && server->listener_closed && !server->turn_task_queued &&
		server->connections.next == &server->connections && !uv_is_closing(timer)) {
		uv_close(timer, on_drained);
	}
}

static void on_listener_closed(uv_handle_t *listener)
{
	struct http_server *server = listener->data;
	server->listener_closed = true;
	http_server_check_drained(server);
}

/* Calls `what` for every connection; it may close but not free this one. */
static void for_all(struct http_server *server, void (*what)(struct http_connection *connection))
{
	for (struct http_link *link = server->connections.next; link != &server->connections;
		 link = link->next) {
		what(HTTP_CONTAINER(link, struct http_connection, all));
	}
}

static void on_drain_timer(uv_timer_t *timer)
{
	for_all(timer->data, http_connection_lost);
}

void http_server_drain(struct http_server *server, void (*done)(void *context), void *context)
{
	assert(!server->draining);
	server->draining = true;
	server->drain_done = done;
	server->drain_context = context;
	uv_timer_init(loop_uv(server->loop), &server->drain_timer);
	server->drain_timer.data = server;
	/* It also keeps the loop running while a handler owes an answer to a client that has gone. */
	uint64_t again_ms = 1000;
	uv_timer_start(&server->drain_timer, on_drain_timer, server->limits->drain_ms, again_ms);
	uv_close((uv_handle_t *)&server->listener, on_listener_closed);
	for_all(server, http_connection_process);
}

void http_server_destroy(struct http_server *server)
{
	if (server == NULL) {
		return;
	}
	assert(server->drained);
	loop_off_tick(server->loop, &server->tick);
	http_pools_finish(server);
	http_gzip_destroy(server->gzip);
	buf_finish(&server->out);
	buf_finish(&server->packed);
	http_secure_server_finish(server);
	free(server);
}

struct http_stats http_server_stats(const struct http_server *server)
{
	const struct http_counters *counters = &server->counters;
#define LOAD(name) atomic_load_explicit(&counters->name, memory_order_relaxed)
	return (struct http_stats){
		.connections = LOAD(connections),
		.accepted = LOAD(accepted),
		.refused = LOAD(refused),
		.requests = LOAD(requests),
		.bad_requests = LOAD(bad_requests),
		.bytes_in = LOAD(bytes_in),
		.bytes_out = LOAD(bytes_out),
		.handshakes = LOAD(handshakes),
		.handshake_failures = LOAD(handshake_failures),
	};
#undef LOAD
}
