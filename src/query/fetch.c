#include "query/fetch.h"

static const struct field type_integer = {.name = STR_INIT("count"), .type = TYPE_INTEGER};
static const struct field type_number = {.name = STR_INIT("avg"), .type = TYPE_NUMBER};
static const struct field type_text = {.name = STR_INIT("text"), .type = TYPE_TEXT};
const struct field fetch_http_date = {.name = STR_INIT("http_date"), .type = TYPE_TEXT};

static const struct field type_json = {.name = STR_INIT("json"), .type = TYPE_JSON};

const struct field *fetch_term_type(const struct term *term)
{
	return term->path == NULL ? term->field : term->path->as_text ? &type_text : &type_json;
}

const struct field *fetch_inner_type(const struct query_fetch *fetch)
{
	return fetch->cast != NULL ? fetch->cast : fetch_term_type(&fetch->term);
}

const struct field *fetch_aggregated_type(const struct query_fetch *fetch)
{
	switch (fetch->aggregate) {
	case AGGREGATE_COUNT:
		return &type_integer;
	case AGGREGATE_AVG:
		return &type_number;
	case AGGREGATE_NONE:
	case AGGREGATE_SUM:
	case AGGREGATE_MIN:
	case AGGREGATE_MAX:
		break;
	}
	return fetch_inner_type(fetch);
}
