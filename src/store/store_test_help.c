#include "store/store_test_help.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "query/compile.h"
#include "store/store_priv.h"

const char test_service[] = "service: test\n"
							"listen: 127.0.0.1:0\n"
							"store: \"memory:\"\n"
							"resources:\n"
							"  users:\n"
							"    key: id\n"
							"    fields:\n"
							"      id: { type: integer, default: auto }\n"
							"      name: { type: text, required: true }\n"
							"      age: integer\n"
							"      score: number\n"
							"      ok: boolean\n"
							"    unique:\n"
							"      one name: { fields: name }\n"
							"      age and ok: { fields: [age, ok] }\n"
							"    index: [age]\n"
							"  items:\n"
							"    key: code\n"
							"    fields:\n"
							"      code: text\n"
							"      price: \"decimal(10,2)\"\n"
							"      data: json\n"
							"      made: { type: integer, write: once }\n"
							"  ratings:\n"
							"    key: [user_id, item_id]\n"
							"    fields:\n"
							"      user_id: integer\n"
							"      item_id: integer\n"
							"      rating_type: { type: integer, required: true, in: [1, 2, 3] }\n"
							"  counts:\n"
							"    tally: ratings\n"
							"    by: [user_id, rating_type]\n"
							"  notes:\n"
							"    key: id\n"
							"    fields:\n"
							"      id: { type: integer, default: auto }\n"
							"      user_id: { type: integer, references: users }\n"
							"      parent_id: { type: integer, references: notes }\n"
							"      text: text\n"
							"  events:\n"
							"    key: day\n"
							"    fields:\n"
							"      day: date\n"
							"      at: datetime\n"
							"      start: { type: time, min: \"06:00:00\" }\n"
							"    unique:\n"
							"      one event at a time: at\n"
							"      one start in 2014: { fields: start, where: "
							"\"day=gte.2014-01-01&day=lt.2015-01-01\" }\n";

static const char *no_environment(const char *name)
{
	(void)name;
	return NULL;
}

void fixture_init(struct fixture *fixture, const char *yaml)
{
	*fixture = (struct fixture){.folder = "/tmp/rowlock-store-XXXXXX"};
	arena_init(&fixture->arena, 65536);
	limits_init(&fixture->limits);
	assert_non_null(mkdtemp(fixture->folder));
	struct model_report report;
	model_report_init(&report);
	fixture->model = model_parse(str_from(yaml), STR("test.yaml"), no_environment, &report);
	if (fixture->model == NULL || !query_compile(fixture->model, &report)) {
		struct buf text;
		buf_init(&text, 65536);
		model_report_write(&report, STR("test.yaml"), &text);
		fail_msg("%.*s", STR_ARG(buf_str(&text)));
	}
	model_report_finish(&report);
	struct error error;
	fixture->loop = loop_create(&error);
	assert_non_null(fixture->loop);
}

static void remove_file(const struct fixture *fixture, const char *name)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", fixture->folder, name);
	unlink(path);
}

/* With its files; it need not be there. */
static void remove_folder(const struct fixture *fixture, const char *name)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", fixture->folder, name);
	DIR *folder = opendir(path);
	const struct dirent *entry;
	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
			unlinkat(dirfd(folder), entry->d_name, 0);
		}
	}
	if (folder != NULL) {
		closedir(folder);
		rmdir(path);
	}
}

void fixture_finish(struct fixture *fixture)
{
	fixture_close(fixture);
#if HAVE_MARIADB
	maria_test_finish(&fixture->maria);
#endif
	remove_file(fixture, "test.db");
	remove_file(fixture, "test.db-wal");
	remove_file(fixture, "test.db-journal");
	remove_folder(fixture, "files/.jsonstore");
	remove_folder(fixture, "files");
	assert_int_equal(rmdir(fixture->folder), 0);
	loop_stop(fixture->loop);
	loop_run(fixture->loop);
	loop_destroy(fixture->loop);
	model_destroy(fixture->model);
	arena_finish(&fixture->arena);
}

static void end_process(void *context, const struct error *error)
{
	(void)context;
	(void)error;
	_exit(42);
}

struct store_options fixture_options(struct fixture *fixture)
{
	return (struct store_options){
		.model = fixture->model,
		.limits = &fixture->limits,
		.fatal = end_process,
	};
}

void fixture_open(struct fixture *fixture, const char *url)
{
	struct error error = {.code = ERROR_NONE};
	bool file = strcmp(url, "sqlite:") == 0;
	bool files = strcmp(url, "json:") == 0;
	snprintf(fixture->url, sizeof(fixture->url), "%s%s%s", url,
			 file || files ? fixture->folder : "",
			 file        ? "/test.db"
				 : files ? "/files"
						 : "");
#if HAVE_MARIADB
	if (strcmp(url, "mysql:") == 0) {
		if (fixture->maria.name[0] == '\0') {
			maria_test_create(&fixture->maria);
		}
		snprintf(fixture->url, sizeof(fixture->url), "%s", fixture->maria.url);
	}
#endif
	struct store_options options = fixture_options(fixture);
	fixture->store = store_open(str_from(fixture->url), &options, &error);
	if (fixture->store == NULL) {
		fail_msg("%s: %s (%s)", fixture->url, error.message, error.details);
	}
	fixture->session = store_attach(fixture->store, fixture->loop, &error);
	assert_non_null(fixture->session);
}

void fixture_open_maria(struct fixture *fixture)
{
	if (!maria_test_is_on()) {
		skip();
	}
	fixture_open(fixture, "mysql:");
}

int fixture_setup(void **state, const char *yaml)
{
	struct fixture *fixture = alloc_zeroed(1, sizeof(*fixture));
	fixture_init(fixture, yaml);
	*state = fixture;
	return 0;
}

int fixture_teardown(void **state)
{
	struct fixture *fixture = *state;
	fixture_finish(fixture);
	free(fixture);
	return 0;
}

void assert_text(struct str got, const char *want)
{
	if (!str_equal(got, str_from(want))) {
		fail_msg("got %.*s, want %s", STR_ARG(got), want);
	}
}

const char *fixture_store(size_t number)
{
	static const char *const stores[] = {
		"memory:",
		"sqlite:",
#if HAVE_JSONSTORE
		"json:",
#endif
		"mysql:",
	};
	enum { STORES = sizeof(stores) / sizeof(stores[0]) };
	bool has_server = HAVE_MARIADB && getenv("ROWLOCK_TEST_MARIADB") != NULL;
	return number < (has_server ? STORES : STORES - 1) ? stores[number] : NULL;
}

void fixture_close(struct fixture *fixture)
{
	store_detach(fixture->session);
	store_close(fixture->store);
	fixture->session = NULL;
	fixture->store = NULL;
}

/* ---- calls ---- */

static struct call *call_of(struct store_request *request)
{
	return (struct call *)(void *)((char *)request - offsetof(struct call, request));
}

static void on_done(struct store_request *request, const struct store_result *result,
					const struct error *error)
{
	struct call *call = call_of(request);
	assert_false(call->done);
	call->done = true;
	call->ok = error == NULL;
	call->result = *result;
	if (error != NULL) {
		call->error = *error;
	}
}

static bool on_part(struct store_request *request, struct str bytes)
{
	struct call *call = call_of(request);
	assert_false(call->paused);
	assert_false(call->done);
	buf_append(&call->streamed, bytes);
	call->parts++;
	call->paused = call->parts == call->pause_after;
	return !call->paused;
}

void call_init(struct call *call, const struct query *query)
{
	*call = (struct call){.request = {.query = query, .done = on_done, .part = on_part}};
	buf_init(&call->body, MIB(64));
	buf_init(&call->streamed, MIB(256));
	call->request.body = &call->body;
}

void call_finish(struct call *call)
{
	buf_finish(&call->body);
	buf_finish(&call->streamed);
}

void call_start(struct fixture *fixture, struct call *call)
{
	store_run(fixture->session, &call->request);
}

void call_wait(struct fixture *fixture, struct call *call)
{
	while (!call->done) {
		uv_run(loop_uv(fixture->loop), UV_RUN_ONCE);
	}
}

void call_run(struct fixture *fixture, struct call *call, const struct query *query)
{
	call_init(call, query);
	uv_update_time(loop_uv(fixture->loop));
	call_start(fixture, call);
	call_wait(fixture, call);
}

struct version_answer {
	struct store_version_request request;
	bool done;
	bool known;
	uint64_t version;
};

static void on_version(struct store_version_request *request, bool known, uint64_t version)
{
	struct version_answer *answer = (struct version_answer *)(void *)request;
	answer->done = true;
	answer->known = known;
	answer->version = version;
}

uint64_t test_version(struct fixture *fixture, const struct query *query)
{
	struct version_answer answer = {.request = {.query = query, .done = on_version}};
	store_version_ask(fixture->session, &answer.request);
	while (!answer.done) {
		uv_run(loop_uv(fixture->loop), UV_RUN_ONCE);
	}
	assert_true(answer.known);
	return answer.version;
}

struct str run_ok(struct fixture *fixture, const struct query *query)
{
	struct call call;
	call_run(fixture, &call, query);
	if (!call.ok) {
		fail_msg("%s: %s; %s", error_info(call.error.code)->name, call.error.message,
				 call.error.details);
	}
	struct str body = arena_copy(&fixture->arena, buf_str(&call.body));
	call_finish(&call);
	return body;
}

/* ---- queries ---- */

const struct resource *test_resource(struct fixture *fixture, const char *name)
{
	const struct resource *resource = model_resource(fixture->model, str_from(name));
	assert_non_null(resource);
	return resource;
}

struct value test_integer(int64_t number)
{
	return (struct value){.kind = VALUE_INTEGER, .integer = number};
}

struct value test_text(const char *text)
{
	return (struct value){.kind = VALUE_TEXT, .text = str_from(text)};
}

/* A field, or one that only the program names. */
static const struct field *find_column(const struct resource *resource, struct str name)
{
	for (size_t i = 0; i < resource_column_count(resource); i++) {
		if (str_equal(resource_column(resource, i)->name, name)) {
			return resource_column(resource, i);
		}
	}
	return NULL;
}

static void add_column(struct fixture *fixture, struct query_column *columns,
					   struct query_fetch *fetch, size_t *count, const struct field *field)
{
	assert_non_null(field);
	fetch[*count] = (struct query_fetch){.term = {.field = field}, .type = field};
	columns[*count] = (struct query_column){
		.name = field->name,
		.key = arena_printf(&fixture->arena, "\"%.*s\":", STR_ARG(field->name)),
		.at = *count,
	};
	(*count)++;
}

void test_columns(struct fixture *fixture, struct query *query, const char *fields)
{
	const struct resource *resource = query->resource;
	size_t room = resource_column_count(resource);
	struct query_column *columns = ARENA_ARRAY(&fixture->arena, room, struct query_column);
	struct query_fetch *fetch = ARENA_ARRAY(&fixture->arena, room, struct query_fetch);
	size_t count = 0;
	struct str rest = str_from(fields);
	if (str_equal(rest, STR("*"))) {
		for (size_t i = 0; i < resource->field_count; i++) {
			add_column(fixture, columns, fetch, &count, &resource->fields[i]);
		}
	} else {
		while (rest.len > 0) {
			add_column(fixture, columns, fetch, &count,
					   find_column(resource, str_split(&rest, ' ')));
		}
	}
	query->columns = columns;
	query->column_count = count;
	query->fetch = fetch;
	query->fetch_count = count;
}

struct query *test_list(struct fixture *fixture, const char *name)
{
	struct query *query = ARENA_NEW(&fixture->arena, struct query);
	const struct resource *resource = test_resource(fixture, name);
	query->action = QUERY_LIST;
	query->resource = resource;
	query->limit = UINT64_MAX;
	struct query_order *order = ARENA_ARRAY(&fixture->arena, resource->key.count,
											struct query_order);
	for (size_t i = 0; i < resource->key.count; i++) {
		order[i] = (struct query_order){.term = {.field = resource->key.items[i]}, .at = SIZE_MAX};
	}
	query->order = order;
	query->order_count = resource->key.count;
	test_columns(fixture, query, "*");
	if (resource->tally_of != NULL) {
		/* As check_query() does it. */
		query->where = test_compare(fixture, resource, "count", OPERATOR_GT, test_integer(0));
	}
	return query;
}

const struct cond *test_compare(struct fixture *fixture, const struct resource *resource,
								const char *field, enum operator_name operator, struct value value)
{
	struct cond *cond = ARENA_NEW(&fixture->arena, struct cond);
	cond->kind = COND_COMPARE;
	cond->field = find_column(resource, str_from(field));
	assert_non_null(cond->field);
	cond->op = operator;
	cond->operand.value = value;
	cond->operand.parameter = -1;
	return cond;
}

const struct cond *test_join(struct fixture *fixture, enum cond_kind kind, const struct cond *a,
							 const struct cond *b)
{
	struct cond *cond = ARENA_NEW(&fixture->arena, struct cond);
	const struct cond **children = ARENA_ARRAY(&fixture->arena, 2, const struct cond *);
	cond->kind = kind;
	cond->children = children;
	children[cond->child_count++] = a;
	if (b != NULL) {
		children[cond->child_count++] = b;
	}
	return cond;
}

struct query *test_write(struct fixture *fixture, enum query_action action, const char *name,
						 const char *fields, size_t rows, struct value **ret_values)
{
	struct query *query = ARENA_NEW(&fixture->arena, struct query);
	const struct resource *resource = test_resource(fixture, name);
	query->action = action;
	query->resource = resource;
	query->limit = UINT64_MAX;
	query->conflict = resource->key;
	query->given.items = ARENA_ARRAY(&fixture->arena, resource_column_count(resource),
									 const struct field *);
	struct str rest = str_from(fields);
	while (rest.len > 0) {
		const struct field *field = find_column(resource, str_split(&rest, ' '));
		assert_non_null(field);
		query->given.items[query->given.count++] = field;
	}
	struct value *values = ARENA_ARRAY(&fixture->arena, rows * query->given.count, struct value);
	query->values = values;
	query->row_count = rows;
	*ret_values = values;
	return query;
}

struct query *test_rating(struct fixture *fixture, int64_t user, int64_t item, int64_t type)
{
	struct value *values;
	struct query *query = test_write(fixture, QUERY_UPSERT, "ratings",
									 "user_id item_id rating_type", 1, &values);
	values[0] = test_integer(user);
	values[1] = test_integer(item);
	values[2] = test_integer(type);
	query->format = FORMAT_OBJECT;
	test_columns(fixture, query, "*");
	return query;
}
