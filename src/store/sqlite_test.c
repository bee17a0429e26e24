#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "store/sqlite_priv.h"
#include "store/store_test_help.h"

static int setup(void **state)
{
	struct fixture *fixture = store_alloc(1, sizeof(*fixture));
	fixture_init(fixture, test_service);
	fixture_open(fixture, "sqlite:");
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	fixture_finish(fixture);
	free(fixture);
	return 0;
}

static void assert_text(struct str got, const char *want)
{
	if (!str_equal(got, str_from(want))) {
		fail_msg("got %.*s, want %s", STR_ARG(got), want);
	}
}

static void test_upsert_says_whether_the_row_is_new(void **state)
{
	struct fixture *fixture = *state;
	static const struct {
		int64_t user, item, type;
		uint64_t inserted;
		const char *body;
	} rows[] = {
		{1, 7, 2, 1, "{\"user_id\":1,\"item_id\":7,\"rating_type\":2}"},
		{1, 7, 3, 0, "{\"user_id\":1,\"item_id\":7,\"rating_type\":3}"},
		{1, 8, 3, 1, "{\"user_id\":1,\"item_id\":8,\"rating_type\":3}"},
		{1, 8, 3, 0, "{\"user_id\":1,\"item_id\":8,\"rating_type\":3}"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct call call;
		call_run(fixture, &call, test_rating(fixture, rows[i].user, rows[i].item, rows[i].type));
		assert_true(call.ok);
		assert_int_equal(call.result.inserted, rows[i].inserted);
		assert_int_equal(call.result.rows, 1);
		assert_text(buf_str(&call.body), rows[i].body);
		call_finish(&call);
	}
	assert_text(run_ok(fixture, test_list(fixture, "ratings")),
				"[{\"user_id\":1,\"item_id\":7,\"rating_type\":3},"
				"{\"user_id\":1,\"item_id\":8,\"rating_type\":3}]");
	assert_text(run_ok(fixture, test_list(fixture, "counts")),
				"[{\"user_id\":1,\"rating_type\":3,\"count\":2}]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_upsert_says_whether_the_row_is_new, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
