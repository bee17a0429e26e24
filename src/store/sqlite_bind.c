#include <assert.h>

#include "base/alloc.h"
#include "store/sqlite_priv.h"

int sqlite_bind(sqlite3_stmt *stmt, int number, const struct value *value)
{
	switch (value->kind) {
	case VALUE_NULL:
		return sqlite3_bind_null(stmt, number);
	case VALUE_INTEGER:
		return sqlite3_bind_int64(stmt, number, value->integer);
	case VALUE_NUMBER:
		return sqlite3_bind_double(stmt, number, value->number);
	case VALUE_POINTER:
		return sqlite3_bind_pointer(stmt, number, (void *)(uintptr_t)value->pointer, "rowlock",
									NULL);
	case VALUE_ABSENT:
		assert(false);
		break;
	case VALUE_TEXT:
		break;
	}
	/* An empty text may have no bytes at all, which SQLite would take for null. */
	const char *ptr = value->text.len > 0 ? value->text.ptr : "";
	return sqlite3_bind_text64(stmt, number, ptr, value->text.len, SQLITE_STATIC, SQLITE_UTF8);
}

bool sqlite_bind_params(struct sqlite_conn *conn, sqlite3_stmt *stmt, struct error *error)
{
	for (size_t i = 0; i < conn->sql.param_count; i++) {
		if (sqlite_bind(stmt, (int)i + 1, conn->sql.params[i]) != SQLITE_OK) {
			return sqlite_fail(conn, error);
		}
	}
	return true;
}

void sqlite_column(sqlite3_stmt *stmt, int number, const struct field *field,
				   struct value *ret_value)
{
	switch (sqlite3_column_type(stmt, number)) {
	case SQLITE_NULL:
		*ret_value = (struct value){.kind = VALUE_NULL};
		break;
	case SQLITE_INTEGER:
		if (field->type == TYPE_NUMBER) {
			*ret_value = (struct value){.kind = VALUE_NUMBER,
										.number = sqlite3_column_double(stmt, number)};
		} else {
			*ret_value = (struct value){.kind = VALUE_INTEGER,
										.integer = sqlite3_column_int64(stmt, number)};
		}
		break;
	case SQLITE_FLOAT:
		*ret_value = (struct value){.kind = VALUE_NUMBER,
									.number = sqlite3_column_double(stmt, number)};
		break;
	default: {
		/* A table that others made may hold a BLOB: its bytes are given as they are. The bytes come
		 * before their number, which the conversion settles. */
		const char *ptr = (const char *)sqlite3_column_text(stmt, number);
		size_t len = (size_t)sqlite3_column_bytes(stmt, number);
		*ret_value = (struct value){.kind = VALUE_TEXT, .text = {ptr == NULL ? "" : ptr, len}};
		break;
	}
	}
}

const struct value *sqlite_row(struct sqlite_statement *statement, const struct query *query)
{
	if (statement->values == NULL) {
		statement->values = alloc_zeroed(query->fetch_count + 1, sizeof(*statement->values));
	}
	for (size_t i = 0; i < query->fetch_count; i++) {
		sqlite_column(statement->stmt, (int)i, query->fetch[i].type, &statement->values[i]);
	}
	return statement->values;
}
