#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "store/sqlite_priv.h"
#include "store/store_test_help.h"

static int setup(void **state)
{
	return fixture_setup(state, test_service);
}

static struct query *new_user(struct fixture *fixture, int64_t id, const char *name)
{
	struct value *values;
	struct query *query = test_write(fixture, QUERY_INSERT, "users", "id name", 1, &values);
	values[0] = test_integer(id);
	values[1] = test_text(name);
	test_columns(fixture, query, "*");
	query->format = FORMAT_OBJECT;
	return query;
}

static struct query *new_items(struct fixture *fixture, size_t from, size_t count)
{
	struct value *values;
	struct query *query = test_write(fixture, QUERY_INSERT, "items", "code price", count, &values);
	for (size_t i = 0; i < count; i++) {
		values[2 * i] = (struct value){
			.kind = VALUE_TEXT,
			.text = arena_printf(&fixture->arena, "item number %06zu", from + i),
		};
		values[2 * i + 1] = test_integer((int64_t)(from + i));
	}
	return query;
}

static uint64_t count_rows(struct fixture *fixture, const char *resource)
{
	struct query *query = test_list(fixture, resource);
	query->limit = 0;
	query->total = true;
	struct call call;
	call_run(fixture, &call, query);
	assert_true(call.ok);
	uint64_t total = call.result.total;
	call_finish(&call);
	return total;
}

static struct store_stats stats_of(struct fixture *fixture)
{
	struct store_stats stats;
	store_get_stats(fixture->store, &stats);
	return stats;
}

/* Starts all at once, waits for all. */
static void run_all(struct fixture *fixture, struct call *calls, size_t count)
{
	uv_update_time(loop_uv(fixture->loop));
	for (size_t i = 0; i < count; i++) {
		call_start(fixture, &calls[i]);
	}
	for (size_t i = 0; i < count; i++) {
		call_wait(fixture, &calls[i]);
	}
}

static void finish_all(struct call *calls, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		call_finish(&calls[i]);
	}
}

enum { MANY = 300 };

static void test_groups_with_refused_members(void **state)
{
	struct fixture *fixture = *state;
	fixture_open(fixture, "sqlite:");
	static struct call calls[MANY];
	for (size_t i = 0; i < MANY; i++) {
		/* Every third has the key of the one before. */
		size_t id = i % 3 == 2 ? i - 1 : i;
		call_init(&calls[i],
				  new_user(fixture, (int64_t)id + 1,
						   arena_printf(&fixture->arena, "user %zu", i).ptr));
	}
	run_all(fixture, calls, MANY);
	for (size_t i = 0; i < MANY; i++) {
		assert_true(calls[i].ok == (i % 3 != 2));
		if (!calls[i].ok) {
			char want[64];
			snprintf(want, sizeof(want), "Key (id)=(%zu) already exists.", i);
			assert_int_equal(calls[i].error.code, ERROR_UNIQUE);
			assert_string_equal(calls[i].error.details, want);
			assert_string_equal(calls[i].error.message,
								"duplicate key value violates unique constraint \"users_pkey\"");
			assert_int_equal(calls[i].body.len, 0);
		}
	}
	finish_all(calls, MANY);
	assert_int_equal(count_rows(fixture, "users"), MANY / 3 * 2);
	struct store_stats stats = stats_of(fixture);
	assert_int_equal(stats.writes, MANY / 3 * 2);
	assert_int_equal(stats.writes_failed, MANY / 3);
	/* The first may go alone; the others gather while its sync is under way. */
	assert_true(stats.groups < MANY / 4);
}

static void test_writes_of_one_session_keep_their_order(void **state)
{
	struct fixture *fixture = *state;
	fixture_open(fixture, "sqlite:");
	static struct call calls[MANY];
	for (size_t i = 0; i < MANY; i++) {
		call_init(&calls[i], test_rating(fixture, 1, 1, 1 + (int64_t)(i % 3)));
	}
	run_all(fixture, calls, MANY);
	for (size_t i = 0; i < MANY; i++) {
		assert_true(calls[i].ok);
		assert_int_equal(calls[i].result.inserted, i == 0);
	}
	finish_all(calls, MANY);
	assert_true(str_equal(run_ok(fixture, test_list(fixture, "ratings")),
						  STR("[{\"user_id\":1,\"item_id\":1,\"rating_type\":3}]")));
}

static void test_many_rows_are_all_or_nothing(void **state)
{
	struct fixture *fixture = *state;
	fixture_open(fixture, "sqlite:");
	struct query *query = new_items(fixture, 0, 500);
	struct value *values = (struct value *)(uintptr_t)query->values;
	values[2 * 499] = values[0]; /* the last row has the key of the first */
	struct call call;
	call_run(fixture, &call, query);
	assert_false(call.ok);
	assert_int_equal(call.error.code, ERROR_UNIQUE);
	assert_string_equal(call.error.details, "Key (code)=(item number 000000) already exists.");
	call_finish(&call);
	assert_int_equal(count_rows(fixture, "items"), 0);
}

/* Row by row, in the same transaction as others, some of them large. */
static void test_bulk_beside_others(void **state)
{
	struct fixture *fixture = *state;
	fixture_open(fixture, "sqlite:");
	struct call calls[5];
	call_init(&calls[0], new_user(fixture, 1, "a"));
	call_init(&calls[1], new_items(fixture, 0, BULK_ROWS + 1));
	call_init(&calls[2], new_user(fixture, 2, "b"));
	call_init(&calls[3], new_items(fixture, 20000, BULK_ROWS));
	call_init(&calls[4], new_user(fixture, 3, "b"));
	run_all(fixture, calls, 5);
	for (size_t i = 0; i < 5; i++) {
		assert_true(calls[i].ok == (i < 4));
	}
	assert_string_equal(calls[4].error.message,
						"duplicate key value violates unique constraint \"one name\"");
	finish_all(calls, 5);
	assert_int_equal(count_rows(fixture, "items"), 2 * BULK_ROWS + 1);
}

/* Nothing refers to these rows, so one alone is written without a savepoint. */
static void test_an_answer_that_does_not_fit(void **state)
{
	(void)state;
	static const struct {
		enum query_action action;
		enum query_format format;
		const char *answer;
	} rows[] = {
		{QUERY_INSERT, FORMAT_ARRAY, "[{\"id\":1,\"t\":\"abc\"}]"},
		{QUERY_INSERT, FORMAT_CSV, "id,t\n1,abc"},
		{QUERY_UPSERT, FORMAT_OBJECT, "{\"id\":1,\"t\":\"abc\"}"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t len = strlen(rows[i].answer);
		for (size_t room = 0; room <= len; room++) {
			struct fixture own;
			struct value *values;
			struct call call;
			fixture_init(&own,
						 "service: s\nlisten: 127.0.0.1:0\nstore: \"memory:\"\nresources:\n"
						 "  texts: { key: id, fields: { id: integer, t: text } }\n");
			fixture_open(&own, "sqlite:");
			struct query *query = test_write(&own, rows[i].action, "texts", "id t", 1, &values);
			values[0] = test_integer(1);
			values[1] = test_text("abc");
			query->format = rows[i].format;
			test_columns(&own, query, "*");
			call_init(&call, query);
			call.body.max_bytes = room;
			call_start(&own, &call);
			call_wait(&own, &call);
			assert_true(call.ok == (room == len));
			assert_int_equal(count_rows(&own, "texts"), call.ok ? 1 : 0);
			call_finish(&call);
			fixture_finish(&own);
		}
	}
}

/* Rows that wait to be sorted are an answer too: at the limit and one byte above. */
static void test_rows_that_wait(void **state)
{
	(void)state;
	enum { ROWS = 3, ROW_BYTES = 2 * sizeof(struct value) + 3 };
	for (size_t less = 0; less <= 1; less++) {
		struct fixture own;
		struct value *values;
		struct call call;
		fixture_init(&own,
					 "service: s\nlisten: 127.0.0.1:0\nstore: \"memory:\"\nresources:\n"
					 "  texts: { key: id, fields: { id: integer, t: text } }\n");
		fixture_open(&own, "sqlite:");
		struct query *query = test_write(&own, QUERY_INSERT, "texts", "id t", ROWS, &values);
		for (size_t i = 0; i < ROWS; i++) {
			values[2 * i] = test_integer((int64_t)i);
			values[2 * i + 1] = test_text("abc");
		}
		test_columns(&own, query, "*");
		const struct query_order order = {
			.term = {.field = &query->resource->fields[0]},
			.descending = true,
		};
		query->order = &order;
		query->order_count = 1;
		call_init(&call, query);
		call.body.max_bytes = ROWS * ROW_BYTES - less;
		call_start(&own, &call);
		call_wait(&own, &call);
		assert_true(call.ok == (less == 0));
		assert_int_equal(count_rows(&own, "texts"), call.ok ? ROWS : 0);
		call_finish(&call);
		fixture_finish(&own);
	}
}

static void test_deadline_in_the_queue(void **state)
{
	struct fixture *fixture = *state;
	fixture_open(fixture, "sqlite:");
	struct call calls[3];
	for (size_t i = 0; i < 3; i++) {
		call_init(&calls[i], new_user(fixture, (int64_t)i + 1, i == 0 ? "a" : i == 1 ? "b" : "c"));
	}
	calls[1].request.deadline_ms = 1; /* long ago */
	run_all(fixture, calls, 3);
	assert_true(calls[0].ok);
	assert_false(calls[1].ok);
	assert_int_equal(calls[1].error.code, ERROR_DEADLINE_NOT_WRITTEN);
	assert_true(calls[2].ok);
	finish_all(calls, 3);
	assert_int_equal(count_rows(fixture, "users"), 2);
}

/* A statement that is interrupted ends the transaction; the others of the group run again. */
static void test_deadline_while_it_runs(void **state)
{
	struct fixture *fixture = *state;
	fixture_open(fixture, "sqlite:");
	fixture->limits.write_ms = 60000;
	struct call fill;
	call_run(fixture, &fill, new_items(fixture, 0, 100000));
	assert_true(fill.ok);
	call_finish(&fill);

	struct value *values;
	struct query *slow = test_write(fixture, QUERY_UPDATE, "items", "price", 1, &values);
	values[0] = test_integer(-1);
	struct call calls[3];
	call_init(&calls[0], new_user(fixture, 1, "a"));
	call_init(&calls[1], slow);
	call_init(&calls[2], new_user(fixture, 2, "b"));
	uv_update_time(loop_uv(fixture->loop));
	calls[1].request.deadline_ms = loop_now_ms(fixture->loop) + 10;
	run_all(fixture, calls, 3);
	assert_true(calls[0].ok);
	assert_false(calls[1].ok);
	assert_int_equal(calls[1].error.code, ERROR_DEADLINE_NOT_WRITTEN);
	assert_true(calls[2].ok);
	finish_all(calls, 3);
	assert_int_equal(count_rows(fixture, "users"), 2);
	struct query *changed = test_list(fixture, "items");
	changed->where = test_compare(fixture, changed->resource, "price", OPERATOR_EQ, values[0]);
	assert_true(str_equal(run_ok(fixture, changed), STR("[]")));
}

static void set_pages(struct fixture *fixture, const char *pragma)
{
	/* The writer sleeps: nothing is under way. */
	struct sqlite_store *store = (struct sqlite_store *)fixture->store;
	assert_int_equal(sqlite3_exec(store->writer.conn.db, pragma, NULL, NULL, NULL), SQLITE_OK);
}

static void test_full_disk(void **state)
{
	struct fixture *fixture = *state;
	fixture_open(fixture, "sqlite:");
	struct call calls[3];
	call_init(&calls[0], new_items(fixture, 0, 1000));
	run_all(fixture, calls, 1);
	finish_all(calls, 1);
	set_pages(fixture, "PRAGMA max_page_count=1"); /* as many as there are */
	for (size_t round = 0; round < 3; round++) {
		call_init(&calls[0], test_rating(fixture, 1, 1, 1 + (int64_t)round));
		call_init(&calls[1], new_items(fixture, 1000, 1000));
		call_init(&calls[2], test_rating(fixture, 1, 2, 1 + (int64_t)round));
		run_all(fixture, calls, 3);
		assert_true(calls[0].ok);
		assert_false(calls[1].ok);
		assert_int_equal(calls[1].error.code, ERROR_STORE_FULL);
		assert_true(calls[2].ok);
		finish_all(calls, 3);
	}
	assert_int_equal(count_rows(fixture, "items"), 1000);
	set_pages(fixture, "PRAGMA max_page_count=100000");
	call_init(&calls[0], new_items(fixture, 1000, 1000));
	run_all(fixture, calls, 1);
	assert_true(calls[0].ok);
	finish_all(calls, 1);
}

static void test_the_queue_is_bounded(void **state)
{
	struct fixture *fixture = *state;
	fixture->limits.write_queue = 3;
	fixture_open(fixture, "sqlite:");
	static struct call calls[MANY];
	for (size_t i = 0; i < MANY; i++) {
		call_init(&calls[i], test_rating(fixture, 1, (int64_t)i, 1));
	}
	run_all(fixture, calls, MANY);
	size_t refused = 0;
	for (size_t i = 0; i < MANY; i++) {
		refused += !calls[i].ok;
		assert_true(calls[i].ok || calls[i].error.code == ERROR_OVERLOADED);
	}
	finish_all(calls, MANY);
	assert_true(refused > 0);
	assert_int_equal(count_rows(fixture, "ratings"), MANY - refused);
}

static void test_checkpoints(void **state)
{
	struct fixture *fixture = *state;
	fixture->limits.wal_bytes = MIB(8);
	fixture_open(fixture, "sqlite:");
	for (size_t i = 0; i < 10; i++) {
		struct call call;
		call_run(fixture, &call, new_items(fixture, i * 20000, 20000));
		assert_true(call.ok);
		call_finish(&call);
	}
	struct store_stats stats = stats_of(fixture);
	assert_true(stats.checkpoints > 0);
	assert_true(stats.wal_bytes < MIB(16));
	/* Closing leaves nothing in the WAL, and opening finds all. */
	fixture_close(fixture);
	fixture_open(fixture, "sqlite:");
	assert_int_equal(count_rows(fixture, "items"), 200000);
}

/* ---- several loops ---- */

enum { LOOPS = 3, WRITES = 200 };

struct writing {
	struct fixture fixture;
	struct fixture *shared;
	uint64_t number;
	uint64_t inserted;
};

static void *write_from_loop(void *context)
{
	struct writing *writing = context;
	struct fixture *fixture = &writing->fixture;
	struct error error;
	arena_init(&fixture->arena, 65536);
	fixture->model = writing->shared->model;
	fixture->loop = loop_create(&error);
	fixture->session = store_attach(writing->shared->store, fixture->loop, &error);
	static const size_t together = 8;
	for (size_t i = 0; i < WRITES; i += together) {
		struct call calls[8];
		for (size_t j = 0; j < together; j++) {
			/* All loops write the same ratings. */
			call_init(&calls[j],
					  test_rating(fixture, (int64_t)(i + j) % 7, (int64_t)(i + j),
								  1 + (int64_t)(writing->number % 3)));
		}
		run_all(fixture, calls, together);
		for (size_t j = 0; j < together; j++) {
			writing->inserted += calls[j].result.inserted;
			/* What was acknowledged is read. */
			struct query *list = test_list(fixture, "ratings");
			list->where = test_compare(fixture, list->resource, "item_id", OPERATOR_EQ,
									   test_integer((int64_t)(i + j)));
			struct call read;
			call_run(fixture, &read, list);
			writing->inserted += read.ok && read.result.rows == 1 && calls[j].ok ? 0 : 1000000;
			call_finish(&read);
		}
		finish_all(calls, together);
	}
	store_detach(fixture->session);
	loop_stop(fixture->loop);
	loop_run(fixture->loop);
	loop_destroy(fixture->loop);
	arena_finish(&fixture->arena);
	return NULL;
}

static void test_several_loops(void **state)
{
	struct fixture *fixture = *state;
	fixture_open(fixture, "sqlite:");
	static struct writing writings[LOOPS];
	pthread_t threads[LOOPS];
	for (size_t i = 0; i < LOOPS; i++) {
		writings[i] = (struct writing){.shared = fixture, .number = i + 1};
		assert_int_equal(pthread_create(&threads[i], NULL, write_from_loop, &writings[i]), 0);
	}
	uint64_t inserted = 0;
	for (size_t i = 0; i < LOOPS; i++) {
		pthread_join(threads[i], NULL);
		inserted += writings[i].inserted;
	}
	assert_int_equal(inserted, WRITES);
	assert_int_equal(count_rows(fixture, "ratings"), WRITES);
	assert_int_equal(stats_of(fixture).writes, LOOPS * WRITES);
}

/* Whoever has the lock to write for a moment makes the writer wait, not fail. */
static void test_lock_is_waited_for(void **state)
{
	struct fixture *fixture = *state;
	struct sqlite_conn other;
	struct error error;
	struct call call;
	fixture_open(fixture, "sqlite:");
	assert_true(
		sqlite_conn_open(&other, (struct sqlite_store *)fixture->store, ROLE_WRITER, &error));
	assert_true(sqlite_conn_exec(&other, "BEGIN IMMEDIATE", &error));
	call_init(&call, new_user(fixture, 1, "ann"));
	call_start(fixture, &call);
	const struct timespec moment = {.tv_nsec = 30 * 1000 * 1000};
	nanosleep(&moment, NULL);
	assert_true(sqlite_conn_exec(&other, "ROLLBACK", &error));
	sqlite_conn_close(&other);
	call_wait(fixture, &call);
	assert_true(call.ok);
	call_finish(&call);
	fixture_close(fixture);
}

static int interrupt(void *context)
{
	(void)context;
	return 1;
}

/* A read or write that is out of time is undone nevertheless. */
static void test_transactions_are_never_interrupted(void **state)
{
	enum { ROUNDS = 2000 };
	struct fixture *fixture = *state;
	struct sqlite_conn conn;
	struct error error;
	fixture_open(fixture, "sqlite:");
	assert_true(
		sqlite_conn_open(&conn, (struct sqlite_store *)fixture->store, ROLE_WRITER, &error));
	sqlite3_progress_handler(conn.db, 1000, interrupt, NULL);
	for (size_t i = 0; i < ROUNDS; i++) {
		assert_int_equal(sqlite_conn_run(&conn, STR("BEGIN")), SQLITE_OK);
		assert_int_equal(sqlite_conn_run(&conn, STR("SAVEPOINT request")), SQLITE_OK);
		assert_int_equal(sqlite_conn_run(&conn, STR("ROLLBACK TO request")), SQLITE_OK);
		assert_int_equal(sqlite_conn_run(&conn, STR("RELEASE request")), SQLITE_OK);
		assert_int_equal(sqlite_conn_run(&conn, STR("ROLLBACK")), SQLITE_OK);
		assert_true(sqlite3_get_autocommit(conn.db));
	}
	sqlite_conn_close(&conn);
	fixture_close(fixture);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_groups_with_refused_members),
		TEST(test_writes_of_one_session_keep_their_order),
		TEST(test_many_rows_are_all_or_nothing),
		TEST(test_bulk_beside_others),
		TEST(test_an_answer_that_does_not_fit),
		TEST(test_rows_that_wait),
		TEST(test_deadline_in_the_queue),
		TEST(test_deadline_while_it_runs),
		TEST(test_full_disk),
		TEST(test_the_queue_is_bounded),
		TEST(test_checkpoints),
		TEST(test_several_loops),
		TEST(test_lock_is_waited_for),
		TEST(test_transactions_are_never_interrupted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
