#include "http/parser.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

/*
 * Every row is parsed as a whole, cut in two at every offset, and byte by byte; at each cut the
 * bytes move to a block of exactly their size, so that ASan sees a read too far and a pointer that
 * was forgotten. All must give the same.
 */

#define N "\r\n"
#define H "Host: h\r\n"
#define GET "GET / HTTP/1.1\r\n"

struct row {
	int line;
	struct str input;
	const char *want; /* see describe() */
};
#define ROW(input, want)                                                                           \
	{                                                                                              \
		__LINE__, STR_INIT(input), want                                                            \
	}

static const struct row rows[] = {
	/* methods */
	ROW(GET H N, "GET / host=h keep fields=1"),
	ROW("HEAD / HTTP/1.1" N H N, "HEAD / host=h keep fields=1"),
	ROW("POST / HTTP/1.1" N H N, "POST / host=h keep fields=1"),
	ROW("PUT / HTTP/1.1" N H N, "PUT / host=h keep fields=1"),
	ROW("PATCH / HTTP/1.1" N H N, "PATCH / host=h keep fields=1"),
	ROW("DELETE / HTTP/1.1" N H N, "DELETE / host=h keep fields=1"),
	ROW("OPTIONS / HTTP/1.1" N H N, "OPTIONS / host=h keep fields=1"),
	ROW("QUERY / HTTP/1.1" N H N, "QUERY / host=h keep fields=1"),
	ROW("get / HTTP/1.1" N H N, "501"),
	ROW("GETS / HTTP/1.1" N H N, "501"),
	ROW("GE / HTTP/1.1" N H N, "501"),
	ROW("TRACE / HTTP/1.1" N H N, "501"),
	ROW("M-SEARCH / HTTP/1.1" N H N, "501"),
	ROW("BREW / HTTP/1.1" N N, "400"),
	ROW("G@T / HTTP/1.1" N H N, "400"),
	ROW("G\0T / HTTP/1.1" N H N, "400"),
	ROW("G\x80T / HTTP/1.1" N H N, "400"),
	ROW(" GET / HTTP/1.1" N H N, "400"),
	ROW("\tGET / HTTP/1.1" N H N, "400"),
	ROW("GET\t/ HTTP/1.1" N H N, "400"),
	ROW("GET" N H N, "400"),
	ROW("\x16\x03\x01\x02", "400"),
	ROW("SSH-2.0-x" N, "400"),
	/* empty lines first */
	ROW(N GET H N, "GET / host=h keep fields=1"),
	ROW(N N GET H N, "400"),
	ROW("\n" GET H N, "400"),
	ROW("\r" GET H N, "400"),
	/* targets */
	ROW("GET /a HTTP/1.1" N H N, "GET /a host=h keep fields=1"),
	ROW("GET /a/ HTTP/1.1" N H N, "GET /a/ host=h keep fields=1"),
	ROW("GET //a HTTP/1.1" N H N, "GET //a host=h keep fields=1"),
	ROW("GET /../a HTTP/1.1" N H N, "GET /../a host=h keep fields=1"),
	ROW("GET /a? HTTP/1.1" N H N, "GET /a host=h keep fields=1"),
	ROW("GET /a?b=c HTTP/1.1" N H N, "GET /a?b=c host=h keep fields=1"),
	ROW("GET /a?b?c HTTP/1.1" N H N, "GET /a?b?c host=h keep fields=1"),
	ROW("GET /%zz%2f%00 HTTP/1.1" N H N, "GET /%zz%2f%00 host=h keep fields=1"),
	ROW("GET /\xc3\xa9?{\"|\"} HTTP/1.1" N H N, "GET /\xc3\xa9?{\"|\"} host=h keep fields=1"),
	ROW("GET /a#b HTTP/1.1" N H N, "400"),
	ROW("GET /a?b#c HTTP/1.1" N H N, "400"),
	ROW("GET /\0 HTTP/1.1" N H N, "400"),
	ROW("GET /\x01 HTTP/1.1" N H N, "400"),
	ROW("GET /\x1f HTTP/1.1" N H N, "400"),
	ROW("GET /\x7f HTTP/1.1" N H N, "400"),
	ROW("GET /a\tb HTTP/1.1" N H N, "400"),
	ROW("GET /a b HTTP/1.1" N H N, "400"),
	ROW("GET a HTTP/1.1" N H N, "400"),
	ROW("GET ?a HTTP/1.1" N H N, "400"),
	ROW("GET  HTTP/1.1" N H N, "400"),
	ROW("GET  / HTTP/1.1" N H N, "400"),
	ROW("GET * HTTP/1.1" N H N, "400"),
	ROW("OPTIONS * HTTP/1.1" N H N, "OPTIONS * host=h keep fields=1"),
	ROW("OPTIONS ** HTTP/1.1" N H N, "400"),
	ROW("OPTIONS *?a HTTP/1.1" N H N, "400"),
	ROW("GET http://x/a HTTP/1.1" N H N, "GET /a host=x keep fields=1"),
	ROW("GET HTTPS://x:1/a?b HTTP/1.1" N H N, "GET /a?b host=x:1 keep fields=1"),
	ROW("GET http://x HTTP/1.1" N H N, "GET / host=x keep fields=1"),
	ROW("GET http://x?a HTTP/1.1" N H N, "GET /?a host=x keep fields=1"),
	ROW("GET http://[::1]:80/ HTTP/1.1" N H N, "GET / host=[::1]:80 keep fields=1"),
	ROW("OPTIONS http://x HTTP/1.1" N H N, "OPTIONS * host=x keep fields=1"),
	ROW("OPTIONS http://x/ HTTP/1.1" N H N, "OPTIONS / host=x keep fields=1"),
	ROW("GET http://x/ HTTP/1.0" N N, "GET / host=x close fields=0"),
	ROW("GET http:///a HTTP/1.1" N H N, "400"),
	ROW("GET http:// HTTP/1.1" N H N, "400"),
	ROW("GET http:/x HTTP/1.1" N H N, "400"),
	ROW("GET http://u@x/ HTTP/1.1" N H N, "400"),
	ROW("GET http://x:y/ HTTP/1.1" N H N, "400"),
	ROW("GET ftp://x/ HTTP/1.1" N H N, "400"),
	ROW("CONNECT x:1 HTTP/1.1" N H N, "400"),
	/* versions */
	ROW("GET / HTTP/1.0" N N, "GET / host= close fields=0"),
	ROW("GET / HTTP/1.0" N H N, "GET / host=h close fields=1"),
	ROW("GET / HTTP/1.2" N H N, "GET / host=h keep fields=1"),
	ROW("GET / HTTP/1.9" N N, "400"),
	ROW("GET / HTTP/2.0" N H N, "505"),
	ROW("PRI * HTTP/2.0" N N "SM" N N, "505"),
	ROW("GET / HTTP/0.9" N H N, "505"),
	ROW("GET / HTTP/3.x" N H N, "400"),
	ROW("GET / HTTP/1.10" N H N, "400"),
	ROW("GET / HTTP/1." N H N, "400"),
	ROW("GET / HTTP/11" N H N, "400"),
	ROW("GET / http/1.1" N H N, "400"),
	ROW("GET / HTTP/+.1" N H N, "400"),
	ROW("GET / HTTP/1.1 " N H N, "400"),
	ROW("GET / HTTP/1.1\t" N H N, "400"),
	ROW("GET /" N H N, "400"),
	ROW("GET / " N H N, "400"),
	ROW("GET / HTTP/1.1\n" H N, "400"),
	ROW("GET / HTTP/1.1\r\r\n" H N, "400"),
	ROW("GET / HTTP/1.1\rX" H N, "400"),
	/* fields */
	ROW(GET H "A: b" N N, "GET / host=h keep fields=2 A=b"),
	ROW(GET H "A:b" N N, "GET / host=h keep fields=2 A=b"),
	ROW(GET H "A: \t b c \t " N N, "GET / host=h keep fields=2 A=b c"),
	ROW(GET H "A:" N N, "GET / host=h keep fields=2 A="),
	ROW(GET H "A:  \t" N N, "GET / host=h keep fields=2 A="),
	ROW(GET H "A: a:b" N N, "GET / host=h keep fields=2 A=a:b"),
	ROW(GET H "A: \xc3\xa9\xff" N N, "GET / host=h keep fields=2 A=\xc3\xa9\xff"),
	ROW(GET H "A: x\ty" N N, "GET / host=h keep fields=2 A=x\ty"),
	ROW(GET H "!#$%&'*+-.^_`|~09azAZ: b" N N, "GET / host=h keep fields=2 !#$%&'*+-.^_`|~09azAZ=b"),
	ROW(GET H "A : b" N N, "400"),
	ROW(GET H " A: b" N N, "400"),
	ROW(GET " A: b" N H N, "400"),
	ROW(GET H "A: b" N " c" N N, "400"),
	ROW(GET H "A: b" N "\tc" N N, "400"),
	ROW(GET H ": b" N N, "400"),
	ROW(GET H "A" N N, "400"),
	ROW(GET H "A(: b" N N, "400"),
	ROW(GET H "A\0: b" N N, "400"),
	ROW(GET H "\xc3\xa9: b" N N, "400"),
	ROW(GET H "A: \0" N N, "400"),
	ROW(GET H "A: b\0c" N N, "400"),
	ROW(GET H "A: b\x01" N N, "400"),
	ROW(GET H "A: b\x1f" N N, "400"),
	ROW(GET H "A: b\x7f" N N, "400"),
	ROW(GET H "A: b\n" N, "400"),
	ROW(GET H "A: b\rc" N N, "400"),
	ROW(GET H "A: b\r\r\n" N, "400"),
	ROW(GET H "\n", "400"),
	ROW(GET H "\rx", "400"),
	ROW(GET "\n" H N, "400"),
	ROW(GET H N "rest", "GET / host=h keep fields=1 rest=4"),
	/* Host */
	ROW(GET N, "400"),
	ROW(GET H H N, "400"),
	ROW(GET H "HOST: h" N N, "400"),
	ROW("GET / HTTP/1.0" N H H N, "400"),
	ROW(GET "host: H.x-y_1~:80" N N, "GET / host=H.x-y_1~:80 keep fields=1"),
	ROW(GET "Host:" N N, "GET / host= keep fields=1"),
	ROW(GET "Host: h:" N N, "GET / host=h: keep fields=1"),
	ROW(GET "Host: [::1]" N N, "GET / host=[::1] keep fields=1"),
	ROW(GET "Host: [::1]:8" N N, "GET / host=[::1]:8 keep fields=1"),
	ROW(GET "Host: [::1" N N, "400"),
	ROW(GET "Host: [::1]8" N N, "400"),
	ROW(GET "Host: [a/b]" N N, "400"),
	ROW(GET "Host: h:8x" N N, "400"),
	ROW(GET "Host: h:8:8" N N, "400"),
	ROW(GET "Host: a b" N N, "400"),
	ROW(GET "Host: a/b" N N, "400"),
	ROW(GET "Host: u@h" N N, "400"),
	ROW(GET "Host: h?" N N, "400"),
	ROW(GET "Host: \xc3\xa9" N N, "400"),
	/* Content-Length and Transfer-Encoding */
	ROW(GET H "Content-Length: 0" N N, "GET / host=h keep fields=2 Content-Length=0"),
	ROW("PUT / HTTP/1.1" N H "Content-Length: 5" N N "hello",
		"PUT / host=h keep length=5 fields=2 Content-Length=5 rest=5"),
	ROW(GET H "content-LENGTH: 007" N N, "GET / host=h keep length=7 fields=2 content-LENGTH=007"),
	ROW(GET H "Content-Length: 18446744073709551615" N N,
		"GET / host=h keep length=18446744073709551615 fields=2 "
		"Content-Length=18446744073709551615"),
	ROW(GET H "Content-Length: 18446744073709551616" N N, "400"),
	ROW(GET H "Content-Length: 99999999999999999999999" N N, "400"),
	ROW(GET H "Content-Length:" N N, "400"),
	ROW(GET H "Content-Length: +1" N N, "400"),
	ROW(GET H "Content-Length: -1" N N, "400"),
	ROW(GET H "Content-Length: 1 " N N, "GET / host=h keep length=1 fields=2 Content-Length=1"),
	ROW(GET H "Content-Length: 1 1" N N, "400"),
	ROW(GET H "Content-Length: 1,1" N N, "400"),
	ROW(GET H "Content-Length: 0x1" N N, "400"),
	ROW(GET H "Content-Length: 1.0" N N, "400"),
	ROW(GET H "Content-Length: 1" N "Content-Length: 1" N N, "400"),
	ROW(GET H "Content-Length: 0" N "Content-Length: 1" N N, "400"),
	ROW(GET H "Transfer-Encoding: chunked" N N,
		"GET / host=h keep chunked fields=2 Transfer-Encoding=chunked"),
	ROW(GET H "transfer-encoding: CHUNKED" N N,
		"GET / host=h keep chunked fields=2 transfer-encoding=CHUNKED"),
	ROW(GET H "Transfer-Encoding: gzip" N N, "501"),
	ROW(GET H "Transfer-Encoding: gzip, chunked" N N, "501"),
	ROW(GET H "Transfer-Encoding: chunked, gzip" N N, "501"),
	ROW(GET H "Transfer-Encoding: identity" N N, "501"),
	ROW(GET H "Transfer-Encoding: xchunked" N N, "501"),
	ROW(GET H "Transfer-Encoding: \"chunked\"" N N, "501"),
	ROW(GET H "Transfer-Encoding: chunked;a=b" N N, "501"),
	ROW(GET H "Transfer-Encoding:" N N, "501"),
	ROW(GET H "Transfer-Encoding: chunked" N "Transfer-Encoding: chunked" N N, "501"),
	ROW(GET H "Transfer-Encoding: \x0b"
			  "chunked" N N,
		"400"),
	ROW(GET H "Content-Length: 1" N "Transfer-Encoding: chunked" N N, "400"),
	ROW(GET H "Transfer-Encoding: chunked" N "Content-Length: 0" N N, "400"),
	ROW(GET H "Transfer-Encoding: gzip" N "Content-Length: 1" N N, "400"),
	ROW("GET / HTTP/1.0" N "Transfer-Encoding: chunked" N N, "400"),
	/* Connection */
	ROW(GET H "Connection: close" N N, "GET / host=h close fields=2 Connection=close"),
	ROW(GET H "connection: CLOSE" N N, "GET / host=h close fields=2 connection=CLOSE"),
	ROW(GET H "Connection: a, close ,b" N N, "GET / host=h close fields=2 Connection=a, close ,b"),
	ROW(GET H "Connection: closed" N N, "GET / host=h keep fields=2 Connection=closed"),
	ROW(GET H "Connection: a" N "Connection: close" N N,
		"GET / host=h close fields=3 Connection=close"),
	ROW(GET H "Connection: keep-alive, close" N N,
		"GET / host=h close fields=2 Connection=keep-alive, close"),
	ROW("GET / HTTP/1.0" N "Connection: keep-alive" N N,
		"GET / host= keep fields=1 Connection=keep-alive"),
	/* Expect */
	ROW(GET H "Expect: 100-continue" N N,
		"GET / host=h keep continue fields=2 Expect=100-continue"),
	ROW(GET H "Expect: 100-Continue" N N,
		"GET / host=h keep continue fields=2 Expect=100-Continue"),
	ROW(GET H "Expect: 200-ok" N N, "417"),
	ROW(GET H "Expect:" N N, "417"),
	ROW(GET H "Expect: 100-continue" N "Expect: x" N N, "417"),
	ROW("GET / HTTP/1.0" N "Expect: 100-continue" N N,
		"GET / host= close fields=1 Expect=100-continue"),
	ROW("GET / HTTP/1.0" N "Expect: x" N N, "GET / host= close fields=1 Expect=x"),
	/* the first fault counts */
	ROW("FOO a HTTP/1.1" N H N, "400"),
	ROW("FOO / HTTP/2.0" N H N, "505"),
	ROW("FOO / HTTP/1.1" N H "Transfer-Encoding: gzip" N "Content-Length: 1" N N, "400"),
	/* not complete */
	ROW("", "more"),
	ROW("\r", "more"),
	ROW(N, "more"),
	ROW("GET", "more"),
	ROW("GET / HTTP/1.1", "more"),
	ROW("GET / HTTP/1.1\r", "more"),
	ROW(GET, "more"),
	ROW(GET H, "more"),
	ROW(GET H "A: ", "more"),
	ROW(GET H "A: b\r", "more"),
	ROW(GET H "\r", "more"),
};

/* What came of it, in one line. */
static void describe(enum http_parse result, const struct http_parser *parser, const char *end,
					 struct buf *text)
{
	buf_clear(text);
	if (result == HTTP_PARSE_MORE) {
		buf_append(text, STR("more"));
	} else if (result == HTTP_PARSE_BAD) {
		buf_printf(text, "%d", error_info(parser->error)->status);
	} else {
		struct http_request request = {.method = HTTP_GET};
		http_parser_request(parser, &request);
		buf_printf(text, "%.*s %.*s", STR_ARG(http_method_name(request.method)),
				   STR_ARG(request.path));
		buf_printf(text, request.query.len > 0 ? "?%.*s" : "%.*s", STR_ARG(request.query));
		buf_printf(text, " host=%.*s", STR_ARG(request.host));
		buf_append(text, request.keep_alive ? STR(" keep") : STR(" close"));
		if (parser->framing == HTTP_FRAMING_LENGTH) {
			buf_printf(text, " length=%llu", (unsigned long long)parser->content_length);
		}
		buf_append(text, parser->framing == HTTP_FRAMING_CHUNKED ? STR(" chunked") : STR(""));
		buf_append(text, parser->expects_continue ? STR(" continue") : STR(""));
		buf_printf(text, " fields=%zu", request.field_count);
		/* The last field, unless it is the Host that nearly every row has. */
		if (request.field_count > 0) {
			const struct http_field *field = &request.fields[request.field_count - 1];
			if (!str_equal_nocase(field->name, STR("Host"))) {
				buf_printf(text, " %.*s=%.*s", STR_ARG(field->name), STR_ARG(field->value));
			}
		}
		if (parser->at < end) {
			buf_printf(text, " rest=%zu", (size_t)(end - parser->at));
		}
	}
	buf_append_byte(text, '\0');
}

/* Parses the input in pieces that end at multiples of `step`, and at its end; the bytes move every
 * time. With a step of 0: cut once, at `cut`. */
static void parse(struct str input, const struct limits *limits, size_t step, size_t cut,
				  struct buf *text)
{
	struct http_field *fields = calloc(limits->header_fields, sizeof(*fields));
	char *bytes = malloc(1);
	struct http_parser parser;
	enum http_parse result = HTTP_PARSE_MORE;
	size_t done = 0;
	assert_non_null(fields);
	http_parser_init(&parser, limits, fields, bytes);
	do {
		size_t next = step > 0 ? done + step : (done < cut ? cut : input.len);
		next = next > input.len ? input.len : next;
		char *moved = malloc(next == 0 ? 1 : next);
		assert_non_null(moved);
		memcpy(moved, input.ptr, next);
		http_parser_rebase(&parser, moved);
		free(bytes);
		bytes = moved;
		result = http_parser_run(&parser, bytes + next);
		done = next;
	} while (result == HTTP_PARSE_MORE && done < input.len);
	/* What was not looked at any more counts as the rest. */
	if (result == HTTP_PARSE_DONE && done < input.len) {
		char *moved = malloc(input.len);
		assert_non_null(moved);
		memcpy(moved, input.ptr, input.len);
		http_parser_rebase(&parser, moved);
		free(bytes);
		bytes = moved;
	}
	describe(result, &parser, bytes + input.len, text);
	free(bytes);
	free(fields);
}

static void check(int line, struct str input, const struct limits *limits, const char *want)
{
	struct buf text;
	buf_init(&text, 65536);
	parse(input, limits, input.len + 1, 0, &text);
	if (strcmp(text.ptr, want) != 0) {
		fail_msg("line %d: got \"%s\", want \"%s\"", line, text.ptr, want);
	}
	parse(input, limits, 1, 0, &text);
	if (strcmp(text.ptr, want) != 0) {
		fail_msg("line %d, byte by byte: got \"%s\", want \"%s\"", line, text.ptr, want);
	}
	for (size_t cut = 1; cut < input.len; cut++) {
		parse(input, limits, 0, cut, &text);
		if (strcmp(text.ptr, want) != 0) {
			fail_msg("line %d, cut at %zu: got \"%s\", want \"%s\"", line, cut, text.ptr, want);
		}
	}
	buf_finish(&text);
}

static void test_rows(void **state)
{
	struct limits limits;
	(void)state;
	limits_init(&limits);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		check(rows[i].line, rows[i].input, &limits, rows[i].want);
	}
}

/* ---- limits: at each, and one above ---- */

static void append_many(struct buf *buf, char byte, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		buf_append_byte(buf, byte);
	}
}

struct limit_row {
	int line;
	size_t method; /* letters A of it; 0: GET */
	size_t target; /* letters a of it */
	size_t name;   /* letters N of a field's name, in place of the fields; 0: none */
	size_t value;  /* letters v of its value */
	size_t space;  /* blanks before it */
	size_t fields; /* how many fields F:v there are */
	const char *want;
};

/* request_line_bytes 64, header_bytes 256, header_fields 4. The line is 14 bytes and the target's
 * letters; Host takes 9 bytes; a field of ours takes name + value + 3 and its blanks. */
static const struct limit_row limit_rows[] = {
	{__LINE__, 0, 50, 0, 0, 0, 0, "fields=1"},  {__LINE__, 0, 51, 0, 0, 0, 0, "414"},
	{__LINE__, 0, 100, 0, 0, 0, 0, "414"},      {__LINE__, 53, 0, 0, 0, 0, 0, "501"},
	{__LINE__, 54, 0, 0, 0, 0, 0, "414"},       {__LINE__, 64, 0, 0, 0, 0, 0, "414"},
	{__LINE__, 70, 0, 0, 0, 0, 0, "414"},       {__LINE__, 0, 0, 1, 243, 0, 0, "fields=2"},
	{__LINE__, 0, 0, 1, 244, 0, 0, "431"},      {__LINE__, 0, 0, 1, 245, 0, 0, "431"},
	{__LINE__, 0, 0, 1, 246, 0, 0, "431"},      {__LINE__, 0, 0, 1, 300, 0, 0, "431"},
	{__LINE__, 0, 0, 244, 0, 0, 0, "fields=2"}, {__LINE__, 0, 0, 245, 0, 0, 0, "431"},
	{__LINE__, 0, 0, 300, 0, 0, 0, "431"},      {__LINE__, 0, 0, 1, 1, 242, 0, "fields=2"},
	{__LINE__, 0, 0, 1, 1, 243, 0, "431"},      {__LINE__, 0, 0, 1, 1, 300, 0, "431"},
	{__LINE__, 0, 0, 1, 0, 243, 0, "fields=2"}, {__LINE__, 0, 0, 1, 0, 244, 0, "431"},
	{__LINE__, 0, 0, 0, 0, 0, 3, "fields=4"},   {__LINE__, 0, 0, 0, 0, 0, 4, "431"},
	{__LINE__, 0, 0, 0, 0, 0, 5, "431"},        {__LINE__, 0, 0, 1, 228, 0, 3, "431"},
	{__LINE__, 0, 0, 1, 1, 0, 2, "fields=4"},   {__LINE__, 0, 50, 1, 243, 0, 0, "fields=2"},
};

static void build(const struct limit_row *row, struct buf *buf)
{
	buf_clear(buf);
	if (row->method > 0) {
		append_many(buf, 'A', row->method);
	} else {
		buf_append(buf, STR("GET"));
	}
	buf_append(buf, STR(" /"));
	append_many(buf, 'a', row->target);
	buf_append(buf, STR(" HTTP/1.1\r\n" H));
	for (size_t i = 0; i < row->fields; i++) {
		buf_append(buf, STR("F:v\r\n"));
	}
	if (row->name > 0) {
		append_many(buf, 'N', row->name);
		buf_append_byte(buf, ':');
		append_many(buf, ' ', row->space);
		append_many(buf, 'v', row->value);
		buf_append(buf, STR(N));
	}
	buf_append(buf, STR(N));
}

static void test_limits(void **state)
{
	struct limits limits;
	struct buf input;
	struct buf text;
	(void)state;
	limits_init(&limits);
	limits.request_line_bytes = 64;
	limits.header_bytes = 256;
	limits.header_fields = 4;
	buf_init(&input, 4096);
	buf_init(&text, 4096);
	for (size_t i = 0; i < sizeof(limit_rows) / sizeof(limit_rows[0]); i++) {
		const struct limit_row *row = &limit_rows[i];
		build(row, &input);
		parse(buf_str(&input), &limits, SIZE_MAX / 2, 0, &text);
		if (strstr(text.ptr, row->want) == NULL) {
			fail_msg("line %d: got \"%s\", want \"%s\"", row->line, text.ptr, row->want);
		}
		char *whole = strdup(text.ptr);
		check(row->line, buf_str(&input), &limits, whole);
		free(whole);
	}
	buf_finish(&input);
	buf_finish(&text);
}

/* The limits that a server has when nothing is set. */
static void test_default_limits(void **state)
{
	struct limits limits;
	struct buf input;
	struct buf text;
	(void)state;
	limits_init(&limits);
	buf_init(&input, 1 << 20);
	buf_init(&text, 1 << 20);
	for (size_t above = 0; above < 2; above++) {
		struct limit_row line = {.target = (16 << 10) - 14 + above};
		build(&line, &input);
		parse(buf_str(&input), &limits, SIZE_MAX / 2, 0, &text);
		assert_int_equal(strncmp(text.ptr, above == 0 ? "GET /aa" : "414", 3), 0);
		struct limit_row header = {.name = 1, .value = (32 << 10) - 9 - 4 + above};
		build(&header, &input);
		parse(buf_str(&input), &limits, SIZE_MAX / 2, 0, &text);
		assert_int_equal(strncmp(text.ptr, above == 0 ? "GET" : "431", 3), 0);
		struct limit_row fields = {.fields = 99 + above};
		build(&fields, &input);
		parse(buf_str(&input), &limits, SIZE_MAX / 2, 0, &text);
		assert_int_equal(strncmp(text.ptr, above == 0 ? "GET" : "431", 3), 0);
	}
	buf_finish(&input);
	buf_finish(&text);
}

static void test_field_by_name(void **state)
{
	static const struct http_field fields[] = {
		{STR_INIT("Accept"), STR_INIT("a")},
		{STR_INIT("X-One"), STR_INIT("1")},
		{STR_INIT("x-one"), STR_INIT("2")},
		{STR_INIT("Empty"), STR_INIT("")},
	};
	struct http_request request = {.fields = fields, .field_count = 4};
	(void)state;
	assert_true(str_equal(http_request_field(&request, STR("ACCEPT")), STR("a")));
	assert_true(str_equal(http_request_field(&request, STR("x-one")), STR("1")));
	assert_non_null(http_request_field(&request, STR("empty")).ptr);
	assert_null(http_request_field(&request, STR("Accep")).ptr);
	assert_null(http_request_field(&request, STR("none")).ptr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_default_limits),
		cmocka_unit_test(test_field_by_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
