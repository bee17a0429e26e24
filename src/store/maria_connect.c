#include "store/maria_priv.h"

#include <errmsg.h>
#include <mysqld_error.h>
#include <stdio.h>

#include "sql/maria.h"

enum {
	CONNECT_S = 3,
	ANSWER_S = 30,           /* while it blocks */
	STACK_BYTES = 128 << 10, /* of libmariadb's own context */
	STATEMENT_SPARE_S = 10,
	LOCK_WAIT_S = 3,
	SETUP_BYTES = 1024,
};

static bool fail_connect(MYSQL *db, const struct maria_store *store, struct error *error)
{
	const char *message = mysql_error(db);
	switch (mysql_errno(db)) {
	case ER_ACCESS_DENIED_ERROR:
	case ER_ACCESS_DENIED_NO_PASSWORD_ERROR:
	case ER_DBACCESS_DENIED_ERROR:
	case ER_BAD_DB_ERROR:
	case ER_HOST_NOT_PRIVILEGED:
	case CR_SSL_CONNECTION_ERROR:
	case CR_AUTH_PLUGIN_CANNOT_LOAD:
		error_set(error, ERROR_CONFIG, "the database server refuses us: %s", message);
		return error_hint(error, "look at `store:`: user, password, database and tls");
	default:
		break;
	}
	error_set(error, ERROR_STORE_DOWN, "The database %s at %s:%u cannot be reached",
			  store->url.database, store->url.host, store->url.port);
	return error_details(error, "%s", message);
}

static void set_options(MYSQL *db, const struct maria_store *store)
{
	size_t stack_bytes = STACK_BYTES;
	unsigned connect_s = CONNECT_S;
	unsigned answer_s = ANSWER_S;
	unsigned none = 0;
	my_bool on = 1;
	my_bool off = 0;
	mysql_options(db, MYSQL_OPT_NONBLOCK, &stack_bytes);
	mysql_options(db, MYSQL_OPT_CONNECT_TIMEOUT, &connect_s);
	if (!store->patient) {
		mysql_options(db, MYSQL_OPT_READ_TIMEOUT, &answer_s);
		mysql_options(db, MYSQL_OPT_WRITE_TIMEOUT, &answer_s);
	}
	mysql_options(db, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	mysql_options(db, MYSQL_OPT_CONNECT_ATTR_RESET, NULL);
	mysql_optionsv(db, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", "rowlock");
	mysql_options(db, MYSQL_OPT_LOCAL_INFILE, &none);
	mysql_options(db, MYSQL_OPT_RECONNECT, &off);
	if (store->url.tls != MARIA_TLS_OFF) {
		mysql_options(db, MYSQL_OPT_SSL_ENFORCE, &on);
		mysql_options(db, MYSQL_OPT_SSL_VERIFY_SERVER_CERT,
					  store->url.tls == MARIA_TLS_VERIFY ? &on : &off);
		if (store->url.ca != NULL) {
			mysql_options(db, MYSQL_OPT_SSL_CA, store->url.ca);
		}
	}
}

/* What every session has: our texts, times and strictness, whatever the server's defaults are. A
 * statement is ended by the server when it is still running long after we gave it up. */
static bool set_up(MYSQL *db, const struct maria_store *store)
{
	const struct limits *limits = &store->limits;
	uint64_t longest_ms = limits->bulk_ms;
	longest_ms = limits->write_ms > longest_ms ? limits->write_ms : longest_ms;
	longest_ms = limits->read_ms > longest_ms ? limits->read_ms : longest_ms;
	char text[SETUP_BYTES];
	int len = snprintf(text, sizeof(text),
					   MARIA_SESSION ",SESSION tx_isolation='READ-COMMITTED',"
									 "SESSION autocommit=1,"
									 "SESSION innodb_lock_wait_timeout=%d,"
									 "SESSION lock_wait_timeout=%d,"
									 "SESSION max_statement_time=%llu",
					   LOCK_WAIT_S, LOCK_WAIT_S,
					   (unsigned long long)(longest_ms / 1000 + STATEMENT_SPARE_S));
	return mysql_real_query(db, text, (unsigned long)len) == 0;
}

MYSQL *maria_connect(const struct maria_store *store, unsigned *ret_number, struct error *error)
{
	const struct maria_url *url = &store->url;
	MYSQL *db = mysql_init(NULL);
	if (db == NULL) {
		error_set(error, ERROR_STORE_DOWN, NULL);
		return NULL;
	}
	set_options(db, store);
	maria_clear_tls(store);
	if (mysql_real_connect(db, url->host, url->user, url->password, url->database, url->port, NULL,
						   CLIENT_FOUND_ROWS | CLIENT_MULTI_STATEMENTS | CLIENT_REMEMBER_OPTIONS) ==
			NULL ||
		!set_up(db, store)) {
		fail_connect(db, store, error);
		if (ret_number != NULL) {
			*ret_number = mysql_errno(db);
		}
		mysql_close(db);
		return NULL;
	}
	return db;
}
