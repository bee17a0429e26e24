#include "store/sqlite_describe.h"

#include "store/describe.h"
#include "store/sqlite_catalog.h"
#include "store/sqlite_priv.h"

enum { ARENA_BYTES = 65536 };

struct database {
	sqlite3 *db;
	struct catalog catalog;
};

static bool fits(void *context, const struct resource *resource)
{
	const struct database *database = context;
	return sqlite_schema_fits(database->db, &database->catalog, resource);
}

bool sqlite_describe(sqlite3 *db, const struct describe_options *options, struct buf *yaml,
					 struct error *error)
{
	struct database database = {.db = db};
	struct describe_model own;
	struct arena arena;
	arena_init(&arena, ARENA_BYTES);
	bool ok = sqlite_catalog_read(db, &arena, &database.catalog, error);
	if (ok) {
		describe_model_init(&own, sqlite_model_load(db), fits, &database);
		ok = describe_write(&database.catalog, &own, options, yaml, error);
		describe_model_finish(&own);
	}
	arena_finish(&arena);
	return ok;
}
