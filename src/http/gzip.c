#include "http/gzip.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "rowlock_config.h"

#if HAVE_ZLIB
#include <zlib.h>
#endif

/* Answers are made for one reader each: the fastest level takes most of what there is to gain. */
#define LEVEL 1
#define STEP_BYTES 16384

/* qvalue, RFC 9110 12.4.2: is it above 0? What is not a number is taken as 1. */
static bool weight_is_positive(struct str weight)
{
	for (size_t i = 0; i < weight.len; i++) {
		if (weight.ptr[i] != '0' && weight.ptr[i] != '.') {
			return true;
		}
	}
	return weight.len == 0;
}

static bool member_is_positive(struct str parameters)
{
	while (parameters.len > 0) {
		struct str parameter = str_trim(str_split(&parameters, ';'));
		if (str_equal_nocase(str_slice(parameter, 0, 2), STR("q="))) {
			return weight_is_positive(str_trim(str_slice(parameter, 2, parameter.len)));
		}
	}
	return true;
}

bool http_gzip_accepted(struct str accept_encoding)
{
	bool any = false;
	while (accept_encoding.len > 0) {
		struct str rest = str_split(&accept_encoding, ',');
		struct str coding = str_trim(str_split(&rest, ';'));
		if (str_equal_nocase(coding, STR("gzip")) || str_equal_nocase(coding, STR("x-gzip"))) {
			return member_is_positive(rest);
		}
		if (str_equal(coding, STR("*"))) {
			any = member_is_positive(rest);
		}
	}
	return any;
}

bool http_gzip_useful(struct str content_type)
{
	struct str type = str_trim(str_split(&content_type, ';'));
	return str_equal_nocase(str_slice(type, 0, 5), STR("text/")) ||
		str_equal_nocase(type, STR("application/json")) ||
		str_equal_nocase(type, STR("application/javascript")) ||
		str_equal_nocase(type, STR("application/x-ndjson")) ||
		(type.len > 5 && str_equal_nocase(str_slice(type, type.len - 5, type.len), STR("+json")));
}

#if HAVE_ZLIB

struct http_gzip {
	z_stream stream;
};

bool http_gzip_built(void)
{
	return true;
}

struct http_gzip *http_gzip_create(void)
{
	struct http_gzip *gzip = calloc(1, sizeof(*gzip));
	/* 15 bits of window, and 16 for the gzip wrapping. */
	if (gzip == NULL ||
		deflateInit2(&gzip->stream, LEVEL, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
		abort();
	}
	return gzip;
}

void http_gzip_destroy(struct http_gzip *gzip)
{
	if (gzip != NULL) {
		deflateEnd(&gzip->stream);
		free(gzip);
	}
}

void http_gzip_reset(struct http_gzip *gzip)
{
	deflateReset(&gzip->stream);
}

void http_gzip_write(struct http_gzip *gzip, struct str part, bool last, struct buf *out)
{
	z_stream *stream = &gzip->stream;
	/* zlib counts in 32 bits; parts are far smaller than the limits that keep bodies below that. */
	assert(part.len <= UINT32_MAX);
	stream->next_in = (Bytef *)(uintptr_t)part.ptr;
	stream->avail_in = (uInt)part.len;
	for (;;) {
		char *room = buf_reserve(out, STEP_BYTES);
		if (room == NULL) {
			return;
		}
		stream->next_out = (Bytef *)room;
		stream->avail_out = STEP_BYTES;
		int status = deflate(stream, last ? Z_FINISH : Z_NO_FLUSH);
		assert(status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR);
		buf_added(out, STEP_BYTES - stream->avail_out);
		if (status == Z_STREAM_END || (!last && stream->avail_out > 0)) {
			return;
		}
	}
}

#else

bool http_gzip_built(void)
{
	return false;
}

struct http_gzip *http_gzip_create(void)
{
	return NULL;
}

void http_gzip_destroy(struct http_gzip *gzip)
{
	assert(gzip == NULL);
}

void http_gzip_reset(struct http_gzip *gzip)
{
	assert(gzip == NULL);
}

void http_gzip_write(struct http_gzip *gzip, struct str part, bool last, struct buf *out)
{
	(void)gzip, (void)part, (void)last, (void)out;
	assert(false && "nothing is compressed without zlib");
}

#endif
