#include "store/maria_bulk.h"

#include "base/alloc.h"
#include "codec/number.h"

enum {
	ROWS_MOST = 1000,
	BYTES_MOST = 1 << 20, /* a server takes 16 MiB by default */
	DECIMAL_BYTES = 32,
	ARENA_BYTES = 65536,
};

/* The values of one execution, column by column. */
struct maria_bulk {
	unsigned row_count;
	MYSQL_BIND *binds; /* arena */
};

bool maria_bulk_can(const struct maria_conn *conn)
{
	unsigned long capabilities = 0;
	mariadb_get_infov(conn->db, MARIADB_CONNECTION_EXTENDED_SERVER_CAPABILITIES, &capabilities);
	return (capabilities & (MARIADB_CLIENT_STMT_BULK_OPERATIONS >> 32)) != 0;
}

bool maria_bulk_bind(struct maria_conn *conn, MYSQL_STMT *stmt)
{
	unsigned row_count = conn->bulk->row_count;
	mysql_stmt_attr_set(stmt, STMT_ATTR_ARRAY_SIZE, &row_count);
	return !mysql_stmt_bind_param(stmt, conn->bulk->binds);
}

/* ---- columns ---- */

static struct str text_of(const struct field *field, const struct value *value, struct arena *arena)
{
	if (value->kind == VALUE_TEXT) {
		return value->text;
	}
	struct buf text;
	buf_init(&text, DECIMAL_BYTES);
	number_write_decimal(&text, value->integer, field->scale);
	struct str copy = arena_copy(arena, buf_str(&text));
	buf_finish(&text);
	return copy;
}

static void bind_integers(MYSQL_BIND *bind, const struct value *const *values, size_t count,
						  struct arena *arena)
{
	int64_t *integers = ARENA_ARRAY(arena, count, int64_t);
	for (size_t i = 0; i < count; i++) {
		integers[i] = values[i]->kind == VALUE_INTEGER ? values[i]->integer : 0;
	}
	bind->buffer_type = MYSQL_TYPE_LONGLONG;
	bind->buffer = integers;
}

static void bind_numbers(MYSQL_BIND *bind, const struct value *const *values, size_t count,
						 struct arena *arena)
{
	double *numbers = ARENA_ARRAY(arena, count, double);
	for (size_t i = 0; i < count; i++) {
		bool zero = values[i]->kind != VALUE_NUMBER || values[i]->number == 0;
		numbers[i] = zero ? 0 : values[i]->number;
	}
	bind->buffer_type = MYSQL_TYPE_DOUBLE;
	bind->buffer = numbers;
}

static void bind_dates(MYSQL_BIND *bind, const struct field *field,
					   const struct value *const *values, size_t count, struct arena *arena)
{
	MYSQL_TIME *times = ARENA_ARRAY(arena, count, MYSQL_TIME);
	MYSQL_TIME **places = ARENA_ARRAY(arena, count, MYSQL_TIME *);
	for (size_t i = 0; i < count; i++) {
		int64_t integer = values[i]->kind == VALUE_INTEGER ? values[i]->integer : 0;
		bind->buffer_type = maria_date_set(&times[i], integer, field->type);
		places[i] = &times[i];
	}
	bind->buffer = (void *)places;
}

static void bind_texts(MYSQL_BIND *bind, const struct field *field,
					   const struct value *const *values, size_t count, struct arena *arena)
{
	const char **texts = ARENA_ARRAY(arena, count, const char *);
	unsigned long *lengths = ARENA_ARRAY(arena, count, unsigned long);
	for (size_t i = 0; i < count; i++) {
		bool none = values[i]->kind == VALUE_NULL || values[i]->kind == VALUE_ABSENT;
		struct str text = none ? STR("") : text_of(field, values[i], arena);
		texts[i] = text.len > 0 ? text.ptr : "";
		lengths[i] = text.len;
	}
	bind->buffer_type = field->type == TYPE_DECIMAL ? MYSQL_TYPE_NEWDECIMAL : MYSQL_TYPE_STRING;
	bind->buffer = (void *)texts;
	bind->length = lengths;
}

static void bind_column(MYSQL_BIND *bind, const struct field *field,
						const struct value *const *values, size_t count, struct arena *arena)
{
	bind->u.indicator = arena_bytes(arena, count);
	for (size_t i = 0; i < count; i++) {
		bind->u.indicator[i] = values[i]->kind == VALUE_NULL ? STMT_INDICATOR_NULL
			: values[i]->kind == VALUE_ABSENT                ? STMT_INDICATOR_DEFAULT
															 : STMT_INDICATOR_NONE;
	}
	switch (field->type) {
	case TYPE_INTEGER:
	case TYPE_BOOLEAN:
		bind_integers(bind, values, count, arena);
		return;
	case TYPE_NUMBER:
		bind_numbers(bind, values, count, arena);
		return;
	case TYPE_DATE:
	case TYPE_TIME:
	case TYPE_DATETIME:
		bind_dates(bind, field, values, count, arena);
		return;
	case TYPE_DECIMAL:
	case TYPE_TEXT:
	case TYPE_UUID:
	case TYPE_JSON:
		break;
	}
	bind_texts(bind, field, values, count, arena);
}

/* ---- executions ---- */

/* What any of the rows gives: a row with these values has the statement's text. */
static struct value *shape_of(const struct query *query, struct arena *arena, size_t *ret_given)
{
	struct value *shape = ARENA_ARRAY(arena, query->given.count, struct value);
	*ret_given = 0;
	for (size_t i = 0; i < query->given.count; i++) {
		shape[i].kind = VALUE_ABSENT;
		for (size_t row = 0; row < query->row_count && shape[i].kind == VALUE_ABSENT; row++) {
			shape[i].kind = query->values[row * query->given.count + i].kind;
		}
		*ret_given += shape[i].kind != VALUE_ABSENT;
	}
	return shape;
}

static size_t bytes_of(const struct query *query, size_t row)
{
	size_t bytes = 0;
	for (size_t i = 0; i < query->given.count; i++) {
		const struct value *value = &query->values[row * query->given.count + i];
		bytes += sizeof(*value) + (value->kind == VALUE_TEXT ? value->text.len : 0);
	}
	return bytes;
}

static bool execute(struct maria_write *write, const struct value *shape, const size_t *sequence,
					size_t count, struct arena *arena)
{
	const struct query *query = &write->part;
	struct maria_conn *conn = write->conn;
	struct maria_bulk bulk = {.row_count = (unsigned)count};
	const struct value **values = ARENA_ARRAY(arena, count, const struct value *);
	size_t columns = 0;
	bulk.binds = ARENA_ARRAY(arena, query->given.count, MYSQL_BIND);
	for (size_t i = 0; i < query->given.count; i++) {
		for (size_t row = 0; row < count; row++) {
			values[row] = &query->values[sequence[row] * query->given.count + i];
		}
		if (shape[i].kind != VALUE_ABSENT) {
			bind_column(&bulk.binds[columns++], query->given.items[i], values, count, arena);
		}
	}
	sql_clear(&conn->sql);
	sql_insert(&conn->sql, query, shape);
	conn->bulk = &bulk;
	bool ok = maria_run(conn, NULL, write->error);
	conn->bulk = NULL;
	if (ok) {
		write->result->rows += count;
		write->result->inserted += count;
		write->result->has_made_key = false;
	}
	return ok;
}

bool maria_bulk_insert(struct maria_write *write, const size_t *sequence, size_t count)
{
	struct arena arena;
	size_t given;
	arena_init(&arena, ARENA_BYTES);
	const struct value *shape = shape_of(&write->part, &write->scratch, &given);
	/* A statement without values takes one row. */
	bool ok = given > 0;
	for (size_t at = 0; at < count && ok;) {
		size_t rows = 0;
		size_t bytes = 0;
		while (at + rows < count && rows < ROWS_MOST && bytes < BYTES_MOST) {
			bytes += bytes_of(&write->part, sequence[at + rows++]);
		}
		ok = execute(write, shape, sequence + at, rows, &arena);
		arena_reset(&arena);
		at += rows;
	}
	arena_finish(&arena);
	return ok;
}
