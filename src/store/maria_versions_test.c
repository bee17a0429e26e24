/* Which writes change the version of which reads, on a MariaDB server; and the table of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "store/contract_test_help.h"
#include "store/maria_versions.h"

#define L __LINE__

static const char service[] = "service: test\n"
							  "listen: 127.0.0.1:0\n"
							  "store: \"memory:\"\n"
							  "cache: memory\n"
							  "resources:\n"
							  "  users:\n"
							  "    key: id\n"
							  "    fields:\n"
							  "      id: { type: integer, default: auto }\n"
							  "      name: text\n"
							  "    unique:\n"
							  "      one name: { fields: name }\n"
							  "  ratings:\n"
							  "    key: [user_id, item_id]\n"
							  "    fields:\n"
							  "      user_id: integer\n"
							  "      item_id: integer\n"
							  "      kind: { type: integer, required: true }\n"
							  "    references:\n"
							  "      of user: { fields: user_id, to: users }\n"
							  "  counts: { tally: ratings, by: [kind] }\n"
							  "  totals: { tally: ratings, by: [user_id, kind] }\n"
							  "  words:\n"
							  "    key: word\n"
							  "    fields: { word: text, day: date }\n"
							  "  days:\n"
							  "    key: day\n"
							  "    fields: { day: date, note: text }\n";

static int setup(void **state)
{
	return fixture_setup(state, service);
}

static const struct query *query_of(struct fixture *fixture, int line, const char *request,
									const char *body)
{
	const struct contract_row row = {.line = line, .request = request, .body = body};
	struct query *query = ARENA_NEW(&fixture->arena, struct query);
	struct error error;
	if (!contract_query(fixture, &row, query, &error)) {
		fail_msg("line %d: %s: %s", line, request, error.message);
	}
	return query;
}

/* ---- what depends on what ---- */

static const struct row {
	int line;
	const char *read;
	const char *write;
	const char *body;
	bool moves;
} rows[] = {
	{L, "list users?id=eq.1", "insert users?&quiet", "{\"id\":1,\"name\":\"a\"}", true},
	{L, "list users?id=eq.1", "insert users?&quiet", "{\"id\":2,\"name\":\"b\"}", false},
	{L, "list users", "insert users?&quiet", "{\"id\":3,\"name\":\"c\"}", true},
	{L, "list users?name=eq.a", "insert users?&quiet", "{\"id\":4,\"name\":\"d\"}", true},
	{L, "list ratings", "insert users?&quiet", "{\"id\":5,\"name\":\"e\"}", false},
	/* Keys that are made. */
	{L, "list users?id=eq.6", "insert users", "{\"name\":\"f\"}", true},
	{L, "list users?id=eq.1", "insert users", "{\"name\":\"g\"}", false},
	{L, "list users?id=eq.1", "insert users", "[{\"name\":\"h\"},{\"name\":\"i\"}]", true},
	/* Rows that are met by something else than their key. */
	{L, "list users?id=eq.1", "upsert users?on_conflict=name&quiet", "{\"id\":1000,\"name\":\"z\"}",
	 true},
	{L, "list users?id=eq.1", "upsert users?&quiet", "{\"id\":2,\"name\":\"y\"}", false},
	{L, "list users?id=eq.2", "upsert users?&quiet", "{\"id\":2,\"name\":\"x\"}", true},
	/* Tallies, embedded rows, and what conditions look at. */
	{L, "list ratings?user_id=eq.1", "upsert ratings?&quiet",
	 "{\"user_id\":1,\"item_id\":1,\"kind\":1}", true},
	{L, "list ratings?user_id=eq.1", "upsert ratings?&quiet",
	 "{\"user_id\":2,\"item_id\":1,\"kind\":1}", false},
	{L, "list totals?user_id=eq.1", "upsert ratings?&quiet",
	 "{\"user_id\":1,\"item_id\":2,\"kind\":1}", true},
	{L, "list totals?user_id=eq.1", "upsert ratings?&quiet",
	 "{\"user_id\":2,\"item_id\":2,\"kind\":1}", false},
	{L, "list counts?kind=eq.1", "upsert ratings?&quiet",
	 "{\"user_id\":1,\"item_id\":2,\"kind\":2}", true},
	{L, "list counts?kind=eq.1", "insert ratings?&quiet",
	 "{\"user_id\":1,\"item_id\":3,\"kind\":2}", false},
	{L, "list users?id=eq.1&select=id,ratings(kind)", "insert ratings?&quiet",
	 "{\"user_id\":2,\"item_id\":3,\"kind\":2}", true},
	{L, "list users?id=eq.1&select=id,ratings!inner(kind)&ratings.kind=eq.9",
	 "insert ratings?&quiet", "{\"user_id\":2,\"item_id\":4,\"kind\":2}", true},
	{L, "list ratings?user_id=eq.1&select=kind,users(name)", "update users?id=eq.2&quiet",
	 "{\"name\":\"w\"}", true},
	/* What a write pins, and what it makes of it. */
	{L, "list users?id=eq.2", "update users?id=eq.1&quiet", "{\"name\":\"v\"}", false},
	{L, "list users?id=eq.1", "update users?id=eq.1&quiet", "{\"name\":\"u\"}", true},
	{L, "list users?id=eq.2", "update users?id=gt.2&quiet", "{\"name\":null}", true},
	{L, "list users?id=eq.4", "update users?name=eq.d&quiet", "{\"name\":\"t\"}", true},
	{L, "list users?id=eq.7", "update users?id=eq.4&quiet", "{\"id\":70}", false},
	{L, "list users?id=eq.70", "update users?id=eq.70&quiet", "{\"id\":71}", true},
	{L, "list users?id=eq.72", "update users?id=eq.71&quiet", "{\"id\":72}", true},
	{L, "list users?id=eq.1", "delete users?id=eq.72&quiet", NULL, false},
	{L, "list users?id=eq.1", "delete users?name=eq.none&quiet", NULL, true},
	{L, "list totals?user_id=eq.2", "delete ratings?user_id=eq.1&quiet", NULL, false},
	{L, "list totals?user_id=eq.2", "delete ratings?item_id=eq.1&quiet", NULL, true},
	/* Texts by their bytes; other types have no stripes. */
	{L, "list words?word=eq.a", "insert words?&quiet", "{\"word\":\"A\"}", false},
	{L, "list words?word=eq.a", "insert words?&quiet", "{\"word\":\"a\"}", true},
	{L, "list words?word=eq.a", "insert words?&quiet", "{\"word\":\"a \"}", false},
	{L, "list days?day=eq.2020-01-01", "insert days?&quiet", "{\"day\":\"2020-01-02\"}", true},
	/* Rows that come one by one. */
	{L, "list words?word=eq.a", "insert words?&quiet&batches", "[{\"word\":\"b\"}]", true},
};

static void run_row(struct fixture *fixture, const struct row *row)
{
	const struct query *read = query_of(fixture, row->line, row->read, NULL);
	uint64_t before = test_version(fixture, read);
	run_ok(fixture, query_of(fixture, row->line, row->write, row->body));
	uint64_t after = test_version(fixture, read);
	if ((before != after) != row->moves) {
		fail_msg("line %d: %s after %s", row->line, row->read, row->write);
	}
	/* The version of a snapshot in which nothing has changed is the same. */
	struct call call;
	call_init(&call, read);
	call.request.want_version = true;
	call_start(fixture, &call);
	call_wait(fixture, &call);
	assert_true(call.ok && call.result.has_version);
	assert_true(call.result.version == after);
	call_finish(&call);
}

static void test_dependencies(void **state)
{
	struct fixture *fixture = *state;
	fixture_open_maria(fixture);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		run_row(fixture, &rows[i]);
	}
}

/* ---- limits ---- */

static bool moves(struct fixture *fixture, size_t count)
{
	struct value *values;
	const struct query *read = query_of(fixture, L, "list users?id=eq.99999", NULL);
	struct query *query = test_write(fixture, QUERY_INSERT, "users", "id name", count, &values);
	for (size_t i = 0; i < count; i++) {
		values[2 * i] = test_integer((int64_t)(count * 1000 + i));
		values[2 * i + 1] = (struct value){.kind = VALUE_NULL};
	}
	uint64_t before = test_version(fixture, read);
	run_ok(fixture, query);
	return test_version(fixture, read) != before;
}

static void test_most_names(void **state)
{
	struct fixture *fixture = *state;
	fixture_open_maria(fixture);
	assert_false(moves(fixture, 64));
	assert_true(moves(fixture, 65));
}

/* Many at once, asked in one turn and in the next. */
struct question {
	struct store_version_request request;
	bool done;
	bool known;
	uint64_t version;
};

static void on_version(struct store_version_request *request, bool known, uint64_t version)
{
	struct question *question = (struct question *)(void *)request;
	question->done = true;
	question->known = known;
	question->version = version;
}

static void ask(struct fixture *fixture, struct question *questions, size_t count,
				const struct query *read)
{
	for (size_t i = 0; i < count; i++) {
		questions[i] = (struct question){.request = {.query = read, .done = on_version}};
		store_version_ask(fixture->session, &questions[i].request);
		if (i % 5 == 0) {
			uv_run(loop_uv(fixture->loop), UV_RUN_NOWAIT);
		}
	}
	for (size_t i = 0; i < count; i++) {
		while (!questions[i].done) {
			uv_run(loop_uv(fixture->loop), UV_RUN_ONCE);
		}
	}
}

static void test_many_questions(void **state)
{
	struct fixture *fixture = *state;
	struct question questions[300];
	fixture_open_maria(fixture);
	ask(fixture, questions, 300, query_of(fixture, L, "list users", NULL));
	for (size_t i = 0; i < 300; i++) {
		assert_true(questions[i].known);
		assert_true(questions[i].version == questions[0].version);
	}
}

/* ---- what is lost ---- */

/* Nothing is known without the rows that tell the database from others; the rest goes on. */
static void test_without_its_rows(void **state)
{
	struct fixture *fixture = *state;
	struct question question;
	fixture_open_maria(fixture);
	const struct query *read = query_of(fixture, L, "list users", NULL);
	maria_test_run(&fixture->maria, "DELETE FROM _rl_version");
	ask(fixture, &question, 1, read);
	assert_false(question.known);
	maria_test_run(&fixture->maria, "DROP TABLE _rl_version");
	ask(fixture, &question, 1, read);
	assert_false(question.known);
	assert_true(str_equal(run_ok(fixture, read), STR("[]")));
}

/* The table is made where only it is missing, with another secret; else the secret stays. */
static void test_the_secret(void **state)
{
	struct fixture *fixture = *state;
	unsigned char secrets[3][STORE_SECRET_BYTES];
	fixture_open_maria(fixture);
	assert_true(store_secret(fixture->store, secrets[0]));
	fixture_close(fixture);
	fixture_open(fixture, "mysql:");
	assert_true(store_secret(fixture->store, secrets[1]));
	assert_memory_equal(secrets[0], secrets[1], STORE_SECRET_BYTES);
	fixture_close(fixture);
	maria_test_run(&fixture->maria, "DROP TABLE _rl_version");
	fixture_open(fixture, "mysql:");
	assert_true(store_secret(fixture->store, secrets[2]));
	assert_memory_not_equal(secrets[0], secrets[2], STORE_SECRET_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_dependencies, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_most_names, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_many_questions, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_without_its_rows, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_the_secret, setup, fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
