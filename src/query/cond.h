/*
 * Builds trees of checked conditions, keeping what query.h says of them: AND and OR alternate, NOT
 * stands over leaves, the highest child is the first. Also makes a leaf whose operand is known
 * ready for stores, for check and for query_bind().
 *
 * Ownership: groups are arena; children are borrowed.
 * Threads: all. Errors: those of values, patterns and questions of full text. Limits: the callers'.
 */
#ifndef ROWLOCK_QUERY_COND_H
#define ROWLOCK_QUERY_COND_H

#include "query/query.h"

/* AND or OR of the children (none: true, false); groups of the same kind among them are taken
 * apart. Reorders `children`, which live in the arena. */
const struct cond *cond_join(struct arena *arena, enum cond_kind kind, const struct cond **children,
							 size_t count);
const struct cond *cond_negate(struct arena *arena, const struct cond *leaf);
/* AND of two; NULL stands for every row. */
const struct cond *cond_both(struct arena *arena, const struct cond *a, const struct cond *b);
/* The value to which a condition pins a field by eq; NULL when it does not. */
const struct value *cond_pinned(const struct cond *cond, const struct field *field);
/* Reads the text of an operand as a leaf's type and path have it. */
bool cond_read_value(const struct cond *leaf, struct str text, struct arena *arena,
					 struct value *ret_value, struct error *error);
/* A COMPARE leaf whose operand is known becomes what stores take: patterns are compiled, questions
 * of full text taken apart. NULL with the error. */
const struct cond *cond_finish(struct arena *arena, struct cond *leaf, bool negated,
							   struct error *error);

#endif
