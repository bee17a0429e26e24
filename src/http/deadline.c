#include "http/deadline.h"

#include "http/connection.h"

/* How often a slow body or reader is looked at: the steps of these two classes. */
#define LOOK_MS 1000

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void http_deadlines_init(struct http_server *server)
{
	const struct limits *limits = server->limits;
	for (size_t i = 0; i < HTTP_DEADLINES; i++) {
		http_link_init(&server->deadlines[i]);
	}
	server->deadline_ms[HTTP_DEADLINE_HEADER] = limits->header_ms;
	server->deadline_ms[HTTP_DEADLINE_BODY] = least(limits->body_ms, LOOK_MS);
	server->deadline_ms[HTTP_DEADLINE_IDLE] = limits->idle_ms;
	server->deadline_ms[HTTP_DEADLINE_STALL] = least(limits->stalled_ms, LOOK_MS);
	server->deadline_ms[HTTP_DEADLINE_LINGER] = HTTP_LINGER_MS;
}

void http_deadline_set(struct http_connection *connection, enum http_deadline deadline)
{
	struct http_server *server = connection->server;
	http_link_remove(&connection->timed);
	connection->deadline = deadline;
	if (deadline != HTTP_DEADLINE_NONE) {
		connection->deadline_ms = loop_now_ms(server->loop) + server->deadline_ms[deadline];
		http_link_append(&server->deadlines[deadline], &connection->timed);
	}
}

/* The body is late as a whole, or comes too slowly. */
static bool body_is_late(const struct http_connection *connection, uint64_t now_ms)
{
	const struct http_exchange *exchange = connection->exchange;
	const struct limits *limits = connection->server->limits;
	uint64_t spent_ms = now_ms - exchange->body_begun_ms;
	if (spent_ms >= limits->body_ms) {
		return true;
	}
	return spent_ms > HTTP_BODY_GRACE_MS &&
		exchange->body_received < spent_ms / 1000 * limits->body_bytes_per_s;
}

static bool reader_is_stalled(const struct http_connection *connection, uint64_t now_ms)
{
	struct http_output *output = connection->output;
	size_t queued = uv_stream_get_write_queue_size((const uv_stream_t *)&connection->tcp);
	if (queued != output->seen_bytes) {
		output->seen_bytes = queued;
		output->seen_ms = now_ms;
	}
	return now_ms - output->seen_ms >= connection->server->limits->stalled_ms;
}

static void expire(struct http_connection *connection, uint64_t now_ms)
{
	switch (connection->deadline) {
	case HTTP_DEADLINE_HEADER:
		if (connection->phase == HTTP_PHASE_HEAD) {
			http_connection_fail(connection, ERROR_HTTP_TIMEOUT, NULL);
		} else {
			http_connection_close(connection);
		}
		break;
	case HTTP_DEADLINE_BODY:
		if (body_is_late(connection, now_ms)) {
			http_connection_fail(connection, ERROR_HTTP_TIMEOUT, NULL);
		} else {
			http_deadline_set(connection, HTTP_DEADLINE_BODY);
		}
		break;
	case HTTP_DEADLINE_STALL:
		if (reader_is_stalled(connection, now_ms)) {
			http_connection_lost(connection);
		} else {
			http_deadline_set(connection, HTTP_DEADLINE_STALL);
		}
		break;
	case HTTP_DEADLINE_IDLE:
	case HTTP_DEADLINE_LINGER:
		http_connection_close(connection);
		break;
	case HTTP_DEADLINE_NONE:
		assert(false && "a connection without a deadline is in no list");
		break;
	}
}

void http_deadlines_sweep(struct http_server *server, uint64_t now_ms)
{
	for (size_t i = 0; i < HTTP_DEADLINES; i++) {
		struct http_link *list = &server->deadlines[i];
		while (list->next != list) {
			struct http_connection *connection = HTTP_CONTAINER(list->next, struct http_connection,
																timed);
			if (connection->deadline_ms > now_ms) {
				break;
			}
			expire(connection, now_ms);
		}
	}
}
