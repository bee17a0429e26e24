#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/error_shape.h"

static const struct {
	int line;
	const char *shape;
	const char *message;
	const char *details;
	const char *hint;
	const char *want;
} rows[] = {
	{__LINE__, "", "no", "", "",
	 "{\"code\":\"RL404\",\"details\":null,\"hint\":null,\"message\":\"no\"}"},
	{__LINE__, "", "a \"b\"\n", "d", "h",
	 "{\"code\":\"RL404\",\"details\":\"d\",\"hint\":\"h\",\"message\":\"a \\\"b\\\"\\n\"}"},
	{__LINE__, "{\"ok\":false,\"error\":\"{message}\"}", "no \"x\"", "", "",
	 "{\"ok\":false,\"error\":\"no \\\"x\\\"\"}"},
	{__LINE__, "{\"err\":\"{code}: {message}!\"}", "no", "", "", "{\"err\":\"RL404: no!\"}"},
	{__LINE__, "{\"a\":\"{details}{hint}\"}", "no", "d", "h", "{\"a\":\"dh\"}"},
	{__LINE__, "{\"a\":\"{message}\"}", "no", "\"d\"", "h", "{\"a\":\"no: \\\"d\\\"\"}"},
	{__LINE__, "{\"a\":\"{message}\",\"b\":\"{details}\"}", "no", "d", "",
	 "{\"a\":\"no\",\"b\":\"d\"}"},
	{__LINE__, "{\"a\":\"{other}\"}", "no", "", "", "{\"a\":\"{other}\"}"},
	{__LINE__, "{\"a\":\"{message}\",\"b\":\"{message}\"}", "", "", "", "{\"a\":\"\",\"b\":\"\"}"},
	{__LINE__, "[1]", "no", "", "", "[1]"},
};

static void test_shapes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena arena;
		arena_init(&arena, 1024);
		struct error_shape shape;
		error_shape_init(&shape, str_from(rows[i].shape), &arena);
		struct error error = {0};
		error_set(&error, ERROR_NOT_FOUND, "%s", rows[i].message);
		error_details(&error, "%s", rows[i].details);
		error_hint(&error, "%s", rows[i].hint);
		struct buf body;
		buf_init(&body, 1000);
		error_shape_write(&shape, &error, &body);
		if (!str_equal(buf_str(&body), str_from(rows[i].want))) {
			fail_msg("line %d: got %.*s", rows[i].line, STR_ARG(buf_str(&body)));
		}
		buf_finish(&body);
		arena_finish(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_shapes)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
