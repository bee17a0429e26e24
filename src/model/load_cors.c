#include "base/map.h"
#include "codec/number.h"
#include "model/load_priv.h"

/* `[v6]`, or letters, digits, `.`, `-` and `_`, as browsers send them. */
static bool is_host(struct str host)
{
	bool v6 = str_starts_with(host, STR("[")) && str_ends_with(host, STR("]"));

	if (v6) {
		host = str_slice(host, 1, host.len - 1);
	}
	for (size_t i = 0; i < host.len; i++) {
		char c = host.ptr[i];
		bool good = v6 ? (c >= 'a' && c <= 'f') || c == ':'
					   : (c >= 'a' && c <= 'z') || c == '-' || c == '_';

		if (!good && !(c >= '0' && c <= '9') && c != '.') {
			return false;
		}
	}
	return host.len > 0;
}

static bool is_scheme(struct str scheme)
{
	for (size_t i = 0; i < scheme.len; i++) {
		char c = scheme.ptr[i];
		bool letter = c >= 'a' && c <= 'z';

		if (!letter && (i == 0 || (!(c >= '0' && c <= '9') && strchr("+-.", c) == NULL))) {
			return false;
		}
	}
	return scheme.len > 0;
}

/* NULL when it is good, else the hint. */
static const char *check_port(struct str scheme, struct str port)
{
	int64_t number;

	if (number_parse_integer(port, &number) != NUMBER_OK || number < 1 || number > 65535) {
		return "a port is a number from 1 to 65535";
	}
	if ((number == 80 && str_equal(scheme, STR("http"))) ||
		(number == 443 && str_equal(scheme, STR("https")))) {
		return "browsers leave out the port that the scheme has anyway";
	}
	return NULL;
}

/* What a browser would never send as an origin (RFC 6454, section 6.1) allows nothing. NULL when it
 * is good, else the hint. */
static const char *check_origin(struct str origin)
{
	struct str rest = origin;
	struct str scheme = str_split(&rest, ':');
	size_t colon;

	for (size_t i = 0; i < origin.len; i++) {
		if (origin.ptr[i] >= 'A' && origin.ptr[i] <= 'Z') {
			return "browsers send it in small letters";
		}
	}
	if (is_scheme(scheme) && str_starts_with(rest, STR("//"))) {
		rest = str_slice(rest, 2, rest.len);
		if (str_find(rest, '/', 0) < rest.len) {
			return "an origin ends with its host or port";
		}
		colon = str_find(rest, ':', str_starts_with(rest, STR("[")) ? str_find(rest, ']', 0) : 0);
		if (is_host(str_slice(rest, 0, colon))) {
			return colon == rest.len ? NULL
									 : check_port(scheme, str_slice(rest, colon + 1, rest.len));
		}
	}
	return "write scheme://host or scheme://host:port, such as https://app.example; \"*\" alone "
		   "stands for any";
}

void load_cors(struct load *load, const struct node *node, void *target)
{
	bool is_list = node->kind == NODE_LIST;
	struct str *origins = ARENA_ARRAY(load->arena, is_list ? node->count : 1, struct str);
	size_t count = 0;
	struct map seen;

	(void)target;
	if (is_list && node->count == 0) {
		model_report_add(load->report, node->place, "leave it out: then no origin may call",
						 "`cors` names at least one origin");
	}
	map_init(&seen);
	for (const struct node *item = is_list ? node->first : node; item != NULL;
		 item = is_list ? item->next : NULL) {
		bool any = node->count <= 1 && str_equal(item->text, STR("*"));
		struct text origin;
		const char *hint;

		if (!load_text(load, item, "`cors`", &origin)) {
			continue;
		}
		hint = any ? NULL : check_origin(origin.str);
		if (hint != NULL) {
			model_report_add(load->report, item->place, hint, "\"%.*s\" is no origin",
							 STR_ARG(str_slice(origin.str, 0, 200)));
		} else if (map_put(&seen, origin.str, (void *)item) != NULL) {
			model_report_add(load->report, item->place, NULL, "`cors` names \"%.*s\" twice",
							 STR_ARG(str_slice(origin.str, 0, 200)));
		}
		origins[count++] = origin.str;
	}
	map_finish(&seen);
	load->model->cors = origins;
	load->model->cors_count = count;
}
