/*
 * DESIGN. Tables are compared part by part, as text. In this order: triggers that go or change are
 * dropped, then foreign keys, also those that only stand on what changes; tables go and are made;
 * an ALTER TABLE takes away what goes but for columns with values, and a second one does the rest.
 * Foreign keys come last, when everything that they need is there: the server looks at all rows
 * then.
 *
 * A tally holds nothing that its rows do not say, so it is never changed: it is made and counted.
 */
#include "store/maria_changes.h"

#include "sql/maria.h"
#include "store/maria_script.h"
#include "store/schema_text.h"

struct changes {
	const struct maria_tables *from;
	const struct maria_tables *to;
	struct arena arena;
	struct buf *sql;
};

static const struct maria_part *find_part(const struct maria_table *table,
										  enum maria_part_kind kind, struct str name)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct maria_part *part = &table->parts[i];
		if (part->kind == kind && str_equal(part->name, name)) {
			return part;
		}
	}
	return NULL;
}

static const struct maria_trigger *find_trigger(const struct maria_tables *tables, struct str name)
{
	for (size_t i = 0; i < tables->trigger_count; i++) {
		if (str_equal(tables->triggers[i].name, name)) {
			return &tables->triggers[i];
		}
	}
	return NULL;
}

/* ---- words ---- */

static void put(struct changes *changes, const char *text)
{
	buf_append(changes->sql, str_from(text));
}

/* A name as it is read: what has to be doubled is. */
static void put_name(struct changes *changes, struct str name)
{
	buf_append_byte(changes->sql, '`');
	buf_append(changes->sql, name);
	buf_append_byte(changes->sql, '`');
}

/* Clauses of one ALTER TABLE. */
struct alter {
	struct changes *changes;
	struct str table;
	size_t count;
};

static void begin_clause(struct alter *alter, const char *words)
{
	struct changes *changes = alter->changes;
	if (alter->count++ == 0) {
		put(changes, "ALTER TABLE ");
		put_name(changes, alter->table);
		put(changes, "\n  ");
	} else {
		put(changes, ",\n  ");
	}
	put(changes, words);
}

static void clause_name(struct alter *alter, const char *words, struct str name)
{
	begin_clause(alter, words);
	put_name(alter->changes, name);
}

static void clause_text(struct alter *alter, const char *words, struct str text)
{
	begin_clause(alter, words);
	buf_append(alter->changes->sql, text);
}

static void end_clauses(struct alter *alter)
{
	if (alter->count > 0) {
		put(alter->changes, ";\n");
	}
	alter->count = 0;
}

/* ---- columns ---- */

/* Where the word stands in the text, outside of quotes; SIZE_MAX: nowhere. */
static size_t find_word(struct str text, struct str word)
{
	for (size_t at = 0; at < text.len;) {
		size_t behind = maria_script_skip(text, at);
		if (behind > at) {
			at = behind;
		} else if (str_starts_with(str_slice(text, at, text.len), word)) {
			return at;
		} else {
			at++;
		}
	}
	return SIZE_MAX;
}

static bool has_word(struct str text, const char *word)
{
	return find_word(text, str_from(word)) != SIZE_MAX;
}

static bool is_generated(const struct maria_part *part)
{
	return part->kind == MARIA_COLUMN && has_word(part->text, " GENERATED ALWAYS AS ");
}

static bool is_not_null(const struct maria_part *column)
{
	return has_word(column->text, " NOT NULL");
}

/* What stands behind DEFAULT; "" when nothing does, or null. */
static struct str default_of(const struct maria_part *column)
{
	struct str word = STR(" DEFAULT ");
	size_t at = find_word(column->text, word);
	struct str text = at == SIZE_MAX ? STR("")
									 : str_slice(column->text, at + word.len, column->text.len);
	return str_equal(text, STR("NULL")) ? STR("") : text;
}

static struct str without_not_null(struct changes *changes, struct str text)
{
	struct str word = STR(" NOT NULL");
	size_t at = find_word(text, word);
	return arena_printf(&changes->arena, "%.*s%.*s", STR_ARG(str_slice(text, 0, at)),
						STR_ARG(str_slice(text, at + word.len, text.len)));
}

/* New, not null, and nothing says what rows that are there have in it: the server would make
 * something up. */
static bool is_unknown(const struct maria_table *before, const struct maria_part *column)
{
	return find_part(before, MARIA_COLUMN, column->name) == NULL && is_not_null(column) &&
		default_of(column).len == 0 && !is_generated(column) &&
		!has_word(column->text, " AUTO_INCREMENT");
}

/* Digits behind the point of `decimal(p,s)`; -1: it is none. */
static int scale_of(const struct maria_part *column)
{
	struct str word = STR(" decimal(");
	size_t at = find_word(column->text, word);
	if (at == SIZE_MAX) {
		return has_word(column->text, " bigint(") ? 0 : -1;
	}
	at = str_find(column->text, ',', at) + 1;
	int scale = 0;
	for (; at < column->text.len && column->text.ptr[at] != ')'; at++) {
		scale = 10 * scale + column->text.ptr[at] - '0';
	}
	return scale;
}

/* ---- what stays ---- */

static bool is_anew(const struct changes *changes, const struct maria_table *before);

/* Both have this part, in the same words. */
static bool is_kept(const struct maria_part *part, const struct maria_table *other)
{
	const struct maria_part *same = find_part(other, part->kind, part->name);
	return same != NULL && maria_script_same(part->text, same->text);
}

static bool mentions(struct str columns, struct str name)
{
	for (size_t at = str_find(columns, '`', 0); at < columns.len; at = str_find(columns, '`', at)) {
		size_t end = maria_script_skip(columns, at);
		if (str_equal(str_slice(columns, at + 1, end - 1), name)) {
			return true;
		}
		at = end;
	}
	return false;
}

/* Does a column of the list change, or go? */
static bool changes_column(const struct maria_table *before, const struct maria_table *after,
						   struct str columns)
{
	for (size_t i = 0; i < before->count; i++) {
		const struct maria_part *part = &before->parts[i];
		if (part->kind == MARIA_COLUMN && mentions(columns, part->name) && !is_kept(part, after)) {
			return true;
		}
	}
	return false;
}

/* An index over a generated column that is made anew is made anew as well. */
static bool key_stays(const struct maria_table *before, const struct maria_table *after,
					  const struct maria_part *key)
{
	if (!is_kept(key, after)) {
		return false;
	}
	for (size_t i = 0; i < before->count; i++) {
		const struct maria_part *part = &before->parts[i];
		if (is_generated(part) && mentions(key->columns, part->name) && !is_kept(part, after)) {
			return false;
		}
	}
	return true;
}

/* Does something change on which a foreign key over these columns stands? */
static bool is_moved(const struct changes *changes, struct str table, struct str columns)
{
	const struct maria_table *before = maria_changes_table(changes->from, table);
	const struct maria_table *after = maria_changes_table(changes->to, table);
	if (before == NULL || after == NULL) {
		return before != after;
	}
	if (is_anew(changes, before) || changes_column(before, after, columns)) {
		return true;
	}
	for (size_t i = 0; i < before->count; i++) {
		const struct maria_part *key = &before->parts[i];
		if (key->kind != MARIA_KEY || key_stays(before, after, key)) {
			continue;
		}
		for (size_t at = str_find(columns, '`', 0); at < columns.len;) {
			size_t end = maria_script_skip(columns, at);
			if (mentions(key->columns, str_slice(columns, at + 1, end - 1))) {
				return true;
			}
			at = str_find(columns, '`', end);
		}
	}
	return false;
}

static bool reference_stays(const struct changes *changes, const struct maria_table *table,
							const struct maria_part *reference)
{
	const struct maria_table *before = maria_changes_table(changes->from, table->name);
	const struct maria_table *after = maria_changes_table(changes->to, table->name);
	return before != NULL && after != NULL && is_kept(reference, before) &&
		is_kept(reference, after) && !is_moved(changes, table->name, reference->columns) &&
		!is_moved(changes, reference->target, reference->target_columns);
}

static bool holds_parts(const struct maria_table *a, const struct maria_table *b)
{
	for (size_t i = 0; i < a->count; i++) {
		if (a->parts[i].kind != MARIA_FOREIGN_KEY && !is_kept(&a->parts[i], b)) {
			return false;
		}
	}
	return true;
}

/* Counts that change at all are made anew. */
static bool is_anew(const struct changes *changes, const struct maria_table *before)
{
	const struct maria_table *after = maria_changes_table(changes->to, before->name);
	if (after == NULL || (before->tally == NULL && after->tally == NULL)) {
		return false;
	}
	return before->tally == NULL || after->tally == NULL ||
		!str_equal(before->tally->tally_of->name, after->tally->tally_of->name) ||
		!holds_parts(before, after) || !holds_parts(after, before);
}

static bool trigger_stays(const struct changes *changes, const struct maria_trigger *trigger)
{
	const struct maria_trigger *before = find_trigger(changes->from, trigger->name);
	const struct maria_trigger *after = find_trigger(changes->to, trigger->name);
	return before != NULL && after != NULL && maria_script_same(before->text, after->text);
}

/* ---- what goes ---- */

static void drop_triggers(struct changes *changes)
{
	for (size_t i = 0; i < changes->from->trigger_count; i++) {
		const struct maria_trigger *trigger = &changes->from->triggers[i];
		if (!trigger_stays(changes, trigger)) {
			put(changes, "DROP TRIGGER ");
			put_name(changes, trigger->name);
			put(changes, ";\n");
		}
	}
}

/* With the index that the server made for it, if it did. */
static void drop_reference(struct changes *changes, const struct maria_table *table,
						   const struct maria_part *reference)
{
	const struct maria_table *after = maria_changes_table(changes->to, table->name);
	struct alter alter = {.changes = changes, .table = table->name};
	if (after == NULL && str_equal(reference->target, table->name)) {
		return;
	}
	clause_name(&alter, "DROP FOREIGN KEY ", reference->name);
	if (after != NULL && find_part(after, MARIA_FOREIGN_KEY, reference->name) == NULL) {
		clause_name(&alter, "DROP KEY IF EXISTS ", reference->name);
	}
	end_clauses(&alter);
}

static void drop_references(struct changes *changes)
{
	for (size_t t = 0; t < changes->from->count; t++) {
		const struct maria_table *table = &changes->from->tables[t];
		for (size_t i = 0; i < table->count; i++) {
			const struct maria_part *part = &table->parts[i];
			if (part->kind == MARIA_FOREIGN_KEY && !reference_stays(changes, table, part)) {
				drop_reference(changes, table, part);
			}
		}
	}
}

static void drop_tables(struct changes *changes)
{
	for (size_t i = 0; i < changes->from->count; i++) {
		const struct maria_table *table = &changes->from->tables[i];
		bool anew = is_anew(changes, table);
		if (!anew && maria_changes_table(changes->to, table->name) != NULL) {
			continue;
		}
		if (table->tally == NULL) {
			schema_say(changes->sql, "WARNING: the table", table->name,
					   " and all its rows are lost", STR(""));
		} else {
			schema_say(changes->sql, "the counts", table->name, anew ? " are made anew" : " go",
					   STR(""));
		}
		put(changes, "DROP TABLE ");
		put_name(changes, table->name);
		put(changes, ";\n");
	}
}

/* ---- tables ---- */

static void make_table(struct changes *changes, const struct maria_table *table)
{
	size_t count = 0;
	put(changes, "CREATE TABLE ");
	put_name(changes, table->name);
	put(changes, " (");
	for (size_t i = 0; i < table->count; i++) {
		if (table->parts[i].kind != MARIA_FOREIGN_KEY) {
			put(changes, count++ > 0 ? ",\n  " : "\n  ");
			buf_append(changes->sql, table->parts[i].text);
		}
	}
	put(changes, "\n)");
	buf_append(changes->sql, table->tail);
	put(changes, ";\n");
}

/* Nothing with values goes here. */
static void take_away(struct changes *changes, const struct maria_table *before,
					  const struct maria_table *after)
{
	struct alter alter = {.changes = changes, .table = after->name};
	for (size_t i = 0; i < before->count; i++) {
		const struct maria_part *part = &before->parts[i];
		if (part->kind == MARIA_CHECK && !is_kept(part, after)) {
			clause_name(&alter, "DROP CONSTRAINT ", part->name);
		} else if (part->kind == MARIA_KEY && !str_equal(part->name, STR("PRIMARY")) &&
				   !key_stays(before, after, part)) {
			clause_name(&alter, "DROP KEY ", part->name);
		} else if (is_generated(part) && !is_kept(part, after)) {
			clause_name(&alter, "DROP COLUMN ", part->name);
		}
	}
	end_clauses(&alter);
}

/* What is lost, and what can fail. */
static void warn_of_columns(struct changes *changes, const struct maria_table *before,
							const struct maria_table *after)
{
	bool lost = false;
	bool gained = false;
	for (size_t i = 0; i < before->count; i++) {
		const struct maria_part *part = &before->parts[i];
		if (part->kind == MARIA_COLUMN && !is_generated(part) &&
			find_part(after, MARIA_COLUMN, part->name) == NULL) {
			schema_say(changes->sql, "WARNING: the values of the column", part->name,
					   " of % are lost", before->name);
			lost = true;
		}
	}
	for (size_t i = 0; i < after->count; i++) {
		const struct maria_part *part = &after->parts[i];
		const struct maria_part *same = find_part(before, part->kind, part->name);
		if (part->kind != MARIA_COLUMN || is_generated(part)) {
			continue;
		}
		gained = gained || same == NULL;
		if (same != NULL && !is_kept(part, before)) {
			schema_say(changes->sql, "the table", after->name, " has another column now; it was: %",
					   same->text);
			if (scale_of(part) >= 0 && scale_of(part) < scale_of(same)) {
				schema_say(changes->sql, "WARNING: digits behind the point are cut: column",
						   part->name, " of %", after->name);
			}
		}
		bool need = is_not_null(part) && default_of(part).len == 0;
		if (is_unknown(before, part) || (same != NULL && need && !is_not_null(same))) {
			schema_say(changes->sql, "WARNING: this fails while a row has no", part->name,
					   same == NULL ? ", which is new and has no default" : "", STR(""));
		}
	}
	if (lost && gained) {
		put(changes,
			"-- a column that has only another name now is better renamed: ALTER TABLE … RENAME "
			"COLUMN … TO …\n");
	}
}

/* What rows need before the columns can change: a new column that rows have to fill, and the
 * default where null is allowed no more. */
static void prepare_columns(struct changes *changes, const struct maria_table *before,
							const struct maria_table *after)
{
	struct alter alter = {.changes = changes, .table = after->name};
	for (size_t i = 0; i < after->count; i++) {
		const struct maria_part *part = &after->parts[i];
		if (part->kind == MARIA_COLUMN && is_unknown(before, part)) {
			clause_text(&alter, "ADD COLUMN ", without_not_null(changes, part->text));
		}
	}
	end_clauses(&alter);
	for (size_t i = 0; i < after->count; i++) {
		const struct maria_part *part = &after->parts[i];
		const struct maria_part *same = find_part(before, part->kind, part->name);
		if (part->kind == MARIA_COLUMN && same != NULL && is_not_null(part) && !is_not_null(same) &&
			default_of(part).len > 0) {
			put(changes, "UPDATE ");
			put_name(changes, after->name);
			put(changes, " SET ");
			put_name(changes, part->name);
			put(changes, "=");
			buf_append(changes->sql, default_of(part));
			put(changes, " WHERE ");
			put_name(changes, part->name);
			put(changes, " IS NULL;\n");
		}
	}
}

static void change_column(struct alter *alter, const struct maria_table *before,
						  const struct maria_part *column)
{
	if (is_kept(column, before)) {
		return;
	}
	bool there = find_part(before, MARIA_COLUMN, column->name) != NULL && !is_generated(column);
	clause_text(alter, there || is_unknown(before, column) ? "MODIFY COLUMN " : "ADD COLUMN ",
				column->text);
}

static void change_parts(struct changes *changes, const struct maria_table *before,
						 const struct maria_table *after)
{
	struct alter alter = {.changes = changes, .table = after->name};
	for (size_t i = 0; i < before->count; i++) {
		const struct maria_part *part = &before->parts[i];
		bool primary = part->kind == MARIA_KEY && str_equal(part->name, STR("PRIMARY"));
		if (primary && !is_kept(part, after)) {
			clause_text(&alter, "DROP PRIMARY KEY", STR(""));
		} else if (part->kind == MARIA_COLUMN && !is_generated(part) &&
				   find_part(after, MARIA_COLUMN, part->name) == NULL) {
			clause_name(&alter, "DROP COLUMN ", part->name);
		}
	}
	for (size_t i = 0; i < after->count; i++) {
		const struct maria_part *part = &after->parts[i];
		const struct maria_part *same = find_part(before, part->kind, part->name);
		if (part->kind == MARIA_COLUMN) {
			change_column(&alter, before, part);
		} else if (part->kind == MARIA_CHECK && !is_kept(part, before)) {
			clause_text(&alter, "ADD ", part->text);
		} else if (part->kind == MARIA_KEY && (same == NULL || !key_stays(before, after, same))) {
			clause_text(&alter, "ADD ", part->text);
		}
	}
	end_clauses(&alter);
}

static void warn_of_rules(struct changes *changes, const struct maria_table *before,
						  const struct maria_table *after)
{
	for (size_t i = 0; i < after->count; i++) {
		const struct maria_part *part = &after->parts[i];
		if (find_part(before, part->kind, part->name) != NULL) {
			continue;
		}
		if (part->kind == MARIA_KEY && str_starts_with(part->text, STR("UNIQUE "))) {
			schema_say(changes->sql, "this fails while two rows break the rule", part->name, "",
					   STR(""));
		} else if (part->kind == MARIA_CHECK) {
			schema_say(changes->sql, "this fails while a row breaks the rule", part->name, "",
					   STR(""));
		}
	}
}

static void change_tables(struct changes *changes)
{
	for (size_t i = 0; i < changes->to->count; i++) {
		const struct maria_table *after = &changes->to->tables[i];
		const struct maria_table *before = maria_changes_table(changes->from, after->name);
		if (before == NULL || is_anew(changes, before)) {
			if (before == NULL) {
				schema_say(changes->sql, "the table", after->name, " is made", STR(""));
			}
			make_table(changes, after);
		} else if (after->tally == NULL) {
			warn_of_columns(changes, before, after);
			take_away(changes, before, after);
			prepare_columns(changes, before, after);
			warn_of_rules(changes, before, after);
			change_parts(changes, before, after);
		}
	}
}

/* ---- what stands on them ---- */

/* The columns by which rows are counted. */
static void put_groups(struct changes *changes, const struct maria_table *table)
{
	size_t count = 0;
	for (size_t i = 0; i < table->count; i++) {
		const struct maria_part *part = &table->parts[i];
		if (part->kind == MARIA_COLUMN && !str_equal(part->name, STR("count"))) {
			put(changes, count++ > 0 ? "," : "");
			put_name(changes, part->name);
		}
	}
}

/* A tally counts the rows that are there; its headers are those of the counts. */
static void count_rows(struct changes *changes, const struct maria_table *table)
{
	bool counts = str_equal(table->name, table->tally->name);
	put(changes, "INSERT INTO ");
	put_name(changes, table->name);
	put(changes, " (");
	put_groups(changes, table);
	put(changes, counts ? ",`count`)\n  SELECT " : ")\n  SELECT DISTINCT ");
	put_groups(changes, table);
	put(changes, counts ? ",count(*) FROM " : " FROM ");
	sql_put_name(&sql_dialect_maria, table->tally->tally_of->name, changes->sql);
	if (counts) {
		put(changes, " GROUP BY ");
		put_groups(changes, table);
	}
	put(changes, ";\n");
}

static void count_tallies(struct changes *changes)
{
	for (size_t i = 0; i < changes->to->count; i++) {
		const struct maria_table *table = &changes->to->tables[i];
		const struct maria_table *before = maria_changes_table(changes->from, table->name);
		if (table->tally != NULL && (before == NULL || is_anew(changes, before))) {
			count_rows(changes, table);
		}
	}
}

static void make_references(struct changes *changes)
{
	for (size_t t = 0; t < changes->to->count; t++) {
		const struct maria_table *table = &changes->to->tables[t];
		struct alter alter = {.changes = changes, .table = table->name};
		for (size_t i = 0; i < table->count; i++) {
			const struct maria_part *part = &table->parts[i];
			if (part->kind == MARIA_FOREIGN_KEY && !reference_stays(changes, table, part)) {
				clause_text(&alter, "ADD ", part->text);
			}
		}
		end_clauses(&alter);
	}
}

/* A trigger holds semicolons. */
static void make_triggers(struct changes *changes)
{
	bool any = false;
	for (size_t i = 0; i < changes->to->trigger_count; i++) {
		const struct maria_trigger *trigger = &changes->to->triggers[i];
		if (!trigger_stays(changes, trigger)) {
			put(changes, any ? "" : "DELIMITER ;;\n");
			any = true;
			buf_append(changes->sql, trigger->text);
			put(changes, ";;\n");
		}
	}
	put(changes, any ? "DELIMITER ;\n" : "");
}

void maria_changes_write(const struct maria_tables *from, const struct maria_tables *to,
						 struct buf *sql)
{
	struct changes changes = {.from = from, .to = to, .sql = sql};
	arena_init(&changes.arena, 65536);
	drop_triggers(&changes);
	drop_references(&changes);
	drop_tables(&changes);
	change_tables(&changes);
	make_references(&changes);
	count_tallies(&changes);
	make_triggers(&changes);
	arena_finish(&changes.arena);
}
