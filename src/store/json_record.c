#include "codec/json.h"
#include "store/json_priv.h"

/* ---- writing ---- */

static const struct json_field *find_field(const struct json_table *table, struct str name,
										   size_t *hint)
{
	/* Records have their members in the order of the fields, unless somebody else wrote them. */
	for (size_t i = 0; i < table->field_count; i++) {
		size_t number = (*hint + i) % table->field_count;
		if (table->fields[number].stored && str_equal(table->fields[number].field.name, name)) {
			*hint = number + 1;
			return &table->fields[number];
		}
	}
	return NULL;
}

/* Appends the members that the table does not know. */
static void write_others(const struct json_table *table, struct str before, struct buf *record)
{
	enum { DEPTH = JSONSTORE_DEPTH_MAX, ARENA_BYTES = 1024 };
	struct json_reader reader;
	struct arena arena;
	struct str value;
	size_t hint = 0;
	arena_init(&arena, ARENA_BYTES);
	json_reader_init(&reader, before, DEPTH, &arena);
	if (json_next(&reader) == JSON_OBJECT) {
		while (json_next(&reader) == JSON_KEY) {
			struct str name = reader.text;
			bool known = find_field(table, name, &hint) != NULL;
			if (!json_skip(&reader, json_next(&reader), &value)) {
				break; /* it was read before */
			}
			if (!known) {
				buf_append_byte(record, ',');
				json_write_string(record, name);
				buf_append_byte(record, ':');
				buf_append(record, value);
			}
		}
	}
	arena_finish(&arena);
}

void json_record_write(const struct json_table *table, const struct value *values,
					   struct str before, struct buf *record)
{
	buf_append_byte(record, '{');
	for (size_t c = 0; c < table->column_count; c++) {
		const struct json_field *field = &table->fields[table->columns[c]];
		const struct value *value = &values[table->columns[c]];
		buf_append(record, c > 0 ? STR(",") : STR(""));
		buf_append(record, field->member);
		if (value->kind == VALUE_NULL) {
			buf_append(record, STR("null"));
		} else {
			value_write_json(record, &field->field, value);
		}
	}
	if (before.len > 0) {
		write_others(table, before, record);
	}
	buf_append_byte(record, '}');
}

/* ---- keys ---- */

static void write_part(const struct field *field, const struct value *value, struct buf *key)
{
	struct buf text;
	buf_init(&text, SIZE_MAX);
	value_write_text(&text, field, value);
	for (size_t i = 0; i < text.len; i++) {
		char c = buf_str(&text).ptr[i];
		if (c == ',' || c == '\\') {
			buf_append_byte(key, '\\');
		}
		buf_append_byte(key, c);
	}
	buf_finish(&text);
}

void json_key_write(const struct json_table *table, const struct value *const *values,
					struct buf *key)
{
	/* An empty key is a text, too. */
	(void)buf_reserve(key, 1);
	if (table->key_count == 1) {
		value_write_text(key, &table->fields[table->key[0]].field, values[0]);
		return;
	}
	for (size_t i = 0; i < table->key_count; i++) {
		buf_append(key, i > 0 ? STR(",") : STR(""));
		write_part(&table->fields[table->key[i]].field, values[i], key);
	}
}

/* ---- reading ---- */

/* Is it written as this program writes it? */
static bool is_exact(const struct json_field *field, const struct value *value, struct str raw)
{
	struct buf text;
	buf_init(&text, SIZE_MAX);
	value_write_json(&text, &field->field, value);
	bool exact = str_equal(buf_str(&text), raw);
	buf_finish(&text);
	return exact;
}

static bool fail_form(const struct json_field *field, const struct value *value,
					  struct error *error)
{
	struct buf text;
	buf_init(&text, SIZE_MAX);
	value_write_json(&text, &field->field, value);
	error_set(error, ERROR_VALUE, "field \"%.*s\" is looked for, so it must be written as %.*s",
			  STR_ARG(field->field.name), STR_ARG(buf_str(&text)));
	buf_finish(&text);
	return false;
}

static bool read_value(const struct json_field *field, struct json_reader *reader,
					   struct value *ret_value, struct error *error)
{
	if (!value_from_json(&field->field, reader, false, ret_value, error)) {
		return false;
	}
	/* It was one event: only texts can be written in several ways. */
	struct str raw = str_slice(reader->input, reader->event_at, reader->at);
	return !field->exact || ret_value->kind == VALUE_NULL || is_exact(field, ret_value, raw) ||
		fail_form(field, ret_value, error);
}

static bool read_members(const struct json_table *table, struct json_reader *reader,
						 struct value *values, struct error *error)
{
	enum json_event event;
	struct str skipped;
	size_t hint = 0;
	while ((event = json_next(reader)) == JSON_KEY) {
		const struct json_field *field = find_field(table, reader->text, &hint);
		bool ok;
		if (field != NULL) {
			ok = read_value(field, reader, &values[field->field.number], error);
		} else {
			ok = json_skip(reader, json_next(reader), &skipped);
		}
		if (!ok) {
			if (reader->error.code != ERROR_NONE) {
				*error = reader->error;
			}
			return false;
		}
	}
	if (event != JSON_OBJECT_END) {
		*error = reader->error;
	}
	return event == JSON_OBJECT_END;
}

bool json_record_read(const struct json_table *table, struct str record, struct arena *arena,
					  struct value **ret_values, struct error *error)
{
	struct json_reader reader;
	struct error why = {.code = ERROR_NONE};
	struct value *values = ARENA_ARRAY(arena, table->field_count, struct value);
	for (size_t i = 0; i < table->field_count; i++) {
		values[i] = table->fields[i].field.default_value;
	}
	json_reader_init(&reader, record, JSONSTORE_DEPTH_MAX, arena);
	if (json_next(&reader) != JSON_OBJECT || !read_members(table, &reader, values, &why)) {
		return json_fail_record(table, record, &why, error);
	}
	*ret_values = values;
	return true;
}
