#include "api/system.h"

#include "api/api_priv.h"
#include "api/metrics.h"

static void run_live(struct call *call)
{
	call_answer(call, 200, STR("application/json"), STR("{\"status\":\"live\"}"));
}

static void run_ready(struct call *call)
{
	const struct api_options *options = &call->binding->loop->api->options;
	if (options->ready != NULL && !options->ready(options->context)) {
		struct error error = {0};
		error_set(&error, ERROR_DRAINING, NULL);
		call_fail(call, &error);
		return;
	}
	call_answer(call, 200, STR("application/json"), STR("{\"status\":\"ready\"}"));
}

static void run_metrics(struct call *call)
{
	struct buf *text = http_exchange_buffer(call->exchange);
	metrics_write(call->binding->loop->api, text);
	call_answer(call, 200, STR("text/plain; version=0.0.4; charset=utf-8"), buf_str(text));
}

const struct system_page system_pages[] = {
	{STR_INIT("live"), run_live},
	{STR_INIT("ready"), run_ready},
	{STR_INIT("metrics"), run_metrics},
};
const size_t system_page_count = sizeof(system_pages) / sizeof(system_pages[0]);
