/*
 * What the MariaDB store knows of a database's tables: see maria_priv.h for the check of `serve`.
 * These are the parts that migrations need too.
 *
 * Ownership: results are the caller's. Threads: those of the connection, which blocks.
 * Errors: ERROR_STORE, ERROR_CONFIG. Limits: none.
 */
#ifndef ROWLOCK_STORE_MARIA_SCHEMA_H
#define ROWLOCK_STORE_MARIA_SCHEMA_H

#include <mysql.h>

#include "base/buf.h"
#include "base/error.h"
#include "model/model.h"

/* A statement without rows. */
bool maria_schema_run(MYSQL *db, struct str text, struct error *error);
/* The rows of a statement, to be freed with mysql_free_result(); NULL with the error. */
MYSQL_RES *maria_schema_rows(MYSQL *db, struct str text, struct error *error);
/* Waits for another program that makes or changes the tables; the lock goes with the connection. */
bool maria_schema_take_turn(MYSQL *db, struct error *error);
/* Compares only those tables that are there, as a whole database of another program's is. */
bool maria_schema_check_there(MYSQL *db, const struct model *model, struct error *error);
/* Makes the database one of ours: `_rl_model`, in which it keeps the `resources:` of the service
 * file that its tables were made by. An empty text is kept as none. */
bool maria_schema_keep(MYSQL *db, struct str text, struct error *error);
bool maria_schema_keep_model(MYSQL *db, const struct model *model, struct error *error);
/* That text, arena; "" when there is none. */
struct str maria_schema_kept_text(MYSQL *db, struct arena *arena);
/* As a model, owned; NULL when there is none. */
struct model *maria_schema_kept_model(MYSQL *db, struct arena *arena);

/* What a database has, read once. */
struct maria_schema;
struct maria_schema *maria_schema_open(MYSQL *db, struct error *error);
/* Accepts NULL. */
void maria_schema_close(struct maria_schema *schema);
/* Is the resource's table as we would make it? */
bool maria_schema_fits(struct maria_schema *schema, const struct resource *resource);

/* What a table has not, or has otherwise; the first few are kept as a text. */
struct maria_differences {
	struct buf found;
	size_t count;
};
__attribute__((format(printf, 2, 3))) void maria_differences_note(
	struct maria_differences *differences, const char *format, ...);

#endif
