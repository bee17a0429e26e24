/*
 * MariaDB's texts. With ROWLOCK_TEST_MARIADB each of them also runs on a server.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "query/check_test_help.h"
#include "rowlock_config.h"
#include "sql/maria.h"
#include "sql/sql_test_help.h"
#if HAVE_MARIADB
#include "sql/maria_test_help.h"
#endif

enum { TEXT_BYTES = 1 << 22, PARENTS = 3 };

enum what {
	SELECT,
	COUNT,
	EMBED,
	MANY,    /* an embed of three parents */
	CLASSES, /* of two names */
	INSERT,
	MEET, /* INSERT … ON DUPLICATE KEY UPDATE */
	MEET_IGNORED,
	MERGE,
	UPDATE,
	DELETE,
	LOCK,
	LOCK_TALLY,
	REFUSED, /* a SELECT that cannot be said */
};

struct row {
	int line;
	enum what what;
	const char *resource;
	const char *query;
	const char *row;
	const char *want; /* NULL: it only has to run */
};

struct bed {
	struct sql_bed sql;
#if HAVE_MARIADB
	bool live;
	struct maria_bed servers[SQL_BED_MODELS];
#endif
};

static void begin(struct bed *bed)
{
	sql_bed_begin(&bed->sql);
	sql_finish(&bed->sql.sql);
	sql_init(&bed->sql.sql, &sql_dialect_maria, TEXT_BYTES);
#if HAVE_MARIADB
	static const char *const names[SQL_BED_MODELS] = {"rowlock_text_test", "rowlock_text_test2"};
	for (size_t i = 0; i < SQL_BED_MODELS; i++) {
		bed->live = maria_bed_begin(&bed->servers[i], names[i]);
		if (bed->live) {
			maria_bed_make(&bed->servers[i], bed->sql.models[i]);
		}
	}
#endif
}

static void end(struct bed *bed)
{
	sql_bed_end(&bed->sql);
#if HAVE_MARIADB
	for (size_t i = 0; bed->live && i < SQL_BED_MODELS; i++) {
		maria_bed_end(&bed->servers[i]);
	}
#endif
}

/* On the server, when there is one; undone. */
static void run(struct bed *bed, const struct resource *resource)
{
#if HAVE_MARIADB
	static const unsigned refused[] = {0, 1062, 1364, 1452, 4025};
	struct sql_bed *sql = &bed->sql;
	size_t number = model_resource(sql->models[0], resource->name) == resource ? 0 : 1;
	if (!bed->live) {
		return;
	}
	struct maria_bed *server = &bed->servers[number];
	maria_bed_do(server, "BEGIN");
	maria_bed_run(server, &sql->sql);
	maria_bed_do(server, "ROLLBACK");
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		if (server->code == refused[i]) {
			return;
		}
	}
	fail_msg("%.*s\n%u %.*s", STR_ARG(buf_str(&sql->sql.text)), server->code,
			 STR_ARG(buf_str(&server->got)));
#else
	(void)bed;
	(void)resource;
#endif
}

static const struct query_embed *first_embed(const struct query *query)
{
	for (size_t i = 0; i < query->column_count; i++) {
		if (query->columns[i].embed != NULL) {
			return query->columns[i].embed;
		}
	}
	fail_msg("nothing is embedded");
	return NULL;
}

static enum query_action action_of(enum what what)
{
	switch (what) {
	case INSERT:
		return QUERY_INSERT;
	case MEET:
	case MEET_IGNORED:
	case MERGE:
		return QUERY_UPSERT;
	case UPDATE:
		return QUERY_UPDATE;
	case DELETE:
	case LOCK:
	case LOCK_TALLY:
		return QUERY_DELETE;
	case SELECT:
	case COUNT:
	case EMBED:
	case MANY:
	case CLASSES:
	case REFUSED:
		break;
	}
	return QUERY_LIST;
}

/* The keys of three parents: 1, 2 … */
static const struct value *make_keys(struct bed *bed, const struct query_embed *embed)
{
	size_t count = embed->relation->from_fields.count;
	struct value *keys = ARENA_ARRAY(&bed->sql.arena, PARENTS * count, struct value);
	for (size_t i = 0; i < PARENTS * count; i++) {
		const struct field *field = embed->relation->from_fields.items[i % count];
		keys[i] = (struct value){.kind = VALUE_INTEGER, .integer = (int64_t)i + 1};
		if (field->type == TYPE_TEXT) {
			keys[i] = (struct value){
				.kind = VALUE_TEXT,
				.text = arena_printf(&bed->sql.arena, "h%zu", i + 1),
			};
		}
	}
	return keys;
}

static void write(struct bed *bed, enum what what, const struct query *query)
{
	static const struct value names[] = {
		{.kind = VALUE_TEXT, .text = STR_INIT("a")},
		{.kind = VALUE_TEXT, .text = STR_INIT("A")},
	};
	struct sql *sql = &bed->sql.sql;
	sql_clear(sql);
	switch (what) {
	case SELECT:
	case INSERT:
	case UPDATE:
	case DELETE:
	case REFUSED:
		sql_bed_write(&bed->sql, query);
		return;
	case COUNT:
		sql_count(sql, query);
		return;
	case EMBED:
		sql_embed(sql, first_embed(query), make_keys(bed, first_embed(query)));
		return;
	case MANY:
		sql_embed_many(sql, first_embed(query), make_keys(bed, first_embed(query)), PARENTS);
		return;
	case MEET:
	case MEET_IGNORED:
		sql_insert_or_update(sql, query, query->values);
		return;
	case MERGE:
		sql_merge(sql, query, query->values);
		return;
	case LOCK:
		sql_select_for_update(sql, query);
		return;
	case CLASSES:
		sql_classes(sql, query->resource, resource_field(query->resource, STR("name")), names, 2);
		return;
	case LOCK_TALLY:
		assert_true(sql_tally_lock(sql, query->resource->tallies[0], query));
		return;
	}
}

static void look(struct bed *bed)
{
	static const struct field any = {.type = TYPE_TEXT};
	const struct sql *sql = &bed->sql.sql;
	struct buf *got = &bed->sql.got;
	assert_false(sql->text.failed);
	buf_clear(got);
	if (sql->unsupported != NULL) {
		buf_append(got, str_from(sql->unsupported));
		return;
	}
	buf_append(got, buf_str(&sql->text));
	for (size_t i = 0; i < sql->param_count; i++) {
		const struct value *value = sql->params[i].value;
		buf_append(got, i == 0 ? STR(" -- ") : STR(","));
		if (value->kind == VALUE_NULL) {
			buf_append(got, STR("NULL"));
		} else {
			struct str text = STR("");
			struct buf shown;
			buf_init(&shown, TEXT_BYTES);
			value_write_text(&shown, &any, value);
			text = buf_str(&shown);
			buf_append(got, str_slice(text, 0, text.len < 32 ? text.len : 32));
			buf_finish(&shown);
		}
	}
}

static void check(struct bed *bed, const struct row *row)
{
	struct query query;
	sql_bed_query(&bed->sql, row->query, action_of(row->what), row->resource, &query);
	query.resolution = row->what == MEET_IGNORED ? RESOLUTION_IGNORE : RESOLUTION_MERGE;
	if (query.conflict.count == 0) {
		query.conflict = query.resource->key;
	}
	if (row->row != NULL) {
		sql_bed_give(&bed->sql, row->row, &query);
	}
	write(bed, row->what, &query);
	look(bed);
	if (getenv("SHOW") != NULL) {
		print_message("@@%d@@%.*s\n", row->line, STR_ARG(buf_str(&bed->sql.got)));
	} else if (row->want != NULL) {
		test_equal(row->line, row->query, &bed->sql.got, row->want);
	}
	if (row->what != REFUSED) {
		run(bed, query.resource);
	}
}

static void check_all(const struct row *rows, size_t count)
{
	struct bed bed;
	begin(&bed);
	for (size_t i = 0; i < count; i++) {
		check(&bed, &rows[i]);
	}
	end(&bed);
}

static const struct row select_rows[] = {
	{__LINE__, SELECT, "people", "", NULL, "SELECT `id` FROM `people` ORDER BY `id`"},
	{__LINE__, SELECT, "things", "select=id&order=note", NULL,
	 "SELECT `id` FROM `things` ORDER BY `note` IS NULL,`note`,`id`"},
	{__LINE__, SELECT, "things", "select=id&order=note.desc", NULL,
	 "SELECT `id` FROM `things` ORDER BY `note` IS NULL DESC,`note` DESC,`id`"},
	{__LINE__, SELECT, "things", "select=id&order=note.nullsfirst,id.desc", NULL,
	 "SELECT `id` FROM `things` ORDER BY `note`,`id` DESC"},
	{__LINE__, SELECT, "things", "select=id&order=note.desc.nullslast&limit=2", NULL,
	 "SELECT `id` FROM `things` ORDER BY `note` DESC,`id` LIMIT ? -- 2"},
	{__LINE__, SELECT, "things", "select=id&limit=2&offset=3", NULL,
	 "SELECT `id` FROM `things` ORDER BY `id` LIMIT ? OFFSET ? -- 2,3"},
	{__LINE__, SELECT, "things", "select=id&offset=3", NULL,
	 "SELECT `id` FROM `things` ORDER BY `id` LIMIT ? OFFSET ? -- 9223372036854775807,3"},
	{__LINE__, SELECT, "things", "select=\"odd \\\"key\"&\"odd \\\"key\"=eq.x", NULL,
	 "SELECT `odd \"key` FROM `things` WHERE `odd \"key`=? ORDER BY `id` -- x"},
	{__LINE__, SELECT, "loose", "select=b&order=a", NULL,
	 "SELECT `b` FROM `loose` ORDER BY `a` IS NULL,`a`"},
	{__LINE__, SELECT, "counts", "user_id=eq.1", NULL,
	 "SELECT `user_id`,`rating_type`,`count` FROM `counts` WHERE `user_id`=? AND `coun"
	 "t`>? ORDER BY `user_id`,`rating_type` -- 1,0"},
	/* paths and casts */
	{__LINE__, SELECT, "things", "select=data->a->>b", NULL,
	 "SELECT JSON_UNQUOTE(NULLIF(JSON_COMPACT(IF(LOCATE(CHAR(92),`data`)=0,JSON_EXTRAC"
	 "T(`data`,?),JSON_EXTRACT(JSON_EXTRACT(JSON_EXTRACT(JSON_EXTRACT(`data`,'$.*'),JS"
	 "ON_UNQUOTE(JSON_SEARCH(JSON_KEYS(`data`) COLLATE utf8mb4_nopad_bin,'one',?))),'$"
	 ".*'),JSON_UNQUOTE(JSON_SEARCH(JSON_KEYS(JSON_EXTRACT(JSON_EXTRACT(`data`,'$.*'),"
	 "JSON_UNQUOTE(JSON_SEARCH(JSON_KEYS(`data`) COLLATE utf8mb4_nopad_bin,'one',?))))"
	 " COLLATE utf8mb4_nopad_bin,'one',?))))),'null')) COLLATE utf8mb4_nopad_bin FROM "
	 "`things` ORDER BY `id` -- $.\"a\".\"b\",a,a,b"},
	{__LINE__, SELECT, "things", "select=x:data->-1", NULL,
	 "SELECT JSON_COMPACT(IF(JSON_TYPE(`data`)='ARRAY',JSON_EXTRACT(`data`,CONCAT(?,LE"
	 "FT(`data`,0))),JSON_EXTRACT(JSON_EXTRACT(`data`,'$.*'),JSON_UNQUOTE(JSON_SEARCH("
	 "JSON_KEYS(`data`) COLLATE utf8mb4_nopad_bin,'one',?))))) COLLATE utf8mb4_nopad_b"
	 "in FROM `things` ORDER BY `id` -- $[-1],-1"},
	{__LINE__, SELECT, "things", "select=x:data->>2", NULL,
	 "SELECT JSON_UNQUOTE(NULLIF(JSON_COMPACT(IF(JSON_TYPE(`data`)='ARRAY',JSON_EXTRAC"
	 "T(`data`,?),JSON_EXTRACT(JSON_EXTRACT(`data`,'$.*'),JSON_UNQUOTE(JSON_SEARCH(JSO"
	 "N_KEYS(`data`) COLLATE utf8mb4_nopad_bin,'one',?))))),'null')) COLLATE utf8mb4_n"
	 "opad_bin FROM `things` ORDER BY `id` -- $[2],2"},
	{__LINE__, SELECT, "things", "select=id::text,name,x:data->b::int", NULL,
	 "SELECT `id`,`name`,JSON_COMPACT(IF(LOCATE(CHAR(92),`data`)=0,JSON_EXTRACT(`data`"
	 ",?),JSON_EXTRACT(JSON_EXTRACT(`data`,'$.*'),JSON_UNQUOTE(JSON_SEARCH(JSON_KEYS(`"
	 "data`) COLLATE utf8mb4_nopad_bin,'one',?))))) COLLATE utf8mb4_nopad_bin FROM `th"
	 "ings` ORDER BY `id` -- $.\"b\",b"},
	{__LINE__, SELECT, "things", "select=id&order=data->>a.desc", NULL,
	 "SELECT `id` FROM `things` ORDER BY JSON_UNQUOTE(NULLIF(JSON_COMPACT(IF(LOCATE(CH"
	 "AR(92),`data`)=0,JSON_EXTRACT(`data`,?),JSON_EXTRACT(JSON_EXTRACT(`data`,'$.*'),"
	 "JSON_UNQUOTE(JSON_SEARCH(JSON_KEYS(`data`) COLLATE utf8mb4_nopad_bin,'one',?))))"
	 "),'null')) COLLATE utf8mb4_nopad_bin IS NULL DESC,JSON_UNQUOTE(NULLIF(JSON_COMPA"
	 "CT(IF(LOCATE(CHAR(92),`data`)=0,JSON_EXTRACT(`data`,?),JSON_EXTRACT(JSON_EXTRACT"
	 "(`data`,'$.*'),JSON_UNQUOTE(JSON_SEARCH(JSON_KEYS(`data`) COLLATE utf8mb4_nopad_"
	 "bin,'one',?))))),'null')) COLLATE utf8mb4_nopad_bin DESC,`id` -- $.\"a\",a,$.\"a"
	 "\",a"},
	{__LINE__, SELECT, "things", "select=id&data->>a=eq.x&data->b=in.(1,2)&data->c=is.null", NULL,
	 "SELECT `id` FROM `things` WHERE JSON_UNQUOTE(NULLIF(JSON_COMPACT(IF(LOCATE(CHAR("
	 "92),`data`)=0,JSON_EXTRACT(`data`,?),JSON_EXTRACT(JSON_EXTRACT(`data`,'$.*'),JSO"
	 "N_UNQUOTE(JSON_SEARCH(JSON_KEYS(`data`) COLLATE utf8mb4_nopad_bin,'one',?))))),'"
	 "null')) COLLATE utf8mb4_nopad_bin=? AND JSON_COMPACT(IF(LOCATE(CHAR(92),`data`)="
	 "0,JSON_EXTRACT(`data`,?),JSON_EXTRACT(JSON_EXTRACT(`data`,'$.*'),JSON_UNQUOTE(JS"
	 "ON_SEARCH(JSON_KEYS(`data`) COLLATE utf8mb4_nopad_bin,'one',?))))) COLLATE utf8m"
	 "b4_nopad_bin IN (?,?) AND JSON_COMPACT(IF(LOCATE(CHAR(92),`data`)=0,JSON_EXTRACT"
	 "(`data`,?),JSON_EXTRACT(JSON_EXTRACT(`data`,'$.*'),JSON_UNQUOTE(JSON_SEARCH(JSON"
	 "_KEYS(`data`) COLLATE utf8mb4_nopad_bin,'one',?))))) COLLATE utf8mb4_nopad_bin I"
	 "S NULL ORDER BY `id` -- $.\"a\",a,x,$.\"b\",b,1,2,$.\"c\",c"},
	{__LINE__, REFUSED, "things", "select=data->1->1->1->1->1", NULL, "A path of so many steps"},
	{__LINE__, SELECT, "things", "select=x:data->1->1->1->1", NULL, NULL},
	/* groups */
	{__LINE__, SELECT, "things", "select=count()", NULL, "SELECT count(*) FROM `things`"},
	{__LINE__, SELECT, "things", "select=count()::text", NULL, "SELECT count(*) FROM `things`"},
	{__LINE__, SELECT, "things",
	 "select=state,price.sum(),price.avg(),s:share.avg()::int,born.max(),i:id.avg()", NULL,
	 "SELECT * FROM (SELECT `state` AS _c1,sum(`price`) AS _c2,AVG(CAST(`price`*100 AS"
	 " DOUBLE))/100.0 AS _c3,AVG(CAST(`share` AS DOUBLE)) AS _c4,max(`born`) AS _c5,AV"
	 "G(CAST(`id` AS DOUBLE)) AS _c6 FROM `things` GROUP BY 1) AS _0 ORDER BY _c1 IS N"
	 "ULL,_c1"},
	{__LINE__, SELECT, "things", "select=owner,id::text.max()::text,data->>a&order=owner.desc",
	 NULL,
	 "SELECT * FROM (SELECT `owner` AS _c1,max(CAST(`id` AS CHAR) COLLATE utf8mb4_nopa"
	 "d_bin) AS _c2,JSON_UNQUOTE(NULLIF(JSON_COMPACT(IF(LOCATE(CHAR(92),`data`)=0,JSON"
	 "_EXTRACT(`data`,?),JSON_EXTRACT(JSON_EXTRACT(`data`,'$.*'),JSON_UNQUOTE(JSON_SEA"
	 "RCH(JSON_KEYS(`data`) COLLATE utf8mb4_nopad_bin,'one',?))))),'null')) COLLATE ut"
	 "f8mb4_nopad_bin AS _c3 FROM `things` GROUP BY 1,3) AS _0 ORDER BY _c1 IS NULL DE"
	 "SC,_c1 DESC,_c3 IS NULL,_c3 -- $.\"a\",a"},
	{__LINE__, SELECT, "things", "select=done::text.max(),id::number.sum(),ref::text.min()", NULL,
	 "SELECT max(ELT(1+(`done`<>0),'false','true') COLLATE utf8mb4_nopad_bin),sum(CAST"
	 "(`id` AS DOUBLE)),min(CONVERT(`ref` USING utf8mb4) COLLATE utf8mb4_nopad_bin) FR"
	 "OM `things`"},
	{__LINE__, REFUSED, "things", "select=price::text.max()", NULL,
	 "A cast of values that are grouped, aggregated or distinct"},
	{__LINE__, REFUSED, "things", "select=note::int.sum()", NULL,
	 "A cast of values that are grouped, aggregated or distinct"},
	{__LINE__, SELECT, "things", "select=x:id.sum(),state,note&order=note.desc&limit=3", NULL,
	 "SELECT * FROM (SELECT sum(`id`) AS _c1,`state` AS _c2,`note` AS _c3 FROM `things"
	 "` GROUP BY 2,3) AS _0 ORDER BY _c3 IS NULL DESC,_c3 DESC,_c2 IS NULL,_c2 LIMIT ?"
	 " -- 3"},
	{__LINE__, SELECT, "things", "select=state&distinct=true", NULL,
	 "SELECT * FROM (SELECT DISTINCT `state` AS _c1 FROM `things`) AS _0 ORDER BY _c1 "
	 "IS NULL,_c1"},
	{__LINE__, SELECT, "things", "select=id,name&distinct=true&limit=2&order=name.desc", NULL,
	 "SELECT * FROM (SELECT DISTINCT `id` AS _c1,`name` AS _c2 FROM `things`) AS _0 OR"
	 "DER BY _c2 IS NULL DESC,_c2 DESC,_c1 IS NULL,_c1 LIMIT ? -- 2"},
	{__LINE__, SELECT, "things", "select=s:id::text&distinct=true", NULL,
	 "SELECT * FROM (SELECT DISTINCT CAST(`id` AS CHAR) COLLATE utf8mb4_nopad_bin AS _"
	 "c1 FROM `things`) AS _0 ORDER BY _c1 IS NULL,_c1"},
	{__LINE__, REFUSED, "things", "select=s:share::text&distinct=true", NULL,
	 "A cast of values that are grouped, aggregated or distinct"},
	{__LINE__, COUNT, "things", "select=state&distinct=true", NULL,
	 "SELECT count(*) FROM (SELECT DISTINCT `state` AS _c1 FROM `things`) AS _0"},
	{__LINE__, COUNT, "things", "select=state,count()&id=gt.5", NULL,
	 "SELECT count(*) FROM (SELECT `state` AS _c1,count(*) AS _c2 FROM `things` WHERE "
	 "`id`>? GROUP BY 1) AS _0 -- 5"},
	{__LINE__, COUNT, "projects", "select=id,clients!inner(id)&clients.name=eq.x", NULL,
	 "SELECT count(*) FROM `projects` AS _1 WHERE EXISTS(SELECT 1 FROM `clients` AS _2"
	 " WHERE _2.`name`=? AND _2.`id`=_1.`client_id`) -- x"},
	/* terms of other rows */
	{__LINE__, SELECT, "projects", "select=id,clients()&order=clients(name).desc", NULL,
	 "SELECT _1.`id` FROM `projects` AS _1 ORDER BY (SELECT _2.`name` FROM `clients` A"
	 "S _2 WHERE _2.`id`=_1.`client_id`) IS NULL DESC,(SELECT _3.`name` FROM `clients`"
	 " AS _3 WHERE _3.`id`=_1.`client_id`) DESC,_1.`id`"},
	{__LINE__, SELECT, "projects", "select=name,...clients(client:name)", NULL,
	 "SELECT `name`,`client_id` FROM `projects` ORDER BY `id`"},
	{__LINE__, SELECT, "projects", "select=...clients(name),id.count()", NULL,
	 "SELECT * FROM (SELECT (SELECT _2.`name` FROM `clients` AS _2 WHERE _2.`id`=_1.`c"
	 "lient_id`) AS _c1,count(_1.`id`) AS _c2 FROM `projects` AS _1 GROUP BY 1) AS _0 "
	 "ORDER BY _c1 IS NULL,_c1"},
	{__LINE__, SELECT, "tasks", "select=id.sum(),...projects(data->>x)", NULL,
	 "SELECT * FROM (SELECT sum(_1.`id`) AS _c1,(SELECT JSON_UNQUOTE(NULLIF(JSON_COMPA"
	 "CT(IF(LOCATE(CHAR(92),_2.`data`)=0,JSON_EXTRACT(_2.`data`,?),JSON_EXTRACT(JSON_E"
	 "XTRACT(_2.`data`,'$.*'),JSON_UNQUOTE(JSON_SEARCH(JSON_KEYS(_2.`data`) COLLATE ut"
	 "f8mb4_nopad_bin,'one',?))))),'null')) COLLATE utf8mb4_nopad_bin FROM `projects` "
	 "AS _2 WHERE _2.`id`=_1.`project_id`) AS _c2 FROM `tasks` AS _1 GROUP BY 2) AS _0"
	 " ORDER BY _c2 IS NULL,_c2 -- $.\"x\",x"},
	{__LINE__, SELECT, "projects", "select=id,tasks!inner()&tasks.offset=2&tasks.limit=1", NULL,
	 "SELECT _1.`id` FROM `projects` AS _1 WHERE EXISTS(SELECT 1 FROM `tasks` AS _2 WH"
	 "ERE _2.`project_id`=_1.`id` LIMIT 1 OFFSET ?) ORDER BY _1.`id` -- 2"},
	{__LINE__, SELECT, "users", "select=id,tasks!inner(id)&tasks.name=like.a*", NULL,
	 "SELECT _1.`id` FROM `users` AS _1 WHERE EXISTS(SELECT 1 FROM `tasks` AS _2 JOIN "
	 "`users_tasks` AS _3 ON _3.`task_id`=_2.`id` WHERE (_2.`name` LIKE ? ESCAPE '!' A"
	 "ND CONVERT(_2.`name` USING utf8mb4) COLLATE utf8mb4_nopad_bin LIKE ? ESCAPE '!')"
	 " AND _3.`user_id`=_1.`id`) ORDER BY _1.`id` -- a%,a%"},
};

static void test_selects(void **state)
{
	(void)state;
	check_all(select_rows, sizeof(select_rows) / sizeof(select_rows[0]));
}

static const struct row condition_rows[] = {
	{__LINE__, SELECT, "things", "select=id&note=eq.x&name=neq.y&price=gte.1.50&share=lt.2", NULL,
	 "SELECT `id` FROM `things` WHERE `note`=? AND `name`<>? AND `price`>=? AND `share"
	 "`<? ORDER BY `id` -- x,y,150,2"},
	{__LINE__, SELECT, "things", "select=id&note=isdistinct.x&born=isdistinct.5", NULL,
	 "SELECT `id` FROM `things` WHERE NOT (`note`<=>?) AND NOT (`born`<=>?) ORDER BY `"
	 "id` -- x,5"},
	{__LINE__, SELECT, "things", "select=id&note=not.isdistinct.x", NULL,
	 "SELECT `id` FROM `things` WHERE NOT (NOT (`note`<=>?)) ORDER BY `id` -- x"},
	{__LINE__, SELECT, "things", "select=id&done=is.true&note=is.null&done=not.is.unknown", NULL,
	 "SELECT `id` FROM `things` WHERE `done` IS TRUE AND `note` IS NULL AND NOT (`done"
	 "` IS NULL) ORDER BY `id`"},
	{__LINE__, SELECT, "things", "select=id&id=in.(1,2,3,4,5,6,7,8,9)&name=in.()", NULL,
	 "SELECT `id` FROM `things` WHERE `id` IN (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) AND 0 "
	 "ORDER BY `id` -- 1,2,3,4,5,6,7,8,9,9,9,9,9,9,9,9"},
	{__LINE__, SELECT, "things", "select=id&note=like.a*b_c%5C%25!", NULL,
	 "SELECT `id` FROM `things` WHERE (`note` LIKE ? ESCAPE '!' AND CONVERT(`note` USI"
	 "NG utf8mb4) COLLATE utf8mb4_nopad_bin LIKE ? ESCAPE '!') ORDER BY `id` -- a%b_c!"
	 "%!!,a%b_c!%!!"},
	{__LINE__, SELECT, "things", "select=id&note=like.*b", NULL,
	 "SELECT `id` FROM `things` WHERE CONVERT(`note` USING utf8mb4) COLLATE utf8mb4_no"
	 "pad_bin LIKE ? ESCAPE '!' ORDER BY `id` -- %b"},
	{__LINE__, SELECT, "things", "select=id&data->>a=like.b*", NULL,
	 "SELECT `id` FROM `things` WHERE JSON_UNQUOTE(NULLIF(JSON_COMPACT(IF(LOCATE(CHAR("
	 "92),`data`)=0,JSON_EXTRACT(`data`,?),JSON_EXTRACT(JSON_EXTRACT(`data`,'$.*'),JSO"
	 "N_UNQUOTE(JSON_SEARCH(JSON_KEYS(`data`) COLLATE utf8mb4_nopad_bin,'one',?))))),'"
	 "null')) COLLATE utf8mb4_nopad_bin LIKE ? ESCAPE '!' ORDER BY `id` -- $.\"a\",a,b"
	 "%"},
	{__LINE__, SELECT, "things", "select=id&note=ilike.*k.5*", NULL,
	 "SELECT `id` FROM `things` WHERE (CONVERT(`note` USING utf8mb4) COLLATE utf8mb4_n"
	 "opad_bin REGEXP ?) ORDER BY `id` -- (?s)[kK\xe2\x84\xaa]\\.5"},
	{__LINE__, SELECT, "things", "select=id&note=ilike.a*b*c", NULL,
	 "SELECT `id` FROM `things` WHERE (CONVERT(`note` USING utf8mb4) COLLATE utf8mb4_n"
	 "opad_bin REGEXP ?) ORDER BY `id` -- (?s)\\A[aA](?>.*?[bB]).*[cC]\\z"},
	{__LINE__, SELECT, "things", "select=id&note=ilike.*a**b_*", NULL,
	 "SELECT `id` FROM `things` WHERE (CONVERT(`note` USING utf8mb4) COLLATE utf8mb4_n"
	 "opad_bin REGEXP ?) ORDER BY `id` -- (?s)\\A(?>.*?[aA])(?>.*?[bB].)"},
	{__LINE__, SELECT, "things", "select=id&note=ilike.", NULL,
	 "SELECT `id` FROM `things` WHERE (CONVERT(`note` USING utf8mb4) COLLATE utf8mb4_n"
	 "opad_bin REGEXP ?) ORDER BY `id` -- (?s)\\A\\z"},
	{__LINE__, SELECT, "things", "select=id&note=match.%5Ea$&name=imatch.[$]b", NULL,
	 "SELECT `id` FROM `things` WHERE (CONVERT(`note` USING utf8mb4) COLLATE utf8mb4_n"
	 "opad_bin REGEXP ?) AND (CONVERT(`name` USING utf8mb4) COLLATE utf8mb4_nopad_bin "
	 "REGEXP ?) ORDER BY `id` -- (*UTF)(*UCP)(*LIMIT_MATCH=100000,(*UTF)(*UCP)(*LIMIT_"
	 "MATCH=100000"},
	{__LINE__, REFUSED, "things", "select=id&note=match.a(?m)b$", NULL,
	 "A regular expression with $ and (?m) or (?x) in a part of it"},
	{__LINE__, REFUSED, "things", "select=id&note=match.(*UCP)b", NULL,
	 "A setting at the front of a regular expression"},
	{__LINE__, SELECT, "things", "select=id&note=fts.cat:*", NULL,
	 "SELECT `id` FROM `things` WHERE (CONVERT(`note` USING utf8mb4) COLLATE utf8mb4_n"
	 "opad_bin REGEXP ?) ORDER BY `id` -- (?<!(?&l))[cC][aA][tT](?&w)?(?!("},
	{__LINE__, REFUSED, "things", "select=id&note=fts.a<65>b", NULL,
	 "A phrase whose words are so far from each other"},
	{__LINE__, SELECT, "things",
	 "select=id&or=(id.eq.1,and(id.gt.3,not.or(note.eq.a,note.is.null)))", NULL,
	 "SELECT `id` FROM `things` WHERE `id`>? AND NOT (`note`=?) AND NOT (`note` IS NUL"
	 "L) OR `id`=? ORDER BY `id` -- 3,a,1"},
};

static void test_conditions(void **state)
{
	(void)state;
	check_all(condition_rows, sizeof(condition_rows) / sizeof(condition_rows[0]));
}

static const struct row embed_rows[] = {
	{__LINE__, EMBED, "clients", "select=id,projects(name)&projects.limit=2", NULL,
	 "SELECT `name` FROM `projects` WHERE `client_id`=? ORDER BY `id` LIMIT ? -- 1,2"},
	{__LINE__, MANY, "clients", "select=id,projects(name)", NULL,
	 "SELECT `name`,`client_id` FROM `projects` WHERE (`client_id` IN (?,?,?,?)) ORDER"
	 " BY `client_id`,`id` -- 1,2,3,3"},
	{__LINE__, MANY, "projects", "select=id,clients(name)", NULL,
	 "SELECT `name`,`id` FROM `clients` WHERE (`id` IN (?,?,?,?)) ORDER BY `id`,`id` -"
	 "- 1,2,3,3"},
	{__LINE__, MANY, "clients",
	 "select=id,projects(name)&projects.order=share.desc&projects.name=neq.x", NULL,
	 "SELECT `name`,`client_id` FROM `projects` WHERE (`client_id` IN (?,?,?,?)) AND ("
	 "`name`<>?) ORDER BY `client_id`,`share` IS NULL DESC,`share` DESC,`id` -- 1,2,3,"
	 "3,x"},
	{__LINE__, MANY, "clients",
	 "select=id,projects(name)&projects.order=data->>a&projects.limit=2&projects.offset=1", NULL,
	 "SELECT _c1,_k1 FROM (SELECT `name` AS _c1,`client_id` AS _k1,ROW_NUMBER() OVER ("
	 "PARTITION BY `client_id` ORDER BY JSON_UNQUOTE(NULLIF(JSON_COMPACT(IF(LOCATE(CHA"
	 "R(92),`data`)=0,JSON_EXTRACT(`data`,?),JSON_EXTRACT(JSON_EXTRACT(`data`,'$.*'),J"
	 "SON_UNQUOTE(JSON_SEARCH(JSON_KEYS(`data`) COLLATE utf8mb4_nopad_bin,'one',?)))))"
	 ",'null')) COLLATE utf8mb4_nopad_bin IS NULL,JSON_UNQUOTE(NULLIF(JSON_COMPACT(IF("
	 "LOCATE(CHAR(92),`data`)=0,JSON_EXTRACT(`data`,?),JSON_EXTRACT(JSON_EXTRACT(`data"
	 "`,'$.*'),JSON_UNQUOTE(JSON_SEARCH(JSON_KEYS(`data`) COLLATE utf8mb4_nopad_bin,'o"
	 "ne',?))))),'null')) COLLATE utf8mb4_nopad_bin,`id`) AS _n FROM `projects` WHERE "
	 "(`client_id` IN (?,?,?,?))) AS _00 WHERE _n>? AND _n<=? ORDER BY _k1,_n -- $.\"a"
	 "\",a,$.\"a\",a,1,2,3,3,1,3"},
	{__LINE__, MANY, "clients", "select=id,projects(done,id.count(),budget.sum())", NULL,
	 "SELECT * FROM (SELECT `done` AS _c1,count(`id`) AS _c2,sum(`budget`) AS _c3,`cli"
	 "ent_id` AS _k1 FROM `projects` WHERE (`client_id` IN (?,?,?,?)) GROUP BY `client"
	 "_id`,1) AS _0 ORDER BY _k1,_c1 IS NULL,_c1 -- 1,2,3,3"},
	{__LINE__, MANY, "clients", "select=id,projects(done,id.count())&projects.limit=1", NULL,
	 "SELECT _c1,_c2,_k1 FROM (SELECT *,ROW_NUMBER() OVER (PARTITION BY _k1 ORDER BY _"
	 "c1 IS NULL,_c1) AS _n FROM (SELECT `done` AS _c1,count(`id`) AS _c2,`client_id` "
	 "AS _k1 FROM `projects` WHERE (`client_id` IN (?,?,?,?)) GROUP BY `client_id`,1) "
	 "AS _0) AS _00 WHERE _n>? AND _n<=? ORDER BY _k1,_n -- 1,2,3,3,0,1"},
	{__LINE__, MANY, "clients", "select=id,projects(count())", NULL,
	 "SELECT * FROM (SELECT count(*) AS _c1,`client_id` AS _k1 FROM `projects` WHERE ("
	 "`client_id` IN (?,?,?,?)) GROUP BY `client_id`) AS _0 ORDER BY _k1 -- 1,2,3,3"},
	{__LINE__, MANY, "users", "select=id,tasks(name)&tasks.order=name.desc", NULL,
	 "SELECT _1.`name`,_2.`user_id` FROM `tasks` AS _1 JOIN `users_tasks` AS _2 ON _2."
	 "`task_id`=_1.`id` WHERE (_2.`user_id` IN (?,?,?,?)) ORDER BY _2.`user_id`,_1.`na"
	 "me` IS NULL DESC,_1.`name` DESC,_1.`id` -- 1,2,3,3"},
	{__LINE__, MANY, "users",
	 "select=id,tasks(name,projects!inner(id))&tasks.limit=3&tasks.order=projects(name)", NULL,
	 "SELECT _c1,_c2,_k1 FROM (SELECT _1.`name` AS _c1,_1.`project_id` AS _c2,_2.`user"
	 "_id` AS _k1,ROW_NUMBER() OVER (PARTITION BY _2.`user_id` ORDER BY (SELECT _3.`na"
	 "me` FROM `projects` AS _3 WHERE _3.`id`=_1.`project_id`) IS NULL,(SELECT _4.`nam"
	 "e` FROM `projects` AS _4 WHERE _4.`id`=_1.`project_id`),_1.`id`) AS _n FROM `tas"
	 "ks` AS _1 JOIN `users_tasks` AS _2 ON _2.`task_id`=_1.`id` WHERE (_2.`user_id` I"
	 "N (?,?,?,?)) AND (EXISTS(SELECT 1 FROM `projects` AS _5 WHERE _5.`id`=_1.`projec"
	 "t_id`))) AS _00 WHERE _n>? AND _n<=? ORDER BY _k1,_n -- 1,2,3,3,0,3"},
	{__LINE__, MANY, "users", "select=id,tasks(name,count())&tasks.offset=3", NULL,
	 "SELECT _c1,_c2,_k1 FROM (SELECT *,ROW_NUMBER() OVER (PARTITION BY _k1 ORDER BY _"
	 "c1 IS NULL,_c1) AS _n FROM (SELECT _1.`name` AS _c1,count(*) AS _c2,_2.`user_id`"
	 " AS _k1 FROM `tasks` AS _1 JOIN `users_tasks` AS _2 ON _2.`task_id`=_1.`id` WHER"
	 "E (_2.`user_id` IN (?,?,?,?)) GROUP BY _2.`user_id`,1) AS _0) AS _00 WHERE _n>? "
	 "AND _n<=? ORDER BY _k1,_n -- 1,2,3,3,3,9223372036854775807"},
	{__LINE__, MANY, "rooms", "select=house,stays(id)", NULL,
	 "SELECT `id`,`house`,`number` FROM `stays` WHERE (`house`=? AND `number`=? OR `ho"
	 "use`=? AND `number`=? OR `house`=? AND `number`=? OR `house`=? AND `number`=?) O"
	 "RDER BY `house`,`number`,`id` -- h1,2,h3,4,h5,6,h5,6"},
	{__LINE__, MANY, "rooms", "select=house,stays(id)&stays.limit=1", NULL,
	 "SELECT _c1,_k1,_k2 FROM (SELECT `id` AS _c1,`house` AS _k1,`number` AS _k2,ROW_N"
	 "UMBER() OVER (PARTITION BY `house`,`number` ORDER BY `id`) AS _n FROM `stays` WH"
	 "ERE (`house`=? AND `number`=? OR `house`=? AND `number`=? OR `house`=? AND `numb"
	 "er`=? OR `house`=? AND `number`=?)) AS _00 WHERE _n>? AND _n<=? ORDER BY _k1,_k2"
	 ",_n -- h1,2,h3,4,h5,6,h5,6,0,1"},
	{__LINE__, MANY, "organizations", "select=id,o:organizations!referee(id)&o.limit=1", NULL,
	 "SELECT _c1,_k1 FROM (SELECT `id` AS _c1,`referee` AS _k1,ROW_NUMBER() OVER (PART"
	 "ITION BY `referee` ORDER BY `id`) AS _n FROM `organizations` WHERE (`referee` IN"
	 " (?,?,?,?))) AS _00 WHERE _n>? AND _n<=? ORDER BY _k1,_n -- 1,2,3,3,0,1"},
};

static void test_embeds(void **state)
{
	(void)state;
	check_all(embed_rows, sizeof(embed_rows) / sizeof(embed_rows[0]));
}

static const struct row write_rows[] = {
	{__LINE__, INSERT, "things", "", "name=a&price=1.50&done=true&data={}&note",
	 "INSERT INTO `things` (`name`,`price`,`done`,`data`) VALUES (?,?,?,?) -- a,150,1,{}"},
	{__LINE__, INSERT, "things", "", "note", "INSERT INTO `things` () VALUES ()"},
	{__LINE__, MEET, "ratings", "", "user_id=1&item_id=2&rating_type=3",
	 "INSERT INTO `ratings` (`user_id`,`item_id`,`rating_type`) VALUES (?,?,?) ON DUPL"
	 "ICATE KEY UPDATE `rating_type`=VALUES(`rating_type`),`rating_type`=IF((@_met:=1)"
	 "=0,NULL,`rating_type`) RETURNING @_met IS NOT NULL,@_met:=NULL -- 1,2,3"},
	{__LINE__, MEET, "people", "", "id=1",
	 "INSERT INTO `people` (`id`) VALUES (?) ON DUPLICATE KEY UPDATE `id`=IF((@_met:=1"
	 ")=0,NULL,`id`) RETURNING @_met IS NOT NULL,@_met:=NULL -- 1"},
	{__LINE__, MEET_IGNORED, "ratings", "", "user_id=1&item_id=2&rating_type=3",
	 "INSERT INTO `ratings` (`user_id`,`item_id`,`rating_type`) VALUES (?,?,?) ON DUPL"
	 "ICATE KEY UPDATE `rating_type`=IF((@_met:=1)=0,NULL,`rating_type`) RETURNING @_m"
	 "et IS NOT NULL,@_met:=NULL -- 1,2,3"},
	{__LINE__, MERGE, "ratings", "", "user_id=1&item_id=2&rating_type=3",
	 "UPDATE `ratings` SET `rating_type`=? WHERE `user_id`=? AND `item_id`=? -- 3,1,2"},
	{__LINE__, MERGE, "things", "", "id=1&born=5&note",
	 "UPDATE `things` SET `name`=`name` WHERE `id`=? -- 1"},
	{__LINE__, UPDATE, "things", "id=eq.5", "name=b&note=NULL",
	 "UPDATE `things` SET `name`=?,`note`=? WHERE `id`=? -- b,NULL,5"},
	{__LINE__, UPDATE, "things", "id=eq.5", "",
	 "UPDATE `things` SET `name`=`name` WHERE `id`=? -- 5"},
	{__LINE__, UPDATE, "organizations",
	 "o=not.is.null&o.id=eq.5&select=id,o:organizations!referee(id)", "referee=NULL",
	 "UPDATE `organizations` AS _1 SET `referee`=? WHERE EXISTS(SELECT 1 FROM `organiz"
	 "ations` AS _2 WHERE _2.`id`=? AND _2.`referee`=_1.`id`) -- NULL,5"},
	{__LINE__, DELETE, "things", "note=like.a*", NULL,
	 "DELETE FROM `things` WHERE (`note` LIKE ? ESCAPE '!' AND CONVERT(`note` USING ut"
	 "f8mb4) COLLATE utf8mb4_nopad_bin LIKE ? ESCAPE '!') -- a%,a%"},
	{__LINE__, DELETE, "organizations",
	 "o=not.is.null&o.id=eq.5&select=id,o:organizations!referee(id)", NULL,
	 "DELETE FROM `organizations` WHERE EXISTS(SELECT 1 FROM `organizations` AS _1 WHE"
	 "RE _1.`id`=? AND _1.`referee`=`organizations`.`id`) -- 5"},
	{__LINE__, DELETE, "projects", "select=id,tasks(id)&tasks.offset=1&tasks=not.is.null", NULL,
	 "DELETE FROM `projects` WHERE EXISTS(SELECT 1 FROM `tasks` AS _1 WHERE _1.`projec"
	 "t_id`=`projects`.`id` LIMIT 1 OFFSET ?) -- 1"},
	{__LINE__, LOCK, "ratings", "user_id=eq.1", NULL,
	 "SELECT `user_id`,`item_id` FROM `ratings` WHERE `user_id`=? ORDER BY `user_id`,`"
	 "item_id` FOR UPDATE -- 1"},
	{__LINE__, LOCK, "loose", "a=eq.1", NULL, "SELECT 1 FROM `loose` WHERE `a`=? FOR UPDATE -- 1"},
	{__LINE__, LOCK, "projects", "select=id,tasks(id)&tasks=not.is.null", NULL,
	 "SELECT _1.`id` FROM `projects` AS _1 WHERE EXISTS(SELECT 1 FROM `tasks` AS _2 WH"
	 "ERE _2.`project_id`=_1.`id`) ORDER BY _1.`id` FOR UPDATE"},
	{__LINE__, CLASSES, "things", "", NULL,
	 "SELECT n,DENSE_RANK() OVER (ORDER BY k) FROM (SELECT `name` AS k,0 AS n FROM `th"
	 "ings` WHERE 0 UNION ALL SELECT ?,0 UNION ALL SELECT ?,1) AS _0 -- a,A"},
	{__LINE__, LOCK_TALLY, "ratings", "user_id=eq.5&item_id=gt.3", NULL,
	 "SELECT 1 FROM `counts.head` WHERE `user_id`=? FOR UPDATE -- 5"},
	{__LINE__, LOCK_TALLY, "ratings", "item_id=gt.3", NULL,
	 "SELECT 1 FROM (SELECT DISTINCT `user_id` FROM `ratings` WHERE `item_id`>? ORDER BY "
	 "`user_id` LIMIT 18446744073709551615) AS _0 STRAIGHT_JOIN `co"
	 "unts.head` AS _00 ON _00.`user_id`=_0.`user_id` FOR UPDATE -- 3"},
};

static void test_writes(void **state)
{
	(void)state;
	check_all(write_rows, sizeof(write_rows) / sizeof(write_rows[0]));
}

/* ---- the fuzzers' corpus ---- */

static void try_statement(struct bed *bed, enum what what, const struct query *query)
{
	write(bed, what, query);
	if (!bed->sql.sql.text.failed && bed->sql.sql.unsupported == NULL) {
		run(bed, query->resource);
	}
}

static void try_embeds(struct bed *bed, const struct query *query)
{
	struct sql *sql = &bed->sql.sql;
	for (size_t i = 0; i < query->column_count; i++) {
		const struct query_embed *embed = query->columns[i].embed;
		if (embed != NULL) {
			sql_clear(sql);
			sql_embed_many(sql, embed, make_keys(bed, embed), PARENTS);
			if (!sql->text.failed && sql->unsupported == NULL) {
				run(bed, embed->query.resource);
			}
			try_embeds(bed, &embed->query);
		}
	}
}

/* The text as a query string: of a read, and of what chooses the rows of a write. */
static void try_text(struct bed *bed, const char *text, const struct resource *resource)
{
	struct query query;
	struct error error;
	struct sql_bed *sql = &bed->sql;
	if (test_check(text, QUERY_LIST, resource, &sql->options, &sql->arena, &query, &error)) {
		try_statement(bed, SELECT, &query);
		try_statement(bed, COUNT, &query);
		try_embeds(bed, &query);
	}
	if (test_check(text, QUERY_DELETE, resource, &sql->options, &sql->arena, &query, &error)) {
		try_statement(bed, DELETE, &query);
		try_statement(bed, LOCK, &query);
		if (resource->tally_count > 0) {
			try_statement(bed, LOCK_TALLY, &query);
		}
	}
}

static void test_corpus(void **state)
{
	(void)state;
	static const char folder[] = "tests/corpus/query";
	struct bed bed;
	char text[TEXT_BYTES / 64];
	begin(&bed);
	DIR *files = opendir(folder);
	assert_non_null(files);
	for (struct dirent *file = readdir(files); file != NULL; file = readdir(files)) {
		struct str path = arena_printf(&bed.sql.arena, "%s/%s", folder, file->d_name);
		FILE *in = fopen(path.ptr, "re");
		size_t len = in != NULL && file->d_name[0] != '.' ? fread(text, 1, sizeof(text) - 1, in)
														  : 0;
		text[len] = '\0';
		for (size_t i = 0; i < SQL_BED_MODELS && len > 0; i++) {
			for (size_t k = 0; k < bed.sql.models[i]->resource_count; k++) {
				try_text(&bed, text, &bed.sql.models[i]->resources[k]);
			}
		}
		if (in != NULL) {
			(void)fclose(in);
		}
	}
	(void)closedir(files);
	end(&bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_selects), cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_embeds),  cmocka_unit_test(test_writes),
		cmocka_unit_test(test_corpus),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
