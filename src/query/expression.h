/*
 * The language of computed fields: `coalesce(age, years_since("born") + 9)`. Text becomes a tree
 * with offsets, its names become fields and each of its parts gets a type; from then on it is
 * evaluated here (the store in memory, SQL functions) or written as SQL (sql/sql_expression.c).
 *
 *   value       name "any name" 12 1.5 'it''s' true false null ( … )
 *   functions   coalesce(a, b, …)   length(text)   today()   years_since(date)
 *   operators   -a   then * / %   then + -   then ||   (which joins texts); left to right
 *
 * What has a null in it is null, but for coalesce. Numbers become wider by themselves: integer,
 * decimal, number. A quotient of integers is cut towards zero, any other is a number. A result that
 * is too large for its type, and what is divided by zero, is null: one row does not break a list.
 * Too large are integers beyond EXPRESSION_MOST and EXPRESSION_LEAST, decimals of more than 18
 * digits or all nines, and numbers that are not finite.
 *
 * Ownership: an expression is arena, and borrows fields from the model. Threads: immutable.
 * Errors: ERROR_CONFIG with the offset, and a hint where there is one.
 * Limits: EXPRESSION_BYTES, EXPRESSION_DEPTH, EXPRESSION_FIELDS.
 */
#ifndef ROWLOCK_QUERY_EXPRESSION_H
#define ROWLOCK_QUERY_EXPRESSION_H

#include "model/model.h"

enum {
	EXPRESSION_BYTES = 4096,
	EXPRESSION_DEPTH = 64, /* of what stands within each other, operators in a row too */
	EXPRESSION_FIELDS = 100,
};

/* Of integers that are computed. */
#define EXPRESSION_MOST (INT64_MAX - 1)
#define EXPRESSION_LEAST (INT64_MIN + 1)

enum expression_op {
	EXPRESSION_FIELD,
	EXPRESSION_LITERAL,
	EXPRESSION_NEGATE,
	EXPRESSION_ADD,
	EXPRESSION_SUBTRACT,
	EXPRESSION_MULTIPLY,
	EXPRESSION_DIVIDE,
	EXPRESSION_REMAINDER,
	EXPRESSION_JOIN, /* || */
	EXPRESSION_COALESCE,
	EXPRESSION_LENGTH, /* in code points */
	EXPRESSION_TODAY,
	EXPRESSION_YEARS_SINCE, /* whole years up to today, as a birthday counts them */
	EXPRESSION_CONVERT,     /* to a wider number; nobody writes it */
};

struct expression_node {
	enum expression_op op;
	size_t at; /* in the text */
	bool null; /* nothing but null: it has no type */
	enum type type;
	int scale;                 /* decimal */
	struct str name;           /* FIELD */
	const struct field *field; /* FIELD */
	size_t number;             /* FIELD: in the expression's fields */
	struct value literal;      /* LITERAL */
	struct expression_node **children;
	size_t child_count;
	size_t height; /* 1: no children */
};

struct expression {
	const struct expression_node *root; /* of the type of the computed field */
	const struct field **fields;        /* that it looks at, each once */
	size_t field_count;
	const struct field *result; /* the computed field */
	bool uses_today;
};

/* The expression of the computed field `result` over the stored fields of its resource. NULL after
 * setting an error. */
const struct expression *expression_read(struct str text, const struct resource *resource,
										 const struct field *result, struct arena *arena,
										 struct error *error);
/* Its value for one row: `values` are those of expression->fields, as a store keeps them; one that
 * does not have its field's type counts as null. `today` in days since 1970-01-01. Texts are
 * borrowed or arena. */
struct value expression_eval(const struct expression *expression, const struct value *values,
							 int64_t today, struct arena *arena);

#endif
