/*
 * What a rule says of a row that is not stored yet. Parts of the rule about values that are known
 * become true or false; what is left, if anything, is about the values that a row keeps.
 *
 * Ownership: what is left is arena, or the rule itself. Threads: all. Errors: none.
 * Limits: rules compare stored fields with values: query_compile() refuses others.
 */
#ifndef ROWLOCK_QUERY_NEW_ROW_H
#define ROWLOCK_QUERY_NEW_ROW_H

#include "query/query.h"

enum new_value {
	NEW_VALUE,   /* the row will have this one */
	NEW_KEPT,    /* it keeps the one that it has */
	NEW_UNKNOWN, /* the store makes it: no comparison with it counts as true */
};

enum new_row { NEW_ROW_PASSES, NEW_ROW_FAILS, NEW_ROW_DEPENDS };

/* Whether rows pass for which `find` tells the values. With NEW_ROW_DEPENDS *ret_rest is what they
 * must pass as they are now. */
enum new_row new_row_check(const struct cond *rule,
						   enum new_value (*find)(const void *context, const struct field *field,
												  struct value *ret_value),
						   const void *context, struct arena *arena, const struct cond **ret_rest);

#endif
