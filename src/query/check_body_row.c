#include "query/check_body_priv.h"

/* Of a client's text that an error message shows. */
enum { SHOWN_BYTES = 256 };

bool body_fail_row(struct body *body)
{
	struct error *error = body->error;
	const char *what = body->line > 0 ? "line" : "row";
	bool told = body->options->bad_row != NULL; /* with its line */
	if (error != NULL && !told && (body->line > 0 || body->array)) {
		struct error plain = *error;
		error_set_at(error, plain.code, plain.at, "%s %zu: %s", what,
					 body->line > 0 ? body->line : body->row, plain.message);
		memcpy(error->details, plain.details, sizeof(error->details));
		memcpy(error->hint, plain.hint, sizeof(error->hint));
	}
	return false;
}

bool body_fail_keys(struct body *body)
{
	error_set(body->error, ERROR_BODY, "All object keys must match");
	if (body->line > 0) {
		return error_details(body->error, "line %zu has other keys than line %zu", body->line,
							 body->first_line);
	}
	return error_details(body->error, "row %zu has other keys than row 1", body->row);
}

bool body_fail_unknown(struct body *body, struct str name, size_t at)
{
	const struct resource *resource = body->resource;
	error_set_at(body->error, ERROR_COLUMN, at,
				 "Could not find the '%.*s' column of '%.*s' in the schema cache",
				 STR_ARG(str_slice(name, 0, SHOWN_BYTES)), STR_ARG(resource->name));
	struct str nearest = resource_nearest_field(resource, name);
	if (nearest.len > 0) {
		error_hint(body->error, "Perhaps you meant the column \"%.*s\"", STR_ARG(nearest));
	}
	return false;
}

bool body_start_row(struct body *body)
{
	if (body->row == body->max_rows) {
		return error_set(body->error, ERROR_BODY_TOO_LARGE, "More than %llu rows in one request",
						 (unsigned long long)body->max_rows);
	}
	body->row++;
	body->wrong = NULL;
	if (body->row == 1) {
		body->first_line = body->line;
	}
	return true;
}

bool body_find_field(struct body *body, struct str name, size_t key, size_t at,
					 const struct field **ret_field)
{
	const struct field *field = key < body->resource->field_count ? body->guess[key] : NULL;
	if (field == NULL || !str_equal(field->name, name)) {
		field = resource_field(body->resource, name);
		if (field == NULL && body->options->columns == NULL) {
			return body_fail_unknown(body, name, at);
		}
		if (key < body->resource->field_count) {
			body->guess[key] = field;
		}
	}
	bool wanted = field != NULL && (body->wanted == NULL || body->wanted[field->number]);
	*ret_field = wanted ? field : NULL;
	return !wanted || body_is_ignored(body, field) || body_may_write(body, field);
}

bool body_is_ignored(const struct body *body, const struct field *field)
{
	bool changes = body->action == QUERY_UPDATE || body->action == QUERY_REPLACE;
	if (body->options->stored) {
		return field_is_computed(field);
	}
	return field->write == WRITE_NEVER || (field->write == WRITE_ONCE && changes);
}

const struct value *body_fixed_value(const struct body *body, const struct field *field)
{
	const struct body_options *options = body->options;
	for (size_t i = 0; options->fixed != NULL && i < options->fixed->count; i++) {
		if (options->fixed->items[i] == field) {
			return &options->fixed_values[i];
		}
	}
	return NULL;
}

static bool fail_fixed(struct body *body, const struct field *field)
{
	if (body->options->fixed_error != ERROR_NONE) {
		error_set(body->error, body->options->fixed_error, NULL);
		return error_details(body->error, "column \"%.*s\"", STR_ARG(field->name));
	}
	error_set(body->error, ERROR_CHECK,
			  "field \"%.*s\": the body gives another value than the path", STR_ARG(field->name));
	error_hint(body->error, "leave the field out of the body");
	return body_fail_row(body);
}

bool body_take(struct body *body, const struct field *field, const struct value *value)
{
	const struct value *fixed = body_fixed_value(body, field);
	if (fixed != NULL && (value->kind != fixed->kind || value_compare(value, fixed) != 0)) {
		return fail_fixed(body, field);
	}
	body->found[field->number] = *value;
	return true;
}

bool body_take_text(struct body *body, const struct field *field, struct str text)
{
	struct value value;
	if (!value_from_text(field, text, body->row_arena, &value, body->error)) {
		return body_fail_row(body);
	}
	return body_take(body, field, &value);
}
