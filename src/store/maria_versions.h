/*
 * What reads can know of writes without looking at rows, shared by all processes on one database:
 * counters in the table _rl_version, one for each resource, for 4,096 stripes of its rows (by a
 * hash of the first key field) and for writes that touched more than can be named. Every write
 * changes those that it touched, in its own transaction, as the last thing before COMMIT.
 *
 * A counter has 16 slots, so that writers seldom wait for each other: a write XORs a random number
 * into one of them, taken by chance. What all slots make together then tells exactly which writes
 * a snapshot holds, and never comes back; a database that is restored from a dump has the version
 * of that dump again. Counter 0 never changes: its slots tell this database from others, and
 * are the secret of those who can read it.
 *
 * A write that names its stripes (at most 64 for each resource) touches the resource's counter and
 * theirs; any other the resource's and the one for bulk. The same for tallies of the resource,
 * whose rows change by triggers. Nothing else changes: our tables have no cascades. A read depends
 * on what store/read_tables.h tells: with the first key field pinned by eq on its stripe and on
 * bulk, else on the resource's counter.
 *
 * Ownership: the caller's structs. Threads: the loop's, in a fiber, but maria_versions_open().
 * Errors: those of the store; what cannot be read is not known.
 * Limits: processes on one database have one order of bytes.
 */
#ifndef ROWLOCK_STORE_MARIA_VERSIONS_H
#define ROWLOCK_STORE_MARIA_VERSIONS_H

#include "store/maria_priv.h"

struct maria_counter {
	int64_t number;
	uint64_t n;
	bool found;
};

/* Begins as zeros. */
struct maria_counters {
	struct maria_counter *items; /* owned */
	size_t count;
	size_t room;
};

/* Accepts any, and leaves none in it. */
void maria_counters_finish(struct maria_counters *counters);

/* On a blocking connection. Makes the table when `make`; the caller sees to it that no other
 * program does so at the same time. *ret_secret is set when the table is there. */
bool maria_versions_open(MYSQL *db, bool make, bool *ret_there,
						 unsigned char ret_secret[STORE_SECRET_BYTES], struct error *error);

/* Adds what a query that has run may have changed. */
void maria_versions_touch(struct maria_counters *touched, const struct query *query,
						  const struct store_result *result);
/* COMMIT, with them changed; a plain COMMIT when the database has no versions or nothing was
 * touched. */
bool maria_versions_commit(struct maria_conn *conn, struct maria_counters *touched,
						   struct error *error);

/* Sets the result's version to that of the transaction's snapshot, if it can be known. False when
 * the connection is lost. */
bool maria_versions_read(struct maria_conn *conn, const struct query *query,
						 struct store_result *result, struct error *error);
/* See store_version_ask(). */
void maria_version_ask(struct store_session *session, struct store_version_request *request);

#endif
