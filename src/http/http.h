/*
 * The HTTP/1.1 server (RFC 9110, 9112): parses strictly, calls one handler per request, and sends
 * the answers in order. It knows nothing of records.
 *
 * Life of an exchange: the handler is called with the whole request (body included). It answers
 * with http_answer() or begins a stream with http_stream_begin(), at once or later, on the loop's
 * thread; exactly one of them, once. Until then no further request of the connection is parsed.
 * When the client has gone meanwhile, answering is still required and does nothing.
 *
 * Ownership: the request and its texts live until the exchange is answered (streams: ended).
 * Threads: everything runs on the loop that accepted the connection.
 * Errors: requests that are no HTTP are answered here, through the same error writer.
 * Limits: request line, header, fields, body, connections, deadlines: struct limits.
 */
#ifndef ROWLOCK_HTTP_HTTP_H
#define ROWLOCK_HTTP_HTTP_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/limits.h"

struct loop;
struct address;
struct tls;
struct http_exchange;
struct http_server;

enum http_method {
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_PUT,
	HTTP_PATCH,
	HTTP_DELETE,
	HTTP_OPTIONS,
	HTTP_QUERY,
	HTTP_METHODS /* how many there are */
};
struct str http_method_name(enum http_method method);
/* False when the name (case-sensitive) is none of them. */
bool http_method_parse(struct str name, enum http_method *ret_method);

struct http_field {
	struct str name; /* as received */
	struct str value;
};

struct http_request {
	enum http_method method;
	struct str path;  /* raw, from the first '/', without query; "*" for OPTIONS * */
	struct str query; /* raw, without '?' */
	struct str host;  /* value of Host, "" when there is none (HTTP/1.0) */
	struct str body;  /* above 1 MiB it lies in a mapped file, not in memory */
	const struct http_field *fields;
	size_t field_count;
	struct str peer; /* numeric address of the client */
	bool keep_alive; /* after this request */
};

/* The value of the first field of that name (any case); "" with ptr NULL when there is none. */
struct str http_request_field(const struct http_request *request, struct str name);

struct http_answer {
	int status;
	struct str content_type; /* "" sends none */
	struct str body;         /* at most 1 GiB; copied before http_answer() returns when needed */
	struct str fields;       /* further fields, each ended by "\r\n"; "" for none */
	bool no_body;            /* 204, 304: no Content-Length either */
	bool close;              /* end the connection afterwards */
	bool identity;           /* never compressed */
	bool no_length;          /* to HEAD no Content-Length is sent */
};

/* What the servers of all loops count together; zero at first. Touched when connections come and
 * go and for pieces of memory of 64 KiB and more, never by an ordinary request. */
struct http_shared {
	_Atomic uint64_t connections;  /* open, against limits->connections */
	_Atomic uint64_t memory_bytes; /* bodies and answers, against limits->memory_bytes */
};

struct http_server_options {
	const struct limits *limits;
	struct http_shared *shared; /* NULL: the server counts for itself */
	struct tls *tls;            /* borrowed; NULL: plain HTTP */
	/* Called for every request. */
	void (*handle)(void *context, struct http_exchange *exchange);
	/* Writes the body of an error that http found itself; api gives the same as for its own.
	 * Sets the content type. NULL: the message as plain text. */
	void (*error_body)(void *context, const struct error *error, struct buf *ret_body,
					   struct str *ret_content_type);
	/* Called when an answer is complete, or its connection lost: for the access log and metrics.
	 * NULL for none. `status` is 0 when nothing was sent. A request that could not be read has an
	 * empty path. */
	void (*finished)(void *context, const struct http_exchange *exchange, int status,
					 uint64_t body_bytes, uint64_t micros);
	/* The largest body that this request may have, before it is read; NULL: limits->body_bytes */
	uint64_t (*body_limit)(void *context, const struct http_request *request);
	void *context;
};

/* One server a loop and address. The options are copied, what they point to is borrowed. Begins to
 * accept when http_server_start() is called. *address gets the port that was chosen. */
struct http_server *http_server_create(struct loop *loop, struct address *address,
									   const struct http_server_options *options,
									   struct error *error);
void http_server_start(struct http_server *server);
/* Stops accepting; idle connections close, others after their answer; past limits->drain_ms all are
 * cut. Calls `done` (on the loop) when no connection is left, all exchanges are answered and the
 * listener is closed; it may destroy the server. The loop runs on until then. */
void http_server_drain(struct http_server *server, void (*done)(void *context), void *context);
/* After drain was done. Accepts NULL. */
void http_server_destroy(struct http_server *server);

struct http_stats {
	uint64_t connections; /* open now */
	uint64_t accepted;
	uint64_t refused; /* over limits->connections */
	uint64_t requests;
	uint64_t bad_requests; /* answered by http itself */
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint64_t handshakes; /* of TLS that were done */
	uint64_t handshake_failures;
};
/* Counters of one server; written by its loop with relaxed atomics, read by any thread. */
struct http_stats http_server_stats(const struct http_server *server);

/* ---- an exchange ---- */

const struct http_request *http_exchange_request(const struct http_exchange *exchange);
/* The first `bytes` of a request's body have been read: a large one, which lies in a file, need not
 * keep them in memory. Any thread. */
void http_body_release(struct str body, size_t bytes);
/* Memory that lives until the exchange is answered. */
struct arena *http_exchange_arena(struct http_exchange *exchange);
struct loop *http_exchange_loop(struct http_exchange *exchange);
/* The caller's own word of the exchange; NULL at first. `finished` may read it. */
void http_exchange_set_data(struct http_exchange *exchange, void *data);
void *http_exchange_data(const struct http_exchange *exchange);
/* True when the connection is lost: a long piece of work may as well be given up. */
bool http_exchange_gone(const struct http_exchange *exchange);
/* An empty buffer (limit: limits->memory_bytes) that lives until the exchange is answered and costs
 * no allocation when the answer is given within the handler; for bodies. */
struct buf *http_exchange_buffer(struct http_exchange *exchange);
/* A second one, for fields. */
struct buf *http_exchange_field_buffer(struct http_exchange *exchange);

/* Sends a whole answer; adds Date, Server, Content-Length, Connection; leaves the body out for
 * HEAD; compresses bodies of 1 KiB and more with gzip when the client accepts it, and adds Vary (a
 * field of its own unless one of the answer's names Accept-Encoding or `*`). An ETag among the
 * fields then gets "-gz" before its closing quote: another representation. */
void http_answer(struct http_exchange *exchange, const struct http_answer *answer);

/* Begins an answer of unknown length: chunked, or for HTTP/1.0 until close. answer->body is the
 * first part. */
void http_stream_begin(struct http_exchange *exchange, const struct http_answer *answer);
/* Sends a further part, copied. Returns false when more than 256 KiB wait to be sent: the caller
 * then stops until `resume` is called (once, on the loop). After the connection is lost parts are
 * dropped and it returns true. */
bool http_stream_write(struct http_exchange *exchange, struct str part,
					   void (*resume)(void *context), void *context);
/* Ends it well: the last chunk. */
void http_stream_end(struct http_exchange *exchange);
/* Ends it badly: the connection is cut without the last chunk. */
void http_stream_abort(struct http_exchange *exchange);

#endif
