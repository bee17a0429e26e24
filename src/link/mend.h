/*
 * Finds where the two sides of references between services differ, and mends it: rows that were
 * there before their link, and backups that were restored on one side. `rowlock links`; see
 * docs/decisions/links.md.
 *
 * The user's side: rows that refer to others without a hold, or with one that the owner does not
 * have, get a hold of their own, by a write that changes nothing else (link/user.h). The owner's
 * side: kept holds of which the user says that no row has them are deleted. To ask voids them: no
 * write can use an id that was decided once.
 *
 * Ownership: the caller's options. Threads: the loop's, which nobody else runs: it is turned until
 * all is answered. Errors: those of the store, and ERROR_OVERLOADED when a service does not answer;
 * what was mended until then stays so. Limits: memory does not grow with the rows.
 */
#ifndef ROWLOCK_LINK_MEND_H
#define ROWLOCK_LINK_MEND_H

#include "link/user.h"

/* What is told; a service is named by its resource. */
enum mend_what {
	MEND_WITHOUT,  /* rows refer to others and have no hold */
	MEND_LOST,     /* rows have a hold that the owner does not have */
	MEND_DANGLING, /* keys that rows refer to, and the owner does not have; they stay as they are */
	MEND_UNUSED,   /* holds that no row has */
	MEND_UNKNOWN,  /* holds of a resource that the service file does not name */
};

struct mend_note {
	enum mend_what what;
	const struct resource *resource; /* ours */
	const struct link *link;         /* of the user's side */
	struct str from;                 /* of the owner's: whose holds they are */
	uint64_t count;                  /* at least 1 */
};

struct mend_options {
	const struct link_asker *asker;
	/* Of link/peer.h, or of a test. */
	void (*look)(struct peers *peers, struct peer_request *request, const struct message_ids *ids);
	void (*decide)(struct peers *peers, struct peer_request *request, const struct resource *from,
				   const struct uuid *ids, size_t count);
	struct peers *peers;
	struct loop *loop;
	struct store_session *session;
	const struct model *model;
	struct str peer; /* only with this resource of another service; "": with all */
	bool act;        /* else it is only looked */
	void (*told)(void *context, const struct mend_note *note);
	void *context;
};

/* The rows here that refer to others. */
bool mend_rows(const struct mend_options *options, struct error *error);
/* The holds here that others have. With `act` and `peer`, those of a resource that the service file
 * does not name go too. */
bool mend_holds(const struct mend_options *options, struct error *error);

#endif
