#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "store/sqlite_priv.h"
#include "store/store_test_help.h"

enum { ITEMS = 20000 };

static int setup(void **state)
{
	return fixture_setup(state, test_service);
}

static void fill(struct fixture *fixture)
{
	struct value *values;
	struct query *query = test_write(fixture, QUERY_INSERT, "items", "code price", ITEMS, &values);
	for (size_t i = 0; i < ITEMS; i++) {
		values[2 * i] = (struct value){
			.kind = VALUE_TEXT,
			.text = arena_printf(&fixture->arena, "item number %06zu", i),
		};
		values[2 * i + 1] = test_integer((int64_t)i);
	}
	struct call call;
	call_run(fixture, &call, query);
	assert_true(call.ok);
	assert_int_equal(call.result.inserted, ITEMS);
	call_finish(&call);
}

static struct store_stats stats_of(struct fixture *fixture)
{
	struct store_stats stats;
	store_get_stats(fixture->store, &stats);
	return stats;
}

/* The whole list is the same, whichever way it came. */
static void assert_items(struct str body, size_t first, size_t count)
{
	assert_true(str_starts_with(body, STR("[{\"code\":\"item number ")));
	assert_true(str_ends_with(body, STR("}]")));
	size_t rows = 0;
	for (size_t i = 0; i < body.len; i++) {
		rows += body.ptr[i] == '{';
	}
	assert_int_equal(rows, count);
	char want[64];
	snprintf(want, sizeof(want), "[{\"code\":\"item number %06zu\",", first);
	assert_true(str_starts_with(body, str_from(want)));
}

static void turn(struct fixture *fixture)
{
	uv_run(loop_uv(fixture->loop), UV_RUN_ONCE);
}

static void test_small_answers_stay_on_the_loop(void **state)
{
	struct fixture *fixture = *state;
	fixture_open(fixture, "sqlite:");
	fill(fixture);
	struct query *query = test_list(fixture, "items");
	query->limit = 100;
	struct call call;
	call_init(&call, query);
	call.request.want_version = true;
	call_start(fixture, &call);
	assert_true(call.done); /* before store_run() returned */
	assert_items(buf_str(&call.body), 0, 100);
	assert_int_equal(call.result.rows, 100);
	assert_int_equal(stats_of(fixture).reads_inline, 1);
	assert_int_equal(stats_of(fixture).reads_worker, 0);
	assert_true(call.result.has_version);
	assert_true(call.result.version == test_version(fixture, query));
	call_finish(&call);
}

static void test_large_answers_stream(void **state)
{
	struct fixture *fixture = *state;
	fixture_open(fixture, "sqlite:");
	fill(fixture);
	struct query *query = test_list(fixture, "items");
	query->total = true;
	struct call call;
	call_init(&call, query);
	call.request.want_version = true;
	call_start(fixture, &call);
	call_wait(fixture, &call);
	assert_true(call.ok);
	assert_true(call.result.streamed);
	assert_true(call.result.has_version);
	assert_true(call.result.version == test_version(fixture, query));
	assert_int_equal(call.result.rows, ITEMS);
	assert_int_equal(call.result.total, ITEMS);
	assert_int_equal(call.body.len, 0);
	assert_true(call.parts > 10);
	assert_items(buf_str(&call.streamed), 0, ITEMS);
	assert_int_equal(stats_of(fixture).reads_worker, 1);
	call_finish(&call);
}

static void test_back_pressure(void **state)
{
	struct fixture *fixture = *state;
	fixture_open(fixture, "sqlite:");
	fill(fixture);
	struct call call;
	call_init(&call, test_list(fixture, "items"));
	call.pause_after = 2;
	call_start(fixture, &call);
	while (call.parts < 2) {
		turn(fixture);
	}
	for (size_t i = 0; i < 3; i++) {
		turn(fixture); /* a tick of the loop's clock: nothing comes */
	}
	assert_int_equal(call.parts, 2);
	assert_false(call.done);
	while (!call.done) {
		if (call.paused) {
			call.paused = false;
			call.pause_after = call.parts + 3;
			store_resume(&call.request);
		} else {
			turn(fixture);
		}
	}
	assert_true(call.ok);
	assert_items(buf_str(&call.streamed), 0, ITEMS);
	call_finish(&call);
}

static void test_cancelled_stream(void **state)
{
	struct fixture *fixture = *state;
	fixture_open(fixture, "sqlite:");
	fill(fixture);
	for (size_t pause = 0; pause < 4; pause++) {
		struct call call;
		call_init(&call, test_list(fixture, "items"));
		call.pause_after = pause;
		call_start(fixture, &call);
		while (call.parts < pause) {
			turn(fixture);
		}
		store_cancel(&call.request);
		call.paused = false;
		call_wait(fixture, &call);
		assert_false(call.ok);
		assert_int_equal(call.parts, pause);
		call_finish(&call);
	}
}

static void test_slow_reads_move(void **state)
{
	struct fixture *fixture = *state;
	fixture->limits.inline_read_us = 1;
	fixture_open(fixture, "sqlite:");
	fill(fixture);
	const struct resource *items = test_resource(fixture, "items");
	struct query *query = test_list(fixture, "items");
	query->where = test_compare(fixture, items, "price", OPERATOR_EQ, test_integer(ITEMS - 1));
	struct call call;
	call_init(&call, query);
	call_start(fixture, &call);
	assert_false(call.done);
	call_wait(fixture, &call);
	assert_true(call.ok);
	assert_false(call.result.streamed);
	assert_items(buf_str(&call.body), ITEMS - 1, 1);
	assert_int_equal(stats_of(fixture).reads_worker, 1);
	call_finish(&call);

	/* One row of no match, as an object. */
	query->action = QUERY_GET;
	query->format = FORMAT_OBJECT;
	query->where = test_compare(fixture, items, "price", OPERATOR_EQ, test_integer(-1));
	call_run(fixture, &call, query);
	assert_false(call.ok);
	assert_int_equal(call.error.code, ERROR_NOT_FOUND);
	call_finish(&call);
}

static void test_a_list_without_parts_is_collected(void **state)
{
	struct fixture *fixture = *state;
	fixture_open(fixture, "sqlite:");
	fill(fixture);
	struct call call;
	call_init(&call, test_list(fixture, "items"));
	call.request.part = NULL;
	call_start(fixture, &call);
	call_wait(fixture, &call);
	assert_true(call.ok);
	assert_false(call.result.streamed);
	assert_items(buf_str(&call.body), 0, ITEMS);
	call_finish(&call);

	/* Up to a limit. */
	call_init(&call, test_list(fixture, "items"));
	call.request.part = NULL;
	call.body.max_bytes = 300000;
	call_start(fixture, &call);
	call_wait(fixture, &call);
	assert_false(call.ok);
	assert_int_equal(call.error.code, ERROR_OVERLOADED);
	call_finish(&call);
}

static void test_answer_rows(void **state)
{
	struct fixture *fixture = *state;
	fixture->limits.answer_rows = 7;
	fixture_open(fixture, "sqlite:");
	fill(fixture);
	struct query *query = test_list(fixture, "items");
	query->total = true;
	struct call call;
	call_run(fixture, &call, query);
	assert_true(call.ok);
	assert_items(buf_str(&call.body), 0, 7);
	assert_int_equal(call.result.total, ITEMS);
	call_finish(&call);
	query->limit = 5;
	query->offset = ITEMS - 3;
	call_run(fixture, &call, query);
	assert_items(buf_str(&call.body), ITEMS - 3, 3);
	assert_int_equal(call.result.total, ITEMS);
	call_finish(&call);
	query->offset = ITEMS + 3;
	call_run(fixture, &call, query);
	assert_int_equal(call.result.rows, 0);
	assert_int_equal(call.result.total, ITEMS);
	call_finish(&call);
}

/* A stream sees the rows as they were when it began; other reads see what was acknowledged. */
static void test_snapshots(void **state)
{
	struct fixture *fixture = *state;
	fixture_open(fixture, "sqlite:");
	fill(fixture);
	struct call stream;
	call_init(&stream, test_list(fixture, "items"));
	stream.pause_after = 1;
	call_start(fixture, &stream);
	while (stream.parts == 0) {
		turn(fixture);
	}
	struct query *all = test_write(fixture, QUERY_DELETE, "items", "", 0, &(struct value *){NULL});
	struct call gone;
	call_run(fixture, &gone, all);
	assert_true(gone.ok);
	assert_int_equal(gone.result.rows, ITEMS);
	call_finish(&gone);
	assert_true(str_equal(run_ok(fixture, test_list(fixture, "items")), STR("[]")));

	stream.paused = false;
	store_resume(&stream.request);
	call_wait(fixture, &stream);
	assert_true(stream.ok);
	assert_items(buf_str(&stream.streamed), 0, ITEMS);
	call_finish(&stream);
}

static void test_the_queue_is_bounded(void **state)
{
	struct fixture *fixture = *state;
	fixture->limits.workers = 1;
	fixture->limits.read_queue = 2;
	fixture_open(fixture, "sqlite:");
	fill(fixture);
	struct call calls[4];
	for (size_t i = 0; i < 4; i++) {
		call_init(&calls[i], test_list(fixture, "items"));
		if (i == 0) {
			/* It holds the only worker. */
			calls[i].pause_after = 1;
		}
		call_start(fixture, &calls[i]);
		while (i == 0 && calls[i].parts == 0) {
			turn(fixture);
		}
	}
	assert_true(calls[3].done);
	assert_int_equal(calls[3].error.code, ERROR_OVERLOADED);
	assert_int_equal(stats_of(fixture).reads_refused, 1);
	assert_int_equal(stats_of(fixture).read_queue, 2);
	calls[0].paused = false;
	store_resume(&calls[0].request);
	for (size_t i = 0; i < 4; i++) {
		call_wait(fixture, &calls[i]);
		assert_true(calls[i].ok == (i < 3));
		call_finish(&calls[i]);
	}
}

static void test_deadline_of_a_read(void **state)
{
	struct fixture *fixture = *state;
	fixture->limits.inline_read_us = 1;
	fixture_open(fixture, "sqlite:");
	fill(fixture);
	struct query *query = test_list(fixture, "items");
	query->where = test_compare(fixture, query->resource, "price", OPERATOR_LT, test_integer(0));
	struct call call;
	call_init(&call, query);
	call.request.deadline_ms = 1; /* long ago */
	call_start(fixture, &call);
	call_wait(fixture, &call);
	assert_false(call.ok);
	assert_int_equal(call.error.code, ERROR_DEADLINE_NOT_WRITTEN);
	call_finish(&call);
}

/* A stream that is not read keeps the WAL from beginning anew; it is cut when that grows. */
static void test_old_streams_are_cut(void **state)
{
	struct fixture *fixture = *state;
	fixture->limits.wal_bytes = MIB(8);
	fixture_open(fixture, "sqlite:");
	fill(fixture);
	struct call stream;
	call_init(&stream, test_list(fixture, "items"));
	stream.pause_after = 1;
	call_start(fixture, &stream);
	while (stream.parts == 0) {
		turn(fixture);
	}
	struct value *values;
	struct query *query = test_write(fixture, QUERY_UPDATE, "items", "price", 1, &values);
	size_t writes = 0;
	for (; !stream.done && writes < 200; writes++) {
		values[0] = test_integer((int64_t)writes);
		struct call call;
		call_run(fixture, &call, query);
		assert_true(call.ok);
		call_finish(&call);
	}
	assert_true(stream.done);
	assert_false(stream.ok);
	assert_int_equal(stream.error.code, ERROR_OVERLOADED);
	assert_true(stats_of(fixture).wal_bytes < MIB(24));
	call_finish(&stream);
	/* Without the old snapshot the WAL begins anew. */
	for (size_t i = 0; i < 20; i++) {
		values[0] = test_integer((int64_t)(writes + i));
		struct call call;
		call_run(fixture, &call, query);
		call_finish(&call);
	}
	assert_true(stats_of(fixture).wal_bytes <= MIB(8));
}

/* More texts than a connection keeps. */
static void test_many_statements(void **state)
{
	struct fixture *fixture = *state;
	fixture_open(fixture, "sqlite:");
	fill(fixture);
	struct sqlite_session *session = (struct sqlite_session *)fixture->session;
	for (size_t round = 0; round < 2; round++) {
		for (size_t i = 1; i <= STATEMENTS_KEPT + 50; i++) {
			struct query *query = test_list(fixture, "items");
			query->limit = i;
			query->where = test_compare(fixture, query->resource, "price", OPERATOR_GTE,
										test_integer((int64_t)i));
			assert_items(run_ok(fixture, query), i, i);
		}
	}
	assert_true(session->conn.count <= STATEMENTS_KEPT);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_small_answers_stay_on_the_loop),
		TEST(test_large_answers_stream),
		TEST(test_back_pressure),
		TEST(test_cancelled_stream),
		TEST(test_slow_reads_move),
		TEST(test_a_list_without_parts_is_collected),
		TEST(test_answer_rows),
		TEST(test_snapshots),
		TEST(test_the_queue_is_bounded),
		TEST(test_deadline_of_a_read),
		TEST(test_old_streams_are_cut),
		TEST(test_many_statements),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
