/*
 * What is asked of one resource, checked: every name is a field, every value has its field's type,
 * the order is total. Stores take nothing else. A query comes from text (query/parse.h, a tree with
 * names and offsets) through query/check.h.
 *
 * A route of a service file is checked once, at load; its conditions may hold parameters then,
 * and query_bind() (query/bind.h) fills them for each request.
 *
 * Ownership: all parts are arena or borrowed from the model; immutable once checked.
 * Threads: any number of readers. Errors, Limits: those of check.
 */
#ifndef ROWLOCK_QUERY_QUERY_H
#define ROWLOCK_QUERY_QUERY_H

#include "model/model.h"

enum query_action {
	QUERY_LIST,    /* any number of rows */
	QUERY_GET,     /* one row by its whole key */
	QUERY_INSERT,  /* rows */
	QUERY_UPSERT,  /* rows; those whose key exists are changed */
	QUERY_REPLACE, /* one row by its whole key, all fields anew; missing: not found */
	QUERY_UPDATE,  /* the given fields of all rows that match */
	QUERY_DELETE,  /* all rows that match */
};

/* X(NAME, word in the grammar) */
#define OPERATOR_TABLE(X)                                                                          \
	X(EQ, "eq")                                                                                    \
	X(NEQ, "neq")                                                                                  \
	X(GT, "gt")                                                                                    \
	X(GTE, "gte")                                                                                  \
	X(LT, "lt")                                                                                    \
	X(LTE, "lte")                                                                                  \
	X(IN, "in")                                                                                    \
	X(IS, "is")

enum operator_name {
#define X(name, word) OPERATOR_##name,
	OPERATOR_TABLE(X)
#undef X
};

enum is_what { IS_NULL, IS_NOT_NULL, IS_TRUE, IS_FALSE, IS_UNKNOWN };

/* A value that is known now, or the number of a parameter that a request fills. */
struct operand {
	struct value value;
	int parameter; /* -1: none */
	bool optional; /* the condition is dropped when the parameter is not given */
};

enum cond_kind { COND_AND, COND_OR, COND_NOT, COND_COMPARE, COND_IN, COND_IS };

/*
 * SQL's three-valued logic: a comparison with null is neither true nor false, so a row whose field
 * is null matches neither `eq.5` nor `neq.5` nor `not.eq.5`; `is` and an empty `in` are always true
 * or false. Check makes NOT stand over leaves only, lets AND and OR alternate, and puts the highest
 * child first, which keeps the text of a deep tree within what a database's parser can hold.
 */
struct cond {
	enum cond_kind kind;
	bool parameters;                    /* somewhere below an operand is a parameter */
	uint16_t height;                    /* of the tree below; 0 is a leaf or a negated one */
	const struct cond *const *children; /* AND, OR: 0 or more (none: true, false); NOT: one */
	size_t child_count;
	const struct field *field;
	enum operator_name op;       /* COMPARE: EQ … LTE */
	struct operand operand;      /* COMPARE */
	const struct operand *items; /* IN; none matches nothing */
	size_t item_count;
	enum is_what is;
};

/* One column of the answer. */
struct query_column {
	const struct field *field;
	struct str name; /* its alias, or the field's name */
	struct str key;  /* `"name":` as JSON, escaped */
};

struct query_order {
	const struct field *field;
	bool descending;
	bool nulls_first;
};

enum query_format {
	FORMAT_ARRAY,  /* [{…},{…}] */
	FORMAT_OBJECT, /* {…}: exactly one row */
	FORMAT_VALUES, /* [1,7]: the first column, bare */
};

struct query {
	enum query_action action;
	const struct resource *resource;

	const struct cond *where; /* NULL: every row. GET, REPLACE: pins the whole key by eq */
	const struct query_column *columns; /* what is answered; count 0: no representation */
	size_t column_count;
	enum query_format format;
	const struct query_order *order; /* LIST: ends with the whole key, so it is total */
	size_t order_count;
	uint64_t limit; /* UINT64_MAX: none */
	uint64_t offset;
	bool total; /* LIST: also count all rows that match */

	/* INSERT, UPSERT, REPLACE, UPDATE (one row): values of `given` fields, row after row. */
	struct field_list given;
	const struct value *values; /* row_count * given.count */
	size_t row_count;
	bool must_match; /* UPDATE, DELETE of one row by its key: no row is ERROR_NOT_FOUND */
};

#endif
