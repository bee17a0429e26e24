#include "base/alloc.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

static void *check(void *memory, size_t count, size_t size)
{
	if (memory == NULL) {
		(void)fprintf(stderr, "rowlock: out of memory (%zu times %zu bytes)\n", count, size);
		abort();
	}
	return memory;
}

void *alloc_zeroed(size_t count, size_t size)
{
	return check(calloc(count > 0 ? count : 1, size > 0 ? size : 1), count, size);
}

void *alloc_bytes(size_t bytes)
{
	return check(malloc(bytes > 0 ? bytes : 1), 1, bytes);
}

void *alloc_resize(void *old, size_t count, size_t size)
{
	assert(count > 0 && size > 0);
	return check(reallocarray(old, count, size), count, size);
}
