/*
 * The resource in which answers are kept for repeated requests (Idempotency-Key). It is the
 * program's own: in no service file, and not served.
 *
 * Ownership: the arena's. Threads: immutable. Errors: none. Limits: none.
 */
#ifndef ROWLOCK_MODEL_KEPT_ANSWERS_H
#define ROWLOCK_MODEL_KEPT_ANSWERS_H

#include "model/model.h"

/* In this order its fields: scope, key, hash, status, type, fields, body, at. `number` is the one
 * behind those of the model's resources. */
const struct resource *kept_answers_create(struct arena *arena, size_t number);

#endif
