/*
 * The part of jsonstore.h, which includes it, that looks after a store: checkpoints, statistics,
 * verify, repair, export.
 *
 * Ownership, Threads, Errors, Limits: as in jsonstore.h.
 */
#ifndef JSONSTORE_ADMIN_H
#define JSONSTORE_ADMIN_H

#include "jsonstore.h"

#ifdef __cplusplus
extern "C" {
#endif

enum jsonstore_when {
	JSONSTORE_IF_DUE = 0, /* servers call this each second */
	JSONSTORE_NOW = 1,
};

/*
 * Brings the files up to date with the journal. Due are files below 16 MiB with changes older than
 * a second, and all when the journal is a quarter of them or holds a million changes. After a write
 * has failed it makes the store writable again. JSONSTORE_OK, too, when another process is at it.
 */
JSONSTORE_API int jsonstore_checkpoint(struct jsonstore *store, enum jsonstore_when when,
									   struct jsonstore_error *error);

struct jsonstore_statistics {
	size_t size;              /* of this struct, set by the caller */
	uint64_t generation;      /* journals so far */
	uint64_t journal_bytes;   /* changes since the files' state */
	uint64_t journal_changes; /* records put or deleted by them */
	uint64_t collections;
	uint64_t bytes_cut; /* of a torn end, when this handle's jsonstore_open() recovered */
	bool failed;        /* writing needs jsonstore_checkpoint() */
};

JSONSTORE_API int jsonstore_statistics(struct jsonstore *store,
									   struct jsonstore_statistics *statistics,
									   struct jsonstore_error *error);

/*
 * Reads everything: files, indexes, journal. The first damage is the error. A missing index is
 * none. *ret_records, which may be NULL: records that were read.
 */
JSONSTORE_API int jsonstore_verify(struct jsonstore *store, uint64_t *ret_records,
								   struct jsonstore_error *error);

/* The state of a snapshot, or of now, as a file of the collection's form; replaced if there. */
JSONSTORE_API int jsonstore_export(struct jsonstore_collection *collection,
								   const struct jsonstore_snapshot *snapshot, const char *path,
								   struct jsonstore_error *error);

enum jsonstore_use {
	JSONSTORE_USE_FILE = 0,    /* the edited file; changes of the journal to it are dropped */
	JSONSTORE_USE_JOURNAL = 1, /* the edited file with the journal's changes over it */
};

/*
 * Decides when a file was edited while the journal held changes for it; no handle may be open on
 * the folder. What is not used is written beside it: the journal's records to NAME.journal.json,
 * or the edited file to NAME.edited.json. JSONSTORE_OK when there was nothing to decide.
 */
JSONSTORE_API int jsonstore_repair(const char *folder, const char *name, enum jsonstore_use use,
								   struct jsonstore_error *error);

#ifdef __cplusplus
}
#endif

#endif
