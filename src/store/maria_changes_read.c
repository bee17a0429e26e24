/*
 * DESIGN. What information_schema says of a column is not enough to write it again (defaults,
 * generated columns, conditions of checks), and the server keeps conditions in words of its own. So
 * both sides are read from SHOW CREATE TABLE: what is there, and what is wanted, which is made as a
 * temporary table for that.
 */
#include <assert.h>

#include "sql/maria.h"
#include "sql/sql.h"
#include "store/maria_changes.h"
#include "store/maria_schema.h"
#include "store/maria_script.h"
#include "store/schema_text.h"

enum { TEXT_BYTES = 1 << 26, NAME_BYTES = 4096 };

#define WANTED "_rl_wanted"

/* ---- texts ---- */

/* The name in the first pair of backquotes at or behind `at`; *ret_end is behind it. */
static struct str quoted_name(struct str text, size_t at, size_t *ret_end)
{
	at = str_find(text, '`', at);
	size_t end = maria_script_skip(text, at);
	while (end < text.len && text.ptr[end] == '`') {
		end = maria_script_skip(text, end);
	}
	*ret_end = end;
	return *ret_end > at + 1 ? str_slice(text, at + 1, *ret_end - 1) : STR("");
}

/* Behind the parenthesis that closes the one at `at`. */
static size_t closing(struct str text, size_t at)
{
	size_t depth = 0;
	while (at < text.len) {
		size_t behind = maria_script_skip(text, at);
		if (behind > at) {
			at = behind;
			continue;
		}
		depth += text.ptr[at] == '(' ? 1 : 0;
		depth -= text.ptr[at] == ')' ? 1 : 0;
		at++;
		if (depth == 0) {
			break;
		}
	}
	return at;
}

/* What stands in the first parentheses at or behind `at`. */
static struct str enclosed(struct str text, size_t at, size_t *ret_end)
{
	while (at < text.len && text.ptr[at] != '(') {
		size_t behind = maria_script_skip(text, at);
		at = behind > at ? behind : at + 1;
	}
	*ret_end = closing(text, at);
	return *ret_end > at + 1 ? str_slice(text, at + 1, *ret_end - 1) : STR("");
}

static struct maria_part part_of(struct str text)
{
	struct maria_part part = {.kind = MARIA_COLUMN, .text = text};
	size_t end = 0;
	part.name = quoted_name(text, 0, &end);
	if (str_starts_with(text, STR("PRIMARY KEY"))) {
		part.kind = MARIA_KEY;
		part.name = STR("PRIMARY");
		part.columns = enclosed(text, 0, &end);
	} else if (str_starts_with(text, STR("CONSTRAINT"))) {
		struct str rest = str_trim(str_slice(text, end, text.len));
		part.kind = MARIA_CHECK;
		if (str_starts_with(rest, STR("FOREIGN KEY"))) {
			part.kind = MARIA_FOREIGN_KEY;
			part.columns = enclosed(text, end, &end);
			part.target = quoted_name(text, end, &end);
			part.target_columns = enclosed(text, end, &end);
		}
	} else if (!str_starts_with(text, STR("`"))) { /* KEY, UNIQUE KEY, FULLTEXT KEY … */
		part.kind = MARIA_KEY;
		part.columns = enclosed(text, end, &end);
	}
	return part;
}

static void add_part(struct arena *arena, struct maria_table *table, const struct maria_part *part)
{
	if ((table->count & (table->count - 1)) == 0) {
		size_t room = table->count == 0 ? 1 : 2 * table->count;
		struct maria_part *parts = ARENA_ARRAY(arena, room, struct maria_part);
		for (size_t i = 0; i < table->count; i++) {
			parts[i] = table->parts[i];
		}
		table->parts = parts;
	}
	table->parts[table->count++] = *part;
}

/* Parts stand between commas that are in no parentheses of their own. */
static void split_parts(struct str body, struct arena *arena, struct maria_table *table)
{
	size_t from = 0;
	for (size_t at = 0; at <= body.len;) {
		size_t behind = maria_script_skip(body, at);
		if (behind > at) {
			at = behind;
		} else if (at < body.len && body.ptr[at] == '(') {
			at = closing(body, at);
		} else if (at == body.len || body.ptr[at] == ',') {
			while (from < at && (body.ptr[from] == ' ' || body.ptr[from] == '\n')) {
				from++;
			}
			size_t end = at;
			while (end > from && (body.ptr[end - 1] == ' ' || body.ptr[end - 1] == '\n')) {
				end--;
			}
			struct maria_part part = part_of(str_slice(body, from, end));
			add_part(arena, table, &part);
			from = ++at;
		} else {
			at++;
		}
	}
}

/* Without the next number of a key: it is no part of what the table is. */
static struct str without_counter(struct str tail, struct arena *arena)
{
	struct str word = STR(" AUTO_INCREMENT=");
	for (size_t at = 0; at < tail.len; at++) {
		if (str_starts_with(str_slice(tail, at, tail.len), word)) {
			size_t end = at + word.len;
			while (end < tail.len && tail.ptr[end] >= '0' && tail.ptr[end] <= '9') {
				end++;
			}
			return arena_printf(arena, "%.*s%.*s", STR_ARG(str_slice(tail, 0, at)),
								STR_ARG(str_slice(tail, end, tail.len)));
		}
	}
	return tail;
}

bool maria_changes_parse(struct str text, struct arena *arena, struct maria_table *ret_table)
{
	struct maria_table table = {.parts = NULL};
	size_t end = 0;
	if (!str_starts_with(text, STR("CREATE "))) {
		return false;
	}
	table.name = quoted_name(text, 0, &end);
	struct str body = enclosed(text, end, &end);
	if (table.name.len == 0 || body.len == 0) {
		return false;
	}
	split_parts(body, arena, &table);
	table.tail = without_counter(str_slice(text, end, text.len), arena);
	*ret_table = table;
	return true;
}

/* ---- lists ---- */

static void add_table(struct arena *arena, struct maria_tables *list,
					  const struct maria_table *table)
{
	if ((list->count & (list->count - 1)) == 0) {
		size_t room = list->count == 0 ? 1 : 2 * list->count;
		struct maria_table *tables = ARENA_ARRAY(arena, room, struct maria_table);
		for (size_t i = 0; i < list->count; i++) {
			tables[i] = list->tables[i];
		}
		list->tables = tables;
	}
	list->tables[list->count++] = *table;
}

static void add_trigger(struct arena *arena, struct maria_tables *list,
						const struct maria_trigger *trigger)
{
	size_t count = list->trigger_count;
	if ((count & (count - 1)) == 0) {
		struct maria_trigger *triggers = ARENA_ARRAY(arena, count == 0 ? 1 : 2 * count,
													 struct maria_trigger);
		for (size_t i = 0; i < count; i++) {
			triggers[i] = list->triggers[i];
		}
		list->triggers = triggers;
	}
	list->triggers[list->trigger_count++] = *trigger;
}

const struct maria_table *maria_changes_table(const struct maria_tables *tables, struct str name)
{
	for (size_t i = 0; i < tables->count; i++) {
		if (str_equal(tables->tables[i].name, name)) {
			return &tables->tables[i];
		}
	}
	return NULL;
}

/* ---- the server ---- */

static bool show_table(MYSQL *db, struct str name, struct arena *arena,
					   struct maria_table *ret_table, struct error *error)
{
	struct buf text;
	buf_init(&text, NAME_BYTES);
	buf_printf(&text, "SHOW CREATE TABLE `%.*s`", STR_ARG(name));
	MYSQL_RES *rows = maria_schema_rows(db, buf_str(&text), error);
	buf_finish(&text);
	MYSQL_ROW row = rows != NULL ? mysql_fetch_row(rows) : NULL;
	bool ok = row != NULL &&
		maria_changes_parse(arena_copy(arena, (struct str){row[1], mysql_fetch_lengths(rows)[1]}),
							arena, ret_table);
	mysql_free_result(rows);
	return ok || rows == NULL ||
		error_set(error, ERROR_STORE, "the table \"%.*s\" cannot be read", STR_ARG(name));
}

/* ---- what is wanted ---- */

struct wanting {
	const struct resource *resource;
	MYSQL *db;
	struct arena *arena;
	struct maria_tables *list;
	struct error *error;
};

/* Made without its foreign keys, which a temporary table cannot have. */
static bool make_wanted(const struct wanting *wanting, const struct maria_table *plain,
						struct maria_table *ret_table)
{
	struct buf text;
	buf_init(&text, TEXT_BYTES);
	buf_append(&text, STR("CREATE TEMPORARY TABLE " WANTED " ("));
	size_t written = 0;
	for (size_t i = 0; i < plain->count; i++) {
		if (plain->parts[i].kind != MARIA_FOREIGN_KEY) {
			buf_append(&text, written++ > 0 ? STR(",") : STR(""));
			buf_append(&text, plain->parts[i].text);
		}
	}
	buf_append_byte(&text, ')');
	buf_append(&text, plain->tail);
	bool ok = maria_schema_run(wanting->db, buf_str(&text), wanting->error) &&
		show_table(wanting->db, STR(WANTED), wanting->arena, ret_table, wanting->error) &&
		maria_schema_run(wanting->db, STR("DROP TEMPORARY TABLE " WANTED), wanting->error);
	buf_finish(&text);
	return ok;
}

static bool add_wanted_table(const struct wanting *wanting, struct str text)
{
	struct maria_table plain;
	struct maria_table table;
	bool parsed = maria_changes_parse(arena_copy(wanting->arena, text), wanting->arena, &plain);
	assert(parsed);
	if (!make_wanted(wanting, &plain, &table)) {
		return false;
	}
	for (size_t i = 0; i < plain.count; i++) {
		if (plain.parts[i].kind == MARIA_FOREIGN_KEY) {
			add_part(wanting->arena, &table, &plain.parts[i]);
		}
	}
	table.name = plain.name;
	table.tally = wanting->resource->tally_of != NULL ? wanting->resource : NULL;
	add_table(wanting->arena, wanting->list, &table);
	return true;
}

/* `CREATE UNIQUE INDEX name ON table (columns)`: a part of its table. */
static void add_wanted_index(const struct wanting *wanting, struct str text)
{
	size_t end = 0;
	struct maria_table *table = &wanting->list->tables[wanting->list->count - 1];
	struct maria_part part = {.kind = MARIA_KEY};
	text = arena_copy(wanting->arena, text);
	part.name = quoted_name(text, 0, &end);
	(void)quoted_name(text, end, &end);
	part.columns = enclosed(text, end, &end);
	bool unique = str_starts_with(text, STR("CREATE UNIQUE"));
	part.text = arena_printf(wanting->arena, "%sKEY `%.*s` (%.*s)", unique ? "UNIQUE " : "",
							 STR_ARG(part.name), STR_ARG(part.columns));
	add_part(wanting->arena, table, &part);
}

static void add_wanted_trigger(const struct wanting *wanting, struct str text)
{
	size_t end = 0;
	struct maria_trigger trigger = {.text = arena_copy(wanting->arena, text)};
	trigger.name = quoted_name(trigger.text, 0, &end);
	trigger.table = quoted_name(trigger.text, end, &end);
	add_trigger(wanting->arena, wanting->list, &trigger);
}

static bool add_object(void *context, struct str name, struct str text, struct error *error)
{
	const struct wanting *wanting = context;
	(void)name;
	(void)error;
	if (str_starts_with(text, STR("CREATE TABLE"))) {
		return add_wanted_table(wanting, text);
	}
	if (str_starts_with(text, STR("CREATE TRIGGER"))) {
		add_wanted_trigger(wanting, text);
	} else {
		add_wanted_index(wanting, text);
	}
	return true;
}

bool maria_changes_wanted(MYSQL *db, const struct model *model, struct arena *arena,
						  struct maria_tables *ret_wanted, struct error *error)
{
	struct wanting wanting = {NULL, db, arena, ret_wanted, error};
	*ret_wanted = (struct maria_tables){.count = 0};
	for (size_t i = 0; i < model->resource_count; i++) {
		wanting.resource = &model->resources[i];
		if (!schema_each(&sql_dialect_maria, wanting.resource, "", true, add_object, &wanting,
						 error)) {
			return false;
		}
	}
	return true;
}

/* ---- what is there ---- */

struct reading {
	MYSQL *db;
	const struct model *models[2]; /* the second: the one that was kept, or NULL */
	const struct maria_tables *wanted;
	struct arena *arena;
	struct maria_tables *found;
	struct error *error;
};

/* The resource with the longest name that this one begins with, before a dot. */
static const struct resource *owner_of(const struct reading *reading, struct str name)
{
	const struct resource *best = NULL;
	for (size_t m = 0; m < 2; m++) {
		const struct model *model = reading->models[m];
		for (size_t i = 0; model != NULL && i < model->resource_count; i++) {
			const struct resource *owner = &model->resources[i];
			if (owner->name.len < name.len && str_starts_with(name, owner->name) &&
				name.ptr[owner->name.len] == '.' &&
				(best == NULL || owner->name.len > best->name.len)) {
				best = owner;
			}
		}
	}
	return best;
}

/* Whose table is it? The kept model knows best what it is. */
static const struct resource *resource_of(const struct reading *reading, struct str table)
{
	for (size_t m = 2; m-- > 0;) {
		const struct model *model = reading->models[m];
		const struct resource *resource = model != NULL ? model_resource(model, table) : NULL;
		if (resource != NULL && !resource_is_remote(resource)) {
			return resource;
		}
	}
	const struct resource *owner = owner_of(reading, table);
	bool head = owner != NULL && owner->tally_of != NULL && str_ends_with(table, STR(".head"));
	const struct maria_table *wanted = maria_changes_table(reading->wanted, table);
	return head ? owner : wanted != NULL ? wanted->tally : NULL;
}

static bool is_own_key(const struct reading *reading, struct str table,
					   const struct maria_part *part)
{
	const struct maria_table *wanted = maria_changes_table(reading->wanted, table);
	bool own = str_equal(part->name, STR("PRIMARY")) ||
		(part->name.len > table.len && str_starts_with(part->name, table) &&
		 part->name.ptr[table.len] == '.');
	for (size_t i = 0; wanted != NULL && i < wanted->count && !own; i++) {
		own = wanted->parts[i].kind == MARIA_KEY && str_equal(wanted->parts[i].name, part->name);
	}
	return own;
}

static bool add_found_table(const struct reading *reading, struct str name)
{
	struct maria_table table;
	const struct resource *resource = resource_of(reading, name);
	if (resource == NULL) {
		return true;
	}
	if (!show_table(reading->db, name, reading->arena, &table, reading->error)) {
		return false;
	}
	size_t count = 0;
	for (size_t i = 0; i < table.count; i++) {
		if (table.parts[i].kind != MARIA_KEY || is_own_key(reading, name, &table.parts[i])) {
			table.parts[count++] = table.parts[i];
		}
	}
	table.count = count;
	table.tally = resource->tally_of != NULL ? resource : NULL;
	add_table(reading->arena, reading->found, &table);
	return true;
}

static void add_found_trigger(const struct reading *reading, struct str name, struct str table,
							  struct str text)
{
	const struct resource *owner = owner_of(reading, name);
	bool own = owner != NULL && owner->tally_of != NULL;
	for (size_t i = 0; i < reading->wanted->trigger_count && !own; i++) {
		own = str_equal(reading->wanted->triggers[i].name, name);
	}
	if (own) {
		struct maria_trigger trigger = {name, table, text};
		add_trigger(reading->arena, reading->found, &trigger);
	}
}

static struct str text_of(const struct reading *reading, MYSQL_RES *rows, MYSQL_ROW row,
						  unsigned number)
{
	struct str text = {row[number] != NULL ? row[number] : "", mysql_fetch_lengths(rows)[number]};
	return arena_copy(reading->arena, text);
}

/* Names are put into the text as they are quoted in statements. */
static const char triggers_sql[] =
	"SELECT REPLACE(trigger_name,'`','``'),REPLACE(event_object_table,'`','``'),"
	"CONCAT('CREATE TRIGGER `',REPLACE(trigger_name,'`','``'),'` ',action_timing,' ',"
	"event_manipulation,' ON `',REPLACE(event_object_table,'`','``'),'` FOR EACH ROW\\n',"
	"TRIM(action_statement)) "
	"FROM information_schema.triggers WHERE trigger_schema=DATABASE() ORDER BY trigger_name";
static const char tables_sql[] =
	"SELECT REPLACE(table_name,'`','``') FROM information_schema.tables "
	"WHERE table_schema=DATABASE() AND table_type='BASE TABLE' ORDER BY table_name";

bool maria_changes_found(MYSQL *db, const struct model *model, const struct model *kept,
						 const struct maria_tables *wanted, struct arena *arena,
						 struct maria_tables *ret_found, struct error *error)
{
	struct reading reading = {db, {model, kept}, wanted, arena, ret_found, error};
	*ret_found = (struct maria_tables){.count = 0};
	MYSQL_RES *rows = maria_schema_rows(db, str_from(tables_sql), error);
	MYSQL_ROW row;
	bool ok = rows != NULL;
	while (ok && (row = mysql_fetch_row(rows)) != NULL) {
		ok = add_found_table(&reading, text_of(&reading, rows, row, 0));
	}
	mysql_free_result(rows);
	rows = ok ? maria_schema_rows(db, str_from(triggers_sql), error) : NULL;
	ok = rows != NULL;
	while (ok && (row = mysql_fetch_row(rows)) != NULL) {
		add_found_trigger(&reading, text_of(&reading, rows, row, 0),
						  text_of(&reading, rows, row, 1), text_of(&reading, rows, row, 2));
	}
	mysql_free_result(rows);
	return ok;
}
