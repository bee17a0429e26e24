/*
 * DESIGN. `INSERT OR FAIL INTO t (a,b) SELECT c0,c1 FROM _rl_rows`: that table is virtual, and
 * its columns are the values of the row where the cursor is. (Measured, rows of three values
 * in a table with three indexes: 6.1 us with a statement for each, 4.4 with one for all.)
 *
 * OR FAIL, since what a statement of many rows wants to be able to undo it keeps: a copy of each
 * page that it changes. So the request's savepoint or transaction undoes it. FAIL would also stand
 * in the place of what the table or a trigger says of conflicts, a trigger makes SQLite copy all
 * rows before it inserts the first, and a foreign key is looked at behind the last.
 */
#include "store/sqlite_many.h"

#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "store/sqlite_priv.h"
#include "store/store_write.h"

enum {
	COLUMNS = 1000, /* as many as a resource may have fields */
	ARENA_BYTES = 1024,
};

struct sqlite_many {
	const struct query *query; /* borrowed, while the statement runs */
	const struct value *shape; /* of the rows: one of them */
	size_t row;                /* of the cursor: there is one at a time */
	bool found;                /* `tables` is there */
	struct map tables;         /* that take rows in this way, by name; values mean nothing */
	struct arena arena;        /* of their names */
};

struct many_table {
	sqlite3_vtab base;
	struct sqlite_many *many;
};

static struct sqlite_many *many_of(const sqlite3_vtab_cursor *cursor)
{
	return ((const struct many_table *)(const void *)cursor->pVtab)->many;
}

static const struct value *row_of(const struct sqlite_many *many)
{
	return many->query->values + many->row * many->query->given.count;
}

/* ---- the table ---- */

static int connect_table(sqlite3 *db, void *context, int count, const char *const *arguments,
						 sqlite3_vtab **ret_table, char **ret_error)
{
	(void)count;
	(void)arguments;
	(void)ret_error;
	struct buf text;
	buf_init(&text, SIZE_MAX);
	for (int i = 0; i < COLUMNS; i++) {
		buf_printf(&text, i == 0 ? "CREATE TABLE t (c%d" : ",c%d", i);
	}
	buf_append_byte(&text, ')');
	buf_append_byte(&text, '\0');
	int rc = sqlite3_declare_vtab(db, text.ptr);
	buf_finish(&text);
	if (rc == SQLITE_OK) {
		/* Triggers and views of the file have no business here. */
		rc = sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
	}
	if (rc != SQLITE_OK) {
		return rc;
	}
	struct many_table *table = alloc_zeroed(1, sizeof(*table));
	table->many = context;
	*ret_table = &table->base;
	return SQLITE_OK;
}

static int disconnect_table(sqlite3_vtab *table)
{
	free(table);
	return SQLITE_OK;
}

static int plan(sqlite3_vtab *table, sqlite3_index_info *info)
{
	(void)table;
	(void)info; /* all rows, in their order */
	return SQLITE_OK;
}

static int open_cursor(sqlite3_vtab *table, sqlite3_vtab_cursor **ret_cursor)
{
	(void)table;
	*ret_cursor = alloc_zeroed(1, sizeof(**ret_cursor));
	return SQLITE_OK;
}

static int close_cursor(sqlite3_vtab_cursor *cursor)
{
	free(cursor);
	return SQLITE_OK;
}

/* The first row is where sqlite_many_insert() has put it. */
static int begin(sqlite3_vtab_cursor *cursor, int plan, const char *name, int count,
				 sqlite3_value **arguments)
{
	(void)cursor;
	(void)plan;
	(void)name;
	(void)count;
	(void)arguments;
	return SQLITE_OK;
}

static int next_row(sqlite3_vtab_cursor *cursor)
{
	many_of(cursor)->row++;
	return SQLITE_OK;
}

static int is_end(sqlite3_vtab_cursor *cursor)
{
	const struct sqlite_many *many = many_of(cursor);
	return many->row == many->query->row_count ||
		!write_same_shape(many->query, many->shape, row_of(many));
}

static int give_column(sqlite3_vtab_cursor *cursor, sqlite3_context *context, int column)
{
	const struct value *value = &row_of(many_of(cursor))[column];
	switch (value->kind) {
	case VALUE_INTEGER:
		sqlite3_result_int64(context, value->integer);
		break;
	case VALUE_NUMBER:
		sqlite3_result_double(context, value->number);
		break;
	case VALUE_TEXT:
		/* An empty text may have no bytes at all, which SQLite would take for null. */
		sqlite3_result_text64(context, value->text.len > 0 ? value->text.ptr : "", value->text.len,
							  SQLITE_STATIC, SQLITE_UTF8);
		break;
	case VALUE_NULL:
		sqlite3_result_null(context);
		break;
	case VALUE_ABSENT:
	case VALUE_POINTER:
		assert(false);
	}
	return SQLITE_OK;
}

static int give_number(sqlite3_vtab_cursor *cursor, sqlite3_int64 *ret_number)
{
	*ret_number = (sqlite3_int64)many_of(cursor)->row;
	return SQLITE_OK;
}

static void destroy(void *context)
{
	struct sqlite_many *many = context;
	map_finish(&many->tables);
	arena_finish(&many->arena);
	free(many);
}

bool sqlite_many_add(struct sqlite_conn *conn)
{
	static const sqlite3_module module = {
		.xConnect = connect_table,
		.xBestIndex = plan,
		.xDisconnect = disconnect_table,
		.xOpen = open_cursor,
		.xClose = close_cursor,
		.xFilter = begin,
		.xNext = next_row,
		.xEof = is_end,
		.xColumn = give_column,
		.xRowid = give_number,
	};
	conn->many = alloc_zeroed(1, sizeof(*conn->many));
	map_init(&conn->many->tables);
	arena_init(&conn->many->arena, ARENA_BYTES);
	/* It destroys what it is given, also when it fails. */
	return sqlite3_create_module_v2(conn->db, "_rl_rows", &module, conn->many, destroy) ==
		SQLITE_OK;
}

/* ---- statements ---- */

static void find_tables(struct sqlite_conn *conn)
{
	static const char text[] =
		"SELECT t.name FROM sqlite_schema AS t WHERE t.type='table' AND t.rootpage>0"
		" AND t.sql NOT LIKE '%conflict%' AND NOT EXISTS (SELECT 1 FROM sqlite_schema AS o"
		"  WHERE o.type='trigger' AND lower(o.tbl_name)=lower(t.name))"
		" AND NOT EXISTS (SELECT 1 FROM sqlite_schema AS o, pragma_foreign_key_list(o.name) AS f"
		"  WHERE o.type='table' AND lower(t.name) IN (lower(o.name),lower(f.\"table\")))";
	struct sqlite_many *many = conn->many;
	struct sqlite_statement *statement = sqlite_conn_prepare(conn, str_from(text), NULL);
	while (statement != NULL && sqlite3_step(statement->stmt) == SQLITE_ROW) {
		struct str name = str_from((const char *)sqlite3_column_text(statement->stmt, 0));
		map_put(&many->tables, arena_copy(&many->arena, name), many);
	}
	sqlite_conn_release(conn, statement);
	many->found = true;
}

bool sqlite_many_can(struct sqlite_conn *conn, const struct query *query)
{
	if (!conn->many->found) {
		find_tables(conn);
	}
	return map_get(&conn->many->tables, query->resource->name) != NULL;
}

static struct sqlite_statement *prepare(struct sqlite_conn *conn, const struct query *query,
										const struct value *shape, struct error *error)
{
	struct buf *text = &conn->sql.text;
	const char *before = " (";
	sql_clear(&conn->sql);
	buf_append(text, STR("INSERT OR FAIL INTO "));
	sql_put_name(conn->sql.dialect, query->resource->name, text);
	for (size_t i = 0; i < query->given.count; i++) {
		if (shape[i].kind != VALUE_ABSENT) {
			buf_append(text, str_from(before));
			sql_put_name(conn->sql.dialect, query->given.items[i]->name, text);
			before = ",";
		}
	}
	before = ") SELECT ";
	for (size_t i = 0; i < query->given.count; i++) {
		if (shape[i].kind != VALUE_ABSENT) {
			buf_printf(text, "%sc%zu", before, i);
			before = ",";
		}
	}
	buf_append(text, STR(" FROM _rl_rows"));
	return sqlite_conn_prepare_sql(conn, error);
}

bool sqlite_many_insert(struct sqlite_conn *conn, const struct query *query, size_t *row,
						struct error *error)
{
	struct sqlite_many *many = conn->many;
	const struct value *shape = query->values + *row * query->given.count;
	struct sqlite_statement *statement = prepare(conn, query, shape, error);
	if (statement == NULL) {
		return false;
	}
	many->query = query;
	many->shape = shape;
	many->row = *row;
	bool ok = sqlite3_step(statement->stmt) == SQLITE_DONE ||
		sqlite_fail_write(conn, query, many->row, error);
	*row = many->row;
	sqlite_conn_release(conn, statement);
	return ok;
}
