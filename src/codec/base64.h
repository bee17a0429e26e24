/*
 * base64url without padding (RFC 4648, 5).
 *
 * Ownership: decoded bytes are arena. Threads: all. Errors: false for any other text, also for
 * bits that are not zero behind the last byte. Limits: none.
 */
#ifndef ROWLOCK_CODEC_BASE64_H
#define ROWLOCK_CODEC_BASE64_H

#include "base/arena.h"
#include "base/buf.h"

void base64url_write(struct buf *buf, struct str bytes);
bool base64url_decode(struct str text, struct arena *arena, struct str *ret_bytes);

#endif
