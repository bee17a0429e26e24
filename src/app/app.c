#include "app/app.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/app_priv.h"
#include "app/command.h"
#include "base/alloc.h"
#include "link/credential.h"

enum { SETTLE_MS = 100 };

/* ---- making ---- */

static void on_fatal(void *context, const struct error *error)
{
	const struct app_service *service = context;
	app_log_error(service->app, service->name, error);
	_exit(1);
}

static bool is_ready(void *context)
{
	struct app_service *service = context;
	return !atomic_load(&service->app->draining) && !atomic_load(&service->loading);
}

static bool is_to_be_loaded(void *context, const struct resource *resource)
{
	struct app_service *service = context;
	return atomic_load(&service->loading) && resource->load.file.len > 0 &&
		resource->number >= atomic_load(&service->load_from);
}

static bool find_address(struct app_service *service, const struct model *model,
						 struct error *error)
{
	struct str listen = service->listen.len > 0 ? service->listen : STR("127.0.0.1:8080");
	if (!address_parse(listen, &service->address, error)) {
		return false;
	}
	if (!service->address.loopback && !service->app->options.open && model->auth == NULL) {
		error_set(error, ERROR_CONFIG, "refusing to listen on %s: service %.*s has no auth",
				  service->address.text, STR_ARG(model->service));
		return error_hint(error, "listen on 127.0.0.1, or give --open to serve everybody");
	}
	return address_check_free(&service->address, error);
}

/* Services of one program have names and addresses of their own. */
static bool check_alone(const struct app_service *service, const struct model *model,
						struct error *error)
{
	for (const struct app_service *other = service->app->services; other < service; other++) {
		if (str_equal(other->name, model->service)) {
			error_set(error, ERROR_CONFIG, "%s and %s are both named %.*s", other->file,
					  service->file, STR_ARG(model->service));
			return error_hint(error, "give one of them another name");
		}
		if (strcmp(other->address.text, service->address.text) == 0) {
			error_set(error, ERROR_CONFIG, "%s and %s both listen on %s", other->file,
					  service->file, service->address.text);
			return error_hint(error, "give one of them another address, or --set NAME.listen=…");
		}
	}
	return true;
}

/* A --set that is meant for no service is a mistake. */
static bool check_overrides(const struct app *app)
{
	for (size_t i = 0; i < app->options.override_count; i++) {
		const struct app_override *set = &app->options.overrides[i];
		bool known = set->service == NULL;
		for (size_t k = 0; k < app->service_count && !known; k++) {
			known = str_equal(app->services[k].name, str_from(set->service));
		}
		if (!known) {
			struct error error = {0};
			error_set(&error, ERROR_CONFIG, "--set %s.%s: there is no service of that name",
					  set->service, set->key);
			app_log_error(app, STR(""), &error);
			return false;
		}
	}
	return true;
}

enum cache_kind app_cache_kind(const struct model *model)
{
	bool near = str_starts_with(model->store.str, STR("sqlite:")) ||
		str_starts_with(model->store.str, STR("json:")) ||
		str_starts_with(model->store.str, STR("memory:"));
	return model->cache != CACHE_DEFAULT ? model->cache : near ? CACHE_MEMORY : CACHE_OFF;
}

static bool open_cache(struct app_service *service, const struct model *model, struct error *error)
{
	struct arena *arena = &service->app->arena;
	service->cache_kind = app_cache_kind(model);
	service->redis = arena_copy(arena, model->redis.str);
	service->cache_secret = arena_copy(arena, model->cache_secret.str);
	if (service->cache_kind != CACHE_OFF) {
		service->cache = cache_create(service->limits.cache_bytes);
	}
	if (service->cache_kind == CACHE_REDIS) {
		size_t most = cache_entry_most(service->cache);
		unsigned char secret[STORE_SECRET_BYTES];
		bool given = service->cache_secret.len > 0;
		bool kept = !given && store_secret(service->store, secret);
		struct redis_options options = {
			.place = service->redis,
			.secret = kept ? (struct str){(const char *)secret, sizeof(secret)}
						   : service->cache_secret,
			.value_bytes = most < MIB(1) ? most : MIB(1),
		};
		service->second = redis_create(&options);
	}
	return service->cache_kind != CACHE_REDIS || service->second != NULL ||
		error_set(error, ERROR_CONFIG, "this program was built without Redis");
}

static bool open_service(struct app_service *service, struct service *loaded, struct error *error)
{
	struct model *model = loaded->model;
	service->limits = model->limits;
	service->has_auth = model->auth != NULL;
	service->name = arena_copy(&service->app->arena, model->service);
	service->listen = arena_copy(&service->app->arena, model->listen.str);
	service->store_url = arena_copy(&service->app->arena, model->store.str);
	struct store_options store_options = {
		.model = model,
		.existing = service->app->options.existing != NULL,
		.read_only = service->app->options.existing != NULL && !service->app->options.write,
		.limits = &service->limits,
		.fatal = on_fatal,
		.context = service,
	};
	if (service->store_url.len == 0) {
		error_set(error, ERROR_CONFIG, "%s names no store", service->file);
		return error_hint(error, "add `store: sqlite:FILE` or give --store");
	}
	/* The store first: whoever starts a service twice is told who has the database. */
	service->store = store_open(service->store_url, &store_options, error);
	return service->store != NULL && open_cache(service, model, error) &&
		find_address(service, model, error) && check_alone(service, model, error);
}

static bool create_service(struct app *app, struct app_service *service, const char *file)
{
	service->app = app;
	service->file = file;
	struct tls_identity *identity;
	struct service *loaded = app_load(app, file, &identity);
	if (loaded == NULL) {
		return false;
	}
	service->tls = identity == NULL ? NULL : tls_create(identity);
	struct error error = {0};
	if (!open_service(service, loaded, &error)) {
		app_log_error(app, loaded->model->service, &error);
		service_unref(loaded);
		return false;
	}
	if (!app_load_files(service, loaded)) {
		service_unref(loaded);
		return false;
	}
	struct api_options options = {
		.cache = service->cache,
		.redis = service->second,
		.link_key = app->link_key,
		.log = &app->options.log,
		.limits = &service->limits,
		.store = service->store,
		.open = app->options.open || !service->address.loopback || app_gateway_reaches_out(app),
		.ready = is_ready,
		.loads = is_to_be_loaded,
		.context = service,
	};
	service->api = api_create(loaded, &options);
	return true;
}

static bool create_server(struct app_loop *loop, struct app_service *service,
						  struct app_server *server, struct error *error)
{
	server->loop = loop;
	server->service = service;
	if (service == NULL) {
		loop->open += app_gateway_attach(server, error) ? 1 : 0;
		return server->server != NULL;
	}
	server->api_loop = api_attach(service->api, loop->loop, error);
	if (server->api_loop == NULL) {
		return false;
	}
	struct http_server_options options = {.shared = &loop->app->shared, .tls = service->tls};
	api_http_options(server->api_loop, &options);
	server->server = http_server_create(loop->loop, &service->address, &options, error);
	if (server->server == NULL) {
		return false;
	}
	api_set_server(server->api_loop, server->server);
	loop->open++;
	return true;
}

static void drain_loop(struct task *task);

static bool create_loop(struct app *app, size_t number)
{
	struct app_loop *loop = &app->loops[number];
	struct error error = {0};
	loop->app = app;
	loop->drain.run = drain_loop;
	loop->loop = loop_create(&error);
	loop->server_count = app->service_count + (app->gateway != NULL ? 1 : 0);
	loop->servers = ARENA_ARRAY(&app->arena, loop->server_count, struct app_server);
	bool good = loop->loop != NULL;
	for (size_t i = 0; good && i < loop->server_count; i++) {
		struct app_service *service = i < app->service_count ? &app->services[i] : NULL;
		good = create_server(loop, service, &loop->servers[i], &error);
	}
	if (!good) {
		app_log_error(app, STR(""), &error);
	}
	return good;
}

/* ---- ending ---- */

/* Nothing is under way on the loop any more. A gateway's requests are the services', so all end
 * together. */
static void detach_servers(struct app_loop *loop)
{
	for (size_t i = 0; i < loop->server_count; i++) {
		api_detach(loop->servers[i].api_loop);
		gateway_destroy(loop->servers[i].gateway);
		loop->servers[i].api_loop = NULL;
		loop->servers[i].gateway = NULL;
	}
	loop_stop(loop->loop);
}

static void on_ended(void *context)
{
	struct app_loop *loop = context;
	if (--loop->open == 0) {
		detach_servers(loop);
	}
}

/* No requests are under way; what is done without being asked ends. */
static void end_servers(struct app_loop *loop)
{
	loop->open = 1;
	for (size_t i = 0; i < loop->server_count; i++) {
		if (loop->servers[i].api_loop != NULL) {
			loop->open++;
			api_end(loop->servers[i].api_loop, on_ended, loop);
		}
	}
	on_ended(loop);
}

static void on_drained(void *context)
{
	struct app_server *server = context;
	struct app_loop *loop = server->loop;
	if (server->api_loop != NULL) {
		api_set_server(server->api_loop, NULL);
	}
	http_server_destroy(server->server);
	server->server = NULL;
	if (--loop->open == 0) {
		end_servers(loop);
	}
}

static void drain_loop(struct task *task)
{
	struct app_loop *loop = (struct app_loop *)(void *)((char *)task -
														offsetof(struct app_loop, drain));
	for (size_t i = 0; i < loop->server_count; i++) {
		if (loop->servers[i].server != NULL) {
			http_server_drain(loop->servers[i].server, on_drained, &loop->servers[i]);
		}
	}
}

static void drain(struct app *app)
{
	if (atomic_exchange(&app->draining, true)) {
		return;
	}
	log_event(&app->options.log, LOG_INFO, "draining", NULL, 0);
	for (size_t i = 0; i < app->loop_count; i++) {
		loop_post(app->loops[i].loop, &app->loops[i].drain);
	}
}

/* ---- signals and watches, on the first loop ---- */

static void on_settled(uv_timer_t *timer)
{
	struct app_service *service = timer->data;
	if (!atomic_load(&service->app->draining)) {
		app_reload(service);
	}
}

/* Reads the file soon, and once for many signals and changes: they come in flocks. */
static void settle(struct app_service *service)
{
	if (!uv_is_active((const uv_handle_t *)&service->settle)) {
		uv_timer_start(&service->settle, on_settled, SETTLE_MS, 0);
	}
}

static void on_signal(uv_signal_t *handle, int number)
{
	struct app *app = handle->data;
	if (number != SIGHUP) {
		drain(app);
		return;
	}
	for (size_t i = 0; i < app->service_count; i++) {
		settle(&app->services[i]);
	}
	if (app->gateway != NULL && app->gateway->tls != NULL) {
		app_renew_identity(app, app->gateway->tls);
	}
}

static void on_changed(uv_fs_event_t *watch, const char *name, int events, int status)
{
	(void)events;
	struct app_service *service = watch->data;
	const char *slash = strrchr(service->file, '/');
	const char *own = slash != NULL ? slash + 1 : service->file;
	if (status == 0 && (name == NULL || strcmp(name, own) == 0)) {
		settle(service);
	}
}

/* Editors replace files, so the folder is watched, not the file. */
static void start_watch(struct app *app, struct app_service *service)
{
	uv_loop_t *uv = loop_uv(app->loops[0].loop);
	uv_fs_event_init(uv, &service->watch);
	service->watch.data = service;
	const char *slash = strrchr(service->file, '/');
	size_t len = slash != NULL ? (size_t)(slash - service->file) + 1 : 1;
	struct str folder = slash != NULL ? (struct str){service->file, len} : STR(".");
	int status = uv_fs_event_start(&service->watch, on_changed, arena_copy(&app->arena, folder).ptr,
								   0);
	if (status != 0) {
		struct log_field fields[] = {LOG_STR("file", str_from(service->file)),
									 LOG_STR("reason", str_from(uv_strerror(status)))};
		log_event(&app->options.log, LOG_ERROR, "cannot watch the service file", fields, 2);
	}
}

static void stop_first_loop(struct loop_stop_hook *hook)
{
	struct app *app = (struct app *)(void *)((char *)hook - offsetof(struct app, stop));
	for (size_t i = 0; i < sizeof(app->signals) / sizeof(app->signals[0]); i++) {
		uv_close((uv_handle_t *)&app->signals[i], NULL);
	}
	/* libuv has put the default back: what comes now must not end the last checkpoint. */
	signal(SIGHUP, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	for (size_t i = 0; i < app->service_count; i++) {
		uv_close((uv_handle_t *)&app->services[i].settle, NULL);
		if (app->options.watch) {
			uv_close((uv_handle_t *)&app->services[i].watch, NULL);
		}
	}
}

static void start_signals(struct app *app)
{
	static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
	struct loop *first = app->loops[0].loop;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		uv_signal_init(loop_uv(first), &app->signals[i]);
		app->signals[i].data = app;
		uv_signal_start(&app->signals[i], on_signal, numbers[i]);
	}
	for (size_t i = 0; i < app->service_count; i++) {
		struct app_service *service = &app->services[i];
		uv_timer_init(loop_uv(first), &service->settle);
		service->settle.data = service;
		if (app->options.watch) {
			start_watch(app, service);
		}
	}
	app->stop.stop = stop_first_loop;
	loop_on_stop(first, &app->stop);
}

/* ---- life ---- */

/* What services know each other by. */
static bool read_link_key(struct app *app)
{
	const char *key = command_environment("LINK_KEY");
	struct error error = {0};
	app->link_key = arena_copy(&app->arena, str_from(key != NULL ? key : ""));
	if (!credential_check_key(app->link_key, &error)) {
		app_log_error(app, STR(""), &error);
		return false;
	}
	return true;
}

static bool create_parts(struct app *app)
{
	if (!read_link_key(app)) {
		return false;
	}
	for (size_t i = 0; i < app->options.file_count; i++) {
		app->service_count++;
		if (!create_service(app, &app->services[i], app->options.files[i])) {
			return false;
		}
	}
	if (!check_overrides(app) || (app->options.gateway != NULL && !app_gateway_open(app))) {
		return false;
	}
	uint64_t loops = app->services[0].limits.loops;
	size_t count = loops > 0 ? (size_t)loops : uv_available_parallelism();
	app->loops = ARENA_ARRAY(&app->arena, count, struct app_loop);
	for (size_t i = 0; i < count; i++) {
		app->loop_count++;
		if (!create_loop(app, i)) {
			return false;
		}
	}
	return true;
}

/* Closes the listeners of a program that could not start. */
static void end_unserved(struct app *app)
{
	for (size_t i = 0; i < app->loop_count; i++) {
		struct app_loop *loop = &app->loops[i];
		if (loop->loop == NULL) {
			continue;
		}
		if (loop->open == 0) {
			end_servers(loop);
		} else {
			drain_loop(&loop->drain);
		}
		loop_run(loop->loop);
	}
}

struct app *app_create(const struct app_options *options)
{
	struct app *app = alloc_zeroed(1, sizeof(*app));
	app->options = *options;
	arena_init(&app->arena, KIB(16));
	app->services = ARENA_ARRAY(&app->arena, options->file_count, struct app_service);
	if (!create_parts(app)) {
		end_unserved(app);
		app_destroy(app);
		return NULL;
	}
	return app;
}

static void announce_one(const struct app *app, struct str name, const struct tls *tls,
						 const struct address *address)
{
	char message[192];
	snprintf(message, sizeof(message), "%.*s: listening on %s://%s", STR_ARG(name),
			 tls == NULL ? "http" : "https", address->text);
	log_event(&app->options.log, LOG_INFO, message, NULL, 0);
}

static void announce(const struct app *app)
{
	for (size_t i = 0; i < app->service_count; i++) {
		const struct app_service *service = &app->services[i];
		announce_one(app, service->name, service->tls, &service->address);
	}
	if (app->gateway != NULL) {
		announce_one(app, STR("gateway"), app->gateway->tls, &app->gateway->address);
	}
}

static void *run_loop(void *context)
{
	struct app_loop *loop = context;
	loop_run(loop->loop);
	return NULL;
}

static void start_loop(struct app_loop *loop)
{
	for (size_t i = 0; i < loop->server_count; i++) {
		http_server_start(loop->servers[i].server);
	}
}

void app_run(struct app *app)
{
	start_signals(app);
	for (size_t i = 0; i < app->loop_count; i++) {
		start_loop(&app->loops[i]);
	}
	announce(app);
	app_begin_loads(app);
	for (size_t i = 1; i < app->loop_count; i++) {
		if (pthread_create(&app->loops[i].thread, NULL, run_loop, &app->loops[i]) != 0) {
			abort();
		}
	}
	run_loop(&app->loops[0]);
	for (size_t i = 1; i < app->loop_count; i++) {
		pthread_join(app->loops[i].thread, NULL);
	}
	app_end_loads(app);
	log_event(&app->options.log, LOG_INFO, "stopped", NULL, 0);
}

void app_destroy(struct app *app)
{
	if (app == NULL) {
		return;
	}
	app_end_loads(app);
	for (size_t i = 0; i < app->loop_count; i++) {
		loop_destroy(app->loops[i].loop);
	}
	for (size_t i = 0; i < app->service_count; i++) {
		api_destroy(app->services[i].api);
		cache_destroy(app->services[i].cache);
		redis_destroy(app->services[i].second);
		store_close(app->services[i].store);
		tls_destroy(app->services[i].tls);
	}
	if (app->gateway != NULL) {
		tls_destroy(app->gateway->tls);
	}
	arena_finish(&app->arena);
	free(app);
}
