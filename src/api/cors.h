/*
 * Cross-origin requests of browsers (Fetch, CORS): answered for the origins that the service file
 * lists, and for no others.
 *
 * Ownership: none. Threads: the call's. Errors: none. Limits: none.
 */
#ifndef ROWLOCK_API_CORS_H
#define ROWLOCK_API_CORS_H

#include "http/http.h"
#include "model/model.h"

/* Is this origin listed? */
bool cors_allows(const struct model *model, struct str origin);
/* Adds the fields that a browser needs to hand the answer to the page. */
void cors_add(const struct model *model, const struct http_request *request, struct buf *fields);
/* The same for an OPTIONS request that asks before another one. */
void cors_add_preflight(const struct model *model, const struct http_request *request,
						struct buf *fields);

#endif
