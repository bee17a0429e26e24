#include "store/read_tables.h"

struct walk {
	read_tables_call *call;
	void *context;
};

static void walk_query(const struct walk *walk, const struct query *query);

static void walk_embed(const struct walk *walk, const struct query_embed *embed)
{
	if (embed->relation->junction != NULL) {
		walk->call(walk->context, embed->relation->junction, NULL);
	}
	walk_query(walk, &embed->query);
}

static void walk_cond(const struct walk *walk, const struct cond *cond)
{
	if (cond == NULL) {
		return;
	}
	for (size_t i = 0; i < cond->child_count; i++) {
		walk_cond(walk, cond->children[i]);
	}
	if (cond->kind == COND_EXISTS) {
		walk_embed(walk, cond->embed);
	}
}

static void walk_term(const struct walk *walk, const struct term *term)
{
	for (size_t i = 0; i < term->through_count; i++) {
		walk->call(walk->context, term->through[i]->to, NULL);
	}
}

static void walk_query(const struct walk *walk, const struct query *query)
{
	walk->call(walk->context, query->resource, query->where);
	walk_cond(walk, query->where);
	for (size_t i = 0; i < query->fetch_count; i++) {
		walk_term(walk, &query->fetch[i].term);
	}
	for (size_t i = 0; i < query->order_count; i++) {
		walk_term(walk, &query->order[i].term);
	}
	for (size_t i = 0; i < query->column_count; i++) {
		if (query->columns[i].embed != NULL) {
			walk_embed(walk, query->columns[i].embed);
		}
	}
}

void read_tables_each(const struct query *query, read_tables_call *call, void *context)
{
	const struct walk walk = {.call = call, .context = context};
	walk_query(&walk, query);
}
