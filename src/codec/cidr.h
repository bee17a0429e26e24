/*
 * Addresses and blocks of addresses (RFC 4632, RFC 4291), as people and proxies write them. An IPv4
 * address and the IPv6 address that stands for it (::ffff:192.0.2.1) are the same.
 *
 * Ownership, Threads: plain data. Errors: false. Limits: none.
 */
#ifndef ROWLOCK_CODEC_CIDR_H
#define ROWLOCK_CODEC_CIDR_H

#include "base/str.h"

enum { CIDR_TEXT_BYTES = 48 };

struct ip {
	unsigned char bytes[16]; /* IPv4: ::ffff:a.b.c.d */
};

struct cidr {
	struct ip base;
	unsigned bits; /* that count; of IPv4: 96 more than written */
};

/* `ADDRESS`. Nothing is looked up. */
bool ip_parse(struct str text, struct ip *ret_ip);
/* `ADDRESS`, `ADDRESS:PORT` of IPv4, `[ADDRESS]` or `[ADDRESS]:PORT` of IPv6. */
bool ip_parse_with_port(struct str text, struct ip *ret_ip);
void ip_format(const struct ip *ip, char ret_text[CIDR_TEXT_BYTES]);
/* `ADDRESS` or `ADDRESS/BITS`; behind the bits all must be zero. */
bool cidr_parse(struct str text, struct cidr *ret_cidr);
bool cidr_holds(const struct cidr *cidr, const struct ip *ip);

#endif
