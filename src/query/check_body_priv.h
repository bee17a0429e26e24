/*
 * What the files of check_body share: the rows of a body on their way in, and one table row of
 * functions per format.
 *
 * Ownership: a body's parts are arena: `arena` lives as long as the query, `row_arena` as long as
 * the rows (a batch's, or the query's own).
 * Threads: one at a time. Errors: those of check_body(), in body->error. Limits: max_rows.
 */
#ifndef ROWLOCK_QUERY_CHECK_BODY_PRIV_H
#define ROWLOCK_QUERY_CHECK_BODY_PRIV_H

#include "codec/csv.h"
#include "codec/json.h"
#include "query/check.h"

struct body;

enum body_event { BODY_ERROR, BODY_END, BODY_ROW };

/* How the rows of one format are read. */
struct body_format_ops {
	/* Reads what stands before the first row. */
	bool (*begin)(struct body *body);
	/* Reads one row into `found`, `stamps` and `keys`, after body_start_row(). */
	enum body_event (*next)(struct body *body);
	/* After a row that is wrong: says where it is, and goes on behind it. False: the rest cannot be
	 * read. NULL: never. */
	bool (*recover)(struct body *body, struct bad_row *ret_bad);
};

extern const struct body_format_ops body_json;
extern const struct body_format_ops body_ndjson;
extern const struct body_format_ops body_json_rows;
extern const struct body_format_ops body_csv;
extern const struct body_format_ops body_form;

/* Where the values of a column come from. */
enum body_source {
	SOURCE_BODY,
	SOURCE_FIXED,
	SOURCE_DEFAULT, /* the field's own value */
	SOURCE_MADE,    /* a new uuid */
	SOURCE_ABSENT,  /* the store's default */
	SOURCE_NULL,
};

struct body_column {
	const struct field *field;
	enum body_source source;
	enum body_source missing;  /* BODY: of a row that lacks it */
	const struct value *fixed; /* FIXED */
};

/* Where the reader of an object or an array of objects stands. */
enum body_place { PLACE_OBJECT, PLACE_ARRAY, PLACE_BEHIND };

struct body {
	const struct resource *resource;
	enum query_action action;
	const struct query *query; /* as it was before the body */
	const struct body_options *options;
	const struct body_format_ops *ops;
	struct str text;
	struct arena *arena;
	struct arena *row_arena;
	struct error *error;

	/* The row that is read. */
	size_t row;                    /* its number, from 1 */
	size_t line;                   /* where it begins; 0: nobody counts lines */
	size_t row_at;                 /* the same in bytes */
	const struct field *wrong;     /* that the whole row was refused for; NULL: none */
	const struct csv_field *field; /* CSV: that was read last */
	bool array;                    /* it is one of a JSON array */
	struct value *found;           /* by field number */
	size_t *stamps;                /* by field number: the last row that had it */
	size_t keys;                   /* how many the last row had */
	size_t first_line;             /* of the first row */
	const bool *wanted;            /* by field number; NULL: every key is read */
	const struct field **guess;    /* by place in the row: the field that stood there last */

	/* What each format keeps. */
	size_t at; /* bytes that are read; of NDJSON and CSV up to the last row's end */
	size_t next_line;
	size_t base; /* where the reader's text begins in the body */
	enum body_place place;
	struct json_reader json;
	struct json_reader rows; /* JSON_ROWS: of the array; `json` is of one row */
	size_t counted;          /* JSON_ROWS: bytes whose lines are counted in next_line */
	bool rows_broken;        /* JSON_ROWS: the array itself is no JSON */
	struct csv_reader csv;
	const struct field **header; /* NULL: a column that is not read */
	size_t header_count;

	/* The rows that were read. */
	struct body_column *columns; /* NULL before the first row */
	size_t column_count;
	struct value *values;
	size_t row_count;
	size_t room; /* rows */
	uint64_t max_rows;
};

/* ---- check_body.c: the whole body ---- */

/* Starts to read; false after an error (a name in `columns`, the start of the text). */
bool body_init(struct body *body, struct str text, const struct body_options *options,
			   struct arena *arena, const struct query *query, struct error *error);
/* Reads one row and adds it to the values. */
enum body_event body_add_row(struct body *body);
/* What a field with `default: auto` gets: made here, or left to the store. */
struct value body_made_value(struct body *body, const struct field *field);
/* What a row would hold; false when only the store knows. */
bool body_row_value(const struct body *body, const struct value *row, const struct field *field,
					struct value *ret_value);
/* Says in the query which fields are given. */
void body_settle_given(const struct body *body, struct query *ret_query);

/* ---- check_body_rules.c: what the caller may write ---- */

/* ERROR_FORBIDDEN for a value that the caller may not write. */
bool body_may_write(const struct body *body, const struct field *field);
/* May the caller write a row like this? ERROR_FORBIDDEN. */
bool body_check_rules(struct body *body, const struct value *row);
/* Of a change that is read: leaves out the rows that would not pass the rules any more. */
bool body_narrow(const struct body *body, struct query *ret_query);

/* ---- check_body_row.c: one row in ---- */

/* Counts the row that begins here. False: there are too many. */
bool body_start_row(struct body *body);
/* The field of a name that stands at place `key` of the row; *ret_field is NULL for one to pass
 * over. */
bool body_find_field(struct body *body, struct str name, size_t key, size_t at,
					 const struct field **ret_field);
/* Fields that the caller may not write are passed over. */
bool body_is_ignored(const struct body *body, const struct field *field);
/* NULL when the path does not fix the field. */
const struct value *body_fixed_value(const struct body *body, const struct field *field);
/* Takes the value of a field that is read: it must be the one of the path, where there is one. */
bool body_take(struct body *body, const struct field *field, const struct value *value);
bool body_take_text(struct body *body, const struct field *field, struct str text);
/* Names the row, where there are several, before the message of the error; returns false. */
bool body_fail_row(struct body *body);
bool body_fail_keys(struct body *body);
/* A name that is no field; returns false. */
bool body_fail_unknown(struct body *body, struct str name, size_t at);

#endif
