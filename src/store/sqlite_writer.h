/*
 * The one thread that writes (sqlite_writer.c), and what it does for one request (sqlite_write.c).
 *
 * Ownership: the store's. Threads: as the queue's mutex says. Errors: those of sqlite_fail(); a
 * failed sync ends the program. Limits: those of the queue.
 */
#ifndef ROWLOCK_STORE_SQLITE_WRITER_H
#define ROWLOCK_STORE_SQLITE_WRITER_H

#include "store/sqlite_conn.h"
#include "store/sqlite_queue.h"
#include "store/store.h"

struct sqlite_writer {
	struct sqlite_store *store;
	struct sqlite_conn conn;
	uint64_t expires_ms; /* of the request under way; UINT64_MAX: none */
	uint64_t page_bytes;
	uint64_t wal_pages; /* in the WAL, as of the last commit */
	uint64_t new_pages; /* committed since the last checkpoint */
	bool behind;        /* the last checkpoint could not copy all */
	bool settled;       /* there was no commit since the last checkpoint */
	bool held;          /* a snapshot keeps the WAL from beginning anew */
	bool behind_marks;  /* indexes for substrings have tails to be read */
	bool unmerged;      /* they would be faster were they merged */

	struct sqlite_queue queue;
	uint64_t checkpoints; /* under queue.mutex */
	uint64_t wal_bytes;   /* the same */
};

/* writer->conn is open. No thread is started before the first write, unless there is work left. */
void sqlite_writer_init(struct sqlite_writer *writer, struct sqlite_store *store);
/* Copies the WAL into the database file and empties it. */
bool sqlite_writer_settle(struct sqlite_writer *writer, struct error *error);
/* Writes what is queued, then ends the thread. */
void sqlite_writer_finish(struct sqlite_writer *writer);
/* Copies the numbers and the length of the queue. */
void sqlite_writer_stats(struct sqlite_writer *writer, struct store_stats *ret_stats);
void sqlite_writer_submit(struct sqlite_store *store, struct store_request *request);
/* sqlite_write.c: one request, inside the writer's transaction. False: it left no trace, unless
 * the whole transaction has ended with it. */
bool sqlite_write(struct sqlite_conn *conn, const struct sqlite_store *store,
				  struct store_request *request);
/* See store_transaction_run(). */
bool sqlite_transaction_run(struct store_transaction *transaction, const struct query *query,
							struct buf *body, struct store_result *ret_result, struct error *error);

#endif
