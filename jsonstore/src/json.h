/*
 * Reading JSON (RFC 8259), strictly: UTF-8 without surrogates, no byte order mark, nothing behind
 * the value. Finding the members of text that has been checked.
 *
 * Ownership: everything borrows the text. Threads: any. Errors: a place and a reason.
 * Limits: JSONSTORE_DEPTH_MAX.
 */
#ifndef JSONSTORE_SRC_JSON_H
#define JSONSTORE_SRC_JSON_H

#include "text.h"

enum js_scan {
	JS_SCAN_GOOD,
	JS_SCAN_BAD,
	JS_SCAN_MORE, /* the text ends within the value */
};

struct js_scanned {
	const char *end;  /* behind the value */
	const char *at;   /* bad: where */
	const char *what; /* bad: why, for people */
	bool spaced;      /* there is white space within the value */
};

/* The value at `text`, without white space before it. `last`: nothing follows behind `end`. */
enum js_scan js_json_scan(const char *text, const char *end, bool last, struct js_scanned *ret);
/* The whole text is one value, with white space around it or without. */
bool js_json_check(struct js_span text, struct js_scanned *ret);

static inline bool js_is_space(char byte)
{
	return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

/* The rest is for text that is known to be good. */

/* Copies a value without its white space; returns the number of bytes, at most value.len. */
size_t js_json_squeeze(struct js_span value, char *to);
struct js_span js_json_trim(struct js_span text);

struct js_member {
	struct js_span name; /* between the quotes, escapes and all */
	struct js_span value;
};

/* `rest` begins as the object's text; false behind its last member. */
bool js_json_member(struct js_span *rest, struct js_member *ret);
/* Decodes what is between the quotes of a string; returns the number of bytes, at most raw.len. */
size_t js_json_unescape(struct js_span raw, char *to);
/* Whether two raw names, of which at most short ones have escapes, are the same text. */
bool js_json_same_name(struct js_span a, struct js_span b);
/* Whether a member's raw name is this text. */
bool js_json_is_name(struct js_span raw, struct js_span name);

#endif
