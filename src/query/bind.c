/*
 * DESIGN. Only what lies above a parameter is made anew; all other parts of the tree are shared
 * with the template, which is never changed. A part is bound to a condition, or to nothing when
 * optional parameters are missing; it is for the part above to go on without it.
 */
#include "query/bind.h"

#include <assert.h>

#include "base/clock.h"
#include "query/cond.h"

/* An embed that was made anew; it may stand in a column and in conditions. */
struct bound_embed {
	const struct query_embed *from;
	const struct query_embed *made;
	struct bound_embed *next;
};

struct binder {
	const struct parameter *parameters;
	size_t count;
	struct arena *arena;
	size_t *ret_parameter;
	struct error *error;
	struct bound_embed *embeds;
	int64_t today;
};

enum bound { BOUND, DROPPED, FAILED };

/* Fills `ret_value` from the operand's parameter. */
static enum bound bind_operand(struct binder *binder, const struct cond *cond,
							   const struct operand *operand, struct value *ret_value)
{
	size_t number = (size_t)operand->parameter;
	assert(number < binder->count);
	const struct parameter *parameter = &binder->parameters[number];
	if (operand->optional && (!parameter->given || parameter->text.len == 0)) {
		return DROPPED;
	}
	if (parameter->text.ptr == NULL) {
		*binder->ret_parameter = number;
		error_set(binder->error, ERROR_VALUE, "field \"%.*s\": the request gives no value",
				  STR_ARG(cond->field->name));
		return FAILED;
	}
	if (!cond_read_value(cond, parameter->text, binder->arena, ret_value, binder->error)) {
		*binder->ret_parameter = number;
		return FAILED;
	}
	return BOUND;
}

/* The pattern of a text that stands for itself. */
static struct str literal_pattern(struct binder *binder, const struct operand *operand,
								  struct str text)
{
	char *bytes = arena_bytes(binder->arena, 2 * text.len + 2);
	size_t len = 0;
	if (operand->any_before) {
		bytes[len++] = '%';
	}
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '%' || text.ptr[i] == '_' || text.ptr[i] == '\\') {
			bytes[len++] = '\\';
		}
		bytes[len++] = text.ptr[i];
	}
	if (operand->any_behind) {
		bytes[len++] = '%';
	}
	return (struct str){bytes, len};
}

static struct cond *copy(struct binder *binder, const struct cond *cond)
{
	struct cond *made = ARENA_NEW(binder->arena, struct cond);
	*made = *cond;
	made->parameters = false;
	return made;
}

static enum bound bind_compare(struct binder *binder, const struct cond *cond, bool negated,
							   const struct cond **ret_cond)
{
	struct value value;
	enum bound bound = bind_operand(binder, cond, &cond->operand, &value);
	if (bound == BOUND) {
		struct cond *made = copy(binder, cond);
		made->operand.value = value;
		made->operand.parameter = -1;
		if (made->operand.any_before || made->operand.any_behind) {
			made->operand.value.text = literal_pattern(binder, &made->operand, value.text);
		}
		*ret_cond = cond_finish(binder->arena, made, negated, binder->error);
		if (*ret_cond == NULL) {
			*binder->ret_parameter = (size_t)cond->operand.parameter;
			return FAILED;
		}
	}
	return bound;
}

static enum bound bind_in(struct binder *binder, const struct cond *cond,
						  const struct cond **ret_cond)
{
	struct operand *items = ARENA_ARRAY(binder->arena, cond->item_count, struct operand);
	size_t count = 0;
	for (size_t i = 0; i < cond->item_count; i++) {
		const struct operand *from = &cond->items[i];
		items[count] = (struct operand){.value = from->value, .parameter = -1};
		enum bound bound = BOUND;
		if (from->parameter >= 0) {
			bound = bind_operand(binder, cond, from, &items[count].value);
		}
		if (bound == FAILED) {
			return FAILED;
		}
		count += bound == BOUND ? 1 : 0;
	}
	if (count == 0) {
		return DROPPED;
	}
	struct cond *made = copy(binder, cond);
	made->items = items;
	made->item_count = count;
	*ret_cond = made;
	return BOUND;
}

static enum bound bind_cond(struct binder *binder, const struct cond *cond,
							const struct cond **ret_cond);

/* AND and OR. */
static enum bound bind_group(struct binder *binder, const struct cond *cond,
							 const struct cond **ret_cond)
{
	const struct cond **children = ARENA_ARRAY(binder->arena, cond->child_count,
											   const struct cond *);
	size_t count = 0;
	for (size_t i = 0; i < cond->child_count; i++) {
		enum bound bound = bind_cond(binder, cond->children[i], &children[count]);
		if (bound == FAILED) {
			return FAILED;
		}
		count += bound == BOUND ? 1 : 0;
	}
	if (count == 0) {
		return DROPPED;
	}
	*ret_cond = cond_join(binder->arena, cond->kind, children, count);
	return BOUND;
}

static enum bound bind_not(struct binder *binder, const struct cond *cond,
						   const struct cond **ret_cond)
{
	const struct cond *leaf = cond->children[0];
	if (leaf->kind == COND_COMPARE) {
		return bind_compare(binder, leaf, true, ret_cond);
	}
	const struct cond *made = NULL;
	enum bound bound = bind_cond(binder, leaf, &made);
	if (bound == BOUND) {
		*ret_cond = cond_negate(binder->arena, made);
	}
	return bound;
}

static const struct query_embed *bind_embed(struct binder *binder, const struct query_embed *embed);

static enum bound bind_exists(struct binder *binder, const struct cond *cond,
							  const struct cond **ret_cond)
{
	struct cond *made = copy(binder, cond);
	made->embed = bind_embed(binder, cond->embed);
	*ret_cond = made;
	return made->embed != NULL ? BOUND : FAILED;
}

static enum bound bind_cond(struct binder *binder, const struct cond *cond,
							const struct cond **ret_cond)
{
	if (!cond->parameters) {
		*ret_cond = cond;
		return BOUND;
	}
	switch (cond->kind) {
	case COND_AND:
	case COND_OR:
		return bind_group(binder, cond, ret_cond);
	case COND_NOT:
		return bind_not(binder, cond, ret_cond);
	case COND_COMPARE:
		return bind_compare(binder, cond, false, ret_cond);
	case COND_IN:
		return bind_in(binder, cond, ret_cond);
	case COND_EXISTS:
		return bind_exists(binder, cond, ret_cond);
	case COND_IS:
		break;
	}
	assert(false);
	return FAILED;
}

/* ---- queries ---- */

int64_t query_today(void)
{
	return clock_system.wall_us(&clock_system) / DATE_DAY_MICROS;
}

/* Is it another one for each request, by its own conditions, by what is embedded in it, or by the
 * day? */
static bool is_bound(const struct query *query)
{
	bool bound = query->uses_today || (query->where != NULL && query->where->parameters);
	for (size_t i = 0; i < query->column_count && !bound; i++) {
		const struct query_embed *embed = query->columns[i].embed;
		bound = embed != NULL && is_bound(&embed->query);
	}
	return bound;
}

static bool bind_query(struct binder *binder, const struct query *query, struct query *ret_query)
{
	const struct cond *where = query->where;
	if (where != NULL && where->parameters) {
		const struct cond *made = NULL;
		enum bound bound = bind_cond(binder, where, &made);
		if (bound == FAILED) {
			return false;
		}
		where = bound == DROPPED ? NULL : made;
	}
	struct query_column *columns = NULL;
	for (size_t i = 0; i < query->column_count; i++) {
		const struct query_embed *embed = query->columns[i].embed;
		if (embed == NULL || !is_bound(&embed->query)) {
			continue;
		}
		if (columns == NULL) {
			columns = ARENA_ARRAY(binder->arena, query->column_count, struct query_column);
			memcpy(columns, query->columns, query->column_count * sizeof(*columns));
		}
		columns[i].embed = bind_embed(binder, embed);
		if (columns[i].embed == NULL) {
			return false;
		}
	}
	*ret_query = *query;
	ret_query->where = where;
	ret_query->today = binder->today;
	ret_query->columns = columns != NULL ? columns : query->columns;
	return true;
}

/* NULL after a failure. */
static const struct query_embed *bind_embed(struct binder *binder, const struct query_embed *embed)
{
	for (const struct bound_embed *bound = binder->embeds; bound != NULL; bound = bound->next) {
		if (bound->from == embed) {
			return bound->made;
		}
	}
	struct query_embed *made = ARENA_NEW(binder->arena, struct query_embed);
	struct bound_embed *bound = ARENA_NEW(binder->arena, struct bound_embed);
	*made = *embed;
	if (!bind_query(binder, &embed->query, &made->query)) {
		return NULL;
	}
	*bound = (struct bound_embed){embed, made, binder->embeds};
	binder->embeds = bound;
	return made;
}

bool query_bind(const struct query *query, const struct parameter *parameters, size_t count,
				struct arena *arena, struct query *ret_query, size_t *ret_parameter,
				struct error *error)
{
	struct binder binder = {
		.parameters = parameters,
		.count = count,
		.arena = arena,
		.ret_parameter = ret_parameter,
		.error = error,
		.today = query_today(),
	};
	return bind_query(&binder, query, ret_query);
}
