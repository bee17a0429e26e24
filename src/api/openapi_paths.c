#include <stdio.h>

#include "api/assets.h"
#include "api/openapi_priv.h"
#include "api/plan.h"
#include "api/system.h"
#include "codec/json.h"
#include "codec/url.h"

enum content { CONTENT_NONE, CONTENT_ROWS, CONTENT_ROW };
enum body { BODY_NONE, BODY_MANY, BODY_NEW, BODY_ITEM, BODY_CHANGE };

enum { ANSWERS_MAX = 4, REFER_MAX = 12 };

/* The general API, as it is described; whether it is there the router says. */
static const struct general_words {
	enum http_method method;
	bool item; /* of /RESOURCE/{key} */
	const char *summary;
	enum openapi_errors errors;
	bool filters;
	enum body body;
	enum openapi_parameter parameters[REFER_MAX];
	struct {
		int status;
		enum content content;
		const char *description;
	} answers[ANSWERS_MAX];
} general[] = {
	{HTTP_GET,
	 false,
	 "List rows",
	 ERRORS_LIST,
	 true,
	 BODY_NONE,
	 {PARAMETER_SELECT, PARAMETER_ORDER, PARAMETER_LIMIT, PARAMETER_OFFSET, PARAMETER_AND,
	  PARAMETER_OR, PARAMETER_AFTER, PARAMETER_DISTINCT, PARAMETER_PREFER, PARAMETER_RANGE,
	  PARAMETER_IF_NONE_MATCH, PARAMETERS_END},
	 {{200, CONTENT_ROWS, "The rows that match"},
	  {206, CONTENT_ROWS, "Some of the rows that match, which were counted"},
	  {304, CONTENT_NONE, "The client has them already"}}},
	{HTTP_HEAD,
	 false,
	 "Count rows",
	 ERRORS_LIST,
	 true,
	 BODY_NONE,
	 {PARAMETER_LIMIT, PARAMETER_OFFSET, PARAMETER_AND, PARAMETER_OR, PARAMETER_PREFER,
	  PARAMETER_IF_NONE_MATCH, PARAMETERS_END},
	 {{200, CONTENT_NONE, "What GET answers, without the rows"},
	  {206, CONTENT_NONE, "`Content-Range` holds the total, with `Prefer: count=exact`"},
	  {304, CONTENT_NONE, "The client has them already"}}},
	{HTTP_POST,
	 false,
	 "Insert rows, all or none",
	 ERRORS_INSERT,
	 false,
	 BODY_MANY,
	 {PARAMETER_SELECT, PARAMETER_COLUMNS, PARAMETER_ON_CONFLICT, PARAMETER_PREFER,
	  PARAMETER_IDEMPOTENCY, PARAMETERS_END},
	 {{201, CONTENT_ROWS, "Inserted; the rows with `Prefer: return=representation`"},
	  {200, CONTENT_ROWS, "All of them were there, and were merged"}}},
	{HTTP_PATCH,
	 false,
	 "Change all rows that match",
	 ERRORS_UPDATE,
	 true,
	 BODY_CHANGE,
	 {PARAMETER_SELECT, PARAMETER_ORDER, PARAMETER_AND, PARAMETER_OR, PARAMETER_COLUMNS,
	  PARAMETER_PREFER, PARAMETER_IDEMPOTENCY, PARAMETERS_END},
	 {{204, CONTENT_NONE, "Changed"},
	  {200, CONTENT_ROWS, "Changed; the rows, with `Prefer: return=representation`"}}},
	{HTTP_PUT,
	 false,
	 "Put one row, whose whole key is filtered by eq",
	 ERRORS_PUT,
	 true,
	 BODY_NEW,
	 {PARAMETER_SELECT, PARAMETER_COLUMNS, PARAMETER_PREFER, PARAMETER_IDEMPOTENCY, PARAMETERS_END},
	 {{204, CONTENT_NONE, "Put"},
	  {201, CONTENT_ROWS, "Made; the row, with `Prefer: return=representation`"},
	  {200, CONTENT_ROWS, "Replaced; the row, with `Prefer: return=representation`"}}},
	{HTTP_DELETE,
	 false,
	 "Delete all rows that match",
	 ERRORS_DELETE,
	 true,
	 BODY_NONE,
	 {PARAMETER_SELECT, PARAMETER_ORDER, PARAMETER_AND, PARAMETER_OR, PARAMETER_PREFER,
	  PARAMETER_IDEMPOTENCY, PARAMETERS_END},
	 {{204, CONTENT_NONE, "Deleted"},
	  {200, CONTENT_ROWS, "Deleted; the rows, with `Prefer: return=representation`"}}},
	{HTTP_GET,
	 true,
	 "One row",
	 ERRORS_ITEM_GET,
	 false,
	 BODY_NONE,
	 {PARAMETER_SELECT, PARAMETER_PREFER, PARAMETER_IF_NONE_MATCH, PARAMETERS_END},
	 {{200, CONTENT_ROW, "The row"}, {304, CONTENT_NONE, "The client has it already"}}},
	{HTTP_PUT,
	 true,
	 "Replace one row, or make it",
	 ERRORS_ITEM_PUT,
	 false,
	 BODY_ITEM,
	 {PARAMETER_SELECT, PARAMETER_PREFER, PARAMETER_IF_MATCH, PARAMETER_IF_NONE_MATCH,
	  PARAMETER_IDEMPOTENCY, PARAMETERS_END},
	 {{204, CONTENT_NONE, "Replaced"},
	  {201, CONTENT_ROW, "Made"},
	  {200, CONTENT_ROW, "Replaced; the row, with `Prefer: return=representation`"}}},
	{HTTP_PATCH,
	 true,
	 "Change one row",
	 ERRORS_ITEM_UPDATE,
	 false,
	 BODY_CHANGE,
	 {PARAMETER_SELECT, PARAMETER_PREFER, PARAMETER_IF_MATCH, PARAMETER_IDEMPOTENCY,
	  PARAMETERS_END},
	 {{204, CONTENT_NONE, "Changed"},
	  {200, CONTENT_ROW, "Changed; the row, with `Prefer: return=representation`"}}},
	{HTTP_DELETE,
	 true,
	 "Delete one row",
	 ERRORS_ITEM_DELETE,
	 false,
	 BODY_NONE,
	 {PARAMETER_SELECT, PARAMETER_PREFER, PARAMETER_IF_MATCH, PARAMETER_IDEMPOTENCY,
	  PARAMETERS_END},
	 {{204, CONTENT_NONE, "Deleted"},
	  {200, CONTENT_ROW, "Deleted; the row, with `Prefer: return=representation`"}}},
};
enum { GENERAL = sizeof(general) / sizeof(general[0]) };

/* ---- parameters of a path ---- */

static bool has_parameter(const struct endpoint *endpoint)
{
	return endpoint->segment_count > 0 && endpoint->segments[endpoint->segment_count - 1].parameter;
}

/* A key of several fields is their values, joined by commas. */
static void write_item_key(struct openapi *openapi, const struct resource *resource)
{
	struct buf *text = openapi->text;
	if (resource->key.count == 1) {
		openapi_field_plain(openapi, resource->key.items[0]);
		return;
	}
	outline_open(text, '{');
	outline_text(text, "type", "string");
	outline_key(text, STR("description"));
	buf_append(text, STR("\"Joined by commas; a value may stand in double quotes: "));
	for (size_t i = 0; i < resource->key.count; i++) {
		struct buf name;
		buf_init(&name, KIB(64));
		json_write_string(&name, resource->key.items[i]->name);
		buf_printf(text, "%s%.*s", i > 0 ? "," : "", (int)name.len - 2, name.ptr + 1);
		buf_finish(&name);
	}
	buf_append(text, STR("\""));
	outline_close(text, '}');
}

static void write_file_names(struct openapi *openapi)
{
	struct buf *text = openapi->text;
	outline_open(text, '{');
	outline_text(text, "type", "string");
	outline_open_at(text, "enum", '[');
	for (size_t i = 0; i < asset_count; i++) {
		outline_item(text, assets[i].name);
	}
	outline_close(text, ']');
	outline_close(text, '}');
}

void openapi_path_parameters(struct openapi *openapi, const struct endpoint *endpoint,
							 const struct segment *segments, const struct resource *resource)
{
	struct buf *text = openapi->text;
	for (size_t i = 0; i < endpoint->segment_count; i++) {
		if (!endpoint->segments[i].parameter) {
			continue;
		}
		const struct field *field = resource != NULL ? resource_field(resource, segments[i].text)
													 : NULL;
		outline_open(text, '{');
		outline_str(text, "name", endpoint->segments[i].text);
		outline_raw(text, "in", "\"path\",\"required\":true,\"schema\":");
		if (field != NULL) {
			openapi_field_plain(openapi, field);
		} else {
			buf_append(text, STR("{\"type\":\"string\"}"));
		}
		outline_close(text, '}');
	}
}

static void write_one_parameter(struct openapi *openapi, const struct endpoint *endpoint,
								const struct resource *resource)
{
	struct buf *text = openapi->text;
	outline_open(text, '{');
	outline_str(text, "name", endpoint->segments[endpoint->segment_count - 1].text);
	outline_raw(text, "in", "\"path\",\"required\":true,\"schema\":");
	if (resource != NULL) {
		write_item_key(openapi, resource);
	} else {
		write_file_names(openapi);
	}
	outline_close(text, '}');
}

/* ---- the general API ---- */

static void write_body_type(struct openapi *openapi, const char *type,
							const struct resource *resource, enum body body)
{
	const struct field_list none = {0};
	struct buf *text = openapi->text;
	enum openapi_view view = body == BODY_CHANGE ? VIEW_UPDATE : VIEW_INSERT;
	const struct field_list *fixed = body == BODY_ITEM ? &resource->key : &none;
	outline_open_at(text, type, '{');
	outline_key(text, STR("schema"));
	openapi_body_row(openapi, resource, view, fixed, &none);
	outline_close(text, '}');
}

static void write_body_many(struct openapi *openapi, const struct resource *resource)
{
	struct buf *text = openapi->text;
	outline_open_at(text, "application/json", '{');
	outline_open_at(text, "schema", '{');
	outline_open_at(text, "oneOf", '[');
	openapi_ref(openapi, "schemas", resource->name, ".insert");
	outline_open(text, '{');
	outline_text(text, "type", "array");
	outline_key(text, STR("items"));
	openapi_ref(openapi, "schemas", resource->name, ".insert");
	outline_close(text, '}');
	outline_close(text, ']');
	outline_close(text, '}');
	outline_close(text, '}');
	outline_raw(text, "text/csv", "{\"schema\":{\"type\":\"string\"}}");
	outline_raw(text, "application/x-ndjson", "{\"schema\":{\"type\":\"string\"}}");
}

static void write_body(struct openapi *openapi, const struct resource *resource, enum body body)
{
	struct buf *text = openapi->text;
	if (body == BODY_NONE) {
		return;
	}
	outline_open_at(text, "requestBody", '{');
	outline_raw(text, "required", "true");
	outline_open_at(text, "content", '{');
	if (body == BODY_MANY) {
		write_body_many(openapi, resource);
	} else {
		write_body_type(openapi, "application/json", resource, body);
	}
	write_body_type(openapi, "application/x-www-form-urlencoded", resource,
					body == BODY_MANY ? BODY_NEW : body);
	outline_close(text, '}');
	outline_close(text, '}');
}

static void write_answers(struct openapi *openapi, const struct general_words *words,
						  const struct resource *resource)
{
	struct buf *text = openapi->text;
	outline_open_at(text, "responses", '{');
	for (size_t i = 0; i < ANSWERS_MAX && words->answers[i].status != 0; i++) {
		char key[16];
		(void)snprintf(key, sizeof(key), "%d", words->answers[i].status);
		outline_open_at(text, key, '{');
		if (words->answers[i].content != CONTENT_NONE) {
			buf_append(text, STR("\"$ref\":\"#/components/responses/"));
			openapi_name(text, resource->name);
			buf_append(text,
					   words->answers[i].content == CONTENT_ROW ? STR(".row\"") : STR(".rows\""));
		}
		outline_text(text, "description", words->answers[i].description);
		outline_close(text, '}');
	}
	openapi_refer_errors(openapi, words->errors);
	outline_close(text, '}');
}

static const struct general_words *words_of(enum http_method method, bool item)
{
	for (size_t i = 0; i < GENERAL; i++) {
		if (general[i].method == method && general[i].item == item) {
			return &general[i];
		}
	}
	return NULL;
}

static void write_general(struct openapi *openapi, const struct endpoint *endpoint,
						  const struct operation *operation, const struct general_words *words)
{
	struct buf *text = openapi->text;
	const struct resource *resource = operation->resource;
	outline_text(text, "summary", words->summary);
	outline_open_at(text, "parameters", '[');
	if (words->item) {
		write_one_parameter(openapi, endpoint, resource);
	}
	openapi_refer(openapi, words->parameters, NULL);
	if (words->filters) {
		openapi_refer_filters(openapi, resource, NULL);
	}
	outline_close(text, ']');
	write_body(openapi, resource, words->body);
	write_answers(openapi, words, resource);
}

static void write_rows_content(struct openapi *openapi, const struct resource *resource, bool many)
{
	struct buf *text = openapi->text;
	outline_open_at(text, "content", '{');
	outline_open_at(text, "application/json", '{');
	outline_open_at(text, "schema", '{');
	if (many) {
		outline_text(text, "type", "array");
		outline_key(text, STR("items"));
		openapi_ref(openapi, "schemas", resource->name, "");
	} else {
		buf_append(text, STR("\"$ref\":\"#/components/schemas/"));
		openapi_name(text, resource->name);
		buf_append_byte(text, '"');
	}
	outline_close(text, '}');
	outline_close(text, '}');
	outline_open_at(text, "application/vnd.pgrst.object+json", '{');
	outline_key(text, STR("schema"));
	openapi_ref(openapi, "schemas", resource->name, "");
	outline_close(text, '}');
	outline_raw(text, "text/csv", "{\"schema\":{\"type\":\"string\"}}");
	outline_raw(text, "application/x-ndjson", "{\"schema\":{\"type\":\"string\"}}");
	outline_close(text, '}');
}

static void write_shared_answer(struct openapi *openapi, const struct resource *resource, bool many)
{
	struct buf *text = openapi->text;
	struct buf key;
	buf_init(&key, KIB(64));
	openapi_name(&key, resource->name);
	buf_append(&key, many ? STR(".rows") : STR(".row"));
	outline_key(text, buf_str(&key));
	buf_finish(&key);
	outline_open(text, '{');
	outline_text(text, "description", many ? "Rows" : "A row");
	outline_raw(text, "headers",
				"{\"Content-Range\":{\"description\":\"`lo-hi/total`; `*` for what is not known\","
				"\"schema\":{\"type\":\"string\"}},"
				"\"ETag\":{\"description\":\"Of reads\",\"schema\":{\"type\":\"string\"}},"
				"\"Location\":{\"description\":\"Of a row that was made\","
				"\"schema\":{\"type\":\"string\"}},"
				"\"Preference-Applied\":{\"schema\":{\"type\":\"string\"}}}");
	write_rows_content(openapi, resource, many);
	outline_close(text, '}');
}

void openapi_write_answers(struct openapi *openapi)
{
	const struct model *model = openapi->service->model;
	for (size_t i = 0; i < model->resource_count; i++) {
		const struct resource *resource = &model->resources[i];
		if (resource_is_served(resource)) {
			write_shared_answer(openapi, resource, true);
			if (resource->key.count > 0) {
				write_shared_answer(openapi, resource, false);
			}
		}
	}
}

/* ---- system pages ---- */

static void write_page(struct openapi *openapi, const struct endpoint *endpoint,
					   const struct system_page *page)
{
	struct buf *text = openapi->text;
	outline_text(text, "summary", page->summary);
	if (page->open && openapi->service->model->auth != NULL) {
		outline_raw(text, "security", "[]");
	}
	if (has_parameter(endpoint)) {
		outline_open_at(text, "parameters", '[');
		write_one_parameter(openapi, endpoint, NULL);
		outline_close(text, ']');
	}
	outline_open_at(text, "responses", '{');
	outline_open_at(text, "200", '{');
	outline_text(text, "description", "The page");
	outline_open_at(text, "content", '{');
	for (size_t i = 0; i < sizeof(page->types) / sizeof(page->types[0]); i++) {
		if (page->types[i] != NULL) {
			outline_raw(text, page->types[i], "{}");
		}
	}
	outline_close(text, '}');
	outline_close(text, '}');
	openapi_refer_errors(openapi, page->open ? ERRORS_PAGE : ERRORS_CLOSED_PAGE);
	outline_close(text, '}');
}

/* ---- paths ---- */

/* "get.users..user_id": the method and the path's segments; an empty one before a parameter. */
static void write_id(struct openapi *openapi, const struct endpoint *endpoint, const char *method)
{
	struct buf *text = openapi->text;
	outline_text(text, "operationId", method);
	text->len -= text->failed ? 0 : 1;
	for (size_t i = 0; i < endpoint->segment_count; i++) {
		buf_append(text, endpoint->segments[i].parameter ? STR("..") : STR("."));
		openapi_name(text, endpoint->segments[i].text);
	}
	buf_append_byte(text, '"');
}

static void write_tag(struct buf *text, struct str name)
{
	outline_open_at(text, "tags", '[');
	outline_item(text, name);
	outline_close(text, ']');
}

static const char *lower_name(enum http_method method)
{
	static const char *const names[HTTP_METHODS] = {
		[HTTP_GET] = "get",     [HTTP_HEAD] = "head",       [HTTP_POST] = "post",
		[HTTP_PUT] = "put",     [HTTP_PATCH] = "patch",     [HTTP_DELETE] = "delete",
		[HTTP_QUERY] = "query", [HTTP_OPTIONS] = "options",
	};
	return names[method];
}

static void write_operation(struct openapi *openapi, const struct endpoint *endpoint,
							enum http_method method, const struct operation *operation)
{
	struct buf *text = openapi->text;
	const struct system_page *page = system_page_of(operation);
	const struct general_words *words = operation->resource != NULL
		? words_of(method, has_parameter(endpoint))
		: NULL;
	if (operation->plan == NULL && words == NULL && page == NULL) {
		return;
	}
	outline_open_at(text, lower_name(method), '{');
	write_id(openapi, endpoint, lower_name(method));
	if (operation->plan != NULL) {
		write_tag(text, STR("routes"));
		openapi_write_route(openapi, operation, endpoint);
	} else if (words != NULL) {
		write_tag(text, operation->resource->name);
		write_general(openapi, endpoint, operation, words);
	} else {
		write_tag(text, STR("system"));
		write_page(openapi, endpoint, page);
	}
	outline_close(text, '}');
}

static void write_path(struct openapi *openapi, const struct endpoint *endpoint)
{
	struct buf path;
	buf_init(&path, KIB(64));
	for (size_t i = 0; i < endpoint->segment_count; i++) {
		buf_append_byte(&path, '/');
		if (endpoint->segments[i].parameter) {
			buf_printf(&path, "{%.*s}", STR_ARG(endpoint->segments[i].text));
		} else {
			url_encode(&path, endpoint->segments[i].text);
		}
	}
	outline_key(openapi->text, path.len > 0 ? buf_str(&path) : STR("/"));
	buf_finish(&path);
	outline_open(openapi->text, '{');
	if (endpoint->operations[HTTP_QUERY] != NULL) {
		outline_text(openapi->text, "description",
					 "QUERY is answered too: GET with its query string as a body of type "
					 "`application/x-www-form-urlencoded`.");
	}
	for (int method = 0; method < HTTP_METHODS; method++) {
		const struct operation *operation = endpoint->operations[method];
		/* OPTIONS is answered before any operation, HEAD by that of GET. */
		bool told = method != HTTP_QUERY && method != HTTP_HEAD && method != HTTP_OPTIONS;
		if (operation != NULL && told) {
			write_operation(openapi, endpoint, (enum http_method)method, operation);
		}
	}
	const struct operation *get = endpoint->operations[HTTP_GET];
	if (get != NULL && get->resource != NULL && !has_parameter(endpoint)) {
		write_operation(openapi, endpoint, HTTP_HEAD, get);
	}
	outline_close(openapi->text, '}');
}

/* Pages are below /.rowlock/ too; one place is enough. */
static bool is_shown_elsewhere(const struct openapi *openapi, const struct endpoint *endpoint)
{
	const struct operation *get = endpoint->operations[HTTP_GET];
	if (get == NULL || endpoint->segment_count == 0 || endpoint->segments[0].parameter ||
		!str_equal(endpoint->segments[0].text, STR(".rowlock"))) {
		return false;
	}
	const struct endpoint *other = openapi->service->router.endpoints;
	while (other != NULL && (other == endpoint || other->operations[HTTP_GET] != get)) {
		other = other->next;
	}
	return other != NULL;
}

/* What services say to each other is not for clients. */
static bool is_inner(const struct endpoint *endpoint)
{
	bool inner = false;
	for (int method = 0; method < HTTP_METHODS; method++) {
		const struct operation *operation = endpoint->operations[method];
		inner = inner || (operation != NULL && operation->inner);
	}
	return inner;
}

void openapi_write_paths(struct openapi *openapi)
{
	outline_open_at(openapi->text, "paths", '{');
	const struct endpoint *endpoint = openapi->service->router.endpoints;
	for (; endpoint != NULL; endpoint = endpoint->next) {
		if (!is_inner(endpoint) && !is_shown_elsewhere(openapi, endpoint)) {
			write_path(openapi, endpoint);
		}
	}
	outline_close(openapi->text, '}');
}
