/*
 * Blocks of 4 KiB of base and index files, kept in memory: a read that finds its block costs no
 * call of the system. Direct-mapped; each slot has its own lock.
 *
 * Ownership: owns its memory; a block that is held is borrowed until it is let go.
 * Threads: any. Errors: JSONSTORE_IO, JSONSTORE_DAMAGED (a page of an index), JSONSTORE_NO_MEMORY.
 * Limits: the number of slots.
 */
#ifndef JSONSTORE_SRC_CACHE_H
#define JSONSTORE_SRC_CACHE_H

#include <pthread.h>

#include "journal.h"

struct js_slot {
	pthread_mutex_t mutex;
	uint64_t file; /* 0: empty */
	uint64_t block;
	uint32_t length;
};

struct js_cache {
	const struct js_sys *sys;
	struct js_slot *slots;
	unsigned char *memory;
	size_t count;
};

struct js_cached_file {
	uint64_t id; /* never 0, and never the same for two contents */
	int fd;
	bool pages; /* each block is a page of an index, with its checksum */
	const char *path;
};

struct js_block {
	const unsigned char *bytes;
	size_t length; /* less than 4 KiB at the end of the file */
	struct js_slot *slot;
};

bool js_cache_init(struct js_cache *cache, const struct js_sys *sys, size_t bytes,
				   struct jsonstore_error *error);
void js_cache_finish(struct js_cache *cache);
/* Held until js_cache_leave(); a thread holds one at a time. */
bool js_cache_hold(struct js_cache *cache, const struct js_cached_file *file, uint64_t block,
				   struct js_block *ret, struct jsonstore_error *error);
void js_cache_leave(const struct js_block *block);
/* Copies bytes of the file; damage when it ends before. */
bool js_cache_copy(struct js_cache *cache, const struct js_cached_file *file, uint64_t offset,
				   size_t count, char *to, struct jsonstore_error *error);

#endif
