#include "codec/zone.h"

#include "codec/date.h"

enum {
	HEADER_BYTES = 44,
	TYPE_BYTES = 6,
	TYPES = 256,
	MINUTE = 60,
	HOUR = 3600,
	MOST_HOURS = 24 * 7 - 1, /* of a rule's time: RFC 9636, 3.3.1 */
};

#define DAY INT64_C(86400)

/* ---- offsets ---- */

/* Less than a day: what ISO 8601 can write. */
static bool is_offset(int64_t seconds)
{
	return seconds > -DAY && seconds < DAY;
}

static int digit(struct str text, size_t at)
{
	return at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9' ? text.ptr[at] - '0' : -1;
}

/* Two digits; -1 when there are none. */
static int two_digits(struct str text, size_t at)
{
	int tens = digit(text, at);
	int ones = digit(text, at + 1);
	return tens < 0 || ones < 0 ? -1 : tens * 10 + ones;
}

bool zone_from_offset(struct str text, struct zone *ret_zone)
{
	enum { MOST = 15 };
	bool colon = text.len == 6 && text.ptr[3] == ':';
	if (str_equal_nocase(text, STR("UTC")) || str_equal_nocase(text, STR("GMT"))) {
		*ret_zone = (struct zone){.offset = 0};
		return true;
	}
	if ((text.len != 3 && text.len != 5 && !colon) || (text.ptr[0] != '+' && text.ptr[0] != '-')) {
		return false;
	}
	int hours = two_digits(text, 1);
	int minutes = text.len == 3 ? 0 : two_digits(text, colon ? 4 : 3);
	if (hours < 0 || hours > MOST || minutes < 0 || minutes >= 60) {
		return false;
	}
	int offset = hours * HOUR + minutes * MINUTE;
	*ret_zone = (struct zone){.offset = text.ptr[0] == '-' ? -offset : offset};
	return true;
}

/* ---- TZif ---- */

static uint64_t big_endian(const char *bytes, size_t count)
{
	uint64_t number = 0;
	for (size_t i = 0; i < count; i++) {
		number = number << 8 | (unsigned char)bytes[i];
	}
	return number;
}

/* The counts of one block, in the order of the header. */
struct block {
	uint64_t utc_marks;
	uint64_t standard_marks;
	uint64_t leaps;
	uint64_t times;
	uint64_t types;
	uint64_t chars;
	size_t bytes; /* of all its data */
};

/* Reads a header at *at and moves behind it. Each time of the block has `time_bytes`. */
static bool read_header(struct str file, size_t time_bytes, size_t *at, struct block *ret_block)
{
	if (file.len - *at < HEADER_BYTES ||
		!str_starts_with(str_slice(file, *at, file.len), STR("TZif")) || file.ptr[*at + 4] < '2') {
		return false;
	}
	const char *counts = file.ptr + *at + 20;
	struct block block = {
		.utc_marks = big_endian(counts, 4),
		.standard_marks = big_endian(counts + 4, 4),
		.leaps = big_endian(counts + 8, 4),
		.times = big_endian(counts + 12, 4),
		.types = big_endian(counts + 16, 4),
		.chars = big_endian(counts + 20, 4),
	};
	/* Each count has 32 bits: the sum cannot overflow. */
	block.bytes = block.times * (time_bytes + 1) + block.types * TYPE_BYTES + block.chars +
		block.leaps * (time_bytes + 4) + block.standard_marks + block.utc_marks;
	*at += HEADER_BYTES;
	*ret_block = block;
	return block.bytes <= file.len - *at;
}

static bool read_changes(const char *data, const struct block *block, struct arena *arena,
						 struct zone *zone)
{
	const char *numbers = data + block->times * 8;
	const char *types = numbers + block->times;
	struct zone_change *changes = ARENA_ARRAY(arena, block->times, struct zone_change);
	for (uint64_t i = 0; i < block->times; i++) {
		unsigned char type = (unsigned char)numbers[i];
		if (type >= block->types) {
			return false;
		}
		changes[i] = (struct zone_change){
			.at = (int64_t)big_endian(data + i * 8, 8),
			.offset = (int32_t)big_endian(types + (size_t)type * TYPE_BYTES, 4),
		};
		/* What follows counts on both. */
		if ((i > 0 && changes[i].at <= changes[i - 1].at) || !is_offset(changes[i].offset)) {
			return false;
		}
	}
	zone->offset = (int32_t)big_endian(types, 4);
	zone->changes = changes;
	zone->change_count = block->times;
	return is_offset(zone->offset);
}

bool zone_from_file(struct str file, struct arena *arena, struct zone *ret_zone)
{
	struct block block;
	struct zone zone = {0};
	size_t at = 0;
	/* The first block is for readers of version 1. */
	if (!read_header(file, 4, &at, &block)) {
		return false;
	}
	at += block.bytes;
	if (!read_header(file, 8, &at, &block) || block.leaps != 0 || block.types == 0 ||
		block.types > TYPES || !read_changes(file.ptr + at, &block, arena, &zone)) {
		return false;
	}
	at += block.bytes;
	if (file.len - at < 2 || file.ptr[at] != '\n' || file.ptr[file.len - 1] != '\n') {
		return false;
	}
	zone.rule = str_slice(file, at + 1, file.len - 1);
	*ret_zone = zone;
	return true;
}

/* ---- the rule at the end ---- */

/* When clocks change in a year: `J60`, `59`, `M3.2.0`, with a time. */
struct change_day {
	char kind; /* 'J': a day from 1 without 29 Feb; 'M'; 'N': a day from 0 */
	int month;
	int week; /* 5: the last */
	int day;
	int64_t seconds; /* of that day, on the clocks until then */
};

struct rule {
	int64_t offset; /* standard time, seconds east of UTC */
	int64_t summer;
	bool has_summer;
	struct change_day begin;
	struct change_day end;
};

static bool take(struct str *text, char c)
{
	bool is = text->len > 0 && text->ptr[0] == c;
	*text = str_slice(*text, is ? 1 : 0, text->len);
	return is;
}

static bool take_number(struct str *text, int least, int most, int *ret_number)
{
	int number = 0;
	size_t len = 0;
	while (len < 4 && digit(*text, len) >= 0) {
		number = number * 10 + digit(*text, len);
		len++;
	}
	*text = str_slice(*text, len, text->len);
	*ret_number = number;
	return len > 0 && number >= least && number <= most;
}

/* `EST`, `<+03>` */
static bool take_name(struct str *text)
{
	size_t len = 0;
	if (take(text, '<')) {
		len = str_find(*text, '>', 0);
		bool ends = len < text->len;
		*text = str_slice(*text, ends ? len + 1 : len, text->len);
		return ends;
	}
	while (len < text->len &&
		   ((text->ptr[len] >= 'A' && text->ptr[len] <= 'Z') ||
			(text->ptr[len] >= 'a' && text->ptr[len] <= 'z'))) {
		len++;
	}
	*text = str_slice(*text, len, text->len);
	return len > 0;
}

/* `5`, `-3:30`, `+2:00:00`: seconds. */
static bool take_seconds(struct str *text, int64_t *ret_seconds)
{
	bool negative = take(text, '-');
	int hours;
	int minutes = 0;
	int seconds = 0;
	if (!negative) {
		(void)take(text, '+');
	}
	if (!take_number(text, 0, MOST_HOURS, &hours) ||
		(take(text, ':') &&
		 (!take_number(text, 0, 59, &minutes) ||
		  (take(text, ':') && !take_number(text, 0, 59, &seconds))))) {
		return false;
	}
	int64_t all = hours * HOUR + minutes * MINUTE + seconds;
	*ret_seconds = negative ? -all : all;
	return true;
}

static bool take_day(struct str *text, struct change_day *ret_day)
{
	struct change_day day = {.kind = 'N', .seconds = INT64_C(2) * HOUR};
	if (!take(text, ',')) {
		return false;
	}
	if (take(text, 'M')) {
		day.kind = 'M';
		if (!take_number(text, 1, 12, &day.month) || !take(text, '.') ||
			!take_number(text, 1, 5, &day.week) || !take(text, '.')) {
			return false;
		}
	} else if (take(text, 'J')) {
		day.kind = 'J';
	}
	int least = day.kind == 'J' ? 1 : 0;
	if (!take_number(text, least, day.kind == 'M' ? 6 : 365, &day.day) ||
		(take(text, '/') && !take_seconds(text, &day.seconds))) {
		return false;
	}
	*ret_day = day;
	return true;
}

static bool read_rule(struct str text, struct rule *ret_rule)
{
	struct rule rule = {0};
	if (!take_name(&text) || !take_seconds(&text, &rule.offset)) {
		return false;
	}
	/* There a zone west of UTC is positive. */
	rule.offset = -rule.offset;
	if (text.len > 0) {
		rule.has_summer = take_name(&text);
		rule.summer = rule.offset + HOUR;
		if (rule.has_summer && text.len > 0 && text.ptr[0] != ',') {
			rule.has_summer = take_seconds(&text, &rule.summer);
			rule.summer = -rule.summer;
		}
		if (!rule.has_summer || !take_day(&text, &rule.begin) || !take_day(&text, &rule.end)) {
			return false;
		}
	}
	*ret_rule = rule;
	return text.len == 0 && is_offset(rule.offset) && is_offset(rule.summer);
}

static int64_t floor_div(int64_t number, int64_t by)
{
	return number / by - (number % by < 0 ? 1 : 0);
}

/* The second of the change in a year, on the clocks until then. */
static int64_t change_second(const struct change_day *change, int year)
{
	int64_t day = 0;
	int64_t next = 0;
	(void)date_from_ymd(year, change->kind == 'M' ? change->month : 1, 1, &day);
	if (change->kind != 'M') {
		int64_t march = 0;
		(void)date_from_ymd(year, 3, 1, &march);
		bool leap = march - day == 60;
		day += change->day - (change->kind == 'J' ? 1 : 0);
		day += change->kind == 'J' && leap && change->day >= 60 ? 1 : 0;
		return day * DAY + change->seconds;
	}
	/* 1970-01-01 was a Thursday; a week begins with Sunday. */
	int64_t weekday = ((day + 4) % 7 + 7) % 7;
	int64_t found = day + (change->day - weekday + 7) % 7 + (int64_t)(change->week - 1) * 7;
	if (change->month == 12) {
		next = day + 31;
	} else {
		(void)date_from_ymd(year, change->month + 1, 1, &next);
	}
	return (found >= next ? found - 7 : found) * DAY + change->seconds;
}

static int64_t rule_offset(const struct rule *rule, int64_t second)
{
	int year;
	int month;
	int day_of_month;
	int64_t day = floor_div(second + rule->offset, DAY);
	if (!rule->has_summer || day < DATE_FIRST_DAY || day > DATE_LAST_DAY) {
		return rule->offset;
	}
	date_to_ymd(day, &year, &month, &day_of_month);
	int64_t begin = change_second(&rule->begin, year) - rule->offset;
	int64_t end = change_second(&rule->end, year) - rule->summer;
	/* South of the equator the summer goes over the turn of the year. */
	bool summer = begin < end ? second >= begin && second < end : second >= begin || second < end;
	return summer ? rule->summer : rule->offset;
}

/* ---- all ---- */

int zone_minutes(const struct zone *zone, int64_t moment)
{
	int64_t second = floor_div(moment, 1000000);
	size_t low = 0; /* changes up to here have been */
	size_t high = zone->change_count;
	struct rule rule;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (zone->changes[middle].at <= second) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	int64_t offset = low == 0 ? zone->offset : zone->changes[low - 1].offset;
	if (low == zone->change_count && read_rule(zone->rule, &rule)) {
		offset = rule_offset(&rule, second);
	}
	return (int)(offset / MINUTE);
}
