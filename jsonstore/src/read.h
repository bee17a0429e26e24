/*
 * What the reading functions of jsonstore.h share: see read*.c.
 *
 * Ownership, Threads, Errors, Limits: as in jsonstore.h.
 */
#ifndef JSONSTORE_SRC_READ_H
#define JSONSTORE_SRC_READ_H

#include "store.h"

/*
 * The state that a call reads: the snapshot's or, when that is NULL, the one of now. To be released
 * in both cases.
 */
bool js_read_state(const struct jsonstore_collection *collection,
				   const struct jsonstore_snapshot *snapshot, struct js_state *ret,
				   struct jsonstore_error *error);
bool js_read_key(struct js_span key, struct jsonstore_error *error);

#endif
