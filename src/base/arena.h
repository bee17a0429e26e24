/*
 * Memory that is given back all at once: one arena a request, one a loaded service file.
 *
 * Ownership: what an arena hands out lives until arena_reset() or arena_finish().
 * Threads: one at a time. Errors: none; out of memory aborts. Limits: the callers'.
 */
#ifndef ROWLOCK_BASE_ARENA_H
#define ROWLOCK_BASE_ARENA_H

#include "base/str.h"

struct arena_block;

struct arena {
	struct arena_block *current; /* owned: newest block, linked to the older ones */
	char *next;                  /* first free byte of the newest block */
	char *end;
	size_t block_bytes; /* size of an ordinary block */
};

/* No memory is taken before the first allocation. */
void arena_init(struct arena *arena, size_t block_bytes);
void arena_finish(struct arena *arena);
/* Forgets all allocations; keeps one ordinary block for the next use. */
void arena_reset(struct arena *arena);

/* Zeroed bytes, aligned for any type. A size of 0 gives a valid pointer. */
void *arena_alloc(struct arena *arena, size_t bytes);
/* Zeroed array; aborts when count * size overflows. */
void *arena_array(struct arena *arena, size_t count, size_t size);
#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, count, type) ((type *)arena_array((arena), (count), sizeof(type)))
/* Uninitialised bytes without alignment, for text. */
char *arena_bytes(struct arena *arena, size_t bytes);
/* A copy of the text; a NUL follows it. */
struct str arena_copy(struct arena *arena, struct str s);
struct str arena_printf(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
