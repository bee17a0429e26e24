/*
 * DESIGN. The rules of a service file are conditions with claims in them, parsed and tried when it
 * is loaded. For each request they are checked like any other condition, with the caller's claims
 * as their values, and joined to the conditions of each level; so nothing behind check knows of
 * them but for what is said in struct query_rules. A claim that is missing, or does not fit its
 * field, makes the whole condition false: there is no half of a rule.
 */
#include "query/check_priv.h"

#include "query/claims.h"
#include "query/cond.h"
#include "query/expression.h"

const struct caller caller_trusted = {.trusted = true};
const struct caller caller_trial = {.trusted = true, .trial = true};

static struct str role_of(const struct caller *caller)
{
	return caller->claims != NULL ? caller->claims->role : STR("");
}

/* ---- what the key holds ---- */

void check_note(struct checker *checker, char kind, struct str text)
{
	buf_printf(&checker->key, "%c%zu:", kind, text.len);
	buf_append(&checker->key, text);
}

void check_note_role(struct checker *checker, const struct resource *resource)
{
	const struct caller *caller = checker->options->caller;
	bool asked = false;
	for (size_t i = 0; !caller->trusted && i < resource->field_count && !asked; i++) {
		asked = resource->fields[i].readable_by != NULL;
	}
	if (asked) {
		check_note(checker, 'f', role_of(caller));
	}
}

/* ---- fields ---- */

static bool is_among(const struct caller *caller, const struct roles *roles)
{
	bool found = caller->trusted || roles == NULL;
	for (size_t i = 0; !found && i < roles->count; i++) {
		found = str_equal(roles->items[i], role_of(caller));
	}
	return found;
}

bool caller_may_read(const struct caller *caller, const struct field *field)
{
	bool may = is_among(caller, field->readable_by);
	for (size_t i = 0; may && field->expression != NULL && i < field->expression->field_count;
		 i++) {
		may = is_among(caller, field->expression->fields[i]->readable_by);
	}
	return may;
}

bool caller_may_write(const struct caller *caller, const struct field *field)
{
	return is_among(caller, field->writable_by);
}

bool check_readable(struct checker *checker, const struct resource *resource,
					const struct field *field)
{
	return checker->ruling || caller_may_read(checker->options->caller, field) ||
		error_set(checker->error, ERROR_FORBIDDEN,
				  "permission denied for column \"%.*s\" of table \"%.*s\"", STR_ARG(field->name),
				  STR_ARG(resource->name));
}

static bool all_readable(struct checker *checker, const struct resource *resource,
						 const struct field_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		if (!check_readable(checker, resource, list->items[i])) {
			return false;
		}
	}
	return true;
}

/* ---- rows ---- */

static bool forbid(struct checker *checker, const struct resource *resource)
{
	return error_set(checker->error, ERROR_FORBIDDEN, "permission denied for table \"%.*s\"",
					 STR_ARG(resource->name));
}

/* That of the caller's role, else that of all others; NULL: nobody has given this role any. */
static const struct row_rule *find_rule(const struct caller *caller, const struct row_rules *rules)
{
	const struct row_rule *others = NULL;
	struct str role = role_of(caller);
	for (size_t i = 0; i < rules->count; i++) {
		const struct row_rule *rule = &rules->items[i];
		if (str_equal(rule->role, STR("*"))) {
			others = rule;
		} else if (str_equal(rule->role, role)) {
			return rule;
		}
	}
	return others;
}

/* A copy whose parts at the top are told from what the client asks for. */
const struct cond *check_mark_rule(struct arena *arena, const struct cond *cond)
{
	struct cond *marked = ARENA_NEW(arena, struct cond);
	*marked = *cond;
	marked->rule = true;
	if (cond->kind == COND_AND) {
		const struct cond **children = ARENA_ARRAY(arena, cond->child_count, const struct cond *);
		for (size_t i = 0; i < cond->child_count; i++) {
			children[i] = check_mark_rule(arena, cond->children[i]);
		}
		marked->children = children;
	}
	return marked;
}

bool check_rule(struct checker *checker, const struct resource *resource, enum rule_action action,
				const struct cond **ret_cond)
{
	const struct caller *caller = checker->options->caller;
	const struct row_rules *rules = &resource->rules[action];
	*ret_cond = NULL;
	if (caller->trusted || rules->count == 0) {
		return true;
	}
	const struct row_rule *rule = find_rule(caller, rules);
	if (rule == NULL || rule->kind == RULE_NEVER) {
		return forbid(checker, resource);
	}
	buf_printf(&checker->key, "r%zu.%d.%zu;", resource->number, (int)action,
			   (size_t)(rule - rules->items));
	if (rule->kind == RULE_ALL) {
		return true;
	}
	const struct cond *cond = check_rule_where(checker, resource, rule->where);
	if (cond != NULL) {
		*ret_cond = check_mark_rule(checker->arena, cond);
	}
	return cond != NULL;
}

bool check_unguarded(struct checker *checker, const struct resource *resource)
{
	const struct cond *cond;
	if (!check_rule(checker, resource, RULE_READ, &cond)) {
		return false;
	}
	return cond == NULL ||
		check_unsupported(checker,
						  "orders and aggregates by, and ways through, rows of \"%.*s\", which has "
						  "rules",
						  STR_ARG(resource->name));
}

bool check_way(struct checker *checker, const struct relation *relation)
{
	const struct resource *junction = relation->junction;
	return all_readable(checker, relation->from, &relation->from_fields) &&
		all_readable(checker, relation->to, &relation->to_fields) &&
		(junction == NULL ||
		 (all_readable(checker, junction, &relation->junction_from->fields) &&
		  all_readable(checker, junction, &relation->junction_to->fields) &&
		  check_unguarded(checker, junction)));
}

/* ---- the rows of a query ---- */

/* What is not read cannot be changed either: else the number of changed rows would tell of it. */
static bool rule_of_change(struct checker *checker, const struct resource *resource,
						   enum rule_action action, const struct cond **ret_cond)
{
	const struct cond *read;
	const struct cond *change;
	if (!check_rule(checker, resource, RULE_READ, &read) ||
		!check_rule(checker, resource, action, &change)) {
		return false;
	}
	*ret_cond = cond_both(checker->arena, read, change);
	return true;
}

bool check_rule_of_level(struct checker *checker, const struct level *level,
						 const struct cond **ret_cond)
{
	enum query_action action = level->parent != NULL ? QUERY_LIST : level->query->action;
	*ret_cond = NULL;
	switch (action) {
	case QUERY_LIST:
	case QUERY_GET:
		return check_rule(checker, level->resource, RULE_READ, ret_cond);
	case QUERY_UPDATE:
	case QUERY_REPLACE:
		return rule_of_change(checker, level->resource, RULE_UPDATE, ret_cond);
	case QUERY_DELETE:
		return rule_of_change(checker, level->resource, RULE_DELETE, ret_cond);
	case QUERY_INSERT:
	case QUERY_UPSERT:
		break;
	}
	return true;
}

/* What new rows must pass. */
static bool settle_new_rows(struct checker *checker, const struct query *query, bool shown,
							struct query_rules *rules)
{
	const struct resource *resource = query->resource;
	bool inserts = query->action == QUERY_INSERT || query->action == QUERY_UPSERT;
	bool merges = query->action == QUERY_UPSERT && query->resolution == RESOLUTION_MERGE;
	bool updates = query->action == QUERY_UPDATE || query->action == QUERY_REPLACE;
	return (!inserts || check_rule(checker, resource, RULE_CREATE, &rules->create)) &&
		(!(merges || updates) || check_rule(checker, resource, RULE_UPDATE, &rules->update)) &&
		(!merges || rule_of_change(checker, resource, RULE_UPDATE, &rules->old)) &&
		(!(inserts || updates) || !shown ||
		 check_rule(checker, resource, RULE_READ, &rules->shown));
}

bool check_settle_rules(struct checker *checker, bool shown, struct query *query)
{
	const struct caller *caller = checker->options->caller;
	query->rules = NULL;
	if (caller->trusted) {
		return true;
	}
	struct query_rules *rules = ARENA_NEW(checker->arena, struct query_rules);
	rules->caller = caller;
	if (!settle_new_rows(checker, query, shown, rules)) {
		return false;
	}
	rules->key = arena_copy(checker->arena, buf_str(&checker->key));
	rules->misfit = checker->misfit;
	query->rules = rules;
	return true;
}

bool check_rules(enum query_action action, bool shown, const struct check_options *options,
				 struct arena *arena, struct query *ret_query, struct error *error)
{
	struct checker checker = {.options = options, .arena = arena, .error = error};
	struct query query = *ret_query;
	query.action = action;
	buf_init(&checker.key, SIZE_MAX);
	bool ok = check_settle_rules(&checker, shown, &query);
	buf_finish(&checker.key);
	if (ok) {
		ret_query->rules = query.rules;
	}
	return ok;
}

bool check_has_filters(const struct query *query)
{
	const struct cond *where = query->where;
	if (where == NULL || where->kind != COND_AND) {
		return where != NULL && !where->rule;
	}
	for (size_t i = 0; i < where->child_count; i++) {
		if (!where->children[i]->rule) {
			return true;
		}
	}
	return false;
}
