#include "model/link_tables.h"

#include <assert.h>

#include "base/map.h"

enum {
	SERVICE_RESOURCES = 2, /* decisions and the outbox */
	MAX_NAME_BYTES = 63,
	HASH_BYTES = 17, /* a point and 16 digits */
};

struct create {
	struct model *model;
	struct arena *arena;
	struct model_report *report;
};

/* ---- parts ---- */

/* `_rl_hold_NAME`; one that is too long ends with a hash of the whole. */
static struct str hold_name(struct arena *arena, struct str of)
{
	static const uint64_t key[2] = {0x6c696e6b, 0x7461626c6573};
	struct str name = arena_printf(arena, "_rl_hold_%.*s", STR_ARG(of));
	size_t cut = MAX_NAME_BYTES - HASH_BYTES;
	if (name.len <= MAX_NAME_BYTES) {
		return name;
	}
	while (((unsigned char)name.ptr[cut] & 0xC0) == 0x80) {
		cut--;
	}
	return arena_printf(arena, "%.*s.%016llx", (int)cut, name.ptr,
						(unsigned long long)siphash(key, name.ptr, name.len));
}

static struct field_list list_of(struct arena *arena, const struct field *fields, size_t count)
{
	struct field_list list = {ARENA_ARRAY(arena, count, const struct field *), count};
	for (size_t i = 0; i < count; i++) {
		list.items[i] = &fields[i];
	}
	return list;
}

/* Space for one more resource, hidden, with copies of these fields; the first is its key. */
static struct resource *add_resource(const struct create *create, struct str name,
									 const struct field *fields, size_t count)
{
	struct model *model = create->model;
	size_t number = model->resource_count++;
	struct resource *resource = (struct resource *)&model->resources[number];
	struct field *made = ARENA_ARRAY(create->arena, count, struct field);
	for (size_t i = 0; i < count; i++) {
		made[i] = fields[i];
		made[i].number = i;
		made[i].key = i == 0;
		made[i].required = made[i].default_kind == DEFAULT_NONE;
	}
	*resource = (struct resource){
		.name = name,
		.number = number,
		.fields = made,
		.field_count = count,
		.key = list_of(create->arena, made, 1),
		.hidden = true,
	};
	return resource;
}

static void add_index(struct arena *arena, struct resource *resource, struct field_list fields)
{
	size_t count = resource->index_count;
	struct index *indexes = ARENA_ARRAY(arena, count + 1, struct index);
	for (size_t i = 0; i < count; i++) {
		indexes[i] = resource->indexes[i];
	}
	indexes[count] = (struct index){.fields = fields};
	resource->indexes = indexes;
	resource->index_count = count + 1;
}

/* ---- the owner ---- */

static void add_holds(const struct create *create, struct resource *target)
{
	static const struct field fixed[HOLD_KEY] = {
		[HOLD_ID] = {.name = STR_INIT("id"), .type = TYPE_UUID},
		[HOLD_FROM] = {.name = STR_INIT("from"), .type = TYPE_TEXT, .max_chars = MAX_NAME_BYTES},
		[HOLD_MARK] = {.name = STR_INIT("mark"), .type = TYPE_UUID},
		[HOLD_KEPT] = {.name = STR_INIT("kept"), .type = TYPE_BOOLEAN},
		[HOLD_AT] = {.name = STR_INIT("at"), .type = TYPE_INTEGER},
	};
	struct arena *arena = create->arena;
	size_t keys = target->key.count;
	struct field *fields = ARENA_ARRAY(arena, HOLD_KEY + keys, struct field);
	for (size_t i = 0; i < HOLD_KEY; i++) {
		fields[i] = fixed[i];
	}
	for (size_t i = 0; i < keys; i++) {
		const struct field *field = target->key.items[i];
		fields[HOLD_KEY + i] = (struct field){
			.name = arena_printf(arena, "key%zu", i + 1),
			.type = field->type,
			.precision = field->precision,
			.scale = field->scale,
			.max_chars = field->max_chars,
		};
	}
	struct resource *holds = add_resource(create, hold_name(arena, target->name), fields,
										  HOLD_KEY + keys);
	struct reference *reference = ARENA_NEW(arena, struct reference);
	*reference = (struct reference){
		.name = arena_printf(arena, "%.*s_key_fkey", STR_ARG(holds->name)),
		.fields = list_of(arena, &holds->fields[HOLD_KEY], keys),
		.target = target,
		.target_fields = target->key,
	};
	holds->references = reference;
	holds->reference_count = 1;
	add_index(arena, holds, reference->fields);
	add_index(arena, holds, list_of(arena, &holds->fields[HOLD_KEPT], 2));
	target->holds = holds;
}

/* ---- the user ---- */

static void add_service(const struct create *create)
{
	static const struct field decision[DECISION_FIELDS] = {
		[DECISION_ID] = {.name = STR_INIT("id"), .type = TYPE_UUID},
		[DECISION_USED] = {.name = STR_INIT("used"), .type = TYPE_BOOLEAN},
		[DECISION_AT] = {.name = STR_INIT("at"), .type = TYPE_INTEGER},
	};
	static const struct field outbox[OUTBOX_FIELDS] = {
		[OUTBOX_N] = {.name = STR_INIT("n"), .type = TYPE_INTEGER, .default_kind = DEFAULT_AUTO},
		[OUTBOX_RESOURCE] = {.name = STR_INIT("resource"),
							 .type = TYPE_TEXT,
							 .max_chars = MAX_NAME_BYTES},
		[OUTBOX_FROM] = {.name = STR_INIT("from"), .type = TYPE_TEXT, .max_chars = MAX_NAME_BYTES},
		[OUTBOX_ID] = {.name = STR_INIT("id"), .type = TYPE_UUID},
	};
	struct resource *made = add_resource(create, STR("_rl_decision"), decision, DECISION_FIELDS);
	add_index(create->arena, made, list_of(create->arena, &made->fields[DECISION_USED], 2));
	create->model->decision = made;
	create->model->outbox = add_resource(create, STR("_rl_outbox"), outbox, OUTBOX_FIELDS);
}

/* Is it a name of the first `count` fields? Databases do not tell case apart. */
static bool is_taken(const struct field *fields, size_t count, struct str name)
{
	for (size_t i = 0; i < count; i++) {
		if (str_equal_nocase(fields[i].name, name)) {
			return true;
		}
	}
	return false;
}

/* Of one field by its name, the first time; else of the rule. */
static struct str name_hold(const struct create *create, const struct resource *resource,
							const struct reference *reference, const struct field *holds,
							size_t count)
{
	struct str name = STR("");
	if (reference->fields.count == 1) {
		name = hold_name(create->arena, reference->fields.items[0]->name);
	}
	if (name.len == 0 || is_taken(holds, count, name)) {
		name = hold_name(create->arena, reference->name);
	}
	if (is_taken(holds, count, name)) {
		model_report_add(create->report, resource->place,
						 "give the rule a name that no field with a reference has",
						 "two references of \"%.*s\" to other services are kept under one name, "
						 "\"%.*s\"",
						 STR_ARG(resource->name), STR_ARG(reference->name));
	}
	return name;
}

static void add_hold_fields(const struct create *create, struct resource *resource)
{
	struct arena *arena = create->arena;
	struct link *links = ARENA_ARRAY(arena, resource->link_count, struct link);
	struct field *fields = ARENA_ARRAY(arena, resource->link_count, struct field);
	size_t count = 0;
	for (size_t i = 0; i < resource->link_count; i++) {
		links[i] = resource->links[i];
		if (!links[i].get_only) {
			fields[count] = (struct field){
				.name = name_hold(create, resource, &links[i].reference, fields, count),
				.number = resource->field_count + count,
				.type = TYPE_UUID,
			};
			links[i].hold = &fields[count];
			add_index(arena, resource, list_of(arena, &fields[count], 1));
			count++;
		}
	}
	resource->links = links;
	resource->hold_fields = fields;
	resource->hold_field_count = count;
}

/* ---- both ---- */

size_t link_tables_room(size_t count)
{
	return count * 2 + SERVICE_RESOURCES;
}

void link_tables_create(struct model *model, struct arena *arena, struct model_report *report)
{
	struct create create = {model, arena, report};
	struct resource *resources = (struct resource *)model->resources;
	size_t count = model->resource_count;
	bool user = false;
	for (size_t i = 0; i < count; i++) {
		if (!resource_is_remote(&resources[i])) {
			add_hold_fields(&create, &resources[i]);
			user = user || resources[i].hold_field_count > 0;
			continue;
		}
		for (size_t k = 0; k < resources[i].link_count; k++) {
			const struct link *link = &resources[i].links[k];
			struct resource *target = &resources[link->reference.target->number];
			if (!link->get_only && !resource_is_remote(target) && target->holds == NULL) {
				add_holds(&create, target);
			}
		}
	}
	if (user) {
		add_service(&create);
	}
	assert(model->resource_count <= link_tables_room(count));
}
