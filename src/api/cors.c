#include "api/cors.h"

bool cors_allows(const struct model *model, struct str origin)
{
	for (size_t i = 0; i < model->cors_count; i++) {
		if (str_equal(model->cors[i], STR("*")) || str_equal(model->cors[i], origin)) {
			return true;
		}
	}
	return false;
}

static bool allows_any(const struct model *model)
{
	return model->cors_count == 1 && str_equal(model->cors[0], STR("*"));
}

void cors_add(const struct model *model, const struct http_request *request, struct buf *fields)
{
	if (model->cors_count == 0) {
		return;
	}
	struct str origin = http_request_field(request, STR("Origin"));
	if (!allows_any(model)) {
		/* A cache must not give one origin's answer to another. */
		buf_append(fields, STR("Vary: Origin\r\n"));
	}
	if (origin.len == 0 || !cors_allows(model, origin)) {
		return;
	}
	buf_append(fields, STR("Access-Control-Allow-Origin: "));
	buf_append(fields, allows_any(model) ? STR("*") : origin);
	buf_append(fields,
			   STR("\r\nAccess-Control-Expose-Headers: Content-Encoding, Content-Location, "
				   "Content-Range, Content-Type, Date, ETag, Link, Location, "
				   "Preference-Applied, Server, Transfer-Encoding, Range-Unit\r\n"));
}

void cors_add_preflight(const struct model *model, const struct http_request *request,
						struct buf *fields)
{
	struct str origin = http_request_field(request, STR("Origin"));
	struct str method = http_request_field(request, STR("Access-Control-Request-Method"));
	struct str headers = http_request_field(request, STR("Access-Control-Request-Headers"));
	if (origin.len == 0 || method.len == 0 || !cors_allows(model, origin)) {
		return;
	}
	buf_append(fields,
			   STR("Access-Control-Allow-Methods: GET, POST, PATCH, PUT, DELETE, OPTIONS, HEAD, "
				   "QUERY\r\nAccess-Control-Allow-Headers: Authorization, "));
	buf_append(fields, headers);
	buf_append(fields,
			   headers.len > 0 ? STR(", Accept, Accept-Language, Content-Language\r\n")
							   : STR("Accept, Accept-Language, Content-Language\r\n"));
	buf_append(fields, STR("Access-Control-Max-Age: 86400\r\n"));
}
