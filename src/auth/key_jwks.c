#include "auth/key_priv.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "codec/base64.h"
#include "codec/json.h"

enum { SET_DEPTH = 8, COORDINATE_BYTES = 32, POINT_BYTES = 1 + 2 * COORDINATE_BYTES };

/* The members of a key that mean something here; "" for those that are not there. */
enum member { KTY, USE, ALG, KID, N, E, CRV, X, Y, K, MEMBERS };

static const struct str member_names[MEMBERS] = {
	STR_INIT("kty"), STR_INIT("use"), STR_INIT("alg"), STR_INIT("kid"), STR_INIT("n"),
	STR_INIT("e"),   STR_INIT("crv"), STR_INIT("x"),   STR_INIT("y"),   STR_INIT("k"),
};

struct set {
	struct keys *keys;
	const struct auth_key_source *source;
	struct model_report *report;
	size_t number; /* of the key that is read, from 1 */
	size_t first;  /* of the set among all keys */
};

static bool refuse(struct set *set, const char *hint, const char *problem)
{
	model_report_add(set->report, set->source->jwks.place, hint, "key %zu of the set %.*s: %s",
					 set->number, STR_ARG(set->source->jwks.str), problem);
	return false;
}

/* ---- from numbers to a key ---- */

/* NULL when the members are no key of this kind. */
static EVP_PKEY *make_key(const char *type, OSSL_PARAM_BLD *builder)
{
	EVP_PKEY *pkey = NULL;
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	if (params == NULL || context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
		EVP_PKEY_fromdata(context, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1) {
		pkey = NULL;
	}
	EVP_PKEY_CTX_free(context);
	OSSL_PARAM_free(params);
	return pkey;
}

static EVP_PKEY *make_rsa(struct str n, struct str e)
{
	BIGNUM *modulus = BN_bin2bn((const unsigned char *)n.ptr, (int)n.len, NULL);
	BIGNUM *exponent = BN_bin2bn((const unsigned char *)e.ptr, (int)e.len, NULL);
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	EVP_PKEY *pkey = NULL;
	if (builder != NULL && n.len > 0 && e.len > 0 &&
		OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
		OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent) == 1) {
		pkey = make_key("RSA", builder);
	}
	OSSL_PARAM_BLD_free(builder);
	BN_free(modulus);
	BN_free(exponent);
	return pkey;
}

static EVP_PKEY *make_ec(struct str x, struct str y)
{
	unsigned char point[POINT_BYTES] = {4}; /* not compressed */
	EVP_PKEY *pkey = NULL;
	if (x.len != COORDINATE_BYTES || y.len != COORDINATE_BYTES) {
		return NULL;
	}
	memcpy(point + 1, x.ptr, COORDINATE_BYTES);
	memcpy(point + 1 + COORDINATE_BYTES, y.ptr, COORDINATE_BYTES);
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	if (builder != NULL &&
		OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) ==
			1 &&
		OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, POINT_BYTES) ==
			1) {
		pkey = make_key("EC", builder);
	}
	OSSL_PARAM_BLD_free(builder);
	return pkey;
}

static EVP_PKEY *make_public(enum auth_algorithm algorithm, const struct str *bytes)
{
	EVP_PKEY *pkey = NULL;
	if (algorithm == AUTH_RS256 || algorithm == AUTH_PS256) {
		pkey = make_rsa(bytes[N], bytes[E]);
	} else if (algorithm == AUTH_ES256) {
		pkey = make_ec(bytes[X], bytes[Y]);
	} else {
		pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
										   (const unsigned char *)bytes[X].ptr, bytes[X].len);
	}
	ERR_clear_error();
	return pkey;
}

/* ---- from JSON to members ---- */

/* Whether keys of this type and curve are for the algorithm. */
static bool is_kind_of(enum auth_algorithm algorithm, struct str kty, struct str crv)
{
	switch (algorithm) {
	case AUTH_RS256:
	case AUTH_PS256:
		return str_equal(kty, STR("RSA"));
	case AUTH_ES256:
		return str_equal(kty, STR("EC")) && str_equal(crv, STR("P-256"));
	case AUTH_EDDSA:
		return str_equal(kty, STR("OKP")) && str_equal(crv, STR("Ed25519"));
	case AUTH_HS256:
		return str_equal(kty, STR("oct"));
	case AUTH_NO_ALGORITHM:
		break;
	}
	return false;
}

/* RFC 7517, 4.5: keys of one set have names of their own; two of one are a mistake, or worse. */
static bool is_named_already(const struct set *set, const struct key *key)
{
	for (size_t i = set->first; i < set->keys->count && key->kid.len > 0; i++) {
		const struct key *other = &set->keys->list[i];
		if (other->algorithm == key->algorithm && str_equal(other->kid, key->kid)) {
			return true;
		}
	}
	return false;
}

static bool add_key(struct set *set, const struct str *members, enum auth_algorithm algorithm)
{
	struct str bytes[MEMBERS] = {0};
	for (int i = N; i < MEMBERS; i++) {
		if (i != CRV && !base64url_decode(members[i], &set->keys->arena, &bytes[i])) {
			return refuse(set, NULL, "a part of it is not base64url");
		}
	}
	struct key key = {
		.algorithm = algorithm,
		.kid = arena_copy(&set->keys->arena, members[KID]),
	};
	if (is_named_already(set, &key)) {
		return refuse(set, NULL, "another key of the set has the same kid and algorithm");
	}
	if (algorithm == AUTH_HS256) {
		key.secret = bytes[K];
		if (key.secret.len < AUTH_SECRET_BYTES_MIN || key.secret.len > AUTH_SECRET_BYTES_MAX) {
			return refuse(set, NULL, "a secret has 32 to 1024 bytes");
		}
		return keys_add(set->keys, &key, set->source->place, set->report);
	}
	key.pkey = make_public(algorithm, bytes);
	const char *problem = key.pkey == NULL ? "it is no valid key" : key_unfit(key.pkey, algorithm);
	if (problem != NULL) {
		EVP_PKEY_free(key.pkey);
		return refuse(set, NULL, problem);
	}
	return keys_add(set->keys, &key, set->source->place, set->report);
}

/* A set may hold keys for other uses, and of kinds that others know: they are passed over. */
static bool take_key(struct set *set, const struct str *members)
{
	enum auth_algorithm wanted = set->source->algorithm;
	enum auth_algorithm own = auth_algorithm_parse(members[ALG]);
	bool foreign = members[ALG].len > 0 &&
		(own == AUTH_NO_ALGORITHM || (wanted != AUTH_NO_ALGORITHM && own != wanted));
	bool other_use = members[USE].len > 0 && !str_equal(members[USE], STR("sig"));
	if (set->source->fetched && str_equal(members[KTY], STR("oct"))) {
		return refuse(set, NULL, "a secret, and whoever can fetch the set knows it");
	}
	if (foreign || other_use) {
		return true;
	}
	if (own != AUTH_NO_ALGORITHM && !is_kind_of(own, members[KTY], members[CRV])) {
		return refuse(set, NULL, "it is a key of another kind than its alg");
	}
	if (own == AUTH_NO_ALGORITHM && wanted == AUTH_NO_ALGORITHM) {
		return refuse(set, "write the `algorithm` beside `jwks`", "it does not say its alg");
	}
	if (own == AUTH_NO_ALGORITHM && !is_kind_of(wanted, members[KTY], members[CRV])) {
		return true;
	}
	return add_key(set, members, own != AUTH_NO_ALGORITHM ? own : wanted);
}

/* The members of the object that the reader has entered. False on a syntax error. */
static bool read_members(struct json_reader *reader, struct str *members)
{
	enum json_event event;
	while ((event = json_next(reader)) == JSON_KEY) {
		struct str name = reader->text;
		struct str skipped;
		event = json_next(reader);
		for (size_t i = 0; i < MEMBERS && event == JSON_STRING; i++) {
			if (str_equal(name, member_names[i])) {
				members[i] = reader->text;
			}
		}
		if (event == JSON_ERROR || !json_skip(reader, event, &skipped)) {
			return false;
		}
	}
	return event == JSON_OBJECT_END;
}

static bool read_list(struct set *set, struct json_reader *reader)
{
	enum json_event event;
	bool good = true;
	while ((event = json_next(reader)) == JSON_OBJECT) {
		struct str members[MEMBERS] = {0};
		set->number++;
		if (!read_members(reader, members)) {
			return false;
		}
		good = take_key(set, members) && good;
	}
	return good && event == JSON_ARRAY_END;
}

/* The object with `keys`. */
static bool read_set(struct set *set, struct json_reader *reader)
{
	enum json_event event = json_next(reader);
	bool found = false;
	if (event != JSON_OBJECT) {
		return false;
	}
	while ((event = json_next(reader)) == JSON_KEY) {
		bool keys = str_equal(reader->text, STR("keys"));
		struct str skipped;
		event = json_next(reader);
		found = found || keys;
		if (keys ? event != JSON_ARRAY || !read_list(set, reader)
				 : event == JSON_ERROR || !json_skip(reader, event, &skipped)) {
			return false;
		}
	}
	return found && event == JSON_OBJECT_END && json_next(reader) == JSON_END;
}

bool keys_add_set(struct keys *keys, const struct auth_key_source *source, struct str json,
				  struct model_report *report)
{
	struct set set = {.keys = keys, .source = source, .report = report, .first = keys->count};
	struct json_reader reader;
	size_t errors = report->errors;
	size_t before = keys->count;
	json_reader_init(&reader, json, SET_DEPTH, &keys->arena);
	bool good = read_set(&set, &reader);
	if (!good && report->errors == errors) {
		model_report_add(report, source->jwks.place, "{\"keys\": [ … ]}, as RFC 7517 has it",
						 "%.*s is no set of keys", STR_ARG(source->jwks.str));
	} else if (good && keys->count == before) {
		model_report_add(report, source->jwks.place,
						 "RS256, PS256, ES256, EdDSA and HS256 are known",
						 "the set %.*s has no key that can be used", STR_ARG(source->jwks.str));
		return false;
	}
	return good;
}
