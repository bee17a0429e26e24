#include "store/maria_script.h"

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

static bool stands_at(struct str text, size_t at, struct str word)
{
	return str_starts_with(str_slice(text, at, text.len), word);
}

static size_t line_end(struct str text, size_t at)
{
	return str_find(text, '\n', at);
}

/* Behind the closing quote. A doubled quote looks like the end and another beginning. */
static size_t skip_quoted(struct str text, size_t at)
{
	char quote = text.ptr[at];
	for (at++; at < text.len && text.ptr[at] != quote; at++) {
		at += text.ptr[at] == '\\' && quote != '`' ? 1 : 0;
	}
	return at < text.len ? at + 1 : text.len;
}

static size_t skip_comment(struct str text, size_t at)
{
	bool dashes = stands_at(text, at, STR("--")) &&
		(at + 2 == text.len || is_space(text.ptr[at + 2]));
	if (dashes || stands_at(text, at, STR("#"))) {
		return line_end(text, at);
	}
	if (!stands_at(text, at, STR("/*"))) {
		return at;
	}
	for (at += 2; at < text.len && !stands_at(text, at, STR("*/"));) {
		at++;
	}
	return at < text.len ? at + 2 : text.len;
}

size_t maria_script_skip(struct str text, size_t at)
{
	char c = at < text.len ? text.ptr[at] : '\0';
	return c == '\'' || c == '"' || c == '`' ? skip_quoted(text, at) : skip_comment(text, at);
}

/* Comments that the server runs are statements. */
static size_t skip_blank(struct str text, size_t at)
{
	for (;;) {
		size_t from = at;
		while (at < text.len && is_space(text.ptr[at])) {
			at++;
		}
		if (!stands_at(text, at, STR("/*!")) && !stands_at(text, at, STR("/*M!"))) {
			at = skip_comment(text, at);
		}
		if (at == from) {
			return at;
		}
	}
}

/* A line `DELIMITER …` where a statement may begin. */
static bool read_delimiter(struct maria_script *script)
{
	struct str line = str_slice(script->text, script->at, line_end(script->text, script->at));
	struct str word = STR("DELIMITER");
	if (line.len <= word.len || !str_equal_nocase(str_slice(line, 0, word.len), word) ||
		!is_space(line.ptr[word.len])) {
		return false;
	}
	struct str rest = str_trim(str_slice(line, word.len, line.len));
	if (str_ends_with(rest, STR("\r"))) {
		rest.len--;
	}
	script->delimiter = rest;
	script->at += line.len;
	return true;
}

bool maria_script_next(struct maria_script *script, struct str *ret_statement)
{
	struct str text = script->text;
	for (;;) {
		struct str end = script->delimiter.len > 0 ? script->delimiter : STR(";");
		script->at = skip_blank(text, script->at);
		if (script->at < text.len && read_delimiter(script)) {
			continue;
		}
		if (script->at >= text.len) {
			return false;
		}
		size_t from = script->at;
		size_t at = from;
		while (at < text.len && !stands_at(text, at, end)) {
			size_t behind = maria_script_skip(text, at);
			at = behind > at ? behind : at + 1;
		}
		script->at = at < text.len ? at + end.len : text.len;
		while (at > from && is_space(text.ptr[at - 1])) {
			at--;
		}
		if (at > from) {
			*ret_statement = str_slice(text, from, at);
			return true;
		}
	}
}

size_t maria_script_count(struct str text)
{
	struct maria_script script = {.text = text};
	struct str statement;
	size_t count = 0;
	while (maria_script_next(&script, &statement)) {
		count++;
	}
	return count;
}

static size_t skip_spaces(struct str text, size_t at)
{
	while (at < text.len && is_space(text.ptr[at])) {
		at++;
	}
	return at;
}

bool maria_script_same(struct str a, struct str b)
{
	size_t i = skip_spaces(a, 0);
	size_t k = skip_spaces(b, 0);
	while (i < a.len && k < b.len) {
		size_t end = maria_script_skip(a, i);
		end = end > i ? end : i + 1;
		struct str part = str_slice(a, i, end);
		if (!stands_at(b, k, part)) {
			return false;
		}
		i = skip_spaces(a, end);
		k = skip_spaces(b, k + part.len);
	}
	return i >= a.len && k >= b.len;
}
