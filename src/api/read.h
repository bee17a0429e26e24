/*
 * Reads: what is asked before the store is, in the order of what it costs. A client that has the
 * answer already is told so from versions; else the store runs the query.
 *
 * Ownership: the call's. Threads: the call's loop. Errors: answered. Limits: none.
 */
#ifndef ROWLOCK_API_READ_H
#define ROWLOCK_API_READ_H

#include "api/call.h"

/* Answers call->query, a list or get, with what `compose` makes of its result. */
void read_run(struct call *call, compose_reply *compose);

#endif
