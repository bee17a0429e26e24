/*
 * What the files of the parser share: one run of it, and one function for each part of the grammar.
 *
 * Ownership: the caller's. Threads: one run, one thread.
 * Errors, Limits: those of query/parse.h.
 */
#ifndef ROWLOCK_QUERY_PARSE_PRIV_H
#define ROWLOCK_QUERY_PARSE_PRIV_H

#include "query/cursor.h"
#include "query/parse.h"

/* Of one list, of names or terms of an order: no table has more columns. */
enum { PARSE_NAMES = 2000 };

struct parser {
	const struct limits *limits;
	struct arena *arena;
	struct parsed_query *query;
	struct error *error;
	bool parameters; /* the text is a service file's: `{name}` is a parameter */
	size_t base;     /* of the value, in the offset that an error gives */
	size_t name_at;  /* of the parameter's name */
};

static inline struct cursor parser_cursor(const struct parser *parser, struct str text,
										  const char *what)
{
	return (struct cursor){
		.text = text,
		.what = what,
		.base = parser->base,
		.arena = parser->arena,
		.error = parser->error,
	};
}

extern const char parse_expecting_name[];

/* `op.value` of a column's parameter: adds one condition to the level. */
bool parse_filter(struct parser *parser, struct parsed_level *level, struct str column,
				  const struct json_path *path, struct str value);
/* `and=(…)` and its kin, without `not.`. */
bool parse_logic(struct parser *parser, struct parsed_level *level, enum cond_kind kind,
				 bool negated, struct str value);
bool parse_order_terms(struct parser *parser, struct parsed_level *level, struct str value);
/* True when the value has the form of a filter, `gt.5` or `not.in.(…)`. */
bool parse_is_operation(struct str value);

/* `->a->>0`, or nothing: then *ret_path is NULL. Nothing may follow a `->>` in it. */
bool parse_path(struct cursor *cursor, const struct json_path **ret_path);
/* `a,"b c"` to the end of the text. */
bool parse_names(struct cursor *cursor, struct parsed_names *ret_names);

#endif
