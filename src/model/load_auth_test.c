#include "model/load_test_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/buf.h"
#include "model/auth_config.h"

#define SECRET "0123456789abcdef0123456789abcdef"
#define SUM "00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff"
#define NO_URL "`jwks` is no address that keys may be fetched from\n    hint: "
#define KEYLESS "    hint: write algorithm and public_key, jwks or secret\n"

/* `auth:` stands in line 2. */
static const struct load_row rows[] = {
	{__LINE__, "auth: { algorithm: RS256, public_key: k.pub }\n", "x auth [RS256 there/k.pub]\n"},
	{__LINE__, "auth: { algorithm: PS256, public_key: /k.pub }\n", "x auth [PS256 /k.pub]\n"},
	{__LINE__, "auth: { algorithm: ES256, public_key: k, kid: a }\n",
	 "x auth [ES256 there/k kid a]\n"},
	{__LINE__, "auth:\n  algorithm: RS256\n  public_key: ${DIR}/k\n", "x auth [RS256 data/k]\n"},
	{__LINE__, "auth: { jwks: \"${DIR}/k\" }\n", "x auth [ data/k]\n"},
	{__LINE__, "auth: { algorithm: EdDSA, public_key: k }\n", "x auth [EdDSA there/k]\n"},
	{__LINE__, "auth: { algorithm: HS256, secret: " SECRET " }\n", "x auth [HS256 secret]\n"},
	{__LINE__, "auth: { jwks: set.json }\n", "x auth [ there/set.json]\n"},
	{__LINE__, "auth: { jwks: set.json, algorithm: RS256 }\n", "x auth [RS256 there/set.json]\n"},
	{__LINE__,
	 "auth:\n"
	 "  keys:\n"
	 "    - { algorithm: RS256, public_key: a }\n"
	 "    - { algorithm: HS256, secret: " SECRET ", kid: b }\n"
	 "    - jwks: c\n",
	 "x auth [RS256 there/a] [HS256 secret kid b] [ there/c]\n"},
	{__LINE__,
	 "auth:\n"
	 "  jwks: a\n"
	 "  issuer: https://i.example\n"
	 "  audience: [b, c]\n"
	 "  required: sub\n"
	 "  leeway: 0\n"
	 "  expiry: optional\n"
	 "  role_claim: app.role\n"
	 "  anonymous: guest\n"
	 "  gzip: true\n",
	 "x auth [ there/a] issuer https://i.example audience b audience c required sub leeway 0 "
	 "optional role_claim app.role anonymous guest gzip\n"},
	{__LINE__, "auth: { jwks: a, expiry: required, leeway: 3600, required: [a, b] }\n",
	 "x auth [ there/a] required a required b leeway 3600\n"},
	{__LINE__, "auth: { api_keys: { ci: { sha256: " SUM ", role: r }, b: { sha256: " SUM " } } }\n",
	 "x auth key ci 00-ff r key b 00-ff \n"},
	{__LINE__, "auth: { jwks: a, rate_limit: { requests: 10 } }\n",
	 "x auth [ there/a] rate 10/1 burst 10\n"},
	{__LINE__, "auth: { jwks: a, rate_limit: { requests: 1000000, per: hour, burst: 5 } }\n",
	 "x auth [ there/a] rate 1000000/3600 burst 5\n"},
	{__LINE__, "auth: { jwks: a, rate_limit: { requests: 1, per: minute } }\n",
	 "x auth [ there/a] rate 1/60 burst 1\n"},

	{__LINE__, "auth: {}\n",
	 ":2:1: `auth` names no key, so nobody could come in\n"
	 "    hint: auth: { algorithm: RS256, public_key: jwt.pub }\n"},
	{__LINE__, "auth: on\n", ":2:7: `auth` is a map of entries `word: value`\n"},
	{__LINE__, "auth: { jwks: a, isuer: b }\n",
	 ":2:18: unknown word \"isuer\" in `auth`\n"
	 "    hint: did you mean \"issuer\"?\n"},
	{__LINE__, "auth: { jwks: a, jwks: b }\n",
	 ":2:18: \"jwks\" stands twice; it is in line 2 already\n"},
	{__LINE__, "auth: { algorithm: none, public_key: k }\n",
	 ":2:20: `algorithm` is none of those that tokens are checked with\n"
	 "    hint: RS256, PS256, ES256, EdDSA or HS256\n"},
	{__LINE__, "auth: { algorithm: rs256, public_key: k }\n",
	 ":2:20: `algorithm` is none of those that tokens are checked with\n"
	 "    hint: RS256, PS256, ES256, EdDSA or HS256\n"},
	{__LINE__, "auth: { public_key: k }\n",
	 ":2:7: the key has no algorithm\n"
	 "    hint: one of RS256, PS256, ES256 and EdDSA: a token cannot choose it\n"},
	{__LINE__, "auth: { algorithm: HS256, public_key: k }\n",
	 ":2:7: HS256 takes a secret: whoever knows a public key could sign with it\n"},
	{__LINE__, "auth: { algorithm: RS256, secret: " SECRET " }\n",
	 ":2:7: a secret is for the algorithm HS256\n"
	 "    hint: write algorithm: HS256\n"},
	{__LINE__, "auth: { secret: " SECRET " }\n",
	 ":2:7: a secret is for the algorithm HS256\n"
	 "    hint: write algorithm: HS256\n"},
	{__LINE__, "auth: { algorithm: HS256, secret: 0123456789abcdef0123456789abcde }\n",
	 ":2:35: `secret` has 32 to 1024 bytes\n"
	 "    hint: `openssl rand -hex 32` makes a good one\n"},
	{__LINE__, "auth: { algorithm: HS256, secret: \"-----BEGIN PUBLIC KEY-----" SECRET "\" }\n",
	 ":2:35: `secret` holds a key file: whoever knows the public key could sign\n"
	 "    hint: name the file in `public_key`\n"},
	{__LINE__, "auth: { algorithm: RS256, public_key: \"-----BEGIN PUBLIC KEY-----\" }\n",
	 ":2:39: `public_key` is the path of a PEM file\n"
	 "    hint: write the key to a file of its own\n"},
	{__LINE__, "auth: { jwks: https://i.example/jwks.json }\n",
	 "x auth [ https://i.example/jwks.json]\n"},
	{__LINE__, "auth: { jwks: \"http://127.0.0.1:1/k\", algorithm: ES256, refresh: 1 }\n",
	 "x auth [ES256 http://127.0.0.1:1/k] refresh 1\n"},
	{__LINE__, "auth: { jwks: \"http://[::1]:1/k\", refresh: 86400 }\n",
	 "x auth [ http://[::1]:1/k] refresh 86400\n"},
	{__LINE__, "auth: { jwks: \"http://localhost\" }\n", "x auth [ http://localhost]\n"},
	{__LINE__, "auth: { jwks: http://i.example/k }\n",
	 ":2:15: " NO_URL "https: whoever can change the set on its way can sign tokens; http is for "
	 "loopback\n"},
	{__LINE__, "auth: { jwks: http://localhost.example/k }\n",
	 ":2:15: " NO_URL "https: whoever can change the set on its way can sign tokens; http is for "
	 "loopback\n"},
	{__LINE__, "auth: { jwks: https://u:p@i.example/k }\n",
	 ":2:15: " NO_URL "a set of public keys needs no name and password\n"},
	{__LINE__, "auth: { jwks: http://127.0.0.1@i.example/k }\n",
	 ":2:15: " NO_URL "a set of public keys needs no name and password\n"},
	{__LINE__, "auth: { jwks: \"http://127.0.0.1\\\\@i.example/k\" }\n",
	 ":2:15: " NO_URL "an address has no blanks and no #; other letters are percent-encoded\n"},
	{__LINE__, "auth: { jwks: \"https://i.example/k s\" }\n",
	 ":2:15: " NO_URL "an address has no blanks and no #; other letters are percent-encoded\n"},
	{__LINE__, "auth: { jwks: \"https:///k\" }\n",
	 ":2:15: " NO_URL "https://HOST/PATH, at most 2048 bytes\n"},
	{__LINE__, "auth: { jwks: \"https://i.example/k\", algorithm: HS256 }\n",
	 ":2:7: HS256 takes a secret: whoever can fetch the set could sign with it\n"},
	{__LINE__, "auth: { jwks: a, refresh: 0 }\n", ":2:27: `refresh` is a number from 1 to 86400\n"},
	{__LINE__, "auth: { jwks: a, refresh: 86401 }\n",
	 ":2:27: `refresh` is a number from 1 to 86400\n"},
	{__LINE__, "auth: { algorithm: RS256 }\n",
	 ":2:7: the key is not there: no public_key, jwks or secret\n" KEYLESS},
	{__LINE__, "auth: { algorithm: RS256, public_key: a, jwks: b }\n",
	 ":2:7: a key is one of public_key, jwks and secret\n" KEYLESS},
	{__LINE__, "auth: { jwks: b, kid: c }\n",
	 ":2:7: each key of a set has a kid of its own\n"
	 "    hint: leave `kid` out\n"},
	{__LINE__, "auth: { jwks: b, keys: [] }\n",
	 ":2:18: `auth` has a key of its own and `keys`\n"
	 "    hint: write all of them in `keys`\n"},
	{__LINE__, "auth: { keys: [] }\n", ":2:15: `keys` is a list of 1 to 32 keys\n" KEYLESS},
	{__LINE__, "auth: { keys: k.pub }\n", ":2:15: `keys` is a list of 1 to 32 keys\n" KEYLESS},
	{__LINE__,
	 "auth:\n"
	 "  keys:\n"
	 "    - { algorithm: RS256, public_key: a }\n"
	 "    - { algorithm: RS256 }\n",
	 ":5:7: the key is not there: no public_key, jwks or secret\n" KEYLESS},
	{__LINE__, "auth: { jwks: a, leeway: 3601 }\n", ":2:26: `leeway` is a number from 0 to 3600\n"},
	{__LINE__, "auth: { jwks: a, leeway: -1 }\n", ":2:26: `leeway` is a number from 0 to 3600\n"},
	{__LINE__, "auth: { jwks: a, expiry: never }\n", ":2:26: `expiry` is required or optional\n"},
	{__LINE__, "auth: { jwks: a, audience: [] }\n",
	 ":2:28: `audience` names nothing\n"
	 "    hint: leave it out\n"},
	{__LINE__, "auth: { jwks: a, issuer: \"\" }\n", ":2:26: `issuer` has no value\n"},
	{__LINE__, "auth: { api_keys: {} }\n", ":2:19: `api_keys` has 1 to 1000 keys\n"},
	{__LINE__, "auth: { api_keys: { ci: { role: r } } }\n",
	 ":2:21: the API key \"ci\" has no sha256\n"
	 "    hint: NAME: { sha256: SUM, role: ROLE }\n"},
	{__LINE__, "auth: { api_keys: { ci: { sha256: " SECRET " } } }\n",
	 ":2:35: `sha256` is a SHA-256 sum, 64 hexadecimal digits\n"
	 "    hint: printf \"KEY\" | sha256sum\n"},
	{__LINE__, "auth: { api_keys: { ci: { sha256: g" SUM " } } }\n",
	 ":2:35: `sha256` is a SHA-256 sum, 64 hexadecimal digits\n"
	 "    hint: printf \"KEY\" | sha256sum\n"},
	{__LINE__, "auth: { jwks: a, rate_limit: { per: minute } }\n",
	 ":2:30: `rate_limit` names no number of requests\n"
	 "    hint: rate_limit: { requests: 100, per: minute }\n"},
	{__LINE__, "auth: { jwks: a, rate_limit: { requests: 0 } }\n",
	 ":2:42: `requests` is a number from 1 to 1000000\n"},
	{__LINE__, "auth: { jwks: a, rate_limit: { requests: 1000001 } }\n",
	 ":2:42: `requests` is a number from 1 to 1000000\n"},
	{__LINE__, "auth: { jwks: a, rate_limit: { requests: 1, per: day } }\n",
	 ":2:50: `per` is second, minute or hour\n"},
	{__LINE__, "auth: { jwks: a, rate_limit: { requests: 1, burst: 0 } }\n",
	 ":2:52: `burst` is a number from 1 to 1000000\n"},
};

static void test_auth(void **state)
{
	(void)state;
	test_load_rows("service: x\n", "", rows, sizeof(rows) / sizeof(rows[0]));
}

/* `count` keys, or a secret of that many bytes. */
static bool is_good(bool keys, size_t count)
{
	struct buf yaml;
	buf_init(&yaml, 65536);
	buf_append(&yaml, keys ? STR("auth: { keys: [") : STR("auth: { algorithm: HS256, secret: "));
	for (size_t i = 0; i < count; i++) {
		buf_append(&yaml, keys ? STR("{ jwks: a },") : STR("a"));
	}
	buf_append(&yaml, keys ? STR("] }\n") : STR(" }\n"));
	buf_append_byte(&yaml, '\0');
	char *got = test_load("service: x\n", yaml.ptr);
	bool good = got[0] != ':';
	free(got);
	buf_finish(&yaml);
	return good;
}

static void test_limits(void **state)
{
	(void)state;
	assert_true(is_good(true, AUTH_KEYS_MAX));
	assert_false(is_good(true, AUTH_KEYS_MAX + 1));
	assert_true(is_good(false, AUTH_SECRET_BYTES_MIN));
	assert_false(is_good(false, AUTH_SECRET_BYTES_MIN - 1));
	assert_true(is_good(false, AUTH_SECRET_BYTES_MAX));
	assert_false(is_good(false, AUTH_SECRET_BYTES_MAX + 1));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_auth),
		cmocka_unit_test(test_limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
