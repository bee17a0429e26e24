/* Databases that somebody else made, and the service files that they become. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "model/yaml.h"
#include "store/describe.h"
#include "store/sqlite_describe.h"
#include "store/store_test_help.h"

enum { FILE_BYTES = 1 << 20 };

#define HEAD "service: music\nstore: \"sqlite:music.db\"\n\nresources:"

static sqlite3 *open_database(const char *path, const char *sql)
{
	sqlite3 *db;
	char *message = NULL;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK) {
		fail_msg("%s: %s", sql, message);
	}
	return db;
}

/* What is described is what the loader reads and the store accepts. */
static void assert_accepted(int line, struct fixture *fixture, struct str yaml)
{
	struct error error = {.code = ERROR_NONE};
	struct model_report report;
	model_report_init(&report);
	model_destroy(fixture->model);
	fixture->model = model_parse(yaml, STR("test.yaml"), NULL, &report);
	if (fixture->model == NULL) {
		fail_msg("line %d: %zu: %.*s\n%.*s", line, report.problems[0].place.line,
				 STR_ARG(report.problems[0].message), STR_ARG(yaml));
	}
	model_report_finish(&report);
	struct store_options options = fixture_options(fixture);
	struct str url = arena_printf(&fixture->arena, "sqlite:%s/test.db", fixture->folder);
	struct store *store = store_open(url, &options, &error);
	if (store == NULL) {
		fail_msg("line %d: %s: %s\n%.*s", line, error.message, error.details, STR_ARG(yaml));
	}
	store_close(store);
}

struct row {
	int line;
	const char *sql;
	const char *want; /* behind HEAD */
};

static void check_row(struct fixture *fixture, const struct row *row, bool write)
{
	const char *path = arena_printf(&fixture->arena, "%s/test.db", fixture->folder).ptr;
	sqlite3 *db = open_database(path, row->sql);
	const struct describe_options options = {.url = STR("sqlite:music.db"), .write = write};
	struct error error = {.code = ERROR_NONE};
	struct buf yaml;
	buf_init(&yaml, FILE_BYTES);
	if (!sqlite_describe(db, &options, &yaml, &error)) {
		fail_msg("line %d: %s", row->line, error.message);
	}
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	struct str got = buf_str(&yaml);
	if (!str_starts_with(got, STR(HEAD)) ||
		!str_equal(str_slice(got, sizeof(HEAD) - 1, got.len), str_from(row->want))) {
		fail_msg("line %d: %.*s", row->line, STR_ARG(got));
	}
	assert_accepted(row->line, fixture, got);
	buf_finish(&yaml);
	unlink(path);
}

static void check_rows(const struct row *rows, size_t count, bool write)
{
	struct fixture fixture;
	fixture_init(&fixture, test_service);
	for (size_t i = 0; i < count; i++) {
		check_row(&fixture, &rows[i], write);
	}
	fixture_finish(&fixture);
}

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void test_types(void **state)
{
	(void)state;
	static const struct {
		int line;
		const char *declared;
		const char *want;
	} rows[] = {
		{__LINE__, "", "text"},
		{__LINE__, "INTEGER", "integer"},
		{__LINE__, "int", "integer"},
		{__LINE__, "UNSIGNED BIG INT", "integer"},
		{__LINE__, "TINYINT(2)", "integer"},
		{__LINE__, "tinyint(1)", "{ type: boolean, loose: true }"},
		{__LINE__, "BIT", "{ type: boolean, loose: true }"},
		{__LINE__, "BIT(1)", "{ type: boolean, loose: true }"},
		{__LINE__, "BIT(8)", "text"},
		{__LINE__, "BOOLEAN", "{ type: boolean, loose: true }"},
		{__LINE__, "bool", "{ type: boolean, loose: true }"},
		{__LINE__, "CHARACTER(20)", "text(20)"},
		{__LINE__, "VARCHAR", "text"},
		{__LINE__, "NVARCHAR(160)", "text(160)"},
		{__LINE__, "varying character ( 7 )", "text(7)"},
		{__LINE__, "VARCHAR(1)", "text(1)"},
		{__LINE__, "VARCHAR(0)", "text"},
		{__LINE__, "VARCHAR(1000000000)", "text(1000000000)"},
		{__LINE__, "VARCHAR(1000000001)", "text"},
		{__LINE__, "VARCHAR(-1)", "text"},
		{__LINE__, "VARCHAR(10,2)", "text"},
		{__LINE__, "TEXT", "text"},
		{__LINE__, "TEXT(9)", "text"},
		{__LINE__, "CLOB", "text"},
		{__LINE__, "REAL", "number"},
		{__LINE__, "FLOAT", "number"},
		{__LINE__, "DOUBLE PRECISION", "number"},
		{__LINE__, "NUMERIC", "number"},
		{__LINE__, "DECIMAL(10,5)", "number"},
		{__LINE__, "JSON", "json"},
		{__LINE__, "jsonb", "json"},
		{__LINE__, "DATE", "text"},
		{__LINE__, "DATETIME", "text"},
		{__LINE__, "TIMESTAMP", "text"},
		{__LINE__, "UUID", "text"},
		{__LINE__, "BLOB", "{ type: text, write: never }"},
		{__LINE__, "LONGBLOB", "{ type: text, write: never }"},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		char sql[128];
		char want[128];
		snprintf(sql, sizeof(sql), "CREATE TABLE t (a %s)", rows[i].declared);
		snprintf(want, sizeof(want), "\n  t:\n    key: []\n    fields:\n      a: %s\n",
				 rows[i].want);
		const struct row row = {rows[i].line, sql, want};
		check_rows(&row, 1, true);
	}
}

static void test_defaults(void **state)
{
	(void)state;
	static const struct {
		int line;
		const char *column;
		const char *want;
	} rows[] = {
		{__LINE__, "INT DEFAULT 7", "{ type: integer, default: 7 }"},
		{__LINE__, "INT DEFAULT -7", "{ type: integer, default: -7 }"},
		{__LINE__, "INT DEFAULT +7", "{ type: integer, default: database }"},
		{__LINE__, "INT DEFAULT 0x1F", "{ type: integer, default: database }"},
		{__LINE__, "INT DEFAULT 1.5", "{ type: integer, default: database }"},
		{__LINE__, "INT DEFAULT '7'", "{ type: integer, default: database }"},
		{__LINE__, "INT DEFAULT TRUE", "{ type: integer, default: database }"},
		{__LINE__, "INT DEFAULT (1 + 1)", "{ type: integer, default: database }"},
		{__LINE__, "INT DEFAULT 9223372036854775807",
		 "{ type: integer, default: 9223372036854775807 }"},
		{__LINE__, "INT DEFAULT 9223372036854775808", "{ type: integer, default: database }"},
		{__LINE__, "INT DEFAULT NULL", "integer"},
		{__LINE__, "INT DEFAULT (null)", "integer"},
		{__LINE__, "INT NOT NULL DEFAULT 7", "{ type: integer, required: true, default: 7 }"},
		{__LINE__, "REAL DEFAULT 1.5", "{ type: number, default: 1.5 }"},
		{__LINE__, "REAL DEFAULT -2", "{ type: number, default: -2 }"},
		{__LINE__, "REAL DEFAULT 1e3", "{ type: number, default: 1e3 }"},
		{__LINE__, "REAL DEFAULT .5", "{ type: number, default: database }"},
		{__LINE__, "BOOLEAN DEFAULT TRUE", "{ type: boolean, default: true, loose: true }"},
		{__LINE__, "BOOLEAN DEFAULT false", "{ type: boolean, default: false, loose: true }"},
		{__LINE__, "BOOLEAN DEFAULT 0", "{ type: boolean, default: false, loose: true }"},
		{__LINE__, "BOOLEAN DEFAULT 1", "{ type: boolean, default: true, loose: true }"},
		{__LINE__, "BOOLEAN DEFAULT 2", "{ type: boolean, default: database, loose: true }"},
		{__LINE__, "BOOLEAN DEFAULT 't'", "{ type: boolean, default: database, loose: true }"},
		{__LINE__, "TEXT DEFAULT 'new'", "{ type: text, default: \"new\" }"},
		{__LINE__, "TEXT DEFAULT ''", "{ type: text, default: \"\" }"},
		{__LINE__, "TEXT DEFAULT ''''", "{ type: text, default: \"'\" }"},
		{__LINE__, "TEXT DEFAULT 'it''s ''so'''", "{ type: text, default: \"it's 'so'\" }"},
		{__LINE__, "TEXT DEFAULT ('a' || 'b')", "{ type: text, default: database }"},
		{__LINE__, "TEXT DEFAULT 'auto'", "{ type: text, default: \"auto\" }"},
		{__LINE__, "TEXT DEFAULT 'database'", "{ type: text, default: \"database\" }"},
		{__LINE__, "TEXT DEFAULT '${HOME} $$ $x'",
		 "{ type: text, default: \"$${HOME} $$$$ $$x\" }"},
		{__LINE__, "TEXT DEFAULT 'a\nb\t\"c\"\\'",
		 "{ type: text, default: \"a\\nb\\t\\\"c\\\"\\\\\" }"},
		{__LINE__, "TEXT DEFAULT '\xFF'", "{ type: text, default: database }"},
		{__LINE__, "TEXT DEFAULT 5", "{ type: text, default: database }"},
		{__LINE__, "TEXT DEFAULT \"x\"", "{ type: text, default: database }"},
		{__LINE__, "TEXT DEFAULT x", "{ type: text, default: database }"},
		{__LINE__, "TEXT DEFAULT x'61'", "{ type: text, default: database }"},
		{__LINE__, "TEXT DEFAULT CURRENT_TIMESTAMP", "{ type: text, default: database }"},
		{__LINE__, "CHAR(3) DEFAULT 'a\xC3\xA4\xC3\xB6'",
		 "{ type: text(3), default: \"a\xC3\xA4\xC3\xB6\" }"},
		{__LINE__, "CHAR(3) DEFAULT 'abcd'", "{ type: text(3), default: database }"},
		{__LINE__, "JSON DEFAULT '{}'", "{ type: json, default: database }"},
		{__LINE__, "BLOB NOT NULL DEFAULT x''",
		 "{ type: text, required: true, default: database, write: never }"},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		char sql[128];
		char want[192];
		snprintf(sql, sizeof(sql), "CREATE TABLE t (a %s)", rows[i].column);
		snprintf(want, sizeof(want), "\n  t:\n    key: []\n    fields:\n      a: %s\n",
				 rows[i].want);
		const struct row row = {rows[i].line, sql, want};
		check_rows(&row, 1, true);
	}
}

static void test_keys(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{__LINE__, "CREATE TABLE a (id INTEGER PRIMARY KEY, x NOT NULL)",
		 "\n  a:\n    key: id\n    fields:\n      id: { type: integer, default: auto }\n"
		 "      x: { type: text, required: true }\n"},
		{__LINE__, "CREATE TABLE a (id integer, PRIMARY KEY (id))",
		 "\n  a:\n    key: id\n    fields:\n      id: { type: integer, default: auto }\n"},
		{__LINE__, "CREATE TABLE a (id INTEGER PRIMARY KEY) STRICT",
		 "\n  a:\n    key: id\n    fields:\n      id: { type: integer, default: auto }\n"},
		{__LINE__, "CREATE TABLE a (id INT PRIMARY KEY)",
		 "\n  a:\n    key: id\n    fields:\n      id: integer\n"},
		{__LINE__, "CREATE TABLE a (id INTEGER PRIMARY KEY DESC)",
		 "\n  a:\n    key: id\n    fields:\n      id: integer\n"},
		{__LINE__, "CREATE TABLE a (id INTEGER PRIMARY KEY) WITHOUT ROWID",
		 "\n  a:\n    key: id\n    fields:\n      id: integer\n"},
		{__LINE__, "CREATE TABLE a (id TEXT PRIMARY KEY NOT NULL)",
		 "\n  a:\n    key: id\n    fields:\n      id: text\n"},
		{__LINE__, "CREATE TABLE a (id JSON PRIMARY KEY, x JSON UNIQUE, y JSON)",
		 "\n  a:\n    key: id\n    fields:\n      id: text\n      x: text\n      y: json\n"
		 "    unique:\n      a_x_key: x\n"},
		{__LINE__, "CREATE TABLE a (x INT, y TEXT, z, PRIMARY KEY (y, x)) WITHOUT ROWID",
		 "\n  a:\n    key: [y, x]\n    fields:\n      x: integer\n      y: text\n      z: text\n"},
		{__LINE__, "CREATE TABLE a (x, y, PRIMARY KEY (y, y, x))",
		 "\n  a:\n    key: [y, x]\n    fields:\n      x: text\n      y: text\n"},
		{__LINE__,
		 "CREATE TABLE a (i INT, r REAL, t TEXT NOT NULL, b BLOB, n ANY DEFAULT 1) STRICT",
		 "\n  a:\n    key: []\n    fields:\n      i: integer\n      r: number\n"
		 "      t: { type: text, required: true }\n      b: { type: text, write: never }\n"
		 "      n: { type: text, default: database }\n"},
		{__LINE__,
		 "CREATE TABLE a (x INT, y INT NOT NULL GENERATED ALWAYS AS (x + 1) STORED, "
		 "z TEXT AS (x || 'a'))",
		 "\n  a:\n    key: []\n    fields:\n      x: integer\n"
		 "      y: { type: integer, write: never }\n      z: { type: text, write: never }\n"},
		{__LINE__, "CREATE TABLE a (x TEXT COLLATE NOCASE, y COLLATE binary, z COLLATE \"rtrim\")",
		 "\n  a:\n    key: []\n    fields:\n"
		 "      # compared with \"NOCASE\": what is equal, and the order, are the database's\n"
		 "      x: text\n      y: text\n"
		 "      # compared with \"rtrim\": what is equal, and the order, are the database's\n"
		 "      z: text\n"},
	};
	check_rows(rows, COUNT(rows), true);
}

static void test_unique_rules(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{__LINE__, "CREATE TABLE a (x UNIQUE, y, UNIQUE (y, x))",
		 "\n  a:\n    key: []\n    fields:\n      x: text\n      y: text\n"
		 "    unique:\n      a_x_key: x\n      a_y_x_key: [y, x]\n"},
		{__LINE__,
		 "CREATE TABLE a (x, y);CREATE UNIQUE INDEX \"one x\" ON a (x COLLATE NOCASE);"
		 "CREATE INDEX plain ON a (y);CREATE UNIQUE INDEX part ON a (y) WHERE x > 1;"
		 "CREATE UNIQUE INDEX expression ON a (y, lower(x));"
		 "CREATE UNIQUE INDEX first ON a (lower(x), y);CREATE UNIQUE INDEX twice ON a (y, y)",
		 "\n  a:\n    key: []\n    fields:\n      x: text\n      y: text\n"
		 "    unique:\n      \"one x\": x\n      twice: y\n"},
		{__LINE__,
		 "CREATE TABLE a (x UNIQUE, y);CREATE UNIQUE INDEX A_X_KEY ON a (y);"
		 "CREATE UNIQUE INDEX a_y_key ON a (x);CREATE UNIQUE INDEX \"\n\" ON a (y)",
		 "\n  a:\n    key: []\n    fields:\n      x: text\n      y: text\n    unique:\n"
		 "      a_x_key: x\n      a_y_key: y\n      a_x_key1: x\n      a_y_key1: y\n"},
		{__LINE__, "CREATE TABLE a (id INTEGER PRIMARY KEY, x, UNIQUE (id))",
		 "\n  a:\n    key: id\n    fields:\n      id: { type: integer, default: auto }\n"
		 "      x: text\n    unique:\n      a_id_key: id\n"},
		{__LINE__,
		 "CREATE TABLE a (" /* names of 63 bytes: the made one is cut before an ä */
		 "a23456789b123456789c123456789d123456789e123456789f12345678\xC3\xA4x UNIQUE)",
		 "\n  a:\n    key: []\n    fields:\n"
		 "      \"a23456789b123456789c123456789d123456789e123456789f12345678\xC3\xA4x\": text\n"
		 "    unique:\n"
		 "      a_a23456789b123456789c123456789d123456789e123456789f1234567_key: "
		 "\"a23456789b123456789c123456789d123456789e123456789f12345678\xC3\xA4x\"\n"},
	};
	check_rows(rows, COUNT(rows), true);
}

static void test_references(void **state)
{
	(void)state;
#define P                                                                                          \
	"CREATE TABLE P (Id INTEGER PRIMARY KEY, x TEXT, y INT UNIQUE, UNIQUE (x, y));"                \
	"CREATE TABLE q (a INT, b TEXT, PRIMARY KEY (b, a));"
#define WANT_P                                                                                     \
	"\n  P:\n    key: Id\n    fields:\n      Id: { type: integer, default: auto }\n"               \
	"      x: text\n      y: integer\n    unique:\n      P_y_key: y\n      P_x_y_key: [x, y]\n"
#define WANT_Q "  q:\n    key: [b, a]\n    fields:\n      a: integer\n      b: text\n"
	static const struct row rows[] = {
		{__LINE__, P "CREATE TABLE c (p INT REFERENCES p, p2 INT NOT NULL REFERENCES p(ID))",
		 WANT_P "  c:\n    key: []\n    fields:\n      p: { type: integer, references: P }\n"
				"      p2: { type: integer, required: true, references: P }\n" WANT_Q},
		{__LINE__,
		 P "CREATE TABLE c (p INT REFERENCES p REFERENCES p(id), FOREIGN KEY (p) REFERENCES p)",
		 WANT_P "  c:\n    key: []\n    fields:\n"
				"      p: { type: integer, references: P }\n" WANT_Q},
		{__LINE__,
		 P "CREATE TABLE c (p INT REFERENCES p(y) REFERENCES p REFERENCES c2 REFERENCES p(y));"
		   "CREATE TABLE c2 (id INTEGER PRIMARY KEY)",
		 WANT_P "  c:\n    key: []\n    fields:\n      p: { type: integer, references: P }\n"
				"    references:\n      c_p_fkey1: { fields: [p], to: P, on: [y] }\n"
				"      c_p_fkey2: { fields: [p], to: c2, on: [id] }\n"
				"  c2:\n    key: id\n    fields:\n"
				"      id: { type: integer, default: auto }\n" WANT_Q},
		{__LINE__,
		 P "CREATE TABLE c (s TEXT, i INT, FOREIGN KEY (s, i) REFERENCES q,"
		   "FOREIGN KEY (i, s) REFERENCES q (a, b), FOREIGN KEY (i, s) REFERENCES p (y, x))",
		 WANT_P "  c:\n    key: []\n    fields:\n      s: text\n      i: integer\n"
				"    references:\n      c_s_i_fkey: { fields: [s, i], to: q, on: [b, a] }\n"
				"      c_i_s_fkey: { fields: [i, s], to: q, on: [a, b] }\n"
				"      c_i_s_fkey1: { fields: [i, s], to: P, on: [y, x] }\n" WANT_Q},
		{__LINE__,
		 P "CREATE TABLE c (s TEXT REFERENCES p, i INT REFERENCES gone REFERENCES p(z),"
		   "FOREIGN KEY (i) REFERENCES q, FOREIGN KEY (s) REFERENCES p(x),"
		   "FOREIGN KEY (i, i) REFERENCES q, FOREIGN KEY (i) REFERENCES \"a\nb\"(x))",
		 WANT_P
		 "  c:\n    key: []\n    fields:\n      s: text\n      i: integer\n"
		 "    # left out: the foreign key of (s) to p: the columns differ in type\n"
		 "    # left out: the foreign key of (i) to gone: no such table or columns\n"
		 "    # left out: the foreign key of (i) to p: no such table or columns\n"
		 "    # left out: the foreign key of (i) to q: no such table or columns\n"
		 "    # left out: the foreign key of (s) to p: its target is neither key nor unique\n"
		 "    # left out: the foreign key of (i, i) to q: a column stands in it twice\n"
		 "    # left out: the foreign key of (i) to \"a\\nb\": "
		 "no such table or columns\n" WANT_Q},
		{__LINE__,
		 P "CREATE TABLE c (p INT REFERENCES p, s TEXT, i INT, FOREIGN KEY (s, i) REFERENCES q);"
		   "CREATE UNIQUE INDEX C_P_FKEY ON c (s); CREATE UNIQUE INDEX c_s_i_fkey ON c (i)",
		 WANT_P "  c:\n    key: []\n    fields:\n      p: { type: integer, references: P }\n"
				"      s: text\n      i: integer\n"
				"    unique:\n      c_s_key: s\n      c_s_i_fkey: i\n    references:\n"
				"      c_s_i_fkey1: { fields: [s, i], to: q, on: [b, a] }\n" WANT_Q},
		{__LINE__, "CREATE TABLE tree (id INTEGER PRIMARY KEY, parent INT REFERENCES tree)",
		 "\n  tree:\n    key: id\n    fields:\n      id: { type: integer, default: auto }\n"
		 "      parent: { type: integer, references: tree }\n"},
	};
	check_rows(rows, COUNT(rows), true);
#undef P
#undef WANT_P
#undef WANT_Q
}

static void test_read_only(void **state)
{
	(void)state;
#define AB "CREATE TABLE a (id INTEGER PRIMARY KEY, x TEXT);CREATE TABLE b (a INT, n VARCHAR(9));"
#define WANT_A                                                                                     \
	"  a:\n    key: id\n    fields:\n      id: { type: integer, default: auto }\n      x: text\n"
#define WANT_B "  b:\n    key: []\n    fields:\n      a: integer\n      n: text(9)\n"
	static const struct row rows[] = {
		{__LINE__, "", " {}\n"},
		{__LINE__, AB "CREATE VIEW v AS SELECT a.x, b.n AS \"the n\", count(*) FROM a, b, a AS c",
		 "\n" WANT_A WANT_B
		 "  v:\n    key: []\n    fields:\n      x: text\n      \"the n\": text(9)\n"
		 "      \"count(*)\": text\n    read_only: true\n"},
		{__LINE__, "CREATE VIEW v AS SELECT * FROM gone; CREATE VIEW w AS SELECT 1 AS one",
		 "\n  # left out: \"v\": \"no such table: main.gone\"\n"
		 "  w:\n    key: []\n    fields:\n      one: text\n    read_only: true\n"},
		{__LINE__, "CREATE VIEW v AS SELECT * FROM gone",
		 " {}\n  # left out: \"v\": \"no such table: main.gone\"\n"},
		{__LINE__,
		 "PRAGMA trusted_schema=OFF; CREATE VIRTUAL TABLE f USING fts5 (a);"
		 "CREATE VIEW v AS SELECT a FROM f",
		 "\n  f:\n    key: []\n    fields:\n      a: text\n    read_only: true\n"
		 "  # left out: \"v\": \"unsafe use of virtual table \\\"f\\\"\"\n"},
		{__LINE__, "CREATE VIRTUAL TABLE r USING rtree (id, x, y)",
		 "\n  r:\n    key: []\n    fields:\n      id: integer\n      x: number\n      y: number\n"
		 "    read_only: true\n"},
		{__LINE__, "CREATE VIRTUAL TABLE f USING fts5 (title, body UNINDEXED); " AB,
		 "\n" WANT_A WANT_B "  f:\n    key: []\n    fields:\n      title: text\n      body: text\n"
		 "    read_only: true\n"},
		{__LINE__,
		 "CREATE TABLE _rl_model (text TEXT); CREATE TABLE _RL_x (a); "
		 "CREATE TABLE _rlx (a); CREATE TABLE arl_b (id INTEGER PRIMARY KEY AUTOINCREMENT)",
		 "\n  _rlx:\n    key: []\n    fields:\n      a: text\n"
		 "  arl_b:\n    key: id\n    fields:\n      id: { type: integer, default: auto }\n"},
	};
	check_rows(rows, COUNT(rows), true);
	static const struct row read_rows[] = {
		{__LINE__, "", " {}\n"},
		{__LINE__, AB, "\n" WANT_A "    read_only: true\n" WANT_B "    read_only: true\n"},
	};
	check_rows(read_rows, COUNT(read_rows), false);
#undef AB
#undef WANT_A
#undef WANT_B
}

static void test_hostile_names(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{__LINE__,
		 "CREATE TABLE \"a b\" (\"odd, \"\"name\"\"\" TEXT PRIMARY KEY, \"x.y\" UNIQUE, \"'\" INT,"
		 "\"\xC3\xA4\" INT, \"#\", \" s \", \"a: b\", \"\\\", \"{\", \"$a$$\" UNIQUE, \"-\","
		 "\"*\")",
		 "\n  \"a b\":\n    key: \"odd, \\\"name\\\"\"\n    fields:\n"
		 "      \"odd, \\\"name\\\"\": text\n      \"x.y\": text\n      \"'\": integer\n"
		 "      \"\xC3\xA4\": integer\n      \"#\": text\n      \" s \": text\n"
		 "      \"a: b\": text\n      \"\\\\\": text\n      \"{\": text\n      \"$a$$\": text\n"
		 "      \"-\": text\n      \"*\": text\n"
		 "    unique:\n      \"a b_x.y_key\": \"x.y\"\n      \"a b_$a$$_key\": \"$$a$$$$\"\n"},
		{__LINE__,
		 "CREATE TABLE \"NULL\" (\"true\", \"Yes\", \"y\", \"123\", \"1e5\", \"~\", \"select\","
		 "\"group\", \"auto\", \"0x1F\", \".5\", PRIMARY KEY (\"123\", \"true\", \"select\"))",
		 "\n  \"NULL\":\n    key: [\"123\", \"true\", select]\n    fields:\n      \"true\": text\n"
		 "      \"Yes\": text\n      y: text\n      \"123\": text\n      \"1e5\": text\n"
		 "      \"~\": text\n      select: text\n      group: text\n      auto: text\n"
		 "      \"0x1F\": text\n      \".5\": text\n"},
		{__LINE__,
		 "CREATE TABLE \"from\" (\"where\" INTEGER PRIMARY KEY, \"a\"\"b\" INT UNIQUE "
		 "REFERENCES \"from\" REFERENCES \"from\"(\"a\"\"b\"))",
		 "\n  from:\n    key: where\n    fields:\n      where: { type: integer, default: auto }\n"
		 "      \"a\\\"b\": { type: integer, references: from }\n"
		 "    unique:\n      \"from_a\\\"b_key\": \"a\\\"b\"\n    references:\n"
		 "      \"from_a\\\"b_fkey1\": { fields: [\"a\\\"b\"], to: from, on: [\"a\\\"b\"] }\n"},
		{__LINE__,
		 "CREATE TABLE \"x\ny\" (a); CREATE TABLE \"\" (a); CREATE TABLE \"${A}\" (a);"
		 "CREATE TABLE \".rowlock\" (a); CREATE TABLE \"\xFF\" (a); CREATE TABLE \"\xC2\x85\" (a);"
		 "CREATE TABLE t (\"\t\");",
		 " {}\n  # left out: \"\": \"a service file cannot hold this name\"\n"
		 "  # left out: \"$${A}\": \"a service file cannot hold this name\"\n"
		 "  # left out: \".rowlock\": \"a service file cannot hold this name\"\n"
		 "  # left out: \"t\": \"it has no columns that a service file can name\"\n"
		 "  # left out: \"x\\ny\": \"a service file cannot hold this name\"\n"
		 "  # left out: \"\\x85\": \"a service file cannot hold this name\"\n"
		 "  # left out: \"\\xFF\": \"a service file cannot hold this name\"\n"},
		{__LINE__,
		 "CREATE TABLE a (\"\n\" INTEGER PRIMARY KEY, b UNIQUE); CREATE TABLE c ("
		 "\"${\" NOT NULL, b, UNIQUE (b, \"${\")); CREATE TABLE d (\"\r\" NOT NULL DEFAULT 1, b);"
		 "CREATE TABLE e (a REFERENCES a, b REFERENCES a(b))",
		 "\n  a:\n    key: []\n    fields:\n"
		 "      # left out: \"\\n\": a service file cannot hold this name\n      b: text\n"
		 "    unique:\n      a_b_key: b\n    read_only: true\n"
		 "  c:\n    key: []\n    fields:\n"
		 "      # left out: \"$${\": a service file cannot hold this name\n      b: text\n"
		 "    read_only: true\n"
		 "  d:\n    key: []\n    fields:\n"
		 "      # left out: \"\\r\": a service file cannot hold this name\n      b: text\n"
		 "  e:\n    key: []\n    fields:\n      a: text\n      b: text\n"
		 "    # left out: the foreign key of (a) to a: a service file cannot hold a name in it\n"
		 "    references:\n      e_b_fkey: { fields: [b], to: a, on: [b] }\n"},
	};
	check_rows(rows, COUNT(rows), true);
}

/* ---- texts ---- */

/* Reads `text` back as a value of a map with one entry. */
static void assert_read_back(int line, struct str yaml, struct str want, bool key)
{
	struct arena arena;
	struct model_report report;
	arena_init(&arena, 4096);
	model_report_init(&report);
	struct str file = key ? arena_printf(&arena, "{ %.*s: x }", STR_ARG(yaml))
						  : arena_printf(&arena, "{ x: %.*s }", STR_ARG(yaml));
	const struct node *root = yaml_parse(file, NULL, &arena, &report);
	if (root == NULL || report.errors > 0 || root->first == NULL) {
		fail_msg("line %d: %.*s is no YAML", line, STR_ARG(file));
	} else if (!str_equal(key ? root->first->key.str : root->first->text, want) ||
			   (!key && yaml_scalar(root->first) != SCALAR_TEXT)) {
		fail_msg("line %d: %.*s", line, STR_ARG(file));
	}
	model_report_finish(&report);
	arena_finish(&arena);
}

static void test_texts(void **state)
{
	(void)state;
	static const struct {
		int line;
		const char *text;
		const char *want;
		const char *want_key; /* NULL: the same */
	} rows[] = {
		{__LINE__, "plain", "plain", NULL},
		{__LINE__, "_a-1", "_a-1", NULL},
		{__LINE__, "two words", "\"two words\"", NULL},
		{__LINE__, "a:", "\"a:\"", NULL},
		{__LINE__, "a #b", "\"a #b\"", NULL},
		{__LINE__, " a", "\" a\"", NULL},
		{__LINE__, "a ", "\"a \"", NULL},
		{__LINE__, "", "\"\"", NULL},
		{__LINE__, "\"a\"", "\"\\\"a\\\"\"", NULL},
		{__LINE__, "'a'", "\"'a'\"", NULL},
		{__LINE__, "a\\n", "\"a\\\\n\"", NULL},
		{__LINE__, "a\nb\r\tc", "\"a\\nb\\r\\tc\"", NULL},
		{__LINE__, "\x01\x1F\x7F", "\"\\x01\\x1F\\x7F\"", NULL},
		{__LINE__, "\xC2\x80\xC2\x9F\xC2\xA0", "\"\\x80\\x9F\xC2\xA0\"", NULL},
		{__LINE__, "\xE2\x80\xA8\xE2\x80\xA9\xEF\xBB\xBF\xEF\xBF\xBE\xEF\xBF\xBF",
		 "\"\\u2028\\u2029\\uFEFF\\uFFFE\\uFFFF\"", NULL},
		{__LINE__,
		 "Gr\xC3\xB6\xC3\x9F"
		 "e \xF0\x9F\x98\x80",
		 "\"Gr\xC3\xB6\xC3\x9F"
		 "e \xF0\x9F\x98\x80\"",
		 NULL},
		{__LINE__, "yes", "\"yes\"", NULL},
		{__LINE__, "No", "\"No\"", NULL},
		{__LINE__, "null", "\"null\"", NULL},
		{__LINE__, "TRUE", "\"TRUE\"", NULL},
		{__LINE__, "n", "n", NULL},
		{__LINE__, "123", "\"123\"", NULL},
		{__LINE__, "-", "\"-\"", NULL},
		{__LINE__, ".inf", "\".inf\"", NULL},
		{__LINE__, "&a", "\"&a\"", NULL},
		{__LINE__, "a,b]}", "\"a,b]}\"", NULL},
		{__LINE__, "a$b$$c", "\"a$$b$$$$c\"", "\"a$b$$c\""},
	};
	struct buf yaml;
	buf_init(&yaml, FILE_BYTES);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct str text = str_from(rows[i].text);
		const char *want_key = rows[i].want_key != NULL ? rows[i].want_key : rows[i].want;
		buf_clear(&yaml);
		yaml_write_value(&yaml, text);
		assert_read_back(rows[i].line, buf_str(&yaml), text, false);
		if (!str_equal(buf_str(&yaml), str_from(rows[i].want))) {
			fail_msg("line %d: %.*s", rows[i].line, STR_ARG(buf_str(&yaml)));
		}
		buf_clear(&yaml);
		yaml_write_key(&yaml, text);
		assert_read_back(rows[i].line, buf_str(&yaml), text, true);
		if (!str_equal(buf_str(&yaml), str_from(want_key))) {
			fail_msg("line %d: %.*s", rows[i].line, STR_ARG(buf_str(&yaml)));
		}
	}
	buf_clear(&yaml);
	yaml_write_value(&yaml, STR("${HOME}"));
	assert_read_back(__LINE__, buf_str(&yaml), STR("${HOME}"), false);
	buf_finish(&yaml);
}

static void test_every_code_point(void **state)
{
	(void)state;
	struct buf yaml;
	buf_init(&yaml, FILE_BYTES);
	/* Of two bytes and less. */
	for (uint32_t code = 1; code < 0x800; code++) {
		char bytes[4];
		struct str text = {bytes, 0};
		bytes[0] = (char)(code < 0x80 ? code : 0xC0 | code >> 6);
		bytes[1] = (char)(0x80 | (code & 0x3F));
		text.len = code < 0x80 ? 1 : 2;
		buf_clear(&yaml);
		yaml_write_literal(&yaml, text);
		assert_read_back((int)code, buf_str(&yaml), text, false);
	}
	buf_finish(&yaml);
}

static void test_names(void **state)
{
	(void)state;
#define NAME_60 "a23456789b123456789c123456789d123456789e123456789f1234567890"
	static const struct {
		int line;
		const char *name;
		bool want;
	} rows[] = {
		{__LINE__, "a", true},
		{__LINE__, "", false},
		{__LINE__, NAME_60 "abc", true},
		{__LINE__, NAME_60 "abcd", false},
		{__LINE__, NAME_60 "a\xC3\xA4", true},
		{__LINE__, NAME_60 "a\xC3", false},
		{__LINE__, "a\x1F", false},
		{__LINE__, "a\x7F", false},
		{__LINE__, "\xC2\x9F", false},
		{__LINE__, "\xC2\xA0", true},
		{__LINE__, "a${b", false},
		{__LINE__, "a$b{", true},
		{__LINE__, "_rl_a", false},
		{__LINE__, "_RL_", false},
		{__LINE__, "_rl", true},
		{__LINE__, "sqlite_x", false},
		{__LINE__, "Sqlite_x", false},
		{__LINE__, "sqlite", true},
	};
#undef NAME_60
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (describe_is_name(str_from(rows[i].name)) != rows[i].want) {
			fail_msg("line %d", rows[i].line);
		}
	}
}

static void test_service_name(void **state)
{
	(void)state;
	static const struct {
		int line;
		const char *url;
		const char *want;
	} rows[] = {
		{__LINE__, "sqlite:music.db", "music"},
		{__LINE__, "sqlite:/a/b.c/My Music.v2.sqlite3", "my_music_v2"},
		{__LINE__, "sqlite:data/2024.db", "db_2024"},
		{__LINE__, "sqlite:.db", "db__db"},
		{__LINE__, "sqlite:none", "none"},
		{__LINE__, "sqlite:a-b_c", "a-b_c"},
		{__LINE__, "sqlite:\xC3\xA4.db", "db___"},
		{__LINE__, "sqlite:no.db", "\"no\""},
		{__LINE__, "mysql://a.b:c/@d@h:1/My-Shop?tls=verify&ca=/e/f.pem", "my-shop"},
		{__LINE__, "mysql://a@h/shop", "shop"},
		{__LINE__, "sqlite:", "db"},
		{__LINE__, "sqlite:a23456789b123456789c123456789d123456789e123456789f1234567890abcd.db",
		 "a23456789b123456789c123456789d123456789e123456789f1234567890abc"},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf yaml;
		buf_init(&yaml, FILE_BYTES);
		describe_service(&yaml, str_from(rows[i].url));
		if (!str_equal(buf_str(&yaml), str_from(rows[i].want))) {
			fail_msg("line %d: %.*s", rows[i].line, STR_ARG(buf_str(&yaml)));
		}
		buf_finish(&yaml);
	}
}

/* ---- the whole ---- */

static void test_limit(void **state)
{
	(void)state;
	static const char head[] =
		"service: db___a_\nlisten: \"127.0.0.1:3000\"\nstore: \"sqlite:$${A}.db\"\n"
		"\nresources: {}\n";
	sqlite3 *db = open_database(":memory:", "");
	const struct describe_options options = {
		.url = STR("sqlite:${A}.db"),
		.listen = STR("127.0.0.1:3000"),
	};
	for (size_t less = 0; less < 2; less++) {
		struct error error = {.code = ERROR_NONE};
		struct buf yaml;
		buf_init(&yaml, sizeof(head) - 1 - less);
		assert_int_equal(sqlite_describe(db, &options, &yaml, &error), less == 0);
		assert_int_equal(error.code, less == 0 ? ERROR_NONE : ERROR_CONFIG);
		buf_finish(&yaml);
	}
	sqlite3_close(db);
}

static void test_no_database(void **state)
{
	(void)state;
	char path[] = "/tmp/rowlock-describe-XXXXXX";
	int fd = mkstemp(path);
	assert_int_equal(write(fd, "this is no database at all", 26), 26);
	close(fd);
	sqlite3 *db = open_database(path, "");
	const struct describe_options options = {.url = STR("sqlite:a.db")};
	struct error error = {.code = ERROR_NONE};
	struct buf yaml;
	buf_init(&yaml, FILE_BYTES);
	assert_false(sqlite_describe(db, &options, &yaml, &error));
	assert_int_equal(error.code, ERROR_STORE);
	buf_finish(&yaml);
	sqlite3_close(db);
	unlink(path);
}

/* A database that is described is one that is accepted. */
static void test_round_trip(void **state)
{
	(void)state;
	struct fixture fixture;
	struct buf yaml;
	struct error error = {.code = ERROR_NONE};
	fixture_init(&fixture, test_service);
	model_destroy(fixture.model);
	const char *path = arena_printf(&fixture.arena, "%s/test.db", fixture.folder).ptr;
	sqlite3 *db = open_database(
		path,
		"CREATE TABLE a (id INTEGER PRIMARY KEY, \"the name\" VARCHAR(20) NOT NULL UNIQUE,"
		"ok BOOLEAN DEFAULT TRUE, price DECIMAL(10,2), at DATETIME, doc JSON, raw BLOB NOT NULL);"
		"CREATE TABLE b (x INT, y TEXT DEFAULT 'it', a INT REFERENCES A (ID),"
		"z INT NOT NULL AS (x + 1), PRIMARY KEY (y, x)) STRICT;"
		"CREATE TABLE c (id JSON PRIMARY KEY, n NVARCHAR(3) COLLATE NOCASE, UNIQUE (n, id))"
		"WITHOUT ROWID;"
		"INSERT INTO a VALUES (1, 'one', 1, 1.5, '2020-01-01', '{}', x'61')");
	const struct describe_options options = {
		.url = arena_printf(&fixture.arena, "sqlite:%s", path),
		.listen = STR("127.0.0.1:0"),
		.write = true,
	};
	buf_init(&yaml, FILE_BYTES);
	assert_true(sqlite_describe(db, &options, &yaml, &error));
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	struct model_report report;
	model_report_init(&report);
	fixture.model = model_parse(buf_str(&yaml), STR("test.yaml"), NULL, &report);
	if (fixture.model == NULL) {
		fail_msg("%.*s\n%.*s", STR_ARG(report.problems[0].message), STR_ARG(buf_str(&yaml)));
	}
	model_report_finish(&report);
	fixture_open(&fixture, "sqlite:");
	struct str body = run_ok(&fixture, test_list(&fixture, "a"));
	if (!str_equal(body,
				   STR("[{\"id\":1,\"the name\":\"one\",\"ok\":true,\"price\":1.5,"
					   "\"at\":\"2020-01-01\",\"doc\":{},\"raw\":\"\\\\x61\"}]"))) {
		fail_msg("%.*s", STR_ARG(body));
	}
	fixture_finish(&fixture);
	buf_finish(&yaml);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_unique_rules),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_read_only),
		cmocka_unit_test(test_hostile_names),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_every_code_point),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_service_name),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_no_database),
		cmocka_unit_test(test_round_trip),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
