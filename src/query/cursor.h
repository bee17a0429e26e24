/*
 * A place in one text of the query grammar, and the lexical rules that all its parts share: names,
 * quotes, white space, and how a failure is told.
 *
 * Ownership: the caller's; texts that a cursor gives are borrowed from the input, or arena when a
 * backslash had to be taken out.
 * Threads: one cursor, one thread. Errors: ERROR_PARSE in PostgREST's words: the message holds the
 * whole text and the column (code points, from 1), the details what was found and what was
 * expected.
 * Limits: none; the text is as long as the request line or the service file allows.
 */
#ifndef ROWLOCK_QUERY_CURSOR_H
#define ROWLOCK_QUERY_CURSOR_H

#include "base/arena.h"
#include "base/error.h"

struct cursor {
	struct str text;
	size_t at;        /* next byte */
	const char *what; /* the kind of text, in messages: "filter" */
	size_t base;      /* of the text, in the offset that an error gives */
	size_t columns;   /* before the text, in the column that a message gives */
	struct arena *arena;
	struct error *error;
};

static inline bool cursor_at_end(const struct cursor *cursor)
{
	return cursor->at == cursor->text.len;
}

static inline bool cursor_is(const struct cursor *cursor, char byte)
{
	return cursor->at < cursor->text.len && cursor->text.ptr[cursor->at] == byte;
}

/* Takes the byte when it is the next one. */
static inline bool cursor_take(struct cursor *cursor, char byte)
{
	bool there = cursor_is(cursor, byte);
	cursor->at += there ? 1 : 0;
	return there;
}

static inline struct str cursor_rest(const struct cursor *cursor)
{
	return str_slice(cursor->text, cursor->at, cursor->text.len);
}

/* Takes `word` when the text goes on with it. */
bool cursor_take_text(struct cursor *cursor, struct str word);
/* Takes spaces and tabs. */
void cursor_space(struct cursor *cursor);
/* Takes a run of letters, digits and underscores; may be empty. */
struct str cursor_word(struct cursor *cursor);
/* Takes the text up to the first of the bytes `ends`, or the end. */
struct str cursor_until(struct cursor *cursor, const char *ends);
/* The same, but a backslash makes the next byte, also one of `ends`, stand for itself. */
struct str cursor_escaped_until(struct cursor *cursor, const char *ends);
/* Takes `"…"`, where a backslash makes any byte stand for itself. False, with nothing taken and no
 * error, when no whole quoted text stands here. */
bool cursor_quoted(struct cursor *cursor, struct str *ret_text);
/* Takes a name: quoted, or letters, digits, '_', '$', inner spaces and hyphens, with the spaces
 * around it. `expecting` is for the error when there is none. */
bool cursor_name(struct cursor *cursor, const char *expecting, struct str *ret_name);

/* Set the error; return false. The first shows the next code point, the second the next word. */
bool cursor_fail(struct cursor *cursor, const char *expecting);
bool cursor_fail_word(struct cursor *cursor, const char *expecting);
/* ERROR_UNSUPPORTED: what stands at the cursor is part of the grammar, but not served yet. */
bool cursor_unsupported(struct cursor *cursor, const char *feature);

#endif
