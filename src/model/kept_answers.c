#include "model/kept_answers.h"

static const struct {
	struct str name;
	enum type type;
	bool key;
	bool required;
} fields[] = {
	{STR_INIT("scope"), TYPE_TEXT, true, true},  {STR_INIT("key"), TYPE_TEXT, true, true},
	{STR_INIT("hash"), TYPE_TEXT, false, true},  {STR_INIT("status"), TYPE_INTEGER, false, false},
	{STR_INIT("type"), TYPE_TEXT, false, false}, {STR_INIT("fields"), TYPE_TEXT, false, false},
	{STR_INIT("body"), TYPE_TEXT, false, false}, {STR_INIT("at"), TYPE_INTEGER, false, true},
};
enum { FIELDS = sizeof(fields) / sizeof(fields[0]), KEY_FIELDS = 2 };

const struct resource *kept_answers_create(struct arena *arena, size_t number)
{
	struct resource *resource = ARENA_NEW(arena, struct resource);
	struct field *made = ARENA_ARRAY(arena, FIELDS, struct field);
	const struct field **key = ARENA_ARRAY(arena, KEY_FIELDS, const struct field *);
	const struct field **at = ARENA_ARRAY(arena, 1, const struct field *);
	struct index *index = ARENA_NEW(arena, struct index);
	for (size_t i = 0; i < FIELDS; i++) {
		made[i] = (struct field){
			.name = fields[i].name,
			.number = i,
			.type = fields[i].type,
			.key = fields[i].key,
			.required = fields[i].required,
		};
	}
	key[0] = &made[0];
	key[1] = &made[1];
	at[0] = &made[FIELDS - 1];
	index->fields = (struct field_list){at, 1};
	*resource = (struct resource){
		.name = STR("_rl_idem"),
		.number = number,
		.fields = made,
		.field_count = FIELDS,
		.key = {key, KEY_FIELDS},
		.indexes = index,
		.index_count = 1,
		.hidden = true,
	};
	return resource;
}
