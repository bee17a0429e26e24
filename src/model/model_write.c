#include "model/model_write.h"

#include <assert.h>

#include "codec/json.h"
#include "model/yaml.h"

/* ---- values ---- */

/* The value that begins with `event`, as YAML's flow style. */
static void write_json(struct json_reader *reader, enum json_event event, struct buf *yaml)
{
	enum json_event end = event == JSON_OBJECT ? JSON_OBJECT_END : JSON_ARRAY_END;
	bool first = true;
	switch (event) {
	case JSON_STRING:
		yaml_write_literal(yaml, reader->text);
		return;
	case JSON_NUMBER:
		buf_append(yaml, reader->text);
		return;
	case JSON_TRUE:
	case JSON_FALSE:
		buf_append(yaml, event == JSON_TRUE ? STR("true") : STR("false"));
		return;
	case JSON_NULL:
		buf_append(yaml, STR("null"));
		return;
	case JSON_OBJECT:
	case JSON_ARRAY:
		break;
	case JSON_ERROR:
	case JSON_END:
	case JSON_OBJECT_END:
	case JSON_ARRAY_END:
	case JSON_KEY:
		assert(false); /* the loader made the text */
		return;
	}
	buf_append_byte(yaml, event == JSON_OBJECT ? '{' : '[');
	for (enum json_event next = json_next(reader); next != end; next = json_next(reader)) {
		buf_append(yaml, first ? STR("") : STR(", "));
		first = false;
		if (next == JSON_KEY) {
			yaml_write_key(yaml, reader->text);
			buf_append(yaml, STR(": "));
			next = json_next(reader);
		}
		write_json(reader, next, yaml);
	}
	buf_append_byte(yaml, event == JSON_OBJECT ? '}' : ']');
}

static void write_value(const struct field *field, const struct value *value, struct buf *yaml)
{
	struct json_reader reader;
	struct arena arena;
	struct buf text;
	switch (field->type) {
	case TYPE_TEXT:
	case TYPE_UUID:
		yaml_write_literal(yaml, value->text);
		return;
	case TYPE_INTEGER:
	case TYPE_NUMBER:
	case TYPE_DECIMAL:
	case TYPE_BOOLEAN:
		value_write_json(yaml, field, value);
		return;
	case TYPE_DATE:
	case TYPE_TIME:
	case TYPE_DATETIME:
		buf_init(&text, DATE_TEXT_BYTES);
		value_write_text(&text, field, value);
		yaml_write_literal(yaml, buf_str(&text));
		buf_finish(&text);
		return;
	case TYPE_JSON:
		break;
	}
	arena_init(&arena, 1024);
	json_reader_init(&reader, value->text, YAML_MAX_DEPTH, &arena);
	write_json(&reader, json_next(&reader), yaml);
	arena_finish(&arena);
}

/* ---- fields ---- */

/* A single name without brackets. */
static void write_names(const struct field_list *fields, struct buf *yaml)
{
	if (fields->count == 1) {
		yaml_write_value(yaml, fields->items[0]->name);
		return;
	}
	buf_append_byte(yaml, '[');
	for (size_t i = 0; i < fields->count; i++) {
		buf_append(yaml, i > 0 ? STR(", ") : STR(""));
		yaml_write_value(yaml, fields->items[i]->name);
	}
	buf_append_byte(yaml, ']');
}

static void write_type(const struct field *field, struct buf *yaml)
{
	static const char *const words[] = {
#define X(name, word, shown) [TYPE_##name] = word,
		TYPE_TABLE(X)
#undef X
	};
	if (field->type == TYPE_DECIMAL) {
		buf_printf(yaml, "\"decimal(%d,%d)\"", field->precision, field->scale);
		return;
	}
	buf_append(yaml, str_from(words[field->type]));
	if (field->max_chars > 0) {
		buf_printf(yaml, "(%zu)", field->max_chars);
	}
}

static void write_default(const struct field *field, struct buf *yaml)
{
	switch (field->default_kind) {
	case DEFAULT_NONE:
		return;
	case DEFAULT_AUTO:
		buf_append(yaml, STR(", default: auto"));
		return;
	case DEFAULT_DATABASE:
		buf_append(yaml, STR(", default: database"));
		return;
	case DEFAULT_VALUE:
		buf_append(yaml, STR(", default: "));
		write_value(field, &field->default_value, yaml);
		return;
	}
}

static void write_allowed(const struct field *field, struct buf *yaml)
{
	if (field->in_count > 0) {
		buf_append(yaml, STR(", in: ["));
		for (size_t i = 0; i < field->in_count; i++) {
			buf_append(yaml, i > 0 ? STR(", ") : STR(""));
			write_value(field, &field->in[i], yaml);
		}
		buf_append_byte(yaml, ']');
	}
	if (field->min != NULL) {
		buf_append(yaml, STR(", min: "));
		write_value(field, field->min, yaml);
	}
	if (field->max != NULL) {
		buf_append(yaml, STR(", max: "));
		write_value(field, field->max, yaml);
	}
	buf_append(yaml, field->max_today ? STR(", max: today") : STR(""));
}

static void write_accept(const struct field *field, struct buf *yaml)
{
	static const char *const words[] = {
		[DATE_ORDER_NONE] = "",
		[DATE_ORDER_MDY] = ", accept: mdy",
		[DATE_ORDER_DMY] = ", accept: dmy",
		[DATE_ORDER_YMD] = ", accept: ymd",
	};
	buf_append(yaml,
			   field->accept_text ? STR(", accept: text") : str_from(words[field->dates.order]));
}

static void write_field(const struct field *field, struct buf *yaml)
{
	buf_append(yaml, STR("      "));
	yaml_write_key(yaml, field->name);
	buf_append(yaml, STR(": { type: "));
	write_type(field, yaml);
	if (field_is_computed(field)) {
		buf_append(yaml, STR(", computed: "));
		yaml_write_literal(yaml, field->computed.str);
		buf_append(yaml, STR(" }\n"));
		return;
	}
	buf_append(yaml, field->required && !field->key ? STR(", required: true") : STR(""));
	write_default(field, yaml);
	switch (field->write) {
	case WRITE_ALWAYS:
		break;
	case WRITE_ONCE:
		buf_append(yaml, STR(", write: once"));
		break;
	case WRITE_NEVER:
		buf_append(yaml, STR(", write: never"));
		break;
	}
	buf_append(yaml, field->loose ? STR(", loose: true") : STR(""));
	write_accept(field, yaml);
	write_allowed(field, yaml);
	buf_append(yaml, STR(" }\n"));
}

void model_write_fields(const struct resource *resource, struct buf *yaml)
{
	buf_append(yaml, STR("  "));
	yaml_write_key(yaml, resource->name);
	buf_append(yaml, STR(":\n"));
	if (resource->tally_of != NULL) {
		return;
	}
	buf_append(yaml, STR("    key: "));
	write_names(&resource->key, yaml);
	buf_append(yaml, STR("\n    fields:\n"));
	for (size_t i = 0; i < resource->field_count; i++) {
		write_field(&resource->fields[i], yaml);
	}
}

/* ---- what rows obey ---- */

static void write_search(const struct resource *resource, struct buf *yaml)
{
	if (resource->search.count > 0) {
		buf_append(yaml, STR("    search: "));
		write_names(&resource->search, yaml);
		buf_append_byte(yaml, '\n');
	}
}

static void write_condition(const char *word, const struct text *condition, struct buf *yaml)
{
	if (condition->str.len > 0) {
		buf_append(yaml, str_from(word));
		yaml_write_literal(yaml, condition->str);
	}
}

static void write_uniques(const struct resource *resource, struct buf *yaml)
{
	buf_append(yaml, resource->unique_count > 0 ? STR("    unique:\n") : STR(""));
	for (size_t i = 0; i < resource->unique_count; i++) {
		const struct unique_rule *rule = &resource->uniques[i];
		bool partial = rule->where.str.len > 0;
		buf_append(yaml, STR("      "));
		yaml_write_key(yaml, rule->name);
		buf_append(yaml, partial ? STR(": { fields: ") : STR(": "));
		write_names(&rule->fields, yaml);
		write_condition(", where: ", &rule->where, yaml);
		buf_append(yaml, partial ? STR(" }\n") : STR("\n"));
	}
}

static void write_checks(const struct resource *resource, struct buf *yaml)
{
	buf_append(yaml, resource->check_count > 0 ? STR("    check:\n") : STR(""));
	for (size_t i = 0; i < resource->check_count; i++) {
		buf_append(yaml, STR("      "));
		yaml_write_key(yaml, resource->checks[i].name);
		write_condition(": ", &resource->checks[i].text, yaml);
		buf_append_byte(yaml, '\n');
	}
}

static void write_indexes(const struct resource *resource, struct buf *yaml)
{
	/* The last ones are those of the holds. */
	size_t count = resource->index_count - resource->hold_field_count;
	buf_append(yaml, count > 0 ? STR("    index:\n") : STR(""));
	for (size_t i = 0; i < count; i++) {
		buf_append(yaml, STR("      - { fields: "));
		write_names(&resource->indexes[i].fields, yaml);
		write_condition(", where: ", &resource->indexes[i].where, yaml);
		buf_append(yaml, STR(" }\n"));
	}
}

static void write_reference(const struct reference *reference, bool get_only, struct buf *yaml)
{
	buf_append(yaml, STR("      "));
	yaml_write_key(yaml, reference->name);
	buf_append(yaml, STR(": { fields: "));
	write_names(&reference->fields, yaml);
	buf_append(yaml, STR(", to: "));
	yaml_write_value(yaml, reference->target->name);
	buf_append(yaml, STR(", on: "));
	write_names(&reference->target_fields, yaml);
	buf_append(yaml, get_only ? STR(", check: get }\n") : STR(" }\n"));
}

/* All with their names: those that the loader gives to a field's own are the same. */
static void write_references(const struct resource *resource, struct buf *yaml)
{
	size_t count = resource->reference_count + resource->link_count;
	buf_append(yaml, count > 0 ? STR("    references:\n") : STR(""));
	for (size_t i = 0; i < resource->reference_count; i++) {
		write_reference(&resource->references[i], false, yaml);
	}
	for (size_t i = 0; i < resource->link_count; i++) {
		write_reference(&resource->links[i].reference, resource->links[i].get_only, yaml);
	}
}

void model_write_rules(const struct resource *resource, bool read_only, struct buf *yaml)
{
	if (resource->tally_of != NULL) {
		buf_append(yaml, STR("    tally: "));
		yaml_write_value(yaml, resource->tally_of->name);
		buf_append(yaml, STR("\n    by: "));
		write_names(&resource->by, yaml);
		buf_append_byte(yaml, '\n');
		return;
	}
	write_uniques(resource, yaml);
	write_checks(resource, yaml);
	write_indexes(resource, yaml);
	if (!read_only) {
		write_search(resource, yaml);
	}
	write_references(resource, yaml);
	if (resource_is_remote(resource)) {
		buf_append(yaml, STR("    at: "));
		yaml_write_literal(yaml, resource->at.str);
		buf_append_byte(yaml, '\n');
		buf_append(yaml, resource->pass_token ? STR("    pass_token: true\n") : STR(""));
		return;
	}
	buf_append(yaml, read_only ? STR("    read_only: true\n") : STR(""));
}

void model_write_resources(const struct model *model, struct buf *yaml)
{
	size_t count = 0;
	while (count < model->resource_count && !model->resources[count].hidden) {
		count++;
	}
	buf_append(yaml, count > 0 ? STR("resources:\n") : STR("resources: {}\n"));
	for (size_t i = 0; i < count; i++) {
		const struct resource *resource = &model->resources[i];
		model_write_fields(resource, yaml);
		model_write_rules(resource, resource->read_only, yaml);
	}
}
