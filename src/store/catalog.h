/*
 * What a database says of its own tables: columns, keys, unique indexes and foreign keys, read once
 * by the store. Describing a database and comparing one with a service file both stand on it.
 *
 * Ownership: all of it is arena. Threads: plain data.
 * Errors: none; a table that cannot be read has a `problem`. Limits: those of the database.
 */
#ifndef ROWLOCK_STORE_CATALOG_H
#define ROWLOCK_STORE_CATALOG_H

#include "base/arena.h"
#include "model/value.h"

struct catalog_column {
	struct str name;
	struct str declared; /* type, as it was written; "" for none */
	/* The field that it is. */
	enum type type;
	size_t max_chars;     /* text(n); 0: no limit */
	int precision;        /* decimal */
	int scale;            /* decimal */
	bool is_bytes;        /* answered as text, and only read */
	const struct str *in; /* the only values that it takes; NULL: all */
	size_t in_count;
	struct str note;     /* what is to be known of its values; "": nothing */
	struct str left_out; /* why no field can hold its values; "": one can */
	/* What is equal, and the order, are this collation's; "": those of the bytes, or not known. */
	struct str collation;
	struct str default_text; /* SQL, texts within '' with only ' doubled */
	bool has_default;        /* other than NULL */
	bool not_null;
	bool hidden;    /* not among the columns of `SELECT *` */
	bool generated; /* computed by the database */
	bool numbered;  /* AUTO_INCREMENT */
	int key;        /* place in the primary key, from 1; 0: none */
};

struct catalog_columns {
	const struct catalog_column **items;
	size_t count;
};

/* A unique index over columns and over all rows, each column once; not the primary key's. */
struct catalog_unique {
	struct str name;
	bool automatic; /* nobody named it */
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
	bool without_rowid;   /* SQLite */
	bool hidden;          /* what stands beside a table of ours */
	struct str unwritten; /* why its rows are only read, for people; "": they can be written */
	struct str collation; /* of all its texts, in the place of the columns'; "": these say it */
	struct str problem;   /* why its columns cannot be read; "" : they were */
	struct catalog_column *columns;
	size_t column_count;
	struct catalog_columns key;
	const struct catalog_column *numbered; /* the key, an integer that the database makes; NULL */
	struct catalog_unique *uniques;
	size_t unique_count;
	struct catalog_reference *references; /* in the order in which they were declared */
	size_t reference_count;
};

struct catalog {
	struct catalog_table *tables; /* by name */
	size_t count;
};

/* By its very name, else with ASCII letters compared without case. NULL when it is not there. */
const struct catalog_table *catalog_find_table(const struct catalog *catalog, struct str name);
const struct catalog_column *catalog_find_column(const struct catalog_table *table,
												 struct str name);
bool catalog_columns_hold(const struct catalog_columns *columns,
						  const struct catalog_column *column);
/* Are both of the same columns, in any order? */
bool catalog_columns_match(const struct catalog_columns *a, const struct catalog_columns *b);

/* ---- for those who read one ---- */

/* Room for one more item. The array is full whenever the count is 0 or a power of two. */
void *catalog_grow(struct arena *arena, const void *items, size_t count, size_t size);
void catalog_add_column(struct arena *arena, struct catalog_columns *columns,
						const struct catalog_column *column);
/* Sets table->key from the columns' places in it. */
void catalog_collect_key(struct arena *arena, struct catalog_table *table);
/* Finds what the foreign keys lead to, once all tables are read. */
void catalog_resolve(struct arena *arena, const struct catalog *catalog);

#endif
