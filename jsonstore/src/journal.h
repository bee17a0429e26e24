/*
 * The journal file: page 0, the catalog, and groups of changes in frames; see FORMAT.md. Making
 * frames, reading them, and telling a torn end from damage.
 *
 * Ownership: a journal owns its descriptor; a reader its buffer; spans borrow the reader's buffer
 * until its next call. Threads: a journal any, a reader one.
 * Errors: JSONSTORE_DAMAGED with file and offset, JSONSTORE_IO, JSONSTORE_NO_MEMORY.
 * Limits: JS_FRAME_MAX bytes of a frame.
 */
#ifndef JSONSTORE_SRC_JOURNAL_H
#define JSONSTORE_SRC_JOURNAL_H

#include "base.h"
#include "record.h"

enum {
	JS_PAGE = 4096,
	JS_FRAME_HEAD = 24,
	JS_ENTRY_HEAD = 12,
	/* A frame is ended when it has this many bytes; one record may go beyond. */
	JS_FRAME_FULL = 16 << 20,
	JS_FRAME_MAX = JS_FRAME_FULL + JSONSTORE_RECORD_MAX + JSONSTORE_KEY_MAX + 4096,
};

enum js_op {
	JS_PUT = 1,
	JS_DELETE = 2,
	JS_BASE = 3, /* of the catalog; or a checkpoint is about to put this base in place */
	JS_NEXT = 4, /* a checkpoint is about to make the next journal */
};

struct js_journal {
	int fd;
	char path[256]; /* for messages */
	uint64_t generation;
	uint64_t hash_key[2]; /* of the folder */
	uint64_t first_group; /* number of the catalog's group; the next is one above */
	uint64_t catalog_end; /* byte behind the catalog */
};

/* ---- making ---- */

struct js_entry {
	enum js_op op;
	uint16_t collection;
	struct js_span key;
	struct js_span record; /* of JS_BASE: struct js_named */
};

/* Frames in a text: begin, entries, end. The frame begins at *ret_begin. */
bool js_frame_begin(const struct js_sys *sys, struct jsonstore_text *to, size_t *ret_begin,
					struct jsonstore_error *error);
/* *ret_key_at, which may be NULL: byte of `to` where the key begins; the record is behind it. */
bool js_frame_add(const struct js_sys *sys, struct jsonstore_text *to, const struct js_entry *entry,
				  size_t *ret_key_at, struct jsonstore_error *error);
void js_frame_end(struct jsonstore_text *to, size_t begin, uint64_t group, bool last);
/* Page 0. */
void js_journal_page(const struct js_journal *journal, unsigned char page[JS_PAGE]);

/* What a JS_BASE entry says: the collection `collection` named `key` has this base. */
struct js_named {
	struct js_print print;
	uint64_t upto; /* byte of the journal: the base has the changes before; 0 in a catalog */
	struct js_schema schema;
};
bool js_named_put(const struct js_sys *sys, const struct js_named *named, struct jsonstore_text *to,
				  struct jsonstore_error *error);
bool js_named_get(struct js_span record, struct js_named *ret);

/* ---- reading ---- */

/* Reads and checks page 0 of journal->fd; path is set already. */
bool js_journal_open(const struct js_sys *sys, struct js_journal *journal, uint64_t generation,
					 struct jsonstore_error *error);

struct js_reader {
	const struct js_sys *sys;
	const struct js_journal *journal;
	struct jsonstore_text buf;
	uint64_t offset; /* of buf in the file */
};

void js_reader_init(struct js_reader *reader, const struct js_sys *sys,
					const struct js_journal *journal);
void js_reader_finish(struct js_reader *reader);
/* The file was changed behind what is known to be whole. */
void js_reader_forget(struct js_reader *reader);

enum js_found { JS_FOUND_ERROR = -1, JS_FOUND_NONE = 0, JS_FOUND_GOOD = 1 };

/*
 * Whether a whole group with this number begins at `offset` and ends at most at `limit`;
 * *ret_end is then its end.
 */
enum js_found js_group_check(struct js_reader *reader, uint64_t offset, uint64_t limit,
							 uint64_t group, uint64_t *ret_end, struct jsonstore_error *error);
/* Where the group that is not whole at `offset` goes wrong: its first bad frame. */
uint64_t js_group_bad(struct js_reader *reader, uint64_t offset, uint64_t limit, uint64_t group);

/* Called for each entry; `key_at` is the byte of the file where its key begins. */
typedef bool js_entry_seen(void *context, const struct js_entry *entry, uint64_t key_at,
						   struct jsonstore_error *error);

/* The entries of a group that js_group_check() found to be good. */
bool js_group_apply(struct js_reader *reader, uint64_t offset, uint64_t end, js_entry_seen *seen,
					void *context, struct jsonstore_error *error);

/*
 * Whether behind `offset`, where group number `group` should be and is not whole, stands a frame of
 * a later group. Groups follow a sync of the one before, so it then was whole once: damage. Frames
 * of the same group prove nothing: their blocks may have been written in any order.
 */
enum js_found js_journal_is_damaged(struct js_reader *reader, uint64_t offset, uint64_t size,
									uint64_t group, struct jsonstore_error *error);

#endif
