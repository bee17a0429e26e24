#include "store/sqlite_vfs.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/*
 * What was gathered goes out in chunks, since SQLite's own xWrite takes less than 128 KiB a call:
 * it masks the length with 0x1ffff, so of 128 KiB it writes nothing and says that the disk is full.
 * Measured on ext4, system CPU of an upsert in groups of 64: not gathered 11 us, chunks of 16 KiB
 * 5.4, of 64 KiB 4.0, of 120 KiB 4.5.
 */
enum { VFS_GATHER_BYTES = 1 << 20, CHUNK_BYTES = 65536, NAME_BYTES = 40 };

struct sqlite_vfs {
	sqlite3_vfs vfs;
	sqlite3_vfs *below;
	char name[NAME_BYTES];
};

/* A write-ahead log. The file of the VFS below stands behind it in the same memory. */
struct wal_file {
	sqlite3_file file;
	sqlite3_file *below;
	char *bytes; /* owned; NULL before the first write */
	size_t len;
	sqlite3_int64 at; /* where the gathered bytes go */
};

static struct wal_file *wal_of(sqlite3_file *file)
{
	return (struct wal_file *)(void *)file;
}

/* Writes out what was gathered. It is gone from here even when that fails: SQLite then rolls back
 * and writes again what it still wants. */
static int flush(struct wal_file *wal)
{
	if (wal->len == 0) {
		return SQLITE_OK;
	}
	size_t len = wal->len;
	size_t done = 0;
	wal->len = 0;
	while (done < len) {
		sqlite3_int64 at = wal->at + (sqlite3_int64)done;
		size_t part = CHUNK_BYTES - (size_t)(at % CHUNK_BYTES);
		part = part > len - done ? len - done : part;
		int rc = wal->below->pMethods->xWrite(wal->below, wal->bytes + done, (int)part, at);
		if (rc != SQLITE_OK) {
			/* A quota or the largest size of a file: as harmless as a full disk. */
			bool full = rc == SQLITE_IOERR_WRITE && (errno == EDQUOT || errno == EFBIG);
			return full ? SQLITE_FULL : rc;
		}
		done += part;
	}
	return SQLITE_OK;
}

static int wal_write(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 at)
{
	struct wal_file *wal = wal_of(file);
	size_t size = (size_t)count;
	if (wal->bytes == NULL) {
		wal->bytes = alloc_bytes(VFS_GATHER_BYTES);
	}
	bool follows = at == wal->at + (sqlite3_int64)wal->len;
	if (wal->len > 0 && (!follows || wal->len + size > VFS_GATHER_BYTES)) {
		int rc = flush(wal);
		if (rc != SQLITE_OK) {
			return rc;
		}
	}
	if (size > VFS_GATHER_BYTES) {
		return wal->below->pMethods->xWrite(wal->below, bytes, count, at);
	}
	if (wal->len == 0) {
		wal->at = at;
	}
	memcpy(wal->bytes + wal->len, bytes, size);
	wal->len += size;
	return SQLITE_OK;
}

static int wal_read(sqlite3_file *file, void *ret_bytes, int count, sqlite3_int64 at)
{
	struct wal_file *wal = wal_of(file);
	int rc = flush(wal);
	return rc != SQLITE_OK ? rc : wal->below->pMethods->xRead(wal->below, ret_bytes, count, at);
}

static int wal_sync(sqlite3_file *file, int flags)
{
	struct wal_file *wal = wal_of(file);
	int rc = flush(wal);
	return rc != SQLITE_OK ? rc : wal->below->pMethods->xSync(wal->below, flags);
}

static int wal_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	struct wal_file *wal = wal_of(file);
	int rc = flush(wal);
	return rc != SQLITE_OK ? rc : wal->below->pMethods->xTruncate(wal->below, size);
}

static int wal_file_size(sqlite3_file *file, sqlite3_int64 *ret_size)
{
	struct wal_file *wal = wal_of(file);
	int rc = flush(wal);
	return rc != SQLITE_OK ? rc : wal->below->pMethods->xFileSize(wal->below, ret_size);
}

static int wal_close(sqlite3_file *file)
{
	struct wal_file *wal = wal_of(file);
	int flushed = flush(wal);
	int rc = wal->below->pMethods->xClose(wal->below);
	free(wal->bytes);
	wal->bytes = NULL;
	return flushed != SQLITE_OK ? flushed : rc;
}

static int wal_lock(sqlite3_file *file, int level)
{
	struct wal_file *wal = wal_of(file);
	return wal->below->pMethods->xLock(wal->below, level);
}

static int wal_unlock(sqlite3_file *file, int level)
{
	struct wal_file *wal = wal_of(file);
	return wal->below->pMethods->xUnlock(wal->below, level);
}

static int wal_check_reserved(sqlite3_file *file, int *ret_reserved)
{
	struct wal_file *wal = wal_of(file);
	return wal->below->pMethods->xCheckReservedLock(wal->below, ret_reserved);
}

static int wal_control(sqlite3_file *file, int op, void *argument)
{
	struct wal_file *wal = wal_of(file);
	return wal->below->pMethods->xFileControl(wal->below, op, argument);
}

static int wal_sector_size(sqlite3_file *file)
{
	struct wal_file *wal = wal_of(file);
	return wal->below->pMethods->xSectorSize(wal->below);
}

static int wal_characteristics(sqlite3_file *file)
{
	struct wal_file *wal = wal_of(file);
	return wal->below->pMethods->xDeviceCharacteristics(wal->below);
}

static const sqlite3_io_methods wal_methods = {
	.iVersion = 1,
	.xClose = wal_close,
	.xRead = wal_read,
	.xWrite = wal_write,
	.xTruncate = wal_truncate,
	.xSync = wal_sync,
	.xFileSize = wal_file_size,
	.xLock = wal_lock,
	.xUnlock = wal_unlock,
	.xCheckReservedLock = wal_check_reserved,
	.xFileControl = wal_control,
	.xSectorSize = wal_sector_size,
	.xDeviceCharacteristics = wal_characteristics,
};

/* Room for the head, so that the file behind it is aligned for anything. */
enum { HEAD_BYTES = (sizeof(struct wal_file) + 15) / 16 * 16 };

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
					 int *ret_flags)
{
	sqlite3_vfs *below = ((struct sqlite_vfs *)(void *)vfs)->below;
	if ((flags & SQLITE_OPEN_WAL) == 0) {
		return below->xOpen(below, name, file, flags, ret_flags);
	}
	struct wal_file *wal = wal_of(file);
	*wal = (struct wal_file){.below = (sqlite3_file *)(void *)((char *)file + HEAD_BYTES)};
	int rc = below->xOpen(below, name, wal->below, flags, ret_flags);
	/* SQLite closes a file that has methods, also after a failed open. */
	if (wal->below->pMethods != NULL) {
		wal->file.pMethods = &wal_methods;
	}
	return rc;
}

struct sqlite_vfs *sqlite_vfs_create(const char *below)
{
	sqlite3_vfs *found = sqlite3_vfs_find(below);
	if (found == NULL) {
		return NULL;
	}
	struct sqlite_vfs *vfs = alloc_zeroed(1, sizeof(*vfs));
	vfs->below = found;
	/* The rest of the methods work on the VFS alone, and are the ones below. */
	vfs->vfs = *found;
	vfs->vfs.szOsFile = HEAD_BYTES + found->szOsFile;
	vfs->vfs.xOpen = open_file;
	vfs->vfs.pNext = NULL;
	snprintf(vfs->name, sizeof(vfs->name), "rowlock-%p", (void *)vfs);
	vfs->vfs.zName = vfs->name;
	if (sqlite3_vfs_register(&vfs->vfs, 0) != SQLITE_OK) {
		free(vfs);
		return NULL;
	}
	return vfs;
}

const char *sqlite_vfs_name(const struct sqlite_vfs *vfs)
{
	return vfs->name;
}

void sqlite_vfs_destroy(struct sqlite_vfs *vfs)
{
	if (vfs != NULL) {
		sqlite3_vfs_unregister(&vfs->vfs);
		free(vfs);
	}
}
