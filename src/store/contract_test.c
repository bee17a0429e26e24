/*
 * What every store does, the same: each scenario runs on each store, request by request.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "store/contract_test_help.h"

#define L __LINE__

static void test_upserts_and_tallies(void **state)
{
	(void)state;
	static const struct contract_row rows[] = {
		{L, "list ratings", NULL, "0 []"},
		{L, "list counts", NULL, "0 []"},
		{L, "upsert{} ratings", "{\"user_id\":1,\"item_id\":7,\"rating_type\":2}",
		 "1+1 {\"user_id\":1,\"item_id\":7,\"rating_type\":2}"},
		{L, "upsert{} ratings", "{\"user_id\":1,\"item_id\":7,\"rating_type\":3}",
		 "1 {\"user_id\":1,\"item_id\":7,\"rating_type\":3}"},
		{L, "upsert ratings?&quiet",
		 "[{\"user_id\":1,\"item_id\":8,\"rating_type\":3},"
		 "{\"user_id\":1,\"item_id\":7,\"rating_type\":1},"
		 "{\"user_id\":2,\"item_id\":1,\"rating_type\":1}]",
		 "3+2"},
		{L, "list ratings?user_id=eq.1&select=item_id,rating_type", NULL,
		 "2 [{\"item_id\":7,\"rating_type\":1},{\"item_id\":8,\"rating_type\":3}]"},
		{L, "list= ratings?user_id=eq.1&select=item_id", NULL, "2 [7,8]"},
		{L, "list counts?user_id=eq.1&select=rating_type,count", NULL,
		 "2 [{\"rating_type\":1,\"count\":1},{\"rating_type\":3,\"count\":1}]"},
		{L, "delete ratings?user_id=eq.1&item_id=eq.8&quiet", NULL, "1"},
		{L, "list counts", NULL,
		 "2 [{\"user_id\":1,\"rating_type\":1,\"count\":1},"
		 "{\"user_id\":2,\"rating_type\":1,\"count\":1}]"},
		{L, "delete ratings?user_id=eq.9&quiet", NULL, "0"},
		{L, "delete! ratings?user_id=eq.9&item_id=eq.1&quiet", NULL, "404 RL404 Not found"},
		{L, "delete ratings?user_id=eq.1&select=item_id", NULL, "1 [{\"item_id\":7}]"},
		{L, "list counts?&total", NULL, "1/1 [{\"user_id\":2,\"rating_type\":1,\"count\":1}]"},
	};
	CONTRACT_RUN(test_service, rows);
}

static void test_inserts(void **state)
{
	(void)state;
	static const struct contract_row rows[] = {
		{L, "insert{} users", "{\"name\":\"ann\",\"age\":30}",
		 "1+1#1 {\"id\":1,\"name\":\"ann\",\"age\":30,\"score\":null,\"ok\":null}"},
		{L, "insert users?select=id,name", "[{\"name\":\"bob\"},{\"name\":\"cyd\"}]",
		 "2+2#3 [{\"id\":2,\"name\":\"bob\"},{\"id\":3,\"name\":\"cyd\"}]"},
		{L, "insert users?&quiet", "{\"id\":10,\"name\":\"dan\"}", "1+1"},
		{L, "delete users?id=eq.10&quiet", NULL, "1"},
		/* The number of a row that was deleted is not used again. */
		{L, "insert= users?select=id", "{\"name\":\"eve\"}", "1+1#11 [11]"},
		{L, "insert users", "{\"id\":2,\"name\":\"fay\"}",
		 "409 23505 duplicate key value violates unique constraint \"users_pkey\" | "
		 "Key (id)=(2) already exists."},
		{L, "insert users", "[{\"name\":\"gus\"},{\"name\":\"ann\"}]",
		 "409 23505 duplicate key value violates unique constraint \"one name\" | "
		 "Key (name)=(ann) already exists."},
		{L, "list= users?select=name", NULL, "4 [\"ann\",\"bob\",\"cyd\",\"eve\"]"},
		/* All or nothing, also of the numbers. */
		{L, "insert= users?select=id", "{\"name\":\"gus\"}", "1+1#12 [12]", "1+1#14 [14]"},
		{L, "insert items", "{\"code\":\"a\\\"b\",\"price\":150.5,\"data\":{\"x\":[1, null]}}",
		 "1+1 [{\"code\":\"a\\\"b\",\"price\":150.5,\"data\":{\"x\":[1,null]},\"made\":null}]"},
		{L, "get{} items?code=eq.a%22b&select=price", NULL, "1 {\"price\":150.5}"},
		{L, "get{} items?code=eq.zz", NULL, "404 RL404 Not found"},
		{L, "insert ratings", "{\"user_id\":1,\"item_id\":2,\"rating_type\":1}",
		 "1+1 [{\"user_id\":1,\"item_id\":2,\"rating_type\":1}]"},
		{L, "insert ratings", "{\"user_id\":1,\"item_id\":2,\"rating_type\":2}",
		 "409 23505 duplicate key value violates unique constraint \"ratings_pkey\" | "
		 "Key (user_id, item_id)=(1, 2) already exists."},
	};
	CONTRACT_RUN(test_service, rows);
}

static void test_dates(void **state)
{
	(void)state;
	static const struct contract_row rows[] = {
		{L, "insert{} events",
		 "{\"day\":\"2014-03-08\",\"at\":\"2014-03-08T15:00:00.5+02:00\",\"start\":\"15:00:00\"}",
		 "1+1 {\"day\":\"2014-03-08\",\"at\":\"2014-03-08T13:00:00.5+00:00\","
		 "\"start\":\"15:00:00\"}"},
		{L, "insert events?select=day,at",
		 "[{\"day\":\"1969-12-31\",\"at\":\"1969-12-31T23:59:59.999999Z\"},"
		 "{\"day\":\"0001-01-01\",\"at\":\"0001-01-01\"},{\"day\":\"9999-12-31\",\"at\":null}]",
		 "3+3 [{\"day\":\"1969-12-31\",\"at\":\"1969-12-31T23:59:59.999999+00:00\"},"
		 "{\"day\":\"0001-01-01\",\"at\":\"0001-01-01T00:00:00+00:00\"},"
		 "{\"day\":\"9999-12-31\",\"at\":null}]"},
		{L, "list= events?select=day", NULL,
		 "4 [\"0001-01-01\",\"1969-12-31\",\"2014-03-08\",\"9999-12-31\"]"},
		{L, "list= events?select=day&order=at.desc.nullslast&at=not.is.null", NULL,
		 "3 [\"2014-03-08\",\"1969-12-31\",\"0001-01-01\"]"},
		{L, "list= events?select=day&at=lt.1970-01-01T00:00:00Z", NULL,
		 "2 [\"0001-01-01\",\"1969-12-31\"]"},
		{L, "list= events?select=day&at=eq.2014-03-08T13:00:00.5Z", NULL, "1 [\"2014-03-08\"]"},
		{L, "list= events?select=day&day=in.(2014-03-08,1969-12-31)", NULL,
		 "2 [\"1969-12-31\",\"2014-03-08\"]"},
		{L, "list= events?select=day&start=isdistinct.15:00:00", NULL,
		 "3 [\"0001-01-01\",\"1969-12-31\",\"9999-12-31\"]"},
		{L, "list events?select=a:day.min(),b:at.max(),c:start.count()", NULL,
		 "1 [{\"a\":\"0001-01-01\",\"b\":\"2014-03-08T13:00:00.5+00:00\",\"c\":1}]"},
		{L, "list# events?day=eq.2014-03-08", NULL,
		 "1 day,at,start\n2014-03-08,2014-03-08T13:00:00.5+00:00,15:00:00"},
		{L,
		 "list events?day=eq.2014-03-08&select=a:day::text,b:day::datetime,c:at::date,d:at::time,"
		 "e:at::http_date,f:start::text,g:day::http_date",
		 NULL,
		 "1 [{\"a\":\"2014-03-08\",\"b\":\"2014-03-08T00:00:00+00:00\",\"c\":\"2014-03-08\","
		 "\"d\":\"13:00:00.5\",\"e\":\"Sat, 08 Mar 2014 13:00:00 GMT\",\"f\":\"15:00:00\","
		 "\"g\":\"Sat, 08 Mar 2014 00:00:00 GMT\"}]"},
		{L, "upsert= events?select=start", "{\"day\":\"2014-03-08\",\"start\":\"06:00:00\"}",
		 "1 [\"06:00:00\"]"},
		{L, "insert events", "{\"day\":\"2014-03-08\"}",
		 "409 23505 duplicate key value violates unique constraint \"events_pkey\" | "
		 "Key (day)=(2014-03-08) already exists."},
		{L, "insert events", "{\"day\":\"2015-01-01\",\"at\":\"2014-03-08T13:00:00.5Z\"}",
		 "409 23505 duplicate key value violates unique constraint \"one event at a time\" | "
		 "Key (at)=(2014-03-08T13:00:00.5+00:00) already exists."},
		/* The condition of a rule holds dates. */
		{L, "insert events?&quiet", "{\"day\":\"2015-01-01\",\"start\":\"06:00:00\"}", "1+1"},
		{L, "insert events?&quiet", "{\"day\":\"2014-12-31\",\"start\":\"06:00:00\"}",
		 "409 23505 duplicate key value violates unique constraint \"one start in 2014\" | "
		 "Key (start)=(06:00:00) already exists."},
		{L, "delete! events?day=eq.2015-01-01&quiet", NULL, "1"},
		{L, "delete= events?day=gt.1970-01-01&select=day", NULL,
		 "2 [\"2014-03-08\",\"9999-12-31\"]"},
	};
	CONTRACT_RUN(test_service, rows);
}

static void test_changes(void **state)
{
	(void)state;
	static const struct contract_row rows[] = {
		{L, "insert users?&quiet",
		 "[{\"id\":1,\"name\":\"a\",\"age\":1,\"ok\":true},{\"id\":2,\"name\":\"b\",\"age\":2,"
		 "\"ok\":true},{\"id\":3,\"name\":\"c\",\"age\":3,\"ok\":null}]",
		 "3+3"},
		{L, "update users?id=gte.2&quiet", "{\"score\":1.5}", "2"},
		{L, "update! users?id=eq.2&select=score,name", "{\"score\":-0.0}",
		 "1 [{\"score\":0,\"name\":\"b\"}]"},
		{L, "update! users?id=eq.2&select=id,score", "{\"score\":0.25}",
		 "1 [{\"id\":2,\"score\":0.25}]"},
		{L, "update! users?id=eq.4&select=id,score", "{\"score\":0.25}", "404 RL404 Not found"},
		{L, "update users?id=eq.4&select=id,score", "{\"score\":0.25}", "0 []"},
		{L, "update users?&quiet", "{\"name\":\"same\"}",
		 "409 23505 duplicate key value violates unique constraint \"one name\" | "
		 "Key (name)=(same) already exists."},
		{L, "update users?id=eq.2&quiet", "{\"age\":1}",
		 "409 23505 duplicate key value violates unique constraint \"age and ok\""},
		{L, "update users?id=eq.3&quiet", "{\"age\":1}", "1"},
		{L, "list= users?select=score", NULL, "3 [null,0.25,1.5]"},
		{L, "replace{} users?id=eq.3", "{\"id\":3,\"name\":\"new\"}",
		 "1 {\"id\":3,\"name\":\"new\",\"age\":null,\"score\":null,\"ok\":null}"},
		{L, "replace{} users?id=eq.4", "{\"id\":4,\"name\":\"new\"}", "404 RL404 Not found"},
		/* What is written once stays. */
		{L, "upsert items?&quiet", "{\"code\":\"x\",\"made\":1,\"price\":1}", "1+1"},
		{L, "upsert items", "{\"code\":\"x\",\"made\":2,\"price\":2}",
		 "1 [{\"code\":\"x\",\"price\":2,\"data\":null,\"made\":1}]"},
		{L, "upsert items", "{\"code\":\"x\"}",
		 "1 [{\"code\":\"x\",\"price\":2,\"data\":null,\"made\":1}]"},
		{L, "delete{}! items?code=eq.x&select=made", NULL, "1 {\"made\":1}"},
		{L, "delete{}! items?code=eq.x&select=made", NULL, "404 RL404 Not found"},
	};
	CONTRACT_RUN(test_service, rows);
}

static void test_references(void **state)
{
	(void)state;
	static const struct contract_row rows[] = {
		{L, "insert users?&quiet", "[{\"id\":1,\"name\":\"a\"},{\"id\":2,\"name\":\"b\"}]", "2+2"},
		{L, "insert notes", "{\"user_id\":7}",
		 "409 23503 insert or update on table \"notes\" violates foreign key constraint "
		 "\"notes_user_id_fkey\" | Key (user_id)=(7) is not present in table \"users\"."},
		/* Rows of one request refer to each other in any order. */
		{L, "insert= notes?select=id",
		 "[{\"id\":1,\"user_id\":1,\"parent_id\":2},{\"id\":2,\"user_id\":1,\"parent_id\":null}]",
		 "2+2 [1,2]"},
		{L, "insert notes?&quiet", "[{\"id\":3,\"parent_id\":4},{\"id\":4,\"parent_id\":5}]",
		 "409 23503 insert or update on table \"notes\" violates foreign key constraint "
		 "\"notes_parent_id_fkey\" | Key (parent_id)=(5) is not present in table \"notes\"."},
		{L, "list= notes?select=id", NULL, "2 [1,2]"},
		{L, "delete users?id=eq.1&quiet", NULL,
		 "409 23503 update or delete on table \"users\" violates foreign key constraint "
		 "\"notes_user_id_fkey\" on table \"notes\" | "
		 "Key (id)=(1) is still referenced from table \"notes\"."},
		{L, "delete users?&quiet", NULL,
		 "409 23503 update or delete on table \"users\" violates foreign key constraint "
		 "\"notes_user_id_fkey\" on table \"notes\" | "
		 "Key (id)=(1) is still referenced from table \"notes\"."},
		{L, "update notes?id=eq.1&quiet", "{\"user_id\":9}",
		 "409 23503 insert or update on table \"notes\" violates foreign key constraint "
		 "\"notes_user_id_fkey\" | Key (user_id)=(9) is not present in table \"users\"."},
		{L, "delete users?id=eq.2&quiet", NULL, "1"},
		{L, "update notes?&quiet", "{\"user_id\":null}", "2"},
		{L, "delete users?id=eq.1&quiet", NULL, "1"},
	};
	CONTRACT_RUN(test_service, rows);
}

static void test_reads(void **state)
{
	(void)state;
	static const struct contract_row rows[] = {
		{L, "insert users?&quiet",
		 "[{\"id\":1,\"name\":\"a\",\"age\":5,\"ok\":true},"
		 "{\"id\":2,\"name\":\"B\",\"age\":4,\"ok\":false},"
		 "{\"id\":3,\"name\":\"\\u00e9\",\"age\":null,\"ok\":null},"
		 "{\"id\":4,\"name\":\"b\",\"age\":7,\"ok\":true}]",
		 "4+4"},
		{L, "list= users?select=id&order=name", NULL, "4 [2,1,4,3]"},
		{L, "list= users?select=id&order=age", NULL, "4 [2,1,4,3]"},
		{L, "list= users?select=id&order=age.desc", NULL, "4 [3,4,1,2]"},
		{L, "list= users?select=id&order=age.nullsfirst", NULL, "4 [3,2,1,4]"},
		{L, "list= users?select=id&order=ok,age.desc", NULL, "4 [2,4,1,3]"},
		{L, "list= users?select=id&limit=2&offset=1&total", NULL, "2/4 [2,3]"},
		{L, "list= users?select=id&limit=0&total", NULL, "0/4 []"},
		{L, "list= users?select=id&offset=9&total", NULL, "0/4 []"},
		{L, "list= users?select=id&age=gt.4", NULL, "2 [1,4]"},
		{L, "list= users?select=id&age=not.gt.4", NULL, "1 [2]"},
		{L, "list= users?select=id&age=is.null", NULL, "1 [3]"},
		{L, "list= users?select=id&ok=is.true", NULL, "2 [1,4]"},
		{L, "list= users?select=id&ok=not.is.true", NULL, "2 [2,3]"},
		{L, "list= users?select=id&ok=is.unknown", NULL, "1 [3]"},
		{L, "list= users?select=id&id=in.(4,1,99)", NULL, "2 [1,4]"},
		{L, "list= users?select=id&id=in.()", NULL, "0 []"},
		{L, "list= users?select=id&id=not.in.()", NULL, "4 [1,2,3,4]"},
		{L, "list= users?select=id&or=(age.eq.5,name.eq.B)", NULL, "2 [1,2]"},
		{L, "list= users?select=id&not.or=(age.eq.5,name.eq.B)", NULL, "1 [4]"},
		{L, "list users?select=x:id,ok&id=lt.3", NULL,
		 "2 [{\"x\":1,\"ok\":true},{\"x\":2,\"ok\":false}]"},
	};
	CONTRACT_RUN(test_service, rows);
}

static void test_limits_of_types(void **state)
{
	(void)state;
	static const struct contract_row rows[] = {
		{L, "insert users?select=age,score",
		 "{\"name\":\"\",\"age\":9223372036854775807,\"score\":5e-324}",
		 "1+1#1 [{\"age\":9223372036854775807,\"score\":5e-324}]"},
		{L, "insert users?select=age,score",
		 "{\"name\":\"\\u0001\\ud83d\\ude00\",\"age\":-9223372036854775808,\"score\":1e300}",
		 "1+1#2 [{\"age\":-9223372036854775808,\"score\":1e+300}]"},
		{L, "list= users?select=name&age=eq.9223372036854775807", NULL, "1 [\"\"]"},
		{L, "list= users?select=id&score=gt.1e299", NULL, "1 [2]"},
		{L, "list= users?select=id&name=eq.", NULL, "1 [1]"},
		{L, "insert users?&quiet", "{\"name\":null}",
		 "400 23502 null value in column \"name\" of relation \"users\" violates not-null "
		 "constraint"},
		{L, "insert items?select=price", "{\"code\":\"a\",\"price\":-99999999.99}",
		 "1+1 [{\"price\":-99999999.99}]"},
	};
	CONTRACT_RUN(test_service, rows);
}

static void test_stats(void **state)
{
	(void)state;
	const char *url;
	for (size_t u = 0; (url = fixture_store(u)) != NULL; u++) {
		struct fixture fixture;
		fixture_init(&fixture, test_service);
		fixture_open(&fixture, url);
		run_ok(&fixture, test_rating(&fixture, 1, 1, 1));
		run_ok(&fixture, test_list(&fixture, "ratings"));
		run_ok(&fixture, test_list(&fixture, "counts"));
		struct store_stats stats;
		store_get_stats(fixture.store, &stats);
		assert_int_equal(stats.writes, 1);
		assert_int_equal(stats.groups, 1);
		assert_int_equal(stats.group_sizes[0], 1);
		assert_int_equal(stats.reads_inline, 2);
		assert_int_equal(stats.write_queue, 0);
		struct error error;
		assert_true(store_adopt(fixture.store, fixture.model, &error));
		fixture_finish(&fixture);
	}
}

static void test_what_only_databases_can(void **state)
{
	(void)state;
	static const char *const urls[] = {"memory:", "none:x", "memory"};
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		const struct describe_options options = {.url = str_from(urls[i])};
		struct error error = {.code = ERROR_NONE};
		struct buf yaml;
		buf_init(&yaml, 4096);
		assert_false(store_describe(str_from(urls[i]), &options, &yaml, &error));
		assert_int_equal(error.code, ERROR_CONFIG);
		assert_true(error.hint[0] != '\0');
		buf_finish(&yaml);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_upserts_and_tallies),
		cmocka_unit_test(test_inserts),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_reads),
		cmocka_unit_test(test_limits_of_types),
		cmocka_unit_test(test_stats),
		cmocka_unit_test(test_what_only_databases_can),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
