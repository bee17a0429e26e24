/*
 * What rides along with a write, in its transaction: preconditions on the row (If-Match,
 * If-None-Match: *), how many rows it may touch, `tx=rollback`, rows that may be others'
 * (api/merge.h), what keeps references to other services right (link/user.h), and answers that are
 * kept for repeated requests (Idempotency-Key). It says in which order: nothing is decided about
 * holds before all that may refuse the write, and an answer is kept last.
 *
 * Ownership: part of the call. Threads: set up on the loop, run by the store.
 * Errors: ERROR_PRECONDITION, ERROR_NOT_ONE, ERROR_MAX_AFFECTED, ERROR_IDEMPOTENCY.
 * Limits: keys of IDEMPOTENCY_KEY_BYTES; bodies of IDEMPOTENCY_BODY_BYTES are kept.
 */
#ifndef ROWLOCK_API_COMPANION_H
#define ROWLOCK_API_COMPANION_H

#include "store/store.h"

struct call;
struct reply;

enum { IDEMPOTENCY_KEY_BYTES = 255, IDEMPOTENCY_BODY_BYTES = 65536, IDEMPOTENCY_HOURS = 24 };

struct companion {
	struct store_companion base;
	struct call *call;
	struct str if_match; /* of If-Match; "": none */
	bool create_only;    /* If-None-Match: * */
	bool singular;       /* exactly one row is to be written */
	bool roll_back;
	uint64_t max_affected; /* UINT64_MAX: any number */
	struct merge *merge;   /* of rows that may be others'; NULL: nothing is asked of them */
	struct query row;      /* GET of the one row, with its tag; for preconditions */
	struct str key;        /* Idempotency-Key; ptr NULL: none */
	struct str hash;       /* of the request, under this key */
	struct str scope;      /* whose key it is */
	bool composed;         /* the reply was made in the transaction */
	int status;
	struct str content_type;
	struct buf fields; /* owned: of the reply that is kept or was kept */
};

/* Reads the request's fields. `pinned`: the request is about one row, by its key; `where` of
 * call->query or, for a row that may be made, of `row` pins it. */
bool companion_init(struct call *call, const struct cond *row, struct error *error);
/* Ties it to the store's request, when there is anything for it to do. */
void companion_attach(struct call *call);
/* When the store is done and the transaction made or found the reply: fills it in. */
bool companion_reply(struct call *call, struct reply *reply);
void companion_finish(struct call *call);

#endif
