/*
 * Locked transactions: random changes, marks and undoing against a simple map; what each call says;
 * threads and processes that count together; and every call of the system and allocation failing
 * in its turn.
 */
#include "support.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store.h"

enum { SIDES = 2, KEYS = 24, VALUES = 5, MARKS = 6, ROUNDS = 60, STEPS = 40, ABSENT = -1 };

static bool is_proof(void)
{
	const char *proof = getenv("ROWLOCK_PROOF");
	return proof != NULL && strcmp(proof, "1") == 0;
}

/* ---- a simple map ---- */

struct map {
	int numbers[SIDES][KEYS]; /* of the change that wrote the record, or ABSENT */
};

struct model {
	struct jsonstore *store;
	struct jsonstore_collection *sides[SIDES];
	struct jsonstore_transaction *transaction;
	struct map outside; /* what is committed */
	struct map inside;
	uint64_t marks[MARKS];
	struct map marked[MARKS];
	int mark_count;
	unsigned random;
	int number;
};

static unsigned draw(struct model *model, unsigned below)
{
	model->random = model->random * 1664525u + 1013904223u;
	return (model->random >> 8) % below;
}

static int key_text(char text[32], int key)
{
	return snprintf(text, 32, "k%d", key);
}

/* The number says the value, too; some have none, and one in the form of a number. */
static int record_text(char text[96], int key, int number)
{
	static const char *const values[VALUES] = {",\"v\":0", ",\"v\":\"one\"", ",\"v\":2e0",
											   ",\"v\":null", ""};
	return snprintf(text, 96, "{\"id\":\"k%d\",\"n\":%d%s}", key, number, values[number % VALUES]);
}

static void check_get(struct model *model, const struct jsonstore_snapshot *snapshot, int side,
					  int key, int number)
{
	struct jsonstore_text text = {NULL, 0, 0};
	char name[32];
	char want[96];
	int len = key_text(name, key);
	int code = jsonstore_get(model->sides[side], snapshot, name, (size_t)len, &text, NULL);
	if (number == ABSENT) {
		assert_int_equal(code, JSONSTORE_ABSENT);
	} else {
		assert_int_equal(code, JSONSTORE_OK);
		int want_len = record_text(want, key, number);
		assert_int_equal(text.length, want_len);
		assert_memory_equal(text.text, want, (size_t)want_len);
	}
	jsonstore_text_free(&text);
}

/* The cursor gives each record of the map once that has the value; -1: all. */
static void check_cursor(struct jsonstore_cursor *cursor, const int numbers[KEYS], int value)
{
	struct jsonstore_error error;
	const char *record;
	size_t length;
	int seen[KEYS] = {0};
	for (;;) {
		if (jsonstore_next(cursor, &record, &length, &error) != JSONSTORE_OK) {
			fail_msg("%s", error.message);
		}
		if (record == NULL) {
			break;
		}
		char want[96];
		long key = strtol((const char *)memchr(record, 'k', length) + 1, NULL, 10);
		assert_in_range(key, 0, KEYS - 1);
		assert_int_not_equal(numbers[key], ABSENT);
		assert_int_equal(length, record_text(want, (int)key, numbers[key]));
		assert_memory_equal(record, want, length);
		seen[key]++;
	}
	jsonstore_cursor_close(cursor);
	for (int key = 0; key < KEYS; key++) {
		bool wanted = numbers[key] != ABSENT && (value < 0 || numbers[key] % VALUES == value);
		assert_int_equal(seen[key], wanted ? 1 : 0);
	}
}

static void check_state(struct model *model, const struct jsonstore_snapshot *snapshot,
						const struct map *map)
{
	static const char *const values[] = {"0.0", "\"one\"", "2", "null"};
	struct jsonstore_cursor *cursor;
	for (int side = 0; side < SIDES; side++) {
		for (int key = 0; key < KEYS; key++) {
			check_get(model, snapshot, side, key, map->numbers[side][key]);
		}
		assert_int_equal(jsonstore_scan(model->sides[side], snapshot, &cursor, NULL), JSONSTORE_OK);
		check_cursor(cursor, map->numbers[side], -1);
		for (int i = 0; i < VALUES - 1; i++) {
			assert_int_equal(jsonstore_find(model->sides[side], snapshot, "v", values[i],
											strlen(values[i]), &cursor, NULL),
							 JSONSTORE_OK);
			check_cursor(cursor, map->numbers[side], i);
		}
	}
}

static void check_inside(struct model *model)
{
	struct jsonstore_snapshot *snapshot;
	assert_int_equal(jsonstore_transaction_snapshot(model->transaction, &snapshot, NULL), 0);
	check_state(model, snapshot, &model->inside);
	jsonstore_release(snapshot);
}

/* ---- random steps ---- */

static void patch(struct model *model, int side, int key)
{
	int *number = &model->inside.numbers[side][key];
	/* The same value again, so that the text is the one of record_text(). */
	int next = *number == ABSENT ? 0 : model->number++ * VALUES + *number % VALUES;
	char name[32];
	char text[64];
	int len = key_text(name, key);
	int text_len = snprintf(text, sizeof(text), "{\"n\":%d,\"gone\":null}", next);
	int code = jsonstore_transaction_patch(model->transaction, model->sides[side], name,
										   (size_t)len, text, (size_t)text_len, NULL);
	assert_int_equal(code, *number == ABSENT ? JSONSTORE_ABSENT : JSONSTORE_OK);
	*number = *number == ABSENT ? ABSENT : next;
}

static void change(struct model *model)
{
	int side = (int)draw(model, SIDES);
	int key = (int)draw(model, KEYS);
	int *number = &model->inside.numbers[side][key];
	struct jsonstore_collection *collection = model->sides[side];
	struct jsonstore_error error;
	char name[32];
	char text[96];
	int len = key_text(name, key);
	int next = model->number++ * VALUES + (int)draw(model, VALUES);
	int text_len = record_text(text, key, next);
	switch (draw(model, 5)) {
	case 0:
		assert_int_equal(jsonstore_transaction_put(model->transaction, collection, text,
												   (size_t)text_len, &error),
						 JSONSTORE_OK);
		*number = next;
		break;
	case 1:
		assert_int_equal(jsonstore_transaction_insert(model->transaction, collection, text,
													  (size_t)text_len, &error),
						 *number == ABSENT ? JSONSTORE_OK : JSONSTORE_PRESENT);
		*number = *number == ABSENT ? next : *number;
		break;
	case 2:
		assert_int_equal(jsonstore_transaction_delete(model->transaction, collection, name,
													  (size_t)len, &error),
						 *number == ABSENT ? JSONSTORE_ABSENT : JSONSTORE_OK);
		*number = ABSENT;
		break;
	case 3:
		patch(model, side, key);
		break;
	default:
		text_len = *number == ABSENT ? 0 : record_text(text, key, *number);
		assert_int_equal(jsonstore_transaction_require(model->transaction, collection, name,
													   (size_t)len, *number == ABSENT ? NULL : text,
													   (size_t)text_len, &error),
						 JSONSTORE_OK);
		assert_int_equal(jsonstore_transaction_require(model->transaction, collection, name,
													   (size_t)len, "{}", 2, &error),
						 JSONSTORE_CONFLICT);
		break;
	}
}

static void mark_or_undo(struct model *model)
{
	if (model->mark_count < MARKS && draw(model, 2) == 0) {
		model->marks[model->mark_count] = jsonstore_transaction_mark(model->transaction);
		model->marked[model->mark_count++] = model->inside;
	} else if (model->mark_count > 0) {
		int to = (int)draw(model, (unsigned)model->mark_count);
		assert_int_equal(jsonstore_transaction_undo_to(model->transaction, model->marks[to], NULL),
						 JSONSTORE_OK);
		model->inside = model->marked[to];
		model->mark_count = to + 1;
	}
}

/* The order in which a scan gives the records is the same before the commit and after it. */
static void commit(struct model *model)
{
	struct jsonstore_snapshot *snapshot;
	struct jsonstore_cursor *cursor;
	struct jsonstore_cursor *after;
	const char *record = "";
	const char *other;
	size_t length;
	size_t other_length;
	assert_int_equal(jsonstore_transaction_snapshot(model->transaction, &snapshot, NULL), 0);
	assert_int_equal(jsonstore_scan(model->sides[0], snapshot, &cursor, NULL), JSONSTORE_OK);
	assert_int_equal(jsonstore_commit(model->transaction, NULL), JSONSTORE_OK);
	assert_int_equal(jsonstore_scan(model->sides[0], NULL, &after, NULL), JSONSTORE_OK);
	while (record != NULL) {
		assert_int_equal(jsonstore_next(cursor, &record, &length, NULL), JSONSTORE_OK);
		assert_int_equal(jsonstore_next(after, &other, &other_length, NULL), JSONSTORE_OK);
		assert_int_equal(length, other_length);
		assert_memory_equal(record == NULL ? "" : record, other == NULL ? "" : other, length);
	}
	jsonstore_cursor_close(cursor);
	jsonstore_cursor_close(after);
	jsonstore_release(snapshot);
	model->outside = model->inside;
}

static void open_model(struct model *model, const char *folder)
{
	assert_int_equal(jsonstore_open(folder, NULL, &model->store, NULL), JSONSTORE_OK);
	model->sides[0] = support_collection(model->store, "left");
	model->sides[1] = support_collection(model->store, "right");
}

static void run_round(struct model *model)
{
	struct jsonstore_snapshot *snapshot = NULL;
	struct map then;
	model->inside = model->outside;
	model->mark_count = 0;
	assert_int_equal(jsonstore_begin_locked(model->store, 0, &model->transaction, NULL), 0);
	unsigned steps = draw(model, STEPS);
	for (unsigned i = 0; i < steps; i++) {
		if (draw(model, 5) == 0) {
			mark_or_undo(model);
		} else {
			change(model);
		}
		if (draw(model, 8) == 0) {
			check_inside(model);
			check_state(model, NULL, &model->outside);
		}
	}
	/* What a snapshot holds stays, whatever follows. */
	assert_int_equal(jsonstore_transaction_snapshot(model->transaction, &snapshot, NULL), 0);
	then = model->inside;
	for (int i = 0; i < 5; i++) {
		change(model);
	}
	check_state(model, snapshot, &then);
	check_inside(model);
	if (draw(model, 3) == 0) {
		jsonstore_abandon(model->transaction);
	} else {
		commit(model);
	}
	check_state(model, snapshot, &then);
	jsonstore_release(snapshot);
	check_state(model, NULL, &model->outside);
}

static void test_model(void **state)
{
	int seeds = is_proof() ? 100 : 2;
	struct model model = {.random = 0};
	memset(&model.outside, 0xff, sizeof(model.outside));
	open_model(&model, *state);
	for (int seed = 1; seed <= seeds; seed++) {
		model.random = (unsigned)seed;
		for (int i = 0; i < ROUNDS; i++) {
			run_round(&model);
			if (draw(&model, 8) == 0) {
				assert_int_equal(jsonstore_checkpoint(model.store, JSONSTORE_NOW, NULL), 0);
			}
			if (draw(&model, 16) == 0) {
				assert_int_equal(jsonstore_close(model.store, NULL), JSONSTORE_OK);
				open_model(&model, *state);
				check_state(&model, NULL, &model.outside);
			}
		}
	}
	assert_int_equal(jsonstore_verify(model.store, NULL, NULL), JSONSTORE_OK);
	assert_int_equal(jsonstore_close(model.store, NULL), JSONSTORE_OK);
}

/* ---- what is written while a checkpoint is being made ---- */

struct meanwhile {
	struct model *model;
	bool wanted;
};

/* At the first write of the checkpoint, without the writer's lock yet, through another handle. */
static int write_meanwhile(void *context, enum js_call call)
{
	struct meanwhile *meanwhile = context;
	struct model *model = meanwhile->model;
	if (!meanwhile->wanted || call != JS_CALL_WRITE) {
		return 0;
	}
	meanwhile->wanted = false;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(jsonstore_begin_locked(model->store, JSONSTORE_WAIT, &model->transaction,
												NULL),
						 JSONSTORE_OK);
		for (int k = 0; k < STEPS; k++) {
			change(model);
		}
		assert_int_equal(jsonstore_commit(model->transaction, NULL), JSONSTORE_OK);
	}
	model->outside = model->inside;
	return 0;
}

/* Two handles that go on, and one that reads all anew, give the same in the same order. */
static void test_meanwhile(void **state)
{
	struct model model = {.random = 3};
	struct meanwhile meanwhile = {.model = &model};
	struct js_sys sys = {write_meanwhile, &meanwhile};
	struct jsonstore *maker;
	struct jsonstore_error error;
	memset(&model.outside, 0xff, sizeof(model.outside));
	model.inside = model.outside;
	open_model(&model, *state);
	assert_int_equal(js_store_open(*state, NULL, &sys, false, &maker, &error), JSONSTORE_OK);
	struct model making = {.store = maker};
	making.sides[0] = support_collection(maker, "left");
	making.sides[1] = support_collection(maker, "right");
	for (int round = 0; round < (is_proof() ? 200 : 6); round++) {
		assert_int_equal(jsonstore_begin_locked(model.store, 0, &model.transaction, NULL), 0);
		for (int k = 0; k < STEPS; k++) {
			change(&model);
		}
		assert_int_equal(jsonstore_commit(model.transaction, NULL), JSONSTORE_OK);
		model.outside = model.inside;
		if (round % 2 == 0) {
			check_state(&making, NULL, &model.outside);
		}
		meanwhile.wanted = true;
		assert_int_equal(jsonstore_checkpoint(maker, JSONSTORE_NOW, &error), JSONSTORE_OK);
		assert_false(meanwhile.wanted);
		struct model fresh = {.random = 0};
		open_model(&fresh, *state);
		check_state(&model, NULL, &model.outside);
		check_state(&making, NULL, &model.outside);
		check_state(&fresh, NULL, &model.outside);
		for (int side = 0; side < SIDES; side++) {
			char *texts[3] = {support_dump(model.sides[side], &error),
							  support_dump(making.sides[side], &error),
							  support_dump(fresh.sides[side], &error)};
			assert_string_equal(texts[0], texts[2]);
			assert_string_equal(texts[1], texts[2]);
			for (int i = 0; i < 3; i++) {
				free(texts[i]);
			}
		}
		assert_int_equal(jsonstore_verify(model.store, NULL, &error), JSONSTORE_OK);
		assert_int_equal(jsonstore_close(fresh.store, NULL), JSONSTORE_OK);
	}
	assert_int_equal(jsonstore_close(maker, NULL), JSONSTORE_OK);
	assert_int_equal(jsonstore_close(model.store, NULL), JSONSTORE_OK);
}

/* ---- what each call says ---- */

static struct jsonstore_transaction *begin(struct jsonstore *store)
{
	struct jsonstore_transaction *transaction = NULL;
	struct jsonstore_error error;
	if (jsonstore_begin_locked(store, JSONSTORE_WAIT, &transaction, &error) != JSONSTORE_OK) {
		fail_msg("%s", error.message);
	}
	return transaction;
}

static int put(struct jsonstore_transaction *transaction, struct jsonstore_collection *collection,
			   int id, int value)
{
	char record[64];
	int len = snprintf(record, sizeof(record), "{\"id\":%d,\"v\":%d}", id, value);
	return jsonstore_transaction_put(transaction, collection, record, (size_t)len, NULL);
}

static void test_own_thread(void **state)
{
	struct model model = {.random = 0};
	struct jsonstore_collection *collection;
	struct jsonstore_schema schema = {.size = sizeof(schema)};
	struct jsonstore_transaction *other;
	open_model(&model, *state);
	struct jsonstore_transaction *own = begin(model.store);
	assert_int_equal(put(own, model.sides[0], 1, 1), JSONSTORE_OK);
	assert_int_equal(jsonstore_put(model.sides[0], "{\"id\":2}", 8, NULL), JSONSTORE_BUSY);
	assert_int_equal(jsonstore_checkpoint(model.store, JSONSTORE_NOW, NULL), JSONSTORE_BUSY);
	assert_int_equal(jsonstore_begin_locked(model.store, JSONSTORE_WAIT, &other, NULL),
					 JSONSTORE_BUSY);
	assert_int_equal(jsonstore_collection(model.store, "new", &schema, &collection, NULL),
					 JSONSTORE_BUSY);
	/* A plain one may be collected meanwhile. */
	assert_int_equal(jsonstore_begin(model.store, &other, NULL), JSONSTORE_OK);
	assert_int_equal(put(other, model.sides[0], 1, 2), JSONSTORE_OK);
	assert_int_equal(jsonstore_commit(own, NULL), JSONSTORE_OK);
	assert_int_equal(jsonstore_commit(other, NULL), JSONSTORE_OK);
	assert_int_equal(jsonstore_put(model.sides[0], "{\"id\":2}", 8, NULL), JSONSTORE_OK);
	assert_int_equal(jsonstore_close(model.store, NULL), JSONSTORE_OK);
}

static void test_marks(void **state)
{
	struct model model = {.random = 0};
	struct jsonstore_error error;
	struct jsonstore_text text = {NULL, 0, 0};
	struct jsonstore_snapshot *snapshots[2];
	struct jsonstore_stamp stamps[2];
	struct jsonstore_cursor *cursor;
	const char *record;
	size_t length;
	open_model(&model, *state);
	struct jsonstore_collection *side = model.sides[0];
	struct jsonstore_transaction *own = begin(model.store);
	uint64_t none = jsonstore_transaction_mark(own);
	assert_int_equal(jsonstore_transaction_snapshot(own, &snapshots[0], NULL), JSONSTORE_OK);
	assert_int_equal(jsonstore_stamp(model.store, snapshots[0], &stamps[0], NULL), JSONSTORE_OK);
	assert_int_equal(put(own, side, 1, 1), JSONSTORE_OK);
	uint64_t one = jsonstore_transaction_mark(own);
	assert_int_equal(jsonstore_transaction_snapshot(own, &snapshots[1], NULL), JSONSTORE_OK);
	assert_int_equal(jsonstore_stamp(model.store, snapshots[1], &stamps[1], NULL),
					 JSONSTORE_INVALID);
	assert_int_equal(jsonstore_scan(side, snapshots[1], &cursor, NULL), JSONSTORE_OK);
	assert_int_equal(jsonstore_transaction_undo_to(own, none, NULL), JSONSTORE_OK);
	assert_int_equal(put(own, side, 1, 2), JSONSTORE_OK);
	assert_int_equal(jsonstore_transaction_undo_to(own, one, NULL), JSONSTORE_INVALID);
	assert_int_equal(jsonstore_transaction_undo_to(own, UINT64_MAX, NULL), JSONSTORE_INVALID);
	assert_int_equal(jsonstore_get(side, snapshots[0], "1", 1, &text, NULL), JSONSTORE_ABSENT);
	assert_int_equal(jsonstore_get(side, snapshots[1], "1", 1, &text, NULL), JSONSTORE_INVALID);
	assert_int_equal(jsonstore_next(cursor, &record, &length, NULL), JSONSTORE_INVALID);
	jsonstore_cursor_close(cursor);
	/* A change that fails tells its number, and is not there. */
	assert_int_equal(jsonstore_transaction_insert(own, side, "{\"id\":1}", 8, &error),
					 JSONSTORE_PRESENT);
	assert_int_equal(error.change, 1);
	assert_int_equal(jsonstore_transaction_put(own, side, "{}", 2, &error), JSONSTORE_INVALID);
	assert_int_equal(jsonstore_transaction_patch(own, side, "1", 1, "{\"id\":3}", 8, &error),
					 JSONSTORE_INVALID);
	assert_int_equal(jsonstore_commit(own, NULL), JSONSTORE_OK);
	assert_int_equal(jsonstore_get(side, NULL, "1", 1, &text, NULL), JSONSTORE_OK);
	assert_memory_equal(text.text, "{\"id\":1,\"v\":2}", text.length);
	jsonstore_release(snapshots[0]);
	jsonstore_release(snapshots[1]);
	jsonstore_text_free(&text);
	/* Without changes nothing is written. */
	assert_int_equal(jsonstore_stamp(model.store, NULL, &stamps[0], NULL), JSONSTORE_OK);
	own = begin(model.store);
	assert_int_equal(put(own, side, 1, 9), JSONSTORE_OK);
	assert_int_equal(jsonstore_transaction_undo_to(own, 0, NULL), JSONSTORE_OK);
	assert_int_equal(jsonstore_commit(own, NULL), JSONSTORE_OK);
	assert_int_equal(jsonstore_stamp(model.store, NULL, &stamps[1], NULL), JSONSTORE_OK);
	assert_memory_equal(&stamps[0], &stamps[1], sizeof(stamps[0]));
	assert_int_equal(jsonstore_put(side, "{\"id\":1}", 8, NULL), JSONSTORE_OK);
	assert_int_equal(jsonstore_stamp(model.store, NULL, &stamps[1], NULL), JSONSTORE_OK);
	assert_true(stamps[1].generation == stamps[0].generation && stamps[1].end > stamps[0].end);
	assert_int_equal(jsonstore_close(model.store, NULL), JSONSTORE_OK);
}

static void test_plain(void **state)
{
	struct model model = {.random = 0};
	struct jsonstore_transaction *plain;
	struct jsonstore_snapshot *snapshot;
	open_model(&model, *state);
	assert_int_equal(jsonstore_begin(model.store, &plain, NULL), JSONSTORE_OK);
	assert_int_equal(jsonstore_transaction_snapshot(plain, &snapshot, NULL), JSONSTORE_INVALID);
	uint64_t mark = jsonstore_transaction_mark(plain);
	assert_int_equal(jsonstore_transaction_undo_to(plain, mark, NULL), JSONSTORE_INVALID);
	jsonstore_abandon(plain);
	assert_int_equal(jsonstore_close(model.store, NULL), JSONSTORE_OK);
}

/* ---- waiting ---- */

static void *put_meanwhile(void *context)
{
	struct model *model = context;
	int code = jsonstore_put(model->sides[1], "{\"id\":\"other\",\"v\":1}", 20, NULL);
	return (void *)(intptr_t)code;
}

static void *checkpoint_meanwhile(void *context)
{
	struct model *model = context;
	return (void *)(intptr_t)jsonstore_checkpoint(model->store, JSONSTORE_NOW, NULL);
}

static void *lock_in_vain(void *context)
{
	struct model *model = context;
	struct jsonstore_transaction *transaction;
	int code = jsonstore_begin_locked(model->store, 20, &transaction, NULL);
	return (void *)(intptr_t)code;
}

/* Another thread, and another handle as another process has it, wait; who waits for a time ends. */
static void test_waiting(void **state)
{
	struct model model = {.random = 0};
	struct model other = {.random = 0};
	struct jsonstore_transaction *in_vain;
	struct jsonstore_text text = {NULL, 0, 0};
	pthread_t threads[4];
	void *codes[4];
	open_model(&model, *state);
	open_model(&other, *state);
	struct jsonstore_transaction *own = begin(model.store);
	assert_int_equal(put(own, model.sides[0], 1, 1), JSONSTORE_OK);
	(void)pthread_create(&threads[0], NULL, put_meanwhile, &model);
	(void)pthread_create(&threads[1], NULL, put_meanwhile, &other);
	(void)pthread_create(&threads[2], NULL, checkpoint_meanwhile, &model);
	(void)pthread_create(&threads[3], NULL, lock_in_vain, &model);
	pthread_join(threads[3], &codes[3]);
	assert_int_equal((intptr_t)codes[3], JSONSTORE_BUSY);
	for (int timeout_ms = 0; timeout_ms <= 30; timeout_ms += 15) {
		assert_int_equal(jsonstore_begin_locked(other.store, timeout_ms, &in_vain, NULL),
						 JSONSTORE_BUSY);
	}
	/* Who reads does not wait, and sees nothing of it. */
	assert_int_equal(jsonstore_get(other.sides[0], NULL, "1", 1, &text, NULL), JSONSTORE_ABSENT);
	assert_int_equal(jsonstore_get(model.sides[0], NULL, "1", 1, &text, NULL), JSONSTORE_ABSENT);
	assert_int_equal(jsonstore_get(model.sides[1], NULL, "other", 5, &text, NULL),
					 JSONSTORE_ABSENT);
	assert_int_equal(jsonstore_commit(own, NULL), JSONSTORE_OK);
	for (int i = 0; i < 3; i++) {
		pthread_join(threads[i], &codes[i]);
		assert_int_equal((intptr_t)codes[i], JSONSTORE_OK);
	}
	assert_int_equal(jsonstore_get(other.sides[0], NULL, "1", 1, &text, NULL), JSONSTORE_OK);
	assert_int_equal(jsonstore_begin_locked(other.store, 0, &in_vain, NULL), JSONSTORE_OK);
	jsonstore_abandon(in_vain);
	jsonstore_text_free(&text);
	assert_int_equal(jsonstore_close(model.store, NULL), JSONSTORE_OK);
	assert_int_equal(jsonstore_close(other.store, NULL), JSONSTORE_OK);
}

/* In a child every call fails, and ending the parent's transaction there leaves it its lock. */
static void test_fork(void **state)
{
	struct model model = {.random = 0};
	struct model other = {.random = 0};
	struct jsonstore_transaction *in_vain;
	int status;
	open_model(&model, *state);
	open_model(&other, *state);
	struct jsonstore_transaction *own = begin(model.store);
	assert_int_equal(put(own, model.sides[0], 1, 1), JSONSTORE_OK);
	pid_t child = fork();
	if (child == 0) {
		bool forked = put(own, model.sides[0], 1, 2) == JSONSTORE_FORKED &&
			jsonstore_transaction_undo_to(own, 0, NULL) == JSONSTORE_FORKED &&
			jsonstore_commit(own, NULL) == JSONSTORE_FORKED;
		_exit(forked ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(jsonstore_begin_locked(other.store, 0, &in_vain, NULL), JSONSTORE_BUSY);
	assert_int_equal(jsonstore_commit(own, NULL), JSONSTORE_OK);
	assert_int_equal(jsonstore_close(model.store, NULL), JSONSTORE_OK);
	assert_int_equal(jsonstore_close(other.store, NULL), JSONSTORE_OK);
}

/* Who has the lock dies: it is free, and nothing of the transaction is there. */
static void test_killed(void **state)
{
	struct model model = {.random = 0};
	struct jsonstore_text text = {NULL, 0, 0};
	int ends[2];
	char byte;
	open_model(&model, *state);
	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();
	if (child == 0) {
		struct model own = {.random = 0};
		open_model(&own, *state);
		bool good = put(begin(own.store), own.sides[0], 1, 1) == JSONSTORE_OK;
		if (write(ends[1], good ? "y" : "n", 1) == 1) {
			(void)pause();
		}
		_exit(1);
	}
	assert_int_equal(read(ends[0], &byte, 1), 1);
	assert_int_equal(byte, 'y');
	assert_int_equal(jsonstore_begin_locked(model.store, 0, &model.transaction, NULL),
					 JSONSTORE_BUSY);
	kill(child, SIGKILL);
	model.transaction = begin(model.store);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(jsonstore_get(model.sides[0], NULL, "1", 1, &text, NULL), JSONSTORE_ABSENT);
	jsonstore_abandon(model.transaction);
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(jsonstore_close(model.store, NULL), JSONSTORE_OK);
}

/* ---- many at once ---- */

enum { PROCESSES = 3, THREADS = 3, COUNTS = 30 };

/* Adds one to a record of each side in one transaction; every third is undone first. */
static int count_up(struct model *model, int i)
{
	struct jsonstore_transaction *own;
	struct jsonstore_text text = {NULL, 0, 0};
	int code = jsonstore_begin_locked(model->store, 60000, &own, NULL);
	if (code != JSONSTORE_OK) {
		return code;
	}
	if (i % 3 == 0) {
		code = put(own, model->sides[0], 0, -7);
		code = code != 0 ? code : jsonstore_transaction_undo_to(own, 0, NULL);
	}
	for (int side = 0; code == JSONSTORE_OK && side < SIDES; side++) {
		struct jsonstore_snapshot *snapshot;
		long value = 0;
		code = jsonstore_transaction_snapshot(own, &snapshot, NULL);
		if (code == JSONSTORE_OK) {
			code = jsonstore_get(model->sides[side], snapshot, "0", 1, &text, NULL);
			jsonstore_release(snapshot);
		}
		if (code == JSONSTORE_OK) {
			value = strtol((const char *)memmem(text.text, text.length, "\"v\":", 4) + 4, NULL, 10);
		}
		code = code == JSONSTORE_OK || code == JSONSTORE_ABSENT
			? put(own, model->sides[side], 0, (int)value + 1)
			: code;
	}
	jsonstore_text_free(&text);
	if (code != JSONSTORE_OK || i % 5 == 4) {
		jsonstore_abandon(own);
		return code;
	}
	return jsonstore_commit(own, NULL);
}

static void *count_often(void *context)
{
	struct model *model = context;
	for (int i = 0; i < COUNTS; i++) {
		char record[64];
		int len = snprintf(record, sizeof(record), "{\"id\":\"p%d\"}", i);
		int code = count_up(model, i);
		code = code != 0 ? code : jsonstore_put(model->sides[0], record, (size_t)len, NULL);
		if (code == JSONSTORE_OK && i % 10 == 9) {
			code = jsonstore_checkpoint(model->store, JSONSTORE_NOW, NULL);
		}
		if (code != JSONSTORE_OK) {
			(void)fprintf(stderr, "code %d\n", code);
			return (void *)1;
		}
	}
	return NULL;
}

static bool count_in_threads(const char *folder)
{
	struct model model = {.random = 0};
	pthread_t threads[THREADS];
	void *result;
	bool good = true;
	open_model(&model, folder);
	for (int i = 0; i < THREADS; i++) {
		(void)pthread_create(&threads[i], NULL, count_often, &model);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &result);
		good = good && result == NULL;
	}
	return jsonstore_close(model.store, NULL) == JSONSTORE_OK && good;
}

static void test_together(void **state)
{
	struct model model = {.random = 0};
	struct jsonstore_text text = {NULL, 0, 0};
	char want[64];
	for (int i = 0; i < PROCESSES; i++) {
		if (fork() == 0) {
			_exit(count_in_threads(*state) ? 0 : 1);
		}
	}
	for (int status = 0; wait(&status) > 0;) {
		assert_int_equal(status, 0);
	}
	open_model(&model, *state);
	(void)snprintf(want, sizeof(want), "{\"id\":0,\"v\":%d}", PROCESSES * THREADS * COUNTS * 4 / 5);
	for (int side = 0; side < SIDES; side++) {
		assert_int_equal(jsonstore_get(model.sides[side], NULL, "0", 1, &text, NULL), 0);
		assert_int_equal(text.length, strlen(want));
		assert_memory_equal(text.text, want, text.length);
	}
	jsonstore_text_free(&text);
	assert_int_equal(jsonstore_close(model.store, NULL), JSONSTORE_OK);
}

/* ---- a large one: several frames, undone across their borders ---- */

enum { LARGE = 1 << 20 };

static void test_large(void **state)
{
	struct model model = {.random = 0};
	struct jsonstore_text text = {NULL, 0, 0};
	struct jsonstore_snapshot *snapshot;
	uint64_t marks[81];
	char *record = malloc(LARGE);
	int count = is_proof() ? 80 : 36;
	char key[16];
	open_model(&model, *state);
	model.transaction = begin(model.store);
	memset(record, 'x', LARGE);
	for (int round = 0; round < 2; round++) {
		for (int i = round == 0 ? 0 : 7; i < count; i++) {
			int head = snprintf(record, LARGE, "{\"id\":%d,\"v\":%d,\"x\":\"", i, round);
			record[head] = 'x';
			memcpy(record + LARGE - 2, "\"}", 2);
			marks[i] = jsonstore_transaction_mark(model.transaction);
			assert_int_equal(jsonstore_transaction_put(model.transaction, model.sides[0], record,
													   LARGE, NULL),
							 JSONSTORE_OK);
		}
		if (round == 0) {
			assert_int_equal(jsonstore_transaction_undo_to(model.transaction, marks[7], NULL), 0);
		}
	}
	assert_int_equal(jsonstore_transaction_snapshot(model.transaction, &snapshot, NULL), 0);
	assert_int_equal(jsonstore_commit(model.transaction, NULL), JSONSTORE_OK);
	assert_int_equal(jsonstore_verify(model.store, NULL, NULL), JSONSTORE_OK);
	for (int i = 0; i < 2 * count; i++) {
		int len = snprintf(key, sizeof(key), "%d", i % count);
		const struct jsonstore_snapshot *from = i < count ? snapshot : NULL;
		assert_int_equal(jsonstore_get(model.sides[0], from, key, (size_t)len, &text, NULL),
						 JSONSTORE_OK);
		assert_int_equal(text.length, LARGE);
		assert_non_null(memmem(text.text, 32, i % count < 7 ? "\"v\":0" : "\"v\":1", 5));
	}
	jsonstore_release(snapshot);
	jsonstore_text_free(&text);
	free(record);
	assert_int_equal(jsonstore_close(model.store, NULL), JSONSTORE_OK);
}

#define TEST(function)                                                                             \
	cmocka_unit_test_setup_teardown(function, support_make_folder, support_remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_model),    TEST(test_meanwhile), TEST(test_own_thread), TEST(test_marks),
		TEST(test_plain),    TEST(test_waiting),   TEST(test_fork),       TEST(test_killed),
		TEST(test_together), TEST(test_large),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
