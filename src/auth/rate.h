/*
 * How often each caller may send: a token bucket for each, written as the moment at which it would
 * be full again (the generic cell rate algorithm).
 *
 * Callers are told apart by a hash under a random key. Each has its place in one of many small
 * groups; in a full group the one that was quiet for longest is forgotten, which can only be to its
 * advantage.
 *
 * Ownership: rate_create() to rate_destroy(). Threads: all.
 * Errors: ERROR_RATE. Limits: RATE_CALLERS are remembered, in a fixed amount of memory.
 */
#ifndef ROWLOCK_AUTH_RATE_H
#define ROWLOCK_AUTH_RATE_H

#include "base/error.h"

enum { RATE_CALLERS = 65536 };

struct auth_config;
struct rate;

struct rate *rate_create(void);
/* Accepts NULL. */
void rate_destroy(struct rate *rate);
/* Takes one request of `caller` at `now_ns` (never goes back). True when it may be served; else the
 * error, and in *ret_wait_s the seconds after which it may, at least 1. */
bool rate_take(struct rate *rate, const struct auth_config *config, struct str caller,
			   uint64_t now_ns, uint64_t *ret_wait_s, struct error *error);

#endif
