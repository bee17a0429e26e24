/*
 * DESIGN. A bump allocator over a list of blocks, newest first. `next` and `end` of the arena are
 * those of the newest block, so that the common allocation is a comparison and an addition. What is
 * larger than a quarter of an ordinary block gets a block of its own, put *behind* the newest one,
 * so that the room left in that is not lost.
 *
 * Under AddressSanitizer the free room of each block is poisoned, and a few bytes stay so between
 * two allocations: writing past the end of one is found as if it were malloc's.
 */
#include "base/arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif

#if defined(ARENA_ASAN)
#include <sanitizer/asan_interface.h>
#define POISON(ptr, bytes) ASAN_POISON_MEMORY_REGION((ptr), (bytes))
#define UNPOISON(ptr, bytes) ASAN_UNPOISON_MEMORY_REGION((ptr), (bytes))
enum { REDZONE_BYTES = 16 };
#else
#define POISON(ptr, bytes) ((void)(ptr), (void)(bytes))
#define UNPOISON(ptr, bytes) ((void)(ptr), (void)(bytes))
enum { REDZONE_BYTES = 0 };
#endif

#define ALIGNMENT _Alignof(max_align_t)

enum { BLOCK_LEAST_BYTES = 256 };

struct arena_block {
	struct arena_block *older;
	size_t bytes; /* of data */
	_Alignas(max_align_t) char data[];
};

static struct arena_block *block_create(size_t bytes)
{
	struct arena_block *block = NULL;
	if (bytes <= SIZE_MAX - sizeof(*block)) {
		block = malloc(sizeof(*block) + bytes);
	}
	if (block == NULL) {
		(void)fprintf(stderr, "rowlock: out of memory (%zu bytes)\n", bytes);
		abort();
	}
	block->older = NULL;
	block->bytes = bytes;
	POISON(block->data, bytes);
	return block;
}

static void block_destroy(struct arena_block *block)
{
	UNPOISON(block->data, block->bytes);
	free(block);
}

static void use_block(struct arena *arena, struct arena_block *block)
{
	arena->current = block;
	arena->next = block->data;
	arena->end = block->data + block->bytes;
}

void arena_init(struct arena *arena, size_t block_bytes)
{
	if (block_bytes < BLOCK_LEAST_BYTES) {
		block_bytes = BLOCK_LEAST_BYTES;
	}
	*arena = (struct arena){.block_bytes = block_bytes};
}

void arena_finish(struct arena *arena)
{
	if (arena == NULL) {
		return;
	}
	for (struct arena_block *block = arena->current, *older; block != NULL; block = older) {
		older = block->older;
		block_destroy(block);
	}
	arena->current = NULL;
	arena->next = NULL;
	arena->end = NULL;
}

void arena_reset(struct arena *arena)
{
	struct arena_block *kept = NULL;
	for (struct arena_block *block = arena->current, *older; block != NULL; block = older) {
		older = block->older;
		if (kept == NULL && block->bytes == arena->block_bytes) {
			kept = block;
		} else {
			block_destroy(block);
		}
	}
	arena->current = NULL;
	arena->next = NULL;
	arena->end = NULL;
	if (kept != NULL) {
		kept->older = NULL;
		POISON(kept->data, kept->bytes);
		use_block(arena, kept);
	}
}

/* `bytes` counts the red zone. */
static char *take_from_new_block(struct arena *arena, size_t bytes)
{
	if (bytes > arena->block_bytes / 4) {
		struct arena_block *block = block_create(bytes);
		if (arena->current == NULL) {
			use_block(arena, block);
			arena->next = arena->end;
		} else {
			block->older = arena->current->older;
			arena->current->older = block;
		}
		return block->data;
	}
	struct arena_block *block = block_create(arena->block_bytes);
	block->older = arena->current;
	use_block(arena, block);
	arena->next = block->data + bytes;
	return block->data;
}

static inline char *take(struct arena *arena, size_t bytes, size_t padding)
{
	size_t room = (size_t)(arena->end - arena->next);
	char *taken;
	size_t margin = padding + REDZONE_BYTES;
	if (margin <= room && bytes <= room - margin) {
		taken = arena->next + padding;
		arena->next = taken + bytes + REDZONE_BYTES;
	} else {
		/* Nobody has so much memory; it keeps the additions below from wrapping. */
		if (bytes > PTRDIFF_MAX - ALIGNMENT - REDZONE_BYTES) {
			bytes = PTRDIFF_MAX;
		}
		taken = take_from_new_block(arena, bytes + REDZONE_BYTES);
	}
	UNPOISON(taken, bytes);
	return taken;
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
	size_t padding = (size_t)(-(uintptr_t)arena->next & (ALIGNMENT - 1));
	/* A pointer to nothing must still be a pointer of its own. */
	char *taken = take(arena, bytes == 0 ? 1 : bytes, padding);
	return memset(taken, 0, bytes);
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
	size_t bytes;
	if (__builtin_mul_overflow(count, size, &bytes)) {
		(void)fprintf(stderr, "rowlock: out of memory (%zu times %zu bytes)\n", count, size);
		abort();
	}
	return arena_alloc(arena, bytes);
}

char *arena_bytes(struct arena *arena, size_t bytes)
{
	return take(arena, bytes == 0 ? 1 : bytes, 0);
}

struct str arena_copy(struct arena *arena, struct str s)
{
	assert(s.len < SIZE_MAX);
	char *copy = take(arena, s.len + 1, 0);
	if (s.len > 0) {
		memcpy(copy, s.ptr, s.len);
	}
	copy[s.len] = '\0';
	return (struct str){copy, s.len};
}

struct str arena_printf(struct arena *arena, const char *format, ...)
{
	va_list arguments;
	char small[256];

	va_start(arguments, format);
	int len = vsnprintf(small, sizeof(small), format, arguments);
	va_end(arguments);
	assert(len >= 0);
	if ((size_t)len < sizeof(small)) {
		return arena_copy(arena, (struct str){small, (size_t)len});
	}

	char *text = take(arena, (size_t)len + 1, 0);
	va_start(arguments, format);
	int again = vsnprintf(text, (size_t)len + 1, format, arguments);
	va_end(arguments);
	assert(again == len);
	return (struct str){text, (size_t)len};
}
