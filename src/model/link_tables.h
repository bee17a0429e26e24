/*
 * The tables with which references between services are kept: see docs/decisions/links.md. They are
 * the program's own: in no service file, and not served.
 *
 * A link from a resource there to one here makes this service the owner of rows that are held; one
 * from here to there makes it a user of others' rows. Links with `check: get`, and those of which
 * both ends are elsewhere, have no tables.
 *
 * Ownership: all parts are in the arena. Threads: one, while the model is loaded; immutable then.
 * Errors: two links of one resource whose holds would have one name, in the report.
 * Limits: names of 63 bytes; longer ones end with a hash.
 */
#ifndef ROWLOCK_MODEL_LINK_TABLES_H
#define ROWLOCK_MODEL_LINK_TABLES_H

#include "model/model.h"

/* The fields of resource->holds, in their order: a hold of a row that is referred to. The values of
 * its key stand from HOLD_KEY on: key1, key2, …, in the order of resource->key. They are a
 * foreign key, references[0]. Its key is `id`; there are indexes on the foreign key, and on `kept`,
 * `at`. */
enum hold_field {
	HOLD_ID,   /* uuid */
	HOLD_FROM, /* text: the name of the user's resource, which stands here with its `at` */
	HOLD_MARK, /* uuid: random, new with each insert */
	HOLD_KEPT, /* boolean: false is asked */
	HOLD_AT,   /* integer: when it was inserted; us since 1970, the owner's clock */
	HOLD_KEY,
};

/* The fields of model->decision, in their order. Its key is `id`; there is an index on `used`,
 * `at`. */
enum decision_field {
	DECISION_ID,   /* uuid: of the hold */
	DECISION_USED, /* boolean: false is void */
	DECISION_AT,   /* integer: us since 1970, the user's clock */
	DECISION_FIELDS,
};

/* The fields of model->outbox, in their order: holds that are to be released. Its key is `n`. */
enum outbox_field {
	OUTBOX_N,        /* integer, made by the store, in their order */
	OUTBOX_RESOURCE, /* text: the owner's, which stands here with its `at` */
	OUTBOX_FROM,     /* text: ours */
	OUTBOX_ID,       /* uuid: of the hold */
	OUTBOX_FIELDS,
};

/* How long an array of `count` resources must be, so that the hidden ones fit behind them. */
size_t link_tables_room(size_t count);

/* Adds the hidden resources behind those of model->resources, which has the room, and sets
 * model->decision, model->outbox, and of the others `holds`, `hold_fields`, the `hold` of their
 * links and an index on each hold field, behind their other indexes. */
void link_tables_create(struct model *model, struct arena *arena, struct model_report *report);

#endif
