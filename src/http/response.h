/*
 * The head of an answer as bytes. Pure.
 *
 * Ownership, Threads: plain data. Errors: the buffer's. Limits: the buffer's.
 */
#ifndef ROWLOCK_HTTP_RESPONSE_H
#define ROWLOCK_HTTP_RESPONSE_H

#include "base/buf.h"

/* "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n" and a NUL. */
#define HTTP_DATE_BYTES 38

enum http_length { HTTP_LENGTH_NONE, HTTP_LENGTH_KNOWN, HTTP_LENGTH_CHUNKED };
enum http_persistence { HTTP_PERSIST_SILENT, HTTP_PERSIST_CLOSE, HTTP_PERSIST_KEEP_ALIVE };

struct http_response {
	int status;
	struct str content_type; /* "" sends none */
	struct str fields;       /* each ended by "\r\n" */
	enum http_length length;
	uint64_t bytes; /* when the length is known */
	enum http_persistence persistence;
	bool gzip; /* adds Content-Encoding, and "-gz" to an ETag among the fields */
	bool vary; /* adds Vary: Accept-Encoding unless the fields say it already */
};

/* Appends the head, the empty line included. */
void http_response_write(struct buf *out, const struct http_response *response,
						 const char date[HTTP_DATE_BYTES]);
/* The Date line of a time in seconds since 1970. */
void http_response_date(int64_t seconds, char ret_date[HTTP_DATE_BYTES]);
/* Is there a field of that name (any case) in lines ended by "\r\n"? */
bool http_response_has(struct str fields, struct str name);

#endif
