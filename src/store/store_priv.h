/*
 * What the back ends of this folder share: their tables, and the texts of constraint errors, which
 * are the same on every store.
 *
 * Ownership: plain functions. Threads: all. Errors: they make them. Limits: those of struct error.
 */
#ifndef ROWLOCK_STORE_STORE_PRIV_H
#define ROWLOCK_STORE_STORE_PRIV_H

#include "store/store.h"

#include "rowlock_config.h"

extern const struct store_ops store_ops_memory;
#if HAVE_SQLITE
extern const struct store_ops store_ops_sqlite;
#endif
#if HAVE_JSONSTORE
extern const struct store_ops store_ops_json;
#endif
#if HAVE_MARIADB
extern const struct store_ops store_ops_mysql;
extern const struct store_ops store_ops_mariadb; /* the same by another name */
#endif

/* All return false. `values` holds one value for each field of the list, or is NULL when the row
 * is not known: then the error has no details. */
bool constraint_unique(struct error *error, struct str name, const struct field_list *fields,
					   const struct value *values);
/* `<table>_pkey`. */
bool constraint_key(struct error *error, const struct resource *resource,
					const struct value *values);
/* A foreign key that does not hold. */
struct constraint_reference {
	struct str name;
	struct str child; /* tables */
	struct str parent;
	struct field_list fields; /* of the values */
};
/* The row that the child's fields refer to is not there. `values` may be NULL. */
bool constraint_missing(struct error *error, const struct constraint_reference *reference,
						const struct value *values);
/* A row of the child still refers to these fields of the row that is to go. `values` may be
 * NULL. A hold is called by what it is there for. */
bool constraint_used(struct error *error, const struct constraint_reference *reference,
					 const struct value *values);
bool constraint_not_null(struct error *error, const struct resource *resource,
						 const struct field *field);
/* `<table>_<field>_check`. */
bool constraint_check(struct error *error, const struct resource *resource,
					  const struct field *field);
/* A check of the service file. */
bool constraint_rule(struct error *error, const struct resource *resource, struct str name);

/* The value that the query writes to the field in row `row`, or to which its conditions pin it by
 * eq; NULL when neither. */
const struct value *query_value(const struct query *query, size_t row, const struct field *field);
/* Limit of the rows of an answer, the query's and the service's. */
uint64_t query_limit(const struct query *query, const struct limits *limits);
static inline bool query_reads(const struct query *query)
{
	return query->action == QUERY_LIST || query->action == QUERY_GET;
}

#endif
