/*
 * What the files of expressions share: expression_parse.c reads the text, expression.c gives names
 * and types their meaning, expression_eval.c computes.
 *
 * Ownership, Threads, Errors, Limits: those of query/expression.h.
 */
#ifndef ROWLOCK_QUERY_EXPRESSION_PRIV_H
#define ROWLOCK_QUERY_EXPRESSION_PRIV_H

#include "query/expression.h"

/* Of decimals. */
enum { EXPRESSION_DIGITS = 18 };

/* 10^scale, of up to 18. */
static inline int64_t expression_power(int scale)
{
	int64_t power = 1;
	for (int i = 0; i < scale; i++) {
		power *= 10;
	}
	return power;
}

/* The tree without fields and types; literals have theirs. NULL after setting an error. */
struct expression_node *expression_parse(struct str text, struct arena *arena, struct error *error);

#endif
