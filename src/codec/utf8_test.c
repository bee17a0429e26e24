#include "codec/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static const struct row {
	int line;
	struct str text;
	size_t check;  /* text.len when it is well-formed */
	size_t length; /* code points of the well-formed part */
} rows[] = {
	{__LINE__, {NULL, 0}, 0, 0},
	{__LINE__, STR_INIT(""), 0, 0},
	{__LINE__, STR_INIT("a\0b"), 3, 3},
	{__LINE__, STR_INIT("12345678"), 8, 8},
	{__LINE__, STR_INIT("123456789"), 9, 9},
	{__LINE__, STR_INIT("\xc2\x80\xdf\xbf"), 4, 2},
	{__LINE__, STR_INIT("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"), 12, 4},
	{__LINE__, STR_INIT("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"), 8, 2},
	{__LINE__,
	 STR_INIT("1234567\xe2\x82\xac"
			  "89 and more"),
	 21, 19},
	{__LINE__, STR_INIT("12345678\x80"), 8, 8},
	{__LINE__,
	 STR_INIT("123\xff"
			  "5678"),
	 3, 3},
	{__LINE__, STR_INIT("\xc1\xbf"), 0, 0},
	{__LINE__, STR_INIT("a\xc3"), 1, 1},
	{__LINE__,
	 STR_INIT("a\xc3"
			  "a"),
	 1, 1},
	{__LINE__, STR_INIT("\xe0\x9f\xbf"), 0, 0},
	{__LINE__, STR_INIT("\xe2\x82"), 0, 0},
	{__LINE__,
	 STR_INIT("\xe2\x82"
			  "a"),
	 0, 0},
	{__LINE__, STR_INIT("\xed\xa0\x80"), 0, 0},
	{__LINE__, STR_INIT("\xf0\x8f\xbf\xbf"), 0, 0},
	{__LINE__, STR_INIT("\xf0\x9f\x98"), 0, 0},
	{__LINE__, STR_INIT("\xf0\x9f\x98z"), 0, 0},
	{__LINE__, STR_INIT("\xf4\x90\x80\x80"), 0, 0},
	{__LINE__, STR_INIT("\xf5\x80\x80\x80"), 0, 0},
	{__LINE__, STR_INIT("\xf8\x88\x80\x80\x80"), 0, 0},
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		size_t check = utf8_check(row->text);
		if (check != row->check || utf8_length(str_slice(row->text, 0, check)) != row->length) {
			fail_msg("row of line %d: %zu", row->line, check);
		}
	}
}

/* All code points are written and read, in the order of their bytes; no prefix is accepted. */
static void test_all_code_points(void **state)
{
	(void)state;
	char bytes[4];
	size_t last = 0;
	char last_bytes[4] = {0};
	for (uint32_t code = 0; code <= 0x10ffff; code++) {
		if (code == 0xd800) {
			code = 0xe000;
		}
		size_t len = utf8_write(bytes, code);
		struct str text = {bytes, len};
		assert_int_equal(utf8_check(text), len);
		assert_int_equal(utf8_sequence(text, 0), len);
		assert_int_equal(utf8_length(text), 1);
		assert_true(code == 0 || str_compare((struct str){last_bytes, last}, text) < 0);
		for (size_t shorter = 1; shorter < len; shorter++) {
			assert_int_equal(utf8_sequence((struct str){bytes, shorter}, 0), 0);
		}
		last = len;
		memcpy(last_bytes, bytes, sizeof(bytes));
	}
}

/* Of all texts of two and three bytes as many are well-formed as there are code points of them. */
static void test_nothing_else(void **state)
{
	(void)state;
	size_t two = 0;
	size_t three = 0;
	for (uint32_t n = 0x800000; n <= 0xffffff; n++) {
		const char bytes[] = {(char)(unsigned char)(n >> 16), (char)(unsigned char)(n >> 8),
							  (char)(unsigned char)n};
		three += utf8_sequence((struct str){bytes, 3}, 0) == 3;
		two += (n & 0xff) == 0 && utf8_sequence((struct str){bytes, 2}, 0) == 2;
	}
	assert_int_equal(two, 0x800 - 0x80);
	assert_int_equal(three, 0x10000 - 0x800 - 0x800);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_all_code_points),
		cmocka_unit_test(test_nothing_else),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
