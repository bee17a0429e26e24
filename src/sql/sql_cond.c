/*
 * DESIGN. Databases bound both the height of an expression (SQLite: 1,000) and the stack of their
 * parser (SQLite 3.40: 100 entries, 3 for an operator and a parenthesis that are open). So a long
 * AND or OR is written as a balanced tree, the highest child stands first, where nothing is open
 * before it, and an AND within an OR has no parentheses. A subquery is higher than any group, and
 * its conditions stand before its join. What is open is counted all the same (sql_open): embedded
 * resources that are deep and whose conditions are deep too are more than the parser can hold.
 */
#include <assert.h>

#include "base/map.h"
#include "codec/like.h"
#include "model/relations.h"
#include "sql/sql_priv.h"

enum {
	FLAT_CHILDREN = 8, /* written in a row; more are split in halves */
	EXACT_ITEMS = 8,   /* longer lists are padded */
	WEIGH_STEPS = 500, /* conditions that are weighed before one is chosen */
	MOST_TABLES = 1000,
};

/* ---- terms ---- */

void sql_write_own(struct sql *sql, const struct field *field, const struct json_path *path)
{
	if (path == NULL) {
		sql_write_column(sql, sql->alias, field);
	} else {
		sql->dialect->path(sql, field, path);
	}
}

/* The join of a to-one relation, whose own fields are equal to the parent's. */
void sql_write_join(struct sql *sql, const struct relation *relation, size_t holder, size_t parent)
{
	const struct field_list *fields = sql_holder_fields(relation);
	for (size_t i = 0; i < fields->count; i++) {
		sql_write(sql, i > 0 ? STR(" AND ") : STR(""));
		sql_write_column(sql, holder, fields->items[i]);
		buf_append_byte(&sql->text, '=');
		if (parent == 0) {
			/* What is returned stands behind the table's own name: there is no alias then. */
			sql_write_name(sql, relation->from->name);
			buf_append_byte(&sql->text, '.');
		}
		sql_write_column(sql, parent, relation->from_fields.items[i]);
	}
}

void sql_write_term(struct sql *sql, const struct term *term)
{
	if (term->through_count == 0) {
		sql_write_own(sql, term->field, term->path);
		return;
	}
	struct term rest = *term;
	const struct relation *relation = *rest.through++;
	size_t parent = sql->alias;
	rest.through_count--;
	sql->alias = ++sql->aliases;
	sql_write(sql, STR("(SELECT "));
	sql_open(sql, OPEN_VALUE);
	sql_write_term(sql, &rest);
	sql_close(sql, OPEN_VALUE);
	sql_write(sql, STR(" FROM "));
	sql_write_table(sql, relation->to);
	sql_write(sql, STR(" WHERE "));
	sql_write_join(sql, relation, sql->alias, parent);
	buf_append_byte(&sql->text, ')');
	sql->alias = parent;
}

/* ---- other tables ---- */

const struct field_list *sql_holder_fields(const struct relation *relation)
{
	return relation->junction == NULL ? &relation->to_fields : &relation->junction_from->fields;
}

void sql_write_table(struct sql *sql, const struct resource *resource)
{
	sql_write_name(sql, resource->name);
	if (sql->alias > 0) {
		sql_write(sql, STR(" AS "));
		sql_write_alias(sql, sql->alias);
	}
}

void sql_write_related(struct sql *sql, const struct relation *relation, size_t *ret_holder)
{
	const struct reference *reference = relation->junction_to;
	size_t alias = sql->alias;
	sql_write_table(sql, relation->to);
	if (relation->junction == NULL) {
		*ret_holder = alias;
		return;
	}
	sql->alias = *ret_holder > 0 ? *ret_holder : ++sql->aliases;
	*ret_holder = sql->alias;
	sql_write(sql, STR(" JOIN "));
	sql_write_table(sql, relation->junction);
	for (size_t i = 0; i < reference->fields.count; i++) {
		sql_write(sql, i > 0 ? STR(" AND ") : STR(" ON "));
		sql_write_column(sql, *ret_holder, reference->fields.items[i]);
		buf_append_byte(&sql->text, '=');
		sql_write_column(sql, alias, reference->target_fields.items[i]);
	}
	sql->alias = alias;
}

static void write_child(struct sql *sql, enum cond_kind kind, const struct cond *child);

static void write_exists(struct sql *sql, const struct query_embed *embed)
{
	const struct resource *outer = sql->resource;
	bool negated = sql->negated;
	size_t parent = sql->alias;
	size_t holder = 0;
	assert(parent > 0);
	if (embed->query.limit == 0) {
		buf_append_byte(&sql->text, '0');
		return;
	}
	/* Each place that asks for an embed asks for all below it: what is said in few words can be
	 * long. */
	if (sql->text.failed || sql->aliases >= MOST_TABLES) {
		sql->text.failed = true;
		return;
	}
	sql->alias = ++sql->aliases;
	sql->resource = embed->query.resource;
	sql->negated = false;
	sql_write(sql, STR("EXISTS(SELECT 1 FROM "));
	sql_write_related(sql, embed->relation, &holder);
	sql_write(sql, STR(" WHERE "));
	if (embed->query.where != NULL) {
		sql_open(sql, OPEN_EXISTS);
		write_child(sql, COND_AND, embed->query.where);
		sql_close(sql, OPEN_EXISTS);
		sql_write(sql, STR(" AND "));
	}
	sql_write_join(sql, embed->relation, holder, parent);
	if (embed->query.offset > 0) {
		sql_write(sql, STR(" LIMIT 1 OFFSET "));
		sql_param_number(sql, embed->query.offset);
	}
	buf_append_byte(&sql->text, ')');
	sql->resource = outer;
	sql->negated = negated;
	sql->alias = parent;
}

bool sql_cond_has_tables(const struct cond *cond)
{
	if (cond == NULL) {
		return false;
	}
	for (size_t i = 0; i < cond->child_count; i++) {
		if (sql_cond_has_tables(cond->children[i])) {
			return true;
		}
	}
	return cond->kind == COND_EXISTS;
}

/* ---- comparisons ---- */

/* What is compared. A loose boolean as SQL makes it one: there any number but 0 is true. */
static void write_left(struct sql *sql, const struct cond *cond)
{
	bool loose = cond->field->loose && cond->path == NULL;
	sql_write(sql, loose ? STR("(") : STR(""));
	sql_open(sql, loose ? OPEN_PARENTHESIS : 0);
	sql_write_own(sql, cond->field, cond->path);
	sql_close(sql, loose ? OPEN_PARENTHESIS : 0);
	sql_write(sql, loose ? STR("<>0)") : STR(""));
}

static void write_operator(struct sql *sql, const struct cond *cond, struct str word)
{
	assert(cond->operand.parameter < 0);
	write_left(sql, cond);
	sql_write(sql, word);
	sql_param(sql, cond->type, &cond->operand.value);
}

static void write_distinct(struct sql *sql, const struct cond *cond)
{
	if (sql->dialect->is_distinct != NULL) {
		write_operator(sql, cond, str_from(sql->dialect->is_distinct));
		return;
	}
	sql_write(sql, STR("NOT ("));
	sql_open(sql, OPEN_NOT);
	write_operator(sql, cond, STR("<=>"));
	sql_close(sql, OPEN_NOT);
	buf_append_byte(&sql->text, ')');
}

/* `"a" COLLATE BINARY>=? AND `, when there is a bound. */
static void write_bound(struct sql *sql, const struct cond *cond, struct str word, struct str bound)
{
	if (bound.len > 0) {
		sql_write_column(sql, sql->alias, cond->field);
		sql_write(sql, str_from(sql->dialect->bytewise));
		sql_write(sql, word);
		sql_param_made(sql, (struct value){.kind = VALUE_TEXT, .text = bound});
		sql_write(sql, STR(" AND "));
	}
}

/* `"id">=(SELECT ifnull(max(id)+1,-9223372036854775808) FROM "r.a_search_docsize")`: rows behind
 * the last that the index holds. What is greater than all integers is a real number. */
static void write_tail(struct sql *sql, struct str number, struct str index)
{
	struct buf name;
	buf_init(&name, SIZE_MAX);
	buf_append(&name, index);
	buf_append(&name, STR("_docsize"));
	sql_write_name(sql, number);
	sql_write(sql, STR(">=(SELECT ifnull(max(id)+1,-9223372036854775808) FROM "));
	sql_write_name(sql, buf_str(&name));
	buf_append_byte(&sql->text, ')');
	buf_finish(&name);
}

/* `"id" IN (SELECT rowid FROM "r.a_search" WHERE "r.a_search" MATCH ? UNION ALL
 * SELECT "id" FROM "r" WHERE "id">=(…) AND rowlock_like("a",?)) AND `, when the field has an index
 * for substrings that can say which rows may match; those that are not in it yet are looked at one
 * by one. One whose text is null is not among them, which is false where the function says null: so
 * not within NOT. */
static void write_searched(struct sql *sql, const struct cond *cond)
{
	struct str grams = like_grams(cond->compiled.pointer);
	if (!sql->searches || sql->negated || cond->path != NULL || grams.len == 0 ||
		sql->open + OPEN_SEARCHED > sql->dialect->max_open ||
		!field_list_holds(&sql->resource->search, cond->field)) {
		return;
	}
	struct str number = sql->dialect->row_number(sql->resource);
	if (number.len == 0) {
		return;
	}
	struct buf name;
	buf_init(&name, SIZE_MAX);
	sql_search_name(sql->resource, cond->field, &name);
	size_t alias = sql->alias;
	if (alias > 0) {
		sql_write_alias(sql, alias);
		buf_append_byte(&sql->text, '.');
	}
	sql_write_name(sql, number);
	sql_write(sql, STR(" IN (SELECT rowid FROM "));
	sql_write_name(sql, buf_str(&name));
	sql_write(sql, STR(" WHERE "));
	sql_write_name(sql, buf_str(&name));
	sql_write(sql, STR(" MATCH "));
	sql_param_made(sql, (struct value){.kind = VALUE_TEXT, .text = grams});
	sql_write(sql, STR(" UNION ALL SELECT "));
	sql_write_name(sql, number);
	sql_write(sql, STR(" FROM "));
	sql_write_name(sql, sql->resource->name);
	sql_write(sql, STR(" WHERE "));
	write_tail(sql, number, buf_str(&name));
	sql_write(sql, STR(" AND "));
	sql->alias = 0;
	sql->dialect->matching(sql, cond);
	sql->alias = alias;
	sql_write(sql, STR(") AND "));
	buf_finish(&name);
}

/* What begins with the pattern's first letters is a range, which an index can give. The column of
 * an existing table may have an order of its own; patterns are matched by bytes on every one. */
static void write_like(struct sql *sql, const struct cond *cond)
{
	struct str prefix = like_prefix(cond->compiled.pointer);
	bool ranged = prefix.len > 0 && cond->path == NULL && sql->dialect->bytewise != NULL &&
		!field_is_computed(cond->field);
	write_searched(sql, cond);
	if (ranged) {
		buf_append_byte(&sql->text, '(');
		write_bound(sql, cond, STR(">="), prefix);
		write_bound(sql, cond, STR("<"), like_prefix_end(cond->compiled.pointer));
	}
	sql->dialect->matching(sql, cond);
	sql_write(sql, ranged ? STR(")") : STR(""));
}

/* A table of FTS5 finds phrases by its index, in a query of its own: MATCH cannot stand beside OR.
 * A row whose text is null is neither found nor not found, which only the function tells. */
static void write_words(struct sql *sql, const struct cond *cond)
{
	bool found = cond->path == NULL && !field_is_computed(cond->field) && !sql->negated;
	const struct str *table = sql->indexed == NULL || !found
		? NULL
		: map_get(sql->indexed, sql->resource->name);
	if (table == NULL || cond->fts5.len == 0) {
		sql->dialect->matching(sql, cond);
		return;
	}
	if (sql->alias > 0) {
		sql_write_alias(sql, sql->alias);
		buf_append_byte(&sql->text, '.');
	}
	sql_write(sql, STR("rowid IN (SELECT rowid FROM "));
	sql_write_name(sql, *table);
	sql_write(sql, STR(" WHERE "));
	sql_write_name(sql, cond->field->name);
	sql_write(sql, STR(" MATCH "));
	sql_param_made(sql, (struct value){.kind = VALUE_TEXT, .text = cond->fts5});
	buf_append_byte(&sql->text, ')');
}

static void write_compare(struct sql *sql, const struct cond *cond)
{
	switch (cond->op) {
	case OPERATOR_EQ:
		write_operator(sql, cond, STR("="));
		return;
	case OPERATOR_NEQ:
		write_operator(sql, cond, STR("<>"));
		return;
	case OPERATOR_GT:
		write_operator(sql, cond, STR(">"));
		return;
	case OPERATOR_GTE:
		write_operator(sql, cond, STR(">="));
		return;
	case OPERATOR_LT:
		write_operator(sql, cond, STR("<"));
		return;
	case OPERATOR_LTE:
		write_operator(sql, cond, STR("<="));
		return;
	case OPERATOR_ISDISTINCT:
		write_distinct(sql, cond);
		return;
	case OPERATOR_LIKE:
		write_like(sql, cond);
		return;
	case OPERATOR_ILIKE:
		write_searched(sql, cond);
		sql->dialect->matching(sql, cond);
		return;
	case OPERATOR_MATCH:
	case OPERATOR_IMATCH:
		sql->dialect->matching(sql, cond);
		return;
	case OPERATOR_FTS:
		write_words(sql, cond);
		return;
	case OPERATOR_PLFTS:
	case OPERATOR_PHFTS:
	case OPERATOR_WFTS:
	case OPERATOR_IN:
	case OPERATOR_IS:
		break;
	}
	assert(false);
}

static void write_in(struct sql *sql, const struct cond *cond)
{
	size_t count = cond->item_count;
	if (count == 0) {
		buf_append_byte(&sql->text, '0');
		return;
	}
	size_t places = count;
	if (count > EXACT_ITEMS && !sql->literals) {
		for (places = EXACT_ITEMS; places < count;) {
			places *= 2;
		}
	}
	write_left(sql, cond);
	sql_write(sql, STR(" IN ("));
	for (size_t i = 0; i < places; i++) {
		const struct operand *item = &cond->items[i < count ? i : count - 1];
		assert(item->parameter < 0);
		sql_write(sql, i > 0 ? STR(",") : STR(""));
		sql_param(sql, cond->type, &item->value);
	}
	buf_append_byte(&sql->text, ')');
}

static void write_is(struct sql *sql, const struct cond *cond)
{
	static const struct str words[] = {
		[IS_NULL] = STR_INIT(" IS NULL"),    [IS_NOT_NULL] = STR_INIT(" IS NOT NULL"),
		[IS_TRUE] = STR_INIT(" IS TRUE"),    [IS_FALSE] = STR_INIT(" IS FALSE"),
		[IS_UNKNOWN] = STR_INIT(" IS NULL"),
	};
	sql_write_own(sql, cond->field, cond->path);
	sql_write(sql, words[cond->is]);
}

/* ---- logic ---- */

static bool is_group(const struct cond *cond)
{
	return cond->kind == COND_AND || cond->kind == COND_OR;
}

/* A child of an AND or OR. AND binds closer than OR; equal ones need no parentheses. */
static void write_child(struct sql *sql, enum cond_kind kind, const struct cond *child)
{
	bool enclosed = kind == COND_AND && child->kind == COND_OR && child->child_count > 0;
	sql_write(sql, enclosed ? STR("(") : STR(""));
	sql_open(sql, enclosed ? OPEN_PARENTHESIS : 0);
	sql_write_cond(sql, child);
	sql_close(sql, enclosed ? OPEN_PARENTHESIS : 0);
	sql_write(sql, enclosed ? STR(")") : STR(""));
}

static void write_children(struct sql *sql, enum cond_kind kind, const struct cond *const *children,
						   size_t count);

/* ` AND (…)` */
static void write_rest(struct sql *sql, enum cond_kind kind, const struct cond *const *children,
					   size_t count)
{
	if (count > 0) {
		sql_write(sql, kind == COND_AND ? STR(" AND (") : STR(" OR ("));
		sql_open(sql, OPEN_OPERATOR + OPEN_PARENTHESIS);
		write_children(sql, kind, children, count);
		sql_close(sql, OPEN_OPERATOR + OPEN_PARENTHESIS);
		buf_append_byte(&sql->text, ')');
	}
}

/* About what it opens. An embed may be asked for in many places, each of which leads to all below
 * it; so no more than `*steps` conditions are looked at. */
static size_t weigh(const struct cond *cond, size_t *steps)
{
	size_t most = 0;
	if (*steps == 0) {
		return 0;
	}
	(*steps)--;
	for (size_t i = 0; i < cond->child_count; i++) {
		size_t weight = weigh(cond->children[i], steps);
		most = weight > most ? weight : most;
	}
	if (cond->kind == COND_EXISTS) {
		const struct cond *where = cond->embed->query.where;
		return OPEN_EXISTS + (where != NULL ? weigh(where, steps) : 0);
	}
	return most + (cond->kind == COND_NOT ? OPEN_NOT : is_group(cond) ? OPEN_PARENTHESIS : 0);
}

static void write_children(struct sql *sql, enum cond_kind kind, const struct cond *const *children,
						   size_t count)
{
	struct str word = kind == COND_AND ? STR(" AND ") : STR(" OR ");
	if (count <= FLAT_CHILDREN) {
		for (size_t i = 0; i < count; i++) {
			sql_write(sql, i > 0 ? word : STR(""));
			sql_open(sql, i > 0 ? OPEN_OPERATOR : 0);
			write_child(sql, kind, children[i]);
			sql_close(sql, i > 0 ? OPEN_OPERATOR : 0);
		}
		return;
	}
	/* The highest child is not to stand deep in the balanced tree. */
	size_t half = count / 2;
	if (is_group(children[0])) {
		half = 1;
		write_child(sql, kind, children[0]);
	} else {
		buf_append_byte(&sql->text, '(');
		sql_open(sql, OPEN_PARENTHESIS);
		write_children(sql, kind, children, half);
		sql_close(sql, OPEN_PARENTHESIS);
		buf_append_byte(&sql->text, ')');
	}
	write_rest(sql, kind, children + half, count - half);
}

/* The child that has to stand first. Check has settled it where there are no subqueries, which need
 * an alias. */
static size_t find_heaviest(const struct sql *sql, const struct cond *cond)
{
	size_t first = 0;
	size_t most = 0;
	size_t steps = WEIGH_STEPS;
	for (size_t i = 0; sql->alias > 0 && i < cond->child_count; i++) {
		size_t weight = weigh(cond->children[i], &steps);
		first = weight > most ? i : first;
		most = weight > most ? weight : most;
	}
	return first;
}

static void write_group(struct sql *sql, const struct cond *cond)
{
	if (cond->child_count == 0) {
		buf_append_byte(&sql->text, cond->kind == COND_AND ? '1' : '0');
		return;
	}
	size_t first = find_heaviest(sql, cond);
	if (first == 0) {
		write_children(sql, cond->kind, cond->children, cond->child_count);
		return;
	}
	write_child(sql, cond->kind, cond->children[first]);
	write_rest(sql, cond->kind, cond->children, first);
	write_rest(sql, cond->kind, cond->children + first + 1, cond->child_count - first - 1);
}

void sql_write_cond(struct sql *sql, const struct cond *cond)
{
	switch (cond->kind) {
	case COND_AND:
	case COND_OR:
		write_group(sql, cond);
		return;
	case COND_NOT:
		assert(cond->child_count == 1);
		sql_write(sql, STR("NOT ("));
		sql_open(sql, OPEN_NOT);
		sql->negated = true;
		sql_write_cond(sql, cond->children[0]);
		sql->negated = false;
		sql_close(sql, OPEN_NOT);
		buf_append_byte(&sql->text, ')');
		return;
	case COND_COMPARE:
		write_compare(sql, cond);
		return;
	case COND_IN:
		write_in(sql, cond);
		return;
	case COND_IS:
		write_is(sql, cond);
		return;
	case COND_EXISTS:
		write_exists(sql, cond->embed);
		return;
	}
	assert(false);
}

void sql_write_where(struct sql *sql, const struct query *query, struct str word)
{
	if (query->where != NULL) {
		sql->resource = query->resource;
		sql->negated = false;
		sql_write(sql, word);
		sql_write_cond(sql, query->where);
	}
}
