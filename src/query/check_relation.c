/*
 * DESIGN. An embedded resource is named as PostgREST has it: by its own name, by the name of the
 * foreign key, or by the field of this resource that holds it. A hint is the foreign key's name, a
 * field of either end, or the junction. Of a resource that refers to itself the name finds the rows
 * that refer to this one (one to many), the field the row that this one refers to (many to one).
 */
#include "query/check_priv.h"

#include <assert.h>

#include "codec/json.h"

/* Does `from` hold the foreign key? */
static bool is_forward(const struct relation *relation)
{
	const struct reference *reference = relation->reference;
	if (reference == NULL) {
		return false;
	}
	for (size_t i = 0; i < reference->fields.count; i++) {
		if (relation->from_fields.items[i] != reference->fields.items[i]) {
			return false;
		}
	}
	return true;
}

static bool is_hidden(const struct relation *relation)
{
	return relation->to->hidden || (relation->junction != NULL && relation->junction->hidden);
}

/* The one field of a list; NULL: there are more. */
static const struct field *only_field(const struct field_list *list)
{
	return list->count == 1 ? list->items[0] : NULL;
}

static bool is_only(const struct field_list *list, struct str name)
{
	const struct field *field = only_field(list);
	return field != NULL && str_equal(field->name, name);
}

/* ---- matching ---- */

static bool fits_hint(const struct relation *relation, struct str hint)
{
	if (relation->junction != NULL) {
		return str_equal(relation->junction->name, hint);
	}
	return str_equal(relation->reference->name, hint) || is_only(&relation->from_fields, hint) ||
		is_only(&relation->to_fields, hint);
}

/* Of a resource that refers to itself the key's own field is no hint: it fits both ends. */
static bool fits_own_hint(const struct relation *relation, struct str hint)
{
	if (relation->junction != NULL) {
		return str_equal(relation->junction->name, hint);
	}
	return str_equal(relation->reference->name, hint) || is_only(&relation->to_fields, hint);
}

static bool fits_target(const struct relation *relation, struct str target, bool hinted)
{
	bool is_self = relation->from == relation->to;
	const struct reference *reference = relation->reference;
	bool forward = is_forward(relation);
	if (str_equal(relation->to->name, target) && !(is_self && forward)) {
		return true;
	}
	if (reference == NULL || hinted) {
		return false;
	}
	return (str_equal(reference->name, target) && (forward || !is_self)) ||
		(forward && is_only(&reference->fields, target));
}

static bool fits(const struct relation *relation, const struct parsed_item *item)
{
	bool is_self = relation->from == relation->to;
	bool hinted = item->hints[0].len > 0;
	if (is_hidden(relation) || !fits_target(relation, item->column, hinted)) {
		return false;
	}
	for (size_t i = 0; i < PARSE_HINTS; i++) {
		struct str hint = item->hints[i];
		if (hint.len > 0 &&
			!(is_self ? fits_own_hint(relation, hint) : fits_hint(relation, hint))) {
			return false;
		}
	}
	return true;
}

/* ---- none ---- */

static struct str nearest_target(const struct resource *from, struct str wanted)
{
	enum { FAR = 3 };
	struct str best = {NULL, 0};
	size_t least = FAR + 1;
	for (size_t i = 0; i < from->relation_count; i++) {
		const struct relation *relation = &from->relations[i];
		size_t distance = str_distance(relation->to->name, wanted);
		if (!is_hidden(relation) && distance > 0 && distance < least && distance < wanted.len) {
			best = relation->to->name;
			least = distance;
		}
	}
	return best;
}

static bool fail_none(struct checker *checker, const struct resource *from,
					  const struct parsed_item *item)
{
	struct error *error = checker->error;
	struct str hint = item->hints[0];
	error_set(error, ERROR_NO_RELATION,
			  "Could not find a relationship between '%.*s' and '%.*s' in the schema cache",
			  STR_ARG(from->name), STR_ARG(item->column));
	if (hint.len > 0) {
		error_details(error,
					  "Searched for a foreign key relationship between '%.*s' and '%.*s' using the "
					  "hint '%.*s', but no matches were found.",
					  STR_ARG(from->name), STR_ARG(item->column), STR_ARG(hint));
	} else {
		error_details(error,
					  "Searched for a foreign key relationship between '%.*s' and '%.*s', but no "
					  "matches were found.",
					  STR_ARG(from->name), STR_ARG(item->column));
	}
	struct str nearest = nearest_target(from, item->column);
	if (nearest.len > 0) {
		error_hint(error, "Perhaps you meant '%.*s' instead of '%.*s'.", STR_ARG(nearest),
				   STR_ARG(item->column));
	}
	return false;
}

/* ---- more than one ---- */

static const char *kind_word(enum relation_kind kind)
{
	static const char *const words[] = {
		[RELATION_MANY_TO_ONE] = "many-to-one",
		[RELATION_ONE_TO_ONE] = "one-to-one",
		[RELATION_ONE_TO_MANY] = "one-to-many",
		[RELATION_MANY_TO_MANY] = "many-to-many",
	};
	return words[kind];
}

/* `name(a, b)` */
static void write_end(struct buf *buf, struct str name, const struct field_list *fields)
{
	buf_append(buf, name);
	buf_append_byte(buf, '(');
	for (size_t i = 0; i < fields->count; i++) {
		buf_append(buf, i > 0 ? STR(", ") : STR(""));
		buf_append(buf, fields->items[i]->name);
	}
	buf_append_byte(buf, ')');
}

static void write_relationship(struct buf *buf, const struct relation *relation)
{
	if (relation->junction != NULL) {
		buf_printf(buf, "%.*s using ", STR_ARG(relation->junction->name));
		write_end(buf, relation->junction_from->name, &relation->junction_from->fields);
		buf_append(buf, STR(" and "));
		write_end(buf, relation->junction_to->name, &relation->junction_to->fields);
		return;
	}
	buf_printf(buf, "%.*s using ", STR_ARG(relation->reference->name));
	write_end(buf, relation->from->name, &relation->from_fields);
	buf_append(buf, STR(" and "));
	write_end(buf, relation->to->name, &relation->to_fields);
}

static void write_relation(struct buf *json, const struct relation *relation)
{
	struct buf text;
	buf_init(&text, SIZE_MAX);
	buf_printf(json, "{\"cardinality\":\"%s\",\"embedding\":", kind_word(relation->kind));
	buf_printf(&text, "%.*s with %.*s", STR_ARG(relation->from->name), STR_ARG(relation->to->name));
	json_write_string(json, buf_str(&text));
	buf_clear(&text);
	write_relationship(&text, relation);
	buf_append(json, STR(",\"relationship\":"));
	json_write_string(json, buf_str(&text));
	buf_append_byte(json, '}');
	buf_finish(&text);
}

/* The field that holds the foreign key, when it alone does; else the name of the way. */
static struct str own_hint(const struct relation *relation)
{
	if (relation->junction != NULL) {
		return relation->junction->name;
	}
	return relation->reference->name;
}

/* As many of the ways as a hint has room for. */
static void hint_ways(struct checker *checker, const struct relation *const *found, size_t count)
{
	static const char tail[] = "Find the desired relationship in the 'details' key.";
	struct error *error = checker->error;
	struct buf ways;
	size_t room = sizeof(error->hint) - sizeof(tail);
	struct str target = found[0]->to->name;
	buf_init(&ways, SIZE_MAX);
	buf_printf(&ways, "Try changing '%.*s' to one of the following: ", STR_ARG(target));
	size_t none = ways.len;
	for (size_t i = 0; i < count; i++) {
		struct str hint = own_hint(found[i]);
		if (ways.len + target.len + hint.len + sizeof(", ''!. ") > room) {
			break;
		}
		buf_printf(&ways, "%s'%.*s!%.*s'", i > 0 ? ", " : "", STR_ARG(target), STR_ARG(hint));
	}
	if (ways.len == none) {
		error_hint(error, "%s", tail);
	} else {
		error_hint(error, "%.*s. %s", STR_ARG(buf_str(&ways)), tail);
	}
	buf_finish(&ways);
}

static bool fail_ambiguous(struct checker *checker, const struct relation *const *found,
						   size_t count)
{
	struct error *error = checker->error;
	if (error == NULL) {
		return false;
	}
	error_set(error, ERROR_AMBIGUOUS,
			  "Could not embed because more than one relationship was found for '%.*s' and '%.*s'",
			  STR_ARG(found[0]->from->name), STR_ARG(found[0]->to->name));
	hint_ways(checker, found, count);
	struct buf json;
	buf_init(&json, SIZE_MAX);
	for (size_t i = 0; i < count; i++) {
		buf_append_byte(&json, i > 0 ? ',' : '[');
		write_relation(&json, found[i]);
	}
	buf_append_byte(&json, ']');
	error->json = arena_copy(checker->arena, buf_str(&json));
	buf_finish(&json);
	return false;
}

const struct relation *check_relation(struct checker *checker, const struct resource *from,
									  const struct parsed_item *item)
{
	size_t count = 0;
	const struct relation *only = NULL;
	for (size_t i = 0; i < from->relation_count; i++) {
		if (fits(&from->relations[i], item)) {
			only = &from->relations[i];
			count++;
		}
	}
	if (count == 1) {
		return only;
	}
	if (count == 0) {
		(void)fail_none(checker, from, item);
		return NULL;
	}
	const struct relation **found = ARENA_ARRAY(checker->arena, count, const struct relation *);
	count = 0;
	for (size_t i = 0; i < from->relation_count; i++) {
		if (fits(&from->relations[i], item)) {
			found[count++] = &from->relations[i];
		}
	}
	(void)fail_ambiguous(checker, found, count);
	return NULL;
}
