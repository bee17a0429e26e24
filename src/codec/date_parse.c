/*
 * The way in for texts. What our own writers and most programs write, `YYYY-MM-DD` alone or with
 * `THH:MM:SS[.f][Z|+hh:mm]`, is read here at fixed places; an import of many rows depends on it.
 */
#include "codec/date_priv.h"

#include <assert.h>

#define SECOND_MICROS INT64_C(1000000)

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Two digits; negative when they are none. */
static int two_digits(const char *at)
{
	return is_digit(at[0]) && is_digit(at[1]) ? (at[0] - '0') * 10 + at[1] - '0' : -1;
}

/* Cuts the ten bytes of `YYYY-MM-DD` off *text. */
static bool cut_day(struct str *text, int64_t *ret_day)
{
	const char *at = text->ptr;
	if (text->len < 10 || at[4] != '-' || at[7] != '-') {
		return false;
	}
	int century = two_digits(at);
	int year = two_digits(at + 2);
	if (century < 0 || year < 0 ||
		!date_from_ymd(century * 100 + year, two_digits(at + 5), two_digits(at + 8), ret_day)) {
		return false;
	}
	*text = str_slice(*text, 10, text->len);
	return true;
}

/* `.` and 1 to 9 digits, if there is a point. */
static bool cut_fraction(struct str *text, int64_t *ret_micros)
{
	int64_t micros = 0;
	int64_t unit = SECOND_MICROS / 10;
	size_t at = 1;
	*ret_micros = 0;
	if (text->len == 0 || text->ptr[0] != '.') {
		return true;
	}
	for (; at < text->len && is_digit(text->ptr[at]); at++) {
		micros += (text->ptr[at] - '0') * unit;
		unit /= 10;
	}
	if (at == 1 || at > 10) {
		return false;
	}
	*ret_micros = micros;
	*text = str_slice(*text, at, text->len);
	return true;
}

/* Cuts `HH:MM:SS[.f]` off *text. */
static bool cut_time(struct str *text, int64_t *ret_micros)
{
	const char *at = text->ptr;
	int64_t fraction;
	if (text->len < 8 || at[2] != ':' || at[5] != ':') {
		return false;
	}
	int hour = two_digits(at);
	int minute = two_digits(at + 3);
	int second = two_digits(at + 6);
	if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) {
		return false;
	}
	*text = str_slice(*text, 8, text->len);
	if (!cut_fraction(text, &fraction)) {
		return false;
	}
	*ret_micros = (hour * 3600 + minute * 60 + second) * SECOND_MICROS + fraction;
	return true;
}

/* `Z` or `+hh:mm`, all of the text. */
static bool read_zone(struct str text, int *ret_minutes)
{
	if (text.len == 1 && text.ptr[0] == 'Z') {
		*ret_minutes = 0;
		return true;
	}
	if (text.len != 6 || (text.ptr[0] != '+' && text.ptr[0] != '-') || text.ptr[3] != ':') {
		return false;
	}
	int hours = two_digits(text.ptr + 1);
	int minutes = two_digits(text.ptr + 4);
	if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) {
		return false;
	}
	*ret_minutes = (text.ptr[0] == '-' ? -1 : 1) * (hours * 60 + minutes);
	return true;
}

/* False for all that is not in its canonical form, or wrong. */
static bool read_canonical(struct str text, struct date_parts *ret_parts)
{
	struct date_parts parts = {0};
	if (!cut_day(&text, &parts.day)) {
		return false;
	}
	if (text.len > 0) {
		if (text.ptr[0] != 'T') {
			return false;
		}
		text = str_slice(text, 1, text.len);
		if (!cut_time(&text, &parts.micros)) {
			return false;
		}
		parts.has_time = true;
	}
	if (text.len > 0) {
		if (!read_zone(text, &parts.zone_minutes)) {
			return false;
		}
		parts.has_zone = true;
	}
	*ret_parts = parts;
	return true;
}

enum date_result date_parse(struct str text, const struct date_rules *rules,
							struct date_parts *ret_parts)
{
	assert(rules != NULL);
	return read_canonical(text, ret_parts) ? DATE_OK : date_read_lenient(text, rules, ret_parts);
}

enum date_result date_parse_time(struct str text, int64_t *ret_micros)
{
	struct str rest = text;
	int64_t micros;
	if (!cut_time(&rest, &micros) || rest.len > 0) {
		return date_read_time_lenient(text, ret_micros);
	}
	*ret_micros = micros;
	return DATE_OK;
}

const char *date_result_text(enum date_result result)
{
	switch (result) {
	case DATE_OK:
		return "is a date";
	case DATE_SYNTAX:
		return "is no date";
	case DATE_AMBIGUOUS:
		return "is ambiguous: write it as 2014-03-08, the year first and in four digits";
	case DATE_INCOMPLETE:
		return "is incomplete: it needs a year, a month and a day, as 2014-03-08 has them";
	case DATE_IMPOSSIBLE:
		return "is no date that there is";
	}
	return "is no date";
}
