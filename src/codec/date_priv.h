/*
 * The parts of the date reader: the canonical forms are read in date_parse.c, all others by their
 * form (date_form.c) and then their sense (date_lenient.c), which works for the canonical ones too.
 *
 * Ownership: plain functions. Threads: all. Errors: enum date_result.
 * Limits: texts of up to DATE_TEXT_BYTES; a longer one is DATE_SYNTAX.
 */
#ifndef ROWLOCK_CODEC_DATE_PRIV_H
#define ROWLOCK_CODEC_DATE_PRIV_H

#include "codec/date.h"

enum date_form_kind {
	DATE_FORM_INCOMPLETE,
	DATE_FORM_YEAR_MONTH_DAY,
	DATE_FORM_NUMBERS,   /* three of them, as they are written: rules say which is which */
	DATE_FORM_WEEK,      /* year, week, day of the week */
	DATE_FORM_YEAR_DAY,  /* year, day of the year */
	DATE_FORM_SIX_DIGITS /* 180902, 201809 or 020918 */
};

enum date_half { DATE_HALF_NONE, DATE_HALF_AM, DATE_HALF_PM };

struct date_number {
	int value;
	int digits;
};

struct date_clock {
	int hour;
	int minute;
	int second;
	int64_t fraction; /* microseconds */
	enum date_half half;
};

struct date_zone {
	bool west;
	int hours;
	int minutes;
};

/* What a text says, before anybody asks whether that can be. */
struct date_form {
	enum date_form_kind kind;
	struct date_number numbers[3];
	int weekday; /* 0 is Monday; -1: not given */
	bool has_time;
	struct date_clock time;
	bool has_zone;
	struct date_zone zone;
};

/* The form of all of the text; false when it has none that is known. */
bool date_read_form(struct str text, struct date_form *ret_form);
/* The same for a time alone. */
bool date_read_time_form(struct str text, struct date_clock *ret_time);

enum date_result date_read_lenient(struct str text, const struct date_rules *rules,
								   struct date_parts *ret_parts);
enum date_result date_read_time_lenient(struct str text, int64_t *ret_micros);

#endif
