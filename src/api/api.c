#include "api/api_priv.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/call.h"
#include "api/cors.h"
#include "api/forwarded.h"
#include "api/guard.h"
#include "api/links.h"
#include "auth/fetch.h"
#include "auth/rate.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "cache/redis.h"
#include "codec/url.h"
#include "link/peer.h"
#include "model/auth_config.h"

/* ---- a service on a loop ---- */

static void tell_of_keys(void *context, struct str url, const char *problem)
{
	const struct api_loop *loop = context;
	struct log_field fields[] = {
		LOG_STR("service", loop->binding->service->model->service),
		LOG_STR("url", url),
		LOG_STR("problem", str_from(problem == NULL ? "" : problem)),
	};
	log_event(loop->api->options.log, problem == NULL ? LOG_INFO : LOG_WARNING,
			  problem == NULL ? "keys were fetched" : "keys could not be fetched", fields,
			  problem == NULL ? 2 : 3);
}

static struct api_binding *binding_create(struct api_loop *loop, struct service *service)
{
	struct api_binding *binding = alloc_zeroed(1, sizeof(*binding));
	binding->loop = loop;
	binding->service = service;
	if (service->auth != NULL) {
		binding->auth = auth_session_create(service->auth, &clock_system);
	}
	if (service->auth != NULL && loop->keeper) {
		const struct auth_fetch_options options = {.tell = tell_of_keys, .context = loop};
		binding->fetch = auth_fetch_start(service->auth, loop->loop, &options);
	}
	binding->stats = alloc_zeroed(service->operation_count, sizeof(struct operation_stats));
	return binding;
}

static void binding_destroy(struct api_binding *binding)
{
	auth_fetch_stop(binding->fetch);
	auth_session_destroy(binding->auth);
	service_unref(binding->service);
	free(binding->stats);
	free(binding);
}

void api_binding_release(struct api_binding *binding)
{
	assert(binding->calls > 0);
	binding->calls--;
	if (binding->calls == 0 && binding->loop->binding != binding) {
		binding_destroy(binding);
	}
}

static void adopt(struct task *task)
{
	struct api_loop *loop = (struct api_loop *)(void *)((char *)task -
														offsetof(struct api_loop, adopt));
	if (loop->detached) {
		free(loop);
		return;
	}
	pthread_mutex_lock(&loop->api->lock);
	struct api_binding *old = loop->binding;
	auth_fetch_stop(old->fetch);
	old->fetch = NULL;
	loop->adopting = false;
	service_ref(loop->api->service);
	loop->binding = binding_create(loop, loop->api->service);
	pthread_mutex_unlock(&loop->api->lock);
	links_keep(loop);
	if (old->calls == 0) {
		binding_destroy(old);
	}
}

/* ---- requests ---- */

/* Where supabase-js expects the API to be. */
static struct str without_prefix(struct str path)
{
	static const struct str prefix = STR_INIT("/rest/v1");
	bool there = str_starts_with(path, prefix) &&
		(path.len == prefix.len || path.ptr[prefix.len] == '/');
	return there ? str_slice(path, prefix.len, path.len) : path;
}

static bool find_path(struct call *call, struct str path)
{
	const struct router *router = &call->binding->service->router;
	struct str short_path = without_prefix(path);
	return router_find(router, path, call->arena, &call->match) ||
		(short_path.len != path.len &&
		 router_find(router, short_path.len == 0 ? STR("/") : short_path, call->arena,
					 &call->match));
}

static bool find_endpoint(struct call *call)
{
	struct str paths[2] = {call->request->path};
	size_t count = call->mount == NULL ? 1 : mount_inside(call->mount, paths[0], paths);
	for (size_t i = 0; i < count; i++) {
		call->path = paths[i];
		if (find_path(call, paths[i])) {
			return true;
		}
	}
	call->path = paths[0];
	return false;
}

static bool fail_missing_function(struct call *call, struct str path)
{
	struct error error = {0};
	if (!str_starts_with(path, STR("/rpc/"))) {
		return false;
	}
	struct str name = str_slice(path, strlen("/rpc/"), path.len);
	error_set(&error, ERROR_FUNCTION, "Could not find the function %.*s in the schema cache",
			  STR_ARG(str_slice(name, 0, 100)));
	error_details(&error, "there are no functions: routes of the service file are their own paths");
	call_fail(call, &error);
	return true;
}

static void fail_missing_path(struct call *call)
{
	struct error error = {0};
	struct str path = without_prefix(call->path);
	struct str name = str_slice(path, 1, path.len);
	if (fail_missing_function(call, path)) {
		return;
	}
	bool table = name.len > 0 && str_find(name, '/', 0) == name.len;
	if (!table) {
		error_set(&error, ERROR_PATH, NULL);
		call_fail(call, &error);
		return;
	}
	error_set(&error, ERROR_RESOURCE, "Could not find the table '%.*s' in the schema cache",
			  STR_ARG(str_slice(name, 0, 100)));
	struct str near = model_nearest_resource(call->binding->service->model, name);
	if (near.len > 0) {
		error_hint(&error, "Perhaps you meant the table '%.*s'", STR_ARG(near));
	}
	call_fail(call, &error);
}

static void add_allow(struct call *call)
{
	struct buf allow;
	buf_init(&allow, KIB(1));
	endpoint_allow(call->match.endpoint, &allow);
	call_add_field(call, STR("Allow"), buf_str(&allow));
	buf_finish(&allow);
}

/* An OPTIONS for `*` or for a path that is there. */
static void answer_options(struct call *call)
{
	if (call->match.endpoint != NULL) {
		add_allow(call);
	}
	cors_add_preflight(call->binding->service->model, call->request,
					   http_exchange_field_buffer(call->exchange));
	call_answer_empty(call, 200);
}

static bool is_read_only(const struct endpoint *endpoint)
{
	const struct operation *read = endpoint->operations[HTTP_GET];
	return read != NULL && read->resource != NULL && read->resource->read_only;
}

/* Rows without a key cannot be put. */
static bool is_keyless(const struct endpoint *endpoint)
{
	const struct operation *read = endpoint->operations[HTTP_GET];
	return read != NULL && read->resource != NULL && read->resource->key.count == 0 &&
		!read->resource->read_only;
}

static bool is_well_encoded(struct call *call)
{
	struct str path = call->request->path;
	return str_find(path, '%', 0) == path.len || url_decode_segment(path, call->arena, &path);
}

/* ---- who sends it ---- */

static bool guard(struct call *call, struct error *error)
{
	return guard_check(call->request, call->binding->service->model,
					   call->binding->loop->api->options.open, error);
}

/* What the request shows of its sender. supabase-js calls the field of API keys `apikey`. */
static struct auth_proof proof_of(const struct http_request *request)
{
	struct auth_proof proof = {0};
	for (size_t i = 0; i < request->field_count; i++) {
		const struct http_field *field = &request->fields[i];
		bool token = str_equal_nocase(field->name, STR("Authorization"));
		bool key = str_equal_nocase(field->name, STR("X-API-Key")) ||
			str_equal_nocase(field->name, STR("apikey"));
		if (token || key) {
			struct str *value = token ? &proof.authorization : &proof.api_key;
			proof.several = proof.several || value->ptr != NULL;
			*value = field->value;
		}
	}
	return proof;
}

/* Counted for the caller; whoever could not be told is counted by address. */
static bool take_rate(struct call *call, struct error *error)
{
	struct api *api = call->binding->loop->api;
	const struct auth_config *config = call->binding->service->model->auth;
	const struct principal *principal = call->caller.principal;
	struct str name = principal != NULL && !principal->anonymous ? principal->id : call->peer;
	return config->rate_requests == 0 ||
		rate_take(api->rate, config, name, clock_system.monotonic_ns(&clock_system),
				  &call->retry_after_s, error);
}

static bool authenticate(struct call *call, struct error *error)
{
	struct auth_proof proof = proof_of(call->request);
	bool known = auth_identify(call->binding->auth, &proof, &call->caller, error);
	if (!take_rate(call, error) || !known) {
		return false;
	}
	/* Without a token, a page in the browser of a user is as near as the user. */
	if (call->caller.principal->anonymous && !guard(call, error)) {
		return false;
	}
	call->principal = call->caller.principal;
	return true;
}

/* Whether the request may go on: what a server without `auth` refuses, or who sends it. */
static bool admit(struct call *call, struct error *error)
{
	if (call->binding->auth == NULL) {
		return guard(call, error);
	}
	bool open = call->request->method == HTTP_OPTIONS ||
		(call->operation != NULL && call->operation->open);
	return open || authenticate(call, error);
}

/* ---- where it goes ---- */

static void fail_method(struct call *call)
{
	const struct endpoint *endpoint = call->match.endpoint;
	struct error error = {0};
	add_allow(call);
	if (call->request->method == HTTP_PUT && is_keyless(endpoint)) {
		error_set(&error, ERROR_KEY_FILTERS, NULL);
		call_fail(call, &error);
		return;
	}
	error_set(&error, ERROR_METHOD, "Unsupported HTTP method: %.*s",
			  STR_ARG(http_method_name(call->request->method)));
	if (is_read_only(endpoint)) {
		error_hint(&error, "this resource is read only");
	}
	call_fail(call, &error);
}

static void dispatch(struct call *call)
{
	const struct http_request *request = call->request;
	const struct model *model = call->binding->service->model;
	bool any_path = request->method == HTTP_OPTIONS && str_equal(request->path, STR("*"));
	bool encoded = any_path || is_well_encoded(call);
	bool found = encoded && !any_path && find_endpoint(call);
	struct error error = {0};
	if (found && request->method != HTTP_OPTIONS) {
		enum http_method method = request->method == HTTP_HEAD ? HTTP_GET : request->method;
		call->operation = call->match.endpoint->operations[method];
	}
	cors_add(model, request, http_exchange_field_buffer(call->exchange));
	if (!admit(call, &error)) {
		call_fail(call, &error);
	} else if (any_path) {
		answer_options(call);
	} else if (!encoded) {
		error_set(&error, ERROR_HTTP_SYNTAX, "the path is not well percent-encoded UTF-8");
		call_fail(call, &error);
	} else if (!found) {
		fail_missing_path(call);
	} else if (request->method == HTTP_OPTIONS) {
		answer_options(call);
	} else if (call->operation == NULL) {
		fail_method(call);
	} else {
		call->operation->run(call);
	}
}

void api_handle(struct api_loop *loop, const struct mount *mount, struct http_exchange *exchange)
{
	struct arena *arena = http_exchange_arena(exchange);
	struct call *call = ARENA_NEW(arena, struct call);
	call->exchange = exchange;
	call->request = http_exchange_request(exchange);
	call->arena = arena;
	call->mount = mount;
	call->path = call->request->path;
	call->binding = loop->binding;
	call->peer = forwarded_peer(call->request, call->binding->service->model, arena);
	call->binding->calls++;
	call->id = loop->next_id++;
	http_exchange_set_data(exchange, call);
	call->content_type = STR("application/json; charset=utf-8");
	call_begin(call);
	dispatch(call);
}

static void handle(void *context, struct http_exchange *exchange)
{
	api_handle(context, NULL, exchange);
}

static void write_error_body(void *context, const struct error *error, struct buf *ret_body,
							 struct str *ret_content_type)
{
	const struct api_loop *loop = context;
	error_shape_write(&loop->binding->service->errors, error, ret_body);
	*ret_content_type = STR("application/json; charset=utf-8");
}

static void log_access(const struct api_loop *loop, const struct call *call, int status,
					   uint64_t body_bytes, uint64_t micros)
{
	char id[17];
	int len = snprintf(id, sizeof(id), "%016llx", (unsigned long long)call->id);
	const struct http_request *request = call->request;
	struct log_field fields[] = {
		LOG_STR("service", loop->binding->service->model->service),
		LOG_STR("id", ((struct str){id, (size_t)len})),
		LOG_STR("peer", call->peer),
		LOG_STR("method", http_method_name(request->method)),
		LOG_STR("path", request->path),
		LOG_STR("query", request->query),
		LOG_INT("status", status),
		LOG_INT("bytes", body_bytes),
		LOG_INT("us", micros),
	};
	log_event(loop->api->options.log, LOG_INFO, "request", fields,
			  sizeof(fields) / sizeof(fields[0]));
}

void api_finished(const struct http_exchange *exchange, int status, uint64_t body_bytes,
				  uint64_t micros)
{
	struct call *call = http_exchange_data(exchange);
	struct api_binding *binding = call->binding;
	struct api_loop *loop = binding->loop;
	call_finish(call);
	metrics_count(call->operation == NULL ? &loop->other : &binding->stats[call->operation->number],
				  status, micros);
	if (loop->api->options.log->format != LOG_OFF) {
		log_access(loop, call, status, body_bytes, micros);
	}
	api_binding_release(binding);
}

static void finished(void *context, const struct http_exchange *exchange, int status,
					 uint64_t body_bytes, uint64_t micros)
{
	struct api_loop *loop = context;
	if (http_exchange_data(exchange) == NULL) {
		metrics_count(&loop->other, status, micros);
	} else {
		api_finished(exchange, status, body_bytes, micros);
	}
}

/* Rows in bulk may be more than one would want in memory. */
uint64_t api_body_limit(const struct api_loop *loop, const struct http_request *request)
{
	const struct limits *limits = loop->api->options.limits;
	struct error error;
	enum body_format format;
	if (links_is_message(request) && limits->body_bytes < LINKS_BODY_BYTES) {
		return LINKS_BODY_BYTES;
	}
	bool rows = request->method == HTTP_POST && accept_body(request, &format, &error) &&
		(format == BODY_CSV || format == BODY_NDJSON);
	return rows && limits->bulk_bytes > limits->body_bytes ? limits->bulk_bytes
														   : limits->body_bytes;
}

static uint64_t body_limit(void *context, const struct http_request *request)
{
	return api_body_limit(context, request);
}

void api_http_options(struct api_loop *loop, struct http_server_options *ret_options)
{
	ret_options->limits = loop->api->options.limits;
	ret_options->handle = handle;
	ret_options->error_body = write_error_body;
	ret_options->finished = finished;
	ret_options->body_limit = body_limit;
	ret_options->context = loop;
}

/* ---- life ---- */

struct api *api_create(struct service *service, const struct api_options *options)
{
	struct api *api = alloc_zeroed(1, sizeof(*api));
	api->options = *options;
	api->service = service;
	api->rate = rate_create();
	pthread_mutex_init(&api->lock, NULL);
	return api;
}

void api_destroy(struct api *api)
{
	if (api == NULL) {
		return;
	}
	assert(api->loops == NULL);
	rate_destroy(api->rate);
	service_unref(api->service);
	pthread_mutex_destroy(&api->lock);
	free(api);
}

struct api_loop *api_attach(struct api *api, struct loop *loop, struct error *error)
{
	struct store_session *session = store_attach(api->options.store, loop, error);
	if (session == NULL) {
		return NULL;
	}
	struct api_loop *api_loop = alloc_zeroed(1, sizeof(*api_loop));
	api_loop->api = api;
	api_loop->loop = loop;
	api_loop->session = session;
	if (api->options.redis != NULL) {
		api_loop->redis = redis_attach(api->options.redis, loop);
	}
	api_loop->adopt.run = adopt;
	random_bytes(&api_loop->next_id, sizeof(api_loop->next_id));
	pthread_mutex_lock(&api->lock);
	service_ref(api->service);
	api_loop->keeper = api->loops == NULL;
	api_loop->binding = binding_create(api_loop, api->service);
	api_loop->next = api->loops;
	api->loops = api_loop;
	pthread_mutex_unlock(&api->lock);
	links_keep(api_loop);
	return api_loop;
}

void api_end(struct api_loop *loop, void (*done)(void *context), void *context)
{
	links_end(loop);
	if (loop->keeps == NULL) {
		done(context);
	} else {
		loop->ended_context = context;
		loop->on_ended = done;
	}
}

void api_detach(struct api_loop *loop)
{
	if (loop == NULL) {
		return;
	}
	links_end(loop);
	assert(loop->keeps == NULL);
	pthread_mutex_lock(&loop->api->lock);
	struct api_loop **place = &loop->api->loops;
	while (*place != loop) {
		place = &(*place)->next;
	}
	*place = loop->next;
	loop->detached = loop->adopting;
	pthread_mutex_unlock(&loop->api->lock);
	assert(loop->binding->calls == 0);
	binding_destroy(loop->binding);
	store_detach(loop->remote);
	store_detach(loop->session);
	redis_detach(loop->redis);
	peers_close(loop->peers);
	if (!loop->detached) {
		free(loop);
	}
}

void api_replace(struct api *api, struct service *service)
{
	pthread_mutex_lock(&api->lock);
	if (api->service->auth != NULL && service->auth != NULL) {
		auth_inherit(service->auth, api->service->auth);
	}
	service_unref(api->service);
	api->service = service;
	for (struct api_loop *loop = api->loops; loop != NULL; loop = loop->next) {
		if (!loop->adopting) {
			loop->adopting = true;
			loop_post(loop->loop, &loop->adopt);
		}
	}
	pthread_mutex_unlock(&api->lock);
}

bool api_is_ready(struct api *api)
{
	pthread_mutex_lock(&api->lock);
	bool ready = api->service->auth == NULL || auth_is_ready(api->service->auth);
	pthread_mutex_unlock(&api->lock);
	return ready;
}

void api_set_server(struct api_loop *loop, struct http_server *server)
{
	pthread_mutex_lock(&loop->api->lock);
	loop->server = server;
	pthread_mutex_unlock(&loop->api->lock);
}
