#include "api/assets.h"

#include <assert.h>

#include "rowlock_config.h"

#if HAVE_ZLIB
#include <zlib.h>
#endif

enum { INFLATE_STEP_BYTES = 65536, WINDOW_BITS_GZIP = 15 + 16 };

const struct asset *asset_find(struct str name)
{
	for (size_t i = 0; i < asset_count; i++) {
		if (str_equal(assets[i].name, name)) {
			return &assets[i];
		}
	}
	return NULL;
}

/* What was built in is whole: a failure is a mistake of ours, or a full buffer. */
void asset_inflate(const struct asset *asset, struct buf *text)
{
#if HAVE_ZLIB
	z_stream stream = {
		.next_in = (Bytef *)(uintptr_t)asset->gzip.ptr,
		.avail_in = (uInt)asset->gzip.len,
	};
	int status = inflateInit2(&stream, WINDOW_BITS_GZIP);
	assert(status == Z_OK);
	while (status == Z_OK && buf_reserve(text, INFLATE_STEP_BYTES) != NULL) {
		stream.next_out = (Bytef *)text->ptr + text->len;
		stream.avail_out = INFLATE_STEP_BYTES;
		status = inflate(&stream, Z_NO_FLUSH);
		buf_added(text, INFLATE_STEP_BYTES - stream.avail_out);
	}
	assert(status == Z_STREAM_END || text->failed);
	(void)inflateEnd(&stream);
#else
	(void)asset;
	(void)text;
	assert(false); /* without zlib nothing is built in */
#endif
}
