#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static int sign(int n)
{
	return (n > 0) - (n < 0);
}

static const struct compare_row {
	int line;
	struct str a;
	struct str b;
	int order;
	bool equal_nocase;
	size_t distance;
} compare_rows[] = {
	{__LINE__, {NULL, 0}, STR_INIT(""), 0, true, 0},
	{__LINE__, STR_INIT(""), STR_INIT("a"), -1, false, 1},
	{__LINE__, STR_INIT("a"), STR_INIT("a"), 0, true, 0},
	{__LINE__, STR_INIT("a"), STR_INIT("A"), 1, true, 1},
	{__LINE__, STR_INIT("Az[@"), STR_INIT("aZ[@"), -1, true, 2},
	{__LINE__, STR_INIT("["), STR_INIT("{"), -1, false, 1},
	{__LINE__, STR_INIT("@"), STR_INIT("`"), -1, false, 1},
	{__LINE__, STR_INIT("ab"), STR_INIT("abc"), -1, false, 1},
	{__LINE__, STR_INIT("b"), STR_INIT("abc"), 1, false, 2},
	{__LINE__, STR_INIT("a\0b"), STR_INIT("a\0c"), -1, false, 1},
	{__LINE__, STR_INIT("\xc3\xa4"), STR_INIT("z"), 1, false, 2},
	{__LINE__, STR_INIT("\xef\xbd\x81"), STR_INIT("\xf0\x9f\x98\x80"), -1, false, 4},
	{__LINE__, STR_INIT("kitten"), STR_INIT("sitting"), -1, false, 3},
	{__LINE__, STR_INIT("read_ms"), STR_INIT("raed_ms"), 1, false, 2},
};

static void test_compare(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(compare_rows) / sizeof(compare_rows[0]); i++) {
		const struct compare_row *row = &compare_rows[i];
		if (sign(str_compare(row->a, row->b)) != row->order ||
			sign(str_compare(row->b, row->a)) != -row->order ||
			str_equal(row->a, row->b) != (row->order == 0) ||
			str_equal_nocase(row->a, row->b) != row->equal_nocase ||
			str_distance(row->a, row->b) != row->distance ||
			str_distance(row->b, row->a) != row->distance) {
			fail_msg("row of line %d", row->line);
		}
	}
}

static void test_distance_is_cut(void **state)
{
	char a[200];
	char b[200];
	(void)state;
	memset(a, 'a', sizeof(a));
	memset(b, 'b', sizeof(b));
	assert_int_equal(str_distance((struct str){a, 200}, (struct str){b, 64}), 64);
	assert_int_equal(str_distance((struct str){a, 200}, (struct str){a, 64}), 0);
	assert_int_equal(str_distance((struct str){a, 63}, (struct str){a, 200}), 1);
}

static void test_parts(void **state)
{
	(void)state;
	struct str s = STR("abcabc");
	assert_true(str_starts_with(s, STR("abc")));
	assert_true(str_starts_with(s, STR("")));
	assert_false(str_starts_with(s, STR("b")));
	assert_false(str_starts_with(s, STR("abcabcd")));
	assert_true(str_ends_with(s, STR("bc")));
	assert_true(str_ends_with(s, STR("")));
	assert_false(str_ends_with(s, STR("b")));
	assert_false(str_ends_with(s, STR("xabcabc")));
	assert_int_equal(str_find(s, 'a', 0), 0);
	assert_int_equal(str_find(s, 'a', 1), 3);
	assert_int_equal(str_find(s, 'x', 0), 6);
	assert_int_equal(str_find(s, 'a', 6), 6);
	assert_int_equal(str_find(s, 'a', 7), 6);
	assert_int_equal(str_find((struct str){NULL, 0}, 'a', 0), 0);
	assert_true(str_equal(str_slice(s, 1, 3), STR("bc")));
	assert_true(str_equal(str_slice(s, 4, 99), STR("bc")));
	assert_int_equal(str_slice(s, 3, 1).len, 0);
	assert_int_equal(str_slice(s, 99, SIZE_MAX).len, 0);
	assert_int_equal(str_slice((struct str){NULL, 0}, 1, 2).len, 0);
	assert_true(str_equal(str_from("abcabc"), s));
	assert_int_equal(str_from(NULL).len, 0);
	assert_true(str_equal(str_trim(STR(" \t a b\t ")), STR("a b")));
	assert_true(str_equal(str_trim(STR(" \t ")), STR("")));
	assert_true(str_equal(str_trim(STR("\na")), STR("\na")));
}

static void test_split(void **state)
{
	(void)state;
	struct str rest = STR("a,,bc,");
	assert_true(str_equal(str_split(&rest, ','), STR("a")));
	assert_true(str_equal(str_split(&rest, ','), STR("")));
	assert_true(str_equal(str_split(&rest, ','), STR("bc")));
	assert_int_equal(rest.len, 0);
	assert_true(str_equal(str_split(&rest, ','), STR("")));
	rest = STR("whole");
	assert_true(str_equal(str_split(&rest, ','), STR("whole")));
	assert_int_equal(rest.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_distance_is_cut),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_split),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
