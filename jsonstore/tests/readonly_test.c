/*
 * Handles that only read: of a folder that nobody may write to, of one that a writer left in the
 * middle, beside writers that come and go, and with each call failing in its turn. They change
 * nothing.
 */
#include "support.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store.h"

enum { NOBODY = 65534, MOST_CALLS = 2000 };

static const struct jsonstore_options reading = {
	.size = sizeof(reading), .cache_bytes = 1 << 16, .read_only = true};

/* A reader, or the code. */
static int open_reader(const char *folder, struct jsonstore **store,
					   struct jsonstore_collection **a, struct jsonstore_error *error)
{
	int code = jsonstore_open(folder, &reading, store, error);
	if (code != JSONSTORE_OK) {
		*store = NULL;
		return code;
	}
	code = jsonstore_collection(*store, "a", NULL, a, error);
	if (code != JSONSTORE_OK) {
		(void)jsonstore_close(*store, NULL);
		*store = NULL;
	}
	return code;
}

static void must_open_reader(const char *folder, struct jsonstore **store,
							 struct jsonstore_collection **a)
{
	struct jsonstore_error error;
	if (open_reader(folder, store, a, &error) != JSONSTORE_OK) {
		fail_msg("%s", error.message);
	}
}

static struct jsonstore *open_writer(const char *folder, struct jsonstore_collection **a)
{
	struct jsonstore *store = NULL;
	assert_int_equal(jsonstore_open(folder, NULL, &store, NULL), JSONSTORE_OK);
	*a = support_collection(store, "a");
	return store;
}

static void put(struct jsonstore_collection *a, int id, int value)
{
	char record[64];
	struct jsonstore_error error;
	int len = snprintf(record, sizeof(record), "{\"id\":%d,\"v\":%d}", id, value);
	if (jsonstore_put(a, record, (size_t)len, &error) != JSONSTORE_OK) {
		fail_msg("%s", error.message);
	}
}

/* Two records; the first one in the file, the second one in the journal of a writer that died. */
static void make_left(const char *folder)
{
	int status;
	pid_t child = fork();
	if (child == 0) {
		struct jsonstore_collection *a;
		struct jsonstore *store = open_writer(folder, &a);
		put(a, 1, 10);
		assert_int_equal(jsonstore_checkpoint(store, JSONSTORE_NOW, NULL), JSONSTORE_OK);
		put(a, 2, 20);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void assert_same_files(const struct support_files *before, const char *folder)
{
	struct support_files after;
	support_read_files(folder, &after);
	assert_int_equal(after.count, before->count);
	for (size_t i = 0; i < before->count; i++) {
		const struct support_file *want = &before->files[i];
		const struct support_file *now = support_find(&after, want->name);
		assert_int_equal(now->length, want->length);
		assert_memory_equal(now->bytes, want->bytes, want->length);
	}
	support_free_files(&after);
}

static void assert_value(struct jsonstore_collection *a, const char *key, const char *want)
{
	struct jsonstore_text text = {NULL, 0, 0};
	struct jsonstore_error error;
	if (jsonstore_get(a, NULL, key, strlen(key), &text, &error) != JSONSTORE_OK) {
		fail_msg("%s", error.message);
	}
	assert_int_equal(text.length, strlen(want));
	assert_memory_equal(text.text, want, text.length);
	jsonstore_text_free(&text);
}

static void assert_reads_only(struct jsonstore *store, struct jsonstore_collection *a)
{
	struct jsonstore_schema schema = {.size = sizeof(schema)};
	struct jsonstore_transaction *transaction;
	struct jsonstore_collection *other;
	assert_int_equal(jsonstore_put(a, "{\"id\":1}", 8, NULL), JSONSTORE_READONLY);
	assert_int_equal(jsonstore_checkpoint(store, JSONSTORE_NOW, NULL), JSONSTORE_READONLY);
	assert_int_equal(jsonstore_collection(store, "b", &schema, &other, NULL), JSONSTORE_READONLY);
	assert_int_equal(jsonstore_begin_locked(store, JSONSTORE_WAIT, &transaction, NULL),
					 JSONSTORE_READONLY);
}

/* What the child does that may not write; the folder has two records. */
static int read_as_nobody(const char *folder)
{
	struct jsonstore *store;
	struct jsonstore_collection *a;
	struct jsonstore_error error;
	if (getuid() == 0 && (setgid(NOBODY) != 0 || setuid(NOBODY) != 0)) {
		return 1;
	}
	if (jsonstore_open(folder, NULL, &store, &error) != JSONSTORE_IO || error.system != EACCES) {
		return 2;
	}
	if (open_reader(folder, &store, &a, &error) != JSONSTORE_OK) {
		(void)fprintf(stderr, "%s\n", error.message);
		return 3;
	}
	char *text = support_dump(a, &error);
	bool good = text != NULL && strcmp(text, "{\"id\":1,\"v\":10}\n{\"id\":2,\"v\":20}\n") == 0 &&
		jsonstore_verify(store, NULL, &error) == JSONSTORE_OK;
	free(text);
	assert_reads_only(store, a);
	return jsonstore_close(store, NULL) == JSONSTORE_OK && good ? 0 : 4;
}

static void set_modes(const char *folder, mode_t folders, mode_t files)
{
	char path[400];
	(void)snprintf(path, sizeof(path),
				   "chmod %o '%s' '%s/.jsonstore' && chmod %o '%s'/*.json "
				   "'%s'/.jsonstore/*",
				   folders, folder, folder, files, folder, folder);
	assert_int_equal(system(path), 0); /* NOLINT: the paths are the test's own */
}

/* Without the right to write: whether a writer has it open, has left it, or closed it; no index. */
static void test_no_rights(void **state)
{
	const char *folder = *state;
	make_left(folder);
	for (int round = 0; round < 4; round++) {
		struct support_files before;
		struct jsonstore *writer = NULL;
		struct jsonstore_collection *a;
		int status;
		set_modes(folder, 0755, 0644);
		if (round == 1 || round == 2) {
			writer = open_writer(folder, &a);
		}
		if (round == 2) {
			assert_int_equal(jsonstore_close(writer, NULL), JSONSTORE_OK);
			writer = NULL;
		}
		support_read_files(folder, &before);
		if (round == 3) {
			struct support_file *index = support_find(&before, ".jsonstore/a-");
			index->bytes[9] = (char)(index->bytes[9] ^ 1);
			support_write_files(folder, &before);
		}
		set_modes(folder, 0555, 0444);
		pid_t child = fork();
		if (child == 0) {
			_exit(read_as_nobody(folder));
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
		assert_same_files(&before, folder);
		support_free_files(&before);
		set_modes(folder, 0755, 0644);
		assert_int_equal(jsonstore_close(writer, NULL), JSONSTORE_OK);
	}
}

static void test_no_store(void **state)
{
	struct jsonstore *store;
	struct jsonstore_collection *a;
	char path[400];
	struct jsonstore_error error;
	assert_int_equal(open_reader(*state, &store, &a, &error), JSONSTORE_ABSENT);
	(void)snprintf(path, sizeof(path), "%s/.jsonstore", (const char *)*state);
	assert_int_not_equal(access(path, F_OK), 0);
	assert_int_equal(mkdir(path, 0777), 0);
	assert_int_equal(open_reader(*state, &store, &a, &error), JSONSTORE_ABSENT);
}

/* A torn write behind the end is passed over; the next writer cuts it. */
static void test_torn(void **state)
{
	struct support_files files;
	struct jsonstore *store;
	struct jsonstore_collection *a;
	make_left(*state);
	support_read_files(*state, &files);
	struct support_file *journal = support_find(&files, ".jsonstore/journal-");
	char *longer = realloc(journal->bytes, journal->length + 30);
	assert_non_null(longer);
	memcpy(longer + journal->length, longer + 4096, 30);
	journal->bytes = longer;
	journal->length += 30;
	support_write_files(*state, &files);
	must_open_reader(*state, &store, &a);
	assert_value(a, "2", "{\"id\":2,\"v\":20}");
	assert_same_files(&files, *state);
	struct jsonstore_collection *written;
	struct jsonstore *writer = open_writer(*state, &written);
	assert_value(a, "2", "{\"id\":2,\"v\":20}");
	put(written, 2, 21);
	assert_value(a, "2", "{\"id\":2,\"v\":21}");
	assert_int_equal(jsonstore_close(writer, NULL), JSONSTORE_OK);
	assert_int_equal(jsonstore_close(store, NULL), JSONSTORE_OK);
	support_free_files(&files);
}

/* Writers come and go; the reader was there before them, and stays. */
static void test_follows(void **state)
{
	struct jsonstore *stores[2];
	struct jsonstore_collection *sides[2];
	struct jsonstore_stamp before;
	struct jsonstore_stamp after;
	make_left(*state);
	must_open_reader(*state, &stores[0], &sides[0]);
	must_open_reader(*state, &stores[1], &sides[1]);
	assert_int_equal(jsonstore_stamp(stores[0], NULL, &before, NULL), JSONSTORE_OK);
	for (int i = 1; i < 12; i++) {
		struct jsonstore_collection *a;
		char want[64];
		struct jsonstore *writer = open_writer(*state, &a);
		put(a, 2, i);
		(void)snprintf(want, sizeof(want), "{\"id\":2,\"v\":%d}", i);
		/* One looks while the writer is there, the other one sometimes only afterwards. */
		if (i > 5) {
			assert_value(sides[0], "2", want);
		}
		if (i % 3 == 0) {
			assert_int_equal(jsonstore_checkpoint(writer, JSONSTORE_NOW, NULL), JSONSTORE_OK);
		}
		assert_int_equal(jsonstore_close(writer, NULL), JSONSTORE_OK);
		assert_value(sides[0], "2", want);
		if (i % 4 == 0) {
			assert_value(sides[1], "2", want);
		}
		assert_int_equal(jsonstore_stamp(stores[0], NULL, &after, NULL), JSONSTORE_OK);
		assert_true(after.generation > before.generation ||
					(after.generation == before.generation && after.end > before.end));
		before = after;
	}
	assert_int_equal(jsonstore_close(stores[0], NULL), JSONSTORE_OK);
	assert_int_equal(jsonstore_close(stores[1], NULL), JSONSTORE_OK);
}

static void write_text(const char *folder, const char *text)
{
	char path[400];
	(void)snprintf(path, sizeof(path), "%s/a.json", folder);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void test_edited(void **state)
{
	struct jsonstore *store;
	struct jsonstore_collection *a;
	struct support_files files;
	struct jsonstore_error error;
	struct jsonstore *writer = open_writer(*state, &a);
	put(a, 1, 1);
	assert_int_equal(jsonstore_close(writer, NULL), JSONSTORE_OK);
	write_text(*state, "[{\"id\": 7, \"v\": 7},\n {\"id\": 8}]");
	support_read_files(*state, &files);
	must_open_reader(*state, &store, &a);
	assert_value(a, "7", "{\"id\": 7, \"v\": 7}");
	assert_same_files(&files, *state);
	/* A writer takes it over, and both go on. */
	struct jsonstore_collection *written;
	writer = open_writer(*state, &written);
	put(written, 8, 8);
	assert_value(a, "8", "{\"id\":8,\"v\":8}");
	assert_value(a, "7", "{\"id\": 7, \"v\": 7}");
	assert_int_equal(jsonstore_close(writer, NULL), JSONSTORE_OK);
	assert_int_equal(jsonstore_close(store, NULL), JSONSTORE_OK);
	support_free_files(&files);
	write_text(*state, "[{\"id\": 7},\n {\"id\": 7}]");
	assert_int_equal(open_reader(*state, &store, &a, &error), JSONSTORE_DAMAGED);
	assert_int_equal(error.line, 2);
}

static void test_edited_with_changes(void **state)
{
	struct jsonstore *store;
	struct jsonstore_collection *a;
	struct jsonstore_error error;
	make_left(*state);
	write_text(*state, "[]");
	assert_int_equal(open_reader(*state, &store, &a, &error), JSONSTORE_CONFLICT);
}

/* ---- beside writers that are killed ---- */

struct watching {
	struct jsonstore_collection *a;
	atomic_bool done;
	atomic_int failures;
};

/* What is seen never goes back. */
static void *watch(void *context)
{
	struct watching *watching = context;
	long before = 0;
	while (!atomic_load(&watching->done)) {
		struct jsonstore_text text = {NULL, 0, 0};
		struct jsonstore_error error;
		int code = jsonstore_get(watching->a, NULL, "2", 1, &text, &error);
		long value = -1;
		if (code == JSONSTORE_OK) {
			value = strtol((const char *)memmem(text.text, text.length, "\"v\":", 4) + 4, NULL, 10);
		}
		jsonstore_text_free(&text);
		if (value < before) {
			(void)fprintf(stderr, "%s: %ld after %ld\n", code == 0 ? "" : error.message, value,
						  before);
			atomic_fetch_add(&watching->failures, 1);
			break;
		}
		before = value;
	}
	return NULL;
}

static void write_until_killed(const char *folder)
{
	struct jsonstore_collection *a;
	struct jsonstore *store = open_writer(folder, &a);
	struct jsonstore_text text = {NULL, 0, 0};
	assert_int_equal(jsonstore_get(a, NULL, "2", 1, &text, NULL), JSONSTORE_OK);
	long value = strtol((const char *)memmem(text.text, text.length, "\"v\":", 4) + 4, NULL, 10);
	for (int i = 1;; i++) {
		put(a, 2, (int)value + i);
		if (i % 10 == 0) {
			assert_int_equal(jsonstore_checkpoint(store, JSONSTORE_NOW, NULL), JSONSTORE_OK);
		}
		if (i % 35 == 34) {
			_exit(0);
		}
	}
}

static void test_killed(void **state)
{
	for (int attached = 0; attached < 2; attached++) {
		struct watching watching = {.failures = 0};
		struct jsonstore *store;
		pthread_t threads[2];
		make_left(*state);
		must_open_reader(*state, &store, &watching.a);
		for (int i = 0; i < 2; i++) {
			(void)pthread_create(&threads[i], NULL, watch, &watching);
		}
		for (int round = 0; round < 10; round++) {
			pid_t child = fork();
			if (child == 0) {
				write_until_killed(*state);
			}
			usleep((useconds_t)(2000 + round * 5000));
			kill(child, SIGKILL);
			assert_int_equal(waitpid(child, NULL, 0), child);
		}
		atomic_store(&watching.done, true);
		for (int i = 0; i < 2; i++) {
			pthread_join(threads[i], NULL);
		}
		assert_int_equal(atomic_load(&watching.failures), 0);
		assert_int_equal(jsonstore_close(store, NULL), JSONSTORE_OK);
	}
}

/* ---- each call fails in its turn ---- */

struct fault {
	int call;
	long number;
	long seen;
};

static int step(void *context, enum js_call call)
{
	struct fault *fault = context;
	if ((int)call != fault->call || ++fault->seen != fault->number) {
		return 0;
	}
	return call == JS_CALL_ALLOCATE ? ENOMEM : EIO;
}

/* Nobody is alive at first, and then a writer comes. */
static int read_all(const char *folder, const struct js_sys *sys)
{
	struct jsonstore *store;
	struct jsonstore_collection *a;
	struct jsonstore_collection *written;
	struct jsonstore_error error;
	struct jsonstore_text text = {NULL, 0, 0};
	int code = js_store_open(folder, &reading, sys, false, &store, &error);
	if (code != JSONSTORE_OK) {
		return code;
	}
	code = jsonstore_collection(store, "a", NULL, &a, &error);
	struct jsonstore *writer = open_writer(folder, &written);
	put(written, 2, 20);
	for (int i = 0; i < 2 && code == JSONSTORE_OK; i++) {
		code = jsonstore_get(a, NULL, "2", 1, &text, &error);
		if (code != JSONSTORE_OK) {
			/* What has failed is tried again. */
			code = jsonstore_get(a, NULL, "2", 1, &text, &error) == JSONSTORE_OK ? code : -1;
		}
	}
	jsonstore_text_free(&text);
	assert_int_equal(jsonstore_close(writer, NULL), JSONSTORE_OK);
	assert_int_equal(jsonstore_close(store, NULL), JSONSTORE_OK);
	return code;
}

static void test_errors(void **state)
{
	for (int call = JS_CALL_ALLOCATE; call <= JS_CALL_OTHER; call++) {
		long number = 0;
		struct fault fault;
		make_left(*state);
		do {
			fault = (struct fault){call, ++number, 0};
			struct js_sys sys = {step, &fault};
			int code = read_all(*state, &sys);
			if (code != JSONSTORE_OK && code != JSONSTORE_IO && code != JSONSTORE_NO_MEMORY) {
				fail_msg("call %d, number %ld: code %d", call, number, code);
			}
		} while (fault.seen >= number && number < MOST_CALLS);
		assert_true(call != JS_CALL_WRITE || number == 1);
		assert_true(call != JS_CALL_SYNC || number == 1);
		assert_true(call != JS_CALL_TRUNCATE || number == 1);
	}
}

#define TEST(function)                                                                             \
	cmocka_unit_test_setup_teardown(function, support_make_folder, support_remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_no_rights), TEST(test_no_store), TEST(test_torn),
		TEST(test_follows),   TEST(test_edited),   TEST(test_edited_with_changes),
		TEST(test_killed),    TEST(test_errors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
