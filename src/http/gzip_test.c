#include "http/gzip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "rowlock_config.h"

#if HAVE_ZLIB
#include <zlib.h>
#endif

static void test_accepted(void **state)
{
	static const struct {
		int line;
		struct str value;
		bool want;
	} rows[] = {
		{__LINE__, STR_INIT(""), false},
		{__LINE__, STR_INIT("gzip"), true},
		{__LINE__, STR_INIT("GZIP"), true},
		{__LINE__, STR_INIT("x-gzip"), true},
		{__LINE__, STR_INIT("gzip, deflate, br"), true},
		{__LINE__, STR_INIT("br,gzip"), true},
		{__LINE__, STR_INIT("identity, gzip;q=0.1"), true},
		{__LINE__, STR_INIT("gzip;q=0"), false},
		{__LINE__, STR_INIT("gzip ; q=0.000"), false},
		{__LINE__, STR_INIT("gzip;Q=0"), false},
		{__LINE__, STR_INIT("gzip;q=0.001"), true},
		{__LINE__, STR_INIT("gzip;q=1"), true},
		{__LINE__, STR_INIT("deflate, br"), false},
		{__LINE__, STR_INIT("gzipped"), false},
		{__LINE__, STR_INIT("*"), true},
		{__LINE__, STR_INIT("*;q=0"), false},
		{__LINE__, STR_INIT("*;q=0, gzip"), true},
		{__LINE__, STR_INIT("*, gzip;q=0"), false},
		{__LINE__, STR_INIT("identity"), false},
		{__LINE__, STR_INIT(",,;,"), false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (http_gzip_accepted(rows[i].value) != rows[i].want) {
			fail_msg("line %d", rows[i].line);
		}
	}
}

static void test_useful(void **state)
{
	static const struct {
		struct str type;
		bool want;
	} rows[] = {
		{STR_INIT("application/json"), true},
		{STR_INIT("application/json; charset=utf-8"), true},
		{STR_INIT("Application/JSON"), true},
		{STR_INIT("application/vnd.pgrst.object+json"), true},
		{STR_INIT("application/x-ndjson"), true},
		{STR_INIT("text/csv"), true},
		{STR_INIT("text/html; charset=utf-8"), true},
		{STR_INIT("image/png"), false},
		{STR_INIT("application/octet-stream"), false},
		{STR_INIT(""), false},
		{STR_INIT("+json"), false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(http_gzip_useful(rows[i].type), rows[i].want);
	}
}

#if HAVE_ZLIB

/* Compresses `count` bytes in parts of `step`, and compares what zlib makes of it. */
static void round_trip(struct http_gzip *gzip, size_t count, size_t step)
{
	struct buf out;
	char *input = malloc(count + 1);
	unsigned char *back = malloc(count + 1);
	assert_non_null(input);
	assert_non_null(back);
	uint32_t random = 1;
	for (size_t i = 0; i < count; i++) {
		random = random * 1664525 + 1013904223;
		input[i] = (char)(random >> 24);
	}
	buf_init(&out, 1 << 24);
	http_gzip_reset(gzip);
	for (size_t i = 0; i < count; i += step) {
		size_t bytes = count - i < step ? count - i : step;
		http_gzip_write(gzip, (struct str){input + i, bytes}, false, &out);
	}
	http_gzip_write(gzip, STR(""), true, &out);
	z_stream stream = {.next_in = (Bytef *)out.ptr, .avail_in = (uInt)out.len};
	assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
	stream.next_out = back;
	stream.avail_out = (uInt)count + 1;
	assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
	assert_int_equal(stream.total_out, count);
	assert_memory_equal(back, input, count);
	inflateEnd(&stream);
	buf_finish(&out);
	free(input);
	free(back);
}

static void test_round_trips(void **state)
{
	static const size_t counts[] = {0, 1, 1024, 16383, 16384, 16385, 100000, 1000000};
	struct http_gzip *gzip = http_gzip_create();
	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		round_trip(gzip, counts[i], 1000000);
		round_trip(gzip, counts[i], 4999);
	}
	http_gzip_destroy(gzip);
	http_gzip_destroy(NULL);
}

/* What does not fit is the buffer's failure, not an endless loop. */
static void test_full_buffer(void **state)
{
	struct http_gzip *gzip = http_gzip_create();
	struct buf out;
	(void)state;
	buf_init(&out, 100);
	http_gzip_write(gzip, STR("hello"), true, &out);
	assert_true(out.failed);
	http_gzip_destroy(gzip);
	buf_finish(&out);
}

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_useful),
#if HAVE_ZLIB
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_full_buffer),
#endif
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
