/*
 * The OpenAPI 3.1 document of a service: every path and method that its router serves, with
 * parameters, bodies, answers and errors.
 *
 * Ownership: the buffer is the caller's. Threads: all; a service is immutable.
 * Errors: the buffer's. Limits: the buffer's.
 */
#ifndef ROWLOCK_API_OPENAPI_H
#define ROWLOCK_API_OPENAPI_H

#include "api/service.h"
#include "base/buf.h"

/* Writes the document as it is served at /openapi.json: compact, in the order of the service file.
 * Its server is the folder that it is fetched from, so it holds below a gateway's prefix too. */
void openapi_write(const struct service *service, struct buf *text);
/* Writes such a document again, for a place one folder below. */
void openapi_write_below(struct str document, struct buf *text);

#endif
