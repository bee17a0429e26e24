/*
 * Who sends a request? The keys and rules of one service, made when its file is loaded, and on each
 * loop a session that remembers the tokens that it has checked.
 *
 * Ownership: auth_create() to auth_destroy(), sessions in between; a caller that was identified
 * holds what it needs until auth_release(). Threads: struct auth is immutable; a session is its
 * loop's. Errors: ERROR_NO_TOKEN, ERROR_TOKEN, ERROR_CLAIMS. Limits: AUTH_KEPT_TOKENS a session,
 * of at most AUTH_KEPT_BYTES each; see token.h.
 */
#ifndef ROWLOCK_AUTH_AUTH_H
#define ROWLOCK_AUTH_AUTH_H

#include <stdatomic.h>

#include "auth/principal.h"
#include "base/clock.h"
#include "base/error.h"

enum { AUTH_KEPT_TOKENS = 512, AUTH_KEPT_BYTES = 2048 };

struct auth;
struct auth_config;
struct auth_kept;
struct auth_session;
struct model_report;

/* NULL when a key cannot be used: the report says which. The config outlives it. */
struct auth *auth_create(const struct auth_config *config, struct model_report *report);
/* Accepts NULL. */
void auth_destroy(struct auth *auth);

struct auth_session *auth_session_create(struct auth *auth, const struct clock *clock);
/* When all callers were released. Accepts NULL. */
void auth_session_destroy(struct auth_session *session);

/* What a request shows; ptr NULL: it does not. */
struct auth_proof {
	struct str authorization; /* the field `Authorization` */
	struct str api_key;       /* the field `X-API-Key` */
	bool several;             /* one of them is there twice */
};

struct auth_caller {
	const struct principal *principal;
	struct auth_kept *kept; /* what the principal lives in; NULL: the service */
};

/* A token decides when both are there. */
bool auth_identify(struct auth_session *session, const struct auth_proof *proof,
				   struct auth_caller *ret_caller, struct error *error);
/* Accepts one that was never identified (zeroed). */
void auth_release(struct auth_caller *caller);

/* ---- keys that are fetched: see fetch.h ---- */

/* Whole numbers since the service began. */
struct auth_counters {
	_Atomic uint64_t fetches;  /* that were begun */
	_Atomic uint64_t failures; /* of them */
};

/* False while a set of keys has not come for the first time: nobody is let in. */
bool auth_is_ready(struct auth *auth);
bool auth_fetches(const struct auth *auth);
struct auth_counters *auth_counters(struct auth *auth);
/* Takes over what another state of the service file has fetched. */
void auth_inherit(struct auth *auth, struct auth *from);

#endif
