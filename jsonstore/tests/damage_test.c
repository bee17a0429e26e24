/*
 * A small store is damaged at each byte of its journal, and cut at each length; then its base and
 * its index. What is opened is an error with its place, or exactly an earlier state.
 */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { GROUPS = 5, PAGE = 4096 };

struct made {
	const char *folder;
	struct support_files files;
	struct support_file *journal;
	char *states[GROUPS + 1]; /* after so many groups */
	size_t ends[GROUPS + 1];  /* of the journal then */
};

/* A small cache: stores are opened thousands of times here. */
static const struct jsonstore_options options = {.size = sizeof(options), .cache_bytes = 65536};

static struct jsonstore *open_store(const char *folder)
{
	struct jsonstore *store = NULL;
	struct jsonstore_error error;
	if (jsonstore_open(folder, &options, &store, &error) != JSONSTORE_OK) {
		fail_msg("%s", error.message);
	}
	return store;
}

/* Two records in the file, and then groups in the journal, of a process that dies. */
static void write_store(const char *folder)
{
	struct jsonstore *store = open_store(folder);
	struct jsonstore_collection *a = support_collection(store, "a");
	assert_int_equal(jsonstore_put(a, "{\"id\":1,\"v\":0}", 14, NULL), JSONSTORE_OK);
	assert_int_equal(jsonstore_put(a, "{\"id\":2,\"v\":0}", 14, NULL), JSONSTORE_OK);
	assert_int_equal(jsonstore_checkpoint(store, JSONSTORE_NOW, NULL), JSONSTORE_OK);
	for (int i = 1; i <= GROUPS; i++) {
		struct jsonstore_transaction *transaction;
		char record[64];
		assert_int_equal(jsonstore_begin(store, &transaction, NULL), JSONSTORE_OK);
		for (int k = 0; k < 2; k++) {
			int len = snprintf(record, sizeof(record), "{\"id\":%d,\"v\":%d}", i + k, i);
			assert_int_equal(jsonstore_transaction_put(transaction, a, record, (size_t)len, NULL),
							 0);
		}
		assert_int_equal(jsonstore_commit(transaction, NULL), JSONSTORE_OK);
	}
	_exit(0);
}

/* The end of the group that begins at a byte; groups of one frame each. */
static size_t end_of(const struct support_file *journal, size_t at)
{
	uint32_t length;
	memcpy(&length, journal->bytes + at + 4, sizeof(length));
	return at + length;
}

/* Opens what is in the folder; NULL with the error, or the state, and how much was cut. */
static char *state_of(const char *folder, uint64_t *ret_cut, struct jsonstore_error *error)
{
	struct jsonstore *store;
	struct jsonstore_statistics statistics = {.size = sizeof(statistics)};
	struct jsonstore_collection *a;
	char *text = NULL;
	if (jsonstore_open(folder, &options, &store, error) != JSONSTORE_OK) {
		return NULL;
	}
	if (jsonstore_collection(store, "a", NULL, &a, error) == JSONSTORE_OK) {
		text = support_dump(a, error);
	}
	assert_int_equal(jsonstore_statistics(store, &statistics, NULL), JSONSTORE_OK);
	*ret_cut = statistics.bytes_cut;
	struct jsonstore_error unwanted;
	(void)jsonstore_close(store, &unwanted);
	return text;
}

static void make(struct made *made, const char *folder)
{
	uint64_t cut;
	struct jsonstore_error error;
	made->folder = folder;
	pid_t child = fork();
	if (child == 0) {
		write_store(folder);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	support_read_files(folder, &made->files);
	made->journal = support_find(&made->files, ".jsonstore/journal-");
	uint64_t catalog_end;
	memcpy(&catalog_end, made->journal->bytes + 48, sizeof(catalog_end));
	size_t whole = made->journal->length;
	size_t at = (size_t)catalog_end;
	for (int i = 0; i <= GROUPS; i++) {
		made->ends[i] = at;
		made->journal->length = at;
		support_write_files(folder, &made->files);
		made->states[i] = state_of(folder, &cut, &error);
		assert_non_null(made->states[i]);
		assert_int_equal(cut, 0);
		assert_true(i == 0 || strcmp(made->states[i], made->states[i - 1]) != 0);
		made->journal->length = whole;
		at = at < whole ? end_of(made->journal, at) : at;
	}
	assert_int_equal(made->ends[GROUPS], whole);
}

static void finish(struct made *made)
{
	for (int i = 0; i <= GROUPS; i++) {
		free(made->states[i]);
	}
	support_free_files(&made->files);
}

static void assert_damaged(struct made *made, const char *file, uint64_t offset)
{
	uint64_t cut;
	struct jsonstore_error error;
	support_write_files(made->folder, &made->files);
	char *text = state_of(made->folder, &cut, &error);
	assert_null(text);
	assert_int_equal(error.code, JSONSTORE_DAMAGED);
	assert_non_null(strstr(error.file, file));
	if (offset != UINT64_MAX) {
		assert_int_equal(error.offset, offset);
	}
}

static void assert_state(struct made *made, int groups, uint64_t want_cut)
{
	uint64_t cut;
	struct jsonstore_error error;
	support_write_files(made->folder, &made->files);
	char *text = state_of(made->folder, &cut, &error);
	if (text == NULL) {
		fail_msg("%s", error.message);
	}
	assert_string_equal(text, made->states[groups]);
	assert_int_equal(cut, want_cut);
	free(text);
}

static void test_flips(void **state)
{
	struct made made;
	make(&made, *state);
	for (size_t at = 0; at < made.journal->length; at++) {
		/* Of the first page, which is mostly zeros, some. */
		if (at > 128 && at < PAGE - 64 && at % 61 != 0) {
			continue;
		}
		char *byte = &made.journal->bytes[at];
		for (int bit = 0; bit < 8; bit += at < PAGE ? 7 : 3) {
			*byte = (char)(*byte ^ 1 << bit);
			if (at < made.ends[0]) {
				assert_damaged(&made, "journal-", at < PAGE ? 0 : PAGE);
			} else if (at >= made.ends[GROUPS - 1]) {
				assert_state(&made, GROUPS - 1, made.ends[GROUPS] - made.ends[GROUPS - 1]);
			} else {
				int group = 0;
				while (made.ends[group + 1] <= at) {
					group++;
				}
				assert_damaged(&made, "journal-", made.ends[group]);
			}
			*byte = (char)(*byte ^ 1 << bit);
		}
	}
	assert_state(&made, GROUPS, 0);
	finish(&made);
}

static void test_cuts(void **state)
{
	struct made made;
	make(&made, *state);
	size_t whole = made.journal->length;
	int groups = GROUPS;
	for (size_t length = whole; length >= made.ends[0]; length--) {
		made.journal->length = length;
		groups -= length < made.ends[groups] ? 1 : 0;
		assert_state(&made, groups, length - made.ends[groups]);
	}
	for (size_t length = 0; length<made.ends[0]; length += length> 100 ? 33 : 1) {
		made.journal->length = length;
		assert_damaged(&made, "journal-", UINT64_MAX);
	}
	made.journal->length = whole;
	finish(&made);
}

/* A flip in a base is another content: an edited file, while the journal holds changes for it. */
static void test_base(void **state)
{
	struct made made;
	uint64_t cut;
	struct jsonstore_error error;
	make(&made, *state);
	struct support_file *base = support_find(&made.files, "a.json");
	for (size_t at = 0; at < base->length; at++) {
		base->bytes[at] = (char)(base->bytes[at] ^ 1);
		support_write_files(made.folder, &made.files);
		assert_null(state_of(made.folder, &cut, &error));
		assert_int_equal(error.code, JSONSTORE_CONFLICT);
		assert_non_null(strstr(error.message, "a.json"));
		assert_non_null(strstr(error.message, "journal-"));
		base->bytes[at] = (char)(base->bytes[at] ^ 1);
	}
	finish(&made);
}

/* Each key and the whole, read with a damaged index: right, or an error with its place. */
static void test_index(void **state)
{
	struct made made;
	make(&made, *state);
	struct support_file *index = support_find(&made.files, ".jsonstore/a-");
	for (size_t at = 0; at < index->length; at += at % PAGE < 160 ? 1 : 41) {
		struct jsonstore_error error;
		index->bytes[at] = (char)(index->bytes[at] ^ 4);
		support_write_files(made.folder, &made.files);
		struct jsonstore *store = open_store(made.folder);
		struct jsonstore_collection *a = support_collection(store, "a");
		for (int key = 1; key < GROUPS + 3; key++) {
			struct jsonstore_text text = {NULL, 0, 0};
			char name[16];
			int len = snprintf(name, sizeof(name), "%d", key);
			int code = jsonstore_get(a, NULL, name, (size_t)len, &text, &error);
			assert_true(code == (key < GROUPS + 2 ? JSONSTORE_OK : JSONSTORE_ABSENT) ||
						(code == JSONSTORE_DAMAGED && strstr(error.file, ".idx") != NULL));
			jsonstore_text_free(&text);
		}
		char *text = support_dump(a, &error);
		assert_true(text == NULL || strcmp(text, made.states[GROUPS]) == 0);
		free(text);
		(void)jsonstore_close(store, &error);
		index->bytes[at] = (char)(index->bytes[at] ^ 4);
	}
	finish(&made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_flips, support_make_folder, support_remove_folder),
		cmocka_unit_test_setup_teardown(test_cuts, support_make_folder, support_remove_folder),
		cmocka_unit_test_setup_teardown(test_base, support_make_folder, support_remove_folder),
		cmocka_unit_test_setup_teardown(test_index, support_make_folder, support_remove_folder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
