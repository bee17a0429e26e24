/*
 * DESIGN. Entries stand in insertion order in one array; `slots` is an open-addressed table of
 * entry numbers with linear probing. A removed entry stays as a tombstone in both, until the entry
 * array is full: then it is rebuilt without them, in a larger table when more than half of it was
 * alive.
 *
 * Up to SMALL_ENTRIES entries there is no table: comparing lengths along one or two cache lines is
 * quicker than any hash, and a few entries cannot be made slow by choosing keys. Hence the hashes
 * and the random key are only made with the first table.
 */
#include "base/map.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"

enum { SMALL_ENTRIES = 8, FIRST_SLOTS = 32 };

static inline uint64_t rotate(uint64_t word, int bits)
{
	return word << bits | word >> (64 - bits);
}

static inline void sip_rounds(uint64_t v[4], int rounds)
{
	while (rounds-- > 0) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] = rotate(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] = rotate(v[2], 32);
	}
}

uint64_t siphash(const uint64_t key[2], const void *bytes, size_t len)
{
	const unsigned char *next = bytes;
	uint64_t v[4] = {
		key[0] ^ 0x736f6d6570736575u,
		key[1] ^ 0x646f72616e646f6du,
		key[0] ^ 0x6c7967656e657261u,
		key[1] ^ 0x7465646279746573u,
	};
	size_t left = len;
	for (; left >= 8; left -= 8, next += 8) {
		uint64_t word;
		memcpy(&word, next, sizeof(word));
		word = le64toh(word);
		v[3] ^= word;
		sip_rounds(v, 2);
		v[0] ^= word;
	}
	/* The last word: what is left, and the length in its highest byte. */
	uint64_t last = (uint64_t)len << 56;
	for (size_t i = 0; i < left; i++) {
		last |= (uint64_t)next[i] << (8 * i);
	}
	v[3] ^= last;
	sip_rounds(v, 2);
	v[0] ^= last;
	v[2] ^= 0xff;
	sip_rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void map_init(struct map *map)
{
	*map = (struct map){.entries = NULL};
}

void map_finish(struct map *map)
{
	if (map == NULL) {
		return;
	}
	free(map->entries);
	free(map->slots);
	*map = (struct map){.entries = NULL};
}

/* How many entries the array holds before it must be rebuilt. */
static size_t entry_room(const struct map *map)
{
	if (map->capacity == 0) {
		return map->entries == NULL ? 0 : SMALL_ENTRIES;
	}
	return map->capacity / 4 * 3;
}

static inline bool is_key(const struct map_entry *entry, struct str key)
{
	return entry->key.len == key.len && entry->key.ptr != NULL &&
		(key.len == 0 || memcmp(entry->key.ptr, key.ptr, key.len) == 0);
}

static struct map_entry *find(const struct map *map, struct str key, uint64_t hash)
{
	if (map->capacity == 0) {
		for (size_t i = 0; i < map->used; i++) {
			if (is_key(&map->entries[i], key)) {
				return &map->entries[i];
			}
		}
		return NULL;
	}
	size_t mask = map->capacity - 1;
	/* It ends: at least a quarter of the slots is free. */
	for (size_t slot = hash & mask; map->slots[slot] != 0; slot = (slot + 1) & mask) {
		struct map_entry *entry = &map->entries[map->slots[slot] - 1];
		if (entry->hash == hash && is_key(entry, key)) {
			return entry;
		}
	}
	return NULL;
}

static uint64_t hash_of(const struct map *map, struct str key)
{
	return map->capacity == 0 ? 0 : siphash(map->seed, key.ptr, key.len);
}

static void add_slot(struct map *map, size_t entry)
{
	size_t mask = map->capacity - 1;
	size_t slot = map->entries[entry].hash & mask;
	while (map->slots[slot] != 0) {
		slot = (slot + 1) & mask;
	}
	map->slots[slot] = (uint32_t)(entry + 1);
}

/* Makes a new entry array, and a table when it is needed, without the tombstones. */
static void rebuild(struct map *map)
{
	bool first_table = map->capacity == 0;
	size_t capacity = map->capacity;
	if (map->count > entry_room(map) / 2) {
		capacity = capacity == 0 ? FIRST_SLOTS : capacity * 2;
	}
	assert(capacity <= UINT32_MAX);

	struct map_entry *old = map->entries;
	size_t old_used = map->used;
	map->capacity = capacity;
	free(map->slots);
	map->slots = NULL;
	if (capacity == 0) {
		map->entries = alloc_zeroed(SMALL_ENTRIES, sizeof(*map->entries));
	} else {
		map->entries = alloc_zeroed(capacity / 4 * 3, sizeof(*map->entries));
		map->slots = alloc_zeroed(capacity, sizeof(*map->slots));
		if (first_table) {
			random_bytes(map->seed, sizeof(map->seed));
		}
	}
	map->used = 0;
	for (size_t i = 0; i < old_used; i++) {
		if (old[i].key.ptr == NULL) {
			continue;
		}
		map->entries[map->used] = old[i];
		if (capacity > 0) {
			if (first_table) {
				map->entries[map->used].hash = hash_of(map, old[i].key);
			}
			add_slot(map, map->used);
		}
		map->used++;
	}
	assert(map->used == map->count);
	free(old);
}

void *map_get(const struct map *map, struct str key)
{
	if (map->count == 0) {
		return NULL;
	}
	const struct map_entry *entry = find(map, key, hash_of(map, key));
	return entry == NULL ? NULL : entry->value;
}

void *map_put(struct map *map, struct str key, void *value)
{
	assert(value != NULL);
	struct map_entry *entry = find(map, key, hash_of(map, key));
	if (entry != NULL) {
		/* The new key may live where the old one no longer does. */
		void *before = entry->value;
		entry->key.ptr = key.ptr == NULL ? "" : key.ptr;
		entry->value = value;
		return before;
	}
	if (map->used == entry_room(map)) {
		rebuild(map);
	}
	map->entries[map->used] = (struct map_entry){
		.key = {key.ptr == NULL ? "" : key.ptr, key.len},
		.value = value,
		.hash = hash_of(map, key),
	};
	if (map->capacity > 0) {
		add_slot(map, map->used);
	}
	map->used++;
	map->count++;
	return NULL;
}

void *map_remove(struct map *map, struct str key)
{
	struct map_entry *entry = find(map, key, hash_of(map, key));
	if (entry == NULL) {
		return NULL;
	}
	void *before = entry->value;
	entry->key = (struct str){NULL, 0};
	entry->value = NULL;
	map->count--;
	return before;
}

const struct map_entry *map_next(const struct map *map, size_t *position)
{
	while (*position < map->used) {
		const struct map_entry *entry = &map->entries[(*position)++];
		if (entry->key.ptr != NULL) {
			return entry;
		}
	}
	return NULL;
}
