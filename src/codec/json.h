/*
 * JSON (RFC 8259): a strict pull reader and the functions that write values.
 *
 * The reader is given the whole text and hands out one event at a time; it builds nothing. It
 * refuses what the RFC refuses, bytes that are not UTF-8, lone surrogates, nesting beyond its limit
 * and duplicate keys of one object. Numbers are kept as their text, so 64-bit integers and decimals
 * are exact.
 *
 * Ownership: texts are borrowed from the input, or arena when an escape had to be decoded.
 * Threads: one reader, one thread. Errors: ERROR_BODY with the byte offset; they stick.
 * Limits: depth as given; keys of one object are compared through a hash set beyond 8.
 */
#ifndef ROWLOCK_CODEC_JSON_H
#define ROWLOCK_CODEC_JSON_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

enum json_event {
	JSON_ERROR, /* reader.error says what and where */
	JSON_END,   /* the text is over and was one whole value */
	JSON_OBJECT,
	JSON_OBJECT_END,
	JSON_ARRAY,
	JSON_ARRAY_END,
	JSON_KEY,    /* reader.text */
	JSON_STRING, /* reader.text, decoded */
	JSON_NUMBER, /* reader.text, as it was written */
	JSON_TRUE,
	JSON_FALSE,
	JSON_NULL,
};

struct json_level; /* one open object or array */

struct json_reader {
	struct str input;
	size_t at;       /* next byte */
	size_t event_at; /* first byte of the last event */
	struct str text; /* of the last key, string or number */
	struct error error;
	struct arena *arena;
	struct json_level *levels; /* arena */
	size_t levels_room;
	size_t depth; /* open objects and arrays */
	size_t max_depth;
	uint64_t seed[2]; /* of the key sets; made with the first */
	bool seeded;
	int state;
};

void json_reader_init(struct json_reader *reader, struct str input, size_t max_depth,
					  struct arena *arena);
enum json_event json_next(struct json_reader *reader);
/* After an event that begins a value: passes over the rest of that value and gives its text as it
 * was written. False on a syntax error. */
bool json_skip(struct json_reader *reader, enum json_event first, struct str *ret_text);

/* Writes `"text"`, escaping what RFC 8259 asks for; bytes that are not UTF-8 become U+FFFD. */
void json_write_string(struct buf *buf, struct str text);
/* Shortest text that reads back as the same double; NaN and infinities become null. */
void json_write_double(struct buf *buf, double number);
/* Writes JSON text without white space between tokens; the text must be valid. */
void json_write_minified(struct buf *buf, struct str json);

#endif
