/*
 * Memory from the heap. Running out of it ends the process with a message: nobody below could do
 * better, and what clients can make grow has a limit of its own.
 *
 * Ownership: the caller's, until free(). Threads: all. Errors: none; out of memory aborts.
 * Limits: the callers'.
 */
#ifndef ROWLOCK_BASE_ALLOC_H
#define ROWLOCK_BASE_ALLOC_H

#include <stddef.h>

/* `count` times `size` zeroed bytes; never NULL. */
void *alloc_zeroed(size_t count, size_t size) __attribute__((returns_nonnull));
/* Uninitialised bytes; never NULL. */
void *alloc_bytes(size_t bytes) __attribute__((returns_nonnull));
/* realloc() to `count` times `size` bytes, both above 0. */
void *alloc_resize(void *old, size_t count, size_t size) __attribute__((returns_nonnull));

#endif
