/*
 * What a request has done to one column that has an index of its own: which rows it wrote, and what
 * stood in them before. A row is noted once, with what the index knows of it.
 *
 * Ownership: init/finish on the caller's memory. Threads: one at a time.
 * Errors: none. Limits: above max_bytes all is dropped and `full` is set.
 */
#ifndef ROWLOCK_STORE_SEARCH_NOTES_H
#define ROWLOCK_STORE_SEARCH_NOTES_H

#include "base/buf.h"

/* Rows by their numbers, both ends included. */
struct search_run {
	int64_t first;
	int64_t last;
};

struct search_old {
	int64_t row;
	size_t at; /* in texts */
	size_t len;
	bool is_null;
};

struct search_notes {
	size_t max_bytes;
	bool full;               /* something is not noted: only the table itself knows all */
	struct search_run *runs; /* ascending and apart, until settled() */
	size_t run_count;
	size_t run_capacity;
	int64_t *others; /* rows that came out of order: a table of hashes, 0 for none */
	bool other_zero; /* row 0 came so, too */
	size_t other_count;
	size_t other_capacity; /* a power of two */
	struct search_old *olds;
	size_t old_count;
	size_t old_capacity;
	struct buf texts;
};

void search_notes_init(struct search_notes *notes, size_t max_bytes);
void search_notes_finish(struct search_notes *notes);
/* Forgets all. */
void search_notes_clear(struct search_notes *notes);
/* False when the row is noted already. */
bool search_notes_add(struct search_notes *notes, int64_t row);
/* What stood in the row that was just added; NULL: null. */
void search_notes_old(struct search_notes *notes, int64_t row, const struct str *text);
/* Afterwards all rows are in `runs`, and `olds` by row; nothing is to be added any more. */
void search_notes_settle(struct search_notes *notes);

#endif
