/* Against a server of raw sockets, which says what a row of a table tells it to. */
#include "link/peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "link/credential.h"
#include "link/peer_test_help.h"
#include "net/loop.h"

#define ONE "00000000-0000-4000-8000-000000000001"
#define TWO "00000000-0000-4000-8000-000000000002"
#define KEY "0123456789abcdef"

enum { HUGE_BYTES = PEER_ANSWER_BYTES + 1 };

struct bed {
	struct test_peer server;
	struct loop *loop;
	struct peers *peers;
	struct model *model;
	struct arena arena;
	char file[512];
};

/* ---- the bed ---- */

static int setup_with(void **state, const char *key)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	struct error error;
	struct model_report report;
	test_peer_start(&bed->server);
	snprintf(bed->file, sizeof(bed->file),
			 "service: user\n"
			 "resources:\n"
			 "  places: { at: \"http://127.0.0.1:%d\", key: id, fields: { id: integer } }\n"
			 "  rooms: { at: \"http://127.0.0.1:%d\", key: [house, day], "
			 "fields: { house: text, day: date } }\n"
			 "  people: { key: id, fields: { id: integer, "
			 "place: { type: integer, references: places } } }\n",
			 bed->server.port, bed->server.port);
	model_report_init(&report);
	bed->model = model_parse(str_from(bed->file), STR("t.yaml"), NULL, &report);
	assert_int_equal(report.errors, 0);
	model_report_finish(&report);
	arena_init(&bed->arena, 4096);
	bed->loop = loop_create(&error);
	bed->peers = peers_create(bed->loop, str_from(key));
	*state = bed;
	return 0;
}

static int setup(void **state)
{
	return setup_with(state, "");
}

static int setup_key(void **state)
{
	return setup_with(state, KEY);
}

static int teardown(void **state)
{
	struct bed *bed = *state;
	peers_close(bed->peers);
	loop_stop(bed->loop);
	loop_run(bed->loop);
	loop_destroy(bed->loop);
	test_peer_finish(&bed->server);
	model_destroy(bed->model);
	arena_finish(&bed->arena);
	free(bed);
	return 0;
}

struct asked {
	struct peer_request request;
	bool is_done;
	struct peer_answer answer;
	char problem[128];
};

static void on_done(struct peer_request *request, const struct peer_answer *got)
{
	struct asked *asked = (struct asked *)request;
	assert_false(asked->is_done);
	asked->is_done = true;
	asked->answer = *got;
	snprintf(asked->problem, sizeof(asked->problem), "%s",
			 got->problem != NULL ? got->problem : "");
}

static struct asked *new_asked(struct bed *bed)
{
	struct asked *asked = ARENA_NEW(&bed->arena, struct asked);
	asked->request.arena = &bed->arena;
	asked->request.done = on_done;
	return asked;
}

static void wait_for(struct bed *bed, const struct asked *asked)
{
	while (!asked->is_done) {
		uv_run(loop_uv(bed->loop), UV_RUN_ONCE);
	}
}

static struct message_holds make_holds(struct bed *bed, size_t count)
{
	struct message_hold *items = ARENA_ARRAY(&bed->arena, count, struct message_hold);
	for (size_t i = 0; i < count; i++) {
		struct value *key = ARENA_NEW(&bed->arena, struct value);
		*key = (struct value){.kind = VALUE_INTEGER, .integer = (int64_t)i};
		items[i] = (struct message_hold){uuid_v4(), key};
	}
	return (struct message_holds){
		.resource = model_resource(bed->model, STR("places")),
		.from = model_resource(bed->model, STR("people")),
		.items = items,
		.count = count,
	};
}

static struct message_ids make_ids(struct bed *bed, size_t count)
{
	struct uuid *items = ARENA_ARRAY(&bed->arena, count, struct uuid);
	for (size_t i = 0; i < count; i++) {
		items[i] = uuid_v4();
	}
	if (count > 0) {
		assert_true(uuid_parse(STR(ONE), &items[0]));
	}
	return (struct message_ids){
		.resource = model_resource(bed->model, STR("places")),
		.from = model_resource(bed->model, STR("people")),
		.items = items,
		.count = count,
	};
}

/* Sends one and waits for what is said of it. */
static struct asked *ask(struct bed *bed, int act, size_t count)
{
	struct asked *asked = new_asked(bed);
	struct message_holds holds = make_holds(bed, count);
	struct message_ids ids = make_ids(bed, count);
	const struct value key = {.kind = VALUE_INTEGER, .integer = 5};
	const struct value *const key_items[] = {&key};
	const struct message_keys keys = {key_items, 1};
	switch (act) {
	case PEER_ACT_HOLD:
		peers_hold(bed->peers, &asked->request, &holds);
		break;
	case PEER_ACT_RELEASE:
		peers_release(bed->peers, &asked->request, &ids);
		break;
	case PEER_ACT_DECIDE:
		peers_decide(bed->peers, &asked->request, ids.resource, ids.items, ids.count);
		break;
	case PEER_ACT_LOOK:
		peers_look(bed->peers, &asked->request, &ids);
		break;
	default:
		peers_check(bed->peers, &asked->request, ids.resource, &keys);
	}
	wait_for(bed, asked);
	return asked;
}

/* ---- answers ---- */

struct row {
	int line;
	int act;
	const char *says;
	enum peer_outcome want;
	const char *want_problem;
	size_t want_missing;
	size_t want_used;
	size_t want_void;
};

static const struct row rows[] = {
	{__LINE__, PEER_ACT_HOLD, TEST_ANSWER("200 OK"), PEER_DONE},
	{__LINE__, PEER_ACT_HOLD, TEST_ANSWER("200 OK") "{}", PEER_DONE},
	{__LINE__, PEER_ACT_HOLD, TEST_ANSWER("409 Conflict") "{\"missing\":[{\"id\":0}]}",
	 PEER_MISSING, NULL, 1},
	{__LINE__, PEER_ACT_HOLD, TEST_ANSWER("409 Conflict") "{\"missing\":[]}", PEER_NO_ANSWER,
	 "an answer that cannot be read"},
	{__LINE__, PEER_ACT_HOLD, TEST_ANSWER("409 Conflict") "<html>no</html>", PEER_NO_ANSWER,
	 "an answer that cannot be read"},
	{__LINE__, PEER_ACT_HOLD, TEST_ANSWER("422 No"), PEER_REFUSED, "an answer that says no"},
	{__LINE__, PEER_ACT_HOLD, TEST_ANSWER("403 No"), PEER_REFUSED, "an answer that says no"},
	{__LINE__, PEER_ACT_HOLD, TEST_ANSWER("404 No"), PEER_REFUSED, "an answer that says no"},
	{__LINE__, PEER_ACT_HOLD, TEST_ANSWER("408 No"), PEER_NO_ANSWER, "an answer that says not now"},
	{__LINE__, PEER_ACT_HOLD, TEST_ANSWER("429 No"), PEER_NO_ANSWER, "an answer that says not now"},
	{__LINE__, PEER_ACT_HOLD, TEST_ANSWER("503 No"), PEER_NO_ANSWER, "an answer that says not now"},
	{__LINE__, PEER_ACT_HOLD, TEST_ANSWER("204 No Content"), PEER_NO_ANSWER,
	 "an answer that says not now"},
	/* Nobody goes where an answer leads. */
	{__LINE__, PEER_ACT_HOLD, "HTTP/1.1 302 Found\r\nLocation: /\r\nConnection: close\r\n\r\n",
	 PEER_REFUSED, "an answer that says no"},
	{__LINE__, PEER_ACT_HOLD, "no HTTP at all\r\n\r\n", PEER_NO_ANSWER, "HTTP/0.9"},
	{__LINE__, PEER_ACT_HOLD, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", PEER_NO_ANSWER,
	 "transfer closed"},
	{__LINE__, PEER_ACT_HOLD, NULL, PEER_NO_ANSWER, "Empty reply"},
	{__LINE__, PEER_ACT_RELEASE, TEST_ANSWER("204 No Content"), PEER_DONE},
	{__LINE__, PEER_ACT_RELEASE, TEST_ANSWER("200 OK"), PEER_NO_ANSWER,
	 "an answer that says not now"},
	{__LINE__, PEER_ACT_RELEASE, TEST_ANSWER("409 Conflict") "{\"missing\":[{\"id\":0}]}",
	 PEER_REFUSED, "an answer that says no"},
	{__LINE__, PEER_ACT_DECIDE, TEST_ANSWER("200 OK") "{\"used\":[\"" ONE "\"],\"void\":[]}",
	 PEER_DONE, NULL, 0, 1, 0},
	{__LINE__, PEER_ACT_DECIDE, TEST_ANSWER("200 OK") "{\"used\":[],\"void\":[\"" ONE "\"]}",
	 PEER_DONE, NULL, 0, 0, 1},
	/* Not what was asked about. */
	{__LINE__, PEER_ACT_DECIDE, TEST_ANSWER("200 OK") "{\"used\":[],\"void\":[]}", PEER_NO_ANSWER,
	 "an answer that cannot be read"},
	{__LINE__, PEER_ACT_DECIDE, TEST_ANSWER("200 OK") "{\"used\":[\"" TWO "\"],\"void\":[]}",
	 PEER_NO_ANSWER, "an answer that cannot be read"},
	{__LINE__, PEER_ACT_DECIDE,
	 TEST_ANSWER("200 OK") "{\"used\":[\"" ONE "\"],\"void\":[\"" ONE "\"]}", PEER_NO_ANSWER,
	 "an answer that cannot be read"},
	{__LINE__, PEER_ACT_LOOK, TEST_ANSWER("200 OK") "{\"used\":[],\"void\":[\"" ONE "\"]}",
	 PEER_DONE, NULL, 0, 0, 1},
	{__LINE__, PEER_ACT_LOOK, TEST_ANSWER("200 OK") "{\"used\":[\"" TWO "\"],\"void\":[]}",
	 PEER_NO_ANSWER, "an answer that cannot be read"},
	{__LINE__, PEER_ACT_LOOK, TEST_ANSWER("404 No"), PEER_REFUSED, "an answer that says no"},
	{__LINE__, PEER_ACT_DECIDE, TEST_ANSWER("200 OK") "<html>", PEER_NO_ANSWER,
	 "an answer that cannot be read"},
	{__LINE__, PEER_ACT_CHECK, TEST_ANSWER("200 OK") "<html>any</html>", PEER_DONE},
	{__LINE__, PEER_ACT_CHECK, TEST_ANSWER("404 Not Found"), PEER_MISSING, NULL, 1},
	{__LINE__, PEER_ACT_CHECK, TEST_ANSWER("410 Gone"), PEER_MISSING, NULL, 1},
	{__LINE__, PEER_ACT_CHECK, TEST_ANSWER("401 No"), PEER_REFUSED, "an answer that says no"},
	{__LINE__, PEER_ACT_CHECK, TEST_ANSWER("500 No"), PEER_NO_ANSWER,
	 "an answer that says not now"},
};

static void test_answers(void **state)
{
	struct bed *bed = *state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		test_peer_tell(&bed->server, row->says);
		const struct asked *asked = ask(bed, row->act, 1);
		const struct peer_answer *got = &asked->answer;
		const char *problem = row->want_problem != NULL ? row->want_problem : "";
		if (got->outcome != row->want || strstr(asked->problem, problem) == NULL ||
			got->missing.count != row->want_missing ||
			got->decisions.used_count != row->want_used ||
			got->decisions.void_count != row->want_void || !got->sent) {
			print_error("line %d: outcome %d, problem %s, %zu missing, %zu used, %zu void\n",
						row->line, (int)got->outcome, asked->problem, got->missing.count,
						got->decisions.used_count, got->decisions.void_count);
			fail();
		}
		bool missing = row->want == PEER_MISSING;
		enum error_code code = row->want == PEER_DONE ? ERROR_NONE
			: missing                                 ? ERROR_REFERENCE
													  : ERROR_OVERLOADED;
		assert_int_equal(got->error.code, code);
	}
}

static void test_messages(void **state)
{
	struct bed *bed = *state;
	char want[256];
	test_peer_tell(&bed->server, TEST_ANSWER("200 OK"));
	(void)ask(bed, PEER_ACT_HOLD, 1);
	assert_non_null(strstr(bed->server.last, "PUT /.rowlock/holds HTTP/1.1\r\n"));
	assert_non_null(strstr(bed->server.last, "Content-Type: application/json\r\n"));
	assert_non_null(strstr(bed->server.last, "{\"resource\":\"places\",\"from\":\"people\""));
	assert_null(strstr(bed->server.last, "Authorization"));
	(void)ask(bed, PEER_ACT_CHECK, 1);
	snprintf(want, sizeof(want), "GET /places/5 HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n",
			 bed->server.port);
	assert_non_null(strstr(bed->server.last, want));
	/* Quotes where commas would take a key apart. */
	struct asked *asked = new_asked(bed);
	const struct value key[] = {
		{.kind = VALUE_TEXT, .text = STR("a,\"b")},
		{.kind = VALUE_INTEGER, .integer = 0},
	};
	const struct value *const key_items[] = {key};
	const struct message_keys keys = {key_items, 1};
	peers_check(bed->peers, &asked->request, model_resource(bed->model, STR("rooms")), &keys);
	wait_for(bed, asked);
	assert_non_null(strstr(bed->server.last, "GET /rooms/%22a%2C%5C%22b%22,1970-01-01 HTTP/1.1"));
}

static void test_credential(void **state)
{
	struct bed *bed = *state;
	struct error error;
	if (!credential_check_key(STR(KEY), &error)) {
		skip(); /* built without libcrypto */
	}
	test_peer_tell(&bed->server, TEST_ANSWER("200 OK"));
	(void)ask(bed, PEER_ACT_HOLD, 1);
	struct str request = str_from(bed->server.last);
	const char *field = strstr(request.ptr, "Authorization: ");
	const char *body = strstr(request.ptr, "\r\n\r\n");
	assert_non_null(field);
	field += strlen("Authorization: ");
	const struct credential_request wanted = {STR("PUT"), STR("/.rowlock/holds"),
											  str_from(body + 4)};
	struct str value = {field, (size_t)(strchr(field, '\r') - field)};
	int64_t now_s = clock_system.wall_us(&clock_system) / 1000000;
	assert_true(credential_accept(STR(KEY), &wanted, value, now_s, false, &error));
	/* Who may not know us gets none. */
	(void)ask(bed, PEER_ACT_CHECK, 1);
	assert_null(strstr(bed->server.last, "Authorization"));
}

/* At the limit one message, above it two; none, nothing is sent. */
static void test_many(void **state)
{
	struct bed *bed = *state;
	static const struct {
		int act;
		const char *says;
		size_t count;
		size_t want_requests;
	} many[] = {
		{PEER_ACT_HOLD, TEST_ANSWER("200 OK"), 0, 0},
		{PEER_ACT_HOLD, TEST_ANSWER("200 OK"), MESSAGE_MOST_HOLDS, 1},
		{PEER_ACT_HOLD, TEST_ANSWER("200 OK"), MESSAGE_MOST_HOLDS + 1, 2},
		{PEER_ACT_RELEASE, TEST_ANSWER("204 No Content"), MESSAGE_MOST_HOLDS, 1},
		{PEER_ACT_RELEASE, TEST_ANSWER("204 No Content"), MESSAGE_MOST_HOLDS + 1, 2},
		{PEER_ACT_DECIDE, TEST_ANSWER("200 OK"), MESSAGE_MOST_HOLDS + 1, 2},
	};
	for (size_t i = 0; i < sizeof(many) / sizeof(many[0]); i++) {
		bed->server.requests = 0;
		bed->server.echoes = many[i].act == PEER_ACT_DECIDE;
		test_peer_tell(&bed->server, many[i].says);
		const struct asked *asked = ask(bed, many[i].act, many[i].count);
		assert_int_equal(asked->answer.outcome, PEER_DONE);
		assert_int_equal(bed->server.requests, many[i].want_requests);
		assert_int_equal(asked->answer.sent, many[i].want_requests > 0);
		if (bed->server.echoes) {
			assert_int_equal(asked->answer.decisions.used_count, many[i].count);
		}
	}
}

/* Long keys: fewer go into a message. */
static void test_long_keys(void **state)
{
	struct bed *bed = *state;
	enum { COUNT = 5, KEY_BYTES = 400000 };
	struct message_hold *items = ARENA_ARRAY(&bed->arena, COUNT, struct message_hold);
	char *text = arena_bytes(&bed->arena, KEY_BYTES);
	memset(text, 'k', KEY_BYTES);
	for (size_t i = 0; i < COUNT; i++) {
		struct value *key = ARENA_ARRAY(&bed->arena, 2, struct value);
		key[0] = (struct value){.kind = VALUE_TEXT, .text = {text, KEY_BYTES}};
		key[1] = (struct value){.kind = VALUE_INTEGER, .integer = 0};
		items[i] = (struct message_hold){uuid_v4(), key};
	}
	const struct message_holds holds = {
		.resource = model_resource(bed->model, STR("rooms")),
		.from = model_resource(bed->model, STR("people")),
		.items = items,
		.count = COUNT,
	};
	test_peer_tell(&bed->server, TEST_ANSWER("200 OK"));
	struct asked *asked = new_asked(bed);
	peers_hold(bed->peers, &asked->request, &holds);
	wait_for(bed, asked);
	assert_int_equal(asked->answer.outcome, PEER_DONE);
	assert_int_equal(bed->server.requests, 3);
}

static void test_too_large(void **state)
{
	struct bed *bed = *state;
	bed->server.huge_bytes = HUGE_BYTES;
	test_peer_tell(&bed->server, TEST_ANSWER("200 OK"));
	const struct asked *asked = ask(bed, PEER_ACT_HOLD, 1);
	assert_int_equal(asked->answer.outcome, PEER_NO_ANSWER);
	assert_string_equal(asked->problem, "the answer is too large");
	/* Of a foreign row nothing is read. */
	asked = ask(bed, PEER_ACT_CHECK, 1);
	assert_int_equal(asked->answer.outcome, PEER_DONE);
}

/* ---- no answers ---- */

static void test_silent(void **state)
{
	struct bed *bed = *state;
	test_peer_tell(&bed->server, "");
	const struct asked *asked = ask(bed, PEER_ACT_HOLD, 1);
	assert_int_equal(asked->answer.outcome, PEER_NO_ANSWER);
	assert_true(asked->answer.sent);
	assert_int_equal(asked->answer.error.code, ERROR_OVERLOADED);
}

/* Given up by the caller, at once and while it waits; nothing is told. */
static void test_cancel(void **state)
{
	struct bed *bed = *state;
	struct message_holds holds = make_holds(bed, 1);
	test_peer_tell(&bed->server, "");
	struct asked *first = new_asked(bed);
	peers_hold(bed->peers, &first->request, &holds);
	peers_cancel(&first->request);
	peers_cancel(&first->request);
	struct asked *second = new_asked(bed);
	peers_hold(bed->peers, &second->request, &holds);
	for (size_t asked = 0; asked == 0;) {
		uv_run(loop_uv(bed->loop), UV_RUN_NOWAIT);
		asked = test_peer_requests(&bed->server);
	}
	peers_cancel(&second->request);
	assert_false(first->is_done || second->is_done);
}

static struct peer_stats stats_of(const struct bed *bed)
{
	struct peer_stats stats = {0};
	peers_get_stats(bed->peers, &stats);
	return stats;
}

static void test_breaker(void **state)
{
	struct bed *bed = *state;
	test_peer_tell(&bed->server, NULL);
	for (size_t i = 0; i < PEER_FAILURES; i++) {
		assert_int_equal(stats_of(bed).open, 0);
		assert_true(ask(bed, PEER_ACT_HOLD, 1)->answer.sent);
	}
	assert_int_equal(stats_of(bed).open, 1);
	assert_int_equal(stats_of(bed).failures, PEER_FAILURES);
	/* Nobody is asked; the answer is there at once. */
	struct asked *asked = ask(bed, PEER_ACT_HOLD, 1);
	assert_false(asked->answer.sent);
	assert_int_equal(asked->answer.outcome, PEER_NO_ANSWER);
	assert_int_equal(stats_of(bed).skipped, 1);
	/* In the end one is let through, fails, and it is shut for longer. */
	size_t requests = bed->server.requests;
	while (bed->server.requests == requests) {
		usleep(10000);
		uv_run(loop_uv(bed->loop), UV_RUN_NOWAIT);
		asked = ask(bed, PEER_ACT_HOLD, 1);
	}
	assert_int_equal(stats_of(bed).open, 1);
	/* One that is given up says nothing: the next one is let through. */
	struct message_holds holds = make_holds(bed, 1);
	test_peer_tell(&bed->server, TEST_ANSWER("200 OK"));
	do {
		usleep(10000);
		uv_run(loop_uv(bed->loop), UV_RUN_NOWAIT);
		asked = new_asked(bed);
		peers_hold(bed->peers, &asked->request, &holds);
	} while (asked->is_done);
	peers_cancel(&asked->request);
	/* An answer closes it, whatever it says. */
	test_peer_tell(&bed->server, TEST_ANSWER("503 No"));
	asked = ask(bed, PEER_ACT_HOLD, 1);
	assert_string_equal(asked->problem, "an answer that says not now");
	assert_int_equal(stats_of(bed).open, 0);
}

static void test_refused_connection(void **state)
{
	struct bed *bed = *state;
	test_peer_stop(&bed->server);
	const struct asked *asked = ask(bed, PEER_ACT_HOLD, 1);
	assert_int_equal(asked->answer.outcome, PEER_NO_ANSWER);
	assert_false(asked->answer.sent);
}

/* Nobody waits for it; what has not arrived at the end is dropped. */
static void test_give_up(void **state)
{
	struct bed *bed = *state;
	struct message_ids ids = make_ids(bed, MESSAGE_MOST_HOLDS + 1);
	test_peer_tell(&bed->server, TEST_ANSWER("204 No Content"));
	peers_give_up(bed->peers, &ids);
	for (size_t asked = 0; asked < 2;) {
		uv_run(loop_uv(bed->loop), UV_RUN_NOWAIT);
		asked = test_peer_requests(&bed->server);
	}
	test_peer_tell(&bed->server, "");
	ids.count = 1;
	peers_give_up(bed->peers, &ids);
	uv_run(loop_uv(bed->loop), UV_RUN_NOWAIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_messages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_credential, setup_key, teardown),
		cmocka_unit_test_setup_teardown(test_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_keys, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_large, setup, teardown),
		cmocka_unit_test_setup_teardown(test_silent, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cancel, setup, teardown),
		cmocka_unit_test_setup_teardown(test_breaker, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused_connection, setup, teardown),
		cmocka_unit_test_setup_teardown(test_give_up, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
