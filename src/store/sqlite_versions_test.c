/* A write to a row changes the version of every read that finds it, however its key is kept. */
#include "store/sqlite_versions.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define L __LINE__
#define INT(n)                                                                                     \
	{                                                                                              \
		.kind = VALUE_INTEGER, .integer = (n)                                                      \
	}
#define NUMBER(n)                                                                                  \
	{                                                                                              \
		.kind = VALUE_NUMBER, .number = (n)                                                        \
	}
#define TEXT(t)                                                                                    \
	{                                                                                              \
		.kind = VALUE_TEXT, .text = STR_INIT(t)                                                    \
	}

static const struct {
	int line;
	const char *columns; /* of the table */
	enum type type;
	struct value pin; /* what the read asks for */
	const char *write;
	bool moved;
} rows[] = {
	{L, "k INTEGER PRIMARY KEY, v ANY) STRICT", TYPE_INTEGER, INT(7), "INSERT INTO t(k) VALUES(7)",
	 true},
	{L, "k INTEGER PRIMARY KEY, v ANY) STRICT", TYPE_INTEGER, INT(7), "INSERT INTO t(k) VALUES(8)",
	 false},
	{L, "k TEXT PRIMARY KEY, v ANY) STRICT, WITHOUT ROWID", TYPE_TEXT, TEXT("a"),
	 "INSERT INTO t(k) VALUES('a')", true},
	{L, "k TEXT PRIMARY KEY, v ANY) STRICT, WITHOUT ROWID", TYPE_TEXT, TEXT("a"),
	 "INSERT INTO t(k) VALUES('b')", false},
	/* Other bytes that are equal. */
	{L, "k TEXT PRIMARY KEY COLLATE NOCASE, v ANY) STRICT", TYPE_TEXT, TEXT("A"),
	 "INSERT INTO t(k) VALUES('a')", true},
	{L, "k TEXT COLLATE NOCASE, v ANY, PRIMARY KEY(k COLLATE BINARY)) STRICT", TYPE_TEXT, TEXT("A"),
	 "INSERT INTO t(k) VALUES('a')", true},
	{L, "k REAL PRIMARY KEY, v ANY) STRICT", TYPE_NUMBER, NUMBER(2), "INSERT INTO t(k) VALUES(2)",
	 true},
	{L, "k REAL PRIMARY KEY, v ANY) STRICT", TYPE_NUMBER, NUMBER(0),
	 "INSERT INTO t(k) VALUES(-0.0)", true},
	{L, "k ANY PRIMARY KEY, v ANY) STRICT", TYPE_INTEGER, INT(2), "INSERT INTO t(k) VALUES(2.0)",
	 true},
	{L, "k PRIMARY KEY, v)", TYPE_INTEGER, INT(2), "INSERT INTO t(k) VALUES(2.0)", true},
	/* A column that is computed stands before the key. */
	{L, "g TEXT AS (v||'x'), v TEXT, k INTEGER, m INTEGER, PRIMARY KEY(k, m)) STRICT", TYPE_INTEGER,
	 INT(7), "INSERT INTO t(k,m) VALUES(7,1)", true},
	{L, "v ANY) STRICT", TYPE_INTEGER, INT(7), "INSERT INTO t VALUES(7)", true},
};

static void run(sqlite3 *db, const char *text)
{
	char *message = NULL;
	if (sqlite3_exec(db, text, NULL, NULL, &message) != SQLITE_OK) {
		fail_msg("%s: %s", text, message);
	}
}

static void test_versions(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct field field = {.name = STR_INIT("k"), .type = rows[i].type, .key = true};
		const struct field *key[] = {&field};
		struct resource resource = {.name = STR_INIT("t"), .key = {key, 1}};
		struct cond where = {
			.kind = COND_COMPARE,
			.field = &field,
			.type = &field,
			.op = OPERATOR_EQ,
			.operand = {.value = rows[i].pin, .parameter = -1},
		};
		struct query query = {.action = QUERY_LIST, .resource = &resource, .where = &where};
		struct sqlite_versions versions;
		uint64_t before;
		uint64_t under;
		uint64_t after;
		sqlite3 *db;
		assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
		char *text = sqlite3_mprintf("CREATE TABLE t(%s", rows[i].columns);
		run(db, text);
		sqlite3_free(text);
		sqlite_versions_init(&versions, db);
		assert_true(sqlite_versions_of(&versions, &query, &before));
		run(db, rows[i].write);
		sqlite_versions_begin(&versions);
		bool settled = sqlite_versions_of(&versions, &query, &under);
		sqlite_versions_end(&versions);
		assert_true(sqlite_versions_of(&versions, &query, &after));
		if (settled == rows[i].moved || (before != after) != rows[i].moved) {
			fail_msg("line %d: settled %d, changed %d", rows[i].line, settled, before != after);
		}
		assert_int_equal(sqlite3_close(db), SQLITE_OK);
		sqlite_versions_finish(&versions);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
