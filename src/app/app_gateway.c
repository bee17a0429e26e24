#include "app/app_priv.h"
#include "codec/url.h"

static bool is_ready(void *context)
{
	struct app *app = context;
	bool ready = !atomic_load(&app->draining);
	for (size_t i = 0; i < app->service_count && ready; i++) {
		ready = !atomic_load(&app->services[i].loading) && api_is_ready(app->services[i].api);
	}
	return ready;
}

/* `/shop/orders` of `shop/orders`. */
static struct str mount_path(struct app *app, struct str folders)
{
	struct buf text;
	buf_init(&text, KIB(64));
	while (folders.len > 0) {
		buf_append_byte(&text, '/');
		url_encode(&text, str_split(&folders, '/'));
	}
	struct str path = arena_copy(&app->arena, buf_str(&text));
	buf_finish(&text);
	return path;
}

static bool set_mount(struct app *app, size_t number, struct error *error)
{
	struct mount *mounts = app->gateway->mounts;
	const struct app_service *service = &app->services[number];
	struct str folders = str_from(app->options.mounts[number]);
	mount_init(&mounts[number], mount_path(app, folders.len > 0 ? folders : service->name));
	for (size_t i = 0; i < number; i++) {
		if (str_equal(mounts[i].path, mounts[number].path)) {
			error_set(error, ERROR_CONFIG, "%s and %s would both be at %.*s of the gateway",
					  app->services[i].file, service->file, STR_ARG(mounts[i].path));
			return error_hint(error, "serve a folder that holds both, or start two processes");
		}
	}
	return true;
}

static bool find_address(struct app *app, struct error *error)
{
	struct address *address = &app->gateway->address;
	if (!address_parse(str_from(app->options.gateway), address, error)) {
		return false;
	}
	for (size_t i = 0; i < app->service_count; i++) {
		if (!address->loopback && !app->options.open && !app->services[i].has_auth) {
			error_set(error, ERROR_CONFIG, "refusing to listen on %s: service %.*s has no auth",
					  address->text, STR_ARG(app->services[i].name));
			return error_hint(error, "listen on 127.0.0.1, or give --open to serve everybody");
		}
		if (str_equal(str_from(app->services[i].address.text), str_from(address->text))) {
			error_set(error, ERROR_CONFIG, "%s and the gateway both listen on %s",
					  app->services[i].file, address->text);
			return error_hint(error, "give one of them another address, or --set NAME.listen=…");
		}
	}
	return address_check_free(address, error);
}

bool app_gateway_reaches_out(const struct app *app)
{
	struct address address;
	struct error ignored;
	return app->options.gateway != NULL &&
		address_parse(str_from(app->options.gateway), &address, &ignored) && !address.loopback;
}

bool app_gateway_open(struct app *app)
{
	struct error error = {0};
	app->gateway = ARENA_NEW(&app->arena, struct app_gateway);
	app->gateway->mounts = ARENA_ARRAY(&app->arena, app->service_count, struct mount);
	bool good = find_address(app, &error);
	for (size_t i = 0; i < app->service_count && good; i++) {
		good = set_mount(app, i, &error);
	}
	if (!good) {
		app_log_error(app, STR("gateway"), &error);
	}
	if (good && app->options.tls_certificate != NULL) {
		struct tls_identity *identity = app_option_identity(app);
		good = identity != NULL;
		app->gateway->tls = good ? tls_create(identity) : NULL;
	}
	return good;
}

bool app_gateway_attach(struct app_server *server, struct error *error)
{
	struct app_loop *loop = server->loop;
	struct app *app = loop->app;
	struct gateway_service *services = ARENA_ARRAY(&app->arena, app->service_count,
												   struct gateway_service);
	for (size_t i = 0; i < app->service_count; i++) {
		services[i] = (struct gateway_service){
			.mount = app->gateway->mounts[i],
			.name = app->services[i].name,
			.loop = loop->servers[i].api_loop,
		};
	}
	const struct gateway_options options = {
		.services = services,
		.count = app->service_count,
		.log = &app->options.log,
		.limits = &app->services[0].limits,
		.ready = is_ready,
		.context = app,
	};
	struct http_server_options http = {.shared = &app->shared, .tls = app->gateway->tls};
	server->gateway = gateway_create(&options);
	gateway_http_options(server->gateway, &http);
	server->server = http_server_create(loop->loop, &app->gateway->address, &http, error);
	return server->server != NULL;
}
