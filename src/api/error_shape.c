#include "api/error_shape.h"

#include "codec/json.h"

enum part_kind { PART_TEXT, PART_MESSAGE, PART_CODE, PART_DETAILS, PART_HINT };

struct error_part {
	enum part_kind kind;
	struct str text; /* PART_TEXT: JSON text as it is sent */
};

static const struct {
	struct str name;
	enum part_kind kind;
} placeholders[] = {
	{STR_INIT("{message}"), PART_MESSAGE},
	{STR_INIT("{code}"), PART_CODE},
	{STR_INIT("{details}"), PART_DETAILS},
	{STR_INIT("{hint}"), PART_HINT},
};

/* The kind of placeholder that the text begins with; PART_TEXT when it begins with none. */
static enum part_kind placeholder_at(struct str text, size_t *ret_len)
{
	for (size_t i = 0; i < sizeof(placeholders) / sizeof(placeholders[0]); i++) {
		if (str_starts_with(text, placeholders[i].name)) {
			*ret_len = placeholders[i].name.len;
			return placeholders[i].kind;
		}
	}
	return PART_TEXT;
}

void error_shape_init(struct error_shape *shape, struct str json, struct arena *arena)
{
	*shape = (struct error_shape){0};
	if (json.len == 0) {
		return;
	}
	struct error_part *parts = ARENA_ARRAY(arena, json.len, struct error_part);
	struct str copy = arena_copy(arena, json);
	size_t from = 0;
	size_t at = 0;
	while (at < copy.len) {
		size_t len = 0;
		enum part_kind kind = placeholder_at(str_slice(copy, at, copy.len), &len);
		if (kind == PART_TEXT) {
			at++;
			continue;
		}
		parts[shape->count++] = (struct error_part){PART_TEXT, str_slice(copy, from, at)};
		parts[shape->count++] = (struct error_part){kind, {NULL, 0}};
		shape->has_details = shape->has_details || kind == PART_DETAILS;
		at += len;
		from = at;
	}
	parts[shape->count++] = (struct error_part){PART_TEXT, str_slice(copy, from, copy.len)};
	shape->parts = parts;
}

/* The text as a JSON string without its quotes. */
static void write_inside(struct buf *body, struct str text)
{
	size_t start = body->len;
	json_write_string(body, text);
	if (!body->failed) {
		body->len--;
		memmove(body->ptr + start, body->ptr + start + 1, body->len - start - 1);
		body->len--;
	}
}

static void write_or_null(struct buf *body, const char *name, const char *text)
{
	buf_append(body, str_from(name));
	if (text[0] == '\0') {
		buf_append(body, STR("null"));
	} else {
		json_write_string(body, str_from(text));
	}
}

static void write_default(const struct error *error, struct buf *body)
{
	write_or_null(body, "{\"code\":", error_info(error->code)->wire);
	if (error->json.len > 0) {
		buf_append(body, STR(",\"details\":"));
		buf_append(body, error->json);
	} else {
		write_or_null(body, ",\"details\":", error->details);
	}
	write_or_null(body, ",\"hint\":", error->hint);
	write_or_null(body, ",\"message\":", error->message);
	buf_append_byte(body, '}');
}

static struct str part_text(const struct error_part *part, const struct error *error)
{
	switch (part->kind) {
	case PART_MESSAGE:
		return str_from(error->message);
	case PART_CODE:
		return str_from(error_info(error->code)->wire);
	case PART_DETAILS:
		return str_from(error->details);
	case PART_HINT:
		return str_from(error->hint);
	case PART_TEXT:
		break;
	}
	return part->text;
}

void error_shape_write(const struct error_shape *shape, const struct error *error, struct buf *body)
{
	if (shape->count == 0) {
		write_default(error, body);
		return;
	}
	for (size_t i = 0; i < shape->count; i++) {
		const struct error_part *part = &shape->parts[i];
		if (part->kind == PART_TEXT) {
			buf_append(body, part->text);
		} else {
			write_inside(body, part_text(part, error));
			if (part->kind == PART_MESSAGE && !shape->has_details && error->details[0] != '\0') {
				buf_append(body, STR(": "));
				write_inside(body, str_from(error->details));
			}
		}
	}
}
