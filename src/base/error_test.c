#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void test_table(void **state)
{
	(void)state;
	assert_int_equal(error_info(ERROR_NONE)->status, 200);
	assert_string_equal(error_info(ERROR_NONE)->wire, "");
	static const enum error_code codes[] = {
#define X(name, wire, status, retryable, message) ERROR_##name,
		ERROR_TABLE(X)
#undef X
	};
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		const struct error_info *info = error_info(codes[i]);
		assert_in_range(info->status, 300, 599); /* 300: several relations could be meant */
		assert_true(strlen(info->wire) > 0 && strlen(info->name) > 0 && strlen(info->message) > 0);
	}
	assert_string_equal(error_info(ERROR_UNIQUE)->name, "UNIQUE");
	assert_string_equal(error_info(ERROR_UNIQUE)->wire, "23505");
	assert_int_equal(error_info(ERROR_UNIQUE)->status, 409);
	assert_true(error_info(ERROR_OVERLOADED)->retryable);
}

static void test_set(void **state)
{
	(void)state;
	struct error error;
	memset(&error, 0x55, sizeof(error));
	assert_false(error_set(&error, ERROR_UNIQUE, NULL));
	assert_int_equal(error.code, ERROR_UNIQUE);
	assert_int_equal(error.at, SIZE_MAX);
	assert_string_equal(error.message, error_info(ERROR_UNIQUE)->message);
	assert_string_equal(error.details, "");
	assert_string_equal(error.hint, "");
	assert_false(error_details(&error, "key %d", 7));
	assert_false(error_hint(&error, "try %s", "again"));
	assert_string_equal(error.details, "key 7");
	assert_string_equal(error.hint, "try again");
	/* A new error may quote the old one, of which nothing stays. */
	assert_false(error_set_at(&error, ERROR_BODY, 12, "row 3: %s", error.details));
	assert_int_equal(error.at, 12);
	assert_string_equal(error.message, "row 3: key 7");
	assert_string_equal(error.details, "");
	assert_string_equal(error.hint, "");
	assert_false(error_set(NULL, ERROR_BODY, "x"));
	assert_false(error_set_at(NULL, ERROR_BODY, 1, "x"));
	assert_false(error_details(NULL, "x"));
	assert_false(error_hint(NULL, "x"));
}

/* A message of 255 bytes fits; a longer one is cut so that no code point is cut in two. */
static void test_cut(void **state)
{
	static const struct {
		int line;
		int filler; /* x's before the tail */
		const char *tail;
		size_t want;
	} rows[] = {
		{__LINE__, 255, "", 255},
		{__LINE__, 256, "", 255},
		{__LINE__, 254, "\xc3\xa4", 254},
		{__LINE__, 253, "\xc3\xa4", 255},
		{__LINE__, 253, "\xc3\xa4!", 255},
		{__LINE__, 254, "\xe2\x82\xac", 254},
		{__LINE__, 253, "\xe2\x82\xac", 253},
		{__LINE__, 252, "\xe2\x82\xac.", 255},
		{__LINE__, 254, "\xf0\x9f\x98\x80", 254},
		{__LINE__, 253, "\xf0\x9f\x98\x80", 253},
		{__LINE__, 252, "\xf0\x9f\x98\x80", 252},
		{__LINE__, 251, "\xf0\x9f\x98\x80.", 255},
		{__LINE__, 253, "\x80\x80\x80\x80\x80", 255},
	};
	(void)state;
	char filler[300];
	memset(filler, 'x', sizeof(filler));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct error error;
		error_set(&error, ERROR_BODY, "%.*s%s", rows[i].filler, filler, rows[i].tail);
		if (strlen(error.message) != rows[i].want) {
			fail_msg("row of line %d: %zu", rows[i].line, strlen(error.message));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
