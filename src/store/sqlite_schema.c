/*
 * DESIGN. Tables may have been made by somebody else, so they are compared by what a query needs of
 * them: columns that can hold their fields, the key, the unique rules, the foreign keys. More
 * columns, indexes and tables are nobody's concern. A tally is ours alone, as an index for
 * substrings and what is hidden are: its table and triggers are compared as text.
 */
#include <stdarg.h>

#include "model/kept_answers.h"
#include "store/catalog_compare.h"
#include "store/schema_text.h"
#include "store/sqlite_catalog.h"
#include "store/sqlite_priv.h"
#include "store/sqlite_text.h"

enum { STATEMENT_BYTES = 1 << 26, NAME_BYTES = 4096, SHOWN = 3 };

enum objects {
	OBJECTS_ALL,
	OBJECTS_KEPT_ANSWERS,
};

/* The resource whose objects come next; NULL when there are none of these at `number`. */
static const struct resource *object_owner(const struct model *model, enum objects objects,
										   size_t number)
{
	if (number == model->resource_count) {
		return model->kept_answers;
	}
	return objects == OBJECTS_ALL ? &model->resources[number] : NULL;
}

/* Calls `each` for every such object of the model, in an order in which they can be made: all
 * tables, then what stands on them. */
static bool each_object(const struct model *model, enum objects objects, void *context,
						schema_each_call *each, struct error *error)
{
	bool ok = true;
	for (int tables = 1; tables >= 0 && ok; tables--) {
		for (size_t r = 0; r <= model->resource_count && ok; r++) {
			const struct resource *owner = object_owner(model, objects, r);
			ok = owner == NULL ||
				schema_each(&sql_dialect_sqlite, owner, "CREATE TABLE", tables == 1, each, context,
							error);
		}
	}
	return ok;
}

static bool make_object(void *context, struct str name, struct str text, struct error *error)
{
	(void)name;
	struct sqlite_conn *conn = context;
	struct sqlite_statement *statement = sqlite_conn_prepare(conn, text, error);
	if (statement == NULL) {
		return false;
	}
	bool ok = sqlite3_step(statement->stmt) == SQLITE_DONE || sqlite_fail(conn, error);
	sqlite_conn_release(conn, statement);
	return ok;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Equal, but for how much white space there is where there is some. */
static bool same_text(struct str a, struct str b)
{
	size_t i = 0;
	size_t j = 0;
	while (i < a.len && j < b.len) {
		if (is_space(a.ptr[i]) != is_space(b.ptr[j])) {
			return false;
		}
		if (!is_space(a.ptr[i])) {
			if (a.ptr[i++] != b.ptr[j++]) {
				return false;
			}
			continue;
		}
		while (i < a.len && is_space(a.ptr[i])) {
			i++;
		}
		while (j < b.len && is_space(b.ptr[j])) {
			j++;
		}
	}
	return i == a.len && j == b.len;
}

struct comparison {
	sqlite3 *db;
	struct arena arena;
	struct catalog catalog;
	const struct model *kept; /* what the database says of its own; NULL: nothing */
	struct buf found;         /* the first differences */
	size_t count;
};

__attribute__((format(printf, 4, 5))) static void note(struct comparison *comparison,
													   const char *type, struct str name,
													   const char *format, ...)
{
	va_list arguments;
	if (comparison->count++ >= SHOWN) {
		return;
	}
	char what[NAME_BYTES];
	va_start(arguments, format);
	(void)vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	buf_append(&comparison->found, comparison->count > 1 ? STR("; ") : STR(""));
	buf_printf(&comparison->found, "%s %.*s%s", type, STR_ARG(name), what);
}

/* The text that made an object; "" when there is none. */
static struct str object_text(sqlite3 *db, struct str name, struct arena *arena)
{
	static const char query[] = "SELECT sql FROM sqlite_schema WHERE name=?1";
	sqlite3_stmt *stmt = NULL;
	struct str text = STR("");
	if (sqlite3_prepare_v2(db, query, -1, &stmt, NULL) == SQLITE_OK &&
		sqlite3_bind_text(stmt, 1, name.ptr, (int)name.len, SQLITE_STATIC) == SQLITE_OK &&
		sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_type(stmt, 0) == SQLITE_TEXT) {
		text = arena_copy(arena,
						  (struct str){(const char *)sqlite3_column_text(stmt, 0),
									   (size_t)sqlite3_column_bytes(stmt, 0)});
	}
	sqlite3_finalize(stmt);
	return text;
}

/* ---- tables that anybody may have made ---- */

/* `ON "table" ("a","b") WHERE …` of the partial unique indexes of a table, one of which is to be
 * that of the rule. */
static bool has_partial(struct comparison *comparison, const struct catalog_table *table,
						struct str text)
{
	static const char query[] = "SELECT s.sql FROM pragma_index_list(?1,'main') AS l,"
								"sqlite_schema AS s WHERE l.\"unique\" AND l.partial "
								"AND s.type='index' AND s.name=l.name";
	sqlite3_stmt *stmt = NULL;
	bool found = false;
	if (sqlite3_prepare_v2(comparison->db, query, -1, &stmt, NULL) == SQLITE_OK &&
		sqlite3_bind_text(stmt, 1, table->name.ptr, (int)table->name.len, SQLITE_STATIC) ==
			SQLITE_OK) {
		while (!found && sqlite3_step(stmt) == SQLITE_ROW) {
			struct str sql = {(const char *)sqlite3_column_text(stmt, 0),
							  (size_t)sqlite3_column_bytes(stmt, 0)};
			found = sqlite_text_same(sqlite_text_behind(sql, "ON"), text, true);
		}
	}
	sqlite3_finalize(stmt);
	return found;
}

static void compare_partial(struct comparison *comparison, const struct resource *resource,
							size_t number, const struct catalog_table *table)
{
	struct buf text;
	struct buf name;
	buf_init(&text, STATEMENT_BYTES);
	buf_init(&name, NAME_BYTES);
	(void)sql_schema(&sql_dialect_sqlite, resource, 1 + number, &text, &name);
	if (!has_partial(comparison, table, sqlite_text_behind(buf_str(&text), "ON"))) {
		note(comparison, "table", table->name, ": no unique index for the rule \"%.*s\"",
			 STR_ARG(resource->uniques[number].name));
	}
	buf_finish(&text);
	buf_finish(&name);
}

static void compare_check(struct comparison *comparison, const struct check_rule *rule,
						  const struct catalog_table *table)
{
	struct buf text;
	buf_init(&text, STATEMENT_BYTES);
	sql_condition(&sql_dialect_sqlite, rule->cond, &text);
	struct str sql = object_text(comparison->db, table->name, &comparison->arena);
	if (!sqlite_text_same(sqlite_text_check(sql, rule->name), buf_str(&text), false)) {
		note(comparison, "table", table->name, ": no check for the rule \"%.*s\"",
			 STR_ARG(rule->name));
	}
	buf_finish(&text);
}

/* Digits behind the point of what is stored as an integer; -1: it is none. */
static int scale_of(const struct resource *resource, struct str name)
{
	const struct field *field = resource == NULL ? NULL : resource_field(resource, name);
	return field == NULL              ? -1
		: field->type == TYPE_DECIMAL ? field->scale
		: field->type == TYPE_INTEGER ? 0
									  : -1;
}

/* Columns do not say where the point stands; what the database kept of the model does. */
static void compare_scales(struct comparison *comparison, const struct resource *resource)
{
	const struct resource *kept = comparison->kept == NULL
		? NULL
		: model_resource(comparison->kept, resource->name);
	for (size_t i = 0; i < resource->field_count; i++) {
		struct str name = resource->fields[i].name;
		int before = scale_of(kept, name);
		int after = scale_of(resource, name);
		if (before >= 0 && after >= 0 && before != after) {
			note(comparison, "table", resource->name,
				 ": column %.*s has %d digits behind the point, not %d", STR_ARG(name), before,
				 after);
		}
	}
}

static bool column_holds(const struct catalog_column *column, enum type type)
{
	return sqlite_catalog_holds(column->declared, type);
}

static void note_table(void *context, struct str table, struct str what)
{
	note(context, "table", table, "%.*s", STR_ARG(what));
}

static void compare_table(struct comparison *comparison, const struct resource *resource)
{
	const struct catalog_comparison common = {
		.catalog = &comparison->catalog,
		.arena = &comparison->arena,
		.holds = column_holds,
		.note = note_table,
		.context = comparison,
	};
	const struct catalog_table *table = catalog_compare(&common, resource);
	if (table == NULL) {
		return;
	}
	compare_scales(comparison, resource);
	/* The service file's word counts. */
	if (table->kind != CATALOG_TABLE) {
		return;
	}
	if (resource->search.count > 0 && table->without_rowid) {
		note(comparison, "table", table->name, " is WITHOUT ROWID, so it cannot be searched");
	}
	for (size_t i = 0; i < resource->unique_count; i++) {
		if (resource->uniques[i].cond != NULL) {
			compare_partial(comparison, resource, i, table);
		}
	}
	for (size_t i = 0; i < resource->check_count; i++) {
		compare_check(comparison, &resource->checks[i], table);
	}
}

/* ---- what only this program makes ---- */

enum found { FOUND_NOTHING, FOUND_SAME, FOUND_OTHER, FOUND_ERROR };

/* What the database has under that name. */
static enum found find_object(sqlite3 *db, struct str name, struct str text)
{
	static const char query[] = "SELECT sql FROM sqlite_schema WHERE name=?1";
	sqlite3_stmt *stmt = NULL;
	enum found found = FOUND_ERROR;
	if (sqlite3_prepare_v2(db, query, -1, &stmt, NULL) == SQLITE_OK &&
		sqlite3_bind_text(stmt, 1, name.ptr, (int)name.len, SQLITE_STATIC) == SQLITE_OK) {
		int rc = sqlite3_step(stmt);
		if (rc == SQLITE_ROW) {
			const char *ptr = (const char *)sqlite3_column_text(stmt, 0);
			size_t len = (size_t)sqlite3_column_bytes(stmt, 0);
			bool same = same_text((struct str){ptr == NULL ? "" : ptr, len}, text);
			found = same ? FOUND_SAME : FOUND_OTHER;
		} else if (rc == SQLITE_DONE) {
			found = FOUND_NOTHING;
		}
	}
	sqlite3_finalize(stmt);
	return found;
}

static bool compare_object(void *context, struct str name, struct str text, struct error *error)
{
	struct comparison *comparison = context;
	const char *type = str_starts_with(text, STR("CREATE TABLE")) ? "table"
		: str_starts_with(text, STR("CREATE TRIGGER"))            ? "trigger"
																  : "index";
	switch (find_object(comparison->db, name, text)) {
	case FOUND_NOTHING:
		note(comparison, type, name, " is missing");
		return true;
	case FOUND_OTHER:
		note(comparison, type, name, " is another");
		return true;
	case FOUND_SAME:
		return true;
	case FOUND_ERROR:
		break;
	}
	return error_set(error, ERROR_STORE, "the database cannot be read: %s",
					 sqlite3_errmsg(comparison->db));
}

static bool compare_search(void *context, struct str name, struct str text, struct error *error)
{
	bool search = str_starts_with(text, STR("CREATE VIRTUAL TABLE"));
	return !search || compare_object(context, name, text, error);
}

static bool each_part(struct comparison *comparison, const struct resource *resource, bool tables,
					  schema_each_call *each, struct error *error)
{
	return schema_each(&sql_dialect_sqlite, resource, "CREATE TABLE", tables, each, comparison,
					   error);
}

/* Nobody else makes such a table. */
static bool is_own(const struct resource *resource)
{
	return resource->tally_of != NULL || resource->hidden;
}

/* Tallies, what is hidden, and indexes for substrings. */
static bool compare_own(struct comparison *comparison, const struct resource *resource,
						struct error *error)
{
	if (!is_own(resource)) {
		return each_part(comparison, resource, false, compare_search, error);
	}
	return each_part(comparison, resource, true, compare_object, error) &&
		each_part(comparison, resource, false, compare_object, error);
}

static bool compare(struct comparison *comparison, const struct model *model, struct error *error)
{
	if (!sqlite_catalog_read(comparison->db, &comparison->arena, &comparison->catalog, error)) {
		return false;
	}
	for (size_t i = 0; i < model->resource_count; i++) {
		const struct resource *resource = &model->resources[i];
		if (!is_own(resource) && !resource_is_remote(resource)) {
			compare_table(comparison, resource);
		}
	}
	for (size_t i = 0; i < model->resource_count; i++) {
		if (!compare_own(comparison, &model->resources[i], error)) {
			return false;
		}
	}
	if (comparison->count == 0) {
		return true;
	}
	error_set(error, ERROR_CONFIG, "the database's tables are not those of %.*s",
			  STR_ARG(model->file));
	error_details(error, "%.*s%s", STR_ARG(buf_str(&comparison->found)),
				  comparison->count > SHOWN ? "; and more" : "");
	return error_hint(error, "`rowlock migrate %.*s plan` says how to make them so",
					  STR_ARG(model->file));
}

bool sqlite_schema_compare(struct sqlite_conn *conn, const struct model *model, bool described,
						   struct error *error)
{
	struct model *kept = described ? NULL : sqlite_model_load(conn->db);
	struct comparison comparison = {.db = conn->db, .kept = kept};
	buf_init(&comparison.found, STATEMENT_BYTES);
	arena_init(&comparison.arena, 65536);
	bool ok = compare(&comparison, model, error);
	model_destroy(kept);
	arena_finish(&comparison.arena);
	buf_finish(&comparison.found);
	return ok;
}

bool sqlite_schema_fits(sqlite3 *db, const struct catalog *catalog, const struct resource *resource)
{
	struct comparison comparison = {.db = db, .catalog = *catalog};
	struct error error;
	buf_init(&comparison.found, STATEMENT_BYTES);
	arena_init(&comparison.arena, 4096);
	if (!is_own(resource)) {
		compare_table(&comparison, resource);
	}
	bool read = compare_own(&comparison, resource, &error);
	arena_finish(&comparison.arena);
	buf_finish(&comparison.found);
	return read && comparison.count == 0;
}

static bool is_empty(struct sqlite_conn *conn, bool *ret_empty, struct error *error)
{
	struct sqlite_statement *statement = sqlite_conn_prepare(
		conn,
		STR("SELECT 1 FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' LIMIT 1"),
		error);
	if (statement == NULL) {
		return false;
	}
	int rc = sqlite3_step(statement->stmt);
	bool ok = rc == SQLITE_ROW || rc == SQLITE_DONE || sqlite_fail(conn, error);
	*ret_empty = rc == SQLITE_DONE;
	sqlite_conn_release(conn, statement);
	return ok;
}

/* ---- the table of kept answers ---- */

static enum found find_kept_answers(sqlite3 *db, const struct resource *kept_answers)
{
	struct buf text;
	struct buf name;
	buf_init(&text, STATEMENT_BYTES);
	buf_init(&name, NAME_BYTES);
	(void)sql_schema(&sql_dialect_sqlite, kept_answers, 0, &text, &name);
	enum found found = find_object(db, buf_str(&name), buf_str(&text));
	buf_finish(&text);
	buf_finish(&name);
	return found;
}

bool sqlite_schema_keeps_answers(sqlite3 *db)
{
	struct arena arena;
	arena_init(&arena, 4096);
	bool keeps = find_kept_answers(db, kept_answers_create(&arena, 0)) == FOUND_SAME;
	arena_finish(&arena);
	return keeps;
}

static bool is_read_only(const struct model *model)
{
	for (size_t i = 0; i < model->resource_count; i++) {
		if (!model->resources[i].read_only) {
			return false;
		}
	}
	return true;
}

static bool make_objects(struct sqlite_conn *conn, const struct model *model, enum objects objects,
						 struct error *error)
{
	if (sqlite_conn_run(conn, STR("BEGIN IMMEDIATE")) != SQLITE_OK) {
		return sqlite_fail(conn, error);
	}
	if (!each_object(model, objects, conn, make_object, error) ||
		(objects == OBJECTS_ALL && !sqlite_model_make(conn, model, error))) {
		sqlite_conn_run(conn, STR("ROLLBACK"));
		return false;
	}
	return sqlite_conn_run(conn, STR("COMMIT")) == SQLITE_OK || sqlite_fail(conn, error);
}

/* Databases of earlier versions, and other programs', have all but this one. */
static bool add_kept_answers(struct sqlite_conn *conn, const struct model *model,
							 struct error *error)
{
	if (model->kept_answers == NULL) {
		return true;
	}
	switch (find_kept_answers(conn->db, model->kept_answers)) {
	case FOUND_SAME:
		return true;
	case FOUND_NOTHING:
		return make_objects(conn, model, OBJECTS_KEPT_ANSWERS, error);
	case FOUND_OTHER:
		error_set(error, ERROR_CONFIG, "the table %.*s of the database is another program's",
				  STR_ARG(model->kept_answers->name));
		return error_hint(error, "rename it: rowlock keeps answers of repeated requests there");
	case FOUND_ERROR:
		break;
	}
	return sqlite_fail(conn, error);
}

bool sqlite_schema_make(struct sqlite_conn *conn, const struct model *model, struct error *error)
{
	bool empty = false;
	if (!is_empty(conn, &empty, error)) {
		return false;
	}
	if (empty) {
		return make_objects(conn, model, OBJECTS_ALL, error);
	}
	/* What is only read here may be written by others: then its tables are not ours to describe. */
	return sqlite_schema_compare(conn, model, false, error) &&
		(is_read_only(model) ||
		 (add_kept_answers(conn, model, error) && sqlite_model_update(conn, model, error)));
}
