#include "query/check_priv.h"

#include <assert.h>

#include "codec/json.h"
#include "query/claims.h"
#include "query/cond.h"

static const struct cond *check_cond(struct checker *checker, struct level *level,
									 const struct parsed_cond *parsed, bool negated);

/* ---- operands ---- */

static bool check_parameter(struct checker *checker, const struct parsed_value *parsed,
							bool takes_stars, struct operand *ret_operand)
{
	const struct parameter_names *names = checker->options->parameters;
	if ((parsed->any_before || parsed->any_behind) && !takes_stars) {
		return error_set(checker->error, ERROR_PARSE,
						 "a star stands beside {%.*s}, which only like and ilike know",
						 STR_ARG(parsed->text));
	}
	for (size_t i = 0; names != NULL && i < names->count; i++) {
		if (str_equal(names->names[i], parsed->text)) {
			*ret_operand = (struct operand){
				.parameter = (int)i,
				.optional = parsed->optional,
				.any_before = parsed->any_before,
				.any_behind = parsed->any_behind,
			};
			return true;
		}
	}
	return error_set(checker->error, ERROR_PARSE, "there is no parameter \"%.*s\" to fill in",
					 STR_ARG(parsed->text));
}

/* ---- claims ---- */

/* The condition is false whatever else it says; a value stands there all the same. */
static void leave_unfilled(struct checker *checker, struct operand *ret_operand)
{
	checker->unfilled = true;
	*ret_operand = (struct operand){.parameter = -1};
	ret_operand->value = (struct value){.kind = VALUE_TEXT, .text = STR("")};
}

static void fill_text(struct checker *checker, const struct cond *cond, struct str text,
					  struct operand *ret_operand)
{
	struct error ignored;
	ret_operand->parameter = -1;
	if (!cond_read_value(cond, text, checker->arena, &ret_operand->value, &ignored)) {
		checker->misfit = cond->field;
		leave_unfilled(checker, ret_operand);
	}
}

/* NULL, with the operand unfilled, when the caller has none of this name. */
static const struct claim *take_claim(struct checker *checker, struct str name,
									  struct operand *ret_operand)
{
	const struct caller *caller = checker->options->caller;
	const struct claim *claim = claims_find(caller->claims, name);
	if (claim == NULL || claim->kind == CLAIM_NULL) {
		check_note(checker, '-', STR(""));
		leave_unfilled(checker, ret_operand);
		return NULL;
	}
	check_note(checker, (char)('a' + (int)claim->kind), claim->text);
	return claim;
}

static bool check_claim(struct checker *checker, const struct cond *cond,
						const struct parsed_value *parsed, struct operand *ret_operand)
{
	const struct caller *caller = checker->options->caller;
	if (caller->trusted && !caller->trial) {
		return error_set(checker->error, ERROR_PARSE,
						 "{claims.%.*s}: there is no caller whose claims could be asked for",
						 STR_ARG(parsed->text));
	}
	if (caller->trial) {
		*ret_operand = (struct operand){.parameter = -1};
		ret_operand->value = (struct value){.kind = VALUE_TEXT, .text = STR("")};
		return true;
	}
	const struct claim *claim = take_claim(checker, parsed->text, ret_operand);
	if (claim != NULL && (claim->kind == CLAIM_LIST || claim->kind == CLAIM_OBJECT)) {
		checker->misfit = cond->field;
		leave_unfilled(checker, ret_operand);
	} else if (claim != NULL) {
		fill_text(checker, cond, claim->text, ret_operand);
	}
	return true;
}

/* The elements of a claim that is a list, each an item. */
static void fill_list(struct checker *checker, const struct cond *cond, struct str json,
					  struct operand *items, size_t *count)
{
	struct json_reader reader;
	enum json_event event;
	json_reader_init(&reader, json, CLAIMS_DEPTH, checker->arena);
	(void)json_next(&reader);
	while ((event = json_next(&reader)) != JSON_ARRAY_END) {
		struct str text = reader.text;
		if (event == JSON_TRUE || event == JSON_FALSE) {
			text = event == JSON_TRUE ? STR("true") : STR("false");
		} else if (event != JSON_STRING && event != JSON_NUMBER) {
			checker->misfit = cond->field;
			leave_unfilled(checker, &items[0]);
			return;
		}
		fill_text(checker, cond, text, &items[(*count)++]);
	}
}

/* Each element has a byte and a comma, but for the last. */
static size_t list_most(const struct claim *claim)
{
	return claim->text.len / 2 + 1;
}

static bool check_operand(struct checker *checker, const struct cond *cond,
						  const struct parsed_value *parsed, struct operand *ret_operand)
{
	if (parsed->claim) {
		return check_claim(checker, cond, parsed, ret_operand);
	}
	if (parsed->parameter) {
		bool takes_stars = cond->op == OPERATOR_LIKE || cond->op == OPERATOR_ILIKE;
		return check_parameter(checker, parsed, takes_stars, ret_operand);
	}
	ret_operand->parameter = -1;
	/* Spaces around a number mean nothing: `in.(1, 2)`. */
	struct str text = cond->type->type == TYPE_TEXT ? parsed->text : str_trim(parsed->text);
	return cond_read_value(cond, text, checker->arena, &ret_operand->value, checker->error);
}

/* The claim that an item stands for, when it is a list. */
static const struct claim *listed_claim(const struct caller *caller,
										const struct parsed_value *parsed)
{
	const struct claim *claim = parsed->claim && !caller->trusted
		? claims_find(caller->claims, parsed->text)
		: NULL;
	return claim != NULL && claim->kind == CLAIM_LIST ? claim : NULL;
}

static bool check_items(struct checker *checker, const struct parsed_cond *parsed,
						struct cond *cond)
{
	const struct caller *caller = checker->options->caller;
	size_t room = parsed->item_count;
	size_t count = 0;
	for (size_t i = 0; i < parsed->item_count; i++) {
		const struct claim *claim = listed_claim(caller, &parsed->items[i]);
		room += claim != NULL ? list_most(claim) : 0;
	}
	struct operand *items = ARENA_ARRAY(checker->arena, room, struct operand);
	cond->kind = COND_IN;
	cond->op = OPERATOR_IN;
	for (size_t i = 0; i < parsed->item_count; i++) {
		const struct claim *claim = listed_claim(caller, &parsed->items[i]);
		if (claim != NULL) {
			check_note(checker, (char)('a' + (int)claim->kind), claim->text);
			fill_list(checker, cond, claim->text, items, &count);
			continue;
		}
		if (!check_operand(checker, cond, &parsed->items[i], &items[count])) {
			return false;
		}
		cond->parameters = cond->parameters || items[count].parameter >= 0;
		count++;
	}
	cond->items = items;
	cond->item_count = count;
	return true;
}

/* ---- leaves ---- */

static struct str operator_word(enum operator_name op)
{
	static const struct str words[] = {
#define X(name, word, shape) [OPERATOR_##name] = STR_INIT(word),
		OPERATOR_TABLE(X)
#undef X
	};
	return words[op];
}

static bool is_question(enum operator_name op)
{
	return op == OPERATOR_FTS || op == OPERATOR_PLFTS || op == OPERATOR_PHFTS ||
		op == OPERATOR_WFTS;
}

static bool is_textual(enum operator_name op)
{
	return op == OPERATOR_LIKE || op == OPERATOR_ILIKE || op == OPERATOR_MATCH ||
		op == OPERATOR_IMATCH || is_question(op);
}

/* Settles how operands are read. */
static bool check_operator(struct checker *checker, const struct parsed_cond *parsed,
						   struct cond *cond)
{
	const struct term term = {.field = cond->field, .path = cond->path};
	enum type type = cond->field->type;
	if (!check_comparable(checker, &term)) {
		return false;
	}
	cond->type = cond->field;
	if (cond->path != NULL) {
		cond->type = check_made_field(checker, cond->field->name, TYPE_TEXT);
	}
	if (parsed->kind != COND_COMPARE || !is_textual(parsed->op)) {
		return true;
	}
	if (is_question(parsed->op) && parsed->config.len > 0 &&
		!str_equal(parsed->config, STR("simple"))) {
		return check_unsupported(checker, "the text search configuration \"%.*s\"",
								 STR_ARG(parsed->config));
	}
	if (cond->path != NULL || type == TYPE_TEXT) {
		return true;
	}
	/* A part of a uuid is none. */
	cond->type = check_made_field(checker, cond->field->name, TYPE_TEXT);
	return type == TYPE_UUID ||
		error_set(checker->error, ERROR_VALUE, "operator %.*s does not exist for type %s",
				  STR_ARG(operator_word(parsed->op)), value_type_name(type));
}

static bool check_is(struct checker *checker, const struct parsed_cond *parsed,
					 const struct cond *cond)
{
	static const char *const words[] = {
		[IS_TRUE] = "TRUE",
		[IS_FALSE] = "FALSE",
		[IS_UNKNOWN] = "UNKNOWN",
	};
	enum type type = cond->path == NULL ? cond->field->type
		: cond->path->as_text           ? TYPE_TEXT
										: TYPE_JSON;
	return parsed->is == IS_NULL || parsed->is == IS_NOT_NULL || type == TYPE_BOOLEAN ||
		error_set(checker->error, ERROR_VALUE,
				  "argument of IS %s must be type boolean, not type %s", words[parsed->is],
				  value_type_name(type));
}

/* One comparison, of one operand. */
static const struct cond *check_compare(struct checker *checker, const struct cond *leaf,
										const struct parsed_value *value, bool negated)
{
	struct cond *cond = ARENA_NEW(checker->arena, struct cond);
	*cond = *leaf;
	if (!check_operand(checker, cond, value, &cond->operand)) {
		return NULL;
	}
	if (cond->operand.parameter >= 0) {
		cond->parameters = true;
		return negated ? cond_negate(checker->arena, cond) : cond;
	}
	return cond_finish(checker->arena, cond, negated, checker->error);
}

/* `any` and `all`: OR and AND of comparisons. */
static const struct cond *check_quantified(struct checker *checker, struct cond *leaf,
										   const struct parsed_cond *parsed, bool negated)
{
	if (parsed->op == OPERATOR_EQ && parsed->quantifier == QUANTIFIER_ANY) {
		if (!check_items(checker, parsed, leaf)) {
			return NULL;
		}
		return negated ? cond_negate(checker->arena, leaf) : leaf;
	}
	const struct cond **children = ARENA_ARRAY(checker->arena, parsed->item_count,
											   const struct cond *);
	for (size_t i = 0; i < parsed->item_count; i++) {
		children[i] = check_compare(checker, leaf, &parsed->items[i], negated);
		if (children[i] == NULL) {
			return NULL;
		}
	}
	bool is_and = (parsed->quantifier == QUANTIFIER_ALL) != negated;
	return cond_join(checker->arena, is_and ? COND_AND : COND_OR, children, parsed->item_count);
}

/* A filter on an embed asks whether there are rows. */
static const struct cond *check_presence(struct checker *checker, struct level *child,
										 const struct parsed_cond *parsed, bool negated)
{
	bool is_null = parsed->is == IS_NULL;
	if (parsed->kind != COND_IS || parsed->path != NULL ||
		!(is_null || parsed->is == IS_NOT_NULL)) {
		error_set(checker->error, ERROR_EMBED_OPERATOR,
				  "Bad operator on the '%.*s' embedded resource", STR_ARG(parsed->column));
		(void)error_details(
			checker->error,
			"Only is null or not is null filters are allowed on embedded resources");
		return NULL;
	}
	return check_exists(checker, child, is_null != negated);
}

static const struct cond *check_leaf(struct checker *checker, struct level *level,
									 const struct parsed_cond *parsed, bool negated)
{
	struct level *child = check_child(checker, level, parsed->column);
	/* The resource's name counts less than a field when the embed has an alias. */
	bool by_alias = child != NULL &&
		(child->item->alias.len == 0 || str_equal(child->item->alias, parsed->column));
	if (by_alias || (child != NULL && resource_field(level->resource, parsed->column) == NULL)) {
		return check_presence(checker, child, parsed, negated);
	}
	struct term term;
	if (!check_term(checker, level->resource, parsed->column, parsed->path, &term)) {
		return NULL;
	}
	struct cond *cond = ARENA_NEW(checker->arena, struct cond);
	*cond = (struct cond){
		.kind = parsed->kind,
		.op = parsed->op,
		.is = parsed->is,
		.field = term.field,
		.path = term.path,
		.type = term.field,
	};
	bool ok;
	if (parsed->kind == COND_IS) {
		ok = check_is(checker, parsed, cond);
	} else if (!check_operator(checker, parsed, cond)) {
		return NULL;
	} else if (parsed->kind == COND_IN) {
		ok = check_items(checker, parsed, cond);
	} else {
		assert(parsed->kind == COND_COMPARE);
		return parsed->quantifier == QUANTIFIER_NONE
			? check_compare(checker, cond, &parsed->value, negated)
			: check_quantified(checker, cond, parsed, negated);
	}
	if (!ok) {
		return NULL;
	}
	return negated ? cond_negate(checker->arena, cond) : cond;
}

/* ---- trees ---- */

/* By De Morgan, which holds for three values too, a negation goes down to the leaves. */
static const struct cond *check_group(struct checker *checker, struct level *level,
									  const struct parsed_cond *parsed, bool negated)
{
	size_t count = 0;
	for (const struct parsed_cond *child = parsed->children; child != NULL; child = child->next) {
		count++;
	}
	const struct cond **children = ARENA_ARRAY(checker->arena, count, const struct cond *);
	count = 0;
	for (const struct parsed_cond *child = parsed->children; child != NULL; child = child->next) {
		children[count] = check_cond(checker, level, child, negated);
		if (children[count++] == NULL) {
			return NULL;
		}
	}
	bool is_and = (parsed->kind == COND_AND) != negated;
	return cond_join(checker->arena, is_and ? COND_AND : COND_OR, children, count);
}

static const struct cond *check_cond(struct checker *checker, struct level *level,
									 const struct parsed_cond *parsed, bool negated)
{
	if (parsed->kind == COND_AND || parsed->kind == COND_OR) {
		return check_group(checker, level, parsed, negated);
	}
	if (parsed->kind == COND_NOT) {
		return check_cond(checker, level, parsed->children, !negated);
	}
	return check_leaf(checker, level, parsed, negated);
}

/* Counts that fell to 0 stay in a tally, and are not shown. */
static const struct cond *hide_empty(struct checker *checker, const struct level *level,
									 const struct cond *where)
{
	const struct field *count = resource_field(level->resource, STR("count"));
	assert(count != NULL);
	struct cond *shown = ARENA_NEW(checker->arena, struct cond);
	*shown = (struct cond){
		.kind = COND_COMPARE,
		.field = count,
		.type = count,
		.op = OPERATOR_GT,
		.operand = {.value = {.kind = VALUE_INTEGER, .integer = 0}, .parameter = -1},
	};
	return cond_both(checker->arena, where, shown);
}

/* An inner join of a write would have to hide rows of the answer without sparing them. */
static bool check_inner(struct checker *checker, struct level *level, const struct cond **where)
{
	enum query_action action = level->query->action;
	bool reads = action == QUERY_LIST || action == QUERY_GET;
	for (struct level *child = level->children; child != NULL; child = child->next) {
		if (child->item->join != JOIN_INNER || (!reads && checker->options->no_rows)) {
			continue;
		}
		if (!reads) {
			return check_unsupported(checker, "the inner join of \"%.*s\" in the answer of a write",
									 STR_ARG(child->item->column));
		}
		*where = cond_both(checker->arena, *where, check_exists(checker, child, false));
	}
	return true;
}

/* A condition, or false when a claim of it is missing. */
static const struct cond *check_filled(struct checker *checker, struct level *level,
									   const struct parsed_cond *parsed)
{
	checker->unfilled = false;
	const struct cond *cond = check_cond(checker, level, parsed, false);
	return cond != NULL && checker->unfilled ? cond_join(checker->arena, COND_OR, NULL, 0) : cond;
}

const struct cond *check_rule_where(struct checker *checker, const struct resource *resource,
									const struct parsed_cond *where)
{
	struct level level = {.resource = resource};
	bool ruling = checker->ruling;
	checker->ruling = true;
	const struct cond *cond = check_filled(checker, &level, where);
	checker->ruling = ruling;
	return cond;
}

bool check_where(struct checker *checker, struct level *level, const struct cond **ret_where)
{
	const struct cond *where = NULL;
	const struct cond *rule;
	if (level->where != NULL) {
		where = check_filled(checker, level, level->where);
		if (where == NULL) {
			return false;
		}
	}
	if (!check_rule_of_level(checker, level, &rule)) {
		return false;
	}
	where = cond_both(checker->arena, where, rule);
	if (!check_inner(checker, level, &where)) {
		return false;
	}
	if (where != NULL && where->tables > QUERY_TABLES) {
		error_set(checker->error, ERROR_PARSE, "More than %d questions about embedded resources",
				  QUERY_TABLES);
		return error_details(checker->error,
							 "each place that asks for an embedded resource asks for all below it");
	}
	*ret_where = level->resource->tally_of == NULL ? where : hide_empty(checker, level, where);
	return true;
}
