/*
 * The n-th write, or the n-th sync, of all that a store does from its opening to its closing fails,
 * for every n until none is left to fail. Each run is a process of its own, which says on a pipe
 * what was acknowledged; afterwards the file is opened again and holds exactly that.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/sqlite_priv.h"
#include "store/store_test_help.h"

enum fault { FAULT_SYNC, FAULT_WRITE, FAULT_FULL, FAULT_READ };
enum { WRITES = 12, TOGETHER = 4, EXIT_FATAL = 42, EXIT_REFUSED = 43, N_MAX = 2000 };

/* ---- a VFS that fails once ---- */

struct faulty_vfs {
	sqlite3_vfs vfs;
	sqlite3_vfs *below;
	enum fault fault;
	_Atomic int left; /* calls until the one that fails */
	int report;       /* pipe */
};

struct faulty_file {
	sqlite3_file file;
	sqlite3_file *below;
	struct faulty_vfs *vfs;
};

static struct faulty_file *faulty(sqlite3_file *file)
{
	return (struct faulty_file *)(void *)file;
}

static sqlite3_file *below(sqlite3_file *file)
{
	return faulty(file)->below;
}

static bool fails(sqlite3_file *file, enum fault fault)
{
	struct faulty_vfs *vfs = faulty(file)->vfs;
	if (vfs->fault != fault || atomic_fetch_sub(&vfs->left, 1) != 0) {
		return false;
	}
	assert_int_equal(write(vfs->report, "fault\n", 6), 6);
	errno = EIO;
	return true;
}

static int f_close(sqlite3_file *file)
{
	return below(file)->pMethods->xClose(below(file));
}

static int f_read(sqlite3_file *file, void *bytes, int count, sqlite3_int64 at)
{
	if (fails(file, FAULT_READ)) {
		return SQLITE_IOERR_READ;
	}
	return below(file)->pMethods->xRead(below(file), bytes, count, at);
}

static int f_write(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 at)
{
	if (fails(file, FAULT_WRITE)) {
		/* A part of it is there. */
		below(file)->pMethods->xWrite(below(file), bytes, count / 2, at);
		errno = EIO;
		return SQLITE_IOERR_WRITE;
	}
	if (fails(file, FAULT_FULL)) {
		return SQLITE_FULL;
	}
	return below(file)->pMethods->xWrite(below(file), bytes, count, at);
}

static int f_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	return below(file)->pMethods->xTruncate(below(file), size);
}

static int f_sync(sqlite3_file *file, int flags)
{
	if (fails(file, FAULT_SYNC)) {
		return SQLITE_IOERR_FSYNC;
	}
	return below(file)->pMethods->xSync(below(file), flags);
}

static int f_size(sqlite3_file *file, sqlite3_int64 *ret_size)
{
	return below(file)->pMethods->xFileSize(below(file), ret_size);
}

static int f_lock(sqlite3_file *file, int level)
{
	return below(file)->pMethods->xLock(below(file), level);
}

static int f_unlock(sqlite3_file *file, int level)
{
	return below(file)->pMethods->xUnlock(below(file), level);
}

static int f_reserved(sqlite3_file *file, int *ret_reserved)
{
	return below(file)->pMethods->xCheckReservedLock(below(file), ret_reserved);
}

static int f_control(sqlite3_file *file, int what, void *argument)
{
	return below(file)->pMethods->xFileControl(below(file), what, argument);
}

static int f_sector(sqlite3_file *file)
{
	return below(file)->pMethods->xSectorSize(below(file));
}

static int f_characteristics(sqlite3_file *file)
{
	return below(file)->pMethods->xDeviceCharacteristics(below(file));
}

static int f_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **ret_map)
{
	return below(file)->pMethods->xShmMap(below(file), page, size, extend, ret_map);
}

static int f_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
	return below(file)->pMethods->xShmLock(below(file), offset, count, flags);
}

static void f_shm_barrier(sqlite3_file *file)
{
	below(file)->pMethods->xShmBarrier(below(file));
}

static int f_shm_unmap(sqlite3_file *file, int remove)
{
	return below(file)->pMethods->xShmUnmap(below(file), remove);
}

static int f_fetch(sqlite3_file *file, sqlite3_int64 at, int count, void **ret_bytes)
{
	return below(file)->pMethods->xFetch(below(file), at, count, ret_bytes);
}

static int f_unfetch(sqlite3_file *file, sqlite3_int64 at, void *bytes)
{
	return below(file)->pMethods->xUnfetch(below(file), at, bytes);
}

static const sqlite3_io_methods faulty_methods = {
	3,
	f_close,
	f_read,
	f_write,
	f_truncate,
	f_sync,
	f_size,
	f_lock,
	f_unlock,
	f_reserved,
	f_control,
	f_sector,
	f_characteristics,
	f_shm_map,
	f_shm_lock,
	f_shm_barrier,
	f_shm_unmap,
	f_fetch,
	f_unfetch,
};

static int f_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret_flags)
{
	struct faulty_vfs *own = (struct faulty_vfs *)(void *)vfs;
	struct faulty_file *opened = faulty(file);
	opened->vfs = own;
	opened->below = (sqlite3_file *)(void *)(opened + 1);
	opened->below->pMethods = NULL;
	int rc = own->below->xOpen(own->below, name, opened->below, flags, ret_flags);
	opened->file.pMethods = opened->below->pMethods != NULL ? &faulty_methods : NULL;
	return rc;
}

static void register_faulty(struct faulty_vfs *vfs)
{
	vfs->below = sqlite3_vfs_find("unix-excl");
	vfs->vfs = *vfs->below;
	vfs->vfs.zName = "faulty";
	vfs->vfs.pNext = NULL;
	vfs->vfs.szOsFile += (int)sizeof(struct faulty_file);
	vfs->vfs.xOpen = f_open;
	assert_int_equal(sqlite3_vfs_register(&vfs->vfs, 0), SQLITE_OK);
}

/* ---- one run, in a process of its own ---- */

static void run_writes(struct fixture *fixture, int report)
{
	for (int64_t i = 0; i < WRITES; i += TOGETHER) {
		struct call calls[TOGETHER];
		for (int64_t j = 0; j < TOGETHER; j++) {
			call_init(&calls[j], test_rating(fixture, i + j, 1, 1));
			call_start(fixture, &calls[j]);
		}
		for (int64_t j = 0; j < TOGETHER; j++) {
			call_wait(fixture, &calls[j]);
			char line[64];
			int len = snprintf(line, sizeof(line), "%s %d\n", calls[j].ok ? "yes" : "no",
							   (int)(i + j));
			assert_int_equal(write(report, line, (size_t)len), len);
			assert_true(calls[j].ok || calls[j].error.code == ERROR_STORE ||
						calls[j].error.code == ERROR_STORE_FULL);
			call_finish(&calls[j]);
		}
	}
}

static void run_child(struct fixture *fixture, enum fault fault, int n, int report)
{
	struct faulty_vfs vfs = {.fault = fault, .left = n, .report = report};
	register_faulty(&vfs);
	struct store_options options = fixture_options(fixture);
	options.location = arena_printf(&fixture->arena, "%s/test.db", fixture->folder);
	struct error error = {.code = ERROR_NONE};
	fixture->store = sqlite_open_vfs(&options, "faulty", &error);
	if (fixture->store == NULL) {
		assert_int_not_equal(error.code, ERROR_NONE);
		_exit(EXIT_REFUSED);
	}
	fixture->session = store_attach(fixture->store, fixture->loop, &error);
	if (fixture->session == NULL) {
		_exit(EXIT_REFUSED);
	}
	run_writes(fixture, report);
	fixture_close(fixture);
	_exit(0);
}

/* ---- what is found afterwards ---- */

struct outcome {
	bool faulted;
	bool answered[WRITES];
	bool acknowledged[WRITES];
	size_t after; /* acknowledged, as far as the pipe says, after the fault */
	int status;
};

static struct outcome read_outcome(int report, pid_t pid)
{
	struct outcome outcome = {.faulted = false};
	FILE *lines = fdopen(report, "r");
	char line[64];
	while (fgets(line, sizeof(line), lines) != NULL) {
		int number = -1;
		if (strcmp(line, "fault\n") == 0) {
			outcome.faulted = true;
		} else if (sscanf(line, "yes %d", &number) == 1) {
			outcome.answered[number] = true;
			outcome.acknowledged[number] = true;
			outcome.after += outcome.faulted;
		} else {
			assert_int_equal(sscanf(line, "no %d", &number), 1);
			outcome.answered[number] = true;
		}
	}
	fclose(lines);
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	outcome.status = WEXITSTATUS(status);
	return outcome;
}

static struct outcome run(struct fixture *fixture, enum fault fault, int n)
{
	int ends[2];
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	fflush(stdout);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct fixture child;
		fixture_init(&child, test_service);
		rmdir(child.folder);
		snprintf(child.folder, sizeof(child.folder), "%s", fixture->folder);
		run_child(&child, fault, n, ends[1]);
	}
	close(ends[1]);
	return read_outcome(ends[0], pid);
}

/* Exactly what was acknowledged is there; what was not answered may be. */
static void check_rows(struct fixture *fixture, const struct outcome *outcome)
{
	fixture_open(fixture, "sqlite:");
	for (size_t i = 0; i < WRITES; i++) {
		struct query *query = test_list(fixture, "ratings");
		query->where = test_compare(fixture, query->resource, "user_id", OPERATOR_EQ,
									test_integer((int64_t)i));
		bool there = run_ok(fixture, query).len > 2;
		if (there ? outcome->answered[i] && !outcome->acknowledged[i] : outcome->acknowledged[i]) {
			fail_msg("row %zu is %s", i, there ? "there though refused" : "lost");
		}
	}
	run_ok(fixture, test_rating(fixture, 1000, 1, 1));
	fixture_close(fixture);
}

static void run_every(enum fault fault, const char *name)
{
	size_t fatal = 0;
	int n = 0;
	for (;; n++) {
		assert_true(n < N_MAX);
		struct fixture fixture;
		fixture_init(&fixture, test_service);
		struct outcome outcome = run(&fixture, fault, n);
		if (outcome.status != 0 && outcome.status != EXIT_FATAL && outcome.status != EXIT_REFUSED) {
			fail_msg("%s %d: status %d", name, n, outcome.status);
		}
		if (fault == FAULT_SYNC && outcome.faulted) {
			/* Nobody goes on. A group that was committed before may just be on its way. */
			assert_true(outcome.after < TOGETHER);
			assert_int_not_equal(outcome.status, 0);
		}
		if (fault == FAULT_WRITE && outcome.faulted) {
			assert_true(outcome.after < TOGETHER);
			assert_int_not_equal(outcome.status, 0);
		}
		if (fault == FAULT_FULL) {
			assert_int_not_equal(outcome.status, EXIT_FATAL);
		}
		fatal += outcome.status == EXIT_FATAL;
		check_rows(&fixture, &outcome);
		fixture_finish(&fixture);
		if (!outcome.faulted) {
			assert_int_equal(outcome.status, 0);
			break;
		}
	}
	print_message("%s: %d places, %zu of them final\n", name, n, fatal);
	assert_true(n > 3);
	assert_true(fault != FAULT_SYNC || fatal > 2);
}

static void test_failed_syncs(void **state)
{
	(void)state;
	run_every(FAULT_SYNC, "sync");
}

static void test_failed_writes(void **state)
{
	(void)state;
	run_every(FAULT_WRITE, "write");
}

static void test_full_disk(void **state)
{
	(void)state;
	run_every(FAULT_FULL, "full");
}

static void test_failed_reads(void **state)
{
	(void)state;
	run_every(FAULT_READ, "read");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_failed_syncs),
		cmocka_unit_test(test_failed_writes),
		cmocka_unit_test(test_full_disk),
		cmocka_unit_test(test_failed_reads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
