/*
 * `Location` of a row that was made: /RESOURCE/{key}, or as PostgREST gives it,
 * /RESOURCE?key=eq.value.
 *
 * Ownership: writes into the answer's fields. Threads: the call's.
 * Errors: none; no field is added when the key is not known. Limits: none.
 */
#ifndef ROWLOCK_API_ANSWER_KEY_H
#define ROWLOCK_API_ANSWER_KEY_H

#include "api/call.h"

/* /RESOURCE/{k1},{k2} for the one row that was written. */
void answer_add_location(struct call *call, const struct store_result *result);
/* /RESOURCE?k1=eq.v1&k2=eq.v2 for the one row that was written. */
void answer_add_query_location(struct call *call, const struct store_result *result);

#endif
