/*
 * Indexes for substrings: a table of FTS5 without contents for each field of a resource's
 * `search`, made of the pieces of its folded texts (codec/grams.h). Whatever writes through the
 * store keeps them: what a request does to rows is noted by a hook, and written at the end of its
 * statements. docs/decisions/substring-search.md says why.
 *
 * Ownership: the store's. Threads: the writer's, but for the pieces. Errors: those of
 * sqlite_fail(). Limits: 16 MiB of notes for each index; above them it is made anew.
 */
#ifndef ROWLOCK_STORE_SQLITE_SEARCH_H
#define ROWLOCK_STORE_SQLITE_SEARCH_H

#define SQLITE_ENABLE_PREUPDATE_HOOK 1
#include <sqlite3.h>

#include "base/error.h"

struct sqlite_conn;
struct sqlite_search;
struct sqlite_versions;

/* All that the database has, whether the model names them or not. `conn` is the writer's; an index
 * whose last row is not the table's, since another program wrote there, is made anew. NULL when
 * that failed. */
struct sqlite_search *sqlite_search_create(struct sqlite_conn *conn,
										   struct sqlite_versions *versions, struct error *error);
void sqlite_search_destroy(struct sqlite_search *search);
/* Makes all indexes of the database anew, inside a transaction: no hook saw what changed its rows.
 */
bool sqlite_search_renew(struct sqlite_conn *conn, struct error *error);
/* Writes what was noted. When that fails the whole transaction has been rolled back. Accepts NULL,
 * as the next. */
bool sqlite_search_write(struct sqlite_search *search, struct sqlite_conn *conn,
						 struct error *error);
/* The statements have failed, and are undone. */
void sqlite_search_forget(struct sqlite_search *search);

/* ---- sqlite_search_grams.c ---- */

/* Teaches the connection to take texts apart; false when FTS5 refused. */
bool sqlite_search_add_grams(sqlite3 *db);

#endif
