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
	if (query->fetch_count > 0) {
		assert(sql->dialect->returning);
		sql_write(sql, STR(" RETURNING "));
		sql->named = query->resource;
		sql->alias = sql_fetch_has_tables(query) ? SQL_NAMED : 0;
		sql_write_fetch(sql, query);
	}
}

/* `"a"="a"` of a field that may best be written for nothing: no key has to be looked at again. */
static void write_no_change(struct sql *sql, const struct resource *resource)
{
	const struct field *field = NULL;
	for (size_t i = 0; i < resource->field_count && (field == NULL || field->key); i++) {
		field = field_is_computed(&resource->fields[i]) ? field : &resource->fields[i];
	}
	assert(field != NULL);
	sql_write_name(sql, field->name);
	buf_append_byte(&sql->text, '=');
	sql_write_name(sql, field->name);
}

static void write_on_conflict(struct sql *sql, const struct query *query, const struct value *row)
{
	bool any = false;
	assert(sql->dialect->upsert_on_conflict);
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
	for (size_t i = 0; i < query->given.count; i++) {
		const struct field *field = query->given.items[i];
		if (row[i].kind == VALUE_ABSENT || field->write == WRITE_ONCE ||
			field_list_holds(&query->conflict, field)) {
			continue;
		}
		sql_write(sql, any ? STR(",") : STR(""));
		sql_write_name(sql, field->name);
		sql_write(sql, STR("=excluded."));
		sql_write_name(sql, field->name);
		any = true;
	}
	if (!any) {
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
		sql_write(sql, STR(" DEFAULT VALUES"));
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
	if (query->action == QUERY_UPSERT) {
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
	write_target(sql, query);
	sql_write_where(sql, query, STR(" WHERE "));
	write_returning(sql, query);
}
