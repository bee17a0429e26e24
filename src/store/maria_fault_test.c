/*
 * Writes to MariaDB while connections are killed, the server stands still, rows are locked by
 * others, writers meet in opposite order, and connections are few. Whatever is said of a write must
 * be so afterwards.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "store/maria_priv.h"
#include "store/store_test_help.h"

enum {
	ROUNDS = 25,
	TOGETHER = 12,
	WRITERS = 16,
	SETTLE_US = 100000, /* until all threads of the server stand still */
};

static const char service[] = "service: test\n"
							  "listen: 127.0.0.1:0\n"
							  "store: \"memory:\"\n"
							  "resources:\n"
							  "  pairs:\n"
							  "    key: id\n"
							  "    fields:\n"
							  "      id: integer\n"
							  "      name: text\n"
							  "      count: integer\n"
							  "    unique:\n"
							  "      one name: name\n";

static int setup(void **state)
{
	return fixture_setup(state, service);
}

/* A session of another client. */
static MYSQL *connect_other(struct fixture *fixture)
{
	MYSQL *db = maria_connect((const struct maria_store *)fixture->store, NULL, NULL);
	assert_non_null(db);
	return db;
}

static void run_other(MYSQL *db, const char *text)
{
	if (mysql_query(db, text) != 0) {
		fail_msg("%s: %s", text, mysql_error(db));
	}
	MYSQL_RES *rows = mysql_store_result(db);
	mysql_free_result(rows);
}

static long long number_of(struct fixture *fixture, const char *text)
{
	return strtoll(maria_test_run(&fixture->maria, text), NULL, 10);
}

static void turn(struct fixture *fixture)
{
	uv_run(loop_uv(fixture->loop), UV_RUN_ONCE);
}

/* An insert of the rows id and id + 1, or of the first alone. */
static const struct query *insert_rows(struct fixture *fixture, int64_t id, size_t count)
{
	struct value *values;
	struct query *query = test_write(fixture, QUERY_INSERT, "pairs", "id count", count, &values);
	for (size_t i = 0; i < count; i++) {
		values[2 * i] = test_integer(id + (int64_t)i);
		values[2 * i + 1] = test_integer(0);
	}
	return query;
}

/* ---- killed connections ---- */

static void kill_all(struct fixture *fixture, MYSQL *other)
{
	char text[256];
	snprintf(text, sizeof(text),
			 "SELECT id FROM information_schema.processlist WHERE db='%s' "
			 "AND id<>CONNECTION_ID()",
			 fixture->maria.name);
	assert_int_equal(mysql_query(other, text), 0);
	MYSQL_RES *rows = mysql_store_result(other);
	MYSQL_ROW row;
	while ((row = mysql_fetch_row(rows)) != NULL) {
		snprintf(text, sizeof(text), "KILL CONNECTION %s", row[0]);
		mysql_query(other, text); /* it may have gone already */
	}
	mysql_free_result(rows);
}

static bool all_done(const struct call *calls, size_t count)
{
	size_t done = 0;
	while (done < count && calls[done].done) {
		done++;
	}
	return done == count;
}

/* What was said of a write, against the rows that are there. */
static void check_outcome(struct fixture *fixture, const struct call *call, int64_t id, size_t rows)
{
	char text[128];
	snprintf(text, sizeof(text), "SELECT COUNT(*) FROM pairs WHERE id IN (%lld,%lld)",
			 (long long)id, (long long)id + 1);
	long long found = number_of(fixture, text);
	bool unknown = !call->ok && call->error.code == ERROR_STORE_UNKNOWN;
	bool whole = found == 0 || found == (long long)rows;
	if (!whole || (call->ok && found == 0) || (!call->ok && !unknown && found != 0)) {
		fail_msg("write %lld: %lld rows, %s: %s", (long long)id, found,
				 call->ok ? "ok" : error_info(call->error.code)->name, call->error.message);
	}
}

static void test_killed_connections(void **state)
{
	struct fixture *fixture = *state;
	struct call calls[TOGETHER];
	fixture_open_maria(fixture);
	MYSQL *other = connect_other(fixture);
	for (int64_t round = 0; round < ROUNDS; round++) {
		int64_t first = round * 2 * TOGETHER;
		uint8_t moment;
		random_bytes(&moment, sizeof(moment));
		for (size_t i = 0; i < TOGETHER; i++) {
			call_init(&calls[i], insert_rows(fixture, first + 2 * (int64_t)i, 1 + i % 2));
			call_start(fixture, &calls[i]);
		}
		for (int turns = 0; turns < moment % 64 && !all_done(calls, TOGETHER); turns++) {
			turn(fixture);
		}
		kill_all(fixture, other);
		for (size_t i = 0; i < TOGETHER; i++) {
			call_wait(fixture, &calls[i]);
			check_outcome(fixture, &calls[i], first + 2 * (int64_t)i, 1 + i % 2);
			call_finish(&calls[i]);
		}
	}
	mysql_close(other);
}

/* ---- a server that stands still ---- */

static pid_t server_pid(struct fixture *fixture)
{
	FILE *file = fopen(maria_test_run(&fixture->maria, "SELECT @@pid_file"), "re");
	assert_non_null(file);
	char text[32] = "";
	assert_non_null(fgets(text, sizeof(text), file));
	fclose(file);
	return (pid_t)strtol(text, NULL, 10);
}

static void test_a_frozen_server(void **state)
{
	struct fixture *fixture = *state;
	fixture->limits.write_ms = 300;
	fixture->limits.read_ms = 300;
	fixture_open_maria(fixture);
	/* Connections and statements that are there. */
	run_ok(fixture, insert_rows(fixture, 1, 1));
	run_ok(fixture, insert_rows(fixture, 3, 2));
	struct call alone;
	struct call two;
	struct call read;
	pid_t pid = server_pid(fixture);
	kill(pid, SIGSTOP);
	usleep(SETTLE_US);
	call_init(&alone, insert_rows(fixture, 5, 1));
	call_init(&two, insert_rows(fixture, 7, 2));
	call_init(&read, test_list(fixture, "pairs"));
	uv_update_time(loop_uv(fixture->loop));
	call_start(fixture, &alone);
	call_start(fixture, &two);
	call_start(fixture, &read);
	call_wait(fixture, &alone);
	call_wait(fixture, &two);
	call_wait(fixture, &read);
	kill(pid, SIGCONT);
	assert_false(alone.ok || two.ok || read.ok);
	assert_int_equal(alone.error.code, ERROR_DEADLINE_NOT_WRITTEN);
	assert_int_equal(two.error.code, ERROR_DEADLINE_NOT_WRITTEN);
	assert_int_equal(read.error.code, ERROR_DEADLINE_NOT_WRITTEN);
	call_finish(&alone);
	call_finish(&two);
	call_finish(&read);
	run_ok(fixture, insert_rows(fixture, 9, 2));
	assert_int_equal(number_of(fixture, "SELECT COUNT(*) FROM pairs WHERE id IN (5,7,8)"), 0);
}

/* ---- rows that others hold ---- */

static void test_a_row_that_stays_locked(void **state)
{
	struct fixture *fixture = *state;
	fixture->limits.write_ms = 500;
	fixture_open_maria(fixture);
	run_ok(fixture, insert_rows(fixture, 1, 1));
	MYSQL *other = connect_other(fixture);
	run_other(other, "START TRANSACTION");
	run_other(other, "UPDATE pairs SET count=7 WHERE id=1");
	struct value *values;
	struct query *query = test_write(fixture, QUERY_UPSERT, "pairs", "id name", 1, &values);
	values[0] = test_integer(1);
	values[1] = test_text("a");
	struct call call;
	call_run(fixture, &call, query);
	assert_false(call.ok);
	assert_int_equal(call.error.code, ERROR_DEADLINE_NOT_WRITTEN);
	call_finish(&call);
	run_other(other, "COMMIT");
	mysql_close(other);
	assert_int_equal(number_of(fixture, "SELECT COUNT(*) FROM pairs WHERE name IS NULL"), 1);
}

/* A lock that is not free within the server's own time is waited for again. */
static void test_a_row_that_is_locked_for_long(void **state)
{
	struct fixture *fixture = *state;
	fixture_open_maria(fixture);
	run_ok(fixture, insert_rows(fixture, 1, 1));
	MYSQL *other = connect_other(fixture);
	run_other(other, "START TRANSACTION");
	run_other(other, "UPDATE pairs SET count=7 WHERE id=1");
	struct value *values;
	struct query *query = test_write(fixture, QUERY_UPDATE, "pairs", "name", 1, &values);
	values[0] = test_text("a");
	struct call call;
	call_init(&call, query);
	uv_update_time(loop_uv(fixture->loop));
	call_start(fixture, &call);
	struct maria_session *session = (struct maria_session *)fixture->session;
	while (!call.done && atomic_load(&session->retries) == 0) {
		turn(fixture);
	}
	run_other(other, "COMMIT");
	mysql_close(other);
	call_wait(fixture, &call);
	assert_true(call.ok);
	assert_int_equal(call.result.rows, 1);
	call_finish(&call);
}

/* ---- opposite orders ---- */

/* Rows of the names 0 … 3, from one end or the other; each is added or changed. */
static const struct query *upsert_names(struct fixture *fixture, int64_t id, bool backwards)
{
	static const char *const names[] = {"a", "b", "c", "d"};
	struct value *values;
	struct query *query = test_write(fixture, QUERY_UPSERT, "pairs", "id name count", 4, &values);
	query->conflict = query->resource->uniques[0].fields;
	for (size_t i = 0; i < 4; i++) {
		values[3 * i] = test_integer(4 * id + (int64_t)i);
		values[3 * i + 1] = test_text(names[backwards ? 3 - i : i]);
		values[3 * i + 2] = test_integer(id);
	}
	return query;
}

static void test_opposite_orders(void **state)
{
	struct fixture *fixture = *state;
	struct call calls[WRITERS];
	fixture_open_maria(fixture);
	for (int64_t round = 0; round < 3; round++) {
		uint64_t inserted = 0;
		uv_update_time(loop_uv(fixture->loop));
		for (size_t i = 0; i < WRITERS; i++) {
			call_init(&calls[i], upsert_names(fixture, (int64_t)i, i % 2 == 1));
			call_start(fixture, &calls[i]);
		}
		for (size_t i = 0; i < WRITERS; i++) {
			call_wait(fixture, &calls[i]);
			if (!calls[i].ok) {
				fail_msg("writer %zu: %s %s", i, error_info(calls[i].error.code)->name,
						 calls[i].error.message);
			}
			inserted += calls[i].result.inserted;
			call_finish(&calls[i]);
		}
		assert_int_equal(inserted, round == 0 ? 4 : 0);
		/* All rows are of one writer: writes do not mix. */
		assert_int_equal(number_of(fixture, "SELECT COUNT(DISTINCT count) FROM pairs"), 1);
	}
}

/* ---- few connections ---- */

static void test_few_connections(void **state)
{
	struct fixture *fixture = *state;
	struct call calls[WRITERS];
	fixture_open_maria(fixture);
	MYSQL *other = connect_other(fixture);
	run_other(other,
			  "CREATE USER IF NOT EXISTS few IDENTIFIED BY 'few' "
			  "WITH MAX_USER_CONNECTIONS 3");
	run_other(other, "GRANT ALL ON *.* TO few");
	mysql_close(other);
	store_detach(fixture->session);
	store_close(fixture->store);
	const char *host = strrchr(fixture->maria.url, '@');
	char url[256];
	struct error error;
	snprintf(url, sizeof(url), "mysql://few:few%s", host);
	struct store_options options = fixture_options(fixture);
	fixture->store = store_open(str_from(url), &options, &error);
	assert_non_null(fixture->store);
	fixture->session = store_attach(fixture->store, fixture->loop, &error);
	uv_update_time(loop_uv(fixture->loop));
	for (size_t i = 0; i < WRITERS; i++) {
		call_init(&calls[i], insert_rows(fixture, 2 * (int64_t)i, 2));
		call_start(fixture, &calls[i]);
	}
	for (size_t i = 0; i < WRITERS; i++) {
		call_wait(fixture, &calls[i]);
		assert_true(calls[i].ok);
		call_finish(&calls[i]);
	}
	assert_int_equal(number_of(fixture, "SELECT COUNT(*) FROM pairs"), 2 * WRITERS);
}

/* ---- many rows ---- */

static void test_bulk(void **state)
{
	struct fixture *fixture = *state;
	enum { ROWS = 5000 };
	fixture_open_maria(fixture);
	struct query *rows = (struct query *)(uintptr_t)insert_rows(fixture, 1, ROWS);
	run_ok(fixture, rows);
	assert_int_equal(number_of(fixture, "SELECT COUNT(*) FROM pairs"), ROWS);
	/* One of them is there already: none is written, and it is named. */
	struct query *again = (struct query *)(uintptr_t)insert_rows(fixture, ROWS - 1000, ROWS);
	struct call call;
	call_run(fixture, &call, again);
	assert_false(call.ok);
	assert_string_equal(call.error.details, "Key (id)=(4000) already exists.");
	call_finish(&call);
	assert_int_equal(number_of(fixture, "SELECT COUNT(*) FROM pairs"), ROWS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_killed_connections, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_a_frozen_server, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_a_row_that_stays_locked, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_a_row_that_is_locked_for_long, setup,
										fixture_teardown),
		cmocka_unit_test_setup_teardown(test_opposite_orders, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_few_connections, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_bulk, setup, fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
