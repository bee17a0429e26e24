#include "store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *at)
{
	(void)status;
	(void)kind;
	(void)at;
	return remove(path);
}

static int make_folder(void **state)
{
	/* In memory where there is such a place: what is proved here needs no disk. */
	bool memory = access("/dev/shm", W_OK) == 0;
	char *folder = strdup(memory ? "/dev/shm/jsonstore-XXXXXX" : "/tmp/jsonstore-XXXXXX");
	*state = folder;
	return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
	nftw(*state, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	free(*state);
	return 0;
}

static struct jsonstore *open_store(const char *folder)
{
	struct jsonstore *store;
	struct jsonstore_error error;
	if (jsonstore_open(folder, NULL, &store, &error) != JSONSTORE_OK) {
		fail_msg("%s", error.message);
	}
	return store;
}

static struct jsonstore_collection *open_people(struct jsonstore *store)
{
	static const char *const fields[] = {"city", "age"};
	struct jsonstore_schema schema = {.size = sizeof(schema), .fields = fields, .field_count = 2};
	struct jsonstore_collection *people;
	struct jsonstore_error error;
	if (jsonstore_collection(store, "people", &schema, &people, &error) != JSONSTORE_OK) {
		fail_msg("%s", error.message);
	}
	return people;
}

static void close_store(struct jsonstore *store)
{
	struct jsonstore_error error;
	if (jsonstore_close(store, &error) != JSONSTORE_OK) {
		fail_msg("%s", error.message);
	}
}

static void put(struct jsonstore_collection *collection, const char *record)
{
	struct jsonstore_error error;
	if (jsonstore_put(collection, record, strlen(record), &error) != JSONSTORE_OK) {
		fail_msg("%s: %s", record, error.message);
	}
}

/* NULL: it is not there. */
static void assert_record(struct jsonstore_collection *collection,
						  const struct jsonstore_snapshot *snapshot, const char *key,
						  const char *want)
{
	struct jsonstore_text text = {NULL, 0, 0};
	struct jsonstore_error error;
	int code = jsonstore_get(collection, snapshot, key, strlen(key), &text, &error);
	if (want == NULL) {
		assert_int_equal(code, JSONSTORE_ABSENT);
	} else if (code != JSONSTORE_OK) {
		fail_msg("%s: %s", key, error.message);
	} else {
		assert_int_equal(text.length, strlen(want));
		assert_memory_equal(text.text, want, text.length);
	}
	jsonstore_text_free(&text);
}

/* The records that a cursor gives, joined by spaces. */
static void assert_cursor(struct jsonstore_cursor *cursor, const char *want)
{
	char got[4096] = "";
	const char *record;
	size_t length;
	struct jsonstore_error error;
	for (;;) {
		if (jsonstore_next(cursor, &record, &length, &error) != JSONSTORE_OK) {
			fail_msg("%s", error.message);
		}
		if (record == NULL) {
			break;
		}
		size_t used = strlen(got);
		(void)snprintf(got + used, sizeof(got) - used, "%s%.*s", used > 0 ? " " : "", (int)length,
					   record);
	}
	jsonstore_cursor_close(cursor);
	assert_string_equal(got, want);
}

static void assert_scan(struct jsonstore_collection *collection, const char *want)
{
	struct jsonstore_cursor *cursor;
	struct jsonstore_error error;
	if (jsonstore_scan(collection, NULL, &cursor, &error) != JSONSTORE_OK) {
		fail_msg("%s", error.message);
	}
	assert_cursor(cursor, want);
}

static void assert_found(struct jsonstore_collection *collection, const char *field,
						 const char *value, const char *want)
{
	struct jsonstore_cursor *cursor;
	assert_int_equal(jsonstore_find(collection, NULL, field, value, strlen(value), &cursor, NULL),
					 JSONSTORE_OK);
	assert_cursor(cursor, want);
}

static void assert_file(const char *folder, const char *name, const char *want)
{
	char path[300];
	char text[4096];
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	(void)fclose(file);
	assert_string_equal(text, want);
}

static void write_file(const char *folder, const char *name, const char *text)
{
	char path[300];
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
	assert_int_equal(fclose(file), 0);
}

static void test_life(void **state)
{
	const char *folder = *state;
	struct jsonstore *store = open_store(folder);
	struct jsonstore_collection *people = open_people(store);
	assert_scan(people, "");
	put(people, "{\"id\": \"a\", \"city\": \"Rome\"}");
	put(people, " {\"id\":\"b\",\"city\":\"Oslo\",\"age\":7}");
	put(people, "{\"id\":12,\"age\":7.0}");
	assert_record(people, NULL, "a", "{\"id\":\"a\",\"city\":\"Rome\"}");
	assert_record(people, NULL, "12", "{\"id\":12,\"age\":7.0}");
	assert_record(people, NULL, "c", NULL);
	assert_found(people, "age", "70e-1",
				 "{\"id\":12,\"age\":7.0} "
				 "{\"id\":\"b\",\"city\":\"Oslo\",\"age\":7}");
	close_store(store);
	assert_file(
		folder, "people.json",
		"[\n{\"id\":\"a\",\"city\":\"Rome\"},\n{\"id\":\"b\",\"city\":\"Oslo\",\"age\":7},\n"
		"{\"id\":12,\"age\":7.0}\n]\n");
	store = open_store(folder);
	people = open_people(store);
	struct jsonstore_snapshot *before;
	assert_int_equal(jsonstore_snapshot(store, &before, NULL), JSONSTORE_OK);
	assert_int_equal(jsonstore_patch(people, "b", 1, "{\"age\":8,\"city\":null}", 21, NULL), 0);
	assert_int_equal(jsonstore_delete(people, "a", 1, NULL), JSONSTORE_OK);
	assert_int_equal(jsonstore_delete(people, "a", 1, NULL), JSONSTORE_ABSENT);
	assert_int_equal(jsonstore_insert(people, "{\"id\":12}", 9, NULL), JSONSTORE_PRESENT);
	put(people, "{\"id\":\"n\",\"city\":\"Rome\"}");
	assert_scan(people,
				"{\"id\":\"b\",\"age\":8} {\"id\":12,\"age\":7.0} "
				"{\"id\":\"n\",\"city\":\"Rome\"}");
	assert_found(people, "city", "\"Rome\"", "{\"id\":\"n\",\"city\":\"Rome\"}");
	assert_found(people, "age", "7", "{\"id\":12,\"age\":7.0}");
	assert_int_equal(jsonstore_checkpoint(store, JSONSTORE_NOW, NULL), JSONSTORE_OK);
	assert_record(people, before, "a", "{\"id\":\"a\",\"city\":\"Rome\"}");
	assert_record(people, before, "n", NULL);
	assert_record(people, NULL, "a", NULL);
	assert_file(folder, "people.json",
				"[\n{\"id\":\"b\",\"age\":8},\n{\"id\":12,\"age\":7.0},\n"
				"{\"id\":\"n\",\"city\":\"Rome\"}\n]\n");
	assert_found(people, "city", "\"Rome\"", "{\"id\":\"n\",\"city\":\"Rome\"}");
	jsonstore_release(before);
	uint64_t records;
	assert_int_equal(jsonstore_verify(store, &records, NULL), JSONSTORE_OK);
	assert_int_equal(records, 3);
	close_store(store);
}

static void test_edited(void **state)
{
	const char *folder = *state;
	struct jsonstore_error error;
	write_file(folder, "people.json", "[ {\"id\":\n 1,\"city\":\"Rome\"} ,{\"id\":2}]");
	struct jsonstore *store = open_store(folder);
	struct jsonstore_collection *people = open_people(store);
	assert_scan(people, "{\"id\":1,\"city\":\"Rome\"} {\"id\":2}");
	close_store(store);
	write_file(folder, "people.json", "[{\"id\":1},\n {\"id\":2}, {\"id\":1}]");
	assert_int_equal(jsonstore_open(folder, NULL, &store, &error), JSONSTORE_DAMAGED);
	assert_int_equal(error.line, 2);
	assert_int_equal(error.column, 12);
	write_file(folder, "people.json", "[{\"id\":1},\n {\"id\":2}\n {\"id\":3}]");
	assert_int_equal(jsonstore_open(folder, NULL, &store, &error), JSONSTORE_DAMAGED);
	assert_int_equal(error.line, 3);
	assert_int_equal(error.column, 2);
	write_file(folder, "people.json", "[{\"id\":5}]");
	store = open_store(folder);
	people = open_people(store);
	assert_scan(people, "{\"id\":5}");
	put(people, "{\"id\":6}");
	write_file(folder, "people.json", "[{\"id\":7}]");
	assert_int_equal(jsonstore_close(store, &error), JSONSTORE_CONFLICT);
	assert_int_equal(jsonstore_open(folder, NULL, &store, &error), JSONSTORE_CONFLICT);
	assert_int_equal(jsonstore_repair(folder, "people", JSONSTORE_USE_JOURNAL, &error),
					 JSONSTORE_OK);
	assert_file(folder, "people.edited.json", "[{\"id\":7}]");
	store = open_store(folder);
	people = open_people(store);
	assert_scan(people, "{\"id\":7} {\"id\":6}");
	put(people, "{\"id\":8}");
	write_file(folder, "people.json", "[{\"id\":9}]");
	assert_int_equal(jsonstore_close(store, &error), JSONSTORE_CONFLICT);
	assert_int_equal(jsonstore_repair(folder, NULL, JSONSTORE_USE_FILE, &error), JSONSTORE_OK);
	assert_file(folder, "people.journal.json", "[\n{\"id\":8}\n]\n");
	store = open_store(folder);
	people = open_people(store);
	assert_scan(people, "{\"id\":9}");
	close_store(store);
}

enum { LARGE = 1 << 20, LARGE_COUNT = 40 };

static void large_record(char *record, int i)
{
	memset(record, 'x', LARGE);
	int len = snprintf(record, LARGE, "{\"id\":%d,\"age\":%d,\"text\":\"", i, i % 2);
	record[len] = 'x';
	memcpy(record + LARGE - 2, "\"}", 2);
}

static void assert_large(struct jsonstore_collection *people)
{
	struct jsonstore_text text = {NULL, 0, 0};
	struct jsonstore_cursor *cursor;
	const char *record;
	size_t length;
	int count = 0;
	char *want = malloc(LARGE);
	assert_non_null(want);
	for (int i = 0; i < LARGE_COUNT; i++) {
		char key[16];
		int len = snprintf(key, sizeof(key), "%d", i);
		large_record(want, i);
		assert_int_equal(jsonstore_get(people, NULL, key, (size_t)len, &text, NULL), 0);
		assert_int_equal(text.length, LARGE);
		assert_memory_equal(text.text, want, LARGE);
	}
	assert_int_equal(jsonstore_find(people, NULL, "age", "1", 1, &cursor, NULL), JSONSTORE_OK);
	while (jsonstore_next(cursor, &record, &length, NULL) == JSONSTORE_OK && record != NULL) {
		assert_int_equal(length, LARGE);
		count++;
	}
	assert_int_equal(count, LARGE_COUNT / 2);
	jsonstore_cursor_close(cursor);
	jsonstore_text_free(&text);
	free(want);
}

/* One transaction of several frames, read from the journal, after a death, and from the file. */
static void test_large(void **state)
{
	const char *folder = *state;
	struct jsonstore_error error;
	int status;
	pid_t child = fork();
	if (child == 0) {
		struct jsonstore *store = open_store(folder);
		struct jsonstore_collection *people = open_people(store);
		struct jsonstore_transaction *transaction;
		char *record = malloc(LARGE);
		assert_int_equal(jsonstore_begin(store, &transaction, NULL), JSONSTORE_OK);
		for (int i = 0; i < LARGE_COUNT; i++) {
			large_record(record, i);
			assert_int_equal(jsonstore_transaction_put(transaction, people, record, LARGE, NULL),
							 0);
		}
		assert_int_equal(jsonstore_commit(transaction, NULL), JSONSTORE_OK);
		assert_large(people);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	struct jsonstore *store = open_store(folder);
	struct jsonstore_collection *people = open_people(store);
	assert_large(people);
	assert_int_equal(jsonstore_checkpoint(store, JSONSTORE_NOW, &error), JSONSTORE_OK);
	assert_large(people);
	assert_int_equal(jsonstore_verify(store, NULL, &error), JSONSTORE_OK);
	close_store(store);
	store = open_store(folder);
	assert_large(open_people(store));
	close_store(store);
}

enum { MANY = 20000 };

static size_t count_found(struct jsonstore_collection *people, const char *value)
{
	struct jsonstore_cursor *cursor;
	const char *record;
	size_t length;
	size_t count = 0;
	assert_int_equal(jsonstore_find(people, NULL, "age", value, strlen(value), &cursor, NULL),
					 JSONSTORE_OK);
	while (jsonstore_next(cursor, &record, &length, NULL) == JSONSTORE_OK && record != NULL) {
		count++;
	}
	jsonstore_cursor_close(cursor);
	return count;
}

/* An index of many pages: each key is found, and each value as often as it is there. */
static void test_many(void **state)
{
	struct jsonstore *store = open_store(*state);
	struct jsonstore_collection *people = open_people(store);
	struct jsonstore_transaction *transaction;
	uint64_t records;
	assert_int_equal(jsonstore_begin(store, &transaction, NULL), JSONSTORE_OK);
	for (int i = 0; i < MANY; i++) {
		char record[64];
		int len = snprintf(record, sizeof(record), "{\"id\":\"k%d\",\"age\":%d}", i,
						   i % 4 == 0 ? 0 : i % 1000 + 1);
		assert_int_equal(jsonstore_transaction_put(transaction, people, record, (size_t)len, NULL),
						 0);
	}
	assert_int_equal(jsonstore_commit(transaction, NULL), JSONSTORE_OK);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < MANY + 50; i++) {
			struct jsonstore_text text = {NULL, 0, 0};
			char key[16];
			int len = snprintf(key, sizeof(key), "k%d", i);
			assert_int_equal(jsonstore_get(people, NULL, key, (size_t)len, &text, NULL),
							 i < MANY ? JSONSTORE_OK : JSONSTORE_ABSENT);
			jsonstore_text_free(&text);
		}
		assert_int_equal(count_found(people, "0"), MANY / 4);
		assert_int_equal(count_found(people, "2"), MANY / 1000);
		assert_int_equal(count_found(people, "1"), 0);
		assert_int_equal(jsonstore_checkpoint(store, JSONSTORE_NOW, NULL), JSONSTORE_OK);
	}
	assert_int_equal(jsonstore_verify(store, &records, NULL), JSONSTORE_OK);
	assert_int_equal(records, MANY);
	close_store(store);
}

/* At a limit and one above. */
static void test_limits(void **state)
{
	struct jsonstore *store = open_store(*state);
	struct jsonstore_collection *people = open_people(store);
	struct jsonstore_collection *other;
	struct jsonstore_schema schema = {.size = sizeof(schema), .key = "name"};
	char name[JSONSTORE_NAME_MAX + 2];
	char *record = malloc((size_t)JSONSTORE_RECORD_MAX + 1);
	assert_non_null(record);
	memset(name, 'n', sizeof(name));
	name[JSONSTORE_NAME_MAX + 1] = '\0';
	assert_int_equal(jsonstore_collection(store, name, &schema, &other, NULL), JSONSTORE_INVALID);
	name[JSONSTORE_NAME_MAX] = '\0';
	assert_int_equal(jsonstore_collection(store, name, &schema, &other, NULL), JSONSTORE_OK);
	assert_int_equal(jsonstore_collection(store, "people", &schema, &other, NULL),
					 JSONSTORE_CONFLICT);
	assert_int_equal(jsonstore_collection(store, "../x", &schema, &other, NULL), JSONSTORE_INVALID);
	assert_int_equal(jsonstore_collection(store, "none", NULL, &other, NULL), JSONSTORE_ABSENT);
	memset(record, ' ', (size_t)JSONSTORE_RECORD_MAX + 1);
	memcpy(record, "{\"id\":1}", 8);
	assert_int_equal(jsonstore_put(people, record, JSONSTORE_RECORD_MAX, NULL), JSONSTORE_OK);
	assert_int_equal(jsonstore_put(people, record, (size_t)JSONSTORE_RECORD_MAX + 1, NULL),
					 JSONSTORE_LIMIT);
	memset(record, 'k', JSONSTORE_KEY_MAX + 1);
	assert_int_equal(jsonstore_delete(people, record, JSONSTORE_KEY_MAX, NULL), JSONSTORE_ABSENT);
	assert_int_equal(jsonstore_delete(people, record, JSONSTORE_KEY_MAX + 1, NULL),
					 JSONSTORE_LIMIT);
	free(record);
	close_store(store);
}

/* A write makes a checkpoint that is due, but leaves it to somebody who does them all the time. */
static void test_tended(void **state)
{
	struct jsonstore *store = open_store(*state);
	struct jsonstore_collection *people = open_people(store);
	struct jsonstore_statistics before = {.size = sizeof(before)};
	struct jsonstore_statistics after = {.size = sizeof(after)};
	char *record = malloc(5 << 20);
	assert_non_null(record);
	memset(record, ' ', 5 << 20);
	memcpy(record, "{\"id\":1,\"x\":\"", 13);
	memset(record + 13, 'x', (5 << 20) - 15);
	memcpy(record + (5 << 20) - 2, "\"}", 2);
	for (int tended = 1; tended >= 0; tended--) {
		assert_int_equal(jsonstore_checkpoint(store, JSONSTORE_NOW, NULL), JSONSTORE_OK);
		assert_int_equal(jsonstore_statistics(store, &before, NULL), JSONSTORE_OK);
		/* As if it were called for the next hour, or had never been. */
		atomic_store(&store->words->tended, tended ? js_now_ms() + 3600000 : 0);
		for (int i = 0; i < 3; i++) {
			atomic_store(&store->checked_ms, 0);
			assert_int_equal(jsonstore_put(people, record, 5 << 20, NULL), JSONSTORE_OK);
		}
		assert_int_equal(jsonstore_statistics(store, &after, NULL), JSONSTORE_OK);
		assert_true(tended ? after.generation == before.generation
						   : after.generation > before.generation);
	}
	free(record);
	close_store(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_life, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_edited, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_large, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_many, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_limits, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_tended, make_folder, remove_folder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
