#include "store/row.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum { ARENA_BYTES = 16384 };

struct row *row_create(const struct value *values, size_t count)
{
	size_t text_bytes = 0;
	for (size_t i = 0; i < count; i++) {
		text_bytes += values[i].kind == VALUE_TEXT ? values[i].text.len : 0;
	}
	struct row *row = alloc_zeroed(1, sizeof(*row) + count * sizeof(struct value) + text_bytes);
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

void row_unref(struct row *row)
{
	if (--row->references == 0) {
		free(row);
	}
}

void row_list_append(struct row_list *rows, struct row *row)
{
	if (rows->count == rows->capacity) {
		struct row_list larger = {.capacity = rows->capacity * 2 + 8, .count = rows->count};
		larger.items = alloc_zeroed(larger.capacity, sizeof(*larger.items));
		for (size_t i = 0; i < rows->count; i++) {
			larger.items[i] = rows->items[i];
		}
		free(rows->items);
		*rows = larger;
	}
	rows->items[rows->count++] = row;
}

void row_list_add(struct row_list *rows, struct row *row)
{
	row->references++;
	row_list_append(rows, row);
}

struct row_list row_list_copy(const struct row_list *rows)
{
	struct row_list copy = {.count = 0};
	for (size_t i = 0; i < rows->count; i++) {
		row_list_add(&copy, rows->items[i]);
	}
	return copy;
}

void row_list_finish(struct row_list *rows)
{
	for (size_t i = 0; i < rows->count; i++) {
		row_unref(rows->items[i]);
	}
	free(rows->items);
	*rows = (struct row_list){.count = 0};
}

bool row_equal(const struct value *a, const struct value *b)
{
	return a->kind != VALUE_NULL && b->kind != VALUE_NULL && value_compare(a, b) == 0;
}

void row_view_init(struct row_view *view, const struct query *query, struct error *error)
{
	*view = (struct row_view){.today = query->today, .error = error};
	arena_init(&view->arena, ARENA_BYTES);
}

void row_view_finish(struct row_view *view)
{
	arena_finish(&view->arena);
}
