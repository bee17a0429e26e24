/*
 * The index of a base: where the record with a key is, and those with a value of an indexed field.
 * A file of 4 KiB pages, each with its checksum: the header, and a section for the keys and each
 * field: entries sorted by hash, and fences, the first hashes of its pages; see FORMAT.md.
 *
 * Ownership: an index owns its fences, not the descriptor. Threads: any.
 * Errors: JSONSTORE_DAMAGED with file and offset, JSONSTORE_IO, JSONSTORE_NO_MEMORY.
 * Limits: JS_FENCES_MAX fences, so that memory does not grow with the base.
 */
#ifndef JSONSTORE_SRC_INDEX_H
#define JSONSTORE_SRC_INDEX_H

#include "cache.h"

enum {
	JS_INDEX_ENTRY = 24,
	JS_PAGE_ROOM = 4080,
	JS_PAGE_ENTRIES = JS_PAGE_ROOM / JS_INDEX_ENTRY,
	JS_PAGE_FENCES = JS_PAGE_ROOM / 8,
	JS_PAGE_SUMS = JS_PAGE_ROOM / 4,
	JS_FENCES_MAX = 1 << 16,
	JS_SECTIONS_MAX = 1 + JSONSTORE_FIELDS_MAX,
};

struct js_index_entry {
	uint64_t hash;
	uint64_t offset; /* of the record in the base; 48 bits */
	uint32_t length;
	uint32_t crc;
	uint16_t key_at; /* byte of the record where the key's value is, or JS_NO_HINT */
};

struct js_section {
	uint64_t entries;
	uint64_t first_page;
	uint64_t step; /* pages from a fence to the next */
	uint32_t fence_count;
	uint64_t *fences; /* owned */
};

struct js_index {
	struct js_cached_file file;
	struct js_section sections[JS_SECTIONS_MAX];
	unsigned section_count;
	uint64_t sums_page; /* first of those that hold the sums of the base's blocks */
	struct js_sums sums;
};

/* What an index belongs to; another one is not used. */
struct js_index_of {
	struct js_print print;
	uint64_t hash_key[2];
	const struct js_schema *schema;
};

/* ---- pages ---- */

void js_page_seal(unsigned char page[JS_PAGE], uint64_t number, unsigned count);
bool js_page_is_whole(const unsigned char page[JS_PAGE], uint64_t number);
unsigned js_page_count(const unsigned char page[JS_PAGE]);
void js_index_put(unsigned char *to, const struct js_index_entry *entry);
void js_index_get(const unsigned char *from, struct js_index_entry *ret);
void js_index_header(const struct js_index *index, const struct js_index_of *of,
					 unsigned char page[JS_PAGE]);

/* ---- lookup ---- */

/*
 * Reads header and fences of index->file. *ret_same: it is the index of `of`; otherwise nothing is
 * read.
 */
bool js_index_open(const struct js_sys *sys, struct js_index *index, const struct js_index_of *of,
				   bool *ret_same, struct jsonstore_error *error);
void js_index_close(struct js_index *index);

struct js_lookup {
	const struct js_index *index;
	struct js_cache *cache;
	const struct js_section *section;
	uint64_t hash;
	uint64_t next;               /* number of an entry */
	struct js_index_entry first; /* the one that js_lookup_begin() found */
	bool has_first;
};

/* The entries of a section with a hash; section 0 is the keys, 1 + i the i-th field. */
bool js_lookup_begin(struct js_lookup *lookup, const struct js_index *index, struct js_cache *cache,
					 unsigned section, uint64_t hash, struct jsonstore_error *error);
enum js_more js_lookup_next(struct js_lookup *lookup, struct js_index_entry *ret,
							struct jsonstore_error *error);

#endif
