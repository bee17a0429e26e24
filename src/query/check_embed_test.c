#include "query/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "query/check_test_help.h"

enum { BLOCK_BYTES = 4096, TEXT_BYTES = 65536 };

static struct check_options options(struct limits *limits)
{
	limits_init(limits);
	return test_check_options(limits);
}

static const struct test_row relation_rows[] = {
	{__LINE__, "projects", "select=id,clients(name)",
	 "\"id\":id, \"clients\":#0 one projects_client_id_fkey(\"name\":name order id) "
	 "+client_id order id@0"},
	{__LINE__, "projects", "select=clients()", " order id"},
	{__LINE__, "projects", "select=client_id(id)",
	 "\"client_id\":#0 one projects_client_id_fkey(\"id\":id order id@0) +client_id order "
	 "id"},
	{__LINE__, "projects", "select=c:clients(id)",
	 "\"c\":#0 one projects_client_id_fkey(\"id\":id order id@0) +client_id order id"},
	{__LINE__, "projects", "select=projects_client_id_fkey(id)",
	 "\"projects_client_id_fkey\":#0 one projects_client_id_fkey(\"id\":id order id@0) "
	 "+client_id order id"},
	{__LINE__, "projects", "select=clients!client_id(id)",
	 "\"clients\":#0 one projects_client_id_fkey(\"id\":id order id@0) +client_id order id"},
	{__LINE__, "projects", "select=clients!id(id)",
	 "\"clients\":#0 one projects_client_id_fkey(\"id\":id order id@0) +client_id order id"},
	{__LINE__, "projects", "select=clients!projects_client_id_fkey(id)",
	 "\"clients\":#0 one projects_client_id_fkey(\"id\":id order id@0) +client_id order id"},
	{__LINE__, "projects", "select=clients!left(id)",
	 "\"clients\":#0 one projects_client_id_fkey(\"id\":id order id@0) +client_id order id"},
	{__LINE__, "projects", "select=details(note)",
	 "\"details\":#0 one details_project_id_fkey(\"note\":note order project_id) +id "
	 "order id@0"},
	{__LINE__, "details", "select=projects(id)",
	 "\"projects\":#0 one details_project_id_fkey(\"id\":id order id@0) +project_id order "
	 "project_id@0"},
	{__LINE__, "clients", "select=id,projects(id)",
	 "\"id\":id, \"projects\":#0 many projects_client_id_fkey(\"id\":id order id@0) order "
	 "id@0"},
	{__LINE__, "clients", "select=id,projects_client_id_fkey(id)",
	 "\"id\":id, \"projects_client_id_fkey\":#0 many projects_client_id_fkey(\"id\":id "
	 "order id@0) order id@0"},
	{__LINE__, "clients", "select=id,projects!client_id(id)",
	 "\"id\":id, \"projects\":#0 many projects_client_id_fkey(\"id\":id order id@0) order "
	 "id@0"},
	{__LINE__, "clients", "select=id,projects(id,tasks(id,users(name)))",
	 "\"id\":id, \"projects\":#0 many projects_client_id_fkey(\"id\":id, \"tasks\":#1 "
	 "many tasks_project_id_fkey(\"id\":id, \"users\":#2 many users_tasks(\"name\":name "
	 "order id) order id@0) order id@0) order id@0"},
	{__LINE__, "users", "select=tasks(id)",
	 "\"tasks\":#0 many users_tasks(\"id\":id order id@0) +id order id@0"},
	{__LINE__, "users", "select=tasks!users_tasks(id)",
	 "\"tasks\":#0 many users_tasks(\"id\":id order id@0) +id order id@0"},
	{__LINE__, "users", "select=users_tasks(task_id)",
	 "\"users_tasks\":#0 many users_tasks_user_id_fkey(\"task_id\":task_id order "
	 "user_id,task_id@0) +id order id@0"},
	{__LINE__, "stays", "select=rooms(*)",
	 "\"rooms\":#0 one stay room(\"house\":house, \"number\":number order "
	 "house@0,number@1) +house +number order id"},
	{__LINE__, "stays", "select=\"stay room\"(*)",
	 "\"stay room\":#0 one stay room(\"house\":house, \"number\":number order "
	 "house@0,number@1) +house +number order id"},
	{__LINE__, "rooms", "select=stays(id)",
	 "\"stays\":#0 many stay room(\"id\":id order id@0) +house +number order "
	 "house@0,number@1"},
	{__LINE__, "organizations", "select=referee(id)",
	 "\"referee\":#0 one organizations_referee_fkey(\"id\":id order id@0) +referee order "
	 "id"},
	{__LINE__, "organizations", "select=organizations!referee(id)",
	 "\"organizations\":#0 many organizations_referee_fkey(\"id\":id order id@0) +id "
	 "order id@0"},
	{__LINE__, "organizations", "select=organizations!organizations_referee_fkey(id)",
	 "\"organizations\":#0 many organizations_referee_fkey(\"id\":id order id@0) +id "
	 "order id@0"},
	{__LINE__, "organizations", "select=organizations_auditor_fkey(id)",
	 "\"organizations_auditor_fkey\":#0 one organizations_auditor_fkey(\"id\":id order "
	 "id@0) +auditor order id"},
	{__LINE__, "orders", "select=billing(id),shipping(street)",
	 "\"billing\":#0 one orders_billing_fkey(\"id\":id order id@0), \"shipping\":#1 one "
	 "orders_shipping_fkey(\"street\":street order id) +billing +shipping order id"},
	{__LINE__, "orders", "select=b:addresses!billing(id)",
	 "\"b\":#0 one orders_billing_fkey(\"id\":id order id@0) +billing order id"},
	{__LINE__, "addresses", "select=orders!billing(id)",
	 "\"orders\":#0 many orders_billing_fkey(\"id\":id order id@0) +id order id@0"},
	{__LINE__, "addresses", "select=orders!orders_shipping_fkey(id)",
	 "\"orders\":#0 many orders_shipping_fkey(\"id\":id order id@0) +id order id@0"},
};

static void test_relations(void **state)
{
	(void)state;
	struct limits limits;
	const struct check_options defaults = options(&limits);
	TEST_CHECK_ROWS(relation_rows, QUERY_LIST, &defaults);
}

static void test_no_relation(void **state)
{
	(void)state;
	static const struct test_row rows[] = {
		{__LINE__, "projects", "select=users(id)",
		 "NO_RELATION Could not find a relationship between 'projects' and 'users' in the "
		 "schema cache / Searched for a foreign key relationship between 'projects' and "
		 "'users', but no matches were found."},
		{__LINE__, "projects", "select=client(id)",
		 "NO_RELATION Could not find a relationship between 'projects' and 'client' in the "
		 "schema cache / Searched for a foreign key relationship between 'projects' and "
		 "'client', but no matches were found. / Perhaps you meant 'clients' instead of "
		 "'client'."},
		{__LINE__, "projects", "select=clients!foo(id)",
		 "NO_RELATION Could not find a relationship between 'projects' and 'clients' in the "
		 "schema cache / Searched for a foreign key relationship between 'projects' and "
		 "'clients' using the hint 'foo', but no matches were found."},
		{__LINE__, "projects", "select=clients!client_id!foo(id)",
		 "NO_RELATION Could not find a relationship between 'projects' and 'clients' in the "
		 "schema cache / Searched for a foreign key relationship between 'projects' and "
		 "'clients' using the hint 'client_id', but no matches were found."},
		{__LINE__, "clients", "select=client_id(id)",
		 "NO_RELATION Could not find a relationship between 'clients' and 'client_id' in the "
		 "schema cache / Searched for a foreign key relationship between 'clients' and "
		 "'client_id', but no matches were found."},
		{__LINE__, "organizations", "select=organizations!id(id)",
		 "NO_RELATION Could not find a relationship between 'organizations' and "
		 "'organizations' in the schema cache / Searched for a foreign key relationship "
		 "between 'organizations' and 'organizations' using the hint 'id', but no matches "
		 "were found."},
		{__LINE__, "projects", "select=clients(id,foo)",
		 "COLUMN column clients.foo does not exist"},
		{__LINE__, "projects", "select=clients(id),clients(name)",
		 "PARSE two columns have the name \"clients\""},
		{__LINE__, "projects", "select=name:clients(id),name",
		 "PARSE two columns have the name \"name\""},
		{__LINE__, "projects", "select=name,name:clients(id)",
		 "PARSE two columns have the name \"name\""},
	};
	struct limits limits;
	const struct check_options defaults = options(&limits);
	TEST_CHECK_ROWS(rows, QUERY_LIST, &defaults);
}

static void test_ambiguous(void **state)
{
	(void)state;
	static const struct {
		int line;
		const char *resource;
		const char *input;
		const char *want;
	} rows[] = {
		{__LINE__, "orders", "select=addresses(id)",
		 "AMBIGUOUS Could not embed because more than one relationship was found for 'orders' "
		 "and 'addresses' / Try changing 'addresses' to one of the following: "
		 "'addresses!orders_billing_fkey', 'addresses!orders_shipping_fkey'. Find the desired "
		 "relationship in the "
		 "'details' key. [{\"cardinality\":\"many-to-one\",\"embedding\":\"orders with "
		 "addresses\",\"relationship\":\"orders_billing_fkey using orders(billing) and "
		 "addresses(id)\"},{\"cardinality\":\"many-to-one\",\"embedding\":\"orders with "
		 "addresses\",\"relationship\":\"orders_shipping_fkey using orders(shipping) and "
		 "addresses(id)\"}]"},
		{__LINE__, "addresses", "select=orders(id)",
		 "AMBIGUOUS Could not embed because more than one relationship was found for "
		 "'addresses' and 'orders' / Try changing 'orders' to one of the following: "
		 "'orders!orders_billing_fkey', 'orders!orders_shipping_fkey'. Find the desired "
		 "relationship in the 'details' "
		 "key. [{\"cardinality\":\"one-to-many\",\"embedding\":\"addresses with "
		 "orders\",\"relationship\":\"orders_billing_fkey using addresses(id) and "
		 "orders(billing)\"},{\"cardinality\":\"one-to-many\",\"embedding\":\"addresses with "
		 "orders\",\"relationship\":\"orders_shipping_fkey using addresses(id) and "
		 "orders(shipping)\"}]"},
		{__LINE__, "organizations", "select=organizations(id)",
		 "AMBIGUOUS Could not embed because more than one relationship was found for "
		 "'organizations' and 'organizations' / Try changing 'organizations' to one of the "
		 "following: 'organizations!organizations_referee_fkey', "
		 "'organizations!organizations_auditor_fkey'. Find the desired "
		 "relationship in the 'details' key. "
		 "[{\"cardinality\":\"one-to-many\",\"embedding\":\"organizations with "
		 "organizations\",\"relationship\":\"organizations_referee_fkey using "
		 "organizations(id) and "
		 "organizations(referee)\"},{\"cardinality\":\"one-to-many\",\"embedding\":\"organizations "
		 "with organizations\",\"relationship\":\"organizations_auditor_fkey using "
		 "organizations(id) and organizations(auditor)\"}]"},
	};
	struct model *model = test_relations_model();
	struct limits limits;
	const struct check_options defaults = options(&limits);
	struct arena arena;
	struct buf got;
	arena_init(&arena, BLOCK_BYTES);
	buf_init(&got, TEXT_BYTES);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct query query;
		struct error error;
		assert_false(test_check(rows[i].input, QUERY_LIST, test_resource(model, rows[i].resource),
								&defaults, &arena, &query, &error));
		buf_clear(&got);
		test_write_error(&got, &error);
		buf_printf(&got, " %.*s", STR_ARG(error.json));
		test_equal(rows[i].line, rows[i].input, &got, rows[i].want);
	}
	buf_finish(&got);
	arena_finish(&arena);
	model_destroy(model);
}

static void test_levels(void **state)
{
	(void)state;
	static const struct test_row rows[] = {
		{__LINE__, "clients",
		 "select=id,projects(id)&projects.name=eq.x&projects.order=name.desc&projects.limit=2"
		 "&projects.offset=3",
		 "\"id\":id, \"projects\":#0 many projects_client_id_fkey(\"id\":id where name eq "
		 "\"x\" order name.desc.nullsfirst,id@0 limit 2 offset 3) order id@0"},
		{__LINE__, "clients",
		 "select=id,p:projects(id)&p.limit=2&projects.name=eq.x&p.done=is.true",
		 "\"id\":id, \"p\":#0 many projects_client_id_fkey(\"id\":id where and(done is "
		 "true,name eq \"x\") order id@0 limit 2) order id@0"},
		{__LINE__, "clients", "select=id,p:projects(id)&p.limit=2&projects.limit=3",
		 "\"id\":id, \"p\":#0 many projects_client_id_fkey(\"id\":id order id@0 limit 2) "
		 "order id@0"},
		{__LINE__, "clients", "select=projects(tasks(id))&projects.tasks.id=gt.5",
		 "\"projects\":#0 many projects_client_id_fkey(\"tasks\":#1 many "
		 "tasks_project_id_fkey(\"id\":id where id gt 5 order id@0) +id order id@0) +id order "
		 "id@0"},
		{__LINE__, "clients", "select=projects(id)&projects.or=(id.eq.1,name.eq.b)",
		 "\"projects\":#0 many projects_client_id_fkey(\"id\":id where or(id eq 1,name eq "
		 "\"b\") order id@0) +id order id@0"},
		{__LINE__, "clients", "select=projects(id)&p.id=eq.1",
		 "NOT_EMBEDDED 'p' is not an embedded resource in this request / Verify that 'p' is "
		 "included in the 'select' query parameter."},
		{__LINE__, "clients", "select=projects(id)&projects.tasks.limit=1",
		 "NOT_EMBEDDED 'tasks' is not an embedded resource in this request / Verify that "
		 "'tasks' is included in the 'select' query parameter."},
		{__LINE__, "clients", "select=projects(id)&projects.foo=eq.1",
		 "COLUMN column projects.foo does not exist"},
		{__LINE__, "clients", "projects.id=eq.1",
		 "NOT_EMBEDDED 'projects' is not an embedded resource in this request / Verify that "
		 "'projects' is included in the 'select' query parameter."},
	};
	struct limits limits;
	const struct check_options defaults = options(&limits);
	TEST_CHECK_ROWS(rows, QUERY_LIST, &defaults);
}

static void test_inner(void **state)
{
	(void)state;
	static const struct test_row rows[] = {
		{__LINE__, "clients", "select=id,projects!inner(id)",
		 "\"id\":id, \"projects\":#0 many projects_client_id_fkey(\"id\":id order id@0) where "
		 "exists(projects) order id@0"},
		{__LINE__, "clients", "select=id,projects!inner()&projects.name=eq.x&id=gt.1",
		 "\"id\":id where and(id gt 1,exists(projects name eq \"x\")) order id@0"},
		{__LINE__, "clients", "select=id,projects!inner(tasks!inner(id))&projects.tasks.id=eq.1",
		 "\"id\":id, \"projects\":#0 many projects_client_id_fkey(\"tasks\":#1 many "
		 "tasks_project_id_fkey(\"id\":id where id eq 1 order id@0) +id where exists(tasks id "
		 "eq 1) order id@0) where exists(projects exists(tasks id eq 1)) order id@0"},
		{__LINE__, "clients", "select=id,projects(tasks!inner(id))",
		 "\"id\":id, \"projects\":#0 many projects_client_id_fkey(\"tasks\":#1 many "
		 "tasks_project_id_fkey(\"id\":id order id@0) +id where exists(tasks) order id@0) "
		 "order id@0"},
		{__LINE__, "clients", "select=id,projects()&projects=is.null",
		 "\"id\":id where not(exists(projects)) order id@0"},
		{__LINE__, "clients", "select=id,projects()&projects=not.is.null",
		 "\"id\":id where exists(projects) order id@0"},
		{__LINE__, "clients", "select=id,projects()&projects=is.not_null",
		 "\"id\":id where exists(projects) order id@0"},
		{__LINE__, "clients", "select=id,projects()&not.or=(projects.is.null,id.eq.1)",
		 "\"id\":id where and(exists(projects),not(id eq 1)) order id@0"},
		{__LINE__, "clients", "select=id,p:projects()&or=(p.not.is.null,id.eq.1)",
		 "\"id\":id where or(exists(projects),id eq 1) order id@0"},
		{__LINE__, "clients", "select=id,p:projects(id)&projects=is.null",
		 "\"id\":id, \"p\":#0 many projects_client_id_fkey(\"id\":id order id@0) where "
		 "not(exists(projects)) order id@0"},
		{__LINE__, "projects", "select=id,name:clients(id)&name=is.null",
		 "\"id\":id, \"name\":#0 one projects_client_id_fkey(\"id\":id order id@0) +client_id "
		 "where not(exists(clients)) order id@0"},
		{__LINE__, "projects", "select=id,c:client_id(id)&client_id=eq.5",
		 "\"id\":id, \"c\":#0 one projects_client_id_fkey(\"id\":id order id@0) +client_id "
		 "where client_id eq 5 order id@0"},
		{__LINE__, "clients", "select=id,projects()&projects=eq.5",
		 "EMBED_OPERATOR Bad operator on the 'projects' embedded resource / Only is null or "
		 "not is null filters are allowed on embedded resources"},
		{__LINE__, "clients", "select=id,projects()&projects=is.true",
		 "EMBED_OPERATOR Bad operator on the 'projects' embedded resource / Only is null or "
		 "not is null filters are allowed on embedded resources"},
		{__LINE__, "clients", "select=id,projects()&or=(projects.in.(1),id.eq.1)",
		 "EMBED_OPERATOR Bad operator on the 'projects' embedded resource / Only is null or "
		 "not is null filters are allowed on embedded resources"},
	};
	struct limits limits;
	const struct check_options defaults = options(&limits);
	TEST_CHECK_ROWS(rows, QUERY_LIST, &defaults);
}

static void test_spreads(void **state)
{
	(void)state;
	static const struct test_row rows[] = {
		{__LINE__, "projects", "select=id,...clients(client:name)",
		 "\"id\":id, ...#0 one spread projects_client_id_fkey(\"client\":name order id) "
		 "+client_id order id@0"},
		{__LINE__, "clients", "select=id,...projects(names:name,...details(note))",
		 "\"id\":id, ...#0 many spread projects_client_id_fkey(\"names\":name, ...#1 one "
		 "spread details_project_id_fkey(\"note\":note order project_id) +id order id@1) "
		 "order id@0"},
		{__LINE__, "projects", "select=id,...clients(name)&clients.name=eq.x",
		 "\"id\":id, ...#0 one spread projects_client_id_fkey(\"name\":name where name eq "
		 "\"x\" order id) +client_id order id@0"},
		{__LINE__, "projects", "select=name,...clients(name)",
		 "PARSE two columns have the name \"name\""},
		{__LINE__, "projects", "select=n:name,...clients(n:name)",
		 "PARSE two columns have the name \"n\""},
		{__LINE__, "clients", "select=id,...projects(...details(id:note))",
		 "PARSE two columns have the name \"id\""},
		{__LINE__, "projects", "select=id,...clients!inner(name)",
		 "\"id\":id, ...#0 one spread projects_client_id_fkey(\"name\":name order id) "
		 "+client_id where exists(clients) order id@0"},
	};
	struct limits limits;
	const struct check_options defaults = options(&limits);
	TEST_CHECK_ROWS(rows, QUERY_LIST, &defaults);
}

static void test_folded(void **state)
{
	(void)state;
	static const struct test_row rows[] = {
		{__LINE__, "projects", "select=...clients(name),id.count()",
		 "\"name\":clients.name, \"count\":id.count()=integer order clients.name@0 grouped"},
		{__LINE__, "projects", "select=name,...clients(id.sum())",
		 "\"name\":name, \"sum\":clients.id.sum()=integer order name@0 grouped"},
		{__LINE__, "tasks", "select=...projects(budget.sum(),...clients(client:name))",
		 "\"sum\":projects.budget.sum()=decimal, \"client\":projects.clients.name order "
		 "projects.clients.name@1 grouped"},
		{__LINE__, "tasks", "select=...projects(...clients(n:id.max()))",
		 "\"n\":projects.clients.id.max() grouped"},
		{__LINE__, "projects", "select=...clients!inner(name),id.count()",
		 "\"name\":clients.name, \"count\":id.count()=integer where exists(clients) order "
		 "clients.name@0 grouped"},
		{__LINE__, "projects", "select=...clients(*),count()",
		 "\"id\":clients.id, \"name\":clients.name, \"count\":count()=integer order "
		 "clients.id@0,clients.name@1 grouped"},
		{__LINE__, "projects", "select=...clients(count())", "\"count\":count()=integer grouped"},
		{__LINE__, "projects", "select=...clients(name),id.count()&order=clients(name).desc",
		 "\"name\":clients.name, \"count\":id.count()=integer order "
		 "clients.name.desc.nullsfirst@0 grouped"},
		{__LINE__, "projects", "select=id,...clients(),id.count()&clients=is.null",
		 "\"id\":id, \"count\":id.count()=integer where not(exists(clients)) order id@0 "
		 "grouped"},
		{__LINE__, "clients", "select=name,projects(count())",
		 "\"name\":name, \"projects\":#0 many "
		 "projects_client_id_fkey(\"count\":count()=integer grouped) +id order id@1"},
		{__LINE__, "clients", "select=name,id.count(),projects(name)",
		 "\"name\":name, \"count\":id.count()=integer, \"projects\":#0 many "
		 "projects_client_id_fkey(\"name\":name order id) +id order name@0,id@2 grouped"},
		{__LINE__, "clients", "select=name,...projects(ids:id.count())",
		 "\"name\":name, ...#0 many spread projects_client_id_fkey(\"ids\":id.count()=integer "
		 "grouped) +id order id@1"},
		{__LINE__, "projects", "select=...clients(name),id.count()&clients.name=eq.x",
		 "UNSUPPORTED Feature not implemented / filters, order and limits of \"clients\", a "
		 "spread with aggregates"},
		{__LINE__, "projects", "select=...clients(name),id.count()&clients.limit=1",
		 "UNSUPPORTED Feature not implemented / filters, order and limits of \"clients\", a "
		 "spread with aggregates"},
		{__LINE__, "projects", "select=...clients(name),id.count()&clients.order=id",
		 "UNSUPPORTED Feature not implemented / filters, order and limits of \"clients\", a "
		 "spread with aggregates"},
		{__LINE__, "tasks", "select=...projects(budget.sum(),clients(name))",
		 "UNSUPPORTED Feature not implemented / the embedded \"clients\" in a spread with "
		 "aggregates"},
		{__LINE__, "tasks", "select=...projects(budget.sum(),...tasks(names:name))",
		 "UNSUPPORTED Feature not implemented / the embedded \"tasks\" in a spread with "
		 "aggregates"},
		{__LINE__, "projects", "select=name,...clients(name,id.count())",
		 "PARSE two columns have the name \"name\""},
	};
	struct limits limits;
	const struct check_options defaults = options(&limits);
	TEST_CHECK_ROWS(rows, QUERY_LIST, &defaults);
}

/* What is embedded in the answer of a write. */
static void test_writes(void **state)
{
	(void)state;
	static const struct test_row rows[] = {
		{__LINE__, "projects", "select=id,clients(name)&clients.name=eq.x&id=eq.1",
		 "\"id\":id, \"clients\":#0 one projects_client_id_fkey(\"name\":name where name eq "
		 "\"x\" order id) +client_id where id eq 1"},
		{__LINE__, "projects", "select=id,clients()&clients=is.null",
		 "\"id\":id where not(exists(clients))"},
		{__LINE__, "projects", "select=id,clients!inner(name)",
		 "UNSUPPORTED Feature not implemented / the inner join of \"clients\" in the answer "
		 "of a write"},
	};
	static const struct test_row insert_rows[] = {
		{__LINE__, "projects", "select=id,clients(name)&id=eq.1",
		 "\"id\":id, \"clients\":#0 one projects_client_id_fkey(\"name\":name order id) "
		 "+client_id"},
		{__LINE__, "projects", "select=id,a:clients(),clients(name)&a=is.null",
		 "\"id\":id, \"clients\":#0 one projects_client_id_fkey(\"name\":name order id) "
		 "+client_id"},
	};
	static const struct test_row hidden_rows[] = {
		{__LINE__, "projects", "select=id,clients!inner(name)&id=eq.1&order=id", " where id eq 1"},
	};
	struct limits limits;
	struct check_options defaults = options(&limits);
	TEST_CHECK_ROWS(rows, QUERY_UPDATE, &defaults);
	TEST_CHECK_ROWS(insert_rows, QUERY_INSERT, &defaults);
	defaults.no_rows = true;
	TEST_CHECK_ROWS(hidden_rows, QUERY_UPDATE, &defaults);
}

/* Neither what is hidden nor what is reached through it can be embedded; a tally that is embedded
 * shows no empty groups. */
static void test_relations_by_hand(void **state)
{
	(void)state;
	struct model *model = test_model();
	struct limits limits;
	const struct check_options defaults = options(&limits);
	struct arena arena;
	struct query query;
	struct error error;
	struct buf got;
	struct resource counts = *test_resource(model, "counts");
	struct resource people = *test_resource(model, "people");
	const struct field *from[] = {&counts.fields[0]};
	const struct field *to[] = {&people.fields[0]};
	const struct reference reference = {
		.name = STR("counts_people_fkey"),
		.fields = {from, 1},
		.target = &people,
		.target_fields = {to, 1},
	};
	const struct relation relation = {
		.kind = RELATION_ONE_TO_MANY,
		.from = &people,
		.to = &counts,
		.reference = &reference,
		.from_fields = {to, 1},
		.to_fields = {from, 1},
	};
	people.relations = &relation;
	people.relation_count = 1;
	arena_init(&arena, BLOCK_BYTES);
	buf_init(&got, TEXT_BYTES);
	assert_true(test_check("select=id,counts!inner(count)", QUERY_LIST, &people, &defaults, &arena,
						   &query, &error));
	test_write_query(&got, &query);
	test_equal(__LINE__, "tally", &got,
			   "\"id\":id, \"counts\":#0 many counts_people_fkey(\"count\":count where count gt 0 "
			   "order user_id,rating_type) where exists(counts count gt 0) order id@0");
	counts.hidden = true;
	assert_false(test_check("select=id,counts(count)", QUERY_LIST, &people, &defaults, &arena,
							&query, &error));
	assert_int_equal(error.code, ERROR_NO_RELATION);
	assert_string_equal(error.hint, "");
	buf_finish(&got);
	arena_finish(&arena);
	model_destroy(model);
}

/* More ways than a hint has room for. */
static void test_many_ways(void **state)
{
	(void)state;
	enum { WAYS = 9 };
	struct model *model = test_model();
	struct limits limits;
	const struct check_options defaults = options(&limits);
	struct arena arena;
	struct query query;
	struct error error;
	struct resource people = *test_resource(model, "people");
	struct resource things = *test_resource(model, "things");
	const struct field *to[] = {&people.fields[0]};
	const struct field *from[WAYS];
	struct reference references[WAYS];
	struct relation relations[WAYS];
	for (size_t i = 0; i < WAYS; i++) {
		from[i] = &things.fields[i + 1];
		references[i] = (struct reference){
			.name = STR("a_name_of_a_foreign_key_that_is_quite_long_but_still_a_name_fkey"),
			.fields = {&from[i], 1},
			.target = &people,
			.target_fields = {to, 1},
		};
		relations[i] = (struct relation){
			.kind = RELATION_MANY_TO_ONE,
			.from = &things,
			.to = &people,
			.reference = &references[i],
			.from_fields = {&from[i], 1},
			.to_fields = {to, 1},
		};
	}
	things.relations = relations;
	things.relation_count = WAYS;
	arena_init(&arena, BLOCK_BYTES);
	assert_false(
		test_check("select=people(id)", QUERY_LIST, &things, &defaults, &arena, &query, &error));
	assert_int_equal(error.code, ERROR_AMBIGUOUS);
	assert_string_equal(
		error.hint,
		"Try changing 'people' to one of the following: "
		"'people!a_name_of_a_foreign_key_that_is_quite_long_but_still_a_name_fkey', "
		"'people!a_name_of_a_foreign_key_that_is_quite_long_but_still_a_name_fkey'. "
		"Find the desired relationship in the 'details' key.");
#define LONG "a_resource_whose_name_is_so_long_that_not_one_way_to_it_can_stand_in_a_hint"
	people.name = STR(LONG LONG LONG);
	assert_false(test_check("select=" LONG LONG LONG "(id)", QUERY_LIST, &things, &defaults, &arena,
							&query, &error));
#undef LONG
	assert_string_equal(error.hint, "Find the desired relationship in the 'details' key.");
	arena_finish(&arena);
	model_destroy(model);
}

/* `organizations!referee(` so many times within each other. */
static bool check_nested(struct model *model, size_t depth, const struct check_options *options,
						 struct error *error)
{
	struct arena arena;
	struct buf text;
	struct query query;
	struct parsed_query parsed;
	struct limits most;
	const struct resource *resource = test_resource(model, "organizations");
	arena_init(&arena, BLOCK_BYTES);
	buf_init(&text, TEXT_BYTES);
	limits_init(&most);
	most.embed_depth = 64;
	parsed_query_init(&parsed);
	for (size_t i = 0; i < depth; i++) {
		buf_append(&text, STR("referee("));
	}
	buf_append(&text, STR("id"));
	for (size_t i = 0; i < depth; i++) {
		buf_append_byte(&text, ')');
	}
	assert_true(parse_select(buf_str(&text), &most, &arena, &parsed, error));
	query = (struct query){.action = QUERY_LIST};
	bool ok = check_query(&parsed, QUERY_LIST, resource, options, &arena, &query, error);
	buf_finish(&text);
	arena_finish(&arena);
	return ok;
}

/* Each of `count` conditions asks for an embed, below which one more is asked for. */
static bool check_mentions(struct model *model, size_t count, struct error *error)
{
	struct arena arena;
	struct buf text;
	struct query query;
	struct limits most;
	struct check_options options = {.limits = &most, .caller = &caller_trusted};
	arena_init(&arena, BLOCK_BYTES);
	buf_init(&text, TEXT_BYTES);
	limits_init(&most);
	most.filter_terms = 100000;
	buf_append(&text, STR("select=referee(referee())&referee.referee=is.null&and=(id.gt.0"));
	for (size_t i = 0; i < count; i++) {
		buf_append(&text, STR(",referee.is.null"));
	}
	buf_append(&text, STR(")"));
	buf_append_byte(&text, '\0');
	bool ok = test_check(text.ptr, QUERY_LIST, test_resource(model, "organizations"), &options,
						 &arena, &query, error);
	buf_finish(&text);
	arena_finish(&arena);
	return ok;
}

static void test_mentions(void **state)
{
	(void)state;
	struct model *model = test_relations_model();
	struct error error = {.code = ERROR_NONE};
	assert_true(check_mentions(model, QUERY_TABLES / 2, &error));
	assert_false(check_mentions(model, QUERY_TABLES / 2 + 1, &error));
	assert_int_equal(error.code, ERROR_PARSE);
	model_destroy(model);
}

static void test_depth(void **state)
{
	(void)state;
	struct model *model = test_relations_model();
	struct limits limits;
	const struct check_options defaults = options(&limits);
	struct error error;
	assert_true(check_nested(model, 8, &defaults, &error));
	assert_false(check_nested(model, 9, &defaults, &error));
	assert_int_equal(error.code, ERROR_PARSE);
	assert_string_equal(error.message, "Embedded resources nested deeper than 8 levels");
	limits.embed_depth = 0;
	assert_true(check_nested(model, 0, &defaults, &error));
	assert_false(check_nested(model, 1, &defaults, &error));
	model_destroy(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_relations),
		cmocka_unit_test(test_no_relation),
		cmocka_unit_test(test_ambiguous),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_inner),
		cmocka_unit_test(test_spreads),
		cmocka_unit_test(test_folded),
		cmocka_unit_test(test_writes),
		cmocka_unit_test(test_mentions),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_relations_by_hand),
		cmocka_unit_test(test_many_ways),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
