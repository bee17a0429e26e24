#include "query/expression_priv.h"

#include "codec/number.h"

enum token_kind {
	TOKEN_END,
	TOKEN_NAME,
	TOKEN_QUOTED, /* "name" */
	TOKEN_INTEGER,
	TOKEN_DECIMAL,
	TOKEN_TEXT,   /* 'text' */
	TOKEN_SYMBOL, /* one byte, or || */
};

struct token {
	enum token_kind kind;
	struct str text; /* with its quotes */
	size_t at;
};

struct parser {
	struct str text;
	size_t next; /* behind the token */
	struct token token;
	size_t depth;
	struct arena *arena;
	struct error *error;
};

/* ---- tokens ---- */

static bool is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

/* Letters beyond ASCII are parts of names. */
static bool is_letter(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_' ||
		(unsigned char)byte >= 0x80;
}

static char byte_at(const struct parser *parser, size_t at)
{
	return at < parser->text.len ? parser->text.ptr[at] : '\0';
}

/* To behind the closing quote; two quotes stand for one. */
static bool skip_quoted(struct parser *parser)
{
	char quote = parser->text.ptr[parser->next++];
	for (; parser->next < parser->text.len; parser->next++) {
		if (parser->text.ptr[parser->next] != quote) {
			continue;
		}
		if (byte_at(parser, parser->next + 1) != quote) {
			parser->next++;
			return true;
		}
		parser->next++;
	}
	return error_set_at(parser->error, ERROR_CONFIG, parser->token.at, "the %s is not closed",
						quote == '"' ? "name" : "text");
}

static void skip_digits(struct parser *parser)
{
	while (is_digit(byte_at(parser, parser->next))) {
		parser->next++;
	}
}

static enum token_kind skip_number(struct parser *parser)
{
	skip_digits(parser);
	if (byte_at(parser, parser->next) != '.' || !is_digit(byte_at(parser, parser->next + 1))) {
		return TOKEN_INTEGER;
	}
	parser->next++;
	skip_digits(parser);
	return TOKEN_DECIMAL;
}

static bool advance(struct parser *parser)
{
	struct token *token = &parser->token;
	while (byte_at(parser, parser->next) == ' ' || byte_at(parser, parser->next) == '\t' ||
		   byte_at(parser, parser->next) == '\n') {
		parser->next++;
	}
	token->at = parser->next;
	char byte = byte_at(parser, token->at);
	if (token->at == parser->text.len) {
		token->kind = TOKEN_END;
	} else if (is_letter(byte)) {
		token->kind = TOKEN_NAME;
		while (is_letter(byte_at(parser, parser->next)) ||
			   is_digit(byte_at(parser, parser->next))) {
			parser->next++;
		}
	} else if (is_digit(byte)) {
		token->kind = skip_number(parser);
	} else if (byte == '"' || byte == '\'') {
		token->kind = byte == '"' ? TOKEN_QUOTED : TOKEN_TEXT;
		if (!skip_quoted(parser)) {
			return false;
		}
	} else {
		token->kind = TOKEN_SYMBOL;
		parser->next += byte == '|' && byte_at(parser, token->at + 1) == '|' ? 2 : 1;
	}
	token->text = str_slice(parser->text, token->at, parser->next);
	return true;
}

static bool is_symbol(const struct parser *parser, struct str symbol)
{
	return parser->token.kind == TOKEN_SYMBOL && str_equal(parser->token.text, symbol);
}

/* Without the quotes around it, and with one for each two within. */
static struct str unquote(struct parser *parser, struct str quoted)
{
	struct str inner = str_slice(quoted, 1, quoted.len - 1);
	char *bytes = arena_bytes(parser->arena, inner.len + 1);
	size_t len = 0;
	for (size_t i = 0; i < inner.len; i++) {
		bytes[len++] = inner.ptr[i];
		i += inner.ptr[i] == quoted.ptr[0] ? 1 : 0;
	}
	return (struct str){bytes, len};
}

static bool fail_token(struct parser *parser, const char *wanted)
{
	const struct token *token = &parser->token;
	if (token->kind == TOKEN_END) {
		return error_set_at(parser->error, ERROR_CONFIG, token->at,
							"%s is missing at the end of the expression", wanted);
	}
	return error_set_at(parser->error, ERROR_CONFIG, token->at, "%s is missing before %.*s", wanted,
						STR_ARG(str_slice(token->text, 0, 60)));
}

/* ---- nodes ---- */

static bool fail_depth(struct parser *parser, size_t at)
{
	return error_set_at(parser->error, ERROR_CONFIG, at, "the expression is more than %d deep",
						EXPRESSION_DEPTH);
}

static struct expression_node *make(struct parser *parser, enum expression_op op, size_t at,
									size_t child_count)
{
	struct expression_node *node = ARENA_NEW(parser->arena, struct expression_node);
	node->op = op;
	node->at = at;
	node->height = 1;
	node->child_count = child_count;
	node->children = ARENA_ARRAY(parser->arena, child_count, struct expression_node *);
	return node;
}

/* NULL when the node is too high. */
static struct expression_node *measure(struct parser *parser, struct expression_node *node)
{
	for (size_t i = 0; i < node->child_count; i++) {
		if (node->children[i]->height >= node->height) {
			node->height = node->children[i]->height + 1;
		}
	}
	if (node->height > EXPRESSION_DEPTH) {
		fail_depth(parser, node->at);
		return NULL;
	}
	return node;
}

static struct expression_node *parse_joined(struct parser *parser);

/* A part that stands within another. */
static struct expression_node *parse_inner(struct parser *parser)
{
	if (parser->depth == EXPRESSION_DEPTH) {
		fail_depth(parser, parser->token.at);
		return NULL;
	}
	parser->depth++;
	struct expression_node *node = parse_joined(parser);
	parser->depth--;
	return node;
}

static bool take_symbol(struct parser *parser, struct str symbol, const char *shown)
{
	return is_symbol(parser, symbol) ? advance(parser) : fail_token(parser, shown);
}

/* ---- literals ---- */

static bool read_integer(struct parser *parser, struct expression_node *node)
{
	node->type = TYPE_INTEGER;
	node->literal.kind = VALUE_INTEGER;
	return number_parse_integer(parser->token.text, &node->literal.integer) == NUMBER_OK ||
		error_set_at(parser->error, ERROR_CONFIG, node->at, "the integer is too large");
}

static bool read_decimal(struct parser *parser, struct expression_node *node)
{
	struct str text = parser->token.text;
	size_t point = str_find(text, '.', 0);
	node->type = TYPE_DECIMAL;
	node->scale = (int)(text.len - point - 1);
	node->literal.kind = VALUE_INTEGER;
	if (text.len - 1 > EXPRESSION_DIGITS) {
		return error_set_at(parser->error, ERROR_CONFIG, node->at,
							"a decimal has at most %d digits", EXPRESSION_DIGITS);
	}
	for (size_t i = 0; i < text.len; i++) {
		if (i != point) {
			node->literal.integer = node->literal.integer * 10 + (text.ptr[i] - '0');
		}
	}
	return true;
}

/* true, false, null; false when the name is none of them. */
static bool read_word(struct str name, struct expression_node *node)
{
	bool yes = str_equal(name, STR("true"));
	node->null = str_equal(name, STR("null"));
	if (yes || str_equal(name, STR("false"))) {
		node->type = TYPE_BOOLEAN;
		node->literal = (struct value){.kind = VALUE_INTEGER, .integer = yes ? 1 : 0};
		return true;
	}
	return node->null;
}

/* ---- calls ---- */

static const struct {
	struct str name;
	enum expression_op op;
	size_t least;
	size_t most;
} functions[] = {
	{STR_INIT("coalesce"), EXPRESSION_COALESCE, 1, SIZE_MAX},
	{STR_INIT("length"), EXPRESSION_LENGTH, 1, 1},
	{STR_INIT("today"), EXPRESSION_TODAY, 0, 0},
	{STR_INIT("years_since"), EXPRESSION_YEARS_SINCE, 1, 1},
};

/* The values in parentheses, as a list. */
static bool parse_arguments(struct parser *parser, struct expression_node *node)
{
	size_t room = 0;
	bool more = !is_symbol(parser, STR(")"));
	while (more) {
		struct expression_node *child = parse_inner(parser);
		if (child == NULL) {
			return false;
		}
		if (node->child_count == room) {
			struct expression_node **old = node->children;
			room = room * 2 + 4;
			node->children = ARENA_ARRAY(parser->arena, room, struct expression_node *);
			memcpy(node->children, old, node->child_count * sizeof(struct expression_node *));
		}
		node->children[node->child_count++] = child;
		more = is_symbol(parser, STR(","));
		if (more && !advance(parser)) {
			return false;
		}
	}
	return take_symbol(parser, STR(")"), "\")\"");
}

static struct expression_node *parse_call(struct parser *parser, const struct token *name)
{
	size_t i = 0;
	size_t count = sizeof(functions) / sizeof(functions[0]);
	while (i < count && !str_equal(name->text, functions[i].name)) {
		i++;
	}
	if (i == count) {
		error_set_at(parser->error, ERROR_CONFIG, name->at, "there is no function \"%.*s\"",
					 STR_ARG(str_slice(name->text, 0, 60)));
		error_hint(parser->error, "there are coalesce, length, today and years_since");
		return NULL;
	}
	struct expression_node *node = make(parser, functions[i].op, name->at, 0);
	if (!advance(parser) || !parse_arguments(parser, node)) {
		return NULL;
	}
	if (node->child_count < functions[i].least || node->child_count > functions[i].most) {
		error_set_at(parser->error, ERROR_CONFIG, name->at, "%.*s takes %s, not %zu",
					 STR_ARG(name->text),
					 functions[i].most == 0       ? "no value"
						 : functions[i].most == 1 ? "one value"
												  : "at least one value",
					 node->child_count);
		return NULL;
	}
	return measure(parser, node);
}

/* ---- values and operators ---- */

static struct expression_node *parse_name(struct parser *parser)
{
	struct token name = parser->token;
	bool quoted = name.kind == TOKEN_QUOTED;
	if (!advance(parser)) {
		return NULL;
	}
	if (!quoted && is_symbol(parser, STR("("))) {
		return parse_call(parser, &name);
	}
	struct expression_node *node = make(parser, EXPRESSION_LITERAL, name.at, 0);
	if (quoted || !read_word(name.text, node)) {
		node->op = EXPRESSION_FIELD;
		node->name = quoted ? unquote(parser, name.text) : name.text;
	}
	return node;
}

static struct expression_node *parse_literal(struct parser *parser)
{
	struct expression_node *node = make(parser, EXPRESSION_LITERAL, parser->token.at, 0);
	struct str text = parser->token.text;
	bool ok = true;
	if (text.ptr[0] == '0' && text.len > 1 && text.ptr[1] != '.') {
		error_set_at(parser->error, ERROR_CONFIG, node->at,
					 "a number begins with one 0 only before a point");
		return NULL;
	}
	if (parser->token.kind == TOKEN_TEXT) {
		node->type = TYPE_TEXT;
		node->literal = (struct value){
			.kind = VALUE_TEXT,
			.text = unquote(parser, text),
		};
	} else {
		ok = parser->token.kind == TOKEN_INTEGER ? read_integer(parser, node)
												 : read_decimal(parser, node);
	}
	return ok && advance(parser) ? node : NULL;
}

static struct expression_node *parse_value(struct parser *parser)
{
	switch (parser->token.kind) {
	case TOKEN_NAME:
	case TOKEN_QUOTED:
		return parse_name(parser);
	case TOKEN_INTEGER:
	case TOKEN_DECIMAL:
	case TOKEN_TEXT:
		return parse_literal(parser);
	case TOKEN_SYMBOL:
		if (is_symbol(parser, STR("("))) {
			struct expression_node *node = advance(parser) ? parse_inner(parser) : NULL;
			return node != NULL && take_symbol(parser, STR(")"), "\")\"") ? node : NULL;
		}
		break;
	case TOKEN_END:
		break;
	}
	fail_token(parser, "a value");
	return NULL;
}

static struct expression_node *parse_negated(struct parser *parser)
{
	size_t at = parser->token.at;
	size_t signs = 0;
	for (; is_symbol(parser, STR("-")); signs++) {
		if (signs == EXPRESSION_DEPTH) {
			fail_depth(parser, parser->token.at);
			return NULL;
		}
		if (!advance(parser)) {
			return NULL;
		}
	}
	struct expression_node *node = parse_value(parser);
	for (; node != NULL && signs > 0; signs--) {
		struct expression_node *negated = make(parser, EXPRESSION_NEGATE, at, 1);
		negated->children[0] = node;
		node = measure(parser, negated);
	}
	return node;
}

/* Operators by how closely they bind, the closest first. */
static const struct {
	struct str symbol;
	enum expression_op op;
	int level;
} operators[] = {
	{STR_INIT("*"), EXPRESSION_MULTIPLY, 0},  {STR_INIT("/"), EXPRESSION_DIVIDE, 0},
	{STR_INIT("%"), EXPRESSION_REMAINDER, 0}, {STR_INIT("+"), EXPRESSION_ADD, 1},
	{STR_INIT("-"), EXPRESSION_SUBTRACT, 1},  {STR_INIT("||"), EXPRESSION_JOIN, 2},
};

static struct expression_node *parse_level(struct parser *parser, int level)
{
	size_t count = sizeof(operators) / sizeof(operators[0]);
	struct expression_node *left = level < 0 ? parse_negated(parser)
											 : parse_level(parser, level - 1);
	while (left != NULL && level >= 0) {
		size_t i = 0;
		while (i < count &&
			   (operators[i].level != level || !is_symbol(parser, operators[i].symbol))) {
			i++;
		}
		if (i == count) {
			break;
		}
		struct expression_node *node = make(parser, operators[i].op, parser->token.at, 2);
		node->children[0] = left;
		node->children[1] = advance(parser) ? parse_level(parser, level - 1) : NULL;
		left = node->children[1] == NULL ? NULL : measure(parser, node);
	}
	return left;
}

static struct expression_node *parse_joined(struct parser *parser)
{
	return parse_level(parser, 2);
}

struct expression_node *expression_parse(struct str text, struct arena *arena, struct error *error)
{
	struct parser parser = {.text = text, .arena = arena, .error = error};
	if (text.len > EXPRESSION_BYTES) {
		error_set_at(error, ERROR_CONFIG, EXPRESSION_BYTES,
					 "the expression is longer than %d bytes", EXPRESSION_BYTES);
		return NULL;
	}
	struct expression_node *node = advance(&parser) ? parse_joined(&parser) : NULL;
	if (node != NULL && parser.token.kind != TOKEN_END) {
		fail_token(&parser, "an operator");
		return NULL;
	}
	return node;
}
