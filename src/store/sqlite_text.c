/*
 * DESIGN. SQLite keeps the text of what somebody wrote. Two texts are compared word by word: a name
 * is the same with and without quotes and in any case, white space and comments mean nothing.
 */
#include "store/sqlite_text.h"

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
		c == '$' || c == '.' || (unsigned char)c >= 0x80;
}

static size_t skip_comment(struct str sql, size_t at)
{
	struct str rest = str_slice(sql, at, sql.len);
	if (str_starts_with(rest, STR("--"))) {
		return str_find(sql, '\n', at);
	}
	if (!str_starts_with(rest, STR("/*"))) {
		return at;
	}
	at += 2;
	while (at < sql.len && !str_starts_with(str_slice(sql, at, sql.len), STR("*/"))) {
		at++;
	}
	return at + 2 < sql.len ? at + 2 : sql.len;
}

static size_t skip_blank(struct str sql, size_t at)
{
	for (size_t before = SIZE_MAX; at != before;) {
		before = at;
		while (at < sql.len && is_space(sql.ptr[at])) {
			at++;
		}
		at = skip_comment(sql, at);
	}
	return at;
}

/* The end of what `quote` ends; a doubled one does not. */
static size_t find_quote(struct str sql, char quote, size_t at)
{
	at = str_find(sql, quote, at);
	while (quote != ']' && at + 1 < sql.len && sql.ptr[at + 1] == quote) {
		at = str_find(sql, quote, at + 2);
	}
	return at;
}

struct token sqlite_text_token(struct str sql, size_t at)
{
	at = skip_blank(sql, at);
	struct token token = {.from = at, .end = at};
	if (at == sql.len) {
		return token;
	}
	char c = sql.ptr[at];
	if (c == '"' || c == '`' || c == '[' || c == '\'') {
		token.quote = c == '[' ? ']' : c;
		size_t end = find_quote(sql, token.quote, at + 1);
		token.kind = c == '\'' ? TOKEN_TEXT : TOKEN_QUOTED;
		token.text = str_slice(sql, at + 1, end);
		token.end = end + 1 < sql.len ? end + 1 : sql.len;
		return token;
	}
	token.kind = is_word(c) ? TOKEN_WORD : TOKEN_SIGN;
	do {
		token.end++;
	} while (token.kind == TOKEN_WORD && token.end < sql.len && is_word(sql.ptr[token.end]));
	token.text = str_slice(sql, at, token.end);
	return token;
}

static char folded(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

/* Both texts, each with its own doubled quotes. */
static bool same_bytes(const struct token *a, const struct token *b, bool fold)
{
	size_t i = 0;
	size_t j = 0;
	while (i < a->text.len && j < b->text.len) {
		char left = a->text.ptr[i];
		char right = b->text.ptr[j];
		if (fold ? folded(left) != folded(right) : left != right) {
			return false;
		}
		i += a->quote != '\0' && left == a->quote ? 2 : 1;
		j += b->quote != '\0' && right == b->quote ? 2 : 1;
	}
	return i >= a->text.len && j >= b->text.len;
}

/* Words that mean something else without quotes. */
static bool is_keyword(struct str word)
{
	static const struct str words[] = {
		STR_INIT("and"),  STR_INIT("or"),   STR_INIT("not"),   STR_INIT("is"),
		STR_INIT("in"),   STR_INIT("null"), STR_INIT("true"),  STR_INIT("distinct"),
		STR_INIT("from"), STR_INIT("case"), STR_INIT("false"),
	};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (str_equal_nocase(word, words[i])) {
			return true;
		}
	}
	return false;
}

static bool same_token(const struct token *a, const struct token *b, bool exact_truth)
{
	bool truth = a->kind == TOKEN_WORD &&
		(str_equal_nocase(a->text, STR("true")) || str_equal_nocase(a->text, STR("false")));
	if (truth && exact_truth) {
		return b->kind == TOKEN_WORD && same_bytes(a, b, false);
	}
	bool names = (a->kind == TOKEN_WORD || a->kind == TOKEN_QUOTED) &&
		(b->kind == TOKEN_WORD || b->kind == TOKEN_QUOTED);
	if (!names) {
		return a->kind == b->kind && same_bytes(a, b, false);
	}
	return same_bytes(a, b, true) && (a->kind == b->kind || !is_keyword(a->text));
}

bool sqlite_text_same(struct str a, struct str b, bool exact_truth)
{
	struct token left = sqlite_text_token(a, 0);
	struct token right = sqlite_text_token(b, 0);
	while (left.kind != TOKEN_END && same_token(&left, &right, exact_truth)) {
		left = sqlite_text_token(a, left.end);
		right = sqlite_text_token(b, right.end);
	}
	return left.kind == TOKEN_END && right.kind == TOKEN_END;
}

bool sqlite_text_is(const struct token *token, const char *word)
{
	return token->kind == TOKEN_WORD && str_equal_nocase(token->text, str_from(word));
}

struct str sqlite_text_behind(struct str sql, const char *word)
{
	struct token token = sqlite_text_token(sql, 0);
	while (token.kind != TOKEN_END && !sqlite_text_is(&token, word)) {
		token = sqlite_text_token(sql, token.end);
	}
	return str_slice(sql, token.end, sql.len);
}

struct str sqlite_text_enclosed(struct str sql)
{
	struct token token = sqlite_text_token(sql, 0);
	size_t from = token.end;
	size_t depth = 0;
	for (; token.kind != TOKEN_END; token = sqlite_text_token(sql, token.end)) {
		bool sign = token.kind == TOKEN_SIGN;
		depth += sign && token.text.ptr[0] == '(' ? 1 : 0;
		depth -= sign && token.text.ptr[0] == ')' && depth > 0 ? 1 : 0;
		if (depth == 0) {
			return str_slice(sql, from, token.from > from ? token.from : from);
		}
	}
	return STR("");
}

struct str sqlite_text_check(struct str sql, struct str name)
{
	const struct token wanted = {.kind = TOKEN_WORD, .text = name};
	for (struct str rest = sqlite_text_behind(sql, "CONSTRAINT"); rest.len > 0;
		 rest = sqlite_text_behind(rest, "CONSTRAINT")) {
		struct token found = sqlite_text_token(rest, 0);
		struct token check = sqlite_text_token(rest, found.end);
		bool named = (found.kind == TOKEN_WORD || found.kind == TOKEN_QUOTED) &&
			same_bytes(&found, &wanted, false);
		if (named && sqlite_text_is(&check, "CHECK")) {
			return sqlite_text_enclosed(str_slice(rest, check.end, rest.len));
		}
	}
	return STR("");
}

/* ---- tables ---- */

struct str sqlite_text_name(const struct token *token, struct arena *arena)
{
	if (str_find(token->text, token->quote, 0) == token->text.len) {
		return token->text;
	}
	char *bytes = arena_bytes(arena, token->text.len);
	size_t len = 0;
	for (size_t i = 0; i < token->text.len; i++) {
		bytes[len++] = token->text.ptr[i];
		i += token->quote != '\0' && token->text.ptr[i] == token->quote ? 1 : 0;
	}
	return (struct str){bytes, len};
}

static struct table_part make_part(struct str text, struct arena *arena)
{
	static const char *const constraints[] = {"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK",
											  "FOREIGN"};
	struct token first = sqlite_text_token(text, 0);
	struct table_part part = {.text = text};
	for (size_t i = 0; i < sizeof(constraints) / sizeof(constraints[0]); i++) {
		if (sqlite_text_is(&first, constraints[i])) {
			return part;
		}
	}
	part.column = sqlite_text_name(&first, arena);
	return part;
}

static bool is_sign(const struct token *token, char sign)
{
	return token->kind == TOKEN_SIGN && token->text.ptr[0] == sign;
}

/* The comma or parenthesis behind the part that begins at `at`, and where the part ends. */
static struct token find_part_end(struct str sql, size_t at, size_t *ret_end)
{
	size_t depth = 0;
	struct token token = sqlite_text_token(sql, at);
	*ret_end = token.from;
	while (token.kind != TOKEN_END &&
		   (depth > 0 || !(is_sign(&token, ',') || is_sign(&token, ')')))) {
		depth += is_sign(&token, '(') ? 1 : 0;
		depth -= is_sign(&token, ')') ? 1 : 0;
		*ret_end = token.end;
		token = sqlite_text_token(sql, token.end);
	}
	return token;
}

struct table_text sqlite_text_table(struct str sql, struct arena *arena)
{
	struct table_text table = {.tail = STR("")};
	struct token token = sqlite_text_token(sql, 0);
	while (token.kind != TOKEN_END && !is_sign(&token, '(')) {
		token = sqlite_text_token(sql, token.end);
	}
	size_t room = 0;
	for (size_t i = token.end; i < sql.len; i++) {
		room += sql.ptr[i] == ',' ? 1 : 0;
	}
	table.parts = ARENA_ARRAY(arena, room + 1, struct table_part);
	while (token.kind != TOKEN_END && !is_sign(&token, ')')) {
		size_t from = sqlite_text_token(sql, token.end).from;
		size_t end;
		token = find_part_end(sql, from, &end);
		table.parts[table.count++] = make_part(str_slice(sql, from, end), arena);
	}
	table.tail = str_slice(sql, sqlite_text_token(sql, token.end).from, sql.len);
	return table;
}

const struct table_part *sqlite_text_column(const struct table_text *table, struct str name)
{
	for (size_t i = 0; i < table->count; i++) {
		if (table->parts[i].column.len > 0 && str_equal_nocase(table->parts[i].column, name)) {
			return &table->parts[i];
		}
	}
	return NULL;
}
