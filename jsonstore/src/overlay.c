/*
 * DESIGN. Changes stand in chunks that never move; buckets hold the number of the newest change,
 * each change the number of the next older one of its bucket. A change is complete before its
 * bucket names it (release), so readers need no lock; what is newer than their snapshot they pass
 * over.
 */
#include "overlay.h"

#include <stdlib.h>

#include "fail.h"

bool js_overlay_init(struct js_overlay *overlay, const struct js_sys *sys,
					 struct jsonstore_error *error)
{
	*overlay = (struct js_overlay){.sys = sys};
	/* Of these only the touched pages become memory. */
	overlay->buckets = js_new(sys, JS_BUCKETS, sizeof(*overlay->buckets), error);
	if (overlay->buckets == NULL) {
		return false;
	}
	overlay->value_buckets = js_new(sys, JS_BUCKETS, sizeof(*overlay->value_buckets), error);
	if (overlay->value_buckets == NULL) {
		return false;
	}
	overlay->chunks = js_new(sys, JS_CHUNKS_MAX, sizeof(*overlay->chunks), error);
	if (overlay->chunks == NULL) {
		return false;
	}
	overlay->value_chunks = js_new(sys, JS_VALUE_CHUNKS_MAX, sizeof(*overlay->value_chunks), error);
	return overlay->value_chunks != NULL;
}

void js_overlay_finish(struct js_overlay *overlay)
{
	for (size_t i = 0; overlay->chunks != NULL && i < JS_CHUNKS_MAX; i++) {
		free(overlay->chunks[i]);
	}
	for (size_t i = 0; overlay->value_chunks != NULL && i < JS_VALUE_CHUNKS_MAX; i++) {
		free(overlay->value_chunks[i]);
	}
	free(overlay->chunks);
	free(overlay->value_chunks);
	free(overlay->buckets);
	free(overlay->value_buckets);
	*overlay = (struct js_overlay){.sys = overlay->sys};
}

bool js_overlay_reserve(struct js_overlay *overlay, size_t changes, size_t values,
						struct jsonstore_error *error)
{
	size_t last = atomic_load_explicit(&overlay->count, memory_order_relaxed) + changes;
	size_t last_value = overlay->value_count + values;
	if (last > JS_CHANGES_MAX || last_value > (size_t)JS_VALUE_CHUNKS_MAX * JS_CHUNK) {
		return js_fail(error, JSONSTORE_LIMIT,
					   "the journal holds too many changes: a checkpoint is needed");
	}
	for (size_t i = (last - changes) / JS_CHUNK; changes > 0 && i <= last / JS_CHUNK; i++) {
		if (i < JS_CHUNKS_MAX && overlay->chunks[i] == NULL) {
			overlay->chunks[i] = js_new(overlay->sys, JS_CHUNK, sizeof(struct js_change), error);
			if (overlay->chunks[i] == NULL) {
				return false;
			}
		}
	}
	for (size_t i = overlay->value_count / JS_CHUNK; values > 0 && i <= last_value / JS_CHUNK;
		 i++) {
		if (i < JS_VALUE_CHUNKS_MAX && overlay->value_chunks[i] == NULL) {
			overlay->value_chunks[i] = js_new(overlay->sys, JS_CHUNK,
											  sizeof(struct js_value_change), error);
			if (overlay->value_chunks[i] == NULL) {
				return false;
			}
		}
	}
	return true;
}

uint32_t js_overlay_add(struct js_overlay *overlay, const struct js_change *change)
{
	uint32_t number = atomic_load_explicit(&overlay->count, memory_order_relaxed);
	struct js_change *to = &overlay->chunks[number / JS_CHUNK][number % JS_CHUNK];
	_Atomic uint32_t *bucket = &overlay->buckets[change->hash % JS_BUCKETS];
	*to = *change;
	to->older = atomic_load_explicit(bucket, memory_order_relaxed);
	atomic_store_explicit(bucket, number + 1, memory_order_release);
	atomic_store_explicit(&overlay->count, number + 1, memory_order_release);
	return number;
}

void js_overlay_add_value(struct js_overlay *overlay, uint64_t hash, uint32_t change)
{
	uint32_t number = overlay->value_count++;
	struct js_value_change *to = &overlay->value_chunks[number / JS_CHUNK][number % JS_CHUNK];
	_Atomic uint32_t *bucket = &overlay->value_buckets[hash % JS_BUCKETS];
	*to = (struct js_value_change){
		.hash = hash,
		.change = change,
		.older = atomic_load_explicit(bucket, memory_order_relaxed),
	};
	atomic_store_explicit(bucket, number + 1, memory_order_release);
}

const struct js_change *js_overlay_find(const struct js_overlay *overlay, uint16_t collection,
										uint64_t hash, uint64_t end, const struct js_change *behind)
{
	uint32_t place = behind != NULL
		? behind->older
		: atomic_load_explicit(&overlay->buckets[hash % JS_BUCKETS], memory_order_acquire);
	while (place != 0) {
		const struct js_change *change = js_overlay_at(overlay, place - 1);
		if (change->hash == hash && change->collection == collection && change->key_at < end) {
			return change;
		}
		place = change->older;
	}
	return NULL;
}

const struct js_change *js_overlay_find_value(const struct js_overlay *overlay, uint64_t hash,
											  uint64_t end, uint32_t *place)
{
	uint32_t next = *place;
	if (next == 0) {
		next = atomic_load_explicit(&overlay->value_buckets[hash % JS_BUCKETS],
									memory_order_acquire);
	} else {
		next = overlay->value_chunks[(next - 1) / JS_CHUNK][(next - 1) % JS_CHUNK].older;
	}
	while (next != 0) {
		const struct js_value_change *value =
			&overlay->value_chunks[(next - 1) / JS_CHUNK][(next - 1) % JS_CHUNK];
		const struct js_change *change = js_overlay_at(overlay, value->change);
		if (value->hash == hash && change->key_at < end) {
			*place = next;
			return change;
		}
		next = value->older;
	}
	return NULL;
}
