#include "read.h"

#include <stdlib.h>

#include "fail.h"
#include "transaction.h"

bool js_change_read(const struct js_generation *generation, const struct js_change *change,
					struct jsonstore_text *text, struct js_key *ret_key,
					struct jsonstore_error *error)
{
	const struct js_sys *sys = &generation->store->sys;
	size_t count = (size_t)change->key_length + change->record_length;
	text->length = 0;
	if (!js_text_reserve(sys, text, count, error)) {
		return false;
	}
	ssize_t got = js_pread(sys, generation->journal.fd, text->text, count, change->key_at);
	if (got < 0) {
		return js_fail_io(error, "read", generation->journal.path);
	}
	const char *record = text->text + change->key_length;
	if ((size_t)got < count || js_crc32c(0, record, change->record_length) != change->record_crc) {
		return js_fail_damaged(error, generation->journal.path, change->key_at, "a record");
	}
	ret_key->len = change->key_length;
	memcpy(ret_key->text, text->text, change->key_length);
	memmove(text->text, record, change->record_length);
	text->length = change->record_length;
	return true;
}

bool js_state_change(const struct js_state *state, uint16_t collection, struct js_span key,
					 uint64_t hash, struct jsonstore_text *text,
					 const struct js_change **ret_change, struct jsonstore_error *error)
{
	const struct js_generation *generation = state->generation;
	const struct js_change *change = NULL;
	struct js_key found;
	while ((change = js_overlay_find(&generation->overlay, collection, hash, state->end, change)) !=
		   NULL) {
		if (change->key_length != key.len) {
			continue;
		}
		if (!js_change_read(generation, change, text, &found, error)) {
			return false;
		}
		if (memcmp(found.text, key.ptr, key.len) == 0) {
			break;
		}
	}
	*ret_change = change;
	return true;
}

bool js_state_get(const struct js_state *state, uint16_t collection, struct js_span key,
				  struct jsonstore_text *ret, bool *ret_found, struct jsonstore_error *error)
{
	const struct js_entity *entity = &state->generation->entities[collection];
	const struct js_change *change = NULL;
	uint64_t hash = js_key_hash(state->generation, key);
	const struct js_batched *own = js_own_find(state, collection, key, hash);
	if (own != NULL) {
		*ret_found = own->op == JS_PUT;
		ret->length = 0;
		return js_text_add(&state->generation->store->sys, ret, js_own_record(state, own), error);
	}
	if (atomic_load_explicit(&entity->changes, memory_order_acquire) > 0 &&
		!js_state_change(state, collection, key, hash, ret, &change, error)) {
		return false;
	}
	if (change != NULL) {
		*ret_found = change->op == JS_PUT;
		return true;
	}
	return js_table_get(state->generation->entities[collection].table, key, hash, ret, ret_found,
						error);
}

bool js_read_state(const struct jsonstore_collection *collection,
				   const struct jsonstore_snapshot *snapshot, struct js_state *ret,
				   struct jsonstore_error *error)
{
	if (snapshot == NULL) {
		if (!js_store_check(collection->store, error) ||
			!js_store_now(collection->store, ret, error)) {
			return false;
		}
	} else {
		if (!js_store_check(collection->store, error) || !js_own_check(&snapshot->state, error)) {
			return false;
		}
		*ret = js_state_copy(&snapshot->state);
	}
	if (ret->generation->store != collection->store) {
		js_state_release(ret);
		return js_fail(error, JSONSTORE_INVALID, "the snapshot is another store's");
	}
	if (collection->id >= ret->generation->entity_count) {
		js_state_release(ret);
		return js_fail(error, JSONSTORE_ABSENT, "the collection is newer than the snapshot");
	}
	return true;
}

bool js_read_key(struct js_span key, struct jsonstore_error *error)
{
	if (key.len > JSONSTORE_KEY_MAX) {
		return js_fail(error, JSONSTORE_LIMIT, "a key of %zu bytes, at most %d", key.len,
					   JSONSTORE_KEY_MAX);
	}
	return true;
}

int jsonstore_get(struct jsonstore_collection *collection,
				  const struct jsonstore_snapshot *snapshot, const char *key, size_t key_length,
				  struct jsonstore_text *ret_record, struct jsonstore_error *error)
{
	struct jsonstore_error unwanted;
	struct js_state state;
	struct js_span wanted = {key, key_length};
	bool found;
	error = error == NULL ? &unwanted : error;
	if (!js_read_key(wanted, error) || !js_read_state(collection, snapshot, &state, error)) {
		return error->code;
	}
	bool good = js_state_get(&state, collection->id, wanted, ret_record, &found, error);
	js_state_release(&state);
	if (good && !found) {
		good = js_fail(error, JSONSTORE_ABSENT, "there is no such record");
	}
	if (!good) {
		ret_record->length = 0;
		return error->code;
	}
	return JSONSTORE_OK;
}

int jsonstore_snapshot(struct jsonstore *store, struct jsonstore_snapshot **ret_snapshot,
					   struct jsonstore_error *error)
{
	struct jsonstore_error unwanted;
	error = error == NULL ? &unwanted : error;
	if (!js_store_check(store, error)) {
		return error->code;
	}
	struct jsonstore_snapshot *snapshot = js_new(&store->sys, 1, sizeof(*snapshot), error);
	if (snapshot == NULL) {
		return error->code;
	}
	if (!js_store_now(store, &snapshot->state, error)) {
		free(snapshot);
		return error->code;
	}
	*ret_snapshot = snapshot;
	return JSONSTORE_OK;
}

int jsonstore_stamp(struct jsonstore *store, const struct jsonstore_snapshot *snapshot,
					struct jsonstore_stamp *ret_stamp, struct jsonstore_error *error)
{
	struct jsonstore_error unwanted;
	struct js_state state;
	error = error == NULL ? &unwanted : error;
	if (!js_store_check(store, error)) {
		return error->code;
	}
	if (snapshot != NULL && snapshot->state.own_count > 0) {
		js_fail(error, JSONSTORE_INVALID, "the snapshot holds changes of a transaction");
		return error->code;
	}
	if (snapshot != NULL) {
		state = js_state_copy(&snapshot->state);
	} else if (!js_store_now(store, &state, error)) {
		return error->code;
	}
	*ret_stamp = (struct jsonstore_stamp){state.generation->journal.generation, state.end};
	js_state_release(&state);
	return JSONSTORE_OK;
}

void jsonstore_release(struct jsonstore_snapshot *snapshot)
{
	if (snapshot != NULL) {
		js_state_release(&snapshot->state);
		free(snapshot);
	}
}
