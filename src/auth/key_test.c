#include "auth/key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "auth/token_test_help.h"

/* A key file, and what is said of it. */
struct bench {
	struct arena arena;
	char path[32];
	EVP_PKEY *rsa;
	EVP_PKEY *small_rsa;
	EVP_PKEY *p256;
	EVP_PKEY *p384;
	EVP_PKEY *ed25519;
};

static int setup(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	arena_init(&bench->arena, 4096);
	snprintf(bench->path, sizeof(bench->path), "/tmp/rowlock-key-XXXXXX");
	int fd = mkstemp(bench->path);
	assert_true(fd >= 0);
	close(fd);
	bench->rsa = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	bench->small_rsa = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2040);
	bench->p256 = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	bench->p384 = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384");
	bench->ed25519 = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	*state = bench;
	return 0;
}

static int teardown(void **state)
{
	struct bench *bench = *state;
	EVP_PKEY *keys[] = {bench->rsa, bench->small_rsa, bench->p256, bench->p384, bench->ed25519};
	for (size_t i = 0; i < 5; i++) {
		EVP_PKEY_free(keys[i]);
	}
	unlink(bench->path);
	arena_finish(&bench->arena);
	free(bench);
	return 0;
}

static void write_file(struct bench *bench, struct str text)
{
	int fd = open(bench->path, O_WRONLY | O_TRUNC);
	assert_int_equal(write(fd, text.ptr, text.len), (ssize_t)text.len);
	close(fd);
}

/* "N" keys and their algorithms, or the report without path and place. */
static struct str load(struct bench *bench, const struct auth_config *config)
{
	struct keys keys;
	struct model_report report;
	struct buf text;
	buf_init(&text, 65536);
	model_report_init(&report);
	bool good = keys_load(&keys, config, &report);
	assert_true(good == (report.errors == 0));
	if (good) {
		buf_printf(&text, "%zu", keys.count);
		for (size_t i = 0; i < keys.count; i++) {
			buf_printf(&text, " %.*s", STR_ARG(auth_algorithm_name(keys.list[i].algorithm)));
			if (keys.list[i].kid.len > 0) {
				buf_printf(&text, " %.*s", STR_ARG(keys.list[i].kid));
			}
		}
	} else {
		struct str message = report.problems[0].message;
		size_t colon = str_find(message, ':', 0);
		buf_append(&text, str_slice(message, colon == message.len ? 0 : colon + 2, message.len));
	}
	struct str got = arena_copy(&bench->arena, buf_str(&text));
	keys_finish(&keys);
	model_report_finish(&report);
	buf_finish(&text);
	return got;
}

static struct str load_one(struct bench *bench, enum auth_algorithm algorithm, bool set)
{
	struct auth_key_source source = {.algorithm = algorithm};
	*(set ? &source.jwks : &source.public_key) = (struct text){str_from(bench->path), {1, 1}};
	struct auth_config config = {.keys = &source, .key_count = 1};
	return load(bench, &config);
}

static struct str pem_of(struct bench *bench, EVP_PKEY *pkey, bool private_half)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *bytes;
	int good = private_half ? PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL)
							: PEM_write_bio_PUBKEY(bio, pkey);
	assert_int_equal(good, 1);
	long len = BIO_get_mem_data(bio, &bytes);
	struct str pem = arena_copy(&bench->arena, (struct str){bytes, (size_t)len});
	BIO_free(bio);
	return pem;
}

#define OTHER_KIND "it is a key of another kind than the algorithm needs"
#define NO_PUBLIC "it holds no public key"

static void test_pem(void **state)
{
	struct bench *bench = *state;
	const struct {
		int line;
		EVP_PKEY *pkey;
		enum auth_algorithm algorithm;
		const char *want;
	} rows[] = {
		{__LINE__, bench->rsa, AUTH_RS256, "1 RS256"},
		{__LINE__, bench->rsa, AUTH_PS256, "1 PS256"},
		{__LINE__, bench->p256, AUTH_ES256, "1 ES256"},
		{__LINE__, bench->ed25519, AUTH_EDDSA, "1 EdDSA"},
		{__LINE__, bench->small_rsa, AUTH_RS256, "an RSA key has 2048 to 16384 bits"},
		{__LINE__, bench->small_rsa, AUTH_PS256, "an RSA key has 2048 to 16384 bits"},
		{__LINE__, bench->rsa, AUTH_ES256, OTHER_KIND},
		{__LINE__, bench->rsa, AUTH_EDDSA, OTHER_KIND},
		{__LINE__, bench->p256, AUTH_RS256, OTHER_KIND},
		{__LINE__, bench->p256, AUTH_EDDSA, OTHER_KIND},
		{__LINE__, bench->p384, AUTH_ES256, OTHER_KIND},
		{__LINE__, bench->ed25519, AUTH_ES256, OTHER_KIND},
		{__LINE__, bench->ed25519, AUTH_PS256, OTHER_KIND},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		write_file(bench, pem_of(bench, rows[i].pkey, false));
		struct str got = load_one(bench, rows[i].algorithm, false);
		if (!str_equal(got, str_from(rows[i].want))) {
			fail_msg("line %d: %.*s", rows[i].line, STR_ARG(got));
		}
	}
}

static void test_no_pem(void **state)
{
	struct bench *bench = *state;
	write_file(bench, STR(""));
	assert_true(str_equal(load_one(bench, AUTH_RS256, false), STR(NO_PUBLIC)));
	write_file(bench, STR("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"));
	assert_true(str_equal(load_one(bench, AUTH_RS256, false), STR(NO_PUBLIC)));
	/* A private key is refused, though it has a public half. */
	write_file(bench, pem_of(bench, bench->rsa, true));
	assert_true(str_equal(load_one(bench, AUTH_RS256, false), STR(NO_PUBLIC)));
	struct auth_key_source source = {
		.algorithm = AUTH_RS256,
		.public_key = {STR("/tmp"), {1, 1}},
	};
	struct auth_config config = {.keys = &source, .key_count = 1};
	assert_true(str_equal(load(bench, &config), STR("it is no file")));
	source.public_key.str = STR("/tmp/rowlock-there-is-no-such-file");
	assert_true(str_equal(load(bench, &config), STR("No such file or directory")));
}

/* ---- sets ---- */

static struct str number_of(struct bench *bench, EVP_PKEY *pkey, const char *name, size_t bytes)
{
	BIGNUM *number = NULL;
	unsigned char text[1024];
	assert_int_equal(EVP_PKEY_get_bn_param(pkey, name, &number), 1);
	int len = bytes > 0 ? BN_bn2binpad(number, text, (int)bytes) : BN_bn2bin(number, text);
	BN_free(number);
	return test_base64(&bench->arena, (struct str){(const char *)text, (size_t)len});
}

/* In a set text @R stands for a good RSA key's n and e, @S a small one's, @E for x and y of P-256,
 * @O for x of Ed25519. */
static struct str expand(struct bench *bench, const char *text)
{
	unsigned char raw[32];
	size_t raw_len = sizeof(raw);
	struct buf buf;
	buf_init(&buf, 65536);
	for (; *text != '\0'; text++) {
		char kind = *text == '@' ? *++text : '\0';
		if (kind == 'R' || kind == 'S') {
			EVP_PKEY *pkey = kind == 'R' ? bench->rsa : bench->small_rsa;
			buf_printf(&buf, "\"n\":\"%.*s\",\"e\":\"AQAB\"",
					   STR_ARG(number_of(bench, pkey, OSSL_PKEY_PARAM_RSA_N, 0)));
		} else if (kind == 'E') {
			buf_printf(&buf, "\"x\":\"%.*s\",\"y\":\"%.*s\"",
					   STR_ARG(number_of(bench, bench->p256, OSSL_PKEY_PARAM_EC_PUB_X, 32)),
					   STR_ARG(number_of(bench, bench->p256, OSSL_PKEY_PARAM_EC_PUB_Y, 32)));
		} else if (kind == 'O') {
			assert_int_equal(EVP_PKEY_get_raw_public_key(bench->ed25519, raw, &raw_len), 1);
			struct str x = test_base64(&bench->arena, (struct str){(const char *)raw, raw_len});
			buf_printf(&buf, "\"x\":\"%.*s\"", STR_ARG(x));
		} else {
			buf_append_byte(&buf, *text);
		}
	}
	struct str copy = arena_copy(&bench->arena, buf_str(&buf));
	buf_finish(&buf);
	return copy;
}

#define NO_SET "no set"
#define NONE "none"
#define INVALID "it is no valid key"
#define SECRET43 "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"

static const struct {
	int line;
	enum auth_algorithm algorithm;
	const char *set;
	const char *want;
} sets[] = {
	{__LINE__, AUTH_NO_ALGORITHM, "{\"keys\":[{\"kty\":\"RSA\",\"alg\":\"RS256\",@R}]}", "1 RS256"},
	{__LINE__, AUTH_NO_ALGORITHM,
	 "{\"keys\":[{\"kty\":\"RSA\",\"alg\":\"PS256\",\"kid\":\"a\",\"use\":\"sig\",@R}]}",
	 "1 PS256 a"},
	{__LINE__, AUTH_RS256, "{\"keys\":[{\"kty\":\"RSA\",@R}]}", "1 RS256"},
	{__LINE__, AUTH_NO_ALGORITHM,
	 "{\"keys\":[{\"kty\":\"EC\",\"alg\":\"ES256\",\"crv\":\"P-256\",@E}]}", "1 ES256"},
	{__LINE__, AUTH_ES256, "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",@E}]}", "1 ES256"},
	{__LINE__, AUTH_EDDSA, "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",@O}]}", "1 EdDSA"},
	{__LINE__, AUTH_HS256, "{\"keys\":[{\"kty\":\"oct\",\"k\":\"" SECRET43 "\"}]}", "1 HS256"},
	{__LINE__, AUTH_NO_ALGORITHM,
	 "{\"a\":[1],\"keys\":[{\"kty\":\"RSA\",\"alg\":\"RS256\",\"kid\":\"a\",@R},"
	 "{\"kty\":\"EC\",\"alg\":\"ES256\",\"crv\":\"P-256\",\"kid\":\"b\",@E}],\"b\":2}",
	 "2 RS256 a ES256 b"},
	/* Passed over: other uses, other algorithms, and kinds that others know. */
	{__LINE__, AUTH_RS256,
	 "{\"keys\":[{\"kty\":\"RSA\",\"use\":\"enc\",@S},{\"kty\":\"RSA\",\"alg\":\"RSA-OAEP\",@S},"
	 "{\"kty\":\"AKP\"},{\"kty\":\"RSA\",\"alg\":\"PS256\",@S},{\"kty\":\"RSA\",@R}]}",
	 "1 RS256"},
	{__LINE__, AUTH_RS256, "{\"keys\":[{\"kty\":\"RSA\",\"use\":\"enc\",@R}]}", NONE},
	{__LINE__, AUTH_RS256, "{\"keys\":[]}", NONE},
	{__LINE__, AUTH_ES256, "{\"keys\":[{\"kty\":\"RSA\",@R}]}", NONE},
	{__LINE__, AUTH_NO_ALGORITHM, "{\"keys\":[{\"kty\":\"RSA\",@R}]}", "it does not say its alg"},
	{__LINE__, AUTH_NO_ALGORITHM, "{\"keys\":[{\"kty\":\"RSA\",\"alg\":\"ES256\",@R}]}",
	 "it is a key of another kind than its alg"},
	{__LINE__, AUTH_NO_ALGORITHM, "{\"keys\":[{\"kty\":\"RSA\",\"alg\":\"HS256\",@R}]}",
	 "it is a key of another kind than its alg"},
	{__LINE__, AUTH_NO_ALGORITHM,
	 "{\"keys\":[{\"kty\":\"EC\",\"alg\":\"ES256\",\"crv\":\"P-384\",@E}]}",
	 "it is a key of another kind than its alg"},
	{__LINE__, AUTH_RS256, "{\"keys\":[{\"kty\":\"RSA\",@S}]}",
	 "an RSA key has 2048 to 16384 bits"},
	{__LINE__, AUTH_RS256, "{\"keys\":[{\"kty\":\"RSA\"}]}", INVALID},
	{__LINE__, AUTH_RS256, "{\"keys\":[{\"kty\":\"RSA\",\"e\":\"AQAB\"}]}", INVALID},
	{__LINE__, AUTH_RS256, "{\"keys\":[{\"kty\":\"RSA\",\"n\":1,\"e\":2}]}", INVALID},
	{__LINE__, AUTH_RS256, "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"A===\",\"e\":\"AQAB\"}]}",
	 "a part of it is not base64url"},
	{__LINE__, AUTH_ES256, "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\"}]}", INVALID},
	/* Not on the curve. */
	{__LINE__, AUTH_ES256,
	 "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" SECRET43 "\",\"y\":\"" SECRET43
	 "\"}]}",
	 INVALID},
	{__LINE__, AUTH_EDDSA, "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}]}",
	 INVALID},
	{__LINE__, AUTH_HS256, "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}",
	 "a secret has 32 to 1024 bytes"},
	{__LINE__, AUTH_RS256, "", NO_SET},
	{__LINE__, AUTH_RS256, "{}", NO_SET},
	{__LINE__, AUTH_RS256, "[]", NO_SET},
	{__LINE__, AUTH_RS256, "{\"keys\":{}}", NO_SET},
	{__LINE__, AUTH_RS256, "{\"keys\":[1]}", NO_SET},
	{__LINE__, AUTH_RS256, "{\"keys\":[{\"kty\":\"RSA\",@R}]", NO_SET},
	{__LINE__, AUTH_RS256, "{\"keys\":[{\"kty\":\"RSA\",@R}]} x", NO_SET},
	{__LINE__, AUTH_RS256, "{\"keys\":[],\"keys\":[{\"kty\":\"RSA\",@R}]}", NO_SET},
	{__LINE__, AUTH_RS256, "{\"keys\":[{\"kty\":\"RSA\",\"kty\":\"RSA\",@R}]}", NO_SET},
	{__LINE__, AUTH_RS256, "-----BEGIN PUBLIC KEY-----", NO_SET},
};

static void test_sets(void **state)
{
	struct bench *bench = *state;
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		write_file(bench, expand(bench, sets[i].set));
		struct str got = load_one(bench, sets[i].algorithm, true);
		struct str want = str_from(sets[i].want);
		if (str_equal(want, STR(NO_SET))) {
			want = arena_printf(&bench->arena, "%s is no set of keys", bench->path);
		} else if (str_equal(want, STR(NONE))) {
			want = arena_printf(&bench->arena, "the set %s has no key that can be used",
								bench->path);
		}
		if (!str_equal(got, want)) {
			fail_msg("line %d: %.*s", sets[i].line, STR_ARG(got));
		}
	}
}

/* `count` keys in one set. */
static struct str load_many(struct bench *bench, size_t count)
{
	struct buf text;
	buf_init(&text, 1 << 20);
	buf_append(&text, STR("{\"keys\":["));
	for (size_t i = 0; i < count; i++) {
		buf_printf(&text, "%s{\"kty\":\"oct\",\"k\":\"" SECRET43 "\"}", i > 0 ? "," : "");
	}
	buf_append(&text, STR("]}"));
	write_file(bench, buf_str(&text));
	buf_finish(&text);
	return load_one(bench, AUTH_HS256, true);
}

static void test_limits(void **state)
{
	struct bench *bench = *state;
	assert_true(str_starts_with(load_many(bench, AUTH_KEYS_MAX), STR("32 HS256")));
	assert_true(str_equal(load_many(bench, AUTH_KEYS_MAX + 1), STR("more than 32 keys")));
	char *spaces = arena_bytes(&bench->arena, KEY_FILE_BYTES + 1);
	memset(spaces, '\n', KEY_FILE_BYTES + 1);
	struct str pem = pem_of(bench, bench->p256, false);
	memcpy(spaces + KEY_FILE_BYTES - pem.len, pem.ptr, pem.len);
	write_file(bench, (struct str){spaces, KEY_FILE_BYTES});
	assert_true(str_equal(load_one(bench, AUTH_ES256, false), STR("1 ES256")));
	write_file(bench, (struct str){spaces, KEY_FILE_BYTES + 1});
	assert_true(
		str_equal(load_one(bench, AUTH_ES256, false), STR("it is too large for a file of keys")));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pem),
		cmocka_unit_test(test_no_pem),
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_limits),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
