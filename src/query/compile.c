#include "query/compile.h"

#include "query/check.h"
#include "query/expression.h"

static bool report_at(struct model_report *report, const struct text *text, size_t at,
					  const struct error *error)
{
	struct place place = text->place;
	place.column += at == SIZE_MAX ? 0 : at;
	model_report_add(report, place, error->hint[0] != '\0' ? error->hint : NULL, "%s%s%s",
					 error->message, error->details[0] != '\0' ? ": " : "", error->details);
	return false;
}

/* ---- conditions of rules ---- */

/* One condition of a resource, while it is compiled. */
struct rule_text {
	struct model *model;
	const struct resource *resource;
	const struct text *text;
	const struct caller *caller; /* whose claims may be asked for */
	struct model_report *report;
};

static bool report_rule(const struct rule_text *rule, size_t at, const struct error *error)
{
	return report_at(rule->report, rule->text, at, error);
}

static bool refuse(const struct rule_text *rule, const struct parsed_cond *leaf, const char *what)
{
	struct error error;
	error_set(&error, ERROR_UNSUPPORTED, "a rule is no place for %s", what);
	error_hint(&error,
			   "rules compare fields with values: eq, neq, gt, gte, lt, lte, in, is, isdistinct, "
			   "not, and, or");
	return report_rule(rule, leaf->at, &error);
}

/* What every database says in words of its own, without a function of ours. */
static bool is_native(const struct parsed_cond *leaf)
{
	switch (leaf->op) {
	case OPERATOR_EQ:
	case OPERATOR_NEQ:
	case OPERATOR_GT:
	case OPERATOR_GTE:
	case OPERATOR_LT:
	case OPERATOR_LTE:
	case OPERATOR_ISDISTINCT:
	case OPERATOR_IN:
	case OPERATOR_IS:
		return true;
	case OPERATOR_LIKE:
	case OPERATOR_ILIKE:
	case OPERATOR_MATCH:
	case OPERATOR_IMATCH:
	case OPERATOR_FTS:
	case OPERATOR_PLFTS:
	case OPERATOR_PHFTS:
	case OPERATOR_WFTS:
		break;
	}
	return leaf->kind != COND_COMPARE;
}

static bool check_parsed(const struct rule_text *rule, const struct parsed_query *parsed,
						 const struct cond **ret_cond, struct error *error)
{
	const struct check_options options = {
		.limits = &rule->model->limits,
		.caller = rule->caller,
		.no_rows = true,
	};
	struct query query = {0};
	if (!check_query(parsed, QUERY_DELETE, rule->resource, &options, model_arena(rule->model),
					 &query, error)) {
		return false;
	}
	*ret_cond = query.where;
	return true;
}

/* A leaf is checked alone, so that what is wrong has a place. */
static bool check_leaf(const struct rule_text *rule, const struct parsed_cond *leaf)
{
	const struct field *field = resource_field(rule->resource, leaf->column);
	if (leaf->path != NULL) {
		return refuse(rule, leaf, "a path into json");
	}
	if (!is_native(leaf)) {
		return refuse(rule, leaf, "patterns and searches of text");
	}
	if (field != NULL && field_is_computed(field)) {
		return refuse(rule, leaf, "a computed field, which no database has");
	}
	struct parsed_cond alone = *leaf;
	alone.next = NULL;
	struct parsed_query parsed;
	parsed_query_init(&parsed);
	parsed.root.where = &alone;
	const struct cond *cond;
	struct error error = {0};
	return check_parsed(rule, &parsed, &cond, &error) || report_rule(rule, leaf->at, &error);
}

static bool check_leaves(const struct rule_text *rule, const struct parsed_cond *cond)
{
	bool ok = true;
	for (; cond != NULL; cond = cond->next) {
		bool group = cond->kind == COND_AND || cond->kind == COND_OR || cond->kind == COND_NOT;
		ok = (group ? check_leaves(rule, cond->children) : check_leaf(rule, cond)) && ok;
	}
	return ok;
}

/* Conditions on another resource's rows: `rooms.number=eq.1`, `rooms=is.null`. */
static bool check_levels(const struct rule_text *rule, const struct parsed_query *parsed)
{
	const struct parsed_level *level = parsed->root.next;
	if (level == NULL) {
		return true;
	}
	struct error error;
	error_set(&error, ERROR_UNSUPPORTED, "a rule is no place for the rows of \"%.*s\"",
			  STR_ARG(level->path.items[0]));
	error_hint(&error, "a rule is about the fields of one row");
	return report_rule(rule, level->where == NULL ? 0 : level->where->children->at, &error);
}

static bool parse_rule(const struct rule_text *rule, struct parsed_query *parsed,
					   const struct cond **ret_cond)
{
	struct error error = {0};
	parsed_query_init(parsed);
	if (!parse_condition(rule->text->str, &rule->model->limits, model_arena(rule->model), parsed,
						 &error)) {
		return report_rule(rule, error.at, &error);
	}
	return check_levels(rule, parsed) && check_leaves(rule, parsed->root.where) &&
		(check_parsed(rule, parsed, ret_cond, &error) || report_rule(rule, 0, &error));
}

static void compile_rule(const struct rule_text *rule, const struct cond **ret_cond)
{
	struct parsed_query parsed;
	if (rule->text->str.len > 0 && *ret_cond == NULL) {
		(void)parse_rule(rule, &parsed, ret_cond);
	}
}

static void compile_rules(struct model *model, const struct resource *resource,
						  struct model_report *report)
{
	/* The model is its arena's, and its compiler may change it until it is shared. */
	struct unique_rule *uniques = (struct unique_rule *)resource->uniques;
	struct check_rule *checks = (struct check_rule *)resource->checks;
	struct index *indexes = (struct index *)resource->indexes;
	struct rule_text rule = {model, resource, NULL, &caller_trusted, report};
	for (size_t i = 0; i < resource->unique_count; i++) {
		rule.text = &uniques[i].where;
		compile_rule(&rule, &uniques[i].cond);
	}
	for (size_t i = 0; i < resource->check_count; i++) {
		rule.text = &checks[i].text;
		compile_rule(&rule, &checks[i].cond);
	}
	for (size_t i = 0; i < resource->index_count; i++) {
		rule.text = &indexes[i].where;
		compile_rule(&rule, &indexes[i].cond);
	}
}

/* ---- rules about callers ---- */

static void compile_row_rule(struct rule_text *rule, struct row_rule *row_rule)
{
	struct parsed_query parsed;
	const struct cond *cond;
	rule->text = &row_rule->text;
	if (row_rule->kind == RULE_WHERE && row_rule->where == NULL &&
		parse_rule(rule, &parsed, &cond)) {
		row_rule->where = parsed.root.where;
	}
}

/* Counts tell of the rows that are counted: without a rule of their own the rows' counts for them,
 * which must then be about what they are counted by. */
static void inherit_rules(struct model *model, struct resource *tally)
{
	const struct row_rules *from = &tally->tally_of->rules[RULE_READ];
	struct row_rule *rules = ARENA_ARRAY(model_arena(model), from->count, struct row_rule);
	for (size_t i = 0; i < from->count; i++) {
		rules[i] = from->items[i];
		rules[i].where = NULL;
	}
	tally->rules[RULE_READ] = (struct row_rules){rules, from->count};
}

static void compile_row_rules(struct model *model, struct resource *resource,
							  struct model_report *report)
{
	size_t errors = report->errors;
	bool inherits = resource->tally_of != NULL && resource->rules[RULE_READ].count == 0;
	struct rule_text rule = {model, resource, NULL, &caller_trial, report};
	if (inherits) {
		inherit_rules(model, resource);
	}
	for (size_t action = 0; action < RULE_ACTIONS; action++) {
		const struct row_rules *rules = &resource->rules[action];
		for (size_t i = 0; i < rules->count; i++) {
			compile_row_rule(&rule, (struct row_rule *)&rules->items[i]);
		}
	}
	if (inherits && report->errors > errors) {
		model_report_add(report, resource->place, "give it rules of its own: rules: { read: … }",
						 "\"%.*s\" counts rows whose rule is not about what it counts by",
						 STR_ARG(resource->name));
	}
}

/* ---- computed fields ---- */

static void compile_computed(struct model *model, const struct resource *resource,
							 struct model_report *report)
{
	/* As above: nobody shares the model yet. */
	struct field *fields = (struct field *)resource->fields;
	size_t computed = 0;
	for (size_t i = 0; i < resource->field_count; i++) {
		struct field *field = &fields[i];
		struct error error;
		if (!field_is_computed(field)) {
			continue;
		}
		computed++;
		if (field->expression == NULL) {
			field->expression = expression_read(field->computed.str, resource, field,
												model_arena(model), &error);
		}
		if (field->expression == NULL) {
			(void)report_at(report, &field->computed, error.at, &error);
		}
	}
	if (computed > 0 && computed == resource->field_count) {
		model_report_add(report, resource->place, NULL, "all fields of \"%.*s\" are computed",
						 STR_ARG(resource->name));
	}
}

bool query_compile(struct model *model, struct model_report *report)
{
	for (size_t i = 0; i < model->resource_count; i++) {
		compile_computed(model, &model->resources[i], report);
		compile_rules(model, &model->resources[i], report);
		compile_row_rules(model, (struct resource *)&model->resources[i], report);
	}
	return report->errors == 0;
}
