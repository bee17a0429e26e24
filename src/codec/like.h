/*
 * The patterns of like and ilike: `%` is any text, `_` one code point, a backslash takes the next
 * one as it stands. ilike compares both sides in simple lower case (one code point for one, as
 * Unicode has it; accents count).
 *
 * Ownership: plain functions. Threads: all. Errors: none. Limits: none; time is bounded by the
 * product of both lengths (two pointers, no recursion).
 */
#ifndef ROWLOCK_CODEC_LIKE_H
#define ROWLOCK_CODEC_LIKE_H

#include "base/arena.h"
#include "base/buf.h"

/* A pattern taken apart once, for many texts. */
struct like;

/* `caseless` is ilike. A backslash at the end stands for itself. Lives in the arena. */
const struct like *like_create(struct str pattern, bool caseless, struct arena *arena);
/* Bytes that are not UTF-8 are code points of their own. */
bool like_matches(const struct like *like, struct str text);
/* What every text that matches begins with; "" when the pattern begins with a wildcard or is
 * caseless. A range over an index: prefix <= text < like_prefix_end(). */
struct str like_prefix(const struct like *like);
/* The least text, bytewise, that is greater than all that begin with the prefix; "" when there is
 * none or no prefix. It may be no UTF-8. */
struct str like_prefix_end(const struct like *like);
/* What every text that matches holds, as a question to an index of grams (codec/grams.h) in FTS5's
 * words; "" when no part between wildcards has three code points. */
struct str like_grams(const struct like *like);
/* Simple lower case of one code point (Unicode 14, as glibc's C.UTF-8 has it). */
uint32_t like_fold(uint32_t code_point);
/* All code points whose simple lower case is this one; returns how many. */
enum { LIKE_CASES = 8 };
size_t like_cases(uint32_t lower, uint32_t ret_code_points[LIKE_CASES]);
/* The whole text in simple lower case; bytes that are not UTF-8 as they are. */
void like_fold_text(struct str text, struct buf *buf);

#endif
