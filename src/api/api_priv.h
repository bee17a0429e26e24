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

struct api_keep;
struct peers;

struct api_loop {
	struct api *api;
	struct loop *loop;
	struct store_session *session; /* owned */
	struct store_session *remote;  /* owned; for queries of other services' rows; NULL: not yet */
	struct redis_loop *redis;      /* owned; NULL: none */
	struct peers *peers;           /* owned; under api->lock; see api_peers() */
	struct api_binding *binding;   /* owned: the state that new requests get */
	struct http_server *server;    /* borrowed */
	struct operation_stats other;  /* requests without an operation */
	uint64_t next_id;              /* of requests */
	struct task adopt;             /* posted by api_replace() */
	bool keeper;            /* does for all loops what is done unasked: links.h, keys by address */
	struct api_keep *keeps; /* owned: of this state of the service file, and of ended ones */
	struct loop_tick collect; /* while there are any */
	bool ended;               /* see api_end() */
	void (*on_ended)(void *context);
	void *ended_context;
	bool adopting; /* under api->lock: the task is posted and did not run yet */
	bool detached; /* the task that is posted frees it */
	struct api_loop *next;
};

/* What the http server of this loop calls; a gateway's does it with the mount of the service. */
void api_handle(struct api_loop *loop, const struct mount *mount, struct http_exchange *exchange);
void api_finished(const struct http_exchange *exchange, int status, uint64_t body_bytes,
				  uint64_t micros);
uint64_t api_body_limit(const struct api_loop *loop, const struct http_request *request);

/* Other services, as this loop asks them; made when it is needed first. Own loop only. */
struct peers *api_peers(struct api_loop *loop);

struct api {
	struct api_options options;
	struct rate *rate; /* owned */
	pthread_mutex_t lock;
	struct service *service; /* under lock: the newest, one reference */
	struct api_loop *loops;  /* under lock */
	_Atomic bool outbox_bell;
};

/* A call of it ends: a binding that was replaced meanwhile goes with its last call. */
void api_binding_release(struct api_binding *binding);

#endif
