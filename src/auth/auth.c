/*
 * DESIGN. A session keeps the tokens that were right, under the SHA-256 of their whole text: a hit
 * costs a hash instead of a signature. Entries sit in a ring, the oldest makes room. They say until
 * when a token holds; what is refused is never kept. A session belongs to one state of the service
 * file, and forgets all when the keys are others. An entry that a request still uses outlives its
 * place in the ring by a count of references.
 */
#include "auth/auth.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "auth/auth_priv.h"
#include "auth/token.h"
#include "base/alloc.h"
#include "base/map.h"
#include "rowlock_config.h"

struct auth {
	const struct auth_config *config;
	struct key_ring ring;
	struct auth_counters counters;
	struct arena arena;
	struct principal anonymous;
	struct principal *holders; /* of API keys: as many as config->api_keys */
};

struct auth_kept {
	struct arena arena; /* of the token's parts */
	struct token token;
	unsigned char hash[AUTH_HASH_BYTES];
	size_t references; /* requests, and the ring */
};

struct auth_session {
	struct auth *auth;
	const struct clock *clock;
	struct key_set *keys; /* one reference */
	struct map by_hash;
	struct auth_kept *ring[AUTH_KEPT_TOKENS]; /* owned */
	size_t next;
};

/* ---- life ---- */

static bool can_fetch(const struct auth *auth, struct model_report *report)
{
	if (auth->ring.source_count > 0 && !HAVE_CURL) {
		model_report_add(report, auth->ring.sources[0].config->jwks.place,
						 "build it with -Dlinks=enabled",
						 "`jwks` with an address: this program was built without libcurl");
		return false;
	}
	return true;
}

struct auth *auth_create(const struct auth_config *config, struct model_report *report)
{
	struct auth *auth = alloc_zeroed(1, sizeof(*auth));
	auth->config = config;
	arena_init(&auth->arena, 1024);
	auth->anonymous.anonymous = true;
	auth->anonymous.claims.role = config->anonymous;
	auth->holders = ARENA_ARRAY(&auth->arena, config->api_key_count, struct principal);
	for (size_t i = 0; i < config->api_key_count; i++) {
		const struct auth_api_key *key = &config->api_keys[i];
		auth->holders[i].claims.sub = key->name;
		auth->holders[i].claims.role = key->role;
		auth->holders[i].id = arena_printf(&auth->arena, "key:%.*s", STR_ARG(key->name));
	}
	if (!key_ring_init(&auth->ring, config, report) || !can_fetch(auth, report)) {
		auth_destroy(auth);
		return NULL;
	}
	return auth;
}

void auth_destroy(struct auth *auth)
{
	if (auth == NULL) {
		return;
	}
	key_ring_finish(&auth->ring);
	arena_finish(&auth->arena);
	free(auth);
}

struct auth_session *auth_session_create(struct auth *auth, const struct clock *clock)
{
	struct auth_session *session = alloc_zeroed(1, sizeof(*session));
	session->auth = auth;
	session->clock = clock;
	session->keys = key_ring_take(&auth->ring);
	map_init(&session->by_hash);
	return session;
}

static void kept_unref(struct auth_kept *kept)
{
	assert(kept->references > 0);
	if (--kept->references == 0) {
		arena_finish(&kept->arena);
		free(kept);
	}
}

static struct str hash_of(struct auth_kept *kept)
{
	return (struct str){(const char *)kept->hash, sizeof(kept->hash)};
}

/* Takes what stands in a place of the ring out. */
static void forget(struct auth_session *session, size_t place)
{
	struct auth_kept *kept = session->ring[place];
	if (kept == NULL) {
		return;
	}
	if (map_get(&session->by_hash, hash_of(kept)) == kept) {
		(void)map_remove(&session->by_hash, hash_of(kept));
	}
	session->ring[place] = NULL;
	kept_unref(kept);
}

static void forget_all(struct auth_session *session)
{
	for (size_t i = 0; i < AUTH_KEPT_TOKENS; i++) {
		forget(session, i);
	}
}

void auth_session_destroy(struct auth_session *session)
{
	if (session == NULL) {
		return;
	}
	for (size_t i = 0; i < AUTH_KEPT_TOKENS; i++) {
		assert(session->ring[i] == NULL || session->ring[i]->references == 1);
	}
	forget_all(session);
	key_set_unref(session->keys);
	map_finish(&session->by_hash);
	free(session);
}

void auth_release(struct auth_caller *caller)
{
	if (caller->kept != NULL) {
		kept_unref(caller->kept);
	}
	*caller = (struct auth_caller){0};
}

/* ---- tokens ---- */

static struct auth_kept *find(struct auth_session *session, const unsigned char *hash,
							  int64_t now_s)
{
	struct str key = {(const char *)hash, AUTH_HASH_BYTES};
	struct auth_kept *kept = map_get(&session->by_hash, key);
	return kept != NULL && now_s < kept->token.until_s ? kept : NULL;
}

static void keep(struct auth_session *session, struct auth_kept *kept)
{
	forget(session, session->next);
	session->ring[session->next] = kept;
	session->next = (session->next + 1) % AUTH_KEPT_TOKENS;
	kept->references++;
	/* An older entry of the same token, which is over, may be there: the key must be ours. */
	(void)map_remove(&session->by_hash, hash_of(kept));
	(void)map_put(&session->by_hash, hash_of(kept), kept);
}

static bool identify_token(struct auth_session *session, struct str text,
						   struct auth_caller *ret_caller, struct error *error)
{
	const struct auth *auth = session->auth;
	int64_t now_s = session->clock->wall_us(session->clock) / 1000000;
	unsigned char hash[AUTH_HASH_BYTES];
	bool keepable = text.len <= AUTH_KEPT_BYTES;
	key_hash(str_slice(text, 0, AUTH_KEPT_BYTES), hash);
	struct auth_kept *kept = keepable ? find(session, hash, now_s) : NULL;
	if (kept == NULL) {
		kept = alloc_zeroed(1, sizeof(*kept));
		kept->references = 1;
		arena_init(&kept->arena, 2048);
		/* The header is decoded into it too; parts that are not escaped lie in the text itself. */
		struct str own = arena_copy(&kept->arena, str_slice(text, 0, TOKEN_BYTES + 1));
		if (!token_check(auth->config, &session->keys->keys, own, now_s, &kept->arena, &kept->token,
						 error)) {
			kept_unref(kept);
			return false;
		}
		if (keepable) {
			memcpy(kept->hash, hash, sizeof(hash));
			keep(session, kept);
		}
	} else {
		kept->references++;
	}
	*ret_caller = (struct auth_caller){&kept->token.principal, kept};
	return true;
}

/* ---- what a request shows ---- */

/* RFC 6750, 2.1: the scheme in any case, at least one space. */
static bool bearer_of(struct str field, struct str *ret_token)
{
	struct str rest = field;
	struct str scheme = str_split(&rest, ' ');
	*ret_token = str_trim(rest);
	return str_equal_nocase(scheme, STR("Bearer"));
}

static bool identify_key(const struct auth *auth, struct str key, struct auth_caller *ret_caller,
						 struct error *error)
{
	unsigned char hash[AUTH_HASH_BYTES];
	const struct principal *found = NULL;
	key_hash(key, hash);
	for (size_t i = 0; i < auth->config->api_key_count; i++) {
		if (CRYPTO_memcmp(hash, auth->config->api_keys[i].sha256, sizeof(hash)) == 0) {
			found = &auth->holders[i];
		}
	}
	*ret_caller = (struct auth_caller){found, NULL};
	return found != NULL || error_set(error, ERROR_TOKEN, "The API key is not known");
}

/* A key that was taken out is out at once, with all that it has signed. */
static void renew_keys(struct auth_session *session)
{
	if (key_ring_is_newer(&session->auth->ring, session->keys)) {
		key_set_unref(session->keys);
		session->keys = key_ring_take(&session->auth->ring);
		forget_all(session);
	}
}

bool auth_identify(struct auth_session *session, const struct auth_proof *proof,
				   struct auth_caller *ret_caller, struct error *error)
{
	const struct auth *auth = session->auth;
	struct str token;
	renew_keys(session);
	if (!session->keys->complete) {
		error_set(error, ERROR_OVERLOADED,
				  "The keys that tokens are checked with are not here yet");
		return error_hint(error, "The log says why they could not be fetched");
	}
	if (proof->several) {
		return error_set(error, ERROR_TOKEN, "Authorization and X-API-Key are sent once");
	}
	if (proof->authorization.ptr != NULL) {
		if (!bearer_of(proof->authorization, &token)) {
			error_set(error, ERROR_TOKEN, "Only Bearer tokens are known here");
			return error_hint(error, "Authorization: Bearer TOKEN");
		}
		return identify_token(session, token, ret_caller, error);
	}
	if (proof->api_key.ptr != NULL && auth->config->api_key_count > 0) {
		return identify_key(auth, proof->api_key, ret_caller, error);
	}
	if (auth->config->anonymous.len > 0) {
		*ret_caller = (struct auth_caller){&auth->anonymous, NULL};
		return true;
	}
	return error_set(error, ERROR_NO_TOKEN, NULL);
}

/* ---- keys that are fetched ---- */

bool auth_is_ready(struct auth *auth)
{
	return key_ring_is_complete(&auth->ring);
}

bool auth_fetches(const struct auth *auth)
{
	return auth->ring.source_count > 0;
}

struct key_ring *auth_ring(struct auth *auth)
{
	return &auth->ring;
}

struct auth_counters *auth_counters(struct auth *auth)
{
	return &auth->counters;
}

int64_t auth_refresh_s(const struct auth *auth)
{
	return auth->config->refresh_s;
}

void auth_inherit(struct auth *auth, struct auth *from)
{
	key_ring_inherit(&auth->ring, &from->ring);
	atomic_store(&auth->counters.fetches, atomic_load(&from->counters.fetches));
	atomic_store(&auth->counters.failures, atomic_load(&from->counters.failures));
}
