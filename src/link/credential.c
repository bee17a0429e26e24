#include "link/credential.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "codec/hex.h"
#include "codec/number.h"

enum { HASH_BYTES = 32 };

static const struct str scheme = STR_INIT("Rowlock-Link ");

static bool add(EVP_MAC_CTX *mac, struct str text)
{
	return EVP_MAC_update(mac, (const unsigned char *)text.ptr, text.len) == 1;
}

static bool add_line(EVP_MAC_CTX *mac, struct str text)
{
	return add(mac, text) && add(mac, STR("\n"));
}

/* `time` as it is sent. False when the library has no HMAC-SHA256 to offer. */
static bool hash(struct str key, const struct credential_request *request, struct str time,
				 unsigned char ret_hash[HASH_BYTES])
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	size_t len = 0;
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *mac = hmac == NULL ? NULL : EVP_MAC_CTX_new(hmac);
	bool good = mac != NULL &&
		EVP_MAC_init(mac, (const unsigned char *)key.ptr, key.len, params) == 1 &&
		add_line(mac, STR("rowlock-link-1")) && add_line(mac, request->method) &&
		add_line(mac, request->path) && add_line(mac, time) && add(mac, request->body) &&
		EVP_MAC_final(mac, ret_hash, &len, HASH_BYTES) == 1 && len == HASH_BYTES;
	EVP_MAC_CTX_free(mac);
	EVP_MAC_free(hmac);
	return good;
}

bool credential_check_key(struct str key, struct error *error)
{
	if (key.len == 0 || key.len >= CREDENTIAL_LEAST_KEY_BYTES) {
		return true;
	}
	error_set(error, ERROR_CONFIG, "LINK_KEY is too short");
	return error_hint(error, "give both services the same %d random characters or more",
					  CREDENTIAL_LEAST_KEY_BYTES);
}

void credential_write(struct str key, const struct credential_request *request, int64_t now_s,
					  struct buf *field)
{
	unsigned char bytes[HASH_BYTES];
	struct buf time;
	if (key.len == 0) {
		return;
	}
	buf_init(&time, SIZE_MAX);
	buf_append_int(&time, now_s);
	if (hash(key, request, buf_str(&time), bytes)) {
		buf_append(field, scheme);
		buf_append(field, buf_str(&time));
		buf_append_byte(field, ' ');
		for (size_t i = 0; i < sizeof(bytes); i++) {
			buf_printf(field, "%02x", bytes[i]);
		}
	}
	buf_finish(&time);
}

static bool read_hash(struct str text, unsigned char ret_hash[HASH_BYTES])
{
	if (text.len != 2 * (size_t)HASH_BYTES) {
		return false;
	}
	for (size_t i = 0; i < HASH_BYTES; i++) {
		int high = hex_value(text.ptr[2 * i]);
		int low = hex_value(text.ptr[2 * i + 1]);
		if (high < 0 || low < 0) {
			return false;
		}
		ret_hash[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

static bool refuse(struct error *error, const char *message, const char *hint)
{
	error_set(error, ERROR_FORBIDDEN, "%s", message);
	return error_hint(error, "%s", hint);
}

bool credential_accept(struct str key, const struct credential_request *request, struct str field,
					   int64_t now_s, bool loopback, struct error *error)
{
	unsigned char given[HASH_BYTES];
	unsigned char made[HASH_BYTES];
	int64_t then_s;
	if (key.len == 0) {
		return loopback ||
			refuse(error, "Only services of this machine are believed",
				   "give both services the same LINK_KEY");
	}
	struct str rest = str_slice(field, scheme.len, field.len);
	struct str time = str_split(&rest, ' ');
	if (!str_equal_nocase(str_slice(field, 0, scheme.len), scheme) ||
		number_parse_integer(time, &then_s) != NUMBER_OK || then_s < 0 || !read_hash(rest, given)) {
		return refuse(error, "This is between services", "give both services the same LINK_KEY");
	}
	if (!hash(key, request, time, made) || CRYPTO_memcmp(given, made, sizeof(made)) != 0) {
		return refuse(error, "The credential is not of this request and key",
					  "give both services the same LINK_KEY");
	}
	/* What is told of the clocks is told to those who have the key. */
	if (then_s < now_s - CREDENTIAL_WINDOW_S || then_s > now_s + CREDENTIAL_WINDOW_S) {
		return refuse(error, "The credential is of another time",
					  "set the clocks of both machines");
	}
	return true;
}
