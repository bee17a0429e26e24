/*
 * DESIGN. A migration is one transaction: its statements, all indexes for substrings anew, a look
 * at all foreign keys (they are off meanwhile, since a table that is made anew is dropped first),
 * and the row of `_rl_migrations` that remembers it. So a process that ends in the middle leaves
 * nothing of it.
 *
 * A database is ours when it has `_rl_model` or `_rl_migrations`: then tables are made what the
 * service file says, word by word. In another program's database only tables that are missing are
 * made.
 */
#include <string.h>

#include "base/alloc.h"
#include "model/model_write.h"
#include "model/yaml.h"
#include "store/migrator.h"
#include "store/sqlite_catalog.h"
#include "store/sqlite_changes.h"
#include "store/sqlite_priv.h"
#include "store/sqlite_search.h"
#include "store/sqlite_text.h"

enum { ARENA_BYTES = 65536, CHANGES_BYTES = 1 << 26 };

struct sqlite_migrator {
	struct store_migrator base;
	struct sqlite_store *store;
};

static struct sqlite_conn *connection(struct store_migrator *migrator)
{
	return &((struct sqlite_migrator *)migrator)->store->writer.conn;
}

static void close_migrator(struct store_migrator *migrator)
{
	sqlite_close_alone(((struct sqlite_migrator *)migrator)->store);
	free(migrator);
}

/* ---- what was applied ---- */

static const char history_table[] =
	"CREATE TABLE IF NOT EXISTS _rl_migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, "
	"up TEXT NOT NULL, down TEXT NOT NULL, applied_at TEXT NOT NULL, state TEXT NOT NULL, "
	"model TEXT) STRICT";

static bool has_object(sqlite3 *db, const char *condition)
{
	char text[256];
	(void)snprintf(text, sizeof(text), "SELECT 1 FROM sqlite_schema WHERE %s LIMIT 1", condition);
	sqlite3_stmt *stmt = NULL;
	bool found = sqlite3_prepare_v2(db, text, -1, &stmt, NULL) == SQLITE_OK &&
		sqlite3_step(stmt) == SQLITE_ROW;
	sqlite3_finalize(stmt);
	return found;
}

static struct str column(struct arena *arena, sqlite3_stmt *stmt, int number)
{
	const char *ptr = (const char *)sqlite3_column_text(stmt, number);
	size_t len = (size_t)sqlite3_column_bytes(stmt, number);
	return ptr == NULL ? STR("") : arena_copy(arena, (struct str){ptr, len});
}

static bool history(struct store_migrator *migrator, struct arena *arena,
					struct store_migration **ret_items, size_t *ret_count, struct error *error)
{
	sqlite3 *db = connection(migrator)->db;
	sqlite3_stmt *stmt = NULL;
	*ret_items = NULL;
	*ret_count = 0;
	if (!has_object(db, "name='_rl_migrations'")) {
		return true;
	}
	int rc = sqlite3_prepare_v2(db,
								"SELECT number,name,up,down,applied_at,state,count(*) OVER () "
								"FROM _rl_migrations ORDER BY number",
								-1, &stmt, NULL);
	while (rc == SQLITE_OK || rc == SQLITE_ROW) {
		rc = sqlite3_step(stmt);
		if (rc != SQLITE_ROW) {
			break;
		}
		if (*ret_items == NULL) {
			*ret_items = ARENA_ARRAY(arena, (size_t)sqlite3_column_int64(stmt, 6),
									 struct store_migration);
		}
		(*ret_items)[(*ret_count)++] = (struct store_migration){
			.number = (uint64_t)sqlite3_column_int64(stmt, 0),
			.name = column(arena, stmt, 1),
			.up = column(arena, stmt, 2),
			.down = column(arena, stmt, 3),
			.applied_at = column(arena, stmt, 4),
			.state = column(arena, stmt, 5),
		};
	}
	bool ok = rc == SQLITE_DONE ||
		error_set(error, ERROR_STORE, "what was applied cannot be read: %s", sqlite3_errmsg(db));
	sqlite3_finalize(stmt);
	return ok;
}

/* ---- what differs ---- */

static bool is_ours(sqlite3 *db)
{
	return has_object(db, "name IN ('_rl_model','_rl_migrations')") ||
		!has_object(db, "name NOT LIKE 'sqlite\\_%' ESCAPE '\\'");
}

static bool refuse_foreign(struct sqlite_conn *conn, const struct model *model,
						   const struct resource *resource, struct error *error)
{
	if (!sqlite_schema_compare(conn, model, true, error) && error->code == ERROR_CONFIG) {
		error_hint(error,
				   "another program made the table \"%.*s\": change it by hand, or use a database "
				   "of its own",
				   STR_ARG(resource->name));
	}
	return false;
}

/* Of another program's database: only what stands on tables that are missing is wanted. */
static bool find_missing(struct sqlite_conn *conn, const struct model *model, struct arena *arena,
						 struct schema *wanted, struct error *error)
{
	struct catalog catalog;
	struct schema missing = {.objects = wanted->objects};
	if (!sqlite_catalog_read(conn->db, arena, &catalog, error)) {
		return false;
	}
	for (size_t i = 0; i < wanted->count; i++) {
		const struct resource *resource = wanted->objects[i].resource;
		if (catalog_find_table(&catalog, resource->name) == NULL) {
			missing.objects[missing.count++] = wanted->objects[i];
		} else if (!sqlite_schema_fits(conn->db, &catalog, resource)) {
			return refuse_foreign(conn, model, resource, error);
		}
	}
	*wanted = missing;
	return true;
}

/* Both directions between what is there and what the model says. `kept`: what the database says of
 * its own; NULL: nothing. */
static bool write_changes(struct sqlite_conn *conn, const struct model *model,
						  const struct model *kept, struct buf *up, struct buf *down,
						  struct error *error)
{
	struct arena arena;
	struct schema wanted;
	struct schema found = {.objects = NULL};
	arena_init(&arena, ARENA_BYTES);
	bool ok = sqlite_changes_wanted(model, &arena, &wanted, error) &&
		(is_ours(conn->db)
			 ? sqlite_changes_found(conn->db, model, kept, &arena, &wanted, &found, error)
			 : find_missing(conn, model, &arena, &wanted, error));
	if (ok) {
		sqlite_changes_write(&found, &wanted, up);
		if (up->len > 0) {
			sqlite_changes_write(&wanted, &found, down);
		}
		ok = (!up->failed && !down->failed) ||
			error_set(error, ERROR_CONFIG, "the difference is too long to be written");
	}
	arena_finish(&arena);
	return ok;
}

static bool differ(struct store_migrator *migrator, const struct model *model, struct buf *ret_up,
				   struct buf *ret_down, struct error *error)
{
	struct sqlite_conn *conn = connection(migrator);
	struct model *kept = sqlite_model_load(conn->db);
	bool ok = write_changes(conn, model, kept, ret_up, ret_down, error);
	model_destroy(kept);
	return ok;
}

/* ---- running statements ---- */

/* A file is one transaction, which it must not end itself. */
static int authorize(void *context, int action, const char *first, const char *second,
					 const char *database, const char *trigger)
{
	(void)first;
	(void)second;
	(void)database;
	(void)trigger;
	bool denied = action == SQLITE_TRANSACTION || action == SQLITE_SAVEPOINT ||
		action == SQLITE_ATTACH || action == SQLITE_DETACH;
	*(bool *)context = *(bool *)context || denied;
	return denied ? SQLITE_DENY : SQLITE_OK;
}

static bool run_statement(sqlite3 *db, struct str sql, size_t *ret_end, struct error *error)
{
	const char *tail = NULL;
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db, sql.ptr, (int)sql.len, &stmt, &tail);
	while (rc == SQLITE_OK || rc == SQLITE_ROW) {
		rc = stmt == NULL ? SQLITE_DONE : sqlite3_step(stmt);
	}
	if (rc == SQLITE_DONE) {
		*ret_end = (size_t)(tail - sql.ptr);
	} else {
		error_set(error, ERROR_STORE, "%s", sqlite3_errmsg(db));
	}
	sqlite3_finalize(stmt);
	return rc == SQLITE_DONE;
}

static bool run_statements(sqlite3 *db, struct str sql, struct store_failure *failure,
						   struct error *error)
{
	bool denied = false;
	bool ok = sql.len <= INT32_MAX;
	sqlite3_set_authorizer(db, authorize, &denied);
	for (size_t at = sqlite_text_token(sql, 0).from; ok && at < sql.len;) {
		size_t end = 0;
		failure->at = at;
		ok = run_statement(db, str_slice(sql, at, sql.len), &end, error);
		at = sqlite_text_token(sql, at + end).from;
	}
	sqlite3_set_authorizer(db, NULL, NULL);
	if (denied) {
		error_set(error, ERROR_CONFIG, "a migration cannot begin or end a transaction, or attach");
		error_hint(error, "each file is one transaction already");
	}
	failure->at = ok ? SIZE_MAX : failure->at;
	return ok;
}

static bool check_references(sqlite3 *db, struct error *error)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db, "PRAGMA foreign_key_check", -1, &stmt, NULL);
	rc = rc == SQLITE_OK ? sqlite3_step(stmt) : rc;
	if (rc == SQLITE_ROW) {
		error_set(error, ERROR_REFERENCE,
				  "a row of \"%s\" would refer to a row of \"%s\" that is not there",
				  (const char *)sqlite3_column_text(stmt, 0),
				  (const char *)sqlite3_column_text(stmt, 2));
	} else if (rc != SQLITE_DONE) {
		error_set(error, ERROR_STORE, "%s", sqlite3_errmsg(db));
	}
	sqlite3_finalize(stmt);
	return rc == SQLITE_DONE;
}

/* ---- remembering ---- */

/* Runs a statement with these values; one without `ptr` is null. */
static bool run_with(struct sqlite_conn *conn, struct str text, const struct str *values,
					 size_t count, uint64_t number, struct error *error)
{
	struct sqlite_statement *statement = sqlite_conn_prepare(conn, text, error);
	if (statement == NULL) {
		return false;
	}
	bool ok = sqlite3_bind_int64(statement->stmt, 1, (sqlite3_int64)number) == SQLITE_OK;
	for (size_t i = 0; i < count && ok; i++) {
		struct value value = {.kind = VALUE_TEXT, .text = values[i]};
		value.kind = values[i].ptr == NULL ? VALUE_NULL : VALUE_TEXT;
		ok = sqlite_bind(statement->stmt, (int)i + 2, &value) == SQLITE_OK;
	}
	ok = (ok && sqlite3_step(statement->stmt) == SQLITE_DONE) || sqlite_fail(conn, error);
	sqlite_conn_release(conn, statement);
	return ok;
}

static bool remember(struct sqlite_conn *conn, const struct store_migration *migration,
					 struct error *error)
{
	struct buf model;
	buf_init(&model, YAML_MAX_BYTES);
	bool has_model = sqlite_model_read(conn->db, &model);
	const struct str values[] = {
		migration->name,
		migration->up,
		migration->down.len > 0 ? migration->down : STR(""),
		has_model ? buf_str(&model) : (struct str){NULL, 0},
	};
	bool ok = sqlite_conn_exec(conn, history_table, error) &&
		run_with(conn,
				 STR("INSERT INTO _rl_migrations (number,name,up,down,model,applied_at,state) "
					 "VALUES (?1,?2,?3,?4,?5,strftime('%Y-%m-%dT%H:%M:%SZ','now'),'applied')"),
				 values, 4, migration->number, error);
	buf_finish(&model);
	return ok;
}

/* When nothing differs any more, the database says of its own what the model says. */
static bool settle(struct sqlite_conn *conn, const struct model *model, struct error *error)
{
	struct buf up;
	struct buf down;
	struct buf text;
	struct error ignored = {0};
	buf_init(&up, CHANGES_BYTES);
	buf_init(&down, CHANGES_BYTES);
	buf_init(&text, YAML_MAX_BYTES);
	bool same = write_changes(conn, model, NULL, &up, &down, &ignored) && up.len == 0;
	bool ok = true;
	if (same) {
		model_write_resources(model, &text);
		ok = text.failed || sqlite_model_put(conn, buf_str(&text), error);
	}
	buf_finish(&up);
	buf_finish(&down);
	buf_finish(&text);
	return ok;
}

/* What the database said of its own before the migration. */
static bool restore_model(struct sqlite_conn *conn, uint64_t number, struct error *error)
{
	sqlite3_stmt *stmt = NULL;
	bool ok = sqlite3_prepare_v2(conn->db, "SELECT model FROM _rl_migrations WHERE number=?1", -1,
								 &stmt, NULL) == SQLITE_OK &&
		sqlite3_bind_int64(stmt, 1, (sqlite3_int64)number) == SQLITE_OK &&
		sqlite3_step(stmt) == SQLITE_ROW;
	struct buf text;
	buf_init(&text, YAML_MAX_BYTES);
	bool had = ok && sqlite3_column_type(stmt, 0) != SQLITE_NULL;
	if (had) {
		buf_append(&text,
				   (struct str){(const char *)sqlite3_column_text(stmt, 0),
								(size_t)sqlite3_column_bytes(stmt, 0)});
	}
	sqlite3_finalize(stmt);
	ok = ok || sqlite_fail(conn, error);
	ok = ok &&
		(had ? sqlite_model_put(conn, buf_str(&text), error)
			 : sqlite_conn_exec(conn, "DROP TABLE IF EXISTS _rl_model", error));
	buf_finish(&text);
	return ok;
}

/* ---- one transaction ---- */

static bool begin(struct sqlite_conn *conn, struct error *error)
{
	return sqlite_conn_exec(conn, "PRAGMA foreign_keys=OFF; PRAGMA legacy_alter_table=ON", error) &&
		sqlite_conn_exec(conn, "BEGIN IMMEDIATE", error);
}

static bool end(struct sqlite_conn *conn, bool ok, struct error *error)
{
	ok = ok && sqlite_conn_exec(conn, "COMMIT", error);
	if (!ok && sqlite3_get_autocommit(conn->db) == 0) {
		(void)sqlite_conn_exec(conn, "ROLLBACK", NULL);
	}
	return ok;
}

static bool apply(struct store_migrator *migrator, const struct store_migration *migration,
				  const struct model *model, struct store_failure *failure, struct error *error)
{
	struct sqlite_conn *conn = connection(migrator);
	failure->at = SIZE_MAX;
	failure->kept = STR("");
	bool ok = begin(conn, error) && remember(conn, migration, error) &&
		run_statements(conn->db, migration->up, failure, error) &&
		check_references(conn->db, error) && sqlite_search_renew(conn, error) &&
		settle(conn, model, error);
	return end(conn, ok, error);
}

static bool adopt(struct store_migrator *migrator, const struct store_migration *items,
				  size_t count, const struct model *model, struct error *error)
{
	(void)model;
	struct sqlite_conn *conn = connection(migrator);
	bool ok = begin(conn, error);
	for (size_t i = 0; i < count && ok; i++) {
		ok = remember(conn, &items[i], error);
	}
	return end(conn, ok, error);
}

static bool undo(struct store_migrator *migrator, const struct store_migration *migration,
				 struct store_failure *failure, struct error *error)
{
	struct sqlite_conn *conn = connection(migrator);
	failure->at = SIZE_MAX;
	failure->kept = STR("");
	bool ok = begin(conn, error) && run_statements(conn->db, migration->down, failure, error) &&
		check_references(conn->db, error) && sqlite_search_renew(conn, error) &&
		restore_model(conn, migration->number, error) &&
		run_with(conn, STR("DELETE FROM _rl_migrations WHERE number=?1"), NULL, 0,
				 migration->number, error);
	return end(conn, ok, error);
}

static const struct store_migrator_ops migrator_ops = {
	.dialect = "sqlite",
	.close = close_migrator,
	.history = history,
	.differ = differ,
	.apply = apply,
	.adopt = adopt,
	.undo = undo,
};

struct store_migrator *sqlite_migrate(struct str location, bool make, struct error *error)
{
	struct sqlite_store *store = sqlite_open_alone(location, make, error);
	if (store == NULL) {
		return NULL;
	}
	struct sqlite_migrator *migrator = alloc_zeroed(1, sizeof(*migrator));
	migrator->base.ops = &migrator_ops;
	migrator->store = store;
	return &migrator->base;
}
