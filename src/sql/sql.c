/*
 * DESIGN. One pass over the query writes text and gathers parameters in the order of their
 * placeholders. Databases bound both the height of an expression (SQLite: 1,000) and the stack of
 * their parser (SQLite 3.40: 100 entries, 3 for an operator and a parenthesis that are open). So a
 * long AND or OR is written as a balanced tree, the highest child stands first, where nothing is
 * open before it, and an AND within an OR has no parentheses.
 */
#include "sql/sql.h"

#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "codec/json.h"
#include "sql/sql_priv.h"

enum {
	FLAT_CHILDREN = 8, /* written in a row; more are split in halves */
	EXACT_ITEMS = 8,   /* longer lists are padded */
};

void sql_init(struct sql *sql, const struct sql_dialect *dialect, size_t max_bytes)
{
	*sql = (struct sql){.dialect = dialect};
	buf_init(&sql->text, max_bytes);
}

void sql_finish(struct sql *sql)
{
	if (sql == NULL) {
		return;
	}
	buf_finish(&sql->text);
	free(sql->params);
	sql->params = NULL;
	sql->param_count = 0;
	sql->param_capacity = 0;
}

void sql_clear(struct sql *sql)
{
	buf_clear(&sql->text);
	sql->param_count = 0;
}

/* ---- words ---- */

void sql_put_name(const struct sql_dialect *dialect, struct str name, struct buf *text)
{
	char quote = dialect->quote;
	char *to = buf_reserve(text, 2 * name.len + 2);
	if (to == NULL) {
		return;
	}
	size_t len = 0;
	to[len++] = quote;
	for (size_t i = 0; i < name.len; i++) {
		to[len++] = name.ptr[i];
		if (name.ptr[i] == quote) {
			to[len++] = quote;
		}
	}
	to[len++] = quote;
	buf_added(text, len);
}

void sql_write_literal(struct buf *text, const struct value *value)
{
	switch (value->kind) {
	case VALUE_NULL:
		buf_append(text, STR("NULL"));
		return;
	case VALUE_INTEGER:
		buf_append_int(text, value->integer);
		return;
	case VALUE_NUMBER:
		json_write_double(text, value->number);
		return;
	case VALUE_ABSENT:
	case VALUE_POINTER:
		assert(false);
		return;
	case VALUE_TEXT:
		break;
	}
	buf_append_byte(text, '\'');
	for (size_t i = 0; i < value->text.len; i++) {
		buf_append_byte(text, value->text.ptr[i]);
		if (value->text.ptr[i] == '\'') {
			buf_append_byte(text, '\'');
		}
	}
	buf_append_byte(text, '\'');
}

void sql_write_fields(const struct sql_dialect *dialect, struct buf *text, const char *prefix,
					  const struct field_list *fields)
{
	for (size_t i = 0; i < fields->count; i++) {
		buf_append(text, i > 0 ? STR(",") : STR(""));
		buf_append(text, str_from(prefix));
		sql_put_name(dialect, fields->items[i]->name, text);
	}
}

bool sql_is_nullable(const struct field *field)
{
	return !field->required && !field->key;
}

static inline void write_name(struct sql *sql, struct str name)
{
	sql_put_name(sql->dialect, name, &sql->text);
}

static void add_param(struct sql *sql, const struct value *value)
{
	if (sql->param_count == sql->param_capacity) {
		size_t capacity = sql->param_capacity == 0 ? 16 : sql->param_capacity * 2;
		sql->params = alloc_resize(sql->params, capacity, sizeof(*sql->params));
		sql->param_capacity = capacity;
	}
	sql->params[sql->param_count++] = value;
}

/* ---- conditions ---- */

static void write_cond(struct sql *sql, const struct cond *cond);

static void write_compare(struct sql *sql, const struct cond *cond)
{
	struct buf *text = &sql->text;
	assert(cond->operand.parameter < 0);
	write_name(sql, cond->field->name);
	switch (cond->op) {
	case OPERATOR_EQ:
		buf_append(text, STR("=?"));
		break;
	case OPERATOR_NEQ:
		buf_append(text, STR("<>?"));
		break;
	case OPERATOR_GT:
		buf_append(text, STR(">?"));
		break;
	case OPERATOR_GTE:
		buf_append(text, STR(">=?"));
		break;
	case OPERATOR_LT:
		buf_append(text, STR("<?"));
		break;
	case OPERATOR_LTE:
		buf_append(text, STR("<=?"));
		break;
	case OPERATOR_IN:
	case OPERATOR_IS:
		assert(false);
		break;
	}
	add_param(sql, &cond->operand.value);
}

static void write_in(struct sql *sql, const struct cond *cond)
{
	size_t count = cond->item_count;
	if (count == 0) {
		buf_append(&sql->text, STR("0"));
		return;
	}
	size_t places = count;
	if (count > EXACT_ITEMS) {
		for (places = EXACT_ITEMS; places < count;) {
			places *= 2;
		}
	}
	write_name(sql, cond->field->name);
	buf_append(&sql->text, STR(" IN (?"));
	for (size_t i = 1; i < places; i++) {
		buf_append(&sql->text, STR(",?"));
	}
	buf_append_byte(&sql->text, ')');
	for (size_t i = 0; i < places; i++) {
		const struct operand *item = &cond->items[i < count ? i : count - 1];
		assert(item->parameter < 0);
		add_param(sql, &item->value);
	}
}

static void write_is(struct sql *sql, const struct cond *cond)
{
	static const struct str words[] = {
		[IS_NULL] = STR_INIT(" IS NULL"),    [IS_NOT_NULL] = STR_INIT(" IS NOT NULL"),
		[IS_TRUE] = STR_INIT(" IS TRUE"),    [IS_FALSE] = STR_INIT(" IS FALSE"),
		[IS_UNKNOWN] = STR_INIT(" IS NULL"),
	};
	write_name(sql, cond->field->name);
	buf_append(&sql->text, words[cond->is]);
}

static bool is_group(const struct cond *cond)
{
	return cond->kind == COND_AND || cond->kind == COND_OR;
}

/* A child of an AND or OR. AND binds closer than OR; equal ones need no parentheses. */
static void write_child(struct sql *sql, enum cond_kind kind, const struct cond *child)
{
	bool enclosed = kind == COND_AND && child->kind == COND_OR && child->child_count > 0;
	buf_append(&sql->text, enclosed ? STR("(") : STR(""));
	write_cond(sql, child);
	buf_append(&sql->text, enclosed ? STR(")") : STR(""));
}

static void write_children(struct sql *sql, enum cond_kind kind, const struct cond *const *children,
						   size_t count)
{
	struct str word = kind == COND_AND ? STR(" AND ") : STR(" OR ");
	if (count <= FLAT_CHILDREN) {
		for (size_t i = 0; i < count; i++) {
			buf_append(&sql->text, i > 0 ? word : STR(""));
			write_child(sql, kind, children[i]);
		}
		return;
	}
	/* The highest child is not to stand deep in the balanced tree. */
	size_t half = count / 2;
	if (is_group(children[0])) {
		half = 1;
		write_child(sql, kind, children[0]);
	} else {
		buf_append_byte(&sql->text, '(');
		write_children(sql, kind, children, half);
		buf_append_byte(&sql->text, ')');
	}
	buf_append(&sql->text, word);
	buf_append_byte(&sql->text, '(');
	write_children(sql, kind, children + half, count - half);
	buf_append_byte(&sql->text, ')');
}

static void write_group(struct sql *sql, const struct cond *cond)
{
	if (cond->child_count == 0) {
		buf_append(&sql->text, cond->kind == COND_AND ? STR("1") : STR("0"));
		return;
	}
	write_children(sql, cond->kind, cond->children, cond->child_count);
}

static void write_cond(struct sql *sql, const struct cond *cond)
{
	switch (cond->kind) {
	case COND_AND:
	case COND_OR:
		write_group(sql, cond);
		return;
	case COND_NOT:
		assert(cond->child_count == 1);
		buf_append(&sql->text, STR("NOT ("));
		write_cond(sql, cond->children[0]);
		buf_append_byte(&sql->text, ')');
		return;
	case COND_COMPARE:
		write_compare(sql, cond);
		return;
	case COND_IN:
		write_in(sql, cond);
		return;
	case COND_IS:
		write_is(sql, cond);
		return;
	}
	assert(false);
}

static void write_where(struct sql *sql, const struct query *query)
{
	if (query->where != NULL) {
		buf_append(&sql->text, STR(" WHERE "));
		write_cond(sql, query->where);
	}
}

/* ---- reads ---- */

static void write_columns(struct sql *sql, const struct query *query)
{
	for (size_t i = 0; i < query->column_count; i++) {
		buf_append(&sql->text, i > 0 ? STR(",") : STR(""));
		write_name(sql, query->columns[i].field->name);
	}
}

static void write_order(struct sql *sql, const struct query *query)
{
	for (size_t i = 0; i < query->order_count; i++) {
		const struct query_order *order = &query->order[i];
		/* Nulls are the least of all values where nothing is said. */
		bool said = sql_is_nullable(order->field) && order->nulls_first == order->descending;
		assert(!said || sql->dialect->nulls_placement);
		buf_append(&sql->text, i > 0 ? STR(",") : STR(" ORDER BY "));
		write_name(sql, order->field->name);
		buf_append(&sql->text, order->descending ? STR(" DESC") : STR(""));
		if (said) {
			buf_append(&sql->text, order->nulls_first ? STR(" NULLS FIRST") : STR(" NULLS LAST"));
		}
	}
}

static void set_number(struct value *value, uint64_t number)
{
	*value = (struct value){
		.kind = VALUE_INTEGER,
		.integer = number > INT64_MAX ? INT64_MAX : (int64_t)number,
	};
}

static void write_range(struct sql *sql, const struct query *query)
{
	if (query->limit == UINT64_MAX && query->offset == 0) {
		return;
	}
	set_number(&sql->limit, query->limit);
	add_param(sql, &sql->limit);
	buf_append(&sql->text, STR(" LIMIT ?"));
	if (query->offset > 0) {
		set_number(&sql->offset, query->offset);
		add_param(sql, &sql->offset);
		buf_append(&sql->text, STR(" OFFSET ?"));
	}
}

void sql_select(struct sql *sql, const struct query *query)
{
	assert(query->column_count > 0);
	buf_append(&sql->text, STR("SELECT "));
	write_columns(sql, query);
	buf_append(&sql->text, STR(" FROM "));
	write_name(sql, query->resource->name);
	write_where(sql, query);
	if (query->action == QUERY_LIST) {
		write_order(sql, query);
		write_range(sql, query);
	}
}

void sql_count(struct sql *sql, const struct query *query)
{
	buf_append(&sql->text, STR("SELECT count(*) FROM "));
	write_name(sql, query->resource->name);
	write_where(sql, query);
}

/* ---- writes ---- */

static void write_returning(struct sql *sql, const struct query *query)
{
	if (query->column_count > 0) {
		assert(sql->dialect->returning);
		buf_append(&sql->text, STR(" RETURNING "));
		write_columns(sql, query);
	}
}

/* `"a"="a"` of a field that may best be written for nothing: no key has to be looked at again. */
static void write_no_change(struct sql *sql, const struct resource *resource)
{
	const struct field *field = &resource->fields[0];
	for (size_t i = 0; i < resource->field_count && field->key; i++) {
		field = &resource->fields[i];
	}
	write_name(sql, field->name);
	buf_append_byte(&sql->text, '=');
	write_name(sql, field->name);
}

static void write_on_conflict(struct sql *sql, const struct query *query)
{
	const struct resource *resource = query->resource;
	bool any = false;
	assert(sql->dialect->upsert_on_conflict);
	buf_append(&sql->text, STR(" ON CONFLICT ("));
	sql_write_fields(sql->dialect, &sql->text, "", &resource->key);
	buf_append(&sql->text, STR(") DO UPDATE SET "));
	for (size_t i = 0; i < query->given.count; i++) {
		const struct field *field = query->given.items[i];
		if (field->key || field->write == WRITE_ONCE) {
			continue;
		}
		buf_append(&sql->text, any ? STR(",") : STR(""));
		write_name(sql, field->name);
		buf_append(&sql->text, STR("=excluded."));
		write_name(sql, field->name);
		any = true;
	}
	if (!any) {
		write_no_change(sql, resource);
	}
}

void sql_insert(struct sql *sql, const struct query *query, size_t row)
{
	size_t width = query->given.count;
	assert(row < query->row_count);
	buf_append(&sql->text, STR("INSERT INTO "));
	write_name(sql, query->resource->name);
	if (width == 0) {
		/* Without a key there is nothing to meet either. */
		buf_append(&sql->text, STR(" DEFAULT VALUES"));
		write_returning(sql, query);
		return;
	}
	buf_append(&sql->text, STR(" ("));
	sql_write_fields(sql->dialect, &sql->text, "", &query->given);
	buf_append(&sql->text, STR(") VALUES (?"));
	for (size_t i = 0; i < width; i++) {
		buf_append(&sql->text, i > 0 ? STR(",?") : STR(""));
		add_param(sql, &query->values[row * width + i]);
	}
	buf_append_byte(&sql->text, ')');
	if (query->action == QUERY_UPSERT) {
		write_on_conflict(sql, query);
	}
	write_returning(sql, query);
}

void sql_update(struct sql *sql, const struct query *query)
{
	assert(query->row_count == 1);
	buf_append(&sql->text, STR("UPDATE "));
	write_name(sql, query->resource->name);
	buf_append(&sql->text, STR(" SET "));
	for (size_t i = 0; i < query->given.count; i++) {
		buf_append(&sql->text, i > 0 ? STR(",") : STR(""));
		write_name(sql, query->given.items[i]->name);
		buf_append(&sql->text, STR("=?"));
		add_param(sql, &query->values[i]);
	}
	if (query->given.count == 0) {
		write_no_change(sql, query->resource);
	}
	write_where(sql, query);
	write_returning(sql, query);
}

void sql_delete(struct sql *sql, const struct query *query)
{
	buf_append(&sql->text, STR("DELETE FROM "));
	write_name(sql, query->resource->name);
	write_where(sql, query);
	write_returning(sql, query);
}
