#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/command.h"
#include "app/command_store.h"
#include "query/check.h"
#include "query/parse.h"

static const char help[] =
	"usage: rowlock export [options] FILE RESOURCE\n"
	"\n"
	"Writes the rows of a resource of a service file to standard output, in the order of\n"
	"their keys. No server may have the SQLite file.\n"
	"\n"
	"  --format FORMAT   csv, json or ndjson (ndjson)\n"
	"  --query QUERY     conditions, select and order, as in a URL: select=id,name&id=gt.5\n"
	"  --store URL       instead of the one of the service file\n";

struct export
{
	struct loop *loop;
	struct store_session *session;
	struct store_request request;
	struct task task; /* on the loop */
	struct query query;
	struct buf body;
	struct error error;
	bool ok;
};

static struct export *export_of(struct store_request *request)
{
	return (struct export *)(void *)((char *)request - offsetof(struct export, request));
}

static bool write_out(struct export *export, struct str bytes)
{
	if (fwrite(bytes.ptr, 1, bytes.len, stdout) == bytes.len) {
		return true;
	}
	return error_set(&export->error, ERROR_CONFIG, "standard output takes no more");
}

static bool on_part(struct store_request *request, struct str bytes)
{
	struct export *export = export_of(request);
	if (export->error.code == ERROR_NONE && !write_out(export, bytes)) {
		store_cancel(request);
	}
	return true;
}

static struct export *export_of_task(struct task *task)
{
	return (struct export *)(void *)((char *)task - offsetof(struct export, task));
}

/* The loop runs as long as the session has something open on it. */
static void leave(struct task *task)
{
	struct export *export = export_of_task(task);
	store_detach(export->session);
	loop_stop(export->loop);
}

static void on_done(struct store_request *request, const struct store_result *result,
					const struct error *error)
{
	struct export *export = export_of(request);
	if (error != NULL && export->error.code == ERROR_NONE) {
		export->error = *error;
	}
	if (export->error.code == ERROR_NONE && !result->streamed) {
		(void)write_out(export, buf_str(&export->body));
	}
	export->ok = export->error.code == ERROR_NONE;
	export->task.run = leave;
	loop_post(export->loop, &export->task);
}

static void begin(struct task *task)
{
	struct export *export = export_of_task(task);
	export->request = (struct store_request){
		.query = &export->query,
		.body = &export->body,
		.done = on_done,
		.part = on_part,
		.deadline_ms = UINT64_MAX / 2,
	};
	store_run(export->session, &export->request);
}

static bool run_loop(struct export *export, struct store *store)
{
	export->loop = loop_create(&export->error);
	if (export->loop == NULL) {
		return false;
	}
	export->session = store_attach(store, export->loop, &export->error);
	if (export->session != NULL) {
		export->task.run = begin;
		loop_post(export->loop, &export->task);
		loop_run(export->loop);
	}
	loop_destroy(export->loop);
	return export->ok;
}

static bool make_query(struct export *export, const struct resource *resource, const char *text,
					   const struct limits *limits, struct arena *arena)
{
	const struct check_options options = {.limits = limits, .caller = &caller_trusted};
	struct parsed_query parsed;
	export->query.action = QUERY_LIST;
	export->query.resource = resource;
	export->query.limit = UINT64_MAX;
	parsed_query_init(&parsed);
	return parse_query_string(str_from(text), limits, NULL, NULL, arena, &parsed, &export->error) &&
		check_query(&parsed, QUERY_LIST, resource, &options, arena, &export->query, &export->error);
}

static bool read_format(const char *word, enum query_format *ret_format)
{
	static const struct {
		const char *word;
		enum query_format format;
	} words[] = {{"csv", FORMAT_CSV}, {"json", FORMAT_ARRAY}, {"ndjson", FORMAT_NDJSON}};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i].word, word) == 0) {
			*ret_format = words[i].format;
			return true;
		}
	}
	fprintf(stderr, "rowlock export: --format is csv, json or ndjson, not \"%s\"\n", word);
	return false;
}

static bool export_rows(struct export *export, const struct command_store *store,
						const struct resource *resource, const char *text)
{
	const struct limits *limits = &store->service->model->limits;
	struct arena arena;
	arena_init(&arena, 16384);
	buf_init(&export->body, limits->memory_bytes);
	bool ok = make_query(export, resource, text, limits, &arena) && run_loop(export, store->store);
	bool ends = export->query.format != FORMAT_NDJSON && ok;
	if (ok && ((ends && putchar('\n') == EOF) || fflush(stdout) != 0)) {
		ok = error_set(&export->error, ERROR_CONFIG, "standard output takes no more");
	}
	buf_finish(&export->body);
	arena_finish(&arena);
	return ok || command_fail("export", &export->error);
}

static enum exit_code run(int argc, char **argv)
{
	const char *format = "ndjson";
	const char *text = "";
	const char *url = NULL;
	const struct option words[] = {
		{.name = "format", .value = &format},
		{.name = "query", .value = &text},
		{.name = "store", .value = &url},
		{0},
	};
	int operands = options_read(argc, argv, words);
	if (operands != 2) {
		fputs(operands < 0 ? "" : "rowlock export: give a service file and a resource\n", stderr);
		return EXIT_USAGE;
	}
	struct export export = {0};
	if (!read_format(format, &export.query.format)) {
		return EXIT_USAGE;
	}
	struct command_store store;
	bool ok = command_store_open(&store, "export", argv[1], url);
	const struct resource *resource = ok ? command_store_resource(&store, argv[2]) : NULL;
	ok = resource != NULL && export_rows(&export, &store, resource, text);
	command_store_close(&store);
	return ok ? EXIT_DONE : EXIT_FAILED;
}

const struct command command_export = {
	.name = "export",
	.summary = "write the rows of a resource as CSV, JSON or NDJSON",
	.help = help,
	.run = run,
};
