#include <stdlib.h>

#include "base/alloc.h"
#include "link/user_priv.h"

enum { LEAST_ROOM = 16 };

/* ---- keys ---- */

static const struct value *value_of(const struct part *part, const struct value *row, size_t i)
{
	const struct value *value = part->at[i] == SIZE_MAX ? &part->rest[i] : &row[part->at[i]];
	const struct field *field = part->link->reference.fields.items[i];
	return value->kind == VALUE_ABSENT ? &field->default_value : value;
}

static void write_part_of_key(struct buf *text, const struct field *field,
							  const struct value *value)
{
	size_t from = text->len;
	value_write_text(text, field, value);
	buf_printf(text, ":%zu,", text->len - from);
}

/* The text of a row's key in write->text; false: it refers to nothing. */
static bool key_text(struct part *part, const struct value *row)
{
	const struct field_list *fields = &part->link->reference.fields;
	struct buf *text = &part->write->text;
	buf_clear(text);
	for (size_t i = 0; i < fields->count; i++) {
		const struct value *value = value_of(part, row, i);
		if (value->kind == VALUE_NULL) {
			return false;
		}
		write_part_of_key(text, fields->items[i], value);
	}
	return true;
}

struct wanted *write_find(struct part *part, const struct value *row)
{
	return key_text(part, row) ? map_get(&part->keys, buf_str(&part->write->text)) : NULL;
}

struct wanted *write_find_key(struct part *part, const struct value *key)
{
	const struct field_list *fields = &part->link->reference.fields;
	struct buf *text = &part->write->text;
	buf_clear(text);
	for (size_t i = 0; i < fields->count; i++) {
		write_part_of_key(text, fields->items[i], &key[i]);
	}
	return map_get(&part->keys, buf_str(text));
}

static const struct value *copy_key(const struct part *part, const struct value *row, bool keeps)
{
	struct arena *arena = part->write->options.arena;
	size_t count = part->link->reference.fields.count;
	struct value *key = ARENA_ARRAY(arena, count, struct value);
	for (size_t i = 0; i < count; i++) {
		key[i] = *value_of(part, row, i);
		if (keeps && key[i].kind == VALUE_TEXT) {
			key[i].text = arena_copy(arena, key[i].text);
		}
	}
	return key;
}

static void add_key(struct part *part, const struct value *row, bool keeps)
{
	struct arena *arena = part->write->options.arena;
	if (!key_text(part, row)) {
		return;
	}
	struct str text = buf_str(&part->write->text);
	if (map_get(&part->keys, text) != NULL) {
		return;
	}
	struct wanted *wanted = ARENA_NEW(arena, struct wanted);
	wanted->id = uuid_v4();
	uuid_write(&wanted->id, wanted->text);
	wanted->key = copy_key(part, row, keeps);
	map_put(&part->keys, arena_copy(arena, text), wanted);
	if (part->count == part->room) {
		part->room = part->room == 0 ? LEAST_ROOM : part->room * 2;
		part->wanted = alloc_resize(part->wanted, part->room, sizeof(*part->wanted));
	}
	part->wanted[part->count++] = wanted;
}

void write_collect(struct link_write *write, const struct value *values, size_t row_count,
				   bool keeps)
{
	for (size_t row = 0; row < row_count; row++) {
		for (size_t i = 0; i < write->part_count; i++) {
			if (write->parts[i].given) {
				add_key(&write->parts[i], values + row * write->given.count, keeps);
			}
		}
	}
}

/* ---- what is not there ---- */

bool write_fail_missing(const struct part *part, const struct wanted *wanted, struct error *error)
{
	const struct reference *reference = &part->link->reference;
	const struct str table = part->write->options.query->resource->name;
	struct buf text;
	buf_init(&text, SIZE_MAX);
	error_set(error, ERROR_REFERENCE,
			  "insert or update on table \"%.*s\" violates foreign key constraint \"%.*s\"",
			  STR_ARG(table), STR_ARG(reference->name));
	buf_append(&text, STR("Key ("));
	for (size_t i = 0; i < reference->fields.count; i++) {
		buf_append(&text, i > 0 ? STR(", ") : STR(""));
		buf_append(&text, reference->fields.items[i]->name);
	}
	buf_append(&text, STR(")=("));
	for (size_t i = 0; i < reference->fields.count; i++) {
		buf_append(&text, i > 0 ? STR(", ") : STR(""));
		value_write_text(&text, reference->fields.items[i], &wanted->key[i]);
	}
	buf_append(&text, STR(") is not present in table \""));
	buf_append(&text, reference->target->name);
	buf_append(&text, STR("\"."));
	error_details(error, "%.*s", STR_ARG(buf_str(&text)));
	buf_finish(&text);
	return false;
}

/* ---- rows with their holds ---- */

static void extend_row(struct link_write *write, const struct value *row, struct value *wide)
{
	for (size_t i = 0; i < write->given.count; i++) {
		wide[i] = row[i];
	}
	struct value *hold = wide + write->given.count;
	for (size_t i = 0; i < write->part_count; i++) {
		struct part *part = &write->parts[i];
		if (!part->given || part->link->hold == NULL) {
			continue;
		}
		const struct wanted *wanted = write_find(part, row);
		*hold = (struct value){.kind = VALUE_NULL};
		if (wanted != NULL) {
			*hold = (struct value){.kind = VALUE_TEXT, .text = {wanted->text, UUID_TEXT_LEN}};
		}
		hold++;
	}
}

/* A row refers to something that is not there: fills in what. */
static bool is_missing(struct link_write *write, const struct value *row, struct error *error)
{
	for (size_t i = 0; i < write->part_count; i++) {
		struct part *part = &write->parts[i];
		const struct wanted *wanted = part->given ? write_find(part, row) : NULL;
		if (wanted != NULL && wanted->missing) {
			write_fail_missing(part, wanted, error);
			return true;
		}
	}
	return false;
}

/* A batch whose rows are all left out is none: the next one follows. */
static bool read_batch(struct link_write *write, const struct value **ret_values, size_t *ret_count,
					   size_t *ret_read, struct error *error)
{
	const struct value *values;
	size_t width = write->given.count;
	if (!write->inner->next(write->inner, &values, ret_read, error)) {
		return false;
	}
	arena_reset(&write->batch);
	struct value *wide = ARENA_ARRAY(&write->batch, *ret_read * write->wide.count, struct value);
	write->numbers = ARENA_ARRAY(&write->batch, *ret_read, size_t);
	*ret_values = wide;
	*ret_count = 0;
	for (size_t row = 0; row < *ret_read; row++) {
		struct error missing = {0};
		if (is_missing(write, values + row * width, &missing)) {
			bool out = write->inner->refused != NULL &&
				write->inner->refused(write->inner, row, &missing);
			if (!out) {
				*error = missing;
				return false;
			}
			write->left_out = true;
			continue;
		}
		extend_row(write, values + row * width, wide + *ret_count * write->wide.count);
		write->numbers[(*ret_count)++] = row;
	}
	return true;
}

static struct link_write *write_of(struct query_batches *batches)
{
	return (struct link_write *)(void *)((char *)batches - offsetof(struct link_write, batches));
}

static bool next_batch(struct query_batches *batches, const struct value **ret_values,
					   size_t *ret_count, struct error *error)
{
	struct link_write *write = write_of(batches);
	size_t read;
	do {
		if (!read_batch(write, ret_values, ret_count, &read, error)) {
			return false;
		}
	} while (read > 0 && *ret_count == 0);
	return write_meet(write, *ret_values, *ret_count, error);
}

static bool refused(struct query_batches *batches, size_t row, const struct error *error)
{
	struct link_write *write = write_of(batches);
	write->left_out = true;
	write->refused++;
	return write->inner->refused(write->inner, write->numbers[row], error);
}

static void widen_given(struct link_write *write)
{
	struct arena *arena = write->options.arena;
	size_t count = write->given.count;
	const struct field **fields = ARENA_ARRAY(arena, count + write->part_count,
											  const struct field *);
	for (size_t i = 0; i < count; i++) {
		fields[i] = write->given.items[i];
	}
	for (size_t i = 0; i < write->part_count; i++) {
		const struct part *part = &write->parts[i];
		if (part->given && part->link->hold != NULL) {
			fields[count++] = part->link->hold;
		}
	}
	write->wide = (struct field_list){fields, count};
}

void write_extend(struct link_write *write)
{
	struct query *query = write->options.query;
	widen_given(write);
	query->given = write->wide;
	if (query->batches != NULL) {
		write->inner = query->batches;
		write->batches.next = next_batch;
		write->batches.refused = write->inner->refused != NULL ? refused : NULL;
		query->batches = &write->batches;
		return;
	}
	struct value *wide = ARENA_ARRAY(write->options.arena, query->row_count * write->wide.count,
									 struct value);
	for (size_t row = 0; row < query->row_count; row++) {
		extend_row(write, query->values + row * write->given.count, wide + row * write->wide.count);
	}
	query->values = wide;
}
