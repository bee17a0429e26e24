/*
 * A write changes the table that it is about in place; what the table held before is kept, and
 * takes its place again when the write fails.
 */
#include "base/alloc.h"
#include "store/memory_priv.h"
#include "store/store_write.h"

struct memory_tables {
	struct row_tables base;
	struct memory_store *store;
};

static struct memory_table *table_of(struct row_tables *base, const struct resource *resource)
{
	return memory_find_table(((struct memory_tables *)base)->store, resource);
}

static bool has_values(const struct row *row, const struct row_search *search)
{
	size_t i = 0;
	while (i < search->fields->count &&
		   row_equal(&row->values[search->fields->items[i]->number], &search->values[i])) {
		i++;
	}
	return i == search->fields->count;
}

static bool find(struct row_tables *tables, const struct row_search *search, struct row **ret_row,
				 struct error *error)
{
	(void)error;
	const struct row_list *rows = &table_of(tables, search->resource)->rows;
	size_t i = 0;
	while (i < rows->count &&
		   (!has_values(rows->items[i], search) ||
			(search->accepts != NULL && !search->accepts(search->context, rows->items[i])))) {
		i++;
	}
	*ret_row = i < rows->count ? rows->items[i] : NULL;
	if (*ret_row != NULL) {
		(*ret_row)->references++;
	}
	return true;
}

static bool is_same(struct row_tables *tables, const struct resource *resource, const struct row *a,
					const struct row *b)
{
	(void)tables;
	(void)resource;
	return a == b;
}

static bool match(struct row_tables *tables, const struct query *query, struct row_list *ret_rows,
				  struct error *error)
{
	struct row_view view;
	memory_view_init(&view, ((struct memory_tables *)tables)->store, query, error);
	*ret_rows = row_matching(&view, query->where, &table_of(tables, query->resource)->rows);
	bool ok = !view.failed;
	memory_view_finish(&view);
	return ok;
}

static struct row **place_of(struct memory_table *table, const struct row *row)
{
	size_t i = 0;
	while (table->rows.items[i] != row) {
		i++;
	}
	return &table->rows.items[i];
}

static bool put(struct row_tables *tables, const struct resource *resource,
				const struct row *before, struct row *row, struct error *error)
{
	(void)error;
	struct memory_table *table = table_of(tables, resource);
	if (before == NULL) {
		row_list_add(&table->rows, row);
		return true;
	}
	struct row **place = place_of(table, before);
	row_unref(*place);
	*place = row;
	row->references++;
	return true;
}

static bool take(struct row_tables *tables, const struct resource *resource, const struct row *row,
				 struct error *error)
{
	(void)error;
	struct memory_table *table = table_of(tables, resource);
	struct row **place = place_of(table, row);
	row_unref(*place);
	for (; place + 1 < table->rows.items + table->rows.count; place++) {
		place[0] = place[1];
	}
	table->rows.count--;
	return true;
}

static bool settle_key(struct row_tables *tables, const struct resource *resource,
					   struct value *key, struct error *error)
{
	struct memory_table *table = table_of(tables, resource);
	if (key->kind == VALUE_NULL) {
		for (size_t i = 0; i < table->rows.count; i++) {
			int64_t other = table->rows.items[i]->values[resource->key.items[0]->number].integer;
			table->made_key = other > table->made_key ? other : table->made_key;
		}
		if (table->made_key == INT64_MAX) {
			return error_set(error, ERROR_STORE_FULL, NULL);
		}
		*key = (struct value){.kind = VALUE_INTEGER, .integer = table->made_key + 1};
	}
	table->made_key = key->integer > table->made_key ? key->integer : table->made_key;
	return true;
}

static const struct row_tables_ops ops = {
	.find = find,
	.is_same = is_same,
	.match = match,
	.put = put,
	.remove = take,
	.settle_key = settle_key,
};

static bool answer(struct memory_store *store, const struct query *query,
				   const struct row_list *written, struct buf *body, struct store_result *result,
				   struct error *error)
{
	struct memory_range range = {UINT64_MAX, 0};
	struct row_view view;
	if (query->column_count == 0) {
		return true;
	}
	if (write_inserts(query)) {
		range = (struct memory_range){query->limit, query->offset};
	}
	uint64_t rows = result->rows; /* that were written */
	memory_view_init(&view, store, query, error);
	bool ok = memory_answer(&view, query, written, range, body, NULL, result);
	memory_view_finish(&view);
	result->rows = rows;
	return ok;
}

bool memory_write(struct memory_transaction *transaction, const struct query *query,
				  struct buf *body, struct store_result *result, struct error *error)
{
	struct memory_store *store = transaction->store;
	struct memory_tables tables = {{&ops}, store};
	struct memory_table *table = memory_find_table(store, query->resource);
	struct memory_before before = {true, row_list_copy(&table->rows), table->made_key};
	struct row_list written;
	bool ok = row_write(&tables.base, query, result, &written, error);
	if (ok) {
		ok = answer(store, query, &written, body, result, error);
		row_list_finish(&written);
	}
	struct memory_before *kept = &transaction->before[table - store->tables];
	if (!ok) {
		row_list_finish(&table->rows);
		table->rows = before.rows;
		table->made_key = before.made_key;
	} else if (kept->changed) {
		row_list_finish(&before.rows);
	} else {
		*kept = before;
	}
	return ok;
}
