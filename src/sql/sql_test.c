#include "sql/sql.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sql/sql_test_help.h"

struct row {
	int line;
	const char *resource;
	const char *query;
	const char *want;
};

static const struct row select_rows[] = {
	{__LINE__, "ratings", "",
	 "SELECT \"user_id\",\"item_id\",\"rating_type\" FROM \"ratings\" "
	 "ORDER BY \"user_id\",\"item_id\""},
	{__LINE__, "ratings", "user_id=eq.5&select=item_id,rating_type",
	 "SELECT \"item_id\",\"rating_type\" FROM \"ratings\" WHERE "
	 "\"user_id\"=? ORDER BY \"user_id\",\"item_id\" -- 5"},
	{__LINE__, "counts", "user_id=eq.5&select=rating_type,count",
	 "SELECT \"rating_type\",\"count\" FROM \"counts\" WHERE "
	 "\"user_id\"=? AND \"count\">? ORDER BY \"user_id\","
	 "\"rating_type\" -- 5,0"},
	{__LINE__, "people", "limit=5", "SELECT \"id\" FROM \"people\" ORDER BY \"id\" LIMIT ? -- 5"},
	{__LINE__, "people", "limit=5&offset=2",
	 "SELECT \"id\" FROM \"people\" ORDER BY \"id\" LIMIT ? OFFSET ? -- 5,2"},
	{__LINE__, "people", "offset=2",
	 "SELECT \"id\" FROM \"people\" ORDER BY \"id\" LIMIT ? OFFSET ? -- "
	 "9223372036854775807,2"},
	{__LINE__, "people", "order=id.desc", "SELECT \"id\" FROM \"people\" ORDER BY \"id\" DESC"},
	{__LINE__, "things", "select=id&order=note",
	 "SELECT \"id\" FROM \"things\" ORDER BY \"note\" NULLS LAST,\"id\""},
	{__LINE__, "things", "select=id&order=note.desc",
	 "SELECT \"id\" FROM \"things\" ORDER BY \"note\" DESC NULLS FIRST,"
	 "\"id\""},
	{__LINE__, "things", "select=id&order=note.nullsfirst",
	 "SELECT \"id\" FROM \"things\" ORDER BY \"note\",\"id\""},
	{__LINE__, "things", "select=id&order=note.desc.nullslast",
	 "SELECT \"id\" FROM \"things\" ORDER BY \"note\" DESC,\"id\""},
	{__LINE__, "things", "select=id&order=name.nullsfirst,name.desc",
	 "SELECT \"id\" FROM \"things\" ORDER BY \"name\",\"id\""},
	{__LINE__, "things", "select=\"odd \\\"key\"&\"odd \\\"key\"=eq.x",
	 "SELECT \"odd \"\"key\" FROM \"things\" WHERE \"odd \"\"key\"=? "
	 "ORDER BY \"id\" -- x"},
	{__LINE__, "loose", "", "SELECT \"a\",\"b\" FROM \"loose\""},
	{__LINE__, "loose", "select=b&order=a",
	 "SELECT \"b\" FROM \"loose\" ORDER BY \"a\" NULLS LAST"},
	/* paths and casts */
	{__LINE__, "things", "select=data->a->>0",
	 "SELECT rowlock_json(\"data\",?) FROM \"things\" ORDER BY \"id\" -- *"},
	{__LINE__, "things", "select=id::text,name,x:data->b::int",
	 "SELECT rowlock_cast(\"id\",?,?),\"name\","
	 "rowlock_cast(rowlock_json(\"data\",?),?,?) FROM \"things\" ORDER "
	 "BY \"id\" -- *,*,*,*,*"},
	{__LINE__, "things", "select=id&order=data->>a.desc,data->b",
	 "SELECT \"id\" FROM \"things\" ORDER BY rowlock_json(\"data\",?) "
	 "DESC NULLS FIRST,rowlock_json(\"data\",?) NULLS LAST,\"id\" -- *,*"},
	{__LINE__, "things", "select=id&data->>a=eq.x&data->b->0=in.(1,2)&data->c=is.null",
	 "SELECT \"id\" FROM \"things\" WHERE rowlock_json(\"data\",?)=? "
	 "AND rowlock_json(\"data\",?) IN (?,?) AND rowlock_json(\"data\","
	 "?) IS NULL ORDER BY \"id\" -- *,x,*,1,2,*"},
	/* groups */
	{__LINE__, "things", "select=count()", "SELECT count(*) FROM \"things\""},
	{__LINE__, "things", "select=count()::text",
	 "SELECT rowlock_cast(count(*),?,?) FROM \"things\" -- *,*"},
	{__LINE__, "things",
	 "select=state,price.sum(),price.avg(),s:share.avg()::int,"
	 "born.max(),id.count()",
	 "SELECT \"state\",sum(\"price\"),avg(\"price\")/100.0,"
	 "rowlock_cast(avg(\"share\"),?,?),max(\"born\"),count(\"id\") FROM "
	 "\"things\" GROUP BY 1 ORDER BY 1 NULLS LAST -- *,*"},
	{__LINE__, "things", "select=owner,note::text.max()::text,data->>a&order=owner.desc",
	 "SELECT \"owner\",max(\"note\"),rowlock_json(\"data\",?) FROM "
	 "\"things\" GROUP BY 1,3 ORDER BY 1 DESC NULLS FIRST,3 NULLS LAST "
	 "-- *"},
	{__LINE__, "things", "select=x:id.sum(),state,note&order=note.desc&limit=3",
	 "SELECT sum(\"id\"),\"state\",\"note\" FROM \"things\" GROUP BY 2,"
	 "3 ORDER BY 3 DESC NULLS FIRST,2 NULLS LAST LIMIT ? -- 3"},
	{__LINE__, "things", "select=price.avg()::text",
	 "SELECT rowlock_cast(avg(\"price\")/100.0,?,?) FROM \"things\" -- *,*"},
	{__LINE__, "things", "select=price.min(),share.sum()::text,data->a.count()",
	 "SELECT min(\"price\"),rowlock_cast(sum(\"share\"),?,?),"
	 "count(rowlock_json(\"data\",?)) FROM \"things\" -- *,*,*"},
	{__LINE__, "things", "select=price.sum()&id=gt.5",
	 "SELECT sum(\"price\") FROM \"things\" WHERE \"id\">? -- 5"},
	/* distinct */
	{__LINE__, "things", "select=state&distinct=true",
	 "SELECT DISTINCT \"state\" FROM \"things\" ORDER BY 1 NULLS LAST"},
	{__LINE__, "things", "select=state,data->a&distinct=true&order=state.desc.nullslast&limit=2",
	 "SELECT DISTINCT \"state\",rowlock_json(\"data\",?) FROM "
	 "\"things\" ORDER BY 1 DESC,2 NULLS LAST LIMIT ? -- *,2"},
	{__LINE__, "things", "distinct=true&select=id,name",
	 "SELECT DISTINCT \"id\",\"name\" FROM \"things\" ORDER BY 1 NULLS "
	 "LAST,2 NULLS LAST"},
	/* terms of other rows */
	{__LINE__, "projects", "select=id,clients()&order=clients(name).desc",
	 "SELECT _1.\"id\" FROM \"projects\" AS _1 ORDER BY (SELECT "
	 "_2.\"name\" FROM \"clients\" AS _2 WHERE "
	 "_2.\"id\"=_1.\"client_id\") DESC NULLS FIRST,_1.\"id\""},
	{__LINE__, "projects", "select=name,...clients(client:name)",
	 "SELECT _1.\"name\",_1.\"client_id\",_2.\"name\",_2.\"id\" FROM \"projects\" AS _1 LEFT "
	 "JOIN \"clients\" AS _2 ON _2.\"id\"=_1.\"client_id\" ORDER BY _1.\"id\""},
	{__LINE__, "projects", "select=...clients(name),id.count()",
	 "SELECT (SELECT _2.\"name\" FROM \"clients\" AS _2 WHERE "
	 "_2.\"id\"=_1.\"client_id\"),count(_1.\"id\") FROM \"projects\" AS "
	 "_1 GROUP BY 1 ORDER BY 1 NULLS LAST"},
	{__LINE__, "tasks", "select=count(),...projects(...clients(name))",
	 "SELECT count(*),(SELECT (SELECT _3.\"name\" FROM \"clients\" AS "
	 "_3 WHERE _3.\"id\"=_2.\"client_id\") FROM \"projects\" AS _2 "
	 "WHERE _2.\"id\"=_1.\"project_id\") FROM \"tasks\" AS _1 GROUP BY "
	 "2 ORDER BY 2 NULLS LAST"},
	{__LINE__, "tasks", "select=id.sum(),...projects(data->>x,...clients(name::int.max()))",
	 "SELECT sum(_1.\"id\"),(SELECT rowlock_json(_2.\"data\",?) FROM "
	 "\"projects\" AS _2 WHERE _2.\"id\"=_1.\"project_id\"),"
	 "max(rowlock_cast((SELECT (SELECT _4.\"name\" FROM \"clients\" AS "
	 "_4 WHERE _4.\"id\"=_3.\"client_id\") FROM \"projects\" AS _3 "
	 "WHERE _3.\"id\"=_1.\"project_id\"),?,?)) FROM \"tasks\" AS _1 "
	 "GROUP BY 2 ORDER BY 2 NULLS LAST -- *,*,*"},
	{__LINE__, "organizations", "select=id,referee(id)&order=referee(id)",
	 "SELECT _1.\"id\",_1.\"referee\",_2.\"id\",_2.\"id\" FROM \"organizations\" AS _1 LEFT "
	 "JOIN \"organizations\" AS _2 ON _2.\"id\"=_1.\"referee\" ORDER BY (SELECT _3.\"id\" FROM "
	 "\"organizations\" AS _3 WHERE _3.\"id\"=_1.\"referee\") NULLS LAST,_1.\"id\""},
	{__LINE__, "stays", "select=id,rooms(number)&order=rooms(number)",
	 "SELECT _1.\"id\",_1.\"house\",_1.\"number\",_2.\"number\",_2.\"house\" FROM \"stays\" AS "
	 "_1 LEFT JOIN \"rooms\" AS _2 ON _2.\"house\"=_1.\"house\" AND "
	 "_2.\"number\"=_1.\"number\" ORDER BY (SELECT _3.\"number\" FROM \"rooms\" AS _3 WHERE "
	 "_3.\"house\"=_1.\"house\" AND _3.\"number\"=_1.\"number\") NULLS LAST,_1.\"id\""},
	{__LINE__, "details", "select=note,projects()&order=projects(data->>a).nullsfirst&note=eq.x",
	 "SELECT _1.\"note\" FROM \"details\" AS _1 WHERE _1.\"note\"=? "
	 "ORDER BY (SELECT rowlock_json(_2.\"data\",?) FROM \"projects\" AS "
	 "_2 WHERE _2.\"id\"=_1.\"project_id\"),_1.\"project_id\" -- x,*"},
	{__LINE__, "projects", "select=details(note)&order=details(note)&limit=1",
	 "SELECT _1.\"id\",_2.\"note\",_2.\"project_id\" FROM \"projects\" AS _1 LEFT JOIN "
	 "\"details\" AS _2 ON _2.\"project_id\"=_1.\"id\" ORDER BY (SELECT _3.\"note\" FROM "
	 "\"details\" AS _3 WHERE _3.\"project_id\"=_1.\"id\") NULLS LAST,_1.\"id\" LIMIT ? -- 1"},
};

static const struct row where_rows[] = {
	{__LINE__, "people", "id=neq.1&id=gt.2&id=gte.3&id=lt.4&id=lte.5",
	 "SELECT count(*) FROM \"people\" WHERE \"id\"<>? AND \"id\">? AND "
	 "\"id\">=? AND \"id\"<? AND \"id\"<=? -- 1,2,3,4,5"},
	{__LINE__, "people", "id=in.()", "SELECT count(*) FROM \"people\" WHERE 0"},
	{__LINE__, "people", "id=in.(7)", "SELECT count(*) FROM \"people\" WHERE \"id\" IN (?) -- 7"},
	{__LINE__, "people", "id=in.(1,2,3,4,5,6,7,8)",
	 "SELECT count(*) FROM \"people\" WHERE \"id\" IN (?,?,?,?,?,?,?,?) "
	 "-- 1,2,3,4,5,6,7,8"},
	{__LINE__, "people", "id=in.(1,2,3,4,5,6,7,8,9)",
	 "SELECT count(*) FROM \"people\" WHERE \"id\" IN (?,?,?,?,?,?,?,?,"
	 "?,?,?,?,?,?,?,?) -- 1,2,3,4,5,6,7,8,9,9,9,9,9,9,9,9"},
	{__LINE__, "people", "id=not.in.()", "SELECT count(*) FROM \"people\" WHERE NOT (0)"},
	{__LINE__, "things", "done=is.true", "SELECT count(*) FROM \"things\" WHERE \"done\" IS TRUE"},
	{__LINE__, "things", "done=not.is.false",
	 "SELECT count(*) FROM \"things\" WHERE NOT (\"done\" IS FALSE)"},
	{__LINE__, "things", "done=is.unknown&note=is.null&ref=is.not_null",
	 "SELECT count(*) FROM \"things\" WHERE \"done\" IS NULL AND "
	 "\"note\" IS NULL AND \"ref\" IS NOT NULL"},
	{__LINE__, "people", "id=not.eq.5",
	 "SELECT count(*) FROM \"people\" WHERE NOT (\"id\"=?) -- 5"},
	{__LINE__, "people", "or=(id.eq.1,id.eq.2)",
	 "SELECT count(*) FROM \"people\" WHERE \"id\"=? OR \"id\"=? -- 1,2"},
	{__LINE__, "people", "id=gt.0&or=(id.eq.1,id.eq.2)",
	 "SELECT count(*) FROM \"people\" WHERE (\"id\"=? OR \"id\"=?) AND "
	 "\"id\">? -- 1,2,0"},
	{__LINE__, "people", "or=(id.eq.1,and(id.gt.2,id.lt.3))",
	 "SELECT count(*) FROM \"people\" WHERE \"id\">? AND \"id\"<? OR "
	 "\"id\"=? -- 2,3,1"},
	{__LINE__, "people",
	 "or=(id.eq.1,id.eq.2,id.eq.3,id.eq.4,id.eq.5,id.eq.6,id.eq.7,"
	 "id.eq.8,id.eq.9)",
	 "SELECT count(*) FROM \"people\" WHERE (\"id\"=? OR \"id\"=? OR "
	 "\"id\"=? OR \"id\"=?) OR (\"id\"=? OR \"id\"=? OR \"id\"=? OR "
	 "\"id\"=? OR \"id\"=?) -- 1,2,3,4,5,6,7,8,9"},
	{__LINE__, "things", "note=isdistinct.x&id=not.isdistinct.5",
	 "SELECT count(*) FROM \"things\" WHERE \"note\" IS NOT ? AND NOT "
	 "(\"id\" IS NOT ?) -- x,5"},
	{__LINE__, "things", "note=eq(any).{a,b}&id=gt(all).{1,2}",
	 "SELECT count(*) FROM \"things\" WHERE \"note\" IN (?,?) AND "
	 "\"id\">? AND \"id\">? -- a,b,1,2"},
	/* patterns */
	{__LINE__, "things", "note=like.ab*",
	 "SELECT count(*) FROM \"things\" WHERE (\"note\" COLLATE BINARY>=? "
	 "AND \"note\" COLLATE BINARY<? AND rowlock_like(\"note\",?)) -- ab,"
	 "ac,*"},
	{__LINE__, "things", "note=like.*ab",
	 "SELECT count(*) FROM \"things\" WHERE rowlock_like(\"note\",?) -- *"},
	{__LINE__, "things", "note=like.a_b*",
	 "SELECT count(*) FROM \"things\" WHERE (\"note\" COLLATE BINARY>=? "
	 "AND \"note\" COLLATE BINARY<? AND rowlock_like(\"note\",?)) -- a,"
	 "b,*"},
	{__LINE__, "things", "note=not.like.ab*",
	 "SELECT count(*) FROM \"things\" WHERE NOT ((\"note\" COLLATE "
	 "BINARY>=? AND \"note\" COLLATE BINARY<? AND rowlock_like(\"note\","
	 "?))) -- ab,ac,*"},
	{__LINE__, "things", "note=ilike.ab*",
	 "SELECT count(*) FROM \"things\" WHERE rowlock_like(\"note\",?) -- *"},
	{__LINE__, "things", "ref=like.a0*",
	 "SELECT count(*) FROM \"things\" WHERE (\"ref\" COLLATE BINARY>=? "
	 "AND \"ref\" COLLATE BINARY<? AND rowlock_like(\"ref\",?)) -- a0,"
	 "a1,*"},
	{__LINE__, "things", "data->>a=like.ab*",
	 "SELECT count(*) FROM \"things\" WHERE "
	 "rowlock_like(rowlock_json(\"data\",?),?) -- *,*"},
	{__LINE__, "things", "note=match.^a&name=imatch.b",
	 "SELECT count(*) FROM \"things\" WHERE rowlock_match(\"note\",?) "
	 "AND rowlock_match(\"name\",?) -- *,*"},
	{__LINE__, "things", "note=fts.x&name=wfts.y -z",
	 "SELECT count(*) FROM \"things\" WHERE rowlock_words(\"note\",?) "
	 "AND rowlock_words(\"name\",?) AND NOT (rowlock_words(\"name\",?)) "
	 "-- *,*,*"},
	{__LINE__, "things", "note=like(any).{ab*,*c}",
	 "SELECT count(*) FROM \"things\" WHERE (\"note\" COLLATE BINARY>=? "
	 "AND \"note\" COLLATE BINARY<? AND rowlock_like(\"note\",?)) OR "
	 "rowlock_like(\"note\",?) -- ab,ac,*,*"},
};

static const struct row exists_rows[] = {
	{__LINE__, "projects", "select=clients()&clients=not.is.null",
	 "SELECT 1 FROM \"projects\" AS _1 WHERE EXISTS(SELECT 1 FROM "
	 "\"clients\" AS _2 WHERE _2.\"id\"=_1.\"client_id\") ORDER BY "
	 "_1.\"id\""},
	{__LINE__, "projects", "select=clients()&clients=is.null",
	 "SELECT 1 FROM \"projects\" AS _1 WHERE NOT (EXISTS(SELECT 1 FROM "
	 "\"clients\" AS _2 WHERE _2.\"id\"=_1.\"client_id\")) ORDER BY "
	 "_1.\"id\""},
	{__LINE__, "projects", "select=clients!inner(name)&clients.name=eq.a&id=gt.1",
	 "SELECT _1.\"client_id\",_2.\"name\",_2.\"id\" FROM \"projects\" AS _1 LEFT JOIN "
	 "\"clients\" AS _2 ON _2.\"id\"=_1.\"client_id\" AND (_2.\"name\"=?) WHERE EXISTS(SELECT "
	 "1 FROM \"clients\" AS _3 WHERE _3.\"name\"=? AND _3.\"id\"=_1.\"client_id\") AND "
	 "(_1.\"id\">?) ORDER BY _1.\"id\" -- a,a,1"},
	{__LINE__, "clients", "select=projects!inner(id)",
	 "SELECT _1.\"id\" FROM \"clients\" AS _1 WHERE EXISTS(SELECT 1 "
	 "FROM \"projects\" AS _2 WHERE _2.\"client_id\"=_1.\"id\") ORDER "
	 "BY _1.\"id\""},
	{__LINE__, "clients", "select=projects!inner(id)&projects.offset=2&projects.limit=1",
	 "SELECT _1.\"id\" FROM \"clients\" AS _1 WHERE EXISTS(SELECT 1 "
	 "FROM \"projects\" AS _2 WHERE _2.\"client_id\"=_1.\"id\" LIMIT 1 "
	 "OFFSET ?) ORDER BY _1.\"id\" -- 2"},
	{__LINE__, "clients", "select=projects!inner(id)&projects.limit=0",
	 "SELECT _1.\"id\" FROM \"clients\" AS _1 WHERE 0 ORDER BY _1.\"id\""},
	{__LINE__, "clients",
	 "select=id,projects!inner(tasks!inner())&projects.tasks.name=eq.a&"
	 "projects.name=eq.b",
	 "SELECT _1.\"id\" FROM \"clients\" AS _1 WHERE EXISTS(SELECT 1 "
	 "FROM \"projects\" AS _2 WHERE EXISTS(SELECT 1 FROM \"tasks\" AS "
	 "_3 WHERE _3.\"name\"=? AND _3.\"project_id\"=_2.\"id\") AND "
	 "(_2.\"name\"=?) AND _2.\"client_id\"=_1.\"id\") ORDER BY "
	 "_1.\"id\" -- a,b"},
	{__LINE__, "users", "select=tasks!inner()",
	 "SELECT 1 FROM \"users\" AS _1 WHERE EXISTS(SELECT 1 FROM "
	 "\"tasks\" AS _2 JOIN \"users_tasks\" AS _3 ON "
	 "_3.\"task_id\"=_2.\"id\" WHERE _3.\"user_id\"=_1.\"id\") ORDER BY "
	 "_1.\"id\""},
	{__LINE__, "users", "select=tasks!inner()&tasks.name=eq.a",
	 "SELECT 1 FROM \"users\" AS _1 WHERE EXISTS(SELECT 1 FROM "
	 "\"tasks\" AS _2 JOIN \"users_tasks\" AS _3 ON "
	 "_3.\"task_id\"=_2.\"id\" WHERE _2.\"name\"=? AND "
	 "_3.\"user_id\"=_1.\"id\") ORDER BY _1.\"id\" -- a"},
	{__LINE__, "users",
	 "select=tasks!inner(projects!inner(clients!inner()))&"
	 "tasks.projects.clients.id=eq.1",
	 "SELECT _1.\"id\" FROM \"users\" AS _1 WHERE EXISTS(SELECT 1 FROM "
	 "\"tasks\" AS _2 JOIN \"users_tasks\" AS _3 ON "
	 "_3.\"task_id\"=_2.\"id\" WHERE EXISTS(SELECT 1 FROM \"projects\" "
	 "AS _4 WHERE EXISTS(SELECT 1 FROM \"clients\" AS _5 WHERE "
	 "_5.\"id\"=? AND _5.\"id\"=_4.\"client_id\") AND "
	 "_4.\"id\"=_2.\"project_id\") AND _3.\"user_id\"=_1.\"id\") ORDER "
	 "BY _1.\"id\" -- 1"},
	{__LINE__, "organizations", "select=r:referee!inner(id)&r.id=eq.1",
	 "SELECT _1.\"referee\",_2.\"id\",_2.\"id\" FROM \"organizations\" AS _1 LEFT JOIN "
	 "\"organizations\" AS _2 ON _2.\"id\"=_1.\"referee\" AND (_2.\"id\"=?) WHERE "
	 "EXISTS(SELECT 1 FROM \"organizations\" AS _3 WHERE _3.\"id\"=? AND "
	 "_3.\"id\"=_1.\"referee\") ORDER BY _1.\"id\" -- 1,1"},
	{__LINE__, "organizations", "select=c:organizations!referee!inner(id)&c.id=eq.1",
	 "SELECT _1.\"id\" FROM \"organizations\" AS _1 WHERE EXISTS(SELECT "
	 "1 FROM \"organizations\" AS _2 WHERE _2.\"id\"=? AND "
	 "_2.\"referee\"=_1.\"id\") ORDER BY _1.\"id\" -- 1"},
	{__LINE__, "stays", "select=rooms!inner()",
	 "SELECT 1 FROM \"stays\" AS _1 WHERE EXISTS(SELECT 1 FROM "
	 "\"rooms\" AS _2 WHERE _2.\"house\"=_1.\"house\" AND "
	 "_2.\"number\"=_1.\"number\") ORDER BY _1.\"id\""},
	{__LINE__, "rooms", "select=stays!inner()&stays.id=gt.1",
	 "SELECT 1 FROM \"rooms\" AS _1 WHERE EXISTS(SELECT 1 FROM "
	 "\"stays\" AS _2 WHERE _2.\"id\">? AND _2.\"house\"=_1.\"house\" "
	 "AND _2.\"number\"=_1.\"number\") ORDER BY _1.\"house\","
	 "_1.\"number\" -- 1"},
	{__LINE__, "clients", "select=projects()&or=(projects.not.is.null,name.eq.a)",
	 "SELECT 1 FROM \"clients\" AS _1 WHERE EXISTS(SELECT 1 FROM "
	 "\"projects\" AS _2 WHERE _2.\"client_id\"=_1.\"id\") OR "
	 "_1.\"name\"=? ORDER BY _1.\"id\" -- a"},
	{__LINE__, "projects", "select=tasks!inner()&tasks.or=(name.eq.a,id.eq.1)&tasks.name=like.x*",
	 "SELECT 1 FROM \"projects\" AS _1 WHERE EXISTS(SELECT 1 FROM "
	 "\"tasks\" AS _2 WHERE (_2.\"name\"=? OR _2.\"id\"=?) AND "
	 "(_2.\"name\" COLLATE BINARY>=? AND _2.\"name\" COLLATE BINARY<? "
	 "AND rowlock_like(_2.\"name\",?)) AND _2.\"project_id\"=_1.\"id\") "
	 "ORDER BY _1.\"id\" -- a,1,x,y,*"},
	/* the whole statement */
	{__LINE__, "clients",
	 "select=id,projects!inner()&projects.name=eq.a&name=eq.b&"
	 "order=name&limit=2",
	 "SELECT _1.\"id\" FROM \"clients\" AS _1 WHERE EXISTS(SELECT 1 "
	 "FROM \"projects\" AS _2 WHERE _2.\"name\"=? AND "
	 "_2.\"client_id\"=_1.\"id\") AND (_1.\"name\"=?) ORDER BY "
	 "_1.\"name\" NULLS LAST,_1.\"id\" LIMIT ? -- a,b,2"},
	{__LINE__, "projects", "select=id,clients!inner()&order=clients(name)",
	 "SELECT _1.\"id\" FROM \"projects\" AS _1 WHERE EXISTS(SELECT 1 "
	 "FROM \"clients\" AS _2 WHERE _2.\"id\"=_1.\"client_id\") ORDER BY "
	 "(SELECT _3.\"name\" FROM \"clients\" AS _3 WHERE "
	 "_3.\"id\"=_1.\"client_id\") NULLS LAST,_1.\"id\""},
};

static const struct row counts_rows[] = {
	{__LINE__, "people", "", "SELECT count(*) FROM \"people\""},
	{__LINE__, "people", "id=gt.5&limit=2&offset=1&order=id",
	 "SELECT count(*) FROM \"people\" WHERE \"id\">? -- 5"},
	{__LINE__, "things", "select=state,price.sum()&id=gt.5&limit=1",
	 "SELECT count(*) FROM (SELECT \"state\",sum(\"price\") FROM "
	 "\"things\" WHERE \"id\">? GROUP BY 1) -- 5"},
	{__LINE__, "things", "select=count()",
	 "SELECT count(*) FROM (SELECT count(*) FROM \"things\")"},
	{__LINE__, "things", "select=state&distinct=true&limit=3",
	 "SELECT count(*) FROM (SELECT DISTINCT \"state\" FROM \"things\")"},
	{__LINE__, "projects", "select=...clients(name),id.count()&id=gt.1",
	 "SELECT count(*) FROM (SELECT (SELECT _2.\"name\" FROM \"clients\" "
	 "AS _2 WHERE _2.\"id\"=_1.\"client_id\"),count(_1.\"id\") FROM "
	 "\"projects\" AS _1 WHERE _1.\"id\">? GROUP BY 1) -- 1"},
	{__LINE__, "projects", "select=id,clients()&order=clients(name)",
	 "SELECT count(*) FROM \"projects\""},
};

static const struct row embeds_rows[] = {
	{__LINE__, "projects", "select=id,clients(name)",
	 "SELECT \"name\" FROM \"clients\" WHERE \"id\"=? ORDER BY \"id\" -- 70"},
	{__LINE__, "clients",
	 "select=id,projects(id,name)&projects.order=name.desc&"
	 "projects.limit=2&projects.offset=1&projects.name=eq.x",
	 "SELECT \"id\",\"name\" FROM \"projects\" WHERE \"client_id\"=? "
	 "AND (\"name\"=?) ORDER BY \"name\" DESC,\"id\" LIMIT ? OFFSET ? "
	 "-- 70,x,2,1"},
	{__LINE__, "clients", "select=projects(id,tasks(id,users(name)))&projects.tasks.limit=1",
	 "SELECT \"id\" FROM \"projects\" WHERE \"client_id\"=? ORDER BY "
	 "\"id\" -- 70 ; SELECT \"id\" FROM \"tasks\" WHERE "
	 "\"project_id\"=? ORDER BY \"id\" LIMIT ? -- 70,1 ; SELECT "
	 "_1.\"name\" FROM \"users\" AS _1 JOIN \"users_tasks\" AS _2 ON "
	 "_2.\"user_id\"=_1.\"id\" WHERE _2.\"task_id\"=? ORDER BY "
	 "_1.\"id\" -- 70"},
	{__LINE__, "users", "select=name,tasks(name)&tasks.order=name&tasks.limit=3",
	 "SELECT _1.\"name\" FROM \"tasks\" AS _1 JOIN \"users_tasks\" AS "
	 "_2 ON _2.\"task_id\"=_1.\"id\" WHERE _2.\"user_id\"=? ORDER BY "
	 "_1.\"name\" NULLS LAST,_1.\"id\" LIMIT ? -- 70,3"},
	{__LINE__, "users", "select=tasks(name)&tasks.name=like.a*&tasks.id=gt.5",
	 "SELECT _1.\"name\" FROM \"tasks\" AS _1 JOIN \"users_tasks\" AS "
	 "_2 ON _2.\"task_id\"=_1.\"id\" WHERE _2.\"user_id\"=? AND "
	 "((_1.\"name\" COLLATE BINARY>=? AND _1.\"name\" COLLATE BINARY<? "
	 "AND rowlock_like(_1.\"name\",?)) AND _1.\"id\">?) ORDER BY "
	 "_1.\"id\" -- 70,a,b,*,5"},
	{__LINE__, "tasks", "select=users(name)&users.or=(id.eq.1,id.eq.2)",
	 "SELECT _1.\"name\" FROM \"users\" AS _1 JOIN \"users_tasks\" AS "
	 "_2 ON _2.\"user_id\"=_1.\"id\" WHERE _2.\"task_id\"=? AND "
	 "(_1.\"id\"=? OR _1.\"id\"=?) ORDER BY _1.\"id\" -- 70,1,2"},
	{__LINE__, "projects", "select=details(note)",
	 "SELECT \"note\" FROM \"details\" WHERE \"project_id\"=? ORDER BY "
	 "\"project_id\" -- 70"},
	{__LINE__, "details", "select=projects(name)",
	 "SELECT \"name\" FROM \"projects\" WHERE \"id\"=? ORDER BY \"id\" -- 70"},
	{__LINE__, "organizations", "select=id,referee(id),auditor(id)",
	 "SELECT \"id\" FROM \"organizations\" WHERE \"id\"=? ORDER BY "
	 "\"id\" -- 70 ; SELECT \"id\" FROM \"organizations\" WHERE "
	 "\"id\"=? ORDER BY \"id\" -- 70"},
	{__LINE__, "organizations", "select=c:organizations!referee(id,a:organizations!auditor(id))",
	 "SELECT \"id\" FROM \"organizations\" WHERE \"referee\"=? ORDER BY "
	 "\"id\" -- 70 ; SELECT \"id\" FROM \"organizations\" WHERE "
	 "\"auditor\"=? ORDER BY \"id\" -- 70"},
	{__LINE__, "stays", "select=rooms(*)",
	 "SELECT \"house\",\"number\" FROM \"rooms\" WHERE \"house\"=? AND "
	 "\"number\"=? ORDER BY \"house\",\"number\" -- 70,71"},
	{__LINE__, "rooms", "select=stays(id)",
	 "SELECT \"id\" FROM \"stays\" WHERE \"house\"=? AND \"number\"=? "
	 "ORDER BY \"id\" -- 70,71"},
	{__LINE__, "orders", "select=b:addresses!billing(street),s:addresses!shipping(street)",
	 "SELECT \"street\" FROM \"addresses\" WHERE \"id\"=? ORDER BY "
	 "\"id\" -- 70 ; SELECT \"street\" FROM \"addresses\" WHERE "
	 "\"id\"=? ORDER BY \"id\" -- 70"},
	{__LINE__, "projects", "select=id,...clients(client:name)",
	 "SELECT \"name\" FROM \"clients\" WHERE \"id\"=? ORDER BY \"id\" -- 70"},
	{__LINE__, "clients", "select=...projects(name)&projects.order=name",
	 "SELECT \"name\" FROM \"projects\" WHERE \"client_id\"=? ORDER BY "
	 "\"name\",\"id\" -- 70"},
	{__LINE__, "users", "select=...tasks(name)",
	 "SELECT _1.\"name\" FROM \"tasks\" AS _1 JOIN \"users_tasks\" AS "
	 "_2 ON _2.\"task_id\"=_1.\"id\" WHERE _2.\"user_id\"=? ORDER BY "
	 "_1.\"id\" -- 70"},
	{__LINE__, "clients", "select=projects(count())",
	 "SELECT count(*) FROM \"projects\" WHERE \"client_id\"=? -- 70"},
	{__LINE__, "clients", "select=projects(done,budget.sum())&projects.done=is.not_null",
	 "SELECT \"done\",sum(\"budget\") FROM \"projects\" WHERE "
	 "\"client_id\"=? AND (\"done\" IS NOT NULL) GROUP BY 1 ORDER BY 1 "
	 "NULLS LAST -- 70"},
	{__LINE__, "users", "select=tasks(count(),project_id)",
	 "SELECT count(*),_1.\"project_id\" FROM \"tasks\" AS _1 JOIN "
	 "\"users_tasks\" AS _2 ON _2.\"task_id\"=_1.\"id\" WHERE "
	 "_2.\"user_id\"=? GROUP BY 2 ORDER BY 2 NULLS LAST -- 70"},
	{__LINE__, "clients", "select=projects(id,tasks!inner())&projects.tasks.name=eq.x",
	 "SELECT _1.\"id\" FROM \"projects\" AS _1 WHERE _1.\"client_id\"=? "
	 "AND (EXISTS(SELECT 1 FROM \"tasks\" AS _2 WHERE _2.\"name\"=? AND "
	 "_2.\"project_id\"=_1.\"id\")) ORDER BY _1.\"id\" -- 70,x"},
	{__LINE__, "clients", "select=projects(id,details())&projects.order=details(note)",
	 "SELECT _1.\"id\" FROM \"projects\" AS _1 WHERE _1.\"client_id\"=? "
	 "ORDER BY (SELECT _2.\"note\" FROM \"details\" AS _2 WHERE "
	 "_2.\"project_id\"=_1.\"id\") NULLS LAST,_1.\"id\" -- 70"},
	{__LINE__, "clients", "select=projects(data->a,share::text)",
	 "SELECT rowlock_json(\"data\",?),rowlock_cast(\"share\",?,?) FROM "
	 "\"projects\" WHERE \"client_id\"=? ORDER BY \"id\" -- *,*,*,70"},
	{__LINE__, "clients", "select=projects(...details(note),id.count())",
	 "SELECT (SELECT _2.\"note\" FROM \"details\" AS _2 WHERE "
	 "_2.\"project_id\"=_1.\"id\"),count(_1.\"id\") FROM \"projects\" "
	 "AS _1 WHERE _1.\"client_id\"=? GROUP BY 1 ORDER BY 1 NULLS LAST "
	 "-- 70"},
};

/* ---- runs ---- */

#define RUN(rows, write) run((rows), sizeof(rows) / sizeof((rows)[0]), (write))

/* Writes the statements of one query into bed->got. */
typedef void write_all(struct sql_bed *bed, const struct query *query, struct buf *all);

static void run(const struct row *rows, size_t count, write_all *write)
{
	enum { TEXT_BYTES = 1 << 20 };
	struct sql_bed bed;
	struct buf all;
	sql_bed_begin(&bed);
	buf_init(&all, TEXT_BYTES);
	for (size_t i = 0; i < count; i++) {
		struct query query;
		sql_bed_query(&bed, rows[i].query, QUERY_LIST, rows[i].resource, &query);
		buf_clear(&all);
		write(&bed, &query, &all);
		test_equal(rows[i].line, rows[i].query, &all, rows[i].want);
	}
	buf_finish(&all);
	sql_bed_end(&bed);
}

static void write_select(struct sql_bed *bed, const struct query *query, struct buf *all)
{
	sql_bed_write(bed, query);
	sql_bed_look(bed, query->resource);
	buf_append(all, buf_str(&bed->got));
}

static void write_count(struct sql_bed *bed, const struct query *query, struct buf *all)
{
	sql_clear(&bed->sql);
	sql_count(&bed->sql, query);
	sql_bed_look(bed, query->resource);
	buf_append(all, buf_str(&bed->got));
}

/* The statement of each embed, parents first, for a row whose keys are 70 and 71. */
static void write_embeds(struct sql_bed *bed, const struct query *query, struct buf *all)
{
	static const struct value keys[] = {
		{.kind = VALUE_INTEGER, .integer = 70},
		{.kind = VALUE_INTEGER, .integer = 71},
	};
	for (size_t i = 0; i < query->column_count; i++) {
		const struct query_embed *embed = query->columns[i].embed;
		if (embed != NULL) {
			sql_clear(&bed->sql);
			sql_embed(&bed->sql, embed, keys);
			for (size_t k = 0; k < embed->relation->from_fields.count; k++) {
				assert_ptr_equal(bed->sql.params[bed->sql.keys_at + k].value, &keys[k]);
			}
			sql_bed_look(bed, query->resource);
			buf_append(all, all->len > 0 ? STR(" ; ") : STR(""));
			buf_append(all, buf_str(&bed->got));
			write_embeds(bed, &embed->query, all);
		}
	}
}

static void test_select(void **state)
{
	(void)state;
	RUN(select_rows, write_select);
}

static void test_where(void **state)
{
	(void)state;
	RUN(where_rows, write_count);
}

static void test_exists(void **state)
{
	(void)state;
	RUN(exists_rows, write_select);
}

static void test_counts(void **state)
{
	(void)state;
	RUN(counts_rows, write_count);
}

static void test_embeds(void **state)
{
	(void)state;
	RUN(embeds_rows, write_embeds);
}

/* One row by its key has no order and no range. */
static void test_get(void **state)
{
	(void)state;
	struct sql_bed bed;
	struct query query;
	sql_bed_begin(&bed);
	sql_bed_query(&bed, "select=id,data->a&id=eq.5", QUERY_GET, "things", &query);
	sql_bed_write(&bed, &query);
	sql_bed_look(&bed, query.resource);
	test_equal(__LINE__, "get", &bed.got,
			   "SELECT \"id\",rowlock_json(\"data\",?) FROM \"things\" WHERE \"id\"=? -- *,5");
	sql_bed_end(&bed);
}

/* More values of its own than one chunk holds stay where they are. */
static void test_many_made(void **state)
{
	(void)state;
	struct sql_bed bed;
	struct query query;
	struct buf text;
	sql_bed_begin(&bed);
	buf_init(&text, 1 << 16);
	buf_append(&text, STR("select=data->>k0"));
	for (int i = 1; i < 100; i++) {
		buf_printf(&text, ",k%d:data->>k%d", i, i);
	}
	buf_append_byte(&text, '\0');
	sql_bed_query(&bed, text.ptr, QUERY_LIST, "things", &query);
	for (int round = 0; round < 2; round++) {
		sql_bed_write(&bed, &query);
		assert_int_equal(bed.sql.param_count, 100);
		for (size_t i = 0; i < 100; i++) {
			assert_int_equal(bed.sql.params[i].value->kind, VALUE_POINTER);
			assert_ptr_equal(bed.sql.params[i].value->pointer, query.fetch[i].term.path);
		}
	}
	buf_finish(&text);
	sql_bed_end(&bed);
}

static void test_too_long(void **state)
{
	(void)state;
	struct sql_bed bed;
	struct query query;
	struct sql sql;
	sql_bed_begin(&bed);
	sql_init(&sql, &sql_dialect_sqlite, 20);
	sql_bed_query(&bed, "id=eq.5", QUERY_LIST, "people", &query);
	sql_select(&sql, &query);
	assert_true(sql.text.failed);
	sql_clear(&sql);
	assert_false(sql.text.failed);
	sql_finish(&sql);
	sql_finish(NULL);
	sql_bed_end(&bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_select),    cmocka_unit_test(test_where),
		cmocka_unit_test(test_exists),    cmocka_unit_test(test_counts),
		cmocka_unit_test(test_embeds),    cmocka_unit_test(test_get),
		cmocka_unit_test(test_many_made), cmocka_unit_test(test_too_long),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
