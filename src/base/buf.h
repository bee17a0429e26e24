/*
 * A growing byte buffer that is born with a maximum. The first failure (an append that would pass
 * the maximum) sticks: later appends do nothing, and the builder checks buf.failed once, at the
 * end.
 *
 * Ownership: the buffer owns its bytes until buf_finish().
 * Threads: one at a time. Errors: buf.failed. Limits: max_bytes. Out of memory aborts.
 */
#ifndef ROWLOCK_BASE_BUF_H
#define ROWLOCK_BASE_BUF_H

#include <string.h>

#include "base/str.h"

struct buf {
	char *ptr; /* owned; NULL before the first append */
	size_t len;
	size_t capacity;
	size_t max_bytes;
	bool failed;
};

/* No memory is taken before the first append. */
void buf_init(struct buf *buf, size_t max_bytes);
void buf_finish(struct buf *buf);
/* Empties the buffer and clears failed; keeps the memory. */
void buf_clear(struct buf *buf);
/* Makes room for `bytes` more and returns where they go, or NULL (failed) past the maximum. The
 * caller writes them and calls buf_added(). */
char *buf_reserve(struct buf *buf, size_t bytes);
/* The slow half of the inline appends: grows to hold `bytes` more, or sets failed. */
bool buf_grow(struct buf *buf, size_t bytes);
/* Removes the first `bytes` bytes. */
void buf_consume(struct buf *buf, size_t bytes);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Decimal digits. */
void buf_append_int(struct buf *buf, int64_t n);
void buf_append_uint(struct buf *buf, uint64_t n);

static inline void buf_added(struct buf *buf, size_t bytes)
{
	buf->len += bytes;
}

static inline bool buf_has_room(struct buf *buf, size_t bytes)
{
	return bytes <= buf->capacity - buf->len || buf_grow(buf, bytes);
}

static inline void buf_append(struct buf *buf, struct str s)
{
	if (s.len > 0 && buf_has_room(buf, s.len)) {
		memcpy(buf->ptr + buf->len, s.ptr, s.len);
		buf->len += s.len;
	}
}

static inline void buf_append_byte(struct buf *buf, char byte)
{
	if (buf_has_room(buf, 1)) {
		buf->ptr[buf->len++] = byte;
	}
}

static inline struct str buf_str(const struct buf *buf)
{
	return (struct str){buf->ptr, buf->len};
}

#endif
