#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/http_priv.h"
#include "http/server_test_bed.h"
#include "rowlock_config.h"

#if HAVE_ZLIB
#define VARY " vary"
#define ENCODING "Accept-Encoding,"
#else
#define VARY ""
#define ENCODING ""
#endif
#define N "\r\n"
#define H "Host: h\r\n\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n"
#define PUT(path) "PUT " path " HTTP/1.1\r\nHost: h\r\n"
#define REPEAT10(x) x x x x x x x x x x

struct row {
	int line;
	struct str input;
	const char *want; /* see client_talk() */
	bool head;
};
#define ROW(input, want)                                                                           \
	{                                                                                              \
		__LINE__, STR_INIT(input), want, false                                                     \
	}
#define HEAD_ROW(input, want)                                                                      \
	{                                                                                              \
		__LINE__, STR_INIT(input), want, true                                                      \
	}

static const struct row rows[] = {
	/* one after the other, answered in order */
	ROW(GET("/ok") H, "200 ok|"),
	ROW(GET("/ok") H GET("/ok") H, "200 ok|200 ok|"),
	ROW(N GET("/ok") H N GET("/ok") H, "200 ok|200 ok|"),
	ROW(GET("/later") H GET("/ok") H, "200 later|200 ok|"),
	ROW(GET("/ok") H GET("/later") H GET("/later") H GET("/ok") H,
		"200 ok|200 later|200 later|200 ok|"),
	ROW(GET("/echo?a=b") H GET("/echo/x") H, "200 GET /echoa=b |200 GET /echo/x |"),
	ROW(REPEAT10(GET("/ok") H), REPEAT10("200 ok|")),
	/* bodies */
	ROW(PUT("/") "Content-Length: 5" N N "hello" GET("/ok") H, "200 PUT / hello|200 ok|"),
	ROW(PUT("/") "Content-Length: 0" N N GET("/ok") H, "200 PUT / |200 ok|"),
	ROW(GET("/") "Content-Length: 2" N H "ab", "200 GET / ab|"),
	ROW(PUT("/") "Transfer-Encoding: chunked" N N "3" N "abc" N "2" N "de" N "0" N N GET("/ok") H,
		"200 PUT / abcde|200 ok|"),
	ROW(PUT("/") "Transfer-Encoding: chunked" N N "0" N "A: b" N N GET("/ok") H,
		"200 PUT / |200 ok|"),
	ROW(PUT("/") "Content-Length: 5" N N "hell", ""),
	ROW(PUT("/") "Transfer-Encoding: chunked" N N "3" N "abc" N, ""),
	ROW("QUERY /q?a HTTP/1.1" N "Content-Length: 5" N H "hello" GET("/ok") H,
		"200 QUERY /qa hello|200 ok|"),
	ROW("QUERY /q HTTP/1.1" N "Transfer-Encoding: chunked" N H "2" N "ab" N "0" N N,
		"200 QUERY /q ab|"),
	ROW("QUERY /q HTTP/1.1" N H, "200 QUERY /q |"),
	/* persistence */
	ROW(GET("/ok") "Connection: close" N H, "200 close ok|"),
	ROW(GET("/ok") "Connection: close" N H GET("/ok") H, "200 close ok|"),
	ROW(GET("/close") H, "200 close ok|"),
	ROW("GET /ok HTTP/1.0" N N, "200 close ok|"),
	ROW("GET /ok HTTP/1.0" N "Connection: keep-alive" N N "GET /ok HTTP/1.0" N N,
		"200 keep-alive ok|200 close ok|"),
	ROW("", ""),
	ROW(N, ""),
	ROW(GET("/ok"), ""),
	/* answers without bodies */
	ROW(GET("/none?204") H GET("/ok") H, "204|200 ok|"),
	ROW(GET("/none?304") H GET("/ok") H, "304|200 ok|"),
	ROW(GET("/none?201") H GET("/ok") H, "201|200 ok|"),
	HEAD_ROW("HEAD /ok HTTP/1.1" N H "HEAD /json?5 HTTP/1.1" N H, "200 length=2|200 length=5|"),
	HEAD_ROW("HEAD /json?5000 HTTP/1.1" N H, "200" VARY " length=5000|"),
	HEAD_ROW("HEAD /vary?1023 HTTP/1.1" N H, "200 vary=Accept, Range length=1023|"),
	HEAD_ROW("HEAD /vary?1024 HTTP/1.1" N H, "200 vary=" ENCODING "Accept, Range length=1024|"),
	HEAD_ROW("HEAD /encoding?1024 HTTP/1.1" N H,
			 "200 vary=Accept, Range, Accept-Encoding length=1024|"),
	HEAD_ROW("HEAD /stream?5 HTTP/1.1" N H "HEAD /ok HTTP/1.1" N H,
			 "200" VARY " chunked length=|200 length=2|"),
	/* what http answers itself */
	ROW("GET / HTTP/1.1" N N, "400 close <RL400>|"),
	ROW(GET("/ok") H "x", "200 ok|"),
	ROW(GET("/ok") H "x\n" GET("/ok") H, "200 ok|400 close <RL400>|"),
	ROW(GET("/ok") H "@" GET("/ok") H, "200 ok|400 close <RL400>|"),
	ROW(GET("/later") H "@" GET("/ok") H, "200 later|400 close <RL400>|"),
	ROW("FOO / HTTP/1.1" N H, "501 close <RL501>|"),
	ROW("GET / HTTP/2.0" N H, "505 close <RL505>|"),
	ROW(PUT("/") "Transfer-Encoding: gzip" N N, "501 close <RL501>|"),
	ROW(PUT("/") "Content-Length: 1" N "Transfer-Encoding: chunked" N N "0" N N,
		"400 close <RL400>|"),
	ROW(PUT("/") "Transfer-Encoding: chunked" N N "x", "400 close <RL400>|"),
	ROW(PUT("/") "Transfer-Encoding: chunked" N N "2" N "abc", "400 close <RL400>|"),
	ROW(PUT("/") "Expect: x" N N, "417 close <RL417>|"),
	/* the limit of the body: 10 bytes below /small */
	ROW(PUT("/small") "Content-Length: 10" N N "0123456789", "200 PUT /small 0123456789|"),
	ROW(PUT("/small") "Content-Length: 11" N N "0123456789a", "413 close <RL413>|"),
	ROW(PUT("/small") "Content-Length: 18446744073709551615" N N, "413 close <RL413>|"),
	ROW(PUT("/small") "Transfer-Encoding: chunked" N N "9" N "012345678" N "1" N "9" N "0" N N,
		"200 PUT /small 0123456789|"),
	ROW(PUT("/small") "Transfer-Encoding: chunked" N N "9" N "012345678" N "2" N "9a" N "0" N N,
		"413 close <RL413>|"),
	/* expectations */
	ROW(PUT("/small") "Content-Length: 11" N "Expect: 100-continue" N N, "413 close <RL413>|"),
	ROW(PUT("/") "Content-Length: 2" N "Expect: 100-continue" N N "ab", "200 PUT / ab|"),
	ROW(PUT("/") "Content-Length: 0" N "Expect: 100-continue" N N, "200 PUT / |"),
	/* streams */
	ROW("GET /stream?0 HTTP/1.1" N H GET("/ok") H, "200" VARY " chunked|200 ok|"),
	ROW("GET /abort?3 HTTP/1.1" N H GET("/ok") H, "reset|"),
};

static void check_talk(const struct bed *bed, const struct row *row)
{
	struct buf text;
	buf_init(&text, 1 << 20);
	client_talk(bed, row->input, row->head, &text);
	if (strcmp(text.ptr, row->want) != 0 &&
		!(strcmp(row->want, "reset|") == 0 && strcmp(text.ptr, "reset") == 0)) {
		fail_msg("line %d: got \"%s\", want \"%s\"", row->line, text.ptr, row->want);
	}
	buf_finish(&text);
}

static void test_rows(void **state)
{
	struct bed bed;
	(void)state;
	bed_init(&bed);
	bed.body_limit = 10;
	bed_start(&bed);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		check_talk(&bed, &rows[i]);
	}
	bed_stop(&bed);
}

/* The same, when the bytes arrive one by one. */
static void test_bytes_one_by_one(void **state)
{
	static const struct str input = STR_INIT(GET("/later") H PUT(
		"/") "Content-Length: 5" N N "hello" PUT("/x") "Transfer-Encoding: chunked" N N "3" N
													   "abc" N "2" N "de" N "0" N N GET("/ok") H
											 "GET /stream?1 HTTP/1.1" N H "@");
	static const char *const want[] = {"200 later", "200 PUT / hello",         "200 PUT /x abcde",
									   "200 ok",    "200" VARY " chunked abc", "400 close <RL400>",
									   "end"};
	struct bed bed;
	struct buf text;
	(void)state;
	bed_init(&bed);
	bed_start(&bed);
	int fd = client_connect(&bed);
	for (size_t i = 0; i < input.len; i++) {
		assert_true(client_send(fd, str_slice(input, i, i + 1)));
		if (i % 16 == 0) {
			client_sleep(1);
		}
	}
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		buf_init(&text, 1 << 20);
		client_answer(fd, false, &text);
		if (strncmp(text.ptr, want[i], strlen(want[i])) != 0) {
			fail_msg("answer %zu: got \"%s\"", i, text.ptr);
		}
		buf_finish(&text);
	}
	close(fd);
	bed_stop(&bed);
}

/* ---- large things ---- */

static bool is_pattern(struct str text, size_t count)
{
	if (text.len != count) {
		return false;
	}
	for (size_t i = 0; i < count; i++) {
		if (text.ptr[i] != (char)('a' + i % 23)) {
			return false;
		}
	}
	return true;
}

/* Sends the request, waits, and reads an answer whose body has `count` bytes of the pattern. */
static void check_large(const struct bed *bed, const char *request, const char *want, size_t count,
						unsigned wait_ms)
{
	struct buf text;
	int fd = client_connect(bed);
	buf_init(&text, 64 << 20);
	for (size_t i = 0; i < 2; i++) {
		buf_clear(&text);
		assert_true(client_send(fd, str_from(request)));
		client_sleep(wait_ms);
		client_answer(fd, false, &text);
		struct str answer = buf_str(&text);
		struct str head = str_from(want);
		if (!str_starts_with(answer, head) ||
			!is_pattern(str_slice(answer, head.len, answer.len), count)) {
			fail_msg("%s: got %.*s... of %zu bytes", request, STR_ARG(str_slice(answer, 0, 40)),
					 answer.len);
		}
	}
	close(fd);
	buf_finish(&text);
}

static void test_large_answers(void **state)
{
	struct bed bed;
	(void)state;
	bed_init(&bed);
	bed_start(&bed);
	check_large(&bed, GET("/binary?16383") H, "200 ", 16383, 0);
	check_large(&bed, GET("/binary?16384") H, "200 ", 16384, 0);
	check_large(&bed, GET("/binary?70000") H, "200 ", 70000, 0);
	/* More than the kernel holds: the rest waits for the reader. */
	check_large(&bed, GET("/binary?20000000") H, "200 ", 20000000, 100);
	check_large(&bed, GET("/json?1023") H, "200 ", 1023, 0);
	check_large(&bed, GET("/json?1024") H, "200" VARY " ", 1024, 0);
#if HAVE_ZLIB
	check_large(&bed, GET("/json?1024") "Accept-Encoding: gzip" N H, "200 vary gzip ", 1024, 0);
	check_large(&bed, GET("/json?3000000") "Accept-Encoding: gzip" N H, "200 vary gzip ", 3000000,
				0);
	check_large(&bed, GET("/tag?1024") "Accept-Encoding: gzip" N H, "200 vary gzip etag=\"v1-gz\" ",
				1024, 0);
#endif
	check_large(&bed, GET("/json?1023") "Accept-Encoding: gzip" N H, "200 ", 1023, 0);
	check_large(&bed, GET("/binary?5000") "Accept-Encoding: gzip" N H, "200 ", 5000, 0);
	check_large(&bed, GET("/tag?1024") H, "200" VARY " etag=\"v1\" ", 1024, 0);
	bed_stop(&bed);
}

/* Many pipelined requests for large answers, read only later: input waits for output. */
static void test_pipelined_large_answers(void **state)
{
	enum { COUNT = 100 };
	struct bed bed;
	struct buf text;
	(void)state;
	bed_init(&bed);
	bed_start(&bed);
	int fd = client_connect(&bed);
	for (size_t i = 0; i < COUNT; i++) {
		assert_true(client_send(fd, STR(GET("/binary?500000") H)));
		if (i == 50) {
			client_sleep(100);
		}
	}
	for (size_t i = 0; i < COUNT; i++) {
		buf_init(&text, 1 << 20);
		client_answer(fd, false, &text);
		assert_true(is_pattern(str_slice(buf_str(&text), 4, text.len), 500000));
		buf_finish(&text);
	}
	close(fd);
	bed_stop(&bed);
}

static void check_echo(const struct bed *bed, size_t count, bool chunked)
{
	struct buf input;
	struct buf text;
	buf_init(&input, 64 << 20);
	buf_init(&text, 64 << 20);
	buf_append(&input,
			   STR("PUT /"
				   " HTTP/1.1" N "Host: h" N));
	if (chunked) {
		buf_append(&input, STR("Transfer-Encoding: chunked" N N));
	} else {
		buf_printf(&input, "Content-Length: %zu" N N, count);
	}
	for (size_t i = 0; i < count;) {
		size_t part = chunked ? 1 + i % 5000 : count;
		part = part < count - i ? part : count - i;
		if (chunked) {
			buf_printf(&input, "%zx" N, part);
		}
		for (size_t k = 0; k < part; k++, i++) {
			buf_append_byte(&input, (char)('a' + i % 23));
		}
		buf_append(&input, chunked ? STR(N) : STR(""));
	}
	buf_append(&input, chunked ? STR("0" N N) : STR(""));
	buf_append(&input, STR(GET("/ok") H));
	int fd = client_connect(bed);
	assert_true(client_send(fd, buf_str(&input)));
	client_answer(fd, false, &text);
	struct str head = STR("200 PUT / ");
	assert_true(str_starts_with(buf_str(&text), head));
	assert_true(is_pattern(str_slice(buf_str(&text), head.len, text.len), count));
	buf_clear(&text);
	client_answer(fd, false, &text);
	assert_string_equal(text.ptr, "200 ok");
	close(fd);
	buf_finish(&input);
	buf_finish(&text);
}

static void test_large_bodies(void **state)
{
	static const size_t counts[] = {1, 8000, 8192, 8300, 65535, 65536, 65537, 200000, 1048576};
	struct bed bed;
	(void)state;
	bed_init(&bed);
	bed_start(&bed);
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		check_echo(&bed, counts[i], false);
		check_echo(&bed, counts[i], true);
	}
	bed_stop(&bed);
}

/* A head larger than a block, in front of a chunked body, and the same once more. */
static void test_large_head(void **state)
{
	struct bed bed;
	struct buf input;
	struct buf text;
	(void)state;
	bed_init(&bed);
	bed_start(&bed);
	buf_init(&input, 1 << 20);
	buf_init(&text, 1 << 20);
	for (size_t round = 0; round < 3; round++) {
		buf_append(&input, STR(PUT("/head?q") "Transfer-Encoding: chunked" N));
		for (size_t i = 0; i < 30; i++) {
			buf_printf(&input, "Field-%zu: %01000zu" N, i, i);
		}
		buf_append(&input, STR(N "5" N "hello" N "0" N N));
	}
	client_talk(&bed, buf_str(&input), false, &text);
	assert_string_equal(text.ptr,
						"200 PUT /headq hello|200 PUT /headq hello|200 PUT /headq hello|");
	buf_finish(&input);
	buf_finish(&text);
	bed_stop(&bed);
}

/* ---- answers that come later ---- */

static void expect(int fd, const char *want)
{
	struct buf text;
	buf_init(&text, 1 << 20);
	client_answer(fd, false, &text);
	assert_string_equal(text.ptr, want);
	buf_finish(&text);
}

static void test_continue(void **state)
{
	struct bed bed;
	(void)state;
	bed_init(&bed);
	bed_start(&bed);
	int fd = client_connect(&bed);
	client_send(fd, STR(PUT("/") "Content-Length: 2" N "Expect: 100-continue" N N));
	expect(fd, "100");
	client_send(fd, STR("ab"));
	expect(fd, "200 PUT / ab");
	client_send(fd, STR(PUT("/") "Transfer-Encoding: chunked" N "Expect: 100-continue" N N));
	expect(fd, "100");
	client_send(fd, STR("1" N "x" N "0" N N));
	expect(fd, "200 PUT / x");
	close(fd);
	bed_stop(&bed);
}

/* The request of a held exchange stays readable while more of its connection, and other
 * connections, are read. */
static void test_held(void **state)
{
	struct bed bed;
	int fds[3];
	(void)state;
	bed_init(&bed);
	bed_start(&bed);
	for (size_t i = 0; i < 3; i++) {
		fds[i] = client_connect(&bed);
		client_send(fds[i],
					STR("PUT /held?query- HTTP/1.1" N "Content-Length: 4" N H "body" GET("/ok") H));
		client_sleep(10);
		client_send(fds[i], STR(GET("/later") H));
	}
	int other = client_connect(&bed);
	for (size_t i = 0; i < 20; i++) {
		client_send(other, STR(GET("/echo?0123456789012345678901234567890123456789") H));
		expect(other, "200 GET /echo0123456789012345678901234567890123456789 ");
	}
	client_send(other, STR(GET("/release") H));
	expect(other, "200 released");
	for (size_t i = 0; i < 3; i++) {
		expect(fds[i], "200 held query-body");
		expect(fds[i], "200 ok");
		expect(fds[i], "200 later");
		close(fds[i]);
	}
	close(other);
	bed_stop(&bed);
}

/* So many answers of one turn wait for its end; one more, and they leave before it. The last client
 * has ended its side meanwhile. */
static void test_answers_of_one_turn(void **state)
{
	(void)state;
	for (size_t count = HTTP_LATE_MOST; count <= HTTP_LATE_MOST + 1; count++) {
		struct bed bed;
		int fds[BED_HELD];
		bed_init(&bed);
		bed_start(&bed);
		for (size_t i = 0; i < count; i++) {
			fds[i] = client_connect(&bed);
			client_send(fds[i], STR(GET("/held?x") H));
		}
		shutdown(fds[count - 1], SHUT_WR);
		client_sleep(20);
		int other = client_connect(&bed);
		client_send(other, STR(GET("/release") H));
		expect(other, "200 released");
		for (size_t i = 0; i < count; i++) {
			expect(fds[i], "200 held x");
			close(fds[i]);
		}
		close(other);
		bed_stop(&bed);
	}
}

/* A client that sends without end while its request is held is not read without end. */
static void test_flood_while_held(void **state)
{
	struct bed bed;
	(void)state;
	bed_init(&bed);
	bed_start(&bed);
	int fd = client_connect(&bed);
	client_send(fd, STR(GET("/held?x") H));
	for (size_t i = 0; i < 1000; i++) {
		client_send(fd, STR(GET("/ok") H));
	}
	client_sleep(50);
	assert_true(http_server_stats(bed.server).bytes_in <= 16384);
	int other = client_connect(&bed);
	client_send(other, STR(GET("/release") H));
	expect(other, "200 released");
	expect(fd, "200 held x");
	for (size_t i = 0; i < 1000; i++) {
		expect(fd, "200 ok");
	}
	close(fd);
	close(other);
	bed_stop(&bed);
}

static void close_with_reset(int fd)
{
	struct linger linger = {.l_onoff = 1, .l_linger = 0};
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(fd);
}

static void test_client_goes(void **state)
{
	struct bed bed;
	(void)state;
	bed_init(&bed);
	bed_start(&bed);
	int fd = client_connect(&bed);
	client_send(fd, STR(GET("/held") H));
	client_sleep(50);
	int other = client_connect(&bed);
	client_send(other, STR(GET("/gone") H));
	expect(other, "200 there");
	close_with_reset(fd);
	bed_wait(&bed, 1);
	client_send(other, STR(GET("/gone") H));
	expect(other, "200 gone");
	unsigned before = atomic_load(&bed.finished);
	client_send(other, STR(GET("/release") H));
	expect(other, "200 released");
	/* The held one was answered too, for the log: with nothing sent. */
	assert_int_equal(atomic_load(&bed.finished), before + 2);
	/* Gone in the middle of a head, a body, and a large answer. */
	static const struct str parts[] = {
		STR_INIT("GET / HT"),
		STR_INIT(PUT("/") "Content-Length: 10" N N "hello"),
		STR_INIT(PUT("/") "Transfer-Encoding: chunked" N N "10" N "hello"),
		STR_INIT(GET("/binary?10000000") H),
		STR_INIT(GET("/stream?10000") H),
	};
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		fd = client_connect(&bed);
		client_send(fd, parts[i]);
		client_sleep(20);
		close_with_reset(fd);
		fd = client_connect(&bed);
		client_send(fd, parts[i]);
		client_sleep(20);
		close(fd);
	}
	bed_wait(&bed, 1);
	close(other);
	bed_stop(&bed);
}

/* ---- streams ---- */

/* `count` parts of the stream: part k begins at letter k. */
static bool is_stream(struct str text, size_t count)
{
	if (text.len != count * 1000) {
		return false;
	}
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] != (char)('a' + (i / 1000 + i % 1000) % 23)) {
			return false;
		}
	}
	return true;
}

static void check_stream(const struct bed *bed, const char *request, const char *want, size_t count)
{
	struct buf text;
	buf_init(&text, 64 << 20);
	int fd = client_connect(bed);
	client_send(fd, str_from(request));
	client_sleep(50);
	client_answer(fd, false, &text);
	struct str head = str_from(want);
	if (!str_starts_with(buf_str(&text), head) ||
		!is_stream(str_slice(buf_str(&text), head.len, text.len), count)) {
		fail_msg("%s: got %.*s... of %zu bytes", request, STR_ARG(str_slice(buf_str(&text), 0, 40)),
				 text.len);
	}
	if (strstr(want, "close") == NULL) {
		client_send(fd, STR(GET("/ok") H));
		expect(fd, "200 ok");
	} else {
		expect(fd, "end");
	}
	close(fd);
	buf_finish(&text);
}

static void test_streams(void **state)
{
	struct bed bed;
	(void)state;
	bed_init(&bed);
	bed_start(&bed);
	check_stream(&bed, GET("/stream?1") H, "200" VARY " chunked ", 1);
	check_stream(&bed, GET("/stream?20") H, "200" VARY " chunked ", 20);
	check_stream(&bed, GET("/stream?20000") H, "200" VARY " chunked ", 20000);
	check_stream(&bed, GET("/stream?20") "Connection: close" N H, "200 close" VARY " chunked ", 20);
	check_stream(&bed, "GET /stream?2000 HTTP/1.0" N N, "200 close" VARY " ", 2000);
	check_stream(&bed, "GET /stream?2 HTTP/1.0" N "Connection: keep-alive" N N,
				 "200 close" VARY " ", 2);
#if HAVE_ZLIB
	check_stream(&bed, GET("/stream?1") "Accept-Encoding: gzip" N H, "200 vary gzip chunked ", 1);
	check_stream(&bed, GET("/stream?20000") "Accept-Encoding: gzip" N H, "200 vary gzip chunked ",
				 20000);
#endif
	bed_stop(&bed);
}

static void test_stream_waits_for_its_reader(void **state)
{
	struct bed bed;
	(void)state;
	bed_init(&bed);
	bed_start(&bed);
	int small = 4096;
	int fd = client_connect(&bed);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	client_send(fd, STR(GET("/stream?100000") H));
	client_sleep(200);
	/* 100 MB are asked for; what is not taken is not made. */
	uint64_t out = http_server_stats(bed.server).bytes_out;
	assert_true(out < 16000000);
	assert_true(atomic_load(&bed.shared.memory_bytes) < 2000000);
	assert_int_equal(atomic_load(&bed.finished), 0);
	close_with_reset(fd);
	bed_wait(&bed, 0);
	assert_int_equal(atomic_load(&bed.finished), 1);
	assert_int_equal(atomic_load(&bed.last_status), 200);
	assert_true(atomic_load(&bed.most_queued) < 20000);
	bed_stop(&bed);
}

static void test_stream_aborts(void **state)
{
	struct bed bed;
	struct buf text;
	(void)state;
	bed_init(&bed);
	bed_start(&bed);
	buf_init(&text, 1 << 20);
	int fd = client_connect(&bed);
	client_send(fd, STR(GET("/abort?100") H));
	client_answer(fd, false, &text);
	/* Whether some of it arrived or not: never a whole answer. */
	assert_true(strstr(text.ptr, "cut") != NULL || strcmp(text.ptr, "reset") == 0);
	close(fd);
	buf_finish(&text);
	bed_stop(&bed);
}

/* ---- ends ---- */

static void test_drain(void **state)
{
	struct bed bed;
	(void)state;
	bed_init(&bed);
	bed_start(&bed);
	int idle = client_connect(&bed);
	client_send(idle, STR(GET("/ok") H));
	expect(idle, "200 ok");
	int fresh = client_connect(&bed);
	int held = client_connect(&bed);
	client_send(held, STR(GET("/held?x") H));
	int other = client_connect(&bed);
	client_send(other, STR("GET /re"));
	client_sleep(50);
	bed_drain(&bed);
	expect(idle, "end");
	expect(fresh, "end");
	assert_false(atomic_load(&bed.drained));
	/* What has begun is finished, and told that it is the last. */
	client_send(other, STR("lease HTTP/1.1" N H));
	expect(other, "200 close released");
	expect(other, "end");
	expect(held, "200 close held x");
	expect(held, "end");
	close(idle);
	close(fresh);
	close(held);
	close(other);
	bed_stop(&bed);
	assert_true(atomic_load(&bed.drained));
}

static void test_drain_cuts(void **state)
{
	struct bed bed;
	(void)state;
	bed_init(&bed);
	bed.limits.drain_ms = 100;
	bed_start(&bed);
	int fd = client_connect(&bed);
	client_send(fd, STR(GET("/stream?100000") H));
	int half = client_connect(&bed);
	client_send(half, STR("GET / HT"));
	client_sleep(50);
	bed_stop(&bed);
	expect(half, "reset");
	close(fd);
	close(half);
}

static void test_stats(void **state)
{
	struct bed bed;
	struct buf text;
	(void)state;
	bed_init(&bed);
	bed_start(&bed);
	buf_init(&text, 65536);
	struct str input = STR(GET("/ok") H GET("/ok") H "@");
	client_talk(&bed, input, false, &text);
	bed_wait(&bed, 0);
	struct http_stats stats = http_server_stats(bed.server);
	assert_int_equal(stats.connections, 0);
	assert_int_equal(stats.accepted, 1);
	assert_int_equal(stats.refused, 0);
	assert_int_equal(stats.requests, 2);
	assert_int_equal(stats.bad_requests, 1);
	assert_int_equal(stats.bytes_in, input.len);
	assert_true(stats.bytes_out > 300);
	assert_int_equal(atomic_load(&bed.finished), 3);
	assert_int_equal(atomic_load(&bed.last_status), 400);
	assert_int_equal(atomic_load(&bed.last_bytes), 7);
	buf_finish(&text);
	bed_stop(&bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_bytes_one_by_one),
		cmocka_unit_test(test_large_answers),
		cmocka_unit_test(test_pipelined_large_answers),
		cmocka_unit_test(test_large_bodies),
		cmocka_unit_test(test_large_head),
		cmocka_unit_test(test_continue),
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_answers_of_one_turn),
		cmocka_unit_test(test_flood_while_held),
		cmocka_unit_test(test_client_goes),
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_stream_waits_for_its_reader),
		cmocka_unit_test(test_stream_aborts),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_drain_cuts),
		cmocka_unit_test(test_stats),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
