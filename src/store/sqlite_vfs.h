/*
 * A VFS over another one that gathers the writes to the write-ahead log. SQLite writes a commit of
 * n pages as 2n small writes, each behind the other, and then syncs; here they become one write.
 *
 * A sync writes out what was gathered and then syncs, and SQLite publishes a commit to readers only
 * after its sync (synchronous=FULL), so nobody looks for bytes that are still here. All other files
 * go straight to the VFS below.
 *
 * Ownership: create to destroy, with no connection open at the end.
 * Threads: as SQLite's: a file belongs to one connection.
 * Errors: those of the VFS below; one that a gathered write meets is told by the sync.
 * Limits: VFS_GATHER_BYTES a file, then it is written out.
 */
#ifndef ROWLOCK_STORE_SQLITE_VFS_H
#define ROWLOCK_STORE_SQLITE_VFS_H

struct sqlite_vfs;

/* Over the VFS of that name; NULL when there is none. */
struct sqlite_vfs *sqlite_vfs_create(const char *below);
/* The name to open databases with. */
const char *sqlite_vfs_name(const struct sqlite_vfs *vfs);
/* Accepts NULL. */
void sqlite_vfs_destroy(struct sqlite_vfs *vfs);

#endif
