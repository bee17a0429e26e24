/*
 * The catalog of a MariaDB database, read from information_schema: what its user may see of it.
 *
 * Ownership: all of it is arena. Threads: those of the connection, which blocks.
 * Errors: ERROR_STORE when the database cannot be read; a view that alone cannot be read has a
 * `problem`. Limits: the server's own.
 */
#ifndef ROWLOCK_STORE_MARIA_CATALOG_H
#define ROWLOCK_STORE_MARIA_CATALOG_H

#include <mysql.h>

#include "base/error.h"
#include "store/catalog.h"

/* All tables and views but `_rl_…`. */
bool maria_catalog_read(MYSQL *db, struct arena *arena, struct catalog *ret_catalog,
						struct error *error);
/* Can the column hold values of a field of this type, and do these compare as they do elsewhere? */
bool maria_catalog_holds(const struct catalog_column *column, enum type type);

/* ---- maria_catalog_type.c ---- */

/* What information_schema says of a column's type. */
struct maria_type {
	struct str word;      /* "int" */
	struct str whole;     /* "int(10) unsigned", "enum('a','b')" */
	struct str charset;   /* "" for none */
	struct str collation; /* "" for none */
	bool is_json;         /* a text with the check that JSON has */
	int64_t chars;        /* of a char or varchar */
	int64_t precision;    /* of a decimal */
	int64_t scale;
};

/* Sets what the column is as a field: type, in, note, left_out, collation. */
void maria_catalog_set_type(struct arena *arena, const struct maria_type *type,
							struct catalog_column *column);

#endif
