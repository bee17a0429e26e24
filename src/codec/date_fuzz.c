/*
 * Any bytes as a date and as a time, under every order. What is read lies within the years 1 to
 * 9999, and what our writers make of it is read back as the same, at fixed places and, with a space
 * before it, by the reader of all forms.
 */
#include <assert.h>
#include <stdint.h>

#include "codec/date.h"

enum { MOST_BYTES = 256, MOST_ZONE = 1439 };

/* 2026-11-21 */
#define LATEST_DAY 20778

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct date_parts read_back(struct buf *text)
{
	static const struct date_rules rules = {.order = DATE_ORDER_NONE};
	struct date_parts parts;
	struct date_parts lenient;
	struct buf spaced;
	enum date_result result = date_parse(buf_str(text), &rules, &parts);
	assert(result == DATE_OK);
	buf_init(&spaced, MOST_BYTES);
	buf_append_byte(&spaced, ' ');
	buf_append(&spaced, buf_str(text));
	result = date_parse(buf_str(&spaced), &rules, &lenient);
	assert(result == DATE_OK);
	assert(parts.day == lenient.day && parts.micros == lenient.micros);
	assert(parts.has_time == lenient.has_time && parts.has_zone == lenient.has_zone);
	assert(parts.zone_minutes == lenient.zone_minutes);
	buf_finish(&spaced);
	return parts;
}

static void check_moment(struct buf *buf, int64_t moment, int zone_minutes)
{
	int64_t again;
	buf_clear(buf);
	date_write_moment(buf, moment, zone_minutes);
	struct date_parts parts = read_back(buf);
	bool good = date_moment(&parts, &again);
	assert(good && again == moment);
	buf_clear(buf);
	date_write_http(buf, moment);
	parts = read_back(buf);
	good = date_moment(&parts, &again);
	assert(good && again <= moment && moment - again < 1000000);
}

static void check_time(struct buf *buf, int64_t micros)
{
	int64_t again;
	assert(micros >= 0 && micros < DATE_DAY_MICROS);
	buf_clear(buf);
	date_write_time(buf, micros);
	enum date_result result = date_parse_time(buf_str(buf), &again);
	assert(result == DATE_OK && again == micros);
}

static void check_parts(struct buf *buf, const struct date_parts *parts)
{
	int64_t moment;
	assert(parts->day >= DATE_FIRST_DAY && parts->day <= DATE_LAST_DAY);
	assert(parts->has_time || (parts->micros == 0 && !parts->has_zone));
	assert(parts->zone_minutes >= -MOST_ZONE && parts->zone_minutes <= MOST_ZONE);
	check_time(buf, parts->micros);
	buf_clear(buf);
	date_write(buf, parts->day);
	struct date_parts again = read_back(buf);
	assert(again.day == parts->day && !again.has_time && !again.has_zone);
	if (date_moment(parts, &moment)) {
		check_moment(buf, moment, parts->zone_minutes);
		check_moment(buf, moment, 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum date_order orders[] = {DATE_ORDER_NONE, DATE_ORDER_MDY, DATE_ORDER_DMY,
											 DATE_ORDER_YMD};
	struct str text = {(const char *)data, size};
	struct buf buf;
	int64_t micros;
	buf_init(&buf, MOST_BYTES);
	for (size_t i = 0; i < 2 * sizeof(orders) / sizeof(orders[0]); i++) {
		struct date_rules rules = {orders[i / 2], i % 2 == 1, LATEST_DAY};
		struct date_parts parts;
		if (date_parse(text, &rules, &parts) == DATE_OK) {
			assert(size <= DATE_TEXT_BYTES);
			check_parts(&buf, &parts);
		}
	}
	if (date_parse_time(text, &micros) == DATE_OK) {
		assert(size <= DATE_TEXT_BYTES);
		check_time(&buf, micros);
	}
	buf_finish(&buf);
	return 0;
}
