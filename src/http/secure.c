#include "http/secure.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "http/connection.h"
#include "http/input.h"
#include "http/output.h"
#include "http/pool.h"
#include "http/server.h"

/*
 * DESIGN. What comes from the socket lies in one buffer of the server, since it is decrypted at
 * once, into the place that http_input_alloc() names. When the connection has no room, the socket
 * is not read, and what is left of the last read is kept until reading goes on. What goes out is
 * encrypted piece by piece; only what the kernel does not take is kept, as without TLS.
 *
 * Until the client has sent a first request, the deadline for a header runs from its connection on:
 * it holds for the handshake too.
 */

#define WIRE_BYTES KIB(64)
/* Answers of TLS itself (such as to changes of keys) to a client that does not read. */
#define UNASKED_BYTES KIB(64)

struct http_secure {
	struct http_connection *connection;
	struct tls_session *session; /* owned */
	struct http_link unread;     /* in server->unread */
	size_t unasked_bytes;        /* since the client last took all */
	bool begun;                  /* it does not begin like plain HTTP */
	bool open;                   /* the handshake is done */
	bool ended;                  /* http_secure_goodbye() was called */
};

/* ---- out ---- */

/* Sends what OpenSSL has written. */
static void flush(struct http_connection *connection)
{
	struct buf *sealed = &connection->server->sealed;
	struct str text = buf_str(sealed);
	if (text.len > 0 && connection->phase != HTTP_PHASE_CLOSED) {
		assert(!sealed->failed && text.len <= UINT32_MAX);
		uv_buf_t buf = uv_buf_init(sealed->ptr, (unsigned)text.len);
		http_output_raw(connection, &buf, 1, text.len);
	}
	http_buf_reuse(sealed, HTTP_SMALL_BYTES * 2);
}

void http_secure_write(struct http_connection *connection, const uv_buf_t *bufs, unsigned count)
{
	struct tls_session *session = connection->secure->session;
	for (unsigned i = 0; i < count; i++) {
		struct str text = {bufs[i].base, bufs[i].len};
		while (text.len > 0) {
			if (!tls_write(session, str_slice(text, 0, TLS_PIECE_BYTES))) {
				http_connection_lost(connection);
			}
			if (connection->phase == HTTP_PHASE_CLOSED) {
				buf_clear(&connection->server->sealed);
				return;
			}
			text = str_slice(text, TLS_PIECE_BYTES, text.len);
			if (connection->server->sealed.len >= HTTP_SMALL_BYTES) {
				flush(connection);
			}
		}
	}
	flush(connection);
}

void http_secure_goodbye(struct http_connection *connection)
{
	struct http_secure *secure = connection->secure;
	if (!secure->ended) {
		secure->ended = true;
		tls_end(secure->session);
		flush(connection);
	}
}

/* ---- in ---- */

/* What TLS itself has to say. A client that makes it talk has to listen. */
static void flush_unasked(struct http_connection *connection)
{
	struct http_secure *secure = connection->secure;
	size_t bytes = connection->server->sealed.len;
	if (bytes == 0) {
		return;
	}
	secure->unasked_bytes = connection->output == NULL ? bytes : secure->unasked_bytes + bytes;
	if (secure->unasked_bytes > UNASKED_BYTES) {
		buf_clear(&connection->server->sealed);
		http_connection_lost(connection);
	} else {
		flush(connection);
	}
}

/* Its alert says why; reading on lets it arrive. */
static void fail(struct http_connection *connection)
{
	if (connection->secure->open) {
		http_connection_lost(connection);
		return;
	}
	http_count(&connection->server->counters.handshake_failures, 1);
	connection->linger = true;
	connection->phase = HTTP_PHASE_ENDING;
	http_connection_process(connection);
}

static bool wants_more(const struct http_connection *connection)
{
	return connection->reading && connection->phase != HTTP_PHASE_ENDING &&
		connection->phase != HTTP_PHASE_LINGER && connection->phase != HTTP_PHASE_CLOSED;
}

/* Decrypts while there is room. */
static void take(struct http_connection *connection)
{
	struct http_secure *secure = connection->secure;
	uv_stream_t *stream = (uv_stream_t *)&connection->tcp;
	enum tls_result result = TLS_BYTES;
	while (result == TLS_BYTES && wants_more(connection)) {
		uv_buf_t room;
		size_t count = 0;
		http_input_alloc((uv_handle_t *)stream, 0, &room);
		result = tls_read(secure->session, room.base, room.len, &count);
		flush_unasked(connection);
		if (!secure->open && tls_is_open(secure->session)) {
			secure->open = true;
			http_count(&connection->server->counters.handshakes, 1);
		}
		if (connection->phase == HTTP_PHASE_CLOSED) {
			return;
		}
		if (result == TLS_BYTES) {
			http_input_read(stream, (ssize_t)count, &room);
		} else if (result == TLS_END) {
			http_input_read(stream, UV_EOF, &room);
		} else if (result == TLS_FAILED) {
			fail(connection);
		}
	}
	if (connection->phase != HTTP_PHASE_CLOSED) {
		tls_keep(secure->session);
	}
}

/* A record begins with a byte below 32, a request with a letter. */
static bool is_plain(char first)
{
	return first >= 'A' && first <= 'Z';
}

static void refuse_plain(struct http_connection *connection)
{
	http_count(&connection->server->counters.handshake_failures, 1);
	uv_read_stop((uv_stream_t *)&connection->tcp);
	connection->reading = false;
	http_secure_close(connection);
	http_connection_fail(connection, ERROR_HTTP_SYNTAX, "HTTPS is spoken here, not plain HTTP");
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
	struct http_connection *connection = handle->data;
	struct http_server *server = connection->server;
	(void)suggested;
	if (server->wire == NULL) {
		server->wire = alloc_bytes(WIRE_BYTES);
	}
	*ret_buf = uv_buf_init(server->wire, WIRE_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
	struct http_connection *connection = stream->data;
	struct http_secure *secure = connection->secure;
	bool dropped = connection->phase == HTTP_PHASE_ENDING || connection->phase == HTTP_PHASE_LINGER;
	if (count == UV_EOF && !dropped) {
		/* An end without a goodbye hurts nobody: no request is whole by its end. It may come while
		 * something still waits for the end of the turn; then it comes again. */
		take(connection);
		dropped = wants_more(connection);
	} else {
		dropped = dropped || count < 0;
	}
	if (dropped) {
		http_input_read(stream, count, buf);
	}
	if (dropped || count <= 0) {
		return;
	}
	if (!secure->begun && is_plain(buf->base[0])) {
		refuse_plain(connection);
		return;
	}
	secure->begun = true;
	tls_feed(secure->session, (struct str){buf->base, (size_t)count});
	take(connection);
}

int http_secure_read_start(struct http_connection *connection)
{
	struct http_secure *secure = connection->secure;
	/* Not at once: the caller is in the middle of something. */
	if (secure->begun && secure->unread.next == &secure->unread) {
		http_link_append(&connection->server->unread, &secure->unread);
		http_server_after_turn(connection->server);
	}
	return uv_read_start((uv_stream_t *)&connection->tcp, on_alloc, on_read);
}

void http_secure_end_turn(struct http_server *server)
{
	while (server->unread.next != &server->unread) {
		struct http_secure *secure = HTTP_CONTAINER(server->unread.next, struct http_secure,
													unread);
		http_link_remove(&secure->unread);
		take(secure->connection);
	}
}

/* ---- life ---- */

void http_secure_server_init(struct http_server *server)
{
	http_link_init(&server->unread);
	buf_init(&server->sealed, UINT32_MAX);
}

void http_secure_server_finish(struct http_server *server)
{
	buf_finish(&server->sealed);
	free(server->wire);
}

void http_secure_open(struct http_connection *connection)
{
	struct http_server *server = connection->server;
	struct http_secure *secure = alloc_zeroed(1, sizeof(*secure));
	secure->connection = connection;
	secure->session = tls_accept(server->options.tls, &server->sealed);
	http_link_init(&secure->unread);
	connection->secure = secure;
}

void http_secure_close(struct http_connection *connection)
{
	struct http_secure *secure = connection->secure;
	if (secure != NULL) {
		http_link_remove(&secure->unread);
		tls_session_destroy(secure->session);
		free(secure);
		connection->secure = NULL;
	}
}
