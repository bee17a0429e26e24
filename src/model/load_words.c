#include <assert.h>

#include "codec/number.h"
#include "codec/utf8.h"
#include "model/load_priv.h"
#include "model/relations.h"

struct nearest nearest_begin(struct str wanted)
{
	return (struct nearest){.wanted = wanted, .distance = SIZE_MAX};
}

void nearest_try(struct nearest *nearest, struct str name)
{
	size_t longer = name.len > nearest->wanted.len ? name.len : nearest->wanted.len;
	size_t most = longer <= 5 ? 1 : longer <= 8 ? 2 : 3;
	size_t distance = str_equal_nocase(name, nearest->wanted) ? 0
															  : str_distance(name, nearest->wanted);

	/* "int" and "bool" are near, however much is missing. */
	if (nearest->wanted.len >= 3 && distance > 0 && str_starts_with(name, nearest->wanted)) {
		distance = 1;
	}

	/* A distance as long as the names would turn any word into any other. */
	if (distance <= most && distance < longer && distance < nearest->distance) {
		nearest->best = name;
		nearest->distance = distance;
	}
}

const char *nearest_hint(const struct nearest *nearest, struct arena *arena)
{
	if (nearest->distance == SIZE_MAX) {
		return NULL;
	}
	return arena_printf(arena, "did you mean \"%.*s\"?", STR_ARG(nearest->best)).ptr;
}

static const struct word *find_word(const struct word *words, size_t count, struct str name)
{
	for (size_t i = 0; i < count; i++) {
		if (str_equal(str_from(words[i].name), name)) {
			return &words[i];
		}
	}
	return NULL;
}

/* Reports a misspelt word, naming the nearest one, or all that stand there. */
static void report_word(struct load *load, const struct node *node, const struct word *words,
						size_t count, const char *where)
{
	const struct text *key = &node->key;
	struct nearest nearest = nearest_begin(key->str);
	const char *hint;

	for (size_t i = 0; i < count; i++) {
		nearest_try(&nearest, str_from(words[i].name));
	}
	hint = nearest_hint(&nearest, load->arena);
	if (hint == NULL && node->kind == NODE_SCALAR && node->plain && node->text.len == 0) {
		/* { select: a,b } is { select: a, b: null } */
		hint = "inside { } write a text that holds a comma in quotes";
	}
	if (hint == NULL) {
		struct str list = STR("known here:");

		for (size_t i = 0; i < count; i++) {
			if (words[i].read != NULL) {
				list = arena_printf(load->arena, "%.*s%s %s", STR_ARG(list),
									list.ptr[list.len - 1] == ':' ? "" : ",", words[i].name);
			}
		}
		hint = list.ptr;
	}
	model_report_add(load->report, key->place, hint, "unknown word \"%.*s\" in %s",
					 STR_ARG(key->str), where);
}

bool load_is_map(struct load *load, const struct node *node, const char *what)
{
	if (node->kind != NODE_MAP && node->kind != NODE_BROKEN) {
		model_report_add(load->report, node->place, NULL, "%s is a map of entries `word: value`",
						 what);
	}
	return node->kind == NODE_MAP;
}

bool load_words(struct load *load, const struct node *node, const struct word *words, size_t count,
				const char *where, void *target)
{
	if (!load_is_map(load, node, where)) {
		return false;
	}
	for (const struct node *child = node->first; child != NULL; child = child->next) {
		const struct word *word = find_word(words, count, child->key.str);

		if (word == NULL) {
			report_word(load, child, words, count, where);
		} else if (word->read == NULL) {
			model_report_add(load->report, child->key.place, NULL,
							 "\"%s\" in %s is not known yet in this version", word->name, where);
		} else {
			word->read(load, child, target);
		}
	}
	return true;
}

bool load_text(struct load *load, const struct node *node, const char *what, struct text *ret_text)
{
	if (node->kind == NODE_BROKEN) {
		return false;
	}
	if (node->kind != NODE_SCALAR) {
		model_report_add(load->report, node->place, NULL, "%s is one text, not a %s", what,
						 node->kind == NODE_MAP ? "map" : "list");
		return false;
	}
	if (yaml_scalar(node) == SCALAR_NULL || node->text.len == 0) {
		model_report_add(load->report, node->place, NULL, "%s has no value", what);
		return false;
	}
	*ret_text = (struct text){node->text, node->place};
	return true;
}

static bool is_yes_or_no(struct str text)
{
	static const char *const words[] = {"yes", "no", "on", "off", "y", "n"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (str_equal_nocase(text, str_from(words[i]))) {
			return true;
		}
	}
	return false;
}

bool load_path(struct load *load, const struct node *node, const char *what, struct text *ret_path)
{
	struct text path;

	if (!load_text(load, node, what, &path)) {
		return false;
	}
	if (path.str.ptr[0] != '/' && !yaml_from_environment(node, 0)) {
		path.str = arena_printf(load->arena, "%.*s%.*s", STR_ARG(load->folder), STR_ARG(path.str));
	}
	*ret_path = path;
	return true;
}

bool load_boolean(struct load *load, const struct node *node, const char *what, bool *ret_value)
{
	const char *hint = NULL;

	if (node->kind == NODE_BROKEN) {
		return false;
	}
	if (node->kind == NODE_SCALAR) {
		bool typed = node->plain || node->variable;

		if (typed && str_equal_nocase(node->text, STR("true"))) {
			*ret_value = true;
			return true;
		}
		if (typed && str_equal_nocase(node->text, STR("false"))) {
			*ret_value = false;
			return true;
		}
		if (is_yes_or_no(node->text)) {
			hint = "write true or false";
		} else if (str_equal(node->text, STR("true")) || str_equal(node->text, STR("false"))) {
			hint = "write it without quotes";
		}
	}
	model_report_add(load->report, node->place, hint, "%s is true or false", what);
	return false;
}

bool load_integer(struct load *load, const struct node *node, const char *what, int64_t *ret_value)
{
	const char *hint = NULL;

	if (node->kind == NODE_BROKEN) {
		return false;
	}
	if (node->kind == NODE_SCALAR) {
		enum number_result result = number_parse_integer(node->text, ret_value);

		if (result == NUMBER_OK && (node->plain || node->variable)) {
			return true;
		}
		if (result == NUMBER_OUT_OF_RANGE) {
			hint = "integers have 64 bits";
		} else if (result == NUMBER_OK) {
			hint = "write it without quotes";
		}
	}
	model_report_add(load->report, node->place, hint, "%s is an integer", what);
	return false;
}

static bool is_control(struct str name, size_t i)
{
	unsigned char byte = (unsigned char)name.ptr[i];

	/* C2 80 to C2 9F are the C1 controls. */
	return byte < 0x20 || byte == 0x7F ||
		(byte == 0xC2 && i + 1 < name.len && (unsigned char)name.ptr[i + 1] < 0xA0);
}

bool load_check_name(struct load *load, const struct text *name, const char *what)
{
	static const char *const reserved[] = {"_rl_", "sqlite_"};
	struct str s = name->str;

	if (s.len == 0 || s.len > MAX_NAME_BYTES) {
		model_report_add(load->report, name->place, NULL, "%s has 1 to %d bytes", what,
						 MAX_NAME_BYTES);
		return false;
	}
	for (size_t i = 0; i < s.len; i++) {
		if (is_control(s, i)) {
			model_report_add(load->report, name->place, NULL, "%s cannot hold control characters",
							 what);
			return false;
		}
	}
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
		struct str prefix = str_from(reserved[i]);

		if (str_equal_nocase(str_slice(s, 0, prefix.len), prefix)) {
			model_report_add(load->report, name->place, "names of that kind belong to the store",
							 "%s cannot begin with \"%s\"", what, reserved[i]);
			return false;
		}
	}
	return true;
}

struct str load_fold_name(struct load *load, struct str name)
{
	char *folded = arena_bytes(load->arena, name.len + 1);

	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		folded[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	return (struct str){folded, name.len};
}

static void report_no_field(struct load *load, const struct text *name, const char *what,
							const struct resource *resource)
{
	struct nearest nearest = nearest_begin(name->str);

	for (size_t i = 0; i < resource->field_count; i++) {
		nearest_try(&nearest, resource->fields[i].name);
	}
	model_report_add(load->report, name->place, nearest_hint(&nearest, load->arena),
					 "%s: \"%.*s\" has no field \"%.*s\"", what, STR_ARG(resource->name),
					 STR_ARG(name->str));
}

const struct field *load_field(struct load *load, const struct node *node, const char *what,
							   const struct draft *draft)
{
	struct text name;
	const struct field *field;

	if (!load_text(load, node, what, &name)) {
		return NULL;
	}
	field = resource_field(draft->resource, name.str);
	if (field == NULL && !draft->broken) {
		report_no_field(load, &name, what, draft->resource);
	}
	return field;
}

bool load_field_list(struct load *load, const struct node *node, const char *what,
					 const struct draft *draft, struct field_list *ret_list)
{
	bool is_list = node->kind == NODE_LIST;
	size_t most = is_list ? node->count : 1;
	struct field_list list = {ARENA_ARRAY(load->arena, most, const struct field *), 0};
	bool good = true;

	if (is_list && node->count == 0) {
		model_report_add(load->report, node->place, NULL, "%s names at least one field", what);
		return false;
	}
	for (const struct node *item = is_list ? node->first : node; item != NULL;
		 item = is_list ? item->next : NULL) {
		const struct field *field = load_field(load, item, what, draft);

		if (field == NULL) {
			good = false;
		} else if (field_is_computed(field)) {
			model_report_add(load->report, item->place, NULL,
							 "%s: the field \"%.*s\" is computed, not stored", what,
							 STR_ARG(field->name));
			good = false;
		} else if (field_list_holds(&list, field)) {
			model_report_add(load->report, item->place, NULL, "%s names \"%.*s\" twice", what,
							 STR_ARG(field->name));
			good = false;
		} else {
			list.items[list.count++] = field;
		}
	}
	if (good) {
		*ret_list = list;
	}
	return good;
}

struct draft *load_resource_name(struct load *load, const struct node *node, const char *what)
{
	struct nearest nearest;
	struct text name;

	if (!load_text(load, node, what, &name)) {
		return NULL;
	}
	nearest = nearest_begin(name.str);
	for (size_t i = 0; i < load->draft_count; i++) {
		if (str_equal(load->drafts[i].resource->name, name.str)) {
			return &load->drafts[i];
		}
		nearest_try(&nearest, load->drafts[i].resource->name);
	}
	if (!load->resources_broken) {
		model_report_add(load->report, name.place, nearest_hint(&nearest, load->arena),
						 "%s: there is no resource \"%.*s\"", what, STR_ARG(name.str));
	}
	return NULL;
}
