/*
 * The general API: what every resource answers at /RESOURCE and /RESOURCE/{key}, PostgREST's
 * contract and more.
 *
 * Ownership: none. Threads: the call's. Errors: PostgREST's codes and shape. Limits: the query's.
 */
#ifndef ROWLOCK_API_GENERAL_H
#define ROWLOCK_API_GENERAL_H

#include "api/call.h"

struct general_operation {
	enum http_method method;
	bool item;   /* at /RESOURCE/{key}: of resources with a key */
	bool writes; /* not of read-only resources */
	void (*run)(struct call *call);
};

extern const struct general_operation general_operations[];
extern const size_t general_operation_count;

#endif
