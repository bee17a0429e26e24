/*
 * NAME.json: reading any valid JSON array of records as a stream, writing our form of it, and the
 * fingerprint that tells one content of it from another.
 *
 * Ownership: a reader and a writer own their buffers, not the descriptor. Threads: one.
 * Errors: JSONSTORE_DAMAGED with line and column, JSONSTORE_IO, JSONSTORE_NO_MEMORY.
 * Limits: JSONSTORE_RECORD_MAX, white space counted.
 */
#ifndef JSONSTORE_SRC_BASE_H
#define JSONSTORE_SRC_BASE_H

#include "crc.h"
#include "text.h"

struct js_print {
	uint64_t size;
	uint64_t crc; /* CRC-64/XZ of all of it */
	/* Only hints: when both are as they were, the content is not read again. */
	uint64_t inode;
	uint64_t mtime_ns;
};

static inline bool js_print_same_content(const struct js_print *a, const struct js_print *b)
{
	return a->size == b->size && a->crc == b->crc;
}

/* Size, inode and time of change; crc is left alone. */
bool js_print_stat(const struct js_sys *sys, int fd, const char *path, struct js_print *ret,
				   struct jsonstore_error *error);
bool js_print_same_file(const struct js_print *a, const struct js_print *b);

/* CRC-32C of each block of a base, so that reading all of it, too, meets every damage. */
enum { JS_BASE_BLOCK = 1 << 18 };

struct js_sums {
	uint32_t *sums; /* owned */
	size_t count;
	size_t capacity;
};

bool js_sums_add(const struct js_sys *sys, struct js_sums *sums, const char *block, size_t count,
				 struct jsonstore_error *error);
void js_sums_free(struct js_sums *sums);

struct js_base_reader {
	const struct js_sys *sys;
	int fd;
	const char *path;              /* borrowed */
	struct js_crc64 *crc;          /* borrowed; NULL: not wanted */
	struct js_sums *collected;     /* borrowed; NULL: not wanted */
	const struct js_sums *checked; /* borrowed; NULL: not known */
	struct jsonstore_text buf;     /* what was read and not consumed */
	size_t next;
	uint64_t offset; /* of buf in the file */
	bool at_end;     /* of the file, behind buf */
	int state;
};

void js_base_reader_init(struct js_base_reader *reader, const struct js_sys *sys, int fd,
						 const char *path, struct js_crc64 *crc);
void js_base_reader_finish(struct js_base_reader *reader);

enum js_more { JS_MORE_ERROR = -1, JS_MORE_END = 0, JS_MORE_RECORD = 1 };

/* Before the first record: sums of blocks to be collected, or to be held against. */
void js_base_reader_sums(struct js_base_reader *reader, struct js_sums *collected,
						 const struct js_sums *checked);

/*
 * The next record as it stands in the file, valid until the next call, and its place. Records that
 * are not objects are for the caller to refuse. At the end the whole file has been read.
 */
enum js_more js_base_next(struct js_base_reader *reader, struct js_span *ret_record,
						  uint64_t *ret_offset, struct jsonstore_error *error);
/* An error at a byte of the file, told as line and column; always false. */
bool js_base_fail(const struct js_sys *sys, int fd, const char *path, uint64_t offset,
				  const char *what, struct jsonstore_error *error);

struct js_base_writer {
	const struct js_sys *sys;
	int fd;
	const char *path; /* borrowed */
	struct js_crc64 crc;
	struct js_sums sums;
	char *buf;
	size_t used;
	uint64_t offset; /* of buf in the file */
	uint64_t records;
};

bool js_base_writer_init(struct js_base_writer *writer, const struct js_sys *sys, int fd,
						 const char *path, struct jsonstore_error *error);
void js_base_writer_finish(struct js_base_writer *writer);
/* A record without line feeds; its place in the file in *ret_offset. */
bool js_base_add(struct js_base_writer *writer, struct js_span record, uint64_t *ret_offset,
				 struct jsonstore_error *error);
/* Writes the end, syncs, and takes the fingerprint. */
bool js_base_end(struct js_base_writer *writer, struct js_print *ret,
				 struct jsonstore_error *error);

#endif
