/*
 * The running program: loops, services, their stores and listeners. The one place where all parts
 * meet.
 *
 * Ownership: app_create() to app_destroy(); it owns everything that runs. Options are borrowed.
 * Threads: the main thread runs the first loop; each further loop has a thread of its own.
 * Errors: written to the log with what to do next. Limits: of the first service file for loops and
 * what the process shares; of each service for the rest.
 */
#ifndef ROWLOCK_APP_APP_H
#define ROWLOCK_APP_APP_H

#include "base/log.h"

struct app;

/* `--set NAME.KEY=VALUE`, or --listen and --store for the only service. */
struct app_override {
	const char *service; /* NULL: the only one */
	const char *key;     /* listen | store */
	const char *value;
};

struct app_options {
	const char *const *files; /* service files */
	size_t file_count;
	/* The address of a gateway over all services; NULL: none. `mounts` has the path of each of
	 * `files` there, "" for its service's name. */
	const char *gateway;
	const char *const *mounts;
	/* PEM files of the gateway, or without one of the only service, in place of its file's; both or
	 * neither. */
	const char *tls_certificate;
	const char *tls_key;
	const struct app_override *overrides;
	size_t override_count;
	struct log log;
	/* The URL of a store whose tables are served, without a service file; NULL: none. `files` then
	 * holds the one name by which messages call it. */
	const char *existing;
	bool write; /* to it */
	bool open;  /* other addresses than loopback are fine without auth */
	bool watch; /* reload when a service file changes */
};

/* Loads all services, opens their stores, listens. NULL after it logged what is wrong. */
struct app *app_create(const struct app_options *options);
/* Serves until SIGTERM or SIGINT; then drains. */
void app_run(struct app *app);
/* Accepts NULL. */
void app_destroy(struct app *app);

#endif
