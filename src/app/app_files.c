#include <stdlib.h>
#include <string.h>

#include "app/app_priv.h"
#include "app/import.h"
#include "link/user.h"

/* More lines of one file than these are only counted. */
enum { LINES_LOGGED = 100 };

struct loading {
	struct app_service *service;
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

/* Another service does not answer: it is asked again until this program ends. */
static bool is_patient(void *context)
{
	struct loading *loading = context;
	struct app_service *service = loading->service;
	struct log_field fields[] = {
		LOG_STR("service", service->name),
		LOG_STR("resource", loading->resource->name),
		LOG_STR("file", str_from(loading->path)),
	};
	if (!service->waits) {
		service->waits = true;
		log_event(&service->app->options.log, LOG_WARNING,
				  "a file waits for a service that its rows refer to", fields, 3);
	}
	return !atomic_load(&service->app->draining);
}

static bool load_file(struct app_service *service, const struct model *model,
					  const struct resource *resource)
{
	struct app *app = service->app;
	struct arena arena;
	arena_init(&arena, KIB(1));
	struct loading loading = {
		.service = service,
		.resource = resource,
		.path = arena_copy(&arena, resource->load.file).ptr,
	};
	struct import_options options = {
		.store = service->store,
		.model = model,
		.resource = resource,
		.path = loading.path,
		.load = &resource->load,
		.link_key = app->link_key,
		.patient = is_patient,
		.left_out = on_left_out,
		.context = &loading,
	};
	struct import_summary summary;
	struct error error = {0};
	bool ok = false;
	if (!import_format(loading.path, &options.format)) {
		error_set(&error, ERROR_CONFIG, "%s: `load` takes .csv, .json and .ndjson", loading.path);
	} else {
		ok = import_run(&options, &summary, &error);
	}
	if (ok) {
		log_loaded(&loading, &summary);
	} else if (!atomic_load(&app->draining)) {
		name_file(loading.path, &error);
		app_log_error(app, service->name, &error);
	}
	arena_finish(&arena);
	return ok;
}

static bool must_wait(const struct resource *resource)
{
	return resource->load.file.len > 0 && link_user_concerns(resource);
}

bool app_load_files(struct app_service *service, struct service *loaded)
{
	const struct model *model = loaded->model;
	for (size_t i = 0; i < model->resource_count; i++) {
		const struct resource *resource = &model->resources[i];
		if (must_wait(resource)) {
			service_ref(loaded);
			service->to_load = loaded;
			atomic_store(&service->load_from, i);
			atomic_store(&service->loading, true);
			return true;
		}
		if (resource->load.file.len > 0 && !load_file(service, model, resource)) {
			return false;
		}
	}
	return true;
}

/* A service whose file cannot be loaded stays not ready: the log says why. */
static void load_rest(struct app_service *service)
{
	const struct model *model = service->to_load->model;
	bool ok = true;
	for (size_t i = atomic_load(&service->load_from); i < model->resource_count && ok; i++) {
		const struct resource *resource = &model->resources[i];
		ok = resource->load.file.len == 0 || load_file(service, model, resource);
		atomic_store(&service->load_from, ok ? i + 1 : i);
	}
	atomic_store(&service->loading, !ok);
}

static void *load_all(void *context)
{
	struct app *app = context;
	for (size_t i = 0; i < app->service_count && !atomic_load(&app->draining); i++) {
		if (app->services[i].to_load != NULL) {
			load_rest(&app->services[i]);
		}
	}
	return NULL;
}

void app_begin_loads(struct app *app)
{
	bool any = false;
	for (size_t i = 0; i < app->service_count; i++) {
		any = any || app->services[i].to_load != NULL;
	}
	if (any && pthread_create(&app->loader, NULL, load_all, app) != 0) {
		abort();
	}
	app->has_loader = any;
}

void app_end_loads(struct app *app)
{
	if (app->has_loader) {
		pthread_join(app->loader, NULL);
		app->has_loader = false;
	}
	for (size_t i = 0; i < app->service_count; i++) {
		service_unref(app->services[i].to_load);
		app->services[i].to_load = NULL;
	}
}
