/*
 * ETags, and reads that answer 304 (RFC 9110, 8.8.3 and 13.1). A tag is a hash of the versions of
 * all that the answer was made from, and of everything that shapes it. That of one item has the
 * hash of the stored row before it, for If-Match on any store and process.
 *
 * Ownership: none. Threads: the call's loop. Errors: none. Limits: none.
 */
#ifndef ROWLOCK_API_CONDITIONAL_H
#define ROWLOCK_API_CONDITIONAL_H

#include "api/call.h"

/* Before call->query runs, with the version of what it reads: has the client this very answer? Then
 * 304 was answered. */
bool conditional_answer(struct call *call, bool known, uint64_t version);
/* Does the client say which answer it has? */
bool conditional_asks(const struct call *call);
/* The answer's ETag, from the result's version. */
void conditional_add(struct call *call, const struct store_result *result, struct reply *reply);
/* Does the client want no answer of a row that is there (`If-None-Match: *`)? */
bool conditional_any(const struct call *call);
/* Is a tag with this row hash in the list of an If-Match field? `*` matches any. */
bool conditional_matches(struct str list, uint64_t row);

#endif
