#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "store/sqlite_text.h"

#define L __LINE__

static const struct same_row {
	int line;
	const char *a;
	const char *b;
	bool want;
} same_rows[] = {
	{L, "", "", true},
	{L, "", " \n", true},
	{L, "a", "", false},
	{L, "\"a\" IS TRUE", "a is\ttrue", true},
	{L, "\"a\" IS TRUE", "[a] IS/**/TRUE -- so", true},
	{L, "\"a\" IS TRUE", "`A` IS TRUE /* open", true},
	{L, "\"true\" IS TRUE", "true IS TRUE", false},
	{L, "\"a\"\"b\"", "`a\"b`", true},
	{L, "\"a\"\"b\"", "[a\"b]", true},
	{L, "\"a\"\"b\"", "`a\"c`", false},
	{L, "'a'", "'A'", false},
	{L, "'a''b'", "'a''b'", true},
	{L, "'a''b'", "'a'", false},
	{L, "'a'", "a", false},
	{L, "\"a\"", "'a'", false},
	{L, "a>=1", "a >= 1", true},
	{L, "a>=1", "a>1", false},
	{L, "a=1.5", "a=1 .5", false},
	{L, "a IN (1,2)", "a IN(1 , 2)", true},
	{L, "a IN (1,2)", "a IN (1,2,3)", false},
	{L, "'a", "'a", true},
	{L, "/", "/", true},
};

static void test_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(same_rows) / sizeof(same_rows[0]); i++) {
		const struct same_row *row = &same_rows[i];
		struct str a = str_from(row->a);
		struct str b = str_from(row->b);
		if (sqlite_text_same(a, b, false) != row->want ||
			sqlite_text_same(b, a, false) != row->want) {
			fail_msg("line %d: %s, %s", row->line, row->a, row->b);
		}
	}
}

static void test_truth(void **state)
{
	(void)state;
	assert_true(sqlite_text_same(STR("a IS TRUE"), STR("a is true"), false));
	assert_false(sqlite_text_same(STR("a IS TRUE"), STR("a is true"), true));
	assert_false(sqlite_text_same(STR("a IS false"), STR("a is FALSE"), true));
	assert_true(sqlite_text_same(STR("A IS TRUE"), STR("a is TRUE"), true));
	assert_true(sqlite_text_same(STR("'true'"), STR("'true'"), true));
	assert_false(sqlite_text_same(STR("true"), STR("\"true\""), true));
}

static const struct check_row {
	int line;
	const char *sql;
	const char *name;
	const char *want;
} check_rows[] = {
	{L, "CREATE TABLE t (a)", "r", ""},
	{L, "CREATE TABLE t (a, CONSTRAINT r CHECK (a>1))", "r", "a>1"},
	{L, "CREATE TABLE t (a, CONSTRAINT r CHECK (a>1))", "s", ""},
	{L, "CREATE TABLE t (a, CONSTRAINT \"r \"\"s\" check((a) IN (')')))", "r \"s", "(a) IN (')')"},
	{L, "CREATE TABLE t (a CONSTRAINT q CHECK (a>1) CONSTRAINT r CHECK (a>2))", "r", "a>2"},
	{L, "CREATE TABLE t (a CONSTRAINT r NOT NULL, CONSTRAINT r CHECK(a>2))", "r", "a>2"},
	{L, "CREATE TABLE \"CONSTRAINT r CHECK (1)\" (a)", "r", ""},
	{L, "CREATE TABLE t (a, CONSTRAINT r CHECK", "r", ""},
	{L, "CREATE TABLE t (a, CONSTRAINT r CHECK (a", "r", ""},
	{L, "CREATE TABLE t (a, CONSTRAINT r CHECK 1", "r", ""},
	{L, "CREATE TABLE t (a, CONSTRAINT", "r", ""},
};

static void test_check(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(check_rows) / sizeof(check_rows[0]); i++) {
		const struct check_row *row = &check_rows[i];
		struct str got = sqlite_text_check(str_from(row->sql), str_from(row->name));
		if (!str_equal(got, str_from(row->want))) {
			fail_msg("line %d: %.*s", row->line, STR_ARG(got));
		}
	}
}

static const struct table_row {
	int line;
	const char *sql;
	const char *want;
} table_rows[] = {
	{L, "CREATE TABLE t (a)", "a: a; tail"},
	{L, "CREATE TABLE t(\"a \"\"b\" TEXT, [c,d] INT)STRICT",
	 "a \"b: \"a \"\"b\" TEXT; c,d: [c,d] INT; tail STRICT"},
	{L,
	 "CREATE TABLE t (\n a INT CHECK (a IN (1,2)),\n b, PRIMARY KEY (a, b), constraint c CHECK "
	 "(a<b)\n) STRICT, WITHOUT ROWID",
	 "a: a INT CHECK (a IN (1,2)); b: b; : PRIMARY KEY (a, b); : constraint c CHECK (a<b); tail "
	 "STRICT, WITHOUT ROWID"},
	{L, "CREATE TABLE t (\"unique\" TEXT, `check` TEXT DEFAULT ',)')",
	 "unique: \"unique\" TEXT; check: `check` TEXT DEFAULT ',)'; tail"},
	{L, "CREATE TABLE t AS SELECT 1", "tail"},
	{L, "CREATE TABLE t (a, b", "a: a; b: b; tail"},
};

static void test_table(void **state)
{
	(void)state;
	struct arena arena;
	struct buf got;
	arena_init(&arena, 1024);
	buf_init(&got, SIZE_MAX);
	for (size_t i = 0; i < sizeof(table_rows) / sizeof(table_rows[0]); i++) {
		const struct table_row *row = &table_rows[i];
		struct table_text table = sqlite_text_table(str_from(row->sql), &arena);
		buf_clear(&got);
		for (size_t k = 0; k < table.count; k++) {
			buf_printf(&got, "%.*s: %.*s; ", STR_ARG(table.parts[k].column),
					   STR_ARG(table.parts[k].text));
		}
		buf_printf(&got, "tail%s%.*s", table.tail.len > 0 ? " " : "", STR_ARG(table.tail));
		if (!str_equal(buf_str(&got), str_from(row->want))) {
			fail_msg("line %d: %.*s", row->line, STR_ARG(buf_str(&got)));
		}
	}
	buf_finish(&got);
	arena_finish(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_truth),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
