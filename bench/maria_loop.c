/*
 * The plain loop that a point read on MariaDB is measured against: connections that each run one
 * prepared statement again and again with random keys, on one thread, without HTTP and JSON. It
 * prints how many rows came in how many seconds, in the form of the reports of bench/lua.
 *
 *   maria_loop PORT USER PASSWORD DATABASE CONNECTIONS SECONDS KEYS SEED STATEMENT
 *
 * STATEMENT has one parameter, a key from 1 to KEYS. Every answer must be one row; its columns are
 * read as text of at most TEXT_BYTES.
 */
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <mysql.h>

enum { CONNECTIONS_MAX = 1000, COLUMNS_MAX = 16, TEXT_BYTES = 1024 };

/* What a connection waits for. */
enum step { STEP_NONE, STEP_EXECUTE, STEP_STORE };

struct connection {
	MYSQL *db;
	MYSQL_STMT *stmt;
	enum step step;
	int64_t key;
	char texts[COLUMNS_MAX][TEXT_BYTES];
	unsigned long lengths[COLUMNS_MAX];
};

struct loop {
	struct connection connections[CONNECTIONS_MAX];
	struct pollfd polls[CONNECTIONS_MAX];
	size_t count;
	int64_t keys;
	uint64_t random;
	uint64_t rows;
};

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "maria_loop: %s: %s\n", what, why);
	exit(1);
}

static int64_t number_of(const char *text, int64_t most)
{
	char *end = NULL;
	long long number = strtoll(text, &end, 10);
	if (end == text || *end != '\0' || number < 1 || number > most) {
		fail("not a number that fits", text);
	}
	return number;
}

static double now(void)
{
	struct timespec time;
	(void)clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* xorshift64 */
static int64_t next_key(struct loop *loop)
{
	loop->random ^= loop->random << 13;
	loop->random ^= loop->random >> 7;
	loop->random ^= loop->random << 17;
	return (int64_t)(loop->random % (uint64_t)loop->keys) + 1;
}

static void open_connection(struct connection *connection, char **argv)
{
	connection->db = mysql_init(NULL);
	if (connection->db == NULL || mysql_options(connection->db, MYSQL_OPT_NONBLOCK, NULL) != 0 ||
		mysql_real_connect(connection->db, "127.0.0.1", argv[2], argv[3], argv[4],
						   (unsigned int)number_of(argv[1], UINT16_MAX), NULL, 0) == NULL ||
		mysql_set_character_set(connection->db, "utf8mb4") != 0) {
		fail("connect", connection->db == NULL ? "no memory" : mysql_error(connection->db));
	}
	connection->stmt = mysql_stmt_init(connection->db);
	const char *text = argv[9];
	if (connection->stmt == NULL ||
		mysql_stmt_prepare(connection->stmt, text, (unsigned long)strlen(text)) != 0) {
		fail("prepare", mysql_error(connection->db));
	}
	MYSQL_BIND key = {.buffer_type = MYSQL_TYPE_LONGLONG, .buffer = &connection->key};
	MYSQL_BIND columns[COLUMNS_MAX] = {0};
	unsigned int width = mysql_stmt_field_count(connection->stmt);
	if (width > COLUMNS_MAX || mysql_stmt_param_count(connection->stmt) != 1 ||
		mysql_stmt_bind_param(connection->stmt, &key)) {
		fail("bind", "one parameter and at most 16 columns");
	}
	for (unsigned int i = 0; i < width; i++) {
		columns[i] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_STRING,
								  .buffer = connection->texts[i],
								  .buffer_length = TEXT_BYTES,
								  .length = &connection->lengths[i]};
	}
	if (mysql_stmt_bind_result(connection->stmt, columns)) {
		fail("bind", mysql_stmt_error(connection->stmt));
	}
}

static short wanted_events(int wanted)
{
	return (short)(((wanted & MYSQL_WAIT_READ) != 0 ? POLLIN : 0) |
				   ((wanted & MYSQL_WAIT_WRITE) != 0 ? POLLOUT : 0));
}

/* Its one row is here, whole. */
static void read_row(struct loop *loop, struct connection *connection)
{
	int found = mysql_stmt_fetch(connection->stmt);
	if (found != 0 && found != MYSQL_DATA_TRUNCATED) {
		fail("fetch", found == MYSQL_NO_DATA ? "no row" : mysql_stmt_error(connection->stmt));
	}
	(void)mysql_stmt_free_result(connection->stmt); /* reads nothing: all rows are here */
	loop->rows++;
}

static int begin_statement(struct loop *loop, struct connection *connection, int *ret_failed)
{
	if (connection->step == STEP_STORE) {
		read_row(loop, connection);
	}
	connection->step = STEP_EXECUTE;
	connection->key = next_key(loop);
	return mysql_stmt_execute_start(ret_failed, connection->stmt);
}

static int begin_store(struct connection *connection, int *ret_failed)
{
	connection->step = STEP_STORE;
	return mysql_stmt_store_result_start(ret_failed, connection->stmt);
}

/* Goes on with a connection for which `ready` has come, until it has to wait again: for what. */
static int go_on(struct loop *loop, struct connection *connection, int ready)
{
	int failed = 0;
	int wanted = 0;
	switch (connection->step) {
	case STEP_NONE:
		break;
	case STEP_EXECUTE:
		wanted = mysql_stmt_execute_cont(&failed, connection->stmt, ready);
		break;
	case STEP_STORE:
		wanted = mysql_stmt_store_result_cont(&failed, connection->stmt, ready);
		break;
	}
	while (wanted == 0) {
		if (failed != 0) {
			fail("execute", mysql_stmt_error(connection->stmt));
		}
		wanted = connection->step == STEP_EXECUTE ? begin_store(connection, &failed)
												  : begin_statement(loop, connection, &failed);
	}
	return wanted;
}

static void turn(struct loop *loop)
{
	if (poll(loop->polls, loop->count, 1000) <= 0) {
		fail("poll", "no answer within a second");
	}
	for (size_t i = 0; i < loop->count; i++) {
		short events = loop->polls[i].revents;
		if (events == 0) {
			continue;
		}
		int ready = ((events & POLLOUT) != 0 ? MYSQL_WAIT_WRITE : 0) |
			((events & ~POLLOUT) != 0 ? MYSQL_WAIT_READ : 0);
		loop->polls[i].events = wanted_events(go_on(loop, &loop->connections[i], ready));
	}
}

int main(int argc, char **argv)
{
	static struct loop loop;
	if (argc != 10) {
		fail("usage", "PORT USER PASSWORD DATABASE CONNECTIONS SECONDS KEYS SEED STATEMENT");
	}
	loop.count = (size_t)number_of(argv[5], CONNECTIONS_MAX);
	double seconds = (double)number_of(argv[6], UINT16_MAX);
	loop.keys = number_of(argv[7], INT64_MAX);
	loop.random = (uint64_t)number_of(argv[8], UINT32_MAX) * UINT64_C(0x9e3779b97f4a7c15) + 1;
	for (size_t i = 0; i < loop.count; i++) {
		open_connection(&loop.connections[i], argv);
	}
	double begin = now();
	for (size_t i = 0; i < loop.count; i++) {
		int wanted = go_on(&loop, &loop.connections[i], 0);
		loop.polls[i] = (struct pollfd){.fd = (int)mysql_get_socket(loop.connections[i].db),
										.events = wanted_events(wanted)};
	}
	double end = begin;
	while (end < begin + seconds) {
		turn(&loop);
		end = now();
	}
	printf("BENCH {\"requests\":%llu,\"seconds\":%.6f,\"p50_us\":0,\"p99_us\":0,"
		   "\"connect\":0,\"read\":0,\"write\":0,\"status\":0,\"timeout\":0}\n",
		   (unsigned long long)loop.rows, end - begin);
	return 0;
}
