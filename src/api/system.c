#include "api/system.h"

#include "api/api_priv.h"
#include "api/links.h"
#include "api/metrics.h"
#include "api/pages.h"

static void run_live(struct call *call)
{
	call_answer(call, 200, STR("application/json"), STR("{\"status\":\"live\"}"));
}

static void run_ready(struct call *call)
{
	const struct api_options *options = &call->binding->loop->api->options;
	if (options->ready != NULL && !options->ready(options->context)) {
		struct error error = {0};
		error_set(&error, ERROR_DRAINING, "The service is not ready");
		call_fail(call, &error);
		return;
	}
	if (!api_is_ready(call->binding->loop->api)) {
		struct error error = {0};
		error_set(&error, ERROR_OVERLOADED, "The keys of tokens are not here yet");
		call_fail(call, &error);
		return;
	}
	call_answer(call, 200, STR("application/json"), STR("{\"status\":\"ready\"}"));
}

static void answer_metrics(struct call *call)
{
	struct buf *text = http_exchange_buffer(call->exchange);
	metrics_write(call->binding->loop->api, text);
	call_answer(call, 200, STR("text/plain; version=0.0.4; charset=utf-8"), buf_str(text));
}

static void run_metrics(struct call *call)
{
	links_count(call, http_exchange_buffer(call->exchange), answer_metrics);
}

const struct system_page system_pages[] = {
	{STR_INIT("live"), run_live, "Is the process there?", {"application/json"}, true},
	{STR_INIT("ready"), run_ready, "Is the service ready?", {"application/json"}, true},
	{STR_INIT("metrics"), run_metrics, "Numbers for Prometheus", {"text/plain"}, false},
	{STR_INIT("openapi.json"),
	 pages_run_openapi,
	 "This document",
	 {"application/json", "application/openapi+json"},
	 true},
	{STR_INIT("docs"), pages_run_docs, "Documentation for people", {"text/html"}, true},
	{STR_INIT("docs/{file}"), pages_run_asset, "Files of the documentation", {"*/*"}, true},
	{STR_INIT(""),
	 pages_run_root,
	 "A start page for browsers; for others Swagger 2.0 as PostgREST has it",
	 {"application/openapi+json", "text/html"},
	 true},
};
const size_t system_page_count = sizeof(system_pages) / sizeof(system_pages[0]);

const struct system_page *system_page_of(const struct operation *operation)
{
	for (size_t i = 0; i < system_page_count; i++) {
		bool system = operation->resource == NULL && operation->plan == NULL;
		struct str pattern = operation->pattern;
		if (system && str_equal(str_slice(pattern, 1, pattern.len), system_pages[i].name)) {
			return &system_pages[i];
		}
	}
	return NULL;
}
