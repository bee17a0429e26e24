#include "codec/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct row {
	int line;
	struct str text;
	struct str bytes;
} rows[] = {
	/* RFC 4648, 10, without the padding. */
	{__LINE__, STR_INIT(""), STR_INIT("")},
	{__LINE__, STR_INIT("Zg"), STR_INIT("f")},
	{__LINE__, STR_INIT("Zm8"), STR_INIT("fo")},
	{__LINE__, STR_INIT("Zm9v"), STR_INIT("foo")},
	{__LINE__, STR_INIT("Zm9vYg"), STR_INIT("foob")},
	{__LINE__, STR_INIT("Zm9vYmE"), STR_INIT("fooba")},
	{__LINE__, STR_INIT("Zm9vYmFy"), STR_INIT("foobar")},
	{__LINE__, STR_INIT("-_-_"), STR_INIT("\xfb\xff\xbf")},
	{__LINE__, STR_INIT("AAAA"), STR_INIT("\0\0\0")},
	{__LINE__, STR_INIT("_w"), STR_INIT("\xff")},
	{__LINE__, STR_INIT("__8"), STR_INIT("\xff\xff")},
};

static void test_both_ways(void **state)
{
	(void)state;
	struct arena arena;
	struct buf buf;
	arena_init(&arena, 1024);
	buf_init(&buf, 1000);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str bytes;
		buf_clear(&buf);
		base64url_write(&buf, rows[i].bytes);
		if (!str_equal(buf_str(&buf), rows[i].text) ||
			!base64url_decode(rows[i].text, &arena, &bytes) || !str_equal(bytes, rows[i].bytes)) {
			fail_msg("row of line %d", rows[i].line);
		}
	}
	char all[256];
	for (size_t i = 0; i < sizeof(all); i++) {
		all[i] = (char)(unsigned char)i;
	}
	for (size_t len = 0; len <= sizeof(all); len++) {
		struct str bytes;
		buf_clear(&buf);
		base64url_write(&buf, (struct str){all, len});
		assert_true(base64url_decode(buf_str(&buf), &arena, &bytes));
		assert_true(str_equal(bytes, (struct str){all, len}));
	}
	buf_finish(&buf);
	arena_finish(&arena);
}

static void test_refused(void **state)
{
	static const struct str bad[] = {
		STR_INIT("Z"),
		STR_INIT("Zm9vY"),
		STR_INIT("Zg=="),
		STR_INIT("Zm8="),
		STR_INIT("Zm9v\n"),
		STR_INIT(" Zm9v"),
		STR_INIT("Zm+v"),
		STR_INIT("Zm/v"),
		STR_INIT("Zm\0v"),
		STR_INIT("Zm\xc3v"),
		/* Bits behind the last byte. */
		STR_INIT("Zh"),
		STR_INIT("Zm9"),
		STR_INIT("__9"),
		STR_INIT("_x"),
	};
	(void)state;
	struct arena arena;
	arena_init(&arena, 1024);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct str bytes;
		if (base64url_decode(bad[i], &arena, &bytes)) {
			fail_msg("accepted: %.*s", STR_ARG(bad[i]));
		}
	}
	arena_finish(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
