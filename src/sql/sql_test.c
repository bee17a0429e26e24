#include "sql/sql.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "query/check.h"
#include "query/query_test_help.h"
#include "rowlock_config.h"

#if HAVE_SQLITE
#include <sqlite3.h>
#endif

enum { TEXT_BYTES = 1 << 22, BLOCK_BYTES = 65536 };

struct fixture {
	struct model *model;
	struct arena arena;
	struct buf got;
	struct sql sql;
};

static void begin(struct fixture *fixture)
{
	fixture->model = test_model();
	arena_init(&fixture->arena, BLOCK_BYTES);
	buf_init(&fixture->got, TEXT_BYTES);
	sql_init(&fixture->sql, &sql_dialect_sqlite, TEXT_BYTES);
}

static void end(struct fixture *fixture)
{
	sql_finish(&fixture->sql);
	buf_finish(&fixture->got);
	arena_finish(&fixture->arena);
	model_destroy(fixture->model);
}

static void make_query(struct fixture *fixture, const char *text, enum query_action action,
					   const char *resource, struct query *ret_query)
{
	struct limits limits;
	struct parsed_query parsed;
	struct error error = {.code = ERROR_NONE};
	limits_init(&limits);
	parsed_query_init(&parsed);
	*ret_query = (struct query){.action = action,
								.resource = test_resource(fixture->model, resource)};
	if (!parse_query_string(str_from(text), &limits, NULL, NULL, &fixture->arena, &parsed,
							&error) ||
		!check_query(&parsed, action, ret_query->resource, NULL, &fixture->arena, ret_query,
					 &error)) {
		print_error("%s: %s %s\n", text, error.message, error.details);
		fail();
	}
}

static void read_body(struct fixture *fixture, const char *body, struct query *query)
{
	struct limits limits;
	struct error error = {.code = ERROR_NONE};
	struct body_options options = {.limits = &limits, .many = true};
	limits_init(&limits);
	if (!check_body(str_from(body), &options, &fixture->arena, query, &error)) {
		print_error("%s: %s\n", body, error.message);
		fail();
	}
}

/* The text and, behind ` -- `, the values in the order of their placeholders. */
static void write_sql(struct fixture *fixture)
{
	static const struct field any = {.type = TYPE_TEXT};
	const struct sql *sql = &fixture->sql;
	assert_false(sql->text.failed);
	buf_clear(&fixture->got);
	buf_append(&fixture->got, buf_str(&sql->text));
	for (size_t i = 0; i < sql->param_count; i++) {
		buf_append(&fixture->got, i == 0 ? STR(" -- ") : STR(","));
		if (sql->params[i]->kind == VALUE_INTEGER) {
			buf_append_int(&fixture->got, sql->params[i]->integer);
		} else {
			value_write_text(&fixture->got, &any, sql->params[i]);
		}
	}
}

struct row {
	int line;
	const char *resource;
	const char *query;
	const char *want;
};

/* ---- texts ---- */

static void test_select(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{__LINE__, "ratings", "",
		 "SELECT \"user_id\",\"item_id\",\"rating_type\" FROM \"ratings\" ORDER BY "
		 "\"user_id\",\"item_id\""},
		{__LINE__, "ratings", "user_id=eq.5&select=item_id,rating_type",
		 "SELECT \"item_id\",\"rating_type\" FROM \"ratings\" WHERE \"user_id\"=? ORDER BY "
		 "\"user_id\",\"item_id\" -- 5"},
		{__LINE__, "counts", "user_id=eq.5&select=rating_type,count",
		 "SELECT \"rating_type\",\"count\" FROM \"counts\" WHERE \"user_id\"=? AND \"count\">? "
		 "ORDER BY \"user_id\",\"rating_type\" -- 5,0"},
		{__LINE__, "people", "limit=5",
		 "SELECT \"id\" FROM \"people\" ORDER BY \"id\" LIMIT ? -- 5"},
		{__LINE__, "people", "limit=5&offset=2",
		 "SELECT \"id\" FROM \"people\" ORDER BY \"id\" LIMIT ? OFFSET ? -- 5,2"},
		{__LINE__, "people", "offset=2",
		 "SELECT \"id\" FROM \"people\" ORDER BY \"id\" LIMIT ? OFFSET ? -- 9223372036854775807,2"},
		{__LINE__, "people", "order=id.desc", "SELECT \"id\" FROM \"people\" ORDER BY \"id\" DESC"},
		{__LINE__, "things", "select=id&order=note",
		 "SELECT \"id\" FROM \"things\" ORDER BY \"note\" NULLS LAST,\"id\""},
		{__LINE__, "things", "select=id&order=note.desc",
		 "SELECT \"id\" FROM \"things\" ORDER BY \"note\" DESC NULLS FIRST,\"id\""},
		{__LINE__, "things", "select=id&order=note.nullsfirst",
		 "SELECT \"id\" FROM \"things\" ORDER BY \"note\",\"id\""},
		{__LINE__, "things", "select=id&order=note.desc.nullslast",
		 "SELECT \"id\" FROM \"things\" ORDER BY \"note\" DESC,\"id\""},
		{__LINE__, "things", "select=id&order=name.nullsfirst,name.desc",
		 "SELECT \"id\" FROM \"things\" ORDER BY \"name\",\"id\""},
		{__LINE__, "things", "select=\"odd \\\"key\"&\"odd \\\"key\"=eq.x",
		 "SELECT \"odd \"\"key\" FROM \"things\" WHERE \"odd \"\"key\"=? ORDER BY \"id\" -- x"},
	};
	struct fixture fixture;
	begin(&fixture);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct query query;
		make_query(&fixture, rows[i].query, QUERY_LIST, rows[i].resource, &query);
		sql_clear(&fixture.sql);
		sql_select(&fixture.sql, &query);
		write_sql(&fixture);
		test_equal(rows[i].line, rows[i].query, &fixture.got, rows[i].want);
	}
	end(&fixture);
}

static void test_where(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{__LINE__, "people", "id=neq.1&id=gt.2&id=gte.3&id=lt.4&id=lte.5",
		 "\"id\"<>? AND \"id\">? AND \"id\">=? AND \"id\"<? AND \"id\"<=? -- 1,2,3,4,5"},
		{__LINE__, "people", "id=in.()", "0"},
		{__LINE__, "people", "id=in.(7)", "\"id\" IN (?) -- 7"},
		{__LINE__, "people", "id=in.(1,2,3,4,5,6,7,8)",
		 "\"id\" IN (?,?,?,?,?,?,?,?) -- 1,2,3,4,5,6,7,8"},
		{__LINE__, "people", "id=in.(1,2,3,4,5,6,7,8,9)",
		 "\"id\" IN (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) -- 1,2,3,4,5,6,7,8,9,9,9,9,9,9,9,9"},
		{__LINE__, "people", "id=not.in.()", "NOT (0)"},
		{__LINE__, "things", "done=is.true", "\"done\" IS TRUE"},
		{__LINE__, "things", "done=not.is.false", "NOT (\"done\" IS FALSE)"},
		{__LINE__, "things", "done=is.unknown&note=is.null&ref=is.not_null",
		 "\"done\" IS NULL AND \"note\" IS NULL AND \"ref\" IS NOT NULL"},
		{__LINE__, "people", "id=not.eq.5", "NOT (\"id\"=?) -- 5"},
		{__LINE__, "people", "or=(id.eq.1,id.eq.2)", "\"id\"=? OR \"id\"=? -- 1,2"},
		{__LINE__, "people", "id=gt.0&or=(id.eq.1,id.eq.2)",
		 "(\"id\"=? OR \"id\"=?) AND \"id\">? -- 1,2,0"},
		{__LINE__, "people", "or=(id.eq.1,and(id.gt.2,id.lt.3))",
		 "\"id\">? AND \"id\"<? OR \"id\"=? -- 2,3,1"},
		{__LINE__, "people",
		 "or=(id.eq.1,id.eq.2,id.eq.3,id.eq.4,id.eq.5,id.eq.6,id.eq.7,id.eq.8,id.eq.9)",
		 "(\"id\"=? OR \"id\"=? OR \"id\"=? OR \"id\"=?) OR (\"id\"=? OR \"id\"=? OR \"id\"=? OR "
		 "\"id\"=? OR \"id\"=?) -- 1,2,3,4,5,6,7,8,9"},
	};
	static const char before[] = "SELECT count(*) FROM \"xxxxxx\" WHERE ";
	struct fixture fixture;
	begin(&fixture);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct query query;
		make_query(&fixture, rows[i].query, QUERY_LIST, rows[i].resource, &query);
		sql_clear(&fixture.sql);
		sql_count(&fixture.sql, &query);
		write_sql(&fixture);
		buf_consume(&fixture.got, sizeof(before) - 1);
		test_equal(rows[i].line, rows[i].query, &fixture.got, rows[i].want);
	}
	end(&fixture);
}

struct write_row {
	int line;
	enum query_action action;
	const char *resource;
	const char *query;
	const char *body; /* NULL: a delete */
	bool representation;
	const char *want;
};

static void write_statement(struct fixture *fixture, const struct query *query, size_t row)
{
	sql_clear(&fixture->sql);
	switch (query->action) {
	case QUERY_LIST:
	case QUERY_GET:
		sql_select(&fixture->sql, query);
		break;
	case QUERY_INSERT:
	case QUERY_UPSERT:
		sql_insert(&fixture->sql, query, row);
		break;
	case QUERY_REPLACE:
	case QUERY_UPDATE:
		sql_update(&fixture->sql, query);
		break;
	case QUERY_DELETE:
		sql_delete(&fixture->sql, query);
		break;
	}
}

static void test_writes(void **state)
{
	(void)state;
	static const struct write_row rows[] = {
		{__LINE__, QUERY_INSERT, "ratings", "", "{\"item_id\":2,\"user_id\":1,\"rating_type\":3}",
		 false,
		 "INSERT INTO \"ratings\" (\"user_id\",\"item_id\",\"rating_type\") VALUES (?,?,?) -- "
		 "1,2,3"},
		{__LINE__, QUERY_INSERT, "people", "", "{\"id\":2}", true,
		 "INSERT INTO \"people\" (\"id\") VALUES (?) RETURNING \"id\" -- 2"},
		{__LINE__, QUERY_UPSERT, "ratings", "", "{\"item_id\":2,\"user_id\":1,\"rating_type\":3}",
		 true,
		 "INSERT INTO \"ratings\" (\"user_id\",\"item_id\",\"rating_type\") VALUES (?,?,?) ON "
		 "CONFLICT (\"user_id\",\"item_id\") DO UPDATE SET "
		 "\"rating_type\"=excluded.\"rating_type\" RETURNING "
		 "\"user_id\",\"item_id\",\"rating_type\" -- 1,2,3"},
		{__LINE__, QUERY_UPSERT, "people", "", "{\"id\":2}", true,
		 "INSERT INTO \"people\" (\"id\") VALUES (?) ON CONFLICT (\"id\") DO UPDATE SET "
		 "\"id\"=\"id\" RETURNING \"id\" -- 2"},
		{__LINE__, QUERY_UPSERT, "things", "", "{\"id\":2,\"name\":\"a\",\"born\":3}", false,
		 "INSERT INTO \"things\" (\"id\",\"name\",\"born\") VALUES (?,?,?) ON CONFLICT (\"id\") DO "
		 "UPDATE SET \"name\"=excluded.\"name\" -- 2,a,3"},
		{__LINE__, QUERY_UPDATE, "ratings", "user_id=eq.1&item_id=eq.2", "{\"rating_type\":3}",
		 true,
		 "UPDATE \"ratings\" SET \"rating_type\"=? WHERE \"user_id\"=? AND \"item_id\"=? RETURNING "
		 "\"user_id\",\"item_id\",\"rating_type\" -- 3,1,2"},
		{__LINE__, QUERY_UPDATE, "ratings", "user_id=eq.1", "{}", false,
		 "UPDATE \"ratings\" SET \"rating_type\"=\"rating_type\" WHERE \"user_id\"=? -- 1"},
		{__LINE__, QUERY_UPDATE, "people", "", "{}", false, "UPDATE \"people\" SET \"id\"=\"id\""},
		{__LINE__, QUERY_REPLACE, "ratings", "user_id=eq.1&item_id=eq.2", "{\"rating_type\":3}",
		 false,
		 "UPDATE \"ratings\" SET \"rating_type\"=? WHERE \"user_id\"=? AND \"item_id\"=? -- 3,1,2"},
		{__LINE__, QUERY_DELETE, "ratings", "user_id=eq.1", NULL, false,
		 "DELETE FROM \"ratings\" WHERE \"user_id\"=? -- 1"},
		{__LINE__, QUERY_DELETE, "people", "", NULL, true,
		 "DELETE FROM \"people\" RETURNING \"id\""},
	};
	struct fixture fixture;
	begin(&fixture);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct query query;
		make_query(&fixture, rows[i].query, rows[i].action, rows[i].resource, &query);
		if (rows[i].body != NULL) {
			read_body(&fixture, rows[i].body, &query);
		}
		if (!rows[i].representation) {
			query.column_count = 0;
		}
		write_statement(&fixture, &query, 0);
		write_sql(&fixture);
		test_equal(rows[i].line, rows[i].query, &fixture.got, rows[i].want);
	}
	end(&fixture);
}

/* Nothing but an auto key: there is no column to name. */
static void test_insert_of_nothing(void **state)
{
	(void)state;
	struct fixture fixture;
	struct value none;
	begin(&fixture);
	struct query query = {
		.action = QUERY_UPSERT,
		.resource = test_resource(fixture.model, "people"),
		.values = &none,
		.row_count = 1,
	};
	sql_insert(&fixture.sql, &query, 0);
	write_sql(&fixture);
	test_equal(__LINE__, "", &fixture.got, "INSERT INTO \"people\" DEFAULT VALUES");
	end(&fixture);
}

static void test_too_long(void **state)
{
	(void)state;
	struct fixture fixture;
	struct query query;
	struct sql sql;
	begin(&fixture);
	sql_init(&sql, &sql_dialect_sqlite, 20);
	make_query(&fixture, "id=eq.5", QUERY_LIST, "people", &query);
	sql_select(&sql, &query);
	assert_true(sql.text.failed);
	sql_clear(&sql);
	assert_false(sql.text.failed);
	sql_finish(&sql);
	sql_finish(NULL);
	end(&fixture);
}

struct schema_row {
	int line;
	const char *resource;
	size_t number;
	const char *name;
	const char *want;
};

static const struct schema_row schema_rows[] = {
	{__LINE__, "ratings", 0, "ratings",
	 "CREATE TABLE \"ratings\" (\n"
	 "  \"user_id\" INTEGER NOT NULL,\n"
	 "  \"item_id\" INTEGER NOT NULL,\n"
	 "  \"rating_type\" INTEGER NOT NULL,\n"
	 "  PRIMARY KEY (\"user_id\",\"item_id\")\n"
	 ") STRICT, WITHOUT ROWID"},
	{__LINE__, "ratings", 1, NULL, NULL},
	{__LINE__, "people", 0, "people",
	 "CREATE TABLE \"people\" (\n"
	 "  \"id\" INTEGER NOT NULL PRIMARY KEY\n"
	 ") STRICT"},
	{__LINE__, "things", 0, "things",
	 "CREATE TABLE \"things\" (\n"
	 "  \"id\" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,\n"
	 "  \"name\" TEXT NOT NULL,\n"
	 "  \"note\" TEXT,\n"
	 "  \"price\" INTEGER,\n"
	 "  \"share\" REAL,\n"
	 "  \"done\" INTEGER CONSTRAINT \"things_done_check\" CHECK (\"done\" IN (0,1)),\n"
	 "  \"ref\" TEXT,\n"
	 "  \"data\" TEXT,\n"
	 "  \"owner\" INTEGER REFERENCES \"people\" (\"id\"),\n"
	 "  \"made\" TEXT DEFAULT 'it''s',\n"
	 "  \"born\" INTEGER,\n"
	 "  \"state\" TEXT DEFAULT 'draft',\n"
	 "  \"odd \"\"key\" TEXT\n"
	 ") STRICT"},
	{__LINE__, "things", 1, "things.one name",
	 "CREATE UNIQUE INDEX \"things.one name\" ON \"things\" (\"name\")"},
	{__LINE__, "things", 2, "things.price_idx",
	 "CREATE INDEX \"things.price_idx\" ON \"things\" (\"price\")"},
	{__LINE__, "things", 3, "things.owner,state_idx",
	 "CREATE INDEX \"things.owner,state_idx\" ON \"things\" (\"owner\",\"state\")"},
	{__LINE__, "things", 4, NULL, NULL},
	{__LINE__, "counts", 0, "counts",
	 "CREATE TABLE \"counts\" (\n"
	 "  \"user_id\" INTEGER NOT NULL,\n"
	 "  \"rating_type\" INTEGER NOT NULL,\n"
	 "  \"count\" INTEGER NOT NULL,\n"
	 "  PRIMARY KEY (\"user_id\",\"rating_type\")\n"
	 ") STRICT, WITHOUT ROWID"},
	{__LINE__, "counts", 1, "counts.insert",
	 "CREATE TRIGGER \"counts.insert\" AFTER INSERT ON \"ratings\"\n"
	 "BEGIN\n"
	 "  INSERT INTO \"counts\" (\"user_id\",\"rating_type\",\"count\") VALUES "
	 "(NEW.\"user_id\",NEW.\"rating_type\",1)\n"
	 "    ON CONFLICT (\"user_id\",\"rating_type\") DO UPDATE SET \"count\"=\"count\"+1;\n"
	 "END"},
	{__LINE__, "counts", 2, "counts.delete",
	 "CREATE TRIGGER \"counts.delete\" AFTER DELETE ON \"ratings\"\n"
	 "BEGIN\n"
	 "  UPDATE \"counts\" SET \"count\"=\"count\"-1 WHERE \"user_id\"=OLD.\"user_id\" AND "
	 "\"rating_type\"=OLD.\"rating_type\";\n"
	 "END"},
	{__LINE__, "counts", 3, "counts.update",
	 "CREATE TRIGGER \"counts.update\" AFTER UPDATE OF \"user_id\",\"rating_type\" ON "
	 "\"ratings\"\n"
	 "WHEN OLD.\"user_id\" IS NOT NEW.\"user_id\" OR OLD.\"rating_type\" IS NOT "
	 "NEW.\"rating_type\"\n"
	 "BEGIN\n"
	 "  UPDATE \"counts\" SET \"count\"=\"count\"-1 WHERE \"user_id\"=OLD.\"user_id\" AND "
	 "\"rating_type\"=OLD.\"rating_type\";\n"
	 "  INSERT INTO \"counts\" (\"user_id\",\"rating_type\",\"count\") VALUES "
	 "(NEW.\"user_id\",NEW.\"rating_type\",1)\n"
	 "    ON CONFLICT (\"user_id\",\"rating_type\") DO UPDATE SET \"count\"=\"count\"+1;\n"
	 "END"},
	{__LINE__, "counts", 4, NULL, NULL},
};

static void test_schema(void **state)
{
	(void)state;
	struct fixture fixture;
	struct buf name;
	begin(&fixture);
	buf_init(&name, TEXT_BYTES);
	for (size_t i = 0; i < sizeof(schema_rows) / sizeof(schema_rows[0]); i++) {
		buf_clear(&fixture.got);
		buf_clear(&name);
		bool more = sql_schema(&sql_dialect_sqlite,
							   test_resource(fixture.model, schema_rows[i].resource),
							   schema_rows[i].number, &fixture.got, &name);
		assert_int_equal(more, schema_rows[i].want != NULL);
		if (more) {
			test_equal(schema_rows[i].line, schema_rows[i].resource, &fixture.got,
					   schema_rows[i].want);
			test_equal(schema_rows[i].line, schema_rows[i].resource, &name, schema_rows[i].name);
		}
	}
	buf_finish(&name);
	end(&fixture);
}

#if HAVE_SQLITE

/* ---- on SQLite ---- */

static sqlite3 *open_database(const struct fixture *fixture)
{
	sqlite3 *db;
	struct buf text;
	struct buf name;
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	assert_int_equal(sqlite3_exec(db, "PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF", NULL,
								  NULL, NULL),
					 SQLITE_OK);
	buf_init(&text, TEXT_BYTES);
	buf_init(&name, TEXT_BYTES);
	for (size_t r = 0; r < fixture->model->resource_count; r++) {
		for (size_t number = 0;; number++) {
			buf_clear(&text);
			buf_clear(&name);
			if (!sql_schema(&sql_dialect_sqlite, &fixture->model->resources[r], number, &text,
							&name)) {
				break;
			}
			buf_append_byte(&text, '\0');
			if (sqlite3_exec(db, text.ptr, NULL, NULL, NULL) != SQLITE_OK) {
				print_error("%s\n%s\n", text.ptr, sqlite3_errmsg(db));
				fail();
			}
		}
	}
	buf_finish(&text);
	buf_finish(&name);
	return db;
}

/* Runs what stands in fixture->sql; rows as `a,b;c,d` in fixture->got. Returns SQLite's last
 * code. */
static int run(struct fixture *fixture, sqlite3 *db)
{
	struct sql *sql = &fixture->sql;
	sqlite3_stmt *stmt;
	buf_clear(&fixture->got);
	if (sqlite3_prepare_v2(db, sql->text.ptr, (int)sql->text.len, &stmt, NULL) != SQLITE_OK) {
		print_error("%.*s\n%s\n", STR_ARG(buf_str(&sql->text)), sqlite3_errmsg(db));
		fail();
	}
	assert_int_equal(sqlite3_bind_parameter_count(stmt), sql->param_count);
	for (size_t i = 0; i < sql->param_count; i++) {
		const struct value *value = sql->params[i];
		int number = (int)i + 1;
		if (value->kind == VALUE_INTEGER) {
			sqlite3_bind_int64(stmt, number, value->integer);
		} else if (value->kind == VALUE_NUMBER) {
			sqlite3_bind_double(stmt, number, value->number);
		} else if (value->kind == VALUE_TEXT) {
			sqlite3_bind_text(stmt, number, value->text.ptr, (int)value->text.len, SQLITE_STATIC);
		}
	}
	int rc;
	for (size_t rows = 0; (rc = sqlite3_step(stmt)) == SQLITE_ROW; rows++) {
		buf_append(&fixture->got, rows > 0 ? STR(";") : STR(""));
		for (int i = 0; i < sqlite3_column_count(stmt); i++) {
			const char *text = (const char *)sqlite3_column_text(stmt, i);
			buf_append(&fixture->got, i > 0 ? STR(",") : STR(""));
			buf_append(&fixture->got, text == NULL ? STR("-") : str_from(text));
		}
	}
	sqlite3_finalize(stmt);
	return rc;
}

static int run_write(struct fixture *fixture, sqlite3 *db, enum query_action action,
					 const char *resource, const char *text, const char *body)
{
	struct query query;
	int rc = SQLITE_DONE;
	make_query(fixture, text, action, resource, &query);
	if (body != NULL) {
		read_body(fixture, body, &query);
	}
	for (size_t i = 0; i < (body != NULL ? query.row_count : 1) && rc == SQLITE_DONE; i++) {
		write_statement(fixture, &query, i);
		rc = run(fixture, db);
	}
	return rc;
}

static void want_list(struct fixture *fixture, sqlite3 *db, int line, const char *resource,
					  const char *text, const char *want)
{
	struct query query;
	make_query(fixture, text, QUERY_LIST, resource, &query);
	write_statement(fixture, &query, 0);
	assert_int_equal(run(fixture, db), SQLITE_DONE);
	test_equal(line, text, &fixture->got, want);
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
	struct fixture fixture;
	begin(&fixture);
	sqlite3 *db = open_database(&fixture);
	assert_int_equal(run_write(&fixture, db, QUERY_INSERT, "things", "", things), SQLITE_DONE);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[256];
		(void)snprintf(text, sizeof(text), "select=id&%s", rows[i].query);
		want_list(&fixture, db, rows[i].line, "things", text, rows[i].want);
	}
	sqlite3_close(db);
	end(&fixture);
}

static void test_writes_on_sqlite(void **state)
{
	(void)state;
	struct fixture fixture;
	begin(&fixture);
	sqlite3 *db = open_database(&fixture);
	/* Defaults of the table, for an upsert that makes the row; what is `once` stays afterwards. */
	run_write(&fixture, db, QUERY_UPSERT, "things", "select=id,name,made,state,born",
			  "{\"id\":7,\"name\":\"a\",\"born\":1}");
	test_equal(__LINE__, "upsert", &fixture.got, "7,a,it's,draft,1");
	run_write(&fixture, db, QUERY_UPDATE, "things", "id=eq.7", "{\"state\":\"printed\"}");
	run_write(&fixture, db, QUERY_UPSERT, "things", "select=id,name,made,state,born",
			  "{\"id\":7,\"name\":\"b\",\"born\":2}");
	test_equal(__LINE__, "upsert", &fixture.got, "7,b,it's,printed,1");
	run_write(&fixture, db, QUERY_UPDATE, "things", "id=eq.7&select=name", "{}");
	test_equal(__LINE__, "update", &fixture.got, "b");
	run_write(&fixture, db, QUERY_UPDATE, "things", "id=eq.8&select=name", "{}");
	test_equal(__LINE__, "update", &fixture.got, "");
	run_write(&fixture, db, QUERY_REPLACE, "things", "id=eq.7&select=name,state,born",
			  "{\"name\":\"c\"}");
	test_equal(__LINE__, "replace", &fixture.got, "c,draft,1");

	run_write(&fixture, db, QUERY_UPSERT, "people", "", "{\"id\":1}");
	run_write(&fixture, db, QUERY_UPSERT, "people", "", "{\"id\":1}");
	test_equal(__LINE__, "only a key", &fixture.got, "1");
	run_write(&fixture, db, QUERY_UPSERT, "tokens", "select=live,least,ratio",
			  "{\"id\":\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\"}");
	test_equal(__LINE__, "literals", &fixture.got, "1,-9223372036854775808,-0.5");
	want_list(&fixture, db, __LINE__, "tokens", "select=id",
			  "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11");

	/* The uuid that the table makes reads back as one of version 4. */
	struct query query;
	make_query(&fixture, "select=code", QUERY_LIST, "tokens", &query);
	write_statement(&fixture, &query, 0);
	run(&fixture, db);
	struct value value;
	struct error error;
	assert_true(value_from_text(query.columns[0].field, buf_str(&fixture.got), &fixture.arena,
								&value, &error));
	assert_int_equal(fixture.got.ptr[14], '4');
	assert_true(strchr("89ab", fixture.got.ptr[19]) != NULL);

	/* Rules. */
	assert_int_equal(run_write(&fixture, db, QUERY_INSERT, "things", "", "{\"name\":\"c\"}"),
					 SQLITE_CONSTRAINT);
	assert_int_equal(run_write(&fixture, db, QUERY_INSERT, "people", "", "{\"id\":1}"),
					 SQLITE_CONSTRAINT);
	assert_int_equal(run_write(&fixture, db, QUERY_INSERT, "things", "",
							   "{\"name\":\"d\",\"owner\":5}"),
					 SQLITE_CONSTRAINT);
	assert_int_equal(run_write(&fixture, db, QUERY_INSERT, "things", "",
							   "{\"name\":\"d\",\"owner\":1}"),
					 SQLITE_DONE);
	assert_int_equal(run_write(&fixture, db, QUERY_DELETE, "people", "id=eq.1", NULL),
					 SQLITE_CONSTRAINT);
	assert_int_equal(sqlite3_exec(db, "UPDATE things SET done=2", NULL, NULL, NULL),
					 SQLITE_CONSTRAINT);
	assert_string_equal(sqlite3_errmsg(db), "CHECK constraint failed: things_done_check");
	/* Made keys are never used again. */
	run_write(&fixture, db, QUERY_DELETE, "things", "", NULL);
	run_write(&fixture, db, QUERY_INSERT, "things", "select=id", "{\"name\":\"e\"}");
	test_equal(__LINE__, "auto", &fixture.got, "9");
	sqlite3_close(db);
	end(&fixture);
}

/* Counts equal the histogram of the ratings after each statement. */
static void want_counts(struct fixture *fixture, sqlite3 *db, int line)
{
	static const char difference[] =
		"SELECT user_id,rating_type,count FROM counts WHERE count<>0 EXCEPT "
		"SELECT user_id,rating_type,count(*) FROM ratings GROUP BY 1,2 UNION ALL "
		"SELECT * FROM (SELECT user_id,rating_type,count(*) FROM ratings GROUP BY 1,2 EXCEPT "
		"SELECT user_id,rating_type,count FROM counts)";
	sql_clear(&fixture->sql);
	buf_append(&fixture->sql.text, str_from(difference));
	assert_int_equal(run(fixture, db), SQLITE_DONE);
	test_equal(line, "counts", &fixture->got, "");
}

static void test_tally_on_sqlite(void **state)
{
	(void)state;
	static const struct write_row steps[] = {
		{__LINE__, QUERY_INSERT, "", "",
		 "[{\"user_id\":1,\"item_id\":1,\"rating_type\":1},"
		 "{\"user_id\":1,\"item_id\":2,\"rating_type\":1},"
		 "{\"user_id\":1,\"item_id\":3,\"rating_type\":2},"
		 "{\"user_id\":2,\"item_id\":1,\"rating_type\":3}]",
		 true, "1,1,2;1,2,1;2,3,1"},
		/* An upsert that inserts, one that changes, one that changes nothing. */
		{__LINE__, QUERY_UPSERT, "", "", "{\"user_id\":1,\"item_id\":9,\"rating_type\":2}", true,
		 "1,1,2;1,2,2;2,3,1"},
		{__LINE__, QUERY_UPSERT, "", "", "{\"user_id\":1,\"item_id\":1,\"rating_type\":3}", true,
		 "1,1,1;1,2,2;1,3,1;2,3,1"},
		{__LINE__, QUERY_UPSERT, "", "", "{\"user_id\":1,\"item_id\":1,\"rating_type\":3}", true,
		 "1,1,1;1,2,2;1,3,1;2,3,1"},
		{__LINE__, QUERY_UPDATE, "", "user_id=eq.1", "{\"rating_type\":3}", true, "1,3,4;2,3,1"},
		{__LINE__, QUERY_UPDATE, "", "user_id=eq.1&item_id=lt.3", "{\"user_id\":3}", true,
		 "1,3,2;2,3,1;3,3,2"},
		{__LINE__, QUERY_UPDATE, "", "", "{}", true, "1,3,2;2,3,1;3,3,2"},
		{__LINE__, QUERY_INSERT, "", "", "{\"user_id\":2,\"item_id\":1,\"rating_type\":1}", false,
		 "1,3,2;2,3,1;3,3,2"},
		{__LINE__, QUERY_DELETE, "", "user_id=eq.1", NULL, true, "2,3,1;3,3,2"},
		{__LINE__, QUERY_UPSERT, "", "", "{\"user_id\":1,\"item_id\":1,\"rating_type\":1}", true,
		 "1,1,1;2,3,1;3,3,2"},
		{__LINE__, QUERY_DELETE, "", "", NULL, true, ""},
	};
	struct fixture fixture;
	begin(&fixture);
	sqlite3 *db = open_database(&fixture);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		int rc = run_write(&fixture, db, steps[i].action, "ratings", steps[i].query, steps[i].body);
		assert_int_equal(rc, steps[i].representation ? SQLITE_DONE : SQLITE_CONSTRAINT);
		want_counts(&fixture, db, steps[i].line);
		want_list(&fixture, db, steps[i].line, "counts", "", steps[i].want);
	}
	sqlite3_close(db);
	end(&fixture);
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
	struct fixture fixture;
	begin(&fixture);
	sqlite3 *db = open_database(&fixture);
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
		make_query(&fixture, text.ptr, QUERY_LIST, "people", &query);
		write_statement(&fixture, &query, 0);
		assert_int_equal(run(&fixture, db), SQLITE_DONE);
		buf_finish(&text);
	}
	sqlite3_close(db);
	end(&fixture);
}

/* The largest list that the limits let through. */
static void test_long_list_on_sqlite(void **state)
{
	(void)state;
	struct fixture fixture;
	struct buf text;
	begin(&fixture);
	sqlite3 *db = open_database(&fixture);
	run_write(&fixture, db, QUERY_INSERT, "people", "",
			  "[{\"id\":1},{\"id\":9999},{\"id\":10000}]");
	buf_init(&text, TEXT_BYTES);
	for (int i = 0; i < 10000; i++) {
		buf_printf(&text, "%s%d", i == 0 ? "id=in.(" : ",", i);
	}
	buf_append(&text, STR(")"));
	buf_append_byte(&text, '\0');
	want_list(&fixture, db, __LINE__, "people", text.ptr, "1;9999");
	buf_finish(&text);
	sqlite3_close(db);
	end(&fixture);
}

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_select),
		cmocka_unit_test(test_where),
		cmocka_unit_test(test_writes),
		cmocka_unit_test(test_insert_of_nothing),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_schema),
#if HAVE_SQLITE
		cmocka_unit_test(test_filters_on_sqlite),
		cmocka_unit_test(test_writes_on_sqlite),
		cmocka_unit_test(test_tally_on_sqlite),
		cmocka_unit_test(test_deep_and_wide_on_sqlite),
		cmocka_unit_test(test_long_list_on_sqlite),
#endif
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
