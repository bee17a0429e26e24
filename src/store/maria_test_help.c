#include "store/maria_test_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/random.h>

#include <cmocka.h>

#include "store/maria_priv.h"

bool maria_test_is_on(void)
{
	return getenv("ROWLOCK_TEST_MARIADB") != NULL;
}

static MYSQL *connect_to(const char *text)
{
	struct arena arena;
	struct maria_url url;
	struct error error;
	arena_init(&arena, 1024);
	if (!maria_url_parse(str_slice(str_from(text), strlen("mysql:"), strlen(text)), &arena, &url,
						 &error)) {
		fail_msg("%s", error.message);
	}
	MYSQL *db = mysql_init(NULL);
	mysql_options(db, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	if (mysql_real_connect(db, url.host, url.user, url.password, url.database, url.port, NULL,
						   CLIENT_MULTI_STATEMENTS) == NULL) {
		fail_msg("%s: %s", text, mysql_error(db));
	}
	arena_finish(&arena);
	return db;
}

static void run(const char *url, const char *text, char *ret_value, size_t bytes)
{
	MYSQL *db = connect_to(url);
	int rc = mysql_query(db, text);
	while (rc == 0) {
		MYSQL_RES *rows = mysql_store_result(db);
		MYSQL_ROW row = rows != NULL ? mysql_fetch_row(rows) : NULL;
		snprintf(ret_value, bytes, "%s", row != NULL && row[0] != NULL ? row[0] : "");
		mysql_free_result(rows);
		rc = mysql_next_result(db);
	}
	if (rc > 0) {
		fail_msg("%s: %s", text, mysql_error(db));
	}
	mysql_close(db);
}

void maria_test_create(struct maria_test *test)
{
	const char *server = getenv("ROWLOCK_TEST_MARIADB");
	assert_non_null(server);
	uint64_t number;
	assert_int_equal(getrandom(&number, sizeof(number), 0), sizeof(number));
	snprintf(test->name, sizeof(test->name), "test_%016llx", (unsigned long long)number);
	const char *slash = strrchr(server, '/');
	assert_non_null(slash);
	snprintf(test->url, sizeof(test->url), "%.*s/%s", (int)(slash - server), server, test->name);
	char text[128];
	snprintf(text, sizeof(text), "CREATE DATABASE %s", test->name);
	run(server, text, test->value, sizeof(test->value));
}

void maria_test_finish(struct maria_test *test)
{
	if (test->name[0] == '\0') {
		return;
	}
	char text[128];
	snprintf(text, sizeof(text), "DROP DATABASE %s", test->name);
	maria_test_run(test, text);
	*test = (struct maria_test){.name = ""};
}

const char *maria_test_run(struct maria_test *test, const char *text)
{
	run(test->url, text, test->value, sizeof(test->value));
	return test->value;
}
