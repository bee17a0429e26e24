/*
 * Any bytes as a query string: each name and value that is accepted must survive being encoded and
 * decoded again, in both ways.
 */
#include <assert.h>
#include <stdint.h>

#include "codec/url.h"
#include "codec/utf8.h"

enum { MOST_BYTES = 1 << 24 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_decoded(struct str text, struct arena *arena)
{
	struct buf buf;
	struct str again;
	assert(utf8_check(text) == text.len);
	assert(str_find(text, '\0', 0) == text.len);
	buf_init(&buf, MOST_BYTES);
	url_encode(&buf, text);
	bool good = url_decode_segment(buf_str(&buf), arena, &again);
	assert(good && str_equal(again, text));
	good = url_decode_query(buf_str(&buf), arena, &again);
	assert(good && str_equal(again, text));
	buf_finish(&buf);
}

static void check(struct str text, struct arena *arena)
{
	struct str decoded;
	if (url_decode_segment(text, arena, &decoded)) {
		assert(decoded.len <= text.len);
		check_decoded(decoded, arena);
	}
	if (url_decode_query(text, arena, &decoded)) {
		assert(decoded.len <= text.len);
		check_decoded(decoded, arena);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct str rest = {(const char *)data, size};
	struct str name;
	struct str value;
	bool has_value;
	arena_init(&arena, 4096);
	while (url_next_pair(&rest, &name, &value, &has_value)) {
		assert(has_value || value.len == 0);
		check(name, &arena);
		check(value, &arena);
	}
	arena_finish(&arena);
	return 0;
}
