/*
 * Upserts whose rows may be others': in the write's own transaction the rows that would be changed
 * are looked for before, and must be the caller's to change; what they have become must be too.
 *
 * Ownership: the call's arena. Threads: made on the loop, run by the store.
 * Errors: ERROR_FORBIDDEN; ERROR_OVERLOADED when a row came or went meanwhile, and nothing was
 * written. Limits: two to four reads a row.
 */
#ifndef ROWLOCK_API_MERGE_H
#define ROWLOCK_API_MERGE_H

#include "store/store.h"

struct call;
struct merge;

/* Is there anything to ask? Then all rows of the request must be known before it runs. */
bool merge_is_guarded(const struct query *query);
/* *ret_merge is NULL when there is nothing to ask. */
bool merge_init(struct call *call, struct merge **ret_merge, struct error *error);
bool merge_before(struct merge *merge, struct store_transaction *transaction, struct error *error);
bool merge_after(struct merge *merge, struct store_transaction *transaction,
				 const struct store_result *result, struct error *error);

#endif
