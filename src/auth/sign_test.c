#include "auth/sign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "auth/token.h"

/* A file with the text; its path. */
static void write_file(struct str text, char path[32])
{
	snprintf(path, 32, "/tmp/rowlock-sign-XXXXXX");
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text.ptr, text.len), (ssize_t)text.len);
	close(fd);
}

/* What a pair of keys signs is taken by a service that has its public half. */
static void test_round_trip(void **state)
{
	(void)state;
	for (int i = AUTH_RS256; i < AUTH_HS256; i++) {
		enum auth_algorithm algorithm = (enum auth_algorithm)i;
		struct buf secret;
		struct buf open;
		struct buf text;
		struct error error = {0};
		char path[32];
		buf_init(&secret, SIGN_PEM_BYTES);
		buf_init(&open, SIGN_PEM_BYTES);
		buf_init(&text, 4096);
		assert_true(sign_make_keys(algorithm, &secret, &open, &error));
		write_file(buf_str(&open), path);
		struct auth_key_source source = {
			.algorithm = algorithm,
			.public_key = {str_from(path), {1, 1}},
		};
		struct auth_config config = {.keys = &source, .key_count = 1, .role_claim = STR("role")};
		struct keys keys;
		struct model_report report;
		model_report_init(&report);
		assert_true(keys_load(&keys, &config, &report));
		/* PS256 must be asked for: an RSA key is for both. */
		assert_true(sign_token(buf_str(&secret),
							   algorithm == AUTH_PS256 ? algorithm : AUTH_NO_ALGORITHM,
							   STR("{\"sub\":\"ann\",\"exp\":11}"), &text, &error));
		struct arena arena;
		struct token token;
		arena_init(&arena, 1024);
		assert_true(token_check(&config, &keys, buf_str(&text), 10, &arena, &token, &error));
		assert_true(str_equal(token.principal.claims.sub, STR("ann")));
		arena_finish(&arena);
		keys_finish(&keys);
		model_report_finish(&report);
		unlink(path);
		buf_finish(&secret);
		buf_finish(&open);
		buf_finish(&text);
	}
}

static void test_refused(void **state)
{
	(void)state;
	struct buf secret;
	struct buf open;
	struct buf text;
	struct error error = {0};
	buf_init(&secret, SIGN_PEM_BYTES);
	buf_init(&open, SIGN_PEM_BYTES);
	buf_init(&text, 64);
	assert_false(sign_make_keys(AUTH_HS256, &secret, &open, &error));
	assert_true(sign_make_keys(AUTH_ES256, &secret, &open, &error));
	assert_false(sign_token(STR(""), AUTH_NO_ALGORITHM, STR("{}"), &text, &error));
	assert_false(sign_token(buf_str(&open), AUTH_NO_ALGORITHM, STR("{}"), &text, &error));
	assert_false(sign_token(buf_str(&secret), AUTH_RS256, STR("{}"), &text, &error));
	assert_int_equal(error.code, ERROR_CONFIG);
	assert_int_equal(text.len, 0);
	assert_false(sign_token(buf_str(&secret), AUTH_NO_ALGORITHM, STR("{}"), &text, &error));
	assert_string_equal(error.message, "the token is too long");
	buf_finish(&secret);
	buf_finish(&open);
	buf_finish(&text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
