#include <assert.h>

#include "query/fetch.h"
#include "sql/sql_priv.h"

/* ---- what is selected ---- */

static bool is_ordered_by(const struct query *query, const struct query_fetch *fetch)
{
	for (size_t i = 0; i < query->order_count; i++) {
		if (query->order[i].at == (size_t)(fetch - query->fetch)) {
			return true;
		}
	}
	return false;
}

bool sql_casts_after(const struct sql_dialect *dialect, const struct query *query,
					 const struct query_fetch *fetch)
{
	if (!dialect->casts_after || query->distinct) {
		return false;
	}
	return fetch->aggregate == AGGREGATE_NONE
		? fetch->cast != NULL && !query->grouped
		: fetch->result_cast != NULL && !is_ordered_by(query, fetch);
}

const struct field *sql_fetched_type(const struct sql_dialect *dialect, const struct query *query,
									 const struct query_fetch *fetch)
{
	if (!sql_casts_after(dialect, query, fetch)) {
		return fetch->type;
	}
	return fetch->aggregate == AGGREGATE_NONE ? fetch_term_type(&fetch->term)
											  : fetch_aggregated_type(fetch);
}

static void write_cast(struct sql *sql, const struct field *from, const struct field *to,
					   bool before)
{
	if (to != NULL && !sql->dialect->cast(sql, from, to, before)) {
		sql_refuse(sql, "A cast of values that are grouped, aggregated or distinct");
	}
}

/* The value with its cast, but for a cast that is made afterwards. */
static void write_inner(struct sql *sql, const struct query_fetch *fetch, bool casts_after)
{
	const struct field *to = casts_after && fetch->aggregate == AGGREGATE_NONE ? NULL : fetch->cast;
	const struct field *from = fetch->term.field == NULL ? NULL : fetch_term_type(&fetch->term);
	if (from == NULL) {
		buf_append_byte(&sql->text, '*');
		return;
	}
	write_cast(sql, from, to, true);
	sql_write_term(sql, &fetch->term);
	write_cast(sql, from, to, false);
}

static void write_aggregated(struct sql *sql, const struct query_fetch *fetch, bool casts_after)
{
	static const struct str words[] = {
		[AGGREGATE_NONE] = STR_INIT(""),    [AGGREGATE_COUNT] = STR_INIT("count("),
		[AGGREGATE_SUM] = STR_INIT("sum("), [AGGREGATE_AVG] = STR_INIT(""),
		[AGGREGATE_MIN] = STR_INIT("min("), [AGGREGATE_MAX] = STR_INIT("max("),
	};
	bool average = fetch->aggregate == AGGREGATE_AVG;
	sql_write(sql, words[fetch->aggregate]);
	if (average) {
		sql->dialect->average(sql, fetch_inner_type(fetch), true);
	}
	write_inner(sql, fetch, casts_after);
	if (average) {
		sql->dialect->average(sql, fetch_inner_type(fetch), false);
	} else if (fetch->aggregate != AGGREGATE_NONE) {
		buf_append_byte(&sql->text, ')');
	}
}

static void write_fetch(struct sql *sql, const struct query *query, const struct query_fetch *fetch)
{
	bool after = sql_casts_after(sql->dialect, query, fetch);
	const struct field *to = after ? NULL : fetch->result_cast;
	write_cast(sql, fetch_aggregated_type(fetch), to, true);
	write_aggregated(sql, fetch, after);
	write_cast(sql, fetch_aggregated_type(fetch), to, false);
}

static void write_column_name(struct sql *sql, size_t number)
{
	if (sql->names_columns) {
		sql_write(sql, STR(" AS "));
		sql_write_number(sql, "_c", number);
	}
}

void sql_write_fetch(struct sql *sql, const struct query *query)
{
	for (size_t i = 0; i < query->fetch_count; i++) {
		sql_write(sql, i > 0 ? STR(",") : STR(""));
		write_fetch(sql, query, &query->fetch[i]);
		write_column_name(sql, i);
	}
	if (query->fetch_count == 0) {
		/* Rows without columns are rows all the same. */
		sql_write(sql, STR("1"));
		write_column_name(sql, 0);
	}
}

/* ---- groups, order, range ---- */

void sql_write_groups(struct sql *sql, const struct query *query, struct str begin)
{
	for (size_t i = 0; query->grouped && i < query->fetch_count; i++) {
		if (query->fetch[i].aggregate == AGGREGATE_NONE) {
			sql_write(sql, begin);
			buf_append_int(&sql->text, (int64_t)i + 1);
			begin = STR(",");
		}
	}
}

static bool can_be_null(const struct term *term)
{
	return term->field == NULL || term->path != NULL || term->through_count > 0 ||
		sql_is_nullable(term->field);
}

/* What a row is ordered by. */
static void write_ordered(struct sql *sql, const struct query *query,
						  const struct query_order *order)
{
	if (!query->grouped && !query->distinct) {
		sql_write_term(sql, &order->term);
	} else if (sql->names_columns) {
		sql_write_number(sql, "_c", order->at);
	} else {
		buf_append_int(&sql->text, (int64_t)order->at + 1);
	}
}

void sql_write_order(struct sql *sql, const struct query *query, struct str begin)
{
	bool placement = sql->dialect->nulls_placement;
	bool by_position = query->grouped || query->distinct;
	for (size_t i = 0; i < query->order_count; i++, begin = STR(",")) {
		const struct query_order *order = &query->order[i];
		struct str direction = order->descending ? STR(" DESC") : STR("");
		/* Nulls are the least of all values where nothing is said. */
		bool said = order->nulls_first == order->descending &&
			(by_position || can_be_null(&order->term));
		sql_write(sql, begin);
		if (said && !placement) {
			write_ordered(sql, query, order);
			sql_write(sql, STR(" IS NULL"));
			sql_write(sql, direction);
			buf_append_byte(&sql->text, ',');
		}
		write_ordered(sql, query, order);
		sql_write(sql, direction);
		if (said && placement) {
			sql_write(sql, order->nulls_first ? STR(" NULLS FIRST") : STR(" NULLS LAST"));
		}
	}
}

static void write_range(struct sql *sql, const struct query *query)
{
	if (query->limit == UINT64_MAX && query->offset == 0) {
		return;
	}
	sql_write(sql, STR(" LIMIT "));
	sql_param_number(sql, query->limit);
	if (query->offset > 0) {
		sql_write(sql, STR(" OFFSET "));
		sql_param_number(sql, query->offset);
	}
}

/* ---- other tables ---- */

bool sql_fetch_has_tables(const struct query *query)
{
	for (size_t i = 0; i < query->fetch_count; i++) {
		if (query->fetch[i].term.through_count > 0) {
			return true;
		}
	}
	for (size_t i = 0; i < query->order_count; i++) {
		if (query->order[i].term.through_count > 0) {
			return true;
		}
	}
	return false;
}

bool sql_query_has_tables(const struct query *query)
{
	return sql_fetch_has_tables(query) || sql_cond_has_tables(query->where);
}

/* ---- joins ---- */

/* A cast may fail, and a joined one would be made of rows too that nobody sees. */
static bool has_casts(const struct query *query)
{
	for (size_t i = 0; i < query->fetch_count; i++) {
		if (query->fetch[i].cast != NULL) {
			return true;
		}
	}
	return false;
}

/* At most one row of it belongs to each row, whatever else is asked of it. */
static bool is_joinable(const struct query *query, const struct query_embed *embed)
{
	return embed != NULL && embed->to_one && embed->relation->junction == NULL &&
		embed->query.limit > 0 && embed->query.offset == 0 && !embed->query.grouped &&
		!query->grouped && !query->distinct && !has_casts(&embed->query);
}

static bool has_joins(const struct query *query)
{
	for (size_t i = 0; i < query->column_count; i++) {
		if (is_joinable(query, query->columns[i].embed)) {
			return true;
		}
	}
	return false;
}

/* Columns of the statement's row that are a query's own. */
static size_t own_columns(const struct query *query)
{
	return query->fetch_count == 0 ? 1 : query->fetch_count;
}

/* Lists the joins of a query whose table has this alias, and those within them. */
static void list_joins(struct sql *sql, const struct query *query, size_t alias, size_t *column)
{
	for (size_t i = 0; i < query->column_count; i++) {
		const struct query_embed *embed = query->columns[i].embed;
		if (!is_joinable(query, embed) || sql->join_count == SQL_JOINS ||
			own_columns(&embed->query) > SQL_JOINED_COLUMNS - *column) {
			continue;
		}
		struct sql_join *join = &sql->joins[sql->join_count++];
		*join = (struct sql_join){
			.embed = embed,
			.parent = alias,
			.alias = ++sql->aliases,
			.column = *column,
			.found = *column + own_columns(&embed->query),
		};
		*column = join->found + 1;
		list_joins(sql, &embed->query, join->alias, column);
	}
}

static void write_joined_columns(struct sql *sql)
{
	size_t own = sql->alias;
	for (size_t i = 0; i < sql->join_count; i++) {
		const struct sql_join *join = &sql->joins[i];
		sql->alias = join->alias;
		buf_append_byte(&sql->text, ',');
		sql_write_fetch(sql, &join->embed->query);
		buf_append_byte(&sql->text, ',');
		sql_write_column(sql, join->alias, join->embed->relation->to_fields.items[0]);
	}
	sql->alias = own;
}

static void write_joined_tables(struct sql *sql)
{
	size_t own = sql->alias;
	for (size_t i = 0; i < sql->join_count; i++) {
		const struct sql_join *join = &sql->joins[i];
		sql->alias = join->alias;
		sql_write(sql, STR(" LEFT JOIN "));
		sql_write_table(sql, join->embed->relation->to);
		sql_write(sql, STR(" ON "));
		sql_write_join(sql, join->embed->relation, join->alias, join->parent);
		sql_open(sql, OPEN_OPERATOR + OPEN_PARENTHESIS);
		sql_write_where(sql, &join->embed->query, STR(" AND ("));
		sql_close(sql, OPEN_OPERATOR + OPEN_PARENTHESIS);
		sql_write(sql, join->embed->query.where != NULL ? STR(")") : STR(""));
	}
	sql->alias = own;
}

/* ---- statements ---- */

/* `SELECT columns FROM`, with an alias for the table where it needs one. */
static void begin_rows(struct sql *sql, const struct query *query, bool other_tables)
{
	sql->today = query->today;
	bool joins = sql->dialect->joins && own_columns(query) < SQL_JOINED_COLUMNS && has_joins(query);
	if (other_tables || joins || sql_query_has_tables(query)) {
		sql->alias = ++sql->aliases;
	}
	if (joins) {
		size_t column = own_columns(query);
		list_joins(sql, query, sql->alias, &column);
	}
	sql_write(sql, query->distinct ? STR("SELECT DISTINCT ") : STR("SELECT "));
	sql_write_fetch(sql, query);
	write_joined_columns(sql);
	sql_write(sql, STR(" FROM "));
}

/* All but order and range. */
static void write_rows(struct sql *sql, const struct query *query)
{
	begin_rows(sql, query, false);
	sql_write_table(sql, query->resource);
	write_joined_tables(sql);
	sql_write_where(sql, query, STR(" WHERE "));
	sql_write_groups(sql, query, STR(" GROUP BY "));
}

void sql_select(struct sql *sql, const struct query *query)
{
	/* An order that says where nulls stand needs names for what is grouped. */
	bool named = query->action == QUERY_LIST && query->order_count > 0 &&
		(query->grouped || query->distinct) && !sql->dialect->nulls_placement;
	sql->names_columns = named;
	sql_write(sql, named ? STR("SELECT * FROM (") : STR(""));
	write_rows(sql, query);
	sql_write(sql, named ? STR(") AS _0") : STR(""));
	if (query->action == QUERY_LIST) {
		sql_write_order(sql, query, STR(" ORDER BY "));
		write_range(sql, query);
	}
}

void sql_embed(struct sql *sql, const struct query_embed *embed, const struct value *keys)
{
	const struct relation *relation = embed->relation;
	const struct field_list *fields = sql_holder_fields(relation);
	const struct query *query = &embed->query;
	size_t holder = 0;
	begin_rows(sql, query, relation->junction != NULL);
	sql_write_related(sql, relation, &holder);
	write_joined_tables(sql);
	sql->keys_at = sql->param_count;
	for (size_t i = 0; i < fields->count; i++) {
		sql_write(sql, i > 0 ? STR(" AND ") : STR(" WHERE "));
		sql_write_column(sql, holder, fields->items[i]);
		buf_append_byte(&sql->text, '=');
		sql_param(sql, fields->items[i], &keys[i]);
	}
	if (query->where != NULL) {
		sql_open(sql, OPEN_OPERATOR + OPEN_PARENTHESIS);
		sql_write_where(sql, query, STR(" AND ("));
		sql_close(sql, OPEN_OPERATOR + OPEN_PARENTHESIS);
		buf_append_byte(&sql->text, ')');
	}
	sql_write_groups(sql, query, STR(" GROUP BY "));
	sql_write_order(sql, query, STR(" ORDER BY "));
	write_range(sql, query);
}

void sql_count(struct sql *sql, const struct query *query)
{
	sql->today = query->today;
	sql_write(sql, STR("SELECT count(*) FROM "));
	if (query->grouped || query->distinct) {
		sql->names_columns = sql->dialect->derived_names;
		buf_append_byte(&sql->text, '(');
		write_rows(sql, query);
		sql_write(sql, sql->names_columns ? STR(") AS _0") : STR(")"));
		return;
	}
	if (sql_cond_has_tables(query->where)) {
		sql->alias = ++sql->aliases;
	}
	sql_write_table(sql, query->resource);
	sql_write_where(sql, query, STR(" WHERE "));
}
