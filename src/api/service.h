/*
 * One service as it is served: a loaded service file compiled to a router of operations, and the
 * store that holds its rows. A reload makes a new service over the same store; each loop goes over
 * to it by itself, and the old one ends with its last request.
 *
 * Ownership: service_create() to the last service_unref(). Takes the model over.
 * Threads: immutable but for its reference count. Errors: a model_report with places.
 * Limits: those of the model.
 */
#ifndef ROWLOCK_API_SERVICE_H
#define ROWLOCK_API_SERVICE_H

#include "api/error_shape.h"
#include "api/router.h"
#include "model/model.h"

struct auth;
struct pages;
struct store;

/* Operations that a service has in all: its routes, the general API, the system pages. */
struct service {
	_Atomic size_t references;
	struct arena arena;
	struct model *model;      /* owned */
	struct auth *auth;        /* owned; NULL: none, or its keys were not loaded */
	_Atomic bool misfit_told; /* that a claim does not fit a rule was logged */
	struct router router;
	struct error_shape errors; /* of its own routes and of paths that match nothing */
	size_t operation_count;
	const struct operation **operations; /* by number */
	const struct pages *pages;           /* arena */
};

/* NULL when a condition, shape or order of the file is wrong: the report says where. Owns `model`
 * in either case. */
struct service *service_create(struct model *model, struct model_report *report);
/* Reads the keys that `auth` of the file names; needed before it is served. False when one cannot
 * be used: the report says which. */
bool service_load_keys(struct service *service, struct model_report *report);
void service_ref(struct service *service);
/* Accepts NULL. */
void service_unref(struct service *service);

#endif
