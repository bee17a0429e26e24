/*
 * Many writers on one server: no write is lost, the counts are those of the rows in every snapshot,
 * and what deadlocks can be tried again. Skipped without ROWLOCK_TEST_MARIADB; 32 clients and
 * 10,000 writes with ROWLOCK_PROOF=1.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <mysql.h>
#include <pthread.h>

#include "base/clock.h"
#include "sql/maria_test_help.h"
#include "sql/sql_test_help.h"

enum { MOST_CLIENTS = 32, USERS = 4, ITEMS = 12, TYPES = 3, TEXT_BYTES = 4096 };

static const char database[] = "rowlock_tally_test";

/* What every client does, with `?` for its numbers. */
struct texts {
	char *put;
	char *lock_one, *delete_one;
	char *lock_user, *delete_user;
	char *lock_item, *update_item;
};

struct client {
	pthread_t thread;
	const struct texts *texts;
	struct maria_bed bed;
	uint64_t seed;
	size_t writes;
	size_t again; /* transactions that were tried again */
	unsigned failed;
	char message[256];
};

static unsigned pick(struct client *client, unsigned below)
{
	client->seed = client->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)((client->seed >> 33) % below);
}

/* False when it failed. */
static bool run(struct client *client, const char *text, const unsigned *numbers)
{
	struct buf filled;
	buf_init(&filled, TEXT_BYTES);
	for (; *text != '\0'; text++) {
		if (*text == '?') {
			buf_append_uint(&filled, *numbers++);
		} else {
			buf_append_byte(&filled, *text);
		}
	}
	MYSQL *db = client->bed.db;
	client->failed = 0;
	if (mysql_real_query(db, filled.ptr, filled.len) != 0) {
		client->failed = mysql_errno(db);
		(void)snprintf(client->message, sizeof(client->message), "%s", mysql_error(db));
	} else {
		mysql_free_result(mysql_store_result(db));
	}
	buf_finish(&filled);
	return client->failed == 0;
}

/* One transaction, as the store would do it. */
static bool write_once(struct client *client, unsigned kind, const unsigned numbers[3])
{
	const struct texts *texts = client->texts;
	static const unsigned none[1];
	const unsigned item[] = {numbers[2], numbers[1]};
	const unsigned by_item[] = {numbers[1]};
	if (kind < 5) {
		return run(client, texts->put, numbers);
	}
	bool ok = run(client, "BEGIN", none);
	if (kind == 5) {
		ok = ok && run(client, texts->lock_one, numbers) && run(client, texts->delete_one, numbers);
	} else if (kind == 6) {
		ok = ok && run(client, texts->lock_user, numbers) &&
			run(client, texts->delete_user, numbers);
	} else if (kind == 7) {
		ok = ok && run(client, texts->lock_item, by_item) && run(client, texts->update_item, item);
	} else {
		for (unsigned user = 1; user <= USERS && ok; user++) {
			for (unsigned i = 1; i <= ITEMS && ok; i += 1 + numbers[2]) {
				const unsigned row[] = {user, i, numbers[2]};
				ok = run(client, texts->put, row);
			}
		}
	}
	return ok && run(client, "COMMIT", none);
}

static void *write_all(void *context)
{
	struct client *client = context;
	static const unsigned none[1];
	for (size_t i = 0; i < client->writes; i++) {
		const unsigned numbers[] = {1 + pick(client, USERS), 1 + pick(client, ITEMS),
									1 + pick(client, TYPES)};
		unsigned kind = pick(client, 9);
		while (!write_once(client, kind, numbers)) {
			unsigned failed = client->failed;
			if (failed != 1213 && failed != 1205 && failed != 1020) {
				return NULL;
			}
			client->again++;
			(void)run(client, "ROLLBACK", none);
		}
	}
	client->failed = 0;
	return NULL;
}

/* ---- texts ---- */

static char *keep(struct sql_bed *bed)
{
	return (char *)(uintptr_t)arena_copy(&bed->arena, buf_str(&bed->sql.text)).ptr;
}

static char *make(struct sql_bed *bed, const char *text, enum query_action action, bool lock)
{
	struct query query;
	sql_bed_query(bed, text, action, "ratings", &query);
	if (action != QUERY_DELETE) {
		sql_bed_give(bed,
					 action == QUERY_UPDATE ? "rating_type=1" : "user_id=1&item_id=1&rating_type=1",
					 &query);
		query.conflict = query.resource->key;
	}
	sql_clear(&bed->sql);
	if (lock) {
		assert_true(sql_tally_lock(&bed->sql, query.resource->tallies[0], &query));
	} else if (action == QUERY_UPSERT) {
		sql_insert_or_update(&bed->sql, &query, query.values);
	} else {
		sql_bed_write(bed, &query);
	}
	return keep(bed);
}

static struct texts make_texts(struct sql_bed *bed)
{
	sql_finish(&bed->sql);
	sql_init(&bed->sql, &sql_dialect_maria, TEXT_BYTES);
	return (struct texts){
		.put = make(bed, "", QUERY_UPSERT, false),
		.lock_one = make(bed, "user_id=eq.1&item_id=eq.1", QUERY_DELETE, true),
		.delete_one = make(bed, "user_id=eq.1&item_id=eq.1", QUERY_DELETE, false),
		.lock_user = make(bed, "user_id=eq.1", QUERY_DELETE, true),
		.delete_user = make(bed, "user_id=eq.1", QUERY_DELETE, false),
		.lock_item = make(bed, "item_id=eq.1", QUERY_DELETE, true),
		.update_item = make(bed, "item_id=eq.1", QUERY_UPDATE, false),
	};
}

/* ---- the test ---- */

/* Groups whose count is wrong, in one snapshot. */
static void compare(struct maria_bed *bed)
{
	static const char text[] =
		"SELECT (SELECT count(*) FROM (SELECT user_id,rating_type,count(*) AS n FROM ratings "
		"GROUP BY 1,2) AS r LEFT JOIN counts AS c ON c.user_id=r.user_id AND "
		"c.rating_type=r.rating_type WHERE NOT (c.`count`<=>r.n))+"
		"(SELECT count(*) FROM counts AS c WHERE c.`count`<>(SELECT count(*) FROM ratings AS r "
		"WHERE r.user_id=c.user_id AND r.rating_type=c.rating_type))";
	if (mysql_query(bed->db, text) != 0) {
		fail_msg("%s", mysql_error(bed->db));
	}
	MYSQL_RES *result = mysql_store_result(bed->db);
	MYSQL_ROW row = mysql_fetch_row(result);
	assert_string_equal(row[0], "0");
	mysql_free_result(result);
}

static void start(struct client *client, const struct texts *texts, size_t number, size_t writes)
{
	static const unsigned none[1];
	*client = (struct client){.texts = texts, .seed = number + 1, .writes = writes};
	assert_true(maria_bed_join(&client->bed, database));
	assert_true(run(client, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", none));
	assert_true(run(client, "SET innodb_lock_wait_timeout=10", none));
	assert_int_equal(pthread_create(&client->thread, NULL, write_all, client), 0);
}

static void test_many_writers(void **state)
{
	(void)state;
	struct maria_bed bed;
	struct sql_bed texts_bed;
	const char *proof = getenv("ROWLOCK_PROOF");
	bool all = proof != NULL && strcmp(proof, "1") == 0;
	size_t clients = all ? MOST_CLIENTS : 8;
	size_t writes = all ? 10000 / MOST_CLIENTS + 1 : 25;
	struct client many[MOST_CLIENTS];
	size_t again = 0;
	if (!maria_bed_begin(&bed, database)) {
		skip();
	}
	sql_bed_begin(&texts_bed);
	maria_bed_make(&bed, texts_bed.models[0]);
	struct texts texts = make_texts(&texts_bed);
	for (size_t i = 0; i < clients; i++) {
		start(&many[i], &texts, i, writes);
	}
	for (size_t i = 0; i < clients; i++) {
		while (pthread_tryjoin_np(many[i].thread, NULL) != 0) {
			compare(&bed);
		}
		if (many[i].failed != 0) {
			fail_msg("%u %s", many[i].failed, many[i].message);
		}
		again += many[i].again;
		maria_bed_end(&many[i].bed);
	}
	compare(&bed);
	print_message("%zu writes of %zu clients, %zu tried again\n", clients * writes, clients, again);
	sql_bed_end(&texts_bed);
	maria_bed_end(&bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many_writers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
