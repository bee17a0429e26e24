#include "store/store_write.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "store/store_priv.h"

enum { ARENA_BYTES = 65536 };

/* ---- what is asked for ---- */

bool write_inserts(const struct query *query)
{
	return query->action == QUERY_INSERT || query->action == QUERY_UPSERT;
}

bool write_has_embeds(const struct query *query)
{
	for (size_t i = 0; i < query->column_count; i++) {
		if (query->columns[i].embed != NULL) {
			return true;
		}
	}
	return false;
}

/* Is the value asked for one that the request itself holds, for every row? */
static bool knows_value(const struct query *query, const struct query_fetch *fetch)
{
	const struct field *field = fetch->term.field;
	if (fetch->term.path != NULL || fetch->cast != NULL || fetch->result_cast != NULL ||
		fetch->aggregate != AGGREGATE_NONE) {
		return false;
	}
	/* A row that was there before keeps it. */
	if (query->action == QUERY_UPSERT && !field->key && field->write == WRITE_ONCE) {
		return false;
	}
	size_t rows = write_inserts(query) ? query->row_count : 1;
	for (size_t row = 0; row < rows; row++) {
		const struct value *value = query_value(query, row, field);
		if (value == NULL || value->kind == VALUE_ABSENT) {
			return false;
		}
	}
	return true;
}

bool write_must_keep(const struct query *query)
{
	bool many = !query->must_match && query->action != QUERY_REPLACE;
	bool cut = query->limit != UINT64_MAX || query->offset > 0;
	return write_has_embeds(query) || cut || (many && query->order_count > 0);
}

bool write_knows_answer(const struct query *query)
{
	bool ignores = query->action == QUERY_UPSERT && query->resolution == RESOLUTION_IGNORE;
	bool one = query->action == QUERY_REPLACE ||
		(query->action == QUERY_UPDATE && query->must_match && query->row_count == 1);
	bool written = write_inserts(query) && query->batches == NULL && !ignores;
	if (query->column_count == 0 || (!one && !written) || write_must_keep(query)) {
		return false;
	}
	for (size_t i = 0; i < query->fetch_count; i++) {
		if (!knows_value(query, &query->fetch[i])) {
			return false;
		}
	}
	return true;
}

bool write_same_shape(const struct query *query, const struct value *a, const struct value *b)
{
	for (size_t i = 0; i < query->given.count; i++) {
		if ((a[i].kind == VALUE_ABSENT) != (b[i].kind == VALUE_ABSENT)) {
			return false;
		}
	}
	return true;
}

/* ---- answers ---- */

/* -0.0 is stored as 0. */
static struct value as_stored(const struct value *value)
{
	struct value stored = *value;
	if (stored.kind == VALUE_NUMBER && stored.number == 0) {
		stored.number = 0;
	}
	return stored;
}

bool write_fail_large(struct error *error)
{
	error_set(error, ERROR_OVERLOADED, "The answer is too large; nothing was written");
	return error_hint(error, "write fewer rows, or ask for none of them back");
}

/* Before the row itself is written, since a statement that is alone has no savepoint: so what does
 * not fit is found here, with the bracket that ends it. */
bool write_known_row(struct rows *rows, const struct query *query, size_t row, struct error *error)
{
	struct value few[16] = {0};
	size_t count = query->fetch_count;
	struct value *values = count <= 16 ? few : alloc_zeroed(count, sizeof(*values));
	for (size_t i = 0; i < count; i++) {
		values[i] = as_stored(query_value(query, row, query->fetch[i].term.field));
	}
	(void)rows_write(rows, values); /* it embeds nothing, so it cannot fail */
	if (values != few) {
		free(values);
	}
	bool bracket = query->format == FORMAT_ARRAY || query->format == FORMAT_VALUES;
	return buf_reserve(rows->buf, bracket ? 1 : 0) != NULL || write_fail_large(error);
}

/* ---- kept rows ---- */

void kept_rows_init(struct kept_rows *kept)
{
	*kept = (struct kept_rows){.count = 0};
	arena_init(&kept->arena, ARENA_BYTES);
}

void kept_rows_finish(struct kept_rows *kept)
{
	arena_finish(&kept->arena);
	free(kept->rows);
}

void kept_rows_add(struct kept_rows *kept, const struct query *query, const struct value *values)
{
	size_t count = query->fetch_count;
	if (kept->count == kept->room) {
		kept->room = kept->room == 0 ? 64 : kept->room * 2;
		kept->rows = alloc_resize(kept->rows, kept->room, sizeof(struct value *));
	}
	struct value *copy = ARENA_ARRAY(&kept->arena, count + 1, struct value);
	for (size_t i = 0; i < count; i++) {
		copy[i] = values[i];
		if (values[i].kind == VALUE_TEXT) {
			copy[i].text = arena_copy(&kept->arena, values[i].text);
			kept->bytes += values[i].text.len;
		}
	}
	kept->rows[kept->count++] = copy;
	kept->bytes += count * sizeof(struct value);
}

static int compare_rows(const void *a, const void *b, void *context)
{
	struct value *const *left = a;
	struct value *const *right = b;
	return rows_compare(context, *left, *right);
}

void kept_rows_arrange(struct kept_rows *kept, const struct query *query)
{
	if (query->order_count > 0 && kept->count > 1) {
		qsort_r(kept->rows, kept->count, sizeof(struct value *), compare_rows,
				(void *)(uintptr_t)query);
	}
	size_t count = 0;
	for (size_t i = query->offset; i < kept->count && count < query->limit; i++) {
		kept->rows[count++] = kept->rows[i];
	}
	kept->count = count;
}
