/*
 * Regular expressions for MariaDB (PCRE2, UTF, matched against a text whose collation is binary)
 * that find what the codecs find: ilike, full text, and a client's own expression. Cases of letters
 * and what a word is are spelled out from our own tables, so nothing depends on the server's.
 *
 * Ownership: they write into the caller's buffer. Threads: plain functions.
 * Errors: what cannot be said is named.
 * Limits: PCRE2 takes an expression of 64 KiB once it is compiled.
 */
#ifndef ROWLOCK_SQL_MARIA_REGEX_H
#define ROWLOCK_SQL_MARIA_REGEX_H

#include "base/buf.h"
#include "codec/words.h"

/* More words from one to the next of a phrase are refused. */
enum { MARIA_REGEX_DISTANCE = 64 };

/* A pattern of ilike (codec/like.h). */
void maria_regex_ilike(struct str pattern, struct buf *buf);
/* A phrase (codec/words.h); false when its words are too far from each other. */
bool maria_regex_words(const struct phrase *phrase, struct buf *buf);
/* An expression that regex_compile() takes, as codec/regex.c has it. NULL, or what is in it that
 * cannot be said. */
const char *maria_regex_match(struct str pattern, bool caseless, struct buf *buf);

#endif
