#include <assert.h>
#include <string.h>

#include "codec/utf8.h"
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
	/* Quotes make an empty text; there is no empty number or date. */
	bool can_be_empty = from->quoted && field->type == TYPE_TEXT;
	bool empty = from->text.len == 0 && !can_be_empty && body->options->bad_row != NULL;
	if (empty && field->default_kind == DEFAULT_AUTO) {
		body->found[field->number] = body_made_value(body, field);
		return true;
	}
	if (empty || (!from->quoted && str_equal(from->text, STR("NULL")))) {
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
	body->field = NULL;
	body->wrong = NULL;
	body->row_at = reader->at;
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
		body->field = &reader->fields[i];
		if (!read_field(body, body->header[i], body->field)) {
			return BODY_ERROR;
		}
	}
	body->field = NULL;
	return BODY_ROW;
}

static bool is_line_end(char c)
{
	return c == '\n' || c == '\r';
}

/* The record from row_at to where the reader stands, without line ends around it. */
static struct str record_of(const struct body *body)
{
	struct str text = str_slice(body->text, body->row_at, body->csv.at);
	while (text.len > 0 && is_line_end(text.ptr[0])) {
		text = str_slice(text, 1, text.len);
	}
	while (text.len > 0 && is_line_end(text.ptr[text.len - 1])) {
		text.len--;
	}
	return text;
}

/* The column of a byte of the body in its line. */
static size_t column_of(struct str text, size_t at)
{
	size_t from = at;
	while (from > 0 && !is_line_end(text.ptr[from - 1])) {
		from--;
	}
	return utf8_length(str_slice(text, from, at)) + 1;
}

/* The reader's message without the line and column before it, which are told beside it. */
static void drop_place(struct error *error)
{
	static const char end[] = ": ";
	const char *plain = strstr(error->message, end);
	if (plain != NULL) {
		plain += sizeof(end) - 1;
		memmove(error->message, plain, strlen(plain) + 1);
	}
	error->details[0] = '\0';
}

static bool recover_csv(struct body *body, struct bad_row *ret_bad)
{
	struct csv_reader *reader = &body->csv;
	size_t column = 0;
	for (size_t i = 0; i < body->header_count && body->wrong != NULL; i++) {
		body->field = body->header[i] == body->wrong ? &reader->fields[i] : body->field;
	}
	if (body->field != NULL) {
		column = column_of(body->text, body->field->at);
	}
	if (reader->error.code != ERROR_NONE) {
		column = column_of(body->text, reader->error.at);
		drop_place(body->error);
		csv_recover(reader);
		body->at = reader->at;
	}
	*ret_bad = (struct bad_row){
		.line = reader->line,
		.column = column,
		.text = record_of(body),
		.error = body->error,
	};
	return true;
}

const struct body_format_ops body_csv = {
	.begin = begin_csv,
	.next = next_csv,
	.recover = recover_csv,
};
