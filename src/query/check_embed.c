/*
 * DESIGN. A spread of one row whose values are aggregated, or stand beside aggregates, is folded:
 * the parent fetches its values through the relation, so that one query groups all of them. Its
 * embed remains for inner joins and presence filters.
 */
#include "query/check_priv.h"

#include "query/cond.h"

/* ---- names ---- */

struct level *check_child(struct checker *checker, const struct level *level, struct str name)
{
	struct level *by_target = NULL;
	for (struct level *child = level->children; child != NULL; child = child->next) {
		const struct parsed_item *item = child->item;
		bool is_target = str_equal(item->column, name);
		if (item->alias.len > 0 ? str_equal(item->alias, name) : is_target) {
			return child;
		}
		if (is_target && by_target == NULL) {
			by_target = child;
		}
	}
	checker->by_target = checker->by_target || by_target != NULL;
	return by_target;
}

bool check_not_embedded(struct checker *checker, struct str name)
{
	error_set(checker->error, ERROR_NOT_EMBEDDED,
			  "'%.*s' is not an embedded resource in this request", STR_ARG(name));
	return error_hint(checker->error,
					  "Verify that '%.*s' is included in the 'select' query parameter.",
					  STR_ARG(name));
}

/* ---- the tree of levels ---- */

static bool add_children(struct checker *checker, struct level *level, size_t depth);

static struct level *new_child(struct checker *checker, struct level *parent,
							   const struct parsed_item *item, size_t depth)
{
	uint64_t most = checker->options->limits->embed_depth;
	if (depth > most) {
		error_set(checker->error, ERROR_PARSE, "Embedded resources nested deeper than %llu levels",
				  (unsigned long long)most);
		return NULL;
	}
	const struct relation *relation = check_relation(checker, parent->resource, item);
	if (relation == NULL || !check_way(checker, relation)) {
		return NULL;
	}
	struct level *child = ARENA_NEW(checker->arena, struct level);
	*child = (struct level){
		.parent = parent,
		.item = item,
		.items = item->children,
		.resource = relation->to,
		.relation = relation,
		.to_one = relation_is_to_one(relation),
		.limit = UINT64_MAX,
	};
	if (!add_children(checker, child, depth)) {
		return NULL;
	}
	parent->aggregated = parent->aggregated || (child->aggregated && item->spread && child->to_one);
	return child;
}

static bool add_children(struct checker *checker, struct level *level, size_t depth)
{
	struct level **end = &level->children;
	for (const struct parsed_item *item = level->items; item != NULL; item = item->next) {
		if (item->kind == ITEM_RELATION) {
			*end = new_child(checker, level, item, depth + 1);
			if (*end == NULL) {
				return false;
			}
			end = &(*end)->next;
		} else if (check_aggregates(item, level->resource)) {
			level->aggregated = true;
			if (checker->options->limits->aggregates == 0) {
				return error_set(checker->error, ERROR_AGGREGATES, NULL);
			}
		}
	}
	return true;
}

/* ---- what the parameters say of a level ---- */

/* By its alias and by its name, perhaps. */
static void join_where(struct checker *checker, struct level *level, struct parsed_cond *where)
{
	if (where == NULL) {
		return;
	}
	if (level->where == NULL) {
		level->where = where;
		return;
	}
	struct parsed_cond *first = ARENA_NEW(checker->arena, struct parsed_cond);
	struct parsed_cond *second = ARENA_NEW(checker->arena, struct parsed_cond);
	struct parsed_cond *both = ARENA_NEW(checker->arena, struct parsed_cond);
	*first = *level->where;
	*second = *where;
	first->next = second;
	second->next = NULL;
	both->kind = COND_AND;
	both->children = first;
	level->where = both;
}

static bool add_said(struct checker *checker, struct level *root, const struct parsed_level *said)
{
	struct level *level = root;
	for (size_t i = 0; i < said->path.count; i++) {
		level = check_child(checker, level, said->path.items[i]);
		if (level == NULL) {
			return check_not_embedded(checker, said->path.items[i]);
		}
	}
	join_where(checker, level, said->where);
	if (said->has_order && !level->has_order) {
		level->order = said->order;
		level->has_order = true;
	}
	if (said->has_limit && !level->has_limit) {
		level->limit = said->limit;
		level->has_limit = true;
	}
	if (said->has_offset && !level->has_offset) {
		level->offset = said->offset;
		level->has_offset = true;
	}
	return true;
}

/* ---- folding ---- */

static bool fold(struct checker *checker, struct level *level);

static bool fold_child(struct checker *checker, struct level *parent, struct level *child)
{
	struct str name = child->item->column;
	child->folded = parent->aggregated && child->item->spread && child->to_one;
	if (parent->folded && !child->folded) {
		return check_unsupported(checker, "the embedded \"%.*s\" in a spread with aggregates",
								 STR_ARG(name));
	}
	if (child->folded &&
		(child->where != NULL || child->has_order || child->has_limit || child->has_offset)) {
		return check_unsupported(checker,
								 "filters, order and limits of \"%.*s\", a spread with "
								 "aggregates",
								 STR_ARG(name));
	}
	child->aggregated = child->aggregated || child->folded;
	if (child->folded && !check_unguarded(checker, child->resource)) {
		return false;
	}
	return fold(checker, child);
}

static bool fold(struct checker *checker, struct level *level)
{
	for (struct level *child = level->children; child != NULL; child = child->next) {
		if (!fold_child(checker, level, child)) {
			return false;
		}
	}
	return true;
}

bool check_tree(struct checker *checker, struct level *root)
{
	if (!add_children(checker, root, 0)) {
		return false;
	}
	const struct parsed_level *said = checker->parsed->root.next;
	for (; said != NULL; said = said->next) {
		if (!add_said(checker, root, said)) {
			return false;
		}
	}
	return fold(checker, root);
}

/* ---- embeds ---- */

bool check_embeds(struct checker *checker, struct level *level)
{
	for (struct level *child = level->children; child != NULL; child = child->next) {
		struct query_embed *embed = ARENA_NEW(checker->arena, struct query_embed);
		embed->relation = child->relation;
		embed->to_one = child->to_one;
		embed->spread = child->item->spread;
		embed->query.action = QUERY_LIST;
		embed->query.resource = child->resource;
		child->embed = embed;
		child->query = &embed->query;
		if (!check_level(checker, child)) {
			return false;
		}
	}
	return true;
}

const struct cond *check_exists(struct checker *checker, struct level *child, bool negated)
{
	struct cond *cond = ARENA_NEW(checker->arena, struct cond);
	cond->kind = COND_EXISTS;
	cond->embed = child->embed;
	const struct cond *below = child->query->where;
	cond->parameters = below != NULL && below->parameters;
	cond->tables = 1 + (below != NULL ? below->tables : 0);
	child->used = true;
	return negated ? cond_negate(checker->arena, cond) : cond;
}

static void number_below(const struct level *level, size_t *next)
{
	for (struct level *child = level->children; child != NULL; child = child->next) {
		if (child->used) {
			child->embed->number = (*next)++;
			number_below(child, next);
		}
	}
}

void check_number_embeds(struct level *root)
{
	size_t next = 0;
	number_below(root, &next);
}

bool check_is_remote(const struct level *level)
{
	bool remote = resource_is_remote(level->resource);
	for (const struct level *child = level->children; child != NULL && !remote;
		 child = child->next) {
		remote = child->used && check_is_remote(child);
	}
	return remote;
}
