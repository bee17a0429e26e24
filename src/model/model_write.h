/*
 * The resources of a model, written as a service file holds them: what is read back is the same
 * resources, whatever the file looked like from which they came.
 *
 * Ownership: the caller's buffer. Threads: plain functions. Errors: the buffer's.
 * Limits: the buffer's maximum.
 */
#ifndef ROWLOCK_MODEL_MODEL_WRITE_H
#define ROWLOCK_MODEL_MODEL_WRITE_H

#include "model/model.h"

/* All of `resources:`. */
void model_write_resources(const struct model *model, struct buf *yaml);
/* One resource in two parts: its name, key and fields, to which the caller may add further fields;
 * then the rest. */
void model_write_fields(const struct resource *resource, struct buf *yaml);
void model_write_rules(const struct resource *resource, bool read_only, struct buf *yaml);

#endif
