/*
 * UUIDs (RFC 9562): random version 4, and version 7, whose order is the order of their making.
 *
 * Ownership: the caller's. Threads: all. Errors: uuid_parse() is false. Limits: none.
 */
#ifndef ROWLOCK_CODEC_UUID_H
#define ROWLOCK_CODEC_UUID_H

#include "base/clock.h"
#include "base/str.h"

#define UUID_TEXT_LEN 36

struct uuid {
	uint8_t bytes[16];
};

struct uuid uuid_v4(void);
struct uuid uuid_v7(const struct clock *clock);
/* 36 characters, hexadecimal digits of either case. */
bool uuid_parse(struct str text, struct uuid *ret_uuid);
/* 36 lower-case characters, no NUL. */
void uuid_write(const struct uuid *uuid, char ret_text[UUID_TEXT_LEN]);

#endif
