#include "codec/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct decode_row {
	int line;
	struct str text;
	const char *segment; /* NULL: refused */
	const char *query;
} decode_rows[] = {
	{__LINE__, {NULL, 0}, "", ""},
	{__LINE__, STR_INIT(""), "", ""},
	{__LINE__, STR_INIT("plain"), "plain", "plain"},
	{__LINE__, STR_INIT("a+b"), "a+b", "a b"},
	{__LINE__, STR_INIT("%2B+%2b"), "+++", "+ +"},
	{__LINE__, STR_INIT("a%20b"), "a b", "a b"},
	{__LINE__, STR_INIT("%41%5a%7A"), "AZz", "AZz"},
	{__LINE__, STR_INIT("%25%32%35"), "%25", "%25"},
	{__LINE__, STR_INIT("%2F%3f%26"), "/?&", "/?&"},
	{__LINE__, STR_INIT("%C3%A4"), "\xc3\xa4", "\xc3\xa4"},
	{__LINE__, STR_INIT("\xc3%A4"), "\xc3\xa4", "\xc3\xa4"},
	{__LINE__, STR_INIT("\xc3\xa4"), "\xc3\xa4", "\xc3\xa4"},
	{__LINE__, STR_INIT("%F0%9F%98%80"), "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
	{__LINE__, STR_INIT("%01%7f"), "\x01\x7f", "\x01\x7f"},
	{__LINE__, STR_INIT("%"), NULL, NULL},
	{__LINE__, STR_INIT("%4"), NULL, NULL},
	{__LINE__, STR_INIT("abc%"), NULL, NULL},
	{__LINE__, STR_INIT("abc%4"), NULL, NULL},
	{__LINE__, STR_INIT("%4g"), NULL, NULL},
	{__LINE__, STR_INIT("%g4"), NULL, NULL},
	{__LINE__, STR_INIT("%-1"), NULL, NULL},
	{__LINE__, STR_INIT("%%41"), NULL, NULL},
	{__LINE__, STR_INIT("%u0041"), NULL, NULL},
	{__LINE__, STR_INIT("%00"), NULL, NULL},
	{__LINE__, STR_INIT("a%00b"), NULL, NULL},
	{__LINE__, STR_INIT("a\0b"), NULL, NULL},
	{__LINE__, STR_INIT("%80"), NULL, NULL},
	{__LINE__, STR_INIT("%C3"), NULL, NULL},
	{__LINE__, STR_INIT("\xe4"), NULL, NULL},
	{__LINE__, STR_INIT("%C0%80"), NULL, NULL},
	{__LINE__, STR_INIT("%ED%A0%80"), NULL, NULL},
	{__LINE__, STR_INIT("%F4%90%80%80"), NULL, NULL},
};

static void check_decoded(int line, bool good, struct str got, const char *want)
{
	if (good != (want != NULL)) {
		fail_msg("row of line %d: %s", line, good ? "accepted" : "refused");
	}
	if (good && !str_equal(got, str_from(want))) {
		fail_msg("row of line %d: %.*s", line, STR_ARG(got));
	}
}

static void test_decode(void **state)
{
	(void)state;
	struct arena arena;
	arena_init(&arena, 1024);
	for (size_t i = 0; i < sizeof(decode_rows) / sizeof(decode_rows[0]); i++) {
		const struct decode_row *row = &decode_rows[i];
		struct str got = {NULL, 0};
		bool good = url_decode_segment(row->text, &arena, &got);
		check_decoded(row->line, good, got, row->segment);
		good = url_decode_query(row->text, &arena, &got);
		check_decoded(row->line, good, got, row->query);
	}
	/* What needs no decoding is not copied. */
	struct str text = STR("a+b");
	struct str got;
	assert_true(url_decode_segment(text, &arena, &got));
	assert_ptr_equal(got.ptr, text.ptr);
	assert_true(url_decode_query(text, &arena, &got));
	assert_ptr_not_equal(got.ptr, text.ptr);
	arena_finish(&arena);
}

static void test_pairs(void **state)
{
	static const struct {
		int line;
		const char *text;
		const char *want; /* name>value; or name; */
	} rows[] = {
		{__LINE__, "", ""},
		{__LINE__, "&&&", ""},
		{__LINE__, "a=1", "a>1;"},
		{__LINE__, "a=1&b=2", "a>1;b>2;"},
		{__LINE__, "&a=1&&b=2&", "a>1;b>2;"},
		{__LINE__, "a", "a;"},
		{__LINE__, "a=", "a>;"},
		{__LINE__, "=1", ">1;"},
		{__LINE__, "=", ">;"},
		{__LINE__, "a=b=c", "a>b=c;"},
		{__LINE__, "a;b=1", "a;b>1;"},
		{__LINE__, "a%3D=%26", "a%3D>%26;"},
		{__LINE__, "a=1&a=2", "a>1;a>2;"},
	};
	(void)state;
	struct buf buf;
	buf_init(&buf, 1000);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str rest = str_from(rows[i].text);
		struct str name;
		struct str value;
		bool has_value;
		buf_clear(&buf);
		while (url_next_pair(&rest, &name, &value, &has_value)) {
			assert_true(has_value || value.len == 0);
			buf_append(&buf, name);
			buf_append(&buf, has_value ? STR(">") : STR(""));
			buf_append(&buf, value);
			buf_append(&buf, STR(";"));
		}
		if (!str_equal(buf_str(&buf), str_from(rows[i].want))) {
			fail_msg("row of line %d: %.*s", rows[i].line, STR_ARG(buf_str(&buf)));
		}
	}
	buf_finish(&buf);
}

static void test_encode(void **state)
{
	static const char *const rows[][2] = {
		{"", ""},
		{"AZaz09-._~", "AZaz09-._~"},
		{"a b+c", "a%20b%2Bc"},
		{"/?#[]@!$&'()*,;=:%", "%2F%3F%23%5B%5D%40%21%24%26%27%28%29%2A%2C%3B%3D%3A%25"},
		{"\xc3\xa4\n", "%C3%A4%0A"},
	};
	(void)state;
	struct buf buf;
	struct arena arena;
	struct str decoded;
	buf_init(&buf, 1000);
	arena_init(&arena, 1024);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_clear(&buf);
		url_encode(&buf, str_from(rows[i][0]));
		assert_true(str_equal(buf_str(&buf), str_from(rows[i][1])));
		assert_true(url_decode_segment(buf_str(&buf), &arena, &decoded));
		assert_true(str_equal(decoded, str_from(rows[i][0])));
		assert_true(url_decode_query(buf_str(&buf), &arena, &decoded));
		assert_true(str_equal(decoded, str_from(rows[i][0])));
	}
	arena_finish(&arena);
	buf_finish(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_encode),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
