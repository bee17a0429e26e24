/*
 * Asks other services about holds and decisions, over net/client.h: one `struct peers` a loop, and
 * in it one peer for each base URL. That URL is the `at` of a resource of the service file, never a
 * text of a message. Requests are signed (link/credential.h); answers are read (link/message.h).
 *
 * Each peer has a breaker: after PEER_FAILURES requests in a row without an answer it is not asked
 * for PEER_PAUSE_MS, then for twice as long each time, at most PEER_MOST_PAUSE_MS; then one request
 * is let through. Those that are not let through have no answer at once.
 *
 * Ownership: peers_create() to peers_close(). A request is the caller's memory until `done` or
 * peers_cancel(); so is all that it points to: resources (of a model that is held), holds, ids.
 * What is in an answer lives in request->arena.
 * Threads: the loop's; peers_get_stats() on any. Errors: peer_answer.error.
 * Limits: any number of holds, ids or keys: more than MESSAGE_MOST_HOLDS, or PEER_MESSAGE_BYTES,
 * go in several messages, one after the other. PEER_HOLD_MS for each PUT or GET, PEER_SLOW_MS for
 * each DELETE or decide.
 */
#ifndef ROWLOCK_LINK_PEER_H
#define ROWLOCK_LINK_PEER_H

#include "link/message.h"
#include "net/client.h"

enum {
	PEER_HOLD_MS = 2000,
	PEER_SLOW_MS = 10000,
	PEER_MESSAGE_BYTES = 1 << 20,
	PEER_ANSWER_BYTES = 4 << 20,
	PEER_FAILURES = 5,
	PEER_PAUSE_MS = 500,
	PEER_MOST_PAUSE_MS = 8000,
};

struct peer;
struct peers;
struct peer_request;

enum peer_outcome {
	PEER_DONE,      /* all of it; the rows that are asked for are there */
	PEER_MISSING,   /* hold, check: rows that are not there; nothing is held by this message */
	PEER_REFUSED,   /* an answer that repeating does not change: credential, other service file */
	PEER_NO_ANSWER, /* none in time, or 5xx, or nothing that can be read; or the breaker is open */
};

struct peer_answer {
	enum peer_outcome outcome;
	/* Some message may have reached the other service: what was asked for may be held there. */
	bool sent;
	struct message_keys missing;        /* PEER_MISSING: at least one */
	struct message_decisions decisions; /* PEER_DONE of a decide, a look */
	/* PEER_MISSING: ERROR_REFERENCE; REFUSED, NO_ANSWER: ERROR_OVERLOADED, for the client, with a
	 * Retry-After. `problem` is for the log: why. */
	struct error error;
	const char *problem;
};

/* Zero at first. */
struct peer_request {
	struct arena *arena; /* lives until done */
	uint64_t timeout_ms; /* of each message; 0: the usual */
	/* Called once, on the loop, perhaps before the function that began it returns; not after
	 * peers_cancel(). The request may be used again, or freed, in it. */
	void (*done)(struct peer_request *request, const struct peer_answer *answer);

	/* Its own, from here on. */
	struct peer *peer;
	enum { PEER_ACT_HOLD, PEER_ACT_RELEASE, PEER_ACT_DECIDE, PEER_ACT_LOOK, PEER_ACT_CHECK } act;
	union {
		struct message_holds holds;
		struct message_ids ids;
		struct message_keys keys;
	} what;
	const struct resource *resource; /* with the `at` that is asked */
	size_t at;                       /* how many of `what` are done */
	size_t step;                     /* and how many are under way */
	struct buf url;
	struct buf fields;
	struct buf body;
	bool busy;  /* the request is under way */
	bool probe; /* the one that an open breaker let through */
	bool sent;
	struct uuid *used; /* arena: of a decide or look, as many as ids */
	size_t used_count;
	struct uuid *voided;
	size_t void_count;
	struct client_request http;
};

/* Of one loop, or added up. */
struct peer_stats {
	uint64_t requests; /* messages that were sent */
	uint64_t failures; /* of these, without an answer that can be read, or refused */
	uint64_t skipped;  /* not sent: the breaker was open */
	uint64_t open;     /* breakers that are open now */
};

/* `key` is LINK_KEY, "" for none; copied. */
struct peers *peers_create(struct loop *loop, struct str key);
/* No request is under way. What peers_give_up() began ends here. Accepts NULL. It frees itself
 * while the loop runs to its end. */
void peers_close(struct peers *peers);

/* PUT: holds->resource is the owner's, with `at`; holds->from is ours. When it is not PEER_DONE,
 * some of the holds may be there: give all of them up, unless nothing was sent. */
void peers_hold(struct peers *peers, struct peer_request *request,
				const struct message_holds *holds);
/* DELETE: ids->resource and ids->from as of holds. */
void peers_release(struct peers *peers, struct peer_request *request,
				   const struct message_ids *ids);
/* decide: asks the user, whose resource `from` is, with `at`. Every id of a PEER_DONE is in one of
 * the answer's two lists; other ids are in none. */
void peers_decide(struct peers *peers, struct peer_request *request, const struct resource *from,
				  const struct uuid *ids, size_t count);
/* Which of these holds does the owner have? They are told as used, the others as void. */
void peers_look(struct peers *peers, struct peer_request *request, const struct message_ids *ids);
/* `check: get`: is there a row of `resource`, which has `at`, with each of these keys? */
void peers_check(struct peers *peers, struct peer_request *request, const struct resource *resource,
				 const struct message_keys *keys);
/* The request is the caller's again; `done` is not called any more. It need not be under way. */
void peers_cancel(struct peer_request *request);
static inline bool peer_request_waits(const struct peer_request *request)
{
	return request->peer != NULL;
}
/* DELETE, once, whether it arrives or not; nothing is told. The ids are copied. */
void peers_give_up(struct peers *peers, const struct message_ids *ids);
/* Adds to what is there. */
void peers_get_stats(const struct peers *peers, struct peer_stats *stats);

#endif
