/*
 * What a client asks for in `Prefer` fields (RFC 7240).
 *
 * Ownership: none. Threads: plain data.
 * Errors: none; what is not known is ignored, as the RFC says. Limits: none.
 */
#ifndef ROWLOCK_API_PREFERENCES_H
#define ROWLOCK_API_PREFERENCES_H

#include "http/http.h"

enum prefer_return { RETURN_UNSET, RETURN_MINIMAL, RETURN_HEADERS_ONLY, RETURN_REPRESENTATION };

struct preferences {
	enum prefer_return returned;
	bool count; /* exact, planned or estimated: all are exact here */
	struct str count_word;
};

/* Of equal preferences the first counts, over comma lists and repeated fields. */
struct preferences preferences_read(const struct http_request *request);
/* The value of Preference-Applied; "" when nothing was. */
void preferences_applied(const struct preferences *preferences, bool write, struct buf *text);

#endif
