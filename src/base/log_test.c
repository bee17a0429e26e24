#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TIME_LEN = 24, LINE_MAX_BYTES = 8192 };

/* What one event writes, NUL-terminated. */
static size_t logged(enum log_format format, enum log_level level, const char *message,
					 const struct log_field *fields, size_t count,
					 char ret_line[LINE_MAX_BYTES + 1])
{
	int ends[2];
	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	struct log log = {.format = format, .fd = ends[1]};
	log_event(&log, level, message, fields, count);
	ssize_t len = read(ends[0], ret_line, LINE_MAX_BYTES + 1);
	close(ends[0]);
	close(ends[1]);
	assert_true(len <= LINE_MAX_BYTES);
	ret_line[len < 0 ? 0 : len] = '\0';
	return len < 0 ? 0 : (size_t)len;
}

static const struct escape_row {
	int line;
	struct str value;
	const char *text;
	const char *json;
} escape_rows[] = {
	{__LINE__, STR_INIT("plain-1.2/x:y"), "plain-1.2/x:y", "\"plain-1.2/x:y\""},
	{__LINE__, STR_INIT(""), "\"\"", "\"\""},
	{__LINE__, STR_INIT("two words"), "\"two words\"", "\"two words\""},
	{__LINE__, STR_INIT("a=b"), "\"a=b\"", "\"a=b\""},
	{__LINE__, STR_INIT("q\"\\"), "\"q\\\"\\\\\"", "\"q\\\"\\\\\""},
	{__LINE__, STR_INIT("a\nb\r\t"), "\"a\\nb\\u000d\\u0009\"", "\"a\\nb\\u000d\\u0009\""},
	{__LINE__, STR_INIT("\0\x1b[2J\x7f"), "\"\\u0000\\u001b[2J\\u007f\"",
	 "\"\\u0000\\u001b[2J\\u007f\""},
	{__LINE__, STR_INIT("\xc2\x9b"), "\"\\u009b\"", "\"\\u009b\""},
	{__LINE__, STR_INIT("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"),
	 "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"", "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\""},
	{__LINE__, STR_INIT("\xff\xc3"), "\"\\xff\\xc3\"", "\"\\\\xff\\\\xc3\""},
	{__LINE__, STR_INIT("\xed\xa0\x80"), "\"\\xed\\xa0\\x80\"", "\"\\\\xed\\\\xa0\\\\x80\""},
	{__LINE__, STR_INIT("\xc0\x80"), "\"\\xc0\\x80\"", "\"\\\\xc0\\\\x80\""},
};

static void test_escapes(void **state)
{
	char line[LINE_MAX_BYTES + 1];
	char want[400];
	(void)state;
	for (size_t i = 0; i < sizeof(escape_rows) / sizeof(escape_rows[0]); i++) {
		const struct escape_row *row = &escape_rows[i];
		const struct log_field fields[] = {LOG_INT("n", -5), LOG_STR("v", row->value)};
		logged(LOG_TEXT, LOG_INFO, "hello there", fields, 2, line);
		(void)snprintf(want, sizeof(want), " INFO  hello there n=-5 v=%s\n", row->text);
		if (strcmp(line + TIME_LEN, want) != 0) {
			fail_msg("row of line %d: %s", row->line, line);
		}
		logged(LOG_JSON, LOG_WARNING, "hello \"there\"", fields, 2, line);
		(void)snprintf(
			want, sizeof(want),
			"\",\"level\":\"warning\",\"message\":\"hello \\\"there\\\"\",\"n\":-5,\"v\":%s}\n",
			row->json);
		if (strcmp(line + strlen("{\"time\":\"") + TIME_LEN, want) != 0) {
			fail_msg("row of line %d: %s", row->line, line);
		}
	}
}

static void test_levels(void **state)
{
	char line[LINE_MAX_BYTES + 1];
	(void)state;
	assert_int_equal(logged(LOG_OFF, LOG_INFO, "m", NULL, 0, line), 0);
	assert_int_equal(logged(LOG_OFF, LOG_WARNING, "m", NULL, 0, line), 0);
	logged(LOG_OFF, LOG_ERROR, "m", NULL, 0, line);
	assert_string_equal(line + TIME_LEN, " ERROR m\n");
	/* 2026-01-31T23:59:59.123Z */
	for (int i = 0; i < TIME_LEN; i++) {
		char want = "dddd-dd-ddTdd:dd:dd.dddZ"[i];
		assert_true(want == 'd' ? line[i] >= '0' && line[i] <= '9' : line[i] == want);
	}
	assert_memory_equal(line, "20", 2);
}

/* Whatever is cut, a line is one line, at most 8 KiB, and JSON stays JSON. */
static void test_long_lines(void **state)
{
	static char long_text[9000];
	char line[LINE_MAX_BYTES + 1];
	(void)state;
	for (size_t i = 0; i + 3 <= sizeof(long_text); i += 3) {
		memcpy(long_text + i, i % 2 == 0 ? "\xe2\x82\xac" : "\"\nx", 3);
	}
	for (size_t len = 5300; len < 5500; len++) {
		const struct log_field fields[] = {
			LOG_STR("a", ((struct str){long_text, len - len % 3})),
			LOG_INT("number", INT64_MIN),
			LOG_STR("b", STR("short")),
			LOG_STR("c", ((struct str){long_text, 3 * (len % 100)})),
		};
		for (int format = LOG_TEXT; format <= LOG_JSON; format++) {
			size_t written = logged((enum log_format)format, LOG_INFO, "m", fields, 4, line);
			assert_in_range(written, 5000, LINE_MAX_BYTES);
			assert_ptr_equal(strchr(line, '\n'), line + written - 1);
			if (format == LOG_JSON) {
				json_error_t error;
				json_t *json = json_loadb(line, written, 0, &error);
				assert_non_null(json);
				json_decref(json);
			}
		}
	}
	/* A message alone may fill the line. */
	long_text[sizeof(long_text) - 1] = '\0';
	size_t written = logged(LOG_JSON, LOG_INFO, long_text, NULL, 0, line);
	assert_in_range(written, LINE_MAX_BYTES - 10, LINE_MAX_BYTES);
	json_t *json = json_loadb(line, written, 0, NULL);
	assert_non_null(json);
	json_decref(json);
}

static void test_closed_file_is_ignored(void **state)
{
	(void)state;
	struct log log = {.format = LOG_TEXT, .fd = -1};
	log_event(&log, LOG_ERROR, "m", NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_closed_file_is_ignored),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
