#include "http/body.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "http/http_priv.h"
#include "http/server_test_bed.h"

#define MEMORY HTTP_BODY_MEMORY_BYTES
#define PIECE HTTP_BODY_PIECE_BYTES

struct fixture {
	struct limits limits;
	struct http_shared shared;
	struct http_server server; /* only its budget */
	struct http_body body;
};

static void fixture_init(struct fixture *fixture)
{
	memset(fixture, 0, sizeof(*fixture));
	limits_init(&fixture->limits);
	fixture->server.limits = &fixture->limits;
	fixture->server.shared = &fixture->shared;
	http_body_init(&fixture->body, &fixture->server);
}

static void fixture_finish(struct fixture *fixture)
{
	http_body_finish(&fixture->body);
	assert_int_equal(atomic_load(&fixture->shared.memory_bytes), 0);
}

static char byte_at(uint64_t at)
{
	return (char)('a' + at % 23);
}

static void put(char *to, uint64_t from, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		to[i] = byte_at(from + i);
	}
}

/* Receives `bytes` in reads of at most `step`, as a connection does, up to the first failure. */
static bool receive(struct http_body *body, uint64_t bytes, size_t step, bool known,
					struct str *ret_text, struct error *error)
{
	http_body_begin(body, known ? bytes : HTTP_BODY_LENGTH_UNKNOWN);
	while (http_body_bytes(body) < bytes) {
		uint64_t left = bytes - http_body_bytes(body);
		size_t count = left < step ? (size_t)left : step;
		if (known) {
			if (!http_body_settle(body, error)) {
				return false;
			}
			size_t room = http_body_room(body);
			assert_true(room > 0 && room <= left);
			count = count < room ? count : room;
			put(body->part.ptr + body->part.len, http_body_bytes(body), count);
			buf_added(&body->part, count);
			continue;
		}
		put(buf_reserve(&body->part, count), http_body_bytes(body), count);
		buf_added(&body->part, count);
		if (!http_body_settle(body, error)) {
			return false;
		}
	}
	return http_body_settle(body, error) && http_body_complete(body, ret_text, error);
}

static bool is_pattern(struct str text, uint64_t bytes)
{
	bool same = text.len == bytes;
	for (size_t i = 0; same && i < text.len; i++) {
		same = text.ptr[i] == byte_at(i);
	}
	return same;
}

/* ---- what comes is what is given ---- */

static const struct {
	int line;
	uint64_t bytes;
	size_t step;
	bool known;
	bool in_file;
} content_rows[] = {
	{__LINE__, 0, 1, true, false},
	{__LINE__, 0, 1, false, false},
	{__LINE__, 1, 1, true, false},
	{__LINE__, 1, 1, false, false},
	{__LINE__, PIECE, 1000, true, false},
	{__LINE__, PIECE + 1, 1000, false, false},
	{__LINE__, MEMORY, 65536, true, false},
	{__LINE__, MEMORY, 65536, false, false},
	{__LINE__, MEMORY, 1000, false, false},
	{__LINE__, MEMORY + 1, 65536, true, true},
	{__LINE__, MEMORY + 1, 65536, false, true},
	{__LINE__, MEMORY + 1, 1000, true, true},
	{__LINE__, MEMORY + 1, 1000, false, true},
	{__LINE__, MEMORY + PIECE, PIECE - 1, false, true},
	{__LINE__, MEMORY + PIECE, PIECE, true, true},
	{__LINE__, 5 * MEMORY, 1000000, true, true},
	{__LINE__, 5 * MEMORY, 1000000, false, true},
	{__LINE__, 5 * MEMORY + 7, 4099, true, true},
	{__LINE__, 5 * MEMORY + 7, 4099, false, true},
};

static void test_content(void **state)
{
	struct fixture fixture;
	struct error error;
	struct str text;
	(void)state;
	fixture_init(&fixture);
	size_t before = bed_descriptors();
	for (size_t i = 0; i < sizeof(content_rows) / sizeof(content_rows[0]); i++) {
		struct http_body *body = &fixture.body;
		if (!receive(body, content_rows[i].bytes, content_rows[i].step, content_rows[i].known,
					 &text, &error) ||
			!is_pattern(text, content_rows[i].bytes) ||
			(body->map != NULL) != content_rows[i].in_file) {
			fail_msg("line %d", content_rows[i].line);
		}
		/* What was read may go, and is there all the same. */
		http_body_release(text, text.len / 2);
		http_body_release(text, text.len);
		assert_true(is_pattern(text, content_rows[i].bytes));
		/* The handler holds a mapping or some memory, never a descriptor. */
		assert_int_equal(bed_descriptors(), before);
		assert_int_equal(bed_mapped_files(), content_rows[i].in_file);
		if (content_rows[i].in_file) {
			assert_int_equal(atomic_load(&fixture.shared.memory_bytes), 0);
		}
		http_body_clear(body, KIB(32));
		assert_true(body->part.capacity <= KIB(32));
		assert_int_equal(bed_mapped_files(), 0);
	}
	fixture_finish(&fixture);
}

/* ---- memory, and the sizes of writes ---- */

struct fault {
	size_t calls;
	size_t fail_at; /* this call and all after it; SIZE_MAX: none */
	int why;
	size_t shorts; /* so many writes take only some of the bytes, and then one is interrupted */
	size_t least;  /* the shortest write but the last */
	size_t last;
	bool unnamed; /* there are files without names */
};

/* What the functions below read: they have no context. */
static struct fault fault;

static int fake_open(const char *folder)
{
	if (!fault.unnamed) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

static ssize_t fake_write(int fd, const void *bytes, size_t count)
{
	if (fault.calls++ >= fault.fail_at) {
		errno = fault.why;
		return -1;
	}
	if (fault.last > 0 && fault.last < fault.least) {
		fault.least = fault.last;
	}
	fault.last = count;
	if (fault.shorts > 0) {
		fault.shorts--;
		if (fault.shorts == 0) {
			errno = EINTR;
			return -1;
		}
		count = count / 2 + 1;
	}
	return write(fd, bytes, count);
}

static const struct http_body_io fake_io = {.open_unnamed = fake_open, .write = fake_write};

static void fault_init(struct fixture *fixture)
{
	fault = (struct fault){.fail_at = SIZE_MAX, .least = SIZE_MAX, .unnamed = true};
	fixture->body.io = &fake_io;
}

static void test_pieces(void **state)
{
	static const size_t steps[] = {1000, 8192, 65536, 1000000};
	struct fixture fixture;
	struct error error;
	struct str text;
	(void)state;
	fixture_init(&fixture);
	for (size_t i = 0; i < 2 * sizeof(steps) / sizeof(steps[0]); i++) {
		fault_init(&fixture);
		assert_true(
			receive(&fixture.body, 5 * MEMORY + 7, steps[i / 2], i % 2 == 0, &text, &error));
		assert_true(fault.least >= PIECE);
		assert_true(fault.calls <= 5 * MEMORY / PIECE + 1);
		http_body_clear(&fixture.body, 0);
	}
	fixture_finish(&fixture);
}

/* Counted is what a body in a file is read into, and no more. */
static void test_memory(void **state)
{
	struct fixture fixture;
	struct error error;
	(void)state;
	fixture_init(&fixture);
	struct http_body *body = &fixture.body;
	http_body_begin(body, 100 * MEMORY);
	for (size_t i = 0; i < 200; i++) {
		assert_true(http_body_settle(body, &error));
		assert_int_equal(atomic_load(&fixture.shared.memory_bytes), 2 * PIECE);
		size_t room = http_body_room(body);
		assert_true(room > PIECE);
		put(body->part.ptr + body->part.len, http_body_bytes(body), room);
		buf_added(&body->part, room);
	}
	http_body_clear(body, 0);
	/* The memory of a body follows what has come. */
	http_body_begin(body, MEMORY);
	assert_true(http_body_settle(body, &error));
	assert_int_equal(atomic_load(&fixture.shared.memory_bytes), PIECE);
	http_body_clear(body, 0);
	/* At the budget it passes; one above it is refused. */
	for (size_t above = 0; above <= 1; above++) {
		atomic_store(&fixture.shared.memory_bytes, fixture.limits.memory_bytes - 2 * PIECE + above);
		http_body_begin(body, 100 * MEMORY);
		assert_int_equal(http_body_settle(body, &error), above == 0);
		http_body_clear(body, 0);
		atomic_fetch_sub(&fixture.shared.memory_bytes,
						 fixture.limits.memory_bytes - 2 * PIECE + above);
	}
	assert_int_equal(error.code, ERROR_OVERLOADED);
	fixture_finish(&fixture);
}

/* ---- files that cannot be ---- */

static const struct {
	int line;
	int why;
	enum error_code want;
	int status;
} fault_rows[] = {
	{__LINE__, ENOSPC, ERROR_STORE_FULL, 507}, {__LINE__, EDQUOT, ERROR_STORE_FULL, 507},
	{__LINE__, EFBIG, ERROR_STORE_FULL, 507},  {__LINE__, EIO, ERROR_INTERNAL, 500},
	{__LINE__, EROFS, ERROR_INTERNAL, 500},    {__LINE__, ENOMEM, ERROR_OVERLOADED, 503},
};

/* Every write fails once, until none is left that could. */
static void check_faults(struct fixture *fixture, size_t row, bool known)
{
	struct error error;
	struct str text;
	size_t before = bed_descriptors();
	bool whole = false;
	size_t at = 0;
	for (; !whole; at++) {
		fault_init(fixture);
		fault.fail_at = at;
		fault.why = fault_rows[row].why;
		whole = receive(&fixture->body, 2 * MEMORY + 1, 50000, known, &text, &error);
		if (!whole &&
			(error.code != fault_rows[row].want ||
			 error_info(error.code)->status != fault_rows[row].status)) {
			fail_msg("line %d, write %zu: %s", fault_rows[row].line, at, error.message);
		}
		http_body_clear(&fixture->body, 0);
		assert_int_equal(bed_descriptors(), before);
		assert_int_equal(bed_mapped_files(), 0);
		assert_int_equal(atomic_load(&fixture->shared.memory_bytes), 0);
	}
	assert_true(at > 5);
}

static void test_faults(void **state)
{
	struct fixture fixture;
	(void)state;
	fixture_init(&fixture);
	for (size_t i = 0; i < sizeof(fault_rows) / sizeof(fault_rows[0]); i++) {
		check_faults(&fixture, i, true);
		check_faults(&fixture, i, false);
	}
	fixture_finish(&fixture);
}

static void test_short_writes(void **state)
{
	struct fixture fixture;
	struct error error;
	struct str text;
	(void)state;
	fixture_init(&fixture);
	fault_init(&fixture);
	fault.shorts = 20;
	assert_true(receive(&fixture.body, 3 * MEMORY, 50000, true, &text, &error));
	assert_int_equal(fault.shorts, 0);
	assert_true(is_pattern(text, 3 * MEMORY));
	fixture_finish(&fixture);
}

/* A real refusal: the process may write no larger file. At the limit it passes. */
static void test_file_size(void **state)
{
	struct fixture fixture;
	struct rlimit old;
	struct error error;
	struct str text;
	(void)state;
	fixture_init(&fixture);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	struct rlimit few = {.rlim_cur = 2 * MEMORY, .rlim_max = old.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &few), 0);
	assert_true(receive(&fixture.body, 2 * MEMORY, 50000, true, &text, &error));
	assert_true(is_pattern(text, 2 * MEMORY));
	http_body_clear(&fixture.body, 0);
	assert_false(receive(&fixture.body, 2 * MEMORY + 1, 50000, true, &text, &error));
	assert_int_equal(error.code, ERROR_STORE_FULL);
	http_body_clear(&fixture.body, 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_true(receive(&fixture.body, 2 * MEMORY + 1, 50000, true, &text, &error));
	fixture_finish(&fixture);
	signal(SIGXFSZ, SIG_DFL);
}

/* ---- where the file is ---- */

static void test_folder(void **state)
{
	char folder[] = "/tmp/rowlock-body-test-XXXXXX";
	struct fixture fixture;
	struct error error;
	struct str text;
	(void)state;
	const char *outer = getenv("TMPDIR");
	char *kept = outer == NULL ? NULL : strdup(outer);
	fixture_init(&fixture);
	fault_init(&fixture);
	assert_non_null(mkdtemp(folder));
	setenv("TMPDIR", folder, 1);
	for (size_t i = 0; i < 2; i++) {
		/* With and without files that have no name, none is left in the folder. */
		fault.unnamed = i == 0;
		assert_true(receive(&fixture.body, 2 * MEMORY, 50000, true, &text, &error));
		assert_true(is_pattern(text, 2 * MEMORY));
		assert_int_equal(bed_mapped_files(), 1);
		http_body_clear(&fixture.body, 0);
	}
	assert_int_equal(rmdir(folder), 0);
	assert_false(receive(&fixture.body, 2 * MEMORY, 50000, true, &text, &error));
	assert_int_equal(error.code, ERROR_INTERNAL);
	http_body_clear(&fixture.body, 0);
	setenv("TMPDIR", "", 1);
	assert_true(receive(&fixture.body, 2 * MEMORY, 50000, true, &text, &error));
	fixture_finish(&fixture);
	if (kept == NULL) {
		unsetenv("TMPDIR");
	} else {
		setenv("TMPDIR", kept, 1);
	}
	free(kept);
}

/* Without a descriptor for the file the client may try again. */
static void test_descriptors(void **state)
{
	struct fixture fixture;
	struct rlimit old;
	struct error error;
	struct str text;
	(void)state;
	fixture_init(&fixture);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	struct rlimit none = {.rlim_cur = 0, .rlim_max = old.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	bool received = receive(&fixture.body, 2 * MEMORY, 50000, true, &text, &error);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_false(received);
	assert_int_equal(error.code, ERROR_OVERLOADED);
	fixture_finish(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_content),      cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_memory),       cmocka_unit_test(test_faults),
		cmocka_unit_test(test_short_writes), cmocka_unit_test(test_file_size),
		cmocka_unit_test(test_folder),       cmocka_unit_test(test_descriptors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
