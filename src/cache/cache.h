/*
 * Answers that are kept by key. The version of all that an answer was made from is part of its key,
 * so an entry never changes and is never wrong: one that is out of date is not asked for any more,
 * and goes when room is needed.
 *
 * Ownership: cache_create() to cache_destroy(), when all entries handed out are given back. One
 * that was found is the caller's until cache_unref(), also when it is evicted meanwhile.
 * Threads: all. Errors: none; what has no room is not kept.
 * Limits: max_bytes, of keys and answers and what is said of them; an entry has at most 1/16 of it.
 */
#ifndef ROWLOCK_CACHE_CACHE_H
#define ROWLOCK_CACHE_CACHE_H

#include "base/str.h"

enum {
	CACHE_ENTRY_SHARE = 16, /* no entry has more than 1/16 of a cache */
	CACHE_SHARDS = 8,       /* each has its own lock, and its share of the bytes */
};

struct cache;

/* An answer as it goes out, but for what depends on more than the key. */
struct cached_answer {
	int status;
	bool missing; /* what was asked for is not there: the error is made anew for each request */
	struct str content_type;
	struct str fields; /* each ended by "\r\n" */
	struct str body;
};

/* Immutable; its texts live as long as it does. */
struct cache_entry {
	struct str key;
	struct cached_answer answer;
};

struct cache_stats {
	uint64_t hits;
	uint64_t misses;
	uint64_t fills;
	uint64_t evictions;
	uint64_t bytes; /* now */
	uint64_t entries;
};

struct cache *cache_create(uint64_t max_bytes);
/* Accepts NULL. */
void cache_destroy(struct cache *cache);
/* The entry with exactly this key, or NULL. */
const struct cache_entry *cache_find(struct cache *cache, struct str key);
/* Keeps a copy, in the place of one with that key. False when it is too large. */
bool cache_put(struct cache *cache, struct str key, const struct cached_answer *answer);
/* Bytes that an entry counts for. */
size_t cache_entry_bytes(struct str key, const struct cached_answer *answer);
/* The most that one may count for. */
size_t cache_entry_most(const struct cache *cache);
void cache_unref(const struct cache_entry *entry);
void cache_get_stats(struct cache *cache, struct cache_stats *ret_stats);

#endif
