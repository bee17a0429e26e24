/*
 * The parts of the second level, for this folder: redis.c asks, and knows when not to;
 * redis_value.c writes and reads what is kept; redis_poll.c lets hiredis wait on a loop of libuv.
 *
 * Ownership, Threads, Errors, Limits: see redis.h.
 */
#ifndef ROWLOCK_CACHE_REDIS_PRIV_H
#define ROWLOCK_CACHE_REDIS_PRIV_H

#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <uv.h>

#include "base/buf.h"
#include "cache/redis.h"

enum { REDIS_NAME_BYTES = 40 };

/* The name under which the answer of a key is kept; other keys may have it too. */
void redis_value_name(struct str secret, struct str key, char ret_name[REDIS_NAME_BYTES]);
/* Appends what is kept: all of the answer, its whole key, and HMAC-SHA256 of both. */
void redis_value_write(struct str secret, struct str key, const struct cached_answer *answer,
					   struct buf *value);
/* False when this is not what redis_value_write() made for the key. The answer's texts are those of
 * the value. */
bool redis_value_read(struct str secret, struct str key, struct str value,
					  struct cached_answer *ret_answer);

/* Waits for the connection's socket on the loop until hiredis frees it; then calls `gone`. */
void redis_poll_attach(redisAsyncContext *context, uv_loop_t *loop, void (*gone)(void *data),
					   void *data);

#endif
