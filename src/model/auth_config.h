/*
 * What a service file says under `auth:`: the keys that sign tokens, what a token must say, and who
 * may come without one. Files of keys are named here and read by auth.
 *
 * Ownership: the model's arena. Threads: any number of readers. Errors: those of the loader.
 * Limits: below.
 */
#ifndef ROWLOCK_MODEL_AUTH_CONFIG_H
#define ROWLOCK_MODEL_AUTH_CONFIG_H

#include "model/model.h"

enum {
	AUTH_KEYS_MAX = 32,
	AUTH_API_KEYS_MAX = 1000,
	AUTH_SECRET_BYTES_MIN = 32, /* RFC 7518, 3.2: no shorter than the hash */
	AUTH_SECRET_BYTES_MAX = 1024,
	AUTH_HASH_BYTES = 32,
	AUTH_LEEWAY_S_MAX = 3600,
	AUTH_RATE_MAX = 1000000,
	AUTH_REFRESH_S_MAX = 86400,
	AUTH_URL_BYTES_MAX = 2048,
};

/* AUTH_NO_ALGORITHM: each key of the set says its own. */
enum auth_algorithm {
	AUTH_NO_ALGORITHM,
	AUTH_RS256,
	AUTH_PS256,
	AUTH_ES256,
	AUTH_EDDSA,
	AUTH_HS256,
};

/* "RS256"; "" for AUTH_NO_ALGORITHM. */
struct str auth_algorithm_name(enum auth_algorithm algorithm);
/* AUTH_NO_ALGORITHM for any other name; compares exactly. */
enum auth_algorithm auth_algorithm_parse(struct str name);

/* Exactly one of the three texts is there. */
struct auth_key_source {
	struct place place;
	enum auth_algorithm algorithm;
	struct text public_key; /* path of a PEM file */
	struct text jwks;       /* path of a JSON Web Key Set, or its URL */
	bool fetched;           /* it is a URL */
	struct text secret;     /* never shown */
	struct str kid;         /* "": a token need not name it, and may name any */
};

struct auth_api_key {
	struct str name;
	struct str role;                       /* "": none */
	unsigned char sha256[AUTH_HASH_BYTES]; /* of the key */
};

struct auth_config {
	struct place place;
	const struct auth_key_source *keys;
	size_t key_count;
	struct str issuer;           /* "": any */
	const struct str *audiences; /* one of them must be among the token's; none: any */
	size_t audience_count;
	const struct str *required; /* claims that must be there, besides `exp` */
	size_t required_count;
	int64_t refresh_s; /* after so long a set is fetched again */
	int64_t leeway_s;
	bool expiry_optional;
	struct str role_claim; /* with dots, see query/claims.h */
	struct str anonymous;  /* the role of whoever shows nothing; "": nobody may */
	const struct auth_api_key *api_keys;
	size_t api_key_count;
	/* A caller may send `rate_requests` every `rate_period_s`, and `rate_burst` at once; 0: any. */
	int64_t rate_requests;
	int64_t rate_period_s;
	int64_t rate_burst;
	bool gzip; /* answers to callers with a token are compressed too */
};

#endif
