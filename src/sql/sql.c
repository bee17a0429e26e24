/*
 * DESIGN. One pass over the query writes text and gathers parameters in the order of their
 * placeholders. sql.c holds what a statement is made of, sql_cond.c writes conditions and terms,
 * sql_read.c and sql_write.c whole statements, sql_schema.c tables.
 *
 * A statement over one table names its columns alone. As soon as it speaks of a second one, every
 * table gets an alias `_1`, `_2` … and every column stands behind one, so that no name of a table
 * or column can be taken for another's.
 */
#include "sql/sql.h"

#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "codec/json.h"
#include "sql/sql_priv.h"

enum { MADE_VALUES = 30, TEXT_BYTES = 1024 };

/* Values that no query holds: pointers, limits. Chunks stay where they are while params point into
 * them. */
struct sql_made {
	struct sql_made *older;
	size_t count;
	struct value values[MADE_VALUES];
};

void sql_init(struct sql *sql, const struct sql_dialect *dialect, size_t max_bytes)
{
	*sql = (struct sql){.dialect = dialect};
	buf_init(&sql->text, max_bytes);
	arena_init(&sql->texts, TEXT_BYTES);
}

/* All but the first chunk. */
static void free_made(struct sql *sql)
{
	while (sql->made != NULL && sql->made->older != NULL) {
		struct sql_made *older = sql->made->older;
		free(sql->made);
		sql->made = older;
	}
}

void sql_finish(struct sql *sql)
{
	if (sql == NULL) {
		return;
	}
	free_made(sql);
	free(sql->made);
	free(sql->params);
	buf_finish(&sql->text);
	arena_finish(&sql->texts);
	sql->made = NULL;
	sql->params = NULL;
	sql->param_count = 0;
	sql->param_capacity = 0;
}

void sql_clear(struct sql *sql)
{
	buf_clear(&sql->text);
	sql->param_count = 0;
	sql->alias = 0;
	sql->aliases = 0;
	sql->join_count = 0;
	sql->open = 0;
	sql->named = NULL;
	sql->unsupported = NULL;
	sql->may_cost = false;
	sql->names_columns = false;
	arena_reset(&sql->texts);
	free_made(sql);
	if (sql->made != NULL) {
		sql->made->count = 0;
	}
}

/* ---- words ---- */

void sql_put_name(const struct sql_dialect *dialect, struct str name, struct buf *text)
{
	char quote = dialect->quote;
	char *to = buf_reserve(text, 2 * name.len + 2);
	if (to == NULL) {
		return;
	}
	size_t len = 0;
	to[len++] = quote;
	for (size_t i = 0; i < name.len; i++) {
		to[len++] = name.ptr[i];
		if (name.ptr[i] == quote) {
			to[len++] = quote;
		}
	}
	to[len++] = quote;
	buf_added(text, len);
}

void sql_write_literal(struct buf *text, const struct value *value)
{
	switch (value->kind) {
	case VALUE_NULL:
		buf_append(text, STR("NULL"));
		return;
	case VALUE_INTEGER:
		buf_append_int(text, value->integer);
		return;
	case VALUE_NUMBER:
		json_write_double(text, value->number);
		return;
	case VALUE_ABSENT:
	case VALUE_POINTER:
		assert(false);
		return;
	case VALUE_TEXT:
		break;
	}
	buf_append_byte(text, '\'');
	for (size_t i = 0; i < value->text.len; i++) {
		buf_append_byte(text, value->text.ptr[i]);
		if (value->text.ptr[i] == '\'') {
			buf_append_byte(text, '\'');
		}
	}
	buf_append_byte(text, '\'');
}

void sql_shorten_name(const struct sql_dialect *dialect, struct buf *name)
{
	static const char digits[] = "0123456789abcdef";
	enum { HASH_DIGITS = 16 };
	uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
	size_t chars = 0;
	size_t cut = name->len;
	for (size_t i = 0; i < name->len; i++) {
		hash = (hash ^ (unsigned char)name->ptr[i]) * UINT64_C(0x100000001b3);
		if (((unsigned char)name->ptr[i] & 0xC0) != 0x80) {
			chars++;
			if (cut == name->len && chars == dialect->max_name - HASH_DIGITS) {
				cut = i;
			}
		}
	}
	if (chars <= dialect->max_name) {
		return;
	}
	name->len = cut;
	buf_append_byte(name, '.');
	for (size_t i = 0; i < HASH_DIGITS; i++, hash >>= 4) {
		buf_append_byte(name, digits[hash & 15]);
	}
}

void sql_refuse(struct sql *sql, const char *what)
{
	if (sql->unsupported == NULL) {
		sql->unsupported = what;
	}
}

void sql_write_fields(const struct sql_dialect *dialect, struct buf *text, const char *prefix,
					  const struct field_list *fields)
{
	for (size_t i = 0; i < fields->count; i++) {
		buf_append(text, i > 0 ? STR(",") : STR(""));
		buf_append(text, str_from(prefix));
		sql_put_name(dialect, fields->items[i]->name, text);
	}
}

bool sql_is_nullable(const struct field *field)
{
	return !field->required && !field->key;
}

void sql_open(struct sql *sql, size_t entries)
{
	sql->open += entries;
	if (sql->open > sql->dialect->max_open) {
		sql->text.failed = true;
	}
}

/* ---- columns and parameters ---- */

void sql_write_alias(struct sql *sql, size_t alias)
{
	buf_append_byte(&sql->text, '_');
	buf_append_int(&sql->text, (int64_t)alias);
}

void sql_write_number(struct sql *sql, const char *prefix, size_t number)
{
	sql_write(sql, str_from(prefix));
	buf_append_int(&sql->text, (int64_t)number + 1);
}

void sql_write_column(struct sql *sql, size_t alias, const struct field *field)
{
	if (field->expression != NULL) {
		sql_write_expression(sql, alias, field->expression);
		return;
	}
	if (alias == SQL_NAMED) {
		sql_write_name(sql, sql->named->name);
		buf_append_byte(&sql->text, '.');
	} else if (alias > 0) {
		sql_write_alias(sql, alias);
		buf_append_byte(&sql->text, '.');
	}
	sql_write_name(sql, field->name);
}

void sql_param(struct sql *sql, const struct field *type, const struct value *value)
{
	if (sql->literals) {
		sql->dialect->literal(&sql->text, value, type);
		return;
	}
	buf_append_byte(&sql->text, '?');
	if (sql->param_count == sql->param_capacity) {
		size_t capacity = sql->param_capacity == 0 ? 16 : sql->param_capacity * 2;
		sql->params = alloc_resize(sql->params, capacity, sizeof(*sql->params));
		sql->param_capacity = capacity;
	}
	sql->params[sql->param_count++] = (struct sql_param){value, type};
}

void sql_param_made(struct sql *sql, struct value value)
{
	if (sql->made == NULL || sql->made->count == MADE_VALUES) {
		struct sql_made *made = alloc_zeroed(1, sizeof(*made));
		made->older = sql->made;
		sql->made = made;
	}
	struct value *place = &sql->made->values[sql->made->count++];
	*place = value;
	sql_param(sql, NULL, place);
}

void sql_param_text(struct sql *sql, struct str text)
{
	struct value value = {.kind = VALUE_TEXT, .text = arena_copy(&sql->texts, text)};
	sql_param_made(sql, value);
}

void sql_param_pointer(struct sql *sql, const void *pointer)
{
	sql_param_made(sql, (struct value){.kind = VALUE_POINTER, .pointer = pointer});
}

void sql_param_number(struct sql *sql, uint64_t number)
{
	sql_param_made(sql,
				   (struct value){
					   .kind = VALUE_INTEGER,
					   .integer = number > INT64_MAX ? INT64_MAX : (int64_t)number,
				   });
}
