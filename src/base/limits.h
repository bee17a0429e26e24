/*
 * Every limit that protects the server from its clients, with its default. One struct is filled at
 * start from the service file's `limits:` and handed down; nobody invents a number elsewhere.
 *
 * Ownership, Threads: plain data, not changed while the server runs.
 * Errors: limits_set() refuses a value outside [min, max]. Limits: it is them.
 */
#ifndef ROWLOCK_BASE_LIMITS_H
#define ROWLOCK_BASE_LIMITS_H

#include "base/error.h"

#define KIB(n) ((uint64_t)(n) << 10)
#define MIB(n) ((uint64_t)(n) << 20)

/* X(name, default, min, max, what it limits); the unit stands last in the name. */
#define LIMITS_TABLE(X)                                                                            \
	X(loops, 0, 0, 256, "network loops; 0 is one per core")                                        \
	X(request_line_bytes, KIB(16), 64, MIB(1), "method, target and version")                       \
	X(header_bytes, KIB(32), 256, MIB(1), "all header fields of a request")                        \
	X(header_fields, 100, 4, 1000, "header fields of a request")                                   \
	X(body_bytes, MIB(1), 1, MIB(1024), "body of a request")                                       \
	X(bulk_bytes, MIB(64), 1, MIB(65536), "body of CSV or NDJSON rows")                            \
	X(json_depth, 64, 1, 512, "nesting of JSON in a body")                                         \
	X(filter_terms, 1000, 1, 100000, "conditions of a query")                                      \
	X(filter_depth, 64, 1, 64, "nesting of conditions")                                            \
	X(in_items, 10000, 1, 1000000, "values of one in.(...)")                                       \
	X(embed_depth, 8, 0, 64, "nesting of embedded resources")                                      \
	X(aggregates, 1, 0, 1, "use of aggregate functions (on, off)")                                 \
	X(rollback, 0, 0, 1, "use of Prefer: tx=rollback (on, off)")                                   \
	X(server_timing, 0, 0, 1, "Server-Timing in every answer (on, off)")                           \
	X(insert_rows, 100000, 1, 10000000, "rows of one insert")                                      \
	X(answer_rows, 0, 0, INT64_MAX, "rows of one answer; 0 is no limit")                           \
	X(inline_read_us, 2000, 1, 1000000, "time of a read on a loop before it moves to a worker")    \
	X(inline_read_bytes, KIB(256), 1, MIB(64), "output of a read on a loop before it moves")       \
	X(read_ms, 5000, 1, 3600000, "time of a read until its first row")                             \
	X(write_ms, 10000, 1, 3600000, "time of a write, queueing counted")                            \
	X(bulk_ms, 600000, 1, 86400000, "time of a write of CSV or NDJSON rows")                       \
	X(workers, 4, 1, 64, "threads for slow reads, and their connections")                          \
	X(read_queue, 1024, 1, 1000000, "slow reads that wait for a worker")                           \
	X(write_queue, 65536, 1, 1000000, "writes that wait for the writer")                           \
	X(group_writes, 256, 1, 100000, "writes committed together")                                   \
	X(wal_bytes, MIB(256), MIB(1), MIB(65536), "write-ahead log before the oldest stream is cut")  \
	X(memory_bytes, MIB(256), MIB(1), MIB(65536), "bodies, answers and queues of the process")     \
	X(header_ms, 10000, 1, 3600000, "time for a request header to arrive")                         \
	X(body_ms, 60000, 1, 3600000, "time for a request body to arrive")                             \
	X(body_bytes_per_s, 1024, 0, MIB(1024), "least rate of a body, after its first 5 seconds")     \
	X(idle_ms, 60000, 1, 86400000, "time between two requests of a connection")                    \
	X(stalled_ms, 30000, 1, 3600000, "time that a reader may take none of its answer")             \
	X(drain_ms, 10000, 0, 3600000, "time for requests to end when the server stops")               \
	X(database_connections, 8, 1, 1000, "connections of a loop to a database server")              \
	X(database_queue, 4096, 1, 1000000, "requests of a loop that wait for such a connection")      \
	X(link_lease_ms, 30000, 100, 86400000, "age of a hold when its user is asked about it")        \
	X(cache_bytes, MIB(64), KIB(64), MIB(65536), "answers that are kept in memory")                \
	X(connections, 16384, 1, 1000000, "open connections of the process")

struct limits {
#define X(name, value, min, max, what) uint64_t name;
	LIMITS_TABLE(X)
#undef X
};

void limits_init(struct limits *limits);
/* Sets one by name. False (ERROR_CONFIG, with a hint naming the nearest name or the range) when
 * the name is not known or the value is out of range. */
bool limits_set(struct limits *limits, struct str name, int64_t value, struct error *error);

#endif
