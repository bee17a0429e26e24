#include "base/map.h"
#include "model/load_priv.h"
#include "model/relations.h"

/* The foreign keys of one resource while they are read. */
struct reading {
	struct load *load;
	struct draft *draft;
	struct reference *list;
	size_t count;
	struct link *links;
	size_t link_count;
	struct map names; /* of all rules, folded: their places */
};

/* The map of one rule. */
struct rule {
	const struct node *fields;
	const struct node *to;
	const struct node *on;    /* NULL: the key */
	const struct node *check; /* NULL: by holds, where an end is remote */
};

/* The map of a field: its resource. */
struct field_rule {
	const struct node *resource;
	const struct node *check;
};

#define KEEP(word)                                                                                 \
	static void keep_##word(struct load *load, const struct node *node, void *target)              \
	{                                                                                              \
		(void)load;                                                                                \
		((struct rule *)target)->word = node;                                                      \
	}
KEEP(fields)
KEEP(to)
KEEP(on)
KEEP(check)
#undef KEEP

static const struct word rule_words[] = {
	{"fields", keep_fields},
	{"to", keep_to},
	{"on", keep_on},
	{"check", keep_check},
};

static void keep_field_resource(struct load *load, const struct node *node, void *target)
{
	(void)load;
	((struct field_rule *)target)->resource = node;
}

static void keep_field_check(struct load *load, const struct node *node, void *target)
{
	(void)load;
	((struct field_rule *)target)->check = node;
}

static const struct word field_words[] = {
	{"resource", keep_field_resource},
	{"check", keep_field_check},
};

static void take_name(struct reading *reading, struct str name, const struct place *place)
{
	struct load *load = reading->load;
	const struct place *before = map_put(&reading->names, load_fold_name(load, name),
										 (void *)place);

	if (before != NULL) {
		model_report_add(load->report, *place, "give one of the two another name",
						 "the rule \"%.*s\" has the name of the one in line %zu", STR_ARG(name),
						 before->line);
	}
}

static void take_names_of(struct reading *reading, const struct node *rules)
{
	if (rules == NULL || rules->kind != NODE_MAP) {
		return;
	}
	for (const struct node *child = rules->first; child != NULL; child = child->next) {
		(void)map_put(&reading->names, load_fold_name(reading->load, child->key.str),
					  (void *)&child->key.place);
	}
}

static struct draft *read_target(struct load *load, const struct node *node, const char *what)
{
	struct draft *other = load_resource_name(load, node, what);

	if (other == NULL || other->broken) {
		return NULL;
	}
	if (other->tally != NULL) {
		model_report_add(load->report, node->place, NULL, "%s: \"%.*s\" is a tally", what,
						 STR_ARG(other->resource->name));
		return NULL;
	}
	return other;
}

/* The key of a target. False when there is none, which is reported here unless it was before. */
static bool read_target_key(struct load *load, const struct node *node, const char *what,
							const struct draft *other, struct field_list *ret_list)
{
	if (other->keyless) {
		model_report_add(load->report, node->place,
						 "under `references` of the resource, name the fields of a unique rule "
						 "with `on`",
						 "%s: \"%.*s\" has no key", what, STR_ARG(other->resource->name));
	}
	*ret_list = other->resource->key;
	return other->resource->key.count > 0;
}

static bool check_types(const struct reading *reading, const struct node *node, const char *what,
						const struct draft *other, const struct reference *reference)
{
	bool good = true;

	for (size_t i = 0; i < reference->fields.count; i++) {
		const struct field *field = reference->fields.items[i];
		const struct field *target = reference->target_fields.items[i];

		if (reading->draft->field_drafts[field->number].broken ||
			other->field_drafts[target->number].broken) {
			good = false;
		} else if (field->type != target->type || field->scale != target->scale) {
			model_report_add(reading->load->report, node->place,
							 field->type == target->type
								 ? "give both as many digits behind the point"
								 : "give both the same type",
							 "%s: \"%.*s\" of \"%.*s\" is %s, \"%.*s\" is %s", what,
							 STR_ARG(target->name), STR_ARG(other->resource->name),
							 value_type_name(target->type), STR_ARG(field->name),
							 value_type_name(field->type));
			good = false;
		}
	}
	return good;
}

/* `check: get`, which only a link can have. */
static bool read_check(struct load *load, const struct node *node, bool is_link, bool *ret_get_only)
{
	struct text word;

	*ret_get_only = node != NULL;
	if (node == NULL) {
		return true;
	}
	if (!load_text(load, node, "`check`", &word)) {
		return false;
	}
	if (!str_equal(word.str, STR("get"))) {
		model_report_add(load->report, node->place,
						 "leave it out: then neither service deletes what the other refers to",
						 "`check` is get, not \"%.*s\"", STR_ARG(str_slice(word.str, 0, 200)));
		return false;
	}
	if (!is_link) {
		model_report_add(load->report, node->key.place, "leave it out: the database checks",
						 "`check` is for a resource of another service");
	}
	return is_link;
}

static void add(struct reading *reading, const struct reference *reference,
				const struct node *check)
{
	const struct field_list *key = &reference->target->key;
	bool is_link = resource_is_remote(reference->target) ||
		resource_is_remote(reading->draft->resource);
	bool get_only;

	if (!read_check(reading->load, check, is_link, &get_only)) {
		return;
	}
	if (is_link) {
		reading->links[reading->link_count++] = (struct link){
			.reference = *reference,
			.get_only = get_only,
		};
		return;
	}
	reading->list[reading->count++] = *reference;
	if (key->count == 1 && reference->target_fields.count == 1 &&
		reference->target_fields.items[0] == key->items[0]) {
		struct field *field = &reading->draft->fields[reference->fields.items[0]->number];

		if (field->references == NULL) {
			field->references = reference->target;
		}
	}
}

/* `references: RESOURCE` of one field, or `references: { resource, check }`. */
static void read_field(struct reading *reading, const struct draft_field *from)
{
	static const char what[] = "`references`";
	struct load *load = reading->load;
	const struct node *node = from->references;
	const struct field **fields = ARENA_ARRAY(load->arena, 1, const struct field *);
	struct reference reference = {
		.name = arena_printf(load->arena, "%.*s_%.*s_fkey", STR_ARG(reading->draft->resource->name),
							 STR_ARG(from->field->name)),
		.fields = {fields, 1},
	};
	struct field_rule rule = {.resource = node};
	const struct draft *other;

	fields[0] = from->field;
	take_name(reading, reference.name, &node->place);
	if (node->kind == NODE_MAP) {
		rule.resource = NULL;
		(void)LOAD_WORDS(load, node, field_words, what, &rule);
		if (rule.resource == NULL) {
			model_report_add(load->report, node->place,
							 "references: { resource: NAME, check: get }", "%s names no resource",
							 what);
			return;
		}
		node = rule.resource;
	}
	other = read_target(load, node, what);
	if (other == NULL || !read_target_key(load, node, what, other, &reference.target_fields)) {
		return;
	}
	if (reference.target_fields.count > 1) {
		model_report_add(load->report, node->place,
						 "write it under `references` of the resource, with all its fields",
						 "%s: the key of \"%.*s\" has more than one field", what,
						 STR_ARG(other->resource->name));
		return;
	}
	reference.target = other->resource;
	if (check_types(reading, node, what, other, &reference)) {
		add(reading, &reference, rule.check);
	}
}

/* As many fields on both sides. */
static bool check_counts(struct load *load, const struct rule *rule, const struct draft *other,
						 size_t count, size_t on_count)
{
	if (count == on_count) {
		return true;
	}
	if (rule->on != NULL) {
		model_report_add(load->report, rule->on->place, "each field has its own at the other end",
						 "`fields` and `on` do not name as many fields");
	} else {
		model_report_add(load->report, rule->fields->place, "name other fields of it with `on`",
						 "`fields` does not name as many fields as the key of \"%.*s\" has",
						 STR_ARG(other->resource->name));
	}
	return false;
}

/* The fields in the order of the key or unique rule that they refer to. */
static void sort_fields(struct load *load, const struct field_list *target,
						const struct field_list *on, struct reference *reference)
{
	const struct field **fields = ARENA_ARRAY(load->arena, target->count, const struct field *);

	for (size_t i = 0; i < target->count; i++) {
		for (size_t j = 0; j < on->count; j++) {
			if (on->items[j] == target->items[i]) {
				fields[i] = reference->fields.items[j];
			}
		}
	}
	reference->fields = (struct field_list){fields, target->count};
	reference->target_fields = *target;
}

static bool read_on(struct load *load, const struct rule *rule, const struct draft *other,
					struct reference *reference)
{
	const struct field_list *target;
	struct field_list on;

	if (rule->on == NULL ? !read_target_key(load, rule->to, "`to`", other, &on)
						 : !load_field_list(load, rule->on, "`on`", other, &on)) {
		return false;
	}
	if (other->key_broken || !check_counts(load, rule, other, reference->fields.count, on.count)) {
		return false;
	}
	target = resource_unique_list(other->resource, &on);
	if (target == NULL) {
		if (!other->unique_broken && (other->keyless || other->resource->key.count > 0)) {
			model_report_add(load->report, rule->on->place, "else one row could refer to several",
							 "`on` is neither the key of \"%.*s\" nor all fields of a unique rule",
							 STR_ARG(other->resource->name));
		}
		return false;
	}
	sort_fields(load, target, &on, reference);
	return true;
}

/* One rule of `references:` of the resource. */
static void read_rule(struct reading *reading, const struct node *node)
{
	struct load *load = reading->load;
	struct reference reference = {.name = node->key.str};
	struct rule rule = {0};
	const struct draft *other;
	bool good;

	(void)load_check_name(load, &node->key, "a rule's name");
	take_name(reading, reference.name, &node->key.place);
	if (!LOAD_WORDS(load, node, rule_words, "a foreign key", &rule)) {
		return;
	}
	if (rule.fields == NULL || rule.to == NULL) {
		model_report_add(load->report, node->key.place, "{ fields: [FIELDS], to: RESOURCE }",
						 "the foreign key \"%.*s\" does not say %s", STR_ARG(reference.name),
						 rule.fields == NULL ? "which fields it has" : "where it leads to");
		return;
	}
	good = load_field_list(load, rule.fields, "`fields`", reading->draft, &reference.fields);
	other = read_target(load, rule.to, "`to`");
	if (!good || other == NULL || !read_on(load, &rule, other, &reference)) {
		return;
	}
	reference.target = other->resource;
	if (resource_is_remote(reading->draft->resource) && rule.check == NULL &&
		reference.target_fields.items != other->resource->key.items) {
		model_report_add(load->report, rule.on->place,
						 "leave `on` out, or write `check: get` where nothing is to be kept",
						 "rows of \"%.*s\" are kept for other services by their key",
						 STR_ARG(other->resource->name));
		return;
	}
	if (check_types(reading, rule.fields, "`fields`", other, &reference)) {
		add(reading, &reference, rule.check);
	}
}

/* Those of the fields stand before those of the resource. */
static void read_all(struct reading *reading)
{
	struct draft *draft = reading->draft;
	const struct node *rules = draft->references;
	size_t fields = draft->field_drafts == NULL ? 0 : draft->resource->field_count;
	size_t count = 0;

	if (rules != NULL && rules->kind != NODE_MAP) {
		if (rules->kind != NODE_BROKEN) {
			model_report_add(reading->load->report, rules->place,
							 "references: { RULE NAME: { fields: [FIELDS], to: RESOURCE } }",
							 "each foreign key of a resource has a name");
		}
		rules = NULL;
	}
	for (size_t i = 0; i < fields; i++) {
		count += draft->field_drafts[i].references == NULL ? 0 : 1;
	}
	count += rules == NULL ? 0 : rules->count;
	if (count > MAX_REFERENCES) {
		model_report_add(reading->load->report, draft->node->key.place, NULL,
						 "a resource has at most %d foreign keys", MAX_REFERENCES);
		return;
	}
	reading->list = ARENA_ARRAY(reading->load->arena, count, struct reference);
	reading->links = ARENA_ARRAY(reading->load->arena, count, struct link);
	for (size_t i = 0; i < fields; i++) {
		if (draft->field_drafts[i].references != NULL && !draft->field_drafts[i].broken) {
			read_field(reading, &draft->field_drafts[i]);
		}
	}
	for (const struct node *node = rules == NULL ? NULL : rules->first; node != NULL;
		 node = node->next) {
		read_rule(reading, node);
	}
}

void load_references(struct load *load, struct draft *draft)
{
	struct reading reading = {.load = load, .draft = draft};

	if (draft->tally != NULL) {
		return;
	}
	map_init(&reading.names);
	take_names_of(&reading, draft->unique);
	take_names_of(&reading, draft->check);
	read_all(&reading);
	map_finish(&reading.names);
	draft->resource->references = reading.list;
	draft->resource->reference_count = reading.count;
	draft->resource->links = reading.links;
	draft->resource->link_count = reading.link_count;
}
