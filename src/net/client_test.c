/* Against a server of raw sockets that does what a path says, also what no good server does. */
#include "net/client.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/loop.h"

enum { HUGE_BYTES = 1 << 20, ANSWER_BYTES = HUGE_BYTES };

struct server {
	int listener;
	int port;
	pthread_t thread;
	_Atomic int accepted;
	_Atomic bool ends;
};

/* ---- the server ---- */

static void say(int fd, const char *text)
{
	(void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
}

static void say_huge(int fd, size_t bytes)
{
	char head[80];
	char *body = calloc(1, bytes);
	snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", bytes);
	say(fd, head);
	memset(body, 'x', bytes);
	for (size_t sent = 0; sent < bytes;) {
		ssize_t len = send(fd, body + sent, bytes - sent, MSG_NOSIGNAL);
		if (len <= 0) {
			break;
		}
		sent += (size_t)len;
	}
	free(body);
}

static bool asks(const char *request, const char *path)
{
	const char *space = strchr(request, ' ');
	return space != NULL && strncmp(space + 1, path, strlen(path)) == 0;
}

/* False: the connection is to be closed. */
static bool answer(int fd, const char *request)
{
	char text[4096];
	if (asks(request, "/plain")) {
		say(fd, "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nContent-Length: 2\r\n\r\nok");
	} else if (asks(request, "/echo")) {
		int len = snprintf(text, sizeof(text), "%s", request);
		char head[80];
		snprintf(head, sizeof(head), "HTTP/1.1 201 Created\r\nContent-Length: %d\r\n\r\n", len);
		say(fd, head);
		say(fd, text);
	} else if (asks(request, "/chunked")) {
		say(fd, "HTTP/1.1 409 Conflict\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
	} else if (asks(request, "/nothing")) {
		say(fd, "HTTP/1.1 204 No Content\r\n\r\n");
	} else if (asks(request, "/redirect")) {
		say(fd, "HTTP/1.1 302 Found\r\nLocation: /plain\r\nContent-Length: 0\r\n\r\n");
	} else if (asks(request, "/huge")) {
		say_huge(fd, HUGE_BYTES);
	} else if (asks(request, "/larger")) {
		say_huge(fd, HUGE_BYTES + 1);
	} else if (asks(request, "/cut")) {
		say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort");
		return false;
	} else if (asks(request, "/garbage")) {
		say(fd, "no HTTP at all\r\n\r\n");
		return false;
	} else if (asks(request, "/silent")) {
		sleep(1);
		return false;
	} else {
		return false;
	}
	return true;
}

static void serve(int fd)
{
	char request[65536];
	for (;;) {
		size_t len = 0;
		const char *end = NULL;
		while (end == NULL) {
			ssize_t got = recv(fd, request + len, sizeof(request) - 1 - len, 0);
			if (got <= 0) {
				return;
			}
			len += (size_t)got;
			request[len] = '\0';
			end = strstr(request, "\r\n\r\n");
		}
		const char *length = strstr(request, "Content-Length: ");
		size_t body = length != NULL ? strtoul(length + 16, NULL, 10) : 0;
		while (len < (size_t)(end + 4 - request) + body) {
			ssize_t got = recv(fd, request + len, sizeof(request) - 1 - len, 0);
			if (got <= 0) {
				return;
			}
			len += (size_t)got;
			request[len] = '\0';
		}
		if (!answer(fd, request)) {
			return;
		}
	}
}

static void *serve_one(void *context)
{
	int fd = (int)(intptr_t)context;
	serve(fd);
	close(fd);
	return NULL;
}

static void *run_server(void *context)
{
	struct server *server = context;
	for (;;) {
		pthread_t thread;
		int fd = accept(server->listener, NULL, NULL);
		if (fd < 0 || atomic_load(&server->ends)) {
			return NULL;
		}
		atomic_fetch_add(&server->accepted, 1);
		pthread_create(&thread, NULL, serve_one, (void *)(intptr_t)fd);
		pthread_detach(thread);
	}
}

static void server_start(struct server *server)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t bytes = sizeof(address);
	*server = (struct server){.listener = socket(AF_INET, SOCK_STREAM, 0)};
	assert_int_equal(bind(server->listener, (struct sockaddr *)&address, bytes), 0);
	assert_int_equal(listen(server->listener, 64), 0);
	getsockname(server->listener, (struct sockaddr *)&address, &bytes);
	server->port = ntohs(address.sin_port);
	pthread_create(&server->thread, NULL, run_server, server);
}

static void server_stop(struct server *server)
{
	atomic_store(&server->ends, true);
	shutdown(server->listener, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	close(server->listener);
}

/* ---- requests ---- */

struct bed {
	struct server server;
	struct loop *loop;
	struct client *client;
	size_t open; /* requests under way */
};

struct asked {
	struct client_request request;
	struct bed *bed;
	char url[128];
	int status;
	char body[4096];
	size_t body_bytes;
	char tag[16];
	char problem[200];
	bool sent;
	bool is_done;
	bool pauses;
	size_t parts;
	uv_timer_t timer;
};

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	struct error error;
	server_start(&bed->server);
	bed->loop = loop_create(&error);
	bed->client = client_create(bed->loop);
	*state = bed;
	return 0;
}

static int teardown(void **state)
{
	struct bed *bed = *state;
	client_close(bed->client);
	loop_stop(bed->loop);
	loop_run(bed->loop);
	loop_destroy(bed->loop);
	server_stop(&bed->server);
	free(bed);
	return 0;
}

static void on_done(struct client_request *request, const struct client_answer *got)
{
	struct asked *asked = (struct asked *)request;
	struct str tag = client_answer_field(got, "etag");
	size_t len = got->body.len < sizeof(asked->body) ? got->body.len : sizeof(asked->body) - 1;
	asked->status = got->status;
	asked->body_bytes += got->body.len;
	if (len > 0) {
		memcpy(asked->body, got->body.ptr, len);
	}
	snprintf(asked->tag, sizeof(asked->tag), "%.*s", STR_ARG(tag));
	snprintf(asked->problem, sizeof(asked->problem), "%s",
			 got->problem != NULL ? got->problem : "");
	asked->sent = got->sent;
	assert_false(asked->is_done);
	asked->is_done = true;
	asked->bed->open--;
}

static void prepare(struct bed *bed, struct asked *asked, const char *method, const char *path)
{
	memset(asked, 0, sizeof(*asked));
	asked->bed = bed;
	snprintf(asked->url, sizeof(asked->url), "http://127.0.0.1:%d%s", bed->server.port, path);
	asked->request.method = method;
	asked->request.url = str_from(asked->url);
	asked->request.timeout_ms = 5000;
	asked->request.answer_bytes = ANSWER_BYTES;
	asked->request.done = on_done;
}

static void start(struct asked *asked)
{
	asked->bed->open++;
	client_start(asked->bed->client, &asked->request);
	assert_false(asked->is_done);
}

static void wait_all(struct bed *bed)
{
	while (bed->open > 0) {
		uv_run(loop_uv(bed->loop), UV_RUN_ONCE);
	}
}

static void ask(struct asked *asked)
{
	start(asked);
	wait_all(asked->bed);
}

/* ---- tests ---- */

static const struct {
	int line;
	const char *path;
	int status;
	const char *body;
	const char *problem; /* a part of it; "" when it is whole */
} rows[] = {
	{__LINE__, "/plain", 200, "ok", ""},
	{__LINE__, "/chunked", 409, "abc", ""},
	{__LINE__, "/nothing", 204, "", ""},
	{__LINE__, "/redirect", 302, "", ""},
	{__LINE__, "/cut", 200, "short", "4 bytes remaining"},
	{__LINE__, "/garbage", 0, "", "HTTP/0.9"},
	{__LINE__, "/closed", 0, "", "Empty reply"},
	{__LINE__, "/larger", 200, NULL, "too large"},
	{__LINE__, "/huge", 200, NULL, ""},
};

static void test_answers(void **state)
{
	struct bed *bed = *state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct asked asked;
		prepare(bed, &asked, "GET", rows[i].path);
		ask(&asked);
		bool whole = rows[i].problem[0] == '\0';
		bool good = asked.status == rows[i].status && asked.sent &&
			(whole ? asked.problem[0] == '\0' : strstr(asked.problem, rows[i].problem) != NULL) &&
			(rows[i].body == NULL || strcmp(asked.body, rows[i].body) == 0);
		if (!good) {
			fail_msg("line %d: %d %s, %s", rows[i].line, asked.status, asked.body, asked.problem);
		}
		assert_true(asked.body_bytes <= ANSWER_BYTES);
		assert_string_equal(asked.tag, strcmp(rows[i].path, "/plain") == 0 ? "\"a\"" : "");
	}
}

static void test_what_is_sent(void **state)
{
	struct asked asked;
	prepare(*state, &asked, "PUT", "/echo/../a%2Fb");
	asked.request.fields = STR("Content-Type: application/json\r\nX-Test: a b\r\n");
	asked.request.body = STR("{\"a\":1}");
	ask(&asked);
	assert_int_equal(asked.status, 201);
	assert_non_null(strstr(asked.body, "PUT /echo/../a%2Fb HTTP/1.1\r\n"));
	assert_non_null(strstr(asked.body, "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(asked.body, "\r\nX-Test: a b\r\n"));
	assert_non_null(strstr(asked.body, "\r\nContent-Length: 7\r\n"));
	assert_null(strstr(asked.body, "Expect"));
	assert_non_null(strstr(asked.body, "\r\n\r\n{\"a\":1}"));
	prepare(*state, &asked, "DELETE", "/echo");
	ask(&asked);
	assert_non_null(strstr(asked.body, "DELETE /echo HTTP/1.1\r\n"));
	assert_null(strstr(asked.body, "Content-Type"));
}

static void test_connections_are_kept(void **state)
{
	struct bed *bed = *state;
	for (int i = 0; i < 20; i++) {
		struct asked asked;
		prepare(bed, &asked, "GET", "/plain");
		ask(&asked);
		assert_int_equal(asked.status, 200);
	}
	assert_int_equal(atomic_load(&bed->server.accepted), 1);
}

static void test_many_at_once(void **state)
{
	enum { MANY = 200 };
	struct bed *bed = *state;
	struct asked *all = calloc(MANY, sizeof(*all));
	for (int i = 0; i < MANY; i++) {
		prepare(bed, &all[i], "GET", "/plain");
		start(&all[i]);
	}
	wait_all(bed);
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(all[i].status, 200);
	}
	assert_true(atomic_load(&bed->server.accepted) <= 16);
	free(all);
}

static void test_time(void **state)
{
	struct asked asked;
	prepare(*state, &asked, "GET", "/silent");
	asked.request.timeout_ms = 50;
	ask(&asked);
	assert_int_equal(asked.status, 0);
	assert_non_null(strstr(asked.problem, "timed out"));
	assert_true(asked.sent);
}

static void test_nobody_listens(void **state)
{
	struct bed *bed = *state;
	struct asked asked;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t bytes = sizeof(address);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, bytes), 0);
	getsockname(fd, (struct sockaddr *)&address, &bytes);
	prepare(bed, &asked, "GET", "/");
	snprintf(asked.url, sizeof(asked.url), "http://127.0.0.1:%d/", ntohs(address.sin_port));
	asked.request.url = str_from(asked.url);
	ask(&asked);
	assert_false(asked.sent);
	assert_non_null(strstr(asked.problem, "onnect"));
	close(fd);
}

static void test_other_protocols(void **state)
{
	struct asked asked;
	prepare(*state, &asked, "GET", "/");
	asked.request.url = STR("file:///etc/hostname");
	ask(&asked);
	assert_int_equal(asked.body_bytes, 0);
	assert_false(asked.sent);
	assert_non_null(strstr(asked.problem, "rotocol"));
}

static void on_pause_over(uv_timer_t *timer)
{
	struct asked *asked = timer->data;
	asked->pauses = false;
	client_resume(&asked->request);
}

static bool take_part(struct client_request *request, int status, struct str bytes)
{
	struct asked *asked = (struct asked *)request;
	assert_int_equal(status, 200);
	if (asked->pauses) {
		uv_timer_start(&asked->timer, on_pause_over, 1, 0);
		return false;
	}
	asked->body_bytes += bytes.len;
	asked->pauses = ++asked->parts % 3 == 0;
	return true;
}

static void test_parts_and_pauses(void **state)
{
	struct bed *bed = *state;
	struct asked asked;
	prepare(bed, &asked, "GET", "/huge");
	asked.request.part = take_part;
	uv_timer_init(loop_uv(bed->loop), &asked.timer);
	asked.timer.data = &asked;
	ask(&asked);
	assert_int_equal(asked.body_bytes, HUGE_BYTES);
	assert_true(asked.parts > 3);
	assert_string_equal(asked.problem, "");
	uv_close((uv_handle_t *)&asked.timer, NULL);
	uv_run(loop_uv(bed->loop), UV_RUN_NOWAIT);
}

/* At every moment of its life. */
static void test_cancel(void **state)
{
	struct bed *bed = *state;
	for (int turns = 0; turns < 8; turns++) {
		struct asked asked;
		prepare(bed, &asked, "GET", "/silent");
		client_start(bed->client, &asked.request);
		for (int i = 0; i < turns; i++) {
			uv_run(loop_uv(bed->loop), UV_RUN_NOWAIT);
			usleep(1000);
		}
		assert_false(asked.is_done);
		client_cancel(&asked.request);
		prepare(bed, &asked, "GET", "/plain");
		ask(&asked);
		assert_int_equal(asked.status, 200);
	}
}

struct chained {
	struct asked asked;
	int left;
};

static void on_done_again(struct client_request *request, const struct client_answer *got)
{
	struct chained *chained = (struct chained *)request;
	assert_int_equal(got->status, 200);
	chained->asked.bed->open--;
	if (--chained->left > 0) {
		start(&chained->asked);
	}
}

static void test_one_begins_another(void **state)
{
	struct chained chained;
	prepare(*state, &chained.asked, "GET", "/plain");
	chained.asked.request.done = on_done_again;
	chained.left = 10;
	ask(&chained.asked);
	assert_int_equal(chained.left, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_sent, setup, teardown),
		cmocka_unit_test_setup_teardown(test_connections_are_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_time, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nobody_listens, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_protocols, setup, teardown),
		cmocka_unit_test_setup_teardown(test_parts_and_pauses, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cancel, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_begins_another, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
