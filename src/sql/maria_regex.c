/*
 * DESIGN. ilike: what stands between two `%` is looked for as early as it can be (an atomic group
 * around a lazy dot), as like_matches() does it: so the time is bounded by the product of both
 * lengths. Words: what is possessive never gives back, since letters and what stands between words
 * have nothing in common.
 *
 * A client's expression runs with the options of codec/regex.c. PCRE2 has all of them as settings
 * at the front, but for DOLLAR_ENDONLY: each dollar becomes `(?:\z)`.
 */
#include "sql/maria_regex.h"

#include "codec/like.h"
#include "codec/regex.h"
#include "codec/utf8.h"

/* ---- letters ---- */

/* The code point at *at of well-formed text; moves *at behind it. */
static uint32_t read_code(struct str text, size_t *at)
{
	static const unsigned char lead_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	size_t len = utf8_sequence(text, *at);
	uint32_t code = (unsigned char)text.ptr[*at] & lead_bits[len];
	for (size_t i = 1; i < len; i++) {
		code = code << 6 | ((unsigned char)text.ptr[*at + i] & 0x3f);
	}
	*at += len > 0 ? len : 1;
	return code;
}

static void write_raw(struct buf *buf, uint32_t code)
{
	char bytes[4];
	size_t len = utf8_write(bytes, code);
	buf_append(buf, (struct str){bytes, len});
}

static bool is_ascii_word(uint32_t code)
{
	uint32_t lower = code | 0x20;
	return (code >= '0' && code <= '9') || (lower >= 'a' && lower <= 'z');
}

/* The code point as it stands, in a class or outside. */
static void write_literal(struct buf *buf, uint32_t code)
{
	if (code < 0x20) {
		buf_printf(buf, "\\x{%x}", (unsigned)code);
		return;
	}
	if (code < 0x80 && !is_ascii_word(code)) {
		buf_append_byte(buf, '\\');
	}
	write_raw(buf, code);
}

/* Whatever has the same lower case. */
static void write_caseless(struct buf *buf, uint32_t code)
{
	uint32_t cases[LIKE_CASES];
	size_t count = like_cases(like_fold(code), cases);
	if (count == 1) {
		write_literal(buf, cases[0]);
		return;
	}
	buf_append_byte(buf, '[');
	for (size_t i = 0; i < count; i++) {
		write_literal(buf, cases[i]);
	}
	buf_append_byte(buf, ']');
}

/* ---- ilike ---- */

/* Where the next `%` is, or the end. */
static size_t segment_end(struct str pattern, size_t at)
{
	while (at < pattern.len && pattern.ptr[at] != '%') {
		at += pattern.ptr[at] == '\\' && at + 1 < pattern.len ? 2 : 1;
	}
	return at;
}

static void write_segment(struct str segment, struct buf *buf)
{
	for (size_t at = 0; at < segment.len;) {
		char c = segment.ptr[at];
		if (c == '_') {
			at++;
			buf_append_byte(buf, '.');
			continue;
		}
		at += c == '\\' && at + 1 < segment.len;
		write_caseless(buf, read_code(segment, &at));
	}
}

void maria_regex_ilike(struct str pattern, struct buf *buf)
{
	size_t end = segment_end(pattern, 0);
	buf_append(buf, STR("(?s)"));
	if (end == 0 && pattern.len > 2 && segment_end(pattern, 1) == pattern.len - 1) {
		/* One text between two `%` is found without an anchor, and quicker. */
		write_segment(str_slice(pattern, 1, pattern.len - 1), buf);
		return;
	}
	buf_append(buf, STR("\\A"));
	write_segment(str_slice(pattern, 0, end), buf);
	bool exact = true;
	while (end < pattern.len) {
		size_t from = end + 1;
		end = segment_end(pattern, from);
		exact = end > from;
		if (exact) {
			buf_append(buf, end < pattern.len ? STR("(?>.*?") : STR(".*"));
			write_segment(str_slice(pattern, from, end), buf);
			buf_append(buf, end < pattern.len ? STR(")") : STR(""));
		}
	}
	buf_append(buf, exact ? STR("\\z") : STR(""));
}

/* ---- words ---- */

/* `name` in a class of letters, or of what is none. */
static void write_class(const char *begin, const char *end, struct buf *buf)
{
	size_t count;
	const uint32_t *edges = words_edges(&count);
	buf_append(buf, str_from(begin));
	buf_append(buf, STR("0-9A-Za-z"));
	for (size_t i = 0; i + 1 < count; i += 2) {
		write_raw(buf, edges[i]);
		if (edges[i + 1] - edges[i] > 1) {
			buf_append_byte(buf, '-');
			write_raw(buf, edges[i + 1] - 1);
		}
	}
	buf_append(buf, str_from(end));
}

static void write_word(const struct word *word, struct buf *buf)
{
	for (size_t at = 0; at < word->text.len;) {
		write_caseless(buf, read_code(word->text, &at));
	}
	buf_append(buf, word->prefix ? STR("(?&w)?") : STR(""));
}

bool maria_regex_words(const struct phrase *phrase, struct buf *buf)
{
	buf_append(buf, STR("(?<!(?&l))"));
	for (size_t i = 0; i < phrase->count; i++) {
		const struct word *word = &phrase->words[i];
		if (word->distance > MARIA_REGEX_DISTANCE) {
			return false;
		}
		buf_append(buf, i > 0 ? STR("(?&s)") : STR(""));
		if (word->distance > 1) {
			buf_printf(buf, "(?:(?&w)(?&s)){%u}", (unsigned)(word->distance - 1));
		}
		write_word(word, buf);
	}
	buf_append(buf, STR("(?!(?&l))(?(DEFINE)"));
	write_class("(?<l>[", "])", buf);
	write_class("(?<w>[", "]++)", buf);
	write_class("(?<s>[^", "]++))", buf);
	return true;
}

/* ---- a client's own ---- */

/* The expression that is being copied. */
struct copy {
	struct str from;
	size_t at;
	struct buf *to;
	bool multiline; /* all of it: a dollar is left alone */
};

/* The byte so much further; 0 behind the end. */
static char peek(const struct copy *copy, size_t further)
{
	return further < copy->from.len - copy->at ? copy->from.ptr[copy->at + further] : '\0';
}

static void copy_bytes(struct copy *copy, size_t count)
{
	struct str bytes = str_slice(copy->from, copy->at, copy->at + count);
	buf_append(copy->to, bytes);
	copy->at += bytes.len;
}

/* All through the text, or to the end. */
static void copy_through(struct copy *copy, struct str end)
{
	struct str rest = str_slice(copy->from, copy->at, copy->from.len);
	while (rest.len > 0 && !str_starts_with(rest, end)) {
		copy_bytes(copy, 1);
		rest = str_slice(rest, 1, rest.len);
	}
	copy_bytes(copy, end.len);
}

static void copy_escape(struct copy *copy)
{
	if (peek(copy, 1) == 'Q') {
		copy_through(copy, STR("\\E"));
	} else {
		copy_bytes(copy, peek(copy, 1) == 'c' ? 3 : 2);
	}
}

/* At `[:`, `[.` or `[=` in a class. */
static void copy_named(struct copy *copy)
{
	const char end[] = {peek(copy, 1), ']', '\0'};
	struct str rest = str_slice(copy->from, copy->at + 2, copy->from.len);
	size_t close = str_find(rest, ']', 0);
	bool named = close > 0 && close < rest.len && rest.ptr[close - 1] == end[0];
	copy_bytes(copy, 1);
	if (named) {
		copy_bytes(copy, 1);
		copy_through(copy, str_from(end));
	}
}

static void copy_class(struct copy *copy)
{
	copy_bytes(copy, peek(copy, 1) == '^' ? 2 : 1);
	if (peek(copy, 0) == ']') {
		copy_bytes(copy, 1);
	}
	while (copy->at < copy->from.len) {
		char c = peek(copy, 0);
		char next = peek(copy, 1);
		if (c == '\\') {
			copy_escape(copy);
		} else if (c == '[' && (next == ':' || next == '.' || next == '=')) {
			copy_named(copy);
		} else {
			copy_bytes(copy, 1);
			if (c == ']') {
				return;
			}
		}
	}
}

/* `(?ms)`: the first thing of an expression may make all of it one of lines. */
static const char *copy_options(struct copy *copy)
{
	bool first = copy->at == 0;
	bool on = true;
	bool lines = false;
	bool other = false;
	size_t len = 2;
	for (; peek(copy, len) != '\0' && strchr("imnsxJU^-", peek(copy, len)) != NULL; len++) {
		char c = peek(copy, len);
		on = on && c != '-';
		lines = lines || (c == 'm' && on);
		other = other || c == 'x' || (copy->multiline && (c == 'm' || c == '^'));
	}
	bool whole = first && peek(copy, len) == ')';
	if (other || (lines && !whole)) {
		return "A regular expression with $ and (?m) or (?x) in a part of it";
	}
	copy->multiline = copy->multiline || lines;
	copy_bytes(copy, len);
	return NULL;
}

/* At `(`. NULL, or what cannot be said. */
static const char *copy_group(struct copy *copy)
{
	if (peek(copy, 1) == '*' || (peek(copy, 1) == '?' && peek(copy, 2) == '#')) {
		copy_through(copy, STR(")"));
		return NULL;
	}
	if (peek(copy, 1) != '?') {
		copy_bytes(copy, 1);
		return NULL;
	}
	return peek(copy, 2) == 'C' ? "A callout in a regular expression" : copy_options(copy);
}

const char *maria_regex_match(struct str pattern, bool caseless, struct buf *buf)
{
	struct copy copy = {.from = pattern, .to = buf};
	const char *refused = NULL;
	if (pattern.len > 2 && str_starts_with(pattern, STR("(*")) && pattern.ptr[2] >= 'A' &&
		pattern.ptr[2] <= 'Z') {
		return "A setting at the front of a regular expression";
	}
	buf_printf(buf, "(*UTF)(*UCP)(*LIMIT_MATCH=%d)(*LIMIT_DEPTH=%d)(*LIMIT_HEAP=%d)(?s%s)",
			   REGEX_MATCH_LIMIT, REGEX_MATCH_LIMIT, REGEX_HEAP_KIB, caseless ? "i" : "");
	if (str_find(pattern, '$', 0) == pattern.len) {
		buf_append(buf, pattern);
		return NULL;
	}
	while (copy.at < pattern.len && refused == NULL) {
		char c = peek(&copy, 0);
		if (c == '\\') {
			copy_escape(&copy);
		} else if (c == '[') {
			copy_class(&copy);
		} else if (c == '(') {
			refused = copy_group(&copy);
		} else if (c == '$' && !copy.multiline) {
			buf_append(buf, STR("(?:\\z)"));
			copy.at++;
		} else {
			copy_bytes(&copy, 1);
		}
	}
	return refused;
}
