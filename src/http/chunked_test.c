#include "http/chunked.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

/* Each row is decoded whole, cut in two at every offset, and byte by byte, each piece in memory of
 * exactly its size. Limits: a body of 20 bytes, 256 of header, 4 fields. */

#define N "\r\n"

struct row {
	int line;
	struct str input;
	const char *want; /* "done BODY rest=N", "more BODY", or the status */
};
#define ROW(input, want)                                                                           \
	{                                                                                              \
		__LINE__, STR_INIT(input), want                                                            \
	}

static const struct row rows[] = {
	ROW("0" N N, "done "),
	ROW("5" N "hello" N "0" N N, "done hello"),
	ROW("5" N "hello" N "6" N " world" N "0" N N, "done hello world"),
	ROW("5" N "hello" N "0" N N "GET", "done hello rest=3"),
	ROW("a" N "0123456789" N "0" N N, "done 0123456789"),
	ROW("A" N "0123456789" N "0" N N, "done 0123456789"),
	ROW("00A" N "0123456789" N "000" N N, "done 0123456789"),
	ROW("2" N "\r\n" N "0" N N, "done \r\n"),
	ROW("0000000000000001" N "x" N "0" N N, "done x"),
	ROW("00000000000000001" N "x" N "0" N N, "400"),
	/* at the limit and one above */
	ROW("14" N "01234567890123456789" N "0" N N, "done 01234567890123456789"),
	ROW("15" N "012345678901234567890" N "0" N N, "413"),
	ROW("13" N "0123456789012345678" N "1" N "x" N "0" N N, "done 0123456789012345678x"),
	ROW("13" N "0123456789012345678" N "2" N "xy" N "0" N N, "413"),
	ROW("ffffffffffffffff" N, "413"),
	ROW("1" N "x" N "ffffffffffffffff" N, "413"),
	/* extensions */
	ROW("1;a" N "x" N "0;b=c" N N, "done x"),
	ROW("1;a=\"b;c\"\t" N "x" N "0" N N, "done x"),
	ROW("1;" N "x" N "0" N N, "done x"),
	ROW("1 ;a" N "x" N "0" N N, "400"),
	ROW("1 " N "x" N "0" N N, "400"),
	ROW("1;a\n" N "x" N "0" N N, "400"),
	ROW("1;a\0" N "x" N "0" N N, "400"),
	ROW("1;a\rb" N "x" N "0" N N, "400"),
	/* sizes */
	ROW("" N "x" N "0" N N, "400"),
	ROW("g" N, "400"),
	ROW("-1" N, "400"),
	ROW("+1" N, "400"),
	ROW("0x1" N, "400"),
	ROW(" 1" N, "400"),
	ROW(";a" N, "400"),
	ROW("1\n"
		"x",
		"400"),
	ROW("1\r"
		"x",
		"400"),
	/* line ends */
	ROW("1" N "xy" N "0" N N, "400"),
	ROW("2" N "x" N "0" N N, "400"),
	ROW("1" N "x\n"
		"0" N N,
		"400"),
	ROW("1" N "x\r\r\n"
		"0" N N,
		"400"),
	ROW("0" N "\n", "400"),
	ROW("0" N "\rx", "400"),
	/* trailers */
	ROW("0" N "A: b" N N, "done "),
	ROW("0" N "A:" N "B: c d" N N "x", "done  rest=1"),
	ROW("0" N "A:1" N "B:2" N "C:3" N "D:4" N N, "done "),
	ROW("0" N "A:1" N "B:2" N "C:3" N "D:4" N "E:5" N N, "431"),
	ROW("0" N "A : b" N N, "400"),
	ROW("0" N " A: b" N N, "400"),
	ROW("0" N ": b" N N, "400"),
	ROW("0" N "A" N N, "400"),
	ROW("0" N "A: b" N " c" N N, "400"),
	ROW("0" N "A: \x01" N N, "400"),
	ROW("0" N "A: b\n" N N, "400"),
	/* not complete */
	ROW("", "more "),
	ROW("1", "more "),
	ROW("5" N "hel", "more hel"),
	ROW("5" N "hello", "more hello"),
	ROW("5" N "hello" N "0" N, "more hello"),
	ROW("0" N "A: b" N, "more "),
};

static void limits_small(struct limits *limits)
{
	limits_init(limits);
	limits->header_bytes = 256;
	limits->header_fields = 4;
}

static void decode(struct str input, size_t step, size_t cut, struct buf *text)
{
	struct limits limits;
	struct http_chunked chunked;
	struct buf body;
	enum http_chunked_result result = HTTP_CHUNKED_MORE;
	size_t done = 0;
	limits_small(&limits);
	buf_init(&body, 4096);
	http_chunked_init(&chunked, &limits, 20);
	while (result == HTTP_CHUNKED_MORE && done < input.len) {
		size_t next = step > 0 ? done + step : (done < cut ? cut : input.len);
		next = next > input.len ? input.len : next;
		char *piece = malloc(next - done);
		assert_non_null(piece);
		memcpy(piece, input.ptr + done, next - done);
		struct str rest = {piece, next - done};
		result = http_chunked_run(&chunked, &rest, &body);
		done = next - rest.len;
		free(piece);
	}
	buf_clear(text);
	if (result == HTTP_CHUNKED_BAD) {
		buf_printf(text, "%d", error_info(chunked.error)->status);
	} else {
		buf_append(text, result == HTTP_CHUNKED_DONE ? STR("done ") : STR("more "));
		buf_append(text, buf_str(&body));
		if (done < input.len) {
			buf_printf(text, " rest=%zu", input.len - done);
		}
	}
	buf_append_byte(text, '\0');
	buf_finish(&body);
}

static void check(int line, struct str input, const char *want)
{
	struct buf text;
	buf_init(&text, 65536);
	decode(input, input.len + 1, 0, &text);
	if (strcmp(text.ptr, want) != 0) {
		fail_msg("line %d: got \"%s\", want \"%s\"", line, text.ptr, want);
	}
	decode(input, 1, 0, &text);
	if (strcmp(text.ptr, want) != 0) {
		fail_msg("line %d, byte by byte: got \"%s\", want \"%s\"", line, text.ptr, want);
	}
	for (size_t cut = 1; cut < input.len; cut++) {
		decode(input, 0, cut, &text);
		if (strcmp(text.ptr, want) != 0) {
			fail_msg("line %d, cut at %zu: got \"%s\", want \"%s\"", line, cut, text.ptr, want);
		}
	}
	buf_finish(&text);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		check(rows[i].line, rows[i].input, rows[i].want);
	}
}

struct long_row {
	int line;
	const char *before; /* then `count` letters x */
	size_t count;
	const char *after;
	const char *want;
};

static const struct long_row long_rows[] = {
	{__LINE__, "1;", 256, N "y" N "0" N N, "done y"},
	{__LINE__, "1;", 257, N "y" N "0" N N, "431"},
	{__LINE__, "1;ab" N "y" N "0;", 254, N N, "done y"},
	{__LINE__, "1;ab" N "y" N "0;", 255, N N, "431"},
	{__LINE__, "0" N "A:", 252, N N, "done "},
	{__LINE__, "0" N "A:", 253, N N, "431"},
	{__LINE__, "0" N, 253, ":" N N, "done "},
	{__LINE__, "0" N, 254, ":" N N, "431"},
	{__LINE__, "0" N "A:1" N "B:", 247, N N, "done "},
	{__LINE__, "0" N "A:1" N "B:", 248, N N, "431"},
};

static void test_long_rows(void **state)
{
	struct buf input;
	(void)state;
	buf_init(&input, 4096);
	for (size_t i = 0; i < sizeof(long_rows) / sizeof(long_rows[0]); i++) {
		const struct long_row *row = &long_rows[i];
		buf_clear(&input);
		buf_append(&input, str_from(row->before));
		for (size_t k = 0; k < row->count; k++) {
			buf_append_byte(&input, 'x');
		}
		buf_append(&input, str_from(row->after));
		check(row->line, buf_str(&input), row->want);
	}
	buf_finish(&input);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_long_rows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
