#include "sql/sql.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "query/check_test_help.h"
#include "rowlock_config.h"
#include "sql/sql_test_help.h"

#if HAVE_SQLITE
#include <sqlite3.h>
#endif

struct write_row {
	int line;
	enum query_action action;
	bool representation;
	const char *resource;
	const char *query;
	const char *row;
	const char *want;
};

static const struct write_row write_rows[] = {
	{__LINE__, QUERY_INSERT, false, "ratings", "", "user_id=1&item_id=2&rating_type=3",
	 "INSERT INTO \"ratings\" (\"user_id\",\"item_id\",\"rating_type\") "
	 "VALUES (?,?,?) -- 1,2,3"},
	{__LINE__, QUERY_INSERT, true, "people", "", "id=2",
	 "INSERT INTO \"people\" (\"id\") VALUES (?) RETURNING \"id\" -- 2"},
	{__LINE__, QUERY_INSERT, false, "things", "", "id&name=a&note=NULL&state&price=1.5",
	 "INSERT INTO \"things\" (\"name\",\"note\",\"price\") VALUES (?,?,"
	 "?) -- a,NULL,150"},
	{__LINE__, QUERY_INSERT, false, "people", "", "id", "INSERT INTO \"people\" DEFAULT VALUES"},
	{__LINE__, QUERY_INSERT, true, "people", "", "id",
	 "INSERT INTO \"people\" DEFAULT VALUES RETURNING \"id\""},
	{__LINE__, QUERY_INSERT, false, "people", "", "", "INSERT INTO \"people\" DEFAULT VALUES"},
	{__LINE__, QUERY_INSERT, true, "things", "select=id::text,data->a->>0,n:name", "name=a",
	 "INSERT INTO \"things\" (\"name\") VALUES (?) RETURNING "
	 "rowlock_cast(\"id\",?,?),rowlock_json(\"data\",?),\"name\" -- a,*,"
	 "*,*"},
	{__LINE__, QUERY_INSERT, true, "projects", "select=id,clients(name)", "id=1&client_id=2",
	 "INSERT INTO \"projects\" (\"id\",\"client_id\") VALUES (?,?) "
	 "RETURNING \"id\",\"client_id\" -- 1,2"},
	{__LINE__, QUERY_UPSERT, true, "ratings", "", "user_id=1&item_id=2&rating_type=3",
	 "INSERT INTO \"ratings\" (\"user_id\",\"item_id\",\"rating_type\") "
	 "VALUES (?,?,?) ON CONFLICT (\"user_id\",\"item_id\") DO UPDATE "
	 "SET \"rating_type\"=excluded.\"rating_type\" RETURNING "
	 "\"user_id\",\"item_id\",\"rating_type\" -- 1,2,3"},
	{__LINE__, QUERY_UPSERT, true, "people", "", "id=2",
	 "INSERT INTO \"people\" (\"id\") VALUES (?) ON CONFLICT (\"id\") "
	 "DO UPDATE SET \"id\"=\"id\" RETURNING \"id\" -- 2"},
	{__LINE__, QUERY_UPSERT, false, "things", "", "id=2&name=a&born=3",
	 "INSERT INTO \"things\" (\"id\",\"name\",\"born\") VALUES (?,?,?) "
	 "ON CONFLICT (\"id\") DO UPDATE SET \"name\"=excluded.\"name\" -- "
	 "2,a,3"},
	{__LINE__, QUERY_UPSERT, false, "things", "", "id=2&name=a&born=3&note",
	 "INSERT INTO \"things\" (\"id\",\"name\",\"born\") VALUES (?,?,?) "
	 "ON CONFLICT (\"id\") DO UPDATE SET \"name\"=excluded.\"name\" -- "
	 "2,a,3"},
	{__LINE__, QUERY_UPSERT, false, "things", "on_conflict=name", "name=a&note=b&id=5",
	 "INSERT INTO \"things\" (\"name\",\"note\",\"id\") VALUES (?,?,?) "
	 "ON CONFLICT (\"name\") DO UPDATE SET \"note\"=excluded.\"note\","
	 "\"id\"=excluded.\"id\" -- a,b,5"},
	{__LINE__, QUERY_UPSERT, false, "users", "on_conflict=name", "name=a",
	 "INSERT INTO \"users\" (\"name\") VALUES (?) ON CONFLICT "
	 "(\"name\") DO UPDATE SET \"name\"=\"name\" -- a"},
	{__LINE__, QUERY_UPSERT, false, "things", "", "id=2&born=3",
	 "INSERT INTO \"things\" (\"id\",\"born\") VALUES (?,?) ON CONFLICT "
	 "(\"id\") DO UPDATE SET \"name\"=\"name\" -- 2,3"},
	{__LINE__, QUERY_UPSERT, false, "tokens", "", "id", "INSERT INTO \"tokens\" DEFAULT VALUES"},
	{__LINE__, QUERY_UPDATE, true, "ratings", "user_id=eq.1&item_id=eq.2", "rating_type=3",
	 "UPDATE \"ratings\" SET \"rating_type\"=? WHERE \"user_id\"=? AND "
	 "\"item_id\"=? RETURNING \"user_id\",\"item_id\",\"rating_type\" "
	 "-- 3,1,2"},
	{__LINE__, QUERY_UPDATE, false, "ratings", "user_id=eq.1", "",
	 "UPDATE \"ratings\" SET \"rating_type\"=\"rating_type\" WHERE "
	 "\"user_id\"=? -- 1"},
	{__LINE__, QUERY_UPDATE, false, "people", "", "", "UPDATE \"people\" SET \"id\"=\"id\""},
	{__LINE__, QUERY_UPDATE, true, "things", "id=eq.1&select=id,price::text", "price=NULL&note=x",
	 "UPDATE \"things\" SET \"price\"=?,\"note\"=? WHERE \"id\"=? "
	 "RETURNING \"id\",rowlock_cast(\"price\",?,?) -- NULL,x,1,*,*"},
	{__LINE__, QUERY_UPDATE, false, "projects", "select=clients()&clients=is.null", "name=x",
	 "UPDATE \"projects\" AS _1 SET \"name\"=? WHERE NOT (EXISTS(SELECT "
	 "1 FROM \"clients\" AS _2 WHERE _2.\"id\"=_1.\"client_id\")) -- x"},
	{__LINE__, QUERY_UPDATE, true, "projects",
	 "select=id,clients()&clients=not.is.null&order=clients(name)", "name=x",
	 "UPDATE \"projects\" AS _1 SET \"name\"=? WHERE EXISTS(SELECT 1 "
	 "FROM \"clients\" AS _2 WHERE _2.\"id\"=_1.\"client_id\") "
	 "RETURNING \"projects\".\"id\",(SELECT _3.\"name\" FROM "
	 "\"clients\" AS _3 WHERE _3.\"id\"=\"projects\".\"client_id\") -- x"},
	{__LINE__, QUERY_UPDATE, true, "projects", "select=id,clients()&order=clients(name).desc",
	 "name=x",
	 "UPDATE \"projects\" SET \"name\"=? RETURNING \"projects\".\"id\","
	 "(SELECT _1.\"name\" FROM \"clients\" AS _1 WHERE "
	 "_1.\"id\"=\"projects\".\"client_id\") -- x"},
	{__LINE__, QUERY_REPLACE, false, "ratings", "user_id=eq.1&item_id=eq.2", "rating_type=3",
	 "UPDATE \"ratings\" SET \"rating_type\"=? WHERE \"user_id\"=? AND "
	 "\"item_id\"=? -- 3,1,2"},
	{__LINE__, QUERY_DELETE, false, "ratings", "user_id=eq.1", "",
	 "DELETE FROM \"ratings\" WHERE \"user_id\"=? -- 1"},
	{__LINE__, QUERY_DELETE, true, "people", "", "", "DELETE FROM \"people\" RETURNING \"id\""},
	{__LINE__, QUERY_DELETE, false, "users", "select=tasks()&tasks=is.null", "",
	 "DELETE FROM \"users\" AS _1 WHERE NOT (EXISTS(SELECT 1 FROM "
	 "\"tasks\" AS _2 JOIN \"users_tasks\" AS _3 ON "
	 "_3.\"task_id\"=_2.\"id\" WHERE _3.\"user_id\"=_1.\"id\"))"},
	{__LINE__, QUERY_DELETE, true, "clients",
	 "select=id,projects()&projects=not.is.null&projects.name=like.a*", "",
	 "DELETE FROM \"clients\" AS _1 WHERE EXISTS(SELECT 1 FROM "
	 "\"projects\" AS _2 WHERE (_2.\"name\" COLLATE BINARY>=? AND "
	 "_2.\"name\" COLLATE BINARY<? AND rowlock_like(_2.\"name\",?)) AND "
	 "_2.\"client_id\"=_1.\"id\") RETURNING \"id\" -- a,b,*"},
	{__LINE__, QUERY_DELETE, true, "things", "select=data->>a&data->>b=eq.c", "",
	 "DELETE FROM \"things\" WHERE rowlock_json(\"data\",?)=? RETURNING "
	 "rowlock_json(\"data\",?) -- *,c,*"},
};

static void test_writes(void **state)
{
	(void)state;
	struct sql_bed bed;
	sql_bed_begin(&bed);
	for (size_t i = 0; i < sizeof(write_rows) / sizeof(write_rows[0]); i++) {
		const struct write_row *row = &write_rows[i];
		struct query query;
		bed.options.no_rows = !row->representation;
		sql_bed_query(&bed, row->query, row->action, row->resource, &query);
		sql_bed_give(&bed, row->row, &query);
		sql_bed_write(&bed, &query);
		sql_bed_look(&bed, query.resource);
		test_equal(row->line, row->query, &bed.got, row->want);
	}
	sql_bed_end(&bed);
}

/* What meets another row is left as it is, and not answered. */
static void test_ignore(void **state)
{
	(void)state;
	struct sql_bed bed;
	struct query query;
	sql_bed_begin(&bed);
	sql_bed_query(&bed, "select=id&on_conflict=name", QUERY_UPSERT, "things", &query);
	sql_bed_give(&bed, "name=a&note=b", &query);
	query.resolution = RESOLUTION_IGNORE;
	sql_bed_write(&bed, &query);
	sql_bed_look(&bed, query.resource);
	test_equal(__LINE__, "ignore", &bed.got,
			   "INSERT INTO \"things\" (\"name\",\"note\") VALUES (?,?) ON CONFLICT (\"name\") DO "
			   "NOTHING RETURNING \"id\" -- a,b");
	sql_bed_end(&bed);
}

/* ---- tables ---- */

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
	/* a foreign key that is the key, or a part of it; two to the same table */
	{__LINE__, "details", 0, "details",
	 "CREATE TABLE \"details\" (\n"
	 "  \"project_id\" INTEGER NOT NULL PRIMARY KEY REFERENCES \"projects\" (\"id\"),\n"
	 "  \"note\" TEXT\n"
	 ") STRICT"},
	{__LINE__, "users_tasks", 0, "users_tasks",
	 "CREATE TABLE \"users_tasks\" (\n"
	 "  \"user_id\" INTEGER NOT NULL REFERENCES \"users\" (\"id\"),\n"
	 "  \"task_id\" INTEGER NOT NULL REFERENCES \"tasks\" (\"id\"),\n"
	 "  PRIMARY KEY (\"user_id\",\"task_id\")\n"
	 ") STRICT, WITHOUT ROWID"},
	{__LINE__, "organizations", 0, "organizations",
	 "CREATE TABLE \"organizations\" (\n"
	 "  \"id\" INTEGER NOT NULL PRIMARY KEY,\n"
	 "  \"referee\" INTEGER REFERENCES \"organizations\" (\"id\"),\n"
	 "  \"auditor\" INTEGER REFERENCES \"organizations\" (\"id\")\n"
	 ") STRICT"},
	/* a foreign key of two fields */
	{__LINE__, "stays", 0, "stays",
	 "CREATE TABLE \"stays\" (\n"
	 "  \"id\" INTEGER NOT NULL PRIMARY KEY,\n"
	 "  \"house\" TEXT,\n"
	 "  \"number\" INTEGER,\n"
	 "  FOREIGN KEY (\"house\",\"number\") REFERENCES \"rooms\" (\"house\",\"number\")\n"
	 ") STRICT"},
	/* no key */
	{__LINE__, "loose", 0, "loose",
	 "CREATE TABLE \"loose\" (\n"
	 "  \"a\" INTEGER,\n"
	 "  \"b\" TEXT\n"
	 ") STRICT"},
	{__LINE__, "loose", 1, NULL, NULL},
};

static void test_schema(void **state)
{
	(void)state;
	struct sql_bed bed;
	struct buf name;
	sql_bed_begin(&bed);
	buf_init(&name, 1 << 16);
	for (size_t i = 0; i < sizeof(schema_rows) / sizeof(schema_rows[0]); i++) {
		const struct schema_row *row = &schema_rows[i];
		buf_clear(&bed.got);
		buf_clear(&name);
		bool more = sql_schema(&sql_dialect_sqlite, sql_bed_resource(&bed, row->resource),
							   row->number, &bed.got, &name);
		assert_int_equal(more, row->want != NULL);
		if (more) {
			test_equal(row->line, row->resource, &bed.got, row->want);
			test_equal(row->line, row->resource, &name, row->name);
		}
	}
	buf_finish(&name);
	sql_bed_end(&bed);
}

static const char *no_environment(const char *name)
{
	(void)name;
	return NULL;
}

static const char odd_yaml[] =
	"service: odd\n"
	"resources:\n"
	"  places:\n"
	"    key: id\n"
	"    fields:\n"
	"      id:   integer\n"
	"      code: text\n"
	"      zip:  integer\n"
	"      town: text\n"
	"    unique:\n"
	"      one code: code\n"
	"      one town: [zip, town]\n"
	"  visits:\n"
	"    key: id\n"
	"    fields:\n"
	"      id:    integer\n"
	"      place: { type: integer, references: places }\n"
	"      code:  text\n"
	"      zip:   integer\n"
	"      town:  text\n"
	"    references:\n"
	"      to code: { fields: code, to: places, on: code }\n"
	"      to town: { fields: [town, zip], to: places, on: [town, zip] }\n";

/* Foreign keys that are not to the key, and a default that only the database knows. */
static void test_odd_schema(void **state)
{
	(void)state;
	struct model_report report;
	struct buf text;
	struct buf name;
	model_report_init(&report);
	struct model *model = model_parse(str_from(odd_yaml), STR("odd.yaml"), no_environment, &report);
	assert_non_null(model);
	model_report_finish(&report);
	buf_init(&text, 1 << 16);
	buf_init(&name, 1 << 16);
	const struct resource *visits = test_resource(model, "visits");
	assert_true(sql_schema(&sql_dialect_sqlite, visits, 0, &text, &name));
	test_equal(__LINE__, "visits", &text,
			   "CREATE TABLE \"visits\" (\n"
			   "  \"id\" INTEGER NOT NULL PRIMARY KEY,\n"
			   "  \"place\" INTEGER REFERENCES \"places\" (\"id\"),\n"
			   "  \"code\" TEXT REFERENCES \"places\" (\"code\"),\n"
			   "  \"zip\" INTEGER,\n"
			   "  \"town\" TEXT,\n"
			   "  FOREIGN KEY (\"zip\",\"town\") REFERENCES \"places\" (\"zip\",\"town\")\n"
			   ") STRICT");
#if HAVE_SQLITE
	sqlite3 *db = sql_bed_open(model);
	assert_int_equal(sqlite3_exec(db,
								  "INSERT INTO places VALUES (1,'a',5,'b');"
								  "INSERT INTO visits VALUES (1,1,'a',5,'b')",
								  NULL, NULL, NULL),
					 SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "UPDATE visits SET zip=6", NULL, NULL, NULL),
					 SQLITE_CONSTRAINT);
	assert_int_equal(sqlite3_exec(db, "UPDATE visits SET code='c'", NULL, NULL, NULL),
					 SQLITE_CONSTRAINT);
	sqlite3_close(db);
#endif
	struct field field = visits->fields[2];
	struct resource one = {
		.name = STR("one"),
		.fields = &field,
		.field_count = 1,
	};
	field.default_kind = DEFAULT_DATABASE;
	buf_clear(&text);
	assert_true(sql_schema(&sql_dialect_sqlite, &one, 0, &text, &name));
	test_equal(__LINE__, "one", &text, "CREATE TABLE \"one\" (\n  \"code\" TEXT\n) STRICT");
	buf_finish(&text);
	buf_finish(&name);
	model_destroy(model);
}

static const char search_yaml[] = "service: searched\n"
								  "resources:\n"
								  "  a:\n"
								  "    key: id\n"
								  "    fields: { id: integer, title: text, uri: text }\n"
								  "    search: [title, uri]\n"
								  "  b:\n"
								  "    key: [x, rowid]\n"
								  "    fields: { x: text, rowid: text }\n"
								  "    search: x\n"
								  "  c:\n"
								  "    key: rowid\n"
								  "    fields: { rowid: text, oid: text, _ROWID_: text }\n"
								  "    search: oid\n";

static const struct {
	int line;
	const char *resource;
	const char *query;
	const char *want;
} search_rows[] = {
#define SEARCHED(TABLE, NUMBER, FIELD)                                                             \
	"\"" NUMBER "\" IN (SELECT rowid FROM \"" TABLE "." FIELD "_search\" WHERE \"" TABLE "." FIELD \
	"_search\" MATCH ? UNION ALL SELECT \"" NUMBER "\" FROM \"" TABLE "\" WHERE \"" NUMBER         \
	"\">=(SELECT ifnull(max(id)+1,-9223372036854775808) FROM \"" TABLE "." FIELD                   \
	"_search_docsize\") AND rowlock_like(\"" FIELD "\",?)) AND "
#define A_TITLE SEARCHED("a", "id", "title")
	{__LINE__, "a", "title=ilike.*found*", A_TITLE "rowlock_like(\"title\",?)"},
	{__LINE__, "a", "title=like.*fou*", A_TITLE "rowlock_like(\"title\",?)"},
	{__LINE__, "a", "title=like.fou*",
	 A_TITLE "(\"title\" COLLATE BINARY>=? AND \"title\" COLLATE BINARY<? AND "
			 "rowlock_like(\"title\",?))"},
	{__LINE__, "a", "title=ilike.*fo*nd*", "rowlock_like(\"title\",?)"},
	{__LINE__, "a", "title=not.ilike.*found*", "NOT (rowlock_like(\"title\",?))"},
	{__LINE__, "a", "or=(title.ilike.*found*,id.eq.1)",
	 A_TITLE "rowlock_like(\"title\",?) OR \"id\"=?"},
	{__LINE__, "a", "uri=ilike.*found*", SEARCHED("a", "id", "uri") "rowlock_like(\"uri\",?)"},
	{__LINE__, "b", "x=ilike.*found*", SEARCHED("b", "_rowid_", "x") "rowlock_like(\"x\",?)"},
	{__LINE__, "b", "rowid=ilike.*found*", "rowlock_like(\"rowid\",?)"},
	{__LINE__, "c", "oid=ilike.*found*", "rowlock_like(\"oid\",?)"},
};

/* Which conditions ask an index for substrings, and by which number of a row. */
static void test_search(void **state)
{
	(void)state;
	struct model_report report;
	struct sql_bed bed;
	struct buf name;
	sql_bed_begin(&bed);
	buf_init(&name, 1 << 16);
	model_report_init(&report);
	struct model *model = model_parse(str_from(search_yaml), STR("s.yaml"), no_environment,
									  &report);
	assert_non_null(model);
	model_report_finish(&report);
	bed.sql.searches = true;
	for (size_t i = 0; i < sizeof(search_rows) / sizeof(search_rows[0]); i++) {
		struct query query = {.action = QUERY_DELETE};
		struct error error = {.code = ERROR_NONE};
		const struct resource *resource = test_resource(model, search_rows[i].resource);
		assert_true(test_check(search_rows[i].query, QUERY_DELETE, resource, &bed.options,
							   &bed.arena, &query, &error));
		sql_clear(&bed.sql);
		sql_count(&bed.sql, &query);
		struct str text = buf_str(&bed.sql.text);
		size_t from = str_find(text, 'W', 0) + 6; /* WHERE */
		buf_clear(&name);
		buf_append(&name, str_slice(text, from, text.len));
		test_equal(search_rows[i].line, search_rows[i].query, &name, search_rows[i].want);
	}
	buf_clear(&name);
	buf_clear(&bed.got);
	assert_true(sql_schema(&sql_dialect_sqlite, test_resource(model, "b"), 0, &bed.got, &name));
	test_equal(__LINE__, "table", &bed.got,
			   "CREATE TABLE \"b\" (\n  \"x\" TEXT NOT NULL,\n  \"rowid\" TEXT NOT NULL,\n"
			   "  PRIMARY KEY (\"x\",\"rowid\")\n) STRICT");
	buf_clear(&name);
	buf_clear(&bed.got);
	assert_true(sql_schema(&sql_dialect_sqlite, test_resource(model, "b"), 1, &bed.got, &name));
	test_equal(__LINE__, "name", &name, "b.x_search");
	test_equal(__LINE__, "index", &bed.got,
			   "CREATE VIRTUAL TABLE \"b.x_search\" USING fts5(text, content='', detail=none, "
			   "tokenize='rowlock_grams')");
	buf_finish(&name);
	model_destroy(model);
	sql_bed_end(&bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_writes), cmocka_unit_test(test_ignore),
		cmocka_unit_test(test_schema), cmocka_unit_test(test_odd_schema),
		cmocka_unit_test(test_search),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
