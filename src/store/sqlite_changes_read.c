#include "store/schema_text.h"
#include "store/sqlite_changes.h"
#include "store/sqlite_priv.h"

enum { TEXT_BYTES = 1 << 26, NAME_BYTES = 4096 };

static void add(struct arena *arena, struct schema *schema, const struct schema_object *object)
{
	if ((schema->count & (schema->count - 1)) == 0) {
		size_t room = schema->count == 0 ? 1 : 2 * schema->count;
		struct schema_object *objects = ARENA_ARRAY(arena, room, struct schema_object);
		for (size_t i = 0; i < schema->count; i++) {
			objects[i] = schema->objects[i];
		}
		schema->objects = objects;
	}
	schema->objects[schema->count++] = *object;
}

static enum schema_kind kind_of(struct str text)
{
	return str_starts_with(text, STR("CREATE TABLE"))        ? SCHEMA_TABLE
		: str_starts_with(text, STR("CREATE VIRTUAL TABLE")) ? SCHEMA_SEARCH
		: str_starts_with(text, STR("CREATE TRIGGER"))       ? SCHEMA_TRIGGER
															 : SCHEMA_INDEX;
}

struct wanting {
	const struct resource *resource;
	struct arena *arena;
	struct schema *schema;
};

static bool add_wanted(void *context, struct str name, struct str text, struct error *error)
{
	const struct wanting *wanting = context;
	struct schema_object object = {
		.kind = kind_of(text),
		.name = arena_copy(wanting->arena, name),
		.table = wanting->resource->name,
		.text = arena_copy(wanting->arena, text),
		.resource = wanting->resource,
	};
	(void)error;
	if (object.kind == SCHEMA_TRIGGER) {
		object.table = wanting->resource->tally_of->name;
	}
	add(wanting->arena, wanting->schema, &object);
	return true;
}

static bool add_resource(const struct resource *resource, struct arena *arena,
						 struct schema *schema, struct error *error)
{
	struct wanting wanting = {resource, arena, schema};
	return schema_each(&sql_dialect_sqlite, resource, "", true, add_wanted, &wanting, error);
}

bool sqlite_changes_wanted(const struct model *model, struct arena *arena,
						   struct schema *ret_wanted, struct error *error)
{
	*ret_wanted = (struct schema){.objects = NULL};
	for (size_t i = 0; i < model->resource_count; i++) {
		if (!add_resource(&model->resources[i], arena, ret_wanted, error)) {
			return false;
		}
	}
	return true;
}

/* ---- what is there ---- */

struct reading {
	const struct model *model;
	const struct model *kept; /* NULL: none */
	struct arena *arena;
	struct schema *wanted;
	struct schema *found;
};

static bool has_resource(const struct model *model, struct str table)
{
	const struct resource *resource = model == NULL ? NULL : model_resource(model, table);
	return resource != NULL && !resource_is_remote(resource);
}

static bool is_owned(const struct reading *reading, struct str table)
{
	return has_resource(reading->model, table) || has_resource(reading->kept, table);
}

/* The longest name of a resource with a dot behind it that the name begins with; "" for none. */
static struct str owner_of(const struct model *model, struct str name, struct str best)
{
	for (size_t i = 0; model != NULL && i < model->resource_count; i++) {
		struct str owner = model->resources[i].name;
		if (owner.len > best.len && owner.len < name.len && str_starts_with(name, owner) &&
			name.ptr[owner.len] == '.') {
			best = owner;
		}
	}
	return best;
}

static struct str text_of(const struct reading *reading, sqlite3_stmt *stmt, int number)
{
	const char *ptr = (const char *)sqlite3_column_text(stmt, number);
	size_t len = (size_t)sqlite3_column_bytes(stmt, number);
	return ptr == NULL ? STR("") : arena_copy(reading->arena, (struct str){ptr, len});
}

static bool has_table(const struct schema *schema, struct str name)
{
	for (size_t i = 0; i < schema->count; i++) {
		if (schema->objects[i].kind == SCHEMA_TABLE && str_equal(schema->objects[i].name, name)) {
			return true;
		}
	}
	return false;
}

/* A row of: type of the object, name, table, text, kind of table. */
static void read_row(const struct reading *reading, sqlite3_stmt *stmt)
{
	struct str type = text_of(reading, stmt, 0);
	struct str kind = text_of(reading, stmt, 4);
	struct schema_object object = {
		.kind = str_equal(type, STR("table")) ? SCHEMA_TABLE
			: str_equal(type, STR("index"))   ? SCHEMA_INDEX
											  : SCHEMA_TRIGGER,
		.name = text_of(reading, stmt, 1),
		.table = text_of(reading, stmt, 2),
		.text = text_of(reading, stmt, 3),
	};
	struct str owner = owner_of(reading->model, object.name, STR(""));
	owner = owner_of(reading->kept, object.name, owner);
	if (str_equal(kind, STR("virtual"))) {
		object.kind = SCHEMA_SEARCH;
		object.table = owner;
	}
	if (!is_owned(reading, object.table) || str_equal(kind, STR("shadow"))) {
		return;
	}
	if (reading->kept != NULL) {
		object.resource = model_resource(reading->kept, object.table);
	}
	add(reading->arena, reading->found, &object);
	bool own = object.kind == SCHEMA_TABLE || owner.len > 0;
	if (!own && has_table(reading->wanted, object.table)) {
		add(reading->arena, reading->wanted, &object);
	}
}

bool sqlite_changes_found(sqlite3 *db, const struct model *model, const struct model *kept,
						  struct arena *arena, struct schema *wanted, struct schema *ret_found,
						  struct error *error)
{
	static const char query[] =
		"SELECT s.type,s.name,s.tbl_name,s.sql,t.type FROM sqlite_schema AS s "
		"LEFT JOIN pragma_table_list AS t ON t.schema='main' AND t.name=s.name "
		"WHERE s.type<>'view' AND s.sql IS NOT NULL AND s.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
		"ORDER BY s.rowid";
	struct reading reading = {model, kept, arena, wanted, ret_found};
	sqlite3_stmt *stmt = NULL;
	*ret_found = (struct schema){.objects = NULL};
	int rc = sqlite3_prepare_v2(db, query, -1, &stmt, NULL);
	while (rc == SQLITE_OK || rc == SQLITE_ROW) {
		rc = sqlite3_step(stmt);
		if (rc == SQLITE_ROW) {
			read_row(&reading, stmt);
		}
	}
	bool ok = rc == SQLITE_DONE ||
		error_set(error, ERROR_STORE, "the database cannot be read: %s", sqlite3_errmsg(db));
	sqlite3_finalize(stmt);
	return ok;
}
