#include <assert.h>

#include "codec/utf8.h"
#include "query/check_body_priv.h"

static bool fail_syntax(struct body *body)
{
	struct error *from = &body->json.error;
	error_set_at(body->error, ERROR_BODY, body->base + from->at, NULL);
	error_details(body->error, "%s (at byte %zu)", from->message, body->base + from->at);
	return body->line > 0 ? body_fail_row(body) : false;
}

/* Refuses the event that was read last. */
static bool fail_shape(struct body *body, const char *wanted)
{
	error_set_at(body->error, ERROR_BODY, body->base + body->json.event_at, NULL);
	error_details(body->error, "%s", wanted);
	return body->line > 0 ? body_fail_row(body) : false;
}

/* ---- one row ---- */

/* A text field takes any value as its JSON text. False on a syntax error. */
static bool read_as_text(struct body *body, enum json_event event, struct str *ret_text)
{
	struct str raw;
	struct buf buf;
	if (!json_skip(&body->json, event, &raw)) {
		return false;
	}
	buf_init(&buf, raw.len);
	json_write_minified(&buf, raw);
	*ret_text = arena_copy(body->row_arena, buf_str(&buf));
	buf_finish(&buf);
	return true;
}

static bool read_text(struct body *body, const struct field *field)
{
	struct value null = {.kind = VALUE_NULL};
	enum json_event event = json_next(&body->json);
	struct str text = body->json.text;
	if (event == JSON_NULL) {
		return body_take(body, field, &null);
	}
	if (event == JSON_ERROR || (event != JSON_STRING && !read_as_text(body, event, &text))) {
		return fail_syntax(body);
	}
	return body_take_text(body, field, text);
}

static bool read_value(struct body *body, const struct field *field)
{
	bool lenient = body->options->lenient || field->accept_text;
	struct value value;
	if (body->options->lenient && field->type == TYPE_TEXT) {
		return read_text(body, field);
	}
	if (!value_from_json(field, &body->json, lenient, &value, body->error)) {
		return body->json.error.code != ERROR_NONE ? fail_syntax(body) : body_fail_row(body);
	}
	return body_take(body, field, &value);
}

static bool skip_value(struct body *body)
{
	struct str raw;
	return json_skip(&body->json, json_next(&body->json), &raw) || fail_syntax(body);
}

/* Reads the key that the reader has given, and its value. */
static bool read_member(struct body *body, size_t key)
{
	const struct field *field;
	if (!body_find_field(body, body->json.text, key, body->base + body->json.event_at, &field)) {
		return body_fail_row(body);
	}
	if (field == NULL) {
		return skip_value(body);
	}
	/* With `columns` each row may give some of them. */
	if (body->row > 1 && body->wanted == NULL && body->stamps[field->number] != body->row - 1) {
		return body_fail_keys(body);
	}
	body->stamps[field->number] = body->row;
	return body_is_ignored(body, field) ? skip_value(body) : read_value(body, field);
}

/* Reads the object behind whose { the reader stands. */
static enum body_event read_object(struct body *body)
{
	size_t keys = 0;
	enum json_event event;
	if (!body_start_row(body)) {
		return BODY_ERROR;
	}
	while ((event = json_next(&body->json)) == JSON_KEY) {
		if (!read_member(body, keys)) {
			return BODY_ERROR;
		}
		keys++;
	}
	if (event != JSON_OBJECT_END) {
		fail_syntax(body);
		return BODY_ERROR;
	}
	if (body->row > 1 && body->wanted == NULL && keys != body->keys) {
		body_fail_keys(body);
		return BODY_ERROR;
	}
	body->keys = keys;
	return BODY_ROW;
}

/* ---- an object, or an array of objects ---- */

static bool begin_rows(struct body *body, enum json_event event)
{
	bool many = body->options->many;
	if (event == JSON_ERROR) {
		return fail_syntax(body);
	}
	if (event == JSON_OBJECT) {
		body->place = PLACE_OBJECT;
		return true;
	}
	if (event == JSON_ARRAY && many) {
		body->place = PLACE_ARRAY;
		body->array = true;
		return true;
	}
	if (event != JSON_ARRAY && body->options->lenient) {
		body->place = PLACE_BEHIND;
		return true;
	}
	return fail_shape(body,
					  many ? "the rows of this request are an object or a list of objects"
						   : "the rows of this request are an object");
}

static bool fail_key(struct body *body)
{
	return error_set_at(body->error, ERROR_BODY, body->json.event_at,
						"unknown key \"%.*s\" beside \"%.*s\"", STR_ARG(body->json.text),
						STR_ARG(body->options->from));
}

/* The rows are the value of one key, beside which nothing else may stand. */
static bool begin_from(struct body *body)
{
	struct json_reader *reader = &body->json;
	struct str from = body->options->from;
	enum json_event event = json_next(reader);
	if (event != JSON_OBJECT && event != JSON_ERROR) {
		error_set_at(body->error, ERROR_BODY, reader->event_at, NULL);
		return error_details(body->error, "the body is an object with the key \"%.*s\"",
							 STR_ARG(from));
	}
	if (event == JSON_OBJECT) {
		event = json_next(reader);
	}
	if (event == JSON_ERROR) {
		return fail_syntax(body);
	}
	if (event == JSON_OBJECT_END) {
		return error_set(body->error, ERROR_BODY, "the key \"%.*s\" is missing", STR_ARG(from));
	}
	if (!str_equal(reader->text, from)) {
		return fail_key(body);
	}
	return begin_rows(body, json_next(reader));
}

static bool begin_json(struct body *body)
{
	json_reader_init(&body->json, body->text, body->options->limits->json_depth, body->row_arena);
	return body->options->from.len > 0 ? begin_from(body)
									   : begin_rows(body, json_next(&body->json));
}

/* What may follow the rows. */
static enum body_event end_json(struct body *body)
{
	if (body->options->from.len > 0) {
		enum json_event event = json_next(&body->json);
		if (event == JSON_KEY) {
			fail_key(body);
			return BODY_ERROR;
		}
	}
	if (json_next(&body->json) != JSON_END) {
		fail_syntax(body);
		return BODY_ERROR;
	}
	return BODY_END;
}

static enum body_event next_json(struct body *body)
{
	if (body->place == PLACE_BEHIND) {
		return end_json(body);
	}
	if (body->place == PLACE_OBJECT) {
		body->place = PLACE_BEHIND;
		return read_object(body);
	}
	enum json_event event = json_next(&body->json);
	if (event == JSON_OBJECT) {
		return read_object(body);
	}
	if (event == JSON_ARRAY_END) {
		body->place = PLACE_BEHIND;
		return end_json(body);
	}
	if (event == JSON_ERROR) {
		fail_syntax(body);
	} else {
		fail_shape(body, "the rows of this request are a list of objects");
	}
	return BODY_ERROR;
}

const struct body_format_ops body_json = {.begin = begin_json, .next = next_json};

/* ---- an object a line ---- */

static bool begin_ndjson(struct body *body)
{
	assert(body->options->from.len == 0);
	body->next_line = 1;
	return true;
}

/* A reader for the line: it takes over the seed, which costs a system call. */
static void read_line(struct body *body, struct str line)
{
	struct json_reader *reader = &body->json;
	uint64_t seed[2] = {reader->seed[0], reader->seed[1]};
	bool seeded = reader->seeded;
	json_reader_init(reader, line, body->options->limits->json_depth, body->row_arena);
	memcpy(reader->seed, seed, sizeof(seed));
	reader->seeded = seeded;
}

static bool is_blank(struct str line)
{
	size_t at = 0;
	while (at < line.len && (line.ptr[at] == ' ' || line.ptr[at] == '\t' || line.ptr[at] == '\r')) {
		at++;
	}
	return at == line.len;
}

/* Cuts off the next line that is not blank. */
static bool next_line(struct body *body, struct str *ret_line)
{
	while (body->at < body->text.len) {
		size_t end = str_find(body->text, '\n', body->at);
		*ret_line = str_slice(body->text, body->at, end);
		body->base = body->at;
		body->row_at = body->at;
		body->line = body->next_line++;
		body->at = end < body->text.len ? end + 1 : end;
		if (!is_blank(*ret_line)) {
			return true;
		}
	}
	return false;
}

static enum body_event next_ndjson(struct body *body)
{
	struct str line;
	if (!next_line(body, &line)) {
		return BODY_END;
	}
	read_line(body, line);
	enum json_event event = json_next(&body->json);
	if (event != JSON_OBJECT) {
		(void)(event == JSON_ERROR ? fail_syntax(body)
								   : fail_shape(body, "each line is an object"));
		return BODY_ERROR;
	}
	enum body_event row = read_object(body);
	if (row == BODY_ROW && json_next(&body->json) != JSON_END) {
		fail_syntax(body);
		return BODY_ERROR;
	}
	return row;
}

static bool recover_ndjson(struct body *body, struct bad_row *ret_bad)
{
	struct str line = body->json.input;
	*ret_bad = (struct bad_row){
		.line = body->line,
		.column = utf8_length(str_slice(line, 0, body->json.event_at)) + 1,
		.text = str_trim(line),
		.error = body->error,
	};
	return true;
}

const struct body_format_ops body_ndjson = {
	.begin = begin_ndjson,
	.next = next_ndjson,
	.recover = recover_ndjson,
};

/* ---- an array of any length, row by row ---- */

static bool fail_rows(struct body *body)
{
	body->json = body->rows;
	body->base = 0;
	body->line = 0;
	return fail_syntax(body);
}

static bool begin_json_rows(struct body *body)
{
	json_reader_init(&body->rows, body->text, body->options->limits->json_depth, body->arena);
	body->next_line = 1;
	enum json_event event = json_next(&body->rows);
	if (event == JSON_ERROR) {
		return fail_rows(body);
	}
	body->json = body->rows;
	return event == JSON_ARRAY || fail_shape(body, "the rows are a list of objects");
}

static void count_lines(struct body *body, size_t until)
{
	for (; body->counted < until; body->counted++) {
		body->next_line += body->text.ptr[body->counted] == '\n';
	}
}

/* The next element is read as a line of NDJSON is; the reader of the array passes over it. */
static enum body_event next_json_rows(struct body *body)
{
	struct str raw;
	enum json_event event = json_next(&body->rows);
	if (event == JSON_ARRAY_END && json_next(&body->rows) == JSON_END) {
		return BODY_END;
	}
	size_t at = body->rows.event_at;
	if (event == JSON_ARRAY_END || event == JSON_ERROR || !json_skip(&body->rows, event, &raw)) {
		body->rows_broken = true;
		fail_rows(body);
		return BODY_ERROR;
	}
	count_lines(body, at);
	body->line = body->next_line;
	body->base = at;
	body->row_at = at;
	body->at = body->rows.at;
	read_line(body, raw);
	if (json_next(&body->json) != JSON_OBJECT) {
		fail_shape(body, "each row is an object");
		return BODY_ERROR;
	}
	return read_object(body);
}

static bool recover_json_rows(struct body *body, struct bad_row *ret_bad)
{
	if (body->rows_broken) {
		return false;
	}
	(void)recover_ndjson(body, ret_bad);
	ret_bad->column = 0; /* of a row of many lines it says nothing */
	return true;
}

const struct body_format_ops body_json_rows = {
	.begin = begin_json_rows,
	.next = next_json_rows,
	.recover = recover_json_rows,
};
