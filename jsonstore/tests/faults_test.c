/*
 * A scenario runs again and again, and in the n-th run its n-th call fails: allocation, write (also
 * a write of half), sync, rename and all the others. Each error is a clean one; what was
 * acknowledged is there afterwards, what failed is there wholly or not at all. Then the same with
 * the process ending at the n-th call.
 */
#include "support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store.h"

enum { STEPS = 9, DIES = 1000, MOST_CALLS = 20000 };

/* Which call fails. */
struct fault {
	int call; /* enum js_call, or -1: any */
	int how;  /* errno, JS_HALF, or DIES */
	long number;
	long seen;
};

static int step(void *context, enum js_call call)
{
	struct fault *fault = context;
	if ((fault->call >= 0 && (int)call != fault->call) || ++fault->seen != fault->number) {
		return 0;
	}
	if (fault->how == DIES) {
		_exit(9);
	}
	return fault->how;
}

/* What a run did; in memory that a child shares with its parent. */
struct outcome {
	int acknowledged[STEPS];
	int failed[STEPS];
	int code; /* the last that was not JSONSTORE_OK */
	bool finished;
};

static void note(struct outcome *outcome, int code)
{
	if (code != JSONSTORE_OK) {
		outcome->code = code;
	}
}

static int put_value_of(struct jsonstore_transaction *transaction,
						struct jsonstore_collection *collection, const char *key, int value)
{
	char record[64];
	int len = snprintf(record, sizeof(record), "{\"id\":%s,\"v\":%d}", key, value);
	return jsonstore_transaction_put(transaction, collection, record, (size_t)len, NULL);
}

/* In a locked transaction: something that is undone, and all it has is read. */
static int undo_some(struct jsonstore_transaction *transaction, struct jsonstore_collection *a)
{
	struct jsonstore_snapshot *snapshot;
	struct jsonstore_cursor *cursor;
	const char *record = "";
	size_t length;
	uint64_t mark = jsonstore_transaction_mark(transaction);
	int code = put_value_of(transaction, a, "\"undone\"", 1);
	code = code != 0 ? code : put_value_of(transaction, a, "1", 1000);
	if (code != JSONSTORE_OK ||
		(code = jsonstore_transaction_snapshot(transaction, &snapshot, NULL)) != JSONSTORE_OK) {
		return code;
	}
	code = jsonstore_find(a, snapshot, "v", "1", 1, &cursor, NULL);
	if (code == JSONSTORE_OK) {
		while (record != NULL &&
			   (code = jsonstore_next(cursor, &record, &length, NULL)) == JSONSTORE_OK) {
		}
		jsonstore_cursor_close(cursor);
	}
	jsonstore_release(snapshot);
	return code != 0 ? code : jsonstore_transaction_undo_to(transaction, mark, NULL);
}

/* Step i: two records of one collection, and one of the other, in one transaction. */
static int write_step(struct jsonstore *store, struct jsonstore_collection *a,
					  struct jsonstore_collection *b, int i)
{
	struct jsonstore_transaction *transaction;
	bool locked = i % 2 == 0;
	char record[64];
	int code = locked ? jsonstore_begin_locked(store, 1000, &transaction, NULL)
					  : jsonstore_begin(store, &transaction, NULL);
	if (code != JSONSTORE_OK) {
		return code;
	}
	int len = snprintf(record, sizeof(record), "{\"id\":%d,\"v\":%d}", i % 3, i);
	code = jsonstore_transaction_put(transaction, a, record, (size_t)len, NULL);
	if (code == JSONSTORE_OK && locked) {
		code = undo_some(transaction, a);
	}
	if (code == JSONSTORE_OK) {
		len = snprintf(record, sizeof(record), "{\"id\":\"n%d\",\"v\":%d}", i, i % 2);
		code = jsonstore_transaction_insert(transaction, a, record, (size_t)len, NULL);
	}
	if (code == JSONSTORE_OK) {
		code = put_value_of(transaction, b, "\"last\"", i);
	}
	if (code != JSONSTORE_OK) {
		jsonstore_abandon(transaction);
		return code;
	}
	return jsonstore_commit(transaction, NULL);
}

static int open_pair(const char *folder, const struct js_sys *sys, struct jsonstore **store,
					 struct jsonstore_collection **a, struct jsonstore_collection **b)
{
	static const char *const fields[] = {"v"};
	struct jsonstore_schema schema = {.size = sizeof(schema), .fields = fields, .field_count = 1};
	struct jsonstore_options options = {.size = sizeof(options), .cache_bytes = 1 << 16};
	struct jsonstore_error error;
	*store = NULL;
	int code = js_store_open(folder, &options, sys, false, store, &error);
	if (code != JSONSTORE_OK) {
		*store = NULL;
		return code;
	}
	code = jsonstore_collection(*store, "a", &schema, a, &error);
	return code != JSONSTORE_OK ? code : jsonstore_collection(*store, "b", &schema, b, &error);
}

static void read_some(struct jsonstore_collection *a, struct outcome *outcome)
{
	struct jsonstore_text text = {NULL, 0, 0};
	struct jsonstore_cursor *cursor;
	struct jsonstore_error error;
	int code = jsonstore_get(a, NULL, "1", 1, &text, &error);
	note(outcome, code == JSONSTORE_ABSENT ? JSONSTORE_OK : code);
	jsonstore_text_free(&text);
	code = jsonstore_find(a, NULL, "v", "1", 1, &cursor, &error);
	note(outcome, code);
	if (code == JSONSTORE_OK) {
		const char *record = "";
		size_t length;
		while (record != NULL &&
			   (code = jsonstore_next(cursor, &record, &length, &error)) == JSONSTORE_OK) {
		}
		note(outcome, code);
		jsonstore_cursor_close(cursor);
	}
}

static void run(const char *folder, struct fault *fault, struct outcome *outcome)
{
	struct js_sys sys = {step, fault};
	struct jsonstore *store = NULL;
	struct jsonstore_collection *a;
	struct jsonstore_collection *b;
	for (int i = 0; i < STEPS; i++) {
		int code = JSONSTORE_OK;
		if (store == NULL) {
			code = open_pair(folder, &sys, &store, &a, &b);
			note(outcome, code);
		}
		if (code == JSONSTORE_OK) {
			code = write_step(store, a, b, i);
			note(outcome, code);
			*(code == JSONSTORE_OK ? &outcome->acknowledged[i] : &outcome->failed[i]) = 1;
			read_some(a, outcome);
		}
		if (i % 4 == 1 && store != NULL) {
			note(outcome, jsonstore_checkpoint(store, JSONSTORE_NOW, NULL));
		}
		if ((i % 5 == 2 || code != JSONSTORE_OK) && store != NULL) {
			note(outcome, jsonstore_close(store, NULL));
			store = NULL;
		}
	}
	note(outcome, jsonstore_close(store, NULL));
	outcome->finished = true;
}

/* What a step wrote is there, wholly or not at all. */
static bool is_there(struct jsonstore_collection *a, int i)
{
	struct jsonstore_text text = {NULL, 0, 0};
	char key[16];
	int len = snprintf(key, sizeof(key), "n%d", i);
	int code = jsonstore_get(a, NULL, key, (size_t)len, &text, NULL);
	assert_true(code == JSONSTORE_OK || code == JSONSTORE_ABSENT);
	jsonstore_text_free(&text);
	return code == JSONSTORE_OK;
}

static int value_of(struct jsonstore_collection *collection, const char *key)
{
	struct jsonstore_text text = {NULL, 0, 0};
	int value = -1;
	if (jsonstore_get(collection, NULL, key, strlen(key), &text, NULL) == JSONSTORE_OK) {
		const char *at = memmem(text.text, text.length, "\"v\":", 4);
		value = (int)strtol(at + 4, NULL, 10);
	}
	jsonstore_text_free(&text);
	return value;
}

static void check(const char *folder, const struct outcome *outcome)
{
	static const struct js_sys plain = {NULL, NULL};
	struct jsonstore *store;
	struct jsonstore_collection *a;
	struct jsonstore_collection *b;
	struct jsonstore_error error;
	int last = -1;
	int newest[3] = {-1, -1, -1};
	assert_int_equal(open_pair(folder, &plain, &store, &a, &b), JSONSTORE_OK);
	for (int i = 0; i < STEPS; i++) {
		bool there = is_there(a, i);
		assert_true(there || !outcome->acknowledged[i]);
		last = there ? i : last;
		newest[i % 3] = there ? i : newest[i % 3];
	}
	assert_int_equal(value_of(b, "last"), last);
	assert_int_equal(value_of(a, "undone"), -1);
	for (int i = 0; i < 3; i++) {
		char key[2] = {(char)('0' + i), '\0'};
		assert_int_equal(value_of(a, key), newest[i]);
	}
	if (jsonstore_verify(store, NULL, &error) != JSONSTORE_OK) {
		fail_msg("%s", error.message);
	}
	/* It takes writes. */
	assert_int_equal(jsonstore_put(b, "{\"id\":\"last\",\"v\":99}", 20, &error), JSONSTORE_OK);
	assert_int_equal(jsonstore_close(store, &error), JSONSTORE_OK);
}

static const struct {
	const char *name;
	int call;
	int how;
} kinds[] = {
	{"memory", JS_CALL_ALLOCATE, ENOMEM}, {"open", JS_CALL_OPEN, EMFILE},
	{"read", JS_CALL_READ, EIO},          {"write", JS_CALL_WRITE, ENOSPC},
	{"half", JS_CALL_WRITE, JS_HALF},     {"sync", JS_CALL_SYNC, EIO},
	{"truncate", JS_CALL_TRUNCATE, EIO},  {"rename", JS_CALL_RENAME, EIO},
	{"unlink", JS_CALL_UNLINK, EIO},      {"lock", JS_CALL_LOCK, ENOLCK},
	{"other", JS_CALL_OTHER, EIO},
};

/* An empty store's folder for the next run. */
static void empty(const char *folder)
{
	struct support_files none = {.count = 0};
	char hidden[400];
	(void)snprintf(hidden, sizeof(hidden), "%s/.jsonstore", folder);
	if (access(hidden, F_OK) == 0) {
		support_write_files(folder, &none);
	}
}

static void test_errors(void **state)
{
	const char *folder = *state;
	for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++) {
		long number = 0;
		struct fault fault;
		do {
			struct outcome outcome = {.code = 0};
			fault = (struct fault){kinds[kind].call, kinds[kind].how, ++number, 0};
			empty(folder);
			run(folder, &fault, &outcome);
			if (outcome.code != JSONSTORE_OK && outcome.code != JSONSTORE_NO_MEMORY &&
				outcome.code != JSONSTORE_IO && outcome.code != JSONSTORE_FAILED) {
				fail_msg("%s %ld: code %d", kinds[kind].name, number, outcome.code);
			}
			check(folder, &outcome);
		} while (fault.seen >= number && number < MOST_CALLS);
		print_message("%s: %ld calls failed\n", kinds[kind].name, number - 1);
	}
}

static void test_deaths(void **state)
{
	static const int calls[] = {
		JS_CALL_OPEN, JS_CALL_WRITE, JS_CALL_SYNC, JS_CALL_TRUNCATE, JS_CALL_RENAME, JS_CALL_UNLINK,
	};
	const char *folder = *state;
	struct outcome *outcome = mmap(NULL, sizeof(*outcome), PROT_READ | PROT_WRITE,
								   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(outcome != MAP_FAILED);
	for (size_t kind = 0; kind < sizeof(calls) / sizeof(calls[0]); kind++) {
		long number = 0;
		do {
			struct fault fault = {calls[kind], DIES, ++number, 0};
			int status;
			*outcome = (struct outcome){.code = 0};
			empty(folder);
			pid_t child = fork();
			if (child == 0) {
				run(folder, &fault, outcome);
				_exit(0);
			}
			assert_int_equal(waitpid(child, &status, 0), child);
			assert_true(WIFEXITED(status));
			assert_int_equal(WEXITSTATUS(status), outcome->finished ? 0 : 9);
			check(folder, outcome);
		} while (!outcome->finished && number < MOST_CALLS);
		print_message("call %d: died at %ld\n", calls[kind], number - 1);
	}
	munmap(outcome, sizeof(*outcome));
}

static int put_value(struct jsonstore_collection *collection, int value)
{
	char record[64];
	int len = snprintf(record, sizeof(record), "{\"id\":\"k\",\"v\":%d}", value);
	return jsonstore_put(collection, record, (size_t)len, NULL);
}

/*
 * A sync fails while two have the folder open: neither writes, both read the state before, until a
 * checkpoint of one of them has gone to another journal.
 */
static void test_failed(void **state)
{
	static const struct js_sys plain = {NULL, NULL};
	static const int hows[][2] = {
		{JS_CALL_SYNC, EIO},
		{JS_CALL_WRITE, ENOSPC},
		{JS_CALL_WRITE, JS_HALF},
	};
	for (size_t i = 0; i < sizeof(hows) / sizeof(hows[0]); i++) {
		struct fault fault = {hows[i][0], hows[i][1], 0, 0};
		struct js_sys sys = {step, &fault};
		struct jsonstore *stores[2];
		struct jsonstore_collection *sides[2];
		struct jsonstore_collection *other;
		empty(*state);
		assert_int_equal(open_pair(*state, &sys, &stores[0], &sides[0], &other), 0);
		assert_int_equal(open_pair(*state, &plain, &stores[1], &sides[1], &other), 0);
		assert_int_equal(put_value(sides[0], 1), JSONSTORE_OK);
		assert_int_equal(put_value(sides[1], 2), JSONSTORE_OK);
		fault = (struct fault){hows[i][0], hows[i][1], 1, 0};
		assert_int_equal(put_value(sides[0], 3), JSONSTORE_IO);
		for (int k = 0; k < 2; k++) {
			assert_int_equal(value_of(sides[k], "k"), 2);
			assert_int_equal(put_value(sides[k], 4), JSONSTORE_FAILED);
		}
		assert_int_equal(jsonstore_checkpoint(stores[1], JSONSTORE_NOW, NULL), JSONSTORE_OK);
		for (int k = 0; k < 2; k++) {
			assert_int_equal(value_of(sides[k], "k"), k == 0 ? 2 : 5);
			assert_int_equal(put_value(sides[k], 5 + k), JSONSTORE_OK);
			assert_int_equal(value_of(sides[1 - k], "k"), 5 + k);
		}
		assert_int_equal(jsonstore_close(stores[0], NULL), JSONSTORE_OK);
		assert_int_equal(jsonstore_close(stores[1], NULL), JSONSTORE_OK);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_failed, support_make_folder, support_remove_folder),
		cmocka_unit_test_setup_teardown(test_errors, support_make_folder, support_remove_folder),
		cmocka_unit_test_setup_teardown(test_deaths, support_make_folder, support_remove_folder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
