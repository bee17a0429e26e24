#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void test_alloc_is_zeroed_and_aligned(void **state)
{
	static const size_t sizes[] = {0, 1, 7, 8, 15, 16, 17, 100, 255, 256, 257, 4096, 100000};
	struct arena arena;
	(void)state;
	arena_init(&arena, 1024);
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			char *bytes = arena_alloc(&arena, sizes[i]);
			assert_non_null(bytes);
			assert_int_equal((uintptr_t)bytes % _Alignof(max_align_t), 0);
			for (size_t j = 0; j < sizes[i]; j++) {
				assert_int_equal(bytes[j], 0);
			}
			memset(bytes, 0xff, sizes[i]);
			/* The next one must be aligned behind any text. */
			memset(arena_bytes(&arena, i), 0xff, i);
		}
		arena_reset(&arena);
	}
	arena_finish(&arena);
}

static void test_allocations_do_not_overlap(void **state)
{
	enum { COUNT = 500 };
	struct arena arena;
	unsigned char *all[COUNT];
	(void)state;
	arena_init(&arena, 512);
	for (size_t i = 0; i < COUNT; i++) {
		size_t len = i * 7 % 300;
		all[i] = i % 2 == 0 ? arena_alloc(&arena, len) : (void *)arena_bytes(&arena, len);
		memset(all[i], (int)(i % 251), len);
	}
	for (size_t i = 0; i < COUNT; i++) {
		for (size_t j = 0; j < i * 7 % 300; j++) {
			assert_int_equal(all[i][j], i % 251);
		}
	}
	arena_finish(&arena);
}

static void test_large_block_leaves_the_newest_in_use(void **state)
{
	struct arena arena;
	(void)state;
	arena_init(&arena, 4096);
	char *first = arena_bytes(&arena, 8);
	arena_bytes(&arena, 100000);
	char *second = arena_bytes(&arena, 8);
	assert_in_range((uintptr_t)second, (uintptr_t)first, (uintptr_t)first + 128);
	arena_finish(&arena);
}

static void test_reset_keeps_one_block(void **state)
{
	struct arena arena;
	(void)state;
	arena_init(&arena, 1024);
	arena_reset(&arena);
	assert_null(arena.current);
	for (int i = 0; i < 100; i++) {
		arena_alloc(&arena, 100);
	}
	arena_alloc(&arena, 5000);
	arena_reset(&arena);
	struct arena_block *kept = arena.current;
	assert_non_null(kept);
	arena_alloc(&arena, 100);
	assert_ptr_equal(arena.current, kept);
	arena_finish(&arena);
	assert_null(arena.current);
	arena_finish(&arena);
	arena_finish(NULL);
}

static void test_copy_and_printf(void **state)
{
	struct arena arena;
	(void)state;
	arena_init(&arena, 256);
	struct str copy = arena_copy(&arena, STR("a\0b"));
	assert_int_equal(copy.len, 3);
	assert_memory_equal(copy.ptr, "a\0b", 4);
	copy = arena_copy(&arena, (struct str){NULL, 0});
	assert_int_equal(copy.len, 0);
	assert_string_equal(copy.ptr, "");

	static const int widths[] = {1, 200, 254, 255, 256, 257, 5000};
	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
		struct str text = arena_printf(&arena, "%*d|", widths[i], 7);
		assert_int_equal(text.len, widths[i] + 1);
		assert_int_equal(strlen(text.ptr), text.len);
		assert_memory_equal(text.ptr + text.len - 2, "7|", 2);
	}
	arena_finish(&arena);
}

static void test_array(void **state)
{
	struct arena arena;
	(void)state;
	arena_init(&arena, 256);
	uint64_t *numbers = ARENA_ARRAY(&arena, 10, uint64_t);
	for (size_t i = 0; i < 10; i++) {
		assert_int_equal(numbers[i], 0);
	}
	assert_non_null(ARENA_ARRAY(&arena, 0, uint64_t));
	arena_finish(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alloc_is_zeroed_and_aligned),
		cmocka_unit_test(test_allocations_do_not_overlap),
		cmocka_unit_test(test_large_block_leaves_the_newest_in_use),
		cmocka_unit_test(test_reset_keeps_one_block),
		cmocka_unit_test(test_copy_and_printf),
		cmocka_unit_test(test_array),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
