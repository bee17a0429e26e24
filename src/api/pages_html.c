#include "api/assets.h"
#include "api/gateway.h"
#include "api/outline.h"
#include "api/pages.h"
#include "api/plan.h"
#include "codec/url.h"

static const char style[] =
	"<style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;"
	"margin:2rem auto;padding:0 1rem}code,pre{font-family:ui-monospace,monospace;font-size:.9em}"
	"pre{padding:.6rem;overflow-x:auto;background:#8881;border-radius:4px}table{border-collapse:"
	"collapse}th,td{text-align:left;padding:.2rem 1rem .2rem 0;vertical-align:top;border-bottom:"
	"1px solid #8884}h2{margin-top:2.5rem}</style>";

static void html_text(struct buf *text, struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		switch (s.ptr[i]) {
		case '&':
			buf_append(text, STR("&amp;"));
			break;
		case '<':
			buf_append(text, STR("&lt;"));
			break;
		case '>':
			buf_append(text, STR("&gt;"));
			break;
		case '"':
			buf_append(text, STR("&quot;"));
			break;
		case '\'':
			buf_append(text, STR("&#39;"));
			break;
		default:
			buf_append_byte(text, s.ptr[i]);
		}
	}
}

static void write_head(struct buf *text, struct str title, struct str base, const char *more)
{
	buf_append(text,
			   STR("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
				   "<meta name=\"viewport\" content=\"width=device-width\"><title>"));
	html_text(text, title);
	buf_append(text, STR("</title>"));
	if (base.len > 0) {
		buf_printf(text, "<base href=\"%.*s\">", STR_ARG(base));
	}
	buf_append(text, str_from(more));
	buf_append(text, STR("</head><body>"));
}

static const char swagger_head[] = "<link rel=\"stylesheet\" href=\"swagger-ui.css\">"
								   "<link rel=\"icon\" href=\"favicon-32x32.png\">";
static const struct str swagger_body = STR_INIT(
	"<div id=\"swagger-ui\"></div>"
	"<script src=\"swagger-ui-bundle.js\"></script>"
	"<script src=\"docs.js\"></script></body></html>\n");

void pages_write_swagger_ui(const struct service *service, struct str base, struct buf *text)
{
	write_head(text, service->model->service, base, swagger_head);
	buf_append(text,
			   STR("<noscript>This page needs JavaScript; <a href=\"../openapi.json\">"
				   "the document</a> does not.</noscript>"));
	buf_append(text, swagger_body);
}

/* ---- what is served ---- */

static void write_path(struct buf *text, const struct endpoint *endpoint)
{
	for (size_t i = 0; i < endpoint->segment_count; i++) {
		const struct segment *segment = &endpoint->segments[i];
		buf_append_byte(text, '/');
		if (segment->parameter) {
			buf_append_byte(text, '{');
			html_text(text, segment->text);
			buf_append_byte(text, '}');
		} else {
			html_text(text, segment->text);
		}
	}
	if (endpoint->segment_count == 0) {
		buf_append_byte(text, '/');
	}
}

static bool has_parameters(const struct endpoint *endpoint)
{
	for (size_t i = 0; i < endpoint->segment_count; i++) {
		if (endpoint->segments[i].parameter) {
			return true;
		}
	}
	return false;
}

/* The address of a path without parameters, relative to the service's root. */
static void write_address(struct buf *text, const struct endpoint *endpoint)
{
	buf_append(text, STR("./"));
	for (size_t i = 0; i < endpoint->segment_count; i++) {
		buf_append(text, i > 0 ? STR("/") : STR(""));
		url_encode(text, endpoint->segments[i].text);
	}
}

static void write_route(struct buf *text, const struct endpoint *endpoint,
						const struct operation *operation)
{
	bool link = operation->method == HTTP_GET && !has_parameters(endpoint);
	buf_printf(text, "<li><code>%.*s ", STR_ARG(http_method_name(operation->method)));
	if (link) {
		buf_append(text, STR("<a href=\""));
		write_address(text, endpoint);
		buf_append(text, STR("\">"));
	}
	write_path(text, endpoint);
	buf_append(text, link ? STR("</a></code></li>") : STR("</code></li>"));
}

static void write_routes(const struct service *service, struct buf *text)
{
	if (service->model->route_count == 0) {
		return;
	}
	buf_append(text, STR("<h2>Routes</h2><ul>"));
	const struct endpoint *endpoint = service->router.endpoints;
	for (; endpoint != NULL; endpoint = endpoint->next) {
		for (int method = 0; method < HTTP_METHODS; method++) {
			const struct operation *operation = endpoint->operations[method];
			if (operation != NULL && operation->plan != NULL) {
				write_route(text, endpoint, operation);
			}
		}
	}
	buf_append(text, STR("</ul>"));
}

/* Where a page is: below /.rowlock/ when a route or resource has its name. */
static const char *page_folder(const struct service *service, struct str name)
{
	const struct endpoint *endpoint = service->router.endpoints;
	for (; endpoint != NULL; endpoint = endpoint->next) {
		const struct operation *get = endpoint->operations[HTTP_GET];
		if (endpoint->segment_count == 1 && get != NULL && get->plan == NULL &&
			get->resource == NULL && str_equal(endpoint->segments[0].text, name)) {
			return "./";
		}
	}
	return "./.rowlock/";
}

void pages_write_start(const struct service *service, struct buf *text)
{
	const struct model *model = service->model;
	write_head(text, model->service, STR(""), style);
	buf_append(text, STR("<h1>"));
	html_text(text, model->service);
	buf_printf(text,
			   "</h1><p><a href=\"%sdocs\">Documentation</a>, "
			   "<a href=\"%sopenapi.json\">OpenAPI document</a></p>",
			   page_folder(service, STR("docs")), page_folder(service, STR("openapi.json")));
	buf_append(text, STR("<h2>Resources</h2><ul>"));
	for (size_t i = 0; i < model->resource_count; i++) {
		if (resource_is_served(&model->resources[i])) {
			buf_append(text, STR("<li><code><a href=\"./"));
			url_encode(text, model->resources[i].name);
			buf_append(text, STR("?limit=20\">/"));
			html_text(text, model->resources[i].name);
			buf_append(text, STR("</a></code></li>"));
		}
	}
	buf_append(text, STR("</ul>"));
	write_routes(service, text);
	buf_append(text, STR("</body></html>\n"));
}

/* ---- the reference without Swagger UI ---- */

static void write_type(struct buf *text, const struct field *field)
{
	buf_append(text, str_from(value_type_name(field->type)));
	if (field->type == TYPE_DECIMAL) {
		buf_printf(text, "(%d,%d)", field->precision, field->scale);
	} else if (field->max_chars > 0) {
		buf_printf(text, "(%zu)", field->max_chars);
	}
}

static void write_html_value(struct buf *text, const struct field *field, const struct value *value)
{
	struct buf json;
	buf_init(&json, MIB(1));
	value_write_json(&json, field, value);
	html_text(text, buf_str(&json));
	buf_finish(&json);
}

static void write_rules(struct buf *text, const struct field *field)
{
	buf_append(text, field->key ? STR("key; ") : field->required ? STR("required; ") : STR(""));
	if (field->in != NULL) {
		buf_append(text, STR("one of "));
		for (size_t i = 0; i < field->in_count; i++) {
			buf_append(text, i > 0 ? STR(", ") : STR(""));
			write_html_value(text, field, &field->in[i]);
		}
		buf_append(text, STR("; "));
	}
	if (field->min != NULL) {
		buf_append(text, STR("at least "));
		write_html_value(text, field, field->min);
		buf_append(text, STR("; "));
	}
	if (field->max != NULL) {
		buf_append(text, STR("at most "));
		write_html_value(text, field, field->max);
		buf_append(text, STR("; "));
	}
	if (field_is_computed(field)) {
		buf_append(text, STR("computed, when it is selected; "));
	}
	if (field->max_today) {
		buf_append(text, STR("not later than today; "));
	}
	if (field->default_kind == DEFAULT_VALUE) {
		buf_append(text, STR("default "));
		write_html_value(text, field, &field->default_value);
		buf_append(text, STR("; "));
	} else if (field->default_kind == DEFAULT_AUTO) {
		buf_append(text, STR("made by the server when not given; "));
	}
	if (field->write != WRITE_ALWAYS) {
		buf_append(text,
				   field->write == WRITE_ONCE ? STR("never changes; ") : STR("never written; "));
	}
	if (field->references != NULL) {
		buf_append(text, STR("refers to "));
		html_text(text, field->references->name);
		buf_append(text, STR("; "));
	}
	if (text->len > 2 && str_ends_with(buf_str(text), STR("; "))) {
		text->len -= 2;
	}
}

static void write_fields(struct buf *text, const struct resource *resource)
{
	buf_append(text, STR("<table><tr><th>field</th><th>type</th><th></th></tr>"));
	for (size_t i = 0; i < resource->field_count; i++) {
		const struct field *field = &resource->fields[i];
		buf_append(text, STR("<tr><td><code>"));
		html_text(text, field->name);
		buf_append(text, STR("</code></td><td>"));
		write_type(text, field);
		buf_append(text, STR("</td><td>"));
		write_rules(text, field);
		buf_append(text, STR("</td></tr>"));
	}
	buf_append(text, STR("</table>"));
}

/* A value of the field's type, for an example. */
static void write_example(struct buf *json, const struct field *field)
{
	const struct value *value = field->in != NULL ? &field->in[0] : field->min;
	if (value != NULL) {
		value_write_json(json, field, value);
		return;
	}
	switch (field->type) {
	case TYPE_INTEGER:
	case TYPE_NUMBER:
	case TYPE_DECIMAL:
		buf_append(json, STR("1"));
		return;
	case TYPE_TEXT:
		buf_append(json, STR("\"text\""));
		return;
	case TYPE_BOOLEAN:
		buf_append(json, STR("true"));
		return;
	case TYPE_UUID:
		buf_append(json, STR("\"00000000-0000-4000-8000-000000000000\""));
		return;
	case TYPE_DATE:
		buf_append(json, STR("\"2020-02-29\""));
		return;
	case TYPE_TIME:
		buf_append(json, STR("\"12:30:00\""));
		return;
	case TYPE_DATETIME:
		buf_append(json, STR("\"2020-02-29T12:30:00Z\""));
		return;
	case TYPE_JSON:
		break;
	}
	buf_append(json, STR("{}"));
}

/* The same as it stands in an address. */
static void write_example_address(struct buf *text, const struct field *field)
{
	struct buf json;
	buf_init(&json, MIB(1));
	write_example(&json, field);
	struct str value = buf_str(&json);
	bool quoted = value.len >= 2 && value.ptr[0] == '"';
	url_encode(text, quoted ? str_slice(value, 1, value.len - 1) : value);
	buf_finish(&json);
}

static bool list_holds(const struct field_list *list, const struct field *field)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i] == field) {
			return true;
		}
	}
	return false;
}

/* What a new row must have, or the first field that a change may have; `fixed` fields are known
 * from the path. */
static void write_example_row(struct buf *json, const struct resource *resource,
							  const struct field_list *fixed, bool change)
{
	size_t count = 0;
	outline_open(json, '{');
	for (size_t i = 0; i < resource->field_count && (!change || count == 0); i++) {
		const struct field *field = &resource->fields[i];
		bool asked = change ? !field->key && field->write == WRITE_ALWAYS
							: (field->required || field->key) && field->write != WRITE_NEVER &&
				field->default_kind == DEFAULT_NONE;
		if (asked && !list_holds(fixed, field)) {
			outline_key(json, field->name);
			write_example(json, field);
			count++;
		}
	}
	outline_close(json, '}');
}

/* Between the single quotes of a shell. */
static void write_shell_text(struct buf *text, struct str s)
{
	while (s.len > 0) {
		struct str part = str_slice(s, 0, str_find(s, '\'', 0));
		html_text(text, part);
		s = str_slice(s, part.len, s.len);
		if (s.len > 0) {
			html_text(text, STR("'\\''"));
			s = str_slice(s, 1, s.len);
		}
	}
}

static void write_example_body(struct buf *text, const struct operation *operation, bool item)
{
	const struct field_list none = {0};
	const struct plan *plan = operation->plan;
	const struct resource *resource = plan != NULL ? plan->route->resource : operation->resource;
	const struct field_list *fixed = plan != NULL ? &plan->fixed : item ? &resource->key : &none;
	bool change = plan != NULL ? plan->route->action == ACTION_UPDATE
							   : operation->method == HTTP_PATCH;
	struct buf json;
	buf_init(&json, MIB(1));
	bool inside = plan != NULL && plan->route->from.len > 0;
	if (inside) {
		outline_open(&json, '{');
		outline_key(&json, plan->route->from);
		outline_open(&json, '[');
	}
	write_example_row(&json, resource, fixed, change);
	if (inside) {
		buf_append(&json, STR("]}"));
	}
	buf_append(text, STR(" --json &#39;"));
	write_shell_text(text, buf_str(&json));
	buf_append(text, STR("&#39;"));
	buf_finish(&json);
}

static void write_example_parameter(struct buf *text, const struct operation *operation, size_t at)
{
	if (operation->resource != NULL) {
		for (size_t i = 0; i < operation->resource->key.count; i++) {
			buf_append(text, i > 0 ? STR(",") : STR(""));
			write_example_address(text, operation->resource->key.items[i]);
		}
		return;
	}
	const struct route *route = operation->plan->route;
	const struct field *field = route->resource != NULL
		? resource_field(route->resource, route->segments[at].text)
		: NULL;
	if (field != NULL) {
		write_example_address(text, field);
	} else {
		buf_append(text, STR("text"));
	}
}

/* What changes or deletes all rows that match says which: the key, or the first field. */
static void write_example_filter(struct buf *text, const struct resource *resource)
{
	struct field_list key = resource->key;
	const struct field *first = &resource->fields[0];
	if (key.count == 0) {
		key = (struct field_list){&first, 1};
	}
	for (size_t i = 0; i < key.count; i++) {
		buf_append(text, i > 0 ? STR("&amp;") : STR("?"));
		url_encode(text, key.items[i]->name);
		buf_append(text, STR("=eq."));
		write_example_address(text, key.items[i]);
	}
}

static bool takes_body(const struct operation *operation)
{
	if (operation->plan == NULL) {
		return operation->method != HTTP_GET && operation->method != HTTP_DELETE;
	}
	enum route_action action = operation->plan->route->action;
	return action != ACTION_REPLY && action != ACTION_LIST && action != ACTION_GET &&
		action != ACTION_DELETE;
}

static void write_curl(struct buf *text, const struct endpoint *endpoint,
					   const struct operation *operation)
{
	bool item = has_parameters(endpoint);
	buf_append(text, STR("curl"));
	if (operation->method != HTTP_GET) {
		buf_printf(text, " -X %.*s", STR_ARG(http_method_name(operation->method)));
	}
	if (takes_body(operation)) {
		write_example_body(text, operation, item);
	}
	buf_append(text, STR(" &quot;$SERVICE"));
	for (size_t i = 0; i < endpoint->segment_count; i++) {
		buf_append_byte(text, '/');
		if (endpoint->segments[i].parameter) {
			write_example_parameter(text, operation, i);
		} else {
			url_encode(text, endpoint->segments[i].text);
		}
	}
	bool many = operation->resource != NULL && !item && operation->method != HTTP_GET &&
		operation->method != HTTP_POST;
	if (many) {
		write_example_filter(text, operation->resource);
	}
	buf_append(text, STR("&quot;\n"));
}

static void write_examples(const struct service *service, struct buf *text,
						   const struct resource *resource)
{
	buf_append(text, STR("<pre>"));
	const struct endpoint *endpoint = service->router.endpoints;
	for (; endpoint != NULL; endpoint = endpoint->next) {
		for (int method = 0; method < HTTP_METHODS; method++) {
			const struct operation *operation = endpoint->operations[method];
			if (operation == NULL || method == HTTP_QUERY) {
				continue;
			}
			bool wanted = resource != NULL ? operation->resource == resource
										   : operation->plan != NULL;
			if (wanted) {
				write_curl(text, endpoint, operation);
			}
		}
	}
	buf_append(text, STR("</pre>"));
}

void pages_write_reference(const struct service *service, struct str base, struct buf *text)
{
	const struct model *model = service->model;
	write_head(text, model->service, base, style);
	buf_append(text, STR("<h1>"));
	html_text(text, model->service);
	buf_append(text,
			   STR("</h1><p>Every resource answers at its name, in the way of PostgREST: "
				   "<code>?FIELD=eq.VALUE</code> filters, <code>select=</code>, "
				   "<code>order=</code>, <code>limit=</code> and <code>offset=</code> shape "
				   "the answer. All of it, for programs: <a href=\"../openapi.json\">"
				   "OpenAPI document</a>. <code>$SERVICE</code> stands for the address of "
				   "the service.</p>"));
	if (model->route_count > 0) {
		buf_append(text, STR("<h2>Routes</h2>"));
		write_examples(service, text, NULL);
	}
	for (size_t i = 0; i < model->resource_count; i++) {
		const struct resource *resource = &model->resources[i];
		if (!resource_is_served(resource)) {
			continue;
		}
		buf_append(text, STR("<h2>"));
		html_text(text, resource->name);
		buf_append(text, STR("</h2>"));
		write_fields(text, resource);
		write_examples(service, text, resource);
	}
	buf_append(text, STR("</body></html>\n"));
}

/* ---- a gateway ---- */

/* `<a href="./shop/orders/docs">`: relative, wherever somebody has put the gateway. */
static void write_gateway_link(struct buf *text, const char *up, const struct mount *mount,
							   const char *page, struct str label)
{
	buf_printf(text, "<a href=\"%s%.*s/%s\">", up,
			   STR_ARG(str_slice(mount->path, 1, mount->path.len)), page);
	html_text(text, label);
	buf_append(text, STR("</a>"));
}

void pages_write_gateway_start(const struct gateway_options *options, struct buf *text)
{
	write_head(text, STR("Services"), STR(""), style);
	buf_append(text,
			   STR("<h1>Services</h1><p><a href=\"./docs/\">Documentation</a></p>"
				   "<table><tr><th>service</th><th>path</th><th></th></tr>"));
	for (size_t i = 0; i < options->count; i++) {
		const struct gateway_service *service = &options->services[i];
		buf_append(text, STR("<tr><td>"));
		html_text(text, service->name);
		buf_append(text, STR("</td><td><code>"));
		html_text(text, service->mount.path);
		buf_append(text, STR("/</code></td><td>"));
		write_gateway_link(text, "./", &service->mount, "docs", STR("documentation"));
		buf_append(text, STR(", "));
		write_gateway_link(text, "./", &service->mount, "openapi.json", STR("OpenAPI document"));
		buf_append(text, STR("</td></tr>"));
	}
	buf_append(text, STR("</table></body></html>\n"));
}

static void write_gateway_list(const struct gateway_options *options, struct buf *text)
{
	buf_append(text, STR("<h1>Documentation</h1><ul>"));
	for (size_t i = 0; i < options->count; i++) {
		buf_append(text, STR("<li>"));
		write_gateway_link(text, "../", &options->services[i].mount, "docs",
						   options->services[i].name);
		buf_append(text, STR("</li>"));
	}
	buf_append(text, STR("</ul></body></html>\n"));
}

void pages_write_gateway_docs(const struct gateway_options *options, struct buf *text)
{
	if (asset_count == 0) {
		write_head(text, STR("Documentation"), STR(""), style);
		write_gateway_list(options, text);
		return;
	}
	write_head(text, STR("Documentation"), STR(""), swagger_head);
	buf_append(text, STR("<form><label>Service <select id=\"service\" name=\"service\">"));
	for (size_t i = 0; i < options->count; i++) {
		const struct gateway_service *service = &options->services[i];
		buf_printf(text, "<option data-document=\"../%.*s/openapi.json\">",
				   STR_ARG(str_slice(service->mount.path, 1, service->mount.path.len)));
		html_text(text, service->name);
		buf_append(text, STR("</option>"));
	}
	buf_append(text,
			   STR("</select></label></form><noscript>This page needs JavaScript; "
				   "<a href=\"../\">the list of services</a> does not.</noscript>"));
	buf_append(text, swagger_body);
}
