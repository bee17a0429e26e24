#include "query/parse_priv.h"

#include "codec/url.h"

void parsed_query_init(struct parsed_query *query)
{
	*query = (struct parsed_query){.limit = UINT64_MAX};
}

/* ---- parameters that are no filters ---- */

static bool read_select(struct parser *parser, struct str name, struct str value)
{
	(void)name;
	if (parser->has_select) {
		return true;
	}
	parser->has_select = true;
	return parse_select(value, parser->arena, parser->query, parser->error);
}

static bool read_order(struct parser *parser, struct str name, struct str value)
{
	(void)name;
	if (parser->has_order) {
		return true;
	}
	parser->has_order = true;
	return parse_order(value, parser->arena, parser->query, parser->error);
}

/* Digits with or without a minus sign. What is beyond INT64_MAX counts as that: no store has so
 * many rows. */
static bool read_count(struct parser *parser, struct str value, const char *what,
					   bool *ret_negative, uint64_t *ret_count)
{
	struct cursor cursor = parser_cursor(parser, value, what);
	bool negative = cursor_take(&cursor, '-');
	uint64_t count = 0;
	size_t from = cursor.at;
	while (!cursor_at_end(&cursor)) {
		char c = value.ptr[cursor.at];
		if (c < '0' || c > '9') {
			break;
		}
		uint64_t digit = (uint64_t)(c - '0');
		count = count > (INT64_MAX - digit) / 10 ? INT64_MAX : count * 10 + digit;
		cursor.at++;
	}
	if (cursor.at == from || !cursor_at_end(&cursor)) {
		return cursor_fail(&cursor, "digits");
	}
	*ret_negative = negative && count > 0;
	*ret_count = count;
	return true;
}

static bool read_limit(struct parser *parser, struct str name, struct str value)
{
	(void)name;
	bool negative;
	uint64_t count;
	if (parser->has_limit) {
		return true;
	}
	parser->has_limit = true;
	if (!read_count(parser, value, "limit", &negative, &count)) {
		return false;
	}
	if (negative) {
		error_set(parser->error, ERROR_RANGE, NULL);
		return error_details(parser->error, "Limit should be greater than or equal to zero.");
	}
	parser->query->limit = count;
	return true;
}

static bool read_offset(struct parser *parser, struct str name, struct str value)
{
	(void)name;
	bool negative;
	uint64_t count;
	if (parser->has_offset) {
		return true;
	}
	parser->has_offset = true;
	if (!read_count(parser, value, "offset", &negative, &count)) {
		return false;
	}
	parser->query->offset = negative ? 0 : count;
	return true;
}

static bool refuse_parameter(struct parser *parser, struct str name, struct str value)
{
	(void)value;
	error_set(parser->error, ERROR_UNSUPPORTED, NULL);
	return error_details(parser->error, "the parameter \"%.*s\"", STR_ARG(name));
}

typedef bool read_parameter(struct parser *parser, struct str name, struct str value);

static const struct {
	struct str name;
	read_parameter *read;
	bool in_conditions; /* of a service file */
} words[] = {
	{STR_INIT("select"), read_select, false},
	{STR_INIT("order"), read_order, false},
	{STR_INIT("limit"), read_limit, false},
	{STR_INIT("offset"), read_offset, false},
	{STR_INIT("and"), parse_logic, true},
	{STR_INIT("or"), parse_logic, true},
	{STR_INIT("not.and"), parse_logic, true},
	{STR_INIT("not.or"), parse_logic, true},
	{STR_INIT("columns"), refuse_parameter, false},
	{STR_INIT("on_conflict"), refuse_parameter, false},
};

static bool read_one(struct parser *parser, struct str name, struct str value)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (str_equal(name, words[i].name) && (words[i].in_conditions || !parser->parameters)) {
			return words[i].read(parser, name, value);
		}
	}
	return parse_filter(parser, name, value);
}

/* ---- the two kinds of text ---- */

static bool fail_encoding(struct error *error)
{
	error_set(error, ERROR_PARSE, "The query string is not well percent-encoded");
	return error_details(error,
						 "each %% needs two hexadecimal digits, and the result must be UTF-8 "
						 "without NUL");
}

bool parse_query_string(struct str query_string, const struct limits *limits,
						bool (*skip)(const void *context, struct str name), const void *context,
						struct arena *arena, struct parsed_query *query, struct error *error)
{
	if (query_string.len == 0) {
		return true;
	}
	struct parser parser = {.limits = limits, .arena = arena, .query = query, .error = error};
	struct str name;
	struct str value;
	bool has_value;
	while (url_next_pair(&query_string, &name, &value, &has_value)) {
		if (!has_value) {
			continue;
		}
		if (!url_decode_query(name, arena, &name)) {
			return fail_encoding(error);
		}
		if (skip != NULL && skip(context, name)) {
			continue;
		}
		if (!url_decode_query(value, arena, &value)) {
			return fail_encoding(error);
		}
		if (!read_one(&parser, name, value)) {
			return false;
		}
	}
	return true;
}

/* The first `byte` at or after `from` that stands in no quotes; text.len when there is none. A
 * quote that is never closed is text. */
static size_t find_outside_quotes(struct str text, char byte, size_t from, struct arena *arena)
{
	struct cursor cursor = {.text = text, .at = from, .arena = arena};
	struct str quoted;
	while (!cursor_at_end(&cursor) && !cursor_is(&cursor, byte)) {
		if (!cursor_quoted(&cursor, &quoted)) {
			cursor.at++;
		}
	}
	return cursor.at;
}

bool parse_condition(struct str text, const struct limits *limits, struct arena *arena,
					 struct parsed_query *query, struct error *error)
{
	struct parser parser = {
		.limits = limits,
		.arena = arena,
		.query = query,
		.error = error,
		.parameters = true,
	};
	for (size_t at = 0; at <= text.len;) {
		size_t end = find_outside_quotes(text, '&', at, arena);
		struct str condition = str_slice(text, 0, end);
		size_t equals = find_outside_quotes(condition, '=', at, arena);
		if (equals == end) {
			error_set_at(error, ERROR_PARSE, at, "\"%.*s\" is no condition",
						 STR_ARG(str_slice(text, at, end)));
			return error_hint(error, "COLUMN=OPERATOR.VALUE, and=(...) or or=(...)");
		}
		/* Names of parameters have their own place; an error in one points at its condition. */
		struct str name = str_slice(text, at, equals);
		parser.base = equals + 1;
		if (!read_one(&parser, name, str_slice(text, equals + 1, end))) {
			return false;
		}
		at = end + 1;
	}
	return true;
}
