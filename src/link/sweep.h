/*
 * Asks users about holds that have been *asked* for longer than the lease, for each pair of our
 * resource and the user's, and throws away void decisions that nobody can write about any more.
 *
 * Ownership: sweep_create() to sweep_destroy(). Threads: the loop's.
 * Errors: told through the options; it tries again, later and later.
 * Limits: SWEEP_BATCH holds or decisions at a time.
 */
#ifndef ROWLOCK_LINK_SWEEP_H
#define ROWLOCK_LINK_SWEEP_H

#include "link/keep.h"

enum {
	SWEEP_BATCH = 1000,
	SWEEP_MS = 5000,  /* between two looks; as short as the lease when that is shorter */
	SWEEP_PAUSES = 6, /* at most that many times as long, without answers */
	SWEEP_PURGE_MS = 60000,
	SWEEP_VOID_DAYS = 7, /* longer than any deadline of a write */
};

/* The options are borrowed. */
struct sweep *sweep_create(const struct link_keep_options *options);
/* Begins what is due. */
void sweep_tick(struct sweep *sweep, uint64_t now_ms);
void sweep_stop(struct sweep *sweep);
bool sweep_is_idle(const struct sweep *sweep);
/* It is idle. Accepts NULL. */
void sweep_destroy(struct sweep *sweep);

#endif
