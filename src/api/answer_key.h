/*
 * `Location` of a row that was made, as PostgREST gives it: /RESOURCE?k1=eq.v1&k2=eq.v2.
 *
 * Ownership: writes into the answer's fields. Threads: the call's.
 * Errors: none; no field is added when the key is not known. Limits: none.
 */
#ifndef ROWLOCK_API_ANSWER_KEY_H
#define ROWLOCK_API_ANSWER_KEY_H

#include "api/call.h"

enum location_form {
	LOCATION_FILTER, /* /RESOURCE?id=eq.5, as PostgREST has it */
	LOCATION_ITEM,   /* /RESOURCE/5 */
};

/* Adds it when one row was written. */
void answer_add_location(struct call *call, enum location_form form,
						 const struct store_result *result, struct reply *reply);

#endif
