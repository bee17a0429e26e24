/*
 * Who sends a request: the holder of a token that was checked, of an API key, or nobody in
 * particular.
 *
 * Ownership: borrowed from the request, which outlives it; immutable. Threads: any.
 * Errors, Limits: none.
 */
#ifndef ROWLOCK_AUTH_PRINCIPAL_H
#define ROWLOCK_AUTH_PRINCIPAL_H

#include "query/claims.h"

struct principal {
	struct claims claims; /* no list for API keys and anonymous callers */
	/* Tells callers apart, "" for anonymous ones: `token:` with a hash of issuer and subject, or
	 * `key:` with the name of the API key. */
	struct str id;
	bool anonymous;
};

#endif
