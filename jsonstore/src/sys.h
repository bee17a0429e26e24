/*
 * Calls of the system and memory, in one place so that a test can make the n-th of them fail. All
 * other files of the library get memory, write and sync through here.
 *
 * Ownership: memory is freed with free(). Threads: any; `step` of a test sees to itself.
 * Errors: codes in struct jsonstore_error. Limits: none.
 */
#ifndef JSONSTORE_SRC_SYS_H
#define JSONSTORE_SRC_SYS_H

#include <sys/stat.h>
#include <sys/types.h>

#include "jsonstore.h"

enum js_call {
	JS_CALL_ALLOCATE,
	JS_CALL_OPEN,
	JS_CALL_READ,
	JS_CALL_WRITE,
	JS_CALL_SYNC,
	JS_CALL_TRUNCATE,
	JS_CALL_RENAME,
	JS_CALL_UNLINK,
	JS_CALL_LOCK,
	JS_CALL_OTHER,
};

struct js_sys {
	/* Asked before each call; an errno makes the call fail with it. NULL: never. A write of which
	 * JS_HALF was said writes half and fails with EIO. */
	int (*step)(void *context, enum js_call call);
	void *context;
};

enum { JS_HALF = -1 };

/* realloc; NULL when there is no memory. */
void *js_allocate(const struct js_sys *sys, void *old, size_t bytes);
/* Zeroed, with the error filled. */
void *js_new(const struct js_sys *sys, size_t count, size_t size, struct jsonstore_error *error);

/* Relative to a folder's descriptor, O_CLOEXEC. -1, with errno, on failure. */
int js_openat(const struct js_sys *sys, int folder, const char *name, int flags);
/* A file without a name, on the file system of a folder. */
int js_open_unnamed(const struct js_sys *sys, int folder);
int js_renameat(const struct js_sys *sys, int from_folder, const char *from, int to_folder,
				const char *to);
int js_unlinkat(const struct js_sys *sys, int folder, const char *name);
int js_fstat(const struct js_sys *sys, int fd, struct stat *status);
int js_truncate(const struct js_sys *sys, int fd, uint64_t length);
int js_fdatasync(const struct js_sys *sys, int fd);
int js_fsync(const struct js_sys *sys, int fd);
/* All bytes, or -1 with errno. */
int js_pwrite(const struct js_sys *sys, int fd, const void *bytes, size_t count, uint64_t offset);
/* As many as there are before the end of the file; -1 with errno. */
ssize_t js_pread(const struct js_sys *sys, int fd, void *bytes, size_t count, uint64_t offset);
/* One byte of an OFD lock: F_RDLCK, F_WRLCK, F_UNLCK; -1 with errno (EAGAIN without `wait`). */
int js_lock(const struct js_sys *sys, int fd, uint64_t byte, int type, bool wait);
/* Whether another holds the byte in a way that keeps a writer out. -1 with errno. */
int js_lock_held(const struct js_sys *sys, int fd, uint64_t byte);

#endif
