/*
 * gzip (RFC 1952) for answers: which clients take it, which types gain by it, and the compressor.
 * Built without zlib, nothing is ever compressed.
 *
 * Ownership: create to destroy. Threads: one at a time. Errors: none; out of memory aborts.
 * Limits: the buffer's.
 */
#ifndef ROWLOCK_HTTP_GZIP_H
#define ROWLOCK_HTTP_GZIP_H

#include "base/buf.h"

/* Bodies below it gain nothing. */
#define HTTP_GZIP_LEAST_BYTES 1024

struct http_gzip;

/* False without zlib. */
bool http_gzip_built(void);
/* Does the value of Accept-Encoding allow gzip, with a weight above 0? (RFC 9110 12.5.3) */
bool http_gzip_accepted(struct str accept_encoding);
/* Is it text, and so likely to become smaller? */
bool http_gzip_useful(struct str content_type);

struct http_gzip *http_gzip_create(void);
void http_gzip_destroy(struct http_gzip *gzip);
/* Begins anew. */
void http_gzip_reset(struct http_gzip *gzip);
/* Appends what became of the part; `last` ends the body. */
void http_gzip_write(struct http_gzip *gzip, struct str part, bool last, struct buf *out);

#endif
