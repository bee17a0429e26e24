#include "http/http.h"

#include "http/http_priv.h"

/* By their number in enum http_method. */
static const struct str names[HTTP_METHODS] = {
	[HTTP_GET] = STR_INIT("GET"),         [HTTP_HEAD] = STR_INIT("HEAD"),
	[HTTP_POST] = STR_INIT("POST"),       [HTTP_PUT] = STR_INIT("PUT"),
	[HTTP_PATCH] = STR_INIT("PATCH"),     [HTTP_DELETE] = STR_INIT("DELETE"),
	[HTTP_OPTIONS] = STR_INIT("OPTIONS"), [HTTP_QUERY] = STR_INIT("QUERY"),
};

struct str http_method_name(enum http_method method)
{
	return names[method];
}

bool http_method_parse(struct str name, enum http_method *ret_method)
{
	for (size_t i = 0; i < HTTP_METHODS; i++) {
		if (name.len == names[i].len && memcmp(name.ptr, names[i].ptr, name.len) == 0) {
			*ret_method = (enum http_method)i;
			return true;
		}
	}
	return false;
}

struct str http_request_field(const struct http_request *request, struct str name)
{
	for (size_t i = 0; i < request->field_count; i++) {
		if (request->fields[i].name.len == name.len &&
			str_equal_nocase(request->fields[i].name, name)) {
			return request->fields[i].value;
		}
	}
	return (struct str){NULL, 0};
}

/* ---- an exchange ---- */

const struct http_request *http_exchange_request(const struct http_exchange *exchange)
{
	return &exchange->request;
}

struct arena *http_exchange_arena(struct http_exchange *exchange)
{
	return &exchange->arena;
}

struct loop *http_exchange_loop(struct http_exchange *exchange)
{
	return exchange->connection->server->loop;
}

void http_exchange_set_data(struct http_exchange *exchange, void *data)
{
	exchange->data = data;
}

void *http_exchange_data(const struct http_exchange *exchange)
{
	return exchange->data;
}

bool http_exchange_gone(const struct http_exchange *exchange)
{
	return exchange->connection->phase == HTTP_PHASE_CLOSED;
}

struct buf *http_exchange_buffer(struct http_exchange *exchange)
{
	return &exchange->buffers[0];
}

struct buf *http_exchange_field_buffer(struct http_exchange *exchange)
{
	return &exchange->buffers[1];
}
