#include "app/app_priv.h"

bool app_load_identity(const struct tls_files *files, struct model_report *report,
					   struct tls_identity **ret_identity)
{
	struct error error = {0};
	*ret_identity = NULL;
	if (files->certificate.str.len == 0) {
		return true;
	}
	*ret_identity = tls_identity_load(files->certificate.str, files->key.str, &error);
	if (*ret_identity == NULL) {
		model_report_add(report, files->certificate.place,
						 error.hint[0] == '\0' ? NULL : error.hint, "%s", error.message);
	}
	return *ret_identity != NULL;
}

struct tls_identity *app_option_identity(const struct app *app)
{
	struct error error = {0};
	struct tls_identity *identity = tls_identity_load(str_from(app->options.tls_certificate),
													  str_from(app->options.tls_key), &error);
	if (identity == NULL) {
		app_log_error(app, STR(""), &error);
	}
	return identity;
}

void app_renew_identity(const struct app *app, struct tls *tls)
{
	struct tls_identity *identity = app_option_identity(app);
	if (identity == NULL) {
		log_event(&app->options.log, LOG_ERROR,
				  "the certificate cannot be used; the old one keeps serving", NULL, 0);
		return;
	}
	tls_replace(tls, identity);
	log_event(&app->options.log, LOG_INFO, "the certificate was read again", NULL, 0);
}
