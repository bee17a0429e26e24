#include "api/mount.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
	int line;
	const char *mount;
	const char *path;
	const char *want; /* candidates; "" when it is not held */
} inside_rows[] = {
	{__LINE__, "/orders", "/orders", "/orders /"},
	{__LINE__, "/orders", "/orders/", "/orders/ /"},
	{__LINE__, "/orders", "/orders/5", "/5 /orders/5"},
	{__LINE__, "/orders", "/orders/orders/5", "/orders/5 /orders/orders/5"},
	{__LINE__, "/orders", "/orders/docs/", "/docs/ /orders/docs/"},
	{__LINE__, "/orders", "/orders5", ""},
	{__LINE__, "/orders", "/order", ""},
	{__LINE__, "/orders", "/", ""},
	{__LINE__, "/shop/orders", "/shop/orders/5", "/5 /orders/5"},
	{__LINE__, "/shop/orders", "/shop/orders", "/orders /"},
	{__LINE__, "/shop/orders", "/orders/5", ""},
	{__LINE__, "", "/", "/"},
	{__LINE__, "", "/orders/5", "/orders/5"},
};

static void test_inside(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(inside_rows) / sizeof(inside_rows[0]); i++) {
		struct mount mount;
		struct str paths[2];
		struct buf text;
		buf_init(&text, 1024);
		mount_init(&mount, str_from(inside_rows[i].mount));
		struct str path = str_from(inside_rows[i].path);
		size_t count = mount_holds(&mount, path) ? mount_inside(&mount, path, paths) : 0;
		for (size_t k = 0; k < count; k++) {
			buf_append(&text, k > 0 ? STR(" ") : STR(""));
			buf_append(&text, paths[k]);
		}
		if (!str_equal(buf_str(&text), str_from(inside_rows[i].want))) {
			fail_msg("line %d: %.*s", inside_rows[i].line, STR_ARG(buf_str(&text)));
		}
		buf_finish(&text);
	}
}

static const struct {
	int line;
	const char *mount;
	const char *path;
	const char *want;
} write_rows[] = {
	{__LINE__, "/orders", "/orders/5", "/orders/5"},
	{__LINE__, "/orders", "/orders?id=eq.5", "/orders?id=eq.5"},
	{__LINE__, "/orders", "/orders", "/orders"},
	{__LINE__, "/orders", "/order_lines/5", "/orders/order_lines/5"},
	{__LINE__, "/orders", "/ordersx", "/orders/ordersx"},
	{__LINE__, "/orders", "/x?a=/orders/", "/orders/x?a=/orders/"},
	{__LINE__, "/shop/orders", "/orders/5", "/shop/orders/5"},
	{__LINE__, "/shop/orders", "/shop/5", "/shop/orders/shop/5"},
	{__LINE__, "", "/orders/5", "/orders/5"},
	{__LINE__, NULL, "/orders/5", "/orders/5"},
};

static void test_write(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(write_rows) / sizeof(write_rows[0]); i++) {
		struct mount mount;
		struct buf text;
		bool mounted = write_rows[i].mount != NULL;
		buf_init(&text, 1024);
		mount_init(&mount, mounted ? str_from(write_rows[i].mount) : STR(""));
		mount_write(mounted ? &mount : NULL, str_from(write_rows[i].path), &text);
		if (!str_equal(buf_str(&text), str_from(write_rows[i].want))) {
			fail_msg("line %d: %.*s", write_rows[i].line, STR_ARG(buf_str(&text)));
		}
		buf_finish(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inside),
		cmocka_unit_test(test_write),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
