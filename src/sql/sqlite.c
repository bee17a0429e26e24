#include "sql/sqlite.h"

#include <assert.h>

#include "query/expression.h"
#include "sql/sql_priv.h"

/* ---- functions that the store gives the database ---- */

/* Each is called with a value and one or two pointers (VALUE_POINTER): a path; what an operator
 * compiled; the types of a cast. */

static void write_pointer(struct sql *sql, const void *pointer)
{
	buf_append_byte(&sql->text, ',');
	sql_param_pointer(sql, pointer);
}

static void write_path(struct sql *sql, const struct field *field, const struct json_path *path)
{
	sql_write(sql, STR("rowlock_json("));
	sql_write_column(sql, sql->alias, field);
	write_pointer(sql, path);
	buf_append_byte(&sql->text, ')');
}

static void write_matching(struct sql *sql, const struct cond *cond)
{
	bool is_match = cond->op == OPERATOR_MATCH || cond->op == OPERATOR_IMATCH;
	assert(cond->compiled.kind == VALUE_POINTER);
	sql_write(sql,
			  cond->op == OPERATOR_FTS ? STR("rowlock_words(")
				  : is_match           ? STR("rowlock_match(")
									   : STR("rowlock_like("));
	sql_write_own(sql, cond->field, cond->path);
	write_pointer(sql, cond->compiled.pointer);
	buf_append_byte(&sql->text, ')');
}

static bool write_cast(struct sql *sql, const struct field *from, const struct field *to,
					   bool before)
{
	if (before) {
		sql_write(sql, STR("rowlock_cast("));
		return true;
	}
	write_pointer(sql, from);
	write_pointer(sql, to);
	buf_append_byte(&sql->text, ')');
	return true;
}

/* The average of scaled integers is scaled too. */
static void write_average(struct sql *sql, const struct field *field, bool before)
{
	sql_write(sql, before ? STR("avg(") : STR(")"));
	if (!before && field->type == TYPE_DECIMAL) {
		sql_write(sql, STR("/1"));
		for (int i = 0; i < field->scale; i++) {
			buf_append_byte(&sql->text, '0');
		}
		sql_write(sql, STR(".0"));
	}
}

/* Of a computed field: its expression, the day, and the columns that it looks at. */
static void write_expression(struct sql *sql, size_t alias, const struct expression *expression)
{
	sql_write(sql, STR("rowlock_expression("));
	sql_param_pointer(sql, expression);
	buf_append_byte(&sql->text, ',');
	sql_param_made(sql, (struct value){.kind = VALUE_INTEGER, .integer = sql->today});
	for (size_t i = 0; i < expression->field_count; i++) {
		buf_append_byte(&sql->text, ',');
		sql_write_column(sql, alias, expression->fields[i]);
	}
	buf_append_byte(&sql->text, ')');
}

/* ---- tables ---- */

static void column_type(const struct resource *resource, const struct field *field,
						struct buf *text)
{
	(void)resource;
	switch (field->type) {
	case TYPE_INTEGER:
	case TYPE_DECIMAL: /* scaled by 10^scale */
	case TYPE_BOOLEAN:
	case TYPE_DATE: /* days, and microseconds: see value.h */
	case TYPE_TIME:
	case TYPE_DATETIME:
		buf_append(text, STR("INTEGER"));
		return;
	case TYPE_NUMBER:
		buf_append(text, STR("REAL"));
		return;
	case TYPE_TEXT:
	case TYPE_UUID:
	case TYPE_JSON:
		buf_append(text, STR("TEXT"));
		return;
	}
}

/* Such a key is the row's number, and SQLite can make it. */
static bool has_integer_key(const struct resource *resource)
{
	return resource->key.count == 1 && resource->key.items[0]->type == TYPE_INTEGER;
}

static void write_literal(struct buf *text, const struct value *value, const struct field *field)
{
	(void)field;
	sql_write_literal(text, value);
}

static void column_key(const struct resource *resource, const struct field *field, struct buf *text)
{
	if (field->key && has_integer_key(resource)) {
		/* AUTOINCREMENT: the number of a row that was deleted is never used again. */
		buf_append(text,
				   field->default_kind == DEFAULT_AUTO ? STR(" PRIMARY KEY AUTOINCREMENT")
													   : STR(" PRIMARY KEY"));
	}
}

/* A random uuid (version 4) for rows of an upsert, which cannot be given one: an existing row keeps
 * its own. */
static const char uuid_default[] =
	" DEFAULT (lower(hex(randomblob(4))||'-'||hex(randomblob(2))||'-4'||"
	"substr(hex(randomblob(2)),2)||'-'||substr('89AB',1+(random()&3),1)||"
	"substr(hex(randomblob(2)),2)||'-'||hex(randomblob(6))))";

static void column_auto(const struct field *field, struct buf *text)
{
	if (field->default_kind == DEFAULT_AUTO && field->type == TYPE_UUID && !field->key) {
		buf_append(text, str_from(uuid_default));
	}
}

static void table_end(const struct resource *resource, struct buf *text)
{
	if (has_integer_key(resource) || resource->key.count == 0) {
		buf_append(text, STR("\n) STRICT"));
		return;
	}
	buf_append(text, STR(",\n  PRIMARY KEY ("));
	sql_write_fields(&sql_dialect_sqlite, text, "", &resource->key);
	/* An index for substrings knows rows by their numbers. */
	buf_append(text,
			   resource->search.count > 0 ? STR(")\n) STRICT") : STR(")\n) STRICT, WITHOUT ROWID"));
}

/* ---- indexes for substrings ---- */

/* Rows are looked at anyway, so the index need not know where in a text a piece stands. */
static void search_index(struct str name, struct buf *text)
{
	buf_append(text, STR("CREATE VIRTUAL TABLE "));
	sql_put_name(&sql_dialect_sqlite, name, text);
	buf_append(text, STR(" USING fts5(text, content='', detail=none, tokenize='rowlock_grams')"));
}

static struct str row_number(const struct resource *resource)
{
	static const struct str names[] = {STR_INIT("rowid"), STR_INIT("_rowid_"), STR_INIT("oid")};
	if (has_integer_key(resource)) {
		return resource->key.items[0]->name;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		bool taken = false;
		for (size_t f = 0; f < resource->field_count && !taken; f++) {
			taken = str_equal_nocase(resource->fields[f].name, names[i]);
		}
		if (!taken) {
			return names[i];
		}
	}
	return STR("");
}

/* ---- tallies ---- */

/* `"a" OP NEW."a" SEPARATOR …` */
static void write_pairs(struct buf *text, const struct field_list *fields, const char *left,
						const char *right, const char *separator)
{
	for (size_t i = 0; i < fields->count; i++) {
		buf_append(text, i > 0 ? str_from(separator) : STR(""));
		buf_append(text, str_from(left));
		sql_put_name(&sql_dialect_sqlite, fields->items[i]->name, text);
		buf_append(text, str_from(right));
		sql_put_name(&sql_dialect_sqlite, fields->items[i]->name, text);
	}
}

static void write_more(const struct resource *tally, struct buf *text)
{
	const struct sql_dialect *dialect = &sql_dialect_sqlite;
	buf_append(text, STR("\n  INSERT INTO "));
	sql_put_name(dialect, tally->name, text);
	buf_append(text, STR(" ("));
	sql_write_fields(dialect, text, "", &tally->by);
	buf_append(text, STR(",\"count\") VALUES ("));
	sql_write_fields(dialect, text, "NEW.", &tally->by);
	buf_append(text, STR(",1)\n    ON CONFLICT ("));
	sql_write_fields(dialect, text, "", &tally->by);
	buf_append(text, STR(") DO UPDATE SET \"count\"=\"count\"+1;"));
}

static void write_less(const struct resource *tally, struct buf *text)
{
	buf_append(text, STR("\n  UPDATE "));
	sql_put_name(&sql_dialect_sqlite, tally->name, text);
	buf_append(text, STR(" SET \"count\"=\"count\"-1 WHERE "));
	write_pairs(text, &tally->by, "", "=OLD.", " AND ");
	buf_append_byte(text, ';');
}

/* The counts follow every statement that writes rows, whoever wrote it. A count that falls to 0
 * stays: the next row of its group is then an update in place. */
static bool tally_trigger(const struct resource *tally, size_t number, struct buf *text,
						  struct buf *name)
{
	static const struct {
		struct str name;
		struct str event;
		bool less;
		bool more;
	} triggers[] = {
		{STR_INIT(".insert"), STR_INIT("INSERT"), false, true},
		{STR_INIT(".delete"), STR_INIT("DELETE"), true, false},
		{STR_INIT(".update"), STR_INIT("UPDATE OF "), true, true},
	};
	const struct sql_dialect *dialect = &sql_dialect_sqlite;
	if (number >= sizeof(triggers) / sizeof(triggers[0])) {
		return false;
	}
	bool update = triggers[number].less && triggers[number].more;
	buf_append(name, triggers[number].name);
	buf_append(text, STR("CREATE TRIGGER "));
	sql_put_name(dialect, buf_str(name), text);
	buf_append(text, STR(" AFTER "));
	buf_append(text, triggers[number].event);
	if (update) {
		sql_write_fields(dialect, text, "", &tally->by);
	}
	buf_append(text, STR(" ON "));
	sql_put_name(dialect, tally->tally_of->name, text);
	if (update) {
		buf_append(text, STR("\nWHEN "));
		write_pairs(text, &tally->by, "OLD.", " IS NOT NEW.", " OR ");
	}
	buf_append(text, STR("\nBEGIN"));
	if (triggers[number].less) {
		write_less(tally, text);
	}
	if (triggers[number].more) {
		write_more(tally, text);
	}
	buf_append(text, STR("\nEND"));
	return true;
}

const struct sql_dialect sql_dialect_sqlite = {
	.name = "sqlite",
	.quote = '"',
	.max_name = SIZE_MAX,
	.nulls_placement = true,
	.upsert_on_conflict = true,
	.returning = true,
	.joins = true,
	.delete_alias = true,
	.default_values = true,
	.partial_indexes = true,
	.max_open = 76, /* of 100 (YYSTACKDEPTH); a statement takes up to 12, a leaf as many */
	.path = write_path,
	.matching = write_matching,
	.cast = write_cast,
	.average = write_average,
	.expression = write_expression,
	.is_distinct = " IS NOT ",
	.bytewise = " COLLATE BINARY",
	.literal = write_literal,
	.column_type = column_type,
	.column_key = column_key,
	.column_auto = column_auto,
	.table_end = table_end,
	.tally_trigger = tally_trigger,
	.search_index = search_index,
	.row_number = row_number,
};
