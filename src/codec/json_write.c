#include "codec/json.h"

#include <endian.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/utf8.h"

#define EACH_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Bits at bytes that are a quote, a backslash, a control character or no ASCII; the lowest one is
 * exact (see skip_plain() in json.c). */
static inline uint64_t special_bytes(uint64_t word)
{
	uint64_t quote = (word ^ EACH_BYTE('"')) - EACH_BYTE(1);
	uint64_t backslash = (word ^ EACH_BYTE('\\')) - EACH_BYTE(1);
	uint64_t control = word - EACH_BYTE(0x20);
	return (word | quote | backslash | control) & EACH_BYTE(0x80);
}

static inline bool is_plain(char c)
{
	unsigned char byte = (unsigned char)c;
	return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

/* The first byte at or after `at` that cannot stand in a JSON string as it is. */
static size_t skip_writable(struct str text, size_t at)
{
	while (at < text.len) {
		if (text.len - at >= 8) {
			uint64_t word;
			memcpy(&word, text.ptr + at, sizeof(word));
			uint64_t special = special_bytes(le64toh(word));
			if (special == 0) {
				at += 8;
				continue;
			}
			at += (size_t)__builtin_ctzll(special) / 8;
		} else if (is_plain(text.ptr[at])) {
			at++;
			continue;
		}
		size_t len = (unsigned char)text.ptr[at] < 0x80 ? 0 : utf8_sequence(text, at);
		if (len == 0) {
			return at;
		}
		at += len;
	}
	return at;
}

/* Most texts of a row are short and plain: one check, one copy. */
static bool is_short_plain(struct str text)
{
	uint64_t low = 0;
	uint64_t high = 0;
	if (text.len >= 8 && text.len <= 16) {
		memcpy(&low, text.ptr, sizeof(low));
		memcpy(&high, text.ptr + text.len - 8, sizeof(high));
	} else if (text.len >= 4 && text.len < 8) {
		uint32_t first;
		uint32_t last;
		memcpy(&first, text.ptr, sizeof(first));
		memcpy(&last, text.ptr + text.len - 4, sizeof(last));
		low = high = (uint64_t)first << 32 | last;
	} else {
		return false;
	}
	return (special_bytes(low) | special_bytes(high)) == 0;
}

static void write_escape(struct buf *buf, char c)
{
	static const char hex[] = "0123456789abcdef";
	static const char letters[0x20] = {
		['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r',
	};
	unsigned char byte = (unsigned char)c;
	if (byte >= 0x80) {
		buf_append(buf, STR("\xef\xbf\xbd"));
	} else if (byte >= 0x20) {
		buf_append(buf, (struct str){(const char[]){'\\', c}, 2});
	} else if (letters[byte] != 0) {
		buf_append(buf, (struct str){(const char[]){'\\', letters[byte]}, 2});
	} else {
		const char escape[] = {'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]};
		buf_append(buf, (struct str){escape, sizeof(escape)});
	}
}

void json_write_string(struct buf *buf, struct str text)
{
	size_t clean = is_short_plain(text) ? text.len : skip_writable(text, 0);
	if (clean == text.len && text.len <= SIZE_MAX - 2) {
		char *to = buf_reserve(buf, text.len + 2);
		if (to != NULL) {
			to[0] = '"';
			if (text.len > 0) {
				memcpy(to + 1, text.ptr, text.len);
			}
			to[text.len + 1] = '"';
			buf_added(buf, text.len + 2);
		}
		return;
	}
	buf_append_byte(buf, '"');
	for (size_t at = 0;;) {
		buf_append(buf, str_slice(text, at, clean));
		if (clean == text.len) {
			break;
		}
		write_escape(buf, text.ptr[clean]);
		at = clean + 1;
		clean = skip_writable(text, at);
	}
	buf_append_byte(buf, '"');
}

void json_write_double(struct buf *buf, double number)
{
	/* Up to here whole numbers are exact and short without an exponent. */
	static const double whole_max = 1e15;
	if (!isfinite(number)) {
		buf_append(buf, STR("null"));
		return;
	}
	if (fabs(number) < whole_max && number == trunc(number)) {
		if (signbit(number) && number == 0) {
			buf_append_byte(buf, '-');
		}
		buf_append_int(buf, (int64_t)number);
		return;
	}
	/* 15 digits survive the way into a normal double and back, so what needs fewer prints fewer;
	 * below DBL_MIN there are fewer bits, and fewer digits may do. 17 always do. */
	char text[40];
	int len = 0;
	for (int digits = fabs(number) < DBL_MIN ? 1 : 15; digits <= 17; digits++) {
		len = snprintf(text, sizeof(text), "%.*g", digits, number);
		if (strtod(text, NULL) == number) {
			break;
		}
	}
	buf_append(buf, (struct str){text, (size_t)len});
}

void json_write_minified(struct buf *buf, struct str json)
{
	size_t from = 0; /* of what is not yet written */
	for (size_t at = 0; at < json.len;) {
		char c = json.ptr[at];
		if (c == '"') {
			for (at++; at < json.len && json.ptr[at] != '"'; at++) {
				at += json.ptr[at] == '\\';
			}
			at++;
		} else if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
			buf_append(buf, str_slice(json, from, at));
			from = ++at;
		} else {
			at++;
		}
	}
	buf_append(buf, str_slice(json, from, json.len));
}
