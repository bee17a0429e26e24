/*
 * Any bytes as CSV: what is accepted must survive being written and read again; lines only go up,
 * and nothing may be read outside the input.
 */
#include <assert.h>
#include <stdint.h>

#include "codec/csv.h"

enum { MOST_BYTES = 1 << 24 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A field in front keeps a record of one empty field from becoming an empty line. */
static void write_record(const struct csv_reader *reader, struct buf *buf)
{
	buf_append_byte(buf, 'x');
	for (size_t i = 0; i < reader->field_count; i++) {
		buf_append_byte(buf, ',');
		csv_write_field(buf, reader->fields[i].text);
	}
	buf_append(buf, STR("\r\n"));
}

static void check_again(const struct csv_reader *reader, struct buf *buf, struct arena *arena)
{
	struct csv_reader again;
	csv_reader_init(&again, buf_str(buf), arena);
	enum csv_event event = csv_next(&again);
	if (reader->field_count == CSV_FIELDS) {
		assert(event == CSV_ERROR);
		return;
	}
	assert(event == CSV_RECORD && again.line == 1);
	assert(again.field_count == reader->field_count + 1);
	for (size_t i = 0; i < reader->field_count; i++) {
		assert(str_equal(reader->fields[i].text, again.fields[i + 1].text));
	}
	event = csv_next(&again);
	assert(event == CSV_END);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct arena record_arena;
	struct buf buf;
	struct csv_reader reader;
	enum csv_event event;
	size_t line = 0;
	arena_init(&arena, 4096);
	arena_init(&record_arena, 4096);
	buf_init(&buf, MOST_BYTES);
	csv_reader_init(&reader, (struct str){(const char *)data, size}, &arena);
	csv_reader_use(&reader, &record_arena);
	while ((event = csv_next(&reader)) == CSV_RECORD) {
		assert(reader.line > line && reader.at <= size);
		assert(reader.field_count > 0 && reader.field_count <= CSV_FIELDS);
		line = reader.line;
		buf_clear(&buf);
		write_record(&reader, &buf);
		check_again(&reader, &buf, &record_arena);
		arena_reset(&record_arena);
	}
	if (event == CSV_ERROR) {
		assert(reader.error.code == ERROR_BODY && reader.error.at <= size);
	} else {
		assert(reader.at == size);
	}
	buf_finish(&buf);
	arena_finish(&record_arena);
	arena_finish(&arena);
	return 0;
}
