/*
 * UTF-8 (RFC 3629): strict checking and counting.
 *
 * Ownership: none. Threads: all. Errors: offsets. Limits: none.
 */
#ifndef ROWLOCK_CODEC_UTF8_H
#define ROWLOCK_CODEC_UTF8_H

#include "base/str.h"

/* The offset of the first byte that is not part of well-formed UTF-8; text.len when all is. */
size_t utf8_check(struct str text);
/* Code points of well-formed text. */
size_t utf8_length(struct str text);
/* Bytes (1 to 4) of the well-formed sequence at text.ptr[at], at < text.len; 0: there is none. */
size_t utf8_sequence(struct str text, size_t at);
/* Writes a code point that is no surrogate, up to 0x10FFFF; returns how many bytes. */
size_t utf8_write(char ret_bytes[4], uint32_t code);

#endif
