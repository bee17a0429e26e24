#include "store_write.h"

#include <stdlib.h>

#include "fail.h"

static bool is_name(struct js_span name)
{
	if (name.len == 0 || name.len > JSONSTORE_NAME_MAX || name.ptr[0] == '-') {
		return false;
	}
	for (size_t i = 0; i < name.len; i++) {
		char byte = name.ptr[i];
		bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
		if (!letter && !(byte >= '0' && byte <= '9') && byte != '_' && byte != '-') {
			return false;
		}
	}
	return true;
}

static bool take_name(struct js_name *to, const char *text, const char *what,
					  struct jsonstore_error *error)
{
	size_t len = strlen(text);
	if (len == 0 || len > JSONSTORE_NAME_MAX) {
		return js_fail(error, JSONSTORE_LIMIT, "the name of %s has 1 to %d bytes", what,
					   JSONSTORE_NAME_MAX);
	}
	to->len = (uint8_t)len;
	memcpy(to->text, text, len);
	return true;
}

static bool take_schema(const struct jsonstore_schema *given, struct js_schema *ret,
						struct jsonstore_error *error)
{
	*ret = (struct js_schema){.field_count = 0};
	if (given->field_count > JSONSTORE_FIELDS_MAX) {
		return js_fail(error, JSONSTORE_LIMIT, "at most %d indexed fields", JSONSTORE_FIELDS_MAX);
	}
	if (!take_name(&ret->key, given->key == NULL ? "id" : given->key, "the key field", error)) {
		return false;
	}
	for (size_t i = 0; i < given->field_count; i++) {
		struct js_name *field = &ret->fields[ret->field_count];
		if (!take_name(field, given->fields[i], "an indexed field", error)) {
			return false;
		}
		if (js_schema_field(ret, js_name_span(field)) < 0) {
			ret->field_count++;
		}
	}
	return true;
}

static int find_entity(const struct js_generation *generation, struct js_span name)
{
	for (size_t i = 0; i < generation->entity_count; i++) {
		if (js_span_equal(js_name_span(&generation->entities[i].name), name)) {
			return (int)i;
		}
	}
	return -1;
}

/* Adds the fields that are wanted to those that are there; *ret_more when there are any. */
static bool join_schemas(const struct js_schema *there, struct js_schema *wanted, bool *ret_more,
						 struct jsonstore_error *error)
{
	struct js_schema joined = *there;
	if (!js_span_equal(js_name_span(&there->key), js_name_span(&wanted->key))) {
		return js_fail(error, JSONSTORE_CONFLICT, "the key field is %.*s", there->key.len,
					   there->key.text);
	}
	for (unsigned i = 0; i < wanted->field_count; i++) {
		if (js_schema_field(&joined, js_name_span(&wanted->fields[i])) >= 0) {
			continue;
		}
		if (joined.field_count == JSONSTORE_FIELDS_MAX) {
			return js_fail(error, JSONSTORE_LIMIT, "at most %d indexed fields",
						   JSONSTORE_FIELDS_MAX);
		}
		joined.fields[joined.field_count++] = wanted->fields[i];
	}
	*ret_more = joined.field_count > there->field_count;
	*wanted = joined;
	return true;
}

/* Looks the collection up; *ret_id -1 when it is to be made, *ret_more when fields are new. */
static bool look_up(struct jsonstore *store, const struct js_name *name, struct js_schema *schema,
					int *ret_id, bool *ret_more, struct jsonstore_error *error)
{
	struct js_state state;
	*ret_more = false;
	if (!js_store_now(store, &state, error)) {
		return false;
	}
	*ret_id = find_entity(state.generation, js_name_span(name));
	bool good = true;
	if (*ret_id >= 0 && schema != NULL) {
		good = join_schemas(&state.generation->entities[*ret_id].schema, schema, ret_more, error);
	} else if (*ret_id < 0 && schema == NULL) {
		good = js_fail(error, JSONSTORE_ABSENT, "%s: there is no collection %.*s", store->path,
					   name->len, name->text);
	} else if (*ret_id < 0 && state.generation->entity_count == JSONSTORE_COLLECTIONS_MAX) {
		good = js_fail(error, JSONSTORE_LIMIT, "at most %d collections", JSONSTORE_COLLECTIONS_MAX);
	}
	js_state_release(&state);
	return good;
}

/* One step towards the collection with its fields; it may be one that ends a failure instead. */
static bool make_step(struct jsonstore *store, const struct js_name *name, struct js_schema *schema,
					  int *ret_id, bool *ret_made, struct jsonstore_error *error)
{
	struct js_state state;
	bool more;
	/* Another may have made it meanwhile. */
	if (!look_up(store, name, schema, ret_id, &more, error)) {
		return false;
	}
	*ret_made = *ret_id >= 0 && !more;
	if (*ret_made) {
		return true;
	}
	struct js_plan *plan = js_new(&store->sys, 1, sizeof(*plan), error);
	bool good = plan != NULL && js_store_now(store, &state, error);
	if (good) {
		plan->name = name;
		plan->schema = schema;
		plan->changed = *ret_id < 0 ? (uint16_t)state.generation->entity_count : (uint16_t)*ret_id;
		js_state_release(&state);
		good = js_switch(store, plan, error);
	}
	free(plan);
	return good;
}

/* Makes the collection, or its new fields, by going to a next generation. */
static bool make(struct jsonstore *store, const struct js_name *name, struct js_schema *schema,
				 int *ret_id, struct jsonstore_error *error)
{
	bool busy;
	bool made = false;
	bool good = js_gate_check(store, error) && js_checkpoint_lock(store, true, &busy, error);
	if (good) {
		while (good && !made) {
			good = make_step(store, name, schema, ret_id, &made, error);
		}
		js_checkpoint_unlock(store);
	}
	return good;
}

/* The handle of a collection, which lives as long as the store. */
static struct jsonstore_collection *handle_of(struct jsonstore *store, const struct js_name *name,
											  uint16_t id, struct jsonstore_error *error)
{
	pthread_mutex_lock(&store->collections_mutex);
	struct jsonstore_collection *at = store->collections;
	while (at != NULL && at->id != id) {
		at = at->next;
	}
	if (at == NULL) {
		at = js_new(&store->sys, 1, sizeof(*at), error);
		if (at != NULL) {
			*at = (struct jsonstore_collection){store, store->collections, *name, id};
			store->collections = at;
		}
	}
	pthread_mutex_unlock(&store->collections_mutex);
	return at;
}

int jsonstore_collection(struct jsonstore *store, const char *name,
						 const struct jsonstore_schema *schema,
						 struct jsonstore_collection **ret_collection,
						 struct jsonstore_error *error)
{
	struct jsonstore_error unwanted;
	struct js_schema wanted;
	struct js_name taken;
	int id = -1;
	bool more;
	error = error == NULL ? &unwanted : error;
	if (!js_store_check(store, error)) {
		return error->code;
	}
	if (!is_name(js_span_of(name))) {
		js_fail(error, JSONSTORE_INVALID, "a collection's name has letters, digits, _ and -");
		return error->code;
	}
	if (!take_name(&taken, name, "a collection", error) ||
		(schema != NULL && !take_schema(schema, &wanted, error)) ||
		!look_up(store, &taken, schema == NULL ? NULL : &wanted, &id, &more, error) ||
		((id < 0 || more) && !make(store, &taken, &wanted, &id, error))) {
		return error->code;
	}
	struct jsonstore_collection *found = handle_of(store, &taken, (uint16_t)id, error);
	if (found == NULL) {
		return error->code;
	}
	*ret_collection = found;
	return JSONSTORE_OK;
}
