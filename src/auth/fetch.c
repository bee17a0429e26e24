#include "auth/fetch.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "auth/auth_priv.h"
#include "base/alloc.h"
#include "net/client.h"
#include "net/loop.h"

enum { SECOND_MS = 1000 };

/* One address. */
struct place_of_keys {
	struct auth_fetch *fetch;
	struct client_request request;
	bool under_way;
	uint64_t next_ms;  /* when it is asked again by itself */
	uint64_t pause_ms; /* until when it is not asked for the sake of a token */
	uint64_t again_ms; /* after the last failure; 0: it was none */
};

struct auth_fetch {
	struct auth *auth;
	struct auth_fetch_options options;
	struct loop *loop;
	struct client *client; /* owned */
	struct loop_tick tick;
	uint64_t refresh_ms;
	size_t count;
	struct place_of_keys places[];
};

static void count_one(_Atomic uint64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* ---- what came ---- */

static size_t number_of(const struct place_of_keys *place)
{
	return (size_t)(place - place->fetch->places);
}

/* Puts a set in place. False with the reason. */
static bool take_set(struct place_of_keys *place, struct str json, bool *ret_new, char *problem,
					 size_t problem_bytes)
{
	struct model_report report;
	model_report_init(&report);
	bool good = key_ring_put(auth_ring(place->fetch->auth), number_of(place), json, ret_new,
							 &report);
	if (!good && report.count > 0) {
		snprintf(problem, problem_bytes, "%.*s", STR_ARG(report.problems[0].message));
	}
	model_report_finish(&report);
	return good;
}

static void fail(struct place_of_keys *place, const char *problem)
{
	struct auth_fetch *fetch = place->fetch;
	uint64_t most_ms = least(FETCH_BACK_OFF_S * SECOND_MS, fetch->refresh_ms);
	count_one(&auth_counters(fetch->auth)->failures);
	place->again_ms = least(place->again_ms == 0 ? SECOND_MS : 2 * place->again_ms, most_ms);
	place->next_ms = loop_now_ms(fetch->loop) + place->again_ms;
	place->pause_ms = place->next_ms;
	fetch->options.tell(fetch->options.context, place->request.url, problem);
}

static void on_done(struct client_request *request, const struct client_answer *answer)
{
	struct place_of_keys *place =
		(struct place_of_keys *)(void *)((char *)request - offsetof(struct place_of_keys, request));
	struct auth_fetch *fetch = place->fetch;
	char problem[256] = "it is no set of keys";
	bool other = false;
	place->under_way = false;
	if (answer->problem != NULL) {
		fail(place, answer->problem);
	} else if (answer->status != 200) {
		snprintf(problem, sizeof(problem), "the answer is %d", answer->status);
		fail(place, problem);
	} else if (!take_set(place, answer->body, &other, problem, sizeof(problem))) {
		fail(place, problem);
	} else {
		place->again_ms = 0;
		place->next_ms = loop_now_ms(fetch->loop) + fetch->refresh_ms;
		if (other) {
			fetch->options.tell(fetch->options.context, request->url, NULL);
		}
	}
}

/* ---- when to ask ---- */

static void ask(struct place_of_keys *place, uint64_t now_ms)
{
	struct auth_fetch *fetch = place->fetch;
	place->request = (struct client_request){
		.method = "GET",
		.url = auth_ring(fetch->auth)->sources[number_of(place)].config->jwks.str,
		.fields = STR("Accept: application/json\r\n"),
		.timeout_ms = FETCH_MS,
		.answer_bytes = KEY_FILE_BYTES,
		.done = on_done,
	};
	place->under_way = true;
	place->pause_ms = now_ms + least(FETCH_PAUSE_S * SECOND_MS, fetch->refresh_ms);
	count_one(&auth_counters(fetch->auth)->fetches);
	client_start(fetch->client, &place->request);
}

static void on_tick(struct loop_tick *tick, uint64_t now_ms)
{
	struct auth_fetch *fetch = (struct auth_fetch *)(void *)((char *)tick -
															 offsetof(struct auth_fetch, tick));
	_Atomic bool *wanted = &auth_ring(fetch->auth)->wanted;
	bool any = false;
	for (size_t i = 0; i < fetch->count; i++) {
		struct place_of_keys *place = &fetch->places[i];
		bool soon = atomic_load_explicit(wanted, memory_order_relaxed) && now_ms >= place->pause_ms;
		if (!place->under_way && (soon || now_ms >= place->next_ms)) {
			ask(place, now_ms);
			any = true;
		}
	}
	/* Whoever asks for a key later than this is not answered by what is under way. */
	if (any) {
		atomic_store_explicit(wanted, false, memory_order_relaxed);
	}
}

/* ---- life ---- */

struct auth_fetch *auth_fetch_start(struct auth *auth, struct loop *loop,
									const struct auth_fetch_options *options)
{
	size_t count = auth_ring(auth)->source_count;
	if (count == 0) {
		return NULL;
	}
	struct auth_fetch *fetch = alloc_zeroed(1, sizeof(*fetch) + count * sizeof(fetch->places[0]));
	fetch->auth = auth;
	fetch->options = *options;
	fetch->loop = loop;
	fetch->client = client_create(loop);
	fetch->refresh_ms = (uint64_t)auth_refresh_s(auth) * SECOND_MS;
	fetch->count = count;
	fetch->tick.tick = on_tick;
	for (size_t i = 0; i < count; i++) {
		fetch->places[i].fetch = fetch;
	}
	loop_on_tick(loop, &fetch->tick);
	on_tick(&fetch->tick, loop_now_ms(loop));
	return fetch;
}

void auth_fetch_stop(struct auth_fetch *fetch)
{
	if (fetch == NULL) {
		return;
	}
	loop_off_tick(fetch->loop, &fetch->tick);
	for (size_t i = 0; i < fetch->count; i++) {
		if (fetch->places[i].under_way) {
			client_cancel(&fetch->places[i].request);
		}
	}
	client_close(fetch->client);
	free(fetch);
}
