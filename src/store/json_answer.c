/*
 * The answer of a write: what is asked of the rows that were written, in its order, and what is
 * embedded in them, as it is after the write.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "store/json_priv.h"
#include "store/store_write.h"

enum { ARENA_BYTES = 4096 };

/* ---- rows of another resource, by which those that were written are ordered ---- */

struct related {
	struct json_transaction *transaction;
	const struct resource *resource; /* whose rows these are; NULL: none yet */
	struct row_list rows;
};

static bool read_all(struct json_transaction *transaction, const struct resource *resource,
					 struct row_list *rows, struct error *error)
{
	size_t number = json_table_number(transaction->tables, resource);
	const struct json_table *table = &transaction->tables->items[number];
	const struct json_reading *reading = transaction->conn->tables;
	struct jsonstore_cursor *cursor = NULL;
	struct jsonstore_error failure;
	struct arena arena;
	const char *record = "";
	size_t len;
	int code = jsonstore_scan(transaction->store->collections[number], reading->snapshot, &cursor,
							  &failure);
	bool ok = true;
	arena_init(&arena, ARENA_BYTES);
	while (ok && code == JSONSTORE_OK) {
		struct value *values;
		code = jsonstore_next(cursor, &record, &len, &failure);
		if (code != JSONSTORE_OK || record == NULL) {
			break;
		}
		arena_reset(&arena);
		ok = json_record_read(table, (struct str){record, len}, &arena, &values, error);
		if (ok) {
			row_list_append(rows, row_create(values, table->field_count));
		}
	}
	arena_finish(&arena);
	jsonstore_cursor_close(cursor);
	return ok && (code == JSONSTORE_OK || json_fail(transaction->store, &failure, error));
}

static const struct row_list *rows_of(struct row_view *view, const struct resource *resource)
{
	struct related *related = view->context;
	void *tables = related->transaction->conn->tables;
	if (related->resource == resource) {
		return &related->rows;
	}
	row_list_finish(&related->rows);
	related->resource = resource;
	bool entered = !view->failed && json_backing.enter(tables, view->error);
	if (!entered || !read_all(related->transaction, resource, &related->rows, view->error)) {
		view->failed = true;
	}
	if (entered) {
		json_backing.leave(tables);
	}
	return &related->rows;
}

/* ---- answers ---- */

static bool keep_rows(struct json_transaction *transaction, struct kept_rows *kept,
					  const struct query *query, const struct row_list *written, size_t max_bytes,
					  struct error *error)
{
	struct value *values = alloc_zeroed(query->fetch_count + 1, sizeof(*values));
	struct row_view view;
	struct related related = {.transaction = transaction};
	bool ok = true;
	row_view_init(&view, query, error);
	view.rows = rows_of;
	view.context = &related;
	for (size_t r = 0; r < written->count && ok; r++) {
		arena_reset(&view.arena);
		for (size_t i = 0; i < query->fetch_count; i++) {
			values[i] = row_fetch(&view, &query->fetch[i], written->items[r]->values);
		}
		kept_rows_add(kept, query, values);
		ok = !view.failed && (kept->bytes <= max_bytes || write_fail_large(error));
	}
	row_view_finish(&view);
	row_list_finish(&related.rows);
	free(values);
	return ok;
}

static bool write_rows(struct json_transaction *transaction, const struct query *query,
					   const struct kept_rows *kept, struct buf *body, struct store_result *result,
					   struct error *error)
{
	struct sqlite_source source;
	struct rows rows = {.query = NULL};
	if (!json_backing.enter(transaction->conn->tables, error)) {
		return false;
	}
	sqlite_source_init(&source, transaction->conn, error);
	rows_begin(&rows, query, &source.base, body);
	bool ok = true;
	for (size_t i = 0; i < kept->count && ok; i++) {
		ok = rows_write(&rows, kept->rows[i]);
	}
	sqlite_source_finish(&source);
	json_backing.leave(transaction->conn->tables);
	if (!ok) {
		return false;
	}
	rows_end(&rows);
	result->tag = rows.tag;
	return rows_check_one(&rows, error) && (!body->failed || write_fail_large(error));
}

bool json_answer(struct json_transaction *transaction, const struct query *query,
				 const struct row_list *written, struct buf *body, struct store_result *result,
				 struct error *error)
{
	struct kept_rows kept;
	if (query->column_count == 0) {
		return true;
	}
	kept_rows_init(&kept);
	bool ok = keep_rows(transaction, &kept, query, written, body->max_bytes, error);
	if (ok) {
		kept_rows_arrange(&kept, query);
		ok = write_rows(transaction, query, &kept, body, result, error);
	}
	kept_rows_finish(&kept);
	return ok;
}
