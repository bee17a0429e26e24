/*
 * Reads of resources that live in other services, and the join of their rows with ours: a session
 * like a store's, for queries whose tree has such resources. It works with every service that
 * speaks the API that PostgREST has.
 *
 * Each level of a tree is asked for by itself. The rows embedded in a batch of parents are asked
 * for by the keys of these; when the parents are many and come in the order of the key, all rows of
 * the level are asked for once, in the same order, and merged. So memory does not grow with the
 * number of rows. What a service is asked for is one snapshot of its own; two of them are not.
 *
 * Ownership: remote_attach() to store_detach(). Threads: a session belongs to its loop.
 * Errors: SOURCE_DOWN, SOURCE_LATE, SOURCE_BAD, which name the resource; UNSUPPORTED; those of our
 * own store. Limits: read_ms for the first bytes of each service, and between any two of them;
 * memory_bytes.
 */
#ifndef ROWLOCK_LINK_REMOTE_H
#define ROWLOCK_LINK_REMOTE_H

#include "store/store.h"

/* `local` runs what is asked of our own resources; it outlives the session. */
struct store_session *remote_attach(struct loop *loop, struct store_session *local,
									const struct limits *limits);

#endif
