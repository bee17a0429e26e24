#include <assert.h>

#include "base/map.h"
#include "codec/number.h"
#include "model/load_priv.h"

#define MAX_PRECISION 18
#define MAX_CHARS 1000000000

/* Cuts `word(arguments)`; *ret_has is whether there were parentheses at the end. */
static struct str cut_arguments(struct str text, struct str *ret_arguments, bool *ret_has)
{
	size_t open = str_find(text, '(', 0);

	*ret_has = open < text.len && text.ptr[text.len - 1] == ')';
	*ret_arguments = *ret_has ? str_slice(text, open + 1, text.len - 1) : STR("");
	return str_trim(*ret_has ? str_slice(text, 0, open) : text);
}

/* Digits of one argument; -1 when it is no such number. */
static int64_t argument_number(struct str text)
{
	int64_t number;

	if (number_parse_integer(str_trim(text), &number) != NUMBER_OK || number < 0) {
		return -1;
	}
	return number;
}

static bool set_decimal(struct load *load, const struct node *node, struct str arguments,
						struct field *field)
{
	struct str precision_text = str_split(&arguments, ',');
	int64_t precision = argument_number(precision_text);
	int64_t scale = argument_number(arguments);

	if (precision < 1 || precision > MAX_PRECISION || scale < 0 || scale > precision) {
		model_report_add(load->report, node->place,
						 "decimal(p,s): p digits in all, at most 18, s of them behind the point",
						 "\"%.*s\" is no decimal type", STR_ARG(node->text));
		return false;
	}
	field->precision = (int)precision;
	field->scale = (int)scale;
	return true;
}

static bool set_text_length(struct load *load, const struct node *node, struct str arguments,
							struct field *field)
{
	int64_t chars = argument_number(arguments);

	if (chars < 1 || chars > MAX_CHARS) {
		model_report_add(load->report, node->place, "text(n): at most n characters",
						 "\"%.*s\" is no text type", STR_ARG(node->text));
		return false;
	}
	field->max_chars = (size_t)chars;
	return true;
}

static bool report_type(struct load *load, const struct node *node, struct str word)
{
	static const char *const words[] = {
#define X(name, type_word, shown) type_word,
		TYPE_TABLE(X)
#undef X
	};
	struct nearest nearest = nearest_begin(word);
	const char *hint;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		nearest_try(&nearest, str_from(words[i]));
	}
	hint = nearest_hint(&nearest, load->arena);
	if (str_find(word, '(', 0) < word.len) {
		hint = "close the parenthesis; inside { } write a type with a comma in quotes";
	}
	model_report_add(
		load->report, node->place,
		hint != NULL ? hint
					 : "integer, number, decimal(p,s), text, text(n), boolean, uuid, date, time, "
					   "datetime or json",
		"there is no type \"%.*s\"", STR_ARG(word));
	return false;
}

static bool set_type(struct load *load, const struct node *node, struct field *field)
{
	static const struct {
		const char *word;
		enum type type;
	} types[] = {
#define X(name, type_word, shown) {type_word, TYPE_##name},
		TYPE_TABLE(X)
#undef X
	};
	struct text text;
	struct str arguments;
	struct str word;
	bool has;
	bool found = false;

	if (!load_text(load, node, "a type", &text)) {
		return false;
	}
	word = cut_arguments(text.str, &arguments, &has);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]) && !found; i++) {
		found = str_equal(word, str_from(types[i].word));
		field->type = types[i].type;
	}
	if (!found) {
		return report_type(load, node, word);
	}
	if (field->type == TYPE_DECIMAL) {
		return set_decimal(load, node, arguments, field);
	}
	if (has && field->type == TYPE_TEXT) {
		return set_text_length(load, node, arguments, field);
	}
	if (has) {
		model_report_add(load->report, node->place, NULL, "the type %.*s takes no (…)",
						 STR_ARG(word));
	}
	return !has;
}

static void read_type(struct load *load, const struct node *node, void *target)
{
	struct draft_field *draft = target;

	draft->type_given = true;
	draft->broken = !set_type(load, node, draft->field);
}

static void read_required(struct load *load, const struct node *node, void *target)
{
	struct draft_field *draft = target;

	draft->required_given = load_boolean(load, node, "`required`", &draft->field->required);
	draft->required_place = node->place;
}

static void keep_default(struct load *load, const struct node *node, void *target)
{
	(void)load;
	((struct draft_field *)target)->fallback = node;
}

static void read_write(struct load *load, const struct node *node, void *target)
{
	struct draft_field *draft = target;
	struct text word;

	if (!load_text(load, node, "`write`", &word)) {
		return;
	}
	if (str_equal(word.str, STR("once"))) {
		draft->field->write = WRITE_ONCE;
	} else if (str_equal(word.str, STR("never"))) {
		draft->field->write = WRITE_NEVER;
	} else {
		model_report_add(load->report, node->place,
						 "leave it out for a field that can always be written",
						 "`write` is once or never, not \"%.*s\"", STR_ARG(word.str));
	}
}

static void read_loose(struct load *load, const struct node *node, void *target)
{
	struct draft_field *draft = target;

	draft->loose = node;
	(void)load_boolean(load, node, "`loose`", &draft->field->loose);
}

static void read_accept(struct load *load, const struct node *node, void *target)
{
	static const char *const words[] = {
		[DATE_ORDER_MDY] = "mdy",
		[DATE_ORDER_DMY] = "dmy",
		[DATE_ORDER_YMD] = "ymd",
	};
	struct draft_field *draft = target;
	struct text word;

	draft->accept = node;
	if (!load_text(load, node, "`accept`", &word)) {
		return;
	}
	draft->field->accept_text = str_equal(word.str, STR("text"));
	if (draft->field->accept_text) {
		return;
	}
	for (int i = DATE_ORDER_MDY; i <= DATE_ORDER_YMD; i++) {
		if (str_equal(word.str, str_from(words[i]))) {
			draft->field->dates.order = (enum date_order)i;
			return;
		}
	}
	model_report_add(load->report, node->place,
					 "text for numbers; the order of month, day and year in 08/03/2014",
					 "`accept` is text, mdy, dmy or ymd, not \"%.*s\"", STR_ARG(word.str));
}

static void read_computed(struct load *load, const struct node *node, void *target)
{
	struct field *field = ((struct draft_field *)target)->field;

	if (load_text(load, node, "`computed`", &field->computed)) {
		field->write = WRITE_NEVER;
	}
}

static void keep_in(struct load *load, const struct node *node, void *target)
{
	(void)load;
	((struct draft_field *)target)->in = node;
}

static void keep_min(struct load *load, const struct node *node, void *target)
{
	(void)load;
	((struct draft_field *)target)->min = node;
}

static void keep_max(struct load *load, const struct node *node, void *target)
{
	(void)load;
	((struct draft_field *)target)->max = node;
}

static void keep_references(struct load *load, const struct node *node, void *target)
{
	(void)load;
	((struct draft_field *)target)->references = node;
}

static void keep_readable_by(struct load *load, const struct node *node, void *target)
{
	(void)load;
	((struct draft_field *)target)->readable_by = node;
}

static void keep_writable_by(struct load *load, const struct node *node, void *target)
{
	(void)load;
	((struct draft_field *)target)->writable_by = node;
}

static const struct word field_words[] = {
	{"type", read_type},
	{"required", read_required},
	{"default", keep_default},
	{"write", read_write},
	{"in", keep_in},
	{"min", keep_min},
	{"max", keep_max},
	{"references", keep_references},
	{"loose", read_loose},
	{"pattern", NULL},
	{"accept", read_accept},
	{"computed", read_computed},
	{"readable_by", keep_readable_by},
	{"writable_by", keep_writable_by},
};

/* Nothing is stored that a rule could be about. */
static void check_computed(struct load *load, const struct node *node, const struct field *field)
{
	for (const struct node *child = node->first; child != NULL; child = child->next) {
		if (!str_equal(child->key.str, STR("type")) &&
			!str_equal(child->key.str, STR("computed")) &&
			!str_equal(child->key.str, STR("readable_by"))) {
			model_report_add(load->report, child->key.place, NULL,
							 "`%.*s` cannot stand beside `computed`", STR_ARG(child->key.str));
		}
	}
	if (field->max_chars > 0) {
		model_report_add(load->report, node->key.place, "such as { type: text, computed: … }",
						 "a computed text has no length");
	}
}

static void load_one_field(struct load *load, const struct node *node, struct draft_field *draft)
{
	if (node->kind == NODE_SCALAR) {
		draft->broken = !set_type(load, node, draft->field);
		return;
	}
	draft->broken = true;
	if (LOAD_WORDS(load, node, field_words, "a field", draft) && !draft->type_given) {
		model_report_add(load->report, node->key.place, "such as { type: integer }",
						 "the field \"%.*s\" has no type", STR_ARG(draft->field->name));
	}
	if (field_is_computed(draft->field)) {
		check_computed(load, node, draft->field);
	}
}

void load_fields(struct load *load, struct draft *draft)
{
	const struct node *node = draft->fields_node;
	size_t count = 0;
	struct map names;

	if (!load_is_map(load, node, "`fields`")) {
		draft->broken = true;
		return;
	}
	if (node->count == 0 || node->count > MAX_FIELDS) {
		model_report_add(load->report, node->place, NULL, "a resource has 1 to %d fields",
						 MAX_FIELDS);
		draft->broken = true;
		return;
	}
	draft->fields = ARENA_ARRAY(load->arena, node->count, struct field);
	draft->field_drafts = ARENA_ARRAY(load->arena, node->count, struct draft_field);
	map_init(&names);
	for (const struct node *child = node->first; child != NULL; child = child->next) {
		struct field *field = &draft->fields[count];
		const struct node *before;

		(void)load_check_name(load, &child->key, "a field's name");
		before = map_put(&names, load_fold_name(load, child->key.str), (void *)child);
		if (before != NULL) {
			model_report_add(load->report, child->key.place, NULL,
							 "the field \"%.*s\" differs from the one in line %zu only in case",
							 STR_ARG(child->key.str), before->key.place.line);
		}
		*field = (struct field){
			.name = child->key.str,
			.place = child->key.place,
			.number = count,
		};
		draft->field_drafts[count] = (struct draft_field){.field = field};
		load_one_field(load, child, &draft->field_drafts[count]);
		count++;
	}
	map_finish(&names);
	draft->resource->fields = draft->fields;
	draft->resource->field_count = count;
}

/* A literal of the field's type. */
static bool read_literal(struct load *load, const struct node *node, const struct field *field,
						 const char *what, struct value *ret_value)
{
	struct error error = {.code = ERROR_NONE};
	enum scalar scalar;

	if (node->kind == NODE_BROKEN) {
		return false;
	}
	if (node->kind != NODE_SCALAR) {
		model_report_add(load->report, node->place, NULL, "%s is one value, not a %s", what,
						 node->kind == NODE_MAP ? "map" : "list");
		return false;
	}
	scalar = yaml_scalar(node);
	if (scalar == SCALAR_NULL) {
		model_report_add(load->report, node->place, "leave it out", "%s has no value", what);
		return false;
	}
	if (field->type == TYPE_BOOLEAN) {
		bool value;

		if (!load_boolean(load, node, what, &value)) {
			return false;
		}
		*ret_value = (struct value){.kind = VALUE_INTEGER, .integer = value ? 1 : 0};
		return true;
	}
	if (field->type == TYPE_TEXT && scalar != SCALAR_TEXT) {
		model_report_add(load->report, node->place, "write it in quotes", "%s is a text", what);
		return false;
	}
	if (value_from_text(field, node->text, load->arena, ret_value, &error) &&
		(node->plain || node->variable || field->type == TYPE_TEXT || field->type == TYPE_UUID ||
		 value_is_date(field->type))) {
		return true;
	}
	if (error.code == ERROR_OUT_OF_RANGE) {
		model_report_add(load->report, node->place, NULL, "%s: %s", what, error.message);
		return false;
	}
	model_report_add(load->report, node->place,
					 error.code == ERROR_NONE         ? "write it without quotes"
						 : value_is_date(field->type) ? error.details
													  : NULL,
					 "%s: \"%.*s\" is no %s", what, STR_ARG(str_slice(node->text, 0, 100)),
					 value_type_name(field->type));
	return false;
}

static void read_json_default(struct load *load, const struct node *node, struct field *field)
{
	struct buf buf;

	buf_init(&buf, SIZE_MAX);
	if (yaml_write_json(&buf, node, NULL, NULL, load->report)) {
		field->default_kind = DEFAULT_VALUE;
		field->default_value = (struct value){
			.kind = VALUE_TEXT,
			.text = arena_copy(load->arena, buf_str(&buf)),
		};
	}
	buf_finish(&buf);
}

static void read_auto(struct load *load, const struct node *node, const struct draft *draft,
					  struct field *field)
{
	if (field->type == TYPE_UUID || draft->key_broken ||
		(field->type == TYPE_INTEGER && field->key && draft->resource->key.count == 1)) {
		field->default_kind = DEFAULT_AUTO;
		return;
	}
	model_report_add(load->report, node->place,
					 field->type == TYPE_TEXT ? "the text is written in quotes: \"auto\"" : NULL,
					 "default: auto is for a uuid, or an integer that is the whole key");
}

static void read_default(struct load *load, const struct draft *draft,
						 const struct draft_field *draft_field)
{
	struct field *field = draft_field->field;
	const struct node *node = draft_field->fallback;
	struct error error;

	if (node->kind == NODE_SCALAR && node->plain && str_equal(node->text, STR("auto"))) {
		read_auto(load, node, draft, field);
		return;
	}
	if (node->kind == NODE_SCALAR && node->plain && str_equal(node->text, STR("database"))) {
		field->default_kind = DEFAULT_DATABASE;
		return;
	}
	if (field->type == TYPE_JSON &&
		(node->kind != NODE_SCALAR || yaml_scalar(node) != SCALAR_NULL)) {
		read_json_default(load, node, field);
		return;
	}
	if (!read_literal(load, node, field, "`default`", &field->default_value)) {
		return;
	}
	field->default_kind = DEFAULT_VALUE;
	if (!value_check(field, &field->default_value, &error)) {
		model_report_add(load->report, node->place, NULL, "`default`: %s", error.message);
	}
}

static void read_in(struct load *load, const struct node *node, struct field *field)
{
	bool is_list = node->kind == NODE_LIST;
	size_t most = is_list ? node->count : 1;
	struct value *values = ARENA_ARRAY(load->arena, most, struct value);
	size_t count = 0;
	bool good = true;

	if (field->type == TYPE_JSON) {
		model_report_add(load->report, node->place, NULL, "`in` is not for the type %s",
						 value_type_name(field->type));
		return;
	}
	if (is_list && node->count == 0) {
		model_report_add(load->report, node->place, NULL, "`in` names at least one value");
		return;
	}
	for (const struct node *item = is_list ? node->first : node; item != NULL;
		 item = is_list ? item->next : NULL) {
		struct error error;

		if (!read_literal(load, item, field, "`in`", &values[count])) {
			good = false;
			continue;
		}
		if (!value_check(field, &values[count], &error)) {
			model_report_add(load->report, item->place, NULL, "`in`: %s", error.message);
		}
		for (size_t i = 0; i < count; i++) {
			if (value_compare(&values[i], &values[count]) == 0) {
				model_report_add(load->report, item->place, NULL, "`in` names this value twice");
			}
		}
		count++;
	}
	if (good) {
		field->in = values;
		field->in_count = count;
	}
}

static const struct value *read_bound(struct load *load, const struct node *node,
									  const struct field *field, const char *what)
{
	struct value *value;

	if (node == NULL) {
		return NULL;
	}
	if (field->type != TYPE_INTEGER && field->type != TYPE_NUMBER && field->type != TYPE_DECIMAL &&
		!value_is_date(field->type)) {
		model_report_add(load->report, node->place, NULL,
						 "%s is for numbers, dates and times, not for the type %s", what,
						 value_type_name(field->type));
		return NULL;
	}
	value = ARENA_NEW(load->arena, struct value);
	return read_literal(load, node, field, what, value) ? value : NULL;
}

static bool is_today(const struct node *node)
{
	return node != NULL && node->kind == NODE_SCALAR && node->plain &&
		str_equal(node->text, STR("today"));
}

/* What says how dates are read comes before all values of the field. */
static void load_date_words(struct load *load, const struct draft_field *draft_field)
{
	struct field *field = draft_field->field;
	bool has_days = field->type == TYPE_DATE || field->type == TYPE_DATETIME;

	bool is_number = field->type == TYPE_INTEGER || field->type == TYPE_NUMBER ||
		field->type == TYPE_DECIMAL;

	if (draft_field->accept != NULL && !(field->accept_text ? is_number : has_days)) {
		model_report_add(load->report, draft_field->accept->place, NULL,
						 field->accept_text ? "`accept: text` is for numbers"
											: "`accept` is for the types date and datetime");
	}
	if (is_today(draft_field->max) && has_days) {
		field->max_today = true;
		field->dates.two_digit_years = true;
	} else if (is_today(draft_field->max)) {
		model_report_add(load->report, draft_field->max->place, NULL,
						 "`max: today` is for the types date and datetime");
	}
}

static void load_values_of(struct load *load, const struct draft *draft,
						   const struct draft_field *draft_field)
{
	struct field *field = draft_field->field;

	if (field->key && draft_field->required_given && !field->required) {
		model_report_add(load->report, draft_field->required_place, NULL,
						 "a field of the key is always required");
	}
	field->required = field->required || field->key;
	if (draft_field->broken) {
		return;
	}
	if (draft_field->loose != NULL && field->type != TYPE_BOOLEAN) {
		model_report_add(load->report, draft_field->loose->place, NULL,
						 "`loose` is for the type boolean");
	}
	load_date_words(load, draft_field);
	field->min = read_bound(load, draft_field->min, field, "`min`");
	if (!is_today(draft_field->max)) {
		field->max = read_bound(load, draft_field->max, field, "`max`");
	}
	if (field->min != NULL && field->max != NULL && value_compare(field->min, field->max) > 0) {
		model_report_add(load->report, draft_field->max->place, NULL,
						 "`max` is less than `min`: no value fits");
	}
	/* Bounds first: what `in` allows, and the default, must keep them. */
	if (draft_field->in != NULL) {
		read_in(load, draft_field->in, field);
	}
	if (draft_field->fallback != NULL) {
		read_default(load, draft, draft_field);
	}
	if (field->default_kind == DEFAULT_AUTO && field->key) {
		field->required = false;
	}
}

void load_field_values(struct load *load, struct draft *draft)
{
	size_t count = draft->field_drafts == NULL ? 0 : draft->resource->field_count;

	for (size_t i = 0; i < count; i++) {
		load_values_of(load, draft, &draft->field_drafts[i]);
	}
}
