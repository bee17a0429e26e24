/*
 * DESIGN. The versions that requests of one turn of the loop ask for are read by one statement. It
 * begins after all of them have come in: requests that come while it is under way wait for the
 * next. So a version is never older than a write that was acknowledged before its request came.
 *
 * A statement is one plain text: numbers only, and one way to the server and back.
 */
#include "store/maria_versions.h"

#include <assert.h>
#include <mysqld_error.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "model/relations.h"
#include "query/cond.h"
#include "store/read_tables.h"
#include "store/store_write.h"

enum {
	STRIPES = 4096,
	NAMED_MOST = 64,
	SLOTS = STORE_SECRET_BYTES / sizeof(uint64_t),
	WHOLE = STRIPES, /* what stands beside the stripes */
	BULK,
	COUNTERS_MOST = 4096, /* in one statement, but for those of one query */
	TEXT_BYTES = 1 << 20,
};

/* Every process has to find the same. */
static const uint64_t hash_key[2] = {0x726f776c6f636b2d, 0x76657273696f6e73};

/* ---- counters ---- */

void maria_counters_finish(struct maria_counters *counters)
{
	free(counters->items);
	*counters = (struct maria_counters){.count = 0};
}

static void add(struct maria_counters *counters, int64_t number)
{
	if (counters->count == counters->room) {
		counters->room = counters->room == 0 ? 16 : counters->room * 2;
		counters->items = alloc_resize(counters->items, counters->room, sizeof(*counters->items));
	}
	counters->items[counters->count++] = (struct maria_counter){.number = number};
}

static int compare_numbers(const void *a, const void *b)
{
	const struct maria_counter *left = a;
	const struct maria_counter *right = b;
	return (left->number > right->number) - (left->number < right->number);
}

/* In order, each once. */
static void arrange(struct maria_counters *counters)
{
	size_t count = 0;
	if (counters->count == 0) {
		return;
	}
	qsort(counters->items, counters->count, sizeof(*counters->items), compare_numbers);
	for (size_t i = 0; i < counters->count; i++) {
		if (count == 0 || counters->items[count - 1].number != counters->items[i].number) {
			counters->items[count++] = counters->items[i];
		}
	}
	counters->count = count;
}

static struct maria_counter *find(const struct maria_counters *counters, int64_t number)
{
	const struct maria_counter wanted = {.number = number};
	return counters->count == 0
		? NULL
		: bsearch(&wanted, counters->items, counters->count, sizeof(wanted), compare_numbers);
}

/* A number above 0. Two counters with one number would be one counter, which does no harm. */
static int64_t number_of(const struct resource *resource, int part)
{
	const uint64_t parts[2] = {siphash(hash_key, resource->name.ptr, resource->name.len),
							   (uint64_t)part};
	return (int64_t)(siphash(hash_key, parts, sizeof(parts)) >> 2) + 1;
}

/* False for values of which equal ones may look different. */
static bool stripe_of(const struct field *field, const struct value *value, int *ret_stripe)
{
	uint64_t hash;
	if (field->type == TYPE_INTEGER && value->kind == VALUE_INTEGER) {
		hash = siphash(hash_key, &value->integer, sizeof(value->integer));
	} else if (field->type == TYPE_TEXT && value->kind == VALUE_TEXT) {
		hash = siphash(hash_key, value->text.ptr, value->text.len);
	} else {
		return false;
	}
	*ret_stripe = (int)(hash % STRIPES);
	return true;
}

/* ---- writes ---- */

static bool add_stripe(struct maria_counters *touched, const struct resource *resource,
					   const struct field *field, const struct value *value)
{
	int stripe;
	if (value == NULL || !stripe_of(field, value, &stripe)) {
		return false;
	}
	add(touched, number_of(resource, stripe));
	return true;
}

/* The value that a row of the request has in the field; NULL when it is not known. */
static const struct value *written(const struct query *query, size_t row, size_t at,
								   const struct field *field, const struct value *made)
{
	const struct value *value = at < query->given.count
		? &query->values[row * query->given.count + at]
		: NULL;
	if (value != NULL && value->kind != VALUE_ABSENT) {
		return value;
	}
	if (field->default_kind == DEFAULT_VALUE) {
		return &field->default_value;
	}
	bool is_key = query->resource->key.count == 1 && query->resource->key.items[0] == field;
	return is_key ? made : NULL;
}

/* Stripes of rows by the value of `field`, before and after the write. */
static bool add_stripes(struct maria_counters *touched, const struct resource *resource,
						const struct field *field, const struct query *query,
						const struct store_result *result)
{
	bool inserts = write_inserts(query);
	size_t at = 0;
	while (at < query->given.count && query->given.items[at] != field) {
		at++;
	}
	if (query->batches != NULL || query->row_count > NAMED_MOST ||
		(query->action == QUERY_UPSERT && !field_list_holds(&query->conflict, field)) ||
		(!inserts && !add_stripe(touched, resource, field, cond_pinned(query->where, field)))) {
		return false;
	}
	bool named = true;
	const struct value made = {.kind = VALUE_INTEGER, .integer = result->made_key};
	const struct value *last = result->has_made_key && query->row_count == 1 ? &made : NULL;
	for (size_t row = 0; row < query->row_count && named && (inserts || at < query->given.count);
		 row++) {
		named = add_stripe(touched, resource, field, written(query, row, at, field, last));
	}
	return named;
}

/* Rows of `resource` are told apart by `field`, of the resource that is written; NULL: by none. */
static void touch(struct maria_counters *touched, const struct resource *resource,
				  const struct field *field, const struct query *query,
				  const struct store_result *result)
{
	add(touched, number_of(resource, WHOLE));
	size_t before = touched->count;
	if (field == NULL || !add_stripes(touched, resource, field, query, result)) {
		touched->count = before;
		add(touched, number_of(resource, BULK));
	}
}

void maria_versions_touch(struct maria_counters *touched, const struct query *query,
						  const struct store_result *result)
{
	const struct resource *resource = query->resource;
	touch(touched, resource, resource->key.count > 0 ? resource->key.items[0] : NULL, query,
		  result);
	for (size_t i = 0; i < resource->tally_count; i++) {
		/* Its key is `by`, of the resource that it counts. */
		const struct resource *tally = resource->tallies[i];
		touch(touched, tally, tally->by.items[0], query, result);
	}
}

/* `(17,3,8432904),(…)`: a random number for a random slot of each. */
static void write_changes(const struct maria_counters *touched, struct buf *text)
{
	for (size_t i = 0; i < touched->count; i++) {
		uint64_t random[2];
		random_bytes(random, sizeof(random));
		buf_printf(text, "%s(%lld,%llu,%llu)", i > 0 ? "," : "",
				   (long long)touched->items[i].number, (unsigned long long)(random[0] % SLOTS),
				   (unsigned long long)random[1]);
	}
}

bool maria_versions_commit(struct maria_conn *conn, struct maria_counters *touched,
						   struct error *error)
{
	if (touched->count == 0 || !conn->session->store->has_versions) {
		return maria_commit(conn, error);
	}
	struct buf text;
	buf_init(&text, SIZE_MAX / 2);
	arrange(touched);
	buf_append(&text, STR("INSERT INTO _rl_version(counter,slot,n) VALUES "));
	write_changes(touched, &text);
	buf_append(&text, STR(" ON DUPLICATE KEY UPDATE n=n^VALUES(n);COMMIT"));
	buf_append_byte(&text, '\0');
	bool ok = maria_commit_with(conn, text.ptr, error);
	buf_finish(&text);
	return ok;
}

/* ---- reads ---- */

struct reading {
	struct maria_counters *counters;
	uint64_t hash;
};

static void each_counter(const struct resource *resource, const struct cond *where,
						 struct reading *reading,
						 void (*call)(struct reading *reading, int64_t number))
{
	int stripe;
	const struct field *field = resource->key.count > 0 ? resource->key.items[0] : NULL;
	const struct value *pinned = field != NULL ? cond_pinned(where, field) : NULL;
	if (pinned != NULL && stripe_of(field, pinned, &stripe)) {
		call(reading, number_of(resource, BULK));
		call(reading, number_of(resource, stripe));
	} else {
		call(reading, number_of(resource, WHOLE));
	}
}

static void add_wanted(struct reading *reading, int64_t number)
{
	add(reading->counters, number);
}

static void want_table(void *context, const struct resource *resource, const struct cond *where)
{
	each_counter(resource, where, context, add_wanted);
}

static void want(struct maria_counters *counters, const struct query *query)
{
	struct reading reading = {.counters = counters};
	add(counters, 0);
	read_tables_each(query, want_table, &reading);
}

static void hash_counter(struct reading *reading, int64_t number)
{
	const struct maria_counter *counter = find(reading->counters, number);
	assert(counter != NULL);
	const uint64_t parts[2] = {reading->hash, counter->n};
	reading->hash = siphash(hash_key, parts, sizeof(parts));
}

static void hash_table(void *context, const struct resource *resource, const struct cond *where)
{
	each_counter(resource, where, context, hash_counter);
}

/* From counters that were read. False when the database has lost what tells it from others. */
static bool version_of(struct maria_counters *counters, const struct query *query,
					   uint64_t *ret_version)
{
	struct reading reading = {.counters = counters};
	const struct maria_counter *own = find(counters, 0);
	hash_counter(&reading, 0);
	read_tables_each(query, hash_table, &reading);
	*ret_version = reading.hash;
	return own->found;
}

static MYSQL_RES *select_counters(struct maria_conn *conn, const struct maria_counters *counters)
{
	struct buf text;
	buf_init(&text, TEXT_BYTES);
	buf_append(&text, STR("SELECT counter,BIT_XOR(n) FROM _rl_version WHERE counter IN ("));
	for (size_t i = 0; i < counters->count; i++) {
		buf_printf(&text, "%s%lld", i > 0 ? "," : "", (long long)counters->items[i].number);
	}
	buf_append(&text, STR(") GROUP BY counter"));
	MYSQL_RES *rows = text.failed ? NULL : maria_query(conn, buf_str(&text));
	buf_finish(&text);
	return rows;
}

/* A counter that nobody has touched yet has no rows. */
static bool read_counters(struct maria_conn *conn, struct maria_counters *counters)
{
	arrange(counters);
	MYSQL_RES *rows = select_counters(conn, counters);
	MYSQL_ROW row;
	while (rows != NULL && (row = mysql_fetch_row(rows)) != NULL) {
		struct maria_counter *counter = find(counters, strtoll(row[0], NULL, 10));
		if (counter != NULL) {
			counter->n = strtoull(row[1], NULL, 10);
			counter->found = true;
		}
	}
	mysql_free_result(rows);
	return rows != NULL;
}

bool maria_versions_read(struct maria_conn *conn, const struct query *query,
						 struct store_result *result, struct error *error)
{
	struct maria_counters counters = {.count = 0};
	want(&counters, query);
	result->has_version = read_counters(conn, &counters) &&
		version_of(&counters, query, &result->version);
	maria_counters_finish(&counters);
	if (conn->state == MARIA_BUSY) {
		return true;
	}
	maria_fail(conn, NULL, SIZE_MAX, error);
	return false;
}

/* ---- questions ---- */

/* Those that one statement answers. */
struct batch {
	struct maria_session *session;
	struct store_version_request *first;
	struct maria_counters counters;
	bool known;
};

static void start_batch(struct maria_session *session);

static void take_questions(struct batch *batch, bool all)
{
	struct maria_asks *asks = &batch->session->asks;
	struct store_version_request **link = &batch->first;
	while (*link != NULL) {
		link = &(*link)->next;
	}
	while (asks->first != NULL && (all || batch->counters.count < COUNTERS_MOST)) {
		struct store_version_request *request = asks->first;
		asks->first = request->next;
		request->next = NULL;
		want(&batch->counters, request->query);
		*link = request;
		link = &request->next;
	}
	if (asks->first == NULL) {
		asks->last = NULL;
	}
}

/* On the loop's own stack. The session may be detached by what is called. */
static void on_batch_ended(void *context)
{
	struct batch *batch = context;
	struct maria_session *session = batch->session;
	struct store_version_request *next;
	session->asks.under_way = false;
	start_batch(session);
	for (struct store_version_request *request = batch->first; request != NULL; request = next) {
		uint64_t version = 0;
		next = request->next;
		bool known = batch->known && version_of(&batch->counters, request->query, &version);
		request->done(request, known, version);
	}
	maria_counters_finish(&batch->counters);
	free(batch);
	maria_session_release(session);
}

/* When the server does not answer, it would not answer those that wait either. */
static void batch_main(void *context)
{
	struct batch *batch = context;
	struct maria_session *session = batch->session;
	struct error error;
	uint64_t deadline_ms = loop_now_ms(session->loop) + session->store->limits.read_ms;
	struct maria_conn *conn = maria_take(session, deadline_ms, &error);
	if (conn != NULL) {
		take_questions(batch, false);
		batch->known = read_counters(conn, &batch->counters);
		conn->reused = conn->reused || batch->known;
		maria_give(conn);
	}
	if (!batch->known) {
		take_questions(batch, true);
	}
	fiber_end_with(session->fiber_pool.current, on_batch_ended, batch);
}

static void on_turn_ends(struct task *task)
{
	struct maria_session *session =
		(struct maria_session *)(void *)((char *)task - offsetof(struct maria_session, asks.task));
	struct batch *batch = alloc_zeroed(1, sizeof(*batch));
	batch->session = session;
	fiber_start(&session->fiber_pool, batch_main, batch);
}

/* One at a time, when this turn of the loop ends. */
static void start_batch(struct maria_session *session)
{
	struct maria_asks *asks = &session->asks;
	if (asks->under_way || asks->first == NULL) {
		return;
	}
	asks->under_way = true;
	asks->task.run = on_turn_ends;
	session->handles++;
	loop_after_turn(session->loop, &asks->task);
}

void maria_version_ask(struct store_session *base, struct store_version_request *request)
{
	struct maria_session *session = (struct maria_session *)base;
	struct maria_asks *asks = &session->asks;
	if (!session->store->reads_versions) {
		request->done(request, false, 0);
		return;
	}
	if (asks->last != NULL) {
		asks->last->next = request;
	} else {
		asks->first = request;
	}
	asks->last = request;
	start_batch(session);
}

/* ---- the table ---- */

static bool fail_open(MYSQL *db, struct error *error)
{
	error_set(error, ERROR_STORE, "the table _rl_version cannot be read or made");
	return error_details(error, "%s", mysql_error(db));
}

/* The numbers of counter 0; *ret_count is how many there are. */
static bool read_secret(MYSQL *db, bool make, unsigned char ret_secret[STORE_SECRET_BYTES],
						size_t *ret_count, struct error *error)
{
	static const struct str text = STR_INIT(
		"SELECT n FROM _rl_version WHERE counter=0 ORDER BY slot");
	*ret_count = 0;
	if (mysql_real_query(db, text.ptr, text.len) != 0) {
		unsigned number = mysql_errno(db);
		bool missing = number == ER_NO_SUCH_TABLE ||
			(number == ER_TABLEACCESS_DENIED_ERROR && !make);
		return missing || fail_open(db, error);
	}
	MYSQL_RES *rows = mysql_store_result(db);
	MYSQL_ROW row;
	while (rows != NULL && *ret_count < SLOTS && (row = mysql_fetch_row(rows)) != NULL) {
		uint64_t n = strtoull(row[0], NULL, 10);
		memcpy(ret_secret + *ret_count * sizeof(n), &n, sizeof(n));
		++*ret_count;
	}
	mysql_free_result(rows);
	return rows != NULL || fail_open(db, error);
}

static bool make_table(MYSQL *db, struct error *error)
{
	static const struct str create = STR_INIT(
		"CREATE TABLE IF NOT EXISTS _rl_version(counter BIGINT NOT NULL,"
		"slot TINYINT UNSIGNED NOT NULL,n BIGINT UNSIGNED NOT NULL,"
		"PRIMARY KEY(counter,slot))ENGINE=InnoDB");
	struct buf text;
	uint64_t random[SLOTS];
	buf_init(&text, TEXT_BYTES);
	random_bytes(random, sizeof(random));
	buf_append(&text, STR("INSERT IGNORE INTO _rl_version(counter,slot,n) VALUES "));
	for (size_t i = 0; i < SLOTS; i++) {
		buf_printf(&text, "%s(0,%zu,%llu)", i > 0 ? "," : "", i, (unsigned long long)random[i]);
	}
	bool ok = mysql_real_query(db, create.ptr, create.len) == 0 &&
		mysql_real_query(db, text.ptr, text.len) == 0;
	buf_finish(&text);
	return ok || fail_open(db, error);
}

bool maria_versions_open(MYSQL *db, bool make, bool *ret_there,
						 unsigned char ret_secret[STORE_SECRET_BYTES], struct error *error)
{
	size_t count;
	if (!read_secret(db, make, ret_secret, &count, error)) {
		return false;
	}
	if (make && count < SLOTS &&
		(!make_table(db, error) || !read_secret(db, make, ret_secret, &count, error))) {
		return false;
	}
	*ret_there = count == SLOTS;
	return true;
}
