/*
 * DESIGN. A request is a row of messages, sent one after the other: send_next() writes the next
 * one, on_answer() reads its answer and goes on. The breaker counts connections and time only: a
 * peer that answers quickly, whatever it says, costs nobody anything.
 */
#include "link/peer.h"

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "codec/url.h"
#include "link/credential.h"
#include "net/loop.h"

enum { URL_BYTES = 1 << 20, FIELD_BYTES = 4096 };

struct peer {
	struct peers *peers;
	struct peer *next;
	struct str url;    /* owned */
	unsigned failures; /* in a row */
	uint64_t pause_ms;
	uint64_t closed_until_ms; /* while failures >= PEER_FAILURES */
	bool probing;             /* a request was let through, and is under way */
};

/* One message that nobody waits for. */
struct last_word {
	struct client_request http;
	struct peers *peers;
	struct last_word *next;
	struct buf url;
	struct buf fields;
	struct buf body;
};

struct peers {
	struct loop *loop;
	struct client *client;
	struct str key; /* owned */
	struct peer *list;
	struct last_word *last_words;
	_Atomic uint64_t requests;
	_Atomic uint64_t failures;
	_Atomic uint64_t skipped;
	_Atomic uint64_t open;
};

static struct str copy(struct str text)
{
	char *bytes = alloc_zeroed(1, text.len + 1);
	memcpy(bytes, text.ptr, text.len);
	return (struct str){bytes, text.len};
}

static void count(_Atomic uint64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* ---- the breaker ---- */

static struct peer *peer_at(struct peers *peers, const struct resource *resource)
{
	assert(resource_is_remote(resource));
	struct peer *peer = peers->list;
	while (peer != NULL && !str_equal(peer->url, resource->at.str)) {
		peer = peer->next;
	}
	if (peer == NULL) {
		peer = alloc_zeroed(1, sizeof(*peer));
		peer->peers = peers;
		peer->url = copy(resource->at.str);
		peer->next = peers->list;
		peers->list = peer;
	}
	return peer;
}

static bool breaker_is_open(const struct peer *peer)
{
	return peer->failures >= PEER_FAILURES;
}

/* May a message be sent now? */
static bool breaker_lets(struct peer *peer, bool *ret_probe)
{
	if (!breaker_is_open(peer)) {
		return true;
	}
	if (peer->probing || loop_now_ms(peer->peers->loop) < peer->closed_until_ms) {
		count(&peer->peers->skipped);
		return false;
	}
	peer->probing = true;
	*ret_probe = true;
	return true;
}

static void breaker_note(struct peer *peer, bool probe, bool answered)
{
	bool was_open = breaker_is_open(peer);
	peer->probing = peer->probing && !probe;
	if (answered) {
		if (was_open) {
			atomic_fetch_sub_explicit(&peer->peers->open, 1, memory_order_relaxed);
		}
		peer->failures = 0;
		peer->pause_ms = 0;
		return;
	}
	peer->failures++;
	/* Those that were sent before it opened tell nothing new. */
	if (!breaker_is_open(peer) || (was_open && !probe)) {
		return;
	}
	if (!was_open) {
		count(&peer->peers->open);
	}
	uint64_t longer = 2 * peer->pause_ms;
	peer->pause_ms = longer == 0      ? PEER_PAUSE_MS
		: longer < PEER_MOST_PAUSE_MS ? longer
									  : PEER_MOST_PAUSE_MS;
	peer->closed_until_ms = loop_now_ms(peer->peers->loop) + peer->pause_ms;
}

/* ---- the end of a request ---- */

static void give_back(struct peer_request *request)
{
	buf_finish(&request->url);
	buf_finish(&request->fields);
	buf_finish(&request->body);
	request->peer = NULL;
}

/* The request may be gone afterwards. */
static void finish(struct peer_request *request, struct peer_answer *answer)
{
	answer->sent = request->sent;
	give_back(request);
	request->done(request, answer);
}

static void finish_done(struct peer_request *request)
{
	struct peer_answer answer = {
		.outcome = PEER_DONE,
		.decisions = {request->used, request->used_count, request->voided, request->void_count},
	};
	finish(request, &answer);
}

static struct str name_of(const struct peer_request *request)
{
	return request->resource->name;
}

static void finish_failed(struct peer_request *request, enum peer_outcome outcome,
						  const char *problem)
{
	struct peer_answer answer = {.outcome = outcome, .problem = problem};
	count(&request->peer->peers->failures);
	error_set(&answer.error, ERROR_OVERLOADED, "The service of \"%.*s\" %s",
			  STR_ARG(name_of(request)),
			  outcome == PEER_REFUSED ? "refused the request" : "does not answer");
	finish(request, &answer);
}

/* Not sent at all. */
static void finish_unasked(struct peer_request *request)
{
	struct peer_answer answer = {.outcome = PEER_NO_ANSWER, .problem = "it is not asked for now"};
	error_set(&answer.error, ERROR_OVERLOADED, "The service of \"%.*s\" does not answer",
			  STR_ARG(name_of(request)));
	finish(request, &answer);
}

static void finish_missing(struct peer_request *request, const struct message_keys *missing)
{
	struct peer_answer answer = {.outcome = PEER_MISSING, .missing = *missing};
	error_set(&answer.error, ERROR_REFERENCE, NULL);
	error_details(&answer.error, "Key is not present in table \"%.*s\".",
				  STR_ARG(name_of(request)));
	finish(request, &answer);
}

/* ---- answers ---- */

static int compare_ids(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct uuid));
}

/* Every id that was asked about, once, in one of the two. */
static bool are_those(const struct message_decisions *got, const struct uuid *asked,
					  size_t asked_count)
{
	if (got->used_count + got->void_count != asked_count) {
		return false;
	}
	struct uuid *ids = alloc_zeroed(2 * asked_count + 1, sizeof(*ids));
	struct uuid *others = ids + asked_count;
	memcpy(ids, asked, asked_count * sizeof(*ids));
	memcpy(others, got->used, got->used_count * sizeof(*ids));
	memcpy(others + got->used_count, got->voided, got->void_count * sizeof(*ids));
	qsort(ids, asked_count, sizeof(*ids), compare_ids);
	qsort(others, asked_count, sizeof(*ids), compare_ids);
	bool same = memcmp(ids, others, asked_count * sizeof(*ids)) == 0;
	free(ids);
	return same;
}

static bool read_decisions(struct peer_request *request, struct str body)
{
	struct message_decisions got;
	struct error error;
	if (!message_read_decisions(body, request->arena, &got, &error) ||
		!are_those(&got, request->what.ids.items + request->at, request->step)) {
		return false;
	}
	memcpy(request->used + request->used_count, got.used, got.used_count * sizeof(struct uuid));
	memcpy(request->voided + request->void_count, got.voided, got.void_count * sizeof(struct uuid));
	request->used_count += got.used_count;
	request->void_count += got.void_count;
	return true;
}

/* An answer without what was asked for. */
static void take_other(struct peer_request *request, int status, struct str body)
{
	struct message_keys missing;
	struct error error;
	if (request->act == PEER_ACT_CHECK && (status == 404 || status == 410)) {
		missing = (struct message_keys){request->what.keys.items + request->at, 1};
		finish_missing(request, &missing);
	} else if (request->act == PEER_ACT_HOLD && status == 409) {
		if (message_read_missing(body, request->resource, request->arena, &missing, &error) &&
			missing.count > 0) {
			finish_missing(request, &missing);
		} else {
			finish_failed(request, PEER_NO_ANSWER, "an answer that cannot be read");
		}
	} else if (status >= 300 && status < 500 && status != 408 && status != 429) {
		finish_failed(request, PEER_REFUSED, "an answer that says no");
	} else {
		finish_failed(request, PEER_NO_ANSWER, "an answer that says not now");
	}
}

static void send_next(struct peer_request *request);

static void on_answer(struct client_request *http, const struct client_answer *answer)
{
	struct peer_request *request =
		(struct peer_request *)(void *)((char *)http - offsetof(struct peer_request, http));
	int wanted = request->act == PEER_ACT_RELEASE ? 204 : 200;
	request->busy = false;
	request->sent = request->sent || answer->sent;
	breaker_note(request->peer, request->probe, answer->problem == NULL);
	request->probe = false;
	if (answer->problem != NULL) {
		finish_failed(request, PEER_NO_ANSWER, answer->problem);
	} else if (answer->status != wanted) {
		take_other(request, answer->status, answer->body);
	} else if (request->used != NULL && !read_decisions(request, answer->body)) {
		finish_failed(request, PEER_NO_ANSWER, "an answer that cannot be read");
	} else {
		request->at += request->step;
		send_next(request);
	}
}

/* ---- messages ---- */

/* As many as go into one message; at least one. */
static void write_holds(struct buf *body, const struct message_holds *all, size_t at,
						size_t *ret_step)
{
	size_t left = all->count - at;
	size_t step = left < MESSAGE_MOST_HOLDS ? left : MESSAGE_MOST_HOLDS;
	for (;; step = (step + 1) / 2) {
		struct message_holds part = *all;
		part.items += at;
		part.count = step;
		buf_clear(body);
		message_write_holds(body, &part);
		if (step == 1 || body->len <= PEER_MESSAGE_BYTES) {
			break;
		}
	}
	*ret_step = step;
}

static void write_ids(struct buf *body, const struct message_ids *all, size_t at, size_t *ret_step)
{
	struct message_ids part = *all;
	part.items += at;
	part.count = all->count - at < MESSAGE_MOST_HOLDS ? all->count - at : MESSAGE_MOST_HOLDS;
	buf_clear(body);
	message_write_ids(body, &part);
	*ret_step = part.count;
}

/* A part of an item path: in quotes what the path's commas would take apart. */
static void write_part(struct buf *url, struct str text)
{
	struct buf quoted;
	if (str_find(text, ',', 0) == text.len && !str_starts_with(text, STR("\""))) {
		url_encode(url, text);
		return;
	}
	buf_init(&quoted, URL_BYTES);
	buf_append_byte(&quoted, '"');
	for (size_t i = 0; i < text.len; i++) {
		bool special = text.ptr[i] == '"' || text.ptr[i] == '\\';
		buf_append(&quoted, special ? STR("\\") : STR(""));
		buf_append_byte(&quoted, text.ptr[i]);
	}
	buf_append_byte(&quoted, '"');
	url_encode(url, buf_str(&quoted));
	buf_finish(&quoted);
}

/* `/RESOURCE/{key}` */
static void write_item(struct buf *url, const struct resource *resource, const struct value *key)
{
	struct buf text;
	buf_init(&text, URL_BYTES);
	buf_append_byte(url, '/');
	url_encode(url, resource->name);
	for (size_t i = 0; i < resource->key.count; i++) {
		buf_clear(&text);
		value_write_text(&text, resource->key.items[i], &key[i]);
		buf_append_byte(url, i == 0 ? '/' : ',');
		write_part(url, buf_str(&text));
	}
	buf_finish(&text);
}

static void write_fields(const struct peers *peers, struct str method, struct str path,
						 struct str body, struct buf *fields)
{
	const struct credential_request signed_request = {method, path, body};
	int64_t now_s = clock_system.wall_us(&clock_system) / 1000000;
	buf_clear(fields);
	buf_append(fields, STR("Content-Type: application/json\r\n"));
	if (peers->key.len > 0) {
		buf_append(fields, STR("Authorization: "));
		credential_write(peers->key, &signed_request, now_s, fields);
		buf_append(fields, STR("\r\n"));
	}
}

/* What is at an address is not looked at. */
static bool drop_part(struct client_request *http, int status, struct str bytes)
{
	(void)http;
	(void)status;
	(void)bytes;
	return true;
}

static const struct {
	const char *method;
	const char *path;
	uint64_t timeout_ms;
} acts[] = {
	[PEER_ACT_HOLD] = {"PUT", "/.rowlock/holds", PEER_HOLD_MS},
	[PEER_ACT_RELEASE] = {"DELETE", "/.rowlock/holds", PEER_SLOW_MS},
	[PEER_ACT_DECIDE] = {"POST", "/.rowlock/decide", PEER_SLOW_MS},
	[PEER_ACT_LOOK] = {"POST", "/.rowlock/holds", PEER_SLOW_MS},
	[PEER_ACT_CHECK] = {"GET", "", PEER_HOLD_MS},
};

static size_t all_of(const struct peer_request *request)
{
	switch (request->act) {
	case PEER_ACT_HOLD:
		return request->what.holds.count;
	case PEER_ACT_RELEASE:
	case PEER_ACT_DECIDE:
	case PEER_ACT_LOOK:
		return request->what.ids.count;
	case PEER_ACT_CHECK:
		return request->what.keys.count;
	}
	assert(false);
	return 0;
}

/* Writes the next message; how much is in it is in request->step. */
static void write_message(struct peer_request *request)
{
	struct str path = str_from(acts[request->act].path);
	buf_clear(&request->url);
	buf_append(&request->url, request->peer->url);
	buf_append(&request->url, path);
	if (request->act == PEER_ACT_CHECK) {
		/* The other end may not know us: it gets no credential. */
		request->step = 1;
		write_item(&request->url, request->resource, request->what.keys.items[request->at]);
		return;
	}
	if (request->act == PEER_ACT_HOLD) {
		write_holds(&request->body, &request->what.holds, request->at, &request->step);
	} else {
		write_ids(&request->body, &request->what.ids, request->at, &request->step);
	}
	write_fields(request->peer->peers, str_from(acts[request->act].method), path,
				 buf_str(&request->body), &request->fields);
}

static void send_next(struct peer_request *request)
{
	struct peers *peers = request->peer->peers;
	if (request->at == all_of(request)) {
		finish_done(request);
		return;
	}
	if (peers->client == NULL || !breaker_lets(request->peer, &request->probe)) {
		finish_unasked(request);
		return;
	}
	write_message(request);
	bool check = request->act == PEER_ACT_CHECK;
	request->http = (struct client_request){
		.method = acts[request->act].method,
		.url = buf_str(&request->url),
		.fields = buf_str(&request->fields),
		.body = buf_str(&request->body),
		.timeout_ms = request->timeout_ms > 0 ? request->timeout_ms : acts[request->act].timeout_ms,
		.answer_bytes = check ? SIZE_MAX : PEER_ANSWER_BYTES,
		.part = check ? drop_part : NULL,
		.done = on_answer,
	};
	request->busy = true;
	count(&peers->requests);
	client_start(peers->client, &request->http);
}

static void begin(struct peers *peers, struct peer_request *request,
				  const struct resource *resource)
{
	request->peer = peer_at(peers, resource);
	request->resource = resource;
	request->at = 0;
	request->busy = false;
	request->probe = false;
	request->sent = false;
	request->used = NULL;
	request->voided = NULL;
	request->used_count = 0;
	request->void_count = 0;
	buf_init(&request->url, URL_BYTES);
	buf_init(&request->fields, FIELD_BYTES);
	buf_init(&request->body, SIZE_MAX);
}

void peers_hold(struct peers *peers, struct peer_request *request,
				const struct message_holds *holds)
{
	begin(peers, request, holds->resource);
	request->act = PEER_ACT_HOLD;
	request->what.holds = *holds;
	send_next(request);
}

void peers_release(struct peers *peers, struct peer_request *request, const struct message_ids *ids)
{
	begin(peers, request, ids->resource);
	request->act = PEER_ACT_RELEASE;
	request->what.ids = *ids;
	send_next(request);
}

void peers_decide(struct peers *peers, struct peer_request *request, const struct resource *from,
				  const struct uuid *ids, size_t id_count)
{
	begin(peers, request, from);
	request->act = PEER_ACT_DECIDE;
	request->what.ids = (struct message_ids){.items = ids, .count = id_count};
	request->used = ARENA_ARRAY(request->arena, id_count, struct uuid);
	request->voided = ARENA_ARRAY(request->arena, id_count, struct uuid);
	send_next(request);
}

void peers_look(struct peers *peers, struct peer_request *request, const struct message_ids *ids)
{
	begin(peers, request, ids->resource);
	request->act = PEER_ACT_LOOK;
	request->what.ids = *ids;
	request->used = ARENA_ARRAY(request->arena, ids->count, struct uuid);
	request->voided = ARENA_ARRAY(request->arena, ids->count, struct uuid);
	send_next(request);
}

void peers_check(struct peers *peers, struct peer_request *request, const struct resource *resource,
				 const struct message_keys *keys)
{
	begin(peers, request, resource);
	request->act = PEER_ACT_CHECK;
	request->what.keys = *keys;
	send_next(request);
}

void peers_cancel(struct peer_request *request)
{
	if (!peer_request_waits(request)) {
		return;
	}
	if (request->busy) {
		request->busy = false;
		client_cancel(&request->http);
		/* What it would have told is not known: the next one tries. */
		request->peer->probing = request->peer->probing && !request->probe;
	}
	give_back(request);
}

/* ---- what nobody waits for ---- */

static void last_word_free(struct last_word *word)
{
	struct last_word **place = &word->peers->last_words;
	while (*place != word) {
		place = &(*place)->next;
	}
	*place = word->next;
	buf_finish(&word->url);
	buf_finish(&word->fields);
	buf_finish(&word->body);
	free(word);
}

static void on_last_word(struct client_request *http, const struct client_answer *answer)
{
	struct last_word *word = (struct last_word *)http;
	if (answer->problem != NULL || answer->status != 204) {
		count(&word->peers->failures);
	}
	last_word_free(word);
}

static void say(struct peers *peers, const struct peer *peer, const struct message_ids *ids,
				size_t *at)
{
	struct last_word *word = alloc_zeroed(1, sizeof(*word));
	struct str path = str_from(acts[PEER_ACT_RELEASE].path);
	size_t step;
	word->peers = peers;
	word->next = peers->last_words;
	peers->last_words = word;
	buf_init(&word->url, URL_BYTES);
	buf_init(&word->fields, FIELD_BYTES);
	buf_init(&word->body, SIZE_MAX);
	buf_append(&word->url, peer->url);
	buf_append(&word->url, path);
	write_ids(&word->body, ids, *at, &step);
	write_fields(peers, STR("DELETE"), path, buf_str(&word->body), &word->fields);
	word->http = (struct client_request){
		.method = "DELETE",
		.url = buf_str(&word->url),
		.fields = buf_str(&word->fields),
		.body = buf_str(&word->body),
		.timeout_ms = PEER_SLOW_MS,
		.answer_bytes = PEER_ANSWER_BYTES,
		.done = on_last_word,
	};
	count(&peers->requests);
	client_start(peers->client, &word->http);
	*at += step;
}

void peers_give_up(struct peers *peers, const struct message_ids *ids)
{
	const struct peer *peer = peer_at(peers, ids->resource);
	size_t at = 0;
	/* A peer that is away asks for the decisions when it is back. */
	while (at < ids->count && peers->client != NULL && !breaker_is_open(peer)) {
		say(peers, peer, ids, &at);
	}
}

/* ---- life ---- */

struct peers *peers_create(struct loop *loop, struct str key)
{
	struct peers *peers = alloc_zeroed(1, sizeof(*peers));
	peers->loop = loop;
	peers->client = client_create(loop);
	peers->key = copy(key);
	return peers;
}

void peers_close(struct peers *peers)
{
	if (peers == NULL) {
		return;
	}
	while (peers->last_words != NULL) {
		client_cancel(&peers->last_words->http);
		last_word_free(peers->last_words);
	}
	client_close(peers->client);
	while (peers->list != NULL) {
		struct peer *peer = peers->list;
		peers->list = peer->next;
		free((char *)(uintptr_t)peer->url.ptr);
		free(peer);
	}
	free((char *)(uintptr_t)peers->key.ptr);
	free(peers);
}

static uint64_t read_count(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

void peers_get_stats(const struct peers *peers, struct peer_stats *stats)
{
	stats->requests += read_count(&peers->requests);
	stats->failures += read_count(&peers->failures);
	stats->skipped += read_count(&peers->skipped);
	stats->open += read_count(&peers->open);
}
