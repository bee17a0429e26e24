/*
 * A hash map from text to pointers, SipHash-2-4 under a random key, so that clients who choose the
 * keys cannot make it slow. Iteration is in insertion order.
 *
 * Ownership: keys and values are borrowed and must outlive the map.
 * Threads: any number of readers, or one writer. Errors: none; out of memory aborts. Limits: the
 * callers'.
 */
#ifndef ROWLOCK_BASE_MAP_H
#define ROWLOCK_BASE_MAP_H

#include "base/str.h"

struct map_entry {
	struct str key;
	void *value;
	uint64_t hash;
};

struct map {
	struct map_entry *entries; /* owned, in insertion order; a removed one has key.ptr NULL */
	uint32_t *slots;           /* owned, open addressing: entry number + 1, 0 is free; NULL
	                            * while there are too few entries to hash them */
	size_t count;              /* entries that are there */
	size_t used;               /* entries, removed ones counted */
	size_t capacity;           /* slots; a power of two */
	uint64_t seed[2];
};

void map_init(struct map *map);
void map_finish(struct map *map);
/* NULL when the key is not there. */
void *map_get(const struct map *map, struct str key);
/* Inserts or replaces; returns the value that was there before, or NULL. The value is not NULL. */
void *map_put(struct map *map, struct str key, void *value);
/* Returns the value that was there, or NULL. */
void *map_remove(struct map *map, struct str key);
/* for (size_t i = 0; (entry = map_next(map, &i)) != NULL;) */
const struct map_entry *map_next(const struct map *map, size_t *position);

/* SipHash-2-4 (Aumasson, Bernstein 2012) of `len` bytes under a 128-bit key. */
uint64_t siphash(const uint64_t key[2], const void *bytes, size_t len);

#endif
