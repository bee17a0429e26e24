#include "store/catalog.h"

#include <string.h>

void *catalog_grow(struct arena *arena, const void *items, size_t count, size_t size)
{
	if ((count & (count - 1)) != 0) {
		return (void *)items;
	}
	void *more = arena_array(arena, count == 0 ? 1 : count * 2, size);
	if (count > 0) {
		memcpy(more, items, count * size);
	}
	return more;
}

bool catalog_columns_hold(const struct catalog_columns *columns,
						  const struct catalog_column *column)
{
	for (size_t i = 0; i < columns->count; i++) {
		if (columns->items[i] == column) {
			return true;
		}
	}
	return false;
}

bool catalog_columns_match(const struct catalog_columns *a, const struct catalog_columns *b)
{
	for (size_t i = 0; i < a->count; i++) {
		if (!catalog_columns_hold(b, a->items[i])) {
			return false;
		}
	}
	for (size_t i = 0; i < b->count; i++) {
		if (!catalog_columns_hold(a, b->items[i])) {
			return false;
		}
	}
	return true;
}

const struct catalog_table *catalog_find_table(const struct catalog *catalog, struct str name)
{
	const struct catalog_table *found = NULL;
	for (size_t i = 0; i < catalog->count; i++) {
		const struct catalog_table *table = &catalog->tables[i];
		if (str_equal(table->name, name)) {
			return table;
		}
		if (found == NULL && str_equal_nocase(table->name, name)) {
			found = table;
		}
	}
	return found;
}

const struct catalog_column *catalog_find_column(const struct catalog_table *table, struct str name)
{
	const struct catalog_column *found = NULL;
	for (size_t i = 0; i < table->column_count; i++) {
		const struct catalog_column *column = &table->columns[i];
		if (str_equal(column->name, name)) {
			return column;
		}
		if (found == NULL && str_equal_nocase(column->name, name)) {
			found = column;
		}
	}
	return found;
}

void catalog_add_column(struct arena *arena, struct catalog_columns *columns,
						const struct catalog_column *column)
{
	columns->items = catalog_grow(arena, columns->items, columns->count, sizeof(columns->items[0]));
	columns->items[columns->count++] = column;
}

void catalog_collect_key(struct arena *arena, struct catalog_table *table)
{
	const struct catalog_column *next;
	int place = 0;
	do {
		next = NULL;
		/* A column that was named twice leaves a gap in the numbers. */
		for (size_t i = 0; i < table->column_count; i++) {
			const struct catalog_column *column = &table->columns[i];
			if (column->key > place && (next == NULL || column->key < next->key)) {
				next = column;
			}
		}
		if (next != NULL) {
			catalog_add_column(arena, &table->key, next);
			place = next->key;
		}
	} while (next != NULL);
}

static void resolve(struct arena *arena, const struct catalog *catalog,
					struct catalog_reference *reference)
{
	const struct catalog_table *target = catalog_find_table(catalog, reference->parent);
	if (target == NULL ||
		(reference->to[0].ptr == NULL && target->key.count != reference->columns.count)) {
		return;
	}
	for (size_t i = 0; i < reference->columns.count; i++) {
		const struct catalog_column *column = reference->to[i].ptr == NULL
			? target->key.items[i]
			: catalog_find_column(target, reference->to[i]);
		if (column == NULL) {
			return;
		}
		catalog_add_column(arena, &reference->target_columns, column);
	}
	reference->target = target;
}

void catalog_resolve(struct arena *arena, const struct catalog *catalog)
{
	for (size_t i = 0; i < catalog->count; i++) {
		for (size_t k = 0; k < catalog->tables[i].reference_count; k++) {
			resolve(arena, catalog, &catalog->tables[i].references[k]);
		}
	}
}
