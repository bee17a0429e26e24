#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "http/chunked.h"

/*
 * The first byte chooses where the rest is cut. The decoder must end, stay in bounds and under the
 * limit, and make the same of the whole and of the pieces.
 */

#define BODY_LIMIT 1000

static enum http_chunked_result decode(struct str input, size_t step, size_t *ret_used,
									   struct http_chunked *chunked, struct buf *body)
{
	enum http_chunked_result result = HTTP_CHUNKED_MORE;
	size_t done = 0;
	while (result == HTTP_CHUNKED_MORE && done < input.len) {
		size_t bytes = input.len - done < step ? input.len - done : step;
		char *piece = malloc(bytes);
		memcpy(piece, input.ptr + done, bytes);
		struct str rest = {piece, bytes};
		result = http_chunked_run(chunked, &rest, body);
		assert(rest.len == 0 || result != HTTP_CHUNKED_MORE);
		done += bytes - rest.len;
		free(piece);
	}
	*ret_used = done;
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct limits limits;
	struct http_chunked chunked[2];
	struct buf body[2];
	enum http_chunked_result result[2];
	size_t used[2];
	if (size == 0) {
		return 0;
	}
	limits_init(&limits);
	limits.header_bytes = 256;
	limits.header_fields = 4;
	struct str input = {(const char *)data + 1, size - 1};
	for (size_t i = 0; i < 2; i++) {
		buf_init(&body[i], BODY_LIMIT);
		http_chunked_init(&chunked[i], &limits, BODY_LIMIT);
		size_t step = i == 0 ? size : 1 + (size_t)data[0] / 4;
		result[i] = decode(input, step, &used[i], &chunked[i], &body[i]);
		assert(!body[i].failed);
	}
	assert(result[0] == result[1] && used[0] == used[1]);
	assert(str_equal(buf_str(&body[0]), buf_str(&body[1])));
	if (result[0] == HTTP_CHUNKED_BAD) {
		assert(chunked[0].error == chunked[1].error && chunked[0].why == chunked[1].why);
	}
	buf_finish(&body[0]);
	buf_finish(&body[1]);
	return 0;
}
