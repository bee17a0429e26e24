/*
 * From a parsed query to a checked one: names become fields, text becomes typed values, the order
 * becomes total. Also reads the rows of a body.
 *
 * Ownership: results are arena, or borrowed from the parsed query and the model.
 * Threads: all. Errors: ERROR_COLUMN (PGRST204; 42703 in a filter keeps that message), ERROR_PARSE,
 * ERROR_VALUE, ERROR_OUT_OF_RANGE, ERROR_BODY …, with hints. Limits: json_depth, insert_rows.
 */
#ifndef ROWLOCK_QUERY_CHECK_H
#define ROWLOCK_QUERY_CHECK_H

#include "query/bind.h"
#include "query/parse.h"

/* The parameters that a route can fill: path parameters and query-string names. */
struct parameter_names {
	const struct str *names;
	size_t count;
};

/* Fills ret_query->where, columns, order, limit, offset for `action` on `resource`; the rest is
 * left as the caller set it. `parameters` may be NULL: then `{name}` is an error. */
bool check_query(const struct parsed_query *parsed, enum query_action action,
				 const struct resource *resource, const struct parameter_names *parameters,
				 struct arena *arena, struct query *ret_query, struct error *error);

struct body_options {
	const struct limits *limits;
	struct str from;                /* rows sit in this key of the body; "" : they are the body */
	const struct field_list *needs; /* keys that must be there (null is fine); may be NULL */
	bool many;                      /* an array of objects is allowed too */
	bool numbers_as_text;           /* the general API */
	/* Values that are already known (key fields from the path); a body that gives another value for
	 * one of these fields is refused. */
	const struct field_list *fixed;
	const struct value *fixed_values;
};

/* Reads a JSON body into ret_query->given, values, row_count, for INSERT, UPSERT, REPLACE or UPDATE
 * (ret_query->action and resource are set). Checks types, unknown fields, required fields,
 * write: never|once (ignored), defaults (auto: integer keys are left out for the store to make;
 * uuid: made here), `in`, `min`, `max`. Errors name the field and, in an array, the row's index. */
bool check_body(struct str body, const struct body_options *options, struct arena *arena,
				struct query *ret_query, struct error *error);

#endif
