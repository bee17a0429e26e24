#include "api/guard.h"

#include "api/cors.h"

/* `host` without its port. */
static struct str without_port(struct str host)
{
	size_t from = host.len > 0 && host.ptr[0] == '[' ? str_find(host, ']', 0) : 0;
	return str_slice(host, 0, str_find(host, ':', from));
}

static bool is_loopback(struct str host)
{
	struct str name = without_port(host);
	if (str_starts_with(name, STR("127."))) {
		for (size_t i = 0; i < name.len; i++) {
			if (name.ptr[i] != '.' && (name.ptr[i] < '0' || name.ptr[i] > '9')) {
				return false;
			}
		}
		return true;
	}
	return str_equal_nocase(name, STR("localhost")) || str_equal(name, STR("[::1]"));
}

/* An Origin is this server's own when it is http:// or https:// and the request's Host. */
static bool is_own_origin(struct str origin, struct str host)
{
	size_t scheme = str_starts_with(origin, STR("http://")) ? 7
		: str_starts_with(origin, STR("https://"))          ? 8
															: 0;
	return scheme > 0 && str_equal_nocase(str_slice(origin, scheme, origin.len), host);
}

static bool is_write(enum http_method method)
{
	return method == HTTP_POST || method == HTTP_PUT || method == HTTP_PATCH ||
		method == HTTP_DELETE;
}

bool guard_check(const struct http_request *request, const struct model *model, bool open,
				 struct error *error)
{
	if (!open && request->host.len > 0 && !is_loopback(request->host)) {
		error_set(error, ERROR_FORBIDDEN, "this server does not answer for the host %.*s",
				  STR_ARG(str_slice(request->host, 0, 100)));
		return error_hint(error, "start it with --open to serve other names than localhost");
	}
	if (!is_write(request->method)) {
		return true;
	}
	struct str site = http_request_field(request, STR("Sec-Fetch-Site"));
	struct str origin = http_request_field(request, STR("Origin"));
	if (origin.ptr != NULL && cors_allows(model, origin)) {
		return true;
	}
	bool foreign = site.ptr != NULL && !str_equal(site, STR("same-origin")) &&
		!str_equal(site, STR("none"));
	foreign = foreign || (origin.ptr != NULL && !is_own_origin(origin, request->host));
	if (foreign) {
		return error_set(error, ERROR_FORBIDDEN, "writes from other sites are refused");
	}
	return true;
}
