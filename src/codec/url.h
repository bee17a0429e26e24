/*
 * Percent-encoding (RFC 3986) and application/x-www-form-urlencoded pairs (WHATWG URL, 5).
 *
 * Ownership: decoded text is borrowed when there was nothing to decode, else arena.
 * Threads: all. Errors: false for a bad escape, a NUL, or bytes that are not UTF-8. Limits: none.
 */
#ifndef ROWLOCK_CODEC_URL_H
#define ROWLOCK_CODEC_URL_H

#include "base/arena.h"
#include "base/buf.h"

/* Decodes one path segment; `+` stays. */
bool url_decode_segment(struct str text, struct arena *arena, struct str *ret_text);
/* Decodes one name or value of a query string; `+` is a space. */
bool url_decode_query(struct str text, struct arena *arena, struct str *ret_text);
/* Cuts the next `name=value` off a raw query string, undecoded, empty pairs passed over. False at
 * the end. *ret_has_value is false when there was no '='. */
bool url_next_pair(struct str *rest, struct str *ret_name, struct str *ret_value,
				   bool *ret_has_value);
/* Writes text so that it is one path segment or query value: everything but unreserved escaped. */
void url_encode(struct buf *buf, struct str text);

#endif
