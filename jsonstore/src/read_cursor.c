/*
 * DESIGN. A scan and a find have two parts each. First the base's records, as they stand in the
 * file or as the index finds them: one with a change in the overlay is the change's business. Then
 * the overlay. A scan gives a changed record in its place in the file, and in the second part the
 * keys that the file does not have, in the order of their first change. A find gives all changed
 * ones in the second part: by the value, the newest change of its key only. A state may have one
 * more layer, a locked transaction's own changes, which are newer than all; its part comes last.
 */
#include "read.h"

#include <stdlib.h>

#include "fail.h"
#include "json.h"
#include "transaction.h"

enum part { PART_BASE, PART_CHANGES, PART_OWN, PART_END };

struct jsonstore_cursor {
	struct js_state state;
	uint16_t collection;
	enum part part;
	bool finding;
	struct jsonstore_text text; /* the record that is given */
	struct jsonstore_text more; /* used on the way */
	/* A scan. */
	struct js_base_reader reader;
	uint32_t next_change;
	size_t next_own;
	/* A find. */
	unsigned field;
	struct jsonstore_text form; /* of the value */
	uint64_t change_hash;
	uint32_t place;
	uint32_t own_place;
	struct js_lookup lookup;
};

/* The newest change of a key: an own one, else one of the journal; both NULL: none. */
struct newest {
	const struct js_batched *own;
	const struct js_change *change;
	bool deleted;
};

static const struct js_entity *entity_of(const struct jsonstore_cursor *cursor)
{
	return &cursor->state.generation->entities[cursor->collection];
}

static struct jsonstore_cursor *new_cursor(const struct js_state *state, uint16_t collection,
										   struct jsonstore_error *error)
{
	struct jsonstore_cursor *cursor = js_new(&state->generation->store->sys, 1, sizeof(*cursor),
											 error);
	if (cursor == NULL) {
		struct js_state taken = *state;
		js_state_release(&taken);
		return NULL;
	}
	cursor->state = *state;
	cursor->collection = collection;
	return cursor;
}

int js_cursor_scan(const struct js_state *state, uint16_t collection, struct jsonstore_cursor **ret,
				   struct jsonstore_error *error)
{
	struct jsonstore_cursor *cursor = new_cursor(state, collection, error);
	if (cursor == NULL) {
		return error->code;
	}
	const struct js_table *table = entity_of(cursor)->table;
	js_base_reader_init(&cursor->reader, &state->generation->store->sys, table->file.fd,
						table->path, NULL);
	js_base_reader_sums(&cursor->reader, NULL, &table->index.sums);
	*ret = cursor;
	return JSONSTORE_OK;
}

int jsonstore_scan(struct jsonstore_collection *collection,
				   const struct jsonstore_snapshot *snapshot, struct jsonstore_cursor **ret_cursor,
				   struct jsonstore_error *error)
{
	struct jsonstore_error unwanted;
	struct js_state state;
	error = error == NULL ? &unwanted : error;
	if (!js_read_state(collection, snapshot, &state, error)) {
		return error->code;
	}
	return js_cursor_scan(&state, collection->id, ret_cursor, error);
}

static bool begin_find(struct jsonstore_cursor *cursor, struct js_span field, struct js_span value,
					   struct jsonstore_error *error)
{
	const struct js_generation *generation = cursor->state.generation;
	const struct js_entity *entity = entity_of(cursor);
	struct js_scanned scanned;
	int number = js_schema_field(&entity->schema, field);
	if (number < 0) {
		return js_fail(error, JSONSTORE_ABSENT, "no index of the field %.*s", (int)field.len,
					   field.ptr);
	}
	if (value.len > JSONSTORE_RECORD_MAX || !js_json_check(value, &scanned)) {
		return js_fail(error, JSONSTORE_INVALID, "the value is not JSON");
	}
	if (!js_value_form(&generation->store->sys, js_json_trim(value), &cursor->form, error)) {
		return false;
	}
	if (cursor->form.length == 0) {
		return js_fail(error, JSONSTORE_INVALID, "arrays and objects are not indexed");
	}
	uint64_t hash = js_key_hash(generation, js_text_span(&cursor->form));
	cursor->finding = true;
	cursor->field = (unsigned)number;
	cursor->change_hash = js_field_hash(hash, cursor->collection, cursor->field);
	return js_lookup_begin(&cursor->lookup, &entity->table->index, entity->table->cache,
						   1 + cursor->field, hash, error);
}

int jsonstore_find(struct jsonstore_collection *collection,
				   const struct jsonstore_snapshot *snapshot, const char *field, const char *value,
				   size_t value_length, struct jsonstore_cursor **ret_cursor,
				   struct jsonstore_error *error)
{
	struct jsonstore_error unwanted;
	struct js_state state;
	error = error == NULL ? &unwanted : error;
	if (!js_read_state(collection, snapshot, &state, error)) {
		return error->code;
	}
	struct jsonstore_cursor *cursor = new_cursor(&state, collection->id, error);
	if (cursor == NULL) {
		return error->code;
	}
	struct js_span wanted = {value, value_length};
	if (!begin_find(cursor, js_span_of(field), wanted, error)) {
		int code = error->code;
		jsonstore_cursor_close(cursor);
		return code;
	}
	*ret_cursor = cursor;
	return JSONSTORE_OK;
}

void jsonstore_cursor_close(struct jsonstore_cursor *cursor)
{
	if (cursor != NULL) {
		js_base_reader_finish(&cursor->reader);
		jsonstore_text_free(&cursor->text);
		jsonstore_text_free(&cursor->more);
		jsonstore_text_free(&cursor->form);
		js_state_release(&cursor->state);
		free(cursor);
	}
}

/* The fields of a record that was checked when it was written. */
static bool fields_of(const struct jsonstore_cursor *cursor, struct js_span record,
					  struct js_fields *ret, struct jsonstore_error *error)
{
	const char *what;
	if (!js_record_fields(&entity_of(cursor)->schema, record, ret, &what)) {
		return js_fail_damaged(error, entity_of(cursor)->table->path, 0, what);
	}
	return true;
}

static bool set_text(const struct jsonstore_cursor *cursor, struct jsonstore_text *text,
					 struct js_span span, struct jsonstore_error *error)
{
	text->length = 0;
	return js_text_add(&cursor->state.generation->store->sys, text, span, error);
}

/* The newest change of a record's key; its text is in cursor->more. */
static bool change_of(struct jsonstore_cursor *cursor, const struct js_key *key, struct newest *ret,
					  struct jsonstore_error *error)
{
	const struct js_state *state = &cursor->state;
	struct js_span span = {key->text, key->len};
	*ret = (struct newest){.own = NULL};
	if (state->own_count == 0 && entity_of(cursor)->changes == 0) {
		return true;
	}
	uint64_t hash = js_key_hash(state->generation, span);
	ret->own = js_own_find(state, cursor->collection, span, hash);
	if (ret->own != NULL) {
		ret->deleted = ret->own->op == JS_DELETE;
		return set_text(cursor, &cursor->more, js_own_record(state, ret->own), error);
	}
	bool good = js_state_change(state, cursor->collection, span, hash, &cursor->more, &ret->change,
								error);
	ret->deleted = good && ret->change != NULL && ret->change->op == JS_DELETE;
	return good;
}

static bool is_changed(const struct newest *newest)
{
	return newest->own != NULL || newest->change != NULL;
}

/* The record goes out as one line. */
static bool give(struct jsonstore_cursor *cursor, struct js_span record,
				 struct jsonstore_error *error)
{
	cursor->text.length = 0;
	if (!js_text_reserve(&cursor->state.generation->store->sys, &cursor->text, record.len, error)) {
		return false;
	}
	if (memchr(record.ptr, '\n', record.len) != NULL) {
		cursor->text.length = js_json_squeeze(record, cursor->text.text);
		return true;
	}
	memcpy(cursor->text.text, record.ptr, record.len);
	cursor->text.length = record.len;
	return true;
}

/* A record of the file, in its newest form; JS_MORE_END behind the last one of the file. */
static enum js_more scan_base(struct jsonstore_cursor *cursor, struct jsonstore_error *error)
{
	struct js_span record;
	uint64_t offset;
	enum js_more more;
	while ((more = js_base_next(&cursor->reader, &record, &offset, error)) == JS_MORE_RECORD) {
		struct newest newest = {.own = NULL};
		struct js_fields fields;
		if ((entity_of(cursor)->changes > 0 || cursor->state.own_count > 0) &&
			(!fields_of(cursor, record, &fields, error) ||
			 !change_of(cursor, &fields.key, &newest, error))) {
			return JS_MORE_ERROR;
		}
		if (newest.deleted) {
			continue;
		}
		record = is_changed(&newest) ? js_text_span(&cursor->more) : record;
		return give(cursor, record, error) ? JS_MORE_RECORD : JS_MORE_ERROR;
	}
	return more;
}

/* Keys that the file does not have, at the place of their first change. */
static enum js_more scan_changes(struct jsonstore_cursor *cursor, struct jsonstore_error *error)
{
	const struct js_generation *generation = cursor->state.generation;
	uint32_t count = js_overlay_count(&generation->overlay);
	while (cursor->next_change < count) {
		const struct js_change *change = js_overlay_at(&generation->overlay, cursor->next_change++);
		struct newest newest;
		struct js_key key;
		bool found;
		if (change->key_at >= cursor->state.end) {
			return JS_MORE_END;
		}
		if (change->collection != cursor->collection || !change->first) {
			continue;
		}
		if (!js_change_read(generation, change, &cursor->more, &key, error)) {
			return JS_MORE_ERROR;
		}
		struct js_span span = {key.text, key.len};
		if (!js_table_get(entity_of(cursor)->table, span, change->hash, &cursor->text, &found,
						  error)) {
			return JS_MORE_ERROR;
		}
		if (found) {
			continue;
		}
		if (!change_of(cursor, &key, &newest, error)) {
			return JS_MORE_ERROR;
		}
		if (is_changed(&newest) && !newest.deleted) {
			return give(cursor, js_text_span(&cursor->more), error) ? JS_MORE_RECORD
																	: JS_MORE_ERROR;
		}
	}
	return JS_MORE_END;
}

/* Whether a key is one of the file or of the journal. */
static bool is_below(struct jsonstore_cursor *cursor, struct js_span key, uint64_t hash, bool *ret,
					 struct jsonstore_error *error)
{
	const struct js_change *change = NULL;
	if (entity_of(cursor)->changes > 0 &&
		!js_state_change(&cursor->state, cursor->collection, key, hash, &cursor->more, &change,
						 error)) {
		return false;
	}
	*ret = change != NULL;
	return *ret || js_table_get(entity_of(cursor)->table, key, hash, &cursor->more, ret, error);
}

/* Keys that are own ones only, at the place of their first change. */
static enum js_more scan_own(struct jsonstore_cursor *cursor, struct jsonstore_error *error)
{
	const struct js_state *state = &cursor->state;
	while (cursor->next_own < state->own_count) {
		const struct js_batched *change = &state->own->changes[cursor->next_own++];
		struct js_span key = js_own_key(state, change);
		bool below;
		if (change->collection != cursor->collection || !change->first) {
			continue;
		}
		if (!is_below(cursor, key, change->hash, &below, error)) {
			return JS_MORE_ERROR;
		}
		const struct js_batched *newest = js_own_find(state, cursor->collection, key, change->hash);
		if (!below && newest->op == JS_PUT) {
			return give(cursor, js_own_record(state, newest), error) ? JS_MORE_RECORD
																	 : JS_MORE_ERROR;
		}
	}
	return JS_MORE_END;
}

/* Whether a record has the value that is looked for. */
static bool has_value(struct jsonstore_cursor *cursor, const struct js_fields *fields, bool *ret,
					  struct jsonstore_error *error)
{
	struct jsonstore_text form = {NULL, 0, 0};
	*ret = false;
	if (fields->values[cursor->field].ptr == NULL) {
		return true;
	}
	if (!js_value_form(&cursor->state.generation->store->sys, fields->values[cursor->field], &form,
					   error)) {
		jsonstore_text_free(&form);
		return false;
	}
	*ret = js_span_equal(js_text_span(&form), js_text_span(&cursor->form));
	jsonstore_text_free(&form);
	return true;
}

static enum js_more find_base(struct jsonstore_cursor *cursor, struct jsonstore_error *error)
{
	struct js_index_entry entry;
	enum js_more more;
	while ((more = js_lookup_next(&cursor->lookup, &entry, error)) == JS_MORE_RECORD) {
		struct newest newest;
		struct js_fields fields;
		bool has;
		if (!js_table_read(entity_of(cursor)->table, &entry, &cursor->text, error) ||
			!fields_of(cursor, js_text_span(&cursor->text), &fields, error) ||
			!has_value(cursor, &fields, &has, error) ||
			!change_of(cursor, &fields.key, &newest, error)) {
			return JS_MORE_ERROR;
		}
		if (has && !is_changed(&newest)) {
			struct jsonstore_text *text = &cursor->text;
			if (memchr(text->text, '\n', text->length) != NULL) {
				text->length = js_json_squeeze(js_text_span(text), text->text);
			}
			return JS_MORE_RECORD;
		}
	}
	return more;
}

/* Whether the changed record in cursor->text has the value. */
static bool text_has_value(struct jsonstore_cursor *cursor, bool *ret,
						   struct jsonstore_error *error)
{
	struct js_fields fields;
	return fields_of(cursor, js_text_span(&cursor->text), &fields, error) &&
		has_value(cursor, &fields, ret, error);
}

static enum js_more find_changes(struct jsonstore_cursor *cursor, struct jsonstore_error *error)
{
	const struct js_generation *generation = cursor->state.generation;
	const struct js_change *change;
	while ((change = js_overlay_find_value(&generation->overlay, cursor->change_hash,
										   cursor->state.end, &cursor->place)) != NULL) {
		struct newest newest;
		struct js_key key;
		bool has;
		if (change->collection != cursor->collection) {
			continue;
		}
		if (!js_change_read(generation, change, &cursor->text, &key, error) ||
			!change_of(cursor, &key, &newest, error)) {
			return JS_MORE_ERROR;
		}
		if (newest.change != change) {
			continue;
		}
		if (!text_has_value(cursor, &has, error)) {
			return JS_MORE_ERROR;
		}
		if (has) {
			return JS_MORE_RECORD;
		}
	}
	return JS_MORE_END;
}

static enum js_more find_own(struct jsonstore_cursor *cursor, struct jsonstore_error *error)
{
	const struct js_state *state = &cursor->state;
	const struct js_batched *change;
	while ((change = js_own_find_value(state, cursor->change_hash, &cursor->own_place)) != NULL) {
		bool has;
		if (change->collection != cursor->collection ||
			js_own_find(state, cursor->collection, js_own_key(state, change), change->hash) !=
				change) {
			continue;
		}
		if (!set_text(cursor, &cursor->text, js_own_record(state, change), error) ||
			!text_has_value(cursor, &has, error)) {
			return JS_MORE_ERROR;
		}
		if (has) {
			return JS_MORE_RECORD;
		}
	}
	return JS_MORE_END;
}

int jsonstore_next(struct jsonstore_cursor *cursor, const char **ret_record, size_t *ret_length,
				   struct jsonstore_error *error)
{
	struct jsonstore_error unwanted;
	enum js_more more = JS_MORE_END;
	error = error == NULL ? &unwanted : error;
	if (!js_store_check(cursor->state.generation->store, error) ||
		!js_own_check(&cursor->state, error)) {
		return error->code;
	}
	if (cursor->part == PART_BASE) {
		more = cursor->finding ? find_base(cursor, error) : scan_base(cursor, error);
		cursor->part = more == JS_MORE_END ? PART_CHANGES : PART_BASE;
	}
	if (cursor->part == PART_CHANGES) {
		more = cursor->finding ? find_changes(cursor, error) : scan_changes(cursor, error);
		cursor->part = more == JS_MORE_END ? PART_OWN : PART_CHANGES;
	}
	if (cursor->part == PART_OWN) {
		more = cursor->finding ? find_own(cursor, error) : scan_own(cursor, error);
		cursor->part = more == JS_MORE_END ? PART_END : PART_OWN;
	}
	if (more == JS_MORE_ERROR) {
		return error->code;
	}
	*ret_record = more == JS_MORE_RECORD ? cursor->text.text : NULL;
	*ret_length = more == JS_MORE_RECORD ? cursor->text.length : 0;
	return JSONSTORE_OK;
}
