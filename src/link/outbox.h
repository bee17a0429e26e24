/*
 * Sends the outbox: for each pair of our resource and the owner's one sender, which reads the
 * oldest rows, asks the owner to delete these holds, and deletes the rows. Without an answer it
 * waits, from OUTBOX_LEAST_PAUSE_MS on, twice as long each time.
 *
 * Several senders of one database send twice, which does no harm.
 *
 * Ownership: outbox_create() to outbox_destroy(). Threads: the loop's.
 * Errors: told through the options; it tries again. Limits: OUTBOX_BATCH rows at a time.
 */
#ifndef ROWLOCK_LINK_OUTBOX_H
#define ROWLOCK_LINK_OUTBOX_H

#include "link/keep.h"

enum {
	OUTBOX_BATCH = 1000,
	OUTBOX_LEAST_PAUSE_MS = 100,
	OUTBOX_MOST_PAUSE_MS = 30000,
	OUTBOX_LOOK_MS = 5000, /* for rows of which no bell told */
};

/* The options are borrowed. */
struct outbox *outbox_create(const struct link_keep_options *options);
/* Begins what is due; `rung`: there may be new rows. */
void outbox_tick(struct outbox *outbox, uint64_t now_ms, bool rung);
void outbox_stop(struct outbox *outbox);
bool outbox_is_idle(const struct outbox *outbox);
/* It is idle. Accepts NULL. */
void outbox_destroy(struct outbox *outbox);

#endif
