/*
 * What key.c and key_jwks.c share.
 *
 * Ownership, Threads, Limits: see key.h. Errors: false, after a problem was put in the report.
 */
#ifndef ROWLOCK_AUTH_KEY_PRIV_H
#define ROWLOCK_AUTH_KEY_PRIV_H

#include "auth/key.h"

/* Why a public key cannot be used with the algorithm; NULL when it can. */
const char *key_unfit(struct evp_pkey_st *pkey, enum auth_algorithm algorithm);
/* Adds one, which is taken over; false when there are too many. */
bool keys_add(struct keys *keys, const struct key *key, struct place place,
			  struct model_report *report);
/* Adds the keys of a set (JSON text); those for other uses and algorithms are passed over. */
bool keys_add_set(struct keys *keys, const struct auth_key_source *source, struct str json,
				  struct model_report *report);

#endif
