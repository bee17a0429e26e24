#include "app/import_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COPY_BYTES = 1 << 16 };

static bool fail(const char *path, struct error *error)
{
	return error_set(error, ERROR_CONFIG, "%s: %s", path, strerror(errno));
}

static bool write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t written = write(fd, bytes, len);
		if (written < 0 && errno != EINTR) {
			return false;
		}
		bytes += written < 0 ? 0 : written;
		len -= written < 0 ? 0 : (size_t)written;
	}
	return true;
}

/* -1 with errno. */
static int copy_input(void)
{
	const char *folder = getenv("TMPDIR");
	int fd = open(folder != NULL ? folder : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	char bytes[COPY_BYTES];
	for (ssize_t got; fd >= 0;) {
		got = read(STDIN_FILENO, bytes, sizeof(bytes));
		if (got == 0) {
			return fd;
		}
		if ((got < 0 && errno != EINTR) || (got > 0 && !write_all(fd, bytes, (size_t)got))) {
			close(fd);
			return -1;
		}
	}
	return -1;
}

bool import_file_open(const char *path, struct str *ret_text, struct error *error)
{
	int fd = strcmp(path, "-") == 0 ? copy_input() : open(path, O_RDONLY | O_CLOEXEC);
	struct stat stat;
	if (fd < 0 || fstat(fd, &stat) != 0) {
		(void)fail(path, error);
		if (fd >= 0) {
			close(fd);
		}
		return false;
	}
	size_t len = (size_t)stat.st_size;
	if (!S_ISREG(stat.st_mode)) {
		close(fd);
		error_set(error, ERROR_CONFIG, "%s is no file", path);
		return error_hint(error, "`-` reads standard input");
	}
	void *bytes = len == 0 ? NULL : mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
	bool ok = bytes != MAP_FAILED || fail(path, error);
	close(fd);
	if (!ok) {
		return false;
	}
	if (len > 0) {
		(void)madvise(bytes, len, MADV_SEQUENTIAL);
	}
	*ret_text = (struct str){bytes, len};
	return true;
}

void import_file_release(struct str text, size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t whole = bytes / page * page;
	if (whole > 0) {
		(void)madvise((void *)(uintptr_t)text.ptr, whole, MADV_DONTNEED);
	}
}

void import_file_close(struct str text)
{
	if (text.len > 0) {
		(void)munmap((void *)(uintptr_t)text.ptr, text.len);
	}
}
