#include "base.h"

#include <stdlib.h>

#include "fail.h"
#include "json.h"

enum { WRITE_BUFFER = JS_BASE_BLOCK, FIRST_SUMS = 16 };
enum { BEFORE_ARRAY, FIRST_RECORD, BEHIND_RECORD, NEXT_RECORD, BEHIND_ARRAY };

bool js_print_stat(const struct js_sys *sys, int fd, const char *path, struct js_print *ret,
				   struct jsonstore_error *error)
{
	struct stat status;
	if (js_fstat(sys, fd, &status) != 0) {
		return js_fail_io(error, "read the size", path);
	}
	ret->size = (uint64_t)status.st_size;
	ret->inode = (uint64_t)status.st_ino;
	ret->mtime_ns = (uint64_t)status.st_mtim.tv_sec * 1000000000u +
		(uint64_t)status.st_mtim.tv_nsec;
	return true;
}

bool js_print_same_file(const struct js_print *a, const struct js_print *b)
{
	return a->size == b->size && a->inode == b->inode && a->mtime_ns == b->mtime_ns;
}

void js_base_reader_init(struct js_base_reader *reader, const struct js_sys *sys, int fd,
						 const char *path, struct js_crc64 *crc)
{
	*reader = (struct js_base_reader){.sys = sys, .fd = fd, .path = path, .crc = crc};
	if (crc != NULL) {
		js_crc64_init(crc);
	}
}

void js_base_reader_sums(struct js_base_reader *reader, struct js_sums *collected,
						 const struct js_sums *checked)
{
	reader->collected = collected;
	reader->checked = checked;
}

bool js_sums_add(const struct js_sys *sys, struct js_sums *sums, const char *block, size_t count,
				 struct jsonstore_error *error)
{
	if (sums->count == sums->capacity) {
		size_t capacity = sums->capacity == 0 ? FIRST_SUMS : sums->capacity * 2;
		uint32_t *grown = js_allocate(sys, sums->sums, capacity * sizeof(*grown));
		if (grown == NULL) {
			return js_fail_memory(error);
		}
		sums->sums = grown;
		sums->capacity = capacity;
	}
	sums->sums[sums->count++] = js_crc32c(0, block, count);
	return true;
}

void js_sums_free(struct js_sums *sums)
{
	free(sums->sums);
	*sums = (struct js_sums){NULL, 0, 0};
}

void js_base_reader_finish(struct js_base_reader *reader)
{
	jsonstore_text_free(&reader->buf);
}

/* Collects the sums of blocks that were read, or holds them against those that are known. */
static bool sum(struct js_base_reader *reader, const char *blocks, size_t count, uint64_t offset,
				struct jsonstore_error *error)
{
	const struct js_sums *known = reader->checked;
	for (size_t at = 0; at < count; at += JS_BASE_BLOCK) {
		size_t here = count - at < JS_BASE_BLOCK ? count - at : JS_BASE_BLOCK;
		size_t number = (size_t)((offset + at) / JS_BASE_BLOCK);
		if (reader->collected != NULL &&
			!js_sums_add(reader->sys, reader->collected, blocks + at, here, error)) {
			return false;
		}
		if (known != NULL &&
			(number >= known->count || known->sums[number] != js_crc32c(0, blocks + at, here))) {
			return js_fail_damaged(error, reader->path, offset + at, "a block of 256 KiB");
		}
	}
	if (known != NULL && reader->at_end &&
		(offset + count + JS_BASE_BLOCK - 1) / JS_BASE_BLOCK != known->count) {
		return js_fail_damaged(error, reader->path, offset + count, "the file is too short");
	}
	return true;
}

/* Reads on; what is not consumed moves to the front. */
static bool fill(struct js_base_reader *reader, struct jsonstore_error *error)
{
	size_t left = reader->buf.length - reader->next;
	if (left > 0 && reader->next > 0) {
		memmove(reader->buf.text, reader->buf.text + reader->next, left);
	}
	reader->offset += reader->next;
	reader->next = 0;
	reader->buf.length = left;
	/* Whole blocks; at least as much again, so that a long record is not scanned too often. */
	size_t wanted = (left / JS_BASE_BLOCK + 1) * JS_BASE_BLOCK;
	if (!js_text_reserve(reader->sys, &reader->buf, wanted, error)) {
		return false;
	}
	char *to = reader->buf.text + left;
	ssize_t got = js_pread(reader->sys, reader->fd, to, wanted, reader->offset + left);
	if (got < 0) {
		return js_fail_io(error, "read", reader->path);
	}
	if (reader->crc != NULL) {
		js_crc64_add(reader->crc, to, (size_t)got);
	}
	reader->buf.length += (size_t)got;
	reader->at_end = (size_t)got < wanted;
	return sum(reader, to, (size_t)got, reader->offset + left, error);
}

static bool fail_here(struct js_base_reader *reader, const char *at, const char *what,
					  struct jsonstore_error *error)
{
	uint64_t offset = reader->offset + (uint64_t)(at - reader->buf.text);
	return js_base_fail(reader->sys, reader->fd, reader->path, offset, what, error);
}

/* The next byte that is not white space; '\0' at the end (which is no white space either). */
static bool next_byte(struct js_base_reader *reader, char *ret, struct jsonstore_error *error)
{
	for (;;) {
		while (reader->next < reader->buf.length) {
			if (!js_is_space(reader->buf.text[reader->next])) {
				*ret = reader->buf.text[reader->next];
				return true;
			}
			reader->next++;
		}
		if (reader->at_end) {
			*ret = '\0';
			return true;
		}
		if (!fill(reader, error)) {
			return false;
		}
	}
}

static bool read_record(struct js_base_reader *reader, struct js_span *ret_record,
						uint64_t *ret_offset, struct jsonstore_error *error)
{
	for (;;) {
		const char *begin = reader->buf.text + reader->next;
		const char *end = reader->buf.text + reader->buf.length;
		struct js_scanned scanned;
		enum js_scan scan = js_json_scan(begin, end, reader->at_end, &scanned);
		if (scan == JS_SCAN_BAD) {
			return fail_here(reader, scanned.at, scanned.what, error);
		}
		size_t seen = (size_t)(scanned.end - begin);
		if (seen > JSONSTORE_RECORD_MAX) {
			return fail_here(reader, begin, "the record is too long", error);
		}
		if (scan == JS_SCAN_GOOD) {
			*ret_record = (struct js_span){begin, seen};
			*ret_offset = reader->offset + reader->next;
			reader->next += seen;
			return true;
		}
		if (!fill(reader, error)) {
			return false;
		}
	}
}

enum js_more js_base_next(struct js_base_reader *reader, struct js_span *ret_record,
						  uint64_t *ret_offset, struct jsonstore_error *error)
{
	for (;;) {
		char byte;
		const char *what = NULL;
		if (!next_byte(reader, &byte, error)) {
			return JS_MORE_ERROR;
		}
		bool there = reader->next < reader->buf.length;
		switch (reader->state) {
		case BEFORE_ARRAY:
			if (there && byte == '[') {
				reader->next++;
				reader->state = FIRST_RECORD;
			} else {
				what = "an array of records begins with [";
			}
			break;
		case BEHIND_RECORD:
			if (there && byte == ',') {
				reader->next++;
				reader->state = NEXT_RECORD;
			} else if (there && byte == ']') {
				reader->next++;
				reader->state = BEHIND_ARRAY;
			} else {
				what = "a comma or ] is missing";
			}
			break;
		case BEHIND_ARRAY:
			if (!there) {
				return JS_MORE_END;
			}
			what = "something follows the array";
			break;
		default:
			if (there && byte == ']' && reader->state == FIRST_RECORD) {
				reader->next++;
				reader->state = BEHIND_ARRAY;
				break;
			}
			reader->state = BEHIND_RECORD;
			return read_record(reader, ret_record, ret_offset, error) ? JS_MORE_RECORD
																	  : JS_MORE_ERROR;
		}
		if (what != NULL) {
			fail_here(reader, reader->buf.text + reader->next, what, error);
			return JS_MORE_ERROR;
		}
	}
}

bool js_base_fail(const struct js_sys *sys, int fd, const char *path, uint64_t offset,
				  const char *what, struct jsonstore_error *error)
{
	char buf[4096];
	uint64_t line = 1;
	uint64_t line_begin = 0;
	uint64_t at = 0;
	while (at < offset) {
		uint64_t wanted = offset - at < sizeof(buf) ? offset - at : sizeof(buf);
		ssize_t got = js_pread(sys, fd, buf, (size_t)wanted, at);
		if (got <= 0) {
			break;
		}
		for (size_t i = 0; i < (size_t)got; i++) {
			if (buf[i] == '\n') {
				line++;
				line_begin = at + i + 1;
			}
		}
		at += (uint64_t)got;
	}
	js_fail_at(error, JSONSTORE_DAMAGED, path, line, offset - line_begin + 1, what);
	error->offset = offset;
	return false;
}

bool js_base_writer_init(struct js_base_writer *writer, const struct js_sys *sys, int fd,
						 const char *path, struct jsonstore_error *error)
{
	writer->sys = sys;
	writer->fd = fd;
	writer->path = path;
	writer->used = 2;
	writer->offset = 0;
	writer->records = 0;
	writer->sums = (struct js_sums){NULL, 0, 0};
	js_crc64_init(&writer->crc);
	writer->buf = js_allocate(sys, NULL, WRITE_BUFFER);
	if (writer->buf == NULL) {
		return js_fail_memory(error);
	}
	memcpy(writer->buf, "[\n", 2);
	return true;
}

void js_base_writer_finish(struct js_base_writer *writer)
{
	js_sums_free(&writer->sums);
	free(writer->buf);
	writer->buf = NULL;
}

static bool flush(struct js_base_writer *writer, struct jsonstore_error *error)
{
	if (writer->used == 0) {
		return true;
	}
	js_crc64_add(&writer->crc, writer->buf, writer->used);
	if (!js_sums_add(writer->sys, &writer->sums, writer->buf, writer->used, error)) {
		return false;
	}
	if (js_pwrite(writer->sys, writer->fd, writer->buf, writer->used, writer->offset) != 0) {
		return js_fail_io(error, "write", writer->path);
	}
	writer->offset += writer->used;
	writer->used = 0;
	return true;
}

static bool add(struct js_base_writer *writer, struct js_span bytes, struct jsonstore_error *error)
{
	while (bytes.len > 0) {
		size_t room = WRITE_BUFFER - writer->used;
		size_t now = bytes.len < room ? bytes.len : room;
		memcpy(writer->buf + writer->used, bytes.ptr, now);
		writer->used += now;
		bytes.ptr += now;
		bytes.len -= now;
		if (writer->used == WRITE_BUFFER && !flush(writer, error)) {
			return false;
		}
	}
	return true;
}

bool js_base_add(struct js_base_writer *writer, struct js_span record, uint64_t *ret_offset,
				 struct jsonstore_error *error)
{
	if (writer->records > 0 && !add(writer, JS_SPAN(",\n"), error)) {
		return false;
	}
	writer->records++;
	*ret_offset = writer->offset + writer->used;
	return add(writer, record, error);
}

bool js_base_end(struct js_base_writer *writer, struct js_print *ret, struct jsonstore_error *error)
{
	struct js_span end = writer->records > 0 ? JS_SPAN("\n]\n") : JS_SPAN("]\n");
	if (!add(writer, end, error) || !flush(writer, error)) {
		return false;
	}
	if (js_fsync(writer->sys, writer->fd) != 0) {
		return js_fail_io(error, "sync", writer->path);
	}
	ret->crc = js_crc64_value(&writer->crc);
	return js_print_stat(writer->sys, writer->fd, writer->path, ret, error);
}
