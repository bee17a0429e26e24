#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "store/maria_script.h"

#define L __LINE__

/* Statements with their offsets in front. */
static const struct row {
	int line;
	const char *text;
	const char *want;
} rows[] = {
	{L, "", ""},
	{L, " \n-- a;\n# b;\n/* c; */", ""},
	{L, ";;\n;", ""},
	{L, "A", "0[A]"},
	{L, "A;", "0[A]"},
	{L, "A ;\n B\n;", "0[A]5[B]"},
	{L, "-- a\nA;", "5[A]"},
	{L, "--a\nA;", "0[--a\nA]"},
	{L, "--", ""},
	{L, "A -- b;\n;B", "0[A -- b;]9[B]"},
	{L, "A # b;\nC;", "0[A # b;\nC]"},
	{L, "A /* ; */ B;C", "0[A /* ; */ B]12[C]"},
	{L, "/*! A */;B", "0[/*! A */]9[B]"},
	{L, "/*M! A */;B", "0[/*M! A */]10[B]"},
	{L, "A ';' ;B", "0[A ';']7[B]"},
	{L, "A ''';';B", "0[A ''';']8[B]"},
	{L, "A '\\';';B", "0[A '\\';']8[B]"},
	{L, "A \";\";B", "0[A \";\"]6[B]"},
	{L, "A `\\`;B", "0[A `\\`]6[B]"},
	{L, "A ';B", "0[A ';B]"},
	{L, "A '\\", "0[A '\\]"},
	{L, "A /* ;B", "0[A /* ;B]"},
	{L, "DELIMITER ;;\nA; B;;\nDELIMITER ;\nC;D", "13[A; B]32[C]34[D]"},
	{L, "delimiter $$\r\nA;$$\r\nDELIMITER ;\r\nB;", "14[A;]33[B]"},
	{L, "DELIMITER", "0[DELIMITER]"},
	{L, "DELIMITERS x;", "0[DELIMITERS x]"},
	{L, "DELIMITER \nA;B", "11[A]13[B]"},
	{L, "A DELIMITER x;B", "0[A DELIMITER x]14[B]"},
};

static void test_statements(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str text = str_from(rows[i].text);
		struct maria_script script = {.text = text};
		struct str statement;
		struct buf got;
		size_t count = 0;
		buf_init(&got, 4096);
		while (maria_script_next(&script, &statement)) {
			buf_printf(&got, "%zu[%.*s]", (size_t)(statement.ptr - text.ptr), STR_ARG(statement));
			count++;
		}
		if (!str_equal(buf_str(&got), str_from(rows[i].want))) {
			fail_msg("line %d: %.*s", rows[i].line, STR_ARG(buf_str(&got)));
		}
		assert_int_equal(count, maria_script_count(text));
		buf_finish(&got);
	}
}

static const struct same_row {
	int line;
	const char *a;
	const char *b;
	bool want;
} same_rows[] = {
	{L, "", " \n", true},
	{L, "(`a`,`b`)", "( `a` , `b` )", true},
	{L, "A 'b c'", "A  'b c'", true},
	{L, "A 'b c'", "A 'b  c'", false},
	{L, "`a b`", "`ab`", false},
	{L, "A", "AB", false},
	{L, "A", "", false},
};

static void test_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(same_rows) / sizeof(same_rows[0]); i++) {
		struct str a = str_from(same_rows[i].a);
		struct str b = str_from(same_rows[i].b);
		if (maria_script_same(a, b) != same_rows[i].want ||
			maria_script_same(b, a) != same_rows[i].want) {
			fail_msg("line %d", same_rows[i].line);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_statements),
		cmocka_unit_test(test_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
