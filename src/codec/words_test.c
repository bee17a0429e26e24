#include "codec/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { TEXT_BYTES = 1 << 16 };

/* A tree as text: `(a & !(b <2> c:*))`. */
static void print(const struct words_node *node, struct buf *buf)
{
	switch (node->kind) {
	case WORDS_AND:
	case WORDS_OR:
		buf_append_byte(buf, '(');
		print(node->children[0], buf);
		buf_append(buf, node->kind == WORDS_AND ? STR(" & ") : STR(" | "));
		print(node->children[1], buf);
		buf_append_byte(buf, ')');
		return;
	case WORDS_NOT:
		buf_append_byte(buf, '!');
		print(node->children[0], buf);
		return;
	case WORDS_PHRASE:
		break;
	}
	buf_append(buf, node->phrase.count > 1 ? STR("(") : STR(""));
	for (size_t i = 0; i < node->phrase.count; i++) {
		const struct word *word = &node->phrase.words[i];
		if (i > 0) {
			buf_printf(buf, " <%u> ", word->distance);
		}
		buf_append(buf, word->text);
		buf_append(buf, word->prefix ? STR(":*") : STR(""));
	}
	buf_append(buf, node->phrase.count > 1 ? STR(")") : STR(""));
}

static bool holds(const struct words_node *node, struct str text)
{
	switch (node->kind) {
	case WORDS_AND:
		return holds(node->children[0], text) && holds(node->children[1], text);
	case WORDS_OR:
		return holds(node->children[0], text) || holds(node->children[1], text);
	case WORDS_NOT:
		return !holds(node->children[0], text);
	case WORDS_PHRASE:
		break;
	}
	return words_contain(&node->phrase, text);
}

static const struct parse_row {
	int line;
	enum words_syntax syntax;
	struct str input;
	const char *want; /* "" for no words */
	enum error_code want_error;
	size_t want_at;
} parse_rows[] = {
	{__LINE__, WORDS_QUERY, {NULL, 0}, ""},
	{__LINE__, WORDS_QUERY, STR_INIT(" \t\n"), ""},
	{__LINE__, WORDS_QUERY, STR_INIT("Fat"), "fat"},
	{__LINE__, WORDS_QUERY, STR_INIT(" fat & cat "), "(fat & cat)"},
	{__LINE__, WORDS_QUERY, STR_INIT("fat&cat|rat"), "((fat & cat) | rat)"},
	{__LINE__, WORDS_QUERY, STR_INIT("a | b & c <-> d"), "(a | (b & (c <1> d)))"},
	{__LINE__, WORDS_QUERY, STR_INIT("(a | b) & c"), "((a | b) & c)"},
	{__LINE__, WORDS_QUERY, STR_INIT("a & b & c & d"), "((a & b) & (c & d))"},
	{__LINE__, WORDS_QUERY, STR_INIT("!cat"), "!cat"},
	{__LINE__, WORDS_QUERY, STR_INIT("!!cat"), "cat"},
	{__LINE__, WORDS_QUERY, STR_INIT("! ! !cat & rat"), "(!cat & rat)"},
	{__LINE__, WORDS_QUERY, STR_INIT("!(a & b)"), "!(a & b)"},
	{__LINE__, WORDS_QUERY, STR_INIT("a <-> b"), "(a <1> b)"},
	{__LINE__, WORDS_QUERY, STR_INIT("a<->b<2>c"), "(a <1> b <2> c)"},
	{__LINE__, WORDS_QUERY, STR_INIT("a <2> (b <3> c)"), "(a <2> b <3> c)"},
	{__LINE__, WORDS_QUERY, STR_INIT("a <016384> b"), "(a <16384> b)"},
	{__LINE__, WORDS_QUERY, STR_INIT("'fat cat' & x"), "((fat <1> cat) & x)"},
	{__LINE__, WORDS_QUERY, STR_INIT("'fat cat':*"), "(fat:* <1> cat:*)"},
	{__LINE__, WORDS_QUERY, STR_INIT("'it''s'"), "(it <1> s)"},
	{__LINE__, WORDS_QUERY, STR_INIT("'it\\'s' | 'a\\\\b'"), "((it <1> s) | (a <1> b))"},
	{__LINE__, WORDS_QUERY, STR_INIT("a\\ b\\&c"), "(a <1> b <1> c)"},
	{__LINE__, WORDS_QUERY, STR_INIT("a\\bc"), "abc"},
	{__LINE__, WORDS_QUERY, STR_INIT("foo-bar_baz,x"), "(foo <1> bar <1> baz <1> x)"},
	{__LINE__, WORDS_QUERY, STR_INIT("a:*&b:"), "(a:* & b)"},
	{__LINE__, WORDS_QUERY, STR_INIT("a:** | a'b"), "(a:* | (a <1> b))"},
	{__LINE__, WORDS_QUERY, STR_INIT("a & '&|!' & b"), "(a & b)"},
	{__LINE__, WORDS_QUERY, STR_INIT("\xc3\x84RGER & \xce\xa9 & x\xcc\x81y & \xd9\xa3"),
	 "((\xc3\xa4rger & \xcf\x89) & (x\xcc\x81y & \xd9\xa3))"},
	{__LINE__, WORDS_QUERY, STR_INIT("\xc8\xba\xc8\xba\xc8\xba"),
	 "\xe2\xb1\xa5\xe2\xb1\xa5\xe2\xb1\xa5"},
	{__LINE__, WORDS_QUERY,
	 STR_INIT("\xe2\x82\xac"
			  "a\xff"
			  "b"),
	 "(a <1> b)"},
	/* Operands without words. */
	{__LINE__, WORDS_QUERY, STR_INIT("%"), ""},
	{__LINE__, WORDS_QUERY, STR_INIT("!(% | $)"), ""},
	{__LINE__, WORDS_QUERY, STR_INIT("% & a | %"), "a"},
	{__LINE__, WORDS_QUERY, STR_INIT("% <-> a"), "a"},
	{__LINE__, WORDS_QUERY, STR_INIT("a <-> %"), "a"},
	{__LINE__, WORDS_QUERY, STR_INIT("a <-> % <-> b"), "(a <2> b)"},
	{__LINE__, WORDS_QUERY, STR_INIT("a <-> (% <5> b)"), "(a <6> b)"},
	{__LINE__, WORDS_QUERY, STR_INIT("(a <3> %) <-> b"), "(a <4> b)"},
	{__LINE__, WORDS_QUERY, STR_INIT("a <-> (% <2> % <3> $) <-> b"), "(a <7> b)"},
	{__LINE__, WORDS_QUERY, STR_INIT("a <-> (b & %)"), "(a <1> b)"},
	{__LINE__, WORDS_QUERY, STR_INIT("a <-> (% <2> % | % <3> %) <-> b"), "(a <5> b)"},
	{__LINE__, WORDS_QUERY, STR_INIT("% <-> (a | b)"), "(a | b)"},
	{__LINE__, WORDS_QUERY, STR_INIT("a <16384> % <16384> %"), "a"},
	/* What is no question. */
	{__LINE__, WORDS_QUERY, STR_INIT("fat cat"), NULL, ERROR_SYNTAX, 4},
	{__LINE__, WORDS_QUERY, STR_INIT("a & "), NULL, ERROR_SYNTAX, 4},
	{__LINE__, WORDS_QUERY, STR_INIT("!"), NULL, ERROR_SYNTAX, 1},
	{__LINE__, WORDS_QUERY, STR_INIT("& a"), NULL, ERROR_SYNTAX, 0},
	{__LINE__, WORDS_QUERY, STR_INIT("a |& b"), NULL, ERROR_SYNTAX, 3},
	{__LINE__, WORDS_QUERY, STR_INIT("(a"), NULL, ERROR_SYNTAX, 2},
	{__LINE__, WORDS_QUERY, STR_INIT("a)"), NULL, ERROR_SYNTAX, 1},
	{__LINE__, WORDS_QUERY, STR_INIT("()"), NULL, ERROR_SYNTAX, 1},
	{__LINE__, WORDS_QUERY, STR_INIT("a(b)"), NULL, ERROR_SYNTAX, 1},
	{__LINE__, WORDS_QUERY, STR_INIT("a !b"), NULL, ERROR_SYNTAX, 2},
	{__LINE__, WORDS_QUERY, STR_INIT("''"), NULL, ERROR_SYNTAX, 0},
	{__LINE__, WORDS_QUERY, STR_INIT("'abc"), NULL, ERROR_SYNTAX, 0},
	{__LINE__, WORDS_QUERY, STR_INIT("'abc\\'"), NULL, ERROR_SYNTAX, 0},
	{__LINE__, WORDS_QUERY, STR_INIT("a\\"), NULL, ERROR_SYNTAX, 0},
	{__LINE__, WORDS_QUERY, STR_INIT(":*"), NULL, ERROR_SYNTAX, 0},
	{__LINE__, WORDS_QUERY, STR_INIT("a :*"), NULL, ERROR_SYNTAX, 2},
	{__LINE__, WORDS_QUERY, STR_INIT("a:x"), NULL, ERROR_SYNTAX, 2},
	{__LINE__, WORDS_QUERY, STR_INIT("a < b"), NULL, ERROR_SYNTAX, 2},
	{__LINE__, WORDS_QUERY, STR_INIT("a <- b"), NULL, ERROR_SYNTAX, 2},
	{__LINE__, WORDS_QUERY, STR_INIT("a <"), NULL, ERROR_SYNTAX, 2},
	{__LINE__, WORDS_QUERY, STR_INIT("a <-1> b"), NULL, ERROR_SYNTAX, 2},
	{__LINE__, WORDS_QUERY, STR_INIT("a <->"), NULL, ERROR_SYNTAX, 5},
	{__LINE__, WORDS_QUERY, STR_INIT("a <16385> b"), NULL, ERROR_SYNTAX, 2},
	{__LINE__, WORDS_QUERY, STR_INIT("a <4294967297> b"), NULL, ERROR_SYNTAX, 2},
	{__LINE__, WORDS_QUERY, STR_INIT("a <16000> b <384> c"), "(a <16000> b <384> c)"},
	{__LINE__, WORDS_QUERY, STR_INIT("a <16000> b <385> c"), NULL, ERROR_SYNTAX, 12},
	{__LINE__, WORDS_QUERY, STR_INIT("a <16384> % <-> b"), NULL, ERROR_SYNTAX, 12},
	{__LINE__, WORDS_QUERY, STR_INIT("a <0> b"), NULL, ERROR_UNSUPPORTED, 2},
	{__LINE__, WORDS_QUERY, STR_INIT("a:A"), NULL, ERROR_UNSUPPORTED, 2},
	{__LINE__, WORDS_QUERY, STR_INIT("'a b':*d"), NULL, ERROR_UNSUPPORTED, 7},
	{__LINE__, WORDS_QUERY, STR_INIT("a <-> (b|c)"), NULL, ERROR_UNSUPPORTED, 2},
	{__LINE__, WORDS_QUERY, STR_INIT("(a & b) <-> c"), NULL, ERROR_UNSUPPORTED, 8},
	{__LINE__, WORDS_QUERY, STR_INIT("!a <-> b"), NULL, ERROR_UNSUPPORTED, 3},
	/* plainto_tsquery */
	{__LINE__, WORDS_PLAIN, {NULL, 0}, ""},
	{__LINE__, WORDS_PLAIN, STR_INIT("% & !"), ""},
	{__LINE__, WORDS_PLAIN, STR_INIT("The Fat & 'Rats:C"), "((the & fat) & (rats & c))"},
	/* phraseto_tsquery */
	{__LINE__, WORDS_PHRASED, {NULL, 0}, ""},
	{__LINE__, WORDS_PHRASED, STR_INIT("(!"), ""},
	{__LINE__, WORDS_PHRASED, STR_INIT("The Fat | Rats:*"), "(the <1> fat <1> rats)"},
	/* websearch_to_tsquery */
	{__LINE__, WORDS_WEB, {NULL, 0}, ""},
	{__LINE__, WORDS_WEB, STR_INIT("Fat cat"), "(fat & cat)"},
	{__LINE__, WORDS_WEB, STR_INIT("\"fat cat\" rat"), "((fat <1> cat) & rat)"},
	{__LINE__, WORDS_WEB, STR_INIT("\"fat cat"), "(fat <1> cat)"},
	{__LINE__, WORDS_WEB, STR_INIT("fat or cat"), "(fat | cat)"},
	{__LINE__, WORDS_WEB, STR_INIT("a b OR c oR -d e"), "((a & b) | (c | (!d & e)))"},
	{__LINE__, WORDS_WEB, STR_INIT("or cat"), "(or & cat)"},
	{__LINE__, WORDS_WEB, STR_INIT("fat or"), "(fat & or)"},
	{__LINE__, WORDS_WEB, STR_INIT("fat or "), "(fat & or)"},
	{__LINE__, WORDS_WEB, STR_INIT("fat or or cat"), "(fat | (or & cat))"},
	{__LINE__, WORDS_WEB, STR_INIT("a or% b"), "(a | b)"},
	{__LINE__, WORDS_WEB, STR_INIT("a or_b"), "(a & (or <1> b))"},
	{__LINE__, WORDS_WEB, STR_INIT("a or-b"), "(a & (or <1> b))"},
	{__LINE__, WORDS_WEB, STR_INIT("a or\"b c\""), "(a | (b <1> c))"},
	{__LINE__, WORDS_WEB, STR_INIT("a or(b)"), "(a | b)"},
	{__LINE__, WORDS_WEB, STR_INIT("a or("), "(a & or)"},
	{__LINE__, WORDS_WEB, STR_INIT("a orb"), "(a & orb)"},
	{__LINE__, WORDS_WEB, STR_INIT("a or ) b"), "(a | b)"},
	{__LINE__, WORDS_WEB, STR_INIT("% or a"), "a"},
	{__LINE__, WORDS_WEB, STR_INIT("a or %"), "a"},
	{__LINE__, WORDS_WEB, STR_INIT("a -or b"), "(a & (!or & b))"},
	{__LINE__, WORDS_WEB, STR_INIT("-fat"), "!fat"},
	{__LINE__, WORDS_WEB, STR_INIT("--fat"), "fat"},
	{__LINE__, WORDS_WEB, STR_INIT("- fat"), "!fat"},
	{__LINE__, WORDS_WEB, STR_INIT("fat -"), "fat"},
	{__LINE__, WORDS_WEB, STR_INIT("-\"fat cat\" -\"\" x"), "(!(fat <1> cat) & x)"},
	{__LINE__, WORDS_WEB, STR_INIT("a (b | c) !d"), "((a & b) & (c & d))"},
	{__LINE__, WORDS_WEB, STR_INIT("a:b"), "(a & b)"},
	{__LINE__, WORDS_WEB, STR_INIT(":-a -:b"), "(a & !b)"},
	{__LINE__, WORDS_WEB, STR_INIT("a) & or b"), "(a | b)"},
	{__LINE__, WORDS_WEB, STR_INIT("a,b c-d"), "((a <1> b) & (c <1> d))"},
	{__LINE__, WORDS_WEB, STR_INIT("'it''s' a\\b"), "((it <1> s) & (a <1> b))"},
	{__LINE__, WORDS_WEB, STR_INIT("a\"b\"c"), "(a & (b & c))"},
	{__LINE__, WORDS_WEB, STR_INIT("a<b \xff\xc3"), "(a & b)"},
};

static void test_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(parse_rows) / sizeof(parse_rows[0]); i++) {
		const struct parse_row *row = &parse_rows[i];
		const struct words_node *node = NULL;
		struct error error = {0};
		struct arena arena;
		struct buf buf;
		arena_init(&arena, 4096);
		buf_init(&buf, TEXT_BYTES);
		bool good = words_parse(row->syntax, row->input, &arena, &node, &error);
		if (good && node != NULL) {
			print(node, &buf);
		}
		if (good != (row->want != NULL) || error.code != row->want_error ||
			error.at != row->want_at || (good && !str_equal(buf_str(&buf), str_from(row->want)))) {
			fail_msg("row of line %d: %.*s %s at %zu", row->line, STR_ARG(buf_str(&buf)),
					 error.message, error.at);
		}
		buf_finish(&buf);
		arena_finish(&arena);
	}
}

static const struct contain_row {
	int line;
	struct str question; /* of to_tsquery */
	struct str text;
	bool want;
} contain_rows[] = {
	{__LINE__, STR_INIT("cat"), {NULL, 0}, false},
	{__LINE__, STR_INIT("cat"), STR_INIT("cat"), true},
	{__LINE__, STR_INIT("cat"), STR_INIT("The CAT."), true},
	{__LINE__, STR_INIT("cat"), STR_INIT("cats concat ca"), false},
	{__LINE__, STR_INIT("cat:*"), STR_INIT("a category"), true},
	{__LINE__, STR_INIT("cat:*"), STR_INIT("a concat"), false},
	{__LINE__, STR_INIT("!cat"), STR_INIT("a dog"), true},
	{__LINE__, STR_INIT("!cat"), STR_INIT("a cat"), false},
	{__LINE__, STR_INIT("fat & rat"), STR_INIT("a rat is fat"), true},
	{__LINE__, STR_INIT("fat & !rat"), STR_INIT("a rat is fat"), false},
	{__LINE__, STR_INIT("fat | rat"), STR_INIT("a rat"), true},
	{__LINE__, STR_INIT("fat <-> rat"), STR_INIT("a fat, rat"), true},
	{__LINE__, STR_INIT("fat <-> rat"), STR_INIT("a fat old rat"), false},
	{__LINE__, STR_INIT("fat <2> rat"), STR_INIT("a fat old rat"), true},
	{__LINE__, STR_INIT("fat <2> rat"), STR_INIT("a fat rat"), false},
	{__LINE__, STR_INIT("rat <-> fat"), STR_INIT("a fat rat"), false},
	/* What begins within itself. */
	{__LINE__, STR_INIT("a <-> a <-> b"), STR_INIT("a a a b"), true},
	{__LINE__, STR_INIT("a <-> b <-> a <-> c"), STR_INIT("a b a b a c"), true},
	{__LINE__, STR_INIT("a <2> a <3> b"), STR_INIT("a a a x x b"), true},
	{__LINE__, STR_INIT("a <2> a <3> b"), STR_INIT("a x a x b b"), true},
	{__LINE__, STR_INIT("a <2> a <3> b"), STR_INIT("a x a x b x"), false},
	{__LINE__, STR_INIT("a <64> b"),
	 STR_INIT("a "
			  "0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 "
			  "0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 "
			  "0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 b"),
	 true},
	{__LINE__, STR_INIT("a <63> b"),
	 STR_INIT("a "
			  "0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 "
			  "0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 "
			  "0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 b"),
	 false},
	/* Above ASCII: letters, cases of another length, marks, what is no letter, bad bytes. */
	{__LINE__, STR_INIT("\xc3\xa4rger"), STR_INIT("der \xc3\x84RGER!"), true},
	{__LINE__, STR_INIT("\xc3\xa4:*"), STR_INIT("der \xc3\x84RGER!"), true},
	{__LINE__, STR_INIT("arger"), STR_INIT("der \xc3\x84RGER!"), false},
	{__LINE__, STR_INIT("rger"), STR_INIT("der \xc3\x84RGER!"), false},
	{__LINE__, STR_INIT("k"), STR_INIT("300 \xe2\x84\xaa"), true},
	{__LINE__, STR_INIT("\xe2\xb1\xa5x"), STR_INIT("\xc8\xbaX"), true},
	{__LINE__, STR_INIT("\xe2\xb1\xa5"), STR_INIT("\xc8\xbaX"), false},
	{__LINE__, STR_INIT("e\xcc\x81t"), STR_INIT("E\xcc\x81T"), true},
	{__LINE__, STR_INIT("t"), STR_INIT("e\xcc\x81t"), false},
	{__LINE__, STR_INIT("\xe0\xa4\xb9\xe0\xa4\xbf\xe0\xa4\xa8"),
	 STR_INIT("\xe0\xa4\xb9\xe0\xa4\xbf\xe0\xa4\xa8"), true},
	{__LINE__, STR_INIT("\xf0\x90\x90\xa8"), STR_INIT("\xf0\x90\x90\x80"), true},
	{__LINE__, STR_INIT("b"),
	 STR_INIT("a\xe2\x80\x94"
			  "b\xf0\x9f\x98\x80"),
	 true},
	{__LINE__, STR_INIT("a <-> b"),
	 STR_INIT("\xff"
			  "a\xe2\x82"
			  "b\xc3"),
	 true},
	{__LINE__, STR_INIT("a <-> b"), STR_INIT("a\0b"), true},
};

static void test_contain(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(contain_rows) / sizeof(contain_rows[0]); i++) {
		const struct contain_row *row = &contain_rows[i];
		const struct words_node *node = NULL;
		struct error error = {0};
		struct arena arena;
		arena_init(&arena, 4096);
		if (!words_parse(WORDS_QUERY, row->question, &arena, &node, &error)) {
			fail_msg("row of line %d: %s", row->line, error.message);
		}
		assert_non_null(node);
		if (holds(node, row->text) != row->want) {
			fail_msg("row of line %d", row->line);
		}
		arena_finish(&arena);
	}
}

static const struct fts5_row {
	int line;
	struct str question; /* of to_tsquery */
	const char *want;    /* NULL: it cannot be said */
} fts5_rows[] = {
	{__LINE__, STR_INIT("Cat"), "\"cat\""},
	{__LINE__, STR_INIT("cat:*"), "\"cat\" *"},
	{__LINE__, STR_INIT("'a fat' <-> cat"), "\"a\" + \"fat\" + \"cat\""},
	{__LINE__, STR_INIT("fat <-> cat:*"), "\"fat\" + \"cat\" *"},
	{__LINE__, STR_INIT("fat:* <-> cat"), NULL},
	{__LINE__, STR_INIT("fat <2> cat"), NULL},
};

static void test_fts5(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(fts5_rows) / sizeof(fts5_rows[0]); i++) {
		const struct fts5_row *row = &fts5_rows[i];
		const struct words_node *node = NULL;
		struct arena arena;
		struct buf buf;
		arena_init(&arena, 4096);
		buf_init(&buf, TEXT_BYTES);
		assert_true(words_parse(WORDS_QUERY, row->question, &arena, &node, NULL));
		bool good = words_write_fts5(&node->phrase, &buf);
		if (good != (row->want != NULL) ||
			!str_equal(buf_str(&buf), good ? str_from(row->want) : STR(""))) {
			fail_msg("row of line %d: %.*s", row->line, STR_ARG(buf_str(&buf)));
		}
		buf_finish(&buf);
		arena_finish(&arena);
	}
}

static size_t tree_depth(const struct words_node *node)
{
	size_t first = node->children[0] == NULL ? 0 : tree_depth(node->children[0]);
	size_t second = node->children[1] == NULL ? 0 : tree_depth(node->children[1]);
	return 1 + (first > second ? first : second);
}

/* The tree of as many words as there may be is flat; one more is refused, in every syntax. */
static void test_most_words(void **state)
{
	(void)state;
	const struct {
		enum words_syntax syntax;
		const char *between;
		size_t want_depth;
	} rows[] = {
		{WORDS_QUERY, "&", 9},  {WORDS_QUERY, "|", 9},   {WORDS_QUERY, "<->", 1},
		{WORDS_PLAIN, " ", 9},  {WORDS_PHRASED, " ", 1}, {WORDS_WEB, " ", 9},
		{WORDS_WEB, " or ", 9}, {WORDS_WEB, ",", 1},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf buf;
		struct arena arena;
		struct error error = {0};
		const struct words_node *node = NULL;
		buf_init(&buf, TEXT_BYTES);
		arena_init(&arena, 4096);
		for (size_t n = 0; n < WORDS_MAX; n++) {
			buf_append(&buf, n > 0 ? str_from(rows[i].between) : STR(""));
			buf_printf(&buf, "%c", (int)('a' + n % 26));
		}
		assert_true(words_parse(rows[i].syntax, buf_str(&buf), &arena, &node, &error));
		assert_int_equal(tree_depth(node), rows[i].want_depth);
		assert_true(holds(node, buf_str(&buf)));
		buf_append(&buf, str_from(rows[i].between));
		buf_append_byte(&buf, 'z');
		assert_false(words_parse(rows[i].syntax, buf_str(&buf), &arena, &node, &error));
		assert_int_equal(error.code, ERROR_TOO_LONG);
		arena_finish(&arena);
		buf_finish(&buf);
	}
}

static void test_depth(void **state)
{
	(void)state;
	for (size_t depth = WORDS_DEPTH; depth <= WORDS_DEPTH + 1; depth++) {
		char text[2 * WORDS_DEPTH + 3];
		struct arena arena;
		struct error error = {0};
		const struct words_node *node = NULL;
		arena_init(&arena, 4096);
		memset(text, '(', depth);
		text[depth] = 'a';
		memset(text + depth + 1, ')', depth);
		bool good = words_parse(WORDS_QUERY, (struct str){text, 2 * depth + 1}, &arena, &node,
								&error);
		assert_int_equal(good, depth == WORDS_DEPTH);
		assert_true(good || (error.code == ERROR_SYNTAX && error.at == WORDS_DEPTH));
		arena_finish(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse), cmocka_unit_test(test_contain),
		cmocka_unit_test(test_fts5),  cmocka_unit_test(test_most_words),
		cmocka_unit_test(test_depth),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
