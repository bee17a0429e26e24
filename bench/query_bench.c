/*
 * What a query costs before the store sees it: parse, check and SQL text of one query string with
 * an embed, again and again on one arena. Prints nanoseconds of CPU time a query; with `show`, the
 * statements.
 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/arena.h"
#include "model/model.h"
#include "query/check.h"
#include "sql/sql.h"

enum { ROUNDS = 200000, WARM_ROUNDS = 20000, BLOCK_BYTES = 16384, SQL_MAX_BYTES = 1 << 20 };

static const char query_string[] = "select=id,name,client:clients(id,name)&id=gt.5&name=ilike.*a*"
								   "&order=name.desc.nullslast&limit=20";

static const char yaml[] = "service: bench\n"
						   "resources:\n"
						   "  clients:\n"
						   "    key: id\n"
						   "    fields:\n"
						   "      id:   { type: integer, default: auto }\n"
						   "      name: { type: text, required: true }\n"
						   "  projects:\n"
						   "    key: id\n"
						   "    fields:\n"
						   "      id:        { type: integer, default: auto }\n"
						   "      name:      text\n"
						   "      client_id: { type: integer, references: clients }\n";

struct bench {
	const struct resource *resource;
	struct limits limits;
	struct arena arena;
	struct sql top;
	struct sql embed;
};

static const char *no_environment(const char *name)
{
	(void)name;
	return NULL;
}

static struct model *load(void)
{
	struct model_report report;
	model_report_init(&report);
	struct model *model = model_parse(str_from(yaml), STR("bench.yaml"), no_environment, &report);
	for (size_t i = 0; i < report.count; i++) {
		(void)fprintf(stderr, "%.*s\n", STR_ARG(report.problems[i].message));
	}
	model_report_finish(&report);
	return model;
}

static bool run(struct bench *bench, struct error *error)
{
	struct parsed_query parsed;
	struct query query = {.action = QUERY_LIST, .resource = bench->resource};
	struct check_options options = {.limits = &bench->limits};
	arena_reset(&bench->arena);
	parsed_query_init(&parsed);
	if (!parse_query_string(str_from(query_string), &bench->limits, NULL, NULL, &bench->arena,
							&parsed, error) ||
		!check_query(&parsed, QUERY_LIST, bench->resource, &options, &bench->arena, &query,
					 error)) {
		return false;
	}
	sql_clear(&bench->top);
	sql_select(&bench->top, &query);
	for (size_t i = 0; i < query.column_count; i++) {
		const struct query_embed *embed = query.columns[i].embed;
		if (embed != NULL) {
			struct value key = {.kind = VALUE_INTEGER, .integer = 7};
			sql_clear(&bench->embed);
			sql_embed(&bench->embed, embed, &key);
		}
	}
	return true;
}

static bool run_all(struct bench *bench, size_t rounds, struct error *error)
{
	for (size_t i = 0; i < rounds; i++) {
		if (!run(bench, error)) {
			return false;
		}
	}
	return bench->top.text.len > 0 && !bench->top.text.failed && bench->embed.text.len > 0 &&
		!bench->embed.text.failed;
}

static uint64_t cpu_ns(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int measure(struct bench *bench, bool show)
{
	struct error error = {.code = ERROR_NONE};
	bool ok = run_all(bench, show ? 1 : WARM_ROUNDS, &error);
	if (ok && show) {
		printf("%.*s\n%.*s\n", STR_ARG(buf_str(&bench->top.text)),
			   STR_ARG(buf_str(&bench->embed.text)));
		return 0;
	}
	uint64_t begin_ns = cpu_ns();
	ok = ok && run_all(bench, ROUNDS, &error);
	uint64_t end_ns = cpu_ns();
	if (!ok) {
		(void)fprintf(stderr, "query_bench: %s\n", error.message);
		return 1;
	}
	printf("%" PRIu64 "\n", (end_ns - begin_ns) / ROUNDS);
	return 0;
}

int main(int argc, char **argv)
{
	struct bench bench = {.resource = NULL};
	struct model *model = load();
	if (model == NULL) {
		return 1;
	}
	bench.resource = model_resource(model, STR("projects"));
	limits_init(&bench.limits);
	arena_init(&bench.arena, BLOCK_BYTES);
	sql_init(&bench.top, &sql_dialect_sqlite, SQL_MAX_BYTES);
	sql_init(&bench.embed, &sql_dialect_sqlite, SQL_MAX_BYTES);
	int status = measure(&bench, argc == 2 && strcmp(argv[1], "show") == 0);
	sql_finish(&bench.embed);
	sql_finish(&bench.top);
	arena_finish(&bench.arena);
	model_destroy(model);
	return status;
}
