/*
 * Who is at the other end of a request that came through proxies? Each proxy writes whom it got the
 * request from at the end of X-Forwarded-For; what stands before the first one that is trusted may
 * be anybody's invention.
 *
 * Ownership: the text is the request's or the arena's. Threads: any.
 * Errors: what is no address ends the search. Limits: those of a request's header.
 */
#ifndef ROWLOCK_API_FORWARDED_H
#define ROWLOCK_API_FORWARDED_H

#include "base/arena.h"
#include "http/http.h"
#include "model/model.h"

/* The address of the nearest sender that is not trusted; when all are, of the farthest. */
struct str forwarded_peer(const struct http_request *request, const struct model *model,
						  struct arena *arena);

#endif
