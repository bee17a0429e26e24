/*
 * The body of a request while it comes, and until the exchange is answered: up to 1 MiB it gathers
 * in memory, above it goes to a file without a name ($TMPDIR, else /tmp) and is mapped when whole.
 * The reader of the connection puts bytes into `part`; the handler gets one text either way.
 *
 * Ownership: the body owns its memory, file and mapping until http_body_clear().
 * Threads: the server's loop. Writes to the file are made there: they end in the page cache.
 * Errors: ERROR_OVERLOADED over the memory budget or without a descriptor, ERROR_STORE_FULL when
 * there is no room for the file (the process ignores SIGXFSZ), else ERROR_INTERNAL. A body that has
 * failed is only cleared.
 * Limits: limits->memory_bytes for what is in memory, of a body in a file 128 KiB; the largest body
 * is the caller's affair.
 */
#ifndef ROWLOCK_HTTP_BODY_H
#define ROWLOCK_HTTP_BODY_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/limits.h"

struct http_server;

/* A longer body goes to a file. */
#define HTTP_BODY_MEMORY_BYTES MIB(1)
/* Only the last write to the file is of less. */
#define HTTP_BODY_PIECE_BYTES KIB(64)
/* Of a chunked body. */
#define HTTP_BODY_LENGTH_UNKNOWN UINT64_MAX

/* What the kernel is asked for, and may refuse: as open(2) with O_TMPFILE, and write(2). */
struct http_body_io {
	int (*open_unnamed)(const char *folder);
	ssize_t (*write)(int fd, const void *bytes, size_t count);
};

struct http_body {
	struct http_server *server; /* borrowed: its memory budget */
	const struct http_body_io *io;
	uint64_t length;  /* what the client says will come */
	struct buf part;  /* what came and is not in the file */
	size_t accounted; /* of it, in shared->memory_bytes */
	int fd;           /* of the file; -1 before it is needed and when it is mapped */
	uint64_t stored;  /* bytes in the file */
	void *map;        /* all of them; NULL before the body is whole */
};

void http_body_init(struct http_body *body, struct http_server *server);
void http_body_finish(struct http_body *body);
/* Forgets the body; what it gave is gone. Keeps up to `keep_bytes` of memory for the next. */
void http_body_clear(struct http_body *body, size_t keep_bytes);

/* A body of so many bytes follows. */
void http_body_begin(struct http_body *body, uint64_t length);
/* Bytes were appended to `part`, or will be: writes what is due to the file, and makes room for the
 * next when the length is known. */
bool http_body_settle(struct http_body *body, struct error *error);
/* How many of the next bytes there is room for behind body->part.len, up to the end of the body. */
size_t http_body_room(const struct http_body *body);
/* The body is whole: *ret_text is valid until http_body_clear(). */
bool http_body_complete(struct http_body *body, struct str *ret_text, struct error *error);

/* How much came. */
static inline uint64_t http_body_bytes(const struct http_body *body)
{
	return body->stored + body->part.len;
}

#endif
