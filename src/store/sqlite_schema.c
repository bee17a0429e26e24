#include <assert.h>

#include "store/sqlite_priv.h"

enum { STATEMENT_BYTES = 1 << 20, NAME_BYTES = 4096, SHOWN = 3 };

/* Calls `each` for every object of the model, in an order in which they can be made: all tables,
 * then what stands on them. */
static bool each_object(const struct model *model, void *context,
						bool (*each)(void *context, struct str name, struct str text,
									 struct error *error),
						struct error *error)
{
	struct buf text;
	struct buf name;
	buf_init(&text, STATEMENT_BYTES);
	buf_init(&name, NAME_BYTES);
	bool ok = true;
	for (int tables = 1; tables >= 0 && ok; tables--) {
		for (size_t r = 0; r < model->resource_count && ok; r++) {
			for (size_t number = 0; ok; number++) {
				buf_clear(&text);
				buf_clear(&name);
				if (!sql_schema(&sql_dialect_sqlite, &model->resources[r], number, &text, &name)) {
					break;
				}
				assert(!text.failed && !name.failed);
				if (str_starts_with(buf_str(&text), STR("CREATE TABLE")) == (tables == 1)) {
					ok = each(context, buf_str(&name), buf_str(&text), error);
				}
			}
		}
	}
	buf_finish(&text);
	buf_finish(&name);
	return ok;
}

static bool make_object(void *context, struct str name, struct str text, struct error *error)
{
	(void)name;
	struct sqlite_conn *conn = context;
	struct sqlite_statement *statement = sqlite_conn_prepare(conn, text, error);
	if (statement == NULL) {
		return false;
	}
	bool ok = sqlite3_step(statement->stmt) == SQLITE_DONE || sqlite_fail(conn, error);
	sqlite_conn_release(conn, statement);
	return ok;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Equal, but for how much white space there is where there is some. */
static bool same_text(struct str a, struct str b)
{
	size_t i = 0;
	size_t j = 0;
	while (i < a.len && j < b.len) {
		if (is_space(a.ptr[i]) != is_space(b.ptr[j])) {
			return false;
		}
		if (!is_space(a.ptr[i])) {
			if (a.ptr[i++] != b.ptr[j++]) {
				return false;
			}
			continue;
		}
		while (i < a.len && is_space(a.ptr[i])) {
			i++;
		}
		while (j < b.len && is_space(b.ptr[j])) {
			j++;
		}
	}
	return i == a.len && j == b.len;
}

struct comparison {
	struct sqlite_conn *conn;
	struct buf found; /* the first differences */
	size_t count;
};

static void note(struct comparison *comparison, struct str type, struct str name, const char *what)
{
	if (comparison->count++ < SHOWN) {
		buf_append(&comparison->found, comparison->count > 1 ? STR("; ") : STR(""));
		buf_printf(&comparison->found, "%.*s %.*s %s", STR_ARG(type), STR_ARG(name), what);
	}
}

/* "CREATE UNIQUE INDEX …" is an index. */
static struct str type_of(struct str text)
{
	static const struct {
		struct str begin;
		struct str type;
	} types[] = {
		{STR_INIT("CREATE TABLE"), STR_INIT("table")},
		{STR_INIT("CREATE TRIGGER"), STR_INIT("trigger")},
	};
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (str_starts_with(text, types[i].begin)) {
			return types[i].type;
		}
	}
	return STR("index");
}

static bool compare_object(void *context, struct str name, struct str text, struct error *error)
{
	struct comparison *comparison = context;
	struct sqlite_conn *conn = comparison->conn;
	struct sqlite_statement *statement = sqlite_conn_prepare(
		conn, STR("SELECT sql FROM sqlite_schema WHERE name=?1"), error);
	if (statement == NULL) {
		return false;
	}
	struct value value = {.kind = VALUE_TEXT, .text = name};
	sqlite_bind(statement->stmt, 1, &value);
	int rc = sqlite3_step(statement->stmt);
	bool ok = rc == SQLITE_ROW || rc == SQLITE_DONE || sqlite_fail(conn, error);
	if (rc == SQLITE_DONE) {
		note(comparison, type_of(text), name, "is missing");
	} else if (ok) {
		const char *ptr = (const char *)sqlite3_column_text(statement->stmt, 0);
		size_t len = (size_t)sqlite3_column_bytes(statement->stmt, 0);
		if (!same_text((struct str){ptr == NULL ? "" : ptr, len}, text)) {
			note(comparison, type_of(text), name, "is another");
		}
	}
	sqlite_conn_release(conn, statement);
	return ok;
}

bool sqlite_schema_compare(struct sqlite_conn *conn, const struct model *model, struct error *error)
{
	struct comparison comparison = {.conn = conn};
	buf_init(&comparison.found, STATEMENT_BYTES);
	bool ok = each_object(model, &comparison, compare_object, error);
	if (ok && comparison.count > 0) {
		error_set(error, ERROR_CONFIG, "the database's tables are not those of %.*s",
				  STR_ARG(model->file));
		error_details(error, "%.*s%s", STR_ARG(buf_str(&comparison.found)),
					  comparison.count > SHOWN ? "; and more" : "");
		error_hint(error,
				   "use an empty file, or change the tables by hand: `rowlock migrate %.*s plan` "
				   "is for a later version",
				   STR_ARG(model->file));
		ok = false;
	}
	buf_finish(&comparison.found);
	return ok;
}

static bool is_empty(struct sqlite_conn *conn, bool *ret_empty, struct error *error)
{
	struct sqlite_statement *statement = sqlite_conn_prepare(
		conn,
		STR("SELECT 1 FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' LIMIT 1"),
		error);
	if (statement == NULL) {
		return false;
	}
	int rc = sqlite3_step(statement->stmt);
	bool ok = rc == SQLITE_ROW || rc == SQLITE_DONE || sqlite_fail(conn, error);
	*ret_empty = rc == SQLITE_DONE;
	sqlite_conn_release(conn, statement);
	return ok;
}

bool sqlite_schema_make(struct sqlite_conn *conn, const struct model *model, struct error *error)
{
	bool empty = false;
	if (!is_empty(conn, &empty, error)) {
		return false;
	}
	if (!empty) {
		return sqlite_schema_compare(conn, model, error);
	}
	if (sqlite_conn_run(conn, STR("BEGIN IMMEDIATE")) != SQLITE_OK) {
		return sqlite_fail(conn, error);
	}
	if (!each_object(model, conn, make_object, error)) {
		sqlite_conn_run(conn, STR("ROLLBACK"));
		return false;
	}
	return sqlite_conn_run(conn, STR("COMMIT")) == SQLITE_OK || sqlite_fail(conn, error);
}
