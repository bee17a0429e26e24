#include "http/chunked.h"

#include <assert.h>

#include "codec/hex.h"
#include "http/parser.h"

/* Enough for every uint64_t, and an end to leading zeros. */
#define SIZE_DIGITS 16

static bool bad(struct http_chunked *chunked, enum error_code code, const char *why)
{
	chunked->error = code;
	chunked->why = why;
	return false;
}

void http_chunked_init(struct http_chunked *chunked, const struct limits *limits,
					   uint64_t body_limit)
{
	*chunked = (struct http_chunked){.limits = limits, .body_limit = body_limit};
}

/* The size and its extensions are read: is the body still short enough? */
static bool begin_chunk(struct http_chunked *chunked)
{
	chunked->digits = 0;
	if (chunked->left > chunked->body_limit - chunked->total) {
		return bad(chunked, ERROR_BODY_TOO_LARGE, NULL);
	}
	chunked->total += chunked->left;
	chunked->state = chunked->left == 0 ? HTTP_CHUNK_TRAILER : HTTP_CHUNK_DATA;
	return true;
}

static bool at_size(struct http_chunked *chunked, char byte)
{
	int digit = hex_value(byte);
	if (digit >= 0) {
		if (++chunked->digits > SIZE_DIGITS) {
			return bad(chunked, ERROR_HTTP_SYNTAX, "Malformed size of a chunk");
		}
		chunked->left = chunked->left << 4 | (uint64_t)digit;
		return true;
	}
	if (chunked->digits == 0 || (byte != '\r' && byte != ';')) {
		return bad(chunked, ERROR_HTTP_SYNTAX, "Malformed size of a chunk");
	}
	chunked->state = byte == ';' ? HTTP_CHUNK_EXTENSION : HTTP_CHUNK_SIZE_LF;
	return true;
}

static bool at_extension(struct http_chunked *chunked, char byte)
{
	if (byte == '\r') {
		chunked->state = HTTP_CHUNK_SIZE_LF;
		return true;
	}
	if ((http_char_class[(unsigned char)byte] & HTTP_CLASS_VALUE) == 0) {
		return bad(chunked, ERROR_HTTP_SYNTAX, "Control character in a chunk extension");
	}
	if (++chunked->extension_bytes > chunked->limits->header_bytes) {
		return bad(chunked, ERROR_HEADER_TOO_LARGE, "The chunk extensions are too long");
	}
	return true;
}

static bool want(struct http_chunked *chunked, char byte, char wanted, enum http_chunked_state next)
{
	if (byte != wanted) {
		return bad(chunked, ERROR_HTTP_SYNTAX, "Malformed end of a line in a chunked body");
	}
	chunked->state = next;
	return true;
}

/* The first byte of a trailer line. */
static bool at_trailer(struct http_chunked *chunked, char byte)
{
	if (byte == '\r') {
		chunked->state = HTTP_CHUNK_END_LF;
		return true;
	}
	if ((http_char_class[(unsigned char)byte] & HTTP_CLASS_TOKEN) == 0) {
		return bad(chunked, ERROR_HTTP_SYNTAX, "Malformed name of a trailer field");
	}
	if (++chunked->trailer_fields > chunked->limits->header_fields) {
		return bad(chunked, ERROR_HEADER_TOO_LARGE, "The request has too many trailer fields");
	}
	chunked->state = HTTP_CHUNK_TRAILER_NAME;
	return true;
}

static bool at_trailer_text(struct http_chunked *chunked, char byte)
{
	bool name = chunked->state == HTTP_CHUNK_TRAILER_NAME;
	if (byte == (name ? ':' : '\r')) {
		chunked->state = name ? HTTP_CHUNK_TRAILER_VALUE : HTTP_CHUNK_TRAILER_LF;
		return true;
	}
	unsigned char class = name ? HTTP_CLASS_TOKEN : HTTP_CLASS_VALUE;
	if ((http_char_class[(unsigned char)byte] & class) == 0) {
		return bad(chunked, ERROR_HTTP_SYNTAX, "Malformed trailer field");
	}
	return true;
}

/* One byte of anything but data. */
static bool step(struct http_chunked *chunked, char byte)
{
	switch (chunked->state) {
	case HTTP_CHUNK_SIZE:
		return at_size(chunked, byte);
	case HTTP_CHUNK_EXTENSION:
		return at_extension(chunked, byte);
	case HTTP_CHUNK_SIZE_LF:
		return want(chunked, byte, '\n', HTTP_CHUNK_DATA) && begin_chunk(chunked);
	case HTTP_CHUNK_DATA_CR:
		return want(chunked, byte, '\r', HTTP_CHUNK_DATA_LF);
	case HTTP_CHUNK_DATA_LF:
		return want(chunked, byte, '\n', HTTP_CHUNK_SIZE);
	case HTTP_CHUNK_TRAILER:
		return at_trailer(chunked, byte);
	case HTTP_CHUNK_TRAILER_NAME:
	case HTTP_CHUNK_TRAILER_VALUE:
		return at_trailer_text(chunked, byte);
	case HTTP_CHUNK_TRAILER_LF:
		return want(chunked, byte, '\n', HTTP_CHUNK_TRAILER);
	case HTTP_CHUNK_END_LF:
		return want(chunked, byte, '\n', HTTP_CHUNK_DONE);
	case HTTP_CHUNK_DATA:
	case HTTP_CHUNK_DONE:
		break;
	}
	assert(false && "data is copied, and a decoder that is done is run no further");
	return false;
}

/* Trailer lines count with their line ends, as in a header; the empty line does not. */
static bool count_trailer(struct http_chunked *chunked, char byte)
{
	bool in_line = chunked->state >= HTTP_CHUNK_TRAILER && chunked->state <= HTTP_CHUNK_TRAILER_LF;
	bool last = chunked->state == HTTP_CHUNK_TRAILER && byte == '\r';
	if (in_line && !last && ++chunked->trailer_bytes > chunked->limits->header_bytes) {
		return bad(chunked, ERROR_HEADER_TOO_LARGE, "The request trailers are too long");
	}
	return true;
}

enum http_chunked_result http_chunked_run(struct http_chunked *chunked, struct str *input,
										  struct buf *body)
{
	while (input->len > 0) {
		if (chunked->state == HTTP_CHUNK_DATA) {
			size_t bytes = chunked->left < input->len ? (size_t)chunked->left : input->len;
			buf_append(body, str_slice(*input, 0, bytes));
			*input = str_slice(*input, bytes, input->len);
			chunked->left -= bytes;
			if (chunked->left == 0) {
				chunked->state = HTTP_CHUNK_DATA_CR;
			}
			continue;
		}
		char byte = input->ptr[0];
		if (!count_trailer(chunked, byte) || !step(chunked, byte)) {
			return HTTP_CHUNKED_BAD;
		}
		*input = str_slice(*input, 1, input->len);
		if (chunked->state == HTTP_CHUNK_DONE) {
			return HTTP_CHUNKED_DONE;
		}
	}
	return HTTP_CHUNKED_MORE;
}
