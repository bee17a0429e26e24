/*
 * Asks a user for its decisions about some holds, and acts on them: what is used becomes kept, what
 * is void is deleted. Only where a hold is still the one that was asked about: see `mark` in
 * docs/decisions/links.md.
 *
 * Ownership: the caller's memory until `done`. Threads: the loop's.
 * Errors: settle_result.error. Limits: MESSAGE_MOST_HOLDS holds.
 */
#ifndef ROWLOCK_LINK_SETTLE_H
#define ROWLOCK_LINK_SETTLE_H

#include "link/peer.h"
#include "store/store.h"

struct settle_result {
	bool settled; /* all of them */
	size_t used;
	size_t voided;
	enum peer_outcome outcome;
	const char *problem; /* for the log, without an answer of the peer; NULL: none */
	struct error error;  /* not settled */
};

struct settle {
	struct store_session *session;
	struct peers *peers;
	struct arena *arena; /* lives until done */
	const struct resource *holds;
	const struct resource *from; /* of all of them; has an `at` */
	const struct uuid *ids;
	const struct value *marks; /* as many */
	size_t count;
	uint64_t timeout_ms; /* of the question; 0: the usual */
	/* Called once, on the loop, perhaps before settle_start() returns. */
	void (*done)(struct settle *settle, const struct settle_result *result);

	/* Its own, from here on. */
	struct peer_request peer;
	struct message_decisions decisions;
	struct store_request store;
	struct buf body;
};

void settle_start(struct settle *settle);
/* The peer is not waited for any more; `done` is called, now or when the store is done. */
void settle_cancel(struct settle *settle);

#endif
