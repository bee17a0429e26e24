#include "query/check_body_priv.h"
#include "query/cond.h"
#include "query/new_row.h"

static bool forbid_row(const struct body *body)
{
	return error_set(body->error, ERROR_FORBIDDEN,
					 "new row violates row-level security policy for table \"%.*s\"",
					 STR_ARG(body->resource->name));
}

bool body_may_write(const struct body *body, const struct field *field)
{
	const struct query_rules *rules = body->query->rules;
	if (rules == NULL || caller_may_write(rules->caller, field)) {
		return true;
	}
	return error_set(body->error, ERROR_FORBIDDEN,
					 "permission denied for column \"%.*s\" of table \"%.*s\"",
					 STR_ARG(field->name), STR_ARG(body->resource->name));
}

/* ---- rows that are made ---- */

/* A row of the body, or the values that are given to rows that exist. */
struct row_of_body {
	const struct body *body;
	const struct value *row;
};

static enum new_value find_made(const void *context, const struct field *field,
								struct value *ret_value)
{
	const struct row_of_body *row = context;
	return body_row_value(row->body, row->row, field, ret_value) ? NEW_VALUE : NEW_UNKNOWN;
}

/* Does the row have a place of its own, by which it is found again? */
static bool has_place(const struct body *body, const struct value *row)
{
	const struct field_list *conflict = &body->query->conflict;
	struct value value;
	for (size_t i = 0; i < conflict->count; i++) {
		if (!body_row_value(body, row, conflict->items[i], &value)) {
			return false;
		}
	}
	return true;
}

bool body_check_rules(struct body *body, const struct value *row)
{
	const struct query_rules *rules = body->query->rules;
	const struct row_of_body made = {body, row};
	const struct cond *rest;
	if (rules == NULL) {
		return true;
	}
	/* What a merge answers may hold values of a row that was there: its transaction sees to it. */
	bool merges = body->action == QUERY_UPSERT && body->query->resolution == RESOLUTION_MERGE &&
		has_place(body, row);
	return (new_row_check(rules->create, find_made, &made, body->row_arena, &rest) ==
				NEW_ROW_PASSES &&
			(merges ||
			 new_row_check(rules->shown, find_made, &made, body->row_arena, &rest) ==
				 NEW_ROW_PASSES)) ||
		forbid_row(body);
}

/* ---- rows that are changed ---- */

static enum new_value find_given(const void *context, const struct field *field,
								 struct value *ret_value)
{
	const struct row_of_body *row = context;
	for (size_t i = 0; i < row->body->column_count; i++) {
		if (row->body->columns[i].field == field) {
			*ret_value = row->row[i];
			return row->row[i].kind == VALUE_ABSENT ? NEW_UNKNOWN : NEW_VALUE;
		}
	}
	return NEW_KEPT;
}

bool body_narrow(const struct body *body, struct query *ret_query)
{
	const struct query_rules *rules = ret_query->rules;
	const struct row_of_body given = {body, body->values};
	if (rules == NULL) {
		return true;
	}
	const struct cond *both[] = {rules->update, rules->shown};
	for (size_t i = 0; i < sizeof(both) / sizeof(both[0]); i++) {
		const struct cond *rest = NULL;
		enum new_row row = new_row_check(both[i], find_given, &given, body->arena, &rest);
		if (row == NEW_ROW_FAILS) {
			return forbid_row(body);
		}
		/* What it leaves of a rule that it does not touch holds already. */
		if (row == NEW_ROW_DEPENDS && rest != both[i]) {
			ret_query->where = cond_both(body->arena, ret_query->where,
										 check_mark_rule(body->arena, rest));
		}
	}
	return true;
}
