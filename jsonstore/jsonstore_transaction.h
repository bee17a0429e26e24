/*
 * The part of jsonstore.h, which includes it, for several changes that happen together or not at
 * all. A plain transaction collects them and checks them at its commit; a locked one keeps others
 * from writing while it reads and changes.
 *
 * Ownership: a transaction is ended by jsonstore_commit(), whatever that returns, or by
 * jsonstore_abandon(); a snapshot of it by jsonstore_release(), also after the transaction.
 * Threads: a transaction with its snapshots and their cursors is used by one at a time.
 * Errors, Limits: as in jsonstore.h.
 */
#ifndef JSONSTORE_TRANSACTION_H
#define JSONSTORE_TRANSACTION_H

#include "jsonstore.h"

#ifdef __cplusplus
extern "C" {
#endif

struct jsonstore_snapshot;
struct jsonstore_transaction;

/*
 * Changes of any collections of the store are collected without being applied; each is checked at
 * the commit, in order, against the state of then and the changes before it. error->change says
 * which one failed.
 */
JSONSTORE_API int jsonstore_begin(struct jsonstore *store,
								  struct jsonstore_transaction **ret_transaction,
								  struct jsonstore_error *error);

enum { JSONSTORE_WAIT = -1 };

/*
 * Takes the writer's lock of the folder, waiting at most timeout_ms for it (JSONSTORE_WAIT: as long
 * as it takes), else JSONSTORE_BUSY. Until the end of the transaction nobody else writes, in this
 * process or another; they wait, also for its checkpoint's last step. Reading goes on.
 *
 * Each change is checked and applied at once: JSONSTORE_PRESENT, JSONSTORE_ABSENT and the others
 * come from the function that adds it. A change that fails is not in the transaction, which goes on
 * as it was. Others see nothing of it before the commit, which is one write and one sync, and
 * neither without changes. After an end without a commit, also of the process, nothing is left.
 *
 * While the thread that began it writes otherwise, or asks for a checkpoint, a new collection or
 * another such transaction of this handle, that is JSONSTORE_BUSY; it would wait for itself.
 */
JSONSTORE_API int jsonstore_begin_locked(struct jsonstore *store, int timeout_ms,
										 struct jsonstore_transaction **ret_transaction,
										 struct jsonstore_error *error);
/*
 * The state with the changes of a locked transaction so far; changes that follow do not disturb it.
 * Once one of them was undone, reading is JSONSTORE_INVALID. JSONSTORE_INVALID, too, of a plain
 * transaction.
 */
JSONSTORE_API int jsonstore_transaction_snapshot(struct jsonstore_transaction *transaction,
												 struct jsonstore_snapshot **ret_snapshot,
												 struct jsonstore_error *error);
/* The place in a locked transaction behind its last change, to undo what comes after it. */
JSONSTORE_API uint64_t jsonstore_transaction_mark(const struct jsonstore_transaction *transaction);
/*
 * Undoes all changes since the mark, which stays good. JSONSTORE_INVALID: a mark that was itself
 * undone, or of a plain transaction.
 */
JSONSTORE_API int jsonstore_transaction_undo_to(struct jsonstore_transaction *transaction,
												uint64_t mark, struct jsonstore_error *error);

JSONSTORE_API int jsonstore_transaction_put(struct jsonstore_transaction *transaction,
											struct jsonstore_collection *collection,
											const char *record, size_t length,
											struct jsonstore_error *error);
JSONSTORE_API int jsonstore_transaction_insert(struct jsonstore_transaction *transaction,
											   struct jsonstore_collection *collection,
											   const char *record, size_t length,
											   struct jsonstore_error *error);
JSONSTORE_API int jsonstore_transaction_patch(struct jsonstore_transaction *transaction,
											  struct jsonstore_collection *collection,
											  const char *key, size_t key_length, const char *patch,
											  size_t length, struct jsonstore_error *error);
JSONSTORE_API int jsonstore_transaction_delete(struct jsonstore_transaction *transaction,
											   struct jsonstore_collection *collection,
											   const char *key, size_t key_length,
											   struct jsonstore_error *error);
/*
 * JSONSTORE_CONFLICT, in a plain transaction from the commit, unless the record is exactly this
 * text, as it was read from the store; NULL: unless there is none.
 */
JSONSTORE_API int jsonstore_transaction_require(struct jsonstore_transaction *transaction,
												struct jsonstore_collection *collection,
												const char *key, size_t key_length,
												const char *record, size_t length,
												struct jsonstore_error *error);
/* JSONSTORE_IO: whether it will be there after a crash is not known. */
JSONSTORE_API int jsonstore_commit(struct jsonstore_transaction *transaction,
								   struct jsonstore_error *error);
JSONSTORE_API void jsonstore_abandon(struct jsonstore_transaction *transaction);

#ifdef __cplusplus
}
#endif

#endif
