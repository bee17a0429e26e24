/*
 * DESIGN. SQLite keeps the text of what somebody wrote. Two texts are compared word by word: a name
 * is the same with and without quotes and in any case, white space and comments mean nothing.
 */
#include "store/sqlite_priv.h"

enum token_kind { TOKEN_END, TOKEN_WORD, TOKEN_QUOTED, TOKEN_TEXT, TOKEN_SIGN };

struct token {
	enum token_kind kind;
	struct str text; /* without the quotes around it; within them a doubled one stands for one */
	char quote;
	size_t from;
	size_t end; /* where the next begins, or what stands before it */
};

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

static struct token next_token(struct str sql, size_t at)
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
	struct token left = next_token(a, 0);
	struct token right = next_token(b, 0);
	while (left.kind != TOKEN_END && same_token(&left, &right, exact_truth)) {
		left = next_token(a, left.end);
		right = next_token(b, right.end);
	}
	return left.kind == TOKEN_END && right.kind == TOKEN_END;
}

static bool is_the_word(const struct token *token, const char *word)
{
	return token->kind == TOKEN_WORD && str_equal_nocase(token->text, str_from(word));
}

struct str sqlite_text_behind(struct str sql, const char *word)
{
	struct token token = next_token(sql, 0);
	while (token.kind != TOKEN_END && !is_the_word(&token, word)) {
		token = next_token(sql, token.end);
	}
	return str_slice(sql, token.end, sql.len);
}

/* What stands in the parentheses that begin here; "" when there are none. */
static struct str enclosed(struct str sql)
{
	struct token token = next_token(sql, 0);
	size_t from = token.end;
	size_t depth = 0;
	for (; token.kind != TOKEN_END; token = next_token(sql, token.end)) {
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
		struct token found = next_token(rest, 0);
		struct token check = next_token(rest, found.end);
		bool named = (found.kind == TOKEN_WORD || found.kind == TOKEN_QUOTED) &&
			same_bytes(&found, &wanted, false);
		if (named && is_the_word(&check, "CHECK")) {
			return enclosed(str_slice(rest, check.end, rest.len));
		}
	}
	return STR("");
}
