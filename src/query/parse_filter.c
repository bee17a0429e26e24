/*
 * DESIGN. Filters come in two shapes: `column=op.value`, a parameter of its own, whose value is raw
 * to the end, and `column.op.value` between and/or(…), where a value ends at , or ) and may be
 * quoted. Both go through parse_operation(); `nested` tells them apart. Logic is a recursive
 * descent, no deeper than limits->filter_depth.
 */
#include "query/parse_priv.h"

#include <assert.h>

static const char expecting_operator[] = "\"not\" or operator (eq, gt, ...)";
static const char expecting_logic_item[] =
	"field name (* or [a..z0..9_$]), negation operator (not) or logic operator (and, or)";

/* Of what stands behind an operator. */
enum shape { SHAPE_VALUE, SHAPE_LIST, SHAPE_IS, SHAPE_WORDS, SHAPE_POSTGRESQL };

static const struct operator_word {
	struct str word;
	enum shape shape;
	enum operator_name op;
} operator_words[] = {
#define X(name, word, shape) {STR_INIT(word), SHAPE_##shape, OPERATOR_##name},
	OPERATOR_TABLE(X)
#undef X
#define X(word) {STR_INIT(word), SHAPE_POSTGRESQL, OPERATOR_EQ},
		X("cs") X("cd") X("ov") X("sl") X("sr") X("nxr") X("nxl") X("adj")
#undef X
};
enum { OPERATOR_WORDS = sizeof(operator_words) / sizeof(operator_words[0]) };

/* Operators that may stand before (any) and (all). */
static bool takes_quantifier(enum operator_name op)
{
	return op <= OPERATOR_IMATCH && op != OPERATOR_NEQ;
}

static const struct {
	struct str word;
	enum is_what is;
} is_words[] = {
	{STR_INIT("null"), IS_NULL},   {STR_INIT("not_null"), IS_NOT_NULL}, {STR_INIT("true"), IS_TRUE},
	{STR_INIT("false"), IS_FALSE}, {STR_INIT("unknown"), IS_UNKNOWN},
};

/* ---- the tree ---- */

static struct parsed_cond *new_cond(struct parser *parser, enum cond_kind kind)
{
	struct parsed_cond *cond = ARENA_NEW(parser->arena, struct parsed_cond);
	cond->kind = kind;
	return cond;
}

static struct parsed_cond *negate(struct parser *parser, struct parsed_cond *cond)
{
	struct parsed_cond *not = new_cond(parser, COND_NOT);
	not ->children = cond;
	return not ;
}

static void add_to_where(struct parser *parser, struct parsed_level *level,
						 struct parsed_cond *cond)
{
	if (level->where == NULL) {
		level->where = new_cond(parser, COND_AND);
		level->where->children = cond;
	} else {
		level->last->next = cond;
	}
	level->last = cond;
}

static bool count_term(struct parser *parser)
{
	if (++parser->query->terms > parser->limits->filter_terms) {
		error_set(parser->error, ERROR_PARSE, "More than %llu conditions",
				  (unsigned long long)parser->limits->filter_terms);
		return error_hint(parser->error, "many values of one column are column=in.(a,b,...)");
	}
	return true;
}

/* ---- values ---- */

/* In a service file: is it `{name}` or `{name?}`, perhaps between stars? False with the error when
 * braces stand otherwise. */
static bool read_parameter(struct parser *parser, struct cursor *cursor, size_t at,
						   struct parsed_value *value)
{
	struct str text = value->text;
	size_t open = str_find(text, '{', 0);
	if (open == text.len && str_find(text, '}', 0) == text.len) {
		return true;
	}
	bool before = open > 0 && text.ptr[0] == '*';
	bool behind = str_ends_with(text, STR("*"));
	text = str_slice(text, before ? 1 : 0, text.len - (behind ? 1 : 0));
	struct str name = str_slice(text, 1, text.len > 0 ? text.len - 1 : 0);
	bool optional = str_ends_with(name, STR("?"));
	if (optional) {
		name.len--;
	}
	cursor->at = at;
	if (!str_starts_with(text, STR("{")) || !str_ends_with(text, STR("}")) || name.len == 0 ||
		str_find(name, '{', 0) < name.len || str_find(name, '}', 0) < name.len) {
		(void)cursor_fail(cursor, "a value, {NAME} or {NAME?}");
		return error_hint(parser->error,
						  "a parameter is a whole value; braces that are text stand in "
						  "quotes: and=(a.eq.\"{\")");
	}
	bool claim = str_starts_with(name, STR("claims."));
	if (claim) {
		name = str_slice(name, sizeof("claims.") - 1, name.len);
	}
	if (claim && (optional || before || behind || name.len == 0)) {
		(void)cursor_fail(cursor, "{claims.NAME}");
		return error_hint(parser->error, "a claim is never left out, and is a value, no pattern");
	}
	cursor->at += value->text.len;
	*value = (struct parsed_value){
		.text = name,
		.parameter = !claim,
		.claim = claim,
		.optional = optional,
		.any_before = before,
		.any_behind = behind,
	};
	return true;
}

/* A quoted text counts as such when a , or ) or nothing follows it. */
static bool take_quoted(struct cursor *cursor, struct str *ret_text)
{
	struct cursor ahead = *cursor;
	struct str text;
	cursor_space(&ahead);
	if (!cursor_quoted(&ahead, &text)) {
		return false;
	}
	cursor_space(&ahead);
	if (!cursor_is(&ahead, ',') && !cursor_is(&ahead, ')') && !cursor_at_end(&ahead)) {
		return false;
	}
	cursor->at = ahead.at;
	*ret_text = text;
	return true;
}

/* `{a,b}`: an array of PostgreSQL is one value with its commas. */
static bool take_braces(struct cursor *cursor, struct str *ret_text)
{
	size_t from = cursor->at;
	if (!cursor_take(cursor, '{')) {
		return false;
	}
	(void)cursor_until(cursor, "{}");
	if (!cursor_take(cursor, '}')) {
		cursor->at = from;
		return false;
	}
	*ret_text = str_slice(cursor->text, from, cursor->at);
	return true;
}

/* A value between and/or(…), or an element of a list: quoted, or raw to the next , or ). */
static bool parse_enclosed(struct parser *parser, struct cursor *cursor, bool braces,
						   struct parsed_value *ret_value)
{
	*ret_value = (struct parsed_value){.text = {NULL, 0}};
	if (take_quoted(cursor, &ret_value->text)) {
		return true;
	}
	if (parser->parameters) {
		cursor_space(cursor);
	}
	size_t from = cursor->at;
	if (!braces || !take_braces(cursor, &ret_value->text)) {
		ret_value->text = cursor_until(cursor, ",)");
	}
	if (!parser->parameters) {
		return true;
	}
	ret_value->text = str_trim(ret_value->text);
	size_t end = cursor->at;
	if (!read_parameter(parser, cursor, from, ret_value)) {
		return false;
	}
	cursor->at = end;
	return true;
}

static bool parse_value(struct parser *parser, struct cursor *cursor, bool nested,
						struct parsed_cond *cond)
{
	cond->kind = COND_COMPARE;
	if (nested) {
		return parse_enclosed(parser, cursor, true, &cond->value);
	}
	size_t from = cursor->at;
	cond->value.text = cursor_rest(cursor);
	cursor->at = cursor->text.len;
	return !parser->parameters || read_parameter(parser, cursor, from, &cond->value);
}

static void add_item(struct parser *parser, struct parsed_cond *cond, size_t *room,
					 const struct parsed_value *item)
{
	if (cond->item_count == *room) {
		*room = *room == 0 ? 8 : *room * 2;
		struct parsed_value *items = ARENA_ARRAY(parser->arena, *room, struct parsed_value);
		for (size_t i = 0; i < cond->item_count; i++) {
			items[i] = cond->items[i];
		}
		cond->items = items;
	}
	cond->items[cond->item_count++] = *item;
}

/* `(a,"b,c")`; `()` is the empty set, `(,)` two empty texts. */
static bool parse_list(struct parser *parser, struct cursor *cursor, struct parsed_cond *cond)
{
	size_t room = 0;
	cond->kind = COND_IN;
	cursor_space(cursor);
	if (!cursor_take(cursor, '(')) {
		return cursor_fail(cursor, "\"(\"");
	}
	cursor_space(cursor);
	if (cursor_take(cursor, ')')) {
		return true;
	}
	do {
		struct parsed_value item;
		if (!parse_enclosed(parser, cursor, false, &item)) {
			return false;
		}
		if (cond->item_count == parser->limits->in_items) {
			return error_set(parser->error, ERROR_PARSE, "More than %llu values in a list",
							 (unsigned long long)parser->limits->in_items);
		}
		add_item(parser, cond, &room, &item);
	} while (cursor_take(cursor, ','));
	return cursor_take(cursor, ')') || cursor_fail(cursor, "\",\" or \")\"");
}

/* An element of `{a,"b c"}`. As in PostgreSQL a backslash makes the next byte stand for itself,
 * also outside of quotes. */
static bool take_array_element(struct cursor *cursor, struct str *ret_text)
{
	cursor_space(cursor);
	if (cursor_quoted(cursor, ret_text)) {
		cursor_space(cursor);
		return true;
	}
	*ret_text = str_trim(cursor_escaped_until(cursor, ",{}\""));
	return ret_text->len > 0 || cursor_fail(cursor, "an element of an array");
}

/* `{a,b}` behind (any) and (all); `{}` is empty. */
static bool parse_array(struct parser *parser, struct cursor *cursor, struct parsed_cond *cond)
{
	size_t room = 0;
	cond->kind = COND_COMPARE;
	cursor_space(cursor);
	if (!cursor_take(cursor, '{')) {
		return cursor_fail(cursor, "\"{\"");
	}
	cursor_space(cursor);
	if (cursor_take(cursor, '}')) {
		return true;
	}
	do {
		struct parsed_value item = {.text = {NULL, 0}};
		if (!take_array_element(cursor, &item.text)) {
			return false;
		}
		if (cond->item_count == parser->limits->in_items) {
			return error_set(parser->error, ERROR_PARSE, "More than %llu values in a list",
							 (unsigned long long)parser->limits->in_items);
		}
		add_item(parser, cond, &room, &item);
	} while (cursor_take(cursor, ','));
	return cursor_take(cursor, '}') || cursor_fail(cursor, "\",\" or \"}\"");
}

/* Between and/or(…) an array may stand in quotes, as any value. */
static bool parse_quantified(struct parser *parser, struct cursor *cursor, bool nested,
							 struct parsed_cond *cond)
{
	struct cursor inner = *cursor;
	if (!nested || !take_quoted(cursor, &inner.text)) {
		return parse_array(parser, cursor, cond);
	}
	inner.base += inner.at + 1;
	inner.at = 0;
	inner.columns = 0;
	if (!parse_array(parser, &inner, cond)) {
		return false;
	}
	return cursor_at_end(&inner) || cursor_fail(&inner, "end of input");
}

static bool parse_is(struct cursor *cursor, struct parsed_cond *cond)
{
	size_t from = cursor->at;
	struct str word = cursor_word(cursor);
	cond->kind = COND_IS;
	for (size_t i = 0; i < sizeof(is_words) / sizeof(is_words[0]); i++) {
		if (str_equal_nocase(word, is_words[i].word)) {
			cond->is = is_words[i].is;
			return true;
		}
	}
	cursor->at = from;
	return cursor_fail_word(cursor, "isVal: (null, not_null, true, false, unknown)");
}

/* ---- operations ---- */

/* What needs PostgreSQL's arrays and ranges. */
static bool refuse_operator(struct cursor *cursor, size_t from, struct str word)
{
	cursor->at = from;
	error_set_at(cursor->error, ERROR_UNSUPPORTED, cursor->base + from, NULL);
	return error_details(cursor->error, "the operator \"%.*s\"", STR_ARG(word));
}

static const struct operator_word *find_operator(struct str word)
{
	for (size_t i = 0; i < OPERATOR_WORDS; i++) {
		if (str_equal(word, operator_words[i].word)) {
			return &operator_words[i];
		}
	}
	return NULL;
}

bool parse_is_operation(struct str value)
{
	struct cursor cursor = {.text = value};
	(void)cursor_take_text(&cursor, STR("not."));
	return find_operator(cursor_word(&cursor)) != NULL &&
		(cursor_is(&cursor, '.') || cursor_is(&cursor, '('));
}

/* `(any)`, `(all)` or `(english)` behind an operator, or nothing. */
static bool parse_argument(struct cursor *cursor, const struct operator_word *word,
						   struct parsed_cond *cond)
{
	bool words = word->shape == SHAPE_WORDS;
	if ((!words && !takes_quantifier(word->op)) || !cursor_take(cursor, '(')) {
		return true;
	}
	size_t from = cursor->at;
	struct str argument = cursor_word(cursor);
	bool any = str_equal(argument, STR("any"));
	if (words ? argument.len == 0 : !any && !str_equal(argument, STR("all"))) {
		cursor->at = from;
		return cursor_fail_word(cursor, words ? "a text search configuration" : "any or all");
	}
	if (!cursor_take(cursor, ')')) {
		return cursor_fail(cursor, "\")\"");
	}
	if (words) {
		cond->config = argument;
	} else {
		cond->quantifier = any ? QUANTIFIER_ANY : QUANTIFIER_ALL;
	}
	return true;
}

static bool parse_operator(struct cursor *cursor, struct parsed_cond *cond,
						   const struct operator_word **ret_operator)
{
	size_t from = cursor->at;
	struct str word = cursor_word(cursor);
	const struct operator_word *row = find_operator(word);
	if (row == NULL) {
		cursor->at = from;
		return cursor_fail_word(cursor, expecting_operator);
	}
	if (row->shape == SHAPE_POSTGRESQL && cursor_is(cursor, '.')) {
		return refuse_operator(cursor, from, word);
	}
	if (!parse_argument(cursor, row, cond)) {
		return false;
	}
	if (!cursor_take(cursor, '.')) {
		return cursor_fail(cursor, "delimiter (.)");
	}
	*ret_operator = row;
	return true;
}

static bool parse_operand(struct parser *parser, struct cursor *cursor, bool nested,
						  enum shape shape, struct parsed_cond *cond)
{
	switch (shape) {
	case SHAPE_LIST:
		return parse_list(parser, cursor, cond);
	case SHAPE_IS:
		return parse_is(cursor, cond);
	case SHAPE_VALUE:
	case SHAPE_WORDS:
	case SHAPE_POSTGRESQL:
		break;
	}
	return cond->quantifier != QUANTIFIER_NONE ? parse_quantified(parser, cursor, nested, cond)
											   : parse_value(parser, cursor, nested, cond);
}

/* `[not.]op.value`; the result may be a NOT. */
static bool parse_operation(struct parser *parser, struct cursor *cursor, bool nested,
							struct parsed_cond *cond, struct parsed_cond **ret_cond)
{
	bool negated = cursor_take_text(cursor, STR("not."));
	const struct operator_word *word = NULL;
	if (!count_term(parser) || !parse_operator(cursor, cond, &word)) {
		return false;
	}
	cond->op = word->op;
	bool ok = parse_operand(parser, cursor, nested, word->shape, cond);
	*ret_cond = negated ? negate(parser, cond) : cond;
	return ok;
}

bool parse_filter(struct parser *parser, struct parsed_level *level, struct str column,
				  const struct json_path *path, struct str value)
{
	struct parsed_cond *cond = new_cond(parser, COND_COMPARE);
	struct cursor cursor = parser_cursor(parser, value, "filter");
	cond->column = column;
	cond->path = path;
	cond->at = parser->name_at;
	if (!parse_operation(parser, &cursor, false, cond, &cond)) {
		return false;
	}
	if (!cursor_at_end(&cursor)) {
		return cursor_fail(&cursor, "end of input");
	}
	add_to_where(parser, level, cond);
	return true;
}

/* ---- logic ---- */

static bool parse_group(struct parser *parser, struct cursor *cursor, enum cond_kind kind,
						size_t depth, struct parsed_cond **ret_cond);

/* Takes `[not.]and` or `[not.]or` when a ( follows; such a name of a column would have a dot. */
static bool take_logic_word(struct cursor *cursor, bool *ret_negated, enum cond_kind *ret_kind)
{
	struct cursor ahead = *cursor;
	*ret_negated = cursor_take_text(&ahead, STR("not."));
	if (cursor_take_text(&ahead, STR("and"))) {
		*ret_kind = COND_AND;
	} else if (cursor_take_text(&ahead, STR("or"))) {
		*ret_kind = COND_OR;
	} else {
		return false;
	}
	cursor_space(&ahead);
	if (!cursor_is(&ahead, '(')) {
		return false;
	}
	cursor->at = ahead.at;
	return true;
}

static bool parse_nested_filter(struct parser *parser, struct cursor *cursor,
								struct parsed_cond **ret_cond)
{
	struct parsed_cond *cond = new_cond(parser, COND_COMPARE);
	cond->at = cursor->base + cursor->at;
	if (!cursor_name(cursor, expecting_logic_item, &cond->column) ||
		!parse_path(cursor, &cond->path)) {
		return false;
	}
	if (!cursor_take(cursor, '.')) {
		return cursor_fail(cursor, "delimiter (.)");
	}
	return parse_operation(parser, cursor, true, cond, ret_cond);
}

static bool parse_logic_item(struct parser *parser, struct cursor *cursor, size_t depth,
							 struct parsed_cond **ret_cond)
{
	bool negated;
	enum cond_kind kind;
	cursor_space(cursor);
	if (!take_logic_word(cursor, &negated, &kind)) {
		return parse_nested_filter(parser, cursor, ret_cond);
	}
	if (!parse_group(parser, cursor, kind, depth, ret_cond)) {
		return false;
	}
	*ret_cond = negated ? negate(parser, *ret_cond) : *ret_cond;
	return true;
}

/* `(cond,cond,…)` */
static bool parse_group(struct parser *parser, struct cursor *cursor, enum cond_kind kind,
						size_t depth, struct parsed_cond **ret_cond)
{
	if (depth == parser->limits->filter_depth) {
		return error_set_at(parser->error, ERROR_PARSE, cursor->base + cursor->at,
							"Conditions nested deeper than %llu levels",
							(unsigned long long)parser->limits->filter_depth);
	}
	struct parsed_cond *group = new_cond(parser, kind);
	struct parsed_cond **end = &group->children;
	cursor_space(cursor);
	if (!cursor_take(cursor, '(')) {
		return cursor_fail(cursor, "\"(\"");
	}
	do {
		if (!parse_logic_item(parser, cursor, depth + 1, end)) {
			return false;
		}
		end = &(*end)->next;
		cursor_space(cursor);
	} while (cursor_take(cursor, ','));
	if (!cursor_take(cursor, ')')) {
		return cursor_fail(cursor, "\",\" or \")\"");
	}
	cursor_space(cursor);
	*ret_cond = group;
	return true;
}

bool parse_logic(struct parser *parser, struct parsed_level *level, enum cond_kind kind,
				 bool negated, struct str value)
{
	struct cursor cursor = parser_cursor(parser, value, "logic tree");
	/* PostgREST counts them as one text: or(…) */
	cursor.columns = strlen(kind == COND_AND ? "and" : "or") + (negated ? strlen("not.") : 0);
	struct parsed_cond *cond;
	if (!parse_group(parser, &cursor, kind, 0, &cond)) {
		return false;
	}
	if (!cursor_at_end(&cursor)) {
		return cursor_fail(&cursor, "end of input");
	}
	add_to_where(parser, level, negated ? negate(parser, cond) : cond);
	return true;
}
