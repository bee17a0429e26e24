#include "codec/like.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <wctype.h>

#include <cmocka.h>

static const struct row {
	int line;
	struct str pattern;
	struct str text;
	bool like;
	bool ilike;
} rows[] = {
#define ROW(pattern, text, like, ilike)                                                            \
	{                                                                                              \
		__LINE__, STR_INIT(pattern), STR_INIT(text), like, ilike                                   \
	}
	{__LINE__, {NULL, 0}, {NULL, 0}, true, true},
	{__LINE__, STR_INIT("%a%"), {NULL, 0}, false, false},
	{__LINE__, STR_INIT("%"), {NULL, 0}, true, true},
	ROW("", "a", false, false),
	ROW("a", "", false, false),
	ROW("abc", "abc", true, true),
	ROW("abc", "abcd", false, false),
	ROW("abc", "ab", false, false),
	ROW("abc", "aBC", false, true),
	ROW("ABC", "abc", false, true),
	ROW("[@`{", "[@`{", true, true),
	ROW("@", "`", false, false),
	ROW("[", "{", false, false),
	/* Any text. */
	ROW("%", "abc", true, true),
	ROW("%%%", "", true, true),
	ROW("a%", "a", true, true),
	ROW("a%", "abc", true, true),
	ROW("a%", "ba", false, false),
	ROW("%c", "abc", true, true),
	ROW("%c", "c", true, true),
	ROW("%c", "ca", false, false),
	ROW("%b%", "abc", true, true),
	ROW("%B%", "abc", false, true),
	ROW("%ac%", "abc", false, false),
	ROW("a%c", "abbc", true, true),
	ROW("a%a", "a", false, false),
	ROW("ab%ba", "aba", false, false),
	ROW("ab%ba", "abba", true, true),
	ROW("%ab%ba%", "xaba", false, false),
	ROW("%ab%ba%", "xabxbax", true, true),
	ROW("%a%b%c%", "cba", false, false),
	ROW("%a%b%c%", "xaxbxcx", true, true),
	ROW("%aab", "aaab", true, true),
	ROW("%aab%", "aaaab", true, true),
	ROW("a%%b", "ab", true, true),
	ROW("%a%", "a\0b", true, true),
	ROW("%\0b", "a\0b", true, true),
	ROW("%\n%", "a\nb", true, true),
	/* One code point. */
	ROW("_", "a", true, true),
	ROW("_", "", false, false),
	ROW("_", "ab", false, false),
	ROW("__", "ab", true, true),
	ROW("a_c", "abc", true, true),
	ROW("a_c", "ac", false, false),
	ROW("_b_", "abc", true, true),
	ROW("%_", "", false, false),
	ROW("%_", "abc", true, true),
	ROW("_%", "abc", true, true),
	ROW("_%_", "a", false, false),
	ROW("_%_", "ab", true, true),
	ROW("%_b%", "b", false, false),
	ROW("%_b%", "bab", true, true),
	ROW("%_b", "abxb", true, true),
	ROW("%a_c%", "aabbabcc", true, true),
	ROW("_", "\xc3\xa4", true, true),
	ROW("__", "\xc3\xa4", false, false),
	ROW("_", "\xf0\x9f\x98\x80", true, true),
	ROW("a_b",
		"a\xe2\x82\xac"
		"b",
		true, true),
	ROW("%_b",
		"\xe2\x82\xac"
		"b",
		true, true),
	ROW("%__b",
		"\xe2\x82\xac"
		"b",
		false, false),
	/* Escapes. */
	ROW("\\%", "%", true, true),
	ROW("\\%", "a", false, false),
	ROW("\\_", "_", true, true),
	ROW("\\_", "a", false, false),
	ROW("\\\\", "\\", true, true),
	ROW("\\a", "a", true, true),
	ROW("\\A", "a", false, true),
	ROW("\\\xc3\xa4", "\xc3\xa4", true, true),
	ROW("\\", "\\", true, true),
	ROW("%\\", "a\\", true, true),
	ROW("%\\\\%", "a\\b", true, true),
	ROW("100\\%%", "100% of", true, true),
	ROW("100\\%%", "1000", false, false),
	/* Beyond eight bytes. */
	ROW("%needle%", "a long hay stack with one needle in it", true, true),
	ROW("%NEEDLE%", "a long hay stack with one needle in it", false, true),
	ROW("%Needle", "a long hay stack with one n.eedle needle", false, true),
	ROW("%needle%", "a long hay stack with one needl", false, false),
	ROW("%1234567%8%", "------------1234567------8------", true, true),
	/* Case beyond ASCII: one code point for one, accents count. */
	ROW("\xc3\x84rger", "\xc3\xa4RGER", false, true),
	ROW("%\xc3\xa4%", "xx xxxxxxxxx \xc3\x84 x", false, true),
	ROW("%a%", "\xc3\xa4", false, false),
	ROW("%\xd0\x94\xd0\x9e\xd0\x9c%", "\xd0\x92 \xd0\xb4\xd0\xbe\xd0\xbc\xd0\xb5", false, true),
	ROW("\xce\xa3", "\xcf\x83", false, true),       /* capital and small sigma */
	ROW("\xcf\x82", "\xcf\x83", false, false),      /* final and small sigma */
	ROW("\xc3\x9f", "ss", false, false),            /* sharp s */
	ROW("\xe1\xba\x9e", "\xc3\x9f", false, true),   /* capital sharp s; 3 bytes and 2 */
	ROW("%\xc8\xba", "a\xe2\xb1\xa5", false, true), /* A with a stroke; 2 bytes and 3 */
	ROW("%k%", "the Kelvin sign: \xe2\x84\xaa", false, true),
	ROW("\xc4\xb0", "i", false, true), /* I with a dot */
	ROW("%\xc4\xb0\xc4\xb0", "\xc4\xb0iI", false, true),
	/* Bytes that are not UTF-8. */
	ROW("_", "\xc3", true, true),
	ROW("__", "\xc3\xc3", true, true),
	ROW("___", "\xe2\x82x", true, true),
	ROW("%_x", "\xe2\x82x", true, true),
	ROW("%__", "\xa4", false, false),
	ROW("\xc3", "\xc3", true, true),
	ROW("%\xa4%", "\xa4", true, true),
	ROW("%\xa4%", "\xc3\xa4", false, false),
	ROW("\xc3%", "\xc3\xa4", false, false),
	ROW("%\xa4", "\xc3\xa4", false, false),
	ROW("%\xa4", "\xa4\xa4", true, true),
	ROW("\xc3\\\xa4", "\xc3\xa4", false, false),
	ROW("\xc3_", "\xc3\xa4", false, false),
	ROW("\xc3_", "\xc3x", true, true),
};

static void test_rows(void **state)
{
	(void)state;
	struct arena arena;
	arena_init(&arena, 4096);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		const struct like *like = like_create(row->pattern, false, &arena);
		if (like_matches(like, row->text) != row->like) {
			fail_msg("row of line %d: like", row->line);
		}
		if (row->like &&
			(!str_starts_with(row->text, like_prefix(like)) ||
			 (like_prefix_end(like).len > 0 &&
			  str_compare(row->text, like_prefix_end(like)) >= 0))) {
			fail_msg("row of line %d: prefix", row->line);
		}
		like = like_create(row->pattern, true, &arena);
		if (like_matches(like, row->text) != row->ilike) {
			fail_msg("row of line %d: ilike", row->line);
		}
		assert_int_equal(like_prefix(like).len, 0);
	}
	arena_finish(&arena);
}

/* ---- against a simple one ---- */

static bool matches_simply(const char *pattern, const char *text)
{
	switch (*pattern) {
	case '\0':
		return *text == '\0';
	case '%':
		return matches_simply(pattern + 1, text) ||
			(*text != '\0' && matches_simply(pattern, text + 1));
	case '_':
		return *text != '\0' && matches_simply(pattern + 1, text + 1);
	default:
		return *text == *pattern && matches_simply(pattern + 1, text + 1);
	}
}

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 16;
}

/* Up to `most` letters. */
static void make_text(uint32_t *state, const char *letters, size_t most, char *ret_text)
{
	size_t len = next_random(state) % (most + 1);
	for (size_t i = 0; i < len; i++) {
		ret_text[i] = letters[next_random(state) % strlen(letters)];
	}
	ret_text[len] = '\0';
}

static void test_simply(void **state)
{
	enum { MOST_PATTERN = 7, MOST_TEXT = 24, ROUNDS = 200000 };
	(void)state;
	struct arena arena;
	uint32_t random = 1;
	size_t matched = 0;
	arena_init(&arena, 4096);
	for (int i = 0; i < ROUNDS; i++) {
		char pattern[MOST_PATTERN + 1];
		char text[MOST_TEXT + 1];
		make_text(&random, "ab%_", MOST_PATTERN, pattern);
		make_text(&random, "ab", MOST_TEXT, text);
		bool want = matches_simply(pattern, text);
		for (int caseless = 0; caseless < 2; caseless++) {
			const struct like *like = like_create(str_from(pattern), caseless == 1, &arena);
			if (like_matches(like, str_from(text)) != want) {
				fail_msg("'%s' %s '%s'", text, caseless == 1 ? "ilike" : "like", pattern);
			}
		}
		matched += want;
		arena_reset(&arena);
	}
	assert_true(matched > ROUNDS / 20 && matched < ROUNDS / 2);
	arena_finish(&arena);
}

/* ---- the rest ---- */

static void test_prefix(void **state)
{
	static const struct {
		int line;
		struct str pattern;
		struct str want;
		struct str end;
	} prefixes[] = {
		{__LINE__, STR_INIT(""), STR_INIT(""), STR_INIT("")},
		{__LINE__, STR_INIT("%"), STR_INIT(""), STR_INIT("")},
		{__LINE__, STR_INIT("_a"), STR_INIT(""), STR_INIT("")},
		{__LINE__, STR_INIT("%a"), STR_INIT(""), STR_INIT("")},
		{__LINE__, STR_INIT("abc"), STR_INIT("abc"), STR_INIT("abd")},
		{__LINE__, STR_INIT("abc%"), STR_INIT("abc"), STR_INIT("abd")},
		{__LINE__, STR_INIT("ab_c"), STR_INIT("ab"), STR_INIT("ac")},
		{__LINE__, STR_INIT("ab_c_d%e"), STR_INIT("ab"), STR_INIT("ac")},
		{__LINE__, STR_INIT("a\\%b\\_\\\\c%d"), STR_INIT("a%b_\\c"), STR_INIT("a%b_\\d")},
		{__LINE__, STR_INIT("\xc3\xa4%"), STR_INIT("\xc3\xa4"), STR_INIT("\xc3\xa5")},
		{__LINE__, STR_INIT("a\xc3%"), STR_INIT("a\xc3"), STR_INIT("a\xc4")},
		{__LINE__, STR_INIT("a\\"), STR_INIT("a\\"), STR_INIT("a]")},
		{__LINE__, STR_INIT("a\x7f%"), STR_INIT("a\x7f"), STR_INIT("a\x80")},
		{__LINE__, STR_INIT("a\xff\xff%"), STR_INIT("a\xff\xff"), STR_INIT("b")},
		{__LINE__, STR_INIT("\xff%"), STR_INIT("\xff"), STR_INIT("")},
	};
	(void)state;
	struct arena arena;
	arena_init(&arena, 4096);
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		const struct like *like = like_create(prefixes[i].pattern, false, &arena);
		struct str got = like_prefix(like);
		if (!str_equal(got, prefixes[i].want) ||
			!str_equal(like_prefix_end(like), prefixes[i].end)) {
			fail_msg("row of line %d: %.*s", prefixes[i].line, STR_ARG(got));
		}
	}
	arena_finish(&arena);
}

/* The table is what glibc 2.36 has (Unicode 14). A later one may know more, but changes none. */
static void test_fold(void **state)
{
	enum { CHANGED = 1433, MOST_CODE = 0x10ffff };
	(void)state;
	locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	size_t changed = 0;
	for (uint32_t code = 0; code <= MOST_CODE; code++) {
		uint32_t folded = like_fold(code);
		assert_int_equal(like_fold(folded), folded);
		if (folded != code) {
			changed++;
			assert_true(locale == (locale_t)0 || towlower_l(code, locale) == folded);
		}
	}
	assert_int_equal(changed, CHANGED);
	assert_int_equal(like_fold(UINT32_MAX), UINT32_MAX);
	if (locale != (locale_t)0) {
		freelocale(locale);
	}
}

static void test_fold_text(void **state)
{
	static const struct {
		int line;
		struct str text;
		struct str want;
	} texts[] = {
		{__LINE__, {NULL, 0}, STR_INIT("")},
		{__LINE__, STR_INIT("@AZ[`az{"), STR_INIT("@az[`az{")},
		{__LINE__, STR_INIT("\xc3\x84\xe1\xba\x9e\xc8\xba"),
		 STR_INIT("\xc3\xa4\xc3\x9f\xe2\xb1\xa5")},
		{__LINE__, STR_INIT("\xf0\x90\x90\x80"), STR_INIT("\xf0\x90\x90\xa8")},
		{__LINE__, STR_INIT("A\0\xc3\xffZ\xe2\x82"), STR_INIT("a\0\xc3\xffz\xe2\x82")},
	};
	(void)state;
	struct buf buf;
	buf_init(&buf, 100);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		buf_clear(&buf);
		like_fold_text(texts[i].text, &buf);
		if (!str_equal(buf_str(&buf), texts[i].want)) {
			fail_msg("row of line %d: %.*s", texts[i].line, STR_ARG(buf_str(&buf)));
		}
	}
	buf_finish(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),      cmocka_unit_test(test_simply),
		cmocka_unit_test(test_prefix),    cmocka_unit_test(test_fold),
		cmocka_unit_test(test_fold_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
