#include "link/remote_rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "codec/json.h"
#include "codec/number.h"
#include "store/term.h"

enum { ROW_DEPTH = 128, ARENA_BYTES = 4096, CAST_BYTES = 16 << 20 };

void remote_rows_init(struct remote_rows *rows, const struct remote_column *columns, size_t count,
					  size_t max_bytes)
{
	*rows = (struct remote_rows){.columns = columns, .count = count};
	buf_init(&rows->text, max_bytes);
	arena_init(&rows->arena, ARENA_BYTES);
	rows->values = alloc_zeroed(count + 1, sizeof(*rows->values));
	rows->casts = alloc_zeroed(count + 1, sizeof(*rows->casts));
	for (size_t i = 0; i < count; i++) {
		buf_init(&rows->casts[i], CAST_BYTES);
	}
}

void remote_rows_finish(struct remote_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++) {
		buf_finish(&rows->casts[i]);
	}
	free(rows->casts);
	free(rows->values);
	arena_finish(&rows->arena);
	buf_finish(&rows->text);
}

bool remote_rows_add(struct remote_rows *rows, struct str bytes)
{
	buf_consume(&rows->text, rows->taken);
	rows->taken = 0;
	buf_append(&rows->text, bytes);
	return !rows->text.failed;
}

bool remote_rows_is_over(const struct remote_rows *rows)
{
	return rows->state == REMOTE_END && rows->taken == rows->text.len;
}

/* ---- one row ---- */

static bool bad(struct error *error, const char *what)
{
	error_set(error, ERROR_SOURCE_BAD, NULL);
	return error_details(error, "%s", what);
}

/* The number of the column that a member is; rows->count when it is none. */
static size_t column_of(const struct remote_rows *rows, struct str key)
{
	int64_t number;
	bool is_number = key.len > 1 && key.ptr[0] == 'c' &&
		number_parse_integer(str_slice(key, 1, key.len), &number) == NUMBER_OK;
	return is_number && number >= 0 && (size_t)number < rows->count ? (size_t)number : rows->count;
}

static bool cast_value(struct remote_rows *rows, size_t at, struct error *error)
{
	const struct remote_column *column = &rows->columns[at];
	struct value raw = rows->values[at];
	if (column->cast_from == NULL) {
		return true;
	}
	buf_clear(&rows->casts[at]);
	return term_cast(column->cast_from, column->type, &raw, &rows->casts[at], &rows->values[at],
					 error);
}

static bool read_members(struct remote_rows *rows, struct json_reader *reader, struct error *error)
{
	size_t seen = 0;
	enum json_event event;
	while ((event = json_next(reader)) == JSON_KEY) {
		size_t at = column_of(rows, reader->text);
		if (at == rows->count) {
			struct str skipped;
			if (!json_skip(reader, json_next(reader), &skipped)) {
				break;
			}
			continue;
		}
		const struct remote_column *column = &rows->columns[at];
		const struct field *type = column->cast_from != NULL ? column->cast_from : column->type;
		struct error why;
		if (!value_from_json(type, reader, true, &rows->values[at], &why)) {
			return bad(error, why.message);
		}
		if (!cast_value(rows, at, error)) {
			return false;
		}
		seen++;
	}
	if (event != JSON_OBJECT_END) {
		return bad(error, reader->error.message);
	}
	return seen == rows->count || bad(error, "a row has not all columns that were asked for");
}

static bool read_row(struct remote_rows *rows, struct str text, struct error *error)
{
	struct json_reader reader;
	arena_reset(&rows->arena);
	/* Values point into it, and what is added moves the text. */
	json_reader_init(&reader, arena_copy(&rows->arena, text), ROW_DEPTH, &rows->arena);
	if (json_next(&reader) != JSON_OBJECT) {
		return bad(error, "the answer is no list of objects");
	}
	return read_members(rows, &reader, error);
}

/* ---- the array ---- */

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct str unread(const struct remote_rows *rows)
{
	return str_slice(buf_str(&rows->text), rows->taken, rows->text.len);
}

/* Goes on in search of the end of the object that the text begins with. */
static bool find_end(struct remote_rows *rows)
{
	struct str text = unread(rows);
	size_t at = rows->scanned;
	bool found = false;
	for (; at < text.len && !found; at++) {
		char c = text.ptr[at];
		if (rows->in_string) {
			if (rows->escaped) {
				rows->escaped = false;
			} else if (c == '\\') {
				rows->escaped = true;
			} else if (c == '"') {
				rows->in_string = false;
			}
		} else if (c == '"') {
			rows->in_string = true;
		} else if (c == '{' || c == '[') {
			rows->depth++;
		} else if (c == '}' || c == ']') {
			rows->depth -= rows->depth > 0;
			found = rows->depth == 0;
		} else if (rows->depth == 0) {
			found = !is_space(c); /* no object: reading it fails */
		}
	}
	rows->scanned = at;
	return found;
}

/* Reads what stands between rows. False when it is wrong; REMOTE_ROW: a row begins here. */
static bool read_between(struct remote_rows *rows, struct error *error)
{
	size_t at = rows->taken;
	for (; at < rows->text.len && rows->state != REMOTE_ROW; at++) {
		char c = rows->text.ptr[at];
		if (is_space(c)) {
			continue;
		}
		if (rows->state == REMOTE_BEGIN && c == '[') {
			rows->state = REMOTE_FIRST;
		} else if ((rows->state == REMOTE_FIRST || rows->state == REMOTE_BETWEEN) && c == ']') {
			rows->state = REMOTE_END;
		} else if (rows->state == REMOTE_BETWEEN && c == ',') {
			rows->state = REMOTE_ROW;
		} else if (rows->state == REMOTE_FIRST) {
			rows->state = REMOTE_ROW;
			break;
		} else {
			return bad(error, "the answer is no list of objects");
		}
	}
	rows->taken = at;
	return true;
}

enum row_step remote_rows_next(struct remote_rows *rows, const struct value **ret_values,
							   struct error *error)
{
	if (rows->state != REMOTE_ROW && !read_between(rows, error)) {
		return ROW_FAILED;
	}
	if (rows->state != REMOTE_ROW || !find_end(rows)) {
		return ROW_NONE;
	}
	if (!read_row(rows, str_slice(unread(rows), 0, rows->scanned), error)) {
		return ROW_FAILED;
	}
	rows->taken += rows->scanned;
	rows->scanned = 0;
	rows->state = REMOTE_BETWEEN;
	*ret_values = rows->values;
	return ROW_HERE;
}
