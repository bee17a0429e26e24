/*
 * DESIGN. Only what lies above a parameter is made anew; all other parts of the tree are shared
 * with the template, which is never changed. A part is bound to a condition, or to nothing when
 * optional parameters are missing; it is for the part above to go on without it.
 */
#include "query/bind.h"

#include <assert.h>

struct binder {
	const struct parameter *parameters;
	size_t count;
	struct arena *arena;
	size_t *ret_parameter;
	struct error *error;
};

enum bound { BOUND, DROPPED, FAILED };

/* Fills `ret_value` from the operand's parameter. */
static enum bound bind_operand(struct binder *binder, const struct field *field,
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
				  STR_ARG(field->name));
		return FAILED;
	}
	if (!value_from_text(field, parameter->text, binder->arena, ret_value, binder->error)) {
		*binder->ret_parameter = number;
		return FAILED;
	}
	return BOUND;
}

static struct cond *copy(struct binder *binder, const struct cond *cond)
{
	struct cond *made = ARENA_NEW(binder->arena, struct cond);
	*made = *cond;
	made->parameters = false;
	return made;
}

static enum bound bind_compare(struct binder *binder, const struct cond *cond,
							   const struct cond **ret_cond)
{
	struct value value;
	enum bound bound = bind_operand(binder, cond->field, &cond->operand, &value);
	if (bound == BOUND) {
		struct cond *made = copy(binder, cond);
		made->operand = (struct operand){.value = value, .parameter = -1};
		*ret_cond = made;
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
			bound = bind_operand(binder, cond->field, from, &items[count].value);
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
	if (count == 1 && cond->kind != COND_NOT) {
		*ret_cond = children[0];
		return BOUND;
	}
	struct cond *made = copy(binder, cond);
	made->children = children;
	made->child_count = count;
	*ret_cond = made;
	return BOUND;
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
	case COND_NOT:
		return bind_group(binder, cond, ret_cond);
	case COND_COMPARE:
		return bind_compare(binder, cond, ret_cond);
	case COND_IN:
		return bind_in(binder, cond, ret_cond);
	case COND_IS:
		break;
	}
	assert(false);
	return FAILED;
}

bool query_bind(const struct query *query, const struct parameter *parameters, size_t count,
				struct arena *arena, struct query *ret_query, size_t *ret_parameter,
				struct error *error)
{
	const struct cond *where = query->where;
	if (where != NULL && where->parameters) {
		struct binder binder = {parameters, count, arena, ret_parameter, error};
		const struct cond *made = NULL;
		enum bound bound = bind_cond(&binder, where, &made);
		if (bound == FAILED) {
			return false;
		}
		where = bound == DROPPED ? NULL : made;
	}
	*ret_query = *query;
	ret_query->where = where;
	return true;
}
