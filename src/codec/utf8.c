#include "codec/utf8.h"

#include <string.h>

#define HIGH_BITS UINT64_C(0x8080808080808080)

static inline uint64_t load_word(const char *bytes)
{
	uint64_t word;
	memcpy(&word, bytes, sizeof(word));
	return word;
}

/* Bytes of the well-formed sequence that begins at p[0] >= 0x80; 0 when there is none. The bounds
 * of the second byte rule out overlong forms, surrogates and all above U+10FFFF (RFC 3629, 4). */
static inline size_t sequence_len(const unsigned char *p, size_t room)
{
	unsigned char least = 0x80;
	unsigned char most = 0xbf;
	if (p[0] < 0xc2 || p[0] > 0xf4 || room < 2) {
		return 0;
	}
	if (p[0] < 0xe0) {
		return (p[1] & 0xc0) == 0x80 ? 2 : 0;
	}
	if (p[0] == 0xe0) {
		least = 0xa0;
	} else if (p[0] == 0xed) {
		most = 0x9f;
	} else if (p[0] == 0xf0) {
		least = 0x90;
	} else if (p[0] == 0xf4) {
		most = 0x8f;
	}
	if (p[1] < least || p[1] > most || room < 3 || (p[2] & 0xc0) != 0x80) {
		return 0;
	}
	if (p[0] < 0xf0) {
		return 3;
	}
	return room >= 4 && (p[3] & 0xc0) == 0x80 ? 4 : 0;
}

size_t utf8_sequence(struct str text, size_t at)
{
	unsigned char byte = (unsigned char)text.ptr[at];
	return byte < 0x80 ? 1 : sequence_len((const unsigned char *)text.ptr + at, text.len - at);
}

size_t utf8_check(struct str text)
{
	size_t at = 0;
	while (at < text.len) {
		if (text.len - at >= 8 && (load_word(text.ptr + at) & HIGH_BITS) == 0) {
			at += 8;
			continue;
		}
		size_t len = utf8_sequence(text, at);
		if (len == 0) {
			return at;
		}
		at += len;
	}
	return at;
}

size_t utf8_length(struct str text)
{
	size_t count = 0;
	size_t at = 0;
	for (; text.len - at >= 8; at += 8) {
		/* A continuation byte is 10xxxxxx: its highest bit is set and the next one is not. */
		uint64_t word = load_word(text.ptr + at);
		uint64_t continuation = word & ~(word << 1) & HIGH_BITS;
		count += 8 - (size_t)__builtin_popcountll(continuation);
	}
	for (; at < text.len; at++) {
		count += ((unsigned char)text.ptr[at] & 0xc0) != 0x80;
	}
	return count;
}

size_t utf8_write(char ret_bytes[4], uint32_t code)
{
	if (code < 0x80) {
		ret_bytes[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		ret_bytes[0] = (char)(0xc0 | code >> 6);
		ret_bytes[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		ret_bytes[0] = (char)(0xe0 | code >> 12);
		ret_bytes[1] = (char)(0x80 | (code >> 6 & 0x3f));
		ret_bytes[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	}
	ret_bytes[0] = (char)(0xf0 | code >> 18);
	ret_bytes[1] = (char)(0x80 | (code >> 12 & 0x3f));
	ret_bytes[2] = (char)(0x80 | (code >> 6 & 0x3f));
	ret_bytes[3] = (char)(0x80 | (code & 0x3f));
	return 4;
}
