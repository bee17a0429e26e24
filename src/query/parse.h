/*
 * The query string's grammar, as text with offsets: nothing is known of resources here. It is
 * PostgREST's; docs/query.md tells it whole.
 *
 *   param    = select | columns | on_conflict | order | limit | offset | logic | filter
 *            | "after=" cursor | "distinct=" ("true"|"false")
 *   select   = [ item *("," item) ]
 *   item     = "*" | field | relation | spread
 *   field    = [alias ":"] ( "count()" | column path ["::" type] ["." agg "()"] ) ["::" type]
 *   relation = [alias ":"] name *2("!" ("inner"|"left"|hint)) "(" [item *("," item)] ")"
 *   spread   = "..." name *2("!" …) "(" items ")"
 *   path     = *( ("->" | "->>") ( key | ["-"] digits | quoted ) )
 *   filter   = [rel "." …] column path "=" ["not."] op
 *   op       = quantop ["(" ("any"|"all") ")"] "." value | simpleop "." value | "in.(" list ")"
 *            | "is." isval | "isdistinct." value | ftsop ["(" config ")"] "." value
 *   logic    = [rel "." …] ["not."] ("and"|"or") "=" "(" cond *("," cond) ")"
 *   order    = [rel "." …] "order=" term *("," term)
 *   term     = ( column path | rel "(" column path ")" ) [".asc"|".desc"] [".nullsfirst"|…]
 *   limit, offset = [rel "." …] digits; an offset below 0 is as if it were not there
 * Names and list values may stand in double quotes (backslash escapes). `after` and `distinct` are
 * filters when their value has the form of one (`after=gt.5`). In the conditions of a service file
 * a value may be `{name}`: a parameter; `{name?}`: one whose condition is dropped when the request
 * does not give it; `{claims.name}`: a claim of the caller. Such a value is whole: a `{` or `}`
 * anywhere else stands in quotes, in a list or between and(…). In a client's text braces are text.
 *
 * A value behind `eq.` is raw to its end; inside and/or(…) and in lists it ends at , or ) and may
 * be quoted. White space may stand around the parts of and/or(…). Of a repeated select, order,
 * limit or offset the first counts. A parameter without '=' is passed over, one with an empty value
 * is not. What needs PostgreSQL's own types (cs, cd, ov, sl, sr, nxr, nxl, adj) is
 * ERROR_UNSUPPORTED with the feature's name.
 *
 * Ownership: arena or borrowed from the text. Threads: all.
 * Errors: ERROR_PARSE (PGRST100) with the offset in the decoded parameter value, or in the
 * condition of a service file; ERROR_RANGE for a limit below 0; ERROR_UNSUPPORTED.
 * Limits: filter_terms, filter_depth, in_items, embed_depth.
 */
#ifndef ROWLOCK_QUERY_PARSE_H
#define ROWLOCK_QUERY_PARSE_H

#include "query/query.h"

struct parsed_value {
	struct str text; /* the value, or the parameter's name */
	bool parameter;
	bool claim;      /* {claims.name}: `text` is the name */
	bool optional;   /* {name?} */
	bool any_before; /* `*{name}` of like and ilike: the parameter is text, no pattern */
	bool any_behind; /* `{name}*` */
};

enum quantifier { QUANTIFIER_NONE, QUANTIFIER_ANY, QUANTIFIER_ALL };

struct parsed_cond {
	enum cond_kind kind;          /* AND OR NOT COMPARE IN IS */
	struct parsed_cond *children; /* linked by next */
	struct parsed_cond *next;
	struct str column;
	const struct json_path *path; /* NULL: none */
	size_t at; /* offset of the column's name in its text; 0 for the name of a parameter */
	enum operator_name op;
	struct parsed_value value;  /* COMPARE */
	enum quantifier quantifier; /* COMPARE: then the values are `items`, of `{a,b}` */
	struct str config;          /* FTS and kin: of fts(english); "" for none */
	struct parsed_value *items; /* IN, and COMPARE with a quantifier */
	size_t item_count;
	enum is_what is;
};

enum item_kind { ITEM_FIELD, ITEM_ALL, ITEM_COUNT, ITEM_RELATION };
enum embed_join { JOIN_UNSAID, JOIN_INNER, JOIN_LEFT };
enum { PARSE_HINTS = 2 };

struct parsed_item {
	enum item_kind kind;
	struct str column; /* FIELD: the field; RELATION: the target; COUNT: "count" */
	struct str alias;  /* "" when there is none */
	size_t at;
	const struct json_path *path; /* FIELD; NULL: none */
	struct str cast;              /* FIELD: "::type"; "" for none */
	enum aggregate aggregate;     /* FIELD */
	struct str result_cast;       /* COUNT, and FIELD with an aggregate */
	/* RELATION */
	bool spread;
	enum embed_join join;
	struct str hints[PARSE_HINTS]; /* those that are no join; "" for none */
	struct parsed_item *children;  /* NULL: the empty embed `rel()` */
	struct parsed_item *next;
};

struct parsed_order {
	struct str relation; /* of `rel(column)`; "" for none */
	struct str column;
	const struct json_path *path; /* NULL: none */
	bool descending;
	bool nulls_first; /* as given, or as the direction has it: ascending last, descending first */
	size_t at;
	struct parsed_order *next;
};

struct parsed_names {
	const struct str *items;
	size_t count;
};

/* What the parameters say of one resource: the query's own (no path), or an embedded one. */
struct parsed_level {
	struct parsed_names path;  /* names or aliases of the embeds that lead here */
	struct parsed_cond *where; /* an AND of all filters; NULL: none */
	struct parsed_cond *last;  /* of where->children */
	struct parsed_order *order;
	uint64_t limit; /* UINT64_MAX: none */
	uint64_t offset;
	bool has_order; /* of a parameter that is repeated the first counts */
	bool has_limit;
	bool has_offset;
	struct parsed_level *next;
};

struct parsed_query {
	struct parsed_level root;   /* its `next` are the levels of embedded resources */
	struct parsed_item *select; /* NULL: all columns */
	bool has_select;
	struct parsed_names columns; /* count 0: not given */
	bool has_columns;
	struct parsed_names on_conflict;
	struct str after; /* the cursor; "" is the first page */
	bool has_after;
	bool distinct;
	size_t terms; /* conditions so far, against limits->filter_terms */
};

void parsed_query_init(struct parsed_query *query);
/* Parses a raw query string (percent-encoded). Parameters whose decoded name `skip` accepts are
 * left out (a route's own); skip may be NULL. */
bool parse_query_string(struct str query_string, const struct limits *limits,
						bool (*skip)(const void *context, struct str name), const void *context,
						struct arena *arena, struct parsed_query *query, struct error *error);
/* Parses one decoded condition of a service file, e.g. `date=gte.{after?}` or
 * `or=(a.is.null,b.eq.{x})` or several joined by `&`, and joins it to the root's where by AND. */
bool parse_condition(struct str text, const struct limits *limits, struct arena *arena,
					 struct parsed_query *query, struct error *error);
bool parse_select(struct str text, const struct limits *limits, struct arena *arena,
				  struct parsed_query *query, struct error *error);
bool parse_order(struct str text, struct arena *arena, struct parsed_query *query,
				 struct error *error);
/* The list of an item path: `{key}` of /resource/{key}, with commas between the fields of a key and
 * quotes that protect commas, like the list of in.(…). `text` is decoded already. */
bool parse_key(struct str text, struct arena *arena, struct parsed_names *ret_values,
			   struct error *error);

#endif
