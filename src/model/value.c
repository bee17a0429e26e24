#include "model/value.h"

#include <assert.h>

#include "base/clock.h"
#include "codec/date.h"
#include "codec/json.h"
#include "codec/number.h"
#include "codec/utf8.h"
#include "codec/uuid.h"
#include "codec/zone.h"
#include "model/model.h"

/* Of a client's text that an error message shows. */
#define SHOWN_BYTES 64
/* Nesting of JSON that comes as text; in bodies the reader's own limit holds. */
#define JSON_DEPTH 64

const char *value_type_name(enum type type)
{
	switch (type) {
#define X(name, word, shown)                                                                       \
	case TYPE_##name:                                                                              \
		return shown;
		TYPE_TABLE(X)
#undef X
	}
	return "";
}

/* The type as the service file has it: text(40), decimal(9,2). */
struct type_text {
	char text[48];
};

static struct type_text type_text(const struct field *field)
{
	struct type_text shown;
	const char *name = value_type_name(field->type);

	if (field->type == TYPE_DECIMAL) {
		(void)snprintf(shown.text, sizeof(shown.text), "%s(%d,%d)", name, field->precision,
					   field->scale);
	} else if (field->type == TYPE_TEXT && field->max_chars > 0) {
		(void)snprintf(shown.text, sizeof(shown.text), "%s(%zu)", name, field->max_chars);
	} else {
		(void)snprintf(shown.text, sizeof(shown.text), "%s", name);
	}
	return shown;
}

/* The start of a text, cut between code points. */
static struct str shorten(struct str text)
{
	size_t len = text.len;

	if (len > SHOWN_BYTES) {
		len = SHOWN_BYTES;
		while (len > 0 && ((unsigned char)text.ptr[len] & 0xC0) == 0x80) {
			len--;
		}
	}
	return str_slice(text, 0, len);
}

static bool refuse(const struct field *field, struct str text, enum number_result result,
				   struct error *error)
{
	struct str shown = shorten(text);
	const char *dots = shown.len < text.len ? "..." : "";

	if (result == NUMBER_OUT_OF_RANGE) {
		return error_set(error, ERROR_OUT_OF_RANGE,
						 "field \"%.*s\": value \"%.*s%s\" is out of range for type %s",
						 STR_ARG(field->name), STR_ARG(shown), dots, type_text(field).text);
	}
	return error_set(error, ERROR_VALUE,
					 "field \"%.*s\": invalid input syntax for type %s: \"%.*s%s\"",
					 STR_ARG(field->name), value_type_name(field->type), STR_ARG(shown), dots);
}

static bool from_number(const struct field *field, struct str text, struct value *ret_value,
						struct error *error)
{
	enum number_result result;
	struct value value = {.kind = VALUE_INTEGER};

	if (field->type == TYPE_INTEGER) {
		result = number_parse_integer(text, &value.integer);
	} else if (field->type == TYPE_DECIMAL) {
		result = number_parse_decimal(text, field->precision, field->scale, &value.integer);
	} else {
		value.kind = VALUE_NUMBER;
		result = number_parse_double(text, &value.number);
	}
	if (result != NUMBER_OK) {
		return refuse(field, text, result, error);
	}
	*ret_value = value;
	return true;
}

static bool from_boolean(const struct field *field, struct str text, struct value *ret_value,
						 struct error *error)
{
	bool is_true = str_equal(text, STR("true"));

	if (!is_true && !str_equal(text, STR("false"))) {
		return refuse(field, text, NUMBER_SYNTAX, error);
	}
	*ret_value = (struct value){.kind = VALUE_INTEGER, .integer = is_true ? 1 : 0};
	return true;
}

static bool from_text(const struct field *field, struct str text, struct value *ret_value,
					  struct error *error)
{
	if (utf8_check(text) != text.len) {
		return error_set(error, ERROR_VALUE, "field \"%.*s\": the text is not UTF-8",
						 STR_ARG(field->name));
	}
	if (text.len > 0 && memchr(text.ptr, '\0', text.len) != NULL) {
		return error_set(error, ERROR_VALUE, "field \"%.*s\": a text cannot hold \\u0000",
						 STR_ARG(field->name));
	}
	*ret_value = (struct value){.kind = VALUE_TEXT, .text = text};
	return true;
}

static bool from_uuid(const struct field *field, struct str text, struct arena *arena,
					  struct value *ret_value, struct error *error)
{
	struct uuid uuid;
	char *bytes;

	if (!uuid_parse(text, &uuid)) {
		return refuse(field, text, NUMBER_SYNTAX, error);
	}
	bytes = arena_bytes(arena, UUID_TEXT_LEN);
	uuid_write(&uuid, bytes);
	*ret_value = (struct value){.kind = VALUE_TEXT, .text = {bytes, UUID_TEXT_LEN}};
	return true;
}

/* ---- dates and times ---- */

/* The day of UTC. */
static int64_t today(void)
{
	return clock_system.wall_us(&clock_system) / DATE_DAY_MICROS;
}

static bool refuse_date(const struct field *field, struct str text, const char *why,
						struct error *error)
{
	struct str shown = shorten(text);

	(void)refuse(field, text, NUMBER_SYNTAX, error);
	return error_details(error, "\"%.*s%s\" %s", STR_ARG(shown), shown.len < text.len ? "..." : "",
						 why);
}

static bool from_time(const struct field *field, struct str text, struct value *ret_value,
					  struct error *error)
{
	struct value value = {.kind = VALUE_INTEGER};

	if (date_parse_time(text, &value.integer) != DATE_OK) {
		return refuse_date(field, text, "is no time of a day", error);
	}
	*ret_value = value;
	return true;
}

static bool from_date(const struct field *field, struct str text, struct value *ret_value,
					  struct error *error)
{
	struct value value = {.kind = VALUE_INTEGER};
	struct date_rules rules = field->dates;
	struct date_parts parts;
	enum date_result result;

	if (field->max_today) {
		rules.latest_day = today();
	}
	result = date_parse(text, &rules, &parts);
	if (result != DATE_OK) {
		return refuse_date(field, text, date_result_text(result), error);
	}
	if (field->type == TYPE_DATE && (parts.has_time || parts.has_zone)) {
		return refuse_date(field, text, "is more than a date", error);
	}
	if (field->type == TYPE_DATE) {
		value.integer = parts.day;
	} else if (!date_moment(&parts, &value.integer)) {
		return refuse(field, text, NUMBER_OUT_OF_RANGE, error);
	}
	*ret_value = value;
	return true;
}

/* False when others wrote a number into the table that is no date. */
static bool write_date(struct buf *buf, enum type type, int64_t integer, const struct zone *zone)
{
	int64_t first = DATE_FIRST_DAY * DATE_DAY_MICROS;
	int64_t end = (DATE_LAST_DAY + 1) * DATE_DAY_MICROS;

	if (type == TYPE_DATE && integer >= DATE_FIRST_DAY && integer <= DATE_LAST_DAY) {
		date_write(buf, integer);
		return true;
	}
	if (type == TYPE_TIME && integer >= 0 && integer < DATE_DAY_MICROS) {
		date_write_time(buf, integer);
		return true;
	}
	if (type == TYPE_DATETIME && integer >= first && integer < end) {
		date_write_moment(buf, integer, zone == NULL ? 0 : zone_minutes(zone, integer));
		return true;
	}
	return false;
}

/* ---- json ---- */

/* `json` is valid. */
static void from_valid_json(struct str json, struct arena *arena, struct value *ret_value)
{
	struct buf buf;

	buf_init(&buf, json.len);
	json_write_minified(&buf, json);
	assert(!buf.failed);
	*ret_value = (struct value){.kind = VALUE_TEXT, .text = arena_copy(arena, buf_str(&buf))};
	buf_finish(&buf);
}

static bool from_json_text(const struct field *field, struct str text, struct arena *arena,
						   struct value *ret_value, struct error *error)
{
	struct json_reader reader;
	enum json_event first;
	struct str raw;

	json_reader_init(&reader, text, JSON_DEPTH, arena);
	first = json_next(&reader);
	if (first == JSON_ERROR || first == JSON_END || !json_skip(&reader, first, &raw) ||
		json_next(&reader) != JSON_END) {
		(void)refuse(field, text, NUMBER_SYNTAX, error);
		return reader.error.code == ERROR_NONE ? false
											   : error_details(error, "%s", reader.error.message);
	}
	from_valid_json(raw, arena, ret_value);
	return true;
}

bool value_from_text(const struct field *field, struct str text, struct arena *arena,
					 struct value *ret_value, struct error *error)
{
	switch (field->type) {
	case TYPE_INTEGER:
	case TYPE_NUMBER:
	case TYPE_DECIMAL:
		return from_number(field, text, ret_value, error);
	case TYPE_TEXT:
		return from_text(field, text, ret_value, error);
	case TYPE_BOOLEAN:
		return from_boolean(field, text, ret_value, error);
	case TYPE_UUID:
		return from_uuid(field, text, arena, ret_value, error);
	case TYPE_DATE:
	case TYPE_DATETIME:
		return from_date(field, text, ret_value, error);
	case TYPE_TIME:
		return from_time(field, text, ret_value, error);
	case TYPE_JSON:
		return from_json_text(field, text, arena, ret_value, error);
	}
	assert(false);
	return false;
}

static bool takes_json_string(enum type type)
{
	return type == TYPE_TEXT || type == TYPE_UUID || value_is_date(type);
}

static bool takes_json_number(enum type type)
{
	return type == TYPE_INTEGER || type == TYPE_NUMBER || type == TYPE_DECIMAL;
}

/* The one integer whose JSON text is not canonical. */
static struct str without_minus_zero(enum type type, struct str text)
{
	return type == TYPE_INTEGER && str_equal(text, STR("-0")) ? STR("0") : text;
}

bool value_from_json(const struct field *field, struct json_reader *reader, bool numbers_as_text,
					 struct value *ret_value, struct error *error)
{
	enum json_event event = json_next(reader);
	enum type type = field->type;
	struct str text = reader->text; /* json_skip() may change the reader's */
	struct str raw;

	if (event == JSON_NULL) {
		*ret_value = (struct value){.kind = VALUE_NULL};
		return true;
	}
	if (event == JSON_STRING &&
		(takes_json_string(type) || (numbers_as_text && type != TYPE_JSON))) {
		return value_from_text(field, text, reader->arena, ret_value, error);
	}
	if (event == JSON_NUMBER && takes_json_number(type)) {
		return from_number(field, without_minus_zero(type, text), ret_value, error);
	}
	if ((event == JSON_TRUE || event == JSON_FALSE) && type == TYPE_BOOLEAN) {
		*ret_value = (struct value){.kind = VALUE_INTEGER, .integer = event == JSON_TRUE ? 1 : 0};
		return true;
	}
	if (event == JSON_ERROR || !json_skip(reader, event, &raw)) {
		*error = reader->error;
		return false;
	}
	if (type == TYPE_JSON) {
		from_valid_json(raw, reader->arena, ret_value);
		return true;
	}
	(void)refuse(field, event == JSON_STRING ? text : raw, NUMBER_SYNTAX, error);
	if (event == JSON_STRING && takes_json_number(type)) {
		return error_details(error, "The value is a JSON string; a JSON number is needed");
	}
	return false;
}

static bool refuse_in(const struct field *field, struct error *error)
{
	struct buf buf;

	buf_init(&buf, SIZE_MAX);
	for (size_t i = 0; i < field->in_count; i++) {
		buf_append(&buf, i == 0 ? STR("") : STR(", "));
		value_write_json(&buf, field, &field->in[i]);
	}
	(void)error_set(error, ERROR_CHECK, "field \"%.*s\" must be one of %.*s", STR_ARG(field->name),
					STR_ARG(buf_str(&buf)));
	buf_finish(&buf);
	return false;
}

static bool refuse_range(const struct field *field, struct error *error)
{
	struct buf buf;

	buf_init(&buf, SIZE_MAX);
	if (field->min != NULL && field->max != NULL) {
		buf_append(&buf, STR("between "));
		value_write_json(&buf, field, field->min);
		buf_append(&buf, STR(" and "));
		value_write_json(&buf, field, field->max);
	} else {
		buf_append(&buf, field->min != NULL ? STR("at least ") : STR("at most "));
		value_write_json(&buf, field, field->min != NULL ? field->min : field->max);
	}
	(void)error_set(error, ERROR_CHECK, "field \"%.*s\" must be %.*s", STR_ARG(field->name),
					STR_ARG(buf_str(&buf)));
	buf_finish(&buf);
	return false;
}

static bool is_one_of(const struct field *field, const struct value *value)
{
	for (size_t i = 0; i < field->in_count; i++) {
		if (value_compare(&field->in[i], value) == 0) {
			return true;
		}
	}
	return false;
}

static bool is_after_today(const struct field *field, const struct value *value)
{
	int64_t unit = field->type == TYPE_DATE ? 1 : DATE_DAY_MICROS;

	return value->kind == VALUE_INTEGER && value->integer / unit > today();
}

bool value_check(const struct field *field, const struct value *value, struct error *error)
{
	if (value->kind == VALUE_NULL) {
		return !field->required ||
			error_set(error, ERROR_NOT_NULL,
					  "null value in column \"%.*s\" violates not-null constraint",
					  STR_ARG(field->name));
	}
	if (field->max_chars > 0 && value->text.len > field->max_chars &&
		utf8_length(value->text) > field->max_chars) {
		return error_set(error, ERROR_TOO_LONG, "field \"%.*s\": value too long for type %s",
						 STR_ARG(field->name), type_text(field).text);
	}
	if (field->in != NULL && !is_one_of(field, value)) {
		return refuse_in(field, error);
	}
	if ((field->min != NULL && value_compare(value, field->min) < 0) ||
		(field->max != NULL && value_compare(value, field->max) > 0)) {
		return refuse_range(field, error);
	}
	if (field->max_today && is_after_today(field, value)) {
		return error_set(error, ERROR_CHECK, "field \"%.*s\" must not be later than today",
						 STR_ARG(field->name));
	}
	return true;
}

static void write_integer(struct buf *buf, const struct field *field, int64_t integer)
{
	switch (field->type) {
	case TYPE_BOOLEAN:
		buf_append(buf, integer != 0 ? STR("true") : STR("false"));
		return;
	case TYPE_DECIMAL:
		number_write_decimal(buf, integer, field->scale);
		return;
	case TYPE_DATE:
	case TYPE_TIME:
	case TYPE_DATETIME:
		buf_append_byte(buf, '"');
		if (!write_date(buf, field->type, integer, NULL)) {
			buf_append_int(buf, integer);
		}
		buf_append_byte(buf, '"');
		return;
	case TYPE_INTEGER:
	case TYPE_NUMBER:
	case TYPE_TEXT:
	case TYPE_UUID:
	case TYPE_JSON:
		break;
	}
	buf_append_int(buf, integer);
}

void value_write_json(struct buf *buf, const struct field *field, const struct value *value)
{
	switch (value->kind) {
	case VALUE_NULL:
		buf_append(buf, STR("null"));
		return;
	case VALUE_NUMBER:
		json_write_double(buf, value->number);
		return;
	case VALUE_INTEGER:
		write_integer(buf, field, value->integer);
		return;
	case VALUE_TEXT:
		if (field->type == TYPE_JSON) {
			buf_append(buf, value->text);
		} else {
			json_write_string(buf, value->text);
		}
		return;
	case VALUE_ABSENT:
	case VALUE_POINTER:
		break;
	}
	assert(false);
}

void value_write_in_zone(struct buf *buf, const struct field *field, const struct value *value,
						 const struct zone *zone)
{
	if (value->kind == VALUE_TEXT) {
		buf_append(buf, value->text);
	} else if (value->kind == VALUE_INTEGER && value_is_date(field->type)) {
		if (!write_date(buf, field->type, value->integer, zone)) {
			buf_append_int(buf, value->integer);
		}
	} else if (value->kind != VALUE_NULL) {
		value_write_json(buf, field, value);
	}
}

void value_write_text(struct buf *buf, const struct field *field, const struct value *value)
{
	value_write_in_zone(buf, field, value, NULL);
}

/* Exact: not every integer is a double. */
static int compare_with_number(int64_t integer, double number)
{
	if (number >= 0x1p63 || number < -0x1p63) {
		return number > 0 ? -1 : 1;
	}
	int64_t whole = (int64_t)number;
	double rest = number - (double)whole;
	return integer != whole ? (integer > whole) - (integer < whole) : (rest < 0) - (rest > 0);
}

/* Of a table that others made: numbers stand before texts. */
static int compare_kinds(const struct value *a, const struct value *b)
{
	if (a->kind == VALUE_INTEGER && b->kind == VALUE_NUMBER) {
		return compare_with_number(a->integer, b->number);
	}
	if (a->kind == VALUE_NUMBER && b->kind == VALUE_INTEGER) {
		return -compare_with_number(b->integer, a->number);
	}
	return (a->kind > b->kind) - (a->kind < b->kind);
}

int value_compare(const struct value *a, const struct value *b)
{
	if (a->kind == VALUE_NULL || b->kind == VALUE_NULL) {
		return (a->kind == VALUE_NULL) - (b->kind == VALUE_NULL);
	}
	if (a->kind != b->kind) {
		return compare_kinds(a, b);
	}
	switch (a->kind) {
	case VALUE_INTEGER:
		return (a->integer > b->integer) - (a->integer < b->integer);
	case VALUE_NUMBER:
		return (a->number > b->number) - (a->number < b->number);
	case VALUE_TEXT:
		return str_compare(a->text, b->text);
	case VALUE_NULL:
	case VALUE_ABSENT:
	case VALUE_POINTER:
		break;
	}
	return 0;
}
