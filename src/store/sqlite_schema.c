/*
 * DESIGN. Tables may have been made by somebody else, so they are compared by what a query needs of
 * them: columns that can hold their fields, the key, the unique rules, the foreign keys. More
 * columns, indexes and tables are nobody's concern. A tally is ours alone, as an index for
 * substrings is: its table and triggers are compared as text.
 */
#include <stdarg.h>

#include "model/kept_answers.h"
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

static const char *column_problem(const struct field *field, const struct catalog_table *table,
								  const struct catalog_column *column)
{
	if (column == NULL || !str_equal(column->name, field->name)) {
		return "is missing";
	}
	if (field->default_kind == DEFAULT_AUTO && field->key && field->type == TYPE_INTEGER &&
		table->kind == CATALOG_TABLE && column != table->rowid) {
		return "is not made by the database";
	}
	if (field->default_kind == DEFAULT_DATABASE && !column->has_default) {
		return "has no default";
	}
	return NULL;
}

static void compare_fields(struct comparison *comparison, const struct resource *resource,
						   const struct catalog_table *table)
{
	for (size_t i = 0; i < resource->field_count; i++) {
		const struct field *field = &resource->fields[i];
		const struct catalog_column *column = sqlite_catalog_column(table, field->name);
		if (field_is_computed(field)) {
			continue;
		}
		const char *problem = column_problem(field, table, column);
		if (problem != NULL) {
			note(comparison, "table", table->name, ": column %.*s %s", STR_ARG(field->name),
				 problem);
		} else if (!sqlite_catalog_holds(column->declared, field->type)) {
			note(comparison, "table", table->name, ": column %.*s is %.*s, not %s",
				 STR_ARG(field->name), STR_ARG(column->declared), value_type_name(field->type));
		}
	}
}

/* Columns that an insert must give have a field that gives them. */
static void compare_needed(struct comparison *comparison, const struct resource *resource,
						   const struct catalog_table *table)
{
	for (size_t i = 0; i < table->column_count; i++) {
		const struct catalog_column *column = &table->columns[i];
		const struct field *field = resource_field(resource, column->name);
		bool given = field != NULL &&
			(field->key || field->required || field->default_kind == DEFAULT_VALUE ||
			 field->default_kind == DEFAULT_AUTO);
		if (!given && column->not_null && !column->has_default && !column->generated &&
			column != table->rowid) {
			note(comparison, "table", table->name, ": column %.*s must have a value, and %s",
				 STR_ARG(column->name),
				 field == NULL ? "is no field" : "its field is not required");
		}
	}
}

/* The table's columns of those names; false when there is one that it has not. */
static bool find_columns(struct comparison *comparison, const struct catalog_table *table,
						 const struct field_list *fields, struct catalog_columns *ret_columns)
{
	struct catalog_columns columns = {
		ARENA_ARRAY(&comparison->arena, fields->count, const struct catalog_column *),
		fields->count,
	};
	for (size_t i = 0; i < fields->count; i++) {
		columns.items[i] = sqlite_catalog_column(table, fields->items[i]->name);
		if (columns.items[i] == NULL) {
			return false; /* said already */
		}
	}
	*ret_columns = columns;
	return true;
}

/* `a, b` */
static struct str list_of(struct comparison *comparison, const struct field_list *fields)
{
	struct str list = STR("");
	for (size_t i = 0; i < fields->count; i++) {
		list = arena_printf(&comparison->arena, "%.*s%s%.*s", STR_ARG(list), i > 0 ? ", " : "",
							STR_ARG(fields->items[i]->name));
	}
	return list;
}

static void compare_key(struct comparison *comparison, const struct resource *resource,
						const struct catalog_table *table)
{
	struct catalog_columns key;
	if (resource->key.count == 0 || !find_columns(comparison, table, &resource->key, &key)) {
		return;
	}
	bool same = key.count == table->key.count;
	for (size_t i = 0; i < key.count && same; i++) {
		same = key.items[i] == table->key.items[i];
	}
	if (!same) {
		note(comparison, "table", table->name, ": the primary key is not (%.*s)",
			 STR_ARG(list_of(comparison, &resource->key)));
	}
}

static void compare_unique(struct comparison *comparison, const struct field_list *fields,
						   const struct catalog_table *table)
{
	struct catalog_columns columns;
	if (!find_columns(comparison, table, fields, &columns)) {
		return;
	}
	bool found = catalog_columns_match(&table->key, &columns);
	for (size_t i = 0; i < table->unique_count && !found; i++) {
		found = catalog_columns_match(&table->uniques[i].columns, &columns);
	}
	if (!found) {
		note(comparison, "table", table->name, ": no unique index over (%.*s)",
			 STR_ARG(list_of(comparison, fields)));
	}
}

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

static bool has_pair(const struct catalog_reference *reference, const struct catalog_column *column,
					 const struct catalog_column *target)
{
	for (size_t i = 0; i < reference->columns.count; i++) {
		if (reference->columns.items[i] == column && reference->target_columns.items[i] == target) {
			return true;
		}
	}
	return false;
}

static void compare_reference(struct comparison *comparison, const struct field_list *fields,
							  const struct resource *target, const struct field_list *target_fields,
							  const struct catalog_table *table)
{
	const struct catalog_table *parent = sqlite_catalog_table(&comparison->catalog, target->name);
	struct catalog_columns columns;
	struct catalog_columns target_columns;
	if (parent == NULL || !find_columns(comparison, table, fields, &columns) ||
		!find_columns(comparison, parent, target_fields, &target_columns)) {
		return;
	}
	for (size_t i = 0; i < table->reference_count; i++) {
		const struct catalog_reference *reference = &table->references[i];
		bool found = reference->target == parent && reference->columns.count == columns.count;
		for (size_t k = 0; k < columns.count && found; k++) {
			found = has_pair(reference, columns.items[k], target_columns.items[k]);
		}
		if (found) {
			return;
		}
	}
	note(comparison, "table", table->name, ": no foreign key from (%.*s) to %.*s (%.*s)",
		 STR_ARG(list_of(comparison, fields)), STR_ARG(target->name),
		 STR_ARG(list_of(comparison, target_fields)));
}

/* A field's reference may stand among the resource's too. */
static bool is_among_references(const struct resource *resource, const struct field *field)
{
	for (size_t i = 0; i < resource->reference_count; i++) {
		const struct reference *reference = &resource->references[i];
		if (reference->fields.count == 1 && reference->fields.items[0] == field &&
			reference->target == field->references) {
			return true;
		}
	}
	return false;
}

static void compare_references(struct comparison *comparison, const struct resource *resource,
							   const struct catalog_table *table)
{
	for (size_t i = 0; i < resource->reference_count; i++) {
		const struct reference *reference = &resource->references[i];
		compare_reference(comparison, &reference->fields, reference->target,
						  &reference->target_fields, table);
	}
	for (size_t i = 0; i < resource->field_count; i++) {
		const struct field *field = &resource->fields[i];
		if (field->references != NULL && !is_among_references(resource, field)) {
			const struct field_list fields = {&field, 1};
			compare_reference(comparison, &fields, field->references, &field->references->key,
							  table);
		}
	}
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

static void compare_table(struct comparison *comparison, const struct resource *resource)
{
	const struct catalog_table *table = sqlite_catalog_table(&comparison->catalog, resource->name);
	if (table == NULL || !str_equal(table->name, resource->name)) {
		note(comparison, "table", resource->name, " is missing");
		return;
	}
	if (table->problem.len > 0) {
		note(comparison, "table", resource->name, ": %.*s", STR_ARG(table->problem));
		return;
	}
	compare_fields(comparison, resource, table);
	compare_scales(comparison, resource);
	/* Views and virtual tables have no keys, rules and references: the service file's word
	 * counts. */
	if (table->kind != CATALOG_TABLE) {
		return;
	}
	compare_key(comparison, resource, table);
	if (resource->search.count > 0 && table->without_rowid) {
		note(comparison, "table", resource->name, " is WITHOUT ROWID, so it cannot be searched");
	}
	for (size_t i = 0; i < resource->unique_count; i++) {
		if (resource->uniques[i].cond != NULL) {
			compare_partial(comparison, resource, i, table);
		} else {
			compare_unique(comparison, &resource->uniques[i].fields, table);
		}
	}
	for (size_t i = 0; i < resource->check_count; i++) {
		compare_check(comparison, &resource->checks[i], table);
	}
	compare_references(comparison, resource, table);
	if (!resource->read_only) {
		compare_needed(comparison, resource, table);
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

/* Tallies and indexes for substrings. */
static bool compare_own(struct comparison *comparison, const struct resource *resource,
						struct error *error)
{
	if (resource->tally_of == NULL) {
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
		if (model->resources[i].tally_of == NULL) {
			compare_table(comparison, &model->resources[i]);
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
	if (resource->tally_of == NULL) {
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
