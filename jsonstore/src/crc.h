/*
 * Checksums: CRC-32C (Castagnoli) of frames, pages and records, CRC-64/XZ of whole files; and
 * SipHash-2-4, the hash of the index, under the folder's own key.
 *
 * Ownership: nothing is kept. Threads: any. Errors: none. Limits: none.
 */
#ifndef JSONSTORE_SRC_CRC_H
#define JSONSTORE_SRC_CRC_H

#include <stddef.h>
#include <stdint.h>

/* Continues `before`, which is 0 at the beginning. */
uint32_t js_crc32c(uint32_t before, const void *bytes, size_t count);
/* The same without the processor's help; for tests and for processors without. */
uint32_t js_crc32c_plain(uint32_t before, const void *bytes, size_t count);

/* Slicing by 8 (Kounavis, Berry 2008). The tables are part of it: there are no globals. */
struct js_crc64 {
	uint64_t state;
	uint64_t tables[8][256];
};

void js_crc64_init(struct js_crc64 *crc);
void js_crc64_add(struct js_crc64 *crc, const void *bytes, size_t count);
uint64_t js_crc64_value(const struct js_crc64 *crc);

/* Aumasson, Bernstein 2012. */
uint64_t js_siphash(const uint64_t key[2], const void *bytes, size_t count);

#endif
