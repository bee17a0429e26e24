/*
 * The half that sees both wire and records: takes requests from http, finds their operation, runs
 * its query on the store and answers.
 *
 * A `struct api` is one service's place in the program; an `api_loop` is its part on one loop, with
 * the http server's context, the store session and counters of its own: nothing is shared while
 * requests run. An `api_binding` ties one service (one state of the service file) to one loop.
 *
 * Ownership: api_create() to api_destroy(); loops attached in between.
 * Threads: api_replace() may be called on any thread; api_loop functions on their loop.
 * Errors: answered in the shape of the service file. Limits: those of the service.
 */
#ifndef ROWLOCK_API_API_H
#define ROWLOCK_API_API_H

#include "api/service.h"
#include "base/log.h"
#include "http/http.h"
#include "net/loop.h"
#include "store/store.h"

struct api;
struct cache;
struct redis;
struct api_loop;
struct auth_fetch;
struct auth_session;

struct api_options {
	const struct log *log;
	const struct limits *limits;
	struct store *store;
	struct cache *cache; /* of answers; NULL: none */
	struct redis *redis; /* its second level; NULL: none */
	struct str link_key; /* LINK_KEY, "": none; borrowed */
	bool open;           /* bound beyond loopback: any Host is taken */
	/* False while the program is not ready to serve (draining). NULL: always. */
	bool (*ready)(void *context);
	/* Is the resource's file still to be loaded? Then nothing is said of rows that are not there.
	 * NULL: none is. */
	bool (*loads)(void *context, const struct resource *resource);
	void *context;
};

/* What is tied together on one loop for one state of the service file. */
struct api_binding {
	struct api_loop *loop;
	struct service *service;       /* one reference */
	struct auth_session *auth;     /* owned; NULL: the service has no `auth` */
	struct auth_fetch *fetch;      /* owned; on the first loop, while it is the newest; or NULL */
	size_t calls;                  /* under way */
	struct operation_stats *stats; /* owned, by operation number */
};

/* Takes one reference of the service over. */
struct api *api_create(struct service *service, const struct api_options *options);
void api_destroy(struct api *api);
/* On the loop's thread or before it runs. NULL with an error when the store cannot be attached. */
struct api_loop *api_attach(struct api *api, struct loop *loop, struct error *error);
/* No request is under way any more: ends what is done without being asked, then calls `done`,
 * perhaps at once. The loop runs on until then. */
void api_end(struct api_loop *loop, void (*done)(void *context), void *context);
/* After that; or when the loop has never run. */
void api_detach(struct api_loop *loop);
/* Puts another state of the service file in place; every loop takes it over at its next turn. Takes
 * one reference over. Any thread. */
void api_replace(struct api *api, struct service *service);
/* False while keys that are fetched have not come. Any thread. */
bool api_is_ready(struct api *api);
/* The callbacks for an http server of this loop; `server` is told when it is made. */
void api_http_options(struct api_loop *loop, struct http_server_options *ret_options);
void api_set_server(struct api_loop *loop, struct http_server *server);

#endif
