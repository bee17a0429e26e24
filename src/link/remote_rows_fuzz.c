/* Any bytes as the answer of another service: rows are the same however the bytes are cut. */
#include <assert.h>
#include <stdint.h>

#include "link/remote_rows.h"

enum { MOST_BYTES = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct field fields[] = {
	{.name = STR_INIT("n"), .type = TYPE_INTEGER},
	{.name = STR_INIT("d"), .type = TYPE_DECIMAL, .precision = 9, .scale = 2},
	{.name = STR_INIT("j"), .type = TYPE_JSON},
	{.name = STR_INIT("t"), .type = TYPE_TEXT},
};
static const struct remote_column columns[] = {
	{.type = &fields[0]},
	{.type = &fields[1]},
	{.type = &fields[2]},
	{.type = &fields[3], .cast_from = &fields[0]},
};
enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };

/* The rows, and whether the array ended; `step` bytes at a time. */
static void read_all(struct str input, size_t step, struct buf *said)
{
	struct remote_rows rows;
	struct error error;
	enum row_step got = ROW_NONE;
	remote_rows_init(&rows, columns, COLUMNS, MOST_BYTES);
	for (size_t at = 0; at < input.len && got != ROW_FAILED; at += step) {
		const struct value *values;
		if (!remote_rows_add(&rows, str_slice(input, at, at + step))) {
			break;
		}
		while ((got = remote_rows_next(&rows, &values, &error)) == ROW_HERE) {
			for (size_t i = 0; i < COLUMNS; i++) {
				value_write_json(said, columns[i].type, &values[i]);
				buf_append_byte(said, ',');
			}
		}
	}
	buf_append(said,
			   got == ROW_FAILED                ? STR("failed")
				   : remote_rows_is_over(&rows) ? STR("over")
												: STR("more"));
	remote_rows_finish(&rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = {(const char *)data, size};
	struct buf whole;
	struct buf parts;
	if (size > MOST_BYTES / 2) {
		return 0;
	}
	buf_init(&whole, SIZE_MAX);
	buf_init(&parts, SIZE_MAX);
	read_all(input, SIZE_MAX / 2, &whole);
	read_all(input, 1 + size % 7, &parts);
	assert(str_equal(buf_str(&whole), buf_str(&parts)));
	buf_finish(&whole);
	buf_finish(&parts);
	return 0;
}
