/*
 * DESIGN. A loop has one connection. A name is looked up on libuv's threads, so no loop waits for
 * DNS; meanwhile every lookup is a miss at once. Lookups stand in a list in the order in which they
 * were asked, which is the order of their deadlines and of the answers. One that is given up leaves
 * its question behind, which hiredis ends later, when the answer comes or the connection goes.
 *
 * `pause_ms` is the state of the breaker: 0 while all is well; else how long nothing is asked,
 * until `resume_ms`. After that one lookup at a time is tried, and the first answer ends the pause.
 */
#include "cache/redis.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/limits.h"
#include "cache/redis_priv.h"
#include "codec/url.h"
#include "net/loop.h"

enum {
	LOOKUP_MS = 20,
	FAILURES = 5,
	PAUSE_MS = 1000,
	PAUSE_MOST_MS = 30000,
	KEEPS = 64,
	SECRET_BYTES = 32,
	KEPT_S = 3600,
	ARENA_BYTES = 512,
	VALUE_EXTRA_BYTES = 1024, /* of a value beyond the answer's own */
};

struct redis {
	struct arena arena;
	char *host;
	char *port;
	struct str user;     /* "": its default one */
	struct str password; /* "": none is asked for */
	char *secret;
	size_t secret_len;
	size_t value_bytes;
	_Atomic uint64_t hits, misses, errors, strangers, breakers;
};

/* What hiredis has of a lookup. */
struct redis_question {
	struct redis_loop *loop;
	struct redis_lookup *lookup; /* NULL: given up */
};

struct redis_loop {
	struct redis *redis;
	struct loop *loop;
	redisAsyncContext *context; /* NULL: not connected */
	uv_timer_t timer;
	uv_getaddrinfo_t resolver;
	bool resolving;
	bool detached;
	bool timer_closed;
	struct redis_lookup *first; /* the oldest */
	struct redis_lookup **last;
	size_t keeps; /* under way */
	unsigned failures;
	uint64_t pause_ms;
	uint64_t resume_ms;
	struct buf value;
};

static void count(_Atomic uint64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static struct str secret_of(const struct redis_loop *loop)
{
	return (struct str){loop->redis->secret, loop->redis->secret_len};
}

/* ---- lookups under way ---- */

static struct redis_lookup *take_first(struct redis_loop *loop)
{
	struct redis_lookup *lookup = loop->first;
	loop->first = lookup->next;
	if (loop->first == NULL) {
		loop->last = &loop->first;
		uv_timer_stop(&loop->timer);
	}
	return lookup;
}

static void on_timer(uv_timer_t *timer);

static void add_last(struct redis_loop *loop, struct redis_lookup *lookup)
{
	lookup->next = NULL;
	lookup->expires_ms = loop_now_ms(loop->loop) + LOOKUP_MS;
	*loop->last = lookup;
	loop->last = &lookup->next;
	if (loop->first == lookup) {
		uv_timer_start(&loop->timer, on_timer, LOOKUP_MS, 0);
	}
}

/* ---- the breaker ---- */

static void disconnect(struct redis_loop *loop)
{
	redisAsyncContext *context = loop->context;
	loop->context = NULL;
	if (context != NULL) {
		redisAsyncFree(context); /* ends all questions: misses */
	}
}

static void fail(struct redis_loop *loop)
{
	bool paused = loop->pause_ms != 0;
	uint64_t now_ms = loop_now_ms(loop->loop);
	count(&loop->redis->errors);
	loop->failures++;
	/* What fails within a pause was asked before it. */
	if (paused ? now_ms < loop->resume_ms : loop->failures < FAILURES) {
		return;
	}
	if (!paused) {
		count(&loop->redis->breakers);
	}
	uint64_t pause_ms = !paused ? PAUSE_MS : 2 * loop->pause_ms;
	loop->pause_ms = pause_ms < PAUSE_MOST_MS ? pause_ms : PAUSE_MOST_MS;
	loop->resume_ms = now_ms + loop->pause_ms;
}

static void succeed(struct redis_loop *loop)
{
	loop->failures = 0;
	if (loop->pause_ms != 0) {
		loop->pause_ms = 0;
		atomic_fetch_sub_explicit(&loop->redis->breakers, 1, memory_order_relaxed);
	}
}

static bool is_paused(const struct redis_loop *loop)
{
	return loop->pause_ms != 0 &&
		(loop_now_ms(loop->loop) < loop->resume_ms || loop->first != NULL);
}

static void on_timer(uv_timer_t *timer)
{
	struct redis_loop *loop = timer->data;
	/* After a long turn of the loop the answers may have come already. */
	if (loop->context != NULL) {
		redisAsyncHandleRead(loop->context);
	}
	uint64_t now_ms = loop_now_ms(loop->loop);
	while (loop->first != NULL && loop->first->expires_ms <= now_ms) {
		struct redis_lookup *lookup = take_first(loop);
		lookup->question->lookup = NULL;
		fail(loop);
		lookup->done(lookup, NULL);
	}
	if (loop->pause_ms != 0) {
		disconnect(loop);
	}
	if (loop->first != NULL) {
		uint64_t expires_ms = loop->first->expires_ms;
		uv_timer_start(&loop->timer, on_timer, expires_ms > now_ms ? expires_ms - now_ms : 1, 0);
	}
}

/* ---- connecting ---- */

static void free_when_closed(struct redis_loop *loop)
{
	if (loop->detached && loop->timer_closed && !loop->resolving) {
		buf_finish(&loop->value);
		free(loop);
	}
}

/* hiredis frees the connection: it was lost, or never made, or we wanted it. */
static void on_gone(void *data)
{
	struct redis_loop *loop = data;
	if (loop->context != NULL) {
		loop->context = NULL;
		fail(loop);
	}
}

/* What was asked behind it is refused as well. */
static void on_admitted(redisAsyncContext *context, void *data, void *private)
{
	const redisReply *reply = data;
	struct redis_loop *loop = private;
	if (reply != NULL && reply->type == REDIS_REPLY_ERROR && context == loop->context) {
		disconnect(loop);
		fail(loop);
	}
}

static void log_in(struct redis_loop *loop)
{
	struct str user = loop->redis->user;
	struct str password = loop->redis->password;
	const char *words[] = {"AUTH", user.ptr, password.ptr};
	const size_t lens[] = {4, user.len, password.len};
	if (user.len > 0) {
		redisAsyncCommandArgv(loop->context, on_admitted, loop, 3, words, lens);
	} else if (password.len > 0) {
		words[1] = words[2];
		redisAsyncCommandArgv(loop->context, on_admitted, loop, 2, words,
							  (size_t[]){4, password.len});
	}
}

static void on_connected(const redisAsyncContext *context, int status)
{
	(void)context;
	(void)status; /* a failure ends in on_gone() */
}

static void connect_to(struct redis_loop *loop, const struct sockaddr *address)
{
	char name[64];
	char *end;
	int known = address->sa_family == AF_INET6
		? uv_ip6_name((const struct sockaddr_in6 *)(const void *)address, name, sizeof(name))
		: uv_ip4_name((const struct sockaddr_in *)(const void *)address, name, sizeof(name));
	if (known != 0) {
		fail(loop);
		return;
	}
	/* A numeric address: nothing is looked up any more. */
	redisAsyncContext *context = redisAsyncConnect(name, (int)strtol(loop->redis->port, &end, 10));
	if (context == NULL || context->err != 0) {
		if (context != NULL) {
			redisAsyncFree(context);
		}
		fail(loop);
		return;
	}
	loop->context = context;
	redis_poll_attach(context, loop_uv(loop->loop), on_gone, loop);
	redisAsyncSetConnectCallback(context, on_connected);
	log_in(loop);
}

/* A name may have addresses on which nobody listens: after a failure it is the next one's turn. */
static const struct sockaddr *choose(const struct addrinfo *addresses, unsigned failures)
{
	unsigned known = 0;
	for (const struct addrinfo *one = addresses; one != NULL; one = one->ai_next) {
		known++;
	}
	for (unsigned skip = failures % known; skip > 0; skip--) {
		addresses = addresses->ai_next;
	}
	return addresses->ai_addr;
}

static void on_resolved(uv_getaddrinfo_t *resolver, int status, struct addrinfo *addresses)
{
	struct redis_loop *loop = resolver->data;
	loop->resolving = false;
	if (loop->detached) {
		free_when_closed(loop);
	} else if (status != 0 || addresses == NULL) {
		fail(loop);
	} else {
		connect_to(loop, choose(addresses, loop->failures));
	}
	uv_freeaddrinfo(addresses);
}

static void begin_connecting(struct redis_loop *loop)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	if (loop->resolving) {
		return;
	}
	loop->resolving = uv_getaddrinfo(loop_uv(loop->loop), &loop->resolver, on_resolved,
									 loop->redis->host, loop->redis->port, &hints) == 0;
	if (!loop->resolving) {
		fail(loop);
	}
}

/* ---- questions ---- */

/* What a reply says of the lookup; false is a miss. */
static bool read_reply(struct redis_loop *loop, const struct redis_lookup *lookup,
					   const redisReply *reply, struct cached_answer *ret_answer)
{
	struct redis *redis = loop->redis;
	if (reply->type == REDIS_REPLY_STRING && reply->len > 0) {
		struct str value = {reply->str, reply->len};
		if (redis_value_read(secret_of(loop), lookup->key, value, ret_answer)) {
			count(&redis->hits);
			return true;
		}
		count(&redis->strangers);
	}
	count(reply->type == REDIS_REPLY_ERROR ? &redis->errors : &redis->misses);
	return false;
}

static void on_found(redisAsyncContext *context, void *data, void *private)
{
	(void)context;
	const redisReply *reply = data; /* NULL: the connection goes */
	struct redis_question *question = private;
	struct redis_loop *loop = question->loop;
	struct redis_lookup *lookup = question->lookup;
	free(question);
	if (reply != NULL) {
		succeed(loop);
	}
	if (lookup == NULL) {
		return;
	}
	struct redis_lookup *first = take_first(loop);
	assert(first == lookup);
	struct cached_answer answer;
	bool hit = reply != NULL && read_reply(loop, lookup, reply, &answer);
	lookup->done(lookup, hit ? &answer : NULL);
}

void redis_find(struct redis_loop *loop, struct redis_lookup *lookup)
{
	char name[REDIS_NAME_BYTES];
	char most[24];
	if (is_paused(loop) || loop->context == NULL) {
		if (!is_paused(loop)) {
			begin_connecting(loop);
		}
		lookup->done(lookup, NULL);
		return;
	}
	struct redis_question *question = alloc_zeroed(1, sizeof(*question));
	question->loop = loop;
	question->lookup = lookup;
	lookup->question = question;
	redis_value_name(secret_of(loop), lookup->key, name);
	/* Not more than can be ours: the value may be anybody's. */
	int len = snprintf(most, sizeof(most), "%zu", loop->redis->value_bytes + VALUE_EXTRA_BYTES);
	const char *words[] = {"GETRANGE", name, "0", most};
	const size_t lens[] = {strlen(words[0]), strlen(name), 1, (size_t)len};
	if (redisAsyncCommandArgv(loop->context, on_found, question, 4, words, lens) != REDIS_OK) {
		/* The connection is just being lost. */
		free(question);
		lookup->done(lookup, NULL);
		return;
	}
	add_last(loop, lookup);
}

static void on_kept(redisAsyncContext *context, void *data, void *private)
{
	(void)context;
	const redisReply *reply = data;
	struct redis_loop *loop = private;
	loop->keeps--;
	if (reply != NULL && reply->type == REDIS_REPLY_ERROR) {
		count(&loop->redis->errors);
	}
}

void redis_keep(struct redis_loop *loop, struct str key, const struct cached_answer *answer)
{
	char name[REDIS_NAME_BYTES];
	char seconds[24];
	if (loop->context == NULL || loop->pause_ms != 0 || loop->keeps == KEEPS ||
		cache_entry_bytes(key, answer) > loop->redis->value_bytes) {
		return;
	}
	buf_clear(&loop->value);
	redis_value_write(secret_of(loop), key, answer, &loop->value);
	redis_value_name(secret_of(loop), key, name);
	int len = snprintf(seconds, sizeof(seconds), "%d", KEPT_S);
	const char *words[] = {"SET", name, loop->value.ptr, "EX", seconds};
	const size_t lens[] = {3, strlen(name), loop->value.len, 2, (size_t)len};
	loop->keeps++;
	if (redisAsyncCommandArgv(loop->context, on_kept, loop, 5, words, lens) != REDIS_OK) {
		loop->keeps--;
	}
}

/* ---- life ---- */

static char *text_of(struct arena *arena, struct str text)
{
	char *copy = arena_bytes(arena, text.len + 1);
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	return copy;
}

/* Cuts `[USER]:PASSWORD@` off. */
static void take_login(struct redis *redis, struct str *place)
{
	size_t at = str_find(*place, '@', 0);
	size_t colon = str_find(*place, ':', 0);
	if (at < place->len) {
		url_decode_segment(str_slice(*place, 0, colon), &redis->arena, &redis->user);
		url_decode_segment(str_slice(*place, colon + 1, at), &redis->arena, &redis->password);
		*place = str_slice(*place, at + 1, place->len);
	}
}

struct redis *redis_create(const struct redis_options *options)
{
	struct redis *redis = alloc_zeroed(1, sizeof(*redis));
	arena_init(&redis->arena, ARENA_BYTES);
	struct str place = arena_copy(&redis->arena, options->place);
	take_login(redis, &place);
	size_t colon = place.len;
	while (colon > 0 && place.ptr[colon - 1] != ':') {
		colon--;
	}
	bool brackets = str_starts_with(place, STR("["));
	redis->host = text_of(
		&redis->arena, brackets ? str_slice(place, 1, colon - 2) : str_slice(place, 0, colon - 1));
	redis->port = text_of(&redis->arena, str_slice(place, colon, place.len));
	redis->secret_len = options->secret.len > 0 ? options->secret.len : SECRET_BYTES;
	redis->secret = arena_bytes(&redis->arena, redis->secret_len);
	if (options->secret.len > 0) {
		memcpy(redis->secret, options->secret.ptr, options->secret.len);
	} else {
		random_bytes(redis->secret, SECRET_BYTES);
	}
	redis->value_bytes = options->value_bytes;
	return redis;
}

void redis_destroy(struct redis *redis)
{
	if (redis != NULL) {
		arena_finish(&redis->arena);
		free(redis);
	}
}

struct redis_loop *redis_attach(struct redis *redis, struct loop *loop)
{
	struct redis_loop *redis_loop = alloc_zeroed(1, sizeof(*redis_loop));
	redis_loop->redis = redis;
	redis_loop->loop = loop;
	redis_loop->last = &redis_loop->first;
	redis_loop->resolver.data = redis_loop;
	buf_init(&redis_loop->value, UINT32_MAX);
	uv_timer_init(loop_uv(loop), &redis_loop->timer);
	redis_loop->timer.data = redis_loop;
	return redis_loop;
}

static void on_timer_closed(uv_handle_t *timer)
{
	struct redis_loop *loop = timer->data;
	loop->timer_closed = true;
	free_when_closed(loop);
}

void redis_detach(struct redis_loop *loop)
{
	if (loop == NULL) {
		return;
	}
	assert(loop->first == NULL);
	disconnect(loop);
	succeed(loop); /* its breaker is none any more */
	loop->detached = true;
	if (loop->resolving) {
		uv_cancel((uv_req_t *)&loop->resolver);
	}
	uv_close((uv_handle_t *)&loop->timer, on_timer_closed);
}

void redis_get_stats(const struct redis *redis, struct redis_stats *ret_stats)
{
	*ret_stats = (struct redis_stats){
		.hits = atomic_load(&redis->hits),
		.misses = atomic_load(&redis->misses),
		.errors = atomic_load(&redis->errors),
		.strangers = atomic_load(&redis->strangers),
		.breakers = atomic_load(&redis->breakers),
	};
}
