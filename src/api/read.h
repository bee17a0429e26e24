/*
 * Reads: what is asked before the store is, in the order of what it costs. A client that has the
 * answer already is told so from versions; an answer that is kept is sent; else the store runs the
 * query, and its answer is kept.
 *
 * Kept are answers with rows (200, 206), and that there are none (404), under everything that they
 * depend on: the service file, the request and the version of what was read. Not kept are other
 * errors, and what is asked for while a write to it is under way. A stream is gathered while it is
 * sent, up to the size of an entry.
 *
 * Ownership: the call's. Threads: the call's loop. Errors: answered.
 * Limits: those of the cache; keys have 16 KiB.
 */
#ifndef ROWLOCK_API_READ_H
#define ROWLOCK_API_READ_H

#include "api/call.h"

/* Answers call->query, a list or get, with what `compose` makes of its result. */
void read_run(struct call *call, compose_reply *compose);
/* Keeps what was composed, when it is to be; its own fields begin at `fields_at`. */
void read_keep(struct call *call, const struct reply *reply, size_t fields_at);
/* The same for an error of the store: only that something is not there is kept. */
void read_keep_missing(struct call *call, const struct error *error);
/* Keeps a stream: head, parts, and its good end; or gives it up. */
void read_keep_head(struct call *call, const struct reply *reply, size_t fields_at);
void read_keep_part(struct call *call, struct str bytes);
void read_keep_end(struct call *call);
void read_keep_nothing(struct call *call);

#endif
