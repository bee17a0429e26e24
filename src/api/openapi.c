#include "api/openapi.h"

#include "api/openapi_priv.h"
#include "model/auth_config.h"
#include "rowlock_config.h"

/* What every document begins with, up to the address of its server. A relative address is relative
 * to where the document is fetched from (OpenAPI 3.1, 4.8.5). */
#define BEGIN "{\"openapi\":\"3.1.0\",\"servers\":[{\"url\":\""
#define SERVER_HERE "."
#define SERVER_ABOVE ".."

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* A `-` stays only before a plain byte, so that `--` always begins an escape. */
void openapi_name(struct buf *text, struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];
		if (is_plain(c) || (c == '-' && i + 1 < name.len && is_plain(name.ptr[i + 1]))) {
			buf_append_byte(text, c);
		} else {
			buf_printf(text, "--%02X", (unsigned)(unsigned char)c);
		}
	}
}

void openapi_ref(struct openapi *openapi, const char *kind, struct str name, const char *suffix)
{
	struct buf *text = openapi->text;
	outline_open(text, '{');
	buf_printf(text, "\"$ref\":\"#/components/%s/", kind);
	openapi_name(text, name);
	buf_printf(text, "%s\"", suffix);
	outline_close(text, '}');
}

static void write_info(struct openapi *openapi)
{
	const struct model *model = openapi->service->model;
	struct buf *text = openapi->text;
	outline_open_at(text, "info", '{');
	outline_str(text, "title", model->service);
	outline_text(text, "version", ROWLOCK_VERSION);
	outline_text(text, "description",
				 "Every GET is answered to HEAD too, without its body, and every path answers "
				 "OPTIONS with the methods that it has. One trailing slash is ignored.");
	outline_close(text, '}');
}

static void write_tag(struct openapi *openapi, struct str name, const char *description)
{
	struct buf *text = openapi->text;
	outline_open(text, '{');
	outline_str(text, "name", name);
	outline_text(text, "description", description);
	outline_close(text, '}');
}

static void write_tags(struct openapi *openapi)
{
	const struct model *model = openapi->service->model;
	outline_open_at(openapi->text, "tags", '[');
	if (model->route_count > 0 && model_resource(model, STR("routes")) == NULL) {
		write_tag(openapi, STR("routes"), "The routes of the service file");
	}
	for (size_t i = 0; i < model->resource_count; i++) {
		if (resource_is_served(&model->resources[i])) {
			write_tag(openapi, model->resources[i].name, "The general API of a resource");
		}
	}
	if (model_resource(model, STR("system")) == NULL) {
		write_tag(openapi, STR("system"), "What every service answers");
	}
	outline_close(openapi->text, ']');
}

/* What a request shows; one of them is enough. */
static void write_security(const struct auth_config *auth, struct buf *text)
{
	outline_open_at(text, "security", '[');
	if (auth->key_count > 0) {
		outline_json(text, STR("{\"token\":[]}"));
	}
	if (auth->api_key_count > 0) {
		outline_json(text, STR("{\"api_key\":[]}"));
	}
	if (auth->anonymous.len > 0) {
		outline_json(text, STR("{}"));
	}
	outline_close(text, ']');
}

static void write_security_schemes(const struct auth_config *auth, struct buf *text)
{
	outline_open_at(text, "securitySchemes", '{');
	if (auth->key_count > 0) {
		outline_raw(text, "token",
					"{\"type\":\"http\",\"scheme\":\"bearer\",\"bearerFormat\":\"JWT\"}");
	}
	if (auth->api_key_count > 0) {
		outline_raw(text, "api_key",
					"{\"type\":\"apiKey\",\"in\":\"header\",\"name\":\"X-API-Key\"}");
	}
	outline_close(text, '}');
}

void openapi_write(const struct service *service, struct buf *text)
{
	struct openapi openapi = {.service = service, .text = text};
	const struct auth_config *auth = service->model->auth;
	arena_init(&openapi.arena, KIB(4));
	buf_append(text, STR(BEGIN SERVER_HERE "\"}]"));
	write_info(&openapi);
	write_tags(&openapi);
	if (auth != NULL) {
		write_security(auth, text);
	}
	openapi_write_paths(&openapi);
	outline_open_at(text, "components", '{');
	if (auth != NULL) {
		write_security_schemes(auth, text);
	}
	outline_open_at(text, "schemas", '{');
	openapi_write_schemas(&openapi);
	outline_close(text, '}');
	outline_open_at(text, "parameters", '{');
	openapi_write_parameters(&openapi);
	outline_close(text, '}');
	outline_open_at(text, "responses", '{');
	openapi_write_answers(&openapi);
	openapi_write_errors(&openapi);
	outline_close(text, '}');
	outline_close(text, '}');
	outline_close(text, '}');
	arena_finish(&openapi.arena);
}

void openapi_write_below(struct str document, struct buf *text)
{
	buf_append(text, STR(BEGIN SERVER_ABOVE));
	buf_append(text, str_slice(document, sizeof(BEGIN SERVER_HERE) - 1, document.len));
}
