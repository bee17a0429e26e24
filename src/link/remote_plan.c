#include "link/remote_priv.h"
#include "query/cond.h"

static bool unsupported(struct remote_join *join, const char *what)
{
	join->failed = true;
	return error_set(join->run->error, ERROR_UNSUPPORTED,
					 "%s is not supported for rows of other services", what);
}

static struct remote_level *find_child(struct remote_level *level, const struct query_embed *embed)
{
	for (size_t i = 0; i < level->child_count; i++) {
		if (level->children[i].embed == embed) {
			return &level->children[i];
		}
	}
	struct remote_level *child = &level->children[level->child_count++];
	child->embed = embed;
	child->query = &embed->query;
	return child;
}

/* How many embeds the level can have: columns, and conditions. */
static size_t count_places(const struct query *query)
{
	const struct cond *where = query->where;
	return query->column_count + 1 +
		(where != NULL && where->kind == COND_AND ? where->child_count : 0);
}

/* A condition that some embed has rows, or has none, is decided here. */
static bool take_exists(struct remote_level *level, const struct cond *cond)
{
	bool negated = cond->kind == COND_NOT;
	const struct cond *leaf = negated ? cond->children[0] : cond;
	if (leaf->kind != COND_EXISTS) {
		return false;
	}
	struct remote_level *child = find_child(level, leaf->embed);
	child->must = child->must || !negated;
	child->must_not = child->must_not || negated;
	level->filters = true;
	return true;
}

static void split_where(struct arena *arena, struct remote_level *level)
{
	const struct cond *where = level->query->where;
	if (where == NULL || where->kind != COND_AND) {
		level->where = where != NULL && !take_exists(level, where) ? where : NULL;
		return;
	}
	const struct cond **asked = ARENA_ARRAY(arena, where->child_count, const struct cond *);
	size_t count = 0;
	for (size_t i = 0; i < where->child_count; i++) {
		if (!take_exists(level, where->children[i])) {
			asked[count++] = where->children[i];
		}
	}
	level->where = count == 0 ? NULL : cond_join(arena, COND_AND, asked, count);
}

static void add_extras(struct remote_level *level, const struct field_list *fields)
{
	for (size_t i = 0; i < fields->count; i++) {
		level->extras[level->extra_count++] = fields->items[i];
	}
}

static bool plan_child(struct remote_join *join, struct remote_level *level,
					   struct remote_level *child)
{
	const struct relation *relation = child->embed->relation;
	if (relation->junction != NULL) {
		return unsupported(join, "a relation through a junction");
	}
	if (level->query->grouped) {
		return unsupported(join, "an embed beside aggregates");
	}
	if (child->query->total || child->query->distinct) {
		return unsupported(join, "`distinct`");
	}
	child->parent_at = remote_width(level);
	add_extras(level, &relation->from_fields);
	join->by_number[child->embed->number] = child;
	return remote_plan(join, child);
}

bool remote_plan(struct remote_join *join, struct remote_level *level)
{
	struct arena *arena = &join->run->arena;
	const struct query *query = level->query;
	size_t places = count_places(query);
	size_t extras = level->embed != NULL ? level->embed->relation->to_fields.count : 0;
	level->children = ARENA_ARRAY(arena, places, struct remote_level);
	map_init(&level->groups);
	split_where(arena, level);
	for (size_t i = 0; i < query->column_count; i++) {
		if (query->columns[i].embed != NULL) {
			find_child(level, query->columns[i].embed);
		}
	}
	for (size_t i = 0; i < level->child_count; i++) {
		extras += level->children[i].embed->relation->from_fields.count;
	}
	level->extras = ARENA_ARRAY(arena, extras + 1, const struct field *);
	if (level->embed != NULL) {
		add_extras(level, &level->embed->relation->to_fields);
	}
	for (size_t i = 0; i < level->child_count; i++) {
		if (!plan_child(join, level, &level->children[i])) {
			return false;
		}
	}
	level->asks = (struct remote_asks){
		.query = query,
		.where = level->where,
		.extras = level->extras,
		.extra_count = level->extra_count,
		.keys = level->embed != NULL ? &level->embed->relation->to_fields : NULL,
		.by_key = level->embed != NULL,
		.limit = UINT64_MAX,
	};
	return true;
}

/* One more than the highest number of an embed here, and in the conditions. */
static size_t count_numbers(const struct query *query, const struct cond *where)
{
	size_t most = 0;
	for (size_t i = 0; query != NULL && i < query->column_count; i++) {
		const struct query_embed *embed = query->columns[i].embed;
		if (embed != NULL) {
			size_t below = count_numbers(&embed->query, embed->query.where);
			below = embed->number >= below ? embed->number + 1 : below;
			most = below > most ? below : most;
		}
	}
	for (size_t i = 0; where != NULL && i < where->child_count; i++) {
		size_t below = count_numbers(NULL, where->children[i]);
		most = below > most ? below : most;
	}
	if (where != NULL && where->kind == COND_EXISTS) {
		size_t below = count_numbers(&where->embed->query, where->embed->query.where);
		below = where->embed->number >= below ? where->embed->number + 1 : below;
		most = below > most ? below : most;
	}
	return most;
}

size_t remote_count_embeds(const struct query *query)
{
	return count_numbers(query, query->where);
}
