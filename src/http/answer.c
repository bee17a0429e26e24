#include "http/answer.h"

#include "http/connection.h"
#include "http/output.h"
#include "http/pool.h"

void http_answer_error(struct http_exchange *exchange, enum error_code code, const char *why,
					   struct http_answer *ret_answer)
{
	const struct http_server_options *options = &exchange->connection->server->options;
	struct buf *body = &exchange->buffers[0];
	struct http_answer answer = {
		.status = error_info(code)->status,
		.content_type = STR("text/plain; charset=utf-8"),
		.identity = true,
	};
	struct error error;
	if (why == NULL) {
		error_set(&error, code, NULL);
	} else {
		error_set(&error, code, "%s", why);
	}
	if (answer.status == 503) {
		answer.fields = STR("Retry-After: 1\r\n");
	}
	buf_clear(body);
	if (options->error_body != NULL) {
		options->error_body(options->context, &error, body, &answer.content_type);
	} else {
		buf_append(body, str_from(error.message));
		buf_append_byte(body, '\n');
	}
	answer.body = buf_str(body);
	*ret_answer = answer;
}

void http_answer_head(struct http_exchange *exchange, const struct http_answer *answer,
					  const struct http_response *plan)
{
	struct http_connection *connection = exchange->connection;
	const struct http_request *request = &exchange->request;
	struct http_response response = *plan;
	assert(answer->fields.len == 0 || str_ends_with(answer->fields, STR("\r\n")));
	response.status = answer->status;
	response.content_type = answer->content_type;
	response.fields = answer->fields;
	if (answer->close || exchange->close || connection->server->draining) {
		exchange->close = true;
		/* The client does not expect it, and may be sending its next request. */
		connection->linger = connection->linger || request->keep_alive;
	}
	exchange->close = exchange->close || !request->keep_alive;
	if (exchange->close) {
		response.persistence = HTTP_PERSIST_CLOSE;
		connection->linger = connection->linger || connection->from < connection->to;
	} else if (exchange->parser.minor == 0) {
		response.persistence = HTTP_PERSIST_KEEP_ALIVE;
	}
	exchange->status = answer->status;
	http_response_write(http_output_cork(connection), &response, connection->server->date);
}

/* Replaces the body by a compressed one when the client takes it and it is worth it. */
static struct str pack(struct http_exchange *exchange, const struct http_answer *answer,
					   struct http_response *plan)
{
	struct http_server *server = exchange->connection->server;
	if (answer->body.len < HTTP_GZIP_LEAST_BYTES || answer->identity || !http_gzip_built() ||
		!http_gzip_useful(answer->content_type) ||
		http_response_has(answer->fields, STR("Content-Encoding"))) {
		return answer->body;
	}
	plan->vary = true;
	if (!http_gzip_accepted(http_parser_accept_encoding(&exchange->parser))) {
		return answer->body;
	}
	plan->gzip = true;
	if (server->gzip == NULL) {
		server->gzip = http_gzip_create();
	}
	http_gzip_reset(server->gzip);
	buf_clear(&server->packed);
	http_gzip_write(server->gzip, answer->body, true, &server->packed);
	return buf_str(&server->packed);
}

/* Called with the connection open. */
static void send_answer(struct http_exchange *exchange, const struct http_answer *answer)
{
	struct http_connection *connection = exchange->connection;
	struct http_response plan = {.length = HTTP_LENGTH_KNOWN};
	struct str body = pack(exchange, answer, &plan);
	if (answer->no_body || answer->status == 204 || answer->status == 304) {
		assert(body.len == 0);
		bool never = answer->status == 204 || answer->status == 304;
		plan.length = never ? HTTP_LENGTH_NONE : HTTP_LENGTH_KNOWN;
	}
	if (answer->no_length && exchange->request.method == HTTP_HEAD) {
		plan.length = HTTP_LENGTH_NONE;
	}
	plan.bytes = body.len;
	http_answer_head(exchange, answer, &plan);
	if (exchange->request.method == HTTP_HEAD || body.len == 0) {
		return;
	}
	exchange->sent_bytes = body.len;
	if (body.len < HTTP_COPY_BYTES) {
		buf_append(http_output_cork(connection), body);
	} else {
		http_output_send(connection, body, STR(""));
	}
	http_buf_reuse(&connection->server->packed, HTTP_SMALL_BYTES * 4);
}

void http_answer(struct http_exchange *exchange, const struct http_answer *answer)
{
	struct http_connection *connection = exchange->connection;
	struct http_answer busy;
	assert(!exchange->answered && !exchange->streaming);
	exchange->answered = true;
	if (connection->phase != HTTP_PHASE_CLOSED) {
		assert(connection->phase == HTTP_PHASE_HANDLING);
		bool large = answer->body.len >= HTTP_SMALL_BYTES;
		bool huge = answer->body.len > HTTP_WRITE_BYTES;
		if (huge || (large && http_over_budget(connection->server, answer->body.len))) {
			http_answer_error(exchange, ERROR_OVERLOADED, NULL, &busy);
			answer = &busy;
		}
		send_answer(exchange, answer);
	}
	if (!exchange->in_handler && http_connection_answered(connection)) {
		if (connection->phase == HTTP_PHASE_IDLE) {
			http_output_wait(connection);
		}
		http_connection_process(connection);
	}
}
