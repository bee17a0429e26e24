#include "api/read.h"

#include <stddef.h>

#include "api/api_priv.h"
#include "api/conditional.h"
#include "cache/redis.h"

enum { KEY_BYTES = 16384 };

static struct cache *cache_of(const struct call *call)
{
	return call->binding->loop->api->options.cache;
}

/* ---- keys ---- */

/* What a key begins with; the texts follow, each as long as it is said here. */
struct key_head {
	uint64_t version; /* of all that is read; first: it is filled in anew */
	uint64_t model;
	uint64_t day;
	uint32_t lens[7 + PREFER_KINDS];
	uint32_t method;
};
_Static_assert(sizeof(struct key_head) ==
				   3 * sizeof(uint64_t) + (8 + PREFER_KINDS) * sizeof(uint32_t),
			   "all bytes of a key are said: there is no padding");

/* GET and HEAD have the same answers. What a client may say of an answer that it has, is no part of
 * it. Of fields that only some operations look at the rest does not care. */
static struct str make_key(struct call *call, uint64_t version, uint64_t day)
{
	enum { TEXTS = sizeof((struct key_head){0}.lens) / sizeof(uint32_t) };
	const struct http_request *request = call->request;
	bool in_body = request->method == HTTP_QUERY;
	/* What a gateway's path is called here; without one it is the same text. */
	struct str inside = call->mount != NULL ? call->path : STR("");
	struct str texts[TEXTS] = {
		request->path,        inside,
		request->query,       in_body ? request->body : STR(""),
		call->content_type,   http_request_field(request, STR("Range")),
		call_rules_key(call),
	};
	memcpy(texts + TEXTS - PREFER_KINDS, call->preferences.texts, sizeof(call->preferences.texts));
	struct key_head head = {
		.version = version,
		.model = call->binding->service->model->hash,
		.day = day,
		.method = in_body,
	};
	size_t bytes = sizeof(head);
	for (size_t i = 0; i < TEXTS; i++) {
		if (texts[i].len > KEY_BYTES) {
			return STR("");
		}
		head.lens[i] = (uint32_t)texts[i].len;
		bytes += texts[i].len;
	}
	if (bytes > KEY_BYTES) {
		return STR("");
	}
	char *key = arena_bytes(call->arena, bytes);
	char *next = key;
	memcpy(next, &head, sizeof(head));
	next += sizeof(head);
	for (size_t i = 0; i < TEXTS; i++) {
		if (texts[i].len > 0) {
			memcpy(next, texts[i].ptr, texts[i].len);
			next += texts[i].len;
		}
	}
	return (struct str){key, bytes};
}

/* ---- what is kept ---- */

static void keep(struct call *call, const struct cached_answer *answer)
{
	const struct store_result *result = &call->store.result;
	if (result->has_version) {
		/* The key is in the call's own memory: it gets the version of what was read. */
		memcpy((char *)(uintptr_t)call->cache_key.ptr, &result->version, sizeof(uint64_t));
		cache_put(cache_of(call), call->cache_key, answer);
		if (call->binding->loop->redis != NULL) {
			redis_keep(call->binding->loop->redis, call->cache_key, answer);
		}
	}
}

void read_keep(struct call *call, const struct reply *reply, size_t fields_at)
{
	bool missing = reply->error.code == ERROR_NOT_FOUND;
	bool rows = reply->error.code == ERROR_NONE && (reply->status == 200 || reply->status == 206);
	if (call->cache_key.len == 0 || !(missing || rows)) {
		return;
	}
	struct str fields = buf_str(reply->fields);
	struct cached_answer answer = {
		.status = reply->status,
		.missing = missing,
		.content_type = reply->content_type,
		.fields = str_slice(fields, fields_at, fields.len),
		.body = reply->body,
	};
	keep(call, &answer);
}

void read_keep_missing(struct call *call, const struct error *error)
{
	if (call->cache_key.len > 0 && error->code == ERROR_NOT_FOUND) {
		struct cached_answer answer = {
			.status = error_info(error->code)->status,
			.missing = true,
		};
		keep(call, &answer);
	}
}

void read_keep_head(struct call *call, const struct reply *reply, size_t fields_at)
{
	if (call->cache_key.len > 0 && call->store.result.has_version) {
		struct str fields = buf_str(reply->fields);
		call->kept = (struct cached_answer){
			.status = reply->status,
			.content_type = reply->content_type,
			.fields = arena_copy(call->arena, str_slice(fields, fields_at, fields.len)),
		};
		buf_init(&call->kept_body, cache_entry_most(cache_of(call)));
	}
}

void read_keep_part(struct call *call, struct str bytes)
{
	if (call->kept_body.max_bytes > 0) {
		buf_append(&call->kept_body, bytes);
		if (call->kept_body.failed) {
			read_keep_nothing(call);
		}
	}
}

void read_keep_end(struct call *call)
{
	if (call->kept_body.max_bytes > 0) {
		call->kept.body = buf_str(&call->kept_body);
		keep(call, &call->kept);
		read_keep_nothing(call);
	}
}

void read_keep_nothing(struct call *call)
{
	buf_finish(&call->kept_body);
	call->kept_body.max_bytes = 0;
}

static void send_kept(struct call *call, const struct cached_answer *answer)
{
	buf_append(http_exchange_field_buffer(call->exchange), answer->fields);
	if (answer->missing) {
		struct error error;
		error_set(&error, ERROR_NOT_FOUND, NULL);
		call_fail_status(call, answer->status, &error);
	} else {
		call_answer(call, answer->status, answer->content_type, answer->body);
	}
}

static void on_found(struct redis_lookup *lookup, const struct cached_answer *answer)
{
	struct call *call = (struct call *)(void *)((char *)lookup - offsetof(struct call, lookup));
	if (answer == NULL) {
		call_run(call, call->compose);
		return;
	}
	cache_put(cache_of(call), call->cache_key, answer);
	send_kept(call, answer);
}

/* Answers with what is kept, or runs the query. */
static void look_up(struct call *call)
{
	struct redis_loop *redis = call->binding->loop->redis;
	const struct cache_entry *entry = cache_find(cache_of(call), call->cache_key);
	if (entry != NULL) {
		send_kept(call, &entry->answer);
		cache_unref(entry);
	} else if (redis != NULL) {
		call->lookup.key = call->cache_key;
		call->lookup.done = on_found;
		redis_find(redis, &call->lookup);
	} else {
		call_run(call, call->compose);
	}
}

/* ---- requests ---- */

static void on_version(struct store_version_request *request, bool known, uint64_t version)
{
	struct call *call = (struct call *)(void *)((char *)request - offsetof(struct call, version));
	const struct query *query = &call->query;
	if (conditional_answer(call, known, version)) {
		return;
	}
	/* `If-None-Match: *` asks for an answer that is never kept. */
	if (known && cache_of(call) != NULL && !conditional_any(call)) {
		uint64_t day = query->uses_today ? (uint64_t)query->today : 0;
		call->cache_key = make_key(call, version, day);
	}
	if (call->cache_key.len > 0) {
		look_up(call);
	} else {
		call_run(call, call->compose);
	}
}

void read_run(struct call *call, compose_reply *compose)
{
	call->store.want_version = !call->query.remote;
	if (call->query.remote || (cache_of(call) == NULL && !conditional_asks(call))) {
		call_run(call, compose);
		return;
	}
	call->compose = compose;
	/* Versions may come from afar: their time is the request's. */
	call->store.deadline_ms = loop_now_ms(call->binding->loop->loop) + call_limits(call)->read_ms;
	call->version.query = &call->query;
	call->version.done = on_version;
	store_version_ask(call->binding->loop->session, &call->version);
}
