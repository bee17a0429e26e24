/*
 * DESIGN. The crc32 instruction needs three cycles but can begin one each cycle. So three lanes of
 * LANE bytes run side by side; the remainders are joined by multiplying the earlier one with
 * x^(8 * LANE - 33) modulo the polynomial: carry-less, and the instruction itself then reduces the
 * 64 bit product, adding the 33.
 */
#include "crc.h"

#include <endian.h>
#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

static const uint32_t polynomial = 0x82f63b78; /* reflected */

uint32_t js_crc32c_plain(uint32_t before, const void *bytes, size_t count)
{
	/* Four bits at a time: a table of 16, made on the way, is cheap enough here. */
	uint32_t table[16];
	const unsigned char *next = bytes;
	uint32_t state = ~before;
	for (uint32_t i = 0; i < 16; i++) {
		uint32_t value = i;
		for (int bit = 0; bit < 4; bit++) {
			value = value >> 1 ^ (value & 1 ? polynomial : 0);
		}
		table[i] = value;
	}
	for (; count > 0; count--, next++) {
		state ^= *next;
		state = state >> 4 ^ table[state & 15];
		state = state >> 4 ^ table[state & 15];
	}
	return ~state;
}

#ifdef __x86_64__
enum { LANE = 336 };
static const uint32_t shift_one_lane = 0xa60ce07b;  /* x^(8 * 336 - 33) */
static const uint32_t shift_two_lanes = 0xcec3662e; /* x^(8 * 672 - 33) */

static inline uint64_t load64(const unsigned char *from)
{
	uint64_t word;
	memcpy(&word, from, sizeof(word));
	return word;
}

__attribute__((target("sse4.2,pclmul"))) static inline uint64_t shifted(uint64_t state, uint32_t by)
{
	__m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)state),
										   _mm_cvtsi64_si128((long long)by), 0);
	return _mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(product));
}

__attribute__((target("sse4.2,pclmul"))) static uint32_t crc32c_fast(uint32_t before,
																	 const unsigned char *next,
																	 size_t count)
{
	uint64_t a = ~before;
	for (; count >= 3 * LANE; count -= 3 * LANE, next += 3 * LANE) {
		uint64_t b = 0;
		uint64_t c = 0;
		for (size_t i = 0; i < LANE; i += 8) {
			a = _mm_crc32_u64(a, load64(next + i));
			b = _mm_crc32_u64(b, load64(next + LANE + i));
			c = _mm_crc32_u64(c, load64(next + 2 * LANE + i));
		}
		a = shifted(a, shift_two_lanes) ^ shifted(b, shift_one_lane) ^ c;
	}
	for (; count >= 8; count -= 8, next += 8) {
		a = _mm_crc32_u64(a, load64(next));
	}
	for (; count > 0; count--, next++) {
		a = _mm_crc32_u8((uint32_t)a, *next);
	}
	return ~(uint32_t)a;
}

uint32_t js_crc32c(uint32_t before, const void *bytes, size_t count)
{
	if (__builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul")) {
		return crc32c_fast(before, bytes, count);
	}
	return js_crc32c_plain(before, bytes, count);
}
#else
uint32_t js_crc32c(uint32_t before, const void *bytes, size_t count)
{
	return js_crc32c_plain(before, bytes, count);
}
#endif

void js_crc64_init(struct js_crc64 *crc)
{
	crc->state = ~(uint64_t)0;
	for (size_t i = 0; i < 256; i++) {
		uint64_t value = i;
		for (int bit = 0; bit < 8; bit++) {
			value = value >> 1 ^ (value & 1 ? 0xc96c5795d7870f42u : 0);
		}
		crc->tables[0][i] = value;
	}
	for (size_t i = 0; i < 256; i++) {
		for (size_t k = 1; k < 8; k++) {
			uint64_t last = crc->tables[k - 1][i];
			crc->tables[k][i] = last >> 8 ^ crc->tables[0][last & 255];
		}
	}
}

void js_crc64_add(struct js_crc64 *crc, const void *bytes, size_t count)
{
	const unsigned char *next = bytes;
	uint64_t state = crc->state;
	for (; count >= 8; count -= 8, next += 8) {
		uint64_t word;
		memcpy(&word, next, sizeof(word));
		word = le64toh(word) ^ state;
		state = 0;
		for (size_t i = 0; i < 8; i++) {
			state ^= crc->tables[7 - i][word >> (8 * i) & 255];
		}
	}
	for (; count > 0; count--, next++) {
		state = state >> 8 ^ crc->tables[0][(state ^ *next) & 255];
	}
	crc->state = state;
}

uint64_t js_crc64_value(const struct js_crc64 *crc)
{
	return ~crc->state;
}

static inline uint64_t rotate(uint64_t word, int bits)
{
	return word << bits | word >> (64 - bits);
}

static inline void sip_rounds(uint64_t v[4], int rounds)
{
	while (rounds-- > 0) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] = rotate(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] = rotate(v[2], 32);
	}
}

uint64_t js_siphash(const uint64_t key[2], const void *bytes, size_t count)
{
	const unsigned char *next = bytes;
	uint64_t v[4] = {
		key[0] ^ 0x736f6d6570736575u,
		key[1] ^ 0x646f72616e646f6du,
		key[0] ^ 0x6c7967656e657261u,
		key[1] ^ 0x7465646279746573u,
	};
	size_t left = count;
	for (; left >= 8; left -= 8, next += 8) {
		uint64_t word;
		memcpy(&word, next, sizeof(word));
		word = le64toh(word);
		v[3] ^= word;
		sip_rounds(v, 2);
		v[0] ^= word;
	}
	/* The last word: what is left, and the length in its highest byte. */
	uint64_t last = (uint64_t)count << 56;
	for (size_t i = 0; i < left; i++) {
		last |= (uint64_t)next[i] << (8 * i);
	}
	v[3] ^= last;
	sip_rounds(v, 2);
	v[0] ^= last;
	v[2] ^= 0xff;
	sip_rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
