/*
 * Makes a write-ahead log that an earlier process left behind safe to use.
 *
 * DESIGN. When a sync of the log fails, the kernel may mark its pages clean although they never
 * reached the disk. The next process reads them from the page cache as if all were well; its sync
 * of the log finds nothing to write and succeeds; a checkpoint then puts some of them into the
 * database, and a power cut leaves half a commit. So the log's own bytes are written again, which
 * makes them dirty, and synced, before anything is built on them.
 *
 * Ownership: opens and closes the log by itself. Threads: any; nobody else may use the database.
 * Errors: ERROR_STORE naming the file and the reason. Limits: none; 64 KiB of memory.
 */
#ifndef ROWLOCK_STORE_SQLITE_LOG_H
#define ROWLOCK_STORE_SQLITE_LOG_H

#include "base/error.h"

/* `path` is the database's. True also when there is no log. */
bool sqlite_log_rewrite(const char *path, struct error *error);

#endif
