/*
 * Counters of requests and their latency, and all of a service's numbers as Prometheus text
 * (exposition format 0.0.4).
 *
 * Ownership: stats belong to a binding or loop.
 * Threads: written by their loop with relaxed atomics, read by any. Errors: none. Limits: none.
 */
#ifndef ROWLOCK_API_METRICS_H
#define ROWLOCK_API_METRICS_H

#include <stdatomic.h>

#include "base/buf.h"

enum {
	METRICS_STATUSES = 500, /* 100 to 599 */
	METRICS_BUCKETS = 16    /* 50 us, doubled each time; the last one is open */
};

struct operation_stats {
	_Atomic uint64_t statuses[METRICS_STATUSES];
	_Atomic uint64_t buckets[METRICS_BUCKETS];
	_Atomic uint64_t sum_us;
};

/* Own loop only. A status of 0 (the connection was lost) counts as 499. */
void metrics_count(struct operation_stats *stats, int status, uint64_t micros);

struct api;
/* All numbers of the service, over all loops. */
void metrics_write(struct api *api, struct buf *text);

#endif
