#include "api/openapi_priv.h"
#include "codec/json.h"

enum { LITERAL_DEPTH_MAX = 64 };

/* ---- fields ---- */

struct type_words {
	const char *type; /* NULL: any JSON */
	const char *format;
};

static struct type_words words_of(enum type type)
{
	switch (type) {
	case TYPE_INTEGER:
		return (struct type_words){"integer", "int64"};
	case TYPE_NUMBER:
		return (struct type_words){"number", "double"};
	case TYPE_DECIMAL:
		return (struct type_words){"number", "decimal"};
	case TYPE_TEXT:
		return (struct type_words){"string", NULL};
	case TYPE_BOOLEAN:
		return (struct type_words){"boolean", NULL};
	case TYPE_UUID:
		return (struct type_words){"string", "uuid"};
	case TYPE_DATE:
		return (struct type_words){"string", "date"};
	case TYPE_TIME:
		return (struct type_words){"string", "time"};
	case TYPE_DATETIME:
		return (struct type_words){"string", "date-time"};
	case TYPE_JSON:
		break;
	}
	return (struct type_words){NULL, NULL};
}

static void write_type(struct buf *text, const struct field *field, bool nullable)
{
	struct type_words words = words_of(field->type);
	if (words.type == NULL) {
		return;
	}
	if (nullable) {
		outline_open_at(text, "type", '[');
		outline_item(text, str_from(words.type));
		outline_item(text, STR("null"));
		outline_close(text, ']');
	} else {
		outline_text(text, "type", words.type);
	}
	if (words.format != NULL) {
		outline_text(text, "format", words.format);
	}
}

static void write_value(struct buf *text, const char *key, const struct field *field,
						const struct value *value)
{
	outline_key(text, str_from(key));
	value_write_json(text, field, value);
}

static void write_bounds(struct buf *text, const struct field *field, bool nullable)
{
	if (field->in != NULL) {
		outline_open_at(text, "enum", '[');
		for (size_t i = 0; i < field->in_count; i++) {
			outline_json(text, STR(""));
			value_write_json(text, field, &field->in[i]);
		}
		if (nullable) {
			outline_json(text, STR("null"));
		}
		outline_close(text, ']');
	}
	/* JSON Schema has bounds of numbers only. */
	bool number = !value_is_date(field->type);
	if (field->min != NULL && number) {
		write_value(text, "minimum", field, field->min);
	}
	if (field->max != NULL && number) {
		write_value(text, "maximum", field, field->max);
	}
	if (field->max_chars > 0) {
		outline_key(text, STR("maxLength"));
		buf_append_uint(text, field->max_chars);
	}
}

static void write_date_bounds(struct buf *text, const struct field *field)
{
	if (!value_is_date(field->type)) {
		return;
	}
	if (field->min != NULL) {
		buf_append(text, STR("At least "));
		value_write_text(text, field, field->min);
		buf_append(text, STR(". "));
	}
	if (field->max != NULL) {
		buf_append(text, STR("At most "));
		value_write_text(text, field, field->max);
		buf_append(text, STR(". "));
	}
	if (field->max_today) {
		buf_append(text, STR("Not later than today. "));
	}
}

/* Who alone may do something with a field. */
static void write_roles(struct buf *text, const char *what, const struct roles *roles)
{
	if (roles == NULL) {
		return;
	}
	buf_append(text, roles->count == 0 ? STR("Nobody may ") : STR("Only these roles may "));
	buf_append(text, str_from(what));
	for (size_t i = 0; i < roles->count; i++) {
		buf_printf(text, "%s`%.*s`", i == 0 ? ": " : ", ", STR_ARG(roles->items[i]));
	}
	buf_append(text, STR(". "));
}

/* Sentences about a field, as far as its schema does not say it. */
static void write_description(struct openapi *openapi, const struct field *field)
{
	struct buf text;
	buf_init(&text, KIB(64));
	if (field->key) {
		buf_append(&text, STR("Part of the key. "));
	}
	if (field->references != NULL) {
		buf_printf(&text, "Refers to `%.*s`. ", STR_ARG(field->references->name));
	}
	write_date_bounds(&text, field);
	if (field->default_kind == DEFAULT_AUTO) {
		buf_append(&text, STR("Made by the server when it is not given. "));
	} else if (field->default_kind == DEFAULT_DATABASE) {
		buf_append(&text, STR("The database has a default for it. "));
	}
	if (field->write == WRITE_ONCE) {
		buf_append(&text, STR("Never changes. "));
	}
	write_roles(&text, "read it", field->readable_by);
	write_roles(&text, "write it", field->writable_by);
	if (text.len > 0) {
		outline_str(openapi->text, "description", str_trim(buf_str(&text)));
	}
	buf_finish(&text);
}

void openapi_field(struct openapi *openapi, const struct field *field, enum openapi_view view)
{
	struct buf *text = openapi->text;
	bool nullable = !field->required && !field->key;
	outline_open(text, '{');
	write_type(text, field, nullable);
	write_bounds(text, field, nullable);
	if (field->default_kind == DEFAULT_VALUE && view != VIEW_UPDATE) {
		write_value(text, "default", field, &field->default_value);
	}
	if (field->write == WRITE_NEVER) {
		outline_raw(text, "readOnly", "true");
	}
	write_description(openapi, field);
	outline_close(text, '}');
}

void openapi_field_plain(struct openapi *openapi, const struct field *field)
{
	outline_open(openapi->text, '{');
	write_type(openapi->text, field, false);
	outline_close(openapi->text, '}');
}

/* ---- rows that a query answers ---- */

static bool is_bare(const struct query_fetch *fetch)
{
	return fetch->aggregate == AGGREGATE_NONE && fetch->cast == NULL && fetch->term.path == NULL &&
		fetch->term.through_count == 0 && fetch->term.field != NULL;
}

/* Is it what the resource's own schema says? */
static bool is_whole(const struct query *query)
{
	size_t count = 0;
	for (size_t i = 0; i < query->resource->field_count; i++) {
		const struct query_column *column = &query->columns[count];
		const struct field *field = &query->resource->fields[i];
		if (field_is_computed(field)) {
			continue;
		}
		if (count++ == query->column_count || column->embed != NULL ||
			!is_bare(&query->fetch[column->at]) || query->fetch[column->at].term.field != field ||
			!str_equal(column->name, field->name)) {
			return false;
		}
	}
	return count == query->column_count;
}

static void write_fetched(struct openapi *openapi, const struct query_fetch *fetch)
{
	if (is_bare(fetch)) {
		openapi_field(openapi, fetch->term.field, VIEW_ROW);
		return;
	}
	outline_open(openapi->text, '{');
	if (fetch->type != NULL) {
		write_type(openapi->text, fetch->type, fetch->aggregate != AGGREGATE_COUNT);
	}
	outline_close(openapi->text, '}');
}

static void open_array(struct buf *text)
{
	outline_open(text, '{');
	outline_text(text, "type", "array");
	outline_key(text, STR("items"));
}

static void write_columns(struct openapi *openapi, const struct query *query, bool spread_many);

static void write_embed(struct openapi *openapi, const struct query_column *column)
{
	struct buf *text = openapi->text;
	const struct query_embed *embed = column->embed;
	if (embed->spread) {
		write_columns(openapi, &embed->query, !embed->to_one);
		return;
	}
	outline_key(text, column->name);
	if (embed->to_one) {
		outline_open(text, '{');
		outline_open_at(text, "anyOf", '[');
		openapi_row(openapi, &embed->query);
		outline_json(text, STR("{\"type\":\"null\"}"));
		outline_close(text, ']');
		outline_close(text, '}');
	} else {
		open_array(text);
		openapi_row(openapi, &embed->query);
		outline_close(text, '}');
	}
}

/* The rows of a to-many relation that is spread give one array for each column. */
static void write_columns(struct openapi *openapi, const struct query *query, bool spread_many)
{
	for (size_t i = 0; i < query->column_count; i++) {
		const struct query_column *column = &query->columns[i];
		if (column->embed != NULL) {
			write_embed(openapi, column);
			continue;
		}
		outline_key(openapi->text, column->name);
		if (spread_many) {
			open_array(openapi->text);
		}
		write_fetched(openapi, &query->fetch[column->at]);
		if (spread_many) {
			outline_close(openapi->text, '}');
		}
	}
}

void openapi_row(struct openapi *openapi, const struct query *query)
{
	struct buf *text = openapi->text;
	if (is_whole(query)) {
		openapi_ref(openapi, "schemas", query->resource->name, "");
		return;
	}
	outline_open(text, '{');
	outline_text(text, "type", "object");
	outline_open_at(text, "properties", '{');
	write_columns(openapi, query, false);
	outline_close(text, '}');
	outline_close(text, '}');
}

/* ---- rows of bodies, and of the general API ---- */

static bool list_holds(const struct field_list *list, const struct field *field)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i] == field) {
			return true;
		}
	}
	return false;
}

static bool is_shown(const struct field *field, enum openapi_view view)
{
	return view == VIEW_ROW ||
		(field->write != WRITE_NEVER && (view == VIEW_INSERT || field->write != WRITE_ONCE));
}

static bool is_required(const struct field *field, enum openapi_view view)
{
	return (view == VIEW_ROW && !field_is_computed(field)) ||
		(view == VIEW_INSERT && (field->required || field->key) &&
		 field->default_kind == DEFAULT_NONE);
}

static void write_required(struct openapi *openapi, const struct resource *resource,
						   enum openapi_view view, const struct field_list *fixed,
						   const struct field_list *needs)
{
	size_t count = 0;
	for (size_t i = 0; i < resource->field_count; i++) {
		const struct field *field = &resource->fields[i];
		bool asked = is_required(field, view) || list_holds(needs, field);
		if (!asked || !is_shown(field, view) || list_holds(fixed, field)) {
			continue;
		}
		if (count++ == 0) {
			outline_open_at(openapi->text, "required", '[');
		}
		outline_item(openapi->text, field->name);
	}
	if (count > 0) {
		outline_close(openapi->text, ']');
	}
}

static void write_row(struct openapi *openapi, const struct resource *resource,
					  enum openapi_view view, const struct field_list *fixed,
					  const struct field_list *needs)
{
	struct buf *text = openapi->text;
	outline_open(text, '{');
	outline_text(text, "type", "object");
	outline_open_at(text, "properties", '{');
	for (size_t i = 0; i < resource->field_count; i++) {
		if (is_shown(&resource->fields[i], view)) {
			outline_key(text, resource->fields[i].name);
			openapi_field(openapi, &resource->fields[i], view);
		}
	}
	outline_close(text, '}');
	write_required(openapi, resource, view, fixed, needs);
	outline_close(text, '}');
}

void openapi_body_row(struct openapi *openapi, const struct resource *resource,
					  enum openapi_view view, const struct field_list *fixed,
					  const struct field_list *needs)
{
	bool shared = needs->count == 0 && (fixed->count == 0 || view == VIEW_UPDATE);
	if (shared) {
		openapi_ref(openapi, "schemas", resource->name,
					view == VIEW_INSERT ? ".insert" : ".update");
	} else {
		write_row(openapi, resource, view, fixed, needs);
	}
}

/* ---- JSON texts of the service file ---- */

static void write_literal(struct buf *text, struct json_reader *reader, enum json_event event);

static void write_literal_object(struct buf *text, struct json_reader *reader)
{
	struct buf names;
	buf_init(&names, MIB(1));
	outline_text(text, "type", "object");
	outline_open_at(text, "properties", '{');
	while (json_next(reader) == JSON_KEY) {
		outline_key(text, reader->text);
		outline_item(&names, reader->text);
		write_literal(text, reader, json_next(reader));
	}
	outline_close(text, '}');
	if (names.len > 0) {
		outline_open_at(text, "required", '[');
		buf_append(text, buf_str(&names));
		outline_close(text, ']');
	}
	buf_finish(&names);
}

/* Is something put in for a {word}? In JSON a brace may also begin an object, which then counts as
 * filled: less is said of it. */
static bool is_filled(struct str json)
{
	return str_find(json, '{', 0) < json.len;
}

static void write_literal_string(struct buf *text, struct str string)
{
	outline_text(text, "type", "string");
	if (!is_filled(string)) {
		outline_str(text, "const", string);
	}
}

static void write_literal(struct buf *text, struct json_reader *reader, enum json_event event)
{
	struct str raw;
	outline_open(text, '{');
	if (event == JSON_OBJECT) {
		write_literal_object(text, reader);
	} else if (event == JSON_STRING) {
		write_literal_string(text, reader->text);
	} else if (json_skip(reader, event, &raw)) {
		if (event == JSON_ARRAY) {
			outline_text(text, "type", "array");
			outline_raw(text, "items", "{}");
		}
		if (!is_filled(raw)) {
			outline_key(text, STR("const"));
			buf_append(text, raw);
		}
	}
	outline_close(text, '}');
}

void openapi_literal(struct openapi *openapi, struct str json)
{
	struct json_reader reader;
	json_reader_init(&reader, json, LITERAL_DEPTH_MAX, &openapi->arena);
	write_literal(openapi->text, &reader, json_next(&reader));
}

/* ---- components ---- */

static void write_resource(struct openapi *openapi, const struct resource *resource)
{
	static const struct {
		enum openapi_view view;
		const char *suffix;
	} views[] = {{VIEW_ROW, ""}, {VIEW_INSERT, ".insert"}, {VIEW_UPDATE, ".update"}};
	const struct field_list none = {0};
	size_t count = resource->read_only ? 1 : sizeof(views) / sizeof(views[0]);
	for (size_t i = 0; i < count; i++) {
		struct buf key;
		buf_init(&key, KIB(64));
		openapi_name(&key, resource->name);
		buf_append(&key, str_from(views[i].suffix));
		outline_key(openapi->text, buf_str(&key));
		buf_finish(&key);
		write_row(openapi, resource, views[i].view, &none, &none);
	}
}

void openapi_write_schemas(struct openapi *openapi)
{
	const struct model *model = openapi->service->model;
	struct buf *text = openapi->text;
	outline_raw(text, "rowlock.error",
				"{\"type\":\"object\",\"properties\":{\"code\":{\"type\":\"string\"},"
				"\"details\":{\"description\":\"A text; of an ambiguous embed, the ways that there "
				"are\"},\"hint\":{\"type\":[\"string\",\"null\"]},"
				"\"message\":{\"type\":\"string\"}},"
				"\"required\":[\"code\",\"details\",\"hint\",\"message\"]}");
	if (model->error_shape.len > 0) {
		outline_key(text, STR("rowlock.route_error"));
		openapi_literal(openapi, model->error_shape);
	}
	for (size_t i = 0; i < model->resource_count; i++) {
		if (resource_is_served(&model->resources[i])) {
			write_resource(openapi, &model->resources[i]);
		}
	}
}
