/*
 * DESIGN. to_tsquery's grammar, loosest first; spaces may stand between all of it:
 *
 *   any     = all { "|" all }
 *   all     = phrase { "&" phrase }
 *   phrase  = one { ( "<->" | "<" digits ">" ) one }
 *   one     = { "!" } ( "(" any ")" | operand )
 *   operand = ( text | "'" text "'" ) [ ":" { "*" } ]
 *
 * An operand without words (`%`) falls out of the question; in a phrase it keeps its distance:
 * `a <-> % <-> b` is a <2> b, as PostgreSQL has it. Operands of | and & are joined as balanced
 * trees, so that the depth of a tree follows the nesting of its text, not its length. All words of
 * a question lie in one array in the order of the text, those of a phrase side by side.
 */
#include "codec/words.h"

#include <assert.h>

#include "codec/utf8.h"
#include "codec/words_priv.h"

struct parser {
	struct str text;
	size_t at;
	struct arena *arena;
	struct error *error;
	struct word *words; /* arena */
	size_t count;       /* of words */
	char *plain;        /* room for the text without its quotes and backslashes */
	size_t depth;
};

/* Part of a question. `before` and `after` are the distances that operands without words have left
 * at its ends; both are the same one when nothing is left of it. */
struct part {
	struct words_node *node; /* NULL: no words */
	uint32_t before;
	uint32_t after;
};

struct item {
	struct words_node *node;
	struct item *next;
};

struct list {
	struct item *first;
	struct item *last;
	size_t count;
};

static bool parse_any(struct parser *parser, struct part *ret_part);

static bool refuse(const struct parser *parser, size_t at)
{
	return error_set_at(parser->error, ERROR_SYNTAX, at, "syntax error in tsquery: \"%.*s\"",
						STR_ARG(parser->text));
}

static struct words_node *make_node(const struct parser *parser, enum words_kind kind,
									const struct words_node *first, const struct words_node *second)
{
	struct words_node *node = ARENA_NEW(parser->arena, struct words_node);
	node->kind = kind;
	node->children[0] = first;
	node->children[1] = second;
	return node;
}

static void list_add(const struct parser *parser, struct list *list, struct words_node *node)
{
	if (node == NULL) {
		return;
	}
	struct item *item = ARENA_NEW(parser->arena, struct item);
	item->node = node;
	if (list->last == NULL) {
		list->first = item;
	} else {
		list->last->next = item;
	}
	list->last = item;
	list->count++;
}

/* Joins `count` > 0 nodes from *item on, which moves behind them. */
static struct words_node *join(const struct parser *parser, enum words_kind kind,
							   struct item **item, size_t count)
{
	if (count == 1) {
		struct words_node *node = (*item)->node;
		*item = (*item)->next;
		return node;
	}
	struct words_node *first = join(parser, kind, item, count / 2);
	struct words_node *second = join(parser, kind, item, count - count / 2);
	return make_node(parser, kind, first, second);
}

static struct words_node *list_join(const struct parser *parser, enum words_kind kind,
									const struct list *list)
{
	struct item *item = list->first;
	return list->count == 0 ? NULL : join(parser, kind, &item, list->count);
}

/* The words of a text, one after another, as a phrase; NULL when it has none. `at` is where the
 * text stands in the question. */
static bool add_words(struct parser *parser, struct str text, size_t at, bool prefix,
					  struct words_node **ret_node)
{
	struct word *first = parser->words + parser->count;
	size_t count = 0;
	size_t next = 0;
	struct token token;
	while (words_next(text, &next, &token)) {
		if (parser->count == WORDS_MAX) {
			return error_set_at(parser->error, ERROR_TOO_LONG, at,
								"a text search for more than %d words", WORDS_MAX);
		}
		first[count] = (struct word){
			.text = words_lower(parser->arena, token),
			.prefix = prefix,
			.distance = count > 0,
		};
		count++;
		parser->count++;
	}
	*ret_node = NULL;
	if (count > 0) {
		*ret_node = make_node(parser, WORDS_PHRASE, NULL, NULL);
		(*ret_node)->phrase = (struct phrase){first, count};
	}
	return true;
}

static struct words_node *negate(const struct parser *parser, struct words_node *node)
{
	return node == NULL ? NULL : make_node(parser, WORDS_NOT, node, NULL);
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_operator(char c)
{
	return c == '!' || c == '&' || c == '|' || c == '(' || c == ')' || c == '<';
}

static bool at_end(const struct parser *parser)
{
	return parser->at == parser->text.len;
}

static void skip_spaces(struct parser *parser)
{
	while (!at_end(parser) && is_space(parser->text.ptr[parser->at])) {
		parser->at++;
	}
}

/* Behind spaces. */
static bool accept(struct parser *parser, char c)
{
	skip_spaces(parser);
	if (at_end(parser) || parser->text.ptr[parser->at] != c) {
		return false;
	}
	parser->at++;
	return true;
}

/* The text of an operand without its quotes and backslashes, in parser->plain. */
static bool read_operand(struct parser *parser, struct str *ret_text)
{
	size_t from = parser->at;
	size_t len = 0;
	bool quoted = accept(parser, '\'');
	for (;; parser->at++) {
		if (at_end(parser)) {
			if (quoted) {
				return refuse(parser, from);
			}
			break;
		}
		char c = parser->text.ptr[parser->at];
		if (c == '\\') {
			if (++parser->at == parser->text.len) {
				return refuse(parser, from);
			}
			c = parser->text.ptr[parser->at];
		} else if (quoted && c == '\'') {
			/* Two of them stand for one. */
			parser->at++;
			if (at_end(parser) || parser->text.ptr[parser->at] != '\'') {
				break;
			}
		} else if (!quoted && (is_space(c) || is_operator(c) || c == ':')) {
			break;
		}
		parser->plain[len++] = c;
	}
	*ret_text = (struct str){parser->plain, len};
	return len > 0 || refuse(parser, from);
}

static bool read_flags(struct parser *parser, bool *ret_prefix)
{
	*ret_prefix = false;
	if (at_end(parser) || parser->text.ptr[parser->at] != ':') {
		return true;
	}
	for (parser->at++; !at_end(parser); parser->at++) {
		char c = parser->text.ptr[parser->at];
		if ((c >= 'a' && c <= 'd') || (c >= 'A' && c <= 'D')) {
			return error_set_at(parser->error, ERROR_UNSUPPORTED, parser->at,
								"Weights in a text search (:%c) are not supported", c);
		}
		if (c != '*') {
			break;
		}
		*ret_prefix = true;
	}
	return true;
}

static bool parse_operand(struct parser *parser, struct words_node **ret_node)
{
	size_t from = parser->at;
	struct str text;
	bool prefix;
	return read_operand(parser, &text) && read_flags(parser, &prefix) &&
		add_words(parser, text, from, prefix, ret_node);
}

static bool parse_one(struct parser *parser, struct part *ret_part)
{
	bool negated = false;
	while (accept(parser, '!')) {
		negated = !negated;
	}
	if (at_end(parser)) {
		return error_set_at(parser->error, ERROR_SYNTAX, parser->at,
							"no operand in tsquery: \"%.*s\"", STR_ARG(parser->text));
	}
	struct part part = {0};
	if (accept(parser, '(')) {
		if (parser->depth == WORDS_DEPTH) {
			return error_set_at(parser->error, ERROR_SYNTAX, parser->at - 1,
								"a text search nested deeper than %d levels", WORDS_DEPTH);
		}
		parser->depth++;
		if (!parse_any(parser, &part)) {
			return false;
		}
		if (!accept(parser, ')')) {
			return refuse(parser, parser->at);
		}
		parser->depth--;
	} else if (!parse_operand(parser, &part.node)) {
		return false;
	}
	if (negated) {
		part.node = negate(parser, part.node);
	}
	*ret_part = part;
	return true;
}

/* Distances above WORDS_SPAN are all alike: too far. */
static uint32_t add_distances(uint32_t a, uint32_t b)
{
	return a + b > WORDS_SPAN ? WORDS_SPAN + 1 : a + b;
}

static const char *kind_name(enum words_kind kind)
{
	switch (kind) {
	case WORDS_AND:
		return "&";
	case WORDS_OR:
		return "|";
	case WORDS_NOT:
		return "!";
	case WORDS_PHRASE:
		break;
	}
	return "<->";
}

/* Puts `right` behind the phrase in `left`; `at` is where the operator stands. */
static bool append(const struct parser *parser, struct part *left, uint32_t distance, size_t at,
				   const struct part *right)
{
	struct words_node *wrong = left->node->kind != WORDS_PHRASE ? left->node : right->node;
	if (wrong->kind != WORDS_PHRASE) {
		return error_set_at(parser->error, ERROR_UNSUPPORTED, at,
							"\"%s\" beside <-> in a text search is not supported",
							kind_name(wrong->kind));
	}
	struct phrase *phrase = &left->node->phrase;
	assert(phrase->words + phrase->count == right->node->phrase.words);
	struct word *next = parser->words + (right->node->phrase.words - parser->words);
	next->distance = add_distances(distance, add_distances(left->after, right->before));
	phrase->count += right->node->phrase.count;
	uint32_t span = 0;
	for (size_t i = 0; i < phrase->count; i++) {
		span = add_distances(span, phrase->words[i].distance);
	}
	if (span > WORDS_SPAN) {
		return error_set_at(parser->error, ERROR_SYNTAX, at,
							"the words of a phrase are at most %d words apart", WORDS_SPAN);
	}
	left->after = right->after;
	return true;
}

static bool join_phrase(const struct parser *parser, struct part *left, uint32_t distance,
						size_t at, const struct part *right)
{
	if (left->node != NULL && right->node != NULL) {
		return append(parser, left, distance, at, right);
	}
	if (left->node != NULL) {
		left->after = add_distances(left->after, add_distances(distance, right->before));
		return true;
	}
	uint32_t before = add_distances(left->before, add_distances(distance, right->before));
	left->after = right->node == NULL ? before : right->after;
	left->before = before;
	left->node = right->node;
	return true;
}

/* What stands behind "<". */
static bool read_distance(struct parser *parser, uint32_t *ret_distance)
{
	size_t from = parser->at - 1;
	uint32_t distance = 0;
	if (!at_end(parser) && parser->text.ptr[parser->at] == '-') {
		distance = 1;
		parser->at++;
	} else {
		size_t digits = parser->at;
		for (; !at_end(parser); parser->at++) {
			char c = parser->text.ptr[parser->at];
			if (c < '0' || c > '9') {
				break;
			}
			if (distance <= WORDS_SPAN) {
				distance = distance * 10 + (uint32_t)(c - '0');
			}
		}
		if (parser->at == digits) {
			return refuse(parser, from);
		}
	}
	if (at_end(parser) || parser->text.ptr[parser->at] != '>') {
		return refuse(parser, from);
	}
	parser->at++;
	if (distance == 0) {
		return error_set_at(parser->error, ERROR_UNSUPPORTED, from,
							"<0> in a text search is not supported");
	}
	if (distance > WORDS_SPAN) {
		return error_set_at(parser->error, ERROR_SYNTAX, from,
							"distance in phrase operator must be an integer value between zero "
							"and %d inclusive",
							WORDS_SPAN);
	}
	*ret_distance = distance;
	return true;
}

static bool parse_phrase(struct parser *parser, struct part *ret_part)
{
	struct part left;
	if (!parse_one(parser, &left)) {
		return false;
	}
	while (accept(parser, '<')) {
		size_t at = parser->at - 1;
		uint32_t distance = 0;
		struct part right;
		if (!read_distance(parser, &distance) || !parse_one(parser, &right) ||
			!join_phrase(parser, &left, distance, at, &right)) {
			return false;
		}
	}
	*ret_part = left;
	return true;
}

/* Operands of & or |. Two that are left make a node, which keeps no distance; one stands for all;
 * of none the largest distance is left. */
static bool parse_list(struct parser *parser, enum words_kind kind, struct part *ret_part)
{
	struct list list = {0};
	struct part all = {0};
	do {
		struct part part;
		bool good = kind == WORDS_OR ? parse_list(parser, WORDS_AND, &part)
									 : parse_phrase(parser, &part);
		if (!good) {
			return false;
		}
		list_add(parser, &list, part.node);
		if (part.node != NULL ? list.count == 1 : list.count == 0 && part.before > all.before) {
			all = part;
		}
	} while (accept(parser, kind == WORDS_OR ? '|' : '&'));
	if (list.count > 1) {
		all = (struct part){.node = list_join(parser, kind, &list)};
	}
	*ret_part = all;
	return true;
}

static bool parse_any(struct parser *parser, struct part *ret_part)
{
	return parse_list(parser, WORDS_OR, ret_part);
}

static bool parse_query(struct parser *parser, const struct words_node **ret_node)
{
	struct part part = {0};
	skip_spaces(parser);
	if (!at_end(parser)) {
		if (!parse_any(parser, &part)) {
			return false;
		}
		skip_spaces(parser);
		if (!at_end(parser)) {
			return refuse(parser, parser->at);
		}
	}
	*ret_node = part.node;
	return true;
}

static bool parse_plain(struct parser *parser, const struct words_node **ret_node)
{
	struct list list = {0};
	struct token token;
	while (words_next(parser->text, &parser->at, &token)) {
		struct words_node *node;
		size_t at = (size_t)(token.text.ptr - parser->text.ptr);
		if (!add_words(parser, token.text, at, false, &node)) {
			return false;
		}
		list_add(parser, &list, node);
	}
	*ret_node = list_join(parser, WORDS_AND, &list);
	return true;
}

static bool parse_phrased(struct parser *parser, const struct words_node **ret_node)
{
	struct words_node *node;
	if (!add_words(parser, parser->text, 0, false, &node)) {
		return false;
	}
	*ret_node = node;
	return true;
}

/* `or` behind an operand: no part of a word, and something besides spaces follows, one character
 * or more behind it. */
static bool accept_or(struct parser *parser)
{
	struct str rest = str_slice(parser->text, parser->at, parser->text.len);
	if (rest.len < 3 || !str_equal_nocase(str_slice(rest, 0, 2), STR("or")) || rest.ptr[2] == '-' ||
		rest.ptr[2] == '_') {
		return false;
	}
	size_t at = 0;
	struct token token;
	if (!words_next(rest, &at, &token) || token.text.len != 2) {
		return false;
	}
	at = 2 + utf8_sequence(rest, 2);
	while (at < rest.len && is_space(rest.ptr[at])) {
		at++;
	}
	if (at == rest.len) {
		return false;
	}
	parser->at += 2;
	return true;
}

/* At what is neither a space nor an operator. A quotation mark that is not closed reaches to the
 * end of the text. */
static struct str read_web_operand(struct parser *parser)
{
	size_t from = parser->at;
	if (parser->text.ptr[from] == '"') {
		size_t to = str_find(parser->text, '"', from + 1);
		parser->at = to < parser->text.len ? to + 1 : to;
		return str_slice(parser->text, from + 1, to);
	}
	for (parser->at++; !at_end(parser); parser->at++) {
		char c = parser->text.ptr[parser->at];
		if (is_space(c) || is_operator(c) || c == '"' || c == ':') {
			break;
		}
	}
	return str_slice(parser->text, from, parser->at);
}

/* The operators of to_tsquery mean nothing here. */
static void skip_idle(struct parser *parser)
{
	while (!at_end(parser)) {
		char c = parser->text.ptr[parser->at];
		if (!is_space(c) && !is_operator(c)) {
			return;
		}
		parser->at++;
	}
}

static bool parse_web(struct parser *parser, const struct words_node **ret_node)
{
	struct list any = {0};
	struct list all = {0};
	bool negated = false;
	while (!at_end(parser)) {
		size_t from = parser->at;
		char c = parser->text.ptr[from];
		if (c == '-') {
			negated = !negated;
		}
		if (c == '-' || is_space(c) || is_operator(c)) {
			parser->at++;
			continue;
		}
		struct words_node *node;
		if (!add_words(parser, read_web_operand(parser), from, false, &node)) {
			return false;
		}
		list_add(parser, &all, negated ? negate(parser, node) : node);
		negated = false;
		skip_idle(parser);
		if (accept_or(parser)) {
			list_add(parser, &any, list_join(parser, WORDS_AND, &all));
			all = (struct list){0};
		}
	}
	list_add(parser, &any, list_join(parser, WORDS_AND, &all));
	*ret_node = list_join(parser, WORDS_OR, &any);
	return true;
}

bool words_parse(enum words_syntax syntax, struct str text, struct arena *arena,
				 const struct words_node **ret_node, struct error *error)
{
	/* Between two words stands a byte at least. */
	size_t most = text.len / 2 + 1 < WORDS_MAX ? text.len / 2 + 1 : WORDS_MAX;
	struct parser parser = {
		.text = text,
		.arena = arena,
		.error = error,
		.words = ARENA_ARRAY(arena, most, struct word),
	};
	switch (syntax) {
	case WORDS_QUERY:
		parser.plain = arena_bytes(arena, text.len);
		return parse_query(&parser, ret_node);
	case WORDS_PLAIN:
		return parse_plain(&parser, ret_node);
	case WORDS_PHRASED:
		return parse_phrased(&parser, ret_node);
	case WORDS_WEB:
		break;
	}
	return parse_web(&parser, ret_node);
}
