/*
 * Answers that are kept under an Idempotency-Key, so that a repeated request gets them again and
 * writes nothing. The row of a key is written first in the request's transaction and completed
 * last, so only what was committed is kept, and a second request with the key waits for the first.
 *
 * Ownership: the companion's. Threads: init and look on the loop, the rest on the store's.
 * Errors: ERROR_IDEMPOTENCY for the same key with another request; ERROR_UNSUPPORTED where no such
 * rows can be kept. Limits: those of companion.h; rows live IDEMPOTENCY_HOURS.
 */
#ifndef ROWLOCK_API_IDEMPOTENCY_H
#define ROWLOCK_API_IDEMPOTENCY_H

#include "api/companion.h"

bool idempotency_init(struct call *call, struct error *error);
/* Answers with the kept answer, when there is one; else goes on with the call. For what a write
 * must not do twice before its transaction. */
void idempotency_look(struct call *call, void (*go_on)(struct call *call));
/* COMPANION_ANSWERED: the kept answer is in the companion and the store's body. */
enum companion_verdict idempotency_begin(struct companion *companion,
										 struct store_transaction *transaction,
										 struct error *error);
bool idempotency_end(struct companion *companion, struct store_transaction *transaction,
					 struct error *error);

#endif
