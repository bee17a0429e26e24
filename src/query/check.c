/*
 * DESIGN. The parts of check, in the order in which they run: check_embed.c makes the tree of
 * levels (with check_relation.c); then for each level, those embedded in it first, check_select.c
 * settles columns and fetch, check_cond.c the conditions, check_order.c the order, which may add
 * to fetch, and check_cursor.c what `after` asks for.
 */
#include "query/check_priv.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "model/relations.h"
#include "query/cond.h"
#include "query/expression.h"

/* ---- what all parts ask for ---- */

const struct field *check_field(struct checker *checker, const struct resource *resource,
								struct str name)
{
	const struct field *field = resource_field(resource, name);
	if (field == NULL) {
		error_set(checker->error, ERROR_COLUMN, "column %.*s.%.*s does not exist",
				  STR_ARG(resource->name), STR_ARG(name));
		struct str nearest = resource_nearest_field(resource, name);
		if (nearest.len > 0) {
			error_hint(checker->error, "Perhaps you meant the column \"%.*s\"", STR_ARG(nearest));
		}
	}
	return field != NULL && check_readable(checker, resource, field) ? field : NULL;
}

bool check_unsupported(struct checker *checker, const char *format, ...)
{
	char details[sizeof(((struct error *)NULL)->details)];
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(details, sizeof(details), format, arguments);
	va_end(arguments);
	error_set(checker->error, ERROR_UNSUPPORTED, NULL);
	return error_details(checker->error, "%s", details);
}

bool check_term(struct checker *checker, const struct resource *resource, struct str name,
				const struct json_path *path, struct term *ret_term)
{
	const struct field *field = check_field(checker, resource, name);
	if (field == NULL) {
		return false;
	}
	if (path != NULL && field->type != TYPE_JSON) {
		return check_unsupported(checker, "a path into \"%.*s\", which is no json field",
								 STR_ARG(name));
	}
	*ret_term = (struct term){.field = field, .path = path};
	return true;
}

bool check_comparable(struct checker *checker, const struct term *term)
{
	return term->field->type != TYPE_JSON || term->path != NULL ||
		check_unsupported(checker, "comparison and order of the json field \"%.*s\"",
						  STR_ARG(term->field->name));
}

struct field *check_made_field(struct checker *checker, struct str name, enum type type)
{
	struct field *field = ARENA_NEW(checker->arena, struct field);
	field->name = name;
	field->type = type;
	return field;
}

/* A write that took a limit without keeping it would change more rows than were meant. */
static bool check_range(struct checker *checker, struct level *level)
{
	struct query *query = level->query;
	query->limit = level->limit;
	query->offset = level->offset;
	switch (query->action) {
	case QUERY_UPDATE:
	case QUERY_DELETE:
		return (level->limit == UINT64_MAX && level->offset == 0) ||
			check_unsupported(checker, "limit and offset of an update or delete");
	case QUERY_REPLACE: /* refused before, in words of its own */
		query->limit = UINT64_MAX;
		query->offset = 0;
		return true;
	case QUERY_LIST:
	case QUERY_GET:
	case QUERY_INSERT:
	case QUERY_UPSERT:
		break;
	}
	return true;
}

/* ---- today ---- */

static bool is_of_today(const struct field *field)
{
	return field != NULL && field->expression != NULL && field->expression->uses_today;
}

/* Embeds have been checked before. */
static bool cond_uses_today(const struct cond *cond)
{
	for (size_t i = 0; i < cond->child_count; i++) {
		if (cond_uses_today(cond->children[i])) {
			return true;
		}
	}
	return is_of_today(cond->field) || (cond->embed != NULL && cond->embed->query.uses_today);
}

static bool uses_today(const struct query *query)
{
	bool uses = query->where != NULL && cond_uses_today(query->where);
	for (size_t i = 0; i < query->fetch_count && !uses; i++) {
		uses = is_of_today(query->fetch[i].term.field);
	}
	for (size_t i = 0; i < query->order_count && !uses; i++) {
		uses = is_of_today(query->order[i].term.field);
	}
	for (size_t i = 0; i < query->column_count && !uses; i++) {
		const struct query_embed *embed = query->columns[i].embed;
		uses = embed != NULL && embed->query.uses_today;
	}
	return uses;
}

/* ---- one level ---- */

/* Rows that are made are not looked for; the conditions are checked all the same. */
static void forget_where(struct level *level)
{
	level->query->where = NULL;
	for (struct level *child = level->children; child != NULL; child = child->next) {
		child->used = false;
	}
}

bool check_level(struct checker *checker, struct level *level)
{
	struct query *query = level->query;
	size_t field_count = level->resource->field_count;
	level->plain = ARENA_ARRAY(checker->arena, field_count, size_t);
	level->own = ARENA_ARRAY(checker->arena, field_count, bool);
	check_note_role(checker, level->resource);
	if (!check_range(checker, level) || !check_embeds(checker, level) ||
		!check_where(checker, level, &query->where)) {
		return false;
	}
	if (query->action == QUERY_INSERT || query->action == QUERY_UPSERT) {
		forget_where(level);
	}
	bool no_rows = level->parent == NULL && checker->options->no_rows;
	if ((!no_rows && !check_select(checker, level)) || !check_order(checker, level)) {
		return false;
	}
	query->fetch = level->fetch;
	query->fetch_count = level->fetch_count;
	query->columns = level->columns;
	query->column_count = level->column_count;
	bool reads = query->action == QUERY_LIST || query->action == QUERY_GET;
	if (!reads && query->column_count == 0) {
		/* A write that answers no column gives back no rows, and has nothing to order. */
		query->fetch_count = 0;
		query->order_count = 0;
	}
	query->today = checker->today;
	query->uses_today = uses_today(query);
	return true;
}

/* ---- the whole ---- */

/* Adds all fields of the resource that are stored to what is fetched. */
static void add_tag(struct checker *checker, struct level *root)
{
	size_t count = 0;
	size_t *tag = ARENA_ARRAY(checker->arena, root->resource->field_count, size_t);
	for (size_t i = 0; i < root->resource->field_count; i++) {
		struct term term = {.field = &root->resource->fields[i]};
		if (!field_is_computed(term.field) &&
			caller_may_read(checker->options->caller, term.field)) {
			tag[count++] = check_fetch(checker, root, &term);
		}
	}
	root->query->tag = tag;
	root->query->tag_count = count;
	root->query->fetch = root->fetch;
	root->query->fetch_count = root->fetch_count;
}

/* By which fields an upsert knows a row. */
static bool check_conflict(struct checker *checker, const struct level *root)
{
	const struct resource *resource = root->resource;
	const struct parsed_names *names = &checker->parsed->on_conflict;
	struct field_list named = resource->key;
	if (names->count > 0) {
		named.items = ARENA_ARRAY(checker->arena, names->count, const struct field *);
		named.count = names->count;
	}
	for (size_t i = 0; i < names->count; i++) {
		named.items[i] = check_field(checker, resource, names->items[i]);
		if (named.items[i] == NULL) {
			return false;
		}
	}
	const struct field_list *unique = named.count > 0 ? resource_unique_list(resource, &named)
													  : NULL;
	size_t partial_count = 0;
	const struct unique_rule *partial = unique != NULL || named.count == 0
		? NULL
		: resource_partial_rule(resource, &named, &partial_count);
	if (unique == NULL && partial == NULL) {
		return error_set(checker->error, ERROR_CONFLICT_TARGET, NULL);
	}
	if (partial_count > 1) {
		error_set(checker->error, ERROR_CONFLICT_TARGET, NULL);
		return error_details(checker->error,
							 "%zu unique rules of \"%.*s\" are about these columns, each for some "
							 "rows",
							 partial_count, STR_ARG(resource->name));
	}
	root->query->conflict = partial != NULL ? partial->fields : *unique;
	root->query->conflict_where = partial != NULL ? partial->cond : NULL;
	return true;
}

/* What only a list can be. */
static bool check_action(struct checker *checker, const struct level *root)
{
	if (root->query->action == QUERY_LIST || checker->options->no_rows) {
		return true;
	}
	if (root->aggregated) {
		return check_unsupported(checker, "aggregate functions in an answer that is no list");
	}
	if (checker->parsed->distinct) {
		return check_unsupported(checker, "distinct rows in an answer that is no list");
	}
	return !checker->parsed->has_after ||
		check_unsupported(checker, "a cursor in an answer that is no list");
}

bool check_query(const struct parsed_query *parsed, enum query_action action,
				 const struct resource *resource, const struct check_options *options,
				 struct arena *arena, struct query *ret_query, struct error *error)
{
	struct checker checker = {
		.parsed = parsed,
		.options = options,
		.arena = arena,
		.error = error,
		.today = query_today(),
	};
	struct query query = *ret_query;
	struct level root = {
		.resource = resource,
		.items = parsed->select,
		.where = parsed->root.where,
		.order = parsed->root.order,
		.limit = parsed->root.limit,
		.offset = parsed->root.offset,
		.query = &query,
	};
	query.action = action;
	query.resource = resource;
	query.grouped = false;
	query.distinct = false;
	query.conflict = (struct field_list){NULL, 0};
	query.conflict_where = NULL;
	query.cursor_count = 0;
	query.tag_count = 0;
	assert(options->caller != NULL);
	buf_init(&checker.key, SIZE_MAX);
	bool ok = check_tree(&checker, &root) && check_action(&checker, &root) &&
		check_level(&checker, &root) &&
		(action != QUERY_UPSERT || check_conflict(&checker, &root)) &&
		check_settle_rules(&checker, !options->no_rows, &query);
	buf_finish(&checker.key);
	if (!ok) {
		return false;
	}
	if (options->tag) {
		assert(action == QUERY_GET);
		add_tag(&checker, &root);
	}
	check_number_embeds(&root);
	query.remote = check_is_remote(&root);
	if (query.remote && action != QUERY_LIST && action != QUERY_GET) {
		return check_unsupported(&checker, "rows of other services in the answer to a write");
	}
	query.by_target = checker.by_target;
	*ret_query = query;
	return true;
}

/* ---- keys ---- */

bool check_key(const struct resource *resource, const struct parsed_names *values,
			   struct arena *arena, struct query *ret_query, struct error *error)
{
	const struct field_list *key = &resource->key;
	if (key->count == 0 || values->count != key->count) {
		return error_set(error, ERROR_NOT_FOUND, NULL);
	}
	const struct cond **pins = ARENA_ARRAY(arena, key->count, const struct cond *);
	for (size_t i = 0; i < key->count; i++) {
		struct cond *pin = ARENA_NEW(arena, struct cond);
		pin->kind = COND_COMPARE;
		pin->op = OPERATOR_EQ;
		pin->field = key->items[i];
		pin->type = key->items[i];
		pin->operand.parameter = -1;
		if (!value_from_text(pin->field, values->items[i], arena, &pin->operand.value, error)) {
			return error_set(error, ERROR_NOT_FOUND, NULL);
		}
		pins[i] = pin;
	}
	const struct cond *all = cond_join(arena, COND_AND, pins, key->count);
	/* First, where cond_pinned() finds them before any of a rule. */
	ret_query->where = cond_both(arena, all, ret_query->where);
	return true;
}

bool check_only_key(const struct query *query)
{
	const struct field_list *key = &query->resource->key;
	const struct cond *where = query->where;
	size_t count = 0;
	if (where != NULL && where->kind != COND_AND) {
		count = where->rule ? 0 : 1;
	} else if (where != NULL) {
		for (size_t i = 0; i < where->child_count; i++) {
			count += where->children[i]->rule ? 0 : 1;
		}
	}
	for (size_t i = 0; i < key->count; i++) {
		if (cond_pinned(query->where, key->items[i]) == NULL) {
			return false;
		}
	}
	/* As many as the key has fields, and one for each: so all are pins. Those of rules, which may
	 * be pins too, stand behind the client's. */
	return key->count > 0 && count == key->count;
}
