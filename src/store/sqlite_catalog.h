/*
 * What an SQLite database says of its own tables: columns, keys, unique indexes and foreign keys,
 * read once. Describing a database and comparing one with a service file both stand on it.
 *
 * Ownership: all of it is arena. Threads: those of the connection.
 * Errors: ERROR_STORE when the database cannot be read; a view or virtual table that alone cannot
 * be read has a `problem`. Limits: SQLite's own.
 */
#ifndef ROWLOCK_STORE_SQLITE_CATALOG_H
#define ROWLOCK_STORE_SQLITE_CATALOG_H

#include <sqlite3.h>

#include "base/arena.h"
#include "base/error.h"
#include "model/value.h"

struct catalog_column {
	struct str name;
	struct str declared;     /* type, as it was written; "" for none */
	struct str collation;    /* "" when it is not known: views, virtual tables */
	struct str default_text; /* SQL */
	bool has_default;        /* other than NULL */
	bool not_null;
	bool hidden;    /* of a virtual table: not among the columns of `SELECT *` */
	bool generated; /* computed by the database */
	int key;        /* place in the primary key, from 1; 0: none */
};

struct catalog_columns {
	const struct catalog_column **items;
	size_t count;
};

/* A unique index over columns and over all rows, each column once; not the primary key's. */
struct catalog_unique {
	struct str name;
	bool automatic; /* of a UNIQUE in CREATE TABLE: its name is SQLite's */
	struct catalog_columns columns;
};

struct catalog_table;

struct catalog_reference {
	struct catalog_columns columns;
	struct str parent;
	const struct str *to;               /* as many as columns; ptr NULL: the parent's key */
	const struct catalog_table *target; /* NULL: the parent, or a column of it, is not there */
	struct catalog_columns target_columns;
};

enum catalog_kind { CATALOG_TABLE, CATALOG_VIEW, CATALOG_VIRTUAL };

struct catalog_table {
	struct str name;
	enum catalog_kind kind;
	bool without_rowid;
	struct str problem; /* why its columns cannot be read; "" : they were */
	struct catalog_column *columns;
	size_t column_count;
	struct catalog_columns key;
	const struct catalog_column *rowid; /* INTEGER PRIMARY KEY, which SQLite makes; or NULL */
	struct catalog_unique *uniques;
	size_t unique_count;
	struct catalog_reference *references; /* in the order in which they were declared */
	size_t reference_count;
};

struct catalog {
	struct catalog_table *tables; /* by name */
	size_t count;
};

/* All tables, views and virtual tables but SQLite's own, shadow tables and `_rl_…`. */
bool sqlite_catalog_read(sqlite3 *db, struct arena *arena, struct catalog *ret_catalog,
						 struct error *error);
/* As SQLite looks for names: ASCII letters compare without case. NULL when it is not there. */
const struct catalog_table *sqlite_catalog_table(const struct catalog *catalog, struct str name);
const struct catalog_column *sqlite_catalog_column(const struct catalog_table *table,
												   struct str name);
bool catalog_columns_hold(const struct catalog_columns *columns,
						  const struct catalog_column *column);
/* Are both of the same columns, in any order? */
bool catalog_columns_match(const struct catalog_columns *a, const struct catalog_columns *b);

/* The field type of a declared type. *ret_chars is the n of text(n), or 0. */
enum type sqlite_catalog_type(struct str declared, size_t *ret_chars);
bool sqlite_catalog_is_blob(struct str declared);
/* Can a column of this declared type hold values of a field of this type? */
bool sqlite_catalog_holds(struct str declared, enum type type);

#endif
