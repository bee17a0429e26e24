#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "store/sqlite_priv.h"

enum { MESSAGE_BYTES = 65536, PROBE_ROWS = 1000, NAME_BYTES = 256 };

static bool is_full(int number)
{
	return number == EDQUOT || number == EFBIG || number == ENOSPC;
}

/* A function of a statement failed: one of ours, or SQLite's sum(). */
static bool fail_function(const struct sqlite_conn *conn, struct error *error)
{
	struct error *kept = conn->function_error;
	if (kept->code != ERROR_NONE) {
		if (error != NULL) {
			*error = *kept;
		}
		kept->code = ERROR_NONE;
		return false;
	}
	if (strcmp(sqlite3_errmsg(conn->db), "integer overflow") == 0) {
		return error_set(error, ERROR_OUT_OF_RANGE, "a sum is out of range for type integer");
	}
	error_set(error, ERROR_STORE, NULL);
	return error_details(error, "%s", sqlite3_errstr(SQLITE_ERROR));
}

bool sqlite_fail(const struct sqlite_conn *conn, struct error *error)
{
	int rc = sqlite3_extended_errcode(conn->db);
	int number = sqlite3_system_errno(conn->db);
	switch (rc & 0xff) {
	case SQLITE_FULL:
		return error_set(error, ERROR_STORE_FULL, NULL);
	case SQLITE_ERROR:
		return fail_function(conn, error);
	case SQLITE_INTERRUPT:
		return error_set(error, ERROR_DEADLINE_NOT_WRITTEN, NULL);
	case SQLITE_TOOBIG:
		return error_set(error, ERROR_TOO_LONG, "The query or a value is too large for the store");
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		error_set(error, ERROR_OVERLOADED, "The database is locked");
		break;
	case SQLITE_IOERR:
		if (is_full(number)) {
			return error_set(error, ERROR_STORE_FULL, NULL);
		}
		error_set(error, ERROR_STORE, NULL);
		break;
	default:
		error_set(error, ERROR_STORE, NULL);
		break;
	}
	return error_details(error, "%s", sqlite3_errstr(rc));
}

bool sqlite_is_final(const struct sqlite_conn *conn, enum sqlite_phase phase)
{
	int rc = sqlite3_extended_errcode(conn->db);
	if (rc == SQLITE_IOERR_FSYNC || rc == SQLITE_IOERR_DIR_FSYNC) {
		return true;
	}
	switch (phase) {
	case PHASE_RUN:
		/* Nothing was promised yet; it may have been a read. */
		return false;
	case PHASE_COMMIT:
		/* SQLite keeps no errno of a commit; sqlite_vfs.c tells a full disk apart. */
		return (rc & 0xff) == SQLITE_IOERR;
	case PHASE_CHECKPOINT:
		return (rc & 0xff) == SQLITE_IOERR && !is_full(sqlite3_system_errno(conn->db));
	}
	return true;
}

/* Is there a row of `table` with these values, for which `where` is true? NULL: any. */
static bool has_row(struct sqlite_conn *conn, struct str table, const struct str *columns,
					const struct value *values, size_t count, const struct cond *where)
{
	struct buf text;
	buf_init(&text, MESSAGE_BYTES);
	buf_append(&text, STR("SELECT 1 FROM "));
	sql_put_name(&sql_dialect_sqlite, table, &text);
	for (size_t i = 0; i < count; i++) {
		buf_append(&text, i > 0 ? STR(" AND ") : STR(" WHERE "));
		sql_put_name(&sql_dialect_sqlite, columns[i], &text);
		buf_append(&text, STR("=?"));
	}
	if (where != NULL) {
		buf_append(&text, STR(" AND ("));
		sql_condition(&sql_dialect_sqlite, where, &text);
		buf_append_byte(&text, ')');
	}
	buf_append(&text, STR(" LIMIT 1"));
	struct sqlite_statement *statement = text.failed
		? NULL
		: sqlite_conn_prepare(conn, buf_str(&text), NULL);
	buf_finish(&text);
	bool found = statement != NULL;
	for (size_t i = 0; i < count && found; i++) {
		found = sqlite_bind(statement->stmt, (int)i + 1, &values[i]) == SQLITE_OK;
	}
	found = found && sqlite3_step(statement->stmt) == SQLITE_ROW;
	sqlite_conn_release(conn, statement);
	return found;
}

/* ---- which constraint ---- */

/* `table.a, table.b`, as SQLite names the columns of a unique index. */
static bool names_columns(struct str text, const struct resource *resource,
						  const struct field_list *fields)
{
	struct buf want;
	buf_init(&want, MESSAGE_BYTES);
	for (size_t i = 0; i < fields->count; i++) {
		buf_append(&want, i > 0 ? STR(", ") : STR(""));
		buf_append(&want, resource->name);
		buf_append_byte(&want, '.');
		buf_append(&want, fields->items[i]->name);
	}
	bool same = str_equal(text, buf_str(&want));
	buf_finish(&want);
	return same;
}

/* The values of these fields in the row that was refused; NULL when one is not known. */
static const struct value *row_values(const struct query *query, size_t row,
									  const struct field_list *fields, struct value *values)
{
	for (size_t i = 0; i < fields->count; i++) {
		const struct value *value = query_value(query, row, fields->items[i]);
		if (value == NULL || value->kind == VALUE_ABSENT) {
			return NULL;
		}
		values[i] = *value;
	}
	return values;
}

/* Has another row of the rule the values of the refused one? */
static bool meets_row(struct sqlite_conn *conn, const struct resource *resource,
					  const struct unique_rule *rule, const struct value *values)
{
	struct str *columns = alloc_zeroed(rule->fields.count, sizeof(*columns));
	for (size_t i = 0; i < rule->fields.count; i++) {
		columns[i] = rule->fields.items[i]->name;
	}
	bool met = values != NULL &&
		has_row(conn, resource->name, columns, values, rule->fields.count, rule->cond);
	free(columns);
	return met;
}

/* SQLite names columns, which several rules may be about, each for some rows. Then it is the first
 * of them that has such a row, or else the first. */
static bool fail_unique(struct sqlite_conn *conn, const struct query *query, size_t row,
						struct str message, struct error *error)
{
	const struct resource *resource = query->resource;
	struct value *values = alloc_zeroed(resource->field_count, sizeof(*values));
	struct buf columns; /* SQLite's own text goes with the next statement */
	buf_init(&columns, MESSAGE_BYTES);
	buf_append(&columns, message);
	bool met = names_columns(buf_str(&columns), resource, &resource->key);
	bool found = met;
	if (met) {
		constraint_key(error, resource, row_values(query, row, &resource->key, values));
	}
	for (size_t i = 0; i < resource->unique_count && !met; i++) {
		const struct unique_rule *rule = &resource->uniques[i];
		if (!names_columns(buf_str(&columns), resource, &rule->fields)) {
			continue;
		}
		const struct value *known = row_values(query, row, &rule->fields, values);
		met = meets_row(conn, resource, rule, known);
		if (met || !found) {
			constraint_unique(error, rule->name, &rule->fields, known);
		}
		found = true;
	}
	buf_finish(&columns);
	free(values);
	/* An index that the model does not know is named as SQLite names its columns. */
	return found ? false : error_set(error, ERROR_UNIQUE, NULL);
}

static bool fail_not_null(const struct query *query, struct str column, struct error *error)
{
	const struct resource *resource = query->resource;
	struct str name = str_slice(column, resource->name.len + 1, column.len);
	for (size_t i = 0; i < resource->field_count; i++) {
		if (str_equal(name, resource->fields[i].name)) {
			return constraint_not_null(error, resource, &resource->fields[i]);
		}
	}
	return error_set(error, ERROR_NOT_NULL, NULL);
}

static bool is_one_of(char c, struct str characters)
{
	return str_find(characters, c, 0) < characters.len;
}

/* Does `sql` go on, behind white space, with this name, plain or in quotes? */
static bool goes_on_with(struct str sql, struct str name)
{
	sql = str_trim(sql);
	bool quoted = sql.len > 0 && is_one_of(sql.ptr[0], STR("\"`['"));
	sql = str_slice(sql, quoted ? 1 : 0, sql.len);
	return name.len > 0 && sql.len > name.len && str_starts_with(sql, name) &&
		is_one_of(sql.ptr[name.len], quoted ? STR("\"`]'") : STR(" \t\r\n("));
}

/* Is there a `CONSTRAINT name` in the table's text? */
static bool is_constraint(struct sqlite_conn *conn, struct str table, struct str name)
{
	static const struct str word = STR_INIT("CONSTRAINT");
	struct sqlite_statement *statement = sqlite_conn_prepare(
		conn, STR("SELECT sql FROM sqlite_schema WHERE name=?1"), NULL);
	const struct value value = {.kind = VALUE_TEXT, .text = table};
	bool found = false;
	if (statement != NULL && sqlite_bind(statement->stmt, 1, &value) == SQLITE_OK &&
		sqlite3_step(statement->stmt) == SQLITE_ROW) {
		const char *ptr = (const char *)sqlite3_column_text(statement->stmt, 0);
		struct str sql = {ptr == NULL ? "" : ptr, (size_t)sqlite3_column_bytes(statement->stmt, 0)};
		for (size_t i = 0; i + word.len < sql.len && !found; i++) {
			found = str_equal_nocase(str_slice(sql, i, i + word.len), word) &&
				goes_on_with(str_slice(sql, i + word.len, sql.len), name);
		}
	}
	sqlite_conn_release(conn, statement);
	return found;
}

/* The model's checks have names, `<table>_<field>_check`, and an existing table's may have some;
 * that of any other is a condition, which is nobody's business. */
static bool fail_check(struct sqlite_conn *conn, const struct query *query, struct str message,
					   struct error *error)
{
	char copy[NAME_BYTES];
	struct str name = {copy, message.len < sizeof(copy) ? message.len : sizeof(copy)};
	memcpy(copy, message.ptr, name.len); /* SQLite's own text goes with the next statement */
	const struct resource *resource = query->resource;
	struct str rest = str_slice(name, resource->name.len + 1, name.len);
	for (size_t i = 0; i < resource->field_count && str_starts_with(name, resource->name); i++) {
		struct str field = resource->fields[i].name;
		if (str_starts_with(rest, field) &&
			str_equal(str_slice(rest, field.len, rest.len), STR("_check"))) {
			return constraint_check(error, resource, &resource->fields[i]);
		}
	}
	for (size_t i = 0; i < resource->check_count; i++) {
		if (str_equal(name, resource->checks[i].name)) {
			return constraint_rule(error, resource, name);
		}
	}
	if (is_constraint(conn, resource->name, name)) {
		return constraint_rule(error, resource, name);
	}
	return error_set(error, ERROR_CHECK, NULL);
}

bool sqlite_fail_write(struct sqlite_conn *conn, const struct query *query, size_t row,
					   struct error *error)
{
	int rc = sqlite3_extended_errcode(conn->db);
	if ((rc & 0xff) != SQLITE_CONSTRAINT) {
		return sqlite_fail(conn, error);
	}
	/* `KIND constraint failed: what` */
	struct str what = str_from(sqlite3_errmsg(conn->db));
	what = str_slice(what, str_find(what, ':', 0) + 2, what.len);
	switch (rc) {
	case SQLITE_CONSTRAINT_PRIMARYKEY:
	case SQLITE_CONSTRAINT_ROWID:
	case SQLITE_CONSTRAINT_UNIQUE:
		return fail_unique(conn, query, row, what, error);
	case SQLITE_CONSTRAINT_NOTNULL:
		return fail_not_null(query, what, error);
	case SQLITE_CONSTRAINT_CHECK:
		return fail_check(conn, query, what, error);
	case SQLITE_CONSTRAINT_TRIGGER:
		/* RAISE in a trigger: its text is meant for whoever wrote the row. */
		return error_set(error, ERROR_CHECK, "%s", sqlite3_errmsg(conn->db));
	case SQLITE_CONSTRAINT_DATATYPE:
		return error_set(error, ERROR_VALUE, "a value does not fit the type of its column");
	case SQLITE_CONSTRAINT_FOREIGNKEY:
		return error_set(error, ERROR_REFERENCE, NULL);
	default:
		return sqlite_fail(conn, error);
	}
}

/* ---- which foreign key ---- */

/* The fields of a resource by their names, and room for a value of each. */
struct probe {
	const struct sqlite_reference *reference;
	struct field_list fields;
	struct value *values;
};

static void probe_init(struct probe *probe, const struct sqlite_reference *reference,
					   const struct resource *resource, const struct str *names)
{
	probe->reference = reference;
	probe->values = alloc_zeroed(reference->count, sizeof(*probe->values));
	probe->fields.items = alloc_zeroed(reference->count, sizeof(const struct field *));
	probe->fields.count = reference->count;
	for (size_t i = 0; i < reference->count; i++) {
		probe->fields.items[i] = resource_field(resource, names[i]);
	}
}

static void probe_finish(struct probe *probe)
{
	free(probe->values);
	free((void *)probe->fields.items);
}

static struct constraint_reference probe_failed(const struct probe *probe)
{
	const struct sqlite_reference *reference = probe->reference;
	return (struct constraint_reference){reference->name, reference->child, reference->parent,
										 probe->fields};
}

/* Would a row of the request have been what the probe looks for? */
static bool is_given(const struct query *query, const struct probe *probe)
{
	const struct sqlite_reference *reference = probe->reference;
	bool is_self = str_equal(reference->parent, query->resource->name);
	bool found = false;
	for (size_t row = 0; is_self && row < query->row_count && !found; row++) {
		size_t same = 0;
		for (size_t i = 0; i < reference->count; i++) {
			const struct field *field = resource_field(query->resource,
													   reference->parent_fields[i]);
			const struct value *value = query_value(query, row, field);
			same += value != NULL && value->kind == probe->values[i].kind &&
				value_compare(value, &probe->values[i]) == 0;
		}
		found = same == reference->count;
	}
	return found;
}

/* Does the request's row refer to one that is not there? */
static bool is_missing(struct sqlite_conn *conn, const struct query *query, size_t row,
					   struct probe *probe)
{
	for (size_t i = 0; i < probe->fields.count; i++) {
		const struct value *value = query_value(query, row, probe->fields.items[i]);
		if (value == NULL || value->kind == VALUE_ABSENT || value->kind == VALUE_NULL) {
			return false;
		}
		probe->values[i] = *value;
	}
	const struct sqlite_reference *reference = probe->reference;
	return !is_given(query, probe) &&
		!has_row(conn, reference->parent, reference->parent_fields, probe->values, reference->count,
				 NULL);
}

/* A row that the request writes refers to one that is not there. */
static bool find_missing(struct sqlite_conn *conn, const struct sqlite_store *store,
						 const struct query *query, struct error *error)
{
	bool found = false;
	for (size_t i = 0; i < store->reference_count && !found; i++) {
		const struct sqlite_reference *reference = &store->references[i];
		struct probe probe;
		if (!str_equal(reference->child, query->resource->name)) {
			continue;
		}
		probe_init(&probe, reference, query->resource, reference->child_fields);
		for (size_t row = 0; row < query->row_count && !found; row++) {
			found = is_missing(conn, query, row, &probe);
		}
		if (found) {
			const struct constraint_reference failed = probe_failed(&probe);
			constraint_missing(error, &failed, probe.values);
		}
		probe_finish(&probe);
	}
	return found;
}

/* An update gives some of the fields; what the others are in its rows is not known. */
static bool find_given(const struct sqlite_store *store, const struct query *query,
					   struct error *error)
{
	bool found = false;
	for (size_t i = 0; i < store->reference_count && !found; i++) {
		const struct sqlite_reference *reference = &store->references[i];
		struct probe probe;
		if (!str_equal(reference->child, query->resource->name)) {
			continue;
		}
		probe_init(&probe, reference, query->resource, reference->child_fields);
		for (size_t k = 0; k < query->given.count * reference->count && !found; k++) {
			found = query->given.items[k / reference->count] ==
				probe.fields.items[k % reference->count];
		}
		if (found) {
			const struct constraint_reference failed = probe_failed(&probe);
			constraint_missing(error, &failed, NULL);
		}
		probe_finish(&probe);
	}
	return found;
}

/* The values of the probe's fields in rows that match. Only the first PROBE_ROWS are looked at: it
 * is about the text of a message. */
static struct sqlite_statement *select_probed(struct sqlite_conn *conn,
											  const struct resource *resource,
											  const struct cond *where, const struct probe *probe,
											  struct query_fetch *fetch)
{
	for (size_t i = 0; i < probe->fields.count; i++) {
		const struct field *field = probe->fields.items[i];
		fetch[i] = (struct query_fetch){.term = {.field = field}, .type = field};
	}
	const struct query_order order = {.term = {.field = probe->fields.items[0]}};
	const struct query rows = {
		.action = QUERY_LIST,
		.resource = resource,
		.where = where,
		.fetch = fetch,
		.fetch_count = probe->fields.count,
		.order = &order,
		.order_count = 1,
		.limit = PROBE_ROWS,
	};
	sql_clear(&conn->sql);
	sql_select(&conn->sql, &rows);
	return sqlite_conn_prepare_sql(conn, NULL);
}

/* Would the request take the probe's values from a row that has them? */
static bool takes_values(const struct query *query, size_t row, const struct probe *probe)
{
	if (query->action == QUERY_DELETE) {
		return true;
	}
	for (size_t i = 0; i < query->given.count * probe->fields.count; i++) {
		const struct field *field = query->given.items[i / probe->fields.count];
		const struct value *given =
			&query->values[row * query->given.count + i / probe->fields.count];
		const struct value *had = &probe->values[i % probe->fields.count];
		bool kept = given->kind == VALUE_ABSENT ||
			(query->action == QUERY_UPSERT && field->write == WRITE_ONCE);
		if (field == probe->fields.items[i % probe->fields.count] && !kept &&
			(given->kind != had->kind || value_compare(given, had) != 0)) {
			return true;
		}
	}
	return false;
}

/* Is one of the rows that match, which row `row` of the request changes, still referred to? */
static bool is_used(struct sqlite_conn *conn, const struct query *query, const struct cond *where,
					size_t row, struct probe *probe, struct error *error)
{
	const struct sqlite_reference *reference = probe->reference;
	struct query_fetch *fetch = alloc_zeroed(reference->count, sizeof(*fetch));
	struct sqlite_statement *statement = select_probed(conn, query->resource, where, probe, fetch);
	bool found = false;
	while (statement != NULL && !found && sqlite3_step(statement->stmt) == SQLITE_ROW) {
		for (size_t i = 0; i < reference->count; i++) {
			sqlite_column(statement, (int)i, probe->fields.items[i], &probe->values[i]);
		}
		found = takes_values(query, row, probe) &&
			has_row(conn, reference->child, reference->child_fields, probe->values,
					reference->count, NULL);
	}
	if (found) {
		const struct constraint_reference failed = probe_failed(probe);
		constraint_used(error, &failed, probe->values);
	}
	sqlite_conn_release(conn, statement);
	free(fetch);
	return found;
}

/* The same for the row that a row of an upsert meets. */
static bool is_met_used(struct sqlite_conn *conn, const struct query *query, size_t row,
						struct probe *probe, struct error *error)
{
	const struct field_list *fields = &query->conflict;
	struct cond *leaves = alloc_zeroed(fields->count, sizeof(*leaves));
	const struct cond **children = alloc_zeroed(fields->count + 1, sizeof(const struct cond *));
	size_t count = fields->count;
	bool known = true;
	for (size_t i = 0; i < fields->count && known; i++) {
		const struct value *value = query_value(query, row, fields->items[i]);
		known = value != NULL && value->kind != VALUE_ABSENT;
		leaves[i] = (struct cond){
			.kind = COND_COMPARE, .field = fields->items[i], .op = OPERATOR_EQ};
		leaves[i].operand.parameter = -1;
		if (known) {
			leaves[i].operand.value = *value;
		}
		children[i] = &leaves[i];
	}
	if (query->conflict_where != NULL) {
		children[count++] = query->conflict_where;
	}
	const struct cond met = {.kind = COND_AND, .children = children, .child_count = count};
	bool found = known && is_used(conn, query, &met, row, probe, error);
	free((void *)children);
	free(leaves);
	return found;
}

/* A row that the request deletes, or whose values it changes, is still referred to. */
static bool find_used(struct sqlite_conn *conn, const struct sqlite_store *store,
					  const struct query *query, struct error *error)
{
	bool upserts = query->action == QUERY_UPSERT;
	bool found = false;
	for (size_t i = 0; i < store->reference_count && !found; i++) {
		const struct sqlite_reference *reference = &store->references[i];
		struct probe probe;
		if (!str_equal(reference->parent, query->resource->name)) {
			continue;
		}
		probe_init(&probe, reference, query->resource, reference->parent_fields);
		for (size_t row = 0; upserts && row < query->row_count && !found; row++) {
			found = is_met_used(conn, query, row, &probe, error);
		}
		found = found || (!upserts && is_used(conn, query, query->where, 0, &probe, error));
		probe_finish(&probe);
	}
	return found;
}

bool sqlite_fail_reference(struct sqlite_conn *conn, const struct sqlite_store *store,
						   const struct query *query, struct error *error)
{
	bool writes = query->action != QUERY_DELETE;
	bool changes = query->action != QUERY_INSERT;
	if ((!writes || !find_missing(conn, store, query, error)) &&
		(!changes || !find_used(conn, store, query, error)) &&
		(query->action != QUERY_UPDATE || !find_given(store, query, error))) {
		error_set(error, ERROR_REFERENCE, NULL);
	}
	return false;
}
