/*
 * DESIGN. A resource is one collection, with the key of the resource. Fields by which rows are
 * looked for are indexed: the first of several where a rule or a key is over several, since
 * jsonstore's indexes are over one. A tally has no collection: it is a view that counts when it is
 * read, so it cannot be wrong, whoever edits the files.
 */
#include <string.h>
#include <strings.h>

#include "codec/json.h"
#include "store/json_priv.h"

enum { TEXT_BYTES = 1 << 20 };

static const char *copy_text(struct arena *arena, struct buf *text)
{
	const char *copy = arena_copy(arena, buf_str(text)).ptr;
	buf_finish(text);
	return copy;
}

/* ---- fields ---- */

/* Can jsonstore find records by it? Numbers and json may be written in many ways. */
static bool can_be_found(enum type type)
{
	return type != TYPE_NUMBER && type != TYPE_JSON;
}

static bool has_many_forms(enum type type)
{
	return type == TYPE_UUID || value_is_date(type);
}

/* A number alone may be written in many ways, too, but not in a key of several fields. */
static bool can_be_part(enum type type)
{
	return type == TYPE_DECIMAL || type == TYPE_NUMBER || type == TYPE_BOOLEAN;
}

static void make_field(struct arena *arena, const struct field *field, struct json_field *made)
{
	struct buf text;
	*made = (struct json_field){.field = *field, .stored = !field_is_computed(field)};
	made->field.name = arena_copy(arena, field->name);
	made->name = made->field.name.ptr;
	if (field->default_value.kind == VALUE_TEXT) {
		made->field.default_value.text = arena_copy(arena, field->default_value.text);
	}
	buf_init(&text, TEXT_BYTES);
	json_write_string(&text, field->name);
	buf_append_byte(&text, ':');
	made->member = arena_copy(arena, buf_str(&text));
	buf_finish(&text);
}

static void index_field(struct json_table *table, const struct field_list *fields)
{
	struct json_field *field = &table->fields[fields->items[0]->number];
	field->indexed = can_be_found(field->field.type) && field->stored;
}

static void index_fields(struct json_table *table, const struct resource *resource)
{
	for (size_t i = 0; i < resource->reference_count; i++) {
		index_field(table, &resource->references[i].fields);
	}
	for (size_t i = 0; i < resource->relation_count; i++) {
		index_field(table, &resource->relations[i].from_fields);
	}
	for (size_t i = 0; i < resource->unique_count; i++) {
		index_field(table, &resource->uniques[i].fields);
	}
	for (size_t i = 0; i < resource->index_count; i++) {
		index_field(table, &resource->indexes[i].fields);
	}
	for (size_t i = 0; i < resource->tally_count; i++) {
		index_field(table, &resource->tallies[i]->by);
	}
	if (resource->key.count > 1) {
		index_field(table, &resource->key);
	} else {
		table->fields[table->key[0]].indexed = false; /* it is the key */
	}
	for (size_t i = 0; i < table->field_count; i++) {
		struct json_field *field = &table->fields[i];
		enum type type = field->field.type;
		field->exact = ((field->indexed || field->field.key) && has_many_forms(type)) ||
			(field->field.key && can_be_part(type));
	}
}

/* ---- what SQLite is told ---- */

static void put_name(struct str name, struct buf *text)
{
	sql_put_name(&sql_dialect_sqlite, name, text);
}

static const char *table_words(struct arena *arena, const struct resource *resource,
							   const struct json_table *table)
{
	struct buf text;
	buf_init(&text, TEXT_BYTES);
	buf_append(&text, STR("CREATE TABLE x("));
	for (size_t c = 0; c < table->column_count; c++) {
		const struct field *field = &table->fields[table->columns[c]].field;
		buf_append(&text, c > 0 ? STR(",") : STR(""));
		put_name(field->name, &text);
		buf_append_byte(&text, ' ');
		sql_dialect_sqlite.column_type(resource, field, &text);
	}
	/* By its key SQLite knows a row that it meets twice, by two indexes. */
	buf_append(&text, STR(",PRIMARY KEY("));
	for (size_t i = 0; i < table->key_count; i++) {
		buf_append(&text, i > 0 ? STR(",") : STR(""));
		put_name(table->fields[table->key[i]].field.name, &text);
	}
	buf_append(&text, STR(")) WITHOUT ROWID"));
	return copy_text(arena, &text);
}

static const char *tally_words(struct arena *arena, const struct resource *tally)
{
	struct buf text;
	buf_init(&text, TEXT_BYTES);
	buf_append(&text, STR("CREATE TEMP VIEW "));
	put_name(tally->name, &text);
	buf_append(&text, STR(" AS SELECT "));
	for (size_t i = 0; i < tally->by.count; i++) {
		put_name(tally->by.items[i]->name, &text);
		buf_append_byte(&text, ',');
	}
	buf_append(&text, STR("count(*) AS "));
	put_name(tally->fields[tally->by.count].name, &text);
	buf_append(&text, STR(" FROM "));
	put_name(tally->tally_of->name, &text);
	buf_append(&text, STR(" GROUP BY "));
	for (size_t i = 0; i < tally->by.count; i++) {
		buf_append(&text, i > 0 ? STR(",") : STR(""));
		put_name(tally->by.items[i]->name, &text);
	}
	return copy_text(arena, &text);
}

/* ---- tables ---- */

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool is_hex(struct str name, size_t at)
{
	char c = at < name.len ? name.ptr[at] : '\0';
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* The resource's, where that is one. Of any other byte it has `-` and two hex digits; so of a `-`,
 * too, behind which such digits stand. */
static const char *collection_name(struct arena *arena, struct str name)
{
	struct buf text;
	buf_init(&text, TEXT_BYTES);
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];
		bool minus = c == '-' && i > 0 && !(is_hex(name, i + 1) && is_hex(name, i + 2));
		if (is_plain(c) || minus) {
			buf_append_byte(&text, c);
		} else {
			buf_printf(&text, "%s-%02x", i == 0 ? "_" : "", (unsigned char)c);
		}
	}
	return copy_text(arena, &text);
}

/* Two resources must not share a file, not even one that takes `a` for `A`. */
static bool check_names(const struct json_tables *tables, struct error *error)
{
	for (size_t i = 0; i < tables->count; i++) {
		for (size_t k = 0; k < i && tables->items[i].collection != NULL; k++) {
			const char *other = tables->items[k].collection;
			if (other != NULL && strcasecmp(other, tables->items[i].collection) == 0) {
				error_set(error, ERROR_CONFIG, "\"%.*s\" and \"%.*s\" would be one file",
						  STR_ARG(tables->items[k].name), STR_ARG(tables->items[i].name));
				return error_hint(error, "give one of them another name");
			}
		}
	}
	return true;
}

static bool check_key(const struct resource *resource, struct error *error)
{
	for (size_t i = 0; i < resource->key.count; i++) {
		const struct field *field = resource->key.items[i];
		if (field->type != TYPE_INTEGER && field->type != TYPE_TEXT &&
			!has_many_forms(field->type) &&
			!(resource->key.count > 1 && can_be_part(field->type))) {
			error_set(error, ERROR_CONFIG, "JSON files cannot have the key %.*s of \"%.*s\"",
					  STR_ARG(field->name), STR_ARG(resource->name));
			return error_hint(error,
							  "a key there is made of integers, texts, uuids, dates and "
							  "times");
		}
	}
	return true;
}

static const char *key_names(struct arena *arena, const struct json_table *table)
{
	struct buf text;
	buf_init(&text, TEXT_BYTES);
	for (size_t i = 0; i < table->key_count; i++) {
		buf_append(&text, i > 0 ? STR(",") : STR(""));
		buf_append(&text, table->fields[table->key[i]].field.name);
	}
	return copy_text(arena, &text);
}

/* What stands for the key of a resource that has none. */
static void add_number(struct arena *arena, struct json_table *table)
{
	const struct field number = {
		.name = STR("_rl_number"),
		.number = table->field_count,
		.type = TYPE_INTEGER,
		.key = true,
	};
	make_field(arena, &number, &table->fields[table->field_count]);
	table->fields[table->field_count].column = table->column_count;
	table->columns[table->column_count++] = table->field_count;
	table->key[table->key_count++] = table->field_count++;
	table->keyless = true;
	table->numbered = true;
}

static void find_key(const struct resource *resource, struct json_table *table)
{
	for (size_t i = 0; i < resource->key.count; i++) {
		table->key[table->key_count++] = resource->key.items[i]->number;
	}
	const struct field *key = resource->key.items[0];
	table->numbered = resource->key.count == 1 && key->type == TYPE_INTEGER &&
		key->default_kind == DEFAULT_AUTO;
}

static bool make_table(struct arena *arena, const struct resource *resource,
					   struct json_table *table, struct error *error)
{
	size_t count = resource_column_count(resource);
	*table = (struct json_table){
		.name = arena_copy(arena, resource->name),
		.fields = ARENA_ARRAY(arena, count + 1, struct json_field),
		.field_count = count,
		.columns = ARENA_ARRAY(arena, count + 1, size_t),
		.key = ARENA_ARRAY(arena, resource->key.count + 1, size_t),
		.tally = resource->tally_of != NULL,
	};
	for (size_t i = 0; i < count; i++) {
		make_field(arena, resource_column(resource, i), &table->fields[i]);
		if (table->fields[i].stored) {
			table->fields[i].column = table->column_count;
			table->columns[table->column_count++] = i;
		}
	}
	if (table->tally) {
		table->words = tally_words(arena, resource);
		return true;
	}
	table->collection = collection_name(arena, resource->name);
	if (resource->key.count == 0) {
		add_number(arena, table);
	} else {
		find_key(resource, table);
	}
	table->words = table_words(arena, resource, table);
	table->key_names = key_names(arena, table);
	index_fields(table, resource);
	return check_key(resource, error);
}

const struct json_tables *json_tables_make(struct arena *arena, const struct model *model,
										   struct error *error)
{
	struct json_tables *tables = ARENA_NEW(arena, struct json_tables);
	tables->items = ARENA_ARRAY(arena, model->resource_count + 1, struct json_table);
	for (size_t i = 0; i < model->resource_count; i++) {
		const struct resource *resource = &model->resources[i];
		if (resource_is_remote(resource)) {
			/* It keeps its number, and has no rows here. */
			tables->items[tables->count++] = (struct json_table){.tally = true};
		} else if (!make_table(arena, resource, &tables->items[tables->count++], error)) {
			return NULL;
		}
	}
	if (model->kept_answers != NULL &&
		!make_table(arena, model->kept_answers, &tables->items[tables->count++], error)) {
		return NULL;
	}
	return check_names(tables, error) ? tables : NULL;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_table(const struct json_table *a, const struct json_table *b)
{
	bool same = str_equal(a->name, b->name) && same_text(a->words, b->words) &&
		same_text(a->key_names, b->key_names) && a->field_count == b->field_count &&
		a->numbered == b->numbered;
	for (size_t i = 0; i < a->field_count && same; i++) {
		same = a->fields[i].stored == b->fields[i].stored &&
			a->fields[i].field.type == b->fields[i].field.type &&
			a->fields[i].field.scale == b->fields[i].field.scale &&
			(a->fields[i].indexed || !b->fields[i].indexed);
	}
	return same;
}

bool json_tables_same(const struct json_tables *a, const struct json_tables *b)
{
	bool same = a->count == b->count;
	for (size_t i = 0; i < a->count && same; i++) {
		same = same_table(&a->items[i], &b->items[i]);
	}
	return same;
}

size_t json_table_number(const struct json_tables *tables, const struct resource *resource)
{
	size_t i = 0;
	while (i < tables->count && !str_equal(tables->items[i].name, resource->name)) {
		i++;
	}
	return i;
}
