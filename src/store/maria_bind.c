/*
 * DESIGN. A column is received as the server has it (whole number, double, text) and only then read
 * as the type that was asked for: libmariadb's own conversions cut and round in silence. Texts go
 * into a buffer of their column, which grows to the longest of them; a value borrows it.
 */
#include "store/maria_priv.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "codec/json.h"
#include "codec/number.h"

enum {
	FIRST_BYTES = 64,      /* of a text's buffer */
	KEPT_BYTES = 64 << 10, /* between two executions */
	DECIMAL_BYTES = 32,
	TEXT_BYTES = 64, /* of a number as text */
	BINARY_CHARSET = 63,
	ODD_BYTES = 1024,
};

static const int64_t SECOND_MICROS = INT64_C(1000000);
static const int64_t MINUTE_MICROS = INT64_C(60000000);
static const int64_t HOUR_MICROS = INT64_C(3600000000);

/* ---- parameters ---- */

struct param {
	int64_t integer;
	double number;
	char decimal[DECIMAL_BYTES];
	unsigned long length;
	MYSQL_TIME time;
};

struct maria_params {
	size_t capacity;
	MYSQL_BIND *binds; /* owned */
	struct param *params;
};

void maria_params_free(struct maria_params *params)
{
	if (params != NULL) {
		free(params->binds);
		free(params->params);
		free(params);
	}
}

static struct maria_params *params_for(struct maria_conn *conn, size_t count)
{
	if (conn->params == NULL) {
		conn->params = alloc_zeroed(1, sizeof(*conn->params));
	}
	struct maria_params *params = conn->params;
	if (params->capacity < count) {
		free(params->binds);
		free(params->params);
		params->capacity = count;
		params->binds = alloc_zeroed(count, sizeof(*params->binds));
		params->params = alloc_zeroed(count, sizeof(*params->params));
	}
	return params;
}

static void bind_text(MYSQL_BIND *bind, struct param *param, enum enum_field_types type,
					  struct str text)
{
	param->length = text.len;
	bind->buffer_type = type;
	bind->buffer = (void *)(uintptr_t)(text.len > 0 ? text.ptr : "");
	bind->buffer_length = text.len;
	bind->length = &param->length;
}

static void bind_decimal(MYSQL_BIND *bind, struct param *param, int64_t scaled, int scale)
{
	struct buf text;
	buf_init(&text, sizeof(param->decimal));
	number_write_decimal(&text, scaled, scale);
	assert(!text.failed);
	memcpy(param->decimal, text.ptr, text.len);
	bind_text(bind, param, MYSQL_TYPE_NEWDECIMAL, (struct str){param->decimal, text.len});
	buf_finish(&text);
}

static void bind_integer(MYSQL_BIND *bind, struct param *param, int64_t integer)
{
	param->integer = integer;
	bind->buffer_type = MYSQL_TYPE_LONGLONG;
	bind->buffer = &param->integer;
}

enum enum_field_types maria_date_set(MYSQL_TIME *time, int64_t integer, enum type type)
{
	int64_t micros = type == TYPE_DATE ? 0 : integer % DATE_DAY_MICROS;
	micros += micros < 0 ? DATE_DAY_MICROS : 0;
	int year = 0;
	int month = 0;
	int day = 0;
	if (type != TYPE_TIME) {
		date_to_ymd(type == TYPE_DATE ? integer : (integer - micros) / DATE_DAY_MICROS, &year,
					&month, &day);
	}
	*time = (MYSQL_TIME){
		.year = (unsigned)year,
		.month = (unsigned)month,
		.day = (unsigned)day,
		.hour = (unsigned)(micros / HOUR_MICROS),
		.minute = (unsigned)(micros / MINUTE_MICROS % 60),
		.second = (unsigned)(micros / SECOND_MICROS % 60),
		.second_part = (unsigned long)(micros % SECOND_MICROS),
		.time_type = type == TYPE_DATE ? MYSQL_TIMESTAMP_DATE
			: type == TYPE_TIME        ? MYSQL_TIMESTAMP_TIME
									   : MYSQL_TIMESTAMP_DATETIME,
	};
	return type == TYPE_DATE ? MYSQL_TYPE_DATE
		: type == TYPE_TIME  ? MYSQL_TYPE_TIME
							 : MYSQL_TYPE_DATETIME;
}

static void bind_param(MYSQL_BIND *bind, struct param *param, const struct sql_param *from)
{
	const struct value *value = from->value;
	switch (value->kind) {
	case VALUE_NULL:
		bind->buffer_type = MYSQL_TYPE_NULL;
		return;
	case VALUE_INTEGER:
		if (from->type != NULL && from->type->type == TYPE_DECIMAL) {
			bind_decimal(bind, param, value->integer, from->type->scale);
		} else if (from->type != NULL && value_is_date(from->type->type)) {
			bind->buffer_type = maria_date_set(&param->time, value->integer, from->type->type);
			bind->buffer = &param->time;
		} else {
			bind_integer(bind, param, value->integer);
		}
		return;
	case VALUE_NUMBER:
		param->number = value->number == 0 ? 0 : value->number; /* -0.0 is stored as 0 */
		bind->buffer_type = MYSQL_TYPE_DOUBLE;
		bind->buffer = &param->number;
		return;
	case VALUE_TEXT:
		bind_text(bind, param, MYSQL_TYPE_STRING, value->text);
		return;
	case VALUE_ABSENT:
	case VALUE_POINTER:
		break;
	}
	assert(false);
}

bool maria_params_bind(struct maria_conn *conn, MYSQL_STMT *stmt)
{
	const struct sql *sql = &conn->sql;
	assert(mysql_stmt_param_count(stmt) == sql->param_count);
	if (sql->param_count == 0) {
		return true;
	}
	struct maria_params *params = params_for(conn, sql->param_count);
	for (size_t i = 0; i < sql->param_count; i++) {
		params->binds[i] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_NULL};
		bind_param(&params->binds[i], &params->params[i], &sql->params[i]);
	}
	return !mysql_stmt_bind_param(stmt, params->binds);
}

/* ---- columns ---- */

enum column_kind {
	COLUMN_INTEGER,
	COLUMN_NUMBER,
	COLUMN_DATE, /* or a time, or both */
	/* These come as text. */
	COLUMN_DECIMAL,
	COLUMN_TEXT,
	COLUMN_BYTES,
};

struct column {
	enum column_kind kind;
	bool is_unsigned;
	bool is_bits; /* BIT(n): bytes that are a number */
	/* What `time` has: libmariadb says nothing of a value that is all zero. */
	bool has_day;
	bool has_time;
	int64_t integer;
	double number;
	MYSQL_TIME time;
	char *text; /* owned */
	size_t capacity;
	unsigned long length;
	my_bool is_null;
	my_bool error;
};

struct maria_columns {
	size_t count;
	struct column *columns; /* owned */
	MYSQL_BIND *binds;      /* owned */
	bool grown;             /* a buffer is another than the one that is bound */
	struct arena odd;       /* values of the row in another form than they were received in */
	bool has_odd;
};

void maria_columns_free(struct maria_columns *columns)
{
	if (columns == NULL) {
		return;
	}
	for (size_t i = 0; i < columns->count; i++) {
		free(columns->columns[i].text);
	}
	arena_finish(&columns->odd);
	free(columns->columns);
	free(columns->binds);
	free(columns);
}

void maria_columns_trim(struct maria_columns *columns)
{
	for (size_t i = 0; columns != NULL && i < columns->count; i++) {
		struct column *column = &columns->columns[i];
		if (column->capacity > KEPT_BYTES) {
			free(column->text);
			column->text = NULL;
			column->capacity = 0;
		}
	}
}

static enum column_kind kind_of(const MYSQL_FIELD *field)
{
	switch ((int)field->type) {
	case MYSQL_TYPE_TINY:
	case MYSQL_TYPE_SHORT:
	case MYSQL_TYPE_INT24:
	case MYSQL_TYPE_LONG:
	case MYSQL_TYPE_LONGLONG:
	case MYSQL_TYPE_YEAR:
		return COLUMN_INTEGER;
	case MYSQL_TYPE_FLOAT:
	case MYSQL_TYPE_DOUBLE:
		return COLUMN_NUMBER;
	case MYSQL_TYPE_DATE:
	case MYSQL_TYPE_TIME:
	case MYSQL_TYPE_DATETIME:
	case MYSQL_TYPE_TIMESTAMP:
		return COLUMN_DATE;
	case MYSQL_TYPE_DECIMAL:
	case MYSQL_TYPE_NEWDECIMAL:
		return COLUMN_DECIMAL;
	case MYSQL_TYPE_BIT:
	case MYSQL_TYPE_GEOMETRY:
		return COLUMN_BYTES;
	case MYSQL_TYPE_STRING:
	case MYSQL_TYPE_VAR_STRING:
	case MYSQL_TYPE_TINY_BLOB:
	case MYSQL_TYPE_BLOB:
	case MYSQL_TYPE_MEDIUM_BLOB:
	case MYSQL_TYPE_LONG_BLOB:
		return field->charsetnr == BINARY_CHARSET ? COLUMN_BYTES : COLUMN_TEXT;
	default:
		return COLUMN_TEXT;
	}
}

static void bind_buffer(struct column *column, MYSQL_BIND *bind)
{
	bind->buffer_type = MYSQL_TYPE_STRING;
	bind->buffer = column->text;
	bind->buffer_length = column->capacity;
}

static void bind_column(struct column *column, const MYSQL_FIELD *field, MYSQL_BIND *bind)
{
	column->kind = kind_of(field);
	column->is_unsigned = (field->flags & UNSIGNED_FLAG) != 0;
	column->is_bits = field->type == MYSQL_TYPE_BIT;
	column->has_day = field->type != MYSQL_TYPE_TIME;
	column->has_time = field->type != MYSQL_TYPE_DATE;
	*bind = (MYSQL_BIND){
		.length = &column->length, .is_null = &column->is_null, .error = &column->error};
	switch (column->kind) {
	case COLUMN_INTEGER:
		bind->buffer_type = MYSQL_TYPE_LONGLONG;
		bind->buffer = &column->integer;
		bind->is_unsigned = column->is_unsigned;
		return;
	case COLUMN_NUMBER:
		bind->buffer_type = MYSQL_TYPE_DOUBLE;
		bind->buffer = &column->number;
		return;
	case COLUMN_DATE:
		bind->buffer_type = field->type;
		bind->buffer = &column->time;
		return;
	case COLUMN_DECIMAL:
	case COLUMN_TEXT:
	case COLUMN_BYTES:
		break;
	}
	if (column->text == NULL) {
		column->capacity = FIRST_BYTES;
		column->text = alloc_bytes(column->capacity);
	}
	bind_buffer(column, bind);
}

bool maria_columns_bind(struct maria_statement *statement)
{
	struct maria_columns *columns = statement->columns;
	if (columns != NULL && columns->count != statement->column_count) {
		maria_columns_free(columns);
		columns = NULL;
	}
	if (columns == NULL) {
		columns = alloc_zeroed(1, sizeof(*columns));
		columns->count = statement->column_count;
		columns->columns = alloc_zeroed(columns->count, sizeof(*columns->columns));
		columns->binds = alloc_zeroed(columns->count, sizeof(*columns->binds));
		arena_init(&columns->odd, ODD_BYTES);
		statement->columns = columns;
	}
	const MYSQL_FIELD *fields = mariadb_stmt_fetch_fields(statement->stmt);
	for (size_t i = 0; i < columns->count; i++) {
		bind_column(&columns->columns[i], &fields[i], &columns->binds[i]);
	}
	columns->grown = false;
	return !mysql_stmt_bind_result(statement->stmt, columns->binds);
}

/* ---- values ---- */

/* The whole text; what did not fit was left in libmariadb's own buffer. */
static bool complete(struct maria_statement *statement, size_t number)
{
	struct maria_columns *columns = statement->columns;
	struct column *column = &columns->columns[number];
	if (column->length <= column->capacity) {
		return true;
	}
	size_t capacity = column->capacity;
	while (capacity < column->length) {
		capacity *= 2;
	}
	free(column->text);
	column->text = alloc_bytes(capacity);
	column->capacity = capacity;
	MYSQL_BIND *bind = &columns->binds[number];
	bind_buffer(column, bind);
	columns->grown = true;
	return mysql_stmt_fetch_column(statement->stmt, bind, (unsigned)number, 0) == 0;
}

static struct value keep(struct maria_columns *columns, struct buf *buf)
{
	columns->has_odd = true;
	struct value value = {.kind = VALUE_TEXT, .text = arena_copy(&columns->odd, buf_str(buf))};
	buf_finish(buf);
	return value;
}

static bool fail_range(const struct field *type, struct error *error)
{
	return error_set(error, ERROR_OUT_OF_RANGE, "a value is out of range for type %s",
					 value_type_name(type->type));
}

/* Numbers are gathered below zero, where one more fits. */
static bool add_digit(int64_t *number, char digit)
{
	return digit >= '0' && digit <= '9' && !__builtin_mul_overflow(*number, 10, number) &&
		!__builtin_sub_overflow(*number, digit - '0', number);
}

/* `-12.3400` times 10^scale; digits beyond that must be zeros. */
static bool scale_text(struct str text, int scale, int64_t *ret_scaled)
{
	bool negative = str_starts_with(text, STR("-"));
	struct str behind = str_slice(text, negative ? 1 : 0, text.len);
	struct str whole = str_split(&behind, '.');
	size_t digits = (size_t)scale;
	int64_t scaled = 0;
	for (size_t i = 0; i < whole.len; i++) {
		if (!add_digit(&scaled, whole.ptr[i])) {
			return false;
		}
	}
	for (size_t i = 0; i < digits || i < behind.len; i++) {
		char digit = i < behind.len ? behind.ptr[i] : '0';
		if (i < digits ? !add_digit(&scaled, digit) : digit != '0') {
			return false;
		}
	}
	if (!negative && scaled == INT64_MIN) {
		return false;
	}
	*ret_scaled = negative ? scaled : -scaled;
	return true;
}

static void set_integer(struct value *value, int64_t integer)
{
	*value = (struct value){.kind = VALUE_INTEGER, .integer = integer};
}

static void set_number(struct value *value, double number)
{
	*value = (struct value){.kind = VALUE_NUMBER, .number = number};
}

static bool read_date_text(const struct field *type, struct str text, struct value *ret_value,
						   struct error *error)
{
	static const struct date_rules rules = {.order = DATE_ORDER_NONE};
	struct date_parts parts;
	int64_t integer;
	bool good = type->type == TYPE_TIME ? date_parse_time(text, &integer) == DATE_OK
										: date_parse(text, &rules, &parts) == DATE_OK;
	if (good && type->type == TYPE_DATE) {
		integer = parts.day;
	} else if (good && type->type == TYPE_DATETIME) {
		good = date_moment(&parts, &integer);
	}
	if (good) {
		set_integer(ret_value, integer);
	}
	return good || fail_range(type, error);
}

static bool read_number_text(const struct field *type, struct str text, struct value *ret_value,
							 struct error *error)
{
	int64_t integer;
	double number;
	if (type->type == TYPE_NUMBER) {
		if (number_parse_double(text, &number) != NUMBER_OK) {
			return fail_range(type, error);
		}
		set_number(ret_value, number);
		return true;
	}
	if (!scale_text(text, type->type == TYPE_DECIMAL ? type->scale : 0, &integer)) {
		return fail_range(type, error);
	}
	set_integer(ret_value, integer);
	return true;
}

static bool read_text(const struct field *type, struct str text, struct value *ret_value,
					  struct error *error)
{
	switch (type->type) {
	case TYPE_INTEGER:
	case TYPE_BOOLEAN:
	case TYPE_DECIMAL:
	case TYPE_NUMBER:
		return read_number_text(type, text, ret_value, error);
	case TYPE_DATE:
	case TYPE_TIME:
	case TYPE_DATETIME:
		return read_date_text(type, text, ret_value, error);
	case TYPE_TEXT:
	case TYPE_UUID:
	case TYPE_JSON:
		break;
	}
	*ret_value = (struct value){.kind = VALUE_TEXT, .text = text};
	return true;
}

/* A number of the server's, for another type than its own. */
static bool read_odd(struct maria_columns *columns, const struct column *column,
					 const struct field *type, struct value *ret_value, struct error *error)
{
	struct buf text;
	buf_init(&text, TEXT_BYTES);
	if (column->kind == COLUMN_NUMBER) {
		/* Enough digits for what has a scale; exponents are beyond its range. */
		if (type->type == TYPE_DECIMAL) {
			buf_printf(&text, "%.*f", type->scale, column->number);
		} else {
			json_write_double(&text, column->number);
		}
	} else if (column->is_unsigned) {
		buf_append_uint(&text, (uint64_t)column->integer);
	} else {
		buf_append_int(&text, column->integer);
	}
	if (text.failed) {
		buf_finish(&text);
		return fail_range(type, error);
	}
	struct value value = keep(columns, &text);
	return read_text(type, value.text, ret_value, error);
}

static bool read_integer(struct maria_columns *columns, const struct column *column,
						 const struct field *type, struct value *ret_value, struct error *error)
{
	static const int64_t exact = INT64_C(1) << 53; /* whole numbers up to here fit a double */
	int64_t integer = column->integer;
	bool fits = !column->is_unsigned || integer >= 0;
	if (fits && (type->type == TYPE_INTEGER || type->type == TYPE_BOOLEAN)) {
		set_integer(ret_value, integer);
		return true;
	}
	if (fits && type->type == TYPE_NUMBER && integer >= -exact && integer <= exact) {
		set_number(ret_value, (double)integer);
		return true;
	}
	return read_odd(columns, column, type, ret_value, error);
}

/* `2014-03-08`, `15:04:05`, `2014-03-08T15:04:05+00:00` */
static struct value date_as_text(struct maria_columns *columns, const struct column *column,
								 int64_t day, int64_t micros)
{
	struct buf text;
	buf_init(&text, TEXT_BYTES);
	if (!column->has_day) {
		date_write_time(&text, micros);
	} else if (!column->has_time) {
		date_write(&text, day);
	} else {
		date_write_moment(&text, day * DATE_DAY_MICROS + micros, 0);
	}
	return keep(columns, &text);
}

/* A day that there is not (0000-00-00, which tables of others may hold) is null. */
static bool read_date(struct maria_columns *columns, const struct column *column,
					  const struct field *type, struct value *ret_value, struct error *error)
{
	const MYSQL_TIME *time = &column->time;
	bool has_day = column->has_day;
	int64_t day = 0;
	int64_t micros = time->hour * HOUR_MICROS + time->minute * MINUTE_MICROS +
		time->second * SECOND_MICROS + (int64_t)time->second_part;
	if (has_day && !date_from_ymd(time->year, (int)time->month, (int)time->day, &day)) {
		*ret_value = (struct value){.kind = VALUE_NULL};
		return true;
	}
	if (!has_day && (time->neg || micros >= DATE_DAY_MICROS)) {
		return fail_range(type, error);
	}
	if (type->type == TYPE_TIME) {
		set_integer(ret_value, micros);
	} else if (type->type == TYPE_DATE && has_day) {
		set_integer(ret_value, day);
	} else if (type->type == TYPE_DATETIME && has_day) {
		set_integer(ret_value, day * DATE_DAY_MICROS + micros);
	} else {
		return read_text(type, date_as_text(columns, column, day, micros).text, ret_value, error);
	}
	return true;
}

static bool read_bytes(struct maria_columns *columns, const struct column *column,
					   const struct field *type, struct value *ret_value, struct error *error)
{
	if (column->is_bits && column->length <= sizeof(uint64_t)) {
		struct column number = {.kind = COLUMN_INTEGER, .is_unsigned = true};
		for (size_t i = 0; i < column->length; i++) {
			number.integer = (int64_t)(((uint64_t)number.integer << 8) |
									   (unsigned char)column->text[i]);
		}
		return read_integer(columns, &number, type, ret_value, error);
	}
	if (type->type == TYPE_JSON) {
		return read_text(type, (struct str){column->text, column->length}, ret_value, error);
	}
	static const char digits[] = "0123456789abcdef";
	struct buf text;
	buf_init(&text, SIZE_MAX);
	buf_append(&text, STR("\\x"));
	for (size_t i = 0; i < column->length; i++) {
		unsigned char byte = (unsigned char)column->text[i];
		buf_append_byte(&text, digits[byte >> 4]);
		buf_append_byte(&text, digits[byte & 15]);
	}
	*ret_value = keep(columns, &text);
	return true;
}

static bool read_column(struct maria_columns *columns, const struct column *column,
						const struct field *type, struct value *ret_value, struct error *error)
{
	if (column->is_null) {
		*ret_value = (struct value){.kind = VALUE_NULL};
		return true;
	}
	switch (column->kind) {
	case COLUMN_INTEGER:
		return read_integer(columns, column, type, ret_value, error);
	case COLUMN_NUMBER:
		if (type->type == TYPE_NUMBER) {
			set_number(ret_value, column->number);
			return true;
		}
		return read_odd(columns, column, type, ret_value, error);
	case COLUMN_DATE:
		return read_date(columns, column, type, ret_value, error);
	case COLUMN_DECIMAL:
	case COLUMN_TEXT:
		return read_text(type, (struct str){column->text, column->length}, ret_value, error);
	case COLUMN_BYTES:
		break;
	}
	return read_bytes(columns, column, type, ret_value, error);
}

bool maria_columns_read(struct maria_statement *statement, const struct field *const *types,
						struct value *values, struct error *error)
{
	struct maria_columns *columns = statement->columns;
	if (columns->has_odd) {
		arena_reset(&columns->odd);
		columns->has_odd = false;
	}
	for (size_t i = 0; i < columns->count; i++) {
		struct column *column = &columns->columns[i];
		if (!column->is_null && column->kind >= COLUMN_DECIMAL && !complete(statement, i)) {
			return error_set(error, ERROR_STORE, NULL);
		}
		if (!read_column(columns, column, types[i], &values[i], error)) {
			return false;
		}
	}
	if (columns->grown) {
		columns->grown = false;
		mysql_stmt_bind_result(statement->stmt, columns->binds);
	}
	return true;
}
