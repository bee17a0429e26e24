#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <time.h>

static void test_system_clock(void **state)
{
	(void)state;
	uint64_t first = clock_system.monotonic_ns(&clock_system);
	uint64_t second = clock_system.monotonic_ns(&clock_system);
	assert_true(second >= first && first > 0);
	int64_t wall_s = clock_system.wall_us(&clock_system) / 1000000;
	assert_in_range(wall_s, time(NULL) - 5, time(NULL) + 5);
}

static void test_random_bytes(void **state)
{
	(void)state;
	unsigned char bytes[1000] = {0};
	unsigned char again[1000] = {0};
	random_bytes(bytes, 0);
	assert_int_equal(bytes[0], 0);
	random_bytes(bytes, sizeof(bytes));
	random_bytes(again, sizeof(again));
	assert_memory_not_equal(bytes, again, sizeof(bytes));
	/* The end is filled too: 16 zero bytes by chance would take 2^128 runs. */
	static const unsigned char zeros[16];
	assert_memory_not_equal(bytes + sizeof(bytes) - 16, zeros, 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_system_clock),
		cmocka_unit_test(test_random_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
