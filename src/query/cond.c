#include "query/cond.h"

static struct cond *new_group(struct arena *arena, enum cond_kind kind,
							  const struct cond **children, size_t count)
{
	struct cond *cond = ARENA_NEW(arena, struct cond);
	cond->kind = kind;
	cond->children = children;
	cond->child_count = count;
	for (size_t i = 0; i < count; i++) {
		cond->parameters = cond->parameters || children[i]->parameters;
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
	if (count == 1) {
		return children[0];
	}
	size_t flat_count = count_flat(children, count, kind);
	const struct cond **flat = children;
	if (flat_count != count) {
		flat = ARENA_ARRAY(arena, flat_count, const struct cond *);
		size_t n = 0;
		for (size_t i = 0; i < count; i++) {
			bool same = children[i]->kind == kind;
			for (size_t k = 0; k < (same ? children[i]->child_count : 1); k++) {
				flat[n++] = same ? children[i]->children[k] : children[i];
			}
		}
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
