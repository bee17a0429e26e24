/*
 * One hexadecimal digit, of either case.
 *
 * Ownership: none. Threads: all. Errors: -1. Limits: none.
 */
#ifndef ROWLOCK_CODEC_HEX_H
#define ROWLOCK_CODEC_HEX_H

/* 0 to 15; -1 when it is none. */
static inline int hex_value(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	if (c >= 'a' && c <= 'f') {
		return c - 'a' + 10;
	}
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

#endif
