#include "codec/csv.h"

#include <endian.h>
#include <string.h>

#include "codec/utf8.h"

#define EACH_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

void csv_reader_init(struct csv_reader *reader, struct str input, struct arena *arena)
{
	struct str mark = STR("\xef\xbb\xbf");
	*reader = (struct csv_reader){
		.input = input,
		.at = str_starts_with(input, mark) ? mark.len : 0,
		.next_line = 1,
		.arena = arena,
		/* Once and for all: later arenas may be given back while the reader goes on. */
		.fields = ARENA_ARRAY(arena, CSV_FIELDS, struct csv_field),
	};
}

void csv_reader_use(struct csv_reader *reader, struct arena *arena)
{
	reader->arena = arena;
}

static bool is_line_end(char c)
{
	return c == '\n' || c == '\r';
}

/* Refuses what stands at `at`, in line next_line. */
static bool fail_at(struct csv_reader *reader, size_t at, const char *message)
{
	struct str input = reader->input;
	size_t from = at;
	while (from > 0 && !is_line_end(input.ptr[from - 1])) {
		from--;
	}
	struct str before = str_slice(input, from, at);
	if (from == 0 && str_starts_with(before, STR("\xef\xbb\xbf"))) {
		before = str_slice(before, 3, before.len);
	}
	size_t column = utf8_length(before) + 1;
	error_set_at(&reader->error, ERROR_BODY, at, "CSV, line %zu, column %zu: %s", reader->next_line,
				 column, message);
	return error_details(&reader->error, "line %zu, column %zu", reader->next_line, column);
}

/* CRLF is one line end. */
static void pass_line_end(struct csv_reader *reader)
{
	struct str input = reader->input;
	bool is_cr = input.ptr[reader->at++] == '\r';
	if (is_cr && reader->at < input.len && input.ptr[reader->at] == '\n') {
		reader->at++;
	}
	reader->next_line++;
}

static size_t count_line_ends(struct str text)
{
	size_t count = 0;
	size_t at = str_find(text, '\n', 0);
	for (; at < text.len; at = str_find(text, '\n', at + 1)) {
		count++;
	}
	for (at = str_find(text, '\r', 0); at < text.len; at = str_find(text, '\r', at + 1)) {
		count += at + 1 == text.len || text.ptr[at + 1] != '\n';
	}
	return count;
}

/* The text with each doubled quote once. */
static struct str undouble(struct str raw, struct arena *arena)
{
	char *bytes = arena_bytes(arena, raw.len);
	size_t len = 0;
	for (size_t at = 0; at < raw.len;) {
		size_t quote = str_find(raw, '"', at);
		size_t end = quote == raw.len ? quote : quote + 1;
		memcpy(bytes + len, raw.ptr + at, end - at);
		len += end - at;
		at = quote == raw.len ? quote : quote + 2;
	}
	return (struct str){bytes, len};
}

/* Reads the field whose quote stands at reader->at. */
static bool read_quoted(struct csv_reader *reader, struct csv_field *field)
{
	struct str input = reader->input;
	size_t from = reader->at + 1;
	size_t end = str_find(input, '"', from);
	bool doubled = false;
	while (end + 1 < input.len && input.ptr[end + 1] == '"') {
		doubled = true;
		end = str_find(input, '"', end + 2);
	}
	if (end >= input.len) {
		return fail_at(reader, reader->at, "a quote that is never closed");
	}
	struct str raw = str_slice(input, from, end);
	field->text = doubled ? undouble(raw, reader->arena) : raw;
	field->quoted = true;
	reader->next_line += count_line_ends(raw);
	reader->at = end + 1;
	if (reader->at < input.len && input.ptr[reader->at] != ',' &&
		!is_line_end(input.ptr[reader->at])) {
		return fail_at(reader, reader->at, "text behind the closing quote");
	}
	return true;
}

static bool is_special(char c)
{
	return c == ',' || c == '"' || is_line_end(c);
}

/* Highest bit of each byte that is `byte`; bytes above such a one may have it too. */
static uint64_t find_byte(uint64_t word, unsigned char byte)
{
	uint64_t other = word ^ EACH_BYTE(byte);
	return (other - EACH_BYTE(1)) & ~other & EACH_BYTE(0x80);
}

/* The first comma, quote or line end at or after `at`, eight bytes at a time. */
static size_t skip_plain(struct str input, size_t at)
{
	while (input.len - at >= sizeof(uint64_t)) {
		uint64_t word;
		memcpy(&word, input.ptr + at, sizeof(word));
		word = le64toh(word);
		uint64_t special = find_byte(word, ',') | find_byte(word, '"') | find_byte(word, '\n') |
			find_byte(word, '\r');
		if (special != 0) {
			/* The lowest bit that is set is right. */
			return at + (size_t)__builtin_ctzll(special) / 8;
		}
		at += sizeof(word);
	}
	while (at < input.len && !is_special(input.ptr[at])) {
		at++;
	}
	return at;
}

static bool read_plain(struct csv_reader *reader, struct csv_field *field)
{
	struct str input = reader->input;
	size_t end = skip_plain(input, reader->at);
	if (end < input.len && input.ptr[end] == '"') {
		return fail_at(reader, end, "a quote inside a field that is not in quotes");
	}
	field->text = str_slice(input, reader->at, end);
	field->quoted = false;
	reader->at = end;
	return true;
}

/* Reads one field; what follows it is the end of the input, a comma or a line end. */
static bool read_field(struct csv_reader *reader)
{
	struct str input = reader->input;
	if (reader->field_count == CSV_FIELDS) {
		return fail_at(reader, reader->at, "too many fields in a line");
	}
	struct csv_field *field = &reader->fields[reader->field_count];
	field->at = reader->at;
	bool is_quoted = reader->at < input.len && input.ptr[reader->at] == '"';
	if (!(is_quoted ? read_quoted(reader, field) : read_plain(reader, field))) {
		return false;
	}
	reader->field_count++;
	return true;
}

enum csv_event csv_next(struct csv_reader *reader)
{
	struct str input = reader->input;
	if (reader->error.code != ERROR_NONE) {
		return CSV_ERROR;
	}
	reader->field_count = 0;
	while (reader->at < input.len && is_line_end(input.ptr[reader->at])) {
		pass_line_end(reader);
	}
	if (reader->at == input.len) {
		return CSV_END;
	}
	reader->line = reader->next_line;
	for (;;) {
		if (!read_field(reader)) {
			return CSV_ERROR;
		}
		if (reader->at == input.len) {
			return CSV_RECORD;
		}
		if (input.ptr[reader->at] != ',') {
			pass_line_end(reader);
			return CSV_RECORD;
		}
		reader->at++;
	}
}

void csv_recover(struct csv_reader *reader)
{
	struct str input = reader->input;
	size_t at = reader->error.at;
	while (at < input.len && !is_line_end(input.ptr[at])) {
		at++;
	}
	reader->at = at;
	if (at < input.len) {
		pass_line_end(reader);
	}
	reader->error = (struct error){0};
}

/* ---- writing ---- */

void csv_write_field(struct buf *buf, struct str text)
{
	if (text.len == 0) {
		return;
	}
	bool spaced = text.ptr[0] == ' ' || text.ptr[text.len - 1] == ' ';
	bool null = str_equal(text, STR("NULL"));
	if (!spaced && !null && skip_plain(text, 0) == text.len) {
		buf_append(buf, text);
		return;
	}
	buf_append_byte(buf, '"');
	for (size_t at = 0; at < text.len;) {
		size_t quote = str_find(text, '"', at);
		buf_append(buf, str_slice(text, at, quote));
		if (quote < text.len) {
			buf_append(buf, STR("\"\""));
		}
		at = quote + 1;
	}
	buf_append_byte(buf, '"');
}
