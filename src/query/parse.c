#include "query/parse_priv.h"

#include "codec/url.h"

enum { PATH_NAMES = 66 }; /* embeds and a column, and and a `not` */

void parsed_query_init(struct parsed_query *query)
{
	*query = (struct parsed_query){.root.limit = UINT64_MAX};
}

/* ---- values of parameters that are no filters ---- */

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

static bool read_limit(struct parser *parser, struct parsed_level *level, struct str value)
{
	bool negative;
	uint64_t count;
	if (level->has_limit) {
		return true;
	}
	if (!read_count(parser, value, "limit", &negative, &count)) {
		return false;
	}
	if (negative) {
		error_set(parser->error, ERROR_RANGE, NULL);
		return error_details(parser->error, "Limit should be greater than or equal to zero.");
	}
	level->has_limit = true;
	level->limit = count;
	return true;
}

static bool read_offset(struct parser *parser, struct parsed_level *level, struct str value)
{
	bool negative;
	uint64_t count;
	if (level->has_offset) {
		return true;
	}
	if (!read_count(parser, value, "offset", &negative, &count)) {
		return false;
	}
	level->has_offset = !negative;
	level->offset = negative ? 0 : count;
	return true;
}

static bool read_order(struct parser *parser, struct parsed_level *level, struct str value)
{
	return level->has_order || parse_order_terms(parser, level, value);
}

static bool read_and(struct parser *parser, struct parsed_level *level, struct str value)
{
	return parse_logic(parser, level, COND_AND, false, value);
}

static bool read_or(struct parser *parser, struct parsed_level *level, struct str value)
{
	return parse_logic(parser, level, COND_OR, false, value);
}

static bool read_not_and(struct parser *parser, struct parsed_level *level, struct str value)
{
	return parse_logic(parser, level, COND_AND, true, value);
}

static bool read_not_or(struct parser *parser, struct parsed_level *level, struct str value)
{
	return parse_logic(parser, level, COND_OR, true, value);
}

static bool read_select(struct parser *parser, struct parsed_level *level, struct str value)
{
	(void)level;
	return parser->query->has_select ||
		parse_select(value, parser->limits, parser->arena, parser->query, parser->error);
}

static bool read_columns(struct parser *parser, struct parsed_level *level, struct str value)
{
	(void)level;
	struct cursor cursor = parser_cursor(parser, value, "columns parameter");
	if (parser->query->has_columns || value.len == 0) {
		return true;
	}
	parser->query->has_columns = true;
	return parse_names(&cursor, &parser->query->columns);
}

static bool read_on_conflict(struct parser *parser, struct parsed_level *level, struct str value)
{
	(void)level;
	struct cursor cursor = parser_cursor(parser, value, "on_conflict parameter");
	return parser->query->on_conflict.count > 0 || value.len == 0 ||
		parse_names(&cursor, &parser->query->on_conflict);
}

static bool read_after(struct parser *parser, struct parsed_level *level, struct str value)
{
	if (parse_is_operation(value)) {
		return parse_filter(parser, level, STR("after"), NULL, value);
	}
	if (!parser->query->has_after) {
		parser->query->has_after = true;
		parser->query->after = value;
	}
	return true;
}

static bool read_distinct(struct parser *parser, struct parsed_level *level, struct str value)
{
	if (parse_is_operation(value)) {
		return parse_filter(parser, level, STR("distinct"), NULL, value);
	}
	bool distinct = str_equal(value, STR("true"));
	if (!distinct && !str_equal(value, STR("false"))) {
		struct cursor cursor = parser_cursor(parser, value, "distinct parameter");
		return cursor_fail_word(&cursor, "true, false or an operator");
	}
	parser->query->distinct = distinct;
	return true;
}

typedef bool read_parameter(struct parser *parser, struct parsed_level *level, struct str value);

enum where_read { ROOT = 1, EMBEDS = 2, CONDITIONS = 4 };

static const struct parameter_word {
	struct str name;
	read_parameter *read;
	unsigned int where; /* of a query string, of an embed, of a service file's condition */
} words[] = {
	{STR_INIT("select"), read_select, ROOT},
	{STR_INIT("order"), read_order, ROOT | EMBEDS},
	{STR_INIT("limit"), read_limit, ROOT | EMBEDS},
	{STR_INIT("offset"), read_offset, ROOT | EMBEDS},
	{STR_INIT("and"), read_and, ROOT | EMBEDS | CONDITIONS},
	{STR_INIT("or"), read_or, ROOT | EMBEDS | CONDITIONS},
	{STR_INIT("not.and"), read_not_and, ROOT | EMBEDS | CONDITIONS},
	{STR_INIT("not.or"), read_not_or, ROOT | EMBEDS | CONDITIONS},
	{STR_INIT("columns"), read_columns, ROOT},
	{STR_INIT("on_conflict"), read_on_conflict, ROOT},
	{STR_INIT("after"), read_after, ROOT},
	{STR_INIT("distinct"), read_distinct, ROOT},
};

static const struct parameter_word *find_word(struct str name, unsigned int where)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if ((words[i].where & where) != 0 && str_equal(name, words[i].name)) {
			return &words[i];
		}
	}
	return NULL;
}

/* ---- names of parameters ---- */

static bool same_names(const struct parsed_names *a, const struct parsed_names *b)
{
	bool same = a->count == b->count;
	for (size_t i = 0; same && i < a->count; i++) {
		same = str_equal(a->items[i], b->items[i]);
	}
	return same;
}

/* The level that the path leads to; made when nothing was said of it before. */
static struct parsed_level *find_level(struct parser *parser, const struct str *names, size_t count)
{
	struct parsed_names path = {names, count};
	struct parsed_level *level = &parser->query->root;
	for (;;) {
		if (same_names(&level->path, &path)) {
			return level;
		}
		if (level->next == NULL) {
			break;
		}
		level = level->next;
	}
	struct str *kept = ARENA_ARRAY(parser->arena, count, struct str);
	for (size_t i = 0; i < count; i++) {
		kept[i] = names[i];
	}
	level->next = ARENA_NEW(parser->arena, struct parsed_level);
	*level->next = (struct parsed_level){.path = {kept, count}, .limit = UINT64_MAX};
	return level->next;
}

/* `rel.rel2.column->path`: the names, and the path behind the last. */
struct tree_path {
	struct str names[PATH_NAMES];
	size_t count;
	size_t at[PATH_NAMES]; /* where each begins in the text */
	const struct json_path *path;
};

static bool read_tree_path(struct cursor *cursor, struct tree_path *path)
{
	path->count = 0;
	path->path = NULL;
	do {
		if (path->count == PATH_NAMES) {
			return error_set(cursor->error, ERROR_PARSE, "More than %d names in a parameter",
							 PATH_NAMES);
		}
		path->at[path->count] = cursor->at;
		if (!cursor_name(cursor, parse_expecting_name, &path->names[path->count++])) {
			return false;
		}
	} while (cursor_take(cursor, '.'));
	if (!parse_path(cursor, &path->path)) {
		return false;
	}
	return cursor_at_end(cursor) || cursor_fail(cursor, "\"->\", delimiter (.) or end of input");
}

/* `rel.order`, `rel.not.or` …: a word about an embedded resource, and where it stands. */
static const struct parameter_word *embed_word(struct str name, const struct tree_path *path,
											   unsigned int where, size_t *ret_count)
{
	if (path->count < 2 || path->path != NULL) {
		return NULL;
	}
	size_t count = path->count - 1;
	if (count >= 2 && str_equal(path->names[count - 1], STR("not"))) {
		*ret_count = count - 1;
		const struct parameter_word *word = find_word(
			str_slice(name, path->at[count - 1], name.len), where);
		if (word != NULL) {
			return word;
		}
	}
	*ret_count = count;
	return find_word(str_slice(name, path->at[count], name.len), where);
}

static bool read_one(struct parser *parser, struct str name, struct str value)
{
	const struct parameter_word *word = find_word(name, parser->parameters ? CONDITIONS : ROOT);
	if (word != NULL) {
		return word->read(parser, &parser->query->root, value);
	}
	struct tree_path path;
	struct cursor cursor = parser_cursor(parser, name, "tree path");
	/* Names stand before the value, and have no place of their own in an error. */
	cursor.base = parser->base > 0 ? parser->base - name.len - 1 : 0;
	parser->name_at = cursor.base;
	if (!read_tree_path(&cursor, &path)) {
		return false;
	}
	size_t count = 0;
	word = embed_word(name, &path, parser->parameters ? CONDITIONS : EMBEDS, &count);
	if (word != NULL) {
		return word->read(parser, find_level(parser, path.names, count), value);
	}
	count = path.count - 1;
	return parse_filter(parser, find_level(parser, path.names, count), path.names[count], path.path,
						value);
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
