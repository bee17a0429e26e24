#include "http/connection.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "http/answer.h"
#include "http/deadline.h"
#include "http/input.h"
#include "http/output.h"
#include "http/pool.h"
#include "http/secure.h"
#include "http/server.h"
#include "http/stream.h"

/* So many more than limits->connections are told that they are too many; the next are just cut. */
#define REFUSED_AT_ONCE 1024

static void connection_free(struct http_connection *connection)
{
	struct http_server *server = connection->server;
	assert(connection->exchange == NULL && connection->deadline == HTTP_DEADLINE_NONE);
	if (connection->block != NULL) {
		http_block_give(server, connection->block);
	}
	http_output_forget(connection);
	http_output_drop(connection);
	http_secure_close(connection);
	http_link_remove(&connection->all);
	free(connection);
	http_server_check_drained(server);
}

static void on_closed(uv_handle_t *handle)
{
	struct http_connection *connection = handle->data;
	struct http_server *server = connection->server;
	/* A writer that waits for room must learn that it waits for nothing. */
	http_stream_wake(connection);
	atomic_fetch_sub_explicit(&server->shared->connections, 1, memory_order_relaxed);
	http_count(&server->counters.connections, UINT64_MAX); /* minus 1 */
	connection->handle_closed = true;
	if (connection->exchange == NULL) {
		connection_free(connection);
	}
}

static void end(struct http_connection *connection, bool reset)
{
	if (connection->phase != HTTP_PHASE_CLOSED && connection->secure != NULL && !reset) {
		http_secure_goodbye(connection);
	}
	if (connection->phase == HTTP_PHASE_CLOSED) {
		return;
	}
	/* Of an exchange that the handler does not know yet nobody will hear again. */
	bool known = connection->phase == HTTP_PHASE_HANDLING ||
		connection->phase == HTTP_PHASE_STREAMING;
	connection->phase = HTTP_PHASE_CLOSED;
	http_output_forget(connection);
	http_deadline_set(connection, HTTP_DEADLINE_NONE);
	if (connection->exchange != NULL && !known) {
		http_exchange_give(connection->server, connection->exchange);
		connection->exchange = NULL;
	}
	/* A reset tells even a client that reads until the end that it did not get all. */
	if (!reset || uv_tcp_close_reset(&connection->tcp, on_closed) != 0) {
		uv_close((uv_handle_t *)&connection->tcp, on_closed);
	}
}

void http_connection_close(struct http_connection *connection)
{
	end(connection, false);
}

void http_connection_lost(struct http_connection *connection)
{
	end(connection, true);
}

bool http_connection_answered(struct http_connection *connection)
{
	struct http_server *server = connection->server;
	struct http_exchange *exchange = connection->exchange;
	const struct http_server_options *options = &server->options;
	assert(exchange->answered);
	if (options->finished != NULL) {
		uint64_t spent_ns = exchange->begun_ns == 0 ? 0 : uv_hrtime() - exchange->begun_ns;
		options->finished(options->context, exchange, exchange->status, exchange->sent_bytes,
						  spent_ns / 1000);
	}
	http_stream_finish(exchange);
	connection->exchange = NULL;
	bool close = exchange->close;
	http_exchange_give(server, exchange);
	if (connection->phase != HTTP_PHASE_CLOSED) {
		connection->phase = close ? HTTP_PHASE_ENDING : HTTP_PHASE_IDLE;
	} else if (connection->handle_closed) {
		connection_free(connection);
		return false;
	}
	return true;
}

void http_connection_fail(struct http_connection *connection, enum error_code code, const char *why)
{
	struct http_server *server = connection->server;
	if (connection->exchange == NULL) {
		connection->exchange = http_exchange_take(connection);
		http_parser_init(&connection->exchange->parser, server->limits,
						 connection->exchange->fields, connection->peer);
	}
	struct http_exchange *exchange = connection->exchange;
	struct http_answer answer;
	http_answer_error(exchange, code, why, &answer);
	answer.close = true;
	exchange->request.peer = str_from(connection->peer);
	exchange->begun_ns = 0;
	http_count(&server->counters.bad_requests, 1);
	connection->phase = HTTP_PHASE_HANDLING;
	connection->linger = true;
	http_answer(exchange, &answer);
}

/* ---- what comes next ---- */

/* Says that nothing more will be sent, and reads on until the client says so too: closing with
 * unread input would reset the connection, and the client might lose the answer. */
static void begin_linger(struct http_connection *connection)
{
	uv_os_fd_t fd;
	if (!connection->linger || connection->ended ||
		uv_fileno((uv_handle_t *)&connection->tcp, &fd) != 0 || shutdown(fd, SHUT_WR) != 0) {
		http_connection_close(connection);
		return;
	}
	connection->phase = HTTP_PHASE_LINGER;
}

static bool is_over(const struct http_connection *connection)
{
	switch (connection->phase) {
	case HTTP_PHASE_IDLE:
		return connection->ended || connection->server->draining;
	case HTTP_PHASE_HEAD:
	case HTTP_PHASE_BODY:
		return connection->ended;
	case HTTP_PHASE_HANDLING:
	case HTTP_PHASE_STREAMING:
	case HTTP_PHASE_ENDING:
	case HTTP_PHASE_LINGER:
	case HTTP_PHASE_CLOSED:
		return false;
	}
	return false;
}

static void settle_deadline(struct http_connection *connection)
{
	enum http_deadline deadline = HTTP_DEADLINE_NONE;
	if (connection->output != NULL) {
		deadline = HTTP_DEADLINE_STALL;
	} else if (connection->phase == HTTP_PHASE_IDLE) {
		deadline = connection->fresh ? HTTP_DEADLINE_HEADER : HTTP_DEADLINE_IDLE;
	} else if (connection->phase == HTTP_PHASE_HEAD) {
		deadline = HTTP_DEADLINE_HEADER;
	} else if (connection->phase == HTTP_PHASE_BODY) {
		deadline = HTTP_DEADLINE_BODY;
	} else if (connection->phase == HTTP_PHASE_LINGER) {
		deadline = HTTP_DEADLINE_LINGER;
	}
	/* Being idle begins anew with each request; the others run on. */
	if (connection->deadline != deadline || deadline == HTTP_DEADLINE_IDLE) {
		http_deadline_set(connection, deadline);
	}
}

/* Reading is stopped only when there is no room: while all is well that never happens, and the
 * kernel is not told to and fro about every request. */
static void settle_reading(struct http_connection *connection)
{
	bool discards = connection->phase == HTTP_PHASE_ENDING ||
		connection->phase == HTTP_PHASE_LINGER;
	bool room = discards || connection->block == NULL ||
		connection->to < connection->block->capacity || connection->phase == HTTP_PHASE_BODY;
	bool want = room && !connection->ended;
	if (want == connection->reading) {
		return;
	}
	connection->reading = want;
	if (!want) {
		uv_read_stop((uv_stream_t *)&connection->tcp);
		return;
	}
	int status = connection->secure != NULL
		? http_secure_read_start(connection)
		: uv_read_start((uv_stream_t *)&connection->tcp, http_input_alloc, http_input_read);
	if (status != 0) {
		http_connection_lost(connection);
	}
}

static void settle_block(struct http_connection *connection)
{
	struct http_server *server = connection->server;
	bool needed = connection->exchange != NULL ||
		(connection->phase == HTTP_PHASE_IDLE && connection->from < connection->to);
	if (connection->block == NULL || needed) {
		return;
	}
	if (server->block == NULL && connection->block->capacity == HTTP_BLOCK_BYTES) {
		server->block = connection->block;
	} else {
		http_block_give(server, connection->block);
	}
	connection->block = NULL;
	connection->from = 0;
	connection->to = 0;
}

static void settle(struct http_connection *connection)
{
	if (connection->phase == HTTP_PHASE_CLOSED) {
		return;
	}
	bool ends = connection->phase == HTTP_PHASE_ENDING || is_over(connection);
	if (ends && connection->late) {
		http_output_end_turn(connection->server);
	}
	if (ends && connection->secure != NULL) {
		http_secure_goodbye(connection);
	}
	if (connection->output == NULL) {
		if (connection->phase == HTTP_PHASE_ENDING) {
			begin_linger(connection);
		} else if (is_over(connection)) {
			http_connection_close(connection);
		}
	}
	settle_block(connection);
	if (connection->phase != HTTP_PHASE_CLOSED) {
		settle_deadline(connection);
		settle_reading(connection);
	}
}

void http_connection_process(struct http_connection *connection)
{
	if (connection->processing || connection->phase == HTTP_PHASE_CLOSED) {
		return;
	}
	connection->processing = true;
	http_input_consume(connection);
	http_output_flush(connection);
	connection->processing = false;
	settle(connection);
}

/* ---- the beginning ---- */

/* The host alone, and IPv4 in its own form: [::ffff:192.0.2.1]:4711 is 192.0.2.1. */
static void note_peer(struct http_connection *connection)
{
	struct sockaddr_storage sockaddr;
	int bytes = sizeof(sockaddr);
	if (uv_tcp_getpeername(&connection->tcp, (struct sockaddr *)&sockaddr, &bytes) != 0) {
		return;
	}
	char text[64];
	address_format((const struct sockaddr *)&sockaddr, text);
	struct str host = str_from(text);
	size_t colon = host.len;
	while (colon > 0 && host.ptr[colon - 1] != ':') {
		colon--;
	}
	host.len = colon == 0 ? 0 : colon - 1;
	if (host.len >= 2 && host.ptr[0] == '[') {
		host = str_slice(host, 1, host.len - 1);
	}
	struct str mapped = STR("::ffff:");
	if (str_starts_with(host, mapped) && str_find(host, '.', 0) < host.len) {
		host = str_slice(host, mapped.len, host.len);
	}
	assert(host.len < sizeof(connection->peer));
	memcpy(connection->peer, host.ptr, host.len);
}

static struct http_connection *connection_create(struct http_server *server)
{
	struct http_connection *connection = alloc_bytes(sizeof(*connection));
	memset(connection, 0, sizeof(*connection));
	connection->server = server;
	connection->deadline = HTTP_DEADLINE_NONE;
	connection->phase = HTTP_PHASE_IDLE;
	connection->fresh = true;
	http_link_init(&connection->timed);
	http_link_append(&server->connections, &connection->all);
	int status = uv_tcp_init(loop_uv(server->loop), &connection->tcp);
	assert(status == 0);
	(void)status;
	connection->tcp.data = connection;
	return connection;
}

void http_connection_open(struct http_server *server)
{
	struct http_connection *connection = connection_create(server);
	uint64_t open = atomic_fetch_add_explicit(&server->shared->connections, 1,
											  memory_order_relaxed) +
		1;
	http_count(&server->counters.connections, 1);
	if (uv_accept((uv_stream_t *)&server->listener, (uv_stream_t *)&connection->tcp) != 0) {
		http_connection_close(connection);
		return;
	}
	http_count(&server->counters.accepted, 1);
	note_peer(connection);
	/* An answer is one write: there is nothing to gather. */
	uv_tcp_nodelay(&connection->tcp, 1);
	uint64_t most = server->limits->connections;
	if (open > most) {
		http_count(&server->counters.refused, 1);
		/* A handshake would cost more than the answer. */
		if (open > most + REFUSED_AT_ONCE || server->options.tls != NULL) {
			http_connection_close(connection);
		} else {
			http_connection_fail(connection, ERROR_OVERLOADED, "Too many connections are open");
		}
		return;
	}
	if (server->options.tls != NULL) {
		http_secure_open(connection);
	}
	settle(connection);
}
