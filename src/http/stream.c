#include "http/stream.h"

#include "http/answer.h"
#include "http/connection.h"
#include "http/output.h"
#include "http/server.h"

/*
 * DESIGN. Parts are gathered until there are 16 KiB of them or the turn of the loop ends, and then
 * leave as one chunk. Above 256 KiB that the reader has not taken, the writer is asked to wait.
 */

static void emit(struct http_exchange *exchange, bool last)
{
	struct http_connection *connection = exchange->connection;
	struct buf *part = &exchange->part;
	struct str body = buf_str(part);
	http_link_remove(&exchange->dirty);
	if (part->failed) {
		http_connection_lost(connection);
		return;
	}
	if (exchange->discard) {
		http_output_flush(connection);
	} else if (exchange->plain) {
		exchange->sent_bytes += body.len;
		http_output_send(connection, body, STR(""));
	} else {
		exchange->sent_bytes += body.len;
		struct str tail = STR("");
		if (body.len > 0) {
			buf_printf(http_output_cork(connection), "%zx\r\n", body.len);
			tail = STR("\r\n");
		}
		if (last) {
			tail = body.len > 0 ? STR("\r\n0\r\n\r\n") : STR("0\r\n\r\n");
		}
		http_output_send(connection, body, tail);
	}
	buf_clear(part);
}

static void mark_dirty(struct http_exchange *exchange)
{
	struct http_server *server = exchange->connection->server;
	if (exchange->dirty.next == &exchange->dirty) {
		http_link_append(&server->dirty, &exchange->dirty);
	}
	http_server_after_turn(server);
}

void http_streams_flush(struct http_server *server)
{
	while (server->dirty.next != &server->dirty) {
		struct http_exchange *exchange = HTTP_CONTAINER(server->dirty.next, struct http_exchange,
														dirty);
		if (exchange->connection->phase == HTTP_PHASE_CLOSED) {
			http_link_remove(&exchange->dirty);
		} else {
			emit(exchange, false);
		}
	}
}

static void add_part(struct http_exchange *exchange, struct str part)
{
	assert(part.len <= HTTP_WRITE_BYTES);
	if (exchange->gzip != NULL) {
		http_gzip_write(exchange->gzip, part, false, &exchange->part);
	} else {
		buf_append(&exchange->part, part);
	}
	if (exchange->part.len >= HTTP_CHUNK_BYTES) {
		emit(exchange, false);
	} else {
		mark_dirty(exchange);
	}
}

static void plan_gzip(struct http_exchange *exchange, const struct http_answer *answer,
					  struct http_response *plan)
{
	if (answer->identity || !http_gzip_built() || !http_gzip_useful(answer->content_type) ||
		http_response_has(answer->fields, STR("Content-Encoding"))) {
		return;
	}
	plan->vary = true;
	if (http_gzip_accepted(http_parser_accept_encoding(&exchange->parser))) {
		plan->gzip = true;
		exchange->gzip = http_gzip_create();
	}
}

void http_stream_begin(struct http_exchange *exchange, const struct http_answer *answer)
{
	struct http_connection *connection = exchange->connection;
	assert(!exchange->answered && !exchange->streaming && !answer->no_body);
	assert(answer->status != 204 && answer->status != 304);
	exchange->streaming = true;
	if (connection->phase == HTTP_PHASE_CLOSED) {
		return;
	}
	assert(connection->phase == HTTP_PHASE_HANDLING);
	connection->phase = HTTP_PHASE_STREAMING;
	struct http_response plan = {.length = HTTP_LENGTH_CHUNKED};
	exchange->discard = exchange->request.method == HTTP_HEAD;
	if (exchange->parser.minor == 0) {
		/* HTTP/1.0 has no chunks: the end of the connection ends the answer. */
		exchange->plain = true;
		exchange->close = true;
		plan.length = HTTP_LENGTH_NONE;
	}
	plan_gzip(exchange, answer, &plan);
	http_answer_head(exchange, answer, &plan);
	add_part(exchange, answer->body);
}

bool http_stream_write(struct http_exchange *exchange, struct str part,
					   void (*resume)(void *context), void *context)
{
	struct http_connection *connection = exchange->connection;
	assert(exchange->streaming && !exchange->answered && exchange->resume == NULL);
	if (connection->phase == HTTP_PHASE_CLOSED) {
		return true;
	}
	add_part(exchange, part);
	if (connection->phase == HTTP_PHASE_CLOSED ||
		http_output_queued(connection) + exchange->part.len <= HTTP_STREAM_HIGH_BYTES) {
		return true;
	}
	exchange->resume = resume;
	exchange->resume_context = context;
	return false;
}

void http_stream_wake(struct http_connection *connection)
{
	struct http_exchange *exchange = connection->exchange;
	if (exchange == NULL || exchange->resume == NULL) {
		return;
	}
	if (connection->phase == HTTP_PHASE_CLOSED ||
		http_output_queued(connection) < HTTP_STREAM_LOW_BYTES) {
		void (*resume)(void *) = exchange->resume;
		exchange->resume = NULL;
		resume(exchange->resume_context);
	}
}

static void stream_done(struct http_exchange *exchange)
{
	struct http_connection *connection = exchange->connection;
	exchange->answered = true;
	exchange->resume = NULL;
	if (!exchange->in_handler && http_connection_answered(connection)) {
		http_connection_process(connection);
	}
}

void http_stream_end(struct http_exchange *exchange)
{
	assert(exchange->streaming && !exchange->answered);
	if (exchange->connection->phase != HTTP_PHASE_CLOSED) {
		if (exchange->gzip != NULL) {
			http_gzip_write(exchange->gzip, STR(""), true, &exchange->part);
		}
		emit(exchange, true);
	}
	stream_done(exchange);
}

void http_stream_abort(struct http_exchange *exchange)
{
	assert(exchange->streaming && !exchange->answered);
	http_connection_lost(exchange->connection);
	stream_done(exchange);
}

void http_stream_finish(struct http_exchange *exchange)
{
	http_link_remove(&exchange->dirty);
	http_gzip_destroy(exchange->gzip);
	exchange->gzip = NULL;
}
