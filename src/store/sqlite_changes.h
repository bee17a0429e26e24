/*
 * The statements that make one schema of SQLite out of another: what ALTER TABLE cannot do is done
 * by making the table anew and copying its rows. Comments say in words what happens, with WARNING
 * in front of what loses rows or values, or can fail.
 *
 * Ownership: texts are borrowed. Threads: all. Errors: those of the buffer.
 * Limits: the buffer's maximum.
 */
#ifndef ROWLOCK_STORE_SQLITE_CHANGES_H
#define ROWLOCK_STORE_SQLITE_CHANGES_H

#include <sqlite3.h>

#include "base/buf.h"
#include "base/error.h"
#include "model/model.h"

/* In the order in which they are made. */
enum schema_kind { SCHEMA_TABLE, SCHEMA_SEARCH, SCHEMA_INDEX, SCHEMA_TRIGGER };

struct schema_object {
	enum schema_kind kind;
	struct str name;
	struct str table;                /* on which it stands; a table's own name */
	struct str text;                 /* CREATE … */
	const struct resource *resource; /* of a table or search index: what is said of its fields; or
									  * NULL */
};

struct schema {
	struct schema_object *objects;
	size_t count;
};

/* Appends the statements, each with `;` and a line end; nothing when both are the same. They are
 * run with foreign keys off, in one transaction, which ends with a look at all foreign keys. */
void sqlite_changes_write(const struct schema *from, const struct schema *to, struct buf *sql);

/* ---- sqlite_changes_read.c ---- */

/* What the model is made of; texts are arena. The model is compiled. */
bool sqlite_changes_wanted(const struct model *model, struct arena *arena,
						   struct schema *ret_wanted, struct error *error);
/*
 * What the database has of it: tables of that name and of the model that it kept (`_rl_model`, may
 * be NULL), and what this program made on them. Indexes and triggers that somebody else made on
 * these tables are added to both schemas, so that they stay.
 */
bool sqlite_changes_found(sqlite3 *db, const struct model *model, const struct model *kept,
						  struct arena *arena, struct schema *wanted, struct schema *ret_found,
						  struct error *error);

#endif
