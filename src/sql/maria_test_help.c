#include "sql/maria_test_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <mysql.h>

enum { BLOCK_BYTES = 65536, TEXT_BYTES = 1 << 24, CELL_BYTES = 4096 };

/* ---- the server ---- */

static struct str percent_decoded(struct arena *arena, struct str text)
{
	char *bytes = arena_bytes(arena, text.len + 1);
	size_t len = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '%' && text.len - i > 2) {
			const char digits[] = {text.ptr[i + 1], text.ptr[i + 2], '\0'};
			bytes[len++] = (char)strtol(digits, NULL, 16);
			i += 2;
		} else {
			bytes[len++] = text.ptr[i];
		}
	}
	bytes[len] = '\0';
	return (struct str){bytes, len};
}

static bool connect_to(struct maria_bed *bed, const char *url)
{
	struct str rest = str_from(url);
	size_t from = str_find(rest, '/', 0) + 2;
	rest = str_slice(rest, from, str_find(rest, '/', from));
	size_t at = str_find(rest, '@', 0);
	struct str user = str_slice(rest, 0, at);
	struct str host = str_slice(rest, at + 1, rest.len);
	size_t colon = str_find(user, ':', 0);
	struct str password = str_slice(user, colon + 1, user.len);
	size_t port = str_find(host, ':', 0);
	bed->db = mysql_init(NULL);
	return mysql_real_connect(
			   bed->db, arena_copy(&bed->arena, str_slice(host, 0, port)).ptr,
			   percent_decoded(&bed->arena, str_slice(user, 0, colon)).ptr,
			   percent_decoded(&bed->arena, password).ptr, NULL,
			   (unsigned)strtoul(arena_copy(&bed->arena, str_slice(host, port + 1, host.len)).ptr,
								 NULL, 10),
			   NULL, CLIENT_FOUND_ROWS) != NULL;
}

void maria_bed_do(struct maria_bed *bed, const char *text)
{
	if (mysql_query(bed->db, text) != 0) {
		fail_msg("%s\n%s", text, mysql_error(bed->db));
	}
}

/* Connected, without a database. */
static bool open_session(struct maria_bed *bed)
{
	const char *url = getenv("ROWLOCK_TEST_MARIADB");
	if (url == NULL) {
		return false;
	}
	*bed = (struct maria_bed){0};
	arena_init(&bed->arena, BLOCK_BYTES);
	buf_init(&bed->got, TEXT_BYTES);
	if (!connect_to(bed, url)) {
		fail_msg("%s: %s", url, mysql_error(bed->db));
	}
	maria_bed_do(bed, MARIA_SESSION);
	return true;
}

bool maria_bed_begin(struct maria_bed *bed, const char *database)
{
	if (!open_session(bed)) {
		return false;
	}
	maria_bed_do(bed, arena_printf(&bed->arena, "DROP DATABASE IF EXISTS %s", database).ptr);
	maria_bed_do(bed, arena_printf(&bed->arena, "CREATE DATABASE %s", database).ptr);
	maria_bed_do(bed, arena_printf(&bed->arena, "USE %s", database).ptr);
	return true;
}

bool maria_bed_join(struct maria_bed *bed, const char *database)
{
	if (!open_session(bed)) {
		return false;
	}
	maria_bed_do(bed, arena_printf(&bed->arena, "USE %s", database).ptr);
	return true;
}

void maria_bed_end(struct maria_bed *bed)
{
	mysql_close(bed->db);
	buf_finish(&bed->got);
	arena_finish(&bed->arena);
}

void maria_bed_make(struct maria_bed *bed, const struct model *model)
{
	struct buf text;
	struct buf name;
	buf_init(&text, TEXT_BYTES);
	buf_init(&name, TEXT_BYTES);
	maria_bed_do(bed, "SET foreign_key_checks=0");
	for (size_t i = 0; i < model->resource_count; i++) {
		for (size_t number = 0;
			 sql_schema(&sql_dialect_maria, &model->resources[i], number, &text, &name); number++) {
			buf_append_byte(&text, '\0');
			maria_bed_do(bed, text.ptr);
			buf_clear(&text);
			buf_clear(&name);
		}
		buf_clear(&name);
	}
	maria_bed_do(bed, "SET foreign_key_checks=1");
	buf_finish(&text);
	buf_finish(&name);
}

/* ---- statements ---- */

static void bind_value(struct maria_bed *bed, const struct sql_param *param, MYSQL_BIND *bind)
{
	const struct value *value = param->value;
	bind->buffer_type = MYSQL_TYPE_NULL;
	if (value->kind == VALUE_INTEGER && param->type != NULL && param->type->type == TYPE_DECIMAL) {
		struct buf text;
		buf_init(&text, SIZE_MAX);
		value_write_text(&text, param->type, value);
		struct str copy = arena_copy(&bed->arena, buf_str(&text));
		buf_finish(&text);
		bind->buffer_type = MYSQL_TYPE_NEWDECIMAL;
		bind->buffer = (void *)(uintptr_t)copy.ptr;
		bind->buffer_length = copy.len;
	} else if (value->kind == VALUE_INTEGER && param->type != NULL &&
			   value_is_date(param->type->type)) {
		struct buf text;
		buf_init(&text, SIZE_MAX);
		sql_dialect_maria.literal(&text, value, param->type);
		struct str copy = arena_copy(&bed->arena, str_slice(buf_str(&text), 1, text.len - 1));
		buf_finish(&text);
		bind->buffer_type = MYSQL_TYPE_STRING;
		bind->buffer = (void *)(uintptr_t)copy.ptr;
		bind->buffer_length = copy.len;
	} else if (value->kind == VALUE_INTEGER) {
		bind->buffer_type = MYSQL_TYPE_LONGLONG;
		bind->buffer = (void *)(uintptr_t)&value->integer;
	} else if (value->kind == VALUE_NUMBER) {
		bind->buffer_type = MYSQL_TYPE_DOUBLE;
		bind->buffer = (void *)(uintptr_t)&value->number;
	} else if (value->kind == VALUE_TEXT) {
		bind->buffer_type = MYSQL_TYPE_STRING;
		bind->buffer = (void *)(uintptr_t)(value->text.len > 0 ? value->text.ptr : "");
		bind->buffer_length = value->text.len;
	} else {
		assert_int_equal(value->kind, VALUE_NULL);
	}
}

static void write_cell(struct maria_bed *bed, MYSQL_STMT *stmt, unsigned column, MYSQL_BIND *bind)
{
	if (*bind->is_null) {
		buf_append_byte(&bed->got, '-');
		return;
	}
	enum { NUMBER_BYTES = 64 };
	size_t room = *bind->length + NUMBER_BYTES;
	char *to = buf_reserve(&bed->got, room);
	MYSQL_BIND whole = {
		.buffer_type = MYSQL_TYPE_STRING,
		.buffer = to,
		.buffer_length = room,
		.length = bind->length,
		.is_null = bind->is_null,
	};
	assert_int_equal(mysql_stmt_fetch_column(stmt, &whole, column, 0), 0);
	buf_added(&bed->got, *bind->length);
}

static void write_rows(struct maria_bed *bed, MYSQL_STMT *stmt)
{
	unsigned columns = mysql_stmt_field_count(stmt);
	MYSQL_BIND *binds = ARENA_ARRAY(&bed->arena, columns + 1, MYSQL_BIND);
	for (unsigned i = 0; i < columns; i++) {
		binds[i].buffer_type = MYSQL_TYPE_STRING;
		binds[i].buffer = arena_bytes(&bed->arena, 1);
		binds[i].length = ARENA_NEW(&bed->arena, unsigned long);
		binds[i].is_null = ARENA_NEW(&bed->arena, my_bool);
		binds[i].error = ARENA_NEW(&bed->arena, my_bool);
	}
	mysql_stmt_bind_result(stmt, binds);
	int rc = mysql_stmt_fetch(stmt);
	for (size_t row = 0; rc == 0 || rc == MYSQL_DATA_TRUNCATED; row++) {
		buf_append(&bed->got, row > 0 ? STR(";") : STR(""));
		for (unsigned i = 0; i < columns; i++) {
			buf_append(&bed->got, i > 0 ? STR(",") : STR(""));
			write_cell(bed, stmt, i, &binds[i]);
		}
		rc = mysql_stmt_fetch(stmt);
	}
	bed->code = rc == MYSQL_NO_DATA ? 0 : mysql_stmt_errno(stmt);
}

void maria_bed_run(struct maria_bed *bed, const struct sql *sql)
{
	MYSQL_STMT *stmt = mysql_stmt_init(bed->db);
	assert_false(sql->text.failed);
	buf_clear(&bed->got);
	if (mysql_stmt_prepare(stmt, sql->text.ptr, sql->text.len) != 0) {
		fail_msg("%.*s\n%s", STR_ARG(buf_str(&sql->text)), mysql_stmt_error(stmt));
	}
	assert_int_equal(mysql_stmt_param_count(stmt), sql->param_count);
	MYSQL_BIND *binds = ARENA_ARRAY(&bed->arena, sql->param_count + 1, MYSQL_BIND);
	for (size_t i = 0; i < sql->param_count; i++) {
		bind_value(bed, &sql->params[i], &binds[i]);
	}
	mysql_stmt_bind_param(stmt, binds);
	bed->code = mysql_stmt_execute(stmt) != 0 ? mysql_stmt_errno(stmt) : 0;
	if (bed->code != 0) {
		buf_append(&bed->got, str_from(mysql_stmt_error(stmt)));
	} else if (mysql_stmt_field_count(stmt) > 0) {
		write_rows(bed, stmt);
	} else {
		bed->made = mysql_stmt_insert_id(stmt);
		bed->changed = mysql_stmt_affected_rows(stmt);
	}
	mysql_stmt_close(stmt);
}

unsigned maria_bed_warning(struct maria_bed *bed)
{
	maria_bed_do(bed, "SHOW WARNINGS");
	MYSQL_RES *result = mysql_store_result(bed->db);
	assert_non_null(result);
	MYSQL_ROW row = mysql_fetch_row(result);
	unsigned code = row == NULL ? 0 : (unsigned)strtoul(row[1], NULL, 10);
	mysql_free_result(result);
	return code;
}
