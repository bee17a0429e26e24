#include "transaction.h"

#include <stdlib.h>

#include "fail.h"

enum { BUCKETS = 4096, FIRST_CAPACITY = 64, GROUP_MAX = 192 << 20 };

bool js_batch_init(struct js_batch *batch, const struct js_sys *sys, const struct js_state *state,
				   struct jsonstore_error *error)
{
	*batch = (struct js_batch){
		.sys = sys,
		.state = state,
		.number = state->generation->last_group + 1,
	};
	batch->buckets = js_new(sys, BUCKETS, sizeof(*batch->buckets), error);
	return batch->buckets != NULL && js_frame_begin(sys, &batch->group, &batch->frame, error);
}

void js_batch_finish(struct js_batch *batch)
{
	jsonstore_text_free(&batch->group);
	jsonstore_text_free(&batch->old);
	jsonstore_text_free(&batch->made);
	free(batch->changes);
	free(batch->buckets);
}

void js_batch_end(struct js_batch *batch)
{
	js_frame_end(&batch->group, batch->frame, batch->number, true);
}

/* Takes the changes from number `count` on back. */
static void undo(struct js_batch *batch, size_t count, size_t frame, size_t length)
{
	while (batch->count > count) {
		const struct js_batched *last = &batch->changes[--batch->count];
		batch->buckets[last->hash % BUCKETS] = last->older;
	}
	batch->frame = frame;
	batch->group.length = length;
}

/* The record of a key as it is after the changes before; in batch->old. */
static bool current(struct js_batch *batch, uint16_t collection, struct js_span key,
					bool *ret_found, struct jsonstore_error *error)
{
	uint64_t hash = js_key_hash(batch->state->generation, key);
	uint32_t place = batch->buckets[hash % BUCKETS];
	while (place != 0) {
		const struct js_batched *change = &batch->changes[place - 1];
		const char *text = batch->group.text + change->key_at;
		struct js_span other = {text, change->key_length};
		if (change->hash == hash && change->collection == collection && js_span_equal(other, key)) {
			struct js_span record = {text + change->key_length, change->record_length};
			*ret_found = change->op == JS_PUT;
			batch->old.length = 0;
			return js_text_add(batch->sys, &batch->old, record, error);
		}
		place = change->older;
	}
	return js_state_get(batch->state, collection, key, &batch->old, ret_found, error);
}

static bool add_change(struct js_batch *batch, const struct js_entry *entry,
					   struct jsonstore_error *error)
{
	struct jsonstore_text *group = &batch->group;
	size_t key_at;
	if (batch->count == batch->capacity) {
		size_t capacity = batch->capacity == 0 ? FIRST_CAPACITY : batch->capacity * 2;
		struct js_batched *grown = js_allocate(batch->sys, batch->changes,
											   capacity * sizeof(*grown));
		if (grown == NULL) {
			return js_fail_memory(error);
		}
		batch->changes = grown;
		batch->capacity = capacity;
	}
	if (group->length + entry->record.len > GROUP_MAX) {
		return js_fail(error, JSONSTORE_LIMIT, "the records of the transaction are too large");
	}
	if (group->length - batch->frame >= JS_FRAME_FULL) {
		size_t next;
		if (!js_frame_begin(batch->sys, group, &next, error)) {
			return false;
		}
		group->length = next;
		js_frame_end(group, batch->frame, batch->number, false);
		group->length += JS_FRAME_HEAD;
		batch->frame = next;
	}
	if (!js_frame_add(batch->sys, group, entry, &key_at, error)) {
		return false;
	}
	uint64_t hash = js_key_hash(batch->state->generation, entry->key);
	uint32_t *bucket = &batch->buckets[hash % BUCKETS];
	batch->changes[batch->count++] = (struct js_batched){
		.hash = hash,
		.key_at = key_at,
		.record_length = (uint32_t)entry->record.len,
		.older = *bucket,
		.key_length = (uint16_t)entry->key.len,
		.collection = entry->collection,
		.op = (uint8_t)entry->op,
	};
	*bucket = (uint32_t)batch->count;
	return true;
}

/* The record with the patch in batch->made; its key is the same. */
static bool patched(struct js_batch *batch, const struct js_schema *schema, struct js_span key,
					struct js_span patch, struct jsonstore_error *error)
{
	struct js_fields fields;
	struct jsonstore_text merged = {NULL, 0, 0};
	const char *what;
	batch->made.length = 0;
	bool good = js_record_merge(batch->sys, js_text_span(&batch->old), patch, &merged, error) &&
		js_record_take(batch->sys, NULL, js_text_span(&merged), NULL, &batch->made, error);
	jsonstore_text_free(&merged);
	if (!good) {
		return false;
	}
	if (!js_record_fields(schema, js_text_span(&batch->made), &fields, &what)) {
		return js_fail(error, JSONSTORE_INVALID, "%s", what);
	}
	if (!js_span_equal((struct js_span){fields.key.text, fields.key.len}, key)) {
		return js_fail(error, JSONSTORE_INVALID, "a patch cannot change the key");
	}
	return true;
}

static bool require(const struct js_batch *batch, const struct js_step *step, struct js_span text,
					bool found, struct jsonstore_error *error)
{
	bool same = step->absent ? !found : found && js_span_equal(js_text_span(&batch->old), text);
	return same || js_fail(error, JSONSTORE_CONFLICT, "the record is another one by now");
}

static bool apply(struct js_batch *batch, const struct jsonstore_transaction *transaction,
				  const struct js_step *step, struct jsonstore_error *error)
{
	struct js_span key = {transaction->bytes.text + step->key_at, step->key_length};
	struct js_span text = {transaction->bytes.text + step->text_at, step->text_length};
	struct js_entry entry = {JS_PUT, step->collection, key, text};
	bool found = false;
	if (step->collection >= batch->state->generation->entity_count) {
		return js_fail(error, JSONSTORE_ABSENT, "there is no such collection");
	}
	if (step->wish != JS_WISH_PUT && !current(batch, step->collection, key, &found, error)) {
		return false;
	}
	switch (step->wish) {
	case JS_WISH_PUT:
		break;
	case JS_WISH_INSERT:
		if (found) {
			return js_fail(error, JSONSTORE_PRESENT, "there is a record with this key");
		}
		break;
	case JS_WISH_REQUIRE:
		return require(batch, step, text, found, error);
	case JS_WISH_PATCH:
	case JS_WISH_DELETE:
		if (!found) {
			return js_fail(error, JSONSTORE_ABSENT, "there is no such record");
		}
		if (step->wish == JS_WISH_DELETE) {
			entry.op = JS_DELETE;
			entry.record = (struct js_span){NULL, 0};
			break;
		}
		if (!patched(batch, &batch->state->generation->entities[step->collection].schema, key, text,
					 error)) {
			return false;
		}
		entry.record = js_text_span(&batch->made);
		break;
	}
	return add_change(batch, &entry, error);
}

bool js_batch_add(struct js_batch *batch, const struct jsonstore_transaction *transaction,
				  struct jsonstore_error *error)
{
	size_t count = batch->count;
	size_t frame = batch->frame;
	size_t length = batch->group.length;
	for (size_t i = 0; i < transaction->count; i++) {
		if (!apply(batch, transaction, &transaction->steps[i], error)) {
			error->change = i;
			undo(batch, count, frame, length);
			return false;
		}
	}
	return true;
}
