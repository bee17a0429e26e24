/*
 * What a client asks for in `Prefer` fields (RFC 7240), in PostgREST's words.
 *
 * Ownership: texts are borrowed from the request; the zone is arena. Threads: plain data.
 * Errors: ERROR_PREFERENCES for words that are not known, with handling=strict (else they are
 * ignored, as the RFC says); ERROR_TIME_ZONE. Limits: a zone's file of ZONE_FILE_BYTES.
 */
#ifndef ROWLOCK_API_PREFERENCES_H
#define ROWLOCK_API_PREFERENCES_H

#include "base/error.h"
#include "codec/zone.h"
#include "http/http.h"

enum { ZONE_FILE_BYTES = 16384 };

enum prefer_kind {
	PREFER_RESOLUTION,
	PREFER_MISSING,
	PREFER_RETURN,
	PREFER_COUNT,
	PREFER_TX,
	PREFER_HANDLING,
	PREFER_TIMEZONE,
	PREFER_MAX_AFFECTED,
	PREFER_KINDS,
};

/* Of the first five and handling: which word. */
enum prefer_word {
	PREFER_UNSET,
	RESOLUTION_MERGE_DUPLICATES,
	RESOLUTION_IGNORE_DUPLICATES,
	MISSING_DEFAULT,
	MISSING_NULL,
	RETURN_REPRESENTATION,
	RETURN_MINIMAL,
	RETURN_HEADERS_ONLY,
	COUNT_EXACT,
	COUNT_PLANNED,
	COUNT_ESTIMATED,
	TX_COMMIT,
	TX_ROLLBACK,
	HANDLING_STRICT,
	HANDLING_LENIENT,
};

struct preferences {
	enum prefer_word words[PREFER_KINDS];
	struct str texts[PREFER_KINDS]; /* as given, `kind=value`; "" when it was not */
	const struct zone *zone;        /* NULL: none was given */
	uint64_t max_affected;          /* UINT64_MAX: not given, or not strict */
};

/* Of equal kinds the first counts, over comma lists and repeated fields. */
bool preferences_read(const struct http_request *request, struct arena *arena,
					  struct preferences *ret_preferences, struct error *error);
/* The value of Preference-Applied, for the kinds of the bit set `applied`;
"" when none was given. */
void preferences_applied(const struct preferences *preferences, unsigned int applied,
						 struct buf *text);

static inline bool prefers(const struct preferences *preferences, enum prefer_kind kind,
						   enum prefer_word word)
{
	return preferences->words[kind] == word;
}

#endif
