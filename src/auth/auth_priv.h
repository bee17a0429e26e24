/*
 * What auth.c shows to fetch.c.
 *
 * Ownership, Threads, Errors, Limits: see auth.h.
 */
#ifndef ROWLOCK_AUTH_AUTH_PRIV_H
#define ROWLOCK_AUTH_AUTH_PRIV_H

#include "auth/auth.h"
#include "auth/key_ring.h"

struct key_ring *auth_ring(struct auth *auth);
int64_t auth_refresh_s(const struct auth *auth);

#endif
