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
	struct fixture *fixture = alloc_zeroed(1, sizeof(*fixture));
	fixture_init(fixture, test_service);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	fixture_finish(fixture);
	free(fixture);
	return 0;
}

static void assert_text(struct str got, const char *want)
{
	if (!str_equal(got, str_from(want))) {
		fail_msg("got %.*s, want %s", STR_ARG(got), want);
	}
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

static void test_schema_differs(void **state)
{
	struct fixture *fixture = *state;
	static const struct {
		const char *sql; /* "" : as it was made */
		const char *details;
	} rows[] = {
		{"CREATE TABLE other (a); CREATE INDEX more ON users (score)", NULL},
		{"DROP INDEX \"users.one name\"", "index users.one name is missing"},
		{"DROP TABLE notes; DROP TABLE ratings; CREATE TABLE ratings (a)",
		 "table ratings is another; table notes is missing; "},
		{"ALTER TABLE items ADD COLUMN more TEXT", "table items is another"},
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
			assert_string_equal(error.message, "the database's tables are not those of test.yaml");
			if (strncmp(error.details, rows[i].details, strlen(rows[i].details)) != 0) {
				fail_msg("%s", error.details);
			}
			assert_non_null(strstr(error.hint, "`rowlock migrate test.yaml plan`"));
		}
		unlink(path_of(fixture, "test.db"));
	}
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
	assert_string_equal(error.details, "table users is another");
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
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_upsert_says_whether_the_row_is_new),
		TEST(test_rows_stay),
		TEST(test_settings),
		TEST(test_a_second_store_of_this_process),
		TEST(test_a_second_process),
		TEST(test_schema_differs),
		TEST(test_other_tables_only),
		TEST(test_adopt),
		TEST(test_places_that_cannot_be),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
