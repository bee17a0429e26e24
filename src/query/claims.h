/*
 * What is known of who sends a request, as conditions may ask for it: a subject, a role and claims
 * by name. Made from the payload of a token that was checked; immutable from then on.
 *
 * A claim inside an object has the names on the way to it joined by dots: `address.country`. Names
 * that have dots themselves are found in the same way; a name that leads to two claims leads to
 * none.
 *
 * Ownership: texts are arena, or borrowed from the JSON text. Threads: any, once made.
 * Errors: ERROR_BODY with the place in the JSON text. Limits: CLAIMS_DEPTH, CLAIMS_COUNT.
 */
#ifndef ROWLOCK_QUERY_CLAIMS_H
#define ROWLOCK_QUERY_CLAIMS_H

#include "base/arena.h"
#include "base/error.h"

enum { CLAIMS_DEPTH = 16, CLAIMS_COUNT = 1000 };

enum claim_kind {
	CLAIM_TEXT,    /* text: decoded */
	CLAIM_NUMBER,  /* text: as it was written in JSON, such as 5 or 1.5e3 */
	CLAIM_BOOLEAN, /* text: true or false */
	CLAIM_NULL,    /* text: null */
	CLAIM_LIST,    /* text: the JSON array as it was written */
	CLAIM_OBJECT,  /* text: the JSON object as it was written */
};

struct claim {
	struct str name; /* with dots */
	enum claim_kind kind;
	struct str text;
};

struct claims {
	struct str sub;  /* "": none */
	struct str role; /* "": none */
	const struct claim *list;
	size_t count;
};

/* Reads a JSON object, members of objects in it included. Leaves sub and role "". */
bool claims_read(struct str json, struct arena *arena, struct claims *ret_claims,
				 struct error *error);
/* NULL when there is no such claim, or more than one. `claims` may be NULL: nobody, no claims. */
const struct claim *claims_find(const struct claims *claims, struct str name);

#endif
