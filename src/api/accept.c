#include "api/accept.h"

#define JSON "application/json; charset=utf-8"
#define OBJECT "application/vnd.pgrst.object+json"
#define ARRAY "application/vnd.pgrst.array+json"
#define STRIPPED ";nulls=stripped; charset=utf-8"

static const struct {
	struct str type;
	struct media media;
} types[] = {
	{STR_INIT("application/json"), {STR_INIT(JSON), FORMAT_ARRAY, false}},
	{STR_INIT("*/*"), {STR_INIT(JSON), FORMAT_ARRAY, false}},
	{STR_INIT("application/*"), {STR_INIT(JSON), FORMAT_ARRAY, false}},
	{STR_INIT(OBJECT), {STR_INIT(OBJECT "; charset=utf-8"), FORMAT_OBJECT, false}},
	{STR_INIT("application/vnd.pgrst.object"),
	 {STR_INIT(OBJECT "; charset=utf-8"), FORMAT_OBJECT, false}},
	{STR_INIT(ARRAY), {STR_INIT(ARRAY "; charset=utf-8"), FORMAT_ARRAY, false}},
	{STR_INIT("application/vnd.pgrst.array"),
	 {STR_INIT(ARRAY "; charset=utf-8"), FORMAT_ARRAY, false}},
	{STR_INIT("text/csv"), {STR_INIT("text/csv; charset=utf-8"), FORMAT_CSV, false}},
	{STR_INIT("text/*"), {STR_INIT("text/csv; charset=utf-8"), FORMAT_CSV, false}},
	{STR_INIT("application/x-ndjson"),
	 {STR_INIT("application/x-ndjson; charset=utf-8"), FORMAT_NDJSON, false}},
};

/* One element of an Accept list. */
struct range {
	struct str type;
	unsigned int weight; /* in thousandths */
	bool stripped;       /* nulls=stripped */
};

/* `0.85`; what is no weight is 1. */
static unsigned int read_weight(struct str text)
{
	unsigned int weight = 0;
	unsigned int unit = 1000;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '.') {
			continue;
		}
		if (text.ptr[i] < '0' || text.ptr[i] > '9') {
			return 1000;
		}
		weight += unit * (unsigned int)(text.ptr[i] - '0');
		unit /= 10;
	}
	return weight > 1000 ? 1000 : weight;
}

static struct range read_range(struct str element)
{
	struct range range = {.weight = 1000};
	range.type = str_trim(str_split(&element, ';'));
	while (element.len > 0) {
		struct str parameter = str_trim(str_split(&element, ';'));
		if (str_starts_with(parameter, STR("q="))) {
			range.weight = read_weight(str_slice(parameter, 2, parameter.len));
		}
		range.stripped = range.stripped || str_equal(parameter, STR("nulls=stripped"));
	}
	return range;
}

static bool find_media(const struct range *range, struct media *ret_media)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (!str_equal_nocase(range->type, types[i].type)) {
			continue;
		}
		bool vendor = str_starts_with(types[i].type, STR("application/vnd."));
		*ret_media = types[i].media;
		if (range->stripped && vendor) {
			bool object = ret_media->format == FORMAT_OBJECT;
			ret_media->nulls_stripped = true;
			ret_media->content_type = object ? STR(OBJECT STRIPPED) : STR(ARRAY STRIPPED);
		}
		return true;
	}
	return false;
}

static bool find_text(struct str text, struct str part)
{
	for (size_t at = 0; at + part.len <= text.len; at++) {
		if (str_starts_with(str_slice(text, at, text.len), part)) {
			return true;
		}
	}
	return false;
}

bool accept_media(const struct http_request *request, struct media *ret_media, struct error *error)
{
	struct str accept = http_request_field(request, STR("Accept"));
	struct str rest = str_trim(accept);
	unsigned int best = 0;
	*ret_media = types[0].media;
	if (rest.len == 0 || str_equal(rest, types[0].type)) {
		return true;
	}
	while (rest.len > 0) {
		struct range range = read_range(str_split(&rest, ','));
		struct media media;
		if (range.weight > best && find_media(&range, &media)) {
			best = range.weight;
			*ret_media = media;
		}
	}
	if (best == 0 && find_text(accept, STR("application/vnd.pgrst.plan"))) {
		error_set(error, ERROR_UNSUPPORTED, NULL);
		return error_details(error, "query plans");
	}
	if (best == 0 && find_text(accept, STR("application/geo+json"))) {
		error_set(error, ERROR_UNSUPPORTED, NULL);
		return error_details(error, "GeoJSON");
	}
	return best > 0 ||
		error_set(error, ERROR_MEDIA, "None of these media types are available: %.*s",
				  STR_ARG(str_slice(accept, 0, 150)));
}

bool accept_prefers(const struct http_request *request, struct str type)
{
	struct str rest = http_request_field(request, STR("Accept"));
	unsigned int wanted = 0;
	unsigned int other = 0;
	while (rest.len > 0) {
		struct range range = read_range(str_split(&rest, ','));
		struct media media;
		if (str_equal_nocase(range.type, type)) {
			wanted = range.weight;
		} else if (range.weight > other && find_media(&range, &media)) {
			other = range.weight;
		}
	}
	return wanted > 0 && wanted >= other;
}

bool accept_body(const struct http_request *request, enum body_format *ret_format,
				 struct error *error)
{
	static const struct {
		struct str type;
		enum body_format format;
	} bodies[] = {
		{STR_INIT("application/json"), BODY_JSON},
		{STR_INIT(OBJECT), BODY_JSON},
		{STR_INIT(ARRAY), BODY_JSON},
		{STR_INIT("text/csv"), BODY_CSV},
		{STR_INIT("application/x-ndjson"), BODY_NDJSON},
		{STR_INIT("application/x-www-form-urlencoded"), BODY_FORM},
	};
	struct str given = http_request_field(request, STR("Content-Type"));
	struct str rest = given;
	struct str type = str_trim(str_split(&rest, ';'));
	*ret_format = BODY_JSON;
	if (type.len == 0) {
		return true;
	}
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		if (str_equal_nocase(type, bodies[i].type)) {
			*ret_format = bodies[i].format;
			return true;
		}
	}
	return error_set(error, ERROR_BODY, "Content-Type not acceptable: %.*s",
					 STR_ARG(str_slice(type, 0, 100)));
}

bool accept_profile(const struct http_request *request, struct error *error)
{
	bool reads = request->method == HTTP_GET || request->method == HTTP_HEAD ||
		request->method == HTTP_QUERY;
	struct str schema = http_request_field(request,
										   reads ? STR("Accept-Profile") : STR("Content-Profile"));
	if (schema.len == 0 || str_equal(schema, STR("public"))) {
		return true;
	}
	error_set(error, ERROR_SCHEMA, "Invalid schema: %.*s", STR_ARG(str_slice(schema, 0, 100)));
	return error_hint(error, "Only the following schemas are exposed: public");
}
