/*
 * The pages that every service has: /live, /ready, /metrics, and the same below /.rowlock/. A route
 * or resource of that name wins.
 *
 * Ownership: none. Threads: the call's. Errors: /ready is 503 while the program is not ready.
 * Limits: none.
 */
#ifndef ROWLOCK_API_SYSTEM_H
#define ROWLOCK_API_SYSTEM_H

#include "api/call.h"

struct system_page {
	struct str name; /* of the path: /NAME and /.rowlock/NAME */
	void (*run)(struct call *call);
};

extern const struct system_page system_pages[];
extern const size_t system_page_count;

#endif
