#include "store/rows.h"

#include <assert.h>

void rows_begin(struct rows *rows, const struct query *query, struct buf *buf)
{
	assert(query->column_count > 0);
	*rows = (struct rows){.query = query, .buf = buf};
	if (query->format != FORMAT_OBJECT) {
		buf_append_byte(buf, '[');
	}
}

void rows_row(struct rows *rows)
{
	if (rows->count > 0) {
		assert(rows->query->format != FORMAT_OBJECT);
		buf_append_byte(rows->buf, ',');
	}
	if (rows->query->format != FORMAT_VALUES) {
		buf_append_byte(rows->buf, '{');
	}
	rows->column = 0;
}

void rows_value(struct rows *rows, const struct value *value)
{
	const struct query *query = rows->query;
	assert(rows->column < query->column_count);
	const struct query_column *column = &query->columns[rows->column];
	if (query->format == FORMAT_VALUES) {
		if (rows->column++ == 0) {
			value_write_json(rows->buf, column->field, value);
		}
		return;
	}

	if (rows->column++ > 0) {
		buf_append_byte(rows->buf, ',');
	}
	buf_append(rows->buf, column->key);
	if (value->kind == VALUE_INTEGER && column->field->type == TYPE_INTEGER) {
		/* The most frequent case, without the way through the types. */
		buf_append_int(rows->buf, value->integer);
	} else {
		value_write_json(rows->buf, column->field, value);
	}
}

void rows_row_end(struct rows *rows)
{
	assert(rows->column == rows->query->column_count);
	if (rows->query->format != FORMAT_VALUES) {
		buf_append_byte(rows->buf, '}');
	}
	rows->count++;
}

void rows_end(struct rows *rows)
{
	if (rows->query->format != FORMAT_OBJECT) {
		buf_append_byte(rows->buf, ']');
	}
}
