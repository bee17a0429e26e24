#include "codec/uuid.h"

#include "codec/hex.h"

static void set_version(struct uuid *uuid, unsigned version)
{
	uuid->bytes[6] = (uint8_t)((uuid->bytes[6] & 0x0f) | version << 4);
	uuid->bytes[8] = (uint8_t)((uuid->bytes[8] & 0x3f) | 0x80);
}

struct uuid uuid_v4(void)
{
	struct uuid uuid;
	random_bytes(uuid.bytes, sizeof(uuid.bytes));
	set_version(&uuid, 4);
	return uuid;
}

struct uuid uuid_v7(const struct clock *clock)
{
	/* 48 bits of milliseconds, then the microseconds in the 12 bits behind them (RFC 9562, 6.2,
	 * method 3), scaled to use all of those: two of one millisecond are in order too. */
	uint64_t us = (uint64_t)clock->wall_us(clock);
	uint64_t ms = us / 1000;
	uint64_t fraction = us % 1000 * 4096 / 1000;

	struct uuid uuid;
	random_bytes(uuid.bytes + 8, sizeof(uuid.bytes) - 8);
	for (int i = 0; i < 6; i++) {
		uuid.bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
	}
	uuid.bytes[6] = (uint8_t)(fraction >> 8);
	uuid.bytes[7] = (uint8_t)fraction;
	set_version(&uuid, 7);
	return uuid;
}

static bool is_dash(size_t at)
{
	return at == 8 || at == 13 || at == 18 || at == 23;
}

bool uuid_parse(struct str text, struct uuid *ret_uuid)
{
	struct uuid uuid;
	size_t byte = 0;
	if (text.len != UUID_TEXT_LEN) {
		return false;
	}
	for (size_t at = 0; at < UUID_TEXT_LEN;) {
		if (is_dash(at)) {
			if (text.ptr[at] != '-') {
				return false;
			}
			at++;
			continue;
		}
		int high = hex_value(text.ptr[at]);
		int low = hex_value(text.ptr[at + 1]);
		if (high < 0 || low < 0) {
			return false;
		}
		uuid.bytes[byte++] = (uint8_t)(high << 4 | low);
		at += 2;
	}
	*ret_uuid = uuid;
	return true;
}

void uuid_write(const struct uuid *uuid, char ret_text[UUID_TEXT_LEN])
{
	static const char hex[] = "0123456789abcdef";
	size_t at = 0;
	for (size_t i = 0; i < sizeof(uuid->bytes); i++) {
		if (is_dash(at)) {
			ret_text[at++] = '-';
		}
		ret_text[at++] = hex[uuid->bytes[i] >> 4];
		ret_text[at++] = hex[uuid->bytes[i] & 15];
	}
}
