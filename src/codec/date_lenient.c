/*
 * What a form means: the year of two digits, the order of three numbers, and whether there is such
 * a day and such a time at all.
 */
#include "codec/date_priv.h"

#define SECOND_MICROS INT64_C(1000000)

static bool is_short(struct date_number number)
{
	return number.digits <= 2;
}

/* The latest year of these two digits in which the day is not later than rules->latest_day. */
static enum date_result settle_year(const struct date_rules *rules, int year, int month, int day,
									int64_t *ret_day)
{
	int64_t settled;
	/* Every century has the same days of such a year, but for 29 Feb 00, which 2000 has. */
	if (!date_from_ymd(2000 + year, month, day, &settled)) {
		return DATE_IMPOSSIBLE;
	}
	if (!rules->two_digit_years) {
		return DATE_AMBIGUOUS;
	}
	if (rules->latest_day < DATE_FIRST_DAY) {
		return DATE_IMPOSSIBLE;
	}
	int64_t latest = rules->latest_day > DATE_LAST_DAY ? DATE_LAST_DAY : rules->latest_day;
	int latest_year;
	int latest_month;
	int latest_day_of_month;
	date_to_ymd(latest, &latest_year, &latest_month, &latest_day_of_month);
	for (int century = latest_year / 100 * 100; century >= 0; century -= 100) {
		if (date_from_ymd(century + year, month, day, &settled) && settled <= latest) {
			*ret_day = settled;
			return DATE_OK;
		}
	}
	return DATE_IMPOSSIBLE;
}

static enum date_result settle_day(const struct date_rules *rules, struct date_number year,
								   struct date_number month, struct date_number day,
								   int64_t *ret_day)
{
	if (!is_short(month) || !is_short(day)) {
		return DATE_IMPOSSIBLE;
	}
	if (year.digits == 2) {
		return settle_year(rules, year.value, month.value, day.value, ret_day);
	}
	return year.digits == 4 && date_from_ymd(year.value, month.value, day.value, ret_day)
		? DATE_OK
		: DATE_IMPOSSIBLE;
}

static enum date_result settle_order(const struct date_rules *rules, enum date_order order,
									 const struct date_number n[3], int64_t *ret_day)
{
	switch (order) {
	case DATE_ORDER_MDY:
		return settle_day(rules, n[2], n[0], n[1], ret_day);
	case DATE_ORDER_DMY:
		return settle_day(rules, n[2], n[1], n[0], ret_day);
	case DATE_ORDER_YMD:
		return settle_day(rules, n[0], n[1], n[2], ret_day);
	case DATE_ORDER_NONE:
		break;
	}
	return DATE_IMPOSSIBLE;
}

/* Without a declared order there must be one day that the numbers can mean. */
static enum date_result settle_numbers(const struct date_rules *rules,
									   const struct date_number n[3], int64_t *ret_day)
{
	static const enum date_order orders[] = {DATE_ORDER_MDY, DATE_ORDER_DMY, DATE_ORDER_YMD};
	int64_t only = 0;
	int64_t day;
	bool any = false;
	if (rules->order != DATE_ORDER_NONE) {
		return settle_order(rules, rules->order, n, ret_day);
	}
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		enum date_result result = settle_order(rules, orders[i], n, &day);
		if (result == DATE_AMBIGUOUS || (result == DATE_OK && any && day != only)) {
			return DATE_AMBIGUOUS;
		}
		if (result == DATE_OK) {
			any = true;
			only = day;
		}
	}
	if (!any) {
		return DATE_IMPOSSIBLE;
	}
	*ret_day = only;
	return DATE_OK;
}

/* 0 is Monday, as is 0001-01-01. */
static int weekday_of(int64_t day)
{
	return (int)((day - DATE_FIRST_DAY) % 7);
}

/* Week 1 is the week of January 4th (ISO 8601). */
static enum date_result settle_week(const struct date_number n[3], int64_t *ret_day)
{
	int64_t fourth;
	int64_t last;
	if (!date_from_ymd(n[0].value, 1, 4, &fourth) || n[1].value < 1 || n[2].value < 1 ||
		n[2].value > 7) {
		return DATE_IMPOSSIBLE;
	}
	int64_t monday = fourth - weekday_of(fourth) + (n[1].value - 1) * 7;
	int64_t day = monday + n[2].value - 1;
	/* A week belongs to the year that has its Thursday. */
	if (!date_from_ymd(n[0].value, 12, 31, &last) || monday + 3 > last || day > DATE_LAST_DAY) {
		return DATE_IMPOSSIBLE;
	}
	*ret_day = day;
	return DATE_OK;
}

static enum date_result settle_year_day(const struct date_number n[3], int64_t *ret_day)
{
	int64_t first;
	int64_t last;
	if (!date_from_ymd(n[0].value, 1, 1, &first) || !date_from_ymd(n[0].value, 12, 31, &last) ||
		n[1].value < 1 || first + n[1].value - 1 > last) {
		return DATE_IMPOSSIBLE;
	}
	*ret_day = first + n[1].value - 1;
	return DATE_OK;
}

static enum date_result settle_date(const struct date_form *form, const struct date_rules *rules,
									int64_t *ret_day)
{
	const struct date_number *n = form->numbers;
	switch (form->kind) {
	case DATE_FORM_INCOMPLETE:
		return DATE_INCOMPLETE;
	case DATE_FORM_YEAR_MONTH_DAY:
		return settle_day(rules, n[0], n[1], n[2], ret_day);
	case DATE_FORM_NUMBERS:
		return settle_numbers(rules, n, ret_day);
	case DATE_FORM_WEEK:
		return settle_week(n, ret_day);
	case DATE_FORM_YEAR_DAY:
		return settle_year_day(n, ret_day);
	case DATE_FORM_SIX_DIGITS:
		return DATE_AMBIGUOUS;
	}
	return DATE_SYNTAX;
}

static bool settle_clock(const struct date_clock *time, int64_t *ret_micros)
{
	int hour = time->hour;
	if (time->half != DATE_HALF_NONE) {
		if (hour < 1 || hour > 12) {
			return false;
		}
		hour = hour % 12 + (time->half == DATE_HALF_PM ? 12 : 0);
	}
	if (hour > 23 || time->minute > 59 || time->second > 59) {
		return false;
	}
	*ret_micros = (hour * 3600 + time->minute * 60 + time->second) * SECOND_MICROS + time->fraction;
	return true;
}

enum date_result date_read_lenient(struct str text, const struct date_rules *rules,
								   struct date_parts *ret_parts)
{
	struct date_form form;
	struct date_parts parts = {0};
	if (text.len > DATE_TEXT_BYTES || !date_read_form(text, &form)) {
		return DATE_SYNTAX;
	}
	enum date_result result = settle_date(&form, rules, &parts.day);
	if (result != DATE_OK) {
		return result;
	}
	if (form.weekday >= 0 && form.weekday != weekday_of(parts.day)) {
		return DATE_IMPOSSIBLE;
	}
	if (form.has_time && !settle_clock(&form.time, &parts.micros)) {
		return DATE_IMPOSSIBLE;
	}
	if (form.zone.hours > 23 || form.zone.minutes > 59) {
		return DATE_IMPOSSIBLE;
	}
	parts.has_time = form.has_time;
	parts.has_zone = form.has_zone;
	parts.zone_minutes = form.zone.hours * 60 + form.zone.minutes;
	if (form.zone.west) {
		parts.zone_minutes = -parts.zone_minutes;
	}
	*ret_parts = parts;
	return DATE_OK;
}

enum date_result date_read_time_lenient(struct str text, int64_t *ret_micros)
{
	struct date_clock time;
	if (text.len > DATE_TEXT_BYTES || !date_read_time_form(text, &time)) {
		return DATE_SYNTAX;
	}
	return settle_clock(&time, ret_micros) ? DATE_OK : DATE_IMPOSSIBLE;
}
