#include "http/connection.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/server_test_bed.h"

#define N "\r\n"
#define H "Host: h\r\n\r\n"
#define OK "GET /ok HTTP/1.1\r\n" H

static void expect(int fd, const char *want)
{
	struct buf text;
	buf_init(&text, 1 << 20);
	client_answer(fd, false, &text);
	assert_string_equal(text.ptr, want);
	buf_finish(&text);
}

/* At the limit all are served; one above is told so, and its end makes room. */
static void test_connection_limit(void **state)
{
	struct bed bed;
	int fds[3];
	(void)state;
	bed_init(&bed);
	bed.limits.connections = 3;
	bed_start(&bed);
	for (size_t i = 0; i < 3; i++) {
		fds[i] = client_connect(&bed);
		client_send(fds[i], STR(OK));
		expect(fds[i], "200 ok");
	}
	for (size_t i = 0; i < 3; i++) {
		int over = client_connect(&bed);
		client_send(over, STR(OK));
		expect(over, "503 close retry <RL503>");
		expect(over, "end");
		close(over);
	}
	assert_int_equal(http_server_stats(bed.server).refused, 3);
	bed_wait(&bed, 3);
	close(fds[0]);
	bed_wait(&bed, 2);
	fds[0] = client_connect(&bed);
	for (size_t i = 0; i < 3; i++) {
		client_send(fds[i], STR(OK));
		expect(fds[i], "200 ok");
		close(fds[i]);
	}
	bed_stop(&bed);
}

/* The connections of other loops count. */
static void test_shared_connection_limit(void **state)
{
	struct bed bed;
	(void)state;
	bed_init(&bed);
	bed.limits.connections = 3;
	atomic_store(&bed.shared.connections, 2);
	bed_start(&bed);
	int fd = client_connect(&bed);
	int over = client_connect(&bed);
	client_send(fd, STR(OK));
	expect(fd, "200 ok");
	expect(over, "503 close retry <RL503>");
	close(fd);
	close(over);
	bed_wait(&bed, 0);
	atomic_fetch_sub(&bed.shared.connections, 2);
	bed_stop(&bed);
}

static void send_body(int fd, const char *framing, size_t count, bool chunked)
{
	struct buf text;
	buf_init(&text, 16 << 20);
	buf_printf(&text, "PUT / HTTP/1.1" N "%s" N H, framing);
	if (chunked) {
		buf_printf(&text, "%zx" N, count);
	}
	for (size_t i = 0; i < count; i++) {
		buf_append_byte(&text, 'x');
	}
	buf_append(&text, chunked ? STR(N "0" N N) : STR(""));
	client_send(fd, buf_str(&text));
	buf_finish(&text);
}

/* Over the memory budget of the process small requests still go through, and large ones do not. */
static void test_memory_budget(void **state)
{
	struct bed bed;
	struct buf text;
	(void)state;
	bed_init(&bed);
	bed_start(&bed);
	buf_init(&text, 1 << 20);
	atomic_fetch_add(&bed.shared.memory_bytes, bed.limits.memory_bytes);
	int fd = client_connect(&bed);
	client_send(fd, STR(OK));
	expect(fd, "200 ok");
	send_body(fd, "Content-Length: 20000", 20000, false);
	client_answer(fd, false, &text);
	assert_int_equal(text.len, 20000 + strlen("200 PUT / "));
	client_send(fd, STR("GET /binary?100000 HTTP/1.1" N H));
	expect(fd, "503 retry <RL503>");
	send_body(fd, "Content-Length: 200000", 200000, false);
	expect(fd, "503 close retry <RL503>");
	expect(fd, "end");
	close(fd);
	fd = client_connect(&bed);
	send_body(fd, "Transfer-Encoding: chunked", 200000, true);
	expect(fd, "503 close retry <RL503>");
	close(fd);
	atomic_fetch_sub(&bed.shared.memory_bytes, bed.limits.memory_bytes);
	fd = client_connect(&bed);
	send_body(fd, "Content-Length: 200000", 200000, false);
	buf_clear(&text);
	client_answer(fd, false, &text);
	assert_int_equal(text.len, 200000 + strlen("200 PUT / "));
	close(fd);
	buf_finish(&text);
	bed_stop(&bed);
}

/* A client that goes on sending what will not be read still gets the answer, and the end. */
static void test_linger(void **state)
{
	struct bed bed;
	(void)state;
	bed_init(&bed);
	bed_start(&bed);
	int fd = client_connect(&bed);
	client_send(fd, STR("PUT / HTTP/1.1" N "Content-Length: 99999999" N H));
	char bytes[1000];
	memset(bytes, 'x', sizeof(bytes));
	for (size_t i = 0; i < 200; i++) {
		assert_true(client_send(fd, (struct str){bytes, sizeof(bytes)}));
	}
	expect(fd, "413 close <RL413>");
	expect(fd, "end");
	/* The connection is there until the client ends it, but not for ever. */
	assert_int_equal(http_server_stats(bed.server).connections, 1);
	bed_wait(&bed, 0);
	close(fd);
	/* More than 256 KiB are not read. */
	fd = client_connect(&bed);
	client_send(fd, STR("PUT / HTTP/1.1" N "Content-Length: 99999999" N H));
	size_t sent = 0;
	while (sent < 20000000 && client_send(fd, (struct str){bytes, sizeof(bytes)})) {
		sent += sizeof(bytes);
	}
	assert_true(sent < 20000000);
	close(fd);
	bed_stop(&bed);
}

struct census {
	struct task task;
	struct bed *bed;
	_Atomic size_t bare; /* connections that hold nothing; SIZE_MAX before it is known */
};

static void count_bare(struct task *task)
{
	struct census *census = (struct census *)task;
	struct http_link *all = &census->bed->server->connections;
	size_t bare = 0;
	for (struct http_link *link = all->next; link != all; link = link->next) {
		const struct http_connection *connection = HTTP_CONTAINER(link, struct http_connection,
																  all);
		bare += connection->block == NULL && connection->exchange == NULL &&
			connection->output == NULL;
	}
	atomic_store(&census->bare, bare);
}

/* What idle connections cost is the connection itself. */
static void test_idle_connections_hold_nothing(void **state)
{
	struct bed bed;
	struct census census = {.task.run = count_bare, .bed = &bed, .bare = SIZE_MAX};
	int fds[100];
	(void)state;
	assert_true(sizeof(struct http_connection) <= 1024);
	bed_init(&bed);
	bed_start(&bed);
	for (size_t i = 0; i < 100; i++) {
		fds[i] = client_connect(&bed);
		client_send(fds[i], STR(OK));
		expect(fds[i], "200 ok");
	}
	loop_post(bed.loop, &census.task);
	while (atomic_load(&census.bare) == SIZE_MAX) {
		client_sleep(1);
	}
	assert_int_equal(atomic_load(&census.bare), 100);
	for (size_t i = 0; i < 100; i++) {
		close(fds[i]);
	}
	bed_stop(&bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connection_limit),
		cmocka_unit_test(test_shared_connection_limit),
		cmocka_unit_test(test_memory_budget),
		cmocka_unit_test(test_linger),
		cmocka_unit_test(test_idle_connections_hold_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
