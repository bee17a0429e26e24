#include "auth/sign.h"

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "auth/key_priv.h"
#include "codec/base64.h"

enum { NEW_RSA_BITS = 2048, HALF = 32, SIGNATURE_BYTES = KEY_RSA_BITS_MAX / 8 };

/* ---- pairs of keys ---- */

static EVP_PKEY *generate(enum auth_algorithm algorithm)
{
	switch (algorithm) {
	case AUTH_RS256:
	case AUTH_PS256:
		return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)NEW_RSA_BITS);
	case AUTH_ES256:
		return EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	case AUTH_EDDSA:
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	case AUTH_HS256:
	case AUTH_NO_ALGORITHM:
		break;
	}
	return NULL;
}

static void take_text(BIO *bio, struct buf *text)
{
	char *bytes = NULL;
	long len = BIO_get_mem_data(bio, &bytes);
	if (len > 0) {
		buf_append(text, (struct str){bytes, (size_t)len});
	}
}

bool sign_make_keys(enum auth_algorithm algorithm, struct buf *ret_private, struct buf *ret_public,
					struct error *error)
{
	EVP_PKEY *pkey = generate(algorithm);
	BIO *secret = BIO_new(BIO_s_mem());
	BIO *open = BIO_new(BIO_s_mem());
	bool good = pkey != NULL && secret != NULL && open != NULL &&
		PEM_write_bio_PKCS8PrivateKey(secret, pkey, NULL, NULL, 0, NULL, NULL) == 1 &&
		PEM_write_bio_PUBKEY(open, pkey) == 1;
	if (good) {
		take_text(secret, ret_private);
		take_text(open, ret_public);
	}
	BIO_free(secret);
	BIO_free(open);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return good || error_set(error, ERROR_CONFIG, "the keys could not be made");
}

/* ---- tokens ---- */

/* Nobody is asked for a password. */
static int no_password(char *password, int size, int writing, void *context)
{
	(void)password;
	(void)size;
	(void)writing;
	(void)context;
	return -1;
}

static enum auth_algorithm algorithm_of(EVP_PKEY *pkey)
{
	static const enum auth_algorithm all[] = {AUTH_RS256, AUTH_PS256, AUTH_ES256, AUTH_EDDSA};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (key_unfit(pkey, all[i]) == NULL) {
			return all[i];
		}
	}
	return AUTH_NO_ALGORITHM;
}

/* From DER to r and s, 32 bytes each (RFC 7518, 3.4). */
static bool flatten(unsigned char *signature, size_t *len)
{
	const unsigned char *der = signature;
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)*len);
	bool good = pair != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(pair), signature, HALF) == HALF &&
		BN_bn2binpad(ECDSA_SIG_get0_s(pair), signature + HALF, HALF) == HALF;
	ECDSA_SIG_free(pair);
	*len = (size_t)2 * HALF;
	return good;
}

static bool sign(EVP_PKEY *pkey, enum auth_algorithm algorithm, struct str text,
				 unsigned char *signature, size_t *len)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *options = NULL;
	const EVP_MD *hash = algorithm == AUTH_EDDSA ? NULL : EVP_sha256();
	bool good = context != NULL && EVP_DigestSignInit(context, &options, hash, NULL, pkey) == 1;
	if (good && algorithm == AUTH_PS256) {
		good = EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1 &&
			EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1;
	}
	good = good &&
		EVP_DigestSign(context, signature, len, (const unsigned char *)text.ptr, text.len) == 1 &&
		(algorithm != AUTH_ES256 || flatten(signature, len));
	EVP_MD_CTX_free(context);
	return good;
}

static bool write_token(EVP_PKEY *pkey, enum auth_algorithm algorithm, struct str claims,
						struct buf *token, struct error *error)
{
	unsigned char signature[SIGNATURE_BYTES];
	size_t len = sizeof(signature);
	struct buf header;
	buf_init(&header, 128);
	buf_printf(&header, "{\"alg\":\"%.*s\",\"typ\":\"JWT\"}",
			   STR_ARG(auth_algorithm_name(algorithm)));
	base64url_write(token, buf_str(&header));
	buf_finish(&header);
	buf_append_byte(token, '.');
	base64url_write(token, claims);
	if (token->failed) {
		return error_set(error, ERROR_CONFIG, "the token is too long");
	}
	if (!sign(pkey, algorithm, buf_str(token), signature, &len)) {
		return error_set(error, ERROR_CONFIG, "the token could not be signed");
	}
	buf_append_byte(token, '.');
	base64url_write(token, (struct str){(const char *)signature, len});
	return !token->failed || error_set(error, ERROR_CONFIG, "the token is too long");
}

bool sign_token(struct str private_pem, enum auth_algorithm algorithm, struct str claims,
				struct buf *ret_token, struct error *error)
{
	BIO *bio = BIO_new_mem_buf(private_pem.ptr, (int)private_pem.len);
	EVP_PKEY *pkey = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
	bool good = false;
	BIO_free(bio);
	if (pkey == NULL) {
		error_set(error, ERROR_CONFIG, "the file holds no private key that can be read");
		error_hint(error, "`rowlock keys --out FOLDER` makes one, without a password");
	} else {
		enum auth_algorithm used = algorithm == AUTH_NO_ALGORITHM ? algorithm_of(pkey) : algorithm;
		const char *problem = key_unfit(pkey, used);
		good = problem == NULL ? write_token(pkey, used, claims, ret_token, error)
							   : error_set(error, ERROR_CONFIG, "the key: %s", problem);
	}
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return good;
}
