#include "cache.h"

#include <stdlib.h>

#include "bytes.h"
#include "fail.h"
#include "index.h"

enum { DEFAULT_BYTES = 32 << 20, FEWEST = 16 };

bool js_cache_init(struct js_cache *cache, const struct js_sys *sys, size_t bytes,
				   struct jsonstore_error *error)
{
	size_t count = (bytes == 0 ? DEFAULT_BYTES : bytes) / JS_PAGE;
	*cache = (struct js_cache){.sys = sys};
	count = count < FEWEST ? FEWEST : count;
	cache->slots = js_new(sys, count, sizeof(*cache->slots), error);
	if (cache->slots == NULL) {
		return false;
	}
	for (size_t i = 0; i < count; i++) {
		pthread_mutex_init(&cache->slots[i].mutex, NULL);
	}
	cache->count = count;
	/* Of this only the used pages become memory. */
	cache->memory = js_new(sys, count, JS_PAGE, error);
	return cache->memory != NULL;
}

void js_cache_finish(struct js_cache *cache)
{
	for (size_t i = 0; i < cache->count; i++) {
		pthread_mutex_destroy(&cache->slots[i].mutex);
	}
	free(cache->slots);
	free(cache->memory);
	*cache = (struct js_cache){.sys = cache->sys};
}

static bool load(struct js_cache *cache, const struct js_cached_file *file, uint64_t block,
				 struct js_slot *slot, unsigned char *memory, struct jsonstore_error *error)
{
	slot->file = 0;
	ssize_t got = js_pread(cache->sys, file->fd, memory, JS_PAGE, block * JS_PAGE);
	if (got < 0) {
		return js_fail_io(error, "read", file->path);
	}
	if (file->pages && (got < JS_PAGE || !js_page_is_whole(memory, block))) {
		return js_fail_damaged(error, file->path, block * JS_PAGE, "a page of the index");
	}
	slot->file = file->id;
	slot->block = block;
	slot->length = (uint32_t)got;
	return true;
}

bool js_cache_hold(struct js_cache *cache, const struct js_cached_file *file, uint64_t block,
				   struct js_block *ret, struct jsonstore_error *error)
{
	/* Blocks of one file do not meet while it is smaller than the cache. */
	size_t at = (size_t)((block + file->id * 0x9e3779b97f4a7c15u) % cache->count);
	struct js_slot *slot = &cache->slots[at];
	unsigned char *memory = cache->memory + at * JS_PAGE;
	pthread_mutex_lock(&slot->mutex);
	if ((slot->file != file->id || slot->block != block) &&
		!load(cache, file, block, slot, memory, error)) {
		pthread_mutex_unlock(&slot->mutex);
		return false;
	}
	*ret = (struct js_block){memory, slot->length, slot};
	return true;
}

void js_cache_leave(const struct js_block *block)
{
	pthread_mutex_unlock(&block->slot->mutex);
}

bool js_cache_copy(struct js_cache *cache, const struct js_cached_file *file, uint64_t offset,
				   size_t count, char *to, struct jsonstore_error *error)
{
	while (count > 0) {
		struct js_block block;
		size_t from = (size_t)(offset % JS_PAGE);
		if (!js_cache_hold(cache, file, offset / JS_PAGE, &block, error)) {
			return false;
		}
		size_t there = block.length > from ? block.length - from : 0;
		size_t now = there < count ? there : count;
		memcpy(to, block.bytes + from, now);
		js_cache_leave(&block);
		if (now == 0) {
			return js_fail_damaged(error, file->path, offset, "the file is too short");
		}
		to += now;
		offset += now;
		count -= now;
	}
	return true;
}
