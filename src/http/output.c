#include "http/output.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "http/connection.h"
#include "http/deadline.h"
#include "http/pool.h"
#include "http/secure.h"
#include "http/server.h"
#include "http/stream.h"

/*
 * DESIGN. Answers are gathered in one buffer of the server, which at any time belongs to one
 * connection, and leave with one write(). Only what the kernel does not take is copied to memory of
 * the connection's own, and waits for uv_write(). So a reader that keeps up costs no memory.
 *
 * Answers that come from afar come several at a time, as a turn of the loop finds them. They stay
 * in the buffer, one behind the other, until the turn ends: a write may wake its reader, which
 * costs more than the write, and a reader that is awake takes the rest for nothing. Whatever else
 * is to be written to such a connection, and its end, sends them first.
 */

static void write_next(struct http_connection *connection);

static void account(struct http_connection *connection)
{
	struct http_output *output = connection->output;
	http_account(connection->server, &output->accounted,
				 output->sending.capacity + output->waiting.capacity);
}

void http_output_drop(struct http_connection *connection)
{
	struct http_output *output = connection->output;
	if (output != NULL) {
		http_account(connection->server, &output->accounted, 0);
		buf_finish(&output->sending);
		buf_finish(&output->waiting);
		free(output);
		connection->output = NULL;
	}
}

size_t http_output_queued(const struct http_connection *connection)
{
	const struct http_output *output = connection->output;
	return output == NULL ? 0 : output->sending.len + output->waiting.len;
}

static void on_written(uv_write_t *write, int status)
{
	struct http_connection *connection = write->data;
	if (connection->phase == HTTP_PHASE_CLOSED) {
		return; /* dropped when the handle is closed */
	}
	if (status < 0) {
		http_connection_lost(connection);
		return;
	}
	struct http_output *output = connection->output;
	http_count(&connection->server->counters.bytes_out, output->sending.len);
	buf_clear(&output->sending);
	if (output->waiting.len > 0) {
		struct buf empty = output->sending;
		output->sending = output->waiting;
		output->waiting = empty;
		write_next(connection);
	} else {
		http_output_drop(connection);
	}
	http_stream_wake(connection);
	if (connection->output == NULL) {
		http_connection_process(connection);
	}
}

/* The kernel's buffer is full: the rest goes out when it has room. */
static void write_next(struct http_connection *connection)
{
	struct http_output *output = connection->output;
	assert(output->sending.len <= UINT32_MAX);
	uv_buf_t buf = uv_buf_init(output->sending.ptr, (unsigned)output->sending.len);
	output->write.data = connection;
	output->seen_ms = loop_now_ms(connection->server->loop);
	output->seen_bytes = output->sending.len;
	account(connection);
	int status = uv_write(&output->write, (uv_stream_t *)&connection->tcp, &buf, 1, on_written);
	assert(status == 0);
	(void)status;
}

/* Keeps what is left of the texts after the first `sent` bytes. */
static void keep_rest(struct http_connection *connection, const uv_buf_t *bufs, unsigned count,
					  size_t sent)
{
	bool begin = connection->output == NULL;
	if (begin) {
		struct http_output *output = alloc_bytes(sizeof(*output));
		*output = (struct http_output){.seen_ms = 0};
		buf_init(&output->sending, UINT32_MAX);
		buf_init(&output->waiting, UINT32_MAX);
		connection->output = output;
	}
	struct buf *to = begin ? &connection->output->sending : &connection->output->waiting;
	for (unsigned i = 0; i < count; i++) {
		struct str text = {bufs[i].base, bufs[i].len};
		size_t skip = sent < text.len ? sent : text.len;
		sent -= skip;
		buf_append(to, str_slice(text, skip, text.len));
	}
	if (to->failed) {
		http_connection_lost(connection);
	} else if (begin) {
		write_next(connection);
		http_deadline_set(connection, HTTP_DEADLINE_STALL);
	} else {
		account(connection);
	}
}

static unsigned add(uv_buf_t *bufs, unsigned count, struct str text)
{
	if (text.len > 0) {
		assert(text.len <= UINT32_MAX);
		/* uv_buf_t wants a pointer that could be written through; it is not. */
		bufs[count++] = uv_buf_init((char *)(uintptr_t)text.ptr, (unsigned)text.len);
	}
	return count;
}

/* What the kernel takes at once of the texts goes out; the rest is kept. */
void http_output_raw(struct http_connection *connection, const uv_buf_t *bufs, unsigned count,
					 size_t total)
{
	int sent = 0;
	if (connection->output == NULL) {
		sent = uv_try_write((uv_stream_t *)&connection->tcp, bufs, count);
		sent = sent == UV_EAGAIN ? 0 : sent;
	}
	if (sent < 0) {
		http_connection_lost(connection);
		return;
	}
	http_count(&connection->server->counters.bytes_out, (uint64_t)sent);
	if ((size_t)sent < total) {
		keep_rest(connection, bufs, count, (size_t)sent);
	}
}

static void write_texts(struct http_connection *connection, const uv_buf_t *bufs, unsigned count,
						size_t total)
{
	if (total == 0 || connection->phase == HTTP_PHASE_CLOSED) {
		return;
	}
	if (connection->secure != NULL) {
		http_secure_write(connection, bufs, count);
	} else {
		http_output_raw(connection, bufs, count, total);
	}
}

/* Forgets what is corked, not what waits before it. */
static void uncork(struct http_server *server)
{
	server->corked = NULL;
	if (server->late_count == 0) {
		http_buf_reuse(&server->out, HTTP_SMALL_BYTES * 4);
	} else {
		server->out.len = server->corked_at;
	}
}

void http_output_send(struct http_connection *connection, struct str body, struct str tail)
{
	struct http_server *server = connection->server;
	struct str out = buf_str(http_output_cork(connection));
	uv_buf_t bufs[3];
	out = str_slice(out, server->corked_at, out.len);
	unsigned count = add(bufs, add(bufs, add(bufs, 0, out), body), tail);
	server->corked = NULL;
	write_texts(connection, bufs, count, out.len + body.len + tail.len);
	uncork(server);
}

/* ---- the end of a turn ---- */

static void send_late(struct http_server *server)
{
	size_t count = server->late_count;
	server->late_count = 0;
	for (size_t i = 0; i < count; i++) {
		struct http_late *late = &server->late[i];
		if (late->connection != NULL) {
			late->connection->late = false;
			uv_buf_t buf = uv_buf_init(server->out.ptr + late->from, (unsigned)late->bytes);
			write_texts(late->connection, &buf, 1, late->bytes);
		}
	}
	uncork(server);
}

void http_output_end_turn(struct http_server *server)
{
	if (server->corked != NULL) {
		http_output_flush(server->corked);
	}
	if (server->late_count > 0) {
		send_late(server);
	}
}

void http_output_wait(struct http_connection *connection)
{
	struct http_server *server = connection->server;
	if (server->corked != connection || connection->output != NULL) {
		return; /* it is sent, or waits for its reader */
	}
	struct http_late *late = &server->late[server->late_count++];
	*late = (struct http_late){
		.connection = connection,
		.from = server->corked_at,
		.bytes = server->out.len - server->corked_at,
	};
	connection->late = true;
	server->corked = NULL;
	if (server->late_count == HTTP_LATE_MOST || server->out.len > HTTP_SMALL_BYTES) {
		send_late(server);
	} else {
		http_server_after_turn(server);
	}
}

void http_output_flush(struct http_connection *connection)
{
	if (connection->server->corked == connection) {
		http_output_send(connection, STR(""), STR(""));
	}
}

void http_output_forget(struct http_connection *connection)
{
	struct http_server *server = connection->server;
	for (size_t i = 0; connection->late && i < server->late_count; i++) {
		if (server->late[i].connection == connection) {
			server->late[i].connection = NULL;
		}
	}
	connection->late = false;
	if (server->corked == connection) {
		uncork(server);
	}
}

struct buf *http_output_cork(struct http_connection *connection)
{
	struct http_server *server = connection->server;
	if (server->corked != connection) {
		if (server->corked != NULL) {
			http_output_flush(server->corked);
		}
		if (connection->late) {
			send_late(server);
		}
		server->corked = connection;
		server->corked_at = server->out.len;
	}
	return &server->out;
}
