/*
 * Time zones: how far the clocks of a place are from UTC at a moment. From an offset, or from a
 * file of the system's time zone database (RFC 9636, TZif), with the rule at its end for the years
 * that it does not list.
 *
 * Ownership: a zone is plain data; its changes are in the arena, its rule is borrowed from the
 * file's bytes. Threads: plain functions; libc's own zone, which is the whole process's, is not
 * asked. Errors: false. Limits: whole minutes, as ISO 8601 writes them; seconds of the local times
 * of before time zones are cut off.
 */
#ifndef ROWLOCK_CODEC_ZONE_H
#define ROWLOCK_CODEC_ZONE_H

#include "base/arena.h"

/* From a second (since 1970, UTC) on so many seconds east of UTC. */
struct zone_change {
	int64_t at;
	int32_t offset;
};

struct zone {
	int32_t offset; /* seconds east of UTC before the first change */
	const struct zone_change *changes;
	size_t change_count;
	struct str rule; /* after the last change, as POSIX writes it in TZ; "": no more changes */
};

/* `UTC`, `GMT`, `+02`, `-05:30`, `+0200`: east of UTC is positive, at most 15:59. */
bool zone_from_offset(struct str text, struct zone *ret_zone);
/* From the bytes of a TZif file of version 2 or later, without leap seconds. */
bool zone_from_file(struct str bytes, struct arena *arena, struct zone *ret_zone);
/* Minutes east of UTC at a moment: microseconds since 1970. */
int zone_minutes(const struct zone *zone, int64_t moment);

#endif
