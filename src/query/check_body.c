/*
 * DESIGN. A row is read into one slot per field (`found`), stamped with the row's number, so
 * nothing is cleared between rows. The first row settles the columns, in the order of the fields,
 * so that bodies of the same shape make the same statement: where each column's values come from is
 * one of enum source. Later rows must have the first one's keys, and are copied out column by
 * column.
 */
#include "query/check.h"

#include <assert.h>

#include "codec/json.h"
#include "codec/uuid.h"

enum { FIRST_ROWS = 16 };

/* Where the values of a column come from. */
enum source { SOURCE_BODY, SOURCE_FIXED, SOURCE_DEFAULT, SOURCE_NULL, SOURCE_MADE };

struct column {
	const struct field *field;
	enum source source;
	const struct value *value; /* FIXED, DEFAULT */
};

struct body {
	const struct resource *resource;
	enum query_action action;
	const struct body_options *options;
	struct arena *arena;
	struct json_reader reader;
	struct error *error;

	bool array;
	size_t row;          /* number of the row that is read, from 1 */
	struct value *found; /* by field number */
	size_t *stamps;      /* by field number: the last row that had it */
	size_t keys;         /* of the first row */

	struct column *columns;
	size_t column_count;
	struct value *values;
	size_t row_count;
	size_t room; /* rows */
};

/* ---- errors ---- */

static bool fail_syntax(struct body *body)
{
	struct error *from = &body->reader.error;
	error_set_at(body->error, ERROR_BODY, from->at, NULL);
	return error_details(body->error, "%s (at byte %zu)", from->message, from->at);
}

/* Names the row of a list before what is wrong with it. */
static bool fail_row(struct body *body)
{
	struct error *error = body->error;
	if (error != NULL && body->array) {
		struct error plain = *error;
		error_set_at(error, plain.code, plain.at, "row %zu: %s", body->row, plain.message);
		memcpy(error->details, plain.details, sizeof(error->details));
		memcpy(error->hint, plain.hint, sizeof(error->hint));
	}
	return false;
}

static bool fail_not_null(struct body *body, const struct field *field)
{
	error_set(body->error, ERROR_NOT_NULL,
			  "null value in column \"%.*s\" of relation \"%.*s\" violates not-null constraint",
			  STR_ARG(field->name), STR_ARG(body->resource->name));
	return fail_row(body);
}

static bool fail_unknown(struct body *body, struct str name)
{
	const struct resource *resource = body->resource;
	error_set_at(body->error, ERROR_COLUMN, body->reader.event_at,
				 "Could not find the '%.*s' column of '%.*s' in the schema cache", STR_ARG(name),
				 STR_ARG(resource->name));
	struct str nearest = resource_nearest_field(resource, name);
	if (nearest.len > 0) {
		error_hint(body->error, "Perhaps you meant the column \"%.*s\"", STR_ARG(nearest));
	}
	return fail_row(body);
}

/* ---- one row in ---- */

/* NULL when the path does not fix the field. */
static const struct value *fixed_value(const struct body_options *options,
									   const struct field *field)
{
	for (size_t i = 0; options->fixed != NULL && i < options->fixed->count; i++) {
		if (options->fixed->items[i] == field) {
			return &options->fixed_values[i];
		}
	}
	return NULL;
}

static bool is_ignored(const struct body *body, const struct field *field)
{
	bool changes = body->action == QUERY_UPDATE || body->action == QUERY_REPLACE;
	return field->write == WRITE_NEVER || (field->write == WRITE_ONCE && changes);
}

static bool check_fixed(struct body *body, const struct field *field, const struct value *fixed,
						const struct value *value)
{
	if (value->kind == fixed->kind && value_compare(value, fixed) == 0) {
		return true;
	}
	error_set(body->error, ERROR_CHECK,
			  "field \"%.*s\": the body gives another value than the path", STR_ARG(field->name));
	error_hint(body->error, "leave the field out of the body");
	return fail_row(body);
}

static bool read_value(struct body *body, const struct field *field, struct value *ret_value)
{
	struct json_reader *reader = &body->reader;
	if (!value_from_json(field, reader, body->options->numbers_as_text, ret_value, body->error)) {
		return reader->error.code != ERROR_NONE ? fail_syntax(body) : fail_row(body);
	}
	const struct value *fixed = fixed_value(body->options, field);
	if (fixed != NULL) {
		return check_fixed(body, field, fixed, ret_value);
	}
	if (ret_value->kind == VALUE_NULL && (field->required || field->key)) {
		return fail_not_null(body, field);
	}
	return value_check(field, ret_value, body->error) || fail_row(body);
}

static bool skip_value(struct body *body)
{
	struct str raw;
	return json_skip(&body->reader, json_next(&body->reader), &raw) || fail_syntax(body);
}

static bool fail_keys(struct body *body)
{
	error_set(body->error, ERROR_BODY, "All object keys must match");
	return error_details(body->error, "row %zu has other keys than row 1", body->row);
}

/* Reads the object behind whose { the reader stands. */
static bool read_object(struct body *body)
{
	struct json_reader *reader = &body->reader;
	size_t keys = 0;
	enum json_event event;
	while ((event = json_next(reader)) == JSON_KEY) {
		const struct field *field = resource_field(body->resource, reader->text);
		if (field == NULL) {
			return fail_unknown(body, reader->text);
		}
		if (body->row > 1 && body->stamps[field->number] != body->row - 1) {
			return fail_keys(body);
		}
		body->stamps[field->number] = body->row;
		keys++;
		struct value *found = &body->found[field->number];
		if (is_ignored(body, field) ? !skip_value(body) : !read_value(body, field, found)) {
			return false;
		}
	}
	if (event != JSON_OBJECT_END) {
		return fail_syntax(body);
	}
	if (body->row > 1 && keys != body->keys) {
		return fail_keys(body);
	}
	body->keys = keys;
	return true;
}

/* ---- the columns ---- */

static void add_column(struct body *body, const struct field *field, enum source source,
					   const struct value *value)
{
	body->columns[body->column_count++] = (struct column){field, source, value};
}

/* Decides about a field that neither the body nor the path gives. */
static bool add_missing(struct body *body, const struct field *field)
{
	bool replaces = body->action == QUERY_REPLACE;
	/* A row that exists keeps its key, and what nobody may write. */
	if (body->action == QUERY_UPDATE || (replaces && (field->key || is_ignored(body, field)))) {
		return true;
	}
	/* What is not given stays as it is on a row that exists; the table has the default. */
	bool upserts = body->action == QUERY_UPSERT;
	switch (field->default_kind) {
	case DEFAULT_VALUE:
		if (!upserts || field->key) {
			add_column(body, field, SOURCE_DEFAULT, &field->default_value);
		}
		return true;
	case DEFAULT_AUTO:
		if (field->type == TYPE_UUID && (!upserts || field->key)) {
			add_column(body, field, SOURCE_MADE, NULL);
		}
		return true;
	case DEFAULT_DATABASE:
		return true;
	case DEFAULT_NONE:
		break;
	}
	if (field->required || field->key) {
		return fail_not_null(body, field);
	}
	if (replaces) {
		add_column(body, field, SOURCE_NULL, NULL);
	}
	return true;
}

/* After the first row: what is given, in the order of the fields. */
static bool settle_columns(struct body *body)
{
	const struct resource *resource = body->resource;
	bool pinned = body->action == QUERY_UPDATE || body->action == QUERY_REPLACE;
	body->columns = ARENA_ARRAY(body->arena, resource->field_count, struct column);
	for (size_t i = 0; i < resource->field_count; i++) {
		const struct field *field = &resource->fields[i];
		const struct value *fixed = fixed_value(body->options, field);
		if (fixed != NULL) {
			/* Rows that exist are found by this value: they have it. */
			if (!pinned) {
				add_column(body, field, SOURCE_FIXED, fixed);
			}
		} else if (body->stamps[i] == body->row && !is_ignored(body, field)) {
			add_column(body, field, SOURCE_BODY, NULL);
		} else if (!add_missing(body, field)) {
			return false;
		}
	}
	return true;
}

static bool check_needs(struct body *body)
{
	const struct field_list *needs = body->options->needs;
	for (size_t i = 0; needs != NULL && i < needs->count; i++) {
		const struct field *field = needs->items[i];
		if (body->stamps[field->number] != body->row && fixed_value(body->options, field) == NULL) {
			error_set(body->error, ERROR_BODY, "field \"%.*s\" is missing", STR_ARG(field->name));
			return fail_row(body);
		}
	}
	return true;
}

/* ---- one row out ---- */

static struct value make_uuid(struct arena *arena)
{
	struct uuid uuid = uuid_v7(&clock_system);
	char *text = arena_bytes(arena, UUID_TEXT_LEN);
	uuid_write(&uuid, text);
	return (struct value){.kind = VALUE_TEXT, .text = {text, UUID_TEXT_LEN}};
}

static struct value column_value(struct body *body, const struct column *column)
{
	switch (column->source) {
	case SOURCE_BODY:
		return body->found[column->field->number];
	case SOURCE_FIXED:
	case SOURCE_DEFAULT:
		return *column->value;
	case SOURCE_MADE:
		return make_uuid(body->arena);
	case SOURCE_NULL:
		break;
	}
	return (struct value){.kind = VALUE_NULL};
}

static void add_row(struct body *body)
{
	size_t width = body->column_count;
	if (body->row_count == body->room) {
		size_t room = !body->array ? 1 : body->room == 0 ? FIRST_ROWS : body->room * 2;
		struct value *values = ARENA_ARRAY(body->arena, room * width, struct value);
		if (body->row_count > 0) {
			memcpy(values, body->values, body->row_count * width * sizeof(*values));
		}
		body->values = values;
		body->room = room;
	}
	struct value *row = &body->values[body->row_count++ * width];
	for (size_t i = 0; i < width; i++) {
		row[i] = column_value(body, &body->columns[i]);
	}
}

static bool read_row(struct body *body)
{
	const struct limits *limits = body->options->limits;
	if (body->row_count == limits->insert_rows) {
		return error_set(body->error, ERROR_BODY_TOO_LARGE, "More than %llu rows in one request",
						 (unsigned long long)limits->insert_rows);
	}
	body->row++;
	if (!read_object(body) || !check_needs(body) || (body->row == 1 && !settle_columns(body))) {
		return false;
	}
	add_row(body);
	return true;
}

/* ---- the body ---- */

/* Reads an object, or a list of objects, whose first event is `event`. */
static bool read_rows(struct body *body, enum json_event event)
{
	const char *wanted = body->options->many ? "an object or a list of objects" : "an object";
	if (event == JSON_ERROR) {
		return fail_syntax(body);
	}
	if (event == JSON_OBJECT) {
		return read_row(body);
	}
	if (event == JSON_ARRAY && body->options->many) {
		body->array = true;
		while ((event = json_next(&body->reader)) == JSON_OBJECT) {
			if (!read_row(body)) {
				return false;
			}
		}
		if (event == JSON_ARRAY_END) {
			return true;
		}
		wanted = "a list of objects";
	}
	if (event == JSON_ERROR) {
		return fail_syntax(body);
	}
	error_set_at(body->error, ERROR_BODY, body->reader.event_at, NULL);
	return error_details(body->error, "the rows of this request are %s", wanted);
}

/* The rows are the value of one key, beside which nothing else may stand. */
static bool read_from(struct body *body, struct str from)
{
	struct json_reader *reader = &body->reader;
	enum json_event event = json_next(reader);
	bool found = false;
	if (event != JSON_OBJECT && event != JSON_ERROR) {
		error_set_at(body->error, ERROR_BODY, reader->event_at, NULL);
		return error_details(body->error, "the body is an object with the key \"%.*s\"",
							 STR_ARG(from));
	}
	while (event != JSON_ERROR && (event = json_next(reader)) == JSON_KEY) {
		if (!str_equal(reader->text, from)) {
			return error_set_at(body->error, ERROR_BODY, reader->event_at,
								"unknown key \"%.*s\" beside \"%.*s\"", STR_ARG(reader->text),
								STR_ARG(from));
		}
		found = true;
		if (!read_rows(body, json_next(reader))) {
			return false;
		}
	}
	if (event == JSON_ERROR) {
		return fail_syntax(body);
	}
	return found ||
		error_set(body->error, ERROR_BODY, "the key \"%.*s\" is missing", STR_ARG(from));
}

static bool read_body(struct body *body)
{
	struct str from = body->options->from;
	bool ok = from.len > 0 ? read_from(body, from) : read_rows(body, json_next(&body->reader));
	return ok && (json_next(&body->reader) == JSON_END || fail_syntax(body));
}

bool check_body(struct str text, const struct body_options *options, struct arena *arena,
				struct query *ret_query, struct error *error)
{
	size_t field_count = ret_query->resource->field_count;
	struct body body = {
		.resource = ret_query->resource,
		.action = ret_query->action,
		.options = options,
		.arena = arena,
		.error = error,
		.found = ARENA_ARRAY(arena, field_count, struct value),
		.stamps = ARENA_ARRAY(arena, field_count, size_t),
	};
	assert(body.action == QUERY_INSERT || body.action == QUERY_UPSERT ||
		   body.action == QUERY_REPLACE || body.action == QUERY_UPDATE);
	json_reader_init(&body.reader, text, options->limits->json_depth, arena);
	if (!read_body(&body)) {
		return false;
	}
	const struct field **given = ARENA_ARRAY(arena, body.column_count, const struct field *);
	for (size_t i = 0; i < body.column_count; i++) {
		given[i] = body.columns[i].field;
	}
	ret_query->given = (struct field_list){given, body.column_count};
	ret_query->values = body.values;
	ret_query->row_count = body.row_count;
	return true;
}
