#include "codec/csv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NO_PLACE SIZE_MAX

/* Reads all of the text. Each record is written as its line, each field as |text or, when it was in
 * quotes, as !text; e.g. "1|a!b". False on an error. */
static bool read_records(struct csv_reader *reader, struct buf *buf)
{
	enum csv_event event;
	while ((event = csv_next(reader)) == CSV_RECORD) {
		buf_append_uint(buf, reader->line);
		for (size_t i = 0; i < reader->field_count; i++) {
			buf_append_byte(buf, reader->fields[i].quoted ? '!' : '|');
			buf_append(buf, reader->fields[i].text);
		}
		buf_append_byte(buf, ' ');
	}
	assert_int_equal(csv_next(reader), event);
	assert_int_equal(reader->error.code, event == CSV_ERROR ? ERROR_BODY : ERROR_NONE);
	return event == CSV_END;
}

static const struct read_row {
	int line;
	struct str input;
	struct str want; /* of the records before the error */
	const char *want_error;
	size_t want_at;
	const char *want_details;
} read_rows[] = {
#define GOOD(input, want)                                                                          \
	{                                                                                              \
		__LINE__, STR_INIT(input), STR_INIT(want), NULL, NO_PLACE, NULL                            \
	}
#define BAD(input, want, message, at, place)                                                       \
	{                                                                                              \
		__LINE__, STR_INIT(input), STR_INIT(want), "CSV, " place ": " message, at, place           \
	}
	{__LINE__, {NULL, 0}, STR_INIT(""), NULL, NO_PLACE, NULL},
	GOOD("", ""),
	GOOD("a", "1|a "),
	GOOD("a\n", "1|a "),
	GOOD("a,b\nc,d", "1|a|b 2|c|d "),
	GOOD("a,b\r\nc,d\r\n", "1|a|b 2|c|d "),
	GOOD("a,b\rc,d\r", "1|a|b 2|c|d "),
	GOOD("a\rb\nc\r\nd", "1|a 2|b 3|c 4|d "),
	GOOD("a\n\rb", "1|a 3|b "),
	GOOD(",", "1|| "),
	GOOD("a,", "1|a| "),
	GOOD(",\n,", "1|| 2|| "),
	GOOD("a,\r\nb", "1|a| 2|b "),
	/* Lines may differ in their fields: that is the caller's business. */
	GOOD("a\nb,c\nd,e,f", "1|a 2|b|c 3|d|e|f "),
	/* Empty lines. */
	GOOD("\n", ""),
	GOOD("\r\n\r\n", ""),
	GOOD("\n\na\n\n\nb\n\n", "3|a 6|b "),
	GOOD("\r\ra\r\n\r\nb", "3|a 5|b "),
	GOOD(" \n", "1|  "),
	/* Spaces belong to the text. */
	GOOD(" a , b ", "1| a | b  "),
	GOOD("a\tb\0c", "1|a\tb\0c "),
	/* A byte order mark before the first line, and nowhere else. */
	GOOD("\xef\xbb\xbf", ""),
	GOOD("\xef\xbb\xbf"
		 "a,b",
		 "1|a|b "),
	GOOD("\xef\xbb\xbf\"a\"\n", "1!a "),
	GOOD("\xef\xbb\xbf\na", "2|a "),
	GOOD("a\n\xef\xbb\xbf", "1|a 2|\xef\xbb\xbf "),
	GOOD("\xef\xbb", "1|\xef\xbb "),
	/* Quotes. */
	GOOD("\"\"", "1! "),
	GOOD("\"\",", "1!| "),
	GOOD("\"a\"", "1!a "),
	GOOD("\"a\",\"b\"\n\"c\",d", "1!a!b 2!c|d "),
	GOOD("\"a,b\"", "1!a,b "),
	GOOD("\"\"\"\"", "1!\" "),
	GOOD("\"\"\"\"\"\"", "1!\"\" "),
	GOOD("\"a\"\"b\"", "1!a\"b "),
	GOOD("\"\"\"a\"\"\",\"b\"\"\"", "1!\"a\"!b\" "),
	GOOD("\" a \"", "1! a  "),
	GOOD("\"a\"\rb", "1!a 2|b "),
	/* Line ends in quotes are text, and counted. */
	GOOD("\"a\nb\"\nc", "1!a\nb 3|c "),
	GOOD("\"a\r\nb\r\"\nc", "1!a\r\nb\r 4|c "),
	GOOD("\"\r\n\"\"\r\"\nc", "1!\r\n\"\r 4|c "),
	GOOD("\"\n\n\n\",\"\n\"\r\nc", "1!\n\n\n!\n 6|c "),
	/* Special bytes at each place of eight, and behind them. */
	GOOD("1234567,12345678,123456789\n1234567\n12345678\r\n123456789\r123",
		 "1|1234567|12345678|123456789 2|1234567 3|12345678 4|123456789 5|123 "),
	GOOD("-,-----,+-.-,\x0b\x0e\x2d\x8c\xac\xa2\x23\x8a,x",
		 "1|-|-----|+-.-|\x0b\x0e\x2d\x8c"
		 "\xac\xa2\x23\x8a|x "),
	BAD("\"", "", "a quote that is never closed", 0, "line 1, column 1"),
	BAD("\"a", "", "a quote that is never closed", 0, "line 1, column 1"),
	BAD("\"\"\"", "", "a quote that is never closed", 0, "line 1, column 1"),
	BAD("\"a\"\"", "", "a quote that is never closed", 0, "line 1, column 1"),
	BAD("a,b\nc,\"d\ne\n", "1|a|b ", "a quote that is never closed", 6, "line 2, column 3"),
	BAD("a\"", "", "a quote inside a field that is not in quotes", 1, "line 1, column 2"),
	BAD(" \"a\"", "", "a quote inside a field that is not in quotes", 1, "line 1, column 2"),
	BAD("a\r\nb,c\r\n12345678\"", "1|a 2|b|c ", "a quote inside a field that is not in quotes", 16,
		"line 3, column 9"),
	BAD("\"a\"b", "", "text behind the closing quote", 3, "line 1, column 4"),
	BAD("\"a\" ,b", "", "text behind the closing quote", 3, "line 1, column 4"),
	BAD("x\r\"a\r\nb\" \n", "1|x ", "text behind the closing quote", 8, "line 3, column 3"),
	/* Columns are code points, and a byte order mark is none. */
	BAD("\xef\xbb\xbf\xc3\xa4\xe2\x82\xac\"", "", "a quote inside a field that is not in quotes", 8,
		"line 1, column 3"),
	BAD("\xef\xbb\xbf\"", "", "a quote that is never closed", 3, "line 1, column 1"),
};

static void test_read(void **state)
{
	(void)state;
	struct arena arena;
	struct buf buf;
	arena_init(&arena, 4096);
	buf_init(&buf, 1000);
	for (size_t i = 0; i < sizeof(read_rows) / sizeof(read_rows[0]); i++) {
		const struct read_row *row = &read_rows[i];
		struct csv_reader reader;
		buf_clear(&buf);
		csv_reader_init(&reader, row->input, &arena);
		bool good = read_records(&reader, &buf);
		if (!str_equal(buf_str(&buf), row->want)) {
			fail_msg("row of line %d: %.*s", row->line, STR_ARG(buf_str(&buf)));
		}
		if (good != (row->want_error == NULL)) {
			fail_msg("row of line %d: %s", row->line, good ? "accepted" : reader.error.message);
		}
		if (!good) {
			assert_string_equal(reader.error.message, row->want_error);
			assert_string_equal(reader.error.details, row->want_details);
			assert_int_equal(reader.error.at, row->want_at);
		}
		arena_reset(&arena);
	}
	buf_finish(&buf);
	arena_finish(&arena);
}

static void test_limit(void **state)
{
	(void)state;
	struct arena arena;
	struct buf buf;
	struct csv_reader reader;
	arena_init(&arena, 4096);
	buf_init(&buf, 10000);
	buf_append(&buf, STR("first\n"));
	for (size_t i = 1; i < CSV_FIELDS; i++) {
		buf_append(&buf, STR("x,"));
	}
	csv_reader_init(&reader, buf_str(&buf), &arena);
	assert_int_equal(csv_next(&reader), CSV_RECORD);
	assert_int_equal(csv_next(&reader), CSV_RECORD);
	assert_int_equal(reader.field_count, CSV_FIELDS);
	assert_int_equal(csv_next(&reader), CSV_END);
	buf_append(&buf, STR(","));
	csv_reader_init(&reader, buf_str(&buf), &arena);
	assert_int_equal(csv_next(&reader), CSV_RECORD);
	assert_int_equal(csv_next(&reader), CSV_ERROR);
	assert_string_equal(reader.error.message,
						"CSV, line 2, column 4000: too many fields in a line");
	assert_int_equal(reader.error.at, buf.len);
	buf_finish(&buf);
	arena_finish(&arena);
}

/* An input of any length takes the memory of one record, and text without doubled quotes none. */
static void test_memory(void **state)
{
	enum { RECORDS = 20000 };
	(void)state;
	struct arena arena;
	struct arena record_arena;
	struct buf buf;
	struct csv_reader reader;
	arena_init(&arena, 4096);
	arena_init(&record_arena, 4096);
	buf_init(&buf, 1 << 24);
	for (size_t i = 0; i < RECORDS; i++) {
		buf_append(&buf, STR("plain,\"in quotes\",\"some \"\"text\"\" with quotes\"\r\n"));
	}
	csv_reader_init(&reader, buf_str(&buf), &arena);
	csv_reader_use(&reader, &record_arena);
	const char *next = arena.next;
	const struct arena_block *block = NULL;
	for (size_t i = 0; i < RECORDS; i++) {
		assert_int_equal(csv_next(&reader), CSV_RECORD);
		assert_int_equal(reader.line, i + 1);
		assert_int_equal(reader.field_count, 3);
		assert_true(str_equal(reader.fields[0].text, STR("plain")));
		assert_ptr_equal(reader.fields[1].text.ptr, reader.fields[0].text.ptr + 7);
		assert_true(str_equal(reader.fields[2].text, STR("some \"text\" with quotes")));
		assert_true(block == NULL || block == record_arena.current);
		block = record_arena.current;
		arena_reset(&record_arena);
	}
	assert_int_equal(csv_next(&reader), CSV_END);
	assert_ptr_equal(arena.next, next);
	buf_finish(&buf);
	arena_finish(&record_arena);
	arena_finish(&arena);
}

static void test_write(void **state)
{
	static const struct {
		int line;
		struct str text;
		struct str want;
	} rows[] = {
		{__LINE__, {NULL, 0}, STR_INIT("")},
		{__LINE__, STR_INIT("a"), STR_INIT("a")},
		{__LINE__, STR_INIT("a b"), STR_INIT("a b")},
		{__LINE__, STR_INIT("a\tb\0"), STR_INIT("a\tb\0")},
		{__LINE__, STR_INIT("\xc3\xa4"), STR_INIT("\xc3\xa4")},
		{__LINE__, STR_INIT("a,b"), STR_INIT("\"a,b\"")},
		{__LINE__, STR_INIT("a\nb"), STR_INIT("\"a\nb\"")},
		{__LINE__, STR_INIT("a\r"), STR_INIT("\"a\r\"")},
		{__LINE__, STR_INIT("\""), STR_INIT("\"\"\"\"")},
		{__LINE__, STR_INIT("say \"a\"."), STR_INIT("\"say \"\"a\"\".\"")},
		{__LINE__, STR_INIT(" "), STR_INIT("\" \"")},
		{__LINE__, STR_INIT(" a"), STR_INIT("\" a\"")},
		{__LINE__, STR_INIT("a "), STR_INIT("\"a \"")},
		{__LINE__, STR_INIT("NULL"), STR_INIT("\"NULL\"")},
		{__LINE__, STR_INIT("null"), STR_INIT("null")},
		{__LINE__, STR_INIT("123456789012345,"), STR_INIT("\"123456789012345,\"")},
	};
	(void)state;
	struct buf buf;
	buf_init(&buf, 100);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_clear(&buf);
		csv_write_field(&buf, rows[i].text);
		if (!str_equal(buf_str(&buf), rows[i].want)) {
			fail_msg("row of line %d: %.*s", rows[i].line, STR_ARG(buf_str(&buf)));
		}
	}
	buf_finish(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_write),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
