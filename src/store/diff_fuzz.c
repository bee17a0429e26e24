/*
 * The same request on the store in memory, which is simple enough to be right, on SQLite, and on
 * JSON files: answers must be equal to the byte, refusals to the code, and after a write all rows
 * that it could change. Writes are rolled back, so that each input meets the same rows. An input is
 * a request as text (diff_fuzz.h); one that begins with a byte below a space chooses one instead.
 */
#include "store/diff_fuzz.h"

#include <assert.h>
#include <dirent.h>
#include <unistd.h>

#include "query/check.h"
#include "query/compile.h"
#include "query/cond.h"
#include "store/store.h"

#include "rowlock_config.h"

enum {
	STORES = 2 + HAVE_JSONSTORE,
	BLOCK_BYTES = 65536,
	INPUT_BYTES = 1024,
	WORK_ROWS = 20000, /* that a query may look at; SQLite must not find it slow */
	PAGES = 3,
	EMBED_DEPTH = 4,
};

struct fixture {
	struct arena arena;
	struct model *model;
	struct limits limits;
	struct loop *loop;
	char folder[64];
	struct store *stores[STORES];
	struct store_session *sessions[STORES];
	struct query *all; /* of each resource: all its rows */
};

static const char *const store_names[] = {"memory", "sqlite", "json"};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- one request on one store ---- */

struct run {
	struct store_request request;
	struct store_companion companion;
	const struct fixture *fixture;
	bool done;
	bool ok;
	struct store_result result;
	struct error error;
	struct buf body;
	struct buf cursor;
	struct buf tables; /* after a write, before it is rolled back */
};

static void on_done(struct store_request *request, const struct store_result *result,
					const struct error *error)
{
	struct run *run = (struct run *)(void *)request;
	assert(!run->done);
	run->done = true;
	run->ok = error == NULL;
	run->result = *result;
	run->error = error == NULL ? (struct error){.code = ERROR_NONE} : *error;
}

static void read_table(struct run *run, struct store_transaction *transaction,
					   const struct resource *resource)
{
	struct buf rows;
	struct store_result result;
	struct error error = {.code = ERROR_NONE};
	buf_init(&rows, MIB(16));
	bool ok = store_transaction_run(transaction, &run->fixture->all[resource->number], &rows,
									&result, &error);
	assert(ok);
	buf_append(&run->tables, buf_str(&rows));
	buf_append_byte(&run->tables, '\n');
	buf_finish(&rows);
}

/* On the store's thread. */
static enum companion_verdict roll_back(struct store_companion *companion,
										struct store_transaction *transaction,
										const struct store_result *result, struct error *error)
{
	(void)result;
	(void)error;
	struct run *run = (struct run *)(void *)((char *)companion - offsetof(struct run, companion));
	const struct resource *resource = run->request.query->resource;
	buf_clear(&run->tables);
	read_table(run, transaction, resource);
	for (size_t i = 0; i < resource->tally_count; i++) {
		read_table(run, transaction, resource->tallies[i]);
	}
	return COMPANION_ROLL_BACK;
}

static void run_finish(struct run *run)
{
	buf_finish(&run->body);
	buf_finish(&run->cursor);
	buf_finish(&run->tables);
}

static bool is_read(const struct query *query)
{
	return query->action == QUERY_LIST || query->action == QUERY_GET;
}

/* `stays`: the write is not rolled back. */
static void run_on(const struct fixture *fixture, size_t store, const struct query *query,
				   bool stays, struct run *run)
{
	*run = (struct run){.fixture = fixture};
	buf_init(&run->body, MIB(16));
	buf_init(&run->cursor, MIB(1));
	buf_init(&run->tables, MIB(16));
	run->companion.after = roll_back;
	run->request = (struct store_request){
		.query = query,
		.body = &run->body,
		.cursor = query->cursor_count > 0 ? &run->cursor : NULL,
		.companion = is_read(query) || stays ? NULL : &run->companion,
		.done = on_done,
	};
	uv_update_time(loop_uv(fixture->loop));
	store_run(fixture->sessions[store], &run->request);
	while (!run->done) {
		uv_run(loop_uv(fixture->loop), UV_RUN_ONCE);
	}
}

/* ---- comparing ---- */

static int compare_rows(const void *a, const void *b)
{
	return str_compare(*(const struct str *)a, *(const struct str *)b);
}

/* The rows of an answer, sorted. */
static struct str *list_rows(enum query_format format, struct str text, struct arena *arena,
							 size_t *ret_count)
{
	bool is_json = format == FORMAT_ARRAY || format == FORMAT_OBJECT || format == FORMAT_VALUES;
	struct str *rows = ARENA_ARRAY(arena, text.len + 1, struct str);
	size_t count = 0;
	size_t from = 0;
	size_t depth = 0;
	bool quoted = false;
	for (size_t i = 0; i < text.len; i++) {
		char byte = text.ptr[i];
		if (byte == '\\' && quoted && format != FORMAT_CSV) {
			i++;
		} else if (byte == '"') {
			quoted = !quoted;
		} else if (!quoted && is_json && (byte == '[' || byte == '{')) {
			from = depth++ == 0 ? i + 1 : from;
		} else if (!quoted && is_json && (byte == ']' || byte == '}')) {
			if (--depth == 0) {
				rows[count++] = str_slice(text, from, i);
			}
		} else if (!quoted && (is_json ? byte == ',' && depth == 1 : byte == '\n')) {
			rows[count++] = str_slice(text, from, i);
			from = i + 1;
		}
	}
	if (!is_json) {
		rows[count++] = str_slice(text, from, text.len);
	}
	qsort(rows, count, sizeof(*rows), compare_rows);
	*ret_count = count;
	return rows;
}

/* Rows that an update or a delete finds come in any order. */
static bool is_same_body(const struct query *query, struct str a, struct str b, struct arena *arena)
{
	bool any_order = query->action == QUERY_UPDATE || query->action == QUERY_DELETE;
	if (str_equal(a, b) || !any_order || a.len != b.len) {
		return str_equal(a, b);
	}
	size_t a_count;
	size_t b_count;
	struct str *a_rows = list_rows(query->format, a, arena, &a_count);
	struct str *b_rows = list_rows(query->format, b, arena, &b_count);
	bool same = a_count == b_count;
	for (size_t i = 0; i < a_count && same; i++) {
		same = str_equal(a_rows[i], b_rows[i]);
	}
	return same;
}

static bool is_of_value(enum error_code code)
{
	return code == ERROR_VALUE || code == ERROR_OUT_OF_RANGE;
}

static bool has_casts(const struct query *query)
{
	for (size_t i = 0; i < query->fetch_count; i++) {
		if (query->fetch[i].cast != NULL || query->fetch[i].result_cast != NULL) {
			return true;
		}
	}
	return false;
}

/* Is there a level that casts values of rows that are not answered? Whether it does is the store's
 * choice, and with it whether one of them fails. */
static bool may_cast_more(const struct query *query)
{
	bool cut = query->limit != UINT64_MAX || query->offset > 0 || query->format == FORMAT_OBJECT;
	bool more = cut && has_casts(query);
	for (size_t i = 0; i < query->column_count && !more; i++) {
		const struct query_embed *embed = query->columns[i].embed;
		more = embed != NULL && may_cast_more(&embed->query);
	}
	return more;
}

static bool is_many(const struct query *query)
{
	return query->row_count > 1 || query->batches != NULL;
}

static bool refers_to_itself(const struct resource *resource)
{
	for (size_t i = 0; i < resource->reference_count; i++) {
		if (resource->references[i].target == resource) {
			return true;
		}
	}
	return false;
}

static bool is_same_error(const struct query *query, const struct error *a, const struct error *b)
{
	bool of_value = is_of_value(a->code) || is_of_value(b->code);
	if ((is_of_value(a->code) && is_of_value(b->code)) || (of_value && may_cast_more(query))) {
		/* Of several values that cannot be cast or added the first is any. */
		return true;
	}
	bool changes_key = query->action == QUERY_UPSERT &&
		query->conflict.items != query->resource->key.items;
	bool many = is_many(query);
	if (!is_read(query) && has_casts(query) && of_value) {
		/* A store casts what is answered after each row, or after all is checked. */
		return true;
	}
	/* A store looks at references after each row, or after the last. */
	bool later = many && (a->code == ERROR_REFERENCE || b->code == ERROR_REFERENCE);
	bool several = many || (query->action == QUERY_UPDATE && !query->must_match);
	if ((several && (query->action == QUERY_UPDATE || changes_key)) || later) {
		/* Of several rows that are refused for several reasons, the first is any. */
		return true;
	}
	/* Of several unique rules, of several rows, of the two ends of a reference from a row to its
	 * own kind a store names any. */
	bool own = a->code == ERROR_REFERENCE && refers_to_itself(query->resource);
	bool any = own || a->code == ERROR_UNIQUE || several || query->action == QUERY_DELETE;
	return a->code == b->code &&
		(any || (strcmp(a->message, b->message) == 0 && strcmp(a->details, b->details) == 0));
}

static void print_run(const char *name, const struct run *run)
{
	(void)fprintf(stderr, "%s: ", name);
	if (!run->ok) {
		(void)fprintf(stderr, "%s %s (%s)\n", error_info(run->error.code)->name, run->error.message,
					  run->error.details);
		return;
	}
	(void)fprintf(stderr, "rows %llu inserted %llu total %llu tag %llx made %d %lld\n%.*s\n%.*s\n",
				  (unsigned long long)run->result.rows, (unsigned long long)run->result.inserted,
				  (unsigned long long)run->result.total, (unsigned long long)run->result.tag,
				  run->result.has_made_key, (long long)run->result.made_key,
				  STR_ARG(buf_str(&run->body)), STR_ARG(buf_str(&run->cursor)));
	(void)fprintf(stderr, "%.*s", STR_ARG(buf_str(&run->tables)));
}

/* `b` is that of the store with this number. */
static void compare_two(const struct query *query, const struct run *a, const struct run *b,
						size_t number, struct str text, struct arena *arena)
{
	bool same = a->ok == b->ok;
	if (same && a->ok) {
		same = is_same_body(query, buf_str(&a->body), buf_str(&b->body), arena) &&
			str_equal(buf_str(&a->tables), buf_str(&b->tables)) &&
			str_equal(buf_str(&a->cursor), buf_str(&b->cursor)) &&
			a->result.rows == b->result.rows && a->result.inserted == b->result.inserted &&
			a->result.total == b->result.total && a->result.tag == b->result.tag &&
			a->result.has_made_key == b->result.has_made_key &&
			a->result.made_key == b->result.made_key;
	} else if (same) {
		same = is_same_error(query, &a->error, &b->error);
	} else {
		enum error_code code = a->ok ? b->error.code : a->error.code;
		bool twice = query->action == QUERY_UPSERT && is_many(query);
		/* A later row may write the same one again, before all references are looked at. */
		same = (is_of_value(code) && may_cast_more(query)) || (code == ERROR_REFERENCE && twice);
	}
	if (!same) {
		(void)fprintf(stderr, "%.*s\n", STR_ARG(text));
		print_run(store_names[0], a);
		print_run(store_names[number], b);
		abort();
	}
}

static void compare(const struct query *query, const struct run runs[STORES], struct str text,
					struct arena *arena)
{
	for (size_t i = 1; i < STORES; i++) {
		compare_two(query, &runs[0], &runs[i], i, text, arena);
	}
}

/* ---- requests ---- */

struct flag {
	char byte;
	enum { FLAG_FORMAT, FLAG_BODY, FLAG_SWITCH } kind;
	unsigned int value;
};

enum {
	SWITCH_TOTAL = 1 << 0,
	SWITCH_STRIP = 1 << 1,
	SWITCH_QUIET = 1 << 2,   /* nothing is answered */
	SWITCH_IGNORE = 1 << 3,  /* rows that meet another stay as they are */
	SWITCH_DEFAULT = 1 << 4, /* what a row lacks gets its default */
};

static const struct flag flags[] = {
	{'{', FLAG_FORMAT, FORMAT_OBJECT}, {'=', FLAG_FORMAT, FORMAT_VALUES},
	{'#', FLAG_FORMAT, FORMAT_CSV},    {'/', FLAG_FORMAT, FORMAT_NDJSON},
	{',', FLAG_BODY, BODY_CSV},        {';', FLAG_BODY, BODY_NDJSON},
	{'&', FLAG_BODY, BODY_FORM},       {'+', FLAG_SWITCH, SWITCH_TOTAL},
	{'~', FLAG_SWITCH, SWITCH_STRIP},  {'.', FLAG_SWITCH, SWITCH_QUIET},
	{'^', FLAG_SWITCH, SWITCH_IGNORE}, {'*', FLAG_SWITCH, SWITCH_DEFAULT},
};

static const struct {
	struct str word;
	enum query_action action;
	bool whole; /* PUT: an upsert of one whole row by its key */
} actions[] = {
	{STR_INIT("list"), QUERY_LIST, false},       {STR_INIT("get"), QUERY_GET, false},
	{STR_INIT("insert"), QUERY_INSERT, false},   {STR_INIT("upsert"), QUERY_UPSERT, false},
	{STR_INIT("update"), QUERY_UPDATE, false},   {STR_INIT("delete"), QUERY_DELETE, false},
	{STR_INIT("replace"), QUERY_REPLACE, false}, {STR_INIT("put"), QUERY_UPDATE, true},
};

/* A request, cut in its parts. */
struct attempt {
	const struct fixture *fixture;
	struct arena arena;
	struct str text;
	struct str body;
	struct str key;
	struct str query_string;
	bool has_key;
	bool whole;
	unsigned int switches;
	struct query query; /* action, resource and what flags say */
	struct parsed_query parsed;
	struct body_options body_options;
};

static void read_flags(struct attempt *attempt, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		for (size_t k = 0; k < sizeof(flags) / sizeof(flags[0]); k++) {
			if (flags[k].byte != text.ptr[i]) {
				continue;
			}
			if (flags[k].kind == FLAG_FORMAT) {
				attempt->query.format = (enum query_format)flags[k].value;
			} else if (flags[k].kind == FLAG_BODY) {
				attempt->body_options.format = (enum body_format)flags[k].value;
			} else {
				attempt->switches |= flags[k].value;
			}
		}
	}
}

static bool read_action(struct attempt *attempt, struct str word)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (str_starts_with(word, actions[i].word)) {
			attempt->query.action = actions[i].action;
			attempt->whole = actions[i].whole;
			read_flags(attempt, str_slice(word, actions[i].word.len, word.len));
			return true;
		}
	}
	return false;
}

/* False: it is no request. */
static bool cut(struct attempt *attempt)
{
	struct str rest = attempt->text;
	struct str line = str_split(&rest, '\n');
	attempt->body = rest;
	if (!read_action(attempt, str_split(&line, ' '))) {
		return false;
	}
	struct str path = str_split(&line, '?');
	attempt->query_string = line;
	attempt->has_key = str_find(path, '/', 0) < path.len;
	attempt->query.resource = model_resource(attempt->fixture->model, str_split(&path, '/'));
	attempt->key = path;
	struct query *query = &attempt->query;
	if (query->resource == NULL || (query->resource->read_only && !is_read(query))) {
		return false;
	}
	query->total = query->action == QUERY_LIST && (attempt->switches & SWITCH_TOTAL) != 0;
	query->nulls_stripped = (attempt->switches & SWITCH_STRIP) != 0 &&
		(query->format == FORMAT_ARRAY || query->format == FORMAT_OBJECT);
	query->resolution = (attempt->switches & SWITCH_IGNORE) != 0 ? RESOLUTION_IGNORE
																 : RESOLUTION_MERGE;
	return true;
}

static bool check(struct attempt *attempt, struct query *query, struct error *error)
{
	const struct check_options options = {
		.limits = &attempt->fixture->limits,
		.caller = &caller_trusted,
		.no_rows = !is_read(query) && (attempt->switches & SWITCH_QUIET) != 0,
		.tag = query->action == QUERY_GET,
	};
	return check_query(&attempt->parsed, query->action, query->resource, &options, &attempt->arena,
					   query, error);
}

/* Pins the row that a path names. */
static bool pin(struct attempt *attempt, struct query *query, struct error *error)
{
	struct parsed_names values;
	const struct cond *own = query->where;
	query->where = NULL;
	if (!parse_key(attempt->key, &attempt->arena, &values, error) ||
		!check_key(query->resource, &values, &attempt->arena, query, error)) {
		return false;
	}
	if (query->action == QUERY_GET && own != NULL) {
		query->where = cond_both(&attempt->arena, query->where, own);
	}
	query->must_match = !attempt->whole;
	if (query->format == FORMAT_ARRAY) {
		query->format = FORMAT_OBJECT;
	}
	return query->action == QUERY_GET || own == NULL;
}

static bool read_body(struct attempt *attempt, struct query *query, struct error *error)
{
	struct body_options *options = &attempt->body_options;
	options->limits = &attempt->fixture->limits;
	options->many = true;
	options->lenient = true;
	options->missing_default = (attempt->switches & SWITCH_DEFAULT) != 0;
	options->columns = attempt->parsed.has_columns ? &attempt->parsed.columns : NULL;
	if (attempt->whole) {
		const struct field_list *key = &query->resource->key;
		struct value *fixed = ARENA_ARRAY(&attempt->arena, key->count, struct value);
		for (size_t i = 0; i < key->count; i++) {
			fixed[i] = *cond_pinned(query->where, key->items[i]);
		}
		options->whole = true;
		options->fixed = key;
		options->fixed_values = fixed;
		options->fixed_error = ERROR_PUT_KEY;
		query->action = QUERY_UPSERT;
		query->resolution = RESOLUTION_MERGE;
		query->conflict = *key;
		query->where = NULL;
	}
	bool rows = options->format == BODY_CSV || options->format == BODY_NDJSON;
	bool inserts = query->action == QUERY_INSERT || query->action == QUERY_UPSERT;
	bool batches = rows && inserts && !attempt->whole;
	if (!(batches ? check_body_batches : check_body)(attempt->body, options, &attempt->arena, query,
													 error)) {
		return false;
	}
	if (attempt->whole && query->row_count > 1) {
		query->row_count = 1;
	}
	return inserts ? !attempt->whole || query->row_count == 1 : query->row_count <= 1;
}

/* False: it is refused before a store sees it. */
static bool make_query(struct attempt *attempt, struct query *query, struct error *error)
{
	*query = attempt->query;
	if (!check(attempt, query, error)) {
		return false;
	}
	bool one = query->action == QUERY_GET || query->action == QUERY_REPLACE;
	if (attempt->has_key ? !pin(attempt, query, error)
						 : (one || attempt->whole) && !check_only_key(query)) {
		return false;
	}
	if (query->format == FORMAT_VALUES &&
		(query->column_count == 0 || query->columns[0].embed != NULL)) {
		query->format = FORMAT_ARRAY;
	}
	return is_read(query) || query->action == QUERY_DELETE || read_body(attempt, query, error);
}

/* Rows that are looked at for `parents` parents: the store in memory goes through all of them. */
static uint64_t count_work(const struct query *query, uint64_t parents)
{
	enum { ROWS = 40, FAN_OUT = 4 };
	uint64_t work = parents * ROWS;
	for (size_t i = 0; i < query->column_count && work <= WORK_ROWS; i++) {
		const struct query_embed *embed = query->columns[i].embed;
		if (embed != NULL) {
			uint64_t rows = query->action == QUERY_LIST ? parents : ROWS;
			work += count_work(&embed->query, embed->to_one ? rows : rows * FAN_OUT);
		}
	}
	return work;
}

/* The pages of a list, as far as there are cursors. */
static void run_pages(struct attempt *attempt, struct query *query)
{
	for (size_t page = 0; page < PAGES; page++) {
		struct run runs[STORES];
		for (size_t i = 0; i < STORES; i++) {
			run_on(attempt->fixture, i, query, false, &runs[i]);
		}
		compare(query, runs, attempt->text, &attempt->arena);
		bool more = runs[0].ok && runs[0].cursor.len > 0;
		if (more) {
			attempt->parsed.after = check_cursor(query, buf_str(&runs[0].cursor), &attempt->arena);
		}
		for (size_t i = 0; i < STORES; i++) {
			run_finish(&runs[i]);
		}
		struct error error = {.code = ERROR_NONE};
		if (!more) {
			return;
		}
		bool ok = make_query(attempt, query, &error);
		assert(ok);
	}
}

/* Batches are read once, so each store gets its own. */
static void run_batches(struct attempt *attempt, struct query *first)
{
	struct query queries[STORES] = {*first};
	struct run runs[STORES];
	struct error error = {.code = ERROR_NONE};
	for (size_t i = 1; i < STORES; i++) {
		bool again = make_query(attempt, &queries[i], &error);
		assert(again);
	}
	for (size_t i = 0; i < STORES; i++) {
		run_on(attempt->fixture, i, &queries[i], false, &runs[i]);
	}
	compare(first, runs, attempt->text, &attempt->arena);
	for (size_t i = 0; i < STORES; i++) {
		run_finish(&runs[i]);
		query_batches_finish(queries[i].batches);
	}
}

static void run_attempt(struct attempt *attempt)
{
	struct error error = {.code = ERROR_NONE};
	struct query query;
	parsed_query_init(&attempt->parsed);
	if (!cut(attempt) ||
		!parse_query_string(attempt->query_string, &attempt->fixture->limits, NULL, NULL,
							&attempt->arena, &attempt->parsed, &error) ||
		!make_query(attempt, &query, &error)) {
		return;
	}
	if (count_work(&query, 1) > WORK_ROWS) {
		query_batches_finish(query.batches);
	} else if (query.batches != NULL) {
		run_batches(attempt, &query);
	} else {
		run_pages(attempt, &query);
	}
}

/* ---- the stores ---- */

static const char *no_environment(const char *name)
{
	(void)name;
	return NULL;
}

static void end_process(void *context, const struct error *error)
{
	(void)context;
	(void)fprintf(stderr, "%s\n", error->message);
	abort();
}

static void open_stores(struct fixture *fixture)
{
	const struct store_options options = {
		.model = fixture->model,
		.limits = &fixture->limits,
		.fatal = end_process,
	};
	struct error error = {.code = ERROR_NONE};
	char url[128];
	(void)snprintf(url, sizeof(url), "sqlite:%s/test.db", fixture->folder);
	char files[128];
	(void)snprintf(files, sizeof(files), "json:%s/files", fixture->folder);
	const char *urls[] = {"memory:", url, files};
	for (size_t i = 0; i < STORES; i++) {
		struct store_options own = options;
		fixture->stores[i] = store_open(str_from(urls[i]), &own, &error);
		assert(fixture->stores[i] != NULL);
		fixture->sessions[i] = store_attach(fixture->stores[i], fixture->loop, &error);
		assert(fixture->sessions[i] != NULL);
	}
}

static void make_all(struct fixture *fixture)
{
	const struct check_options options = {.limits = &fixture->limits, .caller = &caller_trusted};
	struct parsed_query parsed;
	parsed_query_init(&parsed);
	fixture->all = ARENA_ARRAY(&fixture->arena, fixture->model->resource_count, struct query);
	for (size_t i = 0; i < fixture->model->resource_count; i++) {
		struct error error = {.code = ERROR_NONE};
		bool ok = check_query(&parsed, QUERY_LIST, &fixture->model->resources[i], &options,
							  &fixture->arena, &fixture->all[i], &error);
		assert(ok);
	}
}

static void fill(const struct fixture *fixture, const struct resource *resource)
{
	const struct body_options body = {.limits = &fixture->limits, .many = true, .lenient = true};
	struct query query = {.action = QUERY_INSERT, .resource = resource, .limit = UINT64_MAX};
	struct error error = {.code = ERROR_NONE};
	struct arena arena;
	struct buf json;
	buf_init(&json, MIB(1));
	arena_init(&arena, BLOCK_BYTES);
	diff_write_rows(fixture->model, resource, &json);
	if (!check_body(buf_str(&json), &body, &arena, &query, &error)) {
		end_process(NULL, &error);
	}
	for (size_t i = 0; i < STORES; i++) {
		struct run run;
		run_on(fixture, i, &query, true, &run);
		if (!run.ok) {
			print_run(store_names[i], &run);
			abort();
		}
		run_finish(&run);
	}
	buf_finish(&json);
	arena_finish(&arena);
}

static void make_fixture(struct fixture *fixture)
{
	struct model_report report;
	struct error error;
	*fixture = (struct fixture){.model = NULL};
	/* In memory syncs cost nothing. */
	(void)snprintf(fixture->folder, sizeof(fixture->folder), "%s/rowlock-diff-XXXXXX",
				   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	arena_init(&fixture->arena, BLOCK_BYTES);
	limits_init(&fixture->limits);
	/* Not to depend on the machine's speed: no read moves to a worker. */
	fixture->limits.inline_read_us = 1000000;
	fixture->limits.inline_read_bytes = MIB(64);
	fixture->limits.embed_depth = EMBED_DEPTH;
	const char *folder = mkdtemp(fixture->folder);
	assert(folder != NULL);
	model_report_init(&report);
	fixture->model = model_parse(str_from(diff_service), STR("test.yaml"), no_environment, &report);
	if (fixture->model == NULL || !query_compile(fixture->model, &report)) {
		struct buf text;
		buf_init(&text, MIB(1));
		model_report_write(&report, STR("test.yaml"), &text);
		(void)fprintf(stderr, "%.*s", STR_ARG(buf_str(&text)));
		abort();
	}
	model_report_finish(&report);
	fixture->loop = loop_create(&error);
	assert(fixture->loop != NULL);
	open_stores(fixture);
	make_all(fixture);
	for (size_t i = 0; i < fixture->model->resource_count; i++) {
		if (!fixture->model->resources[i].read_only) {
			fill(fixture, &fixture->model->resources[i]);
		}
	}
}

static struct fixture *the_fixture(void)
{
	static struct fixture fixture;
	return &fixture;
}

static void remove_file(const struct fixture *fixture, const char *name)
{
	char path[128];
	(void)snprintf(path, sizeof(path), "%s/%s", fixture->folder, name);
	(void)unlink(path);
}

/* With its files; it need not be there. */
static void remove_folder(const struct fixture *fixture, const char *name)
{
	char path[128];
	(void)snprintf(path, sizeof(path), "%s/%s", fixture->folder, name);
	DIR *folder = opendir(path);
	const struct dirent *entry;
	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		(void)unlinkat(dirfd(folder), entry->d_name, 0);
	}
	if (folder != NULL) {
		(void)closedir(folder);
		(void)rmdir(path);
	}
}

static void finish_fixture(void)
{
	struct fixture *fixture = the_fixture();
	for (size_t i = 0; i < STORES; i++) {
		store_detach(fixture->sessions[i]);
		store_close(fixture->stores[i]);
	}
	remove_file(fixture, "test.db");
	remove_file(fixture, "test.db-wal");
	remove_folder(fixture, "files/.jsonstore");
	remove_folder(fixture, "files");
	(void)rmdir(fixture->folder);
	loop_stop(fixture->loop);
	loop_run(fixture->loop);
	loop_destroy(fixture->loop);
	model_destroy(fixture->model);
	arena_finish(&fixture->arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fixture *fixture = the_fixture();
	if (fixture->model == NULL) {
		make_fixture(fixture);
		(void)atexit(finish_fixture);
	}
	if (size == 0 || size > INPUT_BYTES) {
		return 0;
	}
	struct attempt *attempt = &(struct attempt){.fixture = fixture};
	struct buf request;
	buf_init(&request, MIB(1));
	arena_init(&attempt->arena, BLOCK_BYTES);
	if (data[0] < ' ') {
		diff_write_request(fixture->model, data + 1, size - 1, &request);
		attempt->text = buf_str(&request);
	} else {
		attempt->text = (struct str){(const char *)data, size};
	}
	run_attempt(attempt);
	arena_finish(&attempt->arena);
	buf_finish(&request);
	return 0;
}
