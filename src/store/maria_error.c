#include <errmsg.h>
#include <mysqld_error.h>
#include <openssl/err.h>
#include <string.h>

#include "base/alloc.h"
#include "store/maria_priv.h"

void maria_clear_tls(const struct maria_store *store)
{
	if (store->url.tls != MARIA_TLS_OFF) {
		ERR_clear_error();
	}
}

void maria_failed(struct maria_conn *conn, MYSQL_STMT *stmt)
{
	struct maria_failure *failure = &conn->failure;
	/* What is wrong with a row that is fetched, the connection alone may say. */
	bool own = stmt != NULL && mysql_stmt_errno(stmt) != 0;
	failure->number = own ? mysql_stmt_errno(stmt) : mysql_errno(conn->db);
	snprintf(failure->message, sizeof(failure->message), "%s",
			 own ? mysql_stmt_error(stmt) : mysql_error(conn->db));
	if (failure->number == 0) {
		failure->number = CR_UNKNOWN_ERROR;
	}
	if (conn->timed_out || maria_is_lost(failure->number)) {
		conn->state = MARIA_BROKEN;
	}
	maria_clear_tls(conn->session->store);
}

bool maria_is_lost(unsigned number)
{
	switch (number) {
	case ER_CONNECTION_KILLED:
	case ER_SERVER_SHUTDOWN:
	case ER_NORMAL_SHUTDOWN:
	case ER_NET_PACKET_TOO_LARGE:
	case ER_NET_READ_ERROR:
	case ER_NET_READ_INTERRUPTED:
	case ER_NET_ERROR_ON_WRITE:
	case ER_NET_WRITE_INTERRUPTED:
	case ER_NET_PACKETS_OUT_OF_ORDER:
	case ER_NET_UNCOMPRESS_ERROR:
	case ER_NET_FCNTL_ERROR:
	case ER_NEW_ABORTING_CONNECTION:
		return true;
	default:
		/* All that libmariadb finds wrong itself. */
		return number >= CR_MIN_ERROR && number < CR_MIN_ERROR + 1000;
	}
}

/* ---- names in messages ---- */

/* The index of `… for key 'NAME'`, which ends the message: the entry before it and the name may
 * hold quotes. "" when there is none. */
static struct str find_key(struct str message)
{
	const struct str before = STR("for key '");
	size_t end = message.len - (str_ends_with(message, STR("'")) ? 1 : 0);
	for (size_t at = message.len; at-- > 0;) {
		if (str_starts_with(str_slice(message, at, message.len), before)) {
			return str_slice(message, at + before.len, end);
		}
	}
	return (struct str){"", 0};
}

/* The text behind the first `before`, up to the next `end`; "" when there is none. */
static struct str find_first(struct str message, struct str before, char end)
{
	for (size_t at = 0; at < message.len; at++) {
		struct str rest = str_slice(message, at, message.len);
		if (str_starts_with(rest, before)) {
			rest = str_slice(rest, before.len, rest.len);
			return str_slice(rest, 0, str_find(rest, end, 0));
		}
	}
	return (struct str){"", 0};
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

/* ---- which constraint ---- */

/* Is `name` these three in a row, as sql_schema() shortens them? */
static bool is_name(struct str name, struct str a, struct str b, struct str c)
{
	struct buf text;
	buf_init(&text, SIZE_MAX);
	buf_append(&text, a);
	buf_append(&text, b);
	buf_append(&text, c);
	sql_shorten_name(&sql_dialect_maria, &text);
	bool same = str_equal(buf_str(&text), name);
	buf_finish(&text);
	return same;
}

/* `RESOURCE.RULE`, as sql_schema() names the index, or RULE as an existing table has it. */
static bool names_rule(struct str key, const struct resource *resource, struct str rule)
{
	return str_equal(key, rule) || is_name(key, resource->name, STR("."), rule);
}

bool maria_failed_rule(const struct maria_conn *conn, const struct query *query,
					   const struct unique_rule *rule)
{
	struct str message = str_from(conn->failure.message);
	return conn->failure.number == ER_DUP_ENTRY &&
		names_rule(find_key(message), query->resource, rule->name);
}

/* Duplicate entry '1-2' for key 'PRIMARY'. The entry is a client's text and may hold anything. */
static bool fail_unique(const struct query *query, size_t row, struct str message,
						struct error *error)
{
	struct str key = find_key(message);
	const struct resource *resource = query->resource;
	struct value *values = alloc_zeroed(resource->field_count, sizeof(*values));
	bool found = str_equal(key, STR("PRIMARY")) && resource->key.count > 0;
	if (found) {
		constraint_key(error, resource, row_values(query, row, &resource->key, values));
	}
	for (size_t i = 0; i < resource->unique_count && !found; i++) {
		const struct unique_rule *rule = &resource->uniques[i];
		found = names_rule(key, resource, rule->name);
		if (found) {
			constraint_unique(error, rule->name, &rule->fields,
							  row_values(query, row, &rule->fields, values));
		}
	}
	free(values);
	if (!found && key.len > 0) { /* one that a service file cannot hold */
		error_set(error, ERROR_UNIQUE, "duplicate key value violates unique constraint \"%.*s\"",
				  STR_ARG(key));
	} else if (!found) {
		error_set(error, ERROR_UNIQUE, NULL);
	}
	return false;
}

static bool holds_text(struct str text, struct str part)
{
	for (size_t i = 0; i + part.len <= text.len; i++) {
		if (str_starts_with(str_slice(text, i, text.len), part)) {
			return true;
		}
	}
	return false;
}

static void put_names(struct buf *text, const struct field_list *fields)
{
	buf_append_byte(text, '(');
	for (size_t i = 0; i < fields->count; i++) {
		buf_append(text, i > 0 ? STR(", ") : STR(""));
		sql_put_name(&sql_dialect_maria, fields->items[i]->name, text);
	}
	buf_append_byte(text, ')');
}

/* Does the message name this foreign key of the child? One of an existing table has a name that the
 * model does not know; then it is the one over these columns:
 * `child`, CONSTRAINT `name` FOREIGN KEY (`a`, `b`) REFERENCES `parent` (`x`, `y`) */
static bool names_reference(struct str message, const struct resource *child,
							const struct reference *reference)
{
	struct str name = find_first(message, STR("CONSTRAINT `"), '`');
	if (is_name(name, reference->name, STR(""), STR(""))) {
		return true;
	}
	struct buf text;
	buf_init(&text, SIZE_MAX);
	sql_put_name(&sql_dialect_maria, child->name, &text);
	buf_append(&text, STR(", CONSTRAINT `"));
	bool found = holds_text(message, buf_str(&text));
	buf_clear(&text);
	buf_append(&text, STR("FOREIGN KEY "));
	put_names(&text, &reference->fields);
	buf_append(&text, STR(" REFERENCES "));
	sql_put_name(&sql_dialect_maria, reference->target->name, &text);
	buf_append_byte(&text, ' ');
	put_names(&text, &reference->target_fields);
	found = found && holds_text(message, buf_str(&text));
	buf_finish(&text);
	return found;
}

/* … (`db`.`child`, CONSTRAINT `name` FOREIGN KEY … : a row of `query` refers to none. */
static bool fail_missing(const struct query *query, size_t row, struct str message,
						 struct error *error)
{
	const struct resource *resource = query->resource;
	for (size_t i = 0; i < resource->reference_count; i++) {
		const struct reference *reference = &resource->references[i];
		if (names_reference(message, resource, reference)) {
			const struct constraint_reference failed = {
				.name = reference->name,
				.child = resource->name,
				.parent = reference->target->name,
				.fields = reference->fields,
			};
			struct value *values = alloc_zeroed(reference->fields.count, sizeof(*values));
			constraint_missing(error, &failed, row_values(query, row, &reference->fields, values));
			free(values);
			return false;
		}
	}
	return error_set(error, ERROR_REFERENCE, NULL);
}

const struct relation *maria_failed_relation(const struct maria_conn *conn,
											 const struct query *query)
{
	struct str message = str_from(conn->failure.message);
	const struct resource *resource = query->resource;
	for (size_t i = 0; i < resource->relation_count; i++) {
		const struct relation *relation = &resource->relations[i];
		const struct reference *reference = relation->reference;
		if (conn->failure.number == ER_ROW_IS_REFERENCED_2 && reference != NULL &&
			reference->target == resource && names_reference(message, relation->to, reference) &&
			relation->from_fields.items[0] == reference->target_fields.items[0]) {
			return relation;
		}
	}
	return NULL;
}

/* The same from the other end: the row of `query` is referred to. Which values it had, the query
 * tells only when it pins them. */
static bool fail_used(const struct maria_conn *conn, const struct query *query, struct error *error)
{
	const struct relation *relation = maria_failed_relation(conn, query);
	const struct resource *holds = query->resource->holds;
	if (relation == NULL && holds != NULL &&
		names_reference(str_from(conn->failure.message), holds, &holds->references[0])) {
		const struct constraint_reference failed = {
			.child = holds->name,
			.parent = query->resource->name,
			.fields = query->resource->key,
		};
		return constraint_used(error, &failed, NULL);
	}
	if (relation == NULL) {
		return error_set(error, ERROR_REFERENCE, NULL);
	}
	const struct constraint_reference failed = {
		.name = relation->reference->name,
		.child = relation->to->name,
		.parent = query->resource->name,
		.fields = relation->reference->target_fields,
	};
	return constraint_used(error, &failed, NULL);
}

/* Column 'x' cannot be null; Field 'x' doesn't have a default value */
static bool fail_not_null(const struct query *query, struct str message, struct error *error)
{
	struct str name = find_first(message, STR("'"), '\'');
	const struct field *field = resource_field(query->resource, name);
	return field != NULL ? constraint_not_null(error, query->resource, field)
						 : error_set(error, ERROR_NOT_NULL, NULL);
}

/* CONSTRAINT `name` failed for `db`.`table` */
static bool fail_check(const struct query *query, struct str message, struct error *error)
{
	struct str name = find_first(message, STR("CONSTRAINT `"), '`');
	const struct resource *resource = query->resource;
	for (size_t i = 0; i < resource->field_count; i++) {
		struct buf begin;
		buf_init(&begin, SIZE_MAX);
		buf_append(&begin, resource->name);
		buf_append_byte(&begin, '_');
		bool found = is_name(name, buf_str(&begin), resource->fields[i].name, STR("_check"));
		buf_finish(&begin);
		if (found) {
			return constraint_check(error, resource, &resource->fields[i]);
		}
	}
	for (size_t i = 0; i < resource->check_count; i++) {
		if (is_name(name, resource->checks[i].name, STR(""), STR(""))) {
			name = resource->checks[i].name;
		}
	}
	return error_set(error, ERROR_CHECK,
					 "new row for relation \"%.*s\" violates check constraint \"%.*s\"",
					 STR_ARG(resource->name), STR_ARG(name));
}

static bool fail_constraint(const struct maria_conn *conn, const struct query *query, size_t row,
							struct error *error)
{
	const struct maria_failure *failure = &conn->failure;
	struct str message = str_from(failure->message);
	switch (failure->number) {
	case ER_DUP_ENTRY:
		return fail_unique(query, row, message, error);
	case ER_NO_REFERENCED_ROW_2:
		return fail_missing(query, row, message, error);
	case ER_ROW_IS_REFERENCED_2:
		return fail_used(conn, query, error);
	case ER_BAD_NULL_ERROR:
	case ER_NO_DEFAULT_FOR_FIELD:
		return fail_not_null(query, message, error);
	case ER_CONSTRAINT_FAILED:
		return fail_check(query, message, error);
	default:
		return false;
	}
}

/* ---- what it means ---- */

static enum error_code code_of(unsigned number)
{
	switch (number) {
	case ER_DUP_ENTRY:
		return ERROR_UNIQUE;
	case ER_NO_REFERENCED_ROW:
	case ER_NO_REFERENCED_ROW_2:
	case ER_ROW_IS_REFERENCED:
	case ER_ROW_IS_REFERENCED_2:
		return ERROR_REFERENCE;
	case ER_BAD_NULL_ERROR:
	case ER_NO_DEFAULT_FOR_FIELD:
		return ERROR_NOT_NULL;
	case ER_CONSTRAINT_FAILED:
	case ER_SIGNAL_EXCEPTION:
		return ERROR_CHECK;
	case ER_WARN_DATA_OUT_OF_RANGE:
	case ER_DATA_OUT_OF_RANGE:
		return ERROR_OUT_OF_RANGE;
	case ER_DATA_TOO_LONG:
		return ERROR_TOO_LONG;
	case ER_TRUNCATED_WRONG_VALUE:
	case ER_TRUNCATED_WRONG_VALUE_FOR_FIELD:
	case WARN_DATA_TRUNCATED:
		return ERROR_VALUE;
	case ER_REGEXP_ERROR:
		return ERROR_REGEX;
	case ER_STATEMENT_TIMEOUT:
	case ER_QUERY_INTERRUPTED:
		return ERROR_DEADLINE_NOT_WRITTEN;
	case ER_LOCK_WAIT_TIMEOUT:
	case ER_LOCK_DEADLOCK:
	case ER_CHECKREAD:
		return ERROR_OVERLOADED;
	case ER_DISK_FULL:
	case ER_RECORD_FILE_FULL:
		return ERROR_STORE_FULL;
	default:
		return ERROR_STORE;
	}
}

static bool is_constraint(enum error_code code)
{
	return code == ERROR_UNIQUE || code == ERROR_REFERENCE || code == ERROR_NOT_NULL ||
		code == ERROR_CHECK;
}

static bool fail_lost(const struct maria_conn *conn, struct error *error)
{
	if (conn->timed_out) {
		return error_set(error, conn->sent ? ERROR_DEADLINE_UNKNOWN : ERROR_DEADLINE_NOT_WRITTEN,
						 NULL);
	}
	error_set(error, conn->sent ? ERROR_STORE_UNKNOWN : ERROR_STORE_DOWN, NULL);
	return error_details(error, "%s", conn->failure.message);
}

enum maria_verdict maria_fail(struct maria_conn *conn, const struct query *query, size_t row,
							  struct error *error)
{
	const struct maria_failure *failure = &conn->failure;
	if (conn->state == MARIA_BROKEN) {
		fail_lost(conn, error);
		return MARIA_LOST;
	}
	if (failure->number == 0) {
		return MARIA_FAILED;
	}
	enum error_code code = code_of(failure->number);
	if (code == ERROR_REGEX) {
		error_set(error, code, "the regular expression costs too much");
	} else if (failure->number == ER_SIGNAL_EXCEPTION) {
		/* A trigger's text is meant for whoever wrote the row. */
		error_set(error, ERROR_CHECK, "%s", failure->message);
	} else if (is_constraint(code) && query != NULL) {
		fail_constraint(conn, query, row, error);
	} else {
		error_set(error, code, NULL);
		if (code == ERROR_STORE || code == ERROR_OVERLOADED) {
			error_details(error, "%s", failure->message);
		}
	}
	return code == ERROR_OVERLOADED ? MARIA_AGAIN : MARIA_FAILED;
}
