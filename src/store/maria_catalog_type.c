#include "codec/number.h"
#include "store/maria_catalog.h"

enum { DECIMAL_DIGITS = 18 }; /* as many as a field of this type can have */

enum kind {
	KIND_PLAIN,
	KIND_INTEGER, /* boolean when it has one digit or bit */
	KIND_DECIMAL,
	KIND_CHARS, /* with a length */
	KIND_TEXT,  /* JSON with a check */
	KIND_ENUM,
	KIND_BYTES,
	KIND_SHAPE,
};

static const struct row {
	struct str word;
	enum kind kind;
	enum type type;
} rows[] = {
	{STR_INIT("tinyint"), KIND_INTEGER, TYPE_INTEGER},
	{STR_INIT("smallint"), KIND_INTEGER, TYPE_INTEGER},
	{STR_INIT("mediumint"), KIND_INTEGER, TYPE_INTEGER},
	{STR_INIT("int"), KIND_INTEGER, TYPE_INTEGER},
	{STR_INIT("bigint"), KIND_INTEGER, TYPE_INTEGER},
	{STR_INIT("year"), KIND_PLAIN, TYPE_INTEGER},
	{STR_INIT("bit"), KIND_INTEGER, TYPE_INTEGER},
	{STR_INIT("decimal"), KIND_DECIMAL, TYPE_DECIMAL},
	{STR_INIT("float"), KIND_PLAIN, TYPE_NUMBER},
	{STR_INIT("double"), KIND_PLAIN, TYPE_NUMBER},
	{STR_INIT("char"), KIND_CHARS, TYPE_TEXT},
	{STR_INIT("varchar"), KIND_CHARS, TYPE_TEXT},
	{STR_INIT("tinytext"), KIND_TEXT, TYPE_TEXT},
	{STR_INIT("text"), KIND_TEXT, TYPE_TEXT},
	{STR_INIT("mediumtext"), KIND_TEXT, TYPE_TEXT},
	{STR_INIT("longtext"), KIND_TEXT, TYPE_TEXT},
	{STR_INIT("enum"), KIND_ENUM, TYPE_TEXT},
	{STR_INIT("set"), KIND_PLAIN, TYPE_TEXT},
	{STR_INIT("inet4"), KIND_PLAIN, TYPE_TEXT},
	{STR_INIT("inet6"), KIND_PLAIN, TYPE_TEXT},
	{STR_INIT("uuid"), KIND_PLAIN, TYPE_UUID},
	{STR_INIT("date"), KIND_PLAIN, TYPE_DATE},
	{STR_INIT("time"), KIND_PLAIN, TYPE_TIME},
	{STR_INIT("datetime"), KIND_PLAIN, TYPE_DATETIME},
	{STR_INIT("timestamp"), KIND_PLAIN, TYPE_DATETIME},
	{STR_INIT("binary"), KIND_BYTES, TYPE_TEXT},
	{STR_INIT("varbinary"), KIND_BYTES, TYPE_TEXT},
	{STR_INIT("tinyblob"), KIND_BYTES, TYPE_TEXT},
	{STR_INIT("blob"), KIND_BYTES, TYPE_TEXT},
	{STR_INIT("mediumblob"), KIND_BYTES, TYPE_TEXT},
	{STR_INIT("longblob"), KIND_BYTES, TYPE_TEXT},
	{STR_INIT("geometry"), KIND_SHAPE, TYPE_TEXT},
	{STR_INIT("point"), KIND_SHAPE, TYPE_TEXT},
	{STR_INIT("linestring"), KIND_SHAPE, TYPE_TEXT},
	{STR_INIT("polygon"), KIND_SHAPE, TYPE_TEXT},
	{STR_INIT("multipoint"), KIND_SHAPE, TYPE_TEXT},
	{STR_INIT("multilinestring"), KIND_SHAPE, TYPE_TEXT},
	{STR_INIT("multipolygon"), KIND_SHAPE, TYPE_TEXT},
	{STR_INIT("geometrycollection"), KIND_SHAPE, TYPE_TEXT},
};

static const struct row *find(struct str word)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (str_equal(rows[i].word, word)) {
			return &rows[i];
		}
	}
	return NULL;
}

/* The next of `'a','b''c'`, as information_schema has them; *ret_at goes behind it. */
static bool next_word(struct arena *arena, struct str list, size_t *ret_at, struct str *ret_word)
{
	size_t at = str_find(list, '\'', *ret_at);
	if (at == list.len) {
		return false;
	}
	char *text = arena_bytes(arena, list.len);
	size_t len = 0;
	for (at++; at < list.len; at++) {
		if (list.ptr[at] == '\'') {
			at++;
			if (at == list.len || list.ptr[at] != '\'') {
				break;
			}
		}
		text[len++] = list.ptr[at];
	}
	*ret_at = at;
	*ret_word = (struct str){text, len};
	return true;
}

static void set_words(struct arena *arena, struct str list, struct catalog_column *column)
{
	struct str word;
	size_t at = 0;
	while (next_word(arena, list, &at, &word)) {
		struct str *words = catalog_grow(arena, column->in, column->in_count, sizeof(*words));
		words[column->in_count++] = word;
		column->in = words;
	}
}

static void set_integer(const struct maria_type *type, struct catalog_column *column)
{
	if (str_starts_with(type->whole, STR("tinyint(1)")) ||
		str_starts_with(type->whole, STR("bit(1)"))) {
		column->type = TYPE_BOOLEAN;
	}
}

static void set_decimal(const struct maria_type *type, struct catalog_column *column)
{
	column->precision = (int)type->precision;
	column->scale = (int)type->scale;
	if (type->precision > DECIMAL_DIGITS || type->scale > type->precision) {
		column->type = TYPE_NUMBER;
		column->note = STR("more digits than a decimal of ours has: rounded to 15");
	}
}

/* Functions of JSON need the characters of all texts. */
static bool is_json(const struct maria_type *type)
{
	return type->is_json && str_equal(type->charset, STR("utf8mb4"));
}

void maria_catalog_set_type(struct arena *arena, const struct maria_type *type,
							struct catalog_column *column)
{
	const struct row *row = find(type->word);
	if (row == NULL) {
		column->left_out = arena_printf(arena, "the type %.*s is none that a service file knows",
										STR_ARG(type->word));
		return;
	}
	column->type = row->type;
	column->collation = type->collation;
	switch (row->kind) {
	case KIND_PLAIN:
		break;
	case KIND_INTEGER:
		set_integer(type, column);
		break;
	case KIND_DECIMAL:
		set_decimal(type, column);
		break;
	case KIND_CHARS:
		column->max_chars = type->chars > 0 ? (size_t)type->chars : 0;
		break;
	case KIND_TEXT:
		column->type = is_json(type) ? TYPE_JSON : TYPE_TEXT;
		break;
	case KIND_ENUM:
		set_words(arena, type->whole, column);
		break;
	case KIND_BYTES:
		column->is_bytes = true;
		break;
	case KIND_SHAPE:
		column->left_out = STR("its values are shapes, which are no text");
		break;
	}
	if (column->type == TYPE_JSON) {
		column->collation = STR("");
	}
}

bool maria_catalog_holds(const struct catalog_column *column, enum type type)
{
	if (column->left_out.len > 0) {
		return false;
	}
	if (column->type == type) {
		return true;
	}
	switch (type) {
	case TYPE_INTEGER:
		return column->type == TYPE_BOOLEAN;
	case TYPE_BOOLEAN:
		return column->type == TYPE_INTEGER;
	case TYPE_NUMBER:
		return column->type == TYPE_INTEGER || column->type == TYPE_DECIMAL;
	case TYPE_TEXT:
		return column->type == TYPE_JSON || column->type == TYPE_UUID;
	case TYPE_UUID:
		return column->type == TYPE_TEXT && !column->is_bytes;
	case TYPE_DECIMAL:
	case TYPE_DATE:
	case TYPE_TIME:
	case TYPE_DATETIME:
	case TYPE_JSON:
		return false;
	}
	return false;
}
