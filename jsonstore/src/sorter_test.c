#include "sorter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* With memory for all of them, and in runs; equal hashes keep the order of their places. */
static void test_sorts(void **state)
{
	static const struct {
		size_t count;
		size_t room;   /* entries in memory */
		uint64_t mask; /* of the hashes */
	} rows[] = {
		{0, 1000, UINT64_MAX},    {1, 1000, UINT64_MAX},    {1000, 1000, UINT64_MAX},
		{1001, 1000, UINT64_MAX}, {9000, 1000, UINT64_MAX}, {9000, 1000, 7},
		{5000, 10000, 3},         {5000, 10000, 0},         {9000, 1000, UINT64_C(0xff) << 56},
	};
	static const struct js_sys plain = {NULL, NULL};
	int folder = open("/tmp", O_RDONLY | O_DIRECTORY);
	(void)state;
	for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
		struct jsonstore_error error;
		struct js_sorter sorter;
		uint64_t random = row + 1;
		uint64_t sum = 0;
		js_sorter_init(&sorter, &plain, folder, rows[row].room * sizeof(struct js_index_entry));
		for (size_t i = 0; i < rows[row].count; i++) {
			random = random * 6364136223846793005u + 1442695040888963407u;
			struct js_index_entry entry = {.hash = random & rows[row].mask, .offset = i};
			sum += entry.hash ^ i;
			assert_true(js_sorter_add(&sorter, &entry, &error));
		}
		assert_int_equal(js_sorter_count(&sorter), rows[row].count);
		assert_true(js_sorter_sort(&sorter, &error));
		struct js_index_entry before = {.hash = 0};
		for (size_t i = 0; i < rows[row].count; i++) {
			struct js_index_entry entry;
			assert_true(js_sorter_next(&sorter, &entry, &error));
			assert_true(i == 0 || before.hash < entry.hash ||
						(before.hash == entry.hash && before.offset < entry.offset));
			sum -= entry.hash ^ entry.offset;
			before = entry;
		}
		assert_int_equal(sum, 0);
		js_sorter_finish(&sorter);
	}
	close(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sorts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
