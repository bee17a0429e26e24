#include "json.h"

struct reader {
	const char *next;
	const char *end;
	const char *what;
	bool more; /* `what` is only that the text ends here */
	bool last;
	bool spaced;
};

static bool bad(struct reader *reader, const char *what)
{
	reader->what = what;
	return false;
}

static bool ends(struct reader *reader, const char *what)
{
	reader->more = true;
	return bad(reader, what);
}

/* Bytes of the UTF-8 character at `next`, 0 when it is none, -1 when the text ends within it. */
static int utf8_length(const unsigned char *next, const unsigned char *end)
{
	/* Unicode 15, table 3-7: the second byte's range depends on the first. */
	unsigned first = next[0];
	unsigned low = 0x80;
	unsigned high = 0xbf;
	int length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	if (first < 0xc2 || first > 0xf4) {
		return 0;
	}
	if (first == 0xe0) {
		low = 0xa0;
	} else if (first == 0xed) {
		high = 0x9f;
	} else if (first == 0xf0) {
		low = 0x90;
	} else if (first == 0xf4) {
		high = 0x8f;
	}
	for (int i = 1; i < length; i++) {
		if (next + i == end) {
			return -1;
		}
		if (next[i] < low || next[i] > high) {
			return 0;
		}
		low = 0x80;
		high = 0xbf;
	}
	return length;
}

/* Four hexadecimal digits; -1: they are none. */
static int hex4(const char *digits)
{
	int value = 0;
	for (int i = 0; i < 4; i++) {
		char digit = digits[i];
		int add;
		if (digit >= '0' && digit <= '9') {
			add = digit - '0';
		} else if (digit >= 'a' && digit <= 'f') {
			add = digit - 'a' + 10;
		} else if (digit >= 'A' && digit <= 'F') {
			add = digit - 'A' + 10;
		} else {
			return -1;
		}
		value = value * 16 + add;
	}
	return value;
}

static bool read_unicode(struct reader *reader)
{
	/* At the u. */
	if (reader->end - reader->next < 5) {
		return ends(reader, "a string is not closed");
	}
	int unit = hex4(reader->next + 1);
	if (unit < 0) {
		return bad(reader, "\\u needs four hexadecimal digits");
	}
	if (unit >= 0xdc00 && unit <= 0xdfff) {
		return bad(reader, "half of a surrogate pair");
	}
	if (unit >= 0xd800 && unit <= 0xdbff) {
		if (reader->end - reader->next < 11) {
			return ends(reader, "half of a surrogate pair");
		}
		int second = reader->next[5] == '\\' && reader->next[6] == 'u' ? hex4(reader->next + 7)
																	   : -1;
		if (second < 0xdc00 || second > 0xdfff) {
			return bad(reader, "half of a surrogate pair");
		}
		reader->next += 6;
	}
	reader->next += 5;
	return true;
}

static bool read_string(struct reader *reader)
{
	reader->next++;
	while (reader->next < reader->end) {
		unsigned char byte = (unsigned char)*reader->next;
		if (byte == '"') {
			reader->next++;
			return true;
		}
		if (byte < 0x20) {
			return bad(reader, "a control character in a string");
		}
		if (byte == '\\') {
			if (reader->next + 1 == reader->end) {
				break;
			}
			reader->next++;
			if (*reader->next == 'u') {
				if (!read_unicode(reader)) {
					return false;
				}
			} else if (memchr("\"\\/bfnrt", *reader->next, 8) != NULL) {
				reader->next++;
			} else {
				return bad(reader, "no such escape");
			}
		} else if (byte < 0x80) {
			reader->next++;
		} else {
			int length = utf8_length((const unsigned char *)reader->next,
									 (const unsigned char *)reader->end);
			if (length <= 0) {
				return length < 0 ? ends(reader, "not UTF-8") : bad(reader, "not UTF-8");
			}
			reader->next += length;
		}
	}
	return ends(reader, "a string is not closed");
}

static bool digits(struct reader *reader)
{
	const char *begin = reader->next;
	while (reader->next < reader->end && *reader->next >= '0' && *reader->next <= '9') {
		reader->next++;
	}
	if (reader->next > begin) {
		return true;
	}
	if (reader->next == reader->end) {
		return ends(reader, "a digit is missing");
	}
	return bad(reader, "a digit is missing");
}

static bool read_number(struct reader *reader)
{
	if (*reader->next == '-') {
		reader->next++;
	}
	if (reader->next < reader->end && *reader->next == '0') {
		reader->next++;
	} else if (!digits(reader)) {
		return false;
	}
	if (reader->next < reader->end && *reader->next == '.') {
		reader->next++;
		if (!digits(reader)) {
			return false;
		}
	}
	if (reader->next < reader->end && (*reader->next | 0x20) == 'e') {
		reader->next++;
		if (reader->next < reader->end && (*reader->next == '+' || *reader->next == '-')) {
			reader->next++;
		}
		if (!digits(reader)) {
			return false;
		}
	}
	/* More digits may follow in the next block. */
	return reader->next < reader->end || reader->last || ends(reader, "the value is not whole");
}

static bool read_word(struct reader *reader, const char *word)
{
	for (; *word != '\0'; word++, reader->next++) {
		if (reader->next == reader->end) {
			return ends(reader, "the value is not whole");
		}
		if (*reader->next != *word) {
			return bad(reader, "no JSON value");
		}
	}
	return true;
}

static bool read_scalar(struct reader *reader)
{
	switch (*reader->next) {
	case '"':
		return read_string(reader);
	case 't':
		return read_word(reader, "true");
	case 'f':
		return read_word(reader, "false");
	case 'n':
		return read_word(reader, "null");
	case '-':
	case '0':
	case '1':
	case '2':
	case '3':
	case '4':
	case '5':
	case '6':
	case '7':
	case '8':
	case '9':
		return read_number(reader);
	default:
		return bad(reader, "no JSON value");
	}
}

/* False at the end of the text. */
static bool skip_space(struct reader *reader)
{
	while (reader->next < reader->end && js_is_space(*reader->next)) {
		reader->next++;
		reader->spaced = true;
	}
	return reader->next < reader->end || ends(reader, "the value is not whole");
}

/* The name of a member and its colon. */
static bool read_name(struct reader *reader)
{
	if (!skip_space(reader)) {
		return false;
	}
	if (*reader->next != '"') {
		return bad(reader, "a member's name is missing");
	}
	if (!read_string(reader) || !skip_space(reader)) {
		return false;
	}
	if (*reader->next != ':') {
		return bad(reader, "a colon is missing");
	}
	reader->next++;
	return skip_space(reader);
}

/*
 * The containers around the place are bits of `kinds`, the innermost lowest, 1 for an object. One
 * round reads a scalar or an opening bracket, and then what may follow it.
 */
static bool read_value(struct reader *reader)
{
	uint64_t kinds = 0;
	unsigned depth = 0;
	for (;;) {
		char byte = *reader->next;
		if (byte == '{' || byte == '[') {
			bool object = byte == '{';
			if (depth == JSONSTORE_DEPTH_MAX) {
				return bad(reader, "too many arrays and objects within each other");
			}
			kinds = kinds << 1 | (object ? 1 : 0);
			depth++;
			reader->next++;
			if (!skip_space(reader)) {
				return false;
			}
			if (*reader->next != (object ? '}' : ']')) {
				if (object && !read_name(reader)) {
					return false;
				}
				continue;
			}
			reader->next++;
			kinds >>= 1;
			depth--;
		} else if (!read_scalar(reader)) {
			return false;
		}
		for (;;) {
			if (depth == 0) {
				return true;
			}
			if (!skip_space(reader)) {
				return false;
			}
			if (*reader->next == ',') {
				reader->next++;
				break;
			}
			if (*reader->next != ((kinds & 1) != 0 ? '}' : ']')) {
				return bad(reader, "a comma or a closing bracket is missing");
			}
			reader->next++;
			kinds >>= 1;
			depth--;
		}
		if ((kinds & 1) != 0 ? !read_name(reader) : !skip_space(reader)) {
			return false;
		}
	}
}

enum js_scan js_json_scan(const char *text, const char *end, bool last, struct js_scanned *ret)
{
	struct reader reader = {.next = text, .end = end, .last = last};
	bool good = text < end ? read_value(&reader) : ends(&reader, "a value is missing");
	*ret = (struct js_scanned){reader.next, reader.next, reader.what, reader.spaced};
	if (good) {
		return JS_SCAN_GOOD;
	}
	return reader.more && !last ? JS_SCAN_MORE : JS_SCAN_BAD;
}

bool js_json_check(struct js_span text, struct js_scanned *ret)
{
	const char *next = text.ptr;
	const char *end = text.ptr + text.len;
	while (next < end && js_is_space(*next)) {
		next++;
	}
	if (js_json_scan(next, end, true, ret) != JS_SCAN_GOOD) {
		return false;
	}
	for (next = ret->end; next < end && js_is_space(*next); next++) {
	}
	if (next < end) {
		ret->at = next;
		ret->what = "something follows the value";
		return false;
	}
	return true;
}

struct js_span js_json_trim(struct js_span text)
{
	while (text.len > 0 && js_is_space(text.ptr[0])) {
		text.ptr++;
		text.len--;
	}
	while (text.len > 0 && js_is_space(text.ptr[text.len - 1])) {
		text.len--;
	}
	return text;
}

/* Behind the string that begins at `next`. */
static const char *skip_string(const char *next, const char *end)
{
	for (next++; next < end && *next != '"'; next++) {
		if (*next == '\\') {
			next++;
		}
	}
	return next < end ? next + 1 : end;
}

size_t js_json_squeeze(struct js_span value, char *to)
{
	const char *next = value.ptr;
	const char *end = value.ptr + value.len;
	char *begin = to;
	while (next < end) {
		if (*next == '"') {
			const char *behind = skip_string(next, end);
			memmove(to, next, (size_t)(behind - next));
			to += behind - next;
			next = behind;
		} else {
			if (!js_is_space(*next)) {
				*to++ = *next;
			}
			next++;
		}
	}
	return (size_t)(to - begin);
}

static const char *skip_value(const char *next, const char *end)
{
	unsigned depth = 0;
	while (next < end) {
		char byte = *next;
		if (byte == '"') {
			next = skip_string(next, end);
		} else if (byte == '{' || byte == '[') {
			depth++;
			next++;
		} else if (depth > 0 && (byte == '}' || byte == ']')) {
			depth--;
			next++;
		} else if (depth == 0) {
			while (next < end && memchr(",}] \n\r\t", *next, 7) == NULL) {
				next++;
			}
		} else {
			next++;
		}
		if (depth == 0) {
			break;
		}
	}
	return next;
}

static const char *skip_blank(const char *next, const char *end)
{
	while (next < end && js_is_space(*next)) {
		next++;
	}
	return next;
}

bool js_json_member(struct js_span *rest, struct js_member *ret)
{
	const char *end = rest->ptr + rest->len;
	const char *next = skip_blank(rest->ptr, end);
	if (next < end && (*next == '{' || *next == ',')) {
		next = skip_blank(next + 1, end);
	}
	if (next == end || *next != '"') {
		return false;
	}
	const char *behind = skip_string(next, end);
	ret->name = (struct js_span){next + 1, (size_t)(behind - next) - 2};
	next = skip_blank(behind, end);
	next = skip_blank(next + 1, end);
	behind = skip_value(next, end);
	ret->value = (struct js_span){next, (size_t)(behind - next)};
	*rest = (struct js_span){behind, (size_t)(end - behind)};
	return true;
}

static size_t put_utf8(unsigned code, char *to)
{
	if (code < 0x80) {
		to[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		to[0] = (char)(0xc0 | code >> 6);
		to[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		to[0] = (char)(0xe0 | code >> 12);
		to[1] = (char)(0x80 | (code >> 6 & 0x3f));
		to[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	}
	to[0] = (char)(0xf0 | code >> 18);
	to[1] = (char)(0x80 | (code >> 12 & 0x3f));
	to[2] = (char)(0x80 | (code >> 6 & 0x3f));
	to[3] = (char)(0x80 | (code & 0x3f));
	return 4;
}

static char plain_of(char escape)
{
	switch (escape) {
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	default:
		return escape;
	}
}

size_t js_json_unescape(struct js_span raw, char *to)
{
	char *begin = to;
	for (size_t i = 0; i < raw.len;) {
		if (raw.ptr[i] != '\\') {
			*to++ = raw.ptr[i++];
		} else if (raw.ptr[i + 1] != 'u') {
			*to++ = plain_of(raw.ptr[i + 1]);
			i += 2;
		} else {
			unsigned code = (unsigned)hex4(raw.ptr + i + 2);
			i += 6;
			if (code >= 0xd800 && code <= 0xdbff) {
				unsigned low = (unsigned)hex4(raw.ptr + i + 2);
				code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
				i += 6;
			}
			to += put_utf8(code, to);
		}
	}
	return (size_t)(to - begin);
}

bool js_json_is_name(struct js_span raw, struct js_span name)
{
	if (memchr(raw.ptr, '\\', raw.len) == NULL) {
		return js_span_equal(raw, name);
	}
	/* Escaped it is at most six times as long; the names that are asked for are short. */
	char decoded[6 * JSONSTORE_KEY_MAX];
	if (raw.len > sizeof(decoded)) {
		return false;
	}
	return js_span_equal((struct js_span){decoded, js_json_unescape(raw, decoded)}, name);
}

bool js_json_same_name(struct js_span a, struct js_span b)
{
	char decoded[6 * JSONSTORE_KEY_MAX];
	if (memchr(b.ptr, '\\', b.len) == NULL) {
		return js_json_is_name(a, b);
	}
	if (b.len > sizeof(decoded)) {
		return js_span_equal(a, b);
	}
	return js_json_is_name(a, (struct js_span){decoded, js_json_unescape(b, decoded)});
}
