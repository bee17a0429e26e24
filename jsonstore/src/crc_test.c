#include "crc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

/* The check values of the catalogue of CRC algorithms, and one of SipHash's authors. */
static void test_known(void **state)
{
	static const uint64_t key[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
	static const unsigned char zeros[32] = {0};
	struct js_crc64 *crc = malloc(sizeof(*crc));
	(void)state;
	assert_non_null(crc);
	assert_int_equal(js_crc32c(0, "123456789", 9), 0xe3069283);
	assert_int_equal(js_crc32c(0, zeros, sizeof(zeros)), 0x8a9136aa);
	js_crc64_init(crc);
	js_crc64_add(crc, "123456789", 9);
	assert_int_equal(js_crc64_value(crc), 0x995dc9bbdf1939fa);
	assert_int_equal(js_siphash(key, "\0\1\2", 3), 0x85676696d7fb7e2d);
	free(crc);
}

/* Both ways are the same for every length around the lanes, in one piece and in two. */
static void test_ways(void **state)
{
	enum { BYTES = 3 * 1008 + 20 };
	static unsigned char bytes[BYTES];
	uint32_t random = 1;
	(void)state;
	for (size_t i = 0; i < BYTES; i++) {
		random = random * 1664525 + 1013904223;
		bytes[i] = (unsigned char)(random >> 24);
	}
	for (size_t count = 0; count <= BYTES; count += count < 40 ? 1 : 7) {
		uint32_t want = js_crc32c_plain(0, bytes, count);
		assert_int_equal(js_crc32c(0, bytes, count), want);
		uint32_t half = js_crc32c(0, bytes, count / 2);
		assert_int_equal(js_crc32c(half, bytes + count / 2, count - count / 2), want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_ways),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
