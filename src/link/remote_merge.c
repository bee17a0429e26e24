#include <string.h>

#include "link/remote_priv.h"

/* Has it an order that is the same everywhere? */
static bool has_plain_order(enum type type)
{
	return type == TYPE_INTEGER || type == TYPE_UUID || type == TYPE_DATE || type == TYPE_DATETIME;
}

bool remote_can_merge(const struct remote_level *root, const struct remote_level *child)
{
	const struct relation *relation = child->embed->relation;
	const struct query_order *order = root->query->order;
	return child->child_count == 0 && relation->from_fields.count == 1 &&
		has_plain_order(relation->from_fields.items[0]->type) &&
		has_plain_order(relation->to_fields.items[0]->type) && root->query->order_count > 0 &&
		order->term.field == relation->from_fields.items[0] && order->term.path == NULL &&
		order->term.through_count == 0 && !order->descending && !order->nulls_first &&
		child->query->offset == 0 && !child->query->grouped;
}

struct value remote_keep_key(const struct value *key, char *text)
{
	struct value copy = *key;
	if (key->kind == VALUE_TEXT) {
		size_t len = key->text.len < 64 ? key->text.len : 64;
		memcpy(text, key->text.ptr, len);
		copy.text = (struct str){text, len};
	}
	return copy;
}

bool remote_merge_start(struct remote_join *join, struct remote_level *child,
						const struct value *first)
{
	child->merged = true;
	child->parent_key = remote_keep_key(&first[child->parent_at], child->parent_text);
	child->asks.from_key = &child->parent_key;
	if (child->parent_key.kind == VALUE_NULL) {
		child->dry = true;
		return true;
	}
	return remote_stream_start(&child->stream, join->run, &child->asks, false);
}

static bool out_of_order(struct remote_join *join, const struct remote_level *level)
{
	error_set(join->run->error, ERROR_SOURCE_BAD, NULL);
	return error_details(join->run->error, "rows of \"%.*s\" are not in order",
						 STR_ARG(str_slice(level->query->resource->name, 0, 64)));
}

bool remote_merge_to(struct remote_join *join, struct remote_level *child, const struct value *key)
{
	for (;;) {
		if (child->ahead == NULL && !child->dry) {
			enum row_step step = remote_stream_next(&child->stream, &child->ahead);
			if (step == ROW_FAILED) {
				return false;
			}
			child->dry = step == ROW_NONE;
			if (child->dry) {
				child->ahead = NULL;
			} else {
				const struct value *own = &child->ahead[child->query->fetch_count];
				if (value_compare(own, &child->last_key) < 0 &&
					child->last_key.kind != VALUE_NULL) {
					return out_of_order(join, child);
				}
				child->last_key = remote_keep_key(own, child->last_text);
			}
		}
		if (child->ahead == NULL || key == NULL ||
			value_compare(&child->ahead[child->query->fetch_count], key) >= 0) {
			return true;
		}
		child->ahead = NULL;
	}
}

bool remote_merge_has(const struct remote_level *child, const struct value *key)
{
	return child->ahead != NULL &&
		value_compare(&child->ahead[child->query->fetch_count], key) == 0;
}

enum row_step remote_merge_next(struct remote_join *join, struct remote_level *level,
								const struct value **ret_values)
{
	if (level->left == 0) {
		return ROW_NONE;
	}
	if (!remote_merge_to(join, level, &level->parent_key)) {
		join->failed = true;
		return ROW_FAILED;
	}
	if (!remote_merge_has(level, &level->parent_key)) {
		return ROW_NONE;
	}
	level->left -= level->left != UINT64_MAX;
	*ret_values = level->ahead;
	if (!level->embed->to_one) {
		level->ahead = NULL; /* its values are there until the next is read */
	}
	return ROW_HERE;
}
