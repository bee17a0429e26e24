/*
 * A program for the proofs that kill, cut the power and count: it writes what can be checked, and
 * says on standard output what was acknowledged, a line "USER STEP" each, in one write.
 *
 *   drive write FOLDER FIRST THREADS STEPS SECONDS   each thread is a user; until either is over
 *   drive hold FOLDER                                a handle that stays: a line in, the state out
 *   drive look                                       a folder's path in, its state out
 *   drive big FOLDER MEGABYTES LIMIT_MEGABYTES       a large collection in little memory
 *
 * A state is one line of JSON. After an error of the system a writer makes a checkpoint, and tries
 * the step again.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "drive.h"

enum { TRIES = 8, KEPT = 3, PAD_MAX = 900, CHECKPOINT_EVERY = 7, LOOK_EVERY = 16 };

struct sides {
	struct jsonstore *store;
	struct jsonstore_collection *a;
	struct jsonstore_collection *b;
};

struct user {
	struct sides *sides;
	int number;
	int steps;
	double until;
	bool leads; /* makes the checkpoints */
	bool failed;
};

double drive_now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int drive_complain(const char *what, const struct jsonstore_error *error)
{
	(void)fprintf(stderr, "drive: %s: code %d: %s\n", what, error->code, error->message);
	return 1;
}

static int open_sides(const char *folder, struct sides *sides, struct jsonstore_error *error)
{
	static const char *const fields[] = {"v"};
	struct jsonstore_schema schema = {.size = sizeof(schema), .fields = fields, .field_count = 1};
	struct jsonstore_options options = {.size = sizeof(options), .cache_bytes = 1 << 20};
	int code = jsonstore_open(folder, &options, &sides->store, error);
	if (code != JSONSTORE_OK) {
		return code;
	}
	code = jsonstore_collection(sides->store, "a", &schema, &sides->a, error);
	if (code == JSONSTORE_OK) {
		code = jsonstore_collection(sides->store, "b", &schema, &sides->b, error);
	}
	if (code != JSONSTORE_OK) {
		(void)jsonstore_close(sides->store, NULL);
	}
	return code;
}

/* ---- writing ---- */

static int put(struct jsonstore_transaction *transaction, struct jsonstore_collection *collection,
			   const char *id, int n, struct jsonstore_error *error)
{
	char record[PAD_MAX + 200];
	int pad = n * 37 % PAD_MAX;
	int len = snprintf(record, sizeof(record), "{\"id\":\"%s\",\"n\":%d,\"v\":%d,\"x\":\"%0*d\"}",
					   id, n, n % 2, pad + 1, n);
	return jsonstore_transaction_put(transaction, collection, record, (size_t)len, error);
}

/* In a locked transaction: the state is that of the step before, and what is undone is gone. */
static int look_inside(struct jsonstore_transaction *transaction, const struct user *user, int n,
					   struct jsonstore_error *error)
{
	struct jsonstore_snapshot *snapshot;
	struct jsonstore_text text = {NULL, 0, 0};
	char id[32];
	char want[32];
	uint64_t mark = jsonstore_transaction_mark(transaction);
	int len = snprintf(id, sizeof(id), "%d", user->number);
	int code = put(transaction, user->sides->a, "undone", n, error);
	code = code != 0 ? code : jsonstore_transaction_undo_to(transaction, mark, error);
	if (code != JSONSTORE_OK ||
		(code = jsonstore_transaction_snapshot(transaction, &snapshot, error)) != JSONSTORE_OK) {
		return code;
	}
	code = jsonstore_get(user->sides->b, snapshot, id, (size_t)len, &text, error);
	jsonstore_release(snapshot);
	(void)snprintf(want, sizeof(want), "\"n\":%d,", n - 1);
	bool good = n == 1 ? code == JSONSTORE_ABSENT
					   : code == JSONSTORE_OK && memmem(text.text, text.length, want, strlen(want));
	jsonstore_text_free(&text);
	if (!good && (code == JSONSTORE_OK || code == JSONSTORE_ABSENT)) {
		(void)fprintf(stderr, "drive: user %d: step %d is not the last\n", user->number, n - 1);
		_exit(4);
	}
	return good ? JSONSTORE_OK : code;
}

/* Step n: one of three records, a new one, sometimes one less, and the number of the step. */
static int write_step(const struct user *user, int n, struct jsonstore_error *error)
{
	struct jsonstore_transaction *transaction;
	struct sides *sides = user->sides;
	char id[32];
	bool locked = n % 2 == 1;
	int code = locked ? jsonstore_begin_locked(sides->store, JSONSTORE_WAIT, &transaction, error)
					  : jsonstore_begin(sides->store, &transaction, error);
	if (code != JSONSTORE_OK) {
		return code;
	}
	(void)snprintf(id, sizeof(id), "%d.%d", user->number, n % KEPT);
	code = put(transaction, sides->a, id, n, error);
	if (code == JSONSTORE_OK && locked) {
		code = look_inside(transaction, user, n, error);
	}
	(void)snprintf(id, sizeof(id), "%d+%d", user->number, n);
	code = code != 0 ? code : put(transaction, sides->a, id, n, error);
	if (n % 4 == 0 && code == JSONSTORE_OK) {
		int len = snprintf(id, sizeof(id), "%d+%d", user->number, n - 2);
		code = jsonstore_transaction_delete(transaction, sides->a, id, (size_t)len, error);
	}
	(void)snprintf(id, sizeof(id), "%d", user->number);
	code = code != 0 ? code : put(transaction, sides->b, id, n, error);
	if (code != JSONSTORE_OK) {
		jsonstore_abandon(transaction);
		return code;
	}
	return jsonstore_commit(transaction, error);
}

/* What was acknowledged is there, in a get and among what a find gives. */
static bool look(const struct user *user, int n)
{
	struct jsonstore_text text = {NULL, 0, 0};
	struct jsonstore_cursor *cursor;
	struct jsonstore_error error = {.code = 0};
	const char *record = "";
	size_t length;
	char id[32];
	char want[32];
	int len = snprintf(id, sizeof(id), "%d", user->number);
	int want_len = snprintf(want, sizeof(want), "\"n\":%d,", n);
	bool good = jsonstore_get(user->sides->b, NULL, id, (size_t)len, &text, &error) == 0 &&
		memmem(text.text, text.length, want, (size_t)want_len) != NULL;
	jsonstore_text_free(&text);
	if (good && n % LOOK_EVERY == 0) {
		char mine[64];
		int mine_len = snprintf(mine, sizeof(mine), "\"id\":\"%d+%d\",", user->number, n);
		good = jsonstore_find(user->sides->a, NULL, "v", n % 2 == 0 ? "0" : "1", 1, &cursor,
							  &error) == JSONSTORE_OK;
		bool found = false;
		while (good && record != NULL) {
			good = jsonstore_next(cursor, &record, &length, &error) == JSONSTORE_OK;
			found = found ||
				(good && record != NULL && memmem(record, length, mine, (size_t)mine_len) != NULL);
		}
		good = good && found;
		jsonstore_cursor_close(cursor);
	}
	if (!good) {
		(void)drive_complain("what was acknowledged is not there", &error);
	}
	return good;
}

static void *write_steps(void *context)
{
	struct user *user = context;
	struct jsonstore_error error;
	for (int n = 1; n <= user->steps && drive_now() < user->until; n++) {
		char line[64];
		int code = write_step(user, n, &error);
		for (int i = 0; i < TRIES && (code == JSONSTORE_IO || code == JSONSTORE_FAILED); i++) {
			(void)jsonstore_checkpoint(user->sides->store, JSONSTORE_NOW, NULL);
			code = write_step(user, n, &error);
		}
		if (code != JSONSTORE_OK) {
			(void)drive_complain("step", &error);
			user->failed = true;
			break;
		}
		int len = snprintf(line, sizeof(line), "%d %d\n", user->number, n);
		if (write(STDOUT_FILENO, line, (size_t)len) != len || !look(user, n)) {
			user->failed = true;
			break;
		}
		if (user->leads && n % CHECKPOINT_EVERY == 0) {
			/* After a second what is small is brought up to date without a new journal. */
			bool publish = n == 2 * CHECKPOINT_EVERY;
			if (publish) {
				(void)sleep(2);
			}
			(void)jsonstore_checkpoint(user->sides->store,
									   publish ? JSONSTORE_IF_DUE : JSONSTORE_NOW, NULL);
		}
	}
	return NULL;
}

static int write_all(char **arguments)
{
	struct sides sides;
	struct jsonstore_error error;
	struct user users[16];
	pthread_t threads[16];
	int first = (int)strtol(arguments[1], NULL, 10);
	int count = (int)strtol(arguments[2], NULL, 10);
	bool failed = false;
	for (int i = 0; open_sides(arguments[0], &sides, &error) != JSONSTORE_OK; i++) {
		if (error.code != JSONSTORE_IO || i == TRIES) {
			return drive_complain("open", &error);
		}
	}
	for (int i = 0; i < count; i++) {
		users[i] = (struct user){
			.sides = &sides,
			.number = first + i,
			.steps = (int)strtol(arguments[3], NULL, 10),
			.until = drive_now() + (double)strtol(arguments[4], NULL, 10),
			.leads = i == 0,
		};
	}
	/* One works in this thread: the calls of a thread are counted by its tracer. */
	for (int i = 1; i < count; i++) {
		(void)pthread_create(&threads[i], NULL, write_steps, &users[i]);
	}
	(void)write_steps(&users[0]);
	for (int i = 0; i < count; i++) {
		if (i > 0) {
			pthread_join(threads[i], NULL);
		}
		failed = failed || users[i].failed;
	}
	/* An error of the last checkpoint loses nothing. */
	(void)jsonstore_close(sides.store, &error);
	return failed ? 1 : 0;
}

/* ---- looking ---- */

static int print_side(const char *name, struct jsonstore_collection *collection,
					  const struct jsonstore_snapshot *snapshot, struct jsonstore_error *error)
{
	struct jsonstore_cursor *cursor;
	const char *record = "";
	size_t length;
	int code = jsonstore_scan(collection, snapshot, &cursor, error);
	if (code != JSONSTORE_OK) {
		return code;
	}
	(void)printf(",\"%s\":[", name);
	for (bool first = true;; first = false) {
		code = jsonstore_next(cursor, &record, &length, error);
		if (code != JSONSTORE_OK || record == NULL) {
			break;
		}
		(void)printf("%s%.*s", first ? "" : ",", (int)length, record);
	}
	(void)printf("]");
	jsonstore_cursor_close(cursor);
	return code;
}

static void print_state(struct sides *sides)
{
	struct jsonstore_error error = {.code = 0};
	struct jsonstore_snapshot *snapshot;
	(void)printf("{\"begun\":1");
	int code = jsonstore_verify(sides->store, NULL, &error);
	code = code != 0 ? code : jsonstore_snapshot(sides->store, &snapshot, &error);
	if (code == JSONSTORE_OK) {
		code = print_side("a", sides->a, snapshot, &error);
		code = code != 0 ? code : print_side("b", sides->b, snapshot, &error);
		jsonstore_release(snapshot);
	}
	(void)printf(",\"code\":%d,\"message\":\"%s\"}\n", code,
				 code == JSONSTORE_OK ? "" : error.message);
}

static int hold(char **arguments)
{
	struct sides sides;
	struct jsonstore_error error;
	char line[16];
	if (open_sides(arguments[0], &sides, &error) != JSONSTORE_OK) {
		return drive_complain("open", &error);
	}
	(void)printf("open\n");
	(void)fflush(stdout);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		print_state(&sides);
		(void)fflush(stdout);
	}
	return jsonstore_close(sides.store, NULL);
}

/* The state of a folder as it is found; then it takes a write, and closes. */
static int look_at_folders(char **arguments)
{
	char folder[400];
	(void)arguments;
	while (fgets(folder, sizeof(folder), stdin) != NULL) {
		struct sides sides;
		struct jsonstore_error error;
		folder[strcspn(folder, "\n")] = '\0';
		int code = open_sides(folder, &sides, &error);
		if (code != JSONSTORE_OK) {
			(void)printf("{\"code\":%d,\"message\":\"%s\"}\n", code, error.message);
			(void)fflush(stdout);
			continue;
		}
		print_state(&sides);
		if (jsonstore_put(sides.b, "{\"id\":\"0\",\"n\":0}", 16, &error) != JSONSTORE_OK ||
			jsonstore_close(sides.store, &error) != JSONSTORE_OK) {
			return drive_complain(folder, &error);
		}
		(void)fflush(stdout);
	}
	return 0;
}

int main(int count, char **arguments)
{
	static const struct {
		const char *name;
		int arguments;
		int (*run)(char **arguments);
	} modes[] = {
		{"write", 5, write_all},
		{"hold", 1, hold},
		{"look", 0, look_at_folders},
		{"big", 3, drive_big},
	};
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]) && count > 1; i++) {
		if (strcmp(modes[i].name, arguments[1]) == 0 && count == modes[i].arguments + 2) {
			return modes[i].run(arguments + 2);
		}
	}
	(void)fprintf(stderr, "drive: wrong call\n");
	return 2;
}
