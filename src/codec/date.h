/*
 * Dates and times of the proleptic Gregorian calendar, years 0001 to 9999, and the many ways in
 * which people write them. A day is a number of days since 1970-01-01; a moment is microseconds
 * since its beginning in UTC; a time is microseconds since midnight.
 *
 * The reader is lenient about form (ISO 8601 extended and basic, RFC 1123, `March 30 1985`,
 * `06 Oct 1980`, `2 September 2018`, `Sep 2, 2018`, `2014-03-08T15`, `20180902`, weekday names that
 * are right, zones and fractions) and strict about sense: what is impossible (30 Feb), incomplete
 * (March 1985) or ambiguous (08/03/2014 without an order) is refused, and the caller learns which.
 *
 * What it means: three numbers that begin with a year of four digits are year, month, day under
 * every order. Others follow the order; a part that does not fit it is impossible, never swapped.
 * Without an order they are read if there is one day that they can mean (13/03/2014). A month by
 * name needs no order; then the day comes before a year of two digits (06-Nov-94). Six digits alone
 * are ambiguous. Names are English, in full or their first three letters, and Sept; any case.
 * Seconds end at 59, since the count of days has no leap seconds, and hours at 23: 24:00 is
 * impossible, write 00:00 of the next day. Offsets are those of RFC 3339, up to 23:59 either way;
 * -00:00 is UTC. A zone needs a time.
 *
 * Ownership: plain functions. Threads: all. Errors: enum date_result.
 * Limits: texts of up to DATE_TEXT_BYTES; fractions of up to 9 digits, cut to microseconds.
 */
#ifndef ROWLOCK_CODEC_DATE_H
#define ROWLOCK_CODEC_DATE_H

#include "base/buf.h"

enum { DATE_TEXT_BYTES = 64 };

#define DATE_DAY_MICROS INT64_C(86400000000)
/* 0001-01-01 and 9999-12-31. */
#define DATE_FIRST_DAY INT64_C(-719162)
#define DATE_LAST_DAY INT64_C(2932896)

/* How 08/03/2014 is meant. */
enum date_order { DATE_ORDER_NONE, DATE_ORDER_MDY, DATE_ORDER_DMY, DATE_ORDER_YMD };

struct date_rules {
	enum date_order order;
	/* A year of two digits is the latest one that makes the day not later than this. */
	bool two_digit_years;
	int64_t latest_day; /* used only with two_digit_years */
};

enum date_result {
	DATE_OK,
	DATE_SYNTAX,     /* no date at all */
	DATE_AMBIGUOUS,  /* 08/03/2014, 01/02/03 */
	DATE_INCOMPLETE, /* March 1985, 2014-03 */
	DATE_IMPOSSIBLE, /* 30 Feb 2020, 25:00, Monday 2018-09-02 */
};

/* What a text says. */
struct date_parts {
	int64_t day;    /* as it is written */
	int64_t micros; /* of that day; 0 when no time is given */
	bool has_time;
	bool has_zone;
	int zone_minutes; /* east of UTC; a moment is day and micros less these */
};

/* A date with or without a time. On failure *ret_parts is not touched. */
enum date_result date_parse(struct str text, const struct date_rules *rules,
							struct date_parts *ret_parts);
/* A time alone: `15:04`, `15:04:05.25`, `3:04 pm`. */
enum date_result date_parse_time(struct str text, int64_t *ret_micros);
/* For messages: "is ambiguous: …", "is incomplete: …", "is no date that there is". */
const char *date_result_text(enum date_result result);

/* False when there is no such day. */
bool date_from_ymd(int64_t year, int month, int day_of_month, int64_t *ret_day);
void date_to_ymd(int64_t day, int *ret_year, int *ret_month, int *ret_day_of_month);
/* Microseconds since 1970-01-01T00:00:00Z; false when outside of the years 0001 to 9999. */
bool date_moment(const struct date_parts *parts, int64_t *ret_moment);
/* Whole years from one day to a later one, as a birthday counts them; negative when it is earlier:
 * then minus what it is the other way round. */
int64_t date_years_between(int64_t from_day, int64_t to_day);

/* `2014-03-08` */
void date_write(struct buf *buf, int64_t day);
/* `15:04:05`, with a fraction when it is not 0. */
void date_write_time(struct buf *buf, int64_t micros);
/* `2014-03-08T15:00:00+00:00`: the moment in a zone so many minutes east of UTC, less than a day; a
 * fraction only when it is not 0. In UTC if the zone would move it out of the years 0001 to
 * 9999. */
void date_write_moment(struct buf *buf, int64_t moment, int zone_minutes);
/* RFC 1123: `Fri, 01 Jan 2021 00:00:00 GMT`. */
void date_write_http(struct buf *buf, int64_t moment);

#endif
