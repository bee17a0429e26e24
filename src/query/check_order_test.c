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

static void test_lists(void **state)
{
	(void)state;
	static const struct test_row rows[] = {
		{__LINE__, "users_tasks", "",
		 "\"user_id\":user_id, \"task_id\":task_id order user_id@0,task_id@1"},
		{__LINE__, "users_tasks", "order=task_id.desc",
		 "\"user_id\":user_id, \"task_id\":task_id order task_id.desc.nullsfirst@1,user_id@0"},
		{__LINE__, "users", "select=id&order=name", "\"id\":id order name,id@0"},
		{__LINE__, "users", "order=id,name.desc",
		 "\"id\":id, \"name\":name order id@0,name.desc.nullsfirst@1"},
		{__LINE__, "users", "order=id,id.desc", "\"id\":id, \"name\":name order id@0"},
		{__LINE__, "users", "order=name.nullsfirst",
		 "\"id\":id, \"name\":name order name.nullsfirst@1,id@0"},
		{__LINE__, "projects", "select=id&order=data->>a.desc,data->a,data->>a",
		 "\"id\":id order data->>a.desc.nullsfirst,data->a,id@0"},
		{__LINE__, "projects", "select=id,data->>a&order=data->>a",
		 "\"id\":id, \"a\":data->>a=text order data->>a@1,id@0"},
		{__LINE__, "loose", "order=b", "\"a\":a, \"b\":b order b@1"},
		{__LINE__, "loose", "", "\"a\":a, \"b\":b"},
		{__LINE__, "users", "order=stars", "COLUMN column users.stars does not exist"},
		{__LINE__, "projects", "order=data",
		 "UNSUPPORTED Feature not implemented / comparison and order of the json field "
		 "\"data\""},
		{__LINE__, "projects", "order=name->a",
		 "UNSUPPORTED Feature not implemented / a path into \"name\", which is no json field"},
	};
	struct limits limits;
	const struct check_options defaults = options(&limits);
	TEST_CHECK_ROWS(rows, QUERY_LIST, &defaults);
}

static void test_related(void **state)
{
	(void)state;
	static const struct test_row rows[] = {
		{__LINE__, "projects", "select=id,clients(id)&order=clients(name).desc",
		 "\"id\":id, \"clients\":#0 one projects_client_id_fkey(\"id\":id order id@0) "
		 "+client_id order clients.name.desc.nullsfirst,id@0"},
		{__LINE__, "projects", "select=id,c:clients()&order=c(name),clients(name),id",
		 "\"id\":id order clients.name,id@0"},
		{__LINE__, "projects", "select=id,...clients(client:name)&order=clients(name)",
		 "\"id\":id, ...#0 one spread projects_client_id_fkey(\"client\":name order id) "
		 "+client_id order clients.name,id@0"},
		{__LINE__, "projects", "select=id,details(note)&order=details(note)",
		 "\"id\":id, \"details\":#0 one details_project_id_fkey(\"note\":note order "
		 "project_id) order details.note,id@0"},
		{__LINE__, "clients", "select=id,projects(id,clients(name))&projects.order=clients(name)",
		 "\"id\":id, \"projects\":#0 many projects_client_id_fkey(\"id\":id, \"clients\":#1 "
		 "one projects_client_id_fkey(\"name\":name order id) +client_id order "
		 "clients.name,id@0) order id@0"},
		{__LINE__, "projects", "select=id&order=clients(name)",
		 "NOT_EMBEDDED 'clients' is not an embedded resource in this request / Verify that "
		 "'clients' is included in the 'select' query parameter."},
		{__LINE__, "clients", "select=id,projects(id)&order=projects(id)",
		 "RELATED_ORDER A related order on 'projects' is not possible / 'clients' and "
		 "'projects' do not form a many-to-one or one-to-one relationship"},
		{__LINE__, "users", "select=id,tasks(id)&order=tasks(id)",
		 "RELATED_ORDER A related order on 'tasks' is not possible / 'users' and 'tasks' do "
		 "not form a many-to-one or one-to-one relationship"},
		{__LINE__, "projects", "select=id,clients(id)&order=clients(foo)",
		 "COLUMN column clients.foo does not exist"},
	};
	struct limits limits;
	const struct check_options defaults = options(&limits);
	TEST_CHECK_ROWS(rows, QUERY_LIST, &defaults);
}

static void test_groups(void **state)
{
	(void)state;
	static const struct test_row rows[] = {
		{__LINE__, "projects", "select=name,count()",
		 "\"name\":name, \"count\":count()=integer order name@0 grouped"},
		{__LINE__, "projects", "select=name,done,count()&order=done.desc",
		 "\"name\":name, \"done\":done, \"count\":count()=integer order "
		 "done.desc.nullsfirst@1,name@0 grouped"},
		{__LINE__, "projects", "select=id::text,count()",
		 "\"id\":id::text=text, \"count\":count()=integer order id@0 grouped"},
		{__LINE__, "projects", "select=count()", "\"count\":count()=integer grouped"},
		{__LINE__, "projects", "select=id,count()&order=id",
		 "\"id\":id, \"count\":count()=integer order id@0 grouped"},
		{__LINE__, "clients", "select=id,projects(name,count())&projects.order=name.desc",
		 "\"id\":id, \"projects\":#0 many projects_client_id_fkey(\"name\":name, "
		 "\"count\":count()=integer order name.desc.nullsfirst@0 grouped) order id@0"},
		{__LINE__, "projects", "select=name,count()&order=done",
		 "GROUPING column \"projects.done\" must appear in the GROUP BY clause or be used in "
		 "an aggregate function"},
		{__LINE__, "projects", "select=name,id.sum()&order=id",
		 "GROUPING column \"projects.id\" must appear in the GROUP BY clause or be used in an "
		 "aggregate function"},
		{__LINE__, "projects", "select=count(),clients()&order=clients(name)",
		 "GROUPING column \"clients.name\" must appear in the GROUP BY clause or be used in "
		 "an aggregate function"},
	};
	struct limits limits;
	const struct check_options defaults = options(&limits);
	TEST_CHECK_ROWS(rows, QUERY_LIST, &defaults);
}

static void test_writes(void **state)
{
	(void)state;
	static const struct test_row rows[] = {
		{__LINE__, "users", "select=name&order=id.desc",
		 "\"name\":name +id order id.desc.nullsfirst@1"},
		{__LINE__, "users", "order=name", "\"id\":id, \"name\":name order name@1"},
		{__LINE__, "users", "order=data", "COLUMN column users.data does not exist"},
	};
	struct limits limits;
	const struct check_options defaults = options(&limits);
	TEST_CHECK_ROWS(rows, QUERY_UPDATE, &defaults);
}

static void test_one(void **state)
{
	(void)state;
	static const struct test_row rows[] = {
		{__LINE__, "users", "order=name", "\"id\":id, \"name\":name"},
		{__LINE__, "users", "order=foo", "COLUMN column users.foo does not exist"},
	};
	struct limits limits;
	const struct check_options defaults = options(&limits);
	TEST_CHECK_ROWS(rows, QUERY_GET, &defaults);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists),  cmocka_unit_test(test_related),
		cmocka_unit_test(test_groups), cmocka_unit_test(test_writes),
		cmocka_unit_test(test_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
