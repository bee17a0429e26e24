#include "store/maria_existing.h"

#include <signal.h>

#include "model/kept_answers.h"
#include "store/describe.h"
#include "store/maria_catalog.h"
#include "store/maria_priv.h"

enum { ARENA_BYTES = 65536, NAME_BYTES = 1024 };

/* ---- comparing ---- */

struct comparison {
	const struct resource *resource;
	const struct catalog *catalog;
	const struct catalog_table *table;
	struct maria_differences *differences;
	struct arena arena;
};

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

/* The table's columns of those names; false when there is one that it has not. */
static bool find_columns(struct comparison *comparison, const struct catalog_table *table,
						 const struct field_list *fields, struct catalog_columns *ret_columns)
{
	struct catalog_columns columns = {.count = 0};
	for (size_t i = 0; i < fields->count; i++) {
		const struct catalog_column *column = catalog_find_column(table, fields->items[i]->name);
		if (column == NULL) {
			return false; /* said already */
		}
		catalog_add_column(&comparison->arena, &columns, column);
	}
	*ret_columns = columns;
	return true;
}

static void compare_fields(struct comparison *comparison)
{
	const struct resource *resource = comparison->resource;
	for (size_t i = 0; i < resource->field_count; i++) {
		const struct field *field = &resource->fields[i];
		if (field_is_computed(field)) {
			continue;
		}
		const struct catalog_column *column = catalog_find_column(comparison->table, field->name);
		if (column == NULL) {
			maria_differences_note(comparison->differences, "table %.*s has no column %.*s",
								   STR_ARG(resource->name), STR_ARG(field->name));
		} else if (!maria_catalog_holds(column, field->type)) {
			maria_differences_note(comparison->differences,
								   "column %.*s of table %.*s is %.*s, which holds no %s",
								   STR_ARG(field->name), STR_ARG(resource->name),
								   STR_ARG(column->declared), value_type_name(field->type));
		}
	}
}

static void compare_key(struct comparison *comparison)
{
	const struct resource *resource = comparison->resource;
	struct catalog_columns key;
	if (resource->key.count > 0 &&
		find_columns(comparison, comparison->table, &resource->key, &key) &&
		!catalog_columns_match(&key, &comparison->table->key)) {
		maria_differences_note(comparison->differences, "table %.*s has no primary key over (%.*s)",
							   STR_ARG(resource->name),
							   STR_ARG(list_of(comparison, &resource->key)));
	}
}

static void compare_unique(struct comparison *comparison, const struct field_list *fields)
{
	const struct catalog_table *table = comparison->table;
	struct catalog_columns columns;
	if (!find_columns(comparison, table, fields, &columns)) {
		return;
	}
	bool found = catalog_columns_match(&table->key, &columns);
	for (size_t i = 0; i < table->unique_count && !found; i++) {
		found = catalog_columns_match(&table->uniques[i].columns, &columns);
	}
	if (!found) {
		maria_differences_note(comparison->differences,
							   "table %.*s has no unique index over (%.*s)", STR_ARG(table->name),
							   STR_ARG(list_of(comparison, fields)));
	}
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

static void compare_reference(struct comparison *comparison, const struct reference *wanted)
{
	const struct catalog_table *table = comparison->table;
	const struct catalog_table *parent = catalog_find_table(comparison->catalog,
															wanted->target->name);
	struct catalog_columns columns;
	struct catalog_columns targets;
	if (parent == NULL || !find_columns(comparison, table, &wanted->fields, &columns) ||
		!find_columns(comparison, parent, &wanted->target_fields, &targets)) {
		return;
	}
	for (size_t i = 0; i < table->reference_count; i++) {
		const struct catalog_reference *reference = &table->references[i];
		bool found = reference->target == parent && reference->columns.count == columns.count;
		for (size_t k = 0; k < columns.count && found; k++) {
			found = has_pair(reference, columns.items[k], targets.items[k]);
		}
		if (found) {
			return;
		}
	}
	maria_differences_note(comparison->differences,
						   "table %.*s has no foreign key over (%.*s) to %.*s (%.*s)",
						   STR_ARG(table->name), STR_ARG(list_of(comparison, &wanted->fields)),
						   STR_ARG(parent->name),
						   STR_ARG(list_of(comparison, &wanted->target_fields)));
}

/* Columns that a new row has to give, and no field does. */
static void compare_needed(struct comparison *comparison)
{
	const struct resource *resource = comparison->resource;
	for (size_t i = 0; i < comparison->table->column_count; i++) {
		const struct catalog_column *column = &comparison->table->columns[i];
		const struct field *field = resource_field(resource, column->name);
		bool given = field != NULL &&
			(field->key || field->required || field->default_kind == DEFAULT_VALUE ||
			 field->default_kind == DEFAULT_AUTO);
		if (!given && column->not_null && !column->has_default && !column->generated) {
			maria_differences_note(comparison->differences,
								   "column %.*s of table %.*s must have a value, and %s",
								   STR_ARG(column->name), STR_ARG(resource->name),
								   field == NULL ? "is no field" : "its field is not required");
		}
	}
}

static void compare_table(struct comparison *comparison)
{
	const struct resource *resource = comparison->resource;
	compare_fields(comparison);
	/* Views have no keys, rules and references: the service file's word counts. */
	if (comparison->table->kind != CATALOG_TABLE) {
		return;
	}
	compare_key(comparison);
	for (size_t i = 0; i < resource->unique_count; i++) {
		if (resource->uniques[i].where.str.len == 0) {
			compare_unique(comparison, &resource->uniques[i].fields);
		}
	}
	for (size_t i = 0; i < resource->reference_count; i++) {
		compare_reference(comparison, &resource->references[i]);
	}
	if (!resource->read_only) {
		compare_needed(comparison);
	}
}

void maria_existing_compare(const struct catalog *catalog, const struct resource *resource,
							struct maria_differences *differences)
{
	struct comparison comparison = {
		.resource = resource,
		.catalog = catalog,
		.table = catalog_find_table(catalog, resource->name),
		.differences = differences,
	};
	if (comparison.table == NULL || !str_equal(comparison.table->name, resource->name)) {
		maria_differences_note(differences, "there is no table %.*s", STR_ARG(resource->name));
		return;
	}
	if (comparison.table->problem.len > 0) {
		maria_differences_note(differences, "table %.*s: %.*s", STR_ARG(resource->name),
							   STR_ARG(comparison.table->problem));
		return;
	}
	arena_init(&comparison.arena, NAME_BYTES);
	compare_table(&comparison);
	arena_finish(&comparison.arena);
}

/* ---- describing ---- */

struct database {
	struct maria_schema *schema;
	struct catalog catalog;
};

static void hide(struct catalog *catalog, struct str table, struct str column)
{
	for (size_t i = 0; i < catalog->count; i++) {
		struct catalog_table *found = &catalog->tables[i];
		if (!str_equal(found->name, table)) {
			continue;
		}
		found->hidden = found->hidden || column.len == 0;
		for (size_t k = 0; k < found->column_count; k++) {
			struct catalog_column *at = &found->columns[k];
			at->hidden = at->hidden || str_equal(at->name, column);
		}
	}
}

/* What sql_schema() makes beside the fields: the columns of rules over some rows, the tables of
 * tallies' headers. */
static void hide_made(struct catalog *catalog, const struct resource *resource)
{
	struct buf name;
	buf_init(&name, NAME_BYTES);
	if (resource->tally_of != NULL) {
		buf_printf(&name, "%.*s.head", STR_ARG(resource->name));
		sql_shorten_name(&sql_dialect_maria, &name);
		hide(catalog, buf_str(&name), STR(""));
	}
	for (size_t i = 0; i < resource->unique_count; i++) {
		const struct unique_rule *rule = &resource->uniques[i];
		for (size_t k = 0; rule->cond != NULL && k < rule->fields.count; k++) {
			buf_clear(&name);
			buf_printf(&name, "%.*s.%zu", STR_ARG(rule->name), k);
			sql_shorten_name(&sql_dialect_maria, &name);
			hide(catalog, resource->name, buf_str(&name));
		}
	}
	buf_finish(&name);
}

static bool fits(void *context, const struct resource *resource)
{
	struct database *database = context;
	hide_made(&database->catalog, resource);
	return maria_schema_fits(database->schema, resource);
}

static bool keeps_answers(struct maria_schema *schema, struct arena *arena)
{
	return maria_schema_fits(schema, kept_answers_create(arena, 0));
}

static bool describe(MYSQL *db, struct arena *arena, const struct describe_options *options,
					 struct buf *yaml, struct error *error)
{
	struct database database = {.schema = maria_schema_open(db, error)};
	struct describe_model own;
	bool ok = database.schema != NULL && maria_catalog_read(db, arena, &database.catalog, error);
	if (ok) {
		describe_model_init(&own, maria_schema_kept_model(db, arena), fits, &database);
		ok = describe_write(&database.catalog, &own, options, yaml, error);
		describe_model_finish(&own);
	}
	if (ok && options->keeps_answers != NULL) {
		*options->keeps_answers = keeps_answers(database.schema, arena);
	}
	maria_schema_close(database.schema);
	return ok;
}

bool maria_existing_describe(struct str location, const struct describe_options *options,
							 struct buf *yaml, struct error *error)
{
	/* What maria_connect() asks for. */
	struct maria_store store = {.read_only = true};
	signal(SIGPIPE, SIG_IGN);
	mysql_server_init(0, NULL, NULL);
	limits_init(&store.limits);
	arena_init(&store.arena, ARENA_BYTES);
	MYSQL *db = maria_url_parse(location, &store.arena, &store.url, error)
		? maria_connect(&store, NULL, error)
		: NULL;
	if (db == NULL && error->code == ERROR_STORE_DOWN) {
		error_hint(error,
				   "is the server running there? the URL is "
				   "mysql://USER:PASSWORD@HOST:PORT/DATABASE");
	}
	bool ok = db != NULL && describe(db, &store.arena, options, yaml, error);
	if (db != NULL) {
		mysql_close(db);
	}
	arena_finish(&store.arena);
	return ok;
}
