/*
 * What the files of one statement share: names, literals, parameters, conditions.
 *
 * Ownership, Threads, Limits: those of sql/sql.h. Errors: text->failed.
 */
#ifndef ROWLOCK_SQL_SQL_PRIV_H
#define ROWLOCK_SQL_SQL_PRIV_H

#include "sql/sql.h"

/* ---- sql.c ---- */

/* A value as a literal, for DEFAULT clauses and conditions of the model. */
void sql_write_literal(struct buf *text, const struct value *value);
/* What cannot be said; the first of it is kept. */
void sql_refuse(struct sql *sql, const char *what);
/* `"a","b"`, each behind `prefix`. */
void sql_write_fields(const struct sql_dialect *dialect, struct buf *text, const char *prefix,
					  const struct field_list *fields);
/* Can the column hold null? */
bool sql_is_nullable(const struct field *field);

static inline void sql_write(struct sql *sql, struct str text)
{
	buf_append(&sql->text, text);
}

static inline void sql_write_name(struct sql *sql, struct str name)
{
	sql_put_name(sql->dialect, name, &sql->text);
}

enum {
	OPEN_PARENTHESIS = 1,
	OPEN_NOT = 2,      /* NOT ( */
	OPEN_OPERATOR = 2, /* a AND */
	OPEN_VALUE = 5,    /* ( SELECT distinct list, and one to spare */
	OPEN_EXISTS = 7,   /* EXISTS ( SELECT distinct list from WHERE */
	/* a IN ( SELECT … UNION ALL SELECT … WHERE a >= ( SELECT ifnull ( max ( */
	OPEN_SEARCHED = 10,
};

/* What stands before the text that follows and waits for it: a parenthesis, an operator and its
 * left side. The text ends with sql_close(). */
void sql_open(struct sql *sql, size_t entries);

static inline void sql_close(struct sql *sql, size_t entries)
{
	sql->open -= entries;
}

/* `_c4`: the prefix and number + 1. */
void sql_write_number(struct sql *sql, const char *prefix, size_t number);
/* `?` of a text that is copied. */
void sql_param_text(struct sql *sql, struct str text);
/* `_3` */
void sql_write_alias(struct sql *sql, size_t alias);
/* The column, behind the alias of its table when it has one; of a computed field its expression. */
void sql_write_column(struct sql *sql, size_t alias, const struct field *field);
/* `?` of a value of this type; the value itself with sql->literals. */
void sql_param(struct sql *sql, const struct field *type, const struct value *value);
/* `?` of a value that is made here. */
void sql_param_made(struct sql *sql, struct value value);
void sql_param_pointer(struct sql *sql, const void *pointer);
void sql_param_number(struct sql *sql, uint64_t number);

/* ---- sql_expression.c ---- */

/* The value of a computed field of the table with this alias. */
void sql_write_expression(struct sql *sql, size_t alias, const struct expression *expression);

/* ---- sql_cond.c ---- */

/* The field, or what the path leads to, of the row of the table sql->alias. */
void sql_write_own(struct sql *sql, const struct field *field, const struct json_path *path);
/* A value of the row of that table, or of one that its relations lead to. */
void sql_write_term(struct sql *sql, const struct term *term);
void sql_write_cond(struct sql *sql, const struct cond *cond);
/* `_2."id"=_1."client_id"`: what relates the table with the relation's own fields, `holder`, to
 * that of the parent row. */
void sql_write_join(struct sql *sql, const struct relation *relation, size_t holder, size_t parent);
/* The conditions of a query, when it has any, behind `word`. */
void sql_write_where(struct sql *sql, const struct query *query, struct str word);
/* Do conditions ask for other tables than the query's? */
bool sql_cond_has_tables(const struct cond *cond);
/* The table's name, with sql->alias behind it when there is one. */
void sql_write_table(struct sql *sql, const struct resource *resource);
/* `"to" AS _2 [JOIN "junction" AS _3 ON …]`, where `to` is sql->alias. *ret_holder is the alias of
 * the table that holds the fields that are equal to the parent's: `to` or the junction, for which
 * one may be given. */
void sql_write_related(struct sql *sql, const struct relation *relation, size_t *ret_holder);

/* ---- sql_schema.c ---- */

/* The fields of a tally's headers: tally->by without its last, when there are several. */
struct field_list sql_tally_prefix(const struct resource *tally);
/* `TALLY.head` */
void sql_tally_head_name(const struct sql_dialect *dialect, const struct resource *tally,
						 struct buf *name);

/* ---- sql_schema.c ---- */

/* Appends the name of the index for substrings of a field. */
void sql_search_name(const struct resource *resource, const struct field *field, struct buf *name);

/* ---- sql_read.c ---- */

void sql_write_fetch(struct sql *sql, const struct query *query);
/* Does what is selected, or its order, ask for other tables? */
bool sql_fetch_has_tables(const struct query *query);
/* Does that, or the conditions? */
bool sql_query_has_tables(const struct query *query);
/* What rows are grouped by, and how they are ordered: behind `begin`, when there is any. */
void sql_write_groups(struct sql *sql, const struct query *query, struct str begin);
void sql_write_order(struct sql *sql, const struct query *query, struct str begin);

#endif
