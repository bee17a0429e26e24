/*
 * DESIGN. Members of a row, values or embedded rows, are written alike in every format; what
 * differs is only what stands around them. A to-one spread is a walk into the other row's members.
 * A to-many spread turns rows into columns, so it gathers one buffer for each of its leaves
 * (columns that are no spread themselves) before any can be written.
 */
#include "store/rows.h"

#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/map.h"
#include "codec/csv.h"

/* The key of tags: they are compared with those of other processes, so it is no secret. */
static const uint64_t tag_key[2] = {0x7461672d6f662d72, 0x6f772d726f776c6b};

static bool write_object(struct rows *rows, const struct query *query, const struct value *values,
						 struct buf *buf);

/* ---- rows of an embed ---- */

/* Opens the rows that belong to a parent row. *ret_any is false when a key is null: there are
 * none, and nothing is open. */
static bool open_embed(struct rows *rows, const struct query_embed *embed,
					   const struct value *values, bool *ret_any)
{
	size_t count = embed->relation->from_fields.count;
	struct value few[4];
	struct value *keys = count <= 4 ? few : alloc_zeroed(count, sizeof(*keys));
	*ret_any = true;
	for (size_t i = 0; i < count; i++) {
		keys[i] = values[embed->keys[i]];
		*ret_any = *ret_any && keys[i].kind != VALUE_NULL;
	}
	bool ok = !*ret_any || rows->source->open(rows->source, embed, keys);
	if (keys != few) {
		free(keys);
	}
	return ok;
}

static bool write_array(struct rows *rows, const struct query_embed *embed,
						const struct value *values, struct buf *buf)
{
	struct row_source *source = rows->source;
	const struct value *row;
	enum row_step step = ROW_NONE;
	bool any;
	if (!open_embed(rows, embed, values, &any)) {
		return false;
	}
	buf_append_byte(buf, '[');
	for (size_t i = 0; any && (step = source->next(source, embed, &row)) == ROW_HERE; i++) {
		buf_append(buf, i > 0 ? STR(",") : STR(""));
		if (!write_object(rows, &embed->query, row, buf)) {
			step = ROW_FAILED;
			break;
		}
	}
	buf_append_byte(buf, ']');
	if (any) {
		source->close(source, embed);
	}
	return step != ROW_FAILED;
}

static bool write_one(struct rows *rows, const struct query_embed *embed,
					  const struct value *values, struct buf *buf)
{
	struct row_source *source = rows->source;
	const struct value *row;
	bool any;
	if (!open_embed(rows, embed, values, &any)) {
		return false;
	}
	enum row_step step = any ? source->next(source, embed, &row) : ROW_NONE;
	bool ok = step != ROW_FAILED;
	if (step == ROW_HERE) {
		ok = write_object(rows, &embed->query, row, buf);
	} else {
		buf_append(buf, STR("null"));
	}
	if (any) {
		source->close(source, embed);
	}
	return ok;
}

static inline void write_value(const struct rows *rows, const struct query_fetch *fetch,
							   const struct value *value, struct buf *buf)
{
	const struct zone *zone = rows->query->zone;
	if (value->kind == VALUE_INTEGER && fetch->type->type == TYPE_INTEGER) {
		/* The most frequent case, without the way through the types. */
		buf_append_int(buf, value->integer);
	} else if (zone != NULL && value->kind == VALUE_INTEGER && fetch->type->type == TYPE_DATETIME) {
		buf_append_byte(buf, '"');
		value_write_in_zone(buf, fetch->type, value, zone);
		buf_append_byte(buf, '"');
	} else {
		value_write_json(buf, fetch->type, value);
	}
}

/* The rows of an embed that is no spread. */
static bool write_embedded(struct rows *rows, const struct query_embed *embed,
						   const struct value *values, struct buf *buf)
{
	assert(!embed->spread);
	return embed->to_one ? write_one(rows, embed, values, buf)
						 : write_array(rows, embed, values, buf);
}

/* ---- spreads ---- */

/* Columns of an answer that are no spread themselves: where values stand. */
static size_t count_leaves(const struct query *query)
{
	size_t count = 0;
	for (size_t i = 0; i < query->column_count; i++) {
		const struct query_embed *embed = query->columns[i].embed;
		count += embed != NULL && embed->spread ? count_leaves(&embed->query) : 1;
	}
	return count;
}

/* One array for each leaf of a to-many spread. */
struct leaves {
	struct buf *bufs;
	size_t count;
	size_t next;
	bool first; /* row */
};

static struct leaves leaves_create(const struct query *query, size_t max_bytes)
{
	struct leaves leaves = {.count = count_leaves(query), .first = true};
	leaves.bufs = alloc_zeroed(leaves.count + 1, sizeof(*leaves.bufs));
	for (size_t i = 0; i < leaves.count; i++) {
		buf_init(&leaves.bufs[i], max_bytes);
		buf_append_byte(&leaves.bufs[i], '[');
	}
	return leaves;
}

static void leaves_destroy(struct leaves *leaves)
{
	for (size_t i = 0; i < leaves->count; i++) {
		buf_finish(&leaves->bufs[i]);
	}
	free(leaves->bufs);
}

/* The answer fails with what is too large for it; without this it would only be cut. */
static void fail_large(struct rows *rows)
{
	(void)buf_grow(rows->buf, SIZE_MAX);
}

/* All that is gathered must fit into the answer. When it does not, nothing more is kept. */
static void check_leaves(struct rows *rows, struct leaves *leaves)
{
	size_t bytes = 0;
	bool failed = false;
	for (size_t i = 0; i < leaves->count; i++) {
		bytes += leaves->bufs[i].len;
		failed = failed || leaves->bufs[i].failed;
	}
	if (failed || bytes > rows->buf->max_bytes) {
		fail_large(rows);
		for (size_t i = 0; i < leaves->count; i++) {
			(void)buf_grow(&leaves->bufs[i], SIZE_MAX);
		}
	}
}

static struct buf *next_leaf(struct leaves *leaves)
{
	struct buf *buf = &leaves->bufs[leaves->next++];
	buf_append(buf, leaves->first ? STR("") : STR(","));
	return buf;
}

static bool gather_row(struct rows *rows, const struct query *query, const struct value *values,
					   struct leaves *leaves);

/* Gathers the rows of a to-many spread. */
static bool gather_rows(struct rows *rows, const struct query_embed *embed,
						const struct value *values, struct leaves *leaves)
{
	struct row_source *source = rows->source;
	const struct value *row;
	enum row_step step = ROW_NONE;
	bool any;
	if (!open_embed(rows, embed, values, &any)) {
		return false;
	}
	while (any && (step = source->next(source, embed, &row)) == ROW_HERE) {
		leaves->next = 0;
		if (!gather_row(rows, &embed->query, row, leaves)) {
			step = ROW_FAILED;
			break;
		}
		leaves->first = false;
		check_leaves(rows, leaves);
	}
	if (any) {
		source->close(source, embed);
	}
	for (size_t i = 0; i < leaves->count; i++) {
		buf_append_byte(&leaves->bufs[i], ']');
	}
	check_leaves(rows, leaves);
	return step != ROW_FAILED;
}

/* A spread within a to-many spread. Of a to-one that is not there `values` is NULL: nulls. */
static bool gather_spread(struct rows *rows, const struct query_embed *embed,
						  const struct value *values, struct leaves *leaves)
{
	struct row_source *source = rows->source;
	if (!embed->to_one && values != NULL) {
		struct leaves inner = leaves_create(&embed->query, rows->buf->max_bytes);
		bool ok = gather_rows(rows, embed, values, &inner);
		for (size_t i = 0; i < inner.count; i++) {
			buf_append(next_leaf(leaves), buf_str(&inner.bufs[i]));
		}
		leaves_destroy(&inner);
		return ok;
	}
	const struct value *row = NULL;
	bool any = false;
	if (values != NULL && !open_embed(rows, embed, values, &any)) {
		return false;
	}
	enum row_step step = any ? source->next(source, embed, &row) : ROW_NONE;
	bool ok = step != ROW_FAILED &&
		gather_row(rows, &embed->query, step == ROW_HERE ? row : NULL, leaves);
	if (any) {
		source->close(source, embed);
	}
	return ok;
}

/* `values` NULL: nulls. */
static bool gather_row(struct rows *rows, const struct query *query, const struct value *values,
					   struct leaves *leaves)
{
	bool ok = true;
	for (size_t i = 0; i < query->column_count && ok; i++) {
		const struct query_column *column = &query->columns[i];
		if (column->embed != NULL && column->embed->spread) {
			ok = gather_spread(rows, column->embed, values, leaves);
		} else if (values == NULL) {
			buf_append(next_leaf(leaves), STR("null"));
		} else if (column->embed != NULL) {
			ok = write_embedded(rows, column->embed, values, next_leaf(leaves));
		} else {
			write_value(rows, &query->fetch[column->at], &values[column->at], next_leaf(leaves));
		}
	}
	return ok;
}

/* ---- members of an object ---- */

/* A row's members as they are written: with keys, or as fields of CSV. */
struct members {
	const struct rows *rows;
	struct buf *buf;
	bool csv;
	bool strip; /* nulls */
	bool any;   /* written so far */
};

static void begin_member(struct members *members, struct str key)
{
	buf_append(members->buf, members->any ? STR(",") : STR(""));
	if (!members->csv) {
		buf_append(members->buf, key);
	}
	members->any = true;
}

static void write_null_member(struct members *members, struct str key)
{
	if (!members->strip) {
		begin_member(members, key);
		buf_append(members->buf, members->csv ? STR("") : STR("null"));
	}
}

/* A text as a field of CSV: one that is empty has quotes, null has not. */
static void write_csv_text(struct buf *buf, struct str text)
{
	if (text.len == 0) {
		buf_append(buf, STR("\"\""));
	} else {
		csv_write_field(buf, text);
	}
}

static void write_value_member(struct members *members, const struct query *query,
							   const struct query_column *column, const struct value *value)
{
	const struct query_fetch *fetch = &query->fetch[column->at];
	if (value->kind == VALUE_NULL) {
		write_null_member(members, column->key);
		return;
	}
	begin_member(members, column->key);
	if (!members->csv) {
		write_value(members->rows, fetch, value, members->buf);
	} else if (value->kind == VALUE_TEXT) {
		write_csv_text(members->buf, value->text);
	} else {
		value_write_in_zone(members->buf, fetch->type, value, members->rows->query->zone);
	}
}

/* Embedded rows, or the array of a leaf; in CSV their JSON is the text of a field. */
static void write_json_member(struct members *members, struct str key, struct str json)
{
	if (str_equal(json, STR("null"))) {
		write_null_member(members, key);
		return;
	}
	begin_member(members, key);
	if (members->csv) {
		write_csv_text(members->buf, json);
	} else {
		buf_append(members->buf, json);
	}
}

static bool write_embed_member(struct rows *rows, struct members *members,
							   const struct query_column *column, const struct value *values)
{
	if (!members->csv && !(members->strip && column->embed->to_one)) {
		begin_member(members, column->key);
		return write_embedded(rows, column->embed, values, members->buf);
	}
	struct buf json;
	buf_init(&json, rows->buf->max_bytes);
	bool ok = write_embedded(rows, column->embed, values, &json);
	if (json.failed) {
		fail_large(rows);
	}
	write_json_member(members, column->key, buf_str(&json));
	buf_finish(&json);
	return ok;
}

/* The keys of the leaves, in order, with what was gathered under them. */
static void write_leaves(struct members *members, const struct query *query, struct leaves *leaves)
{
	for (size_t i = 0; i < query->column_count; i++) {
		const struct query_column *column = &query->columns[i];
		if (column->embed != NULL && column->embed->spread) {
			write_leaves(members, &column->embed->query, leaves);
		} else {
			write_json_member(members, column->key, buf_str(&leaves->bufs[leaves->next++]));
		}
	}
}

static bool write_members(struct rows *rows, const struct query *query, const struct value *values,
						  struct members *members);

/* `values` NULL: of a to-one that is not there. */
static bool write_spread(struct rows *rows, const struct query_embed *embed,
						 const struct value *values, struct members *members)
{
	if (!embed->to_one && values != NULL) {
		struct leaves leaves = leaves_create(&embed->query, rows->buf->max_bytes);
		bool ok = gather_rows(rows, embed, values, &leaves);
		leaves.next = 0;
		write_leaves(members, &embed->query, &leaves);
		leaves_destroy(&leaves);
		return ok;
	}
	struct row_source *source = rows->source;
	const struct value *row = NULL;
	bool any = false;
	if (values != NULL && !open_embed(rows, embed, values, &any)) {
		return false;
	}
	enum row_step step = any ? source->next(source, embed, &row) : ROW_NONE;
	bool ok = step != ROW_FAILED &&
		write_members(rows, &embed->query, step == ROW_HERE ? row : NULL, members);
	if (any) {
		source->close(source, embed);
	}
	return ok;
}

/* `values` NULL: nulls. */
static bool write_members(struct rows *rows, const struct query *query, const struct value *values,
						  struct members *members)
{
	bool ok = true;
	for (size_t i = 0; i < query->column_count && ok; i++) {
		const struct query_column *column = &query->columns[i];
		if (column->embed != NULL && column->embed->spread) {
			ok = write_spread(rows, column->embed, values, members);
		} else if (values == NULL) {
			write_null_member(members, column->key);
		} else if (column->embed != NULL) {
			ok = write_embed_member(rows, members, column, values);
		} else {
			write_value_member(members, query, column, &values[column->at]);
		}
	}
	return ok;
}

static bool write_object(struct rows *rows, const struct query *query, const struct value *values,
						 struct buf *buf)
{
	struct members members = {.rows = rows, .buf = buf, .strip = rows->query->nulls_stripped};
	buf_append_byte(buf, '{');
	bool ok = write_members(rows, query, values, &members);
	buf_append_byte(buf, '}');
	return ok;
}

/* ---- whole answers ---- */

static void write_csv_header(const struct query *query, struct buf *buf, bool *any)
{
	for (size_t i = 0; i < query->column_count; i++) {
		const struct query_column *column = &query->columns[i];
		if (column->embed != NULL && column->embed->spread) {
			write_csv_header(&column->embed->query, buf, any);
			continue;
		}
		buf_append(buf, *any ? STR(",") : STR(""));
		write_csv_text(buf, column->name);
		*any = true;
	}
}

void rows_begin(struct rows *rows, const struct query *query, struct row_source *source,
				struct buf *buf)
{
	bool any = false;
	*rows = (struct rows){.query = query, .source = source, .buf = buf};
	if (query->format == FORMAT_ARRAY || query->format == FORMAT_VALUES) {
		buf_append_byte(buf, '[');
	} else if (query->format == FORMAT_CSV) {
		write_csv_header(query, buf, &any);
	}
}

/* A hash of the values that tell one state of the row from another. */
static uint64_t hash_values(const struct query *query, const struct value *values)
{
	uint64_t hash = 0;
	for (size_t i = 0; i < query->tag_count; i++) {
		const struct value *value = &values[query->tag[i]];
		struct str bytes = {(const char *)&value->integer, sizeof(value->integer)};
		if (value->kind == VALUE_TEXT) {
			bytes = value->text;
		} else if (value->kind == VALUE_NULL) {
			bytes.len = 0;
		}
		uint64_t parts[3] = {hash, (uint64_t)value->kind, siphash(tag_key, bytes.ptr, bytes.len)};
		hash = siphash(tag_key, parts, sizeof(parts));
	}
	return hash;
}

static void write_cursor(struct rows *rows, const struct value *values)
{
	const struct query *query = rows->query;
	buf_clear(rows->cursor);
	buf_append_byte(rows->cursor, '[');
	for (size_t i = 0; i < query->cursor_count; i++) {
		size_t at = query->cursor[i];
		buf_append(rows->cursor, i > 0 ? STR(",") : STR(""));
		value_write_json(rows->cursor, query->fetch[at].type, &values[at]);
	}
	buf_append_byte(rows->cursor, ']');
}

static bool write_row(struct rows *rows, const struct value *values)
{
	const struct query *query = rows->query;
	struct members members = {.rows = rows, .buf = rows->buf, .csv = true};
	switch (query->format) {
	case FORMAT_ARRAY:
		buf_append(rows->buf, rows->count > 0 ? STR(",") : STR(""));
		return write_object(rows, query, values, rows->buf);
	case FORMAT_OBJECT:
		return write_object(rows, query, values, rows->buf);
	case FORMAT_NDJSON: {
		bool ok = write_object(rows, query, values, rows->buf);
		buf_append_byte(rows->buf, '\n');
		return ok;
	}
	case FORMAT_CSV:
		buf_append_byte(rows->buf, '\n');
		return write_members(rows, query, values, &members);
	case FORMAT_VALUES: {
		size_t at = query->columns[0].at;
		buf_append(rows->buf, rows->count > 0 ? STR(",") : STR(""));
		write_value(rows, &query->fetch[at], &values[at], rows->buf);
		return true;
	}
	}
	assert(false);
	return false;
}

bool rows_write(struct rows *rows, const struct value *values)
{
	const struct query *query = rows->query;
	bool ok = true;
	if (query->format != FORMAT_OBJECT || rows->count == 0) {
		ok = write_row(rows, values);
	}
	rows->count++;
	if (query->tag_count > 0) {
		rows->tag = hash_values(query, values);
	}
	if (query->cursor_count > 0 && rows->cursor != NULL) {
		write_cursor(rows, values);
	}
	return ok;
}

void rows_end(struct rows *rows)
{
	if (rows->query->format == FORMAT_ARRAY || rows->query->format == FORMAT_VALUES) {
		buf_append_byte(rows->buf, ']');
	}
}

bool rows_check_one(const struct rows *rows, struct error *error)
{
	const struct query *query = rows->query;
	if (query->format != FORMAT_OBJECT || rows->count == 1) {
		return true;
	}
	if (rows->count == 0 && (query->action == QUERY_GET || query->must_match)) {
		return error_set(error, ERROR_NOT_FOUND, NULL);
	}
	error_set(error, ERROR_NOT_ONE, NULL);
	return error_details(error, "The result contains %llu rows", (unsigned long long)rows->count);
}

int rows_compare(const struct query *query, const struct value *a, const struct value *b)
{
	for (size_t i = 0; i < query->order_count; i++) {
		const struct query_order *order = &query->order[i];
		const struct value *left = &a[order->at];
		const struct value *right = &b[order->at];
		int nulls_last = (left->kind == VALUE_NULL) - (right->kind == VALUE_NULL);
		if (nulls_last != 0) {
			return order->nulls_first ? -nulls_last : nulls_last;
		}
		int ascending = value_compare(left, right);
		if (ascending != 0) {
			return order->descending ? -ascending : ascending;
		}
	}
	return 0;
}
