/*
 * What the parser of questions and the reader of texts both know: what a word is.
 *
 * Ownership: a token is a part of the text. Threads: plain functions. Errors: none.
 * Limits: WORDS_SPAN.
 */
#ifndef ROWLOCK_CODEC_WORDS_PRIV_H
#define ROWLOCK_CODEC_WORDS_PRIV_H

#include "codec/words.h"

/* The most words from the first of a phrase to its last; PostgreSQL's largest distance. */
enum { WORDS_SPAN = 16384 };

/* A word as it stands in a text. */
struct token {
	struct str text; /* borrowed, as it was written */
	bool ascii;
};

/* The first word at or after *at; *at moves behind it. False when there is none. Bytes that are
 * not UTF-8 stand between words. */
bool words_next(struct str text, size_t *at, struct token *ret_token);
/* A copy in lower case. */
struct str words_lower(struct arena *arena, struct token token);

#endif
