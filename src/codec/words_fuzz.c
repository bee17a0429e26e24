/*
 * The first line is a question, the rest a text. In each syntax: only to_tsquery may find the
 * question malformed, the tree keeps its promises, and each phrase of it is found in the text
 * exactly when a search word by word finds it.
 */
#include <assert.h>
#include <stdint.h>

#include "codec/utf8.h"
#include "codec/words_priv.h"

/* Parentheses, each around a balanced tree of | of balanced trees of & of negations. */
enum { TEXT_WORDS = 4096, TREE_DEPTH = (WORDS_DEPTH + 1) * (9 + 9 + 2), MOST_BYTES = 1 << 24 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct text {
	struct str text;
	struct str words[TEXT_WORDS]; /* arena, in lower case */
	size_t count;
};

static bool stands_at(const struct phrase *phrase, const struct text *text, size_t at)
{
	for (size_t i = 0; i < phrase->count; i++) {
		const struct word *word = &phrase->words[i];
		at += word->distance;
		if (at >= text->count) {
			return false;
		}
		bool fits = word->prefix ? str_starts_with(text->words[at], word->text)
								 : str_equal(text->words[at], word->text);
		if (!fits) {
			return false;
		}
	}
	return true;
}

static void check_phrase(const struct phrase *phrase, const struct text *text)
{
	struct buf buf;
	bool found = false;
	assert(phrase->count > 0 && phrase->count <= WORDS_MAX);
	for (size_t i = 0; i < phrase->count; i++) {
		const struct word *word = &phrase->words[i];
		assert(word->text.len > 0 && utf8_check(word->text) == word->text.len);
		assert((i == 0) == (word->distance == 0));
	}
	for (size_t at = 0; at < text->count && !found; at++) {
		found = stands_at(phrase, text, at);
	}
	assert(words_contain(phrase, text->text) == found);
	buf_init(&buf, MOST_BYTES);
	assert(words_write_fts5(phrase, &buf) == (buf.len > 0));
	buf_finish(&buf);
}

static void check_tree(const struct words_node *node, const struct text *text, size_t depth)
{
	assert(node != NULL && depth < TREE_DEPTH);
	if (node->kind == WORDS_PHRASE) {
		check_phrase(&node->phrase, text);
		return;
	}
	check_tree(node->children[0], text, depth + 1);
	if (node->kind != WORDS_NOT) {
		check_tree(node->children[1], text, depth + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum words_syntax syntaxes[] = {WORDS_QUERY, WORDS_PLAIN, WORDS_PHRASED,
												 WORDS_WEB};
	struct arena arena;
	struct str rest = {(const char *)data, size};
	arena_init(&arena, 4096);
	struct str question = str_split(&rest, '\n');
	struct text *text = ARENA_NEW(&arena, struct text);
	struct token token;
	size_t at = 0;
	while (text->count < TEXT_WORDS && words_next(rest, &at, &token)) {
		text->words[text->count++] = words_lower(&arena, token);
	}
	text->text = str_slice(rest, 0, at);
	for (size_t i = 0; i < sizeof(syntaxes) / sizeof(syntaxes[0]); i++) {
		const struct words_node *node;
		struct error error = {0};
		if (!words_parse(syntaxes[i], question, &arena, &node, &error)) {
			assert(syntaxes[i] == WORDS_QUERY || error.code == ERROR_TOO_LONG);
			assert(error.code != ERROR_NONE && error.at <= question.len);
		} else if (node != NULL) {
			check_tree(node, text, 0);
		}
	}
	arena_finish(&arena);
	return 0;
}
