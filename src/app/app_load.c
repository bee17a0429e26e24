#include <unistd.h>

#include "app/app_priv.h"
#include "app/command.h"

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
	if (app->options.tls_certificate != NULL && app->options.gateway == NULL) {
		model->tls.certificate.str = str_from(app->options.tls_certificate);
		model->tls.key.str = str_from(app->options.tls_key);
	}
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

/* What a service file cannot hold stands in its comments, which nobody sees here. */
static void warn_of_gaps(const struct app *app, struct str yaml)
{
	uint64_t count = 0;
	while (yaml.len > 0) {
		struct str line = str_split(&yaml, '\n');
		count += str_starts_with(str_trim(line), STR("# left out: ")) ? 1 : 0;
	}
	if (count > 0) {
		struct log_field fields[] = {
			LOG_INT("parts", count),
			LOG_STR("hint", STR("`rowlock introspect` says which, and why")),
		};
		log_event(&app->options.log, LOG_WARNING, "parts of the database are not served", fields,
				  2);
	}
}

/* The service file that the database itself gives. NULL when it cannot be read: logged. */
static struct model *describe(const struct app *app, const char *name, struct model_report *report)
{
	bool keeps_answers = false;
	const struct describe_options options = {
		.url = str_from(app->options.existing),
		.listen = STR("127.0.0.1:3000"),
		.write = app->options.write,
		.keeps_answers = &keeps_answers,
	};
	struct error error = {0};
	struct model *model = NULL;
	struct buf yaml;
	buf_init(&yaml, MIB(1));
	if (store_describe(options.url, &options, &yaml, &error)) {
		warn_of_gaps(app, buf_str(&yaml));
		model = model_parse(buf_str(&yaml), str_from(name), command_environment, report);
		if (model == NULL) {
			model_report_add(
				report, (struct place){0},
				"`rowlock introspect` prints the service file; serve a corrected copy of it",
				"the tables cannot be served as they are");
		}
	} else {
		app_log_error(app, STR(""), &error);
	}
	buf_finish(&yaml);
	if (model != NULL && !(keeps_answers && app->options.write)) {
		model->kept_answers = NULL; /* in somebody's database no table is made for them */
	}
	return model;
}

struct service *app_load(struct app *app, const char *file, struct tls_identity **ret_identity)
{
	struct model_report report;
	model_report_init(&report);
	struct model *model = app->options.existing != NULL
		? describe(app, file, &report)
		: model_load(file, command_environment, &report);
	struct service *service = NULL;
	*ret_identity = NULL;
	if (model != NULL) {
		override(app, model);
		service = service_create(model, &report);
		if (service != NULL &&
			(!app_load_identity(&service->model->tls, &report, ret_identity) ||
			 !service_load_keys(service, &report))) {
			tls_identity_destroy(*ret_identity);
			*ret_identity = NULL;
			service_unref(service);
			service = NULL;
		}
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
