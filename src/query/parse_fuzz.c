/*
 * Any bytes as a text of the query grammar: a query string, a condition of a service file, a
 * select, an order, a key. The error is set exactly when one is refused, and points into the text;
 * what is accepted keeps to the limits and has the shape that query/parse.h tells.
 */
#include <assert.h>
#include <stdint.h>

#include "query/parse.h"

enum {
	BLOCK_BYTES = 65536,
	FILTER_TERMS = 50,
	FILTER_DEPTH = 5,
	IN_ITEMS = 20,
	EMBED_DEPTH = 3,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool outcome(bool ok, const struct error *error, size_t size)
{
	assert(ok == (error->code == ERROR_NONE));
	assert(ok || error->at == SIZE_MAX || error->at <= size);
	return ok;
}

/* ---- what is accepted ---- */

static void look_at_path(const struct json_path *path)
{
	if (path == NULL) {
		return;
	}
	assert(path->count > 0);
	for (size_t i = 0; i < path->count; i++) {
		assert(path->steps[i].is_position || path->steps[i].position == 0);
		assert(!path->steps[i].is_position || path->steps[i].key.len > 0);
	}
}

static void look_at_value(const struct parsed_value *value, bool parameters)
{
	assert(parameters || !value->parameter);
	assert(value->parameter || !value->optional);
	assert(!value->parameter || value->text.len > 0);
}

static void look_at_leaf(const struct parsed_cond *cond, bool parameters)
{
	assert(cond->children == NULL);
	assert(cond->item_count <= IN_ITEMS);
	assert((cond->kind == COND_IN) == (cond->op == OPERATOR_IN));
	assert((cond->kind == COND_IS) == (cond->op == OPERATOR_IS));
	assert(cond->kind == COND_COMPARE || cond->quantifier == QUANTIFIER_NONE);
	assert(cond->op >= OPERATOR_FTS || cond->config.len == 0);
	look_at_path(cond->path);
	for (size_t i = 0; i < cond->item_count; i++) {
		look_at_value(&cond->items[i], parameters);
	}
	if (cond->kind == COND_COMPARE && cond->quantifier == QUANTIFIER_NONE) {
		look_at_value(&cond->value, parameters);
	}
}

/* Returns the number of leaves. */
static size_t look_at_cond(const struct parsed_cond *cond, size_t depth, bool parameters)
{
	if (cond->kind != COND_AND && cond->kind != COND_OR && cond->kind != COND_NOT) {
		look_at_leaf(cond, parameters);
		return 1;
	}
	size_t groups = cond->kind == COND_NOT ? 0 : 1;
	size_t leaves = 0;
	assert(depth + groups <= FILTER_DEPTH + 1);
	assert(cond->children != NULL);
	assert(cond->kind != COND_NOT || cond->children->next == NULL);
	for (const struct parsed_cond *child = cond->children; child != NULL; child = child->next) {
		leaves += look_at_cond(child, depth + groups, parameters);
	}
	return leaves;
}

static void look_at_items(const struct parsed_item *first, size_t depth)
{
	assert(depth <= EMBED_DEPTH);
	for (const struct parsed_item *item = first; item != NULL; item = item->next) {
		bool relation = item->kind == ITEM_RELATION;
		assert(relation || (item->children == NULL && !item->spread));
		assert(!item->spread || item->alias.len == 0);
		assert(item->kind == ITEM_FIELD || item->path == NULL);
		assert(item->aggregate != AGGREGATE_NONE || item->kind == ITEM_COUNT ||
			   item->result_cast.len == 0);
		assert(item->kind != ITEM_COUNT || item->aggregate == AGGREGATE_NONE);
		look_at_path(item->path);
		if (relation) {
			look_at_items(item->children, depth + 1);
		}
	}
}

static void look_at(const struct parsed_query *query, bool parameters)
{
	size_t leaves = 0;
	assert(query->has_select || query->select == NULL);
	look_at_items(query->select, 0);
	for (const struct parsed_level *level = &query->root; level != NULL; level = level->next) {
		assert((level == &query->root) == (level->path.count == 0));
		assert(level->has_order == (level->order != NULL));
		if (level->where != NULL) {
			assert(level->where->kind == COND_AND && level->last->next == NULL);
			leaves += look_at_cond(level->where, 0, parameters);
		}
		for (const struct parsed_order *term = level->order; term != NULL; term = term->next) {
			look_at_path(term->path);
		}
	}
	assert(leaves == query->terms && leaves <= FILTER_TERMS);
}

/* ---- texts ---- */

static void try_query_string(struct str text, const struct limits *limits, struct arena *arena)
{
	struct parsed_query query;
	struct error error = {.code = ERROR_NONE};
	parsed_query_init(&query);
	if (outcome(parse_query_string(text, limits, NULL, NULL, arena, &query, &error), &error,
				text.len)) {
		look_at(&query, false);
	}
}

static void try_condition(struct str text, const struct limits *limits, struct arena *arena)
{
	struct parsed_query query;
	struct error error = {.code = ERROR_NONE};
	parsed_query_init(&query);
	if (outcome(parse_condition(text, limits, arena, &query, &error), &error, text.len)) {
		assert(query.select == NULL && query.root.order == NULL && query.columns.count == 0);
		look_at(&query, true);
	}
}

static void try_select_and_order(struct str text, const struct limits *limits, struct arena *arena)
{
	struct parsed_query query;
	struct error error = {.code = ERROR_NONE};
	parsed_query_init(&query);
	if (outcome(parse_select(text, limits, arena, &query, &error), &error, text.len)) {
		look_at(&query, false);
	}
	error = (struct error){.code = ERROR_NONE};
	parsed_query_init(&query);
	if (outcome(parse_order(text, arena, &query, &error), &error, text.len)) {
		look_at(&query, false);
	}
}

static void try_key(struct str text, struct arena *arena)
{
	struct parsed_names values;
	struct error error = {.code = ERROR_NONE};
	if (outcome(parse_key(text, arena, &values, &error), &error, text.len)) {
		assert(values.count > 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};
	struct limits limits;
	struct arena arena;
	limits_init(&limits);
	limits.filter_terms = FILTER_TERMS;
	limits.filter_depth = FILTER_DEPTH;
	limits.in_items = IN_ITEMS;
	limits.embed_depth = EMBED_DEPTH;
	arena_init(&arena, BLOCK_BYTES);
	try_query_string(text, &limits, &arena);
	try_condition(text, &limits, &arena);
	try_select_and_order(text, &limits, &arena);
	try_key(text, &arena);
	arena_finish(&arena);
	return 0;
}
