#include "query/parse_priv.h"

/* A direction comes first; each kind at most once. */
static const struct {
	struct str word;
	bool is_direction;
	bool meant; /* descending, or nulls first */
} suffixes[] = {
	{STR_INIT("asc"), true, false},
	{STR_INIT("desc"), true, true},
	{STR_INIT("nullsfirst"), false, true},
	{STR_INIT("nullslast"), false, false},
};

static bool parse_suffixes(struct cursor *cursor, struct parsed_order *term)
{
	bool has_direction = false;
	bool has_nulls = false;
	while (cursor_take(cursor, '.')) {
		size_t from = cursor->at;
		struct str word = cursor_word(cursor);
		bool found = false;
		for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]) && !found; i++) {
			found = str_equal(word, suffixes[i].word) && !has_nulls &&
				!(suffixes[i].is_direction && has_direction);
			if (found && suffixes[i].is_direction) {
				has_direction = true;
				term->descending = suffixes[i].meant;
			} else if (found) {
				has_nulls = true;
				term->nulls_first = suffixes[i].meant;
			}
		}
		if (!found) {
			cursor->at = from;
			return cursor_fail_word(cursor,
									has_nulls ? "\",\" or end of input"
										: has_direction
										? "\"nullsfirst\" or \"nullslast\""
										: "\"asc\", \"desc\", \"nullsfirst\" or \"nullslast\"");
		}
	}
	if (!has_nulls) {
		term->nulls_first = term->descending;
	}
	cursor_space(cursor);
	return true;
}

/* `rel(column->path)`, whose name and parenthesis are taken. */
static bool parse_related(struct cursor *cursor, struct parsed_order *term)
{
	term->relation = term->column;
	if (!cursor_name(cursor, parse_expecting_name, &term->column) ||
		!parse_path(cursor, &term->path)) {
		return false;
	}
	if (!cursor_take(cursor, ')')) {
		return cursor_fail(cursor, "\")\"");
	}
	cursor_space(cursor);
	return true;
}

static bool parse_term(struct cursor *cursor, struct parsed_order *term)
{
	cursor_space(cursor);
	term->at = cursor->base + cursor->at;
	if (!cursor_name(cursor, parse_expecting_name, &term->column)) {
		return false;
	}
	bool ok = cursor_take(cursor, '(') ? parse_related(cursor, term)
									   : parse_path(cursor, &term->path);
	return ok && parse_suffixes(cursor, term);
}

bool parse_order_terms(struct parser *parser, struct parsed_level *level, struct str value)
{
	struct cursor cursor = parser_cursor(parser, value, "order");
	struct parsed_order *first = NULL;
	struct parsed_order **end = &first;
	size_t count = 0;
	do {
		if (++count > PARSE_NAMES) {
			return error_set(parser->error, ERROR_PARSE, "More than %d terms in an order",
							 PARSE_NAMES);
		}
		*end = ARENA_NEW(parser->arena, struct parsed_order);
		if (!parse_term(&cursor, *end)) {
			return false;
		}
		end = &(*end)->next;
	} while (cursor_take(&cursor, ','));
	if (!cursor_at_end(&cursor)) {
		return cursor_fail(&cursor, "delimiter (.), \",\" or end of input");
	}
	level->has_order = true;
	level->order = first;
	return true;
}

bool parse_order(struct str text, struct arena *arena, struct parsed_query *query,
				 struct error *error)
{
	struct parser parser = {.arena = arena, .query = query, .error = error};
	return parse_order_terms(&parser, &query->root, text);
}
