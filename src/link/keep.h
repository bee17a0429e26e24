/*
 * What a service does about its references to and from others without being asked, for one state of
 * its service file on one loop of the process: it sends what is in the outbox, and asks about holds
 * that have been asked for too long (link/outbox.h, link/sweep.h).
 *
 * Ownership: link_keep_create() to link_keep_destroy(), which is only called when it is idle.
 * Threads: the loop's, but for the bell. Errors: told; it goes on. Limits: none of its own.
 */
#ifndef ROWLOCK_LINK_KEEP_H
#define ROWLOCK_LINK_KEEP_H

#include <stdatomic.h>

#include "link/peer.h"
#include "net/loop.h"
#include "store/store.h"

struct link_keep;
struct outbox;
struct sweep;

struct link_keep_options {
	struct loop *loop;
	struct store_session *session;
	struct peers *peers;
	const struct model *model; /* held until it is destroyed */
	uint64_t lease_ms;         /* how long a hold is asked for before its user is asked */
	_Atomic bool *bell;        /* set, on any thread, when the outbox has got something */
	/* The service of this resource does not do what it should, for the first time (for the log); or
	 * does so again: NULL. */
	void (*told)(void *context, const struct resource *resource, const char *problem);
	void *context;
};

/* Does this model have anything to keep? */
bool link_keep_is_needed(const struct model *model);
struct link_keep *link_keep_create(const struct link_keep_options *options);
/* Begins nothing more; what waits for other services ends. */
void link_keep_stop(struct link_keep *keep);
/* Nothing is under way. */
bool link_keep_is_idle(const struct link_keep *keep);
/* Accepts NULL. */
void link_keep_destroy(struct link_keep *keep);

#endif
