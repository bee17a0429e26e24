#include "query/check.h"

#include <assert.h>

#include "codec/json.h"
#include "query/cond.h"

/* Columns of one answer; more can only be repetitions. */
enum { MAX_COLUMNS = 2000 };

struct checker {
	const struct resource *resource;
	const struct parameter_names *parameters;
	struct arena *arena;
	struct error *error;
};

/* NULL after setting the error. */
static const struct field *find_field(struct checker *checker, struct str name)
{
	const struct resource *resource = checker->resource;
	const struct field *field = resource_field(resource, name);
	if (field == NULL) {
		error_set(checker->error, ERROR_COLUMN, "column %.*s.%.*s does not exist",
				  STR_ARG(resource->name), STR_ARG(name));
		struct str nearest = resource_nearest_field(resource, name);
		if (nearest.len > 0) {
			error_hint(checker->error, "Perhaps you meant the column \"%.*s\"", STR_ARG(nearest));
		}
	}
	return field;
}

/* ---- conditions ---- */

static bool check_parameter(struct checker *checker, const struct parsed_value *parsed,
							struct operand *ret_operand)
{
	const struct parameter_names *names = checker->parameters;
	for (size_t i = 0; names != NULL && i < names->count; i++) {
		if (str_equal(names->names[i], parsed->text)) {
			*ret_operand = (struct operand){.parameter = (int)i, .optional = parsed->optional};
			return true;
		}
	}
	return error_set(checker->error, ERROR_PARSE, "there is no parameter \"%.*s\" to fill in",
					 STR_ARG(parsed->text));
}

static bool check_operand(struct checker *checker, const struct field *field,
						  const struct parsed_value *parsed, struct operand *ret_operand)
{
	if (parsed->parameter) {
		return check_parameter(checker, parsed, ret_operand);
	}
	ret_operand->parameter = -1;
	/* Spaces around a number mean nothing: `in.(1, 2)`. */
	struct str text = field->type == TYPE_TEXT ? parsed->text : str_trim(parsed->text);
	return value_from_text(field, text, checker->arena, &ret_operand->value, checker->error);
}

static bool check_comparable(struct checker *checker, const struct field *field)
{
	if (field->type != TYPE_JSON) {
		return true;
	}
	error_set(checker->error, ERROR_UNSUPPORTED, NULL);
	return error_details(checker->error, "comparison and order of the json field \"%.*s\"",
						 STR_ARG(field->name));
}

static bool check_in(struct checker *checker, const struct parsed_cond *parsed, struct cond *cond)
{
	struct operand *items = ARENA_ARRAY(checker->arena, parsed->item_count, struct operand);
	for (size_t i = 0; i < parsed->item_count; i++) {
		if (!check_operand(checker, cond->field, &parsed->items[i], &items[i])) {
			return false;
		}
		cond->parameters = cond->parameters || items[i].parameter >= 0;
	}
	cond->items = items;
	cond->item_count = parsed->item_count;
	return true;
}

static bool check_is(struct checker *checker, const struct parsed_cond *parsed, struct cond *cond)
{
	static const char *const words[] = {
		[IS_TRUE] = "TRUE",
		[IS_FALSE] = "FALSE",
		[IS_UNKNOWN] = "UNKNOWN",
	};
	cond->is = parsed->is;
	if (parsed->is == IS_NULL || parsed->is == IS_NOT_NULL || cond->field->type == TYPE_BOOLEAN) {
		return true;
	}
	return error_set(checker->error, ERROR_VALUE,
					 "argument of IS %s must be type boolean, not type %s", words[parsed->is],
					 value_type_name(cond->field->type));
}

static const struct cond *check_leaf(struct checker *checker, const struct parsed_cond *parsed)
{
	struct cond *cond = ARENA_NEW(checker->arena, struct cond);
	cond->kind = parsed->kind;
	cond->op = parsed->op;
	cond->field = find_field(checker, parsed->column);
	if (cond->field == NULL) {
		return NULL;
	}
	if (parsed->kind == COND_IS) {
		return check_is(checker, parsed, cond) ? cond : NULL;
	}
	if (!check_comparable(checker, cond->field)) {
		return NULL;
	}
	if (parsed->kind == COND_IN) {
		return check_in(checker, parsed, cond) ? cond : NULL;
	}
	assert(parsed->kind == COND_COMPARE);
	if (!check_operand(checker, cond->field, &parsed->value, &cond->operand)) {
		return NULL;
	}
	cond->parameters = cond->operand.parameter >= 0;
	return cond;
}

static const struct cond *check_cond(struct checker *checker, const struct parsed_cond *parsed,
									 bool negated);

/* By De Morgan, which holds for three values too, a negation goes down to the leaves. */
static const struct cond *check_group(struct checker *checker, const struct parsed_cond *parsed,
									  bool negated)
{
	size_t count = 0;
	for (const struct parsed_cond *child = parsed->children; child != NULL; child = child->next) {
		count++;
	}
	assert(count > 0);
	const struct cond **children = ARENA_ARRAY(checker->arena, count, const struct cond *);
	count = 0;
	for (const struct parsed_cond *child = parsed->children; child != NULL; child = child->next) {
		children[count] = check_cond(checker, child, negated);
		if (children[count++] == NULL) {
			return NULL;
		}
	}
	bool is_and = (parsed->kind == COND_AND) != negated;
	return cond_join(checker->arena, is_and ? COND_AND : COND_OR, children, count);
}

/* NULL after setting the error. */
static const struct cond *check_cond(struct checker *checker, const struct parsed_cond *parsed,
									 bool negated)
{
	switch (parsed->kind) {
	case COND_AND:
	case COND_OR:
		return check_group(checker, parsed, negated);
	case COND_NOT:
		return check_cond(checker, parsed->children, !negated);
	case COND_COMPARE:
	case COND_IN:
	case COND_IS:
		break;
	}
	const struct cond *leaf = check_leaf(checker, parsed);
	return leaf == NULL || !negated ? leaf : cond_negate(checker->arena, leaf);
}

/* Counts that fell to 0 stay in a tally, and are not shown. */
static const struct cond *hide_empty(struct checker *checker, const struct cond *where)
{
	const struct field *count = resource_field(checker->resource, STR("count"));
	assert(count != NULL);
	struct cond *shown = ARENA_NEW(checker->arena, struct cond);
	*shown = (struct cond){
		.kind = COND_COMPARE,
		.field = count,
		.op = OPERATOR_GT,
		.operand = {.value = {.kind = VALUE_INTEGER, .integer = 0}, .parameter = -1},
	};
	return cond_both(checker->arena, where, shown);
}

static bool check_where(struct checker *checker, const struct parsed_query *parsed,
						enum query_action action, const struct cond **ret_where)
{
	const struct cond *where = NULL;
	if (parsed->where != NULL) {
		where = check_cond(checker, parsed->where, false);
		if (where == NULL) {
			return false;
		}
	}
	/* Rows that are made are not looked for; PostgREST ignores these filters too. */
	if (action == QUERY_INSERT || action == QUERY_UPSERT) {
		where = NULL;
	} else if (checker->resource->tally_of != NULL) {
		where = hide_empty(checker, where);
	}
	*ret_where = where;
	return true;
}

/* ---- columns ---- */

static bool is_plain(struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = (unsigned char)name.ptr[i];
		if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\') {
			return false;
		}
	}
	return true;
}

/* `"name":` */
static struct str make_key(struct checker *checker, struct str name)
{
	if (is_plain(name)) {
		char *bytes = arena_bytes(checker->arena, name.len + 3);
		bytes[0] = '"';
		memcpy(bytes + 1, name.ptr, name.len);
		bytes[name.len + 1] = '"';
		bytes[name.len + 2] = ':';
		return (struct str){bytes, name.len + 3};
	}
	struct buf buf;
	buf_init(&buf, SIZE_MAX);
	json_write_string(&buf, name);
	buf_append_byte(&buf, ':');
	struct str key = arena_copy(checker->arena, buf_str(&buf));
	buf_finish(&buf);
	return key;
}

struct columns {
	struct query_column *items;
	size_t count;
	bool *taken;  /* fields that stand under their own name */
	bool aliased; /* some column has another name than its field's */
};

/* Adds a column; one that is there already is passed over. False when its name is taken by another
 * field. */
static bool add_column(struct checker *checker, struct columns *columns, const struct field *field,
					   struct str name)
{
	bool own = str_equal(name, field->name);
	if (own && columns->taken[field->number]) {
		return true;
	}
	for (size_t i = 0; (columns->aliased || !own) && i < columns->count; i++) {
		if (str_equal(columns->items[i].name, name)) {
			return columns->items[i].field == field ||
				error_set(checker->error, ERROR_PARSE, "two columns have the name \"%.*s\"",
						  STR_ARG(name));
		}
	}
	columns->taken[field->number] = columns->taken[field->number] || own;
	columns->aliased = columns->aliased || !own;
	columns->items[columns->count++] = (struct query_column){
		.field = field,
		.name = name,
		.key = make_key(checker, name),
	};
	return true;
}

static bool add_all_columns(struct checker *checker, struct columns *columns)
{
	const struct resource *resource = checker->resource;
	for (size_t i = 0; i < resource->field_count; i++) {
		if (!add_column(checker, columns, &resource->fields[i], resource->fields[i].name)) {
			return false;
		}
	}
	return true;
}

static bool check_columns(struct checker *checker, const struct parsed_item *select,
						  struct columns *columns)
{
	size_t field_count = checker->resource->field_count;
	size_t count = 0;
	size_t others = 0; /* items that are no `*`, of which the first has effect */
	for (const struct parsed_item *item = select; item != NULL; item = item->next) {
		others += item->all ? 0 : 1;
		count++;
	}
	if (count > MAX_COLUMNS) {
		return error_set(checker->error, ERROR_PARSE, "More than %d columns in select",
						 MAX_COLUMNS);
	}
	/* Each `*` adds what is not there yet, so all of them together add each field once. */
	columns->items = ARENA_ARRAY(checker->arena, others + field_count, struct query_column);
	columns->taken = ARENA_ARRAY(checker->arena, field_count, bool);
	if (select == NULL) {
		return add_all_columns(checker, columns);
	}
	bool all = false;
	for (const struct parsed_item *item = select; item != NULL; item = item->next) {
		if (item->all) {
			if (!all && !add_all_columns(checker, columns)) {
				return false;
			}
			all = true;
			continue;
		}
		const struct field *field = find_field(checker, item->column);
		struct str name = item->alias.len > 0 ? item->alias : item->column;
		if (field == NULL || !add_column(checker, columns, field, name)) {
			return false;
		}
	}
	return true;
}

/* ---- order ---- */

static bool is_ordered(const struct query_order *order, size_t count, const struct field *field)
{
	for (size_t i = 0; i < count; i++) {
		if (order[i].field == field) {
			return true;
		}
	}
	return false;
}

/* Terms after the first of a field have no effect and are left out. */
static bool check_order(struct checker *checker, const struct parsed_query *parsed,
						const struct query_order **ret_order, size_t *ret_count)
{
	const struct field_list *key = &checker->resource->key;
	size_t room = key->count;
	for (const struct parsed_order *term = parsed->order; term != NULL; term = term->next) {
		room++;
	}
	struct query_order *order = ARENA_ARRAY(checker->arena, room, struct query_order);
	size_t count = 0;
	for (const struct parsed_order *term = parsed->order; term != NULL; term = term->next) {
		const struct field *field = find_field(checker, term->column);
		if (field == NULL || !check_comparable(checker, field)) {
			return false;
		}
		if (!is_ordered(order, count, field)) {
			order[count++] = (struct query_order){field, term->descending, term->nulls_first};
		}
	}
	for (size_t i = 0; i < key->count; i++) {
		if (!is_ordered(order, count, key->items[i])) {
			order[count++] = (struct query_order){.field = key->items[i]};
		}
	}
	*ret_order = order;
	*ret_count = count;
	return true;
}

/* A write that took a limit without keeping it would change more rows than were meant. */
static bool check_range(struct checker *checker, const struct parsed_query *parsed,
						enum query_action action)
{
	bool reads = action == QUERY_LIST || action == QUERY_GET;
	if (reads || (parsed->order == NULL && parsed->limit == UINT64_MAX && parsed->offset == 0)) {
		return true;
	}
	error_set(checker->error, ERROR_UNSUPPORTED, NULL);
	return error_details(checker->error, "order, limit and offset of a write");
}

bool check_query(const struct parsed_query *parsed, enum query_action action,
				 const struct resource *resource, const struct parameter_names *parameters,
				 struct arena *arena, struct query *ret_query, struct error *error)
{
	struct checker checker = {resource, parameters, arena, error};
	const struct cond *where;
	struct columns columns = {.count = 0};
	const struct query_order *order = NULL;
	size_t order_count = 0;
	if (!check_range(&checker, parsed, action) || !check_where(&checker, parsed, action, &where) ||
		!check_columns(&checker, parsed->select, &columns) ||
		!check_order(&checker, parsed, &order, &order_count)) {
		return false;
	}
	ret_query->where = where;
	ret_query->columns = columns.items;
	ret_query->column_count = columns.count;
	ret_query->order = action == QUERY_LIST ? order : NULL;
	ret_query->order_count = action == QUERY_LIST ? order_count : 0;
	ret_query->limit = parsed->limit;
	ret_query->offset = parsed->offset;
	return true;
}
