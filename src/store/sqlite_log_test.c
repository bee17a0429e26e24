#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/sqlite_log.h"

/* A database's path in a new folder; nothing is there yet. */
struct place {
	char folder[64];
	char path[96];
	char log[100];
};

static void make_place(struct place *place)
{
	snprintf(place->folder, sizeof(place->folder), "/tmp/rowlock-log-test-XXXXXX");
	assert_non_null(mkdtemp(place->folder));
	snprintf(place->path, sizeof(place->path), "%s/x.db", place->folder);
	snprintf(place->log, sizeof(place->log), "%s-wal", place->path);
}

static void remove_place(const struct place *place)
{
	unlink(place->log);
	rmdir(place->log);
	assert_int_equal(rmdir(place->folder), 0);
}

static void test_same_bytes(void **state)
{
	(void)state;
	static const size_t sizes[] = {0, 1, 32, 65535, 65536, 65537, 200000};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct place place;
		make_place(&place);
		unsigned char *bytes = malloc(sizes[i] + 1);
		unsigned char *after = malloc(sizes[i] + 1);
		for (size_t k = 0; k < sizes[i]; k++) {
			bytes[k] = (unsigned char)(k * 31 + k / 251);
		}
		FILE *file = fopen(place.log, "wb");
		assert_int_equal(fwrite(bytes, 1, sizes[i], file), sizes[i]);
		fclose(file);
		struct error error = {0};
		assert_true(sqlite_log_rewrite(place.path, &error));
		file = fopen(place.log, "rb");
		assert_int_equal(fread(after, 1, sizes[i] + 1, file), sizes[i]);
		fclose(file);
		assert_memory_equal(bytes, after, sizes[i]);
		free(bytes);
		free(after);
		remove_place(&place);
	}
}

static void test_no_log(void **state)
{
	(void)state;
	struct place place;
	make_place(&place);
	struct error error = {0};
	assert_true(sqlite_log_rewrite(place.path, &error));
	remove_place(&place);
}

static void test_a_log_that_cannot_be_opened(void **state)
{
	(void)state;
	struct place place;
	make_place(&place);
	assert_int_equal(mkdir(place.log, 0700), 0);
	struct error error = {0};
	assert_false(sqlite_log_rewrite(place.path, &error));
	assert_int_equal(error.code, ERROR_STORE);
	assert_non_null(strstr(error.message, place.log));
	remove_place(&place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_bytes),
		cmocka_unit_test(test_no_log),
		cmocka_unit_test(test_a_log_that_cannot_be_opened),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
