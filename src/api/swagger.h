/*
 * The Swagger 2.0 document of a service in the shape of PostgREST's root: what its clients read to
 * learn tables, columns and keys.
 *
 * Ownership: the buffer is the caller's. Threads: all; a service is immutable.
 * Errors: the buffer's. Limits: the buffer's.
 */
#ifndef ROWLOCK_API_SWAGGER_H
#define ROWLOCK_API_SWAGGER_H

#include "api/service.h"
#include "base/buf.h"

void swagger_write(const struct service *service, struct buf *text);

#endif
