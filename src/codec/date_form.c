/*
 * DESIGN. A text is read twice over: first its form, by descent and without a look at the values,
 * into a struct date_form; then its sense, from that struct. So `30 Feb 2020 x` is DATE_SYNTAX and
 * `30 Feb 2020` DATE_IMPOSSIBLE, and the form does not depend on the rules. White space may stand
 * between the parts of a date, not inside of a time or a zone. Nothing is read more than a few
 * times, and the text is short: time is linear.
 *
 *   text     = [weekday [.] [,]] date [[,] [T | at] time]
 *   date     = year - month - day | number - number - number      (or with / or . throughout)
 *            | month [.] [-/,] day [st] [-/.,] [time [,]] year    (with time: asctime)
 *            | day [st] [-/.,] [of] month [.] [-/,] [time [,]] year
 *            | year [-/.,] month [.] [-/,] day [st]
 *            | YYYYMMDD | YYYY-Www-D | YYYYWwwD | YYYY-DDD
 *   time     = clock [zone]
 *   clock    = (hour:mm[:ss[.f]] | hour am | T hh[mm[ss[.f]]]) [am]
 *   zone     = Z | UTC | UT | GMT | +hh[[:]mm]
 */
#include "codec/date_priv.h"

enum { MOST_DIGITS = 9 };

struct reader {
	struct str text;
	size_t at;
};

static const struct str month_names[12] = {
	STR_INIT("January"),   STR_INIT("February"), STR_INIT("March"),    STR_INIT("April"),
	STR_INIT("May"),       STR_INIT("June"),     STR_INIT("July"),     STR_INIT("August"),
	STR_INIT("September"), STR_INIT("October"),  STR_INIT("November"), STR_INIT("December"),
};

static const struct str weekday_names[7] = {
	STR_INIT("Monday"), STR_INIT("Tuesday"),  STR_INIT("Wednesday"), STR_INIT("Thursday"),
	STR_INIT("Friday"), STR_INIT("Saturday"), STR_INIT("Sunday"),
};

/* The byte so many places ahead; NUL, which nothing accepts, behind the end. */
static char look(const struct reader *reader, size_t ahead)
{
	size_t at = reader->at + ahead;
	return at < reader->text.len ? reader->text.ptr[at] : '\0';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static void skip_space(struct reader *reader)
{
	while (reader->at < reader->text.len) {
		char c = reader->text.ptr[reader->at];
		if (c != ' ' && c != '\t' && c != '\r' && c != '\n') {
			break;
		}
		reader->at++;
	}
}

static bool at_end(struct reader *reader)
{
	skip_space(reader);
	return reader->at == reader->text.len;
}

/* The byte `c`, without white space before it. */
static bool accept_next(struct reader *reader, char c)
{
	if (look(reader, 0) != c) {
		return false;
	}
	reader->at++;
	return true;
}

static bool accept(struct reader *reader, char c)
{
	skip_space(reader);
	return accept_next(reader, c);
}

/* One of `-`, `/`, `.` and `,`; NUL when there is none. */
static char accept_separator(struct reader *reader)
{
	skip_space(reader);
	char c = look(reader, 0);
	if (c != '-' && c != '/' && c != '.' && c != ',') {
		return '\0';
	}
	reader->at++;
	return c;
}

/* The letters that come next. */
static struct str next_word(const struct reader *reader)
{
	size_t len = 0;
	while (is_letter(look(reader, len))) {
		len++;
	}
	return str_slice(reader->text, reader->at, reader->at + len);
}

static bool accept_next_word(struct reader *reader, struct str word)
{
	if (!str_equal_nocase(next_word(reader), word)) {
		return false;
	}
	reader->at += word.len;
	return true;
}

static bool accept_word(struct reader *reader, struct str word)
{
	skip_space(reader);
	return accept_next_word(reader, word);
}

/* A name in full or its first three letters: the index of it, or -1. */
static int accept_name(struct reader *reader, const struct str *names, int count)
{
	skip_space(reader);
	struct str word = next_word(reader);
	for (int i = 0; i < count; i++) {
		if (str_equal_nocase(word, names[i]) || str_equal_nocase(word, str_slice(names[i], 0, 3))) {
			reader->at += word.len;
			return i;
		}
	}
	return -1;
}

/* The name of a month and a point behind it. */
static bool accept_month(struct reader *reader, struct date_number *ret_month)
{
	int month = accept_name(reader, month_names, 12);
	if (month < 0) {
		if (!accept_word(reader, STR("Sept"))) {
			return false;
		}
		month = 8;
	}
	accept(reader, '.');
	*ret_month = (struct date_number){.value = month + 1, .digits = 2};
	return true;
}

/* Up to MOST_DIGITS digits, without white space before them. */
static bool accept_next_number(struct reader *reader, struct date_number *ret_number)
{
	struct date_number number = {0};
	while (number.digits <= MOST_DIGITS && is_digit(look(reader, (size_t)number.digits))) {
		number.digits++;
	}
	if (number.digits == 0 || number.digits > MOST_DIGITS) {
		return false;
	}
	for (int i = 0; i < number.digits; i++) {
		number.value = number.value * 10 + (look(reader, 0) - '0');
		reader->at++;
	}
	*ret_number = number;
	return true;
}

static bool accept_number(struct reader *reader, struct date_number *ret_number)
{
	skip_space(reader);
	return accept_next_number(reader, ret_number);
}

static bool accept_two_digits(struct reader *reader, int *ret_value)
{
	struct date_number number;
	if (!accept_next_number(reader, &number) || number.digits != 2) {
		return false;
	}
	*ret_value = number.value;
	return true;
}

/* The st of 1st. */
static bool accept_ordinal(struct reader *reader)
{
	return accept_next_word(reader, STR("st")) || accept_next_word(reader, STR("nd")) ||
		accept_next_word(reader, STR("rd")) || accept_next_word(reader, STR("th"));
}

/* A fraction of a second, if there is one. */
static bool read_fraction(struct reader *reader, int64_t *ret_micros)
{
	struct date_number number;
	char point = look(reader, 0);
	if ((point != '.' && point != ',') || !is_digit(look(reader, 1))) {
		return true;
	}
	reader->at++;
	if (!accept_next_number(reader, &number)) {
		return false;
	}
	int64_t micros = number.value;
	for (int i = number.digits; i < 6; i++) {
		micros *= 10;
	}
	for (int i = number.digits; i > 6; i--) {
		micros /= 10;
	}
	*ret_micros = micros;
	return true;
}

/* `am`, `pm`, `a.m.`, `p.m.`, if there is one. */
static enum date_half accept_half(struct reader *reader)
{
	struct reader ahead = *reader;
	if (accept_word(reader, STR("am"))) {
		return DATE_HALF_AM;
	}
	if (accept_word(reader, STR("pm"))) {
		return DATE_HALF_PM;
	}
	enum date_half half = accept_word(&ahead, STR("a")) ? DATE_HALF_AM
		: accept_word(&ahead, STR("p"))                 ? DATE_HALF_PM
														: DATE_HALF_NONE;
	if (half == DATE_HALF_NONE || !accept_next(&ahead, '.') ||
		!accept_next_word(&ahead, STR("m"))) {
		return DATE_HALF_NONE;
	}
	accept_next(&ahead, '.');
	*reader = ahead;
	return half;
}

/* What stands behind the hour of `hh:mm[:ss[.f]]`. */
static bool read_minutes(struct reader *reader, struct date_clock *time)
{
	if (!accept_two_digits(reader, &time->minute)) {
		return false;
	}
	return !accept_next(reader, ':') ||
		(accept_two_digits(reader, &time->second) && read_fraction(reader, &time->fraction));
}

/* After a T an hour may stand alone, and the colons may be missing (ISO 8601, basic format). */
static bool read_clock(struct reader *reader, bool after_t, struct date_clock *ret_time)
{
	struct date_clock time = {0};
	struct date_number number;
	bool whole = after_t;
	if (!accept_number(reader, &number)) {
		return false;
	}
	if (after_t && number.digits == 6) {
		time.hour = number.value / 10000;
		time.minute = number.value / 100 % 100;
		time.second = number.value % 100;
		if (!read_fraction(reader, &time.fraction)) {
			return false;
		}
	} else if (after_t && number.digits == 4) {
		time.hour = number.value / 100;
		time.minute = number.value % 100;
	} else if (number.digits <= 2) {
		time.hour = number.value;
		if (accept_next(reader, ':')) {
			whole = true;
			if (!read_minutes(reader, &time)) {
				return false;
			}
		}
	} else {
		return false;
	}
	time.half = accept_half(reader);
	*ret_time = time;
	return whole || time.half != DATE_HALF_NONE;
}

/* A zone, if there is one. */
static bool read_zone(struct reader *reader, struct date_form *form)
{
	struct date_zone zone = {0};
	struct date_number hours;
	if (accept_word(reader, STR("Z")) || accept_word(reader, STR("UTC")) ||
		accept_word(reader, STR("GMT")) || accept_word(reader, STR("UT"))) {
		form->has_zone = true;
		return true;
	}
	zone.west = look(reader, 0) == '-';
	if (!accept_next(reader, '+') && !accept_next(reader, '-')) {
		return true;
	}
	if (!accept_next_number(reader, &hours) || (hours.digits != 2 && hours.digits != 4)) {
		return false;
	}
	zone.hours = hours.digits == 2 ? hours.value : hours.value / 100;
	zone.minutes = hours.digits == 2 ? 0 : hours.value % 100;
	if (hours.digits == 2 && accept_next(reader, ':') &&
		!accept_two_digits(reader, &zone.minutes)) {
		return false;
	}
	form->zone = zone;
	form->has_zone = true;
	return true;
}

static bool read_time(struct reader *reader, bool after_t, struct date_form *form)
{
	form->has_time = read_clock(reader, after_t, &form->time);
	return form->has_time && read_zone(reader, form);
}

/* The end of a text, or a time and then the end. */
static bool read_rest(struct reader *reader, struct date_form *form)
{
	if (at_end(reader)) {
		return true;
	}
	if (form->has_time) {
		return false;
	}
	accept(reader, ',');
	bool after_t = accept_word(reader, STR("T"));
	if (!after_t) {
		accept_word(reader, STR("at"));
	}
	return read_time(reader, after_t, form) && at_end(reader);
}

/* Whether a number and a colon come next. */
static bool at_clock(struct reader *reader)
{
	skip_space(reader);
	size_t digits = 0;
	while (is_digit(look(reader, digits))) {
		digits++;
	}
	return digits > 0 && look(reader, digits) == ':';
}

/* The year behind a day and the name of a month; a time may stand before it. */
static bool read_year(struct reader *reader, struct date_form *form)
{
	accept_separator(reader);
	if (at_clock(reader)) {
		if (!read_time(reader, false, form)) {
			return false;
		}
		accept(reader, ',');
	}
	form->kind = accept_number(reader, &form->numbers[0]) ? DATE_FORM_YEAR_MONTH_DAY
														  : DATE_FORM_INCOMPLETE;
	return true;
}

/* `March 30 1985`, behind the month. */
static bool read_month_first(struct reader *reader, struct date_form *form)
{
	struct date_number *day = &form->numbers[2];
	form->kind = DATE_FORM_INCOMPLETE;
	accept_separator(reader);
	if (!accept_number(reader, day) || day->digits == 4) {
		return true;
	}
	accept_ordinal(reader);
	return day->digits <= 2 && read_year(reader, form);
}

/* `2018 September 2`, behind the month. */
static void read_day_last(struct reader *reader, struct date_form *form)
{
	form->kind = DATE_FORM_INCOMPLETE;
	accept_separator(reader);
	if (!at_clock(reader) && accept_number(reader, &form->numbers[2])) {
		accept_ordinal(reader);
		form->kind = DATE_FORM_YEAR_MONTH_DAY;
	}
}

/* `2018-W35-7` and `2018W357`, behind the W. */
static bool read_week(struct reader *reader, bool extended, struct date_form *form)
{
	struct date_number *week = &form->numbers[1];
	struct date_number *day = &form->numbers[2];
	form->kind = DATE_FORM_WEEK;
	if (!accept_next_number(reader, week)) {
		return false;
	}
	if (week->digits == 3 && !extended) {
		*day = (struct date_number){.value = week->value % 10, .digits = 1};
		week->value /= 10;
		return true;
	}
	if (week->digits != 2) {
		return false;
	}
	if (!extended || !accept_next(reader, '-')) {
		form->kind = DATE_FORM_INCOMPLETE;
		return true;
	}
	return accept_next_number(reader, day) && day->digits == 1;
}

static bool is_short(struct date_number number)
{
	return number.digits <= 2;
}

/* Numbers alone, behind the first one and its separator. */
static bool read_numbers(struct reader *reader, char separator, struct date_form *form)
{
	struct date_number *numbers = form->numbers;
	if (separator == ',' || !accept_number(reader, &numbers[1])) {
		return false;
	}
	if (accept(reader, separator)) {
		form->kind = is_short(numbers[0]) ? DATE_FORM_NUMBERS : DATE_FORM_YEAR_MONTH_DAY;
		return accept_number(reader, &numbers[2]);
	}
	if (numbers[0].digits == 4 && numbers[1].digits == 3 && separator == '-') {
		form->kind = DATE_FORM_YEAR_DAY;
		return true;
	}
	form->kind = DATE_FORM_INCOMPLETE;
	return (is_short(numbers[0]) && (is_short(numbers[1]) || numbers[1].digits == 4)) ||
		(numbers[0].digits == 4 && is_short(numbers[1]));
}

/* One number and no separator. */
static bool read_one_number(struct date_form *form)
{
	struct date_number all = form->numbers[0];
	switch (all.digits) {
	case 4:
		form->kind = DATE_FORM_INCOMPLETE;
		return true;
	case 6:
		form->kind = DATE_FORM_SIX_DIGITS;
		return true;
	case 8:
		form->kind = DATE_FORM_YEAR_MONTH_DAY;
		form->numbers[0] = (struct date_number){.value = all.value / 10000, .digits = 4};
		form->numbers[1] = (struct date_number){.value = all.value / 100 % 100, .digits = 2};
		form->numbers[2] = (struct date_number){.value = all.value % 100, .digits = 2};
		return true;
	default:
		return false;
	}
}

/* What follows the number that a date begins with. */
static bool read_number_first(struct reader *reader, struct date_form *form)
{
	struct date_number first = form->numbers[0];
	if (first.digits == 4 && accept_next_word(reader, STR("W"))) {
		return read_week(reader, false, form);
	}
	bool ordinal = is_short(first) && accept_ordinal(reader);
	char separator = accept_separator(reader);
	if (first.digits == 4 && separator == '-' && accept_next_word(reader, STR("W"))) {
		return read_week(reader, true, form);
	}
	bool of = is_short(first) && accept_word(reader, STR("of"));
	if (accept_month(reader, &form->numbers[1])) {
		if (is_short(first)) {
			form->numbers[2] = first;
			return read_year(reader, form);
		}
		read_day_last(reader, form);
		return first.digits <= 5;
	}
	if (ordinal || of) {
		return false;
	}
	return separator == '\0' ? read_one_number(form) : read_numbers(reader, separator, form);
}

bool date_read_form(struct str text, struct date_form *ret_form)
{
	struct reader reader = {.text = text};
	struct date_form form = {0};
	form.weekday = accept_name(&reader, weekday_names, 7);
	if (form.weekday >= 0) {
		accept(&reader, '.');
		accept(&reader, ',');
		if (at_end(&reader)) {
			*ret_form = form;
			return true;
		}
	}
	bool good = false;
	if (accept_month(&reader, &form.numbers[1])) {
		good = read_month_first(&reader, &form);
	} else if (accept_number(&reader, &form.numbers[0])) {
		good = read_number_first(&reader, &form);
	}
	if (!good || !read_rest(&reader, &form)) {
		return false;
	}
	*ret_form = form;
	return true;
}

bool date_read_time_form(struct str text, struct date_clock *ret_time)
{
	struct reader reader = {.text = text};
	bool after_t = accept_word(&reader, STR("T"));
	return read_clock(&reader, after_t, ret_time) && at_end(&reader);
}
