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

static bool parse_term(struct cursor *cursor, struct parsed_order *term)
{
	cursor_space(cursor);
	term->at = cursor->at;
	if (!cursor_name(cursor, "field name (* or [a..z0..9_$])", &term->column)) {
		return false;
	}
	if (str_starts_with(cursor_rest(cursor), STR("->"))) {
		return cursor_unsupported(cursor, "json paths");
	}
	if (cursor_is(cursor, '(')) {
		return cursor_unsupported(cursor, "order by a field of an embedded resource");
	}
	return parse_suffixes(cursor, term);
}

bool parse_order(struct str text, struct arena *arena, struct parsed_query *query,
				 struct error *error)
{
	struct cursor cursor = {.text = text, .what = "order", .arena = arena, .error = error};
	struct parsed_order *first = NULL;
	struct parsed_order **end = &first;
	do {
		*end = ARENA_NEW(arena, struct parsed_order);
		if (!parse_term(&cursor, *end)) {
			return false;
		}
		end = &(*end)->next;
	} while (cursor_take(&cursor, ','));
	if (!cursor_at_end(&cursor)) {
		return cursor_fail(&cursor, "delimiter (.), \",\" or end of input");
	}
	query->order = first;
	return true;
}
