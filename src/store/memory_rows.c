#include <string.h>

#include "base/alloc.h"

#include "store/memory_priv.h"

struct memory_row *memory_row_create(const struct value *values, size_t count)
{
	size_t text_bytes = 0;
	for (size_t i = 0; i < count; i++) {
		text_bytes += values[i].kind == VALUE_TEXT ? values[i].text.len : 0;
	}
	struct memory_row *row = alloc_zeroed(1,
										  sizeof(*row) + count * sizeof(struct value) + text_bytes);
	char *text = (char *)&row->values[count];
	row->references = 1;
	for (size_t i = 0; i < count; i++) {
		row->values[i] = values[i];
		if (values[i].kind == VALUE_TEXT && values[i].text.len > 0) {
			memcpy(text, values[i].text.ptr, values[i].text.len);
			row->values[i].text.ptr = text;
			text += values[i].text.len;
		} else if (values[i].kind == VALUE_NUMBER && values[i].number == 0) {
			row->values[i].number = 0; /* no negative zero */
		}
	}
	return row;
}

void memory_row_unref(struct memory_row *row)
{
	if (--row->references == 0) {
		free(row);
	}
}

void memory_rows_append(struct memory_rows *rows, struct memory_row *row)
{
	if (rows->count == rows->capacity) {
		struct memory_rows larger = {.capacity = rows->capacity * 2 + 8, .count = rows->count};
		larger.items = alloc_zeroed(larger.capacity, sizeof(*larger.items));
		for (size_t i = 0; i < rows->count; i++) {
			larger.items[i] = rows->items[i];
		}
		free(rows->items);
		*rows = larger;
	}
	rows->items[rows->count++] = row;
}

struct memory_rows memory_rows_copy(const struct memory_rows *rows)
{
	struct memory_rows copy = {.count = 0};
	for (size_t i = 0; i < rows->count; i++) {
		rows->items[i]->references++;
		memory_rows_append(&copy, rows->items[i]);
	}
	return copy;
}

void memory_rows_finish(struct memory_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++) {
		memory_row_unref(rows->items[i]);
	}
	free(rows->items);
	*rows = (struct memory_rows){.count = 0};
}

bool memory_equal(const struct value *a, const struct value *b)
{
	return a->kind != VALUE_NULL && b->kind != VALUE_NULL && value_compare(a, b) == 0;
}
