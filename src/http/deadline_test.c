#include "http/deadline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "http/server_test_bed.h"

#define N "\r\n"
#define H "Host: h\r\n\r\n"
#define OK "GET /ok HTTP/1.1\r\n" H

/*
 * Each row is a client on a connection of its own; all run at once. It sends `first`, then `again`
 * every `every_ms`, and expects an answer (and then the end) between two moments, in ms since it
 * connected. A sweep comes every 100 ms, so the latest moment leaves room for one, and for a
 * machine that is busy.
 */
struct row {
	int line;
	const char *first;
	const char *again;
	unsigned every_ms;
	const char *want; /* each answer and the end, see client_answer() */
	unsigned least_ms;
	unsigned most_ms;
};

/* header_ms 600, body_ms 1500, idle_ms 1000. */
static const struct row rows[] = {
	/* nothing is ever sent */
	{__LINE__, "", NULL, 0, "end", 550, 1200},
	/* a head that does not end, and one that comes slowly */
	{__LINE__, "GET / HT", NULL, 0, "408 close <RL408>|end", 550, 1200},
	{__LINE__, "GET /", "x", 100, "408 close <RL408>|end", 550, 1200},
	{__LINE__, N, NULL, 0, "408 close <RL408>|end", 550, 1200},
	/* the second request has a deadline of its own */
	{__LINE__, OK "GET / HT", NULL, 0, "200 ok|408 close <RL408>|end", 550, 1200},
	/* idle between requests */
	{__LINE__, OK, NULL, 0, "200 ok|end", 950, 1600},
	/* a request now and then keeps the connection */
	{__LINE__, OK, OK, 700, "200 ok|200 ok|200 ok|", 1350, 2000},
	/* bodies that do not end */
	{__LINE__, "PUT / HTTP/1.1" N "Content-Length: 5" N H "hell", NULL, 0, "408 close <RL408>|end",
	 1450, 3100},
	{__LINE__, "PUT / HTTP/1.1" N "Content-Length: 500" N H, "x", 100, "408 close <RL408>|end",
	 1450, 3100},
	{__LINE__, "PUT / HTTP/1.1" N "Transfer-Encoding: chunked" N H, "1\r\nx\r\n", 100,
	 "408 close <RL408>|end", 1450, 3100},
	/* a handler may take its time */
	{__LINE__, "GET /held?x HTTP/1.1" N H, NULL, 0, "200 held x|", 2500, 4000},
};

struct client {
	struct bed *bed;
	const struct row *row;
	char got[512];
	unsigned spent_ms;
	uv_thread_t thread;
};

static unsigned now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (unsigned)(now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

struct sender {
	int fd;
	const struct row *row;
	_Atomic bool stop;
};

static void send_again(void *arg)
{
	struct sender *sender = arg;
	const struct row *row = sender->row;
	for (unsigned waited = 0; !atomic_load(&sender->stop); waited += 10) {
		if (waited > 0 && waited % row->every_ms == 0 &&
			!client_send(sender->fd, str_from(row->again))) {
			return;
		}
		client_sleep(10);
	}
}

static void run_client(void *arg)
{
	struct client *client = arg;
	const struct row *row = client->row;
	struct buf got;
	struct sender sender = {.row = row};
	uv_thread_t thread;
	unsigned begun_ms = now_ms();
	sender.fd = client_connect(client->bed);
	buf_init(&got, sizeof(client->got) - 1);
	client_send(sender.fd, str_from(row->first));
	if (row->every_ms > 0) {
		uv_thread_create(&thread, send_again, &sender);
	}
	/* As many answers as are wanted. */
	for (const char *want = row->want; *want != '\0';) {
		client_answer(sender.fd, false, &got);
		want += strcspn(want, "|");
		if (*want == '|') {
			buf_append_byte(&got, '|');
			want++;
		}
	}
	client->spent_ms = now_ms() - begun_ms;
	if (row->every_ms > 0) {
		atomic_store(&sender.stop, true);
		uv_thread_join(&thread);
	}
	close(sender.fd);
	memcpy(client->got, got.ptr, got.len);
	buf_finish(&got);
}

static void test_rows(void **state)
{
	static struct client clients[sizeof(rows) / sizeof(rows[0])];
	size_t count = sizeof(rows) / sizeof(rows[0]);
	struct bed bed;
	(void)state;
	bed_init(&bed);
	bed.limits.header_ms = 600;
	bed.limits.body_ms = 1500;
	bed.limits.idle_ms = 1000;
	bed_start(&bed);
	for (size_t i = 0; i < count; i++) {
		clients[i] = (struct client){.bed = &bed, .row = &rows[i]};
		uv_thread_create(&clients[i].thread, run_client, &clients[i]);
	}
	client_sleep(2600);
	struct buf text;
	buf_init(&text, 65536);
	client_talk(&bed, STR("GET /release HTTP/1.1" N H), false, &text);
	buf_finish(&text);
	for (size_t i = 0; i < count; i++) {
		uv_thread_join(&clients[i].thread);
	}
	for (size_t i = 0; i < count; i++) {
		const struct client *client = &clients[i];
		const struct row *row = client->row;
		if (strcmp(client->got, row->want) != 0 || client->spent_ms < row->least_ms ||
			client->spent_ms > row->most_ms) {
			fail_msg("line %d: got \"%s\" after %u ms", row->line, client->got, client->spent_ms);
		}
	}
	bed_stop(&bed);
}

/* A body may not come at less than 1 KiB a second, once 5 seconds are over. */
static void test_slow_body(void **state)
{
	struct bed bed;
	struct buf text;
	(void)state;
	bed_init(&bed);
	bed_start(&bed);
	buf_init(&text, 65536);
	int slow = client_connect(&bed);
	int fast = client_connect(&bed);
	struct str head = STR("PUT / HTTP/1.1" N "Content-Length: 20000" N H);
	client_send(slow, head);
	client_send(fast, head);
	char bytes[200];
	memset(bytes, 'x', sizeof(bytes));
	unsigned begun_ms = now_ms();
	bool fast_is_alive = true;
	for (unsigned i = 0; i < 75; i++) {
		client_send(slow, (struct str){bytes, 50});
		fast_is_alive &= client_send(fast, (struct str){bytes, sizeof(bytes)});
		client_sleep(100);
	}
	client_answer(slow, false, &text);
	assert_string_equal(text.ptr, "408 close <RL408>");
	assert_true(now_ms() - begun_ms > 5000);
	/* 2,000 bytes a second are enough. */
	assert_true(fast_is_alive);
	for (unsigned i = 75; i < 100; i++) {
		client_send(fast, (struct str){bytes, sizeof(bytes)});
	}
	buf_clear(&text);
	client_answer(fast, false, &text);
	assert_true(str_starts_with(buf_str(&text), STR("200 PUT / xxx")));
	close(slow);
	close(fast);
	buf_finish(&text);
	bed_stop(&bed);
}

/* A reader that takes nothing is cut; one that takes a little now and then is not. */
static void test_stalled_reader(void **state)
{
	struct bed bed;
	int small = 4096;
	(void)state;
	bed_init(&bed);
	bed.limits.stalled_ms = 500;
	bed_start(&bed);
	int stalled = client_connect(&bed);
	int slow = client_connect(&bed);
	setsockopt(stalled, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	client_send(stalled, STR("GET /binary?20000000 HTTP/1.1" N H));
	client_send(slow, STR("GET /stream?1000000 HTTP/1.1" N H));
	static char bytes[1 << 20];
	size_t got = 0;
	for (unsigned i = 0; i < 20; i++) {
		for (unsigned k = 0; k < 4; k++) {
			ssize_t count = recv(slow, bytes, sizeof(bytes), 0);
			assert_true(count > 0);
			got += (size_t)count;
		}
		client_sleep(100);
	}
	assert_true(got > 0);
	assert_int_equal(http_server_stats(bed.server).connections, 1);
	assert_true(atomic_load(&bed.shared.memory_bytes) < 2000000);
	close(stalled);
	close(slow);
	bed_stop(&bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_slow_body),
		cmocka_unit_test(test_stalled_reader),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
