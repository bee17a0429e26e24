/*
 * An open base: NAME.json and its index, as one state of them. It stays whole while it is held,
 * whatever happens to the names.
 *
 * Ownership: counted: js_table_ref(), js_table_unref(). Threads: any.
 * Errors: JSONSTORE_DAMAGED, JSONSTORE_IO, JSONSTORE_NO_MEMORY. Limits: those of base and index.
 */
#ifndef JSONSTORE_SRC_TABLE_H
#define JSONSTORE_SRC_TABLE_H

#include <stdatomic.h>

#include "index_build.h"

/* Where the files of a folder are, and what they share. */
struct js_place {
	const struct js_sys *sys;
	const char *path; /* of the folder, for messages */
	int folder;
	int hidden; /* .jsonstore */
	/* Where files without a name are made: .jsonstore or, when nothing is written, $TMPDIR. */
	int scratch;
	bool read_only;
	struct js_cache *cache;
	_Atomic uint64_t *next_file; /* numbers for the cache */
};

struct js_table {
	_Atomic unsigned refs;
	struct js_cache *cache;
	struct js_print print;
	struct js_schema schema;
	char path[384];
	char index_path[384];
	struct js_cached_file file;
	struct js_index index;
};

/* Names of the files of a collection, within the folder and within .jsonstore. */
void js_base_name(char to[128], struct js_span name);
void js_index_name(char to[128], struct js_span name, const struct js_print *print);

/*
 * Opens a base whose content is known to be that of `print`, and its index; builds the index when
 * it is not there. When nothing is written that has no name, and `print` may be NULL: then the file
 * is checked, too. Takes the descriptor over, also when it fails. NULL on an error.
 */
struct js_table *js_table_open(const struct js_place *place, struct js_span name,
							   const struct js_schema *schema, const uint64_t hash_key[2],
							   const struct js_print *print, int fd, struct jsonstore_error *error);
struct js_table *js_table_ref(struct js_table *table);
void js_table_unref(struct js_table *table);

/*
 * Reads a whole file of records, checks it, and writes its index as `index_name` in .jsonstore;
 * ret_print is the content's fingerprint.
 */
bool js_table_index(const struct js_place *place, const struct js_schema *schema,
					const uint64_t hash_key[2], int fd, const char *path, const char *index_name,
					struct js_print *ret_print, struct jsonstore_error *error);
/* The fingerprint of a file, which need not be JSON. */
bool js_table_print(const struct js_place *place, int fd, const char *path,
					struct js_print *ret_print, struct jsonstore_error *error);

/* The record of an index entry, replacing `ret`: its sum is right, its key is not looked at. */
bool js_table_read(const struct js_table *table, const struct js_index_entry *entry,
				   struct jsonstore_text *ret, struct jsonstore_error *error);
/* *ret_found: whether there is a record with the key; it is in `ret`, on one line. */
bool js_table_get(const struct js_table *table, struct js_span key, uint64_t hash,
				  struct jsonstore_text *ret, bool *ret_found, struct jsonstore_error *error);

#endif
