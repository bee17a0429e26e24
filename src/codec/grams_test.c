#include "codec/grams.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/like.h"

static int collect(void *context, struct str gram)
{
	struct buf *buf = context;
	buf_append(buf, buf->len > 0 ? STR("|") : STR(""));
	buf_append(buf, gram);
	return str_equal(gram, STR("stop")) ? 7 : 0;
}

static const struct {
	int line;
	struct str text;
	const char *want;
	int want_result;
} rows[] = {
	{__LINE__, STR_INIT(""), "", 0},
	{__LINE__, STR_INIT("ab"), "", 0},
	{__LINE__, STR_INIT("abc"), "abc", 0},
	{__LINE__, STR_INIT("abcd"), "abcd|bcd", 0},
	{__LINE__, STR_INIT("abcdef"), "abcd|bcde|cdef|def", 0},
	{__LINE__, STR_INIT("a\u00fc\u20ac\U0001f600z"),
	 "a\u00fc\u20ac\U0001f600|\u00fc\u20ac\U0001f600z|\u20ac\U0001f600z", 0},
	{__LINE__,
	 STR_INIT("a\xff\xfe"
			  "b"),
	 "a\xff\xfe"
	 "b|\xff\xfe"
	 "b",
	 0},
	{__LINE__, STR_INIT("\xe2\x82"), "", 0},
	{__LINE__, STR_INIT("stopped"), "stop", 7},
};

static void test_each(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf buf;
		buf_init(&buf, SIZE_MAX);
		int result = grams_each(rows[i].text, collect, &buf);
		if (result != rows[i].want_result || !str_equal(buf_str(&buf), str_from(rows[i].want))) {
			fail_msg("line %d: %d %.*s", rows[i].line, result, STR_ARG(buf_str(&buf)));
		}
		buf_finish(&buf);
	}
}

static const struct {
	int line;
	const char *pattern;
	const char *want;
} questions[] = {
	{__LINE__, "", ""},
	{__LINE__, "%", ""},
	{__LINE__, "%ab%", ""},
	{__LINE__, "%ab%cd_ef%", ""},
	{__LINE__, "%abc%", "\"abc\"*"},
	{__LINE__, "abc", "\"abc\"*"},
	{__LINE__, "%ab%cde%fgh%", "\"cde\"*"},
	{__LINE__, "%abc%defg%", "\"defg\""},
	{__LINE__, "%abcd%", "\"abcd\""},
	{__LINE__, "%abcde%", "\"abcd\" AND \"bcde\""},
	{__LINE__, "%abcdef%", "\"abcd\" AND \"cdef\""},
	{__LINE__, "abcd_efgh", "\"abcd\" AND \"efgh\""},
	{__LINE__, "%a\\%\\_\\\\%", "\"a%_\\\""},
	{__LINE__, "%a\"b\"%", "\"a\"\"b\"\"\""},
	{__LINE__, "%\u0130STAN%", "\"ista\" AND \"stan\""},
	{__LINE__, "%\u212aELVIN%", "\"kelv\" AND \"lvin\""},
	{__LINE__, "%\u00dcBER%", "\"\u00fcber\""},
	{__LINE__,
	 "%\xff"
	 "ABC%",
	 "\"\xff"
	 "abc\""},
	/* Eight of a run, sixteen of all. */
	{__LINE__, "%0123456789abcdefgh%",
	 "\"0123\" AND \"2345\" AND \"4567\" AND \"6789\" AND \"89ab\" AND \"abcd\" AND \"cdef\" AND "
	 "\"efgh\""},
	{__LINE__, "%0123456789abcdefghi%",
	 "\"0123\" AND \"2345\" AND \"4567\" AND \"6789\" AND \"89ab\" AND \"abcd\" AND \"cdef\" AND "
	 "\"efgh\""},
	{__LINE__,
	 "aaaa%bbbb%cccc%dddd%eeee%ffff%gggg%hhhh%iiii%jjjj%kkkk%llll%mmmm%nnnn%oooo%pppp%qqqq",
	 "\"aaaa\" AND \"bbbb\" AND \"cccc\" AND \"dddd\" AND \"eeee\" AND \"ffff\" AND \"gggg\" AND "
	 "\"hhhh\" AND \"iiii\" AND \"jjjj\" AND \"kkkk\" AND \"llll\" AND \"mmmm\" AND \"nnnn\" AND "
	 "\"oooo\" AND \"pppp\""},
};

/* Both operators ask for the folded text. */
static void test_questions(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
		struct arena arena;
		arena_init(&arena, 4096);
		for (int caseless = 0; caseless < 2; caseless++) {
			struct str text = like_grams(
				like_create(str_from(questions[i].pattern), caseless == 1, &arena));
			if (!str_equal(text, str_from(questions[i].want))) {
				fail_msg("line %d: %.*s", questions[i].line, STR_ARG(text));
			}
		}
		arena_finish(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each),
		cmocka_unit_test(test_questions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
