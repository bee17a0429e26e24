/*
 * DESIGN. What was written while a checkpoint was being made is copied to the next journal byte for
 * byte. Who has read it in the old one need not read it again: its overlay goes with the places
 * moved, and nobody waits at the change of journals for as long as parsing takes.
 */
#include "store.h"

#include "fail.h"

/* The old journal up to its last group, which says what was copied. */
static bool is_known(struct js_generation *before, uint64_t number)
{
	struct js_words *words = before->store->words;
	struct jsonstore_error ignored;
	uint64_t end = atomic_load(&words->end[before->journal.generation & 1]);
	/* Unless it is the end of the next but one by now. */
	if (before->journal.generation + 1 != number || atomic_load(&words->generation) > number) {
		return false;
	}
	return js_generation_parse(before, end, &ignored) && atomic_load(&before->next_last) &&
		before->copied_from >= before->journal.catalog_end;
}

static bool same_entities(const struct js_generation *a, const struct js_generation *b)
{
	bool same = a->entity_count == b->entity_count;
	for (size_t i = 0; same && i < a->entity_count; i++) {
		same = js_schema_same(&a->entities[i].schema, &b->entities[i].schema);
	}
	return same;
}

/* The number of the first change at `byte` or behind. */
static uint32_t first_change(const struct js_overlay *overlay, uint64_t byte)
{
	uint32_t low = 0;
	uint32_t high = js_overlay_count(overlay);
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (js_overlay_at(overlay, middle)->key_at < byte) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

/* The number of the first value of change `change` or a later one. */
static uint32_t first_value(const struct js_overlay *overlay, uint32_t change)
{
	uint32_t low = 0;
	uint32_t high = overlay->value_count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (js_overlay_value_at(overlay, middle)->change < change) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

static bool carry_change(struct js_generation *generation, const struct js_generation *before,
						 uint32_t number, uint64_t back, struct jsonstore_error *error)
{
	struct js_change change = *js_overlay_at(&before->overlay, number);
	change.key_at -= back;
	if (!change.first) {
		/* The first one may have stayed behind. */
		bool known;
		char key[JSONSTORE_KEY_MAX];
		ssize_t got = js_pread(&generation->store->sys, generation->journal.fd, key,
							   change.key_length, change.key_at);
		if (got != (ssize_t)change.key_length) {
			return js_fail_io(error, "read", generation->journal.path);
		}
		struct js_span span = {key, change.key_length};
		if (!js_generation_knows(generation, &change, span, &known, error)) {
			return false;
		}
		change.first = !known;
	}
	(void)js_overlay_add(&generation->overlay, &change);
	js_generation_count(generation, &change);
	return true;
}

bool js_generation_carry(struct js_generation *generation, struct js_generation *before,
						 struct jsonstore_error *error)
{
	if (before == NULL || !is_known(before, generation->journal.generation) ||
		before->copied_group != generation->journal.first_group ||
		!same_entities(generation, before)) {
		return true;
	}
	struct js_overlay *to = &generation->overlay;
	const struct js_overlay *from = &before->overlay;
	/* Both numbers and places only go up by what is left behind. */
	uint64_t back = before->copied_from - generation->journal.catalog_end;
	uint32_t first = first_change(from, before->copied_from);
	uint32_t last = first_change(from, before->copied_to);
	uint32_t value = first_value(from, first);
	uint32_t last_value = first_value(from, last);
	if (!js_overlay_reserve(to, last - first, last_value - value, error)) {
		return false;
	}
	for (uint32_t i = first; i < last; i++) {
		if (!carry_change(generation, before, i, back, error)) {
			return false;
		}
	}
	for (; value < last_value; value++) {
		const struct js_value_change *old = js_overlay_value_at(from, value);
		js_overlay_add_value(to, old->hash, old->change - first);
	}
	generation->last_group = before->last_group - 1;
	atomic_store_explicit(&generation->parsed, before->copied_to - back, memory_order_release);
	return true;
}
