/*
 * What a server refuses from callers that show nothing, because it has no authentication or lets
 * them in, so that a web page in its user's browser cannot reach it: foreign Host names (DNS
 * rebinding) and writes sent by other sites.
 *
 * Ownership: none. Threads: all. Errors: ERROR_FORBIDDEN with what was wrong. Limits: none.
 */
#ifndef ROWLOCK_API_GUARD_H
#define ROWLOCK_API_GUARD_H

#include "http/http.h"
#include "model/model.h"

/* `open`: the server is bound beyond loopback on purpose, so any Host may be its own. Origins that
 * the service file lists are no foreign ones. */
bool guard_check(const struct http_request *request, const struct model *model, bool open,
				 struct error *error);

#endif
