/*
 * DESIGN. A pattern is cut at its `%` into segments, which hold no `%`. The first must stand at the
 * beginning of the text, the last at its end, the others in between, one behind the other. Taking
 * each of these as early as it is found is enough: whatever fits behind a later place also fits
 * behind the earliest. So nothing before the last `%` is ever looked at again.
 *
 * Texts are compared in units: a code point, or a byte that is not UTF-8. A segment of like without
 * `_` is compared as bytes, since well-formed UTF-8 is found in a text only where units begin.
 */
#include "codec/like.h"

#include <endian.h>
#include <limits.h>
#include <string.h>

#include "codec/grams.h"
#include "codec/utf8.h"

#define EACH_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

enum { BAD_BYTE = 0x110000 }; /* the unit of a byte that is not UTF-8, minus that byte */

#define ANY_UNIT UINT32_MAX /* `_` */

struct segment {
	const uint32_t *units; /* arena; folded for ilike */
	size_t count;
	bool is_bytes;    /* a match is exactly `bytes` */
	struct str bytes; /* arena */
};

struct like {
	bool caseless;
	struct str prefix;        /* arena */
	struct str prefix_end;    /* arena */
	struct str grams;         /* arena */
	struct segment *segments; /* arena; one more than there are `%` */
	size_t count;
};

static uint32_t read_high_unit(struct str text, size_t *at)
{
	static const uint32_t lead_bits[] = {0, 0, 0x1f, 0x0f, 0x07};
	const unsigned char *bytes = (const unsigned char *)text.ptr + *at;
	size_t len = utf8_sequence(text, *at);
	if (len == 0) {
		(*at)++;
		return BAD_BYTE + bytes[0];
	}
	uint32_t unit = bytes[0] & lead_bits[len];
	for (size_t i = 1; i < len; i++) {
		unit = unit << 6 | (bytes[i] & 0x3f);
	}
	*at += len;
	return unit;
}

/* The unit at *at < text.len; moves *at behind it. */
static inline uint32_t read_unit(struct str text, size_t *at)
{
	unsigned char byte = (unsigned char)text.ptr[*at];
	if (byte >= 0x80) {
		return read_high_unit(text, at);
	}
	(*at)++;
	return byte;
}

/* Where the unit begins that ends before `at` > 0. */
static size_t unit_before(struct str text, size_t at)
{
	for (size_t len = 1; len <= 4 && len <= at; len++) {
		if (utf8_sequence(text, at - len) == len) {
			return at - len;
		}
	}
	return at - 1;
}

static inline uint32_t fold_unit(uint32_t unit)
{
	if (unit >= 0x80) {
		return like_fold(unit);
	}
	return unit - 'A' <= 'Z' - 'A' ? unit + ('a' - 'A') : unit;
}

/* ---- patterns ---- */

struct builder {
	struct str pattern;
	size_t at;
	uint32_t *units; /* next free one */
	char *bytes;     /* next free one */
};

static void add_literal(struct builder *builder, bool caseless, struct segment *segment)
{
	size_t from = builder->at;
	uint32_t unit = read_unit(builder->pattern, &builder->at);
	size_t len = builder->at - from;
	segment->is_bytes = segment->is_bytes && !caseless && unit < BAD_BYTE;
	memcpy(builder->bytes, builder->pattern.ptr + from, len);
	builder->bytes += len;
	*builder->units++ = caseless ? fold_unit(unit) : unit;
}

/* Reads up to the next `%` and passes over it; false at the end of the pattern. */
static bool read_segment(struct builder *builder, struct like *like, bool is_first)
{
	struct str pattern = builder->pattern;
	struct segment *segment = &like->segments[like->count++];
	const uint32_t *units = builder->units;
	const char *bytes = builder->bytes;
	bool more = false;
	bool is_prefix = is_first && !like->caseless;
	segment->is_bytes = !like->caseless;
	while (!more && builder->at < pattern.len) {
		char c = pattern.ptr[builder->at];
		if (c == '%') {
			builder->at++;
			more = true;
		} else if (c == '_') {
			builder->at++;
			*builder->units++ = ANY_UNIT;
			segment->is_bytes = false;
			is_prefix = false;
		} else {
			builder->at += c == '\\' && builder->at + 1 < pattern.len;
			add_literal(builder, like->caseless, segment);
			if (is_prefix) {
				like->prefix = (struct str){bytes, (size_t)(builder->bytes - bytes)};
			}
		}
	}
	segment->units = units;
	segment->count = (size_t)(builder->units - units);
	segment->bytes = (struct str){bytes, (size_t)(builder->bytes - bytes)};
	return more;
}

/* The prefix with its last byte raised; what cannot be raised is cut off. */
static struct str raise(struct str prefix, struct arena *arena)
{
	while (prefix.len > 0 && (unsigned char)prefix.ptr[prefix.len - 1] == UCHAR_MAX) {
		prefix.len--;
	}
	if (prefix.len == 0) {
		return STR("");
	}
	char *bytes = arena_bytes(arena, prefix.len);
	memcpy(bytes, prefix.ptr, prefix.len);
	bytes[prefix.len - 1] = (char)((unsigned char)bytes[prefix.len - 1] + 1);
	return (struct str){bytes, prefix.len};
}

static void write_unit(struct buf *buf, uint32_t unit)
{
	char bytes[4];
	if (unit >= BAD_BYTE) {
		buf_append_byte(buf, (char)(unit - BAD_BYTE));
		return;
	}
	size_t len = utf8_write(bytes, fold_unit(unit));
	buf_append(buf, (struct str){bytes, len});
}

/* Asks for the runs between wildcards that have at least GRAM_UNITS, or else for the first of those
 * that are shorter. */
static void ask_runs(const struct like *like, bool short_ones, struct grams_question *question)
{
	struct buf run;
	buf_init(&run, SIZE_MAX);
	for (size_t i = 0; i < like->count; i++) {
		const struct segment *segment = &like->segments[i];
		size_t from = 0;
		for (size_t at = 0; at <= segment->count; at++) {
			if (at < segment->count && segment->units[at] != ANY_UNIT) {
				write_unit(&run, segment->units[at]);
				continue;
			}
			size_t units = at - from;
			if (units >= GRAM_UNITS && !short_ones) {
				grams_ask(question, buf_str(&run));
			} else if (units == GRAM_LEAST && short_ones && question->count == 0) {
				grams_ask_short(question, buf_str(&run));
			}
			buf_clear(&run);
			from = at + 1;
		}
	}
	buf_finish(&run);
}

static struct str ask_grams(const struct like *like, struct arena *arena)
{
	struct grams_question question = {.count = 0};
	buf_init(&question.text, SIZE_MAX);
	ask_runs(like, false, &question);
	if (question.count == 0) {
		ask_runs(like, true, &question);
	}
	struct str text = arena_copy(arena, buf_str(&question.text));
	buf_finish(&question.text);
	return text;
}

const struct like *like_create(struct str pattern, bool caseless, struct arena *arena)
{
	size_t most = 1;
	for (size_t at = 0; at < pattern.len; at++) {
		most += pattern.ptr[at] == '%';
	}
	struct like *like = ARENA_NEW(arena, struct like);
	like->caseless = caseless;
	like->prefix = STR("");
	like->segments = ARENA_ARRAY(arena, most, struct segment);
	struct builder builder = {
		.pattern = pattern,
		.units = ARENA_ARRAY(arena, pattern.len, uint32_t),
		.bytes = arena_bytes(arena, pattern.len),
	};
	while (read_segment(&builder, like, like->count == 0)) {
	}
	like->prefix_end = raise(like->prefix, arena);
	like->grams = ask_grams(like, arena);
	return like;
}

struct str like_grams(const struct like *like)
{
	return like->grams;
}

struct str like_prefix(const struct like *like)
{
	return like->prefix;
}

struct str like_prefix_end(const struct like *like)
{
	return like->prefix_end;
}

/* ---- matching ---- */

/* Does the segment stand at *at? Then moves *at behind it. */
static bool match_at(const struct like *like, const struct segment *segment, struct str text,
					 size_t *at)
{
	size_t end = *at;
	if (segment->is_bytes) {
		if (!str_starts_with(str_slice(text, end, text.len), segment->bytes)) {
			return false;
		}
		*at += segment->bytes.len;
		return true;
	}
	for (size_t i = 0; i < segment->count; i++) {
		if (end == text.len) {
			return false;
		}
		uint32_t unit = read_unit(text, &end);
		uint32_t wanted = segment->units[i];
		if (wanted != ANY_UNIT && (like->caseless ? fold_unit(unit) : unit) != wanted) {
			return false;
		}
	}
	*at = end;
	return true;
}

/* Passes over ASCII that cannot begin with the unit `first`, eight bytes at a time. May stop too
 * early, never too late: bit 5, in which the cases of a letter differ, does not count. */
static size_t skip_hopeless(uint32_t first, struct str text, size_t at)
{
	uint64_t same = first < 0x80 ? EACH_BYTE(first | 0x20) : EACH_BYTE(0xff);
	while (text.len - at >= sizeof(uint64_t)) {
		uint64_t word;
		memcpy(&word, text.ptr + at, sizeof(word));
		word = le64toh(word);
		uint64_t other = (word | EACH_BYTE(0x20)) ^ same;
		uint64_t stop = (((other - EACH_BYTE(1)) & ~other) | word) & EACH_BYTE(0x80);
		if (stop != 0) {
			return at + (size_t)__builtin_ctzll(stop) / 8;
		}
		at += sizeof(word);
	}
	return at;
}

/* Moves *at behind the first place at or after it where the segment stands. */
static bool find(const struct like *like, const struct segment *segment, struct str text,
				 size_t *at)
{
	if (segment->count == 0) {
		return true;
	}
	if (segment->is_bytes) {
		struct str rest = str_slice(text, *at, text.len);
		if (rest.len < segment->bytes.len) {
			return false;
		}
		const char *found = memmem(rest.ptr, rest.len, segment->bytes.ptr, segment->bytes.len);
		if (found == NULL) {
			return false;
		}
		*at = (size_t)(found - text.ptr) + segment->bytes.len;
		return true;
	}
	uint32_t first = segment->units[0];
	size_t from = *at;
	while (text.len - from >= segment->count) {
		if (first != ANY_UNIT) {
			from = skip_hopeless(first, text, from);
		}
		size_t end = from;
		if (match_at(like, segment, text, &end)) {
			*at = end;
			return true;
		}
		if (from < text.len) {
			read_unit(text, &from);
		}
	}
	return false;
}

/* Does the segment stand at the end of the text, not before `at`? */
static bool match_end(const struct like *like, const struct segment *segment, struct str text,
					  size_t at)
{
	size_t from = text.len;
	if (segment->is_bytes) {
		return from - at >= segment->bytes.len && str_ends_with(text, segment->bytes);
	}
	for (size_t i = 0; i < segment->count; i++) {
		if (from == at) {
			return false;
		}
		from = unit_before(text, from);
	}
	return match_at(like, segment, text, &from);
}

bool like_matches(const struct like *like, struct str text)
{
	size_t last = like->count - 1;
	size_t at = 0;
	if (!match_at(like, &like->segments[0], text, &at)) {
		return false;
	}
	if (last == 0) {
		return at == text.len;
	}
	for (size_t i = 1; i < last; i++) {
		if (!find(like, &like->segments[i], text, &at)) {
			return false;
		}
	}
	return match_end(like, &like->segments[last], text, at);
}

void like_fold_text(struct str text, struct buf *buf)
{
	for (size_t at = 0; at < text.len;) {
		size_t from = at;
		uint32_t unit = read_unit(text, &at);
		if (unit >= BAD_BYTE) {
			buf_append_byte(buf, text.ptr[from]);
			continue;
		}
		char bytes[4];
		size_t len = utf8_write(bytes, fold_unit(unit));
		buf_append(buf, (struct str){bytes, len});
	}
}
