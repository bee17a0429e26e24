/*
 * Answers of other services with their ETags, so that one that has not changed costs a 304.
 *
 * Ownership: create to destroy; an answer that was found is given back. Threads: one loop.
 * Errors: none. Limits: the bytes that it was created with, an eighth of them for one answer; the
 * least recently used go first.
 */
#ifndef ROWLOCK_LINK_REMOTE_KEPT_H
#define ROWLOCK_LINK_REMOTE_KEPT_H

#include "base/buf.h"

struct remote_kept;

struct remote_answer {
	struct str etag;
	struct str body;
};

struct remote_kept *remote_kept_create(size_t max_bytes);
/* Every answer has been given back. Accepts NULL. */
void remote_kept_destroy(struct remote_kept *kept);
/* NULL: none. It stays until it is given back. */
const struct remote_answer *remote_kept_find(struct remote_kept *kept, struct str url);
/* Accepts NULL. */
void remote_kept_give_back(struct remote_kept *kept, const struct remote_answer *answer);
/* Copies them; takes the place of what was kept for the URL. */
void remote_kept_put(struct remote_kept *kept, struct str url, struct str etag, struct str body);
/* Is an answer of so many bytes too large? */
bool remote_kept_is_large(const struct remote_kept *kept, size_t bytes);

#endif
