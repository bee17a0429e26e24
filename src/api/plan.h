/*
 * A route of the service file, compiled once at load: its query with places for parameters, and
 * what to answer.
 *
 * Ownership: arena of the service. Threads: immutable. Errors: model_report with the route's place.
 * Limits: ROUTER_PARAMETERS a path, and as many from the query string.
 */
#ifndef ROWLOCK_API_PLAN_H
#define ROWLOCK_API_PLAN_H

#include "api/call.h"
#include "model/model.h"
#include "query/check.h"

struct plan {
	const struct route *route;
	struct query query;         /* checked; its operands may be parameters */
	struct parsed_query parsed; /* what it was made of */
	struct check_options options;
	struct parameter_names parameters;
	bool by_caller;             /* rules or claims make another query of it for each caller */
	struct parsed_item *select; /* of the route: the client's own stands in its place */
	bool has_select;
	struct str *names; /* of parameters: the path's first, then the query string's */
	size_t path_count;
	size_t name_count;
	struct field_list fixed;        /* fields whose value the path gives to the rows of a body */
	const size_t *fixed_parameters; /* the parameter of each */
	const struct plan *const *then; /* of a write: where the read that answers is; NULL: none */
};

/* NULL, with a problem in the report, when a condition, shape or order is wrong. `plans` will hold
 * those of all routes of the model, in their order. */
const struct plan *plan_create(const struct model *model, const struct route *route,
							   const struct plan *const *plans, struct arena *arena,
							   struct model_report *report);
/* Operation: runs a route. */
void plan_run(struct call *call);

#endif
