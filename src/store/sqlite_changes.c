/*
 * DESIGN. Objects are known by kind and name and compared as text, word by word; tables part by
 * part, so that the order of columns does not matter. In this order: triggers and indexes that go
 * or change are dropped, tables go, tables are made and changed, and then whatever is to stand on
 * them is made. A table that is made anew loses all that stood on it.
 *
 * A tally holds nothing that its rows do not say, so it is never changed: it is made and counted.
 */
#include "store/sqlite_changes.h"

#include "store/schema_text.h"
#include "store/sqlite_text.h"

#define NEW_TABLE "_rl_new"

/* What becomes of a table that both have. */
enum table_change { TABLE_STAYS, TABLE_GROWS, TABLE_ANEW };

struct changes {
	const struct schema *from;
	const struct schema *to;
	struct arena arena;
	struct buf *sql;
};

static const struct schema_object *find(const struct schema *schema, enum schema_kind kind,
										struct str name)
{
	for (size_t i = 0; i < schema->count; i++) {
		const struct schema_object *object = &schema->objects[i];
		if (object->kind == kind && str_equal_nocase(object->name, name)) {
			return object;
		}
	}
	return NULL;
}

static bool is_tally(const struct schema_object *table)
{
	return table->resource != NULL && table->resource->tally_of != NULL;
}

/* ---- words ---- */

static void put(struct changes *changes, const char *text)
{
	buf_append(changes->sql, str_from(text));
}

static void put_name(struct changes *changes, struct str name)
{
	sql_put_name(&sql_dialect_sqlite, name, changes->sql);
}

static void put_text(struct changes *changes, struct str text)
{
	buf_append_byte(changes->sql, '\'');
	for (size_t i = 0; i < text.len; i++) {
		buf_append_byte(changes->sql, text.ptr[i]);
		if (text.ptr[i] == '\'') {
			buf_append_byte(changes->sql, '\'');
		}
	}
	buf_append_byte(changes->sql, '\'');
}

static void put_statement(struct changes *changes, struct str text)
{
	buf_append(changes->sql, text);
	put(changes, ";\n");
}

static void put_drop(struct changes *changes, const char *what, struct str name)
{
	put(changes, what);
	put_name(changes, name);
	put(changes, ";\n");
}

/* ---- what differs ---- */

/* Each part of `a` is in `b`, but for columns that `b` has not when `columns_may_miss`. */
static bool holds_parts(const struct table_text *a, const struct table_text *b,
						bool columns_may_miss)
{
	for (size_t i = 0; i < a->count; i++) {
		const struct table_part *part = &a->parts[i];
		bool found = columns_may_miss && part->column.len > 0 &&
			sqlite_text_column(b, part->column) == NULL;
		for (size_t k = 0; k < b->count && !found; k++) {
			found = sqlite_text_same(part->text, b->parts[k].text, false);
		}
		if (!found) {
			return false;
		}
	}
	return true;
}

/* The constant of `DEFAULT …`; "" when there is none, or an expression. */
static struct str default_of(struct str column)
{
	struct str rest = sqlite_text_behind(column, "DEFAULT");
	struct token token = sqlite_text_token(rest, 0);
	bool sign = token.kind == TOKEN_SIGN;
	if (sign && token.text.ptr[0] != '-' && token.text.ptr[0] != '+') {
		return STR("");
	}
	size_t end = sign ? sqlite_text_token(rest, token.end).end : token.end;
	return str_slice(rest, token.from, end);
}

static bool has_word(struct str column, const char *word)
{
	struct token token = sqlite_text_token(column, 0);
	while (token.kind != TOKEN_END && !sqlite_text_is(&token, word)) {
		token = sqlite_text_token(column, token.end);
	}
	return token.kind != TOKEN_END;
}

/* `NOT NULL` of the column itself, not in its check. */
static bool is_not_null(struct str column)
{
	struct token token = sqlite_text_token(column, 0);
	bool not = false;
	for (; token.kind != TOKEN_END && !sqlite_text_is(&token, "CHECK");
		 token = sqlite_text_token(column, token.end)) {
		if (not &&sqlite_text_is(&token, "NULL")) {
			return true;
		}
		not = sqlite_text_is(&token, "NOT");
	}
	return false;
}

/* SQLite's own limits of ADD COLUMN. */
static bool can_be_added(struct str column)
{
	struct str value = default_of(column);
	bool has_default = has_word(column, "DEFAULT");
	return (value.len > 0 || !has_default) && (value.len > 0 || !is_not_null(column)) &&
		!(has_default && has_word(column, "REFERENCES")) && !has_word(column, "PRIMARY") &&
		!has_word(column, "UNIQUE") && !has_word(column, "GENERATED");
}

/* How many digits behind the point an INTEGER stands for; -1: it is none of these. */
static int scale_of(const struct schema_object *table, struct str column)
{
	const struct field *field = table->resource != NULL ? resource_field(table->resource, column)
														: NULL;
	return field == NULL              ? -1
		: field->type == TYPE_DECIMAL ? field->scale
		: field->type == TYPE_INTEGER ? 0
									  : -1;
}

static bool changes_scale(const struct schema_object *before, const struct schema_object *after,
						  struct str column)
{
	int old = scale_of(before, column);
	int new = scale_of(after, column);
	return old >= 0 && new >= 0 && old != new;
}

static enum table_change compare(struct changes *changes, const struct schema_object *before,
								 const struct schema_object *after)
{
	struct table_text old = sqlite_text_table(before->text, &changes->arena);
	struct table_text new = sqlite_text_table(after->text, &changes->arena);
	if (!sqlite_text_same(old.tail, new.tail, false) || !holds_parts(&old, &new, false) ||
		!holds_parts(&new, &old, true)) {
		return TABLE_ANEW;
	}
	for (size_t i = 0; i < new.count; i++) {
		const struct table_part *part = &new.parts[i];
		/* An UPDATE could meet a unique rule half way. */
		if (changes_scale(before, after, part->column)) {
			return TABLE_ANEW;
		}
		if (part->column.len > 0 && sqlite_text_column(&old, part->column) == NULL &&
			(!can_be_added(part->text) || is_tally(after))) {
			return TABLE_ANEW;
		}
	}
	return new.count > old.count ? TABLE_GROWS : TABLE_STAYS;
}

/* Is the table, which both have, made anew? */
static bool is_anew(struct changes *changes, struct str name)
{
	const struct schema_object *before = find(changes->from, SCHEMA_TABLE, name);
	const struct schema_object *after = find(changes->to, SCHEMA_TABLE, name);
	return before != NULL && after != NULL && compare(changes, before, after) == TABLE_ANEW;
}

/* Does what stands on a table stay as it is? */
static bool stays(struct changes *changes, const struct schema_object *object)
{
	const struct schema_object *before = find(changes->from, object->kind, object->name);
	const struct schema_object *after = find(changes->to, object->kind, object->name);
	return before != NULL && after != NULL && str_equal_nocase(before->table, after->table) &&
		sqlite_text_same(before->text, after->text, true) && !is_anew(changes, after->table);
}

/* ---- what goes ---- */

static void drop_what_changes(struct changes *changes)
{
	static const char *const words[] = {
		[SCHEMA_TABLE] = NULL,
		[SCHEMA_SEARCH] = "DROP TABLE ",
		[SCHEMA_INDEX] = "DROP INDEX ",
		[SCHEMA_TRIGGER] = "DROP TRIGGER ",
	};
	for (size_t i = 0; i < changes->from->count; i++) {
		const struct schema_object *object = &changes->from->objects[i];
		/* With its table an index and a trigger go by themselves, but not the table of a search. */
		bool goes = object->kind == SCHEMA_SEARCH ||
			(find(changes->to, SCHEMA_TABLE, object->table) != NULL &&
			 !is_anew(changes, object->table));
		if (object->kind == SCHEMA_TABLE || !goes || stays(changes, object)) {
			continue;
		}
		if (find(changes->to, object->kind, object->name) == NULL) {
			schema_say(changes->sql, object->kind == SCHEMA_TRIGGER ? "the trigger" : "the index",
					   object->name, " goes", STR(""));
		}
		put_drop(changes, words[object->kind], object->name);
	}
}

static void drop_tables(struct changes *changes)
{
	for (size_t i = 0; i < changes->from->count; i++) {
		const struct schema_object *object = &changes->from->objects[i];
		if (object->kind != SCHEMA_TABLE || find(changes->to, SCHEMA_TABLE, object->name) != NULL) {
			continue;
		}
		if (is_tally(object)) {
			schema_say(changes->sql, "the counts", object->name, " go", STR(""));
		} else {
			schema_say(changes->sql, "WARNING: the table", object->name,
					   " and all its rows are lost", STR(""));
		}
		put_drop(changes, "DROP TABLE ", object->name);
	}
}

/* ---- tables ---- */

static void add_columns(struct changes *changes, const struct schema_object *before,
						const struct schema_object *after)
{
	struct table_text old = sqlite_text_table(before->text, &changes->arena);
	struct table_text new = sqlite_text_table(after->text, &changes->arena);
	for (size_t i = 0; i < new.count; i++) {
		const struct table_part *part = &new.parts[i];
		if (part->column.len > 0 && sqlite_text_column(&old, part->column) == NULL) {
			schema_say(changes->sql, "the table", after->name, " gets the column %", part->column);
			put(changes, "ALTER TABLE ");
			put_name(changes, after->name);
			put(changes, " ADD COLUMN ");
			put_statement(changes, part->text);
		}
	}
}

/* Times or through a power of ten; digits that do not fit are cut. */
static void put_converted(struct changes *changes, struct str column, int old, int new)
{
	put_name(changes, column);
	if (old >= 0 && new >= 0 && old != new) {
		put(changes, new > old ? "*1" : "/1");
		for (int i = 0; i < (new > old ? new - old : old - new); i++) {
			buf_append_byte(changes->sql, '0');
		}
	}
}

static void warn_of_scale(struct changes *changes, const struct schema_object *before,
						  const struct schema_object *after, struct str column)
{
	if (changes_scale(before, after, column)) {
		bool cut = scale_of(after, column) < scale_of(before, column);
		schema_say(changes->sql,
				   cut ? "WARNING: digits behind the point are cut: column" : "the column", column,
				   cut ? " of %" : " of % gets more digits behind the point", after->name);
	}
}

/* What is lost, and what can fail, when the rows of one are copied to the other. */
static void warn_of_columns(struct changes *changes, const struct schema_object *before,
							const struct schema_object *after, const struct table_text *old,
							const struct table_text *new)
{
	bool lost = false;
	bool gained = false;
	for (size_t i = 0; i < old->count; i++) {
		struct str column = old->parts[i].column;
		if (column.len > 0 && sqlite_text_column(new, column) == NULL) {
			schema_say(changes->sql, "WARNING: the values of the column", column, " of % are lost",
					   before->name);
			lost = true;
		}
	}
	for (size_t i = 0; i < new->count; i++) {
		const struct table_part *part = &new->parts[i];
		const struct table_part *same = sqlite_text_column(old, part->column);
		if (part->column.len == 0) {
			continue;
		}
		gained = gained || same == NULL;
		warn_of_scale(changes, before, after, part->column);
		if (same != NULL && !sqlite_text_same(same->text, part->text, false)) {
			schema_say(changes->sql, "  column", part->column, " was: %", same->text);
		}
		if (is_not_null(part->text) && default_of(part->text).len == 0 &&
			!has_word(part->text, "DEFAULT") && (same == NULL || !is_not_null(same->text))) {
			schema_say(changes->sql, "WARNING: this fails while a row has no", part->column,
					   same == NULL ? ", which is new and has no default" : "", STR(""));
		}
	}
	if (lost && gained) {
		put(changes,
			"-- a column that has only another name now is better renamed: ALTER TABLE … RENAME "
			"COLUMN … TO …\n");
	}
}

/* A copied value: null where that is allowed no more becomes the default. */
static void put_value(struct changes *changes, const struct schema_object *before,
					  const struct schema_object *after, const struct table_part *old,
					  const struct table_part *new)
{
	struct str value = default_of(new->text);
	bool fill = value.len > 0 && is_not_null(new->text) && !is_not_null(old->text);
	put(changes, fill ? "coalesce(" : "");
	put_converted(changes, old->column, scale_of(before, old->column),
				  scale_of(after, new->column));
	if (fill) {
		put(changes, ",");
		buf_append(changes->sql, value);
		put(changes, ")");
	}
}

static void copy_rows(struct changes *changes, const struct schema_object *before,
					  const struct schema_object *after, const struct table_text *old,
					  const struct table_text *new)
{
	for (int values = 0; values < 2; values++) {
		const char *separator = "";
		put(changes, values == 0 ? "INSERT INTO \"" NEW_TABLE "\" (" : ")\n  SELECT ");
		for (size_t i = 0; i < new->count; i++) {
			const struct table_part *part = &new->parts[i];
			const struct table_part *same = sqlite_text_column(old, part->column);
			if (part->column.len == 0 || same == NULL || has_word(part->text, "GENERATED")) {
				continue;
			}
			put(changes, separator);
			separator = ",";
			if (values == 0) {
				put_name(changes, part->column);
			} else {
				put_value(changes, before, after, same, part);
			}
		}
	}
	put(changes, " FROM ");
	put_name(changes, before->name);
	put(changes, ";\n");
}

/* Numbers of rows that were deleted are not used again. */
static void keep_sequence(struct changes *changes, const struct schema_object *before)
{
	put(changes,
		"DELETE FROM sqlite_sequence WHERE name='" NEW_TABLE "';\n"
		"INSERT INTO sqlite_sequence (name,seq)\n"
		"  SELECT '" NEW_TABLE "',seq FROM sqlite_sequence WHERE name=");
	put_text(changes, before->name);
	put(changes, ";\n");
}

/* The table with the same columns, by the name of the new one. */
static void create_new(struct changes *changes, const struct schema_object *after)
{
	struct token token = sqlite_text_token(after->text, 0);
	while (token.kind != TOKEN_END && !sqlite_text_is(&token, "TABLE")) {
		token = sqlite_text_token(after->text, token.end);
	}
	token = sqlite_text_token(after->text, token.end);
	put(changes, "CREATE TABLE \"" NEW_TABLE "\"");
	put_statement(changes, str_slice(after->text, token.end, after->text.len));
}

static void make_anew(struct changes *changes, const struct schema_object *before,
					  const struct schema_object *after)
{
	if (is_tally(after) || is_tally(before)) {
		schema_say(changes->sql, "the counts", after->name, " are made anew", STR(""));
		put_drop(changes, "DROP TABLE ", before->name);
		put_statement(changes, after->text);
		return;
	}
	struct table_text old = sqlite_text_table(before->text, &changes->arena);
	struct table_text new = sqlite_text_table(after->text, &changes->arena);
	schema_say(changes->sql, "the table", after->name, " is made anew, and its rows are copied",
			   STR(""));
	warn_of_columns(changes, before, after, &old, &new);
	create_new(changes, after);
	copy_rows(changes, before, after, &old, &new);
	if (has_word(before->text, "AUTOINCREMENT") && has_word(after->text, "AUTOINCREMENT")) {
		keep_sequence(changes, before);
	}
	put_drop(changes, "DROP TABLE ", before->name);
	put(changes, "ALTER TABLE \"" NEW_TABLE "\" RENAME TO ");
	put_name(changes, after->name);
	put(changes, ";\n");
}

static void change_tables(struct changes *changes)
{
	for (size_t i = 0; i < changes->to->count; i++) {
		const struct schema_object *after = &changes->to->objects[i];
		const struct schema_object *before = find(changes->from, SCHEMA_TABLE, after->name);
		if (after->kind != SCHEMA_TABLE) {
			continue;
		}
		if (before == NULL) {
			schema_say(changes->sql, "the table", after->name, " is made", STR(""));
			put_statement(changes, after->text);
			continue;
		}
		switch (compare(changes, before, after)) {
		case TABLE_STAYS:
			break;
		case TABLE_GROWS:
			add_columns(changes, before, after);
			break;
		case TABLE_ANEW:
			make_anew(changes, before, after);
			break;
		}
	}
}

/* ---- what stands on them ---- */

/* A tally counts the rows that are there. */
static void count_rows(struct changes *changes, const struct schema_object *tally)
{
	const struct resource *resource = tally->resource;
	struct buf *sql = changes->sql;
	put(changes, "INSERT INTO ");
	put_name(changes, tally->name);
	put(changes, " (");
	for (size_t i = 0; i < resource->by.count; i++) {
		put_name(changes, resource->by.items[i]->name);
		put(changes, ",");
	}
	put(changes, "\"count\")\n  SELECT ");
	for (size_t i = 0; i < resource->by.count; i++) {
		put_name(changes, resource->by.items[i]->name);
		put(changes, ",");
	}
	put(changes, "count(*) FROM ");
	put_name(changes, resource->tally_of->name);
	put(changes, " GROUP BY ");
	for (size_t i = 0; i < resource->by.count; i++) {
		buf_printf(sql, "%s%zu", i > 0 ? "," : "", i + 1);
	}
	put(changes, ";\n");
}

static void count_tallies(struct changes *changes)
{
	for (size_t i = 0; i < changes->to->count; i++) {
		const struct schema_object *object = &changes->to->objects[i];
		if (object->kind == SCHEMA_TABLE && is_tally(object) &&
			(find(changes->from, SCHEMA_TABLE, object->name) == NULL ||
			 is_anew(changes, object->name))) {
			count_rows(changes, object);
		}
	}
}

static void make_objects(struct changes *changes, enum schema_kind kind)
{
	for (size_t i = 0; i < changes->to->count; i++) {
		const struct schema_object *object = &changes->to->objects[i];
		if (object->kind != kind || stays(changes, object)) {
			continue;
		}
		bool unique = has_word(str_slice(object->text, 0, sizeof("CREATE UNIQUE") - 1), "UNIQUE");
		bool new = find(changes->from, kind, object->name) == NULL;
		if (unique && new &&find(changes->from, SCHEMA_TABLE, object->table) != NULL) {
			schema_say(changes->sql, "this fails while two rows break the rule", object->name, "",
					   STR(""));
		}
		put_statement(changes, object->text);
	}
}

void sqlite_changes_write(const struct schema *from, const struct schema *to, struct buf *sql)
{
	struct changes changes = {.from = from, .to = to, .sql = sql};
	arena_init(&changes.arena, 65536);
	drop_what_changes(&changes);
	drop_tables(&changes);
	change_tables(&changes);
	count_tallies(&changes);
	make_objects(&changes, SCHEMA_SEARCH);
	make_objects(&changes, SCHEMA_INDEX);
	make_objects(&changes, SCHEMA_TRIGGER);
	arena_finish(&changes.arena);
}
