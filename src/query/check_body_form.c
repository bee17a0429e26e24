#include <assert.h>

#include "codec/url.h"
#include "query/check_body_priv.h"

static bool begin_form(struct body *body)
{
	assert(body->options->from.len == 0);
	body->place = PLACE_OBJECT;
	return true;
}

static bool read_pair(struct body *body, struct str raw_name, struct str raw_value, size_t key)
{
	size_t at = (size_t)(raw_name.ptr - body->text.ptr);
	const struct field *field;
	struct str name;
	struct str value;
	if (!url_decode_query(raw_name, body->row_arena, &name) ||
		!url_decode_query(raw_value, body->row_arena, &value)) {
		return error_set_at(body->error, ERROR_BODY, at,
							"a name or a value is no percent-encoded UTF-8 text");
	}
	if (!body_find_field(body, name, key, at, &field)) {
		return false;
	}
	if (field == NULL) {
		return true;
	}
	if (body->stamps[field->number] == body->row) {
		return error_set_at(body->error, ERROR_BODY, at, "a key stands twice: \"%.*s\"",
							STR_ARG(field->name));
	}
	body->stamps[field->number] = body->row;
	return body_is_ignored(body, field) || body_take_text(body, field, value);
}

static enum body_event next_form(struct body *body)
{
	struct str rest = body->text;
	struct str name;
	struct str value;
	bool has_value;
	if (body->place == PLACE_BEHIND) {
		return BODY_END;
	}
	body->place = PLACE_BEHIND;
	if (!body_start_row(body)) {
		return BODY_ERROR;
	}
	for (size_t key = 0; url_next_pair(&rest, &name, &value, &has_value); key++) {
		if (!read_pair(body, name, value, key)) {
			return BODY_ERROR;
		}
	}
	return BODY_ROW;
}

const struct body_format_ops body_form = {.begin = begin_form, .next = next_form};
