/*
 * The keys that tokens are checked with, read from PEM files, key sets (RFC 7517) and secrets. Each
 * key is bound to one algorithm when it is loaded; a token can only name the key's own.
 *
 * Ownership: keys_load() to keys_finish(). Threads: immutable once loaded.
 * Errors: problems in the report, with the place in the service file; what is secret is not shown.
 * Limits: AUTH_KEYS_MAX in all; a file of KEY_FILE_BYTES; RSA from KEY_RSA_BITS_MIN to
 * KEY_RSA_BITS_MAX bits.
 */
#ifndef ROWLOCK_AUTH_KEY_H
#define ROWLOCK_AUTH_KEY_H

#include "base/arena.h"
#include "model/auth_config.h"

enum { KEY_FILE_BYTES = 256 * 1024, KEY_RSA_BITS_MIN = 2048, KEY_RSA_BITS_MAX = 16384 };

struct evp_pkey_st; /* OpenSSL's EVP_PKEY */

struct key {
	enum auth_algorithm algorithm;
	struct str kid;           /* "": none */
	struct evp_pkey_st *pkey; /* owned; NULL for AUTH_HS256 */
	struct str secret;        /* of AUTH_HS256: borrowed from the model, or arena */
};

struct keys {
	struct arena arena;
	struct key list[AUTH_KEYS_MAX];
	size_t count;
	_Atomic bool *wanted; /* borrowed: set when a token names a key that is not here; or NULL */
};

/* Those of files and secrets; sets that are fetched are passed over (key_ring.h). */
bool keys_load(struct keys *keys, const struct auth_config *config, struct model_report *report);
/* The same keys; their texts stay those of `from`, which must live on. */
void keys_copy(struct keys *keys, const struct keys *from);
void keys_finish(struct keys *keys);

/* Whether the signature (as RFC 7518 writes it) is that of `text` under the key. */
bool key_verify(const struct key *key, struct str text, struct str signature);
/* SHA-256, AUTH_HASH_BYTES. */
void key_hash(struct str text, unsigned char *ret_hash);

#endif
