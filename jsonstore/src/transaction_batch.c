#include "transaction.h"

#include <stdlib.h>

#include "fail.h"

/* A group holds a transaction of the largest size, with the heads of its frames and entries. */
enum { BUCKETS = 4096, FIRST_CAPACITY = 64, GROUP_MAX = JSONSTORE_TRANSACTION_MAX + (8 << 20) };

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
	jsonstore_text_free(&batch->form);
	free(batch->changes);
	free(batch->buckets);
	free(batch->values);
	free(batch->value_buckets);
}

struct js_batch *js_batch_new(const struct js_sys *sys, const struct js_state *state,
							  struct jsonstore_error *error)
{
	struct js_batch *batch = js_new(sys, 1, sizeof(*batch), error);
	if (batch == NULL) {
		return NULL;
	}
	bool good = js_batch_init(batch, sys, state, error);
	batch->refs = 1;
	if (good) {
		batch->value_buckets = js_new(sys, BUCKETS, sizeof(*batch->value_buckets), error);
	}
	if (batch->value_buckets == NULL) {
		js_batch_unref(batch);
		return NULL;
	}
	return batch;
}

void js_batch_ref(struct js_batch *batch)
{
	atomic_fetch_add_explicit(&batch->refs, 1, memory_order_relaxed);
}

void js_batch_unref(struct js_batch *batch)
{
	if (batch != NULL && atomic_fetch_sub_explicit(&batch->refs, 1, memory_order_acq_rel) == 1) {
		js_batch_finish(batch);
		free(batch);
	}
}

void js_batch_end(struct js_batch *batch)
{
	js_frame_end(&batch->group, batch->frame, batch->number, true);
}

/* A frame that was ended meanwhile goes on again: its head is written anew. */
void js_batch_undo(struct js_batch *batch, size_t count)
{
	while (batch->count > count) {
		const struct js_batched *last = &batch->changes[--batch->count];
		batch->buckets[last->hash % BUCKETS] = last->older;
		batch->frame = last->frame_was;
		batch->group.length = last->length_was;
	}
	while (batch->value_count > 0 && batch->values[batch->value_count - 1].change >= count) {
		const struct js_batched_value *last = &batch->values[--batch->value_count];
		batch->value_buckets[last->hash % BUCKETS] = last->older;
	}
}

/* The newest of the first `count` changes that is of this key. */
static const struct js_batched *find(const struct js_batch *batch, size_t count,
									 uint16_t collection, struct js_span key, uint64_t hash)
{
	uint32_t place = batch->buckets[hash % BUCKETS];
	while (place != 0) {
		const struct js_batched *change = &batch->changes[place - 1];
		struct js_span other = {batch->group.text + change->key_at, change->key_length};
		if (place <= count && change->hash == hash && change->collection == collection &&
			js_span_equal(other, key)) {
			return change;
		}
		place = change->older;
	}
	return NULL;
}

/* The record of a key as it is after the changes before; in batch->old. */
static bool current(struct js_batch *batch, uint16_t collection, struct js_span key,
					bool *ret_found, struct jsonstore_error *error)
{
	uint64_t hash = js_key_hash(batch->state->generation, key);
	const struct js_batched *change = find(batch, batch->count, collection, key, hash);
	if (change == NULL) {
		return js_state_get(batch->state, collection, key, &batch->old, ret_found, error);
	}
	const char *text = batch->group.text + change->key_at;
	struct js_span record = {text + change->key_length, change->record_length};
	*ret_found = change->op == JS_PUT;
	batch->old.length = 0;
	return js_text_add(batch->sys, &batch->old, record, error);
}

/* The hashes of a change's indexed values, and room for them. */
static bool value_hashes(struct js_batch *batch, const struct js_entry *entry,
						 uint64_t hashes[JSONSTORE_FIELDS_MAX], size_t *ret_count,
						 struct jsonstore_error *error)
{
	*ret_count = 0;
	if (batch->value_buckets == NULL || entry->op != JS_PUT) {
		return true;
	}
	if (!js_field_hashes(batch->state->generation, entry, &batch->form, hashes, ret_count, error)) {
		return false;
	}
	if (batch->value_capacity - batch->value_count >= *ret_count) {
		return true;
	}
	size_t capacity = batch->value_capacity * 2 + FIRST_CAPACITY;
	struct js_batched_value *grown = js_allocate(batch->sys, batch->values,
												 capacity * sizeof(*grown));
	if (grown == NULL) {
		return js_fail_memory(error);
	}
	batch->values = grown;
	batch->value_capacity = capacity;
	return true;
}

static void add_value(struct js_batch *batch, uint64_t hash, uint32_t change)
{
	uint32_t *bucket = &batch->value_buckets[hash % BUCKETS];
	batch->values[batch->value_count++] = (struct js_batched_value){hash, change, *bucket};
	*bucket = (uint32_t)batch->value_count;
}

static bool add_change(struct js_batch *batch, const struct js_entry *entry,
					   struct jsonstore_error *error)
{
	struct jsonstore_text *group = &batch->group;
	uint64_t hash = js_key_hash(batch->state->generation, entry->key);
	uint64_t hashes[JSONSTORE_FIELDS_MAX];
	size_t frame_was = batch->frame;
	size_t length_was = group->length;
	size_t value_count;
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
	if (!value_hashes(batch, entry, hashes, &value_count, error)) {
		return false;
	}
	bool first = batch->value_buckets != NULL &&
		find(batch, batch->count, entry->collection, entry->key, hash) == NULL;
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
	for (size_t i = 0; i < value_count; i++) {
		add_value(batch, hashes[i], (uint32_t)batch->count);
	}
	uint32_t *bucket = &batch->buckets[hash % BUCKETS];
	batch->changes[batch->count++] = (struct js_batched){
		.hash = hash,
		.serial = ++batch->last_serial,
		.key_at = key_at,
		.frame_was = frame_was,
		.length_was = length_was,
		.record_length = (uint32_t)entry->record.len,
		.older = *bucket,
		.key_length = (uint16_t)entry->key.len,
		.collection = entry->collection,
		.op = (uint8_t)entry->op,
		.first = first,
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
			js_batch_undo(batch, count);
			batch->frame = frame;
			batch->group.length = length;
			return false;
		}
	}
	return true;
}

/* ---- reading ---- */

bool js_own_check(const struct js_state *state, struct jsonstore_error *error)
{
	const struct js_batch *batch = state->own;
	if (batch == NULL || state->own_count == 0 ||
		(batch->count >= state->own_count &&
		 batch->changes[state->own_count - 1].serial == state->own_serial)) {
		return true;
	}
	return js_fail(error, JSONSTORE_INVALID, "changes that the snapshot holds were undone");
}

const struct js_batched *js_own_find(const struct js_state *state, uint16_t collection,
									 struct js_span key, uint64_t hash)
{
	return state->own == NULL ? NULL : find(state->own, state->own_count, collection, key, hash);
}

const struct js_batched *js_own_find_value(const struct js_state *state, uint64_t hash,
										   uint32_t *place)
{
	const struct js_batch *batch = state->own;
	if (batch == NULL) {
		return NULL;
	}
	uint32_t next = *place == 0 ? batch->value_buckets[hash % BUCKETS]
								: batch->values[*place - 1].older;
	while (next != 0) {
		const struct js_batched_value *value = &batch->values[next - 1];
		if (value->hash == hash && value->change < state->own_count) {
			*place = next;
			return &batch->changes[value->change];
		}
		next = value->older;
	}
	return NULL;
}

struct js_span js_own_key(const struct js_state *state, const struct js_batched *change)
{
	return (struct js_span){state->own->group.text + change->key_at, change->key_length};
}

struct js_span js_own_record(const struct js_state *state, const struct js_batched *change)
{
	const char *key = state->own->group.text + change->key_at;
	return (struct js_span){key + change->key_length, change->record_length};
}
