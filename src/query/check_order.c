/*
 * DESIGN. The order of a list is total, so that it is the same on every store and pages do not
 * overlap: it ends with the key; that of groups and of distinct rows, which have no key, with all
 * that tells them apart.
 */
#include "query/check_priv.h"

struct order {
	struct query_order *items;
	size_t count;
};

static bool is_ordered(const struct order *order, const struct term *term)
{
	for (size_t i = 0; i < order->count; i++) {
		if (check_same_term(&order->items[i].term, term)) {
			return true;
		}
	}
	return false;
}

/* `rel(column)`: by the one row that is embedded. */
static bool go_through(struct checker *checker, const struct level *level, struct str name,
					   const struct relation *const **ret_through)
{
	const struct level *child = check_child(checker, level, name);
	if (child == NULL) {
		return check_not_embedded(checker, name);
	}
	if (!child->to_one) {
		error_set(checker->error, ERROR_RELATED_ORDER, "A related order on '%.*s' is not possible",
				  STR_ARG(name));
		return error_details(
			checker->error,
			"'%.*s' and '%.*s' do not form a many-to-one or one-to-one relationship",
			STR_ARG(level->resource->name), STR_ARG(name));
	}
	const struct relation **through = ARENA_ARRAY(checker->arena, 1, const struct relation *);
	through[0] = child->relation;
	*ret_through = through;
	return true;
}

static bool read_term(struct checker *checker, const struct level *level,
					  const struct parsed_order *parsed, struct term *ret_term)
{
	const struct resource *resource = level->resource;
	const struct relation *const *through = NULL;
	if (parsed->relation.len > 0) {
		if (!go_through(checker, level, parsed->relation, &through)) {
			return false;
		}
		resource = through[0]->to;
		if (!check_unguarded(checker, resource)) {
			return false;
		}
	}
	if (!check_term(checker, resource, parsed->column, parsed->path, ret_term) ||
		!check_comparable(checker, ret_term)) {
		return false;
	}
	ret_term->through = through;
	ret_term->through_count = through != NULL ? 1 : 0;
	return true;
}

/* The terms as given. Those after the first of a value have no effect and are left out. */
static bool read_terms(struct checker *checker, struct level *level, struct order *order)
{
	for (const struct parsed_order *parsed = level->order; parsed != NULL; parsed = parsed->next) {
		struct query_order *item = &order->items[order->count];
		struct term term;
		if (!read_term(checker, level, parsed, &term)) {
			return false;
		}
		if (!is_ordered(order, &term)) {
			*item = (struct query_order){
				.term = term,
				.at = check_fetched(level, &term),
				.descending = parsed->descending,
				.nulls_first = parsed->nulls_first,
			};
			order->count++;
		}
	}
	return true;
}

static void add_term(struct order *order, const struct term *term, size_t at)
{
	order->items[order->count++] = (struct query_order){.term = *term, .at = at};
}

/* Appends the key; with `fetched` only those of its fields that are fetched. */
static void add_key(const struct level *level, bool fetched, struct order *order)
{
	const struct field_list *key = &level->resource->key;
	for (size_t i = 0; i < key->count; i++) {
		const struct term term = {.field = key->items[i]};
		size_t at = check_fetched(level, &term);
		if (!is_ordered(order, &term) && (!fetched || at != SIZE_MAX)) {
			add_term(order, &term, at);
		}
	}
}

/* Appends all that is fetched and not aggregated. */
static void add_fetched(const struct level *level, struct order *order)
{
	size_t given = order->count;
	for (size_t i = 0; i < level->fetch_count; i++) {
		bool there = level->fetch[i].aggregate != AGGREGATE_NONE;
		for (size_t k = 0; k < given && !there; k++) {
			there = order->items[k].at == i;
		}
		if (!there) {
			add_term(order, &level->fetch[i].term, i);
		}
	}
}

static bool fail_not_fetched(struct checker *checker, const struct query *query,
							 const struct term *term)
{
	if (query->distinct) {
		return error_set(checker->error, ERROR_CONFLICT_TARGET,
						 "for SELECT DISTINCT, ORDER BY expressions must appear in select list");
	}
	const struct resource *resource = term->through_count > 0 ? term->through[0]->to
															  : query->resource;
	return error_set(checker->error, ERROR_GROUPING,
					 "column \"%.*s.%.*s\" must appear in the GROUP BY clause or be used in an "
					 "aggregate function",
					 STR_ARG(resource->name), STR_ARG(term->field->name));
}

/* Rows that are told apart by what is fetched are ordered by it alone. */
static bool order_fetched(struct checker *checker, struct level *level, struct order *order)
{
	for (size_t i = 0; i < order->count; i++) {
		if (order->items[i].at == SIZE_MAX) {
			return fail_not_fetched(checker, level->query, &order->items[i].term);
		}
	}
	if (level->query->distinct) {
		add_key(level, true, order);
	}
	add_fetched(level, order);
	return true;
}

/* The rows that a write answers are put in order after they are read. */
static void fetch_terms(struct checker *checker, struct level *level, struct order *order)
{
	for (size_t i = 0; i < order->count; i++) {
		order->items[i].at = check_fetch(checker, level, &order->items[i].term);
	}
}

bool check_order(struct checker *checker, struct level *level)
{
	struct query *query = level->query;
	size_t room = level->resource->key.count + level->fetch_count;
	for (const struct parsed_order *term = level->order; term != NULL; term = term->next) {
		room++;
	}
	struct order order = {ARENA_ARRAY(checker->arena, room, struct query_order), 0};
	bool is_list = query->action == QUERY_LIST;
	bool no_rows = level->parent == NULL && checker->options->no_rows;
	if (level->folded) {
		return true;
	}
	if (!read_terms(checker, level, &order)) {
		return false;
	}
	if (query->action == QUERY_GET || (!is_list && no_rows)) {
		order.count = 0;
	} else if (!is_list) {
		fetch_terms(checker, level, &order);
	} else if (query->grouped || query->distinct) {
		if (!order_fetched(checker, level, &order)) {
			return false;
		}
	} else {
		add_key(level, false, &order);
	}
	query->order = order.count > 0 ? order.items : NULL;
	query->order_count = order.count;
	if (level->parent == NULL && is_list && checker->parsed->has_after) {
		return check_after(checker, level, order.items);
	}
	return true;
}
