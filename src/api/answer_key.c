#include "api/answer_key.h"

#include "codec/url.h"

/* The value of a key field of the row that was written; false when the request did not give it and
 * the store did not make it. */
static bool key_value(const struct call *call, const struct store_result *result,
					  const struct field *field, struct value *ret_value)
{
	const struct query *query = &call->query;
	for (size_t i = 0; i < query->given.count; i++) {
		if (query->given.items[i] == field) {
			*ret_value = query->values[i];
			return true;
		}
	}
	*ret_value = (struct value){.kind = VALUE_INTEGER, .integer = result->made_key};
	return result->has_made_key;
}

/* Each value percent-encoded, in quotes where it holds what ends a value in a list. */
static void write_value(const struct field *field, const struct value *value, bool quoted,
						struct buf *location, struct arena *arena)
{
	struct buf text;
	buf_init(&text, MIB(1));
	value_write_text(&text, field, value);
	struct str raw = buf_str(&text);
	struct buf item;
	buf_init(&item, MIB(2));
	bool quote = quoted &&
		(raw.len == 0 || str_find(raw, ',', 0) < raw.len || str_find(raw, '"', 0) < raw.len ||
		 str_find(raw, '\\', 0) < raw.len);
	if (quote) {
		buf_append_byte(&item, '"');
	}
	for (size_t i = 0; i < raw.len; i++) {
		if (quote && (raw.ptr[i] == '"' || raw.ptr[i] == '\\')) {
			buf_append_byte(&item, '\\');
		}
		buf_append_byte(&item, raw.ptr[i]);
	}
	if (quote) {
		buf_append_byte(&item, '"');
	}
	url_encode(location, arena_copy(arena, buf_str(&item)));
	buf_finish(&item);
	buf_finish(&text);
}

static void add(struct call *call, const struct store_result *result, bool as_query)
{
	const struct resource *resource = call->query.resource;
	if (call->query.row_count != 1) {
		return;
	}
	struct buf location;
	buf_init(&location, MIB(4));
	buf_append_byte(&location, '/');
	url_encode(&location, resource->name);
	buf_append_byte(&location, as_query ? '?' : '/');
	bool known = true;
	for (size_t i = 0; i < resource->key.count && known; i++) {
		const struct field *field = resource->key.items[i];
		struct value value;
		known = key_value(call, result, field, &value);
		if (!known) {
			break;
		}
		if (i > 0) {
			buf_append_byte(&location, as_query ? '&' : ',');
		}
		if (as_query) {
			url_encode(&location, field->name);
			buf_append(&location, STR("=eq."));
		}
		write_value(field, &value, !as_query, &location, call->arena);
	}
	if (known && !location.failed) {
		call_add_field(call, STR("Location"), buf_str(&location));
	}
	buf_finish(&location);
}

void answer_add_location(struct call *call, const struct store_result *result)
{
	add(call, result, false);
}

void answer_add_query_location(struct call *call, const struct store_result *result)
{
	add(call, result, true);
}
