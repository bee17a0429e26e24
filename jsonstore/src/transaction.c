#include "transaction.h"

#include <stdlib.h>

#include "fail.h"
#include "json.h"
#include "read.h"

int jsonstore_begin(struct jsonstore *store, struct jsonstore_transaction **ret_transaction,
					struct jsonstore_error *error)
{
	struct jsonstore_error unwanted;
	error = error == NULL ? &unwanted : error;
	if (!js_store_check(store, error)) {
		return error->code;
	}
	struct jsonstore_transaction *transaction = js_new(&store->sys, 1, sizeof(*transaction), error);
	if (transaction == NULL) {
		return error->code;
	}
	transaction->store = store;
	*ret_transaction = transaction;
	return JSONSTORE_OK;
}

void jsonstore_abandon(struct jsonstore_transaction *transaction)
{
	struct jsonstore_error ignored;
	if (transaction != NULL) {
		js_batch_unref(transaction->own);
		/* In a child of fork() the lock is the parent's. */
		if (transaction->own != NULL && js_store_check(transaction->store, &ignored)) {
			js_write_end(transaction->store, &transaction->state);
		} else if (transaction->own != NULL) {
			js_state_release(&transaction->state);
		}
		free(transaction->steps);
		jsonstore_text_free(&transaction->bytes);
		free(transaction);
	}
}

/* Room for one more step, and the limits. */
static bool reserve(struct jsonstore_transaction *transaction,
					const struct jsonstore_collection *collection, size_t bytes,
					struct jsonstore_error *error)
{
	if (collection->store != transaction->store) {
		return js_fail(error, JSONSTORE_INVALID, "the collection is another store's");
	}
	size_t count = transaction->own == NULL ? transaction->count : transaction->own->count;
	if (count == JSONSTORE_TRANSACTION_CHANGES_MAX) {
		return js_fail(error, JSONSTORE_LIMIT, "a transaction of more than %d changes",
					   JSONSTORE_TRANSACTION_CHANGES_MAX);
	}
	if (bytes > JSONSTORE_TRANSACTION_MAX ||
		transaction->bytes.length + bytes > JSONSTORE_TRANSACTION_MAX) {
		return js_fail(error, JSONSTORE_LIMIT, "a transaction of more than %d bytes",
					   JSONSTORE_TRANSACTION_MAX);
	}
	if (transaction->count == transaction->capacity) {
		size_t capacity = transaction->capacity == 0 ? 4 : transaction->capacity * 2;
		struct js_step *grown = js_allocate(&transaction->store->sys, transaction->steps,
											capacity * sizeof(*grown));
		if (grown == NULL) {
			return js_fail_memory(error);
		}
		transaction->steps = grown;
		transaction->capacity = capacity;
	}
	return js_text_reserve(&transaction->store->sys, &transaction->bytes, bytes, error);
}

/* The schema cannot change while we look: the key field never does. */
static bool key_schema(const struct jsonstore_transaction *transaction,
					   const struct jsonstore_collection *collection, struct js_schema *ret,
					   struct jsonstore_error *error)
{
	struct js_state state;
	if (transaction->own != NULL) {
		state = js_state_copy(&transaction->state);
	} else if (!js_store_now(transaction->store, &state, error)) {
		return false;
	}
	ret->key = state.generation->entities[collection->id].schema.key;
	ret->field_count = 0;
	js_state_release(&state);
	return true;
}

/* A step is complete. A locked transaction takes it at once, and forgets it. */
static bool end_step(struct jsonstore_transaction *transaction, struct jsonstore_error *error)
{
	struct js_batch *own = transaction->own;
	transaction->count++;
	if (own == NULL) {
		return true;
	}
	bool good = js_batch_add(own, transaction, error);
	if (!good) {
		error->change = own->count;
	}
	transaction->count = 0;
	transaction->bytes.length = 0;
	return good;
}

static bool add_record(struct jsonstore_transaction *transaction,
					   struct jsonstore_collection *collection, enum js_wish wish,
					   struct js_span record, struct jsonstore_error *error)
{
	struct jsonstore_text *bytes = &transaction->bytes;
	struct js_schema schema;
	struct js_fields fields;
	size_t begin = bytes->length;
	if (!js_store_check(transaction->store, error) ||
		!reserve(transaction, collection, JSONSTORE_KEY_MAX + record.len, error) ||
		!key_schema(transaction, collection, &schema, error) ||
		!js_record_take(&transaction->store->sys, &schema, record, &fields, bytes, error)) {
		return false;
	}
	struct js_step *step = &transaction->steps[transaction->count];
	*step = (struct js_step){
		.wish = wish,
		.collection = collection->id,
		.key_length = fields.key.len,
		.key_at = bytes->length,
		.text_at = begin,
		.text_length = bytes->length - begin,
	};
	if (!js_text_add(&transaction->store->sys, bytes,
					 (struct js_span){fields.key.text, fields.key.len}, error)) {
		bytes->length = begin;
		return false;
	}
	return end_step(transaction, error);
}

static bool add_keyed(struct jsonstore_transaction *transaction,
					  struct jsonstore_collection *collection, enum js_wish wish,
					  struct js_span key, struct js_span text, struct jsonstore_error *error)
{
	struct jsonstore_text *bytes = &transaction->bytes;
	size_t begin = bytes->length;
	if (!js_store_check(transaction->store, error) || !js_read_key(key, error) ||
		!reserve(transaction, collection, key.len + text.len, error)) {
		return false;
	}
	/* There is room for both. */
	if (!js_text_add(&transaction->store->sys, bytes, key, error)) {
		return false;
	}
	bool good = wish == JS_WISH_PATCH
		? js_record_take(&transaction->store->sys, NULL, text, NULL, bytes, error)
		: js_text_add(&transaction->store->sys, bytes, text, error);
	if (good && wish == JS_WISH_PATCH && bytes->text[begin + key.len] != '{') {
		good = js_fail(error, JSONSTORE_INVALID, "a patch is an object");
	}
	if (!good) {
		bytes->length = begin;
		return false;
	}
	transaction->steps[transaction->count] = (struct js_step){
		.wish = wish,
		.collection = collection->id,
		.key_length = (uint16_t)key.len,
		.absent = text.ptr == NULL,
		.key_at = begin,
		.text_at = begin + key.len,
		.text_length = bytes->length - begin - key.len,
	};
	return end_step(transaction, error);
}

int jsonstore_transaction_put(struct jsonstore_transaction *transaction,
							  struct jsonstore_collection *collection, const char *record,
							  size_t length, struct jsonstore_error *error)
{
	struct jsonstore_error unwanted;
	struct js_span text = {record, length};
	error = error == NULL ? &unwanted : error;
	return add_record(transaction, collection, JS_WISH_PUT, text, error) ? JSONSTORE_OK
																		 : error->code;
}

int jsonstore_transaction_insert(struct jsonstore_transaction *transaction,
								 struct jsonstore_collection *collection, const char *record,
								 size_t length, struct jsonstore_error *error)
{
	struct jsonstore_error unwanted;
	struct js_span text = {record, length};
	error = error == NULL ? &unwanted : error;
	return add_record(transaction, collection, JS_WISH_INSERT, text, error) ? JSONSTORE_OK
																			: error->code;
}

int jsonstore_transaction_patch(struct jsonstore_transaction *transaction,
								struct jsonstore_collection *collection, const char *key,
								size_t key_length, const char *patch, size_t length,
								struct jsonstore_error *error)
{
	struct jsonstore_error unwanted;
	struct js_span key_span = {key, key_length};
	struct js_span text = {patch, length};
	error = error == NULL ? &unwanted : error;
	return add_keyed(transaction, collection, JS_WISH_PATCH, key_span, text, error) ? JSONSTORE_OK
																					: error->code;
}

int jsonstore_transaction_delete(struct jsonstore_transaction *transaction,
								 struct jsonstore_collection *collection, const char *key,
								 size_t key_length, struct jsonstore_error *error)
{
	struct jsonstore_error unwanted;
	struct js_span key_span = {key, key_length};
	struct js_span none = {NULL, 0};
	error = error == NULL ? &unwanted : error;
	return add_keyed(transaction, collection, JS_WISH_DELETE, key_span, none, error) ? JSONSTORE_OK
																					 : error->code;
}

int jsonstore_transaction_require(struct jsonstore_transaction *transaction,
								  struct jsonstore_collection *collection, const char *key,
								  size_t key_length, const char *record, size_t length,
								  struct jsonstore_error *error)
{
	struct jsonstore_error unwanted;
	struct js_span key_span = {key, key_length};
	struct js_span text = {record, record == NULL ? 0 : length};
	error = error == NULL ? &unwanted : error;
	return add_keyed(transaction, collection, JS_WISH_REQUIRE, key_span, text, error) ? JSONSTORE_OK
																					  : error->code;
}

/* ---- one change ---- */

static bool add_any(struct jsonstore_transaction *transaction,
					struct jsonstore_collection *collection, enum js_wish wish, struct js_span key,
					struct js_span text, struct jsonstore_error *error)
{
	return key.ptr == NULL ? add_record(transaction, collection, wish, text, error)
						   : add_keyed(transaction, collection, wish, key, text, error);
}

static int write_one(struct jsonstore_collection *collection, enum js_wish wish, struct js_span key,
					 struct js_span text, struct jsonstore_error *error)
{
	struct jsonstore_error unwanted;
	struct jsonstore_transaction *transaction;
	error = error == NULL ? &unwanted : error;
	int code = jsonstore_begin(collection->store, &transaction, error);
	if (code != JSONSTORE_OK) {
		return code;
	}
	if (!add_any(transaction, collection, wish, key, text, error)) {
		code = error->code;
		jsonstore_abandon(transaction);
		return code;
	}
	return jsonstore_commit(transaction, error);
}

int jsonstore_put(struct jsonstore_collection *collection, const char *record, size_t length,
				  struct jsonstore_error *error)
{
	return write_one(collection, JS_WISH_PUT, (struct js_span){NULL, 0},
					 (struct js_span){record, length}, error);
}

int jsonstore_insert(struct jsonstore_collection *collection, const char *record, size_t length,
					 struct jsonstore_error *error)
{
	return write_one(collection, JS_WISH_INSERT, (struct js_span){NULL, 0},
					 (struct js_span){record, length}, error);
}

int jsonstore_patch(struct jsonstore_collection *collection, const char *key, size_t key_length,
					const char *patch, size_t length, struct jsonstore_error *error)
{
	return write_one(collection, JS_WISH_PATCH, (struct js_span){key, key_length},
					 (struct js_span){patch, length}, error);
}

int jsonstore_delete(struct jsonstore_collection *collection, const char *key, size_t key_length,
					 struct jsonstore_error *error)
{
	return write_one(collection, JS_WISH_DELETE, (struct js_span){key, key_length},
					 (struct js_span){NULL, 0}, error);
}
