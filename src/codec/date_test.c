#include "codec/date.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

/* Microseconds of a time. */
#define AT(hour, minute, second, micros)                                                           \
	((((hour)*60 + (minute)) * 60 + (second)) * INT64_C(1000000) + (micros))
#define FIRST_MOMENT (DATE_FIRST_DAY * DATE_DAY_MICROS)
#define LAST_MOMENT ((DATE_LAST_DAY + 1) * DATE_DAY_MICROS - 1)

enum { MOST_BYTES = 2048 };

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
	/* The space sends it to the reader of all forms. */
	buf_append_byte(buf, ' ');
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

static void test_no_such_day(void **state)
{
	static const struct {
		int64_t year;
		int month;
		int day_of_month;
	} rows[] = {
		{0, 12, 31},          {10000, 1, 1},        {-1, 1, 1},           {INT64_MAX, 1, 1},
		{INT64_MIN, 1, 1},    {2018, 0, 1},         {2018, 13, 1},        {2018, -1, 1},
		{2018, INT32_MAX, 1}, {2018, INT32_MIN, 1}, {2018, 1, INT32_MAX}, {2018, 1, INT32_MIN},
		{2018, 1, -1},        {1900, 2, 29},        {2019, 2, 29},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t day;
		assert_false(date_from_ymd(rows[i].year, rows[i].month, rows[i].day_of_month, &day));
	}
}

static void test_time(void **state)
{
	static const struct {
		int line;
		struct str text;
		enum date_result want;
		int64_t want_micros;
	} rows[] = {
		{__LINE__, STR_INIT("15:04"), DATE_OK, AT(15, 4, 0, 0)},
		{__LINE__, STR_INIT("15:04:05"), DATE_OK, AT(15, 4, 5, 0)},
		{__LINE__, STR_INIT("15:04:05.25"), DATE_OK, AT(15, 4, 5, 250000)},
		{__LINE__, STR_INIT("15:04:05,25"), DATE_OK, AT(15, 4, 5, 250000)},
		{__LINE__, STR_INIT("00:00:00"), DATE_OK, 0},
		{__LINE__, STR_INIT("23:59:59.999999"), DATE_OK, DATE_DAY_MICROS - 1},
		{__LINE__, STR_INIT("23:59:59.999999999"), DATE_OK, DATE_DAY_MICROS - 1},
		{__LINE__, STR_INIT("15:04:05.000000001"), DATE_OK, AT(15, 4, 5, 0)},
		{__LINE__, STR_INIT("3:04"), DATE_OK, AT(3, 4, 0, 0)},
		{__LINE__, STR_INIT("3:04 pm"), DATE_OK, AT(15, 4, 0, 0)},
		{__LINE__, STR_INIT("3:04PM"), DATE_OK, AT(15, 4, 0, 0)},
		{__LINE__, STR_INIT("3:04:05.5 p.m."), DATE_OK, AT(15, 4, 5, 500000)},
		{__LINE__, STR_INIT("3:04 A.M."), DATE_OK, AT(3, 4, 0, 0)},
		{__LINE__, STR_INIT("3 pm"), DATE_OK, AT(15, 0, 0, 0)},
		{__LINE__, STR_INIT("12:30 am"), DATE_OK, AT(0, 30, 0, 0)},
		{__LINE__, STR_INIT("12:30 pm"), DATE_OK, AT(12, 30, 0, 0)},
		{__LINE__, STR_INIT("11:59 pm"), DATE_OK, AT(23, 59, 0, 0)},
		{__LINE__, STR_INIT("T15"), DATE_OK, AT(15, 0, 0, 0)},
		{__LINE__, STR_INIT("t1504"), DATE_OK, AT(15, 4, 0, 0)},
		{__LINE__, STR_INIT("T150405.5"), DATE_OK, AT(15, 4, 5, 500000)},
		{__LINE__, STR_INIT("  15:04  "), DATE_OK, AT(15, 4, 0, 0)},
		{__LINE__, STR_INIT("24:00"), DATE_IMPOSSIBLE, 0},
		{__LINE__, STR_INIT("24:00:00"), DATE_IMPOSSIBLE, 0},
		{__LINE__, STR_INIT("25:00"), DATE_IMPOSSIBLE, 0},
		{__LINE__, STR_INIT("15:60"), DATE_IMPOSSIBLE, 0},
		{__LINE__, STR_INIT("15:04:60"), DATE_IMPOSSIBLE, 0},
		{__LINE__, STR_INIT("23:59:60"), DATE_IMPOSSIBLE, 0},
		{__LINE__, STR_INIT("13:00 pm"), DATE_IMPOSSIBLE, 0},
		{__LINE__, STR_INIT("0:00 am"), DATE_IMPOSSIBLE, 0},
		{__LINE__, STR_INIT("T246000"), DATE_IMPOSSIBLE, 0},
		{__LINE__, STR_INIT(""), DATE_SYNTAX, 0},
		{__LINE__, STR_INIT("15"), DATE_SYNTAX, 0},
		{__LINE__, STR_INIT("1504"), DATE_SYNTAX, 0},
		{__LINE__, STR_INIT("15:4"), DATE_SYNTAX, 0},
		{__LINE__, STR_INIT("15:04:5"), DATE_SYNTAX, 0},
		{__LINE__, STR_INIT("15:04:"), DATE_SYNTAX, 0},
		{__LINE__, STR_INIT("15:04:05."), DATE_SYNTAX, 0},
		{__LINE__, STR_INIT("15:04:05.1234567890"), DATE_SYNTAX, 0},
		{__LINE__, STR_INIT("15:04.5"), DATE_SYNTAX, 0},
		{__LINE__, STR_INIT("15:04:05Z"), DATE_SYNTAX, 0},
		{__LINE__, STR_INIT("15:04 +02:00"), DATE_SYNTAX, 0},
		{__LINE__, STR_INIT("115:04"), DATE_SYNTAX, 0},
		{__LINE__, STR_INIT("-15:04"), DATE_SYNTAX, 0},
		{__LINE__, STR_INIT("pm"), DATE_SYNTAX, 0},
		{__LINE__, STR_INIT("3:04 p"), DATE_SYNTAX, 0},
		{__LINE__, STR_INIT("2018-09-02 15:04"), DATE_SYNTAX, 0},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t micros = 0;
		enum date_result result = date_parse_time(rows[i].text, &micros);
		if (result != rows[i].want || micros != rows[i].want_micros) {
			fail_msg("line %d: %.*s: %s, %lld", rows[i].line, STR_ARG(rows[i].text),
					 date_result_text(result), (long long)micros);
		}
	}
}

/* A text of many bytes is refused without a look at them, one of the greatest length is read. */
static void test_longest_text(void **state)
{
	(void)state;
	static const char time[] = "15:04";
	struct date_parts parts;
	int64_t micros;
	struct buf buf;
	buf_init(&buf, MOST_BYTES);
	buf_append(&buf, (struct str){time, sizeof(time) - 1});
	while (buf.len < DATE_TEXT_BYTES) {
		buf_append_byte(&buf, ' ');
	}
	assert_int_equal(date_parse_time(buf_str(&buf), &micros), DATE_OK);
	buf_append_byte(&buf, ' ');
	assert_int_equal(date_parse_time(buf_str(&buf), &micros), DATE_SYNTAX);
	buf_clear(&buf);
	buf_append(&buf, STR("2018-09-02"));
	for (int i = 0; i < 500; i++) {
		buf_append(&buf, STR(" 1"));
	}
	assert_false(buf.failed);
	assert_int_equal(date_parse(buf_str(&buf), &no_rules, &parts), DATE_SYNTAX);
	buf_finish(&buf);
}

static void test_moment(void **state)
{
	static const struct {
		int line;
		struct date_parts parts;
		bool good;
		int64_t want;
	} rows[] = {
		{__LINE__, {.day = 0}, true, 0},
		{__LINE__, {.day = 1, .micros = 5}, true, DATE_DAY_MICROS + 5},
		{__LINE__, {.day = 0, .zone_minutes = 60}, true, -AT(1, 0, 0, 0)},
		{__LINE__, {.day = 0, .zone_minutes = -90}, true, AT(1, 30, 0, 0)},
		{__LINE__, {.day = DATE_FIRST_DAY}, true, FIRST_MOMENT},
		{__LINE__, {.day = DATE_FIRST_DAY, .zone_minutes = 1}, false, 0},
		{__LINE__,
		 {.day = DATE_FIRST_DAY, .micros = AT(0, 1, 0, 0), .zone_minutes = 1},
		 true,
		 FIRST_MOMENT},
		{__LINE__, {.day = DATE_LAST_DAY, .micros = DATE_DAY_MICROS - 1}, true, LAST_MOMENT},
		{__LINE__,
		 {.day = DATE_LAST_DAY, .micros = AT(23, 59, 0, 0), .zone_minutes = -1},
		 false,
		 0},
		{__LINE__,
		 {.day = DATE_LAST_DAY, .micros = AT(23, 58, 59, 999999), .zone_minutes = -1},
		 true,
		 LAST_MOMENT},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t moment = 0;
		bool good = date_moment(&rows[i].parts, &moment);
		if (good != rows[i].good || moment != rows[i].want) {
			fail_msg("line %d: %lld", rows[i].line, (long long)moment);
		}
	}
}

static void test_write_moment(void **state)
{
	static const struct {
		int line;
		int64_t moment;
		int zone_minutes;
		const char *want;
		const char *want_http;
	} rows[] = {
		{__LINE__, 0, 0, "1970-01-01T00:00:00+00:00", "Thu, 01 Jan 1970 00:00:00 GMT"},
		{__LINE__, -1, 0, "1969-12-31T23:59:59.999999+00:00", "Wed, 31 Dec 1969 23:59:59 GMT"},
		{__LINE__, 250000, 60, "1970-01-01T01:00:00.25+01:00", "Thu, 01 Jan 1970 00:00:00 GMT"},
		{__LINE__, 0, -570, "1969-12-31T14:30:00-09:30", "Thu, 01 Jan 1970 00:00:00 GMT"},
		{__LINE__, 100, 345, "1970-01-01T05:45:00.0001+05:45", "Thu, 01 Jan 1970 00:00:00 GMT"},
		{__LINE__, 0, 1439, "1970-01-01T23:59:00+23:59", "Thu, 01 Jan 1970 00:00:00 GMT"},
		{__LINE__, 0, -1439, "1969-12-31T00:01:00-23:59", "Thu, 01 Jan 1970 00:00:00 GMT"},
		{__LINE__, 16137 * DATE_DAY_MICROS + AT(15, 0, 0, 0), 0, "2014-03-08T15:00:00+00:00",
		 "Sat, 08 Mar 2014 15:00:00 GMT"},
		{__LINE__, 18628 * DATE_DAY_MICROS, 0, "2021-01-01T00:00:00+00:00",
		 "Fri, 01 Jan 2021 00:00:00 GMT"},
		{__LINE__, 9075 * DATE_DAY_MICROS + AT(8, 49, 37, 0), 0, "1994-11-06T08:49:37+00:00",
		 "Sun, 06 Nov 1994 08:49:37 GMT"},
		{__LINE__, FIRST_MOMENT, 0, "0001-01-01T00:00:00+00:00", "Mon, 01 Jan 0001 00:00:00 GMT"},
		{__LINE__, FIRST_MOMENT, -1, "0001-01-01T00:00:00+00:00", "Mon, 01 Jan 0001 00:00:00 GMT"},
		{__LINE__, LAST_MOMENT, 0, "9999-12-31T23:59:59.999999+00:00",
		 "Fri, 31 Dec 9999 23:59:59 GMT"},
		{__LINE__, LAST_MOMENT, 1, "9999-12-31T23:59:59.999999+00:00",
		 "Fri, 31 Dec 9999 23:59:59 GMT"},
		{__LINE__, LAST_MOMENT, -1, "9999-12-31T23:58:59.999999-00:01",
		 "Fri, 31 Dec 9999 23:59:59 GMT"},
	};
	(void)state;
	struct buf buf;
	buf_init(&buf, MOST_BYTES);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_clear(&buf);
		date_write_moment(&buf, rows[i].moment, rows[i].zone_minutes);
		if (!str_equal(buf_str(&buf), str_from(rows[i].want))) {
			fail_msg("line %d: %.*s", rows[i].line, STR_ARG(buf_str(&buf)));
		}
		buf_clear(&buf);
		date_write_http(&buf, rows[i].moment);
		if (!str_equal(buf_str(&buf), str_from(rows[i].want_http))) {
			fail_msg("line %d: %.*s", rows[i].line, STR_ARG(buf_str(&buf)));
		}
	}
	buf_finish(&buf);
}

static void test_write_time(void **state)
{
	static const struct {
		int64_t micros;
		const char *want;
	} rows[] = {
		{0, "00:00:00"},
		{1, "00:00:00.000001"},
		{AT(15, 4, 5, 0), "15:04:05"},
		{AT(15, 4, 5, 250000), "15:04:05.25"},
		{AT(15, 4, 5, 10), "15:04:05.00001"},
		{AT(9, 0, 59, 999999), "09:00:59.999999"},
		{DATE_DAY_MICROS - 1, "23:59:59.999999"},
	};
	(void)state;
	struct buf buf;
	buf_init(&buf, MOST_BYTES);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_clear(&buf);
		date_write_time(&buf, rows[i].micros);
		assert_true(str_equal(buf_str(&buf), str_from(rows[i].want)));
	}
	buf_finish(&buf);
}

/* Moments all over the years, in many zones: what is written must be read as the same. */
static void test_moments_again(void **state)
{
	(void)state;
	struct buf buf;
	buf_init(&buf, MOST_BYTES);
	int zone = -1439;
	/* A prime number of microseconds, some 36 days. */
	for (int64_t moment = FIRST_MOMENT; moment <= LAST_MOMENT; moment += INT64_C(3141592653589)) {
		struct date_parts parts;
		int64_t again;
		buf_clear(&buf);
		date_write_moment(&buf, moment, zone);
		assert_int_equal(date_parse(buf_str(&buf), &no_rules, &parts), DATE_OK);
		assert_true(parts.has_time && parts.has_zone);
		assert_true(date_moment(&parts, &again));
		assert_int_equal(again, moment);
		buf_append_byte(&buf, ' ');
		assert_int_equal(date_parse(buf_str(&buf), &no_rules, &parts), DATE_OK);
		assert_true(date_moment(&parts, &again));
		assert_int_equal(again, moment);
		buf_clear(&buf);
		date_write_http(&buf, moment);
		assert_int_equal(date_parse(buf_str(&buf), &no_rules, &parts), DATE_OK);
		assert_true(parts.has_zone && date_moment(&parts, &again));
		assert_true(again <= moment && moment - again < 1000000);
		zone = zone == 1439 ? -1439 : zone + 1;
	}
	buf_finish(&buf);
}

static void test_years_between(void **state)
{
	static const struct {
		int line;
		const char *from;
		const char *to;
		int64_t want;
	} rows[] = {
		{__LINE__, "2000-06-15", "2000-06-15", 0},     {__LINE__, "2000-06-15", "2001-06-14", 0},
		{__LINE__, "2000-06-15", "2001-06-15", 1},     {__LINE__, "2000-06-15", "2026-06-14", 25},
		{__LINE__, "2000-06-15", "2026-06-15", 26},    {__LINE__, "2000-06-15", "2026-07-01", 26},
		{__LINE__, "2000-06-15", "2026-05-31", 25},    {__LINE__, "2000-02-29", "2001-02-28", 0},
		{__LINE__, "2000-02-29", "2001-03-01", 1},     {__LINE__, "2000-02-29", "2004-02-28", 3},
		{__LINE__, "2000-02-29", "2004-02-29", 4},     {__LINE__, "1999-12-31", "2000-01-01", 0},
		{__LINE__, "2001-06-15", "2000-06-15", -1},    {__LINE__, "2001-06-14", "2000-06-15", 0},
		{__LINE__, "2001-03-01", "2000-02-29", -1},    {__LINE__, "0001-01-01", "9999-12-31", 9998},
		{__LINE__, "9999-12-31", "0001-01-01", -9998},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct date_parts from;
		struct date_parts to;
		assert_int_equal(date_parse(str_from(rows[i].from), &no_rules, &from), DATE_OK);
		assert_int_equal(date_parse(str_from(rows[i].to), &no_rules, &to), DATE_OK);
		int64_t years = date_years_between(from.day, to.day);
		if (years != rows[i].want) {
			fail_msg("line %d: %lld", rows[i].line, (long long)years);
		}
	}
}

static void test_result_text(void **state)
{
	(void)state;
	assert_string_equal(date_result_text(DATE_OK), "is a date");
	assert_string_equal(date_result_text(DATE_SYNTAX), "is no date");
	assert_string_equal(date_result_text(DATE_IMPOSSIBLE), "is no date that there is");
	assert_true(str_starts_with(str_from(date_result_text(DATE_AMBIGUOUS)), STR("is ambiguous: ")));
	assert_true(
		str_starts_with(str_from(date_result_text(DATE_INCOMPLETE)), STR("is incomplete: ")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_day),     cmocka_unit_test(test_no_such_day),
		cmocka_unit_test(test_time),          cmocka_unit_test(test_longest_text),
		cmocka_unit_test(test_moment),        cmocka_unit_test(test_write_moment),
		cmocka_unit_test(test_write_time),    cmocka_unit_test(test_moments_again),
		cmocka_unit_test(test_years_between), cmocka_unit_test(test_result_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
