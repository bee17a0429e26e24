/*
 * The mark of an index for substrings, by hand: the writer's thread, which moves it, is not started
 * before the first write that comes by the queue.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/sqlite_priv.h"
#include "store/sqlite_search_test_help.h"

static const char service[] = "service: s\n"
							  "resources:\n"
							  "  books:\n"
							  "    key: id\n"
							  "    fields: { id: integer, title: text, uri: text, n: integer }\n"
							  "    search: [title, uri]\n";

static void begin(struct fixture *fixture)
{
	fixture_init(fixture, service);
	fixture_open(fixture, "sqlite:");
}

static struct sqlite_conn *writer_of(const struct fixture *fixture)
{
	return &((struct sqlite_store *)fixture->store)->writer.conn;
}

static struct sqlite_search *search_of(const struct fixture *fixture)
{
	return ((struct sqlite_store *)fixture->store)->search;
}

/* A group of one request. */
static void write_group(struct fixture *fixture, const char *text, const char *end)
{
	struct sqlite_conn *conn = writer_of(fixture);
	struct sqlite_search *search = search_of(fixture);
	struct error error;
	assert_true(sqlite_conn_exec(conn, "BEGIN IMMEDIATE", &error));
	assert_true(sqlite_search_begin_group(search, conn));
	assert_true(sqlite_search_begin(search, conn, &error));
	if (!sqlite_conn_exec(conn, text, &error)) {
		fail_msg("%s: %s", text, sqlite3_errmsg(conn->db));
	}
	assert_true(sqlite_search_write(search, conn, &error));
	assert_true(sqlite_search_end_group(search, conn));
	assert_true(sqlite_conn_exec(conn, end, &error));
}

static bool stop_at_count(void *context)
{
	int *looks = context;
	return --*looks <= 0;
}

/* Reads as many rows as are between so many looks, and one less. */
static void move_marks(struct fixture *fixture, int looks, const char *end)
{
	struct sqlite_conn *conn = writer_of(fixture);
	struct error error;
	assert_true(sqlite_conn_exec(conn, "BEGIN IMMEDIATE", &error));
	assert_true(sqlite_search_move(search_of(fixture), conn, stop_at_count, &looks));
	assert_true(sqlite_conn_exec(conn, end, &error));
}

static int64_t mark_of(struct fixture *fixture)
{
	return search_test_number(search_test_reader(fixture->session),
							  "SELECT ifnull(max(id),-1) FROM \"books.title_search_docsize\"");
}

#define ROWS(FROM, TO)                                                                             \
	"WITH RECURSIVE i(n) AS (SELECT " #FROM " UNION ALL SELECT n+1 FROM i WHERE n<" #TO ") "       \
	"INSERT INTO books(id,title) SELECT n,'title '||(n+10000) FROM i"

static void test_tail_limit(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *end;
		int64_t mark;
		bool behind;
	} rows[] = {
		{ROWS(1, 256), "ROLLBACK", -1, false},
		{ROWS(1, 256), "COMMIT", 256, false},
		{ROWS(301, 556), "COMMIT", 556, false},
		{ROWS(257, 300), "COMMIT", 556, false}, /* below the mark: at once */
		{ROWS(601, 857), "ROLLBACK", 556, true},
		{ROWS(601, 857), "COMMIT", 556, true},
		{ROWS(858, 858), "COMMIT", 556, true}, /* joins the tail */
	};
	struct fixture fixture;
	begin(&fixture);
	assert_int_equal(SEARCH_TAIL_ROWS, 256);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		write_group(&fixture, rows[i].text, rows[i].end);
		assert_int_equal(mark_of(&fixture), rows[i].mark);
		assert_int_equal(sqlite_search_is_behind(search_of(&fixture)), rows[i].behind);
	}
	search_test_found(&fixture, "%10257%", "[257]");
	search_test_found(&fixture, "%10857%", "[857]");
	search_test_found(&fixture, "%10858%", "[858]");
	fixture_finish(&fixture);
}

/* On both sides of the mark, and across it; each step leaves the same answers. */
static void test_mark_in_the_middle(void **state)
{
	(void)state;
	static const struct {
		const char *text; /* NULL: the mark is moved */
		const char *end;
		int64_t mark;
		const char *pattern;
		const char *want;
	} rows[] = {
		{ROWS(1, 300), "COMMIT", -1, "%1001_%", "[10,11,12,13,14,15,16,17,18,19]"},
		{NULL, "ROLLBACK", -1, "%le 10015%", "[15]"},
		{NULL, "COMMIT", 15, "%1001_%", "[10,11,12,13,14,15,16,17,18,19]"},
		{"UPDATE books SET title='across' WHERE id BETWEEN 14 AND 17", "COMMIT", 15, "%acros%",
		 "[14,15,16,17]"},
		{"DELETE FROM books WHERE id IN (14,17)", "COMMIT", 15, "%acros%", "[15,16]"},
		{"DELETE FROM books WHERE id=15", "ROLLBACK", 15, "%acros%", "[15,16]"},
		{"DELETE FROM books WHERE id=15", "COMMIT", 13, "%acros%", "[16]"},
		{"INSERT INTO books(id,title) VALUES (14,'across'),(15,'new')", "COMMIT", 13, "%acros%",
		 "[14,16]"},
		{"UPDATE books SET id=id+1000 WHERE id IN (13,16)", "COMMIT", 12, "%10013%", "[1013]"},
		{"UPDATE books SET id=id-1000 WHERE id>1000", "COMMIT", 12, "%acros%", "[14,16]"},
		{"UPDATE books SET id=0 WHERE id=16", "COMMIT", 12, "%acros%", "[0,14]"},
		{NULL, "COMMIT", 29, "%acros%", "[0,14]"},
		{"UPDATE books SET title='short' WHERE id IN (0,20,30)", "COMMIT", 29, "%short%",
		 "[0,20,30]"},
		{NULL, "COMMIT", 44, "%short%", "[0,20,30]"},
		{"DELETE FROM books", "COMMIT", -1, "%short%", "[]"},
		{"INSERT INTO books(id,title) VALUES (-9223372036854775808,'least short'),"
		 "(9223372036854775807,'most short')",
		 "COMMIT", -1, "%short%", "[-9223372036854775808,9223372036854775807]"},
		{NULL, "COMMIT", INT64_MAX, "%short%", "[-9223372036854775808,9223372036854775807]"},
		{"INSERT INTO books(id,title) VALUES (7,'short')", "COMMIT", INT64_MAX, "%short%",
		 "[-9223372036854775808,7,9223372036854775807]"},
	};
	struct fixture fixture;
	begin(&fixture);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].text == NULL) {
			move_marks(&fixture, 1, rows[i].end);
		} else {
			write_group(&fixture, rows[i].text, rows[i].end);
		}
		if (mark_of(&fixture) != rows[i].mark) {
			fail_msg("%zu: mark %lld", i, (long long)mark_of(&fixture));
		}
		search_test_found(&fixture, rows[i].pattern, rows[i].want);
	}
	while (sqlite_search_is_behind(search_of(&fixture))) {
		move_marks(&fixture, 1000, "COMMIT");
	}
	search_test_found(&fixture, "%short%", "[-9223372036854775808,7,9223372036854775807]");
	fixture_finish(&fixture);
}

/* Each transaction has made a segment; in the end there is one. */
static void test_merge(void **state)
{
	(void)state;
	static const char segments[] = "SELECT count(DISTINCT segid) FROM \"books.title_search_idx\"";
	struct fixture fixture;
	begin(&fixture);
	write_group(&fixture, ROWS(1, 49999), "COMMIT");
	while (sqlite_search_is_behind(search_of(&fixture))) {
		move_marks(&fixture, 1000, "COMMIT");
	}
	assert_false(sqlite_search_is_unmerged(search_of(&fixture)));
	write_group(&fixture, ROWS(50000, 50300), "COMMIT");
	move_marks(&fixture, 1000, "COMMIT");
	assert_true(sqlite_search_is_unmerged(search_of(&fixture)));
	assert_true(search_test_number(search_test_reader(fixture.session), segments) > 1);
	for (int i = 0; sqlite_search_is_unmerged(search_of(&fixture)); i++) {
		struct error error;
		int looks = 2;
		assert_true(i < 10000);
		assert_true(sqlite_conn_exec(writer_of(&fixture), "BEGIN IMMEDIATE", &error));
		assert_true(
			sqlite_search_merge(search_of(&fixture), writer_of(&fixture), stop_at_count, &looks));
		assert_true(sqlite_conn_exec(writer_of(&fixture), "COMMIT", &error));
		search_test_found(&fixture, "%le 12345%", "[2345]");
	}
	assert_int_equal(search_test_number(search_test_reader(fixture.session), segments), 1);
	fixture_finish(&fixture);
}

/* What one process did not merge, the next one does. */
static void test_merge_after_restart(void **state)
{
	(void)state;
	static const char segments[] = "SELECT count(DISTINCT segid) FROM \"books.title_search_idx\"";
	struct fixture fixture;
	begin(&fixture);
	write_group(&fixture, ROWS(1, 120000), "COMMIT");
	while (sqlite_search_is_behind(search_of(&fixture))) {
		move_marks(&fixture, 100, "COMMIT");
	}
	assert_true(search_test_number(search_test_reader(fixture.session), segments) > 1);
	for (int opened = 0; opened < 2; opened++) {
		fixture_close(&fixture);
		fixture_open(&fixture, "sqlite:");
		int64_t left = 2;
		for (int i = 0; i < 3000 && left > 1; i++) {
			usleep(10000);
			left = search_test_number(search_test_reader(fixture.session), segments);
		}
		assert_int_equal(left, 1);
	}
	search_test_found(&fixture, "%le 112345%", "[102345]");
	fixture_finish(&fixture);
}

static void run_sql(struct fixture *fixture, const char *text)
{
	sqlite3 *db;
	const char *path = arena_printf(&fixture->arena, "%s/test.db", fixture->folder).ptr;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	char *message = NULL;
	if (sqlite3_exec(db, text, NULL, NULL, &message) != SQLITE_OK) {
		fail_msg("%s: %s", text, message);
	}
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Another program gives rows other numbers while there is a tail, as VACUUM does. */
static void test_other_numbers_at_open(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *want;
	} rows[] = {
		{"UPDATE books SET n=1", "[30,90]"},
		{"UPDATE books SET id=id-11 WHERE id>20", "[19,79]"},
		{"UPDATE books SET id=id-1000", "[-970,-910]"},
		{"DELETE FROM books WHERE id<50", "[90]"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture fixture;
		begin(&fixture);
		write_group(&fixture, ROWS(1, 50), "COMMIT");
		write_group(&fixture, "DELETE FROM books WHERE id BETWEEN 10 AND 20", "COMMIT");
		write_group(&fixture, ROWS(51, 400), "COMMIT");
		write_group(&fixture, "UPDATE books SET title='found' WHERE id IN (30,90)", "COMMIT");
		assert_int_equal(mark_of(&fixture), 50);
		search_test_found(&fixture, "%found%", "[30,90]");
		fixture_close(&fixture);
		run_sql(&fixture, rows[i].text);
		fixture_open(&fixture, "sqlite:");
		search_test_found(&fixture, "%found%", rows[i].want);
		search_test_wait(fixture.store);
		search_test_found(&fixture, "%found%", rows[i].want);
		fixture_finish(&fixture);
	}
}

/* The thread that moves the mark: an answer's version stays as it was. */
static void test_versions_stay(void **state)
{
	(void)state;
	enum { ROWS = 5000 };
	struct fixture fixture;
	struct value *values;
	begin(&fixture);
	struct query *query = test_write(&fixture, QUERY_INSERT, "books", "id title", ROWS, &values);
	for (size_t i = 0; i < ROWS; i++) {
		values[2 * i] = test_integer((int64_t)i);
		values[2 * i + 1] = test_text("some title");
	}
	run_ok(&fixture, query);
	const struct version *any = &((struct sqlite_store *)fixture.store)->versions.any;
	uint64_t before = version_load(any);
	uint64_t version = test_version(&fixture, test_list(&fixture, "books"));
	search_test_wait(fixture.store);
	assert_int_equal(mark_of(&fixture), ROWS - 1);
	assert_int_equal(version_load(any), before);
	assert_int_equal(test_version(&fixture, test_list(&fixture, "books")), version);
	/* A start goes on where the last end was. */
	query->where = NULL;
	for (size_t i = 0; i < ROWS; i++) {
		values[2 * i] = test_integer((int64_t)(ROWS + i));
	}
	run_ok(&fixture, query);
	fixture_close(&fixture);
	fixture_open(&fixture, "sqlite:");
	search_test_wait(fixture.store);
	assert_int_equal(mark_of(&fixture), 2 * ROWS - 1);
	fixture_finish(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tail_limit),
		cmocka_unit_test(test_mark_in_the_middle),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_merge_after_restart),
		cmocka_unit_test(test_other_numbers_at_open),
		cmocka_unit_test(test_versions_stay),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
