/*
 * Threads and processes at once: money moves between accounts, which are records of two
 * collections, while others read and checkpoints go on. In every snapshot the sum is the same; no
 * move is lost.
 */
#include "support.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ACCOUNTS = 6, MONEY = 100, MOVES = 40, WRITERS = 4, PROCESSES = 3 };

struct bank {
	struct jsonstore *store;
	struct jsonstore_collection *sides[2];
	atomic_bool done;
	atomic_int failures;
	atomic_long moves; /* committed, each adds one to the record "moves" of side 0 */
};

static bool open_bank(struct bank *bank, const char *folder)
{
	struct jsonstore_error error;
	if (jsonstore_open(folder, NULL, &bank->store, &error) != JSONSTORE_OK) {
		(void)fprintf(stderr, "%s\n", error.message);
		return false;
	}
	bank->sides[0] = support_collection(bank->store, "left");
	bank->sides[1] = support_collection(bank->store, "right");
	return true;
}

static void found_bank(struct bank *bank)
{
	for (int i = 0; i < 2 * ACCOUNTS; i++) {
		char record[64];
		int len = snprintf(record, sizeof(record), "{\"id\":%d,\"v\":%d}", i / 2, MONEY);
		assert_int_equal(jsonstore_put(bank->sides[i % 2], record, (size_t)len, NULL), 0);
	}
	assert_int_equal(jsonstore_put(bank->sides[0], "{\"id\":\"moves\",\"v\":0}", 20, NULL), 0);
}

static int read_account(struct jsonstore_collection *side,
						const struct jsonstore_snapshot *snapshot, const char *key,
						struct jsonstore_text *text, long *ret)
{
	int code = jsonstore_get(side, snapshot, key, strlen(key), text, NULL);
	if (code == JSONSTORE_OK) {
		const char *at = memmem(text->text, text->length, "\"v\":", 4);
		*ret = strtol(at + 4, NULL, 10);
	}
	return code;
}

/* The record is what it was when it was read, and gets another value. */
static int change(struct jsonstore_transaction *transaction, struct jsonstore_collection *side,
				  const char *key, const struct jsonstore_text *old, long value)
{
	char record[64];
	const char *quote = key[0] > '9' ? "\"" : "";
	int len = snprintf(record, sizeof(record), "{\"id\":%s%s%s,\"v\":%ld}", quote, key, quote,
					   value);
	int code = jsonstore_transaction_require(transaction, side, key, strlen(key), old->text,
											 old->length, NULL);
	return code != JSONSTORE_OK
		? code
		: jsonstore_transaction_put(transaction, side, record, (size_t)len, NULL);
}

/* One try; JSONSTORE_CONFLICT when another was quicker. */
static int move(struct bank *bank, unsigned random)
{
	struct jsonstore_snapshot *snapshot;
	struct jsonstore_transaction *transaction;
	struct jsonstore_text texts[3] = {{NULL, 0, 0}, {NULL, 0, 0}, {NULL, 0, 0}};
	char from[8];
	char to[8];
	long values[3] = {0, 0, 0};
	(void)snprintf(from, sizeof(from), "%u", random % ACCOUNTS);
	(void)snprintf(to, sizeof(to), "%u", random / ACCOUNTS % ACCOUNTS);
	int code = jsonstore_snapshot(bank->store, &snapshot, NULL);
	if (code != JSONSTORE_OK) {
		return code;
	}
	struct jsonstore_collection *left = bank->sides[0];
	struct jsonstore_collection *right = bank->sides[1];
	code = read_account(left, snapshot, from, &texts[0], &values[0]);
	code = code != 0 ? code : read_account(right, snapshot, to, &texts[1], &values[1]);
	code = code != 0 ? code : read_account(left, snapshot, "moves", &texts[2], &values[2]);
	jsonstore_release(snapshot);
	if (code == JSONSTORE_OK) {
		code = jsonstore_begin(bank->store, &transaction, NULL);
	}
	if (code == JSONSTORE_OK) {
		code = change(transaction, left, from, &texts[0], values[0] - 1);
		code = code != 0 ? code : change(transaction, right, to, &texts[1], values[1] + 1);
		code = code != 0 ? code : change(transaction, left, "moves", &texts[2], values[2] + 1);
		if (code == JSONSTORE_OK) {
			code = jsonstore_commit(transaction, NULL);
		} else {
			jsonstore_abandon(transaction);
		}
	}
	for (int i = 0; i < 3; i++) {
		jsonstore_text_free(&texts[i]);
	}
	return code;
}

static void *write_moves(void *context)
{
	struct bank *bank = context;
	unsigned random = (unsigned)(uintptr_t)&random;
	for (int i = 0; i < MOVES;) {
		random = random * 1664525 + 1013904223;
		int code = move(bank, random >> 8);
		if (code == JSONSTORE_OK) {
			atomic_fetch_add(&bank->moves, 1);
			i++;
		} else if (code != JSONSTORE_CONFLICT) {
			(void)fprintf(stderr, "move: code %d\n", code);
			atomic_fetch_add(&bank->failures, 1);
			break;
		}
	}
	return NULL;
}

/* The sum of both sides in one snapshot, by scans. */
static long sum(struct bank *bank, long *ret_moves)
{
	struct jsonstore_snapshot *snapshot;
	struct jsonstore_error error;
	long total = 0;
	if (jsonstore_snapshot(bank->store, &snapshot, &error) != JSONSTORE_OK) {
		(void)fprintf(stderr, "%s\n", error.message);
		return -1;
	}
	for (int side = 0; side < 2; side++) {
		struct jsonstore_cursor *cursor;
		const char *record;
		size_t length;
		if (jsonstore_scan(bank->sides[side], snapshot, &cursor, &error) != JSONSTORE_OK) {
			total = -1;
			break;
		}
		while (jsonstore_next(cursor, &record, &length, &error) == JSONSTORE_OK && record != NULL) {
			const char *at = memmem(record, length, "\"v\":", 4);
			long value = strtol(at + 4, NULL, 10);
			if (memmem(record, length, "moves", 5) != NULL) {
				*ret_moves = value;
			} else {
				total += value;
			}
		}
		jsonstore_cursor_close(cursor);
	}
	jsonstore_release(snapshot);
	return total;
}

static void *read_sums(void *context)
{
	struct bank *bank = context;
	long before = 0;
	while (!atomic_load(&bank->done)) {
		long moves = -1;
		long total = sum(bank, &moves);
		if (total != 2L * ACCOUNTS * MONEY || moves < before) {
			(void)fprintf(stderr, "sum %ld, moves %ld after %ld\n", total, moves, before);
			atomic_fetch_add(&bank->failures, 1);
			break;
		}
		before = moves;
	}
	return NULL;
}

static void *checkpoint(void *context)
{
	struct bank *bank = context;
	struct jsonstore_error error;
	while (!atomic_load(&bank->done)) {
		if (jsonstore_checkpoint(bank->store, JSONSTORE_NOW, &error) != JSONSTORE_OK) {
			(void)fprintf(stderr, "%s\n", error.message);
			atomic_fetch_add(&bank->failures, 1);
			break;
		}
		usleep(3000);
	}
	return NULL;
}

/* Writers, readers and checkpoints at once; the number of moves, -1 when something failed. */
static long run_threads(struct bank *bank)
{
	pthread_t writers[WRITERS];
	pthread_t others[3];
	void *(*const kinds[3])(void *) = {read_sums, read_sums, checkpoint};
	atomic_store(&bank->done, false);
	for (int i = 0; i < 3; i++) {
		(void)pthread_create(&others[i], NULL, kinds[i], bank);
	}
	for (int i = 0; i < WRITERS; i++) {
		(void)pthread_create(&writers[i], NULL, write_moves, bank);
	}
	for (int i = 0; i < WRITERS; i++) {
		pthread_join(writers[i], NULL);
	}
	atomic_store(&bank->done, true);
	for (int i = 0; i < 3; i++) {
		pthread_join(others[i], NULL);
	}
	return atomic_load(&bank->failures) > 0 ? -1 : atomic_load(&bank->moves);
}

static void check_bank(const char *folder, long want_moves)
{
	struct bank bank = {.moves = 0};
	long moves = -1;
	struct jsonstore_error error;
	assert_true(open_bank(&bank, folder));
	assert_int_equal(sum(&bank, &moves), 2 * ACCOUNTS * MONEY);
	assert_int_equal(moves, want_moves);
	assert_int_equal(jsonstore_verify(bank.store, NULL, &error), JSONSTORE_OK);
	assert_int_equal(jsonstore_close(bank.store, NULL), JSONSTORE_OK);
}

static void test_threads(void **state)
{
	struct bank bank = {.moves = 0};
	assert_true(open_bank(&bank, *state));
	found_bank(&bank);
	assert_int_equal(run_threads(&bank), WRITERS * MOVES);
	assert_int_equal(jsonstore_close(bank.store, NULL), JSONSTORE_OK);
	check_bank(*state, WRITERS * MOVES);
}

static void test_processes(void **state)
{
	struct bank bank = {.moves = 0};
	pid_t children[PROCESSES];
	assert_true(open_bank(&bank, *state));
	found_bank(&bank);
	for (int i = 0; i < PROCESSES; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			struct bank own = {.moves = 0};
			bool good = open_bank(&own, *state) && run_threads(&own) == WRITERS * MOVES;
			good = jsonstore_close(own.store, NULL) == JSONSTORE_OK && good;
			_exit(good ? 0 : 1);
		}
	}
	/* The parent reads all the while. */
	long moves = 0;
	while (moves < PROCESSES * WRITERS * MOVES) {
		assert_int_equal(sum(&bank, &moves), 2 * ACCOUNTS * MONEY);
		int status;
		if (waitpid(-1, &status, WNOHANG) > 0) {
			assert_int_equal(status, 0);
		}
	}
	for (int status = 0; waitpid(-1, &status, 0) > 0;) {
		assert_int_equal(status, 0);
	}
	assert_int_equal(jsonstore_close(bank.store, NULL), JSONSTORE_OK);
	check_bank(*state, PROCESSES * WRITERS * MOVES);
}

/* Processes that end at any moment, one after the other and side by side; none harms another. */
static void test_killed(void **state)
{
	struct bank bank = {.moves = 0};
	assert_true(open_bank(&bank, *state));
	found_bank(&bank);
	for (int round = 0; round < 12; round++) {
		pid_t child = fork();
		if (child == 0) {
			struct bank own = {.moves = 0};
			if (open_bank(&own, *state)) {
				(void)run_threads(&own);
			}
			_exit(0);
		}
		usleep((useconds_t)(20000 + round * 7000));
		kill(child, SIGKILL);
		long moves;
		assert_int_equal(sum(&bank, &moves), 2 * ACCOUNTS * MONEY);
		assert_int_equal(waitpid(child, NULL, 0), child);
		int code;
		while ((code = move(&bank, (unsigned)round)) == JSONSTORE_CONFLICT) {
		}
		assert_int_equal(code, JSONSTORE_OK);
	}
	long moves;
	assert_int_equal(sum(&bank, &moves), 2 * ACCOUNTS * MONEY);
	assert_int_equal(jsonstore_close(bank.store, NULL), JSONSTORE_OK);
	check_bank(*state, moves);
}

static void test_fork(void **state)
{
	struct bank bank = {.moves = 0};
	int status;
	assert_true(open_bank(&bank, *state));
	found_bank(&bank);
	pid_t child = fork();
	if (child == 0) {
		struct jsonstore_text text = {NULL, 0, 0};
		bool forked = jsonstore_get(bank.sides[0], NULL, "1", 1, &text, NULL) == JSONSTORE_FORKED &&
			jsonstore_put(bank.sides[0], "{\"id\":1}", 8, NULL) == JSONSTORE_FORKED &&
			jsonstore_close(bank.store, NULL) == JSONSTORE_FORKED;
		_exit(forked ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(jsonstore_close(bank.store, NULL), JSONSTORE_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_threads, support_make_folder, support_remove_folder),
		cmocka_unit_test_setup_teardown(test_processes, support_make_folder, support_remove_folder),
		cmocka_unit_test_setup_teardown(test_killed, support_make_folder, support_remove_folder),
		cmocka_unit_test_setup_teardown(test_fork, support_make_folder, support_remove_folder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
