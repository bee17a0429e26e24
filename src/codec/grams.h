/*
 * What an index for substrings is made of: the pieces of four code points of a folded text
 * (like_fold_text()), one from each place, and the three at its end. So every substring of at least
 * four is made of pieces, and one of three is what a piece begins with. Bytes that are not UTF-8
 * are code points of their own.
 *
 * Ownership: plain functions. Threads: all. Errors: none. Limits: GRAMS_ASKED pieces of a question.
 */
#ifndef ROWLOCK_CODEC_GRAMS_H
#define ROWLOCK_CODEC_GRAMS_H

#include "base/buf.h"

enum {
	GRAM_UNITS = 4,
	GRAM_LEAST = 3,
	GRAMS_ASKED = 16,
	GRAMS_ASKED_RUN = 8, /* of one run of letters */
};

/* Returns 0 to go on. */
typedef int grams_call(void *context, struct str gram);

/* Calls for each piece, until it returns something else, which is returned. */
int grams_each(struct str folded, grams_call *call, void *context);

/* What rows are to be asked for, as FTS5 has it: `"abcd" AND "cdef"`. */
struct grams_question {
	struct buf text;
	size_t count;
};

/* Adds pieces that a text holds when it holds this run of at least GRAM_UNITS, folded. Every second
 * piece is enough: each row that is found is looked at anyway. */
void grams_ask(struct grams_question *question, struct str run);
/* The same for a run of GRAM_LEAST: `"abc"*`. */
void grams_ask_short(struct grams_question *question, struct str run);
size_t grams_units(struct str text);

#endif
