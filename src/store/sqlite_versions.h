/*
 * What reads can know of writes without looking at rows: a counter for each table, one for each of
 * 4,096 stripes of its rows (by a hash of the first key field), and one for writes that touched
 * more stripes than are worth naming. See base/version.h for how a counter moves.
 *
 * A write that can name its stripes (at most 64 in a group) moves the table's counter and theirs;
 * any other the table's and `bulk`. A read that pins the first key field by eq depends on its
 * stripe and `bulk`; any other on the table's counter; of every table in its tree. Stripes are kept
 * for strict tables whose first key field is an integer or a text that is compared by bytes:
 * elsewhere one value can be stored in many ways. A view depends on all.
 *
 * Ownership: the store's. Threads: the writer writes, everyone reads.
 * Errors: none. Limits: 32 KiB for each table with stripes.
 */
#ifndef ROWLOCK_STORE_SQLITE_VERSIONS_H
#define ROWLOCK_STORE_SQLITE_VERSIONS_H

#define SQLITE_ENABLE_PREUPDATE_HOOK 1
#include <sqlite3.h>

#include "base/map.h"
#include "base/version.h"
#include "query/query.h"

struct sqlite_table_version;

/* Is told of each row of a table before it changes; see sqlite3_preupdate_hook(). */
typedef void sqlite_watch(void *context, sqlite3 *db, int change, int64_t before, int64_t after);

struct sqlite_versions {
	struct map tables; /* name -> struct sqlite_table_version; does not change once it is made */
	struct sqlite_table_version *first;
	struct version any; /* of writes to anything */
	uint64_t seed[2];   /* of hashes */
	uint64_t start;     /* random: versions of another run are never the same */

	/* The writer's. */
	sqlite3 *db;
	uint64_t inserted;                           /* rows, not by triggers */
	bool touched;                                /* anything, since the last commit */
	struct sqlite_table_version *touched_tables; /* those of them that have counters */
	struct sqlite_table_version *last;           /* that was written */
};

/* `db` is the writer's connection, on which all tables exist. */
void sqlite_versions_init(struct sqlite_versions *versions, sqlite3 *db);
void sqlite_versions_finish(struct sqlite_versions *versions);
/* On the writer's connection, triggers and cascades included. */
void sqlite_versions_watch(struct sqlite_versions *versions, struct str table, sqlite_watch *watch,
						   void *context);
/* Around COMMIT. After a rollback nothing needs to be done: to forget is to be careful. */
void sqlite_versions_begin(struct sqlite_versions *versions);
void sqlite_versions_end(struct sqlite_versions *versions);
/* See store_version_ask(). */
bool sqlite_versions_of(const struct sqlite_versions *versions, const struct query *query,
						uint64_t *ret_version);

#endif
