/*
 * The window of rows that a request asks for by a Range field, and how answers name theirs.
 *
 * Ownership: none. Threads: plain functions.
 * Errors: ERROR_RANGE (PGRST103). Limits: none.
 */
#ifndef ROWLOCK_API_RANGE_H
#define ROWLOCK_API_RANGE_H

#include "api/call.h"

/* Narrows limit and offset to `Range: 10-19`, of items (RFC 9110's bytes are another unit). What is
 * no such range is ignored. */
bool range_apply(const struct http_request *request, struct query *query, struct error *error);
/* Content-Range: lo-hi/total; `*` where there are no rows, or the total is not known (NULL). */
void range_add(struct reply *reply, uint64_t offset, uint64_t rows, const uint64_t *total);

#endif
