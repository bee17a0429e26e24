#include <assert.h>

#include "base/alloc.h"
#include "codec/json.h"
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
		if (sqlite_bind(stmt, (int)i + 1, conn->sql.params[i].value) != SQLITE_OK) {
			return sqlite_fail(conn, error);
		}
	}
	return true;
}

void sqlite_write_blob(struct buf *buf, struct str bytes)
{
	static const char digits[] = "0123456789abcdef";
	buf_append(buf, STR("\\x"));
	char *to = buf_reserve(buf, bytes.len * 2);
	for (size_t i = 0; i < bytes.len && to != NULL; i++) {
		unsigned char byte = (unsigned char)bytes.ptr[i];
		to[2 * i] = digits[byte >> 4];
		to[2 * i + 1] = digits[byte & 15];
	}
	if (to != NULL) {
		buf_added(buf, bytes.len * 2);
	}
}

/* The buffer's text, as long as the row lasts. */
static struct value keep(struct sqlite_statement *statement, struct buf *buf)
{
	statement->has_odd = true;
	struct value value = {.kind = VALUE_TEXT, .text = arena_copy(&statement->odd, buf_str(buf))};
	buf_finish(buf);
	return value;
}

static struct value blob_value(struct sqlite_statement *statement, struct str bytes)
{
	struct buf buf;
	buf_init(&buf, SIZE_MAX);
	sqlite_write_blob(&buf, bytes);
	return keep(statement, &buf);
}

static bool is_json(struct sqlite_statement *statement, struct str text)
{
	enum { DEPTH = 1000 };
	struct json_reader reader;
	enum json_event event;
	json_reader_init(&reader, text, DEPTH, &statement->odd);
	statement->has_odd = true;
	do {
		event = json_next(&reader);
	} while (event != JSON_END && event != JSON_ERROR);
	return event == JSON_END;
}

static struct value text_value(struct sqlite_statement *statement, const struct field *field,
							   struct str text, bool is_blob)
{
	struct value value = {.kind = VALUE_TEXT, .text = text};
	if (is_blob) {
		value = blob_value(statement, text);
	}
	if (field->type == TYPE_JSON && (is_blob || !is_json(statement, text))) {
		struct buf buf;
		buf_init(&buf, SIZE_MAX);
		json_write_string(&buf, value.text);
		value = keep(statement, &buf);
	}
	return value;
}

void sqlite_column(struct sqlite_statement *statement, int number, const struct field *field,
				   struct value *ret_value)
{
	static const int64_t exact = INT64_C(1) << 53; /* whole numbers up to here fit a double */
	sqlite3_stmt *stmt = statement->stmt;
	int type = sqlite3_column_type(stmt, number);
	switch (type) {
	case SQLITE_NULL:
		*ret_value = (struct value){.kind = VALUE_NULL};
		break;
	case SQLITE_INTEGER: {
		int64_t integer = sqlite3_column_int64(stmt, number);
		if (field->type == TYPE_NUMBER && integer >= -exact && integer <= exact) {
			*ret_value = (struct value){.kind = VALUE_NUMBER, .number = (double)integer};
		} else {
			*ret_value = (struct value){.kind = VALUE_INTEGER, .integer = integer};
		}
		break;
	}
	case SQLITE_FLOAT:
		*ret_value = (struct value){.kind = VALUE_NUMBER,
									.number = sqlite3_column_double(stmt, number)};
		break;
	default: {
		/* The bytes come before their number, which the conversion settles. */
		const char *ptr = type == SQLITE_BLOB ? sqlite3_column_blob(stmt, number)
											  : (const char *)sqlite3_column_text(stmt, number);
		size_t len = (size_t)sqlite3_column_bytes(stmt, number);
		const struct str text = {ptr == NULL ? "" : ptr, len};
		if (type == SQLITE_TEXT && field->type != TYPE_JSON) {
			*ret_value = (struct value){.kind = VALUE_TEXT, .text = text};
		} else {
			*ret_value = text_value(statement, field, text, type == SQLITE_BLOB);
		}
		break;
	}
	}
}

const struct value *sqlite_row(struct sqlite_statement *statement, const struct query *query)
{
	if (statement->values == NULL) {
		statement->values = alloc_zeroed(query->fetch_count + 1, sizeof(*statement->values));
	}
	if (statement->has_odd) {
		arena_reset(&statement->odd);
		statement->has_odd = false;
	}
	for (size_t i = 0; i < query->fetch_count; i++) {
		sqlite_column(statement, (int)i, query->fetch[i].type, &statement->values[i]);
	}
	return statement->values;
}
