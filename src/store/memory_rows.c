#include <string.h>

#include "base/alloc.h"
#include "store/memory_priv.h"

enum { ARENA_BYTES = 16384 };

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

void memory_rows_add(struct memory_rows *rows, struct memory_row *row)
{
	row->references++;
	memory_rows_append(rows, row);
}

struct memory_rows memory_rows_copy(const struct memory_rows *rows)
{
	struct memory_rows copy = {.count = 0};
	for (size_t i = 0; i < rows->count; i++) {
		memory_rows_add(&copy, rows->items[i]);
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

/* ---- views ---- */

void memory_view_init(struct memory_view *view, struct memory_store *store,
					  const struct query *query, struct error *error)
{
	*view = (struct memory_view){.store = store, .today = query->today, .error = error};
	arena_init(&view->arena, ARENA_BYTES);
	view->tables = ARENA_ARRAY(&view->arena, store->table_count, struct memory_rows);
	view->seen = ARENA_ARRAY(&view->arena, store->table_count, bool);
}

void memory_view_finish(struct memory_view *view)
{
	for (size_t i = 0; i < view->store->table_count; i++) {
		memory_rows_finish(&view->tables[i]);
	}
	arena_finish(&view->arena);
}

/* A row of a tally: the fields of `by`, then the count. */
static void count_row(const struct resource *tally, const struct memory_row *row,
					  struct memory_rows *groups)
{
	size_t by = tally->by.count;
	struct value *values = alloc_zeroed(by + 1, sizeof(*values));
	for (size_t i = 0; i < by; i++) {
		values[i] = row->values[tally->by.items[i]->number];
	}
	struct memory_row *group = NULL;
	for (size_t g = 0; g < groups->count && group == NULL; g++) {
		size_t i = 0;
		while (i < by && memory_equal(&groups->items[g]->values[i], &values[i])) {
			i++;
		}
		group = i == by ? groups->items[g] : NULL;
	}
	if (group == NULL) {
		values[by] = (struct value){.kind = VALUE_INTEGER, .integer = 0};
		group = memory_row_create(values, by + 1);
		memory_rows_append(groups, group);
	}
	group->values[by].integer++; /* nobody else has seen it yet */
	free(values);
}

const struct memory_rows *memory_view_rows(struct memory_view *view,
										   const struct resource *resource)
{
	struct memory_table *table = memory_find_table(view->store, resource);
	size_t number = (size_t)(table - view->store->tables);
	struct memory_rows *rows = &view->tables[number];
	if (view->seen[number]) {
		return rows;
	}
	view->seen[number] = true;
	if (resource->tally_of == NULL) {
		*rows = memory_rows_copy(&table->rows);
		return rows;
	}
	const struct memory_rows *counted = memory_view_rows(view, resource->tally_of);
	for (size_t i = 0; i < counted->count; i++) {
		count_row(resource, counted->items[i], rows);
	}
	return rows;
}
