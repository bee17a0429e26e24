/* What is read back is what was written, and anything else is nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "cache/redis_priv.h"

#define L __LINE__

static const struct {
	int line;
	const char *secret;
	const char *key;
	struct cached_answer answer;
} rows[] = {
	{L,
	 "0123456789abcdef",
	 "key",
	 {200, false, STR_INIT("a/b"), STR_INIT("X: 1\r\n"), STR_INIT("[]")}},
	{L, "0123456789abcdef", "", {404, true, STR_INIT(""), STR_INIT(""), STR_INIT("")}},
	{L, "s", "k", {206, false, STR_INIT(""), STR_INIT(""), STR_INIT("a\0b")}},
	{L, "s", "RLC1", {200, false, STR_INIT("t"), STR_INIT("f\r\n"), STR_INIT("RLC1RLC1RLC1")}},
};

static bool is_same(const struct cached_answer *a, const struct cached_answer *b)
{
	return a->status == b->status && a->missing == b->missing &&
		str_equal(a->content_type, b->content_type) && str_equal(a->fields, b->fields) &&
		str_equal(a->body, b->body);
}

/* Each byte changed, each length but the whole: none is taken. */
static void check_damage(size_t row, struct str value)
{
	struct str secret = str_from(rows[row].secret);
	struct str key = str_from(rows[row].key);
	struct cached_answer answer;
	char *copy = alloc_bytes(value.len + 1);
	memcpy(copy, value.ptr, value.len);
	copy[value.len] = 0;
	for (size_t i = 0; i < value.len; i++) {
		copy[i] = (char)(copy[i] ^ 1);
		if (redis_value_read(secret, key, (struct str){copy, value.len}, &answer)) {
			fail_msg("line %d: byte %zu", rows[row].line, i);
		}
		copy[i] = (char)(copy[i] ^ 1);
		if (redis_value_read(secret, key, (struct str){copy, i}, &answer)) {
			fail_msg("line %d: %zu bytes", rows[row].line, i);
		}
	}
	assert_false(redis_value_read(secret, key, (struct str){copy, value.len + 1}, &answer));
	assert_true(redis_value_read(secret, key, (struct str){copy, value.len}, &answer));
	free(copy);
}

static void test_values(void **state)
{
	(void)state;
	struct buf value;
	buf_init(&value, KIB(4));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str secret = str_from(rows[i].secret);
		struct str key = str_from(rows[i].key);
		struct cached_answer answer;
		buf_clear(&value);
		redis_value_write(secret, key, &rows[i].answer, &value);
		if (!redis_value_read(secret, key, buf_str(&value), &answer) ||
			!is_same(&answer, &rows[i].answer)) {
			fail_msg("line %d", rows[i].line);
		}
		assert_false(redis_value_read(secret, STR("another"), buf_str(&value), &answer));
		assert_false(redis_value_read(STR("another"), key, buf_str(&value), &answer));
		check_damage(i, buf_str(&value));
	}
	buf_finish(&value);
}

static void test_names(void **state)
{
	(void)state;
	char names[4][REDIS_NAME_BYTES];
	redis_value_name(STR("secret"), STR("a"), names[0]);
	redis_value_name(STR("secret"), STR("a"), names[1]);
	redis_value_name(STR("secret"), STR("b"), names[2]);
	redis_value_name(STR("other"), STR("a"), names[3]);
	assert_string_equal(names[0], names[1]);
	assert_string_not_equal(names[0], names[2]);
	assert_string_not_equal(names[0], names[3]);
	assert_int_equal(strlen(names[0]), 35);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
