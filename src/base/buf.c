#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum { FIRST_BYTES = 256, UINT64_DIGITS = 20 };

static const char digit_pairs[] = "00010203040506070809"
								  "10111213141516171819"
								  "20212223242526272829"
								  "30313233343536373839"
								  "40414243444546474849"
								  "50515253545556575859"
								  "60616263646566676869"
								  "70717273747576777879"
								  "80818283848586878889"
								  "90919293949596979899";

void buf_init(struct buf *buf, size_t max_bytes)
{
	*buf = (struct buf){.max_bytes = max_bytes};
}

void buf_finish(struct buf *buf)
{
	if (buf == NULL) {
		return;
	}
	free(buf->ptr);
	*buf = (struct buf){.max_bytes = buf->max_bytes};
}

void buf_clear(struct buf *buf)
{
	buf->len = 0;
	buf->failed = false;
}

static void resize(struct buf *buf, size_t capacity)
{
	buf->ptr = alloc_resize(buf->ptr, capacity, 1);
	buf->capacity = capacity;
}

bool buf_grow(struct buf *buf, size_t bytes)
{
	assert(buf->len <= buf->capacity);
	if (buf->failed || buf->len > buf->max_bytes || bytes > buf->max_bytes - buf->len) {
		/* Without room, every later inline append comes here too, and the failure sticks. */
		buf->failed = true;
		buf->capacity = buf->len;
		return false;
	}
	size_t needed = buf->len + bytes;
	if (needed <= buf->capacity) {
		return true;
	}
	size_t capacity = buf->capacity < FIRST_BYTES ? FIRST_BYTES : buf->capacity;
	while (capacity < needed) {
		capacity = capacity > SIZE_MAX / 2 ? needed : capacity * 2;
	}
	resize(buf, capacity < buf->max_bytes ? capacity : buf->max_bytes);
	return true;
}

char *buf_reserve(struct buf *buf, size_t bytes)
{
	if (!buf_has_room(buf, bytes)) {
		return NULL;
	}
	if (buf->ptr == NULL && !buf->failed) {
		/* Nothing was asked for; the pointer must be one all the same. The byte is no room. */
		resize(buf, 1);
		buf->capacity = 0;
	}
	return buf->failed ? NULL : buf->ptr + buf->len;
}

void buf_consume(struct buf *buf, size_t bytes)
{
	assert(bytes <= buf->len);
	if (bytes == 0) {
		return;
	}
	buf->len -= bytes;
	memmove(buf->ptr, buf->ptr + bytes, buf->len);
	if (buf->failed) {
		buf->capacity = buf->len;
	}
}

void buf_printf(struct buf *buf, const char *format, ...)
{
	va_list arguments;
	char small[256];

	va_start(arguments, format);
	int len = vsnprintf(small, sizeof(small), format, arguments);
	va_end(arguments);
	assert(len >= 0);
	if ((size_t)len < sizeof(small)) {
		buf_append(buf, (struct str){small, (size_t)len});
		return;
	}

	/* The long text is made elsewhere: its NUL may not need room below the maximum. */
	char *text = alloc_bytes((size_t)len + 1);
	va_start(arguments, format);
	int again = vsnprintf(text, (size_t)len + 1, format, arguments);
	va_end(arguments);
	assert(again == len);
	buf_append(buf, (struct str){text, (size_t)len});
	free(text);
}

/* Writes the digits so that they end at `end`; returns where they begin. */
static char *write_digits(char *end, uint64_t n)
{
	while (n >= 100) {
		end -= 2;
		memcpy(end, digit_pairs + (n % 100) * 2, 2);
		n /= 100;
	}
	if (n >= 10) {
		end -= 2;
		memcpy(end, digit_pairs + n * 2, 2);
	} else {
		*--end = (char)('0' + n);
	}
	return end;
}

void buf_append_uint(struct buf *buf, uint64_t n)
{
	char digits[UINT64_DIGITS];
	char *end = digits + sizeof(digits);
	char *begin = write_digits(end, n);
	buf_append(buf, (struct str){begin, (size_t)(end - begin)});
}

void buf_append_int(struct buf *buf, int64_t n)
{
	char digits[UINT64_DIGITS + 1];
	char *end = digits + sizeof(digits);
	/* Unsigned negation: -INT64_MIN is no int64_t. */
	char *begin = write_digits(end, n < 0 ? 0 - (uint64_t)n : (uint64_t)n);
	if (n < 0) {
		*--begin = '-';
	}
	buf_append(buf, (struct str){begin, (size_t)(end - begin)});
}
