/*
 * DESIGN. What PCRE2 takes while it compiles comes from the arena and is never given back. What one
 * match takes (its contexts, its data, its first frames) comes from a buffer on the stack: no match
 * shares anything that is written, and the common one does not touch the heap. Only a match that
 * goes deep takes more, up to REGEX_HEAP_KIB, and gives it back at its end.
 *
 * PCRE2's limit on steps begins anew at each place of the text where a match may begin, and a step
 * may read all that is left of the text: alone it would let \w+\s spend minutes on a long word. So
 * PCRE2 also calls watch() before each item of the pattern, and watch() looks at the clock.
 *
 * A pattern means what it means in PostgreSQL where both have it: the dot matches every character,
 * a dollar only the end of the text, and \w, \d and the like are those of Unicode.
 */
#include "codec/regex.h"

#include <stddef.h>
#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "codec/utf8.h"

/* PCRE2 begins with frames of 20 KiB; the rest is for its contexts. */
enum { SCRATCH_BYTES = 24 * 1024, PARENS_DEPTH = 100 };
/* Steps between two looks at the clock. */
enum { STEPS_UNWATCHED = 64, MATCH_MS = 100 };

struct regex {
	pcre2_code *code; /* arena */
};

struct watch {
	uint64_t steps;
	uint64_t end_ns; /* 0 before the clock was first asked */
};

struct scratch {
	size_t used;
	_Alignas(max_align_t) char bytes[SCRATCH_BYTES];
};

static void *take_from_arena(size_t bytes, void *arena)
{
	return arena_alloc(arena, bytes);
}

static void leave_in_arena(void *memory, void *arena)
{
	(void)memory;
	(void)arena;
}

static void *take_from_scratch(size_t bytes, void *context)
{
	struct scratch *scratch = context;
	size_t room = SCRATCH_BYTES - scratch->used;
	if (bytes > room) {
		return alloc_bytes(bytes);
	}
	void *taken = scratch->bytes + scratch->used;
	size_t rounded = (bytes + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
	scratch->used += rounded < room ? rounded : room;
	return taken;
}

static void give_back(void *memory, void *context)
{
	const struct scratch *scratch = context;
	uintptr_t offset = (uintptr_t)memory - (uintptr_t)scratch->bytes;
	if (offset >= SCRATCH_BYTES) {
		free(memory);
	}
}

/* Called before each item of the pattern is tried. */
static int watch(pcre2_callout_block *block, void *context)
{
	struct watch *watch = context;
	(void)block;
	if (++watch->steps % STEPS_UNWATCHED != 0) {
		return 0;
	}
	uint64_t now = clock_system.monotonic_ns(&clock_system);
	if (watch->end_ns == 0) {
		watch->end_ns = now + MATCH_MS * UINT64_C(1000000);
	}
	return now < watch->end_ns ? 0 : PCRE2_ERROR_CALLOUT;
}

const struct regex *regex_compile(struct str pattern, bool caseless, struct arena *arena,
								  struct error *error)
{
	if (pattern.len > REGEX_PATTERN_BYTES) {
		error_set_at(error, ERROR_REGEX, REGEX_PATTERN_BYTES,
					 "invalid regular expression: it is longer than %d bytes", REGEX_PATTERN_BYTES);
		return NULL;
	}
	size_t at = utf8_check(pattern);
	if (at != pattern.len) {
		error_set_at(error, ERROR_REGEX, at, "invalid regular expression: it is not UTF-8");
		return NULL;
	}

	/* \C could split a character. */
	uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_NO_UTF_CHECK | PCRE2_DOTALL |
		PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C | PCRE2_AUTO_CALLOUT;
	if (caseless) {
		options |= PCRE2_CASELESS;
	}
	/* Neither of the two can fail: the arena always gives. */
	pcre2_general_context *memory = pcre2_general_context_create(take_from_arena, leave_in_arena,
																 arena);
	pcre2_compile_context *context = pcre2_compile_context_create(memory);
	(void)pcre2_set_parens_nest_limit(context, PARENS_DEPTH);

	int code;
	pcre2_code *compiled = pcre2_compile((PCRE2_SPTR)(pattern.len > 0 ? pattern.ptr : ""),
										 pattern.len, options, &code, &at, context);
	if (compiled == NULL) {
		PCRE2_UCHAR message[128];
		(void)pcre2_get_error_message(code, message, sizeof(message));
		error_set_at(error, ERROR_REGEX, at < pattern.len ? at : pattern.len,
					 "invalid regular expression: %s", (const char *)message);
		return NULL;
	}
	struct regex *regex = ARENA_NEW(arena, struct regex);
	regex->code = compiled;
	return regex;
}

enum regex_result regex_matches(const struct regex *regex, struct str text)
{
	if (utf8_check(text) != text.len) {
		return REGEX_NO;
	}
	struct scratch scratch;
	scratch.used = 0;
	pcre2_general_context *memory = pcre2_general_context_create(take_from_scratch, give_back,
																 &scratch);
	pcre2_match_context *context = pcre2_match_context_create(memory);
	/* One pair of offsets: nobody asks where the groups are. */
	pcre2_match_data *data = pcre2_match_data_create(1, memory);
	(void)pcre2_set_match_limit(context, REGEX_MATCH_LIMIT);
	(void)pcre2_set_depth_limit(context, REGEX_MATCH_LIMIT);
	(void)pcre2_set_heap_limit(context, REGEX_HEAP_KIB);
	struct watch watched = {0};
	(void)pcre2_set_callout(context, watch, &watched);

	int count = pcre2_match(regex->code, (PCRE2_SPTR)(text.len > 0 ? text.ptr : ""), text.len, 0,
							PCRE2_NO_UTF_CHECK, data, context);
	pcre2_match_data_free(data);
	pcre2_match_context_free(context);
	pcre2_general_context_free(memory);
	if (count == PCRE2_ERROR_NOMATCH) {
		return REGEX_NO;
	}
	/* The errors that are left: a limit was reached, or a recursion has no end. */
	return count >= 0 ? REGEX_YES : REGEX_TOO_COSTLY;
}
