/*
 * The changes of the journal in memory: a hash by key, and one by the values of indexed fields.
 * It only grows; the texts stay in the journal.
 *
 * Ownership: owns its tables. Threads: any number of readers beside one writer, whom the caller
 * holds a lock for. Errors: JSONSTORE_NO_MEMORY, JSONSTORE_LIMIT.
 * Limits: JS_CHANGES_MAX.
 */
#ifndef JSONSTORE_SRC_OVERLAY_H
#define JSONSTORE_SRC_OVERLAY_H

#include <stdatomic.h>

#include "journal.h"

enum {
	JS_CHANGES_DUE = 1 << 20, /* a checkpoint is due */
	JS_CHANGES_MAX = 1 << 22,
	JS_CHUNK = 4096,
	JS_CHUNKS_MAX = JS_CHANGES_MAX / JS_CHUNK,
	JS_BUCKETS = 1 << 20,
	JS_VALUE_CHUNKS_MAX = JS_CHUNKS_MAX * 4,
};

struct js_change {
	uint64_t hash;
	uint64_t key_at; /* byte of the journal; the record is behind the key */
	uint32_t record_length;
	uint32_t record_crc;
	uint32_t older; /* in the bucket: its number + 1, or 0 */
	uint16_t key_length;
	uint16_t collection;
	uint8_t op;
	bool first; /* of its key */
};

struct js_value_change {
	uint64_t hash;
	uint32_t change; /* its number */
	uint32_t older;
};

struct js_overlay {
	const struct js_sys *sys;
	_Atomic uint32_t count;
	uint32_t value_count;
	_Atomic uint32_t *buckets;       /* newest change + 1 */
	_Atomic uint32_t *value_buckets; /* newest value change + 1 */
	struct js_change **chunks;
	struct js_value_change **value_chunks;
};

bool js_overlay_init(struct js_overlay *overlay, const struct js_sys *sys,
					 struct jsonstore_error *error);
void js_overlay_finish(struct js_overlay *overlay);
/* Room for more changes with more values, so that adding them cannot fail. */
bool js_overlay_reserve(struct js_overlay *overlay, size_t changes, size_t values,
						struct jsonstore_error *error);
/* Adds where there is room; its number. */
uint32_t js_overlay_add(struct js_overlay *overlay, const struct js_change *change);
void js_overlay_add_value(struct js_overlay *overlay, uint64_t hash, uint32_t change);

static inline uint32_t js_overlay_count(const struct js_overlay *overlay)
{
	return atomic_load_explicit(&overlay->count, memory_order_acquire);
}

static inline const struct js_change *js_overlay_at(const struct js_overlay *overlay,
													uint32_t number)
{
	return &overlay->chunks[number / JS_CHUNK][number % JS_CHUNK];
}

static inline const struct js_value_change *js_overlay_value_at(const struct js_overlay *overlay,
																uint32_t number)
{
	return &overlay->value_chunks[number / JS_CHUNK][number % JS_CHUNK];
}

/*
 * The newest change before byte `end` of the journal with this hash; `behind` NULL, or the one that
 * turned out to be of another key: then the next older one.
 */
const struct js_change *js_overlay_find(const struct js_overlay *overlay, uint16_t collection,
										uint64_t hash, uint64_t end,
										const struct js_change *behind);
/* The same by a value's hash; *place begins as 0. NULL behind the last. */
const struct js_change *js_overlay_find_value(const struct js_overlay *overlay, uint64_t hash,
											  uint64_t end, uint32_t *place);

#endif
