#include "sql/sql.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "sql/sql_test_help.h"

enum { TEXT_BYTES = 1 << 22 };

struct row {
	int line;
	const char *resource;
	const char *query;
	const char *want;
};

struct write_row {
	int line;
	enum query_action action;
	const char *query;
	const char *body; /* NULL: a delete */
	int code;
	const char *want; /* the counts afterwards */
};

static void read_body(struct sql_bed *bed, const char *body, struct query *query)
{
	struct error error = {.code = ERROR_NONE};
	struct body_options options = {.limits = &bed->limits, .many = true};
	if (!check_body(str_from(body), &options, &bed->arena, query, &error)) {
		fail_msg("%s: %s", body, error.message);
	}
}

/* Row by row, until one is refused; SQLite's last code. */
static int run_write(struct sql_bed *bed, enum query_action action, const char *resource,
					 const char *text, const char *body)
{
	struct query query;
	int rc = SQLITE_DONE;
	sql_bed_query(bed, text, action, resource, &query);
	if (body != NULL) {
		read_body(bed, body, &query);
	}
	const struct value *values = query.values;
	for (size_t i = 0; i < (body != NULL ? query.row_count : 1) && rc == SQLITE_DONE; i++) {
		struct query one = query;
		one.row_count = 1;
		one.values = query.given.count > 0 ? &values[i * query.given.count] : NULL;
		sql_bed_write(bed, &one);
		rc = sql_bed_run(bed, query.resource);
	}
	return rc;
}

static void want_list(struct sql_bed *bed, int line, const char *resource, const char *text,
					  const char *want)
{
	struct query query;
	sql_bed_query(bed, text, QUERY_LIST, resource, &query);
	sql_bed_write(bed, &query);
	assert_int_equal(sql_bed_run(bed, query.resource), SQLITE_DONE);
	test_equal(line, text, &bed->got, want);
}

static const char things[] = "[{\"name\":\"a\",\"note\":\"x\",\"price\":1.5,\"done\":true},"
							 "{\"name\":\"b\",\"note\":null,\"price\":2,\"done\":false},"
							 "{\"name\":\"c\",\"note\":\"\",\"price\":null,\"done\":null},"
							 "{\"name\":\"d\",\"note\":\"\xc3\xa9\",\"price\":0.01,\"done\":true}]";

static void test_filters_on_sqlite(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{__LINE__, NULL, "", "1;2;3;4"},
		{__LINE__, NULL, "note=eq.x", "1"},
		{__LINE__, NULL, "note=eq.", "3"},
		{__LINE__, NULL, "note=neq.x", "3;4"},
		{__LINE__, NULL, "note=not.eq.x", "3;4"},
		{__LINE__, NULL, "note=not.neq.x", "1"},
		{__LINE__, NULL, "note=is.null", "2"},
		{__LINE__, NULL, "note=not.is.null", "1;3;4"},
		{__LINE__, NULL, "note=in.(x,\"\",y)", "1;3"},
		{__LINE__, NULL, "note=not.in.(x,\"\",y)", "4"},
		{__LINE__, NULL, "note=in.()", ""},
		{__LINE__, NULL, "note=not.in.()", "1;2;3;4"},
		{__LINE__, NULL, "note=eq.%C3%A9", "4"},
		{__LINE__, NULL, "price=gt.0.01", "1;2"},
		{__LINE__, NULL, "price=lte.1.50", "1;4"},
		{__LINE__, NULL, "done=is.true", "1;4"},
		{__LINE__, NULL, "done=is.false", "2"},
		{__LINE__, NULL, "done=is.unknown", "3"},
		{__LINE__, NULL, "done=not.is.true", "2;3"},
		{__LINE__, NULL, "done=eq.false", "2"},
		{__LINE__, NULL, "or=(id.eq.1,id.eq.3)", "1;3"},
		{__LINE__, NULL, "or=(id.eq.1,id.eq.3)&done=is.true", "1"},
		{__LINE__, NULL, "or=(id.eq.2,and(done.is.true,price.lt.1))", "2;4"},
		{__LINE__, NULL, "not.or=(id.eq.2,and(done.is.true,price.lt.1))", "1;3"},
		{__LINE__, NULL, "not.and=(id.gt.1,note.is.not_null)", "1;2"},
		{__LINE__, NULL, "id=in.(1,1,1,1,1,1,1,1,4)", "1;4"},
		{__LINE__, NULL, "order=note", "3;1;4;2"},
		{__LINE__, NULL, "order=note.desc", "2;4;1;3"},
		{__LINE__, NULL, "order=note.nullsfirst", "2;3;1;4"},
		{__LINE__, NULL, "order=note.desc.nullslast", "4;1;3;2"},
		{__LINE__, NULL, "order=done.desc,id.desc", "3;4;1;2"},
		{__LINE__, NULL, "limit=2", "1;2"},
		{__LINE__, NULL, "limit=2&offset=3", "4"},
		{__LINE__, NULL, "offset=2", "3;4"},
		{__LINE__, NULL, "limit=0", ""},
		{__LINE__, NULL, "note=eq.x'%20or%201=1--", ""},
	};
	struct sql_bed bed;
	sql_bed_begin(&bed);
	assert_int_equal(run_write(&bed, QUERY_INSERT, "things", "", things), SQLITE_DONE);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[256];
		(void)snprintf(text, sizeof(text), "select=id&%s", rows[i].query);
		want_list(&bed, rows[i].line, "things", text, rows[i].want);
	}
	sql_bed_end(&bed);
}

static void test_writes_on_sqlite(void **state)
{
	(void)state;
	struct sql_bed bed;
	sql_bed_begin(&bed);
	/* Defaults of the table, for an upsert that makes the row; what is `once` stays afterwards. */
	run_write(&bed, QUERY_UPSERT, "things", "select=id,name,made,state,born",
			  "{\"id\":7,\"name\":\"a\",\"born\":1}");
	test_equal(__LINE__, "upsert", &bed.got, "7,a,it's,draft,1");
	run_write(&bed, QUERY_UPDATE, "things", "id=eq.7", "{\"state\":\"printed\"}");
	run_write(&bed, QUERY_UPSERT, "things", "select=id,name,made,state,born",
			  "{\"id\":7,\"name\":\"b\",\"born\":2}");
	test_equal(__LINE__, "upsert", &bed.got, "7,b,it's,printed,1");
	run_write(&bed, QUERY_REPLACE, "things", "id=eq.7&select=name,state,born", "{\"name\":\"c\"}");
	test_equal(__LINE__, "replace", &bed.got, "c,draft,1");

	run_write(&bed, QUERY_UPSERT, "people", "", "{\"id\":1}");
	run_write(&bed, QUERY_UPSERT, "people", "", "{\"id\":1}");
	test_equal(__LINE__, "only a key", &bed.got, "1");
	run_write(&bed, QUERY_UPSERT, "tokens", "select=live,least,ratio",
			  "{\"id\":\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\"}");
	test_equal(__LINE__, "literals", &bed.got, "1,-9223372036854775808,-0.5");
	want_list(&bed, __LINE__, "tokens", "select=id", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11");

	/* The uuid that the table makes reads back as one of version 4. */
	struct query query;
	sql_bed_query(&bed, "select=code", QUERY_LIST, "tokens", &query);
	sql_bed_write(&bed, &query);
	sql_bed_run(&bed, query.resource);
	struct value value;
	struct error error;
	assert_true(
		value_from_text(query.fetch[0].type, buf_str(&bed.got), &bed.arena, &value, &error));
	assert_int_equal(bed.got.ptr[14], '4');
	assert_true(strchr("89ab", bed.got.ptr[19]) != NULL);

	/* Rules. */
	assert_int_equal(run_write(&bed, QUERY_INSERT, "things", "", "{\"name\":\"c\"}"),
					 SQLITE_CONSTRAINT);
	assert_int_equal(run_write(&bed, QUERY_INSERT, "people", "", "{\"id\":1}"), SQLITE_CONSTRAINT);
	assert_int_equal(run_write(&bed, QUERY_INSERT, "things", "", "{\"name\":\"d\",\"owner\":5}"),
					 SQLITE_CONSTRAINT);
	assert_int_equal(run_write(&bed, QUERY_INSERT, "things", "", "{\"name\":\"d\",\"owner\":1}"),
					 SQLITE_DONE);
	assert_int_equal(run_write(&bed, QUERY_DELETE, "people", "id=eq.1", NULL), SQLITE_CONSTRAINT);
	assert_int_equal(sqlite3_exec(bed.dbs[0], "UPDATE things SET done=2", NULL, NULL, NULL),
					 SQLITE_CONSTRAINT);
	assert_string_equal(sqlite3_errmsg(bed.dbs[0]), "CHECK constraint failed: things_done_check");
	/* Made keys are never used again. */
	run_write(&bed, QUERY_DELETE, "things", "", NULL);
	run_write(&bed, QUERY_INSERT, "things", "select=id", "{\"name\":\"e\"}");
	test_equal(__LINE__, "auto", &bed.got, "9");
	sql_bed_end(&bed);
}

/* Counts equal the histogram of the ratings after each statement. */
static void want_counts(struct sql_bed *bed, int line)
{
	static const char difference[] =
		"SELECT user_id,rating_type,count FROM counts WHERE count<>0 EXCEPT "
		"SELECT user_id,rating_type,count(*) FROM ratings GROUP BY 1,2 UNION ALL "
		"SELECT * FROM (SELECT user_id,rating_type,count(*) FROM ratings GROUP BY 1,2 EXCEPT "
		"SELECT user_id,rating_type,count FROM counts)";
	sql_clear(&bed->sql);
	buf_append(&bed->sql.text, str_from(difference));
	assert_int_equal(sql_bed_run(bed, sql_bed_resource(bed, "counts")), SQLITE_DONE);
	test_equal(line, "counts", &bed->got, "");
}

static void test_tally_on_sqlite(void **state)
{
	(void)state;
	static const struct write_row steps[] = {
		{__LINE__, QUERY_INSERT, "",
		 "[{\"user_id\":1,\"item_id\":1,\"rating_type\":1},"
		 "{\"user_id\":1,\"item_id\":2,\"rating_type\":1},"
		 "{\"user_id\":1,\"item_id\":3,\"rating_type\":2},"
		 "{\"user_id\":2,\"item_id\":1,\"rating_type\":3}]",
		 SQLITE_DONE, "1,1,2;1,2,1;2,3,1"},
		/* An upsert that inserts, one that changes, one that changes nothing. */
		{__LINE__, QUERY_UPSERT, "", "{\"user_id\":1,\"item_id\":9,\"rating_type\":2}", SQLITE_DONE,
		 "1,1,2;1,2,2;2,3,1"},
		{__LINE__, QUERY_UPSERT, "", "{\"user_id\":1,\"item_id\":1,\"rating_type\":3}", SQLITE_DONE,
		 "1,1,1;1,2,2;1,3,1;2,3,1"},
		{__LINE__, QUERY_UPSERT, "", "{\"user_id\":1,\"item_id\":1,\"rating_type\":3}", SQLITE_DONE,
		 "1,1,1;1,2,2;1,3,1;2,3,1"},
		{__LINE__, QUERY_UPDATE, "user_id=eq.1", "{\"rating_type\":3}", SQLITE_DONE, "1,3,4;2,3,1"},
		{__LINE__, QUERY_UPDATE, "user_id=eq.1&item_id=lt.3", "{\"user_id\":3}", SQLITE_DONE,
		 "1,3,2;2,3,1;3,3,2"},
		{__LINE__, QUERY_INSERT, "", "{\"user_id\":2,\"item_id\":1,\"rating_type\":1}",
		 SQLITE_CONSTRAINT, "1,3,2;2,3,1;3,3,2"},
		{__LINE__, QUERY_DELETE, "user_id=eq.1", NULL, SQLITE_DONE, "2,3,1;3,3,2"},
		{__LINE__, QUERY_UPSERT, "", "{\"user_id\":1,\"item_id\":1,\"rating_type\":1}", SQLITE_DONE,
		 "1,1,1;2,3,1;3,3,2"},
		{__LINE__, QUERY_DELETE, "", NULL, SQLITE_DONE, ""},
	};
	struct sql_bed bed;
	sql_bed_begin(&bed);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		int rc = run_write(&bed, steps[i].action, "ratings", steps[i].query, steps[i].body);
		assert_int_equal(rc, steps[i].code);
		want_counts(&bed, steps[i].line);
		want_list(&bed, steps[i].line, "counts", "", steps[i].want);
	}
	sql_bed_end(&bed);
}

/* ---- other tables ---- */

static const char relations[] =
	"INSERT INTO clients VALUES (1,'a'),(2,'b'),(3,NULL);"
	"INSERT INTO projects (id,name,client_id,budget) VALUES (1,'p',1,100),(2,'q',1,250),"
	"(3,'r',2,50),(4,'s',NULL,NULL);"
	"INSERT INTO details VALUES (1,'x'),(3,'y');"
	"INSERT INTO tasks VALUES (1,'t',1),(2,'u',1),(3,'v',3);"
	"INSERT INTO users VALUES (1,'m'),(2,'n');"
	"INSERT INTO users_tasks VALUES (1,1),(1,2),(2,3);"
	"INSERT INTO organizations VALUES (1,NULL,NULL),(2,1,1),(3,2,1);"
	"INSERT INTO rooms VALUES ('h',1),('h',2);"
	"INSERT INTO stays VALUES (1,'h',1),(2,'h',2),(3,NULL,2);"
	"INSERT INTO loose VALUES (1,'a'),(1,'a'),(2,'b')";

static const struct row relation_rows[] = {
	{__LINE__, "clients", "select=id,projects!inner()", "1;2"},
	{__LINE__, "clients", "select=id,projects()&projects=is.null", "3"},
	{__LINE__, "clients", "select=id,projects!inner()&projects.name=eq.r", "2"},
	{__LINE__, "clients", "select=id,projects!inner()&projects.offset=1", "1"},
	{__LINE__, "clients", "select=id,projects!inner()&projects.offset=2", ""},
	{__LINE__, "clients", "select=id,projects!inner()&projects.limit=0", ""},
	{__LINE__, "clients", "select=id,projects!inner(tasks!inner())", "1;2"},
	{__LINE__, "clients", "select=id,projects!inner(tasks!inner())&projects.tasks.name=eq.v", "2"},
	{__LINE__, "clients", "select=id,projects()&or=(projects.is.null,name.eq.a)", "1;3"},
	{__LINE__, "projects", "select=id,clients!inner()", "1;2;3"},
	{__LINE__, "projects", "select=id,clients()&clients=is.null", "4"},
	{__LINE__, "projects", "select=id,details!inner()", "1;3"},
	{__LINE__, "users", "select=id,tasks!inner()&tasks.name=in.(u,v)", "1;2"},
	{__LINE__, "users", "select=id,tasks!inner()&tasks.offset=1", "1"},
	{__LINE__, "tasks", "select=id,users!inner()&users.name=eq.n", "3"},
	{__LINE__, "organizations", "select=id,r:referee!inner()&r.referee=not.is.null", "3"},
	{__LINE__, "organizations", "select=id,c:organizations!referee!inner()", "1;2"},
	{__LINE__, "stays", "select=id,rooms!inner()&rooms.number=eq.2", "2"},
	/* order by another row; groups by its values */
	{__LINE__, "projects", "select=id,clients()&order=clients(name).desc", "4;3;1;2"},
	{__LINE__, "projects", "select=id,clients()&order=clients(name).nullsfirst,id.desc", "4;2;1;3"},
	{__LINE__, "projects", "select=...clients(name),id.count(),budget.sum()",
	 "a,2,350;b,1,50;-,1,-"},
	{__LINE__, "tasks", "select=count(),...projects(...clients(name))", "2,a;1,b"},
	{__LINE__, "projects", "select=budget.avg(),budget.max()", "1.33333333333333,250"},
	{__LINE__, "projects", "select=client_id,budget.avg()&order=client_id.desc",
	 "-,-;2,0.5;1,1.75"},
	{__LINE__, "loose", "select=a,b&order=b.desc", "2,b;1,a;1,a"},
	{__LINE__, "loose", "select=b,a&distinct=true", "a,1;b,2"},
};

static void test_relations_on_sqlite(void **state)
{
	(void)state;
	struct sql_bed bed;
	sql_bed_begin(&bed);
	assert_int_equal(sqlite3_exec(bed.dbs[1], relations, NULL, NULL, NULL), SQLITE_OK);
	for (size_t i = 0; i < sizeof(relation_rows) / sizeof(relation_rows[0]); i++) {
		const struct row *row = &relation_rows[i];
		want_list(&bed, row->line, row->resource, row->query, row->want);
	}
	run_write(&bed, QUERY_UPDATE, "projects",
			  "select=id,clients()&clients=not.is.null&clients.name=eq.a&order=clients(name)",
			  "{\"done\":true}");
	test_equal(__LINE__, "update", &bed.got, "1,a;2,a");
	run_write(&bed, QUERY_INSERT, "organizations", "select=id,referee()&order=referee(referee)",
			  "{\"id\":4,\"referee\":3}");
	test_equal(__LINE__, "insert", &bed.got, "4,2");
	run_write(&bed, QUERY_DELETE, "projects",
			  "select=id,details(),tasks()&details=is.null&tasks=is.null", NULL);
	test_equal(__LINE__, "delete", &bed.got, "2;4");
	sql_bed_end(&bed);
}

/* The rows of embeds, for the keys of one parent. */
static void test_embeds_on_sqlite(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{__LINE__, "clients", "select=projects(id,name)&projects.order=name.desc", "2,q;1,p"},
		{__LINE__, "clients", "select=projects(id)&projects.limit=1&projects.offset=1", "2"},
		{__LINE__, "clients", "select=projects(count(),budget.sum())", "2,350"},
		{__LINE__, "projects", "select=clients(name)", "a"},
		{__LINE__, "projects", "select=details(note)", "x"},
		{__LINE__, "users", "select=tasks(name)&tasks.order=name.desc", "u;t"},
		{__LINE__, "tasks", "select=users(name)", "m"},
		{__LINE__, "organizations", "select=c:organizations!auditor(id)", "2;3"},
		{__LINE__, "clients", "select=projects(id,tasks!inner())", "1"},
	};
	static const struct value key = {.kind = VALUE_INTEGER, .integer = 1};
	struct sql_bed bed;
	sql_bed_begin(&bed);
	assert_int_equal(sqlite3_exec(bed.dbs[1], relations, NULL, NULL, NULL), SQLITE_OK);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct query query;
		sql_bed_query(&bed, rows[i].query, QUERY_LIST, rows[i].resource, &query);
		sql_clear(&bed.sql);
		sql_embed(&bed.sql, query.columns[0].embed, &key);
		assert_int_equal(sql_bed_run(&bed, query.resource), SQLITE_DONE);
		test_equal(rows[i].line, rows[i].query, &bed.got, rows[i].want);
	}
	sql_bed_end(&bed);
}

/* An index in the order of bytes gives the range of a pattern; one in another order is not asked,
 * since it would miss rows. */
static void test_range_of_a_pattern(void **state)
{
	(void)state;
	struct sql_bed bed;
	struct query query;
	struct sql *sql = &bed.sql;
	sql_bed_begin(&bed);
	sql_bed_query(&bed, "select=name&name=like.ab*&order=name", QUERY_LIST, "things", &query);
	sql_bed_write(&bed, &query);
	buf_append(&bed.got, STR("EXPLAIN QUERY PLAN "));
	buf_append(&bed.got, buf_str(&sql->text));
	buf_clear(&sql->text);
	buf_append(&sql->text, buf_str(&bed.got));
	assert_int_equal(sql_bed_run(&bed, query.resource), SQLITE_DONE);
	buf_append_byte(&bed.got, '\0');
	assert_non_null(
		strstr(bed.got.ptr, "USING COVERING INDEX things.one name (name>? AND name<?)"));
	assert_int_equal(sqlite3_exec(bed.dbs[0],
								  "DROP TABLE things;"
								  "CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT COLLATE "
								  "NOCASE);"
								  "CREATE INDEX names ON things (name)",
								  NULL, NULL, NULL),
					 SQLITE_OK);
	assert_int_equal(sql_bed_run(&bed, query.resource), SQLITE_DONE);
	buf_append_byte(&bed.got, '\0');
	assert_null(strstr(bed.got.ptr, "name>?"));
	sql_bed_end(&bed);
}

/* `levels` of not.and(…) and or(…), each with `width` conditions beside the next level, which
 * stands at `place` among them. */
static void write_nested(struct buf *text, size_t levels, size_t width, size_t place)
{
	buf_append(text, levels % 2 == 0 ? STR("not.and(") : STR("or("));
	for (size_t i = 0; i <= width; i++) {
		buf_append(text, i > 0 ? STR(",") : STR(""));
		if (i == place && levels > 1) {
			write_nested(text, levels - 1, width, place);
		} else {
			buf_printf(text, "id.%s.%zu", i % 2 == 0 ? "gt" : "not.lt", levels);
		}
	}
	buf_append_byte(text, ')');
}

/* Whatever the limits let through is small enough for SQLite's parser and its expressions. */
static void test_deep_and_wide_on_sqlite(void **state)
{
	(void)state;
	static const size_t shapes[][2] = {{63, 1},  {63, 2},  {63, 14}, {31, 30},
									   {9, 100}, {3, 300}, {1, 980}};
	struct sql_bed bed;
	sql_bed_begin(&bed);
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]) * 3; i++) {
		size_t levels = shapes[i / 3][0];
		size_t width = shapes[i / 3][1];
		size_t places[] = {0, width / 2, width};
		struct buf text;
		struct query query;
		buf_init(&text, TEXT_BYTES);
		buf_append(&text, STR("and=("));
		write_nested(&text, levels, width, places[i % 3]);
		buf_append(&text, STR(")"));
		buf_append_byte(&text, '\0');
		sql_bed_query(&bed, text.ptr, QUERY_LIST, "people", &query);
		sql_bed_write(&bed, &query);
		assert_int_equal(sql_bed_run(&bed, query.resource), SQLITE_DONE);
		buf_finish(&text);
	}
	sql_bed_end(&bed);
}

/* Writes or refuses a statement; what is written must be taken. */
static bool is_taken(struct sql_bed *bed, const char *text, const char *resource)
{
	struct query query;
	sql_bed_query(bed, text, QUERY_LIST, resource, &query);
	sql_bed_write(bed, &query);
	bool taken = !bed->sql.text.failed;
	if (taken) {
		assert_int_equal(sql_bed_run(bed, query.resource), SQLITE_DONE);
	}
	arena_reset(&bed->arena);
	return taken;
}

/* `levels` of organizations!referee(…), each with a condition of `depth` groups. */
static void write_deep_embeds(struct buf *text, size_t levels, size_t depth)
{
	buf_append(text, STR("select="));
	for (size_t i = 0; i < levels; i++) {
		buf_append(text, STR("o:organizations!referee("));
	}
	for (size_t i = 0; i < levels; i++) {
		buf_append_byte(text, ')');
	}
	buf_append(text, STR("&o=not.is.null"));
	for (size_t i = 0; i < levels; i++) {
		buf_append_byte(text, '&');
		for (size_t k = 0; k <= i; k++) {
			buf_append(text, STR("o."));
		}
		buf_append(text, STR("and=("));
		for (size_t k = 0; k < depth; k++) {
			buf_append(text, k % 2 == 0 ? STR("id.lt.5,or(") : STR("id.gt.6,and("));
		}
		buf_append(text, i + 1 < levels ? STR("o.not.is.null") : STR("id.eq.7"));
		for (size_t k = 0; k <= depth; k++) {
			buf_append_byte(text, ')');
		}
	}
	buf_append_byte(text, '\0');
}

/* Embeds in embeds: those that the default limits let through are taken; what is more than SQLite's
 * parser can hold is refused before it is asked. */
static void test_deep_embeds_on_sqlite(void **state)
{
	(void)state;
	static const size_t depths[] = {0, 1, 2, 5, 10, 20, 40, 62};
	struct sql_bed bed;
	sql_bed_begin(&bed);
	bed.limits.embed_depth = 64;
	for (size_t levels = 1; levels <= 16; levels++) {
		for (size_t i = 0; i < sizeof(depths) / sizeof(depths[0]); i++) {
			struct buf text;
			if (levels * (depths[i] + 1) > 600) {
				continue; /* more conditions than the limit */
			}
			buf_init(&text, TEXT_BYTES);
			write_deep_embeds(&text, levels, depths[i]);
			bool taken = is_taken(&bed, text.ptr, "organizations");
			assert_true(taken || levels * (depths[i] + 1) > 8);
			assert_true(!taken || levels <= 10);
			buf_finish(&text);
		}
	}
	sql_bed_end(&bed);
}

/* Each of three questions at a level asks the three of the next: 3 + 9 + 27 … subqueries. */
static void test_repeated_embeds_on_sqlite(void **state)
{
	(void)state;
	struct sql_bed bed;
	sql_bed_begin(&bed);
	/* One level more is more than check lets through. */
	for (size_t levels = 1; levels <= 5; levels++) {
		struct buf text;
		buf_init(&text, TEXT_BYTES);
		buf_append(&text, STR("select="));
		for (size_t i = 0; i < levels; i++) {
			buf_append(&text, STR("o:organizations!referee("));
		}
		for (size_t i = 0; i < levels; i++) {
			buf_append_byte(&text, ')');
		}
		for (size_t i = 0; i < levels; i++) {
			buf_append_byte(&text, '&');
			for (size_t k = 0; k < i; k++) {
				buf_append(&text, STR("o."));
			}
			buf_append(&text, STR("and=(o.not.is.null,o.not.is.null,o.not.is.null)"));
		}
		buf_append_byte(&text, '\0');
		assert_true(is_taken(&bed, text.ptr, "organizations"));
		buf_finish(&text);
	}
	sql_bed_end(&bed);
}

/* Values of rows to which many steps lead. */
static void test_deep_terms_on_sqlite(void **state)
{
	(void)state;
	struct sql_bed bed;
	sql_bed_begin(&bed);
	bed.limits.embed_depth = 64;
	for (size_t levels = 1; levels <= 40; levels++) {
		struct buf text;
		buf_init(&text, TEXT_BYTES);
		buf_append(&text, STR("select=count()"));
		for (size_t i = 0; i < levels; i++) {
			buf_append(&text, i == 0 ? STR(",...referee(") : STR("...referee("));
		}
		buf_append(&text, STR("id::text.max()::int"));
		for (size_t i = 0; i < levels; i++) {
			buf_append_byte(&text, ')');
		}
		buf_append_byte(&text, '\0');
		bool taken = is_taken(&bed, text.ptr, "organizations");
		assert_true(taken == (levels <= 15));
		buf_finish(&text);
	}
	sql_bed_end(&bed);
}

/* The largest list that the limits let through. */
static void test_long_list_on_sqlite(void **state)
{
	(void)state;
	struct sql_bed bed;
	struct buf text;
	sql_bed_begin(&bed);
	run_write(&bed, QUERY_INSERT, "people", "", "[{\"id\":1},{\"id\":9999},{\"id\":10000}]");
	buf_init(&text, TEXT_BYTES);
	for (int i = 0; i < 10000; i++) {
		buf_printf(&text, "%s%d", i == 0 ? "id=in.(" : ",", i);
	}
	buf_append(&text, STR(")"));
	buf_append_byte(&text, '\0');
	want_list(&bed, __LINE__, "people", text.ptr, "1;9999");
	buf_finish(&text);
	sql_bed_end(&bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_filters_on_sqlite),
		cmocka_unit_test(test_writes_on_sqlite),
		cmocka_unit_test(test_tally_on_sqlite),
		cmocka_unit_test(test_relations_on_sqlite),
		cmocka_unit_test(test_embeds_on_sqlite),
		cmocka_unit_test(test_range_of_a_pattern),
		cmocka_unit_test(test_deep_and_wide_on_sqlite),
		cmocka_unit_test(test_deep_embeds_on_sqlite),
		cmocka_unit_test(test_repeated_embeds_on_sqlite),
		cmocka_unit_test(test_deep_terms_on_sqlite),
		cmocka_unit_test(test_long_list_on_sqlite),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
