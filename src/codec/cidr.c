#include "codec/cidr.h"

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

enum { V4_AT = 12, V6_BITS = 128, V4_FROM_BITS = 96 };

static const unsigned char v4_prefix[V4_AT] = {[10] = 0xff, [11] = 0xff};

/* inet_pton() wants a NUL behind the text. */
static bool parse(int family, struct str text, void *ret_bytes)
{
	char copy[INET6_ADDRSTRLEN];
	if (text.len >= sizeof(copy) || memchr(text.ptr, '\0', text.len) != NULL) {
		return false;
	}
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	return inet_pton(family, copy, ret_bytes) == 1;
}

bool ip_parse(struct str text, struct ip *ret_ip)
{
	struct ip ip;
	if (text.len == 0) {
		return false;
	}
	memcpy(ip.bytes, v4_prefix, V4_AT);
	if (!parse(AF_INET, text, ip.bytes + V4_AT) && !parse(AF_INET6, text, ip.bytes)) {
		return false;
	}
	*ret_ip = ip;
	return true;
}

static bool is_number(struct str text, unsigned most, unsigned *ret_number)
{
	unsigned number = 0;
	for (size_t i = 0; i < text.len; i++) {
		bool digit = text.ptr[i] >= '0' && text.ptr[i] <= '9';
		bool leading = i > 0 && text.ptr[0] == '0';
		number = digit ? number * 10 + (unsigned)(text.ptr[i] - '0') : most + 1;
		if (leading || number > most) {
			return false;
		}
	}
	*ret_number = number;
	return text.len > 0;
}

bool ip_parse_with_port(struct str text, struct ip *ret_ip)
{
	unsigned port;
	size_t colon = str_find(text, ':', 0);
	bool bracket = str_starts_with(text, STR("["));
	size_t end = bracket ? str_find(text, ']', 0) : text.len;
	if (bracket) {
		struct str rest = str_slice(text, end + 1, text.len);
		struct str host = str_slice(text, 1, end);
		return end < text.len && str_find(host, ':', 0) < host.len && ip_parse(host, ret_ip) &&
			(rest.len == 0 ||
			 (rest.ptr[0] == ':' && is_number(str_slice(rest, 1, rest.len), 65535, &port)));
	}
	bool one_colon = colon < text.len && str_find(text, ':', colon + 1) == text.len;
	if (one_colon) {
		return is_number(str_slice(text, colon + 1, text.len), 65535, &port) &&
			ip_parse(str_slice(text, 0, colon), ret_ip);
	}
	return ip_parse(text, ret_ip);
}

void ip_format(const struct ip *ip, char ret_text[CIDR_TEXT_BYTES])
{
	bool v4 = memcmp(ip->bytes, v4_prefix, V4_AT) == 0;
	const char *text = inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? ip->bytes + V4_AT : ip->bytes,
								 ret_text, CIDR_TEXT_BYTES);
	assert(text != NULL);
	(void)text;
}

/* Are the first `bits` the same? */
static bool same_bits(const unsigned char *a, const unsigned char *b, unsigned bits)
{
	unsigned whole = bits / 8;
	unsigned rest = bits % 8;
	unsigned mask = 0xffu << (8 - rest);
	return memcmp(a, b, whole) == 0 && (rest == 0 || ((a[whole] ^ b[whole]) & mask & 0xff) == 0);
}

bool cidr_parse(struct str text, struct cidr *ret_cidr)
{
	struct cidr cidr;
	struct ip zero = {{0}};
	size_t slash = str_find(text, '/', 0);
	struct str host = str_slice(text, 0, slash);
	bool v6 = str_find(host, ':', 0) < host.len;
	unsigned most = v6 ? V6_BITS : V6_BITS - V4_FROM_BITS;
	cidr.bits = most;
	if (!ip_parse(host, &cidr.base) ||
		(slash < text.len && !is_number(str_slice(text, slash + 1, text.len), most, &cidr.bits))) {
		return false;
	}
	cidr.bits += v6 ? 0 : V4_FROM_BITS;
	memcpy(zero.bytes, cidr.base.bytes, cidr.bits / 8);
	if (cidr.bits % 8 != 0) {
		unsigned mask = 0xffu << (8 - cidr.bits % 8);
		zero.bytes[cidr.bits / 8] = (unsigned char)(cidr.base.bytes[cidr.bits / 8] & mask);
	}
	if (memcmp(zero.bytes, cidr.base.bytes, sizeof(zero.bytes)) != 0) {
		return false;
	}
	*ret_cidr = cidr;
	return true;
}

bool cidr_holds(const struct cidr *cidr, const struct ip *ip)
{
	return same_bits(cidr->base.bytes, ip->bytes, cidr->bits);
}
