#include "codec/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "codec/number.h"

static const struct string_row {
	int line;
	struct str text;
	const char *want;
} string_rows[] = {
	{__LINE__, {NULL, 0}, "\"\""},
	{__LINE__, STR_INIT(""), "\"\""},
	{__LINE__, STR_INIT("a"), "\"a\""},
	{__LINE__, STR_INIT("1234"), "\"1234\""},
	{__LINE__, STR_INIT("1234567"), "\"1234567\""},
	{__LINE__, STR_INIT("12345678"), "\"12345678\""},
	{__LINE__, STR_INIT("1234567890123456"), "\"1234567890123456\""},
	{__LINE__, STR_INIT("12345678901234567"), "\"12345678901234567\""},
	{__LINE__, STR_INIT("\"\\/"), "\"\\\"\\\\/\""},
	{__LINE__, STR_INIT("\b\f\n\r\t"), "\"\\b\\f\\n\\r\\t\""},
	{__LINE__, STR_INIT("\0\x01\x1f\x7f"), "\"\\u0000\\u0001\\u001f\x7f\""},
	{__LINE__, STR_INIT("123456\n"), "\"123456\\n\""},
	{__LINE__, STR_INIT("12345678901234\n"), "\"12345678901234\\n\""},
	{__LINE__, STR_INIT("\n234567890123456789"), "\"\\n234567890123456789\""},
	{__LINE__, STR_INIT("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"),
	 "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\""},
	{__LINE__, STR_INIT("1234567\xc3\xa4 and more"), "\"1234567\xc3\xa4 and more\""},
	{__LINE__, STR_INIT("\x80"), "\"\xef\xbf\xbd\""},
	{__LINE__, STR_INIT("a\xffz"), "\"a\xef\xbf\xbdz\""},
	{__LINE__, STR_INIT("a\xc3"), "\"a\xef\xbf\xbd\""},
	{__LINE__, STR_INIT("\xc0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\""},
	{__LINE__, STR_INIT("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
};

static void test_strings(void **state)
{
	(void)state;
	struct buf buf;
	buf_init(&buf, 1000);
	for (size_t i = 0; i < sizeof(string_rows) / sizeof(string_rows[0]); i++) {
		const struct string_row *row = &string_rows[i];
		buf_clear(&buf);
		json_write_string(&buf, row->text);
		if (!str_equal(buf_str(&buf), str_from(row->want))) {
			fail_msg("row of line %d: %.*s", row->line, STR_ARG(buf_str(&buf)));
		}
	}
	buf_finish(&buf);
}

/* Every byte at every place of texts of every small length reads back as it was. */
static void test_strings_read_back(void **state)
{
	(void)state;
	struct buf buf;
	struct arena arena;
	struct json_reader reader;
	char text[24];
	buf_init(&buf, 1000);
	arena_init(&arena, 1024);
	for (size_t len = 1; len <= sizeof(text); len++) {
		for (size_t at = 0; at < len; at++) {
			for (int byte = 0; byte < 128; byte++) {
				memset(text, 'x', sizeof(text));
				text[at] = (char)byte;
				buf_clear(&buf);
				json_write_string(&buf, (struct str){text, len});
				json_reader_init(&reader, buf_str(&buf), 1, &arena);
				assert_int_equal(json_next(&reader), JSON_STRING);
				assert_true(str_equal(reader.text, (struct str){text, len}));
				assert_int_equal(json_next(&reader), JSON_END);
				arena_reset(&arena);
			}
		}
	}
	arena_finish(&arena);
	buf_finish(&buf);
}

static void test_string_at_the_maximum(void **state)
{
	static const char *const texts[] = {"abc", "abcdefghij", "a\nb", "\xff"};
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct buf buf;
		buf_init(&buf, 100);
		json_write_string(&buf, str_from(texts[i]));
		size_t needed = buf.len;
		buf_finish(&buf);
		buf_init(&buf, needed);
		json_write_string(&buf, str_from(texts[i]));
		assert_false(buf.failed);
		assert_int_equal(buf.len, needed);
		buf_finish(&buf);
		buf_init(&buf, needed - 1);
		json_write_string(&buf, str_from(texts[i]));
		assert_true(buf.failed);
		buf_finish(&buf);
	}
}

static const struct double_row {
	int line;
	double number;
	const char *want;
} double_rows[] = {
	{__LINE__, 0.0, "0"},
	{__LINE__, -0.0, "-0"},
	{__LINE__, 1, "1"},
	{__LINE__, -17, "-17"},
	{__LINE__, 0.1, "0.1"},
	{__LINE__, -2.5, "-2.5"},
	{__LINE__, 0.1 + 0.2, "0.30000000000000004"},
	{__LINE__, 1.0 / 3, "0.3333333333333333"},
	{__LINE__, 1e14, "100000000000000"},
	{__LINE__, 999999999999999, "999999999999999"},
	{__LINE__, 1e15, "1e+15"},
	{__LINE__, 9007199254740993.0, "9007199254740992"},
	{__LINE__, 1e20, "1e+20"},
	{__LINE__, 1e-7, "1e-07"},
	{__LINE__, 5e-324, "5e-324"},
	{__LINE__, 2.2250738585072014e-308, "2.2250738585072014e-308"},
	{__LINE__, 1.7976931348623157e308, "1.7976931348623157e+308"},
	{__LINE__, (double)NAN, "null"},
	{__LINE__, (double)INFINITY, "null"},
	{__LINE__, -(double)INFINITY, "null"},
};

static void test_doubles(void **state)
{
	(void)state;
	struct buf buf;
	buf_init(&buf, 100);
	for (size_t i = 0; i < sizeof(double_rows) / sizeof(double_rows[0]); i++) {
		const struct double_row *row = &double_rows[i];
		buf_clear(&buf);
		json_write_double(&buf, row->number);
		if (!str_equal(buf_str(&buf), str_from(row->want))) {
			fail_msg("row of line %d: %.*s", row->line, STR_ARG(buf_str(&buf)));
		}
	}
	buf_finish(&buf);
}

static void test_doubles_read_back(void **state)
{
	(void)state;
	struct buf buf;
	uint64_t random = 7;
	buf_init(&buf, 100);
	for (int i = 0; i < 50000; i++) {
		random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		/* Random bits are every kind of double; their high half alone has few digits. */
		uint64_t bits = i % 2 == 0 ? random : random & UINT64_C(0xffffffff00000000);
		double number;
		double again;
		memcpy(&number, &bits, sizeof(number));
		if (!isfinite(number)) {
			continue;
		}
		buf_clear(&buf);
		json_write_double(&buf, number);
		assert_int_equal(number_parse_double(buf_str(&buf), &again), NUMBER_OK);
		assert_memory_equal(&number, &again, sizeof(number));
	}
	buf_finish(&buf);
}

static void test_minified(void **state)
{
	static const char *const rows[][2] = {
		{"", ""},
		{" 1 ", "1"},
		{"{ \"a b\" :\t[ 1 ,\r\n2 ] }", "{\"a b\":[1,2]}"},
		{"[\" \\\" \" , \"\\\\\" , 3 ]", "[\" \\\" \",\"\\\\\",3]"},
		{"[true,\n\tfalse,\n\tnull]", "[true,false,null]"},
	};
	(void)state;
	struct buf buf;
	buf_init(&buf, 100);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_clear(&buf);
		json_write_minified(&buf, str_from(rows[i][0]));
		assert_true(str_equal(buf_str(&buf), str_from(rows[i][1])));
	}
	buf_finish(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_strings_read_back),
		cmocka_unit_test(test_string_at_the_maximum),
		cmocka_unit_test(test_doubles),
		cmocka_unit_test(test_doubles_read_back),
		cmocka_unit_test(test_minified),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
