/* Which tables take many rows in one statement; what the rows do, the contract test says. */
#include "store/sqlite_many.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "store/sqlite_priv.h"
#include "store/store_test_help.h"

#define L __LINE__

static const struct {
	int line;
	const char *make; /* the table t */
	bool can;
} rows[] = {
	{L, "CREATE TABLE t (a)", true},
	{L, "CREATE TABLE t (a INTEGER NOT NULL UNIQUE CHECK (a > 0)) STRICT", true},
	{L, "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT) WITHOUT ROWID", true},
	{L, "CREATE TABLE t (a UNIQUE ON CONFLICT IGNORE)", false},
	{L, "CREATE TABLE t (a NOT NULL ON CONFLICT REPLACE DEFAULT 1)", false},
	{L, "CREATE TABLE t (a); CREATE TRIGGER r AFTER INSERT ON T BEGIN SELECT 1; END", false},
	{L, "CREATE TABLE t (a, b); CREATE TRIGGER r BEFORE UPDATE OF a ON t BEGIN SELECT 1; END",
	 false},
	{L,
	 "CREATE TABLE u (a); CREATE TRIGGER r AFTER INSERT ON u BEGIN SELECT 1; END;"
	 "CREATE TABLE t (a)",
	 true},
	{L, "CREATE TABLE u (a UNIQUE); CREATE TABLE t (a REFERENCES u (a))", false},
	{L, "CREATE TABLE t (a UNIQUE); CREATE TABLE u (a REFERENCES T (a))", false},
	{L, "CREATE TABLE u (a); CREATE VIEW t AS SELECT a FROM u", false},
	{L, "CREATE VIRTUAL TABLE t USING fts5 (a)", false},
};

static const char service[] = "service: many\n"
							  "listen: 127.0.0.1:0\n"
							  "store: \"memory:\"\n"
							  "resources: { other: { key: id, fields: { id: integer } } }\n";

static void test_tables(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture fixture;
		struct error error = {0};
		const struct resource resource = {.name = STR_INIT("t")};
		const struct query query = {.action = QUERY_INSERT, .resource = &resource};
		fixture_init(&fixture, service);
		fixture_open(&fixture, "sqlite:");
		struct sqlite_conn *conn = &((struct sqlite_store *)fixture.store)->writer.conn;
		if (!sqlite_conn_exec(conn, rows[i].make, &error)) {
			fail_msg("line %d: %s", rows[i].line, error.details);
		}
		if (sqlite_many_can(conn, &query) != rows[i].can) {
			fail_msg("line %d: not %d", rows[i].line, rows[i].can);
		}
		fixture_finish(&fixture);
	}
}

/* No table of the file may be taken for the rows of a write, and no view of it may read them. */
static void test_others_cannot_read(void **state)
{
	(void)state;
	struct fixture fixture;
	struct error error = {0};
	fixture_init(&fixture, service);
	fixture_open(&fixture, "sqlite:");
	struct sqlite_conn *conn = &((struct sqlite_store *)fixture.store)->writer.conn;
	assert_true(sqlite_conn_exec(conn, "CREATE VIEW v AS SELECT c0 FROM _rl_rows", &error));
	assert_false(sqlite_conn_exec(conn, "SELECT * FROM v", &error));
	fixture_finish(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_others_cannot_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
