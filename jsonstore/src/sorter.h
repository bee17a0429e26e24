/*
 * Sorts index entries by hash, then place, in bounded memory: runs are sorted in memory, written to
 * a file that has no name, and merged.
 *
 * Ownership: owns its memory and file. Threads: one. Errors: JSONSTORE_NO_MEMORY, JSONSTORE_IO.
 * Limits: the bytes of memory it is given.
 */
#ifndef JSONSTORE_SRC_SORTER_H
#define JSONSTORE_SRC_SORTER_H

#include "index.h"

struct js_run {
	uint64_t next; /* entries of the file: the first that is not in buf */
	uint64_t end;
	struct js_index_entry *buf; /* within the sorter's memory */
	size_t used;                /* of buf */
	size_t there;
};

struct js_sorter {
	const struct js_sys *sys;
	int folder;
	size_t room; /* entries in memory at most */
	size_t capacity;
	size_t count;
	struct js_index_entry *entries;
	int fd; /* -1: no run was written */
	struct js_run *runs;
	size_t run_count;
	uint64_t written; /* entries in the file */
};

void js_sorter_init(struct js_sorter *sorter, const struct js_sys *sys, int folder, size_t bytes);
void js_sorter_finish(struct js_sorter *sorter);
bool js_sorter_add(struct js_sorter *sorter, const struct js_index_entry *entry,
				   struct jsonstore_error *error);
uint64_t js_sorter_count(const struct js_sorter *sorter);
/* Once, after the last entry. */
bool js_sorter_sort(struct js_sorter *sorter, struct jsonstore_error *error);
/* The entries in order, js_sorter_count() times. */
bool js_sorter_next(struct js_sorter *sorter, struct js_index_entry *ret,
					struct jsonstore_error *error);

#endif
