#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/response.h"
#include "http/server_test_bed.h"
#include "rowlock_config.h"

#if HAVE_ZLIB
#include <zlib.h>
#endif

/* Bytes come one recv() at a time: what a test waits for is small, or it waits anyway. */

enum { BODY_MAX = 64 << 20 };

int client_connect(const struct bed *bed)
{
	int on = 1;
	struct timeval timeout = {.tv_sec = 10};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	const struct sockaddr *to = (const struct sockaddr *)&bed->address.sockaddr;
	assert_int_equal(connect(fd, to, address_bytes(&bed->address)), 0);
	return fd;
}

bool client_send(int fd, struct str text)
{
	while (text.len > 0) {
		ssize_t sent = send(fd, text.ptr, text.len, MSG_NOSIGNAL);
		if (sent < 0) {
			return false;
		}
		text = str_slice(text, (size_t)sent, text.len);
	}
	return true;
}

void client_sleep(unsigned ms)
{
	usleep(ms * 1000);
}

/* Appends up to `count` bytes; false at the end, or after an error (errno, else 0). */
static bool receive(int fd, size_t count, struct buf *to)
{
	while (count > 0) {
		char bytes[65536];
		errno = 0;
		ssize_t got = recv(fd, bytes, count < sizeof(bytes) ? count : sizeof(bytes), 0);
		if (got <= 0) {
			return false;
		}
		buf_append(to, (struct str){bytes, (size_t)got});
		count -= (size_t)got;
	}
	return true;
}

/* Appends bytes up to the end of a line, or of a head. */
static bool receive_until(int fd, struct str end, struct buf *to)
{
	while (!str_ends_with(buf_str(to), end)) {
		if (!receive(fd, 1, to)) {
			return false;
		}
	}
	return true;
}

/* The value of a field in the head, "" when there is none. */
static struct str field(struct str head, const char *name)
{
	struct str want = str_from(name);
	while (head.len > 0) {
		struct str line = str_split(&head, '\n');
		struct str key = str_split(&line, ':');
		if (str_equal_nocase(key, want)) {
			return (struct str){str_trim(line).ptr, str_trim(line).len - 1};
		}
	}
	return (struct str){NULL, 0};
}

static bool receive_chunks(int fd, struct buf *body)
{
	struct buf line;
	buf_init(&line, 64);
	bool ok = true;
	size_t size = 1;
	while (ok && size > 0) {
		buf_clear(&line);
		ok = receive_until(fd, STR("\r\n"), &line);
		if (ok) {
			size = strtoul(line.ptr, NULL, 16);
			ok = receive(fd, size, body);
		}
		buf_clear(&line);
		ok = ok && receive(fd, 2, &line) && str_equal(buf_str(&line), STR("\r\n"));
	}
	buf_finish(&line);
	return ok;
}

#if HAVE_ZLIB
static void unpack(struct buf *body)
{
	struct buf plain;
	buf_init(&plain, BODY_MAX);
	z_stream stream = {.next_in = (Bytef *)body->ptr, .avail_in = (uInt)body->len};
	assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
	int status = Z_OK;
	while (status == Z_OK) {
		stream.next_out = (Bytef *)buf_reserve(&plain, 65536);
		assert_non_null(stream.next_out);
		stream.avail_out = 65536;
		status = inflate(&stream, Z_NO_FLUSH);
		buf_added(&plain, 65536 - stream.avail_out);
	}
	assert_int_equal(status, Z_STREAM_END);
	inflateEnd(&stream);
	buf_finish(body);
	*body = plain;
}
#endif

static bool receive_body(int fd, struct str head, struct buf *body)
{
	struct str length = field(head, "Content-Length");
	if (str_equal(field(head, "Transfer-Encoding"), STR("chunked"))) {
		return receive_chunks(fd, body);
	}
	if (length.ptr != NULL) {
		return receive(fd, strtoul(length.ptr, NULL, 10), body);
	}
	bool none = str_starts_with(head, STR("HTTP/1.1 204")) ||
		str_starts_with(head, STR("HTTP/1.1 304")) || str_starts_with(head, STR("HTTP/1.1 1"));
	while (!none && receive(fd, 1, body)) {
	}
	return none || errno == 0;
}

/* All that an answer varies by; what http adds itself has a word of its own. */
static void describe_vary(struct str head, struct buf *text)
{
	struct buf members;
	buf_init(&members, 65536);
	while (head.len > 0) {
		struct str line = str_split(&head, '\n');
		if (str_equal_nocase(str_split(&line, ':'), STR("Vary"))) {
			buf_append(&members, members.len > 0 ? STR(",") : STR(""));
			buf_append(&members, str_slice(str_trim(line), 0, str_trim(line).len - 1));
		}
	}
	if (str_equal(buf_str(&members), STR("Accept-Encoding"))) {
		buf_append(text, STR(" vary"));
	} else if (members.len > 0) {
		buf_printf(text, " vary=%.*s", STR_ARG(buf_str(&members)));
	}
	buf_finish(&members);
}

static void describe_fields(struct str head, struct buf *text)
{
	if (field(head, "Connection").len > 0) {
		buf_printf(text, " %.*s", STR_ARG(field(head, "Connection")));
	}
	describe_vary(head, text);
	buf_append(text, field(head, "Content-Encoding").len > 0 ? STR(" gzip") : STR(""));
	buf_append(text, field(head, "Retry-After").len > 0 ? STR(" retry") : STR(""));
	buf_append(text, field(head, "Transfer-Encoding").len > 0 ? STR(" chunked") : STR(""));
	if (field(head, "ETag").len > 0) {
		buf_printf(text, " etag=%.*s", STR_ARG(field(head, "ETag")));
	}
}

void client_answer(int fd, bool head_only, struct buf *ret_text)
{
	struct buf head;
	struct buf body;
	buf_init(&head, 65536);
	buf_init(&body, BODY_MAX);
	if (!receive_until(fd, STR("\r\n\r\n"), &head)) {
		bool late = errno == EAGAIN;
		buf_append(ret_text, late ? STR("silence") : errno == 0 ? STR("end") : STR("reset"));
		buf_append(ret_text, head.len > 0 ? STR(" cut") : STR(""));
	} else {
		struct str all = buf_str(&head);
		buf_append(ret_text, str_slice(all, 9, 12));
		describe_fields(all, ret_text);
		if (head_only) {
			buf_printf(ret_text, " length=%.*s", STR_ARG(field(all, "Content-Length")));
		} else {
			bool whole = receive_body(fd, all, &body);
			buf_append(ret_text, whole ? STR("") : STR(" cut"));
#if HAVE_ZLIB
			if (field(all, "Content-Encoding").len > 0) {
				unpack(&body);
			}
#endif
			buf_append(ret_text, body.len > 0 ? STR(" ") : STR(""));
			buf_append(ret_text, buf_str(&body));
		}
		if (!str_starts_with(all, STR("HTTP/1.1 100"))) {
			assert_true(str_equal(field(all, "Server"), STR("rowlock")));
			assert_int_equal(field(all, "Date").len, 29);
		}
	}
	buf_append_byte(ret_text, '\0');
	ret_text->len--;
	buf_finish(&head);
	buf_finish(&body);
}

void client_talk(const struct bed *bed, struct str input, bool head, struct buf *ret_text)
{
	int fd = client_connect(bed);
	buf_clear(ret_text);
	client_send(fd, input);
	shutdown(fd, SHUT_WR);
	for (;;) {
		size_t before = ret_text->len;
		client_answer(fd, head, ret_text);
		struct str answer = str_slice(buf_str(ret_text), before, ret_text->len);
		if (str_equal(answer, STR("end"))) {
			ret_text->len = before;
			break;
		}
		if (str_starts_with(answer, STR("reset")) || str_starts_with(answer, STR("silence"))) {
			break;
		}
		buf_append_byte(ret_text, '|');
	}
	buf_append_byte(ret_text, '\0');
	ret_text->len--;
	close(fd);
}
