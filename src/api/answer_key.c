#include "api/answer_key.h"

#include "codec/url.h"

static bool made_key(const struct store_result *result, struct value *ret_value)
{
	*ret_value = (struct value){.kind = VALUE_INTEGER, .integer = result->made_key};
	return result->has_made_key;
}

/* The value of a key field of the row that was written; false when the request did not give it and
 * the store did not make it. */
static bool key_value(const struct call *call, const struct store_result *result,
					  const struct field *field, struct value *ret_value)
{
	const struct query *query = &call->query;
	for (size_t i = 0; i < query->given.count; i++) {
		if (query->given.items[i] == field) {
			*ret_value = query->values[i];
			return query->values[i].kind != VALUE_ABSENT || made_key(result, ret_value);
		}
	}
	return made_key(result, ret_value);
}

/* A part of an item path: in quotes what the path's commas would take apart. */
static void write_part(struct buf *location, struct str text, struct buf *scratch)
{
	bool plain = str_find(text, ',', 0) == text.len && !str_starts_with(text, STR("\""));
	if (plain) {
		url_encode(location, text);
		return;
	}
	buf_clear(scratch);
	buf_append_byte(scratch, '"');
	for (size_t i = 0; i < text.len; i++) {
		bool special = text.ptr[i] == '"' || text.ptr[i] == '\\';
		buf_append(scratch, special ? STR("\\") : STR(""));
		buf_append_byte(scratch, text.ptr[i]);
	}
	buf_append_byte(scratch, '"');
	url_encode(location, buf_str(scratch));
}

static void write_key(enum location_form form, size_t number, const struct field *field,
					  struct str text, struct buf *scratch, struct buf *location)
{
	if (form == LOCATION_ITEM) {
		buf_append_byte(location, number == 0 ? '/' : ',');
		write_part(location, text, scratch);
		return;
	}
	buf_append_byte(location, number == 0 ? '?' : '&');
	url_encode(location, field->name);
	buf_append(location, STR("=eq."));
	url_encode(location, text);
}

void answer_add_location(struct call *call, enum location_form form,
						 const struct store_result *result, struct reply *reply)
{
	const struct resource *resource = call->query.resource;
	struct buf location;
	struct buf text;
	struct buf scratch;
	buf_init(&location, MIB(4));
	buf_init(&text, MIB(1));
	buf_init(&scratch, MIB(2));
	buf_append_byte(&text, '/');
	url_encode(&text, resource->name);
	mount_write(call->mount, buf_str(&text), &location);
	bool known = call->query.row_count == 1 && result->rows == 1 && resource->key.count > 0;
	for (size_t i = 0; i < resource->key.count && known; i++) {
		const struct field *field = resource->key.items[i];
		struct value value;
		known = key_value(call, result, field, &value);
		if (known) {
			buf_clear(&text);
			value_write_text(&text, field, &value);
			write_key(form, i, field, buf_str(&text), &scratch, &location);
		}
	}
	if (known && !location.failed && !text.failed && !scratch.failed) {
		reply_add(reply, STR("Location"), buf_str(&location));
	}
	buf_finish(&scratch);
	buf_finish(&text);
	buf_finish(&location);
}
