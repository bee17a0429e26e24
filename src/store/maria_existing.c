#include "store/maria_existing.h"

#include <signal.h>

#include "model/kept_answers.h"
#include "store/catalog_compare.h"
#include "store/describe.h"
#include "store/maria_catalog.h"
#include "store/maria_priv.h"

enum { ARENA_BYTES = 65536, NAME_BYTES = 1024 };

/* ---- comparing ---- */

static void note(void *context, struct str table, struct str what)
{
	maria_differences_note(context, "table %.*s%.*s", STR_ARG(table), STR_ARG(what));
}

void maria_existing_compare(const struct catalog *catalog, const struct resource *resource,
							struct maria_differences *differences)
{
	struct arena arena;
	arena_init(&arena, NAME_BYTES);
	const struct catalog_comparison comparison = {
		.catalog = catalog,
		.arena = &arena,
		.holds = maria_catalog_holds,
		.note = note,
		.context = differences,
	};
	(void)catalog_compare(&comparison, resource);
	arena_finish(&arena);
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
