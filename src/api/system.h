/*
 * The pages that every service has: /live, /ready, /metrics, /openapi.json, /docs and /, and the
 * same below /.rowlock/. A route or resource of that name wins.
 *
 * Ownership: none. Threads: the call's. Errors: /ready is 503 while the program is not ready.
 * Limits: none.
 */
#ifndef ROWLOCK_API_SYSTEM_H
#define ROWLOCK_API_SYSTEM_H

#include "api/call.h"

enum { SYSTEM_PAGE_SEGMENTS = 3 }; /* of a path, `.rowlock` counted */

struct system_page {
	struct str name; /* of the path: /NAME and /.rowlock/NAME; {file} is a parameter */
	void (*run)(struct call *call);
	const char *summary;
	const char *types[2]; /* of its answers; NULL: no second one */
	bool open;            /* needs no token */
};

extern const struct system_page system_pages[];
extern const size_t system_page_count;

/* NULL when the operation is no system page. */
const struct system_page *system_page_of(const struct operation *operation);

#endif
