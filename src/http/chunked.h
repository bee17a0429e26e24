/*
 * The body of a request with `Transfer-Encoding: chunked` (RFC 9112 7.1), decoded as it comes.
 * Pure. Extensions and trailers are read under the limits of a header and dropped.
 *
 * Ownership: none. Threads: one at a time. Errors: chunked.error, chunked.why.
 * Limits: body_limit for what is decoded; limits->header_bytes for all extensions together and for
 * the trailers, limits->header_fields for these; 16 digits a size.
 */
#ifndef ROWLOCK_HTTP_CHUNKED_H
#define ROWLOCK_HTTP_CHUNKED_H

#include "base/buf.h"
#include "base/limits.h"

enum http_chunked_result { HTTP_CHUNKED_MORE, HTTP_CHUNKED_DONE, HTTP_CHUNKED_BAD };

enum http_chunked_state {
	HTTP_CHUNK_SIZE,
	HTTP_CHUNK_EXTENSION,
	HTTP_CHUNK_SIZE_LF,
	HTTP_CHUNK_DATA,
	HTTP_CHUNK_DATA_CR,
	HTTP_CHUNK_DATA_LF,
	HTTP_CHUNK_TRAILER,
	HTTP_CHUNK_TRAILER_NAME,
	HTTP_CHUNK_TRAILER_VALUE,
	HTTP_CHUNK_TRAILER_LF,
	HTTP_CHUNK_END_LF,
	HTTP_CHUNK_DONE,
};

struct http_chunked {
	const struct limits *limits; /* borrowed */
	enum http_chunked_state state;
	uint64_t body_limit;
	uint64_t left;   /* of this chunk; while its size is read, the size */
	uint64_t total;  /* sizes of all chunks so far */
	unsigned digits; /* of the size */
	uint64_t extension_bytes;
	uint64_t trailer_bytes;
	uint64_t trailer_fields;
	enum error_code error;
	const char *why; /* static text; NULL for the table's */
};

void http_chunked_init(struct http_chunked *chunked, const struct limits *limits,
					   uint64_t body_limit);
/* Takes bytes off the front of *input and appends what they hold to `body`. */
enum http_chunked_result http_chunked_run(struct http_chunked *chunked, struct str *input,
										  struct buf *body);

#endif
