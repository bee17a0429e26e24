#include "http/secure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

#include "http/server_test_bed.h"
#include "net/tls_test_help.h"

#define N "\r\n"
#define H "Host: h\r\n\r\n"
#define OK "GET /ok HTTP/1.1\r\n" H

struct place {
	struct bed bed;
	struct tls_pair pair;
	struct tls *tls;
};

/* A client that waits for what it asks. */
struct peer {
	int fd;
	SSL *ssl;
	struct buf text; /* what was read and not looked at */
};

static void place_init(struct place *place)
{
	make_pair(&place->pair, "h");
	place->tls = make_tls(&place->pair);
	bed_init(&place->bed);
	place->bed.tls = place->tls;
}

static void place_stop(struct place *place)
{
	bed_stop(&place->bed);
	tls_destroy(place->tls);
	drop_pair(&place->pair);
}

static void dial(struct peer *peer, const struct place *place, void (*configure)(SSL *ssl))
{
	peer->fd = client_connect(&place->bed);
	peer->ssl = make_client(configure);
	SSL_set_fd(peer->ssl, peer->fd);
	buf_init(&peer->text, 1 << 26);
	assert_int_equal(SSL_connect(peer->ssl), 1);
}

static void hang_up(struct peer *peer)
{
	SSL_free(peer->ssl);
	buf_finish(&peer->text);
	close(peer->fd);
	ERR_clear_error();
}

static bool say(struct peer *peer, struct str text)
{
	size_t written;
	ERR_clear_error();
	return text.len == 0 || SSL_write_ex(peer->ssl, text.ptr, text.len, &written) == 1;
}

/* False at the end; *ret_clean: the server has said that it is one. */
static bool hear(struct peer *peer, bool *ret_clean)
{
	char bytes[16384];
	size_t count;
	ERR_clear_error();
	if (SSL_read_ex(peer->ssl, bytes, sizeof(bytes), &count) == 1) {
		buf_append(&peer->text, (struct str){bytes, count});
		return true;
	}
	*ret_clean = SSL_get_error(peer->ssl, 0) == SSL_ERROR_ZERO_RETURN;
	return false;
}

static size_t find_text(struct str text, const char *part)
{
	size_t len = strlen(part);
	for (size_t i = 0; i + len <= text.len; i++) {
		if (memcmp(text.ptr + i, part, len) == 0) {
			return i;
		}
	}
	return SIZE_MAX;
}

/* The status of the next answer, which has a Content-Length, and its body. 0: the end came. */
static int answer(struct peer *peer, struct buf *ret_body)
{
	bool clean;
	size_t end;
	buf_clear(ret_body);
	while ((end = find_text(buf_str(&peer->text), "\r\n\r\n")) == SIZE_MAX) {
		if (!hear(peer, &clean)) {
			return 0;
		}
	}
	size_t at = find_text(buf_str(&peer->text), "Content-Length: ");
	assert_true(at < end);
	size_t length = strtoul(peer->text.ptr + at + strlen("Content-Length: "), NULL, 10);
	int status = (int)strtol(peer->text.ptr + strlen("HTTP/1.1 "), NULL, 10);
	while (peer->text.len < end + 4 + length) {
		assert_true(hear(peer, &clean));
	}
	buf_append(ret_body, str_slice(buf_str(&peer->text), end + 4, end + 4 + length));
	buf_consume(&peer->text, end + 4 + length);
	return status;
}

static void expect(struct peer *peer, int status, const char *body)
{
	struct buf got;
	buf_init(&got, 1 << 20);
	assert_int_equal(answer(peer, &got), status);
	assert_true(str_equal(buf_str(&got), str_from(body)));
	buf_finish(&got);
}

static void expect_end(struct peer *peer, bool clean)
{
	bool said = !clean;
	assert_false(hear(peer, &said));
	assert_int_equal(said, clean);
}

static void only_1_2(SSL *ssl)
{
	SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
}

/* ---- requests ---- */

static void test_requests(void **state)
{
	struct place place;
	(void)state;
	place_init(&place);
	bed_start(&place.bed);
	for (int i = 0; i < 2; i++) {
		struct peer peer;
		dial(&peer, &place, i == 0 ? NULL : only_1_2);
		say(&peer, STR(OK));
		expect(&peer, 200, "ok");
		/* Many in one record, each byte in one of its own, and answers from later. */
		say(&peer, STR(OK OK "GET /later HTTP/1.1" N H OK));
		expect(&peer, 200, "ok");
		expect(&peer, 200, "ok");
		expect(&peer, 200, "later");
		expect(&peer, 200, "ok");
		struct str text = STR("PUT /x HTTP/1.1" N "Content-Length: 5" N H "hello");
		for (size_t k = 0; k < text.len; k++) {
			say(&peer, str_slice(text, k, k + 1));
		}
		expect(&peer, 200, "PUT /x hello");
		hang_up(&peer);
	}
	assert_int_equal(http_server_stats(place.bed.server).handshakes, 2);
	assert_int_equal(http_server_stats(place.bed.server).handshake_failures, 0);
	place_stop(&place);
}

static void test_bodies(void **state)
{
	static const size_t sizes[] = {1, 16383, 16384, 16385, 100000, 900000};
	struct place place;
	struct peer peer;
	struct buf text;
	struct buf got;
	(void)state;
	buf_init(&text, 1 << 24);
	buf_init(&got, 1 << 24);
	place_init(&place);
	bed_start(&place.bed);
	dial(&peer, &place, NULL);
	for (size_t i = 0; i < 2 * sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t size = sizes[i / 2];
		bool chunked = i % 2 == 1;
		buf_clear(&text);
		if (chunked) {
			buf_printf(&text, "PUT / HTTP/1.1" N "Transfer-Encoding: chunked" N H "%zx" N, size);
		} else {
			buf_printf(&text, "PUT / HTTP/1.1" N "Content-Length: %zu" N H, size);
		}
		size_t from = text.len;
		for (size_t k = 0; k < size; k++) {
			buf_append_byte(&text, (char)('a' + k % 23));
		}
		struct str body = str_slice(buf_str(&text), from, from + size);
		buf_append(&text, chunked ? STR(N "0" N N) : STR(""));
		body.ptr = text.ptr + from;
		say(&peer, buf_str(&text));
		assert_int_equal(answer(&peer, &got), 200);
		assert_true(str_equal(str_slice(buf_str(&got), strlen("PUT / "), got.len), body));
	}
	hang_up(&peer);
	place_stop(&place);
	buf_finish(&text);
	buf_finish(&got);
}

/* ---- large answers ---- */

static void test_streams(void **state)
{
	struct place place;
	struct peer peer;
	struct buf got;
	bool clean = false;
	(void)state;
	buf_init(&got, 1 << 24);
	place_init(&place);
	bed_start(&place.bed);
	dial(&peer, &place, NULL);
	say(&peer, STR("GET /binary?3000000 HTTP/1.1" N H));
	assert_int_equal(answer(&peer, &got), 200);
	assert_int_equal(got.len, 3000000);
	/* Ended by the end of the connection, which only the goodbye makes certain. */
	say(&peer, STR("GET /stream?20000 HTTP/1.0" N N));
	while (hear(&peer, &clean)) {
	}
	assert_true(clean);
	assert_int_equal(peer.text.len - find_text(buf_str(&peer.text), "\r\n\r\n") - 4, 20000000);
	hang_up(&peer);
	dial(&peer, &place, NULL);
	say(&peer, STR("GET /abort?2000 HTTP/1.0" N N));
	clean = true;
	while (hear(&peer, &clean)) {
	}
	assert_false(clean);
	hang_up(&peer);
	place_stop(&place);
	buf_finish(&got);
}

/* The writer waits for a reader that does not read, who is cut in the end. */
static void test_stalled_reader(void **state)
{
	struct place place;
	struct peer peer;
	(void)state;
	place_init(&place);
	place.bed.limits.stalled_ms = 1000;
	bed_start(&place.bed);
	dial(&peer, &place, NULL);
	say(&peer, STR("GET /stream?100000 HTTP/1.1" N H));
	bed_wait(&place.bed, 0);
	hang_up(&peer);
	place_stop(&place);
}

/* A reader that takes its time gets all, and the server holds little of it meanwhile. */
static void test_slow_reader(void **state)
{
	struct place place;
	struct peer peer;
	bool clean = false;
	uint64_t most = 0;
	(void)state;
	place_init(&place);
	bed_start(&place.bed);
	dial(&peer, &place, NULL);
	say(&peer, STR("GET /stream?30000 HTTP/1.0" N N));
	for (size_t i = 0; hear(&peer, &clean); i++) {
		uint64_t held = atomic_load(&place.bed.shared.memory_bytes);
		most = held > most ? held : most;
		if (i % 100 == 0) {
			client_sleep(1);
		}
	}
	assert_true(clean);
	assert_true(most < (2 << 20));
	assert_int_equal(peer.text.len - find_text(buf_str(&peer.text), "\r\n\r\n") - 4, 30000000);
	hang_up(&peer);
	place_stop(&place);
}

/* While an answer is owed, a client cannot fill the memory with further requests. */
static void test_back_pressure(void **state)
{
	struct place place;
	struct peer peer;
	struct peer other;
	struct timeval timeout = {.tv_usec = 300000};
	struct buf text;
	size_t sent = 0;
	(void)state;
	buf_init(&text, 8192);
	buf_append(&text, STR("GET /ok HTTP/1.1" N "X: "));
	while (text.len < 4000) {
		buf_append_byte(&text, 'x');
	}
	buf_append(&text, STR(N H));
	place_init(&place);
	bed_start(&place.bed);
	dial(&peer, &place, NULL);
	dial(&other, &place, NULL);
	say(&peer, STR("GET /held?x HTTP/1.1" N H));
	setsockopt(peer.fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	while (sent < 100000 && say(&peer, buf_str(&text))) {
		sent++;
	}
	assert_true(sent > 10 && sent < 100000);
	say(&other, STR("GET /release HTTP/1.1" N H));
	expect(&other, 200, "released");
	expect(&peer, 200, "held x");
	timeout = (struct timeval){.tv_sec = 10};
	setsockopt(peer.fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	for (size_t i = 0; i < sent; i++) {
		expect(&peer, 200, "ok");
	}
	/* The one that got stuck half way goes out whole. */
	assert_true(say(&peer, buf_str(&text)));
	expect(&peer, 200, "ok");
	hang_up(&peer);
	hang_up(&other);
	place_stop(&place);
	buf_finish(&text);
}

/* ---- the end ---- */

static void test_ends(void **state)
{
	struct place place;
	struct peer peer;
	(void)state;
	place_init(&place);
	bed_start(&place.bed);
	/* The server's. */
	dial(&peer, &place, NULL);
	say(&peer, STR("GET /close HTTP/1.1" N H));
	expect(&peer, 200, "ok");
	expect_end(&peer, true);
	hang_up(&peer);
	/* A client that has ended its half still gets its answers. */
	dial(&peer, &place, NULL);
	say(&peer, STR("GET /later HTTP/1.1" N H OK));
	SSL_shutdown(peer.ssl);
	expect(&peer, 200, "later");
	expect(&peer, 200, "ok");
	expect_end(&peer, true);
	hang_up(&peer);
	/* The same without a goodbye. */
	dial(&peer, &place, NULL);
	say(&peer, STR("GET /later HTTP/1.1" N H OK));
	shutdown(peer.fd, SHUT_WR);
	expect(&peer, 200, "later");
	expect(&peer, 200, "ok");
	expect_end(&peer, true);
	hang_up(&peer);
	/* Half a request, and the end. */
	dial(&peer, &place, NULL);
	say(&peer, STR("GET /ok HT"));
	SSL_shutdown(peer.ssl);
	expect_end(&peer, true);
	hang_up(&peer);
	/* A drain tells those that are idle. */
	dial(&peer, &place, NULL);
	say(&peer, STR(OK));
	expect(&peer, 200, "ok");
	bed_drain(&place.bed);
	expect_end(&peer, true);
	hang_up(&peer);
	place_stop(&place);
}

/* A wrong request is answered, and what follows is read and dropped. */
static void test_linger(void **state)
{
	struct place place;
	struct peer peer;
	char bytes[1000];
	(void)state;
	place_init(&place);
	bed_start(&place.bed);
	dial(&peer, &place, NULL);
	say(&peer, STR("PUT / HTTP/1.1" N "Content-Length: 99999999" N H));
	memset(bytes, 'x', sizeof(bytes));
	for (size_t i = 0; i < 200; i++) {
		assert_true(say(&peer, (struct str){bytes, sizeof(bytes)}));
	}
	expect(&peer, 413, "<RL413>");
	expect_end(&peer, true);
	hang_up(&peer);
	place_stop(&place);
}

/* ---- those who speak no TLS ---- */

static void test_deadlines(void **state)
{
	struct place place;
	struct peer peer;
	char byte;
	(void)state;
	place_init(&place);
	place.bed.limits.header_ms = 300;
	place.bed.limits.idle_ms = 300;
	bed_start(&place.bed);
	/* Silence, and half a hello that then stops. */
	struct str begun = STR("\x16\x03\x01\x02");
	for (int i = 0; i < 2; i++) {
		int fd = client_connect(&place.bed);
		client_send(fd, i == 0 ? STR("") : begun);
		assert_int_equal(recv(fd, &byte, 1, 0), 0);
		close(fd);
	}
	/* A handshake and nothing more; one request and nothing more; half a request. */
	dial(&peer, &place, NULL);
	expect_end(&peer, true);
	hang_up(&peer);
	dial(&peer, &place, NULL);
	say(&peer, STR(OK));
	expect(&peer, 200, "ok");
	expect_end(&peer, true);
	hang_up(&peer);
	dial(&peer, &place, NULL);
	say(&peer, STR("GET /ok HT"));
	expect(&peer, 408, "<RL408>");
	expect_end(&peer, true);
	hang_up(&peer);
	place_stop(&place);
}

static void test_plain_http(void **state)
{
	struct place place;
	struct buf text;
	(void)state;
	buf_init(&text, 1 << 20);
	place_init(&place);
	bed_start(&place.bed);
	static const char *const requests[] = {OK, "PATCH /x HTTP/1.1" N H, "DELETE /", "G"};
	for (size_t i = 0; i < 4; i++) {
		client_talk(&place.bed, str_from(requests[i]), false, &text);
		assert_string_equal(text.ptr, "400 close <RL400>|");
	}
	assert_int_equal(http_server_stats(place.bed.server).handshake_failures, 4);
	place_stop(&place);
	buf_finish(&text);
}

/* An alert (RFC 8446, 6.2), and the end. */
static void test_garbage(void **state)
{
	struct place place;
	char bytes[64];
	(void)state;
	place_init(&place);
	bed_start(&place.bed);
	int fd = client_connect(&place.bed);
	memset(bytes, -1, sizeof(bytes)); /* no record is that long */
	memcpy(bytes, "\x16\x03\x01", 3);
	client_send(fd, (struct str){bytes, sizeof(bytes)});
	assert_int_equal(recv(fd, bytes, sizeof(bytes), 0), 7);
	assert_int_equal(bytes[0], 0x15);
	assert_int_equal(recv(fd, bytes, sizeof(bytes), 0), 0);
	close(fd);
	memset(bytes, -1, sizeof(bytes));
	/* And in the middle of a session. */
	struct peer peer;
	dial(&peer, &place, NULL);
	say(&peer, STR(OK));
	expect(&peer, 200, "ok");
	client_send(peer.fd, (struct str){bytes, sizeof(bytes)});
	expect_end(&peer, false);
	hang_up(&peer);
	bed_wait(&place.bed, 0);
	assert_int_equal(http_server_stats(place.bed.server).handshake_failures, 1);
	place_stop(&place);
}

/* Each change of keys asks for one by the server: whoever does not read them is cut. */
static void test_flood_of_keys(void **state)
{
	struct place place;
	struct peer peer;
	(void)state;
	place_init(&place);
	bed_start(&place.bed);
	dial(&peer, &place, NULL);
	bool good = true;
	for (size_t i = 0; good && i < 1000000; i++) {
		ERR_clear_error();
		good = SSL_key_update(peer.ssl, SSL_KEY_UPDATE_REQUESTED) == 1 &&
			SSL_do_handshake(peer.ssl) == 1;
	}
	assert_false(good);
	hang_up(&peer);
	bed_wait(&place.bed, 0);
	place_stop(&place);
}

static void test_connection_limit(void **state)
{
	struct place place;
	struct peer peer;
	char byte;
	(void)state;
	place_init(&place);
	place.bed.limits.connections = 1;
	bed_start(&place.bed);
	dial(&peer, &place, NULL);
	int fd = client_connect(&place.bed);
	assert_int_equal(recv(fd, &byte, 1, 0), 0);
	close(fd);
	say(&peer, STR(OK));
	expect(&peer, 200, "ok");
	hang_up(&peer);
	place_stop(&place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_stalled_reader),
		cmocka_unit_test(test_slow_reader),
		cmocka_unit_test(test_back_pressure),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_linger),
		cmocka_unit_test(test_deadlines),
		cmocka_unit_test(test_plain_http),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_flood_of_keys),
		cmocka_unit_test(test_connection_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
