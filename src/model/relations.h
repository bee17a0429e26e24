/*
 * The ways from the rows of one resource to those of another, which foreign keys and junctions
 * give, and the sets of fields that decide their kind.
 *
 * Ownership: lists are in the arena that was given; all else is borrowed. Threads: one builds, then
 * any number of readers. Errors: none. Limits: those of model.h.
 */
#ifndef ROWLOCK_MODEL_RELATIONS_H
#define ROWLOCK_MODEL_RELATIONS_H

#include "base/arena.h"
#include "model/model.h"

/* Gives each resource its relations, as they are declared: first those of the foreign keys and
 * links, then those through junctions, which are foreign keys. resources[i].number is i; hidden
 * ones have no part in it. */
void relations_build(struct resource *resources, size_t count, struct arena *arena);

bool field_list_holds(const struct field_list *list, const struct field *field);
/* The key or the unique rule over all rows that has exactly these fields, in whatever order. NULL:
 * none. */
const struct field_list *resource_unique_list(const struct resource *resource,
											  const struct field_list *fields);
/* The first unique rule over some rows that has exactly these fields, and how many there are. NULL:
 * none. */
const struct unique_rule *resource_partial_rule(const struct resource *resource,
												const struct field_list *fields, size_t *ret_count);

#endif
