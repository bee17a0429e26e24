#include "auth/key_ring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/evp.h>

#include "auth/token_test_help.h"

struct bench {
	struct arena arena;
	EVP_PKEY *pkey;
	struct auth_key_source sources[3];
	struct auth_config config;
	struct key_ring ring;
	struct model_report report;
};

static struct bench *make(size_t sources)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	assert_non_null(bench);
	arena_init(&bench->arena, 4096);
	bench->pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	assert_non_null(bench->pkey);
	bench->sources[0] = (struct auth_key_source){.jwks = {STR("https://a/k"), {1, 1}},
												 .fetched = true};
	bench->sources[1] = (struct auth_key_source){.algorithm = AUTH_HS256,
												 .secret = {STR(TEST_SECRET), {2, 1}}};
	bench->sources[2] = (struct auth_key_source){.jwks = {STR("https://b/k"), {3, 1}},
												 .fetched = true};
	bench->config = (struct auth_config){.keys = bench->sources, .key_count = sources};
	model_report_init(&bench->report);
	assert_true(key_ring_init(&bench->ring, &bench->config, &bench->report));
	return bench;
}

static void drop(struct bench *bench)
{
	key_ring_finish(&bench->ring);
	model_report_finish(&bench->report);
	EVP_PKEY_free(bench->pkey);
	arena_finish(&bench->arena);
	free(bench);
}

/* A set with the public key of EdDSA under each of the names. */
static struct str set_of(struct bench *bench, const char *const *kids, size_t count)
{
	struct arena *arena = &bench->arena;
	unsigned char raw[32];
	size_t len = sizeof(raw);
	struct buf text;
	buf_init(&text, 1 << 20);
	assert_int_equal(EVP_PKEY_get_raw_public_key(bench->pkey, raw, &len), 1);
	struct str x = test_base64(arena, (struct str){(const char *)raw, len});
	buf_append(&text, STR("{\"keys\":["));
	for (size_t i = 0; i < count; i++) {
		buf_printf(&text,
				   "%s{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"alg\":\"EdDSA\",\"kid\":\"%s\","
				   "\"x\":\"%.*s\"}",
				   i > 0 ? "," : "", kids[i], STR_ARG(x));
	}
	buf_append(&text, STR("]}"));
	struct str set = arena_copy(arena, buf_str(&text));
	buf_finish(&text);
	return set;
}

static struct str one(struct bench *bench, const char *kid)
{
	return set_of(bench, &kid, 1);
}

/* The names of the keys in use, "-" for one without. */
static void expect(struct bench *bench, const char *want, bool complete)
{
	struct key_set *set = key_ring_take(&bench->ring);
	struct buf text;
	buf_init(&text, 4096);
	for (size_t i = 0; i < set->keys.count; i++) {
		struct str kid = set->keys.list[i].kid;
		buf_printf(&text, "%.*s ", STR_ARG(kid.len > 0 ? kid : STR("-")));
	}
	assert_true(str_equal(buf_str(&text), str_from(want)));
	assert_int_equal(set->complete, complete);
	assert_int_equal(key_ring_is_complete(&bench->ring), complete);
	assert_false(key_ring_is_newer(&bench->ring, set));
	key_set_unref(set);
	buf_finish(&text);
}

static bool put(struct bench *bench, size_t source, struct str json, bool *ret_new)
{
	size_t errors = bench->report.errors;
	bool good = key_ring_put(&bench->ring, source, json, ret_new, &bench->report);
	assert_int_equal(bench->report.errors > errors, !good);
	return good;
}

static void test_sets_come_and_go(void **state)
{
	struct bench *bench = make(1);
	bool other;
	(void)state;
	expect(bench, "", false);
	struct key_set *held = key_ring_take(&bench->ring);
	assert_true(put(bench, 0, one(bench, "a"), &other) && other);
	assert_true(key_ring_is_newer(&bench->ring, held));
	assert_int_equal(held->keys.count, 0);
	key_set_unref(held);
	expect(bench, "a ", true);
	/* The same again is nothing new. */
	held = key_ring_take(&bench->ring);
	assert_true(put(bench, 0, one(bench, "a"), &other) && !other);
	assert_false(key_ring_is_newer(&bench->ring, held));
	/* Whoever holds a set can use it after it was replaced. */
	assert_true(put(bench, 0, one(bench, "b"), &other) && other);
	expect(bench, "b ", true);
	assert_true(str_equal(held->keys.list[0].kid, STR("a")));
	key_set_unref(held);
	drop(bench);
}

/* A set in which one key is wrong changes nothing. */
static void test_hostile_sets(void **state)
{
	static const struct {
		int line;
		const char *json;
		const char *want; /* in the report */
	} rows[] = {
		{__LINE__, "", "no set of keys"},
		{__LINE__, "<html>", "no set of keys"},
		{__LINE__, "{\"keys\":[]}", "has no key that can be used"},
		{__LINE__, "{\"keys\":{}}", "no set of keys"},
		{__LINE__, "[]", "no set of keys"},
		{__LINE__, "{\"keys\":[],\"keys\":[]}", "no set of keys"},
		{__LINE__, "{\"keys\":[{\"kty\":\"oct\",\"alg\":\"HS256\",\"k\":\"" TEST_SECRET "\"}]}",
		 "a secret"},
		{__LINE__, "{\"keys\":[{\"kty\":\"oct\",\"k\":\"" TEST_SECRET "\"}]}", "a secret"},
		{__LINE__, "{\"keys\":[{\"kty\":\"oct\",\"alg\":\"HS512\",\"k\":\"AA\"}]}", "a secret"},
		{__LINE__, "{\"keys\":[{\"kty\":\"RSA\",\"alg\":\"HS256\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}",
		 "another kind than its alg"},
		{__LINE__, "{\"keys\":[{\"kty\":\"RSA\",\"alg\":\"RS256\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}",
		 "2048"},
		{__LINE__, "{\"keys\":[{\"kty\":\"RSA\",\"alg\":\"RS256\",\"n\":\"\",\"e\":\"AQAB\"}]}",
		 "no valid key"},
		{__LINE__, "{\"keys\":[{\"kty\":\"RSA\",\"alg\":\"RS256\",\"n\":\"?\",\"e\":\"AQAB\"}]}",
		 "base64url"},
		{__LINE__,
		 "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"alg\":\"EdDSA\",\"x\":\"AAAA\"}]}",
		 "no valid key"},
		{__LINE__, "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}",
		 "does not say its alg"},
	};
	struct bench *bench = make(2);
	bool other;
	(void)state;
	assert_true(put(bench, 0, one(bench, "a"), &other));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct model_report report;
		model_report_init(&report);
		bool good = key_ring_put(&bench->ring, 0, str_from(rows[i].json), &other, &report);
		struct str said = good || report.count == 0 ? STR("") : report.problems[0].message;
		size_t at = 0;
		struct str want = str_from(rows[i].want);
		while (at < said.len && !str_starts_with(str_slice(said, at, said.len), want)) {
			at++;
		}
		if (good || at == said.len) {
			fail_msg("line %d: %.*s", rows[i].line, STR_ARG(said));
		}
		model_report_finish(&report);
		expect(bench, "- a ", true);
	}
	const char *const twice[] = {"b", "b"};
	assert_false(put(bench, 0, set_of(bench, twice, 2), &other));
	expect(bench, "- a ", true);
	drop(bench);
}

/* All keys of a service count together: at the limit, and one above. */
static void test_limits(void **state)
{
	struct bench *bench = make(2);
	char names[AUTH_KEYS_MAX][8];
	const char *kids[AUTH_KEYS_MAX];
	bool other;
	(void)state;
	for (size_t i = 0; i < AUTH_KEYS_MAX; i++) {
		snprintf(names[i], sizeof(names[i]), "k%zu", i);
		kids[i] = names[i];
	}
	assert_true(put(bench, 0, set_of(bench, kids, AUTH_KEYS_MAX - 1), &other));
	assert_false(put(bench, 0, set_of(bench, kids, AUTH_KEYS_MAX), &other));
	struct buf text;
	buf_init(&text, KEY_FILE_BYTES + 1);
	buf_append(&text, one(bench, "a"));
	while (text.len < KEY_FILE_BYTES) {
		buf_append_byte(&text, ' ');
	}
	assert_true(put(bench, 0, buf_str(&text), &other));
	buf_append_byte(&text, ' ');
	assert_false(put(bench, 0, buf_str(&text), &other));
	expect(bench, "- a ", true);
	buf_finish(&text);
	drop(bench);
}

/* Nobody is let in until all sets are there; another state of the file takes over what has come. */
static void test_several(void **state)
{
	struct bench *bench = make(3);
	struct bench *next = make(3);
	bool other;
	(void)state;
	expect(bench, "- ", false);
	assert_true(put(bench, 1, one(bench, "b"), &other));
	expect(bench, "- b ", false);
	key_ring_inherit(&next->ring, &bench->ring);
	expect(next, "- b ", false);
	assert_true(put(bench, 0, one(bench, "a"), &other));
	expect(bench, "- a b ", true);
	key_ring_inherit(&next->ring, &bench->ring);
	expect(next, "- a b ", true);
	drop(next);
	/* Of another address or algorithm nothing is taken. */
	next = make(2);
	next->sources[0].jwks.str = STR("https://a/other");
	key_ring_inherit(&next->ring, &bench->ring);
	expect(next, "- ", false);
	next->sources[0].jwks.str = STR("https://a/k");
	next->sources[0].algorithm = AUTH_EDDSA;
	key_ring_inherit(&next->ring, &bench->ring);
	expect(next, "- ", false);
	drop(next);
	drop(bench);
}

/* ---- threads ---- */

enum { ROUNDS = 500 };

static void *take_often(void *context)
{
	struct bench *bench = context;
	struct key_set *set = key_ring_take(&bench->ring);
	for (size_t i = 0; i < ROUNDS * 10; i++) {
		if (key_ring_is_newer(&bench->ring, set)) {
			key_set_unref(set);
			set = key_ring_take(&bench->ring);
		}
		/* Each set holds one key of the two. */
		if (set->keys.count != 1 || set->keys.list[0].kid.len != 1) {
			abort();
		}
		atomic_store(&bench->ring.wanted, true);
	}
	key_set_unref(set);
	return NULL;
}

static void test_threads(void **state)
{
	struct bench *bench = make(1);
	struct str sets[] = {one(bench, "a"), one(bench, "b")};
	pthread_t threads[3];
	bool other;
	(void)state;
	assert_true(put(bench, 0, sets[0], &other));
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, take_often, bench), 0);
	}
	for (size_t i = 1; i <= ROUNDS; i++) {
		assert_true(put(bench, 0, sets[i % 2], &other) && other);
	}
	for (size_t i = 0; i < 3; i++) {
		pthread_join(threads[i], NULL);
	}
	drop(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sets_come_and_go), cmocka_unit_test(test_hostile_sets),
		cmocka_unit_test(test_limits),           cmocka_unit_test(test_several),
		cmocka_unit_test(test_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
