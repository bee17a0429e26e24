/*
 * A counter that is even while what it counts is settled and odd while a commit is under way, so
 * that a reader can tell whether what it read before and after belongs to one state.
 *
 * Ownership: the caller's. Threads: one writer, any number of readers. Errors: none. Limits: 2^64.
 */
#ifndef ROWLOCK_BASE_VERSION_H
#define ROWLOCK_BASE_VERSION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct version {
	_Atomic uint64_t n;
};

/* Before COMMIT: even to odd. Doing it twice is the same as once. */
void version_begin(struct version *version);
/* After COMMIT or ROLLBACK: odd to the next even number. */
void version_end(struct version *version);
/* Loaded before a snapshot is taken. */
uint64_t version_load(const struct version *version);
static inline bool version_settled(uint64_t n)
{
	return (n & 1) == 0;
}

#endif
