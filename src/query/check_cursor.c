/*
 * DESIGN. A cursor holds the order values of the last row of a page, and a hash of what the page
 * was asked with: order, conditions, resource. The next page is the rows behind these values:
 *
 *   behind(a) or (a = x and (behind(b) or (b = y and …)))
 *
 * as a tree, not as a row comparison, since directions and places of null differ from term to
 * term. The first term's bound stands before it once more, alone, for an index to start from.
 */
#include "query/check_priv.h"

#include "base/map.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "query/cond.h"

enum { HASH_DIGITS = 16 };

/* Cursors are read by other processes too, and to forge one gains nothing: it is no secret. */
static const uint64_t hash_key[2] = {0x637572736f722d6f, 0x662d726f776c6f63};

/* ---- the hash ---- */

/* With its length, so that no two rows of texts are written alike. */
static void put_text(struct buf *buf, struct str text)
{
	buf_append_uint(buf, text.len);
	buf_append_byte(buf, ':');
	buf_append(buf, text);
}

static void put_path(struct buf *buf, const struct json_path *path)
{
	for (size_t i = 0; path != NULL && i < path->count; i++) {
		buf_append_byte(buf, path->steps[i].is_position ? '#' : '.');
		put_text(buf, path->steps[i].key);
	}
	buf_append_byte(buf, path != NULL && path->as_text ? '>' : '-');
}

static void put_operand(struct buf *buf, const struct field *type, const struct operand *operand)
{
	if (operand->parameter >= 0) {
		buf_printf(buf, "{%d}", operand->parameter);
		return;
	}
	struct buf text;
	buf_init(&text, SIZE_MAX);
	value_write_text(&text, type, &operand->value);
	put_text(buf, buf_str(&text));
	buf_finish(&text);
}

static void put_cond(struct buf *buf, const struct cond *cond);

static void put_embed(struct buf *buf, const struct query_embed *embed)
{
	const struct relation *relation = embed->relation;
	put_text(buf, relation->to->name);
	put_text(buf,
			 relation->junction != NULL ? relation->junction->name : relation->reference->name);
	buf_printf(buf, "%d,%llu,%llu,", (int)relation->kind, (unsigned long long)embed->query.limit,
			   (unsigned long long)embed->query.offset);
	if (embed->query.where != NULL) {
		put_cond(buf, embed->query.where);
	}
}

static void put_cond(struct buf *buf, const struct cond *cond)
{
	buf_printf(buf, "%d(", (int)cond->kind);
	switch (cond->kind) {
	case COND_AND:
	case COND_OR:
	case COND_NOT:
		for (size_t i = 0; i < cond->child_count; i++) {
			put_cond(buf, cond->children[i]);
		}
		break;
	case COND_COMPARE:
	case COND_IN:
	case COND_IS:
		put_text(buf, cond->field->name);
		put_path(buf, cond->path);
		buf_printf(buf, "%d,%d,", (int)cond->op, (int)cond->is);
		if (cond->kind == COND_COMPARE) {
			put_operand(buf, cond->type, &cond->operand);
		}
		for (size_t i = 0; i < cond->item_count; i++) {
			put_operand(buf, cond->type, &cond->items[i]);
		}
		break;
	case COND_EXISTS:
		put_embed(buf, cond->embed);
		break;
	}
	buf_append_byte(buf, ')');
}

static uint64_t hash_query(const struct query *query)
{
	struct buf buf;
	buf_init(&buf, SIZE_MAX);
	put_text(&buf, query->resource->name);
	for (size_t i = 0; i < query->order_count; i++) {
		const struct query_order *order = &query->order[i];
		put_text(&buf, order->term.field->name);
		put_path(&buf, order->term.path);
		buf_printf(&buf, "%d%d", (int)order->descending, (int)order->nulls_first);
	}
	if (query->where != NULL) {
		put_cond(&buf, query->where);
	}
	uint64_t hash = siphash(hash_key, buf.ptr, buf.len);
	buf_finish(&buf);
	return hash;
}

static void write_hash(uint64_t hash, char ret_digits[HASH_DIGITS])
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = HASH_DIGITS; i > 0; i--) {
		ret_digits[i - 1] = digits[hash & 15];
		hash >>= 4;
	}
}

struct str check_cursor(const struct query *query, struct str values, struct arena *arena)
{
	char digits[HASH_DIGITS];
	struct buf json;
	struct buf text;
	buf_init(&json, SIZE_MAX);
	buf_init(&text, SIZE_MAX);
	write_hash(query->cursor_hash, digits);
	buf_append(&json, str_slice(values, 0, values.len - 1));
	buf_printf(&json, ",\"%.*s\"]", HASH_DIGITS, digits);
	base64url_write(&text, buf_str(&json));
	struct str cursor = arena_copy(arena, buf_str(&text));
	buf_finish(&text);
	buf_finish(&json);
	return cursor;
}

/* ---- reading one ---- */

static bool fail_cursor(struct checker *checker)
{
	return error_set(checker->error, ERROR_CURSOR, NULL);
}

/* Is it an array of so many elements, and nothing else? */
static bool is_array(struct checker *checker, struct str json, size_t count)
{
	struct json_reader reader;
	struct str raw;
	enum json_event event;
	json_reader_init(&reader, json, checker->options->limits->json_depth, checker->arena);
	if (json_next(&reader) != JSON_ARRAY) {
		return false;
	}
	size_t found = 0;
	while ((event = json_next(&reader)) != JSON_ARRAY_END) {
		if (event == JSON_ERROR || !json_skip(&reader, event, &raw)) {
			return false;
		}
		found++;
	}
	return found == count && json_next(&reader) == JSON_END;
}

/* The values of the order's terms, each as its type. */
static bool read_values(struct checker *checker, const struct query *query,
						struct value *ret_values)
{
	struct json_reader reader;
	struct str json;
	struct error ignored;
	char digits[HASH_DIGITS];
	if (!base64url_decode(checker->parsed->after, checker->arena, &json) ||
		!is_array(checker, json, query->cursor_count + 1)) {
		return fail_cursor(checker);
	}
	json_reader_init(&reader, json, checker->options->limits->json_depth, checker->arena);
	(void)json_next(&reader);
	for (size_t i = 0; i < query->cursor_count; i++) {
		const struct field *type = query->fetch[query->cursor[i]].type;
		if (!value_from_json(type, &reader, false, &ret_values[i], &ignored)) {
			return fail_cursor(checker);
		}
	}
	write_hash(query->cursor_hash, digits);
	const struct str wanted = {digits, HASH_DIGITS};
	return (json_next(&reader) == JSON_STRING && str_equal(reader.text, wanted)) ||
		fail_cursor(checker);
}

/* ---- the rows behind ---- */

static struct cond *new_leaf(struct checker *checker, const struct term *term)
{
	struct cond *cond = ARENA_NEW(checker->arena, struct cond);
	cond->field = term->field;
	cond->path = term->path;
	cond->type = term->field;
	if (term->path != NULL) {
		cond->type = check_made_field(checker, term->field->name, TYPE_TEXT);
	}
	return cond;
}

static const struct cond *is_null(struct checker *checker, const struct term *term, bool null)
{
	struct cond *cond = new_leaf(checker, term);
	cond->kind = COND_IS;
	cond->is = null ? IS_NULL : IS_NOT_NULL;
	return cond;
}

static const struct cond *compare(struct checker *checker, const struct term *term,
								  enum operator_name op, const struct value *value)
{
	struct cond *cond = new_leaf(checker, term);
	cond->kind = COND_COMPARE;
	cond->op = op;
	cond->operand = (struct operand){.value = *value, .parameter = -1};
	return cond;
}

static const struct cond *join(struct checker *checker, enum cond_kind kind, const struct cond *a,
							   const struct cond *b)
{
	const struct cond **children = ARENA_ARRAY(checker->arena, 2, const struct cond *);
	children[0] = a;
	children[1] = b;
	return cond_join(checker->arena, kind, children, 2);
}

static bool can_be_null(const struct term *term)
{
	return term->path != NULL || !(term->field->required || term->field->key);
}

/* Rows whose value of this term comes after; NULL: there can be none. */
static const struct cond *is_behind(struct checker *checker, const struct query_order *order,
									const struct value *value)
{
	const struct term *term = &order->term;
	if (value->kind == VALUE_NULL) {
		return order->nulls_first ? is_null(checker, term, false) : NULL;
	}
	const struct cond *further = compare(checker, term,
										 order->descending ? OPERATOR_LT : OPERATOR_GT, value);
	if (order->nulls_first || !can_be_null(term)) {
		return further;
	}
	return join(checker, COND_OR, further, is_null(checker, term, true));
}

static const struct cond *is_equal(struct checker *checker, const struct term *term,
								   const struct value *value)
{
	return value->kind == VALUE_NULL ? is_null(checker, term, true)
									 : compare(checker, term, OPERATOR_EQ, value);
}

/* Rows behind all values; from the last term to the first. */
static const struct cond *all_behind(struct checker *checker, const struct query *query,
									 const struct value *values)
{
	const struct cond *behind = NULL;
	for (size_t i = query->order_count; i > 0; i--) {
		const struct query_order *order = &query->order[i - 1];
		const struct cond *further = is_behind(checker, order, &values[i - 1]);
		const struct cond *same = NULL;
		if (behind != NULL) {
			same = join(checker, COND_AND, is_equal(checker, &order->term, &values[i - 1]), behind);
		}
		if (further == NULL || same == NULL) {
			behind = further == NULL ? same : further;
		} else {
			behind = join(checker, COND_OR, further, same);
		}
	}
	/* Behind a null that is last, and has no other term after it, is nothing. */
	return behind != NULL ? behind : cond_join(checker->arena, COND_OR, NULL, 0);
}

/* The bound of the first term alone, where it holds for all rows behind; NULL: it does not. */
static const struct cond *first_bound(struct checker *checker, const struct query *query,
									  const struct value *value)
{
	const struct query_order *first = &query->order[0];
	bool null_may_follow = !first->nulls_first && can_be_null(&first->term);
	if (query->order_count == 1 || value->kind == VALUE_NULL || null_may_follow) {
		return NULL;
	}
	return compare(checker, &first->term, first->descending ? OPERATOR_LTE : OPERATOR_GTE, value);
}

/* ---- what a cursor needs ---- */

static bool check_terms(struct checker *checker, const struct query *query)
{
	if (query->order_count > CHECK_CURSOR_TERMS) {
		return error_set(checker->error, ERROR_PARSE,
						 "\"after\" with an order of more than %d terms", CHECK_CURSOR_TERMS);
	}
	for (size_t i = 0; i < query->order_count; i++) {
		const struct term *term = &query->order[i].term;
		if (term->through_count > 0) {
			return check_unsupported(checker, "a cursor with an order by an embedded resource");
		}
		/* A null in JSON and no value at all would look the same in a cursor. */
		if (term->path != NULL && !term->path->as_text) {
			return check_unsupported(checker, "a cursor with an order by JSON (use ->>)");
		}
	}
	return true;
}

static bool check_fit(struct checker *checker, const struct query *query)
{
	if (query->limit == UINT64_MAX) {
		return error_set(checker->error, ERROR_PARSE, "\"after\" needs a \"limit\"");
	}
	if (query->offset != 0) {
		return error_set(checker->error, ERROR_PARSE,
						 "\"after\" and \"offset\" exclude each other");
	}
	if (query->grouped || checker->parsed->distinct) {
		return check_unsupported(checker, "a cursor with aggregate functions or distinct");
	}
	if (query->resource->key.count == 0) {
		return check_unsupported(checker, "a cursor in a resource without a key");
	}
	return check_terms(checker, query);
}

bool check_after(struct checker *checker, struct level *level, struct query_order *order)
{
	struct query *query = level->query;
	if (!check_fit(checker, query)) {
		return false;
	}
	size_t *cursor = ARENA_ARRAY(checker->arena, query->order_count, size_t);
	for (size_t i = 0; i < query->order_count; i++) {
		order[i].at = check_fetch(checker, level, &order[i].term);
		cursor[i] = order[i].at;
	}
	query->fetch = level->fetch;
	query->cursor = cursor;
	query->cursor_count = query->order_count;
	query->cursor_hash = hash_query(query);
	if (checker->parsed->after.len == 0) {
		return true;
	}
	struct value *values = ARENA_ARRAY(checker->arena, query->order_count, struct value);
	if (!read_values(checker, query, values)) {
		return false;
	}
	const struct cond *behind = cond_both(checker->arena, first_bound(checker, query, &values[0]),
										  all_behind(checker, query, values));
	query->where = cond_both(checker->arena, query->where, behind);
	return true;
}
