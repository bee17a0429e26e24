/*
 * Regular expressions for match, imatch and `pattern`: PCRE2, UTF, with limits on what a match may
 * cost, so that no pattern can hold a thread.
 *
 * Ownership: a regex lives in the arena that it was compiled into.
 * Threads: a compiled regex may be used by many at once.
 * Errors: ERROR_REGEX (2201B) with the offset in the pattern.
 * Limits: REGEX_PATTERN_BYTES, REGEX_MATCH_LIMIT steps, REGEX_HEAP_KIB; a match ends after
 * 100 ms, or soon after when the text is of megabytes.
 */
#ifndef ROWLOCK_CODEC_REGEX_H
#define ROWLOCK_CODEC_REGEX_H

#include "base/arena.h"
#include "base/error.h"

enum { REGEX_PATTERN_BYTES = 4096, REGEX_MATCH_LIMIT = 100000, REGEX_HEAP_KIB = 1024 };

struct regex;

/* NULL with an error when it is no pattern. */
const struct regex *regex_compile(struct str pattern, bool caseless, struct arena *arena,
								  struct error *error);
enum regex_result { REGEX_NO, REGEX_YES, REGEX_TOO_COSTLY };
/* Does the pattern match anywhere in the text? Text that is not UTF-8 does not match. */
enum regex_result regex_matches(const struct regex *regex, struct str text);

#endif
