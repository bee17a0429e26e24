#include "store/sqlite_search_test_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "codec/like.h"
#include "store/sqlite_priv.h"

const struct cond *search_test_like(struct fixture *fixture, const struct field *field,
									struct str pattern, bool caseless)
{
	struct cond *cond = ARENA_NEW(&fixture->arena, struct cond);
	*cond = (struct cond){
		.kind = COND_COMPARE,
		.field = field,
		.type = field,
		.op = caseless ? OPERATOR_ILIKE : OPERATOR_LIKE,
		.operand = {.value = {.kind = VALUE_TEXT, .text = pattern}, .parameter = -1},
		.compiled = {.kind = VALUE_POINTER,
					 .pointer = like_create(pattern, caseless, &fixture->arena)},
	};
	return cond;
}

int64_t search_test_number(sqlite3 *db, const char *text)
{
	sqlite3_stmt *stmt = NULL;
	if (sqlite3_prepare_v2(db, text, -1, &stmt, NULL) != SQLITE_OK) {
		fail_msg("%s: %s", text, sqlite3_errmsg(db));
	}
	int rc = sqlite3_step(stmt);
	int64_t number = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
	assert_true(rc == SQLITE_ROW || rc == SQLITE_DONE);
	sqlite3_finalize(stmt);
	return number;
}

sqlite3 *search_test_reader(const struct store_session *session)
{
	sqlite3 *db = ((const struct sqlite_session *)session)->conn.db;
	/* The session's own, which ends what takes long on a loop. */
	sqlite3_progress_handler(db, 0, NULL, NULL);
	return db;
}

void search_test_wait(struct store *store)
{
	struct sqlite_writer *writer = &((struct sqlite_store *)store)->writer;
	bool done = false;
	for (int i = 0; !done; i++) {
		assert_true(i < 60000);
		usleep(1000);
		pthread_mutex_lock(&writer->queue.mutex);
		done = writer->queue.sleeping || !writer->queue.started;
		pthread_mutex_unlock(&writer->queue.mutex);
	}
}

static struct str find(struct fixture *fixture, const char *pattern)
{
	struct query *query = test_list(fixture, "books");
	test_columns(fixture, query, "id");
	query->format = FORMAT_VALUES;
	query->where = search_test_like(fixture, query->resource->search.items[0], str_from(pattern),
									true);
	return run_ok(fixture, query);
}

void search_test_found(struct fixture *fixture, const char *pattern, const char *want)
{
	struct str got = find(fixture, pattern);
	if (!str_equal(got, str_from(want))) {
		fail_msg("%s: got %.*s, want %s", pattern, STR_ARG(got), want);
	}
}
