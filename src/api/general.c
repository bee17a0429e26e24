#include "api/general.h"

#include <assert.h>

#include "api/general_priv.h"
#include "api/merge.h"

const struct general_operation general_operations[] = {
	{HTTP_GET, false, false, general_run_list},    {HTTP_QUERY, false, false, general_run_list},
	{HTTP_POST, false, true, general_run_insert},  {HTTP_PUT, false, true, general_run_put},
	{HTTP_PATCH, false, true, general_run_update}, {HTTP_DELETE, false, true, general_run_delete},
	{HTTP_GET, true, false, general_run_get},      {HTTP_PUT, true, true, general_run_item_put},
	{HTTP_PATCH, true, true, general_run_update},  {HTTP_DELETE, true, true, general_run_delete},
};
const size_t general_operation_count = sizeof(general_operations) / sizeof(general_operations[0]);

/* ---- from a request to a query ---- */

/* The body of QUERY is a query string. */
static bool query_text(struct general *general, struct str *ret_text)
{
	const struct http_request *request = general->call->request;
	enum body_format format;
	*ret_text = request->query;
	if (request->method != HTTP_QUERY) {
		return true;
	}
	if (request->query.len > 0) {
		/* To leave out a condition would answer more rows than were asked for. */
		error_set(&general->error, ERROR_BODY, "QUERY takes no query string in its target");
		return error_hint(&general->error, "send all parameters in the body");
	}
	if (!accept_body(request, &format, &general->error)) {
		return false;
	}
	if (format != BODY_FORM) {
		error_set(&general->error, ERROR_BODY, "Content-Type not acceptable for QUERY");
		return error_hint(&general->error,
						  "send the query string as application/x-www-form-urlencoded");
	}
	*ret_text = request->body;
	return true;
}

bool general_begin(struct general *general, struct call *call, enum query_action action)
{
	const struct http_request *request = call->request;
	struct error *error = &general->error;
	struct str text;
	*general = (struct general){.call = call};
	call_add_field(call, STR("Vary"), STR("Accept, Prefer, Range"));
	call_add_cache_control(call);
	call->query.action = action;
	call->query.resource = call->operation->resource;
	parsed_query_init(&general->parsed);
	if (!preferences_read(request, call->arena, &call->preferences, error) ||
		!accept_profile(request, error) || !accept_media(request, &general->media, error) ||
		!query_text(general, &text) ||
		!parse_query_string(text, call_limits(call), NULL, NULL, call->arena, &general->parsed,
							error)) {
		return false;
	}
	call->content_type = general->media.content_type;
	call->query.format = general->media.format;
	call->query.zone = call->preferences.zone;
	call->query.nulls_stripped = general->media.nulls_stripped;
	return true;
}

static bool is_write(enum query_action action)
{
	return action != QUERY_LIST && action != QUERY_GET;
}

bool general_check(struct general *general)
{
	struct call *call = general->call;
	struct query *query = &call->query;
	bool writes = is_write(query->action);
	struct check_options options = {
		.limits = call_limits(call),
		.caller = call_caller(call),
		.no_rows = writes && !prefers(&call->preferences, PREFER_RETURN, RETURN_REPRESENTATION),
		.tag = query->action == QUERY_GET,
	};
	return check_query(&general->parsed, query->action, query->resource, &options, call->arena,
					   query, &general->error);
}

bool general_pin_item(struct general *general)
{
	struct call *call = general->call;
	struct parsed_names values;
	assert(call->match.parameter_count == 1);
	call->query.must_match = true;
	return parse_key(call->match.parameters[0], call->arena, &values, &general->error) &&
		check_key(call->query.resource, &values, call->arena, &call->query, &general->error);
}

static void release(void *context, struct str body, size_t bytes)
{
	(void)context;
	http_body_release(body, bytes);
}

bool general_read_body(struct general *general, const struct body_options *options)
{
	struct call *call = general->call;
	struct body_options *kept = ARENA_NEW(call->arena, struct body_options);
	*kept = *options;
	kept->limits = call_limits(call);
	kept->lenient = true;
	kept->release = release;
	kept->columns = general->parsed.has_columns ? &general->parsed.columns : NULL;
	kept->missing_default = prefers(&call->preferences, PREFER_MISSING, MISSING_DEFAULT);
	if (!accept_body(call->request, &kept->format, &general->error)) {
		return false;
	}
	/* What curl -d sends without a word about its type. */
	struct str text = str_trim(call->request->body);
	if (kept->format == BODY_FORM &&
		(str_starts_with(text, STR("{")) || str_starts_with(text, STR("[")))) {
		kept->format = BODY_JSON;
	}
	bool inserts = call->query.action == QUERY_INSERT || call->query.action == QUERY_UPSERT;
	bool rows = kept->format == BODY_CSV || kept->format == BODY_NDJSON;
	bool asked = merge_is_guarded(&call->query);
	call->body_options = kept;
	return (inserts && rows && !kept->whole && !asked ? check_body_batches : check_body)(
		call->request->body, kept, call->arena, &call->query, &general->error);
}

/* ---- fields of answers ---- */

/* `/t?` and the parameters, sorted by name. Of very many nothing is said: the field is for caches.
 * */
static void add_content_location(struct call *call, struct reply *reply)
{
	enum { PARAMETERS = 64 };
	struct str parameters[PARAMETERS];
	size_t count = 0;
	struct str rest = call->request->query;
	while (rest.len > 0) {
		if (count == PARAMETERS) {
			return;
		}
		struct str parameter = str_split(&rest, '&');
		size_t at = count++;
		for (; at > 0 && str_compare(parameter, parameters[at - 1]) < 0; at--) {
			parameters[at] = parameters[at - 1];
		}
		parameters[at] = parameter;
	}
	buf_append(reply->fields, STR("Content-Location: "));
	buf_append(reply->fields, call->request->path);
	for (size_t i = 0; i < count; i++) {
		buf_append(reply->fields, i > 0 ? STR("&") : STR("?"));
		buf_append(reply->fields, parameters[i]);
	}
	buf_append(reply->fields, STR("\r\n"));
}

void general_add(struct call *call, struct reply *reply, unsigned int applied)
{
	const struct preferences *preferences = &call->preferences;
	struct buf text;
	if (!is_write(call->query.action)) {
		add_content_location(call, reply);
	}
	if (call->query.by_target) {
		reply_add(reply, STR("Warning"),
				  STR("299 - \"embedded resources with an alias go by their alias\""));
	}
	applied |= 1U << PREFER_COUNT | 1U << PREFER_HANDLING | 1U << PREFER_TIMEZONE;
	applied |= call_limits(call)->rollback != 0 ? 1U << PREFER_TX : 0;
	applied &= preferences->max_affected == UINT64_MAX ? ~(1U << PREFER_MAX_AFFECTED) : ~0U;
	buf_init(&text, KIB(4));
	preferences_applied(preferences, applied, &text);
	if (text.len > 0) {
		reply_add(reply, STR("Preference-Applied"), buf_str(&text));
	}
	buf_finish(&text);
}
