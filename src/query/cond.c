#include "query/cond.h"

#include <assert.h>

#include "codec/json.h"
#include "codec/like.h"
#include "codec/regex.h"
#include "codec/words.h"

/* Nesting of JSON that comes as an operand. */
enum { JSON_DEPTH = 64 };

static struct cond *new_group(struct arena *arena, enum cond_kind kind,
							  const struct cond **children, size_t count)
{
	struct cond *cond = ARENA_NEW(arena, struct cond);
	cond->kind = kind;
	cond->children = children;
	cond->child_count = count;
	for (size_t i = 0; i < count; i++) {
		cond->parameters = cond->parameters || children[i]->parameters;
		cond->tables += children[i]->tables;
	}
	return cond;
}

static void put_highest_first(const struct cond **children, size_t count)
{
	size_t highest = 0;
	for (size_t i = 1; i < count; i++) {
		highest = children[i]->height > children[highest]->height ? i : highest;
	}
	const struct cond *first = children[highest];
	for (size_t i = highest; i > 0; i--) {
		children[i] = children[i - 1];
	}
	children[0] = first;
}

/* The number of children once those of the same kind are taken apart. */
static size_t count_flat(const struct cond *const *children, size_t count, enum cond_kind kind)
{
	size_t flat = 0;
	for (size_t i = 0; i < count; i++) {
		flat += children[i]->kind == kind ? children[i]->child_count : 1;
	}
	return flat;
}

const struct cond *cond_join(struct arena *arena, enum cond_kind kind, const struct cond **children,
							 size_t count)
{
	size_t flat_count = count_flat(children, count, kind);
	const struct cond **flat = children;
	if (flat_count != count || flat_count == 0) {
		flat = ARENA_ARRAY(arena, flat_count, const struct cond *);
		size_t n = 0;
		for (size_t i = 0; i < count; i++) {
			bool same = children[i]->kind == kind;
			for (size_t k = 0; k < (same ? children[i]->child_count : 1); k++) {
				flat[n++] = same ? children[i]->children[k] : children[i];
			}
		}
	}
	if (flat_count == 0) {
		return new_group(arena, kind, flat, 0);
	}
	if (flat_count == 1) {
		return flat[0];
	}
	put_highest_first(flat, flat_count);
	struct cond *group = new_group(arena, kind, flat, flat_count);
	group->height = (uint16_t)(flat[0]->height + 1);
	return group;
}

const struct cond *cond_negate(struct arena *arena, const struct cond *leaf)
{
	const struct cond **children = ARENA_ARRAY(arena, 1, const struct cond *);
	children[0] = leaf;
	return new_group(arena, COND_NOT, children, 1);
}

const struct cond *cond_both(struct arena *arena, const struct cond *a, const struct cond *b)
{
	if (a == NULL || b == NULL) {
		return a == NULL ? b : a;
	}
	const struct cond **children = ARENA_ARRAY(arena, 2, const struct cond *);
	children[0] = a;
	children[1] = b;
	return cond_join(arena, COND_AND, children, 2);
}

/* ---- leaves ---- */

/* JSON is compared in its minified form; what is no JSON equals none. */
static void minify(struct arena *arena, struct value *value)
{
	struct json_reader reader;
	struct str raw;
	json_reader_init(&reader, value->text, JSON_DEPTH, arena);
	enum json_event first = json_next(&reader);
	if (first == JSON_ERROR || first == JSON_END || !json_skip(&reader, first, &raw) ||
		json_next(&reader) != JSON_END) {
		return;
	}
	struct buf buf;
	buf_init(&buf, SIZE_MAX);
	json_write_minified(&buf, raw);
	value->text = arena_copy(arena, buf_str(&buf));
	buf_finish(&buf);
}

static bool is_pattern(enum operator_name op)
{
	return op == OPERATOR_LIKE || op == OPERATOR_ILIKE || op == OPERATOR_MATCH ||
		op == OPERATOR_IMATCH;
}

static bool is_question(enum operator_name op)
{
	return op == OPERATOR_FTS || op == OPERATOR_PLFTS || op == OPERATOR_PHFTS ||
		op == OPERATOR_WFTS;
}

const struct value *cond_pinned(const struct cond *cond, const struct field *field)
{
	if (cond == NULL) {
		return NULL;
	}
	if (cond->kind == COND_COMPARE) {
		bool pins = cond->op == OPERATOR_EQ && cond->field == field && cond->path == NULL &&
			cond->operand.parameter < 0;
		return pins ? &cond->operand.value : NULL;
	}
	const struct value *value = NULL;
	for (size_t i = 0; cond->kind == COND_AND && i < cond->child_count && value == NULL; i++) {
		value = cond_pinned(cond->children[i], field);
	}
	return value;
}

bool cond_read_value(const struct cond *leaf, struct str text, struct arena *arena,
					 struct value *ret_value, struct error *error)
{
	struct value value;
	if (!value_from_text(leaf->type, text, arena, &value, error)) {
		return false;
	}
	bool is_value = leaf->kind != COND_COMPARE || !(is_pattern(leaf->op) || is_question(leaf->op));
	if (leaf->path != NULL && !leaf->path->as_text && is_value) {
		minify(arena, &value);
	}
	*ret_value = value;
	return true;
}

/* In URLs a `*` stands for the `%` that would need escapes there. */
static struct str without_stars(struct arena *arena, struct str pattern)
{
	if (str_find(pattern, '*', 0) == pattern.len) {
		return pattern;
	}
	char *bytes = arena_bytes(arena, pattern.len);
	for (size_t i = 0; i < pattern.len; i++) {
		bytes[i] = pattern.ptr[i] == '*' ? '%' : pattern.ptr[i];
	}
	return (struct str){bytes, pattern.len};
}

static bool compile(struct arena *arena, struct cond *leaf, struct error *error)
{
	struct str pattern = leaf->operand.value.text;
	bool caseless = leaf->op == OPERATOR_ILIKE || leaf->op == OPERATOR_IMATCH;
	const void *compiled;
	if (leaf->op == OPERATOR_LIKE || leaf->op == OPERATOR_ILIKE) {
		bool literal = leaf->operand.any_before || leaf->operand.any_behind;
		pattern = literal ? pattern : without_stars(arena, pattern);
		leaf->operand.value.text = pattern;
		compiled = like_create(pattern, caseless, arena);
	} else {
		compiled = regex_compile(pattern, caseless, arena, error);
	}
	leaf->compiled = (struct value){.kind = VALUE_POINTER, .pointer = compiled};
	return compiled != NULL;
}

static enum words_syntax words_syntax(enum operator_name op)
{
	return op == OPERATOR_FTS  ? WORDS_QUERY
		: op == OPERATOR_PLFTS ? WORDS_PLAIN
		: op == OPERATOR_PHFTS ? WORDS_PHRASED
							   : WORDS_WEB;
}

static struct str fts5_text(struct arena *arena, const struct phrase *phrase)
{
	struct buf buf;
	buf_init(&buf, SIZE_MAX);
	struct str text = words_write_fts5(phrase, &buf) ? arena_copy(arena, buf_str(&buf)) : STR("");
	buf_finish(&buf);
	return text;
}

/* The tree of a question: a leaf for each phrase, negations down at the leaves. */
static const struct cond *join_words(struct arena *arena, const struct cond *leaf,
									 const struct words_node *node, bool negated)
{
	if (node->kind == WORDS_NOT) {
		return join_words(arena, leaf, node->children[0], !negated);
	}
	if (node->kind == WORDS_PHRASE) {
		struct cond *made = ARENA_NEW(arena, struct cond);
		*made = *leaf;
		made->op = OPERATOR_FTS;
		made->compiled = (struct value){.kind = VALUE_POINTER, .pointer = &node->phrase};
		made->fts5 = fts5_text(arena, &node->phrase);
		return negated ? cond_negate(arena, made) : made;
	}
	const struct cond **children = ARENA_ARRAY(arena, 2, const struct cond *);
	children[0] = join_words(arena, leaf, node->children[0], negated);
	children[1] = join_words(arena, leaf, node->children[1], negated);
	bool is_and = (node->kind == WORDS_AND) != negated;
	return cond_join(arena, is_and ? COND_AND : COND_OR, children, 2);
}

const struct cond *cond_finish(struct arena *arena, struct cond *leaf, bool negated,
							   struct error *error)
{
	assert(leaf->kind == COND_COMPARE && leaf->operand.parameter < 0);
	if (is_question(leaf->op)) {
		const struct words_node *node;
		if (!words_parse(words_syntax(leaf->op), leaf->operand.value.text, arena, &node, error)) {
			return NULL;
		}
		/* A question without words matches nothing. */
		return node != NULL ? join_words(arena, leaf, node, negated)
							: cond_join(arena, negated ? COND_AND : COND_OR, NULL, 0);
	}
	if (is_pattern(leaf->op) && !compile(arena, leaf, error)) {
		return NULL;
	}
	return negated ? cond_negate(arena, leaf) : leaf;
}
