/*
 * What the tests of tokens share: keys of all kinds, and tokens with any header and payload, signed
 * well.
 *
 * Ownership: test_keys_make() to test_keys_finish(); tokens are arena. Threads: one.
 * Errors: the test fails. Limits: none.
 */
#ifndef ROWLOCK_AUTH_TOKEN_TEST_HELP_H
#define ROWLOCK_AUTH_TOKEN_TEST_HELP_H

#include "auth/token.h"

#define TEST_SECRET "0123456789abcdef0123456789abcdef"

/* One key of each algorithm, at its number, private parts included. */
struct test_keys {
	struct key list[AUTH_HS256 + 1];
	struct str public_pem[AUTH_HS256 + 1]; /* arena; "" for AUTH_HS256 */
	struct arena arena;
};

void test_keys_make(struct test_keys *keys);
void test_keys_finish(struct test_keys *keys);
/* The keys with these algorithms, as a service would have them; borrowed from `keys`. */
struct keys test_keys_of(const struct test_keys *keys, const enum auth_algorithm *algorithms,
						 size_t count);
/* base64url of both parts and the signature under the key. */
struct str test_token(struct test_keys *keys, enum auth_algorithm algorithm, struct str header,
					  struct str payload);
struct str test_base64(struct arena *arena, struct str text);

#endif
