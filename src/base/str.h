/*
 * Text as a pointer and a length, passed by value. It need not end in NUL and may hold NUL bytes.
 *
 * Ownership: a str never owns what it points to; whoever made the bytes says how long they live.
 * Threads: plain data. Errors: none. Limits: none.
 */
#ifndef ROWLOCK_BASE_STR_H
#define ROWLOCK_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
	const char *ptr;
	size_t len;
};

/* A str of a string literal. */
#define STR(literal) ((struct str){("" literal ""), sizeof(literal) - 1})
/* The same for static initialisers. */
#define STR_INIT(literal)                                                                          \
	{                                                                                              \
		("" literal ""), sizeof(literal) - 1                                                       \
	}
/* printf("%.*s", STR_ARG(s)) */
#define STR_ARG(s) (int)(s).len, (s).ptr

struct str str_from(const char *nul_terminated);
bool str_equal(struct str a, struct str b);
/* ASCII letters compare without case; all other bytes exactly. */
bool str_equal_nocase(struct str a, struct str b);
/* Orders by bytes, a prefix first: < 0, 0, > 0. For UTF-8 this is code point order. */
int str_compare(struct str a, struct str b);
bool str_starts_with(struct str s, struct str prefix);
bool str_ends_with(struct str s, struct str suffix);
/* The offset of the first `byte` at or after `from`; s.len when there is none. */
size_t str_find(struct str s, char byte, size_t from);
/* The part [from, to), both clamped to the text. */
struct str str_slice(struct str s, size_t from, size_t to);
/* Without spaces and tabs at both ends. */
struct str str_trim(struct str s);
/* Cuts the part before `separator` off *rest and returns it; the whole rest when there is none. */
struct str str_split(struct str *rest, char separator);
/* Levenshtein distance, for hints; both texts are cut at 64 bytes. */
size_t str_distance(struct str a, struct str b);

#endif
