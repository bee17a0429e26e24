#include "store/search_notes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 300, MANY = 100000 };

/* What is settled, as `1-3 7 :2=text`. */
static void show(struct search_notes *notes, struct buf *buf)
{
	search_notes_settle(notes);
	for (size_t i = 0; i < notes->run_count; i++) {
		buf_append_int(buf, notes->runs[i].first);
		if (notes->runs[i].first != notes->runs[i].last) {
			buf_append_byte(buf, '-');
			buf_append_int(buf, notes->runs[i].last);
		}
		buf_append_byte(buf, ' ');
	}
	for (size_t i = 0; i < notes->old_count; i++) {
		const struct search_old *old = &notes->olds[i];
		buf_printf(buf, ":%lld=%.*s", (long long)old->row,
				   STR_ARG(str_slice(buf_str(&notes->texts), old->at, old->at + old->len)));
		buf_append(buf, old->is_null ? STR("null") : STR(""));
	}
}

/* Numbers are added; `-` before one: it has an old text, which is the number; `!`: it is known. */
static const struct {
	int line;
	const char *added;
	const char *want;
} rows[] = {
	{__LINE__, "", ""},
	{__LINE__, "1 2 3", "1-3 "},
	{__LINE__, "1 3 2", "1-3 "},
	{__LINE__, "3 2 1", "1-3 "},
	{__LINE__, "1 2 !2 !1 4 !2 9", "1-2 4 9 "},
	{__LINE__, "9 1 !1 !9 2 7", "1-2 7 9 "},
	{__LINE__, "=5 =3 6 !3 !5", "3 5-6 :3=3:5=5"},
	{__LINE__, "9223372036854775807 !9223372036854775807 5", "5 9223372036854775807 "},
	{__LINE__, "5 0 !0 7 -1 !0", "-1-0 5 7 "},
	{__LINE__, "=0 !0 =-4 !-4 !0", "-4 0 :-4=-4:0=0"},
};

static void test_rows(void **state)
{
	(void)state;
	struct search_notes notes;
	struct buf got;
	search_notes_init(&notes, 1 << 20);
	buf_init(&got, SIZE_MAX);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (const char *at = rows[i].added; *at != '\0';) {
			char mark = *at;
			char *end;
			at += mark == '!' || mark == '=' ? 1 : 0;
			int64_t row = strtoll(at, &end, 10);
			const struct str text = {at, (size_t)(end - at)};
			assert_int_equal(search_notes_add(&notes, row), mark != '!');
			if (mark == '=') {
				search_notes_old(&notes, row, &text);
			}
			at = *end == ' ' ? end + 1 : end;
		}
		buf_clear(&got);
		show(&notes, &got);
		if (!str_equal(buf_str(&got), str_from(rows[i].want))) {
			fail_msg("line %d: %.*s", rows[i].line, STR_ARG(buf_str(&got)));
		}
		search_notes_clear(&notes);
	}
	buf_finish(&got);
	search_notes_finish(&notes);
}

/* In any order, each row is new once. */
static void test_random(void **state)
{
	(void)state;
	struct search_notes notes;
	search_notes_init(&notes, 1 << 20);
	srand(11);
	for (int round = 0; round < 200; round++) {
		bool known[ROWS] = {false};
		size_t count = (size_t)rand() % (2 * ROWS);
		for (size_t i = 0; i < count; i++) {
			int row = rand() % ROWS;
			assert_int_equal(search_notes_add(&notes, row), !known[row]);
			known[row] = true;
		}
		search_notes_settle(&notes);
		int64_t before = -2;
		for (size_t i = 0; i < notes.run_count; i++) {
			assert_true(notes.runs[i].first > before + 1);
			for (int64_t row = notes.runs[i].first; row <= notes.runs[i].last; row++) {
				assert_true(known[row]);
				known[row] = false;
			}
			before = notes.runs[i].last;
		}
		for (int row = 0; row < ROWS; row++) {
			assert_false(known[row]);
		}
		search_notes_clear(&notes);
	}
	search_notes_finish(&notes);
}

/* Rows in order take nothing; others do, and texts. */
static void test_limit(void **state)
{
	(void)state;
	struct search_notes notes;
	char letters[100];
	memset(letters, 'x', sizeof(letters));
	const struct str text = {letters, sizeof(letters)};
	search_notes_init(&notes, 1000);
	for (int64_t row = 1; row <= MANY; row++) {
		assert_true(search_notes_add(&notes, row));
	}
	assert_false(notes.full);
	search_notes_clear(&notes);
	for (int64_t row = 0; row < 7; row++) {
		/* Each 148 bytes: 6 fit below 1,000, and 7 do not. */
		assert_false(notes.full);
		assert_true(search_notes_add(&notes, row * 2));
		search_notes_old(&notes, row * 2, &text);
	}
	assert_true(notes.full);
	assert_int_equal(notes.run_count + notes.old_count + notes.texts.len, 0);
	assert_false(search_notes_add(&notes, 5));
	search_notes_clear(&notes);
	assert_false(notes.full);
	assert_true(search_notes_add(&notes, 5));
	search_notes_finish(&notes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
