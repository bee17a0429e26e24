/*
 * Full text as the configuration `simple` has it: a text is a row of words, runs of letters and
 * digits (and marks) in lower case; there are no stop words and no stems. The questions are those
 * of to_tsquery (fts), plainto_tsquery (plfts), phraseto_tsquery (phfts) and websearch_to_tsquery
 * (wfts).
 *
 * Ownership: trees are arena. Threads: plain functions.
 * Errors: ERROR_SYNTAX (42601: syntax error in tsquery) and ERROR_UNSUPPORTED (weights, <0>, &, |
 * and ! beside <->) for fts alone; the other three take any text. ERROR_TOO_LONG for all four.
 * Limits: WORDS_MAX words in a question, WORDS_DEPTH of nesting, 16,384 words from the first of a
 * phrase to its last.
 */
#ifndef ROWLOCK_CODEC_WORDS_H
#define ROWLOCK_CODEC_WORDS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

enum { WORDS_MAX = 256, WORDS_DEPTH = 32 };

/* One word of a phrase. */
struct word {
	struct str text;   /* lower case */
	bool prefix;       /* `cat:*`: every word that begins so */
	uint32_t distance; /* words from the one before it, at least 1; of the first word 0 */
};

/* Words at these distances from each other, anywhere in a text. */
struct phrase {
	const struct word *words;
	size_t count; /* at least 1 */
};

enum words_kind { WORDS_AND, WORDS_OR, WORDS_NOT, WORDS_PHRASE };
enum words_syntax { WORDS_QUERY, WORDS_PLAIN, WORDS_PHRASED, WORDS_WEB };

struct words_node {
	enum words_kind kind;
	const struct words_node *children[2]; /* AND, OR: both; NOT: the first */
	struct phrase phrase;
};

/* *ret_node is NULL when the question holds no word: it matches nothing. */
bool words_parse(enum words_syntax syntax, struct str text, struct arena *arena,
				 const struct words_node **ret_node, struct error *error);
/* Does the text hold the phrase? */
bool words_contain(const struct phrase *phrase, struct str text);
/* What words consist of, above ASCII: code points where a run of letters, digits and marks begins,
 * where it has ended, and so on. */
const uint32_t *words_edges(size_t *ret_count);
/* The phrase in FTS5's query language, e.g. `"fat" + "cat" *`. False when it cannot be said there:
 * distances other than 1, or a prefix that is not the last word. */
bool words_write_fts5(const struct phrase *phrase, struct buf *buf);

#endif
