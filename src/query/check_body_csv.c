#include <assert.h>

#include "query/check_body_priv.h"

static bool fail_syntax(struct body *body)
{
	*body->error = body->csv.error;
	return false;
}

static bool read_header(struct body *body)
{
	struct csv_reader *reader = &body->csv;
	bool *seen = ARENA_ARRAY(body->arena, body->resource->field_count, bool);
	body->header_count = reader->field_count;
	body->header = ARENA_ARRAY(body->arena, body->header_count, const struct field *);
	body->line = reader->line;
	for (size_t i = 0; i < body->header_count; i++) {
		const struct field *field;
		if (!body_find_field(body, reader->fields[i].text, i, SIZE_MAX, &field)) {
			return body_fail_row(body);
		}
		if (field != NULL && seen[field->number]) {
			error_set(body->error, ERROR_BODY, "a column stands twice: \"%.*s\"",
					  STR_ARG(field->name));
			return body_fail_row(body);
		}
		if (field != NULL) {
			seen[field->number] = true;
		}
		body->header[i] = field;
	}
	return true;
}

static bool begin_csv(struct body *body)
{
	assert(body->options->from.len == 0);
	csv_reader_init(&body->csv, body->text, body->arena);
	switch (csv_next(&body->csv)) {
	case CSV_ERROR:
		return fail_syntax(body);
	case CSV_END:
		return true;
	case CSV_RECORD:
		break;
	}
	return read_header(body);
}

static bool read_field(struct body *body, const struct field *field, const struct csv_field *from)
{
	struct value null = {.kind = VALUE_NULL};
	if (field == NULL) {
		return true;
	}
	body->stamps[field->number] = body->row;
	if (body_is_ignored(body, field)) {
		return true;
	}
	if (!from->quoted && str_equal(from->text, STR("NULL"))) {
		return body_take(body, field, &null);
	}
	return body_take_text(body, field, from->text);
}

static enum body_event fail_ragged(struct body *body)
{
	error_set(body->error, ERROR_BODY, "All lines must have same number of fields");
	error_details(body->error, "line %zu has %zu fields, the first line %zu", body->line,
				  body->csv.field_count, body->header_count);
	return BODY_ERROR;
}

static enum body_event next_csv(struct body *body)
{
	struct csv_reader *reader = &body->csv;
	/* What stands in quotes is the row's; the fields themselves stay where they are. */
	csv_reader_use(reader, body->row_arena);
	enum csv_event event = csv_next(reader);
	if (event == CSV_ERROR) {
		fail_syntax(body);
		return BODY_ERROR;
	}
	body->at = reader->at;
	if (event == CSV_END) {
		return BODY_END;
	}
	body->line = reader->line;
	if (reader->field_count != body->header_count) {
		return fail_ragged(body);
	}
	if (!body_start_row(body)) {
		return BODY_ERROR;
	}
	for (size_t i = 0; i < body->header_count; i++) {
		if (!read_field(body, body->header[i], &reader->fields[i])) {
			return BODY_ERROR;
		}
	}
	return BODY_ROW;
}

const struct body_format_ops body_csv = {.begin = begin_csv, .next = next_csv};
