/*
 * DESIGN. An index of InnoDB holds KEY_BYTES of a row, a row 65,535 of its VARCHARs. So a text that
 * is in a key, a unique rule, an index or a foreign key is a VARCHAR with what that leaves it: 768
 * characters when it is there alone. One that is longer is refused by the server (1406: 22001).
 * Other texts are LONGTEXT, or VARCHAR(n) when they are short.
 */
#include "sql/maria_priv.h"

enum {
	KEY_BYTES = 3072,
	CHAR_BYTES = 4,
	OTHER_BYTES = 40,  /* of a value that is no text, at most */
	EXTRA_BYTES = 3,   /* of a text: its length, and whether it is null */
	SHORT_CHARS = 255, /* outside of keys: a row has room for 64 of them */
};

/* ---- types ---- */

/* The characters that each text of an index may have; SIZE_MAX: none is there. */
static size_t index_chars(const struct field_list *fields)
{
	size_t texts = 0;
	for (size_t i = 0; i < fields->count; i++) {
		texts += fields->items[i]->type == TYPE_TEXT;
	}
	if (texts == 0) {
		return SIZE_MAX;
	}
	if (fields->count == 1) {
		return KEY_BYTES / CHAR_BYTES;
	}
	size_t others = (fields->count - texts) * OTHER_BYTES + texts * EXTRA_BYTES;
	return others < KEY_BYTES ? (KEY_BYTES - others) / CHAR_BYTES / texts : 1;
}

/* The least of *chars and the field's share of the index. */
static void share(const struct field_list *fields, const struct field *field, size_t *chars)
{
	for (size_t i = 0; i < fields->count; i++) {
		if (fields->items[i]->number == field->number) {
			size_t part = index_chars(fields);
			*chars = part < *chars ? part : *chars;
		}
	}
}

/* How many characters a text may have where an index holds it; SIZE_MAX: none does. */
static size_t key_chars(const struct resource *resource, const struct field *field)
{
	size_t chars = SIZE_MAX;
	share(&resource->key, field, &chars);
	for (size_t i = 0; i < resource->unique_count; i++) {
		share(&resource->uniques[i].fields, field, &chars);
	}
	for (size_t i = 0; i < resource->index_count; i++) {
		share(&resource->indexes[i].fields, field, &chars);
	}
	for (size_t i = 0; i < resource->reference_count; i++) {
		share(&resource->references[i].fields, field, &chars);
	}
	return chars;
}

static void write_text_type(const struct resource *resource, const struct field *field,
							struct buf *text)
{
	size_t chars = key_chars(resource, field);
	size_t most = chars == SIZE_MAX ? SHORT_CHARS : chars;
	if (field->max_chars > 0 && field->max_chars <= most) {
		chars = field->max_chars;
	}
	if (chars == SIZE_MAX) {
		buf_append(text, STR("LONGTEXT"));
	} else {
		buf_printf(text, "VARCHAR(%zu)", chars);
	}
}

void maria_column_type(const struct resource *resource, const struct field *field, struct buf *text)
{
	switch (field->type) {
	case TYPE_INTEGER:
		buf_append(text, STR("BIGINT"));
		return;
	case TYPE_NUMBER:
		buf_append(text, STR("DOUBLE"));
		return;
	case TYPE_DECIMAL:
		buf_printf(text, "DECIMAL(%d,%d)", field->precision, field->scale);
		return;
	case TYPE_TEXT:
		write_text_type(resource, field, text);
		return;
	case TYPE_BOOLEAN:
		buf_append(text, STR("TINYINT(1)"));
		return;
	case TYPE_UUID:
		buf_append(text, STR("CHAR(36) CHARACTER SET ascii COLLATE ascii_nopad_bin"));
		return;
	case TYPE_DATE:
		buf_append(text, STR("DATE"));
		return;
	case TYPE_TIME:
		buf_append(text, STR("TIME(6)"));
		return;
	case TYPE_DATETIME:
		buf_append(text, STR("DATETIME(6)"));
		return;
	case TYPE_JSON:
		buf_append(text, STR("LONGTEXT"));
		return;
	}
}

void maria_column_key(const struct resource *resource, const struct field *field, struct buf *text)
{
	(void)resource;
	/* InnoDB keeps the counter: the number of a row that was deleted is never used again. */
	if (field->default_kind == DEFAULT_AUTO && field->type == TYPE_INTEGER) {
		buf_append(text, STR(" AUTO_INCREMENT"));
	}
}

/* A random uuid (version 4) for rows of an upsert, which cannot be given one: an existing row keeps
 * its own. */
static const char uuid_default[] =
	" DEFAULT (LOWER(CONCAT(HEX(RANDOM_BYTES(4)),'-',HEX(RANDOM_BYTES(2)),'-4',"
	"SUBSTR(HEX(RANDOM_BYTES(2)),2),'-',SUBSTR('89AB',1+(ORD(RANDOM_BYTES(1))&3),1),"
	"SUBSTR(HEX(RANDOM_BYTES(2)),2),'-',HEX(RANDOM_BYTES(6)))))";

void maria_column_auto(const struct field *field, struct buf *text)
{
	if (field->default_kind == DEFAULT_AUTO && field->type == TYPE_UUID && !field->key) {
		buf_append(text, str_from(uuid_default));
	}
}

void maria_table_end(const struct resource *resource, struct buf *text)
{
	if (resource->key.count > 0) {
		buf_append(text, STR(",\n  PRIMARY KEY ("));
		sql_write_fields(&sql_dialect_maria, text, "", &resource->key);
		buf_append_byte(text, ')');
	}
	buf_append(text, STR("\n) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"));
}

/* `'2014-03-08 15:00:00'`, the day or the time alone. */
static void write_date(struct buf *text, enum type type, int64_t value)
{
	int64_t micros = type == TYPE_TIME ? value : 0;
	int64_t day = type == TYPE_DATE ? value : 0;
	if (type == TYPE_DATETIME) {
		micros = value % DATE_DAY_MICROS;
		micros += micros < 0 ? DATE_DAY_MICROS : 0;
		day = (value - micros) / DATE_DAY_MICROS;
	}
	buf_append_byte(text, '\'');
	if (type != TYPE_TIME) {
		date_write(text, day);
	}
	buf_append(text, type == TYPE_DATETIME ? STR(" ") : STR(""));
	if (type != TYPE_DATE) {
		date_write_time(text, micros);
	}
	buf_append_byte(text, '\'');
}

/* A backslash means nothing in SQL, and the next character in MariaDB. */
static void write_doubled(struct buf *text, struct str value)
{
	struct buf doubled;
	buf_init(&doubled, SIZE_MAX);
	for (size_t i = 0; i < value.len; i++) {
		buf_append_byte(&doubled, value.ptr[i]);
		if (value.ptr[i] == '\\') {
			buf_append_byte(&doubled, '\\');
		}
	}
	struct value literal = {.kind = VALUE_TEXT, .text = buf_str(&doubled)};
	sql_write_literal(text, &literal);
	buf_finish(&doubled);
}

void maria_write_literal(struct buf *text, const struct value *value, const struct field *field)
{
	if (value->kind == VALUE_TEXT) {
		write_doubled(text, value->text);
	} else if (value->kind == VALUE_INTEGER && field != NULL && value_is_date(field->type)) {
		write_date(text, field->type, value->integer);
	} else if (value->kind == VALUE_INTEGER && field != NULL && field->type == TYPE_DECIMAL) {
		value_write_text(text, field, value);
	} else {
		sql_write_literal(text, value);
	}
}
