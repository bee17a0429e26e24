#include "codec/regex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"

static const struct match_row {
	int line;
	struct str pattern;
	bool caseless;
	struct str text;
	enum regex_result want;
} match_rows[] = {
	{__LINE__, {NULL, 0}, false, {NULL, 0}, REGEX_YES},
	{__LINE__, STR_INIT(""), false, STR_INIT("abc"), REGEX_YES},
	{__LINE__, STR_INIT("^$"), false, {NULL, 0}, REGEX_YES},
	{__LINE__, STR_INIT("b"), false, STR_INIT("abc"), REGEX_YES},
	{__LINE__, STR_INIT("^b"), false, STR_INIT("abc"), REGEX_NO},
	{__LINE__, STR_INIT("B"), false, STR_INIT("abc"), REGEX_NO},
	{__LINE__, STR_INIT("B"), true, STR_INIT("abc"), REGEX_YES},
	{__LINE__, STR_INIT("^(a|b)+c{2,}$"), false, STR_INIT("abacc"), REGEX_YES},
	{__LINE__, STR_INIT("^(a|b)+c{2,}$"), false, STR_INIT("abac"), REGEX_NO},
	/* Characters, not bytes. */
	{__LINE__, STR_INIT("^.$"), false, STR_INIT("\xc3\xa4"), REGEX_YES},
	{__LINE__, STR_INIT("^..$"), false, STR_INIT("\xc3\xa4"), REGEX_NO},
	{__LINE__, STR_INIT("[\xc3\xa4\xc3\xb6]"), false, STR_INIT("\xc3\xb6"), REGEX_YES},
	{__LINE__, STR_INIT("\xc3\x84"), true, STR_INIT("\xc3\xa4"), REGEX_YES},
	{__LINE__, STR_INIT("\xc3\x84"), false, STR_INIT("\xc3\xa4"), REGEX_NO},
	{__LINE__, STR_INIT("^\\w+$"), false, STR_INIT("\xc3\xa4\xce\xb1\xe4\xb8\xad"), REGEX_YES},
	{__LINE__, STR_INIT("^[[:alpha:]]$"), false, STR_INIT("\xc3\xa4"), REGEX_YES},
	{__LINE__, STR_INIT("^\\p{Lu}$"), false, STR_INIT("\xc3\x84"), REGEX_YES},
	{__LINE__, STR_INIT("\\x{20ac}"), false, STR_INIT("1 \xe2\x82\xac"), REGEX_YES},
	{__LINE__, STR_INIT("\\bcat\\b"), false, STR_INIT("fat cat"), REGEX_YES},
	{__LINE__, STR_INIT("\\bcat\\b"), false, STR_INIT("cats"), REGEX_NO},
	/* The dot is any character, the dollar the very end. */
	{__LINE__, STR_INIT("^a.b$"), false, STR_INIT("a\nb"), REGEX_YES},
	{__LINE__, STR_INIT("a$"), false, STR_INIT("a\n"), REGEX_NO},
	{__LINE__, STR_INIT("^b"), false, STR_INIT("a\nb"), REGEX_NO},
	{__LINE__, STR_INIT("(?m)^b"), false, STR_INIT("a\nb"), REGEX_YES},
	{__LINE__, STR_INIT("a\\x00b"), false, STR_INIT("a\0b"), REGEX_YES},
	{__LINE__, STR_INIT("a\0b"), false, STR_INIT("a\0b"), REGEX_YES},
	{__LINE__, STR_INIT("(a)\\1"), false, STR_INIT("xaa"), REGEX_YES},
	{__LINE__, STR_INIT("(?<=x)a"), false, STR_INIT("xa"), REGEX_YES},
	{__LINE__, STR_INIT("(?C1)a(?C2)"), false, STR_INIT("a"), REGEX_YES},
	/* Text that is not UTF-8. */
	{__LINE__, STR_INIT("a"), false, STR_INIT("a\xff"), REGEX_NO},
	{__LINE__, STR_INIT(""), false, STR_INIT("\xc3"), REGEX_NO},
	{__LINE__, STR_INIT("(?<=x)a"), false, STR_INIT("\x80xa"), REGEX_NO},
	/* Too much. */
	{__LINE__, STR_INIT("(a+)+$"), false, STR_INIT("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"),
	 REGEX_TOO_COSTLY},
	{__LINE__, STR_INIT("^(a|aa)+$"), false, STR_INIT("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"),
	 REGEX_TOO_COSTLY},
	{__LINE__, STR_INIT("^(a?R|(?R)a)"), false, STR_INIT("b"), REGEX_TOO_COSTLY},
	{__LINE__, STR_INIT("(*LIMIT_MATCH=4000000000)(a+)+$"), false,
	 STR_INIT("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"), REGEX_TOO_COSTLY},
};

static void test_matches(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(match_rows) / sizeof(match_rows[0]); i++) {
		const struct match_row *row = &match_rows[i];
		struct error error = {0};
		struct arena arena;
		arena_init(&arena, 4096);
		const struct regex *regex = regex_compile(row->pattern, row->caseless, &arena, &error);
		if (regex == NULL) {
			fail_msg("row of line %d: %s", row->line, error.message);
		}
		/* Twice: a match leaves nothing behind. */
		for (int n = 0; n < 2; n++) {
			enum regex_result got = regex_matches(regex, row->text);
			if (got != row->want) {
				fail_msg("row of line %d: %d", row->line, (int)got);
			}
		}
		arena_finish(&arena);
	}
}

static const struct error_row {
	int line;
	struct str pattern;
	size_t want_at;
} error_rows[] = {
	{__LINE__, STR_INIT("a("), 2},     {__LINE__, STR_INIT("a)b"), 1},
	{__LINE__, STR_INIT("*"), 0},      {__LINE__, STR_INIT("[a"), 2},
	{__LINE__, STR_INIT("ab\\"), 3},   {__LINE__, STR_INIT("[b-a]"), 3},
	{__LINE__, STR_INIT("a\xff"), 1},  {__LINE__, STR_INIT("(?<=a+)b"), 0},
	{__LINE__, STR_INIT("a\\Cb"), 3},  {__LINE__, STR_INIT("\\p{Nothing}"), 11},
	{__LINE__, STR_INIT("(a)\\2"), 4},
};

static void test_errors(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(error_rows) / sizeof(error_rows[0]); i++) {
		const struct error_row *row = &error_rows[i];
		struct error error = {0};
		struct arena arena;
		arena_init(&arena, 4096);
		const struct regex *regex = regex_compile(row->pattern, false, &arena, &error);
		if (regex != NULL || error.code != ERROR_REGEX || error.at != row->want_at) {
			fail_msg("row of line %d: %zu %s", row->line, error.at, error.message);
		}
		arena_finish(&arena);
	}
}

static void test_pattern_limits(void **state)
{
	(void)state;
	char pattern[REGEX_PATTERN_BYTES + 1];
	struct error error = {0};
	struct arena arena;
	arena_init(&arena, 4096);
	memset(pattern, 'a', sizeof(pattern));
	assert_non_null(
		regex_compile((struct str){pattern, REGEX_PATTERN_BYTES}, false, &arena, &error));
	assert_null(
		regex_compile((struct str){pattern, REGEX_PATTERN_BYTES + 1}, false, &arena, &error));
	assert_int_equal(error.code, ERROR_REGEX);
	assert_int_equal(error.at, REGEX_PATTERN_BYTES);

	/* Groups in groups. */
	for (size_t depth = 100; depth <= 101; depth++) {
		memset(pattern, '(', depth);
		memset(pattern + depth, ')', depth);
		const struct regex *regex = regex_compile((struct str){pattern, 2 * depth}, false, &arena,
												  &error);
		assert_int_equal(regex != NULL, depth == 100);
	}
	/* A pattern that is short and would be large. */
	assert_null(regex_compile(STR("(((a{1,999}){1,999}){1,999}){1,999}"), false, &arena, &error));
	assert_int_equal(error.code, ERROR_REGEX);
	arena_finish(&arena);
}

/* Steps that are few but long, or few at each of many places, end too. */
static void test_time(void **state)
{
	(void)state;
	enum { LONG = 1 << 20, MOST_MS = 5000 };
	static char text[LONG];
	const char *patterns[] = {"\\w+\\s", "(?:[ab]*c|a)*+d|\\W", "(a+)+\\W", "(.)(.*)\\2\\1\\W",
							  "(?=.*b)a"};
	memset(text, 'a', sizeof(text));
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		struct arena arena;
		arena_init(&arena, 4096);
		const struct regex *regex = regex_compile(str_from(patterns[i]), false, &arena, NULL);
		assert_non_null(regex);
		uint64_t begin_ns = clock_system.monotonic_ns(&clock_system);
		enum regex_result result = regex_matches(regex, (struct str){text, sizeof(text)});
		uint64_t ms = (clock_system.monotonic_ns(&clock_system) - begin_ns) / 1000000;
		if (result == REGEX_YES || ms > MOST_MS) {
			fail_msg("%s: %d after %llu ms", patterns[i], (int)result, (unsigned long long)ms);
		}
		arena_finish(&arena);
	}
}

/* Many groups make large frames: more than the stack has room for, and more than the limit. */
static void test_heap(void **state)
{
	(void)state;
	char pattern[REGEX_PATTERN_BYTES];
	const struct {
		size_t groups;
		enum regex_result want;
	} rows[] = {{10, REGEX_YES}, {100, REGEX_YES}, {400, REGEX_TOO_COSTLY}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena arena;
		struct str text = STR("aaaaab");
		arena_init(&arena, 4096);
		for (size_t n = 0; n < rows[i].groups; n++) {
			memcpy(pattern + 3 * n, "()?", 3);
		}
		memcpy(pattern + 3 * rows[i].groups, "(a|b)+$", 7);
		const struct regex *regex = regex_compile((struct str){pattern, 3 * rows[i].groups + 7},
												  false, &arena, NULL);
		assert_non_null(regex);
		assert_int_equal(regex_matches(regex, text), rows[i].want);
		arena_finish(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matches),        cmocka_unit_test(test_errors),
		cmocka_unit_test(test_pattern_limits), cmocka_unit_test(test_time),
		cmocka_unit_test(test_heap),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
