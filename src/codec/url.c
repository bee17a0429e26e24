#include "codec/url.h"

#include <string.h>

#include "codec/hex.h"
#include "codec/utf8.h"

static const char hex_digits[] = "0123456789ABCDEF";

/* Where decoding has something to do; text.len when it has nothing. */
static size_t find_coded(struct str text, bool plus_is_space)
{
	size_t at = 0;
	while (at < text.len && text.ptr[at] != '%' && (text.ptr[at] != '+' || !plus_is_space)) {
		at++;
	}
	return at;
}

/* The checks come after the decoding: an escape may be half of a code point, or a NUL. */
static bool accept(struct str text, struct str *ret_text)
{
	if (str_find(text, '\0', 0) != text.len || utf8_check(text) != text.len) {
		return false;
	}
	*ret_text = text;
	return true;
}

static bool decode(struct str text, bool plus_is_space, struct arena *arena, struct str *ret_text)
{
	size_t from = find_coded(text, plus_is_space);
	if (from == text.len) {
		return accept(text, ret_text);
	}
	char *bytes = arena_bytes(arena, text.len);
	size_t len = from;
	memcpy(bytes, text.ptr, from);
	for (size_t i = from; i < text.len; i++) {
		char c = text.ptr[i];
		if (c == '%') {
			int high = text.len - i > 2 ? hex_value(text.ptr[i + 1]) : -1;
			int low = text.len - i > 2 ? hex_value(text.ptr[i + 2]) : -1;
			if (high < 0 || low < 0) {
				return false;
			}
			c = (char)(unsigned char)(high << 4 | low);
			i += 2;
		} else if (c == '+' && plus_is_space) {
			c = ' ';
		}
		bytes[len++] = c;
	}
	return accept((struct str){bytes, len}, ret_text);
}

bool url_decode_segment(struct str text, struct arena *arena, struct str *ret_text)
{
	return decode(text, false, arena, ret_text);
}

bool url_decode_query(struct str text, struct arena *arena, struct str *ret_text)
{
	return decode(text, true, arena, ret_text);
}

bool url_next_pair(struct str *rest, struct str *ret_name, struct str *ret_value,
				   bool *ret_has_value)
{
	while (rest->len > 0) {
		struct str pair = str_split(rest, '&');
		if (pair.len == 0) {
			continue;
		}
		size_t equals = str_find(pair, '=', 0);
		*ret_name = str_slice(pair, 0, equals);
		*ret_value = str_slice(pair, equals + 1, pair.len);
		*ret_has_value = equals < pair.len;
		return true;
	}
	return false;
}

static bool is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
		c == '.' || c == '_' || c == '~';
}

void url_encode(struct buf *buf, struct str text)
{
	size_t plain = 0; /* where the bytes begin that are written as they are */
	for (size_t i = 0; i < text.len; i++) {
		if (is_unreserved(text.ptr[i])) {
			continue;
		}
		unsigned char byte = (unsigned char)text.ptr[i];
		const char escape[] = {'%', hex_digits[byte >> 4], hex_digits[byte & 15]};
		buf_append(buf, str_slice(text, plain, i));
		buf_append(buf, (struct str){escape, sizeof(escape)});
		plain = i + 1;
	}
	buf_append(buf, str_slice(text, plain, text.len));
}
