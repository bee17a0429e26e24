#include "auth/token_test_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/buf.h"

enum { NOW = 1000000, LEEWAY = 30 };

/* What is taken, as text: "sub role until". */
static struct str check(const struct auth_config *config, const struct keys *keys, struct str text,
						struct arena *arena)
{
	struct token token;
	struct error error = {0};
	if (token_check(config, keys, text, NOW, arena, &token, &error)) {
		return arena_printf(arena, "%.*s %.*s %lld", STR_ARG(token.principal.claims.sub),
							STR_ARG(token.principal.claims.role),
							token.until_s == INT64_MAX ? -1LL : (long long)token.until_s);
	}
	assert_true(error.code == ERROR_TOKEN || error.code == ERROR_CLAIMS);
	return arena_printf(arena, "%d %s", error.code == ERROR_TOKEN ? 301 : 303, error.message);
}

static int setup(void **state)
{
	static struct test_keys keys;
	test_keys_make(&keys);
	*state = &keys;
	return 0;
}

static int teardown(void **state)
{
	test_keys_finish(*state);
	return 0;
}

struct row {
	int line;
	const char *text; /* a header, or a payload */
	const char *want;
};

#define GOOD_HEADER "{\"alg\":\"HS256\"}"
#define GOOD_PAYLOAD "{\"sub\":\"ann\",\"exp\":1000001}"
#define TAKEN "ann  1000031"
#define NOT_DECODED "301 JWT couldn't be decoded"
#define WRONG_ALGORITHM "301 Wrong or unsupported encoding algorithm"
#define WRONG_SIGNATURE "301 JWT cryptographic operation failed"
#define NO_KEY "301 No suitable key or wrong key type"
#define NOT_PARSED "303 Parsing claims failed"
#define UNSUPPORTED(name) "301 JWT header parameter '" name "' is not supported"
#define NO_NUMBER(name) "303 The JWT '" name "' claim must be a number"
#define OUT_OF_RANGE(name) "303 The JWT '" name "' claim is out of range"

/* Signed with the key of HS256. */
static const struct row headers[] = {
	{__LINE__, GOOD_HEADER, TAKEN},
	{__LINE__, "{\"alg\":\"HS256\",\"typ\":\"JWT\"}", TAKEN},
	{__LINE__, "{\"alg\":\"HS256\",\"typ\":\"jwt\"}", TAKEN},
	{__LINE__, "{\"alg\":\"HS256\",\"typ\":\"application/at+JWT\"}", TAKEN},
	{__LINE__, " { \"alg\" : \"HS256\" } ", TAKEN},
	{__LINE__, "{\"alg\":\"HS256\",\"kid\":\"any\"}", TAKEN},
	/* Keys that a token brings along, and where to fetch some, mean nothing. */
	{__LINE__, "{\"alg\":\"HS256\",\"jwk\":{\"kty\":\"oct\",\"k\":\"AAAA\"}}", TAKEN},
	{__LINE__, "{\"alg\":\"HS256\",\"jku\":\"http://127.0.0.1:1/\",\"x5u\":\"x\",\"x5c\":[\"x\"]}",
	 TAKEN},

	{__LINE__, "{\"alg\":\"none\"}", WRONG_ALGORITHM},
	{__LINE__, "{\"alg\":\"None\"}", WRONG_ALGORITHM},
	{__LINE__, "{\"alg\":\"NONE\"}", WRONG_ALGORITHM},
	{__LINE__, "{\"alg\":\"nOnE\"}", WRONG_ALGORITHM},
	{__LINE__, "{\"alg\":\"none \"}", WRONG_ALGORITHM},
	{__LINE__, "{\"alg\":\"\"}", WRONG_ALGORITHM},
	{__LINE__, "{\"alg\":null}", WRONG_ALGORITHM},
	{__LINE__, "{\"alg\":[\"HS256\"]}", WRONG_ALGORITHM},
	{__LINE__, "{\"alg\":{\"a\":1}}", WRONG_ALGORITHM},
	{__LINE__, "{\"alg\":0}", WRONG_ALGORITHM},
	{__LINE__, "{\"alg\":false}", WRONG_ALGORITHM},
	{__LINE__, "{\"alg\":\"hs256\"}", WRONG_ALGORITHM},
	{__LINE__, "{\"alg\":\"HS256\\u0000\"}", WRONG_ALGORITHM},
	{__LINE__, "{\"alg\":\"HS512\"}", WRONG_ALGORITHM},
	{__LINE__, "{\"alg\":\"ES256K\"}", WRONG_ALGORITHM},
	{__LINE__, "{\"alg\":\"RSA-OAEP\",\"enc\":\"A256GCM\"}", WRONG_ALGORITHM},
	{__LINE__, "{\"Alg\":\"HS256\"}", WRONG_ALGORITHM},
	{__LINE__, "{}", WRONG_ALGORITHM},
	{__LINE__, "{\"typ\":\"JWT\"}", WRONG_ALGORITHM},
	{__LINE__, "{\"alg\":\"RS256\"}", NO_KEY},
	{__LINE__, "{\"alg\":\"ES256\"}", NO_KEY},
	{__LINE__, "{\"alg\":\"HS256\",\"alg\":\"HS256\"}", NOT_DECODED},
	{__LINE__, "{\"alg\":\"none\",\"alg\":\"HS256\"}", WRONG_ALGORITHM},
	{__LINE__, "{\"alg\":\"HS256\",\"al\\u0067\":\"none\"}", NOT_DECODED},
	{__LINE__, "{\"alg\":\"HS256\",\"x\":{\"a\":1,\"a\":2}}", NOT_DECODED},
	{__LINE__, "{\"alg\":\"HS256\",\"crit\":[\"exp\"],\"exp\":1}", UNSUPPORTED("crit")},
	{__LINE__, "{\"alg\":\"HS256\",\"crit\":[]}", UNSUPPORTED("crit")},
	{__LINE__, "{\"alg\":\"HS256\",\"crit\":null}", UNSUPPORTED("crit")},
	{__LINE__, "{\"alg\":\"HS256\",\"b64\":false}", UNSUPPORTED("b64")},
	{__LINE__, "{\"alg\":\"HS256\",\"b64\":true}", UNSUPPORTED("b64")},
	{__LINE__, "{\"alg\":\"HS256\",\"enc\":\"A128GCM\"}", UNSUPPORTED("enc")},
	{__LINE__, "{\"alg\":\"HS256\",\"zip\":\"DEF\"}", UNSUPPORTED("zip")},
	{__LINE__, "{\"alg\":\"HS256\",\"cty\":\"JWT\"}", UNSUPPORTED("cty")},
	{__LINE__, "{\"alg\":\"HS256\",\"typ\":\"JOSE+JSON\"}",
	 "301 JWT header parameter 'typ' must be JWT"},
	{__LINE__, "{\"alg\":\"HS256\",\"typ\":\"logout+jwt\"}",
	 "301 JWT header parameter 'typ' must be JWT"},
	{__LINE__, "{\"alg\":\"HS256\",\"typ\":1}", "301 JWT header parameter 'typ' must be JWT"},
	{__LINE__, "{\"alg\":\"HS256\",\"kid\":1}", "301 JWT header parameter 'kid' must be a string"},
	{__LINE__, "{\"alg\":\"HS256\",\"kid\":null}",
	 "301 JWT header parameter 'kid' must be a string"},
	{__LINE__, "{\"alg\":\"HS256\"", NOT_DECODED},
	{__LINE__, "{\"alg\":\"HS256\"}}", NOT_DECODED},
	{__LINE__, "{\"alg\":\"HS256\"}{\"alg\":\"HS256\"}", NOT_DECODED},
	{__LINE__, "{'alg':'HS256'}", NOT_DECODED},
	{__LINE__, "{\"alg\":\"HS256\",}", NOT_DECODED},
	{__LINE__, "{\"alg\":\"HS256\",\"a\":\"\xff\"}", NOT_DECODED},
	{__LINE__, "{\"alg\":\"HS256\",\"a\":\"\\ud800\"}", NOT_DECODED},
	{__LINE__, "{\"alg\":\"HS256\",\"a\":[[[[[[[[[1]]]]]]]]]}", NOT_DECODED},
	{__LINE__, "\xef\xbb\xbf{\"alg\":\"HS256\"}", NOT_DECODED},
	{__LINE__, "[\"HS256\"]", NOT_DECODED},
	{__LINE__, "\"HS256\"", NOT_DECODED},
	{__LINE__, "null", NOT_DECODED},
	{__LINE__, "HS256", NOT_DECODED},
};

/* The leeway is 30 s, and it is second 1000000. */
static const struct row payloads[] = {
	{__LINE__, GOOD_PAYLOAD, TAKEN},
	{__LINE__, "{\"exp\":1000001}", "  1000031"},
	{__LINE__, "{\"sub\":\"a\",\"role\":\"r\",\"exp\":999971}", "a r 1000001"},
	{__LINE__, "{\"exp\":999970.5}", "  1000001"},
	{__LINE__, "{\"exp\":1.0e6}", "  1000030"},
	{__LINE__, "{\"exp\":1000001,\"nbf\":1000030}", "  1000031"},
	{__LINE__, "{\"exp\":1000001,\"iat\":1000030}", "  1000031"},
	{__LINE__, "{\"exp\":253402300799}", "  253402300829"},
	{__LINE__, "{\"exp\":1000001,\"aud\":\"any\",\"iss\":\"any\"}", "  1000031"},
	{__LINE__, "{\"exp\":1000001,\"aud\":[]}", "  1000031"},
	{__LINE__, "{\"exp\":1000001,\"sub\":\"x'; DROP TABLE a\"}", "x'; DROP TABLE a  1000031"},

	{__LINE__, "{\"exp\":999970}", "303 JWT expired"},
	{__LINE__, "{\"exp\":999969}", "303 JWT expired"},
	{__LINE__, "{\"exp\":0}", "303 JWT expired"},
	{__LINE__, "{\"exp\":-0}", "303 JWT expired"},
	{__LINE__, "{\"exp\":1000001,\"nbf\":1000031}", "303 JWT not yet valid"},
	{__LINE__, "{\"exp\":1000001,\"nbf\":1000030.5}", "303 JWT not yet valid"},
	{__LINE__, "{\"exp\":1000001,\"iat\":1000031}", "303 JWT issued at future"},
	{__LINE__, "{}", "303 The JWT has no 'exp' claim"},
	{__LINE__, "{\"Exp\":1000001}", "303 The JWT has no 'exp' claim"},
	{__LINE__, "{\"\":{\"exp\":1000001}}", "303 The JWT has no 'exp' claim"},
	{__LINE__, "{\"exp\":\"1000001\"}", NO_NUMBER("exp")},
	{__LINE__, "{\"exp\":null}", NO_NUMBER("exp")},
	{__LINE__, "{\"exp\":true}", NO_NUMBER("exp")},
	{__LINE__, "{\"exp\":[1000001]}", NO_NUMBER("exp")},
	{__LINE__, "{\"exp\":{\"a\":1}}", NO_NUMBER("exp")},
	{__LINE__, "{\"exp\":\"NaN\"}", NO_NUMBER("exp")},
	{__LINE__, "{\"exp\":1000001,\"nbf\":\"0\"}", NO_NUMBER("nbf")},
	{__LINE__, "{\"exp\":1000001,\"iat\":\"0\"}", NO_NUMBER("iat")},
	{__LINE__, "{\"exp\":1e400}", OUT_OF_RANGE("exp")},
	{__LINE__, "{\"exp\":1e300}", OUT_OF_RANGE("exp")},
	{__LINE__, "{\"exp\":253402300800}", OUT_OF_RANGE("exp")},
	{__LINE__, "{\"exp\":18446744073709551617}", OUT_OF_RANGE("exp")},
	{__LINE__, "{\"exp\":-1}", OUT_OF_RANGE("exp")},
	{__LINE__, "{\"exp\":-1e300}", OUT_OF_RANGE("exp")},
	{__LINE__, "{\"exp\":1000001,\"nbf\":-1}", OUT_OF_RANGE("nbf")},
	{__LINE__, "{\"exp\":1000001,\"iat\":1e400}", OUT_OF_RANGE("iat")},
	{__LINE__, "{\"exp\":NaN}", NOT_PARSED},
	{__LINE__, "{\"exp\":Infinity}", NOT_PARSED},
	{__LINE__, "{\"exp\":0x10000001}", NOT_PARSED},
	{__LINE__, "{\"exp\":+1000001}", NOT_PARSED},
	{__LINE__, "{\"exp\":01000001}", NOT_PARSED},
	{__LINE__, "{\"exp\":1000001,\"exp\":1000001}", NOT_PARSED},
	{__LINE__, "{\"exp\":1000001,\"sub\":\"a\",\"s\\u0075b\":\"b\"}", NOT_PARSED},
	{__LINE__, "{\"exp\":1000001,\"a\":{\"b\":1,\"b\":2}}", NOT_PARSED},
	{__LINE__, "{\"exp\":1000001,\"sub\":\"\xff\"}", NOT_PARSED},
	{__LINE__, "{\"exp\":1000001,\"sub\":\"\xed\xa0\x80\"}", NOT_PARSED},
	{__LINE__, "{\"exp\":1000001} x", NOT_PARSED},
	{__LINE__, "[{\"exp\":1000001}]", NOT_PARSED},
	{__LINE__, "\"eyJhbGciOiJub25lIn0.e30.\"", NOT_PARSED},
	{__LINE__, "eyJhbGciOiJIUzI1NiJ9.e30.AAAA", NOT_PARSED},
	{__LINE__, "null", NOT_PARSED},
	{__LINE__, "", NOT_PARSED},
	{__LINE__, "{\"exp\":1000001,\"sub\":7}", "303 The JWT 'sub' claim must be a string"},
	{__LINE__, "{\"exp\":1000001,\"sub\":[\"a\"]}", "303 The JWT 'sub' claim must be a string"},
	{__LINE__, "{\"exp\":1000001,\"iss\":7}", "303 The JWT 'iss' claim must be a string"},
	{__LINE__, "{\"exp\":1000001,\"role\":[\"admin\"]}",
	 "303 The JWT claim with the role must be a string"},
	{__LINE__, "{\"exp\":1000001,\"role\":null}",
	 "303 The JWT claim with the role must be a string"},
	{__LINE__, "{\"exp\":1000001,\"aud\":7}",
	 "303 The JWT 'aud' claim must be a string or an array of strings"},
	{__LINE__, "{\"exp\":1000001,\"aud\":[7]}",
	 "303 The JWT 'aud' claim must be a string or an array of strings"},
	{__LINE__, "{\"exp\":1000001,\"aud\":{\"a\":1}}",
	 "303 The JWT 'aud' claim must be a string or an array of strings"},
};

static void check_rows(struct test_keys *all, const struct row *rows, size_t count, bool is_header)
{
	static const enum auth_algorithm algorithms[] = {AUTH_HS256};
	const struct auth_config config = {.leeway_s = LEEWAY, .role_claim = STR_INIT("role")};
	struct keys keys = test_keys_of(all, algorithms, 1);
	for (size_t i = 0; i < count; i++) {
		struct str text = str_from(rows[i].text);
		struct str token = is_header ? test_token(all, AUTH_HS256, text, STR(GOOD_PAYLOAD))
									 : test_token(all, AUTH_HS256, STR(GOOD_HEADER), text);
		struct str got = check(&config, &keys, token, &all->arena);
		if (!str_equal(got, str_from(rows[i].want))) {
			fail_msg("line %d: %.*s", rows[i].line, STR_ARG(got));
		}
	}
}

static void test_headers(void **state)
{
	check_rows(*state, headers, sizeof(headers) / sizeof(headers[0]), true);
}

static void test_payloads(void **state)
{
	check_rows(*state, payloads, sizeof(payloads) / sizeof(payloads[0]), false);
}

/* What is not even three parts of base64url; HEADER and PAYLOAD are those of a good token. */
#define HEADER "eyJhbGciOiJIUzI1NiJ9"
#define PAYLOAD "eyJzdWIiOiJhbm4iLCJleHAiOjEwMDAwMDF9"
#define ZEROS "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static const struct row texts[] = {
	{__LINE__, "", "301 Empty JWT is sent in Authorization header"},
	{__LINE__, "a", "301 Expected 3 parts in JWT; got 1"},
	{__LINE__, ".", "301 Expected 3 parts in JWT; got 2"},
	{__LINE__, HEADER "." PAYLOAD, "301 Expected 3 parts in JWT; got 2"},
	{__LINE__, "..", NOT_DECODED},
	{__LINE__, "...", "301 Expected 3 parts in JWT; got 4"},
	{__LINE__, HEADER "." PAYLOAD "." ZEROS ".", "301 Expected 3 parts in JWT; got 4"},
	{__LINE__, HEADER "." PAYLOAD "." ZEROS ".a.b", "301 Expected 3 parts in JWT; got 5"},
	{__LINE__, HEADER "." PAYLOAD ".", WRONG_SIGNATURE},
	{__LINE__, HEADER ".." ZEROS, WRONG_SIGNATURE},
	{__LINE__, "." PAYLOAD "." ZEROS, NOT_DECODED},
	{__LINE__, HEADER "." PAYLOAD "." ZEROS, WRONG_SIGNATURE},
	{__LINE__, HEADER "." PAYLOAD "." ZEROS "=", NOT_DECODED},
	{__LINE__, HEADER "=." PAYLOAD "." ZEROS, NOT_DECODED},
	{__LINE__, HEADER "." PAYLOAD ".A" ZEROS "A", NOT_DECODED},
	{__LINE__, HEADER "." PAYLOAD ".AAB", NOT_DECODED},
	{__LINE__, HEADER "." PAYLOAD ".AA+/", NOT_DECODED},
	{__LINE__, HEADER "." PAYLOAD ".AA\nAA", NOT_DECODED},
	{__LINE__, HEADER "." PAYLOAD ".A A", NOT_DECODED},
	{__LINE__, " " HEADER "." PAYLOAD "." ZEROS, NOT_DECODED},
	{__LINE__, "eyJhbGciOiJub25lIn0." PAYLOAD ".", WRONG_ALGORITHM},
	{__LINE__, "\xff\xff.\xff.\xff", NOT_DECODED},
	{__LINE__, "{\"alg\":\"HS256\"}.{}.a", NOT_DECODED},
	{__LINE__, "{\"payload\":\"e30\",\"signatures\":[]}", "301 Expected 3 parts in JWT; got 1"},
};

static void test_texts(void **state)
{
	struct test_keys *all = *state;
	static const enum auth_algorithm algorithms[] = {AUTH_HS256};
	const struct auth_config config = {.leeway_s = LEEWAY, .role_claim = STR_INIT("role")};
	struct keys keys = test_keys_of(all, algorithms, 1);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct str got = check(&config, &keys, str_from(texts[i].text), &all->arena);
		if (!str_equal(got, str_from(texts[i].want))) {
			fail_msg("line %d: %.*s", texts[i].line, STR_ARG(got));
		}
	}
}

static struct str header_of(struct test_keys *all, enum auth_algorithm algorithm)
{
	return arena_printf(&all->arena, "{\"alg\":\"%.*s\"}", STR_ARG(auth_algorithm_name(algorithm)));
}

/* Each algorithm takes what its key has signed, and no other does, whatever the header says. */
static void test_algorithms(void **state)
{
	struct test_keys *all = *state;
	const struct auth_config config = {.leeway_s = LEEWAY, .role_claim = STR_INIT("role")};
	for (int key = AUTH_RS256; key <= AUTH_HS256; key++) {
		const enum auth_algorithm checked = (enum auth_algorithm)key;
		struct keys keys = test_keys_of(all, &checked, 1);
		for (int signer = AUTH_RS256; signer <= AUTH_HS256; signer++) {
			for (int said = AUTH_RS256; said <= AUTH_HS256; said++) {
				struct str token = test_token(all, (enum auth_algorithm)signer,
											  header_of(all, (enum auth_algorithm)said),
											  STR(GOOD_PAYLOAD));
				struct str got = check(&config, &keys, token, &all->arena);
				const char *want = said != key ? NO_KEY : signer != key ? WRONG_SIGNATURE : TAKEN;
				if (!str_equal(got, str_from(want))) {
					fail_msg("key %d, signed by %d, said %d: %.*s", key, signer, said,
							 STR_ARG(got));
				}
			}
		}
	}
}

/* What is public must not do as a secret (CVE-2015-9235). */
static void test_public_key_as_secret(void **state)
{
	struct test_keys *all = *state;
	const struct auth_config config = {.leeway_s = LEEWAY, .role_claim = STR_INIT("role")};
	static const enum auth_algorithm pairs[] = {AUTH_RS256, AUTH_PS256, AUTH_ES256, AUTH_EDDSA};
	struct keys keys = test_keys_of(all, pairs, 4);
	for (size_t i = 0; i < 4; i++) {
		all->list[AUTH_HS256].secret = all->public_pem[pairs[i]];
		struct str token = test_token(all, AUTH_HS256, STR(GOOD_HEADER), STR(GOOD_PAYLOAD));
		all->list[AUTH_HS256].secret = STR(TEST_SECRET);
		assert_true(str_equal(check(&config, &keys, token, &all->arena), STR(NO_KEY)));
	}
}

/* Every byte of a good token counts. */
static void test_changed(void **state)
{
	struct test_keys *all = *state;
	const struct auth_config config = {.leeway_s = LEEWAY, .role_claim = STR_INIT("role")};
	for (int i = AUTH_RS256; i <= AUTH_HS256; i++) {
		const enum auth_algorithm algorithm = (enum auth_algorithm)i;
		struct keys keys = test_keys_of(all, &algorithm, 1);
		struct str token = test_token(all, algorithm, header_of(all, algorithm), STR(GOOD_PAYLOAD));
		char *bytes = arena_bytes(&all->arena, token.len);
		assert_true(str_equal(check(&config, &keys, token, &all->arena), STR(TAKEN)));
		for (size_t at = 0; at < token.len; at++) {
			struct token taken;
			struct error error;
			memcpy(bytes, token.ptr, token.len);
			bytes[at] = bytes[at] == 'A' ? 'B' : 'A';
			if (token_check(&config, &keys, (struct str){bytes, token.len}, NOW, &all->arena,
							&taken, &error)) {
				fail_msg("algorithm %d, byte %zu", i, at);
			}
		}
		for (size_t len = 0; len < token.len; len++) {
			struct str cut = check(&config, &keys, str_slice(token, 0, len), &all->arena);
			assert_true(str_starts_with(cut, STR("301 ")));
		}
	}
}

static void test_kid(void **state)
{
	struct test_keys *all = *state;
	const struct auth_config config = {.leeway_s = LEEWAY, .role_claim = STR_INIT("role")};
	static const enum auth_algorithm twice[] = {AUTH_HS256, AUTH_HS256};
	struct keys keys = test_keys_of(all, twice, 2);
	keys.list[0].kid = STR("old");
	keys.list[0].secret = STR("another secret of at least 32 bytes");
	keys.list[1].kid = STR("new");
	static const struct row rows[] = {
		{__LINE__, "{\"alg\":\"HS256\",\"kid\":\"new\"}", TAKEN},
		{__LINE__, "{\"alg\":\"HS256\"}", TAKEN},
		{__LINE__, "{\"alg\":\"HS256\",\"kid\":\"old\"}", WRONG_SIGNATURE},
		{__LINE__, "{\"alg\":\"HS256\",\"kid\":\"New\"}", NO_KEY},
		{__LINE__, "{\"alg\":\"HS256\",\"kid\":\"\"}", NO_KEY},
		{__LINE__, "{\"alg\":\"HS256\",\"kid\":\"../../dev/null\"}", NO_KEY},
		{__LINE__, "{\"alg\":\"HS256\",\"kid\":\"x' UNION SELECT 'y\"}", NO_KEY},
		{__LINE__, "{\"alg\":\"HS256\",\"kid\":\"new\\u0000\"}", NO_KEY},
		{__LINE__, "{\"alg\":\"HS256\",\"kid\":\"|touch x\"}", NO_KEY},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str token = test_token(all, AUTH_HS256, str_from(rows[i].text), STR(GOOD_PAYLOAD));
		struct str got = check(&config, &keys, token, &all->arena);
		if (!str_equal(got, str_from(rows[i].want))) {
			fail_msg("line %d: %.*s", rows[i].line, STR_ARG(got));
		}
	}
}

static void test_demands(void **state)
{
	struct test_keys *all = *state;
	static const enum auth_algorithm algorithms[] = {AUTH_HS256};
	static const struct str audiences[] = {STR_INIT("shop"), STR_INIT("other")};
	static const struct str required[] = {STR_INIT("jti"), STR_INIT("a.b")};
	struct keys keys = test_keys_of(all, algorithms, 1);
	const struct auth_config config = {
		.role_claim = STR_INIT("app.role"),
		.issuer = STR_INIT("https://i.example"),
		.audiences = audiences,
		.audience_count = 2,
		.required = required,
		.required_count = 2,
		.expiry_optional = true,
	};
#define REST ",\"jti\":\"1\",\"a\":{\"b\":0}}"
#define ISSUER "{\"iss\":\"https://i.example\""
	static const struct row rows[] = {
		{__LINE__, ISSUER ",\"aud\":\"shop\"" REST, "  -1"},
		{__LINE__, ISSUER ",\"aud\":[\"x\",\"other\"],\"exp\":1000001" REST, "  1000001"},
		{__LINE__, ISSUER ",\"aud\":\"shop\",\"app\":{\"role\":\"r\"},\"role\":\"x\"" REST,
		 " r -1"},
		{__LINE__, ISSUER ",\"aud\":\"shop\",\"exp\":1000000" REST, "303 JWT expired"},
		{__LINE__, ISSUER ",\"aud\":\"shop\",\"nbf\":1000001" REST, "303 JWT not yet valid"},
		{__LINE__, ISSUER ",\"aud\":\"shops\"" REST, "303 JWT not in audience"},
		{__LINE__, ISSUER ",\"aud\":[]" REST, "303 JWT not in audience"},
		{__LINE__, ISSUER ",\"aud\":[\"shop\",1]" REST,
		 "303 The JWT 'aud' claim must be a string or an array of strings"},
		{__LINE__, ISSUER REST, "303 JWT not in audience"},
		{__LINE__, "{\"iss\":\"https://i.example/\",\"aud\":\"shop\"" REST,
		 "303 JWT not from the issuer"},
		{__LINE__, "{\"aud\":\"shop\"" REST, "303 JWT not from the issuer"},
		{__LINE__, ISSUER ",\"aud\":\"shop\",\"jti\":\"1\"}", "303 The JWT has no 'a.b' claim"},
		{__LINE__, ISSUER ",\"aud\":\"shop\",\"jti\":null,\"a\":{\"b\":1}}",
		 "303 The JWT has no 'jti' claim"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str token = test_token(all, AUTH_HS256, STR(GOOD_HEADER), str_from(rows[i].text));
		struct str got = check(&config, &keys, token, &all->arena);
		if (!str_equal(got, str_from(rows[i].want))) {
			fail_msg("line %d: %.*s", rows[i].line, STR_ARG(got));
		}
	}
}

/* A token of exactly `len` bytes. */
static struct str token_of_length(struct test_keys *all, size_t len)
{
	for (size_t fill = len / 2;; fill++) {
		char *text = arena_bytes(&all->arena, fill + 1);
		memset(text, 'x', fill);
		struct str payload = arena_printf(&all->arena, "{\"exp\":1000001,\"x\":\"%.*s\"}",
										  (int)fill, text);
		struct str token = test_token(all, AUTH_HS256, STR(GOOD_HEADER), payload);
		if (token.len >= len) {
			return token;
		}
	}
}

static void test_size(void **state)
{
	struct test_keys *all = *state;
	static const enum auth_algorithm algorithms[] = {AUTH_HS256};
	const struct auth_config config = {.leeway_s = LEEWAY, .role_claim = STR_INIT("role")};
	struct keys keys = test_keys_of(all, algorithms, 1);
	struct str token = token_of_length(all, TOKEN_BYTES);
	assert_int_equal(token.len, TOKEN_BYTES);
	assert_true(str_equal(check(&config, &keys, token, &all->arena), STR("  1000031")));
	token = token_of_length(all, TOKEN_BYTES + 1);
	assert_true(str_equal(check(&config, &keys, token, &all->arena),
						  STR("301 The JWT is longer than 8192 bytes")));
	char *huge = arena_bytes(&all->arena, (size_t)1 << 20);
	memset(huge, '.', (size_t)1 << 20);
	assert_true(str_equal(check(&config, &keys, (struct str){huge, (size_t)1 << 20}, &all->arena),
						  STR("301 The JWT is longer than 8192 bytes")));
}

/* Issuer and subject together tell who it is; tokens without a subject are nobody twice. */
static void test_id(void **state)
{
	struct test_keys *all = *state;
	static const enum auth_algorithm algorithms[] = {AUTH_HS256};
	static const struct {
		const char *a;
		const char *b;
		bool same;
	} rows[] = {
		{"{\"sub\":\"a\",\"exp\":1000001}", "{\"exp\":1000002,\"sub\":\"a\"}", true},
		{"{\"sub\":\"a\",\"exp\":1000001}", "{\"sub\":\"b\",\"exp\":1000001}", false},
		{"{\"iss\":\"i\",\"sub\":\"a\",\"exp\":1000001}", "{\"sub\":\"a\",\"exp\":1000001}", false},
		{"{\"iss\":\"i\",\"sub\":\"j a\",\"exp\":1000001}",
		 "{\"iss\":\"i j\",\"sub\":\"a\",\"exp\":1000001}", false},
		{"{\"exp\":1000001}", "{\"exp\":1000002}", false},
	};
	const struct auth_config config = {.leeway_s = LEEWAY, .role_claim = STR_INIT("role")};
	struct keys keys = test_keys_of(all, algorithms, 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct token tokens[2];
		struct error error;
		const char *texts_of[2] = {rows[i].a, rows[i].b};
		for (size_t k = 0; k < 2; k++) {
			struct str text = test_token(all, AUTH_HS256, STR(GOOD_HEADER), str_from(texts_of[k]));
			assert_true(token_check(&config, &keys, text, NOW, &all->arena, &tokens[k], &error));
			assert_false(tokens[k].principal.anonymous);
		}
		assert_int_equal(str_equal(tokens[0].principal.id, tokens[1].principal.id), rows[i].same);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_payloads),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_algorithms),
		cmocka_unit_test(test_public_key_as_secret),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_kid),
		cmocka_unit_test(test_demands),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_id),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
