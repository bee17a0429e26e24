/*
 * What reads, writes and items of the general API share: how a request becomes a query.
 *
 * Ownership: the call's arena. Threads: the call's. Errors, Limits: those of the query.
 */
#ifndef ROWLOCK_API_GENERAL_PRIV_H
#define ROWLOCK_API_GENERAL_PRIV_H

#include "api/general.h"
#include "query/check.h"

/* A request on its way to a query. */
struct general {
	struct call *call;
	struct media media;
	struct parsed_query parsed;
	struct error error;
};

/* Reads the fields and parses the query string; call->query gets action and resource. */
bool general_begin(struct general *general, struct call *call, enum query_action action);
/* Checks what was parsed. A write without `return=representation` answers no rows. */
bool general_check(struct general *general);
/* Reads the body's rows into call->query. `fixed` may be NULL. */
bool general_read_body(struct general *general, const struct body_options *options);

/* Pins the row of an item path: call->query.where, or ERROR_NOT_FOUND. */
bool general_pin_item(struct general *general);

/* Fields that every answer of the general API has. */
void general_add(struct call *call, struct reply *reply, unsigned int applied);

/* ---- the operations ---- */

void general_run_list(struct call *call);
void general_run_get(struct call *call);
void general_run_insert(struct call *call);
void general_run_update(struct call *call);
void general_run_delete(struct call *call);
void general_run_put(struct call *call);
void general_run_item_put(struct call *call);

#endif
