/*
 * DESIGN. A value is a head of fixed size, the key, the texts of the answer, and a hash of all
 * before it. Whoever does not know the secret cannot make one; whoever can, could give any answer
 * under a key of this program, so the secret is worth as much as the database.
 */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>

#include "base/limits.h"
#include "cache/redis_priv.h"

enum { HASH_BYTES = 32, TEXTS = 4 };

/* Processes on one machine or of one kind: the same order of bytes is asked for by `magic`. */
struct value_head {
	uint32_t magic;
	uint32_t status;
	uint32_t missing;
	uint32_t lens[TEXTS]; /* of key, content type, fields and body */
};

static const uint32_t magic = 0x31434c52; /* "RLC1" */

static void hash(struct str secret, struct str text, unsigned char ret_hash[HASH_BYTES])
{
	unsigned len = HASH_BYTES;
	HMAC(EVP_sha256(), secret.ptr, (int)secret.len, (const unsigned char *)text.ptr, text.len,
		 ret_hash, &len);
}

void redis_value_name(struct str secret, struct str key, char ret_name[REDIS_NAME_BYTES])
{
	unsigned char bytes[HASH_BYTES];
	uint64_t parts[2];
	hash(secret, key, bytes);
	memcpy(parts, bytes, sizeof(parts));
	(void)snprintf(ret_name, REDIS_NAME_BYTES, "rl:%016llx%016llx", (unsigned long long)parts[0],
				   (unsigned long long)parts[1]);
}

void redis_value_write(struct str secret, struct str key, const struct cached_answer *answer,
					   struct buf *value)
{
	const struct str texts[TEXTS] = {key, answer->content_type, answer->fields, answer->body};
	struct value_head head = {
		.magic = magic,
		.status = (uint32_t)answer->status,
		.missing = answer->missing,
	};
	for (size_t i = 0; i < TEXTS; i++) {
		head.lens[i] = (uint32_t)texts[i].len;
	}
	size_t begin = value->len;
	buf_append(value, (struct str){(const char *)&head, sizeof(head)});
	for (size_t i = 0; i < TEXTS; i++) {
		buf_append(value, texts[i]);
	}
	unsigned char bytes[HASH_BYTES];
	hash(secret, str_slice(buf_str(value), begin, value->len), bytes);
	buf_append(value, (struct str){(const char *)bytes, sizeof(bytes)});
}

bool redis_value_read(struct str secret, struct str key, struct str value,
					  struct cached_answer *ret_answer)
{
	struct value_head head;
	unsigned char bytes[HASH_BYTES];
	struct str texts[TEXTS];
	if (value.len < sizeof(head) + HASH_BYTES) {
		return false;
	}
	struct str hashed = str_slice(value, 0, value.len - HASH_BYTES);
	hash(secret, hashed, bytes);
	if (CRYPTO_memcmp(bytes, value.ptr + hashed.len, HASH_BYTES) != 0) {
		return false;
	}
	memcpy(&head, value.ptr, sizeof(head));
	size_t at = sizeof(head);
	for (size_t i = 0; i < TEXTS; i++) {
		if (head.lens[i] > hashed.len - at) {
			return false;
		}
		texts[i] = str_slice(hashed, at, at + head.lens[i]);
		at += head.lens[i];
	}
	if (head.magic != magic || at != hashed.len || !str_equal(texts[0], key)) {
		return false;
	}
	*ret_answer = (struct cached_answer){
		.status = (int)head.status,
		.missing = head.missing != 0,
		.content_type = texts[1],
		.fields = texts[2],
		.body = texts[3],
	};
	return true;
}
