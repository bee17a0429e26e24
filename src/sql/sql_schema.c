#include "sql/sql_priv.h"

/* ---- the table ---- */

static void write_default(const struct sql_dialect *dialect, const struct field *field,
						  struct buf *text)
{
	if (field->default_kind == DEFAULT_VALUE) {
		buf_append(text, STR(" DEFAULT "));
		dialect->literal(text, &field->default_value, field);
	}
}

static void write_target(const struct sql_dialect *dialect, const struct reference *reference,
						 struct buf *text)
{
	buf_append(text, STR(" REFERENCES "));
	sql_put_name(dialect, reference->target->name, text);
	buf_append(text, STR(" ("));
	sql_write_fields(dialect, text, "", &reference->target_fields);
	buf_append_byte(text, ')');
}

/* The foreign keys that are this field alone; those of several fields follow the columns. */
static void write_references(const struct sql_dialect *dialect, const struct resource *resource,
							 const struct field *field, struct buf *text)
{
	for (size_t i = 0; i < resource->reference_count; i++) {
		const struct reference *reference = &resource->references[i];
		if (!dialect->constraints_last && reference->fields.count == 1 &&
			reference->fields.items[0] == field) {
			write_target(dialect, reference, text);
		}
	}
}

static void put_short_name(const struct sql_dialect *dialect, struct str name, struct buf *text)
{
	struct buf copy;
	buf_init(&copy, SIZE_MAX);
	buf_append(&copy, name);
	sql_shorten_name(dialect, &copy);
	sql_put_name(dialect, buf_str(&copy), text);
	buf_finish(&copy);
}

static void write_foreign_keys(const struct sql_dialect *dialect, const struct resource *resource,
							   struct buf *text)
{
	for (size_t i = 0; i < resource->reference_count; i++) {
		const struct reference *reference = &resource->references[i];
		if (dialect->constraints_last || reference->fields.count > 1) {
			buf_append(text, STR(",\n  "));
			if (dialect->constraints_last) {
				buf_append(text, STR("CONSTRAINT "));
				put_short_name(dialect, reference->name, text);
				buf_append_byte(text, ' ');
			}
			buf_append(text, STR("FOREIGN KEY ("));
			sql_write_fields(dialect, text, "", &reference->fields);
			buf_append_byte(text, ')');
			write_target(dialect, reference, text);
		}
	}
}

static void write_check(const struct sql_dialect *dialect, const struct resource *resource,
						const struct field *field, struct buf *text)
{
	bool json = field->type == TYPE_JSON && dialect->json_check != NULL;
	if (field->type != TYPE_BOOLEAN && !json) {
		return;
	}
	struct buf name;
	buf_init(&name, SIZE_MAX);
	buf_append(&name, resource->name);
	buf_append_byte(&name, '_');
	buf_append(&name, field->name);
	buf_append(&name, STR("_check"));
	buf_append(text, dialect->constraints_last ? STR(",\n  CONSTRAINT ") : STR(" CONSTRAINT "));
	put_short_name(dialect, buf_str(&name), text);
	buf_append(text, STR(" CHECK ("));
	buf_append(text, json ? str_from(dialect->json_check) : STR(""));
	buf_append(text, json ? STR("(") : STR(""));
	sql_put_name(dialect, field->name, text);
	buf_append(text, json ? STR("))") : STR(" IN (0,1))"));
	buf_finish(&name);
}

/* ---- rules ---- */

void sql_condition(const struct sql_dialect *dialect, const struct cond *cond, struct buf *ret_text)
{
	struct sql sql;
	sql_init(&sql, dialect, SIZE_MAX);
	sql.literals = true;
	sql_write_cond(&sql, cond);
	ret_text->failed = ret_text->failed || sql.text.failed;
	buf_append(ret_text, buf_str(&sql.text));
	sql_finish(&sql);
}

static void write_condition(const struct sql_dialect *dialect, const char *before,
							const struct cond *cond, const char *after, struct buf *text)
{
	buf_append(text, str_from(before));
	sql_condition(dialect, cond, text);
	buf_append(text, str_from(after));
}

static void write_checks(const struct sql_dialect *dialect, const struct resource *resource,
						 struct buf *text)
{
	for (size_t i = 0; i < resource->check_count; i++) {
		buf_append(text, STR(",\n  CONSTRAINT "));
		put_short_name(dialect, resource->checks[i].name, text);
		write_condition(dialect, " CHECK (", resource->checks[i].cond, ")", text);
	}
}

static bool is_generated(const struct sql_dialect *dialect, const struct unique_rule *rule)
{
	return rule->cond != NULL && !dialect->partial_indexes;
}

/* `"RULE.0"` */
static void put_generated(const struct sql_dialect *dialect, const struct unique_rule *rule,
						  size_t number, struct buf *text)
{
	struct buf name;
	buf_init(&name, SIZE_MAX);
	buf_printf(&name, "%.*s.%zu", STR_ARG(rule->name), number);
	sql_shorten_name(dialect, &name);
	sql_put_name(dialect, buf_str(&name), text);
	buf_finish(&name);
}

/* What a partial index would hold: null is equal to nothing. */
static void write_generated(const struct sql_dialect *dialect, const struct resource *resource,
							const struct unique_rule *rule, struct buf *text)
{
	for (size_t i = 0; i < rule->fields.count; i++) {
		buf_append(text, STR(",\n  "));
		put_generated(dialect, rule, i, text);
		buf_append_byte(text, ' ');
		dialect->column_type(resource, rule->fields.items[i], text);
		write_condition(dialect, " GENERATED ALWAYS AS (CASE WHEN ", rule->cond, " THEN ", text);
		sql_put_name(dialect, rule->fields.items[i]->name, text);
		buf_append(text, STR(" END) VIRTUAL"));
	}
}

static void write_all_generated(const struct sql_dialect *dialect, const struct resource *resource,
								struct buf *text)
{
	for (size_t i = 0; i < resource->unique_count; i++) {
		if (is_generated(dialect, &resource->uniques[i])) {
			write_generated(dialect, resource, &resource->uniques[i], text);
		}
	}
}

static void write_table(const struct sql_dialect *dialect, const struct resource *resource,
						struct buf *text)
{
	bool any = false;
	buf_append(text, STR("CREATE TABLE "));
	sql_put_name(dialect, resource->name, text);
	buf_append(text, STR(" ("));
	for (size_t i = 0; i < resource_column_count(resource); i++) {
		const struct field *field = resource_column(resource, i);
		if (field_is_computed(field)) {
			continue;
		}
		buf_append(text, any ? STR(",\n  ") : STR("\n  "));
		any = true;
		sql_put_name(dialect, field->name, text);
		buf_append_byte(text, ' ');
		dialect->column_type(resource, field, text);
		buf_append(text, sql_is_nullable(field) ? STR("") : STR(" NOT NULL"));
		dialect->column_key(resource, field, text);
		write_default(dialect, field, text);
		dialect->column_auto(field, text);
		if (!dialect->constraints_last) {
			write_check(dialect, resource, field, text);
		}
		write_references(dialect, resource, field, text);
	}
	for (size_t i = 0; dialect->constraints_last && i < resource->field_count; i++) {
		if (!field_is_computed(&resource->fields[i])) {
			write_check(dialect, resource, &resource->fields[i], text);
		}
	}
	write_all_generated(dialect, resource, text);
	write_foreign_keys(dialect, resource, text);
	write_checks(dialect, resource, text);
	dialect->table_end(resource, text);
}

/* ---- indexes ---- */

static void begin_index(const struct sql_dialect *dialect, const struct resource *resource,
						const char *create, struct buf *text, struct buf *name)
{
	sql_shorten_name(dialect, name);
	buf_append(text, str_from(create));
	sql_put_name(dialect, buf_str(name), text);
	buf_append(text, STR(" ON "));
	sql_put_name(dialect, resource->name, text);
	buf_append(text, STR(" ("));
}

static void end_index(const struct sql_dialect *dialect, const struct cond *cond, struct buf *text)
{
	buf_append_byte(text, ')');
	if (cond != NULL && dialect->partial_indexes) {
		write_condition(dialect, " WHERE ", cond, "", text);
	}
}

static void write_unique(const struct sql_dialect *dialect, const struct resource *resource,
						 const struct unique_rule *rule, struct buf *text, struct buf *name)
{
	buf_append_byte(name, '.');
	buf_append(name, rule->name);
	begin_index(dialect, resource, "CREATE UNIQUE INDEX ", text, name);
	if (is_generated(dialect, rule)) {
		for (size_t i = 0; i < rule->fields.count; i++) {
			buf_append(text, i > 0 ? STR(",") : STR(""));
			put_generated(dialect, rule, i, text);
		}
	} else {
		sql_write_fields(dialect, text, "", &rule->fields);
	}
	end_index(dialect, rule->cond, text);
}

static bool same_list(const struct field_list *a, const struct field_list *b)
{
	bool same = a->count == b->count;
	for (size_t i = 0; i < a->count && same; i++) {
		same = a->items[i] == b->items[i];
	}
	return same;
}

static void write_plain_index(const struct sql_dialect *dialect, const struct resource *resource,
							  size_t number, struct buf *text, struct buf *name)
{
	const struct field_list *fields = &resource->indexes[number].fields;
	size_t same = 1;
	for (size_t i = 0; i < fields->count; i++) {
		buf_append_byte(name, i > 0 ? ',' : '.');
		buf_append(name, fields->items[i]->name);
	}
	for (size_t i = 0; i < number; i++) {
		same += same_list(&resource->indexes[i].fields, fields) ? 1 : 0;
	}
	buf_append(name, STR("_idx"));
	if (same > 1) {
		buf_append_int(name, (int64_t)same);
	}
	begin_index(dialect, resource, "CREATE INDEX ", text, name);
	sql_write_fields(dialect, text, "", fields);
	end_index(dialect, resource->indexes[number].cond, text);
}

struct field_list sql_tally_prefix(const struct resource *tally)
{
	return (struct field_list){tally->by.items, tally->by.count > 1 ? tally->by.count - 1 : 1};
}

void sql_tally_head_name(const struct sql_dialect *dialect, const struct resource *tally,
						 struct buf *name)
{
	buf_append(name, tally->name);
	buf_append(name, STR(".head"));
	sql_shorten_name(dialect, name);
}

void sql_search_name(const struct resource *resource, const struct field *field, struct buf *name)
{
	buf_append(name, resource->name);
	buf_append_byte(name, '.');
	buf_append(name, field->name);
	buf_append(name, STR("_search"));
}

bool sql_schema(const struct sql_dialect *dialect, const struct resource *resource, size_t number,
				struct buf *ret_text, struct buf *ret_name)
{
	buf_append(ret_name, resource->name);
	if (number == 0) {
		write_table(dialect, resource, ret_text);
		return true;
	}
	number--;
	if (number < resource->unique_count) {
		write_unique(dialect, resource, &resource->uniques[number], ret_text, ret_name);
		return true;
	}
	number -= resource->unique_count;
	if (number < resource->index_count) {
		write_plain_index(dialect, resource, number, ret_text, ret_name);
		return true;
	}
	number -= resource->index_count;
	size_t searches = dialect->search_index == NULL ? 0 : resource->search.count;
	if (number < searches) {
		buf_clear(ret_name);
		sql_search_name(resource, resource->search.items[number], ret_name);
		dialect->search_index(buf_str(ret_name), ret_text);
		return true;
	}
	number -= searches;
	return resource->tally_of != NULL &&
		dialect->tally_trigger(resource, number, ret_text, ret_name);
}
