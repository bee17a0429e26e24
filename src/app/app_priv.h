/*
 * The insides of the running program, for this folder: app.c makes and ends it, app_reload.c puts a
 * changed service file in place, app_files.c fills resources from files, app_gateway.c puts
 * services under one address, app_tls.c reads certificates.
 *
 * Ownership: struct app owns all of it.
 * Threads: the main thread, but for app_loop, which belongs to its own, and files that are loaded
 * on a thread of their own while the program serves.
 * Errors: logged. Limits: see app.h.
 */
#ifndef ROWLOCK_APP_APP_PRIV_H
#define ROWLOCK_APP_APP_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "api/api.h"
#include "api/gateway.h"
#include "app/app.h"
#include "base/arena.h"
#include "cache/redis.h"
#include "http/http.h"
#include "net/loop.h"
#include "net/tls.h"
#include "store/store.h"

struct app_service {
	struct app *app;
	const char *file;
	struct limits limits; /* of the first load; a reload does not change them */
	struct str name;      /* arena */
	struct str listen;    /* arena */
	struct str store_url; /* arena */
	struct address address;
	bool has_auth;              /* as it was loaded first */
	struct tls *tls;            /* owned; NULL: plain HTTP */
	struct store *store;        /* owned */
	enum cache_kind cache_kind; /* never CACHE_DEFAULT */
	struct str redis;           /* arena */
	struct str cache_secret;    /* arena */
	struct cache *cache;        /* owned; NULL: none */
	struct redis *second;       /* owned: its second level; NULL: none */
	struct api *api;            /* owned */
	struct service *to_load;    /* one reference: has files that wait; NULL: none */
	_Atomic size_t load_from;   /* the first of its resources whose file does */
	bool waits;                 /* for another service: that is logged */
	_Atomic bool loading;       /* and so it is not ready */
	uv_fs_event_t watch;
	uv_timer_t settle; /* a changed file is read when it has been quiet for a while */
};

/* One service on one loop, or the gateway. */
struct app_server {
	struct app_loop *loop;
	struct app_service *service; /* NULL: the gateway */
	struct api_loop *api_loop;   /* owned; NULL of the gateway */
	struct gateway *gateway;     /* owned; NULL of a service */
	struct http_server *server;  /* owned */
};

struct app_gateway {
	struct address address;
	struct mount *mounts; /* of the services, in their order */
	struct tls *tls;      /* owned; NULL: plain HTTP */
};

struct app_loop {
	struct app *app;
	struct loop *loop; /* owned */
	pthread_t thread;  /* of all but the first */
	struct app_server *servers;
	size_t server_count;
	size_t open; /* servers that are not drained */
	struct task drain;
};

struct app {
	struct app_options options;
	struct arena arena;
	struct str link_key; /* arena; "": none */
	struct app_service *services;
	size_t service_count;
	struct app_loop *loops;
	size_t loop_count;
	struct http_shared shared;
	struct app_gateway *gateway; /* arena; NULL: none */
	_Atomic bool draining;
	pthread_t loader; /* of files that wait */
	bool has_loader;
	uv_signal_t signals[3];
	struct loop_stop_hook stop; /* of the first loop: closes signals and watches */
};

/* Where the model leaves it open: memory for stores whose versions are in memory too. */
enum cache_kind app_cache_kind(const struct model *model);
/* app_files.c: reads what `load:` of the resources names; false when a file cannot be read: logged.
 * A line that is wrong is logged and left out. From the first resource on whose rows may refer to
 * rows of other services files wait until the program serves: these services may need it, or be in
 * it. */
bool app_load_files(struct app_service *service, struct service *loaded);
/* Loads those that wait, on a thread of their own; the service is not ready until then. */
void app_begin_loads(struct app *app);
/* When the program drains, or could not start. */
void app_end_loads(struct app *app);
/* Reads the service file again and puts it in place. A wrong one is logged; the old one stays. */
void app_reload(struct app_service *service);
/* Loads a service file, or what the existing database says of itself, with the program's overrides;
 * NULL after logging what is wrong. *ret_identity: what `tls` of it names; NULL without it. */
struct service *app_load(struct app *app, const char *file, struct tls_identity **ret_identity);
/* Reads what `tls` of a service file names; none: NULL. False after a report. */
bool app_load_identity(const struct tls_files *files, struct model_report *report,
					   struct tls_identity **ret_identity);
/* The files of the command line; they are there. NULL: logged. */
struct tls_identity *app_option_identity(const struct app *app);
/* Reads them again; when they are wrong, that is logged and the old ones stay. */
void app_renew_identity(const struct app *app, struct tls *tls);
/* When all services are there: reads the address and their places. False: logged. */
bool app_gateway_open(struct app *app);
/* Does the gateway, if there is one, listen beyond loopback? Known before it is opened. */
bool app_gateway_reaches_out(const struct app *app);
/* The gateway of a loop whose services are attached. */
bool app_gateway_attach(struct app_server *server, struct error *error);
void app_log_error(const struct app *app, struct str service, const struct error *error);

#endif
