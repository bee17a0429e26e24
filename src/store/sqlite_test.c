/* Opening and closing: whose file it is, what is in it, what it is told to be. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "store/sqlite_priv.h"
#include "store/store_test_help.h"

static int setup(void **state)
{
	return fixture_setup(state, test_service);
}

static const char *path_of(struct fixture *fixture, const char *name)
{
	return arena_printf(&fixture->arena, "%s/%s", fixture->folder, name).ptr;
}

/* Opens what must not open. */
static struct error refused(struct fixture *fixture, const char *url)
{
	struct error error = {.code = ERROR_NONE};
	struct store_options options = fixture_options(fixture);
	assert_null(store_open(str_from(url), &options, &error));
	assert_int_not_equal(error.code, ERROR_NONE);
	return error;
}

static const char *url_of(struct fixture *fixture)
{
	return arena_printf(&fixture->arena, "sqlite:%s/test.db", fixture->folder).ptr;
}

static void run_sql(struct fixture *fixture, const char *text)
{
	sqlite3 *db;
	assert_int_equal(sqlite3_open(path_of(fixture, "test.db"), &db), SQLITE_OK);
	char *message = NULL;
	if (sqlite3_exec(db, text, NULL, NULL, &message) != SQLITE_OK) {
		fail_msg("%s: %s", text, message);
	}
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void test_upsert_says_whether_the_row_is_new(void **state)
{
	struct fixture *fixture = *state;
	fixture_open(fixture, "sqlite:");
	static const struct {
		int64_t user, item, type;
		uint64_t inserted;
		const char *body;
	} rows[] = {
		{1, 7, 2, 1, "{\"user_id\":1,\"item_id\":7,\"rating_type\":2}"},
		{1, 7, 3, 0, "{\"user_id\":1,\"item_id\":7,\"rating_type\":3}"},
		{1, 8, 3, 1, "{\"user_id\":1,\"item_id\":8,\"rating_type\":3}"},
		{1, 8, 3, 0, "{\"user_id\":1,\"item_id\":8,\"rating_type\":3}"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct call call;
		call_run(fixture, &call, test_rating(fixture, rows[i].user, rows[i].item, rows[i].type));
		assert_true(call.ok);
		assert_int_equal(call.result.inserted, rows[i].inserted);
		assert_int_equal(call.result.rows, 1);
		assert_text(buf_str(&call.body), rows[i].body);
		call_finish(&call);
	}
	assert_text(run_ok(fixture, test_list(fixture, "counts")),
				"[{\"user_id\":1,\"rating_type\":3,\"count\":2}]");
}

static void test_rows_stay(void **state)
{
	struct fixture *fixture = *state;
	for (int64_t i = 0; i < 3; i++) {
		fixture_open(fixture, "sqlite:");
		run_ok(fixture, test_rating(fixture, 1, i, 1));
		struct str body = run_ok(fixture, test_list(fixture, "counts"));
		assert_text(body,
					arena_printf(&fixture->arena,
								 "[{\"user_id\":1,\"rating_type\":1,\"count\":%d}]", (int)i + 1)
						.ptr);
		fixture_close(fixture);
		/* Everything is in the one file. */
		assert_int_equal(access(path_of(fixture, "test.db-wal"), F_OK), -1);
	}
}

static void test_settings(void **state)
{
	struct fixture *fixture = *state;
	fixture_open(fixture, "sqlite:");
	static const struct {
		const char *pragma;
		int64_t want;
	} rows[] = {
		{"PRAGMA synchronous", 2},        {"PRAGMA wal_autocheckpoint", 0},
		{"PRAGMA foreign_keys", 1},       {"PRAGMA trusted_schema", 0},
		{"PRAGMA secure_delete", 0},      {"PRAGMA temp_store", 2},
		{"PRAGMA recursive_triggers", 0},
	};
	struct sqlite_store *store = (struct sqlite_store *)fixture->store;
	struct sqlite_session *session = (struct sqlite_session *)fixture->session;
	sqlite3 *dbs[] = {store->writer.conn.db, session->conn.db};
	for (size_t d = 0; d < 2; d++) {
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			sqlite3_stmt *stmt;
			assert_int_equal(sqlite3_prepare_v2(dbs[d], rows[i].pragma, -1, &stmt, NULL),
							 SQLITE_OK);
			assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
			if (sqlite3_column_int64(stmt, 0) != rows[i].want) {
				fail_msg("%s: %lld", rows[i].pragma, sqlite3_column_int64(stmt, 0));
			}
			sqlite3_finalize(stmt);
		}
	}
	/* A session's connection writes nothing. */
	assert_int_equal(sqlite3_exec(session->conn.db, "DELETE FROM users", NULL, NULL, NULL),
					 SQLITE_READONLY);
}

/* ---- whose file it is ---- */

static void test_a_second_store_of_this_process(void **state)
{
	struct fixture *fixture = *state;
	fixture_open(fixture, "sqlite:");
	struct error error = refused(fixture, fixture->url);
	assert_int_equal(error.code, ERROR_CONFIG);
	assert_non_null(strstr(error.message, "is used by two services"));
	/* The first goes on, and its lock holds. */
	run_ok(fixture, test_rating(fixture, 1, 1, 1));
}

/* Another process, this program itself, opens the file and says what it was told. */
static void open_elsewhere(struct fixture *fixture, char *ret_text, size_t size)
{
	int ends[2];
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		execl("/proc/self/exe", "sqlite_test", url_of(fixture), (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	size_t len = 0;
	ssize_t got;
	while ((got = read(ends[0], ret_text + len, size - 1 - len)) > 0) {
		len += (size_t)got;
	}
	ret_text[len] = '\0';
	close(ends[0]);
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static int be_another_process(const char *url)
{
	struct fixture fixture;
	fixture_init(&fixture, test_service);
	struct store_options options = fixture_options(&fixture);
	struct error error = {.code = ERROR_NONE};
	struct store *store = store_open(str_from(url), &options, &error);
	printf("%s: %s; %s", store != NULL ? "opened" : error_info(error.code)->name, error.message,
		   error.hint);
	fflush(stdout);
	store_close(store);
	fixture_finish(&fixture);
	return 0;
}

static void test_a_second_process(void **state)
{
	struct fixture *fixture = *state;
	fixture_open(fixture, "sqlite:");
	char text[1024];
	char want[512];
	open_elsewhere(fixture, text, sizeof(text));
	snprintf(want, sizeof(want), "STORE: the database %s is in use by another process (pid %ld); ",
			 path_of(fixture, "test.db"), (long)getpid());
	if (strncmp(text, want, strlen(want)) != 0) {
		fail_msg("%s", text);
	}
	fixture_close(fixture);
	open_elsewhere(fixture, text, sizeof(text));
	assert_int_equal(strncmp(text, "opened", 6), 0);
}

/* ---- what is in the file ---- */

static const char message_differs[] = "the database's tables are not those of test.yaml";

static void test_schema_differs(void **state)
{
	struct fixture *fixture = *state;
	static const struct {
		const char *sql; /* "" : as it was made */
		const char *details;
	} rows[] = {
		{"CREATE TABLE other (a); CREATE INDEX more ON users (score)", NULL},
		{"DROP INDEX \"users.age_idx\"; ALTER TABLE items ADD COLUMN more TEXT", NULL},
		{"DROP INDEX \"users.one name\"", "table users: no unique index over (name)"},
		{"DROP TABLE notes; DROP TABLE ratings; CREATE TABLE ratings (a)",
		 "table ratings: column user_id is missing; table ratings: column item_id is missing; "
		 "table ratings: column rating_type is missing; and more"},
		{"DROP TABLE notes", "table notes is missing"},
		{"DROP TABLE counts; CREATE TABLE counts (a)", "table counts is another"},
		{"DROP TRIGGER \"counts.update\"", "trigger counts.update is missing"},
		{"DROP TRIGGER \"counts.insert\"; CREATE TRIGGER \"counts.insert\" AFTER INSERT ON "
		 "ratings BEGIN SELECT 1; END",
		 "trigger counts.insert is another"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fixture_open(fixture, "sqlite:");
		fixture_close(fixture);
		run_sql(fixture, rows[i].sql);
		if (rows[i].details == NULL) {
			fixture_open(fixture, "sqlite:");
			fixture_close(fixture);
		} else {
			struct error error = refused(fixture, url_of(fixture));
			assert_int_equal(error.code, ERROR_CONFIG);
			assert_string_equal(error.message, message_differs);
			assert_string_equal(error.details, rows[i].details);
			assert_non_null(strstr(error.hint, "`rowlock migrate test.yaml plan`"));
		}
		unlink(path_of(fixture, "test.db"));
	}
}

struct of_others {
	int line;
	const char *sql;
	const char *details; /* NULL: they fit */
};

/* Tables of somebody else, under a service file that wants a little of everything. */
static const char others_service[] =
	"service: test\n"
	"store: \"memory:\"\n"
	"resources:\n"
	"  p:\n"
	"    key: id\n"
	"    fields: { id: { type: integer, default: auto }, u: uuid }\n"
	"  c:\n"
	"    key: [a, b]\n"
	"    fields:\n"
	"      a: integer\n"
	"      b: text\n"
	"      n: number\n"
	"      ok: boolean\n"
	"      d: { type: \"decimal(10,2)\", default: 1 }\n"
	"      j: json\n"
	"      p: { type: integer, references: p }\n"
	"    unique: { one: [n, ok], two: [b, a] }\n";

#define P "CREATE TABLE p (id INTEGER PRIMARY KEY, u CHAR(36));"
#define C "CREATE TABLE c (a INT, b, n REAL, ok BOOLEAN, d INT, j JSON, p INT REFERENCES P, "

static const struct of_others rows_of_others[] = {
	{__LINE__, P C "PRIMARY KEY (a, b), UNIQUE (ok, n))", NULL},
	{__LINE__, P C "more NOT NULL DEFAULT 1, PRIMARY KEY (a, b), UNIQUE (ok, n))", NULL},
	{__LINE__, P C "g NOT NULL AS (a), PRIMARY KEY (a, b), UNIQUE (ok, n)) WITHOUT ROWID", NULL},
	{__LINE__,
	 P "CREATE TABLE c (a BIGINT, b TEXT, n DECIMAL, ok TINYINT, d INT NOT NULL, j DATE,"
	   "p REFERENCES p(ID), PRIMARY KEY (a, b));"
	   "CREATE UNIQUE INDEX i ON c (ok, n)",
	 NULL},
	{__LINE__,
	 "CREATE VIEW p AS SELECT 1 AS id, 2 AS u; CREATE VIEW c AS SELECT "
	 "1 AS a, 2 AS b, 3 AS n, 4 AS ok, 5 AS d, 6 AS j, 7 AS p",
	 NULL},
	{__LINE__, "CREATE VIRTUAL TABLE p USING fts5 (id, u);" C "PRIMARY KEY (a, b), UNIQUE (ok, n))",
	 "table c: no foreign key from (p) to p (id)"},
	{__LINE__, P C "PRIMARY KEY (b, a), UNIQUE (ok, n))", "table c: the primary key is not (a, b)"},
	{__LINE__, P C "PRIMARY KEY (a), UNIQUE (ok, n), UNIQUE (a, b))",
	 "table c: the primary key is not (a, b)"},
	{__LINE__, P C "UNIQUE (ok, n), UNIQUE (a, b))", "table c: the primary key is not (a, b)"},
	{__LINE__,
	 P C "PRIMARY KEY (a, b), UNIQUE (n), UNIQUE (ok, n, d));"
		 "CREATE UNIQUE INDEX part ON c (n, ok) WHERE n > 1;"
		 "CREATE UNIQUE INDEX expression ON c (n, ok, lower(b));"
		 "CREATE INDEX plain ON c (n, ok)",
	 "table c: no unique index over (n, ok)"},
	{__LINE__, P C "more NOT NULL, PRIMARY KEY (a, b), UNIQUE (ok, n))",
	 "table c: column more must have a value, and is no field"},
	{__LINE__,
	 P "CREATE TABLE c (a INT, b, n REAL NOT NULL, ok BOOLEAN, d INT, j JSON,"
	   "p INT REFERENCES P, PRIMARY KEY (a, b), UNIQUE (ok, n))",
	 "table c: column n must have a value, and its field is not required"},
	{__LINE__,
	 P "CREATE TABLE c (a TEXT, b INT, n TEXT, ok REAL, d NUMERIC, j REAL,"
	   "p INT REFERENCES P, PRIMARY KEY (a, b), UNIQUE (ok, n))",
	 "table c: column a is TEXT, not integer; table c: column b is INT, not text; "
	 "table c: column n is TEXT, not number; and more"},
	{__LINE__,
	 P "CREATE TABLE c (a INT, b TEXT, n INT, ok REAL, d NUMERIC, j REAL,"
	   "p INT REFERENCES P, PRIMARY KEY (a, b), UNIQUE (ok, n))",
	 "table c: column ok is REAL, not boolean; table c: column d is NUMERIC, not decimal; "
	 "table c: column j is REAL, not json"},
	{__LINE__,
	 P "CREATE TABLE c (A INT, b, n REAL, ok BOOLEAN, d INT, j JSON, p INT REFERENCES P,"
	   "PRIMARY KEY (a, b), UNIQUE (ok, n))",
	 "table c: column a is missing"},
	{__LINE__,
	 P "CREATE TABLE C (a INT, b, n REAL, ok BOOLEAN, d INT, j JSON, p INT REFERENCES P,"
	   "PRIMARY KEY (a, b), UNIQUE (ok, n))",
	 "table c is missing"},
	{__LINE__,
	 "CREATE TABLE p (id INT PRIMARY KEY, u UUID);" C "PRIMARY KEY (a, b), UNIQUE (ok, n))",
	 "table p: column id is not made by the database"},
	{__LINE__,
	 P "CREATE TABLE c (a INT, b, n REAL, ok BOOLEAN, d INT, j JSON, p INT REFERENCES gone,"
	   "q INT REFERENCES p, PRIMARY KEY (a, b), UNIQUE (ok, n))",
	 "table c: no foreign key from (p) to p (id)"},
	{__LINE__, P "CREATE VIEW c AS SELECT * FROM gone", "table c: no such table: main.gone"},
};

#undef P
#undef C

/* The words that are for existing tables alone. */
static const char existing_service[] = "service: test\n"
									   "store: \"memory:\"\n"
									   "resources:\n"
									   "  p:\n"
									   "    key: [a, b]\n"
									   "    fields: { a: integer, b: text, u: integer }\n"
									   "    unique: { one: u }\n"
									   "  c:\n"
									   "    key: []\n"
									   "    fields:\n"
									   "      x: integer\n"
									   "      y: text\n"
									   "      z: { type: text, default: database }\n"
									   "    references:\n"
									   "      two: { fields: [y, x], to: p, on: [b, a] }\n"
									   "      one: { fields: x, to: p, on: u }\n"
									   "  r:\n"
									   "    key: []\n"
									   "    read_only: true\n"
									   "    fields: { a: text }\n";

#define P "CREATE TABLE p (a INT, b TEXT, u INT UNIQUE, PRIMARY KEY (a, b));"
#define C "CREATE TABLE c (id INTEGER PRIMARY KEY, x INT, y TEXT, z TEXT NOT NULL DEFAULT (1 || 2),"
#define R "CREATE TABLE r (a TEXT, b NOT NULL);"

static const struct of_others rows_of_existing[] = {
	{__LINE__, P R C "FOREIGN KEY (x, y) REFERENCES P, FOREIGN KEY (x) REFERENCES p(U))", NULL},
	{__LINE__, P R C "FOREIGN KEY (y, x) REFERENCES p (b, a), FOREIGN KEY (x) REFERENCES p(u))",
	 NULL},
	{__LINE__, P R C "FOREIGN KEY (x) REFERENCES p (a), FOREIGN KEY (y) REFERENCES p(b))",
	 "table c: no foreign key from (x, y) to p (a, b); table c: no foreign key from (x) to p (u)"},
	{__LINE__, P R C "FOREIGN KEY (x, y) REFERENCES p (b, a), FOREIGN KEY (x) REFERENCES p(u))",
	 "table c: no foreign key from (x, y) to p (a, b)"},
	{__LINE__, P R "CREATE TABLE c (x INT REFERENCES p(u), y, z, FOREIGN KEY (x, y) REFERENCES p)",
	 "table c: column z has no default"},
	{__LINE__,
	 P R C "v NOT NULL, FOREIGN KEY (x, y) REFERENCES p, FOREIGN KEY (x) REFERENCES p(u))",
	 "table c: column v must have a value, and is no field"},
};

#undef P
#undef C
#undef R

static void check_others(struct fixture *fixture, const char *yaml, const struct of_others *rows,
						 size_t count)
{
	struct model_report report;
	model_report_init(&report);
	model_destroy(fixture->model);
	fixture->model = model_parse(str_from(yaml), STR("test.yaml"), NULL, &report);
	assert_non_null(fixture->model);
	model_report_finish(&report);
	for (size_t i = 0; i < count; i++) {
		run_sql(fixture, rows[i].sql);
		struct store_options options = fixture_options(fixture);
		struct error error = {.code = ERROR_NONE};
		struct store *store = store_open(str_from(url_of(fixture)), &options, &error);
		if ((store != NULL) != (rows[i].details == NULL) ||
			(store == NULL && strcmp(error.details, rows[i].details) != 0)) {
			fail_msg("line %d: %s: %s", rows[i].line, error.message, error.details);
		}
		store_close(store);
		unlink(path_of(fixture, "test.db"));
	}
}

static void test_statements_that_fail_halfway(void **state)
{
	(void)state;
	static const struct {
		int line;
		const char *sql;
		enum error_code want;
		const char *message;
	} rows[] = {
		{__LINE__, "CREATE TABLE t (id INTEGER PRIMARY KEY, v INT UNIQUE ON CONFLICT FAIL)",
		 ERROR_UNIQUE, NULL},
		{__LINE__,
		 "CREATE TABLE t (id INTEGER PRIMARY KEY, v INT UNIQUE);"
		 "CREATE TRIGGER g BEFORE UPDATE ON t WHEN OLD.id=2 BEGIN SELECT RAISE(FAIL, 'two'); END",
		 ERROR_CHECK, "two"},
		{__LINE__,
		 "CREATE TABLE t (id INTEGER PRIMARY KEY, v INT UNIQUE);"
		 "CREATE TRIGGER g BEFORE UPDATE ON t WHEN OLD.id=2 BEGIN SELECT RAISE(ROLLBACK,'no'); END",
		 ERROR_CHECK, "no"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture own;
		struct value *values;
		struct call call;
		fixture_init(&own,
					 "service: s\nlisten: 127.0.0.1:0\nstore: \"memory:\"\nresources:\n"
					 "  t:\n    key: id\n    fields: { id: integer, v: integer }\n"
					 "    unique: { one: v }\n");
		run_sql(&own, rows[i].sql);
		run_sql(&own, "INSERT INTO t VALUES (1, 1), (2, 2)");
		fixture_open(&own, "sqlite:");
		struct query *query = test_write(&own, QUERY_UPDATE, "t", "v", 1, &values);
		values[0] = test_integer(7);
		call_run(&own, &call, query);
		if (call.ok || call.error.code != rows[i].want ||
			(rows[i].message != NULL && strcmp(call.error.message, rows[i].message) != 0)) {
			fail_msg("line %d: %d %s", rows[i].line, (int)call.error.code, call.error.message);
		}
		call_finish(&call);
		assert_text(run_ok(&own, test_list(&own, "t")), "[{\"id\":1,\"v\":1},{\"id\":2,\"v\":2}]");
		fixture_finish(&own);
	}
}

static void test_tables_of_others(void **state)
{
	check_others(*state, others_service, rows_of_others,
				 sizeof(rows_of_others) / sizeof(rows_of_others[0]));
	check_others(*state, existing_service, rows_of_existing,
				 sizeof(rows_of_existing) / sizeof(rows_of_existing[0]));
}

static void test_other_tables_only(void **state)
{
	struct fixture *fixture = *state;
	run_sql(fixture, "CREATE TABLE other (a)");
	struct error error = refused(fixture, url_of(fixture));
	assert_int_equal(error.code, ERROR_CONFIG);
	assert_string_equal(error.details,
						"table users is missing; table items is missing; "
						"table ratings is missing; and more");
}

static void test_adopt(void **state)
{
	struct fixture *fixture = *state;
	fixture_open(fixture, "sqlite:");
	struct error error = {.code = ERROR_NONE};
	assert_true(store_adopt(fixture->store, fixture->model, &error));
	struct fixture other;
	fixture_init(&other,
				 "service: test\n"
				 "listen: 127.0.0.1:0\n"
				 "store: \"memory:\"\n"
				 "resources:\n"
				 "  users:\n"
				 "    key: id\n"
				 "    fields: { id: integer }\n");
	assert_false(store_adopt(fixture->store, other.model, &error));
	assert_int_equal(error.code, ERROR_CONFIG);
	assert_string_equal(error.details,
						"table users: column name must have a value, and is no field");
	fixture_finish(&other);
}

static void test_places_that_cannot_be(void **state)
{
	struct fixture *fixture = *state;
	int fd = open(path_of(fixture, "test.db"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	for (size_t i = 0; i < 5000; i++) {
		assert_int_equal(write(fd, "no database", 11), 11);
	}
	close(fd);
	const struct {
		const char *url;
		enum error_code code;
		const char *message;
	} rows[] = {
		{"sqlite:", ERROR_CONFIG, "the store has no file"},
		{"sqlite:/nowhere/at all/x.db", ERROR_CONFIG,
		 "the folder /nowhere/at all of the database is not there"},
		{"sqlite:/tmp", ERROR_CONFIG, "the database /tmp is not a file"},
		{"sqlite:/dev/null", ERROR_CONFIG, "the database /dev/null is not a file"},
		{"sqlite:file:x?mode=memory/y", ERROR_CONFIG,
		 "the folder ./file:x?mode=memory of the database is not there"},
		{"oracle:x", ERROR_CONFIG, "unknown kind of store \"oracle\""},
		{"x.db", ERROR_CONFIG, "unknown kind of store \"x.db\""},
		{url_of(fixture), ERROR_CONFIG,
		 arena_printf(&fixture->arena, "%s/test.db is not an SQLite database", fixture->folder)
			 .ptr},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct error error = refused(fixture, rows[i].url);
		assert_string_equal(error.message, rows[i].message);
		assert_int_equal(error.code, rows[i].code);
	}
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		return be_another_process(argv[1]);
	}
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_upsert_says_whether_the_row_is_new),
		TEST(test_rows_stay),
		TEST(test_settings),
		TEST(test_a_second_store_of_this_process),
		TEST(test_a_second_process),
		TEST(test_schema_differs),
		TEST(test_tables_of_others),
		TEST(test_statements_that_fail_halfway),
		TEST(test_other_tables_only),
		TEST(test_adopt),
		TEST(test_places_that_cannot_be),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
