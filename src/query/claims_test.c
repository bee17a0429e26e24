#include "query/claims.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"

static void test_find(void **state)
{
	static const struct {
		int line;
		const char *json;
		const char *name;
		const char *want; /* NULL: not found */
		enum claim_kind kind;
	} rows[] = {
		{__LINE__, "{\"sub\":\"ann\"}", "sub", "ann", CLAIM_TEXT},
		{__LINE__, "{\"sub\":\"\\u00e9\"}", "sub", "\xc3\xa9", CLAIM_TEXT},
		{__LINE__, "{\"s\\u0075b\":\"x\"}", "sub", "x", CLAIM_TEXT},
		{__LINE__, "{\"n\":1.50e3}", "n", "1.50e3", CLAIM_NUMBER},
		{__LINE__, "{\"b\":true}", "b", "true", CLAIM_BOOLEAN},
		{__LINE__, "{\"b\":false}", "b", "false", CLAIM_BOOLEAN},
		{__LINE__, "{\"z\":null}", "z", "null", CLAIM_NULL},
		{__LINE__, "{\"l\":[1, {\"a\":2}],\"m\":3}", "l", "[1, {\"a\":2}]", CLAIM_LIST},
		{__LINE__, "{\"l\":[1, {\"a\":2}],\"m\":3}", "l.a", NULL, CLAIM_LIST},
		{__LINE__, "{\"l\":[1, {\"a\":2}],\"m\":3}", "m", "3", CLAIM_NUMBER},
		{__LINE__, "{\"o\":{\"a\":{\"b\":7}} }", "o", "{\"a\":{\"b\":7}}", CLAIM_OBJECT},
		{__LINE__, "{\"o\":{\"a\":{\"b\":7}} }", "o.a", "{\"b\":7}", CLAIM_OBJECT},
		{__LINE__, "{\"o\":{\"a\":{\"b\":7}} }", "o.a.b", "7", CLAIM_NUMBER},
		{__LINE__, "{\"o\":{\"a\":{\"b\":7}} }", "a.b", NULL, CLAIM_NUMBER},
		{__LINE__, "{\"https://x.example/role\":\"r\"}", "https://x.example/role", "r", CLAIM_TEXT},
		/* Two ways to one name: neither counts. */
		{__LINE__, "{\"a.b\":1,\"a\":{\"b\":2}}", "a.b", NULL, CLAIM_NUMBER},
		/* An empty name is a name: what is in it is not at the top. */
		{__LINE__, "{\"\":{\"role\":\"admin\"}}", "role", NULL, CLAIM_TEXT},
		{__LINE__, "{\"\":{\"role\":\"admin\"}}", ".role", "admin", CLAIM_TEXT},
		{__LINE__, "{}", "sub", NULL, CLAIM_TEXT},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena arena;
		struct claims claims;
		struct error error;
		arena_init(&arena, 1024);
		bool good = claims_read(str_from(rows[i].json), &arena, &claims, &error);
		const struct claim *claim = good ? claims_find(&claims, str_from(rows[i].name)) : NULL;
		bool same = (claim == NULL) == (rows[i].want == NULL);
		if (same && claim != NULL) {
			same = claim->kind == rows[i].kind && str_equal(claim->text, str_from(rows[i].want));
		}
		if (!good || !same) {
			fail_msg("line %d", rows[i].line);
		}
		assert_true(claims.sub.len == 0 && claims.role.len == 0);
		arena_finish(&arena);
	}
	assert_null(claims_find(NULL, STR("sub")));
}

static void test_refused(void **state)
{
	static const struct {
		int line;
		const char *json;
		size_t want_at;
	} rows[] = {
		{__LINE__, "", 0},
		{__LINE__, "[]", 0},
		{__LINE__, "\"x\"", 0},
		{__LINE__, "{\"a\":1,\"a\":2}", 7},
		{__LINE__, "{\"o\":{\"a\":1,\"\\u0061\":2}}", 12},
		{__LINE__, "{\"a\":1} x", 8},
		{__LINE__, "{\"a\":1", 6},
		{__LINE__, "{\"a\":}", 5},
		{__LINE__, "{\"a\":NaN}", 5},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena arena;
		struct claims claims;
		struct error error = {0};
		arena_init(&arena, 1024);
		bool good = claims_read(str_from(rows[i].json), &arena, &claims, &error);
		if (good || error.code != ERROR_BODY || error.at != rows[i].want_at) {
			fail_msg("line %d: at %zu", rows[i].line, error.at);
		}
		arena_finish(&arena);
	}
}

/* Nested objects, `depth` of them. */
static bool read_nested(size_t depth)
{
	struct buf json;
	buf_init(&json, 4096);
	for (size_t i = 0; i < depth; i++) {
		buf_append(&json, STR("{\"a\":"));
	}
	buf_append_byte(&json, '1');
	for (size_t i = 0; i < depth; i++) {
		buf_append_byte(&json, '}');
	}
	struct arena arena;
	struct claims claims;
	struct error error;
	arena_init(&arena, 1024);
	bool good = claims_read(buf_str(&json), &arena, &claims, &error);
	arena_finish(&arena);
	buf_finish(&json);
	return good;
}

static bool read_many(size_t count)
{
	struct buf json;
	buf_init(&json, 65536);
	for (size_t i = 0; i < count; i++) {
		buf_printf(&json, "%c\"%zu\":0", i == 0 ? '{' : ',', i);
	}
	buf_append_byte(&json, '}');
	struct arena arena;
	struct claims claims;
	struct error error;
	arena_init(&arena, 1024);
	bool good = claims_read(buf_str(&json), &arena, &claims, &error);
	assert_true(!good || claims.count == count);
	arena_finish(&arena);
	buf_finish(&json);
	return good;
}

static void test_limits(void **state)
{
	(void)state;
	assert_true(read_nested(CLAIMS_DEPTH));
	assert_false(read_nested(CLAIMS_DEPTH + 1));
	assert_true(read_many(CLAIMS_COUNT));
	assert_false(read_many(CLAIMS_COUNT + 1));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
