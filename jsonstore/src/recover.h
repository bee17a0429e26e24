/*
 * Bringing a folder into order when no process has it open: the first journal is made, a torn end
 * is cut, what a checkpoint left is removed, and the shared words are set.
 *
 * Ownership: nothing is kept. Threads: one; JS_LOCK_OPENING is held and nobody is alive.
 * Errors: JSONSTORE_DAMAGED, JSONSTORE_IO, JSONSTORE_NO_MEMORY. Limits: none.
 */
#ifndef JSONSTORE_SRC_RECOVER_H
#define JSONSTORE_SRC_RECOVER_H

#include "store.h"

bool js_recover(struct jsonstore *store, struct jsonstore_error *error);
/* Where the whole groups of a journal end, without changing anything. */
bool js_recover_end(struct jsonstore *store, uint64_t generation, uint64_t *ret_end,
					struct jsonstore_error *error);
/*
 * Writes a journal under a temporary name: page 0 and the catalog, whose entries are in `frames`
 * already; syncing and renaming are left to the caller. The descriptor, or -1.
 */
int js_journal_make(struct jsonstore *store, struct js_journal *journal, const char *name,
					const struct jsonstore_text *catalog, struct jsonstore_error *error);

#endif
