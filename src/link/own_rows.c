#include "link/own_rows.h"

#include <assert.h>

#include "query/cond.h"

enum { DEPTH = 3 };

struct query *own_query(struct arena *arena, enum query_action action,
						const struct resource *resource)
{
	struct query *query = ARENA_NEW(arena, struct query);
	*query = (struct query){
		.action = action,
		.resource = resource,
		.limit = UINT64_MAX,
		.own = true,
		.conflict = resource->key,
		.resolution = RESOLUTION_IGNORE,
		.format = action == QUERY_GET ? FORMAT_OBJECT : FORMAT_ARRAY,
	};
	return query;
}

static const struct cond *compare(struct arena *arena, const struct field *field,
								  enum operator_name op, struct value value)
{
	struct cond *leaf = ARENA_NEW(arena, struct cond);
	*leaf = (struct cond){
		.kind = COND_COMPARE,
		.field = field,
		.type = field,
		.op = op,
		.operand = {.value = value, .parameter = -1},
	};
	return leaf;
}

void own_where(struct arena *arena, struct query *query, const struct field *field,
			   enum operator_name op, struct value value)
{
	query->where = cond_both(arena, query->where, compare(arena, field, op, value));
}

void own_where_keys(struct arena *arena, struct query *query, const struct field_list *fields,
					const struct value *const *keys, size_t count)
{
	const struct cond **rows = ARENA_ARRAY(arena, count, const struct cond *);
	for (size_t i = 0; i < count; i++) {
		const struct cond **parts = ARENA_ARRAY(arena, fields->count, const struct cond *);
		for (size_t k = 0; k < fields->count; k++) {
			parts[k] = compare(arena, fields->items[k], OPERATOR_EQ, keys[i][k]);
		}
		rows[i] = cond_join(arena, COND_AND, parts, fields->count);
	}
	query->where = cond_both(arena, query->where, cond_join(arena, COND_OR, rows, count));
}

void own_where_in(struct arena *arena, struct query *query, const struct field *field,
				  const struct value *values, size_t count)
{
	struct operand *items = ARENA_ARRAY(arena, count, struct operand);
	struct cond *leaf = ARENA_NEW(arena, struct cond);
	for (size_t i = 0; i < count; i++) {
		items[i] = (struct operand){.value = values[i], .parameter = -1};
	}
	*leaf = (struct cond){
		.kind = COND_IN,
		.field = field,
		.type = field,
		.items = items,
		.item_count = count,
	};
	query->where = cond_both(arena, query->where, leaf);
}

void own_fetch(struct arena *arena, struct query *query, const struct field *const *fields,
			   size_t count)
{
	struct query_fetch *fetch = ARENA_ARRAY(arena, count, struct query_fetch);
	struct query_column *columns = ARENA_ARRAY(arena, count, struct query_column);
	for (size_t i = 0; i < count; i++) {
		const struct field *field = fields[i];
		struct buf key;
		buf_init(&key, SIZE_MAX);
		json_write_string(&key, field->name);
		buf_append_byte(&key, ':');
		fetch[i] = (struct query_fetch){.term = {.field = field}, .type = field};
		columns[i] = (struct query_column){
			.name = field->name,
			.key = arena_copy(arena, buf_str(&key)),
			.at = i,
		};
		buf_finish(&key);
	}
	query->fetch = fetch;
	query->fetch_count = count;
	query->columns = columns;
	query->column_count = count;
}

void own_order(struct arena *arena, struct query *query, size_t terms, uint64_t limit)
{
	struct query_order *order = ARENA_ARRAY(arena, terms, struct query_order);
	assert(terms <= query->fetch_count);
	for (size_t i = 0; i < terms; i++) {
		order[i] = (struct query_order){.term = query->fetch[i].term, .at = i};
	}
	query->order = order;
	query->order_count = terms;
	query->limit = limit;
}

struct value *own_give(struct arena *arena, struct query *query, const struct field *const *fields,
					   size_t count, size_t rows)
{
	const struct field **given = ARENA_ARRAY(arena, count, const struct field *);
	struct value *values = ARENA_ARRAY(arena, count * rows, struct value);
	for (size_t i = 0; i < count; i++) {
		given[i] = fields[i];
	}
	query->given = (struct field_list){given, count};
	query->values = values;
	query->row_count = rows;
	return values;
}

struct value own_id(struct arena *arena, const struct uuid *id)
{
	char text[UUID_TEXT_LEN];
	uuid_write(id, text);
	return own_text(arena_copy(arena, (struct str){text, sizeof(text)}));
}

struct value *own_ids(struct arena *arena, const struct uuid *ids, size_t count)
{
	struct value *values = ARENA_ARRAY(arena, count, struct value);
	for (size_t i = 0; i < count; i++) {
		values[i] = own_id(arena, &ids[i]);
	}
	return values;
}

/* ---- answers ---- */

static bool fail(struct error *error)
{
	error_set(error, ERROR_STORE, NULL);
	return error_details(error, "rows of references between services cannot be read");
}

bool own_rows_begin(struct own_rows *rows, const struct query *query, struct str answer,
					struct arena *arena, struct error *error)
{
	rows->query = query;
	rows->list = query->format == FORMAT_ARRAY;
	json_reader_init(&rows->json, answer, DEPTH, arena);
	return !rows->list || json_next(&rows->json) == JSON_ARRAY || fail(error);
}

bool own_rows_next(struct own_rows *rows, struct value *values, bool *ret_more, struct error *error)
{
	enum json_event event = json_next(&rows->json);
	if (event == (rows->list ? JSON_ARRAY_END : JSON_END)) {
		*ret_more = false;
		return true;
	}
	if (event != JSON_OBJECT) {
		return fail(error);
	}
	for (size_t i = 0; i < rows->query->fetch_count; i++) {
		if (json_next(&rows->json) != JSON_KEY ||
			!value_from_json(rows->query->fetch[i].type, &rows->json, false, &values[i], error)) {
			return fail(error);
		}
	}
	*ret_more = true;
	return json_next(&rows->json) == JSON_OBJECT_END || fail(error);
}
