#include "store/sqlite_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { CHUNK_BYTES = 65536, PATH_BYTES = 4096 + 8 };

/* Whole, or false with errno. */
static bool write_all(int fd, const char *bytes, size_t len, off_t at)
{
	while (len > 0) {
		ssize_t count = pwrite(fd, bytes, len, at);
		if (count < 0 && errno != EINTR) {
			return false;
		}
		if (count > 0) {
			bytes += count;
			len -= (size_t)count;
			at += count;
		}
	}
	return true;
}

static bool rewrite(int fd)
{
	char bytes[CHUNK_BYTES];
	off_t at = 0;
	for (;;) {
		ssize_t count = pread(fd, bytes, sizeof(bytes), at);
		if (count < 0 && errno == EINTR) {
			continue;
		}
		if (count <= 0) {
			return count == 0 && (at == 0 || fdatasync(fd) == 0);
		}
		if (!write_all(fd, bytes, (size_t)count, at)) {
			return false;
		}
		at += count;
	}
}

bool sqlite_log_rewrite(const char *path, struct error *error)
{
	char log[PATH_BYTES];
	snprintf(log, sizeof(log), "%s-wal", path);
	int fd = open(log, O_RDWR | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		return true;
	}
	bool ok = fd >= 0 && rewrite(fd);
	if (!ok) {
		error_set(error, ERROR_STORE, "the write-ahead log %s could not be made safe: %s", log,
				  strerror(errno));
		error_hint(error, "check the disk; nothing is served before the log is safe");
	}
	if (fd >= 0) {
		close(fd);
	}
	return ok;
}
