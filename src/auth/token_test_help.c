#include "auth/token_test_help.h"

#include <assert.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "auth/sign.h"
#include "codec/base64.h"

static EVP_PKEY *read_private(struct str pem)
{
	BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
	EVP_PKEY *pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	BIO_free(bio);
	assert(pkey != NULL);
	return pkey;
}

void test_keys_make(struct test_keys *keys)
{
	*keys = (struct test_keys){0};
	arena_init(&keys->arena, 4096);
	for (int i = AUTH_RS256; i < AUTH_HS256; i++) {
		struct buf secret;
		struct buf open;
		struct error error;
		buf_init(&secret, SIGN_PEM_BYTES);
		buf_init(&open, SIGN_PEM_BYTES);
		bool made = sign_make_keys((enum auth_algorithm)i, &secret, &open, &error);
		assert(made);
		keys->list[i].algorithm = (enum auth_algorithm)i;
		keys->list[i].pkey = read_private(buf_str(&secret));
		keys->public_pem[i] = arena_copy(&keys->arena, buf_str(&open));
		buf_finish(&secret);
		buf_finish(&open);
	}
	keys->list[AUTH_HS256] = (struct key){.algorithm = AUTH_HS256, .secret = STR(TEST_SECRET)};
}

void test_keys_finish(struct test_keys *keys)
{
	for (size_t i = 0; i <= AUTH_HS256; i++) {
		EVP_PKEY_free(keys->list[i].pkey);
	}
	arena_finish(&keys->arena);
}

struct keys test_keys_of(const struct test_keys *keys, const enum auth_algorithm *algorithms,
						 size_t count)
{
	struct keys some = {.count = count};
	for (size_t i = 0; i < count; i++) {
		some.list[i] = keys->list[algorithms[i]];
	}
	return some;
}

struct str test_base64(struct arena *arena, struct str text)
{
	struct buf buf;
	buf_init(&buf, (size_t)1 << 24);
	base64url_write(&buf, text);
	struct str copy = arena_copy(arena, buf_str(&buf));
	buf_finish(&buf);
	return copy;
}

static struct str sign(struct test_keys *keys, enum auth_algorithm algorithm, struct str text)
{
	unsigned char *bytes = arena_alloc(&keys->arena, 1024);
	const struct key *key = &keys->list[algorithm];
	const unsigned char *from = (const unsigned char *)text.ptr;
	if (algorithm == AUTH_HS256) {
		unsigned len = 0;
		HMAC(EVP_sha256(), key->secret.ptr, (int)key->secret.len, from, text.len, bytes, &len);
		return (struct str){(const char *)bytes, len};
	}
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *options = NULL;
	size_t len = 1024;
	bool good = EVP_DigestSignInit(context, &options, algorithm == AUTH_EDDSA ? NULL : EVP_sha256(),
								   NULL, key->pkey) == 1;
	if (algorithm == AUTH_PS256) {
		good = good && EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1 &&
			EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1;
	}
	good = good && EVP_DigestSign(context, bytes, &len, from, text.len) == 1;
	EVP_MD_CTX_free(context);
	assert(good);
	if (algorithm == AUTH_ES256) {
		const unsigned char *der = bytes;
		ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)len);
		BN_bn2binpad(ECDSA_SIG_get0_r(pair), bytes, 32);
		BN_bn2binpad(ECDSA_SIG_get0_s(pair), bytes + 32, 32);
		ECDSA_SIG_free(pair);
		len = 64;
	}
	return (struct str){(const char *)bytes, len};
}

struct str test_token(struct test_keys *keys, enum auth_algorithm algorithm, struct str header,
					  struct str payload)
{
	struct str text = arena_printf(&keys->arena, "%.*s.%.*s",
								   STR_ARG(test_base64(&keys->arena, header)),
								   STR_ARG(test_base64(&keys->arena, payload)));
	struct str signature = test_base64(&keys->arena, sign(keys, algorithm, text));
	return arena_printf(&keys->arena, "%.*s.%.*s", STR_ARG(text), STR_ARG(signature));
}
