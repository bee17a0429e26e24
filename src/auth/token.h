/*
 * The check of a token: a JSON Web Token (RFC 7519) in compact form (RFC 7515, 7.1), by RFC 8725.
 *
 * The header of a token chooses nothing but which of the service's own keys are tried: those of its
 * `alg`, and of its `kid` when both have one. Keys and addresses in a token (jwk, jku, x5u, x5c)
 * are never looked at. What the signature covers is read only when the signature is right.
 *
 * Ownership: what is read is arena, or borrowed from the token. Threads: any.
 * Errors: ERROR_TOKEN when it is no token of ours, ERROR_CLAIMS when it does not hold here and now;
 * no error repeats a part of a token. Limits: TOKEN_BYTES.
 */
#ifndef ROWLOCK_AUTH_TOKEN_H
#define ROWLOCK_AUTH_TOKEN_H

#include "auth/key.h"
#include "auth/principal.h"
#include "base/error.h"

enum { TOKEN_BYTES = 8192 };

struct token {
	struct principal principal;
	int64_t until_s; /* the first second, since 1970, in which it holds no more; INT64_MAX: none */
};

/* `now_s`: seconds since 1970. */
bool token_check(const struct auth_config *config, const struct keys *keys, struct str text,
				 int64_t now_s, struct arena *arena, struct token *ret_token, struct error *error);

#endif
