#include "link/remote_kept.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void check(struct remote_kept *kept, const char *url, const char *etag, const char *body)
{
	const struct remote_answer *answer = remote_kept_find(kept, str_from(url));
	if (etag == NULL) {
		assert_null(answer);
		return;
	}
	assert_non_null(answer);
	assert_true(str_equal(answer->etag, str_from(etag)));
	assert_true(str_equal(answer->body, str_from(body)));
	remote_kept_give_back(kept, answer);
}

static void test_the_last_one_is_kept(void **state)
{
	struct remote_kept *kept = remote_kept_create(1 << 20);
	(void)state;
	check(kept, "a", NULL, NULL);
	remote_kept_put(kept, STR("a"), STR("\"1\""), STR("[]"));
	remote_kept_put(kept, STR("b"), STR("\"2\""), STR(""));
	check(kept, "a", "\"1\"", "[]");
	check(kept, "b", "\"2\"", "");
	remote_kept_put(kept, STR("a"), STR("\"3\""), STR("[1]"));
	check(kept, "a", "\"3\"", "[1]");
	remote_kept_destroy(kept);
}

static bool has(struct remote_kept *kept, char url)
{
	const struct remote_answer *answer = remote_kept_find(kept, (struct str){&url, 1});
	remote_kept_give_back(kept, answer);
	return answer != NULL;
}

/* Each counts 4,096 bytes: the seventeenth takes the place of the one used least lately. */
static void test_limits(void **state)
{
	static char body[8192];
	struct str part = {body, 4096 - 256 - 2};
	struct remote_kept *kept = remote_kept_create(65536);
	(void)state;
	for (char c = 'a'; c <= 'p'; c++) {
		remote_kept_put(kept, (struct str){&c, 1}, STR("e"), part);
	}
	assert_true(has(kept, 'a'));
	remote_kept_put(kept, STR("q"), STR("e"), part);
	assert_true(has(kept, 'a'));
	assert_false(has(kept, 'b'));
	assert_true(has(kept, 'c'));
	remote_kept_destroy(kept);
}

static void test_an_eighth_for_one(void **state)
{
	static char body[8192];
	struct remote_kept *kept = remote_kept_create(65536);
	(void)state;
	remote_kept_put(kept, STR("a"), STR("e"), (struct str){body, 8192 - 256 - 2});
	assert_true(has(kept, 'a'));
	remote_kept_put(kept, STR("a"), STR("e"), (struct str){body, 8192 - 256 - 1});
	assert_false(has(kept, 'a'));
	assert_false(remote_kept_is_large(kept, 8192));
	assert_true(remote_kept_is_large(kept, 8193));
	remote_kept_destroy(kept);
}

static void test_one_in_use_stays(void **state)
{
	struct remote_kept *kept = remote_kept_create(65536);
	(void)state;
	remote_kept_put(kept, STR("a"), STR("1"), STR("old"));
	const struct remote_answer *answer = remote_kept_find(kept, STR("a"));
	remote_kept_put(kept, STR("a"), STR("2"), STR("new"));
	assert_true(str_equal(answer->body, STR("old")));
	remote_kept_give_back(kept, answer);
	check(kept, "a", "2", "new");
	remote_kept_destroy(kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_last_one_is_kept),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_an_eighth_for_one),
		cmocka_unit_test(test_one_in_use_stays),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
