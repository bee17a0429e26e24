/*
 * DESIGN. A row is read into one slot per field (`found`), stamped with the row's number, so
 * nothing is cleared between rows. The first row settles the columns, in the order of the fields,
 * so that bodies of the same shape make the same statement: where each column's values come from is
 * one of enum body_source. Later rows must have the first one's keys (or those of `columns`), and
 * are copied out column by column.
 *
 * A whole row is there before it is checked, as in PostgreSQL: types first, then what must not be
 * null, then `in`, `min` and `max`.
 */
#include "query/check_body_priv.h"

#include <assert.h>

#include "codec/uuid.h"

/* Most bodies are one row. */
enum { MORE_ROWS = 16 };

static const struct body_format_ops *const formats[] = {
	[BODY_JSON] = &body_json,           [BODY_CSV] = &body_csv,   [BODY_NDJSON] = &body_ndjson,
	[BODY_JSON_ROWS] = &body_json_rows, [BODY_FORM] = &body_form,
};

static bool inserts(const struct body *body)
{
	return body->action == QUERY_INSERT || body->action == QUERY_UPSERT;
}

static bool must_not_be_null(const struct field *field)
{
	return field->required || field->key;
}

/* ---- the columns ---- */

static enum body_source default_source(const struct field *field)
{
	switch (field->default_kind) {
	case DEFAULT_VALUE:
		return SOURCE_DEFAULT;
	case DEFAULT_AUTO:
		return field->type == TYPE_UUID ? SOURCE_MADE : SOURCE_ABSENT;
	case DEFAULT_DATABASE:
		return SOURCE_ABSENT;
	case DEFAULT_NONE:
		break;
	}
	return SOURCE_NULL;
}

static void add_column(struct body *body, const struct field *field, enum body_source source,
					   enum body_source missing)
{
	body->columns[body->column_count++] = (struct body_column){
		.field = field,
		.source = source,
		.missing = missing,
		.fixed = source == SOURCE_FIXED ? body_fixed_value(body, field) : NULL,
	};
}

/* A column that rows may give: what of a row that does not? Without `columns` there is none. */
static bool add_given(struct body *body, const struct field *field)
{
	enum body_source missing = SOURCE_NULL;
	if (body->wanted != NULL && (body->options->missing_default || body->options->independent)) {
		missing = default_source(field);
	}
	if (missing == SOURCE_ABSENT && !inserts(body)) {
		if (body->stamps[field->number] != body->row) {
			error_set(body->error, ERROR_UNSUPPORTED, NULL);
			return error_details(
				body->error,
				"missing=default for column \"%.*s\", whose default is the store's,"
				" of rows that exist",
				STR_ARG(field->name));
		}
		missing = SOURCE_NULL;
	}
	add_column(body, field, SOURCE_BODY, missing);
	return true;
}

/* Decides about a field that neither the body nor the path gives. */
static void add_missing(struct body *body, const struct field *field)
{
	bool replaces = body->action == QUERY_REPLACE;
	bool whole = replaces || (body->action == QUERY_UPSERT && body->options->whole);
	/* A row that exists keeps its key, and what nobody may write. */
	if (body->action == QUERY_UPDATE ||
		(replaces && (field->key || body_is_ignored(body, field)))) {
		return;
	}
	bool kept = whole && field->write == WRITE_NEVER;
	enum body_source source = default_source(field);
	switch (source) {
	case SOURCE_DEFAULT:
	case SOURCE_MADE:
		/* What is not given stays as it is on a row that exists; the table has the default. */
		if (body->action == QUERY_INSERT || field->key || (whole && !kept)) {
			add_column(body, field, source, source);
		}
		return;
	case SOURCE_NULL:
		/* Where that cannot be, it is an error, with the row's others. */
		if (must_not_be_null(field) || (whole && !kept)) {
			add_column(body, field, source, source);
		}
		return;
	case SOURCE_ABSENT:
		/* A whole row is found by its key. */
		if (whole && field->key) {
			add_column(body, field, SOURCE_NULL, SOURCE_NULL);
		}
		return;
	case SOURCE_BODY:
	case SOURCE_FIXED:
		break;
	}
	assert(false);
}

/* After the first row: what is given, in the order of the fields. */
static bool settle_columns(struct body *body)
{
	const struct resource *resource = body->resource;
	body->columns = ARENA_ARRAY(body->arena, resource->field_count, struct body_column);
	for (size_t i = 0; i < resource->field_count; i++) {
		const struct field *field = &resource->fields[i];
		bool named = body->wanted != NULL ? body->wanted[i] : body->stamps[i] == body->row;
		bool whole = body->action == QUERY_REPLACE || body->options->whole;
		bool fixed = body_fixed_value(body, field) != NULL;
		bool ignored = body_is_ignored(body, field);
		if ((fixed ? inserts(body) : whole && !ignored) && !body_may_write(body, field)) {
			return false;
		}
		if (fixed) {
			/* Rows that exist are found by this value: they have it. */
			if (inserts(body)) {
				add_column(body, field, SOURCE_FIXED, SOURCE_FIXED);
			}
		} else if (!named || ignored) {
			add_missing(body, field);
		} else if (!add_given(body, field)) {
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
		if (body->stamps[field->number] != body->row && body_fixed_value(body, field) == NULL) {
			error_set(body->error, ERROR_BODY, "field \"%.*s\" is missing", STR_ARG(field->name));
			return body_fail_row(body);
		}
	}
	return true;
}

/* ---- a null where none may be ---- */

bool body_row_value(const struct body *body, const struct value *row, const struct field *field,
					struct value *ret_value)
{
	for (size_t i = 0; i < body->column_count; i++) {
		if (body->columns[i].field == field) {
			*ret_value = row[i];
			return row[i].kind != VALUE_ABSENT;
		}
	}
	*ret_value = field->default_value;
	if (field->default_kind == DEFAULT_NONE) {
		*ret_value = (struct value){.kind = VALUE_NULL};
	}
	return field->default_kind == DEFAULT_NONE || field->default_kind == DEFAULT_VALUE;
}

/* The whole row as PostgreSQL shows it; nothing when some of it is not known. */
static void show_row(struct body *body, const struct value *row)
{
	enum { MOST_BYTES = sizeof(body->error->details) };
	const struct resource *resource = body->resource;
	struct buf buf;
	bool known = inserts(body);
	buf_init(&buf, SIZE_MAX);
	for (size_t i = 0; known && i < resource->field_count; i++) {
		struct value value;
		if (field_is_computed(&resource->fields[i])) {
			continue;
		}
		known = body_row_value(body, row, &resource->fields[i], &value);
		if (!known || buf.len >= MOST_BYTES) {
			continue;
		}
		buf_append(&buf, buf.len > 0 ? STR(", ") : STR(""));
		if (value.kind == VALUE_NULL) {
			buf_append(&buf, STR("null"));
		} else if (value.kind == VALUE_TEXT) {
			buf_append(&buf, str_slice(value.text, 0, MOST_BYTES));
		} else {
			value_write_text(&buf, &resource->fields[i], &value);
		}
	}
	if (known) {
		error_details(body->error, "Failing row contains (%.*s).", STR_ARG(buf_str(&buf)));
	}
	buf_finish(&buf);
}

static bool fail_not_null(struct body *body, const struct value *row, const struct field *field)
{
	error_set(body->error, ERROR_NOT_NULL,
			  "null value in column \"%.*s\" of relation \"%.*s\" violates not-null constraint",
			  STR_ARG(field->name), STR_ARG(body->resource->name));
	show_row(body, row);
	return body_fail_row(body);
}

static bool check_row(struct body *body, const struct value *row)
{
	for (size_t i = 0; i < body->column_count; i++) {
		const struct field *field = body->columns[i].field;
		if (row[i].kind == VALUE_NULL && must_not_be_null(field)) {
			body->wrong = field;
			return fail_not_null(body, row, field);
		}
	}
	for (size_t i = 0; i < body->column_count; i++) {
		const struct body_column *column = &body->columns[i];
		bool given = column->source == SOURCE_BODY && row[i].kind != VALUE_NULL &&
			row[i].kind != VALUE_ABSENT;
		if (given && !value_check(column->field, &row[i], body->error)) {
			body->wrong = column->field;
			return body_fail_row(body);
		}
	}
	return !inserts(body) || body_check_rules(body, row);
}

/* ---- one row out ---- */

static struct value make_uuid(struct arena *arena)
{
	struct uuid uuid = uuid_v7(&clock_system);
	char *text = arena_bytes(arena, UUID_TEXT_LEN);
	uuid_write(&uuid, text);
	return (struct value){.kind = VALUE_TEXT, .text = {text, UUID_TEXT_LEN}};
}

struct value body_made_value(struct body *body, const struct field *field)
{
	assert(field->default_kind == DEFAULT_AUTO);
	return field->type == TYPE_UUID ? make_uuid(body->row_arena)
									: (struct value){.kind = VALUE_ABSENT};
}

static struct value column_value(const struct body *body, const struct body_column *column)
{
	const struct field *field = column->field;
	bool stamped = body->stamps[field->number] == body->row;
	switch (column->source == SOURCE_BODY && !stamped ? column->missing : column->source) {
	case SOURCE_BODY:
		return body->found[field->number];
	case SOURCE_FIXED:
		return *column->fixed;
	case SOURCE_DEFAULT:
		return field->default_value;
	case SOURCE_MADE:
		return make_uuid(body->row_arena);
	case SOURCE_ABSENT:
		return (struct value){.kind = VALUE_ABSENT};
	case SOURCE_NULL:
		break;
	}
	return (struct value){.kind = VALUE_NULL};
}

/* Where the values of the next row go. */
static struct value *next_slot(struct body *body)
{
	size_t width = body->column_count;
	if (body->row_count == body->room) {
		size_t room = body->room == 0 ? 1 : body->room == 1 ? MORE_ROWS : body->room * 2;
		struct value *values = ARENA_ARRAY(body->row_arena, room * width, struct value);
		if (body->row_count > 0) {
			memcpy(values, body->values, body->row_count * width * sizeof(*values));
		}
		body->values = values;
		body->room = room;
	}
	return &body->values[body->row_count * width];
}

enum body_event body_add_row(struct body *body)
{
	enum body_event event = body->ops->next(body);
	if (event != BODY_ROW) {
		return event;
	}
	if (!check_needs(body) || (body->columns == NULL && !settle_columns(body))) {
		return BODY_ERROR;
	}
	/* A change of rows that exist is one row: the first. */
	if (!inserts(body) && body->row > 1) {
		return BODY_ROW;
	}
	struct value *row = next_slot(body);
	for (size_t i = 0; i < body->column_count; i++) {
		row[i] = column_value(body, &body->columns[i]);
	}
	if (!check_row(body, row)) {
		return BODY_ERROR;
	}
	/* Without any value it changes nothing. */
	if (body->action != QUERY_UPDATE || body->column_count > 0) {
		body->row_count++;
	}
	return BODY_ROW;
}

/* ---- the body ---- */

/* The fields that `columns` names. */
static bool read_columns(struct body *body)
{
	const struct parsed_names *columns = body->options->columns;
	bool all = body->options->independent && columns == NULL;
	if (columns == NULL && !all) {
		return true;
	}
	bool *wanted = ARENA_ARRAY(body->arena, body->resource->field_count, bool);
	for (size_t i = 0; all && i < body->resource->field_count; i++) {
		wanted[i] = !field_is_computed(&body->resource->fields[i]);
	}
	for (size_t i = 0; columns != NULL && i < columns->count; i++) {
		const struct field *field = resource_field(body->resource, columns->items[i]);
		if (field == NULL) {
			return body_fail_unknown(body, columns->items[i], SIZE_MAX);
		}
		if (!body_is_ignored(body, field) && !body_may_write(body, field)) {
			return false;
		}
		wanted[field->number] = true;
	}
	body->wanted = wanted;
	return true;
}

bool body_init(struct body *body, struct str text, const struct body_options *options,
			   struct arena *arena, const struct query *query, struct error *error)
{
	size_t field_count = query->resource->field_count;
	*body = (struct body){
		.resource = query->resource,
		.action = query->action,
		.query = query,
		.options = options,
		.ops = formats[options->format],
		.text = text,
		.arena = arena,
		.row_arena = arena,
		.error = error,
		.found = ARENA_ARRAY(arena, field_count, struct value),
		.stamps = ARENA_ARRAY(arena, field_count, size_t),
		.guess = ARENA_ARRAY(arena, field_count, const struct field *),
		.max_rows = UINT64_MAX,
	};
	assert(inserts(body) || body->action == QUERY_REPLACE || body->action == QUERY_UPDATE);
	return read_columns(body) && body->ops->begin(body);
}

void body_settle_given(const struct body *body, struct query *ret_query)
{
	const struct field **given = ARENA_ARRAY(body->arena, body->column_count, const struct field *);
	for (size_t i = 0; i < body->column_count; i++) {
		given[i] = body->columns[i].field;
	}
	ret_query->given = (struct field_list){given, body->column_count};
}

bool check_body(struct str text, const struct body_options *options, struct arena *arena,
				struct query *ret_query, struct error *error)
{
	struct body body;
	enum body_event event;
	if (!body_init(&body, text, options, arena, ret_query, error)) {
		return false;
	}
	body.max_rows = options->limits->insert_rows;
	while ((event = body_add_row(&body)) == BODY_ROW) {
	}
	if (event == BODY_ERROR) {
		return false;
	}
	body_settle_given(&body, ret_query);
	ret_query->values = body.values;
	ret_query->row_count = body.row_count;
	ret_query->batches = NULL;
	return inserts(&body) || body.row_count == 0 || body_narrow(&body, ret_query);
}
