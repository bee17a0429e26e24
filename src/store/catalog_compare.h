/*
 * Does a database that anybody may have made hold what a service file says? Compared is what a
 * query needs of a table: columns that can hold their fields, the key, the unique rules, the
 * foreign keys. More columns, indexes and tables are nobody's concern.
 *
 * Ownership: what is given is borrowed. Threads: plain functions.
 * Errors: differences are noted. Limits: none.
 */
#ifndef ROWLOCK_STORE_CATALOG_COMPARE_H
#define ROWLOCK_STORE_CATALOG_COMPARE_H

#include "model/model.h"
#include "store/catalog.h"

struct catalog_comparison {
	const struct catalog *catalog;
	struct arena *arena;
	/* Can the column hold values of a field of this type? */
	bool (*holds)(const struct catalog_column *column, enum type type);
	/* `what` follows the table's name: ` is missing`, `: column a is missing`. */
	void (*note)(void *context, struct str table, struct str what);
	void *context;
};

/* Notes what differs, but for rules over some rows, checks and what else a database has of its own.
 * Returns the table; NULL when it cannot be read. Views and virtual tables have no keys, rules and
 * references: the service file's word counts. */
const struct catalog_table *catalog_compare(const struct catalog_comparison *comparison,
											const struct resource *resource);

#endif
