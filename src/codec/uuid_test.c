#include "codec/uuid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void test_parse_and_write(void **state)
{
	(void)state;
	struct uuid uuid;
	char text[UUID_TEXT_LEN];
	assert_true(uuid_parse(STR("0123ABCD-ef89-4567-8901-23456789abcd"), &uuid));
	assert_memory_equal(uuid.bytes,
						"\x01\x23\xab\xcd\xef\x89\x45\x67\x89\x01\x23\x45\x67\x89\xab\xcd", 16);
	uuid_write(&uuid, text);
	assert_memory_equal(text, "0123abcd-ef89-4567-8901-23456789abcd", UUID_TEXT_LEN);
}

static void test_refused(void **state)
{
	static const struct str bad[] = {
		STR_INIT(""),
		STR_INIT("0123abcd-ef89-4567-8901-23456789abc"),
		STR_INIT("0123abcd-ef89-4567-8901-23456789abcde"),
		STR_INIT("0123abcdef89-4567-8901-23456789abcd-"),
		STR_INIT("0123abcd_ef89-4567-8901-23456789abcd"),
		STR_INIT("0123abcd-ef89-4567-8901-23456789abcg"),
		STR_INIT("0123abcd-ef89-4567-8901-23456789ab\0d"),
		STR_INIT("{123abcd-ef89-4567-8901-23456789abc}"),
		STR_INIT("0123abcdef8945678901234567890abcdef0"),
		STR_INIT("0123abcd-ef89-4567-89-123456789abcd0"),
	};
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct uuid uuid;
		if (uuid_parse(bad[i], &uuid)) {
			fail_msg("accepted: %.*s", STR_ARG(bad[i]));
		}
	}
}

static void assert_version(const struct uuid *uuid, char version)
{
	char text[UUID_TEXT_LEN];
	struct uuid again;
	uuid_write(uuid, text);
	assert_int_equal(text[14], version);
	assert_true(strchr("89ab", text[19]) != NULL);
	assert_true(uuid_parse((struct str){text, sizeof(text)}, &again));
	assert_memory_equal(uuid, &again, sizeof(again));
}

static void test_version_4(void **state)
{
	(void)state;
	struct uuid last = {{0}};
	for (int i = 0; i < 100; i++) {
		struct uuid uuid = uuid_v4();
		assert_version(&uuid, '4');
		assert_memory_not_equal(&uuid, &last, sizeof(uuid));
		last = uuid;
	}
}

struct fixed_clock {
	struct clock clock;
	int64_t wall_us;
};

static int64_t fixed_wall_us(const struct clock *clock)
{
	return ((const struct fixed_clock *)(const void *)clock)->wall_us;
}

static void test_version_7(void **state)
{
	(void)state;
	/* The time of the example in RFC 9562, A.6: 17F22E279B0 milliseconds. */
	struct fixed_clock fixed = {
		.clock = {.wall_us = fixed_wall_us},
		.wall_us = INT64_C(0x017f22e279b0) * 1000,
	};
	struct uuid uuid = uuid_v7(&fixed.clock);
	assert_version(&uuid, '7');
	assert_memory_equal(uuid.bytes, "\x01\x7f\x22\xe2\x79\xb0\x70\x00", 8);
	struct uuid last = uuid;
	for (int i = 0; i < 3000; i++) {
		fixed.wall_us++;
		uuid = uuid_v7(&fixed.clock);
		assert_version(&uuid, '7');
		assert_true(memcmp(&last, &uuid, sizeof(uuid)) < 0);
		last = uuid;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_and_write),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_version_4),
		cmocka_unit_test(test_version_7),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
