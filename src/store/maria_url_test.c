#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "store/maria_priv.h"

struct row {
	int line;
	const char *location;
	const char *error; /* a part of the message; NULL: it is good */
	const char *user;
	const char *password;
	const char *host;
	unsigned port;
	const char *database;
	int tls;
	const char *ca;
};

static const struct row rows[] = {
	{__LINE__, "//u:p@h:1/d", NULL, "u", "p", "h", 1, "d", MARIA_TLS_OFF, NULL},
	{__LINE__, "//u@h/d", NULL, "u", "", "h", 3306, "d", MARIA_TLS_OFF, NULL},
	{__LINE__, "//u:@h:65535/d", NULL, "u", "", "h", 65535, "d", MARIA_TLS_OFF, NULL},
	{__LINE__, "//u:p%3A%40%2Fw%25d@127.0.0.1:3307/d%20b", NULL, "u", "p:@/w%d", "127.0.0.1", 3307,
	 "d b", MARIA_TLS_OFF, NULL},
	{__LINE__, "//u:p:q@r@h/d", NULL, "u", "p:q@r", "h", 3306, "d", MARIA_TLS_OFF, NULL},
	{__LINE__, "//u:p@[::1]/d", NULL, "u", "p", "::1", 3306, "d", MARIA_TLS_OFF, NULL},
	{__LINE__, "//u:p@[fe80::1]:3307/d?tls=on", NULL, "u", "p", "fe80::1", 3307, "d", MARIA_TLS_ON,
	 NULL},
	{__LINE__, "//u:p@h/d?tls=off", NULL, "u", "p", "h", 3306, "d", MARIA_TLS_OFF, NULL},
	{__LINE__, "//u:p@h/d?tls=verify&ca=/etc/ca.pem", NULL, "u", "p", "h", 3306, "d",
	 MARIA_TLS_VERIFY, "/etc/ca.pem"},
	{__LINE__, "", "no //"},
	{__LINE__, "u:p@h/d", "no //"},
	{__LINE__, "//h/d", "no user"},
	{__LINE__, "//@h/d", "no user"},
	{__LINE__, "//:p@h/d", "no user"},
	{__LINE__, "//u:%zz@h/d", "encoded"},
	{__LINE__, "//u:%00@h/d", "encoded"},
	{__LINE__, "//u:p@/d", "no host"},
	{__LINE__, "//u:p@:1/d", "no host"},
	{__LINE__, "//u:p@[]/d", "no host"},
	{__LINE__, "//u:p@[::1/d", "brackets"},
	{__LINE__, "//u:p@[::1]1/d", "brackets"},
	{__LINE__, "//u:p@h:/d", "port"},
	{__LINE__, "//u:p@h:0/d", "port"},
	{__LINE__, "//u:p@h:65536/d", "port"},
	{__LINE__, "//u:p@h:x/d", "port"},
	{__LINE__, "//u:p@h", "/DATABASE"},
	{__LINE__, "//u:p@h/", "/DATABASE"},
	{__LINE__, "//u:p@h/d/e", "/DATABASE"},
	{__LINE__, "//u:p@h/d?tls=yes", "`tls`"},
	{__LINE__, "//u:p@h/d?ssl=on", "options"},
	{__LINE__, "//u:p@h/d?ca=", "options"},
	{__LINE__, "//u:p@h/d?ca=%zz", "`ca`"},
	{__LINE__, "//u:p@h/d?tls=on&ca=x", "verify"},
};

static void check_good(const struct row *row, const struct maria_url *url)
{
	bool same = strcmp(url->user, row->user) == 0 && strcmp(url->password, row->password) == 0 &&
		strcmp(url->host, row->host) == 0 && url->port == row->port &&
		strcmp(url->database, row->database) == 0 && (int)url->tls == row->tls &&
		(url->ca == NULL) == (row->ca == NULL) &&
		(url->ca == NULL || strcmp(url->ca, row->ca) == 0);
	if (!same) {
		fail_msg("line %d: %s %s %s %u %s", row->line, url->user, url->password, url->host,
				 url->port, url->database);
	}
}

static void test_urls(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct arena arena;
		struct maria_url url;
		struct error error = {.code = ERROR_NONE};
		arena_init(&arena, 256);
		bool good = maria_url_parse(str_from(row->location), &arena, &url, &error);
		if (good != (row->error == NULL)) {
			fail_msg("line %d: %s", row->line, good ? "accepted" : error.message);
		}
		if (good) {
			check_good(row, &url);
		} else {
			assert_int_equal(error.code, ERROR_CONFIG);
			if (strstr(error.message, row->error) == NULL) {
				fail_msg("line %d: %s", row->line, error.message);
			}
		}
		arena_finish(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_urls),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
