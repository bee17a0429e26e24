/* Which day an answer belongs to, and when nobody can say. */
#include "api/read.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/clock.h"

#define L __LINE__

static const struct {
	int line;
	bool uses_today;
	int64_t second; /* of the wall clock */
	bool want;
	uint64_t want_day;
} rows[] = {
	{L, false, 86400 * 5 + 1000, true, 0}, {L, false, 86400 * 5, true, 0},
	{L, true, 86400 * 5 + 1000, true, 5},  {L, true, 86400 * 5, false, 0},
	{L, true, 86400 * 5 + 59, false, 0},   {L, true, 86400 * 5 + 60, true, 5},
	{L, true, 86400 * 6 - 1, true, 5},     {L, true, 86400 * 20000 + 60, true, 20000},
};

struct fake_clock {
	struct clock base;
	int64_t second;
};

static int64_t wall_us(const struct clock *clock)
{
	return ((const struct fake_clock *)clock)->second * 1000000;
}

static void test_days(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fake_clock clock = {.base = {.wall_us = wall_us}, .second = rows[i].second};
		struct query query = {.uses_today = rows[i].uses_today};
		uint64_t day = 0;
		bool known = read_day(&query, &clock.base, &day);
		if (known != rows[i].want || (known && day != rows[i].want_day)) {
			fail_msg("line %d: %d, day %llu", rows[i].line, known, (unsigned long long)day);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_days),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
