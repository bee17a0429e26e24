#include <string.h>

#include "app/app_priv.h"

/* What listeners, stores and loops were made with stays as it is while they run. */
static bool same_place(const struct app_service *service, const struct model *model,
					   struct error *error)
{
	bool same = str_equal(service->name, model->service) &&
		str_equal(service->listen, model->listen.str) &&
		str_equal(service->store_url, model->store.str) &&
		service->cache_kind == app_cache_kind(model) &&
		str_equal(service->redis, model->redis.str) &&
		str_equal(service->cache_secret, model->cache_secret.str) &&
		(service->tls != NULL) == (model->tls.certificate.str.len > 0) &&
		memcmp(&service->limits, &model->limits, sizeof(service->limits)) == 0;
	if (!same) {
		error_set(
			error, ERROR_CONFIG,
			"%s: service, listen, store, cache and limits cannot change while the service runs, "
			"nor whether there is `tls`",
			service->file);
		return error_hint(error, "restart rowlock to use the new ones");
	}
	return true;
}

/* The doors that were opened because there was `auth` stay guarded. */
static bool still_guarded(const struct app_service *service, const struct model *model,
						  struct error *error)
{
	bool reaches_out = !service->address.loopback || app_gateway_reaches_out(service->app);
	if (model->auth != NULL || !reaches_out || service->app->options.open) {
		return true;
	}
	error_set(error, ERROR_CONFIG,
			  "%s: the service is served beyond loopback and has no auth any more", service->file);
	return error_hint(error, "restart rowlock with --open to serve everybody");
}

static void log_reload(const struct app_service *service, enum log_level level, const char *message)
{
	struct log_field fields[] = {LOG_STR("file", str_from(service->file))};
	log_event(&service->app->options.log, level, message, fields, 1);
}

void app_reload(struct app_service *service)
{
	struct app *app = service->app;
	bool existing = app->options.existing != NULL;
	bool alone = existing && str_starts_with(str_from(app->options.existing), STR("sqlite:"));
	if (alone && app->options.write) {
		/* Nor may the file be opened once more: see store/sqlite_conn.c. */
		log_reload(service, LOG_INFO, "the tables are this program's alone: none has changed");
		if (service->tls != NULL) {
			app_renew_identity(app, service->tls);
		}
		return;
	}
	struct tls_identity *identity;
	struct service *next = app_load(app, service->file, &identity);
	if (next == NULL) {
		log_reload(service, LOG_ERROR,
				   existing ? "the tables cannot be served; the old state keeps serving"
							: "the service file is wrong; the old one keeps serving");
		return;
	}
	struct error error = {0};
	if (!same_place(service, next->model, &error) || !still_guarded(service, next->model, &error) ||
		!store_adopt(service->store, next->model, &error)) {
		app_log_error(app, next->model->service, &error);
		service_unref(next);
		tls_identity_destroy(identity);
		return;
	}
	if (identity != NULL) {
		tls_replace(service->tls, identity);
	}
	api_replace(service->api, next);
	log_reload(service, LOG_INFO,
			   existing ? "the tables were read again" : "the service file was read again");
}
