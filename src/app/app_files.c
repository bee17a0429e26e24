#include <string.h>

#include "app/app_priv.h"
#include "app/import.h"

/* More lines of one file than these are only counted. */
enum { LINES_LOGGED = 100 };

struct loading {
	const struct app_service *service;
	const struct resource *resource;
	const char *path;
	uint64_t left_out;
};

static void on_left_out(void *context, const struct bad_row *row, bool skipped)
{
	struct loading *loading = context;
	struct log_field fields[] = {
		LOG_STR("service", loading->service->name),
		LOG_STR("resource", loading->resource->name),
		LOG_STR("file", str_from(loading->path)),
		LOG_INT("line", row->line),
		LOG_STR("reason", str_from(row->error->message)),
		LOG_STR("details", str_from(row->error->details)),
		LOG_INT("column", row->column),
	};
	size_t count = sizeof(fields) / sizeof(fields[0]) - (row->column > 0 ? 0 : 1);
	if (loading->left_out++ < LINES_LOGGED) {
		log_event(&loading->service->app->options.log, LOG_WARNING,
				  skipped ? "a line was skipped" : "a line was left out", fields, count);
	}
}

static void log_loaded(const struct loading *loading, const struct import_summary *summary)
{
	struct log_field fields[] = {
		LOG_STR("service", loading->service->name), LOG_STR("resource", loading->resource->name),
		LOG_STR("file", str_from(loading->path)),   LOG_INT("read", summary->read),
		LOG_INT("inserted", summary->inserted),     LOG_INT("skipped", summary->skipped),
		LOG_INT("failed", summary->failed),
	};
	const struct log *log = &loading->service->app->options.log;
	if (summary->known) {
		log_event(log, LOG_INFO, "a file was loaded before", fields, 3);
	} else {
		log_event(log, LOG_INFO, "a file was loaded", fields, sizeof(fields) / sizeof(fields[0]));
	}
}

/* What is wrong with a file says in which. */
static void name_file(const char *path, struct error *error)
{
	if (!str_starts_with(str_from(error->message), str_from(path))) {
		struct error plain = *error;
		error_set(error, plain.code, "%s: %s", path, plain.message);
		memcpy(error->details, plain.details, sizeof(error->details));
		memcpy(error->hint, plain.hint, sizeof(error->hint));
	}
}

static bool load_file(struct app_service *service, const struct model *model,
					  const struct resource *resource)
{
	struct app *app = service->app;
	struct loading loading = {
		.service = service,
		.resource = resource,
		.path = arena_copy(&app->arena, resource->load.file).ptr,
	};
	struct import_options options = {
		.store = service->store,
		.model = model,
		.resource = resource,
		.path = loading.path,
		.load = &resource->load,
		.left_out = on_left_out,
		.context = &loading,
	};
	struct import_summary summary;
	struct error error = {0};
	if (!import_format(loading.path, &options.format)) {
		error_set(&error, ERROR_CONFIG, "%s: `load` takes .csv, .json and .ndjson", loading.path);
	} else if (import_run(&options, &summary, &error)) {
		log_loaded(&loading, &summary);
		return true;
	}
	name_file(loading.path, &error);
	app_log_error(app, service->name, &error);
	return false;
}

bool app_load_files(struct app_service *service, const struct model *model)
{
	for (size_t i = 0; i < model->resource_count; i++) {
		const struct resource *resource = &model->resources[i];
		if (resource->load.file.len > 0 && !load_file(service, model, resource)) {
			return false;
		}
	}
	return true;
}
