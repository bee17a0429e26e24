/*
 * Writes of resources with links to other services: what link/user.h does for the query, done for a
 * call. A kept answer of its Idempotency-Key is looked for before anybody is asked.
 *
 * Ownership: the call's. Threads: the call's loop. Errors: answered. Limits: those of link/user.h.
 */
#ifndef ROWLOCK_API_LINKED_H
#define ROWLOCK_API_LINKED_H

#include "api/call.h"

/* After companion_attach(), in the place of call_run(). */
void linked_run(struct call *call, compose_reply *compose);
/* The store has answered. Once; nothing when there are no links. */
void linked_end(struct call *call, const struct store_result *result, const struct error *error);
/* When the call ends. Whatever was asked for and not written is given up. */
void linked_finish(struct call *call);

#endif
