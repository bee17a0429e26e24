/*
 * The insides of a service's place in the program, for this folder.
 *
 * Ownership: see api.h. Threads: `lock` guards what metrics and reloads touch on other loops.
 * Errors, Limits: none.
 */
#ifndef ROWLOCK_API_API_PRIV_H
#define ROWLOCK_API_API_PRIV_H

#include <pthread.h>

#include "api/api.h"
#include "api/metrics.h"
#include "api/mount.h"

struct api_loop {
	struct api *api;
	struct loop *loop;
	struct store_session *session; /* owned */
	struct redis_loop *redis;      /* owned; NULL: none */
	struct api_binding *binding;   /* owned: the state that new requests get */
	struct http_server *server;    /* borrowed */
	struct operation_stats other;  /* requests without an operation */
	uint64_t next_id;              /* of requests */
	struct task adopt;             /* posted by api_replace() */
	bool first;                    /* it fetches what is fetched once for all */
	bool adopting;                 /* under api->lock: the task is posted and did not run yet */
	bool detached;                 /* the task that is posted frees it */
	struct api_loop *next;
};

/* What the http server of this loop calls; a gateway's does it with the mount of the service. */
void api_handle(struct api_loop *loop, const struct mount *mount, struct http_exchange *exchange);
void api_finished(const struct http_exchange *exchange, int status, uint64_t body_bytes,
				  uint64_t micros);
uint64_t api_body_limit(const struct api_loop *loop, const struct http_request *request);

struct api {
	struct api_options options;
	struct rate *rate; /* owned */
	pthread_mutex_t lock;
	struct service *service; /* under lock: the newest, one reference */
	struct api_loop *loops;  /* under lock */
};

#endif
