#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "codec/date.h"
#include "codec/zone.h"

static const struct {
	int line;
	const char *text;
	int want; /* minutes */
} offsets[] = {
	{__LINE__, "UTC", 0},       {__LINE__, "gmt", 0},       {__LINE__, "+02", 120},
	{__LINE__, "-05:30", -330}, {__LINE__, "+0200", 120},   {__LINE__, "-00:01", -1},
	{__LINE__, "+15:59", 959},  {__LINE__, "-15:59", -959}, {__LINE__, "+00", 0},
};

static const char *const wrong_offsets[] = {
	"", "+", "+2", "+2:00", "02:00", "+16", "+02:60", "+020", "+02:0", "+02:000", "+0a", "UTC+2",
};

static void test_offsets(void **state)
{
	(void)state;
	struct zone zone;
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		if (!zone_from_offset(str_from(offsets[i].text), &zone) ||
			zone_minutes(&zone, 0) != offsets[i].want) {
			fail_msg("line %d", offsets[i].line);
		}
	}
	for (size_t i = 0; i < sizeof(wrong_offsets) / sizeof(wrong_offsets[0]); i++) {
		if (zone_from_offset(str_from(wrong_offsets[i]), &zone)) {
			fail_msg("%s is an offset", wrong_offsets[i]);
		}
	}
}

/* ---- files ---- */

static void put_number(struct buf *buf, uint64_t number, int bytes)
{
	for (int i = bytes - 1; i >= 0; i--) {
		buf_append_byte(buf, (char)(number >> (8 * i) & 0xff));
	}
}

static void put_header(struct buf *buf, uint64_t leaps, uint64_t times, uint64_t types)
{
	static const char nothing[15] = {0};
	buf_append(buf, STR("TZif2"));
	buf_append(buf, (struct str){nothing, sizeof(nothing)});
	put_number(buf, 0, 8);
	put_number(buf, leaps, 4);
	put_number(buf, times, 4);
	put_number(buf, types, 4);
	put_number(buf, 4, 4);
}

static void put_type(struct buf *buf, int32_t offset)
{
	put_number(buf, (uint64_t)(uint32_t)offset, 4);
	put_number(buf, 0, 2);
}

/* Local mean time, then at 1900-01-01 and at 1950-01-01 two others, then the rule. */
static void put_file(struct buf *buf, const char *rule)
{
	put_header(buf, 0, 0, 1);
	put_type(buf, 0);
	buf_append(buf, (struct str){"LMT", 4});
	put_header(buf, 0, 2, 3);
	put_number(buf, (uint64_t)INT64_C(-2208988800), 8);
	put_number(buf, (uint64_t)INT64_C(-631152000), 8);
	put_number(buf, 1, 1);
	put_number(buf, 2, 1);
	put_type(buf, -28378);
	put_type(buf, -28800);
	put_type(buf, 3600);
	buf_append(buf, (struct str){"LMT", 4});
	buf_printf(buf, "\n%s\n", rule);
}

static const struct {
	int line;
	const char *rule;
	const char *moment; /* UTC */
	int want;           /* minutes */
} rules[] = {
	{__LINE__, "", "1899-12-31T23:59:59Z", -472},
	{__LINE__, "", "1900-01-01T00:00:00Z", -480},
	{__LINE__, "", "1949-12-31T23:59:59.999999Z", -480},
	{__LINE__, "", "1950-01-01T00:00:00Z", 60},
	{__LINE__, "", "9999-12-31T23:59:59Z", 60},
	{__LINE__, "<+03>-3", "2020-07-01T00:00:00Z", 180},
	{__LINE__, "<+0330>-3:30", "2020-07-01T00:00:00Z", 210},
	{__LINE__, "HST10", "2020-07-01T00:00:00Z", -600},
	{__LINE__, "HST10", "1940-07-01T00:00:00Z", -480},
	{__LINE__, "EST5EDT,M3.2.0,M11.1.0", "2021-03-14T06:59:59Z", -300},
	{__LINE__, "EST5EDT,M3.2.0,M11.1.0", "2021-03-14T07:00:00Z", -240},
	{__LINE__, "EST5EDT,M3.2.0,M11.1.0", "2021-11-07T05:59:59Z", -240},
	{__LINE__, "EST5EDT,M3.2.0,M11.1.0", "2021-11-07T06:00:00Z", -300},
	{__LINE__, "CET-1CEST,M3.5.0,M10.5.0/3", "2021-03-28T00:59:59Z", 60},
	{__LINE__, "CET-1CEST,M3.5.0,M10.5.0/3", "2021-03-28T01:00:00Z", 120},
	{__LINE__, "CET-1CEST,M3.5.0,M10.5.0/3", "2021-10-31T00:59:59Z", 120},
	{__LINE__, "CET-1CEST,M3.5.0,M10.5.0/3", "2021-10-31T01:00:00Z", 60},
	{__LINE__, "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2021-01-01T00:00:00Z", 660},
	{__LINE__, "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2021-07-01T00:00:00Z", 630},
	{__LINE__, "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2021-12-31T23:00:00Z", 660},
	{__LINE__, "AAA0BBB,J60/0,J300/0", "2020-02-29T23:59:59Z", 0},
	{__LINE__, "AAA0BBB,J60/0,J300/0", "2020-03-01T00:00:00Z", 60},
	{__LINE__, "AAA0BBB,59/0,300/0", "2020-02-28T23:59:59Z", 0},
	{__LINE__, "AAA0BBB,59/0,300/0", "2020-02-29T00:00:00Z", 60},
	{__LINE__, "AAA0BBB,M12.5.0/0,M12.5.4/0", "2021-12-26T00:00:00Z", 60},
	{__LINE__, "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2024-03-31T00:59:59Z", -120},
	{__LINE__, "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2024-03-31T01:00:00Z", -60},
	/* A rule that cannot be read counts as none. */
	{__LINE__, "EST5EDT", "2021-07-01T00:00:00Z", 60},
	{__LINE__, "EST5EDT,M13.2.0,M11.1.0", "2021-07-01T00:00:00Z", 60},
	{__LINE__, "EST5EDT,M3.2.0,M11.1.0x", "2021-07-01T00:00:00Z", 60},
	{__LINE__, "AAA23:59:59", "2021-07-01T00:00:00Z", -1439},
	{__LINE__, "AAA24", "2021-07-01T00:00:00Z", 60},
	{__LINE__, "AAA-23BBB,M3.2.0,M11.1.0", "2021-07-01T00:00:00Z", 60},
	{__LINE__, "5", "2021-07-01T00:00:00Z", 60},
};

static void test_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		struct arena arena;
		struct buf file;
		struct zone zone;
		struct date_parts parts;
		struct date_rules plain = {0};
		int64_t moment;
		arena_init(&arena, 1024);
		buf_init(&file, 4096);
		put_file(&file, rules[i].rule);
		assert_true(zone_from_file(buf_str(&file), &arena, &zone));
		assert_int_equal(date_parse(str_from(rules[i].moment), &plain, &parts), DATE_OK);
		assert_true(date_moment(&parts, &moment));
		if (zone_minutes(&zone, moment) != rules[i].want) {
			fail_msg("line %d: got %d", rules[i].line, zone_minutes(&zone, moment));
		}
		buf_finish(&file);
		arena_finish(&arena);
	}
}

/* Cut anywhere, it is no file; nor with leap seconds, or a number of a type that is not there. */
static void test_broken(void **state)
{
	(void)state;
	struct arena arena;
	struct buf file;
	struct zone zone;
	arena_init(&arena, 1024);
	buf_init(&file, 4096);
	put_file(&file, "");
	for (size_t len = 0; len < file.len; len++) {
		if (zone_from_file((struct str){file.ptr, len}, &arena, &zone)) {
			fail_msg("%zu bytes are enough", len);
		}
	}
	size_t second = 44 + 6 + 4;
	file.ptr[second + 44 + 16] = 3;
	assert_false(zone_from_file(buf_str(&file), &arena, &zone));
	file.ptr[second + 44 + 16] = 1;
	assert_true(zone_from_file(buf_str(&file), &arena, &zone));
	file.ptr[4] = '1';
	assert_false(zone_from_file(buf_str(&file), &arena, &zone));
	buf_clear(&file);
	put_header(&file, 0, 0, 0);
	buf_append(&file, (struct str){"LMT", 4});
	put_header(&file, 1, 0, 1);
	put_type(&file, 0);
	buf_append(&file, (struct str){"LMT", 4});
	put_number(&file, 0, 8);
	put_number(&file, 0, 4);
	buf_append(&file, STR("\n\n"));
	assert_false(zone_from_file(buf_str(&file), &arena, &zone));
	buf_finish(&file);
	arena_finish(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offsets),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_broken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
