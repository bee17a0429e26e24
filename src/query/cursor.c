#include "query/cursor.h"

#include <string.h>

#include "codec/utf8.h"

/* Of a client's text that a message repeats, so that the column behind it is not cut off. */
enum { SHOWN_BYTES = 120 };

static inline bool is_word_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Letters of other scripts are letters too; they are bytes beyond ASCII. */
static inline bool is_name_byte(char c)
{
	return is_word_byte(c) || c == ' ' || c == '$' || (unsigned char)c >= 0x80;
}

bool cursor_take_text(struct cursor *cursor, struct str word)
{
	if (!str_starts_with(cursor_rest(cursor), word)) {
		return false;
	}
	cursor->at += word.len;
	return true;
}

void cursor_space(struct cursor *cursor)
{
	while (cursor_is(cursor, ' ') || cursor_is(cursor, '\t')) {
		cursor->at++;
	}
}

struct str cursor_word(struct cursor *cursor)
{
	size_t from = cursor->at;
	while (!cursor_at_end(cursor) && is_word_byte(cursor->text.ptr[cursor->at])) {
		cursor->at++;
	}
	return str_slice(cursor->text, from, cursor->at);
}

struct str cursor_until(struct cursor *cursor, const char *ends)
{
	size_t from = cursor->at;
	while (!cursor_at_end(cursor) && strchr(ends, cursor->text.ptr[cursor->at]) == NULL) {
		cursor->at++;
	}
	return str_slice(cursor->text, from, cursor->at);
}

/* Without the backslashes that make the next byte stand for itself. */
static struct str unescape(struct str raw, struct arena *arena)
{
	if (str_find(raw, '\\', 0) == raw.len) {
		return raw;
	}
	char *bytes = arena_bytes(arena, raw.len);
	size_t len = 0;
	for (size_t i = 0; i < raw.len; i++) {
		if (raw.ptr[i] == '\\') {
			i++;
		}
		bytes[len++] = raw.ptr[i];
	}
	return (struct str){bytes, len};
}

struct str cursor_escaped_until(struct cursor *cursor, const char *ends)
{
	struct str text = cursor->text;
	size_t from = cursor->at;
	while (!cursor_at_end(cursor) && strchr(ends, text.ptr[cursor->at]) == NULL) {
		bool escape = text.ptr[cursor->at] == '\\';
		if (escape && cursor->at + 1 == text.len) {
			break;
		}
		cursor->at += escape ? 2 : 1;
	}
	return unescape(str_slice(text, from, cursor->at), cursor->arena);
}

bool cursor_quoted(struct cursor *cursor, struct str *ret_text)
{
	if (!cursor_is(cursor, '"')) {
		return false;
	}
	size_t from = cursor->at + 1;
	for (size_t at = from; at < cursor->text.len; at++) {
		char c = cursor->text.ptr[at];
		if (c == '"') {
			*ret_text = unescape(str_slice(cursor->text, from, at), cursor->arena);
			cursor->at = at + 1;
			return true;
		}
		at += c == '\\' ? 1 : 0;
	}
	return false;
}

bool cursor_name(struct cursor *cursor, const char *expecting, struct str *ret_name)
{
	cursor_space(cursor);
	if (cursor_quoted(cursor, ret_name)) {
		cursor_space(cursor);
		return true;
	}
	struct str text = cursor->text;
	size_t from = cursor->at;
	size_t at = from;
	/* A hyphen belongs to the name when the name goes on behind it: `->` does not. */
	while (at < text.len &&
		   (is_name_byte(text.ptr[at]) ||
			(text.ptr[at] == '-' && at > from && at + 1 < text.len &&
			 is_name_byte(text.ptr[at + 1])))) {
		at++;
	}
	struct str name = str_trim(str_slice(text, from, at));
	if (name.len == 0) {
		return cursor_fail(cursor, expecting);
	}
	cursor->at = at;
	cursor_space(cursor);
	*ret_name = name;
	return true;
}

static bool fail(struct cursor *cursor, size_t bytes, const char *expecting)
{
	struct str text = cursor->text;
	struct str shown = str_slice(text, 0, SHOWN_BYTES);
	while (shown.len < text.len && shown.len > 0 &&
		   ((unsigned char)text.ptr[shown.len] & 0xc0) == 0x80) {
		shown.len--;
	}
	size_t column = cursor->columns + utf8_length(str_slice(text, 0, cursor->at)) + 1;
	error_set_at(cursor->error, ERROR_PARSE, cursor->base + cursor->at,
				 "\"failed to parse %s (%.*s%s)\" (line 1, column %zu)", cursor->what,
				 STR_ARG(shown), shown.len < text.len ? "..." : "", column);
	if (bytes == 0) {
		return error_details(cursor->error, "unexpected end of input expecting %s", expecting);
	}
	struct str found = str_slice(text, cursor->at, cursor->at + bytes);
	return error_details(cursor->error, "unexpected \"%.*s\" expecting %s", STR_ARG(found),
						 expecting);
}

bool cursor_fail(struct cursor *cursor, const char *expecting)
{
	size_t bytes = 0;
	if (!cursor_at_end(cursor)) {
		bytes = utf8_sequence(cursor->text, cursor->at);
		bytes = bytes == 0 ? 1 : bytes;
	}
	return fail(cursor, bytes, expecting);
}

bool cursor_fail_word(struct cursor *cursor, const char *expecting)
{
	enum { WORD_BYTES = 40 };
	size_t from = cursor->at;
	size_t bytes = cursor_word(cursor).len;
	cursor->at = from;
	if (bytes == 0) {
		return cursor_fail(cursor, expecting);
	}
	return fail(cursor, bytes < WORD_BYTES ? bytes : WORD_BYTES, expecting);
}

bool cursor_unsupported(struct cursor *cursor, const char *feature)
{
	error_set_at(cursor->error, ERROR_UNSUPPORTED, cursor->base + cursor->at, NULL);
	return error_details(cursor->error, "%s", feature);
}
