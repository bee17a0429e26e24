/*
 * Builds trees of checked conditions, keeping what query.h says of them: AND and OR alternate, NOT
 * stands over leaves, the highest child is the first.
 *
 * Ownership: groups are arena; children are borrowed.
 * Threads: all. Errors: none. Limits: the callers'.
 */
#ifndef ROWLOCK_QUERY_COND_H
#define ROWLOCK_QUERY_COND_H

#include "query/query.h"

/* AND or OR of at least one child; groups of the same kind among them are taken apart. Reorders
 * `children`, which live in the arena. */
const struct cond *cond_join(struct arena *arena, enum cond_kind kind, const struct cond **children,
							 size_t count);
const struct cond *cond_negate(struct arena *arena, const struct cond *leaf);
/* AND of two; NULL stands for every row. */
const struct cond *cond_both(struct arena *arena, const struct cond *a, const struct cond *b);

#endif
