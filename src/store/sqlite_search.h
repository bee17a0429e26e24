/*
 * Indexes for substrings: a table of FTS5 without contents for each field of a resource's
 * `search`, made of the pieces of its folded texts (codec/grams.h). Whatever writes through the
 * store keeps them: rows that are appended are the index's tail until it reads them; what a request
 * does to other rows is noted by a hook, and written at the end of its statements.
 * docs/decisions/substring-search.md says why.
 *
 * Ownership: the store's. Threads: the writer's, but for the pieces. Errors: those of
 * sqlite_fail(), or false, of which sqlite_fail() knows. Limits: 16 MiB of notes for each index,
 * above which it is made anew; SEARCH_TAIL_ROWS.
 */
#ifndef ROWLOCK_STORE_SQLITE_SEARCH_H
#define ROWLOCK_STORE_SQLITE_SEARCH_H

#define SQLITE_ENABLE_PREUPDATE_HOOK 1
#include <sqlite3.h>

#include "base/error.h"

struct sqlite_conn;
struct sqlite_search;
struct sqlite_versions;

/* Appended by one group; more are left to sqlite_search_move(). */
enum { SEARCH_TAIL_ROWS = 256 };

/* All that the database has, whether the model names them or not. `conn` is the writer's; an index
 * that cannot be the table's, since another program wrote there, forgets all. NULL when that
 * failed. */
struct sqlite_search *sqlite_search_create(struct sqlite_conn *conn,
										   struct sqlite_versions *versions, struct error *error);
void sqlite_search_destroy(struct sqlite_search *search);
/* Empties all indexes of the database, inside a transaction: no hook saw what changed its rows. The
 * next store that opens it reads them again. */
bool sqlite_search_renew(struct sqlite_conn *conn, struct error *error);
/* Around the requests of a transaction, right behind BEGIN and before COMMIT. These, and all that
 * follow, but for the last, accept NULL. */
bool sqlite_search_begin_group(struct sqlite_search *search, struct sqlite_conn *conn);
bool sqlite_search_end_group(struct sqlite_search *search, struct sqlite_conn *conn);
/* Before the statements of one query. */
bool sqlite_search_begin(struct sqlite_search *search, struct sqlite_conn *conn,
						 struct error *error);
/* Writes what was noted. When that fails the whole transaction has been rolled back. */
bool sqlite_search_write(struct sqlite_search *search, struct sqlite_conn *conn,
						 struct error *error);
/* The statements have failed, and are undone. */
void sqlite_search_forget(struct sqlite_search *search);
/* Is there a tail to be read, or may be? */
bool sqlite_search_is_behind(const struct sqlite_search *search);
typedef bool sqlite_search_stop(void *context);
/* Inside a transaction of its own: reads tails, until `stop` returns true. Answers and their
 * versions stay as they are. */
bool sqlite_search_move(struct sqlite_search *search, struct sqlite_conn *conn,
						sqlite_search_stop *stop, void *context);
/* After many rows were read, makes searches faster, in the same way. */
bool sqlite_search_is_unmerged(const struct sqlite_search *search);
bool sqlite_search_merge(struct sqlite_search *search, struct sqlite_conn *conn,
						 sqlite_search_stop *stop, void *context);

/* ---- sqlite_search_grams.c ---- */

/* Teaches the connection to take texts apart; false when FTS5 refused. */
bool sqlite_search_add_grams(sqlite3 *db);

#endif
