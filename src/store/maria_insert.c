/*
 * DESIGN. Each row of an upsert is inserted; the server says what it meets. Where the target is the
 * table's only unique key, one statement does all of it. Elsewhere the INSERT fails: the row that
 * the target leads to is locked and changed, and when there is none, the row met another key, which
 * is an error.
 *
 * InnoDB checks foreign keys at once, and rows of one request may refer to each other in any order:
 * a row whose reference to its own table is not there yet is written with nulls in its place, and
 * gets it when all rows are there.
 *
 * Rows are written in the order of their keys, where that changes nothing else, so that two writers
 * seldom wait for each other in a circle.
 */
#include <mysqld_error.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "model/relations.h"
#include "query/cond.h"
#include "store/maria_bulk.h"
#include "store/maria_write.h"

enum { BULK_LEAST = 4 };

/* A row that waits for what it refers to. */
struct late {
	struct value *key;       /* arena */
	struct field_list given; /* its own references; arena */
	struct value *values;    /* arena */
	struct late *next;
};

struct insert {
	struct maria_write *write;
	bool at_once;      /* INSERT … ON DUPLICATE KEY UPDATE */
	bool refers;       /* to its own table */
	bool alone;        /* one row: what it refers to must be there */
	struct value *row; /* of given.count: the row with nulls in place of own references */
	struct value *key; /* of key.count: of the row that was written last */
	struct late *first, *last;
};

/* What a row became. */
struct outcome {
	bool met;      /* a row that was there */
	bool has_made; /* the store made its key */
	int64_t made;
};

bool maria_is_own_reference(const struct resource *resource, const struct field *field)
{
	for (size_t i = 0; i < resource->reference_count; i++) {
		const struct reference *reference = &resource->references[i];
		for (size_t k = 0; reference->target == resource && k < reference->fields.count; k++) {
			if (reference->fields.items[k] == field && !field->required && !field->key) {
				return true;
			}
		}
	}
	return false;
}

bool maria_refers_to_itself(const struct resource *resource)
{
	bool found = false;
	for (size_t i = 0; i < resource->field_count && !found; i++) {
		found = maria_is_own_reference(resource, &resource->fields[i]);
	}
	return found;
}

static bool same_fields(const struct field_list *a, const struct field_list *b)
{
	bool same = a->count == b->count;
	for (size_t i = 0; i < a->count && same; i++) {
		same = false;
		for (size_t k = 0; k < b->count && !same; k++) {
			same = a->items[i] == b->items[k];
		}
	}
	return same;
}

bool maria_upserts_at_once(const struct maria_session *session, const struct query *query)
{
	const struct resource *resource = query->resource;
	const struct field_list *only = &resource->key;
	/* A rule that nobody described may be met as well. */
	if (session->store->foreign) {
		return false;
	}
	if (resource->key.count == 0 && resource->unique_count == 1) {
		only = &resource->uniques[0].fields;
	} else if (resource->unique_count > 0) {
		return false;
	}
	return query->conflict_where == NULL && same_fields(only, &query->conflict);
}

/* ---- keys ---- */

static size_t given_at(const struct query *query, const struct field *field)
{
	size_t at = 0;
	while (at < query->given.count && query->given.items[at] != field) {
		at++;
	}
	return at;
}

/* NULL: the row does not give it. */
static const struct value *given_value(const struct query *query, const struct value *row,
									   const struct field *field)
{
	size_t at = given_at(query, field);
	return at == query->given.count || row[at].kind == VALUE_ABSENT ? NULL : &row[at];
}

static bool makes_key(const struct query *query, const struct value *row)
{
	const struct field_list *key = &query->resource->key;
	return key->count == 1 && key->items[0]->type == TYPE_INTEGER &&
		given_value(query, row, key->items[0]) == NULL;
}

static void set_key(struct insert *insert, const struct value *row, const struct outcome *outcome)
{
	const struct query *query = &insert->write->part;
	const struct field_list *key = &query->resource->key;
	for (size_t i = 0; i < key->count && !outcome->met; i++) {
		const struct value *value = given_value(query, row, key->items[i]);
		insert->key[i] = value != NULL ? *value : key->items[i]->default_value;
		if (outcome->has_made) {
			insert->key[i] = (struct value){.kind = VALUE_INTEGER, .integer = outcome->made};
		}
	}
}

/* ---- a row that meets another ---- */

/* The row's values of the target; NULL when one is null or not given: it meets nothing. */
static const struct cond *where_met(struct insert *insert, const struct value *row)
{
	struct maria_write *write = insert->write;
	const struct field_list *fields = &write->query->conflict;
	struct value *values = ARENA_ARRAY(&write->scratch, fields->count, struct value);
	for (size_t i = 0; i < fields->count; i++) {
		const struct value *value = given_value(&write->part, row, fields->items[i]);
		if (value == NULL || value->kind == VALUE_NULL) {
			return NULL;
		}
		values[i] = *value;
	}
	return cond_both(&write->scratch, maria_where_keys(&write->scratch, fields, values, 1),
					 write->query->conflict_where);
}

/* A row that a rule over some rows does not count meets nothing in it; whether it is such a row,
 * the server says by the rule that it names, unless it names the key first. */
static bool met_target(const struct insert *insert)
{
	const struct query *query = insert->write->query;
	bool met = query->conflict_where == NULL;
	for (size_t i = 0; i < query->resource->unique_count && !met; i++) {
		const struct unique_rule *rule = &query->resource->uniques[i];
		met = rule->cond == query->conflict_where &&
			maria_failed_rule(insert->write->conn, query, rule);
	}
	return met;
}

/* Does the row give this key? */
static bool has_key(const struct insert *insert, const struct value *row, const struct value *key)
{
	const struct query *query = &insert->write->part;
	bool same = query->resource->key.count > 0;
	for (size_t i = 0; i < query->resource->key.count && same; i++) {
		const struct value *value = given_value(query, row, query->resource->key.items[i]);
		same = value != NULL && value->kind == key[i].kind && value_compare(value, &key[i]) == 0;
	}
	return same;
}

/* A companion decided by the row's absence: all of it has to be decided again. */
static bool has_come(struct insert *insert)
{
	struct maria_write *write = insert->write;
	const struct query *query = write->query;
	if (write->transaction->unseen != query->resource ||
		!same_fields(&query->conflict, &query->resource->key)) {
		return false;
	}
	write->transaction->verdict = MARIA_AGAIN;
	error_set(write->error, ERROR_OVERLOADED, NULL);
	return true;
}

/* The key of the row that was met is in insert->key; what the merge gives of it is new. */
static void set_met_key(struct insert *insert, const struct value *row)
{
	const struct query *query = insert->write->query;
	const struct field_list *key = &query->resource->key;
	for (size_t i = 0; i < key->count; i++) {
		const struct value *value = given_value(&insert->write->part, row, key->items[i]);
		if (value != NULL && key->items[i]->write != WRITE_ONCE &&
			!field_list_holds(&query->conflict, key->items[i])) {
			insert->key[i] = *value;
		}
	}
}

static bool merge(struct insert *insert, const struct value *row, size_t number,
				  const struct cond *where)
{
	struct maria_write *write = insert->write;
	if (write->query->resolution == RESOLUTION_IGNORE) {
		return true;
	}
	sql_clear(&write->conn->sql);
	sql_merge(&write->conn->sql, &write->part, row);
	if (!maria_run(write->conn, NULL, write->error)) {
		return maria_explain(write, &write->part, number, where);
	}
	set_met_key(insert, row);
	return true;
}

/* After an INSERT that met a row. *ret_found is false when no row is where the target leads to. */
static bool meet(struct insert *insert, const struct value *row, size_t number, bool *ret_found)
{
	struct maria_write *write = insert->write;
	const struct cond *where = where_met(insert, row);
	bool is_target = met_target(insert);
	struct value *keys;
	size_t count = 0;
	*ret_found = false;
	if (where == NULL) {
		return true;
	}
	const struct query met = {
		.action = QUERY_UPDATE, .resource = write->query->resource, .where = where};
	sql_clear(&write->conn->sql);
	sql_select_for_update(&write->conn->sql, &met);
	if (!maria_read_keys(write, &write->scratch, &keys, &count)) {
		return false;
	}
	*ret_found = count > 0 && (is_target || has_key(insert, row, keys));
	if (!*ret_found) {
		return true;
	}
	for (size_t i = 0; i < write->query->resource->key.count; i++) {
		insert->key[i] = keys[i];
	}
	return !has_come(insert) && merge(insert, row, number, where);
}

/* ---- one row ---- */

/* What the statement did. One that says whether it met a row may fail as late as here, and has not
 * ended before its last row. */
static bool take_outcome(struct insert *insert, struct maria_statement *statement,
						 const struct value *row, struct outcome *ret_outcome)
{
	static const struct field said = {.name = STR_INIT("met"), .type = TYPE_INTEGER};
	static const struct field *const types[] = {&said, &said};
	struct maria_write *write = insert->write;
	struct maria_conn *conn = write->conn;
	struct value values[2] = {{.kind = VALUE_NULL}};
	*ret_outcome = (struct outcome){.has_made = makes_key(&write->part, row)};
	if (statement->column_count == 0) {
		ret_outcome->made = ret_outcome->has_made ? maria_made_key(statement) : 0;
		return true;
	}
	conn->sent = !conn->transaction;
	bool ok = maria_fetch(conn, statement, types, values, write->error) == ROW_HERE;
	ret_outcome->met = ok && values[0].integer == 1;
	ok = ok && maria_fetch(conn, statement, types, values, write->error) == ROW_NONE;
	conn->sent = conn->sent && !ok;
	return ok;
}

/* Inserts the row, or changes the one that it meets where one statement can. */
static bool send_row(struct insert *insert, const struct value *row, struct outcome *ret_outcome)
{
	struct maria_write *write = insert->write;
	struct maria_conn *conn = write->conn;
	/* A key that is made meets nothing. */
	bool at_once = insert->at_once && !makes_key(&write->part, row);
	sql_clear(&conn->sql);
	(at_once ? sql_insert_or_update : sql_insert)(&conn->sql, &write->part, row);
	struct maria_statement *statement = maria_execute(conn, false, write->error);
	bool ok = statement != NULL && take_outcome(insert, statement, row, ret_outcome);
	const struct maria_failure failure = conn->failure;
	maria_rows_end(conn, statement);
	bool forgets = !ok && at_once && conn->state == MARIA_BUSY;
	if (!forgets || maria_command(conn, SQL_MET_FORGET, NULL)) {
		conn->failure = failure;
	}
	return ok;
}

/* An upsert of one statement met a row: its key is the target. */
static bool met_at_once(struct insert *insert, const struct value *row)
{
	const struct query *query = insert->write->query;
	const struct field_list *key = &query->resource->key;
	for (size_t i = 0; i < key->count; i++) {
		const struct value *value = given_value(&insert->write->part, row, key->items[i]);
		insert->key[i] = value != NULL ? *value : key->items[i]->default_value;
	}
	return !has_come(insert);
}

/* False with *ret_missing: the row refers to one that is not there. */
static bool try_row(struct insert *insert, const struct value *row, size_t number,
					struct outcome *ret_outcome, bool *ret_missing)
{
	struct maria_write *write = insert->write;
	struct maria_conn *conn = write->conn;
	bool found = false;
	if (send_row(insert, row, ret_outcome)) {
		set_key(insert, row, ret_outcome);
		return !ret_outcome->met || met_at_once(insert, row);
	}
	if (conn->failure.number == ER_DUP_ENTRY && write->query->action == QUERY_UPSERT) {
		struct maria_failure failure = conn->failure;
		*ret_outcome = (struct outcome){.met = true};
		if (!meet(insert, row, number, &found)) {
			*ret_missing = conn->failure.number == ER_NO_REFERENCED_ROW_2;
			return false;
		}
		conn->failure = failure;
	}
	*ret_missing = conn->failure.number == ER_NO_REFERENCED_ROW_2;
	return found || maria_explain(write, &write->part, number, NULL);
}

/* The row with nulls in place of its own references, when it has any. */
static bool without_own(struct insert *insert, const struct value *row)
{
	const struct query *query = &insert->write->part;
	bool any = false;
	for (size_t i = 0; i < query->given.count; i++) {
		bool own = row[i].kind != VALUE_NULL && row[i].kind != VALUE_ABSENT &&
			maria_is_own_reference(query->resource, query->given.items[i]);
		insert->row[i] = own ? (struct value){.kind = VALUE_NULL} : row[i];
		any = any || own;
	}
	return any;
}

static struct value keep_value(struct arena *arena, const struct value *value)
{
	struct value copy = *value;
	if (value->kind == VALUE_TEXT) {
		copy.text = arena_copy(arena, value->text);
	}
	return copy;
}

/* Remembers what the row that was written last refers to. */
static void add_late(struct insert *insert, const struct value *row, bool met)
{
	struct maria_write *write = insert->write;
	const struct query *query = &write->part;
	struct arena *arena = &write->arena;
	struct late *late = ARENA_NEW(arena, struct late);
	size_t key_count = query->resource->key.count;
	late->key = ARENA_ARRAY(arena, key_count, struct value);
	late->given.items = ARENA_ARRAY(arena, query->given.count, const struct field *);
	late->values = ARENA_ARRAY(arena, query->given.count, struct value);
	for (size_t i = 0; i < key_count; i++) {
		late->key[i] = keep_value(arena, &insert->key[i]);
	}
	for (size_t i = 0; i < query->given.count; i++) {
		const struct field *field = query->given.items[i];
		bool waits = row[i].kind != insert->row[i].kind && !(met && field->write == WRITE_ONCE);
		if (waits) {
			late->values[late->given.count] = keep_value(arena, &row[i]);
			late->given.items[late->given.count++] = field;
		}
	}
	if (insert->last != NULL) {
		insert->last->next = late;
	} else {
		insert->first = late;
	}
	insert->last = late;
}

static bool insert_row(struct insert *insert, size_t number)
{
	struct maria_write *write = insert->write;
	const struct query *query = &write->part;
	const struct value *row = query->values + number * query->given.count;
	struct store_result *result = write->result;
	struct outcome outcome = {.met = false};
	bool missing = false;
	arena_reset(&write->scratch);
	/* An INSERT that fails uses up a key that is made. */
	bool late = insert->refers && !insert->alone && makes_key(query, row) &&
		without_own(insert, row);
	bool ok = !late && try_row(insert, row, number, &outcome, &missing);
	late = late || (!ok && missing && insert->refers && !insert->alone && without_own(insert, row));
	if (late) {
		ok = try_row(insert, insert->row, number, &outcome, &missing);
		if (ok) {
			add_late(insert, row, outcome.met);
		}
	}
	if (!ok) {
		return false;
	}
	bool ignored = outcome.met && query->resolution == RESOLUTION_IGNORE;
	result->rows += !ignored;
	result->inserted += !outcome.met;
	if (!outcome.met) {
		result->has_made_key = outcome.has_made;
		result->made_key = outcome.made;
	}
	return true;
}

/* What rows refer to is there now, or it is an error. */
static bool insert_late(struct insert *insert)
{
	struct maria_write *write = insert->write;
	const struct resource *resource = write->query->resource;
	for (const struct late *late = insert->first; late != NULL; late = late->next) {
		const struct query update = {
			.action = QUERY_UPDATE,
			.resource = resource,
			.where = maria_where_keys(&write->arena, &resource->key, late->key, 1),
			.given = late->given,
			.values = late->values,
			.row_count = 1,
		};
		sql_clear(&write->conn->sql);
		sql_update(&write->conn->sql, &update);
		if (!maria_run(write->conn, NULL, write->error)) {
			return maria_explain(write, &update, 0, NULL);
		}
	}
	return true;
}

/* ---- many rows ---- */

static int compare_keys(const void *a, const void *b, void *context)
{
	const struct query *query = context;
	const size_t *left = a;
	const size_t *right = b;
	int order = 0;
	for (size_t i = 0; i < query->resource->key.count && order == 0; i++) {
		size_t at = given_at(query, query->resource->key.items[i]);
		order = value_compare(&query->values[*left * query->given.count + at],
							  &query->values[*right * query->given.count + at]);
	}
	return order != 0 ? order : (*left > *right) - (*left < *right);
}

/* Is it all the same in which order the rows are written? */
static bool may_sort(const struct insert *insert)
{
	const struct query *query = &insert->write->part;
	const struct field_list *key = &query->resource->key;
	bool sorts = key->count > 0 && !insert->refers &&
		(query->action == QUERY_INSERT || insert->at_once);
	for (size_t row = 0; row < query->row_count && sorts; row++) {
		const struct value *values = query->values + row * query->given.count;
		for (size_t i = 0; i < key->count && sorts; i++) {
			sorts = given_value(query, values, key->items[i]) != NULL;
		}
	}
	return sorts;
}

/* The order in which the rows of the part are written; owned. */
static size_t *sequence_of(const struct insert *insert)
{
	const struct query *query = &insert->write->part;
	size_t *sequence = alloc_zeroed(query->row_count + 1, sizeof(*sequence));
	for (size_t i = 0; i < query->row_count; i++) {
		sequence[i] = i;
	}
	if (query->row_count > 1 && may_sort(insert)) {
		qsort_r(sequence, query->row_count, sizeof(*sequence), compare_keys,
				(void *)(uintptr_t)query);
	}
	return sequence;
}

/* Rows of an upsert may be the same row, and each is answered as it was then. */
static bool answer_row(struct insert *insert, bool met)
{
	struct maria_answer *answer = &insert->write->answer;
	const struct query *query = insert->write->query;
	if (!answer->asked || (met && query->resolution == RESOLUTION_IGNORE)) {
		return true;
	}
	maria_answer_add_key(answer, insert->key);
	bool waits = query->action == QUERY_INSERT || insert->first != NULL;
	return waits || maria_answer_read(answer);
}

/* Only the statement failed. */
static bool is_ours(const struct maria_write *write)
{
	return maria_fail(write->conn, NULL, SIZE_MAX, NULL) == MARIA_FAILED &&
		write->transaction->verdict == MARIA_FAILED;
}

/* A statement that failed changed nothing: the others may go on without its row. */
static bool is_left_out(const struct maria_write *write, size_t row)
{
	struct query_batches *batches = write->query->batches;
	bool out = batches != NULL && batches->refused != NULL && is_ours(write) &&
		batches->refused(batches, row, write->error);
	if (out) {
		write->conn->failure.number = 0;
		*write->error = (struct error){0};
	}
	return out;
}

/* In the order of the request: rows that are answered, and those of which one failed. */
static bool insert_in_order(struct insert *insert)
{
	struct maria_write *write = insert->write;
	const struct query *query = &write->part;
	for (size_t row = 0; row < query->row_count; row++) {
		uint64_t inserted = write->result->inserted;
		if (insert_row(insert, row)) {
			if (!answer_row(insert, write->result->inserted == inserted)) {
				return false;
			}
		} else if (!is_left_out(write, row)) {
			return false;
		}
	}
	bool full = !insert->refers && write->answer.key_count >= MARIA_KEYS_MOST;
	return !full || maria_answer_read(&write->answer);
}

static bool insert_sorted(struct insert *insert, const size_t *sequence)
{
	for (size_t i = 0; i < insert->write->part.row_count; i++) {
		if (!insert_row(insert, sequence[i])) {
			return false;
		}
	}
	return true;
}

/* The key that the store makes for the last row is told of a single one only. */
static bool insert_bulk(struct insert *insert, const size_t *sequence)
{
	struct maria_write *write = insert->write;
	const struct query *query = &write->part;
	size_t last = query->row_count - 1;
	bool makes = makes_key(query, query->values + last * query->given.count);
	return maria_bulk_insert(write, sequence, query->row_count - makes) &&
		(!makes || insert_row(insert, last));
}

/* The rows without an answer to be read: many at a time, or in the order of their keys. When one
 * fails, they are all tried again in their own order, to find the first that does. */
static bool insert_unasked(struct insert *insert)
{
	struct maria_write *write = insert->write;
	const struct store_result before = *write->result;
	bool bulk = write->query->action == QUERY_INSERT && !insert->refers &&
		write->part.row_count >= BULK_LEAST && maria_bulk_can(write->conn);
	if (write->part.row_count == 1 || insert->refers) {
		return insert_in_order(insert);
	}
	if (!maria_command(write->conn, "SAVEPOINT part", write->error)) {
		return false;
	}
	size_t *sequence = sequence_of(insert);
	bool ok = bulk ? insert_bulk(insert, sequence) : insert_sorted(insert, sequence);
	free(sequence);
	if (ok || !is_ours(write)) {
		return ok;
	}
	*write->result = before;
	return maria_command(write->conn, "ROLLBACK TO SAVEPOINT part", write->error) &&
		insert_in_order(insert);
}

/* The rows of write->part. */
static bool insert_part(struct insert *insert)
{
	struct maria_write *write = insert->write;
	struct maria_answer *answer = &write->answer;
	bool ok = true;
	for (size_t row = 0; row < write->part.row_count && answer->known && ok; row++) {
		ok = write_known_row(&answer->rows, &write->part, row, write->error);
	}
	if (!ok || write->part.row_count == 0) {
		return ok;
	}
	return answer->asked ? insert_in_order(insert) : insert_unasked(insert);
}

static bool insert_batches(struct insert *insert)
{
	struct maria_write *write = insert->write;
	struct query_batches *batches = write->query->batches;
	do {
		write->transaction->taken = true;
		if (!batches->next(batches, &write->part.values, &write->part.row_count, write->error) ||
			!insert_part(insert)) {
			return false;
		}
	} while (write->part.row_count > 0);
	return true;
}

static void insert_init(struct insert *insert, struct maria_write *write)
{
	const struct query *query = write->query;
	const struct resource *resource = query->resource;
	*insert = (struct insert){
		.write = write,
		.at_once = query->action == QUERY_UPSERT &&
			maria_upserts_at_once(write->conn->session, query),
		.refers = maria_refers_to_itself(resource),
		.alone = query->batches == NULL && query->row_count <= 1,
	};
	insert->row = ARENA_ARRAY(&write->arena, query->given.count, struct value);
	insert->key = ARENA_ARRAY(&write->arena, resource->key.count, struct value);
}

bool maria_insert_rows(struct maria_write *write)
{
	struct insert insert;
	if (write->answer.asked && write->query->resource->key.count == 0) {
		return error_set(write->error, ERROR_UNSUPPORTED,
						 "Rows of a table without a key cannot be answered when they are written");
	}
	insert_init(&insert, write);
	write->part = *write->query;
	bool ok = write->query->batches != NULL ? insert_batches(&insert) : insert_part(&insert);
	return ok && insert_late(&insert);
}
