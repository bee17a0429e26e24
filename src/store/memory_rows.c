#include "base/alloc.h"
#include "store/memory_priv.h"

/* What a view looks at. */
struct seen {
	struct memory_store *store;
	struct row_list *tables; /* arena; by number, each from when it is first looked at */
	bool *seen;              /* arena */
};

void memory_view_init(struct row_view *view, struct memory_store *store, const struct query *query,
					  struct error *error)
{
	row_view_init(view, query, error);
	struct seen *seen = ARENA_NEW(&view->arena, struct seen);
	seen->store = store;
	seen->tables = ARENA_ARRAY(&view->arena, store->table_count, struct row_list);
	seen->seen = ARENA_ARRAY(&view->arena, store->table_count, bool);
	view->rows = memory_view_rows;
	view->context = seen;
}

void memory_view_finish(struct row_view *view)
{
	struct seen *seen = view->context;
	for (size_t i = 0; i < seen->store->table_count; i++) {
		row_list_finish(&seen->tables[i]);
	}
	row_view_finish(view);
}

/* A row of a tally: the fields of `by`, then the count. */
static void count_row(const struct resource *tally, const struct row *row, struct row_list *groups)
{
	size_t by = tally->by.count;
	struct value *values = alloc_zeroed(by + 1, sizeof(*values));
	for (size_t i = 0; i < by; i++) {
		values[i] = row->values[tally->by.items[i]->number];
	}
	struct row *group = NULL;
	for (size_t g = 0; g < groups->count && group == NULL; g++) {
		size_t i = 0;
		while (i < by && row_equal(&groups->items[g]->values[i], &values[i])) {
			i++;
		}
		group = i == by ? groups->items[g] : NULL;
	}
	if (group == NULL) {
		values[by] = (struct value){.kind = VALUE_INTEGER, .integer = 0};
		group = row_create(values, by + 1);
		row_list_append(groups, group);
	}
	group->values[by].integer++; /* nobody else has seen it yet */
	free(values);
}

const struct row_list *memory_view_rows(struct row_view *view, const struct resource *resource)
{
	struct seen *seen = view->context;
	struct memory_table *table = memory_find_table(seen->store, resource);
	size_t number = (size_t)(table - seen->store->tables);
	struct row_list *rows = &seen->tables[number];
	if (seen->seen[number]) {
		return rows;
	}
	seen->seen[number] = true;
	if (resource->tally_of == NULL) {
		*rows = row_list_copy(&table->rows);
		return rows;
	}
	const struct row_list *counted = memory_view_rows(view, resource->tally_of);
	for (size_t i = 0; i < counted->count; i++) {
		count_row(resource, counted->items[i], rows);
	}
	return rows;
}
