/*
 * From a checked query to SQL text and the values bound to it. Values never become text, but for
 * those of the model itself in what makes a table; identifiers come from the model only, and are
 * quoted.
 *
 * Ownership: text and lists are the caller's struct sql; values are borrowed from the query.
 * Threads: all. Errors: none but a statement over these limits (sql->text.failed).
 * Limits: the caller's buffer; the dialect's max_open; 1,000 subqueries of conditions.
 */
#ifndef ROWLOCK_SQL_SQL_H
#define ROWLOCK_SQL_SQL_H

#include "base/buf.h"
#include "query/query.h"
#include "sql/sqlite.h"

struct map;
struct sql;
struct sql_made; /* values that no query holds */

/* What differs between databases. */
struct sql_dialect {
	const char *name;
	char quote;              /* of identifiers: " or ` */
	bool nulls_placement;    /* knows NULLS FIRST / NULLS LAST */
	bool upsert_on_conflict; /* INSERT … ON CONFLICT (…) DO UPDATE; else ON DUPLICATE KEY UPDATE */
	bool returning;
	bool partial_indexes; /* CREATE INDEX … WHERE */
	size_t max_open; /* entries of its parser's stack, without those of a statement and a leaf */
	/* Functions that the store gives the database, each called with a value and one or two
	 * pointers (VALUE_POINTER): a path; what an operator compiled; the types of a cast. */
	const char *json_function;
	const char *like_function;
	const char *match_function;
	const char *words_function;
	const char *cast_function;
	/* What stands for a computed field of the table with this alias. NULL: its expression, in words
	 * of SQL (sql_expression.c). */
	void (*expression)(struct sql *sql, size_t alias, const struct expression *expression);
	const char *is_distinct; /* infix operator */
	const char *bytewise;    /* behind a text column: it is compared by bytes, whatever its order */
	/* Parts of CREATE TABLE: the column's type; what makes it the whole key, or nothing; how the
	 * database makes `default: auto`, or nothing; and what follows the last column, with the
	 * closing parenthesis. */
	void (*column_type)(const struct field *field, struct buf *text);
	void (*column_key)(const struct resource *resource, const struct field *field,
					   struct buf *text);
	void (*column_auto)(const struct field *field, struct buf *text);
	void (*table_end)(const struct resource *resource, struct buf *text);
	/* Triggers that keep `tally` equal to the rows of tally->tally_of; one statement a call until
	 * it returns false. `name` holds the tally's, to be made the trigger's. */
	bool (*tally_trigger)(const struct resource *tally, size_t number, struct buf *text,
						  struct buf *name);
	/* Makes an index for substrings of one field; NULL: there is none. */
	void (*search_index)(struct str name, struct buf *text);
	/* What numbers the rows for it; "" when the fields have taken all its names. */
	struct str (*row_number)(const struct resource *resource);
};

/* Instead of an alias: RETURNING can call the written table by its own name only. */
#define SQL_NAMED SIZE_MAX

/* An embedded row that comes with the row that it belongs to: a to-one relation, joined. */
struct sql_join {
	const struct query_embed *embed;
	size_t parent; /* alias of the table of the row that it belongs to */
	size_t alias;
	size_t column; /* where its fetch begins in the statement's row, from 0 */
	size_t found;  /* the column that is null when there is no such row */
};

/* More tables than these (SQLite: 64), or columns, are not worth a wider row. */
enum { SQL_JOINS = 16, SQL_JOINED_COLUMNS = 400 };

/* A value bound to a placeholder. */
struct sql_param {
	const struct value *value;
	const struct field *type; /* how it is stored; NULL: a plain number or text */
};

/* One statement under construction. */
struct sql {
	const struct sql_dialect *dialect;
	struct buf text;
	struct sql_param *params; /* owned: in the order of the placeholders */
	size_t param_count;
	size_t param_capacity;
	size_t keys_at;                   /* sql_embed(): the first placeholder of the keys */
	struct sql_made *made;            /* owned: the chunk that is being filled */
	size_t alias;                     /* of the table whose columns are written; 0: none */
	size_t aliases;                   /* given so far */
	size_t open;                      /* entries on the stack of the database's parser, at most */
	struct sql_join joins[SQL_JOINS]; /* of sql_select() and sql_embed() */
	size_t join_count;
	const struct resource *named;    /* the table of the alias SQL_NAMED */
	const struct map *indexed;       /* tables that are FTS5's own, by name; NULL: none. Kept */
	bool searches;                   /* the indexes of resource->search may be asked. Kept */
	const struct resource *resource; /* whose conditions are written */
	bool negated;                    /* a NOT stands around what is written */
	int64_t today;                   /* of the query, for computed fields */
	bool literals; /* values are text: of conditions of the model, in what makes a table. Kept */
};

void sql_init(struct sql *sql, const struct sql_dialect *dialect, size_t max_bytes);
void sql_finish(struct sql *sql);
void sql_clear(struct sql *sql);

/*
 * Texts depend on the shape of a query only, so that a store can keep prepared statements: limit
 * and offset are parameters, and a list of more than 8 values is padded to a power of two with its
 * last.
 */

/* LIST and GET: query->fetch in order, then the fetches of what is in sql->joins. The rows of other
 * embeds are left to sql_embed(). */
void sql_select(struct sql *sql, const struct query *query);
/* In the same way the rows of an embed that belong to the parent row with these keys; `keys` has
 * relation->from_fields.count values, whose placeholders stand together from sql->keys_at on. */
void sql_embed(struct sql *sql, const struct query_embed *embed, const struct value *keys);
/* The number of rows that match, without limit and offset. */
void sql_count(struct sql *sql, const struct query *query);
/* INSERT and UPSERT of one row of values of query->given, without those that are ABSENT; the
 * placeholders of the others come first, in order. With a representation it RETURNS query->fetch.
 * A merge changes what is given but the fields of the conflict and those with `write: once`; when
 * that is nothing, a field is set to itself, so that the row is returned all the same. */
void sql_insert(struct sql *sql, const struct query *query, const struct value *row);
/* UPDATE and REPLACE; without any given field, one is set to itself. */
void sql_update(struct sql *sql, const struct query *query);
void sql_delete(struct sql *sql, const struct query *query);

/* Quotes an identifier. */
void sql_put_name(const struct sql_dialect *dialect, struct str name, struct buf *text);

/*
 * The statements that make everything of one resource on an empty database: its table (number 0),
 * unique rules, indexes, indexes for substrings and, of a tally, triggers, until false. *ret_name
 * is the object's name, unique in the database:
 *   table           RESOURCE
 *   unique rule     RESOURCE.RULE            (an index)
 *   index           RESOURCE.FIELD,FIELD_idx (_idx2, … when there are several over these fields)
 *   search          RESOURCE.FIELD_search    (an index for substrings)
 *   trigger         TALLY.insert, TALLY.delete, TALLY.update
 *   boolean's check RESOURCE_FIELD_check     (a constraint of the table)
 *   check rule      RULE                     (the same)
 * Indexes have a dot behind the table's name because with `_` those of `a_b` and `a` could meet.
 *
 * Without partial indexes a unique rule over some rows has a generated column RULE.0, RULE.1 … for
 * each of its fields, null in all other rows, and is unique over these; a plain index holds all
 * rows then. The model is compiled (query/compile.h).
 */
bool sql_schema(const struct sql_dialect *dialect, const struct resource *resource, size_t number,
				struct buf *ret_text, struct buf *ret_name);
/* A condition of the model, with literals; fails the buffer when it is too deep for the database.
 */
void sql_condition(const struct sql_dialect *dialect, const struct cond *cond,
				   struct buf *ret_text);

#endif
