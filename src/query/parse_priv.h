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

struct parser {
	const struct limits *limits;
	struct arena *arena;
	struct parsed_query *query;
	struct error *error;
	bool parameters; /* the text is a service file's: `{name}` is a parameter */
	size_t base;     /* of the value, in the offset that an error gives */
	bool has_select; /* of a parameter that is repeated the first counts */
	bool has_order;
	bool has_limit;
	bool has_offset;
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

/* `name=value`, where the name is a column: adds one condition. */
bool parse_filter(struct parser *parser, struct str name, struct str value);
/* `and=(…)` and its kin; `name` is "and", "or", "not.and" or "not.or". */
bool parse_logic(struct parser *parser, struct str name, struct str value);

#endif
