/*
 * What the tests of the parser share: a parsed query as text, and tables of rows.
 *
 * Ownership: plain functions. Threads: a test's. Errors: the program ends. Limits: none.
 */
#ifndef ROWLOCK_QUERY_PARSE_TEST_HELP_H
#define ROWLOCK_QUERY_PARSE_TEST_HELP_H

#include "base/buf.h"
#include "query/parse.h"

struct parse_row {
	int line;
	const char *input;
	const char *want;
};

enum parse_kind { PARSE_QUERY_STRING, PARSE_CONDITION, PARSE_SELECT, PARSE_ORDER };

/* Limits small enough to be met by a row. */
void parse_small_limits(struct limits *limits);
/*
 * In this order, each part only when something is said:
 *   and(a eq <5>,not(b->'k'->>-1 in <1><2>)) select x:a::int.sum()::text,*!,r!inner!hint(b)
 *   order r(a) desc nullsfirst limit 5 offset 2 columns a,b conflict a after <…> distinct
 *   r.s[and(…) order … limit …]
 * A parameter is {name} or {name?}; a value behind (any) is `a eq any<1><2>`. `*!` are all columns,
 * `*` is a column of that name. Positions of a path are bare, keys in quotes.
 */
void test_write_parsed_query(struct buf *buf, const struct parsed_query *query);
/* Parses each input and compares: the query as text, or `CODE@at message / details / hint`. The
 * parameter `own` is skipped. */
void test_parse_rows(const struct parse_row *rows, size_t count, enum parse_kind kind);

#define TEST_PARSE_ROWS(rows, kind)                                                                \
	test_parse_rows((rows), sizeof(rows) / sizeof((rows)[0]), (kind))

#endif
