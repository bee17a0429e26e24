#include <assert.h>

#include "sql/maria_priv.h"
#include "sql/maria_regex.h"

enum {
	REGEX_BYTES = 1 << 20,
	MOST_POSITIONS = 5, /* of a path: each doubles its text */
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

/* A path on its way into a column; the server's path so far is in `path`. */
struct walk {
	struct sql *sql;
	const struct field *field;
	const struct json_path *steps;
	struct buf *path;
};

static void write_found(const struct walk *walk)
{
	struct sql *sql = walk->sql;
	if (walk->path->len == 1) {
		sql_write_column(sql, sql->alias, walk->field);
		return;
	}
	sql_write(sql, STR("JSON_EXTRACT("));
	sql_write_column(sql, sql->alias, walk->field);
	buf_append_byte(&sql->text, ',');
	sql_param_text(sql, buf_str(walk->path));
	buf_append_byte(&sql->text, ')');
}

static void add_key(struct buf *path, struct str key)
{
	buf_append(path, STR(".\""));
	for (size_t i = 0; i < key.len; i++) {
		if (key.ptr[i] == '"' || key.ptr[i] == '\\') {
			buf_append_byte(path, '\\');
		}
		buf_append_byte(path, key.ptr[i]);
	}
	buf_append_byte(path, '"');
}

/* A position is one of an array, and the key of an object: `[0]` of what is no array would be the
 * value itself. */
static void write_walk(const struct walk *walk, size_t at)
{
	struct sql *sql = walk->sql;
	while (at < walk->steps->count && !walk->steps->steps[at].is_position) {
		add_key(walk->path, walk->steps->steps[at++].key);
	}
	if (at == walk->steps->count) {
		write_found(walk);
		return;
	}
	const struct json_step *step = &walk->steps->steps[at];
	size_t len = walk->path->len;
	sql_write(sql, STR("IF(JSON_TYPE("));
	write_found(walk);
	sql_write(sql, STR(")='ARRAY',"));
	if (step->position > MOST_INDEX || step->position < -MOST_INDEX) {
		sql_write(sql, STR("NULL"));
	} else {
		buf_printf(walk->path, "[%d]", (int)step->position);
		write_walk(walk, at + 1);
	}
	buf_append_byte(&sql->text, ',');
	walk->path->len = len;
	add_key(walk->path, step->key);
	write_walk(walk, at + 1);
	buf_append_byte(&sql->text, ')');
}

void maria_write_path(struct sql *sql, const struct field *field, const struct json_path *path)
{
	struct buf text;
	struct walk walk = {.sql = sql, .field = field, .steps = path, .path = &text};
	size_t positions = 0;
	for (size_t i = 0; i < path->count; i++) {
		positions += path->steps[i].is_position;
	}
	if (positions > MOST_POSITIONS) {
		sql_refuse(sql, "A path with so many positions");
		sql_write(sql, STR("NULL"));
		return;
	}
	buf_init(&text, SIZE_MAX);
	buf_append_byte(&text, '$');
	sql_write(sql, path->as_text ? STR("JSON_UNQUOTE(NULLIF(JSON_COMPACT(") : STR("JSON_COMPACT("));
	write_walk(&walk, 0);
	sql_write(sql, path->as_text ? STR("),'null'))") : STR(")"));
	sql_write(sql, str_from(bytewise));
	buf_finish(&text);
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
	const char *word = cast_word(from->type, to->type, before);
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
