/*
 * DESIGN. A shard is a hash table of fixed size, chained through its entries, and a list of them by
 * their last use: the oldest goes when room is needed. So an entry that nobody asks for any more
 * goes by itself. All that happens under a shard's lock is a few pointers; copies are made
 * before, and memory is given back after it. An entry's bytes lie behind it in one piece of memory.
 */
#include "cache/cache.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/map.h"

/* One place in the table for so many bytes of a shard; what malloc() adds to an entry. */
enum { BYTES_PER_BUCKET = 512, OVERHEAD_BYTES = 16 };

struct item {
	struct cache_entry entry; /* first: they are the same pointer */
	_Atomic size_t references;
	uint64_t hash;
	size_t bytes;
	/* Under the shard's lock. */
	struct item *next; /* in its bucket */
	struct item *newer;
	struct item *older;
	char text[];
};

struct shard {
	pthread_mutex_t lock;
	struct item **buckets; /* owned */
	struct item *newest;
	struct item *oldest;
	struct cache_stats stats;
};

struct cache {
	uint64_t seed[2];
	size_t shard_bytes;
	size_t entry_bytes;
	size_t bucket_mask;
	struct shard shards[CACHE_SHARDS];
};

/* ---- an entry ---- */

size_t cache_entry_bytes(struct str key, const struct cached_answer *answer)
{
	return sizeof(struct item) + OVERHEAD_BYTES + key.len + answer->content_type.len +
		answer->fields.len + answer->body.len;
}

static struct str put_text(char **next, struct str text)
{
	struct str copy = {*next, text.len};
	if (text.len > 0) {
		memcpy(*next, text.ptr, text.len);
		*next += text.len;
	}
	return copy;
}

static struct item *make_item(struct str key, const struct cached_answer *answer, size_t bytes)
{
	struct item *item = alloc_bytes(bytes);
	*item = (struct item){.references = 1, .bytes = bytes};
	char *next = item->text;
	item->entry.answer = *answer;
	item->entry.key = put_text(&next, key);
	item->entry.answer.content_type = put_text(&next, answer->content_type);
	item->entry.answer.fields = put_text(&next, answer->fields);
	item->entry.answer.body = put_text(&next, answer->body);
	return item;
}

void cache_unref(const struct cache_entry *entry)
{
	/* Only its texts and what it says are constant. */
	struct item *item = (struct item *)(uintptr_t)entry;
	if (atomic_fetch_sub(&item->references, 1) == 1) {
		free(item);
	}
}

/* ---- a shard, under its lock ---- */

static void link_newest(struct shard *shard, struct item *item)
{
	item->newer = NULL;
	item->older = shard->newest;
	*(shard->newest != NULL ? &shard->newest->newer : &shard->oldest) = item;
	shard->newest = item;
}

static void unlink_used(struct shard *shard, struct item *item)
{
	*(item->newer != NULL ? &item->newer->older : &shard->newest) = item->older;
	*(item->older != NULL ? &item->older->newer : &shard->oldest) = item->newer;
}

static struct item **find_place(const struct cache *cache, struct shard *shard, struct str key,
								uint64_t hash)
{
	/* The lowest bits have chosen the shard. */
	struct item **place = &shard->buckets[hash / CACHE_SHARDS & cache->bucket_mask];
	while (*place != NULL && ((*place)->hash != hash || !str_equal((*place)->entry.key, key))) {
		place = &(*place)->next;
	}
	return place;
}

/* Takes an item out; what is left to do is to give its memory back. */
static struct item *take_out(struct shard *shard, struct item **place)
{
	struct item *item = *place;
	*place = item->next;
	unlink_used(shard, item);
	shard->stats.bytes -= item->bytes;
	shard->stats.entries--;
	return item;
}

/* Takes out the oldest until there is room; they are linked through `next`. */
static struct item *make_room(const struct cache *cache, struct shard *shard, size_t bytes)
{
	struct item *gone = NULL;
	while (shard->stats.bytes + bytes > cache->shard_bytes) {
		struct item *oldest = shard->oldest;
		assert(oldest != NULL);
		struct item *item = take_out(shard,
									 find_place(cache, shard, oldest->entry.key, oldest->hash));
		assert(item == oldest);
		shard->stats.evictions++;
		item->next = gone;
		gone = item;
	}
	return gone;
}

/* ---- the cache ---- */

const struct cache_entry *cache_find(struct cache *cache, struct str key)
{
	uint64_t hash = siphash(cache->seed, key.ptr, key.len);
	struct shard *shard = &cache->shards[hash % CACHE_SHARDS];
	pthread_mutex_lock(&shard->lock);
	struct item *item = *find_place(cache, shard, key, hash);
	if (item == NULL) {
		shard->stats.misses++;
	} else {
		shard->stats.hits++;
		atomic_fetch_add_explicit(&item->references, 1, memory_order_relaxed);
		if (item != shard->newest) {
			unlink_used(shard, item);
			link_newest(shard, item);
		}
	}
	pthread_mutex_unlock(&shard->lock);
	return item == NULL ? NULL : &item->entry;
}

bool cache_put(struct cache *cache, struct str key, const struct cached_answer *answer)
{
	size_t bytes = cache_entry_bytes(key, answer);
	if (bytes > cache->entry_bytes) {
		return false;
	}
	struct item *item = make_item(key, answer, bytes);
	item->hash = siphash(cache->seed, key.ptr, key.len);
	struct shard *shard = &cache->shards[item->hash % CACHE_SHARDS];
	pthread_mutex_lock(&shard->lock);
	struct item **place = find_place(cache, shard, key, item->hash);
	struct item *old = *place != NULL ? take_out(shard, place) : NULL;
	struct item *gone = make_room(cache, shard, bytes);
	place = &shard->buckets[item->hash / CACHE_SHARDS & cache->bucket_mask];
	item->next = *place;
	*place = item;
	link_newest(shard, item);
	shard->stats.bytes += bytes;
	shard->stats.entries++;
	shard->stats.fills++;
	pthread_mutex_unlock(&shard->lock);
	if (old != NULL) {
		cache_unref(&old->entry);
	}
	while (gone != NULL) {
		struct item *next = gone->next;
		cache_unref(&gone->entry);
		gone = next;
	}
	return true;
}

size_t cache_entry_most(const struct cache *cache)
{
	return cache->entry_bytes;
}

void cache_get_stats(struct cache *cache, struct cache_stats *ret_stats)
{
	*ret_stats = (struct cache_stats){.hits = 0};
	for (size_t i = 0; i < CACHE_SHARDS; i++) {
		struct shard *shard = &cache->shards[i];
		pthread_mutex_lock(&shard->lock);
		ret_stats->hits += shard->stats.hits;
		ret_stats->misses += shard->stats.misses;
		ret_stats->fills += shard->stats.fills;
		ret_stats->evictions += shard->stats.evictions;
		ret_stats->bytes += shard->stats.bytes;
		ret_stats->entries += shard->stats.entries;
		pthread_mutex_unlock(&shard->lock);
	}
}

/* ---- life ---- */

struct cache *cache_create(uint64_t max_bytes)
{
	struct cache *cache = alloc_zeroed(1, sizeof(*cache));
	random_bytes(cache->seed, sizeof(cache->seed));
	cache->shard_bytes = max_bytes / CACHE_SHARDS;
	cache->entry_bytes = max_bytes / CACHE_ENTRY_SHARE;
	size_t buckets = 1;
	while (buckets < cache->shard_bytes / BYTES_PER_BUCKET) {
		buckets *= 2;
	}
	cache->bucket_mask = buckets - 1;
	for (size_t i = 0; i < CACHE_SHARDS; i++) {
		pthread_mutex_init(&cache->shards[i].lock, NULL);
		cache->shards[i].buckets = alloc_zeroed(buckets, sizeof(struct item *));
	}
	return cache;
}

void cache_destroy(struct cache *cache)
{
	if (cache == NULL) {
		return;
	}
	for (size_t i = 0; i < CACHE_SHARDS; i++) {
		struct item *item = cache->shards[i].newest;
		while (item != NULL) {
			struct item *older = item->older;
			assert(atomic_load(&item->references) == 1);
			cache_unref(&item->entry);
			item = older;
		}
		free(cache->shards[i].buckets);
		pthread_mutex_destroy(&cache->shards[i].lock);
	}
	free(cache);
}
