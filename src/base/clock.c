#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

static uint64_t system_monotonic_ns(const struct clock *clock)
{
	struct timespec now;
	(void)clock;
	int result = clock_gettime(CLOCK_MONOTONIC, &now);
	assert(result == 0);
	(void)result;
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int64_t system_wall_us(const struct clock *clock)
{
	struct timespec now;
	(void)clock;
	int result = clock_gettime(CLOCK_REALTIME, &now);
	assert(result == 0);
	(void)result;
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

const struct clock clock_system = {
	.monotonic_ns = system_monotonic_ns,
	.wall_us = system_wall_us,
};

void random_bytes(void *ret_bytes, size_t count)
{
	char *next = ret_bytes;
	while (count > 0) {
		ssize_t got = getrandom(next, count, 0);
		if (got < 0) {
			if (errno == EINTR) {
				continue;
			}
			/* Keys and tokens come from here: no randomness is no service. */
			perror("rowlock: getrandom");
			abort();
		}
		next += got;
		count -= (size_t)got;
	}
}
