#include "codec/date.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

enum { MOST_BYTES = 1024 };

static const struct date_rules no_rules = {.order = DATE_ORDER_NONE};

static int month_length(int year, int month)
{
	static const int lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return lengths[month - 1] + (month == 2 && leap ? 1 : 0);
}

/* `day` must be this date in all functions, and its text the one that printf makes. */
static void check_day(struct buf *buf, int64_t day, int year, int month, int day_of_month)
{
	char want[32];
	int got_year;
	int got_month;
	int got_day_of_month;
	int64_t got;
	struct date_parts parts;
	date_to_ymd(day, &got_year, &got_month, &got_day_of_month);
	if (got_year != year || got_month != month || got_day_of_month != day_of_month) {
		fail_msg("%04d-%02d-%02d: %04d-%02d-%02d", year, month, day_of_month, got_year, got_month,
				 got_day_of_month);
	}
	assert_true(date_from_ymd(year, month, day_of_month, &got));
	assert_int_equal(got, day);
	buf_clear(buf);
	date_write(buf, day);
	int len = snprintf(want, sizeof(want), "%04d-%02d-%02d", year, month, day_of_month);
	assert_true(str_equal(buf_str(buf), (struct str){want, (size_t)len}));
	assert_int_equal(date_parse(buf_str(buf), &no_rules, &parts), DATE_OK);
	assert_int_equal(parts.day, day);
}

static void test_every_day(void **state)
{
	(void)state;
	struct buf buf;
	int64_t day = DATE_FIRST_DAY;
	int64_t none;
	buf_init(&buf, MOST_BYTES);
	for (int year = 1; year <= 9999; year++) {
		for (int month = 1; month <= 12; month++) {
			int length = month_length(year, month);
			for (int day_of_month = 1; day_of_month <= length; day_of_month++) {
				check_day(&buf, day++, year, month, day_of_month);
			}
			assert_false(date_from_ymd(year, month, 0, &none));
			assert_false(date_from_ymd(year, month, length + 1, &none));
		}
	}
	assert_int_equal(day, DATE_LAST_DAY + 1);
	buf_finish(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_day),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
