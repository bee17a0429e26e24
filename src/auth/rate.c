#include "auth/rate.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/map.h"
#include "model/auth_config.h"

enum { WAYS = 8, GROUPS = RATE_CALLERS / WAYS, LOCKS = 64 };

#define SECOND_NS UINT64_C(1000000000)

struct bucket {
	uint64_t caller[2]; /* hash */
	uint64_t full_ns;   /* when nothing would be missing; 0: free */
};

struct rate {
	uint64_t seeds[2][2];
	pthread_mutex_t locks[LOCKS];
	struct bucket groups[GROUPS][WAYS];
};

struct rate *rate_create(void)
{
	struct rate *rate = alloc_zeroed(1, sizeof(*rate));
	random_bytes(rate->seeds, sizeof(rate->seeds));
	for (size_t i = 0; i < LOCKS; i++) {
		pthread_mutex_init(&rate->locks[i], NULL);
	}
	return rate;
}

void rate_destroy(struct rate *rate)
{
	if (rate == NULL) {
		return;
	}
	for (size_t i = 0; i < LOCKS; i++) {
		pthread_mutex_destroy(&rate->locks[i]);
	}
	free(rate);
}

/* The caller's bucket, or the one that it takes over. */
static struct bucket *find(struct bucket *group, const uint64_t caller[2])
{
	struct bucket *quiet = &group[0];
	for (size_t i = 0; i < WAYS; i++) {
		if (group[i].caller[0] == caller[0] && group[i].caller[1] == caller[1]) {
			return &group[i];
		}
		if (group[i].full_ns < quiet->full_ns) {
			quiet = &group[i];
		}
	}
	*quiet = (struct bucket){{caller[0], caller[1]}, 0};
	return quiet;
}

bool rate_take(struct rate *rate, const struct auth_config *config, struct str caller,
			   uint64_t now_ns, uint64_t *ret_wait_s, struct error *error)
{
	const uint64_t hash[2] = {
		siphash(rate->seeds[0], caller.ptr, caller.len),
		siphash(rate->seeds[1], caller.ptr, caller.len),
	};
	/* At most 3,600 s, and a million of them: both fit. */
	uint64_t each_ns = (uint64_t)config->rate_period_s * SECOND_NS /
		(uint64_t)config->rate_requests;
	uint64_t most_ns = each_ns * (uint64_t)config->rate_burst;
	size_t group = hash[0] % GROUPS;
	pthread_mutex_t *lock = &rate->locks[group % LOCKS];
	pthread_mutex_lock(lock);
	struct bucket *bucket = find(rate->groups[group], hash);
	uint64_t full_ns = (bucket->full_ns > now_ns ? bucket->full_ns : now_ns) + each_ns;
	bool good = full_ns - now_ns <= most_ns;
	if (good) {
		bucket->full_ns = full_ns;
	}
	pthread_mutex_unlock(lock);
	if (!good) {
		*ret_wait_s = (full_ns - now_ns - most_ns + SECOND_NS - 1) / SECOND_NS;
		error_set(error, ERROR_RATE, NULL);
		return error_hint(error, "Retry-After says in how many seconds");
	}
	return true;
}
