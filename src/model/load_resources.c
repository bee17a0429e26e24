#include <assert.h>

#include "base/map.h"
#include "model/link_tables.h"
#include "model/load_priv.h"
#include "model/relations.h"

/* The words of a resource keep their nodes: a key names fields that may stand below it. */
#define KEEP(word)                                                                                 \
	static void keep_##word(struct load *load, const struct node *node, void *target)              \
	{                                                                                              \
		(void)load;                                                                                \
		((struct draft *)target)->word = node;                                                     \
	}
KEEP(key)
KEEP(fields_node)
KEEP(unique)
KEEP(check)
KEEP(index)
KEEP(search)
KEEP(load)
KEEP(references)
KEEP(read_only)
KEEP(tally)
KEEP(by)
KEEP(at)
KEEP(pass_token)
KEEP(rules)
#undef KEEP

static const struct word resource_words[] = {
	{"key", keep_key},
	{"fields", keep_fields_node},
	{"unique", keep_unique},
	{"check", keep_check},
	{"index", keep_index},
	{"search", keep_search},
	{"references", keep_references},
	{"read_only", keep_read_only},
	{"tally", keep_tally},
	{"by", keep_by},
	{"rules", keep_rules},
	{"load", keep_load},
	{"at", keep_at},
	{"pass_token", keep_pass_token},
};

static void refuse_beside_tally(struct load *load, const struct node *node, const char *word)
{
	if (node != NULL) {
		model_report_add(load->report, node->key.place,
						 "a tally is read only; its fields are those that `by` names, and `count`",
						 "`%s` cannot stand beside `tally`", word);
	}
}

static void read_words(struct load *load, struct draft *draft)
{
	if (!LOAD_WORDS(load, draft->node, resource_words, "a resource", draft)) {
		draft->broken = true;
		return;
	}
	if (draft->tally != NULL) {
		refuse_beside_tally(load, draft->key, "key");
		refuse_beside_tally(load, draft->fields_node, "fields");
		refuse_beside_tally(load, draft->unique, "unique");
		refuse_beside_tally(load, draft->check, "check");
		refuse_beside_tally(load, draft->index, "index");
		refuse_beside_tally(load, draft->load, "load");
		refuse_beside_tally(load, draft->search, "search");
		refuse_beside_tally(load, draft->references, "references");
		refuse_beside_tally(load, draft->read_only, "read_only");
		refuse_beside_tally(load, draft->at, "at");
		refuse_beside_tally(load, draft->pass_token, "pass_token");
		if (draft->by == NULL) {
			model_report_add(load->report, draft->node->key.place, "by: [FIELDS] of the other",
							 "the tally \"%.*s\" does not say by what it counts",
							 STR_ARG(draft->resource->name));
			draft->broken = true;
		}
		return;
	}
	if (draft->by != NULL) {
		model_report_add(load->report, draft->by->key.place, "tally: RESOURCE",
						 "`by` is for a tally");
		if (draft->fields_node == NULL) {
			draft->broken = true;
			return;
		}
	}
	if (draft->at != NULL) {
		load_at(load, draft);
	} else if (draft->read_only != NULL) {
		(void)load_boolean(load, draft->read_only, "`read_only`", &draft->resource->read_only);
	}
	if (draft->at == NULL && draft->pass_token != NULL) {
		model_report_add(load->report, draft->pass_token->key.place, "at: URL",
						 "`pass_token` is for a resource of another service");
	}
	if (draft->fields_node != NULL) {
		load_fields(load, draft);
		return;
	}
	model_report_add(load->report, draft->node->key.place, "fields: { NAME: TYPE, … }",
					 "the resource \"%.*s\" has no fields", STR_ARG(draft->resource->name));
	draft->broken = true;
}

/* Marks the fields of the key. */
static void read_key(struct load *load, struct draft *draft)
{
	struct resource *resource = draft->resource;

	if (draft->tally != NULL || draft->node->kind != NODE_MAP ||
		(draft->by != NULL && draft->fields_node == NULL)) {
		return;
	}
	if (draft->key == NULL) {
		model_report_add(load->report, draft->node->key.place,
						 "such as `key: id` with a field `id: { type: uuid, default: auto }`",
						 "the resource \"%.*s\" has no key", STR_ARG(resource->name));
		return;
	}
	if (draft->key->kind == NODE_LIST && draft->key->count == 0) {
		draft->keyless = true;
		return;
	}
	if (!load_field_list(load, draft->key, "`key`", draft, &resource->key)) {
		draft->key_broken = true;
		return;
	}
	for (size_t i = 0; i < resource->key.count; i++) {
		struct field *field = &draft->fields[resource->key.items[i]->number];

		field->key = true;
		if (field->type == TYPE_JSON && !draft->field_drafts[field->number].broken) {
			model_report_add(load->report, draft->key->place, NULL,
							 "`key`: \"%.*s\" is json, which cannot be a key",
							 STR_ARG(field->name));
		}
	}
}

/* Rows are counted per group, and null is no group that every store agrees on. */
static bool check_by(struct load *load, const struct node *by, const struct draft *other,
					 const struct field_list *list)
{
	bool good = true;

	for (size_t i = 0; i < list->count; i++) {
		const struct field *field = list->items[i];
		const struct draft_field *draft = &other->field_drafts[field->number];

		if (draft->broken) {
			good = false;
		} else if (field->type == TYPE_JSON) {
			model_report_add(load->report, by->place, NULL, "`by`: \"%.*s\" is json",
							 STR_ARG(field->name));
			good = false;
		} else if (str_equal(field->name, STR("count"))) {
			model_report_add(load->report, by->place, NULL,
							 "`by`: a tally has a field \"count\" of its own");
			good = false;
		} else if (field->readable_by != NULL) {
			model_report_add(load->report, by->place, "rows are found and ordered by it",
							 "`by`: \"%.*s\" has `readable_by`", STR_ARG(field->name));
			good = false;
		} else if (!field->key && !field->required && !other->key_broken) {
			model_report_add(
				load->report, by->place,
				arena_printf(load->arena, "give \"%.*s\" required: true", STR_ARG(field->name)).ptr,
				"`by`: \"%.*s\" can be null", STR_ARG(field->name));
			good = false;
		}
	}
	return good;
}

/* Copies of the fields of `by`, which are the key, and `count`. */
static void make_tally_fields(struct load *load, struct draft *draft)
{
	struct resource *resource = draft->resource;
	size_t count = resource->by.count;
	struct field *fields = ARENA_ARRAY(load->arena, count + 1, struct field);
	const struct field **key = ARENA_ARRAY(load->arena, count, const struct field *);

	for (size_t i = 0; i < count; i++) {
		fields[i] = *resource->by.items[i];
		fields[i].number = i;
		fields[i].key = true;
		fields[i].required = true;
		fields[i].default_kind = DEFAULT_NONE;
		fields[i].default_value = (struct value){.kind = VALUE_NULL};
		fields[i].write = WRITE_NEVER;
		fields[i].references = NULL;
		key[i] = &fields[i];
	}
	fields[count] = (struct field){
		.name = STR("count"),
		.place = resource->place,
		.number = count,
		.type = TYPE_INTEGER,
		.required = true,
		.write = WRITE_NEVER,
	};
	draft->fields = fields;
	resource->fields = fields;
	resource->field_count = count + 1;
	resource->key = (struct field_list){key, count};
}

static void read_tally(struct load *load, struct draft *draft)
{
	struct draft *other;
	struct field_list by;

	if (draft->tally == NULL || draft->by == NULL) {
		return;
	}
	draft->broken = true; /* until its fields are made */
	other = load_resource_name(load, draft->tally, "`tally`");
	if (other == NULL) {
		return;
	}
	if (other->at != NULL) {
		model_report_add(load->report, draft->tally->place, "make the tally there",
						 "`tally`: \"%.*s\" lives in another service",
						 STR_ARG(other->resource->name));
		return;
	}
	if (other->tally != NULL) {
		model_report_add(load->report, draft->tally->place, "count the rows of a table",
						 "`tally`: \"%.*s\" is a tally itself", STR_ARG(other->resource->name));
		return;
	}
	if (!load_field_list(load, draft->by, "`by`", other, &by) || other->field_drafts == NULL ||
		!check_by(load, draft->by, other, &by)) {
		return;
	}
	draft->broken = false;
	draft->resource->tally_of = other->resource;
	draft->resource->read_only = true;
	draft->resource->by = by;
	make_tally_fields(load, draft);
}

/* Tells each counted resource who counts it. */
static void join_tallies(struct load *load)
{
	for (size_t i = 0; i < load->draft_count; i++) {
		struct draft *draft = &load->drafts[i];
		const struct resource **tallies;
		size_t count = 0;

		for (size_t j = 0; j < load->draft_count; j++) {
			count += load->drafts[j].resource->tally_of == draft->resource ? 1 : 0;
		}
		if (count == 0) {
			continue;
		}
		tallies = ARENA_ARRAY(load->arena, count, const struct resource *);
		count = 0;
		for (size_t j = 0; j < load->draft_count; j++) {
			if (load->drafts[j].resource->tally_of == draft->resource) {
				tallies[count++] = load->drafts[j].resource;
			}
		}
		draft->resource->tallies = tallies;
		draft->resource->tally_count = count;
	}
}

static void begin_drafts(struct load *load)
{
	struct resource *resources = ARENA_ARRAY(load->arena, link_tables_room(load->resources->count),
											 struct resource);
	struct map names;

	load->drafts = ARENA_ARRAY(load->arena, load->resources->count, struct draft);
	map_init(&names);
	for (const struct node *node = load->resources->first; node != NULL; node = node->next) {
		size_t number = load->draft_count++;
		const struct node *before = map_put(&names, load_fold_name(load, node->key.str),
											(void *)node);

		resources[number] = (struct resource){
			.name = node->key.str,
			.place = node->key.place,
			.number = number,
		};
		load->drafts[number] = (struct draft){.resource = &resources[number], .node = node};
		(void)load_check_name(load, &node->key, "a resource's name");
		if (str_equal(node->key.str, STR(".rowlock"))) {
			model_report_add(load->report, node->key.place, NULL,
							 "\".rowlock\" is where the system's pages are");
		}
		if (before != NULL) {
			model_report_add(load->report, node->key.place, NULL,
							 "the resource \"%.*s\" differs from the one in line %zu only in case",
							 STR_ARG(node->key.str), before->key.place.line);
		}
		read_words(load, &load->drafts[number]);
	}
	map_finish(&names);
	load->model->resources = resources;
	load->model->resource_count = load->draft_count;
}

void load_resources(struct load *load)
{
	if (load->resources == NULL) {
		return;
	}
	if (!load_is_map(load, load->resources, "`resources`")) {
		load->resources_broken = true;
		return;
	}
	if (load->resources->count > MAX_RESOURCES) {
		model_report_add(load->report, load->resources->place, NULL,
						 "a service has at most %d resources", MAX_RESOURCES);
		load->resources_broken = true;
		return;
	}
	/* In this order: a reference needs the other's key and unique rules, a tally the other's
	 * required fields. */
	begin_drafts(load);
	for (size_t i = 0; i < load->draft_count; i++) {
		read_key(load, &load->drafts[i]);
	}
	for (size_t i = 0; i < load->draft_count; i++) {
		load_field_values(load, &load->drafts[i]);
		load_rules(load, &load->drafts[i]);
		load_access(load, &load->drafts[i]);
		load_load(load, &load->drafts[i]);
	}
	for (size_t i = 0; i < load->draft_count; i++) {
		load_references(load, &load->drafts[i]);
	}
	for (size_t i = 0; i < load->draft_count; i++) {
		read_tally(load, &load->drafts[i]);
	}
	join_tallies(load);
	if (load->draft_count > 0) {
		relations_build(load->drafts[0].resource, load->draft_count, load->arena);
	}
	if (load->report->errors == 0) {
		link_tables_create(load->model, load->arena, load->report);
	}
}
