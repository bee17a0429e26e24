#include "query/cond.h"
#include "store/store_priv.h"

enum { DETAIL_BYTES = 4096 };

/* `Key (a, b)=(1, 2) ` and what is wrong with it. */
static bool add_key_details(struct error *error, const struct field_list *fields,
							const struct value *values, const char *what, struct str name,
							const char *end)
{
	if (values == NULL) {
		return false;
	}
	struct buf text;
	buf_init(&text, DETAIL_BYTES);
	buf_append(&text, STR("Key ("));
	for (size_t i = 0; i < fields->count; i++) {
		buf_append(&text, i > 0 ? STR(", ") : STR(""));
		buf_append(&text, fields->items[i]->name);
	}
	buf_append(&text, STR(")=("));
	for (size_t i = 0; i < fields->count; i++) {
		buf_append(&text, i > 0 ? STR(", ") : STR(""));
		if (values[i].kind == VALUE_NULL) {
			buf_append(&text, STR("null"));
		} else {
			value_write_text(&text, fields->items[i], &values[i]);
		}
	}
	buf_append(&text, STR(") "));
	buf_append(&text, str_from(what));
	buf_append(&text, name);
	buf_append(&text, str_from(end));
	if (!text.failed) {
		error_details(error, "%.*s", STR_ARG(buf_str(&text)));
	}
	buf_finish(&text);
	return false;
}

bool constraint_unique(struct error *error, struct str name, const struct field_list *fields,
					   const struct value *values)
{
	error_set(error, ERROR_UNIQUE, "duplicate key value violates unique constraint \"%.*s\"",
			  STR_ARG(name));
	return add_key_details(error, fields, values, "already exists.", STR(""), "");
}

bool constraint_key(struct error *error, const struct resource *resource,
					const struct value *values)
{
	error_set(error, ERROR_UNIQUE, "duplicate key value violates unique constraint \"%.*s_pkey\"",
			  STR_ARG(resource->name));
	return add_key_details(error, &resource->key, values, "already exists.", STR(""), "");
}

bool constraint_missing(struct error *error, const struct constraint_reference *reference,
						const struct value *values)
{
	error_set(error, ERROR_REFERENCE,
			  "insert or update on table \"%.*s\" violates foreign key constraint \"%.*s\"",
			  STR_ARG(reference->child), STR_ARG(reference->name));
	return add_key_details(error, &reference->fields, values, "is not present in table \"",
						   reference->parent, "\".");
}

bool constraint_used(struct error *error, const struct constraint_reference *reference,
					 const struct value *values)
{
	if (str_starts_with(reference->child, STR("_rl_hold_"))) {
		error_set(error, ERROR_REFERENCE,
				  "update or delete on table \"%.*s\" violates a reference from another service",
				  STR_ARG(reference->parent));
		return add_key_details(error, &reference->fields, values,
							   "is still referenced from another service.", STR(""), "");
	}
	error_set(error, ERROR_REFERENCE,
			  "update or delete on table \"%.*s\" violates foreign key constraint \"%.*s\" on "
			  "table \"%.*s\"",
			  STR_ARG(reference->parent), STR_ARG(reference->name), STR_ARG(reference->child));
	return add_key_details(error, &reference->fields, values, "is still referenced from table \"",
						   reference->child, "\".");
}

bool constraint_not_null(struct error *error, const struct resource *resource,
						 const struct field *field)
{
	return error_set(
		error, ERROR_NOT_NULL,
		"null value in column \"%.*s\" of relation \"%.*s\" violates not-null constraint",
		STR_ARG(field->name), STR_ARG(resource->name));
}

bool constraint_check(struct error *error, const struct resource *resource,
					  const struct field *field)
{
	return error_set(error, ERROR_CHECK,
					 "new row for relation \"%.*s\" violates check constraint \"%.*s_%.*s_check\"",
					 STR_ARG(resource->name), STR_ARG(resource->name), STR_ARG(field->name));
}

bool constraint_rule(struct error *error, const struct resource *resource, struct str name)
{
	return error_set(error, ERROR_CHECK,
					 "new row for relation \"%.*s\" violates check constraint \"%.*s\"",
					 STR_ARG(resource->name), STR_ARG(name));
}

const struct value *query_value(const struct query *query, size_t row, const struct field *field)
{
	for (size_t i = 0; i < query->given.count && row < query->row_count; i++) {
		if (query->given.items[i] == field) {
			return &query->values[row * query->given.count + i];
		}
	}
	return cond_pinned(query->where, field);
}

uint64_t query_limit(const struct query *query, const struct limits *limits)
{
	bool capped = !query->own && limits->answer_rows > 0 && limits->answer_rows < query->limit;
	return capped ? limits->answer_rows : query->limit;
}
