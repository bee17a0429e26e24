/*
 * From a checked query to SQL text and the values bound to it. Values never become text, but for
 * those of the model itself in what makes a table; identifiers come from the model only, and are
 * quoted.
 *
 * Ownership: text and lists are the caller's struct sql; values are borrowed from the query.
 * Threads: all. Errors: a statement over these limits (sql->text.failed), or one that the database
 * cannot run with the rows that every store gives (sql->unsupported: ERROR_UNSUPPORTED).
 * Limits: the caller's buffer; the dialect's max_open; 1,000 subqueries of conditions.
 */
#ifndef ROWLOCK_SQL_SQL_H
#define ROWLOCK_SQL_SQL_H

#include "base/arena.h"
#include "base/buf.h"
#include "query/query.h"
#include "sql/sqlite.h"

struct json_path;
struct map;
struct sql;
struct sql_made; /* values that no query holds */

/* What differs between databases. */
struct sql_dialect {
	const char *name;
	char quote;              /* of identifiers: " or ` */
	size_t max_name;         /* of an object's name, in characters: longer ones end with a hash */
	bool nulls_placement;    /* knows NULLS FIRST / NULLS LAST */
	bool upsert_on_conflict; /* sql_insert() writes INSERT … ON CONFLICT (…) DO UPDATE */
	bool returning;
	bool joins;           /* to-one embeds come in the rows of their parents: sql->joins */
	bool delete_alias;    /* DELETE FROM "a" AS _1; else DELETE _1 FROM "a" AS _1 */
	bool default_values;  /* DEFAULT VALUES; else () VALUES () */
	bool derived_names;   /* a subquery in FROM needs a name, and its columns different ones */
	bool partial_indexes; /* CREATE INDEX … WHERE */
	size_t max_open; /* entries of its parser's stack, without those of a statement and a leaf */
	/* What stands for a value that a path leads to in the column of `field` of the table
	 * sql->alias. */
	void (*path)(struct sql *sql, const struct field *field, const struct json_path *path);
	/* LIKE, ILIKE, MATCH, IMATCH and FTS of cond->field and cond->path. */
	void (*matching)(struct sql *sql, const struct cond *cond);
	/* `before` and what follows the value that is cast; false when the database cannot do it as
	 * every store does (term_cast). `to` NULL: nothing. */
	bool (*cast)(struct sql *sql, const struct field *from, const struct field *to, bool before);
	/* Casts of plain values are left out: the store makes them of what it fetched (see
	 * sql_select). */
	bool casts_after;
	/* What stands for a computed field of the table with this alias. NULL: its expression, in words
	 * of SQL (sql_expression.c). */
	void (*expression)(struct sql *sql, size_t alias, const struct expression *expression);
	/* What stands before and behind the value of which an average, a double, is taken. */
	void (*average)(struct sql *sql, const struct field *field, bool before);
	const char *is_distinct; /* infix operator; NULL: NOT (a<=>b) */
	const char *bytewise;    /* behind a text column: it is compared by bytes, whatever its order */
	/* A value in what makes a table; `field` says what it is, NULL: a number or text. */
	void (*literal)(struct buf *text, const struct value *value, const struct field *field);
	/* Parts of CREATE TABLE: the column's type; what makes it the whole key, or nothing; how the
	 * database makes `default: auto`, or nothing; and what follows the last column, with the
	 * closing parenthesis. */
	void (*column_type)(const struct resource *resource, const struct field *field,
						struct buf *text);
	void (*column_key)(const struct resource *resource, const struct field *field,
					   struct buf *text);
	void (*column_auto)(const struct field *field, struct buf *text);
	void (*table_end)(const struct resource *resource, struct buf *text);
	const char *json_check; /* a function that is true of json, for a CHECK; NULL: none */
	bool constraints_last;  /* checks and all foreign keys stand behind the columns */
	/* Triggers that keep `tally` equal to the rows of tally->tally_of; one statement a call until
	 * it returns false. `name` holds the tally's, to be made the trigger's. */
	bool (*tally_trigger)(const struct resource *tally, size_t number, struct buf *text,
						  struct buf *name);
	bool tally_heads; /* the first of these is no trigger, but the table TALLY.head */
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
	size_t holder_at;                /* sql_embed_many(): the first column of the holder's keys */
	const char *unsupported;         /* what cannot be said in this dialect, for people; or NULL */
	/* Regular expressions of a client are in it. MariaDB takes one that costs too much for one that
	 * does not match, with warning 1139, which the store makes ERROR_REGEX. */
	bool may_cost;
	bool names_columns; /* what is selected is named _c1, _c2 … */
	struct arena texts; /* of made values */
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

/*
 * LIST and GET: query->fetch in order, then the fetches of what is in sql->joins. The rows of other
 * embeds are left to sql_embed() or sql_embed_many().
 *
 * With dialect->casts_after the database does no casts that the store can do: where
 * sql_casts_after(query, fetch), the column holds the value before fetch->cast and, of an
 * aggregate, before fetch->result_cast. The store reads it as sql_fetched_type() says and applies
 * term_cast(). MariaDB gives sums of integers and decimals as DECIMAL: the store makes integers of
 * them (scaled), or ERROR_OUT_OF_RANGE.
 */
void sql_select(struct sql *sql, const struct query *query);
/* In the same way the rows of an embed that belong to the parent row with these keys; `keys` has
 * relation->from_fields.count values, whose placeholders stand together from sql->keys_at on. */
void sql_embed(struct sql *sql, const struct query_embed *embed, const struct value *keys);
/*
 * In the same way the rows of an embed that belong to any of `parent_count` > 0 parents: `keys` has
 * relation->from_fields.count values for each of them, all different, none null. A row is
 * query->fetch, or one column `1` when there is none, and from sql->holder_at on the holder's
 * fields that are equal to the keys (sql_holder_fields(), read as their types say), which tell
 * whose row it is. Rows of one parent stand together, in the embed's order; limit and offset count
 * for each parent alone. There are never any joins. A parent without rows gives none, also where
 * sql_embed_is_total(): the store adds its row then.
 */
void sql_embed_many(struct sql *sql, const struct query_embed *embed, const struct value *keys,
					size_t parent_count);
/* Has the embed one row for each parent, also for one to which no row belongs (unless limit and
 * offset cut it off)? Counts are 0 then, all else is null; casts of counts still apply. */
bool sql_embed_is_total(const struct query_embed *embed);
/* The fields that are equal to the parent's: of relation->to, or of the junction. */
const struct field_list *sql_holder_fields(const struct relation *relation);
/* Must the store cast this fetch itself, `fetch->cast` when it is not aggregated, else
 * `fetch->result_cast`? */
bool sql_casts_after(const struct sql_dialect *dialect, const struct query *query,
					 const struct query_fetch *fetch);
/* The type of the column as the database gives it. */
const struct field *sql_fetched_type(const struct sql_dialect *dialect, const struct query *query,
									 const struct query_fetch *fetch);
/* Which of these texts are equal in the order of a column: rows of two numbers, that of the value,
 * from 0, and that of its class. For dialects with window functions. */
void sql_classes(struct sql *sql, const struct resource *resource, const struct field *field,
				 const struct value *values, size_t count);
/* The number of rows that match, without limit and offset. */
void sql_count(struct sql *sql, const struct query *query);
/* INSERT and UPSERT of one row of values of query->given, without those that are ABSENT; the
 * placeholders of the others come first, in order. With a representation it RETURNS query->fetch,
 * when the dialect can. With upsert_on_conflict a merge changes what is given but the fields of the
 * conflict and those with `write: once`; when that is nothing, a field is set to itself, so that
 * the row is returned all the same. Without it, it is a plain INSERT that may meet another row. */
void sql_insert(struct sql *sql, const struct query *query, const struct value *row);
/* The same as INSERT … ON DUPLICATE KEY UPDATE, for a table whose only unique key is
 * query->conflict. It gives one row of two columns: did it meet one, as 0 or 1; and null. When it
 * fails, SQL_MET_FORGET has to run before the next one. */
void sql_insert_or_update(struct sql *sql, const struct query *query, const struct value *row);
#define SQL_MET_FORGET "SET @_met=NULL"
/* What a merge of this row changes in the row that it met, as an UPDATE of the row with the same
 * values of query->conflict: for stores that found it by an INSERT that failed. */
void sql_merge(struct sql *sql, const struct query *query, const struct value *row);
/* UPDATE and REPLACE; without any given field, one is set to itself. */
void sql_update(struct sql *sql, const struct query *query);
void sql_delete(struct sql *sql, const struct query *query);
/* The whole keys (the fields of resource->key, in that order) of all rows that match query->where,
 * in key order, FOR UPDATE. */
void sql_select_for_update(struct sql *sql, const struct query *query);
/*
 * The statement that locks the headers of `tally` (of query->resource->tallies) that an UPDATE or
 * DELETE of the rows that match needs, in key order; its rows mean nothing. It goes before any
 * statement that locks those rows, sql_select_for_update() too; locks are taken in this order:
 * headers, rows, counts. False, without text: the tally has no headers in this dialect. An INSERT
 * needs none: its trigger comes before the row; many rows are inserted in key order. What still
 * deadlocks (an UPDATE that moves rows to another header) is tried again.
 */
bool sql_tally_lock(struct sql *sql, const struct resource *tally, const struct query *query);

/* Makes an object's name one that the dialect can take: the same for the same name. */
void sql_shorten_name(const struct sql_dialect *dialect, struct buf *name);
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
 *   trigger         TALLY.insert, TALLY.delete, TALLY.update; MariaDB: TALLY.before_insert too, …
 *   tally's headers TALLY.head               (MariaDB: a table)
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
