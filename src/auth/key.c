#include "auth/key_priv.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/buf.h"

enum { ECDSA_HALF = 32, ED25519_BYTES = 64, SHA256_BYTES = 32 };

/* ---- loading ---- */

static bool is_curve_p256(EVP_PKEY *pkey)
{
	char group[32];
	size_t len = 0;
	return EVP_PKEY_is_a(pkey, "EC") == 1 &&
		EVP_PKEY_get_group_name(pkey, group, sizeof(group), &len) == 1 &&
		strcmp(group, "prime256v1") == 0;
}

static bool is_valid(EVP_PKEY *pkey)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	bool valid = context != NULL && EVP_PKEY_public_check(context) == 1;
	EVP_PKEY_CTX_free(context);
	ERR_clear_error();
	return valid;
}

const char *key_unfit(EVP_PKEY *pkey, enum auth_algorithm algorithm)
{
	bool fits = false;
	bool rsa = EVP_PKEY_is_a(pkey, "RSA") == 1;
	switch (algorithm) {
	case AUTH_RS256:
		fits = rsa;
		break;
	case AUTH_PS256:
		rsa = rsa || EVP_PKEY_is_a(pkey, "RSA-PSS") == 1;
		fits = rsa;
		break;
	case AUTH_ES256:
		fits = is_curve_p256(pkey);
		break;
	case AUTH_EDDSA:
		fits = EVP_PKEY_is_a(pkey, "ED25519") == 1;
		break;
	case AUTH_HS256:
	case AUTH_NO_ALGORITHM:
		break;
	}
	if (!fits) {
		return "it is a key of another kind than the algorithm needs";
	}
	int bits = EVP_PKEY_get_bits(pkey);
	if (rsa && (bits < KEY_RSA_BITS_MIN || bits > KEY_RSA_BITS_MAX)) {
		return "an RSA key has 2048 to 16384 bits";
	}
	return is_valid(pkey) ? NULL : "it is no valid key";
}

bool keys_add(struct keys *keys, const struct key *key, struct place place,
			  struct model_report *report)
{
	if (keys->count == AUTH_KEYS_MAX) {
		EVP_PKEY_free(key->pkey);
		model_report_add(report, place, NULL, "more than %d keys", AUTH_KEYS_MAX);
		return false;
	}
	keys->list[keys->count++] = *key;
	return true;
}

static const char *read_file(int fd, struct buf *text)
{
	struct stat status;
	if (fstat(fd, &status) != 0) {
		return strerror(errno);
	}
	if (!S_ISREG(status.st_mode)) {
		return "it is no file";
	}
	for (;;) {
		char *bytes = buf_reserve(text, 4096);
		if (bytes == NULL) {
			return "it is too large for a file of keys";
		}
		ssize_t count = read(fd, bytes, 4096);
		if (count == 0) {
			return NULL;
		}
		if (count > 0) {
			buf_added(text, (size_t)count);
		} else if (errno != EINTR) {
			return strerror(errno);
		}
	}
}

/* False, after a report, when the file cannot be read as a whole. */
static bool read_path(struct keys *keys, const struct text *path, struct buf *text,
					  struct model_report *report)
{
	struct str name = arena_copy(&keys->arena, path->str);
	/* A pipe must not make the start wait. */
	int fd = open(name.ptr, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	const char *problem = fd < 0 ? strerror(errno) : read_file(fd, text);
	if (fd >= 0) {
		(void)close(fd);
	}
	if (problem != NULL) {
		model_report_add(report, path->place, "`rowlock keys --out FOLDER` makes a pair of keys",
						 "the key file %.*s cannot be read: %s", STR_ARG(path->str), problem);
	}
	return problem == NULL;
}

/* Keys under a password are no public keys; nobody is asked for one. */
static int no_password(char *password, int size, int writing, void *context)
{
	(void)password;
	(void)size;
	(void)writing;
	(void)context;
	return -1;
}

static bool contains(struct str text, struct str part)
{
	for (size_t i = 0; i + part.len <= text.len; i++) {
		if (memcmp(text.ptr + i, part.ptr, part.len) == 0) {
			return true;
		}
	}
	return false;
}

static bool add_pem(struct keys *keys, const struct auth_key_source *source, struct str pem,
					struct model_report *report)
{
	BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
	EVP_PKEY *pkey = bio != NULL ? PEM_read_bio_PUBKEY(bio, NULL, no_password, NULL) : NULL;
	BIO_free(bio);
	ERR_clear_error();
	const char *problem = pkey == NULL ? "it holds no public key"
									   : key_unfit(pkey, source->algorithm);
	if (problem != NULL) {
		const char *hint = pkey != NULL ? NULL
			: contains(pem, STR("PRIVATE KEY"))
			? "it is a private key, which this program must not have"
			: "PEM, beginning with -----BEGIN PUBLIC KEY-----";
		model_report_add(report, source->public_key.place, hint, "the key file %.*s: %s",
						 STR_ARG(source->public_key.str), problem);
		EVP_PKEY_free(pkey);
		return false;
	}
	struct key key = {.algorithm = source->algorithm, .kid = source->kid, .pkey = pkey};
	return keys_add(keys, &key, source->place, report);
}

static bool add_source(struct keys *keys, const struct auth_key_source *source,
					   struct model_report *report)
{
	if (source->secret.str.len > 0) {
		struct key key = {
			.algorithm = AUTH_HS256,
			.kid = source->kid,
			.secret = source->secret.str,
		};
		return keys_add(keys, &key, source->place, report);
	}
	bool pem = source->public_key.str.len > 0;
	struct buf text;
	buf_init(&text, KEY_FILE_BYTES + 4096);
	bool good = read_path(keys, pem ? &source->public_key : &source->jwks, &text, report);
	if (good) {
		good = pem ? add_pem(keys, source, buf_str(&text), report)
				   : keys_add_set(keys, source, buf_str(&text), report);
	}
	buf_finish(&text);
	return good;
}

bool keys_load(struct keys *keys, const struct auth_config *config, struct model_report *report)
{
	bool good = true;
	arena_init(&keys->arena, 1024);
	keys->count = 0;
	keys->wanted = NULL;
	for (size_t i = 0; i < config->key_count; i++) {
		const struct auth_key_source *source = &config->keys[i];
		good = (source->fetched || add_source(keys, source, report)) && good;
	}
	return good;
}

void keys_copy(struct keys *keys, const struct keys *from)
{
	arena_init(&keys->arena, 1024);
	keys->count = from->count;
	keys->wanted = from->wanted;
	for (size_t i = 0; i < from->count; i++) {
		keys->list[i] = from->list[i];
		if (keys->list[i].pkey != NULL && EVP_PKEY_up_ref(keys->list[i].pkey) != 1) {
			abort(); /* too many references: there is no way to get here */
		}
	}
}

void keys_finish(struct keys *keys)
{
	for (size_t i = 0; i < keys->count; i++) {
		EVP_PKEY_free(keys->list[i].pkey);
	}
	arena_finish(&keys->arena);
}

/* ---- checking ---- */

static const unsigned char *bytes_of(struct str text)
{
	return (const unsigned char *)text.ptr;
}

static bool verify_hmac(const struct key *key, struct str text, struct str signature)
{
	unsigned char made[SHA256_BYTES];
	unsigned len = 0;
	return HMAC(EVP_sha256(), key->secret.ptr, (int)key->secret.len, bytes_of(text), text.len, made,
				&len) != NULL &&
		len == SHA256_BYTES && signature.len == SHA256_BYTES &&
		CRYPTO_memcmp(made, signature.ptr, SHA256_BYTES) == 0;
}

static bool verify_pkey(const struct key *key, struct str text, const unsigned char *signature,
						size_t signature_len)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *options = NULL;
	const EVP_MD *hash = key->algorithm == AUTH_EDDSA ? NULL : EVP_sha256();
	bool good = context != NULL &&
		EVP_DigestVerifyInit(context, &options, hash, NULL, key->pkey) == 1;
	if (good && key->algorithm == AUTH_PS256) {
		/* RFC 7518, 3.5: the salt is as long as the hash, which the mask is made with too. */
		good = EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1 &&
			EVP_PKEY_CTX_set_rsa_mgf1_md(options, EVP_sha256()) == 1 &&
			EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1;
	}
	good = good &&
		EVP_DigestVerify(context, signature, signature_len, bytes_of(text), text.len) == 1;
	EVP_MD_CTX_free(context);
	return good;
}

/* A token has r and s as 32 bytes each (RFC 7518, 3.4), OpenSSL wants them in DER. */
static bool verify_ecdsa(const struct key *key, struct str text, struct str signature)
{
	if (signature.len != (size_t)2 * ECDSA_HALF) {
		return false;
	}
	BIGNUM *r = BN_bin2bn(bytes_of(signature), ECDSA_HALF, NULL);
	BIGNUM *s = BN_bin2bn(bytes_of(signature) + ECDSA_HALF, ECDSA_HALF, NULL);
	ECDSA_SIG *pair = ECDSA_SIG_new();
	unsigned char *der = NULL;
	bool good = false;
	if (pair != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(pair, r, s) == 1) {
		r = NULL;
		s = NULL;
		int len = i2d_ECDSA_SIG(pair, &der);
		good = len > 0 && verify_pkey(key, text, der, (size_t)len);
	}
	OPENSSL_free(der);
	ECDSA_SIG_free(pair);
	BN_free(r);
	BN_free(s);
	return good;
}

bool key_verify(const struct key *key, struct str text, struct str signature)
{
	bool good = false;
	switch (key->algorithm) {
	case AUTH_HS256:
		good = verify_hmac(key, text, signature);
		break;
	case AUTH_ES256:
		good = verify_ecdsa(key, text, signature);
		break;
	case AUTH_EDDSA:
		good = signature.len == ED25519_BYTES &&
			verify_pkey(key, text, bytes_of(signature), signature.len);
		break;
	case AUTH_RS256:
	case AUTH_PS256:
		good = verify_pkey(key, text, bytes_of(signature), signature.len);
		break;
	case AUTH_NO_ALGORITHM:
		break;
	}
	/* Others in this thread look at OpenSSL's list of errors. */
	ERR_clear_error();
	return good;
}

void key_hash(struct str text, unsigned char *ret_hash)
{
	unsigned len = 0;
	bool good = EVP_Digest(text.ptr, text.len, ret_hash, &len, EVP_sha256(), NULL) == 1;
	assert(good && len == AUTH_HASH_BYTES);
}
