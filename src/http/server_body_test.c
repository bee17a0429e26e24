#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/body.h"
#include "http/server_test_bed.h"

#define N "\r\n"
#define H "Host: h\r\n"
#define MEMORY HTTP_BODY_MEMORY_BYTES
#define SMALL (2 * MEMORY) /* the limit of paths below /small */

struct request {
	const char *method;
	const char *path;
	size_t bytes;
	size_t sent;  /* of them */
	size_t chunk; /* bytes of a chunk; 0: with Content-Length */
};

static void bed_begin(struct bed *bed)
{
	bed_init(bed);
	bed->limits.body_bytes = 8 * MEMORY;
	bed->body_limit = SMALL;
	bed_start(bed);
}

static char byte_at(size_t at)
{
	return (char)('a' + at % 23);
}

/* False when the server has ended the connection meanwhile. */
static bool send_request(int fd, const struct request *request)
{
	struct buf text;
	buf_init(&text, 16 << 20);
	buf_printf(&text, "%s %s HTTP/1.1" N H, request->method, request->path);
	if (request->chunk > 0) {
		buf_append(&text, STR("Transfer-Encoding: chunked" N N));
	} else {
		buf_printf(&text, "Content-Length: %zu" N N, request->bytes);
	}
	for (size_t i = 0; i < request->sent;) {
		size_t left = request->bytes - i;
		size_t part = request->chunk > 0 && request->chunk < left ? request->chunk : left;
		if (request->chunk > 0) {
			buf_printf(&text, "%zx" N, part);
		}
		for (size_t k = 0; k < part && i < request->sent; k++, i++) {
			buf_append_byte(&text, byte_at(i));
		}
		buf_append(&text, request->chunk > 0 && i % request->chunk == 0 ? STR(N) : STR(""));
	}
	if (request->chunk > 0 && request->sent == request->bytes) {
		buf_append(&text, request->bytes % request->chunk > 0 ? STR(N) : STR(""));
		buf_append(&text, STR("0" N N));
	}
	bool sent = client_send(fd, buf_str(&text));
	buf_finish(&text);
	return sent;
}

static bool is_body(struct str text, size_t bytes)
{
	bool same = text.len == bytes;
	for (size_t i = 0; same && i < bytes; i++) {
		same = text.ptr[i] == byte_at(i);
	}
	return same;
}

static bool is_echo(struct str answer, const struct request *request)
{
	char head[100];
	snprintf(head, sizeof(head), "200 %s %s ", request->method, request->path);
	return str_starts_with(answer, str_from(head)) &&
		is_body(str_slice(answer, strlen(head), answer.len), request->bytes);
}

static void expect(int fd, const char *want)
{
	struct buf text;
	buf_init(&text, 1 << 20);
	client_answer(fd, false, &text);
	assert_string_equal(text.ptr, want);
	buf_finish(&text);
}

/* ---- whole bodies ---- */

static const struct {
	int line;
	struct request request;
} echo_rows[] = {
	{__LINE__, {"PUT", "/", MEMORY, MEMORY, 0}},
	{__LINE__, {"PUT", "/", MEMORY, MEMORY, 5000}},
	{__LINE__, {"PUT", "/", MEMORY + 1, MEMORY + 1, 0}},
	{__LINE__, {"PUT", "/", MEMORY + 1, MEMORY + 1, 5000}},
	{__LINE__, {"PUT", "/", MEMORY + 1, MEMORY + 1, MEMORY + 1}},
	{__LINE__, {"PUT", "/", 5 * MEMORY, 5 * MEMORY, 0}},
	{__LINE__, {"PUT", "/", 5 * MEMORY, 5 * MEMORY, 77777}},
	{__LINE__, {"PUT", "/", 5 * MEMORY, 5 * MEMORY, 11}},
	{__LINE__, {"QUERY", "/", 100, 100, 0}},
	{__LINE__, {"QUERY", "/", 100, 100, 7}},
	{__LINE__, {"QUERY", "/", 3 * MEMORY, 3 * MEMORY, 0}},
	{__LINE__, {"QUERY", "/", 3 * MEMORY, 3 * MEMORY, 100000}},
	/* the limit of the path, and that of all */
	{__LINE__, {"PUT", "/small", SMALL, SMALL, 0}},
	{__LINE__, {"PUT", "/small", SMALL, SMALL, 100000}},
	{__LINE__, {"PUT", "/", 8 * MEMORY, 8 * MEMORY, 0}},
	{__LINE__, {"PUT", "/", 8 * MEMORY, 8 * MEMORY, 100000}},
};

/* On one connection, each with the next request right behind it. */
static void test_echo(void **state)
{
	struct bed bed;
	struct buf text;
	(void)state;
	bed_begin(&bed);
	buf_init(&text, 64 << 20);
	size_t before = bed_descriptors();
	int fd = client_connect(&bed);
	for (size_t i = 0; i < sizeof(echo_rows) / sizeof(echo_rows[0]); i++) {
		assert_true(send_request(fd, &echo_rows[i].request));
		client_send(fd, STR("GET /ok HTTP/1.1" N H N));
		buf_clear(&text);
		client_answer(fd, false, &text);
		if (!is_echo(buf_str(&text), &echo_rows[i].request)) {
			fail_msg("line %d: %.*s", echo_rows[i].line, STR_ARG(str_slice(buf_str(&text), 0, 60)));
		}
		expect(fd, "200 ok");
		assert_int_equal(bed_mapped_files(), 0);
	}
	close(fd);
	bed_wait(&bed, 0);
	assert_int_equal(bed_descriptors(), before);
	buf_finish(&text);
	bed_stop(&bed);
}

/* ---- too much ---- */

/* With Content-Length nothing of the body is needed; a chunk is refused by its size. */
static const struct {
	int line;
	struct request request;
} over_rows[] = {
	{__LINE__, {"PUT", "/small", SMALL + 1, 0, 0}},
	{__LINE__, {"PUT", "/", 8 * MEMORY + 1, 0, 0}},
	{__LINE__, {"PUT", "/small", SMALL + 1, SMALL + 1, SMALL}},
	{__LINE__, {"PUT", "/small", SMALL + 1, 1, SMALL + 1}},
	{__LINE__, {"PUT", "/", 8 * MEMORY + 1, 8 * MEMORY + 1, 65536}},
	{__LINE__, {"QUERY", "/small", SMALL + 1, 0, 0}},
};

static void test_over(void **state)
{
	struct bed bed;
	(void)state;
	bed_begin(&bed);
	size_t before = bed_descriptors();
	for (size_t i = 0; i < sizeof(over_rows) / sizeof(over_rows[0]); i++) {
		int fd = client_connect(&bed);
		send_request(fd, &over_rows[i].request);
		expect(fd, "413 close <RL413>");
		expect(fd, "end");
		close(fd);
	}
	bed_wait(&bed, 0);
	assert_int_equal(bed_descriptors(), before);
	bed_stop(&bed);
}

/* ---- lost ---- */

static void cut(int fd, bool reset)
{
	struct linger linger = {.l_onoff = reset, .l_linger = 0};
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(fd);
}

static void test_lost(void **state)
{
	static const size_t chunks[] = {0, 77777};
	struct bed bed;
	(void)state;
	bed_begin(&bed);
	size_t before = bed_descriptors();
	for (size_t i = 0; i < 4; i++) {
		struct request request = {"PUT", "/", 5 * MEMORY, 3 * MEMORY, chunks[i % 2]};
		int fd = client_connect(&bed);
		assert_true(send_request(fd, &request));
		for (size_t k = 0; http_server_stats(bed.server).bytes_in < (i + 1) * 3 * MEMORY; k++) {
			assert_true(k < 1000);
			client_sleep(10);
		}
		/* Its file is there: client, server and file. */
		assert_int_equal(bed_descriptors(), before + 3);
		assert_true(atomic_load(&bed.shared.memory_bytes) <= 4 * HTTP_BODY_PIECE_BYTES);
		cut(fd, i >= 2);
		bed_wait(&bed, 0);
		assert_int_equal(bed_descriptors(), before);
		assert_int_equal(atomic_load(&bed.shared.memory_bytes), 0);
	}
	assert_int_equal(atomic_load(&bed.finished), 0);
	bed_stop(&bed);
}

/* The body outlives the connection until the handler has answered. */
static void test_held(void **state)
{
	static const struct request request = {"PUT", "/held", 3 * MEMORY, 3 * MEMORY, 0};
	struct bed bed;
	struct buf text;
	(void)state;
	bed_begin(&bed);
	buf_init(&text, 64 << 20);
	size_t before = bed_descriptors();
	int stays = client_connect(&bed);
	int goes = client_connect(&bed);
	send_request(stays, &request);
	send_request(goes, &request);
	while (http_server_stats(bed.server).requests < 2) {
		client_sleep(10);
	}
	assert_int_equal(bed_descriptors(), before + 4);
	assert_int_equal(bed_mapped_files(), 2);
	cut(goes, true);
	bed_wait(&bed, 1);
	assert_int_equal(bed_mapped_files(), 2);
	int other = client_connect(&bed);
	client_send(other, STR("GET /release HTTP/1.1" N H N));
	expect(other, "200 released");
	client_answer(stays, false, &text);
	struct str answer = buf_str(&text);
	assert_true(answer.len > request.bytes);
	assert_true(is_body(str_slice(answer, answer.len - request.bytes, answer.len), request.bytes));
	close(stays);
	close(other);
	bed_wait(&bed, 0);
	assert_int_equal(bed_descriptors(), before);
	assert_int_equal(bed_mapped_files(), 0);
	buf_finish(&text);
	bed_stop(&bed);
}

/* ---- no room ---- */

/* The process may write no larger file: as on a full disk, with an answer and nothing left behind.
 * Others are served. */
static void test_full(void **state)
{
	static const size_t chunks[] = {0, 77777};
	struct bed bed;
	struct rlimit old;
	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	bed_begin(&bed);
	size_t before = bed_descriptors();
	int other = client_connect(&bed);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	struct rlimit few = {.rlim_cur = 2 * MEMORY, .rlim_max = old.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &few), 0);
	for (size_t i = 0; i < 2; i++) {
		/* A little more than there is room for: the client still reads its answer. */
		struct request request = {"PUT", "/", 5 * MEMORY, 2 * MEMORY + 200000, chunks[i]};
		int fd = client_connect(&bed);
		send_request(fd, &request);
		expect(fd, "507 close <53100>");
		expect(fd, "end");
		client_send(other, STR("GET /ok HTTP/1.1" N H N));
		expect(other, "200 ok");
		close(fd);
		bed_wait(&bed, 1);
		assert_int_equal(atomic_load(&bed.shared.memory_bytes), 0);
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	close(other);
	bed_wait(&bed, 0);
	assert_int_equal(bed_descriptors(), before);
	bed_stop(&bed);
	signal(SIGXFSZ, SIG_DFL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_echo), cmocka_unit_test(test_over), cmocka_unit_test(test_lost),
		cmocka_unit_test(test_held), cmocka_unit_test(test_full),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
