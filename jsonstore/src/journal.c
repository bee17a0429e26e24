#include "journal.h"

#include <errno.h>

#include "bytes.h"
#include "fail.h"

/* Bytes that UTF-8 has nowhere come first, so that no record looks like a frame. */
static const unsigned char frame_magic[4] = {0xf5, 'j', 's', 0xf6};
static const char page_magic[8] = "JSONSTOR";

enum {
	VERSION = 1,
	FLAG_LAST = 1,
	CRC_AT = 20,
	NAMED_FIXED = 40,
	WINDOW = 1 << 18,
};

bool js_frame_begin(const struct js_sys *sys, struct jsonstore_text *to, size_t *ret_begin,
					struct jsonstore_error *error)
{
	if (!js_text_reserve(sys, to, JS_FRAME_HEAD, error)) {
		return false;
	}
	*ret_begin = to->length;
	to->length += JS_FRAME_HEAD;
	return true;
}

bool js_frame_add(const struct js_sys *sys, struct jsonstore_text *to, const struct js_entry *entry,
				  size_t *ret_key_at, struct jsonstore_error *error)
{
	if (!js_text_reserve(sys, to, JS_ENTRY_HEAD + entry->key.len + entry->record.len, error)) {
		return false;
	}
	char *head = to->text + to->length;
	head[0] = (char)entry->op;
	head[1] = 0;
	js_put16(head + 2, entry->collection);
	js_put32(head + 4, (uint32_t)entry->key.len);
	js_put32(head + 8, (uint32_t)entry->record.len);
	to->length += JS_ENTRY_HEAD;
	if (ret_key_at != NULL) {
		*ret_key_at = to->length;
	}
	/* There is room. */
	return js_text_add(sys, to, entry->key, error) && js_text_add(sys, to, entry->record, error);
}

static uint32_t frame_crc(const char *frame, size_t length)
{
	uint32_t crc = js_crc32c(0, frame, CRC_AT);
	return js_crc32c(crc, frame + JS_FRAME_HEAD, length - JS_FRAME_HEAD);
}

void js_frame_end(struct jsonstore_text *to, size_t begin, uint64_t group, bool last)
{
	char *frame = to->text + begin;
	size_t length = to->length - begin;
	memcpy(frame, frame_magic, sizeof(frame_magic));
	js_put32(frame + 4, (uint32_t)length);
	js_put64(frame + 8, group);
	js_put32(frame + 16, last ? FLAG_LAST : 0);
	js_put32(frame + CRC_AT, frame_crc(frame, length));
}

void js_journal_page(const struct js_journal *journal, unsigned char page[JS_PAGE])
{
	memset(page, 0, JS_PAGE);
	memcpy(page, page_magic, sizeof(page_magic));
	js_put32(page + 8, VERSION);
	js_put64(page + 16, journal->generation);
	js_put64(page + 24, journal->hash_key[0]);
	js_put64(page + 32, journal->hash_key[1]);
	js_put64(page + 40, journal->first_group);
	js_put64(page + 48, journal->catalog_end);
	js_put32(page + JS_PAGE - 4, js_crc32c(0, page, JS_PAGE - 4));
}

static bool put_name(const struct js_sys *sys, const struct js_name *name,
					 struct jsonstore_text *to, struct jsonstore_error *error)
{
	char length = (char)name->len;
	return js_text_add(sys, to, (struct js_span){&length, 1}, error) &&
		js_text_add(sys, to, js_name_span(name), error);
}

bool js_named_put(const struct js_sys *sys, const struct js_named *named, struct jsonstore_text *to,
				  struct jsonstore_error *error)
{
	char fixed[NAMED_FIXED];
	char count = (char)named->schema.field_count;
	js_put64(fixed, named->print.size);
	js_put64(fixed + 8, named->print.crc);
	js_put64(fixed + 16, named->print.inode);
	js_put64(fixed + 24, named->print.mtime_ns);
	js_put64(fixed + 32, named->upto);
	bool good = js_text_add(sys, to, (struct js_span){fixed, sizeof(fixed)}, error) &&
		put_name(sys, &named->schema.key, to, error) &&
		js_text_add(sys, to, (struct js_span){&count, 1}, error);
	for (unsigned i = 0; i < named->schema.field_count && good; i++) {
		good = put_name(sys, &named->schema.fields[i], to, error);
	}
	return good;
}

static bool get_name(struct js_span *rest, struct js_name *ret)
{
	if (rest->len < 1) {
		return false;
	}
	size_t len = (unsigned char)rest->ptr[0];
	if (len > JSONSTORE_NAME_MAX || rest->len < 1 + len) {
		return false;
	}
	ret->len = (uint8_t)len;
	memcpy(ret->text, rest->ptr + 1, len);
	*rest = (struct js_span){rest->ptr + 1 + len, rest->len - 1 - len};
	return true;
}

bool js_named_get(struct js_span record, struct js_named *ret)
{
	struct js_span rest = {record.ptr + NAMED_FIXED, record.len - NAMED_FIXED};
	if (record.len < NAMED_FIXED) {
		return false;
	}
	ret->print.size = js_get64(record.ptr);
	ret->print.crc = js_get64(record.ptr + 8);
	ret->print.inode = js_get64(record.ptr + 16);
	ret->print.mtime_ns = js_get64(record.ptr + 24);
	ret->upto = js_get64(record.ptr + 32);
	if (!get_name(&rest, &ret->schema.key) || rest.len < 1) {
		return false;
	}
	ret->schema.field_count = (unsigned char)rest.ptr[0];
	rest = (struct js_span){rest.ptr + 1, rest.len - 1};
	if (ret->schema.field_count > JSONSTORE_FIELDS_MAX) {
		return false;
	}
	for (unsigned i = 0; i < ret->schema.field_count; i++) {
		if (!get_name(&rest, &ret->schema.fields[i])) {
			return false;
		}
	}
	return rest.len == 0;
}

bool js_journal_open(const struct js_sys *sys, struct js_journal *journal, uint64_t generation,
					 struct jsonstore_error *error)
{
	unsigned char page[JS_PAGE];
	ssize_t got = js_pread(sys, journal->fd, page, sizeof(page), 0);
	if (got < 0) {
		return js_fail_io(error, "read", journal->path);
	}
	if (got < JS_PAGE || memcmp(page, page_magic, sizeof(page_magic)) != 0 ||
		js_get32(page + JS_PAGE - 4) != js_crc32c(0, page, JS_PAGE - 4)) {
		return js_fail_damaged(error, journal->path, 0, "its first page is not whole");
	}
	if (js_get32(page + 8) != VERSION) {
		return js_fail_damaged(error, journal->path, 8, "a version that is not known");
	}
	if (js_get64(page + 16) != generation) {
		return js_fail_damaged(error, journal->path, 16, "it was renamed");
	}
	journal->generation = generation;
	journal->hash_key[0] = js_get64(page + 24);
	journal->hash_key[1] = js_get64(page + 32);
	journal->first_group = js_get64(page + 40);
	journal->catalog_end = js_get64(page + 48);
	return true;
}

void js_reader_init(struct js_reader *reader, const struct js_sys *sys,
					const struct js_journal *journal)
{
	*reader = (struct js_reader){.sys = sys, .journal = journal};
}

void js_reader_finish(struct js_reader *reader)
{
	jsonstore_text_free(&reader->buf);
}

/*
 * `count` bytes from `offset` on, or fewer when the file ends; NULL on an error. Nothing behind
 * `limit` is read: it may be changed yet.
 */
static const char *bytes_at(struct js_reader *reader, uint64_t offset, size_t count, uint64_t limit,
							size_t *ret_got, struct jsonstore_error *error)
{
	uint64_t end = reader->offset + reader->buf.length;
	if (offset < reader->offset || offset + count > end || reader->buf.text == NULL) {
		size_t wanted = count < WINDOW ? WINDOW : count;
		wanted = limit - offset < wanted ? (size_t)(limit - offset) : wanted;
		reader->buf.length = 0;
		reader->offset = offset;
		if (!js_text_reserve(reader->sys, &reader->buf, wanted, error)) {
			return NULL;
		}
		ssize_t got = js_pread(reader->sys, reader->journal->fd, reader->buf.text, wanted, offset);
		if (got < 0) {
			js_fail_io(error, "read", reader->journal->path);
			return NULL;
		}
		reader->buf.length = (size_t)got;
	}
	size_t from = (size_t)(offset - reader->offset);
	size_t there = reader->buf.length - from;
	*ret_got = there < count ? there : count;
	return reader->buf.text + from;
}

struct frame {
	const char *bytes;
	size_t length;
	uint64_t group;
	bool last;
};

static enum js_found read_frame(struct js_reader *reader, uint64_t offset, uint64_t limit,
								struct frame *ret, struct jsonstore_error *error)
{
	size_t got;
	if (offset + JS_FRAME_HEAD > limit) {
		return JS_FOUND_NONE;
	}
	const char *bytes = bytes_at(reader, offset, JS_FRAME_HEAD, limit, &got, error);
	if (bytes == NULL) {
		return JS_FOUND_ERROR;
	}
	if (got < JS_FRAME_HEAD || memcmp(bytes, frame_magic, sizeof(frame_magic)) != 0) {
		return JS_FOUND_NONE;
	}
	size_t length = js_get32(bytes + 4);
	if (length < JS_FRAME_HEAD || length > JS_FRAME_MAX || offset + length > limit) {
		return JS_FOUND_NONE;
	}
	bytes = bytes_at(reader, offset, length, limit, &got, error);
	if (bytes == NULL) {
		return JS_FOUND_ERROR;
	}
	if (got < length || js_get32(bytes + CRC_AT) != frame_crc(bytes, length)) {
		return JS_FOUND_NONE;
	}
	*ret = (struct frame){bytes, length, js_get64(bytes + 8),
						  (js_get32(bytes + 16) & FLAG_LAST) != 0};
	return JS_FOUND_GOOD;
}

void js_reader_forget(struct js_reader *reader)
{
	reader->buf.length = 0;
}

enum js_found js_group_check(struct js_reader *reader, uint64_t offset, uint64_t limit,
							 uint64_t group, uint64_t *ret_end, struct jsonstore_error *error)
{
	for (;;) {
		struct frame frame;
		enum js_found found = read_frame(reader, offset, limit, &frame, error);
		if (found != JS_FOUND_GOOD) {
			return found;
		}
		if (frame.group != group) {
			return JS_FOUND_NONE;
		}
		offset += frame.length;
		if (frame.last) {
			*ret_end = offset;
			return JS_FOUND_GOOD;
		}
	}
}

uint64_t js_group_bad(struct js_reader *reader, uint64_t offset, uint64_t limit, uint64_t group)
{
	struct jsonstore_error ignored;
	struct frame frame;
	while (read_frame(reader, offset, limit, &frame, &ignored) == JS_FOUND_GOOD &&
		   frame.group == group && !frame.last) {
		offset += frame.length;
	}
	return offset;
}

static bool apply_frame(struct js_reader *reader, const struct frame *frame, uint64_t offset,
						js_entry_seen *seen, void *context, struct jsonstore_error *error)
{
	size_t at = JS_FRAME_HEAD;
	while (at < frame->length) {
		const char *head = frame->bytes + at;
		size_t left = frame->length - at;
		if (left < JS_ENTRY_HEAD) {
			break;
		}
		size_t key_length = js_get32(head + 4);
		size_t record_length = js_get32(head + 8);
		if (key_length > JSONSTORE_KEY_MAX || left - JS_ENTRY_HEAD < key_length ||
			left - JS_ENTRY_HEAD - key_length < record_length) {
			break;
		}
		struct js_entry entry = {
			.op = (enum js_op)head[0],
			.collection = js_get16(head + 2),
			.key = {head + JS_ENTRY_HEAD, key_length},
			.record = {head + JS_ENTRY_HEAD + key_length, record_length},
		};
		if (!seen(context, &entry, offset + at + JS_ENTRY_HEAD, error)) {
			return false;
		}
		at += JS_ENTRY_HEAD + key_length + record_length;
	}
	if (at != frame->length) {
		return js_fail_damaged(error, reader->journal->path, offset + at, "no entry");
	}
	return true;
}

bool js_group_apply(struct js_reader *reader, uint64_t offset, uint64_t end, js_entry_seen *seen,
					void *context, struct jsonstore_error *error)
{
	while (offset < end) {
		struct frame frame;
		enum js_found found = read_frame(reader, offset, end, &frame, error);
		if (found == JS_FOUND_NONE) {
			return js_fail_damaged(error, reader->journal->path, offset, "it changed meanwhile");
		}
		if (found == JS_FOUND_ERROR || !apply_frame(reader, &frame, offset, seen, context, error)) {
			return false;
		}
		offset += frame.length;
	}
	return true;
}

enum js_found js_journal_is_damaged(struct js_reader *reader, uint64_t offset, uint64_t size,
									uint64_t group, struct jsonstore_error *error)
{
	uint64_t at = offset + 1;
	while (at + JS_FRAME_HEAD <= size) {
		size_t got;
		size_t wanted = size - at < WINDOW ? (size_t)(size - at) : WINDOW;
		const char *bytes = bytes_at(reader, at, wanted, size, &got, error);
		if (bytes == NULL) {
			return JS_FOUND_ERROR;
		}
		if (got < JS_FRAME_HEAD) {
			break;
		}
		const char *magic = memmem(bytes, got, frame_magic, sizeof(frame_magic));
		if (magic == NULL) {
			at += got - sizeof(frame_magic) + 1;
			continue;
		}
		at += (uint64_t)(magic - bytes);
		struct frame frame;
		enum js_found found = read_frame(reader, at, size, &frame, error);
		if (found == JS_FOUND_ERROR || (found == JS_FOUND_GOOD && frame.group > group)) {
			return found;
		}
		at++;
	}
	return JS_FOUND_NONE;
}
