/* The MariaDB store on a real server: values in and out, waiting, streams, the pool. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "store/maria_priv.h"
#include "store/store_test_help.h"

static int setup(void **state)
{
	return fixture_setup(state, test_service);
}

static struct maria_session *session_of(struct fixture *fixture)
{
	return (struct maria_session *)fixture->session;
}

static void insert_users(struct fixture *fixture, int count)
{
	struct buf text;
	buf_init(&text, 4096);
	buf_printf(&text,
			   "INSERT INTO users(name,age,score,ok) SELECT CONCAT('user ',seq),seq,seq/4,"
			   "seq%%2 FROM seq_1_to_%d",
			   count);
	buf_append_byte(&text, '\0');
	maria_test_run(&fixture->maria, text.ptr);
	buf_finish(&text);
}

/* ---- in a fiber ---- */

struct script {
	struct fixture *fixture;
	void (*run)(struct script *script, struct maria_conn *conn);
	uint64_t limit_ms;
	struct error error;
	bool ended;
};

static void run_script(void *context)
{
	struct script *script = context;
	struct maria_session *session = session_of(script->fixture);
	struct maria_conn *conn = maria_take(session, loop_now_ms(session->loop) + script->limit_ms,
										 &script->error);
	if (conn == NULL) {
		script->ended = true;
		return;
	}
	script->run(script, conn);
	maria_give(conn);
	script->ended = true;
}

static struct error in_fiber(struct fixture *fixture, uint64_t limit_ms,
							 void (*run)(struct script *script, struct maria_conn *conn))
{
	struct script script = {.fixture = fixture, .run = run, .limit_ms = limit_ms};
	uv_update_time(loop_uv(fixture->loop));
	fiber_start(&session_of(fixture)->fiber_pool, run_script, &script);
	while (!script.ended) {
		uv_run(loop_uv(fixture->loop), UV_RUN_ONCE);
	}
	return script.error;
}

static struct maria_statement *execute(struct script *script, struct maria_conn *conn,
									   const char *text)
{
	sql_clear(&conn->sql);
	buf_append(&conn->sql.text, str_from(text));
	return maria_execute(conn, false, &script->error);
}

static const struct field type_integer = {.name = STR_INIT("i"), .type = TYPE_INTEGER};
static const struct field type_number = {.name = STR_INIT("n"), .type = TYPE_NUMBER};
static const struct field type_decimal = {
	.name = STR_INIT("d"), .type = TYPE_DECIMAL, .precision = 18, .scale = 3};
static const struct field type_text = {.name = STR_INIT("t"), .type = TYPE_TEXT};
static const struct field type_date = {.name = STR_INIT("day"), .type = TYPE_DATE};
static const struct field type_time = {.name = STR_INIT("time"), .type = TYPE_TIME};
static const struct field type_datetime = {.name = STR_INIT("at"), .type = TYPE_DATETIME};
static const struct field type_json = {.name = STR_INIT("j"), .type = TYPE_JSON};
static const struct field type_boolean = {.name = STR_INIT("b"), .type = TYPE_BOOLEAN};

/* What a column of the server's is, read as a type: as JSON, or the error's name. */
static const struct read_row {
	int line;
	const char *select;
	const struct field *type;
	const char *want;
} read_rows[] = {
	{__LINE__, "SELECT 7", &type_integer, "7"},
	{__LINE__, "SELECT NULL", &type_integer, "null"},
	{__LINE__, "SELECT -9223372036854775808", &type_integer, "-9223372036854775808"},
	{__LINE__, "SELECT 9223372036854775807", &type_integer, "9223372036854775807"},
	{__LINE__, "SELECT CAST(9223372036854775808 AS UNSIGNED)", &type_integer, "OUT_OF_RANGE"},
	{__LINE__, "SELECT CAST(9223372036854775808 AS UNSIGNED)", &type_text,
	 "\"9223372036854775808\""},
	{__LINE__, "SELECT CAST(12 AS DECIMAL(30,0))", &type_integer, "12"},
	{__LINE__, "SELECT CAST(-9223372036854775808 AS DECIMAL(30,0))", &type_integer,
	 "-9223372036854775808"},
	{__LINE__, "SELECT CAST(9223372036854775808 AS DECIMAL(30,0))", &type_integer, "OUT_OF_RANGE"},
	{__LINE__, "SELECT CAST(1.5 AS DECIMAL(30,1))", &type_integer, "OUT_OF_RANGE"},
	{__LINE__, "SELECT CAST(12.00 AS DECIMAL(30,2))", &type_integer, "12"},
	{__LINE__, "SELECT CAST(-1.5 AS DECIMAL(30,1))", &type_decimal, "-1.5"},
	{__LINE__, "SELECT CAST(-0.001 AS DECIMAL(30,3))", &type_decimal, "-0.001"},
	{__LINE__, "SELECT CAST(9223372036854775.807 AS DECIMAL(30,3))", &type_decimal,
	 "9223372036854775.807"},
	{__LINE__, "SELECT CAST(9223372036854775.808 AS DECIMAL(30,3))", &type_decimal, "OUT_OF_RANGE"},
	{__LINE__, "SELECT CAST(0.0001 AS DECIMAL(30,4))", &type_decimal, "OUT_OF_RANGE"},
	{__LINE__, "SELECT 5", &type_decimal, "5"},
	{__LINE__, "SELECT 5e0", &type_decimal, "5"},
	{__LINE__, "SELECT 0.25e0", &type_number, "0.25"},
	{__LINE__, "SELECT 3", &type_number, "3"},
	{__LINE__, "SELECT 0.5", &type_number, "0.5"},
	{__LINE__, "SELECT 1=1", &type_boolean, "true"},
	{__LINE__, "SELECT CAST(b'10' AS UNSIGNED)", &type_integer, "2"},
	{__LINE__, "SELECT ''", &type_text, "\"\""},
	{__LINE__, "SELECT 'a\\\\b\xc3\xa4\xf0\x9f\x98\x80'", &type_text,
	 "\"a\\\\b\xc3\xa4\xf0\x9f\x98\x80\""},
	{__LINE__, "SELECT X'00ff'", &type_text, "\"\\\\x00ff\""},
	{__LINE__, "SELECT 0.5e0", &type_text, "\"0.5\""},
	{__LINE__, "SELECT DATE'1969-12-31'", &type_date, "\"1969-12-31\""},
	{__LINE__, "SELECT DATE'0001-01-01'", &type_date, "\"0001-01-01\""},
	{__LINE__, "SELECT DATE'9999-12-31'", &type_date, "\"9999-12-31\""},
	{__LINE__, "SELECT TIMESTAMP'2014-03-08 15:00:00.25'", &type_date, "\"2014-03-08\""},
	{__LINE__, "SELECT '2014-03-08'", &type_date, "\"2014-03-08\""},
	{__LINE__, "SELECT 'x'", &type_date, "OUT_OF_RANGE"},
	{__LINE__, "SELECT CAST('0000-00-00' AS DATE)", &type_date, "null"},
	{__LINE__, "SELECT TIME'00:00:00'", &type_time, "\"00:00:00\""},
	{__LINE__, "SELECT TIME'23:59:59.999999'", &type_time, "\"23:59:59.999999\""},
	{__LINE__, "SELECT TIME'24:00:00'", &type_time, "OUT_OF_RANGE"},
	{__LINE__, "SELECT TIME'-01:00:00'", &type_time, "OUT_OF_RANGE"},
	{__LINE__, "SELECT '01:02:03'", &type_time, "\"01:02:03\""},
	{__LINE__, "SELECT TIMESTAMP'1969-12-31 23:59:59.5'", &type_datetime,
	 "\"1969-12-31T23:59:59.5+00:00\""},
	{__LINE__, "SELECT TIMESTAMP'9999-12-31 23:59:59'", &type_datetime,
	 "\"9999-12-31T23:59:59+00:00\""},
	{__LINE__, "SELECT DATE'2014-03-08'", &type_datetime, "\"2014-03-08T00:00:00+00:00\""},
	{__LINE__, "SELECT TIMESTAMP'2014-03-08 15:00:00'", &type_text,
	 "\"2014-03-08T15:00:00+00:00\""},
	{__LINE__, "SELECT DATE'2014-03-08'", &type_text, "\"2014-03-08\""},
	{__LINE__, "SELECT TIME'01:02:03'", &type_text, "\"01:02:03\""},
	{__LINE__, "SELECT TIME'01:02:03'", &type_date, "OUT_OF_RANGE"},
	{__LINE__, "SELECT JSON_EXTRACT('{\"a\":[1, 2]}','$.a')", &type_json, "[1, 2]"},
	{__LINE__, "SELECT LENGTH(REPEAT('a',100000))", &type_integer, "100000"},
	/* What every session has: a key of 0 is 0, and long texts are sorted to their ends. */
	{__LINE__, "SELECT FIND_IN_SET('NO_AUTO_VALUE_ON_ZERO',@@sql_mode)>0", &type_integer, "1"},
	{__LINE__, "SELECT @@max_sort_length", &type_integer, "65536"},
	{__LINE__, "SELECT @@default_regex_flags", &type_text, "\"\""},
};

static void check_read(struct script *script, struct maria_conn *conn)
{
	for (size_t i = 0; i < sizeof(read_rows) / sizeof(read_rows[0]); i++) {
		const struct read_row *row = &read_rows[i];
		struct maria_statement *statement = execute(script, conn, row->select);
		if (statement == NULL) {
			fail_msg("line %d: %s %s", row->line, script->error.message, script->error.details);
		}
		struct value value;
		struct buf text;
		buf_init(&text, 1024);
		if (maria_fetch(conn, statement, &row->type, &value, &script->error) == ROW_HERE) {
			value_write_json(&text, row->type, &value);
		} else {
			buf_append(&text, str_from(error_info(script->error.code)->name));
		}
		if (!str_equal(buf_str(&text), str_from(row->want))) {
			fail_msg("line %d: got %.*s, want %s", row->line, STR_ARG(buf_str(&text)), row->want);
		}
		buf_finish(&text);
		maria_rows_end(conn, statement);
		assert_int_equal(conn->state, MARIA_BUSY);
	}
	script->error.code = ERROR_NONE;
}

/* Values as parameters, and back. */
static const struct bind_row {
	int line;
	const struct field *type;
	struct value value;
	const char *as_text; /* what the server takes it for */
} bind_rows[] = {
	{__LINE__,
	 &type_integer,
	 {.kind = VALUE_INTEGER, .integer = INT64_MIN},
	 "-9223372036854775808"},
	{__LINE__, &type_integer, {.kind = VALUE_INTEGER, .integer = INT64_MAX}, "9223372036854775807"},
	{__LINE__, NULL, {.kind = VALUE_INTEGER, .integer = 5}, "5"},
	{__LINE__, &type_number, {.kind = VALUE_NUMBER, .number = -0.25}, "-0.25"},
	{__LINE__, &type_decimal, {.kind = VALUE_INTEGER, .integer = 1500}, "1.5"},
	{__LINE__, &type_decimal, {.kind = VALUE_INTEGER, .integer = -1}, "-0.001"},
	{__LINE__,
	 &type_decimal,
	 {.kind = VALUE_INTEGER, .integer = INT64_C(999999999999999999)},
	 "999999999999999.999"},
	{__LINE__, &type_boolean, {.kind = VALUE_INTEGER, .integer = 1}, "1"},
	{__LINE__, &type_text, {.kind = VALUE_TEXT, .text = {NULL, 0}}, ""},
	{__LINE__, &type_text, {.kind = VALUE_TEXT, .text = STR_INIT("a'\\b\n")}, "a'\\b\n"},
	{__LINE__, &type_date, {.kind = VALUE_INTEGER, .integer = DATE_FIRST_DAY}, "0001-01-01"},
	{__LINE__, &type_date, {.kind = VALUE_INTEGER, .integer = -1}, "1969-12-31"},
	{__LINE__, &type_time, {.kind = VALUE_INTEGER, .integer = 0}, "00:00:00"},
	{__LINE__,
	 &type_time,
	 {.kind = VALUE_INTEGER, .integer = INT64_C(86399000001)},
	 "23:59:59.000001"},
	{__LINE__,
	 &type_datetime,
	 {.kind = VALUE_INTEGER, .integer = -1},
	 "1969-12-31 23:59:59.999999"},
	{__LINE__, &type_datetime, {.kind = VALUE_INTEGER, .integer = 0}, "1970-01-01 00:00:00"},
};

static void check_bind(struct script *script, struct maria_conn *conn)
{
	for (size_t i = 0; i < sizeof(bind_rows) / sizeof(bind_rows[0]); i++) {
		const struct bind_row *row = &bind_rows[i];
		const struct field *const types[] = {row->type != NULL ? row->type : &type_integer,
											 &type_text};
		struct value values[2];
		sql_clear(&conn->sql);
		buf_append(&conn->sql.text, STR("SELECT a,CAST(a AS CHAR) FROM (SELECT ? AS a) t"));
		conn->sql.params = alloc_resize(conn->sql.params, 1, sizeof(*conn->sql.params));
		conn->sql.param_capacity = 1;
		conn->sql.param_count = 1;
		conn->sql.params[0] = (struct sql_param){&row->value, row->type};
		struct maria_statement *statement = maria_execute(conn, false, &script->error);
		if (statement == NULL ||
			maria_fetch(conn, statement, types, values, &script->error) != ROW_HERE) {
			fail_msg("line %d: %s %s", row->line, script->error.message, script->error.details);
		}
		if (values[0].kind != row->value.kind || value_compare(&values[0], &row->value) != 0 ||
			!str_equal(values[1].text, str_from(row->as_text))) {
			fail_msg("line %d: kind %d, as text %.*s", row->line, (int)values[0].kind,
					 STR_ARG(values[1].text));
		}
		maria_rows_end(conn, statement);
	}
}

static void test_values_are_bound_as_their_types(void **state)
{
	fixture_open_maria(*state);
	assert_int_equal(in_fiber(*state, 5000, check_bind).code, ERROR_NONE);
}

/* ---- statements ---- */

/* More of them than are kept, one too long to be kept, and several at once. */
static void run_many(struct script *script, struct maria_conn *conn)
{
	const struct field *const types[] = {&type_integer};
	struct value value;
	char text[20000];
	for (int turn = 0; turn < 2; turn++) {
		for (int i = 0; i < 300; i++) {
			snprintf(text, sizeof(text), "SELECT %d%*s", i, i == 7 ? 17000 : 0, "");
			struct maria_statement *statement = execute(script, conn, text);
			assert_non_null(statement);
			assert_int_equal(maria_fetch(conn, statement, types, &value, &script->error), ROW_HERE);
			assert_int_equal(value.integer, i);
			maria_rows_end(conn, statement);
		}
	}
	assert_int_equal(conn->statement_count, 128);
	struct maria_statement *statement = execute(
		script, conn,
		"SELECT CAST(VARIABLE_VALUE AS INTEGER) FROM information_schema.session_status "
		"WHERE VARIABLE_NAME='COM_STMT_CLOSE'");
	assert_int_equal(maria_fetch(conn, statement, types, &value, &script->error), ROW_HERE);
	assert_int_equal(value.integer, 600 - 128 + 1);
	maria_rows_end(conn, statement);
}

static void test_statements_are_kept(void **state)
{
	fixture_open_maria(*state);
	assert_int_equal(in_fiber(*state, 20000, run_many).code, ERROR_NONE);
}

/* The same statement within itself, by cursors. */
static void run_within(struct script *script, struct maria_conn *conn)
{
	const struct field *const types[] = {&type_integer};
	struct value value;
	int64_t sum = 0;
	struct maria_statement *open[3];
	for (size_t i = 0; i < 3; i++) {
		sql_clear(&conn->sql);
		buf_append(&conn->sql.text, STR("SELECT seq FROM seq_1_to_1000"));
		open[i] = maria_execute(conn, true, &script->error);
		assert_non_null(open[i]);
	}
	for (size_t n = 0; n < 1000; n++) {
		for (size_t i = 0; i < 3; i++) {
			assert_int_equal(maria_fetch(conn, open[i], types, &value, &script->error), ROW_HERE);
			sum += value.integer;
		}
	}
	assert_int_equal(sum, 3 * 500500);
	for (size_t i = 0; i < 3; i++) {
		maria_rows_end(conn, open[i]);
	}
	assert_int_equal(conn->statement_count, 1);
}

static void test_cursors(void **state)
{
	fixture_open_maria(*state);
	assert_int_equal(in_fiber(*state, 20000, run_within).code, ERROR_NONE);
}

/* Texts longer than the buffers, and many rows that nobody wants. */
static void run_long(struct script *script, struct maria_conn *conn)
{
	const struct field *const types[] = {&type_text, &type_text};
	struct value values[2];
	struct maria_statement *statement = execute(
		script, conn, "SELECT REPEAT('a',seq),REPEAT('b',seq*1000) FROM seq_1_to_200");
	assert_non_null(statement);
	for (size_t n = 1; n <= 200; n++) {
		assert_int_equal(maria_fetch(conn, statement, types, values, &script->error), ROW_HERE);
		assert_int_equal(values[0].text.len, n);
		assert_int_equal(values[1].text.len, n * 1000);
		assert_int_equal(values[1].text.ptr[n * 1000 - 1], 'b');
	}
	maria_rows_end(conn, statement);
	assert_int_equal(conn->state, MARIA_BUSY);
	statement = execute(script, conn, "SELECT seq,1 FROM seq_1_to_100");
	maria_rows_end(conn, statement);
	assert_int_equal(conn->state, MARIA_BUSY);
	statement = execute(script, conn, "SELECT seq,1 FROM seq_1_to_101");
	maria_rows_end(conn, statement);
	assert_int_equal(conn->state, MARIA_BROKEN);
}

static void test_long_texts_and_rows_that_are_left(void **state)
{
	fixture_open_maria(*state);
	assert_int_equal(in_fiber(*state, 20000, run_long).code, ERROR_NONE);
}

/* ---- failures ---- */

static const struct failure_row {
	int line;
	const char *text;
	const char *want; /* `VERDICT CODE MESSAGE` */
} failure_rows[] = {
	{__LINE__, "INSERT INTO users(id,name) VALUES (1,'x')",
	 "0 23505 duplicate key value violates unique constraint \"users_pkey\""},
	{__LINE__, "INSERT INTO users(name) VALUES ('user 1')",
	 "0 23505 duplicate key value violates unique constraint \"one name\""},
	{__LINE__, "INSERT INTO users(name) VALUES (NULL)",
	 "0 23502 null value in column \"name\" of relation \"users\" violates not-null constraint"},
	{__LINE__, "INSERT INTO users(age) VALUES (99)",
	 "0 23502 null value in column \"name\" of relation \"users\" violates not-null constraint"},
	{__LINE__, "INSERT INTO users(name,ok) VALUES ('y',2)",
	 "0 23514 new row for relation \"users\" violates check constraint \"users_ok_check\""},
	{__LINE__, "INSERT INTO users(name,age) VALUES ('y',9223372036854775808)",
	 "0 22003 value out of range"},
	{__LINE__, "INSERT INTO users(name) VALUES (REPEAT('x',1000))", "0 22001 value too long"},
	{__LINE__, "INSERT INTO users(name,age) VALUES ('y','x')", "0 22P02 invalid input syntax"},
	{__LINE__, "DELETE FROM users WHERE id=1",
	 "0 23503 update or delete on table \"users\" violates foreign key constraint "
	 "\"notes_user_id_fkey\" on table \"notes\""},
	{__LINE__, "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT='not today'", "0 23514 not today"},
	{__LINE__, "SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO=1213", "1 RL503 The server is busy"},
	{__LINE__, "SELECT nothing", "0 RL500 The store failed"},
};

static void check_failures(struct script *script, struct maria_conn *conn)
{
	const struct query query = {.action = QUERY_INSERT,
								.resource = test_resource(script->fixture, "users")};
	for (size_t i = 0; i < sizeof(failure_rows) / sizeof(failure_rows[0]); i++) {
		const struct failure_row *row = &failure_rows[i];
		if (execute(script, conn, row->text) != NULL) {
			fail_msg("line %d: it went well", row->line);
		}
		int verdict = (int)maria_fail(conn, &query, SIZE_MAX, &script->error);
		char got[512];
		snprintf(got, sizeof(got), "%d %s %s", verdict, error_info(script->error.code)->wire,
				 script->error.message);
		if (strcmp(got, row->want) != 0) {
			fail_msg("line %d: %s (%s)", row->line, got, script->error.details);
		}
		assert_int_equal(conn->state, MARIA_BUSY);
	}
	script->error.code = ERROR_NONE;
}

static void test_failures_are_named_as_in_the_model(void **state)
{
	struct fixture *fixture = *state;
	fixture_open_maria(fixture);
	insert_users(fixture, 1);
	maria_test_run(&fixture->maria, "INSERT INTO notes(user_id,text) VALUES (1,'n')");
	assert_int_equal(in_fiber(fixture, 5000, check_failures).code, ERROR_NONE);
}

static void test_columns_are_read_as_their_types(void **state)
{
	fixture_open_maria(*state);
	assert_int_equal(in_fiber(*state, 5000, check_read).code, ERROR_NONE);
}

/* ---- reads ---- */

static void test_lists(void **state)
{
	struct fixture *fixture = *state;
	fixture_open_maria(fixture);
	assert_text(run_ok(fixture, test_list(fixture, "users")), "[]");
	insert_users(fixture, 2);
	const char *want = "[{\"id\":1,\"name\":\"user 1\",\"age\":1,\"score\":0.25,\"ok\":true},"
					   "{\"id\":2,\"name\":\"user 2\",\"age\":2,\"score\":0.5,\"ok\":false}]";
	/* Again: the statement is there. */
	for (int i = 0; i < 3; i++) {
		assert_text(run_ok(fixture, test_list(fixture, "users")), want);
	}
	fixture_close(fixture);
	fixture_open(fixture, "mysql:");
	struct query *query = test_list(fixture, "users");
	query->total = true;
	query->limit = 1;
	struct call call;
	call_run(fixture, &call, query);
	assert_true(call.ok);
	assert_int_equal(call.result.rows, 1);
	assert_int_equal(call.result.total, 2);
	call_finish(&call);
}

static void test_large_lists_are_handed_out_in_parts(void **state)
{
	struct fixture *fixture = *state;
	fixture_open_maria(fixture);
	insert_users(fixture, 20000);
	struct query *query = test_list(fixture, "users");
	query->total = true;
	struct call call;
	call_init(&call, query);
	call.pause_after = 2;
	call_start(fixture, &call);
	while (!call.paused) {
		uv_run(loop_uv(fixture->loop), UV_RUN_ONCE);
	}
	assert_int_equal(call.parts, 2);
	/* It waits, and the loop sleeps meanwhile. */
	for (int i = 0; i < 5; i++) {
		uv_run(loop_uv(fixture->loop), UV_RUN_ONCE);
	}
	assert_int_equal(call.parts, 2);
	assert_false(call.done);
	call.paused = false;
	store_resume(&call.request);
	call_wait(fixture, &call);
	assert_true(call.ok);
	assert_true(call.result.streamed);
	assert_int_equal(call.result.rows, 20000);
	assert_int_equal(call.result.total, 20000);
	assert_true(call.parts > 10);
	assert_true(str_ends_with(buf_str(&call.streamed), STR("\"ok\":false}]")));
	call_finish(&call);
}

static void test_a_stream_is_given_up(void **state)
{
	struct fixture *fixture = *state;
	fixture_open_maria(fixture);
	insert_users(fixture, 20000);
	struct call call;
	call_init(&call, test_list(fixture, "users"));
	call.pause_after = 1;
	call_start(fixture, &call);
	while (!call.paused) {
		uv_run(loop_uv(fixture->loop), UV_RUN_ONCE);
	}
	store_cancel(&call.request);
	call_wait(fixture, &call);
	assert_false(call.ok);
	assert_int_equal(call.error.code, ERROR_OVERLOADED);
	call_finish(&call);
	struct query *query = test_list(fixture, "users");
	query->limit = 0;
	assert_text(run_ok(fixture, query), "[]");
}

/* More requests than connections. */
static void test_requests_wait_their_turn(void **state)
{
	enum { CALLS = 50 };
	struct fixture *fixture = *state;
	fixture->limits.database_connections = 3;
	fixture->limits.database_queue = CALLS - 4;
	fixture_open_maria(fixture);
	insert_users(fixture, 100);
	struct call calls[CALLS];
	size_t refused = 0;
	uv_update_time(loop_uv(fixture->loop));
	for (size_t i = 0; i < CALLS; i++) {
		call_init(&calls[i], test_list(fixture, "users"));
		call_start(fixture, &calls[i]);
	}
	for (size_t i = 0; i < CALLS; i++) {
		call_wait(fixture, &calls[i]);
		refused += !calls[i].ok;
		assert_true(calls[i].ok || calls[i].error.code == ERROR_OVERLOADED);
		assert_true(!calls[i].ok || calls[i].result.rows == 100);
		call_finish(&calls[i]);
	}
	assert_int_equal(refused, 1);
	assert_string_equal(
		maria_test_run(&fixture->maria,
					   "SELECT COUNT(*) FROM information_schema.processlist WHERE db=DATABASE()"),
		"4"); /* and the one that asks */
}

/* ---- what goes wrong ---- */

static void sleep_long(struct script *script, struct maria_conn *conn)
{
	assert_null(execute(script, conn, "SELECT COUNT(*) FROM seq_1_to_100000 a,seq_1_to_100000 b"));
	assert_true(conn->timed_out);
	assert_int_equal(conn->state, MARIA_BROKEN);
}

static void do_nothing(struct script *script, struct maria_conn *conn)
{
	(void)script;
	(void)conn;
}

static void test_deadlines(void **state)
{
	struct fixture *fixture = *state;
	fixture_open_maria(fixture);
	assert_int_equal(in_fiber(fixture, 200, sleep_long).code, ERROR_DEADLINE_NOT_WRITTEN);
	assert_int_equal(in_fiber(fixture, 5000, do_nothing).code, ERROR_NONE);
	/* The server does not go on with it. */
	bool runs = true;
	for (int i = 0; i < 40 && runs; i++) {
		uv_run(loop_uv(fixture->loop), UV_RUN_ONCE);
		runs = strcmp(maria_test_run(&fixture->maria,
									 "SELECT COUNT(*) FROM information_schema.processlist "
									 "WHERE db=DATABASE() AND info LIKE '%100000 b'"),
					  "0") != 0;
	}
	assert_false(runs);
}

static void write_and_lose(struct script *script, struct maria_conn *conn)
{
	assert_null(
		execute(script, conn, "INSERT INTO users(name) SELECT CONCAT('x',SLEEP(1)) FROM DUAL"));
}

static void test_what_may_have_been_written_is_said(void **state)
{
	struct fixture *fixture = *state;
	fixture_open_maria(fixture);
	assert_int_equal(in_fiber(fixture, 200, write_and_lose).code, ERROR_DEADLINE_UNKNOWN);
}

/* Each on a connection of its own. */
static void run_at_once(struct fixture *fixture, size_t count)
{
	struct call calls[8];
	assert_in_range(count, 1, sizeof(calls) / sizeof(calls[0]));
	for (size_t i = 0; i < count; i++) {
		call_init(&calls[i], test_list(fixture, "users"));
		call_start(fixture, &calls[i]);
	}
	for (size_t i = 0; i < count; i++) {
		call_wait(fixture, &calls[i]);
		assert_true(calls[i].ok);
		call_finish(&calls[i]);
	}
}

/* Connections that were hung up on are noticed, or a read is begun again, however many idle ones
 * it meets. */
static void test_connections_that_are_killed(void **state)
{
	struct fixture *fixture = *state;
	fixture->limits.database_connections = 8;
	fixture_open_maria(fixture);
	insert_users(fixture, 1);
	for (int turns = 0; turns < 2; turns++) {
		run_at_once(fixture, 8);
		while (session_of(fixture)->making > 0) {
			uv_run(loop_uv(fixture->loop), UV_RUN_ONCE);
		}
		maria_test_run(&fixture->maria,
					   "BEGIN NOT ATOMIC FOR r IN (SELECT id FROM information_schema.processlist "
					   "WHERE db=DATABASE() AND id<>CONNECTION_ID()) DO "
					   "KILL r.id; END FOR; END");
		if (turns == 1) {
			uv_run(loop_uv(fixture->loop), UV_RUN_NOWAIT);
		}
		run_at_once(fixture, 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_values_are_bound_as_their_types, setup,
										fixture_teardown),
		cmocka_unit_test_setup_teardown(test_statements_are_kept, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_cursors, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_long_texts_and_rows_that_are_left, setup,
										fixture_teardown),
		cmocka_unit_test_setup_teardown(test_failures_are_named_as_in_the_model, setup,
										fixture_teardown),
		cmocka_unit_test_setup_teardown(test_lists, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_large_lists_are_handed_out_in_parts, setup,
										fixture_teardown),
		cmocka_unit_test_setup_teardown(test_a_stream_is_given_up, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_requests_wait_their_turn, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_deadlines, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_what_may_have_been_written_is_said, setup,
										fixture_teardown),
		cmocka_unit_test_setup_teardown(test_connections_that_are_killed, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_columns_are_read_as_their_types, setup,
										fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
