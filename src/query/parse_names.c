#include "query/parse_priv.h"

const char parse_expecting_name[] = "field name (* or [a..z0..9_$])";

enum { STEPS_MAX = 64 };

/* ---- paths into json fields ---- */

static bool is_digit(const struct cursor *cursor)
{
	return !cursor_at_end(cursor) && cursor->text.ptr[cursor->at] >= '0' &&
		cursor->text.ptr[cursor->at] <= '9';
}

/* Can a position end here? Else its digits begin a name, as those of `0a` and `0-a` do. */
static bool ends_position(const struct cursor *cursor)
{
	struct str rest = cursor_rest(cursor);
	return rest.len == 0 || strchr(".,)", rest.ptr[0]) != NULL ||
		str_starts_with(rest, STR("->")) || str_starts_with(rest, STR("::"));
}

/* Takes `0` or `-1` when no name goes on behind it. What does not fit is far beyond any array. */
static bool take_position(struct cursor *cursor, struct json_step *step)
{
	struct cursor ahead = *cursor;
	bool negative = cursor_take(&ahead, '-');
	int64_t position = 0;
	if (!is_digit(&ahead)) {
		return false;
	}
	while (is_digit(&ahead)) {
		int digit = ahead.text.ptr[ahead.at++] - '0';
		position = position > (INT64_MAX - digit) / 10 ? INT64_MAX : position * 10 + digit;
	}
	size_t end = ahead.at;
	cursor_space(&ahead);
	if (!ends_position(&ahead)) {
		return false;
	}
	step->is_position = true;
	step->position = negative ? -position : position;
	step->key = str_slice(cursor->text, cursor->at, end);
	cursor->at = ahead.at;
	return true;
}

bool parse_path(struct cursor *cursor, const struct json_path **ret_path)
{
	*ret_path = NULL;
	struct json_step steps[STEPS_MAX];
	size_t count = 0;
	bool as_text = false;
	while (!as_text && cursor_take_text(cursor, STR("->"))) {
		as_text = cursor_take(cursor, '>');
		if (count == STEPS_MAX) {
			return error_set(cursor->error, ERROR_PARSE, "More than %d steps in a json path",
							 STEPS_MAX);
		}
		struct json_step *step = &steps[count++];
		*step = (struct json_step){.is_position = false};
		if (!take_position(cursor, step) &&
			!cursor_name(cursor, "key or position of a json path", &step->key)) {
			return false;
		}
	}
	if (count == 0) {
		return true;
	}
	struct json_step *kept = ARENA_ARRAY(cursor->arena, count, struct json_step);
	memcpy(kept, steps, count * sizeof(*steps));
	struct json_path *path = ARENA_NEW(cursor->arena, struct json_path);
	*path = (struct json_path){.steps = kept, .count = count, .as_text = as_text};
	*ret_path = path;
	return true;
}

/* ---- lists of names ---- */

static bool add_name(struct cursor *cursor, struct str **names, size_t *count, size_t *room,
					 struct str name)
{
	if (*count == PARSE_NAMES) {
		return error_set(cursor->error, ERROR_PARSE, "More than %d names in a list", PARSE_NAMES);
	}
	if (*count == *room) {
		*room = *room == 0 ? 8 : *room * 2;
		struct str *more = ARENA_ARRAY(cursor->arena, *room, struct str);
		for (size_t i = 0; i < *count; i++) {
			more[i] = (*names)[i];
		}
		*names = more;
	}
	(*names)[(*count)++] = name;
	return true;
}

bool parse_names(struct cursor *cursor, struct parsed_names *ret_names)
{
	struct str *names = NULL;
	size_t count = 0;
	size_t room = 0;
	do {
		struct str name;
		if (!cursor_name(cursor, parse_expecting_name, &name) ||
			!add_name(cursor, &names, &count, &room, name)) {
			return false;
		}
	} while (cursor_take(cursor, ','));
	if (!cursor_at_end(cursor)) {
		return cursor_fail(cursor, "\",\" or end of input");
	}
	*ret_names = (struct parsed_names){names, count};
	return true;
}

/* A text in quotes counts as such when a comma or nothing follows it. */
static struct str take_key_part(struct cursor *cursor)
{
	struct cursor ahead = *cursor;
	struct str text;
	if (cursor_quoted(&ahead, &text) && (cursor_at_end(&ahead) || cursor_is(&ahead, ','))) {
		cursor->at = ahead.at;
		return text;
	}
	return cursor_until(cursor, ",");
}

bool parse_key(struct str text, struct arena *arena, struct parsed_names *ret_values,
			   struct error *error)
{
	struct cursor cursor = {.text = text, .what = "key", .arena = arena, .error = error};
	struct str *values = NULL;
	size_t count = 0;
	size_t room = 0;
	do {
		if (!add_name(&cursor, &values, &count, &room, take_key_part(&cursor))) {
			return false;
		}
	} while (cursor_take(&cursor, ','));
	*ret_values = (struct parsed_names){values, count};
	return true;
}
