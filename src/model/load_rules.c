#include "base/map.h"
#include "model/load_priv.h"

/* Indexes and unique rules cannot hold JSON on every store. */
static void refuse_json(struct load *load, const struct node *node, const char *what,
						const struct draft *draft, const struct field_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct field *field = list->items[i];

		if (field->type == TYPE_JSON && !draft->field_drafts[field->number].broken) {
			model_report_add(load->report, node->place, NULL, "%s: \"%.*s\" is json", what,
							 STR_ARG(field->name));
		}
	}
}

/* The map form of a unique rule or an index. */
struct field_set {
	const struct draft *draft;
	const char *what;
	struct field_list list;
	struct text where;
	bool given;
};

static void read_set_fields(struct load *load, const struct node *node, void *target)
{
	struct field_set *set = target;

	set->given = true;
	if (load_field_list(load, node, set->what, set->draft, &set->list)) {
		refuse_json(load, node, set->what, set->draft, &set->list);
	}
}

/* The condition stays text until query_compile(). */
static void read_set_where(struct load *load, const struct node *node, void *target)
{
	(void)load_text(load, node, "`where`", &((struct field_set *)target)->where);
}

static const struct word set_words[] = {
	{"fields", read_set_fields},
	{"where", read_set_where},
};

static struct field_set read_field_set(struct load *load, const struct node *node,
									   const struct draft *draft, const char *what)
{
	struct field_set set = {.draft = draft, .what = what};

	if (node->kind != NODE_MAP) {
		read_set_fields(load, node, &set);
	} else if (LOAD_WORDS(load, node, set_words, what, &set) && !set.given) {
		model_report_add(load->report, node->place, "{ fields: [FIELDS] }", "%s names no fields",
						 what);
	}
	return set;
}

/* ---- named rules ---- */

/* Names of unique rules and checks: none differs from another only in case. */
static void take_name(struct load *load, struct map *names, const struct node *node)
{
	const struct node *before = map_put(names, load_fold_name(load, node->key.str), (void *)node);

	(void)load_check_name(load, &node->key, "a rule's name");
	if (before == NULL) {
		return;
	}
	if (str_equal(before->key.str, node->key.str)) {
		model_report_add(load->report, node->key.place, "give one of the two another name",
						 "the rule \"%.*s\" has the name of the one in line %zu",
						 STR_ARG(node->key.str), before->key.place.line);
	} else {
		model_report_add(load->report, node->key.place, NULL,
						 "the rule \"%.*s\" differs from the one in line %zu only in case",
						 STR_ARG(node->key.str), before->key.place.line);
	}
}

/* A database without partial indexes has a column for each field, with `.` and its number behind
 * the rule's name. */
static void check_partial_name(struct load *load, const struct node *node)
{
	if (node->key.str.len > MAX_PARTIAL_NAME_BYTES) {
		model_report_add(load->report, node->key.place, NULL,
						 "the name of a rule with `where` has at most %d bytes",
						 MAX_PARTIAL_NAME_BYTES);
	}
}

static void read_uniques(struct load *load, struct draft *draft, struct map *names)
{
	const struct node *node = draft->unique;
	struct unique_rule *rules;
	size_t count = 0;

	if (node == NULL) {
		return;
	}
	draft->unique_broken = node->kind != NODE_MAP;
	if (node->kind != NODE_MAP) {
		if (node->kind != NODE_BROKEN) {
			model_report_add(load->report, node->place, "unique: { RULE NAME: [FIELDS] }",
							 "each unique rule has a name");
		}
		return;
	}
	rules = ARENA_ARRAY(load->arena, node->count, struct unique_rule);
	for (const struct node *child = node->first; child != NULL; child = child->next) {
		struct field_set set;

		take_name(load, names, child);
		set = read_field_set(load, child, draft, "a unique rule");
		if (set.where.str.len > 0) {
			check_partial_name(load, child);
		}
		rules[count].name = child->key.str;
		rules[count].fields = set.list;
		rules[count].where = set.where;
		draft->unique_broken = draft->unique_broken || set.list.count == 0;
		count++;
	}
	draft->resource->uniques = rules;
	draft->resource->unique_count = count;
}

/* The checks of boolean fields have names too. */
static void check_free_name(struct load *load, const struct draft *draft, const struct node *node)
{
	const struct resource *resource = draft->resource;

	for (size_t i = 0; i < resource->field_count; i++) {
		struct str name = arena_printf(load->arena, "%.*s_%.*s_check", STR_ARG(resource->name),
									   STR_ARG(draft->fields[i].name));

		if (str_equal_nocase(name, node->key.str)) {
			model_report_add(load->report, node->key.place, NULL,
							 "the name \"%.*s\" is that of the check of a field",
							 STR_ARG(node->key.str));
		}
	}
}

static void read_checks(struct load *load, struct draft *draft, struct map *names)
{
	const struct node *node = draft->check;
	struct check_rule *rules;
	size_t count = 0;

	if (node == NULL) {
		return;
	}
	if (node->kind != NODE_MAP) {
		if (node->kind != NODE_BROKEN) {
			model_report_add(load->report, node->place, "check: { RULE NAME: \"CONDITION\" }",
							 "each check has a name");
		}
		return;
	}
	rules = ARENA_ARRAY(load->arena, node->count, struct check_rule);
	for (const struct node *child = node->first; child != NULL; child = child->next) {
		take_name(load, names, child);
		check_free_name(load, draft, child);
		rules[count].name = child->key.str;
		if (load_text(load, child, "a check", &rules[count].text)) {
			count++;
		}
	}
	draft->resource->checks = rules;
	draft->resource->check_count = count;
}

/* ---- indexes ---- */

static void read_indexes(struct load *load, struct draft *draft)
{
	const struct node *node = draft->index;
	bool is_list;
	struct index *indexes;
	size_t count = 0;

	if (node == NULL) {
		return;
	}
	is_list = node->kind == NODE_LIST;
	indexes = ARENA_ARRAY(load->arena, is_list ? node->count : 1, struct index);
	for (const struct node *item = is_list ? node->first : node; item != NULL;
		 item = is_list ? item->next : NULL) {
		struct field_set set;

		if (item->kind == NODE_LIST) {
			model_report_add(load->report, item->place, "{ fields: [FIELDS] }",
							 "an index over several fields is a map");
			continue;
		}
		set = read_field_set(load, item, draft, "an index");
		indexes[count].fields = set.list;
		indexes[count++].where = set.where;
	}
	draft->resource->indexes = indexes;
	draft->resource->index_count = count;
}

/* The index is kept by what writes the rows, and a view has none. */
static bool check_searched(struct load *load, const struct draft *draft)
{
	const struct resource *resource = draft->resource;
	const char *problem = draft->keyless ? "`search` is for rows with a key"
		: resource->read_only            ? "`search` is not for rows that are only read"
										 : NULL;
	if (problem != NULL) {
		model_report_add(load->report, draft->search->key.place, NULL, "%s", problem);
	}
	return problem == NULL;
}

static void read_search(struct load *load, struct draft *draft)
{
	struct field_list list;
	bool good = true;
	if (draft->search == NULL || draft->tally != NULL || !check_searched(load, draft) ||
		!load_field_list(load, draft->search, "`search`", draft, &list)) {
		return;
	}
	for (size_t i = 0; i < list.count; i++) {
		const struct field *field = list.items[i];
		if (field->type != TYPE_TEXT && !draft->field_drafts[field->number].broken) {
			model_report_add(load->report, draft->search->place, NULL,
							 "`search`: \"%.*s\" is %s, not text", STR_ARG(field->name),
							 value_type_name(field->type));
			good = false;
		}
	}
	if (good) {
		draft->resource->search = list;
	}
}

void load_rules(struct load *load, struct draft *draft)
{
	struct map names;

	if (draft->tally != NULL) {
		return;
	}
	map_init(&names);
	read_uniques(load, draft, &names);
	read_checks(load, draft, &names);
	map_finish(&names);
	read_indexes(load, draft);
	read_search(load, draft);
}
