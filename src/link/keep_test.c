/* The outbox and the sweep, on each store, against a service that says what a test tells it to. */
#include "link/keep.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "link/outbox.h"
#include "link/own_rows.h"
#include "link/peer_test_help.h"
#include "link/sweep.h"
#include "model/link_tables.h"
#include "store/store_test_help.h"

#define ONE "00000000-0000-4000-8000-000000000001"
#define TWO "00000000-0000-4000-8000-000000000002"
#define LATER TEST_ANSWER("503 Service Unavailable")
#define RELEASED TEST_ANSWER("204 No Content")

enum { LEASE_MS = 1000, DAY_MS = 24 * 3600 * 1000 };

/* It is the user of places and the owner of rooms. */
struct bed {
	struct fixture fixture;
	struct test_peer peer;
	struct peers *peers;
	struct link_keep_options options;
	_Atomic bool bell;
	size_t told[2]; /* that something is wrong, and that it is not any more */
	char file[1024];
};

static void on_told(void *context, const struct resource *resource, const char *problem)
{
	struct bed *bed = context;
	(void)resource;
	bed->told[problem != NULL ? 0 : 1]++;
}

static void open_bed(struct bed *bed, const char *store)
{
	memset(bed, 0, sizeof(*bed));
	test_peer_start(&bed->peer);
	snprintf(bed->file, sizeof(bed->file),
			 "service: both\n"
			 "store: \"memory:\"\n"
			 "resources:\n"
			 "  places: { at: \"http://127.0.0.1:%d\", key: id, fields: { id: integer } }\n"
			 "  people: { key: id, fields: { id: integer, "
			 "place: { type: integer, references: places } } }\n"
			 "  rooms: { key: id, fields: { id: integer } }\n"
			 "  guests: { at: \"http://127.0.0.1:%d\", key: id, fields: { id: integer, "
			 "room: { type: integer, references: rooms } } }\n",
			 bed->peer.port, bed->peer.port);
	fixture_init(&bed->fixture, bed->file);
	bed->fixture.limits.answer_rows = 2; /* of clients' answers, not of these */
	fixture_open(&bed->fixture, store);
	bed->peers = peers_create(bed->fixture.loop, STR(""));
	bed->options = (struct link_keep_options){
		.loop = bed->fixture.loop,
		.session = bed->fixture.session,
		.peers = bed->peers,
		.model = bed->fixture.model,
		.lease_ms = LEASE_MS,
		.bell = &bed->bell,
		.told = on_told,
		.context = bed,
	};
}

static void close_bed(struct bed *bed)
{
	peers_close(bed->peers);
	fixture_finish(&bed->fixture);
	test_peer_finish(&bed->peer);
}

/* Runs a test on each store. */
static void on_each(void (*test)(struct bed *bed))
{
	const char *store;
	for (size_t i = 0; (store = fixture_store(i)) != NULL; i++) {
		struct bed *bed = calloc(1, sizeof(*bed));
		open_bed(bed, store);
		test(bed);
		close_bed(bed);
		free(bed);
	}
}

/* ---- rows ---- */

static void run(struct bed *bed, const struct query *query)
{
	(void)run_ok(&bed->fixture, query);
}

static void insert_room(struct bed *bed, int64_t id)
{
	struct value *values;
	struct query *query = test_write(&bed->fixture, QUERY_INSERT, "rooms", "id", 1, &values);
	values[0] = test_integer(id);
	run(bed, query);
}

static void insert_hold(struct bed *bed, const char *id, const char *mark, int64_t age_ms)
{
	const struct resource *holds = test_resource(&bed->fixture, "rooms")->holds;
	struct arena *arena = &bed->fixture.arena;
	struct query *query = own_query(arena, QUERY_INSERT, holds);
	const struct field *fields[HOLD_KEY + 1];
	for (size_t i = 0; i <= HOLD_KEY; i++) {
		fields[i] = &holds->fields[i];
	}
	struct value *values = own_give(arena, query, fields, HOLD_KEY + 1, 1);
	values[HOLD_ID] = test_text(id);
	values[HOLD_FROM] = test_text("guests");
	values[HOLD_MARK] = test_text(mark);
	values[HOLD_KEPT] = test_integer(0);
	values[HOLD_AT] = test_integer(clock_system.wall_us(&clock_system) - age_ms * 1000);
	values[HOLD_KEY] = test_integer(1);
	run(bed, query);
}

static void delete_hold(struct bed *bed, const char *id)
{
	const struct resource *holds = test_resource(&bed->fixture, "rooms")->holds;
	struct query *query = own_query(&bed->fixture.arena, QUERY_DELETE, holds);
	own_where(&bed->fixture.arena, query, &holds->fields[HOLD_ID], OPERATOR_EQ, test_text(id));
	run(bed, query);
}

/* `id kept`, in their order, each with a line feed. */
static struct str holds_of(struct bed *bed)
{
	const struct resource *holds = test_resource(&bed->fixture, "rooms")->holds;
	struct query *query = own_query(&bed->fixture.arena, QUERY_LIST, holds);
	const struct field *fields[] = {&holds->fields[HOLD_ID], &holds->fields[HOLD_KEPT]};
	own_fetch(&bed->fixture.arena, query, fields, 2);
	own_order(&bed->fixture.arena, query, 1, UINT64_MAX);
	return run_ok(&bed->fixture, query);
}

static void insert_decision(struct bed *bed, struct str id, bool used, int64_t age_ms)
{
	const struct resource *table = bed->fixture.model->decision;
	struct arena *arena = &bed->fixture.arena;
	struct query *query = own_query(arena, QUERY_INSERT, table);
	const struct field *fields[] = {&table->fields[0], &table->fields[1], &table->fields[2]};
	struct value *values = own_give(arena, query, fields, DECISION_FIELDS, 1);
	values[DECISION_ID] = own_text(id);
	values[DECISION_USED] = test_integer(used ? 1 : 0);
	values[DECISION_AT] = test_integer(clock_system.wall_us(&clock_system) - age_ms * 1000);
	run(bed, query);
}

static void insert_outbox(struct bed *bed, const char *from, size_t count)
{
	const struct resource *table = bed->fixture.model->outbox;
	struct arena *arena = &bed->fixture.arena;
	struct query *query = own_query(arena, QUERY_INSERT, table);
	const struct field *fields[] = {&table->fields[1], &table->fields[2], &table->fields[3]};
	struct value *values = own_give(arena, query, fields, 3, count);
	for (size_t i = 0; i < count; i++) {
		struct uuid id = uuid_v4();
		values[3 * i] = test_text("places");
		values[3 * i + 1] = test_text(from);
		values[3 * i + 2] = own_id(arena, &id);
	}
	run(bed, query);
}

static size_t count_rows(struct bed *bed, const struct resource *table)
{
	struct query *query = own_query(&bed->fixture.arena, QUERY_LIST, table);
	const struct field *field = &table->fields[0];
	struct str rows;
	size_t count = 0;
	own_fetch(&bed->fixture.arena, query, &field, 1);
	own_order(&bed->fixture.arena, query, 1, UINT64_MAX);
	rows = run_ok(&bed->fixture, query);
	for (size_t i = 0; i < rows.len; i++) {
		count += rows.ptr[i] == '{' ? 1 : 0;
	}
	return count;
}

static void turn(struct bed *bed)
{
	uv_run(loop_uv(bed->fixture.loop), UV_RUN_NOWAIT);
}

/* ---- the outbox ---- */

/* Until it has sent all, or has been told no this often. */
static void send_all(struct bed *bed, struct outbox *outbox, size_t refusals)
{
	size_t before = test_peer_requests(&bed->peer);
	for (;;) {
		outbox_tick(outbox, loop_now_ms(bed->fixture.loop), true);
		turn(bed);
		if (!outbox_is_idle(outbox)) {
			continue;
		}
		if (refusals > 0 ? test_peer_requests(&bed->peer) >= before + refusals
						 : count_rows(bed, bed->fixture.model->outbox) == 0) {
			return;
		}
	}
}

static void send_batches(struct bed *bed)
{
	const struct resource *table = bed->fixture.model->outbox;
	struct outbox *outbox = outbox_create(&bed->options);
	/* None, one, as many as go at once, and one more. */
	send_all(bed, outbox, 0);
	assert_int_equal(test_peer_requests(&bed->peer), 0);
	test_peer_tell(&bed->peer, RELEASED);
	static const size_t counts[] = {1, OUTBOX_BATCH, OUTBOX_BATCH + 1};
	static const size_t requests[] = {1, 2, 4};
	for (size_t i = 0; i < 3; i++) {
		insert_outbox(bed, "people", counts[i]);
		send_all(bed, outbox, 0);
		assert_int_equal(test_peer_requests(&bed->peer), requests[i]);
	}
	assert_non_null(strstr(bed->peer.last, "DELETE /.rowlock/holds HTTP/1.1\r\n"));
	assert_non_null(
		strstr(bed->peer.last, "{\"resource\":\"places\",\"from\":\"people\",\"ids\":"));
	assert_int_equal(bed->told[0] + bed->told[1], 0);
	/* Of what the service file does not say any more nothing is sent. */
	insert_outbox(bed, "others", 1);
	for (size_t i = 0; i < 10 || !outbox_is_idle(outbox); i++) {
		outbox_tick(outbox, loop_now_ms(bed->fixture.loop), true);
		turn(bed);
	}
	assert_int_equal(count_rows(bed, table), 1);
	outbox_destroy(outbox);
}

static void test_outbox(void **state)
{
	(void)state;
	on_each(send_batches);
}

static void send_again(struct bed *bed)
{
	const struct resource *table = bed->fixture.model->outbox;
	struct outbox *outbox = outbox_create(&bed->options);
	insert_outbox(bed, "people", 3);
	test_peer_tell(&bed->peer, LATER);
	send_all(bed, outbox, 2);
	assert_int_equal(count_rows(bed, table), 3);
	assert_int_equal(bed->told[0], 1);
	test_peer_tell(&bed->peer, RELEASED);
	send_all(bed, outbox, 0);
	assert_int_equal(bed->told[1], 1);
	/* What waits for an answer ends at once; the row stays. */
	insert_outbox(bed, "people", 1);
	test_peer_tell(&bed->peer, "");
	size_t before = test_peer_requests(&bed->peer);
	while (test_peer_requests(&bed->peer) == before) {
		outbox_tick(outbox, loop_now_ms(bed->fixture.loop), true);
		turn(bed);
	}
	outbox_stop(outbox);
	assert_true(outbox_is_idle(outbox));
	outbox_tick(outbox, loop_now_ms(bed->fixture.loop) + DAY_MS, true);
	assert_true(outbox_is_idle(outbox));
	assert_int_equal(count_rows(bed, table), 1);
	outbox_destroy(outbox);
}

static void test_outbox_again(void **state)
{
	(void)state;
	on_each(send_again);
}

/* Stopped in each step of a round. */
static void stop_anywhere(struct bed *bed)
{
	test_peer_tell(&bed->peer, RELEASED);
	for (size_t turns = 0; turns < 12; turns++) {
		struct outbox *outbox = outbox_create(&bed->options);
		insert_outbox(bed, "people", 1);
		outbox_tick(outbox, loop_now_ms(bed->fixture.loop), false);
		for (size_t i = 0; i < turns; i++) {
			turn(bed);
		}
		outbox_stop(outbox);
		while (!outbox_is_idle(outbox)) {
			turn(bed);
		}
		outbox_destroy(outbox);
	}
}

static void test_outbox_stop(void **state)
{
	(void)state;
	on_each(stop_anywhere);
}

/* ---- the sweep ---- */

static void sweep_round(struct bed *bed, struct sweep *sweep)
{
	size_t before = test_peer_requests(&bed->peer);
	uint64_t now_ms = loop_now_ms(bed->fixture.loop) + DAY_MS;
	sweep_tick(sweep, now_ms);
	while (!sweep_is_idle(sweep)) {
		turn(bed);
	}
	assert_true(test_peer_requests(&bed->peer) <= before + 1);
}

static void ask_users(struct bed *bed)
{
	struct sweep *sweep = sweep_create(&bed->options);
	insert_room(bed, 1);
	/* None that is old enough. */
	insert_hold(bed, ONE, ONE, 0);
	sweep_round(bed, sweep);
	assert_int_equal(test_peer_requests(&bed->peer), 0);
	delete_hold(bed, ONE);
	insert_hold(bed, ONE, ONE, 2 * LEASE_MS);
	insert_hold(bed, TWO, TWO, 2 * LEASE_MS);
	/* No answers: they stay. */
	static const char *const wrong[] = {
		LATER,
		NULL,
		TEST_ANSWER("200 OK") "{\"used\":[],\"void\":[]}",
		TEST_ANSWER("200 OK") "{\"used\":[],\"void\":[\"" ONE "\",\"" ONE "\"]}",
		TEST_ANSWER("200 OK") "<html>",
		TEST_ANSWER("404 Not Found"),
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		test_peer_tell(&bed->peer, wrong[i]);
		sweep_round(bed, sweep);
		assert_text(holds_of(bed),
					"[{\"id\":\"" ONE "\",\"kept\":false},{\"id\":\"" TWO "\",\"kept\":false}]");
	}
	assert_int_equal(bed->told[0], 1);
	test_peer_tell(&bed->peer,
				   TEST_ANSWER("200 OK") "{\"used\":[\"" TWO "\"],\"void\":[\"" ONE "\"]}");
	sweep_round(bed, sweep);
	assert_text(holds_of(bed), "[{\"id\":\"" TWO "\",\"kept\":true}]");
	assert_int_equal(bed->told[1], 1);
	/* What is kept is not asked about. */
	size_t before = test_peer_requests(&bed->peer);
	sweep_round(bed, sweep);
	assert_int_equal(test_peer_requests(&bed->peer), before);
	sweep_destroy(sweep);
}

static void test_sweep(void **state)
{
	(void)state;
	on_each(ask_users);
}

/* A hold that is deleted, and inserted again with its id, while its user is asked, is another. */
static void answer_late(struct bed *bed)
{
	static const char *const answers[] = {
		TEST_ANSWER("200 OK") "{\"used\":[\"" ONE "\"],\"void\":[]}",
		TEST_ANSWER("200 OK") "{\"used\":[],\"void\":[\"" ONE "\"]}",
	};
	insert_room(bed, 1);
	for (size_t i = 0; i < 2; i++) {
		struct sweep *sweep = sweep_create(&bed->options);
		insert_hold(bed, ONE, ONE, 2 * LEASE_MS);
		test_peer_tell(&bed->peer, "");
		size_t before = test_peer_requests(&bed->peer);
		sweep_tick(sweep, loop_now_ms(bed->fixture.loop) + DAY_MS);
		while (test_peer_requests(&bed->peer) == before) {
			turn(bed);
		}
		delete_hold(bed, ONE);
		insert_hold(bed, ONE, TWO, 0);
		test_peer_tell(&bed->peer, answers[i]);
		while (!sweep_is_idle(sweep)) {
			turn(bed);
		}
		assert_text(holds_of(bed), "[{\"id\":\"" ONE "\",\"kept\":false}]");
		delete_hold(bed, ONE);
		sweep_destroy(sweep);
	}
}

static void test_sweep_mark(void **state)
{
	(void)state;
	on_each(answer_late);
}

static void stop_asking(struct bed *bed)
{
	insert_room(bed, 1);
	insert_hold(bed, ONE, ONE, 2 * LEASE_MS);
	test_peer_tell(&bed->peer, "");
	for (size_t turns = 0; turns < 12; turns++) {
		struct sweep *sweep = sweep_create(&bed->options);
		sweep_tick(sweep, loop_now_ms(bed->fixture.loop) + DAY_MS);
		for (size_t i = 0; i < turns; i++) {
			turn(bed);
		}
		sweep_stop(sweep);
		while (!sweep_is_idle(sweep)) {
			turn(bed);
		}
		sweep_destroy(sweep);
	}
	assert_text(holds_of(bed), "[{\"id\":\"" ONE "\",\"kept\":false}]");
}

static void test_sweep_stop(void **state)
{
	(void)state;
	on_each(stop_asking);
}

static void purge_old(struct bed *bed)
{
	struct sweep *sweep = sweep_create(&bed->options);
	int64_t week_ms = (int64_t)SWEEP_VOID_DAYS * DAY_MS;
	struct arena *arena = &bed->fixture.arena;
	for (size_t i = 0; i <= SWEEP_BATCH; i++) {
		struct uuid id = uuid_v4();
		insert_decision(bed, own_id(arena, &id).text, false, week_ms + 60000);
	}
	insert_decision(bed, STR(ONE), true, 2 * week_ms);
	insert_decision(bed, STR(TWO), false, week_ms - 600000);
	/* As many as go at once, then the last one. */
	sweep_round(bed, sweep);
	assert_int_equal(count_rows(bed, bed->fixture.model->decision), 3);
	sweep_round(bed, sweep);
	assert_int_equal(count_rows(bed, bed->fixture.model->decision), 2);
	sweep_round(bed, sweep);
	assert_int_equal(count_rows(bed, bed->fixture.model->decision), 2);
	sweep_destroy(sweep);
}

static void test_purge(void **state)
{
	(void)state;
	on_each(purge_old);
}

/* ---- both ---- */

static void keep_all(struct bed *bed)
{
	assert_true(link_keep_is_needed(bed->fixture.model));
	struct link_keep *keep = link_keep_create(&bed->options);
	insert_outbox(bed, "people", 1);
	test_peer_tell(&bed->peer, RELEASED);
	atomic_store(&bed->bell, true);
	while (count_rows(bed, bed->fixture.model->outbox) > 0) {
		turn(bed);
	}
	link_keep_stop(keep);
	while (!link_keep_is_idle(keep)) {
		turn(bed);
	}
	link_keep_destroy(keep);
	link_keep_destroy(NULL);
}

static void test_keep(void **state)
{
	(void)state;
	on_each(keep_all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_outbox),      cmocka_unit_test(test_outbox_again),
		cmocka_unit_test(test_outbox_stop), cmocka_unit_test(test_sweep),
		cmocka_unit_test(test_sweep_mark),  cmocka_unit_test(test_sweep_stop),
		cmocka_unit_test(test_purge),       cmocka_unit_test(test_keep),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
