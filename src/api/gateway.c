#include "api/gateway.h"

#include <stdlib.h>

#include "api/accept.h"
#include "api/api_priv.h"
#include "api/error_shape.h"
#include "api/pages.h"
#include "base/alloc.h"

struct gateway {
	struct gateway_options options;
	struct arena arena;
	struct str start; /* pages */
	struct str docs;
};

/* ---- paths ---- */

static bool is_escape(struct str path, size_t at, const char *digits)
{
	return str_equal_nocase(str_slice(path, at, at + 3), str_from(digits));
}

/* Can it be passed on as it is? */
static bool is_plain(struct str path)
{
	for (size_t i = 0; i < path.len; i++) {
		if (is_escape(path, i, "%2F") || is_escape(path, i, "%5C") || is_escape(path, i, "%00")) {
			return false;
		}
	}
	struct str rest = str_slice(path, 1, path.len);
	while (rest.len > 0) {
		bool last = str_find(rest, '/', 0) == rest.len;
		struct str part = str_split(&rest, '/');
		bool dots = str_equal(part, STR(".")) || str_equal(part, STR("..")) ||
			str_equal_nocase(part, STR("%2e")) || str_equal_nocase(part, STR("%2e%2e")) ||
			str_equal_nocase(part, STR(".%2e")) || str_equal_nocase(part, STR("%2e."));
		if (dots || (part.len == 0 && !last)) {
			return false;
		}
	}
	return true;
}

/* The one with the longest path; NULL: none. */
static const struct gateway_service *find_service(const struct gateway *gateway, struct str path)
{
	const struct gateway_service *best = NULL;
	for (size_t i = 0; i < gateway->options.count; i++) {
		const struct gateway_service *service = &gateway->options.services[i];
		if (mount_holds(&service->mount, path) &&
			(best == NULL || service->mount.path.len > best->mount.path.len)) {
			best = service;
		}
	}
	return best;
}

/* What services say to each other has its own addresses and credentials. */
static bool is_inner(const struct gateway_service *service, struct str path)
{
	struct str below = str_slice(path, service->mount.path.len, path.len);
	struct str folder = STR("/.rowlock");
	return str_starts_with(below, folder) &&
		(below.len == folder.len || below.ptr[folder.len] == '/');
}

/* ---- its own answers ---- */

static void answer(struct http_exchange *exchange, int status, struct str type, struct str body)
{
	struct http_answer answer = {
		.status = status,
		.content_type = type,
		.body = body,
		.fields = buf_str(http_exchange_field_buffer(exchange)),
	};
	http_answer(exchange, &answer);
}

static void answer_page(struct http_exchange *exchange, struct str page, struct str policy)
{
	struct buf *fields = http_exchange_field_buffer(exchange);
	buf_printf(fields,
			   "Cache-Control: no-cache\r\nX-Content-Type-Options: nosniff\r\n"
			   "Content-Security-Policy: %.*s\r\n",
			   STR_ARG(policy));
	answer(exchange, 200, STR("text/html; charset=utf-8"), page);
}

static void write_error_body(void *context, const struct error *error, struct buf *ret_body,
							 struct str *ret_content_type)
{
	(void)context;
	error_shape_write(&(const struct error_shape){0}, error, ret_body);
	*ret_content_type = STR("application/json; charset=utf-8");
}

static void fail(struct http_exchange *exchange, const struct error *error)
{
	struct str type;
	struct buf *body = http_exchange_buffer(exchange);
	write_error_body(NULL, error, body, &type);
	if (error_info(error->code)->retryable) {
		buf_append(http_exchange_field_buffer(exchange), STR("Retry-After: 1\r\n"));
	}
	answer(exchange, error_info(error->code)->status, type, buf_str(body));
}

static void fail_with(struct http_exchange *exchange, enum error_code code)
{
	struct error error = {0};
	error_set(&error, code, NULL);
	fail(exchange, &error);
}

static void answer_ready(const struct gateway *gateway, struct http_exchange *exchange)
{
	if (gateway->options.ready(gateway->options.context)) {
		answer(exchange, 200, STR("application/json"), STR("{\"status\":\"ready\"}"));
	} else {
		/* It drains, or a service waits for keys. */
		struct error error = {0};
		error_set(&error, ERROR_DRAINING, "The server is not ready");
		fail(exchange, &error);
	}
}

static void handle_own(const struct gateway *gateway, struct http_exchange *exchange)
{
	const struct http_request *request = http_exchange_request(exchange);
	struct str path = request->path;
	struct str docs = STR("/docs/");
	bool reads = request->method == HTTP_GET || request->method == HTTP_HEAD;
	if (!reads) {
		fail_with(exchange, ERROR_PATH);
	} else if (str_equal(path, STR("/"))) {
		answer_page(exchange, gateway->start, PAGES_POLICY_PLAIN);
	} else if (str_equal(path, STR("/docs"))) {
		buf_append(http_exchange_field_buffer(exchange), STR("Location: docs/\r\n"));
		answer(exchange, 308, STR(""), STR(""));
	} else if (str_equal(path, docs)) {
		answer_page(exchange, gateway->docs, pages_docs_policy());
	} else if (str_equal(path, STR("/live"))) {
		answer(exchange, 200, STR("application/json"), STR("{\"status\":\"live\"}"));
	} else if (str_equal(path, STR("/ready"))) {
		answer_ready(gateway, exchange);
	} else if (!str_starts_with(path, docs) ||
			   !pages_answer_asset(exchange, str_slice(path, docs.len, path.len))) {
		fail_with(exchange, ERROR_PATH);
	}
}

/* ---- requests ---- */

static void handle(void *context, struct http_exchange *exchange)
{
	const struct gateway *gateway = context;
	struct str path = http_exchange_request(exchange)->path;
	const struct gateway_service *service = find_service(gateway, path);
	if (!is_plain(path)) {
		struct error error = {0};
		error_set(&error, ERROR_HTTP_SYNTAX,
				  "the path has an empty part, a dot as a part, or an escaped slash");
		fail(exchange, &error);
	} else if (service == NULL) {
		handle_own(gateway, exchange);
	} else if (is_inner(service, path)) {
		fail_with(exchange, ERROR_PATH);
	} else {
		api_handle(service->loop, &service->mount, exchange);
	}
}

static void finished(void *context, const struct http_exchange *exchange, int status,
					 uint64_t body_bytes, uint64_t micros)
{
	const struct gateway *gateway = context;
	if (http_exchange_data(exchange) != NULL) {
		api_finished(exchange, status, body_bytes, micros);
		return;
	}
	const struct http_request *request = http_exchange_request(exchange);
	struct log_field fields[] = {
		LOG_STR("service", STR("gateway")),
		LOG_STR("peer", request->peer),
		LOG_STR("method", http_method_name(request->method)),
		LOG_STR("path", request->path),
		LOG_INT("status", status),
		LOG_INT("bytes", body_bytes),
		LOG_INT("us", micros),
	};
	log_event(gateway->options.log, LOG_INFO, "request", fields,
			  sizeof(fields) / sizeof(fields[0]));
}

static uint64_t body_limit(void *context, const struct http_request *request)
{
	const struct gateway *gateway = context;
	const struct gateway_service *service = find_service(gateway, request->path);
	return service == NULL ? gateway->options.limits->body_bytes
						   : api_body_limit(service->loop, request);
}

void gateway_http_options(struct gateway *gateway, struct http_server_options *ret_options)
{
	ret_options->limits = gateway->options.limits;
	ret_options->handle = handle;
	ret_options->error_body = write_error_body;
	ret_options->finished = finished;
	ret_options->body_limit = body_limit;
	ret_options->context = gateway;
}

/* ---- life ---- */

static struct str take_page(struct gateway *gateway, struct buf *text)
{
	struct str page = arena_copy(&gateway->arena, buf_str(text));
	buf_clear(text);
	return page;
}

struct gateway *gateway_create(const struct gateway_options *options)
{
	struct gateway *gateway = alloc_zeroed(1, sizeof(*gateway));
	struct buf text;
	gateway->options = *options;
	arena_init(&gateway->arena, KIB(16));
	buf_init(&text, PAGES_BYTES);
	pages_write_gateway_start(options, &text);
	gateway->start = take_page(gateway, &text);
	pages_write_gateway_docs(options, &text);
	gateway->docs = take_page(gateway, &text);
	buf_finish(&text);
	return gateway;
}

void gateway_destroy(struct gateway *gateway)
{
	if (gateway != NULL) {
		arena_finish(&gateway->arena);
		free(gateway);
	}
}
