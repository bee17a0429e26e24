#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>

static void assert_text(const struct buf *buf, const char *want)
{
	assert_int_equal(buf->len, strlen(want));
	if (buf->len > 0) {
		assert_memory_equal(buf->ptr, want, buf->len);
	}
}

static void test_append(void **state)
{
	struct buf buf;
	(void)state;
	buf_init(&buf, 1000);
	buf_append(&buf, (struct str){NULL, 0});
	assert_null(buf.ptr);
	buf_append(&buf, STR("abc"));
	buf_append_byte(&buf, '-');
	buf_printf(&buf, "%d%s", 42, "x");
	char *room = buf_reserve(&buf, 10);
	assert_non_null(room);
	memcpy(room, "yz", 2);
	buf_added(&buf, 2);
	assert_text(&buf, "abc-42xyz");
	buf_consume(&buf, 4);
	assert_text(&buf, "42xyz");
	buf_consume(&buf, 5);
	assert_text(&buf, "");
	buf_consume(&buf, 0);
	buf_clear(&buf);
	assert_text(&buf, "");
	assert_false(buf.failed);
	buf_finish(&buf);
	buf_finish(&buf);
	buf_finish(NULL);
}

static void test_empty_reserve_is_a_pointer(void **state)
{
	struct buf buf;
	(void)state;
	buf_init(&buf, 0);
	assert_non_null(buf_reserve(&buf, 0));
	assert_false(buf.failed);
	assert_null(buf_reserve(&buf, 1));
	assert_true(buf.failed);
	assert_null(buf_reserve(&buf, 0));
	buf_finish(&buf);
}

/* Each way to append: at the maximum it works, one above it fails, and the failure sticks. */
static void test_maximum(void **state)
{
	enum { MOST = 3000 };
	(void)state;
	for (int way = 0; way < 4; way++) {
		for (int above = 0; above < 2; above++) {
			struct buf buf;
			buf_init(&buf, MOST);
			for (int i = 0; i < MOST - 5 + above; i++) {
				buf_append_byte(&buf, 'x');
			}
			switch (way) {
			case 0:
				buf_append(&buf, STR("12345"));
				break;
			case 1:
				buf_append_uint(&buf, 12345);
				break;
			case 2:
				buf_printf(&buf, "%d", 12345);
				break;
			default:
				if (buf_reserve(&buf, 5) != NULL) {
					memcpy(buf.ptr + buf.len, "12345", 5);
					buf_added(&buf, 5);
				}
				break;
			}
			assert_int_equal(buf.failed, above);
			assert_int_equal(buf.len, above ? MOST - 4 : MOST);
			assert_true(buf.capacity <= MOST);
			/* What would fit is not appended behind a gap. */
			buf_append_byte(&buf, 'y');
			assert_true(buf.failed);
			assert_int_equal(buf.len, above ? MOST - 4 : MOST);
			buf_consume(&buf, 100);
			buf_append_byte(&buf, 'y');
			assert_int_equal(buf.len, above ? MOST - 104 : MOST - 100);
			buf_clear(&buf);
			buf_append(&buf, STR("again"));
			assert_text(&buf, "again");
			assert_false(buf.failed);
			buf_finish(&buf);
		}
	}
}

static void test_long_printf(void **state)
{
	struct buf buf;
	(void)state;
	buf_init(&buf, 10000);
	for (int width = 250; width < 260; width++) {
		buf_clear(&buf);
		buf_printf(&buf, "%*d", width, 1);
		assert_int_equal(buf.len, width);
		assert_int_equal(buf.ptr[width - 1], '1');
	}
	buf_finish(&buf);
}

static void assert_number(int64_t n)
{
	char want[32];
	struct buf buf;
	buf_init(&buf, 100);
	(void)snprintf(want, sizeof(want), "%" PRId64, n);
	buf_append_int(&buf, n);
	assert_text(&buf, want);
	buf_clear(&buf);
	(void)snprintf(want, sizeof(want), "%" PRIu64, (uint64_t)n);
	buf_append_uint(&buf, (uint64_t)n);
	assert_text(&buf, want);
	buf_finish(&buf);
}

static void test_numbers(void **state)
{
	(void)state;
	for (int64_t n = -1100; n <= 1100; n++) {
		assert_number(n);
	}
	for (int64_t n = 1; n <= INT64_MAX / 10; n *= 10) {
		assert_number(n - 1);
		assert_number(n);
		assert_number(n + 1);
		assert_number(-n);
		assert_number(n * 7);
	}
	assert_number(INT64_MAX);
	assert_number(INT64_MIN);
	assert_number(INT64_MIN + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_append),  cmocka_unit_test(test_empty_reserve_is_a_pointer),
		cmocka_unit_test(test_maximum), cmocka_unit_test(test_long_printf),
		cmocka_unit_test(test_numbers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
