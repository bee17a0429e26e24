/*
 * Fetches the sets of keys that a service file names by address: at once, then after `refresh`
 * seconds, and sooner when a token names a key that is not there, but no more than once in
 * FETCH_PAUSE_S (or in `refresh`, when that is less). What fails is tried again after growing
 * pauses, and the keys that are there stay.
 *
 * Ownership: auth_fetch_start() to auth_fetch_stop(). Threads: the loop's; what is fetched is there
 * for all. Errors: told to `tell`. Limits: KEY_FILE_BYTES, FETCH_MS; redirects are not followed.
 */
#ifndef ROWLOCK_AUTH_FETCH_H
#define ROWLOCK_AUTH_FETCH_H

#include "auth/auth.h"

enum { FETCH_MS = 10000, FETCH_PAUSE_S = 5, FETCH_BACK_OFF_S = 60 };

struct auth_fetch;
struct loop;

struct auth_fetch_options {
	/* A set has come that is another than before (problem NULL), or could not be used. */
	void (*tell)(void *context, struct str url, const char *problem);
	void *context;
};

/* NULL when nothing is to be fetched. `auth` must live as long. */
struct auth_fetch *auth_fetch_start(struct auth *auth, struct loop *loop,
									const struct auth_fetch_options *options);
/* Before the loop ends. Accepts NULL. */
void auth_fetch_stop(struct auth_fetch *fetch);

#endif
