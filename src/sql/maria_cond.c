#include <assert.h>

#include "query/fetch.h"
#include "sql/maria_priv.h"
#include "sql/maria_regex.h"

enum {
	REGEX_BYTES = 1 << 20,
	MOST_COPIES = 256, /* of the column in a path: a key doubles them, a position twice */
	MOST_INDEX = 1000000000,
};

/* Whatever the column's own collation is. */
static const char bytewise[] = " COLLATE utf8mb4_nopad_bin";

/* ---- patterns ---- */

static void write_text(struct sql *sql, const struct cond *cond)
{
	if (cond->path != NULL) {
		sql_write_own(sql, cond->field, cond->path);
		return;
	}
	sql_write(sql, STR("CONVERT("));
	sql_write_own(sql, cond->field, NULL);
	sql_write(sql, STR(" USING utf8mb4)"));
	sql_write(sql, str_from(bytewise));
}

/* The pattern with an escape that no mode of the server changes. */
static void write_like_param(struct sql *sql, struct str pattern)
{
	struct buf buf;
	buf_init(&buf, SIZE_MAX);
	for (size_t at = 0; at < pattern.len; at++) {
		bool escaped = pattern.ptr[at] == '\\' && at + 1 < pattern.len;
		at += escaped;
		char c = pattern.ptr[at];
		if (c == '!' || (escaped && (c == '%' || c == '_'))) {
			buf_append_byte(&buf, '!');
		}
		buf_append_byte(&buf, c);
	}
	sql_write(sql, STR(" LIKE "));
	sql_param_text(sql, buf_str(&buf));
	sql_write(sql, STR(" ESCAPE '!'"));
	buf_finish(&buf);
}

/* A pattern that begins with letters is also asked of the column as it is, for an index. */
static void write_like(struct sql *sql, const struct cond *cond)
{
	struct str pattern = cond->operand.value.text;
	bool ranged = cond->path == NULL && pattern.len > 0 && pattern.ptr[0] != '%' &&
		pattern.ptr[0] != '_';
	if (ranged) {
		buf_append_byte(&sql->text, '(');
		sql_write_own(sql, cond->field, NULL);
		write_like_param(sql, pattern);
		sql_write(sql, STR(" AND "));
	}
	write_text(sql, cond);
	write_like_param(sql, pattern);
	sql_write(sql, ranged ? STR(")") : STR(""));
}

/* What the regular expression of the condition is, in `buf`. */
static void make_regex(struct sql *sql, const struct cond *cond, struct buf *buf)
{
	struct str pattern = cond->operand.value.text;
	const char *refused = NULL;
	switch (cond->op) {
	case OPERATOR_ILIKE:
		maria_regex_ilike(pattern, buf);
		break;
	case OPERATOR_MATCH:
	case OPERATOR_IMATCH:
		refused = maria_regex_match(pattern, cond->op == OPERATOR_IMATCH, buf);
		sql->may_cost = true;
		break;
	case OPERATOR_FTS:
		if (!maria_regex_words(cond->compiled.pointer, buf)) {
			refused = "A phrase whose words are so far from each other";
		}
		break;
	case OPERATOR_EQ:
	case OPERATOR_NEQ:
	case OPERATOR_GT:
	case OPERATOR_GTE:
	case OPERATOR_LT:
	case OPERATOR_LTE:
	case OPERATOR_LIKE:
	case OPERATOR_ISDISTINCT:
	case OPERATOR_IN:
	case OPERATOR_IS:
	case OPERATOR_PLFTS:
	case OPERATOR_PHFTS:
	case OPERATOR_WFTS:
		assert(false);
		break;
	}
	if (refused != NULL) {
		sql_refuse(sql, refused);
	}
}

void maria_write_matching(struct sql *sql, const struct cond *cond)
{
	if (cond->op == OPERATOR_LIKE) {
		write_like(sql, cond);
		return;
	}
	struct buf regex;
	buf_init(&regex, REGEX_BYTES);
	make_regex(sql, cond, &regex);
	buf_append_byte(&sql->text, '(');
	write_text(sql, cond);
	sql_write(sql, STR(" REGEXP "));
	sql_param_text(sql, buf_str(&regex));
	buf_append_byte(&sql->text, ')');
	sql->text.failed = sql->text.failed || regex.failed;
	buf_finish(&regex);
}

/* ---- paths ---- */

/*
 * The server compares keys as they are written, with their escapes, and never finds one that begins
 * with `-`. JSON_SEARCH() compares what they say: it tells the place of a key among all keys of the
 * object, which is that of its value among all values. A position from the end must not be in a
 * constant path, which keeps the place that it found in one row for all others (10.11), and `[0]`
 * of what is no array is the value itself.
 */
struct walk {
	struct sql *sql;
	const struct field *field;
	const struct json_path *path;
};

static void write_step(const struct walk *walk, size_t count);

/* The key as a pattern that only it matches. */
static void write_key_pattern(struct sql *sql, struct str key)
{
	struct buf text;
	buf_init(&text, SIZE_MAX);
	for (size_t i = 0; i < key.len; i++) {
		if (key.ptr[i] == '%' || key.ptr[i] == '_' || key.ptr[i] == '\\') {
			buf_append_byte(&text, '\\');
		}
		buf_append_byte(&text, key.ptr[i]);
	}
	sql_param_text(sql, buf_str(&text));
	buf_finish(&text);
}

static void write_key(const struct walk *walk, size_t at)
{
	struct sql *sql = walk->sql;
	sql_write(sql, STR("JSON_EXTRACT(JSON_EXTRACT("));
	write_step(walk, at);
	sql_write(sql, STR(",'$.*'),JSON_UNQUOTE(JSON_SEARCH(JSON_KEYS("));
	write_step(walk, at);
	buf_append_byte(&sql->text, ')');
	sql_write(sql, str_from(bytewise));
	sql_write(sql, STR(",'one',"));
	write_key_pattern(sql, walk->path->steps[at].key);
	sql_write(sql, STR(")))"));
}

static void write_position(const struct walk *walk, size_t at)
{
	struct sql *sql = walk->sql;
	int64_t position = walk->path->steps[at].position;
	struct buf text;
	if (position > MOST_INDEX || position < -MOST_INDEX) {
		sql_write(sql, STR("NULL"));
		return;
	}
	buf_init(&text, SIZE_MAX);
	buf_printf(&text, "$[%d]", (int)position);
	sql_write(sql, STR("JSON_EXTRACT("));
	write_step(walk, at);
	sql_write(sql, position < 0 ? STR(",CONCAT(") : STR(","));
	sql_param_text(sql, buf_str(&text));
	if (position < 0) {
		sql_write(sql, STR(",LEFT("));
		sql_write_column(sql, sql->alias, walk->field);
		sql_write(sql, STR(",0))"));
	}
	buf_append_byte(&sql->text, ')');
	buf_finish(&text);
}

/* What the first steps lead to. */
static void write_step(const struct walk *walk, size_t count)
{
	struct sql *sql = walk->sql;
	if (count == 0) {
		sql_write_column(sql, sql->alias, walk->field);
		return;
	}
	size_t at = count - 1;
	bool is_position = walk->path->steps[at].is_position;
	if (is_position) {
		sql_write(sql, STR("IF(JSON_TYPE("));
		write_step(walk, at);
		sql_write(sql, STR(")='ARRAY',"));
		write_position(walk, at);
		buf_append_byte(&sql->text, ',');
	}
	write_key(walk, at);
	sql_write(sql, is_position ? STR(")") : STR(""));
}

/* Keys that are found as they are written, in a document without escapes. */
static bool is_plain(const struct json_path *path)
{
	for (size_t i = 0; i < path->count; i++) {
		struct str key = path->steps[i].key;
		if (path->steps[i].is_position || (key.len > 0 && key.ptr[0] == '-') ||
			str_find(key, '"', 0) < key.len || str_find(key, '\\', 0) < key.len) {
			return false;
		}
	}
	return true;
}

static void write_plain(const struct walk *walk)
{
	struct sql *sql = walk->sql;
	struct buf text;
	buf_init(&text, SIZE_MAX);
	buf_append_byte(&text, '$');
	for (size_t i = 0; i < walk->path->count; i++) {
		buf_printf(&text, ".\"%.*s\"", STR_ARG(walk->path->steps[i].key));
	}
	sql_write(sql, STR("IF(LOCATE(CHAR(92),"));
	sql_write_column(sql, sql->alias, walk->field);
	sql_write(sql, STR(")=0,JSON_EXTRACT("));
	sql_write_column(sql, sql->alias, walk->field);
	buf_append_byte(&sql->text, ',');
	sql_param_text(sql, buf_str(&text));
	sql_write(sql, STR("),"));
	buf_finish(&text);
}

void maria_write_path(struct sql *sql, const struct field *field, const struct json_path *path)
{
	const struct walk walk = {.sql = sql, .field = field, .path = path};
	size_t copies = 1;
	for (size_t i = 0; i < path->count && copies <= MOST_COPIES; i++) {
		copies *= path->steps[i].is_position ? 4 : 2;
	}
	if (copies > MOST_COPIES) {
		sql_refuse(sql, "A path of so many steps");
		sql_write(sql, STR("NULL"));
		return;
	}
	bool plain = path->count > 0 && is_plain(path);
	sql_write(sql, path->as_text ? STR("JSON_UNQUOTE(NULLIF(JSON_COMPACT(") : STR("JSON_COMPACT("));
	if (plain) {
		write_plain(&walk);
	}
	write_step(&walk, path->count);
	sql_write(sql, plain ? STR(")") : STR(""));
	sql_write(sql, path->as_text ? STR("),'null'))") : STR(")"));
	sql_write(sql, str_from(bytewise));
}

/* ---- casts ---- */

/* What stands before and behind the value; NULL: it is not exact. */
static const char *cast_word(enum type from, enum type to, bool before)
{
	bool is_text = from == TYPE_TEXT || from == TYPE_UUID || from == TYPE_JSON;
	if (from == to && from != TYPE_DECIMAL) {
		return "";
	}
	if (to == TYPE_TEXT && is_text) {
		return before ? "CONVERT(" : " USING utf8mb4) COLLATE utf8mb4_nopad_bin";
	}
	if (to == TYPE_TEXT && from == TYPE_INTEGER) {
		return before ? "CAST(" : " AS CHAR) COLLATE utf8mb4_nopad_bin";
	}
	if (to == TYPE_TEXT && from == TYPE_BOOLEAN) {
		return before ? "ELT(1+(" : "<>0),'false','true') COLLATE utf8mb4_nopad_bin";
	}
	if (to == TYPE_TEXT && from == TYPE_DATE) {
		return before ? "CAST(" : " AS CHAR) COLLATE utf8mb4_nopad_bin";
	}
	if (to == TYPE_DATE && from == TYPE_DATETIME) {
		return before ? "CAST(" : " AS DATE)";
	}
	if (to == TYPE_TIME && from == TYPE_DATETIME) {
		return before ? "CAST(" : " AS TIME(6))";
	}
	if (to == TYPE_DATETIME && from == TYPE_DATE) {
		return before ? "CAST(" : " AS DATETIME(6))";
	}
	if (to == TYPE_NUMBER && from == TYPE_INTEGER) {
		return before ? "CAST(" : " AS DOUBLE)";
	}
	if (to == TYPE_BOOLEAN && from == TYPE_INTEGER) {
		return before ? "(" : "<>0)";
	}
	if (to == TYPE_INTEGER && from == TYPE_BOOLEAN) {
		return before ? "(" : "<>0)";
	}
	return NULL;
}

bool maria_write_cast(struct sql *sql, const struct field *from, const struct field *to,
					  bool before)
{
	const char *word = to == &fetch_http_date ? NULL : cast_word(from->type, to->type, before);
	if (word != NULL) {
		sql_write(sql, str_from(word));
	}
	return word != NULL;
}

/* `1000`: by how much a decimal is scaled. */
static void write_scale(struct sql *sql, const struct field *field)
{
	buf_append_byte(&sql->text, '1');
	for (int i = 0; i < field->scale; i++) {
		buf_append_byte(&sql->text, '0');
	}
}

/* Of decimals as of scaled integers: other stores have these. */
void maria_write_average(struct sql *sql, const struct field *field, bool before)
{
	bool scaled = field->type == TYPE_DECIMAL && field->scale > 0;
	if (before) {
		sql_write(sql, STR("AVG(CAST("));
		return;
	}
	if (scaled) {
		buf_append_byte(&sql->text, '*');
		write_scale(sql, field);
	}
	sql_write(sql, STR(" AS DOUBLE))"));
	if (scaled) {
		buf_append_byte(&sql->text, '/');
		write_scale(sql, field);
		sql_write(sql, STR(".0"));
	}
}
