/*
 * DESIGN. A scan and a find have two parts each. First the base's records, as they stand in the
 * file or as the index finds them: one with a change in the overlay is the change's business. Then
 * the overlay. A scan gives a changed record in its place in the file, and in the second part the
 * keys that the file does not have, in the order of their first change. A find gives all changed
 * ones in the second part: by the value, the newest change of its key only.
 */
#include "read.h"

#include <stdlib.h>

#include "fail.h"
#include "json.h"

enum part { PART_BASE, PART_CHANGES, PART_END };

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
	/* A find. */
	unsigned field;
	struct jsonstore_text form; /* of the value */
	uint64_t change_hash;
	uint32_t place;
	struct js_lookup lookup;
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

/* The newest change of a record's key; its text is in cursor->more. */
static bool change_of(struct jsonstore_cursor *cursor, const struct js_key *key,
					  const struct js_change **ret, struct jsonstore_error *error)
{
	struct js_span span = {key->text, key->len};
	*ret = NULL;
	if (entity_of(cursor)->changes == 0) {
		return true;
	}
	return js_state_change(&cursor->state, cursor->collection, span,
						   js_key_hash(cursor->state.generation, span), &cursor->more, ret, error);
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
		const struct js_change *change = NULL;
		struct js_fields fields;
		if (entity_of(cursor)->changes > 0 &&
			(!fields_of(cursor, record, &fields, error) ||
			 !change_of(cursor, &fields.key, &change, error))) {
			return JS_MORE_ERROR;
		}
		if (change != NULL && change->op == JS_DELETE) {
			continue;
		}
		record = change == NULL ? record : js_text_span(&cursor->more);
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
		if (!change_of(cursor, &key, &change, error)) {
			return JS_MORE_ERROR;
		}
		if (change != NULL && change->op == JS_PUT) {
			return give(cursor, js_text_span(&cursor->more), error) ? JS_MORE_RECORD
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
		const struct js_change *change;
		struct js_fields fields;
		bool has;
		if (!js_table_read(entity_of(cursor)->table, &entry, &cursor->text, error) ||
			!fields_of(cursor, js_text_span(&cursor->text), &fields, error) ||
			!has_value(cursor, &fields, &has, error) ||
			!change_of(cursor, &fields.key, &change, error)) {
			return JS_MORE_ERROR;
		}
		if (has && change == NULL) {
			struct jsonstore_text *text = &cursor->text;
			if (memchr(text->text, '\n', text->length) != NULL) {
				text->length = js_json_squeeze(js_text_span(text), text->text);
			}
			return JS_MORE_RECORD;
		}
	}
	return more;
}

static enum js_more find_changes(struct jsonstore_cursor *cursor, struct jsonstore_error *error)
{
	const struct js_generation *generation = cursor->state.generation;
	const struct js_change *change;
	while ((change = js_overlay_find_value(&generation->overlay, cursor->change_hash,
										   cursor->state.end, &cursor->place)) != NULL) {
		const struct js_change *newest;
		struct js_fields fields;
		struct js_key key;
		bool has;
		if (change->collection != cursor->collection) {
			continue;
		}
		if (!js_change_read(generation, change, &cursor->text, &key, error) ||
			!change_of(cursor, &key, &newest, error)) {
			return JS_MORE_ERROR;
		}
		if (newest != change) {
			continue;
		}
		if (!fields_of(cursor, js_text_span(&cursor->text), &fields, error) ||
			!has_value(cursor, &fields, &has, error)) {
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
	if (!js_store_check(cursor->state.generation->store, error)) {
		return error->code;
	}
	if (cursor->part == PART_BASE) {
		more = cursor->finding ? find_base(cursor, error) : scan_base(cursor, error);
		cursor->part = more == JS_MORE_END ? PART_CHANGES : PART_BASE;
	}
	if (cursor->part == PART_CHANGES) {
		more = cursor->finding ? find_changes(cursor, error) : scan_changes(cursor, error);
		cursor->part = more == JS_MORE_END ? PART_END : PART_CHANGES;
	}
	if (more == JS_MORE_ERROR) {
		return error->code;
	}
	*ret_record = more == JS_MORE_RECORD ? cursor->text.text : NULL;
	*ret_length = more == JS_MORE_RECORD ? cursor->text.length : 0;
	return JSONSTORE_OK;
}
