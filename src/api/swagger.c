#include "api/swagger.h"

#include "api/outline.h"
#include "codec/json.h"
#include "codec/url.h"
#include "rowlock_config.h"

#define MEDIA_TYPES                                                                                \
	"[\"application/json\",\"application/vnd.pgrst.object+json;nulls=stripped\","                  \
	"\"application/vnd.pgrst.object+json\",\"text/csv\"]"

static const char shared_parameters[] =
	"\"preferParams\":{\"name\":\"Prefer\",\"description\":\"Preference\",\"required\":false,"
	"\"in\":\"header\",\"type\":\"string\",\"enum\":[\"params=single-object\"]},"
	"\"preferReturn\":{\"name\":\"Prefer\",\"description\":\"Preference\",\"required\":false,"
	"\"in\":\"header\",\"type\":\"string\",\"enum\":[\"return=representation\",\"return=minimal\","
	"\"return=headers-only\"]},"
	"\"preferCount\":{\"name\":\"Prefer\",\"description\":\"Preference\",\"required\":false,"
	"\"in\":\"header\",\"type\":\"string\",\"enum\":[\"count=exact\",\"count=planned\","
	"\"count=estimated\"]},"
	"\"preferPost\":{\"name\":\"Prefer\",\"description\":\"Preference\",\"required\":false,"
	"\"in\":\"header\",\"type\":\"string\",\"enum\":[\"return=representation\",\"return=minimal\","
	"\"return=headers-only\",\"resolution=ignore-duplicates\",\"resolution=merge-duplicates\"]},"
	"\"select\":{\"name\":\"select\",\"description\":\"Filtering Columns\",\"required\":false,"
	"\"in\":\"query\",\"type\":\"string\"},"
	"\"on_conflict\":{\"name\":\"on_conflict\",\"description\":\"On Conflict\",\"required\":false,"
	"\"in\":\"query\",\"type\":\"string\"},"
	"\"order\":{\"name\":\"order\",\"description\":\"Ordering\",\"required\":false,"
	"\"in\":\"query\",\"type\":\"string\"},"
	"\"range\":{\"name\":\"Range\",\"description\":\"Limiting and Pagination\",\"required\":false,"
	"\"in\":\"header\",\"type\":\"string\"},"
	"\"rangeUnit\":{\"name\":\"Range-Unit\",\"description\":\"Limiting and Pagination\","
	"\"required\":false,\"default\":\"items\",\"in\":\"header\",\"type\":\"string\"},"
	"\"offset\":{\"name\":\"offset\",\"description\":\"Limiting and Pagination\","
	"\"required\":false,\"in\":\"query\",\"type\":\"string\"},"
	"\"limit\":{\"name\":\"limit\",\"description\":\"Limiting and Pagination\",\"required\":false,"
	"\"in\":\"query\",\"type\":\"string\"}";

static const struct method_words {
	enum http_method method;
	const char *name;
	bool filters;
	bool body;
	const char *parameters[8];
	const char *answers; /* "" : rows */
} methods[] = {
	{HTTP_GET,
	 "get",
	 true,
	 false,
	 {"select", "order", "range", "rangeUnit", "offset", "limit", "preferCount"},
	 ""},
	{HTTP_POST,
	 "post",
	 false,
	 true,
	 {"select", "on_conflict", "preferPost"},
	 "{\"201\":{\"description\":\"Created\"}}"},
	{HTTP_DELETE,
	 "delete",
	 true,
	 false,
	 {"preferReturn"},
	 "{\"204\":{\"description\":\"No Content\"}}"},
	{HTTP_PATCH,
	 "patch",
	 true,
	 true,
	 {"preferReturn"},
	 "{\"204\":{\"description\":\"No Content\"}}"},
};
enum { METHODS = sizeof(methods) / sizeof(methods[0]) };

/* A name in the fragment of a reference: JSON pointer (RFC 6901), percent-encoded. */
static void write_pointer_part(struct buf *text, struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		if (name.ptr[i] == '~') {
			buf_append(text, STR("~0"));
		} else if (name.ptr[i] == '/') {
			buf_append(text, STR("~1"));
		} else {
			url_encode(text, str_slice(name, i, i + 1));
		}
	}
}

static void write_ref(struct buf *text, const char *to, struct str name, struct str second)
{
	outline_open(text, '{');
	buf_printf(text, "\"$ref\":\"#/%s", to);
	write_pointer_part(text, name);
	if (second.len > 0) {
		buf_append_byte(text, '.');
		write_pointer_part(text, second);
	}
	buf_append_byte(text, '"');
	outline_close(text, '}');
}

/* ---- paths ---- */

static void write_answers(struct buf *text, const struct resource *resource,
						  const struct method_words *words)
{
	if (words->answers[0] != '\0') {
		outline_raw(text, "responses", words->answers);
		return;
	}
	outline_raw(text, "responses",
				"{\"200\":{\"description\":\"OK\",\"schema\":{\"type\":\"array\",\"items\":");
	write_ref(text, "definitions/", resource->name, STR(""));
	buf_append(text, STR("}},\"206\":{\"description\":\"Partial Content\"}}"));
}

static void write_method(struct buf *text, const struct resource *resource,
						 const struct method_words *words)
{
	outline_open_at(text, words->name, '{');
	outline_open_at(text, "tags", '[');
	outline_item(text, resource->name);
	outline_close(text, ']');
	outline_open_at(text, "parameters", '[');
	for (size_t i = 0; words->filters && i < resource->field_count; i++) {
		write_ref(text, "parameters/rowFilter.", resource->name, resource->fields[i].name);
	}
	if (words->body) {
		write_ref(text, "parameters/body.", resource->name, STR(""));
	}
	for (size_t i = 0; words->parameters[i] != NULL; i++) {
		write_ref(text, "parameters/", str_from(words->parameters[i]), STR(""));
	}
	outline_close(text, ']');
	write_answers(text, resource, words);
	outline_close(text, '}');
}

static const struct resource *resource_of(const struct endpoint *endpoint)
{
	for (int method = 0; method < HTTP_METHODS; method++) {
		const struct operation *operation = endpoint->operations[method];
		if (operation != NULL && operation->resource != NULL) {
			return operation->resource;
		}
	}
	return NULL;
}

static void write_path(struct buf *text, const struct endpoint *endpoint)
{
	const struct resource *resource = resource_of(endpoint);
	if (resource == NULL || endpoint->segment_count != 1 || endpoint->segments[0].parameter) {
		return;
	}
	struct buf path;
	buf_init(&path, KIB(64));
	buf_append_byte(&path, '/');
	buf_append(&path, resource->name);
	outline_key(text, buf_str(&path));
	buf_finish(&path);
	outline_open(text, '{');
	for (size_t i = 0; i < METHODS; i++) {
		const struct operation *operation = endpoint->operations[methods[i].method];
		if (operation != NULL && operation->resource != NULL) {
			write_method(text, resource, &methods[i]);
		}
	}
	outline_close(text, '}');
}

static void write_paths(const struct service *service, struct buf *text)
{
	outline_open_at(text, "paths", '{');
	outline_raw(text, "/",
				"{\"get\":{\"tags\":[\"Introspection\"],"
				"\"summary\":\"OpenAPI description (this document)\","
				"\"produces\":[\"application/openapi+json\",\"application/json\"],"
				"\"responses\":{\"200\":{\"description\":\"OK\"}}}}");
	const struct endpoint *endpoint = service->router.endpoints;
	for (; endpoint != NULL; endpoint = endpoint->next) {
		write_path(text, endpoint);
	}
	outline_close(text, '}');
}

/* ---- definitions ---- */

/* PostgreSQL's names, which its clients know. */
static void write_type(struct buf *text, const struct field *field)
{
	static const struct {
		const char *type; /* NULL: any JSON */
		const char *format;
	} words[] = {
		[TYPE_INTEGER] = {"integer", "bigint"},
		[TYPE_NUMBER] = {"number", "double precision"},
		[TYPE_DECIMAL] = {"number", "numeric"},
		[TYPE_TEXT] = {"string", "text"},
		[TYPE_BOOLEAN] = {"boolean", "boolean"},
		[TYPE_UUID] = {"string", "uuid"},
		[TYPE_DATE] = {"string", "date"},
		[TYPE_TIME] = {"string", "time without time zone"},
		[TYPE_DATETIME] = {"string", "timestamp with time zone"},
		[TYPE_JSON] = {NULL, "jsonb"},
	};
	outline_text(text, "format", words[field->type].format);
	if (words[field->type].type != NULL) {
		outline_text(text, "type", words[field->type].type);
	}
}

static void write_description(struct buf *text, const struct field *field)
{
	struct buf note;
	buf_init(&note, KIB(64));
	if (field->key) {
		buf_append(&note, STR("This is a Primary Key.<pk/>"));
	}
	const struct resource *target = field->references;
	if (target != NULL && target->key.count == 1) {
		struct str column = target->key.items[0]->name;
		buf_printf(&note, "%sThis is a Foreign Key to `%.*s.%.*s`.<fk table='%.*s' column='%.*s'/>",
				   note.len > 0 ? "\n" : "", STR_ARG(target->name), STR_ARG(column),
				   STR_ARG(target->name), STR_ARG(column));
	}
	if (note.len > 0) {
		struct buf whole;
		buf_init(&whole, KIB(64));
		buf_printf(&whole, "Note:\n%.*s", STR_ARG(buf_str(&note)));
		outline_str(text, "description", buf_str(&whole));
		buf_finish(&whole);
	}
	buf_finish(&note);
}

static void write_property(struct buf *text, const struct field *field)
{
	outline_key(text, field->name);
	outline_open(text, '{');
	write_type(text, field);
	if (field->max_chars > 0) {
		outline_key(text, STR("maxLength"));
		buf_append_uint(text, field->max_chars);
	}
	if (field->default_kind == DEFAULT_VALUE) {
		outline_key(text, STR("default"));
		value_write_json(text, field, &field->default_value);
	}
	if (field->in != NULL) {
		outline_open_at(text, "enum", '[');
		for (size_t i = 0; i < field->in_count; i++) {
			outline_json(text, STR(""));
			value_write_json(text, field, &field->in[i]);
		}
		outline_close(text, ']');
	}
	write_description(text, field);
	outline_close(text, '}');
}

static void write_required(struct buf *text, const struct resource *resource)
{
	size_t count = 0;
	for (size_t i = 0; i < resource->field_count; i++) {
		const struct field *field = &resource->fields[i];
		if (!field->required && !field->key) {
			continue;
		}
		if (count++ == 0) {
			outline_open_at(text, "required", '[');
		}
		outline_item(text, field->name);
	}
	if (count > 0) {
		outline_close(text, ']');
	}
}

static void write_definitions(const struct model *model, struct buf *text)
{
	outline_open_at(text, "definitions", '{');
	for (size_t i = 0; i < model->resource_count; i++) {
		const struct resource *resource = &model->resources[i];
		if (!resource_is_served(resource)) {
			continue;
		}
		outline_key(text, resource->name);
		outline_open(text, '{');
		write_required(text, resource);
		outline_open_at(text, "properties", '{');
		for (size_t k = 0; k < resource->field_count; k++) {
			write_property(text, &resource->fields[k]);
		}
		outline_close(text, '}');
		outline_text(text, "type", "object");
		outline_close(text, '}');
	}
	outline_close(text, '}');
}

/* ---- parameters ---- */

static void write_name(struct buf *text, const char *kind, const struct resource *resource,
					   const struct field *field)
{
	struct buf name;
	buf_init(&name, KIB(64));
	buf_printf(&name, "%s.%.*s", kind, STR_ARG(resource->name));
	if (field != NULL) {
		buf_printf(&name, ".%.*s", STR_ARG(field->name));
	}
	outline_key(text, buf_str(&name));
	buf_finish(&name);
}

static void write_parameters_of(const struct resource *resource, struct buf *text)
{
	if (!resource->read_only) {
		write_name(text, "body", resource, NULL);
		outline_open(text, '{');
		outline_str(text, "name", resource->name);
		outline_str(text, "description", resource->name);
		outline_raw(text, "required", "false");
		outline_text(text, "in", "body");
		outline_key(text, STR("schema"));
		write_ref(text, "definitions/", resource->name, STR(""));
		outline_close(text, '}');
	}
	for (size_t i = 0; i < resource->field_count; i++) {
		const struct field *field = &resource->fields[i];
		write_name(text, "rowFilter", resource, field);
		outline_open(text, '{');
		outline_str(text, "name", field->name);
		outline_raw(text, "required", "false");
		outline_text(text, "in", "query");
		outline_text(text, "type", "string");
		outline_close(text, '}');
	}
}

static void write_parameters(const struct model *model, struct buf *text)
{
	outline_open_at(text, "parameters", '{');
	buf_append(text, str_from(shared_parameters));
	for (size_t i = 0; i < model->resource_count; i++) {
		if (resource_is_served(&model->resources[i])) {
			write_parameters_of(&model->resources[i], text);
		}
	}
	outline_close(text, '}');
}

void swagger_write(const struct service *service, struct buf *text)
{
	const struct model *model = service->model;
	struct str listen = model->listen.str;
	outline_open(text, '{');
	outline_text(text, "swagger", "2.0");
	outline_open_at(text, "info", '{');
	outline_str(text, "title", model->service);
	outline_text(text, "description", "The rows of a service, in the way of PostgREST");
	outline_text(text, "version", ROWLOCK_VERSION);
	outline_close(text, '}');
	outline_str(text, "host", listen.len > 0 ? listen : STR("127.0.0.1:8080"));
	outline_raw(text, "basePath", "\"/\"");
	outline_raw(text, "schemes", "[\"http\"]");
	outline_raw(text, "consumes", MEDIA_TYPES);
	outline_raw(text, "produces", MEDIA_TYPES);
	if (model->auth != NULL) {
		outline_raw(text, "securityDefinitions",
					"{\"JWT\":{\"description\":\"Add the token prepending \\\"Bearer \\\" (without "
					"quotes) in front of it\",\"in\":\"header\",\"name\":\"Authorization\","
					"\"type\":\"apiKey\"}}");
		outline_raw(text, "security", "[{\"JWT\":[]}]");
	}
	write_paths(service, text);
	write_definitions(model, text);
	write_parameters(model, text);
	outline_close(text, '}');
}
