/*
 * A handle that only reads: which words it believes, and what it makes of edited files.
 *
 * Ownership: nothing is handed over. Threads: any for js_reader_moved(); else the caller holds
 * store->refresh, or is alone. Errors: as in jsonstore.h. Limits: none.
 */
#ifndef JSONSTORE_SRC_STORE_READER_H
#define JSONSTORE_SRC_STORE_READER_H

#include "store.h"

/* Whether somebody wrote while this handle believes that nobody is alive. */
bool js_reader_moved(struct jsonstore *store);
/*
 * Finds out what the words are, and until js_reader_end() nobody changes them who was not alive
 * before. Both do nothing for other handles.
 */
bool js_reader_begin(struct jsonstore *store, struct jsonstore_error *error);
void js_reader_end(struct jsonstore *store);
/* Opens the bases that were edited while the journal holds nothing for them. */
bool js_reader_adopt(struct js_generation *generation, struct jsonstore_error *error);

#endif
