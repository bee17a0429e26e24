/*
 * The other half of tokens: pairs of keys, and tokens signed with them, for tests and for whoever
 * has no identity provider. A server only checks; it has no private key.
 *
 * Ownership: buffers are the caller's. Threads: all. Errors: ERROR_CONFIG. Limits: SIGN_PEM_BYTES
 * of a key file.
 */
#ifndef ROWLOCK_AUTH_SIGN_H
#define ROWLOCK_AUTH_SIGN_H

#include "base/buf.h"
#include "base/error.h"
#include "model/auth_config.h"

enum { SIGN_PEM_BYTES = 65536 };

/* Makes a pair of keys as PEM (PKCS #8 and SPKI). Not for AUTH_HS256, which has no pair. */
bool sign_make_keys(enum auth_algorithm algorithm, struct buf *ret_private, struct buf *ret_public,
					struct error *error);
/* Writes a token with these claims (a JSON object). AUTH_NO_ALGORITHM: what the key is for; RS256
 * for an RSA key. */
bool sign_token(struct str private_pem, enum auth_algorithm algorithm, struct str claims,
				struct buf *ret_token, struct error *error);

#endif
