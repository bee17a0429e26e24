/*
 * DESIGN. Rows of many parents come in one statement. The innermost SELECT has what is selected and
 * the holder's fields that are equal to the keys; a range for each parent needs the rows of each
 * numbered, and what is grouped or distinct has to be so before that:
 *
 *   SELECT _c1,_k1 FROM (
 *     SELECT *,ROW_NUMBER() OVER (PARTITION BY _k1 ORDER BY _c1) AS _n FROM (
 *       SELECT DISTINCT name AS _c1,parent AS _k1 FROM child WHERE parent IN (?,?)
 *     ) AS _0
 *   ) AS _00 WHERE _n>? AND _n<=? ORDER BY _k1,_n
 */
#include "sql/sql_priv.h"

/* One statement under construction. */
struct batch {
	const struct query *query;
	const struct field_list *keys; /* of the holder */
	size_t holder;                 /* its alias */
	bool ranged;
	bool whole; /* grouped or distinct: a SELECT of its own around it orders or numbers it */
};

bool sql_embed_is_total(const struct query_embed *embed)
{
	const struct query *query = &embed->query;
	for (size_t i = 0; i < query->fetch_count; i++) {
		if (query->fetch[i].aggregate == AGGREGATE_NONE) {
			return false;
		}
	}
	return query->grouped;
}

/* `_k1,_k2`, or the columns themselves; with `named` as well `AS _k1`. */
static void write_keys(struct sql *sql, const struct batch *batch, bool outside, bool named)
{
	for (size_t i = 0; i < batch->keys->count; i++) {
		sql_write(sql, i > 0 ? STR(",") : STR(""));
		if (!outside) {
			sql_write_column(sql, batch->holder, batch->keys->items[i]);
		}
		if (named) {
			sql_write(sql, STR(" AS "));
		}
		if (outside || named) {
			sql_write_number(sql, "_k", i);
		}
	}
}

static void write_numbers(struct sql *sql, const struct batch *batch)
{
	sql_write(sql, STR(",ROW_NUMBER() OVER (PARTITION BY "));
	write_keys(sql, batch, batch->whole, false);
	sql_write_order(sql, batch->query, STR(" ORDER BY "));
	sql_write(sql, STR(") AS _n"));
}

/* What stands around the innermost SELECT, before it. */
static void begin_outside(struct sql *sql, const struct batch *batch)
{
	size_t columns = batch->query->fetch_count == 0 ? 1 : batch->query->fetch_count;
	if (batch->ranged) {
		sql_write(sql, STR("SELECT "));
		for (size_t i = 0; i < columns; i++) {
			sql_write_number(sql, "_c", i);
			buf_append_byte(&sql->text, ',');
		}
		write_keys(sql, batch, true, false);
		sql_write(sql, STR(" FROM ("));
	}
	if (batch->whole) {
		sql_write(sql, STR("SELECT *"));
		if (batch->ranged) {
			write_numbers(sql, batch);
		}
		sql_write(sql, STR(" FROM ("));
	}
}

static void end_outside(struct sql *sql, const struct batch *batch)
{
	const struct query *query = batch->query;
	if (batch->whole) {
		sql_write(sql, STR(") AS _0"));
	}
	if (batch->ranged) {
		uint64_t last = query->offset + query->limit;
		sql_write(sql, STR(") AS _00 WHERE _n>"));
		sql_param_number(sql, query->offset);
		sql_write(sql, STR(" AND _n<="));
		sql_param_number(sql, last < query->offset ? UINT64_MAX : last);
	}
	sql_write(sql, STR(" ORDER BY "));
	write_keys(sql, batch, sql->names_columns, false);
	if (batch->ranged) {
		sql_write(sql, STR(",_n"));
	} else {
		sql_write_order(sql, query, STR(","));
	}
}

/* `(a,b) IN (…)` as a list of alternatives: MariaDB looks only these up in an index. */
static void write_parents(struct sql *sql, const struct batch *batch, const struct value *keys,
						  size_t parent_count)
{
	const struct field_list *fields = batch->keys;
	size_t places = 1;
	while (places < parent_count) {
		places *= 2;
	}
	sql->keys_at = sql->param_count;
	buf_append_byte(&sql->text, '(');
	for (size_t i = 0; i < places; i++) {
		const struct value *parent = keys +
			(i < parent_count ? i : parent_count - 1) * fields->count;
		if (fields->count == 1) {
			if (i == 0) {
				sql_write_column(sql, batch->holder, fields->items[0]);
			}
			sql_write(sql, i == 0 ? STR(" IN (") : STR(","));
			sql_param(sql, fields->items[0], parent);
			continue;
		}
		sql_write(sql, i > 0 ? STR(" OR ") : STR(""));
		for (size_t k = 0; k < fields->count; k++) {
			sql_write(sql, k > 0 ? STR(" AND ") : STR(""));
			sql_write_column(sql, batch->holder, fields->items[k]);
			buf_append_byte(&sql->text, '=');
			sql_param(sql, fields->items[k], &parent[k]);
		}
	}
	sql_write(sql, fields->count == 1 ? STR("))") : STR(")"));
}

static void write_inside(struct sql *sql, const struct batch *batch,
						 const struct query_embed *embed, const struct value *keys,
						 size_t parent_count)
{
	const struct query *query = batch->query;
	sql_write(sql, query->distinct ? STR("SELECT DISTINCT ") : STR("SELECT "));
	sql_write_fetch(sql, query);
	buf_append_byte(&sql->text, ',');
	write_keys(sql, batch, false, sql->names_columns);
	if (batch->ranged && !batch->whole) {
		write_numbers(sql, batch);
	}
	sql_write(sql, STR(" FROM "));
	size_t holder = embed->relation->junction != NULL ? batch->holder : 0;
	sql_write_related(sql, embed->relation, &holder);
	sql_write(sql, STR(" WHERE "));
	write_parents(sql, batch, keys, parent_count);
	if (query->where != NULL) {
		sql_open(sql, OPEN_OPERATOR + OPEN_PARENTHESIS);
		sql_write_where(sql, query, STR(" AND ("));
		sql_close(sql, OPEN_OPERATOR + OPEN_PARENTHESIS);
		buf_append_byte(&sql->text, ')');
	}
	if (query->grouped) {
		sql_write(sql, STR(" GROUP BY "));
		write_keys(sql, batch, false, false);
		sql_write_groups(sql, query, STR(","));
	}
}

void sql_embed_many(struct sql *sql, const struct query_embed *embed, const struct value *keys,
					size_t parent_count)
{
	const struct query *query = &embed->query;
	struct batch batch = {
		.query = query,
		.keys = sql_holder_fields(embed->relation),
		.ranged = query->limit != UINT64_MAX || query->offset > 0,
		.whole = query->grouped || query->distinct,
	};
	sql->today = query->today;
	if (embed->relation->junction != NULL || sql_query_has_tables(query)) {
		sql->alias = ++sql->aliases;
		batch.holder = sql->alias;
	}
	if (embed->relation->junction != NULL) {
		batch.holder = ++sql->aliases;
	}
	sql->names_columns = batch.ranged || batch.whole;
	sql->holder_at = query->fetch_count == 0 ? 1 : query->fetch_count;
	begin_outside(sql, &batch);
	write_inside(sql, &batch, embed, keys, parent_count);
	end_outside(sql, &batch);
}

/* A union with the column gives the texts its collation. */
void sql_classes(struct sql *sql, const struct resource *resource, const struct field *field,
				 const struct value *values, size_t count)
{
	sql_write(sql, STR("SELECT n,DENSE_RANK() OVER (ORDER BY k) FROM (SELECT "));
	sql_write_name(sql, field->name);
	sql_write(sql, STR(" AS k,0 AS n FROM "));
	sql_write_name(sql, resource->name);
	sql_write(sql, STR(" WHERE 0"));
	for (size_t i = 0; i < count; i++) {
		sql_write(sql, STR(" UNION ALL SELECT "));
		sql_param(sql, field, &values[i]);
		buf_append_byte(&sql->text, ',');
		buf_append_int(&sql->text, (int64_t)i);
	}
	sql_write(sql, STR(") AS _0"));
}
