#include <stdlib.h>
#include <unistd.h>

#include "app/app_priv.h"

/* getenv() has another type: its result is not const. */
static const char *environment(const char *name)
{
	return getenv(name);
}

/* Problems are for people with the file before them, so they go out as they are, not as log lines,
 * unless the log is JSON. */
static void write_report(const struct app *app, const struct model_report *report, const char *file)
{
	if (report->count == 0) {
		return;
	}
	struct buf text;
	buf_init(&text, MIB(1));
	model_report_write(report, str_from(file), &text);
	if (app->options.log.format == LOG_JSON) {
		struct log_field fields[] = {LOG_STR("problems", buf_str(&text))};
		log_event(&app->options.log, report->errors > 0 ? LOG_ERROR : LOG_WARNING,
				  "problems in a service file", fields, 1);
	} else {
		ssize_t written = write(app->options.log.fd, text.ptr, text.len);
		(void)written; /* there is nobody left to tell */
	}
	buf_finish(&text);
}

static void override(const struct app *app, struct model *model)
{
	for (size_t i = 0; i < app->options.override_count; i++) {
		const struct app_override *set = &app->options.overrides[i];
		if (set->service != NULL && !str_equal(str_from(set->service), model->service)) {
			continue;
		}
		struct text *text = str_equal(str_from(set->key), STR("listen")) ? &model->listen
																		 : &model->store;
		text->str = str_from(set->value);
	}
}

struct service *app_load(struct app *app, const char *file)
{
	struct model_report report;
	model_report_init(&report);
	struct model *model = model_load(file, environment, &report);
	struct service *service = NULL;
	if (model != NULL) {
		override(app, model);
		service = service_create(model, &report);
	}
	write_report(app, &report, file);
	model_report_finish(&report);
	return service;
}

void app_log_error(const struct app *app, struct str service, const struct error *error)
{
	struct log_field fields[] = {
		LOG_STR("service", service),
		LOG_STR("details", str_from(error->details)),
		LOG_STR("hint", str_from(error->hint)),
	};
	log_event(&app->options.log, LOG_ERROR, error->message, fields,
			  sizeof(fields) / sizeof(fields[0]));
}
