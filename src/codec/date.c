#include "codec/date.h"

#include <assert.h>

enum {
	DAYS_OF_400_YEARS = 146097,
	DAYS_OF_100_YEARS = 36524,
	DAYS_OF_4_YEARS = 1461,
	MINUTES_OF_DAY = 1440,
};

#define MINUTE_MICROS INT64_C(60000000)
#define SECOND_MICROS INT64_C(1000000)

/* Days of a year before its months, without a leap day. */
static const int days_before[13] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};

static bool is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Of a year before this month; month 13 is the end of the year. */
static int days_before_month(int64_t year, int month)
{
	return days_before[month - 1] + (month > 2 && is_leap(year) ? 1 : 0);
}

bool date_from_ymd(int64_t year, int month, int day_of_month, int64_t *ret_day)
{
	if (year < 1 || year > 9999 || month < 1 || month > 12 || day_of_month < 1) {
		return false;
	}
	int before = days_before_month(year, month);
	if (day_of_month > days_before_month(year, month + 1) - before) {
		return false;
	}
	int64_t years = year - 1;
	*ret_day = DATE_FIRST_DAY + years * 365 + years / 4 - years / 100 + years / 400 + before +
		day_of_month - 1;
	return true;
}

/* The last day of a cycle of 400 or 4 years would begin a fifth part of it: it belongs to the
 * fourth. */
static int at_most_3(int parts)
{
	return parts > 3 ? 3 : parts;
}

void date_to_ymd(int64_t day, int *ret_year, int *ret_month, int *ret_day_of_month)
{
	assert(day >= DATE_FIRST_DAY && day <= DATE_LAST_DAY);
	int days = (int)(day - DATE_FIRST_DAY);
	int year = days / DAYS_OF_400_YEARS * 400;
	days %= DAYS_OF_400_YEARS;
	int centuries = at_most_3(days / DAYS_OF_100_YEARS);
	days -= centuries * DAYS_OF_100_YEARS;
	year += centuries * 100 + days / DAYS_OF_4_YEARS * 4;
	days %= DAYS_OF_4_YEARS;
	int years = at_most_3(days / 365);
	days -= years * 365;
	year += years + 1;

	int month = days / 31 + 1; /* or the one after it */
	if (days >= days_before_month(year, month + 1)) {
		month++;
	}
	*ret_year = year;
	*ret_month = month;
	*ret_day_of_month = days - days_before_month(year, month) + 1;
}

bool date_moment(const struct date_parts *parts, int64_t *ret_moment)
{
	int64_t moment = parts->day * DATE_DAY_MICROS + parts->micros -
		parts->zone_minutes * MINUTE_MICROS;
	if (moment < DATE_FIRST_DAY * DATE_DAY_MICROS ||
		moment >= (DATE_LAST_DAY + 1) * DATE_DAY_MICROS) {
		return false;
	}
	*ret_moment = moment;
	return true;
}

int64_t date_years_between(int64_t from_day, int64_t to_day)
{
	if (from_day > to_day) {
		return -date_years_between(to_day, from_day);
	}
	int from_year;
	int from_month;
	int from_day_of_month;
	int to_year;
	int to_month;
	int to_day_of_month;
	date_to_ymd(from_day, &from_year, &from_month, &from_day_of_month);
	date_to_ymd(to_day, &to_year, &to_month, &to_day_of_month);
	bool not_yet = to_month < from_month ||
		(to_month == from_month && to_day_of_month < from_day_of_month);
	return to_year - from_year - (not_yet ? 1 : 0);
}

/* `width` digits, with leading zeros. */
static void put_digits(char *ret_digits, int width, int n)
{
	for (int i = width - 1; i >= 0; i--) {
		ret_digits[i] = (char)('0' + n % 10);
		n /= 10;
	}
}

void date_write(struct buf *buf, int64_t day)
{
	int year;
	int month;
	int day_of_month;
	char text[10];
	date_to_ymd(day, &year, &month, &day_of_month);
	put_digits(text, 4, year);
	text[4] = '-';
	put_digits(text + 5, 2, month);
	text[7] = '-';
	put_digits(text + 8, 2, day_of_month);
	buf_append(buf, (struct str){text, sizeof(text)});
}

void date_write_time(struct buf *buf, int64_t micros)
{
	char text[15];
	size_t len = 8;
	assert(micros >= 0 && micros < DATE_DAY_MICROS);
	int second = (int)(micros / SECOND_MICROS);
	int fraction = (int)(micros % SECOND_MICROS);
	put_digits(text, 2, second / 3600);
	text[2] = ':';
	put_digits(text + 3, 2, second / 60 % 60);
	text[5] = ':';
	put_digits(text + 6, 2, second % 60);
	if (fraction != 0) {
		text[8] = '.';
		put_digits(text + 9, 6, fraction);
		len = sizeof(text);
		while (text[len - 1] == '0') {
			len--;
		}
	}
	buf_append(buf, (struct str){text, len});
}

/* The day of a moment and what is left of it. */
static int64_t split_moment(int64_t moment, int64_t *ret_micros)
{
	int64_t day = moment / DATE_DAY_MICROS;
	int64_t micros = moment % DATE_DAY_MICROS;
	if (micros < 0) {
		day--;
		micros += DATE_DAY_MICROS;
	}
	*ret_micros = micros;
	return day;
}

void date_write_moment(struct buf *buf, int64_t moment, int zone_minutes)
{
	char zone[6];
	int64_t micros;
	assert(zone_minutes > -MINUTES_OF_DAY && zone_minutes < MINUTES_OF_DAY);
	int64_t day = split_moment(moment + zone_minutes * MINUTE_MICROS, &micros);
	if (day < DATE_FIRST_DAY || day > DATE_LAST_DAY) {
		zone_minutes = 0;
		day = split_moment(moment, &micros);
	}
	date_write(buf, day);
	buf_append_byte(buf, 'T');
	date_write_time(buf, micros);
	int minutes = zone_minutes < 0 ? -zone_minutes : zone_minutes;
	zone[0] = zone_minutes < 0 ? '-' : '+';
	put_digits(zone + 1, 2, minutes / 60);
	zone[3] = ':';
	put_digits(zone + 4, 2, minutes % 60);
	buf_append(buf, (struct str){zone, sizeof(zone)});
}

void date_write_http(struct buf *buf, int64_t moment)
{
	/* 1970-01-01 was a Thursday. The names are those of RFC 9110, 5.6.7. */
	static const char weekdays[7][4] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
	static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
									   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	int year;
	int month;
	int day_of_month;
	int64_t micros;
	int64_t day = split_moment(moment, &micros);
	date_to_ymd(day, &year, &month, &day_of_month);
	buf_printf(buf, "%s, %02d %s %04d ", weekdays[((day % 7) + 7) % 7], day_of_month,
			   months[month - 1], year);
	date_write_time(buf, micros - micros % SECOND_MICROS);
	buf_append(buf, STR(" GMT"));
}
