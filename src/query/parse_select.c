#include "query/parse_priv.h"

static const char expecting_item[] =
	"\"...\", field name (* or [a..z0..9_$]), \"*\" or \"count()\"";

static const struct str aggregates[] = {
	STR_INIT("sum()"), STR_INIT("avg()"), STR_INIT("count()"), STR_INIT("max()"), STR_INIT("min()"),
};

/* What the grammar has behind a name and this version does not. True when there is nothing. */
static bool refuse_later(struct cursor *cursor, struct str name)
{
	struct str rest = cursor_rest(cursor);
	if (str_starts_with(rest, STR("->"))) {
		return cursor_unsupported(cursor, "json paths");
	}
	if (str_starts_with(rest, STR("::"))) {
		return cursor_unsupported(cursor, "casts");
	}
	if (str_equal(name, STR("count")) && str_starts_with(rest, STR("()"))) {
		return cursor_unsupported(cursor, "aggregate functions");
	}
	if (cursor_is(cursor, '(') || cursor_is(cursor, '!')) {
		return cursor_unsupported(cursor, "embedded resources");
	}
	for (size_t i = 0; i < sizeof(aggregates) / sizeof(aggregates[0]); i++) {
		if (cursor_is(cursor, '.') &&
			str_starts_with(str_slice(rest, 1, rest.len), aggregates[i])) {
			return cursor_unsupported(cursor, "aggregate functions");
		}
	}
	return true;
}

static bool parse_item(struct cursor *cursor, struct parsed_item *item)
{
	cursor_space(cursor);
	item->at = cursor->at;
	if (cursor_take(cursor, '*')) {
		item->all = true;
		item->column = STR("*");
		cursor_space(cursor);
		return true;
	}
	if (str_starts_with(cursor_rest(cursor), STR("..."))) {
		return cursor_unsupported(cursor, "embedded resources");
	}
	if (!cursor_name(cursor, expecting_item, &item->column)) {
		return false;
	}
	if (cursor_is(cursor, ':') && !str_starts_with(cursor_rest(cursor), STR("::"))) {
		cursor->at++;
		item->alias = item->column;
		item->at = cursor->at;
		if (!cursor_name(cursor, "field name (* or [a..z0..9_$])", &item->column)) {
			return false;
		}
	}
	return refuse_later(cursor, item->column);
}

bool parse_select(struct str text, struct arena *arena, struct parsed_query *query,
				  struct error *error)
{
	struct cursor cursor = {
		.text = text,
		.what = "select parameter",
		.arena = arena,
		.error = error,
	};
	struct parsed_item *first = NULL;
	struct parsed_item **end = &first;
	cursor_space(&cursor);
	if (!cursor_at_end(&cursor)) {
		do {
			*end = ARENA_NEW(arena, struct parsed_item);
			if (!parse_item(&cursor, *end)) {
				return false;
			}
			end = &(*end)->next;
		} while (cursor_take(&cursor, ','));
	}
	if (!cursor_at_end(&cursor)) {
		return cursor_fail(&cursor, "\",\" or end of input");
	}
	query->select = first;
	return true;
}
