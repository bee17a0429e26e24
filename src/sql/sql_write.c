#include <assert.h>

#include "model/relations.h"
#include "sql/sql_priv.h"

/* The table; from here to write_where() it has an alias when conditions ask for other tables. */
static void write_target(struct sql *sql, const struct query *query)
{
	if (sql_cond_has_tables(query->where)) {
		sql->alias = ++sql->aliases;
	}
	sql_write_table(sql, query->resource);
}

static void write_returning(struct sql *sql, const struct query *query)
{
	if (query->fetch_count > 0 && sql->dialect->returning) {
		sql_write(sql, STR(" RETURNING "));
		sql->named = query->resource;
		sql->alias = sql_fetch_has_tables(query) ? SQL_NAMED : 0;
		sql_write_fetch(sql, query);
	}
}

/* A field that may best be written for nothing: no key has to be looked at again. */
static const struct field *idle_field(const struct resource *resource)
{
	const struct field *field = NULL;
	for (size_t i = 0; i < resource->field_count && (field == NULL || field->key); i++) {
		field = field_is_computed(&resource->fields[i]) ? field : &resource->fields[i];
	}
	assert(field != NULL);
	return field;
}

/* `"a"="a"` */
static void write_no_change(struct sql *sql, const struct resource *resource)
{
	const struct field *field = idle_field(resource);
	sql_write_name(sql, field->name);
	buf_append_byte(&sql->text, '=');
	sql_write_name(sql, field->name);
}

static bool is_merged(const struct query *query, const struct value *row, size_t given)
{
	const struct field *field = query->given.items[given];
	return row[given].kind != VALUE_ABSENT && field->write != WRITE_ONCE &&
		!field_list_holds(&query->conflict, field);
}

/* `"a"=excluded."a"` of all that a merge changes; false when that is nothing. */
static bool write_merged(struct sql *sql, const struct query *query, const struct value *row,
						 const char *begin, const char *end)
{
	bool any = false;
	for (size_t i = 0; i < query->given.count; i++) {
		if (!is_merged(query, row, i)) {
			continue;
		}
		sql_write(sql, any ? STR(",") : STR(""));
		sql_write_name(sql, query->given.items[i]->name);
		sql_write(sql, str_from(begin));
		sql_write_name(sql, query->given.items[i]->name);
		sql_write(sql, str_from(end));
		any = true;
	}
	return any;
}

static void write_on_conflict(struct sql *sql, const struct query *query, const struct value *row)
{
	sql_write(sql, STR(" ON CONFLICT ("));
	sql_write_fields(sql->dialect, &sql->text, "", &query->conflict);
	buf_append_byte(&sql->text, ')');
	if (query->conflict_where != NULL) {
		/* The text of the index, which parameters are not. */
		sql_write(sql, STR(" WHERE "));
		sql_condition(sql->dialect, query->conflict_where, &sql->text);
	}
	if (query->resolution == RESOLUTION_IGNORE) {
		sql_write(sql, STR(" DO NOTHING"));
		return;
	}
	sql_write(sql, STR(" DO UPDATE SET "));
	if (!write_merged(sql, query, row, "=excluded.", "")) {
		write_no_change(sql, query->resource);
	}
}

static void write_given(struct sql *sql, const struct query *query, const struct value *row)
{
	bool any = false;
	for (size_t i = 0; i < query->given.count; i++) {
		if (row[i].kind != VALUE_ABSENT) {
			sql_write(sql, any ? STR(",") : STR(" ("));
			sql_write_name(sql, query->given.items[i]->name);
			any = true;
		}
	}
	if (!any) {
		sql_write(sql,
				  sql->dialect->default_values ? STR(" DEFAULT VALUES") : STR(" () VALUES ()"));
		return;
	}
	any = false;
	for (size_t i = 0; i < query->given.count; i++) {
		if (row[i].kind != VALUE_ABSENT) {
			sql_write(sql, any ? STR(",") : STR(") VALUES ("));
			sql_param(sql, query->given.items[i], &row[i]);
			any = true;
		}
	}
	buf_append_byte(&sql->text, ')');
	if (query->action == QUERY_UPSERT && sql->dialect->upsert_on_conflict) {
		/* Without any value there is nothing to meet. */
		write_on_conflict(sql, query, row);
	}
}

void sql_insert(struct sql *sql, const struct query *query, const struct value *row)
{
	sql->today = query->today;
	sql_write(sql, STR("INSERT INTO "));
	sql_write_name(sql, query->resource->name);
	write_given(sql, query, row);
	write_returning(sql, query);
}

/* Rows that are changed to what they were count like rows that are new, and triggers take the
 * insert id away: a variable of the session tells them apart. Assignments are made from left to
 * right. */
void sql_insert_or_update(struct sql *sql, const struct query *query, const struct value *row)
{
	const struct field *idle = idle_field(query->resource);
	sql_write(sql, STR("INSERT INTO "));
	sql_write_name(sql, query->resource->name);
	write_given(sql, query, row);
	sql_write(sql, STR(" ON DUPLICATE KEY UPDATE "));
	if (query->resolution == RESOLUTION_MERGE && write_merged(sql, query, row, "=VALUES(", ")")) {
		buf_append_byte(&sql->text, ',');
	}
	sql_write_name(sql, idle->name);
	sql_write(sql, STR("=IF((@_met:=1)=0,NULL,"));
	sql_write_name(sql, idle->name);
	sql_write(sql, STR(") RETURNING @_met IS NOT NULL,@_met:=NULL"));
}

void sql_merge(struct sql *sql, const struct query *query, const struct value *row)
{
	bool any = false;
	sql_write(sql, STR("UPDATE "));
	sql_write_name(sql, query->resource->name);
	sql_write(sql, STR(" SET "));
	for (size_t i = 0; i < query->given.count; i++) {
		if (is_merged(query, row, i)) {
			sql_write(sql, any ? STR(",") : STR(""));
			sql_write_name(sql, query->given.items[i]->name);
			buf_append_byte(&sql->text, '=');
			sql_param(sql, query->given.items[i], &row[i]);
			any = true;
		}
	}
	if (!any) {
		write_no_change(sql, query->resource);
	}
	struct str begin = STR(" WHERE ");
	for (size_t i = 0; i < query->given.count; i++) {
		if (field_list_holds(&query->conflict, query->given.items[i])) {
			sql_write(sql, begin);
			sql_write_name(sql, query->given.items[i]->name);
			buf_append_byte(&sql->text, '=');
			sql_param(sql, query->given.items[i], &row[i]);
			begin = STR(" AND ");
		}
	}
	if (query->conflict_where != NULL) {
		sql->resource = query->resource;
		sql->negated = false;
		sql_write(sql, STR(" AND ("));
		sql_write_cond(sql, query->conflict_where);
		buf_append_byte(&sql->text, ')');
	}
}

void sql_update(struct sql *sql, const struct query *query)
{
	assert(query->row_count == 1);
	sql->today = query->today;
	sql_write(sql, STR("UPDATE "));
	write_target(sql, query);
	sql_write(sql, STR(" SET "));
	for (size_t i = 0; i < query->given.count; i++) {
		sql_write(sql, i > 0 ? STR(",") : STR(""));
		sql_write_name(sql, query->given.items[i]->name);
		buf_append_byte(&sql->text, '=');
		sql_param(sql, query->given.items[i], &query->values[i]);
	}
	if (query->given.count == 0) {
		write_no_change(sql, query->resource);
	}
	sql_write_where(sql, query, STR(" WHERE "));
	write_returning(sql, query);
}

void sql_delete(struct sql *sql, const struct query *query)
{
	sql->today = query->today;
	sql_write(sql, STR("DELETE FROM "));
	if (sql->dialect->delete_alias) {
		write_target(sql, query);
	} else {
		/* MariaDB takes an alias only in a form that refuses subqueries on the same table. */
		sql_write_name(sql, query->resource->name);
		sql->named = query->resource;
		sql->alias = sql_cond_has_tables(query->where) ? SQL_NAMED : 0;
	}
	sql_write_where(sql, query, STR(" WHERE "));
	write_returning(sql, query);
}

static void write_columns(struct sql *sql, const struct field_list *fields)
{
	for (size_t i = 0; i < fields->count; i++) {
		sql_write(sql, i > 0 ? STR(",") : STR(""));
		sql_write_column(sql, sql->alias, fields->items[i]);
	}
}

void sql_select_for_update(struct sql *sql, const struct query *query)
{
	sql->today = query->today;
	const struct field_list *key = &query->resource->key;
	if (sql_cond_has_tables(query->where)) {
		sql->alias = ++sql->aliases;
	}
	sql_write(sql, key->count == 0 ? STR("SELECT 1") : STR("SELECT "));
	write_columns(sql, key);
	sql_write(sql, STR(" FROM "));
	sql_write_table(sql, query->resource);
	sql_write_where(sql, query, STR(" WHERE "));
	sql_write(sql, key->count == 0 ? STR("") : STR(" ORDER BY "));
	write_columns(sql, key);
	sql_write(sql, STR(" FOR UPDATE"));
}

/* The value that the field must have; NULL when that is not said at the top. */
static const struct cond *pinned(const struct cond *where, const struct field *field)
{
	if (where == NULL) {
		return NULL;
	}
	for (size_t i = 0; where->kind == COND_AND && i < where->child_count; i++) {
		const struct cond *found = pinned(where->children[i], field);
		if (found != NULL) {
			return found;
		}
	}
	bool pins = where->kind == COND_COMPARE && where->op == OPERATOR_EQ && where->path == NULL &&
		where->field == field;
	return pins ? where : NULL;
}

static void write_head_name(struct sql *sql, const struct resource *tally)
{
	struct buf name;
	buf_init(&name, SIZE_MAX);
	sql_tally_head_name(sql->dialect, tally, &name);
	sql_write_name(sql, buf_str(&name));
	buf_finish(&name);
}

/* One header, which is known whatever rows there are; false when it is not. */
static bool lock_pinned(struct sql *sql, const struct resource *tally, const struct query *query)
{
	const struct field_list prefix = sql_tally_prefix(tally);
	for (size_t i = 0; i < prefix.count; i++) {
		if (pinned(query->where, prefix.items[i]) == NULL) {
			return false;
		}
	}
	sql_write(sql, STR("SELECT 1 FROM "));
	write_head_name(sql, tally);
	for (size_t i = 0; i < prefix.count; i++) {
		const struct cond *cond = pinned(query->where, prefix.items[i]);
		sql_write(sql, i > 0 ? STR(" AND ") : STR(" WHERE "));
		sql_write_name(sql, prefix.items[i]->name);
		buf_append_byte(&sql->text, '=');
		sql_param(sql, cond->type, &cond->operand.value);
	}
	sql_write(sql, STR(" FOR UPDATE"));
	return true;
}

/* The subquery, which is sorted before it is joined, gives the order in which headers are locked;
 * without a limit it might be taken apart. */
bool sql_tally_lock(struct sql *sql, const struct resource *tally, const struct query *query)
{
	sql->today = query->today;
	const struct field_list prefix = sql_tally_prefix(tally);
	if (!sql->dialect->tally_heads) {
		return false;
	}
	if (lock_pinned(sql, tally, query)) {
		return true;
	}
	if (sql_cond_has_tables(query->where)) {
		sql->alias = ++sql->aliases;
	}
	sql_write(sql, STR("SELECT 1 FROM (SELECT DISTINCT "));
	write_columns(sql, &prefix);
	sql_write(sql, STR(" FROM "));
	sql_write_table(sql, query->resource);
	sql_write_where(sql, query, STR(" WHERE "));
	sql_write(sql, STR(" ORDER BY "));
	write_columns(sql, &prefix);
	sql_write(sql, STR(" LIMIT 18446744073709551615) AS _0 STRAIGHT_JOIN "));
	write_head_name(sql, tally);
	for (size_t i = 0; i < prefix.count; i++) {
		sql_write(sql, i > 0 ? STR(" AND _00.") : STR(" AS _00 ON _00."));
		sql_write_name(sql, prefix.items[i]->name);
		sql_write(sql, STR("=_0."));
		sql_write_name(sql, prefix.items[i]->name);
	}
	sql_write(sql, STR(" FOR UPDATE"));
	return true;
}
