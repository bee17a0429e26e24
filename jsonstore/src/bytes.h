/*
 * Whole numbers in files: little endian, at any address.
 *
 * Ownership: nothing is kept. Threads: any. Errors: none. Limits: none.
 */
#ifndef JSONSTORE_SRC_BYTES_H
#define JSONSTORE_SRC_BYTES_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline void js_put16(void *to, uint16_t value)
{
	value = htole16(value);
	memcpy(to, &value, sizeof(value));
}

static inline void js_put32(void *to, uint32_t value)
{
	value = htole32(value);
	memcpy(to, &value, sizeof(value));
}

static inline void js_put64(void *to, uint64_t value)
{
	value = htole64(value);
	memcpy(to, &value, sizeof(value));
}

static inline uint16_t js_get16(const void *from)
{
	uint16_t value;
	memcpy(&value, from, sizeof(value));
	return le16toh(value);
}

static inline uint32_t js_get32(const void *from)
{
	uint32_t value;
	memcpy(&value, from, sizeof(value));
	return le32toh(value);
}

static inline uint64_t js_get64(const void *from)
{
	uint64_t value;
	memcpy(&value, from, sizeof(value));
	return le64toh(value);
}

#endif
