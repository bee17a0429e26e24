/*
 * How the rows of resources refer to each other: within one database, to another service, and the
 * ways that lead from one resource to another by that.
 *
 * Ownership: parts of a model, in its arena. Threads: immutable once loaded. Errors: none.
 * Limits: those of model.h.
 */
#ifndef ROWLOCK_MODEL_REFERENCE_H
#define ROWLOCK_MODEL_REFERENCE_H

#include "base/str.h"

struct field;
struct resource;

/* A list of fields of one resource. */
struct field_list {
	const struct field **items;
	size_t count;
};

/* A foreign key: the values of `fields` are those of `target_fields` in one row of `target`. */
struct reference {
	struct str name; /* <resource>_<field>_fkey, when nobody named it */
	struct field_list fields;
	const struct resource *target;
	struct field_list target_fields; /* as many; the target's key or one of its unique rules */
};

/* A reference of which an end, or both, live in another service: no foreign key of a database.
 * Where both services know it, neither deletes a row that a row of the other refers to. */
struct link {
	struct reference reference;
	bool get_only; /* `check: get`: the other end is asked whether the row is there, and no more */
	/* From here to there: where rows have the id of their hold, one of resource->hold_fields. NULL:
	 * get_only, or the rows that refer are not here. */
	const struct field *hold;
};

enum relation_kind {
	RELATION_MANY_TO_ONE,  /* `from` holds the foreign key */
	RELATION_ONE_TO_ONE,   /* either side holds it, and it is unique */
	RELATION_ONE_TO_MANY,  /* `to` holds the foreign key */
	RELATION_MANY_TO_MANY, /* a junction's key holds two foreign keys */
};

/* A way from the rows of one resource to those of another, by a foreign key or through a junction.
 * Every foreign key gives two, one for each end; a junction one for each order of its keys. */
struct relation {
	enum relation_kind kind;
	const struct resource *from;
	const struct resource *to;
	const struct reference *reference; /* NULL: many to many */
	/* Pairwise equal; with a junction each with its own side of it. */
	struct field_list from_fields;
	struct field_list to_fields;
	const struct resource *junction; /* NULL: none */
	const struct reference *junction_from;
	const struct reference *junction_to;
};

static inline bool relation_is_to_one(const struct relation *relation)
{
	return relation->kind == RELATION_MANY_TO_ONE || relation->kind == RELATION_ONE_TO_ONE;
}

#endif
