#include "http/response.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#define N "\r\n"
#define DATE "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"

/* What is added before the answer's own fields. */
#define VARY(own, added)                                                                           \
	{                                                                                              \
		__LINE__, {.status = 200, .fields = STR_INIT(own), .vary = true},                          \
			"HTTP/1.1 200 OK" N "Server: rowlock" N DATE added own N                               \
	}

static const struct {
	int line;
	struct http_response response;
	const char *want;
} rows[] = {
	{__LINE__,
	 {.status = 200,
	  .content_type = STR_INIT("application/json"),
	  .length = HTTP_LENGTH_KNOWN,
	  .bytes = 16},
	 "HTTP/1.1 200 OK" N "Server: rowlock" N DATE "Content-Type: application/json" N
	 "Content-Length: 16" N N},
	{__LINE__,
	 {.status = 204, .length = HTTP_LENGTH_NONE},
	 "HTTP/1.1 204 No Content" N "Server: rowlock" N DATE N},
	{__LINE__,
	 {.status = 299, .length = HTTP_LENGTH_KNOWN},
	 "HTTP/1.1 299 " N "Server: rowlock" N DATE "Content-Length: 0" N N},
	{__LINE__,
	 {.status = 599, .length = HTTP_LENGTH_KNOWN, .bytes = UINT64_MAX},
	 "HTTP/1.1 599 " N "Server: rowlock" N DATE "Content-Length: 18446744073709551615" N N},
	{__LINE__,
	 {.status = 400, .length = HTTP_LENGTH_CHUNKED, .persistence = HTTP_PERSIST_CLOSE},
	 "HTTP/1.1 400 Bad Request" N "Server: rowlock" N DATE "Transfer-Encoding: chunked" N
	 "Connection: close" N N},
	{__LINE__,
	 {.status = 201,
	  .fields = STR_INIT("Location: /a" N "ETag: \"x\"" N),
	  .length = HTTP_LENGTH_KNOWN,
	  .persistence = HTTP_PERSIST_KEEP_ALIVE,
	  .vary = true},
	 "HTTP/1.1 201 Created" N "Server: rowlock" N DATE "Content-Length: 0" N
	 "Connection: keep-alive" N "Vary: Accept-Encoding" N "Location: /a" N "ETag: \"x\"" N N},
	{__LINE__,
	 {.status = 200,
	  .fields = STR_INIT("A: \"b\"" N "etag: W/\"x\"" N "C: d" N),
	  .length = HTTP_LENGTH_KNOWN,
	  .bytes = 1,
	  .gzip = true,
	  .vary = true},
	 "HTTP/1.1 200 OK" N "Server: rowlock" N DATE "Content-Length: 1" N "Vary: Accept-Encoding" N
	 "Content-Encoding: gzip" N "A: \"b\"" N "etag: W/\"x-gz\"" N "C: d" N N},
	VARY("Vary: Accept, Prefer, Range" N, "Vary: Accept-Encoding" N),
	VARY("Vary:" N "A: Accept-Encoding" N, "Vary: Accept-Encoding" N),
	VARY("Vary: Accept-Encoding2, Accept" N, "Vary: Accept-Encoding" N),
	VARY("Vary: Accept, Prefer, Range, Accept-Encoding" N, ""),
	VARY("Vary: Accept-Encoding" N, ""),
	VARY("vary:accept-encoding ,Range" N, ""),
	VARY("Vary: Origin" N "Vary: Accept-Encoding" N, ""),
	VARY("Vary: *" N, ""),
	{__LINE__,
	 {.status = 200, .fields = STR_INIT("ETag:" N "ETag: x" N), .gzip = true},
	 "HTTP/1.1 200 OK" N "Server: rowlock" N DATE "Content-Encoding: gzip" N "ETag:" N
	 "ETag: x" N N},
};

static void test_heads(void **state)
{
	struct buf out;
	char date[HTTP_DATE_BYTES];
	(void)state;
	http_response_date(784111777, date);
	buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_clear(&out);
		http_response_write(&out, &rows[i].response, date);
		if (!str_equal(buf_str(&out), str_from(rows[i].want))) {
			fail_msg("line %d: got \"%.*s\"", rows[i].line, STR_ARG(buf_str(&out)));
		}
	}
	buf_finish(&out);
}

/* Everything that can be added is: the room asked for is enough, whatever the fields are. */
static void test_room(void **state)
{
	struct buf fields;
	struct buf out;
	char date[HTTP_DATE_BYTES];
	(void)state;
	http_response_date(0, date);
	buf_init(&fields, 65536);
	for (size_t i = 0; i < 200; i++) {
		buf_append(&fields, STR("ETag:\"\"\r\n"));
		buf_init(&out, 65536);
		struct http_response response = {
			.status = 431,
			.fields = buf_str(&fields),
			.content_type = STR("application/json; charset=utf-8"),
			.length = HTTP_LENGTH_KNOWN,
			.bytes = UINT64_MAX,
			.persistence = HTTP_PERSIST_KEEP_ALIVE,
			.gzip = true,
			.vary = true,
		};
		http_response_write(&out, &response, date);
		assert_true(out.len <= out.capacity);
		assert_true(str_ends_with(buf_str(&out), STR("\"\r\n\r\n")));
		buf_finish(&out);
	}
	buf_finish(&fields);
}

static void test_dates(void **state)
{
	static const struct {
		int64_t seconds;
		const char *want;
	} dates[] = {
		{0, "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"},
		{784111777, DATE},
		{951782400, "Date: Tue, 29 Feb 2000 00:00:00 GMT\r\n"},
		{4102444799, "Date: Thu, 31 Dec 2099 23:59:59 GMT\r\n"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
		char date[HTTP_DATE_BYTES];
		http_response_date(dates[i].seconds, date);
		assert_string_equal(date, dates[i].want);
		assert_int_equal(strlen(date), HTTP_DATE_BYTES - 1);
	}
}

static void test_has(void **state)
{
	struct str fields = STR("Content-Type: a\r\nETag: Vary:\r\n");
	(void)state;
	assert_true(http_response_has(fields, STR("content-type")));
	assert_true(http_response_has(fields, STR("ETag")));
	assert_false(http_response_has(fields, STR("Content")));
	assert_false(http_response_has(fields, STR("Vary")));
	assert_false(http_response_has(STR(""), STR("Vary")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_heads),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_has),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
