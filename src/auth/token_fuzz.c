/*
 * Any bytes as a token, which must be refused, since nobody but us knows the secret; and any bytes
 * as a header and a payload, a line each, that are signed well: whatever is taken of those holds
 * now.
 */
#include <assert.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "auth/token.h"
#include "codec/base64.h"

enum { NOW = 1000000, LEEWAY = 30, MOST_BYTES = 1 << 20 };

#define SECRET "0123456789abcdef0123456789abcdef"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_signed(struct str header, struct str payload, struct buf *token)
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	base64url_write(token, header);
	buf_append_byte(token, '.');
	base64url_write(token, payload);
	HMAC(EVP_sha256(), SECRET, (int)strlen(SECRET), (const unsigned char *)token->ptr, token->len,
		 hash, &len);
	buf_append_byte(token, '.');
	base64url_write(token, (struct str){(const char *)hash, len});
}

static void check_signed(const struct auth_config *config, const struct keys *keys,
						 struct str input, struct arena *arena)
{
	struct token token;
	struct error error = {0};
	struct buf text;
	struct str header = str_split(&input, '\n');
	buf_init(&text, MOST_BYTES);
	write_signed(header, input, &text);
	if (!text.failed && token_check(config, keys, buf_str(&text), NOW, arena, &token, &error)) {
		const struct claim *expires = claims_find(&token.principal.claims, STR("exp"));
		assert(expires != NULL && expires->kind == CLAIM_NUMBER);
		assert(token.until_s > NOW && token.principal.id.len > 0);
	} else {
		assert(error.code == ERROR_TOKEN || error.code == ERROR_CLAIMS || text.failed);
	}
	buf_finish(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct str input = {(const char *)data, size};
	const struct auth_config config = {.leeway_s = LEEWAY, .role_claim = STR_INIT("role")};
	const struct keys keys = {
		.list = {{.algorithm = AUTH_HS256, .secret = STR_INIT(SECRET), .kid = STR_INIT("k")}},
		.count = 1,
	};
	struct arena arena;
	struct token token;
	struct error error;
	arena_init(&arena, 4096);
	bool taken = token_check(&config, &keys, input, NOW, &arena, &token, &error);
	assert(!taken && error.code == ERROR_TOKEN);
	check_signed(&config, &keys, input, &arena);
	arena_finish(&arena);
	return 0;
}
