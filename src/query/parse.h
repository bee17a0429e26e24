/*
 * The query string's grammar, as text with offsets: nothing is known of resources here.
 *
 *   filter = column "=" ["not."] op "." value      op = eq neq gt gte lt lte in is
 *   logic  = ["not."] ("and"|"or") "=" "(" cond *("," cond) ")"
 *   select = item *("," item)   item = "*" | [alias ":"] column
 *   order  = column [".asc"|".desc"] [".nullsfirst"|".nullslast"] *("," …)
 *   limit, offset = digits; an offset below 0 is as if it were not there
 * Names and list values may stand in double quotes (backslash escapes). In the conditions of a
 * service file a value may be `{name}`: a parameter; `{name?}`: one whose condition is dropped when
 * the request does not give it. Such a value is whole: a `{` or `}` anywhere else stands in quotes,
 * in a list or between and(…). In a client's text braces are text.
 *
 * A value behind `eq.` is raw to its end; inside and/or(…) and in lists it ends at , or ) and may
 * be quoted. White space may stand around the parts of and/or(…). Of a repeated select, order,
 * limit or offset the first counts. A parameter without '=' is passed over, one with an empty value
 * is not. What PostgREST's grammar has beyond this is ERROR_UNSUPPORTED with the feature's name.
 *
 * Ownership: arena or borrowed from the text. Threads: all.
 * Errors: ERROR_PARSE (PGRST100) with the offset in the decoded parameter value, or in the
 * condition of a service file; ERROR_RANGE for a limit below 0; ERROR_UNSUPPORTED.
 * Limits: filter_terms, filter_depth, in_items.
 */
#ifndef ROWLOCK_QUERY_PARSE_H
#define ROWLOCK_QUERY_PARSE_H

#include "query/query.h"

struct parsed_value {
	struct str text; /* the value, or the parameter's name */
	bool parameter;
	bool optional; /* {name?} */
};

struct parsed_cond {
	enum cond_kind kind;          /* AND OR NOT COMPARE IN IS */
	struct parsed_cond *children; /* linked by next */
	struct parsed_cond *next;
	struct str column;
	size_t at; /* offset of the column's name in its text; 0 for the name of a parameter */
	enum operator_name op;
	struct parsed_value value;  /* COMPARE */
	struct parsed_value *items; /* IN */
	size_t item_count;
	enum is_what is;
};

struct parsed_item {
	struct str column; /* "*" unquoted: all */
	bool all;
	struct str alias; /* "" when there is none */
	size_t at;
	struct parsed_item *next;
};

struct parsed_order {
	struct str column;
	bool descending;
	bool nulls_first; /* as given, or as the direction has it: ascending last, descending first */
	size_t at;
	struct parsed_order *next;
};

struct parsed_query {
	struct parsed_cond *where;  /* an AND of all filters; NULL: none */
	struct parsed_cond *last;   /* of where->children */
	struct parsed_item *select; /* NULL: all columns */
	struct parsed_order *order;
	uint64_t limit; /* UINT64_MAX: none */
	uint64_t offset;
	size_t terms; /* conditions so far, against limits->filter_terms */
};

void parsed_query_init(struct parsed_query *query);
/* Parses a raw query string (percent-encoded). Parameters whose decoded name `skip` accepts are
 * left out (a route's own); skip may be NULL. */
bool parse_query_string(struct str query_string, const struct limits *limits,
						bool (*skip)(const void *context, struct str name), const void *context,
						struct arena *arena, struct parsed_query *query, struct error *error);
/* Parses one decoded condition of a service file, e.g. `date=gte.{after?}` or
 * `or=(a.is.null,b.eq.{x})` or several joined by `&`, and joins it to query->where by AND. */
bool parse_condition(struct str text, const struct limits *limits, struct arena *arena,
					 struct parsed_query *query, struct error *error);
bool parse_select(struct str text, struct arena *arena, struct parsed_query *query,
				  struct error *error);
bool parse_order(struct str text, struct arena *arena, struct parsed_query *query,
				 struct error *error);

#endif
