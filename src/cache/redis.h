/*
 * The second level of the cache: answers that processes share through a Redis server, so that one
 * that begins has them too. It may be slow, down, emptied or full of garbage: that costs time,
 * never truth. What is found holds its whole key and a keyed hash; anything else is a miss.
 *
 * A lookup is given up after 20 ms. After several failures in a row a loop asks no more for a
 * second, then for twice as long each time, at most 30 s; then one lookup is tried.
 *
 * Ownership: redis_create() to redis_destroy(), loops attached in between. A lookup is the caller's
 * memory until `done`. Threads: redis_loop on its loop; statistics on any.
 * Errors: none; every failure is a miss. Limits: value_bytes for one answer, 64 being kept at once.
 */
#ifndef ROWLOCK_CACHE_REDIS_H
#define ROWLOCK_CACHE_REDIS_H

#include "cache/cache.h"

struct loop;
struct redis;
struct redis_loop;

struct redis_options {
	struct str place;  /* [[USER]:PASSWORD@]HOST:PORT */
	struct str secret; /* who has it believes what the others keep; "": one of this process alone */
	size_t value_bytes; /* of the largest answer that is kept */
};

struct redis_lookup {
	struct str key; /* lives until done */
	/* Called once, on the loop, perhaps before redis_find() returns. NULL is a miss; an answer is
	 * borrowed for the call. */
	void (*done)(struct redis_lookup *lookup, const struct cached_answer *answer);

	/* Its own, from here on. */
	struct redis_question *question;
	struct redis_lookup *next;
	uint64_t expires_ms;
};

struct redis_stats {
	uint64_t hits;
	uint64_t misses;    /* lookups that were not asked are none */
	uint64_t errors;    /* lookups that took too long, connections that failed, refusals */
	uint64_t strangers; /* values that are not ours */
	uint64_t breakers;  /* loops that do not ask now */
};

/* NULL when this program was built without Redis. */
struct redis *redis_create(const struct redis_options *options);
/* Accepts NULL. */
void redis_destroy(struct redis *redis);
struct redis_loop *redis_attach(struct redis *redis, struct loop *loop);
/* No lookup is under way. Accepts NULL. It frees itself while the loop runs to its end. */
void redis_detach(struct redis_loop *loop);
void redis_find(struct redis_loop *loop, struct redis_lookup *lookup);
/* Keeps an answer there for an hour, as well as it goes. */
void redis_keep(struct redis_loop *loop, struct str key, const struct cached_answer *answer);
void redis_get_stats(const struct redis *redis, struct redis_stats *ret_stats);

#endif
