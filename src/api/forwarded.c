#include "api/forwarded.h"

static bool is_trusted(const struct model *model, const struct ip *ip)
{
	for (size_t i = 0; i < model->trusted_proxy_count; i++) {
		if (cidr_holds(&model->trusted_proxies[i], ip)) {
			return true;
		}
	}
	return false;
}

/* Goes from the end of a list to its beginning. False when *ip is known to be the one. */
static bool walk(struct str list, const struct model *model, struct ip *ip)
{
	size_t end = list.len;
	for (;;) {
		size_t begin = end;
		while (begin > 0 && list.ptr[begin - 1] != ',') {
			begin--;
		}
		struct ip next;
		if (!ip_parse_with_port(str_trim(str_slice(list, begin, end)), &next)) {
			return false; /* whoever is trusted has passed it on: that one is answered for it */
		}
		*ip = next;
		if (!is_trusted(model, ip) || begin == 0) {
			return is_trusted(model, ip);
		}
		end = begin - 1;
	}
}

struct str forwarded_peer(const struct http_request *request, const struct model *model,
						  struct arena *arena)
{
	struct ip ip;
	if (model->trusted_proxy_count == 0 || !ip_parse(request->peer, &ip) ||
		!is_trusted(model, &ip)) {
		return request->peer;
	}
	/* Several fields are one list (RFC 9110, 5.3). */
	for (size_t i = request->field_count; i > 0; i--) {
		const struct http_field *field = &request->fields[i - 1];
		if (str_equal_nocase(field->name, STR("X-Forwarded-For")) &&
			!walk(field->value, model, &ip)) {
			break;
		}
	}
	char text[CIDR_TEXT_BYTES];
	ip_format(&ip, text);
	return arena_copy(arena, str_from(text));
}
