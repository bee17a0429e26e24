#include "query/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "query/check_test_help.h"

static struct check_options options(struct limits *limits)
{
	limits_init(limits);
	return test_check_options(limits);
}

static void test_columns(void **state)
{
	(void)state;
	static const struct test_row rows[] = {
		{__LINE__, "users", "", "\"id\":id, \"name\":name order id@0"},
		{__LINE__, "users", "select=", "\"id\":id, \"name\":name order id@0"},
		{__LINE__, "users", "select=*", "\"id\":id, \"name\":name order id@0"},
		{__LINE__, "users", "select=name,id", "\"name\":name, \"id\":id order id@1"},
		{__LINE__, "users", "select=n:name", "\"n\":name order id"},
		{__LINE__, "users", "select=name,*", "\"name\":name, \"id\":id order id@1"},
		{__LINE__, "users", "select=*,name,*", "\"id\":id, \"name\":name order id@0"},
		{__LINE__, "users", "select=name,name,a:name,a:name", "\"name\":name, \"a\":name order id"},
		{__LINE__, "users", "select=name:name,name", "\"name\":name order id"},
		{__LINE__, "users", "select=\"a\\\"b\":id", "\"a\\\"b\":id order id@0"},
		{__LINE__, "users", "select=%C3%A9:id", "\"é\":id order id@0"},
		{__LINE__, "users", "select=\"%09\":id", "\"\\t\":id order id@0"},
		{__LINE__, "users", "select=name,name:id", "PARSE two columns have the name \"name\""},
		{__LINE__, "users", "select=name:id,name", "PARSE two columns have the name \"name\""},
		{__LINE__, "users", "select=a:id,a:name", "PARSE two columns have the name \"a\""},
		{__LINE__, "users", "select=name:id,*", "PARSE two columns have the name \"name\""},
		{__LINE__, "users", "select=stars", "COLUMN column users.stars does not exist"},
		{__LINE__, "users", "select=\"*\"", "COLUMN column users.* does not exist"},
		{__LINE__, "users", "select=NAME",
		 "COLUMN column users.NAME does not exist / Perhaps you meant the column \"name\""},
		/* one value under two names is fetched once */
		{__LINE__, "users", "select=a:id,b:id,id", "\"a\":id, \"b\":id, \"id\":id order id@0"},
	};
	struct limits limits;
	const struct check_options defaults = options(&limits);
	TEST_CHECK_ROWS(rows, QUERY_LIST, &defaults);
}

static void test_paths(void **state)
{
	(void)state;
	static const struct test_row rows[] = {
		{__LINE__, "projects", "select=data->a", "\"a\":data->a=json order id"},
		{__LINE__, "projects", "select=data->>a", "\"a\":data->>a=text order id"},
		{__LINE__, "projects", "select=data->a->0", "\"a\":data->a->0=json order id"},
		{__LINE__, "projects", "select=data->0", "\"data\":data->0=json order id"},
		{__LINE__, "projects", "select=data->a->>0", "\"a\":data->a->>0=text order id"},
		{__LINE__, "projects", "select=x:data->a,y:data->a,z:data->>a",
		 "\"x\":data->a=json, \"y\":data->a=json, \"z\":data->>a=text order id"},
		{__LINE__, "projects", "select=data->a,a:data->b", "PARSE two columns have the name \"a\""},
		{__LINE__, "projects", "select=name->a",
		 "UNSUPPORTED Feature not implemented / a path into \"name\", which is no json field"},
	};
	struct limits limits;
	const struct check_options defaults = options(&limits);
	TEST_CHECK_ROWS(rows, QUERY_LIST, &defaults);
}

static void test_casts(void **state)
{
	(void)state;
	static const struct test_row rows[] = {
		{__LINE__, "projects", "select=id::text", "\"id\":id::text=text order id"},
		{__LINE__, "projects", "select=id::VARCHAR,n:id::int4,m:id::float8",
		 "\"id\":id::text=text, \"n\":id, \"m\":id::number=number order id@1"},
		{__LINE__, "projects", "select=id::double precision", "\"id\":id::number=number order id"},
		{__LINE__, "projects", "select=budget::numeric", "\"budget\":budget order id"},
		{__LINE__, "projects", "select=budget::text,b:budget::decimal",
		 "\"budget\":budget::text=text, \"b\":budget order id"},
		{__LINE__, "projects", "select=share::decimal", "\"share\":share order id"},
		{__LINE__, "projects", "select=name::text,share::real",
		 "\"name\":name, \"share\":share order id"},
		{__LINE__, "projects",
		 "select=name::bool,u:name::uuid,j:name::jsonb,c:name::bpchar,d:name::char",
		 "\"name\":name::boolean=boolean, \"u\":name::uuid=uuid, \"j\":name::json=json, "
		 "\"c\":name, \"d\":name order id"},
		{__LINE__, "projects", "select=data->>a::integer",
		 "\"a\":data->>a::integer=integer order id"},
		{__LINE__, "projects", "select=id,id::text", "PARSE two columns have the name \"id\""},
		{__LINE__, "events", "select=day::text,n:day::datetime,m:day::date,h:day::http_date",
		 "\"day\":day::text=text, \"n\":day::timestamp with time zone=timestamp with time zone, "
		 "\"m\":day, \"h\":day::text=text order id"},
		{__LINE__, "events", "select=at::date,t:at::TIME,d:at::timestamptz,j:at::json",
		 "\"at\":at::date=date, \"t\":at::time=time, \"d\":at, \"j\":at::json=json order id"},
		{__LINE__, "events", "select=note::date,t:note::time,d:note::timestamp",
		 "\"note\":note::date=date, \"t\":note::time=time, "
		 "\"d\":note::timestamp with time zone=timestamp with time zone order id"},
		{__LINE__, "events", "select=at.max()::http_date", "\"max\":at.max()::text=text grouped"},
		{__LINE__, "events", "select=day::integer", "VALUE cannot cast type date to integer"},
		{__LINE__, "events", "select=id::date", "VALUE cannot cast type integer to date"},
		{__LINE__, "events", "select=start::date", "VALUE cannot cast type time to date"},
		{__LINE__, "events", "select=day::time", "VALUE cannot cast type date to time"},
		{__LINE__, "events", "select=start::datetime",
		 "VALUE cannot cast type time to timestamp with time zone"},
		{__LINE__, "events", "select=start::http_date", "VALUE cannot cast type time to http_date"},
		{__LINE__, "events", "select=note::http_date", "VALUE cannot cast type text to http_date"},
		{__LINE__, "events", "select=day.sum()", "VALUE function sum(date) does not exist"},
		{__LINE__, "events", "select=at.avg()",
		 "VALUE function avg(timestamp with time zone) does not exist"},
		{__LINE__, "projects", "select=id::money", "CAST_TYPE type \"money\" does not exist"},
		{__LINE__, "projects", "select=id.sum()::foo", "CAST_TYPE type \"foo\" does not exist"},
		{__LINE__, "projects", "select=count()::foo", "CAST_TYPE type \"foo\" does not exist"},
	};
	struct limits limits;
	const struct check_options defaults = options(&limits);
	TEST_CHECK_ROWS(rows, QUERY_LIST, &defaults);
}

static void test_aggregates(void **state)
{
	(void)state;
	static const struct test_row rows[] = {
		{__LINE__, "projects", "select=count()", "\"count\":count()=integer grouped"},
		{__LINE__, "projects", "select=count", "\"count\":count()=integer grouped"},
		{__LINE__, "projects", "select=count::text", "\"count\":count()::text=text grouped"},
		{__LINE__, "projects", "select=n:count(),count()::text",
		 "\"n\":count()=integer, \"count\":count()::text=text grouped"},
		{__LINE__, "projects", "select=id.count(),c:count()",
		 "\"count\":id.count()=integer, \"c\":count()=integer grouped"},
		{__LINE__, "projects", "select=id.sum(),s:share.sum(),b:budget.sum()",
		 "\"sum\":id.sum()=integer, \"s\":share.sum()=number, \"b\":budget.sum()=decimal "
		 "grouped"},
		{__LINE__, "projects", "select=id.avg(),s:share.avg(),b:budget.avg()",
		 "\"avg\":id.avg()=number, \"s\":share.avg()=number, \"b\":budget.avg()=number grouped"},
		{__LINE__, "projects", "select=name.min(),u:ref.max(),b:budget.max()",
		 "\"min\":name.min(), \"u\":ref.max(), \"b\":budget.max() grouped"},
		{__LINE__, "projects", "select=budget.sum()::text",
		 "\"sum\":budget.sum()::text=text grouped"},
		{__LINE__, "projects", "select=name::integer.sum()",
		 "\"sum\":name::integer.sum()=integer grouped"},
		{__LINE__, "projects", "select=data->>a::integer.sum()::text",
		 "\"sum\":data->>a::integer.sum()::text=text grouped"},
		{__LINE__, "projects", "select=name,done,count()",
		 "\"name\":name, \"done\":done, \"count\":count()=integer order name@0,done@1 grouped"},
		{__LINE__, "projects", "select=*,count()",
		 "\"id\":id, \"name\":name, \"client_id\":client_id, \"budget\":budget, "
		 "\"share\":share, \"done\":done, \"ref\":ref, \"data\":data, "
		 "\"count\":count()=integer order "
		 "id@0,name@1,client_id@2,budget@3,share@4,done@5,ref@6,data@7 grouped"},
		{__LINE__, "projects", "select=sum:id.sum(),id.sum()", "\"sum\":id.sum()=integer grouped"},
		{__LINE__, "projects", "select=id.sum(),share.sum()",
		 "PARSE two columns have the name \"sum\""},
		{__LINE__, "projects", "select=name.sum()", "VALUE function sum(text) does not exist"},
		{__LINE__, "projects", "select=done.max()", "VALUE function max(boolean) does not exist"},
		{__LINE__, "projects", "select=data.min()", "VALUE function min(json) does not exist"},
		{__LINE__, "projects", "select=data->a.max()", "VALUE function max(json) does not exist"},
		{__LINE__, "projects", "select=done.avg()", "VALUE function avg(boolean) does not exist"},
		{__LINE__, "projects", "select=data.count()", "\"count\":data.count()=integer grouped"},
	};
	struct limits limits;
	const struct check_options defaults = options(&limits);
	TEST_CHECK_ROWS(rows, QUERY_LIST, &defaults);
}

static void test_distinct(void **state)
{
	(void)state;
	static const struct test_row rows[] = {
		{__LINE__, "projects", "select=name&distinct=true", "\"name\":name order name@0 distinct"},
		{__LINE__, "projects", "select=id,name&distinct=true",
		 "\"id\":id, \"name\":name order id@0,name@1 distinct"},
		{__LINE__, "projects", "select=name,budget&distinct=true&order=budget.desc",
		 "\"name\":name, \"budget\":budget order budget.desc.nullsfirst@1,name@0 distinct"},
		{__LINE__, "projects", "select=n:id::text&distinct=true",
		 "\"n\":id::text=text order id@0 distinct"},
		{__LINE__, "projects", "select=name&distinct=false", "\"name\":name order id"},
		{__LINE__, "projects", "select=name,count()&distinct=true",
		 "\"name\":name, \"count\":count()=integer order name@0 grouped"},
		{__LINE__, "projects", "select=name,clients!inner()&distinct=true",
		 "\"name\":name where exists(clients) order name@0 distinct"},
		{__LINE__, "projects", "select=name&distinct=true&order=budget",
		 "CONFLICT_TARGET for SELECT DISTINCT, ORDER BY expressions must appear in select list"},
		{__LINE__, "projects", "select=n:id::text&distinct=true&order=id",
		 "CONFLICT_TARGET for SELECT DISTINCT, ORDER BY expressions must appear in select list"},
		{__LINE__, "projects", "select=name,clients(name)&distinct=true",
		 "UNSUPPORTED Feature not implemented / distinct rows with the embedded \"clients\""},
	};
	struct limits limits;
	const struct check_options defaults = options(&limits);
	TEST_CHECK_ROWS(rows, QUERY_LIST, &defaults);
}

static void test_aggregates_off(void **state)
{
	(void)state;
	static const struct test_row rows[] = {
		{__LINE__, "projects", "select=count()",
		 "AGGREGATES Use of aggregate functions is not allowed"},
		{__LINE__, "clients", "select=id,projects(id.sum())",
		 "AGGREGATES Use of aggregate functions is not allowed"},
		{__LINE__, "clients", "select=id", "\"id\":id order id@0"},
	};
	struct limits limits;
	const struct check_options defaults = options(&limits);
	limits.aggregates = 0;
	TEST_CHECK_ROWS(rows, QUERY_LIST, &defaults);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_columns),  cmocka_unit_test(test_paths),
		cmocka_unit_test(test_casts),    cmocka_unit_test(test_aggregates),
		cmocka_unit_test(test_distinct), cmocka_unit_test(test_aggregates_off),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
