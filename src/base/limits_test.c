#include "base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void test_each_at_its_limit_and_one_above(void **state)
{
	(void)state;
	struct limits limits;
	struct error error;
	limits_init(&limits);
#define X(field, value, min, max, what)                                                            \
	do {                                                                                           \
		const int64_t least = (int64_t)(min);                                                      \
		const int64_t most = (int64_t)(max);                                                       \
		assert_int_equal(limits.field, value);                                                     \
		assert_true(limits_set(&limits, STR(#field), least, &error));                              \
		assert_int_equal(limits.field, least);                                                     \
		assert_false(limits_set(&limits, STR(#field), least - 1, &error));                         \
		assert_int_equal(error.code, ERROR_CONFIG);                                                \
		assert_true(limits_set(&limits, STR(#field), most, &error));                               \
		assert_int_equal(limits.field, most);                                                      \
		/* Above the largest number there is only a negative one, refused as well. */              \
		assert_false(limits_set(&limits, STR(#field), (int64_t)((uint64_t)most + 1), &error));     \
		assert_int_equal(limits.field, most);                                                      \
	} while (0);
	LIMITS_TABLE(X)
#undef X
}

static void test_hints(void **state)
{
	(void)state;
	struct limits limits;
	struct error error;
	limits_init(&limits);
	assert_false(limits_set(&limits, STR("reed_ms"), 1, &error));
	assert_string_equal(error.message, "there is no limit named 'reed_ms'");
	assert_string_equal(error.hint, "did you mean 'read_ms'?");
	assert_false(limits_set(&limits, STR("json_depth"), 513, &error));
	assert_string_equal(error.message, "limit 'json_depth' cannot be 513");
	assert_string_equal(error.hint, "it is a number from 1 to 512");
	assert_false(limits_set(&limits, STR(""), 513, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_at_its_limit_and_one_above),
		cmocka_unit_test(test_hints),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
