#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "store/sqlite_vfs.h"

enum { RUNS = 60, STEPS = 120, SPACE = 3 << 20, WRITE_MAX = 70000 };

/* The file as it should be. */
struct expected {
	unsigned char *bytes;
	sqlite3_int64 size;
};

static unsigned next(unsigned *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static void step_write(sqlite3_file *file, struct expected *expected, unsigned *seed)
{
	static unsigned char bytes[WRITE_MAX];
	int count = (int)(next(seed) % 8 == 0 ? next(seed) % WRITE_MAX : next(seed) % 5000) + 1;
	/* Mostly behind the last one, as a log is written. */
	sqlite3_int64 at = next(seed) % 4 == 0 ? (sqlite3_int64)(next(seed) % (SPACE / 2))
										   : expected->size;
	if (at + count > SPACE) {
		return;
	}
	memset(bytes, (int)next(seed), (size_t)count);
	assert_int_equal(file->pMethods->xWrite(file, bytes, count, at), SQLITE_OK);
	memcpy(expected->bytes + at, bytes, (size_t)count);
	expected->size = at + count > expected->size ? at + count : expected->size;
}

static void step_read(sqlite3_file *file, const struct expected *expected, unsigned *seed)
{
	static unsigned char bytes[WRITE_MAX];
	int count = (int)(next(seed) % WRITE_MAX);
	if (expected->size < count) {
		return;
	}
	sqlite3_int64 at = (sqlite3_int64)(next(seed) % (unsigned)(expected->size - count + 1));
	assert_int_equal(file->pMethods->xRead(file, bytes, count, at), SQLITE_OK);
	assert_memory_equal(bytes, expected->bytes + at, (size_t)count);
}

static void step_truncate(sqlite3_file *file, struct expected *expected, unsigned *seed)
{
	sqlite3_int64 size = (sqlite3_int64)(next(seed) % (unsigned)(expected->size + 1));
	assert_int_equal(file->pMethods->xTruncate(file, size), SQLITE_OK);
	memset(expected->bytes + size, 0, (size_t)(expected->size - size));
	expected->size = size;
}

/* After a sync the file below holds everything, read through another handle. */
static void check_file(const char *path, const struct expected *expected)
{
	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	unsigned char *bytes = malloc(SPACE);
	size_t count = fread(bytes, 1, SPACE, file);
	assert_int_equal(count, expected->size);
	assert_memory_equal(bytes, expected->bytes, count);
	free(bytes);
	fclose(file);
}

static void run_steps(sqlite3_file *file, const char *path, unsigned seed)
{
	struct expected expected = {.bytes = calloc(1, SPACE)};
	for (int i = 0; i < STEPS; i++) {
		unsigned kind = next(&seed) % 20;
		if (kind < 14) {
			step_write(file, &expected, &seed);
		} else if (kind < 16) {
			step_read(file, &expected, &seed);
		} else if (kind == 16) {
			step_truncate(file, &expected, &seed);
		} else if (kind == 17) {
			sqlite3_int64 size = -1;
			assert_int_equal(file->pMethods->xFileSize(file, &size), SQLITE_OK);
			assert_int_equal(size, expected.size);
		} else {
			assert_int_equal(file->pMethods->xSync(file, SQLITE_SYNC_NORMAL), SQLITE_OK);
			check_file(path, &expected);
		}
	}
	assert_int_equal(file->pMethods->xSync(file, SQLITE_SYNC_NORMAL), SQLITE_OK);
	check_file(path, &expected);
	free(expected.bytes);
}

static void test_random_steps(void **state)
{
	(void)state;
	struct sqlite_vfs *vfs = sqlite_vfs_create("unix-excl");
	assert_non_null(vfs);
	sqlite3_vfs *found = sqlite3_vfs_find(sqlite_vfs_name(vfs));
	char database[] = "/tmp/rowlock-vfs-test-XXXXXX";
	int fd = mkstemp(database);
	assert_true(fd >= 0);
	close(fd);
	/* A new log takes its mode from the database beside it, so there must be one. */
	char path[sizeof(database) + 4];
	snprintf(path, sizeof(path), "%s-wal", database);
	for (unsigned seed = 1; seed <= RUNS; seed++) {
		sqlite3_file *file = calloc(1, (size_t)found->szOsFile);
		int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_WAL;
		assert_int_equal(found->xOpen(found, path, file, flags, NULL), SQLITE_OK);
		assert_int_equal(file->pMethods->xTruncate(file, 0), SQLITE_OK);
		run_steps(file, path, seed);
		assert_int_equal(file->pMethods->xClose(file), SQLITE_OK);
		free(file);
	}
	unlink(path);
	unlink(database);
	sqlite_vfs_destroy(vfs);
}

/* A disk that is full refuses the gathered write: the sync says so, and the file can be written
 * again. */
static void test_refused_write(void **state)
{
	(void)state;
	struct sqlite_vfs *vfs = sqlite_vfs_create("unix-excl");
	sqlite3_vfs *found = sqlite3_vfs_find(sqlite_vfs_name(vfs));
	sqlite3_file *file = calloc(1, (size_t)found->szOsFile);
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_WAL;
	assert_int_equal(found->xOpen(found, "/dev/full", file, flags, NULL), SQLITE_OK);
	char bytes[100] = "x";
	assert_int_equal(file->pMethods->xWrite(file, bytes, sizeof(bytes), 0), SQLITE_OK);
	int rc = file->pMethods->xSync(file, SQLITE_SYNC_NORMAL);
	assert_int_equal(rc & 0xff, SQLITE_FULL);
	assert_int_equal(file->pMethods->xClose(file), SQLITE_OK);
	free(file);
	sqlite_vfs_destroy(vfs);
}

static void test_unknown_below(void **state)
{
	(void)state;
	assert_null(sqlite_vfs_create("there is no such vfs"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_steps),
		cmocka_unit_test(test_refused_write),
		cmocka_unit_test(test_unknown_below),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
