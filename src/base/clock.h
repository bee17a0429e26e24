/*
 * Time and randomness behind one small interface, so that tests can replay a run.
 *
 * Ownership: the caller's. Threads: the system clock and random_bytes() may be used by all.
 * Errors: none. Limits: none.
 */
#ifndef ROWLOCK_BASE_CLOCK_H
#define ROWLOCK_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

struct clock {
	uint64_t (*monotonic_ns)(const struct clock *clock); /* never goes back */
	int64_t (*wall_us)(const struct clock *clock);       /* UTC since 1970 */
};

extern const struct clock clock_system;

/* From the kernel's generator; never blocks once the machine is up. */
void random_bytes(void *ret_bytes, size_t count);

#endif
