#include "auth/auth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "auth/token_test_help.h"

enum { NOW = 1000000 };

struct bench {
	struct clock clock; /* first: stands at now_s */
	int64_t now_s;
	struct test_keys keys;
	struct auth_config config;
	struct auth_key_source source;
	struct auth_api_key api_keys[2];
	struct model_report report;
	struct auth *auth;
	struct auth_session *session;
};

static int64_t wall_us(const struct clock *clock)
{
	return ((const struct bench *)(const void *)clock)->now_s * 1000000;
}

static int setup(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	test_keys_make(&bench->keys);
	bench->clock.wall_us = wall_us;
	bench->now_s = NOW;
	bench->source = (struct auth_key_source){
		.algorithm = AUTH_HS256,
		.secret = {STR(TEST_SECRET), {1, 1}},
	};
	bench->api_keys[0] = (struct auth_api_key){.name = STR("ci"), .role = STR("loader")};
	bench->api_keys[1] = (struct auth_api_key){.name = STR("b")};
	key_hash(STR("a key"), bench->api_keys[0].sha256);
	key_hash(STR("another"), bench->api_keys[1].sha256);
	bench->config = (struct auth_config){
		.keys = &bench->source,
		.key_count = 1,
		.leeway_s = 5,
		.role_claim = STR("role"),
		.api_keys = bench->api_keys,
		.api_key_count = 2,
	};
	model_report_init(&bench->report);
	bench->auth = auth_create(&bench->config, &bench->report);
	assert_non_null(bench->auth);
	bench->session = auth_session_create(bench->auth, &bench->clock);
	*state = bench;
	return 0;
}

static int teardown(void **state)
{
	struct bench *bench = *state;
	auth_session_destroy(bench->session);
	auth_destroy(bench->auth);
	model_report_finish(&bench->report);
	test_keys_finish(&bench->keys);
	free(bench);
	return 0;
}

static struct str field_of(struct bench *bench, const char *payload)
{
	struct str token = test_token(&bench->keys, AUTH_HS256, STR("{\"alg\":\"HS256\"}"),
								  str_from(payload));
	return arena_printf(&bench->keys.arena, "Bearer %.*s", STR_ARG(token));
}

static bool identify(struct bench *bench, struct auth_proof proof, struct auth_caller *caller,
					 struct error *error)
{
	*error = (struct error){0};
	return auth_identify(bench->session, &proof, caller, error);
}

/* A token is checked once, and holds no longer for that. */
static void test_kept(void **state)
{
	struct bench *bench = *state;
	struct auth_proof proof = {
		.authorization = field_of(bench, "{\"sub\":\"ann\",\"role\":\"r\",\"exp\":1000010}"),
	};
	struct auth_caller first;
	struct auth_caller second;
	struct error error;
	assert_true(identify(bench, proof, &first, &error));
	assert_true(identify(bench, proof, &second, &error));
	assert_ptr_equal(first.principal, second.principal);
	assert_true(str_equal(first.principal->claims.sub, STR("ann")));
	assert_true(str_equal(first.principal->claims.role, STR("r")));
	assert_false(first.principal->anonymous);
	auth_release(&second);
	bench->now_s = 1000014;
	assert_true(identify(bench, proof, &second, &error));
	auth_release(&second);
	bench->now_s = 1000015;
	assert_false(identify(bench, proof, &second, &error));
	assert_int_equal(error.code, ERROR_CLAIMS);
	/* The clock was put back: it is checked anew, and kept a second time. */
	bench->now_s = NOW;
	assert_true(identify(bench, proof, &second, &error));
	auth_release(&second);
	assert_true(str_equal(first.principal->claims.sub, STR("ann")));
	auth_release(&first);
	auth_release(&first);
}

/* One that is still in use outlives its place. */
static void test_ring(void **state)
{
	struct bench *bench = *state;
	struct auth_proof proof = {
		.authorization = field_of(bench, "{\"sub\":\"ann\",\"exp\":1000010}"),
	};
	struct auth_caller held;
	struct auth_caller caller;
	struct error error;
	assert_true(identify(bench, proof, &held, &error));
	for (int i = 0; i < AUTH_KEPT_TOKENS; i++) {
		struct str payload = arena_printf(&bench->keys.arena, "{\"sub\":\"%d\",\"exp\":1000010}",
										  i);
		struct auth_proof other = {.authorization = field_of(bench, payload.ptr)};
		assert_true(identify(bench, other, &caller, &error));
		auth_release(&caller);
	}
	assert_true(str_equal(held.principal->claims.sub, STR("ann")));
	assert_true(identify(bench, proof, &caller, &error));
	assert_ptr_not_equal(caller.principal, held.principal);
	auth_release(&caller);
	auth_release(&held);
}

/* A token of more than AUTH_KEPT_BYTES is taken, and not kept. */
static void test_long(void **state)
{
	struct bench *bench = *state;
	char fill[AUTH_KEPT_BYTES];
	memset(fill, 'x', sizeof(fill));
	struct str payload = arena_printf(&bench->keys.arena, "{\"x\":\"%.*s\",\"exp\":1000010}",
									  AUTH_KEPT_BYTES, fill);
	struct auth_proof proof = {.authorization = field_of(bench, payload.ptr)};
	struct auth_caller callers[2];
	struct error error;
	assert_true(identify(bench, proof, &callers[0], &error));
	assert_true(identify(bench, proof, &callers[1], &error));
	assert_ptr_not_equal(callers[0].principal, callers[1].principal);
	auth_release(&callers[0]);
	auth_release(&callers[1]);
}

static void test_fields(void **state)
{
	struct bench *bench = *state;
	struct str good = field_of(bench, "{\"sub\":\"ann\",\"exp\":1000010}");
	struct str token = str_slice(good, strlen("Bearer "), good.len);
	const struct {
		int line;
		struct str field;
		enum error_code want;
	} rows[] = {
		{__LINE__, good, ERROR_NONE},
		{__LINE__, arena_printf(&bench->keys.arena, "bEARER   %.*s", STR_ARG(token)), ERROR_NONE},
		{__LINE__, token, ERROR_TOKEN},
		{__LINE__, STR("Bearer"), ERROR_TOKEN},
		{__LINE__, STR(""), ERROR_TOKEN},
		{__LINE__, STR("Basic YTpi"), ERROR_TOKEN},
		{__LINE__, arena_printf(&bench->keys.arena, "Basic %.*s", STR_ARG(token)), ERROR_TOKEN},
		{__LINE__, arena_printf(&bench->keys.arena, "Bearer%.*s", STR_ARG(token)), ERROR_TOKEN},
		{__LINE__, arena_printf(&bench->keys.arena, "Bearer\t%.*s", STR_ARG(token)), ERROR_TOKEN},
		{__LINE__, arena_printf(&bench->keys.arena, "%.*s x", STR_ARG(good)), ERROR_TOKEN},
		{__LINE__, arena_printf(&bench->keys.arena, "%.*s,%.*s", STR_ARG(good), STR_ARG(good)),
		 ERROR_TOKEN},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct auth_caller caller = {0};
		struct error error;
		(void)identify(bench, (struct auth_proof){.authorization = rows[i].field}, &caller, &error);
		if (error.code != rows[i].want) {
			fail_msg("line %d: %s", rows[i].line, error.message);
		}
		auth_release(&caller);
	}
}

static void test_api_keys(void **state)
{
	struct bench *bench = *state;
	struct auth_caller caller = {0};
	struct error error;
	assert_true(identify(bench, (struct auth_proof){.api_key = STR("a key")}, &caller, &error));
	assert_true(str_equal(caller.principal->claims.sub, STR("ci")));
	assert_true(str_equal(caller.principal->claims.role, STR("loader")));
	assert_true(str_equal(caller.principal->id, STR("key:ci")));
	auth_release(&caller);
	assert_true(identify(bench, (struct auth_proof){.api_key = STR("another")}, &caller, &error));
	assert_true(str_equal(caller.principal->id, STR("key:b")));
	assert_false(identify(bench, (struct auth_proof){.api_key = STR("a kez")}, &caller, &error));
	assert_int_equal(error.code, ERROR_TOKEN);
	assert_false(identify(bench, (struct auth_proof){.api_key = STR("")}, &caller, &error));
	/* A token decides, and nothing is taken twice. */
	struct auth_proof both = {.api_key = STR("a key"), .authorization = STR("Bearer x")};
	assert_false(identify(bench, both, &caller, &error));
	struct auth_proof twice = {.api_key = STR("a key"), .several = true};
	assert_false(identify(bench, twice, &caller, &error));
	assert_int_equal(error.code, ERROR_TOKEN);
}

static void test_anonymous(void **state)
{
	struct bench *bench = *state;
	struct auth_caller caller = {0};
	struct error error;
	assert_false(identify(bench, (struct auth_proof){0}, &caller, &error));
	assert_int_equal(error.code, ERROR_NO_TOKEN);
	bench->config.anonymous = STR("guest");
	struct auth *auth = auth_create(&bench->config, &bench->report);
	struct auth_session *session = auth_session_create(auth, &bench->clock);
	const struct auth_proof nothing = {0};
	assert_true(auth_identify(session, &nothing, &caller, &error));
	assert_true(caller.principal->anonymous);
	assert_true(str_equal(caller.principal->claims.role, STR("guest")));
	assert_int_equal(caller.principal->id.len, 0);
	/* Whoever shows something must show something good. */
	const struct auth_proof bad = {.authorization = STR("Bearer a.b.c")};
	assert_false(auth_identify(session, &bad, &caller, &error));
	auth_session_destroy(session);
	auth_destroy(auth);
	auth_session_destroy(NULL);
	auth_destroy(NULL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ring, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fields, setup, teardown),
		cmocka_unit_test_setup_teardown(test_api_keys, setup, teardown),
		cmocka_unit_test_setup_teardown(test_anonymous, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
