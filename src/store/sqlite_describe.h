/*
 * The service file of a database that exists: every table, view and virtual table as a resource.
 * What a service file cannot say (a name, a foreign key to nothing) is left out and named in a
 * comment; a word `database` stands for what the database says in words of its own.
 *
 * Ownership: options are borrowed; the text is the caller's buffer.
 * Threads: those of the connection. Errors: ERROR_STORE when the database cannot be read,
 * ERROR_CONFIG when the buffer is too small. Limits: the buffer's maximum; names of 63 bytes.
 */
#ifndef ROWLOCK_STORE_SQLITE_DESCRIBE_H
#define ROWLOCK_STORE_SQLITE_DESCRIBE_H

#include <sqlite3.h>

#include "store/store.h"

/* Appends the file to `yaml`. */
bool sqlite_describe(sqlite3 *db, const struct describe_options *options, struct buf *yaml,
					 struct error *error);

/* ---- sqlite_describe_model.c: what our own databases say of their resources ---- */

struct catalog;

/* The resources of `_rl_model` whose tables are still as they were made. */
struct describe_model {
	struct model *model; /* owned; NULL: the database says nothing */
	bool *good;          /* owned: by the resource's number */
};

void describe_model_init(struct describe_model *own, sqlite3 *db, const struct catalog *catalog);
void describe_model_finish(struct describe_model *own);
/* NULL: the table's own schema says what it is. */
const struct resource *describe_model_find(const struct describe_model *own, struct str table);

/* ---- sqlite_describe_text.c: names ---- */

/* Can a resource, field or rule have this name? */
bool describe_is_name(struct str name);
/* A service's name made of a store's URL: `sqlite:data/My Music.db` is my_music. */
void describe_service(struct buf *yaml, struct str url);

#endif
