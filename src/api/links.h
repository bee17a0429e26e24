/*
 * References between services, as this service keeps them: the routes that other services call
 * (`PUT`, `DELETE` and `POST /.rowlock/holds`, `POST /.rowlock/decide`), rows here that are held,
 * and what is done without being asked. See docs/decisions/links.md.
 *
 * Ownership: none but of what a loop has in api_priv.h. Threads: the call's, or the loop's.
 * Errors: ERROR_FORBIDDEN, those of link/message.h, ERROR_IDEMPOTENCY (422) for an id of another
 * hold, ERROR_REFERENCE. Limits: bodies of LINKS_BODY_BYTES or limits->body_bytes.
 */
#ifndef ROWLOCK_API_LINKS_H
#define ROWLOCK_API_LINKS_H

#include "api/call.h"

enum {
	LINKS_BODY_BYTES = 4 << 20, /* a message is of PEER_MESSAGE_BYTES, or one hold */
	LINKS_ASK_MS = 2000,        /* a hold that is older may be asked about for a delete */
};

/* What other services call, below `/.rowlock/`. */
struct link_route {
	enum http_method method;
	struct str name;
	bool owner; /* else it is a user's */
	void (*run)(struct call *call);
};
extern const struct link_route link_routes[];
extern const size_t link_route_count;
/* Does the service have it? */
bool link_route_serves(const struct link_route *route, const struct model *model);

/* Is it a message to one of them, of which more may come than of an ordinary request? */
bool links_is_message(const struct http_request *request);

/* A write has failed, perhaps since a row that it deletes or changes is held. True: the error is
 * answered from here on, or the write runs once more. */
bool links_held(struct call *call, const struct error *error);
/* What a store says of the program's own tables is put in other words. */
void links_hide(struct error *error);

/* The outbox has got something. Any thread. */
void links_ring(struct api *api);

/* Appends the numbers of holds and of the outbox, then calls `done`, perhaps at once. */
void links_count(struct call *call, struct buf *text, void (*done)(struct call *call));

/* ---- for api.c ---- */

/* Begins for the state of the service file that the loop has, ends that of the one before. */
void links_keep(struct api_loop *loop);
/* Of a loop that has no requests any more. */
void links_end(struct api_loop *loop);

#endif
