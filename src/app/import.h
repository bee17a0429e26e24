/*
 * Rows of a file into a resource: for `rowlock import`, and for `load:` of a service file when the
 * service starts. Rows that are wrong, or that the database refuses, are told and left out; the
 * others are written, all in one transaction or in parts.
 *
 * Ownership: the caller's options, which live until import_run() returns. Threads: any that runs no
 * loop; `left_out` and `progress` are called on the store's thread, or on this one.
 * Errors: ERROR_CONFIG for a file that cannot be read, those of check_body() for one that is no CSV
 * or JSON at all, those of the store. After one nothing of the part under way is written.
 * Limits: memory does not grow with the file.
 */
#ifndef ROWLOCK_APP_IMPORT_H
#define ROWLOCK_APP_IMPORT_H

#include "query/check.h"
#include "store/store.h"

/* What happens to a row that meets one that is there. */
enum import_conflict { IMPORT_FAIL, IMPORT_SKIP, IMPORT_MERGE };

struct import_summary {
	uint64_t read; /* rows */
	uint64_t inserted;
	uint64_t merged;
	uint64_t skipped; /* they met another row */
	uint64_t failed;
	uint64_t bytes; /* that are read */
	uint64_t file_bytes;
	bool known; /* a load of what was loaded before: nothing was done */
};

struct import_options {
	struct store *store;
	const struct model *model;
	const struct resource *resource;
	const char *path;        /* "-": standard input */
	enum body_format format; /* CSV, NDJSON or JSON_ROWS */
	enum import_conflict conflict;
	bool replace;                 /* the rows that are there go first */
	uint64_t part_rows;           /* of one transaction; 0: all */
	const struct load_file *load; /* of the resource, instead of conflict and replace; NULL: none */
	/* Rows may refer to rows of other services: LINK_KEY; and whether one that does not answer is
	 * asked again, a second later. NULL: no. */
	struct str link_key;
	bool (*patient)(void *context);
	/* May be NULL. `skipped`: it met another row. */
	void (*left_out)(void *context, const struct bad_row *row, bool skipped);
	void (*progress)(void *context, const struct import_summary *summary);
	void *context;
};

/* By the end of the file's name; false when it says nothing. */
bool import_format(const char *path, enum body_format *ret_format);
/* The summary is filled in also after an error. */
bool import_run(const struct import_options *options, struct import_summary *ret_summary,
				struct error *error);

#endif
