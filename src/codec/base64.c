#include "codec/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* The six bits of a character; more than 63 when it is none of the alphabet. */
static uint32_t value_of(char c)
{
	if (c >= 'A' && c <= 'Z') {
		return (uint32_t)(c - 'A');
	}
	if (c >= 'a' && c <= 'z') {
		return (uint32_t)(c - 'a' + 26);
	}
	if (c >= '0' && c <= '9') {
		return (uint32_t)(c - '0' + 52);
	}
	if (c == '-') {
		return 62;
	}
	return c == '_' ? 63 : 64;
}

void base64url_write(struct buf *buf, struct str bytes)
{
	const unsigned char *in = (const unsigned char *)bytes.ptr;
	size_t i = 0;
	for (; bytes.len - i >= 3; i += 3) {
		uint32_t bits = (uint32_t)in[i] << 16 | (uint32_t)in[i + 1] << 8 | in[i + 2];
		const char four[] = {alphabet[bits >> 18], alphabet[bits >> 12 & 63],
							 alphabet[bits >> 6 & 63], alphabet[bits & 63]};
		buf_append(buf, (struct str){four, 4});
	}
	if (bytes.len - i == 2) {
		uint32_t bits = (uint32_t)in[i] << 16 | (uint32_t)in[i + 1] << 8;
		const char three[] = {alphabet[bits >> 18], alphabet[bits >> 12 & 63],
							  alphabet[bits >> 6 & 63]};
		buf_append(buf, (struct str){three, 3});
	} else if (bytes.len - i == 1) {
		const char two[] = {alphabet[in[i] >> 2], alphabet[(in[i] & 3) << 4]};
		buf_append(buf, (struct str){two, 2});
	}
}

bool base64url_decode(struct str text, struct arena *arena, struct str *ret_bytes)
{
	/* Four characters are three bytes; a rest of one would be six bits of a byte. */
	size_t rest = text.len % 4;
	if (rest == 1) {
		return false;
	}
	size_t len = text.len / 4 * 3 + (rest == 0 ? 0 : rest - 1);
	char *bytes = arena_bytes(arena, len);
	size_t written = 0;
	uint32_t bits = 0;
	int count = 0; /* bits that are waiting, the lowest of `bits` */
	for (size_t i = 0; i < text.len; i++) {
		uint32_t value = value_of(text.ptr[i]);
		if (value > 63) {
			return false;
		}
		bits = bits << 6 | value;
		count += 6;
		if (count >= 8) {
			count -= 8;
			bytes[written++] = (char)(unsigned char)(bits >> count);
		}
	}
	/* One text for one value: a token must have no second spelling. */
	if ((bits & ((1u << count) - 1)) != 0) {
		return false;
	}
	*ret_bytes = (struct str){bytes, len};
	return true;
}
