#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "fail.h"

/* 0, or -1 with errno as the test wants it. */
static inline int step(const struct js_sys *sys, enum js_call call)
{
	if (sys->step == NULL) {
		return 0;
	}
	int wanted = sys->step(sys->context, call);
	if (wanted > 0) {
		errno = wanted;
		return -1;
	}
	return 0;
}

void *js_allocate(const struct js_sys *sys, void *old, size_t bytes)
{
	if (step(sys, JS_CALL_ALLOCATE) != 0) {
		return NULL;
	}
	return realloc(old, bytes > 0 ? bytes : 1);
}

void *js_new(const struct js_sys *sys, size_t count, size_t size, struct jsonstore_error *error)
{
	void *memory = step(sys, JS_CALL_ALLOCATE) != 0 ? NULL : calloc(count > 0 ? count : 1, size);
	if (memory == NULL) {
		js_fail_memory(error);
	}
	return memory;
}

int js_openat(const struct js_sys *sys, int folder, const char *name, int flags)
{
	if (step(sys, JS_CALL_OPEN) != 0) {
		return -1;
	}
	return openat(folder, name, flags | O_CLOEXEC, 0666);
}

int js_open_unnamed(const struct js_sys *sys, int folder)
{
	unsigned long long number;
	char name[64];
	if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number)) {
		return -1;
	}
	/* O_TMPFILE is not on all file systems. */
	(void)snprintf(name, sizeof(name), "jsonstore-%016llx.tmp", number);
	int fd = js_openat(sys, folder, name, O_RDWR | O_CREAT | O_EXCL);
	if (fd >= 0) {
		(void)js_unlinkat(sys, folder, name);
	}
	return fd;
}

int js_renameat(const struct js_sys *sys, int from_folder, const char *from, int to_folder,
				const char *to)
{
	return step(sys, JS_CALL_RENAME) != 0 ? -1 : renameat(from_folder, from, to_folder, to);
}

int js_unlinkat(const struct js_sys *sys, int folder, const char *name)
{
	return step(sys, JS_CALL_UNLINK) != 0 ? -1 : unlinkat(folder, name, 0);
}

int js_fstat(const struct js_sys *sys, int fd, struct stat *status)
{
	return step(sys, JS_CALL_OTHER) != 0 ? -1 : fstat(fd, status);
}

int js_truncate(const struct js_sys *sys, int fd, uint64_t length)
{
	return step(sys, JS_CALL_TRUNCATE) != 0 ? -1 : ftruncate(fd, (off_t)length);
}

int js_fdatasync(const struct js_sys *sys, int fd)
{
	return step(sys, JS_CALL_SYNC) != 0 ? -1 : fdatasync(fd);
}

int js_fsync(const struct js_sys *sys, int fd)
{
	return step(sys, JS_CALL_SYNC) != 0 ? -1 : fsync(fd);
}

int js_pwrite(const struct js_sys *sys, int fd, const void *bytes, size_t count, uint64_t offset)
{
	const char *next = bytes;
	int wanted = sys->step == NULL ? 0 : sys->step(sys->context, JS_CALL_WRITE);
	if (wanted > 0) {
		errno = wanted;
		return -1;
	}
	if (wanted == JS_HALF) {
		count /= 2;
	}
	while (count > 0) {
		ssize_t done = pwrite(fd, next, count, (off_t)offset);
		if (done < 0) {
			if (errno == EINTR) {
				continue;
			}
			return -1;
		}
		next += done;
		count -= (size_t)done;
		offset += (uint64_t)done;
	}
	if (wanted == JS_HALF) {
		errno = EIO;
		return -1;
	}
	return 0;
}

ssize_t js_pread(const struct js_sys *sys, int fd, void *bytes, size_t count, uint64_t offset)
{
	char *next = bytes;
	size_t left = count;
	if (step(sys, JS_CALL_READ) != 0) {
		return -1;
	}
	while (left > 0) {
		ssize_t done = pread(fd, next, left, (off_t)offset);
		if (done < 0 && errno == EINTR) {
			continue;
		}
		if (done < 0) {
			return -1;
		}
		if (done == 0) {
			break;
		}
		next += done;
		left -= (size_t)done;
		offset += (uint64_t)done;
	}
	return (ssize_t)(count - left);
}

static struct flock lock_of(uint64_t byte, int type)
{
	return (struct flock){
		.l_type = (short)type,
		.l_whence = SEEK_SET,
		.l_start = (off_t)byte,
		.l_len = 1,
	};
}

int js_lock(const struct js_sys *sys, int fd, uint64_t byte, int type, bool wait)
{
	struct flock lock = lock_of(byte, type);
	int result;
	if (type != F_UNLCK && step(sys, JS_CALL_LOCK) != 0) {
		return -1;
	}
	do {
		result = fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &lock);
	} while (result != 0 && errno == EINTR);
	return result == 0 ? 0 : -1;
}

int js_lock_held(const struct js_sys *sys, int fd, uint64_t byte)
{
	struct flock lock = lock_of(byte, F_WRLCK);
	if (step(sys, JS_CALL_LOCK) != 0 || fcntl(fd, F_OFD_GETLK, &lock) != 0) {
		return -1;
	}
	return lock.l_type != F_UNLCK;
}
