/*
 * DESIGN. A name decides late what it is: an alias when a colon follows it, an embedded resource
 * when `(` or `!` does, else a field. Embedded resources nest by recursion, no deeper than
 * limits->embed_depth.
 */
#include "query/parse_priv.h"

static const char expecting_item[] =
	"\"...\", field name (* or [a..z0..9_$]), \"*\" or \"count()\"";

static const struct {
	struct str word;
	enum aggregate aggregate;
} aggregates[] = {
	{STR_INIT("sum()"), AGGREGATE_SUM},     {STR_INIT("avg()"), AGGREGATE_AVG},
	{STR_INIT("count()"), AGGREGATE_COUNT}, {STR_INIT("max()"), AGGREGATE_MAX},
	{STR_INIT("min()"), AGGREGATE_MIN},
};

struct selector {
	struct cursor cursor;
	const struct limits *limits;
};

static bool parse_items(struct selector *selector, size_t depth, struct parsed_item **ret_first);

/* ---- fields ---- */

/* `::type`, or nothing. */
static bool take_cast(struct cursor *cursor, struct str *ret_cast)
{
	if (!cursor_take_text(cursor, STR("::"))) {
		return true;
	}
	*ret_cast = str_trim(cursor_until(cursor, ".,):"));
	return ret_cast->len > 0 || cursor_fail(cursor, "the name of a type");
}

static bool take_aggregate(struct cursor *cursor, enum aggregate *ret_aggregate)
{
	if (!cursor_take(cursor, '.')) {
		return true;
	}
	for (size_t i = 0; i < sizeof(aggregates) / sizeof(aggregates[0]); i++) {
		if (cursor_take_text(cursor, aggregates[i].word)) {
			*ret_aggregate = aggregates[i].aggregate;
			cursor_space(cursor);
			return true;
		}
	}
	return cursor_fail_word(cursor, "\"sum()\", \"avg()\", \"count()\", \"max()\" or \"min()\"");
}

/* What stands behind the name of a field. */
static bool parse_field(struct cursor *cursor, struct parsed_item *item)
{
	item->kind = ITEM_FIELD;
	if (!parse_path(cursor, &item->path) || !take_cast(cursor, &item->cast) ||
		!take_aggregate(cursor, &item->aggregate)) {
		return false;
	}
	return item->aggregate == AGGREGATE_NONE || take_cast(cursor, &item->result_cast);
}

/* ---- embedded resources ---- */

/* `!inner`, `!left` or a hint; of two joins the first counts. */
static bool take_hints(struct cursor *cursor, struct parsed_item *item)
{
	size_t hints = 0;
	for (size_t i = 0; i < PARSE_HINTS && cursor_take(cursor, '!'); i++) {
		struct str word;
		if (!cursor_name(cursor, "\"inner\", \"left\" or the name of a relation", &word)) {
			return false;
		}
		bool inner = str_equal(word, STR("inner"));
		if (!inner && !str_equal(word, STR("left"))) {
			item->hints[hints++] = word;
		} else if (item->join == JOIN_UNSAID) {
			item->join = inner ? JOIN_INNER : JOIN_LEFT;
		}
	}
	return true;
}

static bool parse_relation(struct selector *selector, size_t depth, struct parsed_item *item)
{
	struct cursor *cursor = &selector->cursor;
	item->kind = ITEM_RELATION;
	if (!take_hints(cursor, item)) {
		return false;
	}
	if (!cursor_take(cursor, '(')) {
		return cursor_fail(cursor, "\"(\"");
	}
	if (depth == selector->limits->embed_depth) {
		return error_set_at(cursor->error, ERROR_PARSE, cursor->base + cursor->at,
							"Embedded resources nested deeper than %llu levels",
							(unsigned long long)selector->limits->embed_depth);
	}
	cursor_space(cursor);
	if (!cursor_is(cursor, ')') && !parse_items(selector, depth + 1, &item->children)) {
		return false;
	}
	if (!cursor_take(cursor, ')')) {
		return cursor_fail(cursor, "\",\" or \")\"");
	}
	cursor_space(cursor);
	return true;
}

/* ---- items ---- */

static bool parse_named(struct selector *selector, size_t depth, struct parsed_item *item)
{
	struct cursor *cursor = &selector->cursor;
	size_t from = cursor->at;
	if (!cursor_name(cursor, expecting_item, &item->column)) {
		return false;
	}
	if (cursor_is(cursor, ':') && !str_starts_with(cursor_rest(cursor), STR("::"))) {
		cursor->at++;
		item->alias = item->column;
		from = cursor->at;
		item->at = cursor->base + cursor->at;
		if (!cursor_name(cursor, parse_expecting_name, &item->column)) {
			return false;
		}
	}
	bool quoted = str_starts_with(str_slice(cursor->text, from, cursor->text.len), STR("\""));
	if (!quoted && str_equal(item->column, STR("count")) && cursor_take_text(cursor, STR("()"))) {
		item->kind = ITEM_COUNT;
		cursor_space(cursor);
		return take_cast(cursor, &item->result_cast);
	}
	return cursor_is(cursor, '(') || cursor_is(cursor, '!') ? parse_relation(selector, depth, item)
															: parse_field(cursor, item);
}

static bool parse_item(struct selector *selector, size_t depth, struct parsed_item *item)
{
	struct cursor *cursor = &selector->cursor;
	cursor_space(cursor);
	item->at = cursor->base + cursor->at;
	if (cursor_take(cursor, '*')) {
		item->kind = ITEM_ALL;
		item->column = STR("*");
		cursor_space(cursor);
		return true;
	}
	if (!cursor_take_text(cursor, STR("..."))) {
		return parse_named(selector, depth, item);
	}
	item->spread = true;
	return cursor_name(cursor, parse_expecting_name, &item->column) &&
		parse_relation(selector, depth, item);
}

static bool parse_items(struct selector *selector, size_t depth, struct parsed_item **ret_first)
{
	struct parsed_item **end = ret_first;
	do {
		*end = ARENA_NEW(selector->cursor.arena, struct parsed_item);
		if (!parse_item(selector, depth, *end)) {
			return false;
		}
		end = &(*end)->next;
	} while (cursor_take(&selector->cursor, ','));
	return true;
}

bool parse_select(struct str text, const struct limits *limits, struct arena *arena,
				  struct parsed_query *query, struct error *error)
{
	struct selector selector = {
		.cursor = {.text = text, .what = "select parameter", .arena = arena, .error = error},
		.limits = limits,
	};
	struct cursor *cursor = &selector.cursor;
	struct parsed_item *first = NULL;
	cursor_space(cursor);
	if (!cursor_at_end(cursor) && !parse_items(&selector, 0, &first)) {
		return false;
	}
	if (!cursor_at_end(cursor)) {
		return cursor_fail(cursor, "\",\" or end of input");
	}
	query->select = first;
	query->has_select = true;
	return true;
}
