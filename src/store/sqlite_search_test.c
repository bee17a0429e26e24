/*
 * Indexes for substrings. The same random writes on the store in memory, which scans, and on
 * SQLite; then the same questions: whatever the index forgot is a difference.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/sqlite_priv.h"
#include "store/sqlite_search_test_help.h"

enum { STEPS = 1500, GROUP = 4, ROWS_MAX = 6, PIECES = 10, QUESTIONS = 12, MANY_ROWS = 500 };

static const char service[] = "service: s\n"
							  "resources:\n"
							  "  books:\n"
							  "    key: id\n"
							  "    fields: { id: integer, title: text, uri: text, n: integer }\n"
							  "    search: [title, uri]\n"
							  "  notes:\n"
							  "    key: slug\n"
							  "    fields: { slug: text, body: text }\n"
							  "    search: [slug, body]\n"
							  "  marks:\n"
							  "    key: [a, b]\n"
							  "    fields: { a: integer, b: text, rowid: text, n: { type: integer, "
							  "required: true } }\n"
							  "    unique: { one text: rowid }\n"
							  "    search: rowid\n"
							  "  counts: { tally: marks, by: n }\n";

struct search_test {
	struct fixture fixture;
	struct store *stores[2];
	struct store_session *sessions[2];
	uint64_t state;
	size_t found;
	size_t failed;
	size_t tails;    /* questions while an index had one */
	int64_t next_id; /* of a book behind all others */
};

/* xorshift64* (Vigna 2016) */
static size_t pick(struct search_test *test, size_t count)
{
	test->state ^= test->state >> 12;
	test->state ^= test->state << 25;
	test->state ^= test->state >> 27;
	return (size_t)((test->state * UINT64_C(2685821657736338717) >> 33) % count);
}

static void begin(struct search_test *test, uint64_t seed)
{
	static const char *const urls[] = {"memory:", "sqlite:"};
	*test = (struct search_test){.state = seed, .next_id = 100};
	fixture_init(&test->fixture, service);
	for (size_t i = 0; i < 2; i++) {
		fixture_open(&test->fixture, urls[i]);
		test->stores[i] = test->fixture.store;
		test->sessions[i] = test->fixture.session;
	}
}

static void end(struct search_test *test)
{
	for (size_t i = 0; i < 2; i++) {
		test->fixture.store = test->stores[i];
		test->fixture.session = test->sessions[i];
		fixture_close(&test->fixture);
	}
	fixture_finish(&test->fixture);
}

/* ---- texts and patterns ---- */

static const char *const pieces[] = {
	"a",      "b",       "c",      "ab",     "A",          "B",          "C",          "\u00e9",
	"\u00c9", "\u0130",  "i",      "\u0131", "I",          "\u017f",     "s",          "S",
	"\u212a", "k",       "\u00df", "\u1e9e", "\U0001f600", "\U00010400", "\U00010428", "\"",
	"'",      " ",       "\\",     "%",      "_",          "*",          "-",          "(",
	"AND",    "e\u0301", "\u03a3", "\u03c3", "\u03c2",
};

/* Few letters, so that texts and patterns meet. */
static const char *random_piece(struct search_test *test)
{
	size_t all = sizeof(pieces) / sizeof(pieces[0]);
	return pieces[pick(test, 100) < 60 ? pick(test, 6) : pick(test, all)];
}

static struct value random_text(struct search_test *test, bool may_be_null)
{
	if (may_be_null && pick(test, 20) == 0) {
		return (struct value){.kind = VALUE_NULL};
	}
	struct str text = STR("");
	for (size_t count = pick(test, PIECES); count > 0; count--) {
		text = arena_printf(&test->fixture.arena, "%.*s%s", STR_ARG(text), random_piece(test));
	}
	return (struct value){.kind = VALUE_TEXT, .text = text};
}

/* One to eight letters, some of them wildcards. */
static struct str random_pattern(struct search_test *test)
{
	struct str text = pick(test, 10) > 0 ? STR("%") : STR("");
	for (size_t count = 1 + pick(test, 8); count > 0; count--) {
		const char *piece = random_piece(test);
		bool special = strchr("%_\\", piece[0]) != NULL && pick(test, 2) > 0;
		text = arena_printf(&test->fixture.arena, "%.*s%s%s", STR_ARG(text), special ? "\\" : "",
							piece);
	}
	return pick(test, 10) > 0 ? arena_printf(&test->fixture.arena, "%.*s%%", STR_ARG(text)) : text;
}

static const struct cond *negate(struct search_test *test, const struct cond *leaf)
{
	struct cond *cond = ARENA_NEW(&test->fixture.arena, struct cond);
	const struct cond **children = ARENA_NEW(&test->fixture.arena, const struct cond *);
	children[0] = leaf;
	*cond = (struct cond){.kind = COND_NOT, .children = children, .child_count = 1};
	return cond;
}

static const struct cond *random_where(struct search_test *test, const struct resource *resource)
{
	const struct cond *conds[2];
	for (size_t i = 0; i < 2; i++) {
		const struct field *field = resource->search.items[pick(test, resource->search.count)];
		conds[i] = search_test_like(&test->fixture, field, random_pattern(test), pick(test, 3) > 0);
		conds[i] = pick(test, 8) == 0 ? negate(test, conds[i]) : conds[i];
	}
	return pick(test, 3) > 0
		? conds[0]
		: test_join(&test->fixture, pick(test, 2) > 0 ? COND_OR : COND_AND, conds[0], conds[1]);
}

/* ---- writes ---- */

static struct value random_value(struct search_test *test, const struct field *field)
{
	if (field->type == TYPE_INTEGER) {
		return test_integer((int64_t)pick(test, field->key ? 40 : 3));
	}
	if (field->key) {
		return (struct value){
			.kind = VALUE_TEXT,
			.text = arena_printf(&test->fixture.arena, "%s%s%s", random_piece(test),
								 random_piece(test), random_piece(test)),
		};
	}
	return random_text(test, true);
}

static const char *const names[] = {"books", "notes", "marks"};
static const char *const fields[] = {"id title uri n", "slug body", "a b rowid n"};

static struct query *random_insert(struct search_test *test, size_t which)
{
	bool upsert = pick(test, 2) > 0;
	/* Now and then so many that they are left to the tail, with some of the rows that are there. */
	bool many = pick(test, 20) == 0;
	size_t rows = many ? 1 + pick(test, MANY_ROWS) : 1 + pick(test, ROWS_MAX);
	struct value *values;
	struct query *query = test_write(&test->fixture, upsert ? QUERY_UPSERT : QUERY_INSERT,
									 names[which], fields[which], rows, &values);
	for (size_t i = 0; i < rows * query->given.count; i++) {
		values[i] = random_value(test, query->given.items[i % query->given.count]);
		if (many && which == 0 && i % query->given.count == 0 && (!upsert || pick(test, 50) > 0)) {
			values[i] = test_integer(test->next_id++);
		}
	}
	query->resolution = upsert && pick(test, 4) == 0 ? RESOLUTION_IGNORE : RESOLUTION_MERGE;
	return query;
}

static struct query *random_change(struct search_test *test, size_t which)
{
	struct value *values;
	const struct resource *resource = test_resource(&test->fixture, names[which]);
	bool removes = pick(test, 3) == 0;
	/* The key too, which gives the row another number. */
	bool key = which == 0 && pick(test, 3) == 0;
	const char *given = key ? "id title" : which == 0 ? "title" : which == 1 ? "body" : "rowid";
	struct query *query = test_write(&test->fixture, removes ? QUERY_DELETE : QUERY_UPDATE,
									 names[which], removes ? "" : given, removes ? 0 : 1, &values);
	for (size_t i = 0; i < query->given.count && !removes; i++) {
		values[i] = random_value(test, query->given.items[i]);
	}
	query->where = random_where(test, resource);
	if (key || pick(test, 3) == 0) {
		const struct field *first = resource->key.items[0];
		query->where = test_compare(
			&test->fixture, resource,
			arena_printf(&test->fixture.arena, "%.*s", STR_ARG(first->name)).ptr, OPERATOR_EQ,
			random_value(test, first));
	}
	return query;
}

static enum companion_verdict give_up(struct store_companion *companion,
									  struct store_transaction *transaction,
									  const struct store_result *result, struct error *error)
{
	(void)companion;
	(void)transaction;
	(void)result;
	(void)error;
	return COMPANION_ROLL_BACK;
}

/* Rows one by one, and then an error. */
struct broken_batches {
	struct query_batches base;
	const struct query *query;
	size_t next;
};

static bool next_or_fail(struct query_batches *base, const struct value **ret_values,
						 size_t *ret_row_count, struct error *error)
{
	struct broken_batches *batches = (struct broken_batches *)base;
	if (batches->next == batches->query->row_count) {
		return error_set(error, ERROR_PARSE, "broken");
	}
	*ret_values = &batches->query->values[batches->next++ * batches->query->given.count];
	*ret_row_count = 1;
	return true;
}

/* A group of writes, all at once, on each store. */
static void run_group(struct search_test *test)
{
	struct store_companion companion = {.after = give_up};
	struct query *queries[GROUP];
	bool rolled_back[GROUP];
	bool broken[GROUP];
	bool ok[GROUP] = {false};
	size_t count = 1 + pick(test, GROUP);
	for (size_t i = 0; i < count; i++) {
		size_t which = pick(test, 3);
		broken[i] = pick(test, 12) == 0;
		queries[i] = broken[i] || pick(test, 5) < 3 ? random_insert(test, which)
													: random_change(test, which);
		rolled_back[i] = pick(test, 6) == 0;
	}
	for (size_t s = 0; s < 2; s++) {
		struct call calls[GROUP];
		struct query broken_queries[GROUP];
		struct broken_batches batches[GROUP];
		test->fixture.session = test->sessions[s];
		for (size_t i = 0; i < count; i++) {
			broken_queries[i] = *queries[i];
			batches[i] = (struct broken_batches){{next_or_fail}, queries[i], 0};
			if (broken[i]) {
				broken_queries[i].batches = &batches[i].base;
				broken_queries[i].row_count = 0;
			}
			call_init(&calls[i], &broken_queries[i]);
			calls[i].request.companion = rolled_back[i] ? &companion : NULL;
			call_start(&test->fixture, &calls[i]);
		}
		for (size_t i = 0; i < count; i++) {
			call_wait(&test->fixture, &calls[i]);
			assert_true(s == 0 || ok[i] == calls[i].ok);
			ok[i] = calls[i].ok;
			test->failed += !calls[i].ok;
			call_finish(&calls[i]);
		}
	}
}

/* ---- questions ---- */

static void ask(struct search_test *test, size_t which)
{
	struct query *query = test_list(&test->fixture, names[which]);
	query->where = random_where(test, query->resource);
	struct str answers[2];
	for (size_t s = 0; s < 2; s++) {
		test->fixture.session = test->sessions[s];
		answers[s] = run_ok(&test->fixture, query);
	}
	if (!str_equal(answers[0], answers[1])) {
		const struct cond *leaf = query->where->child_count > 0 ? query->where->children[0]
																: query->where;
		fail_msg("%s, %.*s: memory %.*s sqlite %.*s", names[which],
				 STR_ARG(leaf->operand.value.text), STR_ARG(answers[0]), STR_ARG(answers[1]));
	}
	test->found += answers[0].len > 2;
}

static const char *const index_names[] = {"books.title", "books.uri", "notes.slug", "notes.body",
										  "marks.rowid"};
static const char *const row_numbers[] = {"id", "id", "rowid", "rowid", "_rowid_"};
enum { INDEXES = 5 };

/* How many rows the index does not hold. */
static int64_t tail_of(struct search_test *test, size_t index)
{
	const char *dot = strchr(index_names[index], '.');
	const char *text = arena_printf(&test->fixture.arena,
									"SELECT count(*) FROM %.*s WHERE %s>(SELECT "
									"ifnull(max(id),-1) FROM \"%s_search_docsize\")",
									(int)(dot - index_names[index]), index_names[index],
									row_numbers[index], index_names[index])
						   .ptr;
	return search_test_number(search_test_reader(test->sessions[1]), text);
}

/* Every row is held, once. */
static void check_indexes(struct search_test *test)
{
	search_test_wait(test->stores[1]);
	for (size_t i = 0; i < INDEXES; i++) {
		const char *dot = strchr(index_names[i], '.');
		const char *text = arena_printf(&test->fixture.arena,
										"SELECT count(*)-(SELECT count(*) FROM "
										"\"%s_search_docsize\") FROM %.*s",
										index_names[i], (int)(dot - index_names[i]), index_names[i])
							   .ptr;
		int64_t more = search_test_number(search_test_reader(test->sessions[1]), text);
		if (more != 0) {
			fail_msg("%s: %lld rows more than it holds", index_names[i], (long long)more);
		}
	}
}

static void delete_all(struct search_test *test, size_t which)
{
	struct value *values;
	for (size_t s = 0; s < 2; s++) {
		test->fixture.session = test->sessions[s];
		run_ok(&test->fixture,
			   test_write(&test->fixture, QUERY_DELETE, names[which], "", 0, &values));
	}
}

/* When all rows are gone, so is every piece. */
static void check_no_pieces(struct search_test *test)
{
	for (size_t i = 0; i < 3; i++) {
		delete_all(test, i);
	}
	search_test_wait(test->stores[1]);
	sqlite3 *db = search_test_reader(test->sessions[1]);
	search_test_number(db, "PRAGMA query_only=OFF");
	for (size_t i = 0; i < INDEXES; i++) {
		const char *make = arena_printf(&test->fixture.arena,
										"CREATE VIRTUAL TABLE temp.v%zu USING "
										"fts5vocab(main,'%s_search',row)",
										i, index_names[i])
							   .ptr;
		search_test_number(db, make);
		make = arena_printf(&test->fixture.arena, "SELECT count(*) FROM temp.v%zu", i).ptr;
		assert_int_equal(search_test_number(db, make), 0);
		make = arena_printf(&test->fixture.arena, "DROP TABLE temp.v%zu", i).ptr;
		search_test_number(db, make);
	}
	search_test_number(db, "PRAGMA query_only=ON");
}

/* The store on SQLite is closed, wherever its marks are, and opened again. */
static void reopen(struct search_test *test)
{
	test->fixture.store = test->stores[1];
	test->fixture.session = test->sessions[1];
	fixture_close(&test->fixture);
	fixture_open(&test->fixture, "sqlite:");
	test->stores[1] = test->fixture.store;
	test->sessions[1] = test->fixture.session;
}

static void test_random(void **state)
{
	(void)state;
	const char *given = getenv("ROWLOCK_SEED");
	struct search_test test;
	begin(&test, given != NULL ? strtoull(given, NULL, 10) : UINT64_C(0x9e3779b97f4a7c15));
	for (size_t step = 0; step < STEPS; step++) {
		run_group(&test);
		if (pick(&test, 50) == 0) {
			reopen(&test);
		}
		for (size_t i = 0; i < INDEXES; i++) {
			test.tails += tail_of(&test, i) > 0;
		}
		for (size_t i = 0; i < (step % 10 == 0 ? QUESTIONS : 1); i++) {
			ask(&test, pick(&test, 3));
		}
		if (step % 100 == 99) {
			check_indexes(&test);
			delete_all(&test, pick(&test, 3));
		}
		if (step % 10 == 0) {
			arena_reset(&test.fixture.arena);
		}
	}
	print_message("%zu questions found rows, %zu tails, %zu writes failed\n", test.found,
				  test.tails, test.failed);
	assert_true(test.found > STEPS / 10);
	assert_true(test.tails > 0);
	assert_true(test.failed > STEPS / 20);
	check_indexes(&test);
	check_no_pieces(&test);
	end(&test);
}

/* ---- one by one ---- */

static void insert_book(struct search_test *test, int64_t id, struct str title)
{
	struct value *values;
	struct query *query = test_write(&test->fixture, QUERY_INSERT, "books", "id title", 1, &values);
	values[0] = test_integer(id);
	values[1] = (struct value){.kind = VALUE_TEXT, .text = title};
	run_ok(&test->fixture, query);
}

/* A store alone, on SQLite. */
static void begin_alone(struct search_test *test)
{
	*test = (struct search_test){.state = 1};
	fixture_init(&test->fixture, service);
	fixture_open(&test->fixture, "sqlite:");
}

/* What passes the notes' limit makes the index anew. */
static void test_many_old_texts(void **state)
{
	(void)state;
	enum { ROWS = 30, BYTES = 1 << 20 };
	struct search_test test;
	struct value *values;
	begin_alone(&test);
	char *letters = arena_bytes(&test.fixture.arena, BYTES);
	memset(letters, 'x', BYTES);
	for (int64_t id = 1; id <= ROWS; id++) {
		insert_book(&test, id, (struct str){letters, BYTES});
	}
	struct query *query = test_write(&test.fixture, QUERY_UPDATE, "books", "title", 1, &values);
	values[0] = test_text("short");
	query->where = test_compare(&test.fixture, query->resource, "id", OPERATOR_LT,
								test_integer(ROWS));
	run_ok(&test.fixture, query);
	search_test_found(&test.fixture, "%xxxxx%", "[30]");
	query->where = test_compare(&test.fixture, query->resource, "id", OPERATOR_GT,
								test_integer(28));
	run_ok(&test.fixture, query);
	search_test_found(&test.fixture, "%xxxxx%", "[]");
	search_test_found(&test.fixture, "%bread%", "[]");
	search_test_wait(test.fixture.store);
	assert_int_equal(search_test_number(search_test_reader(test.fixture.session),
										"SELECT count(*) FROM \"books.title_search_docsize\""),
					 ROWS);
	fixture_finish(&test.fixture);
}

static void run_sql(struct search_test *test, const char *text)
{
	sqlite3 *db;
	const char *path = arena_printf(&test->fixture.arena, "%s/test.db", test->fixture.folder).ptr;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	char *message = NULL;
	if (sqlite3_exec(db, text, NULL, NULL, &message) != SQLITE_OK) {
		fail_msg("%s: %s", text, message);
	}
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Another program has added rows, taken the last, or given rows other numbers. */
static void test_made_anew_at_open(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *want;
	} rows[] = {
		{"UPDATE books SET n=1", "[1,3]"},
		{"INSERT INTO books(id,title) VALUES (9,'it is Found')", "[1,3,9]"},
		{"DELETE FROM books WHERE id>=3", "[1]"},
		{"DELETE FROM books", "[]"},
		{"INSERT INTO books(id,title) VALUES (2,'foUnd')", "[2]"},
	};
	struct search_test test;
	begin_alone(&test);
	insert_book(&test, 1, STR("found"));
	insert_book(&test, 3, STR("Founded"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fixture_close(&test.fixture);
		run_sql(&test, rows[i].text);
		fixture_open(&test.fixture, "sqlite:");
		search_test_found(&test.fixture, "%found%", rows[i].want);
	}
	fixture_finish(&test.fixture);
}

static void test_index_must_be_there(void **state)
{
	(void)state;
	struct search_test test;
	struct error error = {.code = ERROR_NONE};
	begin_alone(&test);
	fixture_close(&test.fixture);
	run_sql(&test,
			"PRAGMA writable_schema=ON;"
			"DELETE FROM sqlite_schema WHERE name='books.uri_search'");
	struct store_options options = fixture_options(&test.fixture);
	assert_null(store_open(str_from(test.fixture.url), &options, &error));
	assert_int_equal(error.code, ERROR_CONFIG);
	assert_string_equal(error.details, "index books.uri_search is missing");
	fixture_finish(&test.fixture);
}

/* The plan of a query, its steps in lines. */
static struct str plan_of(struct search_test *test, struct query *query)
{
	struct sqlite_session *session = (struct sqlite_session *)test->fixture.session;
	struct sqlite_conn *conn = &session->conn;
	struct buf text;
	buf_init(&text, 1 << 16);
	sql_clear(&conn->sql);
	buf_append(&conn->sql.text, STR("EXPLAIN QUERY PLAN "));
	sql_select(&conn->sql, query);
	struct error error;
	struct sqlite_statement *statement = sqlite_conn_prepare_sql(conn, &error);
	assert_non_null(statement);
	while (sqlite3_step(statement->stmt) == SQLITE_ROW) {
		buf_append(&text, str_from((const char *)sqlite3_column_text(statement->stmt, 3)));
		buf_append_byte(&text, '\n');
	}
	sqlite_conn_release(conn, statement);
	struct str plan = arena_copy(&test->fixture.arena, buf_str(&text));
	buf_finish(&text);
	return plan;
}

/* The rows that the index finds come first, whatever else is asked and in which order. */
static void test_plan(void **state)
{
	(void)state;
	static const char want[] = "SEARCH books USING INTEGER PRIMARY KEY (rowid=?)\n"
							   "LIST SUBQUERY 3\n"
							   "COMPOUND QUERY\n"
							   "LEFT-MOST SUBQUERY\n"
							   "SCAN books.title_search VIRTUAL TABLE INDEX 0:M1\n"
							   "UNION ALL\n"
							   "SEARCH books USING INTEGER PRIMARY KEY (rowid>?)\n"
							   "SCALAR SUBQUERY 2\n"
							   "SEARCH books.title_search_docsize\n";
	struct search_test test;
	begin_alone(&test);
	struct query *query = test_list(&test.fixture, "books");
	const struct cond *like = search_test_like(&test.fixture, query->resource->search.items[0],
											   STR("%found%"), true);
	const struct cond *range = test_compare(&test.fixture, query->resource, "n", OPERATOR_GTE,
											test_integer(7));
	query->limit = 20;
	for (int i = 0; i < 3; i++) {
		query->where = i == 0
			? like
			: test_join(&test.fixture, COND_AND, i == 1 ? like : range, i == 1 ? range : like);
		struct str plan = plan_of(&test, query);
		if (!str_starts_with(plan, str_from(want))) {
			fail_msg("%d: %.*s", i, STR_ARG(plan));
		}
	}
	/* Two letters, and what is not found, are looked for row by row. */
	query->where = negate(&test, like);
	assert_true(str_equal(plan_of(&test, query), STR("SCAN books\n")));
	query->where = search_test_like(&test.fixture, query->resource->search.items[0], STR("%fo%nd%"),
									true);
	assert_true(str_equal(plan_of(&test, query), STR("SCAN books\n")));
	fixture_finish(&test.fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_many_old_texts),
		cmocka_unit_test(test_made_anew_at_open),
		cmocka_unit_test(test_index_must_be_there),
		cmocka_unit_test(test_plan),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
