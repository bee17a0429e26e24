#include "link/remote_text.h"

#include <string.h>

/* ---- characters ---- */

/* RFC 3986 lets these stand in a query; + & # % mean something else there. */
static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		(c != '\0' && strchr("-._~(),:*$", c) != NULL);
}

static void put(struct buf *path, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (is_plain(text.ptr[i])) {
			buf_append_byte(path, text.ptr[i]);
		} else {
			buf_printf(path, "%%%02X", (unsigned char)text.ptr[i]);
		}
	}
}

static bool is_word(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			  c == '_' || (c == '-' && i > 0))) {
			return false;
		}
	}
	return text.len > 0;
}

static void put_quoted(struct buf *path, struct str text)
{
	put(path, STR("\""));
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '"' || text.ptr[i] == '\\') {
			put(path, STR("\\"));
		}
		put(path, (struct str){text.ptr + i, 1});
	}
	put(path, STR("\""));
}

static void put_name(struct buf *path, struct str name)
{
	if (is_word(name)) {
		put(path, name);
	} else {
		put_quoted(path, name);
	}
}

static void put_value(struct buf *path, const struct field *type, const struct value *value)
{
	struct buf text;
	buf_init(&text, SIZE_MAX);
	value_write_text(&text, type, value);
	if (is_word(buf_str(&text))) {
		put(path, buf_str(&text));
	} else {
		put_quoted(path, buf_str(&text));
	}
	buf_finish(&text);
}

/* ---- terms ---- */

static bool unsupported(struct error *error, const char *what)
{
	error_set(error, ERROR_UNSUPPORTED, "%s is not supported for rows of other services", what);
	return false;
}

static void put_path(struct buf *path, const struct field *field, const struct json_path *json)
{
	put_name(path, field->name);
	for (size_t i = 0; json != NULL && i < json->count; i++) {
		bool last = i + 1 == json->count;
		put(path, last && json->as_text ? STR("->>") : STR("->"));
		if (json->steps[i].is_position) {
			put(path, json->steps[i].key);
		} else {
			put_name(path, json->steps[i].key);
		}
	}
}

static void put_cast(struct buf *path, const struct field *to)
{
	static const char *const words[] = {
		[TYPE_INTEGER] = "bigint", [TYPE_NUMBER] = "float8",   [TYPE_DECIMAL] = "numeric",
		[TYPE_TEXT] = "text",      [TYPE_BOOLEAN] = "boolean", [TYPE_UUID] = "uuid",
		[TYPE_DATE] = "date",      [TYPE_TIME] = "time",       [TYPE_DATETIME] = "timestamptz",
		[TYPE_JSON] = "json",
	};
	if (to != NULL) {
		put(path, STR("::"));
		put(path, str_from(words[to->type]));
	}
}

static void put_aggregate(struct buf *path, enum aggregate aggregate, bool of_rows)
{
	static const char *const words[] = {
		[AGGREGATE_NONE] = "",     [AGGREGATE_COUNT] = "count()", [AGGREGATE_SUM] = "sum()",
		[AGGREGATE_AVG] = "avg()", [AGGREGATE_MIN] = "min()",     [AGGREGATE_MAX] = "max()",
	};
	if (aggregate != AGGREGATE_NONE) {
		put(path, of_rows ? STR("") : STR("."));
		put(path, str_from(words[aggregate]));
	}
}

/* Casts of rows that are not grouped are made here, so that they are the same for all services. */
static bool put_fetch(struct buf *path, const struct query *query, const struct query_fetch *fetch,
					  struct error *error)
{
	if (fetch->term.through_count > 0) {
		return unsupported(error, "a value through a relation");
	}
	if (fetch->term.field != NULL) {
		put_path(path, fetch->term.field, fetch->term.path);
		put_cast(path, query->grouped ? fetch->cast : NULL);
	}
	put_aggregate(path, fetch->aggregate, fetch->term.field == NULL);
	put_cast(path, fetch->result_cast);
	return true;
}

static bool put_select(struct buf *path, const struct remote_asks *asks, struct error *error)
{
	const struct query *query = asks->query;
	size_t count = query->fetch_count + asks->extra_count;
	buf_append(path, STR("select="));
	for (size_t i = 0; i < count; i++) {
		buf_printf(path, "%sc%zu:", i > 0 ? "," : "", i);
		if (i >= query->fetch_count) {
			put_name(path, asks->extras[i - query->fetch_count]->name);
		} else if (!put_fetch(path, query, &query->fetch[i], error)) {
			return false;
		}
	}
	if (count == 0) {
		put_name(path, query->resource->fields[0].name);
	}
	return true;
}

/* ---- conditions ---- */

static bool put_cond(struct buf *path, const struct resource *resource, const struct cond *cond,
					 bool negated, struct error *error);

static const char *operator_word(enum operator_name op)
{
	static const char *const words[] = {
#define X(name, word, shape) [OPERATOR_##name] = word,
		OPERATOR_TABLE(X)
#undef X
	};
	return words[op];
}

static bool put_compare(struct buf *path, const struct cond *cond, struct error *error)
{
	if (cond->op >= OPERATOR_FTS) {
		return unsupported(error, "full text search");
	}
	buf_printf(path, ".%s.", operator_word(cond->op));
	if (cond->op >= OPERATOR_LIKE && cond->op <= OPERATOR_IMATCH) {
		put_quoted(path, cond->operand.value.text);
	} else {
		put_value(path, cond->type, &cond->operand.value);
	}
	return true;
}

static void put_in(struct buf *path, const struct cond *cond)
{
	put(path, STR(".in.("));
	for (size_t i = 0; i < cond->item_count; i++) {
		put(path, i > 0 ? STR(",") : STR(""));
		put_value(path, cond->type, &cond->items[i].value);
	}
	put(path, STR(")"));
}

static bool put_group(struct buf *path, const struct resource *resource, const struct cond *cond,
					  struct error *error)
{
	bool all = cond->kind == COND_AND;
	if (cond->child_count == 0) {
		/* Every row has a key; no row's is among none. */
		put_name(path,
				 resource->key.count > 0 ? resource->key.items[0]->name : resource->fields[0].name);
		put(path, all ? STR(".not.in.()") : STR(".in.()"));
		return true;
	}
	put(path, all ? STR("and(") : STR("or("));
	for (size_t i = 0; i < cond->child_count; i++) {
		put(path, i > 0 ? STR(",") : STR(""));
		if (!put_cond(path, resource, cond->children[i], false, error)) {
			return false;
		}
	}
	put(path, STR(")"));
	return true;
}

static void put_is(struct buf *path, enum is_what is)
{
	static const char *const words[] = {
		[IS_NULL] = "is.null",   [IS_NOT_NULL] = "not.is.null", [IS_TRUE] = "is.true",
		[IS_FALSE] = "is.false", [IS_UNKNOWN] = "is.unknown",
	};
	put(path, STR("."));
	put(path, str_from(words[is]));
}

static bool put_cond(struct buf *path, const struct resource *resource, const struct cond *cond,
					 bool negated, struct error *error)
{
	if (cond->kind == COND_AND || cond->kind == COND_OR) {
		return put_group(path, resource, cond, error);
	}
	if (cond->kind == COND_NOT) {
		return put_cond(path, resource, cond->children[0], true, error);
	}
	if (cond->kind == COND_EXISTS) {
		return unsupported(error, "a condition about embedded rows within `or` or `not`");
	}
	put_path(path, cond->field, cond->path);
	if (negated && cond->kind == COND_IS && cond->is == IS_NOT_NULL) {
		put(path, STR(".is.null"));
		return true;
	}
	put(path, negated ? STR(".not") : STR(""));
	if (cond->kind == COND_IN) {
		put_in(path, cond);
		return true;
	}
	if (cond->kind == COND_IS) {
		put_is(path, cond->is);
		return true;
	}
	return put_compare(path, cond, error);
}

static void put_keys(struct buf *path, const struct remote_asks *asks)
{
	const struct field_list *keys = asks->keys;
	if (keys->count == 1) {
		put_name(path, keys->items[0]->name);
		put(path, STR(".in.("));
		for (size_t i = 0; i < asks->key_count; i++) {
			put(path, i > 0 ? STR(",") : STR(""));
			put_value(path, keys->items[0], &asks->key_values[i]);
		}
		put(path, STR(")"));
		return;
	}
	put(path, STR("or("));
	for (size_t i = 0; i < asks->key_count; i++) {
		put(path, i > 0 ? STR(",and(") : STR("and("));
		for (size_t k = 0; k < keys->count; k++) {
			put(path, k > 0 ? STR(",") : STR(""));
			put_name(path, keys->items[k]->name);
			put(path, STR(".eq."));
			put_value(path, keys->items[k], &asks->key_values[i * keys->count + k]);
		}
		put(path, STR(")"));
	}
	put(path, STR(")"));
}

/* All as one parameter: only between its parentheses may values be quoted. */
static bool put_where(struct buf *path, const struct remote_asks *asks, struct error *error)
{
	size_t written = 0;
	if (asks->where != NULL) {
		buf_append(path, written++ > 0 ? STR(",") : STR("&and=("));
		if (!put_cond(path, asks->query->resource, asks->where, false, error)) {
			return false;
		}
	}
	if (asks->key_count > 0) {
		buf_append(path, written++ > 0 ? STR(",") : STR("&and=("));
		put_keys(path, asks);
	}
	if (asks->from_key != NULL) {
		buf_append(path, written++ > 0 ? STR(",") : STR("&and=("));
		put_name(path, asks->keys->items[0]->name);
		put(path, STR(".gte."));
		put_value(path, asks->keys->items[0], asks->from_key);
	}
	buf_append(path, written > 0 ? STR(")") : STR(""));
	return true;
}

/* ---- order ---- */

static bool put_order(struct buf *path, const struct remote_asks *asks, struct error *error)
{
	const struct query *query = asks->query;
	size_t written = 0;
	for (size_t i = 0; asks->by_key && i < asks->keys->count; i++) {
		buf_append(path, written++ > 0 ? STR(",") : STR("&order="));
		put_name(path, asks->keys->items[i]->name);
	}
	for (size_t i = 0; i < query->order_count; i++) {
		const struct query_order *order = &query->order[i];
		if (order->term.through_count > 0 || order->term.field == NULL) {
			return unsupported(error, "an order by related or aggregated values");
		}
		buf_append(path, written++ > 0 ? STR(",") : STR("&order="));
		put_path(path, order->term.field, order->term.path);
		put(path, order->descending ? STR(".desc") : STR(".asc"));
		put(path, order->nulls_first ? STR(".nullsfirst") : STR(".nullslast"));
	}
	return true;
}

bool remote_write_request(struct buf *path, const struct remote_asks *asks, struct error *error)
{
	const struct query *query = asks->query;
	if (query->distinct) {
		return unsupported(error, "`distinct`");
	}
	buf_append_byte(path, '/');
	put(path, query->resource->name);
	buf_append_byte(path, '?');
	if (!put_select(path, asks, error) || !put_where(path, asks, error) ||
		!put_order(path, asks, error)) {
		return false;
	}
	if (asks->limit != UINT64_MAX) {
		buf_printf(path, "&limit=%llu", (unsigned long long)asks->limit);
	}
	if (asks->offset > 0) {
		buf_printf(path, "&offset=%llu", (unsigned long long)asks->offset);
	}
	return true;
}
