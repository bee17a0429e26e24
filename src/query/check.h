/*
 * From a parsed query to a checked one: names become fields, relations become embedded queries,
 * text becomes typed values, the order becomes total. Also reads the rows of a body.
 *
 * Ownership: results are arena, or borrowed from the parsed query and the model.
 * Threads: all. Errors: ERROR_COLUMN (PGRST204; 42703 in a filter keeps that message), ERROR_PARSE,
 * ERROR_VALUE, ERROR_OUT_OF_RANGE, ERROR_NO_RELATION, ERROR_AMBIGUOUS (with `json`),
 * ERROR_NOT_EMBEDDED, ERROR_RELATED_ORDER, ERROR_EMBED_OPERATOR, ERROR_AGGREGATES, ERROR_GROUPING,
 * ERROR_REGEX, ERROR_SYNTAX, ERROR_FORBIDDEN, ERROR_CAST_TYPE, ERROR_CONFLICT_TARGET,
 * ERROR_CURSOR, ERROR_BODY …, with hints. Limits: json_depth, insert_rows, embed_depth, aggregates;
 * 32 terms in an order with a cursor.
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

struct claims; /* query/claims.h */

/* Who asks. `{claims.x}` in conditions, the rules of resources and fields for roles are about this
 * caller. */
struct caller {
	const struct claims *claims; /* NULL: nobody is known */
	bool trusted;                /* may do everything: commands, services without `auth` */
	bool trial; /* a service file is checked: claims are not known yet, but may stand there */
};
extern const struct caller caller_trusted;
extern const struct caller caller_trial;

struct check_options {
	const struct limits *limits;
	const struct caller *caller; /* required: there is no query without somebody who asks */
	const struct parameter_names *parameters; /* NULL: then `{name}` is an error */
	bool no_rows; /* nothing is answered: no columns, no fetch (a write without representation) */
	bool tag;     /* GET: also fetch what tells one state of the row from another */
};

/*
 * Fills ret_query->where, fetch, columns, order, limit, offset, distinct, grouped, cursor, tag and
 * conflict for `action` on `resource`; the rest is left as the caller set it.
 *
 * Of a write: filters choose the rows that are changed, `select`, order, limit and offset (limit
 * and offset of INSERT and UPSERT only) and all that is said of embeds shape the rows answered.
 */
bool check_query(const struct parsed_query *parsed, enum query_action action,
				 const struct resource *resource, const struct check_options *options,
				 struct arena *arena, struct query *ret_query, struct error *error);
bool caller_may_read(const struct caller *caller, const struct field *field);
bool caller_may_write(const struct caller *caller, const struct field *field);
/* A copy that is told from what the client asks for. */
const struct cond *check_mark_rule(struct arena *arena, const struct cond *cond);
/* Settles ret_query->rules for another action than the query was checked for: a PUT is checked as
 * an update. `shown`: the rows are answered. ERROR_FORBIDDEN. */
bool check_rules(enum query_action action, bool shown, const struct check_options *options,
				 struct arena *arena, struct query *ret_query, struct error *error);
/* Has the client asked for some rows only? Conditions of rules do not count. */
bool check_has_filters(const struct query *query);
/* Pins the whole key to the values of an item path, in addition to what is in ret_query->where.
 * ERROR_NOT_FOUND when they are not as many as the key has fields or do not fit their types. */
bool check_key(const struct resource *resource, const struct parsed_names *values,
			   struct arena *arena, struct query *ret_query, struct error *error);
/* A query whose conditions are exactly one eq for each field of the key: what PUT asks for. */
bool check_only_key(const struct query *query);
/* The text for `after` that asks for the next page: `values` is the JSON array of the last row's
 * cursor values, as a store writes it; the result is arena. */
struct str check_cursor(const struct query *query, struct str values, struct arena *arena);

enum body_format {
	BODY_JSON,
	BODY_CSV,
	BODY_NDJSON,
	BODY_FORM,
	BODY_JSON_ROWS, /* an array of objects of any length, for batches */
};

/* A row of a file that is left out. */
struct bad_row {
	size_t line;     /* where it begins, from 1 */
	size_t column;   /* of what is wrong in that line, from 1, in characters; 0: the whole row */
	struct str text; /* as it stands in the file, without the line's end */
	const struct error *error;
};

struct body_options {
	const struct limits *limits;
	enum body_format format;
	struct str from;                /* rows sit in this key of the body; "" : they are the body */
	const struct field_list *needs; /* keys that must be there (null is fine); may be NULL */
	bool many;                      /* an array of objects is allowed too */
	bool lenient;                   /* the general API: numbers as text, scalars are no rows */
	const struct parsed_names *columns; /* `columns=`: only these are read; NULL: the body's keys */
	bool missing_default;               /* a column that a row lacks gets its default, not null */
	bool independent; /* INSERT: rows need not have the same keys; what one lacks gets its default.
						 Unknown keys are errors all the same */
	bool stored;      /* rows as they were stored: `write` of their fields says nothing */
	bool whole; /* UPSERT: what is not given gets its default or null, as in a new row (PUT) */
	/* Values that are already known (key fields from the path); a body that gives another value for
	 * one of these fields is refused. */
	const struct field_list *fixed;
	const struct value *fixed_values;
	enum error_code fixed_error; /* of another value; ERROR_NONE: ERROR_CHECK */
	/* Of batches: called when no row points into the first `bytes` of the body any more. NULL: no
	 * matter. On the thread that reads them. */
	void (*release)(void *context, struct str body, size_t bytes);
	/* Of batches, for files that people keep: a row that is wrong is told and left out instead of
	 * ending all, a field of CSV that is empty is null, but for a text in quotes, and `write:
	 * never` does not count. On the thread that reads them. NULL: the first wrong row is an
	 * error. */
	void (*bad_row)(void *context, const struct bad_row *bad);
	void *context;
};

/* Reads a body into ret_query->given, values, row_count, for INSERT, UPSERT, REPLACE or UPDATE
 * (ret_query->action, resource and rules are set). New rows must pass the rules; of a change the
 * rows that would not pass any more are left out of ret_query->where. Checks types, unknown fields,
 * required fields, write: never|once (ignored, but for `stored`), defaults (auto: integer keys are
 * left out for the store to make; uuid: made here), `in`, `min`, `max`. Errors name the field and,
 * in a list, the row: its index, or for CSV and NDJSON its line. A body that changes nothing (`{}`
 * or `[]` of an UPDATE) gives row_count 0. */
bool check_body(struct str body, const struct body_options *options, struct arena *arena,
				struct query *ret_query, struct error *error);
/* The same for CSV and NDJSON of any size: the first row is read at once, which settles `given`;
 * the rest while the store writes, through ret_query->batches. Memory does not grow with the body.
 * Batches are read once, and no further after an error. `body` and `options` must live until the
 * query is done. */
bool check_body_batches(struct str body, const struct body_options *options, struct arena *arena,
						struct query *ret_query, struct error *error);
/* Line and text (its first line) of row `row` of those that the batches gave last. */
void query_batches_row(const struct query_batches *batches, size_t row, struct bad_row *ret_row);
/* Frees what the batches hold beyond the arena. Accepts NULL. */
void query_batches_finish(struct query_batches *batches);

#endif
