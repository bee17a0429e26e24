/*
 * The keys of a service as they change while it runs: those of files and secrets, which stay, and
 * sets that are fetched by address, which come and are replaced.
 *
 * What is in use at one moment is an immutable struct key_set. Whoever checks tokens holds one, and
 * looks at a number to see that there is a newer one; so nothing is locked while requests run.
 *
 * Ownership: key_ring_init() to key_ring_finish(); sets are counted.
 * Threads: all; key_ring_put() is called by one at a time. Errors: problems in a report.
 * Limits: those of key.h, for all keys together; KEY_FILE_BYTES a set.
 */
#ifndef ROWLOCK_AUTH_KEY_RING_H
#define ROWLOCK_AUTH_KEY_RING_H

#include <pthread.h>
#include <stdatomic.h>

#include "auth/key.h"
#include "base/buf.h"

struct key_set {
	_Atomic size_t references;
	struct keys keys;
	uint64_t number; /* grows with each set of a ring */
	bool complete;   /* every set that is fetched has come once */
};

struct key_source {
	const struct auth_key_source *config;
	struct buf body; /* under lock: the JSON text of the last good set; empty: none came yet */
};

struct key_ring {
	struct keys fixed; /* of files and secrets */
	struct key_source sources[AUTH_KEYS_MAX];
	size_t source_count; /* sets that are fetched */
	pthread_mutex_t lock;
	struct key_set *current; /* under lock */
	_Atomic uint64_t number; /* of `current` */
	_Atomic bool wanted;     /* a token named a key that is not there; reset by who fetches */
};

bool key_ring_init(struct key_ring *ring, const struct auth_config *config,
				   struct model_report *report);
/* Accepts one that is zeroed. */
void key_ring_finish(struct key_ring *ring);
/* The newest set, with a reference for the caller. */
struct key_set *key_ring_take(struct key_ring *ring);
void key_set_unref(struct key_set *set);
static inline bool key_ring_is_newer(const struct key_ring *ring, const struct key_set *set)
{
	return atomic_load_explicit(&ring->number, memory_order_acquire) != set->number;
}
bool key_ring_is_complete(struct key_ring *ring);
/* A set was fetched. False, after a report, when a key in it cannot be used: all stays as it was.
 * *ret_new: it is another one than before. */
bool key_ring_put(struct key_ring *ring, size_t source, struct str json, bool *ret_new,
				  struct model_report *report);
/* Takes over what another state of the service file has fetched from the same addresses. */
void key_ring_inherit(struct key_ring *ring, struct key_ring *from);

#endif
