#include "http/input.h"

#include <string.h>

#include "http/connection.h"
#include "http/deadline.h"
#include "http/output.h"
#include "http/pool.h"

/* ---- the request ---- */

/* The handler gets it. Returns true when it has answered. */
static bool dispatch(struct http_connection *connection)
{
	struct http_server *server = connection->server;
	struct http_exchange *exchange = connection->exchange;
	if (connection->deadline != HTTP_DEADLINE_IDLE) {
		/* What ran for this request must not run on for the next. */
		http_deadline_set(connection, HTTP_DEADLINE_NONE);
	}
	http_count(&server->counters.requests, 1);
	exchange->begun_ns = server->options.finished == NULL ? 0 : uv_hrtime();
	connection->phase = HTTP_PHASE_HANDLING;
	exchange->in_handler = true;
	server->options.handle(server->options.context, exchange);
	exchange->in_handler = false;
	if (!exchange->answered) {
		return false;
	}
	bool alive = http_connection_answered(connection);
	assert(alive); /* handles are closed on a later turn */
	return alive;
}

/* Moves the block's bytes, from those of the current request on, to a larger one or to its front.
 * Only while the handler has not seen them. */
static void move_block(struct http_connection *connection, size_t capacity)
{
	struct http_parser *parser = &connection->exchange->parser;
	struct http_block *old = connection->block;
	struct http_block *block = old;
	size_t shift = (size_t)(parser->base - old->bytes);
	if (capacity > old->capacity) {
		block = http_block_create(capacity);
	}
	memmove(block->bytes, old->bytes + shift, connection->to - shift);
	http_parser_rebase(parser, block->bytes);
	connection->from -= shift;
	connection->to -= shift;
	connection->block = block;
	if (block != old) {
		http_block_give(connection->server, old);
	}
}

static bool begin_head(struct http_connection *connection)
{
	if (connection->from == connection->to) {
		return false;
	}
	struct http_exchange *exchange = http_exchange_take(connection);
	connection->exchange = exchange;
	http_parser_init(&exchange->parser, connection->server->limits, exchange->fields,
					 connection->block->bytes + connection->from);
	connection->phase = HTTP_PHASE_HEAD;
	return true;
}

static bool fail(struct http_connection *connection, enum error_code code, const char *why)
{
	http_connection_fail(connection, code, why);
	return false;
}

/* Bytes of the body came, or will. False after a failure. */
static bool settle_body(struct http_connection *connection)
{
	struct error error;
	if (!http_body_settle(&connection->exchange->body, &error)) {
		return fail(connection, error.code, error.message);
	}
	return true;
}

static bool body_done(struct http_connection *connection)
{
	struct http_exchange *exchange = connection->exchange;
	struct error error;
	if (!http_body_complete(&exchange->body, &exchange->request.body, &error)) {
		return fail(connection, error.code, error.message);
	}
	return dispatch(connection);
}

static bool begin_body(struct http_connection *connection)
{
	struct http_exchange *exchange = connection->exchange;
	connection->phase = HTTP_PHASE_BODY;
	exchange->body_begun_ms = loop_now_ms(connection->server->loop);
	exchange->body_received = 0;
	if (connection->from == connection->to && exchange->parser.expects_continue) {
		buf_append(http_output_cork(connection), STR("HTTP/1.1 100 Continue\r\n\r\n"));
		http_output_flush(connection);
		if (connection->phase == HTTP_PHASE_CLOSED) {
			return false;
		}
	}
	if (exchange->parser.framing == HTTP_FRAMING_CHUNKED) {
		http_chunked_init(&exchange->chunked, connection->server->limits, exchange->body_limit);
		http_body_begin(&exchange->body, HTTP_BODY_LENGTH_UNKNOWN);
		return true;
	}
	struct str there = {connection->block->bytes + connection->from,
						connection->to - connection->from};
	http_body_begin(&exchange->body, exchange->parser.content_length);
	buf_append(&exchange->body.part, there);
	exchange->body_received = there.len;
	connection->to = connection->from;
	return true;
}

/* The head is complete. */
static bool head_done(struct http_connection *connection)
{
	struct http_server *server = connection->server;
	struct http_exchange *exchange = connection->exchange;
	struct http_request *request = &exchange->request;
	const struct http_parser *parser = &exchange->parser;
	http_parser_request(parser, request);
	request->peer = str_from(connection->peer);
	if (parser->framing == HTTP_FRAMING_NONE) {
		return dispatch(connection);
	}
	exchange->body_limit = server->limits->body_bytes;
	if (server->options.body_limit != NULL) {
		exchange->body_limit = server->options.body_limit(server->options.context, request);
	}
	if (parser->framing == HTTP_FRAMING_CHUNKED) {
		return begin_body(connection);
	}
	if (parser->content_length > exchange->body_limit) {
		return fail(connection, ERROR_BODY_TOO_LARGE, NULL);
	}
	if (parser->content_length > connection->to - connection->from) {
		return begin_body(connection);
	}
	size_t bytes = (size_t)parser->content_length;
	request->body = (struct str){connection->block->bytes + connection->from, bytes};
	connection->from += bytes;
	return dispatch(connection);
}

static bool read_head(struct http_connection *connection)
{
	struct http_parser *parser = &connection->exchange->parser;
	struct http_block *block = connection->block;
	switch (http_parser_run(parser, block->bytes + connection->to)) {
	case HTTP_PARSE_DONE:
		connection->from = (size_t)(parser->at - block->bytes);
		return head_done(connection);
	case HTTP_PARSE_BAD:
		return fail(connection, parser->error, parser->why);
	case HTTP_PARSE_MORE:
		break;
	}
	if (connection->to == block->capacity) {
		bool moves = parser->base > block->bytes;
		move_block(connection, moves ? block->capacity : 2 * block->capacity);
	}
	return false;
}

static bool read_chunks(struct http_connection *connection)
{
	struct http_exchange *exchange = connection->exchange;
	struct http_block *block = connection->block;
	struct str input = {block->bytes + connection->from, connection->to - connection->from};
	enum http_chunked_result result = http_chunked_run(&exchange->chunked, &input,
													   &exchange->body.part);
	size_t from = connection->to - input.len;
	exchange->body_received += from - connection->from;
	connection->from = from;
	if (result == HTTP_CHUNKED_BAD) {
		return fail(connection, exchange->chunked.error, exchange->chunked.why);
	}
	if (!settle_body(connection)) {
		return false;
	}
	if (result == HTTP_CHUNKED_DONE) {
		return body_done(connection);
	}
	/* All was decoded: the next bytes overwrite it. A body that did not come in one piece may well
	 * be long, so it gets room. */
	connection->from = (size_t)(exchange->parser.at - block->bytes);
	connection->to = connection->from;
	if (block->capacity < HTTP_SMALL_BYTES) {
		move_block(connection, HTTP_SMALL_BYTES);
		http_parser_request(&exchange->parser, &exchange->request);
	} else if (connection->to + HTTP_BLOCK_BYTES > block->capacity) {
		move_block(connection, 2 * block->capacity);
		http_parser_request(&exchange->parser, &exchange->request);
	}
	return false;
}

static bool read_body(struct http_connection *connection)
{
	struct http_exchange *exchange = connection->exchange;
	if (exchange->parser.framing == HTTP_FRAMING_CHUNKED) {
		return read_chunks(connection);
	}
	if (!settle_body(connection) || http_body_bytes(&exchange->body) < exchange->body.length) {
		return false;
	}
	return body_done(connection);
}

void http_input_consume(struct http_connection *connection)
{
	struct http_server *server = connection->server;
	bool more = true;
	/* No new request while the reader has not taken the answers to the last ones. */
	while (more && (connection->output == NULL || connection->phase == HTTP_PHASE_BODY)) {
		switch (connection->phase) {
		case HTTP_PHASE_IDLE:
			more = begin_head(connection);
			break;
		case HTTP_PHASE_HEAD:
			more = read_head(connection);
			break;
		case HTTP_PHASE_BODY:
			more = read_body(connection);
			break;
		case HTTP_PHASE_HANDLING:
		case HTTP_PHASE_STREAMING:
		case HTTP_PHASE_ENDING:
		case HTTP_PHASE_LINGER:
		case HTTP_PHASE_CLOSED:
			more = false;
			break;
		}
		/* Answers of one read leave together, unless there are many. */
		if (server->corked == connection && server->out.len > HTTP_SMALL_BYTES) {
			http_output_flush(connection);
		}
	}
}

/* ---- reading ---- */

void http_input_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
	(void)suggested;
	struct http_connection *connection = handle->data;
	struct http_server *server = connection->server;
	struct http_exchange *exchange = connection->exchange;
	struct http_block *block = connection->block;
	if (connection->phase == HTTP_PHASE_BODY && exchange->parser.framing == HTTP_FRAMING_LENGTH) {
		struct http_body *body = &exchange->body;
		char *at = body->part.ptr + body->part.len;
		*ret_buf = uv_buf_init(at, (unsigned)http_body_room(body));
		return;
	}
	if (block == NULL || connection->phase == HTTP_PHASE_ENDING) {
		if (server->block == NULL) {
			server->block = http_block_take(server);
		}
		*ret_buf = uv_buf_init(server->block->bytes, (unsigned)server->block->capacity);
		return;
	}
	*ret_buf = uv_buf_init(block->bytes + connection->to,
						   (unsigned)(block->capacity - connection->to));
}

/* The bytes lie where http_input_alloc() said. */
static void take_bytes(struct http_connection *connection, size_t count)
{
	struct http_server *server = connection->server;
	struct http_exchange *exchange = connection->exchange;
	if (connection->phase == HTTP_PHASE_BODY && exchange->parser.framing == HTTP_FRAMING_LENGTH) {
		buf_added(&exchange->body.part, count);
		exchange->body_received += count;
		return;
	}
	if (connection->block == NULL) {
		connection->block = server->block;
		server->block = NULL;
		connection->from = 0;
		connection->to = 0;
	}
	connection->to += count;
	if (connection->fresh) {
		connection->fresh = false;
		http_deadline_set(connection, HTTP_DEADLINE_NONE);
	}
}

void http_input_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
	(void)buf;
	struct http_connection *connection = stream->data;
	if (count == 0) {
		return; /* there was nothing to read */
	}
	if (count < 0) {
		uv_read_stop(stream);
		connection->reading = false;
		connection->ended = true;
		/* A client may end its side and still wait for its answers. */
		if (count != UV_EOF) {
			http_connection_lost(connection);
		} else if (connection->phase == HTTP_PHASE_LINGER) {
			http_connection_close(connection);
		} else {
			http_connection_process(connection);
		}
		return;
	}
	http_count(&connection->server->counters.bytes_in, (uint64_t)count);
	if (connection->phase == HTTP_PHASE_ENDING || connection->phase == HTTP_PHASE_LINGER) {
		connection->lingered_bytes += (uint64_t)count;
		if (connection->lingered_bytes > HTTP_LINGER_BYTES) {
			http_connection_close(connection);
		}
		return;
	}
	take_bytes(connection, (size_t)count);
	http_connection_process(connection);
}
